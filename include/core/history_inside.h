/* SPDX-License-Identifier: Apache-2.0 */
/*
 * history_inside.h - inside of the history, shared by the files history*.c
 */
#pragma once

#include "core/history.h"
#include "core/sqlite.h"

/** struct history - @statement: the one that is being read, NULL none */
struct history {
	sqlite3 *db;
	sqlite3_stmt *statement;
};

/** history_query() - prepare a statement in place of the last one; NULL: see history_error() */
sqlite3_stmt *history_query(struct history *history, const char *sql);

/** history_result() - end it. Return: @n where @code is SQLITE_DONE, else -errno. */
int history_result(struct history *history, int code, int n);
