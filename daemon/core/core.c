/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/assess.h"
#include "core/heartbeat.h"
#include "core/measure.h"
#include "core/release.h"

static uint32_t expected_per_minute(uint32_t interval_ms)
{
	return MAX((uint32_t)(MS_PER_MIN / MAX(interval_ms, 1U)), 1U);
}

static int allocate(struct core *core)
{
	const struct config *config = core->config;
	size_t n = config->n_channels + 1;

	core->channels = calloc(n, sizeof(*core->channels));
	core->windows = calloc(n, sizeof(*core->windows));
	core->states = calloc(config->n_states + 1, sizeof(*core->states));
	core->limits = calloc(config->n_limits + 1, sizeof(*core->limits));
	core->notes = calloc(config->n_limits + 1, sizeof(*core->notes));
	core->incidents = calloc(config->n_sites * N_WASTE_KINDS + 1, sizeof(*core->incidents));
	core->crossings = calloc(config->n_sites * N_WASTE_KINDS + 1, sizeof(*core->crossings));
	core->dues = calloc(CROSSING_DUES_MAX, sizeof(*core->dues));
	core->upstream = calloc(config->n_channels + 1, sizeof(*core->upstream));
	core->streams = calloc(core->n_streams, sizeof(*core->streams));
	core->channel_limits = calloc(n, sizeof(*core->channel_limits));
	core->interval_ms = calloc(n, sizeof(*core->interval_ms));
	core->expected = calloc(n, sizeof(*core->expected));
	core->lost_after_ms = calloc(n, sizeof(*core->lost_after_ms));
	core->derived = calloc(n, sizeof(*core->derived));
	core->leads = calloc(n, sizeof(*core->leads));
	core->screened = calloc(n, sizeof(*core->screened));
	core->watch_ms = calloc(core->n_streams, sizeof(*core->watch_ms));
	return core->channels && core->windows && core->states && core->limits && core->notes &&
			       core->incidents && core->crossings && core->dues && core->upstream &&
			       core->streams && core->channel_limits && core->interval_ms &&
			       core->expected && core->lost_after_ms && core->derived &&
			       core->leads && core->screened && core->watch_ms
		       ? 0
		       : -ENOMEM;
}

static void init_channel(struct core *core, size_t i)
{
	const struct config_channel *channel = &core->config->channels[i];
	size_t n = config_limits_of(core->config, i, &core->channel_limits[i]);

	core->channel_limits[i + 1] = core->channel_limits[i] + n;
	core->interval_ms[i] = core->config->units[channel->unit].interval_ms;
	core->expected[i] = expected_per_minute(core->interval_ms[i]);
	core->lost_after_ms[i] = channel->lost_after_ms;
	core->screened[i] = channel->conditional || channel->frozen_after_ms > 0 ||
			    channel->max_rate > 0;
	core->channels[i].quality = QUALITY_STALE;
	window_start(&core->channels[i].minute, -1);
	for (size_t w = 0; w < N_WINDOWS; w++) {
		window_start(&core->windows[i].open[w], -1);
		core->windows[i].last[w].start_ms = -1;
		core->windows[i].before[w].start_ms = -1;
	}
	if (channel->formula == FORMULA_NONE)
		return;
	core->derived[core->n_derived++] = i;
	core->leads[channel->inputs[0]] = true;
}

int core_new(struct core **ret, const struct config *config, const struct plan *plan,
	     struct batch *batch)
{
	CLEANUP(core_free) struct core *core = calloc(1, sizeof(*core));

	if (!core)
		return -ENOMEM;
	*core = (struct core){.config = config,
			      .plan = plan,
			      .batch = batch,
			      .n_streams = MAX(plan->n_slots, (size_t)1)};
	if (allocate(core) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < config->n_channels; i++)
		init_channel(core, i);
	if (release_init(core) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < core->n_streams; i++)
		core->streams[i].minute_ms = -1;
	core->ticks = config->n_states > 0 || config->crossing.n_targets > 0 ||
		      config->n_destinations > 0;
	core->settles = core->n_derived + core->n_released > 0;
	core->log = &core->chain;
	core->entries = batch;
	*ret = steal(&core);
	return 0;
}

