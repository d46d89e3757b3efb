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

enum { COD, PH, FLOW, OXYGEN, PUMP, VALVE, GATE, COIL, TEMPERATURE, LEVEL, DEPTH };

static struct config_site sites[] = {{.name = (char[]){"s"}}};
static struct config_link links[] = {
	{.name = (char[]){"l"}, .host = (char[]){"127.0.0.1"}, .port = 502},
	{.name = (char[]){"m"}, .host = (char[]){"127.0.0.1"}, .port = 503},
	{.name = (char[]){"n"}, .host = (char[]){"127.0.0.1"}, .port = 502}, /* as "l" */
};
static struct config_unit units[] = {
	{.name = (char[]){"u"}, .link = 0, .id = 7, .max_gap = 2},
	{.name = (char[]){"v"}, .link = 1, .id = 1, .max_gap = 0},
	{.name = (char[]){"w"}, .link = 2, .id = 9, .max_gap = 0},
	{.name = (char[]){"x"}, .link = 2, .id = 7, .max_gap = 0}, /* as "u" */
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
};
static struct config_limit limits[] = {
	{.channel = COD, .high = true, .bound = 135},
	{.channel = COD, .high = true, .bound = 90, .deadband = 60},
	{.channel = PH, .high = true, .bound = 9},
	{.channel = PH, .high = false, .bound = 5.5},
	{.channel = OXYGEN, .high = false, .bound = 4},
	{.channel = VALVE, .high = false, .bound = 0.5},
};
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
};

static int setup(void **state)
{
	channels[VALVE].decode.bit = 9;
	return sim_plant_new((struct sim_plant **)state, &config, 1);
}

static int teardown(void **state)
{
	sim_plant_free(*state);
	return 0;
}

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
	};

	(void)state;
	for (uint64_t seed = 0; seed < 20; seed++)
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			double low = HUGE_VAL, high = -HUGE_VAL;
			struct sim_signal s;

			sim_signal_init(&s, &config, (size_t)rows[i][0], seed);
			for (int64_t t = 0; t < 600000; t += 999) {
				low = fmin(low, sim_signal_value(&s, t));
				high = fmax(high, sim_signal_value(&s, t));
			}
			assert_true(low >= rows[i][1] && high <= rows[i][2]);
			assert_true(rows[i][1] == rows[i][2] || high > low); /* it moves */
		}
}

static void test_seed(void **state)
{
	struct sim_signal a, b, c;

	(void)state;
	sim_signal_init(&a, &config, COD, 1);
	sim_signal_init(&b, &config, COD, 1);
	sim_signal_init(&c, &config, COD, 2);
	assert_true(sim_signal_value(&a, 5000) == sim_signal_value(&b, 5000));
	assert_true(sim_signal_value(&a, 5000) != sim_signal_value(&c, 5000));
}

/* transaction 0x0102; returns bytes of the answer in @out */
static size_t ask(const struct sim_plant *plant, size_t link, unsigned int unit, unsigned int fn,
		  unsigned int address, unsigned int count, uint8_t *out)
{
	uint8_t rq[12] = {1,
			  2,
			  0,
			  0,
			  0,
			  6,
			  (uint8_t)unit,
			  (uint8_t)fn,
			  (uint8_t)(address >> 8),
			  (uint8_t)address,
			  (uint8_t)(count >> 8),
			  (uint8_t)count};

	return sim_plant_answer(plant, link, rq, sizeof(rq), 0, out);
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
		uint8_t out[SIM_FRAME_MAX];
		size_t n = ask(*state, rows[i].link, rows[i].unit, rows[i].fn, rows[i].address,
			       rows[i].count, out);

		if (n != (rows[i].exception == DATA ? 9 + n_data : 9))
			fail_msg("row %zu: %zu bytes", i, n);
		assert_int_equal(out[0] << 8 | out[1], 0x0102);
		assert_int_equal(out[2] << 8 | out[3], 0);
		assert_int_equal(out[4] << 8 | out[5], n - 6);
		assert_int_equal(out[6], rows[i].unit);
		assert_int_equal(out[7],
				 rows[i].exception == DATA ? rows[i].fn : (rows[i].fn | 0x80));
		assert_int_equal(out[8], rows[i].exception == DATA ? n_data : rows[i].exception);
	}
}

