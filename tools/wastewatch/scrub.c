/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/scrub.h"

#include <stdlib.h>
#include <string.h>

#include "common/plain.h"

static json_t *scrubbed(const char *text)
{
	char *copy = strdup(text);
	json_t *string;

	if (copy)
		plain_text(copy);
	string = json_string(copy ? copy : "");
	free(copy);
	return string;
}

void scrub_json(json_t *value)
{
	json_t *item;
	const char *key;
	size_t i;

	json_array_foreach (value, i, item) {
		if (json_is_string(item))
			(void)json_array_set_new(value, i, scrubbed(json_string_value(item)));
		else
			scrub_json(item);
	}
	json_object_foreach (value, key, item) {
		if (json_is_string(item))
			(void)json_object_set_new(value, key, scrubbed(json_string_value(item)));
		else
			scrub_json(item);
	}
}
