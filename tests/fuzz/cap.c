/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any data of a report, with any bytes in its texts: the alert is well-formed, read back by a
 * parser, and with texts as long as a configuration may hold fits into a packet for the sender.
 * The first byte chooses between the data itself and a report whose texts are all the input.
 */
#include <assert.h>
#include <jansson.h>
#include <libxml/parser.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire.h"
#include "core/cap.h"
#include "core/cap_xml.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n);

static char *report_with(const char *text)
{
	json_t *report = json_pack(
		"{s:s, s:{s:s, s:s, s:s, s:s, s:s, s:s, s:i}, s:{s:s, s:s}, s:[{s:s, "
		"s:s, s:s, s:s, s:s, s:s, s:s}]}",
		"origin", text, "incident", "id", text, "kind", text, "class", text, "level", text,
		"verdict", text, "opened", text, "update", 3, "site", "title", text, "commune",
		text, "alarms", "limit", text, "class", "limit", "origin", text, "advice", text,
		"peak", text, "unit", text, "state", "raised");
	char *dump = report ? json_dumps(report, 0) : NULL;

	json_decref(report);
	return dump;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
	char *text = strndup((const char *)data + (n > 0), n - (n > 0)), *clean, *body;
	char *report = n > 0 && data[0] & 1 ? report_with(text) : strdup(text);
	struct cap_report what = {.data = report,
				  .type = "incident.updated",
				  .destination = "d",
				  .webhook_id = "w",
				  .sent_ms = 1,
				  .previous_ms = 1,
				  .first = n > 0 && data[0] & 2 ? CATALOGUE_EN : CATALOGUE_VI};
	xmlDoc *document;

	clean = cap_xml_clean(text);
	assert(clean && strlen(clean) <= 3 * strlen(text));
	free(clean);
	body = report && n <= 1001 ? cap_body(&what) : NULL;
	if (body) {
		document = xmlReadMemory(body, (int)strlen(body), NULL, NULL,
					 XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
		assert(document);
		xmlFreeDoc(document);
		assert(strlen(body) < WIRE_PACKET_MAX);
	}
	free(body);
	free(report);
	free(text);
	return 0;
}
