/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "tools/sim_signal.h"

#define NOISE_STEP_MS 100
#define FIT_STEPS     64  /* steps of FIT_FACTOR from one end of a range to the other */
#define FIT_FACTOR    0.8 /* by which an input gives way */
#define OXYGEN_AIR    20.9

/* Steele, Lea, Flood: Fast splittable pseudorandom number generators (2014), mix64 */
uint64_t sim_random(uint64_t seed, uint64_t n)
{
	uint64_t z = seed + (n + 1) * UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* 0 ≤ result < 1 */
static double random_share(uint64_t seed, uint64_t n)
{
	return (double)(sim_random(seed, n) >> 11) * 0x1p-53;
}

struct bounds {
	double low;
	double high;
	bool has_low;
	bool has_high;
};

/* the tightest limits of a channel, deadbands taken off */
static struct bounds find_bounds(const struct config *config, size_t channel)
{
	struct bounds b = {0};
	size_t first, n = config_limits_of(config, channel, &first);

	for (size_t i = first; i < first + n; i++) {
		const struct config_limit *l = &config->limits[i];
		double clear = l->high ? l->bound - l->deadband : l->bound + l->deadband;

		if (l->high && (!b.has_high || clear < b.high)) {
			b.high = clear;
			b.has_high = true;
		} else if (!l->high && (!b.has_low || clear > b.low)) {
			b.low = clear;
			b.has_low = true;
		}
	}
	return b;
}

/* what the conditions of other channels ask of @channel; its own limits need not allow it */
static void add_conditions(const struct config *config, size_t channel, struct bounds *b)
{
	for (size_t i = 0; i < config->n_channels; i++) {
		const struct config_channel *c = &config->channels[i];

		if (!c->conditional || c->enabled_by != channel)
			continue;
		if (c->enabled_above && (!b->has_low || c->enabled_bound >= b->low)) {
			b->low = nextafter(c->enabled_bound, HUGE_VAL);
			b->has_low = true;
		} else if (!c->enabled_above && (!b->has_high || c->enabled_bound <= b->high)) {
			b->high = nextafter(c->enabled_bound, -HUGE_VAL);
			b->has_high = true;
		}
	}
}

/* where the signal may be: [*ret_from, *ret_to] */
static void find_band(const struct decode *d, const struct bounds *b, double *ret_from,
		      double *ret_to)
{
	double low = b->has_low ? b->low : d->min;
	double high = b->has_high ? b->high : d->max;
	double from = 0.2, to = 0.5;

	if (b->has_low && b->has_high) {
		from = 0.4;
		to = 0.6;
	} else if (b->has_high) {
		from = 0.3;
		to = 0.55;
		if (low < 0 && high > 0)
			low = 0;
	}
	if (high < low) /* limits that contradict the range: the range wins */
		low = high = fmin(fmax(low, d->min), d->max);
	*ret_from = fmin(fmax(low + from * (high - low), d->min), d->max);
	*ret_to = fmin(fmax(low + to * (high - low), d->min), d->max);
}

static bool is_allowed(double value, const struct bounds *b)
{
	return !(b->has_high && value > b->high) && !(b->has_low && value < b->low);
}

/* no faster than is believed of the channel from one reading to the next */
static void calm(struct sim_signal *s, const struct config *config, const struct config_channel *c)
{
	double interval_min = config->units[c->unit].interval_ms / 60e3;

	if (!(c->max_rate > 0))
		return;
	s->noise = fmin(s->noise, c->max_rate * interval_min / 8);
	s->swing = fmin(s->swing, c->max_rate * s->period_ms / 60e3 / (4 * M_PI));
}

static void init_one(struct sim_signal *s, const struct config *config, size_t channel,
		     uint64_t seed)
{
	const struct config_channel *c = &config->channels[channel];
	struct bounds b = find_bounds(config, channel);
	double from, to, width;

	add_conditions(config, channel, &b);
	seed = hash64(seed ^ HASH64_SEED, c->path, strlen(c->path));
	*s = (struct sim_signal){.period_ms = 1, .seed = seed};
	if (c->decode.type == DECODE_BIT) {
		s->level = c->decode.offset;
		if (!is_allowed(s->level, &b))
			s->level += c->decode.scale;
		return;
	}
	find_band(&c->decode, &b, &from, &to);
	width = to - from;
	s->level = from + width * (0.4 + 0.2 * random_share(seed, 0));
	s->swing = width * (0.1 + 0.15 * random_share(seed, 1));
	s->noise = width * 0.03;
	s->period_ms = 60e3 + 240e3 * random_share(seed, 2);
	s->phase_ms = s->period_ms * random_share(seed, 3);
	calm(s, config, c);
}

struct span {
	double low;
	double high;
};

static struct span measured_span(const struct sim_signal *s)
{
	return (struct span){s->level - s->swing - s->noise, s->level + s->swing + s->noise};
}

static struct span product(struct span a, struct span b)
{
	double corners[] = {a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high};
	struct span p = {corners[0], corners[0]};

	for (size_t i = 1; i < ARRAY_SIZE(corners); i++) {
		p.low = fmin(p.low, corners[i]);
		p.high = fmax(p.high, corners[i]);
	}
	return p;
}

/* 1/x; what comes near to 0 is no value and asks nothing of its inputs */
static struct span inverse(struct span a, double least)
{
	double low = fmax(a.low, fmax(least, 1e-9)), high = fmax(a.high, low);

	return (struct span){1 / high, 1 / low};
}

/* between which values a channel moves while all instruments are healthy */
static struct span channel_span(const struct sim_signal *signals, const struct config *config,
				size_t channel)
{
	const struct config_channel *c = &config->channels[channel];
	struct span factor = {c->factor, c->factor}, x = {0}, y = {0};

	if (c->formula == FORMULA_NONE)
		return measured_span(&signals[channel]);
	if (c->n_inputs > 0)
		x = channel_span(signals, config, c->inputs[0]);
	if (c->n_inputs > 1)
		y = channel_span(signals, config, c->inputs[1]);
	switch (c->formula) {
	case FORMULA_NONE:
		break;
	case FORMULA_OXYGEN:
		y = (struct span){OXYGEN_AIR - y.high, OXYGEN_AIR - y.low};
		factor.low = factor.high = OXYGEN_AIR - c->reference;
		x = product(x, inverse(y, 0));
		break;
	case FORMULA_LOAD:
		x = product(x, y);
		break;
	case FORMULA_DIFFERENCE:
		x = (struct span){x.low - y.high, x.high - y.low};
		break;
	case FORMULA_RATIO:
		x = product(x, inverse(y, c->least));
		break;
	case FORMULA_SUM:
		for (size_t i = 1; i < c->n_inputs; i++) {
			y = channel_span(signals, config, c->inputs[i]);
			x = (struct span){x.low + y.low, x.high + y.high};
		}
		break;
	}
	return product(x, factor);
}

/* lower, or raise, the first input of a derived channel; of a sum all of them */
static void give_way(struct sim_signal *signals, const struct config *config, size_t channel,
		     bool lower)
{
	const struct config_channel *c = &config->channels[channel];
	struct sim_signal *s = &signals[channel];
	struct bounds b = find_bounds(config, channel);
	double low = b.has_low ? b.low : c->decode.min, high = b.has_high ? b.high : c->decode.max;
	double room, end;

	if (c->formula != FORMULA_NONE) {
		lower = lower != (c->formula != FORMULA_OXYGEN && c->factor < 0);
		for (size_t i = 0; i < (c->formula == FORMULA_SUM ? c->n_inputs : 1); i++)
			give_way(signals, config, c->inputs[i], lower);
		return;
	}
	if (c->decode.type == DECODE_BIT)
		return;
	end = lower ? (low < 0 && s->level > 0 ? 0 : low) : high;
	s->level = end + (s->level - end) * FIT_FACTOR;
	room = fmax(fmin(s->level - low, high - s->level), 0);
	s->swing = fmin(lower ? s->swing * FIT_FACTOR : s->swing, room * 0.9);
	s->noise = fmin(s->noise, room * 0.1);
}

static void fit_derived(struct sim_signal *signals, const struct config *config, size_t channel)
{
	struct bounds b = find_bounds(config, channel);

	add_conditions(config, channel, &b);
	for (int i = 0; i < FIT_STEPS; i++) {
		struct span span = channel_span(signals, config, channel);
		bool too_high = b.has_high && span.high > b.high;

		if (!too_high && !(b.has_low && span.low < b.low))
			return;
		give_way(signals, config, channel, too_high);
	}
}

void sim_signals_init(struct sim_signal *signals, const struct config *config, uint64_t seed)
{
	for (size_t i = 0; i < config->n_channels; i++)
		if (config->channels[i].formula == FORMULA_NONE)
			init_one(&signals[i], config, i, seed);
		else
			signals[i] = (struct sim_signal){.period_ms = 1};
	for (size_t i = 0; i < config->n_channels; i++)
		if (config->channels[i].formula != FORMULA_NONE)
			fit_derived(signals, config, i);
}

double sim_signal_value(const struct sim_signal *s, int64_t t_ms)
{
	double wave = sin(2 * M_PI * ((double)t_ms + s->phase_ms) / s->period_ms);
	double noise = 2 * random_share(~s->seed, (uint64_t)(t_ms / NOISE_STEP_MS)) - 1;

	return s->level + s->swing * wave + s->noise * noise;
}
