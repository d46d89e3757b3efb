/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An assessment that is open while the service is restarted, or while a line, a river or a
 * receptor is moved or removed: what is waited for at the target is seen to all the same, and
 * nothing is said of what is not there any more.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/assess.h"
#include "load.h"

#define WALL_0 INT64_C(1795528800000) /* 2026-11-24T21:00:00+07:00 */
#define MONO_0 INT64_C(1000000)

#define HEAD                    \
	"origin: test\n"        \
	"incident-clear: 60s\n" \
	"report-interval: 6h\n" \
	"destinations:\n"       \
	"  - {name: all, url: \"http://127.0.0.1:1/\"}\n"
#define BORDER                                                                                 \
	"boundaries:\n"                                                                        \
	"  - name: border\n"                                                                   \
	"    file: line.geojson\n"                                                             \
	"    kind: national\n"                                                                 \
	"    thresholds:\n"                                                                    \
	"      - {parameter: COD, in: water, high: 15, unit: mg/l, origin: law, measured-by: " \
	"s/down/COD}\n"
#define RIVER(length, crosses) \
	"rivers:\n"            \
	"  - name: r\n"        \
	"    flow: 1\n"        \
	"    reaches: [{length-km: " length ", velocity: [1, 2], width: 10, depth: 1}]\n" crosses
#define CROSSES(km) "    crosses: [{boundary: border, at-km: " km "}]\n"
#define INTAKE                                                                    \
	"receptors:\n"                                                            \
	"  - name: intake\n    kind: intake\n"                                    \
	"    river: r\n"                                                          \
	"    at-km: 0.2\n"                                                        \
	"    thresholds:\n"                                                       \
	"      - {parameter: COD, in: water, high: 9, unit: mg/l, origin: law}\n" \
	"      - {parameter: TOC, in: water, high: 5, unit: mg/l, origin: law}\n"

static const char site_yaml[] =
	"site: s\n"
	"links: [{name: l, tcp: \"127.0.0.1:502\"}]\n"
	"units:\n"
	"  - {name: u, link: l, id: 1, interval: 1s}\n"
	"sources:\n"
	"  - name: out\n"
	"    kind: liquid\n"
	"    flow: Q\n"
	"    %sriver: r\n"
	"    %sat-km: 0\n"
	"    channels:\n"
	"      - {name: COD, from: u, address: 0, type: float32, range: [0, 9000], unit: mg/l}\n"
	"      - {name: Q, from: u, address: 2, type: float32, range: [0, 9000], unit: m3/h}\n"
	"      - {name: TOC, from: u, address: 6, type: float32, range: [0, 9000], unit: mg/l}\n"
	"    limits:\n"
	"      - {channel: COD, class: limit, high: 150, origin: law, clear-delay: 0s}\n"
	"  - name: down\n"
	"    kind: gas\n"
	"    channels:\n"
	"      - {name: COD, from: u, address: 4, type: float32, range: [0, 9000], unit: ug/l}\n";

enum { COD, FLOW, TOC, DOWN, N_CHANNELS };

enum place { FIRST, FARTHER, LONGER, NO_BORDER, NO_INTAKE, NO_RIVER, N_PLACES };

static const char *const mains[N_PLACES] = {
	[FIRST] = HEAD BORDER RIVER("1", CROSSES("0.36")) INTAKE,
	[FARTHER] = HEAD BORDER RIVER("1", CROSSES("0.9")) INTAKE,
	[LONGER] = HEAD BORDER RIVER("5", CROSSES("0.36")) INTAKE,
	[NO_BORDER] = HEAD RIVER("1", "") INTAKE,
	[NO_INTAKE] = HEAD BORDER RIVER("1", CROSSES("0.36")),
	[NO_RIVER] = HEAD BORDER,
};

struct rig {
	struct config *config;
	struct plan *plan;
	struct core *core;
	struct batch batch;
	struct stamp at;
	char *text;
	size_t n_text;
};

#define TEXT_MAX 262144

static void rig_open(struct rig *rig, enum place place)
{
	const char *off = place == NO_RIVER ? "#" : "";
	char site[sizeof(site_yaml) + 8];
	const struct load_file files[] = {
		{"wastewatch.yaml", mains[place]},
		{"sites.d/s.yaml", site},
		{"line.geojson",
		 "{\"type\": \"LineString\", \"coordinates\": [[107, 21], [107, 22]]}"},
		{NULL, NULL},
	};

	(void)snprintf(site, sizeof(site), site_yaml, off, off);
	*rig = (struct rig){.at = {MONO_0, WALL_0}, .text = calloc(1, TEXT_MAX)};
	assert_non_null(rig->text);
	assert_int_equal(load_files(&rig->config, files, stderr), 0);
	assert_int_equal(plan_new(&rig->plan, rig->config), 0);
	assert_int_equal(core_new(&rig->core, rig->config, rig->plan, &rig->batch), 0);
	(void)strcpy(rig->core->log_id, "0123456789abcdef");
}

static void rig_close(struct rig *rig)
{
	rig->core = core_free(rig->core);
	batch_done(&rig->batch);
	rig->plan = plan_free(rig->plan);
	rig->config = config_free(rig->config);
	free(rig->text);
}

