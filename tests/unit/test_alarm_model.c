/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The alarms of a core against a model that shares nothing with it: the table of states as text,
 * and what its limits are to do spelled out one by one, by a clock in whole milliseconds. Random
 * inputs; the seed is printed, ALARM_SEED gives it back, ALARM_STEPS says how many.
 */
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

#define WALL_0 INT64_C(1795528800000)
#define MONO_0 INT64_C(1000000)

static const char main_yaml[] =
	"origin: test\ncapture: 1\nincident-clear: 30s\nreport-interval: 20s\n";

/* the class is put in: "warning", or "limit, origin: p" */
static const char site_yaml[] =
	"site: s\n"
	"links: [{name: l, tcp: \"127.0.0.1:502\"}]\n"
	"units: [{name: u, link: l, id: 1}]\n"
	"sources:\n"
	"  - name: o\n"
	"    kind: liquid\n"
	"    channels:\n"
	"      - {name: v, from: u, address: 0, type: uint16, range: [0, 1000], lost-after: 5s}\n"
	"      - {name: run, from: u, address: 1, type: uint16, range: [0, 1], lost-after: 1h}\n"
	"    limits:\n"
	"      - {channel: v, name: plain, class: %1$s, high: 100, clear-delay: 0s}\n"
	"      - {channel: v, name: latch, class: %1$s, high: 100, deadband: 20, latch: yes,\n"
	"         raise-delay: 2s, clear-delay: 3s, re-alarm: 60s}\n"
	"      - {channel: v, name: count, class: %1$s, high: 100, deadband: 10, count: 3,\n"
	"         within: 20s, clear-delay: 1s, re-alarm: 90s, shelve-max: 60s}\n"
	"      - {channel: v, name: child, class: %1$s, high: 150, clear-delay: 0s,\n"
	"         suppressed-by: latch}\n"
	"      - {channel: v, name: low, class: %1$s, low: 40, deadband: 10, clear-delay: 2s,\n"
	"         latch: yes, enabled-by: run, enabled-above: 0}\n";

enum { PLAIN, LATCH, COUNT, CHILD, LOW, N_LIMITS };

static struct config *config;
static struct plan *plan;

static int load(const char *class)
{
	char *text = NULL;
	int r;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	assert_true(asprintf(&text, site_yaml, class) > 0);
#pragma GCC diagnostic pop
	r = load_config(&config, main_yaml, text, NULL);
	free(text);
	if (r < 0)
		return r;
	assert_int_equal(config->n_limits, N_LIMITS);
	return plan_new(&plan, config);
}

static int with_warnings(void **state)
{
	(void)state;
	return load("warning");
}

static int with_limits(void **state)
{
	(void)state;
	return load("limit, origin: p");
}

static int tear_down(void **state)
{
	(void)state;
	plan = plan_free(plan);
	config = config_free(config);
	return 0;
}

/* --- random inputs ------------------------------------------------------------------ */

struct input {
	double v; /* NAN: not good */
	double run;
	int action; /* enum action_kind, -1 none */
	size_t limit;
	int64_t for_ms; /* of a shelving; 0 none given */
	bool one_shot;
	int64_t pass_ms;
};

