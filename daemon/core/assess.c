/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/assess_inside.h"

#define PLUME_DUE_MS 600000 /* behind the last of a plume: gusts and lulls */

/** channel_of() - a source's channel that a threshold is about; CONFIG_NONE */
static size_t channel_of(const struct config *config, size_t source, const char *parameter)
{
	for (size_t i = 0; i < config->n_channels; i++)
		if (config->channels[i].source == source &&
		    strcmp(config->channels[i].name, parameter) == 0)
			return i;
	return CONFIG_NONE;
}

/* --- through the air ----------------------------------------------------------------- */

static void set_sector(const struct round *round, const struct plume_case *c, double bound)
{
	struct core_crossing *now = round->now;
	double reach = isnan(c->wind_from_deg)
			       ? 0
			       : assess_plume_reach_m(c, round->core->config->crossing.possible *
								 bound);

	if (reach <= now->sector_reach_m)
		return;
	now->sector_reach_m = reach;
	now->sector_from = c->place;
	now->sector_bearing_deg = fmod(c->wind_from_deg + 180, 360);
	now->sector_half_deg = ASSESS_SECTOR_DEG;
}

/** set_air_times() - from when it is downwind on: the wind may have turned towards it long after
 * the release began */
static void set_air_times(const struct round *round, const struct crossing_path *before,
			  struct crossing_path *path)
{
	int64_t way_ms;

	if (path->flags & FLAG_NOT_DOWNWIND)
		return;
	way_ms = (int64_t)(path->inputs[INPUT_WAY] * MS_PER_S);
	if (before && before->flags & FLAG_NOT_DOWNWIND)
		path->arrival_ms = MAX(path->arrival_ms, round->at.wall_ms + way_ms);
	else if (before)
		path->arrival_ms = MAX(path->arrival_ms, before->arrival_ms);
	path->leading_ms = path->arrival_ms;
	path->tail_ms = round->at.wall_ms + 2 * way_ms + PLUME_DUE_MS;
}

/** set_line() - is it let go at the line itself, and for more than a bad value? */
static void set_line(const struct round *round, struct crossing_path *path)
{
	if (path->distance_m <= round->core->config->crossing.here_m &&
	    !(path->flags & FLAG_NOT_DOWNWIND) && assess_lasts(round->core, round->source))
		path->flags |= FLAG_AT_THE_LINE;
}

/** add_plume() - by one parameter. Return: 0; FLAG_NO_FLOW, FLAG_NO_PLACE: why not */
static uint64_t add_plume(const struct round *round, const struct config_target *target,
			  size_t threshold, size_t channel)
{
	const struct config *config = round->core->config;
	struct crossing_path path = round_path(round, METHOD_PLUME, target);
	const struct crossing_path *before;
	struct assess_begin begin;
	struct assess_mass mass;
	struct plume_case c;

	path.threshold = assess_threshold_key(config, threshold);
	before = round_same(round->before, &path);
	if (round->ended && before) { /* it is on its way with the wind of then */
		path = *before;
		path.bound = assess_bound(&config->crossing.thresholds[threshold]);
		path.flags &= ~FLAG_NOT_ENDED;
		set_line(round, &path);
		assess_lasted(&path, round_lasted_s(round, &path));
		assess_measured(&path, config->crossing.covered_percent);
		round_judge(round, &path);
		round_add(round, &path);
		return 0;
	}
	begin = assess_begin(round->core, round->incident, channel);
	path.flags = assess_plume_case(round->core, round->source, channel, &begin, &c);
	path.bound = assess_bound(&config->crossing.thresholds[threshold]);
	c.lasted_s = round_lasted_s(round, &path);
	if (path.flags & FLAG_NO_FLOW)
		return FLAG_NO_FLOW;
	mass = assess_mass(round->core, channel, round->end);
	round_cover(round, &mass, &path);
	c.measured_g_s = mass.measured.lasted_s > 0
				 ? mass.measured.mass_kg * 1e3 / mass.measured.lasted_s
				 : 0;
	if (assess_by_air(&c, target, &path) < 0)
		return isnan(c.place.lat_deg) ? FLAG_NO_PLACE : FLAG_NO_FLOW;
	if (path.flags & FLAG_SHORT)
		path.flags |= FLAG_NOT_ENDED;
	assess_measured(&path, config->crossing.covered_percent);
	set_air_times(round, before, &path);
	set_line(round, &path);
	set_sector(round, &c, path.bound);
	round_judge(round, &path);
	round_add(round, &path);
	return 0;
}

