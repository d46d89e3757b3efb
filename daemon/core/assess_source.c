/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "core/assess.h"
#include "core/release.h"
#include "core/solid.h"
#include "core/units.h"

#define G_PER_KG  1e3
#define UG_PER_KG 1e9
#define KELVIN	  273.15
#define NORMAL_K  298.15 /* of Nm3, QCVN 19:2009/BTNMT 1.3.3: 25 °C */

uint64_t assess_key(const char *text)
{
	return hash64(HASH64_SEED, text, strlen(text));
}

static uint64_t key_of_two(const char *first, const char *second)
{
	return hash64(hash64(assess_key(first), "/", 1), second, strlen(second));
}

uint64_t assess_source_key(const struct config *config, size_t source)
{
	return key_of_two(config->sites[config->sources[source].site].name,
			  config->sources[source].name);
}

static uint64_t key_at(const struct config_target *target, const char *parameter, bool in_air)
{
	return hash64(key_of_two(target->name, parameter), in_air ? "a" : "w", 1);
}

uint64_t assess_threshold_key(const struct config *config, size_t threshold)
{
	const struct config_threshold *t = &config->crossing.thresholds[threshold];

	return key_at(&config->crossing.targets[t->target], t->parameter, t->in_air);
}

uint64_t assess_parameter_key(const struct config *config, const struct config_target *target,
			      size_t channel)
{
	const struct config_channel *c = &config->channels[channel];

	return key_at(target, c->name, config->sources[c->source].kind == WASTE_GAS);
}

const char *assess_parameter(const struct config *config, const struct crossing_path *path)
{
	size_t threshold = assess_threshold_of(config, path->threshold);
	size_t source = assess_source_of(config, path->source);
	size_t target = assess_target_of(config, path->target);

	if (threshold != CONFIG_NONE)
		return config->crossing.thresholds[threshold].parameter;
	for (size_t i = 0; target != CONFIG_NONE && i < config->n_channels; i++)
		if (config->channels[i].source == source &&
		    assess_parameter_key(config, &config->crossing.targets[target], i) ==
			    path->threshold)
			return config->channels[i].name;
	return NULL;
}

size_t assess_source_of(const struct config *config, uint64_t key)
{
	for (size_t i = 0; i < config->n_sources; i++)
		if (assess_source_key(config, i) == key)
			return i;
	return CONFIG_NONE;
}

size_t assess_target_of(const struct config *config, uint64_t key)
{
	for (size_t i = 0; i < config->crossing.n_targets; i++)
		if (assess_key(config->crossing.targets[i].name) == key)
			return i;
	return CONFIG_NONE;
}

size_t assess_threshold_of(const struct config *config, uint64_t key)
{
	for (size_t i = 0; i < config->crossing.n_thresholds; i++)
		if (assess_threshold_key(config, i) == key)
			return i;
	return CONFIG_NONE;
}

uint64_t assess_slot_key(const struct core *core, size_t slot)
{
	uint8_t kind = (uint8_t)(slot % N_WASTE_KINDS);

	return hash64(assess_key(core->config->sites[slot / N_WASTE_KINDS].name), &kind, 1);
}

/** is_good() - and of now: the quality of a link that has not been heard of since a start is still
 * that of before */
static bool is_good(const struct core *core, size_t channel)
{
	const struct core_channel *state = &core->channels[channel];
	int64_t fresh_ms = CORE_FRESH_INTERVALS * (int64_t)core->interval_ms[channel];

	return state->quality == QUALITY_GOOD && !state->lost &&
	       core->assessed_ms - state->seen.mono_ms <= fresh_ms;
}

double assess_value(const struct core *core, size_t channel, const char *unit, bool *is_old)
{
	const struct core_channel *state;
	double value;

	*is_old = false;
	if (channel == CONFIG_NONE)
		return (double)NAN;
	state = &core->channels[channel];
	*is_old = !is_good(core, channel);
	if (!state->has_value)
		return (double)NAN;
	if (!unit)
		return state->value;
	return unit_convert(core->config->channels[channel].measure, unit, state->value, &value) ==
			       0
		       ? value
		       : (double)NAN;
}

/** strength() - the larger of the last good value and the last whole minute's mean, in the
 * channel's own unit: a spill is seen at once, and not forgotten with one lower value */
