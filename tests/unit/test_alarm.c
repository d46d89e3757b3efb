/* SPDX-License-Identifier: Apache-2.0 */
/* The states of an alarm, what people do to it, and a model of all that, written apart. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/action.h"
#include "core/core.h"
#include "load.h"

#define WALL_0 INT64_C(1795528800000) /* 2026-11-24T21:00:00+07:00, a whole minute */
#define MONO_0 INT64_C(1000000)

/* --- the machine by itself ---------------------------------------------------------- */

#define N ALARM_NORMAL
#define U ALARM_UNACKNOWLEDGED
#define A ALARM_ACKNOWLEDGED
#define R ALARM_RETURNED
#define L ALARM_LATCHED
#define S ALARM_LATCHED_SEEN

/* every input in every condition: where it leads, or why it is refused */
static void test_transitions(void **state)
{
	static const struct {
		int leads_to[ALARM_INPUT_MAX + 1];
	} rows[ALARM_CONDITION_MAX + 1] = {
		/*     broken  back    latching  acknowledge  reset   repeat */
		[N] = {{U, -EBUSY, -EBUSY, -EBUSY, -EBUSY, -EBUSY}},
		[U] = {{-EBUSY, R, L, A, -EBUSY, -EBUSY}},
		[A] = {{-EBUSY, N, S, -EALREADY, -EBUSY, U}},
		[R] = {{U, -EBUSY, -EBUSY, N, -EBUSY, -EBUSY}},
		[L] = {{U, -EBUSY, -EBUSY, S, N, -EBUSY}},
		[S] = {{U, -EBUSY, -EBUSY, -EALREADY, N, -EBUSY}},
	};

	(void)state;
	for (uint32_t from = 0; from <= ALARM_CONDITION_MAX; from++)
		for (int input = 0; input <= ALARM_INPUT_MAX; input++) {
			struct alarm_state alarm = {.condition = from};
			int wanted = rows[from].leads_to[input];
			int r = alarm_step(&alarm, (enum alarm_input)input);

			if (r != MIN(wanted, 0) ||
			    alarm.condition != (wanted < 0 ? from : (uint32_t)wanted))
				fail_msg("%s, input %d: %d, %s",
					 alarm_text((enum alarm_condition)from), input, r,
					 alarm_text((enum alarm_condition)alarm.condition));
		}
}

static void test_conditions(void **state)
{
	static const struct {
		const char *text;
		bool stands;
		bool unseen;
	} rows[] = {
		[N] = {"normal", false, false},	     [U] = {"unacknowledged", true, true},
		[A] = {"acknowledged", true, false}, [R] = {"returned-unacknowledged", false, true},
		[L] = {"latched", false, true},	     [S] = {"latched", false, false},
	};

	(void)state;
	for (uint32_t i = 0; i <= ALARM_CONDITION_MAX; i++) {
		struct alarm_state alarm = {.condition = i};

		assert_string_equal(alarm_text((enum alarm_condition)i), rows[i].text);
		assert_int_equal(alarm_stands(&alarm), rows[i].stands);
		assert_int_equal(alarm_is_unseen(&alarm), rows[i].unseen);
	}
}

