/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a value is worth: states of devices, frozen and jumping instruments, conditions, derived
 * channels, and the windows longer than a minute. The plan is made here, by hand: this is about
 * readings, not about how they are asked for.
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

#include "core/core.h"
#include "core/formula.h"
#include "load.h"

#define assert_close(a, b, epsilon) assert_true(fabs((a) - (b)) <= (epsilon))

#define WALL_0 INT64_C(1795539600000) /* 2026-11-25T00:00:00+07:00, a local midnight */
#define MONO_0 INT64_C(1000000)
#define HOUR   INT64_C(3600000)

static const char main_yaml[] = "origin: test\n"
				"timezone: \"+07:00\"\n"
				"incident-clear: 30s\n"
				"report-interval: 20s\n";

static const char site_yaml[] =
	"site: s\n"
	"links: [{name: l, tcp: \"127.0.0.1:502\"}]\n"
	"units:\n"
	"  - name: u\n"
	"    link: l\n"
	"    id: 1\n"
	"    interval: 1s\n"
	"    states:\n"
	"      - name: status\n"
	"        address: 5\n"
	"        type: uint16\n"
	"        rules:\n"
	"          - {mask: 1, quality: calibrating}\n"
	"          - {mask: 0xF0, is: 0x20, quality: maintenance}\n"
	"          - {mask: 0x100, quality: fault}\n"
	"  - {name: slow, link: l, id: 2, interval: 300s}\n"
	"sources:\n"
	"  - name: stack\n"
	"    kind: gas\n"
	"    channels:\n"
	"      - {name: SO2, from: u, address: 0, type: uint16, range: [0, 2000], states: "
	"[status], "
	"lost-after: 5s}\n"
	"      - {name: O2, from: u, address: 1, type: uint16, scale: 0.01, range: [0, 25], unit: "
	"\"%\", lost-after: 5s}\n"
	"      - {name: pump, from: u, table: coil, address: 0, range: [0, 1], lost-after: 5s}\n"
	"      - {name: flow, from: u, address: 2, type: uint16, range: [0, 1000], enabled-by: "
	"pump, "
	"enabled-above: 0, lost-after: 5s}\n"
	"      - {name: still, from: u, address: 3, type: uint16, range: [0, 1000], frozen-after: "
	"10s, "
	"frozen-change: 2, lost-after: 60s}\n"
	"      - {name: jumpy, from: u, address: 4, type: uint16, range: [0, 1000], max-rate: 600, "
	"lost-after: 60s}\n"
	"      - {name: lab, from: slow, address: 0, type: uint16, range: [0, 1000], lost-after: "
	"900s}\n"
	"    derived:\n"
	"      - {name: SO2n, formula: oxygen, inputs: [SO2, O2], reference: 7, range: [0, 5000], "
	"lost-after: 5s}\n"
	"      - {name: load, formula: load, inputs: [SO2n, flow], factor: 0.001, range: [0, "
	"100000], "
	"lost-after: 5s}\n"
	"    limits:\n"
	"      - {channel: SO2n, name: five, class: warning, on: mean-5min, high: 700, "
	"clear-delay: "
	"0s}\n"
	"      - {channel: SO2n, name: hour, class: warning, on: mean-1h, high: 700, raise-delay: "
	"5400s, clear-delay: 0s}\n"
	"      - {channel: SO2n, name: day, class: warning, on: mean-24h, high: 700, clear-delay: "
	"0s}\n"
	"      - {channel: jumpy, name: jump, class: limit, high: 500, origin: permit, "
	"clear-delay: "
	"0s}\n";

enum { SO2, O2, PUMP, FLOW, STILL, JUMPY, LAB, SO2N, LOAD, N_CHANNELS };
enum { FIVE, AN_HOUR, A_DAY, JUMP, N_LIMITS };

static struct config *config;

/* three requests: the unit's registers with its status, its coil, the slow unit's register */
static struct wire_request requests[] = {
	{.key = 1, .address = 0, .count = 6, .function = 3},
	{.key = 2, .address = 0, .count = 1, .function = 1},
	{.key = 3, .unit = 1, .address = 0, .count = 1, .function = 3},
};
static struct plan_part parts[] = {
	{.channel = SO2, .request = 0, .offset = 0, .length = 1},
	{.channel = O2, .request = 0, .offset = 1, .length = 1},
	{.channel = FLOW, .request = 0, .offset = 2, .length = 1},
	{.channel = STILL, .request = 0, .offset = 3, .length = 1},
	{.channel = JUMPY, .request = 0, .offset = 4, .length = 1},
	{.channel = 0, .request = 0, .offset = 5, .length = 1, .state = true},
	{.channel = PUMP, .request = 1, .offset = 0, .length = 1},
	{.channel = LAB, .request = 2, .offset = 0, .length = 1},
};
static size_t first_part[] = {0, 6, 7, 8};
static uint32_t by_key[] = {PLAN_NO_REQUEST, 0, 1, 2};
static uint32_t channel_slot[N_CHANNELS];
static const struct plan plan = {
	.requests = requests,
	.parts = parts,
	.first_part = first_part,
	.by_key = by_key,
	.n_by_key = ARRAY_SIZE(by_key),
	.channel_slot = channel_slot,
	.n_requests = ARRAY_SIZE(requests),
	.n_parts = ARRAY_SIZE(parts),
	.n_slots = 1,
};

static int set_up(void **state)
{
	int r;

	(void)state;
	r = load_config(&config, main_yaml, site_yaml, stderr);
	if (r < 0)
		return r;
	assert_int_equal(config->n_channels, N_CHANNELS);
	assert_int_equal(config->n_limits, N_LIMITS);
	assert_int_equal(config->n_states, 1);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	config = config_free(config);
	return 0;
}

/* --- a core with its batch, its clock, and what its devices say ----------------------- */

struct rig {
	struct core *core;
	struct batch batch;
	struct stamp at;
	uint16_t words[6]; /* of the first request */
	uint16_t pump;
};

