/* SPDX-License-Identifier: Apache-2.0 */
#include "common/plain.h"

#include <string.h>

#include "common/macro.h"

#define NO_UTF8 0xdc00U /* + byte, as others do who must carry such bytes along */

/* length and least code point of what begins with a byte; 0: nothing does */
static size_t length_of(unsigned char first, unsigned int *ret_least)
{
	static const struct {
		unsigned char mask, bits;
		size_t n;
		unsigned int least;
	} rows[] = {{0x80, 0x00, 1, 0},
		    {0xe0, 0xc0, 2, 0x80},
		    {0xf0, 0xe0, 3, 0x800},
		    {0xf8, 0xf0, 4, 0x10000}};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if ((first & rows[i].mask) == rows[i].bits) {
			*ret_least = rows[i].least;
			return rows[i].n;
		}
	return 0;
}

size_t plain_next(const char *text, size_t n, unsigned int *ret_code, bool *ret_cut)
{
	const unsigned char *bytes = (const unsigned char *)text;
	unsigned int least = 0, code;
	size_t length = length_of(*bytes, &least), i = 1;

	*ret_cut = false;
	*ret_code = NO_UTF8 + *bytes;
	if (length == 0)
		return 1;
	code = length == 1 ? *bytes : *bytes & (0x7fU >> length);
	for (; i < length && i < n && (bytes[i] & 0xc0) == 0x80; i++)
		code = code << 6 | (bytes[i] & 0x3fU);
	if (i < length) {
		*ret_cut = i == n;
		return 1;
	}
	if (code < least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return 1;
	*ret_code = code;
	return length;
}

bool plain_is(unsigned int code)
{
	static const struct {
		unsigned int first, last;
	} not [] = {{0, 0x1f},	      {0x7f, 0x9f},	{0x61c, 0x61c},
		    {0x200b, 0x200b}, {0x200e, 0x200f}, {0x2028, 0x202e},
		    {0x2060, 0x2060}, {0x2066, 0x2069}, {NO_UTF8, NO_UTF8 + 0xff},
		    {0xfeff, 0xfeff}};

	for (size_t i = 0; i < ARRAY_SIZE(not ); i++)
		if (code >= not [i].first && code <= not [i].last)
			return false;
	return true;
}

void plain_text(char *text)
{
	size_t n = strlen(text);
	char *to = text;

	for (const char *from = text; n > 0;) {
		unsigned int code;
		bool cut;
		size_t length = plain_next(from, n, &code, &cut);

		if (plain_is(code)) {
			memmove(to, from, length);
			to += length;
		} else {
			*to++ = '?';
		}
		from += length;
		n -= length;
	}
	*to = '\0';
}
