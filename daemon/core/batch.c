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

/* what an incident is told by comes before all else, but not without end either */
bool batch_takes_entry(struct batch *batch, enum event_type type)
{
	bool is_vital = type == EVENT_INCIDENT_OPENED || type == EVENT_INCIDENT_ENDED ||
			type == EVENT_INCIDENT_LEVEL || type == EVENT_STORAGE_RECOVERED;
	size_t most = is_vital ? 2 * BATCH_KEPT_ENTRIES : BATCH_KEPT_ENTRIES;

	if (!batch->is_kept || batch->n_entries < most)
		return true;
	batch->n_left_out_entries++;
	return false;
}

bool batch_takes_report(struct batch *batch, bool is_file, bool is_update)
{
	size_t share = is_file ? 0 : is_update ? 1 : 2;

	/* a report's id is the number of its entry, so there is none without */
	if (!batch->is_kept || (batch->n_reports < share * BATCH_KEPT_REPORTS &&
				batch->n_entries <= share * BATCH_KEPT_ENTRIES))
		return true;
	batch->n_left_out_reports++;
	return false;
}

static void report_done(struct batch_report *report)
{
	free(report->webhook_id);
	free(report->type);
	free(report->incident);
	free(report->body);
}

static void incident_done(struct batch_incident *incident)
{
	free(incident->acknowledged_by);
	free(incident->told);
	free(incident->summary);
}

size_t batch_drop_files(struct batch *batch, uint32_t lane)
{
	size_t n = 0, before = batch->n_reports;

	for (size_t i = 0; i < before; i++) {
		if (batch->reports[i].lane == lane)
			report_done(&batch->reports[i]);
		else
			batch->reports[n++] = batch->reports[i];
	}
	batch->n_reports = n;
	return before - n;
}

/* a row without a judgement keeps value and incident of the one before, as record_commit() does */
static void fold_alarms(struct batch *batch)
{
	size_t n = 0;

	for (size_t i = 0; i < batch->n_alarms; i++) {
		struct batch_alarm row = batch->alarms[i];
		size_t at = 0;

		while (at < n && batch->alarms[at].limit != row.limit)
			at++;
		if (at < n && !row.is_judged) {
			row.is_judged = batch->alarms[at].is_judged;
			row.value = batch->alarms[at].value;
			memcpy(row.incident, batch->alarms[at].incident, sizeof(row.incident));
		}
		batch->alarms[at] = row;
		n = at == n ? n + 1 : n;
	}
	batch->n_alarms = n;
}

static void fold_incidents(struct batch *batch)
{
	size_t n = 0;

	for (size_t i = 0; i < batch->n_incidents; i++) {
		struct batch_incident row = batch->incidents[i];
		size_t at = 0;

		while (at < n && strcmp(batch->incidents[at].id, row.id) != 0)
			at++;
		if (at < n) {
			if (row.first_out == EVENT_NONE)
				row.first_out = batch->incidents[at].first_out;
			incident_done(&batch->incidents[at]);
		}
		batch->incidents[at] = row;
		n = at == n ? n + 1 : n;
	}
	batch->n_incidents = n;
}

void batch_fold(struct batch *batch)
{
	fold_alarms(batch);
	fold_incidents(batch);
}

void batch_clear(struct batch *batch)
{
	for (size_t i = 0; i < batch->n_entries; i++) {
		free(batch->entries[i].line);
		free(batch->entries[i].message);
		free(batch->entries[i].incident);
	}
	for (size_t i = 0; i < batch->n_reports; i++)
		report_done(&batch->reports[i]);
	for (size_t i = 0; i < batch->n_incidents; i++)
		incident_done(&batch->incidents[i]);
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
