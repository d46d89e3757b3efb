/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/assess.h"
#include "core/fields.h"
#include "core/report_parts.h"

/* what is not known is left out */
static void set_value(json_t *object, const char *key, double value)
{
	if (isfinite(value))
		field_set_value(object, key, value);
}

/* NULL: not configured any more */
static const struct config_threshold *threshold_of(const struct config *config, uint64_t key)
{
	size_t i = assess_threshold_of(config, key);

	return i == CONFIG_NONE ? NULL : &config->crossing.thresholds[i];
}

static void set_position(json_t *object, const char *key, struct boundary_point point)
{
	json_t *position;

	if (!isfinite(point.lat_deg) || !isfinite(point.lon_deg))
		return;
	position = json_object();
	set_value(position, "latitude", point.lat_deg);
	set_value(position, "longitude", point.lon_deg);
	(void)json_object_set_new(object, key, position);
}

/* concentrations in the unit of the threshold, as it is written in the law */
static void set_strength(json_t *object, const struct config_threshold *threshold,
			 const struct crossing_path *path)
{
	double scale;

	if (!threshold)
		return;
	/* not @path->bound: the threshold may have changed since */
	scale = threshold->high / assess_bound(threshold);
	set_value(object, "concentration", path->central * scale);
	set_value(object, "low", path->low * scale);
	set_value(object, "high", path->high * scale);
	set_value(object, "background", path->background * scale);
	set_value(object, "excess", path->excess * scale);
	set_value(object, "threshold", threshold->high);
	field_set_text(object, "unit", threshold->measure);
	field_set_text(object, "threshold_origin", threshold->origin);
}

static json_t *inputs_of(const struct crossing_path *path)
{
	json_t *inputs = json_object();

	for (unsigned int i = 0; i < CROSSING_INPUTS_MAX; i++) {
		const char *name = crossing_input_text((enum crossing_method)path->method, i);

		if (name)
			set_value(inputs, name, path->inputs[i]);
	}
	return inputs;
}

static json_t *flags_of(uint64_t which)
{
	json_t *flags = json_array();

	for (uint64_t bit = 1; bit && bit <= FLAG_LAST; bit <<= 1)
		if (which & bit)
			(void)json_array_append_new(flags, json_string(crossing_flag_text(bit)));
	return flags;
}

/** path_head() - what every path begins with; NULL: what it is about is not configured any more */
static json_t *path_head(const struct core *core, uint64_t source_key, uint64_t target_key,
			 enum crossing_method method, enum crossing_verdict verdict)
{
	const struct config *config = core->config;
	size_t source = assess_source_of(config, source_key);
	size_t i = assess_target_of(config, target_key);
	const struct config_target *target;
	json_t *object;

	if (source == CONFIG_NONE || i == CONFIG_NONE)
		return NULL;
	target = &config->crossing.targets[i];
	object = json_object();
	field_set_text(object, "source", config->sources[source].name);
	field_set_text(object, "target", target->title);
	field_set_text(object, "target_kind", target_kind_text(target->kind));
	field_set_text(object, "method", crossing_method_text(method));
	field_set_text(object, "verdict", crossing_verdict_text(verdict));
	field_set_text(object, "source_text", crossing_method_source(method));
	return object;
}

static json_t *path_object(const struct core *core, const struct crossing_path *path)
{
	const struct config_threshold *threshold = threshold_of(core->config, path->threshold);
	const struct config_passage *passage = assess_passage_of(core->config, path);
	json_t *object = path_head(core, path->source, path->target,
				   (enum crossing_method)path->method,
				   (enum crossing_verdict)path->verdict);

	if (!object)
		return NULL;
	set_strength(object, threshold, path);
	if (path->flags & FLAG_NOT_ENDED)
		(void)json_object_set_new(object, "goes_on", json_true());
	if (path->covered_percent != CROSSING_COVER_NONE)
		(void)json_object_set_new(object, "covered_percent",
					  json_integer(path->covered_percent));
	if (path->flags & FLAG_FILLED)
		(void)json_object_set_new(object, "extrapolated", json_true());
	field_set_text(object, "parameter", assess_parameter(core->config, path));
	set_value(object, "distance_m", path->distance_m);
	set_value(object, "bearing_deg", path->bearing_deg);
	set_position(object, "position", path->point);
	if (passage) { /* then the source is there, too */
		size_t source = assess_source_of(core->config, path->source);

		field_set_text(object, "place", passage->name);
		set_position(object, "from", core->config->sources[source].release.place);
	}
	field_set_time(object, "arrival", path->arrival_ms, core->config->zone_min);
	field_set_time(object, "leading_edge", path->leading_ms, core->config->zone_min);
	field_set_time(object, "peak_time", path->peak_ms, core->config->zone_min);
	field_set_time(object, "tail", path->tail_ms, core->config->zone_min);
	(void)json_object_set_new(object, "inputs", inputs_of(path));
	(void)json_object_set_new(object, "flags", flags_of(path->flags));
	return object;
}

