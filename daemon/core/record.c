/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/record.h"
#include "core/record_anchor_sql.h"
#include "core/record_statements.h"

#define MINUTE_VALUES "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10"

const char *const record_sql[N_STATEMENTS] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[ADD_ENTRY] = "INSERT INTO entry VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
	[READ_ENTRY] = "SELECT line, hash FROM entry WHERE seq = ?1",
	[SET_HEAD] = "INSERT OR REPLACE INTO head VALUES(1, ?1, ?2, ?3, ?4)",
	[ADD_HEAD] = "INSERT OR REPLACE INTO signed_head VALUES(?1, ?2, ?3)",
	[SET_STATE] = "INSERT OR REPLACE INTO state VALUES(1, ?1, ?2, ?3, ?4, ?5)",
	[SET_ACK] = "INSERT OR REPLACE INTO poller VALUES(?1, ?2, ?3)",
	[GET_ACK] = "SELECT seq FROM poller WHERE instance = ?1",
	[SET_WINDOWS] = "INSERT OR REPLACE INTO windows VALUES(1, ?1)",
	/* a minute that the clock was set back into is there already: see record_add_minute() */
	[ADD_MINUTE] = "INSERT INTO minute(" MINUTE_COLUMNS ") VALUES(" MINUTE_VALUES ")"
		       " ON CONFLICT(t, channel) DO NOTHING",
	[GET_MINUTE] = "SELECT " MINUTE_COLUMNS " FROM minute WHERE t = ?1 AND channel = ?2",
	[SET_MINUTE] = "INSERT OR REPLACE INTO minute(" MINUTE_COLUMNS ") VALUES(" MINUTE_VALUES
		       ")",
	[ADD_PACKED] = "INSERT INTO minute_packed(" MINUTE_COLUMNS ") VALUES(" MINUTE_VALUES ")"
		       " ON CONFLICT(channel, t) DO NOTHING",
	[GET_PACKED] = "SELECT " MINUTE_COLUMNS " FROM minute_packed"
		       " WHERE t = ?1 AND channel = ?2",
	[SET_PACKED] = "INSERT OR REPLACE INTO minute_packed(" MINUTE_COLUMNS
		       ") VALUES(" MINUTE_VALUES ")",
	[GET_UPKEEP] = "SELECT packed_t, packed_channel, rest_until_ms FROM upkeep",
	[SET_UPKEEP] = "UPDATE upkeep SET packed_t = ?1, packed_channel = ?2, rest_until_ms = ?3",
	[FIRST_MINUTE] = "SELECT min(t) FROM minute",
	[DROP_MINUTE] = "DELETE FROM minute WHERE t = ?1",
	[NEXT_CHANNELS] = "SELECT max(id) FROM"
			  " (SELECT id FROM channel WHERE id > ?1 ORDER BY id LIMIT ?2)",
	/* minute by minute, so that each is a seek and no other channel is looked at. What is
	 * packed was added after this batch had been reached, so nothing can be there yet; a
	 * record that was changed by hand keeps what it has. */
	[PACK] = "WITH RECURSIVE wanted(t) AS"
		 " (VALUES(?1) UNION ALL SELECT t + 1 FROM wanted WHERE t + 1 < ?2)"
		 " INSERT OR IGNORE INTO minute_packed(" MINUTE_COLUMNS ")"
		 " SELECT m.t, channel, mean, min, max, n, capture, valid, quality, expected"
		 " FROM wanted CROSS JOIN minute AS m ON m.t = wanted.t"
		 " WHERE channel BETWEEN ?3 AND ?4 ORDER BY channel, m.t",
	[FIRST_PACKED] = "SELECT min(t) FROM minute_packed WHERE channel = ?1",
	[PRUNE_PACKED] = "DELETE FROM minute_packed WHERE channel = ?1 AND t < ?2",
	[PRUNE_OUTBOX] = "DELETE FROM outbox WHERE id IN (SELECT id FROM (SELECT id FROM outbox"
			 " WHERE state = 'sent' AND last_ms < ?1 ORDER BY last_ms LIMIT ?2)"
			 " UNION ALL SELECT id FROM (SELECT id FROM outbox WHERE"
			 " state = 'superseded' AND last_ms < ?1 ORDER BY last_ms LIMIT ?2))",
	[PRUNE_POLLERS] = "DELETE FROM poller WHERE wall_ms < ?1",
	[ADD_INCIDENT] = "INSERT OR REPLACE INTO incident(id, site, kind, class, state, opened_ms,"
			 " ended_ms, first_out, n_updates, n_alarms, summary, level, verdict,"
			 " acknowledged_ms, acknowledged_by, told)"
			 " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7,"
			 " coalesce(?8, (SELECT first_out FROM incident WHERE id = ?1)),"
			 " ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
	[CLOSE_INCIDENT] = "UPDATE incident SET state = 'closed', closed_ms = ?2, closed_by = ?3,"
			   " cause = ?4, measures = ?5, summary = coalesce(?6, summary),"
			   " n_updates = n_updates + 1 WHERE id = ?1",
	[GET_PAST] = "SELECT state, summary, told, coalesce(closed_by, ''), n_updates,"
		     " coalesce(ended_ms, 0), coalesce(closed_ms, 0) FROM incident"
		     " WHERE id = ?1 AND state <> 'open'",
	[LIST_UNCLOSED] = "SELECT id, state, class, level, opened_ms, coalesce(ended_ms, 0)"
			  " FROM incident WHERE state <> 'closed' ORDER BY opened_ms, id"
			  " LIMIT ?2 OFFSET ?1",
	[ADD_DRILL_INCIDENT] = "INSERT OR REPLACE INTO drill_incident(id, site, kind, class, state,"
			       " opened_ms, ended_ms, first_out, n_updates, n_alarms, summary,"
			       " level, verdict, acknowledged_ms, acknowledged_by, told)"
			       " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, coalesce(?8, (SELECT first_out "
			       "FROM drill_incident"
			       "  WHERE id = ?1)), ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
	[CLEAR_DRILLS] = "DELETE FROM drill",
	[ADD_DRILL] = "INSERT INTO drill VALUES(?1, ?2, ?3, ?4)",
	[SET_DRILL] = "UPDATE drill SET state = ?3, windows = coalesce(?4, windows)"
		      " WHERE site = ?1",
	[SET_DRILL_SITE] = "INSERT OR REPLACE INTO drill_site VALUES(?1, ?2, ?3)",
	[DRILLS] = "SELECT site, scenario, state, windows FROM drill ORDER BY site",
	[DRILL_SITES] = "SELECT site, counted_ms, said_ms FROM drill_site",
	[DRILL_STANDING] = "SELECT id, summary, told FROM drill_incident WHERE state = 'open'",
	[REMOVE_DRILL_INCIDENT] = "UPDATE drill_incident SET state = 'removed', ended_ms = ?2"
				  " WHERE id = ?1",
	/* ?5, the value, is NULL where nothing was judged: it and the incident stay as they are */
	[ADD_ALARM] = "INSERT INTO alarm(path, raised, since_ms, changed_ms, value, incident,"
		      " condition, acknowledged_ms, acknowledged_by, shelved_until_ms, shelved_by,"
		      " shelved_reason, one_shot, out_of_service, out_until_ms, out_by, out_reason,"
		      " suppressed, held)"
		      " VALUES(?1, ?2, ?3, ?4, coalesce(?5, ''), ?6, ?7, ?8, ?9, ?10, ?11, ?12,"
		      " ?13, ?14, ?15, ?16, ?17, ?18, ?19)"
		      " ON CONFLICT(path) DO UPDATE SET raised = ?2, since_ms = ?3,"
		      " changed_ms = ?4, value = coalesce(?5, value),"
		      " incident = CASE WHEN ?5 IS NULL THEN incident ELSE ?6 END,"
		      " condition = ?7, acknowledged_ms = ?8, acknowledged_by = ?9,"
		      " shelved_until_ms = ?10, shelved_by = ?11, shelved_reason = ?12,"
		      " one_shot = ?13, out_of_service = ?14, out_until_ms = ?15, out_by = ?16,"
		      " out_reason = ?17, suppressed = ?18, held = ?19",
	[ADD_CHANNEL] = "INSERT INTO channel(path, unit, interval_ms) VALUES(?1, ?2, ?3)"
			" ON CONFLICT(path) DO UPDATE SET unit = excluded.unit,"
			" interval_ms = excluded.interval_ms",
	[GET_CHANNEL] = "SELECT id FROM channel WHERE path = ?1",
	[SET_CAPTURE] = "INSERT INTO meta VALUES('capture_percent', ?1)"
			" ON CONFLICT(key) DO UPDATE SET value = excluded.value",
	[MINUTES_FROM] = "SELECT " MINUTE_COLUMNS " FROM minute WHERE t >= ?1 AND t < ?2"
			 " ORDER BY t, channel",
	[PACKED_FROM] = "SELECT " MINUTE_COLUMNS " FROM minute_packed"
			" WHERE channel = ?3 AND t >= ?1 AND t < ?2 ORDER BY t",
	[NEXT_MINUTE] = "SELECT min(t) FROM minute WHERE t >= ?1",
	[NEXT_PACKED] = "SELECT min(t) FROM minute_packed WHERE channel = ?3 AND t >= ?1",
	[STANDING] = "SELECT path, NULL, NULL FROM alarm WHERE raised OR condition <> 'normal'"
		     " OR shelved_until_ms IS NOT NULL OR out_of_service"
		     " UNION ALL SELECT id, summary, told FROM incident WHERE state = 'open'",
	[REMOVE_ALARM] = "UPDATE alarm SET raised = 0, changed_ms = ?2, condition = 'normal',"
			 " acknowledged_ms = NULL, acknowledged_by = NULL,"
			 " shelved_until_ms = NULL, shelved_by = NULL, shelved_reason = NULL,"
			 " one_shot = 0, out_of_service = 0, out_until_ms = NULL, out_by = NULL,"
			 " out_reason = NULL, suppressed = 0, held = 0 WHERE path = ?1",
	[SET_JOURNAL] = "UPDATE journal SET seq = ?1",
	[ENTRIES_FROM] = "SELECT seq, line, hash FROM entry WHERE seq > ?1 ORDER BY seq LIMIT ?2",
	[REMOVE_INCIDENT] = "UPDATE incident SET state = 'removed', ended_ms = ?2 WHERE id = ?1",
	[SET_ANCHOR] = RECORD_SQL_SET_ANCHOR,
	[GET_ANCHOR] = RECORD_SQL_GET_ANCHOR,
	[READ_REPORT] =
		"SELECT webhook_id, destination, incident, type, body,"
		" state = 'superseded' AND replaced_by IS NOT NULL FROM outbox WHERE id = ?1",
	[READ_HEAD] = "SELECT h.seq, h.hash, h.note, h.signature, s.note IS h.note"
		      " AND s.signature IS h.signature FROM head AS h"
		      " LEFT JOIN signed_head AS s ON s.seq = h.seq",
	[GET_JOB] = "SELECT webhook_id, body, type, incident, fixed FROM outbox WHERE id = ?1",
	[SCHEMA_COOKIE] = "PRAGMA schema_version",
	[GET_HASH] = "SELECT hash FROM entry WHERE seq = ?1",
	[SET_LOG_ID] = "UPDATE meta SET value = ?1 WHERE key = 'log_id'",
	[RENAME_REPORT] = RECORD_SQL_RENAME_REPORT,
	[AGAIN_UNTIL] = RECORD_SQL_AGAIN_UNTIL,
	[SEND_AGAIN] = RECORD_SQL_SEND_AGAIN,
};

