/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "core/plan.h"

#define BITS_PER_REGISTER 16
#define PIECE_MAX	  8192 /* bytes of a packet here; far below WIRE_PACKET_MAX, fits a stack */

/*
 * Phases lie on few points of an interval, so that wake-ups bunch: at 1,000 units and 1 Hz
 * that alone takes the poller from 52 to 29 µs of CPU per read (measured with a bare epoll
 * client, grid of 10 ms), more than anything else does. All units on one point would be
 * still cheaper, but then the whole plant is read in one burst, and the last of it late:
 * 20 points leave 50 reads each, a few milliseconds of work.
 */
#define PHASES_MAX 20

struct plan *plan_free(struct plan *plan)
{
	if (!plan)
		return NULL;
	free(plan->links);
	free(plan->units);
	free(plan->requests);
	free(plan->parts);
	free(plan->first_part);
	free(plan->by_key);
	free(plan->channel_slot);
	free(plan);
	return NULL;
}

/** nonzero() - 0 means "none" on the wire */
static uint64_t nonzero(uint64_t hash)
{
	return hash ? hash : 1;
}

/** hash_text() - with its NUL, so that "ab" "c" is not "a" "bc" */
static uint64_t hash_text(uint64_t seed, const char *text)
{
	return hash64(seed, text, strlen(text) + 1);
}

static void fill_links(struct plan *plan, const struct config *config)
{
	for (size_t i = 0; i < config->n_links; i++) {
		const struct config_link *from = &config->links[i];
		struct wire_link *to = &plan->links[i];
		uint64_t key = hash_text(HASH64_SEED, config->sites[from->site].name);

		key = hash_text(hash_text(key, from->name), from->host);
		to->key = nonzero(hash64(key, &from->port, sizeof(from->port)));
		to->kind = WIRE_LINK_TCP;
		to->port = from->port;
		to->connect_timeout_ms = from->connect_timeout_ms;
		to->backoff_min_ms = from->backoff_min_ms;
		to->backoff_max_ms = from->backoff_max_ms;
		assert(strlen(from->host) < sizeof(to->host));
		memcpy(to->host, from->host, strlen(from->host));
	}
}

/**
 * phase_us() - the @rank-th unit of the link with index @link
 *
 * Links go round the points; the units of one link take points behind each other, so that
 * an answer has a whole step to come before the next request on the link is due.
 */
static uint32_t phase_us(const struct config *config, const struct config_unit *unit, size_t rank)
{
	uint32_t n_grid = MAX(unit->interval_ms / config->grid_ms, 1U);
	uint32_t n_points = MIN(n_grid, (uint32_t)PHASES_MAX);
	uint32_t step_ms = n_grid / n_points * config->grid_ms;

	return (uint32_t)((unit->link + rank) % n_points) * step_ms * (uint32_t)US_PER_MS;
}

/** fill_units() - sorted by link; @place: where each of the configuration's units went */
static int fill_units(struct plan *plan, const struct config *config, uint32_t *place)
{
	size_t *first = calloc(config->n_links + 1, sizeof(*first));
	size_t *taken = calloc(config->n_links + 1, sizeof(*taken));

	if (!first || !taken) {
		free(first);
		free(taken);
		return -ENOMEM;
	}
	for (size_t i = 0; i < config->n_units; i++)
		first[config->units[i].link + 1]++;
	for (size_t i = 0; i < config->n_links; i++)
		first[i + 1] += first[i];
	for (size_t i = 0; i < config->n_units; i++) {
		const struct config_unit *unit = &config->units[i];
		size_t rank = taken[unit->link]++;

		place[i] = (uint32_t)(first[unit->link] + rank);
		plan->units[place[i]] = (struct wire_unit){
			.link = (uint32_t)unit->link,
			.interval_ms = unit->interval_ms,
			.timeout_ms = unit->timeout_ms,
			.phase_us = phase_us(config, unit, rank),
			.id = unit->id,
		};
	}
	free(first);
	free(taken);
	return 0;
}

/** struct wish - a channel on its way into a request */
struct wish {
	uint32_t unit; /* in the plan */
	uint32_t channel;
	uint32_t length; /* registers or bits */
	uint32_t longest;
	uint32_t gap;
	uint16_t address;
	uint8_t function;
};

