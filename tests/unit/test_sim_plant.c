/* SPDX-License-Identifier: Apache-2.0 */
/* What the simulated plant shows and answers, without a socket. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tools/sim_plant.h"
#include "tools/sim_signal.h"
#include "tools/sim_state.h"

enum {
	COD,
	PH,
	FLOW,
	OXYGEN,
	PUMP,
	VALVE,
	GATE,
	COIL,
	TEMPERATURE,
	LEVEL,
	DEPTH,
	RUNNING,
	DUST,
	LOAD,
	DRY
};

static struct config_site sites[] = {{.name = (char[]){"s"}}};
static struct config_link links[] = {
	{.name = (char[]){"l"}, .host = (char[]){"127.0.0.1"}, .port = 502, .kind = WIRE_LINK_TCP},
	{.name = (char[]){"m"}, .host = (char[]){"127.0.0.1"}, .port = 503, .kind = WIRE_LINK_TCP},
	{.name = (char[]){"n"},
	 .host = (char[]){"127.0.0.1"},
	 .port = 502,
	 .kind = WIRE_LINK_TCP}, /* as "l" */
	{.name = (char[]){"r"}, .host = (char[]){"/dev/r"}, .kind = WIRE_LINK_RTU},
};
static struct config_unit units[] = {
	{.name = (char[]){"u"}, .link = 0, .id = 7, .max_gap = 2},
	{.name = (char[]){"v"}, .link = 1, .id = 1, .max_gap = 0},
	{.name = (char[]){"w"}, .link = 2, .id = 9, .max_gap = 0},
	{.name = (char[]){"x"}, .link = 2, .id = 7, .max_gap = 0}, /* as "u" */
	{.name = (char[]){"y"}, .link = 3, .id = 4, .max_gap = 8, .interval_ms = 1000},
};
static struct config_source sources[] = {{.name = (char[]){"o"}}};

#define CHANNEL(n, u, f, a, t, lo, hi)                                                    \
	{                                                                                 \
		.name = (char[]){n}, .path = (char[]){"s/o/" n}, .measure = (char[]){""}, \
		.unit = u, .function = f, .address = a, .decode = {                       \
			.type = t,                                                        \
			.order = {0, 1, 2, 3},                                            \
			.scale = 1,                                                       \
			.min = lo,                                                        \
			.max = hi                                                         \
		}                                                                         \
	}

/* out of order on purpose */
static struct config_channel channels[] = {
	[COD] = CHANNEL("COD", 0, 3, 100, DECODE_FLOAT32, 0, 1000),
	[PH] = CHANNEL("pH", 0, 3, 104, DECODE_FLOAT32, 0, 14),	    /* gap of 2 after COD */
	[FLOW] = CHANNEL("flow", 0, 3, 109, DECODE_UINT16, 0, 500), /* gap of 3 after pH */
	[OXYGEN] = CHANNEL("O2", 0, 4, 0, DECODE_FLOAT32, 0, 20),
	[PUMP] = CHANNEL("pump", 0, 3, 50, DECODE_BIT, 0, 1),
	[VALVE] = CHANNEL("valve", 0, 3, 50, DECODE_BIT, 0, 1),
	[GATE] = CHANNEL("gate", 0, 1, 3, DECODE_BIT, 0, 1),
	[COIL] = CHANNEL("coil", 0, 1, 12, DECODE_BIT, 0, 1),
	[TEMPERATURE] = CHANNEL("T", 1, 3, 0, DECODE_INT16, -50, 150),
	[LEVEL] = CHANNEL("level", 2, 3, 8, DECODE_UINT16, 0, 10),
	[DEPTH] = CHANNEL("depth", 3, 3, 60, DECODE_UINT16, 0, 10),
	[RUNNING] = CHANNEL("running", 4, 3, 0, DECODE_BIT, 0, 1),
	[DUST] = CHANNEL("dust", 4, 4, 10, DECODE_UINT16, 0, 1000),
	[LOAD] = CHANNEL("load", 4, 0, 0, DECODE_UINT16, 0, 1e9),
	[DRY] = CHANNEL("dry", 4, 0, 0, DECODE_UINT16, 0, 1e9),
};
static struct config_limit limits[] = {
	{.channel = COD, .high = true, .bound = 135},
	{.channel = COD, .high = true, .bound = 90, .deadband = 60},
	{.channel = PH, .high = true, .bound = 9},
	{.channel = PH, .high = false, .bound = 5.5},
	{.channel = OXYGEN, .high = false, .bound = 4},
	{.channel = VALVE, .high = false, .bound = 0.5},
	{.channel = LOAD, .high = true, .bound = 500},
	{.channel = DRY, .high = true, .bound = 200},
};

