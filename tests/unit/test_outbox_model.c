/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue of the record against a model of it that knows no SQL: reports come, are taken,
 * answered, held, released and abandoned at random, the record is closed and opened again. After
 * each step both must name the same next report; at the end everything is delivered exactly once.
 *
 * The model is a list of rows in the order of their making, and looks at all of them.
 *   OUTBOX_SEED=n, OUTBOX_STEPS=n: another run
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/files.h"
#include "core/record.h"
#include "core/record_statements.h"

#define WALL_0	  INT64_C(1795528800000)
#define N_DESTS	  3 /* the last one is for files */
#define N_CASES	  6 /* incidents per destination at a time */
#define ROWS_MAX  20000
#define NO_REPORT SIZE_MAX

enum type { OPENED, UPDATED, ENDED, A_FILE };

/* what the model knows of a report */
struct row {
	char id[48];
	char incident[32];
	enum type type;
	size_t destination;
	uint32_t lane;
	uint64_t place;
	const char *state;
	uint32_t attempts;
	int64_t next_ms;
	int64_t last_ms;
	int64_t skipped;
	size_t n_delivered;
};

/* an incident that runs: how many reports of it there were */
struct incident {
	unsigned int number;
	unsigned int n_reports;
	bool emergency;
};

struct world {
	char directory[64];
	struct record *record;
	struct chain chain;
	struct batch batch;
	struct record_commit commit;
	int64_t now_ms;
	struct row rows[ROWS_MAX];
	size_t n_rows;
	struct incident incidents[N_DESTS][N_CASES];
	unsigned int n_incidents;
	size_t in_flight[N_DESTS];  /* row, NO_REPORT */
	uint32_t flown_in[N_DESTS]; /* its lane when it went */
	int64_t in_flight_ids[N_DESTS];
	uint64_t random;
	size_t n_superseded;
	size_t n_steps;
};

static char t_origin[] = "model", t_one[] = "one", t_two[] = "two", t_files[] = "files";
static struct config_destination destinations[N_DESTS] = {
	{.name = t_one}, {.name = t_two}, {.name = t_files, .kind = DESTINATION_FILES}};
static const struct config config = {
	.origin = t_origin,
	.minute_retention_days = 60,
	.destinations = destinations,
	.n_destinations = N_DESTS,
};

/* xorshift64*, Vigna 2016 */
static uint32_t draw(struct world *w, uint32_t below)
{
	w->random ^= w->random >> 12;
	w->random ^= w->random << 25;
	w->random ^= w->random >> 27;
	return (uint32_t)((w->random * UINT64_C(2685821657736338717)) >> 33) % below;
}

static void open_record(struct world *w)
{
	struct record_start start;
	char error[RECORD_ERROR_MAX] = "";

	if (record_open(&w->record, w->directory, error) != 0)
		fail_msg("%s", error);
	assert_int_equal(record_load(w->record, &start), 0);
	free(start.state);
	free(start.windows);
	assert_int_equal(record_bind(w->record, &config), 0);
	/* no power fails here */
	assert_int_equal(sqlite3_exec(w->record->db, "PRAGMA synchronous = OFF", NULL, NULL, NULL),
			 SQLITE_OK);
}

static void commit(struct world *w)
{
	static const char state[] = "core";

	w->commit.config = &config;
	w->commit.batch = &w->batch;
	w->commit.state = state;
	w->commit.n_state = sizeof(state);
	w->commit.now = (struct stamp){w->now_ms - WALL_0 + 1, w->now_ms};
	w->commit.in_flight = w->in_flight_ids;
	if (record_commit(w->record, &w->commit) != 0)
		fail_msg("%s", record_error(w->record));
	batch_clear(&w->batch);
	w->commit.deliveries = NULL;
	w->commit.n_deliveries = 0;
	w->commit.change = NULL;
}

/* --- the model ----------------------------------------------------------------------- */

static bool is(const struct row *row, const char *state)
{
	return strcmp(row->state, state) == 0;
}

static bool waits(const struct row *row)
{
	return is(row, "pending") || is(row, "held");
}

/* nothing older of its incident waits */
static bool has_turn(const struct world *w, size_t i)
{
	if (!waits(&w->rows[i]))
		return false;
	for (size_t k = 0; k < i; k++)
		if (waits(&w->rows[k]) && w->rows[k].destination == w->rows[i].destination &&
		    strcmp(w->rows[k].incident, w->rows[i].incident) == 0)
			return false;
	return true;
}

static bool goes_before(const struct row *a, const struct row *b)
{
	return a->lane != b->lane ? a->lane < b->lane : a->place < b->place;
}

/** enum who - of whom it is asked */
enum who { ALL, FIRSTS, EMERGENCIES, N_WHO };

