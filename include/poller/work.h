/* SPDX-License-Identifier: Apache-2.0 */
/*
 * work.h - the plan as the poller takes it in: collected, checked, sorted by link
 *
 * Fed with the PLAN_… packets that wire_check() has passed; distrusts every field of them
 * all the same. No I/O, no clock.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/macro.h"
#include "common/wire.h"

#define WORK_UNITS_MAX	  (WIRE_LINKS_PER_POLLER * 256) /* unit ids have 8 bits */
#define WORK_REQUESTS_MAX (UINT32_C(1) << 20)
#define WORK_GRID_US_MAX  UINT32_C(1000000)
#define WORK_TIME_MS_MAX  UINT32_C(86400000) /* longest interval, time-out and back-off: a day */
#define WORK_GAP_US_MAX	  UINT32_C(1000000)

/**
 * struct work - a whole plan
 * @units: sorted by link, @requests: sorted by unit; the indices in them follow
 * @first_unit: per link, index into @units; n_links + 1 of them
 * @first_request: per unit, index into @requests; n_units + 1 of them
 */
struct work {
	uint64_t plan;
	uint32_t grid_us;
	uint32_t n_links;
	uint32_t n_units;
	uint32_t n_requests;
	struct wire_link *links;
	struct wire_unit *units;
	struct wire_request *requests;
	uint32_t *first_unit;
	uint32_t *first_request;
	uint32_t n_links_got; /* while it is being collected */
	uint32_t n_units_got;
	uint32_t n_requests_got;
};

/** work_free() - takes NULL. Return: NULL. */
struct work *work_free(struct work *work);
DEFINE_CLEANUP(struct work *, work_free)

/**
 * work_begin() - a plan is announced
 *
 * Return: 0; -EBADMSG with *@ret_why set to what is wrong; -ENOMEM.
 */
int work_begin(struct work **ret, const struct wire_plan_begin *begin, const char **ret_why);

/**
 * work_add() - a PLAN_LINKS, PLAN_UNITS or PLAN_REQUESTS packet
 *
 * Links come before units, units before requests, so that every index can be checked at once.
 * Return: 0; -EBADMSG with *@ret_why set; the work is then of no use.
 */
int work_add(struct work *work, const void *packet, const char **ret_why);

/** work_end() - all there? Then sort it. Return: 0; -EBADMSG with *@ret_why set; -ENOMEM. */
int work_end(struct work *work, const struct wire_plan_end *end, const char **ret_why);
