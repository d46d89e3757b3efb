/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "poller/answer.h"
#include "poller/link.h"
#include "poller/pace.h"

/*
 * The request that was sent last. It is a copy, since a reload may take its original away;
 * @ask.request is then LINK_NONE and nothing is reported.
 */
struct outstanding {
	struct wire_request copy;
	struct wire_request part; /* the same, as far as it was sent */
	struct pace_ask ask;
	uint8_t unit_id;
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
};

/* where link_step() and its helpers put the actions */
struct script {
	struct link_action *actions;
	size_t n;
};

static void add(struct script *script, struct link_action action)
{
	script->actions[script->n++] = action;
}

int link_new(struct link **ret, const struct link_plan *plan, int64_t now_us, uint64_t seed)
{
	CLEANUP(link_free) struct link *link = calloc(1, sizeof(*link));
	int r;

	if (!link)
		return -ENOMEM;
	r = pace_new(&link->pace, plan, now_us);
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
	free(link);
	return NULL;
}

void link_inherit(struct link *link, struct link *old)
{
	struct link_plan plan = link->plan;
	struct pace *pace = link->pace;

	pace_inherit(pace, old->pace);
	*link = *old;
	link->plan = plan;
	link->pace = pace;
	if (link->state == WIRE_LINK_WAITING)
		link->sent.ask.request = pace_find(pace, &link->sent.copy, link->sent.unit_id,
						   &link->sent.ask.unit);
}

size_t link_actions_max(const struct link *link)
{
	/* every request may be reported once, what is left of the outstanding one once more;
	 * close, connect or send, and three lines for people */
	return link->plan.first_request[link->plan.n_units] - link->plan.first_request[0] + 6;
}

/* xorshift64, Marsaglia 2003: no secret depends on it */
static uint64_t draw(struct link *link)
{
	link->random ^= link->random << 13;
	link->random ^= link->random >> 7;
	link->random ^= link->random << 17;
	return link->random;
}

/* doubles from the least to the greatest pause; a quarter of it more or less by chance */
static int64_t draw_backoff_us(struct link *link)
{
	int64_t max_us = link->plan.link->backoff_max_ms * INT64_C(1000);
	int64_t pause_us = link->plan.link->backoff_min_ms * INT64_C(1000);

	for (uint32_t i = 0; i < link->n_failures && pause_us < max_us; i++)
		pause_us *= 2;
	pause_us = MIN(pause_us, max_us);
	if (link->n_failures < UINT32_MAX)
		link->n_failures++;
	return pause_us * 3 / 4 + (int64_t)(draw(link) % (uint64_t)(pause_us / 2 + 1));
}

static void start_connect(struct link *link, int64_t now_us, struct script *script)
{
	link->state = WIRE_LINK_CONNECTING;
	link->deadline_us = now_us + link->plan.link->connect_timeout_ms * INT64_C(1000);
	link->answered = false;
	add(script, (struct link_action){.kind = LINK_CONNECT});
}

static void report_one(const struct link *link, struct script *script, enum wire_status status,
		       uint8_t exception, int64_t now_us)
{
	int64_t took_us = now_us - link->sent.sent_us;

	if (link->sent.ask.request == LINK_NONE)
		return;
	add(script, (struct link_action){
			    .kind = LINK_REPORT,
			    .unit = link->sent.ask.unit,
			    .request = link->sent.ask.request,
			    .first = link->sent.ask.first,
			    .count = link->sent.ask.count,
			    .status = status,
			    .exception = exception,
			    .took_us = took_us > UINT32_MAX ? UINT32_MAX : (uint32_t)took_us,
		    });
}

/* all that is due and was not sent fails with the link */
static void report_pending(struct link *link, struct script *script)
{
	struct pace_ask ask;

	while (pace_drop(link->pace, &ask))
		add(script, (struct link_action){
				    .kind = LINK_REPORT,
				    .unit = ask.unit,
				    .request = ask.request,
				    .first = ask.first,
				    .count = ask.count,
				    .status = WIRE_DISCONNECTED,
			    });
}

static void back_off(struct link *link, int64_t now_us, int error, struct script *script)
{
	report_pending(link, script);
	link->state = WIRE_LINK_BACKING_OFF;
	link->deadline_us = now_us + draw_backoff_us(link);
	if (!link->down)
		add(script, (struct link_action){.kind = LINK_DOWN, .error = error});
	link->up = false;
	link->down = true;
}

/*
 * The connection goes. @request_failed: because of the outstanding request, so that other
 * units in order are a reason to be back at once; see (1) in the header.
 */
static void give_up(struct link *link, int64_t now_us, int error, bool request_failed,
		    struct script *script)
{
	bool at_once = link->answered ||
		       (request_failed && pace_others_healthy(link->pace, link->sent.ask.unit));

