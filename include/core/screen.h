/* SPDX-License-Identifier: Apache-2.0 */
/*
 * screen.h - is a value believable? Frozen instruments, and jumps that nothing real makes
 *
 * Pure: no clock, no I/O, no allocation. Sees the good values of one channel in order.
 *
 * Frozen: an instrument of the field is never at rest. A value that stays within
 * @frozen_change of where it was for @frozen_after_ms comes from a stuck analyser, a stuck
 * gateway or an alarm output that holds its last value. A change beyond it ends it at once.
 *
 * Rate: a value farther from the last believed one than @max_rate allows for the time between
 * them is a suspect: a loose wire, an air bubble, a wrong register. But a spill may be a jump
 * too, and must not be hidden: SCREEN_SUSPECTS suspects in a row that agree among themselves
 * within the rate are no glitch but where the quantity now is, and the last of them is
 * believed. That costs two intervals, no more. What was measured meanwhile is marked, not
 * forgotten: its minutes say so.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"
#include "core/config.h"
#include "core/quality.h"

#define SCREEN_SUSPECTS 3

/**
 * struct screen - what is remembered of a channel's values
 * @anchor: where the value has stayed near to since @since; counts if @has_anchor
 * @suspect: last value that came too fast, at @suspect_ms (monotonic)
 * @n_suspects: how many in a row agree
 */
struct screen {
	double anchor;
	struct stamp since;
	double suspect;
	int64_t suspect_ms;
	uint32_t n_suspects;
	bool has_anchor;
	uint8_t pad[3];
};

/**
 * screen_value() - look at one good value
 * @believed: the last value that was found good, @believed_ms (monotonic) when; NULL none yet
 * @interval_ms: from one sample to the next; a change has at least so long
 *
 * Return: QUALITY_GOOD, QUALITY_FROZEN or QUALITY_RATE.
 */
enum quality screen_value(const struct config_channel *channel, struct screen *screen,
			  struct stamp at, double value, const double *believed,
			  int64_t believed_ms, uint32_t interval_ms);

/** screen_release() - somebody works at it, or it is off: it may stand still now */
void screen_release(struct screen *screen);
