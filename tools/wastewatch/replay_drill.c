/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/drill.h"
#include "tools/command.h"
#include "tools/replay.h"

static int refuse(const char *what, const char *text)
{
	(void)command_fail("--drill %s: %s; allowed: SITE:SCENARIO@TIME or SITE:SCENARIO@TIME,TIME "
			   "with times in RFC 3339, such as 2026-03-25T00:00:00+07:00",
			   text, what);
	return -EINVAL;
}

/* cut SITE:SCENARIO@TIME[,TIME] into its parts, in place */
static int take_apart(struct replay_drill *drill, const char *whole)
{
	char *rest = drill->text, *times, *until;

	drill->site = strsep(&rest, ":");
	drill->scenario = rest ? strsep(&rest, "@") : NULL;
	times = rest;
	if (!times)
		return refuse("it has not three parts", whole);
	until = times;
	times = strsep(&until, ",");
	if (clock_parse(times, &drill->from_ms) < 0 ||
	    (until && clock_parse(until, &drill->until_ms) < 0))
		return refuse("there is no such time", whole);
	return 0;
}

int replay_drill_open(struct replay_drill *drill, const struct config *config,
		      const struct command_options *options)
{
	char error[ACTION_ERROR_MAX] = "";
	int r;

	*drill = (struct replay_drill){0};
	if (!options->drill)
		return 0;
	drill->text = strdup(options->drill);
	if (!drill->text)
		return -ENOMEM;
	r = take_apart(drill, options->drill);
	if (r < 0)
		return r;
	r = drill_library_read(&drill->file, config->directory, drill->scenario, error,
			       sizeof(error));
	if (r < 0 && r != -ENOMEM) {
		(void)command_fail("%s", error);
		r = -EINVAL;
	}
	return r;
}

static int act(const struct replay_drill *drill, struct drills *drills,
	       struct drill_scenario **file, enum action_kind kind, struct stamp at)
{
	const struct action action = {
		.kind = kind,
		.target = drill->site,
		.scenario = drill->scenario,
		.user = "replay",
		.reason = "",
		.measures = "",
	};
	char error[ACTION_ERROR_MAX] = "";
	int r = drill_act(drills, file, &action, at, error);

	if (r < 0 && r != -ENOMEM) {
		(void)command_fail("%s", error);
		r = -EINVAL;
	}
	return r;
}

int replay_drill_act(struct replay_drill *drill, struct drills *drills, struct stamp at)
{
	if (drill->file && at.wall_ms >= drill->from_ms)
		return act(drill, drills, &drill->file, ACTION_DRILL_START, at);
	if (drill->until_ms == 0 || at.wall_ms < drill->until_ms || drills->n == 0)
		return 0;
	drill->until_ms = 0;
	return act(drill, drills, NULL, ACTION_DRILL_STOP, at);
}

void replay_drill_done(struct replay_drill *drill)
{
	drill->file = drill_scenario_free(drill->file);
	free(drill->text);
	drill->text = NULL;
}
