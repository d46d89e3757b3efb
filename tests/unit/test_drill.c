/* SPDX-License-Identifier: Apache-2.0 */
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

#include "core/drill.h"
#include "core/files.h"
#include "load.h"

#define WALL_0 INT64_C(1795528800000) /* 2026-11-24T21:00:00+07:00, a whole minute */
#define MONO_0 INT64_C(1000000)

#define MAIN_YAML                                         \
	"origin: test\n"                                  \
	"incident-clear: 30s\n"                           \
	"report-interval: 20s\n"                          \
	"destinations:\n"                                 \
	"  - {name: all, url: \"http://127.0.0.1:1/\"}\n" \
	"  - {name: quiet, url: \"http://127.0.0.1:2/\", drills: no}\n"

#define SITE_YAML(limit)                                                                         \
	"site: s\n"                                                                              \
	"drill-interval: 30d\n"                                                                  \
	"links: [{name: l, tcp: \"127.0.0.1:502\"}]\n"                                           \
	"units:\n"                                                                               \
	"  - {name: u, link: l, id: 1, interval: 1s}\n"                                          \
	"sources:\n"                                                                             \
	"  - name: out\n"                                                                        \
	"    kind: liquid\n"                                                                     \
	"    channels:\n"                                                                        \
	"      - {name: COD, from: u, address: 0, type: uint16, range: [0, 1000], unit: mg/l, "  \
	"lost-after: 5s}\n"                                                                      \
	"      - {name: Flow, from: u, address: 1, type: uint16, range: [0, 1000], unit: m3/h, " \
	"lost-after: 5s}\n"                                                                      \
	"      - {name: NH4, from: u, address: 2, type: uint16, range: [0, 100], unit: mg/l, "   \
	"lost-after: 5s}\n"                                                                      \
	"    derived:\n"                                                                         \
	"      - {name: load, formula: load, inputs: [COD, Flow], factor: 0.001, range: [0, "    \
	"900], unit: kg/h}\n"                                                                    \
	"    limits:\n" limit                                                                    \
	"      - {channel: COD, name: mean, class: limit, origin: permit, high: 150, on: "       \
	"mean-1min, clear-delay: 0s}\n"                                                          \
	"      - {channel: load, class: warning, high: 2, on: mean-1min, clear-delay: 0s}\n"     \
	"      - {channel: NH4, class: limit, origin: permit, high: 10, clear-delay: 0s}\n"      \
	"  - name: stack\n"                                                                      \
	"    kind: gas\n"                                                                        \
	"    channels:\n"                                                                        \
	"      - {name: SO2, from: u, address: 40, type: int16, range: [0, 2000], unit: "        \
	"mg/Nm3, lost-after: 5s}\n"

#define COD_LIMIT                                                                           \
	"      - {channel: COD, class: limit, origin: permit, high: 150, raise-delay: 2s, " \
	"clear-delay: 3s}\n"                                                                \
	"      - {channel: COD, class: emergency, origin: permit, high: 300, clear-delay: 0s}\n"

static const char spill[] = "scenario: spill\n"
			    "title: a spill\n"
			    "practise: close the gate\n"
			    "kind: liquid\n"
			    "duration: 4min\n"
			    "channels:\n"
			    "  - channel: cod\n"
			    "    unit: g/l\n" /* converted */
			    "    course:\n"
			    "      - {at: 0s, value: 0.05}\n"
			    "      - {at: 20s, value: 0.05}\n"
			    "      - {at: 40s, value: 0.4}\n"
			    "      - {at: 90s, value: 0.4}\n"
			    "      - {at: 100s, quality: communication-lost}\n"
			    "      - {at: 120s, value: 0.4}\n"
			    "      - {at: 130s, value: 0.05}\n";

enum { COD, FLOW, NH4, LOAD, SO2, N_CHANNELS };

static struct config *config, *config_less;
static struct plan *plan, *plan_less;

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(load_config(&config, MAIN_YAML, SITE_YAML(COD_LIMIT), stderr), 0);
	assert_int_equal(load_config(&config_less, MAIN_YAML, SITE_YAML(""), stderr), 0);
	assert_int_equal(config->n_channels, N_CHANNELS);
	assert_int_equal(plan_new(&plan, config), 0);
	return plan_new(&plan_less, config_less);
}

