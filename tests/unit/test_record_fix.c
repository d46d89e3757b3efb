/* SPDX-License-Identifier: Apache-2.0 */
/* The entries that fix what waits in the outbox, and what an older version has left there. */
#include <errno.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/files.h"
#include "core/record_statements.h"
#include "core/verify.h"

#define WALL_0 INT64_C(1795528800000)

static char t_origin[] = "test", t_one[] = "one", t_two[] = "two";
static struct config_destination destinations[] = {{.name = t_one}, {.name = t_two}};
static const struct config config = {.origin = t_origin,
				     .minute_retention_days = 60,
				     .destinations = destinations,
				     .n_destinations = 2};

struct rig {
	char directory[64];
	struct record *record;
	struct batch batch;
	struct chain end;
	struct record_commit commit;
	int64_t number; /* what number() has found */
	char text[65536];
};

static void open_record(struct rig *rig)
{
	char error[RECORD_ERROR_MAX];
	struct record_start start;

	if (record_open(&rig->record, rig->directory, error) != 0)
		fail_msg("%s", error);
	assert_int_equal(record_load(rig->record, &start), 0);
	free(start.state);
	free(start.windows);
	assert_int_equal(record_bind(rig->record, &config), 0);
	rig->end = start.chain;
}

static void reopen(struct rig *rig)
{
	rig->record = record_close(rig->record);
	open_record(rig);
}

static int set_up(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	(void)strcpy(rig->directory, "/tmp/test-fix-XXXXXX");
	assert_non_null(mkdtemp(rig->directory));
	open_record(rig);
	*state = rig;
	return 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = {"record.db", "record.db-wal", "record.db-shm",
					    "record.lock"};
	struct rig *rig = *state;
	char path[128];

	(void)record_close(rig->record);
	batch_done(&rig->batch);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", rig->directory, names[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(rig->directory), 0);
	free(rig);
	return 0;
}

/* what the batch and rig->commit ask for. Return: of the commit; *@ret_n entries that fix */
static int commit(struct rig *rig, size_t *ret_n)
{
	struct record_fixed fixed = {0};
	int r;

	rig->commit.config = &config;
	rig->commit.batch = &rig->batch;
	rig->commit.chain = rig->end;
	rig->commit.fixed = &fixed;
	rig->commit.state = "x";
	rig->commit.n_state = 1;
	rig->commit.now = (struct stamp){1, WALL_0};
	r = record_commit(rig->record, &rig->commit);
	if (r == 0)
		rig->end = fixed.chain;
	*ret_n = fixed.n;
	record_fixed_done(&fixed);
	batch_clear(&rig->batch);
	rig->commit.legacy = false;
	rig->commit.n_legacy_first = 0;
	return r;
}

static size_t commit_well(struct rig *rig)
{
	size_t n;

	assert_int_equal(commit(rig, &n), 0);
	return n;
}

static void put(struct rig *rig, const char *id, const char *type, const char *incident,
		const char *body)
{
	struct batch_report *report = batch_add(&rig->batch, reports);

	assert_non_null(report);
	*report = (struct batch_report){.webhook_id = strdup(id),
					.type = strdup(type),
					.incident = strdup(incident),
					.body = strdup(body),
					.lane = strcmp(type, FILES_TYPE) == 0 ? FILES_LANE : 1,
					.created_ms = 1};
}

static void sql(struct rig *rig, const char *text)
{
	if (sqlite3_exec(rig->record->db, text, NULL, NULL, NULL) != SQLITE_OK)
		fail_msg("%s: %s", text, sqlite3_errmsg(rig->record->db));
}

static int take(void *userdata, int n, char **values, char **names)
{
	struct rig *rig = userdata;

	(void)n;
	(void)names;
	rig->number = values[0] ? strtoll(values[0], NULL, 10) : -1;
	(void)snprintf(rig->text, sizeof(rig->text), "%s", values[0] ? values[0] : "NULL");
	return 0;
}

