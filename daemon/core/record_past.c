/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/record_statements.h"

void record_past_done(struct action_past *past)
{
	free(past->state);
	free(past->summary);
	free(past->told);
	free(past->closed_by);
	*past = (struct action_past){0};
}

static int take(sqlite3_stmt *s, struct action_past *ret)
{
	struct action_past past = {
		.state = strdup(sqlite_text(s, 0)),
		.summary = strdup(sqlite_text(s, 1)),
		.told = strdup(sqlite_text(s, 2)),
		.closed_by = strdup(sqlite_text(s, 3)),
		.n_updates = sqlite3_column_int64(s, 4),
		.ended_ms = sqlite3_column_int64(s, 5),
		.closed_ms = sqlite3_column_int64(s, 6),
	};

	if (!past.state || !past.summary || !past.told || !past.closed_by) {
		record_past_done(&past);
		return -ENOMEM;
	}
	*ret = past;
	return 1;
}

int record_past(struct record *record, const char *id, struct action_past *ret)
{
	sqlite3_stmt *s = record_statement(record, GET_PAST);
	int code, r = 0;

	if (!s)
		return record_failed(record, sqlite3_errcode(record->db));
	(void)sqlite3_bind_text(s, 1, id, -1, SQLITE_STATIC);
	code = sqlite3_step(s);
	if (code == SQLITE_ROW)
		r = take(s, ret);
	else if (code != SQLITE_DONE)
		r = record_failed(record, code);
	(void)sqlite3_reset(s); /* read-only */
	(void)sqlite3_clear_bindings(s);
	return r;
}

int record_unclosed(struct record *record, uint32_t skip, uint32_t most,
		    int (*each)(void *userdata, const struct record_unclosed *incident),
		    void *userdata)
{
	sqlite3_stmt *s = record_statement(record, LIST_UNCLOSED);
	int code = SQLITE_ROW, n = 0, r = 0;

	if (!s)
		return record_failed(record, sqlite3_errcode(record->db));
	(void)sqlite3_bind_int64(s, 1, skip);
	(void)sqlite3_bind_int64(s, 2, most);
	while (r >= 0 && (code = sqlite3_step(s)) == SQLITE_ROW) {
		r = each(userdata, &(struct record_unclosed){
					   .id = sqlite_text(s, 0),
					   .state = sqlite_text(s, 1),
					   .class = sqlite_text(s, 2),
					   .level = sqlite_text(s, 3),
					   .opened_ms = sqlite3_column_int64(s, 4),
					   .ended_ms = sqlite3_column_int64(s, 5),
				   });
		n++;
	}
	if (r >= 0 && code != SQLITE_DONE)
		r = record_failed(record, code);
	(void)sqlite3_reset(s); /* read-only */
	(void)sqlite3_clear_bindings(s);
	return r < 0 ? r : n;
}
