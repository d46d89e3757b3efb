/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sqlite.h - the few things that record and history both want of SQLite
 *
 * Included by record*.c and history*.c only.
 */
#pragma once

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macro.h"

/* types of the entries in which the chain speaks of itself: those of the index entry_chain, which
 * serves only where a query has just this list */
#define RECORD_OF_CHAIN                                                             \
	"'record.created', 'record.verified', 'record.damaged', 'record.replaced'," \
	" 'record.seen', 'report.altered', 'core.started', 'key.rotated'"

#define RECORD_APPLICATION 1465340466 /* "WWR2": PRAGMA application_id */

struct verify;

/**
 * sqlite_verify() - feed the next entries, and the heads behind them
 * @most: entries, at the most
 * @heads: all heads; else the last one only: signatures take ten times as long as hashes
 * Return: 1 there may be more; 0 that was the end; -errno SQLite cannot read it.
 */
int sqlite_verify(sqlite3 *db, struct verify *verify, size_t most, bool heads);

/** sqlite_verify_tables() - before anything is read through them. Return: 0; -errno. */
int sqlite_verify_tables(sqlite3 *db, struct verify *verify);

/** sqlite_verify_incidents() - as record_verify_incidents() */
int sqlite_verify_incidents(sqlite3 *db, struct verify *verify, char *after, size_t most);

/** sqlite_verify_outbox() - as record_verify_outbox() */
int sqlite_verify_outbox(sqlite3 *db, struct verify *verify, int64_t *after, size_t most);

/** sqlite_errno() - SQLite's result as 0 or -errno */
int sqlite_errno(int code);

/**
 * sqlite_failure() - the same of a call that has just failed on @db, by what the system said;
 *                    NULL: there was no memory to open one
 *
 * Return: -ENOSPC, -EDQUOT or -EROFS where there is no room, and nothing else is wrong: what was
 * committed before is whole. Never these for a failed fsync, after which nobody knows.
 */
int sqlite_failure(sqlite3 *db, int code);

/** sqlite_text() - a column's text, "" for NULL; SQLite's until the next step */
const char *sqlite_text(sqlite3_stmt *statement, int column);

/** sqlite_finalize() - takes NULL. Return: NULL. */
sqlite3_stmt *sqlite_finalize(sqlite3_stmt *statement);
DEFINE_CLEANUP(sqlite3_stmt *, sqlite_finalize)

/** record_check_owner() - empty, or a record of ours? Changes nothing. Return: 0; -EBADMSG; -errno.
 */
int record_check_owner(sqlite3 *db);

/** record_version() - of the tables; 0 or -errno */
int record_version(sqlite3 *db, int *ret);

/** record_sync_directory() - the names of the files in it are on disk, too. Return: 0; -errno. */
int record_sync_directory(const char *directory);

/** record_migrate() - bring the tables to RECORD_VERSION. Return: 0; -ENOTSUP newer; -errno. */
int record_migrate(sqlite3 *db);

/** record_migrate_to() - the same, but to this version */
int record_migrate_to(sqlite3 *db, int to);

#define RECORD_FOREIGN_TABLES "somebody has changed its tables: "

/**
 * sqlite_check_tables() - are tables, indices, triggers and views those of a record of its version?
 * @words: RECORD_WORDS_MAX bytes; which one is not
 * Return: 0; -EBADMSG @words say what; -ENOTSUP a newer version; -errno.
 */
int sqlite_check_tables(sqlite3 *db, char *words);

/** sqlite_distrust() - what the file says of itself is foreign. Return: SQLite's code. */
int sqlite_distrust(sqlite3 *db);
