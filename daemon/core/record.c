/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/record.h"
#include "core/record_statements.h"

const char *const record_sql[N_STATEMENTS] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[ADD_ENTRY] = "INSERT INTO entry VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
	[READ_ENTRY] = "SELECT line, hash FROM entry WHERE seq = ?1",
	[SET_HEAD] = "INSERT OR REPLACE INTO head VALUES(1, ?1, ?2, ?3, ?4)",
	[SET_STATE] = "INSERT OR REPLACE INTO state VALUES(1, ?1, ?2, ?3, ?4, ?5)",
	[SET_ACK] = "INSERT OR REPLACE INTO poller VALUES(?1, ?2, ?3)",
	[GET_ACK] = "SELECT seq FROM poller WHERE instance = ?1",
	/* a minute that the clock was set back into: the two rows are joined, none is lost */
	[ADD_MINUTE] = "INSERT INTO minute VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
		       " ON CONFLICT(t, channel) DO UPDATE SET"
		       " mean = CASE WHEN n + excluded.n = 0 THEN NULL ELSE"
		       "  (coalesce(mean, 0) * n + coalesce(excluded.mean, 0) * excluded.n)"
		       "  / (n + excluded.n) END,"
		       " min = coalesce(min(min, excluded.min), min, excluded.min),"
		       " max = coalesce(max(max, excluded.max), max, excluded.max),"
		       " capture = min(100, capture + excluded.capture),"
		       " valid = max(valid, excluded.valid), n = n + excluded.n,"
		       /* nothing came (9) in one half says nothing of the other */
		       " quality = CASE WHEN quality = 9 THEN excluded.quality"
		       "  WHEN excluded.quality = 9 THEN quality"
		       "  ELSE max(quality, excluded.quality) END",
	[PRUNE_MINUTES] = "DELETE FROM minute WHERE t < ?1 AND"
			  " t < (SELECT min(t) FROM minute) + 60",
	[PRUNE_POLLERS] = "DELETE FROM poller WHERE wall_ms < ?1",
	[ADD_INCIDENT] = "INSERT OR REPLACE INTO incident"
			 " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7,"
			 " coalesce(?8, (SELECT first_out FROM incident WHERE id = ?1)),"
			 " ?9, ?10, ?11)",
	[ADD_ALARM] = "INSERT OR REPLACE INTO alarm VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
	[ADD_REPORT] = "INSERT INTO outbox(webhook_id, destination, incident, type, lane,"
		       " created_ms, body) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	/* a file's name is its place at the department: the first of a name counts, see files.h */
	[ADD_FILE] = "INSERT INTO outbox(webhook_id, destination, incident, type, lane,"
		     " created_ms, body) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)"
		     " ON CONFLICT(webhook_id) DO NOTHING",
	/* what an emergency waits for must not wait in the slow lane */
	[RAISE_LANE] = "UPDATE outbox SET lane = 0 WHERE incident = ?1 AND destination = ?2"
		       " AND state <> 'sent' AND lane > 0",
	[SET_DELIVERY] = "UPDATE outbox SET state = ?2, attempts = ?3, next_ms = ?4,"
			 " last_ms = ?5, http_status = ?6, error = ?7 WHERE id = ?1",
	/* The oldest of each incident that waits, found by one step of the index outbox_heads per
	 * incident, however many wait behind it: a station's backlog may have thousands. */
	[NEXT_JOB] = "WITH RECURSIVE head(id) AS (SELECT (SELECT id FROM outbox"
		     "  WHERE destination = ?1 AND state <> 'sent' ORDER BY incident, id LIMIT 1)"
		     " UNION ALL SELECT (SELECT n.id FROM outbox AS n WHERE n.destination = ?1"
		     "  AND n.state <> 'sent' AND n.incident > h.incident"
		     "  ORDER BY n.incident, n.id LIMIT 1)"
		     "  FROM head JOIN outbox AS h ON h.id = head.id)"
		     " SELECT o.id, o.attempts, o.lane, o.webhook_id, o.body, o.state = 'held'"
		     " FROM head JOIN outbox AS o ON o.id = head.id"
		     " WHERE (o.next_ms <= ?2 OR o.next_ms > ?3) AND (o.lane = 2) = ?4"
		     " ORDER BY o.lane, o.id LIMIT 1",
	/* next_ms > 0 lets the index outbox_retry serve: only what was tried already has one */
	[NEXT_TIME] = "SELECT min(next_ms) FROM outbox WHERE destination = ?1"
		      " AND state <> 'sent' AND next_ms > 0 AND next_ms > ?2",
	[WAITING] = "SELECT destination, lane = 2, count(*) FROM outbox WHERE state <> 'sent'"
		    " GROUP BY destination, lane = 2",
	[RELEASE] = "UPDATE outbox SET next_ms = ?1 WHERE state <> 'sent' AND next_ms > 0"
		    " AND next_ms > ?1",
	/* the receiver is back: what failed while it was away need not wait for its turn; what
	 * it asked to wait for does. A server that takes one station's file may take the others
	 * too; a report that was refused will be so again. */
	[RELEASE_DESTINATION] = "UPDATE outbox SET next_ms = ?2"
				" WHERE (state = 'pending' OR lane = 2)"
				" AND state <> 'sent' AND next_ms > 0 AND next_ms > ?2"
				" AND coalesce(http_status, 0) NOT IN (429, 503)"
				" AND destination = (SELECT destination FROM outbox WHERE id = ?1)",
	[ADD_CHANNEL] = "INSERT INTO channel(path, unit) VALUES(?1, ?2)"
			" ON CONFLICT(path) DO UPDATE SET unit = excluded.unit",
	[GET_CHANNEL] = "SELECT id FROM channel WHERE path = ?1",
	[STANDING] = "SELECT path, NULL FROM alarm WHERE raised"
		     " UNION ALL SELECT id, summary FROM incident WHERE state = 'open'",
	[REMOVE_ALARM] = "UPDATE alarm SET raised = 0, changed_ms = ?2 WHERE path = ?1",
	[REMOVE_INCIDENT] = "UPDATE incident SET state = 'removed', ended_ms = ?2 WHERE id = ?1",
};

