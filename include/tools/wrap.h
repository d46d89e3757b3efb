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
