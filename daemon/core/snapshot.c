/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of a core as bytes, for the record's transaction and for a reload: a header,
 * then records of several kinds, each a key (hash of a path) and the struct as it is in
 * memory. Both ends are this file on this machine; another version is recognised by
 * @layout, which is made of the sizes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/assess.h"
#include "core/measure.h"
#include "core/snapshot.h"

#define SNAPSHOT_MAGIC UINT64_C(0x31746174732d7777) /* "ww-stat1" */
#define WINDOWS_MAGIC  UINT64_C(0x316e69772d2d7777) /* "ww--win1" */

struct snapshot_header {
	uint64_t magic;
	uint64_t layout;
	uint64_t n_channels;
	uint64_t n_states;
	uint64_t n_limits;
	uint64_t n_notes;
	uint64_t n_incidents;
	uint64_t n_masses;
	uint64_t n_spans;
	uint64_t n_streams;
	uint64_t n_crossings; /* of these three only those in use */
	uint64_t n_dues;
	uint64_t n_upstream;
	struct stamp now; /* the latest of the streams */
	uint64_t seq;	  /* of the chain then: an older state that is put back shows */
	uint64_t hash;	  /* of all other bytes: SQLite has no checksums of its own */
};

/* the longer windows, in bytes of their own */
struct windows_header {
	uint64_t magic;
	uint64_t layout;
	uint64_t n_channels;
	uint64_t hash;
};

#define KEYED(type) (sizeof(uint64_t) + sizeof(type))

static uint64_t layout(void)
{
	static const size_t sizes[] = {15,
				       sizeof(struct core_channel),
				       sizeof(struct core_state),
				       sizeof(struct core_limit),
				       sizeof(struct alarm_notes),
				       sizeof(struct flood),
				       sizeof(struct core_heartbeat),
				       CONFIG_DESTINATIONS_MAX,
				       sizeof(struct core_incident),
				       sizeof(struct mass),
				       sizeof(struct mass_window),
				       sizeof(struct core_stream),
				       sizeof(struct core_crossing),
				       sizeof(struct core_due),
				       sizeof(struct core_upstream)};

	return hash64(HASH64_SEED, sizes, sizeof(sizes));
}

static uint64_t windows_layout(void)
{
	static const size_t sizes[] = {2, sizeof(struct core_windows), N_WINDOWS};

	return hash64(HASH64_SEED, sizes, sizeof(sizes));
}

/* @bytes begin with a header of @n_header bytes, whose last eight are the hash */
static uint64_t hash_of(const void *header, size_t n_header, const void *bytes, size_t n)
{
	return hash64(hash64(HASH64_SEED, header, n_header - sizeof(uint64_t)),
		      (const uint8_t *)bytes + n_header, n - n_header);
}

static uint64_t key_of_text(const char *text)
{
	return hash64(HASH64_SEED, text, strlen(text));
}

/* another unit of measure makes another channel of it: 200 of the one are not 200 of the other */
static uint64_t key_of_channel(const struct core *core, size_t i)
{
	const struct config_channel *channel = &core->config->channels[i];
	const char *measure = channel->measure ? channel->measure : "";

	return hash64(key_of_text(channel->path), measure, strlen(measure));
}

/* so does the other side another limit */
static uint64_t key_of_limit(const struct core *core, size_t i)
{
	const struct config_limit *limit = &core->config->limits[i];
	uint64_t parts[] = {key_of_text(limit->path), key_of_channel(core, limit->channel)};
	uint8_t high = limit->high;

	return hash64(hash64(HASH64_SEED, parts, sizeof(parts)), &high, sizeof(high));
}

static uint64_t key_of_incident(const struct core *core, size_t i)
{
	uint8_t kind = (uint8_t)(i % N_WASTE_KINDS);

	return hash64(key_of_text(core->config->sites[i / N_WASTE_KINDS].name), &kind, 1);
}

static uint64_t key_of_span(const struct core *core, size_t i)
{
	const struct core_span *span = &core->spans[i];
	uint8_t length = (uint8_t)span->length;

	return hash64(key_of_channel(core, span->channel), &length, 1);
}

static void put(uint8_t **at, const void *bytes, size_t n)
{
	memcpy(*at, bytes, n);
	*at += n;
}