int record_failed(struct record *record, int code)
{
	(void)snprintf(record->error, sizeof(record->error), "%s", sqlite3_errmsg(record->db));
	return sqlite_errno(code);
}

sqlite3_stmt *record_statement(struct record *record, enum record_statement which)
{
	if (!record->statements[which] &&
	    sqlite3_prepare_v3(record->db, record_sql[which], -1, SQLITE_PREPARE_PERSISTENT,
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

/* an open file description lock: gone with the process, whatever ends it */
static int lock(struct record *record, const char *directory)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/record.lock", directory);
	record->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (record->lock < 0)
		return -errno;
	if (fcntl(record->lock, F_OFD_SETLK, &whole) < 0)
		return errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
	return 0;
}

static int set_up(struct record *record)
{
	static const char *const pragmas[] = {
		"PRAGMA journal_mode = WAL",	    "PRAGMA synchronous = FULL",
		"PRAGMA wal_autocheckpoint = 1000", "PRAGMA journal_size_limit = 16777216",
		"PRAGMA trusted_schema = OFF",	    "PRAGMA cache_size = -800",
		"PRAGMA temp_store = MEMORY",
	};
	int keep = 1, r;

	/* a reader that holds a lock for a moment is waited for, within the watchdog's time */
	(void)sqlite3_busy_timeout(record->db, 5000);
	r = record_check_owner(record->db);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(pragmas); i++) {
		int code = sqlite3_exec(record->db, pragmas[i], NULL, NULL, NULL);

		if (code != SQLITE_OK)
			return record_failed(record, code);
	}
	/* the WAL stays on a clean stop, so that read-only users can open the record */
	(void)sqlite3_file_control(record->db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
	return record_migrate(record->db);
}

static void explain(const char *directory, int r, const char *words, char error[static 256])
{
	if (r == -EBUSY)
		(void)snprintf(error, 256,
			       "another wastewatchd has the record in %.120s; stop it first, or "
			       "give this one a --state of its own",
			       directory);
	else if (r == -ENOTSUP)
		(void)snprintf(error, 256,
			       "the record in %.120s was written by a newer wastewatch; install "
			       "that version again",
			       directory);
	else
		(void)snprintf(error, 256,
			       "cannot open the record in %.120s: %.80s; nothing was changed",
			       directory,
			       *words	       ? words
			       : r == -EBADMSG ? "record.db there is of another program"
					       : strerror(-r));
}

int record_open(struct record **ret, const char *directory, char error[static 256])
{
	CLEANUP(record_close) struct record *record = calloc(1, sizeof(*record));
	char path[4096];
	int r;

	if (!record)
		return -ENOMEM;
	record->lock = -1;
	(void)snprintf(path, sizeof(path), "%s/" RECORD_FILE, directory);
	r = lock(record, directory);
	if (r == 0) {
		int code = sqlite3_open_v2(
			path, &record->db,
			SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW, NULL);

		r = code == SQLITE_OK ? set_up(record) : record_failed(record, code);
		if (r < 0 && sqlite3_errcode(record->db) != SQLITE_OK)
			(void)record_failed(record, sqlite3_errcode(record->db));
	}
	if (r < 0) {
		explain(directory, r, record->error, error);
		return r;
	}
	(void)chmod(path, 0640); /* for the group to read; the directory guards it anyway */
	*ret = steal(&record);
	return 0;
}

struct record *record_close(struct record *record)
{
	if (!record)
		return NULL;
	for (size_t i = 0; i < N_STATEMENTS; i++)
		(void)sqlite3_finalize(record->statements[i]);
	(void)sqlite3_close(record->db);
	if (record->lock >= 0)
		(void)close(record->lock);
	free(record->channel_ids);
	free(record);
	return NULL;
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
	ret->created = false;
	return take_bytes(row, 1, ret->chain.hash, sizeof(ret->chain.hash));
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

int record_load(struct record *record, struct record_start *ret)
{
	int r;

	*ret = (struct record_start){.created = true};
	r = load_row(record, "SELECT value FROM meta WHERE key = 'log_id'", take_log_id, ret);
	if (r == 0)
		r = load_row(record, "SELECT seq, hash, type FROM entry ORDER BY seq DESC LIMIT 1",
			     take_last_entry, ret);
	if (r == 0)
		r = load_row(record,
			     "SELECT core, mono_base_ms, mono_ms, wall_ms, boot_id"
			     " FROM state",
			     take_state, ret);
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

static int bind_channel(struct record *record, const struct config_channel *channel, int64_t *ret)
{
	sqlite3_stmt *add = record_statement(record, ADD_CHANNEL);
	sqlite3_stmt *get = record_statement(record, GET_CHANNEL);
	int r;

	if (!add || !get)
		return record_failed(record, sqlite3_errcode(record->db));
	(void)sqlite3_bind_text(add, 1, channel->path, -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(add, 2, channel->measure, -1, SQLITE_STATIC);
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

int record_bind(struct record *record, const struct config *config)
{
	int64_t *ids = calloc(config->n_channels + 1, sizeof(*ids));
	int r = ids ? record_do(record, BEGIN) : -ENOMEM;

	for (size_t i = 0; r == 0 && i < config->n_channels; i++)
		r = bind_channel(record, &config->channels[i], &ids[i]);
	if (r == 0)
		r = record_do(record, COMMIT);
	if (r < 0) {
		if (!sqlite3_get_autocommit(record->db))
			(void)record_do(record, ROLLBACK);
		free(ids);
		return r;
	}
	free(record->channel_ids);
	record->channel_ids = ids;
	return 0;
}
