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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/boundary_file.h"

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
		(void)boundary_free(boundary);
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
	(void)boundary_free(boundary);
}

/* a boundary along the equator, whose great circles need no computer */
static struct boundary *equator(void)
{
	static const struct boundary_point line[] = {{0, 0}, {0, 5}, {0, 10}};
	struct boundary *boundary = NULL;

	assert_int_equal(boundary_new(&boundary, "equator", line, &(size_t){3}, 1), 0);
	assert_int_equal(boundary_n_points(boundary), 3);
	assert_string_equal(boundary_name(boundary), "equator");
	return boundary;
}

#define DEGREE_M (BOUNDARY_RADIUS_M * M_PI / 180)

static void test_ray(void **state)
{
	static const struct {
		struct boundary_point place;
		double bearing_deg;
		int r;
		double lon_deg;
		double distance_deg;
	} rows[] = {
		{{-1, 5}, 0, 0, 5, 1},	      {{-1, 5}, 360, 0, 5, 1},	     {{2, 3}, 180, 0, 3, 2},
		{{2, 3}, -180, 0, 3, 2},      {{-1, 5}, 180, -ENOENT, 0, 0}, /* away from it */
		{{-1, 5}, 90, -ENOENT, 0, 0}, /* meets the equator at 95° E, where the line is not
					       */
		{{-1, 11}, 0, -ENOENT, 0, 0}, /* past its end */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct boundary *boundary = equator();
		struct boundary_hit hit;

		assert_int_equal(boundary_ray(boundary, rows[i].place, rows[i].bearing_deg, &hit),
				 rows[i].r);
		if (rows[i].r == 0) {
			NEAR(hit.point.lat_deg, 0, 1e-9);
			NEAR(hit.point.lon_deg, rows[i].lon_deg, 1e-9);
			NEAR(hit.distance_m, rows[i].distance_deg * DEGREE_M, 0.001);
		}
		(void)boundary_free(boundary);
	}
}

struct seen {
	size_t n;
	double west_deg, east_deg, farthest_m;
};

static void see(void *userdata, const struct boundary_hit *hit)
{
	struct seen *seen = userdata;

	if (seen->n == 0 || hit->point.lon_deg < seen->west_deg)
		seen->west_deg = hit->point.lon_deg;
	if (seen->n == 0 || hit->point.lon_deg > seen->east_deg)
		seen->east_deg = hit->point.lon_deg;
	seen->farthest_m = fmax(seen->farthest_m, hit->distance_m);
	seen->n++;
}

/* Napier's rule: the edge of a sector of a° from 1° south meets the equator tan(l) = sin(1°) tan(a)
 * to the side */
static void test_sector(void **state)
{
	const struct boundary_sector sector = {
		.bearing_deg = 0, .half_angle_deg = 45, .reach_m = 4e5};
	const struct boundary_sector away = {
		.bearing_deg = 180, .half_angle_deg = 45, .reach_m = 4e5};
	const struct boundary_sector close = {
		.bearing_deg = 0, .half_angle_deg = 45, .reach_m = 1e5};
	double side_deg = atan(sin(M_PI / 180)) * 180 / M_PI;
	struct boundary *boundary = equator();
	struct seen seen = {0};
	struct boundary_hit hit;

	(void)state;
	assert_int_equal(boundary_walk(boundary, (struct boundary_point){-1, 5}, &sector, 1000, see,
				       &seen, &hit),
			 0);
	NEAR(hit.distance_m, DEGREE_M, 0.001);
	NEAR(seen.west_deg, 5 - side_deg, 1e-6);
	NEAR(seen.east_deg, 5 + side_deg, 1e-6);
	assert_true(seen.n >= 222); /* two degrees, a point a kilometre at least */
	assert_true(seen.farthest_m < 1.42 * DEGREE_M);
	assert_int_equal(boundary_walk(boundary, (struct boundary_point){-1, 5}, &away, 1000, see,
				       &seen, &hit),
			 -ENOENT);
	assert_int_equal(boundary_walk(boundary, (struct boundary_point){-1, 5}, &close, 1000, see,
				       &seen, &hit),
			 -ENOENT);
	(void)boundary_free(boundary);
}

