/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.h - from channels to requests: what the pollers are to read
 *
 * Pure: no clock, no I/O. Neighbouring channels of a unit and function are merged into one
 * request within the unit's longest request and widest gap, never through one of its holes; a
 * value that spans registers is never read in two requests. Of a unit those requests come
 * first that hold states: what they say counts for the values read after them.
 */
#pragma once

#include "common/macro.h"
#include "common/wire.h"
#include "core/config.h"

/**
 * struct plan_part - a channel or state inside a request
 * @channel: index of the channel, or with @state of the state
 * @offset: it starts so many registers (or bits) in
 * @length: and has so many of them
 */
struct plan_part {
	uint32_t channel;
	uint32_t request;
	uint16_t offset;
	uint16_t length;
	bool state;
};

#define PLAN_NO_REQUEST UINT32_MAX

/**
 * struct plan - the work of all pollers
 * @links, @units, @requests: in the form of the wire; links as in the configuration, units
 *   sorted by link, requests by unit. Indices run through all slots here; plan_packets()
 *   counts them from the slot's first.
 * @config_unit: per unit, its index in the configuration
 * @slots: the plan split: slot s serves the links [s × WIRE_LINKS_PER_POLLER, …)
 * @parts: sorted by request, so that a reading finds its channels in one run
 * @first_part: per request, index into @parts; n_requests + 1 of them
 * @by_key: hash table with linear probing, indices of @requests by their keys, which are unique,
 *   and PLAN_NO_REQUEST
 * @n_by_key: a power of two, more than there are requests
 * @channel_slot: per channel, the slot whose poller reads it; of a derived one: that of the
 *   unit of its first input
 */
struct plan {
	struct wire_link *links;
	struct wire_unit *units;
	uint32_t *config_unit;
	struct wire_request *requests;
	struct plan_part *parts;
	size_t *first_part;
	uint32_t *by_key;
	size_t n_by_key;
	uint32_t *channel_slot;
	size_t n_links;
	size_t n_units;
	size_t n_requests;
	size_t n_parts;
	size_t n_slots;
	uint32_t grid_us;
};

/** plan_new() - build the plan of a configuration. Return: 0; -ENOMEM. */
int plan_new(struct plan **ret, const struct config *config);

/** plan_free() - takes NULL. Return: NULL. */
struct plan *plan_free(struct plan *plan);
DEFINE_CLEANUP(struct plan *, plan_free)

/** plan_character_bits() - bits of one character on a serial line: 10 to 12 */
unsigned int plan_character_bits(const struct wire_link *link);

/** plan_id() - identity of a slot's part of the plan, never 0 */
uint64_t plan_id(const struct plan *plan, size_t slot);

/** plan_place_of() - where a key is in @by_key, or would be */
static inline size_t plan_place_of(const struct plan *plan, uint64_t key)
{
	size_t i = (key ^ key >> 32) & (plan->n_by_key - 1);

	while (plan->by_key[i] != PLAN_NO_REQUEST && plan->requests[plan->by_key[i]].key != key)
		i = (i + 1) & (plan->n_by_key - 1);
	return i;
}

/** plan_find_request() - index of the request with @key. Return: PLAN_NO_REQUEST there is none. */
static inline uint32_t plan_find_request(const struct plan *plan, uint64_t key)
{
	return plan->by_key[plan_place_of(plan, key)];
}

/**
 * plan_packets() - a slot's plan as packets, in the order to send
 * @emit: called with each packet; a negative result ends it and is handed back
 * Return: 0; what @emit said; -EINVAL no such slot.
 */
int plan_packets(const struct plan *plan, size_t slot,
		 int (*emit)(void *userdata, void *packet, size_t n), void *userdata);
