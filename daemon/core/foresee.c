/* SPDX-License-Identifier: Apache-2.0 */
/* What longer windows will come to, once a minute; what is foreseen is in forecast.h. */
#include "core/measure.h"

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
		.n_rest = (uint32_t)((expected * rest_ms + window_ms(length) - 1) /
				     window_ms(length)),
		.rest_ms = rest_ms,
		.expected = expected,
		.required_percent = core->config->capture_percent,
		.best = limit->high ? range->min : range->max,
	};
	return true;
}

/* Of each window at most one entry that it will be broken, and one that nothing helps any more:
 * a value that goes up and down around the bound would fill the record. */
static void say_forecast(struct core *core, size_t limit, struct stamp at)
{
	struct core_forecast *forecast = &core->limits[limit].forecast;
	const struct core_incident *incident = core_incident_of(
		core, core->config->limits[limit].channel);
	struct event event = event_of_channel(core->config, EVENT_ALARM_FORECAST, at,
					      core->config->limits[limit].channel);

	if (forecast->kind <= forecast->said || limit_is_raised(&core->limits[limit].state))
		return;
	forecast->said = forecast->kind;
	event.limit = limit;
	event.incident = incident->open ? incident->id : NULL;
	event.has_value = true;
	event.value = core->channels[core->config->limits[limit].channel].mean;
	event.since_ms = forecast->window_ms;
	event.quiet = alarm_is_quiet(&core->limits[limit].alarm);
	if (forecast->kind == FORECAST_BREAKS)
		event.number = MAX((forecast->due_ms - at.wall_ms) / MS_PER_S, 1);
	else
		event.reason = "can no longer be avoided";
	core_event(core, &event);
}

static void foresee(struct core *core, size_t limit, int64_t now_ms, struct stamp at)
{
	const struct config_limit *config = &core->config->limits[limit];
	const struct core_channel *channel = &core->channels[config->channel];
	enum window_length length = (enum window_length)(config->on - LIMIT_ON_MEAN_1MIN);
	struct core_forecast *forecast = &core->limits[limit].forecast;
	int64_t start_ms = core->windows[config->channel].open[length].start_ms, in_ms = 0;
	struct forecast_window window;

	if (start_ms != forecast->window_ms)
		*forecast = (struct core_forecast){.window_ms = start_ms};
	/* where values come less than once a minute, the last one stands for the minutes between */
	if (!channel->mean_valid && core->interval_ms[config->channel] > MS_PER_MIN &&
	    channel->quality == QUALITY_GOOD)
		return;
	forecast->kind = FORECAST_NONE;
	if (!channel->mean_valid || !open_window(core, config, now_ms, &window))
		return;
	forecast->kind = forecast_mean(&window, config->high, config->bound, channel->mean, &in_ms);
	forecast->due_ms = now_ms + in_ms;
	say_forecast(core, limit, at);
}

/* The minute's own mean is known before anybody could act on a forecast of it. The present value
 * is the mean of the last minute: a single value is noise. */
void alarm_forecast(struct core *core, size_t stream, struct stamp at)
{
	for (size_t i = 0; i < core->config->n_limits; i++) {
		const struct config_limit *limit = &core->config->limits[i];

		if (limit->on > LIMIT_ON_MEAN_1MIN && !core->channels[limit->channel].idle &&
		    core_is_of_stream(core, limit->channel, stream))
			foresee(core, i, core->streams[stream].minute_ms, at);
	}
}
