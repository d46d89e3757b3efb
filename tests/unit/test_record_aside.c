/* SPDX-License-Identifier: Apache-2.0 */
/* S9, S10: a record that is damaged, byte by byte; what is set aside, and what is taken over */
#include <errno.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/record.h"
#include "core/record_aside.h"
#include "core/record_rescue.h"
#include "core/record_verify.h"
#include "core/verify.h"
#include "load.h"

#define LINE_MAX_N 100			  /* bytes of an entry here, at most */
#define WALL_MS	   INT64_C(1795528800000) /* 2026-11-24T14:00:00Z */
#define ENTRIES	   6

static char t_origin[] = "test", t_first[] = "first", t_name[] = "x";
static struct config_site site = {.name = t_name};
static struct config_destination destinations[] = {{.name = t_first}};
static const struct config config = {
	.origin = t_origin,
	.minute_retention_days = 60,
	.capture_percent = 75,
	.sites = &site,
	.destinations = destinations,
	.n_sites = 1,
	.n_destinations = 1,
};

static const char seed[] = "whsk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

static struct record *open_record(const struct directory *d, int *ret_r)
{
	struct record *record = NULL;
	char error[512];

	*ret_r = record_open(&record, d->path, error);
	return record;
}

static void add_entry(struct batch *batch, struct chain *chain)
{
	struct batch_entry *entry = batch_add(batch, entries);

	assert_non_null(entry);
	entry->seq = ++chain->seq;
	entry->wall_ms = WALL_MS;
	entry->type = entry->seq == 1 ? EVENT_RECORD_CREATED : EVENT_ALARM_RAISED;
	assert_true(asprintf(&entry->line,
			     "{\"seq\":%llu,\"time\":\"2026-11-24T14:00:00.000Z\",\"type\":\"%s\"}",
			     (unsigned long long)entry->seq, event_type_text(entry->type)) > 0);
	entry->message = strdup("x");
	assert_int_equal(chain_next(chain->hash, entry->line, entry->hash), 0);
	memcpy(chain->hash, entry->hash, sizeof(entry->hash));
}

static void add_report(struct batch *batch, int i)
{
	struct batch_report *report = batch_add(batch, reports);

	assert_non_null(report);
	assert_true(asprintf(&report->webhook_id, "0123456789abcdef-%d-first", i) > 0);
	report->type = strdup("incident.opened");
	report->incident = strdup("i");
	assert_true(asprintf(&report->body, "{\"i\":%d}", i) > 0);
	report->created_ms = WALL_MS;
}

/* entries, a report each, all signed */
static void fill(const struct directory *d)
{
	struct sign_key *key = NULL;
	struct batch batch = {0};
	struct record_start start;
	struct record_commit commit = {
		.config = &config,
		.batch = &batch,
		.state = "the state",
		.n_state = 9,
		.now = {5000, WALL_MS},
	};
	int r;
	struct record *record = open_record(d, &r);

	assert_int_equal(r, 0);
	assert_int_equal(record_load(record, &start), 0);
	assert_int_equal(record_bind(record, &config), 0);
	assert_int_equal(sign_key_load(&key, seed, strlen(seed)), 0);
	commit.head_key = key;
	for (int i = 1; i <= ENTRIES; i++) {
		add_entry(&batch, &start.chain);
		add_report(&batch, i);
		commit.chain = start.chain;
		assert_int_equal(record_commit(record, &commit), 0);
		batch_clear(&batch);
	}
	batch_done(&batch);
	(void)record_close(record);
	(void)sign_key_free(key);
}

/* all of it in one file, and that as bytes */
static uint8_t *take_bytes(const struct directory *d, size_t *ret_n)
{
	char path[160];
	struct stat status;
	uint8_t *bytes;
	sqlite3 *db;
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/" RECORD_FILE, d->path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_int_equal(stat(path, &status), 0);
	*ret_n = (size_t)status.st_size;
	bytes = malloc(*ret_n);
	file = fopen(path, "re");
	assert_non_null(bytes);
	assert_non_null(file);
	assert_int_equal(fread(bytes, 1, *ret_n, file), *ret_n);
	(void)fclose(file);
	return bytes;
}

