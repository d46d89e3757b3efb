/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record_statements.h - inside of the record, shared by record.c and record_commit.c
 */
#pragma once

#include "core/record.h"
#include "core/sqlite.h"

enum record_statement {
	BEGIN,
	COMMIT,
	ROLLBACK,
	ADD_ENTRY,
	READ_ENTRY,
	SET_HEAD,
	SET_STATE,
	SET_ACK,
	GET_ACK,
	ADD_MINUTE,
	PRUNE_MINUTES,
	PRUNE_POLLERS,
	ADD_INCIDENT,
	ADD_ALARM,
	ADD_REPORT,
	ADD_FILE,
	RAISE_LANE,
	SET_DELIVERY,
	NEXT_JOB,
	NEXT_TIME,
	WAITING,
	RELEASE,
	RELEASE_DESTINATION,
	ADD_CHANNEL,
	GET_CHANNEL,
	STANDING,
	REMOVE_ALARM,
	REMOVE_INCIDENT,
	N_STATEMENTS,
};

/**
 * struct record
 * @lock: descriptor with the lock that keeps a second instance out
 * @channel_ids: numbers of the configuration's channels, by record_bind()
 */
struct record {
	sqlite3 *db;
	int lock;
	int64_t *channel_ids;
	sqlite3_stmt *statements[N_STATEMENTS];
	int64_t pruned_minute;
	uint8_t last_hash[32]; /* of the last entry on disk */
	char error[256];
};

extern const char *const record_sql[N_STATEMENTS];

/** record_statement() - prepared once, reset; NULL: see record_failed() */
sqlite3_stmt *record_statement(struct record *record, enum record_statement which);

/** record_run() - step a statement that gives no rows, and reset it */
int record_run(struct record *record, sqlite3_stmt *statement);

/** record_do() - one without parameters */
int record_do(struct record *record, enum record_statement which);

/** record_failed() - keep SQLite's words. Return: -errno. */
int record_failed(struct record *record, int code);
