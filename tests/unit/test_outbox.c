/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/macro.h"
#include "core/outbox.h"

#define MIDDLE 1000 /* of 0 … 2000: no jitter */
#define LAST   UINT32_C(7200)

static enum outbox_verdict expected_verdict(int status)
{
	static const int passing[] = {408, 425, 429};

	if (status >= 200 && status <= 299)
		return OUTBOX_DELIVERED;
	for (size_t i = 0; i < ARRAY_SIZE(passing); i++)
		if (status == passing[i])
			return OUTBOX_RETRY;
	if (status == 410)
		return OUTBOX_GONE;
	return status >= 400 && status <= 499 ? OUTBOX_REFUSED : OUTBOX_RETRY;
}

/* faults: W4; every status that can come, those included that no server should send */
static void test_verdicts(void **state)
{
	(void)state;
	for (int status = -1; status < 1200; status++) {
		struct outbox_decision got = outbox_decide(1, status, -1, MIDDLE);

		if (got.verdict != expected_verdict(status))
			fail_msg("status %d: verdict %d", status, (int)got.verdict);
		/* what the destination's pause holds up is due as soon as it ends */
		if (got.verdict == OUTBOX_DELIVERED || got.verdict == OUTBOX_GONE)
			assert_int_equal(got.wait_ms, 0);
		else
			assert_true(got.wait_ms > 0); /* never dropped, never at once */
	}
}

static void test_schedule(void **state)
{
	static const struct {
		uint32_t attempts;
		int64_t wait_s;
	} rows[] = {
		{0, 5}, /* cannot be; must not read before the table */
		{1, 5},	   {2, 30},   {3, 120},	 {4, 600},	  {5, 1800},
		{6, 3600}, {7, 7200}, {8, 7200}, {1000000, 7200}, {UINT32_MAX, 7200},
	};
	static const int statuses[] = {0, 301, 408, 425, 429, 500, 503};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t j = 0; j < ARRAY_SIZE(statuses); j++) {
			struct outbox_decision got = outbox_decide(rows[i].attempts, statuses[j],
								   -1, MIDDLE);

			assert_int_equal(got.wait_ms, rows[i].wait_s * 1000);
		}
}

/* somebody must mend something: no use in asking again soon, from the first time on */
static void test_refused_waits_long(void **state)
{
	static const int statuses[] = {400, 401, 403, 404, 409, 411, 413, 422, 499};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
		for (uint32_t attempts = 1; attempts < 10; attempts++) {
			struct outbox_decision got = outbox_decide(attempts, statuses[i], -1,
								   MIDDLE);

			assert_int_equal(got.verdict, OUTBOX_REFUSED);
			assert_int_equal(got.wait_ms, LAST * 1000);
		}
}

static void test_jitter(void **state)
{
	static const int64_t waits_s[] = {5, 30, 120, 600, 1800, 3600, 7200};

	(void)state;
	for (uint32_t i = 0; i < ARRAY_SIZE(waits_s); i++) {
		int64_t ms = waits_s[i] * 1000, least = INT64_MAX, most = 0;

		for (uint32_t random = 0; random < 4002; random++) {
			int64_t got = outbox_decide(i + 1, 503, -1, random).wait_ms;

			least = MIN(least, got);
			most = MAX(most, got);
		}
		assert_int_equal(least, ms - ms / 10);
		assert_int_equal(most, ms + ms / 10);
		assert_in_range(outbox_decide(i + 1, 503, -1, UINT32_MAX).wait_ms, least, most);
	}
}