static int64_t number(struct rig *rig, const char *text)
{
	rig->number = -2;
	if (sqlite3_exec(rig->record->db, text, take, rig, NULL) != SQLITE_OK)
		fail_msg("%s: %s", text, sqlite3_errmsg(rig->record->db));
	return rig->number;
}

static const char *line(struct rig *rig, uint64_t seq)
{
	char text[96];

	(void)snprintf(text, sizeof(text), "SELECT line FROM entry WHERE seq = %llu",
		       (unsigned long long)seq);
	(void)number(rig, text);
	return rig->text;
}

#define UPDATED "incident.updated"
#define OPENED	"incident.opened"

static void test_a_report_and_a_file(void **state)
{
	struct rig *rig = *state;

	put(rig, "a-1-one", OPENED, "i", "{}");
	put(rig, "file:one/x.txt", FILES_TYPE, "station", "y");
	assert_int_equal(commit_well(rig), 1);
	assert_string_equal(
		line(rig, 1),
		"{\"bodies\":[{\"hash\":"
		"\"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\","
		"\"incident\":\"i\",\"report\":\"a-1-one\",\"type\":\"incident.opened\"},"
		"{\"hash\":\"a1fce4363854ff888cff4b8e7875d600c2682390412a8cf79b37d0b11148b0fa\","
		"\"report\":\"file:one/x.txt\"}],\"reports\":2,\"seq\":1,"
		"\"time\":\"2026-11-24T14:00:00.000+00:00\",\"type\":\"reports.fixed\"}");
	assert_int_equal(number(rig, "SELECT count(*) FROM outbox WHERE fixed = 1"), 2);
	assert_int_equal(number(rig, "SELECT seq FROM head"), 1);
	/* what has no report needs no such entry */
	assert_int_equal(commit_well(rig), 0);
	assert_int_equal(rig->end.seq, 1);
}

static void test_many_in_a_commit(void **state)
{
	static const size_t rows[] = {1, RECORD_ENTRY_BODIES - 1, RECORD_ENTRY_BODIES,
				      RECORD_ENTRY_BODIES + 1, 2 * RECORD_ENTRY_BODIES + 50};
	struct rig *rig = *state;
	char id[32];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (size_t k = 0; k < rows[i]; k++) {
			(void)snprintf(id, sizeof(id), "%zu-%zu-one", i, k);
			put(rig, id, OPENED, id, "{}");
		}
		assert_int_equal(commit_well(rig),
				 (rows[i] + RECORD_ENTRY_BODIES - 1) / RECORD_ENTRY_BODIES);
		assert_int_equal(number(rig, "SELECT count(*) FROM outbox WHERE fixed IS NULL OR"
					     " fixed = 0"),
				 0);
	}
	assert_int_equal(number(rig, "SELECT max(n) FROM (SELECT count(*) AS n FROM outbox"
				     " GROUP BY fixed)"),
			 RECORD_ENTRY_BODIES);
}

/* updates that it stands for are named, once, and their rows say where */
static void test_what_it_replaces(void **state)
{
	struct rig *rig = *state;

	put(rig, "a-1-one", OPENED, "i", "{}");
	put(rig, "a-2-one", UPDATED, "i", "{\"data\":{\"incident\":{}}}");
	(void)commit_well(rig);
	put(rig, "a-3-one", UPDATED, "i", "{\"data\":{\"incident\":{}}}");
	(void)commit_well(rig);
	assert_non_null(strstr(line(rig, 2), "\"replaced\":[\"a-2-one\"]"));
	assert_int_equal(
		number(rig, "SELECT replaced_fixed FROM outbox WHERE webhook_id = 'a-2-one'"), 2);
	put(rig, "a-4-one", UPDATED, "i", "{\"data\":{\"incident\":{}}}");
	(void)commit_well(rig);
	assert_non_null(strstr(line(rig, 3), "\"replaced\":[\"a-3-one\"]"));
}

