/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "core/record.h"
#include "core/record_minute.h"
#include "core/sqlite.h"

#define TEXT_OF(x)   #x
#define NUMBER_OF(x) TEXT_OF(x)

/*
 * Version by version: a record of version n is brought to n + 1 by the n-th text.
 * Minute rows are written time-major: a (channel, time) key would rewrite one page per
 * channel and minute. record_minute.h says where a row lies.
 */
static const char *const steps[RECORD_VERSION] = {
	"PRAGMA application_id = 1465340466;" /* "WWR2" */
	"CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
	"INSERT INTO meta VALUES('log_id', lower(hex(randomblob(8))));"
	"CREATE TABLE entry(seq INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL,"
	" type TEXT NOT NULL, incident TEXT, line TEXT NOT NULL, hash BLOB NOT NULL);"
	"CREATE INDEX entry_incident ON entry(incident, seq) WHERE incident IS NOT NULL;"
	"CREATE TABLE head(id INTEGER PRIMARY KEY CHECK(id = 1), seq INTEGER NOT NULL,"
	" hash BLOB NOT NULL, note TEXT NOT NULL, signature BLOB);"
	"CREATE TABLE state(id INTEGER PRIMARY KEY CHECK(id = 1), core BLOB NOT NULL,"
	" mono_base_ms INTEGER NOT NULL, mono_ms INTEGER NOT NULL, wall_ms INTEGER NOT NULL,"
	" boot_id BLOB NOT NULL);"
	"CREATE TABLE poller(instance INTEGER PRIMARY KEY, seq INTEGER NOT NULL,"
	" wall_ms INTEGER NOT NULL);"
	"CREATE TABLE channel(id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE,"
	" unit TEXT NOT NULL);"
	"CREATE TABLE minute(t INTEGER NOT NULL, channel INTEGER NOT NULL, mean REAL, min REAL,"
	" max REAL, n INTEGER NOT NULL, capture INTEGER NOT NULL, valid INTEGER NOT NULL,"
	" quality INTEGER NOT NULL, PRIMARY KEY(t, channel)) WITHOUT ROWID;"
	"CREATE TABLE incident(id TEXT PRIMARY KEY, site TEXT NOT NULL, kind TEXT NOT NULL,"
	" class TEXT NOT NULL, state TEXT NOT NULL, opened_ms INTEGER NOT NULL,"
	" ended_ms INTEGER, first_out TEXT, n_updates INTEGER NOT NULL,"
	" n_alarms INTEGER NOT NULL, summary TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX incident_opened ON incident(opened_ms);"
	"CREATE TABLE alarm(path TEXT PRIMARY KEY, raised INTEGER NOT NULL,"
	" since_ms INTEGER NOT NULL, changed_ms INTEGER NOT NULL, value TEXT NOT NULL,"
	" incident TEXT) WITHOUT ROWID;"
	"CREATE TABLE outbox(id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" webhook_id TEXT NOT NULL UNIQUE, destination TEXT NOT NULL, incident TEXT NOT NULL,"
	" type TEXT NOT NULL, lane INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
	" body TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'pending',"
	" attempts INTEGER NOT NULL DEFAULT 0, next_ms INTEGER NOT NULL DEFAULT 0,"
	" last_ms INTEGER, http_status INTEGER, error TEXT);"
	"CREATE INDEX outbox_waiting ON outbox(destination, lane, id) WHERE state <> 'sent';"
	"CREATE INDEX outbox_incident ON outbox(incident, destination, id);",
	"CREATE TABLE windows(id INTEGER PRIMARY KEY CHECK(id = 1), core BLOB NOT NULL);"
	/* 0: not known; a column with a constant default rewrites no row */
	"ALTER TABLE minute ADD COLUMN expected INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE channel ADD COLUMN interval_ms INTEGER NOT NULL DEFAULT 0;"
	"CREATE TABLE minute_packed(channel INTEGER NOT NULL, t INTEGER NOT NULL, mean REAL,"
	" min REAL, max REAL, n INTEGER NOT NULL, capture INTEGER NOT NULL,"
	" valid INTEGER NOT NULL, quality INTEGER NOT NULL, expected INTEGER NOT NULL,"
	" PRIMARY KEY(channel, t)) WITHOUT ROWID;"
	"CREATE TABLE upkeep(id INTEGER PRIMARY KEY CHECK(id = 1), packed_t INTEGER NOT NULL,"
	" packed_channel INTEGER NOT NULL, rest_until_ms INTEGER NOT NULL);"
	"INSERT INTO upkeep VALUES(1, 0, 0, 0);"
	"CREATE VIEW minutes AS"
	" SELECT " MINUTE_COLUMNS " FROM minute_packed"
	" UNION ALL SELECT " MINUTE_COLUMNS " FROM minute"
	" WHERE t >= (SELECT packed_t FROM upkeep) + CASE WHEN channel <="
	" (SELECT packed_channel FROM upkeep) THEN " NUMBER_OF(
		RECORD_PACK_MIN) " ELSE 0 END;"
				 "CREATE INDEX outbox_sent ON outbox(last_ms) WHERE state = "
				 "'sent';"
				 /* ten days of thirty stations' files may wait: what is asked every
				  * second must not walk through them; what is asked by people walks
				  * through an index only */
				 "CREATE INDEX outbox_heads ON outbox(destination, incident, id, "
				 "lane, state, created_ms)"
				 " WHERE state <> 'sent';"
				 "CREATE INDEX outbox_retry ON outbox(destination, next_ms) WHERE "
				 "state <> 'sent'"
				 " AND next_ms > 0;"
				 "DROP INDEX outbox_waiting;",
	/* a person closes an incident; what ended before there was closing waits for it, too */
	"ALTER TABLE incident ADD COLUMN level TEXT NOT NULL DEFAULT 'facility';"
	"ALTER TABLE incident ADD COLUMN verdict TEXT NOT NULL DEFAULT 'none';"
	"ALTER TABLE incident ADD COLUMN acknowledged_ms INTEGER;"
	"ALTER TABLE incident ADD COLUMN acknowledged_by TEXT;"
	"ALTER TABLE incident ADD COLUMN closed_ms INTEGER;"
	"ALTER TABLE incident ADD COLUMN closed_by TEXT;"
	"ALTER TABLE incident ADD COLUMN cause TEXT;"
	"ALTER TABLE incident ADD COLUMN measures TEXT;"
	"ALTER TABLE incident ADD COLUMN told TEXT NOT NULL DEFAULT '';"
	"UPDATE incident SET told = coalesce((SELECT group_concat(destination, ' ') || ' ' FROM"
	" (SELECT DISTINCT destination FROM outbox WHERE outbox.incident = incident.id)), '');"
	"CREATE INDEX incident_unclosed ON incident(opened_ms) WHERE state <> 'closed';"
	"ALTER TABLE alarm ADD COLUMN condition TEXT NOT NULL DEFAULT 'normal';"
	"ALTER TABLE alarm ADD COLUMN acknowledged_ms INTEGER;"
	"ALTER TABLE alarm ADD COLUMN acknowledged_by TEXT;"
	"ALTER TABLE alarm ADD COLUMN shelved_until_ms INTEGER;" /* NULL: it is not */
	"ALTER TABLE alarm ADD COLUMN shelved_by TEXT;"
	"ALTER TABLE alarm ADD COLUMN shelved_reason TEXT;"
	"ALTER TABLE alarm ADD COLUMN one_shot INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE alarm ADD COLUMN out_of_service INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE alarm ADD COLUMN out_until_ms INTEGER;"
	"ALTER TABLE alarm ADD COLUMN out_by TEXT;"
	"ALTER TABLE alarm ADD COLUMN out_reason TEXT;"
	"ALTER TABLE alarm ADD COLUMN suppressed INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE alarm ADD COLUMN held INTEGER NOT NULL DEFAULT 0;"
	"UPDATE alarm SET condition = 'unacknowledged' WHERE raised;",
	/* what drills leave behind: nothing of it is real, so it stands apart */
	"CREATE TABLE drill_incident(id TEXT PRIMARY KEY, site TEXT NOT NULL, kind TEXT NOT NULL,"
	" class TEXT NOT NULL, state TEXT NOT NULL, opened_ms INTEGER NOT NULL,"
	" ended_ms INTEGER, first_out TEXT, n_updates INTEGER NOT NULL,"
	" n_alarms INTEGER NOT NULL, summary TEXT NOT NULL, level TEXT NOT NULL,"
	" verdict TEXT NOT NULL, acknowledged_ms INTEGER, acknowledged_by TEXT,"
	" told TEXT NOT NULL, closed_ms INTEGER, closed_by TEXT, cause TEXT, measures TEXT)"
	" WITHOUT ROWID;"
	"CREATE INDEX drill_incident_open ON drill_incident(id) WHERE state = 'open';"
	"CREATE TABLE drill(site TEXT PRIMARY KEY, scenario BLOB NOT NULL, state BLOB NOT NULL,"
	" windows BLOB NOT NULL);"
	"CREATE TABLE drill_site(site TEXT PRIMARY KEY, counted_ms INTEGER NOT NULL,"
	" said_ms INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE INDEX entry_drill ON entry(seq) WHERE type IN ('drill.started', 'drill.stopped');",
	/* the head of every commit, so that what is handed out may end at any of them */
	"CREATE TABLE signed_head(seq INTEGER PRIMARY KEY, note TEXT NOT NULL,"
	" signature BLOB NOT NULL);"
	"INSERT INTO signed_head SELECT seq, note, signature FROM head"
	" WHERE signature IS NOT NULL;"
	/* the journal has all entries up to this one; what an older version wrote it has sent */
	"CREATE TABLE journal(id INTEGER PRIMARY KEY CHECK(id = 1), seq INTEGER NOT NULL);"
	"INSERT INTO journal SELECT 1, coalesce(max(seq), 0) FROM entry;"
	/* what the chain says of itself, found without reading all of it: record_chain.c */
	"CREATE INDEX entry_chain ON entry(seq) WHERE type IN (" RECORD_OF_CHAIN ");"
	/* The outbox: whose turn it is stands in the row, so that the next report is found by one
	 * step of an index, however many wait. Triggers keep that, whoever changes a state. */
	"ALTER TABLE outbox ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;"    /* 1: the oldest of its
									       incident that waits */
	"ALTER TABLE outbox ADD COLUMN place INTEGER NOT NULL DEFAULT 0;"   /* in the queue */
	"ALTER TABLE outbox ADD COLUMN skipped INTEGER NOT NULL DEFAULT 0;" /* updates that it
									       stands for */
	"ALTER TABLE outbox ADD COLUMN replaced_by TEXT;"
	"ALTER TABLE outbox ADD COLUMN changed_ms INTEGER;" /* by a person */
	"ALTER TABLE outbox ADD COLUMN changed_by TEXT;"
	"ALTER TABLE outbox ADD COLUMN reason TEXT;"
	"UPDATE outbox SET place = id;"
	"UPDATE outbox SET turn = 1 WHERE id IN (SELECT min(id) FROM outbox WHERE state <> 'sent'"
	" GROUP BY destination, incident);"
	"DROP INDEX outbox_heads;"
	"DROP INDEX outbox_retry;"
	"CREATE INDEX outbox_queue ON outbox(destination, incident, id, lane, state, created_ms)"
	" WHERE state IN ('pending', 'held');"
	"CREATE INDEX outbox_retry ON outbox(destination, next_ms)"
	" WHERE state IN ('pending', 'held') AND next_ms > 0;"
	"CREATE UNIQUE INDEX outbox_turns ON outbox(destination, incident) WHERE turn = 1;"
	"CREATE INDEX outbox_next ON outbox(destination, lane, place, next_ms) WHERE turn = 1;"
	"CREATE INDEX outbox_superseded ON outbox(last_ms, destination)"
	" WHERE state = 'superseded';"
	"CREATE INDEX outbox_aside ON outbox(destination, state, id)"
	" WHERE state IN ('stopped', 'abandoned');"
	"CREATE TRIGGER outbox_added AFTER INSERT ON outbox BEGIN"
	" UPDATE outbox SET place = CASE WHEN place = 0 THEN id ELSE place END,"
	"  turn = state IN ('pending', 'held') AND NOT EXISTS (SELECT 1 FROM outbox AS o"
	"  WHERE o.destination = new.destination AND o.incident = new.incident AND o.turn = 1)"
	"  WHERE id = new.id;"
	"END;"
	"CREATE TRIGGER outbox_changed AFTER UPDATE OF state ON outbox"
	" WHEN old.state <> new.state BEGIN"
	" UPDATE outbox SET turn = 0 WHERE destination = new.destination"
	"  AND incident = new.incident AND turn = 1;"
	" UPDATE outbox SET turn = 1 WHERE id = (SELECT id FROM outbox"
	"  WHERE destination = new.destination AND incident = new.incident"
	"  AND state IN ('pending', 'held') ORDER BY id LIMIT 1);"
	"END;"
	/* only those that a receiver has paused; url: a hash of the one that it had then */
	"CREATE TABLE destination(name TEXT PRIMARY KEY, url INTEGER NOT NULL,"
	" paused_ms INTEGER NOT NULL, reason TEXT NOT NULL) WITHOUT ROWID;"
	/* what each destination's receiver has said that it holds: see anchor.h */
	"CREATE TABLE anchor(destination TEXT PRIMARY KEY, log_id TEXT NOT NULL,"
	" seq INTEGER NOT NULL, hash BLOB NOT NULL, at_ms INTEGER NOT NULL, said TEXT NOT NULL,"
	" unseen INTEGER NOT NULL, wanted_seq INTEGER NOT NULL, again_from INTEGER NOT NULL,"
	" again_to INTEGER NOT NULL, round_ms INTEGER NOT NULL, renewed_ms INTEGER NOT NULL,"
	" clock_ms INTEGER, clock_said INTEGER NOT NULL) WITHOUT ROWID;"
	/* The entry that fixes a row, see record_fix.c; NULL within a transaction only, 0 none
	 * does: it is of an older version. */
	"ALTER TABLE outbox ADD COLUMN fixed INTEGER DEFAULT 0;"
	"ALTER TABLE outbox ADD COLUMN replaced_fixed INTEGER;" /* the one that says so */
	"CREATE INDEX outbox_unfixed ON outbox(id) WHERE fixed IS NULL;"
	"CREATE INDEX entry_fixed ON entry(seq) WHERE type = 'reports.fixed';"
	"CREATE INDEX outbox_anchor ON outbox(destination, id, webhook_id, lane)"
	" WHERE state = 'sent';",
};

