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

#include "core/core.h"
#include "load.h"

/* assert_float_equal() compares in single precision */
#define assert_close(a, b, epsilon) assert_true(fabs((a) - (b)) <= (epsilon))

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
	"      - {name: COD, from: u, address: 0, type: uint16, scale: 0.1, range: [0, 1000], "
	"invalid: [0xFFFF], unit: mg/l, lost-after: 5s}\n"
	"      - {name: pH, from: u, address: 1, type: float32, order: CDAB, range: [0, 14], "
	"lost-after: 5s}\n"
	"      - {name: pump, from: u, table: coil, address: 19, range: [0, 1], lost-after: 5s}\n"
	"      - {name: valve, from: u, table: coil, address: 0, range: [0, 1], lost-after: 5s}\n"
	"    limits:\n"
	"      - {channel: COD, class: warning, high: 100, clear-delay: 0s}\n"
	"      - {channel: COD, class: limit, origin: permit, high: 150, deadband: 5, raise-delay: "
	"2s, "
	"clear-delay: 3s}\n"
	"      - {channel: COD, class: emergency, origin: permit, high: 300, clear-delay: 0s}\n"
	"      - {channel: COD, name: mean, class: limit, origin: permit, high: 150, on: "
	"mean-1min, clear-delay: "
	"0s}\n"
	"      - {channel: pH, class: limit, origin: permit, low: 5.5, clear-delay: 0s}\n"
	"  - name: stack\n"
	"    kind: gas\n"
	"    channels:\n"
	"      - {name: SO2, from: u, address: 40, type: int16, range: [0, 2000], unit: mg/Nm3, "
	"lost-after: 5s}\n"
	"    limits:\n"
	"      - {channel: SO2, class: limit, origin: permit, high: 500, clear-delay: 0s}\n";

enum { COD, PH, PUMP, VALVE, SO2, N_CHANNELS };
enum { COD_WARNING, COD_LIMIT, COD_EMERGENCY, COD_MEAN, PH_LOW, SO2_LIMIT, N_LIMITS };

static struct config *config;
static struct plan *plan;

static int set_up(void **state)
{
	int r;

	(void)state;
	r = load_config(&config, main_yaml, site_yaml, stderr);
	if (r < 0)
		return r;
	assert_int_equal(config->n_channels, N_CHANNELS);
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

/* --- a core with its batch and its clock -------------------------------------------- */

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

static void pass(struct rig *rig, int64_t ms)
{
	rig->at.mono_ms += ms;
	rig->at.wall_ms += ms;
}

/* what a quiet second brings, but for @channel, which is left out; N_CHANNELS: none */
static void others(struct rig *rig, size_t channel)
{
	static const double values[N_CHANNELS] = {50, 7, 1, 0, 100};

	for (size_t i = 0; i < N_CHANNELS; i++)
		if (i != channel)
			core_sample(rig->core, i, rig->at, values[i], QUALITY_GOOD, 0);
}

/* @n seconds, in each a tick, one value of @channel and quiet ones of all others */
static void run(struct rig *rig, size_t channel, int n, double value, enum quality quality,
		uint32_t reason)
{
	for (int i = 0; i < n; i++) {
		core_tick(rig->core, 0, rig->at);
		others(rig, channel);
		if (channel < N_CHANNELS)
			core_sample(rig->core, channel, rig->at, value, quality, reason);
		pass(rig, 1000);
	}
}

static void good(struct rig *rig, size_t channel, int n, double value)
{
	run(rig, channel, n, value, QUALITY_GOOD, 0);
}

static void quiet(struct rig *rig, int n)
{
	run(rig, N_CHANNELS, n, 0, QUALITY_GOOD, 0);
}

/* the entries since the last call as "type channel/limit; …", ticks aside */
static const char *said(struct rig *rig)
{
	static char text[8192];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < rig->batch.n_entries; i++) {
		const char *line = rig->batch.entries[i].line,
			   *limit = strstr(line, "\"limit\":\"");
		int length = limit ? (int)strcspn(limit + 9, "\"") : 0;

		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s%s%.*s", n ? "; " : "",
				      event_type_text(rig->batch.entries[i].type), limit ? " " : "",
				      length, limit ? limit + 9 : "");
	}
	batch_clear(&rig->batch);
	return text;
}

static bool has(const char *text, const char *part)
{
	return strstr(text, part) != NULL;
}

/* --- alarms and incidents ------------------------------------------------------------ */

static void test_quiet(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	quiet(&rig, 120);
	assert_string_equal(said(&rig), "");
	rig_close(&rig);
}

static void test_life_of_an_incident(void **state)
{
	struct rig rig;
	char id[INCIDENT_ID_MAX];

	(void)state;
	rig_open(&rig);
	quiet(&rig, 3);
	good(&rig, COD, 2, 160); /* the warning at once, the limit after its delay */
	assert_string_equal(said(&rig), "alarm.raised warning-high");
	good(&rig, COD, 1, 170);
	assert_int_equal(rig.batch.n_entries, 2);
	assert_string_equal(rig.batch.incidents[0].id, "s-liquid-20261124T140005Z");
	assert_int_equal(rig.batch.incidents[0].first_out, COD_LIMIT);
	assert_int_equal(rig.batch.incidents[0].ended_ms, 0);
	(void)strcpy(id, rig.batch.incidents[0].id);
	assert_int_equal(rig.batch.n_alarms, 1);
	assert_int_equal(rig.batch.alarms[0].limit, COD_LIMIT);
	assert_int_equal(rig.batch.alarms[0].raised, 1);
	assert_int_equal(rig.batch.alarms[0].since_ms, WALL_0 + 3000);
	assert_int_equal(rig.batch.alarms[0].changed_ms, WALL_0 + 5000);
	assert_string_equal(rig.batch.alarms[0].incident, id);
	assert_true(has(rig.batch.entries[0].line, id)); /* the alarm names its incident */
	assert_string_equal(rig.batch.entries[1].incident, id);
	assert_int_equal(rig.batch.n_reports, 1);
	assert_int_equal(rig.batch.reports[0].destination, 0);
	assert_int_equal(rig.batch.reports[0].lane, 1);
	assert_string_equal(rig.batch.reports[0].type, "incident.opened");
	assert_string_equal(said(&rig), "alarm.raised limit-high; incident.opened limit-high");

	good(&rig, PH, 1, 5); /* joins; no update before its time */
	assert_string_equal(said(&rig), "alarm.cleared warning-high; alarm.raised limit-low");
	quiet(&rig, 1);
	assert_string_equal(said(&rig), "alarm.cleared limit-low");
	quiet(&rig, 2);
	assert_string_equal(said(&rig), "alarm.cleared limit-high");
	quiet(&rig, 29); /* the update when it is due; 30 s of quiet have not passed */
	assert_int_equal(rig.batch.n_reports, 1);
	assert_string_equal(rig.batch.reports[0].type, "incident.updated");
	assert_string_equal(said(&rig), "incident.updated");
	quiet(&rig, 1);
	assert_int_equal(rig.batch.n_incidents, 1);
	assert_string_equal(rig.batch.incidents[0].id, id);
	assert_int_equal(rig.batch.incidents[0].ended_ms, WALL_0 + 39000);
	assert_int_equal(rig.batch.incidents[0].n_alarms, 2);
	assert_string_equal(rig.batch.reports[0].type, "incident.ended");
	assert_string_equal(said(&rig), "incident.ended");
	quiet(&rig, 120);
	assert_string_equal(said(&rig), "");
	rig_close(&rig);
}