struct core *core_free(struct core *core)
{
	if (!core)
		return NULL;
	free(core->channels);
	free(core->windows);
	free(core->states);
	free(core->limits);
	free(core->notes);
	free(core->incidents);
	free(core->crossings);
	free(core->dues);
	free(core->upstream);
	free(core->streams);
	free(core->channel_limits);
	free(core->interval_ms);
	free(core->expected);
	free(core->lost_after_ms);
	free(core->derived);
	free(core->leads);
	free(core->screened);
	free(core->watch_ms);
	free(core->masses);
	free(core->released);
	free(core->released_above);
	free(core->spans);
	free(core->span_masses);
	free(core->first_span);
	free(core);
	return NULL;
}

void core_set_interval(struct core *core, size_t channel, uint32_t interval_ms)
{
	core->interval_ms[channel] = interval_ms;
	core->expected[channel] = expected_per_minute(interval_ms);
	core->lost_after_ms[channel] = MAX(core->config->channels[channel].lost_after_ms,
					   3 * interval_ms);
	measure_watch_anew(core);
}

void core_take_as_given(struct core *core, size_t channel)
{
	core->channels[channel].given = true;
}

void core_join_streams(struct core *core)
{
	core->n_streams = 1; /* the arrays stay as long as they are */
}

void core_event(struct core *core, const struct event *what)
{
	struct event marked = *what, *event = &marked;
	char message[EVENT_MESSAGE_MAX];
	struct batch_entry *entry;

	core->calm = false;
	marked.exercise |= core->exercise;
	if (event->user && core->entries->has_actor)
		marked.uid = &core->entries->actor_uid;
	if (!batch_takes_entry(core->entries, event->type))
		return;
	entry = batch_add(core->entries, entries);
	if (!entry)
		return;
	event_message(event, core->config, message);
	entry->seq = core->log->seq + 1;
	entry->wall_ms = event->at.wall_ms;
	entry->type = event->type;
	entry->priority = event_priority(event, core->config);
	entry->line = event_line(event, core->config, entry->seq);
	entry->message = strdup(message);
	entry->incident = event->incident ? strdup(event->incident) : NULL;
	if (!entry->line || !entry->message || (event->incident && !entry->incident) ||
	    chain_next(core->log->hash, entry->line, entry->hash) < 0) {
		core->entries->out_of_memory = true;
		return;
	}
	core->log->seq = entry->seq;
	core->log->wall_ms = entry->wall_ms;
	memcpy(core->log->before, core->log->hash, sizeof(core->log->before));
	memcpy(core->log->hash, entry->hash, sizeof(entry->hash));
}

struct core_incident *core_incident_of(const struct core *core, size_t channel)
{
	const struct config_source
		*source = &core->config->sources[core->config->channels[channel].source];

	return &core->incidents[source->site * N_WASTE_KINDS + source->kind];
}

static int64_t floor_minute(int64_t wall_ms)
{
	return wall_ms - (wall_ms % MS_PER_MIN + MS_PER_MIN) % MS_PER_MIN;
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

	return llabs(step_ms) < CORE_STEP_MS + elapsed_ms / 1000 ? 0 : step_ms;
}

/* does the open minute go on at @at, with neither a gap before it nor a clock that was set? */
static bool is_of_page(const struct core_stream *s, struct stamp at)
{
	int64_t elapsed_ms = at.mono_ms - s->now.mono_ms;

	return s->running && s->minute_ms >= 0 && at.wall_ms >= s->minute_ms &&
	       at.wall_ms < s->minute_ms + MS_PER_MIN && elapsed_ms < CORE_GAP_MS &&
	       llabs(at.wall_ms - s->now.wall_ms - elapsed_ms) < CORE_STEP_MS;
}

/*
 * The minutes follow the wall clock wherever it is set to: what was measured until then is
 * closed as it is, and the record joins two rows of one minute. Not inlined: the way through
 * advance() is for every reading, this one for every minute, and its frame is large.
 */
