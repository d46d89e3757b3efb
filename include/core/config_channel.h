/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_channel.h - what channels, derived channels, signals and states have in common
 *
 * For the finish() functions of the mappings only. They report what is wrong themselves.
 */
#pragma once

#include "core/config_schema.h"

/**
 * struct config_stored - how a value is stored, as the keys table, type, order, byte, bit and
 * address have it
 * @decode: the result; its @bit is the key's already
 * @silent: do not report that keys are not there
 */
struct config_stored {
	struct decode *decode;
	uint16_t address;
	unsigned int table;
	unsigned int type;
	unsigned int byte;
	const char *order;
	bool silent;
};

/** struct config_place - registers or bits of a unit */
struct config_place {
	size_t unit;
	uint8_t function;
	uint16_t address;
	enum decode_type type;
};

/** config_bits() - of a value of @type: 1, 8, 16, 32 or 64 */
unsigned int config_bits(enum decode_type type);

/** config_check_stored() - Return: is the type known? */
bool config_check_stored(const struct config_mapping *mapping, const struct config_stored *stored);

/**
 * config_check_readable() - does the unit allow to read it: no hole, no more than it answers?
 * @key, @item: where to report that it does not
 */
void config_check_readable(const struct config_mapping *mapping, const char *key, size_t item,
			   const struct config_place *place);

/** config_check_storage() - all that a channel and a signal say about their value in the device */
bool config_check_storage(const struct config_mapping *mapping, struct channel_draft *draft,
			  bool silent);

/** config_check_range() - the key "range"; where it is absent nothing happens */
void config_check_range(const struct config_mapping *mapping, struct channel_draft *draft);

/** config_resolve_states() - the names in "states" are states of @unit */
void config_resolve_states(const struct config_mapping *mapping, struct channel_draft *draft,
			   size_t unit);

/**
 * config_resolve_own() - a channel of this source, of those that have been read
 * @key, @item: where its name stands
 * @what: "channel before this one", for the message that there is none
 * Return: is @ret good?
 */
bool config_resolve_own(const struct config_mapping *mapping, const char *key, size_t item,
			const char *what, const char *wanted, size_t *ret);

/** config_resolve_earlier() - the same, where it is a mistake that none has been read */
bool config_resolve_earlier(const struct config_mapping *mapping, const char *key, size_t item,
			    const char *what, const char *wanted, size_t *ret);

/**
 * struct config_condition - enabled-by, enabled-above, enabled-below of a channel or limit
 * @wanted, @above, @below: the keys
 * @what: what @wanted may name, for messages
 * @holds: there is a good condition; the others are the result then
 */
struct config_condition {
	const char *wanted;
	double above;
	double below;
	const char *what;
	bool holds;
	bool is_above;
	size_t by;
	double bound;
};

/** config_check_condition() - the three keys; what is wrong with them is reported */
void config_check_condition(const struct config_mapping *mapping,
			    struct config_condition *condition);

/** config_channel_condition() - the same for a channel */
void config_channel_condition(const struct config_mapping *mapping, struct channel_draft *draft);

/** config_check_lost() - lost-after bears one lost answer; @whose interval it is */
void config_check_lost(const struct config_mapping *mapping, const struct config_channel *channel,
		       const char *whose);

/** config_add_channel() - to the configuration, with its names. Return: 0; -ENOMEM. */
int config_add_channel(struct config_mapping *mapping, struct config_channel *channel);
