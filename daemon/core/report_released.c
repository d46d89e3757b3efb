/* SPDX-License-Identifier: Apache-2.0 */
#include "core/release.h"
#include "core/report_parts.h"

#define RELEASED_MAX 60 /* as many as there are channels in a report */

static void set(json_t *object, const char *key, const char *text)
{
	(void)json_object_set_new(object, key, json_string(text));
}

static void set_time(const struct core *core, json_t *object, const char *key, int64_t wall_ms)
{
	char text[CLOCK_TEXT_MAX];

	clock_format(wall_ms, core->config->zone_min, text);
	set(object, key, text);
}

static void set_kg(json_t *object, const char *key, double kg)
{
	char text[EVENT_VALUE_MAX];

	event_value_text(kg, text);
	set(object, key, text);
}

static json_t *released_object(const struct core *core, const struct release *release)
{
	const struct config *config = core->config;
	const struct config_channel *channel = &config->channels[release->channel];
	json_t *object = json_object();

	set(object, "channel", channel->name);
	set(object, "source", config->sources[channel->source].name);
	set(object, "unit", "kg");
	set(object, "limit", config->limits[release->limit].path);
	set_time(core, object, "from", release->span.from_ms);
	set_time(core, object, "until", release->span.until_ms);
	(void)json_object_set_new(object, "covered_percent",
				  json_integer(release->span.covered_percent));
	if (release->mass->covered_ms == 0) /* not known is not 0 */
		return object;
	set_kg(object, "total", release->mass->total_kg);
	set_kg(object, "above", release->mass->above_kg);
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