/* a status register: bit 0 fault, bits 4-7 1 calibrating, 2 maintenance; and a part of it again */
static struct config_state states[] = {
	{.name = (char[]){"device"},
	 .unit = 4,
	 .function = 4,
	 .address = 13,
	 .decode = {.type = DECODE_UINT16, .order = {0, 1}, .scale = 1},
	 .rules = {{.mask = 1, .any = true, .quality = QUALITY_DEVICE_FAULT},
		   {.mask = 0xf0, .is = 0x10, .quality = QUALITY_CALIBRATING},
		   {.mask = 0xf0, .is = 0x20, .quality = QUALITY_MAINTENANCE},
		   {.mask = 0xf0, .is = 0x30, .quality = QUALITY_GOOD}},
	 .n_rules = 4,
	 .otherwise = QUALITY_DEVICE_FAULT},
	{.name = (char[]){"lamp"},
	 .unit = 4,
	 .function = 4,
	 .address = 13,
	 .decode = {.type = DECODE_UINT16, .order = {0, 1}, .scale = 1},
	 .rules = {{.mask = 0x8000, .is = 0, .quality = QUALITY_DEVICE_FAULT}},
	 .n_rules = 1},
	{.name = (char[]){"door"},
	 .unit = 4,
	 .function = 3,
	 .address = 0,
	 .decode = {.type = DECODE_UINT8, .bit = 8, .scale = 1},
	 .rules = {{.mask = 0xff, .is = 7, .quality = QUALITY_GOOD}},
	 .n_rules = 1,
	 .otherwise = QUALITY_MAINTENANCE},
};
static struct config_hole holes[] = {{.unit = 4, .function = 4, .first = 11, .last = 11}};
static const struct config config = {
	.sites = sites,
	.links = links,
	.units = units,
	.sources = sources,
	.channels = channels,
	.limits = limits,
	.n_sites = 1,
	.n_links = ARRAY_SIZE(links),
	.n_units = ARRAY_SIZE(units),
	.n_sources = 1,
	.n_channels = ARRAY_SIZE(channels),
	.n_limits = ARRAY_SIZE(limits),
	.states = states,
	.n_states = ARRAY_SIZE(states),
	.holes = holes,
	.n_holes = ARRAY_SIZE(holes),
};

/* dust is measured while the fan runs; its load is derived, and of that another one */
static void prepare(void)
{
	struct config_channel *dust = &channels[DUST], *load = &channels[LOAD];
	struct config_channel *dry = &channels[DRY];

	dust->conditional = dust->enabled_above = true;
	dust->enabled_by = RUNNING;
	dust->max_rate = 3;
	load->formula = FORMULA_LOAD;
	load->inputs[0] = DUST;
	load->inputs[1] = FLOW;
	load->n_inputs = 2;
	load->factor = 0.01;
	dry->formula = FORMULA_OXYGEN;
	dry->inputs[0] = LOAD;
	dry->inputs[1] = OXYGEN;
	dry->n_inputs = 2;
	dry->reference = 6;
}

static int setup(void **state)
{
	channels[VALVE].decode.bit = 9;
	prepare();
	return sim_plant_new((struct sim_plant **)state, &config, 1);
}

