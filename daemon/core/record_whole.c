/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a row of the outbox what the chain has fixed? The entry is looked up, its line must hold the
 * row's hash, id, type and incident, and must lead to a head that one of our keys has signed: so
 * whoever changes a body has to change the line, and then to forge a signature.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/files.h"
#include "core/record_statements.h"
#include "core/verify.h"

#define WALK_ENTRIES 256
#define LOG_ID_CHARS 16

static bool is_file(const char *webhook_id)
{
	return files_path(webhook_id);
}

/* LOG-NUMBER-DESTINATION, file:DESTINATION/PATH, as the fixed id has it */
bool sqlite_is_for(const char *webhook_id, const char *destination)
{
	size_t n = strlen(destination);
	bool file = is_file(webhook_id);
	const char *at = webhook_id + strcspn(webhook_id, "-");

	if (file)
		at = webhook_id + strlen(FILES_PREFIX);
	else if (at - webhook_id == LOG_ID_CHARS)
		at = strchr(at + 1, '-') ? strchr(at + 1, '-') + 1 : NULL;
	else
		at = NULL; /* of a form that an older version may have had */
	return !at || (strncmp(at, destination, n) == 0 && at[n] == (file ? '/' : '\0'));
}

bool sqlite_is_listed(const char *line, const char *text)
{
	const char *at = strstr(line, text);

	/* between brackets and commas: a text in a text would have its quotes escaped */
	return at && at > line && strchr("[,", at[-1]) && strchr("],", at[strlen(text)]);
}

int sqlite_find_body(const char *line, const struct record_job *job)
{
	char hash[65], *text;
	bool file = is_file(job->webhook_id);
	int r = event_body_hash(job->body, strlen(job->body), hash);

	if (r < 0)
		return r;
	text = event_body_text(&(struct event_body){
		.hash = hash,
		.report = job->webhook_id,
		.type = file ? NULL : job->type,
		.incident = file ? NULL : job->incident,
	});
	if (!text)
		return -ENOMEM;
	r = sqlite_is_listed(line, text);
	free(text);
	return r;
}

/* Return: 1; 0 @words say why not; -errno */
static int find(sqlite3 *db, const struct record_job *job, char *words)
{
	CLEANUP(sqlite_finalize) sqlite3_stmt *s = NULL;
	int code = sqlite3_prepare_v2(db, "SELECT line FROM entry WHERE seq = ?1", -1, &s, NULL);
	int r = 0;

	if (code != SQLITE_OK)
		return sqlite_errno(code);
	(void)sqlite3_bind_int64(s, 1, job->fixed);
	code = sqlite3_step(s);
	if (code == SQLITE_ROW)
		r = sqlite_find_body(sqlite_text(s, 0), job);
	else if (code != SQLITE_DONE)
		r = sqlite_errno(code);
	if (r == 0 && code == SQLITE_ROW)
		(void)snprintf(words, RECORD_WORDS_MAX,
			       "entry %lld has another body, type or incident for it",
			       (long long)job->fixed);
	else if (r == 0)
		(void)snprintf(words, RECORD_WORDS_MAX, "there is no entry %lld that fixes it",
			       (long long)job->fixed);
	return r;
}

/* from that entry to the next head whose key is known. Return: as above */
static int follow(sqlite3 *db, uint64_t seq, struct verify *verify, char *words)
{
	char fault[VERIFY_TEXT_MAX];
	int r = sqlite_chain_at(db, seq - 1, &verify->chain);
	size_t most = 1; /* usually the head behind it is enough */

	if (r < 0)
		return r;
	do {
		r = sqlite_verify(db, verify, most, true);
		most = WALK_ENTRIES;
	} while (r > 0 && !verify->fault && verify->n_signed == 0);
	if (r < 0 || (verify->n_signed > 0 && !verify->fault))
		return r < 0 ? r : 1;
	if (verify->fault == VERIFY_FAILED)
		return -ENOMEM;
	verify_text(verify, fault);
	(void)snprintf(words, RECORD_WORDS_MAX, "the entry that fixes it does not hold: %.110s",
		       verify->fault ? fault : "no key that is known has signed it");
	return 0;
}

int sqlite_is_whole(sqlite3 *db, const char *destination, const struct record_job *job,
		    struct verify *verify, char words[static RECORD_WORDS_MAX])
{
	int r;

	if (job->fixed <= 0) {
		(void)snprintf(words, RECORD_WORDS_MAX, "no entry says that it was made here");
		return 0;
	}
	if (!sqlite_is_for(job->webhook_id, destination)) {
		(void)snprintf(words, RECORD_WORDS_MAX, "it was made for another destination");
		return 0;
	}
	r = find(db, job, words);
	return r == 1 ? follow(db, (uint64_t)job->fixed, verify, words) : r;
}

int record_is_whole(struct record *record, const char *destination, const struct record_job *job,
		    struct verify *verify, char words[static RECORD_WORDS_MAX])
{
	return sqlite_is_whole(record->db, destination, job, verify, words);
}
