/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "poller/answer.h"

static const struct answer_question two_registers = {
	.transaction = 0x1234, .address = 0x0102, .count = 2, .unit = 17, .function = 3};
static const struct answer_question ten_bits = {
	.transaction = 0x1234, .address = 0, .count = 10, .unit = 17, .function = 2};

static void asks_exactly(void **state)
{
	static const uint8_t expected[] = {0x12, 0x34, 0, 0, 0, 6, 17, 3, 1, 2, 0, 2};
	uint8_t frame[ANSWER_REQUEST_BYTES];

	(void)state;
	answer_ask(&two_registers, frame);
	assert_memory_equal(frame, expected, sizeof(expected));
}

static void knows_reading_functions_only(void **state)
{
	(void)state;
	for (unsigned int f = 0; f < 256; f++)
		assert_int_equal(answer_function_known((uint8_t)f), f >= 1 && f <= 4);
	assert_int_equal(answer_count_max(1), 2000);
	assert_int_equal(answer_count_max(4), 125);
	assert_int_equal(answer_count_max(5), 0);
}

#define BYTES(...) {__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__})

/* reliability: drip, noise, wrong identity, wrong length, exceptions, doubled answers */
static const struct row {
	const char *what;
	uint8_t bytes[40];
	size_t n;
	enum answer_verdict verdict;
	size_t size;
	unsigned int exception;
} rows[] = {
	{"right", BYTES(0x12, 0x34, 0, 0, 0, 7, 17, 3, 4, 1, 2, 3, 4), ANSWER_GOOD, 13, 0},
	{"two answers in one segment",
	 BYTES(0x12, 0x34, 0, 0, 0, 7, 17, 3, 4, 1, 2, 3, 4, 0x12, 0x34, 0, 0, 0, 7, 17),
	 ANSWER_GOOD, 13, 0},
	{"noise, all ones", BYTES(255, 255, 255, 255, 255, 255, 255, 255, 255), ANSWER_MALFORMED, 0,
	 0},
	{"HTTP", BYTES('H', 'T', 'T', 'P', '/', '1', '.', '1', ' '), ANSWER_MALFORMED, 0, 0},
	{"noise, first byte only", BYTES('H'), ANSWER_FOREIGN, 0, 0},
	{"protocol 1", BYTES(0x12, 0x34, 0, 1, 0, 7, 17, 3, 4, 1, 2, 3, 4), ANSWER_MALFORMED, 0, 0},
	{"protocol, first byte", BYTES(0x12, 0x34, 1), ANSWER_MALFORMED, 0, 0},
	{"answer to the request before", BYTES(0x12, 0x33, 0, 0, 0, 7, 17, 3, 4, 1, 2, 3, 4),
	 ANSWER_FOREIGN, 0, 0},
	{"transaction, second byte", BYTES(0x12, 0x35), ANSWER_FOREIGN, 0, 0},
	{"transaction in the other order", BYTES(0x34, 0x12, 0, 0, 0, 7, 17, 3, 4, 1, 2, 3, 4),
	 ANSWER_FOREIGN, 0, 0},
	{"other unit", BYTES(0x12, 0x34, 0, 0, 0, 7, 16, 3, 4, 1, 2, 3, 4), ANSWER_FOREIGN, 0, 0},
	{"other function", BYTES(0x12, 0x34, 0, 0, 0, 7, 17, 4, 4, 1, 2, 3, 4), ANSWER_FOREIGN, 0,
	 0},
	{"exception of another function", BYTES(0x12, 0x34, 0, 0, 0, 3, 17, 0x84, 2),
	 ANSWER_FOREIGN, 0, 0},
	{"a write", BYTES(0x12, 0x34, 0, 0, 0, 6, 17, 6, 0, 1, 0, 2), ANSWER_MALFORMED, 0, 0},
	{"length 0", BYTES(0x12, 0x34, 0, 0, 0, 0), ANSWER_MALFORMED, 0, 0},
	{"length 1", BYTES(0x12, 0x34, 0, 0, 0, 1), ANSWER_MALFORMED, 0, 0},
	{"length 65535", BYTES(0x12, 0x34, 0, 0, 255), ANSWER_MALFORMED, 0, 0},
	{"length one less", BYTES(0x12, 0x34, 0, 0, 0, 6, 17, 3, 4, 1, 2, 3), ANSWER_MALFORMED, 0,
	 0},
	{"length one more", BYTES(0x12, 0x34, 0, 0, 0, 8, 17, 3, 4, 1, 2, 3, 4, 5),
	 ANSWER_MALFORMED, 0, 0},
	{"length of an exception, function of data", BYTES(0x12, 0x34, 0, 0, 0, 3, 17, 3, 4),
	 ANSWER_MALFORMED, 0, 0},
	{"length of data, function of an exception",
	 BYTES(0x12, 0x34, 0, 0, 0, 7, 17, 0x83, 2, 0, 0, 0, 0), ANSWER_MALFORMED, 0, 0},
	{"byte count odd", BYTES(0x12, 0x34, 0, 0, 0, 7, 17, 3, 3, 1, 2, 3, 4), ANSWER_MALFORMED, 0,
	 0},
	{"byte count 0", BYTES(0x12, 0x34, 0, 0, 0, 7, 17, 3, 0), ANSWER_MALFORMED, 0, 0},
	{"byte count 255", BYTES(0x12, 0x34, 0, 0, 0, 7, 17, 3, 255), ANSWER_MALFORMED, 0, 0},
	{"fewer registers than asked", BYTES(0x12, 0x34, 0, 0, 0, 5, 17, 3, 2, 1, 2),
	 ANSWER_MALFORMED, 0, 0},
	{"exception 2", BYTES(0x12, 0x34, 0, 0, 0, 3, 17, 0x83, 2), ANSWER_EXCEPTION, 9, 2},
	{"exception 0, unknown", BYTES(0x12, 0x34, 0, 0, 0, 3, 17, 0x83, 0), ANSWER_EXCEPTION, 9,
	 0},
	{"exception 255, unknown", BYTES(0x12, 0x34, 0, 0, 0, 3, 17, 0x83, 255), ANSWER_EXCEPTION,
	 9, 255},
	{"exception and more bytes", BYTES(0x12, 0x34, 0, 0, 0, 3, 17, 0x83, 11, 9),
	 ANSWER_EXCEPTION, 9, 11},
};