/** judge_distance() - how much comes is not known: what is at the line is there, what has a
 * threshold farther off may come */
static void judge_distance(const struct round *round, struct crossing_path *path)
{
	const struct crossing_path *before = round_same(round->before, path);

	set_line(round, path);
	if (path->flags & FLAG_AT_THE_LINE || (before && before->verdict == VERDICT_OBSERVED))
		path->verdict = VERDICT_OBSERVED;
	else if (!(path->flags & FLAG_NO_RIVER))
		path->verdict = VERDICT_POSSIBLE;
}

/** add_distance() - how far it is as the crow flies, where that is within reach.
 * @threshold: key of what it is about, 0 of all; @why: flags. Return: is it within reach? */
static bool add_distance(const struct round *round, const struct config_target *target,
			 uint64_t threshold, uint64_t why)
{
	const struct config *config = round->core->config;
	struct crossing_path path = round_path(round, METHOD_DISTANCE, target);

	if (assess_nearest(config->sources[round->source].release.place, target, &path) < 0 ||
	    path.distance_m > config->crossing.reach_m)
		return false;
	path.threshold = threshold;
	path.flags = why;
	judge_distance(round, &path);
	round_add(round, &path);
	return true;
}

/** add_unknown() - nothing was assessed. @target: of what, or one for all of them */
static void add_unknown(const struct round *round, const struct config_target *target,
			uint64_t threshold, uint64_t why)
{
	struct crossing_path path = round_path(round, METHOD_DISTANCE, target);

	path.threshold = threshold;
	path.flags = why;
	round_add(round, &path);
}

/** add_gas_to() - by each parameter; where none can be computed, how far it is, and why. What is
 * broken and has no threshold comes beside it: beyond reach only where others were computed */
static void add_gas_to(const struct round *round, const struct config_target *target)
{
	const struct config *config = round->core->config;
	bool placed = !isnan(config->sources[round->source].release.place.lat_deg);
	bool computed = false;
	struct round_unjudged unjudged;
	uint64_t why_not = 0;

	for (size_t k = 0; k < target->n_thresholds; k++) {
		size_t threshold = target->first_threshold + k;
		const struct config_threshold *t = &config->crossing.thresholds[threshold];
		size_t channel = t->in_air ? channel_of(config, round->source, t->parameter)
					   : CONFIG_NONE;
		uint64_t why;

		if (channel == CONFIG_NONE)
			continue;
		why = add_plume(round, target, threshold, channel);
		computed |= why == 0;
		why_not |= why;
	}
	if (!computed && why_not)
		(void)add_distance(round, target, 0, why_not);
	for (size_t i = 0; placed && round_unjudged(round, target, &i, &unjudged);)
		if (!add_distance(round, target, unjudged.key, unjudged.flags) && computed)
			add_unknown(round, target, unjudged.key, unjudged.flags);
}

static void add_gas(const struct round *round)
{
	const struct config_crossing *crossing = &round->core->config->crossing;
	const struct config_release *release = &round->core->config->sources[round->source].release;

	for (size_t i = 0; i < crossing->n_targets; i++)
		add_gas_to(round, &crossing->targets[i]);
	if (isnan(release->place.lat_deg)) /* one line for all of them */
		add_unknown(round, crossing->targets, 0, FLAG_NO_PLACE);
}

/* --- by water ------------------------------------------------------------------------ */

/** keep_worst() - what was let go at the worst moment is still on its way */
static void keep_worst(struct river_case *c, const struct crossing_path *before)
{
	double load = c->discharge_m3_s * c->concentration_mg_l;

	if (!before ||
	    !(before->inputs[INPUT_DISCHARGE] * before->inputs[INPUT_CONCENTRATION] > load))
		return;
	c->discharge_m3_s = before->inputs[INPUT_DISCHARGE];
	c->concentration_mg_l = before->inputs[INPUT_CONCENTRATION];
}

/** set_let() - what was let go, in how long; and what of it has come to most until now */
static void set_let(const struct round *round, size_t channel, const struct crossing_path *before,
		    struct river_case *c, struct crossing_path *path)
{
	struct assess_mass mass = assess_mass(round->core, channel, round->end);

