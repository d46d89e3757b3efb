/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "core/record_statements.h"

#define CHUNK_MIN 60 /* rows are gathered an hour at a time and then put in order */

struct rows {
	struct minute *list; /* @channel: index in the configuration */
	size_t n;
	size_t room;
};

static int keep(struct rows *rows, const struct minute *minute, size_t index)
{
	if (rows->n == rows->room) {
		size_t room = rows->room ? 2 * rows->room : 1024;
		struct minute *list = reallocarray(rows->list, room, sizeof(*list));

		if (!list)
			return -ENOMEM;
		rows->list = list;
		rows->room = room;
	}
	rows->list[rows->n] = *minute;
	rows->list[rows->n++].channel = (int64_t)index;
	return 0;
}

static int by_key(const void *key, const void *item)
{
	const int64_t *id = key;
	const struct record_channel *channel = item;

	return (*id > channel->id) - (*id < channel->id);
}

static int by_time(const void *a, const void *b)
{
	const struct minute *x = a, *y = b;

	if (x->t != y->t)
		return x->t < y->t ? -1 : 1;
	return (x->channel > y->channel) - (x->channel < y->channel);
}

static sqlite3_stmt *bound(struct record *record, enum record_statement which, int64_t from_t,
			   int64_t channel)
{
	sqlite3_stmt *s = record_statement(record, which);

	if (!s)
		return NULL;
	(void)sqlite3_bind_int64(s, 1, from_t);
	if (which == MINUTES_FROM || which == PACKED_FROM)
		(void)sqlite3_bind_int64(s, 2, from_t + CHUNK_MIN);
	if (which == PACKED_FROM || which == NEXT_PACKED)
		(void)sqlite3_bind_int64(s, 3, channel);
	return s;
}

/* rows of one table that count and whose channel is configured */
static int gather(struct record *record, sqlite3_stmt *s, bool packed, struct rows *rows)
{
	int code = SQLITE_ERROR, r = 0;

	while (s && r == 0 && (code = sqlite3_step(s)) == SQLITE_ROW) {
		struct minute minute = minute_take(s);
		const struct record_channel *channel = bsearch(&minute.channel, record->by_id,
							       record->n_channels,
							       sizeof(*record->by_id), by_key);

		if (channel && packed == (minute.t < record_packed_until(record, minute.channel)))
			r = keep(rows, &minute, channel->index);
	}
	if (r == 0 && code != SQLITE_DONE)
		r = record_failed(record, sqlite3_errcode(record->db));
	(void)sqlite3_reset(s); /* read-only */
	return r;
}

static int gather_chunk(struct record *record, int64_t from_t, struct rows *rows)
{
	int r = gather(record, bound(record, MINUTES_FROM, from_t, 0), false, rows);

	rows->n = r < 0 ? 0 : rows->n;
	for (size_t i = 0; r == 0 && i < record->n_channels; i++) {
		int64_t id = record->channels[i].id;

		if (from_t < record_packed_until(record, id))
			r = gather(record, bound(record, PACKED_FROM, from_t, id), true, rows);
	}
	if (r == 0 && rows->n > 1)
		qsort(rows->list, rows->n, sizeof(*rows->list), by_time);
	return r;
}

static int earlier(struct record *record, sqlite3_stmt *s, int64_t *ret)
{
	int code = s ? sqlite3_step(s) : SQLITE_ERROR;

	if (code == SQLITE_ROW && sqlite3_column_type(s, 0) != SQLITE_NULL)
		*ret = MIN(*ret, (int64_t)sqlite3_column_int64(s, 0));
	(void)sqlite3_reset(s); /* read-only */
	return code == SQLITE_ROW ? 0 : record_failed(record, sqlite3_errcode(record->db));
}

/* the first minute with a row from @from_t on; INT64_MAX none */
static int next_row(struct record *record, int64_t from_t, int64_t *ret)
{
	int r;

	*ret = INT64_MAX;
	r = earlier(record, bound(record, NEXT_MINUTE, from_t, 0), ret);
	for (size_t i = 0; r == 0 && i < record->n_channels; i++)
		r = earlier(record, bound(record, NEXT_PACKED, from_t, record->channels[i].id),
			    ret);
	return r;
}

int record_minutes(struct record *record, int64_t from_ms,
		   void (*each)(void *userdata, size_t channel, const struct window_row *row),
		   void *userdata)
{
	struct rows rows = {0};
	int64_t t = from_ms / MS_PER_MIN + (from_ms % MS_PER_MIN > 0);
	int r = record_load_upkeep(record);

	if (r == 0)
		r = next_row(record, t, &t);
	while (r == 0 && t < INT64_MAX - CHUNK_MIN) {
		rows.n = 0;
		r = gather_chunk(record, t, &rows);
		for (size_t i = 0; r == 0 && i < rows.n; i++)
			each(userdata, (size_t)rows.list[i].channel, &rows.list[i].row);
		if (r == 0)
			r = next_row(record, t + CHUNK_MIN, &t);
	}
	free(rows.list);
	return r;
}
