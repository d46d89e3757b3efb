/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-line: how near the poller comes to what a serial line can carry, in simulated time.
 *
 *   bench-line BAUD UNITS DEAD REGISTERS
 *
 * UNITS units (1-32) on a line at BAUD, 8E1, the first DEAD of them silent for ever, each with
 * one read of REGISTERS (1-125) and always due. An hour of it, ten minutes after the start:
 *
 *   reads N of M, P permille, worst W us, line busy B permille
 *
 * M: transactions back to back: request and answer with 11 bits a character, and after each of
 * them 3.5 characters or 1.75 ms of silence (MODBUS over Serial Line V1.02 §2.5.1.1). W: the
 * longest time between two answers of one unit.
 */
#include <stdio.h>
#include <stdlib.h>

#include "poller/link.h"

#define UNITS_MAX   32
#define BITS	    11
#define START_US    INT64_C(600000000)
#define END_US	    (START_US + INT64_C(3600000000))
#define TIMEOUT_MS  500
#define FAST_BAUD   19200
#define FAST_GAP_US 1750

struct bench {
	struct wire_link config;
	struct wire_unit units[UNITS_MAX];
	struct wire_request requests[UNITS_MAX];
	uint32_t first[UNITS_MAX + 1];
	uint32_t n_units;
	uint32_t n_dead;
	int64_t answer_us; /* from the send to the last byte of the answer */
	int64_t last_us[UNITS_MAX];
	int64_t worst_us;
	uint64_t n_reads;
};

static uint32_t characters_us(uint32_t baud, uint32_t half_characters)
{
	return half_characters * (BITS * UINT32_C(1000000)) / (2 * baud);
}

static void prepare(struct bench *bench, uint32_t baud, uint16_t count)
{
	uint32_t gap_us = baud > FAST_BAUD ? FAST_GAP_US : characters_us(baud, 7);

	bench->config = (struct wire_link){.key = 1,
					   .kind = WIRE_LINK_RTU,
					   .baud = baud,
					   .connect_timeout_ms = 1000,
					   .backoff_min_ms = 1000,
					   .backoff_max_ms = 1000,
					   .frame_gap_us = gap_us};
	bench->answer_us = characters_us(baud, 2 * (8 + 5 + 2U * count)) + gap_us;
	for (uint32_t i = 0; i < bench->n_units; i++) {
		bench->units[i] = (struct wire_unit){
			.id = (uint8_t)(i + 1), .interval_ms = 1, .timeout_ms = TIMEOUT_MS};
		bench->requests[i] = (struct wire_request){
			.key = i + 1, .unit = i, .function = 3, .count = count};
		bench->first[i + 1] = i + 1;
	}
}

static void note_read(struct bench *bench, uint32_t unit, int64_t now_us)
{
	if (now_us >= START_US) {
		bench->n_reads++;
		bench->worst_us = MAX(bench->worst_us, now_us - bench->last_us[unit]);
	}
	bench->last_us[unit] = now_us;
}

static void run(struct bench *bench, struct link *link, struct link_action *actions)
{
	struct link_input next = {.event = LINK_TIME};
	int64_t now_us = 0;

	while (now_us < END_US) {
		struct link_action last = {.kind = LINK_CLOSE};
		size_t n = link_step(link, now_us, &next, actions);

		for (size_t i = 0; i < n; i++) {
			last = actions[i];
			if (last.kind == LINK_REPORT && last.status == WIRE_OK)
				note_read(bench, last.unit, now_us);
		}
		next = (struct link_input){.event = LINK_TIME};
		if (last.kind == LINK_CONNECT) {
			next.event = LINK_CONNECTED;
		} else if (last.kind == LINK_SEND && last.unit >= bench->n_dead) {
			next.event = LINK_ANSWERED;
			now_us += bench->answer_us;
		} else {
			now_us = link_wake_us(link);
		}
	}
}

static int bench_line(struct bench *bench, struct wire_link_report *ret)
{
	const struct link_plan plan = {.link = &bench->config,
				       .units = bench->units,
				       .requests = bench->requests,
				       .first_request = bench->first,
				       .n_units = bench->n_units,
				       .grid_us = 1000};
	struct link_action actions[UNITS_MAX + 8];
	CLEANUP(link_free) struct link *link = NULL;

	if (link_new(&link, &plan, 0, 1) < 0 || link_actions_max(link) > ARRAY_SIZE(actions))
		return EXIT_FAILURE;
	run(bench, link, actions);
	link_account(link, END_US);
	link_report(link, ret);
	return EXIT_SUCCESS;
}

/* a number of the command line within bounds; else the program ends */
static uint32_t number_of(const char *text, uint32_t least, uint32_t most)
{
	unsigned long n = strtoul(text, NULL, 10);

	if (n >= least && n <= most)
		return (uint32_t)n;
	(void)fprintf(stderr, "bench-line: %s: must be %u-%u\n", text, least, most);
	exit(2);
}

int main(int argc, char **argv)
{
	struct bench bench = {0};
	struct wire_link_report report;
	uint64_t n_max;

	if (argc != 5) {
		(void)fputs("Usage: bench-line BAUD UNITS DEAD REGISTERS\n", stderr);
		return 2;
	}
	bench.n_units = number_of(argv[2], 1, UNITS_MAX);
	bench.n_dead = number_of(argv[3], 0, bench.n_units);
	prepare(&bench, number_of(argv[1], 110, 4000000),
		(uint16_t)number_of(argv[4], 1, WIRE_REGISTERS_MAX));
	if (bench_line(&bench, &report) != EXIT_SUCCESS)
		return EXIT_FAILURE;
	n_max = (uint64_t)((END_US - START_US) / (bench.answer_us + bench.config.frame_gap_us));
	(void)printf("reads %llu of %llu, %llu permille, worst %lld us, line busy %u permille\n",
		     (unsigned long long)bench.n_reads, (unsigned long long)n_max,
		     (unsigned long long)(bench.n_reads * 1000 / n_max), (long long)bench.worst_us,
		     report.busy_permille);
	return EXIT_SUCCESS;
}
