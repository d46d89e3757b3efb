/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forecast.h - will the mean of a window that is not over yet break its limit?
 *
 * With S the sum of the n good values so far, r values still to come and v the present rate, the
 * window's mean will be (S + v·r) / (n + r) if all stays as it is. Where that breaks the limit, the
 * question is until when something can be done: after k more values of v, the best that can come
 * is the range's lowest value b (of a low limit: its highest) for the rest, and the mean cannot
 * come below (S + v·k + b·(r - k)) / (n + r). The first k at which that breaks the limit is the
 * point of no return. The r values come one every interval from the last one on, and are taken as
 * spread over the rest of the window.
 *
 * Unavoidable is what will be judged as broken even if no further value comes: with b for all that
 * are missing of the whole window, too, as judge_certain() has it. Else a window that cannot get
 * as many values as make it valid is not judged, and has no forecast.
 *
 * The present rate is the mean of the last minutes, for one of them is noise: five slots, each a
 * sixtieth of the window and at least a minute, and what there is of the slot that runs now. Of
 * a window that has not had five of them nothing is said but that it is unavoidable; so the
 * rate never decides about windows of five minutes. What is foreseen has to hold, and to fail, for
 * three slots before it is told, or taken back.
 *
 * Pure: no clock, no I/O, no allocation.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define FORECAST_SLOTS 5
#define FORECAST_HOLD  3 /* slots */

enum forecast_kind {
	FORECAST_NONE,	      /* the limit will be kept, or nothing can be said */
	FORECAST_BREAKS,      /* as things are it will be broken */
	FORECAST_UNAVOIDABLE, /* it will be broken whatever comes */
	FORECAST_KIND_MAX = FORECAST_UNAVOIDABLE,
};

/**
 * struct forecast_rate - sum and number of good values at the beginning of the last slots
 * @slot: the one that runs, counted from the start of the window; -1 nothing is known yet
 * @first: since this one it has been watched without a gap
 */
struct forecast_rate {
	double sum[FORECAST_SLOTS + 1];
	uint32_t n[FORECAST_SLOTS + 1];
	int32_t slot;
	int32_t first;
};

/** forecast_slot_ms() - length of a slot in a window of @window_ms */
int64_t forecast_slot_ms(int64_t window_ms);

/**
 * forecast_rate() - a minute is over
 * @slot: the one that runs now
 * @sum, @n: of the good values of the window so far
 * Return: mean of those of the last slots; NAN where too little is known for that
 */
double forecast_rate(struct forecast_rate *rate, int32_t slot, double sum, uint32_t n);

/**
 * struct forecast_window - a window that is being filled
 * @sum, @n: of the good values so far
 * @n_rest: values that can still come in @rest_ms
 * @expected: values that a whole window has
 * @required_percent: of @expected, least number of good values of a valid window
 * @best: value that is farthest on the right side of the bound and within the range
 */
struct forecast_window {
	double sum;
	uint32_t n;
	uint32_t n_rest;
	int64_t rest_ms;
	uint32_t expected;
	uint32_t required_percent;
	double best;
};

/**
 * forecast_mean() - what will the window's mean come to?
 * @high: the limit is broken above @bound, else below
 * @value: the present rate; NAN where there is none
 * @ret_in_ms: time until the point of no return, if @value stays; 0 once it is passed
 */
enum forecast_kind forecast_mean(const struct forecast_window *window, bool high, double bound,
				 double value, int64_t *ret_in_ms);
