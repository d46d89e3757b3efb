/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is assessed of gas and of what slides, in the core: how long a release has lasted, verdicts
 * that are held, what is at the line itself, and why something is not computed.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/assess.h"
#include "core/report_parts.h"
#include "load.h"

#define WALL_0 INT64_C(1795528800000) /* 2026-11-24T21:00:00+07:00 */
#define MONO_0 INT64_C(1000000)
#define MINUTE 60

/* the line is the meridian of 107° E; the stack 1,037.7 m west of it, the heap 52 m, the other
 * stack, on the ground, 62 m */
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
	"      - {parameter: SO2, in: air, high: 350, unit: ug/m3, origin: law}\n";

#define CHANNEL(name, address, unit)                          \
	"      - {name: " name ", from: u, address: " address \
	", type: float32, range: [0, 90000], "                \
	"unit: " unit "}\n"
#define LIMIT(name) \
	"      - {channel: " name ", class: limit, high: 500, origin: law, clear-delay: 0s}\n"

static const char site_yaml[] =
	"site: s\n"
	"wind-speed: 3\n"
	"wind-direction-from: s/met/direction\n"
	"stability: D\n"
	"links: [{name: l, tcp: \"127.0.0.1:502\"}]\n"
	"units:\n"
	"  - {name: u, link: l, id: 1, interval: 1s}\n"
	"sources:\n"
	"  - name: stack\n"
	"    kind: gas\n"
	"    position: [21.5, 106.99]\n"
	"    flow: Q\n"
	"    channels:\n" CHANNEL("SO2", "0", "mg/m3") CHANNEL(
		"Q", "2",
		"m3/h") "    limits:\n" LIMIT("SO2") "  - name: heap\n"
						     "    kind: solid\n"
						     "    position: [21.5, 106.9995]\n"
						     "    drop: 5\n"
						     "    travel-ratio: 0.5\n"
						     "    channels:\n" CHANNEL("Pb", "4", "mg/l") "    limits:\n" LIMIT(
							     "Pb") "  - name: far-heap\n"
								   "    kind: solid\n"
								   "    position: [21.5, 106.998]\n"
								   "    drop: 50\n"
								   "    travel-ratio: 0.2\n"
								   "    channels:\n" CHANNEL("As", "6", "mg/l") "    limits:\n" LIMIT(
									   "As") "  - name: vent\n"
										 "    kind: gas\n"
										 "    position: "
										 "[21.5, "
										 "106.9994]\n"
										 "    "
										 "channels:"
										 "\n" CHANNEL("SO2", "8", "mg/m3") "    limits:\n" LIMIT(
											 "SO2") "  "
												"- "
												"na"
												"me"
												": "
												"fl"
												"ar"
												"e"
												"\n"
												"  "
												"  "
												"ki"
												"nd"
												": "
												"ga"
												"s"
												"\n"
												"  "
												"  "
												"po"
												"si"
												"ti"
												"on"
												": "
												"[2"
												"1."
												"5,"
												" 1"
												"06"
												".9"
												"8]"
												"\n"
												"  "
												"  "
												"ch"
												"an"
												"ne"
												"ls"
												":"
												"\n" CHANNEL("CO", "10", "mg/m3") "    limits:\n" LIMIT(
													"CO") "  - name: met\n"
													      "    kind: gas\n"
													      "    channels:\n" CHANNEL(
														      "direction",
														      "12",
														      "deg");

enum { SO2, FLOW, HEAP, FAR_HEAP, VENT, FLARE, DIRECTION, N_CHANNELS };

static struct config *config;
static struct plan *plan;

static int set_up(void **state)
{
	static const struct load_file files[] = {
		{"wastewatch.yaml", main_yaml},
		{"sites.d/s.yaml", site_yaml},
		{"line.geojson",
		 "{\"type\": \"LineString\", \"coordinates\": [[107, 21], [107, 22]]}"},
		{NULL, NULL},
	};
	int r;

	(void)state;
	r = load_files(&config, files, NULL);
	if (r < 0)
		return r;
	assert_int_equal(config->n_channels, N_CHANNELS);
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
	char text[262144];
	size_t n_text;
	double values[N_CHANNELS];
};

