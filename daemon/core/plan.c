/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "core/plan.h"
#include "core/plan_requests.h"

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
	free(plan->config_unit);
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

/*
 * Silence between two frames: 3.5 characters, above 19,200 baud 1.75 ms (Modbus over Serial
 * Line V1.02 §2.5.1.1). A serial server keeps it on its own line; we keep it where we know
 * the line's speed.
 */
static uint32_t frame_gap_us(const struct wire_link *link)
{
	if (link->kind == WIRE_LINK_TCP || link->baud == 0)
		return 0;
	if (link->baud > 19200)
		return 1750;
	return (uint32_t)((UINT64_C(3500000) * plan_character_bits(link) + link->baud - 1) /
			  link->baud);
}

unsigned int plan_character_bits(const struct wire_link *link)
{
	/* a start bit and eight of data */
	return 9U + (link->parity == WIRE_PARITY_NONE ? 0 : 1) + link->stop_bits;
}

static void fill_link(struct wire_link *to, const struct config_link *from)
{
	to->kind = (uint16_t)from->kind;
	to->port = from->port;
	to->baud = from->baud;
	to->connect_timeout_ms = from->connect_timeout_ms;
	to->backoff_min_ms = from->backoff_min_ms;
	to->backoff_max_ms = from->backoff_max_ms;
	to->first_delay_ms = from->first_delay_ms;
	to->rts_before_ms = from->rts_before_ms;
	to->rts_after_ms = from->rts_after_ms;
	to->parity = from->parity;
	to->stop_bits = from->stop_bits;
	to->rs485 = from->rs485;
	to->frame_gap_us = frame_gap_us(to);
	assert(strlen(from->host) < sizeof(to->host));
	memcpy(to->host, from->host, strlen(from->host));
}

static void fill_links(struct plan *plan, const struct config *config)
{
	for (size_t i = 0; i < config->n_links; i++) {
		const struct config_link *from = &config->links[i];
		uint64_t key = hash_text(HASH64_SEED, config->sites[from->site].name);

		key = hash_text(hash_text(key, from->name), from->host);
		plan->links[i].key = nonzero(hash64(key, &from->port, sizeof(from->port)));
		fill_link(&plan->links[i], from);
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
		plan->config_unit[place[i]] = (uint32_t)i;
		plan->units[place[i]] = (struct wire_unit){
			.link = (uint32_t)unit->link,
			.interval_ms = unit->interval_ms,
			.timeout_ms = unit->timeout_ms,
			.phase_us = phase_us(config, unit, rank),
			.turnaround_ms = unit->turnaround_ms,
			.quiet_ms = unit->quiet_ms,
			.id = unit->id,
		};
	}
	free(first);
	free(taken);
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
 * the second and further ones get a key made of that key and their rank. Sorts @by_key for it.
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

static void fill_by_key(struct plan *plan)
{
	for (size_t i = 0; i < plan->n_by_key; i++)
		plan->by_key[i] = PLAN_NO_REQUEST;
	for (size_t i = 0; i < plan->n_requests; i++)
		plan->by_key[plan_place_of(plan, plan->requests[i].key)] = (uint32_t)i;
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
static void fill_maps(struct plan *plan)
{
	for (size_t i = 0; i < plan->n_requests; i++) {
		struct wire_request *request = &plan->requests[i];
		size_t end = 0;

		for (size_t k = plan->first_part[i];
		     request->function > 2 && k < plan->first_part[i + 1]; k++) {
			const struct plan_part *part = &plan->parts[k];
			size_t part_end = (size_t)part->offset + part->length;

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
		size_t n = config->n_channels + config->n_states + 1; /* a request each, at most */

		plan->links = calloc(config->n_links + 1, sizeof(*plan->links));
		plan->units = calloc(config->n_units + 1, sizeof(*plan->units));
		plan->config_unit = calloc(config->n_units + 1, sizeof(*plan->config_unit));
		plan->requests = calloc(n, sizeof(*plan->requests));
		plan->parts = calloc(n, sizeof(*plan->parts));
		plan->first_part = calloc(n, sizeof(*plan->first_part));
		for (plan->n_by_key = 2; plan->n_by_key < 2 * n;)
			plan->n_by_key *= 2;
		plan->by_key = calloc(plan->n_by_key, sizeof(*plan->by_key));
		plan->channel_slot = calloc(config->n_channels + 1, sizeof(*plan->channel_slot));
	}
	if (plan && place && plan->links && plan->units && plan->config_unit && plan->requests &&
	    plan->parts && plan->first_part && plan->by_key && plan->channel_slot) {
		plan->n_links = config->n_links;
		plan->n_units = config->n_units;
		plan->n_slots = (config->n_links + WIRE_LINKS_PER_POLLER - 1) /
				WIRE_LINKS_PER_POLLER;
		plan->grid_us = config->grid_ms * (uint32_t)US_PER_MS;
		fill_links(plan, config);
		r = fill_units(plan, config, place);
		if (r == 0)
			r = plan_fill_requests(plan, config, place);
	}
	free(place);
	if (r < 0)
		return r;
	fill_keys(plan);
	fill_by_key(plan);
	fill_maps(plan);
	*ret = steal(&plan);
	return 0;
}
