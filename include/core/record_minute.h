/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record_minute.h - inside of the record: one minute of one channel, in and out of SQLite
 *
 * Minute rows lie in two tables of the same columns. New ones are appended time-major to
 * "minute", because a (channel, time) key rewritten every minute costs a page per channel and
 * minute. Batches of whole hours are packed channel-major into "minute_packed", so that one
 * channel's year is one stretch of the file. Where a row belongs is told by the one row of
 * "upkeep": all before @packed_t is packed, and of the RECORD_PACK_MIN minutes behind it the
 * channels up to @packed_channel. What is still in "minute" of those counts no more; it is
 * deleted bit by bit. The view "minutes" shows each row once.
 *
 * A row keeps how many values its minute could have had, "expected". 0: it is from a record of
 * version 1, which did not keep it; minute_expected() finds it out.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/sqlite.h"
#include "core/window.h"

#define RECORD_PACK_MIN 360 /* minutes of a batch: six hours, aligned in UTC */

#define MINUTE_COLUMNS "t, channel, mean, min, max, n, capture, valid, quality, expected"

/** struct minute - a row; @expected 0: not known */
struct minute {
	int64_t t; /* minutes since 1970, UTC */
	int64_t channel;
	struct window_row row;
	uint32_t expected;
};

/** minute_floor() - first minute of the batch that @t lies in */
static inline int64_t minute_floor(int64_t t)
{
	int64_t into = t % RECORD_PACK_MIN;

	return t - (into < 0 ? into + RECORD_PACK_MIN : into);
}

/**
 * minute_expected() - how many values the row's minute could have had, at least 1
 * @configured: of the channel as it is configured, or of the rows beside it; 0 not known
 *
 * Where the row does not say, @configured if that gives the capture that the row says, else
 * what n and capture amount to.
 */
uint32_t minute_expected(const struct minute *minute, uint32_t configured);

/**
 * minute_join() - two parts of one minute become one row
 * @minute: the first part, becomes the whole
 * @configured: see minute_expected()
 * @required_percent: least capture of a valid minute
 *
 * The larger expected number counts. A part in which nothing came at all (no value, stale)
 * says nothing of the other's quality.
 */
void minute_join(struct minute *minute, const struct minute *other, uint32_t configured,
		 uint32_t required_percent);

/** minute_bind() - to the parameters ?1 to ?10 of a statement, in the order MINUTE_COLUMNS */
void minute_bind(sqlite3_stmt *statement, const struct minute *minute);

/** minute_take() - from a row of MINUTE_COLUMNS; what no wastewatch writes is put into bounds */
struct minute minute_take(sqlite3_stmt *row);