static void test_project(void **state)
{
	struct boundary_point north = boundary_project((struct boundary_point){0, 5}, 0, DEGREE_M);
	struct boundary_point east = boundary_project((struct boundary_point){0, 179.5}, 90,
						      DEGREE_M);

	(void)state;
	NEAR(north.lat_deg, 1, 1e-9);
	NEAR(north.lon_deg, 5, 1e-9);
	NEAR(east.lat_deg, 0, 1e-9);
	NEAR(east.lon_deg, -179.5, 1e-9);
}

static double wrapped(double lon_deg)
{
	return remainder(lon_deg, 360);
}

/* a line like a border, turned about the Earth's axis: nothing but longitudes may change. Over the
 * 180th meridian, with points exactly on it, and written as 180 or as -180. */
static void test_turned(void **state)
{
	static const double turns_deg[] = {0, 72.9, 73, 73.05, 73.1, -180, 180, -287, 253};
	static const struct boundary_point line[] = {
		{20.8, 106.9}, {21.1, 107}, {21.3, 106.95}, {21.6, 107.1}, {21.9, 107}};
	const struct boundary_point place = {21.4, 106.7};
	const struct boundary_sector sector = {
		.bearing_deg = 90, .half_angle_deg = 22.5, .reach_m = 50000};
	struct boundary_hit first[3] = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(turns_deg); i++) {
		struct boundary_point points[ARRAY_SIZE(line)];
		const size_t n = ARRAY_SIZE(line);
		struct boundary_point there = {place.lat_deg,
					       wrapped(place.lon_deg + turns_deg[i])};
		struct boundary *boundary = NULL;
		struct boundary_hit hits[3];

		for (size_t k = 0; k < n; k++)
			points[k] = (struct boundary_point){
				line[k].lat_deg, wrapped(line[k].lon_deg + turns_deg[i])};
		assert_int_equal(boundary_new(&boundary, "turned", points, &n, 1), 0);
		assert_int_equal(boundary_nearest(boundary, there, &hits[0]), 0);
		assert_int_equal(boundary_ray(boundary, there, 77, &hits[1]), 0);
		assert_int_equal(
			boundary_walk(boundary, there, &sector, 1000, NULL, NULL, &hits[2]), 0);
		if (i == 0)
			memcpy(first, hits, sizeof(first));
		for (size_t k = 0; k < 3; k++) {
			NEAR(hits[k].distance_m, first[k].distance_m, 1e-3);
			NEAR(hits[k].bearing_deg, first[k].bearing_deg, 1e-6);
			NEAR(hits[k].point.lat_deg, first[k].point.lat_deg, 1e-9);
			NEAR(wrapped(hits[k].point.lon_deg - first[k].point.lon_deg - turns_deg[i]),
			     0, 1e-9);
			assert_true(fabs(hits[k].point.lon_deg) <= 180);
		}
		(void)boundary_free(boundary);
	}
}

