/* SPDX-License-Identifier: Apache-2.0 */
/* Scenario lines: what is understood, what is refused, and what is printed for people. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/sim_scenario.h"

static struct config_site sites[] = {{.name = (char[]){"north"}}, {.name = (char[]){"south"}}};
static struct config_link links[] = {
	{.name = (char[]){"wwtp"}, .site = 0, .kind = WIRE_LINK_TCP},
	{.name = (char[]){"plc"}, .site = 0, .kind = WIRE_LINK_RTU},
	{.name = (char[]){"plc"}, .site = 1, .kind = WIRE_LINK_RTU_TCP},
};
static struct config_unit units[] = {
	{.name = (char[]){"analyser"}, .link = 0},
	{.name = (char[]){"meter"}, .link = 1},
	{.name = (char[]){"meter"}, .link = 2},
};
static struct config_source sources[] = {{.name = (char[]){"outfall"}, .site = 0}};
static struct config_channel channels[] = {
	{.name = (char[]){"COD"},
	 .path = (char[]){"north/outfall/COD"},
	 .measure = (char[]){"mg/l"},
	 .function = 3,
	 .decode = {.type = DECODE_UINT16, .order = {0, 1}, .scale = 0.1, .max = 1000}},
	{.name = (char[]){"pH"},
	 .path = (char[]){"north/outfall/pH"},
	 .measure = (char[]){""},
	 .function = 3,
	 .address = 2,
	 .decode = {.type = DECODE_FLOAT32, .order = {0, 1, 2, 3}, .scale = 1, .max = 14}},
	{.name = (char[]){"sum"},
	 .path = (char[]){"north/outfall/sum"},
	 .measure = (char[]){""},
	 .formula = FORMULA_SUM},
};
static struct config_state states[] = {
	{.name = (char[]){"device"},
	 .path = (char[]){"north/analyser/device"},
	 .unit = 0,
	 .function = 4,
	 .decode = {.type = DECODE_UINT16, .order = {0, 1}, .scale = 1},
	 .rules = {{.mask = 4, .any = true, .quality = QUALITY_CALIBRATING},
		   {.mask = 8, .any = true, .quality = QUALITY_DEVICE_FAULT}},
	 .n_rules = 2},
};
static size_t by_path[] = {0, 1, 2};
static const struct config config = {
	.channels_by_path = by_path,
	.sites = sites,
	.links = links,
	.units = units,
	.sources = sources,
	.channels = channels,
	.n_sites = 2,
	.n_links = 3,
	.n_units = 3,
	.n_sources = 1,
	.n_channels = 3,
	.states = states,
	.n_states = 1,
};

static int read_text(const char *text, struct sim_scenario **ret, char **ret_errors)
{
	size_t size;
	FILE *in = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	FILE *errors = open_memstream(ret_errors, &size);
	int r;

	assert_non_null(in);
	assert_non_null(errors);
	r = sim_scenario_read(ret, in, "x", &config, errors);
	(void)fclose(in);
	(void)fclose(errors);
	return r;
}

#define COD "north/outfall/COD"
#define PH  "north/outfall/pH"

/* a line and what is printed when it happens, the channel showing 100 */
static void test_lines(void **state)
{
	static const char *const rows[][2] = {
		{"at 20s " COD " ramp 300 over 10s",
		 "00:20 COD at north/outfall begins to rise to 300 mg/l over 10 s"},
		{"at 0s " COD " ramp 0 over 1min",
		 "00:00 COD at north/outfall begins to fall to 0 mg/l over 60 s"},
		{"\tat  90s\t" COD " set 120 # why",
		 "01:30 COD at north/outfall is held at 120 mg/l"},
		{"at 1.5s " PH " set -3", "00:01.500 pH at north/outfall is held at -3"},
		{"at 2h " COD " normal", "2:00:00 COD at north/outfall is back to normal"},
		{"at 10min " COD " normal over 5s",
		 "10:00 COD at north/outfall goes back to normal over 5 s"},
		{"at 1s " PH " nan", "00:01 pH at north/outfall shows no value any more"},
		{"at 1s " COD " stuck", "00:01 COD at north/outfall is stuck at 100 mg/l"},
		{"at 1s " COD " raw 0xFFFF",
		 "00:01 COD at north/outfall shows the raw value 0xFFFF"},
		{"at 1s " PH " raw 4294967295",
		 "00:01 pH at north/outfall shows the raw value 0xFFFFFFFF"},
		{"at 1s link wwtp dead",
		 "00:01 link north/wwtp is dead: it takes requests and does not answer"},
		{"at 1s link wwtp refuse", "00:01 link north/wwtp refuses connections"},
		{"at 1s link wwtp reset",
		 "00:01 link north/wwtp resets the connection instead of answering"},
		{"at 1s link wwtp garbage", "00:01 link north/wwtp answers with garbage"},
		{"at 1s link south/plc late 700ms",
		 "00:01 link south/plc answers late, 700 ms each"},
		{"at 1s link north/plc drip 1ms",
		 "00:01 link north/plc answers byte by byte, 1 ms each"},
		{"at 1s link wwtp drop", "00:01 link north/wwtp drops all its connections"},
		{"at 1s link wwtp normal", "00:01 link north/wwtp works normally"},
		{"at 1s unit analyser dead",
		 "00:01 unit north/analyser is dead: it does not answer"},
		{"at 1s unit south/meter exception 4",
		 "00:01 unit south/meter answers everything with exception 4"},
		{"at 1s unit north/meter normal", "00:01 unit north/meter works normally"},
		{"at 1s link north/plc badcrc",
		 "00:01 link north/plc answers with a wrong check sum"},
		{"at 1s link wwtp echo",
		 "00:01 link north/wwtp sends each request back before the answer"},
		{"at 1s link wwtp foreign", "00:01 link north/wwtp answers as another unit"},
		{"at 1s link wwtp noise", "00:01 link north/wwtp answers after bytes of noise"},
		{"at 1s unit analyser calibrating", "00:01 unit north/analyser says calibrating"},
		{"at 1s unit analyser fault", "00:01 unit north/analyser says device fault"},
		{"at 1s unit analyser measuring", "00:01 unit north/analyser says measuring"},
		{"at 1s unit analyser refuse input 12-13",
		 "00:01 unit north/analyser refuses input 12 to 13"},
		{"at 1s unit south/meter refuse coil 65535",
		 "00:01 unit south/meter refuses coil 65535 to 65535"},
		{"at 1s unit analyser allow",
		 "00:01 unit north/analyser refuses no address any more"},
		{"at 1s state north/analyser/device raw 0x0004",
		 "00:01 state north/analyser/device shows the raw value 0x4"},
		{"at 80s end", "01:20 the scenario ends"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sim_scenario *s = NULL;
		char text[SIM_TEXT_MAX], *errors = NULL;

		assert_int_equal(read_text(rows[i][0], &s, &errors), 0);
		assert_string_equal(errors, "");
		assert_int_equal(s->n, 1);
		sim_action_text(&s->actions[0], &config, 100, text);
		assert_string_equal(text, rows[i][1]);
		sim_scenario_free(s);
		free(errors);
	}
}

/* a wrong line and a part of what is said about it */
static void test_refused(void **state)
{
	static const char *const rows[][2] = {
		{"20s " COD " nan", "\"20s\" where \"at TIME\" belongs"},
		{"at 20 " COD " nan", "\"20\" is no time; allowed"},
		{"at -1s end", "\"-1s\" is no time"},
		{"at nans end", "\"nans\" is no time"},
		{"at 1e9h end", "\"1e9h\" is no time"},
		{"at", "\"\" is no time"},
		{"at 1s", "no channel \"\""},
		{"at 1s north/outfall/BOD nan", "no channel \"north/outfall/BOD\""},
		{"at 1s " COD,
		 "\"\" is no action; allowed here: ramp, set, nan, normal, stuck, raw"},
		{"at 1s " COD " jump 3", "\"jump\" is no action"},
		{"at 1s " COD " set", "\"\" is no value; allowed: a finite number in mg/l"},
		{"at 1s " COD " set 3mg", "\"3mg\" is no value"},
		{"at 1s " PH " set inf", "\"inf\" is no value"},
		{"at 1s " COD " set 6553.6", "does not fit into uint16 with scale 0.1"},
		{"at 1s " COD " set -1", "does not fit into uint16"},
		{"at 1s " COD " ramp 3", "\"\" where \"over TIME\" belongs"},
		{"at 1s " COD " ramp 3 in 5s", "\"in\" where \"over TIME\" belongs"},
		{"at 1s " COD " normal after 5s", "\"after\" where \"over TIME\" belongs"},
		{"at 1s " COD " nan", "uint16 without an invalid code and has no NaN"},
		{"at 1s " COD " raw 0x10000", "allowed: 0 to 0xFFFF"},
		{"at 1s " COD " raw -1", "\"-1\" is no bit pattern"},
		{"at 1s " COD " raw", "\"\" is no bit pattern"},
		{"at 1s " COD " stuck now", "\"now\" is too much"},
		{"at 1s link x dead", "no link \"x\""},
		{"at 1s link plc dead", "2 sites have a link \"plc\"; write SITE/plc"},
		{"at 1s link east/plc dead", "no link \"east/plc\""},
		{"at 1s link wwtp slow",
		 "allowed here: normal, dead, refuse, reset, garbage, late, drip, drop, badcrc, "
		 "echo, foreign, noise"},
		{"at 1s link wwtp badcrc", "speaks Modbus TCP, which has no check sum"},
		{"at 1s unit analyser maintenance", "no state of the unit can say \"maintenance\""},
		{"at 1s unit north/meter measuring", "no state of the unit can say \"measuring\""},
		{"at 1s unit analyser refuse", "\"\" is no table; allowed: holding, input, coil"},
		{"at 1s unit analyser refuse input", "\"\" are no addresses; allowed: 0 to 65535"},
		{"at 1s unit analyser refuse input 13-12", "\"13-12\" are no addresses"},
		{"at 1s unit analyser refuse input 1-65536", "\"1-65536\" are no addresses"},
		{"at 1s unit analyser refuse input -1", "\"-1\" are no addresses"},
		{"at 1s unit analyser allow input", "\"input\" is too much"},
		{"at 1s state north/analyser/x raw 1", "no state \"north/analyser/x\""},
		{"at 1s state north/analyser/device set 1", "allowed here: raw"},
		{"at 1s state north/analyser/device raw 65536", "allowed: 0 to 0xFFFF"},
		{"at 1s north/outfall/sum set 1", "is derived and follows from its inputs"},
		{"at 1s link wwtp late", "\"\" is no time"},
		{"at 1s link wwtp late 0ms", "delay of 0 ms; allowed: 1ms to 1h"},
		{"at 1s link wwtp drip 2h", "allowed: 1ms to 1h"},
		{"at 1s unit meter dead", "2 sites have a unit \"meter\""},
		{"at 1s unit analyser exception 0",
		 "\"0\" is no exception code; allowed: 1 to 255"},
		{"at 1s unit analyser exception 256", "allowed: 1 to 255"},
		{"at 1s end now", "\"now\" is too much"},
		{"at 1s a b c d e f g h", "more than 8 words"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sim_scenario *s = NULL;
		char *errors = NULL;

		assert_int_equal(read_text(rows[i][0], &s, &errors), -EINVAL);
		assert_null(s);
		if (!strstr(errors, rows[i][1]) || strncmp(errors, "x:1: ", 5) != 0)
			fail_msg("\"%s\" says: %s", rows[i][0], errors);
		free(errors);
	}
}

static void test_all_errors_with_their_lines(void **state)
{
	struct sim_scenario *s = NULL;
	char *errors = NULL;

	(void)state;
	assert_int_equal(read_text("# a\nat 1s end\nbad\n\nat x end\n", &s, &errors), -EINVAL);
	assert_non_null(strstr(errors, "x:3: "));
	assert_non_null(strstr(errors, "x:5: "));
	assert_null(strstr(errors, "x:2: "));
	free(errors);
}

static void test_order(void **state)
{
	struct sim_scenario *s = NULL;
	char *errors = NULL;

	(void)state;
	assert_int_equal(read_text("at 9s end\nat 5s " COD " set 1\nat 5s " COD
				   " set 2\nat 5000ms " COD " set 3\nat 0s " COD " stuck\n",
				   &s, &errors),
			 0);
	assert_int_equal(s->n, 5);
	assert_int_equal(s->actions[0].verb, SIM_STUCK);
	assert_int_equal(s->actions[1].line, 2);
	assert_int_equal(s->actions[2].line, 3);
	assert_int_equal(s->actions[3].line, 4);
	assert_int_equal(s->actions[4].verb, SIM_END);
	sim_scenario_free(s);
	free(errors);
}

static void test_empty(void **state)
{
	struct sim_scenario *s = NULL;
	char *errors = NULL;

	(void)state;
	assert_int_equal(read_text("\n  # nothing\n", &s, &errors), 0);
	assert_int_equal(s->n, 0);
	sim_scenario_free(s);
	free(errors);
	assert_null(sim_scenario_free(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_all_errors_with_their_lines),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
