/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "core/measure.h"

static struct core_incident *dirty_incident(struct core *core, size_t channel, struct event *event)
{
	struct core_incident *incident = core_incident_of(core, channel);

	if (incident->open) {
		event->incident = incident->id;
		incident->dirty = true;
	}
	return incident;
}

static __attribute__((noinline)) void say_lost(struct core *core, size_t channel, struct stamp at)
{
	struct core_channel *state = &core->channels[channel];
	struct event event = event_of_channel(core->config, EVENT_MEASUREMENT_LOST, at, channel);
	char reason[CORE_REASON_MAX];

	state->lost = true;
	if (state->quality == QUALITY_GOOD && !state->sparse)
		state->quality = QUALITY_STALE; /* an old value is never shown as fresh */
	event.reason = core_lost_reason(core, channel, reason, sizeof(reason));
	event.since_ms = state->fine.wall_ms;
	(void)dirty_incident(core, channel, &event);
	core_event(core, &event);
}

/* with nothing to measure nothing is lost either */
static void say_restored(struct core *core, size_t channel, struct stamp at)
{
	struct core_channel *state = &core->channels[channel];
	struct event event = event_of_channel(core->config, EVENT_MEASUREMENT_RESTORED, at,
					      channel);
	char reason[CORE_REASON_MAX];

	state->lost = false;
	state->sparse = false;
	event.has_value = state->quality == QUALITY_GOOD;
	event.value = state->value;
	if (state->quality == QUALITY_NOT_IN_OPERATION)
		event.reason = core_lost_reason(core, channel, reason, sizeof(reason));
	(void)dirty_incident(core, channel, &event);
	core_event(core, &event);
}

/*
 * Good values that come too thin to make a valid minute leave the limits on means blind:
 * after three such minutes that is a measurement lost, until a minute is valid again. Values
 * that came while there was nothing to measure are missed by nobody.
 */
static void watch_capture(struct core *core, size_t channel, struct stamp at,
			  const struct window_row *row)
{
	struct core_channel *state = &core->channels[channel];
	uint64_t n_accounted = (uint64_t)row->n + state->minute.n_off;
	bool enough = n_accounted > 0 &&
		      UINT64_C(100) * n_accounted >=
			      (uint64_t)core->config->capture_percent * core->expected[channel];

	if (enough || row->n == 0)
		state->n_sparse = 0; /* without any value it is silence, see measure_tick() */
	else if (state->n_sparse < UINT8_MAX)
		state->n_sparse++;
	if (enough && state->lost && state->sparse)
		say_restored(core, channel, at);
	if (state->n_sparse < CORE_SPARSE_MINUTES || state->lost)
		return;
	state->sparse = true;
	say_lost(core, channel, at);
}

void measure_close_minute(struct core *core, size_t channel, struct stamp at, int64_t next_ms)
{
	struct core_channel *state = &core->channels[channel];
	/* read less often than once a minute, an empty minute is nothing to be told */
	bool counts = !state->idle && state->minute.start_ms >= 0 &&
		      (state->minute.n + state->minute.n_bad > 0 ||
		       core->interval_ms[channel] <= MS_PER_MIN);
	struct batch_minute *minute;
	struct window_row row;

	state->mean_valid = false;
	if (counts) {
		row = window_close(&state->minute, core->expected[channel],
				   core->config->capture_percent);
		minute = batch_add(core->batch, minutes);
		if (minute)
			*minute = (struct batch_minute){.channel = (uint32_t)channel, .row = row};
		windows_join(core, channel, &row);
		state->mean = row.mean;
		state->mean_valid = row.valid;
		state->capture = row.capture;
		if (row.valid)
			judge(core, channel, LIMIT_ON_MEAN_1MIN, at, row.mean, row.start_ms);
		else if (next_ms > row.start_ms) /* else the clock was set back into it */
			judge_certain(core, channel, LIMIT_ON_MEAN_1MIN, at, &row,
				      core->expected[channel]);
		watch_capture(core, channel, at, &row);
	}
	window_start(&state->minute, next_ms);
}

/* does the last word on a channel explain why nothing comes? Then it stays. */
static bool explains_silence(const struct core_channel *state)
{
	return state->quality == QUALITY_COMMUNICATION_LOST || state->quality == QUALITY_STALE ||
	       (state->quality == QUALITY_DEVICE_FAULT && state->reason >> 16 == REASON_WIRE);
}

/*
 * The time before the first tick does not count as lost: nobody was watching.
 * Return: when to look again, at the earliest.
 */