static double strength(const struct core *core, size_t channel, const struct assess_begin *begin,
		       bool *is_old)
{
	const struct core_channel *state = &core->channels[channel];
	double value = assess_value(core, channel, NULL, is_old);

	if (state->mean_valid)
		value = fmax(value, state->mean);
	return fmax(value, begin->mean); /* of a number and NAN the number */
}

/** at_least_0() - what is not known stays so: fmax(0, NAN) is 0 */
static double at_least_0(double value)
{
	return value < 0 ? 0 : value;
}

bool assess_was_broken(const struct core *core, const struct core_incident *incident, size_t limit)
{
	const struct core_limit *state = &core->limits[limit];

	return core->config->limits[limit].class >= CLASS_LIMIT && state->raised.wall_ms &&
	       (limit_is_raised(&state->state) ||
		state->raised.mono_ms >= incident->opened.mono_ms);
}

/** broken_since() - its alarm, less the delay or the window before it */
static struct stamp broken_since(const struct core_limit *state)
{
	struct stamp since = state->raised;
	int64_t before_ms = since.wall_ms - state->state.since_wall_ms;

	if (!limit_is_raised(&state->state) || before_ms < 0)
		return since;
	return (struct stamp){.mono_ms = since.mono_ms - before_ms,
			      .wall_ms = since.wall_ms - before_ms};
}

struct stamp assess_since(const struct core *core, const struct core_incident *incident,
			  size_t source)
{
	struct stamp first = incident->opened, since;
	bool found = false;

	for (size_t i = 0; i < core->config->n_limits; i++) {

		if (core->config->channels[core->config->limits[i].channel].source != source ||
		    !assess_was_broken(core, incident, i))
			continue;
		since = broken_since(&core->limits[i]);
		if (!found || since.mono_ms < first.mono_ms)
			first = since;
		found = true;
	}
	return first;
}

struct assess_begin assess_begin(const struct core *core, const struct core_incident *incident,
				 size_t channel)
{
	const struct mass *mass = &core->masses[channel];
	struct assess_begin begin = {
		.since = assess_since(core, incident, core->config->channels[channel].source),
		.mean = (double)NAN,
		.rate_kg_s = (double)NAN,
	};

	for (size_t i = core->channel_limits[channel]; i < core->channel_limits[channel + 1]; i++) {
		const struct config_limit *limit = &core->config->limits[i];

		if (!limit->high || limit->on == LIMIT_ON_VALUE ||
		    !assess_was_broken(core, incident, i))
			continue;
		begin.mean = fmax(begin.mean, core->limits[i].peak);
		begin.flags |= FLAG_MEAN;
	}
	if (begin.flags && mass->counting && mass->covered_ms > 0)
		begin.rate_kg_s = mass->total_kg / ((double)mass->covered_ms / MS_PER_S);
	return begin;
}

struct assess_mass assess_mass(const struct core *core, size_t channel, struct stamp end)
{
	const struct mass *mass = &core->masses[channel];
	struct assess_mass ret = {.covered_percent = CROSSING_COVER_NONE};
	struct mass_span span;
	int64_t length_ms;
	double rate;

	if (!release_span(core, channel, end, &span))
		return ret;
	ret.covered_percent = (uint8_t)span.covered_percent;
	length_ms = MAX(span.length_ms, mass->covered_ms);
	ret.has_gaps = mass->covered_ms < length_ms;
	if (mass->covered_ms <= 0)
		return ret;
	rate = mass->total_kg / (double)mass->covered_ms;
	ret.let = (struct river_let){rate * (double)length_ms, (double)length_ms / MS_PER_S};
	ret.measured = (struct river_let){mass->total_kg, ret.let.lasted_s};
	return ret;
}

double assess_air_ug_m3(const char *measure, double value)
{
	struct unit unit;

	if (unit_parse(measure, &unit) < 0 ||
	    (unit.dimension != UNIT_CONCENTRATION && unit.dimension != UNIT_GAS_CONCENTRATION))
		return (double)NAN;
	return value * unit.factor * UG_PER_KG;
}

double assess_bound(const struct config_threshold *threshold)
{
	double value;

	if (threshold->in_air)
		return assess_air_ug_m3(threshold->measure, threshold->high);
	return unit_convert(threshold->measure, "mg/l", threshold->high, &value) == 0 ? value
										      : (double)NAN;
}