static uint64_t draw(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static bool chance(uint64_t *seed, unsigned int percent)
{
	return draw(seed) % 100 < percent;
}

/* values stay for a while, so that delays come to their end; most are near some bound */
static struct input make_input(uint64_t *seed, const struct input *before)
{
	static const double values[] = {0,   30,  39,  40,  45,	 49,  50,  51,
					70,  79,  80,  81,  90,	 91,  99,  100,
					101, 120, 149, 150, 151, 200, 999, (double)NAN};
	static const int64_t times[] = {1, 1000, 20000, 59999, 60000, 60001, 0, -5000};
	struct input input = {
		.v = chance(seed, 60) ? before->v : values[draw(seed) % ARRAY_SIZE(values)],
		.run = chance(seed, 90)	  ? before->run
		       : chance(seed, 20) ? (double)NAN
					  : (double)(draw(seed) % 2),
		.action = -1,
		.pass_ms = chance(seed, 95) ? 1000 : (int64_t)(draw(seed) % 9 + 1) * 1000,
	};

	if (chance(seed, 10)) {
		input.action = (int)(draw(seed) % (ACTION_RETURN + 1));
		input.limit = draw(seed) % N_LIMITS;
		input.for_ms = times[draw(seed) % ARRAY_SIZE(times)];
		input.one_shot = chance(seed, 50);
	}
	return input;
}

/* --- the model ------------------------------------------------------------------------ */

/* ISA-18.2's states as they are taught, one row per arrow */
static const char *const arrows[][3] = {
	{"normal", "broken", "unack"},	      {"unack", "ack", "acked"},
	{"unack", "fine", "rtn-unack"},	      {"unack", "fine-latching", "latched-unack"},
	{"acked", "fine", "normal"},	      {"acked", "fine-latching", "latched-acked"},
	{"acked", "repeat", "unack"},	      {"rtn-unack", "ack", "normal"},
	{"rtn-unack", "broken", "unack"},     {"latched-unack", "ack", "latched-acked"},
	{"latched-unack", "broken", "unack"}, {"latched-unack", "reset", "normal"},
	{"latched-acked", "broken", "unack"}, {"latched-acked", "reset", "normal"},
};

struct rules {
	double bound, back;
	bool is_high, latches;
	int64_t raise_ms, clear_ms, repeat_ms, shelve_ms, within_ms;
	size_t times;
};

static const struct rules rules[N_LIMITS] = {
	[PLAIN] = {100, 100, true, false, 0, 0, 0, 28800000, 0, 1},
	[LATCH] = {100, 80, true, true, 2000, 3000, 60000, 28800000, 0, 1},
	[COUNT] = {100, 90, true, false, 0, 1000, 90000, 60000, 20000, 3},
	[CHILD] = {150, 150, true, false, 0, 0, 0, 28800000, 0, 1},
	[LOW] = {40, 50, false, true, 0, 2000, 0, 28800000, 0, 1},
};

struct model {
	const char *state;
	bool alarm;	   /* the limit counts as broken */
	bool bided;	   /* broken, but not often enough yet */
	int64_t beyond_ms; /* good time beyond the bound, -1: is not */
	int64_t within_ms; /* good time back within it, -1: is not */
	int64_t bided_ms;
	int64_t breakings[3]; /* the last ones, newest last */
	int64_t acked_at;
	int64_t shelved_until; /* 0: is not */
	bool one_shot;
	bool out;
	bool waits; /* raised, but suppressed from the beginning */
	bool said_suppressed;
};

struct world {
	struct model of[N_LIMITS];
	int64_t now;
	int64_t last_good; /* of v */
	int64_t watched_since;
	bool lost;
	bool run_known;
	double run;
	int64_t run_at; /* old after three intervals, and then unknown, too */
	char said[2048];
};

static void note(struct world *world, size_t limit, const char *what)
{
	size_t n = strlen(world->said);

	(void)snprintf(world->said + n, sizeof(world->said) - n, "%s %s; ", what,
		       config->limits[limit].name);
}

static bool move(struct model *model, const char *by)
{
	for (size_t i = 0; i < ARRAY_SIZE(arrows); i++)
		if (strcmp(arrows[i][0], model->state) == 0 && strcmp(arrows[i][1], by) == 0) {
			model->state = arrows[i][2];
			return true;
		}
	return false;
}

static bool hidden_by_design(const struct world *world, size_t limit)
{
	if (limit == CHILD)
		return world->of[LATCH].alarm && !world->lost && !world->of[LATCH].out &&
		       !world->of[LATCH].shelved_until;
	return limit == LOW && world->run_known && world->now - world->run_at <= 3000 &&
	       world->run <= 0;
}

static void look(struct world *world, size_t limit)
{
	struct model *model = &world->of[limit];

	if (hidden_by_design(world, limit)) {
		if (model->alarm && !model->said_suppressed) {
			model->said_suppressed = true;
			note(world, limit, "suppressed");
		}
		return;
	}
	if (model->said_suppressed)
		note(world, limit, "unsuppressed");
	model->said_suppressed = false;
	if (model->waits)
		note(world, limit, "raised");
	model->waits = false;
}

static void model_second(struct world *world)
{
	if (world->watched_since == 0)
		world->watched_since = world->now;
	if (world->now - MAX(world->last_good, world->watched_since) >= 5000)
		world->lost = true;
	for (size_t i = 0; i < N_LIMITS; i++) {
		struct model *model = &world->of[i];

		look(world, i);
		if (model->shelved_until && world->now >= model->shelved_until) {
			model->shelved_until = 0;
			model->one_shot = false;
			note(world, i, "unshelved");
		}
		if (rules[i].repeat_ms && strcmp(model->state, "acked") == 0 &&
		    world->now - model->acked_at >= rules[i].repeat_ms) {
			(void)move(model, "repeat");
			note(world, i, "repeated");
		}
	}
}

static void model_raise(struct world *world, size_t limit)
{
	struct model *model = &world->of[limit];

	model->alarm = true;
	model->within_ms = -1;
	(void)move(model, "broken");
	look(world, limit);
	model->waits = hidden_by_design(world, limit);
	note(world, limit, "raised");
}

static void model_clear(struct world *world, size_t limit)
{
	struct model *model = &world->of[limit];

	model->alarm = false;
	model->waits = false;
	model->beyond_ms = -1;
	(void)move(model, rules[limit].latches ? "fine-latching" : "fine");
	note(world, limit, "cleared");
	if (model->one_shot) {
		model->one_shot = false;
		model->shelved_until = 0;
		note(world, limit, "unshelved");
	}
}

/* it has been beyond for its raise delay: is that the time that counts? */
static void model_break(struct world *world, size_t limit)
{
	struct model *model = &world->of[limit];
	size_t last = ARRAY_SIZE(model->breakings) - 1;

	memmove(model->breakings, model->breakings + 1, last * sizeof(int64_t));
	model->breakings[last] = world->now;
	model->beyond_ms = -1;
	if (rules[limit].times == 1 ||
	    (model->breakings[0] &&
	     model->breakings[last] - model->breakings[0] <= rules[limit].within_ms)) {
		model_raise(world, limit);
		return;
	}
	model->bided = true;
	model->bided_ms = 0;
}

static void model_good(struct world *world, size_t limit, double v, int64_t good_ms)
{
	const struct rules *rule = &rules[limit];
	struct model *model = &world->of[limit];
	bool beyond = rule->is_high ? v > rule->bound : v < rule->bound;
	bool back = rule->is_high ? v <= rule->back : v >= rule->back;

	if (model->alarm) {
		model->within_ms = !back		  ? -1
				   : model->within_ms < 0 ? 0
							  : model->within_ms + good_ms;
		if (model->within_ms >= rule->clear_ms)
			model_clear(world, limit);
	} else if (model->bided) {
		model->bided_ms += good_ms;
		if (back)
			model->bided = false;
		else if (model->bided_ms >= rule->within_ms) {
			model->bided = false;
			model_raise(world, limit);
		}
	} else {
		model->beyond_ms = !beyond		  ? -1
				   : model->beyond_ms < 0 ? 0
							  : model->beyond_ms + good_ms;
		if (model->beyond_ms >= rule->raise_ms && beyond)
			model_break(world, limit);
	}
}

static void model_value(struct world *world, double v)
{
	/* a good value counts for the time since the last one, one and a half seconds at most */
	int64_t good_ms = MIN(world->now - world->last_good, INT64_C(1500));

	if (isnan(v))
		return;
	world->last_good = world->now;
	world->lost = false;
	for (size_t i = 0; i < N_LIMITS; i++)
		model_good(world, i, v, good_ms);
}

/* is it done? */
static bool model_act(struct world *world, const struct input *input)
{
	struct model *model = &world->of[input->limit];
	int64_t for_ms = input->for_ms ? input->for_ms : rules[input->limit].shelve_ms;

	switch (input->action) {
	case ACTION_ACKNOWLEDGE:
		if (!move(model, "ack"))
			return false;
		model->acked_at = world->now;
		note(world, input->limit, "acknowledged");
		return true;
	case ACTION_RESET:
		if (!move(model, "reset"))
			return false;
		note(world, input->limit, "reset");
		return true;
	case ACTION_SHELVE:
		if (model->shelved_until || for_ms <= 0 || for_ms > rules[input->limit].shelve_ms)
			return false;
		model->shelved_until = world->now + for_ms;
		model->one_shot = input->one_shot;
		note(world, input->limit, "shelved");
		return true;
	case ACTION_UNSHELVE:
		if (!model->shelved_until)
			return false;
		model->shelved_until = 0;
		model->one_shot = false;
		note(world, input->limit, "unshelved");
		return true;
	case ACTION_OUT_OF_SERVICE:
	case ACTION_RETURN:
		if (model->out == (input->action == ACTION_OUT_OF_SERVICE))
			return false;
		model->out = !model->out;
		note(world, input->limit, model->out ? "out_of_service" : "returned");
		return true;
	default:
		return false;
	}
}

/* --- both ------------------------------------------------------------------------------- */

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

static int act(struct rig *rig, const struct input *input)
{
	struct action action = {.kind = (enum action_kind)input->action,
				.target = config->limits[input->limit].path,
				.user = "an",
				.reason = "why",
				.measures = "",
				.scenario = "",
				.one_shot = input->one_shot};
	char error[ACTION_ERROR_MAX];

	if (input->action == ACTION_SHELVE && input->for_ms)
		action.until_ms = rig->at.wall_ms + input->for_ms;
	return core_act(rig->core, &action, rig->at, error);
}

static void feed(struct rig *rig, const struct input *input)
{
	core_tick(rig->core, 0, rig->at);
	core_sample(rig->core, 1, rig->at, input->run,
		    isnan(input->run) ? QUALITY_DEVICE_FAULT : QUALITY_GOOD, 0);
	core_sample(rig->core, 0, rig->at, input->v,
		    isnan(input->v) ? QUALITY_DEVICE_FAULT : QUALITY_GOOD, 0);
	if (input->action >= 0)
		(void)act(rig, input);
	rig->at.mono_ms += input->pass_ms;
	rig->at.wall_ms += input->pass_ms;
}

static const char *said(const struct rig *rig)
{
	static char text[4096];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < rig->batch.n_entries; i++) {
		const char *line = rig->batch.entries[i].line,
			   *limit = strstr(line, "\"limit\":\"");
		const char *type = event_type_text(rig->batch.entries[i].type);

		if (limit && strncmp(type, "alarm.", 6) == 0)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s %.*s; ", type + 6,
					      (int)strcspn(limit + 9, "\""), limit + 9);
	}
	return text;
}

