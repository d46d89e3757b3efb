/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "poller/link.h"

#define MS INT64_C(1000)

/*
 * A link of three units, each with interval 1 s and time-out 300 ms: unit 0 (id 10) has
 * requests 0 and 1, unit 1 (id 11) has request 2, unit 2 (id 12) has request 3. Phases 0, 0
 * and 500 ms. Time starts at 0, so that the first due times are at 1,000 and 500 ms.
 */
static const struct wire_link config = {.key = 77,
					.kind = WIRE_LINK_TCP,
					.port = 502,
					.connect_timeout_ms = 400,
					.backoff_min_ms = 100,
					.backoff_max_ms = 1600,
					.host = "127.0.0.1"};
static const struct wire_unit units[] = {
	{.id = 10, .interval_ms = 1000, .timeout_ms = 300},
	{.id = 11, .interval_ms = 1000, .timeout_ms = 300},
	{.id = 12, .interval_ms = 1000, .timeout_ms = 300, .phase_us = 500000},
};
static const struct wire_request requests[] = {
	{.key = 1, .unit = 0, .function = 3, .address = 0, .count = 2},
	{.key = 2, .unit = 0, .function = 3, .address = 9, .count = 2},
	{.key = 3, .unit = 1, .function = 4, .address = 0, .count = 2},
	{.key = 4, .unit = 2, .function = 1, .address = 0, .count = 2},
};
static const uint32_t first_request[] = {0, 2, 3, 4};

static struct link_plan plan_of(uint32_t n_units)
{
	return (struct link_plan){.link = &config,
				  .units = units,
				  .requests = requests,
				  .first_request = first_request,
				  .n_units = n_units,
				  .grid_us = 10000};
}

/* actions as text: "close report0:1 connect" */
static char script[1024];

static void write_action(const struct link_action *action)
{
	char *end = script + strlen(script);
	size_t room = sizeof(script) - strlen(script);
	const char *gap = script[0] ? " " : "";

	char part[32] = "";

	if (action->first != 0 || action->count != 2) /* all requests have two registers, or four */
		(void)snprintf(part, sizeof(part), "/%u+%u", action->first, action->count);
	switch (action->kind) {
	case LINK_CONNECT:
		(void)snprintf(end, room, "%sconnect", gap);
		return;
	case LINK_CLOSE:
		(void)snprintf(end, room, "%sclose", gap);
		return;
	case LINK_SEND:
		(void)snprintf(end, room, "%ssend%u%s", gap, action->request, part);
		return;
	case LINK_REPORT:
		(void)snprintf(end, room, "%sreport%u%s:%d", gap, action->request, part,
			       (int)action->status);
		return;
	case LINK_UP:
		(void)snprintf(end, room, "%sup", gap);
		return;
	case LINK_DOWN:
		(void)snprintf(end, room, "%sdown", gap);
		return;
	case LINK_DEGRADED:
		(void)snprintf(end, room, "%sdegraded%u", gap, action->unit);
		return;
	case LINK_RESTORED:
		(void)snprintf(end, room, "%srestored%u", gap, action->unit);
		return;
	case LINK_PART_REFUSED:
		(void)snprintf(end, room, "%srefused%u+%u", gap, action->first, action->count);
		return;
	case LINK_PART_ACCEPTED:
		(void)snprintf(end, room, "%saccepted%u+%u", gap, action->first, action->count);
		return;
	}
}

static struct link_action actions[64];

static const char *tell(struct link *link, int64_t now_us, struct link_input input)
{
	size_t n;

	assert_true(link_actions_max(link) <= ARRAY_SIZE(actions));
	n = link_step(link, now_us, &input, actions);
	assert_true(n <= link_actions_max(link));
	script[0] = '\0';
	for (size_t i = 0; i < n; i++)
		write_action(&actions[i]);
	return script;
}

/* what happens in the rows, by short names */
#define TIME                       \
	{                          \
		.event = LINK_TIME \
	}
#define CONNECTED                       \
	{                               \
		.event = LINK_CONNECTED \
	}
#define REFUSED                                             \
	{                                                   \
		.event = LINK_CLOSED, .error = ECONNREFUSED \
	}
#define RESET                                             \
	{                                                 \
		.event = LINK_CLOSED, .error = ECONNRESET \
	}
#define ANSWER                         \
	{                              \
		.event = LINK_ANSWERED \
	}
#define HELD                                         \
	{                                            \
		.event = LINK_ANSWERED, .hold = true \
	}
#define EXC(c)                                          \
	{                                               \
		.event = LINK_REFUSED, .exception = (c) \
	}
#define FOREIGN                                                   \
	{                                                         \
		.event = LINK_MISANSWERED, .status = WIRE_FOREIGN \
	}
#define MALFORMED                                                   \
	{                                                           \
		.event = LINK_MISANSWERED, .status = WIRE_MALFORMED \
	}
#define UNASKED                       \
	{                             \
		.event = LINK_UNASKED \
	}

/* wake_ms: -1 somewhere in a back-off, not looked at */
struct row {
	int64_t at_ms;
	struct link_input input;
	const char *actions;
	int64_t wake_ms;
};

static void run_rows(struct link *link, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *got = tell(link, rows[i].at_ms * MS, rows[i].input);

		if (strcmp(got, rows[i].actions) != 0 ||
		    (rows[i].wake_ms >= 0 && link_wake_us(link) != rows[i].wake_ms * MS))
			fail_msg("row %zu at %lld ms: \"%s\", wake at %lld us", i,
				 (long long)rows[i].at_ms, got, (long long)link_wake_us(link));
	}
}

static struct wire_link_report run(uint32_t n_units, const struct row *rows, size_t n)
{
	struct link_plan plan = plan_of(n_units);
	CLEANUP(link_free) struct link *link = NULL;
	struct wire_link_report report;

	assert_int_equal(link_new(&link, &plan, 0, 1), 0);
	run_rows(link, rows, n);
	link_report(link, &report);
	assert_int_equal(report.key, 77);
	return report;
}

#define RUN(n_units, rows) run(n_units, rows, ARRAY_SIZE(rows))

static void keeps_its_cadence(void **state)
{
	static const struct row rows[] = {
		{0, TIME, "connect", 400},
		{5, CONNECTED, "", 500},
		{500, TIME, "send3", 800},
		{510, ANSWER, "report3:0 up", 1000},
		{1000, TIME, "send0", 1300},
		{1020, ANSWER, "report0:0 send2", 1320}, /* in turn: not both of one unit */
		{1030, ANSWER, "report2:0 send1", 1330},
		{1040, ANSWER, "report1:0", 1500},
		{1507, TIME, "send3", 1807}, /* late to the loop: the next one is on time */
		{1510, ANSWER, "report3:0", 2000},
		{2000, TIME, "send0", 2300},
	};
	struct wire_link_report report = RUN(3, rows);

	(void)state;
	assert_int_equal(report.state, WIRE_LINK_WAITING);
	assert_int_equal(report.n_requests, 6);
	assert_int_equal(report.n_answers, 5);
	assert_int_equal(report.n_connects, 1);
	assert_int_equal(report.n_overruns, 0);
	assert_int_equal(report.worst_us, 20000);
}