static int tear_down(void **state)
{
	(void)state;
	plan = plan_free(plan);
	plan_less = plan_free(plan_less);
	config = config_free(config);
	config_less = config_free(config_less);
	return 0;
}

/* --- a core with its drills, its clock, and all that it ever said ----------------------- */

#define LINES_MAX 400

struct rig {
	struct core *core;
	struct drills *drills;
	struct batch batch;
	struct stamp at;
	char *lines[LINES_MAX];
	size_t n_lines;
	size_t n_reports, n_exercises, n_quiet, n_minutes, n_alarms, n_urgent;
	size_t n_real_incidents, n_drill_incidents;
	char last_drill_state[16];
};

static void rig_open(struct rig *rig)
{
	*rig = (struct rig){.at = {MONO_0, WALL_0}};
	assert_int_equal(core_new(&rig->core, config, plan, &rig->batch), 0);
	(void)strcpy(rig->core->log_id, "0123456789abcdef");
	assert_int_equal(drills_new(&rig->drills, rig->core), 0);
}

static void rig_close(struct rig *rig)
{
	rig->drills = drills_free(rig->drills);
	rig->core = core_free(rig->core);
	batch_done(&rig->batch);
	for (size_t i = 0; i < rig->n_lines; i++)
		free(rig->lines[i]);
}

static bool has(const char *text, const char *part)
{
	return strstr(text, part) != NULL;
}

static void count_report(struct rig *rig, const struct batch_report *report)
{
	bool exercise = has(report->incident, "exercise.");

	rig->n_reports++;
	rig->n_exercises += exercise;
	rig->n_quiet += exercise &&
			strcmp(config->destinations[report->destination].name, "quiet") == 0;
	rig->n_urgent += exercise && report->lane == 0;
	assert_int_equal(has(report->body, "\"status\":\"exercise\""), exercise);
	assert_int_equal(has(report->body, "\"status\":\"actual\""), !exercise);
	assert_true(report->lane != FILES_LANE);
}

/* take what the batch holds, as a commit would */
static void commit(struct rig *rig)
{
	struct batch *batch = &rig->batch;

	assert_false(batch->out_of_memory);
	for (size_t i = 0; i < batch->n_entries; i++) {
		assert_true(rig->n_lines < LINES_MAX);
		assert_int_equal(batch->entries[i].seq, rig->n_lines + 1); /* in chain order */
		assert_int_equal(has(batch->entries[i].message, "EXERCISE: "),
				 has(batch->entries[i].line, "\"exercise\":true"));
		rig->lines[rig->n_lines++] = strdup(batch->entries[i].line);
	}
	for (size_t i = 0; i < batch->n_reports; i++)
		count_report(rig, &batch->reports[i]);
	for (size_t i = 0; i < batch->n_incidents; i++) {
		const struct batch_incident *row = &batch->incidents[i];

		assert_int_equal(has(row->id, "exercise."), row->exercise);
		rig->n_real_incidents += !row->exercise;
		rig->n_drill_incidents += row->exercise;
		if (row->exercise)
			(void)snprintf(rig->last_drill_state, sizeof(rig->last_drill_state), "%s",
				       row->ended_ms ? "ended" : "open");
	}
	rig->n_minutes += batch->n_minutes;
	rig->n_alarms += batch->n_alarms;
	batch_clear(batch);
}

/* a second of the plant: COD 60, flow 20 and ammonium as given */
static void second(struct rig *rig, double ammonium)
{
	rig->at.mono_ms += 1000;
	rig->at.wall_ms += 1000;
	core_sample(rig->core, COD, rig->at, 60, QUALITY_GOOD, 0);
	core_sample(rig->core, FLOW, rig->at, 20, QUALITY_GOOD, 0);
	core_sample(rig->core, NH4, rig->at, ammonium, QUALITY_GOOD, 0);
	core_sample(rig->core, SO2, rig->at, 100, QUALITY_GOOD, 0);
	core_settle(rig->core);
	core_tick(rig->core, 0, rig->at);
	commit(rig);
}

static struct drill_scenario *parse(const char *text)
{
	struct drill_scenario *scenario = NULL;
	struct config_report report = {.out = stderr};

	assert_int_equal(drill_scenario_parse(&scenario, &report, "f", NULL, text, strlen(text)),
			 0);
	return scenario;
}

