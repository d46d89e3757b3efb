/* SPDX-License-Identifier: Apache-2.0 */
/*
 * silence.h - when may something be sent on a link, and how busy it is
 *
 * The part of link.h that knows frames by their times only. No I/O, reads no clock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SILENCE_BURST_US_MAX                                                                 \
	INT64_C(1000000)		  /* a line that is never silent is talked into then \
					   */
#define SILENCE_PAUSE_US  INT64_C(100000) /* further apart is no burst; USB groups bytes */
#define SILENCE_MINUTE_US INT64_C(60000000)

/**
 * struct silence - held by the user, all 0 at first
 * @ready_us: nothing is to be sent before
 * @noise_us, @burst_us: when bytes that nobody asked for came last, and when that began
 * @seen_us: accounted for until then
 * @busy_us: of the minute that @seen_us is in; minutes are those of the clock of all times here
 * @permille: busy time of the last whole minute
 */
struct silence {
	int64_t ready_us;
	int64_t noise_us;
	int64_t burst_us;
	int64_t seen_us;
	int64_t busy_us;
	uint16_t permille;
};

/** silence_keep() - nothing is to be sent before @until_us, or later if so said before */
void silence_keep(struct silence *silence, int64_t until_us);

/**
 * silence_noise() - somebody else talks: not to be talked into for @gap_us
 *
 * But not for ever: after SILENCE_BURST_US_MAX requests are sent, and fail, so that people see
 * that the line is never silent.
 */
void silence_noise(struct silence *silence, int64_t now_us, int64_t gap_us);

/**
 * silence_note() - time has gone on to @now_us
 * @busy: since the last call all of it was busy; else as much as nothing was to be sent, if
 *   the connection is @open, and none if it is not
 */
void silence_note(struct silence *silence, int64_t now_us, bool busy, bool open);
