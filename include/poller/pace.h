/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pace.h - whose turn it is on a link: due times, fairness, the health of its units, and the
 * parts in which refused requests are read
 *
 * The part of link.h that knows nothing of connections; no I/O, no clock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/macro.h"
#include "common/wire.h"
#include "poller/link.h"
#include "poller/split.h"

/*
 * A busy unit (exceptions 5 and 6) is left alone for a quarter of its interval, within these
 * bounds, and then asked the same again, so often in a round at most. Shorter than a device's
 * own cycle would only keep it busy; longer than the upper bound helps no device known.
 */
#define PACE_PAUSE_US_MIN INT64_C(100000)
#define PACE_PAUSE_US_MAX INT64_C(5000000)
#define PACE_RETRIES_MAX  3

struct pace;

/**
 * struct pace_ask - what to ask
 * @unit, @request: as in struct link_action
 * @first, @count: part of the request, as in struct wire_reading
 * @due_us: due time of the round
 */
struct pace_ask {
	uint32_t unit;
	uint32_t request;
	uint16_t first;
	uint16_t count;
	int64_t due_us;
};

/**
 * pace_new() - each unit is due at its first due time after @now_us
 * @plan: its requests must live as long as the pace
 * Return: 0; -ENOMEM.
 */
int pace_new(struct pace **ret, const struct link_plan *plan, int64_t now_us);

/** pace_free() - takes NULL. Return: NULL. */
struct pace *pace_free(struct pace *pace);
DEFINE_CLEANUP(struct pace *, pace_free)

/**
 * pace_inherit() - units with the same id and pace go on as they were; counters go on, and
 * what is known of refused parts of requests that are the same
 * @old: made for a plan that need no longer exist; only to be freed after this
 */
void pace_inherit(struct pace *pace, struct pace *old);

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
bool pace_take(struct pace *pace, int64_t now_us, struct pace_ask *ret);

/**
 * pace_drop() - give up what pace_take() would give, a request at a time
 * @ret: from the first to the last part that was still to ask
 * Return: was there one?
 */
bool pace_drop(struct pace *pace, struct pace_ask *ret);

/**
 * pace_refused() - the unit answered @ask with an exception
 *
 * What it does not know (2, 3) is read in parts, what it has no time for (5, 6) is asked again
 * after a pause, as often as the round lasts.
 * Return: PARTED: report nothing, it is asked again in this round; REFUSED: report it, and say
 *   that the part is hardly asked any more; SAME: report it.
 */
enum split_outcome pace_refused(struct pace *pace, const struct pace_ask *ask, uint8_t exception,
				int64_t now_us);

/**
 * pace_accepted() - it gave an answer
 * Return: ACCEPTED: something of @ask was refused; RESTARTED: all of its request was; SAME.
 */
enum split_outcome pace_accepted(struct pace *pace, const struct pace_ask *ask, int64_t now_us);

/** pace_find() - the same request of a unit with @unit_id. Return: its index; LINK_NONE. */
uint32_t pace_find(const struct pace *pace, const struct wire_request *request, uint8_t unit_id,
		   uint32_t *ret_unit);

/** pace_failed() - @unit gave no right answer, for whatever reason */
void pace_failed(struct pace *pace, uint32_t unit);

/** pace_silent() - @unit gave no answer. Return: it is degraded as of now. */
bool pace_silent(struct pace *pace, uint32_t unit, int64_t now_us);

/** pace_answered() - @unit has answered. Return: it was degraded until now. */
bool pace_answered(struct pace *pace, uint32_t unit, int64_t now_us);

/** pace_others_healthy() - is there another unit than @unit whose last request did not fail? */
bool pace_others_healthy(const struct pace *pace, uint32_t unit);

/** pace_next_us() - the earliest due time, or end of a pause; LINK_NEVER without units */
int64_t pace_next_us(const struct pace *pace);

/** pace_n_overruns() - due times that were passed over */
uint64_t pace_n_overruns(const struct pace *pace);

/** pace_n_degraded() - units that are only probed */
uint32_t pace_n_degraded(const struct pace *pace);

/** pace_n_refused() - parts of requests that are refused at present */
uint32_t pace_n_refused(const struct pace *pace);