static __attribute__((noinline)) void turn_page(struct core *core, size_t stream, struct stamp at)
{
	struct core_stream *s = &core->streams[stream];
	int64_t step_ms = s->running ? step_between(s->now, at) : 0;
	int64_t minute_ms = floor_minute(at.wall_ms);

	if (step_ms != 0)
		say_step(core, at, step_ms);
	if (s->running && at.mono_ms - s->now.mono_ms >= CORE_GAP_MS)
		incident_gap(core, at);
	if (minute_ms == s->minute_ms)
		return;
	for (size_t i = 0; i < core->config->n_channels; i++)
		if (core_is_of_stream(core, i, stream))
			measure_close_minute(core, i, at, minute_ms);
	windows_advance(core, stream, s->minute_ms, minute_ms, at, step_ms != 0);
	s->minute_ms = minute_ms;
	alarm_forecast(core, stream, at);
}

static inline bool is_now(const struct core_stream *s, struct stamp at)
{
	return s->running && at.mono_ms == s->now.mono_ms && at.wall_ms == s->now.wall_ms;
}

/* move a stream's time on */
static inline void advance(struct core *core, size_t stream, struct stamp at)
{
	struct core_stream *s = &core->streams[stream];

	if (core->settles)
		core_settle(core); /* it belongs to the time until now */
	if (is_now(s, at))
		return;
	if (!is_of_page(s, at))
		turn_page(core, stream, at);
	s->now = at;
	s->running = true;
}

static inline void move_on(struct core *core, size_t stream, struct stamp at)
{
	if (!is_now(&core->streams[stream], at))
		advance(core, stream, at);
}

static __attribute__((noinline)) void say_late(struct core *core, size_t stream, struct stamp at)
{
	struct event event = event_plain(EVENT_READINGS_LOST, at);

	event.number = (int64_t)core->streams[stream].n_late;
	event.reason = "they came after their time had been judged";
	core->streams[stream].n_late = 0;
	core_event(core, &event);
}

/*
 * What time does to alarms and incidents. Where none of them waits for anything, time alone does
 * nothing to them until something happens, and whatever happens to one is told by an entry.
 */
static void look_round(struct core *core, struct stamp at)
{
	bool calm = alarm_tick(core, at);

	core->calm = incident_tick(core, at) && calm;
}

void core_tick(struct core *core, size_t stream, struct stamp at)
{
	assert(stream < core->n_streams);
	if (core->streams[stream].running && at.mono_ms < core->streams[stream].now.mono_ms)
		return;
	advance(core, stream, at);
	if (core->streams[stream].n_late > 0)
		say_late(core, stream, at);
	if (at.mono_ms >= core->watch_ms[stream])
		measure_tick(core, stream, at);
	if (core->config->n_states > 0)
		verdict_tick(core, stream, at);
	if (!core->calm)
		look_round(core, at);
	if (core->config->crossing.n_targets > 0)
		assess_tick(core, at);
	if (core->config->n_destinations > 0)
		heartbeat_tick(core, at);
	if (core->tap)
		core->tap->tick(core->tap->userdata, stream, at);
}

/* its minute is closed, its moment judged: counted, not used */
static bool is_late(struct core_stream *stream, struct stamp at)
{
	if (!stream->running || at.mono_ms >= stream->now.mono_ms)
		return false;
	stream->n_late++;
	return true;
}

/* one of the present moment of its stream */
static inline void take_sample(struct core *core, size_t channel, struct stamp at, double value,
			       enum quality quality, uint32_t reason)
{
	measure_sample(core, channel, at, value, quality, reason);
	if (core->tap)
		core->tap->sample(core->tap->userdata, channel, at, value, quality, reason);
}

void core_sample(struct core *core, size_t channel, struct stamp at, double value,
		 enum quality quality, uint32_t reason)
{
	size_t stream = core->n_streams == 1 ? 0 : core->plan->channel_slot[channel];

