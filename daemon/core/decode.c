/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "common/macro.h"
#include "core/decode.h"

static const struct {
	const char *text;
	unsigned int words;
} types[] = {
	[DECODE_INT16] = {"int16", 1},	   [DECODE_UINT16] = {"uint16", 1},
	[DECODE_INT32] = {"int32", 2},	   [DECODE_UINT32] = {"uint32", 2},
	[DECODE_INT64] = {"int64", 4},	   [DECODE_UINT64] = {"uint64", 4},
	[DECODE_FLOAT32] = {"float32", 2}, [DECODE_FLOAT64] = {"float64", 4},
	[DECODE_BIT] = {"bit", 1},	   [DECODE_INT8] = {"int8", 1},
	[DECODE_UINT8] = {"uint8", 1},
};

unsigned int decode_words(enum decode_type type)
{
	return types[type].words;
}

const char *decode_type_text(enum decode_type type)
{
	return types[type].text;
}

/*
 * The letter at place i of the text names the byte of the value that comes i-th on the
 * wire, A the most significant. A register's two letters must be one of the pairs AB, CD,
 * EF, GH in either order: a device that spreads a value's byte pairs over registers
 * otherwise has not been seen.
 */
int decode_order_parse(const char *text, unsigned int n_bytes, uint8_t ret[static 8])
{
	uint8_t order[8] = {0};
	unsigned int seen = 0;

	if ((n_bytes != 2 && n_bytes != 4 && n_bytes != 8) || strlen(text) != n_bytes)
		return -EINVAL;
	for (unsigned int i = 0; i < n_bytes; i++) {
		unsigned int letter = (unsigned char)text[i] - (unsigned int)'A';

		if (letter >= n_bytes || seen & 1U << letter)
			return -EINVAL;
		if (i % 2 == 1 &&
		    letter / 2 != ((unsigned char)text[i - 1] - (unsigned int)'A') / 2)
			return -EINVAL;
		seen |= 1U << letter;
		order[letter] = (uint8_t)i;
	}
	memcpy(ret, order, n_bytes);
	return 0;
}

/* the value's bytes @byte and @byte + 1, which are one register, in either order */
static uint16_t register_at(const struct decode *d, const uint16_t *words, unsigned int byte)
{
	unsigned int place = d->order[byte];

	return place % 2 ? __builtin_bswap16(words[place / 2]) : words[place / 2];
}

/* a register's bits, or those of the part of it that the value is */
static uint64_t of_register(const struct decode *d, const uint16_t *words)
{
	if (d->type == DECODE_BIT)
		return (unsigned int)words[0] >> d->bit & 1U;
	if (d->type == DECODE_INT8 || d->type == DECODE_UINT8)
		return (unsigned int)words[0] >> d->bit & 0xffU;
	return register_at(d, words, 0);
}

/* the value's bits, most significant byte first */
static uint64_t gather(const struct decode *d, const uint16_t *words)
{
	switch (types[d->type].words) {
	case 1:
		return of_register(d, words);
	case 2:
		return (uint64_t)register_at(d, words, 0) << 16 | register_at(d, words, 2);
	default:
		return (uint64_t)register_at(d, words, 0) << 48 |
		       (uint64_t)register_at(d, words, 2) << 32 |
		       (uint64_t)register_at(d, words, 4) << 16 | register_at(d, words, 6);
	}
}

static double float_of(uint32_t bits)
{
	float value;

	memcpy(&value, &bits, sizeof(value));
	return (double)value;
}

static double double_of(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

/*
 * Scaled in long double: its 64-bit mantissa (x86-64, aarch64 has more) holds every int64
 * and uint64, so that a totaliser in mm³ loses nothing before its scale of 1e-9.
 */
static __attribute__((noinline)) long double raw_of(enum decode_type type, uint64_t bits)
{
	switch (type) {
	case DECODE_INT16:
		return (int16_t)bits;
	case DECODE_INT8:
		return (int8_t)bits;
	case DECODE_UINT8:
	case DECODE_UINT16:
	case DECODE_BIT:
	case DECODE_UINT32:
	case DECODE_UINT64:
		return bits;
	case DECODE_INT32:
		return (int32_t)bits;
	case DECODE_INT64:
		return (int64_t)bits;
	case DECODE_FLOAT32:
		return (long double)float_of((uint32_t)bits);
	case DECODE_FLOAT64:
		break;
	}
	return (long double)double_of(bits);
}

/* the register has the value itself, as most floats do: spares divisions of 80 bits */
static bool is_plain(const struct decode *d)
{
	return !islessgreater(d->scale, 1.0) && !islessgreater(d->offset, 0.0);
}

static double plain(enum decode_type type, uint64_t bits)
{
	return type == DECODE_FLOAT32 ? (double)float_of((uint32_t)bits)
				      : (double)raw_of(type, bits);
}

#define DECIMALS_MAX 15 /* beyond its 15 digits a double says nothing of decimals */

/* @number as so many parts of 1 / @power, if the decimal that it stands for is a whole number of
 * them */
static bool count_parts(double number, double power, double *ret)
{
	*ret = rint(number * power);
	return !islessgreater(*ret / power, number);
}

/*
 * 3 × 0.1 is 0.3, and no double is 0.1: multiplied by what stands for it, a third of all values
 * would come out one step beside the double that a limit of the same digits is, and break it. So
 * scale and offset are taken for the decimals that the file has, and divided last.
 */
static __attribute__((noinline)) double scaled(const struct decode *d, long double raw)
{
	double scale, offset, power = 1;

	for (int i = 0; i <= DECIMALS_MAX; i++) {
		if (count_parts(d->scale, power, &scale) && count_parts(d->offset, power, &offset))
			return (double)((raw * (long double)scale + (long double)offset) /
					(long double)power);
		power *= 10;
	}
	return (double)(raw * (long double)d->scale + (long double)d->offset);
}

int decode_value(const struct decode *d, const uint16_t *words, size_t n, double *ret)
{
	uint64_t bits;
	double value;

	if (n < types[d->type].words)
		return -EINVAL;
	bits = gather(d, words);
	for (unsigned int i = 0; i < d->n_invalid; i++)
		if (bits == d->invalid[i])
			return -EDOM;
	value = is_plain(d) ? plain(d->type, bits) : scaled(d, raw_of(d->type, bits));
	if (value >= d->min && value <= d->max) { /* which are finite */
		*ret = value + 0.0; /* -0 becomes 0: "-0" in a report would puzzle people */
		return 0;
	}
	if (!isfinite(value))
		return -EDOM;
	*ret = value + 0.0;
	return -ERANGE;
}

int decode_bit(const uint16_t *words, size_t n_words, size_t index, double *ret)
{
	if (index / 16 >= n_words)
		return -EINVAL;
	*ret = (unsigned int)words[index / 16] >> index % 16 & 1U;
	return 0;
}
