/* SPDX-License-Identifier: Apache-2.0 */
/*
 * incident.h - what the files incident*.c share; for the rest of the core it is in core.h
 *
 * The life of an incident:
 *
 *            an alarm of class limit or emergency
 *   nothing ──────────────────────────────────────▶ open ─────────────▶ ended ───────▶ closed
 *                                                    │ ▲   quiet for           by a person,
 *                     joined, class or level risen,  └─┘   the clear           with cause and
 *                     acknowledged, assessed anew          time, and           measures
 *                                                          nothing is under
 *                                                          way any more
 *
 * While it is open it has the slot of its site and kind in struct core. Once it has ended the slot
 * is free for the next one, and it is a row of the record until somebody closes it: who closes it
 * hands the row in, see struct action_past.
 *
 * Pure: no clock, no I/O.
 */
#pragma once

#include "core/action.h"
#include "core/core.h"

#define INCIDENT_WAIT_MS (14 * MS_PER_DAY) /* longest that one waits for what is under way [M] */

/** incident_site(), incident_kind() - whose slot it has; @incident is one of @core->incidents */
size_t incident_site(const struct core *core, const struct core_incident *incident);
enum waste_kind incident_kind(const struct core *core, const struct core_incident *incident);

/** incident_key() - a limit's key in struct core_incident */
uint64_t incident_key(const struct core *core, size_t limit);

/** incident_of() - an event of an open incident, its site, kind, class and id filled in */
struct event incident_event(const struct core *core, const struct core_incident *incident,
			    enum event_type type, struct stamp at);

/** incident_tell() - the entry, the reports to whom it concerns, and the row that people look at */
void incident_tell(struct core *core, struct core_incident *incident, struct event *event);

/** incident_update() - the same for one that goes on; @change: what is new, in words */
void incident_update(struct core *core, struct core_incident *incident, struct stamp at,
		     const char *change);

/** incident_report_closed() - a last report to those who know of an incident that has ended */
void incident_report_closed(struct core *core, const struct action *action, struct stamp at);
