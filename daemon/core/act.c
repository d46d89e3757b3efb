/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An action of somebody, done and on disk before it is answered.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/service.h"

static const char not_known[] =
	"the record cannot be written, so nobody knows whether it was done; the service starts "
	"again from what is on disk: wastewatch status";

int service_act(struct service *service, const struct action *action, char *error)
{
	int r;

	*error = '\0';
	r = service->failed ? -EIO : core_act(service->core, action, service_now(service), error);
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
