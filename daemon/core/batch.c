/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/batch.h"

void *batch_grow(struct batch *batch, void **array, size_t *n, size_t *room, size_t size)
{
	if (*n == *room) {
		size_t more = *room ? *room * 2 : 16;
		void *grown = reallocarray(*array, more, size);

		if (!grown) {
			batch->out_of_memory = true;
			return NULL;
		}
		*array = grown;
		*room = more;
	}
	return memset((char *)*array + (*n)++ * size, 0, size);
}

void batch_clear(struct batch *batch)
{
	for (size_t i = 0; i < batch->n_entries; i++) {
		free(batch->entries[i].line);
		free(batch->entries[i].message);
		free(batch->entries[i].incident);
	}
	for (size_t i = 0; i < batch->n_reports; i++) {
		free(batch->reports[i].webhook_id);
		free(batch->reports[i].type);
		free(batch->reports[i].incident);
		free(batch->reports[i].body);
	}
	for (size_t i = 0; i < batch->n_incidents; i++) {
		free(batch->incidents[i].acknowledged_by);
		free(batch->incidents[i].told);
		free(batch->incidents[i].summary);
	}
	for (size_t i = 0; i < batch->n_closings; i++) {
		free(batch->closings[i].id);
		free(batch->closings[i].user);
		free(batch->closings[i].cause);
		free(batch->closings[i].measures);
		free(batch->closings[i].summary);
	}
	for (size_t i = 0; i < batch->n_removed; i++)
		free(batch->removed[i].name);
	batch->n_entries = batch->n_minutes = batch->n_reports = 0;
	batch->n_incidents = batch->n_alarms = batch->n_removed = 0;
	batch->n_closings = 0;
	batch->out_of_memory = false;
}

void batch_done(struct batch *batch)
{
	batch_clear(batch);
	free(batch->entries);
	free(batch->minutes);
	free(batch->reports);
	free(batch->incidents);
	free(batch->alarms);
	free(batch->removed);
	free(batch->closings);
	*batch = (struct batch){0};
}
