/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/macro.h"

#define YEAR_9999_END INT64_C(253402300799999)

static void test_format(void **state)
{
	static const struct {
		int64_t wall_ms;
		int zone_min;
		const char *text;
	} rows[] = {
		{0, 0, "1970-01-01T00:00:00.000+00:00"},
		{0, 420, "1970-01-01T07:00:00.000+07:00"},
		{0, -330, "1970-01-01T00:00:00.000-05:30"}, /* clamped: no year before 1970 */
		{-1, 0, "1970-01-01T00:00:00.000+00:00"},
		{INT64_MIN, 0, "1970-01-01T00:00:00.000+00:00"},
		{1, 0, "1970-01-01T00:00:00.001+00:00"},
		{999, 0, "1970-01-01T00:00:00.999+00:00"},
		{1000, 0, "1970-01-01T00:00:01.000+00:00"},
		{INT64_C(951782400000), 0, "2000-02-29T00:00:00.000+00:00"},
		{INT64_C(1795528800000), 420, "2026-11-24T21:00:00.000+07:00"},
		{INT64_C(1795528800000), 0, "2026-11-24T14:00:00.000+00:00"},
		{INT64_C(1795528800000), -30, "2026-11-24T13:30:00.000-00:30"},
		{INT64_C(1795528800000), 345, "2026-11-24T19:45:00.000+05:45"},
		{INT64_C(1798736399999), 420, "2026-12-31T23:59:59.999+07:00"},
		{INT64_C(1798736400000), 420, "2027-01-01T00:00:00.000+07:00"},
		{INT64_MAX, 0, "9999-12-30T23:59:59.999+00:00"}, /* a day in hand for the zone */
		{INT64_MAX, 1439, "9999-12-31T23:58:59.999+23:59"},
	};
	char text[CLOCK_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		clock_format(rows[i].wall_ms, rows[i].zone_min, text);
		assert_string_equal(text, rows[i].text);
	}
}

static void test_parse_good(void **state)
{
	static const struct {
		const char *text;
		int64_t wall_ms;
	} rows[] = {
		{"1970-01-01T00:00:00Z", 0},
		{"1970-01-01T00:00:00z", 0},
		{"1970-01-01t00:00:00Z", 0},
		{"1970-01-01 00:00:00Z", 0},
		{"1970-01-01T00:00:00+00:00", 0},
		{"1970-01-01T00:00:00-00:00", 0},
		{"1970-01-01T07:00:00+07:00", 0},
		{"1970-01-01T00:00:00.5Z", 500},
		{"1970-01-01T00:00:00.05Z", 50},
		{"1970-01-01T00:00:00.001Z", 1},
		{"1970-01-01T00:00:00.0019Z", 1}, /* cut, not rounded: never into the future */
		{"1970-01-01T00:00:00.999999999Z", 999},
		{"2000-02-29T00:00:00Z", INT64_C(951782400000)},
		{"2024-02-29T12:00:00Z", INT64_C(1709208000000)},
		{"2026-11-24T21:00:00.000+07:00", INT64_C(1795528800000)},
		{"2026-11-24T19:45:00+05:45", INT64_C(1795528800000)},
		{"2026-11-24T08:30:00-05:30", INT64_C(1795528800000)},
		{"9999-12-31T23:59:59.999Z", YEAR_9999_END},
	};
	int64_t wall_ms;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		wall_ms = -77;
		assert_int_equal(clock_parse(rows[i].text, &wall_ms), 0);
		assert_int_equal(wall_ms, rows[i].wall_ms);
	}
}

static void test_parse_bad(void **state)
{
	static const char *const rows[] = {
		"",
		"2026",
		"2026-11-24",
		"2026-11-24T21:00",
		"2026-11-24T21:00:00",	    /* no zone: whose time would that be? */
		"2026-11-24T21:00:00+07",   /* half an offset */
		"2026-11-24T21:00:00+0700", /* no colon */
		"2026-11-24T21:00:00+07:0",
		"2026-11-24T21:00:00+24:00",
		"2026-11-24T21:00:00+00:60",
		"2026-11-24T21:00:00 07:00",
		"2026-11-24T21:00:00Z ",
		"2026-11-24T21:00:00Zx",
		" 2026-11-24T21:00:00Z",
		"2026-11-24T21:00:00.Z",
		"2026-11-24T21:00:00,5Z",
		"2026-11-24_21:00:00Z",
		"2026/11/24T21:00:00Z",
		"26-11-24T21:00:00Z",
		"+026-11-24T21:00:00Z",
		"-026-11-24T21:00:00Z",
		"2026-1-24T21:00:00Z",
		"2026-00-24T21:00:00Z",
		"2026-13-24T21:00:00Z",
		"2026-11-00T21:00:00Z",
		"2026-11-31T21:00:00Z", /* November has 30 */
		"2026-02-29T00:00:00Z", /* no leap year */
		"2100-02-29T00:00:00Z", /* nor this */
		"2026-02-30T00:00:00Z",
		"2026-11-32T21:00:00Z",
		"2026-11-24T24:00:00Z",
		"2026-11-24T21:60:00Z",
		"2026-11-24T21:00:60Z", /* no leap seconds in POSIX time */
		"0000-11-24T21:00:00Z",
		"1969-12-31T23:59:59Z",
	};
	int64_t wall_ms = -77;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (clock_parse(rows[i], &wall_ms) != -EINVAL)
			fail_msg("\"%s\" was taken", rows[i]);
		assert_int_equal(wall_ms, -77); /* untouched on failure */
	}
}

static void test_round_trip(void **state)
{
	static const int zones[] = {0, 420, -420, 345, -30, 1439, -1439};
	char text[CLOCK_TEXT_MAX];
	int64_t wall_ms;

	(void)state;
	/* a prime step of about 11 days walks through hours, months and leap years */
	for (int64_t ms = MS_PER_DAY; ms < INT64_C(4102444800000); ms += INT64_C(950272003))
		for (size_t i = 0; i < ARRAY_SIZE(zones); i++) {
			clock_format(ms, zones[i], text);
			assert_int_equal(clock_parse(text, &wall_ms), 0);
			assert_int_equal(wall_ms, ms);
		}
}

static void test_stamp(void **state)
{
	struct stamp first, second;

	(void)state;
	first = clock_stamp();
	second = clock_stamp();
	assert_true(first.mono_ms > 0);
	assert_true(second.mono_ms >= first.mono_ms);
	assert_true(first.wall_ms > INT64_C(1577836800000)); /* after 2020 */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format),	  cmocka_unit_test(test_parse_good),
		cmocka_unit_test(test_parse_bad), cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_stamp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
