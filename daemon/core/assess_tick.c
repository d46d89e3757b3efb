/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/assess.h"

#define FIGURE_MAX (EVENT_VALUE_MAX + 24) /* and a unit */

const struct config_passage *assess_passage_of(const struct config *config,
					       const struct crossing_path *path)
{
	size_t source = assess_source_of(config, path->source),
	       target = assess_target_of(config, path->target);
	const struct config_release *release;

	if (source == CONFIG_NONE || path->method == METHOD_SLIDE || path->method == METHOD_PLUME)
		return NULL;
	release = &config->sources[source].release;
	for (size_t i = 0; i < config->crossing.n_passages; i++) {
		const struct config_passage *passage = &config->crossing.passages[i];

		if (passage->river == release->river && passage->target == target &&
		    fabs(passage->at_m - release->at_m - path->distance_m) < 1)
			return passage;
	}
	return NULL;
}

const struct core_crossing *assess_of(const struct core *core, const struct core_incident *incident)
{
	const struct core_crossing *crossing = &core->crossings[incident - core->incidents];

	return crossing->opened_ms && crossing->opened_ms == incident->opened.wall_ms ? crossing
										      : NULL;
}

/* three digits: an estimate is worth no more; the report has them all */
static void estimate_text(double value, char text[static EVENT_VALUE_MAX])
{
	double unit = value != 0 ? pow(10, floor(log10(fabs(value))) - 2) : 1;

	if (value > 0 && value < 0.001)
		(void)snprintf(text, EVENT_VALUE_MAX, "<0.001");
	else
		event_value_text(round(value / unit) * unit, text);
}

/** figure() - an estimate in the threshold's unit */
static void figure(const struct config_threshold *t, double value, char text[static FIGURE_MAX])
{
	char number[EVENT_VALUE_MAX];

	/* not @path->bound: the threshold may have changed */
	estimate_text(value * t->high / assess_bound(t), number);
	(void)snprintf(text, FIGURE_MAX, "%s %s", number, t->measure);
}

/** struct reason - a sentence that grows; what does not fit any more is cut off */
struct reason {
	char *text; /* of ASSESS_REASON_MAX */
	size_t n;
};

__attribute__((format(printf, 2, 3))) static void append(struct reason *reason, const char *format,
							 ...)
{
	size_t room = ASSESS_REASON_MAX - reason->n;
	va_list values;
	int n;

	va_start(values, format);
	n = vsnprintf(reason->text + reason->n, room, format, values);
	va_end(values);
	reason->n += n < 0 ? 0 : MIN((size_t)n, room - 1);
}

/** append_gaps() - ", measured for 18 % of the time, the rest at its mean rate" */
static void append_gaps(struct reason *reason, const struct crossing_path *path)
{
	if (path->flags & FLAG_FILLED && path->covered_percent == 0)
		append(reason, ", extrapolated: concentration and flow were not measured together");
	else if (path->flags & FLAG_FILLED)
		append(reason, ", measured for %u %% of the time and extrapolated to the rest",
		       path->covered_percent);
	if (path->flags & FLAG_HELD)
		append(reason, ", likely only with what nobody measured");
}

/** append_strength() - "COD 12 mg/l (8 mg/l to 20 mg/l), 5 mg/l of it added, threshold 15 mg/l; "
 * and of a release that goes on "COD up to 20 mg/l if it goes on, 12 mg/l by what was let go …" */
static void append_strength(struct reason *reason, const struct config *config,
			    const struct crossing_path *path)
{
	size_t threshold = assess_threshold_of(config, path->threshold);
	const struct config_threshold *t;
	char central[FIGURE_MAX], low[FIGURE_MAX], high[FIGURE_MAX], bound[EVENT_VALUE_MAX];

	if (threshold == CONFIG_NONE || isnan(path->central))
		return;
	t = &config->crossing.thresholds[threshold];
	figure(t, path->central, central);
	figure(t, path->low, low);
	figure(t, path->high, high);
	if (path->flags & FLAG_NOT_ENDED)
		append(reason, "%s up to %s if it goes on, %s by what was let go so far",
		       t->parameter, high, central);
	else
		append(reason, "%s %s (%s to %s)", t->parameter, central, low, high);
	figure(t, path->excess, central);
	if (path->background > 0)
		append(reason, ", %s of it added", central);
	event_value_text(t->high, bound);
	append(reason, ", threshold %s %s", bound, t->measure);
	append_gaps(reason, path);
	append(reason, "; ");
}

/** append_way() - "river over 7.0 km to the gate, expected 2026-03-02 12:40" */
static void append_way(struct reason *reason, const struct config *config,
		       const struct crossing_path *path)
{
	const struct config_passage *passage = assess_passage_of(config, path);
	char arrival[CLOCK_TEXT_MAX];

	append(reason, "%s over %.1f km", crossing_method_text((enum crossing_method)path->method),
	       path->distance_m / 1e3);
	if (passage && passage->name && *passage->name)
		append(reason, " to %.100s", passage->name);
	if (path->arrival_ms == 0 || path->flags & FLAG_NOT_DOWNWIND)
		return;
	clock_format(path->arrival_ms, config->zone_min, arrival);
	append(reason, ", expected %.10s %.5s", arrival, arrival + 11);
}

