/* SPDX-License-Identifier: Apache-2.0 */
/* what a sandbox refuses, as a sentence for people; see event_message.c */
#include <stdio.h>

#include "core/event_sentences.h"

void event_sentence_sandbox(const struct event *event, const struct config *config, char *text)
{
	const char *name = event->name ? event->name : "";
	const char *reason = event->reason ? event->reason : "";

	(void)config;
	if (event->type == EVENT_SANDBOX_OPEN)
		(void)snprintf(text, EVENT_MESSAGE_MAX,
			       "The sandbox of %s is not in force: it %s; systemctl cat %s", name,
			       reason, name);
	else
		(void)snprintf(text, EVENT_MESSAGE_MAX, "The sandbox of %s was tried: it %s", name,
			       reason);
}
