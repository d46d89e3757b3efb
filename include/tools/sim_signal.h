/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_signal.h - what a healthy instrument shows
 *
 * A level safely inside what is allowed, a slow wave and a little noise. Pure: the same
 * seed, channel and time give the same value, whoever asks and how often.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/config.h"

/**
 * struct sim_signal - one channel's normal course, in engineering units
 * @level: mean
 * @swing: amplitude of the wave
 * @noise: largest deviation from the wave
 * @period_ms, @phase_ms: of the wave
 * @seed: of the noise
 *
 * |value - @level| ≤ @swing + @noise always.
 */
struct sim_signal {
	double level;
	double swing;
	double noise;
	double period_ms;
	double phase_ms;
	uint64_t seed;
};

/**
 * sim_signals_init() - the normal course of every channel, from ranges, limits and conditions
 * @signals: one per channel; those of derived channels stay unused, they follow from their inputs
 *
 * With high limits only: between 30 % and 55 % of the way from 0 (or the range's lower end,
 * if that is above 0) to the lowest. With low limits only: 20-50 % of the way from the
 * highest to the range's end. With both: the middle fifth between them (deadbands taken
 * off). With none: 20-50 % of the range. Always inside the range. A bit is constant and
 * breaks no limit, where one of its two values does not.
 *
 * A channel that another one's condition hangs on is such that the condition holds. Inputs of
 * derived channels are lowered or raised, in their ranges, until the derived one breaks no
 * limit either, where that can be. Nothing changes faster than the channel's believable rate.
 */
void sim_signals_init(struct sim_signal *signals, const struct config *config, uint64_t seed);

/** sim_signal_value() - @t_ms since the simulator's start; noise changes every 100 ms */
double sim_signal_value(const struct sim_signal *s, int64_t t_ms);

/** sim_random() - a well-mixed number from two; the only source of chance (splitmix64) */
uint64_t sim_random(uint64_t seed, uint64_t n);
