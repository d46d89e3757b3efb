/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "poller/rtu.h"

/* unit 17, registers 107-109: the example of V1.1b3 §6.3 */
static const struct answer_question three = {.unit = 17, .function = 3, .address = 107, .count = 3};
static const struct answer_question coils = {.unit = 17, .function = 1, .address = 19, .count = 19};

/* hex digits with blanks; "~" puts the CRC of what came since the last "~" or "|" */
static size_t bytes_of(const char *text, uint8_t *ret)
{
	size_t n = 0, from = 0;
	unsigned int byte;

	for (; *text; text++) {
		if (*text == ' ')
			continue;
		if (*text == '|') {
			from = n;
		} else if (*text == '~') {
			uint16_t crc = rtu_crc(ret + from, n - from);

			ret[n++] = (uint8_t)crc;
			ret[n++] = (uint8_t)(crc >> 8);
			from = n;
		} else {
			assert_int_equal(sscanf(text, "%2x", &byte), 1);
			ret[n++] = (uint8_t)byte;
			text++;
		}
	}
	return n;
}

/* in memory of just that size, so that reading beyond it is noticed by sanitizers */
static struct rtu_answer check(const struct answer_question *question, const uint8_t *bytes,
			       size_t n)
{
	uint8_t *copy = malloc(n + (n == 0));
	struct rtu_answer answer;

	assert_non_null(copy);
	memcpy(copy, bytes, n);
	answer = rtu_check(question, copy, n);
	free(copy);
	return answer;
}

/* CRC of published frames: V1.02 appendix B has 0x1241 for 02 07, sent 41 12 */
static void crc_is_that_of_the_guide(void **state)
{
	static const uint8_t guide[] = {0x02, 0x07};
	static const uint8_t check_string[] = "123456789"; /* CRC-16/MODBUS: 4B37 */
	uint8_t frame[RTU_REQUEST_BYTES];

	(void)state;
	assert_int_equal(rtu_crc(guide, 2), 0x1241);
	assert_int_equal(rtu_crc(check_string, 9), 0x4b37);
	assert_int_equal(rtu_crc(NULL, 0), 0xffff);
	rtu_ask(&three, frame);
	assert_memory_equal(frame, "\x11\x03\x00\x6b\x00\x03\x76\x87", sizeof(frame));
}

struct row {
	const struct answer_question *question;
	const char *bytes;
	enum answer_verdict verdict;
	size_t at;
	size_t size;
};

static const struct row rows[] = {
	/* nothing, beginnings */
	{&three, "", ANSWER_INCOMPLETE, 0, 0},
	{&three, "11", ANSWER_INCOMPLETE, 0, 0},
	{&three, "11 03", ANSWER_INCOMPLETE, 0, 0},
	{&three, "11 03 06 02 2b 00 00 00 64 c8", ANSWER_INCOMPLETE, 0, 0},
	{&three, "11 83", ANSWER_INCOMPLETE, 0, 0},
	{&three, "11 83 02 00", ANSWER_INCOMPLETE, 0, 0},
	/* whole ones */
	{&three, "11 03 06 02 2b 00 00 00 64~", ANSWER_GOOD, 0, 11},
	{&coils, "11 01 03 cd 6b 05~", ANSWER_GOOD, 0, 8},
	{&three, "11 83 02~", ANSWER_EXCEPTION, 0, 5},
	{&three, "11 83 ff~", ANSWER_EXCEPTION, 0, 5},
	/* bad CRC: in either byte, in the frame; of an exception */
	{&three, "11 03 06 02 2b 00 00 00 64 c8 bb", ANSWER_MALFORMED, 0, 0},
	{&three, "11 03 06 02 2b 00 00 00 64 c9 ba", ANSWER_MALFORMED, 0, 0},
	{&three, "11 03 06 02 2b 01 00 00 64 c8 ba", ANSWER_MALFORMED, 0, 0},
	{&three, "11 83 02 c1 35", ANSWER_MALFORMED, 0, 0},
	/* and the right one behind it */
	{&three, "11 03 06 02 2b 01 00 00 64 c8 ba | 11 03 06 02 2b 00 00 00 64~", ANSWER_GOOD, 11,
	 11},
	/* of another unit, function, length: whole frames, skipped */
	{&three, "12 03 06 02 2b 00 00 00 64~", ANSWER_FOREIGN, 0, 0},
	{&three, "11 04 06 02 2b 00 00 00 64~", ANSWER_FOREIGN, 0, 0},
	{&three, "11 03 04 02 2b 00 00~", ANSWER_FOREIGN, 0, 0},
	{&three, "12 83 02~", ANSWER_FOREIGN, 0, 0},
	{&three, "11 84 02~", ANSWER_FOREIGN, 0, 0},
	{&three, "11 03 00 00 00 03~", ANSWER_FOREIGN, 0, 0}, /* a request, not ours */
	{&three, "12 03 04 02 2b 00 00~ 11 03 06 02 2b 00 00 00 64~", ANSWER_GOOD, 9, 11},
	/* our frame inside another one is none: a logger that hands on what it heard */
	{&three, "12 03 0c | 11 03 06 02 2b 00 00 00 64~ 00 12 34", ANSWER_GOOD, 3, 11},
	/* the echo, whole, in part, before answers, before nothing */
	{&three, "11 03 00 6b 00 03 76 87", ANSWER_INCOMPLETE, 0, 0},
	{&three, "11 03 00 6b", ANSWER_INCOMPLETE, 0, 0},
	{&three, "11 03 00 6b 00 03 76 87 | 11 03 06 02 2b 00 00 00 64~", ANSWER_GOOD, 8, 11},
	{&three, "11 03 00 6b 00 03 76 87 | 11 83 02~", ANSWER_EXCEPTION, 8, 5},
	/* noise before, after; at a wrong rate; ours begins twice */
	{&three, "00 ff | 11 03 06 02 2b 00 00 00 64~", ANSWER_GOOD, 2, 11},
	{&three, "11 | 11 03 06 02 2b 00 00 00 64~", ANSWER_GOOD, 1, 11},
	{&three, "11 03 | 11 03 06 02 2b 00 00 00 64~", ANSWER_GOOD, 2, 11},
	{&three, "11 03 06 02 2b 00 00 00 64~ 00", ANSWER_GOOD, 0, 11},
	{&three, "00", ANSWER_MALFORMED, 0, 0},
	{&three, "00 00 00 00 00 00 00 00 00 00 00 00 00", ANSWER_MALFORMED, 0, 0},
	{&three, "f8 e0 fe 00 f8 1e f8", ANSWER_MALFORMED, 0, 0},
	{&three, "00 11 03 06 02", ANSWER_MALFORMED, 0, 0}, /* and may still become one */
	/* twice the same; two that differ: one of them is late, and nothing tells which */
	{&three, "11 03 06 02 2b 00 00 00 64~ 11 03 06 02 2b 00 00 00 64~", ANSWER_GOOD, 0, 11},
	{&three, "11 03 06 02 2b 00 00 00 65~ 11 03 06 02 2b 00 00 00 64~", ANSWER_FOREIGN, 0, 11},
	/* another master asked the same unit */
	{&three, "11 03 01 f4 00 03~ 11 03 06 02 2b 00 00 00 64~", ANSWER_FOREIGN, 0, 0},
	{&three, "11 03 06 02 2b 00 00 00 64~ 11 03 01 f4 00 03~", ANSWER_FOREIGN, 0, 0},
	{&three, "12 03 01 f4 00 03~ 11 03 06 02 2b 00 00 00 64~", ANSWER_GOOD, 8, 11},
	{&three, "11 83 02~ 11 03 06 02 2b 00 00 00 64~", ANSWER_FOREIGN, 0, 5},
};

