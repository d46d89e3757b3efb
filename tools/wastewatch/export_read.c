/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An export is foreign: whoever made it may want us to believe it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tools/export.h"

#define SAY_EVERY 4096

/* struct input - a file that is read line by line */
struct input {
	FILE *file;
	char *line;
	size_t room;
	size_t n;
};

/* Without its end. Return: 1; 0 no more. What has no end is no line, but other readers show it, so
 * nobody may be told that all holds: it counts as an empty one, which is never good. */
static int next(struct input *input)
{
	ssize_t n = input->file ? getline(&input->line, &input->room, input->file) : -1;

	if (n <= 0)
		return 0;
	input->n = input->line[n - 1] == '\n' ? (size_t)n - 1 : 0;
	input->line[input->n] = '\0';
	return 1;
}

/* hashes behind the last entry's are those of entries that somebody has taken away */
static void check_rest(struct verify *verify, struct input *hashes)
{
	if (!verify->fault && next(hashes))
		verify_entry(verify,
			     &(struct verify_entry){.seq = VERIFY_ANY, .line = "", .n_line = 0});
}

/* one that is none is as wrong as any */
static const uint8_t *next_hash(struct input *input, uint8_t ret[static 32])
{
	if (!input->file)
		return NULL;
	if (next(input) == 0 || strlen(input->line) != input->n ||
	    verify_hash_read(input->line, ret) < 0)
		memset(ret, 0xff, 32);
	return ret;
}

int export_check(const struct export_files *files, struct verify *verify, void (*each)(uint64_t n))
{
	struct input entries = {.file = files->entries}, hashes = {.file = files->hashes};
	struct chain before = {.seq = VERIFY_ANY};
	uint8_t hash[32];
	uint64_t n = 0;
	int r = 0;

	/* where there are no hashes it begins with the first entry of all, or is not good */
	(void)next_hash(&hashes, before.hash);
	verify->chain = before;
	/* one beyond the first bad one, which says what is wrong with that */
	while ((!verify->fault || verify->in_doubt) && next(&entries)) {
		verify_entry(verify, &(struct verify_entry){
					     .seq = VERIFY_ANY,
					     .line = entries.line,
					     .n_line = entries.n,
					     .hash = next_hash(&hashes, hash),
				     });
		if (each && ++n % SAY_EVERY == 0)
			each(n);
	}
	if (!verify->fault && verify->chain.seq == VERIFY_ANY) /* not one line: the first is bad */
		verify_entry(verify,
			     &(struct verify_entry){.seq = VERIFY_ANY, .line = "", .n_line = 0});
	if (ferror(files->entries) || (files->hashes && ferror(files->hashes)))
		r = -EIO;
	if (*files->note)
		verify_head(verify, &(struct verify_head){.seq = VERIFY_ANY,
							  .note = files->note,
							  .signature = files->signature});
	(void)verify_end(verify);
	check_rest(verify, &hashes);
	free(entries.line);
	free(hashes.line);
	return r;
}

static const char *const pem_end = "-----END PUBLIC KEY-----";

/* how long the key is that begins here: up to white space, or to the end of a PEM block */
static size_t length(const char *text, size_t n)
{
	const char *end = memmem(text, n, pem_end, strlen(pem_end));
	size_t i = 0;

	if (text[0] == '-')
		return end ? (size_t)(end - text) + strlen(pem_end) : n;
	while (i < n && text[i] != '\0' && !strchr(" \t\r\n", text[i]))
		i++;
	return i;
}

int export_keys(const char *text, size_t n, struct sign_public *ret, size_t max)
{
	size_t n_keys = 0;

	for (;;) {
		size_t n_key;

		for (; n > 0 && *text && strchr(" \t\r\n", *text); n--)
			text++;
		if (n == 0)
			return n_keys > 0 ? (int)n_keys : -EINVAL;
		n_key = length(text, n);
		if (n_keys == max || n_key == 0 || sign_public_load(&ret[n_keys], text, n_key) < 0)
			return -EINVAL;
		n_keys++;
		text += n_key;
		n -= n_key;
	}
}
