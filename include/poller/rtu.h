/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rtu.h - a Modbus RTU request as bytes, and the search for its answer in what came back
 *
 * The counterpart of answer.h for lines: no transaction number says what an answer belongs to,
 * and what comes may have anything before it. Takes bytes and gives a verdict. Never touches a
 * line, a clock or memory beyond what it is given. Bytes are hostile until ANSWER_GOOD.
 *
 * What is no answer to the question is skipped, and the wait goes on until the deadline, as the
 * serial guide has it (its figure "Master state diagram": a frame that is wrong or of another
 * unit does not end the wait): the echo of the request where a transceiver hears itself, whole
 * frames of other units, frames whose check fails, single bytes. A frame is never looked for
 * inside another whole one.
 *
 * Sources: MODBUS over Serial Line V1.02 §2.4.1, §2.5.1 and appendix B (CRC); MODBUS Application
 * Protocol V1.1b3 §6.1-6.4, §7.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "poller/answer.h"

#define RTU_REQUEST_BYTES 8   /* unit 1, function 1, address 2, count 2, CRC 2 */
#define RTU_FRAME_MAX	  256 /* unit 1, PDU 253, CRC 2 */
#define RTU_HEADER_BYTES  3   /* unit, function, byte count: the data of an answer follow */

/** rtu_crc() - CRC-16 of @n bytes; the low byte is sent first */
uint16_t rtu_crc(const uint8_t *bytes, size_t n);

/**
 * rtu_ask() - the request as a frame; the transaction has no place in it
 * @question: function 1-4, asserted: the plan was checked before
 */
void rtu_ask(const struct answer_question *question, uint8_t ret[static RTU_REQUEST_BYTES]);

/**
 * struct rtu_answer - verdict on the bytes seen so far
 * @verdict: ANSWER_GOOD and ANSWER_EXCEPTION are final. All others mean: wait on, and tell what
 *   has come until now. INCOMPLETE: nothing, or the beginning of an answer; FOREIGN: whole
 *   frames of other units or other requests, or two different answers, or the request of another
 *   master, so that none can be trusted; MALFORMED: bytes that are no frame
 * @at, @size: where the frame is, with GOOD and EXCEPTION
 * @exception: its code, with ANSWER_EXCEPTION
 */
struct rtu_answer {
	enum answer_verdict verdict;
	size_t at;
	size_t size;
	uint8_t exception;
};

/** rtu_check() - judge the first @n bytes that came after the request */
struct rtu_answer rtu_check(const struct answer_question *question, const uint8_t *bytes, size_t n);
