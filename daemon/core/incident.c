/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/incident.h"
#include "core/release.h"

const char *incident_level_text(enum incident_level level)
{
	static const char *const texts[] = {
		[LEVEL_FACILITY] = "facility",
		[LEVEL_COMMUNE] = "commune",
		[LEVEL_PROVINCE] = "province",
		[LEVEL_NATIONAL] = "national",
	};

	return texts[level];
}

const char *crossing_verdict_text(enum crossing_verdict verdict)
{
	static const char *const texts[] = {
		[VERDICT_NONE] = "none",	 [VERDICT_UNLIKELY] = "unlikely",
		[VERDICT_POSSIBLE] = "possible", [VERDICT_LIKELY] = "likely",
		[VERDICT_OBSERVED] = "observed",
	};

	return texts[verdict];
}

/* Art. 123: it only rises while the incident runs */
static void raise_level(struct core *core, struct core_incident *incident,
			enum incident_level level, struct stamp at, const char *reason)
{
	struct event event = incident_event(core, incident, EVENT_INCIDENT_LEVEL, at);

	if ((uint8_t)level <= incident->level)
		return;
	incident->level = (uint8_t)level;
	event.level = incident_level_text(level);
	event.reason = reason;
	core_event(core, &event);
}

void incident_assessed(struct core *core, struct core_incident *incident, struct stamp at,
		       const char *reason)
{
	raise_level(core, incident, (enum incident_level)incident->reach, at, reason);
	incident_update(core, incident, at, reason);
}

static const struct config_source *source_of(const struct core *core, size_t limit)
{
	const struct config *config = core->config;

	return &config->sources[config->channels[config->limits[limit].channel].source];
}

/* what was beyond its bound before, and is not now, is not part of this incident */
static void forget_durations(struct core *core, const struct core_incident *incident)
{
	for (size_t i = 0; i < core->config->n_limits; i++) {
		if (core_incident_of(core, core->config->limits[i].channel) != incident)
			continue;
		core->limits[i].lasts = 0;
		if (!limit_is_raised(&core->limits[i].state))
			core->limits[i].beyond_ms = 0;
	}
}

/* all but what outlives it */
static void forget(struct core_incident *incident)
{
	struct core_incident kept = {.begun_s = incident->begun_s};

	memcpy(kept.broken_ms, incident->broken_ms, sizeof(kept.broken_ms));
	*incident = kept;
}

static void begin(struct core *core, struct core_incident *incident, size_t limit, struct stamp at)
{
	time_t seconds = at.wall_ms / MS_PER_S;
	struct tm tm;
	char moment[32], more[24] = "";

	(void)gmtime_r(&seconds, &tm);
	(void)strftime(moment, sizeof(moment), "%Y%m%dT%H%M%SZ", &tm);
	if (core->exercise || seconds <= incident->begun_s)
		(void)snprintf(more, sizeof(more), "-%llu", (unsigned long long)core->log->seq + 1);
	forget(incident);
	incident->begun_s = MAX(seconds, incident->begun_s);
	incident->first_out = incident_key(core, limit);
	incident->opened = at;
	incident->quiet_since = at;
	incident->class = core->config->limits[limit].class;
	incident->level = (uint8_t)source_of(core, limit)->level;
	incident->open = true;
	release_begin(core, incident, at);
	forget_durations(core, incident);
	(void)snprintf(incident->id, sizeof(incident->id), "%s%.32s-%s-%s%s",
		       core->exercise ? INCIDENT_EXERCISE : "",
		       core->config->sites[incident_site(core, incident)].name,
		       waste_kind_text(incident_kind(core, incident)), moment, more);
}

static void say_opened(struct core *core, struct core_incident *incident, size_t limit,
		       struct stamp at, double value)
{
	struct event event = event_of_channel(core->config, EVENT_INCIDENT_OPENED, at,
					      core->config->limits[limit].channel);

	event.limit = limit;
	event.has_value = true;
	event.value = value;
	event.since_ms = core->limits[limit].state.since_wall_ms;
	event.reason = core->config->limits[limit].path;
	if (incident->level > LEVEL_FACILITY)
		event.level = incident_level_text((enum incident_level)incident->level);
	incident_tell(core, incident, &event);
}

/*
 * Counted anew each time: after a change of configuration an alarm can stand that never
 * joined, such as a warning that has become a limit.
 */
static uint32_t count_active(const struct core *core, const struct core_incident *incident)
{
	uint32_t n = 0;

	for (size_t i = 0; i < core->config->n_limits; i++)
		n += core->config->limits[i].class >= CLASS_LIMIT &&
		     limit_is_raised(&core->limits[i].state) && !core->limits[i].alarm.held &&
		     core_incident_of(core, core->config->limits[i].channel) == incident;
	return n;
}

