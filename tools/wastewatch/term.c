/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/term.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/macro.h"

#define WIDTH_PLAIN 80
#define WIDTH_LEAST 40
#define WIDTH_MOST  160

static bool has_colours(void)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no && *no) && term && strcmp(term, "dumb") != 0;
}

/* ECMA-48, SGR: 0 default, 1 bold, 31 red, 32 green, 33 yellow */
const char *term_colour(enum term_colour colour)
{
	static const char *const codes[] = {[TERM_PLAIN] = "\033[0m",
					    [TERM_BOLD] = "\033[1m",
					    [TERM_GREEN] = "\033[1;32m",
					    [TERM_YELLOW] = "\033[1;33m",
					    [TERM_RED] = "\033[1;31m"};

	return has_colours() ? codes[colour] : "";
}

size_t term_width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 ||
	    size.ws_col == 0)
		return WIDTH_PLAIN;
	return MIN(MAX((size_t)size.ws_col, (size_t)WIDTH_LEAST), (size_t)WIDTH_MOST);
}

bool term_is_utf8(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
	}
	return false;
}