static int compare_wishes(const void *a, const void *b)
{
	const struct wish *x = a, *y = b;

	if (x->unit != y->unit)
		return x->unit < y->unit ? -1 : 1;
	if (x->function != y->function)
		return x->function < y->function ? -1 : 1;
	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return x->channel < y->channel ? -1 : 1;
}

static struct wish wish_of(const struct config *config, size_t i, const uint32_t *place)
{
	const struct config_channel *channel = &config->channels[i];
	const struct config_unit *unit = &config->units[channel->unit];
	bool bits = channel->function <= 2;

	return (struct wish){
		.unit = place[channel->unit],
		.channel = (uint32_t)i,
		.length = bits ? 1 : decode_words(channel->decode.type),
		.longest = bits ? WIRE_BITS_MAX : unit->max_registers,
		.gap = bits ? (uint32_t)unit->max_gap * BITS_PER_REGISTER : unit->max_gap,
		.address = channel->address,
		.function = channel->function,
	};
}

/** joins() - can @wish be read with @request? @wish begins at or behind its start. */
static bool joins(const struct wire_request *request, const struct wish *wish)
{
	uint32_t end = (uint32_t)request->address + request->count;
	uint32_t new_end = MAX(end, (uint32_t)wish->address + wish->length);

	return request->unit == wish->unit && request->function == wish->function &&
	       wish->address <= end + wish->gap && new_end - request->address <= wish->longest;
}

static void add_wish(struct plan *plan, const struct wish *wish)
{
	struct wire_request *request = &plan->requests[plan->n_requests - (plan->n_requests > 0)];
	uint32_t end;

	if (plan->n_requests == 0 || !joins(request, wish)) {
		request = &plan->requests[plan->n_requests];
		*request = (struct wire_request){
			.unit = wish->unit,
			.address = wish->address,
			.function = wish->function,
		};
		plan->first_part[plan->n_requests++] = plan->n_parts;
	}
	end = MAX((uint32_t)request->address + request->count,
		  (uint32_t)wish->address + wish->length);
	request->count = (uint16_t)(end - request->address);
	plan->parts[plan->n_parts++] = (struct plan_part){
		.channel = wish->channel,
		.request = (uint32_t)(plan->n_requests - 1),
		.offset = (uint16_t)(wish->address - request->address),
	};
}

static int fill_requests(struct plan *plan, const struct config *config, const uint32_t *place)
{
	struct wish *wishes = calloc(config->n_channels + 1, sizeof(*wishes));

	if (!wishes)
		return -ENOMEM;
	for (size_t i = 0; i < config->n_channels; i++) {
		const struct config_unit *unit = &config->units[config->channels[i].unit];

		wishes[i] = wish_of(config, i, place);
		plan->channel_slot[i] = (uint32_t)(unit->link / WIRE_LINKS_PER_POLLER);
	}
	qsort(wishes, config->n_channels, sizeof(*wishes), compare_wishes);
	for (size_t i = 0; i < config->n_channels; i++)
		add_wish(plan, &wishes[i]);
	plan->first_part[plan->n_requests] = plan->n_parts;
	free(wishes);
	return 0;
}

/** request_key() - what is read, and from where; the names of things do not matter */
static uint64_t request_key(const struct plan *plan, const struct wire_request *request)
{
	const struct wire_unit *unit = &plan->units[request->unit];
	const struct wire_link *link = &plan->links[unit->link];
	uint64_t key = hash_text(HASH64_SEED, link->host);

	key = hash64(key, &link->port, sizeof(link->port));
	key = hash64(key, &unit->id, sizeof(unit->id));
	key = hash64(key, &request->function, sizeof(request->function));
	key = hash64(key, &request->address, sizeof(request->address));
	return nonzero(hash64(key, &request->count, sizeof(request->count)));
}

static int compare_keys(const void *a, const void *b, void *userdata)
{
	const uint32_t *x = a, *y = b;
	const struct wire_request *requests = userdata;

	if (requests[*x].key != requests[*y].key)
		return requests[*x].key < requests[*y].key ? -1 : 1;
	return *x < *y ? -1 : *x > *y;
}

/**
 * fill_keys() - the same registers may be read twice, at two intervals or over two links:
 * the second and further ones get a key made of that key and their rank
 */
