/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/macro.h"
#include "core/flood.h"

#define AT INT64_C(5000000)

static void add(struct flood *flood, int n, int64_t mono_ms)
{
	for (int i = 0; i < n; i++)
		flood_add(flood, mono_ms);
}

/* eleven begin it, once; it goes on at five and ends at four */
static void test_begin_and_end(void **state)
{
	struct flood flood = {0};

	(void)state;
	assert_int_equal(flood_count(&flood, AT), 0);
	add(&flood, 5, AT);
	add(&flood, 5, AT + 300000);
	assert_false(flood_begins(&flood, AT + 300000));
	add(&flood, 1, AT + 300000);
	assert_int_equal(flood_count(&flood, AT + 300000), 11);
	assert_true(flood_begins(&flood, AT + 300000));
	add(&flood, 1, AT + 300000);
	assert_false(flood_begins(&flood, AT + 300000));       /* it lasts, and is told once */
	assert_int_equal(flood_count(&flood, AT + 600000), 7); /* the first five are gone */
	assert_false(flood_begins(&flood, AT + 600000));
	assert_true(flood.lasts);
	add(&flood, 5, AT + 890000);
	assert_false(flood_begins(&flood, AT + 900000)); /* five are left */
	assert_int_equal(flood_count(&flood, AT + 900000), 5);
	assert_true(flood.lasts);
	assert_false(flood_begins(&flood, AT + 890000 + FLOOD_LOOKBACK_MS));
	assert_false(flood.lasts);
	add(&flood, 11, AT + 2000000);
	assert_true(flood_begins(&flood, AT + 2000000)); /* the next one */
}

static void test_ends_below_five(void **state)
{
	struct flood flood = {0};

	(void)state;
	add(&flood, 7, AT);
	add(&flood, 4, AT + 10000);
	assert_true(flood_begins(&flood, AT + 10000));
	assert_false(flood_begins(&flood, AT + 590000));
	assert_true(flood.lasts);
	assert_false(flood_begins(&flood, AT + 600000)); /* four are left */
	assert_false(flood.lasts);
}

/* against a plain list of moments, in the slots' own measure */
static void test_brute_force(void **state)
{
	static int64_t moments[20000];
	struct flood flood = {0};
	int64_t now = AT;
	size_t n = 0;
	uint64_t seed = 1;

	(void)state;
	while (n < ARRAY_SIZE(moments)) {
		uint32_t wanted = 0;

		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
		now += (int64_t)((seed >> 33) % (seed >> 60 ? 20000 : 1500000));
		for (uint64_t i = 0; i < (seed >> 50) % 4 && n < ARRAY_SIZE(moments); i++) {
			/* another stream is a little behind */
			moments[n] = now - (int64_t)((seed >> 20) % 3000);
			flood_add(&flood, moments[n++]);
		}
		for (size_t i = n > 200 ? n - 200 : 0; i < n; i++)
			wanted += moments[i] / FLOOD_SLOT_MS > now / FLOOD_SLOT_MS - FLOOD_SLOTS;
		if (flood_count(&flood, now) != wanted)
			fail_msg("after %zu: %u, wanted %u", n, flood_count(&flood, now), wanted);
	}
}

static void test_chattering(void **state)
{
	static const struct {
		int64_t raised[3];
		int64_t now;
		bool chatters;
	} rows[] = {
		{{AT, AT - 30000, AT - 60000}, AT, true},
		{{AT, AT - 30000, AT - 60001}, AT, false},
		{{AT, AT - 1000, 0}, AT, false}, /* only twice so far */
		{{AT, AT - 1, AT - 2}, AT + FLOOD_LOOKBACK_MS, true},
		{{AT, AT - 1, AT - 2}, AT + FLOOD_LOOKBACK_MS + 1, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (flood_chatters(rows[i].raised, rows[i].now) != rows[i].chatters)
			fail_msg("row %zu", i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_begin_and_end),
		cmocka_unit_test(test_ends_below_five),
		cmocka_unit_test(test_brute_force),
		cmocka_unit_test(test_chattering),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