static int act(struct rig *rig, enum action_kind kind, const char *target, const char *text,
	       char *error)
{
	CLEANUP(drill_scenario_free) struct drill_scenario *scenario = text ? parse(text) : NULL;
	const struct action action = {.kind = kind,
				      .target = target,
				      .user = "lan",
				      .reason = "",
				      .measures = "",
				      .scenario = ""};

	*error = '\0';
	return drill_act(rig->drills, &scenario, &action, rig->at, error);
}

static void start(struct rig *rig)
{
	char error[ACTION_ERROR_MAX];

	assert_int_equal(act(rig, ACTION_DRILL_START, "s", spill, error), 0);
	commit(rig);
}

static size_t count(const struct rig *rig, const char *a, const char *b)
{
	size_t n = 0;

	for (size_t i = 0; i < rig->n_lines; i++)
		n += has(rig->lines[i], a) && has(rig->lines[i], b);
	return n;
}

static size_t count_type(const struct rig *rig, const char *type)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "\"type\":\"%s\"", type);
	return count(rig, text, "");
}

/* --- tests ------------------------------------------------------------------------------ */

static void test_all_is_marked(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	for (int i = 0; i < 5; i++)
		second(&rig, 1);
	start(&rig);
	for (int i = 0; i < 260; i++)
		second(&rig, 1);
	/* nothing real happened, so all that was said is marked */
	assert_int_equal(count(&rig, "\"exercise\":true", ""), rig.n_lines);
	assert_int_equal(count_type(&rig, "drill.started"), 1);
	assert_int_equal(count_type(&rig, "incident.opened"), 1);
	assert_int_equal(count_type(&rig, "measurement.lost"), 1);
	assert_int_equal(count_type(&rig, "measurement.restored"), 1);
	assert_int_equal(count(&rig, "\"channel\":\"load\"", "alarm.raised"), 1);
	assert_true(count(&rig, "alarm.raised", "\"class\":\"emergency\"") >= 1);
	assert_int_equal(count_type(&rig, "incident.ended"), 1);
	assert_int_equal(count_type(&rig, "drill.stopped"), 1);
	assert_true(has(rig.lines[rig.n_lines - 1], "its scenario is over"));
	/* reports to all that want them, none in the lane of what is real and urgent */
	assert_true(rig.n_reports > 2);
	assert_int_equal(rig.n_exercises, rig.n_reports);
	assert_int_equal(rig.n_quiet, 0);
	assert_int_equal(rig.n_urgent, 0);
	/* and of the plant's own nothing: five channels, four whole minutes */
	assert_int_equal(rig.n_alarms, 0);
	assert_int_equal(rig.n_real_incidents, 0);
	assert_true(rig.n_drill_incidents > 2);
	assert_int_equal(rig.n_minutes, (size_t)N_CHANNELS * 4);
	assert_null(rig.core->tap);
	rig_close(&rig);
}

static void test_real_breach_beside_it(void **state)
{
	struct rig rig;
	size_t n_real = 0;

	(void)state;
	rig_open(&rig);
	start(&rig);
	for (int i = 0; i < 60; i++)
		second(&rig, i >= 50 ? 50 : 1);
	for (int i = 0; i < 40; i++)
		second(&rig, 1);
	assert_int_equal(count(&rig, "\"channel\":\"NH4\"", "alarm.raised"), 1);
	for (size_t i = 0; i < rig.n_lines; i++) {
		bool real = !has(rig.lines[i], "\"exercise\":true");

		n_real += real;
		assert_false(real && has(rig.lines[i], "\"channel\":\"COD\""));
		assert_false(!real && has(rig.lines[i], "\"channel\":\"NH4\""));
		assert_int_equal(has(rig.lines[i], "\"incident\":\"s-liquid-"),
				 real && has(rig.lines[i], "\"incident\":"));
	}
	assert_true(n_real >= 3); /* raised, opened, cleared, … */
	assert_int_equal(rig.n_alarms, 2);
	assert_true(rig.n_reports > rig.n_exercises);
	assert_true(rig.n_real_incidents >= 1);
	rig_close(&rig);
}

