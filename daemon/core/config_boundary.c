/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/boundary_file.h"
#include "core/config_names.h"
#include "core/config_reference.h"

#ifndef WASTEWATCH_BOUNDARIES
#define WASTEWATCH_BOUNDARIES "/usr/share/wastewatch/boundaries"
#endif
#define N_FOLDERS 3U

const char *target_kind_text(enum target_kind kind)
{
	static const char *const texts[] = {
		[TARGET_NATIONAL] = "national",	  [TARGET_PROVINCE] = "province",
		[TARGET_COMMUNE] = "commune",	  [TARGET_RECEPTOR] = "receptor",
		[TARGET_NEIGHBOUR] = "neighbour",
	};

	return texts[kind];
}

void config_crossing_free(struct config_crossing *crossing)
{
	for (size_t i = 0; i < crossing->n_targets; i++) {
		free(crossing->targets[i].name);
		free(crossing->targets[i].title);
		(void)boundary_free(crossing->targets[i].line);
	}
	for (size_t i = 0; i < crossing->n_thresholds; i++) {
		free(crossing->thresholds[i].parameter);
		free(crossing->thresholds[i].measure);
		free(crossing->thresholds[i].origin);
	}
	for (size_t i = 0; i < crossing->n_rivers; i++) {
		free(crossing->rivers[i].name);
		free(crossing->rivers[i].title);
	}
	for (size_t i = 0; i < crossing->n_waters; i++)
		free(crossing->waters[i].parameter);
	for (size_t i = 0; i < crossing->n_passages; i++)
		free(crossing->passages[i].name);
	free(crossing->targets);
	free(crossing->thresholds);
	free(crossing->rivers);
	free(crossing->reaches);
	free(crossing->waters);
	free(crossing->passages);
	free(crossing->upstream);
}

struct boundary_point config_take_place(const struct config_mapping *mapping, const char *key,
					const double position[2])
{
	const struct boundary_point none = {(double)NAN, (double)NAN};
	struct boundary_point place = {position[0], position[1]};

	if (!config_given(mapping, key))
		return none;
	if (boundary_point_is_valid(place))
		return place;
	config_error(mapping, key,
		     "there is no such place; allowed: [latitude -90 to 90, longitude -180 to "
		     "180]");
	return none;
}

/** candidate() - the @i-th path where the file may be, to be freed; NULL: no memory */
static char *candidate(const struct config_reader *reader, const char *file, unsigned int i)
{
	const char *installed = secure_getenv("WASTEWATCH_BOUNDARIES");
	const char *directory = reader->config->directory;
	char *path;
	int r;

	if (*file == '/')
		return strdup(file);
	if (i == 0)
		r = asprintf(&path, "%s/%s", directory, file);
	else if (i == 1)
		r = asprintf(&path, "%s/boundaries/%s", directory, file);
	else
		r = asprintf(&path, "%s/%s",
			     installed && *installed ? installed : WASTEWATCH_BOUNDARIES, file);
	return r < 0 ? NULL : path;
}

/** parse() - the bytes of a file that is there; they count in the digest. Return: 0; -ENOMEM. */
static int parse(const struct config_mapping *mapping, const char *path, const char *name,
		 struct config_target *target)
{
	char error[BOUNDARY_ERROR_MAX], *text = NULL;
	uint8_t *digest = mapping->reader->config->digest;
	size_t n = 0;
	int r = boundary_file_load(path, &text, &n);

	if (r < 0 && r != -ENOMEM) {
		config_error(mapping, "file", "%s cannot be read: %s; allowed: a GeoJSON file",
			     path, strerror(-r));
		return 0;
	}
	if (r == 0)
		r = config_digest(digest, name, strlen(name) + 1);
	if (r == 0)
		r = config_digest(digest, text, n);
	if (r == 0)
		r = boundary_file_parse(&target->line, text, n, name, error);
	free(text);
	if (r == -EBADMSG)
		config_error(mapping, "file", "%s is no boundary: %s; allowed: GeoJSON with lines",
			     path, error);
	return r == -EBADMSG ? 0 : r;
}

/** read_line() - Return: 0, errors are reported; -ENOMEM. */
static int read_line(const struct config_mapping *mapping, const char *file,
		     struct config_target *target)
{
	for (unsigned int i = 0; i < N_FOLDERS; i++) {
		char *path = candidate(mapping->reader, file, i);
		int r;

		if (!path)
			return -ENOMEM;
		if (access(path, F_OK) < 0) {
			free(path);
			continue;
		}
		r = parse(mapping, path, file, target);
		free(path);
		return r;
	}
	config_error(mapping, "file",
		     "there is no file \"%s\"; allowed: one in the configuration's directory, in "
		     "its boundaries/, or in %s",
		     file, WASTEWATCH_BOUNDARIES);
	return 0;
}

