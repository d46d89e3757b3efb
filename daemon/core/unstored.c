/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "core/files.h"
#include "core/unstored.h"

/* Its entry may never be stored, and then its number will be another one's: so the id has the
 * moment, too. */
static char *id_of(const struct batch_report *report)
{
	char *id;

	return asprintf(&id, "%s-u%llx", report->webhook_id,
			(unsigned long long)report->created_ms) < 0
		       ? NULL
		       : id;
}

/* what vouches for the entry goes; what is on disk may be vouched for */
static void set_log(json_t *log, const struct chain *base)
{
	static const char *const kept[] = {"id", "origin"};
	json_t *whole = json_copy(log);
	char hex[CHAIN_HEX_MAX];

	(void)json_object_clear(log);
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (json_object_get(whole, kept[i]))
			(void)json_object_set(log, kept[i], json_object_get(whole, kept[i]));
	json_decref(whole);
	chain_hex(base->hash, hex);
	(void)json_object_set_new(log, "seq", json_integer((json_int_t)base->seq));
	(void)json_object_set_new(log, "hash", json_string(hex));
}

static char *json_body(const char *body, const struct chain *base)
{
	json_t *report = json_loads(body, 0, NULL), *data = json_object_get(report, "data");
	char *text = NULL;

	if (data) {
		(void)json_object_set_new(data, "stored", json_false());
		set_log(json_object_get(data, "log"), base);
		text = json_dumps(report, JSON_COMPACT | JSON_SORT_KEYS);
	}
	json_decref(report);
	return text;
}

/* into each language's part: before its first parameter, which cap.c always makes */
static char *cap_body_of(const char *body)
{
	static const char mark[] = "<parameter><valueName>stored</valueName>"
				   "<value>false</value></parameter>";
	char *text = NULL;
	size_t n = 0;
	FILE *file = open_memstream(&text, &n);

	if (!file)
		return NULL;
	for (const char *info = strstr(body, "<info>"), *at; info; info = strstr(body, "<info>")) {
		at = strstr(info, "<parameter>");
		if (!at)
			break;
		(void)fwrite(body, 1, (size_t)(at - body), file);
		(void)fputs(mark, file);
		body = at;
	}
	(void)fputs(body, file);
	if (fclose(file) == 0)
		return text;
	free(text);
	return NULL;
}

char *unstored_body(const char *body, const struct chain *base)
{
	return *body == '<' ? cap_body_of(body) : json_body(body, base);
}

/* Return: 0 it is on its way */
static int send_one(struct service *service, const struct batch_report *report)
{
	struct chain base = record_base(service->record);
	char *id = id_of(report), *body = unstored_body(report->body, &base);
	int r = id && body ? delivery_unstored(service->delivery, report->destination, id, body,
					       NULL, NULL)
			   : -ENOMEM;

	if (r == 0)
		log_crit("report %s is sent without being stored", id);
	free(id);
	free(body);
	return r == -EALREADY ? 0 : r;
}

void unstored_send(struct service *service)
{
	struct batch *batch = &service->batch;

	if (!service->delivery)
		return; /* not open yet: the next try to store it comes soon */
	for (size_t i = 0; i < batch->n_reports; i++) {
		struct batch_report *report = &batch->reports[i];
		int r;

		if (report->unstored || report->lane == FILES_LANE)
			continue;
		r = send_one(service, report);
		if (r == -ENOBUFS)
			return; /* as many as there may be are on their way */
		report->unstored = true;
		if (r < 0)
			log_err("report %s cannot be sent without being stored: %s",
				report->webhook_id, strerror(-r));
	}
}

bool unstored_waits(const struct service *service)
{
	const struct batch *batch = &service->batch;

	for (size_t i = batch->n_reports; i-- > 0;)
		if (!batch->reports[i].unstored && batch->reports[i].lane != FILES_LANE)
			return delivery_has_unstored_room(service->delivery);
	return false;
}

void unstored_forget(struct service *service)
{
	struct batch *batch = &service->batch;

	for (size_t i = 0; i < batch->n_reports; i++) {
		char *id = batch->reports[i].unstored ? id_of(&batch->reports[i]) : NULL;

		if (id)
			(void)delivery_forget(service->delivery, id);
		free(id);
	}
}
