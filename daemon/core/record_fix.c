/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What waits in the outbox is fixed by the chain: the last entries of a commit that puts reports or
 * data files there, "reports.fixed", give the SHA-256 of each body. A body holds the hash of its
 * own entry, so it cannot be part of that; and what it says of updates that it stands for is known
 * within the transaction only. A row says which entry it is ("fixed").
 *
 * NULL there means "put here by this transaction". What another program has left NULL is not
 * taken for that: it becomes 0, which fixes nothing. What an older version has left, or a record
 * that was set aside, is taken over once (record_legacy.c).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/files.h"
#include "core/record_statements.h"

const char *const record_fix_sql[N_STATEMENTS] = {
	[FORGET_UNFIXED] = "UPDATE outbox SET fixed = 0 WHERE fixed IS NULL",
	[UNFIXED] = "SELECT id, webhook_id, body, type, incident, destination, skipped"
		    " FROM outbox WHERE fixed IS NULL ORDER BY id LIMIT ?1",
	[SET_FIXED] = "UPDATE outbox SET fixed = ?2 WHERE id = ?1",
	[REPLACED_BY] = "SELECT id, webhook_id FROM outbox WHERE incident = ?1"
			" AND destination = ?2 AND state = 'superseded' AND replaced_by = ?3"
			" AND replaced_fixed IS NULL",
	[SET_REPLACED_FIXED] = "UPDATE outbox SET replaced_fixed = ?2 WHERE id = ?1",
};

/* bindings fail for want of memory or a wrong index only; the step that follows says so */
#define PREPARE(which)                                     \
	sqlite3_stmt *s = record_statement(record, which); \
	if (!s)                                            \
	return record_failed(record, sqlite3_errcode(record->db))

/* --- rows -------------------------------------------------------------------------- */

static void row_done(struct record_row *row)
{
	free(row->report);
	free(row->type);
	free(row->incident);
	free(row->destination);
	*row = (struct record_row){0};
}

void record_rows_done(struct record_rows *rows)
{
	for (size_t i = 0; i < rows->n; i++)
		row_done(&rows->fixed[i]);
	for (size_t i = 0; i < rows->n_replaced; i++)
		row_done(&rows->replaced[i]);
	free(rows->replaced);
	*rows = (struct record_rows){0};
}

static struct event_body body_of(const struct record_row *row)
{
	return (struct event_body){
		.hash = row->hash,
		.report = row->report,
		.type = row->is_file ? NULL : row->type,
		.incident = row->is_file ? NULL : row->incident,
	};
}

/* What this commit has made is fixed as it was made, whatever the row may hold by now. What an
 * older version has left is what the row says, and so is what goes by another name. */
int record_take_row(struct record *record, sqlite3_stmt *s, struct record_row *ret)
{
	struct record_made *made = record_find_made(record, sqlite3_column_int64(s, 0));
	const char *body = sqlite_text(s, 2);

	*ret = (struct record_row){
		.id = sqlite3_column_int64(s, 0),
		.report = strdup(sqlite_text(s, 1)),
		.type = strdup(sqlite_text(s, 3)),
		.incident = strdup(sqlite_text(s, 4)),
		.destination = strdup(sqlite_text(s, 5)),
		.replaces = sqlite3_column_int64(s, 6) > 0,
		.is_file = strcmp(sqlite_text(s, 3), FILES_TYPE) == 0,
	};
	if (!ret->report || !ret->type || !ret->incident || !ret->destination)
		return -ENOMEM;
	if (!made)
		return event_body_hash(body, strlen(body), ret->hash);
	made->is_fixed = true;
	memcpy(ret->hash, made->hash, sizeof(ret->hash));
	return 0;
}

static int take_unfixed(struct record *record, struct record_rows *ret)
{
	int code = SQLITE_ROW, r = 0;

	PREPARE(UNFIXED);
	(void)sqlite3_bind_int(s, 1, RECORD_ENTRY_BODIES);
	while (r == 0 && (code = sqlite3_step(s)) == SQLITE_ROW)
		r = record_take_row(record, s, &ret->fixed[ret->n++]);
	if (r == 0 && code != SQLITE_DONE)
		r = record_failed(record, code);
	(void)sqlite3_reset(s); /* read-only */
	return r;
}

