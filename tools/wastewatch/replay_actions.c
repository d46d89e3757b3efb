/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people did, beside recorded readings: "time,action,target,user,until,reason", a row per
 * action, in the order of time. The reason is the rest of the line.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/macro.h"
#include "core/core.h"
#include "tools/command.h"
#include "tools/replay.h"
#include "tools/replay_list.h"

static const char header[] = "time,action,target,user,until,reason";

/* struct replay_act's texts point into its line */
static int parse(struct replay_act *act, const char *path)
{
	char *rest = act->text;
	const char *time = strsep(&rest, ","), *kind = rest ? strsep(&rest, ",") : NULL;
	struct action *action = &act->action;
	const char *until;

	action->target = rest ? strsep(&rest, ",") : NULL;
	action->user = rest ? strsep(&rest, ",") : NULL;
	until = rest ? strsep(&rest, ",") : NULL;
	action->reason = rest;
	action->measures = action->scenario = "";
	if (!rest)
		return command_fail("%s:%lu: a row has six fields: %s", path, act->line, header);
	for (int i = 0; i <= ACTION_KIND_MAX; i++)
		if (strcmp(action_text((enum action_kind)i), kind) == 0) {
			action->kind = (enum action_kind)i;
			kind = NULL;
			break;
		}
	if (kind)
		return command_fail("%s:%lu: there is no action \"%s\"; allowed: acknowledge, "
				    "reset, shelve, unshelve, out-of-service, return, …",
				    path, act->line, kind);
	if (clock_parse(time, &act->wall_ms) < 0)
		return command_fail("%s:%lu: the time is not RFC 3339: %s", path, act->line, time);
	action->one_shot = strcmp(until, "one-shot") == 0;
	if (*until && !action->one_shot && clock_parse(until, &action->until_ms) < 0)
		return command_fail("%s:%lu: \"until\" is no time, not empty and not one-shot: %s",
				    path, act->line, until);
	return 0;
}

static struct replay_act *grow(struct replay_acts *acts)
{
	struct replay_act *room = replay_grow((void **)&acts->acts, acts->n, &acts->room,
					      sizeof(*acts->acts));

	if (room)
		*room = (struct replay_act){0};
	return room;
}

static int add(struct replay_acts *acts, const char *text, unsigned long line)
{
	struct replay_act *act = grow(acts);

	if (!act)
		return -ENOMEM;
	acts->n++;
	act->line = line;
	act->text = strdup(text);
	if (!act->text)
		return -ENOMEM;
	act->text[strcspn(act->text, "\r\n")] = '\0';
	if (parse(act, acts->path) != 0)
		return -EINVAL;
	if (acts->n > 1 && act->wall_ms < acts->acts[acts->n - 2].wall_ms) {
		(void)command_fail("%s:%lu: the row is older than the one before it", acts->path,
				   line);
		return -EINVAL;
	}
	return 0;
}

int replay_acts_open(struct replay_acts *acts, const char *path)
{
	FILE *file = fopen(path, "re");
	unsigned long line = 0;
	char *text = NULL;
	size_t room = 0;
	int r = 0;

	*acts = (struct replay_acts){.path = path};
	if (!file) {
		(void)command_fail("%s cannot be read: %s", path, strerror(errno));
		return -EINVAL;
	}
	while (r == 0 && getline(&text, &room, file) >= 0) {
		line++;
		if (line > 1) {
			r = add(acts, text, line);
		} else if (strncmp(text, header, strlen(header)) != 0) {
			(void)command_fail("%s:1: the first line must be: %s", path, header);
			r = -EINVAL;
		}
	}
	free(text);
	(void)fclose(file);
	return r;
}

void replay_acts_close(struct replay_acts *acts)
{
	for (size_t i = 0; i < acts->n; i++)
		free(acts->acts[i].text);
	free(acts->acts);
	*acts = (struct replay_acts){0};
}

int64_t replay_acts_next(const struct replay_acts *acts)
{
	return acts->done < acts->n ? acts->acts[acts->done].wall_ms : INT64_MAX;
}

/* one that is refused is part of the story: it is said, and the rest goes on */
void replay_acts_do(struct replay_acts *acts, struct core *core)
{
	const struct replay_act *act = &acts->acts[acts->done++];
	char error[ACTION_ERROR_MAX] = "";

	if (core_act(core, &act->action, (struct stamp){act->wall_ms, act->wall_ms}, error) < 0)
		(void)command_fail("%s:%lu: refused: %s", acts->path, act->line, error);
}
