/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event.h - what can happen, and how it is said: as an entry of the record, as a sentence
 *
 * An entry is one line of canonical JSON (RFC 8785 with integers and decimal strings only,
 * no floats, no null). Entries are chained:
 *
 *   H(n) = SHA-256("wastewatch-log/1\n" + hex(H(n-1)) + "\n" + line(n)),  H(0) = 64 zeros
 *
 * No clock, no I/O.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/macro.h"
#include "core/config.h"
#include "core/hash.h"
#include "core/quality.h"

enum event_type {
	EVENT_RECORD_CREATED,
	EVENT_RECORD_VERIFIED,
	EVENT_RECORD_DAMAGED,
	EVENT_RECORD_REPLACED,
	EVENT_RECORD_SEEN,
	EVENT_KEY_ROTATED,
	EVENT_CORE_STARTED,
	EVENT_CORE_STOPPED,
	EVENT_CONFIG_LOADED,
	EVENT_CONFIG_REFUSED,
	EVENT_ALARM_RAISED,
	EVENT_ALARM_CLEARED,
	EVENT_ALARM_REMOVED,
	EVENT_INCIDENT_OPENED,
	EVENT_INCIDENT_UPDATED,
	EVENT_INCIDENT_ENDED,
	EVENT_INCIDENT_REMOVED,
	EVENT_MEASUREMENT_LOST,
	EVENT_MEASUREMENT_RESTORED,
	EVENT_READINGS_LOST,
	EVENT_STORAGE_LOW,
	EVENT_STORAGE_CRITICAL,
	EVENT_STORAGE_RECOVERED,
	EVENT_JOURNAL_RESENT,
	EVENT_SANDBOX_CHECKED,
	EVENT_SANDBOX_OPEN,
	EVENT_POLLER_STARTED,
	EVENT_POLLER_SILENT,
	EVENT_POLLER_RETURNED,
	EVENT_CLOCK_STEPPED,
	EVENT_CLOCK_DIFFERS,
	EVENT_ANCHOR_BEHIND,
	EVENT_ANCHOR_AHEAD,
	EVENT_ANCHOR_CONFLICT,
	EVENT_ANCHOR_AGREED,
	EVENT_ANCHOR_SEEN,
	EVENT_HEARTBEAT,
	EVENT_REPORT_DELIVERED,
	EVENT_REPORT_HELD,
	EVENT_REPORTS_STRANDED,
	EVENT_CREDENTIAL_MISSING,
	EVENT_DESTINATION_PAUSED,
	EVENT_DESTINATION_RESUMED,
	EVENT_REPORT_RETRIED,
	EVENT_REPORT_STOPPED,
	EVENT_REPORT_RELEASED,
	EVENT_REPORT_ABANDONED,
	EVENT_REPORTS_FIXED,
	EVENT_REPORT_ALTERED,
	EVENT_DEVICE_STATE,
	EVENT_WINDOW_INVALID,
	EVENT_ALARM_ACKNOWLEDGED,
	EVENT_ALARM_RESET,
	EVENT_ALARM_SHELVED,
	EVENT_ALARM_UNSHELVED,
	EVENT_ALARM_OUT_OF_SERVICE,
	EVENT_ALARM_RETURNED,
	EVENT_ALARM_SUPPRESSED,
	EVENT_ALARM_UNSUPPRESSED,
	EVENT_ALARM_REPEATED,
	EVENT_ALARM_FORECAST,
	EVENT_ALARM_FLOOD,
	EVENT_INCIDENT_ACKNOWLEDGED,
	EVENT_INCIDENT_CLOSED,
	EVENT_INCIDENT_LEVEL,
	EVENT_CROSSING_ASSESSED,
	EVENT_CROSSING_CONFIRMED,
	EVENT_CROSSING_REFUTED,
	EVENT_INBOUND_SUSPECTED,
	EVENT_DRILL_STARTED,
	EVENT_DRILL_STOPPED,
	EVENT_DRILL_DUE,
	EVENT_TYPE_MAX = EVENT_DRILL_DUE,
};

#define EVENT_NONE	    SIZE_MAX /* an index that does not apply */
#define EVENT_MESSAGE_MAX   2560     /* origin and advice may have 1000 bytes each */
#define EVENT_VALUE_MAX	    48
#define INCIDENT_ID_MAX	    104
#define EVENT_FORECAST_GONE "no longer foreseen" /* reason of a forecast that is taken back */
#define INCIDENT_EXERCISE   "exercise." /* how ids of drills begin; no site's name holds a dot */

/** struct event_mass - what was released of a channel's substance, see release.h */
struct event_mass {
	size_t limit; /* the one whose bound @above_kg is about */
	size_t channel;
	double total_kg;
	double above_kg; /* of it, above the limit */
	int64_t from_ms; /* UTC */
	int64_t until_ms;
	unsigned int covered_percent; /* share of the time that had data, rounded down */
	bool known;		      /* some of it had; else the masses say nothing */
};

/**
 * struct event_keys - which key signs; texts as in sign.h, NULL none
 * @old_id, @old_public, @signature: with "key.rotated"; see verify.h
 */
