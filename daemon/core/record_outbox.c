/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outbox's rows. What waits is 'pending' or 'held'; of each incident and destination the
 * oldest of these has its turn (column "turn", kept by triggers, record_schema.c), and of all
 * whose turn it is the first by lane and place goes.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/files.h"
#include "core/record_statements.h"
#include "core/report.h"

#define QUEUED "state IN ('pending', 'held')" /* as the indices have it, or they do not serve */

/* An update that nobody has been asked to take yet, so that no receiver can have it; one that
 * is sent again because its receiver has lost it has a "last_ms". It is looked for before the new
 * one is there. */
#define REPLACEABLE                                                             \
	" WHERE destination = ?1 AND incident = ?2 AND " QUEUED                 \
	" AND state = 'pending' AND type = 'incident.updated' AND attempts = 0" \
	" AND last_ms IS NULL AND id <> ?3"

#define SOON_MS "5000" /* the first wait of outbox.c */

/* after a 2xx at ?2; a refusal counts by the minute, MS_PER_MIN, up to a quarter of an hour */
#define DUE                                      \
	"iif(state = 'pending' OR lane = 2, ?2," \
	" max(?2, min(coalesce(last_ms, 0), ?2) + min(attempts, 15) * 60000))"

#define CHANGE                                                                         \
	"UPDATE outbox SET state = coalesce(?2, state), next_ms = 0, changed_ms = ?3," \
	" changed_by = ?4, reason = ?5"

const char *const record_outbox_sql[N_STATEMENTS] = {
	[ADD_REPORT] =
		"INSERT INTO outbox(webhook_id, destination, incident, type, lane,"
		" created_ms, body, skipped, place, fixed) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7,"
		" ?8, ?9, NULL)",
	/* a file's name is its place at the department: the first of a name counts, see files.h */
	[ADD_FILE] = "INSERT INTO outbox(webhook_id, destination, incident, type, lane,"
		     " created_ms, body, skipped, place, fixed)"
		     " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, NULL)"
		     " ON CONFLICT(webhook_id) DO NOTHING",
	/* what an emergency waits for must not wait in the slow lane, nor for what its receiver
	 * has said before it came */
	[RAISE_LANE] = "UPDATE outbox SET lane = 0, next_ms = min(next_ms, ?3) WHERE incident = ?1"
		       " AND destination = ?2 AND " QUEUED " AND lane > 0",
	[REPLACED] = "SELECT count(*) + coalesce(sum(skipped), 0), min(place), min(lane)"
		     " FROM outbox" REPLACEABLE,
	/* what it said is in the one that replaces it; that it was there, stays */
	[REPLACE] = "UPDATE outbox SET state = 'superseded', body = '', replaced_by = ?4,"
		    " last_ms = ?5" REPLACEABLE,
	/* what a person has decided meanwhile stands, unless the receiver has it; and what was in
	 * the slow lane when it went and has an emergency behind it now, goes again soon */
	[SET_DELIVERY] = "UPDATE outbox SET state = CASE WHEN ?2 <> 'sent' AND"
			 " state IN ('stopped', 'abandoned') THEN state ELSE ?2 END, attempts = ?3,"
			 " next_ms = CASE WHEN lane = 0 AND ?8 > 0 THEN min(?4, ?5 + " SOON_MS
			 ") ELSE ?4 END, last_ms = ?5, http_status = ?6, error = ?7,"
			 " changed_by = CASE ?2 WHEN 'stopped' THEN 'wastewatchd' ELSE changed_by"
			 " END WHERE id = ?1",
	[NEXT_JOB] = "SELECT id, attempts, lane, webhook_id, body, state = 'held', type, incident,"
		     " fixed FROM outbox"
		     " WHERE destination = ?1 AND turn = 1 AND lane BETWEEN ?4 AND ?5"
		     " AND (next_ms <= ?2 OR next_ms > ?3)"
		     " AND (?6 IS NULL OR instr(?6, ',' || id || ',') = 0)"
		     " AND (NOT ?7 OR lane = 0 OR type = '" REPORT_FIRST "')"
		     " ORDER BY lane, place LIMIT 1",
	/* next_ms > 0 lets the index outbox_retry serve: only what was tried already has one */
	[NEXT_TIME] = "SELECT min(next_ms) FROM outbox WHERE destination = ?1"
		      " AND " QUEUED " AND next_ms > 0 AND next_ms > ?2",
	/* in the index's own order: no memory for a sorter, however many they are */
	[WAITING] = "SELECT destination, count(*), sum(lane = 2) FROM outbox WHERE " QUEUED
		    " GROUP BY destination",
	[RELEASE] = "UPDATE outbox SET next_ms = ?1 WHERE " QUEUED " AND next_ms > 0"
		    " AND next_ms > ?1",
	/* the receiver is back: what failed while it was away, or asked for time, need not wait
	 * for its turn. A server that takes one station's file may take the others too. A report
	 * that was refused may have been so for a fault that was mended, and is asked about again,
	 * the later the oftener it was refused. */
	[RELEASE_DESTINATION] = "UPDATE outbox SET next_ms = " DUE " WHERE destination ="
				" (SELECT destination FROM outbox WHERE id = ?1) AND " QUEUED
				" AND next_ms > 0 AND next_ms > ?2 AND next_ms > " DUE,
	[FIND_REPORT] = "SELECT id, state, destination, changed_by FROM outbox"
			" WHERE webhook_id = ?1",
	[COUNT_QUEUED] = "SELECT count(*) FROM outbox WHERE destination = ?1 AND " QUEUED,
	[COUNT_STOPPED] = "SELECT count(*) FROM outbox WHERE destination = ?1"
			  " AND state IN ('stopped', 'abandoned') AND state = 'stopped'",
	[CHANGE_REPORT] = CHANGE " WHERE id = ?1",
	[CHANGE_QUEUED] = CHANGE " WHERE destination = ?1 AND " QUEUED,
	[CHANGE_STOPPED] = CHANGE " WHERE destination = ?1"
				  " AND state IN ('stopped', 'abandoned') AND state = 'stopped'",
	[PAUSE] = "INSERT OR REPLACE INTO destination VALUES(?1, ?2, ?3, ?4)",
	[RESUME] = "DELETE FROM destination WHERE name = ?1",
	[PAUSES] = "SELECT name, url, paused_ms, reason FROM destination",
};