/* a copy of exactly @n bytes on the heap: the sanitizer sees any look beyond them */
static struct answer check_copy(const struct answer_question *question, const uint8_t *bytes,
				size_t n)
{
	uint8_t *copy = malloc(n > 0 ? n : 1);
	struct answer answer;

	assert_non_null(copy);
	memcpy(copy, bytes, n);
	answer = answer_check(question, copy, n);
	free(copy);
	return answer;
}

/* faults: M7 */
static void judges_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct answer answer = check_copy(&two_registers, rows[i].bytes, rows[i].n);

		if (answer.verdict != rows[i].verdict || answer.size != rows[i].size ||
		    answer.exception != rows[i].exception)
			fail_msg("%s: verdict %d, size %zu, exception %u", rows[i].what,
				 (int)answer.verdict, answer.size, answer.exception);
	}
}

/* every prefix of a right answer is incomplete, and what is said to be missing is enough */
static void waits_for_the_rest(void **state)
{
	static const char *const whats[] = {"right", "exception 2"};

	(void)state;
	for (size_t w = 0; w < ARRAY_SIZE(whats); w++)
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			if (strcmp(rows[i].what, whats[w]) != 0)
				continue;
			for (size_t n = 0; n < rows[i].n; n++) {
				struct answer answer = check_copy(&two_registers, rows[i].bytes, n);

				assert_int_equal(answer.verdict, ANSWER_INCOMPLETE);
				assert_in_range(answer.missing, 1, rows[i].n - n);
				assert_int_equal(answer.size, 0);
			}
		}
}