	if (is_late(&core->streams[stream], at))
		return;
	move_on(core, stream, at);
	take_sample(core, channel, at, value, quality, reason);
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

/* where a part begins in the reading's registers or bits; false: not all of it is in there */
static bool find_part(const struct plan_part *part, const struct wire_reading *reading,
		      size_t *ret_offset)
{
	if (part->offset < reading->first ||
	    part->offset + part->length > reading->first + reading->count)
		return false;
	*ret_offset = (size_t)part->offset - reading->first;
	return true;
}

static int decode_part(const struct decode *decode, uint8_t function, size_t offset,
		       const struct wire_reading *reading, double *ret)
{
	const uint16_t *words = wire_reading_words(reading);

	if (function <= 2) /* bits, packed 16 to a word */
		return decode_bit(words, reading->n_words, offset, ret);
	if (offset >= reading->n_words)
		return -EINVAL;
	return decode_value(decode, words + offset, reading->n_words - offset, ret);
}

static __attribute__((noinline)) void read_state(struct core *core, const struct plan_part *part,
						 struct stamp at,
						 const struct wire_reading *reading)
{
	const struct config_state *state = &core->config->states[part->channel];
	struct decode decode = state->decode;
	double raw = 0;
	size_t offset;
	bool good;

	if (!find_part(part, reading, &offset))
		return;
	decode.scale = 1; /* bits are bits */
	decode.offset = 0;
	decode.min = 0;
	decode.max = UINT32_MAX;
	good = reading->status == WIRE_OK &&
	       decode_part(&decode, state->function, offset, reading, &raw) == 0;
	verdict_read(core, part->channel, at, (uint32_t)raw, good);
}

static inline void read_channel(struct core *core, size_t stream, const struct plan_part *part,
				struct stamp at, const struct wire_reading *reading)
{
	const struct config_channel *channel = &core->config->channels[part->channel];
	double value = (double)NAN;
	enum quality quality;
	uint32_t reason = 0;
	size_t offset;

	if (!find_part(part, reading, &offset))
		return;
	if (reading->status != WIRE_OK) {
		quality = quality_of_status(reading, &reason);
	} else {
		quality = quality_of_decode(
			decode_part(&channel->decode, channel->function, offset, reading, &value));
		if (channel->n_states > 0)
			verdict_apply(core, channel, at, &quality, &reason);
	}
	if (core_is_of_stream(core, part->channel, stream))
		take_sample(core, part->channel, at, value, quality, reason);
	else /* a poller that was never asked for it: that channel has a time of its own */
		core_sample(core, part->channel, at, value, quality, reason);
}

/* not inlined: a tick, which is a reading without a key, needs no frame */
static __attribute__((noinline)) int take_reading(struct core *core, size_t stream, struct stamp at,
						  const struct wire_reading *reading)
{
	const struct plan *plan = core->plan;
	const struct plan_part *part, *end;
	uint32_t request;

	if (is_late(&core->streams[stream], at))
		return 0;
	request = plan_find_request(plan, reading->key);
	if (request == PLAN_NO_REQUEST)
		return -ENOENT;
	if (reading->count == 0 || reading->first + reading->count > plan->requests[request].count)
		return -EINVAL;
	move_on(core, stream, at);
	/* what the unit says about itself comes first: it counts for the values beside it */
	part = &plan->parts[plan->first_part[request]];
	end = &plan->parts[plan->first_part[request + 1]];
	for (const struct plan_part *p = part; core->config->n_states > 0 && p < end; p++)
		if (p->state)
			read_state(core, p, at, reading);
	for (; part < end; part++)
		if (!part->state)
			read_channel(core, stream, part, at, reading);
	if (core->settles)
		core_settle(core);
	return 0;
}

/* is a stream where its last reading left it, and nothing there that a tick could do? */
static inline bool is_at_rest(const struct core *core, size_t stream, struct stamp at)
{
	return is_now(&core->streams[stream], at) && core->streams[stream].n_late == 0 &&
	       at.mono_ms < core->watch_ms[stream] && core->calm && !core->settles &&
	       !core->ticks && !core->tap;
}

int core_reading(struct core *core, size_t stream, struct stamp at,
		 const struct wire_reading *reading)
{
	if (reading->key != 0)
		return take_reading(core, stream, at, reading);
	if (!is_at_rest(core, stream, at))
		core_tick(core, stream, at);
	return 0;
}
