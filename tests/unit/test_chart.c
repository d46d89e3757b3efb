/* SPDX-License-Identifier: Apache-2.0 */
/* the text chart: bars, bound, gaps; drawn into memory */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/macro.h"
#include "tools/chart.h"

#define FROM INT64_C(1764288000000) /* 2025-11-28 00:00 UTC */

static char *draw(const struct chart *chart, bool utf8)
{
	char *text = NULL;
	size_t n = 0;
	FILE *file = open_memstream(&text, &n);

	assert_non_null(file);
	chart_draw(file, chart, 0, 420, utf8);
	assert_int_equal(fclose(file), 0);
	return text;
}

/* how many bars, and how long each is */
static void test_bars(void **state)
{
	static const struct {
		int64_t span_ms, grid_ms;
		size_t n;
		int64_t step_ms;
	} rows[] = {
		{0, MS_PER_MIN, 1, MS_PER_MIN},
		{MS_PER_MIN, MS_PER_MIN, 1, MS_PER_MIN},
		{MS_PER_MIN + 1, MS_PER_MIN, 2, MS_PER_MIN},
		{60 * MS_PER_MIN, MS_PER_MIN, 60, MS_PER_MIN},
		{61 * MS_PER_MIN, MS_PER_MIN, 31, 2 * MS_PER_MIN},
		{MS_PER_DAY, MS_PER_MIN, 60, 24 * MS_PER_MIN},
		{-5, MS_PER_MIN, 1, MS_PER_MIN}, /* a clock that was set back */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct chart chart = {0};

		chart_begin(&chart, FROM, FROM + rows[i].span_ms, rows[i].grid_ms);
		assert_int_equal(chart.n, rows[i].n);
		assert_int_equal(chart.step_ms, rows[i].step_ms);
		assert_true(chart_is_empty(&chart));
	}
}

/* of a span the worst counts; what is outside does not */
static void test_worst(void **state)
{
	struct chart high = {.bound = 5}, low = {.bound = 5, .low = true};

	(void)state;
	chart_begin(&high, FROM, FROM + 2 * MS_PER_MIN, MS_PER_MIN);
	chart_begin(&low, FROM, FROM + 2 * MS_PER_MIN, MS_PER_MIN);
	for (int i = 1; i <= 3; i++) {
		chart_take(&high, FROM + i, i);
		chart_take(&low, FROM + i, i);
	}
	chart_take(&high, FROM - 1, 9);
	chart_take(&high, FROM + 2 * MS_PER_MIN, 9);
	chart_take(&high, FROM + MS_PER_MIN, (double)NAN);
	assert_float_equal(high.values[0], 3, 0);
	assert_float_equal(low.values[0], 1, 0);
	assert_true(isnan(high.values[1]));
	assert_false(chart_is_empty(&high));
}

static void test_drawing(void **state)
{
	struct chart chart = {.bound = 50};
	char *text;

	(void)state;
	chart_begin(&chart, FROM, FROM + 4 * MS_PER_MIN, MS_PER_MIN);
	chart_take(&chart, FROM, 100);
	chart_take(&chart, FROM + MS_PER_MIN, 25);
	chart_take(&chart, FROM + 3 * MS_PER_MIN, 0);
	text = draw(&chart, true);
	assert_string_equal(text, "       100 │█   \n"
				  "           │█   \n"
				  "           │█   \n"
				  "           │█   \n"
				  "        50 ┤█┄┄┄\n"
				  "           │█   \n"
				  "           │██  \n"
				  "         0 │██·▁\n"
				  "            07:00 07:04\n");
	free(text);
	text = draw(&chart, false);
	assert_string_equal(text, "       100 |#   \n"
				  "           |#   \n"
				  "           |#   \n"
				  "           |#   \n"
				  "        50 +#---\n"
				  "           |#   \n"
				  "           |##  \n"
				  "         0 |##?.\n"
				  "            07:00 07:04\n");
	free(text);
}

/* two days have dates; values below 0 have a foot of their own; nothing at all draws, too */
static void test_odd_ones(void **state)
{
	struct chart chart = {.bound = -10, .low = true};
	char *text;

	(void)state;
	chart_begin(&chart, FROM, FROM + 60 * MS_PER_DAY, MS_PER_DAY);
	text = draw(&chart, true);
	assert_non_null(strstr(text, "2025-11-28 07:00"));
	assert_non_null(strstr(text, "2026-01-27 07:00\n"));
	free(text);
	chart_take(&chart, FROM, -20);
	chart_take(&chart, FROM + MS_PER_DAY, (double)INFINITY); /* is none */
	text = draw(&chart, true);
	assert_non_null(strstr(text, "-20 │▁·"));
	free(text);
	chart.bound = 0;
	chart.values[0] = 0;
	free(draw(&chart, false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bars),
		cmocka_unit_test(test_worst),
		cmocka_unit_test(test_drawing),
		cmocka_unit_test(test_odd_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
