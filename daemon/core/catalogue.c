/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <string.h>

#include "core/catalogue.h"

#define MO_MAGIC 0x950412deU

/* po/vi.po as msgfmt compiles it; the Makefile makes an object of it */
extern const uint8_t catalogue_vi[];
extern const size_t catalogue_vi_size;

/** struct mo - the header, in host order */
struct mo {
	const uint8_t *bytes;
	size_t size;
	bool swapped;
	uint32_t n_texts;
	uint32_t originals; /* offsets of the tables: length and offset of each text */
	uint32_t translations;
};

static uint32_t word_at(const struct mo *mo, size_t offset)
{
	uint32_t word;

	memcpy(&word, mo->bytes + offset, sizeof(word));
	return mo->swapped ? __builtin_bswap32(word) : word;
}

static bool is_table(const struct mo *mo, uint32_t offset)
{
	return offset <= mo->size && mo->n_texts <= (mo->size - offset) / 8;
}

static bool open_mo(struct mo *mo, const uint8_t *bytes, size_t n)
{
	*mo = (struct mo){.bytes = bytes, .size = n};
	if (n < 20)
		return false;
	mo->swapped = word_at(mo, 0) == __builtin_bswap32(MO_MAGIC);
	if (word_at(mo, 0) != MO_MAGIC || word_at(mo, 4) >> 16 != 0)
		return false;
	mo->n_texts = word_at(mo, 8);
	mo->originals = word_at(mo, 12);
	mo->translations = word_at(mo, 16);
	return is_table(mo, mo->originals) && is_table(mo, mo->translations);
}

/* a text and the NUL behind it lie within the bytes, or there is none */
static const char *text_at(const struct mo *mo, uint32_t table, uint32_t i)
{
	uint32_t length = word_at(mo, table + (size_t)8 * i);
	uint32_t offset = word_at(mo, table + (size_t)8 * i + 4);

	if (offset >= mo->size || length >= mo->size - offset || mo->bytes[offset + length] != '\0')
		return NULL;
	return (const char *)mo->bytes + offset;
}

/*
 * find() - look a text up in the bytes of a compiled catalogue (.mo)
 *
 * The format is that of GNU gettext, revision 0: "The Format of GNU MO Files" in its manual.
 * Either byte order; the texts must be sorted, as msgfmt writes them.
 * Return: points into @bytes; NULL: not there, or the bytes are no such file.
 */
static const char *find(const uint8_t *bytes, size_t n, const char *text)
{
	uint32_t low = 0, high;
	struct mo mo;

	if (!open_mo(&mo, bytes, n))
		return NULL;
	high = mo.n_texts;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const char *there = text_at(&mo, mo.originals, middle);
		int order = there ? strcmp(text, there) : 0;

		if (!there)
			return NULL;
		if (order == 0)
			return text_at(&mo, mo.translations, middle);
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const char *catalogue_tag(enum catalogue_language language)
{
	static const char *const tags[] = {[CATALOGUE_VI] = "vi-VN", [CATALOGUE_EN] = "en"};

	return tags[language];
}

const char *catalogue_text(enum catalogue_language language, const char *english)
{
	const char *text = NULL;

	/* the empty text is the catalogue's own header */
	if (language == CATALOGUE_VI && *english)
		text = find(catalogue_vi, catalogue_vi_size, english);
	return text ? text : english;
}