static void test_ends(void **state)
{
	static const struct {
		struct stamp until, at;
		bool over;
	} rows[] = {
		{{1000, 5000}, {999, 4999}, false},
		{{1000, 5000}, {1000, 4000}, true}, /* the clock was set back: over all the same */
		{{1000, 5000}, {500, 5000}, true},  /* or forward */
		{{0, 0}, {INT64_MAX, INT64_MAX}, false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(alarm_is_over(rows[i].until, rows[i].at), rows[i].over);
}

static void test_notes(void **state)
{
	char reason[ALARM_REASON_MAX + 8];
	struct alarm_notes notes = {0};

	(void)state;
	assert_true(alarm_notes_are_empty(&notes));
	alarm_note_set(&notes.shelved, "an", NULL);
	assert_string_equal(notes.shelved.user, "an");
	assert_string_equal(notes.shelved.reason, "");
	assert_false(alarm_notes_are_empty(&notes));
	for (size_t i = 0; i < 4; i++) { /* "ế" is three bytes: none of them alone at the end */
		memset(reason, 'x', sizeof(reason));
		memcpy(reason + ALARM_REASON_MAX - 1 - i, "ế", sizeof("ế"));
		alarm_note_set(&notes.out, "", reason);
		assert_int_equal(strlen(notes.out.reason),
				 i == 3 ? ALARM_REASON_MAX - 1 : ALARM_REASON_MAX - 1 - i);
	}
}

/* --- a core with limits of all sorts -------------------------------------------------- */

static const char main_yaml[] =
	"origin: test\ncapture: 1\nincident-clear: 30s\nreport-interval: 20s\n";

static const char site_yaml[] =
	"site: s\n"
	"links: [{name: l, tcp: \"127.0.0.1:502\"}]\n"
	"units: [{name: u, link: l, id: 1}]\n"
	"sources:\n"
	"  - name: o\n"
	"    kind: liquid\n"
	"    channels:\n"
	"      - {name: v, from: u, address: 0, type: uint16, range: [0, 1000], lost-after: 5s}\n"
	"      - {name: run, from: u, address: 1, type: uint16, range: [0, 1], lost-after: 5s}\n"
	"    limits:\n"
	"      - {channel: v, name: plain, class: warning, high: 100, clear-delay: 0s}\n"
	"      - {channel: v, name: latch, class: warning, high: 100, deadband: 20, latch: yes,\n"
	"         raise-delay: 2s, clear-delay: 3s, re-alarm: 60s}\n"
	"      - {channel: v, name: count, class: warning, high: 100, deadband: 10, count: 3,\n"
	"         within: 20s, clear-delay: 1s, re-alarm: 90s, shelve-max: 60s}\n"
	"      - {channel: v, name: child, class: warning, high: 150, clear-delay: 0s,\n"
	"         suppressed-by: latch}\n"
	"      - {channel: v, name: low, class: warning, low: 40, deadband: 10, clear-delay: 2s,\n"
	"         enabled-by: run, enabled-above: 0}\n"
	"      - {channel: v, name: stop, class: limit, origin: permit, high: 900, clear-delay: "
	"0s}\n"
	"  - name: p\n" /* of another kind, and so with an incident of its own */
	"    kind: gas\n"
	"    channels:\n"
	"      - {name: w, from: u, address: 2, type: uint16, range: [0, 1000], lost-after: 5s}\n"
	"    limits:\n"
	"      - {channel: w, name: limit, class: limit, origin: permit, high: 100,\n"
	"         clear-delay: 0s, suppressed-by: s/o/v/stop}\n"
	"      - {channel: w, name: free, class: emergency, origin: permit, high: 200,\n"
	"         clear-delay: 0s}\n";

enum { V, RUN, W, N_CHANNELS };
enum { PLAIN, LATCH, COUNT, CHILD, LOW, STOP, LIMIT, FREE, N_LIMITS };

static struct config *config;
static struct plan *plan;

static int set_up(void **state)
{
	char *errors = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&errors, &n);
	int r;

	(void)state;
	r = load_config(&config, main_yaml, site_yaml, out);
	(void)fclose(out);
	if (r < 0)
		print_error("%s", errors);
	/* a limit that a condition hides is warned about */
	assert_true(strstr(errors, "opens no incident of its own") != NULL);
	free(errors);
	if (r < 0)
		return r;
	assert_int_equal(config->n_limits, N_LIMITS);
	return plan_new(&plan, config);
}

static int tear_down(void **state)
{
	(void)state;
	plan = plan_free(plan);
	config = config_free(config);
	return 0;
}

struct rig {
	struct core *core;
	struct batch batch;
	struct stamp at;
};

static void rig_open(struct rig *rig)
{
	*rig = (struct rig){.at = {MONO_0, WALL_0}};
	assert_int_equal(core_new(&rig->core, config, plan, &rig->batch), 0);
	(void)strcpy(rig->core->log_id, "0123456789abcdef");
}

static void rig_close(struct rig *rig)
{
	rig->core = core_free(rig->core);
	batch_done(&rig->batch);
}

/* @n seconds: a tick, then a value of each channel; NAN: it is not good */
static void run3(struct rig *rig, int n, double v, double running, double w)
{
	const double values[N_CHANNELS] = {v, running, w};

	for (int i = 0; i < n; i++) {
		core_tick(rig->core, 0, rig->at);
		for (size_t j = 0; j < N_CHANNELS; j++)
			core_sample(rig->core, j, rig->at, values[j],
				    isnan(values[j]) ? QUALITY_DEVICE_FAULT : QUALITY_GOOD, 0);
		rig->at.mono_ms += 1000;
		rig->at.wall_ms += 1000;
	}
}

static void run(struct rig *rig, int n, double v)
{
	run3(rig, n, v, 1, 50);
}

static int act(struct rig *rig, enum action_kind kind, size_t limit, int64_t for_ms)
{
	struct action action = {.kind = kind,
				.target = limit < N_LIMITS ? config->limits[limit].path : "s/o/v/x",
				.user = "an",
				.reason = "why",
				.measures = "",
				.scenario = ""};
	char error[ACTION_ERROR_MAX] = "";
	int r;

	action.until_ms = for_ms > 0 ? rig->at.wall_ms + for_ms : -for_ms;
	action.one_shot = for_ms == -1;
	if (action.one_shot)
		action.until_ms = 0;
	r = core_act(rig->core, &action, rig->at, error);
	assert_int_equal(r < 0, *error != '\0'); /* what is refused is explained */
	return r;
}
#define ONE_SHOT (-1)

/* "raised plain, cleared plain": the entries about alarms since the last call, @only one limit's */
static const char *said(struct rig *rig, const char *only)
{
	static char text[8192];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < rig->batch.n_entries; i++) {
		const char *line = rig->batch.entries[i].line,
			   *limit = strstr(line, "\"limit\":\"");
		const char *type = event_type_text(rig->batch.entries[i].type);
		int length = limit ? (int)strcspn(limit + 9, "\"") : 0;

		if (only && (!limit || (size_t)length != strlen(only) ||
			     strncmp(limit + 9, only, (size_t)length) != 0))
			continue;
		if (strncmp(type, "alarm.", 6) == 0)
			type += 6;
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s%s%.*s", n ? ", " : "", type,
				      only ? "" : " ", only ? 0 : length, limit ? limit + 9 : "");
	}
	batch_clear(&rig->batch);
	return text;
}

