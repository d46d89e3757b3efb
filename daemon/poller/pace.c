/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "poller/pace.h"

/*
 * The requests of a unit are [first, last) of the link's; the round that runs has still to
 * send [next, end), empty when it is through.
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
	uint32_t probe; /* request of the last probe: each time another, some may be answered */
	uint32_t n_silent;
	bool degraded;
	bool healthy; /* its last request was answered, or it has had none */
};

struct pace {
	struct pace_unit *units;
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

	if (!pace)
		return -ENOMEM;
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
	}
	pace->turn = plan->n_units > 0 ? plan->n_units - 1 : 0; /* the first unit is next */
	*ret = steal(&pace);
	return 0;
}

struct pace *pace_free(struct pace *pace)
{
	if (!pace)
		return NULL;
	free(pace->units);
	free(pace);
	return NULL;
}

/* A round of requests that may be others now is not finished; the unit's next one is. */
static void inherit_unit(struct pace_unit *unit, const struct pace_unit *old)
{
	unit->n_silent = old->n_silent;
	unit->degraded = old->degraded;
	unit->healthy = old->healthy;
	unit->probe_us = old->probe_us;
	unit->due_us = old->due_us;
	if (unit->last - unit->first != old->last - old->first)
		return;
	unit->started_us = old->started_us;
	unit->next = old->next - old->first + unit->first;
	unit->end = old->end - old->first + unit->first;
	unit->probe = old->probe - old->first + unit->first;
}

void pace_inherit(struct pace *pace, const struct pace *old)
{
	pace->n_overruns = old->n_overruns;
	for (uint32_t i = 0; i < pace->n_units; i++)
		for (uint32_t j = 0; j < old->n_units; j++) {
			if (old->units[j].id != pace->units[i].id ||
			    old->units[j].interval_us != pace->units[i].interval_us ||
			    old->units[j].phase_us != pace->units[i].phase_us ||
			    old->grid_us != pace->grid_us)
				continue;
			inherit_unit(&pace->units[i], &old->units[j]);
			if (j == old->turn)
				pace->turn = i;
			break;
		}
}

static bool runs(const struct pace_unit *unit)
{
	return unit->next < unit->end;
}

static void start_round(struct pace_unit *unit)
{
	unit->started_us = unit->due_us;
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
		start_round(unit);
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

bool pace_take(struct pace *pace, int64_t now_us, uint32_t *ret_unit, uint32_t *ret_request)
{
	unsigned int best = UINT32_MAX;

	for (uint32_t i = 1; i <= pace->n_units; i++) {
		uint32_t u = (pace->turn + i) % pace->n_units;

		if (!runs(&pace->units[u]) || rank(&pace->units[u], now_us) >= best)
			continue;
		best = rank(&pace->units[u], now_us);
		*ret_unit = u;
	}
	if (best == UINT32_MAX)
		return false;
	pace->turn = *ret_unit;
	*ret_request = pace->units[*ret_unit].next++;
	return true;
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

	for (uint32_t i = 0; i < pace->n_units; i++)
		next_us = MIN(next_us, pace->units[i].due_us);
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
