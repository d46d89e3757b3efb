/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/budget.h"

#define assert_close(a, b) assert_true(fabs((a) - (b)) <= 1e-6 * (1 + fabs(b)))

static struct config_site site = {.name = (char[]){"s"}, .file = (char[]){"s.yaml"}};
static struct config_source source = {.name = (char[]){"o"}};

/* one line; each unit reads one block of 16-bit registers */
struct line {
	struct config config;
	struct config_link link;
	struct config_unit units[10];
	struct config_channel channels[80];
	struct plan *plan;
};

static void make(struct line *line, struct config_link link, size_t n_units, size_t n_channels,
		 uint32_t interval_ms)
{
	static char name[] = "a", host[] = "/dev/x";

	*line = (struct line){.link = link};
	line->link.name = name;
	line->link.host = host;
	line->link.line = 7;
	line->link.column = 5;
	line->config = (struct config){.grid_ms = 10,
				       .sites = &site,
				       .n_sites = 1,
				       .links = &line->link,
				       .n_links = 1,
				       .units = line->units,
				       .n_units = n_units,
				       .sources = &source,
				       .n_sources = 1,
				       .channels = line->channels,
				       .n_channels = n_units * n_channels};
	for (size_t i = 0; i < n_units; i++)
		line->units[i] = (struct config_unit){.name = name,
						      .id = (uint8_t)(i + 1),
						      .interval_ms = interval_ms,
						      .timeout_ms = 200,
						      .max_registers = 125};
	for (size_t i = 0; i < line->config.n_channels; i++)
		line->channels[i] = (struct config_channel){.name = name,
							    .unit = i / n_channels,
							    .function = 4,
							    .address = (uint16_t)(i % n_channels),
							    .decode = {.type = DECODE_INT16}};
	assert_int_equal(plan_new(&line->plan, &line->config), 0);
}

