/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plain.h - texts from elsewhere, a record or a configuration, must not drive the terminal of
 * whoever reads them, nor look like other lines than they are
 *
 * Not plain are: control characters (C0 with the ends of lines, DEL, C1), what is no UTF-8, the
 * separators of lines and paragraphs (U+2028, U+2029), and what turns the direction of writing or
 * is not seen (U+061C, U+200B, U+200E, U+200F, U+202A to U+202E, U+2060, U+2066 to U+2069, U+FEFF).
 * Tested in tests/system/test_terminal.py, too.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/**
 * plain_next() - the character that a text begins with
 * @n: bytes of @text, 1 or more
 * @ret_code: its code point; of a byte that is no UTF-8 0xdc00 + that byte
 * @ret_cut: it may go on behind @text: the bytes so far could begin a character
 * Return: its length in bytes.
 */
size_t plain_next(const char *text, size_t n, unsigned int *ret_code, bool *ret_cut);

/** plain_is() - may a code point be shown as it is? */
bool plain_is(unsigned int code);

/** plain_text() - "?" for each character that is not plain, in place; it gets no longer */
void plain_text(char *text);
