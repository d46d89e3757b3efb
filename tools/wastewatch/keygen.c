/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/config.h"
#include "core/sign.h"
#include "tools/command.h"
#include "tools/say.h"

#define SECRET_BYTES 32

/* a new random secret: @prefix and base64 */
static int make_text(const char *prefix, char text[static 128])
{
	uint8_t bytes[SECRET_BYTES], base64[64];
	int n;

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return -EIO;
	n = EVP_EncodeBlock(base64, bytes, sizeof(bytes));
	(void)snprintf(text, 128, "%s%.*s\n", prefix, n, (const char *)base64);
	OPENSSL_cleanse(bytes, sizeof(bytes));
	OPENSSL_cleanse(base64, sizeof(base64));
	return 0;
}

/* written whole or not at all: a key cut short would be found out only when it is needed */
static int write_key(const char *path, const char *text)
{
	char temporary[4096 + 8];
	int fd, r = 0;

	(void)snprintf(temporary, sizeof(temporary), "%s.new", path);
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text) || fsync(fd) < 0)
		r = errno ? -errno : -EIO;
	(void)close(fd);
	if (r == 0 && rename(temporary, path) < 0)
		r = -errno;
	if (r < 0)
		(void)unlink(temporary);
	return r;
}

static int print_public(const struct command_options *options, const char *path)
{
	CLEANUP(sign_key_free) struct sign_key *key = NULL;
	char text[SIGN_TEXT_MAX], public_key[SIGN_PUBLIC_TEXT], id[SIGN_KEY_ID_TEXT];
	int fd = open(path, O_RDONLY | O_CLOEXEC), r;
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (fd >= 0)
		(void)close(fd);
	if (n < 0)
		return command_fail("cannot read %s: %s", path, strerror(errno));
	r = sign_key_load(&key, text, (size_t)n);
	OPENSSL_cleanse(text, sizeof(text));
	if (r < 0 || sign_key_public(key, public_key) < 0 || sign_key_id(key, id) < 0)
		return command_fail("%s is no Ed25519 key: %s", path, sign_key_error(r));
	if (options->json)
		(void)printf("{\"id\":\"%s\",\"public_key\":\"%s\"}\n", id, public_key);
	else
		say("Public key for the department (key id %s):\n%s\n", id, public_key);
	return EXIT_SUCCESS;
}

static int make(const struct command_options *options, const char *name, const char *prefix)
{
	char path[4096], text[128] = "";
	int r;

	(void)snprintf(path, sizeof(path), "%s/%s", options->credentials, name);
	if (access(path, F_OK) == 0) {
		if (!options->json)
			say("%s is there already and was left as it is\n", path);
		return EXIT_SUCCESS;
	}
	r = make_text(prefix, text);
	if (r == 0)
		r = write_key(path, text);
	OPENSSL_cleanse(text, sizeof(text));
	if (r < 0)
		return command_fail("cannot write %s: %s", path, strerror(-r));
	if (!options->json)
		say("made %s\n", path);
	return EXIT_SUCCESS;
}

static bool is_configured(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->n_destinations; i++)
		if (strcmp(config->destinations[i].hmac_secret, name) == 0)
			return true;
	return strcmp(name, "sign-key") == 0;
}

/* The old key stays as NAME.old, and signs beside the new one until it is taken away. Whatever ends
 * us in between, there is a key. */
static int rotate(const struct command_options *options, const struct config *config)
{
	const char *name = options->argument ? options->argument : "sign-key";
	char path[4096], old[4096 + 8], text[128] = "";
	int r;

	if (!is_configured(config, name))
		return command_fail("%s is neither sign-key nor a destination's hmac-secret", name);
	(void)snprintf(path, sizeof(path), "%s/%s", options->credentials, name);
	(void)snprintf(old, sizeof(old), "%s.old", path);
	if (link(path, old) < 0)
		return command_fail(errno == EEXIST
					    ? "cannot rotate %s: %s: the last rotation has not "
					      "ended; remove NAME.old when the receivers have the "
					      "new key, and restart"
					    : "cannot rotate %s: %s",
				    path, strerror(errno));
	r = make_text(strcmp(name, "sign-key") == 0 ? "whsk_" : "whsec_", text);
	if (r == 0)
		r = write_key(path, text);
	OPENSSL_cleanse(text, sizeof(text));
	if (r < 0) {
		(void)unlink(old);
		return command_fail("cannot write %s: %s", path, strerror(-r));
	}
	if (!options->json)
		say("made a new %s; the one before is %s. Next: systemctl restart wastewatchd; the "
		    "record then names the new key, signed by the old one. When the receivers "
		    "have the new one: remove %s and restart again.\n",
		    path, old, old);
	return strcmp(name, "sign-key") == 0 ? print_public(options, path) : EXIT_SUCCESS;
}

int command_keygen(const struct command_options *options)
{
	CLEANUP(config_free) struct config *config = NULL;
	char path[4096];
	int r = config_load(&config, options->config, stderr, NULL);

	if (r < 0)
		return command_fail("the configuration in %s cannot be used; it names the keys",
				    options->config);
	if (options->rotate)
		return rotate(options, config);
	if (options->argument)
		return command_fail("%s: a name goes with --rotate only", options->argument);
	r = make(options, "sign-key", "whsk_");
	for (size_t i = 0; r == EXIT_SUCCESS && i < config->n_destinations; i++)
		if (*config->destinations[i].hmac_secret)
			r = make(options, config->destinations[i].hmac_secret, "whsec_");
	(void)snprintf(path, sizeof(path), "%s/sign-key", options->credentials);
	return r == EXIT_SUCCESS ? print_public(options, path) : r;
}
