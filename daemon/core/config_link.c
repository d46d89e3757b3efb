/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/config_names.h"
#include "core/config_text.h"

/* the keys that say where a link goes; exactly one of them must be there */
static const struct {
	const char *key;
	enum wire_link_kind kind;
} kinds[] = {
	{"tcp", WIRE_LINK_TCP},
	{"rtu", WIRE_LINK_RTU},
	{"rtu-tcp", WIRE_LINK_RTU_TCP},
};

#define ON(kind) (1U << WIRE_LINK_##kind)

/* keys that mean nothing on links of other kinds */
static const struct {
	const char *key;
	unsigned int kinds;
	const char *why;
} fits[] = {
	{"baud", ON(RTU) | ON(RTU_TCP), "Modbus TCP has no bit rate; allowed: with rtu or rtu-tcp"},
	{"parity", ON(RTU) | ON(RTU_TCP), "Modbus TCP has no parity; allowed: with rtu or rtu-tcp"},
	{"stop-bits", ON(RTU) | ON(RTU_TCP),
	 "Modbus TCP has no stop bits; allowed: with rtu or rtu-tcp"},
	{"rs485", ON(RTU), "only a serial device of this machine has a driver; allowed: with rtu"},
	{"rts-before", ON(RTU),
	 "only a serial device of this machine has a driver; allowed: with rtu"},
	{"rts-after", ON(RTU),
	 "only a serial device of this machine has a driver; allowed: with rtu"},
	{"rts-low-on-send", ON(RTU),
	 "only a serial device of this machine has a driver; allowed: with rtu"},
	{"rx-during-tx", ON(RTU),
	 "only a serial device of this machine has a driver; allowed: with rtu"},
	{"single", ON(TCP) | ON(RTU_TCP),
	 "a serial device has one user anyway; allowed: with tcp or rtu-tcp"},
};

/** find_kind() - Return: index into kinds, or how many there are where that was reported */
static size_t find_kind(const struct config_mapping *mapping)
{
	size_t found = ARRAY_SIZE(kinds);

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (config_state(mapping, kinds[i].key) == OPTION_ABSENT)
			continue;
		if (found < ARRAY_SIZE(kinds)) {
			config_error(mapping, kinds[i].key,
				     "a link goes to one place, this one has \"%s\" already; "
				     "allowed: exactly one of tcp, rtu and rtu-tcp",
				     kinds[found].key);
			return ARRAY_SIZE(kinds);
		}
		found = i;
	}
	if (found == ARRAY_SIZE(kinds))
		config_error(mapping, "tcp",
			     "this link goes nowhere; it must say where its devices are, allowed: "
			     "exactly one of tcp: \"IP:PORT\", rtu: /dev/serial/by-id/… and "
			     "rtu-tcp: \"IP:PORT\"");
	return found;
}

static void check_fits(const struct config_mapping *mapping, enum wire_link_kind kind)
{
	for (size_t i = 0; i < ARRAY_SIZE(fits); i++)
		if (config_given(mapping, fits[i].key) && !(fits[i].kinds & 1U << kind))
			config_error(mapping, fits[i].key, "%s", fits[i].why);
}

/** set_character() - rate and form of a character on a serial line */
static void set_character(const struct config_mapping *mapping, struct config_link *link)
{
	if (config_state(mapping, "baud") == OPTION_ABSENT) {
		if (link->kind == WIRE_LINK_RTU)
			config_lacking(mapping, "baud");
		else
			config_warning(
				mapping, "rtu-tcp",
				"the speed of the line behind the serial server is not known, "
				"so nobody can reckon whether it can carry the reads, and no "
				"silence is kept between frames; say it with \"baud\"");
	}
	/* Modbus over Serial Line V1.02 §2.5.1: even parity is the default; without parity a
	 * second stop bit takes its place, so that a character always has 11 bits */
	if (config_state(mapping, "parity") == OPTION_ABSENT)
		link->parity = WIRE_PARITY_EVEN;
	if (config_state(mapping, "stop-bits") == OPTION_ABSENT)
		link->stop_bits = link->parity == WIRE_PARITY_NONE ? 2 : 1;
}

