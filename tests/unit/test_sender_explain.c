/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/macro.h"
#include "common/wire.h"
#include "sender/explain.h"

static void test_failure(void **state)
{
	static const struct {
		int code;
		long verify;
		const char *detail, *expected;
	} rows[] = {
		{7, 0, "",
		 "h:443: it refuses the connection or cannot be reached; check network, "
		 "firewall and port"},
		{52, 0, "Empty reply",
		 "h:443: it closed the connection without an answer (Empty reply)"},
		{60, 23, "", "h:443: its certificate was revoked"},
		{60, 999, "", "h:443: its certificate cannot be trusted"},
		{999, 0, "", "h:443: the attempt failed with libcurl's code 999"},
		{999, 0, "why", "h:443: the attempt failed with libcurl's code 999 (why)"},
		/* one line, nothing that a terminal would obey */
		{52, 0,
		 "a\033[2J\x80"
		 "b\nc",
		 "h:443: it closed the connection without an answer (a?[2J?b)"},
	};
	char text[WIRE_ERROR_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		explain_failure("h:443", rows[i].code, rows[i].verify, rows[i].detail, text,
				sizeof(text));
		assert_string_equal(text, rows[i].expected);
	}
}

static void test_certificates(void **state)
{
	/* X509_V_ERR_…: each reason has words of its own */
	static const struct {
		long verify;
		const char *word;
	} rows[] = {
		{9, "not valid yet"}, {10, "expired"},	  {18, "signed by itself"},
		{19, "unknown CA"},   {20, "unknown CA"}, {21, "unknown CA"},
		{0, "host name"},     {1, "host name"},
	};
	char text[WIRE_ERROR_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		explain_failure("h", 60, rows[i].verify, "", text, sizeof(text));
		assert_non_null(strstr(text, rows[i].word));
	}
}

static void test_room(void **state)
{
	/* never beyond the buffer, always ended, whatever its size */
	char detail[600], text[WIRE_ERROR_MAX + 1];

	(void)state;
	memset(detail, 'd', sizeof(detail) - 1);
	detail[sizeof(detail) - 1] = '\0';
	for (size_t n = 1; n <= WIRE_ERROR_MAX; n++) {
		memset(text, '#', sizeof(text));
		explain_failure("host", 52, 0, detail, text, n);
		assert_true(memchr(text, '\0', n) != NULL);
		assert_int_equal(text[n], '#');
		memset(text, '#', sizeof(text));
		explain_status("host", 500, text, n);
		assert_true(memchr(text, '\0', n) != NULL);
		assert_int_equal(text[n], '#');
	}
}

static void test_status(void **state)
{
	static const struct {
		int status;
		const char *word; /* "": no sentence */
	} rows[] = {
		{199, "means nothing"},
		{200, ""},
		{204, ""},
		{299, ""},
		{300, "redirects"},
		{399, "redirects"},
		{400, "understand"},
		{401, "signature"},
		{403, "refuses us"},
		{404, "URL"},
		{405, "URL"},
		{406, "refuses the report"},
		{409, "both sides"},
		{410, "gone"},
		{413, "too big"},
		{429, "fewer"},
		{499, "refuses the report"},
		{500, "fault"},
		{599, "fault"},
		{600, "means nothing"},
	};
	char text[WIRE_ERROR_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		explain_status("h:1", rows[i].status, text, sizeof(text));
		assert_int_equal(text[0] == '\0', rows[i].word[0] == '\0');
		assert_non_null(strstr(text, rows[i].word));
		if (text[0])
			assert_memory_equal(text, "h:1 answered ", 13);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_failure),
		cmocka_unit_test(test_certificates),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
