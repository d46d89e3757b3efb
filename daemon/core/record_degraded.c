/* SPDX-License-Identifier: Apache-2.0 */
/* The record where it cannot be written: what can be done without, and the way back. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/record.h"
#include "core/record_statements.h"

static int open_read_only(struct record *record)
{
	int version = 0, r = record_open_file(record, SQLITE_OPEN_READONLY);

	if (r < 0)
		return r;
	(void)sqlite3_busy_timeout(record->db, 5000);
	r = sqlite_errno(sqlite3_exec(record->db,
				      "PRAGMA query_only = ON; PRAGMA temp_store = MEMORY", NULL,
				      NULL, NULL));
	if (r == 0)
		r = record_check_owner(record->db);
	if (r == 0)
		r = record_version(record->db, &version);
	if (r == 0 && version != RECORD_VERSION)
		r = -ENOTSUP;
	return r < 0 ? r : record_check_tables(record);
}

/* what every version has: whose chain it is, and where it ends */
static int copy_end(sqlite3 *from, sqlite3 *to)
{
	static const struct {
		const char *read, *write;
		int n;
	} copies[] = {
		{"SELECT value FROM meta WHERE key = 'log_id'",
		 "UPDATE meta SET value = ?1 WHERE key = 'log_id'", 1},
		{"SELECT seq, time_ms, type, line, hash FROM entry ORDER BY seq DESC LIMIT 1",
		 "INSERT INTO entry(seq, time_ms, type, line, hash) VALUES(?1, ?2, ?3, ?4, ?5)", 5},
	};
	int code = SQLITE_OK;

	for (size_t i = 0; i < ARRAY_SIZE(copies) && code == SQLITE_OK; i++) {
		sqlite3_stmt *read = NULL, *write = NULL;

		code = sqlite3_prepare_v2(from, copies[i].read, -1, &read, NULL);
		if (code == SQLITE_OK)
			code = sqlite3_prepare_v2(to, copies[i].write, -1, &write, NULL);
		if (code == SQLITE_OK && sqlite3_step(read) == SQLITE_ROW) {
			for (int at = 0; at < copies[i].n; at++)
				(void)sqlite3_bind_value(write, at + 1,
							 sqlite3_column_value(read, at));
			code = sqlite3_step(write) == SQLITE_DONE ? SQLITE_OK : SQLITE_ERROR;
		}
		(void)sqlite3_finalize(read);
		(void)sqlite3_finalize(write);
	}
	return code == SQLITE_OK ? 0 : -EIO;
}

/* an empty one in memory; @past: what could be opened, NULL nothing */
static int open_absent(struct record *record, sqlite3 *past)
{
	int code = sqlite3_open_v2(":memory:", &record->db,
				   SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
	int r = code == SQLITE_OK ? record_migrate(record->db) : record_failed(record, code);

	if (r == 0 && past)
		(void)copy_end(past, record->db); /* else record_reopen() sees the difference */
	return r;
}

int record_open_degraded(struct record **ret, const char *directory, int why,
			 char error[static RECORD_ERROR_MAX])
{
	CLEANUP(record_close) struct record *record = record_make(directory);
	sqlite3 *past;
	int r;

	if (!record) {
		(void)snprintf(error, RECORD_ERROR_MAX, "out of memory");
		return -ENOMEM;
	}
	record->why = why;
	r = record_lock_directory(record);
	if (r == 0) {
		(void)record_lock_file(record); /* where it can be: it keeps older versions out */
		record->mode = RECORD_READ_ONLY;
		r = open_read_only(record);
		if (r < 0) {
			past = record->db;
			record->mode = RECORD_ABSENT;
			r = open_absent(record, past);
			(void)sqlite3_close(past);
		}
	}
	if (r < 0) {
		record_explain(record, r, error);
		return r;
	}
	*ret = steal(&record);
	return 0;
}

static int take_text(sqlite3 *db, const char *sql, char *text, size_t n)
{
	CLEANUP(sqlite_finalize) sqlite3_stmt *statement = NULL;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK ||
	    sqlite3_step(statement) != SQLITE_ROW)
		return -EIO;
	(void)snprintf(text, n, "%s", sqlite_text(statement, 0));
	return 0;
}

/* a record that has just been made goes by the name that this run has given to its entries */
static int give_name(const struct record *record, struct record *fresh)
{
	char sql[128], log_id[32];
	int r = take_text(record->db, "SELECT value FROM meta WHERE key = 'log_id'", log_id,
			  sizeof(log_id));

	(void)snprintf(sql, sizeof(sql), "UPDATE meta SET value = '%.16s' WHERE key = 'log_id'",
		       log_id);
	if (r == 0 && sqlite3_exec(fresh->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		r = record_failed(fresh, sqlite3_errcode(fresh->db));
	return r;
}

/* does what this run has found out continue what is there? */
static int compare(const struct record *record, struct record *fresh)
{
	struct record_start start;
	int r = record_load(fresh, &start);

	free(start.state);
	free(start.windows);
	if (r < 0)
		return r;
	if (start.chain.seq != record->base.seq ||
	    memcmp(start.chain.hash, record->base.hash, sizeof(start.chain.hash)) != 0)
		return -ESTALE;
	return start.chain.seq == 0 && record->mode == RECORD_ABSENT ? give_name(record, fresh) : 0;
}

/* back to what could be done before */
static void read_again(struct record *record)
{
	int r = record->mode == RECORD_READ_ONLY ? open_read_only(record) : 0;

	if (r == 0)
		return;
	(void)sqlite3_close(record->db);
	record->db = NULL;
	record->mode = RECORD_ABSENT;
	(void)open_absent(record, NULL); /* without memory SQLite refuses each call on it */
}

static void take_over(struct record *record, struct record *fresh)
{
	record_close_database(record);
	record->db = steal(&fresh->db);
	record->lock = fresh->lock;
	fresh->lock = -1;
	(void)sqlite3_wal_hook(record->db, record_on_commit, record);
	record->knows_tables = fresh->knows_tables;
	record->cookie = fresh->cookie;
	memcpy(record->statements, fresh->statements, sizeof(record->statements));
	memset(fresh->statements, 0, sizeof(fresh->statements));
	record->upkeep = (struct record_upkeep){0};
	record->mode = RECORD_WRITABLE;
	record->unbound = true;
}

/* Return: 0 @record can be written; as record_reopen() */
static int open_anew(struct record *record)
{
	CLEANUP(record_close) struct record *fresh = record_make(record->directory);
	char error[RECORD_ERROR_MAX] = "";
	int r = fresh ? record_check_files(record->directory, error) : -ENOMEM;

	if (r == 0)
		r = record_open_writable(fresh);
	if (r == 0)
		r = compare(record, fresh);
	if (r == 0)
		take_over(record, fresh);
	else
		(void)snprintf(record->error, sizeof(record->error), "%.255s",
			       *error			? error
			       : fresh && *fresh->error ? fresh->error
							: strerror(-r));
	return r;
}

bool record_is_here(const struct record *record)
{
	return record->mode != RECORD_ABSENT;
}

int record_reopen(struct record *record)
{
	int r;

	if (record->mode == RECORD_WRITABLE)
		return 0;
	/* our lock would keep ourselves out, and SQLite's connections of one process share what
	 * they have open, such as a file that can be read only */
	if (record->mode == RECORD_READ_ONLY)
		record_close_database(record);
	if (record->lock >= 0)
		(void)close(record->lock);
	record->lock = -1;
	r = open_anew(record);
	if (r < 0)
		read_again(record);
	return r;
}
