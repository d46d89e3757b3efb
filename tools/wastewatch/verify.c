/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is the record, or an export of it, what was written? Exit status 0 only if all of it holds; and
 * what could not be checked is said, whatever came of the rest.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/macro.h"
#include "core/history.h"
#include "core/record.h"
#include "tools/command.h"
#include "tools/export.h"
#include "tools/progress.h"
#include "tools/say.h"
#include "tools/wrap.h"

#define SLICE	 1000
#define KEY_FILE 65536

static void file_close(FILE *file)
{
	(void)fclose(file); /* was only read */
}
DEFINE_CLEANUP(FILE *, file_close)

/**
 * struct checking
 * @path: what is verified
 * @given: the keys come from the caller, not from what is verified
 */
struct checking {
	const struct command_options *options;
	char path[4096];
	bool is_export;
	bool given;
	struct verify verify;
	struct verify_reports reports;
};

static struct progress progress; /* export_check() hands nothing through */
static uint64_t n_expected;	 /* entries; 0 not known */

static void say_progress(uint64_t n)
{
	progress_say(&progress, n, n_expected);
}

/* --- keys -------------------------------------------------------------------------- */

/* the whole of a small file, terminated. Return: bytes; -errno. */
static ssize_t read_small(const char *path, char *ret, size_t max)
{
	CLEANUP(file_close) FILE *file = fopen(path, "re");
	size_t n;

	if (!file)
		return -errno;
	n = fread(ret, 1, max - 1, file);
	if (ferror(file))
		return -EIO;
	if (n == max - 1)
		return -EFBIG;
	ret[n] = '\0';
	return (ssize_t)n;
}

static int trust(struct checking *checking, const char *text, size_t n)
{
	struct sign_public keys[VERIFY_KEYS_MAX];
	int n_keys = export_keys(text, n, keys, VERIFY_KEYS_MAX);

	for (int i = 0; i < n_keys; i++)
		(void)verify_trust(&checking->verify, &keys[i]); /* as many as there is room for */
	return MIN(n_keys, 0);
}

/* Return: 0, or the exit status, said */
static int take_key(struct checking *checking)
{
	const char *key = checking->options->key;
	char text[KEY_FILE];
	ssize_t n;

	checking->given = true;
	if (trust(checking, key, strlen(key)) == 0)
		return 0;
	n = read_small(key, text, sizeof(text));
	if (n < 0)
		return command_fail("--key wants whpk_…, or a file with public keys; %s cannot be "
				    "read: %s",
				    key, strerror((int)-n));
	if (trust(checking, text, (size_t)n) < 0)
		return command_fail("%s holds no Ed25519 public keys (whpk_… or PEM), or something "
				    "beside them",
				    key);
	return 0;
}

/* --- what is verified --------------------------------------------------------------- */

static bool is_there(const char *directory, const char *name)
{
	char path[4096];
	struct stat status;

	(void)snprintf(path, sizeof(path), "%s/%s", directory, name);
	return stat(path, &status) == 0;
}

static bool is_database(const char *path)
{
	static const char magic[] = "SQLite format 3";
	CLEANUP(file_close) FILE *file = fopen(path, "re");
	char begin[sizeof(magic)] = "";

	return file && fread(begin, 1, sizeof(magic), file) == sizeof(magic) &&
	       memcmp(begin, magic, sizeof(magic)) == 0;
}

/* Return: 0, or the exit status, said */
static int find(struct checking *checking)
{
	const char *given = checking->options->argument ? checking->options->argument
							: checking->options->state;
	struct stat status;
	char *slash;

	(void)snprintf(checking->path, sizeof(checking->path), "%s", given);
	if (stat(given, &status) < 0) {
		int r = -errno;

		(void)command_fail("%s: %s", given, strerror(-r));
		return command_exit(r);
	}
	if (S_ISDIR(status.st_mode)) {
		checking->is_export = is_there(given, EXPORT_ENTRIES);
		if (!checking->is_export)
			(void)snprintf(checking->path, sizeof(checking->path), "%s/" RECORD_FILE,
				       given);
		return 0;
	}
	if (is_database(given))
		return 0;
	slash = strrchr(checking->path, '/');
	if (strcmp(slash ? slash + 1 : checking->path, EXPORT_ENTRIES) != 0)
		return command_fail("%s is neither a record nor an export: give a directory with "
				    "record.db or with %s in it",
				    given, EXPORT_ENTRIES);
	checking->is_export = true;
	(void)snprintf(slash ? slash : checking->path, 2, "%s", slash ? "" : ".");
	return 0;
}

/* so that it can be said how much is left; one that cannot be counted is verified all the same */
static int count_entries(struct history *history)
{
	int64_t head;
	int zone_min;

	if (history_head(history, &head, &zone_min) == 0 && head > 0)
		n_expected = (uint64_t)head;
	return 0;
}

