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

/* one of no bytes is left by who was reading while the record was set aside */
static bool log_holds_any(const char *directory)
{
	struct stat status;
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/" RECORD_FILE "-wal", directory);
	return stat(path, &status) < 0 || status.st_size > 0;
}

int record_check_files(const char *directory, char *error)
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
	if (!has_record && has_log && log_holds_any(directory))
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
int record_lock_directory(struct record *record)
{
	record->directory_lock = open(record->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (record->directory_lock < 0)
		return -errno;
	if (flock(record->directory_lock, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	return 0;
}

int record_lock_file(struct record *record)
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
int record_on_commit(void *userdata, sqlite3 *db, const char *name, int n_pages)
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
		"PRAGMA cache_size = -800",	 "PRAGMA temp_store = MEMORY",
	};
	int keep = 1, version = 0, r;

	/* a reader that holds a lock for a moment is waited for, within the watchdog's time */
	(void)sqlite3_busy_timeout(record->db, 5000);
	r = record_check_owner(record->db);
	if (r == 0)
		r = record_version(record->db, &version);
	if (r == 0 && version > RECORD_VERSION)
		r = -ENOTSUP;
	if (r == 0)
		r = record_check_tables(record); /* to bring it up would run what is in it */
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(pragmas); i++) {
		int code = sqlite3_exec(record->db, pragmas[i], NULL, NULL, NULL);

		if (code != SQLITE_OK)
			return record_failed(record, code);
	}
	(void)sqlite3_wal_hook(record->db, record_on_commit, record);
	/* the WAL stays on a clean stop, so that read-only users can open the record */
	(void)sqlite3_file_control(record->db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
	r = record_migrate(record->db);
	return r;
}

int record_open_file(struct record *record, int flags)
{
	char path[4200];
	int code;

	(void)snprintf(path, sizeof(path), "%s/" RECORD_FILE, record->directory);
	code = sqlite3_open_v2(path, &record->db, flags | SQLITE_OPEN_NOFOLLOW, NULL);
	if (code == SQLITE_OK)
		code = sqlite_distrust(record->db);
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

int record_open_writable(struct record *record)
{
	char path[4200];
	int r = record_lock_file(record);

	if (r == 0)
		r = record_open_file(record, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
	if (r == 0)
		r = set_up(record);
	if (r == 0)
		r = record_sync_directory(record->directory);
	if (r < 0) {
		int code = record->db ? sqlite3_errcode(record->db) : SQLITE_OK;

		if (record_is_full(r))
			(void)snprintf(record->error, sizeof(record->error), "%s", strerror(-r));
		else if (!*record->error && code != SQLITE_OK && code != SQLITE_ROW &&
			 code != SQLITE_DONE)
			(void)snprintf(record->error, sizeof(record->error), "%s",
				       sqlite3_errmsg(record->db));
		return r;
	}
	(void)snprintf(path, sizeof(path), "%s/" RECORD_FILE, record->directory);
	(void)chmod(path, 0640); /* for the group to read; the directory guards it anyway */
	return 0;
}

void record_explain(const struct record *record, int r, char error[static RECORD_ERROR_MAX])
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

struct record *record_make(const char *directory)
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
	CLEANUP(record_close) struct record *record = record_make(directory);
	int r;

	*error = '\0';
	if (!record)
		return refuse(-ENOMEM, error, "out of memory");
	r = record_check_files(directory, error);
	if (r == 0)
		r = record_lock_directory(record);
	if (r == 0)
		r = record_open_writable(record);
	if (r < 0) {
		if (!*error)
			record_explain(record, r, error);
		return r;
	}
	*ret = steal(&record);
	return 0;
}

void record_close_database(struct record *record)
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
	record_close_database(record);
	if (record->directory_lock >= 0)
		(void)close(record->directory_lock);
	free(record->legacy.ids);
	free(record->channels);
	free(record->by_id);
	free(record->made);
	free(record);
	return NULL;
}
