/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/history.h"
#include "core/record.h"
#include "core/record_minute.h"
#include "core/record_statements.h"

#define WALL_0	   INT64_C(1795528800000) /* 2026-11-24T14:00Z: not the begin of a batch */
#define T_0	   (WALL_0 / MS_PER_MIN)
#define MONO_0	   INT64_C(5000)
#define N_CHANNELS 13 /* a batch takes three commits */
#define DAY_MIN	   (24 * 60)
#define DAYS_MAX   3

static char t_site[] = "s", t_name[] = "x", t_unit[] = "mg/l", t_origin[] = "test";
static char paths[N_CHANNELS][16];
static struct config_site site = {.name = t_site};
static struct config_source source = {.name = t_name, .kind = WASTE_LIQUID};
static struct config_unit units[] = {{.interval_ms = 1000}, {.interval_ms = 7000}};
static struct config_channel channels[N_CHANNELS];
static struct config config = {
	.origin = t_origin,
	.capture_percent = 75,
	.minute_retention_days = 60,
	.sites = &site,
	.sources = &source,
	.units = units,
	.channels = channels,
	.n_sites = 1,
	.n_sources = 1,
	.n_units = 2,
	.n_channels = N_CHANNELS,
};

static uint32_t expected_of(size_t channel)
{
	return channel % 2 ? 8 : 60; /* 60 s / 7 s, 60 s / 1 s */
}

/* --- a record in a directory of its own ---------------------------------------------- */

struct rig {
	char directory[64];
	char path[96];
	struct record *record;
	struct batch batch;
	struct chain chain;
	struct record_commit commit;
	char error[RECORD_ERROR_MAX];
};

static int set_up(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	(void)strcpy(rig->directory, "/tmp/test-minutes-XXXXXX");
	assert_non_null(mkdtemp(rig->directory));
	(void)snprintf(rig->path, sizeof(rig->path), "%s/" RECORD_FILE, rig->directory);
	for (size_t i = 0; i < N_CHANNELS; i++) {
		(void)snprintf(paths[i], sizeof(paths[i]), "s/out/c%zu", i);
		channels[i] = (struct config_channel){
			.name = t_name, .path = paths[i], .measure = t_unit, .unit = i % 2};
	}
	rig->commit = (struct record_commit){
		.config = &config,
		.batch = &rig->batch,
		.state = "state",
		.n_state = 5,
		.now = {MONO_0, WALL_0},
	};
	*state = rig;
	return 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = {"record.db", "record.db-wal", "record.db-shm",
					    "record.lock"};
	struct rig *rig = *state;

	(void)record_close(rig->record);
	batch_done(&rig->batch);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char path[128];

		(void)snprintf(path, sizeof(path), "%s/%s", rig->directory, names[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(rig->directory), 0);
	free(rig);
	return 0;
}

static void open_record(struct rig *rig)
{
	struct record_start start;

	rig->record = record_close(rig->record);
	if (record_open(&rig->record, rig->directory, rig->error) != 0)
		fail_msg("%s", rig->error);
	assert_int_equal(record_load(rig->record, &start), 0);
	rig->chain = start.chain;
	free(start.state);
	free(start.windows);
	assert_int_equal(record_bind(rig->record, &config), 0);
}

static void commit(struct rig *rig)
{
	rig->commit.chain = rig->chain;
	if (record_commit(rig->record, &rig->commit) != 0)
		fail_msg("%s", record_error(rig->record));
	batch_clear(&rig->batch);
}

/* both clocks */
static void pass(struct rig *rig, int64_t ms)
{
	rig->commit.now.mono_ms += ms;
	rig->commit.now.wall_ms += ms;
}

/* upkeep rests for the first day of a record */
static void pass_first_day(struct rig *rig)
{
	open_record(rig);
	commit(rig);
	pass(rig, MS_PER_DAY);
}

static void add_row(struct rig *rig, size_t channel, int64_t t, struct window_row row)
{
	struct batch_minute *minute = batch_add(&rig->batch, minutes);

	assert_non_null(minute);
	row.start_ms = t * MS_PER_MIN;
	*minute = (struct batch_minute){.channel = (uint32_t)channel, .row = row};
}

static sqlite3 *open_db(struct rig *rig)
{
	sqlite3 *db = NULL;

	assert_int_equal(
		sqlite3_open_v2(rig->path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL),
		SQLITE_OK);
	return db;
}

static int64_t ask(struct rig *rig, const char *sql)
{
	sqlite3 *db = open_db(rig);
	sqlite3_stmt *statement = NULL;
	int64_t value;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(db));
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	value = sqlite3_column_int64(statement, 0);
	(void)sqlite3_finalize(statement);
	(void)sqlite3_close(db);
	return value;
}

static void change(struct rig *rig, const char *sql)
{
	sqlite3 *db = open_db(rig);

	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(db));
	(void)sqlite3_close(db);
}

/* --- a minute alone ------------------------------------------------------------------ */

#define ROW(n_, mean_, min_, max_, worst_)                                                  \
	{                                                                                   \
		.n = (n_), .mean = (mean_), .min = (min_), .max = (max_), .worst = (worst_) \
	}

