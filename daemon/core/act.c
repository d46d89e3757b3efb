/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An action of somebody, done and on disk before it is answered.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/drilling.h"
#include "core/service.h"
#include "core/storage.h"

static const char not_known[] =
	"the record cannot be written, so nobody knows whether it was done; the service starts "
	"again from what is on disk: wastewatch status";

/* an incident that no longer runs is in the record only. Return: as core_act(). */
static int act_on_incident(struct service *service, const struct action *action, char *error)
{
	struct action whole = *action;
	struct action_past past = {0};
	int r = record_past(service->record, action->target, &past);

	if (r < 0) {
		(void)snprintf(error, ACTION_ERROR_MAX, "the record cannot be read: %s",
			       record_error(service->record));
		return r == -EIO ? -EBADMSG : r; /* nothing was begun, so all is known */
	}
	whole.past = r > 0 ? &past : NULL;
	r = core_act(service->core, &whole, service_now(service), error);
	record_past_done(&past);
	return r;
}

static int act(struct service *service, const struct action *action, char *error)
{
	if (drilling_is_meant(action))
		return drilling_act(service, action, service_now(service), error);
	if (action_is_of_outbox(action->kind))
		return delivery_act(service->delivery, action, error);
	if (action_needs_past(action->kind))
		return act_on_incident(service, action, error);
	return core_act(service->core, action, service_now(service), error);
}

int service_act(struct service *service, const struct action *action, char *error)
{
	int r;

	*error = '\0';
	if (storage_is_failing(service->storage)) {
		(void)snprintf(
			error, ACTION_ERROR_MAX,
			"nothing was done: the record cannot be written (%s); make room first",
			storage_words(service->storage));
		return -EBUSY;
	}
	r = service->failed ? -EIO : act(service, action, error);
	if (r == 0) {
		service_commit(service);
		r = service->failed ? -EIO : 0;
	}
	if (r == 0 && action_is_of_outbox(action->kind))
		delivery_look(service->delivery);
	if (r == 0 && storage_is_failing(service->storage)) {
		(void)snprintf(
			error, ACTION_ERROR_MAX,
			"it is done, but not in the record yet, which cannot be written (%s); "
			"it will be when there is room, unless the service ends before",
			storage_words(service->storage));
		return -EBUSY;
	}
	if (r == -EIO)
		(void)snprintf(error, ACTION_ERROR_MAX, "%s", not_known);
	else if (r < 0 && !*error)
		(void)snprintf(error, ACTION_ERROR_MAX, "%s", strerror(-r));
	return r;
}