static void fill_keys(struct plan *plan)
{
	bool again = true;

	for (size_t i = 0; i < plan->n_requests; i++) {
		plan->requests[i].key = request_key(plan, &plan->requests[i]);
		plan->by_key[i] = (uint32_t)i;
	}
	while (again) {
		again = false;
		qsort_r(plan->by_key, plan->n_requests, sizeof(*plan->by_key), compare_keys,
			plan->requests);
		for (size_t i = 0, run = 0; i < plan->n_requests; i++) {
			uint64_t *key = &plan->requests[plan->by_key[i]].key;
			uint64_t rank = i - run;

			if (rank == 0 || *key != plan->requests[plan->by_key[run]].key) {
				run = i;
				continue;
			}
			*key = nonzero(hash64(*key, &rank, sizeof(rank)));
			again = true;
		}
	}
}

static void set_bit(uint8_t *map, size_t i)
{
	map[i / 8] = (uint8_t)(map[i / 8] | 1U << i % 8);
}

/**
 * fill_maps() - what a request may be parted into, should its unit refuse it: see struct
 * wire_request. Parts come in the order of their offsets, so one that begins where all before
 * it have ended is a start.
 */
static void fill_maps(struct plan *plan, const struct config *config)
{
	for (size_t i = 0; i < plan->n_requests; i++) {
		struct wire_request *request = &plan->requests[i];
		size_t end = 0;

		for (size_t k = plan->first_part[i];
		     request->function > 2 && k < plan->first_part[i + 1]; k++) {
			const struct plan_part *part = &plan->parts[k];
			const struct config_channel *channel = &config->channels[part->channel];
			size_t part_end = part->offset + decode_words(channel->decode.type);

			if (part->offset >= end)
				set_bit(request->starts, part->offset);
			for (size_t r = part->offset; r < part_end; r++)
				set_bit(request->used, r);
			end = MAX(end, part_end);
		}
	}
}

int plan_new(struct plan **ret, const struct config *config)
{
	CLEANUP(plan_free) struct plan *plan = calloc(1, sizeof(*plan));
	uint32_t *place = calloc(config->n_units + 1, sizeof(*place));
	int r = -ENOMEM;

	if (plan && place) {
		plan->links = calloc(config->n_links + 1, sizeof(*plan->links));
		plan->units = calloc(config->n_units + 1, sizeof(*plan->units));
		plan->requests = calloc(config->n_channels + 1, sizeof(*plan->requests));
		plan->parts = calloc(config->n_channels + 1, sizeof(*plan->parts));
		plan->first_part = calloc(config->n_channels + 1, sizeof(*plan->first_part));
		plan->by_key = calloc(config->n_channels + 1, sizeof(*plan->by_key));
		plan->channel_slot = calloc(config->n_channels + 1, sizeof(*plan->channel_slot));
	}
	if (plan && place && plan->links && plan->units && plan->requests && plan->parts &&
	    plan->first_part && plan->by_key && plan->channel_slot) {
		plan->n_links = config->n_links;
		plan->n_units = config->n_units;
		plan->n_slots = (config->n_links + WIRE_LINKS_PER_POLLER - 1) /
				WIRE_LINKS_PER_POLLER;
		plan->grid_us = config->grid_ms * (uint32_t)US_PER_MS;
		fill_links(plan, config);
		r = fill_units(plan, config, place);
		if (r == 0)
			r = fill_requests(plan, config, place);
	}
	free(place);
	if (r < 0)
		return r;
	fill_keys(plan);
	fill_maps(plan, config);
	*ret = steal(&plan);
	return 0;
}

int plan_find_request(const struct plan *plan, uint64_t key, size_t *ret)
{
	size_t low = 0, high = plan->n_requests;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (plan->requests[plan->by_key[middle]].key < key)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == plan->n_requests || plan->requests[plan->by_key[low]].key != key)
		return -ENOENT;
	*ret = plan->by_key[low];
	return 0;
}

/** struct share - a slot's part of each array: from, and up to but without */
struct share {
	size_t links, links_end;
	size_t units, units_end;
	size_t requests, requests_end;
};

static struct share share_of(const struct plan *plan, size_t slot)
{
	struct share share = {
		.links = slot * WIRE_LINKS_PER_POLLER,
		.links_end = MIN((slot + 1) * WIRE_LINKS_PER_POLLER, plan->n_links),
	};

	while (share.units < plan->n_units && plan->units[share.units].link < share.links)
		share.units++;
	share.units_end = share.units;
	while (share.units_end < plan->n_units &&
	       plan->units[share.units_end].link < share.links_end)
		share.units_end++;
	while (share.requests < plan->n_requests &&
	       plan->requests[share.requests].unit < share.units)
		share.requests++;
	share.requests_end = share.requests;
	while (share.requests_end < plan->n_requests &&
	       plan->requests[share.requests_end].unit < share.units_end)
		share.requests_end++;
	return share;
}

