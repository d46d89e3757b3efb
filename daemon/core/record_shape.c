/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Are the record's tables those that this program makes, and nothing beside them? A trigger that
 * somebody adds would run within our own commits: it could change a report before its hash is
 * taken, or drop it before anybody knows of it. So would a default, a check or a view.
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

static int look(sqlite3 *db, sqlite3_stmt **ret)
{
	/* what ANALYZE leaves is of use to some, and does nothing by itself */
	int code = sqlite3_prepare_v2(db,
				      "SELECT type || ' ' || name, sql FROM sqlite_schema"
				      " WHERE name NOT GLOB 'sqlite_stat*' ORDER BY 1",
				      -1, ret, NULL);

	return code == SQLITE_OK ? sqlite3_step(*ret) : code;
}

static int is_good(int code)
{
	return code == SQLITE_ROW || code == SQLITE_DONE;
}

/* both in one order, side by side. Return: 1; 0 @words say what differs; -errno */
static int compare(sqlite3_stmt *mine, int code_mine, sqlite3_stmt *theirs, int code_theirs,
		   char words[static RECORD_WORDS_MAX])
{
	while (code_mine == SQLITE_ROW || code_theirs == SQLITE_ROW) {
		int order = code_mine != SQLITE_ROW ? 1
			    : code_theirs != SQLITE_ROW
				    ? -1
				    : strcmp(sqlite_text(mine, 0), sqlite_text(theirs, 0));

		if (!is_good(code_mine) || !is_good(code_theirs))
			break;
		if (order == 0 && strcmp(sqlite_text(mine, 1), sqlite_text(theirs, 1)) == 0) {
			code_mine = sqlite3_step(mine);
			code_theirs = sqlite3_step(theirs);
			continue;
		}
		(void)snprintf(words, RECORD_WORDS_MAX, "%.80s %s",
			       sqlite_text(order < 0 ? mine : theirs, 0),
			       order == 0  ? "is another"
			       : order < 0 ? "is missing"
					   : "is none of them");
		return 0;
	}
	return !is_good(code_mine)     ? sqlite_errno(code_mine)
	       : !is_good(code_theirs) ? sqlite_errno(code_theirs)
				       : 1;
}

int sqlite_check_shape(sqlite3 *db, char *words)
{
	CLEANUP(close_database) sqlite3 *model = NULL;
	CLEANUP(sqlite_finalize) sqlite3_stmt *mine = NULL;
	CLEANUP(sqlite_finalize) sqlite3_stmt *theirs = NULL;
	int code = sqlite3_open_v2(":memory:", &model, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
				   NULL);
	int r = code == SQLITE_OK ? record_migrate(model) : sqlite_errno(code);

	if (r < 0)
		return r;
	code = look(model, &mine);
	r = look(db, &theirs);
	return compare(mine, code, theirs, r, words);
}

int record_check_shape(struct record *record)
{
	char words[RECORD_WORDS_MAX];
	int r = sqlite_check_shape(record->db, words);

	if (r != 0)
		return MIN(r, 0);
	(void)snprintf(record->error, sizeof(record->error), "somebody has changed its tables: %s",
		       words);
	return -EBADMSG;
}

int record_keep_shape(struct record *record)
{
	sqlite3_stmt *s = record_statement(record, SCHEMA_VERSION);
	int64_t version = 0;
	int code, r;

	if (!s)
		return record_failed(record, sqlite3_errcode(record->db));
	code = sqlite3_step(s);
	if (code == SQLITE_ROW)
		version = sqlite3_column_int64(s, 0);
	(void)sqlite3_reset(s); /* read-only */
	if (code != SQLITE_ROW)
		return record_failed(record, code);
	if (version == record->schema_version)
		return 0;
	r = record_check_shape(record);
	if (r == 0)
		record->schema_version = version;
	return r;
}
