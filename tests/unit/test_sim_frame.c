/* SPDX-License-Identifier: Apache-2.0 */
/* The simulator's framing, byte by byte. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/macro.h"
#include "tools/sim_frame.h"

/* Serial Line V1.02 §6.2.2, and a request that every manual prints: 01 03 00 00 00 0A C5 CD */
static void test_known_check_sums(void **state)
{
	static const struct {
		uint8_t bytes[6];
		size_t n;
		uint16_t crc;
	} rows[] = {
		{{2, 7}, 2, 0x1241},
		{{1, 3, 0, 0, 0, 10}, 6, 0xcdc5},
		{{0}, 0, 0xffff},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(sim_frame_crc(rows[i].bytes, rows[i].n), rows[i].crc);
}

#define TCP SIM_FRAMING_TCP
#define RTU SIM_FRAMING_RTU

static void test_take(void **state)
{
	static const struct {
		enum sim_framing framing;
		uint8_t bytes[12];
		size_t n;
		bool silent;
		int result;
		size_t size;
	} rows[] = {
		{TCP, {1, 2, 0, 0, 0, 6, 7, 3, 0, 0, 0, 1}, 12, false, 1, 12},
		{TCP, {1, 2, 0, 0, 0, 6, 7, 3, 0, 0, 0, 1}, 11, false, 0, 0},
		{TCP, {1, 2, 0, 0, 0, 6}, 5, false, 0, 0},
		{TCP, {0}, 0, false, 0, 0},
		{TCP, {1, 2, 0, 0, 0, 2, 7, 3}, 8, false, 1, 8},
		{TCP, {1, 2, 0, 0, 0, 1}, 6, false, -EBADMSG, 0},
		{TCP, {1, 2, 0, 0, 0, 254}, 6, false, 0, 0},
		{TCP, {1, 2, 0, 0, 0, 255}, 6, false, -EBADMSG, 0},
		{TCP, {1, 2, 0, 0, 1, 6}, 6, false, -EBADMSG, 0},
		{TCP, {1, 2, 0, 1, 0, 6}, 6, false, -EBADMSG, 0},
		{RTU, {1, 3, 0, 0, 0, 10, 0xc5, 0xcd}, 8, false, 1, 8},
		{RTU, {1, 3, 0, 0, 0, 10, 0xc5, 0xcd}, 7, false, 0, 0},
		{RTU, {1, 3, 0, 0, 0, 10, 0xc5, 0xcd}, 7, true, -EBADMSG, 0},
		{RTU, {1, 3, 0, 0, 0, 10, 0xcd, 0xc5}, 8, false, -EBADMSG, 0},
		{RTU, {1, 3, 0, 0, 0, 10, 0xc5, 0xcd, 1, 3}, 10, false, 1, 8},
		{RTU, {2, 7, 0x41, 0x12}, 4, false, 0, 0}, /* length not known: silence tells */
		{RTU, {2, 7, 0x41, 0x12}, 4, true, 1, 4},
		{RTU, {2, 7, 0x41, 0x13}, 4, true, -EBADMSG, 0},
		{RTU, {2}, 1, true, -EBADMSG, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sim_frame frame = {0};
		int r = sim_frame_take(rows[i].framing, rows[i].bytes, rows[i].n, rows[i].silent,
				       &frame);

		if (r != rows[i].result || frame.size != rows[i].size)
			fail_msg("row %zu: %d, %zu bytes", i, r, frame.size);
	}
}

static void test_put(void **state)
{
	static const uint8_t pdu[] = {3, 2, 0x12, 0x34};
	static const uint8_t tcp[] = {1, 2, 0, 0, 0, 5, 7, 3, 2, 0x12, 0x34};
	struct sim_frame request = {.transaction = 0x0102, .unit = 7};
	uint8_t out[SIM_FRAME_MAX];

	(void)state;
	assert_int_equal(sim_frame_put(TCP, &request, pdu, sizeof(pdu), out), sizeof(tcp));
	assert_memory_equal(out, tcp, sizeof(tcp));
	assert_int_equal(sim_frame_put(RTU, &request, pdu, sizeof(pdu), out), 7);
	assert_int_equal(out[0], 7);
	assert_memory_equal(out + 1, pdu, sizeof(pdu));
	assert_int_equal(sim_frame_crc(out, 7), 0); /* over its own sum: 0 */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_check_sums),
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_put),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
