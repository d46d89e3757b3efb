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
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/action.h"
#include "core/core.h"

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
	"sources:\n"
	"  - name: out\n"
	"    kind: liquid\n"
	"    channels:\n"
	"      - {name: COD, from: u, address: 0, type: uint16, range: [0, 1000], unit: mg/l}\n"
	"      - {name: pH, from: u, address: 1, type: float32, order: CDAB, range: [0, 14]}\n"
	"    limits:\n"
	"      - {channel: COD, class: limit, origin: permit, high: 150, clear-delay: 0s}\n"
	"      - {channel: COD, class: emergency, origin: permit, high: 300, clear-delay: 0s}\n"
	"      - {channel: pH, class: limit, origin: permit, low: 5.5, clear-delay: 0s}\n";

enum { COD, PH, N_CHANNELS };

static struct config *config;
static struct plan *plan;

static void write_file(const char *directory, const char *name, const char *text)
{
	char path[256];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
	static const char *const names[] = {"sites.d/s.yaml", "wastewatch.yaml"};
	char directory[] = "/tmp/test-incident-XXXXXX", path[256];
	int r;

	(void)state;
	assert_non_null(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/sites.d", directory);
	assert_int_equal(mkdir(path, 0700), 0);
	write_file(directory, names[0], site_yaml);
	write_file(directory, names[1], main_yaml);
	r = config_load(&config, directory, stderr, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char file[300];

		(void)snprintf(file, sizeof(file), "%s/%s", directory, names[i]);
		(void)unlink(file);
	}
	(void)rmdir(path);
	(void)rmdir(directory);
	return r < 0 ? r : plan_new(&plan, config);
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
	char error[ACTION_ERROR_MAX];
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

/* @n seconds with a tick and a value of both channels in each */
static void run(struct rig *rig, int n, double cod, double ph)
{
	for (int i = 0; i < n; i++) {
		core_tick(rig->core, 0, rig->at);
		core_sample(rig->core, COD, rig->at, cod, QUALITY_GOOD, 0);
		core_sample(rig->core, PH, rig->at, ph, QUALITY_GOOD, 0);
		rig->at.mono_ms += 1000;
		rig->at.wall_ms += 1000;
	}
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_acknowledge),
		cmocka_unit_test(test_close),
		cmocka_unit_test(test_close_tells_those_who_know),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
