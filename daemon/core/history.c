/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/plain.h"
#include "core/history.h"
#include "core/history_inside.h"
#include "core/record.h"

struct history *history_close(struct history *history)
{
	if (!history)
		return NULL;
	(void)sqlite3_finalize(history->statement);
	(void)sqlite3_close(history->db);
	for (size_t i = 0; i < HISTORY_PLAIN_MAX; i++)
		free(history->plain[i]);
	free(history);
	return NULL;
}

void history_for_people(struct history *history)
{
	history->for_people = true;
}

const char *history_text(struct history *history, sqlite3_stmt *statement, int column)
{
	char **place = &history->plain[history->next];

	if (!history->for_people)
		return sqlite_text(statement, column);
	history->next = (history->next + 1) % HISTORY_PLAIN_MAX;
	free(*place);
	*place = strdup(sqlite_text(statement, column));
	if (!*place)
		return "";
	plain_text(*place);
	return *place;
}

const char *history_error(const struct history *history)
{
	return sqlite3_errmsg(history->db);
}

static int check_version(struct history *history)
{
	int r = sqlite_errno(sqlite3_prepare_v2(history->db, "PRAGMA user_version", -1,
						&history->statement, NULL));

	if (r < 0)
		return r;
	if (sqlite3_step(history->statement) != SQLITE_ROW)
		return sqlite_errno(sqlite3_errcode(history->db)) < 0 ? -EIO : -EBADMSG;
	return sqlite3_column_int(history->statement, 0) == RECORD_VERSION ? 0 : -ENOTSUP;
}

int history_open(struct history **ret, const char *directory, char error[static 256])
{
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/" RECORD_FILE, directory);
	return history_open_file(ret, path, error);
}

int history_open_file(struct history **ret, const char *path, char error[static 256])
{
	CLEANUP(history_close) struct history *history = calloc(1, sizeof(*history));
	int r;

	if (!history)
		return -ENOMEM;
	r = sqlite_errno(sqlite3_open_v2(path, &history->db, SQLITE_OPEN_READONLY, NULL));
	if (r == 0)
		r = sqlite_errno(sqlite_distrust(history->db));
	if (r == 0)
		r = sqlite_errno(sqlite3_exec(history->db,
					      "PRAGMA query_only = ON; PRAGMA busy_timeout = 2000;"
					      "PRAGMA wal_autocheckpoint = 0",
					      NULL, NULL, NULL));
	if (r == 0)
		r = check_version(history);
	if (r == -ENOTSUP)
		(void)snprintf(error, 256, "%.180s is of another version than this command", path);
	else if (r < 0)
		(void)snprintf(error, 256,
			       "cannot read the record %.100s: %.40s; give --state DIR, or ask to "
			       "be put into the group wastewatch",
			       path, history->db ? history_error(history) : strerror(-r));
	if (r < 0)
		return r;
	*ret = steal(&history);
	return 0;
}

sqlite3_stmt *history_query(struct history *history, const char *sql)
{
	history->statement = sqlite_finalize(history->statement);
	if (sqlite3_prepare_v2(history->db, sql, -1, &history->statement, NULL) != SQLITE_OK)
		return NULL;
	return history->statement;
}

int history_result(struct history *history, int code, int n)
{
	history->statement = sqlite_finalize(history->statement);
	return code == SQLITE_DONE ? n : sqlite_errno(code);
}

static const char *maybe(sqlite3_stmt *s, int column)
{
	return (const char *)sqlite3_column_text(s, column);
}

#define INCIDENTS_FROM(table)                                                 \
	"SELECT id, site, kind, class, state, first_out, summary, opened_ms," \
	" coalesce(ended_ms, 0), n_updates, n_alarms, level, verdict,"        \
	" acknowledged_by, closed_by, cause, measures,"                       \
	" coalesce(acknowledged_ms, 0), coalesce(closed_ms, 0) FROM " table   \
	" WHERE (?1 IS NULL OR id = ?1) AND (NOT ?2 OR state = 'open')"       \
	" ORDER BY state = 'closed', opened_ms DESC, id LIMIT ?3"

