/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/core.h"

static uint32_t expected_per_minute(uint32_t interval_ms)
{
	return MAX((uint32_t)(MS_PER_MIN / MAX(interval_ms, 1U)), 1U);
}

int core_new(struct core **ret, const struct config *config, const struct plan *plan,
	     struct batch *batch)
{
	CLEANUP(core_free) struct core *core = calloc(1, sizeof(*core));
	size_t n;

	if (!core)
		return -ENOMEM;
	*core = (struct core){.config = config,
			      .plan = plan,
			      .batch = batch,
			      .n_streams = MAX(plan->n_slots, (size_t)1)};
	core->channels = calloc(config->n_channels + 1, sizeof(*core->channels));
	core->windows = calloc(config->n_channels + 1, sizeof(*core->windows));
	core->limits = calloc(config->n_limits + 1, sizeof(*core->limits));
	core->incidents = calloc(config->n_sites * N_WASTE_KINDS + 1, sizeof(*core->incidents));
	core->streams = calloc(core->n_streams, sizeof(*core->streams));
	core->channel_limits = calloc(config->n_channels + 1, sizeof(*core->channel_limits));
	core->interval_ms = calloc(config->n_channels + 1, sizeof(*core->interval_ms));
	core->expected = calloc(config->n_channels + 1, sizeof(*core->expected));
	core->lost_after_ms = calloc(config->n_channels + 1, sizeof(*core->lost_after_ms));
	if (!core->channels || !core->windows || !core->limits || !core->incidents ||
	    !core->streams || !core->channel_limits || !core->interval_ms || !core->expected ||
	    !core->lost_after_ms)
		return -ENOMEM;
	for (size_t i = 0; i < config->n_channels; i++) {
		const struct config_channel *channel = &config->channels[i];

		n = config_limits_of(config, i, &core->channel_limits[i]);
		core->channel_limits[i + 1] = core->channel_limits[i] + n;
		core->interval_ms[i] = config->units[channel->unit].interval_ms;
		core->expected[i] = expected_per_minute(core->interval_ms[i]);
		core->lost_after_ms[i] = channel->lost_after_ms;
		core->channels[i].quality = QUALITY_STALE;
		window_start(&core->channels[i].minute, -1);
		for (size_t w = 0; w < N_WINDOWS; w++) {
			window_start(&core->windows[i].open[w], -1);
			core->windows[i].last[w].start_ms = -1;
		}
	}
	for (size_t i = 0; i < core->n_streams; i++)
		core->streams[i].minute_ms = -1;
	*ret = steal(&core);
	return 0;
}

struct core *core_free(struct core *core)
{
	if (!core)
		return NULL;
	free(core->channels);
	free(core->windows);
	free(core->limits);
	free(core->incidents);
	free(core->streams);
	free(core->channel_limits);
	free(core->interval_ms);
	free(core->expected);
	free(core->lost_after_ms);
	free(core);
	return NULL;
}

void core_set_interval(struct core *core, size_t channel, uint32_t interval_ms)
{
	core->interval_ms[channel] = interval_ms;
	core->expected[channel] = expected_per_minute(interval_ms);
	core->lost_after_ms[channel] = MAX(core->config->channels[channel].lost_after_ms,
					   3 * interval_ms);
}

void core_join_streams(struct core *core)
{
	core->n_streams = 1; /* the arrays stay as long as they are */
}

void core_event(struct core *core, const struct event *event)
{
	struct batch_entry *entry = batch_add(core->batch, entries);
	char message[EVENT_MESSAGE_MAX];

	if (!entry)
		return;
	event_message(event, core->config, message);
	entry->seq = core->chain.seq + 1;
	entry->wall_ms = event->at.wall_ms;
	entry->type = event->type;
	entry->priority = event_priority(event, core->config);
	entry->line = event_line(event, core->config, entry->seq);
	entry->message = strdup(message);
	entry->incident = event->incident ? strdup(event->incident) : NULL;
	if (!entry->line || !entry->message || (event->incident && !entry->incident) ||
	    chain_next(core->chain.hash, entry->line, entry->hash) < 0) {
		core->batch->out_of_memory = true;
		return;
	}
	core->chain.seq = entry->seq;
	memcpy(core->chain.hash, entry->hash, sizeof(entry->hash));
}

struct core_incident *core_incident_of(const struct core *core, size_t channel)
{
	const struct config_source
		*source = &core->config->sources[core->config->channels[channel].source];

