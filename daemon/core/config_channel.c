/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/config_channel.h"
#include "core/config_names.h"

#define ADDRESSES 65536U /* registers or bits of a table, Modbus V1.1b3 §4.3 */

static const char *or_unknown(const char *name)
{
	return name ? name : "?";
}

static bool is_byte(enum decode_type type)
{
	return type == DECODE_INT8 || type == DECODE_UINT8;
}

unsigned int config_bits(enum decode_type type)
{
	if (type == DECODE_BIT)
		return 1;
	return is_byte(type) ? 8 : 16 * decode_words(type);
}

/* how a value is stored */

static bool is_bit_table(const struct config_stored *stored)
{
	return stored->table < 3; /* functions 1 and 2 */
}

/** check_type() - Return: is the type known? */
static bool check_type(const struct config_mapping *mapping, const struct config_stored *stored)
{
	enum option_state state = config_state(mapping, "type");
	enum decode_type type = (enum decode_type)stored->type;

	if (!config_usable(mapping, "table") || state == OPTION_BAD)
		return false;
	if (is_bit_table(stored) && state == OPTION_ABSENT)
		type = DECODE_BIT;
	else if (is_bit_table(stored) && type != DECODE_BIT)
		config_error(mapping, "type",
			     "a coil or discrete input is a bit; allowed: bit, or leave it out");
	else if (state == OPTION_ABSENT && !stored->silent)
		config_lacking(mapping, "type");
	if (config_given(mapping, "bit") && (is_bit_table(stored) || type != DECODE_BIT))
		config_error(mapping, "bit",
			     "only a register has numbered bits, and only the type "
			     "bit reads one; allowed: type: bit, table holding or "
			     "input");
	if (config_given(mapping, "byte") && !is_byte(type))
		config_error(mapping, "byte",
			     "only an int8 or uint8 is one byte of a register; allowed: type: int8 "
			     "or uint8");
	stored->decode->type = type;
	if (is_byte(type))
		stored->decode->bit = (uint8_t)stored->byte;
	return state == OPTION_GIVEN || is_bit_table(stored);
}

static void check_order(const struct config_mapping *mapping, const struct config_stored *stored)
{
	static const char *const allowed[] = {
		[1] = "AB (high byte first) or BA",
		[2] = "ABCD (big-endian), CDAB (low word first), BADC or DCBA (little-endian)",
		[4] = "ABCDEFGH, GHEFCDAB, BADCFEHG, HGFEDCBA or another order of whole registers",
	};
	struct decode *decode = stored->decode;
	unsigned int words = decode_words(decode->type);
	char standard[] = "ABCDEFGH";

	standard[2 * words] = '\0';
	(void)decode_order_parse(standard, 2 * words, decode->order);
	if (!config_given(mapping, "order"))
		return;
	if (decode->type == DECODE_BIT)
		config_error(mapping, "order",
			     "a bit has no byte order; allowed: \"bit\" says "
			     "which one of the register, 0 the lowest");
	else if (is_byte(decode->type))
		config_error(mapping, "order",
			     "a single byte has no byte order; allowed: \"byte\" says which one of "
			     "the register, high or low");
	else if (decode_order_parse(stored->order, 2 * words, decode->order) < 0)
		config_error(mapping, "order",
			     "\"order\" cannot be \"%s\": it is not an order of the %u bytes of a "
			     "%s; allowed: %s",
			     stored->order, 2 * words, decode_type_text(decode->type),
			     allowed[words]);
}

bool config_check_stored(const struct config_mapping *mapping, const struct config_stored *stored)
{
	unsigned int words;

	if (!check_type(mapping, stored))
		return false;
	check_order(mapping, stored);
	words = decode_words(stored->decode->type);
	if (config_usable(mapping, "address") && stored->address + words > ADDRESSES)
		config_error(mapping, "address",
			     "address %u leaves no room for the %u registers of a %s; allowed: up "
			     "to %u",
			     stored->address, words, decode_type_text(stored->decode->type),
			     ADDRESSES - words);
	return true;
}

static void check_invalid(const struct config_mapping *mapping, struct channel_draft *draft)
{
	struct decode *decode = &draft->channel.decode;
	unsigned int bits = config_bits(decode->type);

	if (!config_given(mapping, "invalid"))
		return;
	if (decode->type == DECODE_BIT)
		config_error(mapping, "invalid",
			     "a bit has no invalid codes; allowed: leave it "
			     "out");
	for (size_t i = 0; i < draft->invalid.n; i++) {
		uint64_t code = draft->invalid.value[i];

		if (bits < 64 && code >> bits && decode->type != DECODE_BIT)
			config_error(mapping, "invalid",
				     "the code 0x%llX does not fit a %s; allowed: bit patterns of "
				     "%u bits",
				     (unsigned long long)code, decode_type_text(decode->type),
				     bits);
		decode->invalid[i] = code;
	}
	decode->n_invalid = (uint8_t)draft->invalid.n;
}

