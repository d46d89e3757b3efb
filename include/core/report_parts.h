/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report_parts.h - what is told about an incident beside its alarms and channels
 *
 * A part adds keys of its own to the report's "data", nothing where it has nothing to say.
 * Pure: no clock, no I/O. The keys are described in conf/schema/report.schema.json.
 */
#pragma once

#include <jansson.h>

#include "core/core.h"

typedef void report_part(const struct core *core, const struct core_incident *incident,
			 json_t *data);

/** report_part_released() - "released": mass per channel, and the time that had no data */
report_part report_part_released;

/** report_part_response() - "response": plan, the four on the spot, contacts */
report_part report_part_response;

/** report_part_form() - what else the hot-line form asks: "reporter", and the incident's media and
 * nature; behind the alarms, which it looks at */
report_part report_part_form;

/** report_part_crossing() - "crossing": may it cross, when, how strong, how sure */
report_part report_part_crossing;

/** report_reporter() - "reporter": who reports; NULL it is not configured */
json_t *report_reporter(const struct core *core);

/**
 * report_log() - "log" of any report: where the record stood, and that signed
 *
 * Number and hash are those of the report's own entry, which was chained just before. Both leave
 * the machine only after the commit that holds them.
 */
json_t *report_log(const struct core *core);
