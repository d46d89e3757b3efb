/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/macro.h"
#include "core/canon.h"

static void test_lines(void **state)
{
	/* @at: byte of the first error; -1 the line is canonical */
	static const struct {
		const char *line;
		int at;
	} rows[] = {
		{"{}", -1},
		{"{\"a\":1}", -1},
		{"{\"a\":1,\"b\":\"x\",\"c\":true,\"d\":false}", -1},
		{"{\"\":0,\"A\":1,\"a\":2,\"aa\":3}", -1},
		{"{\"a\":[],\"b\":[1,\"x\",[{}],{\"k\":[]}]}", -1},
		{"{\"a\":-1,\"b\":9007199254740991,\"c\":-9007199254740991}", -1},
		{"{\"a\":"
		 "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0000\\u0007\\u000b\\u000e\\u000f\\u0010\\u001f\"}",
		 -1},
		{"{\"a\":\"/\x7f cột B \xdf\xbf \xe0\xa0\x80 \xed\x9f\xbf \xef\xbf\xbf\"}", -1},
		{"{\"a\":\"\xf0\x90\x80\x80 \xf3\xbf\xbf\xbf \xf4\x8f\xbf\xbf\"}", -1},
		{"", 0},
		{"[]", 0},
		{" {}", 0},
		{"{} ", 2},
		{"{}{}", 2},
		{"{", 1},
		{"{ }", 1},
		{"{\"a\"}", 4},
		{"{\"a\" :1}", 4},
		{"{\"a\":}", 5},
		{"{\"a\": 1}", 5},
		{"{\"a\":1", 6},
		{"{\"a\":1,", 7},
		{"{\"a\":1,}", 7},
		{"{\"a\":1 }", 6},
		{"{\"a\":1,\"a\":2}", 7},
		{"{\"b\":1,\"a\":2}", 7},
		{"{\"aa\":1,\"a\":2}", 8},
		{"{\"\xc3\xa9\":1}", 1},
		{"{\"\\n\":1}", 1},
		{"{a:1}", 1},
		{"{\"a:1}", 6},
		{"{\"a\":null}", 5},
		{"{\"a\":tru}", 5},
		{"{\"a\":1.5}", 6},
		{"{\"a\":1e3}", 6},
		{"{\"a\":1E3}", 6},
		{"{\"a\":01}", 7},
		{"{\"a\":-0}", 7},
		{"{\"a\":-}", 6},
		{"{\"a\":+1}", 5},
		{"{\"a\":9007199254740992}", 21},
		{"{\"a\":-9007199254740992}", 22},
		{"{\"a\":99999999999999999999999999}", 21},
		{"{\"a\":\"\\/\"}", 7},
		{"{\"a\":\"\\", 7},
		{"{\"a\":\"\\u", 7},
		{"{\"a\":\"\\u000\"}", 7},
		{"{\"a\":\"\\u0008\"}", 7},
		{"{\"a\":\"\\u000a\"}", 7},
		{"{\"a\":\"\\u001F\"}", 7},
		{"{\"a\":\"\\u0020\"}", 7},
		{"{\"a\":\"\\u0107\"}", 7},
		{"{\"a\":\"\n\"}", 6},
		{"{\"a\":\"\x80\"}", 6},
		{"{\"a\":\"\xc1\x81\"}", 6},
		{"{\"a\":\"\xc3\"}", 6},
		{"{\"a\":\"\xc3", 6},
		{"{\"a\":\"\xc3\xc3\"}", 6},
		{"{\"a\":\"\xe0\x9f\x80\"}", 6},
		{"{\"a\":\"\xe1\x80\xc0\"}", 6},
		{"{\"a\":\"\xed\xa0\x80\"}", 6},
		{"{\"a\":\"\xf4\x90\x80\x80\"}", 6},
		{"{\"a\":\"\xf5\x80\x80\x80\"}", 6},
		{"{\"a\":\"x}", 8},
		{"{\"a\":[1", 7},
		{"{\"a\":[1,]}", 8},
		{"{\"a\":[,1]}", 6},
		{"{\"a\":{\"b\":1,\"b\":1}}", 12},
	};
	struct canon_error error;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int r = canon_read(rows[i].line, strlen(rows[i].line), NULL, NULL, &error);

		if (r != (rows[i].at < 0 ? 0 : -EBADMSG) ||
		    (rows[i].at >= 0 && error.at != (size_t)rows[i].at))
			fail_msg("%s: %d, %s at %zu", rows[i].line, r,
				 error.what ? error.what : "good", error.at);
	}
	assert_int_equal(canon_read("{\"a\":\"\0\"}", 9, NULL, NULL, &error), -EBADMSG);
	assert_int_equal(error.at, 6);
}