int record_failed(struct record *record, int code)
{
	(void)snprintf(record->error, sizeof(record->error), "%s", sqlite3_errmsg(record->db));
	return sqlite_failure(record->db, code);
}

sqlite3_stmt *record_statement(struct record *record, enum record_statement which)
{
	const char *sql = record_sql[which]	     ? record_sql[which]
			  : record_outbox_sql[which] ? record_outbox_sql[which]
			  : record_fix_sql[which]    ? record_fix_sql[which]
						     : record_legacy_sql[which];

	if (!record->statements[which] &&
	    sqlite3_prepare_v3(record->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
			       &record->statements[which], NULL) != SQLITE_OK)
		return NULL;
	(void)sqlite3_reset(record->statements[which]); /* repeats an error already handled */
	return record->statements[which];
}

int record_run(struct record *record, sqlite3_stmt *statement)
{
	int code = sqlite3_step(statement), r = 0;

	if (code != SQLITE_DONE && code != SQLITE_ROW)
		r = record_failed(record, code);
	(void)sqlite3_reset(statement); /* the error was taken from the step */
	return r;
}

int record_do(struct record *record, enum record_statement which)
{
	sqlite3_stmt *statement = record_statement(record, which);

	return statement ? record_run(record, statement)
			 : record_failed(record, sqlite3_errcode(record->db));
}

