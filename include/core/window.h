/* SPDX-License-Identifier: Apache-2.0 */
/*
 * window.h - mean, extremes and data capture over one aligned stretch of wall-clock time
 *
 * Pure: no clock, no I/O, no allocation. Only good values count; how many were missing is
 * said, never bridged.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/quality.h"

#define WINDOW_ZONE_MAX_MIN 840 /* local time is at most 14 h from UTC */

/** enum window_length - all windows begin at a whole one of their length of local time */
enum window_length {
	WINDOW_1MIN,
	WINDOW_5MIN,
	WINDOW_1H,
	WINDOW_24H,
	WINDOW_LENGTH_MAX = WINDOW_24H
};
#define N_WINDOWS (WINDOW_LENGTH_MAX + 1)

/** window_ms() - length in milliseconds */
int64_t window_ms(enum window_length length);

/** window_text() - "1min", "5min", "1h", "24h" */
const char *window_text(enum window_length length);

/**
 * window_floor() - first moment of the window that @wall_ms lies in, UTC
 * @zone_min: local time minus UTC, minutes
 */
int64_t window_floor(enum window_length length, int64_t wall_ms, int zone_min);

/** window_covers() - does the window of this length that begins at @start_ms cover @wall_ms? */
static inline bool window_covers(enum window_length length, int64_t start_ms, int64_t wall_ms)
{
	return wall_ms >= start_ms && wall_ms - start_ms < window_ms(length);
}

/**
 * struct window - a window being filled
 * @start_ms: its first moment, UTC; -1: nothing has come yet
 * @n: good values
 * @n_bad: values that were not good
 * @n_off: those of @n_bad that came while there was nothing to measure
 * @n_minutes: rows of minutes that it is made of, in a window longer than a minute
 * @worst: worst quality seen
 * @shown: worst quality of what was not silent (quality_is_silent()): a lost answer does not
 *   cover up that the device was being calibrated
 */
struct window {
	int64_t start_ms;
	double sum;
	double min;
	double max;
	uint32_t n;
	uint32_t n_bad;
	uint32_t n_off;
	uint32_t n_minutes;
	uint32_t worst;
	uint32_t shown;
};

/**
 * struct window_row - a window that is over
 * @mean, @min, @max: of the good values; 0 where @n is 0
 * @capture: good values in per cent of those expected, 0-100
 * @worst: worst quality seen; QUALITY_STALE where nothing at all came
 * @valid: @capture reaches what is required
 */
struct window_row {
	int64_t start_ms;
	double mean;
	double min;
	double max;
	uint32_t n;
	enum quality worst;
	uint8_t capture;
	bool valid;
	uint8_t shown;	/* as in struct window; 0 too where only the record's row is known */
	uint8_t pad[5]; /* rows are kept as bytes: none of them by chance */
};

/** window_start() - begin an empty window */
void window_start(struct window *window, int64_t start_ms);

/** window_add_bad() - count one value that is not good */
void window_add_bad(struct window *window, enum quality quality);

/** window_add() - count one value; it is looked at only if @quality is good */
static inline void window_add(struct window *window, double value, enum quality quality)
{
	if (quality != QUALITY_GOOD) {
		window_add_bad(window, quality);
		return;
	}
	if (window->n == 0 || value < window->min)
		window->min = value;
	if (window->n == 0 || value > window->max)
		window->max = value;
	window->sum += value;
	window->n++;
}

/**
 * window_join() - count a minute's row in a longer window
 *
 * The mean of all is sum(mean × n) / sum(n), so that a minute with few values weighs little
 * and two rows of one minute, after the clock was set back, are as one.
 */
void window_join(struct window *window, const struct window_row *minute);

/** window_resume() - go on with a longer window that was closed: the clock was set back into it */
void window_resume(struct window *window, enum window_length length, const struct window_row *row);

/**
 * window_close() - what the window came to; the window itself is left alone
 * @expected: values that a whole window has, at least 1
 * @required_percent: least capture of a valid window
 */
struct window_row window_close(const struct window *window, uint32_t expected,
			       uint32_t required_percent);

/**
 * window_certain() - how low at least, or how high at most, was the mean of a whole window?
 *
 * (sum of the good values + missing × @others) / expected: with the least that an instrument can
 * read for @others no value that is missing could have brought the mean below that, with the
 * most none above. It is a bound of the mean, never the mean, and is kept nowhere as one.
 * @expected: values that a whole window has, at least 1
 */
double window_certain(const struct window_row *row, uint32_t expected, double others);
