/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/macro.h"
#include "common/text.h"
#include "core/action.h"
#include "core/core.h"

typedef int action_do(struct core *core, const struct action *action, struct stamp at, char *error);

static const struct {
	const char *text;
	action_do *act;
	bool needs_reason;
} actions[] = {
	[ACTION_ACKNOWLEDGE] = {"acknowledge", alarm_act, false},
	[ACTION_RESET] = {"reset", alarm_act, false},
	[ACTION_SHELVE] = {"shelve", alarm_act, true},
	[ACTION_UNSHELVE] = {"unshelve", alarm_act, false},
	[ACTION_OUT_OF_SERVICE] = {"out-of-service", alarm_act, true},
	[ACTION_RETURN] = {"return", alarm_act, false},
	[ACTION_INCIDENT_ACKNOWLEDGE] = {"incident-acknowledge", incident_act, false},
	[ACTION_INCIDENT_CLOSE] = {"close", incident_act, true},
	[ACTION_DRILL_START] = {"drill-start", NULL, false},
	[ACTION_DRILL_STOP] = {"drill-stop", NULL, false},
	[ACTION_REPORT_RETRY] = {"outbox-retry", NULL, false},
	[ACTION_REPORT_HOLD] = {"outbox-hold", NULL, true},
	[ACTION_REPORT_RELEASE] = {"outbox-release", NULL, false},
	[ACTION_REPORT_ABANDON] = {"outbox-abandon", NULL, true},
	[ACTION_DESTINATION_RESUME] = {"outbox-resume", NULL, false},
};

const char *action_text(enum action_kind kind)
{
	return actions[kind].text;
}

bool action_needs_past(enum action_kind kind)
{
	return kind == ACTION_INCIDENT_ACKNOWLEDGE || kind == ACTION_INCIDENT_CLOSE;
}

bool action_is_of_outbox(enum action_kind kind)
{
	return kind >= ACTION_REPORT_RETRY && kind <= ACTION_DESTINATION_RESUME;
}

/* it becomes part of the record for ever: no control characters, no bytes that are not UTF-8 */
static bool is_plain(const char *text, size_t most)
{
	size_t n = strlen(text);

	if (n > most || !text_is_utf8(text))
		return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return false;
	return true;
}

int action_check(const struct action *action, char *error)
{
	const struct {
		const char *what;
		const char *text;
		size_t most;
	} texts[] = {
		{"target", action->target, ACTION_TARGET_MAX},
		{"scenario", action->scenario, ACTION_TARGET_MAX},
		{"reason", action->reason, ACTION_TEXT_MAX},
		{"measures", action->measures, ACTION_TEXT_MAX},
		{"user", action->user, ACTION_USER_MAX},
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (is_plain(texts[i].text, texts[i].most))
			continue;
		(void)snprintf(error, ACTION_ERROR_MAX,
			       "the %s cannot be written down; allowed: UTF-8 text in one line, up "
			       "to %zu bytes",
			       texts[i].what, texts[i].most);
		return -EINVAL;
	}
	if (*action->reason || !actions[action->kind].needs_reason)
		return 0;
	(void)snprintf(error, ACTION_ERROR_MAX, "\"%s\" needs a reason: it is read months later",
		       action_text(action->kind));
	return -EINVAL;
}

int core_act(struct core *core, const struct action *action, struct stamp at, char *error)
{
	int r = action_check(action, error);

	if (r < 0)
		return r;
	if (!actions[action->kind].act) {
		(void)snprintf(error, ACTION_ERROR_MAX, "\"%s\" is not done here",
			       action_text(action->kind));
		return -EINVAL;
	}
	return actions[action->kind].act(core, action, at, error);
}