static int teardown(void **state)
{
	sim_plant_free(*state);
	return 0;
}

static struct sim_signal signals[ARRAY_SIZE(channels)];

/* [low, high] that a healthy channel may never leave, from the rules in sim_signal.h */
static void test_healthy_signals(void **state)
{
	static const double rows[][3] = {
		{COD, 0.3 * 30, 0.55 * 30},
		{PH, 6.9, 7.6},
		{FLOW, 100, 250},
		{OXYGEN, 4 + 0.2 * 16, 4 + 0.5 * 16},
		{PUMP, 0, 0},
		{VALVE, 1, 1},
		{TEMPERATURE, -10, 50},
		{RUNNING, 1, 1}, /* else there is no dust to measure */
	};

	(void)state;
	prepare();
	for (uint64_t seed = 0; seed < 20; seed++) {
		sim_signals_init(signals, &config, seed);
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			double low = HUGE_VAL, high = -HUGE_VAL;
			const struct sim_signal *s = &signals[(size_t)rows[i][0]];

			for (int64_t t = 0; t < 600000; t += 999) {
				low = fmin(low, sim_signal_value(s, t));
				high = fmax(high, sim_signal_value(s, t));
			}
			assert_true(low >= rows[i][1] && high <= rows[i][2]);
			assert_true(rows[i][1] == rows[i][2] || high > low); /* it moves */
		}
	}
}

/* what is derived from healthy instruments breaks no limit, nor changes too fast */
static void test_derived_stay_in_their_limits(void **state)
{
	(void)state;
	prepare();
	for (uint64_t seed = 0; seed < 20; seed++) {
		double before = 0;

		sim_signals_init(signals, &config, seed);
		for (int64_t t = 0; t < 600000; t += 1000) {
			double dust = sim_signal_value(&signals[DUST], t);
			double load = dust * sim_signal_value(&signals[FLOW], t) * 0.01;
			double oxygen = sim_signal_value(&signals[OXYGEN], t);

			assert_true(dust >= 0 && load <= 500);
			assert_true(load * (20.9 - 6) / (20.9 - oxygen) <= 200);
			assert_true(t == 0 || fabs(dust - before) <= 3.0 / 60);
			before = dust;
		}
	}
}

static void test_seed(void **state)
{
	double a, b;

	(void)state;
	sim_signals_init(signals, &config, 1);
	a = sim_signal_value(&signals[COD], 5000);
	sim_signals_init(signals, &config, 2);
	b = sim_signal_value(&signals[COD], 5000);
	sim_signals_init(signals, &config, 1);
	assert_true(a == sim_signal_value(&signals[COD], 5000));
	assert_true(a != b);
}

/* returns bytes of the answer in @out */
static size_t ask(const struct sim_plant *plant, size_t link, unsigned int unit, unsigned int fn,
		  unsigned int address, unsigned int count, uint8_t *out)
{
	uint8_t pdu[5] = {(uint8_t)fn, (uint8_t)(address >> 8), (uint8_t)address,
			  (uint8_t)(count >> 8), (uint8_t)count};

	return sim_plant_answer(plant, link, (uint8_t)unit, pdu, sizeof(pdu), 0, out);
}

#define DATA 0 /* instead of an exception */

