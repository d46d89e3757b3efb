/* SPDX-License-Identifier: Apache-2.0 */
/* What is graver or surer is never told as less urgent, less severe or less certain. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/macro.h"
#include "core/cap_parts.h"

#define SENT_MS INT64_C(1764255900000) /* 2025-11-27T22:05:00+07:00 */

static const char *const classes[] = {"limit", "emergency"};
static const char *const levels[] = {"facility", "commune", "province", "national"};
/* "none" is no verdict: nothing is said of a crossing, and what is certain is the release */
static const char *const verdicts[] = {"unlikely", "possible", "likely", "observed"};
/* unknown, over, within the hour, later */
static const char *const arrivals[] = {"", "2025-11-27T21:00:00.000+07:00",
				       "2025-11-27T22:30:00.000+07:00",
				       "2025-11-28T22:30:00.000+07:00"};

/* the order of CAP 1.2, §3.2.2; the least first */
static const char *const urgencies[] = {"Unknown", "Past", "Future", "Expected", "Immediate"};
static const char *const severities[] = {"Unknown", "Minor", "Moderate", "Severe", "Extreme"};
static const char *const certainties[] = {"Unknown", "Unlikely", "Possible", "Likely", "Observed"};

static int rank_of(const char *const words[static 5], const char *word)
{
	for (int i = 0; i < 5; i++)
		if (strcmp(words[i], word) == 0)
			return i;
	fail_msg("\"%s\" is no word of CAP", word);
	return -1;
}

struct ranks {
	int urgency;
	int severity;
	int certainty;
};

/* one of all: @own, the destination asks for the intake and not for everything */
static struct ranks ranks(size_t class, size_t level, const char *verdict, size_t arrival, bool own)
{
	struct cap_report report = {.sent_ms = SENT_MS, .target = own ? "Intake" : NULL};
	json_t *path = json_pack("{s:s, s:s, s:s}", "target", "Intake", "verdict", verdict,
				 "arrival", arrivals[arrival]);
	json_t *data = json_pack("{s:{s:[o]}}", "crossing", "paths", path);
	const struct cap cap = {
		.report = &report,
		.data = data,
		.class = classes[class],
		.level = levels[level],
		.verdict = verdict,
		.own = own ? path : NULL,
	};
	struct ranks ret = {
		rank_of(urgencies, cap_urgency(&cap)),
		rank_of(severities, cap_severity(&cap)),
		rank_of(certainties, cap_certainty(&cap)),
	};

	assert_non_null(data);
	json_decref(data);
	return ret;
}

static void each(void (*check)(size_t class, size_t level, size_t verdict, size_t arrival,
			       bool own))
{
	for (size_t class = 0; class < ARRAY_SIZE(classes); class ++)
		for (size_t level = 0; level < ARRAY_SIZE(levels); level++)
			for (size_t verdict = 0; verdict < ARRAY_SIZE(verdicts); verdict++)
				for (size_t i = 0; i < ARRAY_SIZE(arrivals) * 2; i++)
					check(class, level, verdict, i / 2, i % 2 == 1);
}

static void no_less(struct ranks a, struct ranks b)
{
	assert_true(a.urgency >= b.urgency);
	assert_true(a.severity >= b.severity);
	assert_true(a.certainty >= b.certainty);
}

static void check_verdict(size_t class, size_t level, size_t verdict, size_t arrival, bool own)
{
	struct ranks now = ranks(class, level, verdicts[verdict], arrival, own);

	/* Unlikely, Possible, Likely, Observed */
	assert_int_equal(now.certainty, verdict + 1);
	if (verdict > 0)
		no_less(now, ranks(class, level, verdicts[verdict - 1], arrival, own));
}

static void check_level(size_t class, size_t level, size_t verdict, size_t arrival, bool own)
{
	if (level > 0)
		no_less(ranks(class, level, verdicts[verdict], arrival, own),
			ranks(class, level - 1, verdicts[verdict], arrival, own));
	/* and what the law says is a national incident is no less urgent than one of the site */
	if (!own)
		assert_true(ranks(class, level, verdicts[verdict], arrival, own).urgency >=
			    ranks(class, 0, "none", 0, own).urgency);
}

static void check_class(size_t class, size_t level, size_t verdict, size_t arrival, bool own)
{
	if (class > 0)
		no_less(ranks(class, level, verdicts[verdict], arrival, own),
			ranks(class - 1, level, verdicts[verdict], arrival, own));
}

static void test_verdicts(void **state)
{
	(void)state;
	each(check_verdict);
}

static void test_levels(void **state)
{
	(void)state;
	each(check_level);
}

static void test_classes(void **state)
{
	(void)state;
	each(check_class);
}

static void test_no_verdict(void **state)
{
	(void)state;
	assert_int_equal(ranks(0, 0, "none", 0, false).certainty, 4);
}

/* only who asks for a place is told how long there is until it is there */
static void test_arrival(void **state)
{
	static const int expected[] = {3, 3, 3, 2};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(arrivals); i++) {
		assert_int_equal(ranks(0, 3, "likely", i, true).urgency, expected[i]);
		assert_int_equal(ranks(0, 3, "likely", i, false).urgency, 3);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts), cmocka_unit_test(test_levels),
		cmocka_unit_test(test_classes),	 cmocka_unit_test(test_no_verdict),
		cmocka_unit_test(test_arrival),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
