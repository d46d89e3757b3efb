/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/assess.h"
#include "core/report_parts.h"
#include "load.h"

#define assert_close(a, b, epsilon) assert_true(fabs((a) - (b)) <= (epsilon))

#define WALL_0 INT64_C(1795528800000) /* 2026-11-24T21:00:00+07:00 */
#define MONO_0 INT64_C(1000000)

/* --- by a river: facts.md 5.1 ---------------------------------------------------------- */

static struct config_reach reaches[] = {
	{.length_m = 100000,
	 .velocity_m_s = {0.5, 1},
	 .width_m = 30,
	 .depth_m = 2,
	 .dispersion_m2_s = 30},
};
static struct config_water bod = {.decay_per_day = 0.23, .theta = 1.047, .background_mg_l = 4};
static const struct config_crossing rivers = {.reaches = reaches,
					      .likely = 1,
					      .possible = 0.1,
					      .hysteresis = 0.2,
					      .here_m = 100,
					      .reach_m = 50000};
static const struct config_river river = {.n_reaches = 1, .length_m = 100000};

static void test_steady_river(void **state)
{
	struct river_case c = {.crossing = &rivers,
			       .river = &river,
			       .water = &bod,
			       .to_m = 100000,
			       .flow_m3_s = 20,
			       .temperature_c = 20,
			       .discharge_m3_s = 2000 / 86400.0,
			       .concentration_mg_l = 500,
			       .duration_s = 3600};
	struct crossing_path path = {.release_ms = WALL_0};

	(void)state;
	/* an hour of it is spread over the river by then: erf(D/(2·√2·σ)), σ = √(2·E·t)/u */
	assert_int_equal(assess_by_river(&c, &path), 0);
	assert_close(path.excess,
		     0.572836 * exp(-0.23 * 200000 / 86400) *
			     erf(3600 / (2 * sqrt(2 * 2 * 30 * 200000.0) / 0.5)),
		     0.0005);
	/* when it has lasted for two days, it is there: the plateau */
	c.duration_s = 2 * 86400;
	path = (struct crossing_path){.release_ms = WALL_0};
	assert_int_equal(assess_by_river(&c, &path), 0);
	assert_close(path.central, 2.685, 0.0005);
	/* at high water it is there in half the time */
	assert_close(path.high, 4.5728 * exp(-0.23 * 100000 / 86400), 0.0005);
	assert_close(path.distance_m, 100000, 1e-6);
	assert_int_equal(path.arrival_ms, WALL_0 + 200000000);
	assert_true(path.flags == (FLAG_MIXING_UNKNOWN | FLAG_NOT_ENDED));
	/* what the river carries without it, 4 mg/l, decays on the way as well */
	assert_close(path.background, 4 * exp(-0.23 * 200000 / 86400), 1e-9);
	assert_close(path.excess, path.central - path.background, 1e-9);
	assert_close(path.excess_high, path.high - 4 * exp(-0.23 * 100000 / 86400), 1e-9);
	assert_true(path.low <= path.central && path.central <= path.high);
	assert_close(path.inputs[INPUT_CONCENTRATION], 500, 0);
}

static void test_pulse(void **state)
{
	struct river_case c = {.crossing = &rivers,
			       .river = &river,
			       .to_m = 50000,
			       .flow_m3_s = 30,
			       .temperature_c = (double)NAN,
			       .discharge_m3_s = 0.1,
			       .concentration_mg_l = 1e6,
			       .duration_s = 1,
			       .let = {100, 1},
			       .measured = {100, 1},
			       .ended = true};
	struct crossing_path path = {.release_ms = WALL_0};

	(void)state;
	assert_int_equal(assess_by_river(&c, &path), 0);
	assert_true(path.measured == path.excess);
	/* 0.2714 at x/u, somewhat before it more; of the 30.1 m3/s that flow, not of 60·0.5 */
	assert_close(path.central, 0.27153 * 30 / 30.1, 0.000005);
	assert_close(path.low, 0.2714 / 2 * 30 / 30.1, 0.0002); /* four times the dispersion */
	/* at high water: half the dispersion's spread, half the time to spread, twice as fast by */
	assert_close(path.high, 0.27153 * 30 / 30.1 * 2 * sqrt(2) * 2, 0.01);
	assert_close((double)(path.peak_ms - WALL_0) / 3.6e6, 27.7, 0.05);
	assert_close((double)(path.tail_ms - WALL_0) / 1e3, 1 + 100000 + 2 * 4899, 1);
	/* at high water: σ = √(2·E·t/u²), t = 50,000 s */
	assert_close((double)(path.leading_ms - WALL_0) / 1e3, 50000 - 2 * sqrt(2 * 30.0 * 50000),
		     1);
	/* while it goes on no more has been let go; the bound is the plateau, 1e6·0.1/30.1 */
	c.ended = false;
	assert_int_equal(assess_by_river(&c, &path), 0);
	assert_close(path.central, 0.27153 * 30 / 30.1, 0.000005);
	assert_close(path.high, 3322.259, 0.001);
	c.water = &bod;
	c.ended = true;
	assert_int_equal(assess_by_river(&c, &path), 0);
	assert_close(path.central, 0.2081 * 30 / 30.1 + 4 * exp(-0.23 * 100000 / 86400), 0.0002);
	assert_close(path.excess, 0.2081 * 30 / 30.1, 0.0002);
	/* cleaner than the river: it adds nothing, and takes nothing away */
	c.concentration_mg_l = 1;
	c.let = c.measured = (struct river_let){1e-4, 1};
	c.ended = false;
	path.flags = 0;
	assert_int_equal(assess_by_river(&c, &path), 0);
	assert_true(path.excess == 0 && path.excess_high == 0);
	assert_true(path.flags & FLAG_NOT_ENDED && !(path.flags & FLAG_NO_BACKGROUND));
	c.water = NULL;
	assert_int_equal(assess_by_river(&c, &path), 0);
	assert_true(path.flags & FLAG_NO_BACKGROUND);
}

