/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/record_aside.h"
#include "core/record_statements.h"

#define MARK	"record.aside"
#define SUSPECT "record.suspect"

static const char *const suffixes[] = {"-wal", "-shm", ""}; /* the record itself comes last */

/* --- what is left of it ------------------------------------------------------------ */

static sqlite3 *close_database(sqlite3 *db)
{
	(void)sqlite3_close(db);
	return NULL;
}
DEFINE_CLEANUP(sqlite3 *, close_database)

/* one number of a record that may be damaged. Return: is it readable? */
static bool ask(sqlite3 *db, const char *sql, int64_t *ret)
{
	CLEANUP(sqlite_finalize) sqlite3_stmt *row = NULL;

	if (sqlite3_prepare_v2(db, sql, -1, &row, NULL) != SQLITE_OK ||
	    sqlite3_step(row) != SQLITE_ROW)
		return false;
	*ret = sqlite3_column_int64(row, 0);
	return true;
}

static void read_hash(sqlite3 *db, const char *sql, uint64_t seq, char ret[static 65])
{
	CLEANUP(sqlite_finalize) sqlite3_stmt *row = NULL;

	if (sqlite3_prepare_v2(db, sql, -1, &row, NULL) != SQLITE_OK)
		return;
	(void)sqlite3_bind_int64(row, 1, (sqlite3_int64)seq);
	if (sqlite3_step(row) == SQLITE_ROW && sqlite3_column_bytes(row, 0) == 64)
		memcpy(ret, sqlite_text(row, 0), 65);
}

static sqlite3 *open_database(const char *directory, const char *name)
{
	sqlite3 *db = NULL;
	char path[4096];

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	(void)sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW, NULL);
	(void)sqlite_distrust(db);
	(void)sqlite3_exec(db, "PRAGMA query_only = ON; PRAGMA wal_autocheckpoint = 0", NULL, NULL,
			   NULL); /* what does not work shows at the first question */
	return db;
}

/* The highest number that was ever written down, wherever it can still be read */
static void read_end(const char *directory, int64_t wall_ms, struct record_aside *ret)
{
	static const char *const questions[] = {"SELECT coalesce(max(seq), 0) FROM entry",
						"SELECT coalesce(max(seq), 0) FROM signed_head",
						"SELECT coalesce(max(seq), 0) FROM head"};
	CLEANUP(close_database) sqlite3 *db = open_database(directory, RECORD_FILE);
	int64_t last = 0, ceiling = wall_ms / MS_PER_S;
	bool known = false;

	for (size_t i = 0; i < ARRAY_SIZE(questions); i++) {
		int64_t seq = 0;

		if (!ask(db, questions[i], &seq))
			continue;
		known = true;
		last = MAX(last, seq);
	}
	/* more than one a second since 1970: that is a damaged number */
	if (!known || last > ceiling) {
		ret->base_seq = (uint64_t)MAX(ceiling, (int64_t)0);
		return;
	}
	ret->last_seq = ret->base_seq = (uint64_t)last;
	read_hash(db, "SELECT lower(hex(hash)) FROM entry WHERE seq = ?1", ret->last_seq,
		  ret->hash);
	if (!*ret->hash)
		read_hash(db, "SELECT lower(hex(hash)) FROM head WHERE seq = ?1", ret->last_seq,
			  ret->hash);
}

