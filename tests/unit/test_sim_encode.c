/* SPDX-License-Identifier: Apache-2.0 */
/* The simulator's encoder against known bytes and against the core's decoder. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/macro.h"
#include "tools/sim_encode.h"

static struct decode make(enum decode_type type, const char *order, double scale, double offset)
{
	struct decode d = {
		.type = type, .scale = scale, .offset = offset, .min = -1e300, .max = 1e300};

	if (type != DECODE_BIT)
		assert_int_equal(decode_order_parse(order,
						    2 * (unsigned int)sim_encode_n_words(type),
						    d.order),
				 0);
	return d;
}

/* Bytes worked out by hand: 0x12345678 = 305419896, pi as IEEE 754. */
static void test_known_registers(void **state)
{
	static const struct {
		enum decode_type type;
		const char *order;
		double value;
		size_t n;
		uint16_t words[4];
	} rows[] = {
		{DECODE_UINT16, "AB", 0x1234, 1, {0x1234}},
		{DECODE_UINT16, "BA", 0x1234, 1, {0x3412}},
		{DECODE_INT16, "AB", -2, 1, {0xfffe}},
		{DECODE_INT16, "BA", -2, 1, {0xfeff}},
		{DECODE_UINT32, "ABCD", 305419896, 2, {0x1234, 0x5678}},
		{DECODE_UINT32, "CDAB", 305419896, 2, {0x5678, 0x1234}},
		{DECODE_UINT32, "BADC", 305419896, 2, {0x3412, 0x7856}},
		{DECODE_UINT32, "DCBA", 305419896, 2, {0x7856, 0x3412}},
		{DECODE_INT32, "CDAB", -2, 2, {0xfffe, 0xffff}},
		{DECODE_FLOAT32, "ABCD", 3.14159274101257324, 2, {0x4049, 0x0fdb}},
		{DECODE_FLOAT32, "CDAB", 3.14159274101257324, 2, {0x0fdb, 0x4049}},
		{DECODE_FLOAT64, "ABCDEFGH", M_PI, 4, {0x4009, 0x21fb, 0x5444, 0x2d18}},
		{DECODE_FLOAT64, "GHEFCDAB", M_PI, 4, {0x2d18, 0x5444, 0x21fb, 0x4009}},
		{DECODE_FLOAT64, "CDEFGHAB", M_PI, 4, {0x21fb, 0x5444, 0x2d18, 0x4009}},
		{DECODE_INT64, "HGFEDCBA", -2, 4, {0xfeff, 0xffff, 0xffff, 0xffff}},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct decode d = make(rows[i].type, rows[i].order, 1, 0);
		uint16_t words[4] = {0};
		uint64_t raw;

		assert_int_equal(sim_encode_n_words(d.type), rows[i].n);
		assert_int_equal(sim_encode_raw(&d, rows[i].value, &raw), 0);
		sim_encode_words(&d, raw, words);
		assert_memory_equal(words, rows[i].words, sizeof(words));
	}
}

