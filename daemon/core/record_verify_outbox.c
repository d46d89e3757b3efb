/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outbox held against the chain: is each row what its entry has fixed, is what was replaced
 * said to be so by an entry, and does all that must wait do so? The entries are good by then.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/files.h"
#include "core/record_statements.h"
#include "core/verify.h"

enum column {
	ID,
	REPORT,
	BODY,
	TYPE,
	INCIDENT,
	DESTINATION,
	STATE,
	FIXED,
	LINE,
	REPLACED_LINE,
	LANE
};

#define COLUMNS                                                                          \
	"SELECT o.id, o.webhook_id, o.body, o.type, o.incident, o.destination, o.state," \
	" coalesce(o.fixed, 0), e.line, r.line, o.lane"

static bool is_state(sqlite3_stmt *row, const char *state)
{
	return strcmp(sqlite_text(row, STATE), state) == 0;
}

static bool waits(sqlite3_stmt *row)
{
	return is_state(row, "pending") || is_state(row, "held") || is_state(row, "stopped");
}

/* from before anything was fixed? Then it does not wait any more, or it is yet to be fixed. */
static bool is_older(const struct verify *verify, sqlite3_stmt *row)
{
	struct verify_reports *reports = verify->reports;

	if (sqlite3_column_int64(row, FIXED) != 0)
		return false;
	if (waits(row))
		return reports->n_left++ < reports->left;
	return !reports->any || reports->takes_over;
}

/* its body is gone; that it was an update, and that it was replaced, was said. Return: as below */
static int is_replaced(sqlite3_stmt *row)
{
	static const char type[] = "\",\"type\":\"incident.updated\"}";
	char *text;
	bool good;

	if (asprintf(&text, "\"report\":\"%s%s", sqlite_text(row, REPORT), type) < 0)
		return -ENOMEM;
	good = *sqlite_text(row, BODY) == '\0' && strstr(sqlite_text(row, LINE), text);
	free(text);
	if (!good)
		return 0;
	if (asprintf(&text, "\"%s\"", sqlite_text(row, REPORT)) < 0)
		return -ENOMEM;
	good = sqlite_is_listed(sqlite_text(row, REPLACED_LINE), text);
	free(text);
	return good;
}

/* all of it, up to its end: SQLite keeps what stands behind a NUL, and we would not see it */
static bool is_text(sqlite3_stmt *row, int column)
{
	return strlen(sqlite_text(row, column)) == (size_t)sqlite3_column_bytes(row, column);
}

/* would it ever be asked for? In the other kind's lane nobody does, nor in one that is none. */
static bool is_reachable(sqlite3_stmt *row)
{
	int64_t lane = sqlite3_column_int64(row, LANE);

	return files_path(sqlite_text(row, REPORT)) ? lane == FILES_LANE
						    : lane >= 0 && lane < FILES_LANE;
}

/* Return: 1; 0 it is not what was fixed; -ENOMEM */
static int is_good(sqlite3_stmt *row)
{
	/* only read */
	const struct record_job job = {
		.webhook_id = (char *)(uintptr_t)sqlite_text(row, REPORT),
		.body = (char *)(uintptr_t)sqlite_text(row, BODY),
		.type = (char *)(uintptr_t)sqlite_text(row, TYPE),
		.incident = (char *)(uintptr_t)sqlite_text(row, INCIDENT),
	};

	if (sqlite3_column_type(row, LINE) == SQLITE_NULL)
		return 0;
	if (is_state(row, "superseded"))
		return is_replaced(row);
	for (int i = REPORT; i <= DESTINATION; i++)
		if (!is_text(row, i))
			return 0;
	if (!is_reachable(row) || !sqlite_is_for(job.webhook_id, sqlite_text(row, DESTINATION)))
		return 0;
	return sqlite_find_body(sqlite_text(row, LINE), &job);
}

static void look(struct verify *verify, sqlite3_stmt *row)
{
	uint64_t fixed = (uint64_t)sqlite3_column_int64(row, FIXED);
	int r;

	if (is_older(verify, row)) {
		verify->n_unfixed++;
		return;
	}
	r = is_good(row);
	if (r > 0)
		return;
	(void)snprintf(verify->report, sizeof(verify->report), "%s", sqlite_text(row, REPORT));
	verify_fail(verify, r < 0 ? VERIFY_FAILED : VERIFY_REPORT, fixed);
}

