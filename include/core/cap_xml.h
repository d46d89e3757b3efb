/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cap_xml.h - an XML document, built and written out; the only module that knows libxml2
 *
 * The tree API only: nothing is parsed, no file, catalogue or network is touched. Pure: no
 * clock, no I/O.
 */
#pragma once

#include <stddef.h>

#include "common/macro.h"

struct cap_xml;
struct cap_node;

/** cap_xml_new() - a document with its root element in @space, UTF-8. Return: NULL no memory. */
struct cap_xml *cap_xml_new(const char *root, const char *space);

/** cap_xml_free() - takes NULL. Return: NULL. */
struct cap_xml *cap_xml_free(struct cap_xml *xml);
DEFINE_CLEANUP(struct cap_xml *, cap_xml_free)

/**
 * cap_xml_add() - an element at the end of @parent
 * @parent: NULL the root
 * @text: its text, any UTF-8: what XML 1.0 has no room for becomes U+FFFD, so the document is
 *   well-formed whatever the text. "": an empty element; NULL: elements will follow inside
 * Return: valid as long as @xml; NULL: no memory, which cap_xml_text() says again.
 */
struct cap_node *cap_xml_add(struct cap_xml *xml, struct cap_node *parent, const char *name,
			     const char *text);

/** cap_xml_text() - the document with its declaration. Return: freed by the caller; NULL: no
 *   memory, now or in any call before. */
char *cap_xml_text(const struct cap_xml *xml);

/**
 * cap_xml_clean() - a copy of @text in which all is UTF-8 and a Char of XML 1.0 §2.2
 * Return: freed by the caller; NULL: no memory.
 */
char *cap_xml_clean(const char *text);
