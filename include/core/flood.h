/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flood.h - more alarms than a person can look at: how many, and does a flood begin?
 *
 * Figures of ANSI/ISA-18.2, which is sold and was not at hand itself; as quoted by those who use
 * it: more than 10 alarms in 10 minutes begin a flood, and it ends with fewer than 5 (ProSys,
 * "Eliminate alarm floods", quoting the definition of ISA-18.2); an alarm that comes and goes three
 * times or more within a minute is chattering (PAS, "Taming the Wild Alarm System", part 3: "a good
 * starting criteria"); an alarm that stands for more than 24 h is stale (a common figure, not
 * verified).
 *
 * Pure: no clock, no I/O, no allocation.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define FLOOD_SLOT_MS	  10000
#define FLOOD_SLOTS	  60 /* ten minutes, of which the oldest ten seconds may be gone */
#define FLOOD_BEGINS	  10 /* more than so many */
#define FLOOD_ENDS	  5  /* fewer than so many */
#define FLOOD_STALE_MS	  INT64_C(86400000)
#define FLOOD_CHATTER_MS  INT64_C(60000)
#define FLOOD_LOOKBACK_MS (FLOOD_SLOT_MS * FLOOD_SLOTS)

/**
 * struct flood - the alarms of the last ten minutes
 * @slot: of the newest ten seconds, monotonic time through FLOOD_SLOT_MS
 * @n: alarms per slot, at the slot's number modulo FLOOD_SLOTS
 */
struct flood {
	int64_t slot;
	uint32_t n[FLOOD_SLOTS];
	bool lasts;
	uint8_t pad[7];
};

/** struct flood_figures - what a supervisor looks at */
struct flood_figures {
	uint32_t n_10min; /* raised in the last ten minutes and not hidden */
	uint32_t n_standing;
	uint32_t n_stale;      /* of these, for more than a day */
	uint32_t n_chattering; /* three times within a minute, in the last ten minutes */
	uint32_t n_unseen;     /* nobody has acknowledged it, standing or not */
	uint32_t n_shelved;
	uint32_t n_suppressed;
	uint32_t n_out_of_service;
	bool flood;
};

/** flood_add() - one more alarm; a moment before the last ten minutes does not count */
void flood_add(struct flood *flood, int64_t mono_ms);

/** flood_count() - alarms of the last ten minutes */
uint32_t flood_count(const struct flood *flood, int64_t mono_ms);

/** flood_is_far() - none lasts, and no alarm came in the last ten minutes that could begin one */
static inline bool flood_is_far(const struct flood *flood, int64_t mono_ms)
{
	return !flood->lasts && mono_ms >= (flood->slot + FLOOD_SLOTS) * FLOOD_SLOT_MS;
}

/** flood_begins() - time goes on. Return: a flood begins now; once until it has ended. */
bool flood_begins(struct flood *flood, int64_t mono_ms);

/** flood_chatters() - are these the times of an alarm that chatters? @raised_ms: newest first */
bool flood_chatters(const int64_t *raised_ms, int64_t mono_ms);
