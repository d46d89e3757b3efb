/* SPDX-License-Identifier: Apache-2.0 */
/* Published values: rise of GasDispersion.jl's tests, ICAR-NET's example; the rest recomputed. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/plume.h"

#define NEAR(a, b, by) assert_true(fabs((a) - (b)) <= (by))

static void test_rise(void **state)
{
	const struct plume_stack stack = {0, 1, 72.938, 400, 288.15};
	struct plume_rise rise;

	(void)state;
	assert_int_equal(plume_rise(&stack, 4, PLUME_A, &rise), 0);
	NEAR(rise.final_distance_m, 565.005, 0.005);
	NEAR(rise.final_m, 100.714, 0.001); /* the speed given has five digits */
	NEAR(plume_rise_m(&rise, 50), 20.0, 0.05);
	assert_int_equal(plume_rise(&stack, 4, PLUME_E, &rise), 0);
	NEAR(rise.stability_per_s2, 6.8063e-4, 5e-9);
	NEAR(rise.final_distance_m, 317.607, 0.005);
	NEAR(rise.final_m, 68.597, 0.0005);
	assert_true(plume_rise(&stack, 0, PLUME_A, &rise) < 0);
}

static void test_concentration(void **state)
{
	struct plume_release release = {5, 30, NULL};
	struct plume_receptor at = {1000, 0, 0, 50, 30};
	struct plume_answer answer;

	(void)state;
	plume_at(&release, NULL, 2, PLUME_D, &at, &answer);
	NEAR(answer.concentration_ug_m3, 321.77, 0.005);
	release = (struct plume_release){10, 130.714, NULL};
	at = (struct plume_receptor){3000, 0, 0, 0, 0};
	plume_at(&release, NULL, 4, PLUME_D, &at, &answer);
	NEAR(answer.concentration_ug_m3, 11.55, 0.005);
	at.x_m = 10000;
	plume_at(&release, NULL, 4, PLUME_D, &at, &answer);
	NEAR(answer.concentration_ug_m3, 6.42, 0.005);
	NEAR(answer.sigma_y_m, 565.685, 0.0005);
}

static void test_sigma(void **state)
{
	static const struct {
		enum plume_stability stability;
		double x_m, y_m, z_m;
	} rows[] = {
		{PLUME_A, 1000, 209.762, 200},
		{PLUME_B, 1000, 152.554, 120},
		{PLUME_C, 1000, 104.881, 73.030},
		{PLUME_D, 1000, 76.277, 37.947},
		{PLUME_E, 1000, 57.208, 23.077},
		{PLUME_F, 1000, 38.139, 12.308},
		{PLUME_D, 10000, 565.685, 150.0},
		{PLUME_F, 10000, 282.843, 40.0},
		{PLUME_A, 0, 0, 0},
		{PLUME_F, -5, 0, 0},
	};
	double y, z;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		plume_sigma(rows[i].stability, rows[i].x_m, &y, &z);
		NEAR(y, rows[i].y_m, 0.0005);
		NEAR(z, rows[i].z_m, 0.0005);
	}
}

/* cold gas: 3·d·vs/u = 3·1·20/4; a slow one counts 2·d·(1.5 - vs/u) lower: 2·(1.5 - 1) */
static void test_momentum_and_downwash(void **state)
{
	struct plume_stack stack = {50, 1, 20, 288.15, 288.15};
	struct plume_rise rise;

	(void)state;
	assert_int_equal(plume_rise(&stack, 4, PLUME_D, &rise), 0);
	assert_true(rise.is_momentum);
	NEAR(rise.final_m, 15, 1e-12);
	NEAR(rise.downwash_m, 0, 0);
	stack.exit_velocity_m_s = 4;
	assert_int_equal(plume_rise(&stack, 4, PLUME_D, &rise), 0);
	NEAR(rise.downwash_m, 1, 1e-12);
}

static void test_calm_and_upwind(void **state)
{
	const struct plume_release release = {10, 20, NULL};
	const struct plume_receptor upwind = {-10, 0, 0, 0, 0};
	struct plume_answer answer;
	bool is_calm;

	(void)state;
	NEAR(plume_wind_m_s(0, 10, PLUME_F, &is_calm), 1, 0);
	assert_true(is_calm);
	NEAR(plume_wind_m_s(2, 100, PLUME_D, &is_calm), 2 * exp(0.15 * log(10)), 1e-12);
	assert_false(is_calm);
	plume_at(&release, NULL, 1, PLUME_A, &upwind, &answer);
	NEAR(answer.concentration_ug_m3, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rise),
		cmocka_unit_test(test_concentration),
		cmocka_unit_test(test_sigma),
		cmocka_unit_test(test_momentum_and_downwash),
		cmocka_unit_test(test_calm_and_upwind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