/* Return: has it risen? */
static bool rise_to_source(struct core *core, struct core_incident *incident, size_t limit,
			   struct stamp at)
{
	const struct config_source *source = source_of(core, limit);
	char reason[CONFIG_NAME_MAX + 64];

	if ((uint8_t)source->level <= incident->level)
		return false;
	(void)snprintf(reason, sizeof(reason), "what comes from %s is at least of this level",
		       source->name);
	raise_level(core, incident, source->level, at, reason);
	return true;
}

void incident_alarm_raised(struct core *core, size_t limit, struct stamp at, double value)
{
	const struct config_limit *config = &core->config->limits[limit];
	struct core_incident *incident = core_incident_of(core, config->channel);
	bool counts = config->class >= CLASS_LIMIT;
	bool opens = counts && !incident->open;

	core->limits[limit].cleared = (struct stamp){0};
	if (!incident->open)
		core->limits[limit].beyond_ms = 0;
	core->limits[limit].beyond_ms += core->limits[limit].pending_ms;
	core->limits[limit].pending_ms = 0;
	if (opens)
		begin(core, incident, limit, at);
	alarm_say(core, EVENT_ALARM_RAISED, limit, at, value);
	if (!incident->open)
		return;
	incident->n_active = count_active(core, incident);
	incident->n_alarms++;
	if (counts) { /* it is not over after all */
		incident->over_ms = 0;
		release_resume(core, incident, at);
	}
	if (opens) {
		say_opened(core, incident, limit, at, value);
	} else if ((uint32_t)config->class > incident->class) {
		incident->class = config->class;
		(void)rise_to_source(core, incident, limit, at);
		incident_update(core, incident, at, "its class has risen");
	} else if (counts && rise_to_source(core, incident, limit, at)) {
		incident_update(core, incident, at, "its level has risen");
	} else {
		incident->dirty = true;
	}
}

void incident_alarm_cleared(struct core *core, size_t limit, struct stamp at, double value)
{
	const struct config_limit *config = &core->config->limits[limit];
	struct core_incident *incident = core_incident_of(core, config->channel);

	core->limits[limit].cleared = at;
	alarm_say(core, EVENT_ALARM_CLEARED, limit, at, value);
	if (!incident->open)
		return;
	incident->dirty = true;
	if (config->class < CLASS_LIMIT)
		return;
	incident->n_active = count_active(core, incident);
	if (incident->n_active > 0)
		return;
	incident->quiet_since = at;
	release_look(core, incident, at); /* what flows in order from now on is no release */
}

void incident_peak(struct core *core, size_t limit, struct stamp at, double value)
{
	struct core_incident *incident = core_incident_of(core,
							  core->config->limits[limit].channel);

	core->limits[limit].peak = value;
	core->limits[limit].peak_ms = at.wall_ms;
	incident->dirty = incident->open;
}

static const char *why_over(const struct core_incident *incident)
{
	return incident->unconfigured
		       ? "limits that were broken are no longer configured; no others are"
		       : "all its alarms have been clear for the set time";
}

static size_t masses_of(const struct core *core, const struct core_incident *incident,
			struct event_mass *masses)
{
	struct release release;
	size_t n = 0;

	for (size_t at = 0; masses && release_next(core, incident, &at, &release); n++)
		masses[n] = (struct event_mass){
			.limit = release.limit,
			.channel = release.channel,
			.total_kg = release.mass->total_kg,
			.above_kg = release.mass->above_kg,
			.from_ms = release.span.from_ms,
			.until_ms = release.span.until_ms,
			.covered_percent = release.span.covered_percent,
			.known = release.mass->covered_ms > 0,
		};
	return n;
}

static void end(struct core *core, struct core_incident *incident, struct stamp at,
		const char *reason)
{
	struct event event = event_plain(EVENT_INCIDENT_ENDED, at);
	struct event_mass *masses = calloc(core->n_released + 1, sizeof(*masses));

	if (!masses)
		core->batch->out_of_memory = true;
	incident->n_updates++;
	event.reason = reason;
	event.since_ms = incident->opened.wall_ms;
	event.n_masses = masses_of(core, incident, masses);
	event.masses = masses;
	incident_tell(core, incident, &event);
	free(masses);
	release_end(core, incident);
	forget(incident);
}

/* is a channel of the incident not being measured? Then nobody knows that it is quiet. */
static bool is_blind(const struct core *core, const struct core_incident *incident)
{
	for (size_t i = 0; i < core->config->n_limits; i++) {
		const struct config_limit *limit = &core->config->limits[i];

		if (core->channels[limit->channel].lost && limit->class >= CLASS_LIMIT &&
		    core_incident_of(core, limit->channel) == incident &&
		    core->limits[i].raised.wall_ms &&
		    core->limits[i].raised.mono_ms >= incident->opened.mono_ms)
			return true;
	}
	return false;
}

