/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/wrap.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
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

/* what is printed into, between wrap_begin() and wrap_end() */
static struct {
	FILE *before;
	char *text;
	size_t n;
} caught;

#define LABEL_MAX 26 /* columns of "            how strong: " and the like */

static size_t columns(const char *text, size_t n)
{
	size_t width = 0;

	for (size_t i = 0; i < n; i++)
		width += (text[i] & 0xc0) != 0x80; /* UTF-8 */
	return width;
}

/* below the words behind the line's label, or a little behind where it begins */
static size_t indent_of(const char *line, size_t n)
{
	size_t blanks = strspn(line, " ");
	const char *label = memmem(line + blanks, n - blanks, ": ", 2);
	size_t at = label ? (size_t)(label - line) + 1 : n;

	if (!label || columns(line, at) > LABEL_MAX)
		return blanks + 4;
	return columns(line, at) + strspn(line + at, " ");
}

/* where a line of so many columns ends: at a blank, or behind a word that is longer than that */
static size_t cut_at(const char *line, size_t n, size_t most)
{
	size_t cut = 0;

	for (size_t i = strspn(line, " "); i < n; i++) {
		if (line[i] != ' ')
			continue;
		if (columns(line, i) > most)
			return cut ? cut : i;
		cut = i;
	}
	return columns(line, n) > most && cut ? cut : n;
}

static void put_line(const char *line, size_t n)
{
	size_t indent = indent_of(line, n), used = 0, most = term_width();

	for (;;) {
		size_t cut = cut_at(line, n, used < most ? most - used : 1);

		(void)printf("%.*s\n", (int)cut, line);
		line += cut;
		n -= cut;
		while (n > 0 && *line == ' ') {
			line++;
			n--;
		}
		if (n == 0)
			return;
		(void)printf("%*s", (int)indent, "");
		used = indent;
	}
}

void wrap_begin(void)
{
	FILE *file = open_memstream(&caught.text, &caught.n);

	caught.before = stdout;
	if (file)
		stdout = file;
}

void wrap_end(void)
{
	const char *at;

	if (stdout == caught.before)
		return; /* there was no memory: it is printed, as wide as it is */
	(void)fclose(stdout);
	stdout = caught.before;
	at = caught.text;
	while (at && *at) {
		size_t n = strcspn(at, "\n");

		put_line(at, n);
		at += n + (at[n] == '\n');
	}
	free(caught.text);
	caught.text = NULL;
}
