/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a record holds, read with SQLite and OpenSSL alone: the product's readers may share a
 * mistake with its writers.
 */
#include <errno.h>
#include <openssl/evp.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "life.h"

struct look {
	sqlite3 *db;
	EVP_MD_CTX *all; /* over every table */
	char *why;
	long n_entries;
	long n_reports;
};

typedef int row_fn(struct look *look, sqlite3_stmt *row);

static int wrong(struct look *look, const char *what, const char *detail)
{
	(void)snprintf(look->why, LIFE_MARK, "%s: %s", what, detail);
	return -EBADMSG;
}

static int each_row(struct look *look, const char *sql, row_fn *take)
{
	sqlite3_stmt *s = NULL;
	int code = sqlite3_prepare_v2(look->db, sql, -1, &s, NULL), r = 0;

	while (code == SQLITE_OK && r == 0 && (code = sqlite3_step(s)) == SQLITE_ROW) {
		r = take(look, s);
		code = SQLITE_OK;
	}
	if (r == 0 && code != SQLITE_DONE)
		r = wrong(look, sql, sqlite3_errmsg(look->db));
	(void)sqlite3_finalize(s);
	return r;
}

static int is_ok(struct look *look, sqlite3_stmt *row)
{
	const char *text = (const char *)sqlite3_column_text(row, 0);

	return text && strcmp(text, "ok") == 0 ? 0 : wrong(look, "integrity", text ? text : "?");
}

static int is_none(struct look *look, sqlite3_stmt *row)
{
	return wrong(look, "does not agree", (const char *)sqlite3_column_text(row, 0));
}

static int add_row(struct look *look, sqlite3_stmt *row)
{
	int n = sqlite3_column_count(row);

	for (int i = 0; i < n; i++) {
		const void *bytes = sqlite3_column_blob(row, i); /* numbers as text */
		int size = sqlite3_column_bytes(row, i);

		(void)EVP_DigestUpdate(look->all, &size, sizeof(size));
		if (size > 0)
			(void)EVP_DigestUpdate(look->all, bytes, (size_t)size);
	}
	return 0;
}

static int add_table(struct look *look, sqlite3_stmt *row)
{
	char sql[256];

	(void)snprintf(sql, sizeof(sql), "SELECT * FROM \"%s\"", sqlite3_column_text(row, 0));
	return each_row(look, sql, add_row);
}

static int count(struct look *look, sqlite3_stmt *row)
{
	look->n_entries = (long)sqlite3_column_int64(row, 0);
	look->n_reports = (long)sqlite3_column_int64(row, 1);
	return 0;
}

static void to_hex(const uint8_t *hash, char *hex)
{
	for (size_t i = 0; i < 32; i++)
		(void)sprintf(hex + 2 * i, "%02x", hash[i]);
}

/* H(n) = SHA-256("wastewatch-log/1\n" + hex(H(n-1)) + "\n" + line(n)), from n = 1 */
static int check_chain(struct look *look)
{
	uint8_t hash[32] = {0};
	char hex[65], number[32];
	sqlite3_stmt *s = NULL;
	long n = 0;
	int r = 0;

	if (sqlite3_prepare_v2(look->db, "SELECT seq, line, hash FROM entry ORDER BY seq", -1, &s,
			       NULL) != SQLITE_OK)
		return wrong(look, "entries", sqlite3_errmsg(look->db));
	while (r == 0 && sqlite3_step(s) == SQLITE_ROW) {
		EVP_MD_CTX *one = EVP_MD_CTX_new();

		to_hex(hash, hex);
		n++;
		(void)snprintf(number, sizeof(number), "entry %ld", n);
		(void)EVP_DigestInit_ex(one, EVP_sha256(), NULL);
		(void)EVP_DigestUpdate(one, "wastewatch-log/1\n", 17);
		(void)EVP_DigestUpdate(one, hex, 64);
		(void)EVP_DigestUpdate(one, "\n", 1);
		(void)EVP_DigestUpdate(one, sqlite3_column_text(s, 1),
				       (size_t)sqlite3_column_bytes(s, 1));
		(void)EVP_DigestFinal_ex(one, hash, NULL);
		EVP_MD_CTX_free(one);
		if (sqlite3_column_int64(s, 0) != n || sqlite3_column_bytes(s, 2) != 32 ||
		    memcmp(sqlite3_column_blob(s, 2), hash, 32) != 0)
			r = wrong(look, "chain", number);
	}
	(void)sqlite3_finalize(s);
	return r;
}

static int look_at(struct look *look, char *mark)
{
	unsigned int size;
	uint8_t hash[EVP_MAX_MD_SIZE];
	char hex[65];
	int r = each_row(look, "PRAGMA integrity_check", is_ok);

	if (r == 0)
		r = each_row(look,
			     "SELECT name FROM sqlite_master WHERE type = 'table' "
			     "ORDER BY name",
			     add_table);
	if (r == 0)
		r = check_chain(look);
	if (r == 0) /* the head is that of the last entry */
		r = each_row(look,
			     "SELECT 'head ' || head.seq FROM head WHERE NOT EXISTS(SELECT 1 FROM "
			     "entry WHERE seq = head.seq AND hash = head.hash AND seq = (SELECT "
			     "max(seq) FROM entry))",
			     is_none);
	if (r == 0) /* a report and the entry it tells of are of one transaction */
		r = each_row(look,
			     "SELECT webhook_id FROM outbox WHERE lane < 2 AND state <> "
			     "'superseded' AND NOT "
			     "EXISTS(SELECT 1 FROM entry WHERE seq = json_extract(CASE WHEN "
			     "json_valid(body) THEN body END, '$.data.log.seq'))",
			     is_none);
	if (r == 0) /* an incident that was opened was reported */
		r = each_row(look,
			     "SELECT incident FROM entry WHERE type = 'incident.opened' AND NOT "
			     "EXISTS(SELECT 1 FROM outbox WHERE outbox.incident = entry.incident)",
			     is_none);
	if (r == 0)
		r = each_row(look,
			     "SELECT (SELECT count(*) FROM entry), "
			     "(SELECT count(*) FROM outbox)",
			     count);
	if (r < 0)
		return r;
	(void)EVP_DigestFinal_ex(look->all, hash, &size);
	to_hex(hash, hex);
	(void)snprintf(mark, LIFE_MARK, "%ld %ld %s", look->n_entries, look->n_reports, hex);
	return 0;
}

int life_mark(const char *state, char mark[static LIFE_MARK], char why[static LIFE_MARK])
{
	struct look look = {.why = why};
	char path[4096];
	int r;

	(void)snprintf(path, sizeof(path), "%s/" RECORD_FILE, state);
	*mark = *why = '\0';
	if (access(path, F_OK) != 0)
		return -ENOENT;
	look.all = EVP_MD_CTX_new();
	(void)EVP_DigestInit_ex(look.all, EVP_sha256(), NULL);
	if (sqlite3_open_v2(path, &look.db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
		r = wrong(&look, "open", sqlite3_errmsg(look.db));
	else
		r = look_at(&look, mark);
	(void)sqlite3_close(look.db);
	EVP_MD_CTX_free(look.all);
	return r;
}
