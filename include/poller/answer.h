/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answer.h - a Modbus TCP request as bytes, and the check of what came back
 *
 * Takes bytes and gives a verdict. Never touches a socket, a clock or memory beyond what it
 * is given. Bytes of an answer come from a device and are hostile until ANSWER_GOOD.
 *
 * Sources: MODBUS Application Protocol V1.1b3 §4.1, §6.1-6.4, §7; MODBUS Messaging on
 * TCP/IP Implementation Guide V1.0b §3.1.3 (the seven bytes of the MBAP header).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/wire.h"

#define ANSWER_HEADER_BYTES  7	 /* transaction 2, protocol 2, length 2, unit 1 */
#define ANSWER_REQUEST_BYTES 12	 /* header, function 1, address 2, count 2 */
#define ANSWER_FRAME_MAX     260 /* header 7 and 253 of PDU */

/* exceptions that a gateway gives in place of a silent unit (V1.1b3 §7) */
#define ANSWER_NO_PATH	 10
#define ANSWER_NO_TARGET 11

/**
 * struct answer_question - what was asked
 * @transaction: chosen by us; unlike that of every request shortly before
 * @function: 1-4
 * @count: registers (3, 4) or bits (1, 2); at least 1
 */
struct answer_question {
	uint16_t transaction;
	uint16_t address;
	uint16_t count;
	uint8_t unit;
	uint8_t function;
};

enum answer_verdict {
	ANSWER_INCOMPLETE, /* right so far, more bytes must come */
	ANSWER_GOOD,
	ANSWER_EXCEPTION, /* well-formed, from the right unit: it says no */
	ANSWER_MALFORMED, /* protocol, length or byte count is wrong */
	ANSWER_FOREIGN,	  /* transaction, unit or function of another request */
};

/**
 * struct answer - verdict on the bytes seen so far
 * @size: bytes of the whole frame, once the verdict is good or exception
 * @missing: least number of bytes that must still come, while incomplete
 * @exception: its code, with ANSWER_EXCEPTION
 */
struct answer {
	enum answer_verdict verdict;
	size_t size;
	size_t missing;
	uint8_t exception;
};

/** answer_function_known() - 1-4: nothing else is ever sent */
bool answer_function_known(uint8_t function);

/** answer_count_max() - longest read of @function: 2000 bits or 125 registers; 0 unknown */
uint16_t answer_count_max(uint8_t function);

/**
 * answer_ask() - the request as a frame
 * @question: function 1-4, asserted: the plan was checked before
 */
void answer_ask(const struct answer_question *question, uint8_t ret[static ANSWER_REQUEST_BYTES]);

/**
 * answer_check() - judge the first @n bytes that came after the request
 *
 * Says as early as the bytes allow that an answer can never become right. Looks at no byte
 * beyond the frame: bytes after @size were asked for by nobody, and what to do about them is
 * the caller's matter.
 */
struct answer answer_check(const struct answer_question *question, const uint8_t *bytes, size_t n);

/**
 * answer_words() - registers of a good answer in host byte order; bits packed 16 to a word,
 *   the first in the lowest bit
 * @frame: ANSWER_GOOD for @question
 * @ret: room for answer_n_words() words
 */
void answer_words(const struct answer_question *question, const uint8_t *frame, uint16_t *ret);

/** answer_unpack() - the same, from the @data bytes alone, which every kind of frame has */
void answer_unpack(const struct answer_question *question, const uint8_t *data, uint16_t *ret);

/** answer_data_bytes() - bytes of data in a good answer, 1-250 */
size_t answer_data_bytes(const struct answer_question *question);

/** answer_n_words() - words that a good answer has, at most WIRE_REGISTERS_MAX */
uint16_t answer_n_words(const struct answer_question *question);
