/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-plan: prints what the pollers of a configuration read and when, so that other
 * clients can do the same.
 *
 *   bench-plan DIR     "grid US", then a line per request:
 *                      LINK HOST PORT ID INTERVAL_US PHASE_US FUNCTION ADDRESS COUNT
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/config.h"
#include "core/plan.h"

int main(int argc, char **argv)
{
	CLEANUP(config_free) struct config *config = NULL;
	CLEANUP(plan_free) struct plan *plan = NULL;

	if (argc != 2) {
		(void)fputs("Usage: bench-plan DIR\n", stderr);
		return 2;
	}
	if (config_load(&config, argv[1], stderr, NULL) < 0 || plan_new(&plan, config) < 0)
		return EXIT_FAILURE;
	(void)printf("grid %u\n", plan->grid_us);
	for (size_t i = 0; i < plan->n_requests; i++) {
		const struct wire_request *rq = &plan->requests[i];
		const struct wire_unit *u = &plan->units[rq->unit];
		const struct wire_link *l = &plan->links[u->link];

		(void)printf("%u %s %u %u %u000 %u %u %u %u\n", u->link, l->host, l->port, u->id,
			     u->interval_ms, u->phase_us, rq->function, rq->address, rq->count);
	}
	return EXIT_SUCCESS;
}