static inline int64_t watch(struct core *core, size_t channel, struct stamp at)
{
	struct core_channel *state = &core->channels[channel];
	int64_t fresh_ms = CORE_FRESH_INTERVALS * (int64_t)core->interval_ms[channel];

	if (state->idle)
		return INT64_MAX;
	if (at.mono_ms - state->seen.mono_ms > fresh_ms && !explains_silence(state)) {
		state->quality = QUALITY_STALE;
		state->reason = 0;
	}
	if (state->fine.mono_ms == 0 && state->fine.wall_ms == 0 && !state->lost)
		state->fine = at;
	if (at.mono_ms - state->fine.mono_ms >= (int64_t)core->lost_after_ms[channel] &&
	    !state->lost)
		say_lost(core, channel, at);
	return MIN(state->seen.mono_ms + fresh_ms + 1,
		   state->fine.mono_ms + (int64_t)core->lost_after_ms[channel]);
}

void measure_tick(struct core *core, size_t stream, struct stamp at)
{
	int64_t next_ms = INT64_MAX;

	for (size_t i = 0; i < core->config->n_channels; i++)
		if (core_is_of_stream(core, i, stream))
			next_ms = MIN(next_ms, watch(core, i, at));
	core->watch_ms[stream] = next_ms;
}

bool measure_holds(const struct core *core, size_t by, bool is_above, double bound, struct stamp at)
{
	const struct core_channel *state = &core->channels[by];
	int64_t fresh_ms = CORE_FRESH_INTERVALS * (int64_t)core->interval_ms[by];

	if (state->quality != QUALITY_GOOD || at.mono_ms - state->seen.mono_ms > fresh_ms)
		return true;
	return is_above ? state->value > bound : state->value < bound;
}

/* Is this about the value, which says nothing while there is nothing to measure? All else is
 * about the instrument and its line, and counts whether there is something to measure or not. */
static bool is_of_the_value(enum quality quality)
{
	return quality == QUALITY_GOOD || quality == QUALITY_OUT_OF_RANGE ||
	       quality == QUALITY_NOT_A_NUMBER || quality == QUALITY_FROZEN ||
	       quality == QUALITY_RATE;
}

static __attribute__((noinline)) enum quality screened(struct core *core, size_t channel,
						       struct stamp at, double value,
						       enum quality quality, uint32_t *reason)
{
	const struct config_channel *config = &core->config->channels[channel];
	struct core_channel *state = &core->channels[channel];

	if (config->conditional && is_of_the_value(quality) &&
	    !measure_holds(core, config->enabled_by, config->enabled_above, config->enabled_bound,
			   at)) {
		quality = QUALITY_NOT_IN_OPERATION;
		*reason = CORE_REASON(REASON_CONDITION, 0);
	}
	if (quality == QUALITY_GOOD && (config->frozen_after_ms > 0 || config->max_rate > 0))
		return screen_value(config, &state->screen, at, value,
				    state->has_value ? &state->value : NULL, state->good.mono_ms,
				    core->interval_ms[channel]);
	if (quality == QUALITY_CALIBRATING || quality == QUALITY_MAINTENANCE ||
	    quality == QUALITY_NOT_IN_OPERATION)
		screen_release(&state->screen);
	return quality;
}

/* one that is not good: it is counted, and says that the instrument is there */
static __attribute__((noinline)) void take_bad(struct core *core, size_t channel, struct stamp at,
					       double value, enum quality quality)
{
	struct core_channel *state = &core->channels[channel];

	state->has_raw = isfinite(value) && quality != QUALITY_COMMUNICATION_LOST;
	window_add_bad(&state->minute, quality);
	if (quality != QUALITY_NOT_IN_OPERATION)
		return;
	state->fine = at;
	if (state->lost && !state->sparse)
		say_restored(core, channel, at);
}

void measure_sample(struct core *core, size_t channel, struct stamp at, double value,
		    enum quality quality, uint32_t reason)
{
	struct core_channel *state = &core->channels[channel];

	if (quality != QUALITY_GOOD || core->screened[channel])
		quality = screened(core, channel, at, value, quality, &reason);
	state->seen = at;
	state->quality = quality;
	state->reason = reason;
	state->raw = value;
	state->fresh = core->leads[channel];
	if (quality != QUALITY_GOOD) {
		take_bad(core, channel, at, value, quality);
		return;
	}
	state->has_raw = true;
	window_add(&state->minute, value, QUALITY_GOOD);
	state->value = value;
	state->has_value = true;
	state->good = at;
	state->fine = at;
	if (state->lost && !state->sparse)
		say_restored(core, channel, at);
	judge(core, channel, LIMIT_ON_VALUE, at, value, at.wall_ms);
}