static void put_keyed(uint8_t **at, uint64_t key, const void *bytes, size_t n)
{
	put(at, &key, sizeof(key));
	put(at, bytes, n);
}

static size_t size_of(const struct snapshot_header *header)
{
	return sizeof(*header) + header->n_channels * KEYED(struct core_channel) +
	       header->n_masses * KEYED(struct mass) + header->n_spans * KEYED(struct mass_window) +
	       header->n_states * KEYED(struct core_state) +
	       header->n_limits * KEYED(struct core_limit) +
	       header->n_notes * KEYED(struct alarm_notes) + sizeof(struct flood) +
	       CONFIG_DESTINATIONS_MAX * sizeof(struct core_heartbeat) +
	       header->n_incidents * KEYED(struct core_incident) +
	       header->n_streams * sizeof(struct core_stream) +
	       header->n_crossings * KEYED(struct core_crossing) +
	       header->n_dues * sizeof(struct core_due) +
	       header->n_upstream * KEYED(struct core_upstream);
}

static bool upstream_is_used(const struct core_upstream *state)
{
	return state->seen.mono_ms != 0 || state->seen.wall_ms != 0;
}

/* assessments are large and few: only those in use are written */
static void count_used(const struct core *core, struct snapshot_header *header)
{
	for (size_t i = 0; i < header->n_incidents; i++)
		header->n_crossings += core->crossings[i].opened_ms != 0;
	for (size_t i = 0; i < CROSSING_DUES_MAX; i++)
		header->n_dues += core->dues[i].state != DUE_FREE;
	for (size_t i = 0; i < core->config->n_channels; i++)
		header->n_upstream += upstream_is_used(&core->upstream[i]);
}

static void put_used(const struct core *core, uint8_t *at)
{
	for (size_t i = 0; i < core->config->n_sites * N_WASTE_KINDS; i++)
		if (core->crossings[i].opened_ms != 0)
			put_keyed(&at, key_of_incident(core, i), &core->crossings[i],
				  sizeof(struct core_crossing));
	for (size_t i = 0; i < CROSSING_DUES_MAX; i++)
		if (core->dues[i].state != DUE_FREE)
			put(&at, &core->dues[i], sizeof(struct core_due));
	for (size_t i = 0; i < core->config->n_channels; i++)
		if (upstream_is_used(&core->upstream[i]))
			put_keyed(&at, key_of_channel(core, i), &core->upstream[i],
				  sizeof(struct core_upstream));
}

static void put_things(const struct core *core, uint8_t *at)
{
	const struct config *config = core->config;

	for (size_t i = 0; i < config->n_channels; i++)
		put_keyed(&at, key_of_channel(core, i), &core->channels[i],
			  sizeof(struct core_channel));
	for (size_t i = 0; i < config->n_states; i++)
		put_keyed(&at, key_of_text(config->states[i].path), &core->states[i],
			  sizeof(struct core_state));
	for (size_t i = 0; i < config->n_limits; i++)
		put_keyed(&at, key_of_limit(core, i), &core->limits[i], sizeof(struct core_limit));
	for (size_t i = 0; i < config->n_limits; i++) /* few have any */
		if (!alarm_notes_are_empty(&core->notes[i]))
			put_keyed(&at, key_of_limit(core, i), &core->notes[i],
				  sizeof(struct alarm_notes));
	put(&at, &core->flood, sizeof(core->flood));
	put(&at, core->heartbeats, sizeof(core->heartbeats));
	for (size_t i = 0; i < config->n_sites * N_WASTE_KINDS; i++)
		put_keyed(&at, key_of_incident(core, i), &core->incidents[i],
			  sizeof(struct core_incident));
	for (size_t i = 0; i < core->n_released; i++)
		put_keyed(&at, key_of_channel(core, core->released[i]),
			  &core->masses[core->released[i]], sizeof(struct mass));
	for (size_t i = 0; i < core->n_spans; i++)
		put_keyed(&at, key_of_span(core, i), &core->span_masses[i],
			  sizeof(struct mass_window));
	put(&at, core->streams, core->n_streams * sizeof(struct core_stream));
	put_used(core, at);
}