void incident_gap(struct core *core, struct stamp at)
{
	for (size_t i = 0; i < core->config->n_sites * N_WASTE_KINDS; i++)
		if (core->incidents[i].open)
			core->incidents[i].quiet_since = at;
}

static bool is_quiet(const struct core *core, struct core_incident *incident, struct stamp at)
{
	if (incident->n_active > 0)
		return false;
	if (is_blind(core, incident))
		incident->quiet_since = at;
	return at.mono_ms - incident->quiet_since.mono_ms >=
	       (int64_t)core->config->incident_clear_ms;
}

/*
 * Is what it let go still on its way to where it may matter? An end of alert would tell those
 * downstream that all is clear hours before the water is there. A little longer than the tail, so
 * that the last readings there are looked at; for ever it is not waited for anything.
 */
static bool is_under_way(const struct core *core, const struct core_incident *incident,
			 struct stamp at)
{
	const struct core_crossing *crossing = &core->crossings[incident - core->incidents];

	if (crossing->opened_ms != incident->opened.wall_ms ||
	    at.mono_ms - incident->quiet_since.mono_ms >= INCIDENT_WAIT_MS)
		return false;
	for (uint32_t i = 0; i < crossing->n_paths; i++)
		if (crossing->paths[i].verdict >= VERDICT_POSSIBLE &&
		    crossing->paths[i].tail_ms + 2 * MS_PER_MIN > at.wall_ms)
			return true;
	return false;
}

/* Return: does the incident end? */
static bool is_over(struct core *core, struct core_incident *incident, struct stamp at)
{
	if (!is_quiet(core, incident, at))
		return false;
	if (!is_under_way(core, incident, at))
		return true;
	if (incident->over_ms)
		return false;
	incident->over_ms = incident->quiet_since.wall_ms;
	release_rest(core, incident, at);
	incident_update(core, incident, at,
			"its release is over, but what it let go is still on its way");
	return false;
}

static __attribute__((noinline)) void pass(struct core *core, struct core_incident *incident,
					   struct stamp at)
{
	release_look(core, incident, at);
	if (is_over(core, incident, at))
		end(core, incident, at, why_over(incident));
	else if (incident->dirty && at.mono_ms - incident->reported.mono_ms >=
					    (int64_t)core->config->report_interval_ms)
		incident_update(core, incident, at, "its course");
}

bool incident_tick(struct core *core, struct stamp at)
{
	bool calm = true;

	for (size_t i = 0; i < core->config->n_sites * N_WASTE_KINDS; i++)
		if (core->incidents[i].open) {
			pass(core, &core->incidents[i], at);
			calm = false;
		}
	return calm;
}

void incident_stop(struct core *core, struct stamp at, const char *reason)
{
	for (size_t i = 0; i < core->config->n_sites * N_WASTE_KINDS; i++)
		if (core->incidents[i].open)
			end(core, &core->incidents[i], at, reason);
}

/* a standing alarm whose class has risen by a change of configuration */
static void open_for(struct core *core, struct core_incident *incident, struct stamp at)
{
	for (size_t i = 0; i < core->config->n_limits && !incident->open; i++) {
		const struct config_limit *limit = &core->config->limits[i];

		if (limit->class < CLASS_LIMIT || !limit_is_raised(&core->limits[i].state) ||
		    core->limits[i].alarm.held ||
		    core_incident_of(core, limit->channel) != incident)
			continue;
		begin(core, incident, i, at);
		incident->n_active = count_active(core, incident);
		incident->n_alarms = incident->n_active;
		say_opened(core, incident, i, at, core->limits[i].state.worst);
	}
}

/* a source's level was set higher while an alarm of it stands */
static void rise_to_standing(struct core *core, struct core_incident *incident, struct stamp at)
{
	bool risen = false;

	for (size_t i = 0; i < core->config->n_limits; i++)
		if (core->config->limits[i].class >= CLASS_LIMIT &&
		    limit_is_raised(&core->limits[i].state) &&
		    core_incident_of(core, core->config->limits[i].channel) == incident)
			risen |= rise_to_source(core, incident, i, at);
	if (risen)
		incident_update(core, incident, at, "its level has risen");
}

void incident_recount(struct core *core, struct stamp at)
{
	for (size_t i = 0; i < core->config->n_sites * N_WASTE_KINDS; i++) {
		struct core_incident *incident = &core->incidents[i];
		uint32_t n = count_active(core, incident);

		if (!incident->open) {
			open_for(core, incident, at);
			continue;
		}
		rise_to_standing(core, incident, at);
		if (n < incident->n_active)
			incident->unconfigured = true;
		if (n == 0 && incident->n_active > 0)
			incident->quiet_since = at;
		incident->n_active = n;
	}
}
