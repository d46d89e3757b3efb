/* SPDX-License-Identifier: Apache-2.0 */
/* what is told of incidents: entries, reports, rows of the record */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* reports only go where reports are read, and none below its class */
static bool is_for(const struct config_destination *destination, uint32_t class)
{
	return destination->kind == DESTINATION_REPORTS &&
	       class >= (uint32_t)destination->min_class;
}

static uint64_t key_of_name(const struct config_destination *destination)
{
	return hash64(HASH64_SEED, destination->name, strlen(destination->name));
}

static bool knows(const struct core_incident *incident,
		  const struct config_destination *destination)
{
	for (size_t i = 0; i < CONFIG_DESTINATIONS_MAX; i++)
		if (incident->told[i] == key_of_name(destination))
			return true;
	return false;
}

/* does the destination know of the incident? From now on it does. */
static bool was_told(struct core_incident *incident, const struct config_destination *destination)
{
	uint64_t key = key_of_name(destination);

	for (size_t i = 0; i < CONFIG_DESTINATIONS_MAX; i++) {
		if (incident->told[i] == key)
			return true;
		if (incident->told[i] == 0) {
			incident->told[i] = key;
			return false;
		}
	}
	return true; /* destinations were exchanged again and again during the incident */
}

static void add_report(struct core *core, const struct core_incident *incident,
		       enum event_type type, size_t destination, struct stamp at, const char *data)
{
	struct batch_report *report = batch_add(core->batch, reports);

	if (!report)
		return;
	report->destination = (uint32_t)destination;
	report->lane = incident->class == CLASS_EMERGENCY ? 0 : 1;
	report->created_ms = at.wall_ms;
	report->type = strdup(event_type_text(type));
	report->incident = strdup(incident->id);
	report->body = report_body(core, event_type_text(type), at.wall_ms, data);
	if (asprintf(&report->webhook_id, "%s-%llu-%s", core->log_id,
		     (unsigned long long)core->log->seq,
		     core->config->destinations[destination].name) < 0)
		report->webhook_id = NULL;
	if (!report->type || !report->incident || !report->body || !report->webhook_id)
		core->batch->out_of_memory = true;
}

/* names of the destinations that know of it, a space behind each */
static char *told_names(const struct core *core, const struct core_incident *incident)
{
	char names[CONFIG_DESTINATIONS_MAX * (CONFIG_NAME_MAX + 1) + 1] = "";
	size_t n = 0;

	for (size_t i = 0; i < core->config->n_destinations && i < CONFIG_DESTINATIONS_MAX; i++)
		if (knows(incident, &core->config->destinations[i]))
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
	data = report_data(core, incident, ended_ms, event->reason);
	if (!data) {
		core->batch->out_of_memory = true;
		return;
	}
	for (size_t i = 0; i < core->config->n_destinations; i++) {
		const struct config_destination *destination = &core->config->destinations[i];

		/* the first it sees of an incident is "opened", even where the incident has only
		 * now risen to its class */
		if (is_for(destination, incident->class))
			add_report(core, incident,
				   was_told(incident, destination) ? event->type
								   : EVENT_INCIDENT_OPENED,
				   i, event->at, data);
	}
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

void incident_removed(struct core *core, const char *id, const char *summary, struct stamp at,
		      const char *reason)
{
	struct event event = event_plain(EVENT_INCIDENT_REMOVED, at);
	struct core_incident incident = {0};
	enum limit_class class = CLASS_LIMIT;
	char *data;

	event.name = event.incident = id;
	event.reason = reason;
	core_event(core, &event);
	data = report_removed(core, summary, at, reason, &class);
	incident.class = class;
	(void)snprintf(incident.id, sizeof(incident.id), "%s", id);
	for (size_t i = 0; data && i < core->config->n_destinations; i++)
		if (is_for(&core->config->destinations[i], class))
			add_report(core, &incident, EVENT_INCIDENT_ENDED, i, at, data);
	free(data);
}

static bool is_among(const char *names, const char *name)
{
	size_t n = strlen(name);

	for (; *names; names += strcspn(names, " ") + 1)
		if (strncmp(names, name, n) == 0 && names[n] == ' ')
			return true;
	return false;
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
	struct core_incident incident = {0};
	enum limit_class class = CLASS_LIMIT;
	char *data = report_closed(core, action, at, &class);

	incident.class = class;
	(void)snprintf(incident.id, sizeof(incident.id), "%s", action->target);
	for (size_t i = 0; data && i < core->config->n_destinations; i++)
		if (core->config->destinations[i].kind == DESTINATION_REPORTS &&
		    is_among(action->past->told, core->config->destinations[i].name))
			add_report(core, &incident, EVENT_INCIDENT_CLOSED, i, at, data);
	add_closing(core, action, at, data);
	free(data);
}
