/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record_statements.h - inside of the record, shared by the files record*.c
 */
#pragma once

#include "core/head.h"
#include "core/record.h"
#include "core/record_legacy.h"
#include "core/record_minute.h"
#include "core/record_verify.h"
#include "core/sqlite.h"

enum record_statement {
	BEGIN,
	SCHEMA_COOKIE,
	COMMIT,
	ROLLBACK,
	ADD_ENTRY,
	READ_ENTRY,
	READ_REPORT,
	READ_HEAD,
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
	LIST_UNCLOSED,
	ADD_ALARM,
	ADD_CHANNEL,
	GET_CHANNEL,
	SET_CAPTURE,
	STANDING,
	REMOVE_ALARM,
	REMOVE_INCIDENT,
	SET_JOURNAL,
	ENTRIES_FROM,
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
	/* record_fix.c */
	FORGET_UNFIXED,
	UNFIXED,
	SET_FIXED,
	REPLACED_BY,
	SET_REPLACED_FIXED,
	/* record_legacy.c */
	FIRST_FIXED,
	COUNT_WAITING,
	LEGACY_DONE,
	LEGACY_IS_DONE,
	LEGACY_IDS,
	LEGACY_ROW,
	GET_JOB,
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
 * enum record_mode - what can be done with the record
 * RECORD_READ_ONLY: it is there, and can be read only
 * RECORD_ABSENT: it cannot even be read, or does not exist and cannot be made: an empty one in
 *   memory stands in for it, with the end of the chain where that is known
 */
enum record_mode { RECORD_WRITABLE, RECORD_READ_ONLY, RECORD_ABSENT };

/**
 * struct record_made - a row of the outbox that the commit which is going on has made
 * @report: its index in the batch
 * @hash: of its body, as it was in memory
 */
struct record_made {
	int64_t id;
	size_t report;
	char hash[65];
	bool is_fixed;
};

/** struct record_head - that of the commit which is going on; @seq 0: it has none */
struct record_head {
	uint64_t seq;
	bool is_signed;
	char note[HEAD_NOTE_MAX];
	uint8_t signature[SIGN_ED25519_BYTES];
};

/**
 * struct record
 * @lock: descriptor with the lock that keeps a second instance out; -1 where it cannot be made
 * @directory_lock: the same on the directory, which needs no room
 * @why: -errno, why it is not RECORD_WRITABLE
 * @base: end of the chain when it was loaded
 * @unbound: channels of the configuration are missing in it
 * @checkpoint: SQLite's code of a checkpoint after which nobody knows what the disk holds; 0 none
 * @channels: of the configuration, by record_bind(), in its order
 * @by_id: the same, sorted by id
 * @required_percent: least capture of a valid minute
 * @last, @last_boot: of the last commit; zeros: none was made
 */
struct record {
	sqlite3 *db;
	int lock;
	int directory_lock;
	char directory[4096];
	enum record_mode mode;
	int why;
	int checkpoint;
	bool unbound;
	struct chain base;
	uint64_t journal_seq; /* as stored */
	struct record_channel *channels;
	struct record_channel *by_id;
	size_t n_channels;
	uint32_t required_percent;
	sqlite3_stmt *statements[N_STATEMENTS];
	struct record_upkeep upkeep;
	struct stamp last;
	uint8_t last_boot[16];
	uint8_t last_hash[32];			  /* of the last entry on disk */
	struct record_legacy legacy, legacy_next; /* as stored, and after the commit under way */
	bool knows_tables; /* they are its own, as of the schema's number @cookie */
	int64_t cookie;
	struct record_made *made;
	size_t n_made;
	size_t room_made;
	struct record_head head;
	char error[256];
};

#define RECORD_CHECKPOINT_PAGES 1000

/*
 * Rows whose turn is not what the states say: those that have one and are not the oldest of their
 * incident that waits; the oldest of those where none has one. And of those that have one, those
 * with another place in the queue than their own, or, where they stand for updates before them,
 * than the first of these, as far as these are there still. By steps of indices, however many wait.
 */
#define RECORD_SQL_WRONG_TURN                                                                   \
	"SELECT o.id FROM outbox AS o INDEXED BY outbox_turns WHERE o.turn = 1 AND o.id IS NOT" \
	" (SELECT p.id FROM outbox AS p WHERE p.destination = o.destination"                    \
	" AND p.incident = o.incident AND p.state IN ('pending', 'held')"                       \
	" ORDER BY p.id LIMIT 1)"
#define RECORD_SQL_NO_TURN                                                                 \
	"SELECT f.id FROM (SELECT destination, incident, min(id) AS id FROM outbox"        \
	" WHERE state IN ('pending', 'held') GROUP BY destination, incident) AS f"         \
	" WHERE NOT EXISTS (SELECT 1 FROM outbox AS t WHERE t.destination = f.destination" \
	" AND t.incident = f.incident AND t.turn = 1)"
#define RECORD_SQL_PLACE                                                                        \
	"CASE WHEN o.skipped = 0 THEN o.id ELSE coalesce((SELECT min(r.place) FROM outbox AS r" \
	" WHERE r.incident = o.incident AND r.destination = o.destination"                      \
	" AND r.state = 'superseded' AND r.replaced_by = o.webhook_id), min(o.place, o.id)) END"
#define RECORD_SQL_WRONG_PLACE                                                 \
	"SELECT o.id FROM outbox AS o INDEXED BY outbox_next WHERE o.turn = 1" \
	" AND o.place <> o.id AND o.place <> " RECORD_SQL_PLACE

extern const char *const record_sql[N_STATEMENTS];
extern const char *const record_outbox_sql[N_STATEMENTS]; /* those that are NULL there */
extern const char *const record_fix_sql[N_STATEMENTS];	  /* and in both */
extern const char *const record_legacy_sql[N_STATEMENTS]; /* and in all three */

/** record_statement() - prepared once, reset; NULL: see record_failed() */
sqlite3_stmt *record_statement(struct record *record, enum record_statement which);

/** record_run() - step a statement that gives no rows, and reset it */
int record_run(struct record *record, sqlite3_stmt *statement);

/** record_do() - one without parameters */
int record_do(struct record *record, enum record_statement which);

/** record_failed() - keep SQLite's words. Return: -errno. */
int record_failed(struct record *record, int code);

/**
 * record_begin() - a transaction, and nobody has changed the tables since the last one
 * Return: 0; -EBADMSG somebody has, and the transaction is to be rolled back; -errno.
 */
int record_begin(struct record *record);

/** record_add_minute() - a minute row, joined with the one that is there; within a transaction */
int record_add_minute(struct record *record, const struct minute *minute);

/** record_load_upkeep() - how far the packing is, if that is not known; 0 or -errno */
int record_load_upkeep(struct record *record);

/** record_packed_until() - rows of a channel before this minute are in "minute_packed" */
int64_t record_packed_until(const struct record *record, int64_t channel);

/** record_set_journal() - the journal has all entries up to this one; within a transaction */
int record_set_journal(struct record *record, uint64_t seq);
/** record_add_report() - the i-th of the batch into the outbox; within a transaction */
int record_add_report(struct record *record, const struct record_commit *commit, size_t i);

/** record_set_outbox() - what a commit says of reports beside new ones; within a transaction */
int record_set_outbox(struct record *record, const struct record_commit *commit);

/** record_set_drills() - what a commit says of drills; within a transaction */
int record_set_drills(struct record *record, const struct record_commit *commit);

/**
 * struct record_rows - what one entry says of the outbox; record_rows_done()
 * @is_file: a data file; @replaces: others; texts owned
 */
struct record_row {
	int64_t id;
	char hash[65];
	char *report;
	char *type;
	char *incident;
	char *destination;
	bool is_file;
	bool replaces;
};

#define RECORD_ENTRY_BODIES 200 /* in one entry, at the most */

struct record_rows {
	struct record_row fixed[RECORD_ENTRY_BODIES];
	size_t n;
	struct record_row *replaced;
	size_t n_replaced;
};

/**
 * record_fix_begin() - before a commit puts anything into the outbox, or changes a body there
 * record_fix() - after that: entries with the hashes of what is there now; within a transaction
 * @chain: the end of the chain; moves on
 */
int record_fix_begin(struct record *record, const struct record_commit *commit);
int record_fix(struct record *record, const struct record_commit *commit, struct chain *chain);

/** record_nothing_made() - a commit begins */
void record_nothing_made(struct record *record);

/** record_note_made() - the row that was just inserted is the batch's report with this index */
int record_note_made(struct record *record, size_t report, const char *body);

/** record_find_made() - NULL: this commit has not made it */
struct record_made *record_find_made(struct record *record, int64_t id);

/** record_read_back() - what was committed, up to this end. Return: 0; -EBADMSG, said; -errno. */
int record_read_back(struct record *record, const struct record_commit *commit,
		     const struct chain *chain);

/** record_take_row() - a row of the outbox; the columns as UNFIXED has them. 0; -ENOMEM. */
int record_take_row(struct record *record, sqlite3_stmt *s, struct record_row *ret);

/** record_fix_rows() - an entry that fixes these, with what they replace; @left: -1, or how many
 * are still to come of an older record */
int record_fix_rows(struct record *record, const struct record_commit *commit,
		    struct record_rows *rows, int64_t left, struct chain *chain);

void record_rows_done(struct record_rows *rows);

/** record_legacy_begin() - has an older record left anything? Before a commit puts anything into
 * the outbox. record_legacy_fix(): some of it. Both within a transaction. */
int record_legacy_begin(struct record *record, const struct record_commit *commit);
int record_legacy_fix(struct record *record, const struct record_commit *commit,
		      struct chain *chain);

/** record_add_entry() - within a transaction */
int record_add_entry(struct record *record, const struct batch_entry *entry);

/** sqlite_chain_at() - as record_chain_at() */
int sqlite_chain_at(sqlite3 *db, uint64_t seq, struct chain *ret);

struct record_walk;

/** sqlite_is_whole() - as record_is_whole() */
int sqlite_is_whole(sqlite3 *db, struct record_walk *walk, const char *destination,
		    const struct record_job *job, const struct verify *trusted,
		    char words[static RECORD_WORDS_MAX]);

/**
 * sqlite_find_body() - does the line of "reports.fixed" hold this report, with just this body?
 * Return: 1; 0; -ENOMEM.
 */
int sqlite_find_body(const char *line, const struct record_job *job);

/** sqlite_is_fixed() - is its entry there, with just this body? Return: 1; 0 @words say why not;
 * -errno. */
int sqlite_is_fixed(sqlite3 *db, const struct record_job *job, char words[static RECORD_WORDS_MAX]);

/** sqlite_is_for() - is this, by its id, a report or file for this destination? */
bool sqlite_is_for(const char *webhook_id, const char *destination);

/** sqlite_is_listed() - has one of the line's lists this value, as canonical JSON? */
bool sqlite_is_listed(const char *line, const char *text);

/** record_set_anchors() - what a commit says of receivers and the chain's id; likewise */
int record_set_anchors(struct record *record, const struct record_commit *commit);

/**
 * record_upkeep() - one bounded piece of packing or pruning; within a transaction
 * @commit: for its moment and retention; @record->last is the moment of the one before
 */
int record_upkeep(struct record *record, const struct record_commit *commit);

/* --- record_open.c --------------------------------------------------------------------- */

/** record_make() - one with nothing open; NULL: no memory */
struct record *record_make(const char *directory);

/** record_check_files() - are those that are there fit to be opened? Return: 0; -errno, said. */
int record_check_files(const char *directory, char *error);

/** record_lock_directory(), record_lock_file() - keep a second instance out; 0, -EBUSY, -errno */
int record_lock_directory(struct record *record);
int record_lock_file(struct record *record);

/** record_open_file() - the database as it is; @flags: of SQLite */
int record_open_file(struct record *record, int flags);

/** record_check_tables() - as sqlite_check_tables(), its words in @record */
int record_check_tables(struct record *record);

/** record_open_writable() - lock, open, set up, migrate */
int record_open_writable(struct record *record);

/** record_on_commit() - a hook of SQLite's that brings the log into the record */
int record_on_commit(void *userdata, sqlite3 *db, const char *name, int n_pages);

/** record_explain() - words for what opening has come to */
void record_explain(const struct record *record, int r, char error[static RECORD_ERROR_MAX]);

/** record_close_database() - and give up the lock on the file */
void record_close_database(struct record *record);
