/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/macro.h"
#include "common/wire.h"
#include "sender/explain.h"
#include "sender/explain_upload.h"

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

static void test_upload(void **state)
{
	static const struct {
		bool sftp;
		int code;
		long verify;
		int reply;
		const char *detail, *word;
	} rows[] = {
		{false, 67, 0, 530, "530 Login incorrect.", "\"password\""},
		{false, 67, 0, 530, "530 Login incorrect.", "(530 Login incorrect.)"},
		{true, 67, 0, 0, "", "Ed25519"},
		{false, 8, 0, 421, "421 full", "no more connections"},
		{false, 18, 0, 452, "", "disk is full"},
		{false, 70, 0, 552, "", "our share"},
		{true, 70, 0, 0, "", "our share"},
		{false, 64, 0, 502, "", "no TLS"},
		{false, 7, 0, 229, "", "passive ports"},
		{false, 7, 0, 227, "", "passive ports"},
		{false, 28, 0, 229, "", "passive ports"},
		{false, 28, 0, 227, "", "passive ports"},
		{false, 28, 0, 150, "", "stopped taking"},
		{false, 28, 0, 125, "", "stopped taking"},
		{false, 28, 0, 350, "", "in time"},
		{true, 28, 0, 150, "", "in time"}, /* SFTP has no replies */
		{false, 7, 0, 0, "", "cannot be reached"},
		{false, 13, 0, 500, "", "passive"},
		{false, 9, 0, 550, "", "rights"},
		{true, 9, 0, 0, "", "rights"},
		{true, 78, 0, 0, "", "rights"},
		{false, 25, 0, 553, "", "rights"},
		{false, 21, 0, 553, "", "rename"},
		{true, 21, 0, 0, "", "rename"},
		{false, 18, 0, 426, "", "did not confirm"},
		{false, 8, 0, 0, "", "no FTP server"},
		{true, 2, 0, 0, "", "SSH"},
		{true, 79, 0, 0, "", "broke off"},
		{false, 23, 0, 230, "", "more than can be taken"},
		/* what it shares with HTTP */
		{false, 60, 20, 234, "", "unknown CA"},
		{false, 6, 0, 0, "", "name server"},
		{true, 7, 0, 0, "", "cannot be reached"},
		{false, 999, 0, 0, "why", "code 999 (why)"},
		{true, 55, 0, 0, "a\033b", "(a?b)"},
	};
	char text[WIRE_ERROR_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		explain_upload("h:21", rows[i].sftp, rows[i].code, rows[i].verify, rows[i].reply,
			       rows[i].detail, text, sizeof(text));
		if (!strstr(text, rows[i].word))
			print_error("row %zu: \"%s\"\n", i, text);
		assert_non_null(strstr(text, rows[i].word));
		assert_memory_equal(text, "h:21: ", 6);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_failure), cmocka_unit_test(test_certificates),
		cmocka_unit_test(test_room),	cmocka_unit_test(test_status),
		cmocka_unit_test(test_upload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
