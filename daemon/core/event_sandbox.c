/* SPDX-License-Identifier: Apache-2.0 */
/* how the programs are set up, as sentences for people: what a sandbox refuses, which credential is
 * missing; see event_message.c */
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

void event_sentence_credential(const struct event *event, const struct config *config, char *text)
{
	const char *name = event->name ? event->name : "";

	(void)config;
	(void)snprintf(
		text, EVENT_MESSAGE_MAX,
		"Reports to %s lack a signature, and may be refused there: %s; see: wastewatch "
		"check; then: systemctl restart wastewatchd; wastewatch outbox retry %s",
		name, event->reason ? event->reason : "", name);
}
