/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The chain for those who read: verified, and handed out in parts.
 */
#include <errno.h>
#include <string.h>

#include "core/history.h"
#include "core/history_inside.h"
#include "core/verify.h"

int history_snapshot(struct history *history)
{
	return sqlite_errno(sqlite3_exec(history->db, "BEGIN", NULL, NULL, NULL));
}

int history_verify_tables(struct history *history, struct verify *verify)
{
	return sqlite_verify_tables(history->db, verify);
}

int history_verify_incidents(struct history *history, struct verify *verify, char *after,
			     size_t most)
{
	return sqlite_verify_incidents(history->db, verify, after, most);
}

int history_verify(struct history *history, struct verify *verify, size_t most)
{
	return sqlite_verify(history->db, verify, most, true);
}

int history_verify_outbox(struct history *history, struct verify *verify, int64_t *after,
			  size_t most)
{
	return sqlite_verify_outbox(history->db, verify, after, most);
}

int history_trust_former(struct history *history, struct verify *verify)
{
	sqlite3_stmt *s = history_query(history,
					"SELECT line FROM entry WHERE type IN (" RECORD_OF_CHAIN
					") ORDER BY seq DESC");
	int code;

	if (!s)
		return sqlite_errno(sqlite3_errcode(history->db));
	while ((code = sqlite3_step(s)) == SQLITE_ROW)
		verify_trust_former(verify, sqlite_text(s, 0), (size_t)sqlite3_column_bytes(s, 0));
	return history_result(history, code, 0);
}

int history_key(struct history *history, const char *id, struct sign_public *ret)
{
	sqlite3_stmt *s = history_query(
		history, "SELECT line FROM entry WHERE type IN (" RECORD_OF_CHAIN ") ORDER BY seq");
	int code = SQLITE_ROW, found = 0;

	if (!s)
		return sqlite_errno(sqlite3_errcode(history->db));
	while (!found && (code = sqlite3_step(s)) == SQLITE_ROW)
		found = verify_key_named(sqlite_text(s, 0), (size_t)sqlite3_column_bytes(s, 0),
					 ret) &&
			(!id || strcmp(ret->id, id) == 0);
	return history_result(history, found ? SQLITE_DONE : code, found);
}

/* one number. Return: 1; 0 there is none; -errno. */
static int ask(struct history *history, const char *sql, int64_t parameter, int64_t *ret)
{
	sqlite3_stmt *s = history_query(history, sql);
	int code, found = 0;

	if (!s)
		return sqlite_errno(sqlite3_errcode(history->db));
	(void)sqlite3_bind_int64(s, 1, parameter);
	code = sqlite3_step(s);
	if (code == SQLITE_ROW && sqlite3_column_type(s, 0) != SQLITE_NULL) {
		*ret = sqlite3_column_int64(s, 0);
		found = 1;
	}
	return history_result(history, code == SQLITE_ROW ? SQLITE_DONE : code, found);
}

/* a wall clock may be set back: numbers order, so the range is all from the first to the last */
int history_range(struct history *history, int64_t since_ms, int64_t until_ms, int64_t *ret_first,
		  int64_t *ret_last)
{
	int r = ask(history, "SELECT min(seq) FROM entry WHERE time_ms >= ?1", since_ms, ret_first);

	if (r > 0)
		r = ask(history, "SELECT max(seq) FROM entry WHERE time_ms <= ?1", until_ms,
			ret_last);
	return r > 0 && *ret_first > *ret_last ? 0 : r;
}

int history_head_from(struct history *history, int64_t seq, struct history_head_note *ret)
{
	sqlite3_stmt *s = history_query(
		history, "SELECT seq, note, signature FROM signed_head WHERE seq = coalesce("
			 "(SELECT min(seq) FROM signed_head WHERE seq >= ?1),"
			 "(SELECT max(seq) FROM signed_head))");
	int code, r = 0;

	if (!s)
		return sqlite_errno(sqlite3_errcode(history->db));
	(void)sqlite3_bind_int64(s, 1, seq);
	code = sqlite3_step(s);
	if (code == SQLITE_ROW) {
		size_t n = (size_t)sqlite3_column_bytes(s, 1);

		r = n < sizeof(ret->note) && sqlite3_column_bytes(s, 2) == sizeof(ret->signature)
			    ? 1
			    : -EBADMSG;
		if (r > 0) {
			ret->seq = sqlite3_column_int64(s, 0);
			memcpy(ret->note, sqlite_text(s, 1), n + 1);
			memcpy(ret->signature, sqlite3_column_blob(s, 2), sizeof(ret->signature));
		}
	}
	return r < 0 ? r : history_result(history, code == SQLITE_ROW ? SQLITE_DONE : code, r);
}

int history_chain(struct history *history, int64_t first, int64_t last,
		  int (*each)(void *userdata, const struct history_entry *entry), void *userdata)
{
	sqlite3_stmt *s = history_query(
		history, "SELECT seq, line, hash FROM entry WHERE seq BETWEEN ?1 AND ?2"
			 " ORDER BY seq");
	int code = SQLITE_DONE, r = 0, n = 0;

	if (!s)
		return sqlite_errno(sqlite3_errcode(history->db));
	(void)sqlite3_bind_int64(s, 1, first);
	(void)sqlite3_bind_int64(s, 2, last);
	for (; r == 0 && (code = sqlite3_step(s)) == SQLITE_ROW; n++) {
		if (sqlite3_column_bytes(s, 2) != 32)
			r = -EBADMSG;
		else
			r = each(userdata, &(struct history_entry){
						   .seq = sqlite3_column_int64(s, 0),
						   .line = sqlite_text(s, 1),
						   .hash = sqlite3_column_blob(s, 2),
					   });
	}
	if (r < 0) {
		(void)history_result(history, SQLITE_DONE, 0);
		return r;
	}
	return history_result(history, code, n);
}
