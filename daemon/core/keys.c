/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "core/service.h"

#define OWN_KEY "sign-key"
#define NOTHING "none" /* what the unit's SetCredential= has where there is no such file */

/* in systemd's credentials directory the mode is systemd's affair */
static void look_at_mode(int fd, const char *directory, const char *path)
{
	const char *given = getenv("CREDENTIALS_DIRECTORY");
	struct stat status;

	if (given && strcmp(directory, given) == 0)
		return;
	if (fstat(fd, &status) == 0 && (status.st_mode & 077) != 0)
		log_warning("the key %s is open to others than its owner: chmod 600 %s", path,
			    path);
}

static bool is_nothing(const char *text, size_t n)
{
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' '))
		n--;
	return n == 0 || (n == strlen(NOTHING) && memcmp(text, NOTHING, n) == 0);
}

/* Return: 1 loaded; 0 there is no such file, or nothing in it; -errno, said */
static int load(struct sign_key **ret, const char *directory, const char *name, const char *suffix)
{
	char path[4096], text[SIGN_TEXT_MAX];
	ssize_t n;
	int fd, r;

	(void)snprintf(path, sizeof(path), "%s/%s%s", directory, name, suffix);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd >= 0)
		look_at_mode(fd, directory, path);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text));
	if (n < 0) {
		r = -errno;
		log_err("cannot read the key %s: %s; make it readable for this service", path,
			strerror(-r));
		if (fd >= 0)
			(void)close(fd);
		return r;
	}
	(void)close(fd);
	if (is_nothing(text, (size_t)n))
		return 0;
	r = sign_key_load(ret, text, (size_t)n);
	OPENSSL_cleanse(text, sizeof(text));
	if (r == 0)
		return 1;
	log_err("%s is no key that can be used: %s", path, sign_key_error(r));
	return r;
}

static int load_pair(struct sign_key *ret[2], const char *directory, const char *name,
		     enum sign_kind kind, const char *for_what)
{
	int r = load(&ret[0], directory, name, "");

	if (r == 0) {
		log_err("there is no key %s/%s, needed for %s; make it with: wastewatch keygen "
			"--credentials DIR (the service takes it from /etc/wastewatch/credentials)",
			directory, name, for_what);
		return -ENOENT;
	}
	if (r > 0)
		r = load(&ret[1], directory, name, ".old");
	if (r < 0)
		return r;
	for (int i = 0; i < 2; i++)
		if (ret[i] && sign_key_kind(ret[i]) != kind) {
			log_err("%s/%s is a key of the wrong kind; %s is needed for %s", directory,
				name, kind == SIGN_HMAC ? "a whsec_ secret" : "an Ed25519 key",
				for_what);
			return -EKEYREJECTED;
		}
	return 0;
}

void keys_done(struct keys *keys)
{
	for (int i = 0; i < 2; i++)
		(void)sign_key_free(keys->own[i]);
	for (size_t j = 0; keys->destinations && j < keys->n_destinations; j++)
		for (int i = 0; i < 2; i++)
			(void)sign_key_free(keys->destinations[j][i]);
	free(keys->destinations);
	free(keys->lacking);
	*keys = (struct keys){0};
}

/* What cannot be had is no reason to measure and to tell nothing: reports go with the other
 * signature. Return: 0; -ENOMEM. */
static int load_secret(struct keys *keys, size_t i, const char *directory,
		       const struct config_destination *destination)
{
	int r = load_pair(keys->destinations[i], directory, destination->hmac_secret, SIGN_HMAC,
			  destination->name);

	if (r == 0 || r == -ENOMEM)
		return r;
	for (int k = 0; k < 2; k++)
		keys->destinations[i][k] = sign_key_free(keys->destinations[i][k]);
	(void)snprintf(keys->lacking[i], sizeof(keys->lacking[i]), "the credential %.128s %s",
		       destination->hmac_secret, r == -ENOENT ? "is not there" : "cannot be used");
	return 0;
}

const char *keys_newly_lacking(const struct keys *keys, const struct config *config,
			       const struct keys *old, const struct config *old_config)
{
	for (size_t i = 0; i < keys->n_destinations; i++) {
		bool is_new = *keys->lacking[i];

		for (size_t j = 0; is_new && j < old->n_destinations; j++)
			is_new = !*old->lacking[j] ||
				 strcmp(config->destinations[i].hmac_secret,
					old_config->destinations[j].hmac_secret) != 0;
		if (is_new)
			return keys->lacking[i];
	}
	return NULL;
}

bool keys_is_lacking(const struct keys *keys, size_t destination)
{
	return destination < keys->n_destinations && *keys->lacking[destination];
}

size_t keys_n_lacking(const struct keys *keys)
{
	size_t n = 0;

	for (size_t i = 0; i < keys->n_destinations; i++)
		n += *keys->lacking[i] != '\0';
	return n;
}

void keys_tell(const struct service *service)
{
	for (size_t i = 0; i < service->keys.n_destinations; i++) {
		struct event event = event_plain(EVENT_CREDENTIAL_MISSING, service_now(service));

		if (!*service->keys.lacking[i])
			continue;
		event.name = service->config->destinations[i].name;
		event.reason = service->keys.lacking[i];
		core_event(service->core, &event);
	}
}

int keys_load(struct keys *ret, const struct config *config, const char *directory)
{
	struct keys keys = {.n_destinations = config->n_destinations};
	int r;

	if (!directory) {
		log_err("no directory with keys: give --credentials DIR, or let systemd set "
			"$CREDENTIALS_DIRECTORY by LoadCredential=");
		return -ENOENT;
	}
	keys.destinations = calloc(config->n_destinations + 1, sizeof(*keys.destinations));
	keys.lacking = calloc(config->n_destinations + 1, sizeof(*keys.lacking));
	if (!keys.destinations || !keys.lacking) {
		keys_done(&keys);
		return -ENOMEM;
	}
	r = load_pair(keys.own, directory, OWN_KEY, SIGN_ED25519, "signing reports and the record");
	for (size_t i = 0; r == 0 && i < config->n_destinations; i++) {
		const struct config_destination *destination = &config->destinations[i];

		/* a file is not signed: it goes to a server that asks for a login */
		if (destination->kind == DESTINATION_REPORTS && *destination->hmac_secret)
			r = load_secret(&keys, i, directory, destination);
	}
	if (r < 0) {
		keys_done(&keys);
		return r;
	}
	*ret = keys;
	return 0;
}
