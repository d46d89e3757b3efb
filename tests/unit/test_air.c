/* SPDX-License-Identifier: Apache-2.0 */
/* a core with a stack and an outfall near a border: oxygen, a wind that turns, a new threshold */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/assess.h"
#include "core/release.h"
#include "load.h"

#define WALL_0 INT64_C(1795528800000) /* 2026-11-24T21:00:00+07:00 */
#define MONO_0 INT64_C(1000000)

/* the line is 1.03 km east of the stack: four minutes and a half of wind */
static const char main_yaml[] =
	"origin: test\n"
	"incident-clear: 60s\n"
	"report-interval: 30s\n"
	"destinations:\n"
	"  - {name: all, url: \"http://127.0.0.1:1/\"}\n"
	"boundaries:\n"
	"  - name: border\n"
	"    file: line.geojson\n"
	"    kind: national\n"
	"    thresholds:\n"
	"      - {parameter: SO2, in: air, high: 350, unit: ug/m3, origin: law}\n"
	"      - {parameter: COD, in: water, high: %d, unit: mg/l, origin: law, measured-by: "
	"s/down/COD}\n"
	"rivers:\n"
	"  - name: r\n"
	"    flow: 1\n"
	"    reaches: [{length-km: 1, velocity: [1, 2], width: 10, depth: 1}]\n"
	"    crosses: [{boundary: border, at-km: 0.36}]\n";

static const char site_yaml[] =
	"site: s\n"
	"position: [21.5, 107.0]\n"
	"wind-direction-from: s/met/direction\n"
	"wind-speed: 3\n"
	"stability: D\n"
	"links: [{name: l, tcp: \"127.0.0.1:502\"}]\n"
	"units:\n"
	"  - {name: u, link: l, id: 1, interval: 1s}\n"
	"sources:\n"
	"  - name: stack\n"
	"    kind: gas\n"
	"    flow: Q\n"
	"    channels:\n"
	"      - {name: raw, from: u, address: 0, type: float32, range: [0, 90000], unit: mg/Nm3}\n"
	"      - {name: O2, from: u, address: 2, type: float32, range: [0, 25], unit: \"%\"}\n"
	"      - {name: Q, from: u, address: 4, type: float32, range: [0, 90000], unit: Nm3/h}\n"
	"    derived:\n"
	"      - {name: SO2, formula: oxygen, inputs: [raw, O2], reference: 7, range: [0, 900000], "
	"unit: mg/Nm3}\n"
	"      - {name: twice, formula: sum, inputs: [SO2, SO2], range: [0, 900000], "
	"unit: mg/Nm3}\n"
	"    limits:\n"
	"      - {channel: SO2, class: limit, high: 500, origin: law, clear-delay: 0s}\n"
	"  - name: out\n"
	"    kind: liquid\n"
	"    flow: Q\n"
	"    river: r\n"
	"    at-km: 0\n"
	"    channels:\n"
	"      - {name: COD, from: u, address: 6, type: float32, range: [0, 9000], unit: mg/l}\n"
	"      - {name: Q, from: u, address: 8, type: float32, range: [0, 9000], unit: m3/h}\n"
	"    limits:\n"
	"      - {channel: COD, class: limit, high: 150, origin: law, clear-delay: 0s}\n"
	"  - name: down\n"
	"    kind: solid\n" /* of another kind: it opens no incident of its own here */
	"    channels:\n"
	"      - {name: COD, from: u, address: 10, type: float32, range: [0, 9000], unit: mg/l}\n"
	"  - name: met\n"
	"    kind: gas\n"
	"    channels:\n"
	"      - {name: direction, from: u, address: 12, type: float32, range: [0, 360], unit: "
	"deg}\n";

enum { RAW, O2, GAS, COD, WATER, DOWN, DIRECTION, N_READ };
static const char *const names[N_READ] = {
	"s/stack/raw", "s/stack/O2", "s/stack/Q",	"s/out/COD",
	"s/out/Q",     "s/down/COD", "s/met/direction",
};

struct rig {
	struct config *config;
	struct plan *plan;
	struct core *core;
	struct batch batch;
	struct stamp at;
	size_t channels[N_READ];
	double values[N_READ];
	char text[262144];
	size_t n_text;
};

static size_t channel_of(const struct rig *rig, const char *path)
{
	for (size_t i = 0; i < rig->config->n_channels; i++)
		if (strcmp(rig->config->channels[i].path, path) == 0)
			return i;
	fail_msg("no channel %s", path);
	return 0;
}

