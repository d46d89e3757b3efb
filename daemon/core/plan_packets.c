/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "core/plan.h"

#define PIECE_MAX 8192 /* bytes of a packet here; far below WIRE_PACKET_MAX, fits a stack */

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
	return hash ? hash : 1; /* 0 means no plan */
}

int plan_packets(const struct plan *plan, size_t slot, emit_fn *emit, void *userdata)
{
	if (slot >= plan->n_slots)
		return -EINVAL;
	return emit_plan(plan, slot, plan_id(plan, slot), emit, userdata);
}
