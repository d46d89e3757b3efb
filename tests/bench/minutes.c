/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-minutes: the record with a year of minute rows
 *
 *   bench-minutes fill CONFIG STATE ENTRIES   make one: a year up to now of all channels of the
 *                       configuration, by plain SQL in the layout that the record has after a
 *                       year, and ENTRIES entries by the record itself. Prints "ROWS BYTES"
 *   bench-minutes read CONFIG STATE PATH      prints milliseconds of record_open() with
 *                       record_load(), of one channel's year in hours, of its day in minutes,
 *                       and of the last day's minutes of all channels
 *   bench-minutes write CONFIG STATE HOURS    minutes into a new record by record_commit(), one
 *                       commit per minute, packing included. Six hours and more are not counted
 *                       at first, until packing is under way. The core's state is left out, it
 *                       is measured with the core. Prints "ROWS BYTES" as the kernel counts
 *                       writes to the disk, and the median and the longest commit in milliseconds
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "common/clock.h"
#include "common/wire.h"
#include "core/batch.h"
#include "core/config.h"
#include "core/core.h"
#include "core/history.h"
#include "core/plan.h"
#include "core/record.h"
#include "core/record_minute.h"

#define YEAR_MIN    (365 * 1440)
#define WARM_UP_MIN (RECORD_PACK_MIN + 120)

struct setup {
	struct config *config;
	struct plan *plan;
	struct core *core;
	struct batch batch;
	struct record *record;
	struct record_commit commit;
	void *state;
};

static int fail(const char *what, const char *why)
{
	(void)fprintf(stderr, "bench-minutes: %s: %s\n", what, why);
	return EXIT_FAILURE;
}

static double now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static int set_up(struct setup *setup, const char *config, const char *state)
{
	struct record_start start = {0};
	struct wire_hello hello;
	char error[RECORD_ERROR_MAX];

	wire_hello_init(&hello, WIRE_ROLE_CORE, 0);
	if (config_load(&setup->config, config, stderr, NULL) < 0 ||
	    plan_new(&setup->plan, setup->config) < 0 ||
	    core_new(&setup->core, setup->config, setup->plan, &setup->batch) < 0)
		return fail(config, "cannot be used");
	if (record_open(&setup->record, state, error) < 0)
		return fail("record_open", error);
	if (record_load(setup->record, &start) < 0 || record_bind(setup->record, setup->config) < 0)
		return fail("record", record_error(setup->record));
	free(start.state);
	free(start.windows);
	setup->core->chain = start.chain;
	setup->commit = (struct record_commit){
		.config = setup->config, .batch = &setup->batch, .now = clock_stamp()};
	memcpy(setup->commit.boot_id, hello.boot_id, sizeof(setup->commit.boot_id));
	return core_save(setup->core, &setup->state, &setup->commit.n_state) < 0 ? EXIT_FAILURE : 0;
}

static int commit(struct setup *setup)
{
	int r;

	setup->commit.state = setup->state;
	setup->commit.chain = setup->core->chain;
	r = record_commit(setup->record, &setup->commit);
	batch_clear(&setup->batch);
	return r < 0 ? fail("record_commit", record_error(setup->record)) : 0;
}

static void tear_down(struct setup *setup)
{
	(void)record_close(setup->record);
	batch_done(&setup->batch);
	free(setup->state);
	(void)core_free(setup->core);
	(void)plan_free(setup->plan);
	(void)config_free(setup->config);
}

/* --- fill -------------------------------------------------------------------------- */

static double random_value(void)
{
	return 50 + (double)random() / RAND_MAX * 10; /* all bits of the fraction are in use */
}

static int insert(sqlite3_stmt *s, int64_t t, int64_t channel)
{
	double mean = random_value();
	struct minute minute = {.t = t,
				.channel = channel,
				.row = {.n = 60,
					.mean = mean,
					.min = mean - random_value(),
					.max = mean + random_value(),
					.capture = 100,
					.valid = true},
				.expected = 60};
	int code;

	minute_bind(s, &minute);
	code = sqlite3_step(s);
	(void)sqlite3_reset(s);
	return code == SQLITE_DONE ? 0 : -1;
}

