/* SPDX-License-Identifier: Apache-2.0 */
/* What of the record the system's journal has; see journal.h. */
#include <errno.h>
#include <stdio.h>

#include "core/record_statements.h"

#define PREPARE(which)                                     \
	sqlite3_stmt *s = record_statement(record, which); \
	if (!s)                                            \
	return record_failed(record, sqlite3_errcode(record->db))

uint64_t record_end(const struct record *record)
{
	return record->base.seq;
}

int record_set_journal(struct record *record, uint64_t seq)
{
	int r;

	if (seq == 0 || seq == record->journal_seq)
		return 0;
	PREPARE(SET_JOURNAL);
	(void)sqlite3_bind_int64(s, 1, (sqlite3_int64)seq);
	r = record_run(record, s);
	if (r == 0)
		record->journal_seq = seq;
	return r;
}

int record_save_journal(struct record *record, uint64_t seq)
{
	return record->mode == RECORD_WRITABLE ? record_set_journal(record, seq) : 0;
}

int record_entries(struct record *record, uint64_t after, size_t n,
		   void (*each)(void *userdata, uint64_t seq, const char *line,
				const uint8_t hash[static 32]),
		   void *userdata)
{
	int code;

	PREPARE(ENTRIES_FROM);
	(void)sqlite3_bind_int64(s, 1, (sqlite3_int64)after);
	(void)sqlite3_bind_int64(s, 2, (sqlite3_int64)n);
	while ((code = sqlite3_step(s)) == SQLITE_ROW && sqlite3_column_bytes(s, 2) == 32)
		each(userdata, (uint64_t)sqlite3_column_int64(s, 0), sqlite_text(s, 1),
		     sqlite3_column_blob(s, 2));
	(void)sqlite3_reset(s); /* read-only */
	return code == SQLITE_DONE  ? 0
	       : code == SQLITE_ROW ? -EBADMSG
				    : record_failed(record, code);
}
