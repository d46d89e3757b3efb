/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "poller/answer.h"
#include "poller/pace.h"
#include "poller/parts.h"

/*
 * The requests of a unit are [first, last) of the link's; the round that runs has still to
 * send @back, parts of @current and [next, end): nothing of all that when it is through.
 */
struct pace_unit {
	uint8_t id;
	int64_t interval_us;
	int64_t phase_us;
	int64_t due_us;
	int64_t started_us; /* due time of the round that runs */
	int64_t probe_us;   /* interval of the probes, while degraded */
	uint32_t first;
	uint32_t last;
	uint32_t next;
	uint32_t end;
	uint32_t current; /* request that is read in parts, more of which are to ask; LINK_NONE */
	struct pace_ask back; /* to be asked again; its request may be LINK_NONE */
	int64_t hold_us;      /* the unit is busy: nothing is asked before this */
	uint32_t n_retries;   /* in this round */
	uint32_t probe; /* request of the last probe: each time another, some may be answered */
	uint32_t n_silent;
	bool degraded;
	bool healthy; /* its last request was answered, or it has had none */
};

struct pace {
	struct pace_unit *units;
	struct parts *parts;
	uint32_t n_units;
	uint32_t turn; /* unit that was served last */
	int64_t grid_us;
	uint64_t n_overruns;
};

/* the first due time of @unit that is not before @us; times are never negative */
static int64_t due_from(const struct pace *pace, const struct pace_unit *unit, int64_t us)
{
	int64_t n = us > unit->phase_us
			    ? (us - unit->phase_us + unit->interval_us - 1) / unit->interval_us
			    : 0;
	int64_t due_us = n * unit->interval_us + unit->phase_us;

	return (due_us + pace->grid_us - 1) / pace->grid_us * pace->grid_us;
}

int pace_new(struct pace **ret, const struct link_plan *plan, int64_t now_us)
{
	CLEANUP(pace_free) struct pace *pace = calloc(1, sizeof(*pace));
	int r;

	if (!pace)
		return -ENOMEM;
	r = parts_new(&pace->parts, plan->requests,
		      plan->first_request[plan->n_units] - plan->first_request[0]);
	if (r < 0)
		return r;
	pace->units = calloc(plan->n_units + 1UL, sizeof(*pace->units));
	if (!pace->units)
		return -ENOMEM;
	pace->n_units = plan->n_units;
	pace->grid_us = plan->grid_us;
	for (uint32_t i = 0; i < plan->n_units; i++) {
		struct pace_unit *unit = &pace->units[i];

		unit->id = plan->units[i].id;
		unit->interval_us = plan->units[i].interval_ms * INT64_C(1000);
		unit->phase_us = plan->units[i].phase_us % unit->interval_us;
		unit->first = plan->first_request[i] - plan->first_request[0];
		unit->last = plan->first_request[i + 1] - plan->first_request[0];
		unit->probe = unit->next = unit->end = unit->last;
		unit->due_us = due_from(pace, unit, now_us + 1);
		unit->healthy = true;
		unit->current = unit->back.request = LINK_NONE;
	}
	pace->turn = plan->n_units > 0 ? plan->n_units - 1 : 0; /* the first unit is next */
	*ret = steal(&pace);
	return 0;
}

struct pace *pace_free(struct pace *pace)
{
	if (!pace)
		return NULL;
	(void)parts_free(pace->parts);
	free(pace->units);
	free(pace);
	return NULL;
}

/* the request that the round has come to, of which something is still to ask */
static uint32_t position(const struct pace_unit *unit)
{
	if (unit->back.request != LINK_NONE)
		return unit->back.request;
	return unit->current != LINK_NONE ? unit->current : unit->next;
}