static void passes_over_what_it_cannot_make(void **state)
{
	static const struct row rows[] = {
		{0, TIME, "connect", 400},
		{5, CONNECTED, "", 1000},
		{1000, TIME, "send0", 1300},
		{1290, ANSWER, "report0:0 up send1", 1590},
		{1580, ANSWER, "report1:0", 2000},
		{2000, TIME, "send0", 2300},
		/* the loop stood still: two due times have gone while the round was under way */
		{4100, ANSWER, "report0:0 send1", 4400},
		{4110, ANSWER, "report1:0", 5000}, /* and no burst makes up for them */
		/* still again, while nothing was under way: two of three are passed over */
		{7300, TIME, "send0", 7600},
		{7310, ANSWER, "report0:0 send1", 7610},
		{7320, ANSWER, "report1:0", 8000},
	};

	(void)state;
	assert_int_equal(RUN(1, rows).n_overruns, 4);
}

/* a late answer meets a closed connection; only the new one's answers count */
static void closes_after_silence(void **state)
{
	static const struct row rows[] = {
		{0, TIME, "connect", 400},
		{5, CONNECTED, "", 1000},
		{1000, TIME, "send0", 1300},
		{1299, TIME, "", 1300},
		{1300, TIME, "report0:1 close report1:2 down", -1},
		{1310, ANSWER, "", -1}, /* cannot come, and is nothing if it does */
	};
	static const struct row answered_before[] = {
		{0, TIME, "connect", 400},
		{5, CONNECTED, "", 1000},
		{1000, TIME, "send0", 1300},
		{1010, ANSWER, "report0:0 up send1", 1310},
		{1310, TIME, "report1:1 close connect", 1710}, /* it had answered: at once */
		{1311, CONNECTED, "", 2000},
		{2000, TIME, "send0", 2300},
		{2300, TIME, "report0:1 close report1:2 down", -1}, /* it had not */
	};
	struct wire_link_report report = RUN(1, rows);

	(void)state;
	assert_int_equal(report.n_timeouts, 1);
	assert_int_equal(report.error, ETIMEDOUT);
	assert_int_equal(report.state, WIRE_LINK_BACKING_OFF);
	report = RUN(1, answered_before);
	assert_int_equal(report.n_timeouts, 2);
	assert_int_equal(report.n_connects, 2);
}

static void takes_no_wrong_answer(void **state)
{
	static const struct row rows[] = {
		{0, TIME, "connect", 400},
		{5, CONNECTED, "", 500},
		{500, TIME, "send3", 800},
		/* the other units have not failed yet: back at once for them */
		{510, FOREIGN, "report3:4 close connect", 910},
		{511, CONNECTED, "", 1000},
		{1000, TIME, "send0", 1300},
		{1001, ANSWER, "report0:0 up send2", 1301},
		{1002, MALFORMED, "report2:3 close connect", 1402},
		{1003, CONNECTED, "send1", 1303},
		{1004, ANSWER, "report1:0", 1500},
		{1100, UNASKED, "close connect", 1500},
		{1101, CONNECTED, "", 1500},
		{1102, UNASKED, "close down", -1}, /* a flood does not make it busy */
	};
	struct wire_link_report report = RUN(3, rows);

	(void)state;
	assert_int_equal(report.n_late, 3);
	assert_int_equal(report.n_malformed, 1);
	assert_int_equal(report.error, EBADMSG);
}

static void answer_and_more_bytes(void **state)
{
	static const struct row rows[] = {
		{0, TIME, "connect", 400},
		{5, CONNECTED, "", 1000},
		{1000, TIME, "send0", 1300},
		{1001, HELD, "report0:0 up", 2000}, /* request 1 must not go out yet */
		{1001, UNASKED, "close connect", 1401},
		{1002, CONNECTED, "send1", 1302},
	};

	(void)state;
	assert_int_equal(RUN(1, rows).n_late, 1);
}

/* faults: M9 */
static void closed_in_every_state(void **state)
{
	static const struct row rows[] = {
		{0, TIME, "connect", 400},
		{10, REFUSED, "close down", -1}, /* connecting; nothing was due */
		{11, RESET, "", -1},		 /* backing off */
		{200, TIME, "connect", 600},
		{600, TIME, "close", -1}, /* connect timed out, said once */
		{1500, TIME, "connect", 1900},
		{1501, CONNECTED, "send0", 1801}, /* what came due meanwhile, once each */
		{1502, RESET, "report0:2 close report1:2", -1},
		{2400, TIME, "connect", 2800},
		{2410, REFUSED, "close report0:2 report1:2", -1}, /* what is due fails with it */
		{5400, TIME, "connect", 5800},
		{5401, CONNECTED, "send0", 5701},
	};
	struct wire_link_report report = RUN(1, rows);

	(void)state;
	assert_int_equal(report.n_connects, 2);
	assert_int_equal(report.n_overruns, 0); /* the link was away, not busy */
}

/* a link on which every unit fails backs off once each of them has had its chance */
static void all_units_fail(void **state)
{
	static const struct row rows[] = {
		{0, TIME, "connect", 400},
		{900, CONNECTED, "send3", 1200},
		{901, RESET, "report3:2 close connect", 1301},
		{902, CONNECTED, "", 1000},
		{1000, TIME, "send0", 1300},
		{1001, RESET, "report0:2 close connect", 1401},
		{1002, CONNECTED, "send2", 1302},
		{1003, RESET, "report2:2 close report1:2 down", -1},
	};

	(void)state;
	assert_int_equal(RUN(3, rows).n_connects, 3);
}

static void idle_close_with_and_without_answers(void **state)
{
	static const struct row rows[] = {
		{0, TIME, "connect", 400},
		{5, CONNECTED, "", 1000},
		{6, RESET, "close down", -1}, /* accepts and closes: no loop of connects */
		{200, TIME, "connect", 600},
		{205, CONNECTED, "", 1000},
		{1000, TIME, "send0", 1300},
		{1010, ANSWER, "report0:0 up send1", 1310},
		{1020, ANSWER, "report1:0", 2000},
		{1030, RESET, "close connect", 1430}, /* a device that closes after its answer */
	};

	(void)state;
	assert_int_equal(RUN(1, rows).n_connects, 2);
}

/* faults: M8 */
static void exceptions(void **state)
{
	static const struct row rows[] = {
		{0, TIME, "connect", 400},
		{5, CONNECTED, "", 1000},
		{1000, TIME, "send0", 1300},
		{1001, EXC(4), "report0:5 up send1", 1301},
		{1002, EXC(1), "report1:5", 2000}, /* not before it is due again */
		{2000, TIME, "send0", 2300},
		{2001, EXC(11), "report0:5 send1", 2301},
		{2002, EXC(10), "report1:5", 3000},
		{3000, TIME, "send0", 3300},
		{3001, EXC(11), "report0:5 degraded0", 5000}, /* silence of the unit, link is up */
	};
	struct wire_link_report report = RUN(1, rows);

	(void)state;
	assert_int_equal(report.n_exceptions, 5);
	assert_int_equal(report.n_degraded, 1);
	assert_int_equal(report.error, 0);
	assert_int_equal(actions[0].exception, 11);
}

/*
 * Unit 1 is dead for ever behind a gateway, units 0 and 2 answer within 1 ms. Counted over
 * ten minutes: the others lose nothing, and probes become rare.
 * faults: M11
 */
