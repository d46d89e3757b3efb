/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_plant.h - the instruments behind the links, and what they answer
 *
 * Knows what every channel and status register shows at a time and turns a Modbus request into
 * an answer. Derived channels are no instrument's: they follow from their inputs. No clock, no
 * socket: time and bytes are arguments.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/macro.h"
#include "core/config.h"
#include "tools/sim_frame.h"
#include "tools/sim_map.h"
#include "tools/sim_scenario.h"

enum sim_exception {
	SIM_ILLEGAL_FUNCTION = 1,
	SIM_ILLEGAL_ADDRESS = 2,
	SIM_ILLEGAL_VALUE = 3,
	SIM_GATEWAY_TARGET = 11, /* "target device failed to respond": no such unit here */
};

struct sim_plant;

/**
 * sim_plant_new() - all instruments healthy
 * @config: must stay as it is and live longer
 *
 * Return: 0; -ENOMEM.
 */
int sim_plant_new(struct sim_plant **ret, const struct config *config, uint64_t seed);

/** sim_plant_free() - takes NULL. Return: NULL. */
struct sim_plant *sim_plant_free(struct sim_plant *plant);
DEFINE_CLEANUP(struct sim_plant *, sim_plant_free)

/**
 * sim_plant_act() - play an action on a channel, unit or status register; others are ignored
 * Return: 0; -ENOMEM.
 */
int sim_plant_act(struct sim_plant *plant, const struct sim_action *action, int64_t t_ms);

/**
 * sim_plant_value() - what a channel shows, engineering units
 *
 * While it shows a bit pattern ("nan", "raw") this is its healthy course.
 */
double sim_plant_value(const struct sim_plant *plant, size_t channel, int64_t t_ms);

/** sim_plant_endpoint() - the first link that has the same address as @link, often itself */
size_t sim_plant_endpoint(const struct sim_plant *plant, size_t link);

/**
 * sim_plant_answer() - answer one request
 * @link: on which it came
 * @unit: Modbus unit id asked
 * @pdu: function and data, at least one byte of @n
 *
 * Functions 1-4 of the configured units; anything else gets the exception that a gateway
 * or device would give. A read may run over registers that belong to nothing where
 * sim_map_knows() says so; they are 0.
 * Return: bytes of the answer, an exception has 2; 0 nobody answers: the unit is dead, or, in
 *   RTU, not there.
 */
size_t sim_plant_answer(const struct sim_plant *plant, size_t link, uint8_t unit,
			const uint8_t *pdu, size_t n, int64_t t_ms,
			uint8_t answer[static SIM_PDU_MAX]);
