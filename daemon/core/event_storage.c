/* SPDX-License-Identifier: Apache-2.0 */
/* what happened to disk and journal as a sentence for people; see event_message.c */
#include <stdio.h>

#include "core/event_sentences.h"

void event_sentence_storage(const struct event *event, const struct config *config, char *text)
{
	const char *reason = event->reason ? event->reason : "";
	char since[CLOCK_TEXT_MAX], until[CLOCK_TEXT_MAX];

	clock_format(event->since_ms, config->zone_min, since);
	clock_format(event->until_ms, config->zone_min, until);
	if (event->type == EVENT_STORAGE_LOW)
		(void)snprintf(text, EVENT_MESSAGE_MAX,
			       "Room for the record is getting short: %s; make room: df, "
			       "wastewatch status",
			       reason);
	else if (event->type == EVENT_STORAGE_CRITICAL)
		(void)snprintf(text, EVENT_MESSAGE_MAX,
			       "There is hardly any room for the record: %s; minute values are not "
			       "stored any more; make room at once",
			       reason);
	else if (event->type == EVENT_JOURNAL_RESENT)
		(void)snprintf(text, EVENT_MESSAGE_MAX,
			       "%lld entries since %s have been told to the journal late: %s",
			       (long long)event->number, since, reason);
	else if (event->since_ms)
		(void)snprintf(text, EVENT_MESSAGE_MAX,
			       "There is room for the record again; from %s to %s were not stored: "
			       "%s",
			       since, until, reason);
	else
		(void)snprintf(text, EVENT_MESSAGE_MAX, "There is room for the record again: %s",
			       reason);
}
