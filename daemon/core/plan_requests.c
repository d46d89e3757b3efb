/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "core/plan_requests.h"

#define BITS_PER_REGISTER 16
_Static_assert(WIRE_REGISTERS_MAX *BITS_PER_REGISTER == WIRE_BITS_MAX, "longest answers");

/** struct wish - a channel or state on its way into a request */
struct wish {
	uint32_t unit;	 /* in the plan */
	uint32_t what;	 /* channel or state */
	uint32_t length; /* registers or bits */
	uint32_t longest;
	uint32_t gap;
	size_t config_unit;
	uint16_t address;
	uint8_t function;
	bool state;
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
	if (x->state != y->state)
		return x->state ? -1 : 1;
	return x->what < y->what ? -1 : 1;
}

static struct wish wish_of(const struct config *config, size_t unit_index, uint8_t function,
			   enum decode_type type, const uint32_t *place)
{
	const struct config_unit *unit = &config->units[unit_index];
	bool bits = function <= 2;

	return (struct wish){
		.unit = place[unit_index],
		.config_unit = unit_index,
		.length = bits ? 1 : decode_words(type),
		/* as many bytes of answer; 125 registers are WIRE_BITS_MAX bits */
		.longest = bits ? unit->max_registers * BITS_PER_REGISTER : unit->max_registers,
		.gap = bits ? (uint32_t)unit->max_gap * BITS_PER_REGISTER : unit->max_gap,
		.function = function,
	};
}

/** has_hole() - does [first, end) of a unit's table hold what must never be read? */
static bool has_hole(const struct config *config, size_t unit, uint8_t function, uint32_t first,
		     uint32_t end)
{
	for (size_t i = 0; i < config->n_holes; i++) {
		const struct config_hole *hole = &config->holes[i];

		if (hole->unit == unit && hole->function == function && hole->first < end &&
		    hole->last >= first)
			return true;
	}
	return false;
}

/** joins() - can @wish be read with @request? @wish begins at or behind its start. */
static bool joins(const struct config *config, const struct wire_request *request,
		  const struct wish *wish)
{
	uint32_t end = (uint32_t)request->address + request->count;
	uint32_t new_end = MAX(end, (uint32_t)wish->address + wish->length);

	return request->unit == wish->unit && request->function == wish->function &&
	       wish->address <= end + wish->gap && new_end - request->address <= wish->longest &&
	       (wish->address <= end ||
		!has_hole(config, wish->config_unit, wish->function, end, wish->address));
}

static void add_wish(struct plan *plan, const struct config *config, const struct wish *wish)
{
	struct wire_request *request = &plan->requests[plan->n_requests - (plan->n_requests > 0)];
	uint32_t end;

	if (plan->n_requests == 0 || !joins(config, request, wish)) {
		request = &plan->requests[plan->n_requests++];
		*request = (struct wire_request){
			.unit = wish->unit,
			.address = wish->address,
			.function = wish->function,
		};
	}
	end = MAX((uint32_t)request->address + request->count,
		  (uint32_t)wish->address + wish->length);
	request->count = (uint16_t)(end - request->address);
	plan->parts[plan->n_parts++] = (struct plan_part){
		.channel = wish->what,
		.request = (uint32_t)(plan->n_requests - 1),
		.offset = (uint16_t)(wish->address - request->address),
		.length = (uint16_t)wish->length,
		.state = wish->state,
	};
}

/* a state that no channel asks for is not read */
static bool is_used(const struct config *config, size_t state)
{
	for (size_t i = 0; i < config->n_channels; i++)
		for (size_t j = 0; j < config->channels[i].n_states; j++)
			if (config->channels[i].states[j] == state)
				return true;
	return false;
}

static size_t make_wishes(const struct config *config, const uint32_t *place, struct wish *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < config->n_channels; i++) {
		const struct config_channel *channel = &config->channels[i];

		if (channel->formula != FORMULA_NONE)
			continue;
		ret[n] = wish_of(config, channel->unit, channel->function, channel->decode.type,
				 place);
		ret[n].address = channel->address;
		ret[n++].what = (uint32_t)i;
	}
	for (size_t i = 0; i < config->n_states; i++) {
		const struct config_state *state = &config->states[i];

		if (!is_used(config, i))
			continue;
		ret[n] = wish_of(config, state->unit, state->function, state->decode.type, place);
		ret[n].address = state->address;
		ret[n].state = true;
		ret[n++].what = (uint32_t)i;
	}
	return n;
}