static void test_stop_ends_incident(void **state)
{
	struct rig rig;
	char error[ACTION_ERROR_MAX];
	size_t n_reports;

	(void)state;
	rig_open(&rig);
	start(&rig);
	for (int i = 0; i < 60; i++)
		second(&rig, 1);
	assert_int_equal(count_type(&rig, "incident.ended"), 0);
	assert_string_equal(rig.last_drill_state, "open");
	n_reports = rig.n_reports;
	assert_int_equal(act(&rig, ACTION_DRILL_STOP, "s", NULL, error), 0);
	commit(&rig);
	assert_int_equal(rig.n_reports, n_reports + 1);
	assert_string_equal(rig.last_drill_state, "ended");
	assert_int_equal(count(&rig, "incident.ended", "the drill has ended: by command"), 1);
	assert_int_equal(count(&rig, "drill.stopped", "\"user\":\"lan\""), 1);
	assert_int_equal(act(&rig, ACTION_DRILL_STOP, "s", NULL, error), -EALREADY);
	assert_true(has(error, "no drill is running at s"));
	/* and one can begin anew, with an incident of another name */
	start(&rig);
	for (int i = 0; i < 60; i++)
		second(&rig, 1);
	assert_int_equal(count_type(&rig, "incident.opened"), 2);
	rig_close(&rig);
}

/* --- restarts ------------------------------------------------------------------------------ */

/* everything anew from the bytes that a commit would hold */
static void restart(struct rig *rig, const struct config *into, const struct plan *into_plan)
{
	struct core *core = NULL;
	struct drills *drills = NULL;
	void *state, *windows;
	size_t n, n_windows;

	assert_int_equal(core_new(&core, into, into_plan, &rig->batch), 0);
	assert_int_equal(core_save(rig->core, &state, &n), 0);
	assert_int_equal(core_restore(core, state, n), 0);
	free(state);
	assert_int_equal(core_save_windows(rig->core, &windows, &n_windows), 0);
	assert_int_equal(core_restore_windows(core, windows, n_windows), 0);
	free(windows);
	core->chain = rig->core->chain;
	memcpy(core->log_id, rig->core->log_id, sizeof(core->log_id));
	assert_int_equal(drills_new(&drills, core), 0);
	for (size_t i = 0; i < rig->drills->n; i++) {
		const struct drill *drill = rig->drills->list[i];

		assert_int_equal(drill_save(drill, &state, &n), 0);
		assert_int_equal(core_save_windows(drill->core, &windows, &n_windows), 0);
		assert_int_equal(drill_restore(drills, "s", drill->scenario->text,
					       drill->scenario->n_text, state, n, windows,
					       n_windows, rig->at),
				 0);
		free(state);
		free(windows);
	}
	(void)drills_free(rig->drills);
	(void)core_free(rig->core);
	rig->core = core;
	rig->drills = drills;
}

static void test_restart_at_every_prefix(void **state)
{
	struct rig whole;

	(void)state;
	rig_open(&whole);
	start(&whole);
	for (int i = 0; i < 250; i++)
		second(&whole, i > 60 && i < 80 ? 50 : 1);
	assert_int_equal(count_type(&whole, "drill.stopped"), 1);
	for (int k = 0; k < 250; k++) {
		struct rig rig;

		rig_open(&rig);
		start(&rig);
		for (int i = 0; i < 250; i++) {
			if (i == k)
				restart(&rig, config, plan);
			second(&rig, i > 60 && i < 80 ? 50 : 1);
		}
		assert_int_equal(rig.n_lines, whole.n_lines);
		for (size_t i = 0; i < rig.n_lines; i++)
			assert_string_equal(rig.lines[i], whole.lines[i]);
		assert_int_equal(rig.n_reports, whole.n_reports);
		assert_int_equal(rig.n_minutes, whole.n_minutes);
		assert_memory_equal(rig.core->chain.hash, whole.core->chain.hash, 32);
		rig_close(&rig);
	}
	rig_close(&whole);
}

static void test_damaged_state_is_said(void **state)
{
	struct rig rig;
	void *bytes;
	size_t n;

	(void)state;
	rig_open(&rig);
	start(&rig);
	for (int i = 0; i < 60; i++)
		second(&rig, 1);
	assert_int_equal(drill_save(rig.drills->list[0], &bytes, &n), 0);
	((char *)bytes)[n / 2] ^= 1;
	assert_int_equal(
		drill_restore(rig.drills, "s", spill, strlen(spill), bytes, n, NULL, 0, rig.at), 1);
	assert_int_equal(
		drill_restore(rig.drills, "gone", spill, strlen(spill), bytes, n, NULL, 0, rig.at),
		1);
	commit(&rig);
	assert_int_equal(count(&rig, "drill.stopped", "its state in the record cannot be used"), 2);
	free(bytes);
	/* what destinations believe to be going on is ended */
	assert_int_equal(drill_incident_lost(rig.drills, "exercise.s-liquid-20261124T140000Z-9",
					     "{\"incident\":{\"id\":\"exercise.s-liquid-"
					     "20261124T140000Z-9\",\"class\":\"limit\",\"status\":"
					     "\"exercise\"}}",
					     "all ", rig.at, "it could not go on"),
			 0);
	assert_int_equal(rig.batch.n_reports, 1);
	assert_true(has(rig.batch.reports[0].body, "\"state\":\"ended\""));
	assert_int_equal(rig.batch.n_removed, 1);
	assert_true(rig.batch.removed[0].exercise);
	commit(&rig);
	rig_close(&rig);
}

