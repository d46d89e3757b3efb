/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/lines.h"

#include <stdio.h>

void lines_print(const json_t *object)
{
	(void)json_dumpf(object, stdout, JSON_COMPACT | JSON_SORT_KEYS);
	(void)putchar('\n');
}

void lines_action(const char *action, const char *target, const char *error)
{
	json_t *object = json_pack("{s:s, s:s, s:b}", "action", action, "target", target, "done",
				   !error);

	if (error)
		(void)json_object_set_new(object, "error", json_string(error));
	lines_print(object);
	json_decref(object);
}