/** append_unjudged() - "not assessed: no threshold for pH at Biên giới" */
static void append_unjudged(struct reason *reason, const struct config *config,
			    const struct crossing_path *path)
{
	const char *parameter = assess_parameter(config, path);
	size_t target = assess_target_of(config, path->target);

	if (path->flags & FLAG_NO_THRESHOLD && parameter)
		append(reason, "%snot assessed: no threshold for %s at %.100s",
		       reason->n > 0 ? "; " : "", parameter,
		       config->crossing.targets[target].title);
}

/** describe() - how strong, by which way, when, in few words; and why it is not known */
static void describe(const struct core *core, const struct crossing_path *path,
		     char text[static ASSESS_REASON_MAX])
{
	static const uint64_t whys[] = {FLAG_NO_PLACE,	FLAG_NO_RIVER,		FLAG_NO_FLOW,
					FLAG_NO_RAIN,	FLAG_DIRECTION_UNKNOWN, FLAG_NOT_DOWNWIND,
					FLAG_NO_MEASURE};
	struct reason reason = {text, 0};

	text[0] = '\0';
	append_strength(&reason, core->config, path);
	if (!isnan(path->distance_m))
		append_way(&reason, core->config, path);
	append_unjudged(&reason, core->config, path);
	for (size_t i = 0; i < ARRAY_SIZE(whys); i++)
		if (path->flags & whys[i])
			append(&reason, "%s%s", reason.n > 0 ? "; " : "",
			       crossing_flag_text(whys[i]));
}

/** is_news() - has the verdict changed, or would it have but for what nobody measured? Of paths
 * that are no more than unlikely from the start one is enough */
static bool is_news(const struct core_crossing *before, const struct crossing_path *path,
		    bool first)
{
	for (uint32_t i = 0; i < before->n_paths; i++) {
		const struct crossing_path *other = &before->paths[i];

		if (other->source == path->source && other->target == path->target &&
		    other->threshold == path->threshold && other->method == path->method)
			return other->verdict != path->verdict ||
			       (path->flags & ~other->flags & FLAG_HELD);
	}
	if (before->n_left_out > 0) /* it may have been among those that were left out */
		return path->verdict > before->paths[before->n_paths - 1].verdict;
	return path->verdict >= VERDICT_POSSIBLE ||
	       (first && before->n_paths == 0 && path->verdict <= VERDICT_UNLIKELY);
}

static void say(struct core *core, const struct core_incident *incident,
		const struct crossing_path *path, struct stamp at)
{
	const struct config *config = core->config;
	size_t target = assess_target_of(config, path->target), slot;
	struct event event = event_plain(EVENT_CROSSING_ASSESSED, at);
	char reason[ASSESS_REASON_MAX];

	slot = (size_t)(incident - core->incidents);
	event.site = slot / N_WASTE_KINDS;
	event.source = assess_source_of(config, path->source);
	event.kind = (enum waste_kind)(slot % N_WASTE_KINDS);
	event.incident = incident->id;
	event.verdict = crossing_verdict_text((enum crossing_verdict)path->verdict);
	event.boundary = config->crossing.targets[target].title;
	if (path->method == METHOD_INBOUND) {
		if (path->verdict == VERDICT_OBSERVED)
			event.type = EVENT_INBOUND_SUSPECTED;
		inbound_describe(core, event.source, at, path, reason);
	} else {
		describe(core, path, reason);
	}
	event.has_covered = path->covered_percent != CROSSING_COVER_NONE;
	event.covered_percent = path->covered_percent;
	event.reason = reason;
	core_event(core, &event);
}

/** lasts() - is it more than one bad value? What is observed was for a minute already */
static bool lasts(const struct core *core, const struct crossing_path *path)
{
	return path->verdict == VERDICT_OBSERVED ||
	       assess_lasts(core, assess_source_of(core->config, path->source));
}

/** conclude() - the incident's verdict and what it reaches. Return: did one change? */
static bool conclude(const struct core *core, struct core_incident *incident,
		     const struct core_crossing *crossing)
{
	const struct config *config = core->config;
	uint8_t verdict = crossing->n_paths > 0 ? crossing->paths[0].verdict : VERDICT_NONE;
	uint8_t reach = LEVEL_FACILITY;
	bool changed;

	for (uint32_t i = 0; i < crossing->n_paths; i++) {
		const struct crossing_path *path = &crossing->paths[i];
		size_t target = assess_target_of(config, path->target);

		if (assess_is_worse(path->verdict, verdict))
			verdict = path->verdict;
		if (path->verdict >= (uint8_t)config->crossing.counts && lasts(core, path))
			reach = MAX(reach,
				    (uint8_t)assess_level(config->crossing.targets[target].kind));
	}
	changed = verdict != incident->verdict || reach != incident->reach;
	incident->verdict = verdict;
	incident->reach = reach;
	return changed;
}

