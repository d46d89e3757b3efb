/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pace.h - whose turn it is on a link: due times, fairness and the health of its units
 *
 * The part of link.h that knows nothing of connections; no I/O, no clock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/macro.h"
#include "poller/link.h"

struct pace;

/** pace_new() - each unit is due at its first due time after @now_us. Return: 0; -ENOMEM. */
int pace_new(struct pace **ret, const struct link_plan *plan, int64_t now_us);

/** pace_free() - takes NULL. Return: NULL. */
struct pace *pace_free(struct pace *pace);
DEFINE_CLEANUP(struct pace *, pace_free)

/**
 * pace_inherit() - units with the same id and pace go on as they were; counters go on
 * @old: made for a plan that need no longer exist
 */
void pace_inherit(struct pace *pace, const struct pace *old);

/** pace_mark() - start the rounds that are due; @count: count those that are passed over */
void pace_mark(struct pace *pace, int64_t now_us, bool count);

/**
 * pace_take() - the next request to send, of the rounds that have started
 *
 * In turn: units in order first, then those that were silent, then probes of degraded ones,
 * but what has waited for an interval (of the unit, of its probes) takes its turn among the
 * first.
 * Return: is there one?
 */
bool pace_take(struct pace *pace, int64_t now_us, uint32_t *ret_unit, uint32_t *ret_request);

/** pace_failed() - @unit gave no right answer, for whatever reason */
void pace_failed(struct pace *pace, uint32_t unit);

/** pace_silent() - @unit gave no answer. Return: it is degraded as of now. */
bool pace_silent(struct pace *pace, uint32_t unit, int64_t now_us);

/** pace_answered() - @unit has answered. Return: it was degraded until now. */
bool pace_answered(struct pace *pace, uint32_t unit, int64_t now_us);

/** pace_others_healthy() - is there another unit than @unit whose last request did not fail? */
bool pace_others_healthy(const struct pace *pace, uint32_t unit);

/** pace_next_us() - the earliest due time; LINK_NEVER without units */
int64_t pace_next_us(const struct pace *pace);

/** pace_n_overruns() - due times that were passed over */
uint64_t pace_n_overruns(const struct pace *pace);

/** pace_n_degraded() - units that are only probed */
uint32_t pace_n_degraded(const struct pace *pace);
