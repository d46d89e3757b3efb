/* SPDX-License-Identifier: Apache-2.0 */
/*
 * result.h - what came of one attempt, on its way to the core
 *
 * Pure: a struct in memory and the same as a packet of the wire.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/wire.h"

/**
 * struct transfer_result - what came of a job
 * @tag: as given when the attempt was started; not on the wire
 * @wire: the fields of struct wire_result; n_error and n_answer belong to the texts below
 */
struct transfer_result {
	uint64_t tag;
	struct wire_result wire;
	char error[WIRE_ERROR_MAX];
	uint8_t answer[WIRE_ANSWER_MAX];
};

/** transfer_done - hand a result to the owner of the attempts; may start further jobs */
typedef void transfer_done(void *userdata, const struct transfer_result *result);

#define RESULT_PACKET_MAX (sizeof(struct wire_result) + WIRE_ERROR_MAX + WIRE_ANSWER_MAX)

/** result_set_error() - @text becomes the sentence, cut where it is too long */
void result_set_error(struct transfer_result *result, const char *text);

/**
 * result_pack() - as a packet
 * @packet: room for RESULT_PACKET_MAX bytes, aligned to 8
 * Return: its bytes.
 */
size_t result_pack(const struct transfer_result *result, uint8_t *packet);

/**
 * result_unpack() - from a packet that wire_check() has passed; @ret->tag stays
 * Return: 0; -EBADMSG it is no result, or its texts are longer than those of a result may be.
 */
int result_unpack(struct transfer_result *ret, const uint8_t *packet);
