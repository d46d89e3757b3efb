/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows: independent computation in Python. The nearest point is found by ternary search over
 * points of the great circle, v(t) = (sin((1-t)w)*a + sin(t*w)*b)/sin(w); the distance is the
 * haversine 2*R*asin(sqrt(sin((q-p)/2)**2 + cos(p)*cos(q)*sin(d/2)**2)), the bearing
 * atan2(sin(d)*cos(q), cos(p)*sin(q) - sin(p)*cos(q)*cos(d)).
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/boundary.h"

#define NEAR(a, b, by) assert_true(fabs((a) - (b)) <= (by))

static void test_nearest(void **state)
{
	static const struct {
		struct boundary_point a, b, place;
		double distance_m, bearing_deg;
	} rows[] = {
		{{21, 106}, {23, 108}, {21.85, 106.76}, 6075.989, 132.74296},
		{{22, 106}, {22, 107.5}, {21.1, 106.9}, 100257.533, 0.05620},
		{{10, 179.5}, {11, -179.5}, {10.2, -179.9}, 31283.543, 314.53280},
		{{22, 106}, {22, 107}, {22, 105}, 103098.099, 89.81269},
		{{89.5, 10}, {89.5, 90}, {89.9, -120}, 53541.209, 10.00018},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct boundary_point line[] = {rows[i].a, rows[i].b};
		struct boundary *boundary;
		struct boundary_hit hit;

		assert_int_equal(boundary_new(&boundary, "b", line, &(size_t){2}, 1), 0);
		assert_int_equal(boundary_nearest(boundary, rows[i].place, &hit), 0);
		NEAR(hit.distance_m, rows[i].distance_m, 0.01);
		NEAR(hit.bearing_deg, rows[i].bearing_deg, 0.001);
		boundary = boundary_free(boundary);
	}
}

static void test_refused(void **state)
{
	const struct boundary_point same[] = {{22, 106}, {22, 106}},
				    wrong[] = {{22, 106}, {(double)NAN, 1}};
	const struct boundary_point far[] = {{0, 0}, {0, 100}};
	struct boundary *boundary = NULL;
	struct boundary_hit hit;

	(void)state;
	assert_int_equal(boundary_new(&boundary, "b", same, NULL, 0), -EINVAL);
	assert_int_equal(boundary_new(&boundary, "b", same, &(size_t){1}, 1), -EINVAL);
	assert_int_equal(boundary_new(&boundary, "b", wrong, &(size_t){2}, 1), -EDOM);
	assert_int_equal(boundary_new(&boundary, "b", far, &(size_t){2}, 1), -EDOM);
	assert_int_equal(boundary_new(&boundary, "b", same, &(size_t){2}, 1), 0);
	assert_int_equal(boundary_nearest(boundary, same[0], &hit), 0);
	NEAR(hit.distance_m, 0, 1e-6);
	assert_false(hit.has_bearing);
	assert_int_equal(boundary_nearest(boundary, wrong[1], &hit), -EDOM);
	assert_int_equal(boundary_ray(boundary, same[0], (double)NAN, &hit), -EDOM);
	boundary = boundary_free(boundary);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