static const char *condition(const struct rig *rig, size_t limit)
{
	return alarm_condition_text(rig->core, limit);
}

static void test_acknowledge(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	run(&rig, 3, 50);
	assert_int_equal(act(&rig, ACTION_ACKNOWLEDGE, PLAIN, 0), -EBUSY);
	assert_int_equal(act(&rig, ACTION_ACKNOWLEDGE, N_LIMITS, 0), -ENOENT);
	run(&rig, 1, 101);
	assert_string_equal(condition(&rig, PLAIN), "unacknowledged");
	run(&rig, 1, 50); /* seen by nobody */
	assert_string_equal(condition(&rig, PLAIN), "returned-unacknowledged");
	run(&rig, 1, 101);
	assert_string_equal(condition(&rig, PLAIN), "unacknowledged");
	(void)said(&rig, NULL);
	assert_int_equal(act(&rig, ACTION_ACKNOWLEDGE, PLAIN, 0), 0);
	assert_non_null(strstr(rig.batch.entries[0].line, "\"user\":\"an\""));
	assert_non_null(strstr(rig.batch.entries[0].line, "\"reason\":\"why\""));
	assert_int_equal(rig.batch.n_alarms, 1);
	assert_string_equal(rig.batch.alarms[0].notes.acknowledged.user, "an");
	assert_int_equal(rig.batch.alarms[0].is_judged, false);
	assert_string_equal(said(&rig, NULL), "acknowledged plain");
	assert_int_equal(act(&rig, ACTION_ACKNOWLEDGE, PLAIN, 0), -EALREADY);
	assert_int_equal(act(&rig, ACTION_RESET, PLAIN, 0), -EBUSY);
	/* a value that is not good clears nothing, and un-acknowledges nothing */
	run(&rig, 100, (double)NAN);
	assert_string_equal(condition(&rig, PLAIN), "acknowledged");
	run(&rig, 1, 100);
	assert_string_equal(condition(&rig, PLAIN), "normal");
	rig_close(&rig);
}

