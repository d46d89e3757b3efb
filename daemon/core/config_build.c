/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "core/config_names.h"
#include "core/config_text.h"

/* main file */

int config_finish_destination(struct config_mapping *mapping, void *data)
{
	struct config *config = mapping->reader->config;
	struct config_destination *d = &((struct destination_draft *)data)->destination;
	int r;

	if (config_given(mapping, "certificate") != config_given(mapping, "key"))
		config_error(mapping, config_given(mapping, "key") ? "key" : "certificate",
			     "\"certificate\" and \"key\" go together; allowed: both or neither");
	if (config->n_destinations >= CONFIG_DESTINATIONS_MAX)
		config_error(mapping, "name", "one destination too many; allowed: %d",
			     CONFIG_DESTINATIONS_MAX);
	r = config_names_claim(mapping, "name", KIND_DESTINATION, 0, d->name,
			       config->n_destinations);
	return r < 0 ? r
		     : config_append(&config->destinations, &config->n_destinations, d, sizeof(*d));
}

int config_finish_main(struct config_mapping *mapping, void *data)
{
	struct config *config = mapping->reader->config;
	struct main_draft *draft = data;

	config->origin = steal(&draft->config.origin);
	config->grid_ms = draft->config.grid_ms;
	config->capture_percent = draft->config.capture_percent;
	config->incident_clear_ms = draft->config.incident_clear_ms;
	config->report_interval_ms = draft->config.report_interval_ms;
	config->minute_retention_days = draft->config.minute_retention_days;
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

/** claim_address() - one connection per device server is what most of them bear */
static int claim_address(struct config_mapping *mapping, const struct config_link *link)
{
	const struct config_name *first;

	first = config_names_find(mapping->reader, KIND_ADDRESS, link->port, link->host);
	if (first)
		config_warning(mapping, "tcp",
			       "a second link goes to %s port %u, the first is at %s:%u; many "
			       "devices serve one connection only: put both units on one link",
			       link->host, link->port, first->file, first->line);
	return config_names_add(mapping->reader,
				(struct config_name){KIND_ADDRESS, link->port, link->host, 0,
						     mapping->reader->file, mapping->node->line});
}

int config_finish_link(struct config_mapping *mapping, void *data)
{
	struct config *config = mapping->reader->config;
	struct link_draft *draft = data;
	struct config_link *link = &draft->link;
	char host[CONFIG_HOST_MAX] = "";
	int r;

	link->kind = WIRE_LINK_TCP;
	link->line = mapping->node->line;
	link->column = mapping->node->column;
	link->site = mapping->reader->site;
	link->backoff_min_ms = draft->backoff_ms[0];
	link->backoff_max_ms = draft->backoff_ms[1];
	if (config_usable(mapping, "backoff") && link->backoff_min_ms > link->backoff_max_ms)
		config_error(mapping, "backoff",
			     "the first wait is longer than the longest; "
			     "allowed: [shorter, longer], such as [1s, 60s]");
	if (config_usable(mapping, "tcp"))
		(void)config_address_parse(draft->tcp, host, &link->port); /* checked */
	r = config_default_text(&link->host, host);
	if (r == 0 && host[0])
		r = claim_address(mapping, link);
	if (r == 0)
		r = config_names_claim(mapping, "name", KIND_LINK, link->site, link->name,
				       config->n_links);
	if (r == 0)
		r = config_append(&config->links, &config->n_links, link, sizeof(*link));
	free(link->host); /* NULL once it has moved */
	return r;
}

static void check_unit(const struct config_mapping *mapping, const struct config_unit *unit)
{
	uint32_t grid_ms = mapping->reader->config->grid_ms;
	bool interval = config_usable(mapping, "interval");

	/* Modbus over Serial Line V1.02 §2.2: 248-255 reserved; over TCP 255 is the device itself
	 */
	if (config_usable(mapping, "id") && unit->id > 247 && unit->id < 255)
		config_error(mapping, "id", "the unit id %u is reserved; allowed: 0 to 247, or 255",
			     unit->id);
	if (interval && config_usable(mapping, "timeout") && unit->timeout_ms > unit->interval_ms)
		config_error(mapping, config_given(mapping, "timeout") ? "timeout" : "interval",
			     "the timeout of %u ms is longer than the interval; allowed: up to %u "
			     "ms, so that a silent device does not miss its next turn",
			     unit->timeout_ms, unit->interval_ms);
	if (interval && grid_ms > 0 && unit->interval_ms % grid_ms != 0)
		config_error(mapping, "interval",
			     "the interval of %u ms is off the grid; allowed: multiples of %u ms",
			     unit->interval_ms, grid_ms);
}

/** resolve_link() - by its name in this site; reports a dangling one */
static size_t resolve_link(const struct config_mapping *mapping, const char *wanted)
{
	const struct config_reader *reader = mapping->reader;
	const struct config *config = reader->config;
	struct config_listing listing = {.wanted = wanted, .least = CONFIG_SUGGESTION};
	const struct config_name *found;

	if (!config_usable(mapping, "link"))
		return 0;
	found = config_names_find(reader, KIND_LINK, reader->site, wanted);
	if (found)
		return found->index;
	for (size_t i = reader->first_link; i < config->n_links; i++)
		config_names_list(&listing, config->links[i].name);
	config_names_dangling(mapping, "link", "link", &listing);
	return 0;
}

int config_finish_unit(struct config_mapping *mapping, void *data)
{
	struct config_reader *reader = mapping->reader;
	struct config *config = reader->config;
	struct unit_draft *draft = data;
	struct config_unit *unit = &draft->unit;
	int r;

	check_unit(mapping, unit);
	unit->link = resolve_link(mapping, draft->link);
	r = config_names_claim(mapping, "name", KIND_UNIT, reader->site, unit->name,
			       config->n_units);
	if (r == 0)
		return config_append(&config->units, &config->n_units, unit, sizeof(*unit));
	return r;
}

int config_finish_source(struct config_mapping *mapping, void *data)
{
	struct config_reader *reader = mapping->reader;
	struct config *config = reader->config;
	struct config_source *source = &((struct source_draft *)data)->source;
	int r;

	source->site = reader->site;
	reader->source = config->n_sources;
	reader->first_channel = config->n_channels;
	r = config_names_claim(mapping, "name", KIND_SOURCE, reader->site, source->name,
			       config->n_sources);
	if (r == 0)
		r = config_default_text(&source->title, source->name);
	if (r == 0)
		return config_append(&config->sources, &config->n_sources, source, sizeof(*source));
	return r;
}