static const char *const report_states[] = {
	[REPORT_PENDING] = "pending",
	[REPORT_SENT] = "sent",
	[REPORT_HELD] = "held",
	[REPORT_STOPPED] = "stopped",
};

/* @state: what it becomes, NULL as it is; @queued, @stopped: which of a destination's it means */
static const struct {
	const char *state;
	bool queued;
	bool stopped;
} changes[] = {
	[CHANGE_RETRY] = {NULL, true, false},
	[CHANGE_HOLD] = {"stopped", true, false},
	[CHANGE_RELEASE] = {"pending", false, true},
	[CHANGE_ABANDON] = {"abandoned", true, true},
};

static void bind_text(sqlite3_stmt *statement, int at, const char *text)
{
	(void)sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC); /* NULL binds NULL */
}

/* bindings fail for want of memory or a wrong index only; the step that follows says so */
#define PREPARE(which)                                     \
	sqlite3_stmt *s = record_statement(record, which); \
	if (!s)                                            \
	return record_failed(record, sqlite3_errcode(record->db))

/* --- new ones ---------------------------------------------------------------------- */

static int raise_lane(struct record *record, const struct record_commit *commit,
		      const struct batch_report *report)
{
	PREPARE(RAISE_LANE);
	bind_text(s, 1, report->incident);
	bind_text(s, 2, commit->config->destinations[report->destination].name);
	(void)sqlite3_bind_int64(s, 3, commit->now.wall_ms);
	return record_run(record, s);
}

/** struct replacing - what a report takes the place of; @n: updates, 0 of nothing */
struct replacing {
	int64_t n;
	int64_t place;
	uint32_t lane;
};

static void bind_replaceable(sqlite3_stmt *s, const struct record_commit *commit,
			     const struct batch_report *report)
{
	bind_text(s, 1, commit->config->destinations[report->destination].name);
	bind_text(s, 2, report->incident);
	(void)sqlite3_bind_int64(s, 3,
				 commit->in_flight ? commit->in_flight[report->destination] : 0);
}

