/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verify.h - is a record what it was when it was written, and who says so?
 *
 * Fed entry by entry and head by head, in their order; finds the first that is wrong and what is
 * wrong with it. After that nothing more is looked at. What it takes to be trusted is a public
 * key from elsewhere, such as the department's file: from it on, keys are followed through the
 * record, as an entry "key.rotated" names the new one and is signed by the old one:
 *
 *   "wastewatch-key/1\n" origin "\n" old whpk_… "\n" new whpk_… "\n"
 *
 * A head is five lines: origin, number, hash, time, id of the key; see record_commit.c.
 *
 * Pure: no clock, no I/O. All that is fed is foreign.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/event.h"
#include "core/sign_public.h"

#define VERIFY_KEYS_MAX	  32
#define VERIFY_TEXT_MAX	  256
#define VERIFY_ORIGIN_MAX 64
#define VERIFY_ANY	  UINT64_MAX /* as number before the first entry: it says its own */

enum verify_fault {
	VERIFY_GOOD,
	VERIFY_MISSING,	      /* an entry is not there */
	VERIFY_TWICE,	      /* a number that was there just before */
	VERIFY_ORDER,	      /* a number that was there long before */
	VERIFY_NOT_CANONICAL, /* a line that is not canonical JSON */
	VERIFY_NUMBER,	      /* a line that says another number */
	VERIFY_LINE,	      /* the line is not the one that was chained */
	VERIFY_HASH,	      /* the line is, the hash beside it is not */
	VERIFY_KEPT,	      /* time, type or incident beside the line are not the line's */
	VERIFY_HEAD_FORM,     /* a head that is none */
	VERIFY_HEAD_NUMBER,   /* a head that does not belong to the entry it is kept with */
	VERIFY_HEAD_HASH,     /* well signed, but the entries do not lead to its hash */
	VERIFY_SIGNATURE,     /* a head that its key has not signed */
	VERIFY_KEY_UNKNOWN,   /* a head signed by a key that nobody vouches for */
	VERIFY_KEY_RETIRED,   /* a head signed by a key that another had replaced before */
	VERIFY_ROTATION,      /* a new key that the old one has not signed */
	VERIFY_TRUNCATED,     /* entries that the last head counts are not there */
	VERIFY_UNSIGNED,      /* entries at the end that no head covers */
	VERIFY_FAILED,	      /* out of memory */
	VERIFY_FAULT_MAX = VERIFY_FAILED,
};

/**
 * struct verify_kept - what a record keeps of an entry beside its line, to find it by
 * @time_ms: UTC
 * @incident: "" none
 */
struct verify_kept {
	int64_t time_ms;
	const char *type;
	const char *incident;
};

/**
 * struct verify_entry
 * @seq: the number that it is kept under; VERIFY_ANY: none but that in its line
 * @line: @n_line bytes, and a NUL behind them
 * @hash: kept beside it; NULL none is
 * @kept: held against the line, but not with VERIFY_LENIENT; NULL nothing is
 */
struct verify_entry {
	uint64_t seq;
	const char *line;
	size_t n_line;
	const uint8_t *hash;
	const struct verify_kept *kept;
};

/** struct verify_head - @seq: as above; @note: NUL-terminated; @signature: NULL no 64 bytes */
struct verify_head {
	uint64_t seq;
	const char *note;
	const uint8_t *signature;
};

/**
 * enum verify_mode
 * VERIFY_WHOLE: from the beginning of a record: the first number is 1, or it is "record.created"
 * VERIFY_LENIENT: the daemon on its own record: keys of former times may be unknown, and what is
 *   chained well is no damage, however it is written
 */
enum verify_mode { VERIFY_WHOLE = 1, VERIFY_LENIENT = 2 };

/** struct verify_key - @retired: another has replaced it; @given: not followed through the record
 */
struct verify_key {
	struct sign_public key;
	bool retired;
	bool given;
};

/**
 * struct verify
 * @chain: what has been read so far
 * @fault, @bad: the first that is wrong, and the number of its entry
 * @other: with some faults a second number, see verify_text()
 * @what: with VERIFY_NOT_CANONICAL, the words; @at: the byte
 * @n_entries, @n_heads: that were found good
 * @n_signed: of the heads, those whose signature was checked
 * @n_unknown: heads and new keys that could not be checked for want of a key (VERIFY_LENIENT)
 * @signed_seq: of the last head
 * @origin, @key_id: of the last head
 */
struct verify {
	unsigned mode;
	struct chain chain;
	enum verify_fault fault;
	uint64_t bad;
	uint64_t other;
	const char *what;
	size_t at;
	uint64_t n_entries;
	uint64_t n_heads;
	uint64_t n_signed;
	uint64_t n_unknown;
	uint64_t first_seq;
	uint64_t signed_seq;
	char origin[VERIFY_ORIGIN_MAX];
	char key_id[SIGN_KEY_ID_TEXT];
	struct verify_key keys[VERIFY_KEYS_MAX];
	size_t n_keys;
	bool in_doubt;	      /* line or hash? The next one tells */
	uint8_t computed[32]; /* then */
};

/**
 * verify_begin()
 * @before: number and hash of the entry before the first; NULL the beginning of a record
 */
void verify_begin(struct verify *verify, const struct chain *before, unsigned mode);

/** verify_trust() - a key that the caller vouches for. Return: 0; -ENOSPC. */
int verify_trust(struct verify *verify, const struct sign_public *key);

void verify_entry(struct verify *verify, const struct verify_entry *entry);

/** verify_head() - a head; those of an entry come behind it, before the next entry */
void verify_head(struct verify *verify, const struct verify_head *head);

/** verify_end() - there is no more. Return: is all of it good? */
bool verify_end(struct verify *verify);

/** verify_text() - the fault in words, for people: "entry 17: …" */
void verify_text(const struct verify *verify, char text[static VERIFY_TEXT_MAX]);

/** verify_fault_text() - the fault in a word, for programs */
const char *verify_fault_text(enum verify_fault fault);

#define VERIFY_ROTATION_MAX 256

/** verify_rotation() - what the old key signs. Return: its bytes. */
size_t verify_rotation(const char *origin, const char *old_public, const char *new_public,
		       char ret[static VERIFY_ROTATION_MAX]);

/** struct verify_note - a head's five lines; @key_id "none": nobody has signed it */
struct verify_note {
	char origin[VERIFY_ORIGIN_MAX];
	uint64_t seq;
	uint8_t hash[32];
	char time[CLOCK_TEXT_MAX];
	char key_id[SIGN_KEY_ID_TEXT];
};

/** verify_note_read() - strictly. Return: 0; -EBADMSG. */
int verify_note_read(const char *note, struct verify_note *ret);

/** verify_hash_read() - 64 lower-case hex digits. Return: 0; -EBADMSG. */
int verify_hash_read(const char *text, uint8_t ret[static 32]);

/**
 * verify_key_named() - the key that an entry names as the one in force from it on
 * Return: 1; 0 it names none.
 */
int verify_key_named(const char *line, size_t n, struct sign_public *ret);

/** verify_number() - the number in a line. Return: it; 0 it has none. */
uint64_t verify_number(const char *line, size_t n);