static void test_warning_opens_nothing(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	good(&rig, COD, 200, 140);
	assert_int_equal(rig.batch.n_reports, 0);
	assert_int_equal(rig.batch.n_incidents, 0);
	assert_int_equal(rig.batch.alarms[0].incident[0], '\0');
	assert_string_equal(said(&rig), "alarm.raised warning-high");
	rig_close(&rig);
}

/* one that never ends: an update every report-interval, however much happens
 * faults: D4 */
static void test_updates_are_bounded(void **state)
{
	struct rig rig;
	size_t n = 0;

	(void)state;
	rig_open(&rig);
	for (int i = 0; i < 200; i++)
		good(&rig, COD, 1, 160 + 0.1 * i); /* a new peak every second */
	for (size_t i = 0; i < rig.batch.n_entries; i++)
		n += rig.batch.entries[i].type == EVENT_INCIDENT_UPDATED;
	assert_int_equal(n, (200 - 2 - 1) / 20); /* opened in second 2 */
	assert_int_equal(rig.batch.n_reports, n + 1);
	(void)said(&rig);
	good(&rig, COD, 100, 160); /* nothing new: at most one more */
	assert_true(rig.batch.n_reports <= 1);
	rig_close(&rig);
}

static void count_reports(struct rig *rig, const char *type, size_t wanted)
{
	size_t n = 0;

	for (size_t i = 0; i < rig->batch.n_reports; i++)
		n += strcmp(rig->batch.reports[i].type, type) == 0;
	assert_int_equal(n, wanted);
}

/* to and fro over a limit, with neither delay nor deadband: one incident, and no more reports than
 * report-interval lets through
 * faults: D4 */
static void test_flapping(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	for (int i = 0; i < 500; i++)
		good(&rig, PH, 1, i % 2 ? 5.6 : 5.4);
	count_reports(&rig, "incident.opened", 1);
	count_reports(&rig, "incident.updated", 499 / 20);
	count_reports(&rig, "incident.ended", 0);
	assert_int_equal(rig.batch.n_reports, 1 + 499 / 20);
	batch_clear(&rig.batch);
	quiet(&rig, 60);
	count_reports(&rig, "incident.ended", 1);
	rig_close(&rig);
}

/* a swing about the limit within its deadband and delays, on which there is noise
 * faults: D4 */
static void test_flapping_within_the_deadband(void **state)
{
	uint32_t noise = 20110716;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	good(&rig, COD, 4, 152);
	assert_true(has(said(&rig), "incident.opened limit-high"));
	for (int i = 0; i < 500; i++) {
		noise = noise * 1664525 + 1013904223;
		good(&rig, COD, 1, 148 + 3 * sin(i / 7.0) + (double)(noise >> 16) / 0x10000);
	}
	for (size_t i = 0; i < rig.batch.n_entries; i++)
		assert_int_equal(rig.batch.entries[i].type, EVENT_INCIDENT_UPDATED);
	assert_true(rig.batch.n_entries <= 500 / 20);
	rig_close(&rig);
}

/* a destination of emergencies gets "opened" first, though for others it is an update */
static void test_escalation(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	good(&rig, COD, 3, 160);
	assert_int_equal(rig.batch.n_reports, 1);
	(void)said(&rig);
	good(&rig, COD, 1, 301);
	assert_int_equal(rig.batch.n_reports, 2);
	assert_string_equal(rig.batch.reports[0].type, "incident.updated");
	assert_int_equal(rig.batch.reports[0].destination, 0);
	assert_string_equal(rig.batch.reports[1].type, "incident.opened");
	assert_int_equal(rig.batch.reports[1].destination, 1);
	assert_true(has(rig.batch.reports[1].body, "\"type\":\"incident.opened\""));
	assert_true(has(rig.batch.reports[1].body, "\"class\":\"emergency\""));
	assert_int_equal(rig.batch.reports[0].lane, 0); /* both are urgent now */
	assert_int_equal(rig.batch.reports[1].lane, 0);
	assert_string_not_equal(rig.batch.reports[0].webhook_id, rig.batch.reports[1].webhook_id);
	assert_string_equal(said(&rig), "alarm.raised emergency-high; incident.updated");
	good(&rig, COD, 1, 299);
	quiet(&rig, 40); /* it keeps its class to the end, so the end is told to both */
	assert_int_equal(rig.batch.reports[rig.batch.n_reports - 1].destination, 1);
	assert_string_equal(rig.batch.reports[rig.batch.n_reports - 1].type, "incident.ended");
	rig_close(&rig);
}

static void test_kinds_are_apart(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	good(&rig, COD, 3, 160);
	good(&rig, SO2, 1, 501);
	assert_string_equal(rig.batch.incidents[rig.batch.n_incidents - 1].id,
			    "s-gas-20261124T140003Z");
	assert_int_equal(rig.batch.incidents[rig.batch.n_incidents - 1].kind, WASTE_GAS);
	rig_close(&rig);
}

/* faults: D5 */
static void test_bad_neither_raises_nor_clears(void **state)
{
	struct rig rig;

	(void)state;
	for (int quality = 1; quality <= QUALITY_MAX; quality++) {
		rig_open(&rig);
		run(&rig, COD, 4, 999, (enum quality)quality, 0);
		assert_string_equal(said(&rig), "");
		good(&rig, COD, 3, 160);
		(void)said(&rig);
		run(&rig, COD, 4, 0, (enum quality)quality, 0);
		assert_string_equal(said(&rig), "");
		assert_true(limit_is_raised(&rig.core->limits[COD_LIMIT].state));
		rig_close(&rig);
	}
}

/* a channel that stops in the middle of a delay: silence does not pass for time held */
static void test_silence_pauses_delays(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	good(&rig, COD, 1, 160); /* the limit's delay has begun */
	(void)said(&rig);
	for (int i = 0; i < 30; i++) {
		core_tick(rig.core, 0, rig.at);
		others(&rig, COD);
		pass(&rig, 1000);
	}
	assert_string_equal(said(&rig), "measurement.lost");
	good(&rig, COD, 1, 160);
	assert_string_equal(said(&rig), "measurement.restored");
	good(&rig, COD, 2, 160);
	assert_string_equal(said(&rig), "alarm.raised limit-high; incident.opened limit-high");
	rig_close(&rig);
}

/* --- minutes ------------------------------------------------------------------------- */

static const struct batch_minute *minute_of(const struct rig *rig, size_t channel)
{
	for (size_t i = 0; i < rig->batch.n_minutes; i++)
		if (rig->batch.minutes[i].channel == channel)
			return &rig->batch.minutes[i];
	fail_msg("no minute of channel %zu", channel);
	return NULL;
}

static void test_minutes(void **state)
{
	const struct batch_minute *minute;
	struct rig rig;

	(void)state;
	rig_open(&rig);
	good(&rig, COD, 30, 10);
	good(&rig, COD, 15, 30);
	run(&rig, COD, 15, 0, QUALITY_CALIBRATING, 0);
	assert_int_equal(rig.batch.n_minutes, 0);
	good(&rig, COD, 1, 40);
	assert_int_equal(rig.batch.n_minutes, N_CHANNELS);
	minute = minute_of(&rig, COD);
	assert_int_equal(minute->row.start_ms, WALL_0);
	assert_int_equal(minute->row.n, 45);
	assert_int_equal(minute->row.capture, 75);
	assert_true(minute->row.valid);
	assert_int_equal(minute->row.worst, QUALITY_CALIBRATING);
	assert_close(minute->row.mean, (30 * 10 + 15 * 30) / 45.0, 1e-9);
	assert_close(minute->row.min, 10, 0);
	assert_close(minute->row.max, 30, 0);
	minute = minute_of(&rig, PH);
	assert_int_equal(minute->row.n, 60);
	assert_int_equal(minute->row.capture, 100);
	(void)said(&rig);
	rig_close(&rig);
}

