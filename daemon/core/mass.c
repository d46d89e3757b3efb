/* SPDX-License-Identifier: Apache-2.0 */
#include "core/mass.h"
#include "common/macro.h"

void mass_start(struct mass *mass, struct stamp from)
{
	mass_stop(mass);
	mass->from = from;
	mass->counting = true;
}

void mass_stop(struct mass *mass)
{
	mass->counting = false;
	mass->from = (struct stamp){0};
	mass->total_kg = mass->above_kg = 0;
	mass->covered_ms = 0;
	mass->resting = false;
	mass->rests = (struct stamp){0};
	mass->resumed_ms = INT64_MIN;
	mass->rested_ms = 0;
}

void mass_rest(struct mass *mass, struct stamp at)
{
	if (!mass->counting || mass->resting)
		return;
	mass->resting = true;
	mass->rests = at;
}

void mass_resume(struct mass *mass, struct stamp at)
{
	if (!mass->resting)
		return;
	mass->resting = false;
	mass->rested_ms += MAX(at.mono_ms - mass->rests.mono_ms, INT64_C(0));
	mass->resumed_ms = at.mono_ms;
}

/* what counts of the piece to @at, along the straight line between the two pairs */
static void add_piece(struct mass *mass, struct stamp at, double rate, double rate_above)
{
	int64_t begin_ms = MAX(MAX(mass->last.mono_ms, mass->from.mono_ms), mass->resumed_ms);
	int64_t end_ms = mass->resting ? MIN(at.mono_ms, mass->rests.mono_ms) : at.mono_ms;
	double length_ms = (double)(at.mono_ms - mass->last.mono_ms);
	double middle = ((double)(begin_ms - mass->last.mono_ms) +
			 (double)(end_ms - mass->last.mono_ms)) /
			2 / length_ms;
	double piece_s = (double)(end_ms - begin_ms) / (double)MS_PER_S;

	if (end_ms <= begin_ms)
		return;
	mass->total_kg += (mass->rate + middle * (rate - mass->rate)) * piece_s;
	mass->above_kg += (mass->rate_above + middle * (rate_above - mass->rate_above)) * piece_s;
	mass->covered_ms += end_ms - begin_ms;
}

void mass_pair(struct mass *mass, struct stamp at, double rate, double rate_above, int64_t most_ms)
{
	int64_t length_ms = at.mono_ms - mass->last.mono_ms;

	rate = MAX(rate, 0.0);
	rate_above = MAX(rate_above, 0.0);
	if (mass->has_last && length_ms < 0)
		return;
	if (mass->counting && mass->has_last && length_ms > 0 && length_ms <= most_ms)
		add_piece(mass, at, rate, rate_above);
	mass->last = at;
	mass->rate = rate;
	mass->rate_above = rate_above;
	mass->has_last = true;
}

void mass_window_start(struct mass_window *window, const struct mass *mass, struct stamp from)
{
	window->before = *mass;
	window->whole = *mass;
	mass_start(&window->whole, from);
}

/* is all of the window in it already? */
static bool has_window(const struct mass *mass, const struct mass_window *window,
		       struct stamp until)
{
	struct mass before = window->before;

	if (!mass->counting || mass->from.mono_ms > window->whole.from.mono_ms ||
	    (mass->resting && mass->rests.mono_ms < until.mono_ms))
		return false;
	if (!before.counting)
		return mass->rested_ms == 0;
	mass_resume(&before, window->whole.from);
	return mass->rested_ms == before.rested_ms;
}

void mass_window_join(struct mass *mass, const struct mass_window *window, struct stamp until,
		      bool goes_on)
{
	const struct mass *whole = &window->whole;
	struct mass joined = window->before;
	bool rests = mass->resting;

	if (has_window(mass, window, until))
		return;
	if (joined.counting)
		mass_resume(&joined, whole->from);
	else
		mass_start(&joined, whole->from);
	joined.total_kg += whole->total_kg;
	joined.above_kg += whole->above_kg;
	joined.covered_ms += whole->covered_ms;
	joined.last = whole->last;
	joined.rate = whole->rate;
	joined.rate_above = whole->rate_above;
	joined.has_last = whole->has_last;
	*mass = joined;
	if (rests && !goes_on)
		mass_rest(mass, until);
}

void mass_break(struct mass *mass)
{
	mass->has_last = false;
}

bool mass_span(const struct mass *mass, struct stamp now, int64_t most_ms, struct mass_span *ret)
{
	struct stamp until = now;
	int64_t length_ms;

	if (mass->resting)
		until = mass->rests;
	else if (mass->has_last && now.mono_ms - mass->last.mono_ms <= most_ms)
		until = mass->last;
	length_ms = until.mono_ms - mass->from.mono_ms - mass->rested_ms;
	if (!mass->counting || length_ms <= 0)
		return false;
	*ret = (struct mass_span){
		.from_ms = mass->from.wall_ms,
		.until_ms = until.wall_ms,
		.length_ms = length_ms,
		.covered_percent = (unsigned int)MIN(100 * mass->covered_ms / length_ms,
						     INT64_C(100)),
	};
	return true;
}
