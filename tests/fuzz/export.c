/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An export whose files somebody has made: entries, hashes, head, keys, each behind a byte 0xff of
 * the one before. Whatever they are, there is a verdict; it is the same when the export is looked
 * at again, and good only where all lines are canonical, numbered one after the other and hashed by
 * somebody with a key that is trusted.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/canon.h"
#include "tools/export.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct part {
	char *text;
	size_t n;
};

/* up to the next 0xff, terminated */
static struct part next(const uint8_t **data, size_t *n)
{
	const uint8_t *end = *n > 0 ? memchr(*data, 0xff, *n) : NULL;
	size_t length = end ? (size_t)(end - *data) : *n;
	struct part part = {malloc(length + 1), length};

	if (!part.text)
		abort();
	if (length > 0)
		memcpy(part.text, *data, length);
	part.text[length] = '\0';
	*data += length + (end != NULL);
	*n -= length + (end != NULL);
	return part;
}

static FILE *open_part(const struct part *part)
{
	FILE *file = fmemopen(part->n > 0 ? part->text : NULL, part->n > 0 ? part->n : 1,
			      part->n > 0 ? "r" : "w+");

	if (!file)
		abort();
	return file;
}

static void look(const struct part *parts, bool hashes, struct verify *verify)
{
	struct sign_public keys[4];
	int n_keys = export_keys(parts[4].text, parts[4].n, keys, 4);
	struct export_files files = {
		.entries = open_part(&parts[0]),
		.hashes = hashes ? open_part(&parts[1]) : NULL,
		.note = parts[2].text,
		.signature = parts[3].n == SIGN_ED25519_BYTES ? (uint8_t *)parts[3].text : NULL,
	};

	verify_begin(verify, NULL, 0);
	for (int i = 0; i < n_keys; i++)
		assert(verify_trust(verify, &keys[i]) == 0);
	assert(export_check(&files, verify, NULL) == 0);
	(void)fclose(files.entries);
	if (files.hashes)
		(void)fclose(files.hashes);
}

/* what a good one must be, looked at in another way */
static void check_good(const struct part *entries, const struct verify *verify)
{
	const char *line = entries->text, *end;
	uint64_t seq = verify->first_seq;

	for (; (end = strchr(line, '\n')); line = end + 1) {
		struct canon_error error;

		assert(canon_read(line, (size_t)(end - line), NULL, NULL, &error) == 0);
		assert(verify_number(line, (size_t)(end - line)) == seq);
		seq++;
	}
	assert(seq == verify->first_seq + verify->n_entries);
	assert(verify->n_heads == 1 && verify->signed_seq == seq - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct part parts[5];
	struct verify verify, again;
	char text[VERIFY_TEXT_MAX];

	for (size_t i = 0; i < 5; i++)
		parts[i] = next(&data, &n);
	look(parts, true, &verify);
	look(parts, true, &again);
	assert(verify.fault == again.fault && verify.bad == again.bad);
	verify_text(&verify, text);
	assert(strlen(text) < sizeof(text));
	if (!verify.fault && verify.n_entries > 0)
		check_good(&parts[0], &verify);
	look(parts, false, &again);
	for (size_t i = 0; i < 5; i++)
		free(parts[i].text);
	return 0;
}