/* one value short of what is required: invalid, and its mean judges nothing */
static void test_invalid_minute(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	for (int i = 0; i < 60; i++) /* beyond on the mean; on the value never 2 s long */
		i % 4 == 3 ? run(&rig, COD, 1, 0, QUALITY_CALIBRATING, 0)
			   : good(&rig, COD, 1, i % 2 ? 299 : 149);
	good(&rig, COD, 1, 50);
	assert_int_equal(minute_of(&rig, COD)->row.capture, 75);
	assert_true(has(said(&rig), "alarm.raised mean"));
	rig_close(&rig);
	rig_open(&rig);
	for (int i = 0; i < 60; i++)
		i % 4 == 3 || i == 0 ? run(&rig, COD, 1, 0, QUALITY_CALIBRATING, 0)
				     : good(&rig, COD, 1, i % 2 ? 299 : 149);
	good(&rig, COD, 1, 50);
	assert_int_equal(minute_of(&rig, COD)->row.capture, 73);
	assert_false(minute_of(&rig, COD)->row.valid);
	assert_false(has(said(&rig), "mean"));
	rig_close(&rig);
}

/* a mean beyond the limit is dated from the start of its minute */
static void test_mean_limit(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	for (int i = 0; i < 61; i++)
		good(&rig, COD, 1, i % 2 ? 50 : 290);
	for (size_t i = 0; i < rig.batch.n_alarms; i++)
		if (rig.batch.alarms[i].limit == COD_MEAN) {
			assert_close(rig.batch.alarms[i].value, 170, 1e-9);
			assert_int_equal(rig.batch.alarms[i].since_ms, WALL_0);
			assert_int_equal(rig.batch.alarms[i].changed_ms, WALL_0 + 60000);
		}
	assert_true(has(said(&rig), "alarm.raised mean; incident.opened mean"));
	rig_close(&rig);
}

/* --- lost and restored ---------------------------------------------------------------- */

static void test_lost(void **state)
{
	static const struct {
		enum quality quality;
		uint32_t reason;
		const char *text;
	} rows[] = {
		{QUALITY_COMMUNICATION_LOST, WIRE_TIMEOUT, "\"no answer in time\""},
		{QUALITY_COMMUNICATION_LOST, WIRE_DISCONNECTED, "\"link is down\""},
		{QUALITY_COMMUNICATION_LOST, WIRE_EXCEPTION,
		 "\"gateway does not reach the device\""},
		{QUALITY_COMMUNICATION_LOST, 0, "\"communication lost\""},
		{QUALITY_DEVICE_FAULT, 4, "\"device answers with exception 4\""},
		{QUALITY_DEVICE_FAULT, 0, "\"device fault\""},
		{QUALITY_NOT_A_NUMBER, 0, "\"not a number\""},
		{QUALITY_OUT_OF_RANGE, 0, "\"out of range\""},
		{QUALITY_CALIBRATING, 0, "\"calibrating\""},
	};
	struct rig rig;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		rig_open(&rig);
		quiet(&rig, 2); /* last good value in second 1 */
		run(&rig, COD, 4, 0, rows[i].quality, rows[i].reason);
		assert_int_equal(rig.batch.n_entries, 0);
		run(&rig, COD, 20, 0, rows[i].quality, rows[i].reason); /* second 6 */
		assert_int_equal(rig.batch.n_entries, 1);
		assert_true(has(rig.batch.entries[0].line, rows[i].text));
		assert_true(has(rig.batch.entries[0].line, "\"since\":\"2026-11-24T21:00:01.000"));
		assert_true(has(rig.batch.entries[0].line, "\"time\":\"2026-11-24T21:00:06.000"));
		assert_string_equal(said(&rig), "measurement.lost");
		good(&rig, COD, 3, 50);
		assert_true(has(rig.batch.entries[0].line, "\"value\":\"50\""));
		assert_string_equal(said(&rig), "measurement.restored");
		rig_close(&rig);
	}
}

/* it never came at all: counted from the first tick */
static void test_lost_from_the_start(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	for (int i = 0; i < 10; i++) {
		core_tick(rig.core, 0, rig.at);
		others(&rig, SO2);
		pass(&rig, 1000);
	}
	assert_true(has(rig.batch.entries[0].line, "\"channel\":\"SO2\""));
	assert_true(has(rig.batch.entries[0].line, "\"time\":\"2026-11-24T21:00:05.000"));
	assert_string_equal(said(&rig), "measurement.lost");
	rig_close(&rig);
}

/* blindness during an incident is part of it, and reported */
static void test_lost_in_an_incident(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	good(&rig, COD, 3, 160);
	(void)said(&rig);
	run(&rig, COD, 30, 0, QUALITY_COMMUNICATION_LOST, WIRE_TIMEOUT);
	assert_string_equal(rig.batch.entries[0].incident, "s-liquid-20261124T140002Z");
	assert_int_equal(rig.batch.n_reports, 1);
	assert_true(has(rig.batch.reports[0].body, "\"lost\":true"));
	assert_true(has(rig.batch.reports[0].body, "\"quality\":\"communication lost\""));
	assert_true(has(rig.batch.reports[0].body, "\"status\":\"02\""));
	assert_true(has(rig.batch.reports[0].body, "\"reason\":\"no answer in time\""));
	assert_true(has(rig.batch.reports[0].body, "\"means\":{}"));
	assert_string_equal(said(&rig), "measurement.lost; incident.updated");
	run(&rig, COD, 600, 0, QUALITY_COMMUNICATION_LOST, WIRE_TIMEOUT);
	assert_string_equal(said(&rig), ""); /* and it does not end while nobody can see */
	good(&rig, COD, 1, 170);
	good(&rig, COD, 60, 160);
	assert_true(has(rig.batch.reports[rig.batch.n_reports - 1].body,
			"\"means\":{\"5min\":{\"capture_percent\":0,\"from\":\"2026-11-24T21:05:00."
			"000+07:00\","
			"\"valid\":false}}"));
	rig_close(&rig);
}

/* --- time ---------------------------------------------------------------------------- */

static void test_clock_steps(void **state)
{
	static const struct {
		int64_t step_ms;
		const char *number; /* NULL: too small to say */
	} rows[] = {
		{3600000, "\"step_ms\":3600000"},
		{-3600000, "\"step_ms\":-3600000"},
		{501, "\"step_ms\":501"},
		{-501, "\"step_ms\":-501"},
		{499, NULL},
		{-499, NULL},
	};
	struct rig rig;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		rig_open(&rig);
		quiet(&rig, 10);
		rig.at.wall_ms += rows[i].step_ms;
		quiet(&rig, 10);
		if (rows[i].number)
			assert_true(has(rig.batch.entries[0].line, rows[i].number));
		assert_string_equal(said(&rig), rows[i].number ? "clock.stepped" : "");
		rig_close(&rig);
	}
}

/* a step neither ends an incident nor a delay: those run on the monotonic clock */
static void test_step_in_an_incident(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	good(&rig, COD, 3, 160);
	quiet(&rig, 10);
	(void)said(&rig);
	rig.at.wall_ms += 86400000;
	quiet(&rig, 5);
	assert_string_equal(said(&rig), "clock.stepped");
	rig.at.wall_ms -= 2 * INT64_C(86400000);
	quiet(&rig, 60);
	assert_true(has(said(&rig), "incident.ended"));
	rig_close(&rig);
}

