/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/config_names.h"
#include "core/config_text.h"

#define ON(scheme) (1U << CONFIG_##scheme)
#define REPORTS	   (ON(HTTPS) | ON(HTTP))
#define FILES	   (ON(FTP) | ON(FTPES) | ON(SFTP))

/* which keys mean something for which kinds of destination, and which must be there */
static const struct {
	const char *key;
	unsigned int fits;
	unsigned int needed;
	const char *allowed;
} keys[] = {
	{"hmac-secret", REPORTS, 0, "with https, for reports are signed and files are not"},
	{"min-class", REPORTS, 0, "with https, for files hold all that was measured"},
	{"drills", REPORTS, 0, "with https, for files hold what was measured, never a drill"},
	{"certificate", REPORTS, 0, "with https"},
	{"key", REPORTS | ON(SFTP), 0, "with https (and certificate) or sftp"},
	{"ca", REPORTS | ON(FTPES), 0, "with https or ftpes; sftp has host-key"},
	{"user", FILES, FILES, "with sftp, ftpes or ftp"},
	{"password", FILES, ON(FTP) | ON(FTPES), "with sftp, ftpes or ftp"},
	{"host-key", ON(SFTP), ON(SFTP), "with sftp"},
};

static void check_keys(const struct config_mapping *mapping, enum config_scheme scheme)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (config_given(mapping, keys[i].key) && !(keys[i].fits & 1U << scheme))
			config_error(mapping, keys[i].key,
				     "\"%s\" means nothing for this URL; allowed: %s", keys[i].key,
				     keys[i].allowed);
		if (config_state(mapping, keys[i].key) == OPTION_ABSENT &&
		    keys[i].needed & 1U << scheme)
			config_lacking(mapping, keys[i].key);
	}
	if (REPORTS & 1U << scheme &&
	    config_given(mapping, "certificate") != config_given(mapping, "key"))
		config_error(mapping, config_given(mapping, "key") ? "key" : "certificate",
			     "\"certificate\" and \"key\" go together; allowed: both or neither");
	if (scheme == CONFIG_SFTP && config_state(mapping, "password") == OPTION_ABSENT &&
	    config_state(mapping, "key") == OPTION_ABSENT)
		config_error(mapping, "password",
			     "there is nothing to log in with; allowed: password, key or both, "
			     "names of credentials");
}

static void check_url(const struct config_mapping *mapping, struct config_destination *d)
{
	enum config_scheme scheme;
	bool local;

	if (!config_usable(mapping, "url") || config_url_parse(d->url, &scheme, &local))
		return;
	d->kind = (REPORTS & 1U << scheme) ? DESTINATION_REPORTS : DESTINATION_FILES;
	check_keys(mapping, scheme);
	if (scheme == CONFIG_FTP && !local)
		config_warning(mapping, "url",
			       "with plain FTP the password and the data travel in clear and "
			       "anybody on the way can change them; use ftpes:// or sftp:// if the "
			       "department offers it");
}

int config_finish_destination(struct config_mapping *mapping, void *data)
{
	struct config *config = mapping->reader->config;
	struct config_destination *d = &((struct destination_draft *)data)->destination;
	int r;

	check_url(mapping, d);
	if (config->n_destinations >= CONFIG_DESTINATIONS_MAX)
		config_error(mapping, "name", "one destination too many; allowed: %d",
			     CONFIG_DESTINATIONS_MAX);
	r = config_names_claim(mapping, "name", KIND_DESTINATION, 0, d->name,
			       config->n_destinations);
	return r < 0 ? r
		     : config_append(&config->destinations, &config->n_destinations, d, sizeof(*d));
}