static void rig_open(struct rig *rig)
{
	/* 112 mg/Nm3 at 18.7 % oxygen */
	*rig = (struct rig){
		.at = {MONO_0, WALL_0}, .words = {112, 1870, 500, 10, 100, 0}, .pump = 1};
	assert_int_equal(core_new(&rig->core, config, &plan, &rig->batch), 0);
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

struct packed {
	struct wire_reading reading;
	uint16_t words[8];
};

static void give(struct rig *rig, const struct packed *packed)
{
	assert_int_equal(core_reading(rig->core, 0, rig->at, &packed->reading), 0);
}

static void tick(struct rig *rig)
{
	core_tick(rig->core, 0, rig->at);
}

static void read_coil(struct rig *rig)
{
	struct packed packed = {.reading = {.key = 2, .count = 1, .n_words = 1},
				.words = {rig->pump}};

	give(rig, &packed);
}

static void read_words(struct rig *rig)
{
	struct packed packed = {.reading = {.key = 1, .count = 6, .n_words = 6}};

	memcpy(packed.words, rig->words, sizeof(rig->words));
	give(rig, &packed);
}

static void read_lab(struct rig *rig, uint16_t value)
{
	struct packed packed = {.reading = {.key = 3, .count = 1, .n_words = 1}, .words = {value}};

	give(rig, &packed);
}

/* seconds as usual; @still wanders so that it is not frozen */
static void run(struct rig *rig, int64_t n)
{
	for (int64_t i = 0; i < n; i++) {
		int64_t s = rig->at.mono_ms / 1000;

		rig->words[3] = (uint16_t)(10 + s / 5 % 2 * 10);
		tick(rig);
		read_coil(rig);
		read_words(rig);
		if (s % 300 == 7)
			read_lab(rig, 50);
		pass(rig, 1000);
	}
}

static size_t count_type(const struct rig *rig, enum event_type type, const char *part)
{
	size_t n = 0;

	for (size_t i = 0; i < rig->batch.n_entries; i++)
		n += rig->batch.entries[i].type == type &&
		     strstr(rig->batch.entries[i].line, part) != NULL;
	return n;
}

static const char *reason_of(const struct rig *rig, size_t channel)
{
	static char text[CORE_REASON_MAX];

	return core_lost_reason(rig->core, channel, text, sizeof(text));
}

static enum quality quality_of(const struct rig *rig, size_t channel)
{
	return (enum quality)rig->core->channels[channel].quality;
}

/* --- states --------------------------------------------------------------------------- */

/* faults: D5 */
static void test_states_judge_values(void **state)
{
	static const struct {
		uint16_t status;
		enum quality quality;
		const char *reason;
	} rows[] = {
		{0, QUALITY_GOOD, NULL},
		{2, QUALITY_GOOD, NULL}, /* a bit that no rule looks at */
		{1, QUALITY_CALIBRATING, "calibrating, as s/u/status says"},
		{0x20, QUALITY_MAINTENANCE, "maintenance, as s/u/status says"},
		{0x30, QUALITY_GOOD, NULL},	   /* a field, not bits */
		{0x21, QUALITY_CALIBRATING, NULL}, /* the first rule that fits */
		{0x100, QUALITY_DEVICE_FAULT, "device fault, as s/u/status says"},
		{0xffff, QUALITY_CALIBRATING, NULL},
	};
	struct rig rig;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		rig_open(&rig);
		rig.words[5] = rows[i].status;
		read_words(&rig);
		if (quality_of(&rig, SO2) != rows[i].quality)
			fail_msg("row %zu: %s", i, quality_text(quality_of(&rig, SO2)));
		if (rows[i].reason)
			assert_string_equal(reason_of(&rig, SO2), rows[i].reason);
		assert_int_equal(rig.core->channels[SO2].has_value,
				 rows[i].quality == QUALITY_GOOD);
		assert_close(rig.core->channels[SO2].raw, 112, 0);    /* still to be seen */
		assert_int_equal(quality_of(&rig, O2), QUALITY_GOOD); /* it has no states */
		rig_close(&rig);
	}
	rig_open(&rig); /* the worse of the two counts */
	rig.words[0] = 2001;
	rig.words[5] = 1;
	read_words(&rig);
	assert_int_equal(quality_of(&rig, SO2), QUALITY_OUT_OF_RANGE);
	rig_close(&rig);
}

/* a reading of a part of the request: registers @first to @first + @count */
static void read_part(struct rig *rig, uint16_t first, uint16_t count, uint8_t status)
{
	struct packed packed = {.reading = {.key = 1,
					    .first = first,
					    .count = count,
					    .status = status,
					    .exception = status == WIRE_EXCEPTION ? 2 : 0,
					    .n_words = status == WIRE_OK ? count : 0}};

	if (status == WIRE_OK)
		memcpy(packed.words, rig->words + first, count * sizeof(uint16_t));
	give(rig, &packed);
}

static void test_parts_of_a_request(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	read_part(&rig, 0, 1, WIRE_OK); /* the value without the status that tells its worth */
	assert_int_equal(quality_of(&rig, SO2), QUALITY_STALE);
	assert_string_equal(reason_of(&rig, SO2), "its status is not known: s/u/status");
	assert_int_equal(quality_of(&rig, O2), QUALITY_STALE);
	assert_int_equal(rig.core->channels[O2].seen.mono_ms, 0);
	read_part(&rig, 4, 2, WIRE_OK);
	assert_close(rig.core->channels[JUMPY].value, 100, 0);
	read_part(&rig, 0, 1, WIRE_OK);
	assert_int_equal(quality_of(&rig, SO2), QUALITY_GOOD);
	read_part(&rig, 1, 1, WIRE_EXCEPTION); /* the bad register stands alone */
	assert_int_equal(quality_of(&rig, SO2), QUALITY_GOOD);
	assert_int_equal(quality_of(&rig, O2), QUALITY_DEVICE_FAULT);
	assert_string_equal(reason_of(&rig, O2), "device answers with exception 2");
	read_part(&rig, 5, 1, WIRE_EXCEPTION); /* and now the status is refused */
	read_part(&rig, 0, 1, WIRE_OK);
	assert_int_equal(quality_of(&rig, SO2), QUALITY_STALE);
	read_part(&rig, 5, 1, WIRE_OK);
	for (int i = 0; i <= 4; i++) { /* three of its intervals, not one more */
		read_part(&rig, 0, 1, WIRE_OK);
		assert_int_equal(quality_of(&rig, SO2), i <= 3 ? QUALITY_GOOD : QUALITY_STALE);
		pass(&rig, 1000);
	}
	rig_close(&rig);
}

/* faults: D5 */
static void test_changes_of_state_are_entries(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	run(&rig, 10);
	assert_int_equal(rig.batch.n_entries, 0);
	rig.words[5] = 1;
	run(&rig, 3);
	assert_int_equal(rig.batch.n_entries, 1);
	assert_string_equal(event_type_text(rig.batch.entries[0].type), "device.state");
	assert_string_equal(
		rig.batch.entries[0].line,
		"{\"changes\":1,\"name\":\"s/u/status\",\"reason\":\"calibrating\","
		"\"seq\":1,\"since\":\"2026-11-25T00:00:10.000+07:00\",\"site\":\"s\","
		"\"time\":\"2026-11-25T00:00:10.000+07:00\",\"type\":\"device.state\"}");
	assert_string_equal(rig.batch.entries[0].message,
			    "State s/u/status: calibrating since 2026-11-25T00:00:10.000+07:00");
	batch_clear(&rig.batch);
	for (int i = 0; i < 56; i++) { /* it flickers until second 68 */
		rig.words[5] ^= 1;
		run(&rig, 1);
	}
	assert_int_equal(count_type(&rig, EVENT_DEVICE_STATE, ""), 0);
	rig.words[5] = 0;
	run(&rig, 10); /* a minute after the first entry: the last word, and how often */
	assert_int_equal(count_type(&rig, EVENT_DEVICE_STATE, ""), 1);
	assert_int_equal(count_type(&rig, EVENT_DEVICE_STATE, "\"reason\":\"measuring\""), 1);
	assert_int_equal(count_type(&rig, EVENT_DEVICE_STATE, "\"changes\":57"), 1);
	assert_int_equal(count_type(&rig, EVENT_DEVICE_STATE, "\"time\":\"2026-11-25T00:01:10"), 1);
	rig_close(&rig);
}

/* --- frozen, jumping, off --------------------------------------------------------------- */

struct step {
	int64_t s; /* since the last step */
	double value;
	enum quality given;
	enum quality want;
};

static void check_steps(size_t channel, const struct step *steps, size_t n)
{
	struct rig rig;

	rig_open(&rig);
	for (size_t i = 0; i < n; i++) {
		pass(&rig, steps[i].s * 1000);
		core_sample(rig.core, channel, rig.at, steps[i].value, steps[i].given, 0);
		if (quality_of(&rig, channel) != steps[i].want)
			fail_msg("channel %zu, step %zu: %s", channel, i,
				 quality_text(quality_of(&rig, channel)));
	}
	rig_close(&rig);
}

#define G   QUALITY_GOOD
#define Z   QUALITY_FROZEN
#define R   QUALITY_RATE
#define CAL QUALITY_CALIBRATING

/* within 2 for 10 s
 * faults: D2 */