const char *record_error(const struct record *record)
{
	return record->error;
}

static int load_row(struct record *record, const char *sql,
		    int (*take)(sqlite3_stmt *row, struct record_start *ret),
		    struct record_start *ret)
{
	CLEANUP(sqlite_finalize) sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(record->db, sql, -1, &statement, NULL);

	if (code != SQLITE_OK)
		return record_failed(record, code);
	code = sqlite3_step(statement);
	if (code == SQLITE_DONE)
		return 0;
	return code == SQLITE_ROW ? take(statement, ret) : record_failed(record, code);
}

static int take_bytes(sqlite3_stmt *row, int column, void *to, size_t n)
{
	if (sqlite3_column_bytes(row, column) != (int)n)
		return -EBADMSG;
	memcpy(to, sqlite3_column_blob(row, column), n);
	return 0;
}

static int take_log_id(sqlite3_stmt *row, struct record_start *ret)
{
	(void)snprintf(ret->log_id, sizeof(ret->log_id), "%s", sqlite_text(row, 0));
	return strlen(ret->log_id) == 16 ? 0 : -EBADMSG;
}

static int take_last_entry(sqlite3_stmt *row, struct record_start *ret)
{
	ret->chain.seq = (uint64_t)sqlite3_column_int64(row, 0);
	ret->stopped_cleanly = strcmp(sqlite_text(row, 2), "core.stopped") == 0;
	ret->said_seq = (uint64_t)sqlite3_column_int64(row, 3);
	ret->created = false;
	return take_bytes(row, 1, ret->chain.hash, sizeof(ret->chain.hash));
}

