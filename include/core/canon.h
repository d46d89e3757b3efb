/* SPDX-License-Identifier: Apache-2.0 */
/*
 * canon.h - is a line canonical JSON, byte for byte?
 *
 * The record's profile of RFC 8785: one object; keys of printable ASCII, each once, in ascending
 * order; texts of UTF-8 with the escapes of RFC 8785 §3.2.2.2 only (\" \\ \b \f \n \r \t, \u00xx in
 * lower case for other control characters); integers within ±(2^53 - 1); true, false, objects and
 * arrays. No floats, no null, no space. For each such value there is one line, so a line that
 * passes says one thing only, whoever reads it.
 *
 * Pure. Nothing is allocated; what is read is foreign.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CANON_DEPTH_MAX 16
#define CANON_MOST	INT64_C(9007199254740991) /* 2^53 - 1 */

enum canon_kind { CANON_TEXT, CANON_INTEGER, CANON_OTHER };

/**
 * struct canon_value - a member of the outermost object
 * @text: CANON_TEXT: as it stands between its quotes, escapes and all; not terminated
 */
struct canon_value {
	const char *key;
	size_t n_key;
	enum canon_kind kind;
	int64_t integer;
	const char *text;
	size_t n_text;
};

/**
 * struct canon_error - @at: the byte, from 0; @what: what is wrong there, a constant
 */
struct canon_error {
	size_t at;
	const char *what;
};

/**
 * canon_read() - check a line, and hand out what it says
 * @each: called for each member of the outermost object up to the first error; NULL nobody asks
 * Return: 0; -EBADMSG, @error says where and why.
 */
int canon_read(const char *line, size_t n,
	       void (*each)(void *userdata, const struct canon_value *value), void *userdata,
	       struct canon_error *error);

/** canon_is() - has this member this key? */
bool canon_is(const struct canon_value *value, const char *key);
