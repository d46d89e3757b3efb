/* SPDX-License-Identifier: Apache-2.0 */
/* wrap.h - prose in lines that a terminal shows whole */
#pragma once

#include <stddef.h>

/**
 * wrap_print() - text in lines that begin with @indent blanks and end between words
 * @used: columns of the first line that are printed already; it is not indented
 *
 * Ends with a line feed.
 */
void wrap_print(size_t indent, size_t used, const char *text);

/**
 * wrap_begin() - from now on what is printed to stdout is kept
 * wrap_end() - and printed, in lines that a terminal shows whole: they end between words, and go on
 *   below the words behind the line's label ("  label: words"), or a little farther in
 *
 * Not within one another, and whole lines only.
 */
void wrap_begin(void);
void wrap_end(void);
