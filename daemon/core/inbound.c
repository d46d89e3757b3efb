/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/assess.h"

/* what speaks against a source upstream, the worst first. What breaks one limit lets other things
 * go, too: then nobody says for sure that what is out here is not ours. */
#define ROW_OWN	    0
#define ROW_OTHER   1
#define ROW_BLIND   2
#define ROW_UNBOUND 3
#define ROW_GAPS    4
static const struct {
	uint64_t flag;
	enum crossing_verdict verdict;
	const char *says;
} doubts[] = {
	{FLAG_OWN_OUT, VERDICT_UNLIKELY, "out of its limits within the travel time"},
	{FLAG_OWN_OUT, VERDICT_POSSIBLE, "may be ours, another limit was broken there"},
	{FLAG_OWN_BLIND, VERDICT_POSSIBLE, "not known, it is not measured there"},
	{FLAG_OWN_UNBOUND, VERDICT_POSSIBLE, "not judged, there is no limit of it there"},
	{FLAG_OWN_UNMEASURED, VERDICT_POSSIBLE, "not measured all through the travel time"},
};

static bool is_zero(struct stamp stamp)
{
	return stamp.mono_ms == 0 && stamp.wall_ms == 0;
}

/** own_bound() - the strictest limit of the law on values or means of a channel; NAN none. What a
 * river may carry is no bound of what flows into it: a threshold is none. */
static double own_bound(const struct core *core, size_t channel, bool high)
{
	const struct config *config = core->config;
	double strictest = (double)NAN;

	for (size_t i = core->channel_limits[channel]; i < core->channel_limits[channel + 1]; i++) {
		const struct config_limit *limit = &config->limits[i];

		if (limit->class < CLASS_LIMIT || limit->high != high)
			continue;
		strictest = high ? fmin(strictest, limit->bound) : fmax(strictest, limit->bound);
	}
	return strictest;
}

/** is_beyond() - a value, or one of the open minute; of a mean over hours each value counts */
static bool is_beyond(const struct core *core, size_t channel, struct stamp at)
{
	const struct core_channel *state = &core->channels[channel];
	bool is_new = state->has_value && at.mono_ms - state->good.mono_ms < ASSESS_WATCH_MS;
	double high = own_bound(core, channel, true), low = own_bound(core, channel, false);

	/* comparisons with NAN are false */
	return (is_new && (state->value > high || state->value < low)) ||
	       (state->minute.n > 0 && (state->minute.max > high || state->minute.min < low));
}

static bool has_alarm(const struct core *core, size_t channel)
{
	for (size_t i = core->channel_limits[channel]; i < core->channel_limits[channel + 1]; i++)
		if (core->config->limits[i].class >= CLASS_LIMIT &&
		    limit_is_raised(&core->limits[i].state))
			return true;
	return false;
}

static bool is_measured(const struct core *core, size_t channel, struct stamp at)
{
	const struct core_channel *state = &core->channels[channel];
	int64_t most_ms = MAX((int64_t)core->lost_after_ms[channel], (int64_t)ASSESS_BLIND_MS);

	return state->has_value && !state->lost && !state->idle &&
	       at.mono_ms - state->good.mono_ms <= most_ms;
}

static void watch(struct core *core, size_t channel, struct stamp at)
{
	struct core_upstream *state = &core->upstream[channel];

	if (has_alarm(core, channel) || is_beyond(core, channel, at))
		state->out = at;
	if (!is_measured(core, channel, at))
		state->since = (struct stamp){0};
	else if (is_zero(state->since) || at.mono_ms - state->seen.mono_ms >= ASSESS_BLIND_MS)
		state->since = at;
	state->seen = at;
}

static bool is_upstream(const struct config_crossing *crossing, size_t source)
{
	for (size_t i = 0; i < crossing->n_upstream; i++)
		if (crossing->upstream[i].source == source)
			return true;
	return false;
}

void inbound_watch(struct core *core, struct stamp at)
{
	const struct config *config = core->config;

	for (size_t i = 0; config->crossing.n_upstream > 0 && i < config->n_channels; i++)
		if (is_upstream(&config->crossing, config->channels[i].source))
			watch(core, i, at);
}

