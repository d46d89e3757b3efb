/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of a device: six choose the question, the others came back. The verdict reads none
 * beyond them and does not change when the same bytes come in two parts.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "poller/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static struct answer_question question_of(const uint8_t *bytes)
{
	struct answer_question question = {
		.transaction = (uint16_t)(bytes[0] << 8 | bytes[1]),
		.unit = bytes[2],
		.function = (uint8_t)(1 + bytes[3] % 4),
	};
	unsigned int count = (unsigned int)(bytes[4] << 8 | bytes[5]);

	question.count = (uint16_t)(1 + count % answer_count_max(question.function));
	return question;
}

static struct answer check(const struct answer_question *question, const uint8_t *data, size_t n)
{
	uint8_t *bytes = malloc(n + (n == 0));
	struct answer answer = {.verdict = ANSWER_MALFORMED};

	if (!bytes)
		abort();
	memcpy(bytes, data, n);
	answer = answer_check(question, bytes, n);
	free(bytes);
	return answer;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct answer_question question;
	uint16_t words[WIRE_REGISTERS_MAX];
	struct answer answer, part;

	if (n < 6)
		return 0;
	question = question_of(data);
	data += 6;
	n -= 6;
	answer = check(&question, data, n);
	if (answer.verdict == ANSWER_INCOMPLETE)
		assert(answer.missing > 0 && n + answer.missing <= ANSWER_FRAME_MAX);
	if (answer.verdict == ANSWER_GOOD) {
		assert(answer.size <= n && answer_n_words(&question) <= WIRE_REGISTERS_MAX);
		answer_words(&question, data, words);
	}
	for (size_t i = 0; i < n && i < ANSWER_FRAME_MAX; i++) {
		part = check(&question, data, i);
		if (part.verdict != ANSWER_INCOMPLETE) {
			/* it may be refused for another reason now, but stays refused */
			if (part.verdict == ANSWER_GOOD || part.verdict == ANSWER_EXCEPTION)
				assert(part.verdict == answer.verdict && part.size == answer.size &&
				       part.exception == answer.exception);
			else
				assert(answer.verdict == ANSWER_MALFORMED ||
				       answer.verdict == ANSWER_FOREIGN);
			break;
		}
		/* a frame that is whole only now was not promised to be whole sooner */
		assert(answer.verdict == ANSWER_INCOMPLETE || answer.verdict == ANSWER_MALFORMED ||
		       answer.verdict == ANSWER_FOREIGN || i + part.missing <= answer.size);
	}
	return 0;
}