/* set back over a minute's start: two rows of one minute, and every value is in one */
static void test_minutes_over_a_step(void **state)
{
	struct rig rig;
	uint32_t n = 0;

	(void)state;
	rig_open(&rig);
	quiet(&rig, 70);
	rig.at.wall_ms -= 30000;
	quiet(&rig, 120);
	for (size_t i = 0; i < rig.batch.n_minutes; i++)
		if (rig.batch.minutes[i].channel == COD)
			n += rig.batch.minutes[i].row.n;
	n += rig.core->channels[COD].minute.n;
	assert_int_equal(n, 190);
	rig_close(&rig);
}

static void test_late(void **state)
{
	struct rig rig;
	struct stamp before;

	(void)state;
	rig_open(&rig);
	quiet(&rig, 5);
	before = rig.at;
	before.mono_ms -= 3000;
	before.wall_ms -= 3000;
	for (int i = 0; i < 3; i++)
		core_sample(rig.core, COD, before, 999, QUALITY_GOOD, 0);
	core_tick(rig.core, 0, before); /* nor does an old tick turn time back */
	assert_string_equal(said(&rig), "");
	quiet(&rig, 1);
	assert_true(has(rig.batch.entries[0].line, "\"readings\":3"));
	assert_string_equal(said(&rig), "readings.lost");
	quiet(&rig, 5);
	assert_string_equal(said(&rig), "");
	rig_close(&rig);
}

/* --- readings ------------------------------------------------------------------------ */

struct packed {
	struct wire_reading reading;
	uint16_t words[128];
};

static uint64_t key_of(size_t channel)
{
	for (size_t i = 0; i < plan->n_parts; i++)
		if (plan->parts[i].channel == channel)
			return plan->requests[plan->parts[i].request].key;
	fail();
	return 0;
}

/* about the whole of its request, unless the row says which part */
static void give(struct rig *rig, struct packed *packed)
{
	uint32_t request = plan_find_request(plan, packed->reading.key);

	if (packed->reading.count == 0 && request != PLAN_NO_REQUEST)
		packed->reading.count = plan->requests[request].count;
	assert_int_equal(core_reading(rig->core, 0, rig->at, &packed->reading), 0);
	pass(rig, 1000);
}

static void test_reading_words(void **state)
{
	struct packed packed = {.reading = {.seq = 1, .key = key_of(COD), .n_words = 3},
				.words = {1234, 0, 0x40e0}}; /* 123.4; 7.0f, low word first */
	struct rig rig;

	(void)state;
	assert_int_equal(key_of(COD), key_of(PH)); /* neighbours are read together */
	rig_open(&rig);
	give(&rig, &packed);
	assert_close(rig.core->channels[COD].value, 123.4, 1e-9);
	assert_close(rig.core->channels[PH].value, 7, 0);
	assert_false(rig.core->channels[SO2].has_value);
	assert_string_equal(said(&rig), "alarm.raised warning-high");
	packed.words[0] = 0xffff; /* the invalid code; the neighbour is not concerned */
	packed.words[2] = 0x40f0;
	give(&rig, &packed);
	assert_int_equal(rig.core->channels[COD].quality, QUALITY_NOT_A_NUMBER);
	assert_close(rig.core->channels[COD].value, 123.4, 1e-9); /* last good one */
	assert_close(rig.core->channels[PH].value, 7.5, 0);
	packed.words[0] = 10001;  /* 1000.1 */
	packed.words[2] = 0x7fc0; /* NaN */
	give(&rig, &packed);
	assert_int_equal(rig.core->channels[COD].quality, QUALITY_OUT_OF_RANGE);
	assert_int_equal(rig.core->channels[PH].quality, QUALITY_NOT_A_NUMBER);
	packed.words[0] = 500; /* shorter than asked for: what is there counts */
	packed.reading.n_words = 2;
	give(&rig, &packed);
	assert_close(rig.core->channels[COD].value, 50, 1e-9);
	assert_int_equal(rig.core->channels[COD].quality, QUALITY_GOOD);
	assert_int_equal(rig.core->channels[PH].quality, QUALITY_NOT_A_NUMBER);
	packed.reading.n_words = 0;
	give(&rig, &packed);
	assert_int_equal(rig.core->channels[COD].quality, QUALITY_NOT_A_NUMBER);
	rig_close(&rig);
}

static void test_reading_bits(void **state)
{
	struct packed packed = {.reading = {.seq = 1, .key = key_of(PUMP)}};
	struct rig rig;
	size_t offset = 0;

	(void)state;
	for (size_t i = 0; i < plan->n_parts; i++)
		if (plan->parts[i].channel == PUMP)
			offset = plan->parts[i].offset;
	rig_open(&rig);
	packed.reading.n_words = 2;
	packed.words[offset / 16] = (uint16_t)(1U << offset % 16);
	give(&rig, &packed);
	assert_close(rig.core->channels[PUMP].value, 1, 0);
	packed.words[offset / 16] = (uint16_t)~packed.words[offset / 16];
	give(&rig, &packed);
	assert_close(rig.core->channels[PUMP].value, 0, 0);
	rig_close(&rig);
}

/* a part of a request says nothing about the channels outside of it */
static void test_reading_parts(void **state)
{
	struct packed packed = {
		.reading = {.seq = 1, .key = key_of(COD), .n_words = 2, .first = 1, .count = 2},
		.words = {0, 0x40e0}}; /* 7.0f, low word first */
	static const struct {
		uint16_t first;
		uint16_t count;
	} bad[] = {{0, 0}, {2, 0}, {0, 4}, {1, 3}, {2, 2}, {3, 1}, {65535, 1}, {65535, 65535}};
	struct rig rig;

	(void)state;
	rig_open(&rig);
	give(&rig, &packed);
	assert_false(rig.core->channels[COD].has_value);
	assert_close(rig.core->channels[PH].value, 7, 0);
	packed.reading.first = 0;
	packed.reading.count = 1;
	packed.reading.n_words = 0;
	packed.reading.status = WIRE_EXCEPTION;
	packed.reading.exception = 2;
	give(&rig, &packed);
	assert_int_equal(rig.core->channels[COD].quality, QUALITY_DEVICE_FAULT);
	assert_int_equal(rig.core->channels[PH].quality, QUALITY_GOOD);
	packed.reading.status = WIRE_OK;
	packed.reading.n_words = packed.reading.count = 2; /* a value of which half is there */
	packed.words[0] = 900;
	give(&rig, &packed);
	assert_close(rig.core->channels[COD].value, 90, 1e-9);
	assert_close(rig.core->channels[PH].value, 7, 0);
	packed.words[0] = 800; /* parts that the request does not have */
	packed.reading.n_words = 3;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		packed.reading.first = bad[i].first;
		packed.reading.count = bad[i].count;
		assert_int_equal(core_reading(rig.core, 0, rig.at, &packed.reading), -EINVAL);
	}
	assert_close(rig.core->channels[COD].value, 90, 1e-9);
	rig_close(&rig);
}