static void one_dead_unit_among_healthy_ones(void **state)
{
	struct link_plan plan = plan_of(3);
	CLEANUP(link_free) struct link *link = NULL;
	int64_t now_us = 0, last_probe_us = 0, widest_us = 0;
	unsigned int n_ok[4] = {0}, n_timeouts = 0, n_down = 0;
	struct link_input next = TIME;
	struct wire_link_report report;

	(void)state;
	assert_int_equal(link_new(&link, &plan, 0, 1), 0);
	while (now_us < 600 * 1000 * MS) {
		struct link_action last = {.kind = LINK_CLOSE};
		size_t n = link_step(link, now_us, &next, actions);

		for (size_t i = 0; i < n; i++) {
			last = actions[i];
			n_down += last.kind == LINK_DOWN;
			if (last.kind != LINK_REPORT)
				continue;
			n_ok[last.request] += last.status == WIRE_OK;
			if (last.status != WIRE_TIMEOUT)
				continue;
			assert_int_equal(last.request, 2);
			n_timeouts++;
			widest_us = MAX(widest_us, now_us - last_probe_us);
			last_probe_us = now_us;
		}
		next = (struct link_input)TIME;
		if (n > 0 && last.kind == LINK_CONNECT) {
			next = (struct link_input)CONNECTED;
			now_us += 1 * MS;
		} else if (n > 0 && last.kind == LINK_SEND && last.request != 2) {
			next = (struct link_input)ANSWER;
			now_us += 1 * MS;
		} else {
			assert_true(link_wake_us(link) > now_us);
			now_us = link_wake_us(link);
		}
	}
	link_report(link, &report);
	assert_in_range(n_ok[0], 598, 600);
	assert_in_range(n_ok[1], 598, 600);
	assert_in_range(n_ok[3], 598, 600);
	assert_int_equal(n_ok[2], 0);
	/* three to be degraded, then at 1, 2, 4, 8, 16, 32 s and once a minute */
	assert_in_range(n_timeouts, 15, 20);
	assert_in_range(widest_us, LINK_PROBE_US_MAX, LINK_PROBE_US_MAX + 2000 * MS);
	assert_int_equal(report.n_overruns, 0);
	assert_int_equal(report.n_degraded, 1);
	assert_int_equal(report.n_connects, n_timeouts + 1);
	assert_int_equal(n_down, 0);
	assert_true(link_is_up(link));
}

static void probes_grow_and_end(void **state)
{
	/* phase 0, interval 1 s; every request by itself is answered by exception 11 at once */
	static const struct row rows[] = {
		{0, TIME, "connect", 400},
		{5, CONNECTED, "", 1000},
		{1000, TIME, "send0", 1300},
		{1000, EXC(11), "report0:5 up send1", 1300},
		{1000, EXC(11), "report1:5", 2000},
		{2000, TIME, "send0", 2300},
		{2000, EXC(11), "report0:5 degraded0", 3000}, /* request 1 is not due any more */
		{3000, TIME, "send0", 3300},
		{3000, EXC(11), "report0:5", 5000},
		{5000, TIME, "send1", 5300}, /* another request each time */
		{5000, EXC(11), "report1:5", 9000},
		{9000, TIME, "send0", 9300},
		{9000, EXC(11), "report0:5", 17000},
		{17000, TIME, "send1", 17300},
		{17000, EXC(11), "report1:5", 33000},
		{33000, TIME, "send0", 33300},
		{33000, EXC(11), "report0:5", 65000},
		{65000, TIME, "send1", 65300},
		{65000, EXC(11), "report1:5", 125000}, /* the cap */
		{125000, TIME, "send0", 125300},
		{125000, EXC(11), "report0:5", 185000},
		{185000, TIME, "send1", 185300},
		{185000, ANSWER, "report1:0 restored0", 186000}, /* back to its pace at once */
		{186000, TIME, "send0", 186300},
		{186000, EXC(11), "report0:5 send1", 186300}, /* one silence is nothing */
		{186000, ANSWER, "report1:0", 187000},
	};

	(void)state;
	assert_int_equal(RUN(1, rows).n_degraded, 0);
}

/* refused again and again: the pauses double up to the greatest, each ±25 %
 * faults: M1 */
static void backs_off(void **state)
{
	static const int64_t nominal_ms[] = {100, 200, 400, 800, 1600, 1600, 1600};
	int64_t least_ms = INT64_MAX, most_ms = 0;

	(void)state;
	for (uint64_t seed = 1; seed < 200; seed++) {
		struct link_plan plan = plan_of(0);
		CLEANUP(link_free) struct link *link = NULL;
		int64_t now_us = 0;

		assert_int_equal(link_new(&link, &plan, 0, seed * 0x9e3779b97f4a7c15), 0);
		for (size_t i = 0; i < ARRAY_SIZE(nominal_ms); i++) {
			int64_t pause_us;

			assert_string_equal(tell(link, now_us, (struct link_input)TIME), "connect");
			assert_string_equal(tell(link, now_us, (struct link_input)REFUSED),
					    i == 0 ? "close down" : "close");
			pause_us = link_wake_us(link) - now_us;
			assert_in_range(pause_us, nominal_ms[i] * 750, nominal_ms[i] * 1250);
			assert_string_equal(
				tell(link, now_us + pause_us - 1, (struct link_input)TIME), "");
			now_us += pause_us;
			if (i == 6) {
				least_ms = MIN(least_ms, pause_us / MS);
				most_ms = MAX(most_ms, pause_us / MS);
			}
		}
	}
	assert_true(least_ms < 1300 && most_ms > 1900); /* there is chance in it */
}

static void an_answer_ends_the_back_off(void **state)
{
	struct link_plan plan = plan_of(1);
	CLEANUP(link_free) struct link *link = NULL;
	static const struct row rows[] = {
		{0, TIME, "connect", 400},
		{1, REFUSED, "close down", -1},
		{200, TIME, "connect", 600},
		{201, REFUSED, "close", -1},
		{600, TIME, "connect", 1000},
		{601, REFUSED, "close", -1},
		{1200, TIME, "connect", 1600},
		{1201, CONNECTED, "send0", 1501},
		{1202, RESET, "report0:2 close report1:2", -1}, /* standing is not answering */
	};
	static const struct row answered[] = {
		{4000, TIME, "connect", 4400},
		{4001, CONNECTED, "send0", 4301},
		{4002, ANSWER, "report0:0 up send1", 4302},
		{4003, RESET, "report1:2 close connect", 4403},
		{4004, REFUSED, "close down", -1},
	};

	(void)state;
	assert_int_equal(link_new(&link, &plan, 0, 5), 0);
	run_rows(link, rows, ARRAY_SIZE(rows));
	assert_in_range(link_wake_us(link), (1202 + 600) * MS, (1202 + 1000) * MS);
	run_rows(link, answered, ARRAY_SIZE(answered));
	assert_in_range(link_wake_us(link), (4004 + 75) * MS, (4004 + 125) * MS);
}

static void dues_are_on_the_grid(void **state)
{
	static const struct wire_unit unit = {
		.id = 1, .interval_ms = 33, .timeout_ms = 10, .phase_us = 1234};
	static const uint32_t first[] = {0, 1};
	struct link_plan plan = {.link = &config,
				 .units = &unit,
				 .requests = requests,
				 .first_request = first,
				 .n_units = 1,
				 .grid_us = 10000};
	CLEANUP(link_free) struct link *link = NULL;
	int64_t now_us = 0;
	int n = 0;

	(void)state;
	assert_int_equal(link_new(&link, &plan, 0, 1), 0);
	(void)tell(link, 0, (struct link_input)TIME);
	(void)tell(link, 0, (struct link_input)CONNECTED);
	for (; link_wake_us(link) <= 33 * 1000 * MS; n++) {
		now_us = link_wake_us(link);
		assert_int_equal(now_us % 10000, 0);
		assert_string_equal(tell(link, now_us, (struct link_input)TIME), "send0");
		(void)tell(link, now_us, (struct link_input)ANSWER);
	}
	assert_in_range(n, 999, 1001);
}

