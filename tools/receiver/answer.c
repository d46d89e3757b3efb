/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "tools/receiver_answer.h"

/* RFC 9110 §5.6.7; strftime() would do it in the words of the locale, which is C */
static void set_date(struct MHD_Response *response, int64_t now_ms)
{
	time_t now = (time_t)(now_ms / MS_PER_S);
	struct tm tm;
	char text[64];

	(void)gmtime_r(&now, &tm);
	(void)strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_DATE, text);
}

enum MHD_Result receiver_answer(struct MHD_Connection *connection,
				const struct receiver_answer *answer)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		strlen(answer->text), (void *)(uintptr_t)answer->text, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
				      answer->content_type ? answer->content_type : "text/plain");
	if (answer->name)
		(void)MHD_add_response_header(response, answer->name, answer->value);
	set_date(response, answer->now_ms);
	result = MHD_queue_response(connection, (unsigned int)answer->status, response);
	MHD_destroy_response(response);
	return result;
}

enum MHD_Result receiver_answer_json(struct MHD_Connection *connection, int status, json_t *body,
				     int64_t now_ms)
{
	char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	enum MHD_Result result = MHD_NO;

	if (text)
		result = receiver_answer(connection, &(struct receiver_answer){
							     .status = status,
							     .content_type = "application/json",
							     .text = text,
							     .now_ms = now_ms,
						     });
	free(text);
	json_decref(body);
	return result;
}

enum MHD_Result receiver_answer_error(struct MHD_Connection *connection, int status,
				      const char *why, int64_t now_ms)
{
	return receiver_answer_json(connection, status, json_pack("{ss}", "error", why), now_ms);
}

enum MHD_Result receiver_answer_receipt(struct MHD_Connection *connection, const char *id,
					const struct receiver_receipt *receipt, const char *why,
					int64_t now_ms)
{
	const struct receiver_head *last = &receipt->last;
	json_t *body = why ? json_pack("{ss}", "error", why)
			   : json_pack("{ss sb}", "received", id, "duplicate",
				       receipt->outcome == RECEIVER_DUPLICATE);
	int status = !why				      ? MHD_HTTP_OK
		     : receipt->outcome == RECEIVER_NO_REPORT ? MHD_HTTP_BAD_REQUEST
							      : MHD_HTTP_CONFLICT;

	if (body && last->seq >= 0) {
		if (*last->id)
			(void)json_object_set_new(body, "log_id", json_string(last->id));
		(void)json_object_set_new(body, "last_seq", json_integer(last->seq));
		(void)json_object_set_new(body, "held_seq", json_integer(receipt->held_seq));
		if (last->seq > 0)
			(void)json_object_set_new(body, "last_hash", json_string(last->hash));
		if (last->seq > 0 && *last->signature && *last->time) {
			(void)json_object_set_new(body, "last_time", json_string(last->time));
			(void)json_object_set_new(body, "last_signature",
						  json_string(last->signature));
		}
	}
	return receiver_answer_json(connection, status, body, now_ms);
}

/** struct listing - of origins, @now_ms for what is overdue */
struct listing {
	json_t *array;
	int64_t now_ms;
};

static void list_origin(void *userdata, struct receiver_origin *origin)
{
	struct listing *listing = userdata;
	char heard[CLOCK_TEXT_MAX], due[CLOCK_TEXT_MAX];

	clock_format(origin->heard_ms, 0, heard);
	clock_format(origin->due_ms, 0, due);
	(void)json_array_append_new(listing->array,
				    json_pack("{ss ss ss sb sI ss ss}", "origin",
					      origin->last.origin, "heard", heard, "due", due,
					      "overdue", listing->now_ms > origin->due_ms,
					      "last_seq", (json_int_t)origin->last.seq, "last_hash",
					      origin->last.hash, "log_id", origin->last.id));
}

json_t *receiver_answer_origins(struct receiver_store *store, int64_t now_ms)
{
	struct listing listing = {json_array(), now_ms};

	receiver_store_origins(store, list_origin, &listing);
	return listing.array;
}
