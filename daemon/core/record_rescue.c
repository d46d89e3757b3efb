/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must not be lost with a record that was set aside: reports that nobody has got yet, with
 * their ids; incidents that are not closed, alarms, the state of the judging. Row by row: what
 * lies on a damaged page is missed, the rest is not.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/record_aside.h"
#include "core/record_rescue.h"
#include "core/record_statements.h"
#include "core/record_whole.h"
#include "core/verify.h"

/* @reports: its rows are what waits for a receiver */
static const struct table {
	const char *name;
	const char *rows;
	bool reports;
} tables[] = {
	{"outbox", "state IN ('pending', 'held', 'stopped')", true},
	{"destination", "true", false},
	{"incident", "state <> 'closed'", false},
	{"alarm", "true", false},
	{"drill", "true", false},
	{"drill_site", "true", false},
	{"drill_incident", "state = 'open'", false},
	{"poller", "true", false},
	{"anchor", "true", false},
	{"state", "true", false},
	{"windows", "true", false},
};

static sqlite3 *close_database(sqlite3 *db)
{
	(void)sqlite3_close(db);
	return NULL;
}
DEFINE_CLEANUP(sqlite3 *, close_database)

/* whose turn it is says a trigger of the new record, row by row; what fixes them, its chain */
static bool is_copied(sqlite3_stmt *row, int column)
{
	const char *name = sqlite3_column_name(row, column);

	return strcmp(name, "turn") != 0 && strcmp(name, "fixed") != 0;
}

/* "INSERT OR REPLACE INTO outbox("id", …) VALUES(?,…)" with the columns that the old one has */
static int prepare_insert(sqlite3 *db, const char *table, sqlite3_stmt *row, sqlite3_stmt **ret)
{
	sqlite3_str *text = sqlite3_str_new(db);
	int n = sqlite3_column_count(row), n_copied = 0, code;
	char *sql;

	sqlite3_str_appendf(text, "INSERT OR REPLACE INTO \"%w\"(", table);
	for (int i = 0; i < n; i++)
		if (is_copied(row, i))
			sqlite3_str_appendf(text, "%s\"%w\"", n_copied++ ? "," : "",
					    sqlite3_column_name(row, i));
	sqlite3_str_appendall(text, ") VALUES(");
	for (int i = 0; i < n_copied; i++)
		sqlite3_str_appendall(text, i ? ",?" : "?");
	sqlite3_str_appendall(text, ")");
	sql = sqlite3_str_finish(text);
	code = sql ? sqlite3_prepare_v2(db, sql, -1, ret, NULL) : SQLITE_NOMEM;
	sqlite3_free(sql);
	return code;
}

static int copy_row(sqlite3_stmt *row, sqlite3_stmt *insert)
{
	int code, n = 0;

	for (int i = 0; i < sqlite3_column_count(row); i++)
		if (is_copied(row, i))
			(void)sqlite3_bind_value(insert, ++n, sqlite3_column_value(row, i));
	code = sqlite3_step(insert);
	(void)sqlite3_reset(insert); /* the error was taken from the step */
	return code;
}

/* Return: SQLITE_DONE; else what ended it: in the old record, or, @ret_own, in the new one */
static int copy_table(sqlite3 *from, sqlite3 *to, const struct table *table, uint64_t *ret_n,
		      bool *ret_own)
{
	CLEANUP(sqlite_finalize) sqlite3_stmt *row = NULL;
	CLEANUP(sqlite_finalize) sqlite3_stmt *insert = NULL;
	char sql[160];
	int code;

	(void)snprintf(sql, sizeof(sql), "SELECT * FROM %s WHERE %s", table->name, table->rows);
	code = sqlite3_prepare_v2(from, sql, -1, &row, NULL);
	if (code != SQLITE_OK)
		return code;
	if (prepare_insert(to, table->name, row, &insert) != SQLITE_OK)
		return SQLITE_ERROR; /* a table or column that this version has no more */
	while ((code = sqlite3_step(row)) == SQLITE_ROW) {
		int written = copy_row(row, insert);

		if (written == SQLITE_FULL || written == SQLITE_IOERR || written == SQLITE_NOMEM) {
			*ret_own = true;
			return written;
		}
		*ret_n += written == SQLITE_DONE;
	}
	return code;
}

static struct record_walk *free_walk(struct record_walk *walk)
{
	free(walk);
	return NULL;
}
DEFINE_CLEANUP(struct record_walk *, free_walk)

/* --- what was altered before it was set aside ------------------------------------------ */

static int hold(sqlite3 *db, int64_t id, const char *words)
{
	CLEANUP(sqlite_finalize) sqlite3_stmt *s = NULL;
	int code = sqlite3_prepare_v2(db,
				      "UPDATE outbox SET state = 'stopped',"
				      " changed_by = 'wastewatchd', reason = ?2 WHERE id = ?1",
				      -1, &s, NULL);

	if (code != SQLITE_OK)
		return code;
	(void)sqlite3_bind_int64(s, 1, id);
	(void)sqlite3_bind_text(s, 2, words, -1, SQLITE_STATIC);
	return sqlite3_step(s);
}

