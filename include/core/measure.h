/* SPDX-License-Identifier: Apache-2.0 */
/*
 * measure.h - how the files of the core's machine work together; for them only
 *
 *   core.c      streams and their time, readings
 *   verdict.c   states of devices, and what they say about values
 *   measure.c   samples, minutes, measurements that are lost
 *   derive.c    derived channels
 *   windows.c   windows longer than a minute
 *   judge.c     values and means against limits
 *   alarms.c    what people, time and conditions make of alarms
 *   foresee.c   what longer windows will come to
 *   reason.c    why a value is not good, in words
 */
#pragma once

#include "core/core.h"

/** core_is_of_stream() - does a stream's time move this channel? */
static inline bool core_is_of_stream(const struct core *core, size_t channel, size_t stream)
{
	return core->n_streams == 1 || core->plan->channel_slot[channel] == stream;
}

/** measure_sample() - one sample of the present moment of its stream; as core_sample() */
void measure_sample(struct core *core, size_t channel, struct stamp at, double value,
		    enum quality quality, uint32_t reason);

/** measure_close_minute() - the channel's minute is over; the next begins at @next_ms */
void measure_close_minute(struct core *core, size_t channel, struct stamp at, int64_t next_ms);

/**
 * measure_tick() - is what a stream's channels measured last still to be believed, or lost?
 * Finds out, too, until when that cannot change: until @watch_ms it need not be called. Values that
 * come meanwhile only make that later.
 */
void measure_tick(struct core *core, size_t stream, struct stamp at);

/** measure_watch_anew() - channels are not as they were: the next tick looks at them */
static inline void measure_watch_anew(struct core *core)
{
	for (size_t i = 0; i < core->n_streams; i++)
		core->watch_ms[i] = 0;
}

/**
 * measure_holds() - does a condition hold, "the channel @by is above (else below) @bound"?
 * Where nothing good is known of the channel, it does: a broken contact must not end the
 * measuring, nor the judging, behind it.
 */
bool measure_holds(const struct core *core, size_t by, bool is_above, double bound,
		   struct stamp at);

/** judge_value() - hold a good value against one limit, which is broken, or was */
void judge_value(struct core *core, size_t limit, struct stamp at, double value, int64_t since_ms);

/**
 * judge() - hold a good value against those limits of a channel that look at @on
 * In the header, because every value goes through it, and nearly every one is kept.
 */
static inline void judge(struct core *core, size_t channel, enum limit_on on, struct stamp at,
			 double value, int64_t since_ms)
{
	size_t i = core->channel_limits[channel], end = core->channel_limits[channel + 1];
	const struct config_limit *limit = &core->config->limits[i];
	struct core_limit *state = &core->limits[i];

	if (core->channels[channel].idle)
		return;
	for (; i < end; i++, limit++, state++)
		if (limit->on == on &&
		    (state->beyond || !limit_keeps(limit, &state->state, value, at.mono_ms)))
			judge_value(core, i, at, value, since_ms);
}

/**
 * judge_certain() - a window with too few good values for a mean: are they enough to be sure?
 * Breaks those limits that it cannot have kept, whatever is missing; clears none. See limit.h.
 * @expected: values that a whole window has, at least 1
 */
void judge_certain(struct core *core, size_t channel, enum limit_on on, struct stamp at,
		   const struct window_row *row, uint32_t expected);

/** windows_expected() - values that a whole window of a channel has */
uint32_t windows_expected(const struct core *core, size_t channel, enum window_length length);

/** windows_join() - a minute's row belongs to the longer windows, too */
void windows_join(struct core *core, size_t channel, const struct window_row *row);

/**
 * windows_advance() - a stream goes from one minute to another: close what is left behind
 * @stepped: the clock was set, so no time has passed in the windows between
 */
void windows_advance(struct core *core, size_t stream, int64_t from_ms, int64_t to_ms,
		     struct stamp at, bool stepped);

/** verdict_read() - a state was read: @raw counts if @good, else the attempt failed */
void verdict_read(struct core *core, size_t state, struct stamp at, uint32_t raw, bool good);

/** verdict_apply() - make @quality and @reason worse where a state of the channel says so */
void verdict_apply(const struct core *core, const struct config_channel *channel, struct stamp at,
		   enum quality *quality, uint32_t *reason);

/** verdict_tick() - tell changes of a stream's states that had to wait */
void verdict_tick(struct core *core, size_t stream, struct stamp at);
