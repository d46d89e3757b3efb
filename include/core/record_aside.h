/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record_aside.h - a damaged record is set aside under another name, never deleted
 *
 *   record.db      → record.db.damaged-20261128T014347Z
 *   record.db-wal  → record.db.damaged-20261128T014347Z-wal, likewise -shm: SQLite finds them
 *
 * Before the first of them is renamed, record.aside says what is going on, and it goes only when
 * the new record has said in an entry which file it replaces. So whatever ends us in between,
 * the next start goes on where it was, and nothing is set aside twice.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_ASIDE_NAME   64
#define RECORD_ASIDE_REASON 256

/**
 * struct record_aside
 * @name: of the file, in the directory of the record
 * @last_seq, @hash: of its last entry, as far as that can be read; 0 and "" it cannot
 * @base_seq: the new record's numbers are all greater: none that was used can come again
 * @reason: what was wrong
 */
struct record_aside {
	char name[RECORD_ASIDE_NAME];
	uint64_t last_seq;
	char hash[65];
	uint64_t base_seq;
	char reason[RECORD_ASIDE_REASON];
};

/**
 * record_is_damaged() - does a record that cannot be opened have to be set aside?
 * @r: what record_open() said
 * Return: true SQLite cannot read it, or its tables are not what its version says; false it is
 *   somebody else's, of a newer version, in use, or its disk or our rights are in the way.
 */
bool record_is_damaged(const char *directory, int r);

/** record_why_damaged() - in words: which table is not its own, or that it cannot be read */
void record_why_damaged(const char *directory, char words[static RECORD_ASIDE_REASON]);

/**
 * record_set_aside() - nobody may have it open
 * @wall_ms: for its name; and where its last number cannot be read, for the next one: the seconds
 *   since 1970 are more than entries were ever written
 * Return: 0; -EBUSY another instance has it; -errno.
 */
int record_set_aside(const char *directory, const char *reason, int64_t wall_ms,
		     struct record_aside *ret);

/**
 * record_aside_pending() - what is not finished yet; finishes the renaming
 * Return: 1 @ret is filled; 0 nothing; -EBUSY another instance has it; -errno.
 */
int record_aside_pending(const char *directory, struct record_aside *ret);

/** record_aside_read() - what the new record has to say. Return: 1; 0 nothing; -errno. */
int record_aside_read(const char *directory, struct record_aside *ret);

/** record_aside_done() - the new record says it now */
void record_aside_done(const char *directory);

/** record_suspect() - SQLite has found damage while it wrote: look at all of it at next start */
void record_suspect(const char *directory);

/** record_is_suspect() - and forget it */
bool record_is_suspect(const char *directory);
