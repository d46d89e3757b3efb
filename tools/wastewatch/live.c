/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/live.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "tools/scrub.h"

#define LIVE_STALE_MS 10000 /* the daemon writes it once a second */
#define LIVE_AHEAD_MS 2000  /* a time to come: the clock was set back, and nobody writes */

/* whose process is gone, or is somebody else's: EPERM says that it is there */
static bool is_alive(int64_t pid)
{
	return pid <= 0 || pid > INT32_MAX || kill((pid_t)pid, 0) == 0 || errno != ESRCH;
}

enum live_state live_load(const struct command_options *options, int64_t now_ms, json_t **ret,
			  int64_t *ret_age_ms)
{
	char path[4096];
	json_t *live;

	*ret = NULL;
	(void)snprintf(path, sizeof(path), "%s/status.json", options->runtime);
	live = json_load_file(path, 0, NULL);
	if (!live)
		return LIVE_NONE;
	*ret_age_ms = now_ms - json_integer_value(json_object_get(live, "time_ms"));
	if (*ret_age_ms > LIVE_STALE_MS || *ret_age_ms < -LIVE_AHEAD_MS ||
	    !is_alive(json_integer_value(json_object_get(live, "pid")))) {
		json_decref(live);
		return LIVE_OLD;
	}
	if (!options->json)
		scrub_json(live);
	*ret = live;
	return LIVE_OK;
}