int core_save(const struct core *core, void **ret, size_t *ret_n)
{
	struct snapshot_header header = {
		.magic = SNAPSHOT_MAGIC,
		.seq = core->chain.seq,
		.layout = layout(),
		.n_channels = core->config->n_channels,
		.n_states = core->config->n_states,
		.n_limits = core->config->n_limits,
		.n_incidents = core->config->n_sites * N_WASTE_KINDS,
		.n_masses = core->n_released,
		.n_spans = core->n_spans,
		.n_streams = core->n_streams,
	};
	uint8_t *bytes;
	size_t n;

	for (size_t i = 0; i < core->config->n_limits; i++)
		header.n_notes += !alarm_notes_are_empty(&core->notes[i]);
	count_used(core, &header);
	n = size_of(&header);
	bytes = malloc(n);
	if (!bytes)
		return -ENOMEM;
	for (size_t i = 0; i < core->n_streams; i++)
		if (core->streams[i].now.mono_ms >= header.now.mono_ms)
			header.now = core->streams[i].now;
	put_things(core, bytes + sizeof(header));
	header.hash = hash_of(&header, sizeof(header), bytes, n);
	memcpy(bytes, &header, sizeof(header));
	*ret = bytes;
	*ret_n = n;
	return 0;
}

int core_save_windows(const struct core *core, void **ret, size_t *ret_n)
{
	const struct config *config = core->config;
	struct windows_header header = {
		.magic = WINDOWS_MAGIC,
		.layout = windows_layout(),
		.n_channels = config->n_channels,
	};
	size_t n = sizeof(header) + header.n_channels * KEYED(struct core_windows);
	uint8_t *bytes = malloc(n), *at = bytes;

	if (!bytes)
		return -ENOMEM;
	put(&at, &header, sizeof(header));
	for (size_t i = 0; i < config->n_channels; i++)
		put_keyed(&at, key_of_channel(core, i), &core->windows[i],
			  sizeof(struct core_windows));
	header.hash = hash_of(&header, sizeof(header), bytes, n);
	memcpy(bytes, &header, sizeof(header));
	*ret = bytes;
	*ret_n = n;
	return 0;
}

/* where each thing of the present configuration is, sorted by key */
struct place {
	uint64_t key;
	void *to;
};

static int by_key(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return x->key < y->key ? -1 : x->key > y->key;
}

static const uint8_t *take(const uint8_t *at, uint64_t n, size_t size, struct place *places,
			   size_t n_places)
{
	qsort(places, n_places, sizeof(*places), by_key);
	for (uint64_t i = 0; i < n; i++, at += sizeof(uint64_t) + size) {
		struct place wanted, *found;

		memcpy(&wanted.key, at, sizeof(wanted.key));
		found = bsearch(&wanted, places, n_places, sizeof(*places), by_key);
		if (found)
			memcpy(found->to, at + sizeof(uint64_t), size);
	}
	return at;
}

static bool crossing_is_sound(const struct core_crossing *crossing)
{
	if (crossing->n_paths > CROSSING_PATHS_MAX)
		return false;
	for (uint32_t i = 0; i < crossing->n_paths; i++)
		if (crossing->paths[i].method > METHOD_MAX ||
		    crossing->paths[i].verdict > VERDICT_OBSERVED)
			return false;
	return true;
}

static bool limit_is_sound(const struct core_limit *limit)
{
	return limit->state.phase <= LIMIT_PHASE_MAX &&
	       limit->state.n_broken <= ARRAY_SIZE(limit->state.broken_ms) &&
	       limit->alarm.condition <= ALARM_CONDITION_MAX &&
	       limit->forecast.kind <= FORECAST_KIND_MAX;
}

static bool notes_are_sound(const struct alarm_notes *notes)
{
	const struct alarm_note *all[] = {&notes->acknowledged, &notes->shelved, &notes->out};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (!memchr(all[i]->user, '\0', sizeof(all[i]->user)) ||
		    !memchr(all[i]->reason, '\0', sizeof(all[i]->reason)))
			return false;
	return true;
}

/* The hash finds a flipped bit, not a forgery. What is used as an index or ends a text is
 * looked at, so that no record can make this process read where it should not. */