int history_incidents(struct history *history, const char *id, bool only_open, int most,
		      void (*each)(void *userdata, const struct history_incident *incident),
		      void *userdata)
{
	/* those of drills are told when they are asked for, never among the real ones */
	bool exercise = id && strncmp(id, INCIDENT_EXERCISE, strlen(INCIDENT_EXERCISE)) == 0;
	sqlite3_stmt *s = history_query(history, exercise ? INCIDENTS_FROM("drill_incident")
							  : INCIDENTS_FROM("incident"));
	int code, n = 0;

	if (!s)
		return sqlite_errno(sqlite3_errcode(history->db));
	(void)sqlite3_bind_text(s, 1, id, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int(s, 2, only_open);
	(void)sqlite3_bind_int(s, 3, most);
	while ((code = sqlite3_step(s)) == SQLITE_ROW) {
		each(userdata, &(struct history_incident){
				       .id = history_text(history, s, 0),
				       .site = history_text(history, s, 1),
				       .kind = history_text(history, s, 2),
				       .class = history_text(history, s, 3),
				       .state = history_text(history, s, 4),
				       .first_out = history_text(history, s, 5),
				       .summary = sqlite_text(s, 6),
				       .opened_ms = sqlite3_column_int64(s, 7),
				       .ended_ms = sqlite3_column_int64(s, 8),
				       .n_updates = sqlite3_column_int64(s, 9),
				       .n_alarms = sqlite3_column_int64(s, 10),
				       .level = history_text(history, s, 11),
				       .verdict = history_text(history, s, 12),
				       .acknowledged_by = history_text(history, s, 13),
				       .closed_by = history_text(history, s, 14),
				       .cause = history_text(history, s, 15),
				       .measures = history_text(history, s, 16),
				       .acknowledged_ms = sqlite3_column_int64(s, 17),
				       .closed_ms = sqlite3_column_int64(s, 18),
			       });
		n++;
	}
	return history_result(history, code, n);
}

static int lines_of(struct history *history, const char *sql, const char *parameter,
		    void (*each)(void *userdata, const char *line), void *userdata)
{
	sqlite3_stmt *s = history_query(history, sql);
	int code, n = 0;

	if (!s)
		return sqlite_errno(sqlite3_errcode(history->db));
	(void)sqlite3_bind_text(s, 1, parameter, -1, SQLITE_STATIC);
	while ((code = sqlite3_step(s)) == SQLITE_ROW) {
		each(userdata, sqlite_text(s, 0));
		n++;
	}
	return history_result(history, code, n);
}

int64_t history_unclosed(struct history *history)
{
	sqlite3_stmt *s = history_query(history, "SELECT count(*) FROM incident"
						 " WHERE state <> 'closed' AND state <> 'open'");
	int64_t n = 0;
	int code;

	if (!s)
		return sqlite_errno(sqlite3_errcode(history->db));
	code = sqlite3_step(s);
	if (code == SQLITE_ROW)
		n = sqlite3_column_int64(s, 0);
	code = history_result(history, code == SQLITE_ROW ? SQLITE_DONE : code, 0);
	return code < 0 ? code : n;
}

int history_entries(struct history *history, const char *incident,
		    void (*each)(void *userdata, const char *line), void *userdata)
{
	return lines_of(history, "SELECT line FROM entry WHERE incident = ?1 ORDER BY seq",
			incident, each, userdata);
}

int history_typed(struct history *history, const char *types,
		  void (*each)(void *userdata, const char *line), void *userdata)
{
	return lines_of(history, "SELECT line FROM entry WHERE type GLOB ?1 ORDER BY seq", types,
			each, userdata);
}

int history_reports(struct history *history, const char *incident,
		    void (*each)(void *userdata, const struct history_report *report),
		    void *userdata)
{
	sqlite3_stmt *s = history_query(
		history, "SELECT webhook_id, destination, type, state, error, created_ms,"
			 " last_ms, attempts, http_status FROM outbox WHERE incident = ?1"
			 " ORDER BY id");
	int code, n = 0;

	if (!s)
		return sqlite_errno(sqlite3_errcode(history->db));
	(void)sqlite3_bind_text(s, 1, incident, -1, SQLITE_STATIC);
	while ((code = sqlite3_step(s)) == SQLITE_ROW) {
		each(userdata, &(struct history_report){
				       .webhook_id = history_text(history, s, 0),
				       .destination = history_text(history, s, 1),
				       .type = history_text(history, s, 2),
				       .state = history_text(history, s, 3),
				       .error = maybe(s, 4),
				       .created_ms = sqlite3_column_int64(s, 5),
				       .last_ms = sqlite3_column_int64(s, 6),
				       .attempts = sqlite3_column_int64(s, 7),
				       .http_status = sqlite3_column_int(s, 8),
			       });
		n++;
	}
	return history_result(history, code, n);
}

int history_raised(struct history *history,
		   void (*each)(void *userdata, const char *path, int64_t since_ms,
				const char *value),
		   void *userdata)
{
	sqlite3_stmt *s = history_query(history, "SELECT path, since_ms, value FROM alarm"
						 " WHERE raised AND NOT held ORDER BY since_ms");
	int code, n = 0;

	if (!s)
		return sqlite_errno(sqlite3_errcode(history->db));
	while ((code = sqlite3_step(s)) == SQLITE_ROW) {
		each(userdata, history_text(history, s, 0), sqlite3_column_int64(s, 1),
		     history_text(history, s, 2));
		n++;
	}
	return history_result(history, code, n);
}

int history_alarms(struct history *history,
		   void (*each)(void *userdata, const struct history_alarm *alarm), void *userdata)
{
	sqlite3_stmt *s = history_query(
		history,
		"SELECT path, condition, value, incident, raised, one_shot, out_of_service,"
		" suppressed, held, since_ms, changed_ms, acknowledged_ms, acknowledged_by,"
		" shelved_until_ms, shelved_by, shelved_reason, out_until_ms, out_by, out_reason"
		" FROM alarm WHERE raised OR condition <> 'normal' OR out_of_service"
		" OR shelved_until_ms IS NOT NULL ORDER BY since_ms, path");
	int code, n = 0;

	if (!s)
		return sqlite_errno(sqlite3_errcode(history->db));
	while ((code = sqlite3_step(s)) == SQLITE_ROW) {
		each(userdata, &(struct history_alarm){
				       .path = history_text(history, s, 0),
				       .condition = history_text(history, s, 1),
				       .value = history_text(history, s, 2),
				       .incident = history_text(history, s, 3),
				       .raised = sqlite3_column_int(s, 4) != 0,
				       .one_shot = sqlite3_column_int(s, 5) != 0,
				       .out_of_service = sqlite3_column_int(s, 6) != 0,
				       .suppressed = sqlite3_column_int(s, 7) != 0,
				       .held = sqlite3_column_int(s, 8) != 0,
				       .since_ms = sqlite3_column_int64(s, 9),
				       .changed_ms = sqlite3_column_int64(s, 10),
				       .acknowledged_ms = sqlite3_column_int64(s, 11),
				       .acknowledged_by = history_text(history, s, 12),
				       .shelved_until_ms = sqlite3_column_int64(s, 13),
				       .shelved_by = history_text(history, s, 14),
				       .shelved_reason = history_text(history, s, 15),
				       .out_until_ms = sqlite3_column_int64(s, 16),
				       .out_by = history_text(history, s, 17),
				       .out_reason = history_text(history, s, 18),
			       });
		n++;
	}
	return history_result(history, code, n);
}

/* the offset at the end of the "time" of an entry's line, "…+07:00" */
static int zone_of(const char *line)
{
	const char *time = strstr(line, "\"time\":\"");
	int hours, minutes;
	char sign;

	if (!time || strlen(time) < 8 + 29 ||
	    sscanf(time + 8 + 23, "%c%2d:%2d", &sign, &hours, &minutes) != 3)
		return 0;
	return (sign == '-' ? -1 : 1) * (hours * 60 + minutes);
}

int history_head(struct history *history, int64_t *ret_seq, int *ret_zone_min)
{
	sqlite3_stmt *s = history_query(history,
					"SELECT seq, line FROM entry ORDER BY seq DESC LIMIT 1");
	int code;

	*ret_seq = 0;
	*ret_zone_min = 0;
	if (!s)
		return sqlite_errno(sqlite3_errcode(history->db));
	code = sqlite3_step(s);
	if (code == SQLITE_ROW) {
		*ret_seq = sqlite3_column_int64(s, 0);
		*ret_zone_min = zone_of(sqlite_text(s, 1));
	}
	return history_result(history, code == SQLITE_ROW ? SQLITE_DONE : code, 0);
}
