/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a report what was fixed? A record whose reports were signed by a key that is not known any
 * more: the way from each to the first head by one that is, in pieces of so many rows.
 */
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

#include "core/record_statements.h"
#include "core/record_whole.h"

#define WALL_0	 INT64_C(1795528800000)
#define N_LONG	 140000 /* enough to fill the ladder */
#define N_FEW	 3000
#define N_BESIDE 4 /* rows that are read for each report, beside those of the way */

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
	struct sign_key *old;
	struct sign_key *own;
	struct verify trusted;
	struct record_walk walk;
	size_t n_rows; /* that SQLite has given */
	char words[RECORD_WORDS_MAX];
};

static int on_row(unsigned int event, void *userdata, void *statement, void *text)
{
	struct rig *rig = userdata;

	(void)event;
	(void)statement;
	(void)text;
	rig->n_rows++;
	return 0;
}

static int set_up(void **state)
{
	static const char old[] = "whsk_VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk=";
	static const char own[] = "whsk_VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlo=";
	struct rig *rig = calloc(1, sizeof(*rig));
	char error[RECORD_ERROR_MAX], public[SIGN_PUBLIC_TEXT];
	struct record_start start;
	struct sign_public key;

	assert_non_null(rig);
	(void)strcpy(rig->directory, "/tmp/test-whole-XXXXXX");
	assert_non_null(mkdtemp(rig->directory));
	assert_int_equal(record_open(&rig->record, rig->directory, error), 0);
	assert_int_equal(record_load(rig->record, &start), 0);
	assert_int_equal(record_bind(rig->record, &config), 0);
	assert_int_equal(sign_key_load(&rig->old, old, strlen(old)), 0);
	assert_int_equal(sign_key_load(&rig->own, own, strlen(own)), 0);
	rig->end = start.chain;
	verify_begin(&rig->trusted, NULL, VERIFY_LENIENT);
	assert_int_equal(sign_key_public(rig->own, public), 0);
	assert_int_equal(sign_public_load(&key, public, strlen(public)), 0);
	assert_int_equal(verify_trust(&rig->trusted, &key), 0);
	(void)sqlite3_trace_v2(rig->record->db, SQLITE_TRACE_ROW, on_row, rig);
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
	(void)sign_key_free(rig->old);
	(void)sign_key_free(rig->own);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", rig->directory, names[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(rig->directory), 0);
	free(rig);
	return 0;
}

/* what is in the batch, with a head by this key; NULL none */
static void commit(struct rig *rig, const struct sign_key *key, struct chain chain)
{
	struct record_fixed fixed = {0};
	struct record_commit commit = {.config = &config,
				       .batch = &rig->batch,
				       .head_key = key,
				       .chain = chain,
				       .fixed = &fixed,
				       .state = "x",
				       .n_state = 1,
				       .now = {1, WALL_0}};

	assert_int_equal(record_commit(rig->record, &commit), 0);
	rig->end = fixed.chain;
	record_fixed_done(&fixed);
	batch_clear(&rig->batch);
}

/* Return: the entry that has fixed it */
static int64_t put_report(struct rig *rig, const struct sign_key *key, const char *id)
{
	struct batch_report *report = batch_add(&rig->batch, reports);

	assert_non_null(report);
	*report = (struct batch_report){.webhook_id = strdup(id),
					.type = strdup("incident.opened"),
					.incident = strdup(id),
					.body = strdup("{}"),
					.created_ms = 1};
	commit(rig, key, rig->end);
	return (int64_t)rig->end.seq;
}

/* entries that say nothing, and a head behind them */
static void put_entries(struct rig *rig, const struct sign_key *key, size_t n)
{
	struct chain chain = rig->end;
	char *line;

	for (size_t i = 0; i < n; i++) {
		struct batch_entry *entry = batch_add(&rig->batch, entries);

		assert_non_null(entry);
		assert_true(asprintf(&line,
				     "{\"seq\":%llu,\"time\":\"2026-11-25T09:00:00.000+07:00\","
				     "\"type\":\"alarm.raised\"}",
				     (unsigned long long)++chain.seq) > 0);
		*entry = (struct batch_entry){.seq = chain.seq,
					      .wall_ms = WALL_0,
					      .type = EVENT_ALARM_RAISED,
					      .line = line,
					      .message = strdup("x")};
		assert_int_equal(chain_next(chain.hash, line, entry->hash), 0);
		memcpy(chain.hash, entry->hash, sizeof(chain.hash));
	}
	commit(rig, key, chain);
}