/* Return: SQLITE_OK; what ended it, in the new record */
static int check_row(sqlite3 *from, sqlite3 *to, sqlite3_stmt *row, struct record_walk *walk,
		     const struct verify *trusted, uint64_t *ret_n)
{
	/* only read */
	const struct record_job job = {
		.webhook_id = (char *)(uintptr_t)sqlite_text(row, 1),
		.body = (char *)(uintptr_t)sqlite_text(row, 2),
		.type = (char *)(uintptr_t)sqlite_text(row, 3),
		.incident = (char *)(uintptr_t)sqlite_text(row, 4),
		.fixed = sqlite3_column_int64(row, 6),
	};
	char words[RECORD_WORDS_MAX] = "its page cannot be read";
	int code;

	walk->budget = SIZE_MAX; /* nobody measures yet, and what is learnt serves all */
	if (sqlite_is_whole(from, walk, sqlite_text(row, 5), &job, trusted, words) == 1)
		return SQLITE_OK;
	code = hold(to, sqlite3_column_int64(row, 0), words);
	*ret_n += code == SQLITE_DONE;
	return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* an older version has fixed nothing, and has no such column */
static int check_reports(sqlite3 *from, sqlite3 *to, const struct verify *trusted, uint64_t *ret_n)
{
	static const char sql[] = "SELECT id, webhook_id, body, type, incident, destination, fixed"
				  " FROM outbox WHERE state IN ('pending', 'held', 'stopped')";
	CLEANUP(sqlite_finalize) sqlite3_stmt *row = NULL;
	CLEANUP(free_walk) struct record_walk *walk = calloc(1, sizeof(*walk));
	int code = SQLITE_OK;

	if (!walk)
		return SQLITE_NOMEM;
	if (!trusted || sqlite3_prepare_v2(from, sql, -1, &row, NULL) != SQLITE_OK)
		return SQLITE_OK;
	while (code == SQLITE_OK && sqlite3_step(row) == SQLITE_ROW)
		code = check_row(from, to, row, walk, trusted, ret_n);
	return code;
}

static int open_old(const char *directory, const char *name, sqlite3 **ret)
{
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	(void)sqlite3_open_v2(path, ret, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW, NULL);
	(void)sqlite_distrust(*ret);
	return sqlite3_exec(*ret, "PRAGMA query_only = ON; PRAGMA wal_autocheckpoint = 0", NULL,
			    NULL, NULL);
}

static int set_base(struct record *record, uint64_t base_seq)
{
	CLEANUP(sqlite_finalize) sqlite3_stmt *s = NULL;
	int code = sqlite3_prepare_v2(
		record->db, "INSERT OR REPLACE INTO meta VALUES('base_seq', ?1)", -1, &s, NULL);

	if (code != SQLITE_OK)
		return record_failed(record, code);
	(void)sqlite3_bind_int64(s, 1, (sqlite3_int64)base_seq);
	code = record_run(record, s);
	if (code < 0)
		return code;
	/* the journal has nothing to wait for before that */
	code = sqlite3_exec(
		record->db,
		"UPDATE journal SET seq = (SELECT value FROM meta WHERE key = 'base_seq')", NULL,
		NULL, NULL);
	return code == SQLITE_OK ? 0 : record_failed(record, code);
}

static int copy_all(struct record *record, const char *directory, const struct record_aside *aside,
		    const struct verify *trusted, struct record_rescued *ret)
{
	CLEANUP(close_database) sqlite3 *old = NULL;
	bool own = false;
	int checked;

	if (open_old(directory, aside->name, &old) != SQLITE_OK) {
		ret->reports_cut = ret->others_cut = true;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		bool reports = tables[i].reports;
		uint64_t *n = reports ? &ret->n_reports : &ret->n_others;
		int code = copy_table(old, record->db, &tables[i], n, &own);

		if (own)
			return record_failed(record, code);
		if (code == SQLITE_DONE || code == SQLITE_ERROR)
			continue; /* whole; or it has no such table */
		if (reports)
			ret->reports_cut = true;
		else
			ret->others_cut = true;
	}
	checked = check_reports(old, record->db, trusted, &ret->n_altered);
	return checked == SQLITE_OK ? 0 : record_failed(record, checked);
}

int record_rescue(struct record *record, const char *directory, const struct record_aside *aside,
		  const struct verify *trusted, struct record_rescued *ret)
{
	int r = record_begin(record);

	*ret = (struct record_rescued){0};
	if (r == 0)
		r = set_base(record, aside->base_seq);
	if (r == 0)
		r = copy_all(record, directory, aside, trusted, ret);
	if (r == 0)
		r = record_do(record, COMMIT);
	if (r < 0 && !sqlite3_get_autocommit(record->db))
		(void)record_do(record, ROLLBACK); /* the first error counts */
	return r;
}

int record_look_through(struct record *record, char text[static RECORD_ASIDE_REASON])
{
	CLEANUP(sqlite_finalize) sqlite3_stmt *row = NULL;
	int code = sqlite3_prepare_v2(record->db, "PRAGMA integrity_check(1)", -1, &row, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(row);
	if (code == SQLITE_ROW && strcmp(sqlite_text(row, 0), "ok") == 0)
		return 0;
	(void)snprintf(text, RECORD_ASIDE_REASON, "%s",
		       code == SQLITE_ROW ? sqlite_text(row, 0) : sqlite3_errmsg(record->db));
	return code == SQLITE_ROW ? -EBADMSG : sqlite_errno(code);
}
