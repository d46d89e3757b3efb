/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/assess.h"
#include "core/units.h"

static struct core_due *find(const struct core *core, const char *incident, uint64_t threshold)
{
	for (size_t i = 0; i < CROSSING_DUES_MAX; i++) {
		struct core_due *due = &core->dues[i];

		if (due->state != DUE_FREE && due->threshold == threshold &&
		    strcmp(due->incident, incident) == 0)
			return due;
	}
	return NULL;
}

const struct core_due *assess_due_of(const struct core *core, const char *incident,
				     uint64_t threshold)
{
	return find(core, incident, threshold);
}

static struct core_due *take_free(struct core *core)
{
	for (size_t i = 0; i < CROSSING_DUES_MAX; i++)
		if (core->dues[i].state == DUE_FREE)
			return &core->dues[i];
	return NULL;
}

/* a plume is due from the beginning on, a river's water with the leading edge */
static int64_t due_from(const struct crossing_path *path)
{
	return path->method == METHOD_PLUME ? path->release_ms : path->leading_ms;
}

/* what is there without the release, and readings show too, confirms nothing */
static double confirms(const struct config_crossing *crossing, const struct crossing_path *path)
{
	double background = isnan(path->background) ? 0 : path->background;

	return fmax(1, background / path->bound + crossing->possible);
}

bool assess_expect(struct core *core, const struct core_incident *incident,
		   const struct crossing_path *path)
{
	struct core_due *due = find(core, incident->id, path->threshold);

	if (!due) {
		due = take_free(core);
		if (!due)
			return false;
		*due = (struct core_due){
			.slot = assess_slot_key(core, (size_t)(incident - core->incidents)),
			.source = path->source,
			.threshold = path->threshold,
			.from_ms = due_from(path),
			.until_ms = path->tail_ms,
			.worst = (double)NAN,
			.state = DUE_WAITING,
		};
		memcpy(due->incident, incident->id, sizeof(due->incident));
	}
	due->from_ms = MIN(due->from_ms, due_from(path));
	due->confirms = confirms(&core->config->crossing, path);
	due->verdict = MAX(due->verdict, path->verdict);
	if (path->tail_ms <= due->until_ms)
		return true;
	due->until_ms = path->tail_ms;
	if (due->state == DUE_REFUTED || due->state == DUE_UNKNOWN) { /* it goes on: wait anew */
		due->state = DUE_WAITING;
		due->n_good = due->n_checks = 0;
	}
	return true;
}

static struct core_incident *incident_of(const struct core *core, const struct core_due *due)
{
	for (size_t i = 0; i < core->config->n_sites * N_WASTE_KINDS; i++)
		if (core->incidents[i].open && strcmp(core->incidents[i].id, due->incident) == 0)
			return &core->incidents[i];
	return NULL;
}

static void say(struct core *core, const struct core_due *due, size_t threshold,
		enum event_type type, struct stamp at, const char *reason)
{
	const struct config_threshold *t = &core->config->crossing.thresholds[threshold];
	struct event event = event_of_channel(core->config, type, at, t->measured_by);
	struct core_incident *incident = incident_of(core, due);

	event.incident = due->incident;
	event.boundary = core->config->crossing.targets[t->target].title;
	event.verdict = crossing_verdict_text(type == EVENT_CROSSING_CONFIRMED ? VERDICT_OBSERVED
					      : type == EVENT_CROSSING_REFUTED
						      ? VERDICT_UNLIKELY
						      : (enum crossing_verdict)due->verdict);
	event.has_value = !isnan(due->worst);
	if (event.has_value &&
	    unit_convert(t->measure, core->config->channels[t->measured_by].measure, due->worst,
			 &event.value) < 0)
		event.value = due->worst;
	event.reason = reason;
	core_event(core, &event);
	if (!incident)
		return;
	incident->dirty = true;
	core->crossings[incident - core->incidents].at_once = 1;
}

/** look() - one reading, in the threshold's unit */
static void look(struct core *core, struct core_due *due, size_t threshold, struct stamp at)
{
	const struct config_threshold *t = &core->config->crossing.thresholds[threshold];
	char bound[EVENT_VALUE_MAX], reason[ASSESS_REASON_MAX];
	bool is_old;
	double value = assess_value(core, t->measured_by, t->measure, &is_old);

	if (isnan(value) && t->in_air) { /* ug/Nm3 held against ug/m3: the same air at 25 °C */
		value = assess_value(core, t->measured_by, NULL, &is_old);
		value = assess_air_ug_m3(core->config->channels[t->measured_by].measure, value) /
			assess_bound(t) * t->high;
	}
	due->checked_ms = at.wall_ms;
	due->n_checks++;
	if (isnan(value) || is_old)
		return;
	due->n_good++;
	if (isnan(due->worst) || value > due->worst) {
		due->worst = value;
		due->worst_ms = at.wall_ms;
	}
	if (due->state != DUE_WAITING || !(value > due->confirms * t->high))
		return;
	due->state = DUE_CONFIRMED;
	event_value_text(due->confirms * t->high, bound);
	(void)snprintf(reason, sizeof(reason), "measured above %s %s while it is due%s; %.300s",
		       bound, t->measure,
		       due->confirms > 1 ? ", above what the river carries without it" : "",
		       t->origin);
	say(core, due, threshold, EVENT_CROSSING_CONFIRMED, at, reason);
}

/** settle() - its time is over and nothing was seen: was it looked at well enough? */
static void settle(struct core *core, struct core_due *due, size_t threshold, struct stamp at)
{
	uint32_t percent = due->n_checks > 0 ? 100 * due->n_good / due->n_checks : 0;
	char reason[ASSESS_REASON_MAX];

	if (percent >= core->config->capture_percent) {
		due->state = DUE_REFUTED;
		(void)snprintf(
			reason, sizeof(reason),
			"nothing above the threshold came while it was due, measured %u %% of "
			"that time",
			percent);
		say(core, due, threshold, EVENT_CROSSING_REFUTED, at, reason);
		return;
	}
	due->state = DUE_UNKNOWN;
	(void)snprintf(reason, sizeof(reason),
		       "neither confirmed nor refuted: measured only %u %% of the time it was due",
		       percent);
	say(core, due, threshold, EVENT_CROSSING_ASSESSED, at, reason);
}

static void tick(struct core *core, struct core_due *due, struct stamp at)
{
	size_t threshold = assess_threshold_of(core->config, due->threshold);

	if (threshold == CONFIG_NONE ||
	    core->config->crossing.thresholds[threshold].measured_by == CONFIG_NONE) {
		*due = (struct core_due){0}; /* no longer configured */
		return;
	}
	if (due->state == DUE_WAITING || due->state == DUE_CONFIRMED) {
		if (at.wall_ms >= due->from_ms && at.wall_ms <= due->until_ms &&
		    llabs(at.wall_ms - due->checked_ms) >= ASSESS_DUE_MS)
			look(core, due, threshold, at);
		if (at.wall_ms <= due->until_ms)
			return;
		if (due->state == DUE_WAITING)
			settle(core, due, threshold, at);
	}
	if (!incident_of(core, due))
		*due = (struct core_due){0};
}

void assess_due_tick(struct core *core, struct stamp at)
{
	for (size_t i = 0; i < CROSSING_DUES_MAX; i++)
		if (core->dues[i].state != DUE_FREE)
			tick(core, &core->dues[i], at);
}