static struct rig *rig_open(void)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	if (!rig) {
		fail_msg("out of memory");
		return NULL;
	}
	rig->at = (struct stamp){.mono_ms = MONO_0, .wall_ms = WALL_0};
	rig->values[SO2] = rig->values[VENT] = rig->values[FLARE] = 100;
	rig->values[FLOW] = 36000;
	rig->values[DIRECTION] = 270; /* towards the line */
	assert_int_equal(core_new(&rig->core, config, plan, &rig->batch), 0);
	(void)strcpy(rig->core->log_id, "0123456789abcdef");
	return rig;
}

static void rig_close(struct rig *rig)
{
	rig->core = core_free(rig->core);
	batch_done(&rig->batch);
	free(rig);
}

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
	assert_false(rig->batch.out_of_memory);
	batch_clear(&rig->batch);
}

static void run(struct rig *rig, int seconds)
{
	for (int s = 0; s < seconds; s++) {
		core_tick(rig->core, 0, rig->at);
		for (size_t i = 0; i < N_CHANNELS; i++)
			core_sample(rig->core, i, rig->at, rig->values[i], QUALITY_GOOD, 0);
		rig->at.mono_ms += 1000;
		rig->at.wall_ms += 1000;
		collect(rig);
	}
}

/* what it is at the line after a class D plume of 36,000 m3/h from the ground, per mg/m3 */
static double at_line(double mg_m3)
{
	double x = BOUNDARY_RADIUS_M * 0.01 * M_PI / 180 * cos(21.5 * M_PI / 180);
	double sy = 0.08 * x / sqrt(1 + 0.0001 * x), sz = 0.06 * x / sqrt(1 + 0.0015 * x);

	return mg_m3 * 1e-3 * 10 * 1e6 / (M_PI * 3 * sy * sz);
}

static const struct crossing_path *path_of(const struct rig *rig, enum waste_kind kind,
					   const char *source, enum crossing_method method)
{
	const struct core_crossing *crossing = &rig->core->crossings[kind];

	for (uint32_t i = 0; i < crossing->n_paths; i++) {
		size_t of = assess_source_of(config, crossing->paths[i].source);

		if (crossing->paths[i].method == method &&
		    strcmp(config->sources[of].name, source) == 0)
			return &crossing->paths[i];
	}
	fail_msg("no path of %s", source);
	return NULL;
}

/* ten minutes, as it takes 346 s there: what is shorter is no steady plume */
static void test_short(void **state)
{
	const struct crossing_path *path;
	struct rig *rig = rig_open();
	double steady = at_line(3000);

	(void)state;
	run(rig, 5);
	rig->values[SO2] = 3000;
	run(rig, 5 * MINUTE);
	path = path_of(rig, WASTE_GAS, "stack", METHOD_PLUME);
	assert_true(steady > 2 * 350);
	assert_true(fabs(path->inputs[INPUT_STEADY] - steady) < 0.01 * steady);
	assert_true(fabs(path->central - steady * path->inputs[INPUT_LASTED] / 600) <
		    0.01 * steady);
	assert_true(path->central > 0.4 * steady && path->central > 350);
	assert_true(path->flags & FLAG_SHORT && path->flags & FLAG_NOT_ENDED);
	assert_int_equal(path->verdict, VERDICT_POSSIBLE);
	run(rig, 4 * MINUTE);
	assert_int_equal(path->verdict, VERDICT_POSSIBLE);
	assert_int_equal(rig->core->incidents[WASTE_GAS].level, LEVEL_FACILITY);
	run(rig, 2 * MINUTE);
	assert_int_equal(path->verdict, VERDICT_LIKELY);
	assert_true(!(path->flags & (FLAG_SHORT | FLAG_NOT_ENDED)));
	assert_true(fabs(path->central - steady) < 0.01 * steady);
	assert_int_equal(rig->core->incidents[WASTE_GAS].level, LEVEL_NATIONAL);
	rig_close(rig);
}

