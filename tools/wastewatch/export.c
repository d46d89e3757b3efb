/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A part of the record for others: verifiable, see tools/export.h, or as a table.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/macro.h"
#include "core/history.h"
#include "tools/command.h"
#include "tools/export.h"
#include "tools/export_csv.h"
#include "tools/progress.h"
#include "tools/say.h"

/**
 * struct job
 * @wanted: the last entry that was asked for; @last: that of the head behind it
 * @entries, @hashes: where they go; @hashes NULL nowhere
 */
struct job {
	const struct command_options *options;
	struct history *history;
	const char *directory; /* NULL: stdout */
	bool csv;
	int64_t first, wanted, last;
	int zone_min;
	struct history_head_note head;
	bool has_head;
	struct sign_public key;
	bool has_key;
	FILE *entries, *hashes;
	int64_t first_ms, last_ms; /* of the entries */
	struct progress progress;
};

static int cannot_read(const struct job *job)
{
	return command_unreadable(job->history);
}

/* --- what is asked for ------------------------------------------------------------- */

/* Return: 0, or the exit status, said */
static int read_times(const struct job *job, int64_t *ret_since, int64_t *ret_until)
{
	const struct command_options *options = job->options;

	*ret_since = INT64_MIN;
	*ret_until = INT64_MAX;
	if (options->since && command_parse_time(options->since, job->zone_min, ret_since) < 0)
		return command_fail("--since wants YYYY-MM-DD[ HH:MM] local, or RFC 3339");
	if (options->until && command_parse_time(options->until, job->zone_min, ret_until) < 0)
		return command_fail("--until wants YYYY-MM-DD[ HH:MM] local, or RFC 3339");
	if (*ret_since > *ret_until)
		return command_fail("--since is later than --until");
	return 0;
}

/* the entries, and the head that covers them. Return: 0, or the exit status, said */
static int choose(struct job *job)
{
	int64_t since_ms, until_ms, seq;
	int r = history_head(job->history, &seq, &job->zone_min);

	if (r < 0)
		return cannot_read(job);
	r = read_times(job, &since_ms, &until_ms);
	if (r != 0)
		return r;
	r = history_range(job->history, since_ms, until_ms, &job->first, &job->wanted);
	if (r < 0)
		return cannot_read(job);
	if (r == 0) {
		(void)command_fail("there is no entry of that time");
		return EXIT_MISSING;
	}
	job->last = job->wanted;
	if (job->csv)
		return 0;
	r = history_head_from(job->history, job->wanted, &job->head);
	if (r < 0)
		return cannot_read(job);
	job->has_head = r > 0 && job->head.seq >= job->first;
	if (!job->has_head)
		return command_fail("no signed head covers entries %lld to %lld: a record that "
				    "nobody has signed cannot be handed out",
				    (long long)job->first, (long long)job->wanted);
	job->last = job->head.seq;
	return 0;
}

static int find_key(struct job *job)
{
	struct verify_note note;
	int r = verify_note_read(job->head.note, &note);

	if (r == 0)
		r = history_key(job->history, note.key_id, &job->key);
	job->has_key = r > 0;
	return MIN(r, 0);
}

/* --- the files --------------------------------------------------------------------- */

/* what is there already is not touched */
static FILE *make_file(const struct job *job, const char *name)
{
	char path[4096];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", job->directory, name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	return fd < 0 ? NULL : fdopen(fd, "w");
}

static int close_file(FILE *file)
{
	bool failed = ferror(file) || fflush(file) != 0 || fsync(fileno(file)) < 0;
	int error = errno;

	if (fclose(file) != 0 && !failed)
		return -errno;
	return failed ? -(error ? error : EIO) : 0;
}

static int write_file(const struct job *job, const char *name, const void *bytes, size_t n)
{
	FILE *file = make_file(job, name);

	if (!file)
		return -errno;
	(void)fwrite(bytes, 1, n, file); /* ferror() remembers */
	return close_file(file);
}

static int write_hash(const struct job *job, const uint8_t *hash)
{
	char hex[CHAIN_HEX_MAX];

	if (!job->hashes)
		return 0;
	chain_hex(hash, hex);
	return fprintf(job->hashes, "%s\n", hex) < 0 ? -EIO : 0;
}