static void test_latch(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	run(&rig, 3, 110);
	assert_string_equal(condition(&rig, LATCH), "unacknowledged");
	assert_int_equal(act(&rig, ACTION_RESET, LATCH, 0), -EBUSY); /* it still stands */
	run(&rig, 4, 80);
	assert_string_equal(condition(&rig, LATCH), "latched");
	assert_false(limit_is_raised(&rig.core->limits[LATCH].state));
	run(&rig, 50, 50);
	run(&rig, 50, (double)NAN);
	assert_string_equal(condition(&rig, LATCH), "latched");
	assert_int_equal(act(&rig, ACTION_ACKNOWLEDGE, LATCH, 0), 0);
	assert_string_equal(condition(&rig, LATCH), "latched");
	assert_int_equal(act(&rig, ACTION_ACKNOWLEDGE, LATCH, 0), -EALREADY);
	run(&rig, 3, 110); /* broken anew: somebody is needed again */
	assert_string_equal(condition(&rig, LATCH), "unacknowledged");
	assert_int_equal(act(&rig, ACTION_ACKNOWLEDGE, LATCH, 0), 0);
	run(&rig, 4, 80);
	assert_string_equal(condition(&rig, LATCH), "latched");
	(void)said(&rig, NULL);
	assert_int_equal(act(&rig, ACTION_RESET, LATCH, 0), 0);
	assert_string_equal(said(&rig, NULL), "reset latch");
	assert_string_equal(condition(&rig, LATCH), "normal");
	assert_int_equal(act(&rig, ACTION_RESET, LATCH, 0), -EBUSY);
	run(&rig, 3, 110);
	run(&rig, 4, 80);
	assert_int_equal(act(&rig, ACTION_RESET, LATCH, 0), 0); /* acknowledges, too */
	assert_string_equal(condition(&rig, LATCH), "normal");
	rig_close(&rig);
}

static void test_re_alarm(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	run(&rig, 3, 110);
	assert_int_equal(act(&rig, ACTION_ACKNOWLEDGE, LATCH, 0), 0);
	(void)said(&rig, NULL);
	run(&rig, 60, 110);
	assert_string_equal(said(&rig, "latch"), "");
	run(&rig, 1, 110); /* 60 s after it */
	assert_string_equal(said(&rig, "latch"), "repeated");
	assert_string_equal(condition(&rig, LATCH), "unacknowledged");
	run(&rig, 200, 110);
	assert_string_equal(said(&rig, "latch"), ""); /* once, until somebody has seen it again */
	assert_int_equal(act(&rig, ACTION_ACKNOWLEDGE, LATCH, 0), 0);
	run(&rig, 4, 80);
	run(&rig, 100, 50);
	assert_string_equal(said(&rig, "latch"), "acknowledged, cleared");
	rig_close(&rig);
}

