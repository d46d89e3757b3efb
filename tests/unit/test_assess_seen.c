/* SPDX-License-Identifier: Apache-2.0 */
/* What counts as seen: good readings beyond something, for a minute. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "common/macro.h"
#include "core/assess.h"
#include "load.h"

static const char main_yaml[] = "origin: test\n";
static const char site_yaml[] =
	"site: s\n"
	"links: [{name: l, tcp: \"127.0.0.1:502\"}]\n"
	"units:\n"
	"  - {name: fast, link: l, id: 1, interval: 10s}\n"
	"  - {name: slow, link: l, id: 2, interval: 5min}\n"
	"sources:\n"
	"  - name: out\n"
	"    kind: liquid\n"
	"    channels:\n"
	"      - {name: plain, from: fast, address: 0, type: float32, range: [0, 9000]}\n"
	"      - {name: slow, from: slow, address: 0, type: float32, range: [0, 9000],\n"
	"         lost-after: 1h}\n"
	"      - {name: delayed, from: fast, address: 2, type: float32, range: [0, 9000]}\n"
	"      - {name: counted, from: fast, address: 4, type: float32, range: [0, 9000]}\n"
	"      - {name: quick, from: fast, address: 6, type: float32, range: [0, 9000]}\n"
	"      - {name: mean, from: fast, address: 8, type: float32, range: [0, 9000]}\n"
	"      - {name: warned, from: fast, address: 10, type: float32, range: [0, 9000]}\n"
	"    limits:\n"
	"      - {channel: delayed, class: limit, high: 5, origin: law, raise-delay: 5min}\n"
	"      - {channel: delayed, class: emergency, high: 9, origin: law, raise-delay: 2min}\n"
	"      - {channel: delayed, class: limit, low: 1, origin: law, raise-delay: 1min}\n"
	"      - {channel: counted, class: limit, high: 5, origin: law, raise-delay: 30s,\n"
	"         count: 3, within: 10min}\n"
	"      - {channel: quick, class: limit, high: 5, origin: law, raise-delay: 20s}\n"
	"      - {channel: mean, class: limit, high: 5, origin: law, on: mean-1h}\n"
	"      - {channel: warned, class: warning, high: 5, origin: law, raise-delay: 5min}\n";

enum { PLAIN, SLOW, DELAYED, COUNTED, QUICK, MEAN, WARNED };

struct rig {
	struct config *config;
	struct plan *plan;
	struct core *core;
	struct batch batch;
};

static int set_up(void **state)
{
	static const struct load_file files[] = {
		{"wastewatch.yaml", main_yaml}, {"sites.d/s.yaml", site_yaml}, {NULL, NULL}};
	static struct rig rig;

	if (load_files(&rig.config, files, stderr) < 0 || plan_new(&rig.plan, rig.config) < 0 ||
	    core_new(&rig.core, rig.config, rig.plan, &rig.batch) < 0)
		return -1;
	*state = &rig;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *rig = *state;

	rig->core = core_free(rig->core);
	batch_done(&rig->batch);
	rig->plan = plan_free(rig->plan);
	rig->config = config_free(rig->config);
	return 0;
}

/* the readings of a channel one after the other, every so many seconds: + beyond, - not, x bad,
 * a space none; looked at each second. Return: seconds in a row at the end */
static int64_t covered(struct rig *rig, size_t channel, int step_s, const char *readings)
{
	struct core_channel *state = &rig->core->channels[channel];
	struct core_due due = {0};
	int64_t now_ms = 6553600 - 50000; /* tenths begin anew in between */

	*state = (struct core_channel){0};
	for (const char *c = readings; *c; c++, now_ms += step_s * 1000) {
		if (*c == '+' || *c == '-') {
			state->value = *c == '+' ? 40 : 5;
			state->good = (struct stamp){.mono_ms = now_ms, .wall_ms = now_ms};
			state->has_value = true;
		}
		if (*c != ' ')
			state->quality = *c == 'x' ? QUALITY_DEVICE_FAULT : QUALITY_GOOD;
		for (int i = 0; i < step_s; i++)
			assess_seen(rig->core, channel, state->value > 15, &due);
	}
	assert_true(assess_seen_ms(&due) % 1000 == 0);
	return assess_seen_ms(&due) / 1000;
}

static void test_runs(void **state)
{
	static const struct {
		size_t channel;
		int step_s;
		const char *readings;
		int64_t covered_s;
	} rows[] = {
		{PLAIN, 10, "", 0},
		{PLAIN, 10, "x", 0},
		{PLAIN, 10, "+", 0},
		{PLAIN, 10, "+-", 0},
		{PLAIN, 10, "++++++", 50},
		{PLAIN, 10, "+++++++", 60},
		{PLAIN, 10, "++++++-", 0},
		{PLAIN, 10, "++++++-++", 10},
		/* a bad one neither counts nor breaks off; more than one and a half intervals are
		 * covered by nothing */
		{PLAIN, 10, "+xxxxxxxxx", 0},
		{PLAIN, 10, "++x+", 25},
		{PLAIN, 10, "++xx+", 25},
		{PLAIN, 10, "++   +", 25},
		{PLAIN, 10, "+x+x+x+x+", 60},
		/* five minutes: nobody knows */
		{PLAIN, 60, "+++    ++", 30 + 15 + 15},
		{PLAIN, 60, "+++     ++", 15},
		/* two of a slow one */
		{SLOW, 300, "+", 0},
		{SLOW, 300, "++", 300},
		{SLOW, 300, "+ +", 450},
		{SLOW, 300, "+   +", 0},
		{SLOW, 300, "+-+", 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int64_t got = covered(*state, rows[i].channel, rows[i].step_s, rows[i].readings);

		if (got != rows[i].covered_s)
			fail_msg("row %zu \"%s\": %lld, not %lld", i, rows[i].readings,
				 (long long)got, (long long)rows[i].covered_s);
	}
}

/* what is no alarm at the station is no crossing there */
static void test_wanted(void **state)
{
	static const struct {
		size_t channel;
		int64_t wanted_s;
	} rows[] = {{PLAIN, 60}, {DELAYED, 120}, {COUNTED, 630},
		    {QUICK, 60}, {MEAN, 60},	 {WARNED, 60}};
	struct rig *rig = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(assess_seen_wanted_ms(rig->core, rows[i].channel),
				 rows[i].wanted_s * 1000);
	/* an alarm that stands has had its delay */
	rig->core->limits[rig->core->channel_limits[COUNTED]].state.phase = LIMIT_RAISED;
	assert_int_equal(assess_seen_wanted_ms(rig->core, COUNTED), 60000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_wanted),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