static void reload_keeps_connection_and_health(void **state)
{
	static const struct row before[] = {
		{0, TIME, "connect", 400},   {5, CONNECTED, "", 500},
		{500, TIME, "send3", 800},   {510, ANSWER, "report3:0 up", 1000},
		{1000, TIME, "send0", 1300},
	};
	static const struct row kept[] = {
		{1100, ANSWER, "report0:0 send2", 1400}, /* the same request: it is taken */
		{1101, ANSWER, "report2:0 send1", 1401}, /* the round goes on */
	};
	static const struct row dropped[] = {
		{1100, ANSWER, "", 2000}, /* its request is gone: no reading, no harm */
		{2000, TIME, "send0", 2300},
	};
	static const struct wire_request others[] = {{.key = 9, .function = 3, .count = 2}};
	static const uint32_t first[] = {0, 1};
	struct link_plan same = plan_of(2), other = same, old = plan_of(3);

	(void)state;
	other.requests = others;
	other.first_request = first;
	other.n_units = 1;
	for (int i = 0; i < 2; i++) {
		CLEANUP(link_free) struct link *a = NULL;
		CLEANUP(link_free) struct link *b = NULL;

		assert_int_equal(link_new(&a, &old, 0, 1), 0);
		run_rows(a, before, ARRAY_SIZE(before));
		assert_int_equal(link_new(&b, i ? &other : &same, 1050 * MS, 1), 0);
		link_inherit(b, a);
		if (i)
			run_rows(b, dropped, ARRAY_SIZE(dropped));
		else
			run_rows(b, kept, ARRAY_SIZE(kept));
	}
}

/*
 * Two units at 1 s, time-out 300 ms: unit 0 has a request of four registers that may be parted
 * anywhere and one of two, unit 1 has one of two.
 */
static const struct wire_unit parted_units[] = {
	{.id = 10, .interval_ms = 1000, .timeout_ms = 300},
	{.id = 11, .interval_ms = 1000, .timeout_ms = 300},
};
static const struct wire_request parted[] = {
	{.key = 1, .function = 3, .address = 100, .count = 4, .used = {15}, .starts = {15}},
	{.key = 2, .function = 3, .address = 200, .count = 2},
	{.key = 3, .unit = 1, .function = 3, .address = 300, .count = 2},
};
static const uint32_t parted_first[] = {0, 2, 3};
static const struct link_plan parted_plan = {.link = &config,
					     .units = parted_units,
					     .requests = parted,
					     .first_request = parted_first,
					     .n_units = 2,
					     .grid_us = 10000};

static struct link *parted_link(void)
{
	struct link *link = NULL;

	assert_int_equal(link_new(&link, &parted_plan, 0, 1), 0);
	return link;
}

/* one round with illegal register 2 of request 0 */
static const struct row isolated[] = {
	{0, TIME, "connect", 400},
	{5, CONNECTED, "", 1000},
	{1000, TIME, "send0/0+4", 1300},
	{1001, EXC(2), "up send2", 1301}, /* the whole gives no reading; the other unit's turn */
	{1002, ANSWER, "report2:0 send0", 1302},
	{1003, ANSWER, "report0:0 send0/2+2", 1303},
	{1004, EXC(2), "send0/2+1", 1304},
	{1005, EXC(2), "report0/2+1:5 send0/3+1", 1305},
	{1006, ANSWER, "report0/3+1:0 send1", 1306},
	{1007, ANSWER, "report1:0", 2000},
};

static void reads_in_parts(void **state)
{
	static const struct row rows[] = {
		{2000, TIME, "send2", 2300},
		{2001, ANSWER, "report2:0 send0", 2301},
		{2002, ANSWER, "report0:0 send0/2+1", 2302},
		{2003, EXC(3), "report0/2+1:5 send0/3+1", 2303},
		{2004, ANSWER, "report0/3+1:0 send1", 2304},
		{2005, ANSWER, "report1:0", 3000},
		{3000, TIME, "send2", 3300},
		{3001, ANSWER, "report2:0 send0", 3301},
		{3002, ANSWER, "report0:0 send0/2+1", 3302},
		{3003, EXC(2), "report0/2+1:5 refused2+1 send0/3+1", 3303},
		{3004, ANSWER, "report0/3+1:0 send1", 3304},
		{3005, ANSWER, "report1:0", 4000},
		{4000, TIME, "send2", 4300},
		{4001, ANSWER, "report2:0 send0", 4301},
		{4002, ANSWER, "report0:0 send0/3+1", 4302}, /* not asked, and no reading */
		{4003, ANSWER, "report0/3+1:0 send1", 4303},
		{4004, ANSWER, "report1:0", 5000},
		/* what is left of a round fails with the link: one reading for the rest */
		{5000, TIME, "send2", 5300},
		{5001, ANSWER, "report2:0 send0", 5301},
		{5002, RESET, "report0:2 close connect", 5402},
		{5003, CONNECTED, "send0/3+1", 5303},
		{5004, RESET, "report0/3+1:2 close connect", 5404},
	};
	CLEANUP(link_free) struct link *link = parted_link();
	struct wire_link_report report;
	uint8_t id;

	(void)state;
	run_rows(link, isolated, ARRAY_SIZE(isolated));
	run_rows(link, rows, 4);
	/* the answer is held against the part that was asked */
	assert_int_equal(link_outstanding(link, &id)->address, 103);
	assert_int_equal(link_outstanding(link, &id)->count, 1);
	assert_int_equal(id, 10);
	run_rows(link, rows + 4, ARRAY_SIZE(rows) - 4);
	link_report(link, &report);
	assert_int_equal(report.n_refused, 1);
	assert_int_equal(report.n_overruns, 0);
	assert_int_equal(report.worst_round_us, 7000);
}

static void the_rest_of_parts_fails_with_the_link(void **state)
{
	static const struct row rows[] = {
		{2000, TIME, "send2", 2300},
		{2001, ANSWER, "report2:0 send0", 2301},
		{2301, TIME, "report0:1 close connect", 2701},
		{2302, REFUSED, "close report0/2+2:2 report1:2 down", -1},
	};
	CLEANUP(link_free) struct link *link = parted_link();

	(void)state;
	run_rows(link, isolated, ARRAY_SIZE(isolated));
	run_rows(link, rows, ARRAY_SIZE(rows));
}

/* an unparted request that is refused: as ever, but at long intervals from the third time on */
static void refused_whole(void **state)
{
	static const struct row rows[] = {
		{0, TIME, "connect", 400},
		{5, CONNECTED, "", 1000},
		{1000, TIME, "send0", 1300},
		{1001, EXC(2), "report0:5 up send1", 1301},
		{1002, ANSWER, "report1:0", 2000},
		{2000, TIME, "send0", 2300},
		{2001, EXC(2), "report0:5 send1", 2301},
		{2002, ANSWER, "report1:0", 3000},
		{3000, TIME, "send0", 3300},
		{3001, EXC(2), "report0:5 refused0+2 send1", 3301},
		{3002, ANSWER, "report1:0", 4000},
		{4000, TIME, "send1", 4300},
		{4001, ANSWER, "report1:0", 5000},
		{64000, TIME, "send0", 64300},
		{64001, ANSWER, "report0:0 accepted0+2 send1", 64301},
	};
	struct wire_link_report report = RUN(1, rows);

	(void)state;
	assert_int_equal(report.n_refused, 0);
	assert_int_equal(report.n_exceptions, 3);
}

