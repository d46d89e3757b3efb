/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Are the tables those that this program has made? A trigger, a view or a default of somebody
 * else's would run with every commit: it could take reports away as they come, or change them
 * before the chain fixes them. So all of sqlite_schema is held against that of a record that the
 * same steps have just made in memory, text by text, before anything is written through it.
 *
 * What a step's text says, and what SQLite makes of it, is a part of the format: to change a word
 * of one that was released makes every record of that version a foreign one.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/record_statements.h"

static sqlite3 *close_database(sqlite3 *db)
{
	(void)sqlite3_close(db);
	return NULL;
}
DEFINE_CLEANUP(sqlite3 *, close_database)

/* what ANALYZE leaves is of use to some, and does nothing by itself */
#define OBJECTS                                               \
	"SELECT type, name, tbl_name, sql FROM sqlite_schema" \
	" WHERE name NOT GLOB 'sqlite_stat*' ORDER BY rowid"

/* by type, name and table, the text of one and the same object */
static const char same[] = "SELECT sql IS ?4 FROM sqlite_schema WHERE type IS ?1 AND name IS ?2"
			   " AND tbl_name IS ?3";

/* names are somebody's: nothing in them may move a terminal's cursor or end a line */
static void name_object(sqlite3_stmt *row, const char *what, char words[static RECORD_WORDS_MAX])
{
	(void)snprintf(words, RECORD_WORDS_MAX, "%.16s %.60s %s", sqlite_text(row, 0),
		       sqlite_text(row, 1), what);
	for (char *at = words; *at; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
}

/* Return: 0 it is there, and the same; -EBADMSG @words say what; -errno */
static int compare(sqlite3_stmt *row, sqlite3_stmt *other, const char *missing,
		   char words[static RECORD_WORDS_MAX])
{
	int code, r = 0;

	for (int i = 0; i < 4; i++)
		(void)sqlite3_bind_value(other, i + 1, sqlite3_column_value(row, i));
	code = sqlite3_step(other);
	if (code == SQLITE_DONE)
		name_object(row, missing, words);
	else if (code == SQLITE_ROW && sqlite3_column_int(other, 0) == 0)
		name_object(row, "is not as it was made", words);
	else
		r = code == SQLITE_ROW ? 1 : sqlite_errno(code);
	(void)sqlite3_reset(other);	     /* read-only */
	(void)sqlite3_clear_bindings(other); /* they point into @row */
	return r == 0 ? -EBADMSG : MIN(r, 0);
}

/* each of @db's in @other. Return: as above */
static int compare_all(sqlite3 *db, sqlite3 *other, const char *missing, int *ret_n,
		       char words[static RECORD_WORDS_MAX])
{
	CLEANUP(sqlite_finalize) sqlite3_stmt *row = NULL;
	CLEANUP(sqlite_finalize) sqlite3_stmt *find = NULL;
	int code = sqlite3_prepare_v2(db, OBJECTS, -1, &row, NULL), r = 0;

	if (code != SQLITE_OK)
		return sqlite_errno(code);
	code = sqlite3_prepare_v2(other, same, -1, &find, NULL);
	if (code != SQLITE_OK)
		return sqlite_errno(code);
	for (*ret_n = 0; r == 0 && (code = sqlite3_step(row)) == SQLITE_ROW; ++*ret_n)
		r = compare(row, find, missing, words);
	return r == 0 && code != SQLITE_DONE ? sqlite_errno(code) : r;
}

int sqlite_check_tables(sqlite3 *db, char *words)
{
	CLEANUP(close_database) sqlite3 *made = NULL;
	int version = 0, n = 0, n_made = 0, code, r = record_version(db, &version);

	if (r < 0)
		return r;
	code = sqlite3_open_v2(":memory:", &made, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
	r = code == SQLITE_OK ? record_migrate_to(made, version) : sqlite_errno(code);
	if (r == 0)
		r = compare_all(db, made, "was made by somebody else", &n, words);
	if (r == 0)
		r = compare_all(made, db, "is missing", &n_made, words);
	if (r == 0 && n != n_made) {
		(void)snprintf(words, RECORD_WORDS_MAX, "one of its tables is there twice");
		r = -EBADMSG;
	}
	return r;
}

int sqlite_distrust(sqlite3 *db)
{
	static const struct {
		int what;
		int on;
	} settings[] = {
		/* no statement that comes from the file may write where only SQLite does */
		{SQLITE_DBCONFIG_DEFENSIVE, 1},
		/* nothing here reads one: what is a view was a table, and may never end */
		{SQLITE_DBCONFIG_ENABLE_VIEW, 0},
		{SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
	};
	int code = SQLITE_OK;

	for (size_t i = 0; i < ARRAY_SIZE(settings) && code == SQLITE_OK; i++)
		code = sqlite3_db_config(db, settings[i].what, settings[i].on, NULL);
	return code;
}

static void say(struct record *record, const char *words)
{
	if (*words)
		(void)snprintf(record->error, sizeof(record->error), "%s%s", RECORD_FOREIGN_TABLES,
			       words);
	else
		(void)snprintf(record->error, sizeof(record->error), "%s",
			       sqlite3_errmsg(record->db));
}

static int read_cookie(struct record *record, int64_t *ret)
{
	sqlite3_stmt *s = record_statement(record, SCHEMA_COOKIE);
	int code;

	if (!s)
		return record_failed(record, sqlite3_errcode(record->db));
	code = sqlite3_step(s);
	*ret = sqlite3_column_int64(s, 0);
	(void)sqlite3_reset(s); /* read-only */
	return code == SQLITE_ROW ? 0 : record_failed(record, code);
}

/* the number first: what is changed while they are looked at changes it */
int record_check_tables(struct record *record)
{
	char words[RECORD_WORDS_MAX] = "";
	int64_t cookie = 0;
	int r = read_cookie(record, &cookie);

	if (r < 0)
		return r;
	r = sqlite_check_tables(record->db, words);
	if (r < 0)
		say(record, words);
	record->knows_tables = r == 0;
	record->cookie = cookie;
	return r;
}

/*
 * The number changes with every change of a table, and stands in the first page, which the
 * transaction has read by now. Whoever puts it back after a change hides that from SQLite as
 * well, which goes on with the tables that it knows: those that were looked at.
 */
static int same_tables(struct record *record)
{
	int64_t cookie = 0;
	int r = read_cookie(record, &cookie);

	if (r < 0 || (record->knows_tables && cookie == record->cookie))
		return r;
	return record_check_tables(record);
}

int record_begin(struct record *record)
{
	int r = record_do(record, BEGIN);

	return r < 0 ? r : same_tables(record);
}
