/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/macro.h"
#include "core/decode.h"
#include "core/quality.h"

static struct decode plain(enum decode_type type, const char *order)
{
	struct decode d = {.type = type, .scale = 1, .min = -DBL_MAX, .max = DBL_MAX};

	assert_int_equal(decode_order_parse(order, 2 * decode_words(type), d.order), 0);
	return d;
}

static void test_values(void **state)
{
	static const struct {
		enum decode_type type;
		const char *order;
		uint16_t words[4];
		double value;
	} rows[] = {
		{DECODE_INT16, "AB", {0x7fff}, 32767},
		{DECODE_INT16, "AB", {0x8000}, -32768},
		{DECODE_INT16, "AB", {0xffff}, -1},
		{DECODE_INT16, "BA", {0xfeff}, -2},
		{DECODE_UINT16, "AB", {0xffff}, 65535},
		{DECODE_UINT16, "BA", {0x1234}, 0x3412},
		{DECODE_INT32, "ABCD", {0x8000, 0x0000}, -2147483648.0},
		{DECODE_INT32, "ABCD", {0x7fff, 0xffff}, 2147483647},
		{DECODE_INT32, "CDAB", {0xfffe, 0xffff}, -2},
		{DECODE_UINT32, "ABCD", {0x1122, 0x3344}, 0x11223344},
		{DECODE_UINT32, "CDAB", {0x1122, 0x3344}, 0x33441122},
		{DECODE_UINT32, "BADC", {0x1122, 0x3344}, 0x22114433},
		{DECODE_UINT32, "DCBA", {0x1122, 0x3344}, 0x44332211},
		{DECODE_UINT32, "ABCD", {0xffff, 0xffff}, 4294967295.0},
		{DECODE_INT64, "ABCDEFGH", {0x8000, 0, 0, 0}, -9223372036854775808.0},
		{DECODE_INT64, "ABCDEFGH", {0xffff, 0xffff, 0xffff, 0xffff}, -1},
		{DECODE_UINT64,
		 "ABCDEFGH",
		 {0xffff, 0xffff, 0xffff, 0xffff},
		 18446744073709551616.0},
		{DECODE_UINT64, "ABCDEFGH", {0, 0x0011, 0x2233, 0x4455}, 0x1122334455},
		{DECODE_UINT64, "GHEFCDAB", {0x4455, 0x2233, 0x0011, 0}, 0x1122334455},
		{DECODE_UINT64, "BADCFEHG", {0, 0x1100, 0x3322, 0x5544}, 0x1122334455},
		{DECODE_UINT64, "HGFEDCBA", {0x5544, 0x3322, 0x1100, 0}, 0x1122334455},
		{DECODE_UINT64, "CDABGHEF", {0x0011, 0, 0x4455, 0x2233}, 0x1122334455},
		{DECODE_FLOAT32, "ABCD", {0x4314, 0x8000}, 148.5},
		{DECODE_FLOAT32, "CDAB", {0x8000, 0x4314}, 148.5},
		{DECODE_FLOAT32, "BADC", {0x1443, 0x0080}, 148.5},
		{DECODE_FLOAT32, "DCBA", {0x0080, 0x1443}, 148.5},
		{DECODE_FLOAT32, "ABCD", {0x0000, 0x0001}, 0x1p-149}, /* least denormal */
		{DECODE_FLOAT32, "ABCD", {0x7f7f, 0xffff}, 0x1.fffffep127},
		{DECODE_FLOAT32, "ABCD", {0x8000, 0x0000}, 0}, /* -0 */
		{DECODE_FLOAT64, "ABCDEFGH", {0x4062, 0x9000, 0, 0}, 148.5},
		{DECODE_FLOAT64, "GHEFCDAB", {0, 0, 0x9000, 0x4062}, 148.5},
		{DECODE_FLOAT64, "ABCDEFGH", {0, 0, 0, 1}, 0x1p-1074},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct decode d = plain(rows[i].type, rows[i].order);
		unsigned int n = decode_words(rows[i].type);
		double value = -7;

		assert_int_equal(decode_value(&d, rows[i].words, n, &value), 0);
		assert_true(value >= rows[i].value && value <= rows[i].value);
		assert_false(signbit(value) && rows[i].value >= 0);
		value = -7;
		assert_int_equal(decode_value(&d, rows[i].words, n - 1, &value), -EINVAL);
		assert_true(value >= -7 && value <= -7); /* untouched */
	}
}

