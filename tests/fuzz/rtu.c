/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of a line: six choose the question, the others came back. The verdict reads none beyond
 * them; a frame that is found is right by a check of its own, and with fewer bytes no other one
 * was found before it.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "poller/rtu.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct answer_question question_of(const uint8_t *bytes)
{
	struct answer_question question = {
		.unit = (uint8_t)(1 + bytes[0] % 247),
		.function = (uint8_t)(1 + bytes[1] % 4),
		.address = (uint16_t)(bytes[2] << 8 | bytes[3]),
	};
	unsigned int count = (unsigned int)(bytes[4] << 8 | bytes[5]);

	question.count = (uint16_t)(1 + count % answer_count_max(question.function));
	return question;
}

static struct rtu_answer check(const struct answer_question *question, const uint8_t *data,
			       size_t n)
{
	uint8_t *bytes = malloc(n + (n == 0));
	struct rtu_answer answer;

	if (!bytes)
		abort();
	memcpy(bytes, data, n);
	answer = rtu_check(question, bytes, n);
	free(bytes);
	return answer;
}

/* bit by bit, as the guide describes it */
static uint16_t slow_crc(const uint8_t *bytes, size_t n)
{
	unsigned int crc = 0xffff;

	for (size_t i = 0; i < n * 8; i++) {
		crc ^= (unsigned int)(bytes[i / 8] >> i % 8 & 1);
		crc = crc >> 1 ^ (crc & 1) * 0xa001;
	}
	return (uint16_t)crc;
}

static void check_found(const struct answer_question *question, const uint8_t *frame,
			const struct rtu_answer *answer)
{
	uint16_t words[WIRE_REGISTERS_MAX];
	size_t n = answer->size;

	assert(frame[0] == question->unit);
	assert((frame[n - 2] | frame[n - 1] << 8) == slow_crc(frame, n - 2));
	if (answer->verdict == ANSWER_EXCEPTION) {
		assert(n == 5 && frame[1] == (question->function | 0x80));
		assert(answer->exception == frame[2]);
		return;
	}
	assert(frame[1] == question->function && frame[2] == answer_data_bytes(question));
	assert(n == 5 + answer_data_bytes(question) && n <= RTU_FRAME_MAX);
	answer_unpack(question, frame + RTU_HEADER_BYTES, words);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct answer_question question;
	struct rtu_answer answer, part;

	if (n < 6)
		return 0;
	question = question_of(data);
	data += 6;
	n = MIN(n - 6, (size_t)1024);
	answer = check(&question, data, n);
	if (answer.verdict == ANSWER_GOOD || answer.verdict == ANSWER_EXCEPTION) {
		assert(answer.at + answer.size <= n);
		check_found(&question, data + answer.at, &answer);
	}
	if (answer.verdict == ANSWER_GOOD) {
		part = check(&question, data, answer.at + answer.size);
		assert(part.verdict != ANSWER_EXCEPTION);
		assert(part.verdict != ANSWER_GOOD || part.at == answer.at);
		part = check(&question, data, answer.at + answer.size - 1);
		assert(part.verdict != ANSWER_GOOD && part.verdict != ANSWER_EXCEPTION);
	}
	return 0;
}