struct order {
	uint32_t unit;
	uint32_t from;
	bool plain; /* holds no state */
};

static int compare_orders(const void *a, const void *b)
{
	const struct order *x = a, *y = b;

	if (x->unit != y->unit)
		return x->unit < y->unit ? -1 : 1;
	if (x->plain != y->plain)
		return y->plain ? -1 : 1;
	return x->from < y->from ? -1 : 1;
}

static int compare_parts(const void *a, const void *b)
{
	const struct plan_part *x = a, *y = b;

	if (x->request != y->request)
		return x->request < y->request ? -1 : 1;
	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	if (x->state != y->state)
		return x->state ? -1 : 1;
	return x->channel < y->channel ? -1 : 1;
}

/** order_requests() - of each unit those with states first, and the parts with them */
static int order_requests(struct plan *plan)
{
	struct order *orders = calloc(plan->n_requests + 1, sizeof(*orders));
	uint32_t *place = calloc(plan->n_requests + 1, sizeof(*place));
	struct wire_request *sorted = calloc(plan->n_requests + 1, sizeof(*sorted));

	if (!orders || !place || !sorted) {
		free(orders);
		free(place);
		free(sorted);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < plan->n_requests; i++)
		orders[i] = (struct order){plan->requests[i].unit, i, true};
	for (size_t i = 0; i < plan->n_parts; i++)
		if (plan->parts[i].state)
			orders[plan->parts[i].request].plain = false;
	qsort(orders, plan->n_requests, sizeof(*orders), compare_orders);
	for (uint32_t i = 0; i < plan->n_requests; i++) {
		sorted[i] = plan->requests[orders[i].from];
		place[orders[i].from] = i;
	}
	for (size_t i = 0; i < plan->n_parts; i++)
		plan->parts[i].request = place[plan->parts[i].request];
	qsort(plan->parts, plan->n_parts, sizeof(*plan->parts), compare_parts);
	free(plan->requests);
	plan->requests = sorted;
	free(orders);
	free(place);
	return 0;
}

/**
 * barred_of() - what must not be read in place of a request on a line: see struct wire_request
 *
 * The poller reads at most a register or eight bits more than a single one.
 */
static uint8_t barred_of(const struct plan *plan, const struct config *config,
			 const struct wire_request *request)
{
	uint32_t end = (uint32_t)request->address + request->count;
	uint32_t further = end + (request->function <= 2 ? 8 : 1);
	size_t unit = plan->config_unit[request->unit];
	unsigned int barred = 0;

	if (config->links[config->units[unit].link].kind == WIRE_LINK_TCP)
		return 0;
	for (uint8_t function = 1; function <= 4; function++) {
		bool own = function == request->function;

		if (has_hole(config, unit, function, own ? end : request->address,
			     own ? further : end))
			barred |= 1U << function;
	}
	if (further > 65536 || (request->function > 2 && config->units[unit].max_registers < 2))
		barred |= 1U << request->function;
	return (uint8_t)barred;
}

int plan_fill_requests(struct plan *plan, const struct config *config, const uint32_t *place)
{
	struct wish *wishes = calloc(config->n_channels + config->n_states + 1, sizeof(*wishes));
	size_t n;
	int r;

	if (!wishes)
		return -ENOMEM;
	for (size_t i = 0; i < config->n_channels; i++)
		plan->channel_slot[i] = (uint32_t)(config->units[config->channels[i].unit].link /
						   WIRE_LINKS_PER_POLLER);
	n = make_wishes(config, place, wishes);
	qsort(wishes, n, sizeof(*wishes), compare_wishes);
	for (size_t i = 0; i < n; i++)
		add_wish(plan, config, &wishes[i]);
	free(wishes);
	r = order_requests(plan);
	if (r < 0)
		return r;
	for (size_t i = 0; i < plan->n_parts; i++) /* every request has a part, in order */
		if (i == 0 || plan->parts[i].request != plan->parts[i - 1].request)
			plan->first_part[plan->parts[i].request] = i;
	plan->first_part[plan->n_requests] = plan->n_parts;
	for (size_t i = 0; i < plan->n_requests; i++)
		plan->requests[i].barred = barred_of(plan, config, &plan->requests[i]);
	return 0;
}