/* the words of the model for those of the daemon */
static const char *taught(const struct core_limit *limit)
{
	static const char *const words[] = {
		[ALARM_NORMAL] = "normal",	   [ALARM_UNACKNOWLEDGED] = "unack",
		[ALARM_ACKNOWLEDGED] = "acked",	   [ALARM_RETURNED] = "rtn-unack",
		[ALARM_LATCHED] = "latched-unack", [ALARM_LATCHED_SEEN] = "latched-acked",
	};

	return words[limit->alarm.condition];
}

static bool agree(const struct rig *rig, const struct world *world)
{
	for (size_t i = 0; i < N_LIMITS; i++) {
		const struct core_limit *limit = &rig->core->limits[i];
		const struct model *model = &world->of[i];

		if (strcmp(taught(limit), model->state) != 0 ||
		    limit_is_raised(&limit->state) != model->alarm ||
		    limit->alarm.shelved != (model->shelved_until != 0) ||
		    limit->alarm.one_shot != model->one_shot ||
		    limit->alarm.out_of_service != model->out ||
		    limit->alarm.held != model->waits) {
			print_error("%s: %s, the model says %s\n", config->limits[i].path,
				    taught(limit), model->state);
			return false;
		}
	}
	return true;
}

static void step(struct rig *rig, struct world *world, const struct input *input)
{
	int r = 0;

	world->now = rig->at.mono_ms;
	world->said[0] = '\0';
	core_tick(rig->core, 0, rig->at);
	model_second(world);
	world->run_known = !isnan(input->run);
	world->run = input->run;
	world->run_at = world->now;
	core_sample(rig->core, 1, rig->at, input->run,
		    isnan(input->run) ? QUALITY_DEVICE_FAULT : QUALITY_GOOD, 0);
	core_sample(rig->core, 0, rig->at, input->v,
		    isnan(input->v) ? QUALITY_DEVICE_FAULT : QUALITY_GOOD, 0);
	model_value(world, input->v);
	if (input->action < 0)
		return;
	r = act(rig, input);
	if ((r == 0) != model_act(world, input))
		fail_msg("%s of %s: %d", action_text((enum action_kind)input->action),
			 config->limits[input->limit].path, r);
}

