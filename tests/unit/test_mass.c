/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/macro.h"
#include "core/mass.h"
#include "core/units.h"

#define WALL_0 INT64_C(1795528800000)
#define LONG   1500 /* ms; interval 1 s */

/* assert_float_equal() compares in single precision */
#define assert_close(a, b)                                                 \
	do {                                                               \
		double a_ = (a), b_ = (b);                                 \
		if (!(fabs(a_ - b_) <= 1e-12 * fmax(1, fabs(b_))))         \
			fail_msg("%s is %.15g and not %.15g", #a, a_, b_); \
	} while (0)

static struct stamp at(int64_t ms)
{
	return (struct stamp){.mono_ms = ms, .wall_ms = WALL_0 + ms};
}

enum what { PAIR, BAD, START, STOP };

/* one row: what comes, and what the sums are afterwards, worked out by hand */
struct row {
	int64_t ms;
	enum what what;
	double rate;
	double above;
	double total_kg;
	double above_kg;
	int64_t covered_ms;
};

static void check(const struct row *rows, size_t n)
{
	struct mass mass = {0};

	for (size_t i = 0; i < n; i++) {
		const struct row *row = &rows[i];

		switch (row->what) {
		case PAIR:
			mass_pair(&mass, at(row->ms), row->rate, row->above, LONG);
			break;
		case BAD:
			mass_break(&mass);
			break;
		case START:
			mass_start(&mass, at(row->ms));
			break;
		case STOP:
			mass_stop(&mass);
			break;
		}
		if (fabs(mass.total_kg - row->total_kg) > 1e-12 ||
		    fabs(mass.above_kg - row->above_kg) > 1e-12 ||
		    mass.covered_ms != row->covered_ms)
			fail_msg("row %zu: %.12g kg, %.12g above, %lld ms", i, mass.total_kg,
				 mass.above_kg, (long long)mass.covered_ms);
	}
}

static void test_ramp(void **state)
{
	static const struct row rows[] = {
		{10000, START, 0, 0, 0, 0, 0},	     {10000, PAIR, 2, 0, 0, 0, 0},
		{11000, PAIR, 4, 1, 3, 0.5, 1000},   /* (2+4)/2, (0+1)/2 */
		{12000, PAIR, 4, 1, 7, 1.5, 2000},   /* + 4, + 1 */
		{12500, PAIR, 0, 0, 8, 1.75, 2500},  /* + 4/2/2, + 1/2/2 */
		{12500, PAIR, 6, 6, 8, 1.75, 2500},  /* the same moment again: it is this one now */
		{13500, PAIR, 2, 0, 12, 4.75, 3500}, /* (6+2)/2, 6/2 */
		{13000, PAIR, 9, 9, 12, 4.75, 3500}, /* from before: no */
		{14500, PAIR, 2, 0, 14, 4.75, 4500},
	};

	(void)state;
	check(rows, ARRAY_SIZE(rows));
}

static void test_gaps(void **state)
{
	static const struct row rows[] = {
		{0, START, 0, 0, 0, 0, 0},
		{0, PAIR, 2, 2, 0, 0, 0},
		{1500, PAIR, 2, 2, 3, 3, 1500}, /* one and a half intervals are none */
		{3001, PAIR, 2, 2, 3, 3, 1500}, /* a millisecond more is one */
		{4001, PAIR, 2, 2, 5, 5, 2500},
		{4500, BAD, 0, 0, 5, 5, 2500},
		{5001, PAIR, 2, 2, 5, 5, 2500}, /* a bad value between: not across it */
		{6001, PAIR, 4, 2, 8, 7, 3500},
		{7001, PAIR, -3, -9, 10, 8, 4500}, /* a backflow takes nothing back */
		{8001, PAIR, -3, -9, 10, 8, 5500}, /* but its time had data */
	};

	(void)state;
	check(rows, ARRAY_SIZE(rows));
}

/* what lies before the start is left out, along the straight line */
static void test_start_within_a_piece(void **state)
{
	struct mass mass = {0};

	(void)state;
	mass_pair(&mass, at(1000), 4, 4, LONG);
	assert_close(mass.total_kg, 0);
	mass_start(&mass, at(1250));
	mass_pair(&mass, at(2000), 8, 0, LONG);
	assert_close(mass.total_kg, (5 + 8) / 2.0 * 0.75);
	assert_close(mass.above_kg, (3 + 0) / 2.0 * 0.75);
	assert_int_equal(mass.covered_ms, 750);
	mass_start(&mass, at(5000)); /* begins anew, and later than what comes */
	mass_pair(&mass, at(3000), 8, 0, LONG);
	assert_close(mass.total_kg, 0);
	assert_int_equal(mass.covered_ms, 0);
	mass_stop(&mass);
	mass_pair(&mass, at(4000), 8, 0, LONG);
	assert_close(mass.total_kg, 0);
	assert_true(mass.has_last);
}

static void test_span(void **state)
{
	struct mass mass = {0};
	struct mass_span span;

	(void)state;
	assert_false(mass_span(&mass, at(9000), LONG, &span)); /* nothing counts */
	mass_start(&mass, at(1000));
	assert_false(mass_span(&mass, at(1000), LONG, &span)); /* no time has passed */
	assert_true(mass_span(&mass, at(2000), LONG, &span));
	assert_int_equal(span.covered_percent, 0);
	mass_pair(&mass, at(1000), 1, 0, LONG);
	assert_false(mass_span(&mass, at(2500), LONG, &span)); /* the next one may still come */
	assert_true(mass_span(&mass, at(2501), LONG, &span));  /* now it is missing */
	assert_int_equal(span.from_ms, WALL_0 + 1000);
	assert_int_equal(span.until_ms, WALL_0 + 2501);
	assert_int_equal(span.covered_percent, 0);
	mass_pair(&mass, at(2000), 1, 0, LONG);
	assert_true(mass_span(&mass, at(3500), LONG, &span));
	assert_int_equal(span.until_ms, WALL_0 + 2000);
	assert_int_equal(span.covered_percent, 100);
	mass_break(&mass);
	assert_true(mass_span(&mass, at(3000), LONG, &span));
	assert_int_equal(span.until_ms, WALL_0 + 3000);
	assert_int_equal(span.covered_percent, 50);
	assert_true(mass_span(&mass, at(101001), LONG, &span)); /* rounded down, never up */
	assert_int_equal(span.covered_percent, 0);
}

/* what flows while a release rests is none of it, nor is that time; it goes on within a piece */
static void test_rest(void **state)
{
	struct mass mass = {0};
	struct mass_span span;

	(void)state;
	mass_start(&mass, at(0));
	for (int64_t s = 0; s <= 10; s++)
		mass_pair(&mass, at(s * 1000), 2, 1, LONG);
	mass_rest(&mass, at(10000));
	mass_rest(&mass, at(12000)); /* it rests already */
	for (int64_t s = 11; s <= 20; s++)
		mass_pair(&mass, at(s * 1000), 7, 7, LONG);
	assert_close(mass.total_kg, 20);
	assert_close(mass.above_kg, 10);
	assert_true(mass_span(&mass, at(20000), LONG, &span));
	assert_true(span.until_ms == WALL_0 + 10000 && span.covered_percent == 100);
	mass_resume(&mass, at(20500));
	for (int64_t s = 21; s <= 30; s++)
		mass_pair(&mass, at(s * 1000), 7, 7, LONG);
	assert_close(mass.total_kg, 20 + 7 * 9.5);
	assert_int_equal(mass.covered_ms, 19500);
	assert_true(mass_span(&mass, at(30000), LONG, &span));
	assert_true(span.until_ms == WALL_0 + 30000 && span.covered_percent == 100);
	mass_stop(&mass);
	mass_start(&mass, at(40000));
	mass_pair(&mass, at(41000), 1, 0, LONG);
	mass_pair(&mass, at(42000), 1, 0, LONG);
	assert_close(mass.total_kg, 1);
}

/* a rest that begins in the past cuts the piece that it lies in */
static void test_rest_within_a_piece(void **state)
{
	struct mass mass = {0};

	(void)state;
	mass_start(&mass, at(0));
	mass_pair(&mass, at(0), 4, 2, LONG);
	mass_rest(&mass, at(250));
	mass_pair(&mass, at(1000), 8, 6, LONG);
	mass_pair(&mass, at(2000), 8, 6, LONG);
	assert_close(mass.total_kg, (4 + 5) / 2.0 * 0.25);
	assert_close(mass.above_kg, (2 + 3) / 2.0 * 0.25);
	assert_int_equal(mass.covered_ms, 250);
}

static void put(struct mass *mass, struct mass_window *window, int64_t from_s, int64_t to_s,
		double rate)
{
	for (int64_t s = from_s; s <= to_s; s++) {
		mass_pair(mass, at(s * 1000), rate, rate / 2, LONG);
		mass_pair(&window->whole, at(s * 1000), rate, rate / 2, LONG);
	}
}

/* two windows of 100 s at 1 kg/s; what was counted before the second, in it, and how it turns out
 */
static void test_windows(void **state)
{
	static const struct {
		bool counting, goes_on;	  /* before the second; the release itself at its end */
		int64_t start_s;	  /* of the mass, if it begins in the second */
		int64_t resume_s, rest_s; /* in the second, 0 not */
		double total_kg;	  /* until 200 s, if the second counts */
		int64_t from_s, until_s, length_s; /* as it is said then, at 210 s */
	} rows[] = {
		/* the first counts and rests at its end */
		{true, false, 0, 0, 0, 200, 0, 200, 200},
		{true, true, 0, 0, 0, 210, 0, 210, 210},
		{true, false, 0, 130, 140, 200, 0, 200, 200},
		{true, true, 0, 130, 140, 210, 0, 210, 210},
		{true, false, 0, 130, 0, 210, 0, 210, 210}, /* it does not rest at the end */
		/* nothing did before: as the second has it */
		{false, false, 0, 0, 0, 110, 100, 210, 110},
		{false, false, 150, 0, 0, 110, 100, 210, 110},
		{false, false, 150, 0, 170, 100, 100, 200, 100},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mass mass = {0};
		struct mass_window window = {0};
		struct mass_span span;
		int64_t turns[] = {rows[i].start_s, rows[i].resume_s, rows[i].rest_s, 200};
		int64_t last = 100;

		if (rows[i].counting)
			mass_start(&mass, at(0));
		put(&mass, &window, 0, 100, 1);
		mass_window_start(&window, &mass, at(100000));
		if (rows[i].counting)
			mass_rest(&mass, at(100000));
		for (size_t j = 0; j < ARRAY_SIZE(turns); j++) {
			if (turns[j] == 0)
				continue;
			put(&mass, &window, last, turns[j], 1);
			last = turns[j];
			if (j == 0)
				mass_start(&mass, at(last * 1000));
			else if (j == 1)
				mass_resume(&mass, at(last * 1000));
			else if (j == 2)
				mass_rest(&mass, at(last * 1000));
		}
		for (int twice = 0; twice < 2; twice++) /* nothing is counted twice */
			mass_window_join(&mass, &window, at(200000), rows[i].goes_on);
		put(&mass, &window, 200, 210, 1);
		if (fabs(mass.total_kg - rows[i].total_kg) > 1e-9 ||
		    fabs(mass.above_kg - rows[i].total_kg / 2) > 1e-9)
			fail_msg("row %zu: %.12g kg", i, mass.total_kg);
		assert_true(mass_span(&mass, at(210000), LONG, &span));
		assert_int_equal(span.from_ms, WALL_0 + rows[i].from_s * 1000);
		assert_int_equal(span.until_ms, WALL_0 + rows[i].until_s * 1000);
		assert_int_equal(mass.covered_ms, rows[i].length_s * 1000);
		assert_int_equal(span.covered_percent, 100);
	}
}

/* what an hour of a constant release comes to, in the units of the field */
static void test_units(void **state)
{
	static const struct {
		const char *concentration;
		const char *flow;
		double c, q, kg_h;
	} rows[] = {
		{"mg/l", "m3/h", 500, 80, 40},	     {"mg/L", "m³/h", 500, 80, 40},
		{"mg/l", "m3/d", 500, 1920, 40},     {"mg/l", "l/s", 100, 10, 3.6},
		{"g/m3", "m3/s", 2, 0.5, 3.6},	     {"µg/l", "m3/h", 5000, 80, 0.4},
		{"mg/Nm3", "Nm3/h", 800, 50000, 40}, {"mg/m3", "m3/h", 800, 50000, 40},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mass mass = {0};
		double factor;

		assert_int_equal(unit_mass_flow(rows[i].concentration, rows[i].flow, &factor), 0);
		mass_start(&mass, at(0));
		for (int64_t ms = 0; ms <= 3600000; ms += 1000)
			mass_pair(&mass, at(ms), rows[i].c * rows[i].q * factor,
				  (rows[i].c / 2) * rows[i].q * factor, LONG);
		if (fabs(mass.total_kg - rows[i].kg_h) > 1e-9 ||
		    fabs(mass.above_kg - rows[i].kg_h / 2) > 1e-9)
			fail_msg("row %zu: %.12g kg", i, mass.total_kg);
		assert_int_equal(mass.covered_ms, 3600000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ramp),
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_start_within_a_piece),
		cmocka_unit_test(test_span),
		cmocka_unit_test(test_rest),
		cmocka_unit_test(test_rest_within_a_piece),
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
