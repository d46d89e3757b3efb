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

#include "core/action.h"
#include "core/core.h"
#include "load.h"

#define WALL_0 INT64_C(1795528800000) /* 2026-11-24T21:00:00+07:00, a whole minute */
#define MONO_0 INT64_C(1000000)

static const char main_yaml[] =
	"origin: test\n"
	"incident-clear: 30s\n"
	"report-interval: 20s\n"
	"destinations:\n"
	"  - {name: all, url: \"http://127.0.0.1:1/\"}\n"
	"  - {name: worst, url: \"http://127.0.0.1:2/\", min-class: emergency}\n";

static const char site_yaml[] =
	"site: s\n"
	"links: [{name: l, tcp: \"127.0.0.1:502\"}]\n"
	"units:\n"
	"  - {name: u, link: l, id: 1, interval: 1s}\n"
	"plan: 12/KH\n"
	"command: \"Lan, \\\"shift\\\" leader\"\n"
	"contact-phone: +84 205 1\n"
	"sources:\n"
	"  - name: out\n"
	"    kind: liquid\n"
	"    flow: Q\n"
	"    channels:\n"
	"      - {name: COD, from: u, address: 0, type: uint16, range: [0, 1000], unit: mg/l}\n"
	"      - {name: pH, from: u, address: 1, type: float32, order: CDAB, range: [0, 14]}\n"
	"      - {name: NH4, from: u, address: 3, type: uint16, range: [0, 100], unit: mg/l}\n"
	"      - {name: Q, from: u, address: 4, type: uint16, range: [0, 100], unit: m3/h}\n"
	"    limits:\n"
	"      - {channel: COD, class: limit, origin: permit, high: 150, clear-delay: 0s}\n"
	"      - {channel: COD, class: emergency, origin: permit, high: 300, clear-delay: 0s}\n"
	"      - {channel: pH, class: limit, origin: permit, low: 5.5, clear-delay: 0s}\n"
	"      - {channel: NH4, class: limit, origin: permit, high: 10, raise-delay: 3s,"
	" clear-delay: 0s}\n"
	"      - {channel: NH4, name: mean, class: limit, origin: permit, high: 90,"
	" on: mean-1min, clear-delay: 0s}\n"
	"  - name: storm\n"
	"    kind: liquid\n"
	"    level: province\n"
	"    channels:\n"
	"      - {name: TSS, from: u, address: 5, type: uint16, range: [0, 1000], unit: mg/l}\n"
	"    limits:\n"
	"      - {channel: TSS, class: warning, high: 50, clear-delay: 0s}\n"
	"      - {channel: TSS, class: limit, origin: permit, high: 100, clear-delay: 0s}\n";

enum { COD, PH, NH4, Q, TSS, N_CHANNELS };
enum { COD_LIMIT, COD_EMERGENCY, PH_LOW, NH4_LIMIT, NH4_MEAN, TSS_WARNING, TSS_LIMIT, N_LIMITS };

static struct config *config;
static struct plan *plan;

static int set_up(void **state)
{
	int r;

	(void)state;
	r = load_config(&config, main_yaml, site_yaml, stderr);
	return r < 0 ? r : plan_new(&plan, config);
}

static int tear_down(void **state)
{
	(void)state;
	plan = plan_free(plan);
	config = config_free(config);
	return 0;
}

/* @values: what the channels measure; 36 m3/h are 0.01 m3/s */
struct rig {
	struct core *core;
	double values[N_CHANNELS];
	enum quality qualities[N_CHANNELS];
	struct batch batch;
	struct stamp at;
	char error[ACTION_ERROR_MAX];
};

static void rig_open(struct rig *rig)
{
	*rig = (struct rig){.at = {MONO_0, WALL_0}, .values = {50, 7, 1, 36, 10}};
	assert_int_equal(core_new(&rig->core, config, plan, &rig->batch), 0);
	(void)strcpy(rig->core->log_id, "0123456789abcdef");
}

static void rig_close(struct rig *rig)
{
	rig->core = core_free(rig->core);
	batch_done(&rig->batch);
}

