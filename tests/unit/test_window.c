/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/macro.h"
#include "core/window.h"

/* assert_float_equal() compares in single precision */
#define assert_close(a, b, epsilon) assert_true(fabs((a) - (b)) <= (epsilon))

#define G QUALITY_GOOD

struct sample {
	double value;
	enum quality quality;
};

struct row {
	struct sample samples[6];
	size_t n_samples;
	uint32_t expected;
	uint32_t required;
	struct window_row want;
};

static const struct row rows[] = {
	/* nothing came: stale, and never valid, whatever is required */
	{{{0, G}}, 0, 60, 75, {.worst = QUALITY_STALE}},
	{{{0, G}}, 0, 1, 1, {.worst = QUALITY_STALE}},
	/* one value is all that was expected */
	{{{7, G}},
	 1,
	 1,
	 100,
	 {.n = 1, .mean = 7, .min = 7, .max = 7, .capture = 100, .valid = true}},
	/* negative values: min and max do not start from 0 */
	{{{-3, G}, {-5, G}},
	 2,
	 2,
	 75,
	 {.n = 2, .mean = -4, .min = -5, .max = -3, .capture = 100, .valid = true}},
	{{{1, G}, {2, G}, {6, G}},
	 3,
	 4,
	 75, /* exactly what is required */
	 {.n = 3, .mean = 3, .min = 1, .max = 6, .capture = 75, .valid = true}},
	{{{1, G}, {2, G}, {6, G}},
	 3,
	 4,
	 76, /* one per cent more */
	 {.n = 3, .mean = 3, .min = 1, .max = 6, .capture = 75, .valid = false}},
	/* 2 of 3 are 66.67 %: shown as 66, and below 67 */
	{{{1, G}, {3, G}},
	 2,
	 3,
	 66,
	 {.n = 2, .mean = 2, .min = 1, .max = 3, .capture = 66, .valid = true}},
	{{{1, G}, {3, G}}, 2, 3, 67, {.n = 2, .mean = 2, .min = 1, .max = 3, .capture = 66}},
	/* a bad value counts as missing, and its number is not looked at */
	{{{1, G}, {1e9, QUALITY_OUT_OF_RANGE}, {3, G}},
	 3,
	 3,
	 75,
	 {.n = 2, .mean = 2, .min = 1, .max = 3, .capture = 66, .worst = QUALITY_OUT_OF_RANGE}},
	{{{-1e9, QUALITY_CALIBRATING}, {2, G}},
	 2,
	 1,
	 75,
	 {.n = 1,
	  .mean = 2,
	  .min = 2,
	  .max = 2,
	  .capture = 100,
	  .valid = true,
	  .worst = QUALITY_CALIBRATING}},
	/* only bad ones: the worst is said, not "stale" */
	{{{1, QUALITY_CALIBRATING}, {1, QUALITY_DEVICE_FAULT}, {1, QUALITY_MAINTENANCE}},
	 3,
	 3,
	 75,
	 {.worst = QUALITY_DEVICE_FAULT}},
	/* the worst is by rank, not by number: out of range (4) beats frozen (5) */
	{{{1, QUALITY_OUT_OF_RANGE}, {1, QUALITY_FROZEN}},
	 2,
	 3,
	 75,
	 {.worst = QUALITY_OUT_OF_RANGE}},
	{{{1, QUALITY_FROZEN}, {1, QUALITY_OUT_OF_RANGE}},
	 2,
	 3,
	 75,
	 {.worst = QUALITY_OUT_OF_RANGE}},
	/* more than expected: the capture ends at 100 */
	{{{1, G}, {1, G}, {4, G}},
	 3,
	 2,
	 75,
	 {.n = 3, .mean = 2, .min = 1, .max = 4, .capture = 100, .valid = true}},
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct window_row *want = &rows[i].want;
		struct window window, before;
		struct window_row got;

		window_start(&window, 60000);
		for (size_t j = 0; j < rows[i].n_samples; j++)
			window_add(&window, rows[i].samples[j].value, rows[i].samples[j].quality);
		before = window;
		got = window_close(&window, rows[i].expected, rows[i].required);
		assert_memory_equal(&before, &window, sizeof(window));
		if (got.n != want->n || got.capture != want->capture || got.valid != want->valid ||
		    got.worst != want->worst || got.start_ms != 60000)
			fail_msg("row %zu: n %u, capture %u, valid %d, worst %d", i, got.n,
				 got.capture, got.valid, (int)got.worst);
		assert_close(got.mean, want->mean, 1e-12);
		assert_close(got.min, want->min, 0);
		assert_close(got.max, want->max, 0);
	}
}