static int add_replaced(struct record_rows *rows, sqlite3_stmt *s)
{
	struct record_row *grown = reallocarray(rows->replaced, rows->n_replaced + 1,
						sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	rows->replaced = grown;
	grown[rows->n_replaced] = (struct record_row){
		.id = sqlite3_column_int64(s, 0),
		.report = strdup(sqlite_text(s, 1)),
	};
	return grown[rows->n_replaced++].report ? 0 : -ENOMEM;
}

static int take_replaced(struct record *record, const struct record_row *row,
			 struct record_rows *ret)
{
	int code = SQLITE_ROW, r = 0;

	PREPARE(REPLACED_BY);
	(void)sqlite3_bind_text(s, 1, row->incident, -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(s, 2, row->destination, -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(s, 3, row->report, -1, SQLITE_STATIC);
	while (r == 0 && (code = sqlite3_step(s)) == SQLITE_ROW)
		r = add_replaced(ret, s);
	if (r == 0 && code != SQLITE_DONE)
		r = record_failed(record, code);
	(void)sqlite3_reset(s);		 /* read-only */
	(void)sqlite3_clear_bindings(s); /* they point into @row */
	return r;
}

/* --- their entry ------------------------------------------------------------------- */

static int make_line(const struct record_commit *commit, const struct record_rows *rows,
		     int64_t left, struct batch_entry *entry)
{
	struct event event = event_plain(EVENT_REPORTS_FIXED, commit->now);
	struct event_body bodies[RECORD_ENTRY_BODIES];
	const char **replaced = calloc(rows->n_replaced + 1, sizeof(*replaced));
	char message[EVENT_MESSAGE_MAX];

	if (!replaced)
		return -ENOMEM;
	for (size_t i = 0; i < rows->n; i++)
		bodies[i] = body_of(&rows->fixed[i]);
	for (size_t i = 0; i < rows->n_replaced; i++)
		replaced[i] = rows->replaced[i].report;
	event.bodies = bodies;
	event.n_bodies = rows->n;
	event.replaced = replaced;
	event.n_replaced = rows->n_replaced;
	event.number = (int64_t)rows->n;
	event.reason = left >= 0 ? "as an older record has left them" : NULL;
	event.has_left = left >= 0;
	event.left = left;
	event_message(&event, commit->config, message);
	entry->line = event_line(&event, commit->config, entry->seq);
	entry->message = strdup(message);
	entry->priority = event_priority(&event, commit->config);
	free(replaced);
	return entry->line && entry->message ? 0 : -ENOMEM;
}

static struct batch_entry *new_entry(const struct record_commit *commit, const struct chain *chain)
{
	struct record_fixed *fixed = commit->fixed;
	struct batch_entry *grown = reallocarray(fixed->entries, fixed->n + 1, sizeof(*grown));

	if (!grown)
		return NULL;
	fixed->entries = grown;
	grown[fixed->n] = (struct batch_entry){
		.seq = chain->seq + 1,
		.wall_ms = commit->now.wall_ms,
		.type = EVENT_REPORTS_FIXED,
	};
	return &grown[fixed->n++];
}

static int set_number(struct record *record, enum record_statement which, int64_t id, uint64_t seq)
{
	PREPARE(which);
	(void)sqlite3_bind_int64(s, 1, id);
	(void)sqlite3_bind_int64(s, 2, (sqlite3_int64)seq);
	return record_run(record, s);
}

int record_fix_rows(struct record *record, const struct record_commit *commit,
		    struct record_rows *rows, int64_t left, struct chain *chain)
{
	struct batch_entry *entry = new_entry(commit, chain);
	int r = entry ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < rows->n; i++)
		if (rows->fixed[i].replaces)
			r = take_replaced(record, &rows->fixed[i], rows);
	if (r == 0)
		r = make_line(commit, rows, left, entry);
	if (r == 0)
		r = chain_next(chain->hash, entry->line, entry->hash);
	if (r == 0)
		r = record_add_entry(record, entry);
	for (size_t i = 0; r == 0 && i < rows->n; i++)
		r = set_number(record, SET_FIXED, rows->fixed[i].id, entry->seq);
	for (size_t i = 0; r == 0 && i < rows->n_replaced; i++)
		r = set_number(record, SET_REPLACED_FIXED, rows->replaced[i].id, entry->seq);
	if (r < 0)
		return r;
	chain->seq = entry->seq;
	chain->wall_ms = entry->wall_ms;
	memcpy(chain->before, chain->hash, sizeof(chain->before));
	memcpy(chain->hash, entry->hash, sizeof(chain->hash));
	return 0;
}

/* --- a commit ---------------------------------------------------------------------- */

static bool has_work(const struct record_commit *commit)
{
	return commit->fixed && (commit->batch->n_reports > 0 || commit->n_renamed > 0);
}

int record_fix_begin(struct record *record, const struct record_commit *commit)
{
	int r = record_legacy_begin(record, commit);

	return r == 0 && has_work(commit) ? record_do(record, FORGET_UNFIXED) : r;
}

int record_fix(struct record *record, const struct record_commit *commit, struct chain *chain)
{
	bool goes_on = has_work(commit);
	struct record_rows rows = {0};
	int r = 0;

	if (commit->fixed)
		r = record_legacy_fix(record, commit, chain);
	while (r == 0 && goes_on) {
		r = take_unfixed(record, &rows);
		goes_on = rows.n == RECORD_ENTRY_BODIES;
		if (r == 0 && rows.n > 0)
			r = record_fix_rows(record, commit, &rows, -1, chain);
		record_rows_done(&rows);
	}
	for (size_t i = 0; r == 0 && commit->fixed && i < record->n_made; i++)
		if (!record->made[i].is_fixed) {
			(void)snprintf(record->error, sizeof(record->error),
				       "report %.120s, which was just put into the outbox, is not "
				       "there any more",
				       commit->batch->reports[record->made[i].report].webhook_id);
			r = -EBADMSG;
		}
	if (commit->fixed)
		commit->fixed->chain = *chain;
	return r;
}

void record_fixed_done(struct record_fixed *fixed)
{
	for (size_t i = 0; i < fixed->n; i++) {
		free(fixed->entries[i].line);
		free(fixed->entries[i].message);
	}
	free(fixed->entries);
	*fixed = (struct record_fixed){0};
}