static void change(struct rig *rig, const char *sql)
{
	assert_int_equal(sqlite3_exec(rig->record->db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static struct record_job job_of(const char *id, int64_t fixed)
{
	static char body[] = "{}", type[] = "incident.opened";

	return (struct record_job){
		.webhook_id = (char *)(uintptr_t)id,
		.body = body,
		.type = type,
		.incident = (char *)(uintptr_t)id,
		.fixed = fixed,
	};
}

/* one piece; no more rows than it may read */
static int ask(struct rig *rig, const char *id, int64_t fixed)
{
	struct record_job job = job_of(id, fixed);
	int r;

	rig->n_rows = 0;
	rig->walk.budget = RECORD_WALK_ENTRIES;
	r = record_is_whole(rig->record, &rig->walk, t_one, &job, &rig->trusted, rig->words);
	assert_in_range(rig->n_rows, 1, RECORD_WALK_ENTRIES + N_BESIDE);
	return r;
}

/* Return: what it comes to; *@ret_n: in how many pieces */
static int ask_all(struct rig *rig, const char *id, int64_t fixed, size_t *ret_n)
{
	int r;

	*ret_n = 0;
	do
		r = ask(rig, id, fixed);
	while (++*ret_n < N_LONG && r == -EINPROGRESS);
	return r;
}

#define ID(n) "aaaaaaaaaaaaaaaa-" #n "-one"

static void test_its_own_head_is_enough(void **state)
{
	struct rig *rig = *state;
	int64_t fixed = put_report(rig, rig->own, ID(1));
	size_t n;

	put_entries(rig, rig->own, N_FEW);
	assert_int_equal(ask_all(rig, ID(1), fixed, &n), 1);
	assert_int_equal(n, 1);
	assert_in_range(rig->n_rows, 1, N_BESIDE);
	assert_int_equal(rig->walk.budget, RECORD_WALK_ENTRIES);
}

/* the row says which entry; what does not fit is found before anything is followed */
static void test_what_does_not_fit(void **state)
{
	static char other[] = "{ }", ended[] = "incident.ended", two[] = "two",
		    foreign[] = "aaaaaaaaaaaaaaaa-1-two", file[] = "file:one/x";
	struct rig *rig = *state;
	int64_t fixed = put_report(rig, rig->own, ID(1));
	const struct {
		struct record_job job;
		const char *destination;
		const char *words;
	} rows[] = {
		{job_of(ID(1), 0), t_one, "no entry says that it was made here"},
		{job_of(ID(1), -1), t_one, "no entry says that it was made here"},
		{job_of(ID(1), fixed + 1), t_one, "there is no entry 2 that fixes it"},
		{job_of(ID(2), fixed), t_one, "entry 1 has another body"},
		{job_of(ID(1), fixed), t_two, "it was made for another destination"},
		{job_of(foreign, fixed), t_one, "it was made for another destination"},
		{job_of(file, fixed), t_one, "entry 1 has another body"},
		{{.webhook_id = (char *)(uintptr_t)ID(1),
		  .body = other,
		  .fixed = fixed,
		  .type = rows[0].job.type,
		  .incident = rows[0].job.incident},
		 t_one,
		 "entry 1 has another body"},
		{{.webhook_id = (char *)(uintptr_t)ID(1),
		  .body = rows[0].job.body,
		  .fixed = fixed,
		  .type = ended,
		  .incident = rows[0].job.incident},
		 t_one,
		 "entry 1 has another body"},
		{{.webhook_id = (char *)(uintptr_t)ID(1),
		  .body = rows[0].job.body,
		  .fixed = fixed,
		  .type = rows[0].job.type,
		  .incident = two},
		 t_one,
		 "entry 1 has another body"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int r = record_is_whole(rig->record, &rig->walk, rows[i].destination, &rows[i].job,
					&rig->trusted, rig->words);

		if (r != 0 || strncmp(rig->words, rows[i].words, strlen(rows[i].words)) != 0)
			fail_msg("row %zu: %d \"%s\"", i, r, rig->words);
	}
}

/* each piece reads so many rows at the most; what was learnt serves all that lie on the way */
static void test_the_way_is_gone_once(void **state)
{
	struct rig *rig = *state;
	int64_t first = put_report(rig, rig->old, ID(1)), second, third, fourth;
	size_t n;

	second = put_report(rig, rig->old, ID(2));
	put_entries(rig, rig->old, N_FEW);
	third = put_report(rig, rig->old, ID(3));
	fourth = put_report(rig, rig->old, ID(4));
	put_entries(rig, rig->own, N_FEW);

	assert_int_equal(ask_all(rig, ID(2), second, &n), 1);
	assert_in_range(n, 2 * N_FEW / RECORD_WALK_ENTRIES, 2 * N_FEW / RECORD_WALK_ENTRIES + 2);
	assert_int_equal(ask_all(rig, ID(3), third, &n), 1);
	assert_in_range(n, 1, 2); /* to the next rung */
	assert_int_equal(ask_all(rig, ID(4), fourth, &n), 1);
	assert_in_range(n, 1, 2);
	assert_int_equal(ask_all(rig, ID(2), second, &n), 1); /* its own rung */
	assert_int_equal(n, 1);
	assert_in_range(rig->n_rows, 1, N_BESIDE);
	assert_int_equal(ask_all(rig, ID(1), first, &n), 1); /* from before the first of them */
	assert_in_range(n, 1, 2);
	assert_int_equal(ask_all(rig, ID(3), third, &n), 1); /* and those are still known */
	assert_in_range(n, 1, 2);
	record_walk_forget(&rig->walk);
	assert_int_equal(ask(rig, ID(3), third), -EINPROGRESS);
}

/* two that wait for the same way; and the one whose way it was is gone meanwhile */
static void test_two_at_a_time(void **state)
{
	struct rig *rig = *state;
	int64_t first = put_report(rig, rig->old, ID(1)), second;
	size_t n, n_second;

	second = put_report(rig, rig->old, ID(2));
	put_entries(rig, rig->old, N_FEW);
	put_entries(rig, rig->own, 1);
	assert_int_equal(ask(rig, ID(2), second), -EINPROGRESS);
	assert_int_equal(ask(rig, ID(1), first), -EINPROGRESS);
	assert_int_equal(rig->walk.from, second);
	assert_int_equal(ask_all(rig, ID(1), first, &n), 1);
	assert_in_range(n, N_FEW / RECORD_WALK_ENTRIES - 2, N_FEW / RECORD_WALK_ENTRIES + 1);
	assert_int_equal(ask_all(rig, ID(2), second, &n_second), 1);
	assert_int_equal(n_second, 1);
}

/* however long the way is, the rungs are enough; they only stand farther apart */
static void test_a_long_way(void **state)
{
	struct rig *rig = *state;
	int64_t first = put_report(rig, rig->old, ID(1)), middle, last;
	size_t n;

	put_entries(rig, rig->old, N_LONG / 2);
	middle = put_report(rig, rig->old, ID(2));
	put_entries(rig, rig->old, N_LONG / 2);
	last = put_report(rig, rig->old, ID(3));
	put_entries(rig, rig->own, 1);
	assert_int_equal(ask_all(rig, ID(1), first, &n), 1);
	assert_in_range(n, N_LONG / RECORD_WALK_ENTRIES, N_LONG / RECORD_WALK_ENTRIES + 2);
	assert_in_range(rig->walk.known.n, RECORD_RUNGS / 4, RECORD_RUNGS);
	assert_true(rig->walk.known.stride > RECORD_WALK_ENTRIES);
	assert_int_equal(ask_all(rig, ID(2), middle, &n), 1);
	assert_in_range(n, 1, 4);
	assert_int_equal(ask_all(rig, ID(3), last, &n), 1);
	assert_in_range(n, 1, 4);
}

/* an entry on the way is another: nothing before it holds, and that is found once */
static void test_a_way_that_does_not_hold(void **state)
{
	struct rig *rig = *state;
	int64_t first = put_report(rig, rig->old, ID(1)), second, third;
	size_t n;

	second = put_report(rig, rig->old, ID(2));
	put_entries(rig, rig->old, N_FEW);
	third = put_report(rig, rig->old, ID(3));
	put_entries(rig, rig->own, N_FEW);
	change(rig, "UPDATE entry SET line = replace(line, 'raised', 'Raised') WHERE seq = 1500");
	assert_int_equal(ask_all(rig, ID(1), first, &n), 0);
	assert_in_range(n, 1500 / RECORD_WALK_ENTRIES, 1500 / RECORD_WALK_ENTRIES + 2);
	assert_non_null(strstr(rig->words, "the entry that fixes it does not hold: entry 1500"));
	assert_int_equal(ask_all(rig, ID(2), second, &n), 0);
	assert_int_equal(n, 1);
	assert_non_null(strstr(rig->words, "entry 1500"));
	assert_int_equal(ask_all(rig, ID(3), third, &n), 1); /* behind it */
	record_walk_forget(&rig->walk);
	assert_int_equal(ask(rig, ID(2), second), -EINPROGRESS);
}

/* altered when the way was known: the report's own entry, and a rung */
static void test_altered_behind_the_back(void **state)
{
	struct rig *rig = *state;
	int64_t first = put_report(rig, rig->old, ID(1)), second;
	size_t n;

	put_entries(rig, rig->old, N_FEW);
	second = put_report(rig, rig->old, ID(2));
	put_entries(rig, rig->old, N_FEW);
	put_entries(rig, rig->own, 1);
	assert_int_equal(ask_all(rig, ID(1), first, &n), 1);
	/* consistent in itself: another time, and its hash; what follows does not fit then */
	change(rig, "UPDATE entry SET hash = zeroblob(32) WHERE seq = 3010");
	assert_int_equal(ask_all(rig, ID(2), second, &n), 0);
	assert_non_null(strstr(rig->words, "entry 3010"));
	change(rig, "UPDATE entry SET line = replace(line, '{}', '{ }'), hash = zeroblob(32)"
		    " WHERE seq = 1");
	assert_int_equal(ask_all(rig, ID(1), first, &n), 0);
	assert_non_null(strstr(rig->words, "entry 1"));
}

/* the same while it is being gone: the entry where it began is another by now */
static void test_altered_on_the_way(void **state)
{
	struct rig *rig = *state;
	int64_t first = put_report(rig, rig->old, ID(1));

	put_entries(rig, rig->old, N_FEW);
	put_entries(rig, rig->own, 1);
	assert_int_equal(ask(rig, ID(1), first), -EINPROGRESS);
	rig->walk.ahead.rungs[0].hash[0] ^= 1; /* as if another one had stood there then */
	assert_int_equal(ask(rig, ID(1), first), -EINPROGRESS);
	assert_int_equal(rig->walk.verify.chain.seq, 1 + RECORD_WALK_ENTRIES); /* anew */
}

/* a rung that the record does not have any more counts for nothing: the heads decide */
static void test_rungs_of_another_record(void **state)
{
	struct rig *rig = *state;
	int64_t first = put_report(rig, rig->old, ID(1));
	size_t n;

	put_entries(rig, rig->old, N_FEW);
	put_entries(rig, rig->own, 1);
	assert_int_equal(ask_all(rig, ID(1), first, &n), 1);
	for (size_t i = 0; i < rig->walk.known.n; i++)
		rig->walk.known.rungs[i].hash[0] ^= 1;
	rig->walk.last.seq = 0;
	assert_int_equal(ask_all(rig, ID(1), first, &n), 1);
	assert_in_range(n, N_FEW / RECORD_WALK_ENTRIES, N_FEW / RECORD_WALK_ENTRIES + 3);
}

static void test_nobody_has_signed(void **state)
{
	struct rig *rig = *state;
	int64_t first = put_report(rig, rig->old, ID(1)), second;
	size_t n;

	put_entries(rig, rig->old, N_FEW);
	second = put_report(rig, rig->old, ID(2)); /* the last one: there is no way from here */
	assert_int_equal(ask_all(rig, ID(2), second, &n), 0);
	assert_int_equal(n, 1);
	assert_non_null(strstr(rig->words, "no key that is known has signed it"));
	assert_int_equal(ask_all(rig, ID(1), first, &n), 0);
	assert_non_null(strstr(rig->words, "no key that is known has signed it"));
}

/* heads that are gone are no proof, but the next one vouches for all before it */
static void test_heads_that_are_gone(void **state)
{
	struct rig *rig = *state;
	int64_t first = put_report(rig, rig->own, ID(1));
	size_t n;

	put_entries(rig, rig->own, N_FEW);
	put_entries(rig, rig->own, 1);
	change(rig, "DELETE FROM signed_head WHERE seq < (SELECT max(seq) FROM signed_head)");
	assert_int_equal(ask_all(rig, ID(1), first, &n), 1);
	assert_in_range(n, N_FEW / RECORD_WALK_ENTRIES, N_FEW / RECORD_WALK_ENTRIES + 2);
}

static void test_a_table_that_cannot_be_read(void **state)
{
	struct rig *rig = *state;
	int64_t first = put_report(rig, rig->old, ID(1));
	struct record_job job = job_of(ID(1), first);

	put_entries(rig, rig->old, N_FEW);
	put_entries(rig, rig->own, 1);
	assert_int_equal(ask(rig, ID(1), first), -EINPROGRESS);
	change(rig, "ALTER TABLE signed_head RENAME TO gone");
	assert_true(record_is_whole(rig->record, &rig->walk, t_one, &job, &rig->trusted,
				    rig->words) < 0);
	change(rig, "ALTER TABLE entry RENAME TO away");
	assert_true(record_is_whole(rig->record, &rig->walk, t_one, &job, &rig->trusted,
				    rig->words) < 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_its_own_head_is_enough),
		TEST(test_what_does_not_fit),
		TEST(test_the_way_is_gone_once),
		TEST(test_two_at_a_time),
		TEST(test_a_long_way),
		TEST(test_a_way_that_does_not_hold),
		TEST(test_altered_behind_the_back),
		TEST(test_altered_on_the_way),
		TEST(test_rungs_of_another_record),
		TEST(test_nobody_has_signed),
		TEST(test_heads_that_are_gone),
		TEST(test_a_table_that_cannot_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