/* @n seconds with a tick and a value of all channels in each */
static void pass(struct rig *rig, int n)
{
	for (int i = 0; i < n; i++) {
		core_tick(rig->core, 0, rig->at);
		for (size_t c = 0; c < N_CHANNELS; c++)
			core_sample(rig->core, c, rig->at, rig->values[c], rig->qualities[c], 0);
		rig->at.mono_ms += 1000;
		rig->at.wall_ms += 1000;
	}
}

static void run(struct rig *rig, int n, double cod, double ph)
{
	rig->values[COD] = cod;
	rig->values[PH] = ph;
	pass(rig, n);
}

static size_t n_said(const struct rig *rig, enum event_type type)
{
	size_t n = 0;

	for (size_t i = 0; i < rig->batch.n_entries; i++)
		n += rig->batch.entries[i].type == type;
	return n;
}

static const struct batch_entry *said(const struct rig *rig, enum event_type type)
{
	for (size_t i = 0; i < rig->batch.n_entries; i++)
		if (rig->batch.entries[i].type == type)
			return &rig->batch.entries[i];
	fail_msg("no %s", event_type_text(type));
	return NULL;
}

static const struct batch_report *report_to(const struct rig *rig, uint32_t destination,
					    const char *type)
{
	for (size_t i = 0; i < rig->batch.n_reports; i++)
		if (rig->batch.reports[i].destination == destination &&
		    strcmp(rig->batch.reports[i].type, type) == 0)
			return &rig->batch.reports[i];
	return NULL;
}

static int act(struct rig *rig, struct action action)
{
	rig->error[0] = '\0';
	action.user = action.user ? action.user : "lan";
	action.reason = action.reason ? action.reason : "";
	action.measures = action.measures ? action.measures : "";
	action.scenario = "";
	return core_act(rig->core, &action, rig->at, rig->error);
}

#define assert_has(text, part)                                                          \
	do {                                                                            \
		if (!strstr((text), (part)))                                            \
			fail_msg("\"%s\" is not in: %s", (const char *)(part), (text)); \
	} while (0)

/* --- taking notice --------------------------------------------------------------------- */

static void test_acknowledge(void **state)
{
	struct rig rig;
	char id[INCIDENT_ID_MAX];

	(void)state;
	rig_open(&rig);
	run(&rig, 2, 200, 7);
	(void)strcpy(id, rig.batch.incidents[0].id);
	assert_null(rig.batch.incidents[0].acknowledged_by);
	assert_string_equal(rig.batch.incidents[0].told, "all ");
	batch_clear(&rig.batch);
	assert_int_equal(act(&rig, (struct action){.kind = ACTION_INCIDENT_ACKNOWLEDGE,
						   .target = id,
						   .reason = "on my way"}),
			 0);
	assert_has(said(&rig, EVENT_INCIDENT_ACKNOWLEDGED)->line, "\"user\":\"lan\"");
	assert_has(said(&rig, EVENT_INCIDENT_ACKNOWLEDGED)->line, "\"reason\":\"on my way\"");
	assert_int_equal(n_said(&rig, EVENT_INCIDENT_UPDATED), 1);
	assert_has(
		report_to(&rig, 0, "incident.updated")->body,
		"\"acknowledged\":{\"time\":\"2026-11-24T21:00:02.000+07:00\",\"user\":\"lan\"}");
	assert_null(report_to(&rig, 1, "incident.updated"));
	assert_string_equal(rig.batch.incidents[0].acknowledged_by, "lan");
	assert_int_equal(rig.batch.incidents[0].acknowledged_ms, WALL_0 + 2000);

	assert_int_equal(act(&rig, (struct action){.kind = ACTION_INCIDENT_ACKNOWLEDGE,
						   .target = id,
						   .user = "minh"}),
			 -EALREADY);
	assert_has(rig.error, "was acknowledged by lan at 2026-11-24T21:00:02.000+07:00");
	assert_int_equal(act(&rig, (struct action){.kind = ACTION_INCIDENT_ACKNOWLEDGE,
						   .target = "s-gas-20261124T140000Z"}),
			 -ENOENT);
	assert_has(rig.error, "wastewatch incidents");
	rig_close(&rig);
}

/* --- closing ----------------------------------------------------------------------------- */

