/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "poller/link_state.h"

int link_new(struct link **ret, const struct link_plan *plan, int64_t now_us, uint64_t seed)
{
	CLEANUP(link_free) struct link *link = calloc(1, sizeof(*link));
	int r;

	if (!link)
		return -ENOMEM;
	r = pace_new(&link->pace, plan, now_us);
	if (r == 0 && plan->link->kind != WIRE_LINK_TCP)
		r = instep_new(&link->instep);
	if (r < 0)
		return r;
	link->plan = *plan;
	link->state = WIRE_LINK_BACKING_OFF;
	link->deadline_us = now_us; /* a pause that is over: the first step connects */
	link->random = seed | 1;    /* xorshift must not start from 0 */
	link->report.key = plan->link->key;
	*ret = steal(&link);
	return 0;
}

struct link *link_free(struct link *link)
{
	if (!link)
		return NULL;
	(void)pace_free(link->pace);
	(void)instep_free(link->instep);
	free(link);
	return NULL;
}

void link_inherit(struct link *link, struct link *old)
{
	struct link_plan plan = link->plan;
	struct pace *pace = link->pace;
	struct instep *instep = link->instep;

	pace_inherit(pace, old->pace);
	*link = *old;
	link->plan = plan;
	link->pace = pace;
	link->instep = instep;
	if (instep)
		instep_copy(instep, old->instep, old->state == WIRE_LINK_WAITING);
	if (link->state == WIRE_LINK_WAITING || link->again)
		link->sent.ask.request = pace_find(pace, &link->sent.copy, link->sent.unit_id,
						   &link->sent.ask.unit);
	link->again = link->again && link->sent.ask.request != LINK_NONE;
}

void link_inherit_debts(struct link *link, const struct link *old)
{
	if (!link->instep || !old->instep)
		return;
	instep_copy(link->instep, old->instep, false);
	silence_keep(&link->silence, old->silence.ready_us);
	if (old->state != WIRE_LINK_WAITING)
		return;
	instep_silent(link->instep, old->sent.unit_id, &old->sent.asked);
	silence_keep(&link->silence, old->sent.sent_us + old->sent.quiet_us);
}

size_t link_actions_max(const struct link *link)
{
	/* every request may be reported once, what is left of the outstanding one once more;
	 * close, connect or send, and three lines for people */
	return link->plan.first_request[link->plan.n_units] - link->plan.first_request[0] + 7;
}

void link_account(struct link *link, int64_t now_us)
{
	silence_note(&link->silence, now_us, link->state == WIRE_LINK_WAITING,
		     link->state == WIRE_LINK_IDLE);
}

int64_t link_wake_us(const struct link *link)
{
	int64_t next_us;

	if (link->state != WIRE_LINK_IDLE)
		return link->deadline_us;
	next_us = pace_next_us(link->pace);
	return link->silence.ready_us > link->silence.seen_us ? MIN(next_us, link->silence.ready_us)
							      : next_us;
}

enum wire_link_state link_state(const struct link *link)
{
	return link->state;
}

bool link_is_up(const struct link *link)
{
	return link->up;
}

bool link_is_down(const struct link *link)
{
	return link->down;
}

const struct wire_request *link_outstanding(const struct link *link, uint8_t *ret_unit_id)
{
	*ret_unit_id = link->sent.unit_id;
	return &link->sent.asked;
}

void link_report(const struct link *link, struct wire_link_report *ret)
{
	*ret = link->report;
	ret->state = (uint32_t)link->state;
	ret->n_overruns = pace_n_overruns(link->pace);
	ret->n_degraded = pace_n_degraded(link->pace);
	ret->n_refused = (uint16_t)MIN(pace_n_refused(link->pace), (uint32_t)UINT16_MAX);
	ret->busy_permille = link->silence.permille;
}