/* faults: D1 */
static void test_not_numbers(void **state)
{
	static const uint16_t nan_eh[] = {0x7fa0, 0}, quiet[] = {0x7fc0, 0}, inf[] = {0x7f80, 0},
			      minus_inf[] = {0xff80, 0}, wide_nan[] = {0x7ff0, 0, 0, 1};
	static const uint16_t *const shorts[] = {nan_eh, quiet, inf, minus_inf};
	struct decode d = plain(DECODE_FLOAT32, "ABCD"), wide = plain(DECODE_FLOAT64, "ABCDEFGH");
	double value = -7;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(shorts); i++)
		assert_int_equal(decode_value(&d, shorts[i], 2, &value), -EDOM);
	assert_int_equal(decode_value(&wide, wide_nan, 4, &value), -EDOM);
	d = plain(DECODE_FLOAT64, "ABCDEFGH");
	d.scale = 10; /* the largest double, scaled beyond what a double holds */
	assert_int_equal(
		decode_value(&d, (const uint16_t[]){0x7fef, 0xffff, 0xffff, 0xffff}, 4, &value),
		-EDOM);
	assert_true(value >= -7 && value <= -7);
}

/* faults: D1 */
static void test_invalid_codes(void **state)
{
	struct decode d = plain(DECODE_INT16, "AB");
	double value;

	(void)state;
	d.n_invalid = 2;
	d.invalid[0] = 0x7fff;
	d.invalid[1] = 0x8000; /* a bit pattern, not -32768 */
	d.invalid[2] = 5;      /* beyond n_invalid */
	assert_int_equal(decode_value(&d, (const uint16_t[]){0x7fff}, 1, &value), -EDOM);
	assert_int_equal(decode_value(&d, (const uint16_t[]){0x8000}, 1, &value), -EDOM);
	assert_int_equal(decode_value(&d, (const uint16_t[]){0x7ffe}, 1, &value), 0);
	assert_int_equal(decode_value(&d, (const uint16_t[]){5}, 1, &value), 0);
	d = plain(DECODE_FLOAT32, "CDAB");
	d.n_invalid = 1;
	d.invalid[0] = 0x43148000; /* compared after the bytes are in order */
	assert_int_equal(decode_value(&d, (const uint16_t[]){0x8000, 0x4314}, 2, &value), -EDOM);
	d = plain(DECODE_FLOAT32, "ABCD");
	d.n_invalid = 1;
	d.invalid[0] = 0; /* "0 when not measuring" */
	assert_int_equal(decode_value(&d, (const uint16_t[]){0, 0}, 2, &value), -EDOM);
}

/* faults: D3 */
static void test_range_and_scale(void **state)
{
	static const struct {
		uint16_t word;
		int result;
		double value;
	} rows[] = {
		/* value = raw × 0.5 - 10, range [-10, 40] */
		{0, 0, -10}, {100, 0, 40}, {101, -ERANGE, 40.5}, {0xffff, -ERANGE, -10.5},
		{20, 0, 0},
	};
	struct decode d = plain(DECODE_INT16, "AB"), total = plain(DECODE_INT64, "ABCDEFGH");
	long double number = 1;
	const volatile long double *one = &number; /* added when it runs */
	double value;

	(void)state;
	d.scale = 0.5;
	d.offset = -10;
	d.min = -10;
	d.max = 40;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(decode_value(&d, &rows[i].word, 1, &value), rows[i].result);
		assert_true(value >= rows[i].value && value <= rows[i].value);
	}
	d.offset = -0.0; /* as "-0" in a file */
	d.scale = -1;
	assert_int_equal(decode_value(&d, (const uint16_t[]){0}, 1, &value), 0);
	assert_false(signbit(value));
	/* 2^53 + 1 is no double: without care the offset would make 0 of it. valgrind computes
	 * long double as double: it cannot be right there. */
	if (9007199254740992.0L + *one == 9007199254740992.0L)
		return;
	total.offset = -9007199254740992.0;
	assert_int_equal(decode_value(&total, (const uint16_t[]){0x0020, 0, 0, 1}, 4, &value), 0);
	assert_true(value >= 1 && value <= 1);
}

/* what a file writes as 0.1 is a tenth: a value that shows as the limit is the limit, not the
 * double next to it, which would break it
 * faults: D6 */
static void test_scale_is_decimal(void **state)
{
	static const struct {
		const char *scale, *offset;
		int thousandths, offset_thousandths;
	} rows[] = {
		{"0.1", "0", 100, 0},	     {"0.01", "0", 10, 0},     {"0.001", "0", 1, 0},
		{"0.1", "-40", 100, -40000}, {"0.05", "0.3", 50, 300}, {"-0.3", "0.007", -300, 7},
		{"2.5", "0.1", 2500, 100},   {"1", "0", 1000, 0},      {"10", "-0.1", 10000, -100},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct decode d = plain(DECODE_UINT16, "AB");

		d.scale = strtod(rows[i].scale, NULL);
		d.offset = strtod(rows[i].offset, NULL);
		for (int raw = 0; raw <= 0xffff; raw++) {
			const uint16_t word = (uint16_t)raw;
			int whole = raw * rows[i].thousandths + rows[i].offset_thousandths;
			char text[32];
			double value;

			(void)snprintf(text, sizeof(text), "%s%d.%03d", whole < 0 ? "-" : "",
				       abs(whole) / 1000, abs(whole) % 1000);
			assert_int_equal(decode_value(&d, &word, 1, &value), 0);
			if (fabs(value - strtod(text, NULL)) > 0)
				fail_msg("%d × %s + %s: %.17g", raw, rows[i].scale, rows[i].offset,
					 value);
		}
	}
}

