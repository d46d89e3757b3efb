/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "poller/ring.h"

#define READING_BYTES sizeof(struct wire_reading)

static struct ring *ring;
static uint8_t packet[WIRE_PACKET_MAX];

static int set_up(void **state)
{
	(void)state;
	return ring_new(&ring, RING_BYTES_MIN);
}

static int tear_down(void **state)
{
	(void)state;
	ring = ring_free(ring);
	return 0;
}

/* what a reading holds follows from its number, so that any mix-up shows */
static void put(size_t n_words)
{
	uint64_t seq = ring_last_seq(ring) + 1;
	uint16_t words[WIRE_REGISTERS_MAX];

	for (size_t i = 0; i < n_words; i++)
		words[i] = (uint16_t)(seq * 7 + i);
	ring_put(ring, &(struct wire_reading){.key = seq * 3, .n_words = (uint16_t)n_words}, words);
}

/* take up to @max bytes, move the mark, check content; number of the first, *@ret_n of them */
static uint64_t take(size_t max, uint16_t *ret_n)
{
	size_t bytes = ring_fill(ring, packet + sizeof(struct wire_header), max, ret_n), at = 0;
	struct wire_header header = {.type = WIRE_READINGS, .count = *ret_n};
	const struct wire_reading *reading;
	uint64_t first = 0, n = 0;

	header.length = (uint32_t)(sizeof(header) + bytes);
	memcpy(packet, &header, sizeof(header));
	assert_int_equal(wire_check(packet, header.length), 0);
	while ((reading = wire_next_reading(packet, &at))) {
		first = n == 0 ? reading->seq : first;
		assert_int_equal(reading->seq, first + n++);
		assert_int_equal(reading->key, reading->seq * 3);
		for (size_t i = 0; i < reading->n_words; i++)
			assert_int_equal(wire_reading_words(reading)[i],
					 (uint16_t)(reading->seq * 7 + i));
	}
	assert_int_equal(n, *ret_n);
	ring_advance(ring, *ret_n);
	return first;
}

static void begins_empty(void **state)
{
	uint16_t n;

	(void)state;
	assert_false(ring_pending(ring));
	assert_int_equal(ring_first_seq(ring), 0);
	assert_int_equal(ring_last_seq(ring), 0);
	assert_int_equal(take(sizeof(packet) - 8, &n), 0);
	assert_int_equal(n, 0);
	ring_advance(ring, 5); /* over nothing: stays */
	put(1);
	assert_int_equal(take(sizeof(packet) - 8, &n), 1);
}

static void refuses_sizes(void **state)
{
	struct ring *other = NULL;

	(void)state;
	assert_int_equal(ring_new(&other, RING_BYTES_MIN - 1), -EINVAL);
	assert_int_equal(ring_new(&other, RING_BYTES_MAX + 1), -EINVAL);
	assert_null(other);
}

static void hands_out_once(void **state)
{
	uint16_t n;

	(void)state;
	put(0);
	put(125);
	assert_int_equal(take(sizeof(packet) - 8, &n), 1);
	assert_int_equal(n, 2);
	assert_false(ring_pending(ring));
	put(3);
	assert_true(ring_pending(ring));
	assert_int_equal(take(sizeof(packet) - 8, &n), 3);
	assert_int_equal(n, 1);
	assert_int_equal(ring_first_seq(ring), 1); /* handed out is not acknowledged */
}

static void fills_what_fits(void **state)
{
	uint16_t n;

	(void)state;
	put(0);
	put(0);
	put(1);
	assert_int_equal(take(READING_BYTES - 1, &n), 0);
	assert_int_equal(take(2 * READING_BYTES, &n), 1);
	assert_int_equal(n, 2);
	assert_int_equal(take(READING_BYTES + 7, &n), 0);
	assert_int_equal(take(READING_BYTES + 8, &n), 3);
}

static void acknowledges(void **state)
{
	uint16_t n;

	(void)state;
	for (int i = 0; i < 5; i++)
		put(2);
	assert_int_equal(ring_acknowledge(ring, 6), -EINVAL);
	assert_int_equal(ring_acknowledge(ring, UINT64_MAX), -EINVAL);
	assert_int_equal(take(sizeof(packet) - 8, &n), 1);
	assert_int_equal(ring_acknowledge(ring, 3), 0);
	assert_int_equal(ring_first_seq(ring), 4);
	assert_int_equal(ring_acknowledge(ring, 2), 0); /* again, late: no matter */
	assert_int_equal(ring_first_seq(ring), 4);
	assert_false(ring_pending(ring));
	ring_rewind(ring); /* the core has come back */
	assert_int_equal(take(sizeof(packet) - 8, &n), 4);
	assert_int_equal(n, 2);
	assert_int_equal(ring_acknowledge(ring, 5), 0);
	assert_int_equal(ring_first_seq(ring), 0);
	assert_int_equal(ring_last_seq(ring), 5);
	assert_int_equal(ring_n_dropped(ring), 0);
}

