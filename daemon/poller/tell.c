/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "common/log.h"
#include "poller/answer.h"
#include "poller/tell.h"

/* the names that every manual uses, V1.1b3 §4.3 */
static const char *const tables[] = {
	[1] = "coil",
	[2] = "discrete input",
	[3] = "holding register",
	[4] = "input register",
};

/* "holding register 40", "input registers 7-9", counted from 0 as on the wire */
static void name_part(const struct wire_request *request, const struct link_action *action,
		      char *ret, size_t n)
{
	unsigned int first = (unsigned int)request->address + action->first;
	const char *table = tables[request->function];

	if (action->count == 1)
		(void)snprintf(ret, n, "%s %u", table, first);
	else
		(void)snprintf(ret, n, "%ss %u-%u", table, first, first + action->count - 1);
}

void tell_part(const char *link, unsigned int id, const struct wire_request *request,
	       const struct link_action *action)
{
	char part[48];

	name_part(request, action, part, sizeof(part));
	if (action->kind == LINK_PART_REFUSED)
		log_warning(
			"link %s: unit %u refuses %s: exception %u, %s; the others are read on, "
			"this is tried again at long intervals",
			link, id, part, (unsigned int)action->exception,
			action->exception == ANSWER_BAD_ADDRESS ? "illegal data address"
								: "illegal data value");
	else
		log_notice("link %s: unit %u answers for %s again", link, id, part);
}