int sqlite_errno(int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_CANTOPEN:
		return -ENOENT;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EBADMSG;
	case SQLITE_CONSTRAINT:
		return -EEXIST;
	default:
		return -EIO;
	}
}

/* what the system said last of the files: SQLite's own note is of its last call, which may have
 * come later than the one that failed */
static int system_error(sqlite3 *db)
{
	static const int pointers[] = {SQLITE_FCNTL_FILE_POINTER, SQLITE_FCNTL_JOURNAL_POINTER};
	int error = sqlite3_system_errno(db);

	for (size_t i = 0; db && i < ARRAY_SIZE(pointers); i++) { /* NULL: no memory to open it */
		sqlite3_file *file = NULL;
		int last = 0;

		(void)sqlite3_file_control(db, "main", pointers[i], &file);
		if (!file || !file->pMethods || !file->pMethods->xFileControl || /* in memory */
		    file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &last) != SQLITE_OK)
			continue;
		if (last == ENOSPC || last == EDQUOT || last == EROFS)
			error = last;
	}
	return error;
}

int sqlite_failure(sqlite3 *db, int code)
{
	int extended = sqlite3_extended_errcode(db), system = system_error(db);

	if (extended == SQLITE_IOERR_FSYNC || extended == SQLITE_IOERR_DIR_FSYNC)
		return -EIO;
	/* SQLite says "full" of ENOSPC in a write only; files beside the record grow, too */
	if (((code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN) &&
	    (system == ENOSPC || system == EDQUOT || system == EROFS))
		return -system;
	return sqlite_errno(code);
}

const char *sqlite_text(sqlite3_stmt *statement, int column)
{
	const char *text = (const char *)sqlite3_column_text(statement, column);

	return text ? text : "";
}

sqlite3_stmt *sqlite_finalize(sqlite3_stmt *statement)
{
	(void)sqlite3_finalize(statement); /* repeats the code of the last step */
	return NULL;
}

static int read_number(sqlite3 *db, const char *sql, int *ret)
{
	CLEANUP(sqlite_finalize) sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code != SQLITE_ROW)
		return sqlite_failure(db, code) < 0 ? sqlite_failure(db, code) : -EIO;
	*ret = sqlite3_column_int(statement, 0);
	return 0;
}