/* what is wrong in the whole is never good in a part, and once wrong it stays wrong */
static void never_changes_its_mind(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool wrong = false;

		for (size_t n = 0; n <= rows[i].n; n++) {
			enum answer_verdict verdict = check_copy(&two_registers, rows[i].bytes, n)
							      .verdict;
			bool is_wrong = verdict == ANSWER_MALFORMED || verdict == ANSWER_FOREIGN;

			assert_false(wrong && !is_wrong);
			wrong = is_wrong;
		}
		assert_int_equal(wrong, rows[i].verdict == ANSWER_MALFORMED ||
						rows[i].verdict == ANSWER_FOREIGN);
	}
}

/* one bit changed anywhere in the header, function or byte count is never taken as right
 * faults: M7 */
static void no_flipped_bit_passes(void **state)
{
	(void)state;
	for (size_t bit = 0; bit < 9 * 8; bit++) {
		uint8_t bytes[13];

		memcpy(bytes, rows[0].bytes, sizeof(bytes));
		bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
		assert_int_not_equal(answer_check(&two_registers, bytes, 13).verdict, ANSWER_GOOD);
	}
}

/* longest answers of each function fit the frame and are right; random bytes never crash */
static void takes_the_longest(void **state)
{
	(void)state;
	for (uint8_t function = 1; function <= 4; function++) {
		struct answer_question question = {.count = answer_count_max(function),
						   .function = function};
		uint8_t frame[ANSWER_FRAME_MAX] = {0};
		uint16_t words[WIRE_REGISTERS_MAX];
		uint8_t n_bytes = 250;

		frame[5] = (uint8_t)(n_bytes + 3);
		frame[7] = function;
		frame[8] = n_bytes;
		assert_int_equal(check_copy(&question, frame, 9U + n_bytes).size, 9U + n_bytes);
		assert_int_equal(answer_n_words(&question), 125);
		answer_words(&question, frame, words);
	}
}

/* faults: M3 */
static void survives_noise(void **state)
{
	uint64_t x = 42;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		uint8_t bytes[16];

		memcpy(bytes, rows[0].bytes, sizeof(bytes));
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		bytes[x % 9] = (uint8_t)(x >> 32);
		(void)check_copy(&ten_bits, bytes, (x >> 16) % 17);
	}
}

static void unpacks_registers_and_bits(void **state)
{
	static const uint8_t registers[] = {0, 0, 0, 0, 0, 7, 17, 3, 4, 0x12, 0x34, 0xff, 0xfe};
	/* the device pads with ones: bits 10-15 are not ours */
	static const uint8_t bits[] = {0x12, 0x34, 0, 0, 0, 5, 17, 2, 2, 0x81, 0xfe};
	struct answer_question many = ten_bits;
	static const uint8_t more_bits[] = {0, 0, 0, 0, 0, 6, 17, 2, 3, 0x01, 0x80, 0xff};
	uint16_t words[2];

	(void)state;
	answer_words(&two_registers, registers, words);
	assert_int_equal(words[0], 0x1234);
	assert_int_equal(words[1], 0xfffe);
	assert_int_equal(answer_check(&ten_bits, bits, sizeof(bits)).verdict, ANSWER_GOOD);
	assert_int_equal(answer_n_words(&ten_bits), 1);
	answer_words(&ten_bits, bits, words);
	assert_int_equal(words[0], 0x0281);
	many.count = 17;
	assert_int_equal(answer_n_words(&many), 2);
	answer_words(&many, more_bits, words);
	assert_int_equal(words[0], 0x8001);
	assert_int_equal(words[1], 0x0001);
	many.count = 16;
	answer_words(&many, more_bits, words);
	assert_int_equal(words[0], 0x8001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_exactly),
		cmocka_unit_test(knows_reading_functions_only),
		cmocka_unit_test(judges_rows),
		cmocka_unit_test(waits_for_the_rest),
		cmocka_unit_test(never_changes_its_mind),
		cmocka_unit_test(no_flipped_bit_passes),
		cmocka_unit_test(takes_the_longest),
		cmocka_unit_test(survives_noise),
		cmocka_unit_test(unpacks_registers_and_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
