/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The windows longer than a minute. They are made of the minutes' rows and of nothing else,
 * so that what the record holds can always tell how they came about.
 *
 * A window with too few good values has no mean that counts, and that is said. It still breaks a
 * limit where those it has are enough to be sure (judge_certain()); nothing is put in for the
 * others, here or in the record.
 */
#include "core/files.h"
#include "core/measure.h"

uint32_t windows_expected(const struct core *core, size_t channel, enum window_length length)
{
	return (uint32_t)MAX(window_ms(length) / MAX(core->interval_ms[channel], 1U), 1);
}

static void keep(struct core_windows *windows, enum window_length length,
		 const struct window_row *row)
{
	struct window_row *last = &windows->last[length];

	if (last->start_ms >= 0 && last->n > 0)
		windows->before[length] = *last;
	*last = *row;
}

/*
 * Close the open window. Minutes without a row make it stale where it is over; where the clock
 * was set back out of it they may still come.
 */
static struct window_row finish(struct core *core, size_t channel, enum window_length length,
				bool is_over)
{
	struct core_windows *windows = &core->windows[channel];
	struct window *open = &windows->open[length];
	struct window_row row;

	if (is_over && core->interval_ms[channel] <= MS_PER_MIN &&
	    open->n_minutes < window_ms(length) / MS_PER_MIN)
		open->worst = quality_worse((enum quality)open->worst, QUALITY_STALE);
	row = window_close(open, windows_expected(core, channel, length),
			   core->config->capture_percent);
	keep(windows, length, &row);
	window_start(open, -1);
	return row;
}

/* be in the window that begins at @start_ms, whatever was open before */
static void enter(struct core *core, size_t channel, enum window_length length, int64_t start_ms)
{
	struct core_windows *windows = &core->windows[channel];
	struct window *open = &windows->open[length];

	if (open->start_ms == start_ms)
		return;
	if (open->start_ms >= 0)
		(void)finish(core, channel, length, start_ms > open->start_ms);
	if (windows->last[length].start_ms == start_ms)
		window_resume(open, length, &windows->last[length]);
	else if (windows->before[length].start_ms == start_ms)
		window_resume(open, length, &windows->before[length]);
	else
		window_start(open, start_ms);
}

void windows_join(struct core *core, size_t channel, const struct window_row *row)
{
	for (int i = WINDOW_5MIN; i <= WINDOW_LENGTH_MAX; i++) {
		enum window_length length = (enum window_length)i;
		struct window *open = &core->windows[channel].open[length];

		if (open->start_ms < 0 || !window_covers(length, open->start_ms, row->start_ms))
			enter(core, channel, length,
			      window_floor(length, row->start_ms, core->config->zone_min));
		window_join(open, row);
	}
	core->windows[channel].last[WINDOW_1MIN] = *row;
	core->windows_dirty = true;
}

static bool has_limit(const struct core *core, size_t channel, enum limit_on on)
{
	for (size_t i = core->channel_limits[channel]; i < core->channel_limits[channel + 1]; i++)
		if (core->config->limits[i].on == on)
			return true;
	return false;
}

/* a limit that goes blind must not do so silently; once, until a window can be judged again */
static void say_unjudged(struct core *core, size_t channel, enum window_length length,
			 const struct window_row *row, struct stamp at)
{
	struct event event = event_of_channel(core->config, EVENT_WINDOW_INVALID, at, channel);
	bool *said = &core->windows[channel].unjudged[length];

	if (!row->valid && !*said) {
		event.name = window_text(length);
		event.since_ms = row->start_ms;
		event.number = row->capture;
		core_event(core, &event);
	}
	*said = !row->valid;
}

static void close_window(struct core *core, size_t channel, enum window_length length,
			 int64_t start_ms, struct stamp at, bool is_over)
{
	enum limit_on on = (enum limit_on)(LIMIT_ON_MEAN_1MIN + (int)length);
	struct window_row row;

	if (core->channels[channel].idle)
		return;
	enter(core, channel, length, start_ms);
	row = finish(core, channel, length, is_over);
	if (row.valid)
		judge(core, channel, on, at, row.mean, row.start_ms);
	else if (is_over)
		judge_certain(core, channel, on, at, &row, windows_expected(core, channel, length));
	if (is_over && has_limit(core, channel, on))
		say_unjudged(core, channel, length, &row, at);
}

/*
 * A window of this length and start is closed for all channels of a stream: their @last is
 * that window. Called once for each, in the order of the starts; again where the clock was
 * set back into a window.
 */
static void closed_window(struct core *core, size_t stream, enum window_length length,
			  int64_t start_ms, struct stamp at, bool is_over)
{
	/* a window that the clock was set back out of is still to come: no file of a part of it */
	if (length == WINDOW_5MIN && is_over && !core->exercise)
		files_window(core, stream, start_ms, at);
	core->windows_dirty = true;
}

/* windows that went by while nothing came at all, up to a day back */
static void pass_over(struct core *core, size_t stream, enum window_length length, int64_t from_ms,
		      int64_t to_ms, struct stamp at)
{
	struct window_row row = {.worst = QUALITY_STALE};

	for (row.start_ms = MAX(from_ms, to_ms - MS_PER_DAY); row.start_ms < to_ms;
	     row.start_ms += window_ms(length)) {
		for (size_t i = 0; i < core->config->n_channels; i++)
			if (core_is_of_stream(core, i, stream) && !core->channels[i].idle)
				keep(&core->windows[i], length, &row);
		closed_window(core, stream, length, row.start_ms, at, true);
	}
}

void windows_advance(struct core *core, size_t stream, int64_t from_ms, int64_t to_ms,
		     struct stamp at, bool stepped)
{
	if (from_ms < 0)
		return;
	for (int i = WINDOW_5MIN; i <= WINDOW_LENGTH_MAX; i++) {
		enum window_length length = (enum window_length)i;
		int64_t old_ms = window_floor(length, from_ms, core->config->zone_min), new_ms;

		if (window_covers(length, old_ms, to_ms))
			continue;
		new_ms = window_floor(length, to_ms, core->config->zone_min);
		for (size_t j = 0; j < core->config->n_channels; j++)
			if (core_is_of_stream(core, j, stream))
				close_window(core, j, length, old_ms, at, to_ms > from_ms);
		closed_window(core, stream, length, old_ms, at, to_ms > from_ms);
		if (!stepped) /* no time has passed in what the clock was set over */
			pass_over(core, stream, length, old_ms + window_ms(length), new_ms, at);
	}
}

void core_rebuild_window(struct core *core, size_t channel, const struct window_row *row)
{
	windows_join(core, channel, row);
}

void core_rebuilt(struct core *core)
{
	for (size_t i = 0; i < core->config->n_channels; i++) {
		size_t stream = core->n_streams == 1 ? 0 : core->plan->channel_slot[i];
		int64_t minute_ms = core->streams[stream].minute_ms;

		for (int w = WINDOW_5MIN; w <= WINDOW_LENGTH_MAX && minute_ms >= 0; w++) {
			enum window_length length = (enum window_length)w;
			int64_t open_ms = core->windows[i].open[w].start_ms;

			if (open_ms >= 0 &&
			    open_ms < window_floor(length, minute_ms, core->config->zone_min))
				(void)finish(core, i, length, true);
		}
	}
}
