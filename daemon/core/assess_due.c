/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/assess.h"
#include "core/units.h"

#define BEFORE_MS   (2 * INT64_C(3600000)) /* an hour that was over longer ago is not "before" */
#define RISE_FACTOR 2.0			   /* how well the formulas are trusted, see assess.h */

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

/** in_its_unit() - a channel's value in a threshold's unit; NAN it cannot be */
static double in_its_unit(const struct config *config, const struct config_threshold *t,
			  double value)
{
	const char *measure = config->channels[t->measured_by].measure;
	double converted;

	if (isnan(value))
		return value;
	if (unit_convert(measure, t->measure, value, &converted) == 0)
		return converted;
	/* ug/Nm3 held against ug/m3: the same air at 25 °C */
	return t->in_air ? assess_air_ug_m3(measure, value) / assess_bound(t) * t->high
			 : (double)NAN;
}

/** highest_before() - of the last whole hour and 5 minutes that were over by then; NAN none */
static double highest_before(const struct core *core, const struct config_threshold *t,
			     int64_t until_ms)
{
	const struct core_windows *windows = &core->windows[t->measured_by];
	double highest = (double)NAN;

	for (enum window_length length = WINDOW_5MIN; length <= WINDOW_1H; length++) {
		const struct window_row *rows[] = {&windows->last[length],
						   &windows->before[length]};

		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			int64_t end_ms = rows[i]->start_ms + window_ms(length);

			if (rows[i]->n == 0 || end_ms > until_ms)
				continue;
			if (until_ms - end_ms <= BEFORE_MS)
				highest = fmax(highest, rows[i]->max);
			break;
		}
	}
	return in_its_unit(core->config, t, highest);
}

/** look_before() - while nothing can have come yet: what it is now, and was until now */
static void look_before(const struct core *core, struct core_due *due,
			const struct config_threshold *t, struct stamp at)
{
	bool is_old;
	double value = in_its_unit(core->config, t,
				   assess_value(core, t->measured_by, NULL, &is_old));
	double highest = highest_before(core, t, at.wall_ms);

	if (at.wall_ms >= due->from_ms)
		return;
	if (!is_old)
		highest = fmax(highest, value); /* of NAN and a number the number */
	if (!isnan(highest))
		due->before = highest;
}

/** enough() - what a reading must exceed to confirm; INFINITY: nothing does */
static double enough(const struct core_due *due, const struct config_threshold *t)
{
	double plain = due->confirms * t->high;

	if (isnan(due->before))
		return (double)INFINITY;
	return due->before > t->high ? fmax(plain, due->before + due->rises * t->high) : plain;
}

uint64_t assess_due_flags(const struct core_due *due, const struct config_threshold *threshold)
{
	if (isnan(due->before))
		return FLAG_BEFORE_UNKNOWN;
	return due->before > threshold->high ? FLAG_BEFORE_HIGH : 0;
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
	const struct config_crossing *crossing = &core->config->crossing;
	size_t threshold = assess_threshold_of(core->config, path->threshold);
	double added = isnan(path->excess) ? 0 : path->excess / path->bound;

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
			.before = highest_before(core, &crossing->thresholds[threshold],
						 due_from(path)),
			.worst = (double)NAN,
			.state = DUE_WAITING,
		};
		memcpy(due->incident, incident->id, sizeof(due->incident));
	}
	due->from_ms = MIN(due->from_ms, due_from(path));
	due->confirms = confirms(crossing, path);
	due->rises = fmax(due->rises, fmax(crossing->possible, added / RISE_FACTOR));
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
	char late[ASSESS_REASON_MAX];

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
	if (at.wall_ms - due->until_ms > 2 * ASSESS_DUE_MS) { /* nobody was there at its time */
		(void)snprintf(late, sizeof(late), "%.400s, judged %lld min late", reason,
			       (long long)((at.wall_ms - due->until_ms) / MS_PER_MIN));
		event.reason = late;
	}
	core_event(core, &event);
	if (!incident)
		return;
	incident->dirty = true;
	core->crossings[incident - core->incidents].at_once = 1;
}

/** count() - of the time that it is due, how much has good readings? */
static void count(const struct core *core, struct core_due *due, const struct config_threshold *t,
		  struct stamp at)
{
	bool is_old;
	double value = assess_value(core, t->measured_by, NULL, &is_old);

	due->checked_ms = at.wall_ms;
	due->n_checks++;
	due->n_good += !isnan(value) && !is_old;
}