static void test_depth(void **state)
{
	static const struct {
		size_t depth;
		int r;
	} rows[] = {{CANON_DEPTH_MAX - 1, 0}, {CANON_DEPTH_MAX, -EBADMSG}, {100000, -EBADMSG}};
	struct canon_error error;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t n = rows[i].depth;
		char *line = malloc(2 * n + 8);

		assert_non_null(line);
		memcpy(line, "{\"a\":", 5);
		memset(line + 5, '[', n);
		memset(line + 5 + n, ']', n);
		line[5 + 2 * n] = '}';
		assert_int_equal(canon_read(line, 2 * n + 6, NULL, NULL, &error), rows[i].r);
		free(line);
	}
}

static void take(void *userdata, const struct canon_value *value)
{
	char *text = userdata;
	size_t n = strlen(text);

	if (value->kind == CANON_TEXT)
		(void)snprintf(text + n, 200 - n, "%.*s=%.*s;", (int)value->n_key, value->key,
			       (int)value->n_text, value->text);
	else if (value->kind == CANON_INTEGER)
		(void)snprintf(text + n, 200 - n, "%.*s=%lld;", (int)value->n_key, value->key,
			       (long long)value->integer);
	else
		(void)snprintf(text + n, 200 - n, "%.*s?;", (int)value->n_key, value->key);
	if (canon_is(value, "b"))
		(void)strcat(text, "!");
}

static void test_members(void **state)
{
	static const char line[] =
		"{\"a\":-17,\"b\":\"x\\n\",\"c\":{\"d\":1},\"e\":true,\"f\":[\"g\"]}";
	char text[200] = "";
	struct canon_error error;

	(void)state;
	assert_int_equal(canon_read(line, strlen(line), take, text, &error), 0);
	assert_string_equal(text, "a=-17;b=x\\n;!c?;e?;f?;");
	text[0] = '\0'; /* what stands before an error was handed out, the rest was not */
	assert_int_equal(canon_read("{\"a\":1,\"b\":x}", 13, take, text, &error), -EBADMSG);
	assert_string_equal(text, "a=1;");
}

/* jansson is another reader and printer: what is canonical comes out of it as it was */
static void test_agrees_with_jansson(void **state)
{
	static const char *const lines[] = {
		"{\"a\":\"\\u001f\\b\",\"b\":[true,false,{\"c\":\"ộ\"}],\"z\":-5}",
		"{\"reason\":\"\\\"x\\\" / y\",\"seq\":17}",
	};
	struct canon_error error;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		json_t *json = json_loads(lines[i], JSON_REJECT_DUPLICATES, NULL);
		char *again = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);

		assert_int_equal(canon_read(lines[i], strlen(lines[i]), NULL, NULL, &error), 0);
		for (char *at = again; (at = strstr(at, "\\u00")); at += 6)
			at[5] = at[5] == 'F' ? 'f' : at[5];
		assert_string_equal(again, lines[i]);
		free(again);
		json_decref(json);
	}
}

/* every change of one byte of a line gives another value, or no canonical line */
static void test_one_line_per_value(void **state)
{
	static const char line[] = "{\"a\":\"x\\u001f\xc3\xa9\",\"b\":[10,true],\"seq\":17}";
	char changed[sizeof(line)];
	struct canon_error error;
	size_t n_good = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(line) - 1; i++)
		for (int c = 0; c < 256; c++) {
			json_t *json, *first = json_loads(line, 0, NULL);

			memcpy(changed, line, sizeof(line));
			changed[i] = (char)c;
			json = json_loadb(changed, sizeof(line) - 1, JSON_ALLOW_NUL, NULL);
			if (changed[i] != line[i] &&
			    canon_read(changed, sizeof(line) - 1, NULL, NULL, &error) == 0) {
				assert_non_null(json);
				assert_false(json_equal(json, first));
				n_good++;
			}
			json_decref(json);
			json_decref(first);
		}
	assert_true(n_good > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_agrees_with_jansson),
		cmocka_unit_test(test_one_line_per_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