/** add_target() - Return: 0; -ENOMEM. */
static int add_target(struct config_mapping *mapping, struct config_target *target)
{
	struct config_crossing *crossing = &mapping->reader->config->crossing;
	int r = config_names_claim(mapping, "name", KIND_TARGET, 0, target->name,
				   crossing->n_targets);

	if (crossing->n_targets == CONFIG_TARGETS_MAX)
		config_error(mapping, "name",
			     "this is one boundary or receptor too many; allowed: %d of both",
			     CONFIG_TARGETS_MAX);
	target->first_threshold = crossing->n_thresholds;
	if (r == 0)
		r = config_default_text(&target->title, target->name);
	if (r == 0)
		r = config_append(&crossing->targets, &crossing->n_targets, target,
				  sizeof(*target));
	if (r < 0)
		target->line = boundary_free(target->line);
	return r;
}

int config_finish_boundary(struct config_mapping *mapping, void *data)
{
	struct target_draft *draft = data;
	int r = 0;

	draft->target.place = (struct boundary_point){(double)NAN, (double)NAN};
	if (config_usable(mapping, "file"))
		r = read_line(mapping, draft->file, &draft->target);
	return r < 0 ? r : add_target(mapping, &draft->target);
}

/** river_of() - which river a receptor is at; CONFIG_NONE none */
static size_t river_of(const struct config_mapping *mapping, const struct target_draft *draft)
{
	if (!config_usable(mapping, "river")) {
		if (config_given(mapping, "at-km"))
			config_error(mapping, "at-km",
				     "\"at-km\" is of no river; allowed: with \"river\"");
		return CONFIG_NONE;
	}
	if (config_state(mapping, "at-km") == OPTION_ABSENT)
		config_lacking(mapping, "at-km");
	return config_find_named(mapping, "river", KIND_RIVER, draft->river);
}

int config_finish_receptor(struct config_mapping *mapping, void *data)
{
	struct config_crossing *crossing = &mapping->reader->config->crossing;
	struct target_draft *draft = data;
	struct config_passage passage = {.target = crossing->n_targets, .at_m = draft->at_km * 1e3};
	size_t river = river_of(mapping, draft);
	int r = 0;

	draft->target.place = config_take_place(mapping, "position", draft->position);
	if (config_state(mapping, "river") == OPTION_ABSENT &&
	    config_state(mapping, "position") == OPTION_ABSENT)
		config_error(mapping, "position",
			     "nobody knows where this receptor is; allowed: \"position\", or "
			     "\"river\" and \"at-km\", or both");
	if (river != CONFIG_NONE && config_given(mapping, "at-km")) {
		if (passage.at_m > crossing->rivers[river].length_m)
			config_error(mapping, "at-km", "the river ends at %g km; allowed: 0 to %g",
				     crossing->rivers[river].length_m / 1e3,
				     crossing->rivers[river].length_m / 1e3);
		passage.river = river;
		passage.place = draft->target.place;
		r = config_append(&crossing->passages, &crossing->n_passages, &passage,
				  sizeof(passage));
	}
	return r < 0 ? r : add_target(mapping, &draft->target);
}

static const struct {
	bool in_air;
	enum unit_dimension dimension;
} media[] = {
	{false, UNIT_CONCENTRATION},
	{true, UNIT_CONCENTRATION},
	{true, UNIT_GAS_CONCENTRATION}, /* at 25 °C and 1 atm, as ambient air nearly is */
};

static void check_unit(const struct config_mapping *mapping,
		       const struct config_threshold *threshold)
{
	struct unit unit;
	bool known = unit_parse(threshold->measure, &unit) == 0, fits = false;

	for (size_t i = 0; i < ARRAY_SIZE(media) && known; i++)
		fits |= media[i].in_air == threshold->in_air &&
			media[i].dimension == unit.dimension;
	if (!fits)
		config_error(mapping, "unit",
			     "\"%s\" is no concentration in %s; allowed: such as %s",
			     threshold->measure, threshold->in_air ? "air" : "water",
			     threshold->in_air ? "ug/m3, mg/m3 or ug/Nm3" : "mg/l or ug/l");
}

int config_finish_threshold(struct config_mapping *mapping, void *data)
{
	struct config_crossing *crossing = &mapping->reader->config->crossing;
	struct threshold_draft *draft = data;
	struct config_threshold *threshold = &draft->threshold;
	const struct config_node *place = config_node_of(mapping, "unit");
	const struct config_node *name = config_node_of(mapping, "parameter");
	struct config_reference reference = {
		.by = BY_THRESHOLD,
		.index = crossing->n_thresholds,
		.offset = offsetof(struct config_threshold, measured_by),
		.wanted = UNIT_CONCENTRATION,
		.other = threshold->in_air ? UNIT_GAS_CONCENTRATION : UNIT_CONCENTRATION,
	};
	int r;

	threshold->target = crossing->n_targets - 1;
	threshold->measured_by = CONFIG_NONE;
	threshold->line = place->line;
	threshold->column = place->column;
	threshold->parameter_line = name->line;
	threshold->parameter_column = name->column;
	if (config_usable(mapping, "unit") && config_usable(mapping, "in"))
		check_unit(mapping, threshold);
	r = config_refer(mapping, "measured-by", reference, &draft->measured_by);
	if (r == 0)
		r = config_append(&crossing->thresholds, &crossing->n_thresholds, threshold,
				  sizeof(*threshold));
	if (r == 0)
		crossing->targets[crossing->n_targets - 1].n_thresholds++;
	return r;
}