static void busy_units_are_asked_again(void **state)
{
	static const struct row rows[] = {
		{0, TIME, "connect", 400},
		{5, CONNECTED, "", 1000},
		{1000, TIME, "send0/0+4", 1300},
		{1010, EXC(6), "up send2", 1310}, /* the other unit need not wait */
		{1020, ANSWER, "report2:0", 1260},
		{1260, TIME, "send0/0+4", 1560},
		{1270, EXC(5), "", 1520},
		{1520, TIME, "send0/0+4", 1820},
		{1530, ANSWER, "report0/0+4:0 send1", 1830},
		{1540, EXC(6), "", 1790},
		{1790, TIME, "send1", 2090},
		{1795, EXC(6), "report1:5", 2000}, /* enough for this round */
		{2000, TIME, "send2", 2300},
		{2001, ANSWER, "report2:0 send0/0+4", 2301},
		{2002, EXC(6), "", 2252},
		{2252, TIME, "send0/0+4", 2552},
		{2253, ANSWER, "report0/0+4:0 send1", 2553},
		{2549, EXC(5), "", 2799},
		{2799, TIME, "send1", 3099},
		{2800, EXC(6), "report1:5", 3000}, /* the round would be over */
		/* what waits fails with the link, once */
		{3000, TIME, "send2", 3300},
		{3001, ANSWER, "report2:0 send0/0+4", 3301},
		{3002, EXC(6), "", 3252},
		{3100, RESET, "close connect", 3500},
		{3101, REFUSED, "close report0/0+4:2 report1:2 down", -1},
	};
	CLEANUP(link_free) struct link *link = parted_link();
	struct wire_link_report report;

	(void)state;
	run_rows(link, rows, ARRAY_SIZE(rows));
	link_report(link, &report);
	assert_int_equal(report.n_overruns, 0);
	assert_int_equal(report.n_refused, 0);
}

/* a part of a busy unit: the same part again */
static void busy_in_parts(void **state)
{
	static const struct row rows[] = {
		{2000, TIME, "send2", 2300},
		{2001, ANSWER, "report2:0 send0", 2301},
		{2002, EXC(6), "", 2252},
		{2252, TIME, "send0", 2552},
		{2253, ANSWER, "report0:0 send0/2+1", 2553},
		{2254, EXC(6), "", 2504},
		{2300, UNASKED, "close connect", 2700},
		{2301, REFUSED, "close report0/2+2:2 report1:2 down", -1},
	};
	CLEANUP(link_free) struct link *link = parted_link();

	(void)state;
	run_rows(link, isolated, ARRAY_SIZE(isolated));
	run_rows(link, rows, ARRAY_SIZE(rows));
}

/* what is said when the next round has begun: parts are asked in that one, nothing twice */
static void refused_over_the_due_time(void **state)
{
	static const uint32_t first[] = {0, 1};
	static const struct row rows[] = {
		{0, TIME, "connect", 400},
		{5, CONNECTED, "", 1000},
		{1000, TIME, "send0/0+4", 1300},
		{2001, EXC(2), "up send0", 2301},
		{2002, ANSWER, "report0:0 send0/2+2", 2302},
		{2003, ANSWER, "report0/2+2:0", 3000},
		{3000, TIME, "send0", 3300},
		{3001, ANSWER, "report0:0 send0/2+2", 3301},
		{4001, EXC(6), "report0/2+2:5 send0", 4301}, /* its round is over */
		{4002, ANSWER, "report0:0 send0/2+2", 4302},
	};
	struct link_plan plan = parted_plan;
	CLEANUP(link_free) struct link *link = NULL;

	(void)state;
	plan.first_request = first;
	plan.n_units = 1;
	assert_int_equal(link_new(&link, &plan, 0, 1), 0);
	run_rows(link, rows, ARRAY_SIZE(rows));
}

static void reload_keeps_what_is_refused(void **state)
{
	static const struct row to_refused[] = {
		{2000, TIME, "send2", 2300},
		{2001, ANSWER, "report2:0 send0", 2301},
		{2002, ANSWER, "report0:0 send0/2+1", 2302},
		{2003, EXC(3), "report0/2+1:5 send0/3+1", 2303},
		{2004, ANSWER, "report0/3+1:0 send1", 2304},
		{2005, ANSWER, "report1:0", 3000},
		{3000, TIME, "send2", 3300},
		{3001, ANSWER, "report2:0 send0", 3301},
		{3002, ANSWER, "report0:0 send0/2+1", 3302},
		{3003, EXC(2), "report0/2+1:5 refused2+1 send0/3+1", 3303},
	};
	static const struct row kept[] = {
		{3004, ANSWER, "report0/3+1:0 send1", 3304},
		{3005, ANSWER, "report1:0", 4000},
		{4000, TIME, "send2", 4300},
		{4001, ANSWER, "report2:0 send0", 4301},
		{4002, ANSWER, "report0:0 send0/3+1", 4302},
	};
	static const struct row other_maps[] = {
		{3004, ANSWER, "send1", 3304}, /* of a request that is another now: dropped */
		{3005, ANSWER, "report1:0", 4000},
		{4000, TIME, "send2", 4300},
		{4001, ANSWER, "report2:0 send0/0+4", 4301},
		{4002, EXC(2), "send0", 4302},
	};
	static const struct row other_pace[] = {
		{3004, ANSWER, "report0/3+1:0", 4000},
		{4000, TIME, "send2", 4300},
		{4001, ANSWER, "report2:0", 5000},
		{5000, TIME, "send0",
		 5300}, /* a new unit to the pace, but its requests are known */
		{5001, ANSWER, "report0:0 send2", 5301},
		{5002, ANSWER, "report2:0 send0/3+1", 5302},
	};
	struct wire_request changed[3];
	struct wire_unit slower[2];

	(void)state;
	memcpy(changed, parted, sizeof(changed));
	changed[0].starts[0] = 5;
	memcpy(slower, parted_units, sizeof(slower));
	slower[0].interval_ms = 5000;
	for (int i = 0; i < 3; i++) {
		CLEANUP(link_free) struct link *a = parted_link();
		CLEANUP(link_free) struct link *b = NULL;
		struct link_plan plan = parted_plan;
		struct wire_link_report report;

		run_rows(a, isolated, ARRAY_SIZE(isolated));
		run_rows(a, to_refused, ARRAY_SIZE(to_refused));
		if (i == 1)
			plan.requests = changed;
		if (i == 2)
			plan.units = slower;
		assert_int_equal(link_new(&b, &plan, 3003 * MS, 1), 0);
		link_inherit(b, a);
		link_report(b, &report);
		assert_int_equal(report.n_refused, i != 1);
		if (i == 0)
			run_rows(b, kept, ARRAY_SIZE(kept));
		else if (i == 1)
			run_rows(b, other_maps, ARRAY_SIZE(other_maps));
		else
			run_rows(b, other_pace, ARRAY_SIZE(other_pace));
	}
}

/*
 * The same units on a line: a gap of 4 ms between frames, unit 0 with a turnaround of 50 ms,
 * unit 1 with a worst answer time of 500 ms. Requests 0 and 1 have one form.
 */
static const struct wire_link line = {.key = 77,
				      .kind = WIRE_LINK_RTU,
				      .baud = 9600,
				      .connect_timeout_ms = 400,
				      .backoff_min_ms = 100,
				      .backoff_max_ms = 1600,
				      .first_delay_ms = 200,
				      .frame_gap_us = 4000,
				      .host = "/dev/ttyUSB0"};
static const struct wire_unit line_units[] = {
	{.id = 10, .interval_ms = 1000, .timeout_ms = 300, .turnaround_ms = 50},
	{.id = 11, .interval_ms = 1000, .timeout_ms = 300, .quiet_ms = 500},
	{.id = 12, .interval_ms = 1000, .timeout_ms = 300, .quiet_ms = 100, .phase_us = 500000},
};