static void test_start_empties(void **state)
{
	struct window window;
	struct window_row row;

	(void)state;
	window_start(&window, 0);
	window_add(&window, 5, QUALITY_GOOD);
	window_add(&window, 5, QUALITY_STALE);
	window_start(&window, 120000);
	row = window_close(&window, 1, 1);
	assert_int_equal(row.start_ms, 120000);
	assert_int_equal(row.n, 0);
	assert_int_equal(row.worst, QUALITY_STALE);
	window_add(&window, 9, QUALITY_GOOD);
	row = window_close(&window, 1, 1);
	assert_int_equal(row.worst, QUALITY_GOOD);
	assert_close(row.min, 9, 0);
}

/* a whole hour at 1 kHz and large numbers: no counter and no percentage overflows */
static void test_many(void **state)
{
	struct window window;
	struct window_row row;

	(void)state;
	window_start(&window, 0);
	for (int i = 0; i < 3600000; i++)
		window_add(&window, i % 2 ? 1e6 : 3e6, QUALITY_GOOD);
	row = window_close(&window, 3600000, 100);
	assert_int_equal(row.n, 3600000);
	assert_int_equal(row.capture, 100);
	assert_true(row.valid);
	assert_close(row.mean, 2e6, 1e-6);
	window.n = UINT32_MAX;
	row = window_close(&window, UINT32_MAX, 100);
	assert_int_equal(row.capture, 100);
	assert_true(row.valid);
	row = window_close(&window, 1, 100);
	assert_int_equal(row.capture, 100);
}

/* --- longer windows ---------------------------------------------------------------------- */

#define DAY INT64_C(86400000)