static void test_frozen(void **state)
{
	static const struct step steps[] = {
		{0, 100, G, G},	 {9, 102, G, G},  {1, 102, G, Z}, /* at the change: none */
		{1, 98, G, Z},	 {1, 97.9, G, G},		  /* beyond it */
		{9, 97.9, G, G}, {1, 97.9, G, Z}, {5, 99.9, G, Z}, {1, 100, G, G},
	};
	static const struct step interrupted[] = {
		{0, 100, G, G},
		{9, 100, CAL, CAL}, /* somebody works at it: begins anew */
		{1, 100, G, G},
		{10, 100, G, Z},
		{1, 100, QUALITY_DEVICE_FAULT, QUALITY_DEVICE_FAULT},
		{1, 100, G, Z}, /* a fault does not make it move */
	};

	(void)state;
	check_steps(STILL, steps, ARRAY_SIZE(steps));
	check_steps(STILL, interrupted, ARRAY_SIZE(interrupted));
	check_steps(O2, (const struct step[]){{0, 5, G, G}, {9999, 5, G, G}}, 2); /* no check */
}

/* at most 10 in a second; a change has at least an interval of 1 s
 * faults: D3 */
static void test_rate(void **state)
{
	static const struct step glitch[] = {
		{0, 100, G, G},	  {1, 110, G, G},  {1, 120.1, G, R},
		{1, 130.2, G, R}, /* 10.1 from the other suspect: they do not agree either */
		{1, 140, G, G},	  /* 3 s after 110 */
		{2, 120, G, G},	  {2, 99.9, G, R}, {1, 100, G, G},
	};
	static const struct step spill[] = {
		{0, 100, G, G}, {1, 900, G, R},
		{1, 905, G, R}, {1, 899, G, G}, /* the third that agrees */
		{1, 895, G, G},
	};
	static const struct step wild[] = {
		{0, 100, G, G}, {1, 900, G, R},
		{1, 500, G, R}, {1, 900, G, R},
		{1, 905, G, R}, {1, 903, QUALITY_NOT_A_NUMBER, QUALITY_NOT_A_NUMBER},
		{1, 903, G, G}, /* what is no value neither helps nor harms */
	};
	static const struct step reset[] = {
		{0, 100, G, G}, {1, 900, G, R}, {1, 900, G, R}, {1, 100, G, G},
		{1, 900, G, R}, {1, 900, G, R}, {1, 900, G, G},
	};
	static const struct step bunched[] = {
		/* closer than an interval: as an interval apart */
		{0, 100, G, G},
		{0, 110, G, G},
		{0, 120.1, G, R},
	};
	static const struct step outage[] = {{0, 100, G, G}, {600, 900, G, G}};

	(void)state;
	check_steps(JUMPY, glitch, ARRAY_SIZE(glitch));
	check_steps(JUMPY, spill, ARRAY_SIZE(spill));
	check_steps(JUMPY, wild, ARRAY_SIZE(wild));
	check_steps(JUMPY, reset, ARRAY_SIZE(reset));
	check_steps(JUMPY, bunched, ARRAY_SIZE(bunched));
	check_steps(JUMPY, outage, ARRAY_SIZE(outage));
}

/* a spike beyond the limit in one sample: to be seen, but no alarm; what stays is one
 * faults: D3 */
static void test_a_spike_is_no_incident(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	run(&rig, 30);
	rig.words[4] = 900;
	run(&rig, 1);
	assert_int_equal(quality_of(&rig, JUMPY), QUALITY_RATE);
	assert_close(rig.core->channels[JUMPY].raw, 900, 0);
	assert_close(rig.core->channels[JUMPY].value, 100, 0);
	assert_close(rig.core->channels[JUMPY].minute.max, 100, 0);
	rig.words[4] = 100;
	run(&rig, 30);
	assert_int_equal(count_type(&rig, EVENT_ALARM_RAISED, ""), 0);
	rig.words[4] = 900;
	run(&rig, 3);
	assert_int_equal(count_type(&rig, EVENT_ALARM_RAISED, "\"value\":\"900\""), 1);
	assert_int_equal(count_type(&rig, EVENT_INCIDENT_OPENED, ""), 1);
	rig_close(&rig);
}

/* no check of its own knows a slow drift: it is believed, and breaks the limit when it gets there
 * faults: D3 */
static void test_a_drift_is_believed(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	for (rig.words[4] = 100; rig.words[4] <= 500; rig.words[4]++)
		run(&rig, 1);
	assert_int_equal(quality_of(&rig, JUMPY), QUALITY_GOOD);
	assert_int_equal(count_type(&rig, EVENT_ALARM_RAISED, "jumpy"), 0); /* at the limit */
	run(&rig, 1);							    /* 501 */
	assert_int_equal(count_type(&rig, EVENT_ALARM_RAISED, "\"value\":\"501\""), 1);
	rig_close(&rig);
}

/* faults: D2 */
static void test_screened_values_count_for_nothing(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	run(&rig, 5);
	for (int i = 0; i < 55; i++) { /* the instrument stands still from second 5 on */
		rig.words[3] = 300;
		tick(&rig);
		read_coil(&rig);
		read_words(&rig);
		pass(&rig, 1000);
	}
	assert_int_equal(quality_of(&rig, STILL), QUALITY_FROZEN);
	assert_string_equal(reason_of(&rig, STILL),
			    "frozen: no change by more than 2 since 2026-11-25T00:00:05.000+07:00");
	assert_int_equal(rig.core->channels[STILL].minute.n, 15);
	assert_int_equal(rig.core->channels[STILL].minute.worst, QUALITY_FROZEN);
	rig.words[4] = 900;
	read_words(&rig);
	assert_string_equal(reason_of(&rig, JUMPY), "changes faster than 600 per minute");
	rig_close(&rig);
}

/* what is off may stand still
 * faults: D2 */
static void test_frozen_begins_anew_after_a_rest(void **state)
{
	struct rig rig;

	(void)state;
	config->channels[FLOW].frozen_after_ms = 10000;
	rig_open(&rig);
	run(&rig, 10);
	rig.pump = 0;
	run(&rig, 10);
	rig.pump = 1;
	run(&rig, 10);
	assert_int_equal(quality_of(&rig, FLOW), QUALITY_GOOD);
	run(&rig, 1);
	assert_int_equal(quality_of(&rig, FLOW), QUALITY_FROZEN);
	config->channels[FLOW].frozen_after_ms = 0;
	rig_close(&rig);
}

/* the pump is off: nothing is measured, nothing is missed */
static void test_not_in_operation(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	run(&rig, 60);
	rig.pump = 0;
	run(&rig, 600);
	assert_int_equal(quality_of(&rig, FLOW), QUALITY_NOT_IN_OPERATION);
	assert_string_equal(reason_of(&rig, FLOW),
			    "nothing to measure: s/stack/pump is not above 0");
	assert_int_equal(count_type(&rig, EVENT_MEASUREMENT_LOST, ""), 0);
	assert_int_equal(rig.core->channels[FLOW].minute.n, 0);
	rig.words[2] = 1001; /* dry: out of range is no wonder */
	run(&rig, 1);
	assert_int_equal(quality_of(&rig, FLOW), QUALITY_NOT_IN_OPERATION);
	for (int i = 0; i < 600; i++) { /* a pump that runs every third second: no thin values */
		rig.pump = i % 3 == 0;
		rig.words[2] = 500;
		run(&rig, 1);
	}
	assert_int_equal(count_type(&rig, EVENT_MEASUREMENT_LOST, ""), 0);
	rig_close(&rig);
}

static void test_unknown_condition_is_fulfilled(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	read_words(&rig); /* the coil was never read */
	assert_int_equal(quality_of(&rig, FLOW), QUALITY_GOOD);
	rig.pump = 0;
	read_coil(&rig);
	read_words(&rig);
	assert_int_equal(quality_of(&rig, FLOW), QUALITY_NOT_IN_OPERATION);
	core_sample(rig.core, FLOW, rig.at, (double)NAN, QUALITY_COMMUNICATION_LOST, WIRE_TIMEOUT);
	assert_int_equal(quality_of(&rig, FLOW), QUALITY_COMMUNICATION_LOST); /* that is no rest */
	pass(&rig, 3000);
	read_words(&rig);
	assert_int_equal(quality_of(&rig, FLOW), QUALITY_NOT_IN_OPERATION);
	pass(&rig, 1);
	read_words(&rig); /* too old */
	assert_int_equal(quality_of(&rig, FLOW), QUALITY_GOOD);
	core_sample(rig.core, PUMP, rig.at, (double)NAN, QUALITY_DEVICE_FAULT, 2);
	read_words(&rig);
	assert_int_equal(quality_of(&rig, FLOW), QUALITY_GOOD);
	rig_close(&rig);
}