static size_t channel_of(const struct config *config, size_t source, const char *name)
{
	for (size_t i = 0; i < config->n_channels; i++)
		if (config->channels[i].source == source &&
		    strcmp(config->channels[i].name, name) == 0)
			return i;
	return CONFIG_NONE;
}

/** limit_was_broken() - a limit of the law at the station, in this incident */
static bool limit_was_broken(const struct core *core, size_t source, size_t limit)
{
	const struct config *config = core->config;
	const struct core_limit *state = &core->limits[limit];
	const struct core_incident *incident = core_incident_of(core,
								config->limits[limit].channel);

	return config->limits[limit].class >= CLASS_LIMIT &&
	       config->channels[config->limits[limit].channel].source == source &&
	       (limit_is_raised(&state->state) ||
		(state->raised.wall_ms && state->raised.mono_ms >= incident->opened.mono_ms));
}

/** was_out() - beyond a limit at some time of the last @travel_ms */
static bool was_out(const struct core *core, size_t channel, struct stamp at, int64_t travel_ms)
{
	const struct core_upstream *state = &core->upstream[channel];

	return has_alarm(core, channel) || is_beyond(core, channel, at) ||
	       (!is_zero(state->out) && at.mono_ms - state->out.mono_ms <= travel_ms);
}

/** legal_limit() - of a channel: the one whose alarm stands, else the first; CONFIG_NONE none */
static size_t legal_limit(const struct core *core, size_t channel)
{
	size_t found = CONFIG_NONE;

	for (size_t i = core->channel_limits[channel]; i < core->channel_limits[channel + 1]; i++) {
		if (core->config->limits[i].class < CLASS_LIMIT)
			continue;
		if (limit_is_raised(&core->limits[i].state))
			return i;
		if (found == CONFIG_NONE)
			found = i;
	}
	return found;
}

/** travel_of() - how far back a source upstream matters: a mean looks back, too */
static int64_t travel_of(const struct config_upstream *upstream, const struct config_limit *broken)
{
	int64_t travel_ms = (int64_t)(upstream->travel_s * MS_PER_S);

	if (broken->on != LIMIT_ON_VALUE)
		travel_ms += window_ms((enum window_length)(broken->on - LIMIT_ON_MEAN_1MIN));
	return travel_ms;
}

/** other_limit() - one of the law's that was broken at a source upstream, by whatever channel;
 * CONFIG_NONE none */
static size_t other_limit(const struct core *core, const struct config_upstream *upstream,
			  size_t limit, struct stamp at)
{
	int64_t travel_ms = travel_of(upstream, &core->config->limits[limit]);

	for (size_t i = 0; i < core->config->n_channels; i++) {
		size_t other;

		if (core->config->channels[i].source != upstream->source)
			continue;
		other = legal_limit(core, i);
		if (other != CONFIG_NONE && was_out(core, i, at, travel_ms))
			return other;
	}
	return CONFIG_NONE;
}

/** doubt() - does a source upstream speak against it, by what that limit is about?
 * Return: its row of @doubts; their number: it was in order. */
static size_t doubt(const struct core *core, const struct config_upstream *upstream, size_t limit,
		    struct stamp at)
{
	const struct config *config = core->config;
	const struct config_limit *broken = &config->limits[limit];
	size_t channel = channel_of(config, upstream->source,
				    config->channels[broken->channel].name);
	int64_t travel_ms = travel_of(upstream, broken);
	const struct core_upstream *state;
	bool was_measured;

	if (channel != CONFIG_NONE && was_out(core, channel, at, travel_ms))
		return ROW_OWN;
	if (other_limit(core, upstream, limit, at) != CONFIG_NONE)
		return ROW_OTHER;
	if (channel == CONFIG_NONE)
		return ROW_BLIND;
	state = &core->upstream[channel];
	was_measured = is_measured(core, channel, at) && !is_zero(state->since) &&
		       at.mono_ms - state->since.mono_ms >= travel_ms &&
		       at.mono_ms - state->seen.mono_ms < ASSESS_BLIND_MS;
	if (isnan(own_bound(core, channel, broken->high)))
		return ROW_UNBOUND;
	return was_measured ? ARRAY_SIZE(doubts) : ROW_GAPS;
}

