/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/formula.h"
#include "core/release.h"

/* what "above" is about first of all: the law or the permit, then what says neither, then the
 * plant's own figures; of these class limit, then emergency */
static unsigned int order_of(const struct config_limit *limit)
{
	static const unsigned char order[] = {
		[BASIS_LAW] = 0, [BASIS_PERMIT] = 0, [BASIS_UNSAID] = 1, [BASIS_OWN] = 2};

	return order[limit->basis] * 2U + (limit->class == CLASS_LIMIT ? 0 : 1);
}

/* the lowest bound that "above" is about; CONFIG_NONE none */
static size_t bound_of(const struct core *core, size_t channel)
{
	const struct config_limit *limits = core->config->limits;
	size_t best = CONFIG_NONE;

	for (size_t i = core->channel_limits[channel]; i < core->channel_limits[channel + 1]; i++) {
		if (!limits[i].high || limits[i].class < CLASS_LIMIT)
			continue;
		if (best == CONFIG_NONE || order_of(&limits[i]) < order_of(&limits[best]) ||
		    (order_of(&limits[i]) == order_of(&limits[best]) &&
		     limits[i].bound < limits[best].bound))
			best = i;
	}
	return best;
}

/* of each site and kind, a bit for each length of window that a limit of it is on */
static uint8_t *lengths_of(const struct core *core)
{
	uint8_t *lengths = calloc(core->config->n_sites * N_WASTE_KINDS + 1, 1);

	for (size_t i = 0; lengths && i < core->config->n_limits; i++) {
		const struct config_limit *limit = &core->config->limits[i];
		const struct core_incident *incident = core_incident_of(core, limit->channel);

		if (limit->class >= CLASS_LIMIT && limit->on != LIMIT_ON_VALUE)
			lengths[incident - core->incidents] |= (uint8_t)(1U
									 << (limit->on -
									     LIMIT_ON_MEAN_1MIN));
	}
	return lengths;
}

/* the longest comes first */
static void add_spans(struct core *core, size_t channel, uint8_t lengths)
{
	for (int w = WINDOW_LENGTH_MAX; w >= 0; w--)
		if (lengths & 1U << w)
			core->spans[core->n_spans++] = (struct core_span){channel,
									  (enum window_length)w};
}

/** matters() - has anything that it may reach a threshold of it? */
static bool matters(const struct config *config, size_t channel)
{
	const struct config_channel *of = &config->channels[channel];
	bool in_air = config->sources[of->source].kind == WASTE_GAS;

	for (size_t i = 0; i < config->crossing.n_thresholds; i++) {
		const struct config_threshold *t = &config->crossing.thresholds[i];

		if (t->in_air == in_air && strcmp(t->parameter, of->name) == 0)
			return true;
	}
	return false;
}

static void find_released(struct core *core, const uint8_t *lengths)
{
	for (size_t i = 0; i < core->config->n_channels; i++) {
		size_t limit = bound_of(core, i);

		if (!(core->config->channels[i].mass_factor > 0) ||
		    (limit == CONFIG_NONE && !matters(core->config, i)))
			continue;
		core->released[core->n_released] = i;
		core->released_above[core->n_released++] = limit;
		core->leads[i] = true;
		add_spans(core, i, lengths[core_incident_of(core, i) - core->incidents]);
		core->first_span[core->n_released] = core->n_spans;
	}
}

