/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "poller/rtu.h"

#define EXCEPTION_BIT	0x80
#define EXCEPTION_BYTES 5 /* unit, function, code, CRC */
#define CRC_BYTES	2

/* remainders of x^16 + x^15 + x^2 + 1, bits reversed, for the values of half a byte */
static const uint16_t crc_table[16] = {
	0x0000, 0xcc01, 0xd801, 0x1400, 0xf001, 0x3c00, 0x2800, 0xe401,
	0xa001, 0x6c00, 0x7800, 0xb401, 0x5000, 0x9c01, 0x8801, 0x4400,
};

uint16_t rtu_crc(const uint8_t *bytes, size_t n)
{
	unsigned int crc = 0xffff;

	for (size_t i = 0; i < n; i++) {
		crc ^= bytes[i];
		crc = crc >> 4 ^ crc_table[crc & 15];
		crc = crc >> 4 ^ crc_table[crc & 15];
	}
	return (uint16_t)crc;
}

void rtu_ask(const struct answer_question *question, uint8_t ret[static RTU_REQUEST_BYTES])
{
	uint16_t crc;

	assert(answer_function_known(question->function));
	ret[0] = question->unit;
	ret[1] = question->function;
	ret[2] = (uint8_t)(question->address >> 8);
	ret[3] = (uint8_t)question->address;
	ret[4] = (uint8_t)(question->count >> 8);
	ret[5] = (uint8_t)question->count;
	crc = rtu_crc(ret, RTU_REQUEST_BYTES - CRC_BYTES);
	ret[6] = (uint8_t)crc;
	ret[7] = (uint8_t)(crc >> 8);
}

/* does a frame of @size bytes begin here, and is it there to its end? */
static bool is_frame(const uint8_t *bytes, size_t n, size_t size)
{
	uint16_t crc;

	if (n < size)
		return false;
	crc = rtu_crc(bytes, size - CRC_BYTES);
	return bytes[size - 2] == (uint8_t)crc && bytes[size - 1] == crc >> 8;
}

/* size of the frame with the answer or the refusal to @question that begins here; 0 none does */
static size_t size_of_answer(const struct answer_question *question, const uint8_t *bytes, size_t n)
{
	size_t size = RTU_HEADER_BYTES + answer_data_bytes(question) + CRC_BYTES;

	if (n < EXCEPTION_BYTES || bytes[0] != question->unit)
		return 0;
	if (bytes[1] == (question->function | EXCEPTION_BIT))
		return is_frame(bytes, n, EXCEPTION_BYTES) ? EXCEPTION_BYTES : 0;
	if (bytes[1] != question->function || bytes[2] != answer_data_bytes(question))
		return 0;
	return is_frame(bytes, n, size) ? size : 0;
}

/*
 * Size of any other whole frame that begins here, 0 none: answers and requests of the functions
 * that other masters and units may use. Whose it is does not matter.
 */
static size_t size_of_other(const uint8_t *bytes, size_t n)
{
	if (n < EXCEPTION_BYTES)
		return 0;
	if (bytes[1] & EXCEPTION_BIT)
		return is_frame(bytes, n, EXCEPTION_BYTES) ? EXCEPTION_BYTES : 0;
	if (answer_function_known(bytes[1])) {
		size_t size = (size_t)RTU_HEADER_BYTES + bytes[2] + CRC_BYTES;

		if (is_frame(bytes, n, size))
			return size;
	}
	/* of eight bytes: requests to read, writes of one item, answers to writes of many */
	if (bytes[1] > 6 && bytes[1] != 15 && bytes[1] != 16)
		return 0;
	return is_frame(bytes, n, RTU_REQUEST_BYTES) ? RTU_REQUEST_BYTES : 0;
}

/* may these last @n bytes, which are no whole frame, be the beginning of the answer? */
static bool may_begin(const struct answer_question *question, const uint8_t *bytes, size_t n)
{
	bool refusal = n > 1 && bytes[1] == (question->function | EXCEPTION_BIT);
	size_t size = refusal ? EXCEPTION_BYTES
			      : RTU_HEADER_BYTES + answer_data_bytes(question) + CRC_BYTES;

	return n < size && bytes[0] == question->unit &&
	       (n < 2 || refusal || bytes[1] == question->function) &&
	       (n < 3 || refusal || bytes[2] == answer_data_bytes(question));
}

/* may they be the beginning of the echo? */
static bool may_echo(const uint8_t *request, const uint8_t *bytes, size_t n)
{
	return memcmp(bytes, request, MIN(n, (size_t)RTU_REQUEST_BYTES)) == 0;
}

/* may this whole frame be somebody else's request, so that what comes may be its answer? */
static bool is_rival(const struct answer_question *question, const uint8_t *bytes, size_t size)
{
	return size == RTU_REQUEST_BYTES && bytes[0] == question->unit &&
	       bytes[1] == question->function;
}

/*
 * One pass over the bytes, frame by frame. @found: where the answer is; @doubt: it may be that
 * to another request, since there is a second one that differs, or another request.
 */
struct rtu_answer rtu_check(const struct answer_question *question, const uint8_t *bytes, size_t n)
{
	struct rtu_answer found = {.verdict = ANSWER_INCOMPLETE};
	uint8_t request[RTU_REQUEST_BYTES];
	bool noise = false, foreign = false, doubt = false;
	size_t at = 0, size;

	rtu_ask(question, request);
	for (; at < n; at += size) {
		const uint8_t *here = bytes + at;
		size_t left = n - at;

		size = RTU_REQUEST_BYTES;
		if (left >= size && may_echo(request, here, left))
			continue;
		size = size_of_answer(question, here, left);
		if (size > 0) {
			doubt |= found.size > 0 &&
				 (found.size != size || memcmp(bytes + found.at, here, size) != 0);
			if (found.size == 0)
				found = (struct rtu_answer){.at = at, .size = size};
			continue;
		}
		size = size_of_other(here, left);
		foreign |= size > 0;
		doubt |= is_rival(question, here, size);
		if (size > 0)
			continue;
		if (may_begin(question, here, left) || may_echo(request, here, left))
			break;
		noise = true;
		size = 1;
	}
	if (found.size == 0 || doubt) {
		found.verdict = noise		   ? ANSWER_MALFORMED
				: foreign || doubt ? ANSWER_FOREIGN
						   : ANSWER_INCOMPLETE;
		return found;
	}
	found.verdict = bytes[found.at + 1] & EXCEPTION_BIT ? ANSWER_EXCEPTION : ANSWER_GOOD;
	if (found.verdict == ANSWER_EXCEPTION)
		found.exception = bytes[found.at + 2];
	return found;
}