	return &core->incidents[source->site * N_WASTE_KINDS + source->kind];
}

/* one and a half intervals: polling has jitter */
static int64_t stands_for(const struct core *core, const struct config_limit *limit)
{
	return limit->on == LIMIT_ON_VALUE ? (int64_t)core->interval_ms[limit->channel] * 3 / 2
					   : MS_PER_MIN * 3 / 2;
}

static void judge_limit(struct core *core, size_t limit, struct stamp at, double value,
			int64_t since_ms)
{
	struct core_limit *state = &core->limits[limit];
	const struct config_limit *config = &core->config->limits[limit];

	switch (limit_value(config, &state->state, value, at.mono_ms, since_ms,
			    stands_for(core, config))) {
	case LIMIT_BROKEN:
		state->raised = at;
		state->peak = state->state.worst;
		state->peak_ms = at.wall_ms;
		incident_alarm_raised(core, limit, at, value);
		break;
	case LIMIT_BACK:
		incident_alarm_cleared(core, limit, at, value);
		break;
	case LIMIT_SAME:
		if (limit_is_raised(&state->state) &&
		    (config->high ? value > state->peak : value < state->peak))
			incident_peak(core, limit, at, value);
		break;
	}
}

/* hold a good value against those limits of a channel that look at it */
static void judge(struct core *core, size_t channel, enum limit_on on, struct stamp at,
		  double value, int64_t since_ms)
{
	for (size_t i = core->channel_limits[channel]; i < core->channel_limits[channel + 1]; i++)
		if (core->config->limits[i].on == on)
			judge_limit(core, i, at, value, since_ms);
}

static void say_lost(struct core *core, size_t channel, struct stamp at)
{
	struct core_channel *state = &core->channels[channel];
	struct event event = event_of_channel(core->config, EVENT_MEASUREMENT_LOST, at, channel);
	struct core_incident *incident = core_incident_of(core, channel);
	char reason[128];

	state->lost = true;
	if (state->quality == QUALITY_GOOD && !state->sparse)
		state->quality = QUALITY_STALE; /* an old value is never shown as fresh */
	event.reason = core_lost_reason(state, reason, sizeof(reason));
	event.since_ms = state->good.wall_ms;
	if (incident->open) {
		event.incident = incident->id;
		incident->dirty = true;
	}
	core_event(core, &event);
}

static void say_restored(struct core *core, size_t channel, struct stamp at)
{
	struct event event = event_of_channel(core->config, EVENT_MEASUREMENT_RESTORED, at,
					      channel);
	struct core_incident *incident = core_incident_of(core, channel);

	core->channels[channel].lost = false;
	core->channels[channel].sparse = false;
	event.has_value = true;
	event.value = core->channels[channel].value;
	if (incident->open) {
		event.incident = incident->id;
		incident->dirty = true;
	}
	core_event(core, &event);
}

const char *core_lost_reason(const struct core_channel *channel, char *text, size_t n)
{
	if (channel->sparse)
		(void)snprintf(text, n, "only %u %% of a minute's values are good",
			       channel->capture);
	else if (channel->quality == QUALITY_DEVICE_FAULT && channel->reason)
		(void)snprintf(text, n, "device answers with exception %u", channel->reason);
	else if (channel->quality == QUALITY_COMMUNICATION_LOST &&
		 channel->reason == WIRE_EXCEPTION) /* see quality_of_status() */
		(void)snprintf(text, n, "gateway does not reach the device");
	else if (channel->quality == QUALITY_COMMUNICATION_LOST && channel->reason)
		(void)snprintf(text, n, "%s", wire_status_text((enum wire_status)channel->reason));
	else if (channel->quality == QUALITY_GOOD || channel->quality == QUALITY_STALE)
		(void)snprintf(text, n, "nothing comes any more");
	else
		(void)snprintf(text, n, "%s", quality_text((enum quality)channel->quality));
	return text;
}

/*
 * Good values that come too thin to make a valid minute leave the limits on means blind:
 * after three such minutes that is a measurement lost, until a minute is valid again.
 */
static void watch_capture(struct core *core, size_t channel, struct stamp at,
			  const struct window_row *row)
{
	struct core_channel *state = &core->channels[channel];

	if (row->valid || row->n == 0)
		state->n_sparse = 0; /* without any value it is silence, see check_lost() */
	else if (state->n_sparse < UINT8_MAX)
		state->n_sparse++;
	if (row->valid && state->lost && state->sparse)
		say_restored(core, channel, at);
	if (state->n_sparse < CORE_SPARSE_MINUTES || state->lost)
		return;
	state->sparse = true;
	say_lost(core, channel, at);
}