/* when it is over, it has lasted as long as it has */
static void test_short_and_over(void **state)
{
	const struct crossing_path *path;
	struct rig *rig = rig_open();

	(void)state;
	run(rig, 5);
	rig->values[SO2] = 2000;
	run(rig, 3 * MINUTE);
	rig->values[SO2] = 100;
	run(rig, 40);
	path = path_of(rig, WASTE_GAS, "stack", METHOD_PLUME);
	assert_true(fabs(path->inputs[INPUT_LASTED] - 180) <= 1);
	assert_true(fabs(path->central - at_line(2000) * path->inputs[INPUT_LASTED] / 600) <
		    0.01 * at_line(2000));
	assert_true(path->flags & FLAG_SHORT && !(path->flags & FLAG_NOT_ENDED));
	run(rig, 15 * MINUTE);
	assert_int_equal(rig->core->incidents[WASTE_GAS].level, LEVEL_FACILITY);
	assert_null(strstr(rig->text, "\"verdict\":\"likely\""));
	rig_close(rig);
}

/* the wind turns: what was sent is where it was sent to, for ten minutes, whatever time it is */
static void test_held_by_the_monotonic_clock(void **state)
{
	static const int64_t steps[] = {0, -3600000, 3600000};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		struct rig *rig = rig_open();

		run(rig, 5);
		rig->values[SO2] = 2000;
		run(rig, 12 * MINUTE);
		assert_int_equal(path_of(rig, WASTE_GAS, "stack", METHOD_PLUME)->verdict,
				 VERDICT_LIKELY);
		rig->values[DIRECTION] = 90;
		rig->at.wall_ms += steps[i];
		run(rig, 9 * MINUTE);
		assert_int_equal(path_of(rig, WASTE_GAS, "stack", METHOD_PLUME)->verdict,
				 VERDICT_LIKELY);
		run(rig, 2 * MINUTE);
		assert_int_equal(path_of(rig, WASTE_GAS, "stack", METHOD_PLUME)->verdict,
				 VERDICT_UNLIKELY);
		assert_int_equal(rig->core->incidents[WASTE_GAS].level, LEVEL_NATIONAL);
		rig_close(rig);
	}
}

/* nor does an hour that the clock is set forward by make a release longer */
static void test_lasted_by_the_monotonic_clock(void **state)
{
	struct rig *rig = rig_open();

	(void)state;
	run(rig, 5);
	rig->values[SO2] = 2000;
	run(rig, MINUTE);
	rig->at.wall_ms += 3600000;
	run(rig, 5 * MINUTE);
	assert_int_equal(path_of(rig, WASTE_GAS, "stack", METHOD_PLUME)->verdict, VERDICT_POSSIBLE);
	assert_int_equal(rig->core->incidents[WASTE_GAS].level, LEVEL_FACILITY);
	rig_close(rig);
}

/* within 100 m of the line it is there, whether or not anything can be computed */
static void test_at_the_line(void **state)
{
	const struct crossing_path *path;
	struct rig *rig = rig_open();

	(void)state;
	run(rig, 5);
	rig->values[VENT] = 2000;
	rig->values[HEAP] = 2000;
	run(rig, 2 * MINUTE);
	path = path_of(rig, WASTE_GAS, "vent", METHOD_DISTANCE);
	assert_int_equal(path->verdict, VERDICT_OBSERVED);
	assert_true(path->flags == (FLAG_NO_FLOW | FLAG_AT_THE_LINE));
	assert_true(fabs(path->distance_m - 62) < 1);
	assert_int_equal(rig->core->incidents[WASTE_GAS].level, LEVEL_NATIONAL);
	path = path_of(rig, WASTE_SOLID, "heap", METHOD_SLIDE);
	assert_int_equal(path->verdict, VERDICT_OBSERVED);
	assert_true(path->flags == FLAG_AT_THE_LINE);
	assert_true(fabs(path->distance_m - 52) < 1);
	/* though by its reach, 10 m, nothing slides there */
	assert_true(fabs(path->inputs[3] - 10) < 1e-9);
	assert_int_equal(rig->core->incidents[WASTE_SOLID].level, LEVEL_NATIONAL);
	rig_close(rig);
}

