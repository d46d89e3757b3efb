/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "core/assess.h"

/** is_out() - does a limit of the law stand broken at a source? @ret_lost: is one not measured? */
static bool is_out(const struct core *core, size_t source, bool *ret_lost)
{
	const struct config *config = core->config;
	bool out = false;

	*ret_lost = false;
	for (size_t i = 0; i < config->n_limits; i++) {
		const struct config_limit *limit = &config->limits[i];

		if (limit->class < CLASS_LIMIT || config->channels[limit->channel].source != source)
			continue;
		out |= limit_is_raised(&core->limits[i].state);
		*ret_lost |= core->channels[limit->channel].lost ||
			     !core->channels[limit->channel].has_value;
	}
	return out;
}

static bool is_zero(struct stamp stamp)
{
	return stamp.mono_ms == 0 && stamp.wall_ms == 0;
}

void inbound_watch(struct core *core, struct stamp at)
{
	const struct config_crossing *crossing = &core->config->crossing;

	for (size_t i = 0; i < crossing->n_upstream; i++) {
		size_t source = crossing->upstream[i].source;
		struct core_upstream *state = &core->upstream[source];
		bool lost;

		if (!is_zero(state->seen) && at.mono_ms - state->seen.mono_ms < ASSESS_WATCH_MS)
			continue;
		if (is_out(core, source, &lost))
			state->out = at;
		if (lost)
			state->since = (struct stamp){0};
		else if (is_zero(state->since) ||
			 at.mono_ms - state->seen.mono_ms >= ASSESS_BLIND_MS)
			state->since = at;
		state->seen = at;
	}
}

/** speaks_against() - was an own source out of limits, or not measured, within the time? */
static uint32_t speaks_against(const struct core *core, const struct config_upstream *upstream,
			       struct stamp at)
{
	const struct core_upstream *state = &core->upstream[upstream->source];
	int64_t travel_ms = (int64_t)(upstream->travel_s * MS_PER_S);
	bool lost;

	if (is_out(core, upstream->source, &lost) ||
	    (!is_zero(state->out) && at.mono_ms - state->out.mono_ms <= travel_ms))
		return FLAG_OWN_OUT;
	if (lost || is_zero(state->since) || at.mono_ms - state->since.mono_ms < travel_ms ||
	    at.mono_ms - state->seen.mono_ms >= ASSESS_BLIND_MS)
		return FLAG_OWN_UNMEASURED;
	return 0;
}

void inbound_assess(const struct core *core, size_t source, struct stamp at,
		    struct crossing_path *path, size_t *ret_culprit)
{
	const struct config_crossing *crossing = &core->config->crossing;
	const struct config_release *release = &core->config->sources[source].release;
	double travel_s = 0;

	*ret_culprit = CONFIG_NONE;
	/* nobody says that it is not ours where none of ours is known to be upstream */
	path->verdict = release->n_upstream > 0 ? VERDICT_OBSERVED : VERDICT_POSSIBLE;
	for (size_t i = 0; i < release->n_upstream; i++) {
		const struct config_upstream
			*upstream = &crossing->upstream[release->first_upstream + i];
		uint32_t flag = speaks_against(core, upstream, at);
		uint8_t verdict = flag == FLAG_OWN_OUT		? VERDICT_UNLIKELY
				  : flag == FLAG_OWN_UNMEASURED ? VERDICT_POSSIBLE
								: VERDICT_OBSERVED;

		travel_s = fmax(travel_s, upstream->travel_s);
		path->flags |= flag;
		if (verdict >= path->verdict)
			continue;
		path->verdict = verdict;
		*ret_culprit = upstream->source;
	}
	if (release->n_upstream == 0)
		path->flags |= FLAG_NO_UPSTREAM;
	path->inputs[0] = travel_s;
	path->inputs[1] = (double)release->n_upstream;
	path->arrival_ms = path->release_ms;
}