static struct link_plan line_of(uint32_t n_units)
{
	struct link_plan plan = plan_of(n_units);

	plan.link = &line;
	plan.units = line_units;
	return plan;
}

/* a line is opened and all its units are asked once: the rows after it begin in step, at 10 s */
#define IN_STEP_MS 10000

static void get_in_step(struct link *link)
{
	struct link_input next = TIME;
	int64_t now_us = 0;

	while (now_us < (IN_STEP_MS + 400) * MS) { /* until the dues of 10.0 s are served */
		const char *got = tell(link, now_us, next);
		bool opens = strstr(got, "connect") != NULL;

		next = (struct link_input)ANSWER;
		if (opens)
			next = (struct link_input)CONNECTED;
		now_us += 5 * MS;
		if (opens || link_state(link) == WIRE_LINK_WAITING)
			continue;
		next = (struct link_input)TIME;
		now_us = MAX(now_us, link_wake_us(link));
	}
}

static void run_later(struct link *link, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct row row = rows[i];

		row.at_ms += IN_STEP_MS;
		if (row.wake_ms >= 0)
			row.wake_ms += IN_STEP_MS;
		run_rows(link, &row, 1);
	}
}

static struct wire_link_report run_line(uint32_t n_units, const struct row *rows, size_t n)
{
	struct link_plan plan = line_of(n_units);
	CLEANUP(link_free) struct link *link = NULL;
	struct wire_link_report report;

	assert_int_equal(link_new(&link, &plan, 0, 1), 0);
	get_in_step(link);
	run_later(link, rows, n);
	link_report(link, &report);
	return report;
}

#define RUN_LINE(n_units, rows) run_line(n_units, rows, ARRAY_SIZE(rows))

static void a_line_is_silent_between_frames(void **state)
{
	static const struct row opened[] = {
		{0, TIME, "connect", 400},
		{400, CONNECTED, "", 500},
		{500, TIME, "", 600}, /* due, but it is too soon after the connect */
		{599, TIME, "", 600},
		/* whoever asked before may have left an answer: counted first, no report */
		{600, TIME, "send3", 900},
		{610, ANSWER, "up", 614},
		{614, TIME, "send3", 914},
		{620, ANSWER, "", 624},
		{624, TIME, "send3", 924},
		{630, EXC(1), "", 634},
		{634, TIME, "send3", 934},
		{640, ANSWER, "report3:0", 644},
	};
	static const struct row rows[] = {
		{500, TIME, "send3", 800},
		{510, ANSWER, "report3:0", 514},
		{1000, TIME, "send0", 1300},
		{1010, ANSWER, "report0:0", 1060}, /* the turnaround is longer than the gap */
		{1059, TIME, "", 1060},
		{1060, TIME, "send2", 1360},
		{1070, EXC(2), "report2:5", 1074}, /* after an exception just the same */
		{1074, TIME, "send1", 1374},
		{1080, ANSWER, "report1:0", 1130},
		{1130, TIME, "", 1500},
	};
	struct link_plan plan = line_of(3);
	CLEANUP(link_free) struct link *link = NULL;
	struct wire_link_report report = RUN_LINE(3, rows);

	(void)state;
	assert_int_equal(link_new(&link, &plan, 0, 1), 0);
	run_rows(link, opened, ARRAY_SIZE(opened));
	assert_int_equal(report.n_connects, 1);
}

static void a_line_survives_silence(void **state)
{
	static const struct row rows[] = {
		{500, TIME, "send3", 800},
		{510, ANSWER, "report3:0", 514},
		{1000, TIME, "send0", 1300},
		{1300, TIME, "report0:1", 1304}, /* not closed; no sooner than a gap later */
		{1302, ANSWER, "", 1304},	 /* cannot be: nothing is outstanding */
		{1304, TIME, "send2", 1604},
		{1604, TIME, "report2:1", 1804}, /* unit 1: 500 ms after the request */
		{1700, UNASKED, "", 1804},	 /* its late answer meets nobody */
		{1803, UNASKED, "", 1807},	 /* and a gap after that, too */
		{1804, TIME, "", 1807},
		{1807, TIME, "send3", 2107}, /* healthy units first */
		{1810, ANSWER, "report3:0", 1814},
		/* unit 0 owes an answer of the form of request 1: in step first, no report */
		{1814, TIME, "send1", 2114},
		{1820, ANSWER, "", 1870},
		{1870, TIME, "send1", 2170},
		{1880, ANSWER, "report1:0", 1930},
	};
	struct wire_link_report report = RUN_LINE(3, rows);

	(void)state;
	assert_int_equal(report.n_timeouts, 2);
	assert_int_equal(report.n_late, 2);
	assert_int_equal(report.n_connects, 1);
	assert_int_equal(report.error, 0);
	assert_int_equal(report.state, WIRE_LINK_IDLE);
}

/* wrong bytes do not end the wait; they are the reason told if nothing better comes */
static void a_line_waits_through_noise(void **state)
{
	static const struct row rows[] = {
		{1000, TIME, "send0", 1300},
		{1001, MALFORMED, "", 1300},
		{1010, ANSWER, "report0:0", 1060},
		{1060, TIME, "send1", 1360},
		{1061, MALFORMED, "", 1360},
		{1062, FOREIGN, "", 1360},
		{1360, TIME, "report1:4", 1364},
		{2000, TIME, "send0", 2300}, /* shortened, to get in step */
		{2010, MALFORMED, "", 2300},
		{2300, TIME, "report0:3", 2304},
	};
	struct wire_link_report report = RUN_LINE(1, rows);

	(void)state;
	assert_int_equal(report.n_malformed, 2); /* one of them before the answer */
	assert_int_equal(report.n_late, 1);
	assert_int_equal(report.n_timeouts, 0);
	assert_int_equal(report.error, EBADMSG);
	assert_int_equal(report.n_connects, 1);
}

static void what_is_asked_to_get_in_step(void **state)
{
	static const struct row rows[] = {
		{1000, TIME, "send0", 1300},
		{1300, TIME, "report0:1", 1304},
		{1304, TIME, "send1", 1604},
	};
	static const struct row refused[] = {
		{1310, EXC(2), "", 1360}, /* not reported: it is no request of the plan */
		{1360, TIME, "send1", 1660},
	};
	struct link_plan plan = line_of(1);
	CLEANUP(link_free) struct link *link = NULL;
	const struct wire_request *asked;
	uint8_t id;

	(void)state;
	assert_int_equal(link_new(&link, &plan, 0, 1), 0);
	get_in_step(link);
	run_later(link, rows, ARRAY_SIZE(rows));
	asked = link_outstanding(link, &id);
	assert_int_equal(id, 10);
	assert_int_equal(asked->address, 9); /* request 1, one register less */
	assert_int_equal(asked->count, 1);
	run_later(link, refused, ARRAY_SIZE(refused));
	asked = link_outstanding(link, &id); /* the refusal may be that to request 0 */
	assert_int_equal(asked->function, 4);
	(void)tell(link, (IN_STEP_MS + 1370) * MS, (struct link_input)EXC(1));
	(void)tell(link, (IN_STEP_MS + 1420) * MS, (struct link_input)TIME);
	asked = link_outstanding(link, &id);
	assert_int_equal(asked->function, 3);
	assert_int_equal(asked->count, 2);
	assert_string_equal(tell(link, (IN_STEP_MS + 1430) * MS, (struct link_input)ANSWER),
			    "report1:0");
}

