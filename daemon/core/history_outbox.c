/* SPDX-License-Identifier: Apache-2.0 */
/* The outbox, for those who only read the record. */
#include "core/history.h"
#include "core/history_inside.h"

#define QUEUED "state IN ('pending', 'held')" /* as the indices have it, see record_outbox.c */

int history_outbox(struct history *history, struct history_outbox *ret)
{
	sqlite3_stmt *s = history_query(
		history,
		"SELECT coalesce(sum(lane < 2), 0),"
		" coalesce(sum(lane < 2 AND state = 'held'), 0),"
		" coalesce(min(iif(lane < 2, created_ms, NULL)), 0), coalesce(sum(lane = 2), 0),"
		" coalesce(sum(lane = 2 AND state = 'held'), 0),"
		" coalesce(min(iif(lane = 2, created_ms, NULL)), 0),"
		" (SELECT count(*) FROM outbox WHERE state IN ('stopped', 'abandoned')"
		" AND state = 'stopped') FROM outbox WHERE " QUEUED);
	int code;

	if (!s)
		return sqlite_errno(sqlite3_errcode(history->db));
	code = sqlite3_step(s);
	if (code == SQLITE_ROW)
		*ret = (struct history_outbox){
			.n_waiting = sqlite3_column_int64(s, 0),
			.n_held = sqlite3_column_int64(s, 1),
			.oldest_ms = sqlite3_column_int64(s, 2),
			.n_files = sqlite3_column_int64(s, 3),
			.n_files_held = sqlite3_column_int64(s, 4),
			.oldest_file_ms = sqlite3_column_int64(s, 5),
			.n_stopped = sqlite3_column_int64(s, 6),
		};
	return history_result(history, code == SQLITE_ROW ? SQLITE_DONE : code, 0);
}

#define COLUMNS                                                                             \
	"SELECT webhook_id, destination, incident, type, state, error, reason, changed_by," \
	" replaced_by, lane, created_ms, next_ms, last_ms, changed_ms, attempts, skipped,"  \
	" http_status"

static struct history_queued take(struct history *history, sqlite3_stmt *s)
{
	return (struct history_queued){
		.webhook_id = history_text(history, s, 0),
		.destination = history_text(history, s, 1),
		.incident = history_text(history, s, 2),
		.type = history_text(history, s, 3),
		.state = history_text(history, s, 4),
		.error = history_text(history, s, 5),
		.reason = history_text(history, s, 6),
		.changed_by = history_text(history, s, 7),
		.replaced_by = history_text(history, s, 8),
		.lane = sqlite3_column_int(s, 9),
		.created_ms = sqlite3_column_int64(s, 10),
		.next_ms = sqlite3_column_int64(s, 11),
		.last_ms = sqlite3_column_int64(s, 12),
		.changed_ms = sqlite3_column_int64(s, 13),
		.attempts = sqlite3_column_int64(s, 14),
		.n_skipped = sqlite3_column_int64(s, 15),
		.http_status = sqlite3_column_int(s, 16),
	};
}

/* those that are not done with, and apart from them all there are */
static const char queue_sql[] = COLUMNS " FROM outbox WHERE (?1 IS NULL OR destination = ?1)"
					" AND (" QUEUED " OR state IN ('stopped', 'abandoned')"
					" AND state = 'stopped')"
					" ORDER BY destination, state = 'stopped', lane, place"
					" LIMIT ?2";
static const char all_sql[] = COLUMNS " FROM outbox WHERE ?1 IS NULL OR destination = ?1"
				      " ORDER BY id LIMIT ?2";

int history_queue(struct history *history, const char *destination, bool all, int most,
		  void (*each)(void *userdata, const struct history_queued *report), void *userdata)
{
	sqlite3_stmt *s = history_query(history, all ? all_sql : queue_sql);
	struct history_queued report;
	int code, n = 0;

	if (!s)
		return sqlite_errno(sqlite3_errcode(history->db));
	(void)sqlite3_bind_text(s, 1, destination, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int(s, 2, most);
	for (; (code = sqlite3_step(s)) == SQLITE_ROW; n++) {
		report = take(history, s);
		each(userdata, &report);
	}
	return history_result(history, code, n);
}

int history_report(struct history *history, const char *webhook_id,
		   void (*each)(void *userdata, const struct history_queued *report),
		   void *userdata)
{
	sqlite3_stmt *s = history_query(history, COLUMNS ", body FROM outbox"
							 " WHERE webhook_id = ?1");
	struct history_queued report;
	int code, n = 0;

	if (!s)
		return sqlite_errno(sqlite3_errcode(history->db));
	(void)sqlite3_bind_text(s, 1, webhook_id, -1, SQLITE_STATIC);
	for (; (code = sqlite3_step(s)) == SQLITE_ROW; n++) {
		report = take(history, s);
		report.body = sqlite_text(s, 17);
		each(userdata, &report);
	}
	return history_result(history, code, n);
}

int history_set_aside(struct history *history,
		      void (*each)(void *userdata, const char *destination, const char *state,
				   int64_t n),
		      void *userdata)
{
	sqlite3_stmt *s = history_query(
		history, "SELECT destination, state, count(*) FROM outbox"
			 " WHERE state IN ('stopped', 'abandoned') GROUP BY destination, state"
			 " UNION ALL SELECT destination, 'superseded', count(*) FROM outbox"
			 " WHERE state = 'superseded' GROUP BY destination");
	int code, n = 0;

	if (!s)
		return sqlite_errno(sqlite3_errcode(history->db));
	for (; (code = sqlite3_step(s)) == SQLITE_ROW; n++)
		each(userdata, history_text(history, s, 0), history_text(history, s, 1),
		     sqlite3_column_int64(s, 2));
	return history_result(history, code, n);
}

int history_paused(struct history *history,
		   void (*each)(void *userdata, const char *destination, int64_t since_ms,
				const char *reason),
		   void *userdata)
{
	sqlite3_stmt *s = history_query(history, "SELECT name, paused_ms, reason FROM destination"
						 " ORDER BY name");
	int code, n = 0;

	if (!s)
		return sqlite_errno(sqlite3_errcode(history->db));
	for (; (code = sqlite3_step(s)) == SQLITE_ROW; n++)
		each(userdata, history_text(history, s, 0), sqlite3_column_int64(s, 1),
		     history_text(history, s, 2));
	return history_result(history, code, n);
}
