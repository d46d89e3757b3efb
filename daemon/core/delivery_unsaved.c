/* SPDX-License-Identifier: Apache-2.0 */
/*
 * While nothing can be stored, what the record holds is sent all the same, and what came of it is
 * kept here until it can be. Of each incident only the oldest report goes: whose turn it is then
 * is for the record to say. What a run that is killed had kept is forgotten, so that those reports
 * go once more, with the same id and body: at most DELIVERY_UNSAVED_MAX.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/delivery_inside.h"
#include "core/storage.h"

bool delivery_may_pump(const struct delivery *delivery)
{
	const struct service *service = delivery->service;

	return service->n_deliveries == 0 || (storage_is_failing(service->storage) &&
					      service->n_deliveries < DELIVERY_UNSAVED_MAX);
}

static bool is_due(const struct record_delivery *result, int64_t now_ms)
{
	return result->state == REPORT_PENDING && result->next_ms <= now_ms;
}

int delivery_but(const struct delivery *delivery, int64_t now_ms, char **ret)
{
	const struct service *service = delivery->service;
	char *text = NULL;
	size_t n = 0;
	FILE *file;

	*ret = NULL;
	if (service->n_deliveries == 0)
		return 0;
	file = open_memstream(&text, &n);
	if (!file)
		return -ENOMEM;
	(void)fputs("[0", file); /* no row has that */
	for (size_t i = 0; i < service->n_deliveries; i++)
		if (!is_due(&service->deliveries[i], now_ms))
			(void)fprintf(file, ",%lld", (long long)service->deliveries[i].id);
	(void)fputs("]", file);
	if (fclose(file) != 0) {
		free(text);
		return -ENOMEM;
	}
	*ret = text;
	return 0;
}

void delivery_recall(const struct delivery *delivery, struct record_job *job)
{
	const struct service *service = delivery->service;

	for (size_t i = 0; i < service->n_deliveries; i++)
		if (service->deliveries[i].id == job->id)
			job->attempts = service->deliveries[i].attempts;
}