/* no decimal of 15 digits: as near as long double comes */
static void test_scale_is_no_decimal(void **state)
{
	static const uint16_t word = 3;
	struct decode d = plain(DECODE_UINT16, "AB");
	double value;

	(void)state;
	d.scale = 1.0 / 3;
	assert_int_equal(decode_value(&d, &word, 1, &value), 0);
	assert_true(fabs(value - 1) < 1e-15);
}

/* 1.5 × 2 - 1 in every type of a floating point */
static void test_scaled_floats(void **state)
{
	static const uint16_t single[] = {0x3fc0, 0}, twice[] = {0x3ff8, 0, 0, 0};
	struct decode of_4 = plain(DECODE_FLOAT32, "ABCD"),
		      of_8 = plain(DECODE_FLOAT64, "ABCDEFGH");
	double value;

	(void)state;
	of_4.scale = of_8.scale = 2;
	of_4.offset = of_8.offset = -1;
	assert_int_equal(decode_value(&of_4, single, 2, &value), 0);
	assert_true(fabs(value - 2) < 1e-15);
	assert_int_equal(decode_value(&of_8, twice, 4, &value), 0);
	assert_true(fabs(value - 2) < 1e-15);
}

static void test_bits(void **state)
{
	const uint16_t words[] = {0x8001, 0x0002};
	struct decode d = plain(DECODE_BIT, "AB");
	double value;

	(void)state;
	for (uint8_t bit = 0; bit < 16; bit++) {
		d.bit = bit;
		assert_int_equal(decode_value(&d, words, 1, &value), 0);
		assert_int_equal((int)value, bit == 0 || bit == 15);
	}
	for (size_t i = 0; i < 32; i++) {
		assert_int_equal(decode_bit(words, 2, i, &value), 0);
		assert_int_equal((int)value, i == 0 || i == 15 || i == 17);
	}
	assert_int_equal(decode_bit(words, 2, 32, &value), -EINVAL);
	assert_int_equal(decode_bit(words, 0, 0, &value), -EINVAL);
}

/* --- every type in every order, against an encoder of its own ------------------------- */

/* the @n-th of all orders of @n_bytes in which the bytes of a register stay together; false:
 * there are no more */
static bool nth_order(unsigned int n_bytes, unsigned int n, char text[static 9])
{
	unsigned int n_pairs = n_bytes / 2, swaps = n & ((1U << n_pairs) - 1);
	unsigned int rest = n >> n_pairs;
	char left[] = "ACEG";

	for (unsigned int i = 0; i < n_pairs; i++) {
		unsigned int n_left = n_pairs - i, pick = rest % n_left;
		char first = left[pick];

		rest /= n_left;
		memmove(left + pick, left + pick + 1, sizeof(left) - pick - 1);
		text[2 * i] = swaps >> i & 1 ? (char)(first + 1) : first;
		text[2 * i + 1] = swaps >> i & 1 ? first : (char)(first + 1);
	}
	text[n_bytes] = '\0';
	return rest == 0;
}

/* the registers that a device of this order sends for a value with these bits */
static void encode(const char *order, unsigned int n_bytes, uint64_t bits, uint16_t words[static 4])
{
	for (unsigned int i = 0; i < n_bytes; i++) {
		unsigned int letter = (unsigned int)(order[i] - 'A');
		uint16_t byte = bits >> 8 * (n_bytes - 1 - letter) & 0xff;

		words[i / 2] = (uint16_t)(i % 2 ? words[i / 2] | byte : byte << 8);
	}
}

