/* SPDX-License-Identifier: Apache-2.0 */
/* what the record says of itself, as a sentence for people */
#include <stdio.h>

#include "core/event.h"

static const char *or_empty(const char *text)
{
	return text ? text : "";
}

void event_message_record(const struct event *event, const struct config *config, char *text)
{
	const char *name = or_empty(event->name), *reason = or_empty(event->reason);
	const char *user = or_empty(event->user);
	const struct event_keys none = {0}, *keys = event->keys ? event->keys : &none;
	long long number = (long long)event->number;

	(void)config;
	if (event->type == EVENT_RECORD_VERIFIED)
		(void)snprintf(text, EVENT_MESSAGE_MAX,
			       "The record was verified: %lld entries and %lld signed heads are "
			       "good",
			       number, (long long)event->heads);
	else if (event->type == EVENT_RECORD_DAMAGED)
		(void)snprintf(text, EVENT_MESSAGE_MAX,
			       "The record is damaged: %s; find out who or what did it, keep a "
			       "copy, then: wastewatch record seen",
			       reason);
	else if (event->type == EVENT_RECORD_REPLACED)
		(void)snprintf(text, EVENT_MESSAGE_MAX,
			       "The record was damaged (%s) and is set aside as %s; this is a new "
			       "one; when you have looked at it: wastewatch record seen",
			       reason, name);
	else if (event->type == EVENT_RECORD_SEEN)
		(void)snprintf(text, EVENT_MESSAGE_MAX,
			       "What is wrong with the record was seen by %s%s%s%s", user,
			       *reason ? " (" : "", reason, *reason ? ")" : "");
	else if (event->type == EVENT_REPORTS_FIXED && event->has_left)
		(void)snprintf(text, EVENT_MESSAGE_MAX,
			       "%lld reports and files wait to be sent as they are: %s; %lld more "
			       "are to come",
			       number, reason, (long long)event->left);
	else if (event->type == EVENT_REPORTS_FIXED)
		(void)snprintf(text, EVENT_MESSAGE_MAX,
			       "%lld reports and files wait to be sent as they are%s%s", number,
			       *reason ? ": " : "", reason);
	else if (event->type == EVENT_REPORT_ALTERED)
		(void)snprintf(
			text, EVENT_MESSAGE_MAX,
			"Report %s for %s is not the one that was made (%s): it is not sent; "
			"find out who or what did it, keep a copy of the record, then: "
			"wastewatch record seen",
			or_empty(event->report), name, reason);
	else
		(void)snprintf(text, EVENT_MESSAGE_MAX,
			       "The record is signed by key %s from now on, in place of %s%s%s",
			       or_empty(keys->id), or_empty(keys->old_id), *reason ? ": " : "",
			       reason);
}