/* acknowledged before it was handed out: the core had it from before its restart */
static void acknowledges_beyond_the_mark(void **state)
{
	uint16_t n;

	(void)state;
	for (int i = 0; i < 4; i++)
		put(1);
	assert_int_equal(ring_acknowledge(ring, 2), 0);
	assert_int_equal(take(sizeof(packet) - 8, &n), 3);
	assert_int_equal(n, 2);
}

static void drops_the_oldest(void **state)
{
	size_t n_fit = RING_BYTES_MIN / READING_BYTES;
	uint16_t n;

	(void)state;
	for (size_t i = 0; i < n_fit; i++)
		put(0);
	assert_int_equal(ring_n_dropped(ring), 0);
	put(0);
	assert_int_equal(ring_n_dropped(ring), 1);
	assert_int_equal(ring_first_seq(ring), 2);
	assert_int_equal(take(sizeof(packet) - 8, &n), 2); /* the jump tells the core */
	assert_int_equal(n, n_fit);
	put(125); /* takes the place of several */
	assert_true(ring_n_dropped(ring) > 2);
	assert_int_equal(take(sizeof(packet) - 8, &n), n_fit + 2);
}

/* an outage after a quiet time still gets all the room, though only a part was in use */
static void grows_out_of_the_lower_part(void **state)
{
	uint16_t n;

	(void)state;
	for (int i = 0; i < 40; i++) { /* quiet: two are always unacknowledged */
		put(0);
		if (i >= 2)
			assert_int_equal(ring_acknowledge(ring, (uint64_t)i - 1), 0);
	}
	assert_true(ring_bytes_touched(ring) <= 5 * READING_BYTES);
	ring_rewind(ring);
	for (size_t i = ring_last_seq(ring) + 1 - ring_first_seq(ring);
	     i < RING_BYTES_MIN / READING_BYTES; i++)
		put(0);
	assert_int_equal(ring_n_dropped(ring), 0);
	assert_int_equal(take(sizeof(packet) - 8, &n), ring_first_seq(ring));
	assert_int_equal(n, RING_BYTES_MIN / READING_BYTES);
}

static uint64_t next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x >> 11;
}

/* against a model of three numbers: oldest held, next to hand out, newest */
static void agrees_with_a_model(void **state)
{
	uint64_t x = 4711, mark = 1;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		uint64_t what = next_random(&x) % 8, first, last = ring_last_seq(ring);
		uint16_t n;

		first = ring_first_seq(ring) ? ring_first_seq(ring) : last + 1;
		mark = MAX(mark, first);
		assert_int_equal(ring_pending(ring), mark <= last);
		if (what < (i / 1000 % 2 ? 5 : 4)) {
			put(next_random(&x) % (WIRE_REGISTERS_MAX + 1));
		} else if (what < 6) {
			uint64_t got = take(next_random(&x) % 3000, &n);

			assert_true(n == 0 || got == mark);
			mark += n;
		} else if (what < 7 && last > 0) {
			assert_int_equal(
				ring_acknowledge(ring,
						 last - next_random(&x) % (last > 9 ? 9 : last)),
				0);
		} else if (next_random(&x) % 50 == 0) {
			ring_rewind(ring);
			mark = first;
		}
	}
	assert_true(ring_n_dropped(ring) > 100);
	assert_true(ring_last_seq(ring) > 50000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(begins_empty, set_up, tear_down),
		cmocka_unit_test(refuses_sizes),
		cmocka_unit_test_setup_teardown(hands_out_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(fills_what_fits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(acknowledges, set_up, tear_down),
		cmocka_unit_test_setup_teardown(acknowledges_beyond_the_mark, set_up, tear_down),
		cmocka_unit_test_setup_teardown(drops_the_oldest, set_up, tear_down),
		cmocka_unit_test_setup_teardown(grows_out_of_the_lower_part, set_up, tear_down),
		cmocka_unit_test_setup_teardown(agrees_with_a_model, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
