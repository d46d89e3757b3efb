/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/record_statements.h"

#define LOOKED_AT 1000 /* rows in one commit; most of them are fixed already after a restart */

const char *const record_legacy_sql[N_STATEMENTS] = {
	[FIRST_FIXED] = "SELECT line FROM entry WHERE type = 'reports.fixed' ORDER BY seq LIMIT 1",
	/* each half by an index of its own: what was sent may be millions */
	[COUNT_WAITING] = "SELECT (SELECT count(*) FROM outbox WHERE state IN ('pending', 'held'))"
			  " + (SELECT count(*) FROM outbox WHERE state IN ('stopped', 'abandoned')"
			  " AND state = 'stopped')",
	[LEGACY_IDS] = "SELECT id FROM outbox WHERE state IN ('pending', 'held') UNION ALL"
		       " SELECT id FROM outbox WHERE state IN ('stopped', 'abandoned')"
		       " AND state = 'stopped'",
	/* only saves the way through all entries at a start; whoever adds it gains nothing */
	[LEGACY_DONE] = "INSERT OR REPLACE INTO meta VALUES('legacy_done', 1)",
	[LEGACY_IS_DONE] = "SELECT 1 FROM meta WHERE key = 'legacy_done'",
	[LEGACY_ROW] = "SELECT id, webhook_id, body, type, incident, destination, skipped"
		       " FROM outbox WHERE id = ?1 AND coalesce(fixed, 0) = 0"
		       " AND state IN ('pending', 'held', 'stopped')",
};

/* bindings fail for want of memory or a wrong index only; the step that follows says so */
#define PREPARE(which)                                     \
	sqlite3_stmt *s = record_statement(record, which); \
	if (!s)                                            \
	return record_failed(record, sqlite3_errcode(record->db))

/* Return: 1 there is a row; 0; -errno */
static int get(struct record *record, enum record_statement which, int64_t *ret)
{
	int code;

	PREPARE(which);
	code = sqlite3_step(s);
	if (code == SQLITE_ROW)
		*ret = sqlite3_column_int64(s, 0);
	(void)sqlite3_reset(s); /* read-only */
	return code == SQLITE_ROW ? 1 : code == SQLITE_DONE ? 0 : record_failed(record, code);
}

/* Return: 1 the first entry that fixes anything speaks of an older record; 0 it does not;
 * -ENOENT there is none; -errno */
static int first_fixed(struct record *record)
{
	int code, r = -ENOENT;

	PREPARE(FIRST_FIXED);
	code = sqlite3_step(s);
	if (code == SQLITE_ROW)
		r = strstr(sqlite_text(s, 0), "\"left\":") ? 1 : 0;
	(void)sqlite3_reset(s); /* read-only */
	return code == SQLITE_ROW || code == SQLITE_DONE ? r : record_failed(record, code);
}

int record_legacy_begin(struct record *record, const struct record_commit *commit)
{
	struct record_legacy *next = &record->legacy_next;
	int64_t n = 0;
	int r;

	*next = record->legacy;
	if (!commit->fixed || next->state != LEGACY_UNKNOWN)
		return 0;
	r = first_fixed(record);
	next->state = LEGACY_DONE_WITH;
	if (r == -ENOENT) {
		r = get(record, COUNT_WAITING, &next->left);
		if (next->left > 0)
			next->state = LEGACY_ASKED;
	} else if (r == 1) {
		r = get(record, LEGACY_IS_DONE, &n);
		if (r == 0)
			next->state = LEGACY_ASKED;
	}
	return MIN(r, 0);
}

/* --- some of it -------------------------------------------------------------------- */

static int take_legacy(struct record *record, int64_t id, struct record_rows *ret)
{
	int code, r = 0;

	PREPARE(LEGACY_ROW);
	(void)sqlite3_bind_int64(s, 1, id);
	code = sqlite3_step(s);
	if (code == SQLITE_ROW)
		r = record_take_row(record, s, &ret->fixed[ret->n++]);
	else if (code != SQLITE_DONE)
		r = record_failed(record, code);
	(void)sqlite3_reset(s); /* read-only */
	return r;
}

