/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/macro.h"
#include "common/text.h"
#include "core/units.h"

static void test_convert(void **state)
{
	static const struct {
		const char *from;
		const char *to;
		double value;
		int r;
		double wanted;
	} rows[] = {
		{"mg/l", "mg/L", 7, 0, 7},
		{"mg/l", "µg/l", 1.5, 0, 1500},
		{"mg/l", "\xce\xbcg/l", 1.5, 0, 1500},
		{"mg/m3", "mg/l", 1000, 0, 1},
		{"ug/Nm3", "mg/Nm³", 350, 0, 0.35},
		{"m3/h", "m3/day", 100, 0, 2400},
		{"m³/h", "l/s", 3.6, 0, 1},
		{"L/s", "m3/s", 1000, 0, 1},
		{"°C", "K", 25, 0, 298.15},
		{"K", "oC", 298.15, 0, 25},
		{"km/h", "m/s", 36, 0, 10},
		{"ppm", "%", 10000, 0, 1},
		{"mg/Nm3", "mg/m3", 1, -EDOM, 0}, /* actual and normal volume are not the same */
		{"ppm", "mg/Nm3", 1, -EDOM, 0},	  /* of which gas? */
		{"mg/l", "m3/h", 1, -EDOM, 0},
		{"mg/l", "Pt-Co", 1, -ENOENT, 0},
		{"", "mg/l", 1, -ENOENT, 0},
		{"mg/Nm3mg/Nm3mg/Nm3mg/Nm3", "mg/l", 1, -ENOENT, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		double got = -1;

		assert_int_equal(unit_convert(rows[i].from, rows[i].to, rows[i].value, &got),
				 rows[i].r);
		assert_true(rows[i].r < 0 ? got == -1
					  : fabs(got - rows[i].wanted) <= 1e-9 * rows[i].wanted);
	}
}

/* the conversions of the field, recomputed: ppm at 25 °C and 1 atm to mg/Nm3 */
static void test_gases(void **state)
{
	static const struct {
		double molar_mass;
		double mg_nm3;
	} rows[] = {{64.066, 2.6187}, {46.0055, 1.8805}, {28.010, 1.1449}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_true(fabs(unit_gas_concentration(1e-6, rows[i].molar_mass) * 1e6 -
				 rows[i].mg_nm3) < 5e-5);
}

static void test_mass_flow(void **state)
{
	double factor = 0;

	(void)state;
	assert_int_equal(unit_mass_flow("mg/l", "m3/h", &factor), 0);
	assert_true(fabs(100 * 36 * factor - 0.001) < 1e-12); /* 3600 g/h is 1 g/s */
	assert_int_equal(unit_mass_flow("mg/Nm3", "Nm3/h", &factor), 0);
	assert_true(fabs(100 * 36000 * factor - 0.001) < 1e-12);
	assert_int_equal(unit_mass_flow("mg/Nm3", "m3/h", &factor), -EDOM);
	assert_int_equal(unit_mass_flow("mg/l", "Nm3/h", &factor), -EDOM);
	assert_int_equal(unit_mass_flow("pH", "m3/h", &factor), -ENOENT);
}

static void test_utf8(void **state)
{
	static const struct {
		const char *text;
		bool is;
	} rows[] = {
		{"", true},
		{"abc", true},
		{"Lạng Sơn", true},
		{"\xf0\x9f\x8c\x8a", true},
		{"\xf4\x8f\xbf\xbf", true},
		{"\xf4\x90\x80\x80", false}, /* beyond U+10FFFF */
		{"\xed\xa0\x80", false},     /* a surrogate */
		{"\xc0\xaf", false},	     /* not the shortest form */
		{"\xe0\x80\xaf", false},
		{"\xe1\xba", false}, /* cut */
		{"\xba", false},
		{"\xff", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(text_is_utf8(rows[i].text), rows[i].is);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_convert),
		cmocka_unit_test(test_gases),
		cmocka_unit_test(test_mass_flow),
		cmocka_unit_test(test_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