/* lost behind a broken line while the pump rests; it comes back to rest, and that is said */
static void test_restored_without_a_value(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	run(&rig, 3);
	for (int i = 0; i < 10; i++) {
		tick(&rig);
		read_part(&rig, 0, 6, WIRE_TIMEOUT);
		pass(&rig, 1000);
	}
	assert_int_equal(count_type(&rig, EVENT_MEASUREMENT_LOST, "\"channel\":\"flow\""), 1);
	assert_int_equal(
		count_type(
			&rig, EVENT_MEASUREMENT_LOST,
			"\"channel\":\"SO2n\",\"reason\":\"input s/stack/SO2: no answer in time\""),
		1);
	rig.pump = 0;
	run(&rig, 3);
	assert_int_equal(count_type(&rig, EVENT_MEASUREMENT_RESTORED,
				    "\"channel\":\"flow\",\"reason\":\"nothing to measure"),
			 1);
	assert_int_equal(count_type(&rig, EVENT_MEASUREMENT_RESTORED, "\"channel\":\"SO2\""), 1);
	rig_close(&rig);
}

/* a value of every channel, and a tick that finds out when one of them has to be looked at */
static void read_and_tick(struct rig *rig)
{
	read_coil(rig);
	read_words(rig);
	read_lab(rig, 50);
	tick(rig);
}

/* Channels are not looked at before one of them can be old or lost: no later than that, either. */
static void test_silence_is_seen_at_its_moment(void **state)
{
	static const struct {
		int64_t after_ms;
		enum quality quality; /* of a channel that is lost after 60 s */
		bool lost;
		size_t n_lost; /* those that are lost after 5 s, too */
	} rows[] = {
		{0, QUALITY_GOOD, false, 0},	   {3000, QUALITY_GOOD, false, 0},
		{3001, QUALITY_STALE, false, 0},   {4999, QUALITY_STALE, false, 0},
		{5000, QUALITY_STALE, false, 6},   {5001, QUALITY_STALE, false, 6},
		{59999, QUALITY_STALE, false, 6},  {60000, QUALITY_STALE, true, 8},
		{1000000, QUALITY_STALE, true, 9}, /* and after 900 s that of the laboratory */
	};
	struct rig rig;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		rig_open(&rig);
		read_and_tick(&rig);
		for (int64_t s = 1000; s < rows[i].after_ms; s += 1000) {
			pass(&rig, 1000);
			tick(&rig);
		}
		pass(&rig, MONO_0 + rows[i].after_ms - rig.at.mono_ms);
		tick(&rig);
		if (quality_of(&rig, STILL) != rows[i].quality ||
		    rig.core->channels[STILL].lost != rows[i].lost ||
		    count_type(&rig, EVENT_MEASUREMENT_LOST, "") != rows[i].n_lost)
			fail_msg("row %zu: %s, %d, %zu", i, quality_text(quality_of(&rig, STILL)),
				 rig.core->channels[STILL].lost,
				 count_type(&rig, EVENT_MEASUREMENT_LOST, ""));
		rig_close(&rig);
	}
}

/* what was found out before counts no more where the interval or the whole state is another */
static void test_silence_is_looked_for_anew(void **state)
{
	struct rig rig;
	void *saved;
	size_t n;

	(void)state;
	rig_open(&rig);
	read_and_tick(&rig);
	core_set_interval(rig.core, STILL, 500);
	pass(&rig, 1501);
	tick(&rig);
	assert_int_equal(quality_of(&rig, STILL), QUALITY_STALE);
	rig_close(&rig);

	rig_open(&rig);
	read_and_tick(&rig);
	assert_int_equal(core_save(rig.core, &saved, &n), 0);
	run(&rig, 100);
	assert_int_equal(core_restore(rig.core, saved, n), 0);
	free(saved);
	rig.at = (struct stamp){MONO_0 + 3001, WALL_0 + 3001};
	tick(&rig);
	assert_int_equal(quality_of(&rig, STILL), QUALITY_STALE);
	rig_close(&rig);
}

/* nothing old is shown as new, long before it counts as lost */
static void test_old_values_are_stale(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	run(&rig, 2);
	pass(&rig, 2000); /* the last values are three seconds old */
	tick(&rig);
	assert_int_equal(quality_of(&rig, STILL), QUALITY_GOOD);
	pass(&rig, 1000);
	tick(&rig);
	assert_int_equal(quality_of(&rig, STILL), QUALITY_STALE);
	assert_string_equal(reason_of(&rig, STILL), "nothing comes any more");
	assert_string_equal(reason_of(&rig, SO2N), "input s/stack/SO2: nothing comes any more");
	assert_false(rig.core->channels[STILL].lost);
	core_sample(rig.core, STILL, rig.at, (double)NAN, QUALITY_COMMUNICATION_LOST,
		    WIRE_DISCONNECTED);
	pass(&rig, 9000);
	tick(&rig); /* a link that backs off has no readings; why is still known */
	assert_string_equal(reason_of(&rig, STILL), "link is down");
	rig_close(&rig);
}

/* --- derived channels -------------------------------------------------------------------- */