/* a second heap an hour after the first: its slide begins then, and its minute, too */
static void test_begins_with_its_own_release(void **state)
{
	const struct crossing_path *path;
	struct rig *rig = rig_open();
	int64_t began_ms;

	(void)state;
	run(rig, 5);
	rig->values[HEAP] = 2000;
	run(rig, 60 * MINUTE);
	began_ms = rig->at.wall_ms;
	rig->values[FAR_HEAP] = 2000;
	run(rig, 2 * MINUTE);
	path = path_of(rig, WASTE_SOLID, "far-heap", METHOD_SLIDE);
	assert_int_equal(path->verdict, VERDICT_LIKELY); /* 250 m, and 207 m away */
	assert_int_equal(path->release_ms, began_ms);
	assert_int_equal(path->arrival_ms, began_ms);
	assert_int_equal(path_of(rig, WASTE_SOLID, "heap", METHOD_SLIDE)->release_ms,
			 WALL_0 + 5000);
	/* anew, in the same incident: it is still the first that is told */
	rig->values[FAR_HEAP] = 0;
	run(rig, MINUTE);
	rig->values[FAR_HEAP] = 2000;
	run(rig, 2 * MINUTE);
	assert_int_equal(path_of(rig, WASTE_SOLID, "far-heap", METHOD_SLIDE)->release_ms, began_ms);
	rig_close(rig);
}

/* no threshold about CO: that is what is told, not that its flow is not known; and that others are
 * in order there shows nothing of it */
static void test_no_threshold_fits(void **state)
{
	const struct crossing_path *path;
	struct rig *rig = rig_open();

	(void)state;
	run(rig, 5);
	rig->values[FLARE] = 2000;
	run(rig, 2 * MINUTE);
	path = path_of(rig, WASTE_GAS, "flare", METHOD_DISTANCE);
	assert_true(path->flags == FLAG_NO_THRESHOLD);
	assert_int_equal(path->verdict, VERDICT_POSSIBLE);
	assert_string_equal(assess_parameter(config, path), "CO");
	assert_int_equal(rig->core->incidents[WASTE_GAS].verdict, VERDICT_POSSIBLE);
	assert_non_null(strstr(rig->text, "not assessed: no threshold for CO at border"));
	assert_null(strstr(rig->text, "discharge not known"));
	rig_close(rig);
}

/* nobody knows where it is: one line says so, for all that may be reached */
static void test_no_place(void **state)
{
	struct boundary_point *place = NULL, was;
	const struct crossing_path *path;
	struct rig *rig;

	(void)state;
	for (size_t i = 0; i < config->n_sources; i++)
		if (strcmp(config->sources[i].name, "stack") == 0)
			place = &config->sources[i].release.place;
	if (!place) {
		fail_msg("no stack");
		return;
	}
	was = *place;
	*place = (struct boundary_point){(double)NAN, (double)NAN};
	rig = rig_open();
	run(rig, 5);
	rig->values[SO2] = 2000;
	run(rig, 2 * MINUTE);
	*place = was;
	path = path_of(rig, WASTE_GAS, "stack", METHOD_DISTANCE);
	assert_true(path->flags == FLAG_NO_PLACE);
	assert_int_equal(path->verdict, VERDICT_NONE);
	assert_int_equal(rig->core->crossings[WASTE_GAS].n_paths, 1);
	assert_non_null(strstr(rig->text, "the position of the source is not configured"));
	rig_close(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_short),
		cmocka_unit_test(test_short_and_over),
		cmocka_unit_test(test_held_by_the_monotonic_clock),
		cmocka_unit_test(test_lasted_by_the_monotonic_clock),
		cmocka_unit_test(test_at_the_line),
		cmocka_unit_test(test_begins_with_its_own_release),
		cmocka_unit_test(test_no_threshold_fits),
		cmocka_unit_test(test_no_place),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