/* in order, with a wind to the border */
static struct rig *rig_open(int threshold)
{
	static const double in_order[N_READ] = {100, 9, 60000, 50, 36, 5, 270};
	struct rig *rig = calloc(1, sizeof(*rig));
	char text[sizeof(main_yaml) + 16];
	const struct load_file files[] = {
		{"wastewatch.yaml", text},
		{"sites.d/s.yaml", site_yaml},
		{"line.geojson",
		 "{\"type\": \"LineString\", \"coordinates\": [[107.01, 21], [107.01, 22]]}"},
		{NULL, NULL},
	};

	assert_non_null(rig);
	(void)snprintf(text, sizeof(text), main_yaml, threshold);
	assert_int_equal(load_files(&rig->config, files, stderr), 0);
	assert_int_equal(plan_new(&rig->plan, rig->config), 0);
	assert_int_equal(core_new(&rig->core, rig->config, rig->plan, &rig->batch), 0);
	(void)strcpy(rig->core->log_id, "0123456789abcdef");
	rig->at = (struct stamp){MONO_0, WALL_0};
	memcpy(rig->values, in_order, sizeof(in_order));
	for (size_t i = 0; i < N_READ; i++)
		rig->channels[i] = channel_of(rig, names[i]);
	return rig;
}

static void rig_close(struct rig *rig)
{
	(void)core_free(rig->core);
	(void)plan_free(rig->plan);
	(void)config_free(rig->config);
	batch_done(&rig->batch);
	free(rig);
}

/* the lines and bodies, to the end of the rig's text */
static void collect(struct rig *rig)
{
	for (size_t i = 0; i < rig->batch.n_entries; i++)
		rig->n_text += (size_t)snprintf(rig->text + rig->n_text,
						sizeof(rig->text) - rig->n_text, "%s\n",
						rig->batch.entries[i].line);
	for (size_t i = 0; i < rig->batch.n_reports; i++)
		rig->n_text += (size_t)snprintf(rig->text + rig->n_text,
						sizeof(rig->text) - rig->n_text, "%s\n",
						rig->batch.reports[i].body);
	assert_true(rig->n_text < sizeof(rig->text));
	batch_clear(&rig->batch);
}

/* seconds go by; NAN: a channel cannot measure */
static void run(struct rig *rig, int n)
{
	for (int s = 0; s < n; s++) {
		core_tick(rig->core, 0, rig->at);
		for (size_t i = 0; i < N_READ; i++)
			core_sample(rig->core, rig->channels[i], rig->at, rig->values[i],
				    isnan(rig->values[i]) ? QUALITY_DEVICE_FAULT : QUALITY_GOOD, 0);
		rig->at.mono_ms += 1000;
		rig->at.wall_ms += 1000;
		collect(rig);
	}
	core_settle(rig->core);
}

static enum crossing_verdict verdict_of(const struct rig *rig, enum waste_kind kind)
{
	return (enum crossing_verdict)rig->core->incidents[kind].verdict;
}

/* --- oxygen ------------------------------------------------------------------------------ */

static void test_share(void **state)
{
	static const struct {
		double oxygen;
		bool known;
		double share; /* (20.9 - O2) / (20.9 - 7) */
	} rows[] = {
		{7, true, 1},
		{13.95, true, 0.5},
		{0, true, 20.9 / 13.9},
		{20.8, true, 0.1 / 13.9},
		{(double)NAN, false, 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rig *rig = rig_open(15);
		static const char *const corrected[] = {"s/stack/SO2", "s/stack/twice"};
		double share;

		rig->values[O2] = rows[i].oxygen;
		run(rig, 3);
		for (size_t j = 0; j < ARRAY_SIZE(corrected); j++) {
			bool known = release_share(rig->core, channel_of(rig, corrected[j]),
						   &share);

			if (known != rows[i].known || fabs(share - rows[i].share) > 1e-12)
				fail_msg("row %zu, %s: %g", i, corrected[j], share);
		}
		assert_true(release_share(rig->core, rig->channels[RAW], &share));
		assert_true(share == 1);
		rig_close(rig);
	}
}

/* 30,000 mg/Nm3 in 60,000 Nm3/h are 500 g/s, whatever they come to at 7 % oxygen */
static void test_plume_is_of_what_flows_out(void **state)
{
	static const double oxygen[] = {3, 7, 11, 15};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(oxygen); i++) {
		struct rig *rig = rig_open(15);

		run(rig, 5);
		rig->values[RAW] = 30000;
		rig->values[O2] = oxygen[i];
		run(rig, 5);
		assert_true(rig->core->incidents[WASTE_GAS].open);
		if (!strstr(rig->text, "\"rate_g_s\":\"500\""))
			fail_msg("%g %%: %s", oxygen[i], rig->text);
		rig_close(rig);
	}
}

