/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
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

/* Nothing vouches for it, because nothing is on disk that could. */
static char *json_body(const char *body)
{
	json_t *report = json_loads(body, 0, NULL), *data = json_object_get(report, "data");
	char *text = NULL;

	if (data) {
		(void)json_object_set_new(data, "stored", json_false());
		(void)json_object_del(data, "log");
		text = json_dumps(report, JSON_COMPACT | JSON_SORT_KEYS);
	}
	json_decref(report);
	return text;
}

#define PARAMETER "<parameter><valueName>"

/* cap_xml.c writes neither spaces nor attributes in between */
static char *alert_body(const char *body)
{
	static const char mark[] = PARAMETER "stored</valueName><value>false</value></parameter>";
	static const char end[] = "</parameter>", log[] = PARAMETER "log-";
	bool marked = false;
	char *text = NULL;
	size_t n = 0;
	FILE *file = open_memstream(&text, &n);

	if (!file)
		return NULL;
	for (const char *at; (at = strstr(body, PARAMETER)); marked = true) {
		const char *rest = strstr(at, end);

		if (!rest)
			break;
		rest += strlen(end);
		marked &= !memmem(body, (size_t)(at - body), "<info>", strlen("<info>"));
		(void)fwrite(body, 1, (size_t)(at - body), file);
		if (!marked)
			(void)fputs(mark, file);
		if (strncmp(at, log, strlen(log)) != 0)
			(void)fwrite(at, 1, (size_t)(rest - at), file);
		body = rest;
	}
	(void)fputs(body, file);
	if (fclose(file) == 0)
		return text;
	free(text);
	return NULL;
}

char *unstored_body(const char *body)
{
	return *body == '<' ? alert_body(body) : json_body(body);
}

/* Return: 0 it is on its way */
static int send_one(struct service *service, const struct batch_report *report)
{
	char *id = id_of(report), *body = unstored_body(report->body);
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
