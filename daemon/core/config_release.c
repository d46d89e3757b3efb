/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/config_names.h"
#include "core/config_reference.h"

#define MET(field)     offsetof(struct config_site, met.field)
#define RELEASE(field) offsetof(struct config_source, release.field)

static double or_nan(const struct config_mapping *mapping, const char *key, double value)
{
	return config_given(mapping, key) ? value : (double)NAN;
}

int config_take_met(struct config_mapping *mapping, struct site_draft *draft)
{
	struct config_met *met = &draft->site.met;
	size_t index = mapping->reader->config->n_sites;
	const struct {
		const char *key;
		struct config_reference reference;
		char **path;
	} rows[] = {
		{"wind-speed-from",
		 {.by = BY_SITE, .index = index, .offset = MET(speed_from), .wanted = UNIT_SPEED},
		 &draft->speed_from},
		{"wind-direction-from",
		 {.by = BY_SITE,
		  .index = index,
		  .offset = MET(direction_from),
		  .wanted = UNIT_ANGLE},
		 &draft->direction_from},
		{"stability-from",
		 {.by = BY_SITE, .index = index, .offset = MET(stability_from)},
		 &draft->stability_from},
		{"air-temperature-from",
		 {.by = BY_SITE,
		  .index = index,
		  .offset = MET(air_from),
		  .wanted = UNIT_TEMPERATURE},
		 &draft->air_from},
	};
	int r = 0;

	met->wind_m_s = or_nan(mapping, "wind-speed", met->wind_m_s);
	met->wind_from_deg = or_nan(mapping, "wind-direction", met->wind_from_deg);
	met->air_c = or_nan(mapping, "air-temperature", met->air_c);
	met->speed_from = met->direction_from = met->stability_from = met->air_from = CONFIG_NONE;
	for (size_t i = 0; i < ARRAY_SIZE(rows) && r == 0; i++)
		r = config_refer(mapping, rows[i].key, rows[i].reference, rows[i].path);
	return r;
}

/** own_channel() - a channel of the source that is being read, by its name; found later */
static int own_channel(struct config_mapping *mapping, const struct source_draft *draft,
		       const char *key, struct config_reference reference, const char *name)
{
	const struct config_reader *reader = mapping->reader;
	const char *site = reader->config->sites[reader->site].name;
	char *path;
	int r;

	if (!config_given(mapping, key) || !site || !draft->source.name)
		return 0;
	if (asprintf(&path, "%s/%s/%s", site, draft->source.name, name) < 0)
		return -ENOMEM;
	reference.by = BY_SOURCE;
	reference.index = reader->config->n_sources;
	r = config_refer(mapping, key, reference, &path);
	free(path); /* NULL once it has moved */
	return r;
}

static int refer_channels(struct config_mapping *mapping, struct source_draft *draft)
{
	struct config_reference rain = {.by = BY_SOURCE,
					.index = mapping->reader->config->n_sources,
					.offset = RELEASE(rain_from),
					.wanted = UNIT_SPEED};
	int r = own_channel(
		mapping, draft, "exit-velocity-from",
		(struct config_reference){.offset = RELEASE(velocity_from), .wanted = UNIT_SPEED},
		draft->velocity_from);
	if (r == 0)
		r = own_channel(mapping, draft, "exit-temperature-from",
				(struct config_reference){.offset = RELEASE(temperature_from),
							  .wanted = UNIT_TEMPERATURE},
				draft->temperature_from);
	return r < 0 ? r : config_refer(mapping, "rain-from", rain, &draft->rain_from);
}

/* keys of one kind of source, and what they need beside them */
static const struct {
	const char *key;
	unsigned int kinds;
	const char *needs;
	const char *allowed;
} keys[] = {
	{"river", 1U << WASTE_LIQUID | 1U << WASTE_SOLID, "at-km", "liquid and solid"},
	{"at-km", 1U << WASTE_LIQUID | 1U << WASTE_SOLID, "river", "liquid and solid"},
	{"stack-height", 1U << WASTE_GAS, NULL, "gas"},
	{"stack-diameter", 1U << WASTE_GAS, "stack-height", "gas"},
	{"exit-velocity", 1U << WASTE_GAS, "stack-diameter", "gas"},
	{"exit-velocity-from", 1U << WASTE_GAS, "stack-diameter", "gas"},
	{"exit-temperature", 1U << WASTE_GAS, "stack-diameter", "gas"},
	{"exit-temperature-from", 1U << WASTE_GAS, "stack-diameter", "gas"},
	{"drop", 1U << WASTE_SOLID, NULL, "solid"},
	{"volume", 1U << WASTE_SOLID, "drop", "solid"},
	{"travel-ratio", 1U << WASTE_SOLID, "drop", "solid"},
	{"leachate-area", 1U << WASTE_SOLID, "leachate-coefficient", "solid"},
	{"leachate-coefficient", 1U << WASTE_SOLID, "leachate-area", "solid"},
	{"rain", 1U << WASTE_SOLID, "leachate-area", "solid"},
	{"rain-from", 1U << WASTE_SOLID, "leachate-area", "solid"},
};