	c->ended = round->ended;
	c->duration_s = round_lasted_s(round, path);
	c->let = mass.let;
	c->measured = mass.measured;
	if (!(round->core->config->channels[channel].mass_factor > 0)) /* leachate */
		path->flags |= FLAG_RECKONED;
	else
		round_cover(round, &mass, path);
	if (!before)
		return;
	c->kept = (struct river_let){before->inputs[INPUT_MASS], before->inputs[INPUT_LASTED]};
	c->kept_measured = (struct river_let){before->inputs[INPUT_MEASURED],
					      before->inputs[INPUT_MEASURED_IN]};
}

/** add_water() - by one parameter. Return: 0; FLAG_NO_FLOW, FLAG_NO_RAIN: why not */
static uint64_t add_water(const struct round *round, const struct config_target *target,
			  const struct config_passage *passage, size_t threshold, size_t channel)
{
	const struct config *config = round->core->config;
	bool leaches = !isnan(config->sources[round->source].release.leachate_area_m2);
	struct crossing_path path = round_path(round, leaches ? METHOD_LEACHATE : METHOD_RIVER,
					       target);
	struct assess_begin begin = assess_begin(round->core, round->incident, channel);
	const struct crossing_path *before;
	struct river_case c;

	path.threshold = assess_threshold_key(config, threshold);
	path.bound = assess_bound(&config->crossing.thresholds[threshold]);
	before = round_same(round->before, &path);
	round_begin_with(&path, before);
	path.flags = assess_river_case(round->core, round->source, channel, &begin, &c);
	keep_worst(&c, before);
	c.to_m = passage->at_m;
	set_let(round, channel, before, &c, &path);
	if (path.flags & (FLAG_NO_FLOW | FLAG_NO_RAIN))
		return path.flags & (FLAG_NO_FLOW | FLAG_NO_RAIN);
	if (assess_by_river(&c, &path) < 0)
		return FLAG_NO_FLOW;
	path.point = passage->place;
	if (path.background > path.bound)
		path.flags |= FLAG_ABOVE_BEFORE;
	set_line(round, &path);
	round_judge(round, &path);
	round_add(round, &path);
	return 0;
}

/** add_way() - the way is certain, what goes it is not known. @threshold: key of what it is about,
 * 0 of all; @why: flags */
static void add_way(const struct round *round, const struct config_target *target,
		    const struct config_passage *passage, uint64_t threshold, uint64_t why)
{
	const struct config_crossing *crossing = &round->core->config->crossing;
	const struct config_release *release = &round->core->config->sources[round->source].release;
	const struct config_river *river = &crossing->rivers[release->river];
	struct crossing_path path = round_path(round, METHOD_DISTANCE, target);
	const struct crossing_path *before;

	path.threshold = threshold;
	before = round_same(round->before, &path);
	round_begin_with(&path, before);
	path.distance_m = passage->at_m - release->at_m;
	path.arrival_ms = path.release_ms +
			  (int64_t)(assess_travel_s(crossing, river, release->at_m, passage->at_m,
						    0) *
				    MS_PER_S);
	path.leading_ms = path.release_ms +
			  (int64_t)(assess_travel_s(crossing, river, release->at_m, passage->at_m,
						    1) *
				    MS_PER_S);
	path.point = passage->place;
	path.flags |= why;
	set_line(round, &path);
	path.verdict = path.flags & FLAG_AT_THE_LINE ||
				       (before && before->verdict == VERDICT_OBSERVED)
			       ? VERDICT_OBSERVED
			       : VERDICT_POSSIBLE;
	round_add(round, &path);
}

/** add_liquid_to() - by each parameter; where none can be computed, the way, and why. What is
 * broken and has no threshold comes beside it */
static void add_liquid_to(const struct round *round, const struct config_passage *passage)
{
	const struct config *config = round->core->config;
	const struct config_target *target = &config->crossing.targets[passage->target];
	bool computed = false;
	struct round_unjudged unjudged;
	uint64_t why_not = 0;

	for (size_t k = 0; k < target->n_thresholds; k++) {
		size_t threshold = target->first_threshold + k;
		const struct config_threshold *t = &config->crossing.thresholds[threshold];
		size_t channel = t->in_air ? CONFIG_NONE
					   : channel_of(config, round->source, t->parameter);
		uint64_t why;

		if (channel == CONFIG_NONE)
			continue;
		why = add_water(round, target, passage, threshold, channel);
		computed |= why == 0;
		why_not |= why;
	}
	if (!computed && why_not)
		add_way(round, target, passage, 0, why_not);
	for (size_t i = 0; round_unjudged(round, target, &i, &unjudged);)
		add_way(round, target, passage, unjudged.key, unjudged.flags);
}