static void forget_wal(const struct directory *d)
{
	static const char *const names[] = {RECORD_FILE "-wal", RECORD_FILE "-shm"};
	char path[160];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", d->path, names[i]);
		(void)unlink(path);
	}
}

/* what the service looks at, and the command. Return: 0 good; else what is wrong */
static int look(const struct directory *d, struct verify *verify)
{
	struct sign_key *key = NULL;
	struct sign_public public;
	struct record_start start = {0};
	char text[SIGN_PUBLIC_TEXT];
	int r;
	struct record *record = open_record(d, &r);

	assert_int_equal(sign_key_load(&key, seed, strlen(seed)), 0);
	assert_int_equal(sign_key_public(key, text), 0);
	assert_int_equal(sign_public_load(&public, text, strlen(text)), 0);
	(void)sign_key_free(key);
	verify_begin(verify, NULL, VERIFY_WHOLE);
	assert_int_equal(verify_trust(verify, &public), 0);
	if (r == 0)
		r = record_load(record, &start);
	free(start.state);
	free(start.windows);
	if (r == 0)
		do
			r = record_verify(record, verify, 5, true);
		while (r > 0);
	(void)record_close(record);
	if (r == 0 && (!verify_end(verify) || verify->n_entries != ENTRIES))
		r = -EKEYREJECTED;
	return r;
}

static bool is_text_of_an_entry(const uint8_t *bytes, size_t n, size_t at)
{
	static const char begin[] = "{\"seq\":";
	size_t from = at > LINE_MAX_N ? at - LINE_MAX_N : 0;

	for (size_t i = from; i <= at && i + LINE_MAX_N < n; i++)
		if (memcmp(bytes + i, begin, sizeof(begin) - 1) == 0 &&
		    memchr(bytes + i, '}', LINE_MAX_N) &&
		    (uint8_t *)memchr(bytes + i, '}', LINE_MAX_N) >= bytes + at)
			return true;
	return false;
}

static void test_every_byte(void **state)
{
	struct directory d;
	struct verify verify;
	uint8_t *bytes;
	size_t n, n_found = 0, n_texts = 0;

	(void)state;
	directory_open(&d);
	fill(&d);
	assert_int_equal(look(&d, &verify), 0);
	bytes = take_bytes(&d, &n);
	for (size_t i = 0; i < n; i++) {
		bool text = is_text_of_an_entry(bytes, n, i);
		int r;

		if (!text && i >= 110 && i % 211 != 0)
			continue; /* every one of the header and the lines, some of the rest */
		bytes[i] ^= (uint8_t)(1 << i % 8);
		forget_wal(&d);
		directory_write_bytes(&d, RECORD_FILE, bytes, n);
		r = look(&d, &verify);
		if (text && r == 0)
			fail_msg("byte %zu of a line was changed, and all of it is good", i);
		(void)record_is_damaged(d.path, r);
		bytes[i] ^= (uint8_t)(1 << i % 8);
		n_found += r != 0;
		n_texts += text;
	}
	assert_true(n_texts >= ENTRIES * 20 && n_found >= n_texts);
	free(bytes);
	directory_close(&d);
}

static int64_t ask(const struct directory *d, const char *name, const char *sql)
{
	sqlite3_stmt *row = NULL;
	char path[200];
	sqlite3 *db;
	int64_t n = -1;

	(void)snprintf(path, sizeof(path), "%s/%s", d->path, name);
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	if (sqlite3_prepare_v2(db, sql, -1, &row, NULL) == SQLITE_OK &&
	    sqlite3_step(row) == SQLITE_ROW)
		n = sqlite3_column_int64(row, 0);
	(void)sqlite3_finalize(row);
	(void)sqlite3_close(db);
	return n;
}

