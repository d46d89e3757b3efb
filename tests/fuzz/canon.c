/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Canonical JSON there and back: what our reader takes is what another library prints of what it
 * has read; and what that prints of anything, within the profile, our reader takes.
 */
#include <assert.h>
#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "core/canon.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* jansson writes \u001F where RFC 8785 has \u001f */
static void lower_escapes(char *text)
{
	for (; *text; text++)
		if (text[0] == '\\' && *++text == 'u')
			for (int i = 1; i <= 4; i++)
				text[i] = (char)tolower((unsigned char)text[i]);
}

static char *print(const json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);

	assert(text);
	lower_escapes(text);
	return text;
}

static bool is_plain_key(const char *key)
{
	for (; *key; key++)
		if (*key < ' ' || *key == '"' || *key == '\\' || *key > '~')
			return false;
	return true;
}

/* is it of the profile? */
static bool is_of_profile(const json_t *value, int depth)
{
	const char *key;
	json_t *child;
	size_t i;

	if (json_is_real(value) || json_is_null(value) || depth > CANON_DEPTH_MAX)
		return false;
	if (json_is_integer(value) &&
	    (json_integer_value(value) > CANON_MOST || json_integer_value(value) < -CANON_MOST))
		return false;
	json_object_foreach ((json_t *)(uintptr_t)value, key, child) {
		if (!is_plain_key(key) || !is_of_profile(child, depth + 1))
			return false;
	}
	json_array_foreach (value, i, child) {
		if (!is_of_profile(child, depth + 1))
			return false;
	}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const size_t flags = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL;
	struct canon_error error;
	char *copy = malloc(n + 1), *text;
	bool canonical;
	json_t *json;

	if (!copy)
		abort();
	if (n > 0)
		memcpy(copy, data, n);
	copy[n] = '\0';
	canonical = canon_read(copy, n, NULL, NULL, &error) == 0;
	assert(error.at <= n && canonical == !error.what);
	json = json_loadb(copy, n, flags, NULL);
	if (canonical) {
		assert(json);
		text = print(json);
		assert(strlen(text) == n && memcmp(text, copy, n) == 0);
		free(text);
	}
	if (json_is_object(json) && is_of_profile(json, 1)) {
		text = print(json);
		assert(canon_read(text, strlen(text), NULL, NULL, &error) == 0);
		free(text);
	}
	json_decref(json);
	free(copy);
	return 0;
}