/** worst_doubt() - by all that is out at the station. @ret_limit: by which */
static size_t worst_doubt(const struct core *core, size_t source,
			  const struct config_upstream *upstream, struct stamp at,
			  size_t *ret_limit)
{
	size_t worst = ARRAY_SIZE(doubts);

	for (size_t i = 0; i < core->config->n_limits; i++) {
		size_t row;

		if (!limit_was_broken(core, source, i))
			continue;
		row = doubt(core, upstream, i, at);
		if (row >= worst)
			continue;
		worst = row;
		*ret_limit = i;
	}
	return worst;
}

void inbound_assess(const struct core *core, size_t source, struct stamp at,
		    const struct crossing_path *before, struct crossing_path *path)
{
	const struct config_crossing *crossing = &core->config->crossing;
	const struct config_release *release = &core->config->sources[source].release;
	double travel_s = 0;
	size_t limit;

	/* nobody says that it is not ours where none of ours is known to be upstream */
	path->verdict = release->n_upstream > 0 ? VERDICT_OBSERVED : VERDICT_POSSIBLE;
	for (size_t i = 0; i < release->n_upstream; i++) {
		const struct config_upstream
			*upstream = &crossing->upstream[release->first_upstream + i];
		size_t row = worst_doubt(core, source, upstream, at, &limit);

		travel_s = fmax(travel_s, upstream->travel_s);
		if (row == ARRAY_SIZE(doubts))
			continue;
		path->flags |= doubts[row].flag;
		path->verdict = MIN(path->verdict, (uint8_t)doubts[row].verdict);
	}
	if (release->n_upstream == 0)
		path->flags |= FLAG_NO_UPSTREAM;
	if (path->verdict == VERDICT_OBSERVED && !assess_lasts(core, source)) {
		path->verdict = VERDICT_POSSIBLE;
		path->flags |= FLAG_BRIEF;
	}
	path->inputs[0] = travel_s;
	path->inputs[1] = (double)release->n_upstream;
	path->arrival_ms = path->release_ms;
	if (!before)
		return;
	if (before->verdict == VERDICT_OBSERVED && path->verdict == VERDICT_POSSIBLE &&
	    !(path->flags & FLAG_OWN_OUT))
		*path = *before; /* what was known then stays known */
	else if (path->verdict != VERDICT_OBSERVED &&
		 (before->verdict == VERDICT_OBSERVED || before->flags & FLAG_WITHDRAWN))
		path->flags |= FLAG_WITHDRAWN;
}

void inbound_describe(const struct core *core, size_t source, struct stamp at,
		      const struct crossing_path *path, char text[static ASSESS_REASON_MAX])
{
	const struct config *config = core->config;
	const struct config_release *release = &config->sources[source].release;
	size_t n = 0, limit = 0;

	text[0] = '\0';
	if (path->flags & FLAG_WITHDRAWN)
		n = (size_t)snprintf(text, ASSESS_REASON_MAX,
				     "no longer observed, the level stays");
	for (size_t i = 0; i < release->n_upstream && path->verdict != VERDICT_OBSERVED; i++) {
		const struct config_upstream
			*upstream = &config->crossing.upstream[release->first_upstream + i];
		const struct config_source *own = &config->sources[upstream->source];
		size_t row = worst_doubt(core, source, upstream, at, &limit), other;

		if (row == ARRAY_SIZE(doubts) || n >= ASSESS_REASON_MAX - 1)
			continue;
		other = row == ROW_OTHER ? other_limit(core, upstream, limit, at) : CONFIG_NONE;
		n += (size_t)snprintf(
			text + n, ASSESS_REASON_MAX - n, "%s%s %s: %s/%s%s%s", n > 0 ? "; " : "",
			config->channels[config->limits[limit].channel].name, doubts[row].says,
			config->sites[own->site].name, own->name, other != CONFIG_NONE ? ", " : "",
			other != CONFIG_NONE ? config->limits[other].path : "");
	}
	if (n > 0)
		return;
	(void)snprintf(text, ASSESS_REASON_MAX, "%s",
		       path->flags & FLAG_NO_UPSTREAM ? crossing_flag_text(FLAG_NO_UPSTREAM)
		       : path->flags & FLAG_BRIEF
			       ? crossing_flag_text(FLAG_BRIEF)
			       : "what is out of limits here was measured at all own sources "
				 "upstream, and "
				 "was within their limits over the travel time");
}
