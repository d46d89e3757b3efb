/* SPDX-License-Identifier: Apache-2.0 */
/* what receivers have said that they hold; see anchor.h */
#include <string.h>

#include "core/record_statements.h"

#define PREPARE(which)                                     \
	sqlite3_stmt *s = record_statement(record, which); \
	if (!s)                                            \
	return record_failed(record, sqlite3_errcode(record->db))

static int set_anchor(struct record *record, const struct record_anchor *what)
{
	const struct anchor *anchor = what->anchor;
	int r;

	PREPARE(SET_ANCHOR);
	(void)sqlite3_bind_text(s, 1, what->destination, -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(s, 2, anchor->id, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int64(s, 3, anchor->seq);
	(void)sqlite3_bind_blob(s, 4, anchor->hash, sizeof(anchor->hash), SQLITE_STATIC);
	(void)sqlite3_bind_int64(s, 5, anchor->at_ms);
	(void)sqlite3_bind_text(s, 6, anchor_text(anchor->said), -1, SQLITE_STATIC);
	(void)sqlite3_bind_int(s, 7, anchor->unseen);
	(void)sqlite3_bind_int64(s, 8, anchor->wanted_seq);
	(void)sqlite3_bind_int64(s, 9, anchor->again_from);
	(void)sqlite3_bind_int64(s, 10, anchor->again_to);
	(void)sqlite3_bind_int64(s, 11, anchor->round_ms);
	(void)sqlite3_bind_int64(s, 12, anchor->renewed_ms);
	if (anchor->clock_known)
		(void)sqlite3_bind_int64(s, 13, anchor->clock_ms);
	else
		(void)sqlite3_bind_null(s, 13);
	(void)sqlite3_bind_int(s, 14, anchor->clock_said);
	r = record_run(record, s);
	(void)sqlite3_clear_bindings(s);
	return r;
}

/* Return: 1 the row is what was fixed; 0 it is not, and what is sent next says so; -errno */
static int is_fixed(struct record *record, int64_t id)
{
	char words[RECORD_WORDS_MAX];
	int code, r = 0;

	PREPARE(GET_JOB);
	(void)sqlite3_bind_int64(s, 1, id);
	code = sqlite3_step(s);
	if (code == SQLITE_ROW) {
		/* only read */
		const struct record_job job = {
			.webhook_id = (char *)(uintptr_t)sqlite_text(s, 0),
			.body = (char *)(uintptr_t)sqlite_text(s, 1),
			.type = (char *)(uintptr_t)sqlite_text(s, 2),
			.incident = (char *)(uintptr_t)sqlite_text(s, 3),
			.fixed = sqlite3_column_int64(s, 4),
		};

		/* NULL: this commit is about to fix it */
		r = sqlite3_column_type(s, 4) == SQLITE_NULL
			    ? 1
			    : sqlite_is_fixed(record->db, &job, words);
	} else if (code != SQLITE_DONE) {
		r = record_failed(record, code);
	}
	(void)sqlite3_reset(s); /* read-only */
	return r;
}

/* what was altered while its receiver was asked must not be fixed anew under another name */
static int rename_report(struct record *record, const struct record_renamed *renamed)
{
	int r = is_fixed(record, renamed->id);

	if (r <= 0)
		return r;
	PREPARE(RENAME_REPORT);
	(void)sqlite3_bind_int64(s, 1, renamed->id);
	(void)sqlite3_bind_text(s, 2, renamed->from, -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(s, 3, renamed->to, -1, SQLITE_STATIC);
	return record_run(record, s);
}

static int set_log_id(struct record *record, const char *log_id)
{
	PREPARE(SET_LOG_ID);
	(void)sqlite3_bind_text(s, 1, log_id, -1, SQLITE_STATIC);
	return record_run(record, s);
}

int record_set_anchors(struct record *record, const struct record_commit *commit)
{
	int r = commit->log_id ? set_log_id(record, commit->log_id) : 0;

	for (size_t i = 0; r == 0 && i < commit->n_anchors; i++)
		r = set_anchor(record, &commit->anchors[i]);
	for (size_t i = 0; r == 0 && i < commit->n_renamed; i++)
		r = rename_report(record, &commit->renamed[i]);
	return r;
}

static enum anchor_finding finding_of(const char *text)
{
	for (int i = 0; i <= ANCHOR_FINDING_MAX; i++)
		if (strcmp(anchor_text((enum anchor_finding)i), text) == 0)
			return (enum anchor_finding)i;
	return ANCHOR_NOTHING;
}

/* of another length, as somebody may have made them by hand: as if nothing were known */
static bool take_chain(sqlite3_stmt *s, struct anchor *ret)
{
	const char *id = sqlite_text(s, 0);

	if (strlen(id) >= sizeof(ret->id) || sqlite3_column_bytes(s, 2) != (int)sizeof(ret->hash))
		return false;
	memcpy(ret->id, id, strlen(id) + 1);
	memcpy(ret->hash, sqlite3_column_blob(s, 2), sizeof(ret->hash));
	return true;
}

static void take_anchor(sqlite3_stmt *s, struct anchor *ret)
{
	ret->seq = take_chain(s, ret) ? sqlite3_column_int64(s, 1) : 0;
	ret->at_ms = sqlite3_column_int64(s, 3);
	ret->said = finding_of(sqlite_text(s, 4));
	ret->unseen = sqlite3_column_int(s, 5) != 0;
	ret->wanted_seq = sqlite3_column_int64(s, 6);
	ret->again_from = sqlite3_column_int64(s, 7);
	ret->again_to = sqlite3_column_int64(s, 8);
	ret->round_ms = sqlite3_column_int64(s, 9);
	ret->renewed_ms = sqlite3_column_int64(s, 10);
	ret->clock_known = sqlite3_column_type(s, 11) == SQLITE_INTEGER;
	ret->clock_ms = sqlite3_column_int64(s, 11);
	ret->clock_said = sqlite3_column_int(s, 12) != 0;
}

int record_anchor(struct record *record, const char *destination, struct anchor *ret)
{
	int code, r = 0;

	PREPARE(GET_ANCHOR);
	(void)sqlite3_bind_text(s, 1, destination, -1, SQLITE_STATIC);
	code = sqlite3_step(s);
	if (code == SQLITE_ROW) {
		*ret = (struct anchor){0};
		take_anchor(s, ret);
		r = 1;
	} else if (code != SQLITE_DONE) {
		r = record_failed(record, code);
	}
	(void)sqlite3_reset(s); /* read-only */
	return r;
}

int record_entry_hash(struct record *record, int64_t seq, uint8_t ret[static 32])
{
	int code, r = 0;

	PREPARE(GET_HASH);
	(void)sqlite3_bind_int64(s, 1, seq);
	code = sqlite3_step(s);
	if (code == SQLITE_ROW && sqlite3_column_bytes(s, 0) == 32) {
		memcpy(ret, sqlite3_column_blob(s, 0), 32);
		r = 1;
	} else if (code != SQLITE_DONE && code != SQLITE_ROW) {
		r = record_failed(record, code);
	}
	(void)sqlite3_reset(s); /* read-only */
	return r;
}

static void bind_again(sqlite3_stmt *s, const struct record_again *what, int64_t to)
{
	(void)sqlite3_bind_text(s, 1, what->destination, -1, SQLITE_STATIC);
	(void)sqlite3_bind_text(s, 2, what->id, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int64(s, 3, what->from);
	(void)sqlite3_bind_int64(s, 4, to);
}

static int again_until(struct record *record, const struct record_again *what, int64_t *ret_done)
{
	int code, r;

	PREPARE(AGAIN_UNTIL);
	bind_again(s, what, what->to);
	(void)sqlite3_bind_int(s, 5, RECORD_AGAIN_MAX);
	code = sqlite3_step(s);
	r = code == SQLITE_ROW ? sqlite3_column_int(s, 0) : record_failed(record, code);
	if (r >= 0)
		*ret_done = r == RECORD_AGAIN_MAX ? sqlite3_column_int64(s, 1) : what->to;
	(void)sqlite3_reset(s); /* read-only */
	return r;
}

int record_send_again(struct record *record, const struct record_again *what, int64_t *ret_done)
{
	int64_t done = what->from;
	int n = again_until(record, what, &done), r = 0;

	if (n > 0) {
		PREPARE(SEND_AGAIN);
		bind_again(s, what, done);
		r = record_run(record, s);
	}
	if (n < 0 || r < 0)
		return n < 0 ? n : r;
	*ret_done = done;
	return n;
}
