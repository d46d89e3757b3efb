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

/**
 * struct window - a window being filled
 * @start_ms: its first moment, UTC; -1: nothing has come yet
 * @n: good values
 * @n_bad: values that were not good
 * @worst: worst quality seen
 */
struct window {
	int64_t start_ms;
	double sum;
	double min;
	double max;
	uint32_t n;
	uint32_t n_bad;
	uint32_t worst;
	uint32_t pad;
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
	uint8_t capture;
	bool valid;
	enum quality worst;
};

/** window_start() - begin an empty window */
void window_start(struct window *window, int64_t start_ms);

/** window_add() - count one value; it is looked at only if @quality is good */
void window_add(struct window *window, double value, enum quality quality);

/**
 * window_close() - what the window came to; the window itself is left alone
 * @expected: values that a whole window has, at least 1
 * @required_percent: least capture of a valid window
 */
struct window_row window_close(const struct window *window, uint32_t expected,
			       uint32_t required_percent);
