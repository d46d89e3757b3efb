/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "core/formula.h"
#include "core/release.h"

/* the lowest bound that "above" is about: of class limit, else of emergency; CONFIG_NONE none */
static size_t bound_of(const struct core *core, size_t channel)
{
	const struct config_limit *limits = core->config->limits;
	size_t best = CONFIG_NONE;

	for (size_t i = core->channel_limits[channel]; i < core->channel_limits[channel + 1]; i++) {
		if (!limits[i].high || limits[i].class < CLASS_LIMIT)
			continue;
		if (best == CONFIG_NONE || limits[i].class < limits[best].class ||
		    (limits[i].class == limits[best].class && limits[i].bound < limits[best].bound))
			best = i;
	}
	return best;
}

static bool is_on(const struct config_limit *limit, enum window_length length)
{
	return limit->high && limit->class >= CLASS_LIMIT &&
	       limit->on == (enum limit_on)(LIMIT_ON_MEAN_1MIN + (int)length);
}

/* the lengths of the windows that a channel's limits are on */
static void add_spans(struct core *core, size_t channel)
{
	for (int w = 0; w < N_WINDOWS; w++) {
		enum window_length length = (enum window_length)w;
		bool wanted = false;

		for (size_t i = core->channel_limits[channel];
		     i < core->channel_limits[channel + 1]; i++)
			wanted |= is_on(&core->config->limits[i], length);
		if (wanted)
			core->spans[core->n_spans++] = (struct core_span){channel, length};
	}
}

int release_init(struct core *core)
{
	const struct config *config = core->config;
	size_t n = config->n_channels + 1;

	core->masses = calloc(n, sizeof(*core->masses));
	core->released = calloc(n, sizeof(*core->released));
	core->released_above = calloc(n, sizeof(*core->released_above));
	core->spans = calloc(config->n_limits + 1, sizeof(*core->spans));
	core->span_masses = calloc(config->n_limits + 1, sizeof(*core->span_masses));
	core->first_span = calloc(n, sizeof(*core->first_span));
	if (!core->masses || !core->released || !core->released_above || !core->spans ||
	    !core->span_masses || !core->first_span)
		return -ENOMEM;
	for (size_t i = 0; i < config->n_channels; i++) {
		size_t limit = config->channels[i].mass_factor > 0 ? bound_of(core, i)
								   : CONFIG_NONE;

		if (limit == CONFIG_NONE)
			continue;
		core->released[core->n_released] = i;
		core->released_above[core->n_released++] = limit;
		core->leads[i] = true;
		add_spans(core, i);
		core->first_span[core->n_released] = core->n_spans;
	}
	return 0;
}

static int64_t longest_ms(const struct core *core, size_t channel)
{
	return (int64_t)core->interval_ms[channel] * 3 / 2;
}

/* is an alarm of it waiting for its delay, or standing? */
static bool is_beyond(const struct core *core, size_t channel)
{
	for (size_t i = core->channel_limits[channel]; i < core->channel_limits[channel + 1]; i++) {
		const struct config_limit *limit = &core->config->limits[i];

		if (limit->high && limit->class >= CLASS_LIMIT &&
		    core->limits[i].state.phase != LIMIT_NORMAL)
			return true;
	}
	return false;
}

static bool has_flow(const struct core *core, size_t flow, struct stamp at)
{
	const struct core_channel *state = &core->channels[flow];

	return state->has_value && state->quality == QUALITY_GOOD &&
	       at.mono_ms - state->good.mono_ms <= longest_ms(core, flow);
}

/*
 * A concentration at reference oxygen is that of a gas with less air in it than what flows out:
 * the mass is what it was before the correction. The same share of the corrected excess is the
 * mass above the limit. Corrections may lie farther down, as in a sum of corrected channels.
 */
bool release_share(const struct core *core, size_t channel, double *ret)
{
	const struct config_channel *config = &core->config->channels[channel];

	for (*ret = 1; config->formula != FORMULA_NONE;
	     config = &core->config->channels[config->inputs[0]]) {
		const struct core_channel *oxygen;

		if (config->formula != FORMULA_OXYGEN)
			continue;
		oxygen = &core->channels[config->inputs[1]];
		if (!oxygen->has_value || oxygen->quality != QUALITY_GOOD)
			return *ret = 1,
			       false; /* replay: the corrected values alone are in the file */
		*ret *= (FORMULA_AIR_OXYGEN - oxygen->value) /
			(FORMULA_AIR_OXYGEN - config->reference);
	}
	return true;
}

/** has_broken() - was it the window from @from_ms on whose mean went beyond a bound? */
static bool has_broken(const struct core *core, const struct core_span *span, int64_t from_ms)
{
	for (size_t i = core->channel_limits[span->channel];
	     i < core->channel_limits[span->channel + 1]; i++) {
		const struct limit_state *state = &core->limits[i].state;

		if (is_on(&core->config->limits[i], span->length) && state->phase != LIMIT_NORMAL &&
		    state->since_wall_ms == from_ms)
			return true;
	}
	return false;
}