/** live() - a channel's value, else what is configured, else the channel's last one
 * @configured_flag, @old_flag: set where it is so */
static double live(const struct core *core, size_t channel, const char *unit, double configured,
		   uint64_t configured_flag, uint64_t old_flag, uint64_t *flags)
{
	bool is_old;
	double value = assess_value(core, channel, unit, &is_old);

	if (!isnan(value) && !is_old)
		return value;
	if (!isnan(configured)) {
		*flags |= configured_flag;
		return configured;
	}
	if (!isnan(value))
		*flags |= old_flag;
	return value;
}

static const struct config_water *water_of(const struct config_crossing *crossing,
					   const struct config_river *river, const char *parameter)
{
	for (size_t i = 0; i < river->n_waters; i++)
		if (strcmp(crossing->waters[river->first_water + i].parameter, parameter) == 0)
			return &crossing->waters[river->first_water + i];
	return NULL;
}

/** discharge() - m3/s out of a source: of its flow meter, or of the rain on its waste */
static double discharge(const struct core *core, const struct config_source *source,
			uint64_t *flags)
{
	const struct config_release *release = &source->release;
	double rain;

	if (isnan(release->leachate_area_m2)) {
		double flow = live(core, source->flow, "m3/s", (double)NAN, 0, FLAG_FLOW_OLD,
				   flags);

		*flags |= isnan(flow) ? FLAG_NO_FLOW : 0;
		return flow;
	}
	rain = live(core, release->rain_from, "mm/h", release->rain_mm_h, 0, FLAG_FLOW_OLD, flags);
	*flags |= isnan(rain) ? FLAG_NO_RAIN : 0;
	return solid_leachate_m3_s(release->leachate_coefficient, rain, release->leachate_area_m2);
}

uint64_t assess_river_case(const struct core *core, size_t source, size_t channel,
			   const struct assess_begin *begin, struct river_case *ret)
{
	const struct config *config = core->config;
	const struct config_crossing *crossing = &config->crossing;
	const struct config_release *release = &config->sources[source].release;
	const struct config_river *river = &crossing->rivers[release->river];
	const struct config_channel *measured = &config->channels[channel];
	uint64_t flags = begin->flags, unused = 0;
	bool is_old;

	*ret = (struct river_case){
		.crossing = crossing,
		.river = river,
		.water = water_of(crossing, river, measured->name),
		.from_m = release->at_m,
		.at_bank = release->at_bank,
	};
	ret->flow_m3_s = live(core, river->flow_from, "m3/s", river->flow_m3_s,
			      FLAG_RIVER_CONFIGURED, FLAG_FLOW_OLD, &flags);
	ret->temperature_c = live(core, river->temperature_from, "°C", river->temperature_c, 0, 0,
				  &unused);
	ret->discharge_m3_s = at_least_0(discharge(core, &config->sources[source], &flags));
	if (unit_convert(measured->measure, "mg/l", strength(core, channel, begin, &is_old),
			 &ret->concentration_mg_l) < 0)
		ret->concentration_mg_l = (double)NAN;
	ret->concentration_mg_l = at_least_0(ret->concentration_mg_l);
	/* the mean's own flow, should less flow now: kg/s over g/m3 */
	if (ret->concentration_mg_l > 0 && !isnan(ret->discharge_m3_s))
		ret->discharge_m3_s = fmax(ret->discharge_m3_s,
					   begin->rate_kg_s * G_PER_KG / ret->concentration_mg_l);
	if (is_old)
		flags |= FLAG_CONCENTRATION_OLD;
	if (isnan(ret->flow_m3_s) || isnan(ret->concentration_mg_l) ||
	    !core->channels[channel].has_value)
		flags |= FLAG_NO_FLOW;
	return flags;
}

/** velocity_of() - at the top of a stack: measured, configured, or what the flow makes of it */
static double velocity_of(const struct core *core, const struct config_source *source,
			  double exit_k, uint64_t *flags)
{
	const struct config_release *release = &source->release;
	double area = M_PI / 4 * release->stack_diameter_m * release->stack_diameter_m, flow;
	double velocity = live(core, release->velocity_from, "m/s", release->exit_velocity_m_s, 0,
			       FLAG_FLOW_OLD, flags);
	bool is_old;

	if (!isnan(velocity) || source->flow == CONFIG_NONE)
		return velocity;
	flow = assess_value(core, source->flow, "m3/s", &is_old);
	if (isnan(flow))
		flow = assess_value(core, source->flow, "Nm3/s", &is_old) * exit_k / NORMAL_K;
	return flow / area;
}