static int check_record(struct checking *checking)
{
	CLEANUP(history_close) struct history *history = NULL;
	char error[HISTORY_ERROR_MAX], incident[INCIDENT_ID_MAX] = "";
	struct sign_public key;
	int64_t row = 0;
	int r = access(checking->path, R_OK) < 0 ? -errno : 0;

	if (r == -EACCES || r == -ENOENT) {
		(void)command_fail("%s: %s", checking->path, strerror(-r));
		return command_exit(r);
	}
	if (history_open_file(&history, checking->path, error) < 0)
		return command_fail("%s", error);
	r = history_snapshot(history);
	if (r == 0)
		r = history_verify_tables(history, &checking->verify);
	if (r == 0 && checking->verify.fault)
		return 0; /* what is read through them may never end */
	if (r == 0)
		r = count_entries(history);
	if (r == 0 && !checking->given && history_key(history, NULL, &key) > 0)
		(void)verify_trust(&checking->verify, &key); /* the first of all has room */
	if (r >= 0)
		r = history_trust_former(history, &checking->verify);
	if (r == 0)
		do {
			r = history_verify(history, &checking->verify, SLICE);
			say_progress(checking->verify.n_entries);
		} while (r > 0);
	if (r == 0 && !checking->verify.fault)
		do {
			r = history_verify_outbox(history, &checking->verify, &row, SLICE);
			say_progress(checking->verify.n_entries);
		} while (r > 0);
	if (r == 0 && !checking->verify.fault)
		do
			r = history_verify_incidents(history, &checking->verify, incident, SLICE);
		while (r > 0);
	if (r < 0)
		return command_fail("%s cannot be read behind entry %llu: %s", checking->path,
				    (unsigned long long)checking->verify.chain.seq,
				    history_error(history));
	(void)verify_end(&checking->verify);
	return 0;
}

static FILE *open_part(const struct checking *checking, const char *name)
{
	char path[sizeof(checking->path) + 32];

	(void)snprintf(path, sizeof(path), "%s/%s", checking->path, name);
	return fopen(path, "re");
}

static ssize_t read_part(const struct checking *checking, const char *name, char *ret, size_t max)
{
	char path[sizeof(checking->path) + 32];

	(void)snprintf(path, sizeof(path), "%s/%s", checking->path, name);
	return read_small(path, ret, max);
}

/* The key that came along, exactly as an export has it: what one reader of PEM passes over, the
 * next does not. Where there is none the head has nobody's word. */
static int trust_beside(struct checking *checking, const char *text, ssize_t n)
{
	struct sign_public key;
	char again[SIGN_PEM_TEXT];

	if (n <= 0 || export_keys(text, (size_t)n, &key, 1) != 1)
		return -EINVAL;
	sign_public_pem(&key, again);
	if (strlen(again) != (size_t)n || memcmp(again, text, (size_t)n) != 0)
		return -EINVAL;
	(void)verify_trust(&checking->verify, &key); /* the first of all has room */
	return 0;
}

static int check_export(struct checking *checking)
{
	CLEANUP(file_close) FILE *entries = open_part(checking, EXPORT_ENTRIES);
	CLEANUP(file_close) FILE *hashes = open_part(checking, EXPORT_HASHES);
	char note[512] = "", signature[SIGN_ED25519_BYTES + 2], key[KEY_FILE];
	struct export_files files = {.entries = entries, .hashes = hashes, .note = note};
	ssize_t n;

	if (!entries || !hashes)
		return command_fail("%s/%s: %s", checking->path,
				    entries ? EXPORT_HASHES : EXPORT_ENTRIES, strerror(errno));
	n = read_part(checking, EXPORT_HEAD, note, sizeof(note));
	if (n < 0 || strlen(note) != (size_t)n)
		(void)snprintf(note, sizeof(note), "%s", n == -ENOENT ? "" : "none");
	if (read_part(checking, EXPORT_SIGNATURE, signature, sizeof(signature)) ==
	    SIGN_ED25519_BYTES)
		files.signature = (const uint8_t *)signature;
	n = checking->given ? -ENOENT : read_part(checking, EXPORT_KEY, key, sizeof(key));
	if (n != -ENOENT && trust_beside(checking, key, n) < 0)
		return command_fail("%s/%s was changed: it is not a public key in three lines and "
				    "nothing else",
				    checking->path, EXPORT_KEY);
	if (export_check(&files, &checking->verify, say_progress) < 0)
		return command_fail("%s cannot be read: %s", checking->path, strerror(EIO));
	return 0;
}

/* --- what came of it ---------------------------------------------------------------- */

