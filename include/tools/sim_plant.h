/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_plant.h - the instruments behind the links, and what they answer
 *
 * Knows what every channel shows at a time and turns a Modbus request into an answer.
 * No clock, no socket: time and bytes are arguments.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/macro.h"
#include "core/config.h"
#include "tools/sim_scenario.h"

/* Modbus Messaging on TCP/IP V1.0b §3.1.3, Application Protocol V1.1b3 §4.1 */
#define SIM_MBAP_BYTES 7
#define SIM_PDU_MAX    253
#define SIM_FRAME_MAX  (SIM_MBAP_BYTES + SIM_PDU_MAX)

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

/** sim_plant_act() - play an action on a channel or unit; others are ignored */
void sim_plant_act(struct sim_plant *plant, const struct sim_action *action, int64_t t_ms);

/**
 * sim_plant_value() - what a channel shows, engineering units
 *
 * While it shows a bit pattern ("nan", "raw") this is its healthy course.
 */
double sim_plant_value(const struct sim_plant *plant, size_t channel, int64_t t_ms);

/** sim_plant_endpoint() - the first link that has the same address as @link, often itself */
size_t sim_plant_endpoint(const struct sim_plant *plant, size_t link);

/**
 * sim_plant_frame_size() - length of the first frame of a stream of bytes
 *
 * Return: bytes, at most SIM_FRAME_MAX, also where fewer than that are there yet;
 *   0 more bytes are needed to tell; -EBADMSG protocol identifier or length field are wrong:
 *   the stream can no longer be trusted.
 */
int sim_plant_frame_size(const uint8_t *bytes, size_t n);

/**
 * sim_plant_answer() - answer one request
 * @link: on which it came
 * @frame: one whole request of @n bytes, as sim_plant_frame_size() says
 * @answer: SIM_FRAME_MAX bytes
 *
 * Functions 1-4 of the configured units; anything else gets the exception that a gateway
 * or device would give. A read may run over registers that belong to no channel if they
 * lie between two channels no further apart than the unit's max_gap; they are 0.
 * Return: bytes of the answer, an exception has SIM_MBAP_BYTES + 2; 0 the unit is dead.
 */
size_t sim_plant_answer(const struct sim_plant *plant, size_t link, const uint8_t *frame, size_t n,
			int64_t t_ms, uint8_t answer[static SIM_FRAME_MAX]);
