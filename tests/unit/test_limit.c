/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/macro.h"
#include "core/limit.h"

/* assert_float_equal() compares in single precision */
#define assert_close(a, b, epsilon) assert_true(fabs((a) - (b)) <= (epsilon))

/*
 * Every run is rows of second, value, good?, result, phase. The same rows are run against
 * a high limit and, with all numbers negated, against a low one.
 */
struct row {
	int second;
	double value;
	bool good;
	enum limit_change change;
	enum limit_phase phase;
};

struct run {
	const char *name;
	double bound;
	double deadband;
	uint32_t raise_delay_ms;
	uint32_t clear_delay_ms;
	struct row rows[16]; /* ended by second < 0 */
};

#define END                                            \
	{                                              \
		-1, 0, false, LIMIT_SAME, LIMIT_NORMAL \
	}

static const struct run runs[] = {
	{"no delays",
	 10,
	 0,
	 0,
	 0,
	 {
		 {0, 9.999, true, LIMIT_SAME, LIMIT_NORMAL},
		 {1, 10, true, LIMIT_SAME, LIMIT_NORMAL}, /* the bound itself is not broken */
		 {2, 10.001, true, LIMIT_BROKEN, LIMIT_RAISED},
		 {3, 10.001, true, LIMIT_SAME, LIMIT_RAISED}, /* said once */
		 {4, 10, true, LIMIT_BACK, LIMIT_NORMAL},     /* and it is back at the bound */
		 {5, 0, true, LIMIT_SAME, LIMIT_NORMAL},
		 {6, 11, true, LIMIT_BROKEN, LIMIT_RAISED}, /* and again */
		 END,
	 }},
	{"the first value of all can raise",
	 10,
	 0,
	 0,
	 0,
	 {{0, 11, true, LIMIT_BROKEN, LIMIT_RAISED}, END}},
	{"deadband",
	 10,
	 2,
	 0,
	 0,
	 {
		 {0, 11, true, LIMIT_BROKEN, LIMIT_RAISED},
		 {1, 10, true, LIMIT_SAME, LIMIT_RAISED},
		 {2, 8.001, true, LIMIT_SAME, LIMIT_RAISED},
		 {3, 8, true, LIMIT_BACK, LIMIT_NORMAL}, /* bound - deadband is far enough */
		 {4, 9, true, LIMIT_SAME, LIMIT_NORMAL}, /* inside it: does not raise */
		 {5, 10, true, LIMIT_SAME, LIMIT_NORMAL},
		 {6, 10.5, true, LIMIT_BROKEN, LIMIT_RAISED},
		 END,
	 }},
	{"raise delay",
	 10,
	 0,
	 5000,
	 0,
	 {
		 {0, 11, true, LIMIT_SAME, LIMIT_PENDING},
		 {4, 11, true, LIMIT_SAME, LIMIT_PENDING},
		 {5, 11, true, LIMIT_BROKEN, LIMIT_RAISED}, /* the delay has passed exactly */
		 END,
	 }},
	{"a value within it ends the raise delay",
	 10,
	 0,
	 5000,
	 0,
	 {
		 {0, 11, true, LIMIT_SAME, LIMIT_PENDING},
		 {4, 11, true, LIMIT_SAME, LIMIT_PENDING},
		 {5, 10, true, LIMIT_SAME, LIMIT_NORMAL},
		 {6, 11, true, LIMIT_SAME, LIMIT_PENDING}, /* begins anew */
		 {10, 11, true, LIMIT_SAME, LIMIT_PENDING},
		 {11, 11, true, LIMIT_BROKEN, LIMIT_RAISED},
		 END,
	 }},
	{"clear delay",
	 10,
	 0,
	 0,
	 3000,
	 {
		 {0, 11, true, LIMIT_BROKEN, LIMIT_RAISED},
		 {1, 9, true, LIMIT_SAME, LIMIT_CLEARING},
		 {3, 9, true, LIMIT_SAME, LIMIT_CLEARING},
		 {4, 9, true, LIMIT_BACK, LIMIT_NORMAL},
		 END,
	 }},
	{"beyond it again ends the clear delay",
	 10,
	 2,
	 0,
	 3000,
	 {
		 {0, 11, true, LIMIT_BROKEN, LIMIT_RAISED},
		 {1, 8, true, LIMIT_SAME, LIMIT_CLEARING},
		 {3, 11, true, LIMIT_SAME, LIMIT_RAISED}, /* not said a second time */
		 {4, 8, true, LIMIT_SAME, LIMIT_CLEARING},
		 {6, 8, true, LIMIT_SAME, LIMIT_CLEARING},
		 {7, 9, true, LIMIT_SAME, LIMIT_RAISED}, /* inside the deadband is not back */
		 {8, 8, true, LIMIT_SAME, LIMIT_CLEARING},
		 {11, 7, true, LIMIT_BACK, LIMIT_NORMAL},
		 END,
	 }},
	{"bad values in NORMAL",
	 10,
	 0,
	 0,
	 0,
	 {
		 {0, 99, false, LIMIT_SAME, LIMIT_NORMAL},
		 {1, 9, true, LIMIT_SAME, LIMIT_NORMAL},
		 {2, 99, false, LIMIT_SAME, LIMIT_NORMAL},
		 {3, 11, true, LIMIT_BROKEN, LIMIT_RAISED},
		 END,
	 }},
	{"a gap in PENDING counts as one sample",
	 10,
	 0,
	 8000,
	 0,
	 {
		 {0, 11, true, LIMIT_SAME, LIMIT_PENDING},
		 {2, 11, true, LIMIT_SAME, LIMIT_PENDING}, /* 2 s held */
		 {3, 0, false, LIMIT_SAME, LIMIT_PENDING},
		 {60, 0, false, LIMIT_SAME, LIMIT_PENDING},
		 {61, 11, true, LIMIT_SAME, LIMIT_PENDING}, /* 6 s */
		 {62, 11, true, LIMIT_SAME, LIMIT_PENDING},
		 {63, 11, true, LIMIT_BROKEN, LIMIT_RAISED},
		 END,
	 }},
	{"bad values in PENDING do not end it either",
	 10,
	 0,
	 2000,
	 0,
	 {
		 {0, 11, true, LIMIT_SAME, LIMIT_PENDING},
		 {1, 0, false, LIMIT_SAME, LIMIT_PENDING},
		 {2, 9, true, LIMIT_SAME, LIMIT_NORMAL}, /* only a good one does */
		 END,
	 }},
	{"bad values in RAISED",
	 10,
	 0,
	 0,
	 2000,
	 {
		 {0, 11, true, LIMIT_BROKEN, LIMIT_RAISED},
		 {1, 0, false, LIMIT_SAME, LIMIT_RAISED},
		 {99, 0, false, LIMIT_SAME, LIMIT_RAISED},
		 {100, 9, true, LIMIT_SAME, LIMIT_CLEARING}, /* the delay begins only now */
		 {101, 9, true, LIMIT_SAME, LIMIT_CLEARING},
		 {102, 9, true, LIMIT_BACK, LIMIT_NORMAL},
		 END,
	 }},
	{"a gap in CLEARING counts as one sample",
	 10,
	 0,
	 0,
	 8000,
	 {
		 {0, 11, true, LIMIT_BROKEN, LIMIT_RAISED},
		 {1, 9, true, LIMIT_SAME, LIMIT_CLEARING},
		 {3, 9, true, LIMIT_SAME, LIMIT_CLEARING}, /* 2 s */
		 {4, 99, false, LIMIT_SAME, LIMIT_CLEARING},
		 {600, 0, false, LIMIT_SAME, LIMIT_CLEARING},
		 {601, 9, true, LIMIT_SAME, LIMIT_CLEARING}, /* 6 s */
		 {602, 9, true, LIMIT_SAME, LIMIT_CLEARING},
		 {603, 9, true, LIMIT_BACK, LIMIT_NORMAL},
		 END,
	 }},
	{"good and bad by turns: the good ones add up",
	 10,
	 0,
	 5000,
	 0,
	 {
		 {0, 11, true, LIMIT_SAME, LIMIT_PENDING},
		 {1, 0, false, LIMIT_SAME, LIMIT_PENDING},
		 {2, 11, true, LIMIT_SAME, LIMIT_PENDING},
		 {3, 0, false, LIMIT_SAME, LIMIT_PENDING},
		 {4, 11, true, LIMIT_SAME, LIMIT_PENDING},
		 {5, 0, false, LIMIT_SAME, LIMIT_PENDING},
		 {6, 11, true, LIMIT_BROKEN, LIMIT_RAISED},
		 END,
	 }},
	{"time that goes back counts for nothing",
	 10,
	 0,
	 2000,
	 0,
	 {
		 {10, 11, true, LIMIT_SAME, LIMIT_PENDING},
		 {5, 11, true, LIMIT_SAME, LIMIT_PENDING},
		 {6, 11, true, LIMIT_SAME, LIMIT_PENDING},
		 {7, 11, true, LIMIT_BROKEN, LIMIT_RAISED},
		 END,
	 }},
	{"a bound of zero",
	 0,
	 0,
	 0,
	 0,
	 {{0, 0, true, LIMIT_SAME, LIMIT_NORMAL},
	  {1, 1e-9, true, LIMIT_BROKEN, LIMIT_RAISED},
	  {2, 0, true, LIMIT_BACK, LIMIT_NORMAL},
	  END}},
	{"a negative bound",
	 -5,
	 1,
	 0,
	 0,
	 {{0, -5, true, LIMIT_SAME, LIMIT_NORMAL},
	  {1, -4, true, LIMIT_BROKEN, LIMIT_RAISED},
	  {2, -5.5, true, LIMIT_SAME, LIMIT_RAISED},
	  {3, -6, true, LIMIT_BACK, LIMIT_NORMAL},
	  END}},
};