static uint64_t from_environment(const char *name, uint64_t standard)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : standard;
}

static void test_model(void **state)
{
	uint64_t first = from_environment("ALARM_SEED", UINT64_C(0x9e3779b97f4a7c15)), seed = first;
	uint64_t n = from_environment("ALARM_STEPS", 1000000);
	uint64_t seen[N_LIMITS][ALARM_CONDITION_MAX + 1] = {0};
	struct input input = {.v = 50, .run = 1};
	struct world world = {0};
	struct rig rig;

	(void)state;
	print_message("ALARM_SEED=%#llx ALARM_STEPS=%llu\n", (unsigned long long)first,
		      (unsigned long long)n);
	rig_open(&rig);
	for (size_t i = 0; i < N_LIMITS; i++)
		world.of[i] = (struct model){.state = "normal", .beyond_ms = -1, .within_ms = -1};
	for (uint64_t i = 0; i < n; i++) {
		input = make_input(&seed, &input);
		step(&rig, &world, &input);
		if (strcmp(said(&rig), world.said) != 0)
			fail_msg("step %llu: \"%s\", the model says \"%s\"", (unsigned long long)i,
				 said(&rig), world.said);
		if (!agree(&rig, &world))
			fail_msg("step %llu", (unsigned long long)i);
		for (size_t j = 0; j < N_LIMITS; j++)
			seen[j][rig.core->limits[j].alarm.condition]++;
		batch_clear(&rig.batch);
		rig.at.mono_ms += input.pass_ms;
		rig.at.wall_ms += input.pass_ms;
	}
	/* the walk was worth it: it was everywhere */
	for (uint32_t c = 0; c <= ALARM_CONDITION_MAX && n >= 100000; c++)
		if (seen[c == ALARM_RETURNED ? COUNT : LATCH][c] == 0)
			fail_msg("never %s", alarm_text((enum alarm_condition)c));
	rig_close(&rig);
}

