/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record.h - what was found out, on disk, so that nothing acknowledged is ever lost
 *
 * SQLite in WAL mode with synchronous=FULL: one writer, one connection, which is also the
 * only one to checkpoint. One call of record_commit() is one transaction: entries, state,
 * reports, results of deliveries, minute values and the acknowledged sequence numbers are
 * all there afterwards, or none is. Then the entries are read back and hashed again.
 *
 * Each commit also does a bounded piece of upkeep: it packs older minute rows by channel
 * (record_minute.h) and removes what is past the retention: minute rows, and reports that were
 * sent, never one that was not. A wall clock that runs ahead must not remove anything early: a
 * day is kept longer than asked for, and where it was set forward by more than a day, even while
 * nothing ran, upkeep waits until a day has passed on the monotonic clock. A step during one
 * boot is seen by the two clocks, over a reboot by the last moment of the run before.
 *
 * Logs nothing; record_error() has the words. After a failed commit nothing is known about
 * what the disk holds: close, exit and recover from it, never go on (Rebello et al., "Can
 * Applications Recover from fsync Failures?", USENIX ATC 2020). The one exception is that there
 * is no room (record_is_full()): then SQLite has rolled back, and the same commit may be tried
 * again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macro.h"
#include "core/action.h"
#include "core/anchor.h"
#include "core/batch.h"
#include "core/sign.h"
#include "core/window.h"

#define RECORD_VERSION 5
#define RECORD_FILE    "record.db"

#define RECORD_ERROR_MAX 512

struct record;
struct verify;

/**
 * struct record_start - what the record says about the past
 * @chain: end of the chain
 * @log_id: 16 hex digits, drawn when the record was created
 * @created: there was none before
 * @stopped_cleanly: the last entry is "core.stopped"
 * @state: bytes of core_save(), owned by the caller; NULL none
 * @windows: bytes of core_save_windows(), owned by the caller; NULL none
 * @journal_seq: the journal has all entries up to this one
 * @mono_base_ms, @boot_id: how the last run's monotonic clock was made
 * @last: last moment of the last run
 */
struct record_start {
	struct chain chain;
	char log_id[17];
	bool created;
	bool stopped_cleanly;
	uint64_t said_seq;
	uint64_t journal_seq;
	uint8_t boot_id[16];
	int64_t mono_base_ms;
	struct stamp last;
	void *state;
	size_t n_state;
	void *windows;
	size_t n_windows;
};

/** struct record_ack - this commit covers a poller's readings up to @seq */
struct record_ack {
	uint64_t instance;
	uint64_t seq;
};

/**
 * enum record_report_state - what an attempt can make of a report; see outbox.h for all
 * REPORT_STOPPED: it is not what was fixed, so it stands aside
 */
enum record_report_state { REPORT_PENDING, REPORT_SENT, REPORT_HELD, REPORT_STOPPED };

/**
 * enum record_change_kind - what a person does to reports
 *
 * An attempt that is under way goes on. If the receiver takes the report, it is sent, whatever
 * was decided meanwhile.
 */
enum record_change_kind {
	CHANGE_RETRY,	/* due now */
	CHANGE_HOLD,	/* it stands aside; what follows it in its incident goes on */
	CHANGE_RELEASE, /* waits again */
	CHANGE_ABANDON, /* for ever */
	CHANGE_KIND_MAX = CHANGE_ABANDON,
};

/**
 * struct record_change - one such act; texts the caller's
 * @id: of the report; 0: all of @destination that this can be done to
 */
struct record_change {
	enum record_change_kind kind;
	int64_t id;
	const char *destination;
	const char *user;
	const char *reason;
	int64_t at_ms;
};

/** struct record_pause - a destination is paused from now on, or no longer; texts the caller's */
struct record_pause {
	const char *destination;
	bool paused;
	uint64_t url; /* hash of its URL */
	int64_t at_ms;
	const char *reason;
};

/**
 * struct record_report - a report as people ask for it
 * @state: as in the table: "pending", "held", "stopped", …
 * @destination, @changed_by: freed by record_report_done()
 */
struct record_report {
	int64_t id;
	char state[16];
	char *destination;
	char *changed_by;
};

/**
 * struct record_delivery - what became of a report after an attempt; texts the caller's
 * @lane: the one that it was in when it went
 */
struct record_delivery {
	int64_t id;
	enum record_report_state state;
	uint32_t attempts;
	int64_t next_ms;
	int64_t at_ms;
	int http_status;
	uint32_t lane;
	const char *error;
};

/**
 * struct record_drill - a drill that is running
 * @scenario: text of its scenario; needed with @drills_anew only
 * @state: bytes of drill_save()
 * @windows: bytes of core_save_windows(), needed with @drills_anew; else NULL: not changed
 */
struct record_drill {
	const char *site;
	const void *scenario;
	const void *state;
	const void *windows;
	size_t n_scenario;
	size_t n_state;
	size_t n_windows;
};

/** struct record_drill_site - as struct drill_site */
struct record_drill_site {
	const char *site;
	int64_t counted_ms;
	int64_t said_ms;
};

/** struct record_anchor - what is known of a destination's receiver, see anchor.h */
struct record_anchor {
	const char *destination;
	const struct anchor *anchor;
};

/** struct record_renamed - a report that is to speak of another chain: its id and its body do */
struct record_renamed {
	int64_t id;
	char from[ANCHOR_ID_MAX];
	char to[ANCHOR_ID_MAX];
};

/**
 * struct record_fixed - what a commit has said of the bodies that it put into the outbox
 * @chain: the end of the chain, with these entries
 * @entries: "reports.fixed", the caller's from then on: record_fixed_done()
 */
struct record_fixed {
	struct chain chain;
	struct batch_entry *entries;
	size_t n;
};

/**
 * struct record_commit - one transaction
 * @head_key: signs the head; NULL: the head stays unsigned
 * @state: bytes of core_save(), never NULL
 * @windows: bytes of core_save_windows(); NULL: they have not changed, those there stay
 * @in_flight: per destination of @config the report whose attempt is under way, 0 none: it is not
 *   superseded; NULL: none is
 * @change: NULL none
 * @drills: all that are running
 * @drills_anew: others than at the last commit, so what is there goes first
 * @drill_sites: those that have changed; the rest stays
 * @anchors: those that have changed
 * @log_id: the chain goes on under another id from this commit on; NULL: it does not
 * @fixed: gets the entries that fix the bodies; NULL: they are not fixed, and cannot be sent
 * @legacy: also fix the next of what an older record has left, see record_legacy.h
 * @legacy_first: of these first, where they are of that; @n_legacy_first
 */
struct record_commit {
	const struct config *config;
	const struct batch *batch;
	const struct record_ack *acks;
	const struct record_delivery *deliveries;
	const struct sign_key *head_key;
	const void *state;
	const void *windows;
	size_t n_windows;
	const int64_t *in_flight;
	const struct record_change *change;
	const struct record_pause *pauses;
	size_t n_pauses;
	const struct record_drill *drills;
	const struct record_drill_site *drill_sites;
	size_t n_drills;
	size_t n_drill_sites;
	bool drills_anew;
	bool is_tight; /* there is hardly any room: no upkeep */
	const struct record_anchor *anchors;
	size_t n_anchors;
	const struct record_renamed *renamed;
	size_t n_renamed;
	const char *log_id;
	struct record_fixed *fixed;
	bool legacy;
	const int64_t *legacy_first;
	size_t n_legacy_first;
	size_t n_acks;
	size_t n_deliveries;
	size_t n_state;
	struct chain chain;
	int64_t mono_base_ms;
	uint64_t journal_seq; /* the journal has all entries up to this one */
	struct stamp now;
	uint8_t boot_id[16];
};

/**
 * struct record_job - a report or file that is due; texts are freed by record_job_done()
 * @type, @incident: NULL where it is not of the record
 * @fixed: number of the entry that says what it is
 */
struct record_job {
	int64_t id;
	uint32_t attempts;
	uint32_t lane;
	bool held; /* refused before */
	char *webhook_id;
	char *body;
	char *type;
	char *incident;
	int64_t fixed;
};

/**
 * record_open() - open or create DIR/record.db and lock it
 * @error: RECORD_ERROR_MAX bytes, filled on failure: what is wrong, where, and what to do
 *
 * Return: 0; -EBUSY another instance has it; -EBADMSG damaged or no record of ours;
 *   -ENOTSUP of a newer version; -EPERM its owner, its mode or what it is would be a danger;
 *   -errno. Nothing is changed and @ret is untouched on failure.
 */
int record_open(struct record **ret, const char *directory, char error[static RECORD_ERROR_MAX]);

/**
 * record_open_degraded() - after record_open() has found no room, or a read-only file system
 * @why: what record_open() returned; every commit fails with it until record_reopen()
 *
 * What can be read is read, so that the past goes on; where nothing can, the record is empty.
 * Return: 0; -EBUSY; -errno.
 */
int record_open_degraded(struct record **ret, const char *directory, int why,
			 char error[static RECORD_ERROR_MAX]);

/**
 * record_reopen() - can it be written now?
 * Return: 0 yes; -ESTALE it is not the record that this run began with; else as record_open().
 */
int record_reopen(struct record *record);

/** record_is_here() - it is the one on disk, even if it can be read only; not one that stands in */
bool record_is_here(const struct record *record);

/** record_end() - number of the last entry on disk, 0 none */
uint64_t record_end(const struct record *record);

/**
 * record_entries() - at most @n entries behind @after, in their order
 * @each: @line and @hash are SQLite's until it returns
 * Return: 0; -errno.
 */
int record_entries(struct record *record, uint64_t after, size_t n,
		   void (*each)(void *userdata, uint64_t seq, const char *line,
				const uint8_t hash[static 32]),
		   void *userdata);

/** record_save_journal() - after the last commit: the journal has all up to this one; 0 or -errno
 */
int record_save_journal(struct record *record, uint64_t seq);

/** record_is_full() - does this result of a commit mean that there is no room, and no more? */
bool record_is_full(int r);

/** record_close() - takes NULL. Return: NULL. */
struct record *record_close(struct record *record);
DEFINE_CLEANUP(struct record *, record_close)

/** record_load() - how the past ended; 0 or -errno */
int record_load(struct record *record, struct record_start *ret);

/** record_acked() - last acknowledged sequence number of a poller instance; 0 none */
int record_acked(struct record *record, uint64_t instance, uint64_t *ret);

/**
 * record_bind() - give every channel of a configuration its number; 0 or -errno
 *
 * Keeps the least capture of a valid window, too, for those who read the record alone.
 */
int record_bind(struct record *record, const struct config *config);

/**
 * record_minutes() - minute rows of the channels of record_bind(), in order of time
 * @from_ms: the first minute is the one that begins then or next
 * @each: @channel is the index in the configuration; within a minute in their order
 */
int record_minutes(struct record *record, int64_t from_ms,
		   void (*each)(void *userdata, size_t channel, const struct window_row *row),
		   void *userdata);

/** record_commit() - see struct record_commit. Return: 0; -EBADMSG read back wrong; -errno. */
int record_commit(struct record *record, const struct record_commit *commit);

/**
 * struct record_ask - which report a destination is to get now
 * @files: data files; else reports. What waits for a destination that was of the other kind
 *   when it was made does not go there.
 * @emergencies: only what is in the lane of emergencies
 * @firsts: besides that only the first reports of incidents
 * @but: ids that are not asked for, ",1,2,"; NULL none
 */
struct record_ask {
	const char *destination;
	bool files;
	bool emergencies;
	bool firsts;
	const char *but;
	int64_t now_ms;
};

/**
 * record_next_job() - the report that a destination is to get now
 *
 * Emergency lane first, then the oldest; within an incident, or the files of a station, only the
 * oldest that is not delivered. Whether the destination is paused is not looked at.
 *
 * Return: 1 @ret is filled; 0 none is due, *@ret_next_ms is when one will be (INT64_MAX
 *   none waits); -errno.
 */
int record_next_job(struct record *record, const struct record_ask *ask, struct record_job *ret,
		    int64_t *ret_next_ms);

/** record_waiting() - how many reports and how many files are not delivered, by destination;
 * 0 or -errno */
int record_waiting(struct record *record,
		   void (*each)(void *userdata, const char *destination, bool files, int64_t n),
		   void *userdata);

/**
 * record_find_report() - by its webhook id
 * @ret: freed by record_report_done()
 * Return: 1; 0 there is none; -errno.
 */
int record_find_report(struct record *record, const char *webhook_id, struct record_report *ret);
void record_report_done(struct record_report *report);

/** record_count() - reports and files of a destination to which a change would apply; -errno */
int64_t record_count(struct record *record, const char *destination, enum record_change_kind kind);

/** record_pauses() - the destinations that are paused; texts SQLite's until the call returns */
int record_pauses(struct record *record,
		  void (*each)(void *userdata, const struct record_pause *pause), void *userdata);

/** record_release() - held reports may be tried again at once (after a reload) */
int record_release(struct record *record, int64_t now_ms);

/**
 * record_standing() - what the record holds as standing: raised alarms, open incidents
 * @name: path of the alarm's limit, or id of the incident
 * @summary: data of the incident's last report, NULL for an alarm
 * @told: names of the destinations that know of it, a space behind each; all three SQLite's until
 *   the call returns
 */
int record_standing(struct record *record,
		    void (*each)(void *userdata, const char *name, const char *summary,
				 const char *told),
		    void *userdata);

/**
 * record_drills() - the drills that were running at the last commit
 * @each: what it gets is SQLite's until it returns; a negative result of it ends the call
 */
int record_drills(struct record *record,
		  int (*each)(void *userdata, const struct record_drill *drill), void *userdata);

/** record_drill_sites() - when drills were held; texts as above */
int record_drill_sites(struct record *record,
		       void (*each)(void *userdata, const struct record_drill_site *site),
		       void *userdata);

/** record_drill_standing() - open incidents of drills; texts as above */
int record_drill_standing(struct record *record,
			  int (*each)(void *userdata, const char *id, const char *summary,
				      const char *told),
			  void *userdata);

/**
 * record_past() - an incident that no longer runs, by its id; see struct action_past
 * @ret: freed by record_past_done()
 * Return: 1; 0 there is none; -errno.
 */
int record_past(struct record *record, const char *id, struct action_past *ret);

/** record_past_done() - takes a zeroed one, too */
void record_past_done(struct action_past *past);

/** record_anchor() - what is known of a destination. Return: 1; 0 nothing is; -errno. */
int record_anchor(struct record *record, const char *destination, struct anchor *ret);

/** record_entry_hash() - of an entry that is committed. Return: 1; 0 there is none; -errno. */
int record_entry_hash(struct record *record, int64_t seq, uint8_t ret[static 32]);

/** struct record_again - reports of a destination that went out as @id, of entries above @from, up
 * to @to */
struct record_again {
	const char *destination;
	const char *id;
	int64_t from;
	int64_t to;
};
#define RECORD_AGAIN_MAX 200

/**
 * record_send_again() - make the first RECORD_AGAIN_MAX of these due again, as they are
 * @ret_done: up to this entry; @what->to: that was all
 * In a transaction of its own. Return: how many; -errno.
 */
int record_send_again(struct record *record, const struct record_again *what, int64_t *ret_done);

void record_job_done(struct record_job *job);

/** record_fixed_done() - takes one that is empty, too */
void record_fixed_done(struct record_fixed *fixed);

#define RECORD_WORDS_MAX 160

/** record_error() - words for the last failure */
const char *record_error(const struct record *record);
