/* SPDX-License-Identifier: Apache-2.0 */
#include "core/measure.h"

/* one and a half times the distance of two values: polling has jitter */
static int64_t stands_for(const struct core *core, const struct config_limit *limit)
{
	int64_t interval_ms = core->interval_ms[limit->channel];
	int64_t length_ms = limit->on == LIMIT_ON_VALUE ? 0
							: window_ms((enum window_length)(
								  limit->on - LIMIT_ON_MEAN_1MIN));

	return MAX(interval_ms, length_ms) * 3 / 2;
}

/* two values farther apart than this are not one after the other: nobody knows what was between */
static int64_t most_apart_ms(const struct core *core, const struct config_limit *limit)
{
	return MAX(2 * stands_for(core, limit), 5 * (int64_t)MS_PER_MIN);
}

/*
 * How long it was broken: a value that was beyond the bound counts until now, for as long as one
 * stands for; a mean that is counts for its window. Before the raise delay has passed nobody
 * knows whether there will be an alarm.
 */
static __attribute__((noinline)) void count_time(struct core *core, size_t limit, struct stamp at,
						 double value)
{
	struct core_limit *state = &core->limits[limit];
	const struct config_limit *config = &core->config->limits[limit];
	bool beyond = limit_is_beyond(config, value);
	int64_t ms = 0;

	if (config->on != LIMIT_ON_VALUE)
		ms = beyond ? window_ms((enum window_length)(config->on - LIMIT_ON_MEAN_1MIN)) : 0;
	else if (state->beyond)
		ms = MIN(at.mono_ms - state->state.last_mono_ms, stands_for(core, config));
	if (!beyond || at.mono_ms - state->state.last_mono_ms > most_apart_ms(core, config))
		state->run_ms = 0;
	else
		state->run_ms = (uint32_t)MIN(state->run_ms + ms, (int64_t)UINT32_MAX);
	if (limit_is_raised(&state->state))
		state->beyond_ms += ms;
	else
		state->pending_ms = beyond ? state->pending_ms + ms : 0;
	state->beyond = beyond;
}

/* the window's mean broke it */
static void note_window(struct core *core, size_t limit, int64_t start_ms)
{
	const struct config_limit *config = &core->config->limits[limit];

	core->limits[limit].broken_ms = start_ms;
	if (config->class >= CLASS_LIMIT)
		core_incident_of(core, config->channel)
			->broken_ms[config->on - LIMIT_ON_MEAN_1MIN] = start_ms;
}

static void judge_limit(struct core *core, size_t limit, struct stamp at, double value,
			int64_t since_ms)
{
	struct core_limit *state = &core->limits[limit];
	const struct config_limit *config = &core->config->limits[limit];

	if (config->on != LIMIT_ON_VALUE && limit_is_beyond(config, value))
		note_window(core, limit, since_ms);
	if (state->beyond || limit_is_beyond(config, value))
		count_time(core, limit, at, value);
	switch (limit_value(config, &state->state, value, at.mono_ms, since_ms,
			    stands_for(core, config))) {
	case LIMIT_BROKEN:
		alarm_broken(core, limit, at, value);
		break;
	case LIMIT_BACK:
		alarm_back(core, limit, at, value);
		break;
	case LIMIT_SAME:
		if (limit_is_raised(&state->state) &&
		    (config->high ? value > state->peak : value < state->peak))
			incident_peak(core, limit, at, value);
		break;
	}
}

void judge_value(struct core *core, size_t limit, struct stamp at, double value, int64_t since_ms)
{
	struct core_limit *state = &core->limits[limit];

	/* what breaks it from now on is a value or a mean; how a standing alarm came about stays */
	if (!limit_is_raised(&state->state)) {
		state->certain_n = 0;
		state->certain_of = 0;
	}
	judge_limit(core, limit, at, value, since_ms);
}

void judge_certain(struct core *core, size_t channel, enum limit_on on, struct stamp at,
		   const struct window_row *row, uint32_t expected)
{
	const struct decode *range = &core->config->channels[channel].decode;

	if (core->channels[channel].idle || row->n == 0)
		return;
	for (size_t i = core->channel_limits[channel]; i < core->channel_limits[channel + 1]; i++) {
		const struct config_limit *limit = &core->config->limits[i];
		double mean = window_certain(row, expected, limit->high ? range->min : range->max);

		if (limit->on != on || !limit_is_beyond(limit, mean))
			continue;
		if (!limit_is_raised(&core->limits[i].state)) {
			core->limits[i].certain_n = row->n;
			core->limits[i].certain_of = expected;
		}
		judge_limit(core, i, at, mean, row->start_ms);
	}
}
