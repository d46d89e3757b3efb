/* SPDX-License-Identifier: Apache-2.0 */
#include "core/fields.h"
#include "common/clock.h"
#include "core/event.h"

void field_set_text(json_t *object, const char *key, const char *text)
{
	if (text && *text)
		(void)json_object_set_new(object, key, json_string(text));
}

void field_set_moment(json_t *object, const char *key, int64_t wall_ms, int zone_min)
{
	char text[CLOCK_TEXT_MAX];

	clock_format(wall_ms, zone_min, text);
	field_set_text(object, key, text);
}

void field_set_time(json_t *object, const char *key, int64_t wall_ms, int zone_min)
{
	if (wall_ms != 0)
		field_set_moment(object, key, wall_ms, zone_min);
}

void field_set_value(json_t *object, const char *key, double value)
{
	char text[EVENT_VALUE_MAX];

	event_value_text(value, text);
	field_set_text(object, key, text);
}

const char *field_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

int64_t field_number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}
