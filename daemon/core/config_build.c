/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "core/config_names.h"
#include "core/config_reference.h"
#include "core/config_text.h"

/* main file */

static void check_storage(struct config_mapping *mapping, const struct config_storage *storage)
{
	if (config_usable(mapping, "storage-low") && config_usable(mapping, "storage-critical") &&
	    storage->low_mib < storage->critical_mib)
		config_error(mapping,
			     config_given(mapping, "storage-critical") ? "storage-critical"
								       : "storage-low",
			     "it would be critical before it is low; allowed: storage-critical of "
			     "at most storage-low");
	if (config_usable(mapping, "storage-low-inodes") &&
	    config_usable(mapping, "storage-critical-inodes") &&
	    storage->low_inodes < storage->critical_inodes)
		config_error(mapping,
			     config_given(mapping, "storage-critical-inodes")
				     ? "storage-critical-inodes"
				     : "storage-low-inodes",
			     "it would be critical before it is low; allowed: "
			     "storage-critical-inodes of at most storage-low-inodes");
}

int config_finish_main(struct config_mapping *mapping, void *data)
{
	struct config *config = mapping->reader->config;
	struct main_draft *draft = data;

	config->origin = steal(&draft->config.origin);
	config->reporter = draft->config.reporter;
	draft->config.reporter = (struct config_reporter){0};
	config->grid_ms = draft->config.grid_ms;
	config->capture_percent = draft->config.capture_percent;
	config->incident_clear_ms = draft->config.incident_clear_ms;
	config->report_interval_ms = draft->config.report_interval_ms;
	config->verify_interval_ms = draft->config.verify_interval_ms;
	config->minute_retention_days = draft->config.minute_retention_days;
	config->storage = draft->config.storage;
	check_storage(mapping, &config->storage);
	config->crossing = draft->config.crossing; /* settings only, no lists yet */
	if (config_usable(mapping, "crossing-likely") &&
	    config_usable(mapping, "crossing-possible") &&
	    config->crossing.likely < config->crossing.possible)
		config_error(mapping,
			     config_given(mapping, "crossing-likely") ? "crossing-likely"
								      : "crossing-possible",
			     "what is likely would not even be possible; allowed: crossing-likely "
			     "of at least crossing-possible");
	if (config_usable(mapping, "timezone"))
		(void)config_zone_parse(draft->timezone, &config->zone_min); /* checked */
	return 0;
}

/* a site and its devices */

int config_finish_site(struct config_mapping *mapping, void *data)
{
	struct config_reader *reader = mapping->reader;
	struct config *config = reader->config;
	struct site_draft *draft = data;
	struct config_site *site = &draft->site;
	bool placed = config_given(mapping, "position");
	int r;

	if (placed && (fabs(draft->position[0]) > 90 || fabs(draft->position[1]) > 180))
		config_error(mapping, "position",
			     "there is no such place; allowed: [latitude -90 to 90, longitude -180 "
			     "to 180]");
	site->latitude = placed ? draft->position[0] : (double)NAN;
	site->longitude = placed ? draft->position[1] : (double)NAN;
	reader->site = config->n_sites;
	reader->first_link = config->n_links;
	reader->first_unit = config->n_units;
	reader->first_site_channel = config->n_channels;
	r = config_take_met(mapping, draft);
	if (r == 0)
		r = config_names_claim(mapping, "site", KIND_SITE, 0, site->name, config->n_sites);
	if (r == 0)
		r = config_default_text(&site->title, site->name);
	if (r == 0)
		r = config_default_text(&site->file, reader->file);
	if (r == 0)
		r = config_append(&config->sites, &config->n_sites, site, sizeof(*site));
	free(site->file); /* NULL once it has moved */
	return r;
}

int config_finish_source(struct config_mapping *mapping, void *data)
{
	struct config_reader *reader = mapping->reader;
	struct config *config = reader->config;
	struct source_draft *draft = data;
	struct config_source *source = &draft->source;
	int r;

	source->site = reader->site;
	source->flow = CONFIG_NONE; /* known when its channels are: config_source_done() */
	reader->source = config->n_sources;
	reader->first_channel = config->n_channels;
	reader->first_standard = config->n_standards;
	reader->first_limit = config->n_limits;
	r = config_take_release(mapping, draft);
	if (r == 0)
		r = config_names_claim(mapping, "name", KIND_SOURCE, reader->site, source->name,
				       config->n_sources);
	if (r == 0)
		r = config_default_text(&source->title, source->name);
	if (r == 0)
		return config_append(&config->sources, &config->n_sources, source, sizeof(*source));
	return r;
}

/* limits of whole standards first: what is limited is what has a mass */
int config_done_source(struct config_mapping *mapping)
{
	int r = config_take_standards(mapping);

	return r < 0 ? r : config_find_flow(mapping);
}
