/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "core/record_statements.h"

/*
 * Upkeep goes on in small pieces, one per commit: delete what is packed, else pack, else prune.
 * A piece has ROWS_LEAST rows, or one and a half minutes of all channels where that is more: so
 * it keeps up with what comes even at one commit per minute.
 */
#define ROWS_LEAST   2000
#define LATE_MIN     60 /* a batch is packed when its last minute is so old */
#define MINUTES_DAY  (24 * 60)
#define LOOKS	     64	 /* channels that one commit looks at to prune them */
#define REPORTS_MOST 100 /* that one commit prunes */

#define PREPARE(which)                                     \
	sqlite3_stmt *s = record_statement(record, which); \
	if (!s)                                            \
	return record_failed(record, sqlite3_errcode(record->db))

/* step a prepared statement for one number. Return: 1; 0 there is none; -errno. */
static int ask(struct record *record, sqlite3_stmt *s, int64_t *ret)
{
	int code = sqlite3_step(s), r = 0;

	if (code == SQLITE_ROW && sqlite3_column_type(s, 0) != SQLITE_NULL) {
		*ret = sqlite3_column_int64(s, 0);
		r = 1;
	} else if (code != SQLITE_ROW && code != SQLITE_DONE) {
		r = record_failed(record, code);
	}
	(void)sqlite3_reset(s); /* read-only */
	return r;
}

int record_load_upkeep(struct record *record)
{
	struct record_upkeep *upkeep = &record->upkeep;
	int code, r = 0;

	if (upkeep->loaded)
		return 0;
	PREPARE(GET_UPKEEP);
	code = sqlite3_step(s);
	if (code == SQLITE_ROW)
		*upkeep = (struct record_upkeep){
			.loaded = true,
			.packed_t = sqlite3_column_int64(s, 0),
			.packed_channel = sqlite3_column_int64(s, 1),
			.rest_until_ms = sqlite3_column_int64(s, 2),
			.has_packed = true, /* not known: look */
			.pruned_t = INT64_MIN,
			.minute = INT64_MIN,
		};
	else
		r = code == SQLITE_DONE ? -EBADMSG : record_failed(record, code);
	(void)sqlite3_reset(s); /* read-only */
	return r;
}

int64_t record_packed_until(const struct record *record, int64_t channel)
{
	const struct record_upkeep *upkeep = &record->upkeep;

	return upkeep->packed_t + (channel <= upkeep->packed_channel ? RECORD_PACK_MIN : 0);
}

/* --- rows that are there already --------------------------------------------------- */

static int get_minute(struct record *record, enum record_statement which, struct minute *minute)
{
	int code, r = 0;

	PREPARE(which);
	(void)sqlite3_bind_int64(s, 1, minute->t);
	(void)sqlite3_bind_int64(s, 2, minute->channel);
	code = sqlite3_step(s);
	if (code == SQLITE_ROW)
		*minute = minute_take(s);
	else
		r = code == SQLITE_DONE ? -EBADMSG : record_failed(record, code);
	(void)sqlite3_reset(s); /* read-only */
	return r;
}

static int set_minute(struct record *record, enum record_statement which,
		      const struct minute *minute)
{
	PREPARE(which);
	minute_bind(s, minute);
	return record_run(record, s);
}

int record_add_minute(struct record *record, const struct minute *minute)
{
	bool packed = minute->t < record_packed_until(record, minute->channel);
	struct minute joined = *minute;
	int r = set_minute(record, packed ? ADD_PACKED : ADD_MINUTE, minute);

	if (r < 0 || sqlite3_changes(record->db) > 0)
		return r;
	r = get_minute(record, packed ? GET_PACKED : GET_MINUTE, &joined);
	if (r < 0)
		return r;
	minute_join(&joined, minute, minute->expected, record->required_percent);
	return set_minute(record, packed ? SET_PACKED : SET_MINUTE, &joined);
}

/* --- packing ----------------------------------------------------------------------- */

static int64_t rows_most(const struct record *record)
{
	return MAX((int64_t)record->n_channels * 3 / 2, (int64_t)ROWS_LEAST);
}