static void collect(struct rig *rig)
{
	for (size_t i = 0; i < rig->batch.n_entries; i++)
		rig->n_text += (size_t)snprintf(rig->text + rig->n_text, TEXT_MAX - rig->n_text,
						"%s\n", rig->batch.entries[i].line);
	for (size_t i = 0; i < rig->batch.n_reports; i++)
		rig->n_text += (size_t)snprintf(rig->text + rig->n_text, TEXT_MAX - rig->n_text,
						"%s\n", rig->batch.reports[i].body);
	assert_true(rig->n_text < TEXT_MAX);
	assert_false(rig->batch.out_of_memory);
	batch_clear(&rig->batch);
}

/* @down: of the station down the river; NAN nothing is heard of it */
static void run(struct rig *rig, int n, double cod, double down)
{
	const double values[N_CHANNELS] = {cod, 36, cod / 3, down};
	bool silent = isnan(down);

	for (int k = 0; k < n; k++) {
		core_tick(rig->core, 0, rig->at);
		for (size_t i = 0; i < (silent ? DOWN : N_CHANNELS); i++)
			core_sample(rig->core, i, rig->at, values[i], QUALITY_GOOD, 0);
		rig->at.mono_ms += 1000;
		rig->at.wall_ms += 1000;
		collect(rig);
	}
}

static size_t count(const struct rig *rig, const char *part)
{
	size_t n = 0;

	for (const char *c = rig->text; (c = strstr(c, part)); c++)
		n++;
	return n;
}

/* @to goes on where @from has stopped, @later_s after it */
static void move(struct rig *from, struct rig *to, int later_s)
{
	void *saved = NULL, *windows = NULL;
	size_t n, n_windows;

	assert_int_equal(core_save(from->core, &saved, &n), 0);
	assert_int_equal(core_save_windows(from->core, &windows, &n_windows), 0);
	assert_int_equal(core_restore(to->core, saved, n), 0);
	assert_true(core_restore_windows(to->core, windows, n_windows) >= 0);
	to->core->chain = from->core->chain;
	to->at = from->at;
	to->at.mono_ms += later_s * INT64_C(1000);
	to->at.wall_ms += later_s * INT64_C(1000);
	free(saved);
	free(windows);
}

/* 36 m3/h of 3,000 mg/l into 1 m3/s: due from 180 s to some 430 s after it began */
static void spill(struct rig *rig)
{
	run(rig, 5, 50, 100);
	run(rig, 60, 3000, 100);
	run(rig, 30, 50, 100);
}

static const struct crossing_path *path_to(const struct rig *rig, const char *target)
{
	const struct core_crossing *crossing = &rig->core->crossings[WASTE_LIQUID];

	for (uint32_t i = 0; i < crossing->n_paths; i++)
		if (crossing->paths[i].target == assess_key(target))
			return &crossing->paths[i];
	return NULL;
}

