/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "common/macro.h"
#include "tools/sim_encode.h"

/* Bounds as doubles; the upper ones of 64 bits are the first that no longer fit. */
static const struct form {
	size_t n_words;
	uint64_t raw_max;
	double low;
	double end;
} forms[] = {
	[DECODE_INT16] = {1, UINT16_MAX, -0x1p15, 0x1p15},
	[DECODE_UINT16] = {1, UINT16_MAX, 0.0, 0x1p16},
	[DECODE_INT32] = {2, UINT32_MAX, -0x1p31, 0x1p31},
	[DECODE_UINT32] = {2, UINT32_MAX, 0.0, 0x1p32},
	[DECODE_INT64] = {4, UINT64_MAX, -0x1p63, 0x1p63},
	[DECODE_UINT64] = {4, UINT64_MAX, 0.0, 0x1p64},
	[DECODE_FLOAT32] = {2, UINT32_MAX, 0.0, 0.0},
	[DECODE_FLOAT64] = {4, UINT64_MAX, 0.0, 0.0},
	[DECODE_BIT] = {1, 1, 0.0, 2.0},
	[DECODE_INT8] = {1, UINT8_MAX, -0x1p7, 0x1p7},
	[DECODE_UINT8] = {1, UINT8_MAX, 0.0, 0x1p8},
};

_Static_assert(ARRAY_SIZE(forms) == DECODE_TYPE_MAX + 1, "a type has no form");

size_t sim_encode_n_words(enum decode_type type)
{
	return forms[type].n_words;
}

uint64_t sim_encode_raw_max(enum decode_type type)
{
	return forms[type].raw_max;
}

static int encode_float32(double x, uint64_t *ret)
{
	float f = (float)x;
	uint32_t bits;
	int r = 0;

	if (isinf(f) && !isinf(x)) { /* too large for 32 bits */
		f = copysignf(3.40282346638528859812e38F, f);
		r = -ERANGE;
	}
	memcpy(&bits, &f, sizeof(bits));
	*ret = bits;
	return r;
}

/* Two's complement of the type's width; x is finite or infinite, never NaN. */
static int encode_integer(const struct form *form, double x, uint64_t *ret)
{
	x = round(x);
	if (x < form->low) {
		*ret = form->low < 0 ? (form->raw_max >> 1) + 1 : 0;
		return -ERANGE;
	}
	if (x >= form->end) {
		*ret = form->low < 0 ? form->raw_max >> 1 : form->raw_max;
		return -ERANGE;
	}
	*ret = (x < 0 ? (uint64_t)(int64_t)x : (uint64_t)x) & form->raw_max;
	return 0;
}

int sim_encode_raw(const struct decode *d, double value, uint64_t *ret)
{
	double x = (value - d->offset) / d->scale;

	if (d->type == DECODE_FLOAT64) {
		memcpy(ret, &x, sizeof(*ret));
		return 0;
	}
	if (d->type == DECODE_FLOAT32)
		return encode_float32(x, ret);
	if (isnan(x))
		return -EDOM;
	return encode_integer(&forms[d->type], x, ret);
}

int sim_encode_nan(const struct decode *d, uint64_t *ret)
{
	if (d->type == DECODE_FLOAT32)
		*ret = UINT64_C(0x7fc00000);
	else if (d->type == DECODE_FLOAT64)
		*ret = UINT64_C(0x7ff8000000000000);
	else if (d->n_invalid > 0)
		*ret = d->invalid[0];
	else
		return -EDOM;
	return 0;
}

void sim_encode_words(const struct decode *d, uint64_t raw,
		      uint16_t words[static SIM_ENCODE_WORDS_MAX])
{
	size_t n_bytes = 2 * forms[d->type].n_words;
	uint8_t stream[2 * SIM_ENCODE_WORDS_MAX] = {0};

	if (d->type == DECODE_BIT) {
		unsigned int mask = 1U << d->bit;

		words[0] = (uint16_t)(raw != 0 ? words[0] | mask : words[0] & ~mask);
		return;
	}
	if (d->type == DECODE_INT8 || d->type == DECODE_UINT8) {
		words[0] = (uint16_t)((words[0] & ~(0xffU << d->bit)) | raw << d->bit);
		return;
	}
	for (size_t i = 0; i < n_bytes; i++) /* byte i of the value, most significant first */
		stream[d->order[i]] = (uint8_t)(raw >> (8 * (n_bytes - 1 - i)));
	for (size_t i = 0; i < n_bytes / 2; i++)
		words[i] = (uint16_t)(stream[2 * i] << 8 | stream[2 * i + 1]);
}
