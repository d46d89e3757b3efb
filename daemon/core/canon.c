/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "common/macro.h"
#include "core/canon.h"

/* struct reader - @error.what: NULL so far so good */
struct reader {
	const char *text;
	size_t n;
	size_t at;
	struct canon_error error;
	void (*each)(void *userdata, const struct canon_value *value);
	void *userdata;
};

static void read_value(struct reader *r, size_t depth, struct canon_value *ret);

static void fail(struct reader *r, const char *what)
{
	if (!r->error.what)
		r->error = (struct canon_error){r->at, what};
}

/* the next byte; 0 at the end, which no line holds otherwise: a NUL is an error of its own */
static unsigned char peek(const struct reader *r)
{
	return r->at < r->n ? (unsigned char)r->text[r->at] : 0;
}

static bool take(struct reader *r, char c)
{
	if (r->error.what || r->at >= r->n || r->text[r->at] != c)
		return false;
	r->at++;
	return true;
}

static void want(struct reader *r, char c, const char *what)
{
	if (!take(r, c))
		fail(r, what);
}

/* --- texts ------------------------------------------------------------------------- */

/* RFC 3629 §4: how long a character is by its first byte, and what its second may be */
static const struct {
	unsigned char first, last; /* of the first byte */
	unsigned char low, high;   /* of the second */
	size_t n;
} utf8[] = {
	{0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
	{0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
	{0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

/* length of the character that begins here; 0 it is none */
static size_t character(const unsigned char *bytes, size_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(utf8); i++) {
		if (bytes[0] < utf8[i].first || bytes[0] > utf8[i].last)
			continue;
		if (n < utf8[i].n || bytes[1] < utf8[i].low || bytes[1] > utf8[i].high)
			return 0;
		for (size_t k = 2; k < utf8[i].n; k++)
			if ((bytes[k] & 0xc0) != 0x80)
				return 0;
		return utf8[i].n;
	}
	return 0;
}

/* behind "\u": a control character that has no short escape */
static bool is_control(const char *digits, size_t n)
{
	static const char hex[] = "0123456789abcdef";
	const char *low;

	if (n < 4 || memcmp(digits, "00", 2) != 0 || (digits[2] != '0' && digits[2] != '1'))
		return false;
	low = memchr(hex, digits[3], 16);
	/* 8, 9, a, c and d of the first sixteen have one: \b \t \n \f \r */
	return low && (digits[2] == '1' || !memchr("89acd", digits[3], 5));
}

static void read_escape(struct reader *r)
{
	r->at++;
	if (r->at < r->n && memchr("\"\\bfnrt", r->text[r->at], 7))
		r->at++;
	else if (peek(r) == 'u' && is_control(r->text + r->at + 1, r->n - r->at - 1))
		r->at += 5;
	else
		fail(r, "an escape that is not the canonical one");
}

static void read_text(struct reader *r, const char **ret, size_t *ret_n)
{
	size_t begin;

	want(r, '"', "a text is missing");
	begin = r->at;
	while (!r->error.what && r->at < r->n && r->text[r->at] != '"') {
		unsigned char c = peek(r);
		size_t n = c >= 0x80
				   ? character((const unsigned char *)r->text + r->at, r->n - r->at)
				   : 1;

		if (c == '\\')
			read_escape(r);
		else if (c < 0x20)
			fail(r, "a control character that is not escaped");
		else if (n == 0)
			fail(r, "bytes that are no UTF-8");
		else
			r->at += n;
	}
	*ret = r->text + begin;
	*ret_n = r->at - begin;
	want(r, '"', "a text that does not end");
}

/* --- numbers ----------------------------------------------------------------------- */

static bool is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

static int64_t read_integer(struct reader *r)
{
	bool negative = take(r, '-');
	size_t begin = r->at;
	int64_t value = 0;

	for (; is_digit(peek(r)) && value <= CANON_MOST; r->at++)
		value = value * 10 + (peek(r) - '0');
	if (r->at == begin)
		fail(r, "neither text, integer, true, false, object nor array");
	else if (r->text[begin] == '0' && (r->at > begin + 1 || negative))
		fail(r, "an integer with a leading zero or sign that says nothing");
	else if (value > CANON_MOST)
		fail(r, "an integer beyond 2^53 - 1");
	else if (peek(r) == '.' || peek(r) == 'e' || peek(r) == 'E')
		fail(r, "a number that is no integer");
	return negative ? -value : value;
}

/* --- the rest ---------------------------------------------------------------------- */

static void read_key(struct reader *r, const struct canon_value *before, struct canon_value *ret)
{
	size_t begin = r->at;
	int order;

	read_text(r, &ret->key, &ret->n_key);
	for (size_t i = 0; !r->error.what && i < ret->n_key; i++)
		if (ret->key[i] == '\\' || (unsigned char)ret->key[i] > 0x7e) {
			r->at = begin;
			fail(r, "a key that is not printable ASCII");
		}
	if (r->error.what || !before->key)
		return;
	order = memcmp(before->key, ret->key, MIN(before->n_key, ret->n_key));
	if (order > 0 || (order == 0 && before->n_key >= ret->n_key)) {
		r->at = begin;
		fail(r, order == 0 && before->n_key == ret->n_key ? "a key that is there twice"
								  : "keys that are not in order");
	}
}

static void read_object(struct reader *r, size_t depth)
{
	struct canon_value before = {0}, member;

	want(r, '{', "no object");
	if (take(r, '}'))
		return;
	do {
		member = (struct canon_value){0};
		read_key(r, &before, &member);
		want(r, ':', "a colon is missing");
		read_value(r, depth, &member);
		if (!r->error.what && depth == 1 && r->each)
			r->each(r->userdata, &member);
		before = member;
	} while (take(r, ','));
	want(r, '}', "an object that does not end");
}

static void read_array(struct reader *r, size_t depth)
{
	struct canon_value item;

	r->at++;
	if (take(r, ']'))
		return;
	do
		read_value(r, depth, &item);
	while (take(r, ','));
	want(r, ']', "an array that does not end");
}

static bool take_word(struct reader *r, const char *word)
{
	size_t n = strlen(word);

	if (r->n - r->at < n || memcmp(r->text + r->at, word, n) != 0)
		return false;
	r->at += n;
	return true;
}

static void read_value(struct reader *r, size_t depth, struct canon_value *ret)
{
	unsigned char c = peek(r);

	ret->kind = CANON_OTHER;
	if (r->error.what)
		return;
	if ((c == '{' || c == '[') && depth >= CANON_DEPTH_MAX) {
		fail(r, "too many objects within one another");
	} else if (c == '{') {
		read_object(r, depth + 1);
	} else if (c == '[') {
		read_array(r, depth + 1);
	} else if (c == '"') {
		ret->kind = CANON_TEXT;
		read_text(r, &ret->text, &ret->n_text);
	} else if (!take_word(r, "true") && !take_word(r, "false")) {
		ret->kind = CANON_INTEGER;
		ret->integer = read_integer(r);
	}
}

int canon_read(const char *line, size_t n,
	       void (*each)(void *userdata, const struct canon_value *value), void *userdata,
	       struct canon_error *error)
{
	struct reader r = {.text = line, .n = n, .each = each, .userdata = userdata};

	read_object(&r, 1);
	if (!r.error.what && r.at < n)
		fail(&r, "something behind the object");
	*error = r.error;
	return r.error.what ? -EBADMSG : 0;
}

bool canon_is(const struct canon_value *value, const char *key)
{
	return value->n_key == strlen(key) && memcmp(value->key, key, value->n_key) == 0;
}
