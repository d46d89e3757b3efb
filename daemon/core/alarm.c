/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "common/macro.h"
#include "core/alarm.h"

static const char *const texts[] = {
	[ALARM_NORMAL] = "normal",
	[ALARM_UNACKNOWLEDGED] = "unacknowledged",
	[ALARM_ACKNOWLEDGED] = "acknowledged",
	[ALARM_RETURNED] = "returned-unacknowledged",
	[ALARM_LATCHED] = "latched",
	[ALARM_LATCHED_SEEN] = "latched",
};

const char *alarm_text(enum alarm_condition condition)
{
	return texts[condition];
}

/* @text without a part of a character at its end; @to was zeroed, so that bytes are kept as such */
static void keep(char *to, size_t room, const char *text)
{
	size_t n = strlen(text);

	if (n >= room)
		for (n = room - 1; n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80;)
			n--;
	memcpy(to, text, n);
}

void alarm_note_set(struct alarm_note *note, const char *user, const char *reason)
{
	*note = (struct alarm_note){0};
	keep(note->user, sizeof(note->user), user ? user : "");
	keep(note->reason, sizeof(note->reason), reason ? reason : "");
}

#define TO(condition) ((condition) + 1) /* 0 is what no row says */

/* where each input leads; what is not here is not allowed */
static const uint8_t next[ALARM_CONDITION_MAX + 1][ALARM_INPUT_MAX + 1] = {
	[ALARM_NORMAL] =
		{
			[ALARM_BROKEN] = TO(ALARM_UNACKNOWLEDGED),
		},
	[ALARM_UNACKNOWLEDGED] =
		{
			[ALARM_BACK] = TO(ALARM_RETURNED),
			[ALARM_BACK_LATCHING] = TO(ALARM_LATCHED),
			[ALARM_ACKNOWLEDGE] = TO(ALARM_ACKNOWLEDGED),
		},
	[ALARM_ACKNOWLEDGED] =
		{
			[ALARM_BACK] = TO(ALARM_NORMAL),
			[ALARM_BACK_LATCHING] = TO(ALARM_LATCHED_SEEN),
			[ALARM_REPEAT] = TO(ALARM_UNACKNOWLEDGED),
		},
	[ALARM_RETURNED] =
		{
			[ALARM_BROKEN] = TO(ALARM_UNACKNOWLEDGED),
			[ALARM_ACKNOWLEDGE] = TO(ALARM_NORMAL),
		},
	[ALARM_LATCHED] =
		{
			[ALARM_BROKEN] = TO(ALARM_UNACKNOWLEDGED),
			[ALARM_ACKNOWLEDGE] = TO(ALARM_LATCHED_SEEN),
			[ALARM_RESET] = TO(ALARM_NORMAL),
		},
	[ALARM_LATCHED_SEEN] =
		{
			[ALARM_BROKEN] = TO(ALARM_UNACKNOWLEDGED),
			[ALARM_RESET] = TO(ALARM_NORMAL),
		},
};

/* what has been done already is another mistake than what cannot be done */
static int refusal(uint32_t condition, enum alarm_input input)
{
	bool seen = condition == ALARM_ACKNOWLEDGED || condition == ALARM_LATCHED_SEEN;

	return input == ALARM_ACKNOWLEDGE && seen ? -EALREADY : -EBUSY;
}

int alarm_step(struct alarm_state *state, enum alarm_input input)
{
	uint8_t to = next[state->condition][input];

	if (to == 0)
		return refusal(state->condition, input);
	state->condition = (uint32_t)to - 1;
	return 0;
}

void alarm_note_raise(struct alarm_state *state, int64_t mono_ms)
{
	memmove(state->raised_ms + 1, state->raised_ms,
		sizeof(state->raised_ms) - sizeof(state->raised_ms[0]));
	state->raised_ms[0] = mono_ms;
}
