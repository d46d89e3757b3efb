/* SPDX-License-Identifier: Apache-2.0 */
/* progress: silent at first, then now and then, and gone in the end */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/macro.h"
#include "tools/progress.h"

#define BEGUN INT64_C(1000000)

/* what has been said so far: how many times, and the last of it */
static void test_when_it_is_said(void **state)
{
	static const struct {
		int64_t after_ms;
		uint64_t n, all;
		int n_said;
		const char *last;
	} rows[] = {
		{0, 1, 100, 0, ""},
		{1999, 10, 100, 0, ""},
		{2000, 20, 100, 1, "things: 20 of 100, 20 %, 8 s to go"},
		{2249, 21, 100, 1, "things: 20 of 100, 20 %, 8 s to go"},
		{2250, 50, 100, 2, "things: 50 of 100, 50 %, 2 s to go"},
		{100000, 100, 100, 3, "things: 100 of 100, 100 %, 0 s to go"},
		{200000, 101, 100, 4, "things: 101"}, /* there were more than was known */
		{300000, 0, 100, 5, "things: 0"},
		{400000, 7, 0, 6, "things: 7"},
	};
	struct progress progress = {.what = "things", .begun_ms = BEGUN};
	char *text = NULL;
	size_t n = 0;

	(void)state;
	progress.file = open_memstream(&text, &n);
	assert_non_null(progress.file);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *last = "";
		int n_said = 0;

		progress_say_at(&progress, BEGUN + rows[i].after_ms, rows[i].n, rows[i].all);
		assert_int_equal(fflush(progress.file), 0);
		for (const char *p = text; (p = strstr(p, "\r\033[K")); p += 4, n_said++)
			last = p + 4;
		assert_int_equal(n_said, rows[i].n_said);
		assert_string_equal(last, rows[i].last);
	}
	progress_end(&progress);
	progress_end(&progress); /* once is enough */
	assert_int_equal(fclose(progress.file), 0);
	assert_string_equal(text + n - 4, "\r\033[K");
	assert_int_not_equal(text[n - 5], 'K');
	free(text);
}

/* where nobody looks, or it was quick, nothing is written */
static void test_nothing_is_said(void **state)
{
	struct progress progress;

	(void)state;
	progress_begin(&progress, "things", true);
	progress.file = NULL;
	progress_say(&progress, 1, 2);
	progress_end(&progress);
	assert_false(progress.said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_when_it_is_said),
		cmocka_unit_test(test_nothing_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