/* 1,000 kg in an hour, as they were summed up: even if it flows three times as strong just now */
static void test_mass(void **state)
{
	struct river_case c = {.crossing = &rivers,
			       .river = &river,
			       .to_m = 50000,
			       .flow_m3_s = 30,
			       .discharge_m3_s = 0.1,
			       .concentration_mg_l = 9000,
			       .duration_s = 3600,
			       .let = {1000, 3600}};
	double share = erf(3600 / (2 * sqrt(2) * 4899)), mean = 1e6 / 3600 / 30.1;
	struct crossing_path path = {.release_ms = WALL_0}, kept = {.release_ms = WALL_0};

	(void)state;
	assert_int_equal(assess_by_river(&c, &path), 0);
	assert_close(path.central, mean * share, 0.002 * mean);
	assert_close(path.high, 900 / 30.1, 1e-6);
	assert_close(path.inputs[INPUT_MASS], 1000, 0);
	assert_close(path.inputs[INPUT_LASTED], 3600, 0);
	/* nothing but little came after it: what was let go is on its way */
	c.kept = c.let;
	c.let = (struct river_let){1010, 36000};
	c.duration_s = 36000;
	assert_int_equal(assess_by_river(&c, &kept), 0);
	assert_close(kept.central, path.central, 0);
	assert_close(kept.inputs[INPUT_MASS], 1000, 0);
	/* more came: 10,000 kg in ten hours, more than the width of the pulse */
	c.let = (struct river_let){20000, 36000};
	assert_int_equal(assess_by_river(&c, &kept), 0);
	assert_close(kept.central, 2e7 / 36000 / 30.1, 0.01);
	assert_close(kept.inputs[INPUT_MASS], 20000, 0);
}

/* neither slope nor dispersion: by the travel time, 100,000 s = 27.78 h */
static void test_unknown_dispersion(void **state)
{
	struct config_reach reach = reaches[0];
	const struct config_crossing crossing = {.reaches = &reach};
	struct river_case c = {.crossing = &crossing,
			       .river = &river,
			       .to_m = 50000,
			       .flow_m3_s = 30,
			       .discharge_m3_s = 0.1,
			       .concentration_mg_l = 1e6,
			       .duration_s = 1,
			       .let = {100, 1},
			       .measured = {100, 1},
			       .ended = true};
	double unit = 1025 * pow(100000 / 3600.0, -0.887),
	       fast = 1025 * pow(50000 / 3600.0, -0.887);
	struct crossing_path path = {.release_ms = WALL_0};

	(void)state;
	reach.dispersion_m2_s = 0;
	assert_int_equal(assess_by_river(&c, &path), 0);
	assert_true(path.flags & FLAG_NO_DISPERSION);
	/* 100 kg = 1e8 mg, in 30,100 l/s */
	assert_close(path.central, 1e8 * unit * 1e-6 / 30100, 1e-4);
	assert_close(path.low, path.central / 2, 1e-4);
	assert_close(path.high, 2 * 1e8 * fast * 1e-6 / 30100, 1e-3);
	assert_close((double)(path.leading_ms - WALL_0) / 1e3, 0.890 * 50000, 0.01);
	assert_close((double)(path.peak_ms - WALL_0) / 1e3, 100000, 1.01);
	assert_close((double)(path.tail_ms - WALL_0) / 1e3, 1 + 0.890 * 100000 + 2e6 / unit, 0.01);
	c.ended = false;
	c.duration_s = 1e6; /* the plateau */
	c.let = c.measured = (struct river_let){1e8, 1e6};
	assert_int_equal(assess_by_river(&c, &path), 0);
	assert_close(path.central, 1e5 / 30.1, 1e-6);
	assert_close(path.high, 1e5 / 30.1, 1e-6);
}