static bool is_sound(struct core *core)
{
	for (size_t i = 0; i < core->config->n_channels; i++)
		if (core->channels[i].quality > QUALITY_MAX ||
		    core->channels[i].minute.worst > QUALITY_MAX ||
		    core->channels[i].minute.shown > QUALITY_MAX)
			return false;
	for (size_t i = 0; i < core->config->n_states; i++)
		if (core->states[i].quality > QUALITY_MAX || core->states[i].said > QUALITY_MAX)
			return false;
	for (size_t i = 0; i < core->config->n_limits; i++)
		if (!limit_is_sound(&core->limits[i]) || !notes_are_sound(&core->notes[i]))
			return false;
	for (size_t i = 0; i < core->config->n_sites * N_WASTE_KINDS; i++)
		if (core->incidents[i].class > CLASS_EMERGENCY ||
		    core->incidents[i].level > LEVEL_NATIONAL ||
		    core->incidents[i].reach > LEVEL_NATIONAL ||
		    core->incidents[i].verdict > VERDICT_OBSERVED ||
		    !crossing_is_sound(&core->crossings[i]) ||
		    !memchr(core->incidents[i].id, '\0', sizeof(core->incidents[i].id)) ||
		    !memchr(core->incidents[i].acknowledged_by, '\0',
			    sizeof(core->incidents[i].acknowledged_by)))
			return false;
	for (size_t i = 0; i < CROSSING_DUES_MAX; i++)
		if (core->dues[i].state > DUE_MAX || core->dues[i].verdict > VERDICT_OBSERVED ||
		    !memchr(core->dues[i].incident, '\0', sizeof(core->dues[i].incident)))
			return false;
	return true;
}

/* behind the streams */
static void take_used(struct core *core, const struct snapshot_header *header, const uint8_t *at,
		      struct place *places)
{
	const struct config *config = core->config;
	size_t n_incidents = config->n_sites * N_WASTE_KINDS;

	for (size_t i = 0; i < n_incidents; i++)
		places[i] = (struct place){key_of_incident(core, i), &core->crossings[i]};
	at = take(at, header->n_crossings, sizeof(struct core_crossing), places, n_incidents);
	memcpy(core->dues, at, header->n_dues * sizeof(struct core_due));
	at += header->n_dues * sizeof(struct core_due);
	for (size_t i = 0; i < config->n_channels; i++)
		places[i] = (struct place){key_of_channel(core, i), &core->upstream[i]};
	(void)take(at, header->n_upstream, sizeof(struct core_upstream), places,
		   config->n_channels);
}

static int restore_things(struct core *core, const struct snapshot_header *header,
			  const uint8_t *at)
{
	const struct config *config = core->config;
	size_t n_incidents = config->n_sites * N_WASTE_KINDS;
	size_t room = MAX(MAX(config->n_channels, config->n_states),
			  MAX(MAX(config->n_limits, config->n_sources), n_incidents)) +
		      1;
	struct place *places = calloc(room, sizeof(*places));

	if (!places)
		return -ENOMEM;
	for (size_t i = 0; i < config->n_channels; i++)
		places[i] = (struct place){key_of_channel(core, i), &core->channels[i]};
	at = take(at, header->n_channels, sizeof(struct core_channel), places, config->n_channels);
	for (size_t i = 0; i < config->n_states; i++)
		places[i] = (struct place){key_of_text(config->states[i].path), &core->states[i]};
	at = take(at, header->n_states, sizeof(struct core_state), places, config->n_states);
	for (size_t i = 0; i < config->n_limits; i++)
		places[i] = (struct place){key_of_limit(core, i), &core->limits[i]};
	at = take(at, header->n_limits, sizeof(struct core_limit), places, config->n_limits);
	for (size_t i = 0; i < config->n_limits; i++)
		places[i] = (struct place){key_of_limit(core, i), &core->notes[i]};
	at = take(at, header->n_notes, sizeof(struct alarm_notes), places, config->n_limits);
	memcpy(&core->flood, at, sizeof(core->flood));
	at += sizeof(core->flood);
	memcpy(core->heartbeats, at, sizeof(core->heartbeats));
	at += sizeof(core->heartbeats);
	for (size_t i = 0; i < n_incidents; i++)
		places[i] = (struct place){key_of_incident(core, i), &core->incidents[i]};
	at = take(at, header->n_incidents, sizeof(struct core_incident), places, n_incidents);
	for (size_t i = 0; i < core->n_released; i++)
		places[i] = (struct place){key_of_channel(core, core->released[i]),
					   &core->masses[core->released[i]]};
	at = take(at, header->n_masses, sizeof(struct mass), places, core->n_released);
	for (size_t i = 0; i < core->n_spans; i++)
		places[i] = (struct place){key_of_span(core, i), &core->span_masses[i]};
	at = take(at, header->n_spans, sizeof(struct mass_window), places, core->n_spans);
	take_used(core, header, at + header->n_streams * sizeof(struct core_stream), places);
	free(places);
	if (!is_sound(core))
		return -EBADMSG;
	if (header->n_streams == core->n_streams) {
		memcpy(core->streams, at, core->n_streams * sizeof(struct core_stream));
		return 0;
	}
	/* the links were split anew: all streams go on from the latest moment known */
	for (size_t i = 0; i < core->n_streams; i++)
		core->streams[i] = (struct core_stream){
			.now = header->now, .running = true, .minute_ms = -1};
	return 0;
}

