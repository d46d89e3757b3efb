/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/macro.h"
#include "core/anchor.h"

#define ID    "0123456789abcdef"
#define OTHER "fedcba9876543210"
#define HASH  "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define SEQ   "\"last_seq\":7,\"last_hash\":\"" HASH "\""

static int parse(const char *text, struct anchor_answer *ret)
{
	return anchor_parse(text, strlen(text), ret);
}

static void test_what_is_read(void **state)
{
	static const struct {
		const char *text;
		int64_t seq;
		int64_t held_seq;
		const char *id;
	} rows[] = {
		{"{" SEQ "}", 7, -1, ""},
		{"{\"last_seq\":0}", 0, -1, ""},
		{"{\"last_hash\":\"" HASH "\",\"last_seq\":9007199254740991}", ANCHOR_SEQ_MAX, -1,
		 ""},
		{"{" SEQ ",\"log_id\":\"" ID "\",\"held_seq\":7}", 7, 7, ID},
		{"{" SEQ ",\"held_seq\":0}", 7, 0, ""},
		{" \t\r\n{ " SEQ " , \"log_id\" : \"" ID "\" }\n", 7, -1, ID},
		/* what is not of the schema is passed over */
		{"{\"received\":\"a-1\",\"duplicate\":true," SEQ ",\"x\":false,\"y\":5}", 7, -1,
		 ""},
		{"{\"error\":\"a \\\"word\\\" \\\\ \\u00e9\"," SEQ "}", 7, -1, ""},
		{"{\"\":\"\"," SEQ ",\"last_seq \":1}", 7, -1, ""},
		{"{\"a\":1,\"a\":2," SEQ "}", 7, -1, ""},
	};
	struct anchor_answer answer;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(parse(rows[i].text, &answer), 0);
		assert_int_equal(answer.seq, rows[i].seq);
		assert_int_equal(answer.held_seq, rows[i].held_seq);
		assert_string_equal(answer.id, rows[i].id);
		assert_int_equal(answer.hash[1], rows[i].seq ? 0x11 : 0);
		assert_int_equal(answer.hash[31], rows[i].seq ? 0xff : 0);
	}
}

/* anything odd is no information, and what was handed in stays as it was */
static void test_what_is_not_read(void **state)
{
	static const char *const rows[] = {
		"",
		"ok",
		"[]",
		"{",
		"{}",
		"{\"",
		"{\"a",
		"{\"a\\",
		"{\"a\"",
		"{\"a\":",
		"{\"a\":1",
		"{\"a\":1,",
		"{\"a\":1,}",
		"{\"a\":1}",				      /* nothing of ours */
		"{\"duplicate\":true,\"log_id\":\"" ID "\"}", /* not what matters */
		"{" SEQ "}x",
		"{" SEQ "}{}",
		"{" SEQ ",}",
		"{" SEQ " \"a\":1}",
		"{" SEQ ",\"a\" 1}",
		"{" SEQ ",\"a\":null}",
		"{" SEQ ",\"a\":tru}",
		"{" SEQ ",\"a\":fals",
		"{" SEQ ",\"a\":{}}",
		"{" SEQ ",\"a\":[1]}",
		"{" SEQ ",\"a\":-1}",
		"{" SEQ ",\"a\":1.5}",
		"{" SEQ ",\"a\":1e3}",
		"{" SEQ ",\"a\":01}",
		"{" SEQ ",\"a\":\"\x01\"}",
		"{" SEQ ",\"a\":\"line\nline\"}",
		"{" SEQ "," SEQ "}",
		"{" SEQ ",\"log_id\":\"" ID "\",\"log_id\":\"" ID "\"}",
		"{" SEQ ",\"log_id\":5}",
		"{" SEQ ",\"log_id\":\"\"}",
		"{" SEQ ",\"log_id\":\"0123456789abcde\"}",
		"{" SEQ ",\"log_id\":\"0123456789abcdef0\"}",
		"{" SEQ ",\"log_id\":\"0123456789ABCDEF\"}",
		"{" SEQ ",\"log_id\":\"0123456789abcd\\n\"}",
		"{" SEQ ",\"held_seq\":\"5\"}",
		"{" SEQ ",\"held_seq\":8}", /* more than it holds now */
		"{\"last_seq\":7}",	    /* 7 of what? */
		"{\"last_seq\":0,\"last_hash\":\"" HASH "\"}",
		"{\"last_hash\":\"" HASH "\"}",
		"{\"last_seq\":\"7\",\"last_hash\":\"" HASH "\"}",
		"{\"last_seq\":-7,\"last_hash\":\"" HASH "\"}",
		"{\"last_seq\":9007199254740992,\"last_hash\":\"" HASH "\"}",
		"{\"last_seq\":99999999999999999999999,\"last_hash\":\"" HASH "\"}",
		"{\"last_seq\":7,\"last_hash\":\"abc\"}",
		"{\"last_seq\":7,\"last_hash\":7}",
		("{\"last_seq\":7,\"last_hash\":"
		 "\"g0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"}"),
	};
	static const struct anchor_answer untouched = {.seq = -5, .id = "?"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct anchor_answer answer = untouched;

		if (parse(rows[i], &answer) != -EINVAL)
			fail_msg("read: %s", rows[i]);
		assert_memory_equal(&answer, &untouched, sizeof(answer));
	}
	assert_int_equal(anchor_parse("{\"last_seq\":0}\0", 15, &(struct anchor_answer){0}),
			 -EINVAL);
}