static void test_formulas(void **state)
{
	static const struct {
		enum formula formula;
		double inputs[3];
		size_t n;
		double factor;
		double extra; /* reference or least */
		int r;
		double value;
	} rows[] = {
		/* QCVN 19:2024/BTNMT: 112 mg/Nm3 at 18.7 %, reference 7 % */
		{FORMULA_OXYGEN, {112, 18.7}, 2, 1, 7, 0, 707.63636363636},
		{FORMULA_OXYGEN, {100, 7}, 2, 1, 7, 0, 100},
		{FORMULA_OXYGEN, {100, 0}, 2, 1, 7, 0, 66.50717703349},
		{FORMULA_OXYGEN, {0, 20.8}, 2, 1, 7, 0, 0},
		{FORMULA_OXYGEN, {1, 20.9}, 2, 1, 7, -EDOM, 0}, /* as in air */
		{FORMULA_OXYGEN, {1, 21}, 2, 1, 7, -EDOM, 0},
		{FORMULA_OXYGEN, {1000, 20.899}, 2, 1, 7, -ERANGE, 13900000},
		/* 20 mg/l in 150 m3/h are 3 kg/h */
		{FORMULA_LOAD, {20, 150}, 2, 0.001, 0, 0, 3},
		{FORMULA_SUM, {1, 2, 3.5}, 3, 2, 0, 0, 13},
		{FORMULA_SUM, {1, 2, 3.5}, 2, 1, 0, 0, 3},
		{FORMULA_DIFFERENCE, {1, 2}, 2, 10, 0, 0, -10},
		{FORMULA_DIFFERENCE, {2, 2}, 2, -1, 0, 0, 0},
		{FORMULA_RATIO, {1, 4}, 2, 100, 0.5, 0, 25},
		{FORMULA_RATIO, {1, 0.5}, 2, 1, 0.5, 0, 2},
		{FORMULA_RATIO, {1, -0.5}, 2, 1, 0.5, 0, -2},
		{FORMULA_RATIO, {1, 0.4999}, 2, 1, 0.5, -EDOM, 0},
		{FORMULA_RATIO, {1, -0.4999}, 2, 1, 0.5, -EDOM, 0},
		{FORMULA_RATIO, {0, 0}, 2, 1, 0, -EDOM, 0},
		{FORMULA_LOAD, {1e300, 1e300}, 2, 1, 0, -EOVERFLOW, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct config_channel channel = {
			.formula = rows[i].formula,
			.n_inputs = rows[i].n,
			.factor = rows[i].factor,
			.reference = rows[i].extra,
			.least = rows[i].extra,
			.decode = {.min = -1000, .max = 1000},
		};
		double value = 0;
		int r = formula_value(&channel, rows[i].inputs, &value);

		if (r != rows[i].r || fabs(value - rows[i].value) > 1e-9 * (1 + fabs(value)))
			fail_msg("row %zu: %d, %.12g", i, r, value);
		assert_false(signbit(value) && value == 0);
	}
}

static void test_derived(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	run(&rig, 3);
	assert_close(rig.core->channels[SO2N].value, 707.636363636, 1e-6);
	assert_close(rig.core->channels[LOAD].value, 353.818181818, 1e-6); /* one of the other */
	assert_int_equal(rig.core->channels[SO2N].minute.n, 3);
	assert_int_equal(rig.core->channels[LOAD].minute.n, 3);
	rig.words[1] = 2090;
	run(&rig, 1);
	assert_int_equal(quality_of(&rig, SO2N), QUALITY_NOT_A_NUMBER);
	assert_string_equal(reason_of(&rig, SO2N),
			    "input s/stack/O2: oxygen at or above 20.9 %, as in air");
	assert_int_equal(quality_of(&rig, LOAD), QUALITY_NOT_A_NUMBER);
	assert_string_equal(reason_of(&rig, LOAD),
			    "input s/stack/SO2n: input s/stack/O2: oxygen at "
			    "or above 20.9 %, as in air");
	rig.words[1] = 2080; /* 112 × 139 */
	run(&rig, 1);
	assert_int_equal(quality_of(&rig, SO2N), QUALITY_OUT_OF_RANGE);
	rig.words[1] = 1870;
	rig.words[5] = 1;
	rig.pump = 0;
	run(&rig, 1);
	assert_int_equal(quality_of(&rig, SO2N), QUALITY_CALIBRATING);
	assert_string_equal(reason_of(&rig, SO2N),
			    "input s/stack/SO2: calibrating, as s/u/status says");
	assert_int_equal(quality_of(&rig, LOAD), QUALITY_NOT_IN_OPERATION); /* the worse one */
	rig.words[5] = 0;
	rig.pump = 1;
	run(&rig, 6);
	assert_int_equal(rig.batch.n_entries - count_type(&rig, EVENT_DEVICE_STATE, ""), 0);
	rig.words[1] = 2090; /* and it is a measurement that is lost, like any other */
	run(&rig, 6);
	assert_int_equal(count_type(&rig, EVENT_MEASUREMENT_LOST, "\"channel\":\"SO2n\""), 1);
	rig.words[1] = 1870;
	run(&rig, 1);
	assert_int_equal(count_type(&rig, EVENT_MEASUREMENT_RESTORED, "\"channel\":\"SO2n\""), 1);
	rig_close(&rig);
}

/* the second input's last value is used for three of its intervals, then it is old */
static void test_derived_of_an_old_input(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	read_words(&rig);
	for (int i = 0; i < 4; i++) {
		pass(&rig, 1000);
		read_part(&rig, 5, 1, WIRE_OK);
		read_part(&rig, 0, 1, WIRE_OK);
		assert_int_equal(quality_of(&rig, SO2N), i < 3 ? QUALITY_GOOD : QUALITY_STALE);
	}
	assert_string_equal(reason_of(&rig, SO2N), "input s/stack/O2: nothing comes any more");
	assert_int_equal(rig.core->channels[SO2N].minute.n, 4);
	rig_close(&rig);
}

/* samples of one moment one by one, as replay hands them in: derived once, from all of them */
static void test_settling(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	for (int i = 1; i <= 3; i++) {
		core_sample(rig.core, SO2, rig.at, 100 * i, QUALITY_GOOD, 0);
		core_sample(rig.core, O2, rig.at, 7, QUALITY_GOOD, 0);
		assert_int_equal(rig.core->channels[SO2N].minute.n, i - 1);
		pass(&rig, 1000);
	}
	core_settle(rig.core);
	assert_int_equal(rig.core->channels[SO2N].minute.n, 3);
	core_settle(rig.core); /* nothing new */
	assert_int_equal(rig.core->channels[SO2N].minute.n, 3);
	assert_close(rig.core->channels[SO2N].value, 300, 1e-9);
	assert_int_equal(rig.core->streams[0].n_late, 0);
	core_take_as_given(rig.core, SO2N);
	core_sample(rig.core, SO2, rig.at, 1, QUALITY_GOOD, 0);
	core_settle(rig.core);
	assert_int_equal(rig.core->channels[SO2N].minute.n, 3);
	rig_close(&rig);
}

/* --- longer windows -------------------------------------------------------------------- */

static const struct window_row *last(const struct rig *rig, size_t channel,
				     enum window_length length)
{
	return &rig->core->windows[channel].last[length];
}

static void test_windows_close(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	pass(&rig, -90000); /* a minute and a half before midnight */
	run(&rig, 90);
	rig.words[0] = 200;
	run(&rig, 300);
	assert_int_equal(last(&rig, SO2, WINDOW_5MIN)->start_ms, WALL_0 - 300000);
	run(&rig, 1); /* the last second of a window is its own; the next closes it */
	assert_int_equal(last(&rig, SO2, WINDOW_5MIN)->start_ms, WALL_0);
	assert_int_equal(last(&rig, SO2, WINDOW_5MIN)->n, 300);
	assert_int_equal(last(&rig, SO2, WINDOW_5MIN)->capture, 100);
	assert_int_equal(last(&rig, SO2, WINDOW_5MIN)->worst, QUALITY_GOOD);
	assert_true(last(&rig, SO2, WINDOW_5MIN)->valid);
	assert_close(last(&rig, SO2, WINDOW_5MIN)->mean, 200, 1e-9);
	/* the hour and the day before had a minute and a half, and the rest was never seen */
	for (int w = WINDOW_1H; w <= WINDOW_24H; w++) {
		const struct window_row *row = last(&rig, SO2, (enum window_length)w);

		assert_int_equal(row->start_ms, WALL_0 - window_ms((enum window_length)w));
		assert_int_equal(row->n, 90);
		assert_false(row->valid);
		assert_int_equal(row->worst, QUALITY_STALE);
		assert_close(row->mean, 112, 1e-9);
	}
	rig_close(&rig);
}

/* mean = sum(mean × n) / sum(n): minutes of few values weigh little */
static void test_windows_weigh_minutes(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	run(&rig, 240);
	for (int i = 0; i < 60; i++) { /* one minute with 20 good values of 60 */
		rig.words[0] = 1000;
		rig.words[5] = i % 3 ? 1 : 0;
		run(&rig, 1);
	}
	rig.words[5] = 0;
	run(&rig, 1);
	assert_int_equal(last(&rig, SO2, WINDOW_5MIN)->n, 260);
	assert_int_equal(last(&rig, SO2, WINDOW_5MIN)->capture, 86);
	assert_true(last(&rig, SO2, WINDOW_5MIN)->valid);
	assert_int_equal(last(&rig, SO2, WINDOW_5MIN)->worst, QUALITY_CALIBRATING);
	assert_close(last(&rig, SO2, WINDOW_5MIN)->mean, (240 * 112 + 20 * 1000) / 260.0, 1e-9);
	assert_close(last(&rig, SO2, WINDOW_5MIN)->min, 112, 0);
	assert_close(last(&rig, SO2, WINDOW_5MIN)->max, 1000, 0);
	rig_close(&rig);
}

/* capture is of the whole window: 74 % are too few, 75 % do */
static void test_windows_capture(void **state)
{
	struct rig rig;

	(void)state;
	for (int n_bad = 75; n_bad <= 76; n_bad++) {
		rig_open(&rig);
		rig.words[5] = 1;
		run(&rig, n_bad);
		rig.words[5] = 0;
		run(&rig, 301 - n_bad);
		assert_int_equal(last(&rig, SO2, WINDOW_5MIN)->n, 300 - n_bad);
		assert_int_equal(last(&rig, SO2, WINDOW_5MIN)->valid, n_bad == 75);
		rig_close(&rig);
	}
}

static void test_windows_of_a_slow_channel(void **state)
{
	struct rig rig;
	size_t n = 0;

	(void)state;
	rig_open(&rig);
	run(&rig, 241); /* its value came in second 207 */
	assert_true(rig.core->channels[LAB].mean_valid);
	run(&rig, 60);
	assert_false(rig.core->channels[LAB].mean_valid); /* that was of another minute */
	run(&rig, 3360);
	for (size_t i = 0; i < rig.batch.n_minutes; i++)
		n += rig.batch.minutes[i].channel == LAB;
	assert_int_equal(n, 12); /* minutes with a value only */
	assert_int_equal(last(&rig, LAB, WINDOW_5MIN)->n, 1);
	assert_int_equal(last(&rig, LAB, WINDOW_5MIN)->capture, 100);
	assert_int_equal(last(&rig, LAB, WINDOW_1H)->n, 12);
	assert_int_equal(last(&rig, LAB, WINDOW_1H)->capture, 100);
	assert_true(last(&rig, LAB, WINDOW_1H)->valid);
	assert_int_equal(last(&rig, LAB, WINDOW_1H)->worst, QUALITY_GOOD);
	assert_int_equal(count_type(&rig, EVENT_MEASUREMENT_LOST, ""), 0);
	rig_close(&rig);
}

/* a limit on a mean that cannot be judged says so, once until it can be again */
static void test_windows_that_cannot_be_judged(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	run(&rig, 180);
	pass(&rig, 420000); /* two windows with too little or nothing */
	run(&rig, 1);
	assert_int_equal(count_type(&rig, EVENT_WINDOW_INVALID, ""), 1);
	assert_int_equal(count_type(&rig, EVENT_WINDOW_INVALID, "\"capture_percent\":60"), 1);
	run(&rig, 600);
	assert_int_equal(count_type(&rig, EVENT_WINDOW_INVALID, ""), 1);
	pass(&rig, 600000);
	run(&rig, 300);
	assert_int_equal(count_type(&rig, EVENT_WINDOW_INVALID, "\"name\":\"5min\""), 2);
	rig_close(&rig);
}

/* nothing came from minute 2 of one window to minute 1 of another, two windows later */
static void test_windows_over_a_gap(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	run(&rig, 120);
	pass(&rig, 840000);
	run(&rig, 1);
	assert_int_equal(last(&rig, SO2, WINDOW_5MIN)->start_ms, WALL_0 + 600000);
	assert_int_equal(last(&rig, SO2, WINDOW_5MIN)->n, 0);
	assert_int_equal(last(&rig, SO2, WINDOW_5MIN)->worst, QUALITY_STALE);
	assert_int_equal(rig.core->windows[SO2].before[WINDOW_5MIN].n, 120);
	assert_int_equal(rig.core->windows[SO2].before[WINDOW_5MIN].capture, 40);
	assert_int_equal(rig.core->windows[SO2].before[WINDOW_5MIN].worst, QUALITY_STALE);
	run(&rig, 240);
	assert_int_equal(last(&rig, SO2, WINDOW_5MIN)->start_ms, WALL_0 + 900000);
	assert_int_equal(last(&rig, SO2, WINDOW_5MIN)->n, 240);
	assert_int_equal(last(&rig, SO2, WINDOW_5MIN)->worst,
			 QUALITY_STALE); /* a minute is missing */
	pass(&rig, 40 * 24 * HOUR);	 /* away for long: said of each length, and quickly */
	run(&rig, 1);
	for (int w = WINDOW_5MIN; w <= WINDOW_24H; w++) {
		int64_t ms = window_ms((enum window_length)w);
		int64_t open_ms = window_floor((enum window_length)w, rig.at.wall_ms - 1000, 420);

		assert_int_equal(last(&rig, SO2, (enum window_length)w)->start_ms, open_ms - ms);
		assert_int_equal(last(&rig, SO2, (enum window_length)w)->n, 0);
	}
	rig_close(&rig);
}

/* the clock is set back over the end of an hour by a second: the hour goes on and closes again,
 * and what the next one had is not lost */
static void test_windows_over_a_step_back(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	run(&rig, 3601);
	assert_int_equal(last(&rig, SO2, WINDOW_1H)->n, 3600);
	rig.at.wall_ms -= 2000;
	rig.words[0] = 472; /* 360 more than all others */
	run(&rig, 1);	    /* 00:59:59 */
	assert_int_equal(last(&rig, SO2, WINDOW_1H)->start_ms, WALL_0 + HOUR); /* left early */
	assert_int_equal(last(&rig, SO2, WINDOW_1H)->n, 1);
	assert_false(last(&rig, SO2, WINDOW_1H)->valid);
	rig.words[0] = 112;
	run(&rig, 1);
	for (int w = WINDOW_5MIN; w <= WINDOW_1H; w++) {
		enum window_length length = (enum window_length)w;
		uint32_t n = (uint32_t)(window_ms(length) / 1000) + 1;

		assert_int_equal(last(&rig, SO2, length)->start_ms,
				 WALL_0 + HOUR - window_ms(length));
		assert_int_equal(last(&rig, SO2, length)->n, n);
		assert_close(last(&rig, SO2, length)->mean, 112 + 360.0 / n, 1e-9);
		assert_close(last(&rig, SO2, length)->max, 472, 0);
		assert_true(last(&rig, SO2, length)->valid);
		assert_int_equal(last(&rig, SO2, length)->worst, QUALITY_GOOD);
	}
	run(&rig, 3600);
	assert_int_equal(last(&rig, SO2, WINDOW_1H)->start_ms, WALL_0 + HOUR);
	assert_int_equal(last(&rig, SO2, WINDOW_1H)->n, 3601); /* with the one before the step */
	assert_int_equal(last(&rig, SO2, WINDOW_1H)->worst, QUALITY_GOOD);
	rig_close(&rig);
}

/* steps within a window, to and fro: every value is in it once */
static void test_windows_over_steps_within(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	run(&rig, 1800);
	rig.at.wall_ms -= 600000;
	run(&rig, 300);
	rig.at.wall_ms += 900000;
	run(&rig, 1201);
	assert_int_equal(last(&rig, SO2, WINDOW_1H)->start_ms, WALL_0);
	assert_int_equal(last(&rig, SO2, WINDOW_1H)->n, 3300);
	assert_int_equal(last(&rig, SO2, WINDOW_1H)->capture, 91);
	rig_close(&rig);
}

/* far ahead and back again: the day that was left has what it had */
static void test_windows_over_a_wrong_clock(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	run(&rig, 600);
	rig.at.wall_ms += 400 * 24 * HOUR;
	run(&rig, 60);
	rig.at.wall_ms -= 400 * 24 * HOUR;
	run(&rig, 3000);
	assert_int_equal(last(&rig, SO2, WINDOW_1H)->n, 600 + 2940);
	assert_true(last(&rig, SO2, WINDOW_1H)->valid);
	rig_close(&rig);
}

/* a minute of the window that was closed last, before anything of the next: it goes on */
static void test_window_reopened(void **state)
{
	struct window_row row = {.start_ms = WALL_0, .mean = 412, .min = 412, .max = 412, .n = 30};
	struct rig rig;

	(void)state;
	rig_open(&rig);
	run(&rig, 301);
	core_rebuild_window(rig.core, SO2, &row);
	core_rebuilt(rig.core);
	assert_int_equal(last(&rig, SO2, WINDOW_5MIN)->start_ms, WALL_0);
	assert_int_equal(last(&rig, SO2, WINDOW_5MIN)->n, 330);
	assert_close(last(&rig, SO2, WINDOW_5MIN)->mean, 112 + 300 * 30 / 330.0, 1e-9);
	assert_int_equal(last(&rig, SO2, WINDOW_5MIN)->worst, QUALITY_GOOD);
	rig_close(&rig);
}

/* 112 mg at 18.7 % are 707.64, above 700: judged when the window closes, once */
static void test_limits_on_means(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	run(&rig, 300);
	/* too early for the hour and the day; of the five minutes it is certain when so many are in
	 */
	assert_int_equal(count_type(&rig, EVENT_ALARM_FORECAST, ""), rig.batch.n_entries);
	assert_int_equal(count_type(&rig, EVENT_ALARM_FORECAST, "\"limit\":\"hour\""), 0);
	assert_int_equal(count_type(&rig, EVENT_ALARM_FORECAST, "\"limit\":\"day\""), 0);
	batch_clear(&rig.batch);
	run(&rig, 1);
	assert_int_equal(count_type(&rig, EVENT_ALARM_RAISED, "\"limit\":\"five\""), 1);
	assert_int_equal(rig.batch.alarms[0].since_ms, WALL_0);
	assert_true(strstr(rig.batch.entries[0].line, "\"on\":\"mean-5min\"") != NULL);
	assert_true(strstr(rig.batch.entries[0].message, "(5-min mean)") != NULL);
	run(&rig, 3 * 3600 - 302); /* the hour's delay of 1.5 h: one more hour does */
	assert_int_equal(count_type(&rig, EVENT_ALARM_RAISED, "\"limit\":\"hour\""), 0);
	run(&rig, 2);
	assert_int_equal(count_type(&rig, EVENT_ALARM_RAISED, "\"limit\":\"hour\""), 1);
	rig.words[0] = 100; /* 631.8 from here on; the day's mean is 641.3 + … */
	run(&rig, 21 * 3600);
	assert_int_equal(count_type(&rig, EVENT_ALARM_CLEARED, "\"limit\":\"five\""), 1);
	assert_int_equal(count_type(&rig, EVENT_ALARM_CLEARED, "\"limit\":\"hour\""), 1);
	assert_int_equal(count_type(&rig, EVENT_ALARM_RAISED, "\"limit\":\"day\""), 0);
	assert_true(last(&rig, SO2N, WINDOW_24H)->valid);
	assert_int_equal(last(&rig, SO2N, WINDOW_24H)->start_ms, WALL_0);
	assert_int_equal(last(&rig, SO2N, WINDOW_24H)->n, 86400);
	rig_close(&rig);
}

static void test_limit_on_a_day(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig);
	run(&rig, 86401);
	assert_int_equal(count_type(&rig, EVENT_ALARM_RAISED, "\"limit\":\"day\""), 1);
	assert_int_equal(count_type(&rig, EVENT_ALARM_RAISED, "\"value\":\"707.6364\""), 3);
	rig_close(&rig);
	rig_open(&rig); /* a quarter of the day and a second are missing: no judgement */
	rig.words[5] = 1;
	run(&rig, 21601);
	rig.words[5] = 0;
	run(&rig, 86401 - 21601);
	assert_int_equal(count_type(&rig, EVENT_ALARM_RAISED, "\"limit\":\"day\""), 0);
	assert_false(last(&rig, SO2N, WINDOW_24H)->valid);
	assert_int_equal(last(&rig, SO2N, WINDOW_24H)->capture, 74);
	assert_int_equal(last(&rig, SO2N, WINDOW_24H)->worst, QUALITY_CALIBRATING);
	rig_close(&rig);
}

