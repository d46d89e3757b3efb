/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/record.h"
#include "core/record_backup.h"
#include "core/sqlite.h"
#include "core/verify.h"

#define PAGES_AT_A_TIME 256
#define BUSY_MS		5000
#define PAUSE_NS	2000000L

/**
 * struct backup
 * @temporary: beside @path, until it is whole
 * @error: the caller's
 */
struct backup {
	sqlite3 *from;
	sqlite3 *to;
	const char *path;
	char temporary[4200];
	char *error;
};

__attribute__((format(printf, 3, 4))) static int fail(struct backup *backup, int r,
						      const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(backup->error, RECORD_BACKUP_ERROR_MAX, format, ap);
	va_end(ap);
	return r < 0 ? r : -EIO;
}

static int open_source(struct backup *backup, const char *directory)
{
	char path[4200];
	int code, version = 0, r;

	(void)snprintf(path, sizeof(path), "%s/" RECORD_FILE, directory);
	code = sqlite3_open_v2(path, &backup->from, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOFOLLOW,
			       NULL);
	if (code == SQLITE_OK)
		code = sqlite3_exec(backup->from,
				    "PRAGMA query_only = ON; PRAGMA busy_timeout = 5000;"
				    "PRAGMA trusted_schema = OFF; BEGIN; SELECT 1 FROM meta",
				    NULL, NULL, NULL);
	r = code == SQLITE_OK ? record_check_owner(backup->from)
			      : sqlite_failure(backup->from, code);
	if (r == 0)
		r = record_version(backup->from, &version);
	if (r < 0)
		return fail(
			backup, r,
			"cannot read the record %.200s: %.100s; give --state DIR, or run this as "
			"root or in the group wastewatch",
			path,
			r == -EBADMSG ? "it is damaged, or of another program"
				      : sqlite3_errmsg(backup->from));
	if (version > RECORD_VERSION)
		return fail(backup, -ENOTSUP,
			    "the record %.200s is of a newer version than this command", path);
	return 0;
}

static int open_target(struct backup *backup)
{
	int fd, code;

	if (access(backup->path, F_OK) == 0)
		return fail(backup, -EEXIST,
			    "%.200s is there already and is not overwritten; give another name",
			    backup->path);
	(void)snprintf(backup->temporary, sizeof(backup->temporary), "%s.partial-%ld", backup->path,
		       (long)getpid());
	fd = open(backup->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		int r = -errno;

		*backup->temporary = '\0';
		return fail(backup, r,
			    "cannot write %.200s: %s; give a directory that can be written",
			    backup->path, strerror(-r));
	}
	(void)close(fd);
	code = sqlite3_open_v2(backup->temporary, &backup->to, SQLITE_OPEN_READWRITE, NULL);
	/* nobody reads it before it is whole, so it needs no journal of its own */
	if (code == SQLITE_OK)
		code = sqlite3_exec(backup->to,
				    "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", NULL,
				    NULL, NULL);
	return code == SQLITE_OK ? 0
				 : fail(backup, sqlite_failure(backup->to, code),
					"cannot write %.200s: %.100s", backup->temporary,
					sqlite3_errmsg(backup->to));
}

static int copy(struct backup *backup, void (*progress)(void *userdata, int n_done, int n_all),
		void *userdata)
{
	static const struct timespec pause = {.tv_nsec = PAUSE_NS};
	sqlite3_backup *pages = sqlite3_backup_init(backup->to, "main", backup->from, "main");
	int code = pages ? SQLITE_OK : sqlite3_errcode(backup->to), waited_ms = 0;

	while (code == SQLITE_OK || code == SQLITE_BUSY || code == SQLITE_LOCKED) {
		waited_ms = code == SQLITE_OK ? 0 : waited_ms + 2;
		if (waited_ms > BUSY_MS)
			break;
		code = sqlite3_backup_step(pages, PAGES_AT_A_TIME);
		if (progress && pages)
			progress(userdata,
				 sqlite3_backup_pagecount(pages) - sqlite3_backup_remaining(pages),
				 sqlite3_backup_pagecount(pages));
		if (code != SQLITE_DONE)
			(void)nanosleep(&pause, NULL); /* the disk is the daemon's first */
	}
	if (pages)
		(void)sqlite3_backup_finish(pages); /* repeats the code */
	/* one file, without a log beside it: the daemon makes that anew */
	if (code == SQLITE_DONE)
		code = sqlite3_exec(backup->to, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
	return code == SQLITE_OK ? 0
				 : fail(backup, sqlite_failure(backup->to, code),
					"cannot copy the record: %.150s", sqlite3_errstr(code));
}

static int sync_file(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC), r = 0;

	if (fd < 0)
		return -errno;
	if (fsync(fd) < 0)
		r = -errno;
	(void)close(fd);
	return r;
}

/* --- is it what it should be? ------------------------------------------------------------ */

