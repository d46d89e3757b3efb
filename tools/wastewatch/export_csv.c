/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/macro.h"
#include "core/event.h"
#include "tools/export_csv.h"

/* what most entries have; the rest is in the line itself, the last column */
static const char *const columns[] = {"seq",	"time",	   "type",  "incident", "site",
				      "source", "channel", "value", "unit",	"limit",
				      "class",	"bound",   "since", "until",	"name",
				      "report", "level",   "user",  "reason"};

static bool is_number(const char *text)
{
	char *end;

	(void)strtod(text, &end);
	return end != text && *end == '\0';
}

static void cell(FILE *file, const char *text)
{
	bool formula = *text && strchr("=+-@\t\r", *text) && !is_number(text);

	if (!formula && !strpbrk(text, "\",\r\n")) {
		(void)fputs(text, file);
		return;
	}
	(void)fputs(formula ? "\"'" : "\"", file);
	for (; *text; text++) {
		if (*text == '"')
			(void)fputc('"', file);
		(void)fputc(*text, file);
	}
	(void)fputc('"', file);
}

int export_csv_begin(FILE *file)
{
	(void)fputs("\xef\xbb\xbf", file);
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		(void)fprintf(file, "%s,", columns[i]);
	return fputs("hash,entry\r\n", file) < 0 ? -EIO : 0;
}

int export_csv_row(FILE *file, const char *line, const uint8_t hash[static 32])
{
	json_t *entry = json_loads(line, 0, NULL);
	char hex[CHAIN_HEX_MAX];

	if (!json_is_object(entry)) {
		json_decref(entry);
		return -EBADMSG;
	}
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
		const json_t *value = json_object_get(entry, columns[i]);

		if (json_is_integer(value))
			(void)fprintf(file, "%lld", (long long)json_integer_value(value));
		else if (json_is_string(value))
			cell(file, json_string_value(value));
		(void)fputc(',', file);
	}
	json_decref(entry);
	chain_hex(hash, hex);
	(void)fprintf(file, "%s,", hex);
	cell(file, line);
	return fputs("\r\n", file) < 0 || ferror(file) ? -EIO : 0;
}
