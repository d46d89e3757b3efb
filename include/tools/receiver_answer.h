/* SPDX-License-Identifier: Apache-2.0 */
/*
 * receiver_answer.h - what the receiver says back: status, Date, and JSON where there is something
 *
 * The answer to a report is described in conf/schema/answer.schema.json.
 */
#pragma once

#include <jansson.h>
#include <microhttpd.h>
#include <stdint.h>

#include "tools/receiver_store.h"

/**
 * struct receiver_answer
 * @content_type: NULL: text/plain
 * @name, @value: a header more, NULL none
 * @now_ms: UTC, for Date
 */
struct receiver_answer {
	int status;
	const char *content_type;
	const char *text;
	const char *name;
	const char *value;
	int64_t now_ms;
};

/** receiver_answer() - queue it. Return: what libmicrohttpd wants; MHD_NO also: no memory. */
enum MHD_Result receiver_answer(struct MHD_Connection *connection,
				const struct receiver_answer *answer);

/** receiver_answer_json() - the same with a body; takes @body over, NULL: no memory */
enum MHD_Result receiver_answer_json(struct MHD_Connection *connection, int status, json_t *body,
				     int64_t now_ms);

/** receiver_answer_error() - {"error": @why} */
enum MHD_Result receiver_answer_error(struct MHD_Connection *connection, int status,
				      const char *why, int64_t now_ms);

/** receiver_answer_receipt() - to a report; @why: it is not accepted, NULL it is */
enum MHD_Result receiver_answer_receipt(struct MHD_Connection *connection, const char *id,
					const struct receiver_receipt *receipt, const char *why,
					int64_t now_ms);

/** receiver_answer_origins() - a list of all who have reported, those overdue marked */
json_t *receiver_answer_origins(struct receiver_store *store, int64_t now_ms);
