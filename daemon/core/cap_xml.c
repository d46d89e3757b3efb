/* SPDX-License-Identifier: Apache-2.0 */
#include <libxml/tree.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/cap_xml.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

struct cap_xml {
	xmlDoc *document;
	bool failed;
};

/** take() - one character of UTF-8, RFC 3629. Return: its bytes; 0: it is none. */
static size_t take(const unsigned char *text, uint32_t *ret)
{
	/* first code point that needs so many bytes: shorter ones are overlong */
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = text[0] < 0x80   ? 1
		   : text[0] < 0xc0 ? 0
		   : text[0] < 0xe0 ? 2
		   : text[0] < 0xf0 ? 3
				    : 4;
	uint32_t c = text[0];

	if (n > 1)
		c &= 0x7fU >> n;
	for (size_t i = 1; i < n; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (text[i] & 0x3fU);
	}
	if (n == 0 || text[0] > 0xf4 || c < least[n])
		return 0;
	*ret = c;
	return n;
}

/* Char of XML 1.0 (fifth edition) §2.2; CR would be read as a line end, so it is none here */
static bool is_char(uint32_t c)
{
	return c == '\t' || c == '\n' || (c >= 0x20 && c <= 0xd7ff) ||
	       (c >= 0xe000 && c <= 0xfffd) || (c >= 0x10000 && c <= 0x10ffff);
}

char *cap_xml_clean(const char *text)
{
	const unsigned char *from = (const unsigned char *)text;
	char *clean = malloc(3 * strlen(text) + 1), *to = clean;

	while (clean && *from) {
		uint32_t c = 0;
		size_t n = take(from, &c);

		if (n > 0 && is_char(c)) {
			memcpy(to, from, n);
			to += n;
		} else {
			memcpy(to, REPLACEMENT, 3);
			to += 3;
		}
		from += n > 0 ? n : 1;
	}
	if (clean)
		*to = '\0';
	return clean;
}

struct cap_xml *cap_xml_new(const char *root, const char *space)
{
	struct cap_xml *xml = calloc(1, sizeof(*xml));
	xmlNode *node;

	if (!xml)
		return NULL;
	xml->document = xmlNewDoc((const xmlChar *)"1.0");
	node = xml->document ? xmlNewDocNode(xml->document, NULL, (const xmlChar *)root, NULL)
			     : NULL;
	if (!node)
		return cap_xml_free(xml);
	(void)xmlDocSetRootElement(xml->document, node);
	xmlSetNs(node, xmlNewNs(node, (const xmlChar *)space, NULL));
	return node->ns ? xml : cap_xml_free(xml);
}

struct cap_xml *cap_xml_free(struct cap_xml *xml)
{
	if (!xml)
		return NULL;
	xmlFreeDoc(xml->document);
	free(xml);
	return NULL;
}

struct cap_node *cap_xml_add(struct cap_xml *xml, struct cap_node *parent, const char *name,
			     const char *text)
{
	xmlNode *above = parent ? (xmlNode *)parent : xmlDocGetRootElement(xml->document);
	char *clean = text ? cap_xml_clean(text) : NULL;
	xmlNode *node = NULL;

	if (!text || clean)
		node = xmlNewTextChild(above, above->ns, (const xmlChar *)name,
				       (const xmlChar *)clean);
	free(clean);
	/* where there was no memory for the text there is an element without one */
	if (!node || (text && *text && !node->children))
		xml->failed = true;
	return (struct cap_node *)node;
}

char *cap_xml_text(const struct cap_xml *xml)
{
	xmlChar *bytes = NULL;
	char *text = NULL;
	int n = 0;

	if (xml->failed)
		return NULL;
	xmlDocDumpFormatMemoryEnc(xml->document, &bytes, &n, "UTF-8", 1);
	if (bytes)
		text = strndup((const char *)bytes, (size_t)n);
	xmlFree(bytes);
	return text;
}
