/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "common/macro.h"
#include "common/plain.h"

static void test_text(void **state)
{
	static const struct {
		const char *text, *plain;
	} rows[] = {
		{"", ""},
		{"COD at most 150 mg/l", "COD at most 150 mg/l"},
		{"Nhà máy giấy × 1,5 µg/m³ … 𝛼", "Nhà máy giấy × 1,5 µg/m³ … 𝛼"},
		/* C0, DEL, C1 */
		{"a\033[2Jb\nc\td\re\177f", "a?[2Jb?c?d?e?f"},
		{"a\xc2\x80"
		 "b\xc2\x9b"
		 "31mc\xc2\xa0"
		 "d",
		 "a?b?31mc\xc2\xa0"
		 "d"},
		/* U+202E, U+2066, U+061C, U+200B, U+2028, U+FEFF; U+2010 and U+2030 are letters */
		{"\xe2\x80\xae\xe2\x81\xa6\xd8\x9c\xe2\x80\x8b\xe2\x80\xa8\xef\xbb\xbf", "??????"},
		{"\xe2\x80\x90\xe2\x80\xb0", "\xe2\x80\x90\xe2\x80\xb0"},
		/* no UTF-8: a lone continuation, one cut off, overlong, a surrogate, too large, C1
		 */
		{"\x9b", "?"},
		{"a\xe1\xba", "a??"},
		{"\xe1\xba"
		 "b",
		 "??b"},
		{"\xc0\x9b", "??"},
		{"\xe0\x82\x9b", "???"},
		{"\xed\xa0\x80", "???"},
		{"\xf4\x90\x80\x80", "????"},
		{"\xff\xfe", "??"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[128];

		(void)snprintf(text, sizeof(text), "%s", rows[i].text);
		plain_text(text);
		if (strcmp(text, rows[i].plain) != 0)
			fail_msg("row %zu: %s instead of %s", i, text, rows[i].plain);
	}
}

/* whoever gets a text in pieces must know whether to wait for more */
static void test_cut(void **state)
{
	static const struct {
		const char *text;
		size_t n, length;
		unsigned int code;
		bool cut;
	} rows[] = {
		{"a", 1, 1, 'a', false},
		{"\xe1\xba\xa5", 3, 3, 0x1ea5, false},
		{"\xe1\xba\xa5", 2, 1, 0xdce1, true},
		{"\xe1\xba\xa5", 1, 1, 0xdce1, true},
		{"\xe1z", 2, 1, 0xdce1, false},
		{"\xf0\x9d\x9b\xbc", 4, 4, 0x1d6fc, false},
		{"\xf0\x9d\x9b\xbc", 3, 1, 0xdcf0, true},
		{"\xf8", 1, 1, 0xdcf8, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned int code;
		bool cut;

		if (plain_next(rows[i].text, rows[i].n, &code, &cut) != rows[i].length ||
		    code != rows[i].code || cut != rows[i].cut)
			fail_msg("row %zu: U+%04x, %d", i, code, cut);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
