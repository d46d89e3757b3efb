/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "core/config_channel.h"
#include "core/config_names.h"

#define RTU_IDS 247 /* Modbus over Serial Line V1.02 §2.2: 0 is broadcast, 248-255 reserved */

static void check_times(const struct config_mapping *mapping, const struct config_unit *unit)
{
	uint32_t grid_ms = mapping->reader->config->grid_ms;
	bool interval = config_usable(mapping, "interval");

	if (interval && config_usable(mapping, "timeout") && unit->timeout_ms > unit->interval_ms)
		config_error(mapping, config_given(mapping, "timeout") ? "timeout" : "interval",
			     "the timeout of %u ms is longer than the interval; allowed: up to %u "
			     "ms, so that a silent device does not miss its next turn",
			     unit->timeout_ms, unit->interval_ms);
	if (interval && grid_ms > 0 && unit->interval_ms % grid_ms != 0)
		config_error(mapping, "interval",
			     "the interval of %u ms is off the grid; allowed: multiples of %u ms",
			     unit->interval_ms, grid_ms);
	if (config_given(mapping, "quiet") && config_usable(mapping, "timeout") &&
	    unit->quiet_ms < unit->timeout_ms)
		config_error(mapping, "quiet",
			     "the worst answer time of %u ms is shorter than the timeout; allowed: "
			     "%u ms or more, or leave it out",
			     unit->quiet_ms, unit->timeout_ms);
}

/** check_line() - what depends on the kind of link */
static void check_line(const struct config_mapping *mapping, const struct config_unit *unit,
		       enum wire_link_kind kind)
{
	bool rtu = kind == WIRE_LINK_RTU || kind == WIRE_LINK_RTU_TCP;

	if (config_usable(mapping, "id") && rtu && (unit->id == 0 || unit->id > RTU_IDS))
		config_error(mapping, "id",
			     "on a serial line the unit id %u is %s; allowed: 1 to %d", unit->id,
			     unit->id == 0 ? "everybody, and nobody answers" : "reserved", RTU_IDS);
	/* over TCP 255 is the device itself */
	else if (config_usable(mapping, "id") && unit->id > RTU_IDS && unit->id < 255)
		config_error(mapping, "id", "the unit id %u is reserved; allowed: 0 to 247, or 255",
			     unit->id);
	if (config_given(mapping, "quiet") && kind == WIRE_LINK_TCP)
		config_error(mapping, "quiet",
			     "over Modbus TCP an answer names its request, so nobody need wait for "
			     "late ones; allowed: on links with rtu or rtu-tcp");
}

/** resolve_link() - by its name in this site; reports a dangling one */
static size_t resolve_link(const struct config_mapping *mapping, const char *wanted)
{
	const struct config_reader *reader = mapping->reader;
	const struct config *config = reader->config;
	struct config_listing listing = {.wanted = wanted, .least = CONFIG_SUGGESTION};
	const struct config_name *found;

	if (!config_usable(mapping, "link"))
		return config->n_links;
	found = config_names_find(reader, KIND_LINK, reader->site, wanted);
	if (found)
		return found->index;
	for (size_t i = reader->first_link; i < config->n_links; i++)
		config_names_list(&listing, config->links[i].name);
	config_names_dangling(mapping, "link", 0, "link", &listing);
	return config->n_links;
}

int config_finish_unit(struct config_mapping *mapping, void *data)
{
	struct config_reader *reader = mapping->reader;
	struct config *config = reader->config;
	struct unit_draft *draft = data;
	struct config_unit *unit = &draft->unit;
	int r;

	unit->link = resolve_link(mapping, draft->link);
	check_times(mapping, unit);
	check_line(mapping, unit,
		   unit->link < config->n_links ? config->links[unit->link].kind : 0);
	r = config_names_claim(mapping, "name", KIND_UNIT, reader->site, unit->name,
			       config->n_units);
	if (r == 0)
		return config_append(&config->units, &config->n_units, unit, sizeof(*unit));
	return r;
}

