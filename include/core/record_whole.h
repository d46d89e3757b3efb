/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record_whole.h - is a report what the record has fixed, and has one of our keys signed that?
 *
 * The entry that fixes it is followed to the next head by a key that is known: usually its own.
 * Where heads are gone, or a new key is none that the old one has signed, that may be millions
 * of entries away, so the way there is gone in pieces, and what was learnt on it is kept: the
 * hashes of some entries on it, the rungs. A report behind the first of them is followed to the
 * next rung only. However many wait, the way is gone once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/record.h"
#include "core/verify.h"

#define RECORD_WALK_ENTRIES 256 /* in one piece, some 2 ms */
#define RECORD_RUNGS	    512

/** struct record_rung - an entry that a signed head vouches for */
struct record_rung {
	uint64_t seq;
	uint8_t hash[32];
};

/** struct record_ladder - in order; new ones are at least @stride entries behind the last */
struct record_ladder {
	struct record_rung rungs[RECORD_RUNGS];
	size_t n;
	uint64_t stride;
};

/**
 * struct record_walk - all zeros at first
 * @budget: how many entries may still be read; the caller's to set
 * @from: the entry whose way is being gone, 0 none; @verify: how far
 * @ahead: rungs on that way, if it ends well; @known: those of ways that have; @last: the
 *   first of the last one
 * @bad_from, @bad_to: entries that lead to none; @words: why
 */
struct record_walk {
	size_t budget;
	uint64_t from;
	struct verify verify;
	struct record_ladder ahead;
	struct record_ladder known;
	struct record_rung last;
	uint64_t bad_from;
	uint64_t bad_to;
	char words[RECORD_WORDS_MAX];
};

/** record_walk_forget() - keys have changed, or a person has looked: what was learnt may be wrong
 */
void record_walk_forget(struct record_walk *walk);

/**
 * record_is_whole() - see above
 * @trusted: begun, with the keys that are trusted
 * @words: when it is not, why
 * Return: 1; 0; -EINPROGRESS the budget is used up: ask again; -errno.
 */
int record_is_whole(struct record *record, struct record_walk *walk, const char *destination,
		    const struct record_job *job, const struct verify *trusted,
		    char words[static RECORD_WORDS_MAX]);
