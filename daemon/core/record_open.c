/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record's files: are they fit to be opened, and what can be done where they cannot be
 * written.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/record.h"
#include "core/record_statements.h"

bool record_is_full(int r)
{
	return r == -ENOSPC || r == -EDQUOT || r == -EROFS;
}

__attribute__((format(printf, 3, 4))) static int refuse(int r, char error[static RECORD_ERROR_MAX],
							const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(error, RECORD_ERROR_MAX, format, ap);
	va_end(ap);
	return r;
}

/* --- what lies there ------------------------------------------------------------------ */

static int check_owner(const char *path, const struct stat *status, char *error)
{
	unsigned int mode = status->st_mode & 07777U;

	if (status->st_uid != geteuid())
		return refuse(
			-EPERM, error,
			"%.200s belongs to user %u, and this service runs as user %u; give it "
			"back with chown, or start the service as that user; nothing was changed",
			path, status->st_uid, geteuid());
	if (mode & (S_ISDIR(status->st_mode) ? 02U : 022U))
		return refuse(-EPERM, error,
			      "%.200s may be written by others (mode %04o), so nobody could trust "
			      "it; look who did that, then: chmod %s; nothing was changed",
			      path, mode, S_ISDIR(status->st_mode) ? "0750" : "0640");
	return 0;
}

/* Return: 1 it is there; 0 it is not; -errno refused */
static int check_file(const char *directory, const char *name, char *error)
{
	struct stat status;
	char path[4200];

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	if (lstat(path, &status) < 0)
		return errno == ENOENT ? 0
				       : refuse(-errno, error, "cannot look at %.200s: %s", path,
						strerror(errno));
	if (S_ISLNK(status.st_mode))
		return refuse(-EPERM, error,
			      "%.200s is a symbolic link and is not followed; put the file itself "
			      "there, or give --state the directory it is in; nothing was changed",
			      path);
	if (!S_ISREG(status.st_mode))
		return refuse(-EPERM, error,
			      "%.200s is no regular file; move it away; nothing was changed", path);
	return check_owner(path, &status, error) < 0 ? -EPERM : 1;
}

static int check_directory(const char *directory, char *error)
{
	struct stat status;

	if (stat(directory, &status) < 0)
		return refuse(
			-errno, error,
			"the directory of the record, %.200s, cannot be used: %s; make it, or "
			"give --state another",
			directory, strerror(errno));
	if (!S_ISDIR(status.st_mode))
		return refuse(-ENOTDIR, error,
			      "%.200s is no directory; give --state the directory of the record",
			      directory);
	return check_owner(directory, &status, error);
}

static int check_files(const char *directory, char *error)
{
	int r = check_directory(directory, error), has_record, has_log;

	if (r < 0)
		return r;
	has_record = check_file(directory, RECORD_FILE, error);
	has_log = has_record < 0 ? has_record : check_file(directory, RECORD_FILE "-wal", error);
	if (has_log < 0)
		return has_log;
	r = check_file(directory, RECORD_FILE "-shm", error);
	if (r >= 0)
		r = check_file(directory, "record.lock", error);
	if (r < 0)
		return r;
	/* SQLite would delete the log, and with it what was committed last */
	if (!has_record && has_log)
		return refuse(
			-ENOENT, error,
			"%.160s/" RECORD_FILE " is missing, but " RECORD_FILE
			"-wal, which may hold its last entries, is there; put the record or a "
			"backup of it back, or move all of " RECORD_FILE
			"-* away to begin a new one; nothing was changed",
			directory);
	return 0;
}

/* --- locks ----------------------------------------------------------------------------- */

/* Both are gone with the process, whatever ends it. The one on the directory needs neither room
 * nor a file system that can be written; the other one is what older versions know. */