static void test_close(void **state)
{
	struct action_past past = {0};
	struct rig rig;
	char id[INCIDENT_ID_MAX], long_text[ACTION_TEXT_MAX + 1];
	struct action close = {
		.kind = ACTION_INCIDENT_CLOSE, .target = id, .reason = "valve stuck"};

	(void)state;
	rig_open(&rig);
	run(&rig, 2, 320, 7);
	(void)strcpy(id, rig.batch.incidents[0].id);
	assert_int_equal(act(&rig, close), -EBUSY);
	assert_has(rig.error, "2 of its alarms stand");
	run(&rig, 20, 100, 7);
	assert_int_equal(act(&rig, close), -EBUSY);
	assert_has(rig.error, "alarms are clear");
	batch_clear(&rig.batch);
	run(&rig, 20, 100, 7);
	assert_int_equal(n_said(&rig, EVENT_INCIDENT_ENDED), 1);
	past = (struct action_past){
		.state = strdup("ended"),
		.summary = strdup(rig.batch.incidents[rig.batch.n_incidents - 1].summary),
		.told = strdup(rig.batch.incidents[rig.batch.n_incidents - 1].told),
		.closed_by = strdup(""),
		.n_updates = rig.batch.incidents[rig.batch.n_incidents - 1].n_updates,
		.ended_ms = rig.batch.incidents[rig.batch.n_incidents - 1].ended_ms,
	};
	assert_string_equal(past.told, "all worst ");
	assert_int_equal(act(&rig, close), -ENOENT); /* the core alone no longer knows of it */
	close.past = &past;
	close.kind = ACTION_INCIDENT_ACKNOWLEDGE;
	assert_int_equal(act(&rig, close), -EBUSY);
	assert_has(rig.error, "has ended");
	close.kind = ACTION_INCIDENT_CLOSE;
	assert_int_equal(act(&rig, close), -EINVAL);
	assert_has(rig.error, "measures");
	memset(long_text, '"', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	close.measures = long_text;

	batch_clear(&rig.batch);
	run(&rig, 1, 200, 7); /* the next one has the slot already */
	assert_int_equal(n_said(&rig, EVENT_INCIDENT_OPENED), 1);
	batch_clear(&rig.batch);
	assert_int_equal(act(&rig, close), 0);
	assert_int_equal(rig.batch.n_entries, 1);
	assert_has(rig.batch.entries[0].line, "\"type\":\"incident.closed\"");
	assert_has(rig.batch.entries[0].line, "\"class\":\"emergency\"");
	assert_has(rig.batch.entries[0].line, "\"kind\":\"liquid\"");
	assert_has(rig.batch.entries[0].line, "\"site\":\"s\"");
	assert_has(rig.batch.entries[0].line, "\"reason\":\"valve stuck\"");
	assert_has(rig.batch.entries[0].message, "was closed by lan (valve stuck); measures: ");
	assert_string_equal(rig.batch.entries[0].incident, id);
	assert_int_equal(rig.batch.n_reports, 2);
	for (uint32_t i = 0; i < 2; i++) {
		const struct batch_report *report = report_to(&rig, i, "incident.closed");

		assert_non_null(report);
		assert_int_equal(report->lane, 0);
		assert_string_equal(report->incident, id);
		assert_has(report->body, "\"state\":\"closed\"");
		assert_has(report->body, "\"cause\":\"valve stuck\"");
		assert_has(report->body, "\"ended\":\"2026-11-24T21:00:32.000+07:00\"");
	}
	assert_int_equal(rig.batch.n_closings, 1);
	assert_string_equal(rig.batch.closings[0].id, id);
	assert_string_equal(rig.batch.closings[0].user, "lan");
	assert_string_equal(rig.batch.closings[0].cause, "valve stuck");
	assert_has(rig.batch.closings[0].summary, "\"state\":\"closed\"");
	assert_true(rig.core->incidents[WASTE_LIQUID].open);

	past.closed_ms = WALL_0;
	past.closed_by[0] = '\0';
	assert_int_equal(act(&rig, close), -EALREADY);
	assert_has(rig.error, "was closed by");
	free(past.state);
	free(past.summary);
	free(past.told);
	free(past.closed_by);
	rig_close(&rig);
}

/* only those who were told of it are told that it is over */
static void test_close_tells_those_who_know(void **state)
{
	static char summary[] = "{\"incident\":{\"class\":\"limit\",\"kind\":\"gas\"},"
				"\"site\":{\"name\":\"gone\"}}";
	static char nonsense[] = "{", told[] = "worst elsewhere ", ended[] = "removed",
		    nobody[] = "";
	struct action_past past = {.state = ended,
				   .summary = summary,
				   .told = told,
				   .closed_by = nobody,
				   .ended_ms = WALL_0};
	struct action close = {.kind = ACTION_INCIDENT_CLOSE,
			       .target = "gone-gas-20261124T140000Z",
			       .reason = "unknown",
			       .measures = "none",
			       .past = &past};
	struct rig rig;

	(void)state;
	rig_open(&rig);
	assert_int_equal(act(&rig, close), 0);
	assert_int_equal(rig.batch.n_reports, 1);
	assert_non_null(report_to(&rig, 1, "incident.closed"));
	assert_null(strstr(rig.batch.entries[0].line, "\"site\""));
	assert_has(rig.batch.entries[0].line, "\"kind\":\"gas\"");
	batch_clear(&rig.batch);
	past.summary = nonsense; /* nothing to report with; it is closed all the same */
	assert_int_equal(act(&rig, close), 0);
	assert_int_equal(rig.batch.n_reports, 0);
	assert_int_equal(rig.batch.n_entries, 1);
	assert_null(rig.batch.closings[0].summary);
	rig_close(&rig);
}

/* --- level --------------------------------------------------------------------------------- */

static void test_level_of_the_source(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	run(&rig, 2, 200, 7);
	assert_null(strstr(said(&rig, EVENT_INCIDENT_OPENED)->line, "\"level\""));
	assert_string_equal(rig.batch.incidents[0].level, "facility");
	batch_clear(&rig.batch);
	rig.values[TSS] = 60; /* a warning alone raises nothing */
	pass(&rig, 2);
	assert_int_equal(n_said(&rig, EVENT_INCIDENT_LEVEL), 0);
	rig.values[TSS] = 120;
	pass(&rig, 1);
	assert_has(said(&rig, EVENT_INCIDENT_LEVEL)->line, "\"level\":\"province\"");
	assert_has(said(&rig, EVENT_INCIDENT_LEVEL)->line, "what comes from storm");
	assert_has(report_to(&rig, 0, "incident.updated")->body, "\"level\":\"province\"");
	assert_string_equal(rig.batch.incidents[rig.batch.n_incidents - 1].level, "province");
	batch_clear(&rig.batch);
	rig.values[TSS] = 10;
	pass(&rig, 5);
	rig.values[TSS] = 120; /* it never falls, so it need not rise again */
	pass(&rig, 2);
	assert_int_equal(n_said(&rig, EVENT_INCIDENT_LEVEL), 0);
	assert_int_equal(rig.core->incidents[WASTE_LIQUID].level, LEVEL_PROVINCE);
	rig_close(&rig);

	rig_open(&rig); /* one that begins there begins at its level */
	rig.values[TSS] = 120;
	pass(&rig, 2);
	assert_has(said(&rig, EVENT_INCIDENT_OPENED)->line, "\"level\":\"province\"");
	assert_int_equal(n_said(&rig, EVENT_INCIDENT_LEVEL), 0);
	rig_close(&rig);
}

static void test_level_of_the_assessment(void **state)
{
	struct core_incident *incident;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	run(&rig, 2, 200, 7);
	batch_clear(&rig.batch);
	incident = &rig.core->incidents[WASTE_LIQUID];
	incident->reach = LEVEL_NATIONAL;
	incident->verdict = VERDICT_LIKELY;
	incident_assessed(rig.core, incident, rig.at, "it crosses");
	assert_int_equal(rig.batch.n_entries, 2);
	assert_int_equal(rig.batch.entries[0].type, EVENT_INCIDENT_LEVEL);
	assert_has(rig.batch.entries[0].line, "\"level\":\"national\"");
	assert_has(report_to(&rig, 0, "incident.updated")->body, "\"verdict\":\"likely\"");
	batch_clear(&rig.batch);
	incident->reach = LEVEL_FACILITY;
	incident_assessed(rig.core, incident, rig.at, "it does not cross after all");
	assert_int_equal(rig.batch.n_entries, 1);
	assert_has(report_to(&rig, 0, "incident.updated")->body, "\"level\":\"national\"");
	rig_close(&rig);
}

/* a reload that says more of a source whose alarm stands */
static void test_level_after_reload(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	run(&rig, 2, 200, 7);
	batch_clear(&rig.batch);
	config->sources[0].level = LEVEL_COMMUNE;
	incident_recount(rig.core, rig.at);
	config->sources[0].level = LEVEL_FACILITY;
	assert_has(said(&rig, EVENT_INCIDENT_LEVEL)->line, "\"level\":\"commune\"");
	assert_int_equal(n_said(&rig, EVENT_INCIDENT_UPDATED), 1);
	rig_close(&rig);
}

/* --- how long, how much ------------------------------------------------------------------- */

static void test_duration(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	run(&rig, 5, 100, 7);
	run(&rig, 4, 200, 7); /* 5 to 9: the value at 8 counts until that at 9 */
	run(&rig, 3, 100, 7);
	assert_int_equal(rig.core->limits[COD_LIMIT].beyond_ms, 4000);
	run(&rig, 2, 200, 7); /* joins itself: they add up */
	rig.qualities[COD] = QUALITY_COMMUNICATION_LOST;
	run(&rig, 5, 0, 7);
	rig.qualities[COD] = QUALITY_GOOD;
	run(&rig, 1, 100, 7); /* silence counts for one and a half intervals, no more */
	assert_int_equal(rig.core->limits[COD_LIMIT].beyond_ms, 4000 + 1000 + 1500);
	batch_clear(&rig.batch);
	run(&rig, 40, 100, 7);
	assert_int_equal(n_said(&rig, EVENT_INCIDENT_ENDED), 1);
	assert_has(report_to(&rig, 0, "incident.ended")->body, "\"duration_s\":6,");
	run(&rig, 2, 200, 7); /* the next one begins at nothing, for what opens it */
	assert_int_equal(rig.core->limits[COD_LIMIT].beyond_ms, 1000);
	run(&rig, 60, 100, 7);
	assert_int_equal(n_said(&rig, EVENT_INCIDENT_ENDED), 2);
	run(&rig, 3, 100, 5); /* and for what joins it */
	run(&rig, 3, 200, 7);
	assert_int_equal(rig.core->limits[PH_LOW].beyond_ms, 3000);
	assert_int_equal(rig.core->limits[COD_LIMIT].beyond_ms, 2000);
	rig_close(&rig);
}

/* the raise delay is part of it, but only where there is an alarm in the end */
static void test_duration_from_since(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	rig.values[NH4] = 20;
	pass(&rig, 3);
	rig.values[NH4] = 1;
	pass(&rig, 3); /* it never was one */
	rig.values[NH4] = 20;
	pass(&rig, 4);
	assert_true(limit_is_raised(&rig.core->limits[NH4_LIMIT].state));
	assert_int_equal(rig.core->limits[NH4_LIMIT].beyond_ms, 3000);
	rig.values[NH4] = 1;
	pass(&rig, 1);
	assert_int_equal(rig.core->limits[NH4_LIMIT].beyond_ms, 4000);
	rig_close(&rig);
}

/* a mean counts for its window */
static void test_duration_of_a_mean(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	rig.values[NH4] = 95;
	pass(&rig, 121);
	assert_int_equal(rig.core->limits[NH4_MEAN].beyond_ms, 120000);
	rig_close(&rig);
}

#define assert_close(a, b) assert_true(fabs((a) - (b)) <= 1e-12)

static void test_mass(void **state)
{
	struct mass *mass;
	struct rig rig;
	const char *line;

	(void)state;
	rig_open(&rig);
	assert_int_equal(rig.core->n_released, 2); /* neither pH, nor TSS, which has no flow */
	mass = &rig.core->masses[COD];
	run(&rig, 5, 100, 7);
	assert_false(mass->counting);
	run(&rig, 1, 200, 7); /* opens at second 5 */
	assert_true(mass->counting);
	run(&rig, 10, 200, 7);
	core_settle(rig.core);
	assert_close(mass->total_kg, 10 * 0.2 * 0.01);
	assert_close(mass->above_kg, 10 * 0.05 * 0.01);
	assert_close(rig.core->masses[NH4].total_kg, 10 * 0.001 * 0.01);
	assert_close(rig.core->masses[NH4].above_kg, 0);
	rig.qualities[Q] = QUALITY_DEVICE_FAULT; /* without the flow nothing is known */
	run(&rig, 9, 200, 7);
	rig.qualities[Q] = QUALITY_GOOD;
	run(&rig, 5, 200, 7); /* 25 to 29 */
	run(&rig, 6, 100, 7); /* 30 to 35: in order, no release any more */
	core_settle(rig.core);
	assert_close(mass->total_kg, 14 * 0.2 * 0.01 + 0.15 * 0.01);
	assert_int_equal(mass->covered_ms, 15000);
	batch_clear(&rig.batch);
	rig.values[Q] = 0;
	/* ends 30 s after second 30, at 60; what flows until then does not count */
	run(&rig, 25, 100, 7);
	run(&rig, 1, 100, 7);
	line = said(&rig, EVENT_INCIDENT_ENDED)->line;
	/* 0.02 + 0.008 + the slope from 200 down to 100; 15 of 25 seconds */
	assert_has(line, "{\"above\":\"0.00725\",\"channel\":\"COD\",\"covered_percent\":60,"
			 "\"from\":\"2026-11-24T21:00:05.000+07:00\",\"limit\":\"s/out/COD/"
			 "limit-high\",\"source\":\"out\","
			 "\"total\":\"0.0295\",\"unit\":\"kg\","
			 "\"until\":\"2026-11-24T21:00:30.000+07:00\"}");
	assert_has(
		said(&rig, EVENT_INCIDENT_ENDED)->message,
		"; COD: 0.0295 kg released, 0.00725 kg of it above the limit of 150 mg/l (60 % of "
		"the time was measured)");
	assert_has(report_to(&rig, 0, "incident.ended")->body,
		   "\"released\":[{\"above\":\"0.00725\",\"bound\":\"150\",\"bound_unit\":\"mg/l\","
		   "\"channel\":\"COD\",\"covered_percent\":60,"
		   "\"from\":\"2026-11-24T21:00:05.000+07:00\",\"limit\":\"s/out/COD/limit-high\","
		   "\"source\":\"out\",\"total\":\"0.0295\",\"unit\":\"kg\","
		   "\"until\":\"2026-11-24T21:00:30.000+07:00\"},");
	assert_has(report_to(&rig, 0, "incident.ended")->body,
		   "\"response\":{\"command\":\"Lan, \\\"shift\\\" leader\","
		   "\"contact\":{\"phone\":\"+84 205 1\"},\"plan\":\"12/KH\"}");
	assert_false(mass->counting);
	assert_close(mass->total_kg, 0);
	rig_close(&rig);
}

/* one ends and the next begins in the same moment: it begins at nothing */
static void test_mass_of_the_next(void **state)
{
	struct mass *mass;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	mass = &rig.core->masses[COD];
	run(&rig, 10, 200, 7);
	run(&rig, 30, 100, 7); /* quiet from second 10 */
	assert_int_equal(n_said(&rig, EVENT_INCIDENT_ENDED), 0);
	run(&rig, 1, 200, 7);
	assert_int_equal(n_said(&rig, EVENT_INCIDENT_ENDED), 1);
	assert_int_equal(n_said(&rig, EVENT_INCIDENT_OPENED), 2);
	run(&rig, 5, 200, 7);
	core_settle(rig.core);
	assert_int_equal(mass->from.wall_ms, WALL_0 + 40000);
	assert_close(mass->total_kg, 5 * 0.2 * 0.01);
	rig_close(&rig);
}

/* a flow meter that is dead all the time: not known is not 0 */
static void test_mass_is_not_known(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	rig.qualities[Q] = QUALITY_COMMUNICATION_LOST;
	run(&rig, 30, 200, 7);
	run(&rig, 40, 100, 7);
	assert_has(said(&rig, EVENT_INCIDENT_ENDED)->line,
		   "{\"channel\":\"COD\",\"covered_percent\":0,"
		   "\"from\":\"2026-11-24T21:00:00.000+07:00\",\"source\":\"out\","
		   "\"unit\":\"kg\",\"until\":\"2026-11-24T21:00:30.000+07:00\"}");
	assert_has(said(&rig, EVENT_INCIDENT_ENDED)->message,
		   "; COD: nothing is known of the mass released");
	assert_null(strstr(report_to(&rig, 0, "incident.ended")->body, "\"total\""));
	rig_close(&rig);
}

/* what waits for its raise delay counts from "since"; where it never is an alarm, not at all */
static void test_mass_from_since(void **state)
{
	struct mass *mass;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	mass = &rig.core->masses[NH4];
	rig.values[NH4] = 20;
	pass(&rig, 3);
	rig.values[NH4] = 1;
	pass(&rig, 2);
	core_settle(rig.core);
	assert_false(mass->counting);
	assert_close(mass->total_kg, 0);
	rig.values[NH4] = 20; /* from second 5, an alarm at 8 */
	pass(&rig, 11);
	core_settle(rig.core);
	assert_int_equal(mass->from.wall_ms, WALL_0 + 5000);
	assert_close(mass->total_kg, 10 * 0.02 * 0.01);
	assert_close(mass->above_kg, 10 * 0.01 * 0.01);
	assert_int_equal(rig.core->masses[COD].from.wall_ms, WALL_0 + 8000);
	assert_close(rig.core->masses[COD].total_kg, 7 * 0.05 * 0.01);
	rig_close(&rig);
}

/* --- a flood -------------------------------------------------------------------------------- */

/* 2,000 alarms within a minute: one incident, few updates, nothing lost */
static void test_flood(void **state)
{
	enum { N = 2000 };
	struct config_limit *limits = calloc(N, sizeof(*limits));
	char(*paths)[64] = calloc(N, sizeof(*paths));
	struct config big = *config;
	struct plan *own = NULL;
	size_t n_opened, n_raised = 0, n_told = 0;
	const char *body, *left_out;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	rig.core = core_free(rig.core);
	for (size_t i = 0; i < N; i++) {
		(void)snprintf(paths[i], sizeof(paths[i]), "s/out/COD/l%zu", i);
		limits[i] = config->limits[COD_LIMIT];
		limits[i].path = paths[i];
		limits[i].bound = 150 + 0.4 * (double)i;
	}
	big.limits = limits;
	big.n_limits = N;
	assert_int_equal(plan_new(&own, &big), 0);
	assert_int_equal(core_new(&rig.core, &big, own, &rig.batch), 0);
	for (int i = 0; i < 60; i++)
		run(&rig, 1, 150 + 800 * (i + 1) / 60.0, 7);
	n_opened = n_said(&rig, EVENT_INCIDENT_OPENED);
	n_raised = n_said(&rig, EVENT_ALARM_RAISED);
	assert_int_equal(n_opened, 1);
	assert_int_equal(n_raised, N);
	assert_true(n_said(&rig, EVENT_INCIDENT_UPDATED) <= 2); /* one in 20 s */
	assert_true(n_said(&rig, EVENT_INCIDENT_UPDATED) >= 2);
	for (size_t i = 0; i < rig.batch.n_entries; i++)
		if (rig.batch.entries[i].type == EVENT_ALARM_RAISED)
			assert_string_equal(rig.batch.entries[i].incident,
					    rig.batch.incidents[0].id);
	batch_clear(&rig.batch);
	run(&rig, 40, 100, 7);
	assert_int_equal(n_said(&rig, EVENT_ALARM_CLEARED), N);
	body = report_to(&rig, 0, "incident.ended")->body;
	for (const char *c = body; (c = strstr(c, "\"peak\":")); c++)
		n_told++;
	left_out = strstr(body, "\"alarms_left_out\":");
	assert_non_null(left_out);
	assert_int_equal(n_told, 60);
	assert_int_equal(n_told + (size_t)atol(left_out + strlen("\"alarms_left_out\":")), N);
	assert_int_equal(rig.batch.incidents[rig.batch.n_incidents - 1].n_alarms, N);
	rig_close(&rig);
	own = plan_free(own);
	free(limits);
	free(paths);
}

/* --- restart ---------------------------------------------------------------------------------- */

enum { STEPS = 160 };

/* what the channels measure in a second of the run below */
static void play(struct rig *rig, int second)
{
	static const struct {
		int from;
		size_t channel;
		double value;
		enum quality quality;
	} changes[] = {
		{3, COD, 200, QUALITY_GOOD},	  {8, Q, 50, QUALITY_GOOD},
		{12, Q, 0, QUALITY_DEVICE_FAULT}, {17, Q, 20, QUALITY_GOOD},
		{20, NH4, 20, QUALITY_GOOD},	  {30, TSS, 300, QUALITY_GOOD},
		{33, COD, 400, QUALITY_GOOD},	  {40, COD, 100, QUALITY_GOOD},
		{41, NH4, 1, QUALITY_GOOD},	  {45, TSS, 10, QUALITY_GOOD},
		{100, NH4, 30, QUALITY_GOOD},	  {110, NH4, 1, QUALITY_GOOD},
	};

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
		if (changes[i].from == second) {
			rig->values[changes[i].channel] = changes[i].value;
			rig->qualities[changes[i].channel] = changes[i].quality;
		}
	pass(rig, 1);
	if (second == 10)
		(void)act(rig, (struct action){.kind = ACTION_INCIDENT_ACKNOWLEDGE,
					       .target = rig->core->incidents[WASTE_LIQUID].id});
}

static void write_down(FILE *out, struct rig *rig)
{
	for (size_t i = 0; i < rig->batch.n_entries; i++)
		(void)fprintf(out, "%s\n", rig->batch.entries[i].line);
	for (size_t i = 0; i < rig->batch.n_reports; i++)
		(void)fprintf(out, "%s\n", rig->batch.reports[i].body);
	batch_clear(&rig->batch);
}

/* all of the run, killed and restored after @killed seconds; -1: never */
static char *whole_run(int killed)
{
	char *text = NULL;
	size_t n = 0, n_state = 0;
	FILE *out = open_memstream(&text, &n);
	void *bytes = NULL;
	struct rig rig;

	rig_open(&rig);
	for (int second = 0; second < STEPS; second++) {
		play(&rig, second);
		write_down(out, &rig);
		if (second != killed)
			continue;
		assert_int_equal(core_save(rig.core, &bytes, &n_state), 0);
		struct chain chain = rig.core->chain;

		rig.core = core_free(rig.core);
		assert_int_equal(core_new(&rig.core, config, plan, &rig.batch), 0);
		(void)strcpy(rig.core->log_id, "0123456789abcdef");
		assert_int_equal(core_restore(rig.core, bytes, n_state), 0);
		rig.core->chain = chain;
		free(bytes);
	}
	(void)fclose(out);
	rig_close(&rig);
	return text;
}

/* killed after any second, masses, durations, levels and who acknowledged are what they were */
static void test_restart_anywhere(void **state)
{
	static const char *const parts[] = {"\"released\":[{\"above\":", "\"duration_s\":10",
					    "\"level\":\"province\"",
					    "\"acknowledged\":", "\"type\":\"incident.ended\""};
	char *whole = whole_run(-1);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		assert_has(whole, parts[i]);
	for (int i = 0; i < STEPS; i++) {
		char *text = whole_run(i);

		if (strcmp(text, whole) != 0)
			fail_msg("killed after second %d it says otherwise", i);
		free(text);
	}
	free(whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_acknowledge),
		cmocka_unit_test(test_close),
		cmocka_unit_test(test_close_tells_those_who_know),
		cmocka_unit_test(test_level_of_the_source),
		cmocka_unit_test(test_level_of_the_assessment),
		cmocka_unit_test(test_level_after_reload),
		cmocka_unit_test(test_duration),
		cmocka_unit_test(test_duration_from_since),
		cmocka_unit_test(test_duration_of_a_mean),
		cmocka_unit_test(test_mass),
		cmocka_unit_test(test_mass_is_not_known),
		cmocka_unit_test(test_mass_of_the_next),
		cmocka_unit_test(test_mass_from_since),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_restart_anywhere),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
