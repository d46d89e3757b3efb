/* SPDX-License-Identifier: Apache-2.0 */
/*
 * history.h - the record, for those who only read it
 *
 * Works while the daemon runs and while it is down. Never writes: the connection is
 * query-only and takes no part in checkpoints.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/macro.h"
#include "core/window.h"

#define HISTORY_ERROR_MAX 256

struct history;

/**
 * struct history_channel - a channel that the record knows, configured or not
 * @path, @unit: SQLite's until the callback returns
 * @first_ms, @last_ms: begin of its first and last minute on record; INT64_MIN there is none
 */
struct history_channel {
	const char *path;
	const char *unit;
	int64_t first_ms;
	int64_t last_ms;
};

/**
 * struct history_window - what the minute rows of one window come to
 * @start_ms: its first moment, UTC
 * @mean, @min, @max: of the good values; 0 where @n is 0
 * @n: good values
 * @expected: values that there could have been; a minute without a row could have had as many
 *   as the row before it
 * @capture: @n in per cent of @expected, 0-100
 * @worst: worst quality of its minutes; a minute without a row is stale
 * @valid: @capture reaches what the configuration last asked for
 */
struct history_window {
	int64_t start_ms;
	double mean;
	double min;
	double max;
	uint64_t n;
	uint64_t expected;
	uint8_t capture;
	bool valid;
	enum quality worst;
};

/** struct history_incident - one row; texts SQLite's until the callback returns */
struct history_incident {
	const char *id;
	const char *site;
	const char *kind;
	const char *class;
	const char *state;
	const char *first_out;
	const char *summary; /* JSON: data of the last report */
	const char *level;
	const char *verdict;
	const char *acknowledged_by; /* "" nobody */
	const char *closed_by;	     /* "" nobody */
	const char *cause;
	const char *measures;
	int64_t opened_ms;
	int64_t ended_ms; /* 0 it runs */
	int64_t acknowledged_ms;
	int64_t closed_ms; /* 0 it is not closed */
	int64_t n_updates;
	int64_t n_alarms;
};

/** struct history_report - one report of the outbox */
struct history_report {
	const char *webhook_id;
	const char *destination;
	const char *type;
	const char *state;
	const char *error;
	int64_t created_ms;
	int64_t last_ms;
	int64_t attempts;
	int http_status;
};

/** struct history_outbox - what waits: reports, and apart from them data files */
struct history_outbox {
	int64_t n_waiting;
	int64_t n_held;
	int64_t n_stopped; /* held back by a person, files too; not among those that wait */
	int64_t oldest_ms; /* 0 none waits */
	int64_t n_files;
	int64_t n_files_held; /* refused by the server; others wait behind them */
	int64_t oldest_file_ms;
};

/**
 * history_open() - open DIR/record.db to read
 * @error: filled on failure
 */
int history_open(struct history **ret, const char *directory, char error[static HISTORY_ERROR_MAX]);

/** history_open_file() - the same of a record under another name: a copy, one set aside */
int history_open_file(struct history **ret, const char *path, char error[static HISTORY_ERROR_MAX]);

/**
 * history_for_people() - from now on texts of a row, but for bodies and entries, are plain: see
 * common/plain.h; they live until 64 more were read
 */
void history_for_people(struct history *history);

/** history_close() - takes NULL. Return: NULL. */
struct history *history_close(struct history *history);
DEFINE_CLEANUP(struct history *, history_close)

/**
 * history_incidents() - what is not closed, newest first, then what is
 * @id: only this one, NULL all
 * @only_open: those that run
 * @most: at the most so many
 * Return: how many; -errno.
 */
int history_incidents(struct history *history, const char *id, bool only_open, int most,
		      void (*each)(void *userdata, const struct history_incident *incident),
		      void *userdata);

/** history_unclosed() - incidents that have ended and were not closed; -errno */
int64_t history_unclosed(struct history *history);

