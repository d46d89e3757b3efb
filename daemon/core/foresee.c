/* SPDX-License-Identifier: Apache-2.0 */
/* What longer windows will come to, once a minute; what is foreseen is in forecast.h. */
#include <math.h>

#include "core/measure.h"

/* A channel has a value every interval, at the same moments of it as the last one; so an hour that
 * has had the only one it gets has none to come. */
static uint32_t values_to_come(const struct core *core, size_t channel, int64_t now_ms,
			       int64_t rest_ms)
{
	int64_t interval_ms = MAX(core->interval_ms[channel], 1U);
	int64_t next_ms = (core->channels[channel].seen.wall_ms - now_ms) % interval_ms;

	next_ms += next_ms < 0 ? interval_ms : 0;
	return next_ms < rest_ms ? (uint32_t)((rest_ms - next_ms - 1) / interval_ms + 1) : 0;
}

/* the window of a limit as it is at the end of the minute before @now_ms; false: none is open */
static bool open_window(const struct core *core, const struct config_limit *limit, int64_t now_ms,
			struct forecast_window *ret)
{
	enum window_length length = (enum window_length)(limit->on - LIMIT_ON_MEAN_1MIN);
	const struct window *window = &core->windows[limit->channel].open[length];
	const struct decode *range = &core->config->channels[limit->channel].decode;
	uint32_t expected = windows_expected(core, limit->channel, length);
	int64_t rest_ms = window->start_ms + window_ms(length) - now_ms;

	if (window->start_ms < 0 || rest_ms <= 0 || rest_ms >= window_ms(length))
		return false;
	*ret = (struct forecast_window){
		.sum = window->sum,
		.n = window->n,
		.n_rest = values_to_come(core, limit->channel, now_ms, rest_ms),
		.rest_ms = rest_ms,
		.expected = expected,
		.required_percent = core->config->capture_percent,
		.best = limit->high ? range->min : range->max,
	};
	return true;
}

static void say_forecast(struct core *core, size_t limit, struct stamp at, double value)
{
	struct core_forecast *forecast = &core->limits[limit].forecast;
	const struct core_incident *incident = core_incident_of(
		core, core->config->limits[limit].channel);
	struct event event = event_of_channel(core->config, EVENT_ALARM_FORECAST, at,
					      core->config->limits[limit].channel);

	if (forecast->kind == forecast->said || limit_is_raised(&core->limits[limit].state))
		return;
	forecast->said = forecast->kind;
	event.limit = limit;
	event.incident = incident->open ? incident->id : NULL;
	event.has_value = isfinite(value);
	event.value = event.has_value ? value : 0;
	event.since_ms = forecast->window_ms;
	event.quiet = alarm_is_quiet(&core->limits[limit].alarm) || forecast->kind == FORECAST_NONE;
	if (forecast->kind == FORECAST_BREAKS)
		event.number = MAX((forecast->due_ms - at.wall_ms) / MS_PER_S, 1);
	else
		event.reason = forecast->kind == FORECAST_NONE ? EVENT_FORECAST_GONE
							       : "can no longer be avoided";
	core_event(core, &event);
}

/* the window is over: what was foreseen and did not come true is taken back */
static void leave_window(struct core *core, size_t limit, struct stamp at, int64_t start_ms)
{
	struct core_limit *state = &core->limits[limit];

	if (state->forecast.said == FORECAST_BREAKS &&
	    state->broken_ms != state->forecast.window_ms) {
		state->forecast.kind = FORECAST_NONE;
		say_forecast(core, limit, at, (double)NAN);
	}
	state->forecast = (struct core_forecast){.window_ms = start_ms, .rate.slot = -1};
}

/* what is foreseen counts when it has held for some slots; what is certain counts at once */
static void settle(struct core_forecast *forecast, enum forecast_kind kind, int64_t now_ms,
		   int64_t hold_ms)
{
	if (kind == FORECAST_UNAVOIDABLE || forecast->kind == FORECAST_UNAVOIDABLE ||
	    kind == (enum forecast_kind)forecast->kind) {
		forecast->kind = MAX((uint32_t)kind, forecast->kind);
		forecast->turned_ms = 0;
	} else if (forecast->turned_ms == 0) {
		forecast->turned_ms = now_ms;
	} else if (now_ms - forecast->turned_ms >= hold_ms) {
		forecast->kind = kind;
		forecast->turned_ms = 0;
	}
}

/* the mean of the last minutes; where values come less often than that, the last one */
static double present_rate(const struct core *core, size_t limit, const struct window *window,
			   int64_t now_ms)
{
	const struct config_limit *config = &core->config->limits[limit];
	const struct core_channel *channel = &core->channels[config->channel];
	int64_t slot_ms = forecast_slot_ms(
		window_ms((enum window_length)(config->on - LIMIT_ON_MEAN_1MIN)));
	struct forecast_rate *rate = &core->limits[limit].forecast.rate;
	double value = forecast_rate(rate, (int32_t)((now_ms - window->start_ms) / slot_ms),
				     window->sum, window->n);

	if (core->interval_ms[config->channel] > FORECAST_SLOTS * slot_ms &&
	    rate->slot - rate->first >= FORECAST_SLOTS && channel->quality == QUALITY_GOOD)
		return channel->value;
	return value;
}

static void foresee(struct core *core, size_t limit, int64_t now_ms, struct stamp at)
{
	const struct config_limit *config = &core->config->limits[limit];
	enum window_length length = (enum window_length)(config->on - LIMIT_ON_MEAN_1MIN);
	struct core_forecast *forecast = &core->limits[limit].forecast;
	const struct window *open = &core->windows[config->channel].open[length];
	struct forecast_window window;
	enum forecast_kind kind;
	int64_t in_ms = 0;
	double value;

	if (open->start_ms != forecast->window_ms)
		leave_window(core, limit, at, open->start_ms);
	if (!open_window(core, config, now_ms, &window))
		return;
	value = present_rate(core, limit, open, now_ms);
	kind = forecast_mean(&window, config->high, config->bound, value, &in_ms);
	if (kind != FORECAST_NONE)
		forecast->due_ms = now_ms + in_ms;
	settle(forecast, kind, now_ms, FORECAST_HOLD * forecast_slot_ms(window_ms(length)));
	say_forecast(core, limit, at, value);
}

/* The minute's own mean is known before anybody could act on a forecast of it. */
void alarm_forecast(struct core *core, size_t stream, struct stamp at)
{
	for (size_t i = 0; i < core->config->n_limits; i++) {
		const struct config_limit *limit = &core->config->limits[i];

		if (limit->on > LIMIT_ON_MEAN_1MIN && !core->channels[limit->channel].idle &&
		    core_is_of_stream(core, limit->channel, stream))
			foresee(core, i, core->streams[stream].minute_ms, at);
	}
}