/* what the verdict does not cover, one text after the other; @i from 0. Return: NULL no more */
static const char *not_checked(const struct checking *checking, size_t i, char text[static 512])
{
	const struct verify *v = &checking->verify;
	char hash[CHAIN_HEX_MAX];

	if (!checking->given && i-- == 0) {
		(void)snprintf(text, 512, "%s",
			       tr("whether the key is the plant's: it was taken from what is "
				  "verified. Give the one that the department has: --key whpk_…"));
		return text;
	}
	if (checking->is_export && i-- == 0)
		return tr("what was there before and after these entries, and the reports "
			  "themselves: sha256sum of one must give the hash that \"reports.fixed\" "
			  "has for its id; the whole record is at the plant");
	if (!checking->is_export && i-- == 0)
		return tr("minute values, the state of the judging and what is kept of incidents "
			  "and alarms to be looked up: no hash covers these, only the entries and "
			  "reports that were made of them");
	if (v->n_unfixed > 0 && i-- == 0) {
		(void)snprintf(text, 512,
			       tr("the bodies of %llu reports and files, which were dealt with by "
				  "a version before 0.4.0"),
			       (unsigned long long)v->n_unfixed);
		return text;
	}
	if (!v->fault && i == 0) {
		chain_hex(v->chain.hash, hash);
		(void)snprintf(text, 512,
			       tr("whether anything came behind the last entry and was cut off "
				  "with its head: the department's last report must not be of a "
				  "later entry than %llu, and of that one have the hash %s"),
			       (unsigned long long)v->chain.seq, hash);
		return text;
	}
	return NULL;
}

static void print_text(const struct checking *checking)
{
	const struct verify *v = &checking->verify;
	char text[512], words[VERIFY_TEXT_MAX];
	const char *line;

	(void)printf("%s %s\n", checking->is_export ? tr("Export") : tr("Record"), checking->path);
	if (v->n_entries > 0)
		say("Good: entries %llu to %llu, %llu signed heads%s%s%s%s.\n",
		    (unsigned long long)v->first_seq,
		    (unsigned long long)(v->first_seq + v->n_entries - 1),
		    (unsigned long long)v->n_heads, *v->origin ? tr(", origin ") : "", v->origin,
		    *v->origin ? tr(", last by key ") : "", *v->origin ? v->key_id : "");
	verify_text(v, words);
	if (v->fault)
		say("BAD: %s.\n", words);
	else if (v->n_entries == 0)
		say("BAD: there is no entry.\n");
	else
		say("All of it holds.\n");
	for (size_t i = 0; (line = not_checked(checking, i, text)); i++) {
		say("Not checked: ");
		wrap_print(13, 13, line);
	}
}

static void print_json(const struct checking *checking)
{
	const struct verify *v = &checking->verify;
	json_t *object = json_object(), *open = json_array();
	char text[512], words[VERIFY_TEXT_MAX], hash[CHAIN_HEX_MAX];
	const char *line;

	chain_hex(v->chain.hash, hash);
	verify_text(v, words);
	(void)json_object_set_new(object, "path", json_string(checking->path));
	(void)json_object_set_new(object, "kind",
				  json_string(checking->is_export ? "export" : "record"));
	(void)json_object_set_new(object, "good", json_boolean(!v->fault && v->n_entries > 0));
	(void)json_object_set_new(object, "entries", json_integer((json_int_t)v->n_entries));
	(void)json_object_set_new(object, "heads", json_integer((json_int_t)v->n_heads));
	(void)json_object_set_new(object, "first", json_integer((json_int_t)v->first_seq));
	(void)json_object_set_new(object, "last",
				  json_integer((json_int_t)(v->first_seq + v->n_entries) - 1));
	(void)json_object_set_new(object, "hash", json_string(hash));
	(void)json_object_set_new(object, "origin", json_string(v->origin));
	(void)json_object_set_new(object, "key", json_string(v->key_id));
	(void)json_object_set_new(object, "key_given", json_boolean(checking->given));
	if (v->fault) {
		(void)json_object_set_new(object, "fault",
					  json_string(verify_fault_text(v->fault)));
		(void)json_object_set_new(object, "bad_entry", json_integer((json_int_t)v->bad));
		(void)json_object_set_new(object, "text", json_string(words));
	}
	for (size_t i = 0; (line = not_checked(checking, i, text)); i++)
		(void)json_array_append_new(open, json_string(line));
	(void)json_object_set_new(object, "not_checked", open);
	(void)json_dumpf(object, stdout, JSON_COMPACT | JSON_SORT_KEYS);
	(void)putchar('\n');
	json_decref(object);
}

int command_verify(const struct command_options *options)
{
	struct checking checking = {.options = options};
	int status = find(&checking);

	if (status != 0)
		return status;
	verify_begin(&checking.verify, NULL, checking.is_export ? 0 : VERIFY_WHOLE | VERIFY_HEADS);
	checking.verify.reports = checking.is_export ? NULL : &checking.reports;
	if (options->key)
		status = take_key(&checking);
	progress_begin(&progress, tr("entries verified"), false);
	if (status == 0)
		status = checking.is_export ? check_export(&checking) : check_record(&checking);
	verify_reports_done(&checking.reports);
	progress_end(&progress);
	if (status != 0)
		return status;
	if (options->json)
		print_json(&checking);
	else
		print_text(&checking);
	return checking.verify.fault || checking.verify.n_entries == 0 ? EXIT_FAILURE
								       : EXIT_SUCCESS;
}