uint64_t core_saved_seq(const void *bytes, size_t n)
{
	return n < sizeof(struct snapshot_header) ? 0
						  : ((const struct snapshot_header *)bytes)->seq;
}

int core_restore(struct core *core, const void *bytes, size_t n)
{
	struct snapshot_header header;
	size_t most = n / sizeof(uint64_t);

	if (n < sizeof(header))
		return -EBADMSG;
	memcpy(&header, bytes, sizeof(header));
	if (header.magic != SNAPSHOT_MAGIC || header.layout != layout())
		return 1;
	if (header.n_channels > most || header.n_states > most || header.n_limits > most ||
	    header.n_notes > most || header.n_incidents > most || header.n_masses > most ||
	    header.n_spans > most || header.n_streams > most || header.n_crossings > most ||
	    header.n_dues > CROSSING_DUES_MAX || header.n_upstream > most ||
	    n != size_of(&header) || header.hash != hash_of(&header, sizeof(header), bytes, n))
		return -EBADMSG;
	core->calm = false;
	measure_watch_anew(core);
	return restore_things(core, &header, (const uint8_t *)bytes + sizeof(header));
}

static bool row_is_sound(const struct window_row *row)
{
	return (unsigned int)row->worst <= QUALITY_MAX && row->shown <= QUALITY_MAX;
}

static bool windows_are_sound(const struct core *core)
{
	for (size_t i = 0; i < core->config->n_channels; i++)
		for (size_t w = 0; w < N_WINDOWS; w++)
			if (core->windows[i].open[w].worst > QUALITY_MAX ||
			    core->windows[i].open[w].shown > QUALITY_MAX ||
			    !row_is_sound(&core->windows[i].last[w]) ||
			    !row_is_sound(&core->windows[i].before[w]))
				return false;
	return true;
}

int core_restore_windows(struct core *core, const void *bytes, size_t n)
{
	const struct config *config = core->config;
	struct windows_header header;
	struct place *places;

	if (n < sizeof(header))
		return -EBADMSG;
	memcpy(&header, bytes, sizeof(header));
	if (header.magic != WINDOWS_MAGIC || header.layout != windows_layout())
		return 1;
	if (header.n_channels > n / sizeof(uint64_t) ||
	    n != sizeof(header) + header.n_channels * KEYED(struct core_windows) ||
	    header.hash != hash_of(&header, sizeof(header), bytes, n))
		return -EBADMSG;
	places = calloc(config->n_channels + 1, sizeof(*places));
	if (!places)
		return -ENOMEM;
	for (size_t i = 0; i < config->n_channels; i++)
		places[i] = (struct place){key_of_channel(core, i), &core->windows[i]};
	(void)take((const uint8_t *)bytes + sizeof(header), header.n_channels,
		   sizeof(struct core_windows), places, config->n_channels);
	free(places);
	core->windows_dirty = true; /* of another configuration, perhaps */
	return windows_are_sound(core) ? 0 : -EBADMSG;
}
