/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record_statements.h - inside of the record, shared by the files record*.c
 */
#pragma once

#include "core/record.h"
#include "core/record_minute.h"
#include "core/sqlite.h"

enum record_statement {
	BEGIN,
	COMMIT,
	ROLLBACK,
	ADD_ENTRY,
	READ_ENTRY,
	SET_HEAD,
	ADD_HEAD,
	SET_STATE,
	SET_WINDOWS,
	SET_ACK,
	GET_ACK,
	ADD_MINUTE,
	GET_MINUTE,
	SET_MINUTE,
	ADD_PACKED,
	GET_PACKED,
	SET_PACKED,
	GET_UPKEEP,
	SET_UPKEEP,
	FIRST_MINUTE,
	DROP_MINUTE,
	NEXT_CHANNELS,
	PACK,
	FIRST_PACKED,
	PRUNE_PACKED,
	PRUNE_OUTBOX,
	PRUNE_POLLERS,
	MINUTES_FROM,
	PACKED_FROM,
	NEXT_MINUTE,
	NEXT_PACKED,
	ADD_INCIDENT,
	ADD_DRILL_INCIDENT,
	CLEAR_DRILLS,
	ADD_DRILL,
	SET_DRILL,
	SET_DRILL_SITE,
	DRILLS,
	DRILL_SITES,
	DRILL_STANDING,
	REMOVE_DRILL_INCIDENT,
	CLOSE_INCIDENT,
	GET_PAST,
	ADD_ALARM,
	ADD_CHANNEL,
	GET_CHANNEL,
	SET_CAPTURE,
	STANDING,
	REMOVE_ALARM,
	REMOVE_INCIDENT,
	/* record_outbox.c */
	ADD_REPORT,
	ADD_FILE,
	RAISE_LANE,
	REPLACED,
	REPLACE,
	SET_DELIVERY,
	NEXT_JOB,
	NEXT_TIME,
	WAITING,
	RELEASE,
	RELEASE_DESTINATION,
	FIND_REPORT,
	COUNT_QUEUED,
	COUNT_STOPPED,
	CHANGE_REPORT,
	CHANGE_QUEUED,
	CHANGE_STOPPED,
	PAUSE,
	RESUME,
	PAUSES,
	/* record_anchor.c */
	SET_ANCHOR,
	GET_ANCHOR,
	GET_HASH,
	SET_LOG_ID,
	RENAME_REPORT,
	AGAIN_UNTIL,
	SEND_AGAIN,
	N_STATEMENTS,
};

/**
 * struct record_channel - a channel of the configuration
 * @id: its number in the record
 * @expected: values that a whole minute of it has: 60 s through the interval of its unit
 */
struct record_channel {
	int64_t id;
	size_t index;
	uint32_t expected;
};

/**
 * struct record_upkeep - what is done beside the commits, see record_upkeep.c
 * @loaded: the fields up to @rest_until_ms are those on disk
 * @packed_t, @packed_channel: see record_minute.h
 * @rest_until_ms: monotonic; nothing is packed or removed before
 * @has_packed: "minute" may hold rows from before @packed_t
 * @pruned_t: all channels are pruned up to here
 * @prune_channel: the last one pruned in this round
 * @minute: of the last look at what is looked at once a minute
 */
struct record_upkeep {
	bool loaded;
	bool changed;
	int64_t packed_t;
	int64_t packed_channel;
	int64_t rest_until_ms;
	bool has_packed;
	int64_t pruned_t;
	int64_t prune_channel;
	int64_t minute;
};

/**
 * struct record
 * @lock: descriptor with the lock that keeps a second instance out
 * @channels: of the configuration, by record_bind(), in its order
 * @by_id: the same, sorted by id
 * @required_percent: least capture of a valid minute
 * @last, @last_boot: of the last commit; zeros: none was made
 */
struct record {
	sqlite3 *db;
	int lock;
	struct record_channel *channels;
	struct record_channel *by_id;
	size_t n_channels;
	uint32_t required_percent;
	sqlite3_stmt *statements[N_STATEMENTS];
	struct record_upkeep upkeep;
	struct stamp last;
	uint8_t last_boot[16];
	uint8_t last_hash[32]; /* of the last entry on disk */
	char error[256];
};

extern const char *const record_sql[N_STATEMENTS];
extern const char *const record_outbox_sql[N_STATEMENTS]; /* those that are NULL there */

/** record_statement() - prepared once, reset; NULL: see record_failed() */
sqlite3_stmt *record_statement(struct record *record, enum record_statement which);

/** record_run() - step a statement that gives no rows, and reset it */
int record_run(struct record *record, sqlite3_stmt *statement);

/** record_do() - one without parameters */
int record_do(struct record *record, enum record_statement which);

/** record_failed() - keep SQLite's words. Return: -errno. */
int record_failed(struct record *record, int code);

/** record_add_minute() - a minute row, joined with the one that is there; within a transaction */
int record_add_minute(struct record *record, const struct minute *minute);

/** record_load_upkeep() - how far the packing is, if that is not known; 0 or -errno */
int record_load_upkeep(struct record *record);

/** record_packed_until() - rows of a channel before this minute are in "minute_packed" */
int64_t record_packed_until(const struct record *record, int64_t channel);

/** record_add_report() - a report or file for the outbox; within a transaction */
int record_add_report(struct record *record, const struct record_commit *commit,
		      const struct batch_report *report);

/** record_set_outbox() - what a commit says of reports beside new ones; within a transaction */
int record_set_outbox(struct record *record, const struct record_commit *commit);

/** record_set_drills() - what a commit says of drills; within a transaction */
int record_set_drills(struct record *record, const struct record_commit *commit);

/** record_set_anchors() - what a commit says of receivers and the chain's id; likewise */
int record_set_anchors(struct record *record, const struct record_commit *commit);

/**
 * record_upkeep() - one bounded piece of packing or pruning; within a transaction
 * @commit: for its moment and retention; @record->last is the moment of the one before
 */
int record_upkeep(struct record *record, const struct record_commit *commit);
