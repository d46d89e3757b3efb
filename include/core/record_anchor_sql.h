/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record_anchor_sql.h - inside of the record: the statements of record_anchor.c
 */
#pragma once

#define RECORD_SQL_SET_ANCHOR                                                                     \
	"INSERT OR REPLACE INTO anchor VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12," \
	" ?13, ?14)"
#define RECORD_SQL_GET_ANCHOR                                                              \
	"SELECT log_id, seq, hash, at_ms, said, unseen, wanted_seq, again_from, again_to," \
	" round_ms, renewed_ms, clock_ms, clock_said FROM anchor WHERE destination = ?1"

/* both ids are of one length, drawn at random, and stand nowhere else in a report */
#define RECORD_SQL_RENAME_REPORT                                                                \
	"UPDATE outbox SET webhook_id = replace(webhook_id, ?2, ?3), body = replace(body, ?2, " \
	"?3),"                                                                                  \
	" fixed = NULL WHERE id = ?1 AND state <> 'sent'"

/* a report's id is CHAIN-ENTRY-DESTINATION; in the order of the rows the entry rises */
#define RECORD_SQL_SEQ "CAST(substr(webhook_id, 18) AS INTEGER)"
#define RECORD_SQL_IS_AGAIN                                              \
	"destination = ?1 AND state = 'sent' AND lane <> 2"              \
	" AND substr(webhook_id, 1, 17) = ?2 || '-' AND " RECORD_SQL_SEQ \
	" > ?3 AND " RECORD_SQL_SEQ " <= ?4"
#define RECORD_SQL_AGAIN_UNTIL                                                         \
	"SELECT count(*), max(seq) FROM (SELECT " RECORD_SQL_SEQ " AS seq FROM outbox" \
	" WHERE " RECORD_SQL_IS_AGAIN " ORDER BY id LIMIT ?5)"
#define RECORD_SQL_SEND_AGAIN                                             \
	"UPDATE outbox SET state = 'pending', next_ms = 0, attempts = 0 " \
	"WHERE " RECORD_SQL_IS_AGAIN
