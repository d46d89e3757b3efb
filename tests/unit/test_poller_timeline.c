/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "poller/timeline.h"

static void is_empty_at_first(void **state)
{
	CLEANUP(timeline_free) struct timeline *none = NULL;
	CLEANUP(timeline_free) struct timeline *some = NULL;
	size_t thing = 99;

	(void)state;
	assert_int_equal(timeline_new(&none, 0), 0);
	assert_int_equal(timeline_new(&some, 3), 0);
	assert_int_equal(timeline_first(none, &thing), TIMELINE_NEVER);
	assert_int_equal(timeline_first(some, &thing), TIMELINE_NEVER);
	assert_int_equal(thing, 99);
	timeline_set(some, 2, 5);
	assert_int_equal(timeline_first(some, &thing), 5);
	assert_int_equal(thing, 2);
	timeline_set(some, 2, TIMELINE_NEVER);
	assert_int_equal(timeline_first(some, &thing), TIMELINE_NEVER);
}

/* against a search through all, for many sizes and with many equal moments */
static void agrees_with_a_search(void **state)
{
	uint64_t x = 99;

	(void)state;
	for (size_t n = 1; n < 70; n++) {
		CLEANUP(timeline_free) struct timeline *timeline = NULL;
		int64_t at_us[70];

		assert_int_equal(timeline_new(&timeline, n), 0);
		for (size_t i = 0; i < n; i++)
			at_us[i] = TIMELINE_NEVER;
		for (int step = 0; step < 500; step++) {
			int64_t least_us = TIMELINE_NEVER;
			size_t thing = 0;

			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			thing = (x >> 20) % n;
			at_us[thing] = x % 9 ? (int64_t)((x >> 40) % 50) : TIMELINE_NEVER;
			timeline_set(timeline, thing, at_us[thing]);
			for (size_t i = 0; i < n; i++)
				least_us = MIN(least_us, at_us[i]);
			assert_int_equal(timeline_first(timeline, &thing), least_us);
			assert_true(least_us == TIMELINE_NEVER || at_us[thing] == least_us);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_empty_at_first),
		cmocka_unit_test(agrees_with_a_search),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