static void check_keys(const struct config_mapping *mapping, enum waste_kind kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (!config_given(mapping, keys[i].key))
			continue;
		if (!(keys[i].kinds & 1U << kind))
			config_error(mapping, keys[i].key,
				     "a source of kind %s has no \"%s\"; allowed: with kind: %s",
				     waste_kind_text(kind), keys[i].key, keys[i].allowed);
		else if (keys[i].needs && config_state(mapping, keys[i].needs) == OPTION_ABSENT)
			config_lacking(mapping, keys[i].needs);
	}
	if (config_given(mapping, "drop") &&
	    config_state(mapping, "travel-ratio") == OPTION_ABSENT &&
	    config_state(mapping, "volume") == OPTION_ABSENT)
		config_error(mapping, "drop",
			     "nobody knows how far it slides; allowed: \"volume\" or "
			     "\"travel-ratio\" beside it");
}

static void take_numbers(const struct config_mapping *mapping, struct config_release *release)
{
	const struct {
		const char *key;
		double *value;
	} rows[] = {
		{"stack-height", &release->stack_height_m},
		{"stack-diameter", &release->stack_diameter_m},
		{"exit-velocity", &release->exit_velocity_m_s},
		{"exit-temperature", &release->exit_temperature_c},
		{"drop", &release->drop_m},
		{"volume", &release->volume_m3},
		{"travel-ratio", &release->travel_ratio},
		{"leachate-area", &release->leachate_area_m2},
		{"leachate-coefficient", &release->leachate_coefficient},
		{"rain", &release->rain_mm_h},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		*rows[i].value = or_nan(mapping, rows[i].key, *rows[i].value);
}

static void take_river(const struct config_mapping *mapping, const struct source_draft *draft,
		       struct config_release *release)
{
	const struct config_crossing *crossing = &mapping->reader->config->crossing;

	release->river = CONFIG_NONE;
	release->at_m = draft->at_km * 1e3;
	release->at_bank = draft->at_bank;
	if (!config_given(mapping, "river") || !config_given(mapping, "at-km"))
		return;
	release->river = config_find_named(mapping, "river", KIND_RIVER, draft->river);
	if (release->river != CONFIG_NONE &&
	    release->at_m > crossing->rivers[release->river].length_m)
		config_error(mapping, "at-km", "the river ends at %g km; allowed: 0 to %g",
			     crossing->rivers[release->river].length_m / 1e3,
			     crossing->rivers[release->river].length_m / 1e3);
}

/** check_station() - of what lets nothing go, how it does so is not asked */
static void check_station(const struct config_mapping *mapping)
{
	static const char *const ways[] = {
		"flow",
		"stack-height",
		"stack-diameter",
		"exit-velocity",
		"exit-velocity-from",
		"exit-temperature",
		"exit-temperature-from",
		"drop",
		"volume",
		"travel-ratio",
		"leachate-area",
		"leachate-coefficient",
		"rain",
		"rain-from",
	};

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		if (config_given(mapping, ways[i]))
			config_error(
				mapping, ways[i],
				"it says how something is let go, and discharges: no says that "
				"nothing is; allowed: the one or the other");
}

int config_take_release(struct config_mapping *mapping, struct source_draft *draft)
{
	const struct config *config = mapping->reader->config;
	const struct config_site *site = &config->sites[mapping->reader->site];
	struct config_release *release = &draft->source.release;

	release->velocity_from = release->temperature_from = release->rain_from = CONFIG_NONE;
	release->inbound_from = CONFIG_NONE;
	release->first_upstream = config->crossing.n_upstream;
	release->place = config_take_place(mapping, "position", draft->position);
	if (config_state(mapping, "position") == OPTION_ABSENT)
		release->place = (struct boundary_point){site->latitude, site->longitude};
	take_numbers(mapping, release);
	take_river(mapping, draft, release);
	if (config_usable(mapping, "kind"))
		check_keys(mapping, draft->source.kind);
	if (release->only_measures)
		check_station(mapping);
	if (config_given(mapping, "inbound-from"))
		release->inbound_from = config_find_named(mapping, "inbound-from", KIND_TARGET,
							  draft->inbound_from);
	return refer_channels(mapping, draft);
}

int config_finish_upstream(struct config_mapping *mapping, void *data)
{
	struct config_reader *reader = mapping->reader;
	struct config_crossing *crossing = &reader->config->crossing;
	struct upstream_draft *draft = data;
	struct config_release *release = &reader->config->sources[reader->source].release;
	struct config_upstream upstream = {.source = CONFIG_NONE,
					   .travel_s = (double)draft->travel_s};
	const struct config_reference reference = {
		.by = BY_UPSTREAM,
		.index = crossing->n_upstream,
		.offset = offsetof(struct config_upstream, source),
		.to_source = true};
	int r = config_refer(mapping, "source", reference, &draft->source);

	if (release->n_upstream == CONFIG_UPSTREAM_MAX)
		config_error(mapping, "source", "this is one source too many; allowed: %d",
			     CONFIG_UPSTREAM_MAX);
	if (r == 0)
		r = config_append(&crossing->upstream, &crossing->n_upstream, &upstream,
				  sizeof(upstream));
	if (r == 0)
		release->n_upstream++;
	return r;
}