static void test_answers(void **state)
{
	static const struct {
		size_t link;
		unsigned int unit, fn, address, count, exception;
	} rows[] = {
		{0, 7, 3, 100, 2, DATA}, /* one value */
		{0, 7, 3, 101, 1, DATA}, /* half of it */
		{0, 7, 3, 100, 6, DATA}, /* over a gap of 2 */
		{0, 7, 3, 102, 2, DATA}, /* the gap */
		{0, 7, 3, 99, 2, 2},	 /* one too early */
		{0, 7, 3, 104, 3, 2},	 /* one too far */
		{0, 7, 3, 104, 6, 2},	 /* over a gap of 3 */
		{0, 7, 3, 107, 1, 2},	 /* in it */
		{0, 7, 3, 109, 1, DATA}, {0, 7, 3, 50, 1, DATA}, {0, 7, 3, 65535, 2, 2},
		{0, 7, 4, 0, 2, DATA},	 {0, 7, 4, 100, 2, 2}, /* another function's address */
		{0, 7, 3, 100, 0, 3},	 {0, 7, 3, 100, 126, 3}, {0, 7, 3, 100, 125, 2},
		{0, 7, 1, 3, 10, DATA},	 {0, 7, 1, 3, 11, 2},	 {0, 7, 1, 0, 2001, 3},
		{0, 7, 1, 0, 2000, 2},	 {0, 7, 2, 3, 1, 2},	 {0, 7, 5, 3, 1, 1},
		{0, 7, 6, 100, 1, 1},	 {0, 7, 16, 100, 1, 1},	 {0, 7, 0, 0, 1, 1},
		{0, 8, 3, 100, 2, 11},	 {0, 1, 3, 0, 1, 11},	/* that unit is on the other link */
		{0, 9, 3, 8, 1, DATA},	 {2, 9, 3, 8, 1, DATA}, /* links of one address */
		{2, 7, 3, 100, 2, DATA}, {0, 7, 3, 60, 1, DATA}, {1, 1, 3, 0, 1, DATA},
		{1, 7, 3, 100, 2, 11},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t n_data = rows[i].fn <= 2 ? (rows[i].count + 7) / 8 : 2 * rows[i].count;
		uint8_t out[SIM_PDU_MAX];
		size_t n = ask(*state, rows[i].link, rows[i].unit, rows[i].fn, rows[i].address,
			       rows[i].count, out);

		if (n != (rows[i].exception == DATA ? 2 + n_data : 2))
			fail_msg("row %zu: %zu bytes", i, n);
		assert_int_equal(out[0],
				 rows[i].exception == DATA ? rows[i].fn : (rows[i].fn | 0x80));
		assert_int_equal(out[1], rows[i].exception == DATA ? n_data : rows[i].exception);
	}
}

static void test_request_of_wrong_length_is_refused(void **state)
{
	uint8_t rq[7] = {3, 0, 100, 0, 1, 0, 0}, out[SIM_PDU_MAX];

	assert_int_equal(sim_plant_answer(*state, 0, 7, rq, sizeof(rq), 0, out), 2);
	assert_int_equal(out[1], SIM_ILLEGAL_VALUE);
	assert_int_equal(sim_plant_answer(*state, 0, 7, rq, 1, 0, out), 2);
	assert_int_equal(out[1], SIM_ILLEGAL_VALUE);
}

static unsigned int shown_word(const struct sim_plant *plant, unsigned int fn, unsigned int address)
{
	uint8_t out[SIM_PDU_MAX];

	assert_int_equal(ask(plant, 0, 7, fn, address, 1, out), fn <= 2 ? 3 : 4);
	return fn <= 2 ? out[2] : (unsigned int)(out[2] << 8 | out[3]);
}

static void test_bits(void **state)
{
	struct sim_plant *plant = *state;

	assert_int_equal(shown_word(plant, 3, 50), 1 << 9); /* valve; its limit wants it open */
	sim_plant_act(plant, &(struct sim_action){.verb = SIM_SET, .target = PUMP, .value = 1}, 0);
	assert_int_equal(shown_word(plant, 3, 50), 1 << 9 | 1);
	sim_plant_act(plant, &(struct sim_action){.verb = SIM_SET, .target = COIL, .value = 1}, 0);
	assert_int_equal(shown_word(plant, 1, 12), 1);
	assert_int_equal(shown_word(plant, 1, 3), 0);
}