static int first_minute(struct record *record, int64_t *ret)
{
	PREPARE(FIRST_MINUTE);
	return ask(record, s, ret);
}

/* delete what is packed, whole minutes. Return: rows; 0 there are none; -errno. */
static int drop_packed(struct record *record)
{
	struct record_upkeep *upkeep = &record->upkeep;
	int n = 0;

	while (upkeep->has_packed && n < rows_most(record)) {
		int64_t first;
		int r = first_minute(record, &first);

		if (r < 0)
			return r;
		if (r == 0 || first >= upkeep->packed_t) {
			upkeep->has_packed = false;
			break;
		}
		PREPARE(DROP_MINUTE);
		(void)sqlite3_bind_int64(s, 1, first);
		r = record_run(record, s);
		if (r < 0)
			return r;
		n += sqlite3_changes(record->db);
	}
	return n;
}

/* where nothing is there is nothing to pack */
static int skip_empty(struct record *record, int64_t now_t)
{
	struct record_upkeep *upkeep = &record->upkeep;
	int64_t first = INT64_MAX, target;
	int r = first_minute(record, &first);

	if (r < 0)
		return r;
	target = MIN(minute_floor(now_t - LATE_MIN), r > 0 ? minute_floor(first) : INT64_MAX);
	if (target > upkeep->packed_t) {
		upkeep->packed_t = target;
		upkeep->changed = true;
	}
	return 0;
}

static int pack_channels(struct record *record, int64_t first, int64_t last)
{
	int64_t from_t = record->upkeep.packed_t;

	PREPARE(PACK);
	(void)sqlite3_bind_int64(s, 1, from_t);
	(void)sqlite3_bind_int64(s, 2, from_t + RECORD_PACK_MIN);
	(void)sqlite3_bind_int64(s, 3, first);
	(void)sqlite3_bind_int64(s, 4, last);
	return record_run(record, s);
}

static bool batch_is_over(const struct record_upkeep *upkeep, int64_t now_t)
{
	return upkeep->packed_t + RECORD_PACK_MIN + LATE_MIN <= now_t;
}

/* the next channels of the batch. Return: 1 some were; 0 there is none to pack; -errno. */
static int pack(struct record *record, int64_t now_t)
{
	struct record_upkeep *upkeep = &record->upkeep;
	int64_t last;
	int r = 0;

	if (batch_is_over(upkeep, now_t) && upkeep->packed_channel == 0)
		r = skip_empty(record, now_t);
	if (r < 0 || !batch_is_over(upkeep, now_t))
		return r;
	PREPARE(NEXT_CHANNELS);
	(void)sqlite3_bind_int64(s, 1, upkeep->packed_channel);
	(void)sqlite3_bind_int64(s, 2, MAX(rows_most(record) / RECORD_PACK_MIN, (int64_t)1));
	r = ask(record, s, &last);
	if (r < 0)
		return r;
	upkeep->changed = true;
	if (r > 0) {
		r = pack_channels(record, upkeep->packed_channel + 1, last);
		upkeep->packed_channel = last;
		return r < 0 ? r : 1;
	}
	upkeep->packed_t += RECORD_PACK_MIN;
	upkeep->packed_channel = 0;
	upkeep->has_packed = true;
	return 1;
}

/* --- pruning ----------------------------------------------------------------------- */

/* Return: rows that went; 0 the channel has none so old; -errno. */
static int prune_channel(struct record *record, int64_t channel, int64_t before_t)
{
	int64_t first;
	int r;

	PREPARE(FIRST_PACKED);
	(void)sqlite3_bind_int64(s, 1, channel);
	r = ask(record, s, &first);
	if (r <= 0 || first >= before_t)
		return MIN(r, 0);
	s = record_statement(record, PRUNE_PACKED);
	if (!s)
		return record_failed(record, sqlite3_errcode(record->db));
	(void)sqlite3_bind_int64(s, 1, channel);
	(void)sqlite3_bind_int64(s, 2, MIN(before_t, first + rows_most(record)));
	r = record_run(record, s);
	return r < 0 ? r : sqlite3_changes(record->db);
}