/** history_entries() - lines of the record about an incident, in order. Return: how many; -errno.
 */
int history_entries(struct history *history, const char *incident,
		    void (*each)(void *userdata, const char *line), void *userdata);

/**
 * history_typed() - lines of the record of some types, in order
 * @types: pattern of their names, as SQLite's GLOB
 * Looks at every entry. Return: how many; -errno.
 */
int history_typed(struct history *history, const char *types,
		  void (*each)(void *userdata, const char *line), void *userdata);

/** history_reports() - reports of an incident, in order. Return: how many; -errno. */
int history_reports(struct history *history, const char *incident,
		    void (*each)(void *userdata, const struct history_report *report),
		    void *userdata);

/**
 * struct history_alarm - an alarm that stands, waits for somebody, or is hidden
 * @condition: as alarm_text()
 * @value: when it was last broken or back; "" never
 * @since_ms: when the values went beyond the bound, the last time; 0 never
 * @acknowledged_by, @shelved_by, @out_by: "" nobody
 * @shelved_until_ms, @out_until_ms, @acknowledged_ms: 0 none
 * @held: suppressed since before it was raised, so that it is in no incident
 * Texts are SQLite's, until the call returns.
 */
struct history_alarm {
	const char *path;
	const char *condition;
	const char *value;
	const char *incident;
	bool raised;
	bool one_shot;
	bool out_of_service;
	bool suppressed;
	bool held;
	int64_t since_ms;
	int64_t changed_ms;
	int64_t acknowledged_ms;
	const char *acknowledged_by;
	int64_t shelved_until_ms;
	const char *shelved_by;
	const char *shelved_reason;
	int64_t out_until_ms;
	const char *out_by;
	const char *out_reason;
};

/** history_alarms() - all but those at rest, by time. Return: how many; -errno. */
int history_alarms(struct history *history,
		   void (*each)(void *userdata, const struct history_alarm *alarm), void *userdata);

/** history_raised() - raised alarms: path, since, last value. Return: how many; -errno. */
int history_raised(struct history *history,
		   void (*each)(void *userdata, const char *path, int64_t since_ms,
				const char *value),
		   void *userdata);

/** history_channels() - all channels with a row or without, by path. Return: how many; -errno. */
int history_channels(struct history *history,
		     void (*each)(void *userdata, const struct history_channel *channel),
		     void *userdata);

/**
 * history_windows() - the windows of one channel, in order of time
 * @path: of the channel
 * @from_ms, @to_ms: every window that has a moment of [@from_ms, @to_ms) is given, whole, at
 *   its place in the time zone of the record, whether there are values in it or not
 *
 * Reads a month at a time and holds no lock while @each runs.
 * Return: how many; -ENOENT the record does not know the channel; -errno.
 */
int history_windows(struct history *history, const char *path, enum window_length length,
		    int64_t from_ms, int64_t to_ms,
		    void (*each)(void *userdata, const struct history_window *window),
		    void *userdata);

/** history_outbox() - 0; -errno */
int history_outbox(struct history *history, struct history_outbox *ret);

/**
 * struct history_queued - a report or file with all that the outbox knows of it
 * @state: "pending", "held" (refused by its receiver), "stopped" (held back by a person), "sent",
 *   "abandoned" or "superseded"
 * @error: what the last attempt ended with, "" none; @reason, @changed_by: a person's, "" none
 * @replaced_by: webhook id of the update that superseded it, "" none
 * @n_skipped: updates that it stands for
 * @next_ms: 0 at once; @last_ms, @changed_ms: 0 never
 * @body: NULL in a list
 * Texts are SQLite's, until the call returns.
 */
struct history_queued {
	const char *webhook_id;
	const char *destination;
	const char *incident;
	const char *type;
	const char *state;
	const char *error;
	const char *reason;
	const char *changed_by;
	const char *replaced_by;
	const char *body;
	int lane;
	int64_t created_ms;
	int64_t next_ms;
	int64_t last_ms;
	int64_t changed_ms;
	int64_t attempts;
	int64_t n_skipped;
	int http_status;
};