static int find_replaced(struct record *record, const struct record_commit *commit,
			 const struct batch_report *report, struct replacing *ret)
{
	int code, r = 0;

	PREPARE(REPLACED);
	bind_replaceable(s, commit, report);
	code = sqlite3_step(s);
	if (code == SQLITE_ROW)
		*ret = (struct replacing){
			.n = sqlite3_column_int64(s, 0),
			.place = sqlite3_column_int64(s, 1),
			.lane = (uint32_t)sqlite3_column_int64(s, 2),
		};
	else
		r = record_failed(record, code);
	(void)sqlite3_reset(s); /* read-only */
	return r;
}

static int replace(struct record *record, const struct record_commit *commit,
		   const struct batch_report *report)
{
	PREPARE(REPLACE);
	bind_replaceable(s, commit, report);
	bind_text(s, 4, report->webhook_id);
	(void)sqlite3_bind_int64(s, 5, commit->now.wall_ms);
	return record_run(record, s);
}

static int insert(struct record *record, const struct record_commit *commit, size_t i,
		  const char *body, const struct replacing *replacing)
{
	const struct batch_report *report = &commit->batch->reports[i];
	int r;

	PREPARE(report->lane == FILES_LANE ? ADD_FILE : ADD_REPORT);
	bind_text(s, 1, report->webhook_id);
	bind_text(s, 2, commit->config->destinations[report->destination].name);
	bind_text(s, 3, report->incident);
	bind_text(s, 4, report->type);
	(void)sqlite3_bind_int64(
		s, 5, replacing->n > 0 ? MIN(report->lane, replacing->lane) : report->lane);
	(void)sqlite3_bind_int64(s, 6, report->created_ms);
	bind_text(s, 7, body);
	(void)sqlite3_bind_int64(s, 8, replacing->n);
	(void)sqlite3_bind_int64(s, 9, replacing->place); /* 0: behind all others */
	r = record_run(record, s);
	/* a file that is there already is not made again */
	return r == 0 && sqlite3_changes(record->db) > 0 ? record_note_made(record, i, body) : r;
}

/*
 * An update says all that the one before it said. An alert of CAP refers to the one before it by
 * its number, which the receiver would never have seen, so it replaces none.
 */
static bool may_replace(const struct batch_report *report)
{
	return strcmp(report->type, "incident.updated") == 0 && *report->body == '{';
}

int record_add_report(struct record *record, const struct record_commit *commit, size_t i)
{
	const struct batch_report *report = &commit->batch->reports[i];
	struct replacing replacing = {0};
	char *body = NULL;
	int r = 0;

	if (may_replace(report))
		r = find_replaced(record, commit, report, &replacing);
	if (r == 0 && replacing.n > 0)
		body = report_skipping(report->body, replacing.n);
	if (body)
		r = replace(record, commit, report);
	else
		replacing = (struct replacing){0}; /* what cannot say so stands for itself alone */
	if (r == 0)
		r = insert(record, commit, i, body ? body : report->body, &replacing);
	free(body);
	return r == 0 && report->lane == 0 ? raise_lane(record, commit, report) : r;
}

/* --- what becomes of them ---------------------------------------------------------- */

static int release_destination(struct record *record, const struct record_delivery *delivery)
{
	PREPARE(RELEASE_DESTINATION);
	(void)sqlite3_bind_int64(s, 1, delivery->id);
	(void)sqlite3_bind_int64(s, 2, delivery->at_ms);
	return record_run(record, s);
}

static int set_delivery(struct record *record, const struct record_delivery *delivery)
{
	int r;

	PREPARE(SET_DELIVERY);
	(void)sqlite3_bind_int64(s, 1, delivery->id);
	bind_text(s, 2, report_states[delivery->state]);
	(void)sqlite3_bind_int64(s, 3, delivery->attempts);
	(void)sqlite3_bind_int64(s, 4, delivery->next_ms);
	(void)sqlite3_bind_int64(s, 5, delivery->at_ms);
	(void)sqlite3_bind_int(s, 6, delivery->http_status);
	bind_text(s, 7, delivery->error);
	(void)sqlite3_bind_int64(s, 8, delivery->lane);
	r = record_run(record, s);
	return r == 0 && delivery->state == REPORT_SENT ? release_destination(record, delivery) : r;
}

