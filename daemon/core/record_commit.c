/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/head.h"
#include "core/record_statements.h"

static void bind_text(sqlite3_stmt *statement, int at, const char *text)
{
	(void)sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC); /* NULL binds NULL */
}

static void bind_time(sqlite3_stmt *statement, int at, int64_t ms)
{
	if (ms)
		(void)sqlite3_bind_int64(statement, at, ms);
	else
		(void)sqlite3_bind_null(statement, at);
}

/* an empty text is none */
static void bind_some(sqlite3_stmt *statement, int at, const char *text)
{
	bind_text(statement, at, *text ? text : NULL);
}

/* bindings fail for want of memory or a wrong index only; the step that follows says so */
#define PREPARE(which)                                     \
	sqlite3_stmt *s = record_statement(record, which); \
	if (!s)                                            \
	return record_failed(record, sqlite3_errcode(record->db))

int record_add_entry(struct record *record, const struct batch_entry *entry)
{
	PREPARE(ADD_ENTRY);
	(void)sqlite3_bind_int64(s, 1, (sqlite3_int64)entry->seq);
	(void)sqlite3_bind_int64(s, 2, entry->wall_ms);
	bind_text(s, 3, event_type_text(entry->type));
	bind_text(s, 4, entry->incident);
	bind_text(s, 5, entry->line);
	(void)sqlite3_bind_blob(s, 6, entry->hash, sizeof(entry->hash), SQLITE_STATIC);
	return record_run(record, s);
}

static int add_minute(struct record *record, const struct batch_minute *minute)
{
	const struct record_channel *channel = &record->channels[minute->channel];

	return record_add_minute(record, &(struct minute){
						 .t = minute->row.start_ms / MS_PER_MIN,
						 .channel = channel->id,
						 .row = minute->row,
						 .expected = channel->expected,
					 });
}

static int add_incident(struct record *record, const struct config *config,
			const struct batch_incident *incident)
{
	PREPARE(incident->exercise ? ADD_DRILL_INCIDENT : ADD_INCIDENT);
	bind_text(s, 1, incident->id);
	bind_text(s, 2, config->sites[incident->site].name);
	bind_text(s, 3, waste_kind_text(incident->kind));
	bind_text(s, 4, limit_class_text(incident->class));
	bind_text(s, 5, incident->ended_ms ? "ended" : "open");
	(void)sqlite3_bind_int64(s, 6, incident->opened_ms);
	bind_time(s, 7, incident->ended_ms);
	bind_text(s, 8,
		  incident->first_out == EVENT_NONE ? NULL
						    : config->limits[incident->first_out].path);
	(void)sqlite3_bind_int64(s, 9, incident->n_updates);
	(void)sqlite3_bind_int64(s, 10, incident->n_alarms);
	bind_text(s, 11, incident->summary);
	bind_text(s, 12, incident->level);
	bind_text(s, 13, incident->verdict);
	bind_time(s, 14, incident->acknowledged_ms);
	bind_text(s, 15, incident->acknowledged_by);
	bind_text(s, 16, incident->told);
	return record_run(record, s);
}

static int close_incident(struct record *record, const struct batch_closing *closing)
{
	PREPARE(CLOSE_INCIDENT);
	bind_text(s, 1, closing->id);
	(void)sqlite3_bind_int64(s, 2, closing->at_ms);
	bind_text(s, 3, closing->user);
	bind_text(s, 4, closing->cause);
	bind_text(s, 5, closing->measures);
	bind_text(s, 6, closing->summary);
	return record_run(record, s);
}

static int add_alarm(struct record *record, const struct config *config,
		     const struct batch_alarm *alarm)
{
	const struct alarm_state *state = &alarm->state;
	const struct alarm_notes *notes = &alarm->notes;
	bool seen = state->condition == ALARM_ACKNOWLEDGED ||
		    state->condition == ALARM_LATCHED_SEEN;
	char value[EVENT_VALUE_MAX];

	PREPARE(ADD_ALARM);
	event_value_text(alarm->value, value);
	bind_text(s, 1, config->limits[alarm->limit].path);
	(void)sqlite3_bind_int(s, 2, alarm->raised);
	(void)sqlite3_bind_int64(s, 3, alarm->since_ms);
	(void)sqlite3_bind_int64(s, 4, alarm->changed_ms);
	bind_text(s, 5, alarm->is_judged ? value : NULL);
	bind_some(s, 6, alarm->incident);
	bind_text(s, 7, alarm_text((enum alarm_condition)state->condition));
	bind_time(s, 8, seen ? state->acknowledged.wall_ms : 0);
	bind_some(s, 9, seen ? notes->acknowledged.user : "");
	bind_time(s, 10, state->shelved_until.wall_ms);
	bind_some(s, 11, notes->shelved.user);
	bind_some(s, 12, notes->shelved.reason);
	(void)sqlite3_bind_int(s, 13, state->one_shot);
	(void)sqlite3_bind_int(s, 14, state->out_of_service);
	bind_time(s, 15, state->out_until.wall_ms);
	bind_some(s, 16, notes->out.user);
	bind_some(s, 17, notes->out.reason);
	(void)sqlite3_bind_int(s, 18, state->suppressed);
	(void)sqlite3_bind_int(s, 19, state->held);
	return record_run(record, s);
}

