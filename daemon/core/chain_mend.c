/* SPDX-License-Identifier: Apache-2.0 */
/* what a start does not believe of outbox and incidents, and puts right: see record_mend.h */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "common/log.h"
#include "core/chain.h"
#include "core/record_mend.h"

static void say(struct service *service, const char *reason)
{
	struct event event = event_plain(EVENT_RECORD_DAMAGED, service_now(service));

	event.reason = reason; /* "entry" is 0: the entries are not touched by that */
	core_event(service->core, &event);
	service->chain->is_unseen = true;
}

static void say_mended(struct service *service, const struct record_mended *mended)
{
	char words[256];

	if (mended->n_turns > 0) {
		(void)snprintf(words, sizeof(words),
			       "reports waited for another turn, or in another place, than is due "
			       "(%" PRId64 "); that is put right",
			       mended->n_turns);
		say(service, words);
	}
	if (mended->n_released > 0) {
		(void)snprintf(words, sizeof(words),
			       "reports were held, and no entry said so (%" PRId64
			       ", the first is %.100s); they wait again",
			       mended->n_released, mended->report);
		say(service, words);
	}
	if (mended->n_incidents > 0) {
		(void)snprintf(words, sizeof(words),
			       "what was kept of incidents was not what the entries say (%" PRId64
			       ", the first is %.60s); it is made anew from these",
			       mended->n_incidents, mended->incident);
		say(service, words);
	}
}

/* held when the record before was set aside: the chain that begins has to say so itself */
static void on_stopped(void *userdata, const char *report, const char *destination,
		       const char *reason)
{
	struct service *service = userdata;
	struct event event = event_plain(EVENT_REPORT_STOPPED, service_now(service));

	event.name = destination;
	event.report = report;
	event.user = "wastewatchd";
	event.reason = *reason ? reason : "it was held in the record before this one";
	event.number = 1;
	core_event(service->core, &event);
}

int chain_mend(struct service *service, const struct record_start *start)
{
	uint64_t seq = start->chain.seq;
	struct record_mended mended = {0};
	int r;

	if (start->created)
		r = record_stopped(service->record, on_stopped, service);
	else
		r = record_mend(service->record,
				seq > CHAIN_START_ENTRIES ? seq - CHAIN_START_ENTRIES : 0, &mended);
	if (r < 0 && !record_is_full(r)) {
		log_err("the outbox cannot be put right: %s", record_error(service->record));
		return r;
	}
	if (r == 0)
		say_mended(service, &mended);
	return 0;
}