/* --- a change of configuration ---------------------------------------------------------------- */

static void reload(struct rig *rig, const struct config *into, const struct plan *into_plan)
{
	struct core *core = NULL;
	struct drills *drills = NULL;
	void *bytes;
	size_t n;

	drills_fit(rig->drills, into, rig->at);
	commit(rig);
	assert_int_equal(core_new(&core, into, into_plan, &rig->batch), 0);
	assert_int_equal(core_save(rig->core, &bytes, &n), 0);
	assert_int_equal(core_restore(core, bytes, n), 0);
	free(bytes);
	core->chain = rig->core->chain;
	memcpy(core->log_id, rig->core->log_id, sizeof(core->log_id));
	assert_int_equal(drills_new(&drills, core), 0);
	assert_int_equal(drills_move(drills, rig->drills), 0);
	(void)drills_free(rig->drills);
	(void)core_free(rig->core);
	rig->core = core;
	rig->drills = drills;
}

static void test_goes_on_over_a_reload(void **state)
{
	struct rig rig;
	int64_t counted_ms;

	(void)state;
	rig_open(&rig);
	start(&rig);
	counted_ms = rig.drills->sites[0].counted_ms;
	for (int i = 0; i < 60; i++)
		second(&rig, 1);
	reload(&rig, config_less, plan_less); /* fewer limits, the same channels */
	assert_int_equal(rig.drills->n, 1);
	assert_int_equal(rig.drills->sites[0].counted_ms, counted_ms);
	for (int i = 0; i < 200; i++)
		second(&rig, 1);
	assert_int_equal(count_type(&rig, "drill.stopped"), 1);
	assert_int_equal(count_type(&rig, "incident.opened"), 1);
	assert_int_equal(count_type(&rig, "incident.ended"), 1);
	assert_int_equal(count(&rig, "\"exercise\":true", ""), rig.n_lines);
	rig_close(&rig);
}

static void test_ends_where_its_channels_go(void **state)
{
	static const char elsewhere[] = "site: t\n"
					"links: [{name: l, tcp: \"127.0.0.1:502\"}]\n"
					"units: [{name: u, link: l, id: 1, interval: 1s}]\n"
					"sources:\n"
					"  - name: out\n"
					"    kind: liquid\n"
					"    channels:\n"
					"      - {name: COD, from: u, address: 0, type: uint16, "
					"range: [0, 1000], unit: mg/l, lost-after: 5s}\n";
	struct config *other = NULL;
	struct plan *other_plan = NULL;
	struct rig rig;

	(void)state;
	assert_int_equal(load_config(&other, MAIN_YAML, elsewhere, stderr), 0);
	assert_int_equal(plan_new(&other_plan, other), 0);
	rig_open(&rig);
	start(&rig);
	for (int i = 0; i < 60; i++)
		second(&rig, 1);
	reload(&rig, other, other_plan);
	assert_int_equal(rig.drills->n, 0);
	assert_int_equal(count(&rig, "incident.ended", "no longer has its site"), 1);
	assert_int_equal(count(&rig, "drill.stopped", "no longer has its site"), 1);
	rig_close(&rig);
	(void)plan_free(other_plan);
	(void)config_free(other);
}

/* --- what is refused -------------------------------------------------------------------------- */

#define ONE(kind, channel, unit)                                                          \
	"scenario: x\ntitle: t\npractise: p\nkind: " kind "\nduration: 1min\n"            \
	"channels: [{channel: " channel ", unit: \"" unit "\", course: [{at: 0s, value: " \
	"1}]}]\n"