/* --- properties ---------------------------------------------------------------------------- */

/* in whatever state they stand: values that are not good, alone, change none of them */
static void test_a_bad_value_changes_nothing(void **state)
{
	uint64_t seed = UINT64_C(0xd1b54a32d192ed03);
	struct input input = {.v = 50, .run = 1};
	struct rig rig;

	(void)state;
	rig_open(&rig);
	for (int i = 0; i < 2000; i++) {
		struct alarm_state before[N_LIMITS];
		bool raised[N_LIMITS];

		input = make_input(&seed, &input);
		feed(&rig, &input);
		for (size_t j = 0; j < N_LIMITS; j++) {
			before[j] = rig.core->limits[j].alarm;
			raised[j] = limit_is_raised(&rig.core->limits[j].state);
		}
		for (int quality = QUALITY_GOOD + 1; quality <= QUALITY_MAX; quality++) {
			core_sample(rig.core, 0, rig.at, 0, (enum quality)quality, 0);
			core_sample(rig.core, 0, rig.at, 999, (enum quality)quality, 0);
		}
		for (size_t j = 0; j < N_LIMITS; j++) {
			assert_memory_equal(&before[j], &rig.core->limits[j].alarm,
					    sizeof(before[j]));
			assert_int_equal(raised[j], limit_is_raised(&rig.core->limits[j].state));
		}
		batch_clear(&rig.batch);
	}
	rig_close(&rig);
}

/* an entry without its number, and an incident's id without the number that keeps two apart */
static void dump(FILE *out, const struct rig *rig)
{
	static const enum event_type hiding[] = {
		EVENT_ALARM_SHELVED,  EVENT_ALARM_UNSHELVED, EVENT_ALARM_OUT_OF_SERVICE,
		EVENT_ALARM_RETURNED, EVENT_ALARM_FLOOD,
	};

	for (size_t i = 0; i < rig->batch.n_entries; i++) {
		const char *line = rig->batch.entries[i].line, *c;
		bool counts = true;

		for (size_t j = 0; j < ARRAY_SIZE(hiding); j++)
			counts &= rig->batch.entries[i].type != hiding[j];
		for (c = line; counts && *c; c++) {
			if (strncmp(c, "\"seq\":", 6) == 0)
				c += 6 + strspn(c + 6, "0123456789");
			if (strncmp(c, "Z-", 2) == 0)
				c += 2 + strspn(c + 2, "0123456789");
			(void)fputc(*c, out);
		}
		if (counts)
			(void)fputc('\n', out);
	}
}

static char *story(uint64_t seed, bool hides, size_t *ret_hidden)
{
	struct input input = {.v = 50, .run = 1};
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);
	struct rig rig;

	rig_open(&rig);
	for (int i = 0; i < 3000; i++) {
		struct input done;

		done = input = make_input(&seed, &input);
		if (done.action >= ACTION_SHELVE && (!hides || done.limit == LATCH))
			done.action = -1;
		feed(&rig, &done);
		dump(out, &rig);
		for (size_t j = 0; j < N_LIMITS; j++)
			*ret_hidden += rig.core->limits[j].alarm.shelved ||
				       rig.core->limits[j].alarm.out_of_service;
		batch_clear(&rig.batch);
	}
	rig_close(&rig);
	(void)fclose(out);
	return text;
}