static int lock_directory(struct record *record)
{
	record->directory_lock = open(record->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (record->directory_lock < 0)
		return -errno;
	if (flock(record->directory_lock, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	return 0;
}

static int lock_file(struct record *record)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char path[4200];

	(void)snprintf(path, sizeof(path), "%s/record.lock", record->directory);
	record->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (record->lock < 0)
		return -errno;
	if (fcntl(record->lock, F_OFD_SETLK, &whole) < 0)
		return errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
	return 0;
}

/* --- the database ------------------------------------------------------------------------ */

/* As SQLite's own, which forgets what came of it. What a failed fsync has not written is not
 * written by the next one either: then the log must not be begun anew. */
static int on_commit(void *userdata, sqlite3 *db, const char *name, int n_pages)
{
	struct record *record = userdata;
	int code;

	if (n_pages < RECORD_CHECKPOINT_PAGES)
		return SQLITE_OK;
	code = sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	if (code != SQLITE_OK && (code & 0xff) == SQLITE_IOERR &&
	    !record_is_full(sqlite_failure(db, code)))
		record->checkpoint = code;
	return SQLITE_OK;
}

static int set_up(struct record *record)
{
	static const char *const pragmas[] = {
		"PRAGMA journal_mode = WAL",	 "PRAGMA synchronous = FULL",
		"PRAGMA wal_autocheckpoint = 0", "PRAGMA journal_size_limit = 16777216",
		"PRAGMA trusted_schema = OFF",	 "PRAGMA cache_size = -800",
		"PRAGMA temp_store = MEMORY",
	};
	int keep = 1, version = 0, r;

	/* a reader that holds a lock for a moment is waited for, within the watchdog's time */
	(void)sqlite3_busy_timeout(record->db, 5000);
	r = record_check_owner(record->db);
	if (r == 0)
		r = record_version(record->db, &version);
	if (r == 0 && version > RECORD_VERSION)
		r = -ENOTSUP;
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(pragmas); i++) {
		int code = sqlite3_exec(record->db, pragmas[i], NULL, NULL, NULL);

		if (code != SQLITE_OK)
			return record_failed(record, code);
	}
	(void)sqlite3_wal_hook(record->db, on_commit, record);
	/* the WAL stays on a clean stop, so that read-only users can open the record */
	(void)sqlite3_file_control(record->db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
	return record_migrate(record->db);
}

static int open_file(struct record *record, int flags)
{
	char path[4200];
	int code;

	(void)snprintf(path, sizeof(path), "%s/" RECORD_FILE, record->directory);
	code = sqlite3_open_v2(path, &record->db, flags | SQLITE_OPEN_NOFOLLOW, NULL);
	if (code != SQLITE_OK)
		return record_failed(record, code);
	/* SQLite opens what cannot be written for reading, without a word */
	if ((flags & SQLITE_OPEN_READWRITE) && sqlite3_db_readonly(record->db, "main") == 1) {
		int r = access(path, W_OK) < 0 && errno == EROFS ? -EROFS : -EACCES;

		(void)snprintf(record->error, sizeof(record->error), "%s", strerror(-r));
		return r;
	}
	return 0;
}

static int open_writable(struct record *record)
{
	char path[4200];
	int r = lock_file(record);

	if (r == 0)
		r = open_file(record, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
	if (r == 0)
		r = set_up(record);
	if (r < 0) {
		if (record->db && sqlite3_errcode(record->db) != SQLITE_OK && !*record->error)
			(void)record_failed(record, sqlite3_errcode(record->db));
		return r;
	}
	(void)snprintf(path, sizeof(path), "%s/" RECORD_FILE, record->directory);
	(void)chmod(path, 0640); /* for the group to read; the directory guards it anyway */
	return 0;
}

static void explain(const struct record *record, int r, char error[static RECORD_ERROR_MAX])
{
	int version = 0;

	if (r == -EBUSY)
		(void)refuse(r, error,
			     "another wastewatchd has the record in %.200s; stop it first, or give "
			     "this one a --state of its own",
			     record->directory);
	else if (r == -ENOTSUP && record_version(record->db, &version) == 0)
		(void)refuse(
			r, error,
			"the record in %.200s was written by a newer wastewatch (record version "
			"%d, this one knows up to %d); install that version again, or restore a "
			"backup made before the upgrade; nothing was changed",
			record->directory, version, RECORD_VERSION);
	else
		(void)refuse(r, error,
			     "cannot open the record in %.200s: %.80s; nothing was changed",
			     record->directory,
			     *record->error  ? record->error
			     : r == -EBADMSG ? "record.db there is of another program"
					     : strerror(-r));
}

static struct record *make(const char *directory)
{
	struct record *record = calloc(1, sizeof(*record));

	if (!record)
		return NULL;
	record->lock = record->directory_lock = -1;
	(void)snprintf(record->directory, sizeof(record->directory), "%s", directory);
	return record;
}

int record_open(struct record **ret, const char *directory, char error[static RECORD_ERROR_MAX])
{
	CLEANUP(record_close) struct record *record = make(directory);
	int r;

	*error = '\0';
	if (!record)
		return refuse(-ENOMEM, error, "out of memory");
	r = check_files(directory, error);
	if (r == 0)
		r = lock_directory(record);
	if (r == 0)
		r = open_writable(record);
	if (r < 0) {
		if (!*error)
			explain(record, r, error);
		return r;
	}
	*ret = steal(&record);
	return 0;
}

static void close_database(struct record *record)
{
	for (size_t i = 0; i < N_STATEMENTS; i++) {
		(void)sqlite3_finalize(record->statements[i]);
		record->statements[i] = NULL;
	}
	(void)sqlite3_close(record->db);
	record->db = NULL;
	if (record->lock >= 0)
		(void)close(record->lock);
	record->lock = -1;
}

struct record *record_close(struct record *record)
{
	if (!record)
		return NULL;
	close_database(record);
	if (record->directory_lock >= 0)
		(void)close(record->directory_lock);
	free(record->channels);
	free(record->by_id);
	free(record);
	return NULL;
}

/* --- where it cannot be written ----------------------------------------------------------- */

static int open_read_only(struct record *record)
{
	int version = 0, r = open_file(record, SQLITE_OPEN_READONLY);

	if (r < 0)
		return r;
	(void)sqlite3_busy_timeout(record->db, 5000);
	r = sqlite_errno(sqlite3_exec(record->db,
				      "PRAGMA query_only = ON; PRAGMA trusted_schema = OFF;"
				      "PRAGMA temp_store = MEMORY",
				      NULL, NULL, NULL));
	if (r == 0)
		r = record_check_owner(record->db);
	if (r == 0)
		r = record_version(record->db, &version);
	if (r == 0 && version != RECORD_VERSION)
		r = -ENOTSUP;
	return r;
}

/* what every version has: whose chain it is, and where it ends */
static int copy_end(sqlite3 *from, sqlite3 *to)
{
	static const struct {
		const char *read, *write;
		int n;
	} copies[] = {
		{"SELECT value FROM meta WHERE key = 'log_id'",
		 "UPDATE meta SET value = ?1 WHERE key = 'log_id'", 1},
		{"SELECT seq, time_ms, type, line, hash FROM entry ORDER BY seq DESC LIMIT 1",
		 "INSERT INTO entry(seq, time_ms, type, line, hash) VALUES(?1, ?2, ?3, ?4, ?5)", 5},
	};
	int code = SQLITE_OK;

	for (size_t i = 0; i < ARRAY_SIZE(copies) && code == SQLITE_OK; i++) {
		sqlite3_stmt *read = NULL, *write = NULL;

		code = sqlite3_prepare_v2(from, copies[i].read, -1, &read, NULL);
		if (code == SQLITE_OK)
			code = sqlite3_prepare_v2(to, copies[i].write, -1, &write, NULL);
		if (code == SQLITE_OK && sqlite3_step(read) == SQLITE_ROW) {
			for (int at = 0; at < copies[i].n; at++)
				(void)sqlite3_bind_value(write, at + 1,
							 sqlite3_column_value(read, at));
			code = sqlite3_step(write) == SQLITE_DONE ? SQLITE_OK : SQLITE_ERROR;
		}
		(void)sqlite3_finalize(read);
		(void)sqlite3_finalize(write);
	}
	return code == SQLITE_OK ? 0 : -EIO;
}

/* an empty one in memory; @past: what could be opened, NULL nothing */
static int open_absent(struct record *record, sqlite3 *past)
{
	int code = sqlite3_open_v2(":memory:", &record->db,
				   SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
	int r = code == SQLITE_OK ? record_migrate(record->db) : record_failed(record, code);

	if (r == 0 && past)
		(void)copy_end(past, record->db); /* else record_reopen() sees the difference */
	return r;
}

int record_open_degraded(struct record **ret, const char *directory, int why,
			 char error[static RECORD_ERROR_MAX])
{
	CLEANUP(record_close) struct record *record = make(directory);
	sqlite3 *past;
	int r;

	if (!record)
		return refuse(-ENOMEM, error, "out of memory");
	record->why = why;
	r = lock_directory(record);
	if (r == 0) {
		(void)lock_file(record); /* where it can be: it keeps older versions out */
		record->mode = RECORD_READ_ONLY;
		r = open_read_only(record);
		if (r < 0) {
			past = record->db;
			record->mode = RECORD_ABSENT;
			r = open_absent(record, past);
			(void)sqlite3_close(past);
		}
	}
	if (r < 0) {
		explain(record, r, error);
		return r;
	}
	*ret = steal(&record);
	return 0;
}

static int take_text(sqlite3 *db, const char *sql, char *text, size_t n)
{
	CLEANUP(sqlite_finalize) sqlite3_stmt *statement = NULL;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK ||
	    sqlite3_step(statement) != SQLITE_ROW)
		return -EIO;
	(void)snprintf(text, n, "%s", sqlite_text(statement, 0));
	return 0;
}

/* a record that has just been made goes by the name that this run has given to its entries */
static int give_name(const struct record *record, struct record *fresh)
{
	char sql[128], log_id[32];
	int r = take_text(record->db, "SELECT value FROM meta WHERE key = 'log_id'", log_id,
			  sizeof(log_id));

	(void)snprintf(sql, sizeof(sql), "UPDATE meta SET value = '%.16s' WHERE key = 'log_id'",
		       log_id);
	if (r == 0 && sqlite3_exec(fresh->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		r = record_failed(fresh, sqlite3_errcode(fresh->db));
	return r;
}

/* does what this run has found out continue what is there? */
static int compare(const struct record *record, struct record *fresh)
{
	struct record_start start;
	int r = record_load(fresh, &start);

	free(start.state);
	free(start.windows);
	if (r < 0)
		return r;
	if (start.chain.seq != record->base.seq ||
	    memcmp(start.chain.hash, record->base.hash, sizeof(start.chain.hash)) != 0)
		return -ESTALE;
	return start.chain.seq == 0 ? give_name(record, fresh) : 0;
}

int record_reopen(struct record *record)
{
	CLEANUP(record_close) struct record *fresh = NULL;
	char error[RECORD_ERROR_MAX];
	int r;

	if (record->mode == RECORD_WRITABLE)
		return 0;
	if (record->lock >= 0) /* ours: it would keep ourselves out */
		(void)close(record->lock);
	record->lock = -1;
	fresh = make(record->directory);
	r = fresh ? check_files(record->directory, error) : -ENOMEM;
	if (r == 0)
		r = open_writable(fresh);
	if (r == 0)
		r = compare(record, fresh);
	if (r < 0) {
		if (fresh && *fresh->error)
			memcpy(record->error, fresh->error, sizeof(record->error));
		return r;
	}
	close_database(record);
	record->db = steal(&fresh->db);
	record->lock = fresh->lock;
	fresh->lock = -1;
	(void)sqlite3_wal_hook(record->db, on_commit, record);
	memcpy(record->statements, fresh->statements, sizeof(record->statements));
	memset(fresh->statements, 0, sizeof(fresh->statements));
	record->upkeep = (struct record_upkeep){0};
	record->mode = RECORD_WRITABLE;
	record->unbound = true;
	return 0;
}