/* NULL is what this transaction has put there; what others have left so becomes 0 */
static void test_what_others_have_put(void **state)
{
	struct rig *rig = *state;

	put(rig, "a-1-one", OPENED, "i", "{}");
	(void)commit_well(rig);
	sql(rig, "UPDATE outbox SET fixed = NULL, body = 'x'");
	assert_int_equal(commit_well(rig), 0);
	put(rig, "a-2-one", OPENED, "k", "{}");
	assert_int_equal(commit_well(rig), 1);
	assert_int_equal(number(rig, "SELECT fixed FROM outbox WHERE webhook_id = 'a-1-one'"), 0);
	assert_int_equal(number(rig, "SELECT fixed FROM outbox WHERE webhook_id = 'a-2-one'"), 2);
}

/* --- of an older version ------------------------------------------------------------ */

/* rows as its tables had them, and of other states */
static void put_old(struct rig *rig, int n)
{
	char text[400];

	for (int i = 0; i < n; i++) {
		(void)snprintf(text, sizeof(text),
			       "INSERT INTO outbox(webhook_id, destination, incident, type, lane,"
			       " created_ms, body, state) VALUES('old-%d-one', 'one', 'i%d',"
			       " 'incident.opened', 1, 1, '{\"n\":%d}', '%s')",
			       i, i, i,
			       i % 7 == 3   ? "held"
			       : i % 7 == 5 ? "stopped"
					    : "pending");
		sql(rig, text);
	}
	sql(rig,
	    "INSERT INTO outbox(webhook_id, destination, incident, type, lane, created_ms,"
	    " body, state) VALUES('gone-1', 'one', 'g', 'incident.opened', 1, 1, '{}', 'sent'),"
	    " ('gone-2', 'one', 'g', 'incident.opened', 1, 1, '{}', 'abandoned')");
}

static int64_t n_fixed(struct rig *rig)
{
	return number(rig, "SELECT count(*) FROM outbox WHERE fixed > 0");
}

static size_t piece(struct rig *rig)
{
	rig->commit.legacy = true;
	return commit_well(rig);
}

static void test_nothing_was_left(void **state)
{
	struct rig *rig = *state;

	assert_int_equal(record_legacy_state(rig->record), LEGACY_UNKNOWN);
	put_old(rig, 0);
	assert_int_equal(commit_well(rig), 0);
	assert_int_equal(record_legacy_state(rig->record), LEGACY_DONE_WITH);
	sql(rig, "INSERT INTO outbox(webhook_id, destination, incident, type, lane, created_ms,"
		 " body) VALUES('late', 'one', 'l', 'incident.opened', 1, 1, '{}')");
	assert_int_equal(commit_well(rig), 0);
	assert_int_equal(piece(rig), 0);
	assert_int_equal(number(rig, "SELECT fixed FROM outbox WHERE webhook_id = 'late'"), 0);
}

static void test_piece_by_piece(void **state)
{
	const int n = 2 * RECORD_LEGACY_ROWS + 30;
	struct rig *rig = *state;

	put_old(rig, n);
	put(rig, "a-1-one", OPENED, "i", "{}");
	assert_int_equal(commit_well(rig), 2); /* how many there are; and what is new */
	assert_non_null(strstr(line(rig, 1), "{\"bodies\":[],\"left\":230,\"reason\":"));
	assert_non_null(strstr(line(rig, 2), "\"report\":\"a-1-one\""));
	assert_null(strstr(line(rig, 2), "left"));
	assert_int_equal(n_fixed(rig), 1);
	assert_int_equal(record_legacy_state(rig->record), LEGACY_ASKED);
	assert_int_equal(piece(rig), 0); /* not before it is decided */
	assert_int_equal(record_legacy_decide(rig->record, (uint64_t)n), 0);
	assert_int_equal(record_legacy_state(rig->record), LEGACY_TAKEN);
	assert_int_equal(commit_well(rig), 0); /* nor unless it is asked for */
	assert_int_equal(piece(rig), 1);
	assert_int_equal(n_fixed(rig), 1 + RECORD_LEGACY_ROWS);
	assert_non_null(strstr(line(rig, rig->end.seq), "\"left\":130,"));
	assert_int_equal(piece(rig), 1);
	assert_int_equal(piece(rig), 1);
	assert_non_null(strstr(line(rig, rig->end.seq), "\"left\":0,"));
	assert_int_equal(n_fixed(rig), 1 + n);
	assert_int_equal(record_legacy_state(rig->record), LEGACY_DONE_WITH);
	assert_int_equal(piece(rig), 0);
	reopen(rig);
	assert_int_equal(piece(rig), 0);
	assert_int_equal(record_legacy_state(rig->record), LEGACY_DONE_WITH);
	assert_int_equal(number(rig, "SELECT fixed FROM outbox WHERE webhook_id = 'gone-1'"), 0);
}

