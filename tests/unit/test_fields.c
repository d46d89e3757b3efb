/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/fields.h"

#define WALL_MS INT64_C(1790000000000) /* 2026-09-21 14:13:20 UTC */

static void assert_is(json_t *object, const char *expected)
{
	char *text = json_dumps(object, JSON_COMPACT | JSON_SORT_KEYS);

	assert_string_equal(text, expected);
	free(text);
	json_decref(object);
}

static void what_is_absent_is_left_out(void **state)
{
	json_t *object = json_object();

	(void)state;
	field_set_text(object, "a", NULL);
	field_set_text(object, "b", "");
	field_set_time(object, "c", 0, 420);
	assert_is(object, "{}");
}

static void what_is_there_is_written(void **state)
{
	json_t *object = json_object();

	(void)state;
	field_set_text(object, "text", "Nhà máy");
	field_set_time(object, "time", WALL_MS, 420);
	field_set_moment(object, "moment", 0, 0);
	field_set_value(object, "value", 0.1);
	field_set_value(object, "zero", 0);
	assert_is(object, "{\"moment\":\"1970-01-01T00:00:00.000+00:00\",\"text\":\"Nhà máy\","
			  "\"time\":\"2026-09-21T21:13:20.000+07:00\",\"value\":\"0.1\","
			  "\"zero\":\"0\"}");
}

static void what_is_written_replaces_what_was_there(void **state)
{
	json_t *object = json_object();

	(void)state;
	field_set_text(object, "state", "open");
	field_set_text(object, "state", "ended");
	field_set_text(object, "state", "");
	assert_is(object, "{\"state\":\"ended\"}");
}

static void what_is_asked_for_is_always_something(void **state)
{
	json_t *object = json_pack("{s:s,s:i,s:n}", "text", "open", "number", 1, "null");

	(void)state;
	assert_string_equal(field_text(object, "text"), "open");
	assert_string_equal(field_text(object, "number"), "");
	assert_string_equal(field_text(object, "null"), "");
	assert_string_equal(field_text(object, "none"), "");
	assert_string_equal(field_text(NULL, "text"), "");
	assert_int_equal(field_number(object, "number"), 1);
	assert_int_equal(field_number(object, "text"), 0);
	assert_int_equal(field_number(object, "none"), 0);
	assert_int_equal(field_number(NULL, "number"), 0);
	json_decref(object);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_absent_is_left_out),
		cmocka_unit_test(what_is_there_is_written),
		cmocka_unit_test(what_is_written_replaces_what_was_there),
		cmocka_unit_test(what_is_asked_for_is_always_something),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
