/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_map.h - which registers the devices of the plant have, and what lies where
 *
 * One device may appear as several units: on links that go to the same address, or twice on
 * one link. It is numbered as the first of them. Knows no value, no time, no byte of a frame
 * but the data of an answer.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macro.h"
#include "core/config.h"

#define SIM_NO_DEVICE SIZE_MAX

/**
 * struct sim_point - a measured channel or a status register
 * @index: in the configuration's channels, or in its states
 */
struct sim_point {
	size_t device;
	size_t index;
	const struct decode *decode;
	uint16_t address;
	uint8_t function;
	bool is_state;
};

/** struct sim_range - registers or bits of one function, from @address on */
struct sim_range {
	unsigned int function;
	unsigned int address;
	unsigned int count;
};

struct sim_map;

/** sim_map_new() - @config must stay as it is and live longer. Return: 0; -ENOMEM. */
int sim_map_new(struct sim_map **ret, const struct config *config);

/** sim_map_free() - takes NULL. Return: NULL. */
struct sim_map *sim_map_free(struct sim_map *map);
DEFINE_CLEANUP(struct sim_map *, sim_map_free)

/** sim_map_endpoint() - the first link that has the same address as @link, often itself */
size_t sim_map_endpoint(const struct sim_map *map, size_t link);

/** sim_map_device() - the device with a Modbus unit id on a link; SIM_NO_DEVICE */
size_t sim_map_device(const struct sim_map *map, size_t link, uint8_t id);

/** sim_map_device_of() - the device that is a unit of the configuration */
size_t sim_map_device_of(const struct sim_map *map, size_t unit);

/** sim_map_refuse() - from now on the device does not know @range. Return: 0; -ENOMEM. */
int sim_map_refuse(struct sim_map *map, size_t device, const struct sim_range *range);

/** sim_map_allow() - undo all of sim_map_refuse() for the device */
void sim_map_allow(struct sim_map *map, size_t device);

/**
 * sim_map_knows() - may @range be read from the device in one request?
 *
 * It must lie in one run of points. Gaps up to the widest max_gap of its units belong to a
 * run; in bits a gap is as wide as that many registers of 16. It must touch no hole of the
 * configuration and nothing refused.
 */
bool sim_map_knows(const struct sim_map *map, size_t device, const struct sim_range *range);

/**
 * sim_map_read() - the data of an answer
 * @shown: the bit pattern that a point shows
 * @data: zeros, two bytes for each register or one for eight bits
 */
void sim_map_read(const struct sim_map *map, size_t device, const struct sim_range *range,
		  uint64_t (*shown)(void *userdata, const struct sim_point *point), void *userdata,
		  uint8_t *data);