static void set_rs485(const struct config_mapping *mapping, struct link_draft *draft)
{
	static const char *const keys[] = {"rts-before", "rts-after", "rts-low-on-send",
					   "rx-during-tx"};
	struct config_link *link = &draft->link;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (config_given(mapping, keys[i]) && config_usable(mapping, "rs485") &&
		    !draft->rs485)
			config_error(mapping, keys[i],
				     "the kernel does not switch this line's driver; allowed: "
				     "with rs485: yes");
	if (!draft->rs485)
		return;
	link->rs485 = (uint8_t)(WIRE_RS485_ENABLED |
				(draft->rts_low_on_send ? WIRE_RS485_RTS_LOW_ON_SEND : 0) |
				(draft->rx_during_tx ? WIRE_RS485_RX_DURING_TX : 0));
	link->rts_before_ms = (uint16_t)draft->rts_before_ms;
	link->rts_after_ms = (uint16_t)draft->rts_after_ms;
}

/** warn_changing() - the kernel gives these names in the order in which adapters appear */
static void warn_changing(const struct config_mapping *mapping, const char *path)
{
	static const char *const changing[] = {"/dev/ttyUSB", "/dev/ttyACM"};

	for (size_t i = 0; i < ARRAY_SIZE(changing); i++)
		if (strncmp(path, changing[i], strlen(changing[i])) == 0)
			config_warning(mapping, "rtu",
				       "%s may be another adapter after the next start or replug; "
				       "use its name in /dev/serial/by-id",
				       path);
}

/** claim_place() - one connection per device server is what most of them bear */
static int claim_place(struct config_mapping *mapping, const struct config_link *link,
		       const char *key)
{
	const struct config_name *first;

	first = config_names_find(mapping->reader, KIND_ADDRESS, link->port, link->host);
	if (first && link->kind == WIRE_LINK_RTU)
		config_error(mapping, key,
			     "a second link uses the device %s, the first is at %s:%u; allowed: "
			     "one link per serial line, with all its units on it",
			     link->host, first->file, first->line);
	else if (first)
		config_warning(mapping, key,
			       "a second link goes to %s port %u, the first is at %s:%u; many "
			       "devices serve one connection only: put both units on one link",
			       link->host, link->port, first->file, first->line);
	return config_names_add(mapping->reader,
				(struct config_name){KIND_ADDRESS, link->port, link->host, 0,
						     mapping->reader->file, mapping->node->line,
						     mapping->node->column});
}

/** set_place() - kind, address and what only this kind of link has. Return: 0; -ENOMEM. */
static int set_place(struct config_mapping *mapping, struct link_draft *draft)
{
	struct config_link *link = &draft->link;
	size_t i = find_kind(mapping);
	char host[CONFIG_HOST_MAX] = "";
	const char *address;
	int r;

	link->line = mapping->node->line;
	link->column = mapping->node->column;
	if (i == ARRAY_SIZE(kinds))
		return config_default_text(&link->host, "");
	link->kind = kinds[i].kind;
	check_fits(mapping, link->kind);
	if (link->kind != WIRE_LINK_TCP)
		set_character(mapping, link);
	if (link->kind == WIRE_LINK_RTU) {
		set_rs485(mapping, draft);
		link->single = true;
	}
	if (!config_usable(mapping, kinds[i].key))
		return config_default_text(&link->host, "");
	if (link->kind == WIRE_LINK_RTU) {
		warn_changing(mapping, draft->rtu);
		r = config_default_text(&link->host, draft->rtu);
	} else {
		address = link->kind == WIRE_LINK_TCP ? draft->tcp : draft->rtu_tcp;
		(void)config_address_parse(address, host, &link->port); /* checked */
		r = config_default_text(&link->host, host);
	}
	return r < 0 ? r : claim_place(mapping, link, kinds[i].key);
}

int config_finish_link(struct config_mapping *mapping, void *data)
{
	struct config *config = mapping->reader->config;
	struct link_draft *draft = data;
	struct config_link *link = &draft->link;
	int r;

	link->site = mapping->reader->site;
	link->backoff_min_ms = draft->backoff_ms[0];
	link->backoff_max_ms = draft->backoff_ms[1];
	if (config_usable(mapping, "backoff") && link->backoff_min_ms > link->backoff_max_ms)
		config_error(mapping, "backoff",
			     "the first wait is longer than the longest; "
			     "allowed: [shorter, longer], such as [1s, 60s]");
	r = set_place(mapping, draft);
	if (r == 0)
		r = config_names_claim(mapping, "name", KIND_LINK, link->site, link->name,
				       config->n_links);
	if (r == 0)
		r = config_append(&config->links, &config->n_links, link, sizeof(*link));
	free(link->host); /* NULL once it has moved */
	return r;
}