/* --- saving and restoring ---------------------------------------------------------------- */

#define N_STEPS 900

/** struct input - one second's doings, made beforehand */
struct input {
	struct stamp at;
	uint16_t words[6];
	uint16_t pump;
	uint8_t status;
	enum { TICK, COIL, WORDS, STATUS_ONLY, VALUE_ONLY, SAMPLE } kind;
};

static uint32_t draw(uint32_t *seed)
{
	*seed = *seed * UINT32_C(1664525) + UINT32_C(1013904223);
	return *seed >> 8;
}

/* values that wander, freeze and jump, a pump, a status that changes, gaps and steps */
static void make_inputs(struct input *inputs, uint32_t seed)
{
	struct input now = {
		.at = {MONO_0, WALL_0 - 200000}, .words = {112, 1870, 500, 10, 100, 0}, .pump = 1};

	for (size_t i = 0; i < N_STEPS; i++) {
		int64_t ms = i % 4 ? 0 : 3000;

		if (draw(&seed) % 200 == 0)
			ms += (int64_t)(draw(&seed) % 5) * 90000;
		now.at.mono_ms += ms;
		now.at.wall_ms += ms;
		if (draw(&seed) % 180 == 0)
			now.at.wall_ms += (int64_t)(draw(&seed) % 900000) - 450000;
		if (draw(&seed) % 20 == 0)
			now.words[5] = (uint16_t)(draw(&seed) % 3   ? 0
						  : draw(&seed) % 2 ? 1
								    : 0x100);
		if (draw(&seed) % 25 == 0)
			now.pump ^= 1;
		if (draw(&seed) % 3 == 0)
			now.words[3] = (uint16_t)(10 + draw(&seed) % 2 * 10);
		now.words[4] = (uint16_t)(draw(&seed) % 8 ? 100 : 900);
		now.words[0] = (uint16_t)(100 + draw(&seed) % 30);
		now.words[1] = (uint16_t)(draw(&seed) % 30 ? 1870 : 2095);
		now.status = draw(&seed) % 12 ? WIRE_OK : WIRE_TIMEOUT;
		now.kind = i % 4 == 0 ? TICK : i % 4 == 1 ? COIL : WORDS;
		if (draw(&seed) % 15 == 0)
			now.kind = STATUS_ONLY + draw(&seed) % 3;
		inputs[i] = now;
	}
}