static void test_reading_failures(void **state)
{
	static const struct {
		uint8_t status;
		uint8_t exception;
		enum quality quality;
		uint32_t reason;
	} rows[] = {
		{WIRE_TIMEOUT, 0, QUALITY_COMMUNICATION_LOST, WIRE_TIMEOUT},
		{WIRE_DISCONNECTED, 0, QUALITY_COMMUNICATION_LOST, WIRE_DISCONNECTED},
		{WIRE_MALFORMED, 0, QUALITY_COMMUNICATION_LOST, WIRE_MALFORMED},
		{WIRE_FOREIGN, 0, QUALITY_COMMUNICATION_LOST, WIRE_FOREIGN},
		{WIRE_EXCEPTION, 1, QUALITY_DEVICE_FAULT, 1},
		{WIRE_EXCEPTION, 2, QUALITY_DEVICE_FAULT, 2},
		{WIRE_EXCEPTION, 4, QUALITY_DEVICE_FAULT, 4},
		{WIRE_EXCEPTION, 6, QUALITY_DEVICE_FAULT, 6},
		{WIRE_EXCEPTION, 9, QUALITY_DEVICE_FAULT, 9},
		{WIRE_EXCEPTION, 10, QUALITY_COMMUNICATION_LOST, WIRE_EXCEPTION},
		{WIRE_EXCEPTION, 11, QUALITY_COMMUNICATION_LOST, WIRE_EXCEPTION},
		{WIRE_EXCEPTION, 12, QUALITY_DEVICE_FAULT, 12},
	};
	struct rig rig;

	(void)state;
	rig_open(&rig);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct packed packed = {.reading = {.seq = 1,
						    .key = key_of(COD),
						    .status = rows[i].status,
						    .exception = rows[i].exception}};

		give(&rig, &packed);
		for (size_t c = COD; c <= PH; c++) { /* all that the request reads */
			assert_int_equal(rig.core->channels[c].quality, rows[i].quality);
			assert_int_equal(rig.core->channels[c].reason, rows[i].reason);
		}
	}
	rig_close(&rig);
}

static void test_reading_ticks_and_strangers(void **state)
{
	struct packed packed = {.reading = {.seq = 1}};
	struct rig rig;

	(void)state;
	rig_open(&rig);
	give(&rig, &packed);
	assert_true(rig.core->streams[0].running);
	packed.reading.key = key_of(COD) ^ 0x5a5a5a5a;
	assert_int_equal(core_reading(rig.core, 0, rig.at, &packed.reading), -ENOENT);
	rig_close(&rig);
}

/* --- the chain and the reports ------------------------------------------------------- */

static void test_chain(void **state)
{
	uint8_t hash[32] = {0};
	struct rig rig;

	(void)state;
	rig_open(&rig);
	for (int i = 0; i < 5; i++) {
		good(&rig, COD, 3, 310);
		quiet(&rig, 40);
	}
	assert_true(rig.batch.n_entries > 20);
	for (size_t i = 0; i < rig.batch.n_entries; i++) {
		assert_int_equal(rig.batch.entries[i].seq, i + 1);
		assert_int_equal(chain_next(hash, rig.batch.entries[i].line, hash), 0);
		assert_memory_equal(hash, rig.batch.entries[i].hash, sizeof(hash));
	}
	assert_int_equal(rig.core->chain.seq, rig.batch.n_entries);
	assert_memory_equal(rig.core->chain.hash, hash, sizeof(hash));
	for (size_t i = 0; i < rig.batch.n_reports; i++)
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(rig.batch.reports[i].webhook_id,
						rig.batch.reports[j].webhook_id);
	rig_close(&rig);
}

/* the longest texts that a configuration may hold still make a body that the wire takes */
static void test_report_size(void **state)
{
	enum { N = 200 };
	static char longest[1001], title[201], roster[501], told[] = "all worst ";
	struct config_limit *limits = calloc(N, sizeof(*limits));
	struct config big = *config;
	struct config_channel *channels = calloc(N_CHANNELS, sizeof(*channels));
	struct batch batch = {0};
	struct core *core = NULL;
	struct plan *own = NULL;
	struct config_source sources[2];
	struct config_site site = config->sites[0];
	struct action_past past = {.told = told};
	struct action close = {.kind = ACTION_INCIDENT_CLOSE,
			       .reason = longest,
			       .measures = longest,
			       .user = "lan",
			       .scenario = "",
			       .past = &past};
	char error[ACTION_ERROR_MAX];
	size_t n;

	(void)state;
	assert_non_null(limits);
	assert_non_null(channels);
	memset(roster, '"', sizeof(roster) - 1);
	memcpy(sources, config->sources, sizeof(sources));
	sources[0].title = sources[1].title = title;
	memset(longest, '"', sizeof(longest) - 1);
	memset(title, '\\', sizeof(title) - 1);
	memcpy(channels, config->channels, N_CHANNELS * sizeof(*channels));
	for (size_t i = 0; i < N_CHANNELS; i++)
		channels[i].title = title;
	for (size_t i = 0; i < N; i++) {
		limits[i] = config->limits[COD_EMERGENCY];
		limits[i].origin = limits[i].advice = longest;
	}
	site.title = site.cluster = site.commune = site.province = title;
	site.response = (struct config_response){title,	 roster, roster, roster,
						 roster, title,	 title,	 title};
	big.sites = &site;
	big.sources = sources;
	big.channels = channels;
	big.limits = limits;
	big.n_limits = N;
	assert_int_equal(plan_new(&own, &big), 0);
	assert_int_equal(core_new(&core, &big, own, &batch), 0);
	core_sample(core, COD, (struct stamp){MONO_0, WALL_0}, 999, QUALITY_GOOD, 0);
	core_tick(core, 0, (struct stamp){MONO_0 + 60000, WALL_0 + 60000});
	assert_true(batch.n_reports > 0);
	for (size_t i = 0; i < batch.n_reports; i++)
		assert_true(strlen(batch.reports[i].body) < WIRE_PACKET_MAX - 8192);
	assert_null(strstr(batch.reports[batch.n_reports - 1].body, "\"alarms_left_out\":0"));
	assert_true(strlen(batch.reports[batch.n_reports - 1].body) > WIRE_PACKET_MAX - 32768);
	/* and who closes it has much to say, too */
	past.summary = batch.incidents[batch.n_incidents - 1].summary;
	close.target = batch.incidents[batch.n_incidents - 1].id;
	core->incidents[WASTE_LIQUID].open = false;
	n = batch.n_reports;
	assert_int_equal(
		core_act(core, &close, (struct stamp){MONO_0 + 61000, WALL_0 + 61000}, error), 0);
	assert_int_equal(batch.n_reports, n + 2);
	for (size_t i = n; i < batch.n_reports; i++)
		assert_true(strlen(batch.reports[i].body) < WIRE_PACKET_MAX - 8192);
	core = core_free(core);
	own = plan_free(own);
	batch_done(&batch);
	free(limits);
	free(channels);
}

/* --- saving and restoring ------------------------------------------------------------ */

static void dump(FILE *out, const struct batch *batch)
{
	for (size_t i = 0; i < batch->n_entries; i++)
		(void)fprintf(out, "E %s|%s|%d\n", batch->entries[i].line,
			      batch->entries[i].message, batch->entries[i].priority);
	for (size_t i = 0; i < batch->n_minutes; i++)
		(void)fprintf(out, "M %u %lld %u %a %a %a %u %d %d\n", batch->minutes[i].channel,
			      (long long)batch->minutes[i].row.start_ms, batch->minutes[i].row.n,
			      batch->minutes[i].row.mean, batch->minutes[i].row.min,
			      batch->minutes[i].row.max, batch->minutes[i].row.capture,
			      batch->minutes[i].row.valid, (int)batch->minutes[i].row.worst);
	for (size_t i = 0; i < batch->n_reports; i++)
		(void)fprintf(out, "R %s %u %u %lld %s\n", batch->reports[i].webhook_id,
			      batch->reports[i].destination, batch->reports[i].lane,
			      (long long)batch->reports[i].created_ms, batch->reports[i].body);
	for (size_t i = 0; i < batch->n_incidents; i++)
		(void)fprintf(out, "I %s %d %u %u %lld %zu %s\n", batch->incidents[i].id,
			      (int)batch->incidents[i].class, batch->incidents[i].n_updates,
			      batch->incidents[i].n_alarms, (long long)batch->incidents[i].ended_ms,
			      batch->incidents[i].first_out, batch->incidents[i].summary);
	for (size_t i = 0; i < batch->n_alarms; i++)
		(void)fprintf(out, "A %zu %d %lld %lld %a %s\n", batch->alarms[i].limit,
			      batch->alarms[i].raised, (long long)batch->alarms[i].since_ms,
			      (long long)batch->alarms[i].changed_ms, batch->alarms[i].value,
			      batch->alarms[i].incident);
}