struct event_keys {
	const char *origin;
	const char *id;
	const char *public;
	const char *old_id;
	const char *old_public;
	const char *signature;
};

/**
 * struct event_body - a report, or a data file, as it stands in the outbox
 * @hash: SHA-256 of its body, in hex
 * @report: its webhook id
 * @type, @incident: of the row; NULL with a data file, whose id says both
 */
struct event_body {
	const char *hash;
	const char *report;
	const char *type;
	const char *incident;
};

/**
 * struct event - one thing that happened, to what
 * @site, @source, @channel, @limit: indices into the configuration, EVENT_NONE
 * @value: counts if @has_value
 * @since_ms: UTC; 0 none
 * @incident: its id, NULL none
 * @incident_class, @kind: with incident events
 * @reason: a few words, NULL none
 * @name: of a destination or the like, NULL none
 * @report: webhook id, NULL none
 * @number: a count or a length, said in the table of event.c; 0 none
 * @user: who did it, with operator actions; NULL nobody
 * @uid: the number of that account; NULL not known, as in a replay
 * @level: of an incident, as incident_level_text(); NULL none
 * @verdict: will it cross, as crossing_verdict_text(); NULL none
 * @boundary: line or receptor that it is about; NULL none
 * @covered_percent: of a release's time, so much was measured; counts if @has_covered
 * @measures: what was done about it; NULL none
 * @masses: what was released in an incident that has ended, @n_masses of them
 * @keys: which key signs from here on; NULL not said
 * @hash: of an entry, 64 hex digits; NULL none
 * @heads: how many signed heads were looked at, with "record.verified"
 * @until_ms: UTC; 0 none
 * @exercise: part of a drill, nothing of it is real
 * @bodies: with "reports.fixed", what is fixed; @replaced: ids of those that they stand for
 * @quiet: nobody is to be called for it: the priority is that of information
 */
struct event {
	enum event_type type;
	struct stamp at;
	size_t site;
	size_t source;
	size_t channel;
	size_t limit;
	double value;
	bool has_value;
	enum limit_class incident_class;
	enum waste_kind kind;
	int64_t since_ms;
	int64_t number;
	const char *incident;
	const char *reason;
	const char *name;
	const char *report;
	const char *user;
	const uint32_t *uid;
	const char *level;
	const char *verdict;
	const char *boundary;
	bool has_covered;
	unsigned int covered_percent;
	const char *measures;
	const struct event_mass *masses;
	size_t n_masses;
	const struct event_keys *keys;
	const char *hash;
	int64_t heads;
	const struct event_body *bodies;
	size_t n_bodies;
	const char *const *replaced;
	size_t n_replaced;
	bool has_left;
	int64_t left; /* rows of an older record that are still to come */
	int64_t until_ms;
	bool exercise;
	bool quiet;
};

/** event_of_channel() - an event with site, source and channel filled in */
struct event event_of_channel(const struct config *config, enum event_type type, struct stamp at,
			      size_t channel);

/** event_plain() - an event of nothing in particular */
struct event event_plain(enum event_type type, struct stamp at);

/** event_type_text() - "alarm.raised", … */
const char *event_type_text(enum event_type type);

/** event_type_of() - the type of this name. Return: whether there is one. */
bool event_type_of(const char *text, enum event_type *ret);

/** event_message_id() - the journal's MESSAGE_ID, 32 hex digits */
const char *event_message_id(enum event_type type);

/** event_priority() - syslog priority, 0 worst */
int event_priority(const struct event *event, const struct config *config);

/**
 * event_value_text() - a decimal without exponent or trailing zeros
 * Four places; below 1 five significant digits, up to 12 places. From 1e30 on, which is beyond
 * what can be a value but not what an instrument can read, it has an exponent.
 */
void event_value_text(double value, char text[static EVENT_VALUE_MAX]);

/** event_body_hash() - SHA-256 of a body, in hex. Return: 0; -ENOMEM. */
int event_body_hash(const char *body, size_t n, char ret[static 65]);

/**
 * event_body_text() - a body as it stands in the line of "reports.fixed", and nowhere else there
 * Return: canonical JSON, freed by the caller; NULL: no memory.
 */
char *event_body_text(const struct event_body *body);

/** event_message() - a sentence for people */
void event_message(const struct event *event, const struct config *config,
		   char text[static EVENT_MESSAGE_MAX]);

struct sign_key;

/** event_message_record() - the same of the types record.…, key.… and reports.fixed; for
 * event_message() */
void event_message_record(const struct event *event, const struct config *config, char *text);

/**
 * struct chain - end of the record so far
 * @seq: of the last entry, 0 none
 * @hash: of the last entry; zeros where there is none
 * @before: of the entry before; known from the first entry of this run on
 * @wall_ms: time of the last entry, likewise
 * @key: what its heads are signed with, the caller's; NULL: they are not
 */
struct chain {
	uint64_t seq;
	uint8_t hash[32];
	uint8_t before[32];
	int64_t wall_ms;
	const struct sign_key *key;
};

/**
 * event_line() - an event as an entry's line
 * @seq: the entry's number
 * Return: allocated text without a newline; NULL out of memory.
 */
char *event_line(const struct event *event, const struct config *config, uint64_t seq);