/* without the note that saves the way, the chain is asked again */
static void test_after_a_crash(void **state)
{
	const int n = 2 * RECORD_LEGACY_ROWS;
	struct rig *rig = *state;

	put_old(rig, n);
	(void)commit_well(rig);
	reopen(rig);
	assert_int_equal(commit_well(rig), 0); /* is not counted anew */
	assert_int_equal(record_legacy_state(rig->record), LEGACY_ASKED);
	assert_int_equal(record_legacy_decide(rig->record, (uint64_t)n), 0);
	assert_int_equal(piece(rig), 1);
	reopen(rig);
	(void)commit_well(rig);
	assert_int_equal(record_legacy_decide(rig->record, (uint64_t)n - RECORD_LEGACY_ROWS), 0);
	assert_int_equal(piece(rig), 1);
	assert_int_equal(n_fixed(rig), n);
	assert_int_equal(record_legacy_state(rig->record), LEGACY_DONE_WITH);
	sql(rig, "DELETE FROM meta WHERE key = 'legacy_done'");
	reopen(rig);
	(void)commit_well(rig);
	assert_int_equal(record_legacy_state(rig->record), LEGACY_ASKED);
	assert_int_equal(record_legacy_decide(rig->record, 0), 0); /* as the chain says */
	assert_int_equal(piece(rig), 0);
	assert_int_equal(record_legacy_state(rig->record), LEGACY_DONE_WITH);
}

static void test_those_that_are_wanted_first(void **state)
{
	const int n = RECORD_LEGACY_ROWS + 10;
	struct rig *rig = *state;
	int64_t first[4];

	put_old(rig, n);
	(void)commit_well(rig);
	assert_int_equal(record_legacy_decide(rig->record, (uint64_t)n), 0);
	first[0] = first[1] = number(rig, "SELECT id FROM outbox WHERE webhook_id = 'old-109-one'");
	first[2] = 99999; /* is not there */
	first[3] = number(rig, "SELECT id FROM outbox WHERE webhook_id = 'gone-1'");
	rig->commit.legacy_first = first;
	rig->commit.n_legacy_first = ARRAY_SIZE(first);
	assert_int_equal(piece(rig), 1);
	assert_int_equal(number(rig, "SELECT fixed FROM outbox WHERE webhook_id = 'old-109-one'"),
			 2);
	assert_int_equal(n_fixed(rig), RECORD_LEGACY_ROWS);
	assert_int_equal(piece(rig), 1);
	assert_int_equal(n_fixed(rig), n);
}

/* given up, or more than there were: the number in the chain is the most */
static void test_others_than_were_counted(void **state)
{
	const int n = RECORD_LEGACY_ROWS + 10;
	struct rig *rig = *state;

	put_old(rig, n);
	(void)commit_well(rig);
	sql(rig, "UPDATE outbox SET state = 'abandoned' WHERE id > 50");
	assert_int_equal(record_legacy_decide(rig->record, (uint64_t)n), 0);
	assert_int_equal(piece(rig), 1);
	assert_int_equal(n_fixed(rig), 50);
	assert_non_null(strstr(line(rig, rig->end.seq), "\"left\":0,")); /* none are to come */
	assert_int_equal(record_legacy_state(rig->record), LEGACY_DONE_WITH);
}