/* channel-major and in order what would be packed, the rest time-major */
static int fill_rows(sqlite3 *db, int64_t n_channels, int64_t to_t)
{
	static const char into[] = "(" MINUTE_COLUMNS ") VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)";
	int64_t packed_t = minute_floor(to_t - 60);
	sqlite3_stmt *packed = NULL, *fresh = NULL;
	char sql[512];
	int r;

	(void)snprintf(sql, sizeof(sql), "INSERT INTO minute_packed%s", into);
	r = sqlite3_prepare_v2(db, sql, -1, &packed, NULL);
	(void)snprintf(sql, sizeof(sql), "INSERT INTO minute%s", into);
	if (r == 0)
		r = sqlite3_prepare_v2(db, sql, -1, &fresh, NULL);
	for (int64_t channel = 1; channel <= n_channels; channel++)
		for (int64_t t = to_t - YEAR_MIN; r == 0 && t < packed_t; t++)
			r = insert(packed, t, channel);
	for (int64_t t = packed_t; t < to_t; t++)
		for (int64_t channel = 1; r == 0 && channel <= n_channels; channel++)
			r = insert(fresh, t, channel);
	(void)sqlite3_finalize(packed);
	(void)sqlite3_finalize(fresh);
	(void)snprintf(sql, sizeof(sql), "UPDATE upkeep SET packed_t = %lld", (long long)packed_t);
	return r == 0 ? sqlite3_exec(db, sql, NULL, NULL, NULL) : r;
}

static int fill_minutes(const char *path, int64_t n_channels, int64_t to_t)
{
	sqlite3 *db = NULL;
	int r = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL);

	if (r == 0)
		r = sqlite3_exec(db, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN",
				 NULL, NULL, NULL);
	if (r == 0)
		r = fill_rows(db, n_channels, to_t);
	if (r == 0)
		r = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	if (r != 0)
		(void)fail(path, sqlite3_errmsg(db));
	(void)sqlite3_close(db);
	return r;
}

static int fill(const char *config, const char *state, int n_entries)
{
	struct setup setup = {0};
	struct stat status = {0};
	char path[4096];
	size_t n_channels;
	int r = set_up(&setup, config, state);

	for (int i = 1; r == 0 && i <= n_entries; i++) {
		struct event event = event_of_channel(setup.config, EVENT_MEASUREMENT_LOST,
						      setup.commit.now, 0);

		event.reason = "nothing comes any more";
		core_event(setup.core, &event);
		if (i % 1000 == 0 || i == n_entries)
			r = commit(&setup);
	}
	n_channels = setup.config ? setup.config->n_channels : 0;
	tear_down(&setup);
	(void)snprintf(path, sizeof(path), "%s/" RECORD_FILE, state);
	if (r == 0)
		r = fill_minutes(path, (int64_t)n_channels, clock_stamp().wall_ms / MS_PER_MIN);
	if (r == 0)
		r = stat(path, &status);
	if (r == 0)
		(void)printf("%zu %lld\n", n_channels * YEAR_MIN, (long long)status.st_size);
	return r;
}

/* --- read -------------------------------------------------------------------------- */

static void count_window(void *userdata, const struct history_window *window)
{
	uint64_t *n = userdata;

	*n += window->n;
}

static void count_minute(void *userdata, size_t channel, const struct window_row *row)
{
	uint64_t *n = userdata;

	(void)channel;
	*n += row->n;
}

static int query(struct history *history, const char *path, enum window_length length, int64_t days)
{
	int64_t to_ms = clock_stamp().wall_ms - 10 * MS_PER_MIN;
	double start = now_ms();
	uint64_t n = 0;

	if (history_windows(history, path, length, to_ms - days * MS_PER_DAY, to_ms, count_window,
			    &n) < 0 ||
	    n == 0)
		return fail(path, history_error(history));
	(void)printf("%.3f\n", now_ms() - start);
	return 0;
}

