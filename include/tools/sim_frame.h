/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_frame.h - Modbus requests in a stream of bytes, and answers as bytes
 *
 * Two framings: Modbus TCP (Messaging on TCP/IP V1.0b §3.1.3) and RTU (Serial Line V1.02
 * §2.5.1), whether on a serial line or through a TCP connection. Written apart from the
 * poller's, so that the two judge each other. Pure: no clock, no I/O.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_PDU_MAX   253 /* Application Protocol V1.1b3 §4.1 */
#define SIM_FRAME_MAX 260 /* Modbus TCP; an RTU frame has at most 256 */

enum sim_framing { SIM_FRAMING_TCP, SIM_FRAMING_RTU };

/**
 * struct sim_frame - one request
 * @pdu: function and data, @n_pdu bytes of the stream
 * @size: bytes of the whole frame
 */
struct sim_frame {
	uint16_t transaction; /* 0 in RTU */
	uint8_t unit;
	const uint8_t *pdu;
	size_t n_pdu;
	size_t size;
};

/**
 * sim_frame_take() - the request that a stream begins with
 * @silent: nothing has come for a while: in RTU, silence ends a frame
 *
 * Return: 1 it is there; 0 more bytes are needed, in RTU also where only silence can tell;
 *   -EBADMSG these bytes are no request: Modbus TCP's stream can no longer be trusted, RTU's
 *   bytes until the next silence are to be thrown away.
 */
int sim_frame_take(enum sim_framing framing, const uint8_t *bytes, size_t n, bool silent,
		   struct sim_frame *ret);

/**
 * sim_frame_put() - an answer
 * @request: to which it is the answer
 * @pdu: may be inside @ret
 * @ret: SIM_FRAME_MAX bytes
 * Return: bytes.
 */
size_t sim_frame_put(enum sim_framing framing, const struct sim_frame *request, const uint8_t *pdu,
		     size_t n_pdu, uint8_t *ret);

/** sim_frame_crc() - Serial Line V1.02 §6.2.2; goes out low byte first */
uint16_t sim_frame_crc(const uint8_t *bytes, size_t n);
