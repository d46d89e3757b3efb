/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "core/history_inside.h"
#include "core/record_minute.h"

#define CHUNK_MS	 (31 * MS_PER_DAY)
#define REQUIRED_DEFAULT 75 /* per cent; a record that was never bound to a configuration */

/**
 * struct sum - a window being filled
 * @n_regular: minutes that could have had as many values as the interval of today gives
 * @n_unknown: minutes of which that is not known
 */
struct sum {
	struct history_window window;
	double sum;
	uint32_t n_regular;
	uint32_t n_unknown;
	uint32_t n_rows;
};

/**
 * struct reading - one call of history_windows()
 * @expected: of the last minute, 0 none has told yet
 * @from_ms: first window of this chunk
 * @next_t: minutes before it are accounted for
 */
struct reading {
	struct history *history;
	int64_t channel;
	int64_t interval_ms; /* 0: not known */
	uint32_t required_percent;
	int zone_min;
	int64_t length_ms;
	uint32_t expected;
	int64_t from_ms;
	int64_t next_t;
	struct sum *sums;
	size_t n_sums;
};

/* --- from minutes to windows ------------------------------------------------------- */

static struct sum *sum_of(struct reading *reading, int64_t t)
{
	return &reading->sums[(t * MS_PER_MIN - reading->from_ms) / reading->length_ms];
}

/* read less than once a minute: a minute without a row lacks nothing, the window may */
static bool is_slow(const struct reading *reading)
{
	return reading->interval_ms > MS_PER_MIN;
}

/* Every 7 s a minute has 8 values and five minutes have 42: minutes are counted, not their values
 */
static bool is_regular(const struct reading *reading, uint32_t expected)
{
	return reading->interval_ms > 0 && expected == MS_PER_MIN / reading->interval_ms;
}

static void count_expected(const struct reading *reading, struct sum *sum, uint32_t expected)
{
	if (expected == 0)
		sum->n_unknown++;
	else if (is_regular(reading, expected))
		sum->n_regular++;
	else
		sum->window.expected += expected;
}

/* minutes without a row, up to @t */
static void add_absent(struct reading *reading, int64_t t)
{
	if (is_slow(reading))
		reading->next_t = MAX(reading->next_t, t);
	for (; reading->next_t < t; reading->next_t++) {
		struct sum *sum = sum_of(reading, reading->next_t);

		sum->window.worst = quality_worse(sum->window.worst, QUALITY_STALE);
		count_expected(reading, sum, reading->expected);
	}
}

static void add_minute(struct reading *reading, const struct minute *minute)
{
	const struct window_row *row = &minute->row;
	struct sum *sum = sum_of(reading, minute->t);
	struct history_window *window = &sum->window;

	add_absent(reading, minute->t);
	if (row->n > 0 || minute->expected > 0 || reading->expected > 0)
		reading->expected = minute_expected(minute, reading->expected);
	if (!is_slow(reading))
		count_expected(reading, sum, reading->expected);
	reading->next_t = minute->t + 1;
	sum->n_rows++;
	window->worst = quality_worse(window->worst, row->worst);
	if (row->n == 0)
		return;
	if (window->n == 0 || row->min < window->min)
		window->min = row->min;
	if (window->n == 0 || row->max > window->max)
		window->max = row->max;
	window->n += row->n;
	sum->sum += row->mean * row->n;
}

static void close_window(const struct reading *reading, struct sum *sum, uint32_t first_expected)
{
	struct history_window *window = &sum->window;

	if (is_regular(reading, first_expected))
		sum->n_regular += sum->n_unknown;
	else
		window->expected += (uint64_t)sum->n_unknown * MAX(first_expected, 1U);
	if (sum->n_regular > 0)
		window->expected += (uint64_t)(sum->n_regular * MS_PER_MIN / reading->interval_ms);
	if (is_slow(reading)) { /* as the core counts, windows.c */
		window->expected = (uint64_t)MAX(reading->length_ms / reading->interval_ms, 1);
		if (sum->n_rows == 0)
			window->worst = QUALITY_STALE;
	}
	if (window->n == 0)
		return;
	window->mean = sum->sum / (double)window->n;
	window->capture = (uint8_t)MIN(100 * window->n / window->expected, (uint64_t)100);
	window->valid = 100 * window->n >= reading->required_percent * window->expected;
}

/* --- from the tables --------------------------------------------------------------- */

