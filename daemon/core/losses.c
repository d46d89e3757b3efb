/* SPDX-License-Identifier: Apache-2.0 */
#include "core/losses.h"

void losses_started(struct losses *losses, int64_t since_ms)
{
	if (losses->started.n == 0)
		losses->since_ms = since_ms;
	tally_add(&losses->started, 1);
}

static void say(struct service *service, struct tally *tally, enum event_type type,
		const char *reason, int64_t since_ms, bool all)
{
	struct stamp now = service_now(service);
	struct event event = event_plain(type, now);

	event.number = tally_take(tally, now.mono_ms, all);
	event.reason = reason;
	event.since_ms = since_ms;
	if (event.number > 0)
		core_event(service->core, &event);
}

void losses_say(struct losses *losses, struct service *service, bool all)
{
	say(service, &losses->dropped, EVENT_READINGS_LOST,
	    "the poller's buffer was full while the core was away", 0, all);
	say(service, &losses->unseen, EVENT_READINGS_LOST,
	    "the poller holds them no more, this record never did", 0, all);
	say(service, &losses->started, EVENT_POLLER_STARTED, NULL, losses->since_ms, all);
}