static void feed(struct rig *rig, const struct input *input)
{
	rig->at = input->at;
	rig->pump = input->pump;
	memcpy(rig->words, input->words, sizeof(rig->words));
	if (input->kind == TICK)
		tick(rig);
	else if (input->kind == COIL)
		read_coil(rig);
	else if (input->kind == STATUS_ONLY)
		read_part(rig, 5, 1, input->status);
	else if (input->kind == VALUE_ONLY)
		read_part(rig, 0, 1, WIRE_OK);
	else if (input->kind == SAMPLE) /* not settled yet: the core may be saved like this, too */
		core_sample(rig->core, SO2, rig->at, input->words[0], QUALITY_GOOD, 0);
	else
		read_part(rig, 0, 6, input->status);
}

static void dump_row(FILE *out, const struct window_row *row)
{
	(void)fprintf(out, " %lld %a %a %a %u %u %d %d;", (long long)row->start_ms, row->mean,
		      row->min, row->max, row->n, row->capture, row->valid, (int)row->worst);
}

/* all that a step has brought, and where the windows and channels stand after it */
static void dump(FILE *out, struct rig *rig)
{
	char reason[CORE_REASON_MAX];

	for (size_t i = 0; i < rig->batch.n_entries; i++)
		(void)fprintf(out, "E %s\n", rig->batch.entries[i].line);
	for (size_t i = 0; i < rig->batch.n_minutes; i++) {
		(void)fprintf(out, "M %u", rig->batch.minutes[i].channel);
		dump_row(out, &rig->batch.minutes[i].row);
	}
	for (size_t i = 0; i < N_CHANNELS; i++) {
		for (int w = 0; w <= WINDOW_24H && rig->batch.n_minutes > 0; w++)
			dump_row(out, last(rig, i, (enum window_length)w));
		(void)fprintf(out, "%zu %u %s\n", i, rig->core->channels[i].quality,
			      core_lost_reason(rig->core, i, reason, sizeof(reason)));
	}
	batch_clear(&rig->batch);
}