/** check_suspicion() - what makes a value frozen, or its change unbelievable */
static void check_suspicion(const struct config_mapping *mapping, const struct channel_draft *draft)
{
	const struct config_channel *channel = &draft->channel;

	/* "frozen-after: ~" alone switches off what the profile says of both */
	if (config_given(mapping, "frozen-change") && !config_filled(mapping, "frozen-change") &&
	    config_state(mapping, "frozen-after") == OPTION_ABSENT)
		config_error(mapping, "frozen-change",
			     "without \"frozen-after\" nothing counts as frozen; allowed: both, or "
			     "frozen-after alone");
	if (config_given(mapping, "frozen-change") &&
	    !(channel->frozen_change >= 0 &&
	      (!config_given(mapping, "range") || draft->range[0] >= draft->range[1] ||
	       channel->frozen_change < draft->range[1] - draft->range[0])))
		config_error(mapping, "frozen-change",
			     "no change is that small, or every one is; allowed: 0 or more, and "
			     "less than the range is wide");
	if (config_given(mapping, "max-rate") && !(channel->max_rate > 0))
		config_error(mapping, "max-rate",
			     "then every change would be unbelievable; allowed: more than 0, per "
			     "minute");
}

bool config_check_storage(const struct config_mapping *mapping, struct channel_draft *draft,
			  bool silent)
{
	struct decode *decode = &draft->channel.decode;
	struct config_stored stored = {
		.decode = decode,
		.address = draft->channel.address,
		.table = draft->table,
		.type = draft->type,
		.byte = draft->byte,
		.order = draft->order,
		.silent = silent,
	};
	bool known = config_check_stored(mapping, &stored);

	draft->channel.function = (uint8_t)draft->table;
	if (known)
		check_invalid(mapping, draft);
	if (config_usable(mapping, "scale") && !(decode->scale < 0 || decode->scale > 0))
		config_error(mapping, "scale",
			     "a scale of 0 makes every value the same; allowed: "
			     "any other number");
	config_check_range(mapping, draft);
	check_suspicion(mapping, draft);
	return known;
}

void config_check_range(const struct config_mapping *mapping, struct channel_draft *draft)
{
	struct decode *decode = &draft->channel.decode;

	if (!config_given(mapping, "range"))
		return;
	if (draft->range[0] < draft->range[1]) {
		decode->min = draft->range[0];
		decode->max = draft->range[1];
	} else {
		config_error(mapping, "range", "the range is empty; allowed: [lowest, highest]");
	}
}

/* what it belongs to */