static int remove_one(struct record *record, const struct batch_removed *removed)
{
	PREPARE(!removed->is_incident ? REMOVE_ALARM
		: removed->exercise   ? REMOVE_DRILL_INCIDENT
				      : REMOVE_INCIDENT);
	bind_text(s, 1, removed->name);
	(void)sqlite3_bind_int64(s, 2, removed->at_ms);
	return record_run(record, s);
}

static int set_ack(struct record *record, const struct record_ack *ack, int64_t wall_ms)
{
	PREPARE(SET_ACK);
	(void)sqlite3_bind_int64(s, 1, (sqlite3_int64)ack->instance);
	(void)sqlite3_bind_int64(s, 2, (sqlite3_int64)ack->seq);
	(void)sqlite3_bind_int64(s, 3, wall_ms);
	return record_run(record, s);
}

/* Kept for ever beside its entries: what is handed out may end here. One that nobody has signed
 * says nothing that the chain does not, so it is in "head" only. */
static int add_head(struct record *record, uint64_t seq, const char *note,
		    const uint8_t signature[static SIGN_ED25519_BYTES])
{
	int r;

	PREPARE(ADD_HEAD);
	(void)sqlite3_bind_int64(s, 1, (sqlite3_int64)seq);
	bind_text(s, 2, note);
	(void)sqlite3_bind_blob(s, 3, signature, SIGN_ED25519_BYTES, SQLITE_STATIC);
	r = record_run(record, s);
	(void)sqlite3_clear_bindings(s); /* they point into the caller */
	return r;
}

/* the head as it is signed: see head.h */
static int set_head(struct record *record, const struct record_commit *commit, struct chain chain)
{
	char note[HEAD_NOTE_MAX] = "", key_id[SIGN_KEY_ID_TEXT];
	uint8_t signature[SIGN_ED25519_BYTES] = {0};
	int r;

	PREPARE(SET_HEAD);
	chain.key = commit->head_key;
	r = head_note(commit->config->origin, &chain, commit->now.wall_ms, note, key_id);
	if (r == 0 && commit->head_key)
		r = sign_bytes(commit->head_key, note, strlen(note), signature);
	if (r < 0)
		return r;
	(void)sqlite3_bind_int64(s, 1, (sqlite3_int64)chain.seq);
	(void)sqlite3_bind_blob(s, 2, chain.hash, sizeof(chain.hash), SQLITE_STATIC);
	bind_text(s, 3, note);
	if (commit->head_key)
		(void)sqlite3_bind_blob(s, 4, signature, sizeof(signature), SQLITE_STATIC);
	else
		(void)sqlite3_bind_null(s, 4);
	r = record_run(record, s);
	(void)sqlite3_clear_bindings(s); /* they point into this function */
	record->head = (struct record_head){.seq = chain.seq, .is_signed = commit->head_key};
	memcpy(record->head.note, note, sizeof(note));
	memcpy(record->head.signature, signature, sizeof(signature));
	return r == 0 && commit->head_key ? add_head(record, chain.seq, note, signature) : r;
}

static int set_state(struct record *record, const struct record_commit *commit)
{
	PREPARE(SET_STATE);
	(void)sqlite3_bind_blob64(s, 1, commit->state, commit->n_state, SQLITE_STATIC);
	(void)sqlite3_bind_int64(s, 2, commit->mono_base_ms);
	(void)sqlite3_bind_int64(s, 3, commit->now.mono_ms);
	(void)sqlite3_bind_int64(s, 4, commit->now.wall_ms);
	(void)sqlite3_bind_blob(s, 5, commit->boot_id, sizeof(commit->boot_id), SQLITE_STATIC);
	return record_run(record, s);
}

