/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alarm.h - the alarm of one limit: has somebody seen it, and may it call people?
 *
 * On top of limit.h, which finds out "broken" and "back". The states are those of ANSI/ISA-18.2
 * and IEC 62682 (OPC UA Part 9 has the same under other names).
 * Pure: no clock, no I/O, no allocation.
 *
 *                      broken                     acknowledge
 *        NORMAL ────────────────▶ UNACKNOWLEDGED ─────────────▶ ACKNOWLEDGED
 *        ▲ ▲  ▲                   ▲  │        ▲                   │   │   │
 *        │ │  │  broken ┌─────────┘  │ back   └───────────────────┘   │   │
 *        │ │  │         │            │        the re-alarm time over  │   │
 *        │ │  └── RETURNED ◀─────────┤                                │   │
 *        │ │  acknowledge            │ back, latch                    │   │
 *        │ │                         ▼        acknowledge             │   │
 *        │ └───────────────────── LATCHED ───────▶ LATCHED_SEEN ◀─────┘   │
 *        │       reset                               │    back, latch     │
 *        ├───────────────────────────────────────────┘                    │
 *        │       reset                                                    │
 *        └────────────────────────────────────────────────────────────────┘
 *                                   back
 *
 * RETURNED, LATCHED and LATCHED_SEEN become UNACKNOWLEDGED when the limit is broken again. What
 * still stands cannot be reset. A person who resets has seen it, so reset acknowledges, too.
 *
 * Beside the state, each by itself: shelved (a person, for a time), out of service (a person, for
 * maintenance), suppressed (by conditions of the configuration). None of them stops the machine
 * above: they are about people being called. Only good values make a limit broken or back, so a
 * value that is not good changes no state here, and ends no shelving.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"

enum alarm_condition {
	ALARM_NORMAL,
	ALARM_UNACKNOWLEDGED,
	ALARM_ACKNOWLEDGED,
	ALARM_RETURNED,	    /* in order again, but nobody has seen it */
	ALARM_LATCHED,	    /* in order again, stays until it is reset; nobody has seen it */
	ALARM_LATCHED_SEEN, /* the same, acknowledged */
	ALARM_CONDITION_MAX = ALARM_LATCHED_SEEN,
};

enum alarm_input {
	ALARM_BROKEN,
	ALARM_BACK,
	ALARM_BACK_LATCHING, /* the limit latches */
	ALARM_ACKNOWLEDGE,
	ALARM_RESET,
	ALARM_REPEAT, /* the re-alarm time is over */
	ALARM_INPUT_MAX = ALARM_REPEAT,
};

#define ALARM_RAISES 3 /* the last ones are kept: three within a minute are chattering, flood.h */

/**
 * struct alarm_state - where one alarm stands
 * @condition: enum alarm_condition
 * @acknowledged: when it was last; counts while acknowledged
 * @shelved_until, @out_until: zeros: no end (of a shelving never)
 * @raised_ms: monotonic, of the last times that it was raised, newest first; 0 none
 * @one_shot: the shelving ends when the limit is back
 * @held: raised while it was suppressed, and so in no incident of its own making
 * @told: the entry says that it is suppressed
 */
struct alarm_state {
	uint32_t condition;
	bool shelved;
	bool one_shot;
	bool out_of_service;
	bool suppressed;
	bool held;
	bool told;
	uint8_t pad[6];
	struct stamp acknowledged;
	struct stamp shelved_until;
	struct stamp out_until;
	int64_t raised_ms[ALARM_RAISES];
};

#define ALARM_USER_MAX	 72
#define ALARM_REASON_MAX 256 /* bytes kept here; the entry has all of it */

/** struct alarm_note - who and why */
struct alarm_note {
	char user[ALARM_USER_MAX];
	char reason[ALARM_REASON_MAX];
};

/** struct alarm_notes - the texts beside an alarm's state; "" where nothing was said */
struct alarm_notes {
	struct alarm_note acknowledged;
	struct alarm_note shelved;
	struct alarm_note out;
};

/** alarm_note_set() - what does not fit is left out, whole characters only; NULL: nothing */
void alarm_note_set(struct alarm_note *note, const char *user, const char *reason);

/** alarm_notes_are_empty() - nobody has said anything */
static inline bool alarm_notes_are_empty(const struct alarm_notes *notes)
{
	return !*notes->acknowledged.user && !*notes->shelved.user && !*notes->out.user;
}

/** alarm_text() - "normal", "unacknowledged", "acknowledged", "returned-unacknowledged", "latched"
 */
const char *alarm_text(enum alarm_condition condition);

/**
 * alarm_step() - one input
 * Return: 0; -EALREADY it is so already; -EBUSY the state does not allow it, or there is nothing
 *   to do it to. The state is unchanged then.
 */
int alarm_step(struct alarm_state *state, enum alarm_input input);

/** alarm_stands() - in this condition the limit is broken */
static inline bool alarm_stands(const struct alarm_state *state)
{
	return state->condition == ALARM_UNACKNOWLEDGED || state->condition == ALARM_ACKNOWLEDGED;
}

/** alarm_is_unseen() - somebody should look at it */
static inline bool alarm_is_unseen(const struct alarm_state *state)
{
	return state->condition == ALARM_UNACKNOWLEDGED || state->condition == ALARM_RETURNED ||
	       state->condition == ALARM_LATCHED;
}

/** alarm_is_quiet() - nobody is to be called for it now */
static inline bool alarm_is_quiet(const struct alarm_state *state)
{
	return state->shelved || state->out_of_service || state->suppressed;
}

/** alarm_is_at_rest() - time alone changes nothing: what people did to it has no end to come */
static inline bool alarm_is_at_rest(const struct alarm_state *state)
{
	return state->condition != ALARM_ACKNOWLEDGED && !state->shelved && !state->out_of_service;
}

/**
 * alarm_is_over() - has an end come that was set for a shelving or a time out of service?
 *
 * On the monotonic or on the wall clock, whichever comes first: a clock that is set must not keep
 * an alarm silent.
 * @until: zeros: never
 */
static inline bool alarm_is_over(struct stamp until, struct stamp at)
{
	return until.wall_ms != 0 && (at.mono_ms >= until.mono_ms || at.wall_ms >= until.wall_ms);
}

/** alarm_note_raise() - for the chattering figure */
void alarm_note_raise(struct alarm_state *state, int64_t mono_ms);