	if (request_failed && link->sent.ask.request != LINK_NONE)
		pace_failed(link->pace, link->sent.ask.unit);
	link->report.error = error;
	add(script, (struct link_action){.kind = LINK_CLOSE});
	if (at_once)
		start_connect(link, now_us, script);
	else
		back_off(link, now_us, error, script);
}

static void note_silence(struct link *link, int64_t now_us, struct script *script)
{
	if (link->sent.ask.request != LINK_NONE &&
	    pace_silent(link->pace, link->sent.ask.unit, now_us))
		add(script,
		    (struct link_action){.kind = LINK_DEGRADED, .unit = link->sent.ask.unit});
}

/* the other end speaks Modbus and is there */
static void note_life(struct link *link, int64_t now_us, struct script *script)
{
	uint32_t took_us = (uint32_t)MIN(now_us - link->sent.sent_us, (int64_t)UINT32_MAX);
	uint32_t round_us = (uint32_t)MIN(now_us - link->sent.ask.due_us, (int64_t)UINT32_MAX);

	link->answered = true;
	link->n_failures = 0;
	link->report.error = 0;
	link->report.worst_us = MAX(link->report.worst_us, took_us);
	/* every answer may be the last of its round */
	link->report.worst_round_us = MAX(link->report.worst_round_us, round_us);
	if (!link->up)
		add(script, (struct link_action){.kind = LINK_UP});
	link->up = true;
	link->down = false;
	link->state = WIRE_LINK_IDLE;
	link->deadline_us = LINK_NEVER;
}

static void note_answer(struct link *link, int64_t now_us, struct script *script)
{
	if (link->sent.ask.request != LINK_NONE &&
	    pace_answered(link->pace, link->sent.ask.unit, now_us))
		add(script,
		    (struct link_action){.kind = LINK_RESTORED, .unit = link->sent.ask.unit});
}

static void on_time(struct link *link, int64_t now_us, const struct link_input *input,
		    struct script *script)
{
	(void)input; /* time says nothing else */
	if (now_us < link->deadline_us)
		return;
	switch (link->state) {
	case WIRE_LINK_BACKING_OFF:
		start_connect(link, now_us, script);
		return;
	case WIRE_LINK_CONNECTING:
		add(script, (struct link_action){.kind = LINK_CLOSE});
		link->report.error = ETIMEDOUT;
		pace_mark(link->pace, now_us, false);
		back_off(link, now_us, ETIMEDOUT, script);
		return;
	case WIRE_LINK_WAITING:
		link->report.n_timeouts++;
		report_one(link, script, WIRE_TIMEOUT, 0, now_us);
		note_silence(link, now_us, script);
		give_up(link, now_us, ETIMEDOUT, true, script);
		return;
	case WIRE_LINK_IDLE:
		return;
	}
}

static void on_connected(struct link *link, int64_t now_us, const struct link_input *input,
			 struct script *script)
{
	(void)input; /* nothing to add */
	(void)script;
	if (link->state != WIRE_LINK_CONNECTING)
		return;
	link->report.n_connects++;
	link->state = WIRE_LINK_IDLE;
	link->deadline_us = LINK_NEVER;
	/* what came due meanwhile starts once; the link was not busy, so nothing is counted */
	pace_mark(link->pace, now_us, false);
}

static void on_closed(struct link *link, int64_t now_us, const struct link_input *input,
		      struct script *script)
{
	switch (link->state) {
	case WIRE_LINK_BACKING_OFF:
		return;
	case WIRE_LINK_CONNECTING:
		add(script, (struct link_action){.kind = LINK_CLOSE});
		link->report.error = input->error;
		pace_mark(link->pace, now_us, false);
		back_off(link, now_us, input->error, script);
		return;
	case WIRE_LINK_WAITING:
		report_one(link, script, WIRE_DISCONNECTED, 0, now_us);
		give_up(link, now_us, input->error, true, script);
		return;
	case WIRE_LINK_IDLE:
		give_up(link, now_us, input->error, false, script);
		return;
	}
}

static void tell_part(const struct link *link, struct script *script, enum link_action_kind kind,
		      uint8_t exception)
{
	add(script, (struct link_action){
			    .kind = kind,
			    .unit = link->sent.ask.unit,
			    .request = link->sent.ask.request,
			    .first = link->sent.ask.first,
			    .count = link->sent.ask.count,
			    .exception = exception,
		    });
}

static void note_part(struct link *link, int64_t now_us, struct script *script)
{
	struct pace_ask *ask = &link->sent.ask;
	enum split_outcome outcome = SPLIT_SAME;

	if (ask->request != LINK_NONE)
		outcome = pace_accepted(link->pace, ask, now_us);
	if (outcome == SPLIT_RESTARTED) {
		ask->first = 0;
		ask->count = link->sent.copy.count;
	}
	if (outcome != SPLIT_SAME)
		tell_part(link, script, LINK_PART_ACCEPTED, 0);
}

