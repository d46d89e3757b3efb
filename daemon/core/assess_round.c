/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "core/assess_inside.h"
#include "core/units.h"

/** begin_at() - when a path's release began */
static void begin_at(struct crossing_path *path, struct stamp since)
{
	path->release_ms = since.wall_ms;
	path->began_ms = since.mono_ms;
}

void round_begin_with(struct crossing_path *path, const struct crossing_path *before)
{
	if (before && before->began_ms < path->began_ms)
		begin_at(path, (struct stamp){.mono_ms = before->began_ms,
					      .wall_ms = before->release_ms});
}

double round_lasted_s(const struct round *round, const struct crossing_path *path)
{
	return (double)MAX(round->end.mono_ms - path->began_ms, (int64_t)0) / MS_PER_S;
}

struct crossing_path round_path(const struct round *round, enum crossing_method method,
				const struct config_target *target)
{
	struct crossing_path path = {
		.source = assess_source_key(round->core->config, round->source),
		.target = assess_key(target->name),
		.release_ms = round->since.wall_ms,
		.began_ms = round->since.mono_ms,
		.central = (double)NAN,
		.low = (double)NAN,
		.high = (double)NAN,
		.background = (double)NAN,
		.excess = (double)NAN,
		.excess_high = (double)NAN,
		.measured = (double)NAN,
		.bound = (double)NAN,
		.distance_m = (double)NAN,
		.bearing_deg = (double)NAN,
		.point = {(double)NAN, (double)NAN},
		.method = (uint8_t)method,
		.covered_percent = CROSSING_COVER_NONE,
	};

	for (size_t i = 0; i < CROSSING_INPUTS_MAX; i++)
		path.inputs[i] = (double)NAN;
	return path;
}

const struct crossing_path *round_same(const struct core_crossing *crossing,
				       const struct crossing_path *path)
{
	for (uint32_t i = 0; i < crossing->n_paths; i++) {
		const struct crossing_path *other = &crossing->paths[i];

		if (other->source == path->source && other->target == path->target &&
		    other->threshold == path->threshold && other->method == path->method)
			return other;
	}
	return NULL;
}

static bool has_threshold(const struct config *config, const struct config_target *target,
			  size_t channel)
{
	uint64_t key = assess_parameter_key(config, target, channel);

	for (size_t k = 0; k < target->n_thresholds; k++)
		if (assess_threshold_key(config, target->first_threshold + k) == key)
			return true;
	return false;
}

/** was_broken() - a limit of the law on what the channel measures, but for what is derived of it
 * and has a threshold of its own */
static bool was_broken(const struct round *round, const struct config_target *target,
		       size_t channel)
{
	const struct core *core = round->core;
	const struct config *config = core->config;

	/* what is derived of it stands behind it */
	for (size_t i = channel;
	     i < config->n_channels && config->channels[i].source == round->source; i++) {
		if (config_measured_as(config, i) != channel ||
		    (i != channel && has_threshold(config, target, i)))
			continue;
		for (size_t k = core->channel_limits[i]; k < core->channel_limits[i + 1]; k++)
			if (assess_was_broken(core, round->incident, k))
				return true;
	}
	return false;
}

bool round_unjudged(const struct round *round, const struct config_target *target, size_t *channel,
		    struct round_unjudged *ret)
{
	const struct config *config = round->core->config;
	bool gas = config->sources[round->source].kind == WASTE_GAS;

	for (size_t i = *channel; i < config->n_channels; i++) {
		if (config->channels[i].source != round->source || !was_broken(round, target, i) ||
		    has_threshold(config, target, i))
			continue;
		ret->key = assess_parameter_key(config, target, i);
		ret->flags = FLAG_NO_THRESHOLD;
		if (!unit_is_concentration(config->channels[i].measure, gas))
			ret->flags |= FLAG_NO_MEASURE;
		*channel = i + 1;
		return true;
	}
	return false;
}

/** is_worse() - the verdict first, then the most that is added, in thresholds */
static bool is_worse(const struct crossing_path *a, const struct crossing_path *b)
{
	double x = a->excess_high / a->bound, y = b->excess_high / b->bound;

	if (a->verdict != b->verdict)
		return assess_is_worse(a->verdict, b->verdict);
	return !isnan(x) && (isnan(y) || x > y);
}