/* a window that has broken a limit is judged when it is over, before a value of the next one is
 * taken: its sums are still there, and go on as those of the incident */
static void adopt(struct core *core, size_t released)
{
	struct mass *mass = &core->masses[core->released[released]];

	for (size_t i = core->first_span[released]; i < core->first_span[released + 1]; i++) {
		const struct mass *sum = &core->span_masses[i];

		if (sum->counting && has_broken(core, &core->spans[i], sum->from.wall_ms) &&
		    (!mass->counting || sum->from.mono_ms < mass->from.mono_ms))
			*mass = *sum;
	}
}

static void roll(struct core *core, size_t span, struct stamp at)
{
	struct mass *sum = &core->span_masses[span];
	int64_t start_ms = window_floor(core->spans[span].length, at.wall_ms,
					core->config->zone_min);

	if (!sum->counting || sum->from.wall_ms != start_ms)
		mass_start(sum, (struct stamp){.wall_ms = start_ms,
					       .mono_ms = at.mono_ms - (at.wall_ms - start_ms)});
}

static void sum_up(struct core *core, size_t released, struct stamp at, double rate,
		   double rate_above)
{
	size_t channel = core->released[released];
	int64_t most_ms = longest_ms(core, channel);

	mass_pair(&core->masses[channel], at, rate, rate_above, most_ms);
	for (size_t i = core->first_span[released]; i < core->first_span[released + 1]; i++)
		mass_pair(&core->span_masses[i], at, rate, rate_above, most_ms);
}

static void break_off(struct core *core, size_t released)
{
	mass_break(&core->masses[core->released[released]]);
	for (size_t i = core->first_span[released]; i < core->first_span[released + 1]; i++)
		mass_break(&core->span_masses[i]);
}

/** start_or_stop() - by what has been judged until now */
static void start_or_stop(struct core *core, size_t released, struct stamp at)
{
	size_t channel = core->released[released];
	struct mass *mass = &core->masses[channel];
	bool wanted = core_incident_of(core, channel)->open || is_beyond(core, channel);

	if (wanted)
		adopt(core, released);
	if (!mass->counting && wanted)
		mass_start(mass, at);
	else if (mass->counting && !wanted)
		mass_stop(mass);
	for (size_t i = core->first_span[released]; i < core->first_span[released + 1]; i++)
		roll(core, i, at);
}

static void take(struct core *core, size_t released)
{
	size_t channel = core->released[released];
	double bound = core->config->limits[core->released_above[released]].bound;
	const struct config_channel *config = &core->config->channels[channel];
	const struct core_channel *state = &core->channels[channel];
	size_t flow = core->config->sources[config->source].flow;
	double rate, share;

	start_or_stop(core, released, state->seen);
	if (state->quality != QUALITY_GOOD || !has_flow(core, flow, state->seen) ||
	    !release_share(core, channel, &share)) {
		break_off(core, released);
		return;
	}
	rate = MAX(core->channels[flow].value, 0.0) * config->mass_factor * share;
	sum_up(core, released, state->seen, state->value * rate, (state->value - bound) * rate);
}

void release_settle(struct core *core)
{
	for (size_t i = 0; i < core->n_released; i++)
		if (core->channels[core->released[i]].fresh)
			take(core, i);
}

void release_begin(struct core *core, const struct core_incident *incident, struct stamp at)
{
	for (size_t i = 0; i < core->n_released; i++) {
		struct mass *mass = &core->masses[core->released[i]];

		if (core_incident_of(core, core->released[i]) != incident)
			continue;
		adopt(core, i);
		if (!mass->counting)
			mass_start(mass, at);
	}
}

void release_end(struct core *core, const struct core_incident *incident)
{
	for (size_t i = 0; i < core->n_released; i++)
		if (core_incident_of(core, core->released[i]) == incident)
			mass_stop(&core->masses[core->released[i]]);
}

static struct stamp latest(const struct core *core)
{
	struct stamp now = core->streams[0].now;

	for (size_t i = 1; i < core->n_streams; i++)
		if (core->streams[i].now.mono_ms > now.mono_ms)
			now = core->streams[i].now;
	return now;
}

bool release_next(const struct core *core, const struct core_incident *incident, size_t *at,
		  struct release *ret)
{
	struct stamp now = latest(core);

	while (*at < core->n_released) {
		size_t i = (*at)++, channel = core->released[i];
		const struct mass *mass = &core->masses[channel];

		if (core->channels[channel].idle || core_incident_of(core, channel) != incident ||
		    !mass_span(mass, now, longest_ms(core, channel), &ret->span))
			continue;
		ret->channel = channel;
		ret->limit = core->released_above[i];
		ret->mass = mass;
		return true;
	}
	return false;
}