static void change(const struct directory *d, const char *sql)
{
	(void)ask(d, RECORD_FILE, sql);
}

static void test_set_aside_and_taken_over(void **state)
{
	struct record_aside aside, pending;
	struct record_rescued rescued;
	struct record_start start;
	struct record *record;
	struct directory d;
	struct stat status;
	char path[200];
	int r;

	(void)state;
	directory_open(&d);
	assert_int_equal(record_aside_pending(d.path, &pending), 0);
	fill(&d);
	change(&d, "UPDATE outbox SET state = 'sent' WHERE id <= 2");
	assert_int_equal(record_set_aside(d.path, "one\nof two lines", WALL_MS, &aside), 0);
	assert_string_equal(aside.name, "record.db.damaged-20261124T140000Z");
	assert_string_equal(aside.reason, "one of two lines");
	assert_int_equal(aside.last_seq, ENTRIES);
	assert_int_equal(aside.base_seq, ENTRIES);
	assert_int_equal(strlen(aside.hash), 64);
	(void)snprintf(path, sizeof(path), "%s/" RECORD_FILE, d.path);
	assert_int_equal(stat(path, &status), -1);
	assert_int_equal(record_aside_pending(d.path, &pending), 1);
	assert_memory_equal(&pending, &aside, sizeof(aside));
	record = open_record(&d, &r);
	assert_int_equal(r, 0);
	assert_int_equal(record_aside_pending(d.path, &pending), -EBUSY); /* that one has it */
	for (int i = 0; i < 2; i++) { /* once more changes nothing */
		assert_int_equal(record_rescue(record, d.path, &aside, NULL, &rescued), 0);
		assert_int_equal(rescued.n_reports, ENTRIES - 2);
		assert_false(rescued.reports_cut || rescued.others_cut);
	}
	assert_int_equal(record_load(record, &start), 0);
	assert_true(start.created);
	assert_int_equal(start.chain.seq, ENTRIES);
	assert_memory_equal(start.state, "the state", 9);
	free(start.state);
	free(start.windows);
	(void)record_close(record);
	/* of an incident that waits one has its turn, as before */
	assert_int_equal(ask(&d, RECORD_FILE, "SELECT count(*) FROM outbox"), ENTRIES - 2);
	assert_int_equal(ask(&d, RECORD_FILE, "SELECT sum(turn) FROM outbox"), 1);
	assert_int_equal(ask(&d, RECORD_FILE, "SELECT id FROM outbox WHERE turn = 1"), 3);
	record_aside_done(d.path);
	assert_int_equal(record_aside_pending(d.path, &pending), 0);
	assert_int_equal(ask(&d, aside.name, "SELECT count(*) FROM entry"), ENTRIES);
	/* in the same second another one */
	assert_int_equal(record_set_aside(d.path, "", WALL_MS, &aside), 0);
	assert_string_equal(aside.name, "record.db.damaged-20261124T140000Z-2");
	assert_string_equal(aside.reason, "it cannot be read");
	directory_close(&d);
}

static void test_the_next_number(void **state)
{
	/* what of the old record says a number, and which is the highest */
	static const struct {
		const char *sql;
		int64_t last;
		int64_t base;
	} rows[] = {
		{"DELETE FROM entry WHERE seq > 5", ENTRIES, ENTRIES},
		{"DELETE FROM signed_head", ENTRIES, ENTRIES},
		{"UPDATE head SET seq = 100", 100, 100},
		{"UPDATE head SET seq = 9007199254740991", 0, WALL_MS / 1000},
		{"DROP TABLE entry", ENTRIES, ENTRIES},
		{NULL, 0, WALL_MS / 1000},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct record_aside aside;
		struct directory d;

		directory_open(&d);
		fill(&d);
		if (rows[i].sql) {
			change(&d, rows[i].sql);
		} else {
			forget_wal(&d);
			directory_write(&d, RECORD_FILE, "nothing of a database");
		}
		assert_int_equal(record_set_aside(d.path, "x", WALL_MS, &aside), 0);
		assert_int_equal(aside.last_seq, rows[i].last);
		assert_int_equal(aside.base_seq, rows[i].base);
		directory_close(&d);
	}
}

