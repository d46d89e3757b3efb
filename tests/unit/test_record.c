/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/record_statements.h"

#define WALL_0 INT64_C(1795528800000)
#define MONO_0 INT64_C(5000)

static char t_site[] = "s", t_path[] = "s/out/COD", t_path_2[] = "s/out/pH", t_unit[] = "mg/l",
	    t_limit[] = "s/out/COD/limit-high", t_origin[] = "test", t_first[] = "first",
	    t_second[] = "second", t_name[] = "x", t_empty[] = "";

static struct config_site site = {.name = t_site};
static struct config_source source = {.name = t_name, .kind = WASTE_LIQUID};
static struct config_unit units[] = {{.interval_ms = 1000}};
static struct config_channel channels[] = {{.name = t_name, .path = t_path, .measure = t_unit},
					   {.name = t_name, .path = t_path_2, .measure = t_empty}};
static struct config_limit limits[] = {
	{.name = t_name, .path = t_limit, .class = CLASS_LIMIT, .origin = t_empty}};
static struct config_destination destinations[] = {{.name = t_first}, {.name = t_second}};
static const struct config config = {
	.origin = t_origin,
	.minute_retention_days = 60,
	.sites = &site,
	.sources = &source,
	.units = units,
	.n_units = 1,
	.capture_percent = 75,
	.channels = channels,
	.limits = limits,
	.destinations = destinations,
	.n_sites = 1,
	.n_sources = 1,
	.n_channels = 2,
	.n_limits = 1,
	.n_destinations = 2,
};

/* --- a record in a directory of its own ---------------------------------------------- */

struct rig {
	char directory[64];
	char path[96];
	struct record *record;
	struct batch batch;
	struct chain chain;
	struct record_commit commit;
	char error[RECORD_ERROR_MAX];
};

static int set_up(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	(void)strcpy(rig->directory, "/tmp/test-record-XXXXXX");
	assert_non_null(mkdtemp(rig->directory));
	(void)snprintf(rig->path, sizeof(rig->path), "%s/" RECORD_FILE, rig->directory);
	*state = rig;
	return 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = {"record.db", "record.db-wal", "record.db-shm",
					    "record.lock"};
	struct rig *rig = *state;

	(void)record_close(rig->record);
	batch_done(&rig->batch);
	(void)chmod(rig->directory, 0700);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char path[128];

		(void)snprintf(path, sizeof(path), "%s/%s", rig->directory, names[i]);
		(void)unlink(path);
	}
	assert_int_equal(rmdir(rig->directory), 0);
	free(rig);
	return 0;
}

static struct record_start load(struct rig *rig)
{
	struct record_start start;

	assert_int_equal(record_load(rig->record, &start), 0);
	return start;
}

/* open and load, as the service does */
static void open_record(struct rig *rig)
{
	struct record_start start;

	if (record_open(&rig->record, rig->directory, rig->error) != 0)
		fail_msg("%s", rig->error);
	start = load(rig);
	rig->chain = start.chain;
	free(start.state);
	free(start.windows);
	assert_int_equal(record_bind(rig->record, &config), 0);
	rig->commit = (struct record_commit){
		.config = &config,
		.batch = &rig->batch,
		.state = "state",
		.n_state = 5,
		.now = {MONO_0, WALL_0},
		.mono_base_ms = 77,
	};
	memset(rig->commit.boot_id, 0xb0, sizeof(rig->commit.boot_id));
}

static void reopen(struct rig *rig)
{
	rig->record = record_close(rig->record);
	open_record(rig);
}

static int commit(struct rig *rig)
{
	int r;

	rig->commit.chain = rig->chain;
	r = record_commit(rig->record, &rig->commit);
	batch_clear(&rig->batch);
	return r;
}

static void add_entry(struct rig *rig, enum event_type type)
{
	struct event event = event_plain(type, (struct stamp){MONO_0, WALL_0});
	struct batch_entry *entry = batch_add(&rig->batch, entries);

	assert_non_null(entry);
	*entry = (struct batch_entry){
		.seq = rig->chain.seq + 1,
		.wall_ms = WALL_0,
		.type = type,
		.priority = 5,
		.line = event_line(&event, &config, rig->chain.seq + 1),
		.message = strdup("message"),
	};
	assert_int_equal(chain_next(rig->chain.hash, entry->line, entry->hash), 0);
	rig->chain.seq = entry->seq;
	memcpy(rig->chain.hash, entry->hash, sizeof(entry->hash));
}

static void add_report(struct rig *rig, const char *id, const char *incident, uint32_t destination,
		       uint32_t lane)
{
	struct batch_report *report = batch_add(&rig->batch, reports);

	assert_non_null(report);
	*report = (struct batch_report){
		.webhook_id = strdup(id),
		.type = strdup("incident.opened"),
		.incident = strdup(incident),
		.body = strdup("{\"x\":\"ề\"}"),
		.destination = destination,
		.lane = lane,
		.created_ms = WALL_0,
	};
}

static void add_incident(struct rig *rig, const char *id)
{
	struct batch_incident *incident = batch_add(&rig->batch, incidents);

	assert_non_null(incident);
	*incident = (struct batch_incident){
		.first_out = 0,
		.opened_ms = WALL_0,
		.class = CLASS_LIMIT,
		.level = "facility",
		.verdict = "none",
		.told = strdup("d "),
		.summary = strdup("{}"),
	};
	(void)snprintf(incident->id, sizeof(incident->id), "%s", id);
}

static void add_minute(struct rig *rig, uint32_t channel, struct window_row row)
{
	struct batch_minute *minute = batch_add(&rig->batch, minutes);

	assert_non_null(minute);
	*minute = (struct batch_minute){.channel = channel, .row = row};
}