/* worked out by hand from the frames of the standards */
static void test_request(void **state)
{
	static const struct {
		struct config_link link;
		size_t n_registers;
		uint32_t turnaround_ms;
		struct budget_request cost;
	} rows[] = {
		/* MBAP 7 and PDU 5; 7 and 2 + 2 × 4 */
		{{.kind = WIRE_LINK_TCP, .port = 502}, 4, 5, {12, 17, 0, 0}},
		/* 8 + 13 characters of 11 bits at 9600 baud; two gaps of 3.5 characters */
		{{.kind = WIRE_LINK_RTU, .baud = 9600, .parity = 'E', .stop_bits = 1},
		 4,
		 0,
		 {8, 13, 24063, 2 * 4011}},
		{{.kind = WIRE_LINK_RTU, .baud = 9600, .parity = 'N', .stop_bits = 1},
		 4,
		 5, /* longer than the gap, so it counts instead */
		 {8, 13, 21875, 3646 + 5000}},
		{{.kind = WIRE_LINK_RTU,
		  .baud = 115200,
		  .parity = 'N',
		  .stop_bits = 2,
		  .rts_before_ms = 1,
		  .rts_after_ms = 2},
		 1,
		 0,
		 {8, 7, 1433, 2 * 1750 + 3000}},
		/* a serial server whose line's speed is not known has no time */
		{{.kind = WIRE_LINK_RTU_TCP, .port = 4001, .stop_bits = 1}, 1, 0, {8, 7, 0, 0}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct budget_request cost;
		struct line line;

		make(&line, rows[i].link, 1, rows[i].n_registers, 1000);
		line.plan->units[0].turnaround_ms = rows[i].turnaround_ms;
		cost = budget_request(line.plan, 0);
		assert_int_equal(cost.n_out, rows[i].cost.n_out);
		assert_int_equal(cost.n_in, rows[i].cost.n_in);
		assert_int_equal(cost.character_us, rows[i].cost.character_us);
		assert_int_equal(cost.silence_us, rows[i].cost.silence_us);
		(void)plan_free(line.plan);
	}
}

static void test_line(void **state)
{
	static const struct config_link rtu = {
		.kind = WIRE_LINK_RTU, .baud = 9600, .parity = 'E', .stop_bits = 1};
	struct budget_unit unit;
	struct budget_link cost;
	struct line line;

	(void)state;
	make(&line, rtu, 10, 4, 1000);
	unit = budget_unit(line.plan, 3);
	assert_int_equal(unit.n_requests, 1);
	assert_int_equal(unit.character_us, 24063);
	assert_int_equal(unit.silent_us, 200000 + 4011);
	cost = budget_link(line.plan, 0);
	assert_true(cost.is_timed);
	assert_close(cost.load, 10 * (24063 + 8022) / 1e6);
	assert_close(cost.load_silent, cost.load + (204011 - 32085) / 1e6);
	line.plan->units[4].quiet_ms = 900; /* longer than its time-out: that counts */
	cost = budget_link(line.plan, 0);
	assert_int_equal(cost.worst, 4);
	assert_close(cost.load_silent, cost.load + (904011 - 32085) / 1e6);
	(void)plan_free(line.plan);
}

/* up to 100 % it can be met; a byte more and it cannot */
static void test_check(void **state)
{
	static const struct config_link rtu = {
		.kind = WIRE_LINK_RTU, .baud = 9600, .parity = 'E', .stop_bits = 1};
	static const struct {
		uint32_t interval_ms; /* ten units of 32.085 ms each */
		int r;
		const char *part; /* NULL: nothing is said */
	} rows[] = {
		{1000, 0, NULL},
		{450, 0, "while \"a\" is silent"},
		{390, 0, "is busy for 82 %"},
		{330, 0, "is busy for 97 %"},
		{320, -EINVAL, "would be busy for 100.3 %"},
		{160, -EINVAL, "8 + 13 bytes of 11 bits at 9600 baud take 24.1 ms, silence 8.0 ms"},
		{160, -EINVAL, "together 20.1 %, and 204.0 ms where it does not answer;"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char *text = NULL;
		size_t n = 0, n_errors = 0;
		FILE *out = open_memstream(&text, &n);
		struct line line;

		make(&line, rtu, 10, 4, rows[i].interval_ms);
		assert_int_equal(budget_check(&line.config, line.plan, out, &n_errors), rows[i].r);
		assert_int_equal(n_errors, rows[i].r < 0);
		(void)fclose(out);
		if (rows[i].part ? !strstr(text, rows[i].part) : *text != '\0')
			fail_msg("row %zu: %s", i, text);
		if (rows[i].part)
			assert_memory_equal(text, "s.yaml:7:5: ", 12);
		free(text);
		assert_int_equal(budget_check(&line.config, line.plan, NULL, &n_errors), rows[i].r);
		(void)plan_free(line.plan);
	}
}

/* a request in whose place nothing may be read, since all is a hole around it */
static void test_walls(void **state)
{
	static const struct {
		enum wire_link_kind kind;
		size_t n_holes;
		int r;
	} rows[] = {
		{WIRE_LINK_RTU, 4, -EINVAL},
		{WIRE_LINK_RTU_TCP, 4, -EINVAL},
		{WIRE_LINK_RTU, 3, 0},
		{WIRE_LINK_TCP, 4, 0}, /* answers have numbers there */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct config_hole holes[] = {{.function = 1, .first = 0, .last = 9},
					      {.function = 2, .first = 0, .last = 0},
					      {.function = 3, .first = 0, .last = 0},
					      {.function = 4, .first = 1, .last = 1}};
		size_t n = 0, n_errors = 0;
		char *text = NULL;
		FILE *out = open_memstream(&text, &n);
		struct line line;

		make(&line,
		     (struct config_link){.kind = rows[i].kind, .parity = 'E', .stop_bits = 1}, 1,
		     1, 1000);
		(void)plan_free(line.plan);
		line.config.holes = holes;
		line.config.n_holes = rows[i].n_holes;
		assert_int_equal(plan_new(&line.plan, &line.config), 0);
		assert_int_equal(budget_check(&line.config, line.plan, out, &n_errors), rows[i].r);
		assert_int_equal(n_errors, rows[i].r < 0);
		(void)fclose(out);
		assert_true(rows[i].r == 0 || strstr(text, "at input 0 to 0, "));
		free(text);
		(void)plan_free(line.plan);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_walls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
