/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What SQLite gives back must be what was put in: entries, the head, and the reports that the
 * commit has put into the outbox. This finds our own mistakes and memory gone bad between making
 * and storing; it reads SQLite's cache, so the disk's errors it does not. Nothing is sent, and no
 * poller is told that its readings are kept, before.
 *
 * A report's hash is taken of the text that the core has made, before SQLite has it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/record_statements.h"

/* bindings fail for want of memory or a wrong index only; the step that follows says so */
#define PREPARE(which)                                     \
	sqlite3_stmt *s = record_statement(record, which); \
	if (!s)                                            \
	return record_failed(record, sqlite3_errcode(record->db))

/* --- what is put in ---------------------------------------------------------------- */

void record_nothing_made(struct record *record)
{
	record->n_made = 0;
	record->head.seq = 0;
}

int record_note_made(struct record *record, size_t report, const char *body)
{
	struct record_made *made;

	if (record->n_made == record->room_made) {
		size_t room = record->room_made ? 2 * record->room_made : 16;

		made = reallocarray(record->made, room, sizeof(*made));
		if (!made)
			return -ENOMEM;
		record->made = made;
		record->room_made = room;
	}
	made = &record->made[record->n_made++];
	*made = (struct record_made){
		.id = sqlite3_last_insert_rowid(record->db),
		.report = report,
	};
	return event_body_hash(body, strlen(body), made->hash);
}

static int by_row(const void *key, const void *made)
{
	int64_t id = *(const int64_t *)key, other = ((const struct record_made *)made)->id;

	return (id > other) - (id < other);
}

/* ids rise, as AUTOINCREMENT has it */
struct record_made *record_find_made(struct record *record, int64_t id)
{
	return record->n_made > 0
		       ? bsearch(&id, record->made, record->n_made, sizeof(*record->made), by_row)
		       : NULL;
}

/* --- what comes back --------------------------------------------------------------- */

static int is_other(struct record *record, const char *what, uint64_t number)
{
	(void)snprintf(record->error, sizeof(record->error),
		       "%s %llu does not read back as it was written", what,
		       (unsigned long long)number);
	return -EBADMSG;
}

static int read_entry(struct record *record, const struct batch_entry *entry)
{
	uint8_t hash[32];
	int r = 0;

	PREPARE(READ_ENTRY);
	(void)sqlite3_bind_int64(s, 1, (sqlite3_int64)entry->seq);
	if (sqlite3_step(s) != SQLITE_ROW || sqlite3_column_bytes(s, 1) != sizeof(hash) ||
	    chain_next(record->last_hash, sqlite_text(s, 0), hash) < 0 ||
	    memcmp(hash, entry->hash, sizeof(hash)) != 0 ||
	    memcmp(hash, sqlite3_column_blob(s, 1), sizeof(hash)) != 0)
		r = is_other(record, "entry", entry->seq);
	(void)sqlite3_reset(s); /* read-only */
	memcpy(record->last_hash, entry->hash, sizeof(record->last_hash));
	return r;
}

static bool is_text(sqlite3_stmt *s, int column, const char *text)
{
	return strcmp(sqlite_text(s, column), text) == 0;
}

/* one that another of the same commit has replaced has given up its body */
static bool is_report(sqlite3_stmt *s, const struct record_made *made,
		      const struct batch_report *report, const char *destination)
{
	const char *body = sqlite_text(s, 4);
	char hash[65];

	if (!is_text(s, 0, report->webhook_id) || !is_text(s, 1, destination) ||
	    !is_text(s, 2, report->incident) || !is_text(s, 3, report->type))
		return false;
	if (sqlite3_column_int(s, 5))
		return *body == '\0';
	return event_body_hash(body, strlen(body), hash) == 0 && strcmp(hash, made->hash) == 0;
}

static int read_report(struct record *record, const struct record_commit *commit,
		       const struct record_made *made)
{
	const struct batch_report *report = &commit->batch->reports[made->report];
	int r = 0;

	PREPARE(READ_REPORT);
	(void)sqlite3_bind_int64(s, 1, made->id);
	if (sqlite3_step(s) != SQLITE_ROW ||
	    !is_report(s, made, report, commit->config->destinations[report->destination].name))
		r = is_other(record, "row of the outbox", (uint64_t)made->id);
	(void)sqlite3_reset(s); /* read-only */
	return r;
}

static bool is_bytes(sqlite3_stmt *s, int column, const void *bytes, size_t n)
{
	return sqlite3_column_bytes(s, column) == (int)n &&
	       memcmp(sqlite3_column_blob(s, column), bytes, n) == 0;
}

static int read_head(struct record *record, const struct chain *chain)
{
	const struct record_head *head = &record->head;
	int r = 0;

	if (head->seq == 0)
		return 0; /* this commit had no entry */
	PREPARE(READ_HEAD);
	if (sqlite3_step(s) != SQLITE_ROW || (uint64_t)sqlite3_column_int64(s, 0) != chain->seq ||
	    !is_bytes(s, 1, chain->hash, sizeof(chain->hash)) || !is_text(s, 2, head->note) ||
	    (head->is_signed && (!is_bytes(s, 3, head->signature, sizeof(head->signature)) ||
				 sqlite3_column_int(s, 4) == 0)))
		r = is_other(record, "the head behind entry", chain->seq);
	(void)sqlite3_reset(s); /* read-only */
	return r;
}

int record_read_back(struct record *record, const struct record_commit *commit,
		     const struct chain *chain)
{
	const struct batch *batch = commit->batch;
	size_t n_fixed = commit->fixed ? commit->fixed->n : 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < batch->n_entries; i++)
		r = read_entry(record, &batch->entries[i]);
	for (size_t i = 0; r == 0 && i < n_fixed; i++)
		r = read_entry(record, &commit->fixed->entries[i]);
	for (size_t i = 0; r == 0 && i < record->n_made; i++)
		r = read_report(record, commit, &record->made[i]);
	return r == 0 ? read_head(record, chain) : r;
}
