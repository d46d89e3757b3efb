/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/scrub.h"

#include <stdlib.h>
#include <string.h>

/* C0, DEL, and C1 in UTF-8 */
static json_t *scrubbed(const char *text)
{
	char *copy = strdup(text);
	json_t *string;

	for (unsigned char *p = (unsigned char *)copy; p && *p; p++) {
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
		else if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
			p[0] = p[1] = '?';
	}
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
