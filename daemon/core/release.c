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

int release_init(struct core *core)
{
	const struct config *config = core->config;
	size_t n = config->n_channels + 1;

	core->masses = calloc(n, sizeof(*core->masses));
	core->released = calloc(n, sizeof(*core->released));
	core->released_above = calloc(n, sizeof(*core->released_above));
	if (!core->masses || !core->released || !core->released_above)
		return -ENOMEM;
	for (size_t i = 0; i < config->n_channels; i++) {
		size_t limit = config->channels[i].mass_factor > 0 ? bound_of(core, i)
								   : CONFIG_NONE;

		if (limit == CONFIG_NONE)
			continue;
		core->released[core->n_released] = i;
		core->released_above[core->n_released++] = limit;
		core->leads[i] = true;
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
static bool undo_correction(const struct core *core, size_t channel, double *ret)
{
	const struct config_channel *config = &core->config->channels[channel];

	for (*ret = 1; config->formula != FORMULA_NONE;
	     config = &core->config->channels[config->inputs[0]]) {
		const struct core_channel *oxygen;

		if (config->formula != FORMULA_OXYGEN)
			continue;
		oxygen = &core->channels[config->inputs[1]];
		if (!oxygen->has_value || oxygen->quality != QUALITY_GOOD)
			return false; /* replay: the corrected values alone are in the file */
		*ret *= (FORMULA_AIR_OXYGEN - oxygen->value) /
			(FORMULA_AIR_OXYGEN - config->reference);
	}
	return true;
}

static void take(struct core *core, size_t channel, size_t limit)
{
	const struct config_channel *config = &core->config->channels[channel];
	const struct core_channel *state = &core->channels[channel];
	size_t flow = core->config->sources[config->source].flow;
	bool open = core_incident_of(core, channel)->open;
	struct mass *mass = &core->masses[channel];
	double rate, share;

	if (!mass->counting && (open || is_beyond(core, channel)))
		mass_start(mass, state->seen);
	else if (mass->counting && !open && !is_beyond(core, channel))
		mass_stop(mass);
	if (state->quality != QUALITY_GOOD || !has_flow(core, flow, state->seen) ||
	    !undo_correction(core, channel, &share)) {
		mass_break(mass);
		return;
	}
	rate = MAX(core->channels[flow].value, 0.0) * config->mass_factor * share;
	mass_pair(mass, state->seen, state->value * rate,
		  (state->value - core->config->limits[limit].bound) * rate,
		  longest_ms(core, channel));
}

void release_settle(struct core *core)
{
	for (size_t i = 0; i < core->n_released; i++)
		if (core->channels[core->released[i]].fresh)
			take(core, core->released[i], core->released_above[i]);
}

void release_begin(struct core *core, const struct core_incident *incident, struct stamp at)
{
	for (size_t i = 0; i < core->n_released; i++) {
		struct mass *mass = &core->masses[core->released[i]];

		if (core_incident_of(core, core->released[i]) == incident && !mass->counting)
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
