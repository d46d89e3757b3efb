/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-year: a year of one channel at 1 Hz through decode, window, limit, alarm and
 * incident: the core without its event loop and its record. The value leaves its limit for
 * ten minutes a day, so that alarms and incidents come and go.
 *
 *   bench-year DIR     a configuration whose first request is one float32 (ABCD) with a
 *                      limit between 50 and 200; prints "SECONDS MINUTES ALARMS INCIDENTS"
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "core/batch.h"
#include "core/config.h"
#include "core/core.h"
#include "core/plan.h"

#define YEAR_MIN	(365 * DAY_MIN)
#define DAY_MIN		1440
#define SPILL_FROM_MIN	600 /* 10:00 UTC every day */
#define SPILL_UNTIL_MIN 610
#define START_WALL_MS	INT64_C(1767225600000) /* 2026-01-01T00:00:00Z */

struct reading {
	struct wire_reading head;
	uint16_t words[4];
};

struct result {
	size_t n_minutes;
	size_t n_alarms;
	size_t n_incidents;
};

static double cpu_s(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void set_value(struct reading *reading, float value)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	reading->words[0] = (uint16_t)(bits >> 16);
	reading->words[1] = (uint16_t)bits;
}

static void count(const struct batch *batch, struct result *result)
{
	result->n_minutes += batch->n_minutes;
	for (size_t i = 0; i < batch->n_entries; i++) {
		result->n_alarms += batch->entries[i].type == EVENT_ALARM_RAISED;
		result->n_incidents += batch->entries[i].type == EVENT_INCIDENT_OPENED;
	}
}

/* a value and a tick each second. Return: 0; -errno. */
static int run_minute(struct core *core, int64_t minute, struct reading *reading)
{
	int64_t start_ms = minute * MS_PER_MIN, of_day = minute % DAY_MIN;
	bool spill = of_day >= SPILL_FROM_MIN && of_day < SPILL_UNTIL_MIN;
	struct wire_reading tick = {0};
	int r = 0;

	for (int64_t s = 0; r == 0 && s < 60; s++) {
		struct stamp at = {.mono_ms = start_ms + s * MS_PER_S,
				   .wall_ms = START_WALL_MS + start_ms + s * MS_PER_S};

		set_value(reading, spill ? 200.0F : 50.0F + (float)((minute * 60 + s) % 16) / 16);
		r = core_reading(core, 0, at, &reading->head);
		if (r == 0)
			r = core_reading(core, 0, at, &tick);
	}
	return r;
}

/* What a commit takes is no part of this. Return: 0; -errno. */
static int run(struct core *core, struct batch *batch, const struct plan *plan,
	       struct result *result)
{
	struct reading reading = {
		.head = {
			.key = plan->requests[0].key, .status = WIRE_OK, .n_words = 2, .count = 2}};
	int r = 0;

	for (int64_t minute = 0; r == 0 && minute < YEAR_MIN; minute++) {
		r = run_minute(core, minute, &reading);
		count(batch, result);
		batch_clear(batch);
	}
	return r;
}

int main(int argc, char **argv)
{
	CLEANUP(config_free) struct config *config = NULL;
	CLEANUP(plan_free) struct plan *plan = NULL;
	CLEANUP(core_free) struct core *core = NULL;
	struct batch batch = {0};
	struct result result = {0};
	double start_s;
	int r;

	if (argc != 2) {
		(void)fputs("Usage: bench-year DIR\n", stderr);
		return 2;
	}
	if (config_load(&config, argv[1], stderr, NULL) < 0 || plan_new(&plan, config) < 0 ||
	    core_new(&core, config, plan, &batch) < 0)
		return EXIT_FAILURE;
	start_s = cpu_s();
	r = run(core, &batch, plan, &result);
	if (r == 0 && !batch.out_of_memory)
		(void)printf("%.3f %zu %zu %zu\n", cpu_s() - start_s, result.n_minutes,
			     result.n_alarms, result.n_incidents);
	batch_done(&batch);
	return r == 0 && !batch.out_of_memory ? EXIT_SUCCESS : EXIT_FAILURE;
}