bool record_is_damaged(const char *directory, int r)
{
	CLEANUP(close_database) sqlite3 *db = NULL;
	int64_t n_ours = 0, n_tables = 0, version = 0, n_newest = 0, application = 0;

	if (r != -EBADMSG && r != -EIO)
		return false;
	db = open_database(directory, RECORD_FILE);
	if (!ask(db, "SELECT count(*) FROM sqlite_schema WHERE type = 'table'", &n_tables))
		return r == -EBADMSG; /* nothing can be read of it */
	(void)ask(db,
		  "SELECT count(*) FROM sqlite_schema WHERE type = 'table'"
		  " AND name IN ('meta', 'entry', 'head')",
		  &n_ours);
	(void)ask(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'signed_head'", &n_newest);
	(void)ask(db, "PRAGMA application_id", &application);
	if (!ask(db, "PRAGMA user_version", &version))
		version = RECORD_VERSION;
	if (r == -EIO) /* its number of version says less than its tables */
		return n_ours == 3 && n_newest == 1 && version < RECORD_VERSION;
	return n_ours == 3 || n_tables == 0 || application == RECORD_APPLICATION;
}

void record_why_damaged(const char *directory, char words[static RECORD_ASIDE_REASON])
{
	CLEANUP(close_database) sqlite3 *db = open_database(directory, RECORD_FILE);
	char found[RECORD_WORDS_MAX] = "";

	(void)sqlite_check_tables(db, found); /* it cannot be read: that is what is said then */
	(void)snprintf(words, RECORD_ASIDE_REASON, "%s%s", *found ? RECORD_FOREIGN_TABLES : "",
		       *found ? found : "SQLite cannot read it");
}

/* --- files ------------------------------------------------------------------------- */

static void path_of(char path[static 4096], const char *directory, const char *name,
		    const char *suffix)
{
	(void)snprintf(path, 4096, "%s/%s%s", directory, name, suffix);
}

static int sync_directory(const char *directory)
{
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;

	if (fd < 0)
		return -errno;
	if (fsync(fd) < 0)
		r = -errno;
	(void)close(fd);
	return r;
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

/* the same lock as the record's. Return: its descriptor; -EBUSY; -errno. */
static int lock(const char *directory)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char path[4096];
	int fd;

	path_of(path, directory, "record.lock", "");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return -errno;
	if (fcntl(fd, F_OFD_SETLK, &whole) < 0) {
		int r = errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;

		(void)close(fd);
		return r;
	}
	return fd;
}

/* whole or not at all, and durable */
static int write_mark(const char *directory, const struct record_aside *aside)
{
	char path[4096], temporary[4096];
	FILE *file;
	bool failed;

	path_of(path, directory, MARK, "");
	path_of(temporary, directory, MARK, ".new");
	file = fopen(temporary, "we");
	if (!file)
		return -errno;
	(void)fprintf(file, "%s\n%" PRIu64 "\n%" PRIu64 "\n%s\n%s\n", aside->name, aside->last_seq,
		      aside->base_seq, *aside->hash ? aside->hash : "-", aside->reason);
	failed = fflush(file) != 0 || fsync(fileno(file)) < 0;
	if (fclose(file) != 0 || failed || rename(temporary, path) < 0)
		return errno ? -errno : -EIO;
	return sync_directory(directory);
}

static bool read_line(FILE *file, char *ret, size_t max)
{
	if (!fgets(ret, (int)max, file))
		return false;
	ret[strcspn(ret, "\n")] = '\0';
	return true;
}

int record_aside_read(const char *directory, struct record_aside *ret)
{
	char path[4096], last[32], base[32], hash[80];
	FILE *file;
	bool whole;

	*ret = (struct record_aside){0};
	path_of(path, directory, MARK, "");
	file = fopen(path, "re");
	if (!file)
		return errno == ENOENT ? 0 : -errno;
	whole = read_line(file, ret->name, sizeof(ret->name)) &&
		read_line(file, last, sizeof(last)) && read_line(file, base, sizeof(base)) &&
		read_line(file, hash, sizeof(hash)) &&
		read_line(file, ret->reason, sizeof(ret->reason));
	(void)fclose(file);
	if (!whole || strncmp(ret->name, RECORD_FILE, strlen(RECORD_FILE)) != 0 ||
	    strchr(ret->name, '/'))
		return 0;
	if (strlen(hash) == 64)
		memcpy(ret->hash, hash, sizeof(ret->hash));
	ret->last_seq = strtoull(last, NULL, 10);
	ret->base_seq = strtoull(base, NULL, 10);
	return 1;
}

/* what is renamed already stays so; when the record itself is, all is */
static int rename_all(const char *directory, const char *name)
{
	char from[4096], to[4096];

	path_of(to, directory, name, "");
	if (is_there(to))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		path_of(from, directory, RECORD_FILE, suffixes[i]);
		path_of(to, directory, name, suffixes[i]);
		if (rename(from, to) < 0 && errno != ENOENT)
			return -errno;
	}
	return sync_directory(directory);
}

static void make_name(const char *directory, int64_t wall_ms, char name[static RECORD_ASIDE_NAME])
{
	time_t seconds = (time_t)(wall_ms / MS_PER_S);
	char path[4096], time[32] = "";
	struct tm utc;

	if (gmtime_r(&seconds, &utc))
		(void)strftime(time, sizeof(time), "%Y%m%dT%H%M%SZ", &utc);
	for (int i = 1; i < 1000; i++) {
		(void)snprintf(name, RECORD_ASIDE_NAME, RECORD_FILE ".damaged-%s%s%.0d", time,
			       i > 1 ? "-" : "", i > 1 ? i : 0);
		path_of(path, directory, name, "");
		if (!is_there(path))
			return;
	}
}

/* one line, and no longer than it may be */
static void keep_reason(const char *reason, char ret[static RECORD_ASIDE_REASON])
{
	(void)snprintf(ret, RECORD_ASIDE_REASON, "%s", *reason ? reason : "it cannot be read");
	for (char *at = ret; *at; at++)
		if (*at == '\n')
			*at = ' ';
}

int record_set_aside(const char *directory, const char *reason, int64_t wall_ms,
		     struct record_aside *ret)
{
	int fd = lock(directory), r;

	if (fd < 0)
		return fd;
	*ret = (struct record_aside){0};
	keep_reason(reason, ret->reason);
	make_name(directory, wall_ms, ret->name);
	read_end(directory, wall_ms, ret);
	r = write_mark(directory, ret);
	if (r == 0)
		r = rename_all(directory, ret->name);
	(void)close(fd);
	return r;
}

int record_aside_pending(const char *directory, struct record_aside *ret)
{
	int fd, r;
	char path[4096];

	path_of(path, directory, MARK, "");
	if (!is_there(path))
		return 0;
	fd = lock(directory);
	if (fd < 0)
		return fd;
	r = record_aside_read(directory, ret);
	if (r > 0) {
		int renamed = rename_all(directory, ret->name);

		r = renamed < 0 ? renamed : 1;
	}
	(void)close(fd);
	return r;
}

void record_aside_done(const char *directory)
{
	char path[4096];

	path_of(path, directory, MARK, "");
	(void)unlink(path); /* one that stays is looked at again, and does no harm */
}

void record_suspect(const char *directory)
{
	char path[4096];
	int fd;

	path_of(path, directory, SUSPECT, "");
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
	if (fd >= 0)
		(void)close(fd);
}

bool record_is_suspect(const char *directory)
{
	char path[4096];

	path_of(path, directory, SUSPECT, "");
	return unlink(path) == 0;
}
