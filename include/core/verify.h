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
#define VERIFY_REPORT_MAX 160
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
	VERIFY_HEAD_MISSING,  /* a head that a commit has left is not there */
	VERIFY_REPORT,	      /* a row of the outbox is not what an entry has fixed */
	VERIFY_REPORT_GONE, /* a report that an entry has fixed is not there, and was not delivered
			     */
	VERIFY_TURN,	 /* a row of the outbox waits for another turn, or in another place, than is
			  * due */
	VERIFY_STOPPED,	 /* a report is held, and no entry says so */
	VERIFY_INCIDENT, /* the row of an incident does not say what its last entry says */
	VERIFY_SHAPE,	 /* a table, index, trigger or view is not as it was made */
	VERIFY_FAILED,	 /* out of memory */
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
 * VERIFY_HEADS: all heads are fed, from the beginning: there must be as many as the record says
 */
enum verify_mode { VERIFY_WHOLE = 1, VERIFY_LENIENT = 2, VERIFY_HEADS = 4 };

/**
 * struct verify_key
 * @retired: another has replaced it
 * @given: the caller vouches for it
 * @former: only a later key's record vouches for it, so that must have signed what comes after
 */
struct verify_key {
	struct sign_public key;
	bool retired;
	bool given;
	bool former;
};

/** struct verify_open - a report that is not delivered; @name, @destination: hashes; 0 no place */
struct verify_open {
	uint64_t name;
	uint64_t destination;
	uint64_t entry;
};

/**
 * struct verify_act - an entry that holds reports or lets them go
 * @name: a hash of the report's name; 0: all that @destination, a hash, had been given by then
 */
struct verify_act {
	uint64_t name;
	uint64_t destination;
	uint64_t entry;
	bool holds;
};

/**
 * struct verify_reports - what the entries say of the outbox: which reports must wait there
 * @open: a table by @name with @room places, @n of them taken
 * @acts: in the order of their entries
 * @failed: there was no memory for one
 * @any: an entry fixes bodies; @takes_over: the first of them says that there were others before
 * @starts: of versions that fix what they make, before that first one
 * @left: rows that are still to be taken over, see record_legacy.h; @n_left: found waiting so
 */
struct verify_reports {
	struct verify_open *open;
	size_t n;
	size_t room;
	struct verify_act *acts;
	size_t n_acts;
	size_t room_acts;
	bool failed;
	bool any;
	bool takes_over;
	uint64_t starts;
	uint64_t left;
	uint64_t n_left;
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
 * @solid_seq: of the last head by a key that is no former one
 * @former_seq: of the last entry that replaces a former key
 * @origin, @key_id: of the last head
 * @report: with VERIFY_REPORT, which; with VERIFY_SHAPE, what is wrong with which
 * @reports: the caller's; NULL nobody asks. verify_reports_done() frees what is in it.
 * @n_unfixed: reports and files of the outbox that no entry fixes, as an older version left them
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
	uint64_t solid_seq;
	uint64_t former_seq;
	uint64_t n_unfixed;
	char report[VERIFY_REPORT_MAX];
	struct verify_reports *reports;
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

/**
 * verify_trust_former() - a line "key.rotated": if it names a trusted key as the new one, and the
 *   old one has signed that, the old one is trusted for what comes before
 * To be called from the last such line to the first, before anything is fed.
 */
void verify_trust_former(struct verify *verify, const char *line, size_t n);

void verify_entry(struct verify *verify, const struct verify_entry *entry);

/** verify_head() - a head; those of an entry come behind it, before the next entry */
void verify_head(struct verify *verify, const struct verify_head *head);

/** verify_fail() - something that the caller has found, of this entry; the first fault counts */
void verify_fail(struct verify *verify, enum verify_fault fault, uint64_t seq);

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

/* --- verify_reports.c -------------------------------------------------------------- */

/** verify_reports_line() - an entry of this type; lines in their order */
void verify_reports_line(struct verify_reports *reports, uint64_t seq, const char *type,
			 size_t n_type, const char *line);

/** verify_reports_take() - a report that waits; what is left at the end, does not and should */
void verify_reports_take(struct verify_reports *reports, const char *report);

/**
 * verify_reports_holds() - does an entry say that this one is held?
 * @fixed: the entry that has fixed it
 */
bool verify_reports_holds(const struct verify_reports *reports, const char *report,
			  const char *destination, uint64_t fixed);

/** verify_reports_left() - the first entry that has fixed one which is left; 0 none is */
uint64_t verify_reports_left(const struct verify_reports *reports);

/** verify_reports_done() - free what is in it, and begin anew */
void verify_reports_done(struct verify_reports *reports);