/* ε = 0.23·h·√(g·h·S); x' = ε·x/(u·W²); below 0.4 not mixed from a bank */
static void test_mixing(void **state)
{
	struct config_reach reach = {.length_m = 20000,
				     .velocity_m_s = {0.5, 1},
				     .width_m = 50,
				     .depth_m = 2,
				     .slope = 0.0005};
	const struct config_crossing crossing = {.reaches = &reach};
	double transverse = 0.23 * 2 * sqrt(9.80665 * 2 * 0.0005);
	double mixed_at = 0.4 * 0.5 * 50 * 50 / transverse;
	struct river_case c = {.crossing = &crossing,
			       .river = &river,
			       .at_bank = true,
			       .flow_m3_s = 10,
			       .temperature_c = 20,
			       .discharge_m3_s = 0.1,
			       .concentration_mg_l = 100,
			       .duration_s = 1e6};
	const struct {
		double to_m;
		bool at_bank;
		bool mixed;
	} rows[] = {
		{mixed_at - 1, true, false},
		{mixed_at + 1, true, true},
		{mixed_at / 4 - 1, false, false},
		{mixed_at / 4 + 1, false, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct crossing_path path = {0};
		double share = transverse * rows[i].to_m / (0.5 * 50 * 50), mixed = 10 / 10.1;
		double factor = (rows[i].at_bank ? 2 : 1) / sqrt(4 * M_PI * share);

		c.to_m = rows[i].to_m;
		c.at_bank = rows[i].at_bank;
		assert_int_equal(assess_by_river(&c, &path), 0);
		assert_int_equal(!(path.flags & FLAG_NOT_MIXED), rows[i].mixed);
		assert_close(path.central, mixed, 1e-9);
		assert_close(path.high, mixed * fmax(1, factor), 1e-9);
	}
	c.to_m = 0; /* at the outfall itself: no more than what comes out of it */
	c.from_m = 0;
	{
		struct crossing_path path = {0};

		assert_int_equal(assess_by_river(&c, &path), 0);
		assert_close(path.high, 100, 1e-9);
		c.from_m = 1; /* upstream nothing comes */
		assert_int_equal(assess_by_river(&c, &path), -EDOM);
	}
}

static void test_reaches(void **state)
{
	struct config_reach two[] = {
		{.length_m = 10000, .velocity_m_s = {0.5, 1}, .width_m = 1, .depth_m = 1},
		{.length_m = 20000, .velocity_m_s = {0.25, 2}, .width_m = 1, .depth_m = 1},
	};
	const struct config_crossing crossing = {.reaches = two};
	const struct config_river both = {.n_reaches = 2, .length_m = 30000};

	(void)state;
	assert_close(assess_travel_s(&crossing, &both, 0, 30000, 0), 100000, 1e-6);
	assert_close(assess_travel_s(&crossing, &both, 0, 30000, 1), 20000, 1e-6);
	assert_close(assess_travel_s(&crossing, &both, 4000, 11000, 0), 12000 + 4000, 1e-6);
	assert_close(assess_travel_s(&crossing, &both, 10000, 10000, 0), 0, 0);
}

/* --- through the air ------------------------------------------------------------------- */

/* effective height and the wind there as given: no stack, wind at 10 m worked back */
static struct plume_case plain_case(unsigned int stability)
{
	return (struct plume_case){
		.place = {21, 107},
		.rate_g_s = 10,
		.stack = {.height_m = 130.714},
		.wind_m_s = 4 / pow(13.0714, 0.15),
		.wind_from_deg = 270,
		.direction_sure = true,
		.stability = stability,
		.lasted_s = 86400,
		.reach_m = 50000,
	};
}

static void test_receptor(void **state)
{
	static const struct {
		double distance_m;
		double ug_m3;
		double digits;
	} rows[] = {{3000, 11.55, 0.005}, {9999.9, 6.42, 0.005}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct plume_case c = plain_case(4);
		struct config_target target = {
			.kind = TARGET_RECEPTOR,
			.place = boundary_project(c.place, 90, rows[i].distance_m)};
		struct crossing_path path = {.release_ms = WALL_0};

		assert_int_equal(assess_by_air(&c, &target, &path), 0);
		assert_close(path.central, rows[i].ug_m3, rows[i].digits);
		assert_close(path.distance_m, rows[i].distance_m, 0.001);
		assert_close(path.bearing_deg, 90, 1e-6);
		assert_close((double)(path.arrival_ms - WALL_0) / 1e3, rows[i].distance_m / 4, 0.1);
		assert_true(path.low < path.central && path.central <= path.high);
		assert_true(path.excess == path.central && path.excess_high == path.high);
		assert_int_equal(path.flags, 0);
	}
}

static double at(const struct plume_case *c, int class, double x, double y)
{
	const struct plume_receptor receptor = {.x_m = x, .y_m = y};
	const struct plume_release release = {c->rate_g_s, c->stack.height_m, NULL};
	double wind = plume_wind_m_s(c->wind_m_s, c->stack.height_m, (enum plume_stability) class,
				     NULL);
	struct plume_answer answer;

	plume_at(&release, NULL, wind, (enum plume_stability) class, &receptor, &answer);
	return answer.concentration_ug_m3;
}

/* what is not known widens the bounds: stability to all six, direction to the sector's axis */
static void test_bounds(void **state)
{
	struct plume_case c = plain_case(0);
	const double off_deg = 10, x = 5000 * cos(off_deg * M_PI / 180),
		     y = 5000 * sin(off_deg * M_PI / 180);
	const struct config_target target = {
		.kind = TARGET_RECEPTOR, .place = boundary_project(c.place, 90 + off_deg, 5000)};
	struct crossing_path path = {0};
	double low = (double)INFINITY, high = 0;

	(void)state;
	for (int i = 0; i < PLUME_STABILITIES; i++) {
		low = fmin(low, at(&c, i, x, y));
		high = fmax(high, at(&c, i, 5000, 0));
	}
	assert_int_equal(assess_by_air(&c, &target, &path), 0);
	assert_close(path.central, at(&c, PLUME_D, x, y), 1e-6 * path.high);
	assert_close(path.low, low, 1e-6 * path.high);
	assert_close(path.high, high, 1e-6 * path.high);
	c.direction_sure = false;
	assert_int_equal(assess_by_air(&c, &target, &path), 0);
	assert_close(path.central, at(&c, PLUME_D, 5000, 0), 1e-6 * path.high);
	c.stability = 2; /* B: bounds of A to C */
	assert_int_equal(assess_by_air(&c, &target, &path), 0);
	assert_close(path.central, at(&c, PLUME_B, 5000, 0), 1e-6 * path.high);
	assert_close(path.high,
		     fmax(at(&c, PLUME_A, 5000, 0),
			  fmax(at(&c, PLUME_B, 5000, 0), at(&c, PLUME_C, 5000, 0))),
		     1e-6 * path.high);
}

static void test_direction(void **state)
{
	static const struct {
		double bearing_deg;
		bool downwind;
	} rows[] = {{90, true},	    {67.6, true}, {67.4, false}, {112.4, true},
		    {112.6, false}, {270, false}, {0, false}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct plume_case c = plain_case(4);
		const struct config_target target = {
			.kind = TARGET_RECEPTOR,
			.place = boundary_project(c.place, rows[i].bearing_deg, 5000)};
		struct crossing_path path = {0};

		assert_int_equal(assess_by_air(&c, &target, &path), 0);
		if (!(path.flags & FLAG_NOT_DOWNWIND) != rows[i].downwind)
			fail_msg("%g", rows[i].bearing_deg);
		assert_int_equal(path.high > 0, rows[i].downwind);
		assert_close(path.distance_m, 5000, 0.001);
		c.wind_from_deg = (double)NAN; /* from wherever it blows there */
		path.flags = 0;
		assert_int_equal(assess_by_air(&c, &target, &path), 0);
		assert_int_equal(path.flags, 0);
		assert_close(path.central, at(&c, PLUME_D, 5000, 0), 1e-6);
	}
}

/* a line right across the wind: the worst is where the axis meets it */
static void test_line(void **state)
{
	static const struct boundary_point points[] = {{20, 107.05}, {22, 107.05}};
	static const size_t length = 2;
	CLEANUP(boundary_free) struct boundary *line = NULL;
	struct plume_case c = plain_case(4);
	struct config_target target = {.kind = TARGET_NATIONAL};
	struct crossing_path path = {0};
	struct boundary_hit hit;

	(void)state;
	assert_int_equal(boundary_new(&line, "line", points, &length, 1), 0);
	target.line = line;
	assert_int_equal(boundary_ray(line, c.place, 90, &hit), 0);
	assert_int_equal(assess_by_air(&c, &target, &path), 0);
	assert_close(path.distance_m, hit.distance_m, 1);
	assert_close(path.central, at(&c, PLUME_D, hit.distance_m, 0), 1e-3);
	assert_true(hit.distance_m < PLUME_FAR_M && !(path.flags & FLAG_EXTRAPOLATED));
	c.reach_m = hit.distance_m - 10;
	path.flags = 0;
	assert_int_equal(assess_by_air(&c, &target, &path), 0);
	assert_true(path.flags & FLAG_NOT_DOWNWIND);
	assert_true(path.distance_m > 0 && path.high == 0);
	target.line = NULL;
	target.place.lat_deg = (double)NAN;
	assert_int_equal(assess_by_air(&c, &target, &path), -ENOENT);
}

static void test_reach(void **state)
{
	struct plume_case c = plain_case(4);
	double reach = assess_plume_reach_m(&c, 5);

	(void)state;
	assert_true(reach > 1000 && reach < 50000);
	assert_true(fmax(at(&c, PLUME_C, reach, 0),
			 fmax(at(&c, PLUME_D, reach, 0), at(&c, PLUME_E, reach, 0))) >= 5);
	assert_close(assess_plume_reach_m(&c, 1e9), 0, 0);
	assert_close(assess_plume_reach_m(&c, 0), 50000, 1e-6);
}

/* --- a slide --------------------------------------------------------------------------- */

static void test_slide(void **state)
{
	static const struct {
		double distance_m;
		enum crossing_verdict verdict;
	} rows[] = {{99.9, VERDICT_LIKELY},
		    {100.1, VERDICT_POSSIBLE},
		    {149.9, VERDICT_POSSIBLE},
		    {150.1, VERDICT_UNLIKELY}};
	struct config_release release = {.place = {21, 107}, .drop_m = 20, .travel_ratio = 0.2};
	struct crossing_path path = {0};
	struct config_target target = {.kind = TARGET_RECEPTOR};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		target.place = boundary_project(release.place, 45, rows[i].distance_m);
		assert_int_equal(assess_slide(&release, &target, &path), 0);
		assert_int_equal(path.verdict, rows[i].verdict);
	}
	release.travel_ratio = (double)NAN; /* log10(H/L) = -0.085·5 - 0.047 */
	release.volume_m3 = 1e5;
	assert_int_equal(assess_slide(&release, &target, &path), 0);
	assert_close(path.inputs[3], 20 / pow(10, -0.472), 1e-9);
	release.drop_m = (double)NAN;
	assert_int_equal(assess_slide(&release, &target, &path), -EDOM);
}