/* at a pole, beside it and over it: the distance is the colatitude, whatever the longitude says */
static void test_poles(void **state)
{
	static const struct {
		struct boundary_point a, b, place;
		double from_pole_deg; /* of the nearest point, as seen from the pole */
	} rows[] = {
		{{80, -90}, {80, 90}, {90, 0}, 0},	/* the line goes over the pole */
		{{80, -90}, {80, 90}, {90, 123}, 0},	/* whichever meridian that is */
		{{85, 0}, {80, 0}, {90, -77}, 5},	/* along a meridian, towards it */
		{{-85, 180}, {-80, -180}, {-90, 0}, 5}, /* the other one; one meridian, two names */
		{{-70, 45}, {-70, -135}, {-90, 45}, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct boundary_point points[] = {rows[i].a, rows[i].b};
		const struct boundary_sector all = {
			.bearing_deg = 0, .half_angle_deg = 180, .reach_m = 3e7};
		const size_t n = 2;
		struct boundary *boundary = NULL;
		struct boundary_hit hit;

		assert_int_equal(boundary_new(&boundary, "pole", points, &n, 1), 0);
		assert_int_equal(boundary_nearest(boundary, rows[i].place, &hit), 0);
		NEAR(hit.distance_m, rows[i].from_pole_deg * DEGREE_M, 1e-3);
		assert_int_equal(hit.has_bearing, rows[i].from_pole_deg > 0);
		assert_true(boundary_point_is_valid(hit.point));
		/* north there is the meridian of the longitude that was given */
		if (hit.has_bearing)
			NEAR(boundary_project(rows[i].place, hit.bearing_deg, hit.distance_m)
				     .lat_deg,
			     hit.point.lat_deg, 1e-9);
		assert_int_equal(
			boundary_walk(boundary, rows[i].place, &all, 1e5, NULL, NULL, &hit), 0);
		NEAR(hit.distance_m, rows[i].from_pole_deg * DEGREE_M, 1e-3);
		(void)boundary_free(boundary);
	}
}

/* --- files -------------------------------------------------------------------------- */

static void test_files(void **state)
{
	static const struct {
		const char *text;
		const char *wrong; /* NULL: it is good */
	} rows[] = {
		{"{\"type\":\"LineString\",\"coordinates\":[[106,22],[107,22]]}", NULL},
		{"{\"type\":\"LineString\",\"coordinates\":[[106,22,5],[107,22,7]]}", NULL},
		{"{\"type\":\"Feature\",\"properties\":{},\"geometry\":{\"type\":"
		 "\"MultiLineString\",\"coordinates\":[[[106,22],[107,22]],[[1,2],[3,4]]]}}",
		 NULL},
		{"{\"type\":\"Polygon\",\"coordinates\":[[[0,0],[1,0],[1,1],[0,0]]]}", NULL},
		{"", ""},
		{"[]", ""},
		{"{}", ""},
		{"{\"type\":\"Point\",\"coordinates\":[106,22]}", ""},
		{"{\"type\":\"LineString\",\"coordinates\":[[106,22]]}", ""},
		{"{\"type\":\"LineString\",\"coordinates\":[[106,22],[107]]}", ""},
		{"{\"type\":\"LineString\",\"coordinates\":[[106,22],[107,\"x\"]]}", ""},
		{"{\"type\":\"LineString\",\"coordinates\":[[106,22],[107,95]]}", ""},
		{"{\"type\":\"LineString\",\"coordinates\":[[106,22],[207,22]]}", ""},
		{"{\"type\":\"FeatureCollection\",\"features\":[]}", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char error[BOUNDARY_ERROR_MAX] = "";
		struct boundary *boundary = NULL;
		int r = boundary_file_parse(&boundary, rows[i].text, strlen(rows[i].text), "b",
					    error);

		if (r != (rows[i].wrong ? -EBADMSG : 0) || !boundary != (rows[i].wrong != NULL) ||
		    (rows[i].wrong && !*error))
			fail_msg("row %zu: %d %s", i, r, error);
		(void)boundary_free(boundary);
	}
}

/* what is installed: Lang Son lies 13.5 km from the border, roughly */
static void test_shipped_file(void **state)
{
	const char *build = getenv("WASTEWATCH_SOURCE");
	char path[4096], error[BOUNDARY_ERROR_MAX] = "";
	struct boundary *boundary = NULL;
	struct boundary_hit hit;

	(void)state;
	(void)snprintf(path, sizeof(path), "%s%sconf/boundaries/vietnam-china.geojson",
		       build ? build : "", build ? "/" : "");
	if (boundary_file_read(&boundary, path, error) != 0)
		fail_msg("%s", error);
	assert_int_equal(boundary_n_points(boundary), 5006);
	assert_int_equal(boundary_nearest(boundary, (struct boundary_point){21.853, 106.761}, &hit),
			 0);
	assert_true(hit.distance_m > 11000 && hit.distance_m < 16000);
	(void)boundary_free(boundary);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nearest),	     cmocka_unit_test(test_refused),
		cmocka_unit_test(test_ray),	     cmocka_unit_test(test_sector),
		cmocka_unit_test(test_project),	     cmocka_unit_test(test_turned),
		cmocka_unit_test(test_poles),	     cmocka_unit_test(test_files),
		cmocka_unit_test(test_shipped_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
