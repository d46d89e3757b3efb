/* SPDX-License-Identifier: Apache-2.0 */
#include "core/fields.h"
#include "core/release.h"
#include "core/report_parts.h"

#define RELEASED_MAX 60 /* as many as there are channels in a report */

static json_t *released_object(const struct core *core, const struct release *release)
{
	const struct config *config = core->config;
	const struct config_channel *channel = &config->channels[release->channel];
	const struct config_limit *limit = &config->limits[release->limit];
	json_t *object = json_object();

	field_set_text(object, "channel", channel->name);
	field_set_text(object, "source", config->sources[channel->source].name);
	field_set_text(object, "unit", "kg");
	field_set_text(object, "limit", limit->path);
	field_set_value(object, "bound", limit->bound);
	field_set_text(object, "bound_unit", channel->measure);
	field_set_text(object, "basis", limit_basis_text(limit->basis));
	field_set_moment(object, "from", release->span.from_ms, core->config->zone_min);
	field_set_moment(object, "until", release->span.until_ms, core->config->zone_min);
	(void)json_object_set_new(object, "covered_percent",
				  json_integer(release->span.covered_percent));
	if (release->mass->covered_ms == 0) /* not known is not 0 */
		return object;
	field_set_value(object, "total", release->mass->total_kg);
	field_set_value(object, "above", release->mass->above_kg);
	return object;
}

void report_part_released(const struct core *core, const struct core_incident *incident,
			  json_t *data)
{
	json_t *array = json_array();
	struct release release;

	for (size_t at = 0;
	     json_array_size(array) < RELEASED_MAX && release_next(core, incident, &at, &release);)
		(void)json_array_append_new(array, released_object(core, &release));
	if (json_array_size(array) > 0)
		(void)json_object_set(data, "released", array);
	json_decref(array);
}