/* --- verdicts -------------------------------------------------------------------------- */

static void test_verdicts(void **state)
{
	static const struct {
		double central;
		double high;
		uint32_t flags;
		enum crossing_verdict before;
		enum crossing_verdict verdict;
	} rows[] = {
		{10, 10, 0, VERDICT_NONE, VERDICT_LIKELY},
		{9.99, 10, 0, VERDICT_NONE, VERDICT_POSSIBLE},
		{9.99, 10, 0, VERDICT_POSSIBLE, VERDICT_POSSIBLE},
		{0, 1, 0, VERDICT_NONE, VERDICT_POSSIBLE},
		{0, 0.99, 0, VERDICT_NONE, VERDICT_UNLIKELY},
		/* once it was, it falls only 20 % below */
		{8, 10, 0, VERDICT_LIKELY, VERDICT_LIKELY},
		{7.99, 10, 0, VERDICT_LIKELY, VERDICT_POSSIBLE},
		{0, 0.8, 0, VERDICT_POSSIBLE, VERDICT_POSSIBLE},
		{0, 0.79, 0, VERDICT_POSSIBLE, VERDICT_UNLIKELY},
		{0, 0.8, 0, VERDICT_LIKELY, VERDICT_POSSIBLE},
		{0, 0, 0, VERDICT_OBSERVED, VERDICT_OBSERVED},
		/* where the wind blows to is not known: no more than possible */
		{100, 100, FLAG_DIRECTION_UNKNOWN, VERDICT_NONE, VERDICT_POSSIBLE},
		{0, 0.1, FLAG_AT_THE_LINE, VERDICT_NONE, VERDICT_OBSERVED},
		/* at the line, but nothing flows */
		{0, 0, FLAG_AT_THE_LINE, VERDICT_NONE, VERDICT_UNLIKELY},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct crossing_path path = {.central = rows[i].central,
						   .high = rows[i].high,
						   .excess = rows[i].central,
						   .excess_high = rows[i].high,
						   .measured = rows[i].central,
						   .bound = 10,
						   .flags = rows[i].flags};

		if (assess_verdict(&rivers, &path, rows[i].before) != rows[i].verdict)
			fail_msg("row %zu", i);
	}
	assert_int_equal(assess_level(TARGET_NATIONAL), LEVEL_NATIONAL);
	assert_int_equal(assess_level(TARGET_PROVINCE), LEVEL_NATIONAL); /* two provinces */
	assert_int_equal(assess_level(TARGET_COMMUNE), LEVEL_PROVINCE);
	assert_int_equal(assess_level(TARGET_RECEPTOR), LEVEL_COMMUNE);
	assert_int_equal(assess_level(TARGET_NEIGHBOUR), LEVEL_NATIONAL);
}

/* a river that carries something already: only what is added is the release's doing */
static void test_verdicts_above_a_background(void **state)
{
	static const struct {
		double background;
		double excess;
		double excess_high;
		enum crossing_verdict before;
		enum crossing_verdict verdict;
	} rows[] = {
		/* threshold 10: nothing is added, however much is there */
		{8, 0, 0, VERDICT_NONE, VERDICT_UNLIKELY},
		{8, 0.9, 0.99, VERDICT_NONE, VERDICT_UNLIKELY},
		{8, 0.9, 1, VERDICT_NONE, VERDICT_POSSIBLE},
		{8, 1.9, 1.99, VERDICT_NONE, VERDICT_POSSIBLE},
		{8, 2, 2, VERDICT_NONE, VERDICT_LIKELY},
		/* it passes the threshold only with what is added, though that is little */
		{9.5, 0, 0.4, VERDICT_NONE, VERDICT_UNLIKELY},
		{9.5, 0, 0.5, VERDICT_NONE, VERDICT_POSSIBLE},
		{9.5, 0.9, 0.9, VERDICT_NONE, VERDICT_POSSIBLE},
		{9.5, 1, 1, VERDICT_NONE, VERDICT_LIKELY},
		/* above it without the release */
		{20, 0, 0, VERDICT_NONE, VERDICT_UNLIKELY},
		{20, 0.99, 0.99, VERDICT_NONE, VERDICT_UNLIKELY},
		{20, 0.99, 1, VERDICT_NONE, VERDICT_POSSIBLE},
		{20, 1, 1, VERDICT_NONE, VERDICT_LIKELY},
		/* once it was, it falls only 20 % below what it took */
		{8, 1.6, 1.6, VERDICT_LIKELY, VERDICT_LIKELY},
		{8, 1.59, 1.6, VERDICT_LIKELY, VERDICT_POSSIBLE},
		{8, 0, 0.8, VERDICT_POSSIBLE, VERDICT_POSSIBLE},
		{8, 0, 0.79, VERDICT_POSSIBLE, VERDICT_UNLIKELY},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct crossing_path path = {.central = rows[i].background + rows[i].excess,
						   .high = rows[i].background + rows[i].excess_high,
						   .excess = rows[i].excess,
						   .excess_high = rows[i].excess_high,
						   .measured = rows[i].excess,
						   .bound = 10};

		if (assess_verdict(&rivers, &path, rows[i].before) != rows[i].verdict)
			fail_msg("row %zu", i);
	}
}