static void test_rounding_and_bounds(void **state)
{
	static const struct {
		enum decode_type type;
		double scale;
		double offset;
		double value;
		int result;
		uint64_t raw;
	} rows[] = {
		{DECODE_INT16, 1, 0, 32767, 0, 0x7fff},
		{DECODE_INT16, 1, 0, 32767.4, 0, 0x7fff},
		{DECODE_INT16, 1, 0, 32767.5, -ERANGE, 0x7fff},
		{DECODE_INT16, 1, 0, -32768, 0, 0x8000},
		{DECODE_INT16, 1, 0, -32769, -ERANGE, 0x8000},
		{DECODE_UINT16, 1, 0, -0.4, 0, 0},
		{DECODE_UINT16, 1, 0, -1, -ERANGE, 0},
		{DECODE_UINT16, 1, 0, 65535, 0, 0xffff},
		{DECODE_UINT16, 1, 0, 65536, -ERANGE, 0xffff},
		{DECODE_UINT16, 0.01, 0, 7.25, 0, 725},
		{DECODE_UINT16, 0.1, -40, 25.04, 0, 650},
		{DECODE_UINT16, -1, 100, 30, 0, 70},
		{DECODE_UINT32, 1, 0, 4294967295.0, 0, UINT32_MAX},
		{DECODE_UINT32, 1, 0, 4294967296.0, -ERANGE, UINT32_MAX},
		{DECODE_INT32, 1, 0, -2147483648.0, 0, 0x80000000},
		{DECODE_INT64, 1, 0, -0x1p63, 0, UINT64_C(1) << 63},
		{DECODE_INT64, 1, 0, 0x1p63, -ERANGE, INT64_MAX},
		{DECODE_UINT64, 1, 0, 0x1p63, 0, UINT64_C(1) << 63},
		{DECODE_UINT64, 1, 0, 0x1p64, -ERANGE, UINT64_MAX},
		{DECODE_FLOAT32, 1, 0, 1e39, -ERANGE, 0x7f7fffff},
		{DECODE_FLOAT32, 1, 0, -1e39, -ERANGE, 0xff7fffff},
		{DECODE_BIT, 1, 0, 1, 0, 1},
		{DECODE_BIT, 1, 0, 2, -ERANGE, 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct decode d = {
			.type = rows[i].type, .scale = rows[i].scale, .offset = rows[i].offset};
		uint64_t raw = 42;

		assert_int_equal(sim_encode_raw(&d, rows[i].value, &raw), rows[i].result);
		assert_true(raw == rows[i].raw);
	}
}

static void test_no_value(void **state)
{
	struct decode d = {.type = DECODE_UINT16, .scale = 1};
	uint64_t raw = 42;

	(void)state;
	assert_int_equal(sim_encode_raw(&d, (double)NAN, &raw), -EDOM);
	assert_int_equal(sim_encode_nan(&d, &raw), -EDOM);
	assert_int_equal(raw, 42);
	d.n_invalid = 2;
	d.invalid[0] = 0x7fff;
	assert_int_equal(sim_encode_nan(&d, &raw), 0);
	assert_int_equal(raw, 0x7fff);
}

static void test_bits_share_a_register(void **state)
{
	struct decode low = {.type = DECODE_BIT, .bit = 0, .scale = 1};
	struct decode high = {.type = DECODE_BIT, .bit = 15, .scale = 1};
	uint16_t words[4] = {0x0002};

	(void)state;
	sim_encode_words(&low, 1, words);
	sim_encode_words(&high, 1, words);
	assert_int_equal(words[0], 0x8003);
	sim_encode_words(&low, 0, words);
	assert_int_equal(words[0], 0x8002);
}

/* Every type, every order of its width, several scales: the decoder gives the value back. */
static void test_decoder_agrees(void **state)
{
	static const char *const orders[][4] = {
		{"AB", "BA", NULL, NULL},
		{"ABCD", "CDAB", "BADC", "DCBA"},
		{"ABCDEFGH", "GHEFCDAB", "BADCFEHG", "HGFEDCBA"},
	};
	static const double scales[][2] = {{1, 0}, {0.1, -40}, {-2.5, 1000}, {0.01, 0.005}};
	static const double raws[] = {0, 1, 2, 127, 128, 255, 256, 4660, 32766};
	size_t n = 0;

	(void)state;
	for (enum decode_type type = 0; type < DECODE_BIT; type++) {
		size_t n_words = sim_encode_n_words(type);

		for (size_t o = 0; o < 4 && orders[n_words / 2][o]; o++)
			for (size_t i = 0; i < ARRAY_SIZE(scales) * ARRAY_SIZE(raws); i++, n++) {
				const double *s = scales[i % ARRAY_SIZE(scales)];
				double value = raws[i / ARRAY_SIZE(scales)] * s[0] + s[1];
				struct decode d = make(type, orders[n_words / 2][o], s[0], s[1]);
				double decoded = (double)NAN;
				uint16_t words[4];
				uint64_t raw;

				assert_int_equal(sim_encode_raw(&d, value, &raw), 0);
				sim_encode_words(&d, raw, words);
				assert_int_equal(decode_words(type), n_words);
				assert_int_equal(decode_value(&d, words, n_words, &decoded), 0);
				assert_true(fabs(decoded - value) <= 1e-6 * (1 + fabs(value)));
			}
	}
	assert_int_equal(n, (2 * 2 + 3 * 4 + 3 * 4) * ARRAY_SIZE(scales) * ARRAY_SIZE(raws));
}

/* faults: D1 */
static void test_decoder_sees_nan(void **state)
{
	static const struct {
		enum decode_type type;
		const char *order;
	} rows[] = {{DECODE_FLOAT32, "CDAB"}, {DECODE_FLOAT64, "ABCDEFGH"}, {DECODE_INT16, "BA"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct decode d = make(rows[i].type, rows[i].order, 1, 0);
		uint16_t words[4];
		uint64_t raw;
		double value;

		d.n_invalid = 1;
		d.invalid[0] = 0x8000;
		assert_int_equal(sim_encode_nan(&d, &raw), 0);
		sim_encode_words(&d, raw, words);
		assert_int_equal(decode_value(&d, words, 4, &value), -EDOM);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_registers),
		cmocka_unit_test(test_rounding_and_bounds),
		cmocka_unit_test(test_no_value),
		cmocka_unit_test(test_bits_share_a_register),
		cmocka_unit_test(test_decoder_agrees),
		cmocka_unit_test(test_decoder_sees_nan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