static sqlite3_stmt *bound(struct reading *reading, const char *sql, int64_t from_t, int64_t to_t)
{
	sqlite3_stmt *s = history_query(reading->history, sql);

	if (s) {
		(void)sqlite3_bind_int64(s, 1, reading->channel);
		(void)sqlite3_bind_int64(s, 2, from_t);
		(void)sqlite3_bind_int64(s, 3, to_t);
	}
	return s;
}

static int read_rows(struct reading *reading, const char *sql, int64_t from_t, int64_t to_t,
		     uint32_t *first_expected)
{
	sqlite3_stmt *s = bound(reading, sql, from_t, to_t);
	int code;

	if (!s)
		return sqlite_errno(sqlite3_errcode(reading->history->db));
	while ((code = sqlite3_step(s)) == SQLITE_ROW) {
		struct minute minute = minute_take(s);

		if (minute.t < reading->next_t || minute.t >= to_t)
			continue; /* no record of ours has that */
		add_minute(reading, &minute);
		if (*first_expected == 0)
			*first_expected = reading->expected;
	}
	return history_result(reading->history, code, 0);
}

/* where the packed rows of the channel end, see record_minute.h */
static int read_packed_until(struct reading *reading, int64_t *ret)
{
	sqlite3_stmt *s = history_query(reading->history,
					"SELECT packed_t, packed_channel FROM upkeep");
	int code;

	*ret = 0;
	if (!s)
		return sqlite_errno(sqlite3_errcode(reading->history->db));
	code = sqlite3_step(s);
	if (code == SQLITE_ROW)
		*ret = sqlite3_column_int64(s, 0) +
		       (reading->channel <= sqlite3_column_int64(s, 1) ? RECORD_PACK_MIN : 0);
	return history_result(reading->history, code == SQLITE_ROW ? SQLITE_DONE : code, 0);
}

static int read_tables(struct reading *reading, int64_t from_t, int64_t to_t,
		       uint32_t *first_expected)
{
	int64_t packed_t = 0;
	int r = read_packed_until(reading, &packed_t);

	if (r == 0 && from_t < packed_t)
		r = read_rows(reading,
			      "SELECT " MINUTE_COLUMNS " FROM minute_packed"
			      " WHERE channel = ?1 AND t >= ?2 AND t < ?3 ORDER BY t",
			      from_t, MIN(to_t, packed_t), first_expected);
	/* minute by minute: in time order the channel's next row is a minute of all others away */
	if (r == 0 && to_t > packed_t)
		r = read_rows(reading,
			      "WITH RECURSIVE wanted(t, last) AS"
			      " (SELECT ?2, (SELECT max(t) FROM minute)"
			      "  UNION ALL SELECT t + 1, last FROM wanted"
			      "  WHERE t + 1 < ?3 AND t < last)"
			      " SELECT m.t, channel, mean, min, max, n, capture, valid, quality,"
			      " expected FROM wanted CROSS JOIN minute AS m"
			      " ON m.t = wanted.t AND m.channel = ?1",
			      MAX(from_t, packed_t), to_t, first_expected);
	return r;
}

/* one transaction, so that no row moves from table to table meanwhile */
static int read_chunk(struct reading *reading)
{
	sqlite3 *db = reading->history->db;
	int64_t to_ms = reading->from_ms + (int64_t)reading->n_sums * reading->length_ms;
	uint32_t first_expected = reading->expected;
	int r;

	memset(reading->sums, 0, reading->n_sums * sizeof(*reading->sums));
	for (size_t i = 0; i < reading->n_sums; i++)
		reading->sums[i].window.start_ms = reading->from_ms +
						   (int64_t)i * reading->length_ms;
	reading->next_t = reading->from_ms / MS_PER_MIN;
	r = sqlite_errno(sqlite3_exec(db, "BEGIN", NULL, NULL, NULL));
	if (r < 0)
		return r;
	r = read_tables(reading, reading->next_t, to_ms / MS_PER_MIN, &first_expected);
	if (r < 0)
		return r; /* the words stay; history_close() ends the transaction */
	add_absent(reading, to_ms / MS_PER_MIN);
	for (size_t i = 0; i < reading->n_sums; i++)
		close_window(reading, &reading->sums[i], first_expected);
	return sqlite_errno(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL));
}

/* --- the call ---------------------------------------------------------------------- */