/**
 * history_queue() - what is not delivered, in the order in which it goes
 * @destination: only this one's, NULL all
 * @all: those that are done with, too: sent, abandoned, superseded; by their age
 * @most: at the most so many
 * Return: how many; -errno.
 */
int history_queue(struct history *history, const char *destination, bool all, int most,
		  void (*each)(void *userdata, const struct history_queued *report),
		  void *userdata);

/** history_report() - one report by its webhook id, with its body. Return: 1; 0 none; -errno. */
int history_report(struct history *history, const char *webhook_id,
		   void (*each)(void *userdata, const struct history_queued *report),
		   void *userdata);

/** history_set_aside() - how many a destination has in a state that is not waited for: "stopped",
 * "abandoned" or "superseded". Return: how many rows; -errno. */
int history_set_aside(struct history *history,
		      void (*each)(void *userdata, const char *destination, const char *state,
				   int64_t n),
		      void *userdata);

/** history_paused() - destinations whose receiver has said 410. Return: how many; -errno. */
int history_paused(struct history *history,
		   void (*each)(void *userdata, const char *destination, int64_t since_ms,
				const char *reason),
		   void *userdata);

/**
 * history_head() - number of the last entry, 0 none, and the time zone that it was written
 * in, minutes ahead of UTC: what is shown from the record is shown in that zone
 */
int history_head(struct history *history, int64_t *ret_seq, int *ret_zone_min);

/** history_error() - words for the last failure */
const char *history_error(const struct history *history);

/* --- history_chain.c: the chain ---------------------------------------------------- */

struct verify;
struct sign_public;

/** struct history_head_note - a signed head; see record_commit.c */
struct history_head_note {
	int64_t seq;
	char note[512];
	uint8_t signature[64];
};

/** struct history_entry - @hash: 32 bytes; SQLite's until the callback returns */
struct history_entry {
	int64_t seq;
	const char *line;
	const uint8_t *hash;
};

/** history_snapshot() - all that follows sees one state of the record, whatever is added */
int history_snapshot(struct history *history);

/** history_verify_tables() - before anything is read. Return: 0; -errno; the fault is @verify's. */
int history_verify_tables(struct history *history, struct verify *verify);

/** history_verify_incidents() - as record_verify_incidents() */
int history_verify_incidents(struct history *history, struct verify *verify, char *after,
			     size_t most);

/** history_verify() - as record_verify() */
int history_verify(struct history *history, struct verify *verify, size_t most);

/** history_verify_outbox() - as record_verify_outbox() */
int history_verify_outbox(struct history *history, struct verify *verify, int64_t *after,
			  size_t most);

/** history_trust_former() - keys that those which are trusted have replaced; see verify.h */
int history_trust_former(struct history *history, struct verify *verify);

/**
 * history_key() - a key that the record names
 * @id: as sign_key_id(); NULL the first of all
 * Return: 1; 0 it names none such; -errno.
 */
int history_key(struct history *history, const char *id, struct sign_public *ret);

/** history_range() - entries of a time, both ends included. Return: 1; 0 there are none; -errno. */
int history_range(struct history *history, int64_t since_ms, int64_t until_ms, int64_t *ret_first,
		  int64_t *ret_last);

/**
 * history_head_from() - the first signed head at an entry or behind it; else the last there is
 * Return: 1; 0 there is none at all; -errno.
 */
int history_head_from(struct history *history, int64_t seq, struct history_head_note *ret);

/**
 * history_chain() - entries by their numbers
 * @each: a negative result of it ends the call
 * Return: how many; -errno.
 */
int history_chain(struct history *history, int64_t first, int64_t last,
		  int (*each)(void *userdata, const struct history_entry *entry), void *userdata);
