/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An action of somebody, done and on disk before it is answered.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/drilling.h"
#include "core/service.h"

static const char not_known[] =
	"the record cannot be written, so nobody knows whether it was done; the service starts "
	"again from what is on disk: wastewatch status";

/* what it is about may be in the record only: an incident that no longer runs */
static int act_on_the_real(struct service *service, const struct action *action, char *error)
{
	struct action with_past = *action;
	struct action_past past = {0};
	int r = 0;

	if (action_needs_past(action->kind))
		r = record_past(service->record, action->target, &past);
	if (r > 0)
		with_past.past = &past;
	if (r >= 0)
		r = core_act(service->core, &with_past, service_now(service), error);
	record_past_done(&past);
	return r;
}

static int act(struct service *service, const struct action *action, char *error)
{
	if (drilling_is_meant(action))
		return drilling_act(service, action, service_now(service), error);
	return act_on_the_real(service, action, error);
}

int service_act(struct service *service, const struct action *action, char *error)
{
	int r;

	*error = '\0';
	r = service->failed ? -EIO : act(service, action, error);
	if (r == 0) {
		service_commit(service);
		r = service->failed ? -EIO : 0;
	}
	if (r == -EIO)
		(void)snprintf(error, ACTION_ERROR_MAX, "%s", not_known);
	else if (r < 0 && !*error)
		(void)snprintf(error, ACTION_ERROR_MAX, "%s", strerror(-r));
	return r;
}
