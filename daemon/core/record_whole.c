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
#include "core/record_whole.h"

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

int sqlite_is_fixed(sqlite3 *db, const struct record_job *job, char words[static RECORD_WORDS_MAX])
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

/* --- rungs -------------------------------------------------------------------------- */

static struct record_rung rung_of(const struct chain *chain)
{
	struct record_rung rung = {.seq = chain->seq};

	memcpy(rung.hash, chain->hash, sizeof(rung.hash));
	return rung;
}

static bool is_same(const struct record_rung *rung, const struct chain *chain)
{
	return rung->seq == chain->seq && memcmp(rung->hash, chain->hash, sizeof(rung->hash)) == 0;
}

/* every second one goes, but not the first */
static void thin(struct record_ladder *ladder)
{
	size_t n = 0;

	for (size_t i = 0; i < ladder->n; i += 2)
		ladder->rungs[n++] = ladder->rungs[i];
	ladder->n = n;
	ladder->stride *= 2;
}

static void add_rung(struct record_ladder *ladder, struct record_rung rung)
{
	if (ladder->n > 0 && rung.seq - ladder->rungs[ladder->n - 1].seq < ladder->stride)
		return;
	if (ladder->n == RECORD_RUNGS)
		thin(ladder);
	ladder->rungs[ladder->n++] = rung;
}

/* the first at or behind an entry; NULL none */
static const struct record_rung *next_rung(const struct record_ladder *ladder, uint64_t seq)
{
	size_t low = 0, high = ladder->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (ladder->rungs[middle].seq < seq)
			low = middle + 1;
		else
			high = middle;
	}
	return low < ladder->n ? &ladder->rungs[low] : NULL;
}

static bool is_known(const struct record_walk *walk, const struct chain *chain)
{
	const struct record_rung *rung = next_rung(&walk->known, chain->seq);

	return is_same(&walk->last, chain) || (rung && is_same(rung, chain));
}

/* @known comes behind @ahead: the way has ended at one of its rungs */
static void join(struct record_walk *walk)
{
	struct record_ladder *known = &walk->known, *ahead = &walk->ahead;

	if (known->n > 0 && ahead->rungs[0].seq > known->rungs[0].seq)
		return; /* a way between two of them teaches nothing */
	for (size_t i = 0; i < known->n; i++)
		add_rung(ahead, known->rungs[i]);
	*known = *ahead;
}

/* --- the way ------------------------------------------------------------------------ */

static void say_unsigned(struct verify *verify, char words[static RECORD_WORDS_MAX])
{
	char fault[VERIFY_TEXT_MAX];

	verify_text(verify, fault);
	(void)snprintf(words, RECORD_WORDS_MAX, "the entry that fixes it does not hold: %.110s",
		       verify->fault ? fault : "no key that is known has signed it");
}

static void set_out(struct record_walk *walk, const struct verify *first)
{
	walk->verify = *first;
	walk->from = first->chain.seq;
	walk->ahead.n = 0;
	walk->ahead.stride = RECORD_WALK_ENTRIES;
	add_rung(&walk->ahead, rung_of(&first->chain));
}

/* Return: 1 it ends here; 0 it goes on; -errno */
static int step(sqlite3 *db, struct record_walk *walk)
{
	const struct record_rung *rung = next_rung(&walk->known, walk->verify.chain.seq + 1);
	size_t most = MIN(walk->budget, (size_t)RECORD_WALK_ENTRIES);
	uint64_t before = walk->verify.chain.seq;
	int r;

	if (rung)
		most = (size_t)MIN((uint64_t)most, rung->seq - before);
	r = sqlite_verify(db, &walk->verify, most, true);
	walk->budget -= most;
	if (r < 0)
		return r;
	if (walk->verify.fault == VERIFY_FAILED)
		return -ENOMEM;
	if (walk->verify.fault || walk->verify.n_signed > 0)
		return 1;
	if (rung && rung->seq == walk->verify.chain.seq) {
		if (is_same(rung, &walk->verify.chain))
			return 1;
		walk->known.n = 0; /* the record is another one by now */
	} else {
		add_rung(&walk->ahead, rung_of(&walk->verify.chain));
	}
	return r == 0;
}

static void arrive(struct record_walk *walk)
{
	struct verify *verify = &walk->verify;
	bool at_rung = is_known(walk, &verify->chain);

	if (!verify->fault && (verify->n_signed > 0 || at_rung)) {
		walk->last = walk->ahead.rungs[0];
		if (at_rung)
			join(walk);
		else
			walk->known = walk->ahead;
	} else {
		walk->bad_from = walk->from;
		walk->bad_to = verify->chain.seq;
		say_unsigned(verify, walk->words);
	}
	walk->from = 0;
}

/* one that others have begun is gone to its end first: it may answer this, too */
static int walk_on(sqlite3 *db, struct record_walk *walk, const struct verify *first,
		   char words[static RECORD_WORDS_MAX])
{
	uint64_t seq = first->chain.seq;
	int r;

	for (;;) {
		if (is_known(walk, &first->chain))
			return 1;
		if (walk->bad_from <= seq && seq <= walk->bad_to) {
			memcpy(words, walk->words, RECORD_WORDS_MAX);
			return 0;
		}
		if (walk->from == 0 ||
		    (walk->from == seq && !is_same(&walk->ahead.rungs[0], &first->chain)))
			set_out(walk, first);
		if (walk->budget == 0)
			return -EINPROGRESS;
		r = step(db, walk);
		if (r > 0)
			arrive(walk);
		else if (r < 0)
			walk->from = 0;
		if (r < 0)
			return r;
	}
}

/* from that entry to the next head whose key is known. Return: as above */
static int follow(sqlite3 *db, uint64_t seq, struct record_walk *walk, const struct verify *trusted,
		  char *words)
{
	struct verify first = *trusted;
	int r = sqlite_chain_at(db, seq - 1, &first.chain);

	if (r == 0)
		r = sqlite_verify(db, &first, 1, true); /* usually the head behind it is enough */
	if (r < 0)
		return r;
	if (first.fault == VERIFY_FAILED)
		return -ENOMEM;
	if (!first.fault && first.n_signed > 0)
		return 1;
	if (!first.fault && r > 0)
		return walk_on(db, walk, &first, words);
	say_unsigned(&first, words);
	return 0;
}

int sqlite_is_whole(sqlite3 *db, struct record_walk *walk, const char *destination,
		    const struct record_job *job, const struct verify *trusted,
		    char words[static RECORD_WORDS_MAX])
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
	r = sqlite_is_fixed(db, job, words);
	return r == 1 ? follow(db, (uint64_t)job->fixed, walk, trusted, words) : r;
}

int record_is_whole(struct record *record, struct record_walk *walk, const char *destination,
		    const struct record_job *job, const struct verify *trusted,
		    char words[static RECORD_WORDS_MAX])
{
	return sqlite_is_whole(record->db, walk, destination, job, trusted, words);
}

void record_walk_forget(struct record_walk *walk)
{
	walk->from = 0;
	walk->known.n = 0;
	walk->last.seq = 0;
	walk->bad_from = walk->bad_to = 0;
}