/* raised with the third breaking in 20 s, or when one lasts so long */
static void test_count(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	for (int i = 0; i < 2; i++) {
		run(&rig, 2, 120);
		run(&rig, 2, 50);
	}
	assert_string_equal(said(&rig, "count"), "");
	run(&rig, 1, 120); /* at 0, 4 and 8 s */
	assert_string_equal(said(&rig, "count"), "raised");
	run(&rig, 3, 50);
	assert_string_equal(said(&rig, "count"), "cleared");
	run(&rig, 30, 50);
	for (int i = 0; i < 5; i++) { /* every 11 s: never three in 20 */
		run(&rig, 1, 120);
		run(&rig, 10, 50);
	}
	assert_string_equal(said(&rig, "count"), "");
	run(&rig, 30, 50);
	run(&rig, 20, 120);
	assert_string_equal(said(&rig, "count"), "");
	run(&rig, 1, 120); /* held for 20 s */
	assert_string_equal(said(&rig, "count"), "raised");
	rig_close(&rig);
}

static void test_shelve(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	run(&rig, 1, 50);
	assert_int_equal(act(&rig, ACTION_UNSHELVE, PLAIN, 0), -EALREADY);
	assert_int_equal(act(&rig, ACTION_SHELVE, PLAIN, 8 * 3600 * 1000 + 1), -EINVAL);
	assert_int_equal(act(&rig, ACTION_SHELVE, COUNT, 60001), -EINVAL);
	assert_int_equal(act(&rig, ACTION_SHELVE, PLAIN, -WALL_0), -EINVAL); /* over */
	assert_int_equal(act(&rig, ACTION_SHELVE, PLAIN, 10000), 0);
	assert_int_equal(act(&rig, ACTION_SHELVE, PLAIN, 10000), -EALREADY);
	assert_non_null(strstr(rig.batch.entries[0].line, "\"until\":\"2026-11-24T21:00:11"));
	assert_string_equal(said(&rig, NULL), "shelved plain");
	run(&rig, 1, 101); /* judged and recorded, but nobody is called */
	assert_int_equal(rig.batch.entries[0].priority, 6);
	assert_string_equal(said(&rig, "plain"), "raised");
	run(&rig, 9, 101);
	assert_string_equal(said(&rig, "plain"), "");
	run(&rig, 1, 101); /* 10 s are over */
	assert_string_equal(said(&rig, "plain"), "unshelved");
	run(&rig, 1, 50);
	run(&rig, 1, 101);
	assert_int_equal(rig.batch.entries[0].priority, 5);
	assert_int_equal(act(&rig, ACTION_SHELVE, PLAIN, 0), 0); /* for the longest time allowed */
	assert_int_equal(rig.core->limits[PLAIN].alarm.shelved_until.wall_ms,
			 rig.at.wall_ms + 8 * 3600 * 1000);
	assert_int_equal(act(&rig, ACTION_UNSHELVE, PLAIN, 0), 0);
	(void)said(&rig, NULL);
	rig_close(&rig);
}

static void test_one_shot(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	run(&rig, 1, 101);
	assert_int_equal(act(&rig, ACTION_SHELVE, PLAIN, ONE_SHOT), 0);
	run(&rig, 20, 101);
	run(&rig, 20, (double)NAN); /* ends nothing */
	assert_true(rig.core->limits[PLAIN].alarm.shelved);
	(void)said(&rig, NULL);
	run(&rig, 1, 50);
	assert_string_equal(said(&rig, "plain"), "cleared, unshelved");
	run(&rig, 1, 101);
	assert_int_equal(act(&rig, ACTION_SHELVE, COUNT, ONE_SHOT), 0);
	run(&rig, 61, 101); /* also one of these has a longest time */
	assert_false(rig.core->limits[COUNT].alarm.shelved);
	rig_close(&rig);
}

