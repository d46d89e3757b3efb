/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>

#include "poller/answer.h"
#include "poller/link_state.h"

/* where link_step() and its helpers put the actions */
struct script {
	struct link_action *actions;
	size_t n;
};

static void add(struct script *script, struct link_action action)
{
	script->actions[script->n++] = action;
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

/* what comes next on the link: what could not be asked at once, then whose turn it is */
static bool take_next(struct link *link, int64_t now_us, struct pace_ask *ret)
{
	if (!link->again)
		return pace_take(link->pace, now_us, ret);
	link->again = false;
	*ret = link->sent.ask;
	return true;
}

static void report_unsent(const struct pace_ask *ask, struct script *script)
{
	add(script, (struct link_action){
			    .kind = LINK_REPORT,
			    .unit = ask->unit,
			    .request = ask->request,
			    .first = ask->first,
			    .count = ask->count,
			    .status = WIRE_DISCONNECTED,
		    });
}

/* all that is due and was not sent fails with the link */
static void report_pending(struct link *link, struct script *script)
{
	struct pace_ask ask;

	if (link->again)
		report_unsent(&link->sent.ask, script);
	link->again = false;
	while (pace_drop(link->pace, &ask))
		report_unsent(&ask, script);
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

/* the line must be silent after a frame; @rest_us: longer than between any two */
static void rest(struct link *link, int64_t now_us, int64_t rest_us)
{
	silence_keep(&link->silence, now_us + MAX(rest_us, (int64_t)link->plan.link->frame_gap_us));
}

static void count_wrong(struct link *link, enum wire_status status)
{
	link->report.n_timeouts += status == WIRE_TIMEOUT;
	link->report.n_late += status == WIRE_FOREIGN;
	link->report.n_malformed += status == WIRE_MALFORMED;
}

/*
 * No answer on a line. The connection stays: it knows nothing of the unit, and the others need
 * it. What still comes until the unit's worst answer time is thrown away.
 */
static void pass_over(struct link *link, int64_t now_us, struct script *script)
{
	enum wire_status status = link->sent.seen == WIRE_OK ? WIRE_TIMEOUT : link->sent.seen;

	count_wrong(link, status);
	link->report.error = status == WIRE_TIMEOUT ? ETIMEDOUT : EBADMSG;
	report_one(link, script, status, 0, now_us);
	if (link->sent.ask.request != LINK_NONE)
		pace_failed(link->pace, link->sent.ask.unit);
	note_silence(link, now_us, script);
	instep_silent(link->instep, link->sent.unit_id, &link->sent.asked);
	silence_keep(&link->silence, link->sent.sent_us + link->sent.quiet_us);
	link->sent.rest_us = 0; /* that is after an answer */
	link->state = WIRE_LINK_IDLE;
	link->deadline_us = LINK_NEVER;
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
		if (link->instep) {
			pass_over(link, now_us, script);
			return;
		}
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
	if (link->instep)
		instep_doubt(link->instep);
	link->state = WIRE_LINK_IDLE;
	link->deadline_us = LINK_NEVER;
	rest(link, now_us, link->plan.link->first_delay_ms * INT64_C(1000));
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
	if (link->instep) { /* the right answer may still come behind it */
		link->sent.seen = input->status;
		return;
	}
	count_wrong(link, input->status);
	report_one(link, script, input->status, 0, now_us);
	give_up(link, now_us, EBADMSG, true, script);
}

/*
 * On a line an answer also says which ones are still to come. Return: it is worth nothing else:
 * it was asked for in place of the request to get in step, or is a refusal of who knows what.
 */
static bool keep_in_step(struct link *link, const struct link_input *input)
{
	const struct outstanding *sent = &link->sent;
	bool doubtful = false;

	if (!link->instep || link->state != WIRE_LINK_WAITING)
		return false;
	if (input->event == LINK_ANSWERED)
		doubtful = instep_answered(link->instep, sent->unit_id, &sent->asked, input->mark);
	else if (input->event == LINK_REFUSED)
		doubtful = instep_refused(link->instep, sent->unit_id, &sent->asked,
					  input->exception);
	else if (input->event == LINK_CLOSED)
		instep_silent(link->instep, sent->unit_id, &sent->asked);
	else
		return false;
	count_wrong(link, sent->seen);
	return doubtful || (sent->getting && input->event != LINK_CLOSED);
}

/* in step again, or nearer to it: the request itself is next */
static void on_in_step(struct link *link, int64_t now_us, const struct link_input *input,
		       struct script *script)
{
	if (input->event == LINK_ANSWERED)
		link->report.n_answers++;
	else
		link->report.n_exceptions++;
	note_life(link, now_us, script);
	link->again = link->sent.ask.request != LINK_NONE;
}

static void on_unasked(struct link *link, int64_t now_us, const struct link_input *input,
		       struct script *script)
{
	(void)input; /* what they were does not matter */
	if (link->state != WIRE_LINK_IDLE)
		return;
	link->report.n_late++;
	if (link->instep) {
		silence_noise(&link->silence, now_us, link->plan.link->frame_gap_us);
		return;
	}
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
	const struct wire_unit *unit;
	struct pace_ask ask;

	if (now_us < link->silence.ready_us || !take_next(link, now_us, &ask))
		return;
	unit = &link->plan.units[ask.unit];
	link->sent = (struct outstanding){
		.copy = link->plan.requests[ask.request],
		.asked = part_of(&link->plan.requests[ask.request], &ask),
		.ask = ask,
		.unit_id = unit->id,
		.sent_us = now_us,
		.rest_us = unit->turnaround_ms * INT64_C(1000),
		.quiet_us = MAX(unit->quiet_ms, unit->timeout_ms) * INT64_C(1000),
	};
	if (link->instep) {
		struct wire_request part = link->sent.asked;

		link->sent.getting = instep_form(link->instep, unit->id, &part, &link->sent.asked);
	}
	link->state = WIRE_LINK_WAITING;
	link->deadline_us = now_us + unit->timeout_ms * INT64_C(1000);
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
	bool waited = link->state == WIRE_LINK_WAITING;
	handler *handle;

	assert(input->event < ARRAY_SIZE(handlers));
	handle = keep_in_step(link, input) ? on_in_step : handlers[input->event];
	link_account(link, now_us);
	/* before the event: whose round is not through now is passed over */
	if (link->state == WIRE_LINK_IDLE || link->state == WIRE_LINK_WAITING)
		pace_mark(link->pace, now_us, true);
	handle(link, now_us, input, &script);
	if (waited && link->state == WIRE_LINK_IDLE)
		rest(link, now_us, link->sent.rest_us);
	if (link->state == WIRE_LINK_IDLE && !input->hold)
		send_next(link, now_us, &script);
	return script.n;
}
