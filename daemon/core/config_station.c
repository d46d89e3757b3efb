/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/config_names.h"
#include "core/window.h"

/** resolve_destination() - Return: is @ret good, and for files? */
static bool resolve_destination(const struct config_mapping *mapping, const char *wanted,
				size_t *ret)
{
	const struct config_reader *reader = mapping->reader;
	const struct config *config = reader->config;
	struct config_listing listing = {.wanted = wanted, .least = CONFIG_SUGGESTION};
	const struct config_name *found;

	if (!config_usable(mapping, "destination"))
		return false;
	found = config_names_find(reader, KIND_DESTINATION, 0, wanted);
	if (found && config->destinations[found->index].kind == DESTINATION_FILES) {
		*ret = found->index;
		return true;
	}
	for (size_t i = 0; i < config->n_destinations; i++)
		if (config->destinations[i].kind == DESTINATION_FILES)
			config_names_list(&listing, config->destinations[i].name);
	/* a main file with errors may well have had one */
	if (found && listing.n == 0)
		config_error(mapping, "destination",
			     "the destination \"%s\" takes reports, not files; allowed: one whose "
			     "URL begins with sftp://, ftpes:// or ftp://",
			     wanted);
	else if (listing.n == 0 && !reader->main_bad)
		config_error(
			mapping, "destination",
			"no destination takes files; allowed: one in wastewatch.yaml whose URL "
			"begins with sftp://, ftpes:// or ftp://");
	config_names_dangling(mapping, "destination", 0, "destination for files", &listing);
	return false;
}

/** check_file_name() - three parts, Circular 10/2021/TT-BTNMT */
static void check_file_name(const struct config_mapping *mapping, const char *file)
{
	size_t n = 0;

	for (const char *c = file; (c = strchr(c, '_')); c++)
		n++;
	if (n != 2)
		config_warning(mapping, "file",
			       "\"%s\" is not of the three parts that Circular 10/2021/TT-BTNMT "
			       "wants, TenTinh_TenCoSo_TenTram",
			       file);
}

static int claim_file(struct config_mapping *mapping, const struct config_station *station)
{
	const struct config_reader *reader = mapping->reader;
	const struct config_name *first;

	first = config_names_find(reader, KIND_FILE, station->destination, station->file);
	if (first)
		config_error(mapping, "file",
			     "the station at %s:%u writes files of this name to this destination "
			     "too; allowed: a name of its own",
			     first->file, first->line);
	return config_names_add(mapping->reader,
				(struct config_name){KIND_FILE, station->destination, station->file,
						     0, reader->file, mapping->node->line,
						     mapping->node->column});
}

int config_finish_station(struct config_mapping *mapping, void *data)
{
	struct config_reader *reader = mapping->reader;
	struct config *config = reader->config;
	struct station_draft *draft = data;
	struct config_station *station = &draft->station;
	bool placed = resolve_destination(mapping, draft->destination, &station->destination);
	int r = 0;

	station->site = reader->site;
	station->first_parameter = config->n_parameters;
	reader->station = config->n_stations;
	if (config_usable(mapping, "file")) {
		check_file_name(mapping, station->file);
		if (placed)
			r = claim_file(mapping, station);
	}
	if (r == 0)
		r = config_names_claim(mapping, "name", KIND_STATION, station->site, station->name,
				       config->n_stations);
	if (r == 0)
		r = config_append(&config->stations, &config->n_stations, station,
				  sizeof(*station));
	return r;
}

static void report_no_channel(const struct config_mapping *mapping, const char *wanted)
{
	const struct config_reader *reader = mapping->reader;
	const struct config *config = reader->config;
	const char *site = config->sites[reader->site].name;
	struct config_listing listing = {.wanted = wanted, .least = CONFIG_SUGGESTION};
	size_t skip = strlen(site ? site : "?") + 1;

	for (size_t i = reader->first_site_channel; i < config->n_channels; i++)
		config_names_list(&listing, config->channels[i].path + skip);
	config_names_dangling(mapping, "channel", 0, "channel", &listing);
}

/** resolve_parameter() - "SOURCE/CHANNEL" of this site. Return: is @ret good? */
static bool resolve_parameter(const struct config_mapping *mapping, const char *wanted, size_t *ret)
{
	const struct config_reader *reader = mapping->reader;
	const struct config_name *source = NULL, *channel = NULL;
	char first[CONFIG_NAME_MAX + 1] = "";
	const char *slash;

	if (!config_usable(mapping, "channel"))
		return false;
	slash = strchr(wanted, '/');
	if (slash && slash - wanted <= CONFIG_NAME_MAX) {
		memcpy(first, wanted, (size_t)(slash - wanted));
		source = config_names_find(reader, KIND_SOURCE, reader->site, first);
	}
	if (source)
		channel = config_names_find(reader, KIND_CHANNEL, source->index, slash + 1);
	if (channel)
		*ret = channel->index;
	else
		report_no_channel(mapping, wanted);
	return channel;
}

int config_finish_parameter(struct config_mapping *mapping, void *data)
{
	struct config_reader *reader = mapping->reader;
	struct config *config = reader->config;
	struct parameter_draft *draft = data;
	struct config_parameter *parameter = &draft->parameter;
	bool found = resolve_parameter(mapping, draft->channel, &parameter->channel);
	const struct config_channel *channel = found ? &config->channels[parameter->channel] : NULL;
	int r = 0;

	if (channel && channel->interval_ms > window_ms(WINDOW_5MIN))
		config_error(mapping, "channel",
			     "the channel is read less than once in five minutes, so a file would "
			     "have no value of it; allowed: a unit with an interval of at most "
			     "5min");
	if (channel && config_state(mapping, "unit") == OPTION_ABSENT)
		r = config_default_text(&parameter->measure, channel->measure);
	if (r == 0)
		r = config_names_claim(mapping, "symbol", KIND_SYMBOL, reader->station,
				       parameter->symbol, config->n_parameters);
	if (r == 0)
		r = config_append(&config->parameters, &config->n_parameters, parameter,
				  sizeof(*parameter));
	if (r == 0)
		config->stations[reader->station].n_parameters++;
	return r;
}