static void test_ramp_hold_and_return(void **state)
{
	static const struct {
		int64_t t_ms;
		double share; /* of the way from where it was to 300 */
	} rows[] = {{1000, 0}, {3500, 0.25}, {6000, 0.5}, {11000, 1}, {99999, 1}};
	struct sim_plant *plant = *state;
	double from = sim_plant_value(plant, COD, 1000), healthy;

	sim_plant_act(plant,
		      &(struct sim_action){
			      .verb = SIM_RAMP, .target = COD, .value = 300, .over_ms = 10000},
		      1000);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_true(fabs(sim_plant_value(plant, COD, rows[i].t_ms) -
				 (from + (300 - from) * rows[i].share)) < 1e-9);
	sim_plant_act(plant,
		      &(struct sim_action){.verb = SIM_NORMAL, .target = COD, .over_ms = 2000},
		      100000);
	assert_true(sim_plant_value(plant, COD, 100000) == 300);
	healthy = sim_plant_value(plant, COD, 102000);
	assert_true(healthy < 50);
	sim_plant_act(plant, &(struct sim_action){.verb = SIM_SET, .target = COD, .value = 120},
		      102000);
	assert_true(sim_plant_value(plant, COD, 102000) == 120);
	sim_plant_act(plant, &(struct sim_action){.verb = SIM_NORMAL, .target = COD}, 102000);
	assert_true(sim_plant_value(plant, COD, 102000) == healthy);
}

static void test_raw_and_stuck(void **state)
{
	struct sim_plant *plant = *state;
	uint8_t before[SIM_PDU_MAX], after[SIM_PDU_MAX], rq[5] = {3, 0, 100, 0, 2};

	sim_plant_act(plant, &(struct sim_action){.verb = SIM_RAW, .target = FLOW, .raw = 0xffff},
		      0);
	assert_int_equal(shown_word(plant, 3, 109), 0xffff);
	(void)sim_plant_answer(plant, 0, 7, rq, 5, 5000, before);
	(void)sim_plant_answer(plant, 0, 7, rq, 5, 9000, after);
	assert_memory_not_equal(before, after, 6);
	sim_plant_act(plant, &(struct sim_action){.verb = SIM_STUCK, .target = COD}, 5000);
	(void)sim_plant_answer(plant, 0, 7, rq, 5, 9000, after);
	assert_memory_equal(before, after, 6);
}

static void test_units(void **state)
{
	struct sim_plant *plant = *state;
	uint8_t out[SIM_PDU_MAX];

	sim_plant_act(plant, &(struct sim_action){.verb = SIM_UNIT_DEAD, .target = 0}, 0);
	assert_int_equal(ask(plant, 0, 7, 3, 100, 2, out), 0);
	assert_int_equal(ask(plant, 1, 1, 3, 0, 1, out), 4); /* the others go on */
	sim_plant_act(plant,
		      &(struct sim_action){.verb = SIM_UNIT_EXCEPTION, .target = 0, .exception = 6},
		      0);
	assert_int_equal(ask(plant, 0, 7, 3, 100, 2, out), 2);
	assert_int_equal(out[1], 6);
	sim_plant_act(plant, &(struct sim_action){.verb = SIM_UNIT_NORMAL, .target = 0}, 0);
	assert_int_equal(ask(plant, 0, 7, 3, 100, 2, out), 6);
}

static unsigned int line_word(const struct sim_plant *plant, unsigned int fn, unsigned int address)
{
	uint8_t out[SIM_PDU_MAX];

	assert_int_equal(ask(plant, 3, 4, fn, address, 1, out), 4);
	return (unsigned int)(out[2] << 8 | out[3]);
}