#define N_STEPS 1400

/** struct input - one call into the core, made beforehand */
struct input {
	struct stamp at;
	size_t channel; /* N_CHANNELS: a tick */
	double value;
	enum quality quality;
};

static uint32_t draw(uint32_t *seed)
{
	*seed = *seed * UINT32_C(1664525) + UINT32_C(1013904223);
	return *seed >> 8;
}

/* bursts on one channel after the other, with bad values, silence, steps and late ones */
static void make_inputs(struct input *inputs, uint32_t seed)
{
	static const double quiet_values[N_CHANNELS] = {50, 7, 1, 0, 100};
	static const double loud_values[N_CHANNELS] = {320, 5, 1, 0, 600};
	struct stamp at = {MONO_0, WALL_0 + 30000};
	size_t loud = 0, silent = N_CHANNELS;

	for (size_t i = 0; i < N_STEPS; i++) {
		size_t channel = i % (N_CHANNELS + 1);

		if (channel == 0) {
			at.mono_ms += 1000;
			at.wall_ms += 1000;
			if (draw(&seed) % 12 == 0)
				loud = draw(&seed) % (2 * N_CHANNELS);
			if (draw(&seed) % 12 == 0)
				silent = draw(&seed) % (2 * N_CHANNELS);
			if (draw(&seed) % 30 == 0 && i < N_STEPS / 2)
				at.wall_ms += (int64_t)(draw(&seed) % 240000) - 120000;
			if (i > N_STEPS / 2) /* a quiet end: an incident ends only then */
				loud = silent = N_CHANNELS;
			else if (draw(&seed) % 20 == 0) {
				int64_t gap_ms = draw(&seed) % 6 == 0 ? 25000 : 8000;

				at.mono_ms += gap_ms;
				at.wall_ms += gap_ms;
			}
		}
		inputs[i] = (struct input){.at = at,
					   .channel = (channel + N_CHANNELS) % (N_CHANNELS + 1)};
		channel = inputs[i].channel;
		if (channel == N_CHANNELS)
			continue;
		inputs[i].value = (channel == loud ? loud_values : quiet_values)[channel] *
				  (0.95 + draw(&seed) % 100 / 1000.0);
		if (channel == silent)
			inputs[i].quality = QUALITY_COMMUNICATION_LOST;
		else if (draw(&seed) % 15 == 0)
			inputs[i].quality = (enum quality)(draw(&seed) % (QUALITY_STALE + 1));
		if (draw(&seed) % 40 == 0)
			inputs[i].at.mono_ms -= 1500;
	}
}

static void feed(struct rig *rig, const struct input *input)
{
	if (input->channel == N_CHANNELS)
		core_tick(rig->core, 0, input->at);
	else
		core_sample(rig->core, input->channel, input->at, input->value, input->quality, 0);
}

struct saved {
	void *bytes;
	size_t n;
	void *windows;
	size_t n_windows;
	struct chain chain;
	size_t said; /* bytes that the whole run had said so far */
};

static void run_whole(const struct input *inputs, struct saved *saved, char **ret_text,
		      size_t *ret_n)
{
	struct rig rig;
	FILE *out = open_memstream(ret_text, ret_n);

	rig_open(&rig);
	for (size_t i = 0; i <= N_STEPS; i++) {
		assert_int_equal(core_save(rig.core, &saved[i].bytes, &saved[i].n), 0);
		assert_int_equal(
			core_save_windows(rig.core, &saved[i].windows, &saved[i].n_windows), 0);
		saved[i].chain = rig.core->chain;
		(void)fflush(out);
		saved[i].said = *ret_n;
		if (i == N_STEPS)
			break;
		feed(&rig, &inputs[i]);
		dump(out, &rig.batch);
		batch_clear(&rig.batch);
	}
	(void)fclose(out);
	rig_close(&rig);
}

static void resume(const struct input *inputs, const struct saved *saved, size_t from,
		   const char *whole)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);
	struct rig rig;

	rig_open(&rig);
	assert_int_equal(core_restore(rig.core, saved[from].bytes, saved[from].n), 0);
	assert_int_equal(core_restore_windows(rig.core, saved[from].windows, saved[from].n_windows),
			 0);
	rig.core->chain = saved[from].chain;
	for (size_t i = from; i < N_STEPS; i++) {
		feed(&rig, &inputs[i]);
		dump(out, &rig.batch);
		batch_clear(&rig.batch);
	}
	(void)fclose(out);
	if (strcmp(text, whole + saved[from].said) != 0)
		fail_msg("resumed after %zu inputs it says otherwise", from);
	free(text);
	rig_close(&rig);
}

static size_t count(const char *text, const char *part)
{
	size_t n = 0;

	for (; (text = strstr(text, part)); text++)
		n++;
	return n;
}

/* killed after any input and restored, the core says exactly what it would have said */
static void test_resume_anywhere(void **state)
{
	static struct input inputs[N_STEPS];
	static struct saved saved[N_STEPS + 1];
	static const char *const parts[] = {
		"\"type\":\"alarm.raised\"",	     "\"type\":\"alarm.cleared\"",
		"\"type\":\"incident.opened\"",	     "\"type\":\"incident.updated\"",
		"\"type\":\"incident.ended\"",	     "\"type\":\"measurement.lost\"",
		"\"type\":\"measurement.restored\"", "\"type\":\"clock.stepped\"",
		"\"type\":\"readings.lost\"",
	};

	(void)state;
	for (uint32_t seed = 1; seed <= 4; seed++) {
		char *whole = NULL;
		size_t n = 0;

		make_inputs(inputs, seed);
		run_whole(inputs, saved, &whole, &n);
		for (size_t i = 0; i < ARRAY_SIZE(parts); i++) /* the run is worth it */
			if (count(whole, parts[i]) == 0)
				fail_msg("seed %u has no %s", seed, parts[i]);
		for (size_t i = 0; i <= N_STEPS; i++)
			resume(inputs, saved, i, whole);
		for (size_t i = 0; i <= N_STEPS; i++) {
			free(saved[i].bytes);
			free(saved[i].windows);
		}
		free(whole);
	}
}

static void test_restore_refuses(void **state)
{
	struct rig rig, other;
	uint8_t *bytes;
	void *saved = NULL;
	size_t n;

	(void)state;
	rig_open(&rig);
	rig_open(&other);
	good(&rig, COD, 5, 310);
	assert_int_equal(core_save(rig.core, &saved, &n), 0);
	bytes = saved;
	for (size_t i = 0; i < n; i += 97)
		assert_true(core_restore(other.core, bytes, i) != 0); /* cut off */
	for (size_t i = 0; i < n; i += 13) {			      /* a flipped bit anywhere */
		bytes[i] ^= 0x10;
		if (core_restore(other.core, bytes, n) == 0)
			fail_msg("a flipped bit in byte %zu was not noticed", i);
		bytes[i] ^= 0x10;
	}
	assert_int_equal(core_restore(other.core, bytes, n), 0);
	bytes[0] ^= 1; /* another program's, or another version's */
	assert_int_equal(core_restore(other.core, bytes, n), 1);
	bytes[0] ^= 1;
	bytes[8] ^= 1;
	assert_int_equal(core_restore(other.core, bytes, n), 1);
	free(saved);
	rig_close(&rig);
	rig_close(&other);
}

