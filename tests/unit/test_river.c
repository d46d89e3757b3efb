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

/* the closed form is the sum of the pulses: M = rate·dt each, Simpson's rule over 4,000 of them */
static double sum_of_pulses(const struct river_spill *spill, double x_m, double from_s, double to_s)
{
	const int n = 4000;
	double sum = 0, step = (to_s - from_s) / n;

	for (int i = 0; i <= n; i++) {
		double weight = i == 0 || i == n ? 1 : i % 2 ? 4 : 2;

		sum += weight * river_spill_mg_l(spill, x_m, from_s + i * step);
	}
	return sum * step / 3;
}

static void test_share(void **state)
{
	/* per kg/s; the plateau is 1000/(A·Γ)·exp(x·(u - Γ)/(2·E)), with k = 0 1000/(A·u) */
	static const struct {
		struct river_spill spill;
		double x_m;
	} rows[] = {
		{{1, 60, 0.5, 30, 0}, 50000},  {{1, 60, 0.5, 30, 0.23}, 50000},
		{{1, 60, 0.5, 30, 0}, 100},    {{1, 10, 1, 300, 2}, 1000},
		{{1, 10, 1.5, 0.5, 0}, 20000}, /* z+ beyond 25 */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct river_spill *spill = &rows[i].spill;
		double u = spill->velocity_m_s, e = spill->dispersion_m2_s, x = rows[i].x_m;
		double gamma = sqrt(u * u + 4 * e * spill->rate_per_day / 86400);
		double plateau = 1000 / (spill->area_m2 * gamma) * exp(x * (u - gamma) / (2 * e));

		for (double t = 0.8; t < 1.3; t += 0.05) {
			double after = t * x / u;

			NEAR(river_share(spill, x, after),
			     sum_of_pulses(spill, x, 1e-9, after) / plateau, 1e-6);
		}
		NEAR(river_share(spill, x, 0), 0, 0);
		NEAR(river_share(spill, x, 100 * x / u + 1e6), 1, 1e-9);
	}
}

static void test_release(void **state)
{
	const struct river_spill spill = {100, 60, 0.5, 30, 0}, massless = {0, 60, 0.5, 30, 0};
	struct river_release release, other;
	struct river_pulse pulse;

	(void)state;
	assert_int_equal(river_pulse(&spill, 50000, &pulse), 0);
	/* of a moment: the pulse. 100 kg in 1 s would make a plateau of 100,000/30 g/m3 */
	assert_int_equal(river_release(&spill, 50000, 1, &release), 0);
	NEAR(release.share * 100000 / 30, pulse.peak_mg_l, 1e-6);
	NEAR(release.peak_s, pulse.peak_s + 0.5, 1);
	/* six hours: nearly the window of a normal curve, erf(D/(2·√2·σ)) = 0.9725 */
	assert_int_equal(river_release(&spill, 50000, 21600, &release), 0);
	NEAR(release.share, erf(21600 / (2 * sqrt(2) * pulse.sigma_s)), 2e-3);
	/* no moment has more than the one that is found */
	for (int i = -50; i <= 50; i++) {
		double t = release.peak_s + 60 * i;

		assert_true(river_share(&spill, 50000, t) - river_share(&spill, 50000, t - 21600) <=
			    release.share + 1e-12);
	}
	/* the plateau only when it has lasted for the width of the pulse */
	assert_int_equal(river_release(&spill, 50000, 86400, &release), 0);
	NEAR(release.share, 1, 1e-9);
	assert_int_equal(river_release(&spill, 50000, 1e9, &release), 0);
	NEAR(release.share, 1, 1e-8);
	/* and that is told when it is there, not in the middle of thirty years */
	assert_true(release.peak_s < 2 * 100000);
	assert_int_equal(river_release(&spill, 100, 1e9, &release), 0);
	NEAR(release.share, 1, 1e-8);
	assert_int_equal(river_release(&spill, 50000, 0, &release), 0);
	NEAR(release.share, 0, 0);
	/* longer is never less */
	for (double d = 1; d < 1e6; d *= 1.5, release = other) {
		assert_int_equal(river_release(&spill, 50000, d, &other), 0);
		assert_true(other.share >= release.share);
	}
	other = release;
	assert_int_equal(river_release(&massless, 50000, 3600, &other), 0);
	assert_int_equal(river_release(&spill, 50000, 3600, &release), 0);
	NEAR(other.share, release.share, 0);
	assert_int_equal(river_release(&spill, 50000, -1, &other), -EDOM);
	assert_int_equal(river_release(&spill, 0, 1, &other), -EDOM);
}

/* 1025*T**-0.887 by hand: T = 1 h: 1025; 10 h: 132.9; 100 h: 17.25; 2e6 over that */
static void test_unit_peak(void **state)
{
	static const struct {
		double hours, unit_peak, passing_s;
	} rows[] = {
		{1, 1025, 1951.22},
		{10, 132.96, 15042},
		{100, 17.247, 115960},
	};
	struct river_unit unit;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(river_unit(rows[i].hours * 3600, &unit), 0);
		NEAR(unit.unit_peak, rows[i].unit_peak, 5e-4 * rows[i].unit_peak);
		NEAR(unit.leading_edge_s, 0.890 * 3600 * rows[i].hours, 1e-6);
		NEAR(unit.trailing_s - unit.leading_edge_s, rows[i].passing_s,
		     5e-4 * rows[i].passing_s);
		NEAR(unit.peak_s, rows[i].hours * 3600, 0);
	}
	assert_int_equal(river_unit(0, &unit), -EDOM);
	assert_int_equal(river_unit((double)NAN, &unit), -EDOM);
}

/* 6,000 kg at once in 3.35 m3/s, 10 h away: 6000·10⁶ mg · Cup·10⁻⁶ / 3350 l/s */
static void test_unit_release(void **state)
{
	struct river_unit unit;
	struct river_release release;

	(void)state;
	assert_int_equal(river_unit(36000, &unit), 0);
	release = river_unit_release(&unit, 1);
	NEAR(6000 * 1e3 / 3.35 * release.share, 6000 * 1e3 / 3.35 * unit.unit_peak * 1e-6, 0.05);
	NEAR(release.peak_s, 36000, 1);
	/* half of the passing has three quarters of the mass */
	release = river_unit_release(&unit, (unit.trailing_s - unit.leading_edge_s) / 2);
	NEAR(release.share, 0.75, 1e-12);
	NEAR(release.peak_s, (36000 + unit.trailing_s) / 2, 1e-6);
	release = river_unit_release(&unit, 1e7);
	NEAR(release.share, 1, 0);
	NEAR(release.peak_s, unit.trailing_s, 1e-6);
	NEAR(river_unit_release(&unit, 0).share, 0, 0);
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
		cmocka_unit_test(test_steady),	     cmocka_unit_test(test_nothing_flows),
		cmocka_unit_test(test_temperature),  cmocka_unit_test(test_oxygen),
		cmocka_unit_test(test_pulse),	     cmocka_unit_test(test_pulse_degenerate),
		cmocka_unit_test(test_section),	     cmocka_unit_test(test_share),
		cmocka_unit_test(test_release),	     cmocka_unit_test(test_unit_peak),
		cmocka_unit_test(test_unit_release),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
