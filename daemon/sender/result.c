/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sender/result.h"

void result_set_error(struct transfer_result *result, const char *text)
{
	(void)snprintf(result->error, sizeof(result->error), "%s", text);
	result->wire.n_error = (uint32_t)strlen(result->error);
}

size_t result_pack(const struct transfer_result *result, uint8_t *packet)
{
	struct wire_result *wire = (struct wire_result *)(void *)packet;
	uint8_t *texts = packet + sizeof(*wire);

	*wire = result->wire;
	wire->header = (struct wire_header){.type = WIRE_RESULT};
	memcpy(texts, result->error, wire->n_error);
	memcpy(texts + wire->n_error, result->answer, wire->n_answer);
	return sizeof(*wire) + wire->n_error + wire->n_answer;
}

int result_unpack(struct transfer_result *ret, const uint8_t *packet)
{
	struct wire_result wire;

	if (((const struct wire_header *)(const void *)packet)->type != WIRE_RESULT)
		return -EBADMSG;
	memcpy(&wire, packet, sizeof(wire));
	if (wire.n_error >= sizeof(ret->error) || wire.n_answer > sizeof(ret->answer))
		return -EBADMSG;
	ret->wire = wire;
	memcpy(ret->error, packet + sizeof(wire), wire.n_error);
	ret->error[wire.n_error] = '\0';
	memcpy(ret->answer, packet + sizeof(wire) + wire.n_error, wire.n_answer);
	return 0;
}
