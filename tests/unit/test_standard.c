/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/macro.h"
#include "core/standard.h"

static void near(double got, double wanted, double error)
{
	if (!(fabs(got - wanted) <= error))
		fail_msg("%.15g instead of %.15g", got, wanted);
}

/* QCVN 40:2011 Kq by river, Kf by discharge; 19:2009 Kp, Kv */
static void test_steps(void **state)
{
	static const struct standard_step kq[] = {{50, 0.9, CERTAINTY_HEARSAY},
						  {200, 1.0, CERTAINTY_HEARSAY},
						  {500, 1.1, CERTAINTY_HEARSAY},
						  {HUGE_VAL, 1.2, CERTAINTY_HEARSAY}};
	static const struct standard_step kv[] = {{1, 0.6, CERTAINTY_HEARSAY},
						  {2, 0.8, CERTAINTY_HEARSAY}};
	static const struct {
		double x;
		size_t step;
	} rows[] = {{0.001, 0}, {49.999, 0}, {50, 0},	   {50.0001, 1}, {200, 1},
		    {200.1, 2}, {500, 2},    {500.001, 3}, {1e9, 3}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(standard_step_find(kq, ARRAY_SIZE(kq), rows[i].x), rows[i].step);
	assert_int_equal(standard_step_find(kv, ARRAY_SIZE(kv), 1), 0);
	assert_int_equal(standard_step_find(kv, ARRAY_SIZE(kv), 2), 1);
	assert_int_equal(standard_step_find(kv, ARRAY_SIZE(kv), 3), 2); /* none */
	assert_int_equal(standard_step_find(kv, 0, 1), 0);
}

static void test_exact(void **state)
{
	(void)state;
	/* to the last bit */
	assert_true(standard_exact(150 * 0.9 * 1.1) <= 148.5 &&
		    standard_exact(150 * 0.9 * 1.1) >= 148.5);
	assert_true(standard_exact(0.1 * 3) <= 0.3 && standard_exact(0.1 * 3) >= 0.3);
	near(standard_exact(0), 0, 0);
	near(standard_exact(-5.5), -5.5, 0);
}

static void test_bounds(void **state)
{
	static const struct {
		const char *from;
		const char *to;
		double molar_mass;
		double value;
		int result;
		double bound;
		double error;
	} rows[] = {
		/* facts: mg/Nm3 per ppm at 25 °C, 1 atm */
		{"ppm", "mg/Nm3", 64.066, 1, 0, 2.6187, 5e-5},
		{"ppm", "mg/Nm3", 46.006, 1, 0, 1.8805, 5e-5},
		{"ppm", "mg/Nm3", 28.010, 1, 0, 1.1449, 5e-5},
		{"mg/Nm3", "ppm", 64.066, 2.618680, 0, 1, 1e-6},
		{"mg/Nm3", "ppb", 64.066, 2.618680, 0, 1000, 1e-3},
		{"ug/Nm3", "ppb", 64.066, 350, 0, 133.655137, 1e-6},
		{"mg/Nm3", "ppm", 0, 500, -ENODATA, 0, 0},
		{"mg/l", "g/l", 0, 150, 0, 0.15, 0},
		{"mg/l", "mg/L", 0, 150, 0, 150, 0},
		{"mg/l", "ug/l", 0, 0.005, 0, 5, 0},
		{"mg/l", "\xc2\xb5g/l", 0, 0.005, 0, 5, 0},
		{"mg/l", "g/m3", 0, 150, 0, 150, 0},
		{"mg/Nm3", "ug/Nm3", 0, 7.5, 0, 7500, 0},
		{"m3/h", "m3/day", 0, 20.8, 0, 499.2, 0},
		{"m3/day", "m3/h", 0, 500, 0, 20.8333333333, 1e-9},
		{"°C", "oC", 0, 40, 0, 40, 0},
		{"°C", "K", 0, 40, 0, 313.15, 1e-9},
		{"pH", "", 0, 5.5, 0, 5.5, 0},
		{"pH", "pH", 0, 9, 0, 9, 0},
		{"Pt-Co", "Pt-Co", 0, 150, 0, 150, 0},
		{"MPN/100ml", "MPN/100ml", 0, 5000, 0, 5000, 0},
		/* no guess */
		{"mg/Nm3", "mg/m3", 64.066, 500, -EDOM, 0, 0},
		{"mg/Nm3", "mg/l", 0, 500, -EDOM, 0, 0},
		{"mg/l", "", 0, 150, -ENOENT, 0, 0},
		{"pH", "mg/l", 0, 9, -ENOENT, 0, 0},
		{"Pt-Co", "mg/l", 0, 150, -ENOENT, 0, 0},
		{"Pt-Co", "", 0, 150, -ENOENT, 0, 0},
		{"°C", "mg/l", 0, 40, -EDOM, 0, 0},
		{"mg/l", "ppm", 46.006, 10, -EDOM, 0, 0},
		{"mg/m3", "ppm", 46.006, 10, -EDOM, 0, 0},
		{"m3/h", "Nm3/h", 0, 10, -EDOM, 0, 0},
		{"mg/l", "mgl", 0, 150, -ENOENT, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		double bound = -7;
		int r = standard_bound(rows[i].from, rows[i].to, rows[i].molar_mass, rows[i].value,
				       &bound);

		if (r != rows[i].result)
			fail_msg("%s to %s: %d", rows[i].from, rows[i].to, r);
		near(bound, r == 0 ? rows[i].bound : -7, rows[i].error);
	}
	assert_true(standard_needs_molar_mass("ppm", "mg/Nm3"));
	assert_true(standard_needs_molar_mass("mg/Nm3", "%"));
	assert_false(standard_needs_molar_mass("ppm", "ppb"));
	assert_false(standard_needs_molar_mass("mg/Nm3", "mg/m3"));
	assert_false(standard_needs_molar_mass("pH", "ppm"));
	assert_string_equal(standard_unit_text("pH"), "");
	assert_string_equal(standard_unit_text("mg/l"), "mg/l");
}

static void test_dates(void **state)
{
	static const struct {
		const char *text;
		unsigned int date;
	} rows[] = {
		{"2025-09-01", 20250901}, {"2024-02-29", 20240229}, {"2024-03-01", 20240301},
		{"2025-03-01", 20250301}, {"2000-03-01", 20000301}, {"1900-03-01", 19000301},
		{"2026-01-01", 20260101}, {"2031-12-31", 20311231},
	};
	static const char *const bad[] = {"2025-02-29", "1900-02-29",  "2025-13-01", "2025-00-01",
					  "2025-01-00", "2025-04-31",  "2025-1-1",   "25-01-01",
					  "2025/01/01", "2025-01-01 ", "",	     "1899-12-31",
					  "20250101",	"2025-0a-01"};
	char text[STANDARD_DATE_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned int date = 7;

		assert_int_equal(standard_date_parse(rows[i].text, &date), 0);
		assert_int_equal(date, rows[i].date);
		assert_null(standard_date_check(rows[i].text));
		assert_string_equal(standard_date_text(date, text), rows[i].text);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		unsigned int date = 7;

		assert_int_equal(standard_date_parse(bad[i], &date), -EINVAL);
		assert_int_equal(date, 7);
		assert_non_null(strstr(standard_date_check(bad[i]), "; allowed: "));
	}
	assert_string_equal(standard_date_text(0, text), "");
	assert_true(standard_ends_soon(20311231, 20311231));
	assert_true(standard_ends_soon(20311231, 20310101));
	assert_true(standard_ends_soon(20311230, 20301231));
	assert_false(standard_ends_soon(20311231, 20301231));
	assert_false(standard_ends_soon(20311231, 20320101)); /* over */
}

static void test_quantities(void **state)
{
	static const struct {
		const char *text;
		double value;
		const char *unit; /* NULL bad */
	} rows[] = {
		{"35 m3/s", 35, "m3/s"}, {"44.7 m3/s", 44.7, "m3/s"},
		{"8e6 m3", 8e6, "m3"},	 {"500  m3/day", 500, "m3/day"},
		{"35", 0, NULL},	 {"35 ", 0, NULL},
		{"m3/s", 0, NULL},	 {" 35 m3/s", 0, NULL},
		{"0 m3/s", 0, NULL},	 {"-5 m3/s", 0, NULL},
		{"x m3/s", 0, NULL},	 {"35m3/s", 0, NULL},
		{"nan m3/s", 0, NULL},	 {"inf m3/s", 0, NULL},
		{"", 0, NULL},		 {"11111111111111111111111111111111111 m3/s", 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *unit = "none";
		double value = -7;
		int r = standard_quantity_parse(rows[i].text, &value, &unit);

		assert_int_equal(r, rows[i].unit ? 0 : -EINVAL);
		assert_string_equal(unit, rows[i].unit ? rows[i].unit : "none");
		near(value, rows[i].unit ? rows[i].value : -7, 0);
		assert_true((standard_quantity_check(rows[i].text) == NULL) == (r == 0));
	}
}

static void test_words(void **state)
{
	static const char letters[] = "VCM";

	(void)state;
	for (unsigned int i = 0; i < N_CERTAINTIES; i++) {
		assert_int_equal(certainty_letter(i), letters[i]);
		assert_true(*certainty_words(i));
	}
	assert_string_equal(factor_text(FACTOR_KQ), "Kq");
	assert_string_equal(factor_key(FACTOR_KV), "kv");
	assert_string_equal(factor_by_key(BY_LAKE_VOLUME), "lake-volume");
	assert_string_equal(factor_by_words(BY_ZONE_TYPE), "zone type");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps),	   cmocka_unit_test(test_exact),
		cmocka_unit_test(test_bounds),	   cmocka_unit_test(test_dates),
		cmocka_unit_test(test_quantities), cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