static int write_before(void *userdata, const struct history_entry *entry)
{
	return write_hash(userdata, entry->hash);
}

static int write_entry(void *userdata, const struct history_entry *entry)
{
	struct job *job = userdata;
	int r;

	progress_say(&job->progress, (uint64_t)(entry->seq - job->first),
		     (uint64_t)(job->last - job->first + 1));
	if (job->csv)
		return export_csv_row(job->entries, entry->line, entry->hash);
	r = write_hash(job, entry->hash);
	return fprintf(job->entries, "%s\n", entry->line) < 0 ? -EIO : r;
}

/* the hash before the first: that of the entry before, or 64 zeros where a chain begins */
static int write_entries(struct job *job)
{
	static const uint8_t zeros[32];
	int r = history_chain(job->history, job->first - 1, job->first - 1, write_before, job);

	if (r == 0)
		r = write_hash(job, zeros);
	if (r >= 0 && job->csv)
		r = export_csv_begin(job->entries);
	if (r >= 0)
		r = history_chain(job->history, job->first, job->last, write_entry, job);
	if (r >= 0 && r != job->last - job->first + 1)
		return -EBADMSG;
	return MIN(r, 0);
}

static const char readme[] =
	"Entries %lld to %lld of the record of %s, %lld in all.\n"
	"%s"
	"\n"
	"entries.jsonl  the entries, one line each\n"
	"hashes.txt     the hash before the first entry, then that of each entry\n"
	"head.txt       who, number, hash, time, id of the key: the head of the last entry\n"
	"head.sig       its Ed25519 signature\n"
	"%s"
	"\n"
	"H(n) = SHA-256(\"wastewatch-log/1\\n\" + hex(H(n-1)) + \"\\n\" + line(n))\n"
	"\n"
	"To verify all of it: wastewatch verify --key KEY DIRECTORY, or verify-export DIRECTORY "
	"KEY.\n"
	"By hand: the head, with the key that the department was given, and the first hash:\n"
	"  openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in head.txt -sigfile head.sig\n"
	"  (printf 'wastewatch-log/1\\n'; sed -n 1p hashes.txt; sed -n 1p entries.jsonl | tr -d "
	"'\\n') |\n"
	"    openssl dgst -sha256; sed -n 2p hashes.txt\n"
	"\n"
	"A key that comes with an export proves nothing: it must be the one that the department "
	"has.\n"
	"That nothing was cut off at the end shows the last report that the department holds.\n";

static int write_readme(const struct job *job)
{
	char origin[VERIFY_ORIGIN_MAX] = "", more[160] = "";
	FILE *file = make_file(job, EXPORT_README);

	if (!file)
		return -errno;
	(void)sscanf(job->head.note, "%63[^\n]", origin);
	if (job->last > job->wanted)
		(void)snprintf(more, sizeof(more),
			       "Asked for was up to %lld; those behind it are here so that it ends "
			       "at a signed head.\n",
			       (long long)job->wanted);
	else if (job->last < job->wanted)
		(void)snprintf(more, sizeof(more),
			       "Entries %lld to %lld are MISSING: no head has signed them.\n",
			       (long long)job->last + 1, (long long)job->wanted);
	(void)fprintf(file, readme, (long long)job->first, (long long)job->last, origin,
		      (long long)job->last - job->first + 1, more,
		      job->has_key ? "key.pem        the public key that signed the head\n" : "");
	return close_file(file);
}

static int write_rest(struct job *job)
{
	char pem[SIGN_PEM_TEXT];
	int r = find_key(job);

	if (r == 0)
		r = write_file(job, EXPORT_HEAD, job->head.note, strlen(job->head.note));
	if (r == 0)
		r = write_file(job, EXPORT_SIGNATURE, job->head.signature,
			       sizeof(job->head.signature));
	if (r == 0 && job->has_key) {
		sign_public_pem(&job->key, pem);
		r = write_file(job, EXPORT_KEY, pem, strlen(pem));
	}
	return r == 0 ? write_readme(job) : r;
}