static int check_pages(struct backup *backup)
{
	CLEANUP(sqlite_finalize) sqlite3_stmt *s = NULL;

	if (sqlite3_prepare_v2(backup->to, "PRAGMA integrity_check(1)", -1, &s, NULL) !=
		    SQLITE_OK ||
	    sqlite3_step(s) != SQLITE_ROW)
		return fail(backup, -EBADMSG, "the copy cannot be read again: %.150s",
			    sqlite3_errmsg(backup->to));
	if (strcmp(sqlite_text(s, 0), "ok") != 0)
		return fail(backup, -EBADMSG,
			    "the copy is damaged (%.150s), so the record may be; see: wastewatch "
			    "verify",
			    sqlite_text(s, 0));
	return 0;
}

/* the entries, whatever version wrote them; who signed them is what "wastewatch verify" is asked */
static int check_chain(struct backup *backup, struct record_backup_result *ret)
{
	CLEANUP(sqlite_finalize) sqlite3_stmt *s = NULL;
	char words[VERIFY_TEXT_MAX];
	struct verify verify;
	int code;

	if (sqlite3_prepare_v2(backup->to, "SELECT seq, line, hash FROM entry ORDER BY seq", -1, &s,
			       NULL) != SQLITE_OK)
		return fail(backup, -EBADMSG, "the copy cannot be read again: %.150s",
			    sqlite3_errmsg(backup->to));
	verify_begin(&verify, NULL, VERIFY_WHOLE | VERIFY_LENIENT);
	while ((code = sqlite3_step(s)) == SQLITE_ROW && !verify.fault)
		verify_entry(&verify,
			     &(struct verify_entry){
				     .seq = (uint64_t)sqlite3_column_int64(s, 0),
				     .line = sqlite_text(s, 1),
				     .n_line = (size_t)sqlite3_column_bytes(s, 1),
				     .hash = sqlite3_column_bytes(s, 2) == sizeof(ret->hash)
						     ? sqlite3_column_blob(s, 2)
						     : (const uint8_t[sizeof(ret->hash)]){0},
			     });
	if (!verify_end(&verify)) {
		verify_text(&verify, words);
		return fail(backup, -EBADMSG,
			    "the copy does not fit the chain, so neither may the record (%.200s); "
			    "see: wastewatch verify",
			    words);
	}
	ret->seq = verify.chain.seq;
	memcpy(ret->hash, verify.chain.hash, sizeof(ret->hash));
	return code == SQLITE_DONE ? 0
				   : fail(backup, -EBADMSG, "the copy cannot be read again: %.150s",
					  sqlite3_errmsg(backup->to));
}

/* by a connection of its own, which has none of it in its cache */
static int verify(struct backup *backup, struct record_backup_result *ret)
{
	int r;

	(void)sqlite3_close(backup->to);
	backup->to = NULL;
	r = sync_file(backup->temporary, O_RDONLY);
	if (r < 0)
		return fail(backup, r, "cannot write %.200s: %s", backup->temporary, strerror(-r));
	if (sqlite3_open_v2(backup->temporary, &backup->to, SQLITE_OPEN_READONLY, NULL) !=
	    SQLITE_OK)
		return fail(backup, -EIO, "the copy cannot be read again: %.150s",
			    sqlite3_errmsg(backup->to));
	r = check_pages(backup);
	return r == 0 ? check_chain(backup, ret) : r;
}

/* --- its name ------------------------------------------------------------------------------ */

static int give_name(struct backup *backup)
{
	char copy[4200];
	int r = 0;

	/* link() where a file system has no rename that spares what is there */
	if (renameat2(AT_FDCWD, backup->temporary, AT_FDCWD, backup->path, RENAME_NOREPLACE) < 0)
		r = errno == EINVAL && link(backup->temporary, backup->path) == 0 ? 1 : -errno;
	if (r == 1)
		(void)unlink(backup->temporary);
	if (r < 0)
		return fail(backup, r, "cannot give the copy the name %.200s: %s", backup->path,
			    strerror(-r));
	*backup->temporary = '\0';
	(void)snprintf(copy, sizeof(copy), "%s", backup->path);
	r = sync_file(dirname(copy), O_RDONLY | O_DIRECTORY);
	return r == 0 ? 0
		      : fail(backup, r, "%.200s is there, but may not outlast a power failure: %s",
			     backup->path, strerror(-r));
}

static int64_t size_of(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 ? status.st_size : 0;
}

int record_backup(const char *directory, const char *path,
		  void (*progress)(void *userdata, int n_done, int n_all), void *userdata,
		  struct record_backup_result *ret, char error[static RECORD_BACKUP_ERROR_MAX])
{
	struct backup backup = {.path = path, .error = error};
	int r;

	*ret = (struct record_backup_result){0};
	if (strlen(path) > 4000)
		return fail(&backup, -ENAMETOOLONG, "the name is too long");
	r = open_source(&backup, directory);
	if (r == 0)
		r = open_target(&backup);
	if (r == 0)
		r = copy(&backup, progress, userdata);
	if (r == 0)
		r = verify(&backup, ret);
	(void)sqlite3_close(backup.to);
	(void)sqlite3_close(backup.from);
	if (r == 0)
		r = give_name(&backup);
	if (*backup.temporary)
		(void)unlink(backup.temporary);
	ret->bytes = size_of(path);
	return r;
}
