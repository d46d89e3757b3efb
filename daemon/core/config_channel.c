/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "core/config_names.h"
#include "core/config_text.h"

#define ADDRESSES 65536U /* registers or bits of a table, Modbus V1.1b3 §4.3 */
#define MARGIN	  3.0	 /* range to limit, Circular 10/2021/TT-BTNMT Art. 35 */

static const char *or_unknown(const char *name)
{
	return name ? name : "?";
}

static bool is_bit_table(const struct channel_draft *draft)
{
	return draft->table < 3; /* functions 1 and 2 */
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
	config_names_dangling(mapping, "from", "unit", &listing);
	return false;
}

/** check_type() - Return: is the type known? */
static bool check_type(const struct config_mapping *mapping, struct channel_draft *draft)
{
	enum option_state type = config_state(mapping, "type");

	if (!config_usable(mapping, "table") || type == OPTION_BAD)
		return false;
	if (is_bit_table(draft) && type == OPTION_ABSENT)
		draft->type = DECODE_BIT;
	else if (is_bit_table(draft) && draft->type != DECODE_BIT)
		config_error(mapping, "type",
			     "a coil or discrete input is a bit; allowed: bit, or leave it out");
	else if (type == OPTION_ABSENT)
		config_error(mapping, "type",
			     "this channel has no \"type\"; it must say how the value is stored, "
			     "such as float32, uint16 or bit");
	if (config_given(mapping, "bit") && (is_bit_table(draft) || draft->type != DECODE_BIT))
		config_error(mapping, "bit",
			     "only a register has numbered bits, and only the type "
			     "bit reads one; allowed: type: bit, table holding or "
			     "input");
	draft->channel.decode.type = draft->type;
	return type == OPTION_GIVEN || is_bit_table(draft);
}

static void check_order(const struct config_mapping *mapping, struct channel_draft *draft)
{
	static const char *const allowed[] = {
		[1] = "AB (high byte first) or BA",
		[2] = "ABCD (big-endian), CDAB (low word first), BADC or DCBA (little-endian)",
		[4] = "ABCDEFGH, GHEFCDAB, BADCFEHG, HGFEDCBA or another order of whole registers",
	};
	unsigned int words = decode_words(draft->channel.decode.type);
	bool bit = draft->channel.decode.type == DECODE_BIT;
	char standard[] = "ABCDEFGH";

	standard[2 * words] = '\0';
	(void)decode_order_parse(standard, 2 * words, draft->channel.decode.order);
	if (!config_given(mapping, "order"))
		return;
	if (bit)
		config_error(mapping, "order",
			     "a bit has no byte order; allowed: \"bit\" says "
			     "which one of the register, 0 the lowest");
	else if (decode_order_parse(draft->order, 2 * words, draft->channel.decode.order) < 0)
		config_error(mapping, "order",
			     "\"order\" cannot be \"%s\": it is not an order of the %u bytes of a "
			     "%s; allowed: %s",
			     draft->order, 2 * words, decode_type_text(draft->channel.decode.type),
			     allowed[words]);
}

static void check_invalid(const struct config_mapping *mapping, struct channel_draft *draft)
{
	struct decode *decode = &draft->channel.decode;
	unsigned int bits = 16 * decode_words(decode->type);

	if (!config_given(mapping, "invalid"))
		return;
	if (decode->type == DECODE_BIT)
		config_error(mapping, "invalid",
			     "a bit has no invalid codes; allowed: leave it "
			     "out");
	for (size_t i = 0; i < draft->invalid.n; i++) {
		uint64_t code = draft->invalid.value[i];

		if (bits < 64 && code >> bits)
			config_error(mapping, "invalid",
				     "the code 0x%llX does not fit a %s; allowed: bit patterns of "
				     "%u bits",
				     (unsigned long long)code, decode_type_text(decode->type),
				     bits);
		decode->invalid[i] = code;
	}
	decode->n_invalid = (uint8_t)draft->invalid.n;
}

static void check_address(const struct config_mapping *mapping, const struct channel_draft *draft)
{
	unsigned int words = decode_words(draft->channel.decode.type);

	if (config_usable(mapping, "address") && draft->channel.address + words > ADDRESSES)
		config_error(mapping, "address",
			     "address %u leaves no room for the %u registers of a %s; allowed: up "
			     "to %u",
			     draft->channel.address, words,
			     decode_type_text(draft->channel.decode.type), ADDRESSES - words);
}