/* A round of requests that may be others now is not finished; the unit's next one is. */
static void inherit_unit(struct pace_unit *unit, const struct pace_unit *old)
{
	unit->n_silent = old->n_silent;
	unit->degraded = old->degraded;
	unit->healthy = old->healthy;
	unit->probe_us = old->probe_us;
	unit->due_us = old->due_us;
	unit->hold_us = old->hold_us;
	unit->n_retries = old->n_retries;
	if (unit->last - unit->first != old->last - old->first)
		return;
	unit->started_us = old->started_us;
	unit->next = position(old) - old->first + unit->first;
	unit->end = old->end - old->first + unit->first;
	unit->probe = old->probe - old->first + unit->first;
}

static bool same_pace(const struct pace *pace, const struct pace_unit *unit, const struct pace *old,
		      const struct pace_unit *old_unit)
{
	return old_unit->id == unit->id && old_unit->interval_us == unit->interval_us &&
	       old_unit->phase_us == unit->phase_us && old->grid_us == pace->grid_us;
}

void pace_inherit(struct pace *pace, struct pace *old)
{
	pace->n_overruns = old->n_overruns;
	for (uint32_t i = 0; i < pace->n_units; i++) {
		struct pace_unit *unit = &pace->units[i];
		bool found = false;

		for (uint32_t j = 0; j < old->n_units; j++) {
			if (old->units[j].id == unit->id)
				parts_inherit(pace->parts, unit->first, unit->last, old->parts,
					      old->units[j].first, old->units[j].last);
			if (found || !same_pace(pace, unit, old, &old->units[j]))
				continue;
			found = true;
			inherit_unit(unit, &old->units[j]);
			if (j == old->turn)
				pace->turn = i;
		}
	}
}

static bool runs(const struct pace_unit *unit)
{
	return position(unit) < unit->end;
}

/* @due_us: the last due time, where others have been passed over */
static void start_round(struct pace_unit *unit, int64_t due_us)
{
	unit->started_us = due_us;
	unit->n_retries = 0;
	unit->hold_us = 0;
	unit->next = unit->first;
	unit->end = unit->last;
	if (!unit->degraded || unit->first == unit->last)
		return;
	unit->probe = unit->probe + 1 < unit->last ? unit->probe + 1 : unit->first;
	unit->next = unit->probe;
	unit->end = unit->probe + 1;
}

static void mark_unit(struct pace *pace, struct pace_unit *unit, int64_t now_us, bool count)
{
	int64_t n_passed;

	if (now_us < unit->due_us)
		return;
	n_passed = (now_us - unit->due_us) / unit->interval_us;
	if (runs(unit))
		n_passed++;
	else
		start_round(unit, unit->due_us + n_passed * unit->interval_us);
	if (count && !unit->degraded)
		pace->n_overruns += (uint64_t)n_passed;
	unit->due_us = due_from(pace, unit, now_us + (unit->degraded ? unit->probe_us : 1));
}

void pace_mark(struct pace *pace, int64_t now_us, bool count)
{
	for (uint32_t i = 0; i < pace->n_units; i++)
		mark_unit(pace, &pace->units[i], now_us, count);
}

/* lower goes first */
static unsigned int rank(const struct pace_unit *unit, int64_t now_us)
{
	int64_t patience_us = unit->degraded ? unit->probe_us : unit->interval_us;

	if (unit->n_silent == 0 || now_us - unit->started_us >= patience_us)
		return 0;
	return unit->degraded ? 2 : 1;
}

/* whose turn it is; LINK_NONE */
static uint32_t choose(const struct pace *pace, int64_t now_us)
{
	unsigned int best = UINT32_MAX;
	uint32_t chosen = LINK_NONE;

	for (uint32_t i = 1; i <= pace->n_units; i++) {
		uint32_t u = (pace->turn + i) % pace->n_units;
		const struct pace_unit *unit = &pace->units[u];

		if (!runs(unit) || unit->hold_us > now_us || rank(unit, now_us) >= best)
			continue;
		best = rank(unit, now_us);
		chosen = u;
	}
	return chosen;
}

static struct pace_ask whole_of(const struct pace *pace, uint32_t request)
{
	return (struct pace_ask){.request = request,
				 .count = parts_request(pace->parts, request)->count};
}