static void test_out_of_service(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	run(&rig, 1, 50);
	assert_int_equal(act(&rig, ACTION_RETURN, PLAIN, 0), -EALREADY);
	assert_int_equal(act(&rig, ACTION_OUT_OF_SERVICE, PLAIN, -WALL_0), -EINVAL);
	assert_int_equal(act(&rig, ACTION_OUT_OF_SERVICE, PLAIN, 0), 0);
	assert_int_equal(act(&rig, ACTION_OUT_OF_SERVICE, PLAIN, 0), -EALREADY);
	run(&rig, 100000, 50); /* longer than any shelving */
	assert_true(rig.core->limits[PLAIN].alarm.out_of_service);
	(void)said(&rig, NULL);
	run(&rig, 1, 101);
	assert_int_equal(rig.batch.entries[0].priority, 6);
	assert_int_equal(act(&rig, ACTION_RETURN, PLAIN, 0), 0);
	assert_string_equal(said(&rig, "plain"), "raised, returned");
	assert_int_equal(act(&rig, ACTION_OUT_OF_SERVICE, PLAIN, 5000), 0);
	run(&rig, 6, 101);
	assert_string_equal(said(&rig, "plain"), "out_of_service, returned");
	rig_close(&rig);
}

/* the incident opens, is reported and goes on, whoever has hidden its alarm */
static void test_hidden_opens_an_incident(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	run(&rig, 1, 50);
	assert_int_equal(act(&rig, ACTION_SHELVE, FREE, 0), 0);
	assert_int_equal(act(&rig, ACTION_OUT_OF_SERVICE, FREE, 0), 0);
	assert_int_equal(act(&rig, ACTION_OUT_OF_SERVICE, LIMIT, 0), 0);
	(void)said(&rig, NULL);
	run3(&rig, 1, 50, 1, 250);
	assert_string_equal(said(&rig, NULL),
			    "raised limit, incident.opened limit, raised free, incident.updated ");
	assert_true(core_incident_of(rig.core, W)->open);
	assert_int_equal(core_incident_of(rig.core, W)->n_active, 2);
	rig_close(&rig);
}

static void test_suppressed_by_a_parent(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	run3(&rig, 1, 901, 1, 50);
	(void)said(&rig, NULL);
	run3(&rig, 1, 901, 1, 150);
	assert_int_equal(rig.batch.entries[1].priority, 6);
	assert_string_equal(said(&rig, NULL), "suppressed limit, raised limit");
	assert_false(core_incident_of(rig.core, W)->open);
	assert_true(rig.core->limits[LIMIT].alarm.held);
	run3(&rig, 2, 901, 1, 150);
	(void)said(&rig, NULL);
	run3(&rig, 1, 50, 1, 180); /* the parent clears: what stands is raised at the next tick */
	run3(&rig, 1, 50, 1, 180);
	assert_string_equal(said(&rig, "limit"), "unsuppressed, raised, incident.opened");
	assert_true(core_incident_of(rig.core, W)->open);
	assert_int_equal(core_incident_of(rig.core, W)->n_active, 1);
	run3(&rig, 1, 901, 1, 180); /* what stands in an incident goes on in it */
	run3(&rig, 1, 901, 1, 180);
	assert_string_equal(said(&rig, "limit"), "suppressed");
	assert_int_equal(core_incident_of(rig.core, W)->n_active, 1);
	run3(&rig, 1, 901, 1, 50);
	assert_string_equal(said(&rig, "limit"), "cleared");
	rig_close(&rig);
}

/* a child that was raised and is back while it was suppressed has opened nothing */
static void test_held_and_back(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	run3(&rig, 1, 901, 1, 50);
	run3(&rig, 3, 901, 1, 150);
	run3(&rig, 1, 901, 1, 50);
	run3(&rig, 2, 50, 1, 50);
	assert_string_equal(said(&rig, "limit"), "suppressed, raised, cleared, unsuppressed");
	assert_false(core_incident_of(rig.core, W)->open);
	assert_int_equal(core_incident_of(rig.core, W)->begun_s, 0);
	rig_close(&rig);
}