/*
 * The names of database and log are on disk, too. SQLite syncs the directory when it makes a
 * file, but does not look at the result (unixSync() in os_unix.c).
 */
int record_sync_directory(const char *directory)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = fsync(fd) < 0 ? -errno : 0;
	(void)close(fd);
	return r;
}

/* a database of somebody else's that came to lie here must not be made into a record */
int record_check_owner(sqlite3 *db)
{
	int application = 0, n_tables = 0;
	int r = read_number(db, "PRAGMA application_id", &application);

	if (r == 0 && application != RECORD_APPLICATION)
		r = read_number(db, "SELECT count(*) FROM sqlite_schema", &n_tables);
	return r < 0 ? r : n_tables > 0 ? -EBADMSG : 0;
}

static int run(sqlite3 *db, const char *sql)
{
	int code = sqlite3_exec(db, sql, NULL, NULL, NULL);

	return code == SQLITE_OK ? 0 : sqlite_failure(db, code);
}

int record_version(sqlite3 *db, int *ret)
{
	return read_number(db, "PRAGMA user_version", ret);
}

int record_migrate(sqlite3 *db)
{
	return record_migrate_to(db, RECORD_VERSION);
}

int record_migrate_to(sqlite3 *db, int to)
{
	char set_version[64];
	int version = 0, r = read_number(db, "PRAGMA user_version", &version);

	if (r < 0)
		return r;
	if (version > to || to > RECORD_VERSION)
		return -ENOTSUP;
	if (version == to)
		return 0;
	r = run(db, "BEGIN IMMEDIATE");
	for (; r == 0 && version < to; version++)
		r = run(db, steps[version]);
	(void)snprintf(set_version, sizeof(set_version), "PRAGMA user_version = %d", to);
	if (r == 0)
		r = run(db, set_version);
	if (r == 0)
		r = run(db, "COMMIT");
	return r; /* after an error the database is closed, which rolls back and keeps the words */
}