static int read_all(const char *config, const char *state, const char *path)
{
	CLEANUP(history_close) struct history *history = NULL;
	struct record_start begin = {0};
	struct setup setup = {0};
	char error[RECORD_ERROR_MAX];
	uint64_t n = 0;
	double start = now_ms();

	if (record_open(&setup.record, state, error) < 0 || record_load(setup.record, &begin) < 0)
		return fail(state, "cannot be opened");
	(void)printf("%.3f\n", now_ms() - start);
	free(begin.state);
	free(begin.windows);
	if (history_open(&history, state, error) < 0 || query(history, path, WINDOW_1H, 365) != 0 ||
	    query(history, path, WINDOW_1MIN, 1) != 0)
		return EXIT_FAILURE;
	start = now_ms();
	if (config_load(&setup.config, config, stderr, NULL) < 0 ||
	    record_bind(setup.record, setup.config) < 0 ||
	    record_minutes(setup.record, clock_stamp().wall_ms - MS_PER_DAY, count_minute, &n) < 0)
		return fail("record_minutes", record_error(setup.record));
	(void)printf("%.3f\n", now_ms() - start);
	tear_down(&setup);
	return n > 0 ? 0 : EXIT_FAILURE;
}

/* --- write ------------------------------------------------------------------------- */

static long long written_bytes(void)
{
	FILE *file = fopen("/proc/self/io", "r");
	char line[128];
	long long bytes = -1;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "write_bytes: %lld", &bytes) == 1)
			break;
	if (file)
		(void)fclose(file);
	return bytes;
}

static int add_minutes(struct setup *setup)
{
	for (size_t i = 0; i < setup->config->n_channels; i++) {
		struct batch_minute *minute = batch_add(&setup->batch, minutes);
		double mean = random_value();

		if (!minute)
			return EXIT_FAILURE;
		*minute = (struct batch_minute){
			.channel = (uint32_t)i,
			.row = {.start_ms = setup->commit.now.wall_ms - MS_PER_MIN,
				.n = 60,
				.mean = mean,
				.min = mean - random_value(),
				.max = mean + random_value(),
				.capture = 100,
				.valid = true}};
	}
	setup->commit.now.wall_ms += MS_PER_MIN;
	setup->commit.now.mono_ms += MS_PER_MIN;
	return commit(setup);
}

static int by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int write_hours(const char *config, const char *state, int hours)
{
	struct setup setup = {0};
	double *took_ms = calloc((size_t)hours * 60, sizeof(*took_ms));
	long long before = 0;
	int n = hours * 60, r = took_ms ? set_up(&setup, config, state) : EXIT_FAILURE;

	setup.commit.n_state = 1;
	if (r == 0)
		r = commit(&setup);
	setup.commit.now.wall_ms += MS_PER_DAY; /* upkeep rests for the first day */
	setup.commit.now.mono_ms += MS_PER_DAY;
	setup.commit.now.wall_ms -= setup.commit.now.wall_ms % MS_PER_MIN;
	for (int i = 0; r == 0 && i < WARM_UP_MIN; i++)
		r = add_minutes(&setup);
	before = written_bytes();
	for (int i = 0; r == 0 && i < n; i++) {
		double start = now_ms();

		r = add_minutes(&setup);
		took_ms[i] = now_ms() - start;
	}
	if (r == 0) {
		qsort(took_ms, (size_t)n, sizeof(*took_ms), by_size);
		(void)printf("%zu %lld %.3f %.3f\n", setup.config->n_channels * (size_t)n,
			     written_bytes() - before, took_ms[n / 2], took_ms[n - 1]);
	}
	free(took_ms);
	tear_down(&setup);
	return r;
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "fill") == 0)
		return fill(argv[2], argv[3], atoi(argv[4]));
	if (argc == 5 && strcmp(argv[1], "read") == 0)
		return read_all(argv[2], argv[3], argv[4]);
	if (argc == 5 && strcmp(argv[1], "write") == 0)
		return write_hours(argv[2], argv[3], atoi(argv[4]));
	(void)fputs("Usage: bench-minutes fill CONFIG STATE ENTRIES | read CONFIG STATE PATH |\n"
		    "                     write CONFIG STATE HOURS\n",
		    stderr);
	return 2;
}
