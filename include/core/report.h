/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.h - what the department is told about an incident
 *
 * A body as Standard Webhooks 1.0.0 wants it, {"type", "timestamp", "data"}, canonical JSON
 * like the entries. The schema is conf/schema/report.schema.json. Pure: no clock, no I/O.
 */
#pragma once

#include "core/core.h"

/**
 * report_data() - the "data" of an incident's report
 * @incident: open, or just ended
 * @at: of the report
 * @ended_ms: UTC, 0 while it runs
 * Return: canonical JSON text, freed by the caller; NULL: no memory.
 */
char *report_data(const struct core *core, const struct core_incident *incident, struct stamp at,
		  int64_t ended_ms, const char *change);

/**
 * report_removed() - the "data" of the last report of an incident that has no configuration
 * any more, made of the one before
 * Return: as report_data(); NULL too if @summary is no such data.
 */
char *report_removed(const struct core *core, const char *summary, struct stamp at,
		     const char *change);

/**
 * report_subject() - site, kind and class of an incident of which only the last report is left
 * @event: gets them; the site stays EVENT_NONE where it is no longer configured
 */
void report_subject(const struct core *core, const char *summary, struct event *event);

/**
 * report_closed() - the "data" of the report that an incident was closed, made of the last one
 * @action: who closed it, with cause and measures; @action->past
 * Return: as report_data(); NULL too if there is no such data in @action->past.
 */
char *report_closed(const struct core *core, const struct action *action, struct stamp at);

/**
 * report_heartbeat() - body of a sign of life; @destination: index into the configuration
 * Return: as report_body().
 */
char *report_heartbeat(const struct core *core, size_t destination, struct stamp at,
		       const char *webhook_id);

/**
 * report_body() - wrap "data" up
 * @type: "incident.opened", "incident.updated", "incident.ended", "incident.closed"
 * @wall_ms: moment of the event
 */
char *report_body(const struct core *core, const char *type, int64_t wall_ms, const char *data);

/**
 * report_skipping() - the same body, saying that it stands for updates that were never sent
 * @body: of report_body()
 * @n: how many; the receiver sees no gap in "update" that this does not explain
 * Return: as report_data(); NULL too if @body is none.
 */
char *report_skipping(const char *body, int64_t n);