/* the register says what was asked for, in both states that look at it */
static void test_states(void **state)
{
	static const struct {
		enum quality quality;
		unsigned int word; /* bits 0 and 4-7 of it, and bit 15 */
		unsigned int door;
	} rows[] = {
		{QUALITY_GOOD, 0x8030, 7},
		{QUALITY_CALIBRATING, 0x8010, 7}, /* the door cannot say that */
		{QUALITY_MAINTENANCE, 0x8020, 0},
		{QUALITY_GOOD, 0x8030, 7},
	};
	struct sim_plant *plant = *state;

	assert_int_equal(line_word(plant, 4, 13) & 0x80f1, 0x8030);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		sim_plant_act(plant,
			      &(struct sim_action){.verb = SIM_UNIT_SAYS,
						   .target = 4,
						   .quality = rows[i].quality},
			      0);
		assert_int_equal(line_word(plant, 4, 13) & 0x80f1, rows[i].word);
		/* a byte of its register; the fan's bit is in the other one */
		assert_int_equal(line_word(plant, 3, 0), rows[i].door << 8 | 1);
	}
	sim_plant_act(plant,
		      &(struct sim_action){
			      .verb = SIM_UNIT_SAYS, .target = 4, .quality = QUALITY_DEVICE_FAULT},
		      0);
	assert_int_equal(sim_state_verdict(&states[0], line_word(plant, 4, 13)) ==
					 QUALITY_DEVICE_FAULT ||
				 sim_state_verdict(&states[1], line_word(plant, 4, 13)) ==
					 QUALITY_DEVICE_FAULT,
			 1);
	sim_plant_act(plant,
		      &(struct sim_action){.verb = SIM_STATE_RAW, .target = 1, .raw = 0x1234}, 0);
	assert_int_equal(line_word(plant, 4, 13), 0x1234);
}

static void test_holes_and_refusals(void **state)
{
	static const struct {
		unsigned int address, count, exception;
	} rows[] = {
		{10, 1, DATA}, {11, 1, 2}, {10, 2, 2}, {12, 2, DATA}, {11, 3, 2}, {12, 1, DATA},
	};
	struct sim_plant *plant = *state;
	struct sim_action refuse = {.verb = SIM_UNIT_REFUSE, .target = 4, .range = {4, 12, 1}};
	uint8_t out[SIM_PDU_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (ask(plant, 3, 4, 4, rows[i].address, rows[i].count, out) !=
		    (rows[i].exception == DATA ? 2 + 2 * rows[i].count : 2))
			fail_msg("row %zu", i);
	assert_int_equal(sim_plant_act(plant, &refuse, 0), 0);
	assert_int_equal(ask(plant, 3, 4, 4, 12, 2, out), 2);
	assert_int_equal(ask(plant, 3, 4, 4, 13, 1, out), 4);
	assert_int_equal(
		sim_plant_act(plant, &(struct sim_action){.verb = SIM_UNIT_ALLOW, .target = 4}, 0),
		0);
	assert_int_equal(ask(plant, 3, 4, 4, 12, 2, out), 6);
}

static void test_serial_line_is_silent_for_strangers(void **state)
{
	struct sim_plant *plant;
	uint8_t out[SIM_PDU_MAX];

	(void)state;
	prepare();
	assert_int_equal(sim_plant_new(&plant, &config, 1), 0);
	assert_int_equal(ask(plant, 3, 5, 4, 10, 1, out), 0);
	assert_int_equal(ask(plant, 3, 0, 4, 10, 1, out), 0);
	assert_int_equal(ask(plant, 3, 4, 4, 10, 1, out), 4);
	sim_plant_free(plant);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_healthy_signals),
		cmocka_unit_test(test_derived_stay_in_their_limits),
		cmocka_unit_test(test_seed),
		cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_request_of_wrong_length_is_refused, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_states, setup, teardown),
		cmocka_unit_test_setup_teardown(test_holes_and_refusals, setup, teardown),
		cmocka_unit_test(test_serial_line_is_silent_for_strangers),
		cmocka_unit_test_setup_teardown(test_bits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ramp_hold_and_return, setup, teardown),
		cmocka_unit_test_setup_teardown(test_raw_and_stuck, setup, teardown),
		cmocka_unit_test_setup_teardown(test_units, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
