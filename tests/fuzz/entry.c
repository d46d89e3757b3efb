/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An entry of the record with any texts in it: its line is canonical JSON, RFC 8785 with integers
 * and decimal strings only, so that a reader who writes it anew gets the same bytes, and with them
 * the same hash.
 */
#include <assert.h>
#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "core/canon.h"
#include "core/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static char name[] = "station";
static const struct config config = {.origin = name, .zone_min = 420};

/* no floats, no null, no control character that is not escaped */
static void check_value(const json_t *value)
{
	const char *key;
	json_t *child;
	size_t i;

	assert(!json_is_real(value) && !json_is_null(value));
	if (json_is_integer(value))
		assert(llabs(json_integer_value(value)) <= INT64_C(9007199254740991));
	json_object_foreach ((json_t *)(uintptr_t)value, key, child) {
		for (const char *c = key; *c; c++)
			assert(*c > ' ' && *c < 0x7f);
		check_value(child);
	}
	json_array_foreach (value, i, child) {
		check_value(child);
	}
}

/* jansson writes \u001F where RFC 8785 has \u001f */
static void lower_escapes(char *text)
{
	for (; *text; text++)
		if (text[0] == '\\' && *++text == 'u')
			for (int i = 1; i <= 4; i++)
				text[i] = (char)tolower((unsigned char)text[i]);
}

static void check_line(const char *line)
{
	json_t *value = json_loads(line, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	uint8_t zeros[32] = {0}, one[32], two[32];
	struct canon_error error;
	char *again;

	assert(value && !strchr(line, '\n'));
	check_value(value);
	again = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
	assert(again);
	lower_escapes(again);
	assert(strcmp(again, line) == 0);
	assert(canon_read(line, strlen(line), NULL, NULL, &error) == 0);
	assert(chain_next(zeros, line, one) == 0 && chain_next(zeros, again, two) == 0);
	assert(memcmp(one, two, sizeof(one)) == 0);
	free(again);
	json_decref(value);
}

/* the next text of the input: up to a byte 0xff or its end */
static char *text(const uint8_t **data, size_t *n)
{
	const uint8_t *end = memchr(*data, 0xff, *n);
	size_t length = end ? (size_t)(end - *data) : *n;
	char *copy = strndup((const char *)*data, length);

	*data += length + (end != NULL);
	*n -= length + (end != NULL);
	return copy;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct event event;
	char *texts[6], *line;

	if (n < 18)
		return 0;
	event = event_plain((enum event_type)(data[0] % (EVENT_TYPE_MAX + 1)),
			    (struct stamp){.wall_ms = INT64_C(1790000000000) + data[1]});
	memcpy(&event.value, data + 2, sizeof(event.value));
	memcpy(&event.number, data + 10, sizeof(event.number));
	event.number >>= 11; /* as counts are: within what a double holds */
	event.has_value = data[1] & 1;
	event.exercise = data[1] & 2;
	data += 18;
	n -= 18;
	for (size_t i = 0; i < 6; i++)
		texts[i] = text(&data, &n);
	event.reason = texts[0];
	event.name = texts[1];
	event.user = texts[2];
	event.report = texts[3];
	event.boundary = texts[4];
	event.measures = texts[5];
	line = event_line(&event, &config, 1);
	if (line)
		check_line(line);
	free(line);
	for (size_t i = 0; i < 6; i++)
		free(texts[i]);
	return 0;
}
