/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows: independent recomputation in Python, the formula beside each.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/river.h"

#define NEAR(a, b, by) assert_true(fabs((a) - (b)) <= (by))

/* 2,000 m³/d at 500 mg/L into 20 m³/s at 4 mg/L; 100 km at 0.5 m/s, 0.23/d */
static void test_steady(void **state)
{
	const struct river_reach reaches[] = {{60000, 0.5}, {40000, 0.5}};
	double mixed, travel_s;

	(void)state;
	assert_int_equal(river_mix_mg_l(20, 4, 2000 / 86400.0, 500, &mixed), 0);
	NEAR(mixed, 4.573, 0.0005);
	assert_int_equal(river_travel_s(reaches, 2, &travel_s), 0);
	NEAR(travel_s, 200000, 1e-6);
	NEAR(river_decay_mg_l(mixed, 0.23, travel_s), 2.685, 0.0005);
}

static void test_nothing_flows(void **state)
{
	const struct river_reach still = {1000, 0}, back = {1000, -1}, unknown = {(double)NAN, 1};
	double value = 7;

	(void)state;
	assert_int_equal(river_mix_mg_l(0, 4, 0, 500, &value), -EDOM);
	assert_int_equal(river_travel_s(&still, 1, &value), -EDOM);
	assert_int_equal(river_travel_s(&back, 1, &value), -EDOM);
	assert_int_equal(river_travel_s(&unknown, 1, &value), -EDOM);
	NEAR(value, 7, 0);
	assert_int_equal(river_travel_s(NULL, 0, &value), 0);
	NEAR(value, 0, 0);
	assert_int_equal(river_mix_mg_l(0, 4, 1, 500, &value), 0);
	NEAR(value, 500, 0);
}

/* 0.23*1.047**(30-20) = 0.364078; at 20 °C the rate itself */
static void test_temperature(void **state)
{
	(void)state;
	NEAR(river_rate_per_day(0.23, RIVER_THETA_BOD, 20), 0.23, 1e-15);
	NEAR(river_rate_per_day(0.23, RIVER_THETA_BOD, 30), 0.23 * exp(10 * log(1.047)), 1e-12);
}

static void test_oxygen(void **state)
{
	const struct river_oxygen telemac = {20, 0, 5, 10}, exam = {10, 0, 0.23, 0.40};
	const struct river_oxygen equal = {20, 1, 0.5, 0.5}, nearly = {20, 1, 0.5, 0.50001};
	const struct river_oxygen clean = {0, 3, 0.5, 1};
	double s, deficit;

	(void)state;
	river_sag(&telemac, &s, &deficit);
	NEAR(9 - deficit, 4.0, 1e-6);
	NEAR(s / 86400, log(2) / 5, 1e-9);
	NEAR(9.09 - river_sag_deficit_mg_l(&exam, 3 * 86400.0), 6.2, 0.05);
	NEAR(river_deficit_mg_l(&equal, 86400), (0.5 * 20 + 1) * exp(-0.5), 1e-12);
	NEAR(river_deficit_mg_l(&nearly, 86400), river_deficit_mg_l(&equal, 86400), 1e-3);
	river_sag(&clean, &s, &deficit);
	NEAR(s, 0, 0);
	NEAR(deficit, 3, 1e-12);
}

/* M/(A*sqrt(4*pi*E*t))*exp(-k*t) at t = x/u: 0.2714 */
static void test_pulse(void **state)
{
	struct river_spill spill = {100, 60, 0.5, 30, 0};
	struct river_pulse pulse;

	(void)state;
	NEAR(river_spill_mg_l(&spill, 50000, 100000), 0.2714, 0.00005);
	assert_int_equal(river_pulse(&spill, 50000, &pulse), 0);
	NEAR(pulse.sigma_s, 4899, 0.5);
	NEAR(pulse.leading_edge_s, 100000 - 2 * pulse.sigma_s, 1e-6);
	for (int i = -100; i <= 100; i++)
		assert_true(river_spill_mg_l(&spill, 50000, pulse.peak_s + 100 * i) <=
			    pulse.peak_mg_l);
	/* 0.2081 is the undecayed peak, decayed over x/u; the decaying pulse itself has 0.208004
	 * at x/u and 0.208151 at most */
	NEAR(river_decay_mg_l(pulse.peak_mg_l, 0.23, pulse.travel_s), 0.2081, 0.00005);
	spill.rate_per_day = 0.23;
	NEAR(river_spill_mg_l(&spill, 50000, 100000), 0.208004, 1e-6);
	assert_int_equal(river_pulse(&spill, 50000, &pulse), 0);
	NEAR(pulse.peak_mg_l, 0.208151, 1e-6);
}

static void test_pulse_degenerate(void **state)
{
	static const struct {
		struct river_spill spill;
		double x_m;
	} rows[] = {
		{{100, 60, 0.5, 30, 0}, 0},	    {{100, 60, 0, 30, 0}, 1},
		{{100, 60, 0.5, 0, 0}, 1},	    {{100, 0, 0.5, 30, 0}, 1},
		{{-1, 60, 0.5, 30, 0}, 1},	    {{100, 60, 0.5, 30, -1}, 1},
		{{(double)NAN, 60, 0.5, 30, 0}, 1},
	};
	const struct river_spill spill = {100, 60, 0.5, 30, 0};
	struct river_pulse pulse;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(river_pulse(&rows[i].spill, rows[i].x_m, &pulse), -EDOM);
	NEAR(river_spill_mg_l(&spill, 50000, 0), 0, 0);
	assert_int_equal(river_pulse(&spill, 1, &pulse), 0);
	NEAR(pulse.leading_edge_s, 0, 0);
}

/* u* = sqrt(9.80665*2*0.0005) = 0.0990286; E = 0.011*(0.5*40)**2/(2*u*); 0.1*0.5*40**2/(0.23*2*u*)
 */
static void test_section(void **state)
{
	const struct river_section section = {0.5, 40, 2, 0.0005};
	const double shear = sqrt(9.80665 * 2 * 0.0005);
	bool is_mixed;

	(void)state;
	NEAR(river_dispersion_m2_s(&section), 0.011 * 400 / (2 * shear), 1e-9);
	NEAR(river_mixing_m(&section, RIVER_MIXING_CENTRE, 1e6, &is_mixed), 80 / (0.23 * 2 * shear),
	     1e-6);
	assert_true(is_mixed);
	(void)river_mixing_m(&section, RIVER_MIXING_BANK, 100, &is_mixed);
	assert_false(is_mixed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steady),	    cmocka_unit_test(test_nothing_flows),
		cmocka_unit_test(test_temperature), cmocka_unit_test(test_oxygen),
		cmocka_unit_test(test_pulse),	    cmocka_unit_test(test_pulse_degenerate),
		cmocka_unit_test(test_section),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