struct saved {
	void *bytes, *windows;
	size_t n, n_windows;
	struct chain chain;
	size_t said;
};

static void save(const struct rig *rig, struct saved *saved, const struct saved *before)
{
	assert_int_equal(core_save(rig->core, &saved->bytes, &saved->n), 0);
	saved->chain = rig->core->chain;
	/* as the record: bytes that are not written stay */
	if (!before || rig->core->windows_dirty) {
		assert_int_equal(core_save_windows(rig->core, &saved->windows, &saved->n_windows),
				 0);
		rig->core->windows_dirty = false;
		return;
	}
	saved->windows = malloc(before->n_windows);
	assert_non_null(saved->windows);
	saved->n_windows = before->n_windows;
	memcpy(saved->windows, before->windows, before->n_windows);
}

static size_t count(const char *text, const char *part)
{
	size_t n = 0;

	for (; (text = strstr(text, part)); text++)
		n++;
	return n;
}

static void check_resume(const struct input *inputs, const struct saved *saved, size_t from,
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
		dump(out, &rig);
	}
	(void)fclose(out);
	if (strcmp(text, whole + saved[from].said) != 0)
		fail_msg("resumed after %zu inputs it says otherwise", from);
	free(text);
	rig_close(&rig);
}

/* killed after any input and restored, the core says exactly what it would have said */
static void test_resume_anywhere(void **state)
{
	static struct input inputs[N_STEPS];
	static struct saved saved[N_STEPS + 1];
	static const char *const parts_of_it[] = {
		"\"type\":\"device.state\"",
		"\"type\":\"clock.stepped\"",
		"\"type\":\"alarm.raised\"",
		"\"type\":\"measurement.lost\"",
		" frozen: ",
		"changes faster",
		"nothing to measure",
		"its status is not known",
		"as s/u/status says",
		"as in air",
	};

	(void)state;
	config->capture_percent = 20; /* there are gaps and faults all over */
	for (uint32_t seed = 1; seed <= 3; seed++) {
		char *whole = NULL;
		size_t n = 0;
		FILE *out = open_memstream(&whole, &n);
		struct rig rig;

		make_inputs(inputs, seed);
		rig_open(&rig);
		for (size_t i = 0; i <= N_STEPS; i++) {
			save(&rig, &saved[i], i ? &saved[i - 1] : NULL);
			(void)fflush(out);
			saved[i].said = n;
			if (i == N_STEPS)
				break;
			feed(&rig, &inputs[i]);
			dump(out, &rig);
		}
		(void)fclose(out);
		rig_close(&rig);
		for (size_t i = 0; i < ARRAY_SIZE(parts_of_it); i++) /* the run is worth it */
			if (count(whole, parts_of_it[i]) == 0)
				fail_msg("seed %u has no %s", seed, parts_of_it[i]);
		for (size_t i = 0; i <= N_STEPS; i++)
			check_resume(inputs, saved, i, whole);
		for (size_t i = 0; i <= N_STEPS; i++) {
			free(saved[i].bytes);
			free(saved[i].windows);
		}
		free(whole);
	}
	config->capture_percent = 75;
}

/* without the windows' bytes: from the minutes of the record since the day began */
static void test_rebuild(void **state)
{
	static const int64_t lengths_s[] = {30, 301, 3600, 4000, 40000};
	struct batch_minute *minutes;
	struct rig rig, other;
	void *bytes = NULL;
	size_t n;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lengths_s); i++) {
		rig_open(&rig);
		run(&rig, lengths_s[i]);
		minutes = rig.batch.minutes;
		rig_open(&other);
		assert_int_equal(core_save(rig.core, &bytes, &n), 0);
		assert_int_equal(core_restore(other.core, bytes, n), 0);
		free(bytes);
		for (size_t j = 0; j < rig.batch.n_minutes; j++)
			core_rebuild_window(other.core, minutes[j].channel, &minutes[j].row);
		core_rebuilt(other.core);
		assert_memory_equal(other.core->windows, rig.core->windows,
				    N_CHANNELS * sizeof(*rig.core->windows));
		rig_close(&rig);
		rig_close(&other);
	}
}

static void test_windows_refused(void **state)
{
	struct rig rig, other;
	uint8_t *bytes;
	void *saved = NULL;
	size_t n;

	(void)state;
	rig_open(&rig);
	rig_open(&other);
	run(&rig, 700);
	assert_int_equal(core_save_windows(rig.core, &saved, &n), 0);
	bytes = saved;
	for (size_t i = 0; i < n; i += 89)
		assert_true(core_restore_windows(other.core, bytes, i) != 0);
	for (size_t i = 0; i < n; i += 17) {
		bytes[i] ^= 0x10;
		if (core_restore_windows(other.core, bytes, n) == 0)
			fail_msg("a flipped bit in byte %zu was not noticed", i);
		bytes[i] ^= 0x10;
	}
	assert_int_equal(core_restore_windows(other.core, bytes, n), 0);
	assert_memory_equal(other.core->windows, rig.core->windows,
			    N_CHANNELS * sizeof(*rig.core->windows));
	bytes[8] ^= 1; /* of another version */
	assert_int_equal(core_restore_windows(other.core, bytes, n), 1);
	free(saved);
	for (int excess = 0; excess <= 1; excess++) { /* a right hash, but no quality */
		rig.core->windows[LAB].last[WINDOW_1H].worst = (enum quality)(QUALITY_MAX + excess);
		assert_int_equal(core_save_windows(rig.core, &saved, &n), 0);
		assert_int_equal(core_restore_windows(other.core, saved, n), excess ? -EBADMSG : 0);
		free(saved);
	}
	rig_close(&rig);
	rig_close(&other);
}

/* what is written with every commit stays small */
static void test_state_is_small(void **state)
{
	(void)state;
	assert_true(sizeof(struct core_channel) <= 224);
	assert_true(sizeof(struct core_state) <= 72);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states_judge_values),
		cmocka_unit_test(test_parts_of_a_request),
		cmocka_unit_test(test_changes_of_state_are_entries),
		cmocka_unit_test(test_frozen),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_a_spike_is_no_incident),
		cmocka_unit_test(test_a_drift_is_believed),
		cmocka_unit_test(test_screened_values_count_for_nothing),
		cmocka_unit_test(test_frozen_begins_anew_after_a_rest),
		cmocka_unit_test(test_not_in_operation),
		cmocka_unit_test(test_unknown_condition_is_fulfilled),
		cmocka_unit_test(test_restored_without_a_value),
		cmocka_unit_test(test_silence_is_seen_at_its_moment),
		cmocka_unit_test(test_silence_is_looked_for_anew),
		cmocka_unit_test(test_old_values_are_stale),
		cmocka_unit_test(test_formulas),
		cmocka_unit_test(test_derived),
		cmocka_unit_test(test_derived_of_an_old_input),
		cmocka_unit_test(test_settling),
		cmocka_unit_test(test_windows_close),
		cmocka_unit_test(test_windows_weigh_minutes),
		cmocka_unit_test(test_windows_capture),
		cmocka_unit_test(test_windows_of_a_slow_channel),
		cmocka_unit_test(test_windows_over_a_gap),
		cmocka_unit_test(test_windows_that_cannot_be_judged),
		cmocka_unit_test(test_windows_over_a_step_back),
		cmocka_unit_test(test_windows_over_steps_within),
		cmocka_unit_test(test_windows_over_a_wrong_clock),
		cmocka_unit_test(test_window_reopened),
		cmocka_unit_test(test_limits_on_means),
		cmocka_unit_test(test_limit_on_a_day),
		cmocka_unit_test(test_resume_anywhere),
		cmocka_unit_test(test_rebuild),
		cmocka_unit_test(test_windows_refused),
		cmocka_unit_test(test_state_is_small),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
