/* SPDX-License-Identifier: Apache-2.0 */
/* what is wrong with the record until a person has seen it */
#include <errno.h>
#include <stdio.h>

#include "core/anchoring.h"
#include "core/chain.h"

void chain_altered(struct service *service, const char *destination, const struct record_job *job,
		   const char *words)
{
	struct event event = event_plain(EVENT_REPORT_ALTERED, service_now(service));

	event.name = destination;
	event.report = job->webhook_id;
	event.number = job->fixed;
	event.reason = words;
	core_event(service->core, &event);
	service->chain->is_unseen = true;
	(void)snprintf(service->chain->altered, sizeof(service->chain->altered), "%s",
		       job->webhook_id);
}

int chain_seen(struct service *service, const char *user, const char *reason, char *error)
{
	struct event event = event_plain(EVENT_RECORD_SEEN, service_now(service));
	bool was_unseen = service->chain->is_unseen;

	event.user = user;
	event.reason = reason;
	if (was_unseen)
		core_event(service->core, &event);
	if (anchoring_seen(service, user, reason) == 0 && !was_unseen) {
		(void)snprintf(error, ACTION_ERROR_MAX,
			       "the record is not damaged, or somebody has said so already");
		return -EALREADY;
	}
	service_commit(service);
	if (service->failed) {
		(void)snprintf(error, ACTION_ERROR_MAX, "the record cannot be written");
		return -EIO;
	}
	service->chain->is_unseen = service->chain->is_unvouched = false;
	*service->chain->altered = '\0';
	return 0;
}

bool chain_is_healthy(const struct service *service)
{
	return !service->chain->is_unseen;
}