#define MOST_MS 4000 /* what one sample stands for at most */

static void run_one(const struct run *run, bool high)
{
	double sign = high ? 1 : -1;
	struct config_limit limit = {
		.high = high,
		.bound = sign * run->bound,
		.deadband = run->deadband,
		.raise_delay_ms = run->raise_delay_ms,
		.clear_delay_ms = run->clear_delay_ms,
	};
	struct limit_state state = {0};

	for (const struct row *row = run->rows; row->second >= 0; row++) {
		enum limit_change change = LIMIT_SAME;
		int64_t ms = row->second * INT64_C(1000);

		if (row->good)
			change = limit_value(&limit, &state, sign * row->value, ms, ms, MOST_MS);
		if (change != row->change || state.phase != row->phase)
			fail_msg("%s (%s), second %d: change %d, phase %u", run->name,
				 high ? "high" : "low", row->second, (int)change, state.phase);
		assert_int_equal(limit_is_raised(&state),
				 state.phase == LIMIT_RAISED || state.phase == LIMIT_CLEARING);
	}
}

/* faults: D3, D4, D6 */
static void test_high(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(runs); i++)
		run_one(&runs[i], true);
}

/* faults: D6 */
static void test_low(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(runs); i++)
		run_one(&runs[i], false);
}

/* since when, and how bad: from the first value beyond the bound, not from the alarm */
static void test_since_and_worst(void **state)
{
	const struct config_limit limit = {.high = true, .bound = 10, .raise_delay_ms = 2000};
	struct limit_state s = {0};

	(void)state;
	(void)limit_value(&limit, &s, 99, 0, 500, MOST_MS); /* a spike that does not last */
	assert_int_equal(s.since_wall_ms, 500);
	(void)limit_value(&limit, &s, 9, 1000, 1500, MOST_MS);
	(void)limit_value(&limit, &s, 12, 2000, 2500, MOST_MS);
	assert_int_equal(s.since_wall_ms, 2500);
	assert_close(s.worst, 12, 0); /* the spike is forgotten */
	(void)limit_value(&limit, &s, 15, 3000, 3500, MOST_MS);
	(void)limit_value(&limit, &s, 11, 4000, 4500, MOST_MS);
	assert_int_equal(s.phase, LIMIT_RAISED);
	assert_int_equal(s.since_wall_ms, 2500);
	assert_close(s.worst, 15, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_high),
		cmocka_unit_test(test_low),
		cmocka_unit_test(test_since_and_worst),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