/* in local time: the day of Hanoi begins at 17:00 UTC */
static void test_floor(void **state)
{
	static const struct {
		enum window_length length;
		int zone_min;
		int64_t wall_ms;
		int64_t start_ms;
	} cases[] = {
		{WINDOW_1MIN, 0, 0, 0},
		{WINDOW_1MIN, 0, 59999, 0},
		{WINDOW_1MIN, 0, 60000, 60000},
		{WINDOW_1MIN, 0, -1, -60000},
		{WINDOW_5MIN, 0, 299999, 0},
		{WINDOW_5MIN, 0, 300000, 300000},
		{WINDOW_1H, 420, 3599999, 0},
		{WINDOW_1H, 330, 0, -1800000}, /* half-hour zones */
		{WINDOW_1H, 330, 1799999, -1800000},
		{WINDOW_1H, 330, 1800000, 1800000},
		{WINDOW_5MIN, 345, 299999, 0},
		{WINDOW_24H, 0, DAY - 1, 0},
		{WINDOW_24H, 420, 0, -25200000},
		{WINDOW_24H, 420, DAY - 25200001, -25200000},
		{WINDOW_24H, 420, DAY - 25200000, DAY - 25200000},
		{WINDOW_24H, -300, 0, 18000000 - DAY},
		{WINDOW_24H, WINDOW_ZONE_MAX_MIN, 0, -50400000},
		{WINDOW_24H, -WINDOW_ZONE_MAX_MIN, 0, 50400000 - DAY},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (window_floor(cases[i].length, cases[i].wall_ms, cases[i].zone_min) !=
		    cases[i].start_ms)
			fail_msg("case %zu", i);
}

static struct window_row minute(double mean, double min, double max, uint32_t n, enum quality worst)
{
	return (struct window_row){.mean = mean, .min = min, .max = max, .n = n, .worst = worst};
}

static void test_join(void **state)
{
	const struct window_row minutes[] = {
		minute(0, 0, 0, 0, QUALITY_STALE), /* its zeros are no values */
		minute(10, 5, 15, 60, G),
		minute(40, 30, 50, 20, QUALITY_CALIBRATING),
		minute(-2, -3, -1, 10, G),
	};
	struct window window;
	struct window_row row;

	(void)state;
	window_start(&window, 0);
	window_join(&window, &minutes[0]);
	row = window_close(&window, 300, 75);
	assert_int_equal(row.n, 0);
	assert_int_equal(row.worst, QUALITY_STALE);
	window_start(&window, 0);
	for (size_t i = 1; i < ARRAY_SIZE(minutes); i++)
		window_join(&window, &minutes[i]);
	assert_int_equal(window.n_minutes, 3);
	row = window_close(&window, 120, 75);
	assert_int_equal(row.n, 90);
	assert_int_equal(row.capture, 75);
	assert_true(row.valid);
	assert_close(row.mean, (600 + 800 - 20) / 90.0, 1e-12);
	assert_close(row.min, -3, 0);
	assert_close(row.max, 50, 0);
	assert_int_equal(row.worst, QUALITY_CALIBRATING);
	window_resume(&window, WINDOW_5MIN, &row); /* and on it goes as if never closed */
	window_join(&window, &minutes[1]);
	row = window_close(&window, 150, 75);
	assert_int_equal(row.n, 150);
	assert_close(row.mean, (1200 + 800 - 20) / 150.0, 1e-12);
	assert_int_equal(row.worst, QUALITY_CALIBRATING);
	window_start(&window, 0); /* only minutes in which somebody calibrated */
	row = minute(0, 0, 0, 0, QUALITY_CALIBRATING);
	window_join(&window, &row);
	assert_int_equal(window_close(&window, 300, 75).worst, QUALITY_CALIBRATING);
}

static void test_off_counts_apart(void **state)
{
	struct window window;

	(void)state;
	window_start(&window, 0);
	window_add(&window, 1, QUALITY_NOT_IN_OPERATION);
	window_add(&window, 1, QUALITY_STALE);
	assert_int_equal(window.n_bad, 2);
	assert_int_equal(window.n_off, 1);
}

/* what the device showed of itself is kept apart from answers that did not come */
static void test_shown(void **state)
{
	static const struct {
		enum quality values[3];
		enum quality worst;
		enum quality shown;
	} shown[] = {
		{{QUALITY_GOOD, QUALITY_GOOD, QUALITY_GOOD}, QUALITY_GOOD, QUALITY_GOOD},
		{{QUALITY_COMMUNICATION_LOST, QUALITY_GOOD, QUALITY_STALE},
		 QUALITY_COMMUNICATION_LOST,
		 QUALITY_GOOD},
		{{QUALITY_CALIBRATING, QUALITY_COMMUNICATION_LOST, QUALITY_GOOD},
		 QUALITY_COMMUNICATION_LOST,
		 QUALITY_CALIBRATING},
		{{QUALITY_OUT_OF_RANGE, QUALITY_CALIBRATING, QUALITY_STALE},
		 QUALITY_STALE,
		 QUALITY_OUT_OF_RANGE},
		{{QUALITY_NOT_IN_OPERATION, QUALITY_MAINTENANCE, QUALITY_GOOD},
		 QUALITY_NOT_IN_OPERATION,
		 QUALITY_MAINTENANCE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
		struct window minute, longer, other;
		struct window_row row;

		window_start(&minute, 0);
		for (size_t j = 0; j < 3; j++)
			window_add(&minute, 1, shown[i].values[j]);
		row = window_close(&minute, 3, 75);
		assert_int_equal(row.worst, shown[i].worst);
		assert_int_equal(row.shown, shown[i].shown);
		window_start(&longer, 0);
		window_join(&longer, &row);
		window_join(&longer, &(struct window_row){.worst = QUALITY_COMMUNICATION_LOST});
		row = window_close(&longer, 15, 75);
		assert_int_equal(row.worst, QUALITY_COMMUNICATION_LOST);
		assert_int_equal(row.shown, shown[i].shown);
		window_resume(&other, WINDOW_5MIN, &row);
		assert_int_equal(other.shown, shown[i].shown);
	}
}

/* 31 of 60 values, and the worst or best for the others: by hand */
static void test_certain(void **state)
{
	static const struct {
		double mean;
		uint32_t n, expected;
		double others, certain;
	} sure[] = {
		{300, 30, 60, 0, 150},
		{300, 30, 60, 10, 155},
		{300, 30, 60, -300, 0},
		{6, 40, 60, 12, 8},
		{100, 60, 60, 0, 100},
		{100, 61, 60, 0, 100},
		{100, 1, UINT32_MAX, 0, 100 / 4294967295.0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sure); i++) {
		struct window_row row = {.mean = sure[i].mean, .n = sure[i].n};
		double certain = window_certain(&row, sure[i].expected, sure[i].others);

		assert_true(fabs(certain - sure[i].certain) < 1e-12);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),  cmocka_unit_test(test_start_empties),
		cmocka_unit_test(test_many),  cmocka_unit_test(test_floor),
		cmocka_unit_test(test_shown), cmocka_unit_test(test_certain),
		cmocka_unit_test(test_join),  cmocka_unit_test(test_off_counts_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
