/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers of a device: a value that is handed out as good is a number within its range,
 * however it is stored.
 */
#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/** struct choice - first bytes of an input */
struct choice {
	uint8_t type;
	uint8_t bit;
	uint8_t n_invalid;
	uint8_t plain; /* odd: a usual scale and range */
	char order[8];
	double scale, offset, min, max;
	uint64_t invalid;
};

/* as config makes it: consistent, numbers finite, the range not empty */
static struct decode decode_of(const struct choice *choice)
{
	struct decode d = {
		.type = (enum decode_type)(choice->type % (DECODE_TYPE_MAX + 1)),
		.bit = choice->bit % 16,
		.n_invalid = choice->n_invalid % 2,
		.scale = isfinite(choice->scale) ? choice->scale : 1,
		.offset = isfinite(choice->offset) ? choice->offset : 0,
		.min = isfinite(choice->min) ? choice->min : -1,
		.max = isfinite(choice->max) ? choice->max : 1,
		.invalid = {choice->invalid},
		.order = {0, 1, 2, 3, 4, 5, 6, 7},
	};
	unsigned int n_bytes = 2 * decode_words(d.type);
	char order[9] = {0};

	memcpy(order, choice->order, n_bytes);
	(void)decode_order_parse(order, n_bytes, d.order); /* refused: ABCD stays */
	if (choice->plain % 2) {
		d.scale = 0.1;
		d.offset = 0;
		d.min = -1000;
		d.max = 1000;
	}
	return d;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct choice choice;
	struct decode d;
	uint16_t *words;
	double value = -7;
	size_t n_words;
	int r;

	if (n < sizeof(choice))
		return 0;
	memcpy(&choice, data, sizeof(choice));
	n_words = (n - sizeof(choice)) / 2;
	words = malloc(n_words * 2 + (n_words == 0));
	if (!words)
		return 0;
	memcpy(words, data + sizeof(choice), n_words * 2);
	d = decode_of(&choice);
	r = decode_value(&d, words, n_words, &value);
	assert(r == 0 || r == -EINVAL || r == -EDOM || r == -ERANGE);
	assert((r == -EINVAL) == (n_words < decode_words(d.type)));
	assert(isfinite(value));
	if (r == 0)
		assert(value >= d.min && value <= d.max);
	if (r == -ERANGE)
		assert(value < d.min || value > d.max);
	if (decode_bit(words, n_words, choice.bit, &value) == 0)
		assert(value >= 0 && value <= 1 && choice.bit / 16 < n_words);
	free(words);
	return 0;
}