static void test_more_than_were_counted(void **state)
{
	struct rig *rig = *state;

	put_old(rig, 10);
	(void)commit_well(rig);
	sql(rig, "INSERT INTO outbox(webhook_id, destination, incident, type, lane, created_ms,"
		 " body) VALUES('forged', 'one', 'f', 'incident.opened', 1, 1, '{}')");
	assert_int_equal(record_legacy_decide(rig->record, 10), 0);
	(void)piece(rig);
	assert_int_equal(n_fixed(rig), 10);
	assert_int_equal(record_legacy_state(rig->record), LEGACY_DONE_WITH);
}

static void test_all_given_up(void **state)
{
	struct rig *rig = *state;

	put_old(rig, 10);
	(void)commit_well(rig);
	sql(rig, "UPDATE outbox SET state = 'abandoned'");
	assert_int_equal(record_legacy_decide(rig->record, 10), 0);
	assert_int_equal(piece(rig), 1);
	assert_non_null(strstr(line(rig, rig->end.seq), "{\"bodies\":[],\"left\":0,"));
}

/* a commit that fails has done nothing, and the next one does it */
static void test_a_commit_that_fails(void **state)
{
	struct rig *rig = *state;
	size_t n;

	put_old(rig, 10);
	sql(rig, "ALTER TABLE signed_head RENAME TO h; ALTER TABLE head RENAME TO gone");
	assert_true(commit(rig, &n) < 0);
	assert_int_equal(record_legacy_state(rig->record), LEGACY_UNKNOWN);
	sql(rig, "ALTER TABLE gone RENAME TO head; ALTER TABLE h RENAME TO signed_head");
	assert_int_equal(commit_well(rig), 1);
	assert_int_equal(record_legacy_decide(rig->record, 10), 0);
	sql(rig, "ALTER TABLE head RENAME TO gone");
	rig->commit.legacy = true;
	assert_true(commit(rig, &n) < 0);
	assert_int_equal(record_legacy_state(rig->record), LEGACY_TAKEN);
	sql(rig, "ALTER TABLE gone RENAME TO head");
	assert_int_equal(n_fixed(rig), 0);
	assert_int_equal(piece(rig), 1);
	assert_int_equal(n_fixed(rig), 10);
}

/* what cannot be read ends in an error each time, wherever it is */
static void test_tables_that_are_gone(void **state)
{
	struct rig *rig = *state;
	size_t n;

	put_old(rig, 10);
	(void)commit_well(rig);
	sql(rig, "ALTER TABLE outbox RENAME TO away");
	assert_true(record_legacy_decide(rig->record, 10) < 0);
	assert_int_equal(record_legacy_state(rig->record), LEGACY_ASKED);
	sql(rig, "ALTER TABLE away RENAME TO outbox");
	assert_int_equal(record_legacy_decide(rig->record, 10), 0);
	sql(rig, "ALTER TABLE outbox RENAME TO away");
	rig->commit.legacy = true;
	assert_true(commit(rig, &n) < 0);
	put(rig, "a-1-one", OPENED, "i", "{}");
	assert_true(commit(rig, &n) < 0);
	sql(rig, "ALTER TABLE away RENAME TO outbox");
	sql(rig, "ALTER TABLE meta RENAME TO other");
	rig->commit.legacy = true;
	assert_true(commit(rig, &n) < 0); /* the note that it is done */
	assert_int_equal(record_legacy_state(rig->record), LEGACY_TAKEN);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_report_and_a_file),
		TEST(test_many_in_a_commit),
		TEST(test_what_it_replaces),
		TEST(test_what_others_have_put),
		TEST(test_nothing_was_left),
		TEST(test_piece_by_piece),
		TEST(test_after_a_crash),
		TEST(test_those_that_are_wanted_first),
		TEST(test_others_than_were_counted),
		TEST(test_more_than_were_counted),
		TEST(test_all_given_up),
		TEST(test_a_commit_that_fails),
		TEST(test_tables_that_are_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
