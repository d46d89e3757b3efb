/* SPDX-License-Identifier: Apache-2.0 */
/* What the system's journal has missed, from the record; see journal.h. */
#include "common/log.h"
#include "core/service.h"

static void on_entry(void *userdata, uint64_t seq, const char *line, const uint8_t hash[static 32])
{
	struct service *service = userdata;

	journal_late(service->journal, seq, line, hash);
}

bool late_queue(struct service *service)
{
	uint64_t after, before;
	size_t n = journal_wants(service->journal, record_end(service->record), &after);

	if (n > 0 && record_entries(service->record, after, n, on_entry, service) < 0) {
		log_err("the record cannot be read: %s", record_error(service->record));
		return false;
	}
	if (n == 0)
		return false;
	before = after;
	(void)journal_wants(service->journal, record_end(service->record), &after);
	return after > before;
}

void late_tell(struct service *service)
{
	struct event event = event_plain(EVENT_JOURNAL_RESENT, service_now(service));
	uint64_t end = record_end(service->record);
	struct journal_missed missed;

	(void)late_queue(service);
	if (!journal_caught_up(service->journal, end, &missed))
		return;
	event.number = (int64_t)missed.n;
	event.since_ms = missed.since_ms;
	event.reason = missed.why;
	core_event(service->core, &event);
}