/* one channel after the other, whole batches, so that a page is not rewritten for each minute */
static int prune_minutes(struct record *record, int64_t before_t)
{
	struct record_upkeep *upkeep = &record->upkeep;
	int64_t n = 0;

	for (int i = 0; i < LOOKS && n < rows_most(record) && upkeep->pruned_t != before_t; i++) {
		int64_t channel;
		int r;

		PREPARE(NEXT_CHANNELS);
		(void)sqlite3_bind_int64(s, 1, upkeep->prune_channel);
		(void)sqlite3_bind_int64(s, 2, 1);
		r = ask(record, s, &channel);
		if (r > 0) {
			r = prune_channel(record, channel, before_t);
			n += MAX(r, 0);
			if (r == 0)
				upkeep->prune_channel = channel;
		} else if (r == 0) {
			upkeep->pruned_t = before_t;
			upkeep->prune_channel = 0;
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static int prune_outbox(struct record *record, int64_t before_ms)
{
	PREPARE(PRUNE_OUTBOX);
	(void)sqlite3_bind_int64(s, 1, before_ms);
	(void)sqlite3_bind_int64(s, 2, REPORTS_MOST);
	return record_run(record, s);
}

/* an instance that was not heard of for a month is gone */
static int prune_pollers(struct record *record, int64_t wall_ms)
{
	PREPARE(PRUNE_POLLERS);
	(void)sqlite3_bind_int64(s, 1, wall_ms - 30 * MS_PER_DAY);
	return record_run(record, s);
}

static int prune(struct record *record, const struct record_commit *commit)
{
	/* a day longer: so far ahead a clock may be without anybody noticing */
	int64_t days = (int64_t)commit->config->minute_retention_days + 1;
	int64_t minute = commit->now.wall_ms / MS_PER_MIN;
	int r = prune_minutes(record, minute_floor(minute - days * MINUTES_DAY));

	if (r < 0 || minute == record->upkeep.minute)
		return r;
	record->upkeep.minute = minute;
	r = prune_outbox(record, commit->now.wall_ms - days * MS_PER_DAY);
	return r == 0 ? prune_pollers(record, commit->now.wall_ms) : r;
}

/* --- when -------------------------------------------------------------------------- */

/* how far the wall clock went ahead of what has passed since the last commit. Over a reboot
 * nothing tells how much that was. */
static int64_t ahead_ms(const struct record *record, const struct record_commit *commit)
{
	bool same_boot = memcmp(record->last_boot, commit->boot_id, sizeof(commit->boot_id)) == 0;
	int64_t passed_ms = same_boot ? commit->now.mono_ms - record->last.mono_ms : 0;

	return commit->now.wall_ms - record->last.wall_ms - passed_ms;
}

static bool is_resting(struct record *record, const struct record_commit *commit)
{
	struct record_upkeep *upkeep = &record->upkeep;
	int64_t now_ms = commit->now.mono_ms, rest_until_ms = upkeep->rest_until_ms;

	if (ahead_ms(record, commit) > MS_PER_DAY)
		rest_until_ms = now_ms + MS_PER_DAY;
	rest_until_ms = MIN(rest_until_ms, now_ms + MS_PER_DAY);
	if (rest_until_ms != upkeep->rest_until_ms) {
		upkeep->rest_until_ms = rest_until_ms;
		upkeep->changed = true;
	}
	return now_ms < rest_until_ms;
}

static int save(struct record *record)
{
	struct record_upkeep *upkeep = &record->upkeep;

	if (!upkeep->changed)
		return 0;
	upkeep->changed = false;
	PREPARE(SET_UPKEEP);
	(void)sqlite3_bind_int64(s, 1, upkeep->packed_t);
	(void)sqlite3_bind_int64(s, 2, upkeep->packed_channel);
	(void)sqlite3_bind_int64(s, 3, upkeep->rest_until_ms);
	return record_run(record, s);
}

int record_upkeep(struct record *record, const struct record_commit *commit)
{
	int r = 0;

	if (!is_resting(record, commit)) {
		r = drop_packed(record);
		if (r == 0)
			r = pack(record, commit->now.wall_ms / MS_PER_MIN);
		if (r == 0)
			r = prune(record, commit);
	}
	return r < 0 ? r : save(record);
}