static void close_minute(struct core *core, size_t channel, struct stamp at, int64_t next_ms)
{
	struct core_channel *state = &core->channels[channel];
	struct batch_minute *minute;
	struct window_row row;

	if (!state->idle && state->minute.start_ms >= 0) {
		row = window_close(&state->minute, core->expected[channel],
				   core->config->capture_percent);
		minute = batch_add(core->batch, minutes);
		if (minute)
			*minute = (struct batch_minute){.channel = (uint32_t)channel, .row = row};
		state->mean = row.mean;
		state->mean_valid = row.valid;
		state->capture = row.capture;
		if (row.valid)
			judge(core, channel, LIMIT_ON_MEAN_1MIN, at, row.mean, row.start_ms);
		watch_capture(core, channel, at, &row);
	}
	window_start(&state->minute, next_ms);
}

static bool is_of_stream(const struct core *core, size_t channel, size_t stream)
{
	return core->n_streams == 1 || core->plan->channel_slot[channel] == stream;
}

static int64_t floor_minute(int64_t wall_ms)
{
	return wall_ms - (wall_ms % MS_PER_MIN + MS_PER_MIN) % MS_PER_MIN;
}

/* is the channel without a good value for too long? The time before the first tick does
 * not count: nobody was watching. */
static void check_lost(struct core *core, size_t channel, struct stamp at)
{
	struct core_channel *state = &core->channels[channel];

	if (state->idle || state->lost)
		return;
	if (state->good.mono_ms == 0 && state->good.wall_ms == 0)
		state->good = at;
	if (at.mono_ms - state->good.mono_ms >= (int64_t)core->lost_after_ms[channel])
		say_lost(core, channel, at);
}

static void say_step(struct core *core, struct stamp at, int64_t step_ms)
{
	struct event event = event_plain(EVENT_CLOCK_STEPPED, at);

	event.number = step_ms;
	core_event(core, &event);
}

/* how far the wall clock was set between two moments; 0: it only went on. Slewing moves a
 * clock by at most 500 ppm (adjtimex(2)): twice that is allowed. */
static int64_t step_between(struct stamp before, struct stamp at)
{
	int64_t elapsed_ms = at.mono_ms - before.mono_ms;
	int64_t step_ms = at.wall_ms - before.wall_ms - elapsed_ms;

	if (llabs(step_ms) < CORE_STEP_MS) /* nearly always: spares the division */
		return 0;
	return llabs(step_ms) < CORE_STEP_MS + elapsed_ms / 1000 ? 0 : step_ms;
}

/*
 * Move a stream's time on. The minutes follow the wall clock wherever it is set to: what
 * was measured until then is closed as it is, and the record joins two rows of one minute.
 */
static void advance(struct core *core, size_t stream, struct stamp at)
{
	struct core_stream *s = &core->streams[stream];
	bool same = at.wall_ms >= s->minute_ms && at.wall_ms < s->minute_ms + MS_PER_MIN &&
		    s->minute_ms >= 0;
	int64_t minute_ms = same ? s->minute_ms : floor_minute(at.wall_ms);
	int64_t step_ms = s->running ? step_between(s->now, at) : 0;

	if (step_ms != 0)
		say_step(core, at, step_ms);
	if (s->running && at.mono_ms - s->now.mono_ms >= CORE_GAP_MS)
		incident_gap(core, at);
	if (minute_ms != s->minute_ms)
		for (size_t i = 0; i < core->config->n_channels; i++)
			if (is_of_stream(core, i, stream))
				close_minute(core, i, at, minute_ms);
	s->minute_ms = minute_ms;
	s->now = at;
	s->running = true;
}

static void say_late(struct core *core, size_t stream, struct stamp at)
{
	struct event event = event_plain(EVENT_READINGS_LOST, at);

	event.number = (int64_t)core->streams[stream].n_late;
	event.reason = "they came after their time had been judged";
	core->streams[stream].n_late = 0;
	core_event(core, &event);
}

void core_tick(struct core *core, size_t stream, struct stamp at)
{
	assert(stream < core->n_streams);
	if (core->streams[stream].running && at.mono_ms < core->streams[stream].now.mono_ms)
		return;
	advance(core, stream, at);
	if (core->streams[stream].n_late > 0)
		say_late(core, stream, at);
	for (size_t i = 0; i < core->config->n_channels; i++)
		if (is_of_stream(core, i, stream))
			check_lost(core, i, at);
	incident_tick(core, at);
}

