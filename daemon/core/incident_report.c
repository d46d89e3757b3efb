/* SPDX-License-Identifier: Apache-2.0 */
/* what is told of incidents: entries, reports, rows of the record */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/audience.h"
#include "core/incident.h"
#include "core/report.h"

size_t incident_site(const struct core *core, const struct core_incident *incident)
{
	return (size_t)(incident - core->incidents) / N_WASTE_KINDS;
}

enum waste_kind incident_kind(const struct core *core, const struct core_incident *incident)
{
	return (enum waste_kind)((size_t)(incident - core->incidents) % N_WASTE_KINDS);
}

uint64_t incident_key(const struct core *core, size_t limit)
{
	const char *path = core->config->limits[limit].path;

	return hash64(HASH64_SEED, path, strlen(path));
}

/* names of the destinations that know of it, a space behind each */
static char *told_names(const struct core *core, const struct core_incident *incident)
{
	char names[CONFIG_DESTINATIONS_MAX * (CONFIG_NAME_MAX + 1) + 1] = "";
	size_t n = 0;

	for (size_t i = 0; i < core->config->n_destinations && i < CONFIG_DESTINATIONS_MAX; i++)
		if (audience_knows(incident, &core->config->destinations[i]))
			n += (size_t)snprintf(names + n, sizeof(names) - n, "%s ",
					      core->config->destinations[i].name);
	return strdup(names);
}

static void add_row(struct core *core, const struct core_incident *incident, int64_t ended_ms,
		    char *summary)
{
	struct batch_incident *row = batch_add(core->batch, incidents);

	if (!row) {
		free(summary);
		return;
	}
	*row = (struct batch_incident){
		.site = incident_site(core, incident),
		.kind = incident_kind(core, incident),
		.class = (enum limit_class)incident->class,
		.level = incident_level_text((enum incident_level)incident->level),
		.verdict = crossing_verdict_text((enum crossing_verdict)incident->verdict),
		.first_out = EVENT_NONE,
		.n_updates = incident->n_updates,
		.n_alarms = incident->n_alarms,
		.opened_ms = incident->opened.wall_ms,
		.ended_ms = ended_ms,
		.acknowledged_ms = incident->acknowledged_ms,
		.told = told_names(core, incident),
		.summary = summary,
	};
	memcpy(row->id, incident->id, sizeof(row->id));
	for (size_t i = 0; i < core->config->n_limits; i++)
		if (incident_key(core, i) == incident->first_out)
			row->first_out = i;
	if (incident->acknowledged_ms)
		row->acknowledged_by = strdup(incident->acknowledged_by);
	if (!row->told || (incident->acknowledged_ms && !row->acknowledged_by))
		core->batch->out_of_memory = true;
}

struct event incident_event(const struct core *core, const struct core_incident *incident,
			    enum event_type type, struct stamp at)
{
	struct event event = event_plain(type, at);

	event.site = incident_site(core, incident);
	event.kind = incident_kind(core, incident);
	event.incident = incident->id;
	event.incident_class = (enum limit_class)incident->class;
	return event;
}

void incident_tell(struct core *core, struct core_incident *incident, struct event *event)
{
	int64_t ended_ms = event->type == EVENT_INCIDENT_ENDED ? event->at.wall_ms : 0;
	char *data;

	event->site = incident_site(core, incident);
	event->kind = incident_kind(core, incident);
	event->incident = incident->id;
	event->incident_class = (enum limit_class)incident->class;
	event->number = incident->n_updates;
	core_event(core, event);
	data = report_data(core, incident, event->at, ended_ms, event->reason);
	if (!data) {
		core->batch->out_of_memory = true;
		return;
	}
	audience_tell(core, &(struct audience_news){
				    .type = event->type,
				    .at = event->at,
				    .data = data,
				    .incident = incident,
				    .withdrawn = ended_ms && incident->unconfigured,
			    });
	incident->reported = event->at;
	incident->dirty = false;
	add_row(core, incident, ended_ms, data);
}

void incident_update(struct core *core, struct core_incident *incident, struct stamp at,
		     const char *change)
{
	struct event event = event_plain(EVENT_INCIDENT_UPDATED, at);

	incident->n_updates++;
	event.reason = change;
	incident_tell(core, incident, &event);
}

void incident_removed(struct core *core, const char *id, const char *summary, const char *told,
		      struct stamp at, const char *reason)
{
	struct event event = event_plain(EVENT_INCIDENT_REMOVED, at);
	char *data;

	event.name = event.incident = id;
	event.reason = reason;
	core_event(core, &event);
	data = report_removed(core, summary, at, reason);
	if (data)
		audience_tell(core, &(struct audience_news){
					    .type = EVENT_INCIDENT_ENDED,
					    .at = at,
					    .data = data,
					    .before = summary,
					    .told = told,
					    .withdrawn = true,
				    });
	free(data);
}

static void add_closing(struct core *core, const struct action *action, struct stamp at,
			const char *data)
{
	struct batch_closing *row = batch_add(core->batch, closings);

	if (!row)
		return;
	*row = (struct batch_closing){
		.id = strdup(action->target),
		.at_ms = at.wall_ms,
		.user = strdup(action->user),
		.cause = strdup(action->reason),
		.measures = strdup(action->measures),
		.summary = data ? strdup(data) : NULL, /* the last one stays */
	};
	if (!row->id || !row->user || !row->cause || !row->measures || (data && !row->summary))
		core->batch->out_of_memory = true;
}

void incident_report_closed(struct core *core, const struct action *action, struct stamp at)
{
	char *data = report_closed(core, action, at);

	if (data)
		audience_tell(core, &(struct audience_news){
					    .type = EVENT_INCIDENT_CLOSED,
					    .at = at,
					    .data = data,
					    .before = action->past->summary,
					    .told = action->past->told,
				    });
	add_closing(core, action, at, data);
	free(data);
}
