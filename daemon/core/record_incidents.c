/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Incidents held against the chain. That one is open, has ended or is closed decides whether its
 * end is told and whether it can be closed, and who was told decides who is told of that: so the
 * row of each must say what its last entry says, and one that has ended must name all who were
 * told so. At a start, what does not is made anew from the entries.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/record_mend.h"
#include "core/record_statements.h"
#include "core/record_verify.h"
#include "core/verify.h"

#define TYPES                                                                    \
	" AND type IN ('incident.opened', 'incident.ended', 'incident.removed'," \
	" 'incident.closed') GROUP BY incident"
#define ROWS ") AS s JOIN entry AS e ON e.seq = s.seq LEFT JOIN incident AS i ON i.id = s.id"
#define LAST                                                                       \
	"SELECT s.id, s.seq, e.type, i.state, i.told FROM (SELECT incident AS id," \
	" max(seq) AS seq FROM entry "

/* piece by piece; or, at a start, as far as the entries were looked at */
static const char by_name[] = LAST "WHERE incident > ?1" TYPES " ORDER BY incident LIMIT ?2" ROWS
				   " ORDER BY s.id";
static const char lately[] = LAST "NOT INDEXED WHERE seq > ?1 AND incident IS NOT NULL" TYPES ROWS;

enum column { ID, SEQ, TYPE, STATE, TOLD };

static const struct {
	const char *type;
	const char *state;
	bool told; /* the row has to name all who were told by that entry's commit */
} said[] = {
	{"incident.opened", "open", false},
	{"incident.ended", "ended", true},
	{"incident.removed", "removed", true},
	{"incident.closed", "closed", false},
};

static size_t said_of(const char *type)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(said) - 1 && strcmp(said[i].type, type) != 0)
		i++;
	return i;
}

/* --- who was told -------------------------------------------------------------------- */

static bool has_name(const char *names, const char *name, size_t n)
{
	for (const char *at = names; (at = strstr(at, name)); at += n)
		if ((at == names || at[-1] == ' ') && (at[n] == ' ' || at[n] == '\0'))
			return true;
	return false;
}

/* "LOG-NUMBER-DESTINATION" up to its quote. Return: the destination, in @ret; NULL no such form */
static const char *read_destination(const char *report, char ret[static 128])
{
	size_t n = strcspn(report, "\"");
	const char *dash = memchr(report, '-', n);

	dash = dash ? memchr(dash + 1, '-', n - (size_t)(dash + 1 - report)) : NULL;
	if (!dash || n - (size_t)(dash + 1 - report) > 127)
		return NULL;
	(void)snprintf(ret, 128, "%.*s", (int)(n - (size_t)(dash + 1 - report)), dash + 1);
	return ret;
}

/* the reports of an incident in a line of "reports.fixed", one after the other. Return: behind it,
 * NULL there is no more; canonical JSON has the keys in just this order */
static const char *next_told(const char *at, const char *key, char ret[static 128])
{
	while ((at = strstr(at, key))) {
		at += strlen(key);
		if (read_destination(at, ret))
			return at;
	}
	return NULL;
}

static char *key_of(const char *id)
{
	char *key;

	return asprintf(&key, "\"incident\":\"%s\",\"report\":\"", id) < 0 ? NULL : key;
}

/* Return: 1 all who were told by the commit of this entry are named; 0 somebody is not; -errno */
static int names_all(sqlite3 *db, const char *id, int64_t seq, const char *told)
{
	CLEANUP(sqlite_finalize) sqlite3_stmt *row = NULL;
	int code = sqlite3_prepare_v2(db,
				      "SELECT line FROM entry WHERE type = 'reports.fixed'"
				      " AND seq > ?1 ORDER BY seq LIMIT 1",
				      -1, &row, NULL);
	char *key = key_of(id), name[128];
	const char *at;
	int r = key ? sqlite_errno(code) : -ENOMEM;

	if (r == 0) {
		(void)sqlite3_bind_int64(row, 1, seq);
		code = sqlite3_step(row);
		r = code == SQLITE_ROW || code == SQLITE_DONE ? 1 : sqlite_errno(code);
	}
	at = r == 1 && code == SQLITE_ROW ? sqlite_text(row, 0) : "";
	while (r == 1 && (at = next_told(at, key, name)))
		r = has_name(told, name, strlen(name));
	free(key);
	return r;
}

