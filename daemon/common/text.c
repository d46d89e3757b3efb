/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdint.h>

#include "common/macro.h"
#include "common/text.h"

/* RFC 3629 §4: a first byte, how many follow, and the bounds of the one right behind it */
static const struct {
	uint8_t first;
	uint8_t last;
	uint8_t n;
	uint8_t low;
	uint8_t high;
} forms[] = {
	{0x01, 0x7f, 0, 0, 0},	     {0xc2, 0xdf, 1, 0x80, 0xbf}, {0xe0, 0xe0, 2, 0xa0, 0xbf},
	{0xe1, 0xec, 2, 0x80, 0xbf}, {0xed, 0xed, 2, 0x80, 0x9f}, {0xee, 0xef, 2, 0x80, 0xbf},
	{0xf0, 0xf0, 3, 0x90, 0xbf}, {0xf1, 0xf3, 3, 0x80, 0xbf}, {0xf4, 0xf4, 3, 0x80, 0x8f},
};

/* length of the character at @at, 0 it is none */
static size_t character(const uint8_t *at)
{
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		if (*at < forms[i].first || *at > forms[i].last)
			continue;
		for (size_t k = 1; k <= forms[i].n; k++) {
			uint8_t low = k == 1 ? forms[i].low : 0x80;
			uint8_t high = k == 1 ? forms[i].high : 0xbf;

			if (at[k] < low || at[k] > high)
				return 0;
		}
		return forms[i].n + 1U;
	}
	return 0;
}

bool text_is_utf8(const char *text)
{
	const uint8_t *at = (const uint8_t *)text;

	while (*at) {
		size_t n = character(at);

		if (n == 0)
			return false;
		at += n;
	}
	return true;
}
