/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wrap.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tools/term.h"

void wrap_print(size_t indent, size_t used, const char *text)
{
	size_t most = term_width();
	bool begins = true; /* no word stands in this line yet */

	while (*text) {
		size_t n = strcspn(text, " "), width = 0;

		for (size_t i = 0; i < n; i++)
			width += (text[i] & 0xc0) != 0x80; /* UTF-8 */
		if (!begins && used + 1 + width > most) {
			(void)printf("\n%*s", (int)indent, "");
			used = indent;
		} else if (!begins) {
			(void)putchar(' ');
			used++;
		}
		(void)printf("%.*s", (int)n, text);
		used += width;
		begins = false;
		text += n;
		text += strspn(text, " ");
	}
	(void)putchar('\n');
}