static void test_join(void **state)
{
	static const struct {
		struct window_row a, b;
		struct window_row want;
		uint32_t expected;
	} rows[] = {
		/* weighted; 45 of 60 is just enough */
		{ROW(15, 1, 0, 5, QUALITY_GOOD),
		 ROW(30, 4, -1, 4, QUALITY_GOOD),
		 {.n = 45, .mean = 3, .min = -1, .max = 5, .capture = 75, .valid = true},
		 60},
		/* each invalid, valid together; and neither: the better part alone says nothing */
		{ROW(30, 1, 1, 1, QUALITY_GOOD),
		 ROW(14, 1, 1, 1, QUALITY_GOOD),
		 {.n = 44, .mean = 1, .min = 1, .max = 1, .capture = 73, .valid = false},
		 60},
		/* more than expected is all of it */
		{ROW(60, 2, 2, 2, QUALITY_GOOD),
		 ROW(60, 4, 4, 4, QUALITY_GOOD),
		 {.n = 120, .mean = 3, .min = 2, .max = 4, .capture = 100, .valid = true},
		 60},
		/* nothing came in one part */
		{ROW(0, 0, 0, 0, QUALITY_STALE),
		 ROW(5, 3, 1, 9, QUALITY_GOOD),
		 {.n = 5, .mean = 3, .min = 1, .max = 9, .capture = 8},
		 60},
		{ROW(5, 3, 1, 9, QUALITY_GOOD),
		 ROW(0, 0, 0, 0, QUALITY_STALE),
		 {.n = 5, .mean = 3, .min = 1, .max = 9, .capture = 8},
		 60},
		{ROW(0, 0, 0, 0, QUALITY_STALE),
		 ROW(0, 0, 0, 0, QUALITY_STALE),
		 {.worst = QUALITY_STALE},
		 60},
		/* only bad values in one part: that is said */
		{ROW(5, -3, -9, -1, QUALITY_GOOD),
		 ROW(0, 0, 0, 0, QUALITY_FROZEN),
		 {.n = 5, .mean = -3, .min = -9, .max = -1, .capture = 8, .worst = QUALITY_FROZEN},
		 60},
		/* the order is not that of the numbers */
		{ROW(1, 1, 1, 1, QUALITY_NOT_IN_OPERATION),
		 ROW(1, 1, 1, 1, QUALITY_RATE),
		 {.n = 2, .mean = 1, .min = 1, .max = 1, .capture = 3, .worst = QUALITY_RATE},
		 60},
		{ROW(1, 1, 1, 1, QUALITY_DEVICE_FAULT),
		 ROW(1, 1, 1, 1, QUALITY_NOT_A_NUMBER),
		 {.n = 2,
		  .mean = 1,
		  .min = 1,
		  .max = 1,
		  .capture = 3,
		  .worst = QUALITY_DEVICE_FAULT},
		 60},
		{ROW(1, 1, 1, 1, QUALITY_STALE),
		 ROW(1, 1, 1, 1, QUALITY_COMMUNICATION_LOST),
		 {.n = 2,
		  .mean = 1,
		  .min = 1,
		  .max = 1,
		  .capture = 3,
		  .worst = QUALITY_COMMUNICATION_LOST},
		 60},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (int turn = 0; turn < 2; turn++) {
			struct minute a = {.row = turn ? rows[i].b : rows[i].a,
					   .expected = rows[i].expected};
			struct minute b = {.row = turn ? rows[i].a : rows[i].b,
					   .expected = turn ? 1 : rows[i].expected};
			const struct window_row *want = &rows[i].want;

			minute_join(&a, &b, 0, 75);
			if (a.row.n != want->n || !(fabs(a.row.mean - want->mean) < 1e-12) ||
			    !(fabs(a.row.min - want->min) < 1e-12) ||
			    !(fabs(a.row.max - want->max) < 1e-12) ||
			    a.row.capture != want->capture || a.row.valid != want->valid ||
			    a.row.worst != want->worst || a.expected != 60)
				fail_msg("row %zu: n %u, mean %g, capture %u, valid %d, %s", i,
					 a.row.n, a.row.mean, a.row.capture, a.row.valid,
					 quality_text(a.row.worst));
		}
}

static void test_expected(void **state)
{
	static const struct {
		uint32_t n, capture, expected, configured, want;
	} rows[] = {
		{5, 10, 60, 8, 60},   /* the row says it */
		{45, 75, 0, 60, 60},  /* as configured, and it fits */
		{45, 75, 0, 0, 60},   /* it follows */
		{45, 75, 0, 600, 60}, /* it was configured otherwise then */
		{30, 50, 0, 60, 60},  {60, 100, 0, 60, 60}, {61, 100, 0, 60, 60},
		{20, 100, 0, 60, 20}, {0, 0, 0, 60, 60},    {0, 0, 0, 0, 1},
		{1, 1, 0, 40, 100},   {1, 1, 0, 70, 70}, /* 100 / 70 = 1.43 */
		{1, 0, 0, 600, 600},  {1, 0, 0, 0, 101},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct minute minute = {
			.row = {.n = rows[i].n, .capture = (uint8_t)rows[i].capture},
			.expected = rows[i].expected};
		uint32_t got = minute_expected(&minute, rows[i].configured);

		if (got != rows[i].want)
			fail_msg("row %zu: %u", i, got);
	}
}

static void test_floor(void **state)
{
	(void)state;
	assert_int_equal(minute_floor(0), 0);
	assert_int_equal(minute_floor(RECORD_PACK_MIN - 1), 0);
	assert_int_equal(minute_floor(RECORD_PACK_MIN), RECORD_PACK_MIN);
	assert_int_equal(minute_floor(-1), -RECORD_PACK_MIN);
	assert_int_equal(RECORD_PACK_MIN % 60, 0);
}

/* --- a model ------------------------------------------------------------------------- */

/* from good to worst, written down apart from quality.c */
static const enum quality order[] = {
	QUALITY_GOOD,
	QUALITY_CALIBRATING,
	QUALITY_MAINTENANCE,
	QUALITY_NOT_IN_OPERATION,
	QUALITY_RATE,
	QUALITY_FROZEN,
	QUALITY_OUT_OF_RANGE,
	QUALITY_NOT_A_NUMBER,
	QUALITY_DEVICE_FAULT,
	QUALITY_STALE,
	QUALITY_COMMUNICATION_LOST,
};

struct cell {
	int n_parts;
	uint32_t n;
	long double sum;
	double min, max;
	size_t worst; /* in @order */
	bool something;
};

#define MODEL_T (DAYS_MAX * DAY_MIN)

struct model {
	int64_t from_t;
	struct cell cells[N_CHANNELS][MODEL_T];
	size_t n_cells;
};

static uint64_t random_state;

static uint32_t draw(uint32_t below)
{
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(random_state >> 33) % below;
}

static void add_part(struct rig *rig, struct model *model, size_t channel, int64_t t)
{
	struct cell *cell = &model->cells[channel][t - model->from_t];
	size_t worst = draw(4) ? 0 : draw(ARRAY_SIZE(order));
	uint32_t n = draw(5) ? draw(expected_of(channel) + 2) : 0;
	double mean = (double)draw(2000000) / 1000 - 1000, spread = (double)draw(1000) / 100;
	struct window_row row = {.n = n, .worst = order[worst]};

	if (n == 0 && worst == 0)
		row.worst = QUALITY_STALE; /* as window_close() says it */
	if (n > 0) {
		row.mean = mean;
		row.min = mean - spread;
		row.max = mean + spread;
	}
	row.capture = (uint8_t)MIN(100 * n / expected_of(channel), 100U);
	row.valid = n > 0 && 100 * n >= 75 * expected_of(channel);
	add_row(rig, channel, t, row);
	model->n_cells += cell->n_parts++ == 0;
	if (n > 0) {
		cell->min = cell->n ? MIN(cell->min, row.min) : row.min;
		cell->max = cell->n ? MAX(cell->max, row.max) : row.max;
		cell->sum += (long double)mean * n;
		cell->n += n;
	}
	if (n > 0 || row.worst != QUALITY_STALE) {
		cell->worst = MAX(cell->worst, worst);
		cell->something = true;
	}
}

static void check_cell(const struct model *model, size_t channel, int64_t t,
		       const struct window_row *row)
{
	const struct cell *cell = &model->cells[channel][t - model->from_t];
	enum quality worst = cell->something ? order[cell->worst] : QUALITY_STALE;
	uint32_t expected = expected_of(channel);
	double mean = cell->n ? (double)(cell->sum / cell->n) : 0;

	if (cell->n_parts == 0 || row->n != cell->n || fabs(row->mean - mean) > 1e-9 ||
	    fabs(row->min - cell->min) > 0 || fabs(row->max - cell->max) > 0 ||
	    row->capture != MIN(100 * cell->n / expected, 100U) ||
	    row->valid != (cell->n > 0 && 100 * cell->n >= 75 * expected) || row->worst != worst)
		fail_msg("channel %zu, minute %lld of %d parts: n %u (%u), mean %.12g (%.12g),"
			 " capture %u, valid %d, %s (%s)",
			 channel, (long long)(t - model->from_t), cell->n_parts, row->n, cell->n,
			 row->mean, mean, row->capture, row->valid, quality_text(row->worst),
			 quality_text(worst));
}

/* what the view says, and how many rows */
static void check_view(struct rig *rig, const struct model *model)
{
	sqlite3 *db = open_db(rig);
	sqlite3_stmt *s = NULL;
	size_t n = 0;

	assert_int_equal(sqlite3_prepare_v2(db, "SELECT * FROM minutes", -1, &s, NULL), SQLITE_OK);
	while (sqlite3_step(s) == SQLITE_ROW) {
		struct minute minute = minute_take(s);

		assert_int_equal(minute.expected, expected_of((size_t)minute.channel - 1));
		check_cell(model, (size_t)minute.channel - 1, minute.t, &minute.row);
		n++;
	}
	(void)sqlite3_finalize(s);
	(void)sqlite3_close(db);
	assert_int_equal(n, model->n_cells);
}

struct walk {
	const struct model *model;
	size_t n;
	int64_t last_ms;
	size_t last_channel;
};

static void on_minute(void *userdata, size_t channel, const struct window_row *row)
{
	struct walk *walk = userdata;

	assert_true(row->start_ms > walk->last_ms ||
		    (row->start_ms == walk->last_ms && channel > walk->last_channel));
	walk->last_ms = row->start_ms;
	walk->last_channel = channel;
	check_cell(walk->model, channel, row->start_ms / MS_PER_MIN, row);
	walk->n++;
}

static void check_minutes(struct rig *rig, const struct model *model, int64_t from_t)
{
	struct walk walk = {.model = model, .last_ms = INT64_MIN};
	size_t n = 0;

	assert_int_equal(record_minutes(rig->record, from_t * MS_PER_MIN, on_minute, &walk), 0);
	for (size_t i = 0; i < N_CHANNELS; i++)
		for (int64_t t = MAX(from_t - model->from_t, 0); t < MODEL_T; t++)
			n += model->cells[i][t].n_parts > 0;
	assert_int_equal(walk.n, n);
}

/* --- windows against the model --------------------------------------------------------- */

struct windows {
	const struct model *model;
	size_t channel;
	int64_t length_ms;
	int64_t next_ms;
	size_t n;
};

static void on_window(void *userdata, const struct history_window *window)
{
	struct windows *windows = userdata;
	struct cell whole = {0};
	/* what the core counts with, windows.c: a window has what it has, not whole minutes' values
	 */
	uint64_t expected = (uint64_t)windows->length_ms /
			    units[channels[windows->channel].unit].interval_ms;

	assert_int_equal(window->start_ms, windows->next_ms);
	windows->next_ms += windows->length_ms;
	windows->n++;
	for (int64_t ms = window->start_ms; ms < windows->next_ms; ms += MS_PER_MIN) {
		int64_t i = ms / MS_PER_MIN - windows->model->from_t;
		const struct cell *cell = i < 0 || i >= MODEL_T
						  ? NULL
						  : &windows->model->cells[windows->channel][i];
		bool empty = !cell || !cell->something;

		whole.worst = MAX(whole.worst, empty ? 9 : cell->worst); /* 9: stale, in @order */
		if (empty || cell->n == 0)
			continue;
		whole.min = whole.n ? MIN(whole.min, cell->min) : cell->min;
		whole.max = whole.n ? MAX(whole.max, cell->max) : cell->max;
		whole.n += cell->n;
		whole.sum += cell->sum;
	}
	if (window->n != whole.n || window->expected != expected ||
	    fabs(window->mean - (whole.n ? (double)(whole.sum / whole.n) : 0)) > 1e-9 ||
	    fabs(window->min - whole.min) > 0 || fabs(window->max - whole.max) > 0 ||
	    window->worst != order[whole.worst] ||
	    window->capture != MIN(100 * whole.n / expected, (uint64_t)100) ||
	    window->valid != (whole.n > 0 && 100 * whole.n >= 75 * expected))
		fail_msg("window %zu of channel %zu: n %llu (%u) of %llu (%llu), %s (%s)",
			 windows->n, windows->channel, (unsigned long long)window->n, whole.n,
			 (unsigned long long)window->expected, (unsigned long long)expected,
			 quality_text(window->worst), quality_text(order[whole.worst]));
}

static void check_windows(struct rig *rig, const struct model *model, enum window_length length)
{
	CLEANUP(history_close) struct history *history = NULL;
	int64_t from_ms = model->from_t * MS_PER_MIN, to_ms = from_ms + MODEL_T * MS_PER_MIN;

	if (history_open(&history, rig->directory, rig->error) != 0)
		fail_msg("%s", rig->error);
	for (size_t i = 0; i < N_CHANNELS; i++) {
		struct windows windows = {.model = model,
					  .channel = i,
					  .length_ms = window_ms(length),
					  .next_ms = window_floor(length, from_ms + 1, 0)};
		int n = history_windows(history, paths[i], length, from_ms + 1, to_ms - 1,
					on_window, &windows);

		assert_int_equal(n, windows.n);
		assert_true(windows.next_ms >= to_ms &&
			    windows.next_ms < to_ms + windows.length_ms);
	}
}

/*
 * Minutes as they come, some late, some twice, some for hours long packed; the record is closed
 * and opened again after every commit, as if the core had been killed there.
 */
static void run_model(struct rig *rig, uint64_t seed)
{
	struct model *model = calloc(1, sizeof(*model));

	assert_non_null(model);
	random_state = seed;
	pass_first_day(rig);
	model->from_t = rig->commit.now.wall_ms / MS_PER_MIN;
	for (int64_t now = 20; now <= 2 * DAY_MIN; now += 20) {
		for (size_t channel = 0; channel < N_CHANNELS; channel++)
			for (int64_t t = now - 20; t < now; t++)
				if (draw(20))
					add_part(rig, model, channel, model->from_t + t);
		for (int i = 0; i < 30; i++)
			add_part(rig, model, draw(N_CHANNELS), model->from_t + draw((uint32_t)now));
		pass(rig, 20 * MS_PER_MIN);
		commit(rig);
		check_view(rig, model);
		if (draw(2))
			open_record(rig);
	}
	check_minutes(rig, model, model->from_t);
	check_minutes(rig, model, model->from_t + DAY_MIN);
	check_minutes(rig, model, model->from_t + 2 * DAY_MIN - 1);
	for (int length = 0; length < N_WINDOWS; length++)
		check_windows(rig, model, (enum window_length)length);
	assert_true(ask(rig, "SELECT count(*) FROM minute_packed") > 10000);
	free(model);
}

static void test_model(void **state)
{
	run_model(*state, 20261125);
}

/* every commit of a packing in turn is the last one before the record is opened again; and a
 * minute of each channel comes twice in between */
static void test_every_boundary(void **state)
{
	struct rig *rig = *state;
	struct model *model = calloc(1, sizeof(*model));
	int64_t packed = 0;
	int n_steps = 0;

	assert_non_null(model);
	random_state = 4;
	pass_first_day(rig);
	model->from_t = rig->commit.now.wall_ms / MS_PER_MIN;
	for (size_t channel = 0; channel < N_CHANNELS; channel++)
		for (int64_t t = 0; t < DAY_MIN; t++)
			add_part(rig, model, channel, model->from_t + t);
	rig->commit.now.mono_ms += MS_PER_DAY;
	rig->commit.now.wall_ms += MS_PER_DAY;
	for (; n_steps < 100; n_steps++) {
		int64_t before = packed;

		for (size_t channel = 0; channel < N_CHANNELS; channel++)
			add_part(rig, model, channel, model->from_t + n_steps * 17);
		commit(rig);
		check_view(rig, model);
		check_minutes(rig, model, model->from_t);
		open_record(rig);
		packed = ask(rig, "SELECT count(*) FROM minute_packed");
		assert_in_range(packed - before, 0, 5 * RECORD_PACK_MIN + N_CHANNELS);
		if (ask(rig, "SELECT packed_t FROM upkeep") + RECORD_PACK_MIN + 60 >
		    rig->commit.now.wall_ms / MS_PER_MIN)
			break;
	}
	assert_in_range(n_steps, 12, 60); /* three steps and some deleting per batch */
	/* the last batch's rows are deleted now */
	for (int i = 0; i < 10; i++)
		commit(rig);
	assert_int_equal(ask(rig, "SELECT count(*) FROM minute, upkeep WHERE t < packed_t"), 0);
	assert_true(ask(rig, "SELECT count(*) FROM minute") <= N_CHANNELS * (RECORD_PACK_MIN + 60));
	check_view(rig, model);
	free(model);
}

/* --- migration ----------------------------------------------------------------------- */

/* the tables of version 1 */
static const char version_1[] =
	"PRAGMA application_id = 1465340466;"
	"CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
	"INSERT INTO meta VALUES('log_id', '0123456789abcdef');"
	"CREATE TABLE entry(seq INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL,"
	" type TEXT NOT NULL, incident TEXT, line TEXT NOT NULL, hash BLOB NOT NULL);"
	"CREATE INDEX entry_incident ON entry(incident, seq) WHERE incident IS NOT NULL;"
	"CREATE TABLE head(id INTEGER PRIMARY KEY CHECK(id = 1), seq INTEGER NOT NULL,"
	" hash BLOB NOT NULL, note TEXT NOT NULL, signature BLOB);"
	"CREATE TABLE state(id INTEGER PRIMARY KEY CHECK(id = 1), core BLOB NOT NULL,"
	" mono_base_ms INTEGER NOT NULL, mono_ms INTEGER NOT NULL, wall_ms INTEGER NOT NULL,"
	" boot_id BLOB NOT NULL);"
	"CREATE TABLE poller(instance INTEGER PRIMARY KEY, seq INTEGER NOT NULL,"
	" wall_ms INTEGER NOT NULL);"
	"CREATE TABLE channel(id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE,"
	" unit TEXT NOT NULL);"
	"CREATE TABLE minute(t INTEGER NOT NULL, channel INTEGER NOT NULL, mean REAL, min REAL,"
	" max REAL, n INTEGER NOT NULL, capture INTEGER NOT NULL, valid INTEGER NOT NULL,"
	" quality INTEGER NOT NULL, PRIMARY KEY(t, channel)) WITHOUT ROWID;"
	"CREATE TABLE incident(id TEXT PRIMARY KEY, site TEXT NOT NULL, kind TEXT NOT NULL,"
	" class TEXT NOT NULL, state TEXT NOT NULL, opened_ms INTEGER NOT NULL,"
	" ended_ms INTEGER, first_out TEXT, n_updates INTEGER NOT NULL,"
	" n_alarms INTEGER NOT NULL, summary TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX incident_opened ON incident(opened_ms);"
	"CREATE TABLE alarm(path TEXT PRIMARY KEY, raised INTEGER NOT NULL,"
	" since_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, value TEXT NOT NULL,"
	" incident TEXT) WITHOUT ROWID;"
	"CREATE TABLE outbox(id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" webhook_id TEXT NOT NULL UNIQUE, destination TEXT NOT NULL, incident TEXT NOT NULL,"
	" type TEXT NOT NULL, lane INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
	" body TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'pending',"
	" attempts INTEGER NOT NULL DEFAULT 0, next_ms INTEGER NOT NULL DEFAULT 0,"
	" last_ms INTEGER, http_status INTEGER, error TEXT);"
	"CREATE INDEX outbox_waiting ON outbox(destination, lane, id) WHERE state <> 'sent';"
	"CREATE INDEX outbox_incident ON outbox(incident, destination, id);"
	"PRAGMA user_version = 1;"
	/* and what a run left: channel 1 at 1 Hz, 2 not measured, two hours from WALL_0 */
	"INSERT INTO channel VALUES(1, 's/out/c0', 'mg/l'), (2, 's/out/c1', 'mg/l');"
	"INSERT INTO state VALUES(1, 'core', 3, 5000, 1795536000000, zeroblob(16));"
	"INSERT INTO incident VALUES('i', 's', 'liquid', 'limit', 'ended', 1, 2, NULL, 3, 1, '{}'),"
	" ('j', 's', 'gas', 'limit', 'open', 1, NULL, NULL, 0, 1, '{}');"
	"INSERT INTO outbox(webhook_id, destination, incident, type, lane, created_ms, body) VALUES"
	" ('a', 'one', 'i', 'incident.opened', 1, 1, ''), ('b', 'two', 'i', 'incident.opened', 1, "
	"1,"
	" ''), ('c', 'one', 'i', 'incident.ended', 1, 1, '');"
	"WITH RECURSIVE m(t) AS (VALUES(29925480) UNION ALL SELECT t + 1 FROM m"
	" WHERE t < 29925599) INSERT INTO minute SELECT t, 1, 2.5, 2, 3, 30, 50, 0, 0 FROM m"
	" UNION ALL SELECT t, 2, NULL, NULL, NULL, 0, 0, 0, 9 FROM m;";

static void on_hour(void *userdata, const struct history_window *window)
{
	struct history_window *hours = userdata;

	hours[(window->start_ms - WALL_0) / (60 * MS_PER_MIN)] = *window;
}

static void test_migration(void **state)
{
	struct rig *rig = *state;
	CLEANUP(history_close) struct history *history = NULL;
	struct history_window hours[3] = {0};
	struct action_past past = {0};

	assert_int_equal(T_0, 29925480);
	change(rig, version_1);
	open_record(rig);
	assert_int_equal(ask(rig, "PRAGMA user_version"), RECORD_VERSION);
	assert_int_equal(ask(rig, "SELECT count(*) FROM minutes"), 240);
	assert_int_equal(ask(rig, "SELECT sum(n) FROM minutes"), 120 * 30);
	assert_int_equal(rig->record->last.wall_ms, WALL_0 + 120 * MS_PER_MIN);
	/* what ended before there was closing can be closed, and those who were told are known */
	assert_int_equal(record_past(rig->record, "i", &past), 1);
	assert_string_equal(past.state, "ended");
	assert_string_equal(past.told, "one two ");
	assert_int_equal(past.n_updates, 3);
	record_past_done(&past);
	assert_int_equal(record_past(rig->record, "j", &past), 0);
	/* the second half of a minute comes under version 2: 30 + 30 of 60 */
	rig->commit.now = (struct stamp){MONO_0 + MS_PER_MIN, WALL_0 + 121 * MS_PER_MIN};
	add_row(rig, 0, T_0 + 119, (struct window_row){.n = 30, .mean = 3.5, .min = 3, .max = 4});
	commit(rig);
	assert_int_equal(ask(rig, "SELECT n = 60 AND mean = 3 AND capture = 100 AND valid AND"
				  " expected = 60 FROM minutes WHERE channel = 1 AND t = 29925599"),
			 1);
	assert_int_equal(history_open(&history, rig->directory, rig->error), 0);
	assert_int_equal(history_windows(history, "s/out/c0", WINDOW_1H, WALL_0,
					 WALL_0 + 120 * MS_PER_MIN, on_hour, hours),
			 2);
	assert_int_equal(hours[0].expected, 3600);
	assert_int_equal(hours[0].n, 1800);
	assert_int_equal(hours[0].capture, 50);
	assert_false(hours[0].valid);
	assert_int_equal(hours[1].n, 1830);
	/* packed, it says the same */
	for (int i = 0; i < 20; i++) {
		pass(rig, 60 * MS_PER_MIN);
		commit(rig);
	}
	assert_int_equal(ask(rig, "SELECT count(*) FROM minute"), 0);
	assert_int_equal(ask(rig, "SELECT count(*) FROM minute_packed"), 240);
	assert_int_equal(history_windows(history, "s/out/c0", WINDOW_1H, WALL_0,
					 WALL_0 + 120 * MS_PER_MIN, on_hour, hours),
			 2);
	assert_int_equal(hours[0].expected, 3600);
	assert_int_equal(hours[1].n, 1830);
}

/* a record that cannot be brought over stays as it is */
static void test_migration_fails(void **state)
{
	struct rig *rig = *state;

	change(rig, version_1);
	change(rig, "CREATE TABLE upkeep(x)");
	assert_true(record_open(&rig->record, rig->directory, rig->error) < 0);
	assert_null(rig->record);
	assert_int_equal(ask(rig, "PRAGMA user_version"), 1);
	assert_int_equal(ask(rig, "SELECT count(*) FROM sqlite_schema WHERE name = 'windows'"), 0);
	assert_int_equal(ask(rig, "SELECT count(*) FROM minute"), 240);
}

/* --- pruning ------------------------------------------------------------------------- */

static int64_t n_minutes(struct rig *rig)
{
	return ask(rig, "SELECT count(*) FROM minutes");
}

/* an hour of each channel at WALL_0, packed */
static void fill_hour(struct rig *rig)
{
	open_record(rig);
	for (size_t channel = 0; channel < N_CHANNELS; channel++)
		for (int64_t t = 0; t < 60; t++)
			add_row(rig, channel, T_0 + t, (struct window_row){.n = 1});
	commit(rig);
	pass(rig, MS_PER_DAY);
	for (int i = 0; i < 10; i++)
		commit(rig);
	assert_int_equal(ask(rig, "SELECT count(*) FROM minute_packed"), N_CHANNELS * 60);
	assert_int_equal(ask(rig, "SELECT count(*) FROM minute"), 0);
}

static void step(struct rig *rig, int64_t mono_ms, int64_t wall_ms)
{
	rig->commit.now = (struct stamp){MONO_0 + mono_ms, WALL_0 + wall_ms};
	commit(rig);
}

static void test_prune(void **state)
{
	struct rig *rig = *state;
	/* 14:00 lies in the batch from 12:00 to 18:00, which goes as a whole, a day later than
	 * it must be kept */
	const int64_t gone_ms = 61 * MS_PER_DAY + 4 * 60 * MS_PER_MIN;

	fill_hour(rig);
	step(rig, 60 * MS_PER_DAY, 60 * MS_PER_DAY);
	step(rig, gone_ms - MS_PER_MIN, gone_ms - MS_PER_MIN);
	assert_int_equal(n_minutes(rig), N_CHANNELS * 60);
	step(rig, gone_ms, gone_ms);
	assert_int_equal(n_minutes(rig), 0);
}

/* a year of one channel and some of another do not go in one commit */
static void test_prune_is_bounded(void **state)
{
	struct rig *rig = *state;
	int64_t left = 30000, before = left;
	int n = 0;

	pass_first_day(rig);
	change(rig, "WITH RECURSIVE m(t) AS (VALUES(29000000) UNION ALL SELECT t + 1 FROM m"
		    " WHERE t < 29014999) INSERT INTO minute_packed"
		    " SELECT 1, t, 1, 1, 1, 1, 1, 1, 0, 1 FROM m UNION ALL"
		    " SELECT 3, t, 1, 1, 1, 1, 1, 1, 0, 1 FROM m");
	for (; left > 0 && n < 100; n++, before = left) {
		pass(rig, 1000);
		commit(rig);
		left = n_minutes(rig);
		assert_in_range(before - left, 1, 4000);
	}
	assert_in_range(n, 8, 30);
}

/* the clock was set 400 days ahead: a day on the monotonic clock must pass */
static void test_forward_step(void **state)
{
	struct rig *rig = *state;
	const int64_t ahead = 400 * MS_PER_DAY, day = MS_PER_DAY;

	fill_hour(rig);
	step(rig, day + 1000, ahead);
	step(rig, day + 2000, ahead + 1000);
	open_record(rig); /* a restart does not make the time pass */
	step(rig, 2 * day, ahead + day - 1000);
	assert_int_equal(n_minutes(rig), N_CHANNELS * 60);
	step(rig, 2 * day + 500, 2 * day + 500); /* set right again */
	step(rig, 3 * day, 3 * day);
	assert_int_equal(n_minutes(rig), N_CHANNELS * 60);
	step(rig, 3 * day + 1000, ahead); /* and wrong again */
	step(rig, 4 * day + 999, ahead + day - 1);
	assert_int_equal(n_minutes(rig), N_CHANNELS * 60);
	step(rig, 4 * day + 1000, ahead + day);
	assert_int_equal(n_minutes(rig), 0); /* then it is believed */
}

/* the machine was booted with a clock far ahead: the record's monotonic clock went with it */
static void test_forward_over_a_reboot(void **state)
{
	struct rig *rig = *state;
	const int64_t ahead = 400 * MS_PER_DAY;

	fill_hour(rig);
	memset(rig->commit.boot_id, 1, sizeof(rig->commit.boot_id));
	open_record(rig);
	step(rig, ahead, ahead);
	step(rig, ahead + MS_PER_DAY - 1, ahead + MS_PER_DAY - 1);
	assert_int_equal(n_minutes(rig), N_CHANNELS * 60);
	step(rig, ahead + MS_PER_DAY, ahead + MS_PER_DAY);
	assert_int_equal(n_minutes(rig), 0);
}

/* a clock that was off by less than a day costs nothing that must be kept; longer away without a
 * reboot is no step */
static void test_small_steps_and_long_waits(void **state)
{
	struct rig *rig = *state;
	const int64_t day = MS_PER_DAY, due = 60 * day;

	fill_hour(rig);
	step(rig, due - day, due - day);
	step(rig, due - 1, due + day - 1); /* a day ahead, just before the rows may go */
	assert_int_equal(n_minutes(rig), N_CHANNELS * 60);
	step(rig, due + 5 * day, due + 5 * day);
	assert_int_equal(n_minutes(rig), 0);
}

/* --- the rest ------------------------------------------------------------------------ */

static void test_bounds(void **state)
{
	struct rig *rig = *state;
	struct walk walk = {.last_ms = INT64_MIN};

	open_record(rig);
	assert_int_equal(record_minutes(rig->record, INT64_MIN, on_minute, &walk), 0);
	assert_int_equal(record_minutes(rig->record, INT64_MAX, on_minute, &walk), 0);
	assert_int_equal(walk.n, 0);
	/* a channel that is not configured any more is passed over */
	add_row(rig, 3, T_0, (struct window_row){.n = 1});
	commit(rig);
	config.n_channels = 2;
	assert_int_equal(record_bind(rig->record, &config), 0);
	assert_int_equal(record_minutes(rig->record, 0, on_minute, &walk), 0);
	assert_int_equal(walk.n, 0);
	config.n_channels = N_CHANNELS;
}

static void count_windows(void *userdata, const struct history_window *window)
{
	(void)window;
	++*(int *)userdata;
}

static void on_channel(void *userdata, const struct history_channel *channel)
{
	int64_t *times = userdata;

	if (strcmp(channel->path, "s/out/c1") == 0) {
		times[0] = channel->first_ms;
		times[1] = channel->last_ms;
	} else {
		assert_int_equal(channel->first_ms, INT64_MIN);
		assert_int_equal(channel->last_ms, INT64_MIN);
	}
}

/* whatever stands in a row, nothing breaks */
static void test_damaged_rows(void **state)
{
	static const char *const rows[] = {
		"t = 9223372036854775807", "t = -9223372036854775807",	    "n = -1",
		"n = 99999999999",	   "quality = 99, n = 1",	    "quality = -1",
		"capture = 999, n = 7",	   "expected = -5, n = 1",	    "mean = 'text', n = 1",
		"mean = NULL, n = 60",	   "expected = 99999999999, n = 1",
	};
	static const char *const tables[] = {"minute", "minute_packed"};
	struct rig *rig = *state;

	for (size_t i = 0; i < 2 * ARRAY_SIZE(rows); i++) {
		CLEANUP(history_close) struct history *history = NULL;
		int64_t times[2];
		char sql[512];
		int n = 0;

		open_record(rig);
		(void)snprintf(sql, sizeof(sql),
			       "DELETE FROM minute; DELETE FROM minute_packed;"
			       "UPDATE upkeep SET packed_t = %lld;"
			       "INSERT INTO %s(" MINUTE_COLUMNS
			       ") VALUES(29925480, 2, 1, 1, 1, 0, 0, 0, 0, 0);"
			       "UPDATE %s SET %s",
			       i % 2 ? (long long)T_0 + RECORD_PACK_MIN : 0LL, tables[i % 2],
			       tables[i % 2], rows[i / 2]);
		change(rig, sql);
		open_record(rig);
		add_row(rig, 1, T_0, (struct window_row){.n = 1, .mean = 1, .min = 1, .max = 1});
		commit(rig);
		assert_int_equal(history_open(&history, rig->directory, rig->error), 0);
		assert_int_equal(history_windows(history, "s/out/c1", WINDOW_1H, WALL_0, WALL_0 + 1,
						 count_windows, &n),
				 1);
		assert_int_equal(history_channels(history, on_channel, times), N_CHANNELS);
	}
}

static void test_history_channels(void **state)
{
	CLEANUP(history_close) struct history *history = NULL;
	struct rig *rig = *state;
	int64_t times[2] = {0};
	int n = 0;

	open_record(rig);
	add_row(rig, 1, T_0, (struct window_row){.n = 1});
	add_row(rig, 1, T_0 + 1000, (struct window_row){.n = 1});
	commit(rig);
	assert_int_equal(history_open(&history, rig->directory, rig->error), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(history_channels(history, on_channel, times), N_CHANNELS);
		assert_int_equal(times[0], WALL_0);
		assert_int_equal(times[1], WALL_0 + 1000 * MS_PER_MIN);
		pass(rig, MS_PER_DAY); /* the first rows are packed, then all */
		for (int j = 0; j < 5; j++)
			commit(rig);
	}
	assert_int_equal(ask(rig, "SELECT count(*) FROM minute_packed"), 2);
	assert_int_equal(history_windows(history, "s/out/none", WINDOW_1H, 0, 1, count_windows, &n),
			 -ENOENT);
	assert_int_equal(history_windows(history, "s/out/c1", WINDOW_1H, 1, 1, count_windows, &n),
			 0);
	assert_int_equal(n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		cmocka_unit_test(test_join),
		cmocka_unit_test(test_expected),
		cmocka_unit_test(test_floor),
		TEST(test_model),
		TEST(test_every_boundary),
		TEST(test_migration),
		TEST(test_migration_fails),
		TEST(test_prune),
		TEST(test_prune_is_bounded),
		TEST(test_forward_step),
		TEST(test_forward_over_a_reboot),
		TEST(test_small_steps_and_long_waits),
		TEST(test_bounds),
		TEST(test_damaged_rows),
		TEST(test_history_channels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