int release_init(struct core *core)
{
	size_t n = core->config->n_channels + 1;
	uint8_t *lengths = lengths_of(core);

	core->masses = calloc(n, sizeof(*core->masses));
	core->released = calloc(n, sizeof(*core->released));
	core->released_above = calloc(n, sizeof(*core->released_above));
	core->spans = calloc(n * N_WINDOWS, sizeof(*core->spans));
	core->span_masses = calloc(n * N_WINDOWS, sizeof(*core->span_masses));
	core->first_span = calloc(n, sizeof(*core->first_span));
	if (!lengths || !core->masses || !core->released || !core->released_above || !core->spans ||
	    !core->span_masses || !core->first_span) {
		free(lengths);
		return -ENOMEM;
	}
	find_released(core, lengths);
	free(lengths);
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

static struct stamp stamp_of(int64_t wall_ms, struct stamp now)
{
	return (struct stamp){.wall_ms = wall_ms, .mono_ms = now.mono_ms - (now.wall_ms - wall_ms)};
}

static void join(struct core *core, size_t released, size_t span, struct stamp until, bool goes_on)
{
	mass_window_join(&core->masses[core->released[released]], &core->span_masses[span], until,
			 goes_on);
}

/* Was it the open window, which is over, whose mean broke a limit? Windows are judged before a
 * value of the next one is taken: what flowed in it is still there. */
static bool has_broken(const struct core *core, size_t span)
{
	const struct mass *whole = &core->span_masses[span].whole;

	return whole->counting &&
	       core_incident_of(core, core->spans[span].channel)
			       ->broken_ms[core->spans[span].length] == whole->from.wall_ms;
}

static struct stamp end_of(const struct core *core, size_t span)
{
	struct stamp from = core->span_masses[span].whole.from;
	int64_t ms = window_ms(core->spans[span].length);

	return (struct stamp){.wall_ms = from.wall_ms + ms, .mono_ms = from.mono_ms + ms};
}

static void adopt(struct core *core, size_t released)
{
	for (size_t i = core->first_span[released]; i < core->first_span[released + 1]; i++)
		if (has_broken(core, i))
			join(core, released, i, end_of(core, i), false);
}

static void sum_up(struct core *core, size_t released, struct stamp at, double rate,
		   double rate_above)
{
	size_t channel = core->released[released];
	int64_t most_ms = longest_ms(core, channel);

	mass_pair(&core->masses[channel], at, rate, rate_above, most_ms);
	for (size_t i = core->first_span[released]; i < core->first_span[released + 1]; i++)
		mass_pair(&core->span_masses[i].whole, at, rate, rate_above, most_ms);
}

static void break_off(struct core *core, size_t released)
{
	mass_break(&core->masses[core->released[released]]);
	for (size_t i = core->first_span[released]; i < core->first_span[released + 1]; i++)
		mass_break(&core->span_masses[i].whole);
}

static void stop(struct core *core, size_t released)
{
	mass_stop(&core->masses[core->released[released]]);
	for (size_t i = core->first_span[released]; i < core->first_span[released + 1]; i++)
		mass_stop(&core->span_masses[i].before);
}

/* what lies before a window of a piece belongs to the one before */
static void split(struct core *core, size_t released, struct stamp at, struct stamp from,
		  double rate, double rate_above)
{
	const struct mass *mass = &core->masses[core->released[released]];
	int64_t length_ms = at.mono_ms - mass->last.mono_ms;
	double share = (double)(from.mono_ms - mass->last.mono_ms) / (double)length_ms;

	if (!mass->has_last || from.mono_ms <= mass->last.mono_ms || from.mono_ms > at.mono_ms ||
	    length_ms > longest_ms(core, core->released[released]))
		return;
	sum_up(core, released, from, mass->rate + share * (MAX(rate, 0.0) - mass->rate),
	       mass->rate_above + share * (MAX(rate_above, 0.0) - mass->rate_above));
}

/** roll() - windows that are over are joined if they have broken a limit; others begin
 * @rate, @rate_above: what comes at @at; NAN nothing good */
static void roll(struct core *core, size_t released, struct stamp at, double rate,
		 double rate_above)
{
	size_t channel = core->released[released];
	struct core_incident *incident = core_incident_of(core, channel);
	bool turned = false;

	for (size_t i = core->first_span[released]; i < core->first_span[released + 1]; i++) {
		struct mass_window *window = &core->span_masses[i];
		int64_t start_ms = window_floor(core->spans[i].length, at.wall_ms,
						core->config->zone_min);
		struct stamp from = stamp_of(start_ms, at);

		if (window->whole.counting && window->whole.from.wall_ms == start_ms)
			continue;
		if (!isnan(rate))
			split(core, released, at, from, rate, rate_above);
		if (core->masses[channel].counting && has_broken(core, i))
			join(core, released, i, end_of(core, i), false);
		mass_window_start(window, &core->masses[channel], from);
		turned = true;
	}
	if (turned && incident->open && incident->looked_ms != at.mono_ms)
		release_look(core, incident, at);
}

/** start_or_stop() - by what has been judged until now */
static void start_or_stop(struct core *core, size_t released, struct stamp at)
{
	size_t channel = core->released[released];
	struct mass *mass = &core->masses[channel];
	bool wanted = core_incident_of(core, channel)->open || is_beyond(core, channel);

	if (wanted && !mass->counting) {
		adopt(core, released);
		if (!mass->counting)
			mass_start(mass, at);
	} else if (mass->counting && !wanted) {
		stop(core, released);
	}
}

/** bound_at() - what "above" is about; where no limit is, as high as nothing is ever measured */
static double bound_at(const struct core *core, size_t released)
{
	size_t limit = core->released_above[released];

	return limit == CONFIG_NONE ? DBL_MAX : core->config->limits[limit].bound;
}

static void take(struct core *core, size_t released)
{
	size_t channel = core->released[released];
	double bound = bound_at(core, released);
	const struct config_channel *config = &core->config->channels[channel];
	const struct core_channel *state = &core->channels[channel];
	size_t flow = core->config->sources[config->source].flow;
	double rate = (double)NAN, share;

	if (state->quality == QUALITY_GOOD && has_flow(core, flow, state->seen) &&
	    release_share(core, channel, &share))
		rate = MAX(core->channels[flow].value, 0.0) * config->mass_factor * share;
	start_or_stop(core, released, state->seen);
	roll(core, released, state->seen, state->value * rate, (state->value - bound) * rate);
	if (isnan(rate))
		break_off(core, released);
	else
		sum_up(core, released, state->seen, state->value * rate,
		       (state->value - bound) * rate);
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

void release_rest(struct core *core, const struct core_incident *incident, struct stamp at)
{
	for (size_t i = 0; i < core->n_released; i++)
		if (core_incident_of(core, core->released[i]) == incident)
			mass_rest(&core->masses[core->released[i]], at);
}

void release_resume(struct core *core, const struct core_incident *incident, struct stamp at)
{
	for (size_t i = 0; i < core->n_released; i++)
		if (core_incident_of(core, core->released[i]) == incident)
			mass_resume(&core->masses[core->released[i]], at);
}

void release_end(struct core *core, const struct core_incident *incident)
{
	for (size_t i = 0; i < core->n_released; i++)
		if (core_incident_of(core, core->released[i]) == incident)
			stop(core, i);
}

/** struct outlook - what stands of an incident */
struct outlook {
	bool runs;	  /* a bound on values is passed, or an open window will be judged so */
	bool waits;	  /* a mean was, and it is not known yet whether the next one will be */
	int64_t ended_ms; /* monotonic, the end of the last that was known to be */
	uint8_t certain;  /* bits of enum window_length: the open window will be judged so */
};

static void look_at(const struct core *core, size_t i, struct stamp at, struct outlook *ret)
{
	const struct config_limit *limit = &core->config->limits[i];
	const struct core_limit *state = &core->limits[i];
	enum window_length length = (enum window_length)(limit->on - LIMIT_ON_MEAN_1MIN);

	if (limit->on == LIMIT_ON_VALUE) {
		ret->runs |= state->state.phase != LIMIT_NORMAL;
		ret->ended_ms = MAX(ret->ended_ms, state->cleared.mono_ms);
		return;
	}
	if (state->forecast.kind == FORECAST_UNAVOIDABLE) {
		ret->runs = true;
		ret->certain |= (uint8_t)(1U << length);
	}
	if (limit_is_raised(&state->state)) {
		ret->waits = true;
		ret->ended_ms = MAX(ret->ended_ms,
				    stamp_of(state->broken_ms + window_ms(length), at).mono_ms);
	}
}

static struct outlook outlook_of(const struct core *core, const struct core_incident *incident,
				 struct stamp at)
{
	struct outlook outlook = {.ended_ms = INT64_MIN};

	for (size_t i = 0; i < core->config->n_limits; i++) {
		const struct config_limit *limit = &core->config->limits[i];

		if (limit->class >= CLASS_LIMIT && !core->channels[limit->channel].idle &&
		    core_incident_of(core, limit->channel) == incident)
			look_at(core, i, at, &outlook);
	}
	return outlook;
}

static void look_on(struct core *core, size_t released, struct stamp at,
		    const struct outlook *outlook)
{
	const struct core_incident *incident = core_incident_of(core, core->released[released]);
	struct mass *mass = &core->masses[core->released[released]];
	int64_t ended_ms = outlook->ended_ms;

	for (size_t i = core->first_span[released]; i < core->first_span[released + 1]; i++)
		if (outlook->certain & 1U << core->spans[i].length)
			join(core, released, i, at, true);
	if (outlook->runs) {
		mass_resume(mass, at);
	} else if (outlook->waits || incident->n_active == 0) {
		if (ended_ms < MAX(mass->from.mono_ms, mass->resumed_ms))
			ended_ms = at.mono_ms;
		mass_rest(mass, (struct stamp){.mono_ms = ended_ms,
					       .wall_ms = at.wall_ms - (at.mono_ms - ended_ms)});
	}
}

void release_look(struct core *core, struct core_incident *incident, struct stamp at)
{
	struct outlook outlook;

	if (incident->over_ms || core->n_released == 0)
		return;
	incident->looked_ms = at.mono_ms;
	outlook = outlook_of(core, incident, at);
	for (size_t i = 0; i < core->n_released; i++)
		if (core_incident_of(core, core->released[i]) == incident)
			look_on(core, i, at, &outlook);
}

static struct stamp latest(const struct core *core)
{
	struct stamp now = core->streams[0].now;

	for (size_t i = 1; i < core->n_streams; i++)
		if (core->streams[i].now.mono_ms > now.mono_ms)
			now = core->streams[i].now;
	return now;
}

bool release_span(const struct core *core, size_t channel, struct stamp at, struct mass_span *ret)
{
	return mass_span(&core->masses[channel], at, longest_ms(core, channel), ret);
}

static bool is_at_station(const struct core *core, size_t channel)
{
	return config_is_station(&core->config->sources[core->config->channels[channel].source]);
}

/** has_let_go() - was a limit broken at a source that lets something go? If only stations have
 * seen something, what the outfalls of the site let go meanwhile, in order, is not of it. */
static bool has_let_go(const struct core *core, const struct core_incident *incident)
{
	for (size_t i = 0; i < core->config->n_limits; i++) {
		const struct config_limit *limit = &core->config->limits[i];
		const struct core_limit *state = &core->limits[i];

		if (limit->class >= CLASS_LIMIT &&
		    core_incident_of(core, limit->channel) == incident &&
		    !is_at_station(core, limit->channel) &&
		    (limit_is_raised(&state->state) ||
		     (state->raised.wall_ms && state->raised.mono_ms >= incident->opened.mono_ms)))
			return true;
	}
	return false;
}

bool release_next(const struct core *core, const struct core_incident *incident, size_t *at,
		  struct release *ret)
{
	struct stamp now = latest(core);

	if (!has_let_go(core, incident))
		return false;
	while (*at < core->n_released) {
		size_t i = (*at)++, channel = core->released[i];
		const struct mass *mass = &core->masses[channel];

		if (core->released_above[i] == CONFIG_NONE || core->channels[channel].idle ||
		    is_at_station(core, channel) || core_incident_of(core, channel) != incident ||
		    !mass_span(mass, now, longest_ms(core, channel), &ret->span))
			continue;
		ret->channel = channel;
		ret->limit = core->released_above[i];
		ret->mass = mass;
		return true;
	}
	return false;
}