/** add_liquid() - down the river; without one nobody knows where it flows to, only what is near */
static void add_liquid(const struct round *round)
{
	const struct config_crossing *crossing = &round->core->config->crossing;
	const struct config_source *source = &round->core->config->sources[round->source];
	const struct config_release *release = &source->release;
	bool any = false;

	for (size_t i = 0; release->river != CONFIG_NONE && i < crossing->n_passages; i++) {
		const struct config_passage *passage = &crossing->passages[i];

		if (passage->river == release->river && passage->at_m >= release->at_m)
			add_liquid_to(round, passage);
	}
	if (!config_lacks_river(source))
		return;
	for (size_t i = 0; i < crossing->n_targets; i++)
		any |= add_distance(round, &crossing->targets[i], 0, FLAG_NO_RIVER);
	if (!any)
		add_unknown(round, crossing->targets, 0, FLAG_NO_RIVER);
}

/* --- solid waste --------------------------------------------------------------------- */

static void add_solid(const struct round *round)
{
	const struct config_crossing *crossing = &round->core->config->crossing;
	const struct config_release *release = &round->core->config->sources[round->source].release;

	add_liquid(round);
	for (size_t i = 0; i < crossing->n_targets; i++) {
		struct crossing_path path = round_path(round, METHOD_SLIDE, &crossing->targets[i]);
		const struct crossing_path *before = round_same(round->before, &path);

		round_begin_with(&path, before);
		if (assess_slide(release, &crossing->targets[i], &path) < 0)
			continue;
		set_line(round, &path);
		if (before && before->verdict == VERDICT_OBSERVED)
			path.flags |= FLAG_AT_THE_LINE;
		if (path.flags & FLAG_AT_THE_LINE)
			path.verdict = VERDICT_OBSERVED;
		round_add(round, &path);
	}
}

static void add_inbound(const struct round *round)
{
	const struct config *config = round->core->config;
	const struct config_release *release = &config->sources[round->source].release;
	struct crossing_path path = round_path(round, METHOD_INBOUND,
					       &config->crossing.targets[release->inbound_from]);
	const struct crossing_path *before = round_same(round->before, &path);

	inbound_assess(round->core, round->source, round->at, before, &path);
	round_add(round, &path);
}

/** is_involved() - has a limit of the law been broken at the source since the incident began? */
static bool is_involved(const struct core *core, const struct core_incident *incident,
			size_t source)
{
	const struct config *config = core->config;

	for (size_t i = 0; i < config->n_limits; i++)
		if (config->channels[config->limits[i].channel].source == source &&
		    assess_was_broken(core, incident, i))
			return true;
	return false;
}

void assess_paths(const struct core *core, size_t slot, struct stamp at,
		  struct core_crossing *crossing)
{
	const struct core_incident *incident = &core->incidents[slot];
	struct core_crossing now = {
		.opened_ms = incident->opened.wall_ms,
		.assessed = at,
		.class = incident->class,
	};
	struct round round = {.core = core,
			      .incident = incident,
			      .before = crossing,
			      .now = &now,
			      .at = at,
			      .end = incident->n_active > 0 ? at : incident->quiet_since,
			      .ended = incident->n_active == 0};
	static void (*const add_kind[])(const struct round *round) = {
		[WASTE_LIQUID] = add_liquid,
		[WASTE_GAS] = add_gas,
		[WASTE_SOLID] = add_solid,
	};

	memcpy(now.config, core->config->digest, sizeof(now.config));
	for (size_t i = 0; i < core->config->n_sources; i++) {
		const struct config_source *source = &core->config->sources[i];

		if (source->site != slot / N_WASTE_KINDS || source->kind != slot % N_WASTE_KINDS ||
		    !is_involved(core, incident, i))
			continue;
		round.source = i;
		round.since = assess_since(core, incident, i);
		if (source->release.inbound_from != CONFIG_NONE)
			add_inbound(&round);
		else if (!source->release.only_measures)
			add_kind[source->kind](&round);
	}
	if (round.ended) { /* where it was let go to */
		now.sector_from = crossing->sector_from;
		now.sector_bearing_deg = crossing->sector_bearing_deg;
		now.sector_half_deg = crossing->sector_half_deg;
		now.sector_reach_m = crossing->sector_reach_m;
	}
	*crossing = now;
}
