/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decode.h - from registers to an engineering value
 *
 * Pure: no clock, no I/O, no allocation.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum decode_type {
	DECODE_INT16,
	DECODE_UINT16,
	DECODE_INT32,
	DECODE_UINT32,
	DECODE_INT64,
	DECODE_UINT64,
	DECODE_FLOAT32,
	DECODE_FLOAT64,
	DECODE_BIT,
	DECODE_INT8,
	DECODE_UINT8,
	DECODE_TYPE_MAX = DECODE_UINT8,
};

#define DECODE_INVALID_MAX 4 /* invalid codes per channel */

/**
 * struct decode - how a value is stored in a device
 * @order: place in the wire's byte stream of each byte of the value, most significant
 *   first, as the field writes it: "ABCD" = {0,1,2,3}, "CDAB" = {2,3,0,1}, "BADC", "DCBA",
 *   and the eight-letter forms; two letters for 16 bits. Only the first
 *   2 × decode_words() count.
 * @bit: DECODE_BIT: which bit of the register (0 = least significant); 0 for a coil.
 *   DECODE_INT8, DECODE_UINT8: 8: the register's high byte, 0: its low byte
 * @scale, @offset: value = raw × @scale + @offset, both as the decimals they stand for: 3 × 0.1 is
 *   the double that 0.3 is
 * @min, @max: measuring range in engineering units, finite
 * @invalid: raw bit patterns (as an unsigned number of the type's width) that mean "no
 *   value", such as 0x7FFF or 0xFFFF
 */
struct decode {
	enum decode_type type;
	uint8_t order[8];
	uint8_t bit;
	uint8_t n_invalid;
	double scale;
	double offset;
	double min;
	double max;
	uint64_t invalid[DECODE_INVALID_MAX];
};

/** decode_words() - registers that a value of @type spans: 1, 2 or 4 */
unsigned int decode_words(enum decode_type type);

/** decode_type_text() - as in a configuration: "float32" */
const char *decode_type_text(enum decode_type type);

/**
 * decode_order_parse() - "CDAB" → byte places
 * @n_bytes: 2, 4 or 8; the text must be a permutation of that many letters from A on in
 *   which the bytes of a register stay together
 * Return: 0; -EINVAL.
 */
int decode_order_parse(const char *text, unsigned int n_bytes, uint8_t ret[static 8]);

/**
 * decode_value() - turn registers into an engineering value
 * @d:    how the channel is stored; checked by config, so always consistent
 * @words: registers in host byte order, as wire_reading carries them
 * @n:    registers there are
 * @ret:  the value in engineering units; untouched on failure, except that a finite value
 *   outside the range is handed out too
 *
 * Return: 0; -EINVAL fewer than decode_words() registers; -EDOM the bits are not a number
 *   or are an invalid code of the channel; -ERANGE outside [@d->min, @d->max].
 */
int decode_value(const struct decode *d, const uint16_t *words, size_t n, double *ret);

/** decode_bit() - one bit of a packed answer of function 1 or 2. Return: 0; -EINVAL. */
int decode_bit(const uint16_t *words, size_t n_words, size_t index, double *ret);
