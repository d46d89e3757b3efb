/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a start puts right in the outbox before anything is sent from it. Turn and place follow
 * from the rows, that a report is held follows from the chain: what somebody has written there is
 * not believed. A report that was held without an entry waits again; whether it is the one that
 * was made is looked at before it is sent, as with all others.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/record_mend.h"
#include "core/record_statements.h"
#include "core/verify.h"

/* --- turns --------------------------------------------------------------------------- */

static const char *const turns[] = {
	"UPDATE outbox SET turn = 0 WHERE id IN (" RECORD_SQL_WRONG_TURN ")",
	"UPDATE outbox SET turn = 1 WHERE id IN (" RECORD_SQL_NO_TURN ")",
	"UPDATE outbox AS o SET place = " RECORD_SQL_PLACE " WHERE o.id IN (" RECORD_SQL_WRONG_PLACE
	")",
};

static int mend_turns(struct record *record, struct record_mended *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(turns); i++) {
		int code = sqlite3_exec(record->db, turns[i], NULL, NULL, NULL);

		if (code != SQLITE_OK)
			return record_failed(record, code);
		ret->n_turns += sqlite3_changes(record->db);
	}
	return 0;
}

/* --- what is held -------------------------------------------------------------------- */

#define STOPPED                                                                      \
	"SELECT id, webhook_id, destination, coalesce(fixed, 0), reason FROM outbox" \
	" WHERE state IN ('stopped', 'abandoned') AND state = 'stopped' ORDER BY id"

static struct verify_reports *reports_done(struct verify_reports *reports)
{
	verify_reports_done(reports);
	return NULL;
}
DEFINE_CLEANUP(struct verify_reports *, reports_done)

/* all that the chain says of it: asked only where something is held */
static int read_acts(struct record *record, struct verify_reports *ret)
{
	static const char sql[] = "SELECT seq, type, line FROM entry WHERE type IN"
				  " ('report.stopped', 'report.altered', 'report.released')"
				  " ORDER BY seq";
	CLEANUP(sqlite_finalize) sqlite3_stmt *row = NULL;
	int code = sqlite3_prepare_v2(record->db, sql, -1, &row, NULL);

	if (code != SQLITE_OK)
		return record_failed(record, code);
	while ((code = sqlite3_step(row)) == SQLITE_ROW) {
		const char *type = sqlite_text(row, 1);

		verify_reports_line(ret, (uint64_t)sqlite3_column_int64(row, 0), type, strlen(type),
				    sqlite_text(row, 2));
	}
	if (code != SQLITE_DONE)
		return record_failed(record, code);
	return ret->failed ? -ENOMEM : 0;
}

static int let_go(struct record *record, int64_t id)
{
	CLEANUP(sqlite_finalize) sqlite3_stmt *s = NULL;
	int code = sqlite3_prepare_v2(record->db,
				      "UPDATE outbox SET state = 'pending', next_ms = 0,"
				      " changed_by = NULL, reason = NULL WHERE id = ?1",
				      -1, &s, NULL);

	if (code != SQLITE_OK)
		return record_failed(record, code);
	(void)sqlite3_bind_int64(s, 1, id);
	return record_run(record, s);
}

/* the row is read before it is changed: the index that is walked has it no more then */
static int mend_one(struct record *record, const struct verify_reports *reports, int64_t *after,
		    struct record_mended *ret)
{
	static const char sql[] = "SELECT id, webhook_id, destination, coalesce(fixed, 0)"
				  " FROM outbox WHERE state IN ('stopped', 'abandoned')"
				  " AND state = 'stopped' AND id > ?1 ORDER BY id LIMIT 1";
	CLEANUP(sqlite_finalize) sqlite3_stmt *row = NULL;
	int code = sqlite3_prepare_v2(record->db, sql, -1, &row, NULL);

	if (code != SQLITE_OK)
		return record_failed(record, code);
	(void)sqlite3_bind_int64(row, 1, *after);
	code = sqlite3_step(row);
	if (code != SQLITE_ROW)
		return code == SQLITE_DONE ? 0 : record_failed(record, code);
	*after = sqlite3_column_int64(row, 0);
	if (verify_reports_holds(reports, sqlite_text(row, 1), sqlite_text(row, 2),
				 (uint64_t)sqlite3_column_int64(row, 3)))
		return 1;
	if (ret->n_released++ == 0)
		(void)snprintf(ret->report, sizeof(ret->report), "%s", sqlite_text(row, 1));
	code = let_go(record, *after);
	return code < 0 ? code : 1;
}

static int has_stopped(struct record *record)
{
	CLEANUP(sqlite_finalize) sqlite3_stmt *row = NULL;
	int code = sqlite3_prepare_v2(record->db, STOPPED " LIMIT 1", -1, &row, NULL);

	if (code != SQLITE_OK)
		return record_failed(record, code);
	code = sqlite3_step(row);
	return code == SQLITE_ROW ? 1 : code == SQLITE_DONE ? 0 : record_failed(record, code);
}

static int mend_held(struct record *record, struct record_mended *ret)
{
	CLEANUP(reports_done) struct verify_reports *reports = &(struct verify_reports){0};
	int64_t after = INT64_MIN;
	int r = has_stopped(record);

	if (r <= 0)
		return r;
	r = read_acts(record, reports);
	if (r == 0)
		while ((r = mend_one(record, reports, &after, ret)) > 0)
			;
	return r;
}

int record_mend(struct record *record, uint64_t after, struct record_mended *ret)
{
	int r;

	*ret = (struct record_mended){0};
	if (record->mode != RECORD_WRITABLE)
		return 0; /* nothing is sent from it before it can be written, and opened again */
	r = record_begin(record);
	if (r == 0)
		r = mend_held(record, ret);
	if (r == 0)
		r = mend_turns(record, ret);
	if (r == 0)
		r = record_mend_incidents(record, after, ret);
	if (r == 0)
		r = record_do(record, COMMIT);
	if (r < 0 && !sqlite3_get_autocommit(record->db))
		(void)record_do(record, ROLLBACK); /* the first error counts */
	return r;
}

int record_stopped(struct record *record,
		   void (*each)(void *userdata, const char *report, const char *destination,
				const char *reason),
		   void *userdata)
{
	CLEANUP(sqlite_finalize) sqlite3_stmt *row = NULL;
	int code = sqlite3_prepare_v2(record->db, STOPPED, -1, &row, NULL);

	if (code != SQLITE_OK)
		return record_failed(record, code);
	while ((code = sqlite3_step(row)) == SQLITE_ROW)
		each(userdata, sqlite_text(row, 1), sqlite_text(row, 2), sqlite_text(row, 4));
	return code == SQLITE_DONE ? 0 : record_failed(record, code);
}
