/* SPDX-License-Identifier: Apache-2.0 */
/*
 * history_inside.h - inside of the history, shared by the files history*.c
 */
#pragma once

#include "core/history.h"
#include "core/sqlite.h"

#define HISTORY_PLAIN_MAX 64 /* more texts than a row has */

/** struct history - @statement: the one that is being read, NULL none; @plain: see history_text()
 */
struct history {
	sqlite3 *db;
	sqlite3_stmt *statement;
	bool for_people;
	size_t next; /* of @plain */
	char *plain[HISTORY_PLAIN_MAX];
};

/** history_text() - a column's text, as history_for_people() has it; else as sqlite_text() */
const char *history_text(struct history *history, sqlite3_stmt *statement, int column);

/** history_query() - prepare a statement in place of the last one; NULL: see history_error() */
sqlite3_stmt *history_query(struct history *history, const char *sql);

/** history_result() - end it. Return: @n where @code is SQLITE_DONE, else -errno. */
int history_result(struct history *history, int code, int n);
