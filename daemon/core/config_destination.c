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
	{"min-level", REPORTS, 0, "with https, for files hold all that was measured"},
	{"min-verdict", REPORTS, 0, "with https, for files hold all that was measured"},
	{"kinds", REPORTS, 0, "with https, for files hold all that was measured"},
	{"sites", REPORTS, 0, "with https; a site's stations name where their files go"},
	{"receptors", REPORTS, 0, "with https, for files hold all that was measured"},
	{"clock-tolerance", REPORTS, 0, "with https, for files have no time stamp"},
	{"heartbeat", REPORTS, 0, "with https, for files come every five minutes"},
	{"format", REPORTS, 0, "with https, for files have their own form"},
	{"language", REPORTS, 0, "with https and format: cap"},
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

/* a list of kinds as bits */
static uint32_t kinds_of(const struct config_mapping *mapping, const struct config_words *words)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < words->n; i++) {
		uint32_t bit = 0;

		for (unsigned int kind = 0; kind < N_WASTE_KINDS; kind++)
			if (strcmp(words->text[i], waste_kind_text((enum waste_kind)kind)) == 0)
				bit = 1U << kind;
		if (bit == 0)
			config_error_item(mapping, "kinds", i,
					  "there is no kind of waste \"%s\"; allowed: liquid, gas, "
					  "solid",
					  words->text[i]);
		bits |= bit;
	}
	return bits;
}

static void check_audience(const struct config_mapping *mapping, struct destination_draft *draft)
{
	struct config_destination *d = &draft->destination;
	const struct config_node *sites = config_node_find(mapping->node, "sites");
	const struct config_node *receptors = config_node_find(mapping->node, "receptors");

	d->kinds = kinds_of(mapping, &draft->kinds);
	d->sites_line = sites ? sites->line : 1;
	d->sites_column = sites ? sites->column : 1;
	d->receptors_line = receptors ? receptors->line : 1;
	d->receptors_column = receptors ? receptors->column : 1;
	if (config_given(mapping, "language") && d->format != FORMAT_CAP)
		config_error(mapping, "language",
			     "a JSON report has no language; allowed: with format: cap");
}

/** struct naming - a list of names in a destination */
struct naming {
	const struct config_words *words;
	enum config_kind kind;
	const char *what;
	unsigned int line;
	unsigned int column;
};

static void list_all(const struct config *config, enum config_kind kind,
		     struct config_listing *listing)
{
	for (size_t i = 0; kind == KIND_SITE && i < config->n_sites; i++)
		config_names_list(listing, config->sites[i].name);
	for (size_t i = 0; kind == KIND_TARGET && i < config->crossing.n_targets; i++)
		config_names_list(listing, config->crossing.targets[i].name);
}

static void check_naming(struct config_reader *reader, const struct naming *naming)
{
	for (size_t i = 0; i < naming->words->n; i++) {
		const char *name = naming->words->text[i];
		struct config_listing listing = {.wanted = name, .least = CONFIG_SUGGESTION};

		if (config_names_find(reader, naming->kind, 0, name))
			continue;
		list_all(reader->config, naming->kind, &listing);
		config_report_error(reader->report, reader->main_file, naming->line, naming->column,
				    "there is no %s \"%s\"%s%s%s; allowed: %s", naming->what, name,
				    listing.nearest ? ", did you mean \"" : "",
				    listing.nearest ? listing.nearest : "",
				    listing.nearest ? "\"?" : "",
				    listing.n > 0 ? listing.text : "none, for none is configured");
	}
}

/* what is named exists is known only when all has been read */
void config_destinations_check(struct config_reader *reader)
{
	for (size_t i = 0; i < reader->config->n_destinations; i++) {
		const struct config_destination *d = &reader->config->destinations[i];

		check_naming(reader, &(struct naming){&d->sites, KIND_SITE, "site", d->sites_line,
						      d->sites_column});
		check_naming(reader,
			     &(struct naming){&d->receptors, KIND_TARGET, "boundary or receptor",
					      d->receptors_line, d->receptors_column});
	}
}

int config_finish_destination(struct config_mapping *mapping, void *data)
{
	struct config *config = mapping->reader->config;
	struct config_destination *d = &((struct destination_draft *)data)->destination;
	int r;

	check_url(mapping, d);
	check_audience(mapping, data);
	if (config->n_destinations >= CONFIG_DESTINATIONS_MAX)
		config_error(mapping, "name", "one destination too many; allowed: %d",
			     CONFIG_DESTINATIONS_MAX);
	r = config_names_claim(mapping, "name", KIND_DESTINATION, 0, d->name,
			       config->n_destinations);
	return r < 0 ? r
		     : config_append(&config->destinations, &config->n_destinations, d, sizeof(*d));
}