/* what proves to us that we were set back; what is no such text is left out, and the rest counts */
static void test_the_note(void **state)
{
#define SIGNATURE                                      \
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/" \
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="
	static const struct {
		const char *text;
		const char *time;
		const char *signature;
	} rows[] = {
		{"{" SEQ "}", "", ""},
		{"{" SEQ
		 ",\"last_time\":\"2026-11-24T14:05:00.000Z\",\"last_signature\":\"" SIGNATURE
		 "\"}",
		 "2026-11-24T14:05:00.000Z", SIGNATURE},
		{"{" SEQ ",\"last_time\":\"0123456789012345678901234567890\"}",
		 "0123456789012345678901234567890", ""},
		{"{" SEQ ",\"last_time\":\"01234567890123456789012345678901\"}", "", ""},
		{"{" SEQ ",\"last_signature\":\"" SIGNATURE "=\"}", "", ""},
		{"{" SEQ ",\"last_signature\":\"a\\/b\"}", "", ""},
	};
	struct anchor_answer answer;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(parse(rows[i].text, &answer), 0);
		assert_string_equal(answer.time, rows[i].time);
		assert_string_equal(answer.signature, rows[i].signature);
	}
	assert_int_equal(parse("{" SEQ ",\"last_time\":5}", &answer), -EINVAL);
	assert_int_equal(parse("{" SEQ ",\"last_signature\":true}", &answer), -EINVAL);
	assert_int_equal(parse("{" SEQ ",\"last_time\":\"\",\"last_time\":\"\"}", &answer),
			 -EINVAL);
}

