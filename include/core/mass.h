/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mass.h - how much was released: concentration × flow over the time that has data
 *
 * Trapezoid: between two good pairs of values the mass flow is taken as a straight line,
 *
 *   m = Σ (r(i-1) + r(i)) / 2 × (t(i) - t(i-1)),  r = concentration × flow
 *
 * which is right for a ramp, and not late by half an interval as holding the last value would
 * be. An inspector can do it again in a spreadsheet. Two pairs that are farther apart than one
 * and a half intervals have a gap between them: nothing is added there, and the time does not
 * count as covered. What lies in a gap is not known and never made up.
 *
 * Above the limit: the same with r = max(0, concentration - bound) × flow.
 *
 * Pure: no clock, no I/O, no allocation.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"

/**
 * struct mass - what one substance has come to; saved as it is
 * @last: of the last pair of good values; counts if @has_last
 * @rate, @rate_above: kg/s, at @last
 * @from: since when it is summed up; counts if @counting
 * @total_kg, @above_kg: since then, over @covered_ms
 * @rests: nothing is summed up since then; counts if @resting
 * @resumed_ms: monotonic, end of the last rest; @rested_ms: all rests that are over
 */
struct mass {
	struct stamp last;
	struct stamp from;
	double rate;
	double rate_above;
	double total_kg;
	double above_kg;
	int64_t covered_ms;
	struct stamp rests;
	int64_t resumed_ms;
	int64_t rested_ms;
	bool has_last;
	bool counting;
	bool resting;
	uint8_t pad[5];
};

/**
 * struct mass_window - what flows in a window of which it is not known yet whether it counts
 * @before: the mass as it stood at the window's start
 * @whole: all that has flowed since
 */
struct mass_window {
	struct mass before;
	struct mass whole;
};

/** struct mass_span - the time that a sum is about, and how much of it had data */
struct mass_span {
	int64_t from_ms; /* UTC */
	int64_t until_ms;
	int64_t length_ms;	      /* without the rests */
	unsigned int covered_percent; /* rounded down: 100 means all of it */
};

/** mass_start() - sum up from @from on; the part of the next piece that lies before is left out */
void mass_start(struct mass *mass, struct stamp from);

/** mass_stop() - no more; the sums are forgotten, the last pair is not */
void mass_stop(struct mass *mass);

/** mass_rest() - the release is over: what flows from @at on is none of it, and no time of it
 * @at: may lie before now, but not before the last pair */
void mass_rest(struct mass *mass, struct stamp at);

/** mass_resume() - it has begun again */
void mass_resume(struct mass *mass, struct stamp at);

/**
 * mass_pair() - concentration and flow were good at @at
 * @rate, @rate_above: kg/s; what is negative counts as 0: a backflow takes nothing back
 * @most_ms: a longer time since the last pair is a gap
 */
void mass_pair(struct mass *mass, struct stamp at, double rate, double rate_above, int64_t most_ms);

/** mass_window_start() - a window begins at @from, which is not before the last pair */
void mass_window_start(struct mass_window *window, const struct mass *mass, struct stamp from);

/**
 * mass_window_join() - the window counts: what has flowed in it is of the release, all of it and
 * nothing twice
 * @until: its end, or now
 * @goes_on: so does the release; else what rested rests again from @until on
 */
void mass_window_join(struct mass *mass, const struct mass_window *window, struct stamp until,
		      bool goes_on);

/** mass_break() - one of them was not good: whatever comes next, a gap lies before it */
void mass_break(struct mass *mass);

/**
 * mass_span() - what the sums are about at @now
 *
 * The time since the last pair is not held against it as long as the next one is not due.
 * Return: false: no time has passed yet, nothing can be said.
 */
bool mass_span(const struct mass *mass, struct stamp now, int64_t most_ms, struct mass_span *ret);