typedef int emit_fn(void *userdata, void *packet, size_t n);

/** struct piece - a packet of list items that is being filled */
struct piece {
	emit_fn *emit;
	void *userdata;
	size_t n;
	_Alignas(8) uint8_t bytes[PIECE_MAX];
};

/** flush() - hand the piece out, if it holds items */
static int flush(struct piece *piece, enum wire_type type, size_t size)
{
	struct wire_header header = {
		.type = (uint16_t)type,
		.count = (uint16_t)((piece->n - sizeof(header)) / size),
		.length = (uint32_t)piece->n,
	};
	int r = 0;

	memcpy(piece->bytes, &header, sizeof(header));
	if (header.count > 0)
		r = piece->emit(piece->userdata, piece->bytes, piece->n);
	piece->n = sizeof(header);
	return r < 0 ? r : 0;
}

static int put(struct piece *piece, enum wire_type type, const void *item, size_t size)
{
	int r = 0;

	if (piece->n + size > sizeof(piece->bytes))
		r = flush(piece, type, size);
	memcpy(piece->bytes + piece->n, item, size);
	piece->n += size;
	return r;
}

static int emit_lists(const struct plan *plan, const struct share *share, struct piece *piece)
{
	int r = 0;

	for (size_t i = share->links; i < share->links_end && r == 0; i++)
		r = put(piece, WIRE_PLAN_LINKS, &plan->links[i], sizeof(plan->links[i]));
	if (r == 0)
		r = flush(piece, WIRE_PLAN_LINKS, sizeof(struct wire_link));
	for (size_t i = share->units; i < share->units_end && r == 0; i++) {
		struct wire_unit unit = plan->units[i];

		unit.link -= (uint32_t)share->links;
		r = put(piece, WIRE_PLAN_UNITS, &unit, sizeof(unit));
	}
	if (r == 0)
		r = flush(piece, WIRE_PLAN_UNITS, sizeof(struct wire_unit));
	for (size_t i = share->requests; i < share->requests_end && r == 0; i++) {
		struct wire_request request = plan->requests[i];

		request.unit -= (uint32_t)share->units;
		r = put(piece, WIRE_PLAN_REQUESTS, &request, sizeof(request));
	}
	if (r == 0)
		r = flush(piece, WIRE_PLAN_REQUESTS, sizeof(struct wire_request));
	return r;
}

static int emit_plan(const struct plan *plan, size_t slot, uint64_t id, emit_fn *emit,
		     void *userdata)
{
	struct share share = share_of(plan, slot);
	struct wire_plan_begin begin = {
		.header = {.type = WIRE_PLAN_BEGIN, .length = sizeof(begin)},
		.plan = id,
		.n_links = (uint32_t)(share.links_end - share.links),
		.n_units = (uint32_t)(share.units_end - share.units),
		.n_requests = (uint32_t)(share.requests_end - share.requests),
		.grid_us = plan->grid_us,
	};
	struct wire_plan_end end = {
		.header = {.type = WIRE_PLAN_END, .length = sizeof(end)},
		.plan = id,
	};
	struct piece piece = {.emit = emit, .userdata = userdata, .n = sizeof(struct wire_header)};
	int r = emit(userdata, &begin, sizeof(begin));

	if (r >= 0)
		r = emit_lists(plan, &share, &piece);
	if (r >= 0)
		r = emit(userdata, &end, sizeof(end));
	return r < 0 ? r : 0;
}

static int hash_packet(void *userdata, void *packet, size_t n)
{
	uint64_t *hash = userdata;

	*hash = hash64(*hash, packet, n);
	return 0;
}

uint64_t plan_id(const struct plan *plan, size_t slot)
{
	uint64_t hash = HASH64_SEED;

	assert(slot < plan->n_slots);
	(void)emit_plan(plan, slot, 0, hash_packet,
			&hash); /* cannot fail: hash_packet() does not */
	return nonzero(hash);
}

int plan_packets(const struct plan *plan, size_t slot, emit_fn *emit, void *userdata)
{
	if (slot >= plan->n_slots)
		return -EINVAL;
	return emit_plan(plan, slot, plan_id(plan, slot), emit, userdata);
}