int config_finish_hole(struct config_mapping *mapping, void *data)
{
	struct config *config = mapping->reader->config;
	struct hole_draft *draft = data;
	struct config_hole *hole = &draft->hole;

	hole->unit = mapping->reader->unit;
	hole->function = (uint8_t)draft->table;
	if (!config_usable(mapping, "from") || !config_usable(mapping, "to") ||
	    !config_usable(mapping, "table"))
		return 0; /* half a hole would only make things overlap it */
	if (hole->last < hole->first)
		config_error(mapping, "to",
			     "the hole ends at %u, before it begins; allowed: %u or more",
			     hole->last, hole->first);
	return config_append(&config->holes, &config->n_holes, hole, sizeof(*hole));
}

/* states */

/** check_form() - type, order, byte and bit. Return: is the type known? */
static bool check_form(const struct config_mapping *mapping, struct state_draft *draft)
{
	struct config_stored stored = {
		.decode = &draft->state.decode,
		.address = draft->state.address,
		.table = draft->table,
		.type = draft->type,
		.byte = draft->byte,
		.order = draft->order,
	};

	return config_check_stored(mapping, &stored);
}

static const char *or_unknown(const char *name)
{
	return name ? name : "?";
}

int config_name_state(const struct config_reader *reader, struct config_state *state)
{
	const char *site = reader->config->sites[reader->site].name;

	if (asprintf(&state->path, "%s/%s/%s", or_unknown(site), or_unknown(reader->unit_name),
		     or_unknown(state->name)) < 0) {
		state->path = NULL;
		return -ENOMEM;
	}
	return 0;
}

int config_finish_state(struct config_mapping *mapping, void *data)
{
	struct config_reader *reader = mapping->reader;
	struct config *config = reader->config;
	struct state_draft *draft = data;
	struct config_state *state = &draft->state;
	int r;

	state->unit = reader->unit;
	state->function = (uint8_t)draft->table;
	state->decode.scale = 1;
	state->decode.max = UINT32_MAX;
	reader->state = config->n_states;
	reader->state_bits = check_form(mapping, draft) ? config_bits(state->decode.type) : 0;
	if (reader->state_bits > 0 && config_usable(mapping, "address"))
		config_check_readable(mapping, "address", 0,
				      &(struct config_place){state->unit, state->function,
							     state->address, state->decode.type});
	r = config_names_claim(mapping, "name", KIND_STATE, reader->unit, state->name,
			       config->n_states);
	if (r == 0)
		r = config_name_state(reader, state);
	if (r == 0)
		r = config_append(&config->states, &config->n_states, state, sizeof(*state));
	free(state->path); /* NULL once it has moved */
	return r;
}

static void check_rule(const struct config_mapping *mapping, const struct config_rule *rule,
		       unsigned int bits)
{
	uint64_t all = (UINT64_C(1) << bits) - 1;

	if (config_given(mapping, "mask") && rule->mask > all)
		config_error(mapping, "mask",
			     "the mask 0x%X has bits that a state of %u bits has not; allowed: "
			     "0x1 to 0x%llX",
			     rule->mask, bits, (unsigned long long)all);
	else if (config_given(mapping, "is") && config_state(mapping, "mask") != OPTION_BAD &&
		 rule->is & ~rule->mask)
		config_error(mapping, "is",
			     "0x%X has bits outside the mask 0x%X, so the rule never fits; "
			     "allowed: bits of the mask",
			     rule->is, rule->mask);
}

int config_finish_rule(struct config_mapping *mapping, void *data)
{
	struct config_reader *reader = mapping->reader;
	struct config_state *state = &reader->config->states[reader->state];
	struct config_rule *rule = &((struct rule_draft *)data)->rule;

	rule->any = config_state(mapping, "is") == OPTION_ABSENT;
	if (config_state(mapping, "mask") == OPTION_ABSENT)
		rule->mask = reader->state_bits > 0
				     ? (uint32_t)((UINT64_C(1) << reader->state_bits) - 1)
				     : UINT32_MAX;
	if (reader->state_bits > 0)
		check_rule(mapping, rule, reader->state_bits);
	if (state->n_rules == CONFIG_RULES_MAX)
		config_error(mapping, "quality", "one rule too many; allowed: %d per state",
			     CONFIG_RULES_MAX);
	else
		state->rules[state->n_rules++] = *rule;
	return 0;
}
