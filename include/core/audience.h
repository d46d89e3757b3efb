/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audience.h - who is told about an incident, and in which form
 *
 * A destination says what it wants to be told of: kinds, sites, least class, level and verdict,
 * receptors. Once it has been told of an incident it gets every later report of it, the end too,
 * whatever the incident has become: an alarm that is never ended is worse than one too many. The
 * first report that it gets is incident.opened, however late that is. Pure: no clock, no I/O.
 */
#pragma once

#include "core/core.h"

/**
 * struct audience_news - a report that is due; all the caller's
 * @data: text of report_data()
 * @incident: who was told is kept there; @incident->reported is the time of the report before.
 *   NULL: it is not open any more
 * @before: not open any more: data of its last report; else NULL
 * @told: not open any more: names of those who were told, a space behind each; nobody else is
 * @withdrawn: it ends because it cannot be watched any more
 */
struct audience_news {
	enum event_type type;
	struct stamp at;
	const char *data;
	struct core_incident *incident;
	const char *before;
	const char *told;
	bool withdrawn;
};

/**
 * audience_tell() - put a report into the batch for each destination that it is for
 * Where there is no memory for one, the batch says so.
 */
void audience_tell(struct core *core, const struct audience_news *news);

/** audience_knows() - was the destination told of an open incident? */
bool audience_knows(const struct core_incident *incident,
		    const struct config_destination *destination);