enum spoil { NOTHING, QUALITY, WORST, PHASE, CLASS, ID };

/* @excess: 0 the last value that is allowed, 1 the first that is not */
static void spoil(struct core *core, enum spoil what, uint32_t excess)
{
	struct core_incident *incident = &core->incidents[WASTE_GAS];

	if (what == QUALITY)
		core->channels[PUMP].quality = QUALITY_MAX + excess;
	else if (what == WORST)
		core->channels[SO2].minute.worst = QUALITY_MAX + excess;
	else if (what == PHASE)
		core->limits[SO2_LIMIT].state.phase = LIMIT_PHASE_MAX + excess;
	else if (what == CLASS)
		incident->class = CLASS_EMERGENCY + excess;
	else if (what == ID)
		memset(incident->id, 'x', sizeof(incident->id) - 1 + excess);
}

/* bytes with a hash that is right: what is an index or ends a text is looked at */
static void test_restore_refuses_unsound(void **state)
{
	(void)state;
	for (enum spoil what = NOTHING; what <= ID; what++)
		for (uint32_t excess = 0; excess <= 1; excess++) {
			bool is_sound = what == NOTHING || excess == 0;
			struct rig rig, other;
			void *saved = NULL;
			size_t n;

			rig_open(&rig);
			rig_open(&other);
			good(&rig, COD, 5, 310);
			spoil(rig.core, what, excess);
			assert_int_equal(core_save(rig.core, &saved, &n), 0);
			if (core_restore(other.core, saved, n) != (is_sound ? 0 : -EBADMSG))
				fail_msg("field %d, excess %u", (int)what, excess);
			free(saved);
			rig_close(&rig);
			rig_close(&other);
		}
}

/* a limit is gone, another has moved: each state finds its own, and what is left ends */
static void test_restore_into_changed(void **state)
{
	struct config_limit limits[N_LIMITS - 1];
	struct config other = *config;
	struct rig rig, changed = {.at = {MONO_0, WALL_0}};
	void *saved = NULL;
	size_t n;

	(void)state;
	for (size_t i = 0; i < N_LIMITS - 1; i++)
		limits[i] = config->limits[i < PH_LOW ? i : i + 1];
	other.limits = limits;
	other.n_limits = N_LIMITS - 1;
	rig_open(&rig);
	for (int i = 0; i < 3; i++) {
		core_tick(rig.core, 0, rig.at);
		core_sample(rig.core, PH, rig.at, 5, QUALITY_GOOD, 0);
		core_sample(rig.core, SO2, rig.at, 600, QUALITY_GOOD, 0);
		pass(&rig, 1000);
	}
	assert_int_equal(core_save(rig.core, &saved, &n), 0);
	assert_int_equal(core_new(&changed.core, &other, plan, &changed.batch), 0);
	assert_int_equal(core_restore(changed.core, saved, n), 0);
	assert_true(limit_is_raised(&changed.core->limits[SO2_LIMIT - 1].state));
	for (size_t i = 0; i < PH_LOW; i++)
		assert_int_equal(changed.core->limits[i].state.phase, LIMIT_NORMAL);
	changed.at = rig.at;
	incident_recount(changed.core, changed.at);
	for (int i = 0; i < 32; i++) {
		core_tick(changed.core, 0, changed.at);
		core_sample(changed.core, SO2, changed.at, 600, QUALITY_GOOD, 0);
		pass(&changed, 1000);
	}
	assert_true(has(said(&changed), "incident.ended"));
	assert_true(changed.core->incidents[WASTE_GAS].open);
	assert_false(changed.core->incidents[WASTE_LIQUID].open);
	free(saved);
	rig_close(&rig);
	rig_close(&changed);
}

/* 600 mg/Nm3 are no 600 g/Nm3: with another unit all begins anew, and so does a limit's other side
 */
static void test_restore_into_other_units(void **state)
{
	static char grams[] = "g/Nm3";
	static const struct {
		char *measure; /* NULL as it was */
		bool turned;
		bool stands;
	} rows[] = {{NULL, false, true}, {grams, false, false}, {NULL, true, false}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct config_channel channels[N_CHANNELS];
		struct config_limit limits[N_LIMITS];
		struct config other = *config;
		struct rig rig, changed = {.at = {MONO_0, WALL_0}};
		void *saved = NULL, *windows = NULL;
		size_t n, n_windows;

		memcpy(channels, config->channels, sizeof(channels));
		memcpy(limits, config->limits, sizeof(limits));
		other.channels = channels;
		other.limits = limits;
		if (rows[i].measure)
			channels[SO2].measure = rows[i].measure;
		limits[SO2_LIMIT].high ^= rows[i].turned;
		rig_open(&rig);
		good(&rig, SO2, 70, 600);
		assert_int_equal(core_save(rig.core, &saved, &n), 0);
		assert_int_equal(core_save_windows(rig.core, &windows, &n_windows), 0);
		assert_int_equal(core_new(&changed.core, &other, plan, &changed.batch), 0);
		assert_int_equal(core_restore(changed.core, saved, n), 0);
		assert_int_equal(core_restore_windows(changed.core, windows, n_windows), 0);
		assert_int_equal(limit_is_raised(&changed.core->limits[SO2_LIMIT].state),
				 rows[i].stands);
		assert_int_equal(changed.core->channels[SO2].has_value, !rows[i].measure);
		assert_int_equal(changed.core->windows[SO2].open[WINDOW_1H].n > 0,
				 !rows[i].measure);
		free(saved);
		free(windows);
		rig_close(&rig);
		rig_close(&changed);
	}
}

/* the links were split anew, so the streams are others: they go on from the latest moment */
static void test_restore_other_streams(void **state)
{
	struct plan other = *plan;
	struct rig rig, changed = {.at = {MONO_0, WALL_0}};
	uint32_t slots[N_CHANNELS] = {0, 0, 1, 1, 1};
	void *saved = NULL;
	size_t n;

	(void)state;
	other.n_slots = 2;
	other.channel_slot = slots;
	rig_open(&rig);
	quiet(&rig, 30);
	assert_int_equal(core_save(rig.core, &saved, &n), 0);
	assert_int_equal(core_new(&changed.core, config, &other, &changed.batch), 0);
	assert_int_equal(core_restore(changed.core, saved, n), 0);
	changed.at = rig.at;
	for (int i = 0; i < 60; i++) {
		core_tick(changed.core, 0, changed.at);
		core_tick(changed.core, 1, changed.at);
		others(&changed, N_CHANNELS);
		pass(&changed, 1000);
	}
	n = 0;
	for (size_t i = 0; i < changed.batch.n_minutes; i++)
		if (changed.batch.minutes[i].channel == SO2)
			n += changed.batch.minutes[i].row.n;
	assert_int_equal(n, 60); /* in two rows of one minute, which the record joins */
	assert_string_equal(said(&changed), "");
	free(saved);
	rig_close(&rig);
	rig_close(&changed);
}

/* a standing warning that a reload makes a limit opens an incident, which ends in its time */
static void test_count_after_reload(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	config->limits[SO2_LIMIT].class = CLASS_WARNING;
	good(&rig, SO2, 3, 600);
	config->limits[SO2_LIMIT].class = CLASS_LIMIT;
	incident_recount(rig.core, rig.at);
	assert_string_equal(said(&rig), "alarm.raised limit-high; incident.opened limit-high");
	quiet(&rig, 60);
	assert_true(has(said(&rig), "incident.ended"));
	rig_close(&rig);
}

