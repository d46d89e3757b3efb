/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "core/fields.h"
#include "tools/probe_daemon.h"

#define STALE_MS   10000 /* the daemon writes it once a second */
#define LISTED_MAX 200	 /* a plant with more links lists only those in trouble */

static enum probe_daemon look(const json_t *status, const struct probe_target *target,
			      bool configured)
{
	const json_t *links = json_object_get(status, "links"), *link;
	size_t i;

	json_array_foreach (links, i, link) {
		if (strcmp(field_text(link, "host"), target->wire.host) != 0 ||
		    json_integer_value(json_object_get(link, "port")) != target->wire.port)
			continue;
		return strcmp(field_text(link, "state"), "up") == 0 ? PROBE_DAEMON_UP
								    : PROBE_DAEMON_POLLS;
	}
	return configured && json_array_size(links) >= LISTED_MAX ? PROBE_DAEMON_POLLS
								  : PROBE_DAEMON_AWAY;
}

enum probe_daemon probe_daemon_look(const char *runtime, const struct probe_target *target,
				    bool configured)
{
	enum probe_daemon daemon = PROBE_DAEMON_AWAY;
	char path[4096];
	json_t *status;
	int64_t age_ms;

	(void)snprintf(path, sizeof(path), "%s/status.json", runtime);
	status = json_load_file(path, 0, NULL);
	age_ms = clock_stamp().wall_ms - json_integer_value(json_object_get(status, "time_ms"));
	if (status && age_ms <= STALE_MS &&
	    json_integer_value(json_object_get(status, "pollers_reading")) > 0)
		daemon = look(status, target, configured);
	json_decref(status);
	return daemon;
}