static bool is_asked_for(const struct row *row, enum who who)
{
	return who == ALL || row->lane == 0 || (who == FIRSTS && row->type == OPENED);
}

static size_t model_next(const struct world *w, size_t destination, enum who who)
{
	size_t best = NO_REPORT;

	for (size_t i = 0; i < w->n_rows; i++)
		if (w->rows[i].destination == destination && w->rows[i].next_ms <= w->now_ms &&
		    is_asked_for(&w->rows[i], who) && has_turn(w, i) &&
		    (best == NO_REPORT || goes_before(&w->rows[i], &w->rows[best])))
			best = i;
	return best;
}

static bool may_give_way(const struct world *w, size_t i, const struct row *to)
{
	const struct row *row = &w->rows[i];

	return row->type == UPDATED && is(row, "pending") && row->attempts == 0 &&
	       row->destination == to->destination && w->in_flight[row->destination] != i &&
	       strcmp(row->incident, to->incident) == 0;
}

static void model_add(struct world *w, const struct row *report)
{
	struct row *row = &w->rows[w->n_rows];

	*row = *report;
	row->state = "pending";
	row->place = w->n_rows + 1;
	for (size_t i = 0; row->type == UPDATED && i < w->n_rows; i++) {
		if (!may_give_way(w, i, row))
			continue;
		w->rows[i].state = "superseded";
		w->n_superseded++;
		row->skipped += 1 + w->rows[i].skipped;
		row->place = MIN(row->place, w->rows[i].place);
		row->lane = MIN(row->lane, w->rows[i].lane);
	}
	w->n_rows++;
	/* as the record: by the lane that the report came with */
	for (size_t i = 0; report->lane == 0 && i < w->n_rows; i++)
		if (waits(&w->rows[i]) && w->rows[i].destination == row->destination &&
		    strcmp(w->rows[i].incident, row->incident) == 0 && w->rows[i].lane > 0) {
			w->rows[i].lane = 0;
			w->rows[i].next_ms = MIN(w->rows[i].next_ms, w->now_ms);
		}
}

/* --- what happens -------------------------------------------------------------------- */

static const char *const type_texts[] = {"incident.opened", "incident.updated", "incident.ended",
					 FILES_TYPE};

static void add(struct world *w, const struct row *report)
{
	struct batch_report *added = batch_add(&w->batch, reports);

	assert_non_null(added);
	*added = (struct batch_report){
		.webhook_id = strdup(report->id),
		.type = strdup(type_texts[report->type]),
		.incident = strdup(report->incident),
		.body = strdup("{\"data\":{\"incident\":{\"update\":1}}}"),
		.destination = (uint32_t)report->destination,
		.lane = report->lane,
		.created_ms = w->now_ms,
	};
	assert_true(w->n_rows < ROWS_MAX);
	model_add(w, report);
}

/* the next report of an incident: the first, perhaps updates, the last */
static void tell(struct world *w)
{
	size_t destination = draw(w, N_DESTS);
	bool files = destination == N_DESTS - 1;
	struct incident *incident = &w->incidents[destination][draw(w, N_CASES)];
	struct row report = {.destination = destination};

	if (files) {
		report.type = A_FILE;
		report.lane = FILES_LANE;
		(void)snprintf(report.incident, sizeof(report.incident), "file:s/%u",
			       (unsigned int)(incident - w->incidents[destination]));
	} else {
		if (incident->n_reports == 0) {
			incident->number = ++w->n_incidents;
			incident->emergency = draw(w, 5) == 0;
		} else if (draw(w, 12) == 0) {
			incident->emergency = true; /* it gets worse */
		}
		report.type = incident->n_reports == 0 ? OPENED : draw(w, 6) == 0 ? ENDED : UPDATED;
		report.lane = incident->emergency ? 0 : 1;
		(void)snprintf(report.incident, sizeof(report.incident), "i-%u", incident->number);
		incident->n_reports = report.type == ENDED ? 0 : incident->n_reports + 1;
	}
	(void)snprintf(report.id, sizeof(report.id), "%s%s/%zu", files ? FILES_PREFIX : "",
		       destinations[destination].name, w->n_rows);
	add(w, &report);
}

static struct row *row_of(struct world *w, const char *id)
{
	for (size_t i = 0; i < w->n_rows; i++)
		if (strcmp(w->rows[i].id, id) == 0)
			return &w->rows[i];
	fail_msg("%s is none of the model's", id);
	return NULL;
}

/* the record's word on who is next, held against the model's. Return: the row, NULL none. */
static struct row *ask(struct world *w, size_t destination, enum who who, int64_t *ret_id)
{
	const struct record_ask question = {
		.destination = destinations[destination].name,
		.files = destination == N_DESTS - 1,
		.emergencies = who == EMERGENCIES,
		.firsts = who == FIRSTS,
		.now_ms = w->now_ms,
	};
	size_t wanted = model_next(w, destination, who);
	struct record_job job;
	struct row *row = NULL;
	int64_t next_ms;
	int r = record_next_job(w->record, &question, &job, &next_ms);

