/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/macro.h"
#include "core/forecast.h"

#define MINUTE INT64_C(60000)

struct row {
	double sum;
	uint32_t n, n_rest;
	int64_t rest_ms;
	double value;
	enum forecast_kind kind;
	int64_t in_ms;
};

/* a high limit of 100 on an hour, a value a minute, range 0 to 1000, three quarters wanted */
static void test_high(void **state)
{
	static const struct row rows[] = {
		/* 30 min at 100, so the mean stays at 100: not above it */
		{3000, 30, 30, 30 * MINUTE, 100, FORECAST_NONE, 0},
		/* 3000 + 30 × 101 = 6030 > 6000; with 29 of them 5929, and 0 for the rest: kept.
		 * So only the last minute decides. */
		{3000, 30, 30, 30 * MINUTE, 101, FORECAST_BREAKS, 30 * MINUTE},
		/* 3000 + k × 450 > 6000 from k = 7 on (6150; 6: 5700): 7 min are left */
		{3000, 30, 30, 30 * MINUTE, 450, FORECAST_BREAKS, 7 * MINUTE},
		/* k × 500 > 3000 from k = 7 on: with 6 it is 6000, which is not above the limit */
		{3000, 30, 30, 30 * MINUTE, 500, FORECAST_BREAKS, 7 * MINUTE},
		{3000, 30, 30, 30 * MINUTE, 501, FORECAST_BREAKS, 6 * MINUTE},
		/* 6000 is reached but not passed: one value above 0 too much */
		{6000, 30, 30, 30 * MINUTE, 1, FORECAST_BREAKS, 1 * MINUTE},
		{6000, 30, 30, 30 * MINUTE, 0, FORECAST_NONE, 0},
		/* 6001 / 60 whatever comes */
		{6001, 30, 30, 30 * MINUTE, 0, FORECAST_UNAVOIDABLE, 0},
		{6001, 30, 30, 30 * MINUTE, 1000, FORECAST_UNAVOIDABLE, 0},
		/* ten minutes are missing: 50 values at most. 2000 + 30 × 100 = 5000: kept */
		{2000, 20, 30, 30 * MINUTE, 100, FORECAST_NONE, 0},
		/* k × 200 > 3000 from k = 16 on */
		{2000, 20, 30, 30 * MINUTE, 200, FORECAST_BREAKS, 16 * MINUTE},
		/* 14 + 30 = 44 values are not 45, so no mean will be judged; 15 + 30 are. But with
		 * 6001 it is certain whatever comes, and comes not. */
		{6000, 14, 30, 30 * MINUTE, 1000, FORECAST_NONE, 0},
		{6001, 14, 30, 30 * MINUTE, 1000, FORECAST_UNAVOIDABLE, 0},
		{6001, 30, 30, 30 * MINUTE, (double)NAN, FORECAST_UNAVOIDABLE, 0},
		/* 4501 / 45 is above, but without the 30 there is no mean, and 4501 / 60 is not */
		{4501, 15, 30, 30 * MINUTE, 0, FORECAST_BREAKS, 0},
		{15000, 15, 30, 30 * MINUTE, 1000, FORECAST_UNAVOIDABLE, 0},
		/* nothing so far */
		{0, 0, 59, 59 * MINUTE, 100, FORECAST_NONE, 0},
		{0, 0, 59, 59 * MINUTE, 1000, FORECAST_BREAKS, 6 * MINUTE},
		{0, 0, 0, 0, 1000, FORECAST_NONE, 0},
		{3000, 30, 30, 30 * MINUTE, (double)NAN, FORECAST_NONE, 0},
		{3000, 30, 30, 30 * MINUTE, (double)INFINITY, FORECAST_NONE, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *row = &rows[i];
		struct forecast_window window = {
			.sum = row->sum,
			.n = row->n,
			.n_rest = row->n_rest,
			.rest_ms = row->rest_ms,
			.expected = 60,
			.required_percent = 75,
			.best = 0,
		};
		int64_t in_ms = -1;
		enum forecast_kind kind = forecast_mean(&window, true, 100, row->value, &in_ms);

		if (kind != row->kind || in_ms != row->in_ms)
			fail_msg("row %zu: kind %d in %lld ms", i, (int)kind, (long long)in_ms);
	}
}

/* a low limit: pH below 6 on the mean of five minutes, a value a second, range 0 to 14 */
static void test_low(void **state)
{
	struct forecast_window window = {
		.sum = 240 * 6,
		.n = 240,
		.n_rest = 60,
		.rest_ms = MINUTE,
		.expected = 300,
		.required_percent = 75,
		.best = 14,
	};
	int64_t in_ms;

	(void)state;
	assert_int_equal(forecast_mean(&window, false, 6, 6, &in_ms), FORECAST_NONE);
	/* 1440 + 3k + 14 (60 - k) < 1800 from k = 44 on: 2280 - 11k < 1800, k > 43.6 */
	assert_int_equal(forecast_mean(&window, false, 6, 3, &in_ms), FORECAST_BREAKS);
	assert_int_equal(in_ms, 44000);
	window.sum = 240 * 4; /* 960 + 840 = 1800: not below the limit, if 14 comes at once */
	assert_int_equal(forecast_mean(&window, false, 6, 3, &in_ms), FORECAST_BREAKS);
	assert_int_equal(in_ms, 1000);
	window.sum -= 1;
	assert_int_equal(forecast_mean(&window, false, 6, 14, &in_ms), FORECAST_UNAVOIDABLE);
}

/* what the definition says, tried one value after the other */
static enum forecast_kind tried(const struct forecast_window *window, bool high, double bound,
				double value, uint32_t *ret_k)
{
	for (uint32_t k = 0; k <= window->n_rest; k++) {
		double sum = window->sum, n = window->n + window->n_rest;

		for (uint32_t i = 0; i < window->n_rest; i++)
			sum += i < k ? value : window->best;
		*ret_k = k;
		if (high ? sum > bound * n : sum < bound * n)
			return k == 0 ? FORECAST_UNAVOIDABLE : FORECAST_BREAKS;
	}
	return FORECAST_NONE;
}

static void test_brute_force(void **state)
{
	uint64_t seed = UINT64_C(0x9e3779b97f4a7c15);
	size_t n_kinds[FORECAST_KIND_MAX + 1] = {0};

	(void)state;
	for (int i = 0; i < 100000; i++) {
		struct forecast_window window = {.expected = 60, .required_percent = 1};
		uint32_t k = 0;
		int64_t in_ms;
		double bound, value;
		bool high;
		enum forecast_kind kind, wanted;

		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
		high = seed >> 63;
		window.n = (uint32_t)(seed >> 40) % 60;
		window.n_rest = 60 - window.n;
		window.rest_ms = window.n_rest * MINUTE;
		/* whole numbers: sums are exact, however they are made */
		value = (double)((seed >> 20) % 101);
		bound = (double)((seed >> 28) % 99 + 1);
		window.sum = (double)((seed >> 8) % 101) * window.n;
		window.best = high ? 0 : 100;
		wanted = tried(&window, high, bound, value, &k);
		kind = forecast_mean(&window, high, bound, value, &in_ms);
		n_kinds[kind]++;
		if (kind != wanted || (kind == FORECAST_BREAKS && in_ms != k * MINUTE))
			fail_msg(
				"%d: n %u, sum %g, value %g, bound %g: %d in %lld, wanted %d after "
				"%u",
				i, window.n, window.sum, value, bound, (int)kind, (long long)in_ms,
				(int)wanted, k);
	}
	for (size_t i = 0; i < ARRAY_SIZE(n_kinds); i++)
		assert_true(n_kinds[i] > 10000);
}

/* a value a minute, @from minutes into an hour: the mean of the last five, when five are in */
static void test_rate(void **state)
{
	static const int froms[] = {0, 1, 2, 17};

	(void)state;
	assert_int_equal(forecast_slot_ms(5 * MINUTE), MINUTE);
	assert_int_equal(forecast_slot_ms(60 * MINUTE), MINUTE);
	assert_int_equal(forecast_slot_ms(1440 * MINUTE), 24 * MINUTE);
	for (size_t i = 0; i < ARRAY_SIZE(froms); i++) {
		struct forecast_rate rate = {.slot = -1};
		double sum = 0;
		uint32_t n = 0;
		int known = froms[i] <= 1 ? 5 : froms[i] + 5;

		for (int minute = froms[i]; minute < 60; minute++) {
			double mean = forecast_rate(&rate, minute, sum, n), wanted = 0;

			for (int k = 1; k <= 5; k++)
				wanted += (minute - k) * (minute - k) / 5.0;
			/* what was before the first minute that was seen is not known */
			if (froms[i] == 1 && minute == 5)
				wanted = (1 + 4 + 9 + 16) / 4.0;
			if (minute < known ? !isnan(mean) : fabs(mean - wanted) > 1e-9)
				fail_msg("from %d, minute %d: %g, not %g", froms[i], minute, mean,
					 wanted);
			sum += minute * minute;
			n++;
		}
	}
}

/* slots of 24 minutes: what runs counts, too; after a gap all begins anew */
static void test_rate_of_a_day(void **state)
{
	struct forecast_rate rate = {.slot = -1};
	uint32_t n = 0;

	(void)state;
	for (int minute = 1; minute <= 24 * 8; minute++) {
		double mean;

		n++;
		mean = forecast_rate(&rate, minute / 24, n * 7.0, n);
		assert_true(minute < 120 ? isnan(mean) : fabs(mean - 7) < 1e-9);
	}
	assert_true(isnan(forecast_rate(&rate, 12, n * 7.0, n)));
	for (int slot = 13; slot < 17; slot++)
		assert_true(isnan(forecast_rate(&rate, slot, n * 7.0 + slot, n + (uint32_t)slot)));
	assert_true(isfinite(forecast_rate(&rate, 17, n * 7.0 + 17, n + 17)));
	/* no value since then: no rate */
	for (int slot = 18; slot < 22; slot++)
		(void)forecast_rate(&rate, slot, n * 7.0 + 17, n + 17);
	assert_true(isnan(forecast_rate(&rate, 22, n * 7.0 + 17, n + 17)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_high),	    cmocka_unit_test(test_low),
		cmocka_unit_test(test_rate),	    cmocka_unit_test(test_rate_of_a_day),
		cmocka_unit_test(test_brute_force),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
