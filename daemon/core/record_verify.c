/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record fed to the verifier: entries with the heads behind them, piece by piece, and at the
 * end those heads whose entries are not there.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/record_statements.h"
#include "core/verify.h"

static const uint8_t *bytes(sqlite3_stmt *row, int column, size_t n)
{
	return sqlite3_column_bytes(row, column) == (int)n ? sqlite3_column_blob(row, column)
							   : NULL;
}

static void feed_head(struct verify *verify, sqlite3_stmt *row, int column, uint64_t seq)
{
	const char *note = (const char *)sqlite3_column_text(row, column);

	verify_head(verify, &(struct verify_head){
				    .seq = seq,
				    .note = note ? note : "",
				    .signature = bytes(row, column + 1, SIGN_ED25519_BYTES),
			    });
}

static void feed_entry(struct verify *verify, sqlite3_stmt *row)
{
	static const uint8_t none[32];
	uint64_t seq = (uint64_t)sqlite3_column_int64(row, 0);
	const uint8_t *hash = bytes(row, 2, sizeof(none));
	const struct verify_kept kept = {
		.time_ms = sqlite3_column_int64(row, 5),
		.type = sqlite_text(row, 6),
		.incident = sqlite_text(row, 7),
	};

	verify_entry(verify, &(struct verify_entry){
				     .seq = seq,
				     .line = sqlite_text(row, 1),
				     .n_line = (size_t)sqlite3_column_bytes(row, 1),
				     .hash = hash ? hash : none, /* as wrong as any */
				     .kept = &kept,
			     });
	if (sqlite3_column_type(row, 3) != SQLITE_NULL)
		feed_head(verify, row, 3, seq);
}

/* heads that count more than there is, and the last one where it is kept twice */
static int feed_rest(sqlite3 *db, struct verify *verify, bool heads)
{
	static const char sql[] =
		"SELECT note, signature, seq FROM (SELECT note, signature, seq FROM signed_head"
		"  WHERE seq > ?1 ORDER BY seq LIMIT 1)"
		" UNION ALL SELECT note, signature, seq FROM head WHERE signature IS NOT NULL"
		"  AND (NOT ?2 OR NOT EXISTS (SELECT 1 FROM signed_head AS s WHERE s.seq = head.seq"
		"   AND s.note = head.note AND s.signature = head.signature))";
	CLEANUP(sqlite_finalize) sqlite3_stmt *row = NULL;
	int code = sqlite3_prepare_v2(db, sql, -1, &row, NULL);

	if (code != SQLITE_OK)
		return sqlite_errno(code);
	(void)sqlite3_bind_int64(row, 1, (sqlite3_int64)verify->chain.seq);
	(void)sqlite3_bind_int(row, 2, heads);
	while ((code = sqlite3_step(row)) == SQLITE_ROW)
		feed_head(verify, row, 0, (uint64_t)sqlite3_column_int64(row, 2));
	return code == SQLITE_DONE ? 0 : sqlite_errno(code);
}

/* Each commit that has entries replaces the head, and leaves a signed one beside its last entry. */
static int look_for_heads(sqlite3 *db, struct verify *verify)
{
	static const char sql[] =
		"SELECT seq, hash, CASE WHEN signature IS NULL THEN NOT EXISTS(SELECT 1 FROM"
		" signed_head) ELSE EXISTS(SELECT 1 FROM signed_head AS s WHERE s.seq = head.seq)"
		" END FROM head";
	CLEANUP(sqlite_finalize) sqlite3_stmt *row = NULL;
	int code = sqlite3_prepare_v2(db, sql, -1, &row, NULL);
	const uint8_t *hash;

	if (code != SQLITE_OK)
		return sqlite_errno(code);
	code = sqlite3_step(row);
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		return sqlite_errno(code);
	if (verify->n_entries == 0)
		return 0;
	hash = code == SQLITE_ROW ? bytes(row, 1, sizeof(verify->chain.hash)) : NULL;
	if (code == SQLITE_DONE || sqlite3_column_int(row, 2) == 0)
		verify_fail(verify, VERIFY_HEAD_MISSING, verify->chain.seq);
	else if ((uint64_t)sqlite3_column_int64(row, 0) != verify->chain.seq || !hash ||
		 memcmp(hash, verify->chain.hash, sizeof(verify->chain.hash)) != 0)
		verify_fail(verify, VERIFY_HEAD_HASH, verify->chain.seq);
	return 0;
}

