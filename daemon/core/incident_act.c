/* SPDX-License-Identifier: Apache-2.0 */
/* what people do about incidents: take notice of one that runs, close one that has ended */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/incident.h"
#include "core/report.h"

static struct core_incident *find_open(const struct core *core, const char *id)
{
	for (size_t i = 0; i < core->config->n_sites * N_WASTE_KINDS; i++)
		if (core->incidents[i].open && strcmp(core->incidents[i].id, id) == 0)
			return &core->incidents[i];
	return NULL;
}

static int not_found(const struct action *action, char *error)
{
	(void)snprintf(error, ACTION_ERROR_MAX,
		       "there is no incident \"%.*s\"; see: wastewatch incidents", INCIDENT_ID_MAX,
		       action->target);
	return -ENOENT;
}

static int already_closed(const struct core *core, const struct action *action, char *error)
{
	char time[CLOCK_TEXT_MAX];

	clock_format(action->past->closed_ms, core->config->zone_min, time);
	(void)snprintf(error, ACTION_ERROR_MAX, "%s was closed by %s at %s", action->target,
		       action->past->closed_by, time);
	return -EALREADY;
}

static int acknowledge(struct core *core, struct core_incident *incident,
		       const struct action *action, struct stamp at, char *error)
{
	struct event event = incident_event(core, incident, EVENT_INCIDENT_ACKNOWLEDGED, at);
	char time[CLOCK_TEXT_MAX];

	if (incident->acknowledged_ms) {
		clock_format(incident->acknowledged_ms, core->config->zone_min, time);
		(void)snprintf(error, ACTION_ERROR_MAX, "%s was acknowledged by %s at %s",
			       incident->id, incident->acknowledged_by, time);
		return -EALREADY;
	}
	incident->acknowledged_ms = at.wall_ms;
	(void)snprintf(incident->acknowledged_by, sizeof(incident->acknowledged_by), "%s",
		       action->user);
	event.user = action->user;
	event.reason = *action->reason ? action->reason : NULL;
	core_event(core, &event);
	incident_update(core, incident, at, "somebody has taken notice of it");
	return 0;
}

/* it has ended: nothing is left to be taken notice of but its cause */
static int too_late(const struct core *core, const struct action *action, char *error)
{
	if (action->past->closed_ms)
		return already_closed(core, action, error);
	(void)snprintf(error, ACTION_ERROR_MAX,
		       "%s has ended; what is left to do is to close it, with its cause and what "
		       "was done about it: wastewatch close",
		       action->target);
	return -EBUSY;
}

static int still_runs(const struct core_incident *incident, char *error)
{
	if (incident->n_active > 0)
		(void)snprintf(error, ACTION_ERROR_MAX,
			       "%s is running, %u of its alarms stand; it can be closed once it "
			       "has ended",
			       incident->id, incident->n_active);
	else
		(void)snprintf(error, ACTION_ERROR_MAX,
			       "%s is running: its alarms are clear, but not for long enough; it "
			       "can be closed once it has ended",
			       incident->id);
	return -EBUSY;
}

static int close_ended(struct core *core, const struct action *action, struct stamp at, char *error)
{
	struct event event = event_plain(EVENT_INCIDENT_CLOSED, at);

	if (action->past->closed_ms)
		return already_closed(core, action, error);
	if (!*action->measures) {
		(void)snprintf(
			error, ACTION_ERROR_MAX,
			"\"%s\" needs measures: what was done about it, and against the next "
			"one",
			action_text(action->kind));
		return -EINVAL;
	}
	report_subject(core, action->past->summary, &event);
	event.incident = action->target;
	event.user = action->user;
	event.reason = action->reason;
	event.measures = action->measures;
	core_event(core, &event);
	incident_report_closed(core, action, at);
	return 0;
}

int incident_act(struct core *core, const struct action *action, struct stamp at, char *error)
{
	struct core_incident *incident = find_open(core, action->target);
	bool closes = action->kind == ACTION_INCIDENT_CLOSE;

	if (incident)
		return closes ? still_runs(incident, error)
			      : acknowledge(core, incident, action, at, error);
	if (!action->past)
		return not_found(action, error);
	return closes ? close_ended(core, action, at, error) : too_late(core, action, error);
}