/* a minute of downtime costs little, and is not taken for a look; too long, and nobody knows */
static void test_away_while_it_is_due(void **state)
{
	static const struct {
		int away_s;
		double down; /* afterwards, ug/l; threshold 15,000 */
		const char *type, *says;
	} rows[] = {
		{0, 100, "crossing.refuted", "nothing above the threshold came while it was due"},
		{90, 100, "crossing.refuted", "nothing above the threshold came while it was due"},
		{280, 100, "crossing.assessed", "neither confirmed nor refuted: measured only "},
		{3600, 100, "crossing.assessed",
		 "neither confirmed nor refuted: no good reading while it was due, judged 5"},
		{90, 30000, "crossing.confirmed",
		 "measured above 15 mg/l for 60 s while it is due"},
		{280, 30000, "crossing.confirmed",
		 "measured above 15 mg/l for 60 s while it is due"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rig before, after;
		char type[64];

		rig_open(&before, FIRST);
		rig_open(&after, FIRST);
		spill(&before);
		assert_int_equal(before.core->dues[0].state, DUE_WAITING);
		move(&before, &after, rows[i].away_s);
		run(&after, 700, 50, rows[i].down);
		(void)snprintf(type, sizeof(type), "\"type\":\"%s\"", rows[i].type);
		if (!strstr(after.text, rows[i].says) || !strstr(after.text, type))
			fail_msg("row %zu: %s", i, after.text);
		/* and never two of them */
		assert_int_equal(count(&after, "\"type\":\"crossing.confirmed\"") +
					 count(&after, "\"type\":\"crossing.refuted\""),
				 strcmp(rows[i].type, "crossing.assessed") != 0);
		rig_close(&before);
		rig_close(&after);
	}
}

/* After a start the link of the station is silent at first: its last value is that of before, and
 * nobody's reading of now, though its quality was good when it was saved. */
static void test_silent_since_the_start(void **state)
{
	struct rig before, after;
	bool is_old;

	(void)state;
	for (int spike = 0; spike < 2; spike++) {
		rig_open(&before, FIRST);
		rig_open(&after, FIRST);
		spill(&before);
		run(&before, 1, 50, spike ? 8000 : 100);
		assert_int_equal(before.core->dues[0].n_checks, 0);
		move(&before, &after, 150);
		assert_int_equal(after.core->channels[DOWN].quality, QUALITY_GOOD);
		/* of another poller's link it stays so until that one ticks */
		after.core->assessed_ms = after.at.mono_ms;
		assert_true(assess_value(after.core, DOWN, NULL, &is_old) > 0 && is_old);
		run(&after, 700, 50, (double)NAN);
		assert_non_null(strstr(after.text, "neither confirmed nor refuted: no good reading "
						   "while it was due\""));
		assert_int_equal(count(&after, "neither confirmed nor refuted"), 1);
		rig_close(&before);
		rig_close(&after);
	}
}

/* what is assessed at a start is what is configured then, at once, however seldom else */
static void test_at_once_after_a_start(void **state)
{
	struct rig before, after;

	(void)state;
	rig_open(&before, FIRST);
	rig_open(&after, FARTHER);
	spill(&before);
	run(&before, 200, 50, 100);
	move(&before, &after, 5);
	assert_true(fabs(path_to(&after, "border")->distance_m - 360) < 1);
	run(&after, 2, 50, 100);
	assert_true(fabs(path_to(&after, "border")->distance_m - 900) < 1);
	rig_close(&before);
	rig_close(&after);
}

/* what no law limits at the source is summed up all the same, where it matters down the river; in
 * the report's masses it is not, which are about limits */
static void test_without_a_limit(void **state)
{
	const struct core_crossing *crossing;
	bool found = false;
	struct rig rig;

	(void)state;
	rig_open(&rig, FIRST);
	spill(&rig);
	crossing = &rig.core->crossings[WASTE_LIQUID];
	for (uint32_t i = 0; i < crossing->n_paths; i++) {
		const struct crossing_path *path = &crossing->paths[i];

		if (path->threshold != assess_threshold_key(rig.config, 2))
			continue;
		found = true;
		assert_int_equal(path->covered_percent, 100);
		/* 0.01 m3/s of 1,000 g/m3 */
		assert_true(fabs(path->inputs[INPUT_MEASURED] / path->inputs[INPUT_MEASURED_IN] -
				 0.01) < 1e-4);
		assert_true(path->measured == path->excess);
	}
	assert_true(found);
	assert_non_null(strstr(rig.text, "\"released\":[{"));
	assert_non_null(strstr(rig.text, "\"channel\":\"COD\",\"covered_percent\""));
	assert_null(strstr(rig.text, "\"channel\":\"TOC\",\"covered_percent\""));
	rig_close(&rig);
}

/* where it lies now, from the next second on; of what is gone nothing is said or waited for */
static void test_moved(void **state)
{
	static const struct {
		double border_m, intake_m; /* NAN: not there any more */
		enum place place;
	} rows[] = {
		{360, 200, FIRST},
		{900, 200, FARTHER},
		{360, 200, LONGER},
		{(double)NAN, 200, NO_BORDER},
		{360, (double)NAN, NO_INTAKE},
		{(double)NAN, (double)NAN, NO_RIVER},
	};

	(void)state;
	for (int spilling = 0; spilling < 2; spilling++) {
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			const struct crossing_path *path;
			struct rig before, after;
			uint8_t level;

			rig_open(&before, FIRST);
			rig_open(&after, rows[i].place);
			spill(&before);
			run(&before, spilling ? 5 : 0, 3000, 100);
			level = before.core->incidents[WASTE_LIQUID].level;
			move(&before, &after, 1);
			run(&after, 3, spilling ? 3000 : 50, 100);
			path = path_to(&after, "border");
			if (rows[i].place == NO_RIVER) { /* nothing of it is assessed: said */
				assert_true(path && path->flags == FLAG_NO_RIVER);
				assert_int_equal(path->verdict, VERDICT_NONE);
				path = NULL;
			}
			assert_int_equal(!path, isnan(rows[i].border_m));
			assert_true(!path || fabs(path->distance_m - rows[i].border_m) < 1);
			if (isnan(rows[i].border_m) && rows[i].place == NO_BORDER)
				assert_int_equal(after.core->dues[0].state, DUE_FREE);
			path = path_to(&after, "intake");
			assert_int_equal(!path, isnan(rows[i].intake_m));
			assert_true(!path || fabs(path->distance_m - rows[i].intake_m) < 1);
			/* no level falls with the line that it was raised for */
			assert_true(after.core->incidents[WASTE_LIQUID].level >= level);
			run(&after, 1500, 50, 100);
			assert_int_equal(count(&after, "\"type\":\"incident.ended\""), 2);
			for (size_t k = 0; k < CROSSING_DUES_MAX; k++)
				assert_int_equal(after.core->dues[k].state, DUE_FREE);
			rig_close(&before);
			rig_close(&after);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_away_while_it_is_due),
		cmocka_unit_test(test_silent_since_the_start),
		cmocka_unit_test(test_at_once_after_a_start),
		cmocka_unit_test(test_moved),
		cmocka_unit_test(test_without_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
