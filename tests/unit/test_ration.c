/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/ration.h"

/* how many of @n actions at one moment are let through */
static int take(struct ration *ration, uint32_t uid, int64_t mono_ms, int n)
{
	int taken = 0;

	for (int i = 0; i < n; i++)
		taken += ration_take(ration, uid, mono_ms);
	return taken;
}

static void test_bounds(void **state)
{
	static const struct {
		int64_t mono_ms;
		int asked;
		int taken;
	} rows[] = {
		{0, 1000, RATION_BURST},
		{0, 1, 0},
		{99, 1, 0},
		{100, 2, 1}, /* one tenth of a second, one action */
		{199, 1, 0},
		{200, 1, 1},
		{1200, 1000, RATION_PER_S},
		{1150, 5, 0}, /* a clock that went back gives nothing, and takes nothing */
		{1300, 5, 1},
		{10000000, 1000, RATION_BURST}, /* no more than a burst is ever kept */
		{INT64_MAX / 2, 1000, RATION_BURST},
	};
	struct ration ration = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(take(&ration, 7, rows[i].mono_ms, rows[i].asked), rows[i].taken);
}

static void test_a_flood_is_its_own_account_s(void **state)
{
	struct ration ration = {0};

	(void)state;
	assert_int_equal(take(&ration, 1000, 0, 10000), RATION_BURST);
	assert_int_equal(take(&ration, 0, 0, 10), 10);
	assert_int_equal(take(&ration, UINT32_MAX, 0, 10), 10);
	assert_int_equal(take(&ration, 1000, 0, 1), 0);
}

static void test_more_accounts_than_are_remembered(void **state)
{
	struct ration ration = {0};

	(void)state;
	assert_int_equal(take(&ration, 1, 0, 10000), RATION_BURST);
	for (uint32_t uid = 2; uid <= RATION_ACCOUNTS; uid++)
		assert_int_equal(take(&ration, uid, uid, 1), 1);
	assert_int_equal(take(&ration, 1, 50, 1), 0);	/* asked lately, so it is remembered */
	assert_int_equal(take(&ration, 999, 51, 1), 1); /* in the place of 2 */
	assert_int_equal(take(&ration, 1, 52, 1), 0);
	assert_int_equal(take(&ration, 2, 53, RATION_BURST), RATION_BURST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_a_flood_is_its_own_account_s),
		cmocka_unit_test(test_more_accounts_than_are_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