static void confirm(struct core *core, struct core_due *due, size_t threshold, struct stamp at)
{
	const struct config_threshold *t = &core->config->crossing.thresholds[threshold];
	char bound[EVENT_VALUE_MAX], reason[ASSESS_REASON_MAX];

	due->state = DUE_CONFIRMED;
	event_value_text(enough(due, t), bound);
	(void)snprintf(reason, sizeof(reason),
		       "measured above %s %s for %lld s while it is due%s%s; %.300s", bound,
		       t->measure, (long long)(assess_seen_ms(due) / MS_PER_S),
		       due->confirms > 1 ? ", above what the river carries without it" : "",
		       due->before > t->high ? ", and not before" : "", t->origin);
	say(core, due, threshold, EVENT_CROSSING_CONFIRMED, at, reason);
}

/** look() - the last good reading, in the threshold's unit, if it is of the time that it is due */
static void look(struct core *core, struct core_due *due, size_t threshold, struct stamp at)
{
	const struct config_threshold *t = &core->config->crossing.thresholds[threshold];
	const struct core_channel *state = &core->channels[t->measured_by];
	bool is_old;
	double value = in_its_unit(core->config, t,
				   assess_value(core, t->measured_by, NULL, &is_old));

	if (isnan(value) || is_old || state->good.wall_ms < due->from_ms)
		return;
	if (isnan(due->worst) || value > due->worst) {
		due->worst = value;
		due->worst_ms = state->good.wall_ms;
	}
	assess_seen(core, t->measured_by, value > enough(due, t), due);
	if (due->state == DUE_WAITING &&
	    assess_seen_ms(due) >= assess_seen_wanted_ms(core, t->measured_by))
		confirm(core, due, threshold, at);
}

/** say_unknown() - it was above the threshold, and that shows nothing */
static void say_unknown(struct core *core, const struct core_due *due, size_t threshold,
			struct stamp at)
{
	const struct config_threshold *t = &core->config->crossing.thresholds[threshold];
	char before[EVENT_VALUE_MAX], reason[ASSESS_REASON_MAX];

	event_value_text(isnan(due->before) ? 0 : due->before, before);
	if (isnan(due->before))
		(void)snprintf(reason, sizeof(reason),
			       "neither confirmed nor refuted: above the threshold, and nobody "
			       "measured before it was due");
	else if (due->before > t->high)
		(void)snprintf(reason, sizeof(reason),
			       "neither confirmed nor refuted: above it already before, %s %s",
			       before, t->measure);
	else
		(void)snprintf(reason, sizeof(reason),
			       "neither confirmed nor refuted: above the threshold, but for less "
			       "than %lld s in a row",
			       (long long)(assess_seen_wanted_ms(core, t->measured_by) / MS_PER_S));
	say(core, due, threshold, EVENT_CROSSING_ASSESSED, at, reason);
}

/** settle() - its time is over and nothing was seen: was it looked at well enough? */
static void settle(struct core *core, struct core_due *due, size_t threshold, struct stamp at)
{
	/* of all that time: what had passed before anybody knew that it was due was not looked at
	 */
	int64_t n_wanted = MAX((due->until_ms - due->from_ms) / ASSESS_DUE_MS,
			       (int64_t)due->n_checks);
	uint32_t percent = n_wanted > 0 ? (uint32_t)(100 * (int64_t)due->n_good / n_wanted) : 0;
	char reason[ASSESS_REASON_MAX];
	double high = core->config->crossing.thresholds[threshold].high;

	if (due->worst > due->confirms * high) { /* NAN is not */
		due->state = DUE_UNKNOWN;
		say_unknown(core, due, threshold, at);
		return;
	}
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
	if (due->n_good == 0)
		(void)snprintf(reason, sizeof(reason),
			       "neither confirmed nor refuted: no good reading while it was due");
	else
		(void)snprintf(reason, sizeof(reason),
			       "neither confirmed nor refuted: measured only %u %% of the time it "
			       "was due",
			       percent);
	say(core, due, threshold, EVENT_CROSSING_ASSESSED, at, reason);
}

static void watch(struct core *core, struct core_due *due, size_t threshold, struct stamp at)
{
	if (llabs(at.wall_ms - due->checked_ms) > ASSESS_BLIND_MS)
		due->above = 0; /* nobody looked: after a restart */
	if (llabs(at.wall_ms - due->checked_ms) >= ASSESS_DUE_MS)
		count(core, due, &core->config->crossing.thresholds[threshold], at);
	look(core, due, threshold, at);
}

static void tick(struct core *core, struct core_due *due, struct stamp at)
{
	size_t threshold = assess_threshold_of(core->config, due->threshold);

	if (threshold == CONFIG_NONE ||
	    core->config->crossing.thresholds[threshold].measured_by == CONFIG_NONE) {
		*due = (struct core_due){0}; /* no longer configured */
		return;
	}
	if (due->state == DUE_WAITING)
		look_before(core, due, &core->config->crossing.thresholds[threshold], at);
	if (due->state == DUE_WAITING || due->state == DUE_CONFIRMED) {
		if (at.wall_ms >= due->from_ms && at.wall_ms <= due->until_ms)
			watch(core, due, threshold, at);
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
