/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/fields.h"
#include "tools/command.h"
#include "tools/status_anchor.h"

static bool is(const json_t *anchor, const char *key)
{
	return json_is_true(json_object_get(anchor, key));
}

static void say_clock(const json_t *anchor, char *ret)
{
	int64_t apart_ms = field_number(anchor, "clock_ms");
	char span[48];

	(void)snprintf(ret, STATUS_ANCHOR_MAX,
		       "the clock of %s is %s %s this machine's%s: timedatectl timesync-status",
		       field_text(anchor, "destination"), command_span(llabs(apart_ms), span),
		       apart_ms < 0 ? "behind" : "ahead of",
		       llabs(apart_ms) >= field_number(anchor, "clock_tolerance_ms")
			       ? ", so it refuses reports"
			       : "");
}

bool status_anchor(const json_t *anchor, enum status_anchor which,
		   char ret[static STATUS_ANCHOR_MAX])
{
	const char *name = field_text(anchor, "destination");

	switch (which) {
	case STATUS_ANCHOR_UNSEEN:
		(void)snprintf(
			ret, STATUS_ANCHOR_MAX,
			"%s HOLDS ANOTHER RECORD THAN THIS MACHINE, which was set back, "
			"restored from a backup, or changed: journalctl "
			"WASTEWATCH_TYPE=anchor.ahead WASTEWATCH_TYPE=anchor.conflict; then: "
			"wastewatch record seen",
			name);
		return is(anchor, "unseen");
	case STATUS_ANCHOR_BEHIND:
		(void)snprintf(ret, STATUS_ANCHOR_MAX,
			       "%s has lost reports; they are sent again: journalctl "
			       "WASTEWATCH_TYPE=anchor.behind",
			       name);
		return strcmp(field_text(anchor, "state"), "behind") == 0;
	case STATUS_ANCHOR_CLOCK:
		say_clock(anchor, ret);
		return is(anchor, "clock_differs");
	case N_STATUS_ANCHOR:
		break;
	}
	return false;
}
