/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record_verify.h - a record as whoever verifies it reads it
 *
 * Entries with their heads, the rows of the outbox, and the tables themselves. Nothing is written.
 */
#pragma once

#include "core/record.h"
#include "core/verify.h"

/**
 * record_verify() - feed the next entries, and the heads behind them; reads only
 * @most: entries, at the most
 * @heads: all heads; else the last one only: signatures take ten times as long as hashes
 * Return: 1 there may be more; 0 that was the end; -EBADMSG SQLite cannot read it; -errno.
 */
int record_verify(struct record *record, struct verify *verify, size_t most, bool heads);

/** record_first() - number of the first entry; 0 there is none. Return: 0; -errno. */
int record_first(struct record *record, uint64_t *ret);

/**
 * record_verify_outbox() - the same with the rows of the outbox, once all entries are read
 * @verify: with @reports, which has got all entries
 * @after: 0 at first; a commit between two calls does not matter, but one before the first does
 * Return: as record_verify().
 */
int record_verify_outbox(struct record *record, struct verify *verify, int64_t *after, size_t most);

/**
 * record_verify_incidents() - are they kept as their last entries say? Entries are good by then.
 * @after: "" from the first on; moves on
 * Return: as record_verify().
 */
int record_verify_incidents(struct record *record, struct verify *verify,
			    char after[static INCIDENT_ID_MAX], size_t most);

/** record_verify_tables() - are they as they were made? Return: 0; -errno; the fault is @verify's.
 */
int record_verify_tables(struct record *record, struct verify *verify);

/** record_chain_at() - number and hash of an entry; zeros it is not there. Return: 0; -errno. */
int record_chain_at(struct record *record, uint64_t seq, struct chain *ret);

/**
 * record_chain() - entries in which the chain speaks of itself, newest first
 * @each: false: that is enough; texts SQLite's until it returns
 */
int record_chain(struct record *record,
		 bool (*each)(void *userdata, const char *type, const char *line), void *userdata);