static int run_change(struct record *record, enum record_statement which,
		      const struct record_change *change)
{
	PREPARE(which);
	if (which == CHANGE_REPORT)
		(void)sqlite3_bind_int64(s, 1, change->id);
	else
		bind_text(s, 1, change->destination);
	bind_text(s, 2, changes[change->kind].state);
	(void)sqlite3_bind_int64(s, 3, change->at_ms);
	bind_text(s, 4, change->user);
	bind_text(s, 5, change->reason);
	return record_run(record, s);
}

static int set_change(struct record *record, const struct record_change *change)
{
	int r = 0;

	if (change->id)
		return run_change(record, CHANGE_REPORT, change);
	if (changes[change->kind].queued)
		r = run_change(record, CHANGE_QUEUED, change);
	if (r == 0 && changes[change->kind].stopped)
		r = run_change(record, CHANGE_STOPPED, change);
	return r;
}

static int set_pause(struct record *record, const struct record_pause *pause)
{
	PREPARE(pause->paused ? PAUSE : RESUME);
	bind_text(s, 1, pause->destination);
	if (pause->paused) {
		(void)sqlite3_bind_int64(s, 2, (sqlite3_int64)pause->url);
		(void)sqlite3_bind_int64(s, 3, pause->at_ms);
		bind_text(s, 4, pause->reason);
	}
	return record_run(record, s);
}

int record_set_outbox(struct record *record, const struct record_commit *commit)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < commit->n_deliveries; i++)
		r = set_delivery(record, &commit->deliveries[i]);
	for (size_t i = 0; r == 0 && i < commit->n_pauses; i++)
		r = set_pause(record, &commit->pauses[i]);
	return r == 0 && commit->change ? set_change(record, commit->change) : r;
}

int record_release(struct record *record, int64_t now_ms)
{
	if (record->mode != RECORD_WRITABLE)
		return 0; /* nothing is sent from it before it can be written */
	PREPARE(RELEASE);
	(void)sqlite3_bind_int64(s, 1, now_ms);
	return record_run(record, s);
}

/* --- what is asked of them --------------------------------------------------------- */

#define RETRY_FARTHEST_MS (9 * 60 * MS_PER_MIN) /* beyond every wait: the clock was set back */

static int find_job(struct record *record, const struct record_ask *ask, struct record_job *ret)
{
	int code, r = 0;

	PREPARE(NEXT_JOB);
	bind_text(s, 1, ask->destination);
	(void)sqlite3_bind_int64(s, 2, ask->now_ms);
	(void)sqlite3_bind_int64(s, 3, ask->now_ms + RETRY_FARTHEST_MS);
	(void)sqlite3_bind_int(s, 4, ask->files ? FILES_LANE : 0);
	(void)sqlite3_bind_int(s, 5, ask->files ? FILES_LANE : ask->emergencies ? 0 : 1);
	bind_text(s, 6, ask->but);
	(void)sqlite3_bind_int(s, 7, ask->firsts);
	code = sqlite3_step(s);
	if (code == SQLITE_ROW) {
		*ret = (struct record_job){
			.id = sqlite3_column_int64(s, 0),
			.attempts = (uint32_t)sqlite3_column_int64(s, 1),
			.lane = (uint32_t)sqlite3_column_int64(s, 2),
			.webhook_id = strdup(sqlite_text(s, 3)),
			.body = strdup(sqlite_text(s, 4)),
			.held = sqlite3_column_int(s, 5) != 0,
			.type = strdup(sqlite_text(s, 6)),
			.incident = strdup(sqlite_text(s, 7)),
			.fixed = sqlite3_column_int64(s, 8),
		};
		r = ret->webhook_id && ret->body && ret->type && ret->incident ? 1 : -ENOMEM;
		if (r < 0)
			record_job_done(ret);
	} else if (code != SQLITE_DONE) {
		r = record_failed(record, code);
	}
	(void)sqlite3_reset(s); /* read-only */
	return r;
}