/* what nobody measured makes possible at most, and it is said */
static void test_verdicts_of_what_was_measured(void **state)
{
	static const struct {
		double measured; /* of 20 that are added, at a threshold of 10 */
		enum crossing_verdict before;
		enum crossing_verdict verdict;
		bool held;
	} rows[] = {
		{20, VERDICT_NONE, VERDICT_LIKELY, false},
		{10, VERDICT_NONE, VERDICT_LIKELY, false},
		{9.99, VERDICT_NONE, VERDICT_POSSIBLE, true},
		{9.99, VERDICT_POSSIBLE, VERDICT_POSSIBLE, true},
		{0, VERDICT_NONE, VERDICT_POSSIBLE, true},
		{8, VERDICT_LIKELY, VERDICT_LIKELY, false},
		{7.99, VERDICT_LIKELY, VERDICT_POSSIBLE, true},
		{0, VERDICT_OBSERVED, VERDICT_OBSERVED, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct crossing_path path = {.central = 20,
						   .high = 20,
						   .excess = 20,
						   .excess_high = 20,
						   .measured = rows[i].measured,
						   .bound = 10};

		if (assess_verdict(&rivers, &path, rows[i].before) != rows[i].verdict ||
		    assess_is_held(&rivers, &path, rows[i].before) != rows[i].held)
			fail_msg("row %zu", i);
	}
}

/* 1,000 kg in an hour, of which 200 were measured: the bound below has no more */
static void test_river_with_gaps(void **state)
{
	struct river_case c = {.crossing = &rivers,
			       .river = &river,
			       .to_m = 50000,
			       .flow_m3_s = 30,
			       .discharge_m3_s = 0.1,
			       .concentration_mg_l = 9000,
			       .duration_s = 3600,
			       .let = {1000, 3600},
			       .measured = {200, 3600}};
	double share = erf(3600 / (2 * sqrt(2) * 4899)), mean = 1e6 / 3600 / 30.1;
	double wide = erf(3600 / (2 * sqrt(2) * 2 * 4899));
	struct crossing_path path = {.release_ms = WALL_0};

	(void)state;
	assert_int_equal(assess_by_river(&c, &path), 0);
	assert_close(path.central, mean * share, 0.002 * mean);
	assert_close(path.measured, 0.2 * mean * share, 0.002 * mean);
	assert_close(path.low, 0.2 * mean * wide, 0.002 * mean);
	assert_close(path.inputs[INPUT_MEASURED], 200, 0);
	assert_close(path.inputs[INPUT_MEASURED_IN], 3600, 0);
	/* as much in ten times as long, nothing of the rest measured: the worst part is kept */
	c.kept_measured = c.measured;
	c.measured = (struct river_let){200, 36000};
	assert_int_equal(assess_by_river(&c, &path), 0);
	assert_close(path.measured, 0.2 * mean * share, 0.002 * mean);
	/* nothing at all */
	c.measured = c.kept_measured = (struct river_let){0, 0};
	assert_int_equal(assess_by_river(&c, &path), 0);
	assert_true(path.measured == 0 && path.low == path.background && path.central > 0);
	/* of clean water in the gaps nobody knows: it adds less, it takes nothing away */
	c.water = &bod; /* 4 mg/l */
	c.measured = (struct river_let){0.1, 3600};
	assert_int_equal(assess_by_river(&c, &path), 0);
	assert_true(path.measured == 0 && path.low == path.background);
}

/* 1 g/s now; the mean of what was measured so much */
static void test_plume_with_gaps(void **state)
{
	static const struct {
		uint64_t flags;
		unsigned int covered_percent;
		double mean_g_s;
		double measured; /* of what it adds */
		double low;	 /* of the bound without gaps */
	} rows[] = {
		{0, 100, 0.5, 1, 1}, /* no gaps: as strong as it is now, however it was */
		{FLAG_FILLED, 99, 0.5, 1, 0.5},
		{FLAG_FILLED, 75, 0.5, 1, 0.5},
		{FLAG_FILLED, 74, 0.5, 0.5, 0.5},
		{FLAG_FILLED, 0, 0, 0, 0},
		{FLAG_FILLED, 74, 2, 1, 1},
		/* not measured now */
		{FLAG_FILLED | FLAG_FLOW_OLD, 99, 0.5, 0.5, 0.5},
		{FLAG_CONCENTRATION_OLD, 100, 0.5, 0.5, 0.5},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct crossing_path path = {.low = 3,
					     .excess = 10,
					     .flags = rows[i].flags,
					     .covered_percent = (uint8_t)rows[i].covered_percent};

		path.inputs[INPUT_RATE] = 1;
		path.inputs[INPUT_MEASURED_RATE] = rows[i].mean_g_s;
		assess_measured(&path, 75);
		if (fabs(path.measured - 10 * rows[i].measured) > 1e-9 ||
		    fabs(path.low - 3 * rows[i].low) > 1e-9)
			fail_msg("row %zu: %g %g", i, path.measured, path.low);
	}
}

/* --- in the core ----------------------------------------------------------------------- */

static const char main_yaml[] =
	"origin: test\n"
	"incident-clear: 60s\n"
	"report-interval: 30s\n"
	"destinations:\n"
	"  - {name: all, url: \"http://127.0.0.1:1/\"}\n"
	"boundaries:\n"
	"  - name: border\n"
	"    file: line.geojson\n"
	"    kind: national\n"
	"    thresholds:\n"
	"      - {parameter: COD, in: water, high: 15, unit: mg/l, origin: law, measured-by: "
	"s/down/COD}\n"
	"rivers:\n"
	"  - name: r\n"
	"    flow: 1\n"
	"    reaches: [{length-km: 1, velocity: [1, 2], width: 10, depth: 1}]\n"
	"    crosses: [{boundary: border, at-km: 0.36}]\n";

static const char site_yaml[] =
	"site: s\n"
	"links: [{name: l, tcp: \"127.0.0.1:502\"}]\n"
	"units:\n"
	"  - {name: u, link: l, id: 1, interval: 1s}\n"
	"sources:\n"
	"  - name: out\n"
	"    kind: liquid\n"
	"    flow: Q\n"
	"    river: r\n"
	"    at-km: 0\n"
	"    channels:\n"
	"      - {name: COD, from: u, address: 0, type: float32, range: [0, 9000], unit: mg/l}\n"
	"      - {name: Q, from: u, address: 2, type: float32, range: [0, 9000], unit: m3/h}\n"
	"    limits:\n"
	"      - {channel: COD, class: limit, high: 150, origin: law, clear-delay: 0s}\n"
	"  - name: down\n"
	"    kind: gas\n" /* of another kind: it opens no incident of its own here */
	"    channels:\n"
	"      - {name: COD, from: u, address: 4, type: float32, range: [0, 9000], unit: ug/l}\n"
	"  - name: gate\n"
	"    kind: solid\n"
	"    inbound-from: border\n"
	"    channels:\n"
	"      - {name: COD, from: u, address: 6, type: float32, range: [0, 9000], unit: mg/l}\n"
	"    limits:\n"
	"      - {channel: COD, class: limit, high: 5, origin: law, clear-delay: 0s}\n"
	"    upstream: [{source: s/out, travel: 10min}]\n";

enum { COD, FLOW, DOWN, NH4, N_CHANNELS };

static struct config *config;
static struct plan *plan;

static int set_up(void **state)
{
	static const struct load_file files[] = {
		{"wastewatch.yaml", main_yaml},
		{"sites.d/s.yaml", site_yaml},
		{"line.geojson",
		 "{\"type\": \"LineString\", \"coordinates\": [[107, 21], [107, 22]]}"},
		{NULL, NULL},
	};
	int r;

	(void)state;
	r = load_files(&config, files, stderr);
	if (r < 0)
		return r;
	assert_int_equal(config->n_channels, N_CHANNELS);
	return plan_new(&plan, config);
}

static int tear_down(void **state)
{
	(void)state;
	plan = plan_free(plan);
	config = config_free(config);
	return 0;
}

struct rig {
	struct core *core;
	struct batch batch;
	struct stamp at;
	char text[65536];
	size_t n_text;
};

static void rig_open(struct rig *rig)
{
	*rig = (struct rig){.at = {MONO_0, WALL_0}};
	assert_int_equal(core_new(&rig->core, config, plan, &rig->batch), 0);
	(void)strcpy(rig->core->log_id, "0123456789abcdef");
}

static void rig_close(struct rig *rig)
{
	rig->core = core_free(rig->core);
	batch_done(&rig->batch);
}

/* the lines and bodies since the last call, to the end of the rig's text */
static void collect(struct rig *rig)
{
	for (size_t i = 0; i < rig->batch.n_entries; i++)
		rig->n_text += (size_t)snprintf(rig->text + rig->n_text,
						sizeof(rig->text) - rig->n_text, "%s\n",
						rig->batch.entries[i].line);
	for (size_t i = 0; i < rig->batch.n_reports; i++)
		rig->n_text += (size_t)snprintf(rig->text + rig->n_text,
						sizeof(rig->text) - rig->n_text, "%s\n",
						rig->batch.reports[i].body);
	assert_true(rig->n_text < sizeof(rig->text));
	assert_false(rig->batch.out_of_memory);
	batch_clear(&rig->batch);
}

/* one second; NAN: the channel says that it cannot measure */
static void second(struct rig *rig, const double values[N_CHANNELS])
{
	core_tick(rig->core, 0, rig->at);
	for (size_t i = 0; i < N_CHANNELS; i++)
		core_sample(rig->core, i, rig->at, values[i],
			    isnan(values[i]) ? QUALITY_DEVICE_FAULT : QUALITY_GOOD, 0);
	rig->at.mono_ms += 1000;
	rig->at.wall_ms += 1000;
	collect(rig);
}

static void run(struct rig *rig, int n, double cod, double flow, double down, double nh4)
{
	const double values[N_CHANNELS] = {cod, flow, down, nh4};

	for (int i = 0; i < n; i++)
		second(rig, values);
}

static size_t count(const struct rig *rig, const char *part)
{
	size_t n = 0;

	for (const char *c = rig->text; (c = strstr(c, part)); c++)
		n++;
	return n;
}

#define ENTRY(type) "\"type\":\"" type "\""

/* 36 m3/h of 3,000 mg/l into 1 m3/s: 30 / 1.01 mg/l after 360 s; in micrograms there */
static void spill(struct rig *rig, int n, double down)
{
	run(rig, n, 3000, 36, down, 1);
}

static void test_likely_and_confirmed(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	run(&rig, 5, 50, 36, 100, 1);
	spill(&rig, 120, 100);
	/* possible from the first value on, if it goes on; likely when enough was let go for it:
	 * 75 s of the 253 s that a moment's water takes to pass by, see river_unit() */
	assert_int_equal(count(&rig, ENTRY("crossing.assessed")), 2);
	assert_true(strstr(rig.text, "\"reason\":\"COD up to 29.7 mg/l if it goes on, "));
	assert_true(strstr(rig.text, " by what was let go so far, threshold 15 mg/l; river over "
				     "0.4 km, expected "));
	assert_int_equal(count(&rig, "\"crossing: possible at border\""), 2); /* entry, report */
	assert_int_equal(count(&rig, "\"level\":\"national\",\"reason\":\"crossing: likely at "
				     "border\""),
			 1);
	assert_int_equal(rig.core->incidents[WASTE_LIQUID].verdict, VERDICT_LIKELY);
	assert_int_equal(rig.core->incidents[WASTE_LIQUID].level, LEVEL_NATIONAL);
	/* it is above there already, but nothing of this release can have come: 180 s */
	run(&rig, 50, 3000, 36, 20000, 1);
	assert_int_equal(count(&rig, ENTRY("crossing.confirmed")), 0);
	/* nor is what was there before and is there still */
	run(&rig, 15, 3000, 36, 20000, 1);
	assert_int_equal(count(&rig, ENTRY("crossing.confirmed")), 0);
	run(&rig, 70, 3000, 36, 36000, 1);
	assert_int_equal(count(&rig, ENTRY("crossing.confirmed")), 1);
	assert_true(strstr(rig.text, "\"value\":\"36000\",\"verdict\":\"observed\""));
	run(&rig, 120, 3000, 36, 36000, 1);
	assert_int_equal(rig.core->incidents[WASTE_LIQUID].verdict, VERDICT_OBSERVED);
	assert_int_equal(count(&rig, ENTRY("crossing.confirmed")), 1);
	assert_true(strstr(rig.text, "\"method\":\"measured\""));
	/* the release is over, its water is not: no end of alert before that has gone by */
	run(&rig, 120, 50, 36, 100, 1);
	assert_int_equal(count(&rig, ENTRY("incident.ended")), 0);
	assert_int_equal(count(&rig, "\"reason\":\"its release is over, but what it let go is "
				     "still on its way\""),
			 1);
	run(&rig, 900, 50, 36, 100, 1);
	assert_int_equal(count(&rig, ENTRY("incident.ended")), 2); /* entry and report */
	assert_int_equal(count(&rig, ENTRY("crossing.refuted")), 0);
	rig_close(&rig);
}

/* the alarms are clear long before the water is there: those who were told hear the end of it */
static void test_refuted_before_the_end(void **state)
{
	const char *refuted, *ended;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	run(&rig, 5, 50, 36, 100, 1);
	spill(&rig, 60, 100);
	run(&rig, 90, 50, 36, 100, 1);
	assert_true(rig.core->incidents[WASTE_LIQUID].open);
	assert_int_equal(count(&rig, ENTRY("incident.ended")), 0);
	assert_int_equal(count(&rig, ENTRY("crossing.refuted")), 0);
	run(&rig, 900, 50, 36, 14999, 1);
	assert_int_equal(count(&rig, ENTRY("crossing.refuted")), 1);
	assert_int_equal(count(&rig, ENTRY("incident.ended")), 2);
	refuted = strstr(rig.text,
			 "\"incident\":\"s-liquid-20261124T140005Z\",\"reason\":\"nothing "
			 "above the threshold came while it was due");
	ended = strstr(rig.text, ENTRY("incident.ended"));
	assert_true(refuted && refuted < ended);
	for (size_t i = 0; i < CROSSING_DUES_MAX; i++)
		assert_int_equal(rig.core->dues[i].state, DUE_FREE);
	rig_close(&rig);
}

/* an hour that the clock is set back by is no hour less that a spill has lasted */
static void test_level_by_the_monotonic_clock(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	run(&rig, 5, 50, 36, 100, 1);
	spill(&rig, 10, 100);
	assert_int_equal(rig.core->incidents[WASTE_LIQUID].level, LEVEL_FACILITY);
	rig.at.wall_ms -= 3600000;
	spill(&rig, 130, 100);
	assert_int_equal(rig.core->incidents[WASTE_LIQUID].level, LEVEL_NATIONAL);
	rig_close(&rig);
}

/* a limit that is broken anew while the water is under way: the release is not over any more */
static void test_a_second_spill_joins(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	run(&rig, 5, 50, 36, 100, 1);
	spill(&rig, 60, 100);
	run(&rig, 90, 50, 36, 100, 1);
	assert_true(rig.core->incidents[WASTE_LIQUID].over_ms > 0);
	assert_true(rig.core->n_released > 0);
	for (size_t i = 0; i < rig.core->n_released; i++) /* what flows in order is no release */
		assert_true(!rig.core->masses[rig.core->released[i]].counting ||
			    rig.core->masses[rig.core->released[i]].resting);
	spill(&rig, 10, 100);
	assert_int_equal(rig.core->incidents[WASTE_LIQUID].over_ms, 0);
	assert_int_equal(count(&rig, ENTRY("incident.opened")),
			 2); /* entry and report: one of it */
	rig_close(&rig);
}

/* what the river carries anyway is measured there anyway: it confirms nothing */
static void test_what_confirms(void **state)
{
	static const struct {
		double background;
		double confirms; /* in thresholds, of 10 */
	} rows[] = {{(double)NAN, 1}, {0, 1}, {9, 1}, {9.5, 1.05}, {20, 2.1}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct crossing_path path = {.threshold = assess_threshold_key(config, 0),
						   .leading_ms = WALL_0,
						   .tail_ms = WALL_0 + 1000,
						   .background = rows[i].background,
						   .bound = 10,
						   .verdict = VERDICT_LIKELY};
		struct rig rig;

		rig_open(&rig);
		assert_true(assess_expect(rig.core, &rig.core->incidents[WASTE_LIQUID], &path));
		assert_close(rig.core->dues[0].confirms, rows[i].confirms, 1e-12);
		rig_close(&rig);
	}
}

/* it was above the threshold, 15 mg/l, before anything could come: only a rise confirms */
static void test_above_before(void **state)
{
	static const struct {
		double before; /* ug/l */
		double then;
		bool confirmed;
		const char *says;
	} rows[] = {
		{14999, 15001, true, "measured above 15 mg/l for 60 s while it is due"},
		{20000, 20000, false, "neither confirmed nor refuted: above it already before, 20"},
		/* 3000 mg/l at 0.01 m3/s in 1 m3/s: 29.7 on the plateau, 12.4 of it after 60 of
		 * 253 s; half of that is 6.2 */
		{20000, 26000, false, "above it already before, 20 mg/l"},
		{20000, 26500, true, ", and not before"},
		{20000, 100, false, "above it already before, 20 mg/l"},
		{(double)NAN, 34900, false, "nobody measured before it was due"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rig rig;

		rig_open(&rig);
		run(&rig, 5, 50, 36, rows[i].before, 1);
		spill(&rig, 60, rows[i].before);
		run(&rig, 130, 50, 36, rows[i].before, 1);
		run(&rig, 500, 50, 36, rows[i].then, 1);
		if (count(&rig, ENTRY("crossing.confirmed")) != rows[i].confirmed ||
		    !strstr(rig.text, rows[i].says))
			fail_msg("row %zu: %s", i, rig.text);
		rig_close(&rig);
	}
}

/* nobody measured there: neither the one nor the other */
static void test_not_measured(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	run(&rig, 5, 50, 36, 100, 1);
	spill(&rig, 60, (double)NAN);
	run(&rig, 600, 50, 36, (double)NAN, 1);
	assert_int_equal(count(&rig, ENTRY("crossing.refuted")), 0);
	assert_int_equal(count(&rig, ENTRY("crossing.confirmed")), 0);
	assert_int_equal(count(&rig, "neither confirmed nor refuted"), 1);
	rig_close(&rig);
}

/* around the bound of likely, 15 mg/l mixed: one verdict, not one per turn */
static void test_no_flapping(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	run(&rig, 5, 50, 36, 100, 1);
	for (int i = 0; i < 20; i++) {
		run(&rig, 31, 1540, 36, 100, 1); /* 15.25 */
		run(&rig, 31, 1510, 36, 100, 1); /* 14.95 */
	}
	assert_int_equal(count(&rig, ENTRY("crossing.assessed")), 2); /* possible, likely */
	assert_int_equal(count(&rig, ENTRY("incident.level")), 1);
	rig_close(&rig);
}

/* no flow: the way is certain, the strength is not */
static void test_without_flow(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	run(&rig, 5, 50, (double)NAN, 100, 1);
	run(&rig, 5, 3000, (double)NAN, 100, 1);
	assert_int_equal(rig.core->incidents[WASTE_LIQUID].verdict, VERDICT_POSSIBLE);
	assert_int_equal(rig.core->incidents[WASTE_LIQUID].level, LEVEL_FACILITY);
	assert_true(strstr(rig.text, "\"method\":\"distance\""));
	assert_true(strstr(rig.text, "discharge not known"));
	rig_close(&rig);
}

/* --- inbound --------------------------------------------------------------------------- */

static void test_inbound(void **state)
{
	static const struct {
		const char *what;
		int in_order_s;	   /* of own source, before */
		double before_cod; /* in the first minute of that */
		enum crossing_verdict verdict;
		enum incident_level level;
		const char *says;
	} rows[] = {
		{"in order all the time", 700, 50, VERDICT_OBSERVED, LEVEL_NATIONAL,
		 "inbound.suspected"},
		{"watched for too short", 300, 50, VERDICT_POSSIBLE, LEVEL_FACILITY,
		 "COD not measured all through the travel time: s/out"},
		{"out of limits within it", 400, 200, VERDICT_UNLIKELY, LEVEL_FACILITY,
		 "COD out of its limits within the travel time: s/out"},
		{"out of limits before it", 900, 200, VERDICT_OBSERVED, LEVEL_NATIONAL,
		 "inbound.suspected"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct core_incident *incident;
		struct rig rig;

		rig_open(&rig);
		incident = &rig.core->incidents[WASTE_SOLID];
		run(&rig, 60, rows[i].before_cod, 36, 100, 1);
		run(&rig, rows[i].in_order_s - 60, 50, 36, 100, 1);
		run(&rig, 60, 50, 36, 100, 9); /* a minute but for the last value */
		assert_true(incident->verdict <= VERDICT_POSSIBLE);
		assert_int_equal(incident->level, LEVEL_FACILITY);
		run(&rig, 2, 50, 36, 100, 9);
		if (incident->verdict != rows[i].verdict || incident->level != rows[i].level ||
		    !strstr(rig.text, rows[i].says))
			fail_msg("%s: %s", rows[i].what, rig.text);
		assert_int_equal(count(&rig, ENTRY("inbound.suspected")),
				 rows[i].verdict == VERDICT_OBSERVED);
		assert_true(strstr(rig.text, "\"method\":\"inbound\""));
		rig_close(&rig);
	}
}

/* none of ours is named upstream: nothing shows that it is not ours */
static void test_inbound_with_nothing_upstream(void **state)
{
	struct config_release *gate = NULL;
	struct rig rig;
	size_t n;

	(void)state;
	for (size_t i = 0; i < config->n_sources; i++)
		if (config->sources[i].release.inbound_from != CONFIG_NONE)
			gate = &config->sources[i].release;
	if (!gate) {
		fail_msg("no source looks upstream");
		return;
	}
	n = gate->n_upstream;
	gate->n_upstream = 0;
	rig_open(&rig);
	run(&rig, 700, 50, 36, 100, 1);
	run(&rig, 10, 50, 36, 100, 9);
	gate->n_upstream = n;
	assert_int_equal(rig.core->incidents[WASTE_SOLID].verdict, VERDICT_POSSIBLE);
	assert_int_equal(rig.core->incidents[WASTE_SOLID].level, LEVEL_FACILITY);
	assert_int_equal(count(&rig, ENTRY("inbound.suspected")), 0);
	assert_int_equal(count(&rig, "\"reason\":\"no own source is named upstream"), 1);
	rig_close(&rig);
}

/* a source that was not measured for a while cannot be excluded until it was for all the time */
static void test_inbound_after_a_loss(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	run(&rig, 700, 50, 36, 100, 1);
	run(&rig, 130, (double)NAN, 36, 100, 1);
	run(&rig, 60, 50, 36, 100, 1);
	run(&rig, 10, 50, 36, 100, 9);
	assert_int_equal(rig.core->incidents[WASTE_SOLID].verdict, VERDICT_POSSIBLE);
	assert_int_equal(count(&rig, ENTRY("inbound.suspected")), 0);
	run(&rig, 700, 50, 36, 100, 9);
	assert_int_equal(rig.core->incidents[WASTE_SOLID].verdict, VERDICT_OBSERVED);
	assert_int_equal(count(&rig, ENTRY("inbound.suspected")), 1);
	rig_close(&rig);
}

/* --- restart --------------------------------------------------------------------------- */

#define STORY_S 900

static void story(struct rig *rig, int from, int to)
{
	for (int i = from; i < to; i++) {
		const double values[N_CHANNELS] = {
			i >= 20 && i < 140 ? 3000 : 50,
			36,
			i >= 300 && i < 370 ? 20000 : 100,
			i >= 640 && i < 710 ? 9 : 1,
		};

		second(rig, values);
	}
}

static void test_restart_anywhere(void **state)
{
	struct rig *whole = malloc(sizeof(*whole)), *part = malloc(sizeof(*part)),
		   *rest = malloc(sizeof(*rest));

	(void)state;
	assert_true(whole && part && rest);
	rig_open(whole);
	story(whole, 0, STORY_S);
	assert_int_equal(count(whole, ENTRY("crossing.confirmed")), 1);
	assert_int_equal(count(whole, "\"method\":\"inbound\"") > 0, 1);
	rig_open(part);
	for (int cut = 1; cut < STORY_S; cut++) {
		void *saved = NULL, *windows = NULL;
		size_t n, n_windows;

		story(part, cut - 1, cut);
		rig_open(rest);
		assert_int_equal(core_save(part->core, &saved, &n), 0);
		assert_int_equal(core_save_windows(part->core, &windows, &n_windows), 0);
		assert_int_equal(core_restore(rest->core, saved, n), 0);
		assert_int_equal(core_restore_windows(rest->core, windows, n_windows), 0);
		rest->core->chain = part->core->chain;
		rest->at = part->at;
		memcpy(rest->text, part->text, part->n_text + 1);
		rest->n_text = part->n_text;
		story(rest, cut, STORY_S);
		if (strcmp(rest->text, whole->text) != 0)
			fail_msg("cut at %d", cut);
		rig_close(rest);
		free(saved);
		free(windows);
	}
	rig_close(part);
	rig_close(whole);
	free(whole);
	free(part);
	free(rest);
}

static void test_restore_refuses_unsound(void **state)
{
	(void)state;
	for (int what = 0; what < 5; what++) {
		struct rig rig, other;
		void *saved = NULL;
		size_t n;

		rig_open(&rig);
		rig_open(&other);
		run(&rig, 5, 50, 36, 100, 1);
		spill(&rig, 5, 100);
		if (what == 1)
			rig.core->crossings[WASTE_LIQUID].n_paths = CROSSING_PATHS_MAX + 1;
		else if (what == 2)
			rig.core->crossings[WASTE_LIQUID].paths[0].method = METHOD_MAX + 1;
		else if (what == 3)
			rig.core->dues[0].state = DUE_MAX + 1;
		else if (what == 4)
			memset(rig.core->dues[0].incident, 'a', sizeof(rig.core->dues[0].incident));
		assert_int_equal(core_save(rig.core, &saved, &n), 0);
		assert_int_equal(core_restore(other.core, saved, n), what ? -EBADMSG : 0);
		free(saved);
		rig_close(&rig);
		rig_close(&other);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steady_river),
		cmocka_unit_test(test_pulse),
		cmocka_unit_test(test_mixing),
		cmocka_unit_test(test_mass),
		cmocka_unit_test(test_unknown_dispersion),
		cmocka_unit_test(test_reaches),
		cmocka_unit_test(test_receptor),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_direction),
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_reach),
		cmocka_unit_test(test_slide),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_verdicts_above_a_background),
		cmocka_unit_test(test_verdicts_of_what_was_measured),
		cmocka_unit_test(test_river_with_gaps),
		cmocka_unit_test(test_plume_with_gaps),
		cmocka_unit_test(test_likely_and_confirmed),
		cmocka_unit_test(test_refuted_before_the_end),
		cmocka_unit_test(test_a_second_spill_joins),
		cmocka_unit_test(test_level_by_the_monotonic_clock),
		cmocka_unit_test(test_what_confirms),
		cmocka_unit_test(test_above_before),
		cmocka_unit_test(test_not_measured),
		cmocka_unit_test(test_no_flapping),
		cmocka_unit_test(test_without_flow),
		cmocka_unit_test(test_inbound),
		cmocka_unit_test(test_inbound_with_nothing_upstream),
		cmocka_unit_test(test_inbound_after_a_loss),
		cmocka_unit_test(test_restart_anywhere),
		cmocka_unit_test(test_restore_refuses_unsound),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
