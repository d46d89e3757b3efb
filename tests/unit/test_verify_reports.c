/* SPDX-License-Identifier: Apache-2.0 */
/* Which reports must wait in the outbox, as the entries say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/macro.h"
#include "core/verify.h"

#define A "aaaaaaaaaaaaaaaa-"
#define B "bbbbbbbbbbbbbbbb-"

static void line(struct verify_reports *reports, uint64_t seq, const char *type, const char *text)
{
	verify_reports_line(reports, seq, type, strlen(type), text);
}

#define FIXED(ids)	"{\"bodies\":[" ids "],\"reports\":1,\"seq\":1}"
#define BODY(id)	"{\"hash\":\"00\",\"report\":\"" id "\",\"type\":\"x\"}"
#define REPLACED(id, l) "{\"bodies\":[" BODY(id) "],\"replaced\":[" l "],\"seq\":1}"

/* what has been said, and the first entry with one that must wait; 0 none must */
static void test_what_must_wait(void **state)
{
	static const struct {
		const char *type[4];
		const char *text[4];
		uint64_t left; /* entries are 1, 2, … */
	} rows[] = {
		{{NULL}, {NULL}, 0},
		{{"reports.fixed"}, {FIXED(BODY(A "1-one"))}, 1},
		{{"reports.fixed"}, {FIXED(BODY("file:one/x.txt"))}, 0},
		{{"reports.mixed"}, {FIXED(BODY(A "1-one"))}, 0},
		{{"reports.fixe"}, {FIXED(BODY(A "1-one"))}, 0},
		{{"core.stopped", "reports.fixed"}, {"{}", FIXED(BODY(A "1-one"))}, 2},
		/* delivered, abandoned, under another beginning of its id, not by this name */
		{{"reports.fixed", "report.delivered"},
		 {FIXED(BODY(A "1-one")), "{\"report\":\"" A "1-one\"}"},
		 0},
		{{"reports.fixed", "report.abandoned"},
		 {FIXED(BODY(A "1-one")), "{\"report\":\"" A "1-one\"}"},
		 0},
		{{"reports.fixed", "report.delivered"},
		 {FIXED(BODY(A "1-one")), "{\"report\":\"" B "1-one\"}"},
		 0},
		{{"reports.fixed", "report.delivered"},
		 {FIXED(BODY(A "1-one")), "{\"report\":\"" A "1-two\"}"},
		 1},
		{{"reports.fixed", "report.delivered"},
		 {FIXED(BODY(A "1-one")), "{\"report\":\"" A "11-one\"}"},
		 1},
		/* held and stopped reports wait on */
		{{"reports.fixed", "report.held"},
		 {FIXED(BODY(A "1-one")), "{\"report\":\"" A "1-one\"}"},
		 1},
		/* all of a destination, and of no other */
		{{"reports.fixed", "report.abandoned"},
		 {FIXED(BODY(A "1-one") "," BODY(A "2-one")), "{\"name\":\"one\"}"},
		 0},
		{{"reports.fixed", "report.abandoned"},
		 {FIXED(BODY(A "1-one") "," BODY(A "2-two")), "{\"name\":\"one\"}"},
		 1},
		{{"reports.fixed", "report.abandoned"}, {FIXED(BODY(A "1-one")), "{}"}, 1},
		/* replaced by a later one */
		{{"reports.fixed", "reports.fixed"},
		 {FIXED(BODY(A "1-one")), REPLACED(A "2-one", "\"" A "1-one\"")},
		 2},
		{{"reports.fixed", "reports.fixed", "report.delivered"},
		 {FIXED(BODY(A "1-one") "," BODY(A "3-one")),
		  REPLACED(A "4-one", "\"" A "1-one\",\"" A "3-one\""),
		  "{\"report\":\"" A "4-one\"}"},
		 0},
		{{"reports.fixed", "reports.fixed"},
		 {FIXED(BODY(A "1-one")), REPLACED(A "2-one", "")},
		 1},
		/* fixed once more under another id of the chain: one report */
		{{"reports.fixed", "reports.fixed", "report.delivered"},
		 {FIXED(BODY(A "1-one")), FIXED(BODY(B "1-one")), "{\"report\":\"" B "1-one\"}"},
		 0},
		/* ids of older versions, and odd ones: by all of their text */
		{{"reports.fixed", "report.delivered"},
		 {FIXED(BODY("backlog-1")), "{\"report\":\"backlog-1\"}"},
		 0},
		{{"reports.fixed", "report.delivered"},
		 {FIXED(BODY("x")), "{\"report\":\"y\"}"},
		 1},
		{{"reports.fixed", "report.delivered"},
		 {FIXED(BODY("a-b\\\"c")), "{\"report\":\"a-b\\\"c\"}"},
		 0},
		{{"report.delivered"}, {"{\"report\":\"" A "1-one\"}"}, 0},
		{{"report.abandoned"}, {"{\"name\":\"one\"}"}, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct verify_reports reports = {0};

		for (size_t k = 0; k < ARRAY_SIZE(rows[i].type) && rows[i].type[k]; k++)
			line(&reports, k + 1, rows[i].type[k], rows[i].text[k]);
		if (verify_reports_left(&reports) != rows[i].left)
			fail_msg("row %zu: %llu", i,
				 (unsigned long long)verify_reports_left(&reports));
		assert_false(reports.failed);
		verify_reports_done(&reports);
		assert_null(reports.open);
	}
}

/* what an older version has left is believed at the first start of one that fixes, and no other */
static void test_what_is_taken_over(void **state)
{
#define START(v) "{\"name\":\"" v "\",\"seq\":1,\"type\":\"core.started\"}"
#define LEFT(n)	 "{\"bodies\":[],\"left\":" n ",\"reason\":\"x\",\"reports\":0}"
#define S	 "core.started"
#define F	 "reports.fixed"
	static const struct {
		const char *type[5];
		const char *text[5];
		bool takes_over;
		uint64_t left;
	} rows[] = {
		{{NULL}, {NULL}, false, 0},
		{{F}, {LEFT("7")}, true, 7},
		{{F}, {LEFT("0")}, true, 0},
		{{F}, {LEFT("-7")}, true, 0},
		{{F}, {LEFT("x")}, true, 0},
		{{F}, {FIXED(BODY(A "1-one"))}, false, 0},
		{{F}, {"{\"bodies\":[],\"reason\":\"x\"}"}, true, 0}, /* of 0.4.0: all at once */
		{{S, F}, {START("0.4.0"), LEFT("7")}, true, 7},
		{{S, S, S, F},
		 {START("0.1.0"), START("0.3.9"), START("0.5.0"), LEFT("7")},
		 true,
		 7},
		{{S, S, F}, {START("0.5.0"), START("0.5.0"), LEFT("7")}, false, 0},
		{{S, S, F}, {START("1.0.0"), START("1.0.0"), LEFT("7")}, false, 0},
		{{S, S, F}, {START("0.40.0"), START("1"), LEFT("7")}, false, 0},
		{{S, S, F}, {START("0"), START(""), LEFT("7")}, true, 7},
		{{S, S, F}, {"{}", "{}", LEFT("7")}, true, 7},
		/* a start behind it does not matter; the number only goes down */
		{{S, F, S, F}, {START("0.5.0"), LEFT("7"), START("0.5.0"), LEFT("3")}, true, 3},
		{{F, F, F}, {LEFT("7"), LEFT("0"), LEFT("9")}, true, 0},
		{{F, F}, {LEFT("7"), LEFT("9")}, true, 7},
		/* other reports meanwhile */
		{{F, F}, {LEFT("7"), FIXED(BODY(A "1-one"))}, true, 7},
		/* what was fixed before: nothing can be of an older version any more */
		{{F, F}, {FIXED(BODY(A "1-one")), LEFT("7")}, false, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct verify_reports reports = {0};

		for (size_t k = 0; k < ARRAY_SIZE(rows[i].type) && rows[i].type[k]; k++)
			line(&reports, k + 1, rows[i].type[k], rows[i].text[k]);
		if (reports.takes_over != rows[i].takes_over || reports.left != rows[i].left)
			fail_msg("row %zu: %d, %llu", i, reports.takes_over,
				 (unsigned long long)reports.left);
		verify_reports_done(&reports);
	}
}

/* the table grows, and what stands behind a place that is freed is still found */
static void test_many(void **state)
{
	enum { N = 3000 };
	struct verify_reports reports = {0};
	char text[160], id[64];

	(void)state;
	for (int i = 0; i < N; i++) {
		(void)snprintf(text, sizeof(text), "{\"bodies\":[{\"report\":\"" A "%d-%s\"}]}", i,
			       i % 3 ? "one" : "two");
		line(&reports, (uint64_t)i + 1, "reports.fixed", text);
	}
	assert_int_equal(reports.n, N);
	for (int i = 1; i < N; i += 3) {
		(void)snprintf(text, sizeof(text), "{\"report\":\"" A "%d-one\"}", i);
		line(&reports, N, "report.delivered", text);
	}
	assert_int_equal(reports.n, N - N / 3);
	line(&reports, N, "report.abandoned", "{\"name\":\"two\"}");
	assert_int_equal(reports.n, N / 3);
	assert_int_equal(verify_reports_left(&reports), 3);
	for (int i = 2; i < N; i += 3) {
		(void)snprintf(id, sizeof(id), B "%d-one", i);
		verify_reports_take(&reports, id);
		verify_reports_take(&reports, id); /* one that is not there */
	}
	assert_int_equal(reports.n, 0);
	assert_int_equal(verify_reports_left(&reports), 0);
	verify_reports_take(&reports, A "1-one");
	verify_reports_done(&reports);
	verify_reports_take(&reports, A "1-one");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_must_wait),
		cmocka_unit_test(test_what_is_taken_over),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