/* faults: U1 */
static void verdicts(void **state)
{
	uint8_t bytes[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t n = bytes_of(rows[i].bytes, bytes);
		struct rtu_answer answer = check(rows[i].question, bytes, n);
		bool found = answer.verdict == ANSWER_GOOD || answer.verdict == ANSWER_EXCEPTION;

		if (answer.verdict != rows[i].verdict ||
		    (found && (answer.at != rows[i].at || answer.size != rows[i].size)))
			fail_msg("\"%s\": verdict %d at %zu, %zu bytes", rows[i].bytes,
				 (int)answer.verdict, answer.at, answer.size);
		if (answer.verdict == ANSWER_EXCEPTION)
			assert_int_equal(answer.exception, bytes[answer.at + 2]);
	}
}

/* a frame inside a whole one of another unit is data */
static void does_not_look_inside_frames(void **state)
{
	uint8_t bytes[64] = {0x12, 0x03, 11};
	size_t n = 3;

	(void)state;
	n += bytes_of("11 03 06 02 2b 00 00 00 64~", bytes + n);
	bytes[n] = (uint8_t)rtu_crc(bytes, n);
	bytes[n + 1] = (uint8_t)(rtu_crc(bytes, n) >> 8);
	assert_int_equal(check(&three, bytes, n + 2).verdict, ANSWER_FOREIGN);
}

/* bytes come one by one: never a verdict too soon, and the right one at the last byte */
static void byte_by_byte(void **state)
{
	uint8_t bytes[300];

	(void)state;
	for (uint16_t count = 1; count <= WIRE_REGISTERS_MAX; count++) {
		struct answer_question question = {.unit = 1, .function = 4, .count = count};
		size_t n = RTU_HEADER_BYTES + count * 2U;
		uint16_t words[WIRE_REGISTERS_MAX];

		memset(bytes, 0x11, sizeof(bytes));
		bytes[0] = 1;
		bytes[1] = 4;
		bytes[2] = (uint8_t)(count * 2);
		bytes[n] = (uint8_t)rtu_crc(bytes, n);
		bytes[n + 1] = (uint8_t)(rtu_crc(bytes, n) >> 8);
		for (size_t i = 0; i < n + 2; i++)
			assert_int_equal(check(&question, bytes, i).verdict, ANSWER_INCOMPLETE);
		assert_int_equal(check(&question, bytes, n + 2).verdict, ANSWER_GOOD);
		answer_unpack(&question, bytes + RTU_HEADER_BYTES, words);
		assert_int_equal(words[count - 1], 0x1111);
	}
}

/* an exception that comes to the echo of a request whose address looks like a byte count
 * faults: U1 */
static void echo_that_looks_like_an_answer(void **state)
{
	struct answer_question question = {.unit = 3, .function = 3, .count = 1};
	uint8_t frame[RTU_REQUEST_BYTES];
	unsigned int n_alike = 0;

	(void)state;
	/* address 0x02xx: byte count 2 of an answer of seven bytes; its CRC may fit by chance */
	for (unsigned int low = 0; low < 256; low++) {
		question.address = (uint16_t)(0x200 | low);
		rtu_ask(&question, frame);
		n_alike += check(&question, frame, sizeof(frame)).verdict != ANSWER_INCOMPLETE;
	}
	assert_int_equal(n_alike, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc_is_that_of_the_guide),	  cmocka_unit_test(verdicts),
		cmocka_unit_test(does_not_look_inside_frames),	  cmocka_unit_test(byte_by_byte),
		cmocka_unit_test(echo_that_looks_like_an_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