static void test_what_is_damage(void **state)
{
	static const struct {
		const char *sql;
		int opened;
		bool damaged;
	} rows[] = {
		{"PRAGMA application_id = 5", -EBADMSG, true}, /* its tables are ours */
		{"PRAGMA user_version = 99", -ENOTSUP, false},
		{"PRAGMA user_version = 4", -EBADMSG,
		 true}, /* they are not those of that version */
	};
	struct directory d;
	int r;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		directory_open(&d);
		fill(&d);
		change(&d, rows[i].sql);
		assert_null(open_record(&d, &r));
		assert_int_equal(r, rows[i].opened);
		assert_int_equal(record_is_damaged(d.path, r), rows[i].damaged);
		directory_close(&d);
	}
	directory_open(&d);
	directory_write(&d, RECORD_FILE, "");
	change(&d, "CREATE TABLE theirs(x)");
	assert_null(open_record(&d, &r));
	assert_false(record_is_damaged(d.path, r));
	assert_false(record_is_damaged(d.path, -EBUSY));
	assert_false(record_is_damaged(d.path, -EIO));
	directory_close(&d);
}

static void test_marks_that_are_none(void **state)
{
	static const char *const texts[] = {"", "x", "record.db.damaged-1\n1\n",
					    "other\n1\n1\n-\nx\n", "record.db/../x\n1\n1\n-\nx\n"};
	struct record_aside aside;
	struct directory d;

	(void)state;
	directory_open(&d);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		directory_write(&d, "record.aside", texts[i]);
		assert_int_equal(record_aside_read(d.path, &aside), 0);
	}
	assert_false(record_is_suspect(d.path));
	record_suspect(d.path);
	assert_true(record_is_suspect(d.path));
	assert_false(record_is_suspect(d.path));
	directory_close(&d);
}

/* pages of the outbox that cannot be read: the rest is taken over all the same */
static void test_rows_that_cannot_be_read(void **state)
{
	struct record_rescued rescued;
	struct record_aside aside;
	struct record *record;
	struct directory d;
	int64_t page, size;
	uint8_t *bytes;
	size_t n;
	int r;

	(void)state;
	directory_open(&d);
	fill(&d);
	bytes = take_bytes(&d, &n);
	page = ask(&d, RECORD_FILE, "SELECT rootpage FROM sqlite_schema WHERE name = 'outbox'");
	size = ask(&d, RECORD_FILE, "PRAGMA page_size");
	memset(bytes + (page - 1) * size, 0xee, (size_t)size);
	forget_wal(&d);
	directory_write_bytes(&d, RECORD_FILE, bytes, n);
	free(bytes);
	record = open_record(&d, &r);
	if (r == 0) {
		char text[RECORD_ASIDE_REASON] = "";

		assert_int_equal(record_look_through(record, text), -EBADMSG);
		assert_true(*text);
		(void)record_close(record);
	}
	assert_int_equal(record_set_aside(d.path, "x", WALL_MS, &aside), 0);
	record = open_record(&d, &r);
	assert_int_equal(r, 0);
	assert_int_equal(record_rescue(record, d.path, &aside, NULL, &rescued), 0);
	assert_true(rescued.reports_cut);
	assert_int_equal(rescued.n_reports, 0);
	assert_true(rescued.n_others > 0 && !rescued.others_cut);
	(void)record_close(record);
	directory_close(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_set_aside_and_taken_over),
		cmocka_unit_test(test_the_next_number),
		cmocka_unit_test(test_what_is_damage),
		cmocka_unit_test(test_marks_that_are_none),
		cmocka_unit_test(test_rows_that_cannot_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