/* a directory of its own, new or empty in what we write into it */
static int write_directory(struct job *job)
{
	int r = 0;

	if (mkdir(job->directory, 0755) < 0 && errno != EEXIST)
		return -errno;
	job->entries = make_file(job, job->csv ? "entries.csv" : EXPORT_ENTRIES);
	if (!job->entries)
		return -errno;
	if (!job->csv) {
		job->hashes = make_file(job, EXPORT_HASHES);
		r = job->hashes ? 0 : -errno;
	}
	if (r == 0)
		r = write_entries(job);
	if (close_file(job->entries) < 0 && r == 0)
		r = -errno;
	if (job->hashes && close_file(job->hashes) < 0 && r == 0)
		r = -errno;
	return r == 0 && !job->csv ? write_rest(job) : r;
}

/* half an export is none; only what was made here goes, as what was there made us stop */
static void remove_files(const struct job *job)
{
	static const char *const names[] = {EXPORT_ENTRIES,   EXPORT_HASHES, EXPORT_HEAD,
					    EXPORT_SIGNATURE, EXPORT_KEY,    EXPORT_README,
					    "entries.csv"};
	char path[4096];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", job->directory, names[i]);
		(void)unlink(path);
	}
	(void)rmdir(job->directory);
}

/* --- the command ------------------------------------------------------------------- */

static void say_done(const struct job *job)
{
	if (job->directory)
		say_to(stderr, "Entries %lld to %lld (%lld) in %s.\n", (long long)job->first,
		       (long long)job->last, (long long)job->last - job->first + 1, job->directory);
	else
		say_to(stderr, "Entries %lld to %lld (%lld).\n", (long long)job->first,
		       (long long)job->last, (long long)job->last - job->first + 1);
	if (job->csv)
		say_to(stderr, "A table cannot be verified; for that: --format jsonl -o DIR.\n");
	else if (job->last > job->wanted)
		say_to(stderr,
		       "Those from %lld on are later than asked for: it ends at a signed "
		       "head.\n",
		       (long long)job->wanted + 1);
	else if (job->last < job->wanted)
		say_to(stderr, "MISSING: entries %lld to %lld, which no head has signed.\n",
		       (long long)job->last + 1, (long long)job->wanted);
	if (!job->csv && !job->directory)
		say_to(stderr,
		       "Lines alone cannot be verified; with hash, head and key: -o DIR.\n");
	else if (!job->csv && !job->has_key)
		say_to(stderr, "The record does not name the key that signed the head.\n");
}

/* Return: 0, or the exit status, said */
static int read_format(struct job *job)
{
	const char *format = job->options->format;

	job->csv = job->options->csv || (format && strcmp(format, "csv") == 0);
	if (format && !job->csv && strcmp(format, "jsonl") != 0) {
		(void)command_fail("--format is jsonl or csv");
		return EXIT_USAGE;
	}
	return 0;
}

int command_export(const struct command_options *options)
{
	CLEANUP(history_close) struct history *history = NULL;
	struct job job = {.options = options, .directory = options->output, .entries = stdout};
	int r = read_format(&job);

	if (r == 0)
		r = command_open_record(options, &history, NULL);
	if (r != 0)
		return r;
	job.history = history;
	if (history_snapshot(history) < 0)
		return cannot_read(&job);
	r = choose(&job);
	if (r != 0)
		return r;
	progress_begin(&job.progress, tr("entries exported"), !job.directory);
	r = job.directory ? write_directory(&job) : write_entries(&job);
	progress_end(&job.progress);
	if (r < 0 && r != -EEXIST && job.directory)
		remove_files(&job);
	if (r == -EBADMSG)
		return command_fail("the record is damaged there: wastewatch verify says where");
	if (r == -EEXIST)
		return command_fail("%s holds an export already; give a new directory",
				    job.directory);
	if (r < 0)
		return command_fail("cannot write %s: %s", job.directory ? job.directory : "it",
				    strerror(-r));
	say_done(&job);
	return job.last < job.wanted ? EXIT_FAILURE : EXIT_SUCCESS;
}