static bool has_row(const struct record_rows *rows, int64_t id)
{
	for (size_t i = 0; i < rows->n; i++)
		if (rows->fixed[i].id == id)
			return true;
	return false;
}

static int take_next(struct record *record, const struct record_commit *commit,
		     struct record_rows *rows)
{
	struct record_legacy *next = &record->legacy_next;
	size_t most = (size_t)MIN(next->left, (int64_t)RECORD_LEGACY_ROWS);
	int r = 0;

	for (size_t i = 0; r == 0 && i < commit->n_legacy_first && rows->n < most; i++)
		if (!has_row(rows, commit->legacy_first[i]))
			r = take_legacy(record, commit->legacy_first[i], rows);
	for (size_t n = 0; r == 0 && n < LOOKED_AT && next->at < next->n && rows->n < most; n++) {
		if (!has_row(rows, next->ids[next->at]))
			r = take_legacy(record, next->ids[next->at], rows);
		next->at++;
	}
	return r;
}

static int fix_some(struct record *record, const struct record_commit *commit,
		    struct record_rows *rows, struct chain *chain)
{
	struct record_legacy *next = &record->legacy_next;
	int r = take_next(record, commit, rows);

	if (r < 0)
		return r;
	next->left -= (int64_t)rows->n;
	if (next->at == next->n)
		next->left = 0; /* the rest was given up meanwhile */
	if (next->left == 0) {
		next->state = LEGACY_DONE_WITH;
		r = record_do(record, LEGACY_DONE);
	}
	if (r < 0 || (rows->n == 0 && next->left > 0))
		return r;
	return record_fix_rows(record, commit, rows, next->left, chain);
}

int record_legacy_fix(struct record *record, const struct record_commit *commit,
		      struct chain *chain)
{
	struct record_legacy *next = &record->legacy_next;
	bool begins = record->legacy.state == LEGACY_UNKNOWN && next->state == LEGACY_ASKED &&
		      next->left > 0;
	struct record_rows *rows;
	int r;

	if (!begins && (next->state != LEGACY_TAKEN || !commit->legacy))
		return 0;
	rows = calloc(1, sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	r = begins ? record_fix_rows(record, commit, rows, next->left, chain)
		   : fix_some(record, commit, rows, chain);
	record_rows_done(rows);
	free(rows);
	return r;
}

/* --- between commits --------------------------------------------------------------- */

enum record_legacy_state record_legacy_state(const struct record *record)
{
	return record->legacy.state;
}

static int load_ids(struct record *record, int64_t n)
{
	struct record_legacy *legacy = &record->legacy;
	int code = SQLITE_ROW;

	PREPARE(LEGACY_IDS);
	legacy->ids = calloc((size_t)n + 1, sizeof(*legacy->ids));
	if (!legacy->ids)
		return -ENOMEM;
	while (legacy->n < (size_t)n && (code = sqlite3_step(s)) == SQLITE_ROW)
		legacy->ids[legacy->n++] = sqlite3_column_int64(s, 0);
	(void)sqlite3_reset(s); /* read-only */
	return code == SQLITE_ROW || code == SQLITE_DONE ? 0 : record_failed(record, code);
}

int record_legacy_decide(struct record *record, uint64_t left)
{
	struct record_legacy legacy = {
		.state = left > 0 ? LEGACY_TAKEN : LEGACY_DONE_WITH,
		.left = (int64_t)MIN(left, (uint64_t)INT64_MAX),
	};
	int64_t n = 0;
	int r = 0;

	if (left > 0) {
		r = get(record, COUNT_WAITING, &n);
		if (r >= 0)
			r = load_ids(record, n);
	}
	if (r < 0) {
		free(record->legacy.ids);
		record->legacy.ids = NULL;
		record->legacy.n = 0;
		return r;
	}
	legacy.ids = record->legacy.ids;
	legacy.n = record->legacy.n;
	record->legacy = legacy;
	return 0;
}