static void test_frame_of_wrong_length_is_refused(void **state)
{
	uint8_t rq[14] = {1, 2, 0, 0, 0, 8, 7, 3, 0, 100, 0, 1, 0, 0}, out[SIM_FRAME_MAX];

	assert_int_equal(sim_plant_answer(*state, 0, rq, sizeof(rq), 0, out), 9);
	assert_int_equal(out[8], SIM_ILLEGAL_VALUE);
	rq[5] = 2;
	assert_int_equal(sim_plant_answer(*state, 0, rq, 8, 0, out), 9);
	assert_int_equal(out[8], SIM_ILLEGAL_VALUE);
}

static void test_frame_size(void **state)
{
	static const struct {
		uint8_t bytes[6];
		size_t n;
		int result;
	} rows[] = {
		{{1, 2, 0, 0, 0, 6}, 6, 12},
		{{1, 2, 0, 0, 0, 6}, 5, 0},
		{{0}, 0, 0},
		{{1, 2, 0, 0, 0, 2}, 6, 8},
		{{1, 2, 0, 0, 0, 1}, 6, -EBADMSG},
		{{1, 2, 0, 0, 0, 254}, 6, 260},
		{{1, 2, 0, 0, 0, 255}, 6, -EBADMSG},
		{{1, 2, 0, 0, 1, 6}, 6, -EBADMSG},
		{{1, 2, 0, 1, 0, 6}, 6, -EBADMSG},
		{{1, 2, 1, 0, 0, 6}, 6, -EBADMSG},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(sim_plant_frame_size(rows[i].bytes, rows[i].n), rows[i].result);
}

static unsigned int shown_word(const struct sim_plant *plant, unsigned int fn, unsigned int address)
{
	uint8_t out[SIM_FRAME_MAX];

	assert_int_equal(ask(plant, 0, 7, fn, address, 1, out), fn <= 2 ? 10 : 11);
	return fn <= 2 ? out[9] : (unsigned int)(out[9] << 8 | out[10]);
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
	uint8_t before[SIM_FRAME_MAX], after[SIM_FRAME_MAX],
		rq[12] = {0, 0, 0, 0, 0, 6, 7, 3, 0, 100, 0, 2};

	sim_plant_act(plant, &(struct sim_action){.verb = SIM_RAW, .target = FLOW, .raw = 0xffff},
		      0);
	assert_int_equal(shown_word(plant, 3, 109), 0xffff);
	(void)sim_plant_answer(plant, 0, rq, 12, 5000, before);
	(void)sim_plant_answer(plant, 0, rq, 12, 9000, after);
	assert_memory_not_equal(before, after, 13);
	sim_plant_act(plant, &(struct sim_action){.verb = SIM_STUCK, .target = COD}, 5000);
	(void)sim_plant_answer(plant, 0, rq, 12, 9000, after);
	assert_memory_equal(before, after, 13);
}

static void test_units(void **state)
{
	struct sim_plant *plant = *state;
	uint8_t out[SIM_FRAME_MAX];

	sim_plant_act(plant, &(struct sim_action){.verb = SIM_UNIT_DEAD, .target = 0}, 0);
	assert_int_equal(ask(plant, 0, 7, 3, 100, 2, out), 0);
	assert_int_equal(ask(plant, 1, 1, 3, 0, 1, out), 11); /* the others go on */
	sim_plant_act(plant,
		      &(struct sim_action){.verb = SIM_UNIT_EXCEPTION, .target = 0, .exception = 6},
		      0);
	assert_int_equal(ask(plant, 0, 7, 3, 100, 2, out), 9);
	assert_int_equal(out[8], 6);
	sim_plant_act(plant, &(struct sim_action){.verb = SIM_UNIT_NORMAL, .target = 0}, 0);
	assert_int_equal(ask(plant, 0, 7, 3, 100, 2, out), 13);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_healthy_signals),
		cmocka_unit_test(test_seed),
		cmocka_unit_test_setup_teardown(test_answers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_frame_of_wrong_length_is_refused, setup,
						teardown),
		cmocka_unit_test(test_frame_size),
		cmocka_unit_test_setup_teardown(test_bits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_ramp_hold_and_return, setup, teardown),
		cmocka_unit_test_setup_teardown(test_raw_and_stuck, setup, teardown),
		cmocka_unit_test_setup_teardown(test_units, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