static void a_line_that_goes(void **state)
{
	static const struct row rows[] = {
		{1000, TIME, "send0", 1300},
		{1010, ANSWER, "report0:0", 1060},
		{1060, TIME, "send1", 1360},
		{1070, RESET, "report1:2 close connect", 1470},
		{1071, REFUSED, "close down", -1},
		{2000, TIME, "connect", 2400},
		{2001, CONNECTED, "", 2201},
		/* what was outstanding is still owed, whatever the line is called now */
		{2201, TIME, "send0", 2501},
		{2210, ANSWER, "up", 2260},
		/* gone before the request that was put off could be sent */
		{2220, RESET, "close connect", 2620},
		{2221, REFUSED, "close report0:2 report1:2 down", -1},
	};
	struct wire_link_report report = RUN_LINE(1, rows);

	(void)state;
	assert_int_equal(report.n_connects, 2);
}

/* a line on which somebody talks for ever is talked into, after a second */
static void a_line_that_is_never_silent(void **state)
{
	struct link_plan plan = line_of(1);
	CLEANUP(link_free) struct link *link = NULL;
	int64_t ms = 900;

	(void)state;
	assert_int_equal(link_new(&link, &plan, 0, 1), 0);
	(void)tell(link, 0, (struct link_input)TIME);
	(void)tell(link, 5 * MS, (struct link_input)CONNECTED);
	for (; link_state(link) == WIRE_LINK_IDLE; ms += 2) {
		(void)tell(link, ms * MS, (struct link_input)UNASKED);
		if (link_wake_us(link) <= ms * MS + 2 * MS)
			(void)tell(link, ms * MS + 2 * MS, (struct link_input)TIME);
		assert_true(ms < 3000);
	}
	assert_in_range(ms, 1900, 1910);
}

static void reload_keeps_debts(void **state)
{
	static const struct row before[] = {
		{1000, TIME, "send0", 1300},
		{1300, TIME, "report0:1", 1304},
		{1304, TIME, "send1", 1604},
		{1310, ANSWER, "", 1360},
	};
	static const struct row after[] = {
		{1360, TIME, "send1", 1660}, /* the request that was put off is in both plans */
		{1370, ANSWER, "report1:0", 1420},
	};
	struct link_plan plan = line_of(1), same = plan;
	CLEANUP(link_free) struct link *a = NULL;
	CLEANUP(link_free) struct link *b = NULL;

	(void)state;
	assert_int_equal(link_new(&a, &plan, 0, 1), 0);
	get_in_step(a);
	run_later(a, before, ARRAY_SIZE(before));
	assert_int_equal(link_new(&b, &same, (IN_STEP_MS + 1320) * MS, 1), 0);
	link_inherit(b, a);
	run_later(b, after, ARRAY_SIZE(after));
}

/* an answer owed at the reload: in step first, under the new plan, too */
static void reload_with_an_answer_owed(void **state)
{
	static const struct row before[] = {
		{1000, TIME, "send0", 1300},
		{1300, TIME, "report0:1", 1304},
	};
	static const struct row after[] = {{1304, TIME, "send1", 1604}};
	struct link_plan plan = line_of(1), same = plan;
	CLEANUP(link_free) struct link *a = NULL;
	CLEANUP(link_free) struct link *b = NULL;
	uint8_t id;

	(void)state;
	assert_int_equal(link_new(&a, &plan, 0, 1), 0);
	get_in_step(a);
	run_later(a, before, ARRAY_SIZE(before));
	assert_int_equal(link_new(&b, &same, (IN_STEP_MS + 1302) * MS, 1), 0);
	link_inherit(b, a);
	run_later(b, after, ARRAY_SIZE(after));
	assert_int_equal(link_outstanding(b, &id)->count, 1);
}

/* the line is opened anew under other settings: what is owed there is owed still */
static void changed_settings_keep_debts(void **state)
{
	static const struct row before[] = {
		{1000, TIME, "send0", 1300},
		{1300, TIME, "report0:1", 1304},
		{1304, TIME, "send1", 1604}, /* to get in step */
	};
	struct link_plan plan = line_of(1), other = plan;
	struct wire_link changed = line;
	CLEANUP(link_free) struct link *a = NULL;
	CLEANUP(link_free) struct link *b = NULL;
	const struct wire_request *asked;
	int64_t ms = IN_STEP_MS + 1320;
	uint8_t id;

	(void)state;
	changed.backoff_max_ms++;
	other.link = &changed;
	assert_int_equal(link_new(&a, &plan, 0, 1), 0);
	get_in_step(a);
	run_later(a, before, ARRAY_SIZE(before));
	assert_int_equal(link_new(&b, &other, ms * MS, 1), 0);
	link_inherit_debts(b, a);
	assert_string_equal(tell(b, ms * MS, (struct link_input)TIME), "connect");
	(void)tell(b, ++ms * MS, (struct link_input)CONNECTED);
	/* two that are owed, and two that others may be owed: one more than those are counted */
	for (int i = 0; i < 5; i++) {
		do { /* silence after the connect, then the due time */
			ms = link_wake_us(b) / MS;
			(void)tell(b, ms * MS, (struct link_input)TIME);
		} while (link_state(b) != WIRE_LINK_WAITING);
		assert_string_equal(script, "send0");
		asked = link_outstanding(b, &id);
		assert_int_equal(asked->count, 1);
		ms += 10;
		assert_string_equal(tell(b, ms * MS, (struct link_input)ANSWER), i ? "" : "up");
	}
	ms = link_wake_us(b) / MS;
	assert_string_equal(tell(b, ms * MS, (struct link_input)TIME), "send0");
	asked = link_outstanding(b, &id);
	assert_int_equal(asked->count, 2);
	assert_string_equal(tell(b, (ms + 10) * MS, (struct link_input)ANSWER), "report0:0");
}

/* while a request is outstanding the line is not talked into before its worst answer time */
static void changed_settings_keep_silence(void **state)
{
	struct link_plan plan = line_of(2), other = plan;
	CLEANUP(link_free) struct link *a = NULL;
	CLEANUP(link_free) struct link *b = NULL;

	(void)state;
	assert_int_equal(link_new(&a, &plan, 0, 1), 0);
	get_in_step(a);
	(void)tell(a, (IN_STEP_MS + 1000) * MS, (struct link_input)TIME);
	if (strcmp(script, "send0") == 0) {
		(void)tell(a, (IN_STEP_MS + 1001) * MS, (struct link_input)ANSWER);
		(void)tell(a, (IN_STEP_MS + 1051) * MS, (struct link_input)TIME);
	}
	assert_string_equal(script, "send2");
	assert_int_equal(link_new(&b, &other, (IN_STEP_MS + 1060) * MS, 1), 0);
	link_inherit_debts(b, a);
	(void)tell(b, (IN_STEP_MS + 1060) * MS, (struct link_input)TIME);
	(void)tell(b, (IN_STEP_MS + 1061) * MS, (struct link_input)CONNECTED);
	assert_true(link_wake_us(b) >= (IN_STEP_MS + 1500) * MS);
}

/* the same content twice, from two addresses */
static void a_repeat_is_asked_again(void **state)
{
	static const struct row rows[] = {
		{1000, TIME, "send0", 1300},
		{1010, {.event = LINK_ANSWERED, .mark = 5}, "report0:0", 1060},
		{1060, TIME, "send1", 1360},
		{1070, {.event = LINK_ANSWERED, .mark = 5}, "", 1120}, /* that to request 0? */
		{1120, TIME, "send1", 1420},
		{1130, {.event = LINK_ANSWERED, .mark = 7}, "", 1180}, /* in step */
		{1180, TIME, "send1", 1480},
		{1190, {.event = LINK_ANSWERED, .mark = 5}, "report1:0", 1240},
	};

	(void)state;
	(void)RUN_LINE(1, rows);
}