/* the record of a day on which everything was hidden again and again is that of a day on which
 * nothing was, but for the entries that say who hid it; not hidden is the parent, for its child
 * is raised then instead of being held */
static void test_hiding_hides_from_nobody(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 8; seed++) {
		size_t n_hidden = 0, n_open = 0;
		char *open = story(seed * UINT64_C(0x2545f4914f6cdd1d), false, &n_open);
		char *hidden = story(seed * UINT64_C(0x2545f4914f6cdd1d), true, &n_hidden);

		assert_int_equal(n_open, 0);
		assert_true(n_hidden > 1000);
		assert_non_null(strstr(open, "\"incident.opened\""));
		assert_string_equal(open, hidden);
		free(open);
		free(hidden);
	}
}

/* --- killed anywhere, it goes on as if it had not been -------------------------------------- */

#define N_STEPS 400

struct saved {
	void *bytes, *windows;
	size_t n, n_windows;
	struct chain chain;
	size_t said;
};

static void test_resume_anywhere(void **state)
{
	static struct input inputs[N_STEPS];
	static struct saved saved[N_STEPS];
	uint64_t seed = UINT64_C(0x94d049bb133111eb);
	/* few steps: under valgrind, where each moment of it takes a second */
	size_t stride = from_environment("ALARM_STEPS", 1000000) < 100000 ? 20 : 1;
	struct input input = {.v = 50, .run = 1};
	char *whole = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&whole, &n);
	struct rig rig;

	(void)state;
	rig_open(&rig);
	for (size_t i = 0; i < N_STEPS; i++) {
		inputs[i] = input = make_input(&seed, &input);
		assert_int_equal(core_save(rig.core, &saved[i].bytes, &saved[i].n), 0);
		assert_int_equal(
			core_save_windows(rig.core, &saved[i].windows, &saved[i].n_windows), 0);
		saved[i].chain = rig.core->chain;
		(void)fflush(out);
		saved[i].said = n;
		feed(&rig, &inputs[i]);
		for (size_t j = 0; j < rig.batch.n_entries; j++)
			(void)fprintf(out, "%d %s\n", rig.batch.entries[j].priority,
				      rig.batch.entries[j].line);
		batch_clear(&rig.batch);
	}
	(void)fclose(out);
	rig_close(&rig);
	assert_non_null(strstr(whole, "alarm.shelved"));
	assert_non_null(strstr(whole, "alarm.suppressed"));
	assert_non_null(strstr(whole, "alarm.reset"));
	for (size_t from = 0; from < N_STEPS; from += stride) {
		char *text = NULL;

		out = open_memstream(&text, &n);
		rig_open(&rig);
		assert_int_equal(core_restore(rig.core, saved[from].bytes, saved[from].n), 0);
		assert_int_equal(
			core_restore_windows(rig.core, saved[from].windows, saved[from].n_windows),
			0);
		rig.core->chain = saved[from].chain;
		for (size_t i = 0; i < N_STEPS; i++) {
			if (i < from) {
				rig.at.mono_ms += inputs[i].pass_ms;
				rig.at.wall_ms += inputs[i].pass_ms;
				continue;
			}
			feed(&rig, &inputs[i]);
			for (size_t j = 0; j < rig.batch.n_entries; j++)
				(void)fprintf(out, "%d %s\n", rig.batch.entries[j].priority,
					      rig.batch.entries[j].line);
			batch_clear(&rig.batch);
		}
		(void)fclose(out);
		assert_string_equal(text, whole + saved[from].said);
		free(text);
		rig_close(&rig);
	}
	for (size_t i = 0; i < N_STEPS; i++) {
		free(saved[i].bytes);
		free(saved[i].windows);
	}
	free(whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_model, with_warnings, tear_down),
		cmocka_unit_test_setup_teardown(test_a_bad_value_changes_nothing, with_warnings,
						tear_down),
		cmocka_unit_test_setup_teardown(test_hiding_hides_from_nobody, with_limits,
						tear_down),
		cmocka_unit_test_setup_teardown(test_resume_anywhere, with_limits, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