static int set_windows(struct record *record, const struct record_commit *commit)
{
	PREPARE(SET_WINDOWS);
	(void)sqlite3_bind_blob64(s, 1, commit->windows, commit->n_windows, SQLITE_STATIC);
	return record_run(record, s);
}

#define EACH(n, call)                              \
	for (size_t i = 0; r == 0 && i < (n); i++) \
	r = call

/* @chain: its end; moves on */
static int write_all(struct record *record, const struct record_commit *commit, struct chain *chain)
{
	const struct batch *batch = commit->batch;
	int r = record_load_upkeep(record);

	if (r == 0)
		r = record_fix_begin(record, commit);
	EACH(batch->n_entries, record_add_entry(record, &batch->entries[i]));
	EACH(batch->n_minutes, add_minute(record, &batch->minutes[i]));
	EACH(batch->n_incidents, add_incident(record, commit->config, &batch->incidents[i]));
	EACH(batch->n_alarms, add_alarm(record, commit->config, &batch->alarms[i]));
	EACH(batch->n_removed, remove_one(record, &batch->removed[i]));
	EACH(batch->n_closings, close_incident(record, &batch->closings[i]));
	/* first what became of attempts: what the receiver has is replaced by no report */
	if (r == 0)
		r = record_set_outbox(record, commit);
	EACH(batch->n_reports, record_add_report(record, commit, i));
	EACH(commit->n_acks, set_ack(record, &commit->acks[i], commit->now.wall_ms));
	if (r == 0)
		r = set_state(record, commit);
	if (r == 0 && commit->windows)
		r = set_windows(record, commit);
	if (r == 0)
		r = record_set_drills(record, commit);
	if (r == 0)
		r = record_set_journal(record, commit->journal_seq);
	if (r == 0)
		r = record_set_anchors(record, commit);
	if (r == 0)
		r = record_fix(record, commit, chain);
	if (r == 0 && (batch->n_entries > 0 || chain->seq != commit->chain.seq))
		r = set_head(record, commit, *chain);
	if (r == 0 && !commit->is_tight)
		r = record_upkeep(record, commit);
	return r;
}

/* what could not be done when the record was opened or bound */
static int make_ready(struct record *record, const struct record_commit *commit)
{
	int r = 0;

	if (record->mode != RECORD_WRITABLE)
		r = record->why;
	else if (record->unbound)
		r = record_bind(record, commit->config);
	if (r == 0 && record->unbound)
		r = -ENOSPC;
	if (r < 0 && record_is_full(r))
		(void)snprintf(record->error, sizeof(record->error), "%s", strerror(-r));
	return r;
}

int record_commit(struct record *record, const struct record_commit *commit)
{
	const struct batch *batch = commit->batch;
	struct chain chain = commit->chain;
	int r;

	if (batch->out_of_memory) {
		(void)snprintf(record->error, sizeof(record->error), "out of memory");
		return -ENOMEM;
	}
	r = make_ready(record, commit);
	if (r < 0)
		return r;
	record_nothing_made(record);
	r = record_begin(record);
	if (r == 0)
		r = write_all(record, commit, &chain);
	if (r == 0)
		r = record_do(record, COMMIT);
	if (r < 0) {
		if (!sqlite3_get_autocommit(record->db))
			(void)record_do(record, ROLLBACK); /* the first error counts */
		record->upkeep.loaded = false;
		record->journal_seq = 0; /* whatever is stored: it is written with the next one */
		return r;
	}
	record->last = commit->now;
	memcpy(record->last_boot, commit->boot_id, sizeof(record->last_boot));
	r = record_read_back(record, commit, &chain);
	record->legacy = record->legacy_next;
	if (r == 0)
		record->base = chain;
	if (r == 0 && record->checkpoint) {
		(void)snprintf(record->error, sizeof(record->error),
			       "its log cannot be brought into record.db: %s",
			       sqlite3_errstr(record->checkpoint));
		r = -EIO;
	}
	return r;
}

int record_standing(struct record *record,
		    void (*each)(void *userdata, const char *name, const char *summary,
				 const char *told),
		    void *userdata)
{
	int code;

	PREPARE(STANDING);
	while ((code = sqlite3_step(s)) == SQLITE_ROW)
		each(userdata, sqlite_text(s, 0), (const char *)sqlite3_column_text(s, 1),
		     sqlite_text(s, 2));
	(void)sqlite3_reset(s); /* read-only */
	return code == SQLITE_DONE ? 0 : record_failed(record, code);
}
