/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forecast.h - will the mean of a window that is not over yet break its limit?
 *
 * With S the sum of the n good values so far, r values still to come and v the present value, the
 * window's mean will be (S + v·r) / (n + r) if all stays as it is. Where that breaks the limit, the
 * question is until when something can be done: after k more values of v, the best that can come
 * is the range's lowest value b (of a low limit: its highest) for the rest, and the mean cannot
 * come below (S + v·k + b·(r - k)) / (n + r). The first k at which that breaks the limit is the
 * point of no return; k = 0: it is passed.
 *
 * Values that fail to come lower no mean: they weigh nothing, and what is on the wrong side of the
 * bound stays there. A window that cannot get as many values as make it valid is not judged, and
 * has no forecast.
 *
 * Pure: no clock, no I/O, no allocation.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum forecast_kind {
	FORECAST_NONE,	      /* the limit will be kept, or nothing can be said */
	FORECAST_BREAKS,      /* as things are it will be broken */
	FORECAST_UNAVOIDABLE, /* it will be broken whatever comes */
	FORECAST_KIND_MAX = FORECAST_UNAVOIDABLE,
};

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
 * @value: the present one, which is good
 * @ret_in_ms: time until the point of no return, if @value stays; 0 once it is passed
 */
enum forecast_kind forecast_mean(const struct forecast_window *window, bool high, double bound,
				 double value, int64_t *ret_in_ms);
