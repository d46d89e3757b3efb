/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people do to reports on their way, and destinations that a receiver has paused. Judged
 * here, done by the commit that follows, in the record and nowhere else: what is in memory is
 * read from there again.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/macro.h"
#include "core/delivery_inside.h"

/* --- destinations that are paused -------------------------------------------------- */

static const struct config_destination *config_of(const struct delivery *delivery,
						  const struct endpoint *endpoint)
{
	return &delivery->service->config->destinations[endpoint - delivery->endpoints];
}

static uint64_t url_of(const struct delivery *delivery, const struct endpoint *endpoint)
{
	const char *url = config_of(delivery, endpoint)->url;

	return hash64(HASH64_SEED, url, strlen(url));
}

static struct endpoint *endpoint_of(struct delivery *delivery, const char *name)
{
	for (size_t i = 0; i < delivery->n_endpoints; i++)
		if (strcmp(delivery->service->config->destinations[i].name, name) == 0)
			return &delivery->endpoints[i];
	return NULL;
}

void delivery_pause(struct delivery *delivery, struct endpoint *endpoint, const char *report,
		    const char *words)
{
	struct event event = event_plain(EVENT_DESTINATION_PAUSED, service_now(delivery->service));

	if (endpoint->paused)
		return;
	endpoint->paused = endpoint->pause_changed = true;
	endpoint->paused_ms = event.at.wall_ms;
	(void)snprintf(endpoint->pause_reason, sizeof(endpoint->pause_reason), "%s", words);
	event.name = config_of(delivery, endpoint)->name;
	event.report = report;
	event.reason = endpoint->pause_reason;
	core_event(delivery->service->core, &event);
}

static void resume(struct delivery *delivery, struct endpoint *endpoint, const char *user,
		   const char *reason)
{
	struct event event = event_plain(EVENT_DESTINATION_RESUMED, service_now(delivery->service));

	endpoint->paused = false;
	endpoint->pause_changed = true;
	endpoint->gate = (struct outbox_gate){0};
	event.name = config_of(delivery, endpoint)->name;
	event.user = user;
	event.reason = reason;
	core_event(delivery->service->core, &event);
}

static void on_pause(void *userdata, const struct record_pause *pause)
{
	struct delivery *delivery = userdata;
	struct endpoint *endpoint = endpoint_of(delivery, pause->destination);

	if (!endpoint)
		return; /* not configured; it is paused still if it comes back */
	endpoint->paused = true;
	endpoint->paused_ms = pause->at_ms;
	(void)snprintf(endpoint->pause_reason, sizeof(endpoint->pause_reason), "%s", pause->reason);
	if (pause->url != url_of(delivery, endpoint))
		resume(delivery, endpoint, NULL, "it has another URL now");
}

int delivery_load_pauses(struct delivery *delivery)
{
	int r = record_pauses(delivery->service->record, on_pause, delivery);

	if (r < 0)
		log_err("the outbox cannot be read: %s", record_error(delivery->service->record));
	return r;
}

int64_t delivery_paused(const struct delivery *delivery, size_t destination,
			const char **ret_reason)
{
	const struct endpoint *endpoint = &delivery->endpoints[destination];

	if (destination >= delivery->n_endpoints || !endpoint->paused)
		return 0;
	if (ret_reason)
		*ret_reason = endpoint->pause_reason;
	return endpoint->paused_ms;
}

void delivery_save(struct delivery *delivery, struct record_commit *commit)
{
	if (!delivery)
		return;
	for (size_t i = 0; i < delivery->n_endpoints; i++) {
		const struct endpoint *endpoint = &delivery->endpoints[i];

		delivery->in_flight[i] = endpoint->attempt ? endpoint->job.id : 0;
		if (endpoint->pause_changed)
			delivery->pauses[commit->n_pauses++] = (struct record_pause){
				.destination = config_of(delivery, endpoint)->name,
				.paused = endpoint->paused,
				.url = url_of(delivery, endpoint),
				.at_ms = endpoint->paused_ms,
				.reason = endpoint->pause_reason,
			};
	}
	commit->in_flight = delivery->in_flight;
	commit->pauses = delivery->pauses;
	commit->change = delivery->has_change ? &delivery->change : NULL;
}

void delivery_saved(struct delivery *delivery, bool is_stored)
{
	if (!delivery)
		return;
	delivery->has_change = false; /* its texts are the caller's, who is told */
	for (size_t i = 0; is_stored && i < delivery->n_endpoints; i++)
		delivery->endpoints[i].pause_changed = false;
}

/* --- what people do ---------------------------------------------------------------- */

/* @fits: states of a report that it can be done to, each in blanks */
static const struct act {
	enum action_kind action;
	enum record_change_kind change;
	enum event_type event;
	const char *fits;
} acts[] = {
	{ACTION_REPORT_RETRY, CHANGE_RETRY, EVENT_REPORT_RETRIED, " pending held "},
	{ACTION_REPORT_HOLD, CHANGE_HOLD, EVENT_REPORT_STOPPED, " pending held "},
	{ACTION_REPORT_RELEASE, CHANGE_RELEASE, EVENT_REPORT_RELEASED, " stopped "},
	{ACTION_REPORT_ABANDON, CHANGE_ABANDON, EVENT_REPORT_ABANDONED, " pending held stopped "},
};

static const struct act *act_of(enum action_kind kind)
{
	size_t i = 0;

	while (acts[i].action != kind)
		i++;
	return &acts[i];
}