/** expect() - readings are due where something may come and somebody measures */
static void expect(struct core *core, const struct core_incident *incident,
		   struct crossing_path *path)
{
	size_t threshold = assess_threshold_of(core->config, path->threshold);

	if (threshold == CONFIG_NONE || path->verdict < VERDICT_POSSIBLE ||
	    core->config->crossing.thresholds[threshold].measured_by == CONFIG_NONE ||
	    path->tail_ms == 0)
		return;
	if (!assess_expect(core, incident, path))
		path->flags |= FLAG_UNWATCHED;
}

static bool is_withdrawn(const struct core_crossing *crossing)
{
	for (uint32_t i = 0; i < crossing->n_paths; i++)
		if (crossing->paths[i].flags & FLAG_WITHDRAWN)
			return true;
	return false;
}

/** append_worst() - "crossing: unlikely at the border; reaching the intake: likely": a receptor
 * where that is worse, or nothing else is near; and whether more may come to light */
static void append_worst(struct reason *reason, const struct config *config,
			 const struct core_crossing *crossing, enum incident_level level)
{
	const struct crossing_path *boundary = assess_worst(config, crossing, false);
	const struct crossing_path *receptor = assess_worst(config, crossing, true);

	reason->text[0] = '\0';
	if (boundary)
		append(reason, "crossing: %s at %.100s",
		       crossing_verdict_text((enum crossing_verdict)boundary->verdict),
		       config->crossing.targets[assess_target_of(config, boundary->target)].title);
	if (receptor && (!boundary || receptor->verdict > boundary->verdict))
		append(reason, "%sreaching %.100s: %s", boundary ? "; " : "",
		       config->crossing.targets[assess_target_of(config, receptor->target)].title,
		       crossing_verdict_text((enum crossing_verdict)receptor->verdict));
	if (assess_is_low(config, crossing, level))
		append(reason, "%sflow not measured: the level may be too low",
		       reason->n > 0 ? "; " : "");
}

static void assess(struct core *core, size_t slot, struct stamp at)
{
	struct core_incident *incident = &core->incidents[slot];
	struct core_crossing *crossing = &core->crossings[slot];
	struct core_crossing before = *crossing;
	bool changed = false;
	char reason[ASSESS_REASON_MAX];
	struct reason words = {reason, 0};

	if (before.opened_ms != incident->opened.wall_ms)
		before = *crossing = (struct core_crossing){0};
	assess_paths(core, slot, at, crossing);
	for (uint32_t i = 0; i < crossing->n_paths; i++) {
		expect(core, incident, &crossing->paths[i]);
		if (!is_news(&before, &crossing->paths[i], i == 0))
			continue;
		say(core, incident, &crossing->paths[i], at);
		changed = true;
	}
	changed |= conclude(core, incident, crossing);
	if (!changed)
		return;
	append_worst(&words, core->config, crossing,
		     (enum incident_level)MAX(incident->level, incident->reach));
	if (is_withdrawn(crossing))
		append(&words, ", no longer observed: an own source upstream was out of its "
			       "limits; the level stays");
	incident_assessed(core, incident, at, reason);
}

/** is_waiting() - is an assessment of the incident wanted now? While something is let go, what
 * has come of it is looked at every minute, however seldom reports are */
static bool is_waiting(const struct core *core, size_t slot, struct stamp at)
{
	const struct core_incident *incident = &core->incidents[slot];
	const struct core_crossing *crossing = &core->crossings[slot];
	int64_t interval_ms = (int64_t)core->config->report_interval_ms;

	/* and once more when it is over: the last of it counts, too */
	if (incident->n_active > 0 || crossing->assessed.mono_ms < incident->quiet_since.mono_ms)
		interval_ms = MIN(interval_ms, (int64_t)ASSESS_AGAIN_MS);

	return crossing->opened_ms != incident->opened.wall_ms || crossing->at_once ||
	       crossing->class != incident->class ||
	       memcmp(crossing->config, core->config->digest, sizeof(crossing->config)) != 0 ||
	       at.mono_ms - crossing->assessed.mono_ms >= interval_ms;
}

/* One incident per tick, the one that has waited longest: a flood must not hold up the measuring.
 * A tick comes every second, so a hundred incidents have had their turn in two minutes. */
void assess_tick(struct core *core, struct stamp at)
{
	size_t chosen = CONFIG_NONE;

	core->assessed_ms = at.mono_ms;
	inbound_watch(core, at);
	assess_seen_tick(core);
	assess_due_tick(core, at);
	for (size_t i = 0; i < core->config->n_sites * N_WASTE_KINDS; i++) {
		struct core_crossing *crossing = &core->crossings[i];

		if (!core->incidents[i].open) {
			if (crossing->opened_ms)
				*crossing = (struct core_crossing){0};
			continue;
		}
		if (is_waiting(core, i, at) &&
		    (chosen == CONFIG_NONE ||
		     crossing->assessed.mono_ms < core->crossings[chosen].assessed.mono_ms))
			chosen = i;
	}
	if (chosen != CONFIG_NONE)
		assess(core, chosen, at);
}