/*
 * A line of @n_units at 9600 baud, 8E1, each with one request of ten registers, as fast as it
 * goes, for ten minutes; units with an index below @n_dead never answer. The time of a
 * transaction that no poller can beat: request and answer at 11 bits a character, and a gap of
 * 3.5 characters after each (V1.02 §2.5.1.1), at which the unit begins its answer.
 */
#define CHARACTER_US (11 * 1000000 / 9600)
#define GAP_US	     (CHARACTER_US * 7 / 2)

static struct wire_link_report run_busy_line(uint32_t n_units, uint32_t n_dead,
					     unsigned int *ret_n_ok, int64_t *ret_widest_us)
{
	static const int64_t answer_us = (8 + 25) * CHARACTER_US + GAP_US;
	struct wire_link config_9600 = line;
	struct wire_unit busy[10] = {0};
	struct wire_request reads[10] = {0};
	uint32_t first[11] = {0};
	struct link_plan plan = {.link = &config_9600,
				 .units = busy,
				 .requests = reads,
				 .first_request = first,
				 .n_units = n_units,
				 .grid_us = 1000};
	CLEANUP(link_free) struct link *link = NULL;
	int64_t now_us = 0, last_us[10] = {0};
	struct link_input next = TIME;
	struct wire_link_report report;

	config_9600.frame_gap_us = GAP_US;
	for (uint32_t i = 0; i < n_units; i++) {
		busy[i] = (struct wire_unit){
			.id = (uint8_t)(i + 1), .interval_ms = 50, .timeout_ms = 200};
		reads[i] = (struct wire_request){
			.key = i + 1, .unit = i, .function = 3, .count = 10};
		first[i + 1] = i + 1;
	}
	*ret_n_ok = 0;
	*ret_widest_us = 0;
	assert_int_equal(link_new(&link, &plan, 0, 1), 0);
	while (now_us < 600 * 1000 * MS) {
		struct link_action last = {.kind = LINK_CLOSE};
		size_t n = link_step(link, now_us, &next, actions);

		for (size_t i = 0; i < n; i++) {
			last = actions[i];
			if (last.kind != LINK_REPORT || last.status != WIRE_OK)
				continue;
			(*ret_n_ok)++;
			if (now_us > 120 * 1000 * MS)
				*ret_widest_us = MAX(*ret_widest_us, now_us - last_us[last.unit]);
			last_us[last.unit] = now_us;
		}
		next = (struct link_input)TIME;
		if (n > 0 && last.kind == LINK_CONNECT) {
			next = (struct link_input)CONNECTED;
		} else if (n > 0 && last.kind == LINK_SEND && last.unit >= n_dead) {
			next = (struct link_input)ANSWER;
			now_us += answer_us;
		} else {
			assert_true(link_wake_us(link) > now_us);
			now_us = link_wake_us(link);
		}
	}
	link_account(link, now_us);
	link_report(link, &report);
	return report;
}

static void a_busy_line_reaches_what_it_can(void **state)
{
	const int64_t least_us = (8 + 25) * CHARACTER_US + 2 * (int64_t)GAP_US;
	unsigned int n_ok, n_max = (unsigned int)(600 * 1000 * MS / least_us);
	int64_t widest_us;
	struct wire_link_report report = run_busy_line(10, 0, &n_ok, &widest_us);

	(void)state;
	assert_in_range(n_ok, n_max * 99 / 100, n_max);
	assert_in_range(report.busy_permille, 990, 1000);
	assert_in_range(widest_us, 10 * least_us, 11 * least_us); /* each in its turn */
	/* three of ten dead: the others lose a time-out to a probe now and then */
	report = run_busy_line(10, 3, &n_ok, &widest_us);
	assert_int_equal(report.n_degraded, 3);
	assert_in_range(n_ok, n_max * 97 / 100, n_max);
	assert_in_range(widest_us, 7 * least_us, 7 * least_us + 3 * 210 * MS);
}

static void busy_permille(void **state)
{
	static const struct row rows[] = {
		{0, TIME, "connect", 400},	 {400, CONNECTED, "", 600}, /* silent for 200 ms */
		{600, TIME, "", 1000},		 {1000, TIME, "send0", 1300}, /* and 300 ms */
		{1300, TIME, "report0:1", 1304},			      /* and 4 ms */
		{1304, TIME, "send1", 1604},	 {1604, TIME, "report1:1", 1608},
	};
	struct link_plan plan = line_of(1);
	CLEANUP(link_free) struct link *link = NULL;
	struct wire_link_report report;

	(void)state;
	assert_int_equal(link_new(&link, &plan, 0, 1), 0);
	run_rows(link, rows, ARRAY_SIZE(rows));
	link_account(link, 59999 * MS);
	link_report(link, &report);
	assert_int_equal(report.busy_permille, 0); /* the minute is not whole */
	link_account(link, 60000 * MS);
	link_report(link, &report);
	assert_int_equal(report.busy_permille, 808 * 1000 / 60000);
	link_account(link, 119999 * MS);
	link_report(link, &report);
	assert_int_equal(report.busy_permille, 808 * 1000 / 60000);
	link_account(link, 120000 * MS);
	link_report(link, &report);
	assert_int_equal(report.busy_permille, 0);
	link_account(link, INT64_C(1) << 60); /* years are no loop of years */
	link_report(link, &report);
	assert_int_equal(report.busy_permille, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_its_cadence),
		cmocka_unit_test(passes_over_what_it_cannot_make),
		cmocka_unit_test(closes_after_silence),
		cmocka_unit_test(takes_no_wrong_answer),
		cmocka_unit_test(answer_and_more_bytes),
		cmocka_unit_test(closed_in_every_state),
		cmocka_unit_test(all_units_fail),
		cmocka_unit_test(idle_close_with_and_without_answers),
		cmocka_unit_test(exceptions),
		cmocka_unit_test(one_dead_unit_among_healthy_ones),
		cmocka_unit_test(probes_grow_and_end),
		cmocka_unit_test(backs_off),
		cmocka_unit_test(an_answer_ends_the_back_off),
		cmocka_unit_test(dues_are_on_the_grid),
		cmocka_unit_test(reload_keeps_connection_and_health),
		cmocka_unit_test(reads_in_parts),
		cmocka_unit_test(the_rest_of_parts_fails_with_the_link),
		cmocka_unit_test(refused_whole),
		cmocka_unit_test(busy_units_are_asked_again),
		cmocka_unit_test(busy_in_parts),
		cmocka_unit_test(refused_over_the_due_time),
		cmocka_unit_test(reload_keeps_what_is_refused),
		cmocka_unit_test(a_line_is_silent_between_frames),
		cmocka_unit_test(a_line_survives_silence),
		cmocka_unit_test(a_line_waits_through_noise),
		cmocka_unit_test(what_is_asked_to_get_in_step),
		cmocka_unit_test(a_line_that_goes),
		cmocka_unit_test(a_line_that_is_never_silent),
		cmocka_unit_test(reload_keeps_debts),
		cmocka_unit_test(reload_with_an_answer_owed),
		cmocka_unit_test(changed_settings_keep_debts),
		cmocka_unit_test(changed_settings_keep_silence),
		cmocka_unit_test(a_repeat_is_asked_again),
		cmocka_unit_test(a_busy_line_reaches_what_it_can),
		cmocka_unit_test(busy_permille),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