/* why it cannot be done to a report in that state; @r: what the caller is told. With @after it
 * says who between the two. */
static const struct refusal {
	const char *state;
	enum record_change_kind change;
	int r;
	const char *words;
	const char *after;
} refusals[] = {
	{"stopped", CHANGE_RETRY, -EBUSY, "is held by ", "; first: wastewatch outbox release"},
	{"stopped", CHANGE_HOLD, -EALREADY, "is held by ", " already"},
	{"pending", CHANGE_RELEASE, -EALREADY, "is held by nobody", NULL},
	{"held", CHANGE_RELEASE, -EBUSY,
	 "was refused by its receiver and is held by nobody here; to try at once: wastewatch "
	 "outbox "
	 "retry",
	 NULL},
	{"abandoned", CHANGE_ABANDON, -EALREADY, "was abandoned by ", " already"},
};

static int refuse(const struct act *act, const char *target, const struct record_report *report,
		  char *error)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		const struct refusal *refusal = &refusals[i];

		if (refusal->change != act->change || strcmp(refusal->state, report->state) != 0)
			continue;
		(void)snprintf(error, ACTION_ERROR_MAX, "report %.200s %s%.64s%s", target,
			       refusal->words, refusal->after ? report->changed_by : "",
			       refusal->after ? refusal->after : "");
		return refusal->r;
	}
	(void)snprintf(error, ACTION_ERROR_MAX, "report %.200s is %s: nothing is left to be done",
		       target, report->state);
	return -EBUSY;
}

/* @id: 0: all of @destination, @n of them */
static int change(struct delivery *delivery, const struct act *act, const struct action *action,
		  const struct record_change *what, int64_t n)
{
	struct event event = event_plain(act->event, service_now(delivery->service));
	struct endpoint *endpoint = endpoint_of(delivery, what->destination);

	delivery->change = *what;
	delivery->change.kind = act->change;
	delivery->change.user = action->user;
	delivery->change.reason = *action->reason ? action->reason : NULL;
	delivery->change.at_ms = event.at.wall_ms;
	delivery->has_change = true;
	if (endpoint && act->change == CHANGE_RETRY)
		endpoint->gate = (struct outbox_gate){0}; /* now is now */
	event.name = what->destination;
	event.report = what->id ? action->target : NULL;
	event.user = action->user;
	event.reason = delivery->change.reason;
	event.number = n;
	core_event(delivery->service->core, &event);
	return 0;
}

static int unread(struct delivery *delivery, int64_t r, char *error)
{
	(void)snprintf(error, ACTION_ERROR_MAX, "the record cannot be read: %.256s",
		       record_error(delivery->service->record));
	return r == -EIO ? -EBADMSG : (int)r; /* nothing was begun, so all is known */
}

static int change_all(struct delivery *delivery, const struct act *act, const struct action *action,
		      char *error)
{
	int64_t n = record_count(delivery->service->record, action->target, act->change);

	if (n < 0)
		return unread(delivery, n, error);
	if (n == 0 && endpoint_of(delivery, action->target)) {
		(void)snprintf(error, ACTION_ERROR_MAX, "%s of %s",
			       act->change == CHANGE_RELEASE ? "nobody holds a report"
							     : "no report waits",
			       action->target);
		return -EALREADY;
	}
	if (n == 0) {
		(void)snprintf(error, ACTION_ERROR_MAX,
			       "there is no report and no destination %s; see: wastewatch outbox "
			       "list",
			       action->target);
		return -ENOENT;
	}
	return change(delivery, act, action, &(struct record_change){.destination = action->target},
		      n);
}

static int change_reports(struct delivery *delivery, const struct action *action, char *error)
{
	const struct act *act = act_of(action->kind);
	struct record_report report = {0};
	char fits[32];
	int r = record_find_report(delivery->service->record, action->target, &report);

	if (r < 0)
		return unread(delivery, r, error);
	if (r == 0)
		return change_all(delivery, act, action, error);
	(void)snprintf(fits, sizeof(fits), " %s ", report.state);
	if (!strstr(act->fits, fits)) {
		r = refuse(act, action->target, &report, error);
	} else {
		/* its own copy is gone before the commit; the configuration's name, or the target
		 * itself, stays */
		r = change(
			delivery, act, action,
			&(struct record_change){.id = report.id, .destination = report.destination},
			1);
		delivery->change.destination = NULL;
	}
	record_report_done(&report);
	return r;
}

static int resume_destination(struct delivery *delivery, const struct action *action, char *error)
{
	struct endpoint *endpoint = endpoint_of(delivery, action->target);

	if (!endpoint) {
		(void)snprintf(error, ACTION_ERROR_MAX,
			       "there is no destination %s in the configuration in force",
			       action->target);
		return -ENOENT;
	}
	if (!endpoint->paused) {
		(void)snprintf(error, ACTION_ERROR_MAX, "destination %s is not paused",
			       action->target);
		return -EALREADY;
	}
	resume(delivery, endpoint, action->user, *action->reason ? action->reason : NULL);
	return 0;
}

int delivery_act(struct delivery *delivery, const struct action *action, char *error)
{
	int r = action_check(action, error);

	if (r < 0)
		return r;
	if (action->exercise) {
		(void)snprintf(error, ACTION_ERROR_MAX,
			       "there is one outbox, for what is real and for drills");
		return -EINVAL;
	}
	record_walk_forget(delivery->walk);
	if (action->kind == ACTION_DESTINATION_RESUME)
		return resume_destination(delivery, action, error);
	return change_reports(delivery, action, error);
}