/* where there is no entry yet: one that was set aside had used the numbers up to this one */
static int take_base(sqlite3_stmt *row, struct record_start *ret)
{
	if (ret->created)
		ret->chain.seq = (uint64_t)sqlite3_column_int64(row, 0);
	return 0;
}

static int take_state(sqlite3_stmt *row, struct record_start *ret)
{
	ret->n_state = (size_t)sqlite3_column_bytes(row, 0);
	ret->state = malloc(ret->n_state + 1);
	if (!ret->state)
		return -ENOMEM;
	memcpy(ret->state, sqlite3_column_blob(row, 0), ret->n_state);
	ret->mono_base_ms = sqlite3_column_int64(row, 1);
	ret->last.mono_ms = sqlite3_column_int64(row, 2);
	ret->last.wall_ms = sqlite3_column_int64(row, 3);
	return take_bytes(row, 4, ret->boot_id, sizeof(ret->boot_id));
}

static int take_windows(sqlite3_stmt *row, struct record_start *ret)
{
	ret->n_windows = (size_t)sqlite3_column_bytes(row, 0);
	ret->windows = malloc(ret->n_windows + 1);
	if (!ret->windows)
		return -ENOMEM;
	memcpy(ret->windows, sqlite3_column_blob(row, 0), ret->n_windows);
	return 0;
}

static int take_journal(sqlite3_stmt *row, struct record_start *ret)
{
	ret->journal_seq = (uint64_t)sqlite3_column_int64(row, 0);
	return 0;
}

int record_load(struct record *record, struct record_start *ret)
{
	int r;

	*ret = (struct record_start){.created = true};
	r = load_row(record, "SELECT value FROM meta WHERE key = 'log_id'", take_log_id, ret);
	if (r == 0)
		r = load_row(record,
			     /* a clean stop may have had reports to fix */
			     "SELECT seq, hash, (SELECT type FROM entry WHERE"
			     " type <> 'reports.fixed' ORDER BY seq DESC LIMIT 1),"
			     " (SELECT seq FROM entry WHERE type <> 'reports.fixed'"
			     " ORDER BY seq DESC LIMIT 1) FROM entry ORDER BY seq DESC LIMIT 1",
			     take_last_entry, ret);
	if (r == 0)
		r = load_row(record, "SELECT value FROM meta WHERE key = 'base_seq'", take_base,
			     ret);
	if (r == 0)
		r = load_row(record,
			     "SELECT core, mono_base_ms, mono_ms, wall_ms, boot_id"
			     " FROM state",
			     take_state, ret);
	if (r == 0)
		r = load_row(record, "SELECT core FROM windows WHERE length(core) > 0",
			     take_windows, ret);
	if (r == 0)
		r = load_row(record, "SELECT seq FROM journal", take_journal, ret);
	/* of the entries there is the last one at most; or none yet, behind numbers used before */
	if (record->mode == RECORD_ABSENT || ret->created)
		ret->journal_seq = ret->chain.seq;
	record->journal_seq = ret->journal_seq;
	record->base = ret->chain;
	record->last = ret->last;
	memcpy(record->last_boot, ret->boot_id, sizeof(record->last_boot));
	memcpy(record->last_hash, ret->chain.hash, sizeof(record->last_hash));
	if (r == -EBADMSG && !*record->error)
		(void)snprintf(record->error, sizeof(record->error), "its contents are damaged");
	return r;
}

