/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/config_names.h"
#include "core/config_reference.h"
#include "core/config_text.h"

int config_refer(const struct config_mapping *mapping, const char *key,
		 struct config_reference reference, char **path)
{
	struct config_reader *reader = mapping->reader;
	const struct config_node *place = config_node_of(mapping, key);
	int r;

	if (!config_given(mapping, key) || !*path)
		return 0;
	reference.path = *path;
	reference.key = key;
	reference.file = reader->file;
	reference.line = place->line;
	reference.column = place->column;
	r = config_append(&reader->references, &reader->n_references, &reference,
			  sizeof(reference));
	if (r == 0)
		*path = NULL;
	return r;
}

void config_references_free(struct config_reader *reader)
{
	for (size_t i = 0; i < reader->n_references; i++)
		free(reader->references[i].path);
	free(reader->references);
	reader->references = NULL;
	reader->n_references = 0;
}

size_t config_find_named(const struct config_mapping *mapping, const char *key, int kind,
			 const char *wanted)
{
	const struct config_reader *reader = mapping->reader;
	const struct config_crossing *crossing = &reader->config->crossing;
	struct config_listing listing = {.wanted = wanted, .least = CONFIG_SUGGESTION};
	const struct config_name *found = config_names_find(reader, (enum config_kind)kind, 0,
							    wanted);
	const char *what = kind == KIND_RIVER ? "river" : "boundary";

	if (found)
		return found->index;
	for (size_t i = 0; kind == KIND_RIVER && i < crossing->n_rivers; i++)
		config_names_list(&listing, crossing->rivers[i].name);
	for (size_t i = 0; kind == KIND_TARGET && i < crossing->n_targets; i++)
		config_names_list(&listing, crossing->targets[i].name);
	if (listing.n == 0 && !reader->main_bad)
		config_error(mapping, key,
			     "there is no %s, \"%s\" or other; allowed: the name of one in "
			     "wastewatch.yaml",
			     what, wanted);
	config_names_dangling(mapping, key, 0, what, &listing);
	return CONFIG_NONE;
}

/** find() - what it names. Return: its index; CONFIG_NONE. */
static size_t find(const struct config *config, const struct config_reference *reference)
{
	const char *slash = strchr(reference->path, '/');
	size_t n = slash ? (size_t)(slash - reference->path) : 0;

	for (size_t i = 0; !reference->to_source && i < config->n_channels; i++)
		if (config->channels[i].path &&
		    strcmp(config->channels[i].path, reference->path) == 0)
			return i;
	for (size_t i = 0; reference->to_source && slash && i < config->n_sources; i++) {
		const char *site = config->sites[config->sources[i].site].name;

		if (site && strlen(site) == n && strncmp(site, reference->path, n) == 0 &&
		    config->sources[i].name && strcmp(config->sources[i].name, slash + 1) == 0)
			return i;
	}
	return CONFIG_NONE;
}

/** report_none() - with the nearest, if one is near */
static void report_none(struct config_reader *reader, const struct config_reference *reference)
{
	const struct config *config = reader->config;
	const char *nearest = NULL;
	size_t least = CONFIG_SUGGESTION;

	for (size_t i = 0; !reference->to_source && i < config->n_channels; i++) {
		const char *path = config->channels[i].path;
		size_t distance = path ? config_distance(reference->path, path) : least;

		if (distance < least) {
			least = distance;
			nearest = path;
		}
	}
	config_report_error(reader->report, reference->file, reference->line, reference->column,
			    "\"%s\" names no %s of any site, \"%s\"%s%s%s; allowed: %s",
			    reference->key, reference->to_source ? "source" : "channel",
			    reference->path, nearest ? ", did you mean \"" : "",
			    nearest ? nearest : "", nearest ? "\"?" : "",
			    reference->to_source ? "SITE/SOURCE" : "SITE/SOURCE/CHANNEL");
}

static void check_unit(struct config_reader *reader, const struct config_reference *reference,
		       const struct config_channel *channel)
{
	struct unit unit = {.dimension = UNIT_NONE};

	if (reference->wanted == UNIT_NONE || !channel->measure)
		return;
	if (unit_parse(channel->measure, &unit) == 0 &&
	    (unit.dimension == reference->wanted || unit.dimension == reference->other))
		return;
	config_report_error(reader->report, reference->file, reference->line, reference->column,
			    "\"%s\" must measure %s, and %s is in \"%s\"; allowed: a channel with "
			    "such a unit",
			    reference->key, unit_dimension_text(reference->wanted), channel->path,
			    channel->measure);
}

/** field_of() - where the index goes */
static size_t *field_of(struct config *config, const struct config_reference *reference)
{
	void *thing = NULL;

	switch (reference->by) {
	case BY_SITE:
		thing = &config->sites[reference->index];
		break;
	case BY_SOURCE:
		thing = &config->sources[reference->index];
		break;
	case BY_THRESHOLD:
		thing = &config->crossing.thresholds[reference->index];
		break;
	case BY_RIVER:
		thing = &config->crossing.rivers[reference->index];
		break;
	case BY_UPSTREAM:
		thing = &config->crossing.upstream[reference->index];
		break;
	}
	return (size_t *)(void *)((uint8_t *)thing + reference->offset);
}

void config_references_resolve(struct config_reader *reader)
{
	struct config *config = reader->config;

	for (size_t i = 0; i < reader->n_references; i++) {
		const struct config_reference *reference = &reader->references[i];
		size_t found = find(config, reference);

		if (found == CONFIG_NONE) {
			report_none(reader, reference);
			continue;
		}
		if (!reference->to_source)
			check_unit(reader, reference, &config->channels[found]);
		*field_of(config, reference) = found;
	}
	if (reader->report->n_errors == 0)
		config_check_crossing(reader);
}