/* Return: 1 there may be more; 0; -errno */
static int look_at_rows(sqlite3 *db, struct verify *verify, int64_t *after, size_t most)
{
	static const char sql[] = COLUMNS
		" FROM outbox AS o LEFT JOIN entry AS e ON e.seq = o.fixed"
		" LEFT JOIN entry AS r ON r.seq = o.replaced_fixed WHERE o.id > ?1"
		" ORDER BY o.id LIMIT ?2";
	CLEANUP(sqlite_finalize) sqlite3_stmt *row = NULL;
	int code = sqlite3_prepare_v2(db, sql, -1, &row, NULL);
	size_t n = 0;

	if (code != SQLITE_OK)
		return sqlite_errno(code);
	(void)sqlite3_bind_int64(row, 1, *after);
	(void)sqlite3_bind_int64(row, 2, (sqlite3_int64)most);
	for (; !verify->fault && (code = sqlite3_step(row)) == SQLITE_ROW; n++) {
		look(verify, row);
		*after = sqlite3_column_int64(row, ID);
	}
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		return sqlite_errno(code);
	return !verify->fault && n == most;
}

static void fail_row(struct verify *verify, enum verify_fault fault, sqlite3_stmt *row)
{
	if (verify->fault)
		return;
	(void)snprintf(verify->report, sizeof(verify->report), "%s", sqlite_text(row, 0));
	verify_fail(verify, fault, (uint64_t)sqlite3_column_int64(row, 1));
}

static int look_at_turns(sqlite3 *db, struct verify *verify)
{
	CLEANUP(sqlite_finalize) sqlite3_stmt *row = NULL;
	int code = sqlite3_prepare_v2(db,
				      "SELECT webhook_id, coalesce(fixed, 0) FROM outbox WHERE id "
				      "IN (" RECORD_SQL_WRONG_TURN " UNION ALL " RECORD_SQL_NO_TURN
				      " UNION ALL " RECORD_SQL_WRONG_PLACE ") LIMIT 1",
				      -1, &row, NULL);

	if (code != SQLITE_OK)
		return sqlite_errno(code);
	code = sqlite3_step(row);
	if (code == SQLITE_ROW)
		fail_row(verify, VERIFY_TURN, row);
	return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : sqlite_errno(code);
}

/* in one go: what is delivered meanwhile would seem to be missing */
static int look_for_gone(sqlite3 *db, struct verify *verify)
{
	/* each half by an index of its own, see record_fix.c */
	static const char sql[] =
		"SELECT webhook_id, coalesce(fixed, 0), NULL FROM outbox"
		" WHERE state IN ('pending', 'held')"
		" UNION ALL SELECT webhook_id, coalesce(fixed, 0), destination FROM outbox WHERE"
		" state IN ('stopped', 'abandoned') AND state = 'stopped'";
	CLEANUP(sqlite_finalize) sqlite3_stmt *row = NULL;
	int code = sqlite3_prepare_v2(db, sql, -1, &row, NULL);
	uint64_t entry;

	if (code != SQLITE_OK)
		return sqlite_errno(code);
	while ((code = sqlite3_step(row)) == SQLITE_ROW) {
		verify_reports_take(verify->reports, sqlite_text(row, 0));
		if (sqlite3_column_type(row, 2) != SQLITE_NULL &&
		    !verify_reports_holds(verify->reports, sqlite_text(row, 0), sqlite_text(row, 2),
					  (uint64_t)sqlite3_column_int64(row, 1)))
			fail_row(verify, VERIFY_STOPPED, row);
	}
	entry = verify_reports_left(verify->reports);
	if (verify->reports->failed)
		verify_fail(verify, VERIFY_FAILED, verify->chain.seq);
	else if (entry > 0)
		verify_fail(verify, VERIFY_REPORT_GONE, entry);
	return code == SQLITE_DONE ? 0 : sqlite_errno(code);
}

int sqlite_verify_outbox(sqlite3 *db, struct verify *verify, int64_t *after, size_t most)
{
	int r;

	if (*after == 0) {
		*after = INT64_MIN;
		r = look_for_gone(db, verify);
		if (r < 0)
			return r;
	}
	r = verify->fault ? 0 : look_at_rows(db, verify, after, most);
	return r == 0 && !verify->fault ? look_at_turns(db, verify) : r;
}

int record_verify_outbox(struct record *record, struct verify *verify, int64_t *after, size_t most)
{
	int r = sqlite_verify_outbox(record->db, verify, after, most);

	return r < 0 ? record_failed(record, sqlite3_errcode(record->db)) : r;
}