static void next_part(struct pace *pace, struct pace_unit *unit, struct pace_ask *ret)
{
	struct split *split = parts_of(pace->parts, unit->current);

	*ret = (struct pace_ask){.request = unit->current};
	(void)split_next(split, &ret->first, &ret->count); /* there is one */
	if (!split_pending(split))
		unit->current = LINK_NONE;
}

/* Return: has the unit anything to ask? Of what is refused, mostly nothing is. */
static bool take_of(struct pace *pace, struct pace_unit *unit, int64_t now_us, struct pace_ask *ret)
{
	if (unit->back.request != LINK_NONE) {
		*ret = unit->back;
		unit->back.request = LINK_NONE;
		return true;
	}
	while (unit->current == LINK_NONE && unit->next < unit->end) {
		struct split *split = parts_of(pace->parts, unit->next);

		if (!split) {
			*ret = whole_of(pace, unit->next++);
			return true;
		}
		split_start(split, now_us, unit->degraded);
		if (split_pending(split))
			unit->current = unit->next;
		unit->next++;
	}
	if (unit->current == LINK_NONE)
		return false;
	next_part(pace, unit, ret);
	return true;
}

static bool drop_of(struct pace *pace, struct pace_unit *unit, int64_t now_us, struct pace_ask *ret)
{
	uint16_t first, count;

	(void)now_us; /* a give-up is one at any time */
	*ret = unit->back;
	if (unit->current != LINK_NONE &&
	    split_drop(parts_of(pace->parts, unit->current), &first, &count)) {
		if (unit->back.request == LINK_NONE) /* else it is of the same request */
			*ret = (struct pace_ask){.request = unit->current, .first = first};
		ret->count = (uint16_t)(first + count - ret->first);
	} else if (unit->back.request == LINK_NONE) {
		*ret = whole_of(pace, unit->next++);
	}
	unit->current = unit->back.request = LINK_NONE;
	return true;
}

static bool give(struct pace *pace, int64_t now_us, struct pace_ask *ret,
		 bool (*of)(struct pace *pace, struct pace_unit *unit, int64_t now_us,
			    struct pace_ask *ret))
{
	for (;;) {
		uint32_t u = choose(pace, now_us);

		if (u == LINK_NONE)
			return false;
		if (!of(pace, &pace->units[u], now_us, ret))
			continue; /* it runs no more */
		ret->unit = u;
		ret->due_us = pace->units[u].started_us;
		pace->turn = u;
		return true;
	}
}

bool pace_take(struct pace *pace, int64_t now_us, struct pace_ask *ret)
{
	return give(pace, now_us, ret, take_of);
}

bool pace_drop(struct pace *pace, struct pace_ask *ret)
{
	return give(pace, INT64_MAX, ret, drop_of);
}

/* is the round still the one in which @ask was taken last? */
static bool is_of_round(const struct pace_unit *unit, const struct pace_ask *ask)
{
	return unit->next == ask->request + 1 && unit->started_us == ask->due_us;
}

/*
 * Is there more to ask of the request, or nothing any more? A round that has begun meanwhile
 * comes to it by itself.
 */
static void follow(struct pace *pace, const struct pace_ask *ask)
{
	struct pace_unit *unit = &pace->units[ask->unit];
	const struct split *split = parts_of(pace->parts, ask->request);

	if (split && split_pending(split) && is_of_round(unit, ask))
		unit->current = ask->request;
	else if (!split && unit->current == ask->request)
		unit->current = LINK_NONE;
}

/* Return: PARTED: parts are asked in this round; REFUSED; SAME */
static enum split_outcome refuse_part(struct pace *pace, const struct pace_ask *ask, int64_t now_us)
{
	enum split_outcome outcome = parts_refused(pace->parts, ask->request, now_us, ask->first,
						   ask->count);

	follow(pace, ask);
	return outcome;
}

/* the unit is busy. Return: PARTED: it is asked again in this round; SAME: it is over by then */
static enum split_outcome retry_later(struct pace *pace, const struct pace_ask *ask, int64_t now_us)
{
	struct pace_unit *unit = &pace->units[ask->unit];
	int64_t pause_us = MIN(MAX(unit->interval_us / 4, PACE_PAUSE_US_MIN), PACE_PAUSE_US_MAX);