/* --- the wind turns -------------------------------------------------------------------- */

/* what was likely stays so for ten minutes of the monotonic clock, wherever the wall clock is */
static void test_verdict_is_held(void **state)
{
	static const int64_t steps_ms[] = {0, -3600000, 3600000};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(steps_ms); i++) {
		struct rig *rig = rig_open(15);
		enum crossing_verdict before;

		rig->values[RAW] = 30000;
		run(rig, 100);
		before = verdict_of(rig, WASTE_GAS);
		assert_true(before >= VERDICT_POSSIBLE);
		rig->values[DIRECTION] = 90; /* away from the border */
		run(rig, 60);
		rig->at.wall_ms += steps_ms[i];
		run(rig, 500); /* 560 since it turned, and it was looked at half a minute before */
		if (verdict_of(rig, WASTE_GAS) != before)
			fail_msg("row %zu: %d and not %d", i, (int)verdict_of(rig, WASTE_GAS),
				 (int)before);
		run(rig, 75);
		if (verdict_of(rig, WASTE_GAS) >= before)
			fail_msg("row %zu: still %d", i, (int)before);
		rig_close(rig);
	}
}

/* --- a threshold that is changed ------------------------------------------------------- */

static void take_over(struct rig *rig, const struct rig *from)
{
	void *saved = NULL, *windows = NULL;
	size_t n, n_windows;

	assert_int_equal(core_save(from->core, &saved, &n), 0);
	assert_int_equal(core_save_windows(from->core, &windows, &n_windows), 0);
	assert_int_equal(core_restore(rig->core, saved, n), 0);
	assert_int_equal(core_restore_windows(rig->core, windows, n_windows), 0);
	rig->core->chain = from->core->chain;
	rig->at = from->at;
	memcpy(rig->values, from->values, sizeof(rig->values));
	free(saved);
	free(windows);
}

/* 30 / 1.01 = 29.7 mg/l cross a border at 15 mg/l. With 40 that is 0.74 of it, and "likely" is kept
 * down to 0.8 only; the level stays. Readings have to pass the new one. */
static void test_another_threshold(void **state)
{
	struct rig *rig = rig_open(15), *other = rig_open(40);

	(void)state;
	run(rig, 5);
	rig->values[COD] = 3000;
	run(rig, 120);
	assert_int_equal(verdict_of(rig, WASTE_LIQUID), VERDICT_LIKELY);
	assert_int_equal(rig->core->incidents[WASTE_LIQUID].level, LEVEL_NATIONAL);
	assert_non_null(strstr(rig->text, "threshold 15 mg/l"));
	take_over(other, rig);
	run(other, 60);
	assert_int_equal(verdict_of(other, WASTE_LIQUID), VERDICT_POSSIBLE);
	assert_int_equal(other->core->incidents[WASTE_LIQUID].level, LEVEL_NATIONAL);
	assert_non_null(strstr(other->text, "COD up to 29.7 mg/l if it goes on"));
	assert_non_null(strstr(other->text, "threshold 40 mg/l"));
	assert_null(strstr(other->text, "threshold 15 mg/l"));
	other->values[DOWN] = 39;
	run(other, 180); /* due since 180 s after the spill began */
	assert_null(strstr(other->text, "\"type\":\"crossing.confirmed\""));
	other->values[DOWN] = 41;
	run(other, 70);
	assert_non_null(strstr(other->text,
			       "\"reason\":\"measured above 40 mg/l for 60 s while it is due"));
	rig_close(rig);
	rig_close(other);
}

/* the other way: what was kept is above the new one, and is said so */
static void test_a_lower_threshold(void **state)
{
	struct rig *rig = rig_open(400), *other = rig_open(15);

	(void)state;
	run(rig, 5);
	rig->values[COD] = 3000;
	run(rig, 120);
	assert_int_equal(verdict_of(rig, WASTE_LIQUID), VERDICT_UNLIKELY);
	assert_int_equal(rig->core->incidents[WASTE_LIQUID].level, LEVEL_FACILITY);
	take_over(other, rig);
	run(other, 60);
	assert_int_equal(verdict_of(other, WASTE_LIQUID), VERDICT_LIKELY);
	assert_int_equal(other->core->incidents[WASTE_LIQUID].level, LEVEL_NATIONAL);
	rig_close(rig);
	rig_close(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_share),
		cmocka_unit_test(test_plume_is_of_what_flows_out),
		cmocka_unit_test(test_verdict_is_held),
		cmocka_unit_test(test_another_threshold),
		cmocka_unit_test(test_a_lower_threshold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
