/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/check_credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/unit_credentials.h"

#define CONFIG_OF_SERVICE "/etc/wastewatch"
#define KEYS_OF_SERVICE	  "/etc/wastewatch/credentials"
#define NOTHING		  "none" /* SetCredential= of the unit, where there is no file */

/* struct looking - @n_needed, and @n_hidden: of those, which the caller may not look at */
struct looking {
	const char *directory; /* of the core's; NULL: as the units say */
	struct unit_credentials core;
	struct unit_credentials sender;
	size_t n_needed;
	size_t n_hidden;
	FILE *out;
};

/* of a credential: there, empty or the word that stands for it; -ENOENT; -EACCES it cannot be seen
 */
static int look_at_file(const char *path)
{
	char text[sizeof(NOTHING) + 1] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return errno == ENXIO ? 0 : -errno; /* a socket is asked by the service manager */
	n = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	text[strcspn(text, " \n")] = '\0';
	return n < 0 ? -errno : !*text || strcmp(text, NOTHING) == 0 ? -ENOENT : 0;
}

/* one line for each of them that is not there, with what to do */
static void judge(struct looking *looking, int r, const char *name, const char *what,
		  const char *where, const char *unit)
{
	if (r == -EACCES)
		looking->n_hidden++;
	if (r == 0 || r == -EACCES)
		return;
	if (r == -ENXIO)
		(void)fprintf(looking->out,
			      "warning: %s: the unit %s hands no credential %s over; allowed: "
			      "LoadCredential=%s:PATH, by systemctl edit %s\n",
			      what, unit, name, name, unit);
	else
		(void)fprintf(
			looking->out,
			"warning: %s: the credential %s is not there (%s); put it there before "
			"you restart %s\n",
			what, name, where, unit);
}

static void look_for(struct looking *looking, const struct unit_credentials *unit,
		     const char *unit_name, const char *name, const char *what)
{
	char path[UNIT_PATH_MAX];
	int r;

	looking->n_needed++;
	if (looking->directory) {
		(void)snprintf(path, sizeof(path), "%s/%s", looking->directory, name);
		r = look_at_file(path);
	} else {
		r = unit_credentials_find(unit, name, path);
		if (r == 1)
			r = look_at_file(path);
	}
	judge(looking, r, name, what, path, unit_name);
}

static void look_for_core(struct looking *looking, const struct config *config)
{
	char what[256];

	look_for(looking, &looking->core, UNIT_CORE, "sign-key", "signing");
	for (size_t i = 0; i < config->n_destinations; i++) {
		const struct config_destination *destination = &config->destinations[i];

		if (destination->kind != DESTINATION_REPORTS || !*destination->hmac_secret)
			continue;
		(void)snprintf(what, sizeof(what), "hmac-secret of %s", destination->name);
		look_for(looking, &looking->core, UNIT_CORE, destination->hmac_secret, what);
	}
}

static void look_for_sender(struct looking *looking, const struct config *config)
{
	char what[256];

	for (size_t i = 0; i < config->n_destinations; i++) {
		const struct config_destination *destination = &config->destinations[i];
		const struct {
			const char *key;
			const char *name;
		} needs[] = {
			{"ca", destination->ca},
			{"certificate", destination->certificate},
			{"key", destination->key},
			{"password", destination->password},
			{"host-key", destination->host_key},
		};

		for (size_t k = 0; k < ARRAY_SIZE(needs); k++) {
			if (!needs[k].name || !*needs[k].name)
				continue;
			(void)snprintf(what, sizeof(what), "%s of %s", needs[k].key,
				       destination->name);
			look_for(looking, &looking->sender, UNIT_SENDER, needs[k].name, what);
		}
	}
}

static bool is_given(const struct command_options *options)
{
	return strcmp(options->credentials, KEYS_OF_SERVICE) != 0;
}

/* the units say nothing of another one, unless it is said which units */
static bool is_of_service(const struct command_options *options)
{
	return strcmp(options->config, CONFIG_OF_SERVICE) == 0 || getenv("SYSTEMD_UNIT_PATH");
}

enum credentials_seen check_credentials(const struct config *config,
					const struct command_options *options, FILE *out)
{
	struct looking looking = {.directory = getenv("CREDENTIALS_DIRECTORY"), .out = out};

	if (!looking.directory && is_given(options))
		looking.directory = options->credentials;
	if (!looking.directory &&
	    (!is_of_service(options) || unit_credentials_read(&looking.core, UNIT_CORE) < 0))
		return CREDENTIALS_UNSEEN;
	look_for_core(&looking, config);
	if (!looking.directory && unit_credentials_read(&looking.sender, UNIT_SENDER) == 0)
		look_for_sender(&looking, config);
	unit_credentials_done(&looking.core);
	unit_credentials_done(&looking.sender);
	return looking.n_hidden > 0 ? CREDENTIALS_PARTLY : CREDENTIALS_SEEN;
}