/* faults: W5 */
static void test_retry_after(void **state)
{
	static const struct {
		uint32_t attempts;
		int status;
		int64_t retry_after_s;
		int64_t wait_s;
	} rows[] = {
		{1, 503, 0, 1}, /* at least a second */
		{1, 503, 1, 1},
		{1, 503, 2, 2},
		{9, 429, 60, 60}, /* the receiver's word goes before the schedule */
		{1, 429, 21599, 21599},
		{1, 429, 21600, 21600},
		{1, 429, 21601, 21600}, /* at most six hours */
		{1, 429, INT64_MAX, 21600},
		{1, 429, -1, 5}, /* none given */
		{1, 429, INT64_MIN, 5},
		{1, 0, 60, 60},
		/* a refusal stays at long intervals, or longer if the receiver asks for it */
		{1, 404, 1, 7200},
		{1, 404, 7199, 7200},
		{1, 413, 21600, 21600},
		{1, 410, 21600, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct outbox_decision got = outbox_decide(rows[i].attempts, rows[i].status,
							   rows[i].retry_after_s, MIDDLE);

		if (got.wait_ms != rows[i].wait_s * 1000)
			fail_msg("row %zu: %lld ms", i, (long long)got.wait_ms);
	}
	/* delivered is delivered */
	assert_int_equal(outbox_decide(1, 204, 3600, MIDDLE).wait_ms, 0);
}

/* a quarter of an hour at the most for an emergency, whatever was answered, and for the first
 * report of an incident unless somebody must mend something */
static void test_urgent(void **state)
{
	static const struct {
		uint32_t attempts;
		int status;
		int64_t retry_after_s;
		int64_t wait_s[3]; /* by urgency */
	} rows[] = {
		{1, 503, -1, {5, 5, 5}},	 {4, 503, -1, {600, 600, 600}},
		{5, 0, -1, {1800, 900, 900}},	 {9, 0, -1, {7200, 900, 900}},
		{1, 503, 899, {899, 899, 899}},	 {1, 503, 900, {900, 900, 900}},
		{1, 503, 901, {901, 900, 900}},	 {1, 429, 21600, {21600, 900, 900}},
		{1, 404, -1, {7200, 7200, 900}}, {1, 413, 21600, {21600, 21600, 900}},
		{1, 200, 21600, {0, 0, 0}},	 {1, 410, 21600, {0, 0, 0}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (int urgency = OUTBOX_ORDINARY; urgency <= OUTBOX_EMERGENCY; urgency++) {
			struct outbox_decision got = outbox_hasten(
				outbox_decide(rows[i].attempts, rows[i].status,
					      rows[i].retry_after_s, MIDDLE),
				(enum outbox_urgency)urgency);

			if (got.wait_ms != rows[i].wait_s[urgency] * 1000)
				fail_msg("row %zu, urgency %d: %lld ms", i, urgency,
					 (long long)got.wait_ms);
			assert_int_equal(got.urgency, urgency);
		}
}

/* libcurl-errors(3); what passes by itself is tried again soon, the rest said at once or, where
 * it may be either, at the third time */
static void test_uploads(void **state)
{
	static const struct {
		int32_t curl_code;
		uint32_t refused_from; /* 0 never */
	} rows[] = {
		{5, 0},	 {6, 0},  {7, 0},  {8, 0},  {9, 1},  {12, 0}, {18, 0},	 {21, 3},
		{23, 0}, {25, 3}, {28, 0}, {35, 0}, {42, 0}, {52, 0}, {55, 0},	 {56, 0},
		{58, 1}, {60, 1}, {64, 3}, {67, 1}, {70, 0}, {73, 3}, {77, 1},	 {78, 1},
		{79, 3}, {80, 0}, {1, 1},  {3, 1},  {0, 0},  {-1, 0}, {9999, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (uint32_t attempts = 1; attempts < 12; attempts++) {
			struct outbox_decision got = outbox_decide_upload(
				attempts, false, rows[i].curl_code, MIDDLE);
			bool refused = rows[i].refused_from && attempts >= rows[i].refused_from;

			if (got.verdict != (refused ? OUTBOX_REFUSED : OUTBOX_RETRY))
				fail_msg("code %d, attempt %u: %d", rows[i].curl_code, attempts,
					 (int)got.verdict);
			assert_int_equal(
				got.wait_ms,
				outbox_decide(attempts, refused ? 404 : 0, -1, MIDDLE).wait_ms);
		}
	/* what counts is that the server has it */
	assert_int_equal(outbox_decide_upload(1, true, 0, MIDDLE).verdict, OUTBOX_DELIVERED);
	assert_int_equal(outbox_decide_upload(9, true, 67, MIDDLE).verdict, OUTBOX_DELIVERED);
	assert_int_equal(outbox_decide_upload(1, true, 0, MIDDLE).wait_ms, 0);
}

/* --- the gate ------------------------------------------------------------------------ */

static struct outbox_decision retry_of(struct outbox_gate *gate, int64_t retry_after_s,
				       int64_t now_ms)
{
	struct outbox_decision decision = outbox_decide(1, 503, retry_after_s, MIDDLE);

	outbox_gate_settle(gate, decision, retry_after_s, now_ms, MIDDLE);
	return decision;
}

/* faults: W1; a receiver that takes nothing is asked after 5 s, 30 s, 2 min and then every 5 min */
static void test_gate_rests(void **state)
{
	static const int64_t rests_s[] = {5, 30, 120, 300, 300, 300, 300, 300, 300};
	static const int others[] = {200, 404, 410};
	struct outbox_gate gate = {0};
	int64_t now_ms = 1000;

	(void)state;
	assert_true(outbox_gate_is_open(&gate, 600, 0));
	for (size_t i = 0; i < ARRAY_SIZE(rests_s); i++) {
		(void)retry_of(&gate, -1, now_ms);
		assert_false(outbox_gate_is_open(&gate, 600, now_ms));
		assert_false(outbox_gate_is_open(&gate, 600, now_ms + rests_s[i] * 1000 - 1));
		assert_true(outbox_gate_is_open(&gate, 600, now_ms + rests_s[i] * 1000));
		now_ms += rests_s[i] * 1000;
	}
	/* whoever answers is there; the next failure begins anew */
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		(void)retry_of(&gate, -1, now_ms);
		outbox_gate_settle(&gate, outbox_decide(1, others[i], -1, MIDDLE), -1, now_ms,
				   MIDDLE);
		assert_true(outbox_gate_is_open(&gate, 600, now_ms));
		(void)retry_of(&gate, -1, now_ms);
		assert_true(outbox_gate_is_open(&gate, 600, now_ms + 5000));
		gate = (struct outbox_gate){0};
	}
	/* the failures of years */
	gate.n_failures = UINT32_MAX;
	(void)retry_of(&gate, -1, now_ms);
	assert_true(outbox_gate_is_open(&gate, 600, now_ms + 300000));
}

/* what passes the gate in its rest, and fails, does not make it longer */
static void test_gate_in_its_rest(void **state)
{
	struct outbox_gate gate = {0};

	(void)state;
	(void)retry_of(&gate, -1, 1000);
	for (int64_t now_ms = 1000; now_ms < 6000; now_ms += 500)
		(void)retry_of(&gate, -1, now_ms);
	assert_false(outbox_gate_is_open(&gate, 600, 5999));
	assert_true(outbox_gate_is_open(&gate, 600, 6000));
	(void)retry_of(&gate, 60, 3000); /* the receiver's own word counts */
	assert_false(outbox_gate_is_open(&gate, 600, 62000));
}

/* faults: W5; the receiver's Retry-After is for all that waits, not for the one report only */
static void test_gate_retry_after(void **state)
{
	static const struct {
		int64_t retry_after_s;
		int64_t rest_s;
	} rows[] = {{0, 1},	  {1, 1},	  {60, 60},
		    {3600, 3600}, {21600, 21600}, {315360000, 21600},
		    {-1, 5},	  {INT64_MIN, 5}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct outbox_gate gate = {0};

		(void)retry_of(&gate, rows[i].retry_after_s, 77);
		assert_false(outbox_gate_is_open(&gate, 600, 77 + rows[i].rest_s * 1000 - 1));
		assert_true(outbox_gate_is_open(&gate, 600, 77 + rows[i].rest_s * 1000));
	}
}

static void fail_of(struct outbox_gate *gate, enum outbox_urgency urgency, int64_t retry_after_s,
		    int64_t now_ms)
{
	outbox_gate_settle(gate,
			   outbox_hasten(outbox_decide(1, 503, retry_after_s, MIDDLE), urgency),
			   retry_after_s, now_ms, MIDDLE);
}

static void check_gate(const struct outbox_gate *gate, int64_t first_ms, int64_t all_ms)
{
	assert_false(outbox_gate_lets_first(gate, 600, first_ms - 1));
	assert_true(outbox_gate_lets_first(gate, 600, first_ms));
	assert_false(outbox_gate_is_open(gate, 600, all_ms - 1));
	assert_true(outbox_gate_is_open(gate, 600, all_ms));
}

/* what a receiver asks for holds for first reports a quarter of an hour at a time, and an emergency
 * that is refused meanwhile does not make that longer, or none of them would ever have its turn */
static void test_gate_lets_first(void **state)
{
	static const int64_t cap_ms = 900000, six_h_ms = 21600000;
	struct outbox_gate gate = {0};

	(void)state;
	assert_true(outbox_gate_lets_first(&gate, 600, 0));
	fail_of(&gate, OUTBOX_ORDINARY, -1, 1000);
	check_gate(&gate, 6000, 6000); /* no word of the receiver: for all alike */
	gate = (struct outbox_gate){0};
	fail_of(&gate, OUTBOX_ORDINARY, 600, 1000);
	check_gate(&gate, 601000, 601000);
	gate = (struct outbox_gate){0};
	fail_of(&gate, OUTBOX_EMERGENCY, 21600, 0);
	check_gate(&gate, cap_ms, six_h_ms);
	fail_of(&gate, OUTBOX_EMERGENCY, 21600, cap_ms);
	check_gate(&gate, cap_ms, cap_ms + six_h_ms);
	fail_of(&gate, OUTBOX_EMERGENCY, -1, cap_ms + 1);
	check_gate(&gate, cap_ms, cap_ms + six_h_ms);
	fail_of(&gate, OUTBOX_FIRST, 21600, cap_ms + 2);
	check_gate(&gate, 2 * cap_ms + 2, cap_ms + 2 + six_h_ms);
	/* nobody there: the others' rest stays, theirs begins anew */
	fail_of(&gate, OUTBOX_FIRST, -1, 2 * cap_ms + 2);
	assert_false(outbox_gate_lets_first(&gate, 600, 2 * cap_ms + 2 + 4999));
	assert_true(outbox_gate_lets_first(&gate, 600, 2 * cap_ms + 2 + 300000));
	assert_false(outbox_gate_is_open(&gate, 600, cap_ms + 2 + six_h_ms - 1));
	outbox_gate_settle(&gate, outbox_decide(1, 200, -1, MIDDLE), -1, 2 * cap_ms + 3, MIDDLE);
	assert_true(outbox_gate_is_open(&gate, 600, 2 * cap_ms + 3));
	/* and they keep to the rate */
	for (int i = 0; i < 100; i++)
		outbox_gate_take(&gate, 1, 2 * cap_ms + 3);
	assert_false(outbox_gate_lets_first(&gate, 1, 2 * cap_ms + 3));
}

/* a second at a time, as many as the gate lets through at once; never more than the rate over the
 * whole, and a burst */
static void test_gate_rate(void **state)
{
	static const uint32_t rates[] = {0, 1, 5, 59, 60, 61, 300, 600, 6000};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		struct outbox_gate gate = {0};
		int64_t n = 0, first = 0, wanted = (int64_t)MAX(rates[i], 1U) * 30;

		for (int64_t s = 0; s < 1800; s++)
			for (; outbox_gate_is_open(&gate, rates[i], s * 1000); n++) {
				outbox_gate_take(&gate, rates[i], s * 1000);
				first += s == 0;
			}
		assert_true(first >= OUTBOX_BURST);
		assert_in_range(n, wanted - wanted / 50, wanted + wanted / 50 + first);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_schedule),
		cmocka_unit_test(test_refused_waits_long),
		cmocka_unit_test(test_jitter),
		cmocka_unit_test(test_retry_after),
		cmocka_unit_test(test_uploads),
		cmocka_unit_test(test_gate_rests),
		cmocka_unit_test(test_gate_in_its_rest),
		cmocka_unit_test(test_gate_retry_after),
		cmocka_unit_test(test_gate_rate),
		cmocka_unit_test(test_urgent),
		cmocka_unit_test(test_gate_lets_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
