/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe_target.h - what `wastewatch probe` was asked to read, from words to numbers
 *
 * Pure: knows the configuration, opens nothing. What is wrong is said in a sentence.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/wire.h"
#include "core/config.h"

#define PROBE_NONE SIZE_MAX

/** enum probe_table - the four tables of a device, as the functions that read them */
enum probe_table { PROBE_COIL = 1, PROBE_DISCRETE, PROBE_HOLDING, PROBE_INPUT };

/**
 * struct probe_target - where to read
 * @wire: the connection, as the poller takes it
 * @link, @unit: in the configuration, PROBE_NONE where there is no such
 * @id: Modbus unit id
 * @single: the device bears one connection only
 * @name: "mill/line", or the address
 */
struct probe_target {
	struct wire_link wire;
	size_t link;
	size_t unit;
	uint8_t id;
	bool single;
	uint32_t timeout_ms;
	uint32_t turnaround_ms;
	uint32_t quiet_ms;
	char name[WIRE_HOST_MAX + 16];
};

/** struct probe_range - what to read */
struct probe_range {
	enum probe_table table;
	uint16_t address; /* protocol address, 0-based */
	uint16_t count;
};

#define PROBE_WHY_MAX 400 /* bytes of a sentence about what is wrong */

/**
 * probe_target_parse() - "SITE/LINK[:UNIT]", "LINK[:UNIT]", or without configuration
 *   "tcp:HOST:PORT[:ID]", "rtu-tcp:HOST:PORT[:ID]", "rtu:DEVICE:BAUD[:8E1][:ID]"
 * @config: NULL none; an address that it has too is that link
 * @why: PROBE_WHY_MAX bytes
 *
 * UNIT is a name of the configuration or an id. Without it, the only unit of the link; id 1
 * where there is no configuration.
 * Return: 0; -EINVAL with the reason in @why.
 */
int probe_target_parse(struct probe_target *ret, const char *text, const struct config *config,
		       char *why);

/** probe_is_address() - needs the target no configuration? */
bool probe_is_address(const char *text);

/** probe_table_text() - "coil", "discrete", "holding", "input" */
const char *probe_table_text(enum probe_table table);

/**
 * probe_range_parse() - table, address and count
 * @table: its name; NULL holding, or what @address says
 * @address: 0-based, decimal or 0x…; or as manuals have it, 1-based with the table in front,
 *   where that cannot be mistaken: 4x0013 or 400013 is holding 12
 * @count: NULL: 1 bit or 4 registers, as far as addresses go
 * Return: 0; -EINVAL with the reason in @why.
 */
int probe_range_parse(struct probe_range *ret, const char *table, const char *address,
		      const char *count, char *why);

/** probe_manual_number() - 1-based with the table in front: holding 12 is 40013 (or 400013) */
unsigned int probe_manual_number(enum probe_table table, unsigned int address);

/**
 * probe_number_hint() - "40013" was taken as an address; was holding 12 meant?
 * @address: as on the command line
 * Return: is there something to say, in @ret of PROBE_WHY_MAX bytes?
 */
bool probe_number_hint(const struct probe_range *range, const char *address, char *ret);

/** probe_time_parse() - "500ms", "2s", "1min", seconds without a unit. Return: 0; -EINVAL. */
int probe_time_parse(const char *text, uint32_t min_ms, uint32_t max_ms, uint32_t *ret_ms);