/* Return: 1 the row is as the entry says; 0 it is not; -errno */
static int is_as_said(sqlite3 *db, sqlite3_stmt *row)
{
	size_t i = said_of(sqlite_text(row, TYPE));

	if (strncmp(sqlite_text(row, ID), INCIDENT_EXERCISE, strlen(INCIDENT_EXERCISE)) == 0)
		return 1; /* nothing of a drill is real */
	/* one that went with its configuration has ended, too, in the words of older versions */
	if (strcmp(sqlite_text(row, STATE), said[i].state) != 0 &&
	    (strcmp(said[i].state, "removed") != 0 ||
	     strcmp(sqlite_text(row, STATE), "ended") != 0))
		return 0;
	return said[i].told ? names_all(db, sqlite_text(row, ID), sqlite3_column_int64(row, SEQ),
					sqlite_text(row, TOLD))
			    : 1;
}

/* --- verified ------------------------------------------------------------------------ */

int sqlite_verify_incidents(sqlite3 *db, struct verify *verify, char *after, size_t most)
{
	CLEANUP(sqlite_finalize) sqlite3_stmt *row = NULL;
	int code = sqlite3_prepare_v2(db, by_name, -1, &row, NULL), r = 1;
	size_t n = 0;

	if (code != SQLITE_OK)
		return sqlite_errno(code);
	(void)sqlite3_bind_text(row, 1, after, -1, SQLITE_TRANSIENT);
	(void)sqlite3_bind_int64(row, 2, (sqlite3_int64)most);
	for (; r == 1 && (code = sqlite3_step(row)) == SQLITE_ROW; n++) {
		r = is_as_said(db, row);
		if (r == 0) {
			(void)snprintf(verify->report, sizeof(verify->report), "%s",
				       sqlite_text(row, ID));
			verify_fail(verify, VERIFY_INCIDENT,
				    (uint64_t)sqlite3_column_int64(row, SEQ));
		}
		(void)snprintf(after, INCIDENT_ID_MAX, "%s", sqlite_text(row, ID));
	}
	if (r < 0)
		return r;
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		return sqlite_errno(code);
	return r == 1 && n == most;
}

int record_verify_incidents(struct record *record, struct verify *verify,
			    char after[static INCIDENT_ID_MAX], size_t most)
{
	int r = sqlite_verify_incidents(record->db, verify, after, most);

	return r < 0 ? record_failed(record, sqlite3_errcode(record->db)) : r;
}

/* --- made anew ----------------------------------------------------------------------- */

/* a space behind each, as the row has it. Return: 0; -ENOMEM */
static int add_name(char **names, const char *name)
{
	char *longer;

	if (has_name(*names, name, strlen(name)))
		return 0;
	if (asprintf(&longer, "%s%s ", *names, name) < 0)
		return -ENOMEM;
	free(*names);
	*names = longer;
	return 0;
}

/* all who were ever told of it, as the chain and the outbox say */
static int find_told(struct record *record, const char *id, const char *before, char **ret)
{
	static const char sql[] =
		"SELECT line, NULL FROM entry WHERE type = 'reports.fixed' AND seq >"
		" (SELECT min(seq) FROM entry WHERE incident = ?1)"
		" UNION ALL SELECT NULL, destination FROM outbox WHERE incident = ?1";
	CLEANUP(sqlite_finalize) sqlite3_stmt *row = NULL;
	int code = sqlite3_prepare_v2(record->db, sql, -1, &row, NULL), r = 0;
	char *key = key_of(id), name[128];

	*ret = strdup(before);
	if (code != SQLITE_OK || !key || !*ret) {
		free(key);
		return code == SQLITE_OK ? -ENOMEM : record_failed(record, code);
	}
	(void)sqlite3_bind_text(row, 1, id, -1, SQLITE_STATIC);
	while (r == 0 && (code = sqlite3_step(row)) == SQLITE_ROW) {
		const char *at = sqlite_text(row, 0);

		if (sqlite3_column_type(row, 1) != SQLITE_NULL)
			r = add_name(ret, sqlite_text(row, 1));
		else
			while (r == 0 && (at = next_told(at, key, name)))
				r = add_name(ret, name);
	}
	free(key);
	return r == 0 && code != SQLITE_DONE ? record_failed(record, code) : r;
}