static bool is_of_boundary(const struct config *config, const struct crossing_path *path)
{
	size_t target = assess_target_of(config, path->target);

	return target != CONFIG_NONE && config->crossing.targets[target].kind != TARGET_RECEPTOR;
}

/** has_worse() - is there a worse path to the same target? */
static bool has_worse(const struct crossing_path *paths, uint32_t i)
{
	for (uint32_t j = 0; j < i; j++)
		if (paths[j].target == paths[i].target)
			return true;
	return false;
}

/**
 * least() - which of @n paths, the worst first, matters least
 *
 * The worst path of a target stays as long as there is another to a target that has one, and that
 * to a boundary longer than that to a receptor: levels, and what is waited for, come from these,
 * and villages near the outfall must not crowd out the border.
 */
static uint32_t least(const struct config *config, const struct crossing_path *paths, uint32_t n)
{
	for (uint32_t i = n; i-- > 0;)
		if (has_worse(paths, i))
			return i;
	for (uint32_t i = n; i-- > 0;)
		if (!is_of_boundary(config, &paths[i]))
			return i;
	return n - 1;
}

void round_add(const struct round *round, const struct crossing_path *path)
{
	struct core_crossing *crossing = round->now;
	struct crossing_path paths[CROSSING_PATHS_MAX + 1];
	uint32_t n = crossing->n_paths, i = n;

	memcpy(paths, crossing->paths, n * sizeof(*paths));
	for (; i > 0 && is_worse(path, &paths[i - 1]); i--)
		paths[i] = paths[i - 1];
	paths[i] = *path;
	n++;
	if (n > CROSSING_PATHS_MAX) {
		uint32_t out = least(round->core->config, paths, n);

		memmove(&paths[out], &paths[out + 1], (n - out - 1) * sizeof(*paths));
		n--;
		crossing->n_left_out++;
	}
	memcpy(crossing->paths, paths, n * sizeof(*paths));
	crossing->n_paths = n;
}

/** stay() - as it was, but how much was measured is as it is now */
static void stay(struct crossing_path *path, const struct crossing_path *before)
{
	const uint64_t of_now = FLAG_FILLED | FLAG_HARDLY_MEASURED;
	struct crossing_path now = *path;

	*path = *before;
	path->covered_percent = now.covered_percent;
	path->flags = (before->flags & ~of_now) | (now.flags & of_now);
}

void round_judge(const struct round *round, struct crossing_path *path)
{
	const struct crossing_path *before = round_same(round->before, path);
	const struct config_crossing *crossing = &round->core->config->crossing;
	const struct core_due *due = assess_due_of(round->core, round->incident->id,
						   path->threshold);
	enum crossing_verdict was = before ? (enum crossing_verdict)before->verdict : VERDICT_NONE;
	enum crossing_verdict verdict = assess_verdict(crossing, path, was);

	path->flags &= ~FLAG_HELD;
	if (due && due->state == DUE_CONFIRMED)
		verdict = VERDICT_OBSERVED;
	else if (due && due->state == DUE_REFUTED && verdict < VERDICT_OBSERVED)
		verdict = VERDICT_UNLIKELY;
	else if (assess_is_held(crossing, path, was))
		path->flags |= FLAG_HELD;
	path->verdict = (uint8_t)verdict;
	path->held_ms = round->at.mono_ms;
	/* the wind turns, and what was sent is where it was sent to */
	if (path->method == METHOD_PLUME && before && path->verdict < before->verdict &&
	    before->verdict < VERDICT_OBSERVED && !(due && due->state == DUE_REFUTED) &&
	    (double)(round->at.mono_ms - before->held_ms) <
		    fmax(before->inputs[INPUT_WAY] * MS_PER_S, ASSESS_AIR_MS))
		stay(path, before);
}

void round_cover(const struct round *round, const struct assess_mass *mass,
		 struct crossing_path *path)
{
	path->covered_percent = mass->covered_percent;
	if (mass->covered_percent == CROSSING_COVER_NONE)
		return;
	if (mass->has_gaps)
		path->flags |= FLAG_FILLED;
	if (mass->covered_percent < round->core->config->crossing.covered_percent)
		path->flags |= FLAG_HARDLY_MEASURED;
}