/* a parent that calls nobody hides nobody: the child calls for both until it does again */
static void test_quiet_parent(void **state)
{
	static const struct {
		enum action_kind begins, ends;
	} rows[] = {
		{ACTION_SHELVE, ACTION_UNSHELVE},
		{ACTION_OUT_OF_SERVICE, ACTION_RETURN},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rig rig;

		rig_open(&rig);
		run3(&rig, 1, 901, 1, 50);
		run3(&rig, 2, 901, 1, 150);
		assert_true(rig.core->limits[LIMIT].alarm.held);
		assert_int_equal(act(&rig, rows[i].begins, STOP, 0), 0);
		(void)said(&rig, NULL);
		run3(&rig, 2, 901, 1, 150);
		assert_string_equal(said(&rig, "limit"), "unsuppressed, raised, incident.opened");
		assert_int_equal(act(&rig, rows[i].ends, STOP, 0), 0);
		run3(&rig, 2, 901, 1, 150);
		assert_string_equal(said(&rig, "limit"), "suppressed");
		rig_close(&rig);
	}
}

/* a parent that is not measured any more hides nothing */
static void test_dead_parent(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	run3(&rig, 1, 901, 1, 50);
	run3(&rig, 4, (double)NAN, 1, 150);
	assert_true(rig.core->limits[LIMIT].alarm.held);
	run3(&rig, 1, (double)NAN, 1, 150); /* lost after 5 s */
	assert_true(limit_is_raised(&rig.core->limits[STOP].state));
	assert_false(rig.core->limits[LIMIT].alarm.held);
	assert_true(core_incident_of(rig.core, W)->open);
	rig_close(&rig);
}

static void test_enabled_by(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	run3(&rig, 2, 50, 0, 50);
	assert_true(rig.core->limits[LOW].alarm.suppressed);
	run3(&rig, 2, 30, 0, 50);
	assert_string_equal(said(&rig, "low"), "suppressed, raised");
	run3(&rig, 2, 30, 1, 50);
	assert_string_equal(said(&rig, "low"), "unsuppressed, raised");
	run3(&rig, 3, 60, 1, 50);
	assert_string_equal(said(&rig, "low"), "cleared");
	run3(&rig, 10, 30, (double)NAN, 50); /* not known whether it runs: the limit counts */
	assert_string_equal(said(&rig, "low"), "raised");
	rig_close(&rig);
}

static void test_figures(void **state)
{
	struct flood_figures figures;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	for (int i = 0; i < 11; i++) {
		run(&rig, 1, 101);
		run(&rig, 1, 99);
	}
	figures = alarm_figures(rig.core, rig.at);
	assert_int_equal(figures.n_10min, 12); /* plain 11, count once */
	assert_int_equal(figures.n_chattering, 1);
	assert_int_equal(figures.n_unseen, 2);
	assert_true(figures.flood);
	assert_non_null(strstr(said(&rig, NULL), "flood"));
	run(&rig, 1, 101);
	assert_int_equal(act(&rig, ACTION_SHELVE, PLAIN, 0), 0);
	assert_int_equal(act(&rig, ACTION_OUT_OF_SERVICE, PLAIN, 0), 0);
	run(&rig, 86401, 101);
	figures = alarm_figures(rig.core, rig.at);
	assert_int_equal(figures.n_stale, 2); /* that with a raise delay a second later */
	assert_int_equal(figures.n_standing, 3);
	assert_int_equal(figures.n_shelved, 0);
	assert_int_equal(figures.n_out_of_service, 1);
	assert_int_equal(figures.n_10min, 0);
	assert_int_equal(figures.n_chattering, 0);
	assert_false(figures.flood);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_transitions),
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_notes),
		cmocka_unit_test(test_acknowledge),
		cmocka_unit_test(test_latch),
		cmocka_unit_test(test_re_alarm),
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_shelve),
		cmocka_unit_test(test_one_shot),
		cmocka_unit_test(test_out_of_service),
		cmocka_unit_test(test_hidden_opens_an_incident),
		cmocka_unit_test(test_suppressed_by_a_parent),
		cmocka_unit_test(test_held_and_back),
		cmocka_unit_test(test_quiet_parent),
		cmocka_unit_test(test_dead_parent),
		cmocka_unit_test(test_enabled_by),
		cmocka_unit_test(test_figures),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
