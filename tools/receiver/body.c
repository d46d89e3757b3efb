/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/macro.h"
#include "tools/receiver_body.h"

#define SPACE "urn:oasis:names:tc:emergency:cap:1.2"

static void json_drop(json_t *json)
{
	json_decref(json);
}
DEFINE_CLEANUP(json_t *, json_drop)

static void xml_drop(xmlDoc *document)
{
	xmlFreeDoc(document);
}
DEFINE_CLEANUP(xmlDoc *, xml_drop)

/* letters, digits, "_" and ".": it goes into the index and on the screen as it is */
static bool is_type(const char *text)
{
	return *text && !text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					   "0123456789_.")];
}

/* a text that is short enough and not empty */
static bool keep(const char *text, char *ret, size_t max)
{
	size_t n = text ? strlen(text) : 0;

	if (n == 0 || n > max)
		return false;
	memcpy(ret, text, n + 1);
	return true;
}

static bool copy_text(const json_t *object, const char *key, char *ret, size_t max)
{
	return keep(json_string_value(json_object_get(object, key)), ret, max);
}

/* the fourth line of a note; what is longer than a time is none */
static void keep_time(const char *note, char *ret, size_t max)
{
	size_t n;

	for (int line = 1; note && line < 4; line++)
		if ((note = strchr(note, '\n')))
			note++;
	n = note ? strcspn(note, "\n") : 0;
	if (n <= max && n > 0)
		memcpy(ret, note, n); /* the rest is zeros */
}

static void keep_signature(struct receiver_head *head, const char *note, const char *signature)
{
	if (keep(signature, head->signature, sizeof(head->signature) - 1))
		keep_time(note, head->time, sizeof(head->time) - 1);
}

static int read_json(const void *bytes, size_t n, struct receiver_body *ret)
{
	CLEANUP(json_drop) json_t *root = json_loadb(bytes, n, JSON_REJECT_DUPLICATES, NULL);
	const json_t *data = json_object_get(root, "data"), *log = json_object_get(data, "log");

	if (!json_is_object(data) || !copy_text(root, "type", ret->type, RECEIVER_TYPE_MAX) ||
	    !is_type(ret->type))
		return -EINVAL;
	if (copy_text(log, "origin", ret->head.origin, RECEIVER_ORIGIN_MAX) &&
	    copy_text(log, "hash", ret->head.hash, 64) && strlen(ret->head.hash) == 64)
		ret->head.seq = json_integer_value(json_object_get(log, "seq"));
	(void)copy_text(log, "id", ret->head.id, sizeof(ret->head.id) - 1);
	(void)copy_text(log, "prev_hash", ret->head.before, 64);
	keep_signature(&ret->head, json_string_value(json_object_get(log, "head")),
		       json_string_value(json_object_get(log, "signature")));
	ret->interval_s = json_integer_value(json_object_get(data, "interval_s"));
	return 0;
}

static bool is(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && node->ns &&
	       strcmp((const char *)node->ns->href, SPACE) == 0 &&
	       strcmp((const char *)node->name, name) == 0;
}

static const xmlNode *child(const xmlNode *parent, const char *name)
{
	const xmlNode *node = parent ? parent->children : NULL;

	while (node && !is(node, name))
		node = node->next;
	return node;
}

/* text of an element that holds nothing else */
static const char *text_of(const xmlNode *element)
{
	const xmlNode *text = element ? element->children : NULL;

	return text && text->type == XML_TEXT_NODE && !text->next ? (const char *)text->content
								  : NULL;
}

/* value of the parameter called @name; NULL there is none */
static const char *parameter(const xmlNode *info, const char *name)
{
	for (const xmlNode *node = info ? info->children : NULL; node; node = node->next) {
		const char *found = is(node, "parameter") ? text_of(child(node, "valueName"))
							  : NULL;

		if (found && strcmp(found, name) == 0)
			return text_of(child(node, "value"));
	}
	return NULL;
}

static int64_t number(const char *text)
{
	size_t n = text ? strlen(text) : 0;

	return n > 0 && n <= 18 && strspn(text, "0123456789") == n ? strtoll(text, NULL, 10) : 0;
}

static int read_cap(const void *bytes, size_t n, struct receiver_body *ret)
{
	CLEANUP(xml_drop)
	xmlDoc *document = n > INT_MAX ? NULL
				       : xmlReadMemory(bytes, (int)n, NULL, NULL,
						       XML_PARSE_NONET | XML_PARSE_NOERROR |
							       XML_PARSE_NOWARNING);
	const xmlNode *alert = document ? xmlDocGetRootElement(document) : NULL;
	const xmlNode *info = child(alert, "info");

	ret->is_cap = true;
	/* with a DTD what is read could differ from what stands there */
	if (!alert || document->intSubset || !is(alert, "alert") ||
	    !text_of(child(alert, "identifier")) ||
	    !keep(parameter(info, "webhook-type"), ret->type, RECEIVER_TYPE_MAX) ||
	    !is_type(ret->type))
		return -EINVAL;
	if (keep(parameter(info, "log-origin"), ret->head.origin, RECEIVER_ORIGIN_MAX) &&
	    keep(parameter(info, "log-hash"), ret->head.hash, 64) && strlen(ret->head.hash) == 64)
		ret->head.seq = number(parameter(info, "log-seq"));
	(void)keep(parameter(info, "log-id"), ret->head.id, sizeof(ret->head.id) - 1);
	(void)keep(parameter(info, "log-prev-hash"), ret->head.before, 64);
	keep_signature(&ret->head, parameter(info, "log-head"), parameter(info, "log-signature"));
	ret->interval_s = number(parameter(info, "interval-s"));
	return 0;
}

int receiver_body_read(const void *bytes, size_t n, struct receiver_body *ret)
{
	*ret = (struct receiver_body){0};
	return n > 0 && *(const char *)bytes == '<' ? read_cap(bytes, n, ret)
						    : read_json(bytes, n, ret);
}
