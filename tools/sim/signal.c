/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "tools/sim_signal.h"

#define NOISE_STEP_MS 100

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

void sim_signal_init(struct sim_signal *s, const struct config *config, size_t channel,
		     uint64_t seed)
{
	const struct config_channel *c = &config->channels[channel];
	struct bounds b = find_bounds(config, channel);
	double from, to, width;

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
}

double sim_signal_value(const struct sim_signal *s, int64_t t_ms)
{
	double wave = sin(2 * M_PI * ((double)t_ms + s->phase_ms) / s->period_ms);
	double noise = 2 * random_share(~s->seed, (uint64_t)(t_ms / NOISE_STEP_MS)) - 1;

	return s->level + s->swing * wave + s->noise * noise;
}