static void set_stack(const struct core *core, const struct config_source *source,
		      struct plume_case *ret, uint64_t *flags)
{
	const struct config_release *release = &source->release;
	const struct config_met *met = &core->config->sites[source->site].met;
	uint64_t unused = 0;
	double air_c = live(core, met->air_from, "°C", met->air_c, 0, 0, &unused);
	double exit_c = live(core, release->temperature_from, "°C", release->exit_temperature_c, 0,
			     FLAG_FLOW_OLD, flags);

	if (isnan(release->stack_height_m))
		*flags |= FLAG_NO_STACK;
	ret->stack = (struct plume_stack){
		.height_m = isnan(release->stack_height_m) ? 0 : release->stack_height_m,
		.diameter_m = release->stack_diameter_m,
		.exit_temperature_k = exit_c + KELVIN,
		.air_temperature_k = isnan(air_c) ? NORMAL_K : air_c + KELVIN,
	};
	ret->stack.exit_velocity_m_s = velocity_of(core, source, ret->stack.exit_temperature_k,
						   flags);
	ret->has_stack = ret->stack.diameter_m > 0 && ret->stack.exit_temperature_k > 0 &&
			 ret->stack.exit_velocity_m_s > 0;
}

static void set_air(const struct core *core, const struct config_met *met, struct plume_case *ret,
		    uint64_t *flags)
{
	uint64_t unsure = 0, unused = 0;
	double class = live(core, met->stability_from, NULL,
			    met->stability > 0 ? met->stability : (double)NAN, 0, 1, &unused);

	ret->wind_m_s = live(core, met->speed_from, "m/s", met->wind_m_s, FLAG_WIND_CONFIGURED,
			     FLAG_WIND_CONFIGURED, flags);
	if (isnan(ret->wind_m_s)) {
		*flags |= FLAG_WIND_UNKNOWN;
		ret->wind_m_s = PLUME_WIND_MIN_M_S;
	}
	ret->wind_from_deg = live(core, met->direction_from, "deg", met->wind_from_deg, 1, 1,
				  &unsure);
	ret->direction_sure = !isnan(ret->wind_from_deg) && !unsure;
	if (isnan(ret->wind_from_deg))
		*flags |= FLAG_DIRECTION_UNKNOWN;
	else if (unsure)
		*flags |= FLAG_DIRECTION_UNSURE;
	/* an old class is none; 1 to 6, whole or rounded by the instrument */
	ret->stability = class >= 0.5 && class < 6.5 && !unused ? (unsigned int)lround(class) : 0;
	if (ret->stability == 0)
		*flags |= FLAG_STABILITY_UNKNOWN;
}

uint64_t assess_plume_case(const struct core *core, size_t source, size_t channel,
			   const struct assess_begin *begin, struct plume_case *ret)
{
	const struct config *config = core->config;
	const struct config_source *from = &config->sources[source];
	uint64_t flags = begin->flags;
	bool is_old, flow_is_old;
	double flow = assess_value(core, from->flow, NULL, &flow_is_old), factor, share;
	double concentration = strength(core, channel, begin, &is_old);

	*ret = (struct plume_case){.place = from->release.place,
				   .reach_m = config->crossing.reach_m};
	if (from->flow == CONFIG_NONE || isnan(flow) || isnan(concentration) ||
	    unit_mass_flow(config->channels[channel].measure, config->channels[from->flow].measure,
			   &factor) < 0)
		return FLAG_NO_FLOW;
	(void)release_share(core, channel, &share); /* 1 where the oxygen is not known */
	ret->rate_g_s = at_least_0(concentration * flow * factor * share * G_PER_KG);
	ret->rate_g_s = fmax(ret->rate_g_s, begin->rate_kg_s * G_PER_KG);
	if (is_old)
		flags |= FLAG_CONCENTRATION_OLD;
	if (flow_is_old)
		flags |= FLAG_FLOW_OLD;
	set_stack(core, from, ret, &flags);
	set_air(core, &config->sites[from->site].met, ret, &flags);
	return flags;
}