/* one number by a connection of the test's own */
static double ask(struct rig *rig, const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *statement = NULL;
	double value;

	assert_int_equal(sqlite3_open_v2(rig->path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
		fail_msg("%s", sqlite3_errmsg(db));
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	value = sqlite3_column_type(statement, 0) == SQLITE_NULL
			? (double)NAN
			: sqlite3_column_double(statement, 0);
	(void)sqlite3_finalize(statement);
	(void)sqlite3_close(db);
	return value;
}

static void change(struct rig *rig, const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(
		sqlite3_open_v2(rig->path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	(void)sqlite3_close(db);
}

static bool has(const char *text, const char *part)
{
	return strstr(text, part) != NULL;
}

/* --- opening ------------------------------------------------------------------------- */

static void test_create(void **state)
{
	struct rig *rig = *state;
	static const uint8_t zeros[32] = {0};
	struct record_start start;
	struct stat status;
	char id[17];

	open_record(rig);
	start = load(rig);
	assert_true(start.created);
	assert_false(start.stopped_cleanly);
	assert_int_equal(start.chain.seq, 0);
	assert_memory_equal(start.chain.hash, zeros, sizeof(zeros));
	assert_null(start.state);
	assert_int_equal(strspn(start.log_id, "0123456789abcdef"), 16);
	assert_int_equal(strlen(start.log_id), 16);
	(void)strcpy(id, start.log_id);
	assert_int_equal(stat(rig->path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0640);
	reopen(rig);
	start = load(rig);
	assert_true(start.created); /* nothing was ever committed */
	assert_string_equal(start.log_id, id);
}

static void test_round_trip(void **state)
{
	struct rig *rig = *state;
	struct record_start start;
	struct chain end;

	open_record(rig);
	add_entry(rig, EVENT_RECORD_CREATED);
	add_entry(rig, EVENT_CORE_STARTED);
	assert_int_equal(commit(rig), 0);
	rig->commit.state = "a\0longer state";
	rig->commit.n_state = 14;
	add_entry(rig, EVENT_CONFIG_LOADED);
	assert_int_equal(commit(rig), 0);
	end = rig->chain;
	reopen(rig);
	start = load(rig);
	assert_false(start.created);
	assert_false(start.stopped_cleanly);
	assert_int_equal(start.chain.seq, 3);
	assert_memory_equal(start.chain.hash, end.hash, sizeof(end.hash));
	assert_int_equal(start.n_state, 14);
	assert_memory_equal(start.state, "a\0longer state", 14);
	assert_int_equal(start.mono_base_ms, 77);
	assert_int_equal(start.last.mono_ms, MONO_0);
	assert_int_equal(start.last.wall_ms, WALL_0);
	assert_memory_equal(start.boot_id, rig->commit.boot_id, 16);
	free(start.state);
	add_entry(rig, EVENT_CORE_STOPPED); /* the chain goes on where it ended */
	assert_int_equal(commit(rig), 0);
	reopen(rig);
	start = load(rig);
	assert_true(start.stopped_cleanly);
	assert_int_equal(start.chain.seq, 4);
	free(start.state);
}

/* the windows' state stays until another comes; the core's own comes with every commit */
static void test_windows_state(void **state)
{
	struct rig *rig = *state;
	struct record_start start;

	open_record(rig);
	assert_int_equal(commit(rig), 0);
	start = load(rig);
	assert_null(start.windows);
	free(start.state);
	rig->commit.windows = "w\0ndows";
	rig->commit.n_windows = 7;
	assert_int_equal(commit(rig), 0);
	rig->commit.windows = NULL;
	rig->commit.n_windows = 0;
	rig->commit.state = "later";
	assert_int_equal(commit(rig), 0);
	reopen(rig);
	start = load(rig);
	assert_int_equal(start.n_windows, 7);
	assert_memory_equal(start.windows, "w\0ndows", 7);
	assert_memory_equal(start.state, "later", 5);
	free(start.windows);
	free(start.state);
}

static void test_second_instance(void **state)
{
	struct rig *rig = *state;
	struct record *second = NULL;

	open_record(rig);
	assert_int_equal(record_open(&second, rig->directory, rig->error), -EBUSY);
	assert_null(second);
	assert_true(has(rig->error, "another wastewatchd"));
	assert_true(has(rig->error, rig->directory));
	rig->record = record_close(rig->record);
	assert_int_equal(record_open(&second, rig->directory, rig->error), 0);
	(void)record_close(second);
}

static void test_newer_version(void **state)
{
	struct rig *rig = *state;

	open_record(rig);
	rig->record = record_close(rig->record);
	change(rig, "PRAGMA user_version = 99");
	assert_int_equal(record_open(&rig->record, rig->directory, rig->error), -ENOTSUP);
	assert_null(rig->record);
	assert_true(has(rig->error, "newer"));
	assert_int_equal((int)ask(rig, "PRAGMA user_version"), 99);
}

/* what somebody with a shell of SQLite makes of the tables, and what is said of it */
static const struct {
	const char *sql;
	const char *words;
} table_edits[] = {
	{"CREATE TRIGGER zz AFTER INSERT ON outbox BEGIN DELETE FROM outbox; END",
	 "trigger zz was made by somebody else"},
	{"CREATE VIEW zz AS SELECT 1", "view zz was made by somebody else"},
	{"CREATE TABLE zz(a)", "table zz was made by somebody else"},
	{"CREATE INDEX zz ON minute(mean)", "index zz was made by somebody else"},
	{"DROP TRIGGER outbox_added", "trigger outbox_added is missing"},
	{"DROP TRIGGER outbox_changed", "trigger outbox_changed is missing"},
	{"DROP INDEX outbox_turns", "index outbox_turns is missing"},
	{"DROP VIEW minutes", "view minutes is missing"},
	{"DROP TABLE meta", "table meta is missing"},
	{"DROP TABLE head; CREATE VIEW head AS SELECT * FROM entry",
	 "view head was made by somebody else"},
	{"ALTER TABLE outbox ADD COLUMN zz", "table outbox is not as it was made"},
	{"DROP INDEX outbox_next; CREATE INDEX outbox_next ON outbox(place) WHERE turn = 1",
	 "index outbox_next is not as it was made"},
	{"CREATE TRIGGER \"a\nb\033[2J\" AFTER INSERT ON outbox BEGIN SELECT 1; END",
	 "trigger a?b?[2J was made by somebody else"},
};

static void remove_record(struct rig *rig)
{
	char path[sizeof(rig->path) + 8];

	rig->record = record_close(rig->record);
	rig->chain = (struct chain){0};
	(void)unlink(rig->path);
	for (int i = 0; i < 2; i++) {
		(void)snprintf(path, sizeof(path), "%s-%s", rig->path, i == 0 ? "wal" : "shm");
		(void)unlink(path);
	}
}

static void test_tables_of_somebody_else(void **state)
{
	struct rig *rig = *state;

	for (size_t i = 0; i < sizeof(table_edits) / sizeof(*table_edits); i++) {
		remove_record(rig);
		open_record(rig);
		rig->record = record_close(rig->record);
		change(rig, table_edits[i].sql);
		assert_int_equal(record_open(&rig->record, rig->directory, rig->error), -EBADMSG);
		if (!has(rig->error, table_edits[i].words))
			fail_msg("%s: %s", table_edits[i].sql, rig->error);
	}
	remove_record(rig);
}

/* under a program that has it open; nothing of the commit is there then */
static void test_tables_changed_meanwhile(void **state)
{
	struct rig *rig = *state;

	for (size_t i = 0; i < sizeof(table_edits) / sizeof(*table_edits); i++) {
		remove_record(rig);
		open_record(rig);
		add_entry(rig, EVENT_CORE_STARTED);
		assert_int_equal(commit(rig), 0);
		change(rig, table_edits[i].sql);
		add_entry(rig, EVENT_CORE_STOPPED);
		assert_int_equal(commit(rig), -EBADMSG);
		if (!has(record_error(rig->record), table_edits[i].words))
			fail_msg("%s: %s", table_edits[i].sql, record_error(rig->record));
		assert_int_equal((int)ask(rig, "SELECT count(*) FROM entry"), 1);
	}
}

/* the schema's number moves, the tables stay */
static void test_tables_may_be_vacuumed(void **state)
{
	struct rig *rig = *state;

	open_record(rig);
	add_entry(rig, EVENT_CORE_STARTED);
	assert_int_equal(commit(rig), 0);
	change(rig, "VACUUM; ANALYZE; CREATE TABLE zz(a); DROP TABLE zz");
	add_entry(rig, EVENT_CORE_STOPPED);
	assert_int_equal(commit(rig), 0);
}

static void test_no_directory(void **state)
{
	struct rig *rig = *state;
	char path[96];

	(void)snprintf(path, sizeof(path), "%s/none", rig->directory);
	assert_int_equal(record_open(&rig->record, path, rig->error), -ENOENT);
	assert_true(has(rig->error, "No such file"));
	assert_null(rig->record);
}

/* root may write everywhere, so the attempt is made as nobody */
static void test_read_only_directory(void **state)
{
	struct rig *rig = *state;
	int status;
	pid_t child;

	if (geteuid() == 0)
		assert_int_equal(chown(rig->directory, 65534, (gid_t)-1), 0);
	assert_int_equal(chmod(rig->directory, 0555), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct record *record = NULL;

		if (geteuid() == 0 && setuid(65534) < 0)
			_exit(2);
		_exit(record_open(&record, rig->directory, rig->error) != -EACCES ||
		      !has(rig->error, "Permission denied") || !has(rig->error, rig->directory));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void test_no_record(void **state)
{
	static const char text[] =
		"this is a text of somebody's, not a record of ours. It is longer "
		"than the hundred bytes of an SQLite header.";
	struct rig *rig = *state;
	char back[sizeof(text)];
	int fd = open(rig->path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, sizeof(text)), sizeof(text));
	assert_int_equal(record_open(&rig->record, rig->directory, rig->error), -EBADMSG);
	assert_null(rig->record);
	assert_true(has(rig->error, "not a database"));
	assert_true(has(rig->error, "nothing was changed"));
	assert_int_equal(pread(fd, back, sizeof(back), 0), sizeof(back));
	assert_memory_equal(back, text, sizeof(text));
	(void)close(fd);
}

static void fill(struct rig *rig, int n)
{
	for (int i = 0; i < n; i++) {
		char id[32];

		(void)snprintf(id, sizeof(id), "id-%d", i);
		add_entry(rig, EVENT_CONFIG_LOADED);
		add_report(rig, id, "i", 0, 1);
		add_minute(rig, 0, (struct window_row){.start_ms = i * MS_PER_MIN, .n = 1});
		assert_int_equal(commit(rig), 0);
	}
}

/* whatever is overwritten, the answer is an error or a good record, never a crash */
static void test_damaged(void **state)
{
	struct rig *rig = *state;
	struct stat status;
	int n_refused = 0;

	open_record(rig);
	fill(rig, 40);
	rig->record = record_close(rig->record);
	change(rig, "PRAGMA wal_checkpoint(TRUNCATE)");
	assert_int_equal(stat(rig->path, &status), 0);
	for (off_t at = 0; at < status.st_size; at += 1024) {
		uint8_t kept[64], junk[64];
		int fd = open(rig->path, O_RDWR | O_CLOEXEC), r;
		struct record_start start = {0};

		memset(junk, 0xa5, sizeof(junk));
		assert_int_equal(pread(fd, kept, sizeof(kept), at), sizeof(kept));
		assert_int_equal(pwrite(fd, junk, sizeof(junk), at), sizeof(junk));
		r = record_open(&rig->record, rig->directory, rig->error);
		assert_int_equal(r == 0, rig->record != NULL);
		if (r == 0)
			r = record_load(rig->record, &start);
		if (r == 0)
			r = record_bind(rig->record, &config);
		if (r < 0)
			n_refused++;
		free(start.state);
		rig->record = record_close(rig->record);
		assert_int_equal(pwrite(fd, kept, sizeof(kept), at), sizeof(kept));
		(void)close(fd);
	}
	assert_true(n_refused > 0);
}

static void test_cut_off(void **state)
{
	struct rig *rig = *state;
	struct record_start start = {0};
	int r;

	open_record(rig);
	fill(rig, 40);
	rig->record = record_close(rig->record);
	change(rig, "PRAGMA wal_checkpoint(TRUNCATE)");
	assert_int_equal(truncate(rig->path, 8192), 0);
	r = record_open(&rig->record, rig->directory, rig->error);
	if (r == 0)
		r = record_load(rig->record, &start);
	assert_int_equal(r, -EBADMSG);
	free(start.state);
}

/* with a database beside the record: another table in it would be foreign */
static void keep(struct rig *rig, const char *sql)
{
	char text[1024];

	(void)snprintf(text, sizeof(text), "ATTACH '%s-kept' AS kept; %s", rig->path, sql);
	change(rig, text);
}

static void test_damaged_contents(void **state)
{
	static const char *const rows[] = {
		"UPDATE entry SET hash = x'00'",
		"UPDATE state SET boot_id = x'00'",
		"UPDATE meta SET value = 'short'",
		"UPDATE meta SET value = NULL",
	};
	struct rig *rig = *state;
	char path[sizeof(rig->path) + 8];

	open_record(rig);
	fill(rig, 2);
	rig->record = record_close(rig->record);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct record_start start = {0};

		keep(rig, "CREATE TABLE IF NOT EXISTS kept.entry AS SELECT * FROM main.entry;"
			  "CREATE TABLE IF NOT EXISTS kept.state AS SELECT * FROM main.state;"
			  "CREATE TABLE IF NOT EXISTS kept.meta AS SELECT * FROM main.meta");
		change(rig, rows[i]);
		assert_int_equal(record_open(&rig->record, rig->directory, rig->error), 0);
		assert_int_equal(record_load(rig->record, &start), -EBADMSG);
		assert_true(has(record_error(rig->record), "damaged"));
		free(start.state);
		rig->record = record_close(rig->record);
		keep(rig, "INSERT OR REPLACE INTO main.entry SELECT * FROM kept.entry;"
			  "INSERT OR REPLACE INTO main.state SELECT * FROM kept.state;"
			  "INSERT OR REPLACE INTO main.meta SELECT * FROM kept.meta");
	}
	(void)snprintf(path, sizeof(path), "%s-kept", rig->path);
	(void)unlink(path);
}

/* --- one transaction ----------------------------------------------------------------- */

static void test_entries(void **state)
{
	struct rig *rig = *state;
	char sql[128];

	open_record(rig);
	fill(rig, 5);
	for (int i = 1; i <= 5; i++) {
		(void)snprintf(sql, sizeof(sql),
			       "SELECT line LIKE '{\"seq\":%d,%%' FROM entry WHERE seq = %d", i, i);
		assert_int_equal((int)ask(rig, sql), 1);
	}
	assert_int_equal((int)ask(rig, "SELECT count(*) FROM entry"), 5);
	assert_int_equal((int)ask(rig, "SELECT seq FROM head"), 5);
	assert_int_equal((int)ask(rig, "SELECT head.hash = entry.hash FROM head, entry"
				       " WHERE entry.seq = 5"),
			 1);
	assert_int_equal((int)ask(rig, "SELECT note LIKE 'test' || char(10) || '5' || char(10) ||"
				       " lower(hex(hash)) || char(10) ||"
				       " '2026-11-24T14:00:00.000+00:00' || char(10) || 'none' ||"
				       " char(10) FROM head"),
			 1);
}

static void expect_nothing(struct rig *rig)
{
	static const char *const tables[] = {"entry",  "minute", "incident", "alarm",  "outbox",
					     "poller", "head",	 "state",    "windows"};
	char sql[128];

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		(void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", tables[i]);
		if ((int)ask(rig, sql) != 0)
			fail_msg("%s is not empty", tables[i]);
	}
}

static void fill_everything(struct rig *rig, const struct record_ack *ack)
{
	struct batch_alarm *alarm;

	add_entry(rig, EVENT_ALARM_RAISED);
	add_minute(rig, 1, (struct window_row){.n = 1, .mean = 1});
	add_incident(rig, "i");
	alarm = batch_add(&rig->batch, alarms);
	assert_non_null(alarm);
	add_report(rig, "id-1", "i", 0, 1);
	rig->commit.acks = ack;
	rig->commit.n_acks = 1;
	rig->commit.windows = "windows";
	rig->commit.n_windows = 7;
}

/* the last of a batch fails: nothing of it is there, and the next commit is whole */
static void test_all_or_nothing(void **state)
{
	static const struct record_ack ack = {.instance = UINT64_MAX, .seq = 9};
	struct rig *rig = *state;
	struct chain before;
	uint64_t acked;

	open_record(rig);
	before = rig->chain;
	fill_everything(rig, &ack);
	add_report(rig, "id-1", "i", 1, 1); /* an id that there is already */
	assert_int_equal(commit(rig), -EEXIST);
	assert_true(has(record_error(rig->record), "UNIQUE"));
	expect_nothing(rig);
	assert_int_equal(record_acked(rig->record, UINT64_MAX, &acked), 0);
	assert_int_equal(acked, 0);
	rig->chain = before;
	fill_everything(rig, &ack);
	assert_int_equal(commit(rig), 0);
	assert_int_equal((int)ask(rig, "SELECT count(*) FROM outbox"), 1);
	assert_int_equal((int)ask(rig, "SELECT count(*) FROM alarm WHERE path LIKE '%limit-high'"),
			 1);
	assert_int_equal(record_acked(rig->record, UINT64_MAX, &acked), 0);
	assert_int_equal(acked, 9);
}

static void add_closing(struct rig *rig, const char *id, const char *summary)
{
	struct batch_closing *closing = batch_add(&rig->batch, closings);

	assert_non_null(closing);
	*closing = (struct batch_closing){
		.id = strdup(id),
		.at_ms = WALL_0 + 9000,
		.user = strdup("lan"),
		.cause = strdup("valve"),
		.measures = strdup("mended"),
		.summary = summary ? strdup(summary) : NULL,
	};
}

/* it is looked up by its id once it no longer runs, and stays until it is closed */
static void test_closing(void **state)
{
	struct rig *rig = *state;
	struct action_past past = {0};

	open_record(rig);
	add_incident(rig, "i");
	add_incident(rig, "j");
	assert_int_equal(commit(rig), 0);
	assert_int_equal(record_past(rig->record, "i", &past), 0); /* it runs */
	assert_int_equal(record_past(rig->record, "none", &past), 0);
	add_incident(rig, "i");
	rig->batch.incidents[0].ended_ms = WALL_0 + 5000;
	rig->batch.incidents[0].n_updates = 4;
	assert_int_equal(commit(rig), 0);
	reopen(rig);
	assert_int_equal(record_past(rig->record, "i", &past), 1);
	assert_string_equal(past.state, "ended");
	assert_string_equal(past.summary, "{}");
	assert_string_equal(past.told, "d ");
	assert_int_equal(past.n_updates, 4);
	assert_int_equal(past.ended_ms, WALL_0 + 5000);
	assert_int_equal(past.closed_ms, 0);
	record_past_done(&past);
	add_closing(rig, "i", "{\"x\":1}");
	assert_int_equal(commit(rig), 0);
	assert_int_equal(record_past(rig->record, "i", &past), 1);
	assert_string_equal(past.state, "closed");
	assert_string_equal(past.closed_by, "lan");
	assert_int_equal(past.closed_ms, WALL_0 + 9000);
	assert_int_equal(past.n_updates, 5);
	assert_string_equal(past.summary, "{\"x\":1}");
	record_past_done(&past);
	assert_int_equal((int)ask(rig,
				  "SELECT cause = 'valve' AND measures = 'mended' FROM incident"
				  " WHERE id = 'i'"),
			 1);
	add_closing(rig, "j", NULL);
	assert_int_equal(commit(rig), 0);
	assert_int_equal((int)ask(rig, "SELECT summary = '{}' FROM incident WHERE id = 'j'"), 1);
}

static void test_entry_number_twice(void **state)
{
	struct rig *rig = *state;
	struct chain before;

	open_record(rig);
	before = rig->chain;
	fill(rig, 1);
	rig->chain = before;
	add_entry(rig, EVENT_CORE_STARTED);
	add_report(rig, "other", "i", 0, 1);
	assert_int_equal(commit(rig), -EEXIST);
	assert_int_equal((int)ask(rig, "SELECT count(*) FROM outbox"), 1);
}

static void test_out_of_memory(void **state)
{
	struct rig *rig = *state;

	open_record(rig);
	add_entry(rig, EVENT_CORE_STARTED);
	rig->batch.out_of_memory = true;
	assert_int_equal(commit(rig), -ENOMEM);
	assert_string_equal(record_error(rig->record), "out of memory");
	expect_nothing(rig);
}

/* a chain that does not go on from what the disk holds is noticed after the commit */
static void test_read_back(void **state)
{
	struct rig *rig = *state;

	open_record(rig);
	fill(rig, 1);
	rig->chain.hash[7] ^= 1;
	add_entry(rig, EVENT_CORE_STARTED);
	assert_int_equal(commit(rig), -EBADMSG);
	assert_true(has(record_error(rig->record), "entry 2 does not read back"));
}

/* memory or a disk that gives back other bytes than it was given: played by triggers of ours */
static const struct {
	const char *on;
	const char *does;
} other_bytes[] = {
	{"entry", "UPDATE entry SET line = line || ' ' WHERE seq = new.seq"},
	{"entry", "UPDATE entry SET line = substr(line, 2) WHERE seq = new.seq"},
	{"entry", "UPDATE entry SET hash = zeroblob(32) WHERE seq = new.seq"},
	{"entry", "UPDATE entry SET hash = x'00' WHERE seq = new.seq"},
	{"entry", "DELETE FROM entry WHERE seq = new.seq"},
	{"outbox", "UPDATE outbox SET body = '{}' WHERE id = new.id"},
	{"outbox", "UPDATE outbox SET destination = 'second' WHERE id = new.id"},
	{"outbox", "UPDATE outbox SET webhook_id = 'x' WHERE id = new.id"},
	{"outbox", "UPDATE outbox SET incident = 'x' WHERE id = new.id"},
	{"outbox", "UPDATE outbox SET type = 'x' WHERE id = new.id"},
	{"outbox", "UPDATE outbox SET body = '', state = 'superseded' WHERE id = new.id"},
	{"outbox", "DELETE FROM outbox WHERE id = new.id"},
	{"head", "UPDATE head SET note = 'x'"},
	{"head", "UPDATE head SET hash = zeroblob(32)"},
	{"head", "UPDATE head SET seq = seq + 1"},
	{"head", "DELETE FROM head"},
};

static void test_read_back_other_bytes(void **state)
{
	struct rig *rig = *state;

	for (size_t i = 0; i < ARRAY_SIZE(other_bytes); i++) {
		char sql[256];
		int r;

		remove_record(rig);
		open_record(rig);
		add_entry(rig, EVENT_CONFIG_LOADED);
		assert_int_equal(commit(rig), 0);
		(void)snprintf(sql, sizeof(sql),
			       "CREATE TEMP TRIGGER t AFTER INSERT ON main.%s BEGIN %s; END",
			       other_bytes[i].on, other_bytes[i].does);
		assert_int_equal(sqlite3_exec(rig->record->db, sql, NULL, NULL, NULL), SQLITE_OK);
		add_entry(rig, EVENT_CORE_STARTED);
		add_report(rig, "id", "i", 0, 1);
		r = commit(rig);
		if (r != -EBADMSG)
			fail_msg("%s: not noticed", other_bytes[i].does);
		assert_true(has(record_error(rig->record), "does not read back"));
	}
}

/* what the chain says of a body is what the core has made, not what stands in the row */
static void test_fixed_as_it_was_made(void **state)
{
	struct rig *rig = *state;
	struct record_fixed fixed = {0};
	char hash[65];

	open_record(rig);
	assert_int_equal(sqlite3_exec(rig->record->db,
				      "CREATE TEMP TRIGGER t AFTER INSERT ON main.outbox BEGIN"
				      " UPDATE outbox SET body = '{}' WHERE id = new.id; END",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	add_entry(rig, EVENT_CORE_STARTED);
	add_report(rig, "id", "i", 0, 1);
	assert_int_equal(event_body_hash(rig->batch.reports[0].body,
					 strlen(rig->batch.reports[0].body), hash),
			 0);
	rig->commit.fixed = &fixed;
	assert_int_equal(commit(rig), -EBADMSG);
	assert_int_equal(fixed.n, 1);
	assert_true(has(fixed.entries[0].line, hash));
	record_fixed_done(&fixed);
	/* gone before it is fixed */
	remove_record(rig);
	open_record(rig);
	assert_int_equal(sqlite3_exec(rig->record->db,
				      "CREATE TEMP TRIGGER t AFTER INSERT ON main.outbox BEGIN"
				      " DELETE FROM outbox WHERE id = new.id; END",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	add_entry(rig, EVENT_CORE_STARTED);
	add_report(rig, "id", "i", 0, 1);
	rig->commit.fixed = &fixed;
	assert_int_equal(commit(rig), -EBADMSG);
	assert_true(has(record_error(rig->record), "is not there any more"));
	assert_int_equal((int)ask(rig, "SELECT count(*) FROM entry"), 0);
	record_fixed_done(&fixed);
}

static void test_acks(void **state)
{
	struct rig *rig = *state;
	static const struct record_ack first[] = {{1, 10}, {2, UINT64_MAX}, {UINT64_MAX, 3}};
	static const struct record_ack then[] = {{1, 11}};
	uint64_t seq = 5;

	open_record(rig);
	rig->commit.acks = first;
	rig->commit.n_acks = 3;
	assert_int_equal(commit(rig), 0);
	rig->commit.acks = then;
	rig->commit.n_acks = 1;
	assert_int_equal(commit(rig), 0);
	reopen(rig);
	assert_int_equal(record_acked(rig->record, 1, &seq), 0);
	assert_int_equal(seq, 11);
	assert_int_equal(record_acked(rig->record, 2, &seq), 0);
	assert_int_equal(seq, UINT64_MAX);
	assert_int_equal(record_acked(rig->record, UINT64_MAX, &seq), 0);
	assert_int_equal(seq, 3);
	assert_int_equal(record_acked(rig->record, 3, &seq), 0);
	assert_int_equal(seq, 0);
}

/* --- channels ------------------------------------------------------------------------ */

/* channels keep their numbers, whatever else is configured later */
static void test_bind(void **state)
{
	struct rig *rig = *state;
	struct config one = config;
	int id;

	open_record(rig);
	id = (int)ask(rig, "SELECT id FROM channel WHERE path = 's/out/pH'");
	one.channels = &channels[1];
	one.n_channels = 1;
	assert_int_equal(record_bind(rig->record, &one), 0);
	rig->commit.config = &one;
	add_minute(rig, 0, (struct window_row){.start_ms = WALL_0, .n = 1});
	assert_int_equal(commit(rig), 0);
	assert_int_equal((int)ask(rig, "SELECT channel FROM minute"), id);
	assert_int_equal((int)ask(rig, "SELECT count(*) FROM channel"), 2);
}

/* --- the outbox ---------------------------------------------------------------------- */

static const char *next_of(struct rig *rig, const char *destination, bool files, int64_t now_ms,
			   int64_t *ret_id)
{
	static char id[64];
	struct record_job job;
	int64_t next_ms = -5;
	int r = record_next_job(
		rig->record,
		&(struct record_ask){.destination = destination, .files = files, .now_ms = now_ms},
		&job, &next_ms);

	assert_in_range(r, 0, 1);
	if (r == 0) {
		*ret_id = next_ms;
		return "";
	}
	(void)snprintf(id, sizeof(id), "%s", job.webhook_id);
	assert_string_equal(job.body, "{\"x\":\"ề\"}"); /* byte for byte */
	*ret_id = job.id;
	record_job_done(&job);
	assert_null(job.body);
	return id;
}

static const char *next(struct rig *rig, const char *destination, int64_t now_ms, int64_t *ret_id)
{
	return next_of(rig, destination, false, now_ms, ret_id);
}

static const char *next_file(struct rig *rig, int64_t now_ms, int64_t *ret_id)
{
	return next_of(rig, "first", true, now_ms, ret_id);
}

static void deliver(struct rig *rig, int64_t id, enum record_report_state report_state,
		    int64_t next_ms)
{
	struct record_delivery delivery = {
		.id = id,
		.state = report_state,
		.attempts = 1,
		.next_ms = next_ms,
		.at_ms = WALL_0,
		.http_status = report_state == REPORT_SENT ? 204 : 503,
		.error = report_state == REPORT_SENT ? NULL : "busy",
	};

	rig->commit.deliveries = &delivery;
	rig->commit.n_deliveries = 1;
	assert_int_equal(commit(rig), 0);
	rig->commit.deliveries = NULL;
	rig->commit.n_deliveries = 0;
}

static void test_outbox_order(void **state)
{
	static const char *const wanted[] = {"e-1", "a-1", "a-2", "b-1", "a-3"};
	struct rig *rig = *state;
	int64_t id;

	open_record(rig);
	assert_string_equal(next(rig, "first", WALL_0, &id), "");
	assert_int_equal(id, INT64_MAX);
	add_report(rig, "a-1", "a", 0, 1);
	add_report(rig, "a-2", "a", 0, 1);
	add_report(rig, "b-1", "b", 0, 1);
	add_report(rig, "a-3", "a", 0, 1);
	add_report(rig, "e-1", "e", 0, 0); /* the emergency comes last and goes first */
	add_report(rig, "z-1", "a", 1, 1);
	assert_int_equal(commit(rig), 0);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		assert_string_equal(next(rig, "first", WALL_0, &id), wanted[i]);
		assert_string_equal(next(rig, "first", WALL_0, &id), wanted[i]); /* reads only */
		deliver(rig, id, REPORT_SENT, 0);
	}
	assert_string_equal(next(rig, "first", WALL_0, &id), "");
	assert_int_equal(id, INT64_MAX);
	assert_string_equal(next(rig, "second", WALL_0, &id), "z-1"); /* not concerned */
	assert_string_equal(next(rig, "third", WALL_0, &id), "");
}

/* what waits for its next attempt holds up its incident, and nothing else */
static void test_outbox_waits(void **state)
{
	struct rig *rig = *state;
	int64_t id, first;

	open_record(rig);
	add_report(rig, "a-1", "a", 0, 1);
	add_report(rig, "a-2", "a", 0, 1);
	add_report(rig, "b-1", "b", 0, 1);
	assert_int_equal(commit(rig), 0);
	assert_string_equal(next(rig, "first", WALL_0, &first), "a-1");
	deliver(rig, first, REPORT_PENDING, WALL_0 + 5000);
	assert_string_equal(next(rig, "first", WALL_0, &id), "b-1");
	deliver(rig, id, REPORT_HELD, WALL_0 + 7200000);
	assert_string_equal(next(rig, "first", WALL_0 + 4999, &id), "");
	assert_int_equal(id, WALL_0 + 5000);
	reopen(rig); /* a restart forgets nothing of it */
	assert_string_equal(next(rig, "first", WALL_0 + 4999, &id), "");
	assert_string_equal(next(rig, "first", WALL_0 + 5000, &id), "a-1");
	deliver(rig, first, REPORT_SENT, 0);
	assert_string_equal(next(rig, "first", WALL_0 + 5000, &id), "a-2");
	deliver(rig, id, REPORT_SENT, 0);
	assert_string_equal(next(rig, "first", WALL_0 + 5000, &id), "");
	/* others were taken: what was refused once is asked about after a minute, not two hours */
	assert_int_equal(id, WALL_0 + MS_PER_MIN);
	assert_string_equal(next(rig, "first", WALL_0 + MS_PER_MIN, &id), "b-1");
	/* the clock was set back by a day: it must not wait for a day */
	assert_string_equal(next(rig, "first", WALL_0 - MS_PER_DAY, &id), "b-1");
	assert_int_equal((int)ask(rig, "SELECT http_status FROM outbox WHERE error = 'busy'"), 503);
}

/* "opened" of class limit waits; the emergency's update lifts it over all others */
static void test_outbox_raise_lane(void **state)
{
	struct rig *rig = *state;
	int64_t id;

	open_record(rig);
	add_report(rig, "b-1", "b", 0, 1);
	add_report(rig, "a-1", "a", 0, 1);
	add_report(rig, "a-1-second", "a", 1, 1);
	assert_int_equal(commit(rig), 0);
	assert_string_equal(next(rig, "first", WALL_0, &id), "b-1");
	add_report(rig, "a-2", "a", 0, 0);
	assert_int_equal(commit(rig), 0);
	assert_string_equal(next(rig, "first", WALL_0, &id), "a-1");
	deliver(rig, id, REPORT_SENT, 0);
	assert_string_equal(next(rig, "first", WALL_0, &id), "a-2");
	deliver(rig, id, REPORT_SENT, 0);
	assert_string_equal(next(rig, "first", WALL_0, &id), "b-1");
	assert_int_equal((int)ask(rig, "SELECT lane FROM outbox WHERE webhook_id = 'a-1-second'"),
			 1); /* another destination's, which got no emergency */
}

static void each_waiting(void *userdata, const char *destination, bool files, int64_t n)
{
	char *text = userdata;

	(void)sprintf(text + strlen(text), "%s%s %lld;", destination, files ? " files" : "",
		      (long long)n);
}

static const char *waiting(struct rig *rig, char *text)
{
	*text = '\0';
	assert_int_equal(record_waiting(rig->record, each_waiting, text), 0);
	return text;
}

static void test_waiting_and_release(void **state)
{
	struct rig *rig = *state;
	char text[256];
	int64_t id;

	open_record(rig);
	assert_string_equal(waiting(rig, text), "");
	add_report(rig, "a-1", "a", 0, 1);
	add_report(rig, "b-1", "b", 0, 1);
	assert_int_equal(commit(rig), 0);
	(void)next(rig, "first", WALL_0, &id);
	deliver(rig, id, REPORT_HELD, WALL_0 + 7200000);
	assert_string_equal(waiting(rig, text), "first 2;");
	assert_string_equal(next(rig, "first", WALL_0, &id), "b-1");
	assert_int_equal(record_release(rig->record, WALL_0), 0);
	assert_string_equal(next(rig, "first", WALL_0, &id), "a-1");
	deliver(rig, id, REPORT_SENT, 0);
	assert_string_equal(waiting(rig, text), "first 1;");
}

/* --- data files ------------------------------------------------------------------------ */

static void test_files_go_oldest_first(void **state)
{
	static const char *const wanted[] = {"file:a1", "file:b1", "file:a2", "file:b2"};
	struct rig *rig = *state;
	char text[256];
	int64_t id;

	open_record(rig);
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		add_report(rig, wanted[i], i % 2 ? "file:s/b" : "file:s/a", 0, 2);
	add_report(rig, "report", "a", 0, 0);
	assert_int_equal(commit(rig), 0);
	assert_string_equal(waiting(rig, text), "first 1;first files 4;");
	/* the destination was of the other kind once: neither takes the other's way */
	assert_string_equal(next(rig, "first", WALL_0, &id), "report");
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		assert_string_equal(next_file(rig, WALL_0, &id), wanted[i]);
		deliver(rig, id, REPORT_SENT, 0);
	}
	assert_string_equal(next_file(rig, WALL_0, &id), "");
	assert_string_equal(next(rig, "first", WALL_0, &id), "report");
}

/* its first attempt failed: it holds up its station, and nothing else; after one that is
 * delivered all that failed or was refused is due at once, but stays known as refused */
static void test_files_wait_and_go_on(void **state)
{
	struct rig *rig = *state;
	int64_t id, a, b;

	open_record(rig);
	add_report(rig, "file:a1", "file:s/a", 0, 2);
	add_report(rig, "file:b1", "file:s/b", 0, 2);
	add_report(rig, "file:c1", "file:s/c", 0, 2);
	add_report(rig, "file:a2", "file:s/a", 0, 2);
	add_report(rig, "r-1", "r", 1, 1);
	assert_int_equal(commit(rig), 0);
	(void)next(rig, "second", WALL_0, &id);
	deliver(rig, id, REPORT_HELD, WALL_0 + 7200000);
	assert_string_equal(next_file(rig, WALL_0, &a), "file:a1");
	deliver(rig, a, REPORT_PENDING, WALL_0 + 5000);
	assert_string_equal(next_file(rig, WALL_0, &b), "file:b1");
	deliver(rig, b, REPORT_HELD, WALL_0 + 7200000);
	/* 503 is what deliver() says, and no file's server does */
	change(rig, "UPDATE outbox SET http_status = 0");
	assert_string_equal(next_file(rig, WALL_0, &id), "file:c1");
	deliver(rig, id, REPORT_SENT, 0);
	assert_string_equal(next_file(rig, WALL_0, &id), "file:a1");
	deliver(rig, id, REPORT_SENT, 0);
	assert_string_equal(next_file(rig, WALL_0, &id), "file:b1");
	assert_string_equal(next(rig, "second", WALL_0, &id), ""); /* another's refusal stays */
	assert_int_equal((int)ask(rig, "SELECT count(*) FROM outbox WHERE state = 'held'"), 2);
}

/* the same window twice, as where the clock was set back: the first counts, sent or not */
static void test_a_file_is_never_made_twice(void **state)
{
	struct rig *rig = *state;
	int64_t id;

	open_record(rig);
	add_report(rig, "file:a1", "file:s/a", 0, 2);
	assert_int_equal(commit(rig), 0);
	for (int i = 0; i < 2; i++) {
		add_report(rig, "file:a1", "file:s/a", 0, 2);
		free(rig->batch.reports[0].body);
		rig->batch.reports[0].body = strdup("other");
		add_report(rig, "file:a1", "file:s/a", 0, 2); /* in one commit too */
		assert_int_equal(commit(rig), 0);
		assert_int_equal((int)ask(rig, "SELECT count(*) FROM outbox"), 1);
		if (i > 0)
			break;
		assert_string_equal(next_file(rig, WALL_0, &id), "file:a1"); /* its body too */
		deliver(rig, id, REPORT_SENT, 0);
	}
	assert_string_equal(next_file(rig, WALL_0, &id), ""); /* sent stays sent */
	/* a report's id that comes twice is our own mistake, and must not pass */
	add_report(rig, "r-1", "r", 0, 1);
	assert_int_equal(commit(rig), 0);
	add_report(rig, "r-1", "r", 0, 1);
	assert_int_equal(commit(rig), -EEXIST);
}

static const char *plan_of(struct rig *rig, const char *sql, char *plan, size_t n)
{
	sqlite3_stmt *statement = NULL;
	char text[2048];

	*plan = '\0';
	(void)snprintf(text, sizeof(text), "EXPLAIN QUERY PLAN %s", sql);
	if (sqlite3_prepare_v2(rig->record->db, text, -1, &statement, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(rig->record->db));
	while (sqlite3_step(statement) == SQLITE_ROW) {
		(void)strncat(plan, (const char *)sqlite3_column_text(statement, 3),
			      n - strlen(plan) - 1);
		(void)strncat(plan, "; ", n - strlen(plan) - 1);
	}
	(void)sqlite3_finalize(statement);
	return plan;
}

/*
 * faults: S15
 * What grows for years, or to a hundred thousand in an outage, must be found by an index and
 * never looked through. Every statement about the outbox has a row here. What goes over all that
 * waits (at a start, at a reload, when the clock is set) reads a partial index, nothing else.
 */
static void test_outbox_is_not_scanned(void **state)
{
	struct rig *rig = *state;
	static const struct {
		enum record_statement which;
		const char *index;
		bool over_all;
	} rows[] = {
		{RAISE_LANE, "outbox_queue (destination=? AND incident=?)", false},
		{REPLACED, "outbox_queue (destination=? AND incident=?)", false},
		{REPLACE, "outbox_queue (destination=? AND incident=?)", false},
		{SET_DELIVERY, "INTEGER PRIMARY KEY", false},
		{NEXT_JOB, "outbox_next (destination=? AND lane>? AND lane<?)", false},
		{NEXT_TIME, "outbox_retry (destination=? AND next_ms>?)", false},
		{WAITING, "COVERING INDEX outbox_queue", true},
		{RELEASE, "outbox_retry", true},
		{RELEASE_DESTINATION, "outbox_retry (destination=? AND next_ms>?)", false},
		{FIND_REPORT, "webhook_id=?", false},
		{COUNT_QUEUED, "COVERING INDEX outbox_", false},
		{COUNT_STOPPED, "outbox_aside (destination=? AND state=?)", false},
		{CHANGE_REPORT, "INTEGER PRIMARY KEY", false},
		{CHANGE_QUEUED, "outbox_queue (destination=?)", false},
		{CHANGE_STOPPED, "outbox_aside (destination=? AND state=?)", false},
	};
	char plan[2048];
	size_t n = 0;

	open_record(rig);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *sql = record_outbox_sql[rows[i].which];

		(void)plan_of(rig, sql, plan, sizeof(plan));
		if (!has(plan, rows[i].index) || has(plan, "TEMP B-TREE") ||
		    (has(plan, "SCAN") && !has(plan, "SCAN json_each") && !rows[i].over_all))
			fail_msg("%s: %s", sql, plan);
	}
	for (size_t i = 0; i < N_STATEMENTS; i++) /* the rest inserts, or is of destinations */
		n += record_outbox_sql[i] && has(record_outbox_sql[i], "outbox") &&
		     !has(record_outbox_sql[i], "INSERT");
	assert_int_equal(n, ARRAY_SIZE(rows));
	(void)plan_of(rig, record_sql[PRUNE_OUTBOX], plan, sizeof(plan));
	assert_true(has(plan, "outbox_sent (last_ms<?)"));
	assert_true(has(plan, "outbox_superseded (last_ms<?)"));
	(void)plan_of(rig, "SELECT id FROM outbox WHERE incident = 'a' ORDER BY id", plan,
		      sizeof(plan));
	assert_true(has(plan, "outbox_incident"));
}

static void add_update(struct rig *rig, const char *id)
{
	struct batch_report *report;

	add_report(rig, id, "a", 0, 1);
	report = &rig->batch.reports[rig->batch.n_reports - 1];
	free(report->type);
	free(report->body);
	report->type = strdup("incident.updated");
	report->body = strdup("{\"data\":{\"incident\":{\"state\":\"open\",\"update\":7}}}");
}

/* the newest of those that were never tried; what it stands for adds up */
static void test_updates_are_replaced(void **state)
{
	struct rig *rig = *state;

	open_record(rig);
	add_report(rig, "a-1", "a", 0, 1);
	add_update(rig, "a-2");
	assert_int_equal(commit(rig), 0);
	for (int i = 3; i < 6; i++) {
		char id[16];

		(void)snprintf(id, sizeof(id), "a-%d", i);
		add_update(rig, id);
		if (i == 4)
			add_update(rig, "a-4b"); /* in one commit, too */
		assert_int_equal(commit(rig), 0);
	}
	assert_int_equal(ask(rig, "SELECT count(*) FROM outbox WHERE state = 'superseded' AND"
				  " body = '' AND replaced_by IS NOT NULL"),
			 4);
	assert_int_equal(ask(rig, "SELECT skipped = 4 AND place = 2 AND body = '{\"data\":"
				  "{\"incident\":{\"skipped\":4,\"state\":\"open\","
				  "\"update\":7}}}' FROM outbox WHERE webhook_id = 'a-5'"),
			 1);
	assert_int_equal(ask(rig, "SELECT replaced_by = 'a-4b' FROM outbox"
				  " WHERE webhook_id = 'a-4'"),
			 1);
	/* one that is sent again, since its receiver has lost it, was sent */
	change(rig, "UPDATE outbox SET last_ms = 5 WHERE webhook_id = 'a-5'");
	add_update(rig, "a-6");
	assert_int_equal(commit(rig), 0);
	assert_int_equal(ask(rig, "SELECT count(*) FROM outbox WHERE state = 'pending'"), 3);
	/* a body that cannot be told what it stands for stands for itself alone */
	add_update(rig, "a-7");
	free(rig->batch.reports[0].body);
	rig->batch.reports[0].body = strdup("{broken");
	assert_int_equal(commit(rig), 0);
	assert_int_equal(ask(rig, "SELECT count(*) FROM outbox WHERE state = 'pending'"), 4);
}

static void set_now(struct rig *rig, int64_t ms)
{
	rig->commit.now = (struct stamp){MONO_0 + ms, WALL_0 + ms};
}

/* what was sent goes after the retention and a day; what was not stays for ever */
static void test_outbox_is_pruned(void **state)
{
	struct rig *rig = *state;
	int64_t id, day = MS_PER_DAY;

	open_record(rig);
	add_report(rig, "a-1", "a", 0, 1);
	add_report(rig, "b-1", "b", 0, 1);
	add_report(rig, "c-1", "c", 0, 1);
	assert_int_equal(commit(rig), 0);
	(void)next(rig, "first", WALL_0, &id);
	deliver(rig, id, REPORT_SENT, 0); /* at WALL_0 */
	(void)next(rig, "first", WALL_0, &id);
	deliver(rig, id, REPORT_HELD, 0);
	set_now(rig, 61 * day);
	assert_int_equal(commit(rig), 0);
	assert_int_equal((int)ask(rig, "SELECT count(*) FROM outbox"), 3);
	set_now(rig, 61 * day + MS_PER_MIN);
	assert_int_equal(commit(rig), 0);
	assert_int_equal((int)ask(rig, "SELECT count(*) FROM outbox"), 2);
	assert_int_equal((int)ask(rig, "SELECT count(*) FROM outbox WHERE state = 'sent'"), 0);
	set_now(rig, 36500 * day);
	assert_int_equal(commit(rig), 0);
	assert_int_equal((int)ask(rig, "SELECT count(*) FROM outbox"), 2);
}

/* one commit prunes a bounded number */
static void test_outbox_is_pruned_bit_by_bit(void **state)
{
	struct rig *rig = *state;

	open_record(rig);
	for (int i = 0; i < 250; i++) {
		char id[32];

		(void)snprintf(id, sizeof(id), "id-%d", i);
		add_report(rig, id, "i", 0, 1);
	}
	assert_int_equal(commit(rig), 0);
	rig->record = record_close(rig->record);
	change(rig, "UPDATE outbox SET state = 'sent', last_ms = 1795528800000 + id");
	open_record(rig);
	for (int i = 0; i < 4; i++) {
		static const int left[] = {150, 50, 0, 0};

		set_now(rig, 70 * MS_PER_DAY + i * MS_PER_MIN);
		assert_int_equal(commit(rig), 0);
		assert_int_equal((int)ask(rig, "SELECT count(*) FROM outbox"), left[i]);
	}
}

static void test_a_lock_is_waited_for(void **state)
{
	struct rig *rig = *state;
	sqlite3_stmt *statement = NULL;

	open_record(rig);
	assert_int_equal(
		sqlite3_prepare_v2(rig->record->db, "PRAGMA busy_timeout", -1, &statement, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(statement, 0), 5000);
	(void)sqlite3_finalize(statement);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(test_create),
		TEST(test_round_trip),
		TEST(test_second_instance),
		TEST(test_files_go_oldest_first),
		TEST(test_files_wait_and_go_on),
		TEST(test_a_file_is_never_made_twice),
		TEST(test_newer_version),
		TEST(test_tables_of_somebody_else),
		TEST(test_tables_changed_meanwhile),
		TEST(test_tables_may_be_vacuumed),
		TEST(test_closing),
		TEST(test_no_directory),
		TEST(test_read_only_directory),
		TEST(test_no_record),
		TEST(test_damaged),
		TEST(test_cut_off),
		TEST(test_damaged_contents),
		TEST(test_entries),
		TEST(test_all_or_nothing),
		TEST(test_entry_number_twice),
		TEST(test_out_of_memory),
		TEST(test_read_back),
		TEST(test_read_back_other_bytes),
		TEST(test_fixed_as_it_was_made),
		TEST(test_acks),
		TEST(test_windows_state),
		TEST(test_bind),
		TEST(test_outbox_order),
		TEST(test_outbox_waits),
		TEST(test_outbox_raise_lane),
		TEST(test_waiting_and_release),
		TEST(test_outbox_is_not_scanned),
		TEST(test_updates_are_replaced),
		TEST(test_outbox_is_pruned),
		TEST(test_outbox_is_pruned_bit_by_bit),
		TEST(test_a_lock_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
