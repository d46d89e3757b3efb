/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limit.h - is a limit broken? One value after the other, with delays and a deadband
 *
 * Pure: no clock, no I/O, no allocation.
 *
 *              beyond the bound                 held for the raise delay
 *   NORMAL ───────────────────────▶ PENDING ───────────────────────────▶ RAISED
 *     ▲  ▲                             │                                 │   ▲
 *     │  └──── back within it ─────────┘  back by more than the deadband │   │ within the
 *     │                                                                  ▼   │ deadband again
 *     └───────────────────────────────────────────────────────────── CLEARING
 *                        held for the clear delay
 *
 * With `count` and `within` PENDING leads to COUNTED, where the limit is broken but no alarm is
 * raised: that happens with the breaking that is the count-th within that time, counting from the
 * moment that each was held for the raise delay, or when one lasts for that whole time, which
 * must not count for less than several short ones. Back by more than the deadband, without a
 * clear delay, COUNTED leads to NORMAL.
 *
 * Only good values move it. Towards a delay a good value counts for the time since the last
 * good one, but for no more than one sample stands for: a value that is not good neither
 * helps nor harms, and good and bad by turns still add up.
 *
 * A mean of too few good values is not judged as a mean. But where they alone make it certain that
 * the whole window was beyond the bound, whatever could have been read in the others
 * (window_certain() with the channel's range), that bound of the mean is handed in: it is beyond,
 * so it can break a limit and keep one broken, and never clears one.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/config.h"

/** limit_on_text() - "value", "mean-1min", … as in the configuration and in entries */
const char *limit_on_text(enum limit_on on);

/** limit_on_words() - "value", "1-min mean", … for a sentence */
const char *limit_on_words(enum limit_on on);

/** limit_basis_text() - "law", "permit", "own", as in the configuration and reports; "" not said */
const char *limit_basis_text(enum limit_basis basis);

/** limit_basis_words() - "the law's limit", … for a sentence; "the limit" where it is not said */
const char *limit_basis_words(enum limit_basis basis);

enum limit_phase {
	LIMIT_NORMAL,
	LIMIT_PENDING,
	LIMIT_RAISED,
	LIMIT_CLEARING,
	LIMIT_COUNTED,
	LIMIT_PHASE_MAX = LIMIT_COUNTED,
};

/**
 * struct limit_state - where one limit stands
 * @phase: enum limit_phase
 * @held_ms: how long the condition for the next phase has held
 * @last_mono_ms: when the last good value was
 * @since_wall_ms: when the values went beyond the bound (all but NORMAL)
 * @worst: the value farthest beyond the bound since then
 * @n_broken: how many of @broken_ms count
 * @broken_ms: monotonic, the last breakings before the present one, newest first
 */
struct limit_state {
	uint32_t phase;
	uint32_t n_broken;
	int64_t held_ms;
	int64_t last_mono_ms;
	int64_t since_wall_ms;
	double worst;
	int64_t broken_ms[ALARM_COUNT_MAX - 1];
};

enum limit_change { LIMIT_SAME, LIMIT_BROKEN, LIMIT_BACK };

/** limit_is_beyond() - does a value break the bound itself, whatever the delays say? */
static inline bool limit_is_beyond(const struct config_limit *limit, double value)
{
	return limit->high ? value > limit->bound : value < limit->bound;
}

/**
 * limit_value() - one good value
 * @mono_ms: when; must not go back
 * @since_wall_ms: from when on the value holds: the moment itself, or the window's start
 * @most_ms: the longest time that one value stands for
 *
 * Return: LIMIT_BROKEN when the alarm is to be raised, LIMIT_BACK when it is to be
 *   cleared, else LIMIT_SAME.
 */
enum limit_change limit_value(const struct config_limit *limit, struct limit_state *state,
			      double value, int64_t mono_ms, int64_t since_wall_ms,
			      int64_t most_ms);

/**
 * limit_keeps() - one good value; limit_value() in short where the limit is kept, and was
 * Nearly every value is such a one.
 * Return: it is; else nothing was changed, and limit_value() wants to know the value.
 */
static inline bool limit_keeps(const struct config_limit *limit, struct limit_state *state,
			       double value, int64_t mono_ms)
{
	if (state->phase != LIMIT_NORMAL || limit_is_beyond(limit, value))
		return false;
	if (limit->high ? value > state->worst : value < state->worst)
		state->worst = value;
	state->held_ms = 0;
	state->last_mono_ms = mono_ms;
	return true;
}

/** limit_is_raised() - an alarm stands */
static inline bool limit_is_raised(const struct limit_state *state)
{
	return state->phase == LIMIT_RAISED || state->phase == LIMIT_CLEARING;
}