int record_acked(struct record *record, uint64_t instance, uint64_t *ret)
{
	sqlite3_stmt *statement = record_statement(record, GET_ACK);
	int code;

	*ret = 0;
	if (!statement)
		return record_failed(record, sqlite3_errcode(record->db));
	(void)sqlite3_bind_int64(statement, 1, (sqlite3_int64)instance);
	code = sqlite3_step(statement);
	if (code == SQLITE_ROW)
		*ret = (uint64_t)sqlite3_column_int64(statement, 0);
	(void)sqlite3_reset(statement); /* read-only */
	return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : record_failed(record, code);
}

static int bind_channel(struct record *record, const struct config_channel *channel,
			uint32_t interval_ms, int64_t *ret)
{
	sqlite3_stmt *add = record_statement(record, ADD_CHANNEL);
	sqlite3_stmt *get = record_statement(record, GET_CHANNEL);
	int r;

	if (!add || !get)
		return record_failed(record, sqlite3_errcode(record->db));
	(void)sqlite3_bind_text(add, 1, channel->path, -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(add, 2, channel->measure, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int64(add, 3, interval_ms);
	r = record_run(record, add);
	if (r < 0)
		return r;
	(void)sqlite3_bind_text(get, 1, channel->path, -1, SQLITE_STATIC);
	if (sqlite3_step(get) != SQLITE_ROW)
		return record_failed(record, sqlite3_errcode(record->db));
	*ret = sqlite3_column_int64(get, 0);
	(void)sqlite3_reset(get); /* read-only */
	return 0;
}

static int keep_capture(struct record *record, uint32_t percent)
{
	sqlite3_stmt *s = record_statement(record, SET_CAPTURE);

	if (!s)
		return record_failed(record, sqlite3_errcode(record->db));
	(void)sqlite3_bind_int64(s, 1, percent);
	return record_run(record, s);
}

static int by_id(const void *a, const void *b)
{
	const struct record_channel *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static void describe(const struct config *config, struct record_channel *channels)
{
	for (size_t i = 0; i < config->n_channels; i++) {
		uint32_t interval_ms = config->units[config->channels[i].unit].interval_ms;

		channels[i].index = i;
		channels[i].expected = (uint32_t)MAX(MS_PER_MIN / MAX(interval_ms, 1U), 1);
	}
}

/* all channels in one transaction */
static int bind_all(struct record *record, const struct config *config,
		    struct record_channel *channels)
{
	int r = record_begin(record);

	for (size_t i = 0; r == 0 && i < config->n_channels; i++) {
		const struct config_unit *unit = &config->units[config->channels[i].unit];

		r = bind_channel(record, &config->channels[i], unit->interval_ms, &channels[i].id);
	}
	if (r == 0)
		r = keep_capture(record, config->capture_percent);
	if (r == 0)
		r = record_do(record, COMMIT);
	if (r < 0 && !sqlite3_get_autocommit(record->db))
		(void)record_do(record, ROLLBACK); /* the first error counts */
	return r;
}

/* What the record has of the channels, where it cannot be written; those it does not have get
 * numbers that no row has. record_commit() does the rest. */
static int find_all(struct record *record, const struct config *config,
		    struct record_channel *channels)
{
	sqlite3_stmt *get = record_statement(record, GET_CHANNEL);

	if (!get)
		return record_failed(record, sqlite3_errcode(record->db));
	for (size_t i = 0; i < config->n_channels; i++) {
		channels[i].id = -(int64_t)i - 1;
		(void)sqlite3_bind_text(get, 1, config->channels[i].path, -1, SQLITE_STATIC);
		if (sqlite3_step(get) == SQLITE_ROW)
			channels[i].id = sqlite3_column_int64(get, 0);
		(void)sqlite3_reset(get); /* read-only */
	}
	return 0;
}

static int bind_or_find(struct record *record, const struct config *config,
			struct record_channel *channels)
{
	int r = record->mode == RECORD_READ_ONLY ? record->why : bind_all(record, config, channels);

	record->unbound = record_is_full(r);
	return record->unbound ? find_all(record, config, channels) : r;
}

int record_bind(struct record *record, const struct config *config)
{
	size_t n = config->n_channels;
	struct record_channel *channels = calloc(n + 1, sizeof(*channels));
	struct record_channel *sorted = calloc(n + 1, sizeof(*sorted));
	int r = channels && sorted ? bind_or_find(record, config, channels) : -ENOMEM;

	if (r < 0) {
		free(channels);
		free(sorted);
		return r;
	}
	describe(config, channels);
	memcpy(sorted, channels, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_id);
	free(record->channels);
	free(record->by_id);
	record->channels = channels;
	record->by_id = sorted;
	record->n_channels = n;
	record->required_percent = config->capture_percent;
	return 0;
}