int record_next_job(struct record *record, const struct record_ask *ask, struct record_job *ret,
		    int64_t *ret_next_ms)
{
	int code, r = find_job(record, ask, ret);

	if (r != 0)
		return r;
	PREPARE(NEXT_TIME);
	bind_text(s, 1, ask->destination);
	(void)sqlite3_bind_int64(s, 2, ask->now_ms);
	code = sqlite3_step(s);
	if (code == SQLITE_ROW)
		*ret_next_ms = sqlite3_column_type(s, 0) == SQLITE_INTEGER
				       ? sqlite3_column_int64(s, 0)
				       : INT64_MAX;
	else
		r = record_failed(record, code);
	(void)sqlite3_reset(s); /* read-only */
	return r;
}

void record_job_done(struct record_job *job)
{
	free(job->webhook_id);
	free(job->body);
	free(job->type);
	free(job->incident);
	*job = (struct record_job){0};
}

int record_waiting(struct record *record,
		   void (*each)(void *userdata, const char *destination, bool files, int64_t n),
		   void *userdata)
{
	int code;

	PREPARE(WAITING);
	while ((code = sqlite3_step(s)) == SQLITE_ROW) {
		int64_t n_files = sqlite3_column_int64(s, 2);
		int64_t n_reports = sqlite3_column_int64(s, 1) - n_files;

		if (n_reports > 0)
			each(userdata, sqlite_text(s, 0), false, n_reports);
		if (n_files > 0)
			each(userdata, sqlite_text(s, 0), true, n_files);
	}
	(void)sqlite3_reset(s); /* read-only */
	return code == SQLITE_DONE ? 0 : record_failed(record, code);
}

int record_find_report(struct record *record, const char *webhook_id, struct record_report *ret)
{
	int code, r = 0;

	PREPARE(FIND_REPORT);
	bind_text(s, 1, webhook_id);
	code = sqlite3_step(s);
	if (code == SQLITE_ROW) {
		*ret = (struct record_report){
			.id = sqlite3_column_int64(s, 0),
			.destination = strdup(sqlite_text(s, 2)),
			.changed_by = strdup(sqlite_text(s, 3)),
		};
		(void)snprintf(ret->state, sizeof(ret->state), "%s", sqlite_text(s, 1));
		r = ret->destination && ret->changed_by ? 1 : -ENOMEM;
		if (r < 0)
			record_report_done(ret);
	} else if (code != SQLITE_DONE) {
		r = record_failed(record, code);
	}
	(void)sqlite3_reset(s); /* read-only */
	return r;
}

void record_report_done(struct record_report *report)
{
	free(report->destination);
	free(report->changed_by);
	*report = (struct record_report){0};
}

static int64_t count(struct record *record, enum record_statement which, const char *destination)
{
	int64_t n = 0;
	int code;

	PREPARE(which);
	bind_text(s, 1, destination);
	code = sqlite3_step(s);
	if (code == SQLITE_ROW)
		n = sqlite3_column_int64(s, 0);
	else
		n = record_failed(record, code);
	(void)sqlite3_reset(s); /* read-only */
	return n;
}

int64_t record_count(struct record *record, const char *destination, enum record_change_kind kind)
{
	int64_t queued = 0, stopped = 0;

	if (changes[kind].queued)
		queued = count(record, COUNT_QUEUED, destination);
	if (changes[kind].stopped)
		stopped = count(record, COUNT_STOPPED, destination);
	return queued < 0 ? queued : stopped < 0 ? stopped : queued + stopped;
}

int record_pauses(struct record *record,
		  void (*each)(void *userdata, const struct record_pause *pause), void *userdata)
{
	int code;

	PREPARE(PAUSES);
	while ((code = sqlite3_step(s)) == SQLITE_ROW)
		each(userdata, &(struct record_pause){
				       .destination = sqlite_text(s, 0),
				       .paused = true,
				       .url = (uint64_t)sqlite3_column_int64(s, 1),
				       .at_ms = sqlite3_column_int64(s, 2),
				       .reason = sqlite_text(s, 3),
			       });
	(void)sqlite3_reset(s); /* read-only */
	return code == SQLITE_DONE ? 0 : record_failed(record, code);
}
