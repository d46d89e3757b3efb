/* SPDX-License-Identifier: Apache-2.0 */
/*
 * term.h - what the terminal can do; where there is none, plain text in one width
 *
 * Colours only where stdout is a terminal that is not "dumb" and NO_COLOR is not set to something
 * (no-color.org). Nothing is said by colour alone.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum term_colour { TERM_PLAIN, TERM_BOLD, TERM_GREEN, TERM_YELLOW, TERM_RED };

/** term_colour() - what begins a colour on stdout; "" where there are none. Ends with TERM_PLAIN.
 */
const char *term_colour(enum term_colour colour);

/** term_width() - columns of stdout, 40 to 160; 80 where it is no terminal */
size_t term_width(void);

/** term_is_utf8() - the locale's texts are UTF-8, by its name: it need not be installed */
bool term_is_utf8(void);