/* faults: M10 */
static void test_all_types_in_all_orders(void **state)
{
	static const struct {
		enum decode_type type;
		uint64_t bits;
		double value;
	} rows[] = {
		{DECODE_INT16, 0x8001, -32767},
		{DECODE_INT16, 0x1234, 4660},
		{DECODE_UINT16, 0xfedc, 65244},
		{DECODE_INT32, 0x80000001, -2147483647},
		{DECODE_INT32, 0x12345678, 305419896},
		{DECODE_UINT32, 0xfedcba98, 4275878552},
		{DECODE_INT64, 0xfffffffffffffffe, -2},
		{DECODE_INT64, 0x0001020304050607, 283686952306183},
		{DECODE_UINT64, 0x0010203040506070, 4538991236898928},
		{DECODE_FLOAT32, 0x42f6e979, 123.45600128173828},
		{DECODE_FLOAT32, 0xc1200000, -10},
		{DECODE_FLOAT64, 0x405edd2f1a9fbe77, 123.456},
		{DECODE_FLOAT64, 0xc024000000000000, -10},
	};
	static const unsigned int n_orders[] = {[2] = 2, [4] = 8, [8] = 384};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned int n_bytes = 2 * decode_words(rows[i].type), n = 0;
		char order[9];

		for (; nth_order(n_bytes, n, order); n++) {
			struct decode d = plain(rows[i].type, order);
			uint16_t words[4] = {0};
			double value = (double)NAN;

			encode(order, n_bytes, rows[i].bits, words);
			if (decode_value(&d, words, n_bytes / 2, &value) != 0 ||
			    fabs(value - rows[i].value) > 0)
				fail_msg("row %zu as %s: %.17g", i, order, value);
			assert_int_equal(decode_value(&d, words, n_bytes / 2 - 1, &value), -EINVAL);
		}
		assert_int_equal(n, n_orders[n_bytes]);
	}
}

/* one byte of a register, the other is somebody else's */
static void test_bytes(void **state)
{
	static const struct {
		enum decode_type type;
		uint8_t bit;
		uint16_t word;
		int r;
		double value;
	} rows[] = {
		{DECODE_UINT8, 0, 0x12fe, 0, 254},   {DECODE_UINT8, 8, 0x12fe, 0, 18},
		{DECODE_UINT8, 0, 0xff00, 0, 0},     {DECODE_UINT8, 8, 0x80ff, 0, 128},
		{DECODE_INT8, 0, 0x12fe, 0, -2},     {DECODE_INT8, 8, 0x12fe, 0, 18},
		{DECODE_INT8, 0, 0xff80, 0, -128},   {DECODE_INT8, 8, 0x7f80, -EDOM, 0},
		{DECODE_UINT8, 0, 0x007f, -EDOM, 0}, /* the code that means no value */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct decode d = plain(rows[i].type, "AB");
		double value = 0;

		d.bit = rows[i].bit;
		d.n_invalid = 1;
		d.invalid[0] = 0x7f;
		if (decode_value(&d, &rows[i].word, 1, &value) != rows[i].r ||
		    fabs(value - rows[i].value) > 0)
			fail_msg("row %zu: %g", i, value);
		assert_int_equal(decode_value(&d, &rows[i].word, 0, &value), -EINVAL);
	}
}

static void test_names(void **state)
{
	static const struct {
		const char *text;
		unsigned int n_bytes;
	} bad[] = {
		{"", 2},	 {"A", 2},	  {"AA", 2},   {"AC", 2},
		{"ab", 2},	 {"ABCD", 2},	  {"AB", 4},   {"ABCE", 4},
		{"ABAB", 4},	 {"ACBD", 4},	  {"BCDA", 4}, {"ABCDE", 4},
		{"ABCDEFGI", 8}, {"ABCDEGFH", 8}, {"AB", 3},   {"ABCDEF", 6},
	};
	uint8_t order[8] = {9};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(decode_order_parse(bad[i].text, bad[i].n_bytes, order), -EINVAL);
	assert_int_equal(order[0], 9); /* untouched */
	assert_int_equal(decode_order_parse("CDAB", 4, order), 0);
	assert_memory_equal(order, ((uint8_t[]){2, 3, 0, 1}), 4);
}

static void test_quality(void **state)
{
	(void)state;
	assert_string_equal(quality_circular(QUALITY_GOOD), "00");
	assert_string_equal(quality_circular(QUALITY_CALIBRATING), "01");
	assert_string_equal(quality_circular(QUALITY_MAINTENANCE), "01");
	for (int i = 0; i <= QUALITY_MAX; i++) {
		enum quality q = (enum quality)i;

		assert_non_null(quality_text(q));
		assert_int_equal(quality_worse(q, QUALITY_GOOD), q);
		assert_int_equal(quality_worse(QUALITY_GOOD, q), q);
		if (i > QUALITY_MAINTENANCE) {
			assert_string_equal(quality_circular(q), "02");
			assert_int_equal(quality_worse(q, QUALITY_CALIBRATING), q);
			assert_int_equal(quality_worse(QUALITY_MAINTENANCE, q), q);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_not_numbers),
		cmocka_unit_test(test_invalid_codes),
		cmocka_unit_test(test_range_and_scale),
		cmocka_unit_test(test_all_types_in_all_orders),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_scale_is_decimal),
		cmocka_unit_test(test_scale_is_no_decimal),
		cmocka_unit_test(test_scaled_floats),
		cmocka_unit_test(test_bits),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_quality),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
