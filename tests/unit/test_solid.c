/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/solid.h"

#define NEAR(a, b, by) assert_true(fabs((a) - (b)) <= (by))

/* 10**(-0.085*log10(V) - 0.047): V 1 -> 0.897429, V 10**6 -> 0.277332 */
static void test_reach(void **state)
{
	double reach = 7, margin;

	(void)state;
	NEAR(solid_travel_ratio(1), 0.897429, 1e-6);
	NEAR(solid_travel_ratio(1e6), 0.277332, 1e-6);
	assert_int_equal(solid_reach_m(10, 0, &reach), -EDOM);
	assert_int_equal(solid_reach_m(-1, 0.5, &reach), -EDOM);
	assert_int_equal(solid_reach_m(0, 0, &reach), -EDOM);
	assert_int_equal(solid_reach_m(10, (double)NAN, &reach), -EDOM);
	NEAR(reach, 7, 0);
	assert_int_equal(solid_reach_m(10, 0.5, &reach), 0);
	NEAR(reach, 20, 1e-12);
	assert_true(solid_reaches(20, 20, &margin));
	NEAR(margin, 0, 0);
	assert_false(solid_reaches(20, 25, &margin));
	NEAR(margin, -5, 1e-12);
}

/* 36 mm/h on a hectare, half of it running off: 0.05 m³/s */
static void test_leachate(void **state)
{
	(void)state;
	NEAR(solid_leachate_m3_s(0.5, 36, 10000), 0.05, 1e-12);
	NEAR(solid_leachate_m3_s(0.5, 0, 10000), 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reach),
		cmocka_unit_test(test_leachate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