static int ask(struct history *history, const char *sql, const char *text, int64_t *ret)
{
	sqlite3_stmt *s = history_query(history, sql);
	int code;

	if (!s)
		return sqlite_errno(sqlite3_errcode(history->db));
	if (text)
		(void)sqlite3_bind_text(s, 1, text, -1, SQLITE_STATIC);
	code = sqlite3_step(s);
	if (code == SQLITE_ROW)
		*ret = sqlite3_column_int64(s, 0);
	return code == SQLITE_DONE
		       ? -ENOENT
		       : history_result(history, code == SQLITE_ROW ? SQLITE_DONE : code, 0);
}

static int prepare(struct reading *reading, const char *path)
{
	int64_t percent = REQUIRED_DEFAULT, head;
	int r = ask(reading->history, "SELECT id FROM channel WHERE path = ?1", path,
		    &reading->channel);

	if (r < 0)
		return r;
	r = ask(reading->history, "SELECT interval_ms FROM channel WHERE path = ?1", path,
		&reading->interval_ms);
	if (r < 0)
		return r;
	r = ask(reading->history, "SELECT value FROM meta WHERE key = 'capture_percent'", NULL,
		&percent);
	reading->required_percent = (uint32_t)MAX(MIN(percent, 100), 0);
	if (r == 0 || r == -ENOENT)
		r = history_head(reading->history, &head, &reading->zone_min);
	return r;
}

int history_windows(struct history *history, const char *path, enum window_length length,
		    int64_t from_ms, int64_t to_ms,
		    void (*each)(void *userdata, const struct history_window *window),
		    void *userdata)
{
	struct reading reading = {.history = history, .length_ms = window_ms(length)};
	size_t room = (size_t)(CHUNK_MS / reading.length_ms);
	int n = 0, r = prepare(&reading, path);

	if (r < 0)
		return r;
	reading.sums = calloc(room, sizeof(*reading.sums));
	if (!reading.sums)
		return -ENOMEM;
	reading.from_ms = window_floor(length, from_ms, reading.zone_min);
	while (r == 0 && from_ms < to_ms && reading.from_ms < to_ms) {
		int64_t left = (to_ms - reading.from_ms - 1) / reading.length_ms + 1;

		reading.n_sums = MIN((size_t)left, room);
		r = read_chunk(&reading);
		for (size_t i = 0; r == 0 && i < reading.n_sums; i++, n++)
			each(userdata, &reading.sums[i].window);
		reading.from_ms += (int64_t)reading.n_sums * reading.length_ms;
	}
	free(reading.sums);
	return r < 0 ? r : n;
}

/* INT64_MIN where SQLite has NULL */
static int64_t moment(sqlite3_stmt *s, int column)
{
	static const int64_t most = INT64_MAX / MS_PER_MIN;
	int64_t t = sqlite3_column_int64(s, column);

	return sqlite3_column_type(s, column) == SQLITE_NULL
		       ? INT64_MIN
		       : MAX(MIN(t, most), -most) * MS_PER_MIN;
}

int history_channels(struct history *history,
		     void (*each)(void *userdata, const struct history_channel *channel),
		     void *userdata)
{
	/* the aggregate functions min() and max() each find their end of an index only alone */
	sqlite3_stmt *s = history_query(
		history,
		"WITH fresh AS"
		" (SELECT channel, min(t) AS a, max(t) AS b FROM minute GROUP BY channel),"
		" packed AS (SELECT id,"
		"  (SELECT min(t) FROM minute_packed WHERE channel = id) AS a,"
		"  (SELECT max(t) FROM minute_packed WHERE channel = id) AS b FROM channel)"
		" SELECT path, unit, min(coalesce(packed.a, fresh.a), coalesce(fresh.a, packed.a)),"
		"  max(coalesce(packed.b, fresh.b), coalesce(fresh.b, packed.b))"
		" FROM channel JOIN packed USING(id) LEFT JOIN fresh ON fresh.channel = id"
		" ORDER BY path");
	int code, n = 0;

	if (!s)
		return sqlite_errno(sqlite3_errcode(history->db));
	while ((code = sqlite3_step(s)) == SQLITE_ROW) {
		each(userdata, &(struct history_channel){
				       .path = history_text(history, s, 0),
				       .unit = history_text(history, s, 1),
				       .first_ms = moment(s, 2),
				       .last_ms = moment(s, 3),
			       });
		n++;
	}
	return history_result(history, code, n);
}
