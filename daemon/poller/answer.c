/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "poller/answer.h"

#define EXCEPTION_BIT	 0x80
#define EXCEPTION_LENGTH 3 /* MBAP length of an exception: unit, function, code */
#define SHORTEST_FRAME	 9 /* an exception; a good answer has at least ten bytes */

/* the only functions that exist here, V1.1b3 §6.1-6.4; all of them read */
static const uint16_t count_max[] = {
	[1] = WIRE_BITS_MAX,	  /* coils */
	[2] = WIRE_BITS_MAX,	  /* discrete inputs */
	[3] = WIRE_REGISTERS_MAX, /* holding registers */
	[4] = WIRE_REGISTERS_MAX, /* input registers */
};

_Static_assert((WIRE_BITS_MAX + 15) / 16 <= WIRE_REGISTERS_MAX, "bits fit where registers do");

uint16_t answer_count_max(uint8_t function)
{
	return function < ARRAY_SIZE(count_max) ? count_max[function] : 0;
}

bool answer_function_known(uint8_t function)
{
	return answer_count_max(function) > 0;
}

static bool asks_bits(const struct answer_question *question)
{
	return question->function <= 2;
}

size_t answer_data_bytes(const struct answer_question *question)
{
	return asks_bits(question) ? (question->count + 7U) / 8 : question->count * 2U;
}

static void put16(uint8_t *at, unsigned int value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static unsigned int get16(const uint8_t *at)
{
	return (unsigned int)at[0] << 8 | at[1];
}

void answer_ask(const struct answer_question *question, uint8_t ret[static ANSWER_REQUEST_BYTES])
{
	assert(answer_function_known(question->function));
	put16(ret, question->transaction);
	put16(ret + 2, 0); /* protocol: Modbus */
	put16(ret + 4, ANSWER_REQUEST_BYTES - 6);
	ret[6] = question->unit;
	ret[7] = question->function;
	put16(ret + 8, question->address);
	put16(ret + 10, question->count);
}

/* what the header must hold at each of its bytes, for an answer with MBAP length @length */
static void expect_header(const struct answer_question *question, size_t length,
			  uint8_t ret[static ANSWER_HEADER_BYTES])
{
	put16(ret, question->transaction);
	put16(ret + 2, 0);
	put16(ret + 4, (unsigned int)length);
	ret[6] = question->unit;
}

/*
 * Protocol before transaction: noise should be called noise. Where the bytes end inside a
 * field, the part that is there decides.
 */
static enum answer_verdict check_header(const struct answer_question *question,
					const uint8_t *bytes, size_t n)
{
	uint8_t good[ANSWER_HEADER_BYTES], refusal[ANSWER_HEADER_BYTES];
	size_t in_length = n > 4 ? MIN(n - 4, (size_t)2) : 0;

	expect_header(question, 3 + answer_data_bytes(question), good);
	expect_header(question, EXCEPTION_LENGTH, refusal);
	if (n > 2 && memcmp(bytes + 2, good + 2, MIN(n - 2, (size_t)2)) != 0)
		return ANSWER_MALFORMED;
	if (memcmp(bytes, good, MIN(n, (size_t)2)) != 0)
		return ANSWER_FOREIGN;
	if (memcmp(bytes + 4, good + 4, in_length) != 0 &&
	    memcmp(bytes + 4, refusal + 4, in_length) != 0)
		return ANSWER_MALFORMED;
	if (n > 6 && bytes[6] != question->unit)
		return ANSWER_FOREIGN;
	return ANSWER_GOOD;
}

/* function and length must belong together; both are known to be possible on their own */
static enum answer_verdict check_function(const struct answer_question *question,
					  const uint8_t *bytes)
{
	bool refusal = bytes[7] == (question->function | EXCEPTION_BIT);

	if (!refusal && bytes[7] != question->function)
		return ANSWER_FOREIGN;
	if (refusal != (get16(bytes + 4) == EXCEPTION_LENGTH))
		return ANSWER_MALFORMED;
	return refusal ? ANSWER_EXCEPTION : ANSWER_GOOD;
}

struct answer answer_check(const struct answer_question *question, const uint8_t *bytes, size_t n)
{
	struct answer answer = {.verdict = n > 0 ? check_header(question, bytes, n) : ANSWER_GOOD};
	size_t size = ANSWER_HEADER_BYTES + 2 + answer_data_bytes(question);

	if (answer.verdict == ANSWER_GOOD && n > ANSWER_HEADER_BYTES)
		answer.verdict = check_function(question, bytes);
	if (answer.verdict == ANSWER_EXCEPTION)
		size = SHORTEST_FRAME;
	else if (answer.verdict != ANSWER_GOOD)
		return answer;
	else if (n > 8 && bytes[8] != answer_data_bytes(question))
		return (struct answer){.verdict = ANSWER_MALFORMED};
	if (n < 8) /* whether it is a refusal is known with the function only */
		size = SHORTEST_FRAME;
	if (n < size)
		return (struct answer){.verdict = ANSWER_INCOMPLETE, .missing = size - n};
	answer.size = size;
	if (answer.verdict == ANSWER_EXCEPTION)
		answer.exception = bytes[8];
	return answer;
}

uint16_t answer_n_words(const struct answer_question *question)
{
	return asks_bits(question) ? (uint16_t)((question->count + 15U) / 16) : question->count;
}

/* Bits beyond the last one asked for are the device's padding: they are cleared. */
static void unpack_bits(const struct answer_question *question, const uint8_t *data, uint16_t *ret)
{
	size_t n_bytes = answer_data_bytes(question);
	unsigned int rest = question->count % 16;

	memset(ret, 0, answer_n_words(question) * sizeof(*ret));
	for (size_t i = 0; i < n_bytes; i++)
		ret[i / 2] = (uint16_t)(ret[i / 2] | data[i] << (i % 2 * 8));
	if (rest > 0)
		ret[question->count / 16] &= (uint16_t)((1U << rest) - 1);
}

void answer_words(const struct answer_question *question, const uint8_t *frame, uint16_t *ret)
{
	answer_unpack(question, frame + ANSWER_HEADER_BYTES + 2, ret);
}

void answer_unpack(const struct answer_question *question, const uint8_t *data, uint16_t *ret)
{
	if (asks_bits(question)) {
		unpack_bits(question, data, ret);
		return;
	}
	for (size_t i = 0; i < question->count; i++)
		ret[i] = (uint16_t)get16(data + i * 2);
}
