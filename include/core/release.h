/* SPDX-License-Identifier: Apache-2.0 */
/*
 * release.h - which masses are reckoned, and from when on: mass.h for the channels of a core
 *
 * Reckoned is each concentration with a limit of class limit or emergency above it, at a source
 * whose "flow" is configured; and each that a place where it may go has a threshold of, for the
 * assessment only. What a value is paired with is the flow's last good one, no older
 * than one and a half of the flow's intervals.
 *
 * Concentrations at reference oxygen are taken back to the gas as it flows out; the excess above
 * the limit, too.
 *
 * A mass counts from the moment that its incident opens. Where an alarm of the channel has waited
 * for its raise delay, it counts from when that began, for a limit on values the first beyond the
 * bound (the alarm's "since"): these values go through here one by one meanwhile.
 *
 * Of limits on means the windows count that broke them. So the incident's masses begin with the
 * window's start, and when it is over they rest: its alarm stands for another window, a day of a
 * daily mean, as nothing is known of that one before it ends. Meanwhile what flows in it is summed
 * up beside. Once it is certain that it breaks the limit, too (forecast.h, or its end), all that
 * flowed in it is of the release; else nothing is, but for the time in which another limit of the
 * incident was broken. A limit on values that is broken (or waits for its raise delay) lets them go
 * on, until it clears; when nothing stands any more they rest: what flows in order while one waits
 * whether it stays so, or while what was let go is on its way, is no release. "until" is the end of
 * what counts; each sum is about the time from "from" to "until" without the rests, and its share
 * of time that was covered is that of this time.
 *
 * "Above" a limit on a mean is what the values are above its bound, as for a limit on values:
 *
 *   ∫ max(0, c - bound) × flow dt  >=  (flow-weighted mean of c - bound) × volume
 *
 * so it is never less than what the window's load has too much of, hours in order do not make up
 * for hours that were not, and it is 0 in a broken window only where nothing flowed while the
 * concentration was above.
 *
 * Pure: no clock, no I/O, no allocation.
 */
#pragma once

#include "core/core.h"
#include "core/mass.h"

/**
 * release_share() - by what a channel's concentration is multiplied to be that of the gas as it
 * flows out: the correction to reference oxygen is taken back; 1 where there is none
 * Return: false: the oxygen is not known now.
 */
bool release_share(const struct core *core, size_t channel, double *ret);

/** release_init() - find the channels whose mass is reckoned; -ENOMEM */
int release_init(struct core *core);

/** release_settle() - take the new samples of these channels, all of one moment being in */
void release_settle(struct core *core);

/** release_begin() - an incident opens: its masses count from here on, if not earlier */
void release_begin(struct core *core, const struct core_incident *incident, struct stamp at);

/** release_rest() - nothing is let go any more, and the incident waits for what was */
void release_rest(struct core *core, const struct core_incident *incident, struct stamp at);

/** release_resume() - a limit is broken anew */
void release_resume(struct core *core, const struct core_incident *incident, struct stamp at);

/** release_look() - what stands: do the masses rest, or go on? */
void release_look(struct core *core, struct core_incident *incident, struct stamp at);

/** release_end() - it has ended and was reported */
void release_end(struct core *core, const struct core_incident *incident);

/** release_span() - mass_span() of a channel; false also where its mass is not reckoned */
bool release_span(const struct core *core, size_t channel, struct stamp at, struct mass_span *ret);

/**
 * struct release - one mass of an incident
 * @limit: the one whose bound "above" is about: of the law or the permit; where there is none of
 *	these one that does not say whose it is, else the plant's own. Of several one of class limit
 *	rather than emergency, and of these the lowest.
 */
struct release {
	size_t channel;
	size_t limit;
	const struct mass *mass;
	struct mass_span span;
};

/**
 * release_next() - the masses of an incident, one after the other
 * @at: where to look on; 0 at first
 * Return: false: there are no more; none at all where only stations have seen something, which
 *	measure what comes from elsewhere.
 */
bool release_next(const struct core *core, const struct core_incident *incident, size_t *at,
		  struct release *ret);