/* on a receiver's word: once a day, once an hour where it has confirmed the present chain */
static void test_a_new_chain(void **state)
{
	static const int64_t hour = 3600000, day = 24 * 3600000;
	static const struct {
		const char *id; /* of what it has confirmed */
		int64_t seq;
		int64_t renewed_ms;
		int64_t mono_ms;
		bool may;
	} rows[] = {
		{"", 0, 0, 0, true},	   {"", 0, 1, 1, false},       {"", 0, 1, day, false},
		{"", 0, 1, day + 1, true}, {OTHER, 9, 1, day, false},  {ID, 0, 1, day, false},
		{ID, 9, 1, hour, false},   {ID, 9, 1, hour + 1, true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct anchor anchor = {.seq = rows[i].seq};

		(void)snprintf(anchor.id, sizeof(anchor.id), "%s", rows[i].id);
		if (anchor_may_renew(&anchor, ID, rows[i].renewed_ms, rows[i].mono_ms) !=
		    rows[i].may)
			fail_msg("row %zu", i);
	}
}

/* cut anywhere, as by the sender's bound, it is none */
static void test_cut_anywhere(void **state)
{
	static const char text[] = "{\"received\":\"a\\\"\",\"duplicate\":false," SEQ
				   ",\"log_id\":\"" ID "\",\"held_seq\":3}";
	struct anchor_answer answer;

	(void)state;
	for (size_t n = 0; n < sizeof(text) - 1; n++)
		assert_int_equal(anchor_parse(text, n, &answer), -EINVAL);
	assert_int_equal(anchor_parse(text, sizeof(text) - 1, &answer), 0);
}

static void test_reports(void **state)
{
	static const struct {
		const char *report;
		int64_t seq;
	} rows[] = {
		{ID "-12-department", 12},
		{ID "-9007199254740991-d", ANCHOR_SEQ_MAX},
		{ID "-9007199254740992-d", 0},
		{OTHER "-12-department", 0},
		{ID "-012-department", 0},
		{ID "-12", 0},
		{ID "--department", 0},
		{ID, 0},
		{"", 0},
		{"file:mill/a.txt", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(anchor_report_seq(rows[i].report, ID), rows[i].seq);
}

/* an answer of @digits of hash: 1 ours, 2 another */
static struct anchor_answer answer_of(const char *id, int64_t seq, int64_t held_seq, uint8_t hash)
{
	struct anchor_answer answer = {.seq = seq, .held_seq = held_seq};

	memset(answer.hash, seq ? hash : 0, sizeof(answer.hash));
	memcpy(answer.id, id, strlen(id) + 1);
	return answer;
}

static struct anchor_case case_of(const struct anchor_answer *answer, int64_t report_seq)
{
	static uint8_t hash[32];
	static char report[64];

	memset(hash, 1, sizeof(hash));
	(void)snprintf(report, sizeof(report), "%s-%lld-department", report_seq ? ID : OTHER,
		       (long long)report_seq);
	return (struct anchor_case){
		.answer = answer,
		.id = ID,
		.seq = 100,
		.hash = answer->seq > 0 && answer->seq != 99 ? hash : NULL,
		.report = report,
		.accepted = true,
	};
}

static void test_judged(void **state)
{
	static const struct {
		const char *known_id;
		int64_t known;
		const char *id;
		int64_t seq;
		int64_t held;
		uint8_t hash;
		int64_t report; /* 0: of another chain */
		bool refused;
		enum anchor_finding finding;
	} rows[] = {
		{"", 0, ID, 40, -1, 1, 40, false, ANCHOR_AGREED},
		{ID, 40, ID, 40, 40, 1, 40, false, ANCHOR_AGREED},
		{ID, 40, ID, 100, 40, 1, 100, false, ANCHOR_AGREED},
		{ID, 40, "", 50, 40, 1, 50, false, ANCHOR_AGREED},
		/* late: another destination's reports are higher */
		{ID, 40, ID, 60, 60, 1, 30, false, ANCHOR_AGREED},
		/* of a chain that has ended, or of nobody's */
		{ID, 40, OTHER, 5, 5, 2, 40, false, ANCHOR_NOTHING},
		{ID, 40, "", 5, 5, 2, 0, false, ANCHOR_NOTHING},
		/* what it had confirmed of another chain is no measure for this one */
		{OTHER, 90, ID, 40, 0, 1, 40, false, ANCHOR_AGREED},
		{OTHER, 90, ID, 0, -1, 0, 40, true, ANCHOR_AGREED},
		/* it lost something: by its last entry, by what it held before, by what it took */
		{ID, 40, ID, 39, -1, 1, 39, false, ANCHOR_BEHIND},
		{ID, 40, ID, 0, 0, 0, 41, false, ANCHOR_BEHIND},
		{ID, 40, ID, 41, 39, 1, 41, false, ANCHOR_BEHIND},
		{ID, 40, ID, 41, 0, 1, 41, false, ANCHOR_BEHIND},
		{ID, 40, ID, 40, 40, 1, 41, false, ANCHOR_BEHIND},
		{ID, 40, ID, 40, 40, 1, 41, true, ANCHOR_AGREED}, /* it did not take it */
		{ID, 40, ID, 39, -1, 1, 41, true, ANCHOR_BEHIND},
		/* what this record has not reached, or has otherwise */
		{ID, 40, ID, 101, 40, 2, 41, false, ANCHOR_AHEAD},
		{ID, 40, ID, ANCHOR_SEQ_MAX, 40, 2, 41, true, ANCHOR_AHEAD},
		{ID, 40, ID, 100, 40, 2, 100, false, ANCHOR_CONFLICT},
		{ID, 40, ID, 3, 3, 2, 41, true, ANCHOR_CONFLICT},
		{ID, 40, ID, 99, 40, 1, 41, false, ANCHOR_NOTHING}, /* no such entry is there */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct anchor known = {.seq = rows[i].known};
		struct anchor_answer answer = answer_of(rows[i].id, rows[i].seq, rows[i].held,
							rows[i].hash);
		struct anchor_case what = case_of(&answer, rows[i].report);

		memcpy(known.id, rows[i].known_id, strlen(rows[i].known_id) + 1);
		what.accepted = !rows[i].refused;
		if (anchor_judge(&known, &what) != rows[i].finding)
			fail_msg("row %zu: %s", i, anchor_text(anchor_judge(&known, &what)));
	}
}

static bool take(struct anchor *anchor, int64_t seq, int64_t held, uint8_t hash, int64_t report)
{
	struct anchor_answer answer = answer_of(ID, seq, held, hash);
	struct anchor_case what = case_of(&answer, report);

	return anchor_take(anchor, anchor_judge(anchor, &what), &what, 1000 + seq);
}

static void test_a_loss_is_said_once_and_ends(void **state)
{
	struct anchor anchor = {0};

	(void)state;
	assert_false(take(&anchor, 10, 0, 1, 10)); /* nothing new to tell */
	assert_false(take(&anchor, 40, 10, 1, 40));
	assert_int_equal(anchor.seq, 40);
	assert_int_equal(anchor.at_ms, 1040);
	/* it holds up to 10 and what has just come */
	assert_true(take(&anchor, 41, 10, 1, 41));
	assert_int_equal(anchor.said, ANCHOR_BEHIND);
	assert_int_equal(anchor.again_from, 10);
	assert_int_equal(anchor.again_to, 40);
	/* once more, before anything was sent again: one wider loss, not said twice */
	assert_false(take(&anchor, 42, 5, 1, 42));
	assert_int_equal(anchor.again_from, 5);
	assert_int_equal(anchor.again_to, 41);
	/* no end while some are still to be sent */
	assert_false(take(&anchor, 43, 42, 1, 43));
	assert_int_equal(anchor.said, ANCHOR_BEHIND);
	anchor.again_from = anchor.again_to;
	assert_true(take(&anchor, 43, 43, 1, 20));
	assert_int_equal(anchor.said, ANCHOR_AGREED);
	assert_false(take(&anchor, 43, 43, 1, 21));
}

/* without what it held before: seen when its last entry is lower, even in a refusal */
static void test_a_loss_seen_by_the_last_entry(void **state)
{
	struct anchor_answer answer = answer_of(ID, 20, -1, 1);
	struct anchor_case refusal = case_of(&answer, 41);
	struct anchor anchor = {0};

	(void)state;
	refusal.accepted = false;
	assert_false(take(&anchor, 40, -1, 1, 40));
	assert_true(anchor_take(&anchor, anchor_judge(&anchor, &refusal), &refusal, 5));
	assert_int_equal(anchor.again_from, 20);
	assert_int_equal(anchor.again_to, 40);
	anchor.again_from = anchor.again_to;
	assert_false(take(&anchor, 25, -1, 1, 25)); /* it comes back, but is not there yet */
	assert_int_equal(anchor.said, ANCHOR_BEHIND);
	assert_true(take(&anchor, 40, -1, 1, 40));
	assert_int_equal(anchor.said, ANCHOR_AGREED);
}

static void test_one_that_keeps_nothing(void **state)
{
	struct anchor anchor = {0};

	(void)state;
	/* 200, and its last entry does not go up: also what it has just accepted */
	assert_true(take(&anchor, 0, 0, 0, 7));
	assert_int_equal(anchor.again_from, 0);
	assert_int_equal(anchor.again_to, 7);
	assert_int_equal(anchor.wanted_seq, 7);
	anchor.again_from = anchor.again_to; /* sent again */
	assert_false(take(&anchor, 0, 0, 0, 7));
	assert_int_equal(anchor.again_to, 7);
	anchor.again_from = anchor.again_to;
	assert_true(take(&anchor, 7, 0, 1, 7));
	assert_int_equal(anchor.said, ANCHOR_AGREED);
}

static void test_ahead_stays_unseen(void **state)
{
	struct anchor anchor = {0};

	(void)state;
	assert_false(take(&anchor, 40, 0, 1, 40));
	assert_true(take(&anchor, 200, 200, 2, 41));
	assert_int_equal(anchor.said, ANCHOR_AHEAD);
	assert_true(anchor.unseen);
	assert_int_equal(anchor.seq, 40); /* what is not here is not kept as confirmed */
	assert_false(take(&anchor, 201, 201, 2, 42));
	assert_true(take(&anchor, 50, 50, 2, 43));
	assert_int_equal(anchor.said, ANCHOR_CONFLICT);
	assert_true(take(&anchor, 60, 60, 1, 60));
	assert_int_equal(anchor.said, ANCHOR_AGREED);
	assert_true(anchor.unseen);		    /* a person's to end */
	assert_false(take(&anchor, 99, 60, 1, 60)); /* no information */
	assert_int_equal(anchor.said, ANCHOR_AGREED);
}

static void test_rounds(void **state)
{
	struct anchor anchor = {0};

	(void)state;
	assert_true(anchor_may_round(&anchor, 5));
	anchor.round_ms = 1000;
	assert_false(anchor_may_round(&anchor, 1000 + ANCHOR_ROUND_MS - 1));
	assert_true(anchor_may_round(&anchor, 1000 + ANCHOR_ROUND_MS));
}

static void test_offsets(void **state)
{
	static const struct {
		int64_t date_s;
		int64_t begin_ms;
		int64_t end_ms;
		int64_t offset_ms;
	} rows[] = {
		{100, 100000, 100000, 0},	{100, 100999, 100999, 0},
		{100, 101000, 101000, 0},	{100, 101001, 101001, -1},
		{100, 99999, 99999, 1},		{100, 90000, 99999, 1},
		{100, 90000, 100000, 0},	{100, 90000, 130000, 0},
		{100, 101500, 130000, -500},	{0, 600000, 600000, -599000},
		{1200, 600000, 600010, 599990},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(anchor_offset_ms(rows[i].date_s, rows[i].begin_ms, rows[i].end_ms),
				 rows[i].offset_ms);
}

static void test_clock(void **state)
{
	static const struct {
		int64_t offset_ms;
		bool told;
		bool said;
	} rows[] = {
		{0, false, false},     {119999, false, false}, {-119999, false, false},
		{-120000, true, true}, {500000, false, true},  {60000, false, true},
		{59999, true, false},  {119999, false, false}, {120000, true, true},
		{-60000, false, true}, {0, true, false},
	};
	struct anchor anchor = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(anchor_take_clock(&anchor, rows[i].offset_ms, 300000),
				 rows[i].told);
		assert_int_equal(anchor.clock_said, rows[i].said);
		assert_int_equal(anchor.clock_ms, rows[i].offset_ms);
		assert_true(anchor.clock_known);
	}
}

static void test_off(void **state)
{
	(void)state;
	assert_false(anchor_is_off(0, 300000));
	assert_false(anchor_is_off(119999, 300000));
	assert_false(anchor_is_off(-119999, 300000));
	assert_true(anchor_is_off(120000, 300000));
	assert_true(anchor_is_off(-120000, 300000));
	assert_true(anchor_is_off(-86400000, 300000));
}

static void test_texts(void **state)
{
	(void)state;
	for (int i = 0; i <= ANCHOR_FINDING_MAX; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(anchor_text((enum anchor_finding)i),
						anchor_text((enum anchor_finding)j));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_read),
		cmocka_unit_test(test_what_is_not_read),
		cmocka_unit_test(test_the_note),
		cmocka_unit_test(test_a_new_chain),
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_reports),
		cmocka_unit_test(test_judged),
		cmocka_unit_test(test_a_loss_is_said_once_and_ends),
		cmocka_unit_test(test_a_loss_seen_by_the_last_entry),
		cmocka_unit_test(test_one_that_keeps_nothing),
		cmocka_unit_test(test_ahead_stays_unseen),
		cmocka_unit_test(test_rounds),
		cmocka_unit_test(test_offsets),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_off),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