/* --- what a device must not be able to hide ------------------------------------------- */

/* a value every other second, the rest bad: the good ones add up, and that so few come is said */
static void test_good_and_bad_by_turns(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	quiet(&rig, 2);
	for (int i = 0; i < 3; i++) {
		good(&rig, COD, 1, 200);
		run(&rig, COD, 1, 0, QUALITY_DEVICE_FAULT, 0);
	}
	assert_true(has(said(&rig), "alarm.raised limit-high; incident.opened limit-high"));
	rig_close(&rig);
}

static void test_too_few_values(void **state)
{
	struct rig rig;
	const char *text;

	(void)state;
	rig_open(&rig);
	quiet(&rig, 60);
	for (int i = 0; i < 91; i++) { /* three minutes with half of the values */
		good(&rig, COD, 1, 50);
		run(&rig, COD, 1, 0, QUALITY_NOT_A_NUMBER, 0);
	}
	assert_int_equal(rig.batch.n_entries, 1);
	assert_true(has(rig.batch.entries[0].line,
			"\"reason\":\"only 50 % of a minute's values are good\""));
	assert_string_equal(said(&rig), "measurement.lost");
	good(&rig, COD, 30, 50); /* good values alone do not restore it, a valid minute does */
	assert_string_equal(said(&rig), "");
	good(&rig, COD, 100, 50);
	text = said(&rig);
	assert_string_equal(text, "measurement.restored");
	rig_close(&rig);
}

/* an incident does not end while nobody sees the channel that broke its limit */
static void test_blind_incident_goes_on(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	quiet(&rig, 2);
	good(&rig, SO2, 1, 600);
	quiet(&rig, 2);
	assert_true(has(said(&rig), "incident.opened"));
	run(&rig, SO2, 60, 0, QUALITY_COMMUNICATION_LOST, WIRE_TIMEOUT);
	assert_false(has(said(&rig), "incident.ended"));
	quiet(&rig, 28); /* the clear time of 30 s began anew when it was seen again */
	assert_false(has(said(&rig), "incident.ended"));
	quiet(&rig, 5);
	assert_true(has(said(&rig), "incident.ended"));
	rig_close(&rig);
}

static void test_gap_begins_the_clear_time_anew(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	quiet(&rig, 2);
	good(&rig, SO2, 1, 600);
	quiet(&rig, 10);
	assert_true(has(said(&rig), "incident.opened"));
	pass(&rig, 3600000); /* the machine was off */
	quiet(&rig, 25);
	assert_false(has(said(&rig), "incident.ended"));
	quiet(&rig, 8);
	assert_true(has(said(&rig), "incident.ended"));
	rig_close(&rig);
}

static void test_a_dead_value_is_not_good(void **state)
{
	struct rig rig;
	char reason[CORE_REASON_MAX];

	(void)state;
	rig_open(&rig);
	quiet(&rig, 2);
	for (int i = 0; i < 8; i++) { /* nothing at all comes of COD */
		core_tick(rig.core, 0, rig.at);
		pass(&rig, 1000);
	}
	assert_true(has(said(&rig), "measurement.lost"));
	assert_int_equal(rig.core->channels[COD].quality, QUALITY_STALE);
	assert_string_equal(core_lost_reason(rig.core, COD, reason, sizeof(reason)),
			    "nothing comes any more");
	rig_close(&rig);
}

/* shorter than what makes a channel lost: nothing else tells that nobody watched; whether a
 * tick or a reading comes first after it makes no difference */
static void check_gaps(bool reading_first)
{
	uint32_t lost_after_ms = config->channels[SO2].lost_after_ms;
	struct rig rig;

	for (size_t i = 0; i < N_CHANNELS; i++)
		config->channels[i].lost_after_ms = 60000;
	for (int64_t gap_ms = CORE_GAP_MS - 1; gap_ms <= CORE_GAP_MS; gap_ms++) {
		rig_open(&rig);
		quiet(&rig, 2);
		good(&rig, SO2, 1, 600);
		quiet(&rig, 10);
		assert_true(has(said(&rig), "incident.opened"));
		pass(&rig, gap_ms - 1000); /* since the last tick */
		if (reading_first)
			others(&rig, N_CHANNELS);
		quiet(&rig, 25);
		assert_true(has(said(&rig), "incident.ended") == (gap_ms < CORE_GAP_MS));
		quiet(&rig, 8);
		assert_true(has(said(&rig), "incident.ended") == (gap_ms == CORE_GAP_MS));
		rig_close(&rig);
	}
	for (size_t i = 0; i < N_CHANNELS; i++)
		config->channels[i].lost_after_ms = lost_after_ms;
}

static void test_gap_without_a_loss(void **state)
{
	(void)state;
	check_gaps(false);
	check_gaps(true);
}

/* two incidents in one wall second, the clock having been set back: two ids */
static void test_ids_never_recur(void **state)
{
	struct rig rig;
	char first[INCIDENT_ID_MAX];
	int64_t wall_ms;

	(void)state;
	rig_open(&rig);
	quiet(&rig, 2);
	wall_ms = rig.at.wall_ms;
	good(&rig, SO2, 1, 600);
	memcpy(first, rig.core->incidents[WASTE_GAS].id, sizeof(first));
	quiet(&rig, 40);
	assert_true(has(said(&rig), "incident.ended"));
	rig.at.wall_ms = wall_ms;
	good(&rig, SO2, 1, 600);
	assert_true(rig.core->incidents[WASTE_GAS].open);
	assert_memory_equal(rig.core->incidents[WASTE_GAS].id, first, strlen(first));
	assert_string_not_equal(rig.core->incidents[WASTE_GAS].id, first);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_and_bad_by_turns),
		cmocka_unit_test(test_too_few_values),
		cmocka_unit_test(test_blind_incident_goes_on),
		cmocka_unit_test(test_gap_begins_the_clear_time_anew),
		cmocka_unit_test(test_gap_without_a_loss),
		cmocka_unit_test(test_a_dead_value_is_not_good),
		cmocka_unit_test(test_ids_never_recur),
		cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_life_of_an_incident),
		cmocka_unit_test(test_warning_opens_nothing),
		cmocka_unit_test(test_updates_are_bounded),
		cmocka_unit_test(test_flapping),
		cmocka_unit_test(test_flapping_within_the_deadband),
		cmocka_unit_test(test_escalation),
		cmocka_unit_test(test_kinds_are_apart),
		cmocka_unit_test(test_bad_neither_raises_nor_clears),
		cmocka_unit_test(test_silence_pauses_delays),
		cmocka_unit_test(test_minutes),
		cmocka_unit_test(test_invalid_minute),
		cmocka_unit_test(test_mean_limit),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_lost_from_the_start),
		cmocka_unit_test(test_lost_in_an_incident),
		cmocka_unit_test(test_clock_steps),
		cmocka_unit_test(test_step_in_an_incident),
		cmocka_unit_test(test_minutes_over_a_step),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_reading_words),
		cmocka_unit_test(test_reading_bits),
		cmocka_unit_test(test_reading_parts),
		cmocka_unit_test(test_reading_failures),
		cmocka_unit_test(test_reading_ticks_and_strangers),
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_report_size),
		cmocka_unit_test(test_resume_anywhere),
		cmocka_unit_test(test_restore_refuses),
		cmocka_unit_test(test_restore_refuses_unsound),
		cmocka_unit_test(test_restore_into_changed),
		cmocka_unit_test(test_restore_other_streams),
		cmocka_unit_test(test_restore_into_other_units),
		cmocka_unit_test(test_count_after_reload),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