	assert_in_range(r, 0, 1);
	if (r == 1) {
		row = row_of(w, job.webhook_id);
		*ret_id = job.id;
		if (row->attempts != job.attempts || row->lane != job.lane ||
		    is(row, "held") != job.held)
			fail_msg("step %zu: %s is another in the record", w->n_steps, row->id);
		assert_int_equal(strstr(job.body, "skipped") != NULL, row->skipped > 0);
		record_job_done(&job);
	}
	if ((wanted == NO_REPORT) != (row == NULL) || (row && row != &w->rows[wanted]))
		fail_msg("step %zu: the record says %s, the model %s", w->n_steps,
			 row ? row->id : "nothing",
			 wanted == NO_REPORT ? "nothing" : w->rows[wanted].id);
	return row;
}

static void take(struct world *w)
{
	size_t destination = draw(w, N_DESTS);
	struct row *row;

	if (w->in_flight[destination] != NO_REPORT)
		return; /* one at a time */
	row = ask(w, destination,
		  destination != N_DESTS - 1 && draw(w, 2) == 0 ? (enum who)draw(w, N_WHO) : ALL,
		  &w->in_flight_ids[destination]);
	if (!row)
		return;
	w->in_flight[destination] = (size_t)(row - w->rows);
	w->flown_in[destination] = row->lane;
}

/* the receiver takes something: what failed is due, what was refused a minute after the first
 * time, two after the second, up to a quarter of an hour */
static void model_release(struct world *w, size_t destination)
{
	for (size_t i = 0; i < w->n_rows; i++) {
		struct row *row = &w->rows[i];
		int64_t due_ms = w->now_ms;

		if (row->destination != destination || !waits(row))
			continue;
		if (is(row, "held") && row->lane != FILES_LANE)
			due_ms = MAX(due_ms,
				     row->last_ms + (int64_t)MIN(row->attempts, 15U) * 60 * 1000);
		row->next_ms = MIN(row->next_ms, due_ms);
	}
}

static void settle(struct world *w, size_t destination, enum record_report_state state)
{
	struct row *row = &w->rows[w->in_flight[destination]];
	int64_t wait_ms = state == REPORT_SENT ? 0 : (int64_t)draw(w, draw(w, 4) ? 20000 : 7200000);
	struct record_delivery delivery = {
		.id = w->in_flight_ids[destination],
		.state = state,
		.attempts = row->attempts + 1,
		.next_ms = w->now_ms + wait_ms,
		.at_ms = w->now_ms,
		.http_status = state == REPORT_SENT   ? 204
			       : state == REPORT_HELD ? 404
			       : draw(w, 2)	      ? 503
						      : 0,
		.lane = w->flown_in[destination],
	};

	row->attempts++;
	row->next_ms = delivery.next_ms;
	if (row->lane == 0 && delivery.lane > 0) /* an emergency has come behind it meanwhile */
		row->next_ms = MIN(row->next_ms, w->now_ms + 5000);
	row->last_ms = w->now_ms;
	if (state == REPORT_SENT) {
		row->state = "sent";
		row->n_delivered++;
		model_release(w, destination);
	} else if (!is(row, "stopped") && !is(row, "abandoned")) {
		row->state = state == REPORT_HELD ? "held" : "pending";
	}
	w->in_flight[destination] = NO_REPORT;
	w->in_flight_ids[destination] = 0;
	w->commit.deliveries = &delivery;
	w->commit.n_deliveries = 1;
	commit(w);
}

static void answer(struct world *w)
{
	static const enum record_report_state states[] = {REPORT_SENT, REPORT_SENT, REPORT_SENT,
							  REPORT_PENDING, REPORT_HELD};
	size_t destination = draw(w, N_DESTS);

	if (w->in_flight[destination] != NO_REPORT)
		settle(w, destination, states[draw(w, ARRAY_SIZE(states))]);
}

