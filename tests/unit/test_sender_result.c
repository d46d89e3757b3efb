/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/macro.h"
#include "sender/result.h"

static void test_there_and_back(void **state)
{
	static const size_t answers[] = {0, 1, WIRE_ANSWER_MAX};
	static const char *const errors[] = {"", "x", "h:21: it refuses"};
	uint8_t packet[RESULT_PACKET_MAX] __attribute__((aligned(8)));
	struct transfer_result from, to;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		from = (struct transfer_result){.tag = 7, .wire = {.id = 9, .uploaded = 1}};
		to = (struct transfer_result){.tag = 3};
		result_set_error(&from, errors[i]);
		memset(from.answer, 'a', answers[i]);
		from.wire.n_answer = (uint32_t)answers[i];
		struct wire_header *header = (struct wire_header *)(void *)packet;
		size_t n = result_pack(&from, packet);

		header->length = (uint32_t)n; /* as wire_send() does */
		assert_int_equal(wire_check(packet, n), 0);
		assert_int_equal(result_unpack(&to, packet), 0);
		assert_int_equal(to.tag, 3);
		assert_int_equal(to.wire.id, 9);
		assert_int_equal(to.wire.uploaded, 1);
		assert_string_equal(to.error, errors[i]);
		assert_int_equal(to.wire.n_answer, answers[i]);
		assert_memory_equal(to.answer, from.answer, answers[i]);
	}
}

static void test_longest_error(void **state)
{
	struct transfer_result result = {0};
	char text[WIRE_ERROR_MAX + 10];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	result_set_error(&result, text);
	assert_int_equal(result.wire.n_error, WIRE_ERROR_MAX - 1);
	assert_int_equal(strlen(result.error), WIRE_ERROR_MAX - 1);
}

/* a process that was taken over may send anything that the wire allows */
static void test_refused(void **state)
{
	static const struct {
		uint16_t type;
		uint32_t n_error, n_answer;
		int r;
	} rows[] = {
		{WIRE_RESULT, WIRE_ERROR_MAX - 1, WIRE_ANSWER_MAX, 0},
		{WIRE_RESULT, WIRE_ERROR_MAX, 0, -EBADMSG},
		{WIRE_RESULT, 0, WIRE_ANSWER_MAX + 1, -EBADMSG},
		{WIRE_RESULT, UINT32_MAX, 0, -EBADMSG},
		{WIRE_JOB, 0, 0, -EBADMSG},
		{WIRE_ACK, 0, 0, -EBADMSG},
	};
	static uint8_t packet[2 * RESULT_PACKET_MAX] __attribute__((aligned(8)));
	struct wire_result *wire = (struct wire_result *)(void *)packet;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct transfer_result result = {.wire = {.id = 5}};

		*wire = (struct wire_result){.header = {.type = rows[i].type},
					     .n_error = rows[i].n_error,
					     .n_answer = rows[i].n_answer};
		assert_int_equal(result_unpack(&result, packet), rows[i].r);
		assert_int_equal(result.wire.id, rows[i].r == 0 ? 0 : 5);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_longest_error),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
