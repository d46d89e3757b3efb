/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link_state.h - inside of a link, shared by link.c (what to do) and link_state.c (the rest)
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "poller/instep.h"
#include "poller/link.h"
#include "poller/pace.h"
#include "poller/silence.h"

/*
 * The request that was sent last. It is a copy, since a reload may take its original away;
 * @request is then LINK_NONE and nothing is reported.
 * @asked: what was really sent; another than @copy while @getting in step (instep.h)
 * @rest_us, @quiet_us: turnaround and worst answer time of the unit
 * @seen: what came in place of an answer so far, WIRE_OK nothing
 */
struct outstanding {
	struct wire_request copy;
	struct wire_request asked;
	bool getting;
	enum wire_status seen;
	int64_t rest_us;
	int64_t quiet_us;
	uint8_t unit_id;
	uint32_t unit;
	uint32_t request;
	int64_t sent_us;
};

struct link {
	struct link_plan plan;
	struct pace *pace;
	enum wire_link_state state;
	int64_t deadline_us; /* of the state; LINK_NEVER in IDLE */
	struct outstanding sent;
	bool answered; /* since the connection was opened */
	bool up;
	bool down;
	uint32_t n_failures; /* in a row, for the back-off */
	uint64_t random;
	struct wire_link_report report;
	struct instep *instep; /* lines only: NULL tells a connection with transaction numbers */
	bool again;	       /* the request that was sent last is to be sent once more */
	struct silence silence;
};