static void on_answered(struct link *link, int64_t now_us, const struct link_input *input,
			struct script *script)
{
	(void)input; /* the caller has the registers */
	if (link->state != WIRE_LINK_WAITING)
		return;
	link->report.n_answers++;
	report_one(link, script, WIRE_OK, 0, now_us);
	note_life(link, now_us, script);
	note_answer(link, now_us, script);
	note_part(link, now_us, script);
}

static void on_refused(struct link *link, int64_t now_us, const struct link_input *input,
		       struct script *script)
{
	bool absent = input->exception == ANSWER_NO_PATH || input->exception == ANSWER_NO_TARGET;
	enum split_outcome outcome = SPLIT_SAME;

	if (link->state != WIRE_LINK_WAITING)
		return;
	link->report.n_exceptions++;
	if (link->sent.ask.request != LINK_NONE)
		outcome = pace_refused(link->pace, &link->sent.ask, input->exception, now_us);
	if (outcome != SPLIT_PARTED)
		report_one(link, script, WIRE_EXCEPTION, input->exception, now_us);
	note_life(link, now_us, script); /* of the link: a gateway is alive if its unit is not */
	if (absent && link->sent.ask.request != LINK_NONE)
		pace_failed(link->pace, link->sent.ask.unit);
	(absent ? note_silence : note_answer)(link, now_us, script);
	if (outcome == SPLIT_REFUSED)
		tell_part(link, script, LINK_PART_REFUSED, input->exception);
}

static void on_misanswered(struct link *link, int64_t now_us, const struct link_input *input,
			   struct script *script)
{
	if (link->state != WIRE_LINK_WAITING)
		return;
	if (input->status == WIRE_FOREIGN)
		link->report.n_late++;
	else
		link->report.n_malformed++;
	report_one(link, script, input->status, 0, now_us);
	give_up(link, now_us, EBADMSG, true, script);
}

static void on_unasked(struct link *link, int64_t now_us, const struct link_input *input,
		       struct script *script)
{
	(void)input; /* what they were does not matter */
	if (link->state != WIRE_LINK_IDLE)
		return;
	link->report.n_late++;
	give_up(link, now_us, EBADMSG, false, script);
}

static struct wire_request part_of(const struct wire_request *request, const struct pace_ask *ask)
{
	struct wire_request part = *request;

	part.address = (uint16_t)(request->address + ask->first);
	part.count = ask->count;
	return part;
}

static void send_next(struct link *link, int64_t now_us, struct script *script)
{
	struct pace_ask ask;

	if (!pace_take(link->pace, now_us, &ask))
		return;
	link->sent = (struct outstanding){
		.copy = link->plan.requests[ask.request],
		.part = part_of(&link->plan.requests[ask.request], &ask),
		.ask = ask,
		.unit_id = link->plan.units[ask.unit].id,
		.sent_us = now_us,
	};
	link->state = WIRE_LINK_WAITING;
	link->deadline_us = now_us + link->plan.units[ask.unit].timeout_ms * INT64_C(1000);
	link->report.n_requests++;
	add(script, (struct link_action){.kind = LINK_SEND,
					 .unit = ask.unit,
					 .request = ask.request,
					 .first = ask.first,
					 .count = ask.count});
}

typedef void handler(struct link *link, int64_t now_us, const struct link_input *input,
		     struct script *script);

size_t link_step(struct link *link, int64_t now_us, const struct link_input *input,
		 struct link_action *ret)
{
	static handler *const handlers[] = {
		[LINK_TIME] = on_time,	     [LINK_CONNECTED] = on_connected,
		[LINK_CLOSED] = on_closed,   [LINK_ANSWERED] = on_answered,
		[LINK_REFUSED] = on_refused, [LINK_MISANSWERED] = on_misanswered,
		[LINK_UNASKED] = on_unasked,
	};
	struct script script = {.actions = ret};

	assert(input->event < ARRAY_SIZE(handlers));
	/* before the event: whose round is not through now is passed over */
	if (link->state == WIRE_LINK_IDLE || link->state == WIRE_LINK_WAITING)
		pace_mark(link->pace, now_us, true);
	handlers[input->event](link, now_us, input, &script);
	if (link->state == WIRE_LINK_IDLE && !input->hold)
		send_next(link, now_us, &script);
	return script.n;
}

int64_t link_wake_us(const struct link *link)
{
	return link->state == WIRE_LINK_IDLE ? pace_next_us(link->pace) : link->deadline_us;
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
	return &link->sent.part;
}

void link_report(const struct link *link, struct wire_link_report *ret)
{
	*ret = link->report;
	ret->state = (uint32_t)link->state;
	ret->n_overruns = pace_n_overruns(link->pace);
	ret->n_degraded = pace_n_degraded(link->pace);
	ret->n_refused = (uint16_t)MIN(pace_n_refused(link->pace), (uint32_t)UINT16_MAX);
}
