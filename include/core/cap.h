/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cap.h - a report as an alert of the Common Alerting Protocol
 *
 * OASIS CAP 1.2 (urn:oasis:names:tc:emergency:cap:1.2), made of the "data" of the JSON report,
 * so that both say the same. Two info blocks, vi-VN and en; the plant's own words (titles,
 * advice, causes) stand in both as they were written. Pure: no clock, no I/O.
 *
 *   identifier   INCIDENT.UPDATE.DESTINATION: two reports never share one, and that of an earlier
 *                report can be told from the number of its update, so nothing is kept for it
 *   sender       the station's origin
 *   status       Exercise for a drill, with its name in note; else Actual. Never Test: "all
 *                recipients to disregard" is not what a drill wants
 *   msgType      Alert for incident.opened, else Update with references. The end of an incident
 *                is an Update whose responseType is AllClear: a Cancel takes back what was
 *                said, and what was said did happen, its masses and peaks stay true. Cancel, and
 *                no AllClear, where an incident goes with its configuration: what was told
 *                cannot be watched any more, and nobody measured that it is over
 *   scope        Restricted: whether the public is told is the authority's to decide (Law on
 *                Environmental Protection 72/2020/QH14, Art. 125(2))
 *   event        an incident of its kind; where only stations have seen something, which let
 * nothing go, that pollution was measured, and the headline says where it comes from category Env
 *   sent …       seconds and offset, UTC as -00:00; "Z" is never written
 *   expires      CAP_OPEN_VALID_MS behind an open incident's report, CAP_ENDED_VALID_MS behind an
 *                ended one's
 *
 *   severity         class limit   emergency        level: of the Law, Art. 123(1)
 *     facility       Minor         Moderate
 *     commune        Moderate      Severe
 *     province       Severe        Severe
 *     national       Severe        Extreme
 *     ended          Minor         Minor
 *
 *   urgency        ended: Past. Emergency, or measured beyond a boundary: Immediate. Else
 *                  Expected: the limit is broken now, and what is graver is no less urgent for
 *                  having a long way. Only to a destination that asks for receptors it is by the
 *                  first arrival there: within the hour Expected, later Future; not known Expected
 *   certainty      that it crosses a boundary or reaches a receptor: Unlikely, Possible, Likely,
 *                  Observed as the verdict has it, of a destination that asks for receptors that
 *                  of the worst of them. Where there is no verdict (none: nothing is near, or it
 *                  is not assessed yet) the alert is of the release alone, which was measured:
 *                  Observed
 *   responseType   ended: AllClear. Emergency: Execute and Avoid; limit: Assess and Monitor;
 *                  with them Prepare where a crossing is possible or likely. Withdrawn: None
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"
#include "core/catalogue.h"

#define CAP_CONTENT_TYPE   "application/cap+xml"
#define CAP_OPEN_VALID_MS  (7 * MS_PER_DAY) /* longer than any incident has nothing new to say */
#define CAP_ENDED_VALID_MS MS_PER_DAY

/**
 * struct cap_report - what an alert is made of; all the caller's
 * @data: text of report_data()
 * @type: "incident.opened", … as in the JSON report
 * @destination: its name
 * @webhook_id: of the envelope
 * @sent_ms: UTC, the report's timestamp
 * @zone_min: local time minus UTC
 * @first: language of the first info block
 * @withdrawn: it ends because it can be watched no more
 * @opened_ms: UTC, when this destination got its update 0; 0: it did not
 * @previous_ms: UTC, when it got the update before this one; 0: it did not, or it is not known
 * @previous: number of that update
 * @target: title of what this destination asks for, of several that with the worst verdict: the
 *	alert's words and its certainty are about that; NULL it asks for all
 */
struct cap_report {
	const char *data;
	const char *type;
	const char *destination;
	const char *webhook_id;
	int64_t sent_ms;
	int zone_min;
	enum catalogue_language first;
	bool withdrawn;
	int64_t opened_ms;
	int64_t previous_ms;
	uint32_t previous;
	const char *target;
};

/**
 * cap_body() - the alert
 * Return: XML text, UTF-8, freed by the caller; NULL: no memory, or @data is no report's.
 */
char *cap_body(const struct cap_report *report);

#define CAP_TIME_MAX 32

/** cap_time() - as CAP writes times: "2026-11-24T21:05:00+07:00", UTC "…-00:00" */
void cap_time(int64_t wall_ms, int zone_min, char text[static CAP_TIME_MAX]);

/**
 * cap_heartbeat() - a sign of life as an alert of status System: "messages that support alert
 * network internal functions" (CAP 1.2 §3.2.1); urgency, severity and certainty are Unknown
 * @report: as cap_body(); of the fields about incidents none is used
 * Return: as cap_body().
 */
char *cap_heartbeat(const struct cap_report *report);