/* its minute is closed, its moment judged: counted, not used */
static bool is_late(struct core_stream *stream, struct stamp at)
{
	if (!stream->running || at.mono_ms >= stream->now.mono_ms)
		return false;
	stream->n_late++;
	return true;
}

void core_sample(struct core *core, size_t channel, struct stamp at, double value,
		 enum quality quality, uint32_t reason)
{
	size_t stream = core->n_streams == 1 ? 0 : core->plan->channel_slot[channel];
	struct core_stream *s = &core->streams[stream];
	struct core_channel *state = &core->channels[channel];
	bool good = quality == QUALITY_GOOD;

	if (is_late(s, at))
		return;
	if (!s->running || at.mono_ms != s->now.mono_ms || at.wall_ms != s->now.wall_ms)
		advance(core, stream, at);
	state->seen = at;
	state->quality = quality;
	state->reason = reason;
	window_add(&state->minute, value, quality);
	if (good) {
		state->value = value;
		state->has_value = true;
		state->good = at;
		if (state->lost && !state->sparse)
			say_restored(core, channel, at);
		judge(core, channel, LIMIT_ON_VALUE, at, value, at.wall_ms);
	}
}

static enum quality quality_of_decode(int r)
{
	return r == 0 ? QUALITY_GOOD : r == -ERANGE ? QUALITY_OUT_OF_RANGE : QUALITY_NOT_A_NUMBER;
}

/* a device that answers with an exception is there but faulty; a gateway's 10 and 11 mean
 * that it is not there (Modbus application protocol V1.1b3 §7) */
static enum quality quality_of_status(const struct wire_reading *reading, uint32_t *ret_reason)
{
	*ret_reason = reading->status;
	if (reading->status != WIRE_EXCEPTION || reading->exception == 10 ||
	    reading->exception == 11)
		return QUALITY_COMMUNICATION_LOST;
	*ret_reason = reading->exception;
	return QUALITY_DEVICE_FAULT;
}

static void sample_part(struct core *core, const struct plan_part *part, struct stamp at,
			const struct wire_reading *reading)
{
	const struct config_channel *channel = &core->config->channels[part->channel];
	const uint16_t *words = wire_reading_words(reading);
	size_t offset = (size_t)part->offset - reading->first; /* see is_about() */
	double value = 0;
	int r;

	if (channel->function <= 2) /* bits, packed 16 to a word */
		r = decode_bit(words, reading->n_words, offset, &value);
	else
		r = offset >= reading->n_words ? -EINVAL
					       : decode_value(&channel->decode, words + offset,
							      reading->n_words - offset, &value);
	core_sample(core, part->channel, at, value, quality_of_decode(r), 0);
}

/* is all of the channel in the part of its request that the reading is about? */
static bool is_about(const struct core *core, const struct plan_part *part,
		     const struct wire_reading *reading)
{
	const struct config_channel *channel = &core->config->channels[part->channel];
	size_t length = channel->function <= 2 ? 1 : decode_words(channel->decode.type);

	return part->offset >= reading->first &&
	       part->offset + length <= (size_t)reading->first + reading->count;
}

int core_reading(struct core *core, size_t stream, struct stamp at,
		 const struct wire_reading *reading)
{
	const struct plan *plan = core->plan;
	uint32_t reason = 0;
	enum quality quality = QUALITY_GOOD;
	size_t request;
	int r;

	if (reading->key == 0) {
		core_tick(core, stream, at);
		return 0;
	}
	if (is_late(&core->streams[stream], at))
		return 0;
	r = plan_find_request(plan, reading->key, &request);
	if (r < 0)
		return r;
	if (reading->count == 0 || reading->first + reading->count > plan->requests[request].count)
		return -EINVAL;
	if (reading->status != WIRE_OK)
		quality = quality_of_status(reading, &reason);
	for (size_t i = plan->first_part[request]; i < plan->first_part[request + 1]; i++) {
		if (!is_about(core, &plan->parts[i], reading))
			continue;
		if (quality == QUALITY_GOOD)
			sample_part(core, &plan->parts[i], at, reading);
		else
			core_sample(core, plan->parts[i].channel, at, 0, quality, reason);
	}
	return 0;
}