static void test_refused(void **state)
{
	static const struct {
		const char *target;
		const char *scenario;
		int r;
		const char *says;
	} rows[] = {
		{"x", spill, -ENOENT, "there is no site \"x\"; there are: s"},
		{"s/x", spill, -ENOENT, "there is no source \"s/x\"; there are: s/out s/stack"},
		{"s/stack", spill, -EINVAL, "s has no source of liquid waste that could play"},
		{"s", ONE("solid", "COD", "mg/l"), -EINVAL, "no source of solid waste"},
		{"s", ONE("liquid", "TSS", "mg/l"), -EINVAL, "out has no \"TSS\""},
		{"s", ONE("liquid", "s/out/TSS", "mg/l"), -EINVAL, "no channel s/out/TSS"},
		{"s", ONE("liquid", "COD", "m3/h"), -EINVAL, "one does not become the other"},
		{"s", ONE("liquid", "COD", ""), -EINVAL, "one does not become the other"},
		{"s", ONE("gas", "SO2", "mg/Nm3"), -EINVAL, "has a limit at s"},
		{"s", spill, -EALREADY, "the drill \"spill\" is running at s already"},
	};
	char error[ACTION_ERROR_MAX];
	struct rig rig;

	(void)state;
	rig_open(&rig);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (i + 1 == ARRAY_SIZE(rows)) {
			assert_int_equal(rig.batch.n_entries, 0);
			start(&rig);
		}
		assert_int_equal(
			act(&rig, ACTION_DRILL_START, rows[i].target, rows[i].scenario, error),
			rows[i].r);
		if (!has(error, rows[i].says))
			fail_msg("%s: %s", rows[i].says, error);
	}
	assert_int_equal(rig.drills->n, 1);
	rig_close(&rig);
}

static void test_acts_inside(void **state)
{
	struct action action = {.kind = ACTION_ACKNOWLEDGE,
				.target = "t/out/COD/limit-high",
				.user = "lan",
				.reason = "",
				.measures = "",
				.scenario = "",
				.exercise = true};
	char error[ACTION_ERROR_MAX];
	struct rig rig;

	(void)state;
	rig_open(&rig);
	assert_int_equal(drill_act_inside(rig.drills, &action, rig.at, error), -ENOENT);
	start(&rig);
	assert_int_equal(drill_act_inside(rig.drills, &action, rig.at, error), -ENOENT);
	assert_true(has(error, "no drill is running that"));
	rig_close(&rig);
}

/* --- scenario files -------------------------------------------------------------------------- */

#define HEAD "scenario: x\ntitle: t\npractise: p\nkind: gas\nduration: 10min\n"

