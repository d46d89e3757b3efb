/* SPDX-License-Identifier: Apache-2.0 */
/*
 * split.h - a request that its unit refuses, and the parts in which it is read instead
 *
 * Exceptions 2 and 3 refuse a request as a whole, even if one register of a hundred is at
 * fault. The request is then halved, and what is refused is halved again, until the registers
 * at fault stand alone; the rest is joined again, as far as that was answered. No clock, no
 * I/O; memory is taken when a request is refused and given back when it is answered whole.
 *
 *             exceptions 2, 3,                   exceptions 2, 3, in
 *             it can be parted                   SPLIT_CONFIRM rounds in a row
 *   ┌───────┐ ───────────────▶ two parts ┌──────┐ ────────────▶ ┌─────────┐
 *   │ whole │                  asked in  │ part │               │ refused │ asked at long
 *   └───────┘ ◀─────────────── the round └──────┘ ◀──────────── └─────────┘ intervals
 *             the whole, tried at           │ ▲       answer
 *             long intervals, is            └─┘ exceptions 2, 3, it can be parted;
 *             answered                          next to it a part without a gap: joined
 *
 * A part begins and ends with a register that somebody uses: those in between values are the
 * ones that usually do not exist. A joined part covers only what has been answered in parts,
 * and is parted at the same place if it is refused: some units refuse by length. It is then
 * not joined there again before the whole has been tried.
 *
 * A round is: split_start(), then split_next() until there is none; what becomes of each goes
 * to split_answered() or split_refused(), or nowhere (silence).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macro.h"
#include "common/wire.h"

/*
 * More than the registers of a request, so only requests for bits meet this bound: then good
 * parts are joined to make room, and where there are none, a part is refused as it is until
 * there is room again. So many halvings are made in one round, too; the next one goes on. It
 * bounds the memory (5 KiB) and the length of a round: a hundred answers are seconds of a line.
 */
#define SPLIT_PARTS_MAX 128

/* One refusal may be chance (a unit that starts up): three rounds in a row are not. */
#define SPLIT_CONFIRM 3

/*
 * Pauses before what is refused is asked again; each is twice the one before. A register comes
 * to life when somebody works on the device: ten minutes are soon enough for him to see it,
 * and even a hundred refused registers cost a line one request in six seconds then, and one
 * in 36 seconds at an hour. Where nothing of a request can be read, the unit is more likely
 * not ready (it starts, it is being programmed): then the whole and one part are tried soon,
 * and as soon as that part is answered all of the request is asked anew.
 */
#define SPLIT_PAUSE_US	    INT64_C(600000000)
#define SPLIT_PAUSE_NONE_US INT64_C(10000000)
#define SPLIT_PAUSE_US_MAX  INT64_C(3600000000)

/** enum split_outcome - what an answer or a refusal has changed */
enum split_outcome {
	SPLIT_SAME,	 /* nothing; a refusal is what there is to report */
	SPLIT_PARTED,	 /* not to be reported: smaller parts are asked for in this round */
	SPLIT_REFUSED,	 /* to be reported and said: this part is asked at long intervals now */
	SPLIT_ACCEPTED,	 /* to be said: this part was refused and is read again */
	SPLIT_RESTARTED, /* to be said: nothing could be read, now all is asked anew in this round
			  */
	SPLIT_FORGOTTEN, /* the whole is answered: free the split, it is not needed */
};

struct split;

/**
 * split_new() - the parts of a request, one of them at first: the whole
 * @request: copied
 * Return: 0; -ENOMEM.
 */
int split_new(struct split **ret, const struct wire_request *request);

/** split_free() - takes NULL. Return: NULL. */
struct split *split_free(struct split *split);
DEFINE_CLEANUP(struct split *, split_free)

/** split_same() - are these the same registers of the same key, to be parted the same way? */
bool split_same(const struct wire_request *a, const struct wire_request *b);

/** split_is_of() - is it made of this request? */
bool split_is_of(const struct split *split, const struct wire_request *request);

/**
 * split_start() - a round begins: choose what to ask
 * @probe: one part only, to see whether the unit is there
 *
 * All parts that are not refused, and one trial, the one that is due longest: of the whole or
 * of a refused part. One at a time, so that a round never grows by more than one request; where
 * nothing else is asked, two.
 */
void split_start(struct split *split, int64_t now_us, bool probe);

/** split_pending() - is there a part still to ask in this round? */
bool split_pending(const struct split *split);

/**
 * split_next() - the next part to ask, in the order of the registers
 * @ret_first, @ret_count: as in struct wire_reading
 * Return: is there one?
 */
bool split_next(struct split *split, uint16_t *ret_first, uint16_t *ret_count);

/**
 * split_drop() - nothing more is asked in this round
 * @ret_first, @ret_count: from the first to the last part that was still to ask
 * Return: was there one?
 */
bool split_drop(struct split *split, uint16_t *ret_first, uint16_t *ret_count);

/** split_answered() - a part was answered. Return: SAME, ACCEPTED, RESTARTED, FORGOTTEN. */
enum split_outcome split_answered(struct split *split, int64_t now_us, uint16_t first,
				  uint16_t count);

/** split_refused() - a part was refused, exceptions 2 or 3. Return: SAME, PARTED or REFUSED. */
enum split_outcome split_refused(struct split *split, int64_t now_us, uint16_t first,
				 uint16_t count);

/** split_n_refused() - parts that count as refused */
size_t split_n_refused(const struct split *split);

/** split_n_parts() - parts that there are, refused ones among them */
size_t split_n_parts(const struct split *split);