int sqlite_verify(sqlite3 *db, struct verify *verify, size_t most, bool heads)
{
	static const char with_heads[] =
		"SELECT e.seq, e.line, e.hash, h.note, h.signature, e.time_ms, e.type,"
		" e.incident FROM entry AS e"
		" LEFT JOIN signed_head AS h ON h.seq = e.seq WHERE e.seq > ?1"
		" ORDER BY e.seq LIMIT ?2";
	static const char without[] = "SELECT seq, line, hash, NULL, NULL, time_ms, type, incident "
				      "FROM entry WHERE seq > ?1 ORDER BY seq"
				      " LIMIT ?2";
	CLEANUP(sqlite_finalize) sqlite3_stmt *row = NULL;
	int code = sqlite3_prepare_v2(db, heads ? with_heads : without, -1, &row, NULL);
	/* from the very beginning on: also what has a number below 1 */
	sqlite3_int64 after = verify->n_entries > 0 || verify->chain.seq > 0
				      ? (sqlite3_int64)verify->chain.seq
				      : INT64_MIN;
	size_t n = 0;

	if (code != SQLITE_OK)
		return sqlite_errno(code);
	(void)sqlite3_bind_int64(row, 1, after);
	(void)sqlite3_bind_int64(row, 2, (sqlite3_int64)most);
	for (; !verify->fault && (code = sqlite3_step(row)) == SQLITE_ROW; n++)
		feed_entry(verify, row);
	/* the next one tells what is wrong with that one */
	if (verify->fault && verify->in_doubt && (code = sqlite3_step(row)) == SQLITE_ROW)
		feed_entry(verify, row);
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		return sqlite_errno(code);
	if (verify->fault)
		return 0;
	if (n == most)
		return 1;
	code = feed_rest(db, verify, heads);
	return code < 0 || verify->fault ? MIN(code, 0) : look_for_heads(db, verify);
}

int sqlite_verify_tables(sqlite3 *db, struct verify *verify)
{
	char words[RECORD_WORDS_MAX] = "";
	int r = sqlite_check_tables(db, words);

	if (r != -EBADMSG || !*words)
		return r;
	(void)snprintf(verify->report, sizeof(verify->report), "%s", words);
	verify_fail(verify, VERIFY_SHAPE, 0);
	return 0;
}

int record_verify_tables(struct record *record, struct verify *verify)
{
	int r = sqlite_verify_tables(record->db, verify);

	return r < 0 ? record_failed(record, sqlite3_errcode(record->db)) : 0;
}

int record_verify(struct record *record, struct verify *verify, size_t most, bool heads)
{
	int r = sqlite_verify(record->db, verify, most, heads);

	return r < 0 ? record_failed(record, sqlite3_errcode(record->db)) : r;
}

int record_chain(struct record *record,
		 bool (*each)(void *userdata, const char *type, const char *line), void *userdata)
{
	CLEANUP(sqlite_finalize) sqlite3_stmt *row = NULL;
	int code = sqlite3_prepare_v2(record->db,
				      "SELECT type, line FROM entry WHERE type IN (" RECORD_OF_CHAIN
				      ") ORDER BY seq DESC",
				      -1, &row, NULL);

	if (code != SQLITE_OK)
		return record_failed(record, code);
	while ((code = sqlite3_step(row)) == SQLITE_ROW)
		if (!each(userdata, sqlite_text(row, 0), sqlite_text(row, 1)))
			return 0;
	return code == SQLITE_DONE ? 0 : record_failed(record, code);
}

int sqlite_chain_at(sqlite3 *db, uint64_t seq, struct chain *ret)
{
	CLEANUP(sqlite_finalize) sqlite3_stmt *row = NULL;
	int code = sqlite3_prepare_v2(db, "SELECT hash FROM entry WHERE seq = ?1", -1, &row, NULL);
	const uint8_t *hash;

	if (code != SQLITE_OK)
		return sqlite_errno(code);
	(void)sqlite3_bind_int64(row, 1, (sqlite3_int64)seq);
	code = sqlite3_step(row);
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		return sqlite_errno(code);
	hash = code == SQLITE_ROW ? bytes(row, 0, sizeof(ret->hash)) : NULL;
	*ret = (struct chain){.seq = seq};
	if (hash) /* one that is not there does not fit what follows */
		memcpy(ret->hash, hash, sizeof(ret->hash));
	return 0;
}

int record_chain_at(struct record *record, uint64_t seq, struct chain *ret)
{
	int r = sqlite_chain_at(record->db, seq, ret);

	return r < 0 ? record_failed(record, sqlite3_errcode(record->db)) : r;
}

int record_first(struct record *record, uint64_t *ret)
{
	CLEANUP(sqlite_finalize) sqlite3_stmt *row = NULL;
	int code = sqlite3_prepare_v2(record->db, "SELECT coalesce(min(seq), 0) FROM entry", -1,
				      &row, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(row);
	if (code != SQLITE_ROW)
		return record_failed(record, code);
	*ret = (uint64_t)MAX(sqlite3_column_int64(row, 0), 0);
	return 0;
}