/** measured_object() - what readings at a target have said so far; NULL nothing */
static json_t *measured_object(const struct core *core, const struct core_due *due)
{
	static const enum crossing_verdict verdicts[] = {
		[DUE_FREE] = VERDICT_NONE,	    [DUE_WAITING] = VERDICT_NONE,
		[DUE_CONFIRMED] = VERDICT_OBSERVED, [DUE_REFUTED] = VERDICT_UNLIKELY,
		[DUE_UNKNOWN] = VERDICT_POSSIBLE,
	};
	const struct config_threshold *threshold = threshold_of(core->config, due->threshold);
	json_t *object, *inputs;

	if (!threshold || due->n_checks == 0)
		return NULL;
	object = path_head(core, due->source,
			   assess_key(core->config->crossing.targets[threshold->target].name),
			   METHOD_MEASURED, verdicts[due->state]);
	if (!object)
		return NULL;
	field_set_text(object, "parameter", threshold->parameter);
	set_value(object, "concentration", due->worst);
	set_value(object, "threshold", threshold->high);
	field_set_text(object, "unit", threshold->measure);
	field_set_text(object, "threshold_origin", threshold->origin);
	if (due->worst > threshold->high) /* else nothing has arrived */
		field_set_time(object, "arrival", due->worst_ms, core->config->zone_min);
	field_set_time(object, "leading_edge", due->from_ms, core->config->zone_min);
	field_set_time(object, "tail", due->until_ms, core->config->zone_min);
	inputs = json_object();
	set_value(inputs, crossing_input_text(METHOD_MEASURED, 0),
		  100.0 * due->n_good / due->n_checks);
	(void)json_object_set_new(object, "inputs", inputs);
	(void)json_object_set_new(object, "flags", flags_of(assess_due_flags(due, threshold)));
	return object;
}

static void append(json_t *array, json_t *object)
{
	if (object)
		(void)json_array_append_new(array, object);
}

static json_t *sector_object(const struct core_crossing *crossing)
{
	json_t *sector = json_object();

	set_value(sector, "latitude", crossing->sector_from.lat_deg);
	set_value(sector, "longitude", crossing->sector_from.lon_deg);
	set_value(sector, "bearing_deg", crossing->sector_bearing_deg);
	set_value(sector, "half_angle_deg", crossing->sector_half_deg);
	set_value(sector, "reach_m", crossing->sector_reach_m);
	return sector;
}

/** criteria_of() - what the verdicts were made by: factors of the threshold, and shares */
static json_t *criteria_of(const struct config_crossing *crossing)
{
	json_t *criteria = json_object();

	field_set_value(criteria, "likely", crossing->likely);
	field_set_value(criteria, "possible", crossing->possible);
	field_set_value(criteria, "hysteresis", crossing->hysteresis);
	field_set_value(criteria, "here_m", crossing->here_m);
	field_set_value(criteria, "reach_m", crossing->reach_m);
	(void)json_object_set_new(criteria, "covered_percent",
				  json_integer(crossing->covered_percent));
	field_set_text(criteria, "counts", crossing_verdict_text(crossing->counts));
	return criteria;
}

/** set_worst() - the worst path of a kind in short; NULL: there is none */
static void set_worst(json_t *object, const char *key, const struct config *config,
		      const struct crossing_path *path)
{
	json_t *worst;
	size_t target;

	if (!path)
		return;
	target = assess_target_of(config, path->target);
	worst = json_object();
	field_set_text(worst, "target", config->crossing.targets[target].title);
	field_set_text(worst, "verdict",
		       crossing_verdict_text((enum crossing_verdict)path->verdict));
	(void)json_object_set_new(object, key, worst);
}

void report_part_crossing(const struct core *core, const struct core_incident *incident,
			  json_t *data)
{
	const struct core_crossing *crossing = assess_of(core, incident);
	json_t *object, *paths;

	if (!crossing || crossing->n_paths == 0)
		return;
	object = json_object();
	paths = json_array();
	field_set_text(object, "verdict",
		       crossing_verdict_text((enum crossing_verdict)incident->verdict));
	set_worst(object, "worst_boundary", core->config,
		  assess_worst(core->config, crossing, false));
	set_worst(object, "worst_receptor", core->config,
		  assess_worst(core->config, crossing, true));
	if (assess_is_low(core->config, crossing, (enum incident_level)incident->level))
		(void)json_object_set_new(object, "flow_not_measured", json_true());
	(void)json_object_set_new(object, "criteria", criteria_of(&core->config->crossing));
	field_set_time(object, "assessed", crossing->assessed.wall_ms, core->config->zone_min);
	for (uint32_t i = 0; i < crossing->n_paths; i++)
		append(paths, path_object(core, &crossing->paths[i]));
	for (size_t i = 0; i < CROSSING_DUES_MAX; i++)
		if (core->dues[i].state != DUE_FREE &&
		    strcmp(core->dues[i].incident, incident->id) == 0)
			append(paths, measured_object(core, &core->dues[i]));
	(void)json_object_set_new(object, "paths", paths);
	(void)json_object_set_new(object, "paths_left_out",
				  json_integer((json_int_t)crossing->n_left_out));
	if (crossing->sector_reach_m > 0 && isfinite(crossing->sector_from.lat_deg))
		(void)json_object_set_new(object, "sector", sector_object(crossing));
	(void)json_object_set_new(data, "crossing", object);
}