/* what the row is to say; its summary is the last report's, where one is there */
#define LAST_BODY                                                                      \
	"coalesce((SELECT json_extract(o.body, '$.data') FROM outbox AS o, entry AS f" \
	" ON f.seq = o.fixed WHERE o.incident = ?1 AND json_valid(o.body)"             \
	" ORDER BY o.id DESC LIMIT 1), '{}')"
#define SAID(key) "coalesce(iif(json_valid(line), json_extract(line, '$." key "'), NULL), '')"

static const char make_row[] =
	"INSERT INTO incident(id, site, kind, class, state, opened_ms, ended_ms, n_updates,"
	" n_alarms, summary, told) SELECT incident, " SAID("site") ", " SAID("kind") ", " SAID(
		"class") ", ?2, time_ms, iif(?2 = 'open', NULL, (SELECT time_ms FROM entry"
			 " WHERE seq = ?3)), (SELECT count(*) FROM entry WHERE incident = ?1 AND "
			 "type ="
			 " 'incident.updated'), 0, " LAST_BODY ", ?4 FROM entry WHERE incident = ?1"
			 " AND type LIKE 'incident.%' ORDER BY seq LIMIT 1"
			 " ON CONFLICT(id) DO UPDATE SET state = excluded.state, ended_ms ="
			 " coalesce(ended_ms, excluded.ended_ms), told = excluded.told";

static int make_anew(struct record *record, sqlite3_stmt *found)
{
	CLEANUP(sqlite_finalize) sqlite3_stmt *s = NULL;
	size_t i = said_of(sqlite_text(found, TYPE));
	int code = sqlite3_prepare_v2(record->db, make_row, -1, &s, NULL), r;
	char *told = NULL;

	if (code != SQLITE_OK)
		return record_failed(record, code);
	r = find_told(record, sqlite_text(found, ID), sqlite_text(found, TOLD), &told);
	(void)sqlite3_bind_value(s, 1, sqlite3_column_value(found, ID));
	(void)sqlite3_bind_text(s, 2, said[i].state, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int64(s, 3, sqlite3_column_int64(found, SEQ));
	(void)sqlite3_bind_text(s, 4, told, -1, SQLITE_STATIC);
	if (r == 0)
		r = record_run(record, s);
	(void)sqlite3_clear_bindings(s);
	free(told);
	return r;
}

int record_mend_incidents(struct record *record, uint64_t after, struct record_mended *ret)
{
	CLEANUP(sqlite_finalize) sqlite3_stmt *row = NULL;
	int code = sqlite3_prepare_v2(record->db, lately, -1, &row, NULL), r = 0;

	if (code != SQLITE_OK)
		return record_failed(record, code);
	(void)sqlite3_bind_int64(row, 1, (sqlite3_int64)after);
	while (r == 0 && (code = sqlite3_step(row)) == SQLITE_ROW) {
		r = is_as_said(record->db, row);
		if (r == 1) {
			r = 0;
			continue;
		}
		if (r == 0 && ret->n_incidents++ == 0)
			(void)snprintf(ret->incident, sizeof(ret->incident), "%s",
				       sqlite_text(row, ID));
		if (r == 0)
			r = make_anew(record, row);
	}
	return r == 0 && code != SQLITE_DONE ? record_failed(record, code) : r;
}
