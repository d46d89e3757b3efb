/* SPDX-License-Identifier: Apache-2.0 */
/* A report that stands for updates which were never sent says how many they are. */
#include <jansson.h>

#include "core/report.h"

char *report_skipping(const char *body, int64_t n)
{
	json_t *report = json_loads(body, 0, NULL);
	json_t *incident = json_object_get(json_object_get(report, "data"), "incident");
	char *text = NULL;

	if (json_object_set_new(incident, "skipped", json_integer(n)) == 0)
		text = json_dumps(report, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(report);
	return text;
}
