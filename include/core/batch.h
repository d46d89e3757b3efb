/* SPDX-License-Identifier: Apache-2.0 */
/*
 * batch.h - what the core has found out since the last commit
 *
 * Filled by the core, written by the record in one transaction, then emptied and used
 * again: in steady state nothing is allocated. Does no I/O.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/macro.h"
#include "core/alarm.h"
#include "core/event.h"
#include "core/window.h"

/**
 * struct batch_entry - an entry of the record
 * @line: its canonical JSON, owned
 * @message: the same for people, owned
 * @hash: chain hash of this entry
 * @incident: id, owned; NULL none
 */
struct batch_entry {
	uint64_t seq;
	int64_t wall_ms;
	enum event_type type;
	int priority;
	char *line;
	char *message;
	char *incident;
	uint8_t hash[32];
};

struct batch_minute {
	uint32_t channel;
	struct window_row row;
};

#define REPORT_FIRST "incident.opened" /* type of the first report of an incident */

/**
 * struct batch_report - a report, or a data file, for one destination
 * @webhook_id, @type, @incident, @body: owned; of a file: files.h
 * @lane: 0 emergency, 1 all other reports, 2 data files
 * @created_ms: UTC
 */
struct batch_report {
	char *webhook_id;
	char *type;
	char *incident;
	char *body;
	uint32_t destination;
	uint32_t lane;
	int64_t created_ms;
	bool unstored; /* it was sent before it could be stored, see storage.h */
};

/** struct batch_incident - the state of an incident, as people ask for it */
struct batch_incident {
	char id[INCIDENT_ID_MAX];
	size_t site;
	enum waste_kind kind;
	enum limit_class class;
	size_t first_out; /* limit, EVENT_NONE when it is no longer configured */
	uint32_t n_updates;
	uint32_t n_alarms; /* joined so far */
	int64_t opened_ms;
	int64_t ended_ms;  /* 0 while it runs */
	bool exercise;	   /* of a drill: kept apart from those that are real */
	const char *level; /* constants, as in reports */
	const char *verdict;
	int64_t acknowledged_ms; /* 0: by nobody */
	char *acknowledged_by;	 /* owned, NULL by nobody */
	char *told;    /* names of the destinations that know of it, a space behind each; owned */
	char *summary; /* JSON of the last report's data, owned */
};

/** struct batch_closing - an incident that had ended was closed by somebody; texts owned */
struct batch_closing {
	char *id;
	int64_t at_ms;
	char *user;
	char *cause;
	char *measures;
	char *summary;
};

/**
 * struct batch_alarm - the state of a limit's alarm
 * @raised: 0 cleared
 * @value, @incident: count if @is_judged: the limit was just broken, or is back; else the row has
 *   them already
 */
struct batch_alarm {
	size_t limit;
	int raised;
	bool is_judged;
	int64_t since_ms;
	int64_t changed_ms;
	double value;
	char incident[INCIDENT_ID_MAX];
	struct alarm_state state;
	struct alarm_notes notes;
};

/** struct batch_removed - an alarm or incident whose configuration is gone; @name owned */
struct batch_removed {
	char *name;
	int64_t at_ms;
	bool is_incident;
	bool exercise; /* incident of a drill */
};

#define BATCH_KEPT_ENTRIES 4096
#define BATCH_KEPT_REPORTS 256

struct batch {
	struct batch_entry *entries;
	struct batch_minute *minutes;
	struct batch_report *reports;
	struct batch_incident *incidents;
	struct batch_alarm *alarms;
	struct batch_removed *removed;
	struct batch_closing *closings;
	size_t n_entries, n_minutes, n_reports, n_incidents, n_alarms, n_removed, n_closings;
	size_t room_entries, room_minutes, room_reports, room_incidents, room_alarms, room_removed;
	size_t room_closings;
	/* While nothing can be stored the batch is kept, and must not grow for ever: with @is_kept
	 * what is beyond BATCH_KEPT_… is counted here instead */
	bool is_kept;
	size_t n_left_out_entries, n_left_out_reports;
	/* Whose action is being done: entries that name a user have the number, too */
	bool has_actor;
	uint32_t actor_uid;
	bool out_of_memory; /* something could not be kept: the batch must not be committed */
};

/** batch_add() - room for one more item at the end of an array, zeroed; NULL: no memory */
#define batch_add(batch, what)                                                            \
	((__typeof__((batch)->what))batch_grow((batch), (void **)&(batch)->what,          \
					       &(batch)->n_##what, &(batch)->room_##what, \
					       sizeof(*(batch)->what)))

void *batch_grow(struct batch *batch, void **array, size_t *n, size_t *room, size_t size);

/** batch_takes_entry() - is there room for an entry of this type? Counts it if not. */
bool batch_takes_entry(struct batch *batch, enum event_type type);

/**
 * batch_takes_report() - the same for a report or a data file
 * @is_update: of an incident, neither its first report nor its end
 */
bool batch_takes_report(struct batch *batch, bool is_file, bool is_update);

/** batch_drop_files() - forget the data files. Return: how many. */
size_t batch_drop_files(struct batch *batch, uint32_t lane);

/** batch_fold() - of the rows that tell the state of an alarm or an incident the last is enough */
void batch_fold(struct batch *batch);

/** batch_clear() - forget the contents, keep the room */
void batch_clear(struct batch *batch);

/** batch_done() - give all memory back */
void batch_done(struct batch *batch);