/** first_hole() - of a unit; holes stand in the order of the units */
static size_t first_hole(const struct config *config, size_t unit)
{
	size_t low = 0, high = config->n_holes;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (config->holes[middle].unit < unit)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void config_check_readable(const struct config_mapping *mapping, const char *key, size_t item,
			   const struct config_place *place)
{
	const struct config *config = mapping->reader->config;
	unsigned int words = decode_words(place->type), last = place->address + words - 1;
	unsigned int most = place->unit < config->n_units ? config->units[place->unit].max_registers
							  : 0; /* not known yet */
	char what[40];

	for (size_t i = first_hole(config, place->unit);
	     i < config->n_holes && config->holes[i].unit == place->unit; i++) {
		const struct config_hole *hole = &config->holes[i];

		if (hole->function != place->function || hole->first > last ||
		    hole->last < place->address)
			continue;
		if (words == 1)
			(void)snprintf(what, sizeof(what), "address %u lies", place->address);
		else
			(void)snprintf(what, sizeof(what), "addresses %u to %u lie", place->address,
				       last);
		config_error_item(mapping, key, item,
				  "%s in the unit's hole from %u to %u, which must never be read; "
				  "allowed: other addresses, or a smaller hole",
				  what, hole->first, hole->last);
	}
	if (most > 0 && words > most)
		config_error_item(mapping, key, item,
				  "a %s takes %u registers, the unit \"%s\" allows %u in a "
				  "request; allowed: max-registers of %u or more",
				  decode_type_text(place->type), words,
				  or_unknown(config->units[place->unit].name), most, words);
}

/** resolve_unit() - by its name in this site. Return: is @ret good? A bad one is reported. */
static bool resolve_unit(const struct config_mapping *mapping, const char *wanted, size_t *ret)
{
	const struct config_reader *reader = mapping->reader;
	const struct config *config = reader->config;
	struct config_listing listing = {.wanted = wanted, .least = CONFIG_SUGGESTION};
	const struct config_name *found;

	if (!config_usable(mapping, "from"))
		return false;
	found = config_names_find(reader, KIND_UNIT, reader->site, wanted);
	if (found) {
		*ret = found->index;
		return true;
	}
	for (size_t i = reader->first_unit; i < config->n_units; i++)
		config_names_list(&listing, config->units[i].name);
	config_names_dangling(mapping, "from", 0, "unit", &listing);
	return false;
}

static void report_no_state(const struct config_mapping *mapping, size_t item, size_t unit,
			    const char *wanted)
{
	const struct config *config = mapping->reader->config;
	struct config_listing listing = {.wanted = wanted, .least = CONFIG_SUGGESTION};

	for (size_t i = 0; i < config->n_states; i++)
		if (config->states[i].unit == unit)
			config_names_list(&listing, config->states[i].name);
	if (listing.n == 0)
		config_error_item(mapping, "states", item,
				  "the unit has no states; allowed: names of its \"states\"");
	config_names_dangling(mapping, "states", item, "state of this unit", &listing);
}

void config_resolve_states(const struct config_mapping *mapping, struct channel_draft *draft,
			   size_t unit)
{
	const struct config_reader *reader = mapping->reader;
	struct config_channel *channel = &draft->channel;

	for (size_t i = 0; i < draft->states.n; i++) {
		const char *wanted = draft->states.text[i];
		const struct config_name *found;
		const struct config_state *state;

		if (!wanted) /* bad, reported */
			continue;
		found = config_names_find(reader, KIND_STATE, unit, wanted);
		if (!found) {
			report_no_state(mapping, i, unit, wanted);
			continue;
		}
		state = &reader->config->states[found->index];
		channel->states[channel->n_states++] = found->index;
		/* a state of this very file was checked in its own place */
		if (found->file != reader->file)
			config_check_readable(mapping, "states", i,
					      &(struct config_place){unit, state->function,
								     state->address,
								     state->decode.type});
	}
}

bool config_resolve_own(const struct config_mapping *mapping, const char *key, size_t item,
			const char *what, const char *wanted, size_t *ret)
{
	const struct config_reader *reader = mapping->reader;
	const struct config *config = reader->config;
	struct config_listing listing = {.wanted = wanted, .least = CONFIG_SUGGESTION};
	const struct config_name *found;

	found = config_names_find(reader, KIND_CHANNEL, reader->source, wanted);
	if (found) {
		*ret = found->index;
		return true;
	}
	for (size_t i = reader->first_channel; i < config->n_channels; i++)
		config_names_list(&listing, config->channels[i].name);
	config_names_dangling(mapping, key, item, what, &listing);
	return false;
}

bool config_resolve_earlier(const struct config_mapping *mapping, const char *key, size_t item,
			    const char *what, const char *wanted, size_t *ret)
{
	const struct config_reader *reader = mapping->reader;

	if (reader->first_channel < reader->config->n_channels)
		return config_resolve_own(mapping, key, item, what, wanted, ret);
	config_error_item(mapping, key, item,
			  "no channel stands before this one; allowed: names of channels "
			  "of this source that do");
	return false;
}

/** check_condition_bound() - one that is never or always met is a mistake */
static void check_condition_bound(const struct config_mapping *mapping,
				  const struct config_condition *condition)
{
	const struct config_channel *by = &mapping->reader->config->channels[condition->by];
	const char *key = condition->is_above ? "enabled-above" : "enabled-below";
	double bound = condition->bound, min = by->decode.min, max = by->decode.max;
	bool met = condition->is_above ? bound >= min && bound < max : bound > min && bound <= max;

	if (config_given(mapping, key) && min < max && !met)
		config_error(mapping, key,
			     "\"%s\" ranges from %g to %g, so the condition would %s hold; "
			     "allowed: a bound within that range",
			     or_unknown(by->name), min, max,
			     (bound <= min) == condition->is_above ? "always" : "never");
}

void config_check_condition(const struct config_mapping *mapping,
			    struct config_condition *condition)
{
	enum option_state above = config_state(mapping, "enabled-above");
	enum option_state below = config_state(mapping, "enabled-below");

	condition->holds = false;
	if (config_state(mapping, "enabled-by") == OPTION_ABSENT) {
		if (above != OPTION_ABSENT || below != OPTION_ABSENT)
			config_error(mapping,
				     above != OPTION_ABSENT ? "enabled-above" : "enabled-below",
				     "it does not say which channel's value is meant; allowed: "
				     "with enabled-by");
		return;
	}
	if ((above == OPTION_ABSENT) == (below == OPTION_ABSENT))
		config_error(mapping, above == OPTION_ABSENT ? "enabled-by" : "enabled-below",
			     "a condition has exactly one bound; allowed: enabled-above or "
			     "enabled-below");
	condition->is_above = above != OPTION_ABSENT;
	condition->bound = condition->is_above ? condition->above : condition->below;
	condition->holds = config_usable(mapping, "enabled-by") &&
			   config_resolve_earlier(mapping, "enabled-by", 0, condition->what,
						  condition->wanted, &condition->by);
	if (condition->holds)
		check_condition_bound(mapping, condition);
}

void config_channel_condition(const struct config_mapping *mapping, struct channel_draft *draft)
{
	struct config_channel *channel = &draft->channel;
	struct config_condition condition = {.wanted = draft->enabled_by,
					     .above = draft->enabled_above,
					     .below = draft->enabled_below,
					     .what = "channel before this one"};

	config_check_condition(mapping, &condition);
	channel->conditional = condition.holds;
	channel->enabled_above = condition.is_above;
	channel->enabled_by = condition.by;
	channel->enabled_bound = condition.bound;
}

void config_check_lost(const struct config_mapping *mapping, const struct config_channel *channel,
		       const char *whose)
{
	if (config_usable(mapping, "lost-after") &&
	    channel->lost_after_ms / 2 < channel->interval_ms)
		config_error(mapping, "lost-after",
			     "%u ms is less than two intervals of %s, so one lost answer would be "
			     "an alarm; allowed: %u ms or more",
			     channel->lost_after_ms, whose, 2 * channel->interval_ms);
}

static int name_channel(const struct config *config, struct config_channel *channel)
{
	const struct config_source *source = &config->sources[channel->source];
	const char *site = config->sites[source->site].name;

	if (asprintf(&channel->path, "%s/%s/%s", or_unknown(site), or_unknown(source->name),
		     or_unknown(channel->name)) < 0) {
		channel->path = NULL;
		return -ENOMEM;
	}
	return config_default_text(&channel->title, channel->name);
}

int config_add_channel(struct config_mapping *mapping, struct config_channel *channel)
{
	struct config *config = mapping->reader->config;
	int r;

	r = config_names_claim(mapping, "name", KIND_CHANNEL, channel->source, channel->name,
			       config->n_channels);
	if (r == 0)
		r = name_channel(config, channel);
	if (r == 0)
		r = config_append(&config->channels, &config->n_channels, channel,
				  sizeof(*channel));
	free(channel->path); /* NULL once it has moved */
	channel->path = NULL;
	return r;
}

static void check_against_unit(const struct config_mapping *mapping, struct channel_draft *draft,
			       bool known)
{
	struct config_channel *channel = &draft->channel;
	const struct config_unit *unit = &mapping->reader->config->units[channel->unit];
	char whose[CONFIG_NAME_MAX + 16];

	(void)snprintf(whose, sizeof(whose), "the unit \"%s\"", or_unknown(unit->name));
	channel->interval_ms = unit->interval_ms;
	if (known && config_usable(mapping, "address"))
		config_check_readable(mapping, "address", 0,
				      &(struct config_place){channel->unit, channel->function,
							     channel->address,
							     channel->decode.type});
	config_check_lost(mapping, channel, whose);
	if (config_given(mapping, "frozen-after") &&
	    channel->frozen_after_ms / 2 < channel->interval_ms)
		config_error(mapping, "frozen-after",
			     "%u ms is less than two intervals of %s, so there is nothing to "
			     "compare; allowed: %u ms or more",
			     channel->frozen_after_ms, whose, 2 * channel->interval_ms);
	config_resolve_states(mapping, draft, channel->unit);
}

int config_finish_channel(struct config_mapping *mapping, void *data)
{
	struct channel_draft *draft = data;
	/* a signal that is not there, or is bad, has been reported; so what it would have said
	 * is not missing here */
	bool silent = config_state(mapping, "signal") != OPTION_ABSENT &&
		      (!mapping->base.node || mapping->base.bad);
	bool known = config_check_storage(mapping, draft, silent);

	if (!silent && config_state(mapping, "address") == OPTION_ABSENT)
		config_error(mapping, "address",
			     "this channel has no \"address\"; it must say where its value is, or "
			     "name with \"signal\" one of the unit's profile");
	if (!silent && config_state(mapping, "range") == OPTION_ABSENT)
		config_lacking(mapping, "range");
	draft->channel.source = mapping->reader->source;
	config_channel_condition(mapping, draft);
	if (resolve_unit(mapping, draft->from, &draft->channel.unit))
		check_against_unit(mapping, draft, known);
	return config_add_channel(mapping, &draft->channel);
}