	if (unit->degraded || !is_of_round(unit, ask) || unit->n_retries == PACE_RETRIES_MAX ||
	    now_us + pause_us >= unit->due_us)
		return SPLIT_SAME;
	unit->n_retries++;
	unit->hold_us = now_us + pause_us;
	unit->back = *ask;
	return SPLIT_PARTED;
}

enum split_outcome pace_refused(struct pace *pace, const struct pace_ask *ask, uint8_t exception,
				int64_t now_us)
{
	switch (exception) {
	case ANSWER_BAD_ADDRESS:
	case ANSWER_BAD_VALUE:
		return refuse_part(pace, ask, now_us);
	case ANSWER_ACKNOWLEDGE:
	case ANSWER_BUSY:
		return retry_later(pace, ask, now_us);
	default:
		return SPLIT_SAME;
	}
}

enum split_outcome pace_accepted(struct pace *pace, const struct pace_ask *ask, int64_t now_us)
{
	enum split_outcome outcome = parts_answered(pace->parts, ask->request, now_us, ask->first,
						    ask->count);

	follow(pace, ask);
	return outcome;
}

uint32_t pace_find(const struct pace *pace, const struct wire_request *request, uint8_t unit_id,
		   uint32_t *ret_unit)
{
	for (uint32_t u = 0; u < pace->n_units; u++)
		for (uint32_t i = pace->units[u].first; i < pace->units[u].last; i++) {
			if (pace->units[u].id != unit_id ||
			    !split_same(parts_request(pace->parts, i), request))
				continue;
			*ret_unit = u;
			return i;
		}
	return LINK_NONE;
}

void pace_failed(struct pace *pace, uint32_t unit)
{
	pace->units[unit].healthy = false;
}

bool pace_silent(struct pace *pace, uint32_t unit, int64_t now_us)
{
	struct pace_unit *u = &pace->units[unit];
	bool was_degraded = u->degraded;

	if (u->n_silent < LINK_SILENT_MAX)
		u->n_silent++;
	if (u->n_silent < LINK_SILENT_MAX)
		return false;
	u->probe_us = was_degraded ? MIN(u->probe_us * 2, MAX(LINK_PROBE_US_MAX, u->interval_us))
				   : u->interval_us;
	u->degraded = true;
	u->next = u->end; /* the rest of its round is not due any more */
	u->current = u->back.request = LINK_NONE;
	u->due_us = due_from(pace, u, now_us + u->probe_us);
	return !was_degraded;
}

bool pace_answered(struct pace *pace, uint32_t unit, int64_t now_us)
{
	struct pace_unit *u = &pace->units[unit];
	bool was_degraded = u->degraded;

	u->n_silent = 0;
	u->healthy = true;
	u->degraded = false;
	if (was_degraded)
		u->due_us = due_from(pace, u, now_us + 1);
	return was_degraded;
}

bool pace_others_healthy(const struct pace *pace, uint32_t unit)
{
	for (uint32_t i = 0; i < pace->n_units; i++)
		if (i != unit && pace->units[i].healthy)
			return true;
	return false;
}

int64_t pace_next_us(const struct pace *pace)
{
	int64_t next_us = LINK_NEVER;

	for (uint32_t i = 0; i < pace->n_units; i++) {
		const struct pace_unit *unit = &pace->units[i];

		next_us = MIN(next_us, unit->due_us);
		if (runs(unit) && unit->hold_us > 0)
			next_us = MIN(next_us, unit->hold_us);
	}
	return next_us;
}

uint64_t pace_n_overruns(const struct pace *pace)
{
	return pace->n_overruns;
}

uint32_t pace_n_degraded(const struct pace *pace)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < pace->n_units; i++)
		n += pace->units[i].degraded;
	return n;
}

uint32_t pace_n_refused(const struct pace *pace)
{
	return parts_n_refused(pace->parts);
}