static void check_range(const struct config_mapping *mapping, struct channel_draft *draft)
{
	struct decode *decode = &draft->channel.decode;

	if (config_usable(mapping, "scale") && !(decode->scale < 0 || decode->scale > 0))
		config_error(mapping, "scale",
			     "a scale of 0 makes every value the same; allowed: "
			     "any other number");
	if (!config_usable(mapping, "range"))
		return;
	if (draft->range[0] < draft->range[1]) {
		decode->min = draft->range[0];
		decode->max = draft->range[1];
	} else {
		config_error(mapping, "range", "the range is empty; allowed: [lowest, highest]");
	}
}

static void check_against_unit(const struct config_mapping *mapping,
			       const struct channel_draft *draft, const struct config_unit *unit)
{
	const struct config_channel *channel = &draft->channel;
	unsigned int words = decode_words(channel->decode.type);

	if (unit->max_registers > 0 && words > unit->max_registers)
		config_error(mapping, "type",
			     "a %s takes %u registers, the unit \"%s\" allows %u in a request; "
			     "allowed: max-registers of %u or more",
			     decode_type_text(channel->decode.type), words, or_unknown(unit->name),
			     unit->max_registers, words);
	if (config_usable(mapping, "lost-after") && channel->lost_after_ms / 2 < unit->interval_ms)
		config_error(mapping, "lost-after",
			     "%u ms is less than two intervals of the unit \"%s\", so one lost "
			     "answer would be an alarm; allowed: %u ms or more",
			     channel->lost_after_ms, or_unknown(unit->name), 2 * unit->interval_ms);
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

int config_finish_channel(struct config_mapping *mapping, void *data)
{
	struct config *config = mapping->reader->config;
	struct channel_draft *draft = data;
	struct config_channel *channel = &draft->channel;
	bool known = check_type(mapping, draft);
	int r;

	channel->function = (uint8_t)draft->table;
	channel->source = mapping->reader->source;
	check_range(mapping, draft);
	if (known) {
		check_order(mapping, draft);
		check_invalid(mapping, draft);
		check_address(mapping, draft);
	}
	if (resolve_unit(mapping, draft->from, &channel->unit))
		check_against_unit(mapping, draft, &config->units[channel->unit]);
	r = config_names_claim(mapping, "name", KIND_CHANNEL, channel->source, channel->name,
			       config->n_channels);
	if (r == 0)
		r = name_channel(config, channel);
	if (r == 0)
		r = config_append(&config->channels, &config->n_channels, channel,
				  sizeof(*channel));
	free(channel->path); /* NULL once it has moved */
	return r;
}

/* limits */

/** resolve_channel() - by its name in this source. Return: its index, or n_channels */
static size_t resolve_channel(const struct config_mapping *mapping, const char *wanted)
{
	const struct config_reader *reader = mapping->reader;
	const struct config *config = reader->config;
	struct config_listing listing = {.wanted = wanted, .least = CONFIG_SUGGESTION};
	const struct config_name *found;

	if (!config_usable(mapping, "channel"))
		return config->n_channels;
	found = config_names_find(reader, KIND_CHANNEL, reader->source, wanted);
	if (found)
		return found->index;
	for (size_t i = reader->first_channel; i < config->n_channels; i++)
		config_names_list(&listing, config->channels[i].name);
	config_names_dangling(mapping, "channel", "channel", &listing);
	return config->n_channels;
}

/** check_side() - exactly one of high and low. Return: is the bound known? */
static bool check_side(const struct config_mapping *mapping, struct limit_draft *draft)
{
	enum option_state high = config_state(mapping, "high");
	enum option_state low = config_state(mapping, "low");

	draft->limit.high = high != OPTION_ABSENT;
	draft->limit.bound = draft->limit.high ? draft->high : draft->low;
	if ((high == OPTION_ABSENT) == (low == OPTION_ABSENT)) {
		config_error(mapping, high == OPTION_ABSENT ? "high" : "low",
			     "a limit has exactly one bound; allowed: high or low, and a second "
			     "limit for the other");
		return false;
	}
	return high == OPTION_GIVEN || low == OPTION_GIVEN;
}

static const char *side_text(const struct config_limit *limit)
{
	return limit->high ? "high" : "low";
}

/** check_bound() - a bound that the instrument cannot reach never raises, or never clears */
static void check_bound(const struct config_mapping *mapping, const struct config_limit *limit,
			const struct decode *decode)
{
	double clears = limit->high ? limit->bound - limit->deadband
				    : limit->bound + limit->deadband;

	if (limit->bound < decode->min || limit->bound > decode->max)
		config_error(mapping, side_text(limit),
			     "the bound %g is outside the channel's range; allowed: %g to %g",
			     limit->bound, decode->min, decode->max);
	else if (limit->deadband >= 0 && (clears < decode->min || clears > decode->max))
		config_error(mapping, "deadband",
			     "the alarm could never clear, at %g it is outside the channel's "
			     "range; allowed: a deadband up to %g",
			     clears,
			     limit->high ? limit->bound - decode->min : decode->max - limit->bound);
}

/**
 * check_margin() - Circular 10/2021 Art. 35 wants a range of three times the limit
 *
 * Said of concentrations; pH, temperature and flow are not held against it.
 */
static void check_margin(const struct config_mapping *mapping, const struct config_limit *limit,
			 const struct config_channel *channel)
{
	static const char *const masses[] = {"mg/", "g/", "ug/", "µg/", "ng/"};
	bool concentration = false;

	for (size_t i = 0; channel->measure && i < ARRAY_SIZE(masses); i++)
		concentration |= strncmp(channel->measure, masses[i], strlen(masses[i])) == 0;
	if (concentration && limit->high && limit->class == CLASS_LIMIT &&
	    channel->decode.max < MARGIN * limit->bound)
		config_warning(mapping, "high",
			       "the range of \"%s\" ends at %g, below three times the limit of %g; "
			       "Circular 10/2021/TT-BTNMT Art. 35 asks for %g or more",
			       or_unknown(channel->name), channel->decode.max, limit->bound,
			       MARGIN * limit->bound);
}

static void check_limit(const struct config_mapping *mapping, struct limit_draft *draft,
			const struct config_channel *channel)
{
	const struct config *config = mapping->reader->config;
	struct config_limit *limit = &draft->limit;
	bool bounded = check_side(mapping, draft);

	if (config_usable(mapping, "on") && limit->on == LIMIT_ON_MEAN_1MIN && channel &&
	    channel->unit < config->n_units &&
	    config->units[channel->unit].interval_ms > MS_PER_MIN)
		config_error(
			mapping, "on",
			"the channel is read less than once a minute, so a minute has no mean; "
			"allowed: \"value\", or a unit with an interval of at most 1min");
	if (config_usable(mapping, "deadband") && limit->deadband < 0)
		config_error(mapping, "deadband", "a deadband is a distance; allowed: 0 or more");
	if (config_usable(mapping, "class") && limit->class != CLASS_WARNING &&
	    config_state(mapping, "origin") == OPTION_ABSENT)
		config_error(mapping, "origin",
			     "this limit has no \"origin\"; a limit of class limit or emergency "
			     "must say where its number comes from, such as \"permit 123/GPMT, "
			     "annex 2\"");
	if (!bounded || !config_usable(mapping, "deadband") || !channel ||
	    !(channel->decode.min < channel->decode.max))
		return;
	check_bound(mapping, limit, &channel->decode);
	if (config_usable(mapping, "class"))
		check_margin(mapping, limit, channel);
}

static int name_limit(const struct config_mapping *mapping, struct config_limit *limit,
		      const struct config_channel *channel)
{
	char standard[CONFIG_NAME_MAX + 1];

	(void)snprintf(standard, sizeof(standard), "%s-%s", limit_class_text(limit->class),
		       side_text(limit));
	if (config_state(mapping, "name") == OPTION_ABSENT && config_usable(mapping, "class") &&
	    config_default_text(&limit->name, standard) < 0)
		return -ENOMEM;
	if (asprintf(&limit->path, "%s/%s", channel ? channel->path : "?",
		     or_unknown(limit->name)) < 0) {
		limit->path = NULL;
		return -ENOMEM;
	}
	return 0;
}

int config_finish_limit(struct config_mapping *mapping, void *data)
{
	struct config *config = mapping->reader->config;
	struct limit_draft *draft = data;
	struct config_limit *limit = &draft->limit;
	size_t i = resolve_channel(mapping, draft->channel);
	const struct config_channel *channel = i < config->n_channels ? &config->channels[i] : NULL;
	int r;

	check_limit(mapping, draft, channel);
	limit->channel = i;
	r = name_limit(mapping, limit, channel);
	if (r == 0 && channel)
		r = config_names_claim(mapping, "name", KIND_LIMIT, i, limit->name,
				       config->n_limits);
	if (r == 0)
		r = config_append(&config->limits, &config->n_limits, limit, sizeof(*limit));
	free(limit->path); /* NULL once it has moved */
	return r;
}