static void test_files_with_errors(void **state)
{
	static const struct {
		const char *text;
		const char *says;
	} rows[] = {
		{"title: t\n", "f:1:1: this scenario has no \"scenario\""},
		{HEAD, "this scenario has no channel"},
		{HEAD "channels: [{channel: a/b, course: [{at: 0s, value: 1}]}]\n",
		 "neither a name nor a path"},
		{HEAD "channels: [{channel: a, cours: [{at: 0s, value: 1}]}]\n",
		 "unknown key \"cours\""},
		{HEAD
		 "channels: [{channel: a, course: [{at: 1s, value: 1}, {at: 1s, value: 2}]}]\n",
		 "not after the point before it"},
		{HEAD "channels: [{channel: a, course: [{at: 11min, value: 1}]}]\n",
		 "the drill is over then"},
		{HEAD "channels: [{channel: a, course: [{at: 1s}]}]\n",
		 "this point has no \"value\""},
		{HEAD "channels: [{channel: a, course: [{at: 1s, quality: bad}]}]\n",
		 "there is no such word"},
		{HEAD "channels: [{channel: a, ripple: 60, course: [{at: 1s, value: 1}]}]\n",
		 "no instrument swings so"},
		{HEAD "channels:\n  - {channel: a, course: [{at: 1s, value: 1}]}\n"
		      "  - {channel: A, course: [{at: 1s, value: 1}]}\n",
		 "this channel has a course already"},
		{"scenario: y\ntitle: t\npractise: p\nkind: gas\nduration: 25h\n"
		 "channels: [{channel: a, course: [{at: 1s, value: 1}]}]\n",
		 "\"duration\" cannot be \"25h\""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct drill_scenario *scenario = NULL;
		struct config_report report = {0};
		char *text = NULL;
		size_t n = 0;

		report.out = open_memstream(&text, &n);
		assert_int_equal(drill_scenario_parse(&scenario, &report, "f", "x", rows[i].text,
						      strlen(rows[i].text)),
				 -EINVAL);
		assert_int_equal(fclose(report.out), 0);
		if (!has(text, rows[i].says))
			fail_msg("%s: %s", rows[i].says, text);
		free(text);
		assert_null(scenario);
	}
}

static void test_values(void **state)
{
	static const struct {
		int64_t at_ms;
		double linear;
		double hold;
		enum quality quality;
	} rows[] = {
		{0, 10, 10, QUALITY_GOOD},
		{9999, 10, 10, QUALITY_GOOD},
		{10000, 10, 10, QUALITY_GOOD},
		{15000, 15, 10, QUALITY_GOOD},
		{20000, 20, 20, QUALITY_CALIBRATING},
		{25000, 20, 20, QUALITY_CALIBRATING},
		{30000, 20, 20, QUALITY_GOOD},
		{90000, 20, 20, QUALITY_GOOD},
	};
	static const char course[] = "course: [{at: 10s, value: 10}, {at: 20s, value: 20, quality: "
				     "calibrating}, {at: 30s, quality: good, value: 20}]";
	CLEANUP(drill_scenario_free) struct drill_scenario *scenario = NULL;
	char text[1000];
	enum quality quality;

	(void)state;
	(void)snprintf(text, sizeof(text),
		       HEAD "channels:\n  - {channel: a, %s}\n"
			    "  - {channel: b, interpolation: hold, %s}\n"
			    "  - {channel: c, ripple: 10, course: [{at: 0s, value: 100}]}\n",
		       course, course);
	scenario = parse(text);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_true(
			fabs(drill_value(scenario, &scenario->courses[0], rows[i].at_ms, &quality) -
			     rows[i].linear) < 1e-9);
		assert_int_equal(quality, rows[i].quality);
		assert_true(
			fabs(drill_value(scenario, &scenario->courses[1], rows[i].at_ms, &quality) -
			     rows[i].hold) < 1e-9);
	}
	/* up and down by a tenth, and it does go there */
	for (int64_t t = 0; t < 97000; t += 97) {
		double value = drill_value(scenario, &scenario->courses[2], t, &quality);

		assert_true(value >= 90 && value <= 110);
		if (t == 24250)
			assert_true(fabs(value - 110) < 1e-9);
		if (t == 72750)
			assert_true(fabs(value - 90) < 1e-9);
	}
}

/* --- when one is due ----------------------------------------------------------------------------
 */

static void test_due(void **state)
{
	struct rig rig;
	char error[ACTION_ERROR_MAX];

	(void)state;
	rig_open(&rig);
	for (int day = 0; day < 100; day++) {
		drills_due(rig.drills, rig.at);
		drills_due(rig.drills, rig.at); /* once is enough */
		commit(&rig);
		assert_int_equal(rig.n_lines, day / 30);
		assert_int_equal(drill_is_due(rig.drills, 0, rig.at.wall_ms), day >= 30);
		rig.at.mono_ms += MS_PER_DAY;
		rig.at.wall_ms += MS_PER_DAY;
	}
	assert_int_equal(count_type(&rig, "drill.due"), 3);
	assert_int_equal(count(&rig, "\"days\":60", "\"site\":\"s\""), 1);
	assert_int_equal(count(&rig, "exercise", ""), 0);
	start(&rig);
	assert_int_equal(act(&rig, ACTION_DRILL_STOP, "s", NULL, error), 0);
	commit(&rig);
	for (int day = 0; day < 31; day++) {
		assert_int_equal(drill_is_due(rig.drills, 0, rig.at.wall_ms), day >= 30);
		drills_due(rig.drills, rig.at);
		rig.at.wall_ms += MS_PER_DAY;
	}
	commit(&rig);
	assert_int_equal(count_type(&rig, "drill.due"), 4);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_is_marked),
		cmocka_unit_test(test_real_breach_beside_it),
		cmocka_unit_test(test_stop_ends_incident),
		cmocka_unit_test(test_restart_at_every_prefix),
		cmocka_unit_test(test_damaged_state_is_said),
		cmocka_unit_test(test_goes_on_over_a_reload),
		cmocka_unit_test(test_ends_where_its_channels_go),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_acts_inside),
		cmocka_unit_test(test_files_with_errors),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_due),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