/* somebody does something to a report, or to all of a destination */
static void act(struct world *w)
{
	static const struct {
		enum record_change_kind kind;
		const char *to;
		bool queued, stopped;
	} acts[] = {{CHANGE_RETRY, NULL, true, false},
		    {CHANGE_HOLD, "stopped", true, false},
		    {CHANGE_RELEASE, "pending", false, true},
		    {CHANGE_ABANDON, "abandoned", true, true}};
	size_t which = draw(w, 8) == 0 ? 3 : draw(w, 3);
	struct row *row = w->n_rows ? &w->rows[draw(w, (uint32_t)w->n_rows)] : NULL;
	bool all = draw(w, 40) == 0 && which != 3;
	struct record_change change = {.kind = acts[which].kind, .user = "somebody", .at_ms = 1};
	struct record_report found;
	int64_t n = 0;

	if (!row)
		return;
	change.destination = destinations[row->destination].name;
	for (size_t i = 0; i < w->n_rows; i++) {
		bool fits = (acts[which].queued && waits(&w->rows[i])) ||
			    (acts[which].stopped && is(&w->rows[i], "stopped"));

		if (!fits || w->rows[i].destination != row->destination ||
		    (!all && &w->rows[i] != row))
			continue;
		n++;
		w->rows[i].next_ms = 0;
		if (acts[which].to)
			w->rows[i].state = acts[which].to;
	}
	if (n == 0)
		return;
	if (all) {
		assert_int_equal(record_count(w->record, change.destination, change.kind), n);
	} else {
		assert_int_equal(record_find_report(w->record, row->id, &found), 1);
		change.id = found.id;
		record_report_done(&found);
	}
	w->commit.change = &change;
	commit(w);
}

/* killed, or stopped: nobody knows what became of the attempts */
static void restart(struct world *w)
{
	w->record = record_close(w->record);
	open_record(w);
	for (size_t i = 0; i < N_DESTS; i++) {
		w->in_flight[i] = NO_REPORT;
		w->in_flight_ids[i] = 0;
	}
}

static void step(struct world *w)
{
	uint32_t what = draw(w, 100);

	w->now_ms += draw(w, 3000);
	if (what < 30) {
		for (uint32_t n = draw(w, 3) + 1; n > 0; n--)
			tell(w);
		commit(w);
	} else if (what < 62) {
		take(w);
	} else if (what < 92) {
		answer(w);
	} else if (what < 99) {
		act(w);
	} else {
		restart(w);
	}
}

/* everybody takes everything; what is held is let go */
static void drain(struct world *w)
{
	for (size_t d = 0; d < N_DESTS; d++) {
		const struct record_change release = {.kind = CHANGE_RELEASE,
						      .destination = destinations[d].name,
						      .user = "somebody",
						      .at_ms = 1};
		struct row *row;

		if (w->in_flight[d] != NO_REPORT)
			settle(w, d, REPORT_SENT);
		w->commit.change = &release;
		commit(w);
		for (size_t i = 0; i < w->n_rows; i++)
			if (w->rows[i].destination == d && is(&w->rows[i], "stopped")) {
				w->rows[i].state = "pending";
				w->rows[i].next_ms = 0;
			}
		for (;;) {
			w->now_ms += 20000;
			row = ask(w, d, false, &w->in_flight_ids[d]);
			if (!row)
				break;
			w->in_flight[d] = (size_t)(row - w->rows);
			settle(w, d, REPORT_SENT);
		}
	}
}

static void check_end(const struct world *w)
{
	size_t n_abandoned = 0, n_sent = 0;

	for (size_t i = 0; i < w->n_rows; i++) {
		const struct row *row = &w->rows[i];

		n_abandoned += is(row, "abandoned");
		n_sent += is(row, "sent");
		assert_int_equal(row->n_delivered, is(row, "sent"));
		assert_true(is(row, "sent") || is(row, "abandoned") ||
			    (is(row, "superseded") && row->type == UPDATED));
	}
	print_message("%zu reports: %zu sent, %zu superseded, %zu abandoned\n", w->n_rows, n_sent,
		      w->n_superseded, n_abandoned);
	assert_true(n_sent > 0 && w->n_superseded > 0 && n_abandoned > 0);
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : otherwise;
}

static void test_queue_is_the_models(void **state)
{
	struct world *w = *state;
	uint64_t seed = setting("OUTBOX_SEED", 20110716), n = setting("OUTBOX_STEPS", 4000);

	print_message("OUTBOX_SEED=%llu OUTBOX_STEPS=%llu\n", (unsigned long long)seed,
		      (unsigned long long)n);
	w->random = seed ? seed : 1;
	open_record(w);
	for (w->n_steps = 0; w->n_steps < n; w->n_steps++)
		step(w);
	drain(w);
	check_end(w);
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	(void)strcpy(w->directory, "/tmp/test-outbox-XXXXXX");
	assert_non_null(mkdtemp(w->directory));
	w->now_ms = WALL_0;
	for (size_t i = 0; i < N_DESTS; i++)
		w->in_flight[i] = NO_REPORT;
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = {"record.db", "record.db-wal", "record.db-shm",
					    "record.lock"};
	struct world *w = *state;
	char path[128];

	(void)record_close(w->record);
	batch_done(&w->batch);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", w->directory, names[i]);
		(void)unlink(path);
	}
	(void)rmdir(w->directory);
	free(w);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_queue_is_the_models, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
