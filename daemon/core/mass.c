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
	mass->rested_ms += at.mono_ms - mass->rests.mono_ms;
	mass->resumed_ms = at.mono_ms;
}

/* from the moment that counts to @at, along the straight line between the two pairs */
static void add_piece(struct mass *mass, struct stamp at, double rate, double rate_above)
{
	int64_t begin_ms = MAX(MAX(mass->last.mono_ms, mass->from.mono_ms), mass->resumed_ms);
	double length_ms = (double)(at.mono_ms - mass->last.mono_ms);
	double left_out = (double)(begin_ms - mass->last.mono_ms) / length_ms;
	double piece_s = (double)(at.mono_ms - begin_ms) / (double)MS_PER_S;
	double first = mass->rate + left_out * (rate - mass->rate);
	double first_above = mass->rate_above + left_out * (rate_above - mass->rate_above);

	if (at.mono_ms <= begin_ms)
		return;
	mass->total_kg += (first + rate) / 2 * piece_s;
	mass->above_kg += (first_above + rate_above) / 2 * piece_s;
	mass->covered_ms += at.mono_ms - begin_ms;
}

void mass_pair(struct mass *mass, struct stamp at, double rate, double rate_above, int64_t most_ms)
{
	int64_t length_ms = at.mono_ms - mass->last.mono_ms;

	rate = MAX(rate, 0.0);
	rate_above = MAX(rate_above, 0.0);
	if (mass->has_last && length_ms < 0)
		return;
	if (mass->counting && !mass->resting && mass->has_last && length_ms > 0 &&
	    length_ms <= most_ms)
		add_piece(mass, at, rate, rate_above);
	mass->last = at;
	mass->rate = rate;
	mass->rate_above = rate_above;
	mass->has_last = true;
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
		.covered_percent = (unsigned int)MIN(100 * mass->covered_ms / length_ms,
						     INT64_C(100)),
	};
	return true;
}
