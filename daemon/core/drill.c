/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/drill_inside.h"

#define DUE_TEXT_MAX 160

static void on_sample(void *userdata, size_t channel, struct stamp at, double value,
		      enum quality quality, uint32_t reason);
static void on_tick(void *userdata, size_t stream, struct stamp at);

int drills_new(struct drills **ret, struct core *real)
{
	struct drills *drills = calloc(1, sizeof(*drills));

	if (!drills)
		return -ENOMEM;
	drills->real = real;
	drills->tap = (struct core_tap){on_sample, on_tick, drills};
	drills->sites = calloc(real->config->n_sites + 1, sizeof(*drills->sites));
	if (!drills->sites) {
		free(drills);
		return -ENOMEM;
	}
	*ret = drills;
	return 0;
}

struct drill *drill_free(struct drill *drill)
{
	if (!drill)
		return NULL;
	(void)drill_scenario_free(drill->scenario);
	(void)core_free(drill->core);
	batch_done(&drill->batch);
	free(drill);
	return NULL;
}

struct drills *drills_free(struct drills *drills)
{
	if (!drills)
		return NULL;
	for (size_t i = 0; i < drills->n; i++)
		(void)drill_free(drills->list[i]);
	if (drills->real->tap == &drills->tap)
		drills->real->tap = NULL;
	free(drills->sites);
	free(drills);
	return NULL;
}

void drills_add(struct drills *drills, struct drill *drill)
{
	drills->list[drills->n++] = drill;
	drills->anew = true;
	drills->real->tap = &drills->tap;
}

/* NULL: none runs there */
static struct drill *of_site(const struct drills *drills, size_t site)
{
	for (size_t i = 0; i < drills->n; i++)
		if (drills->list[i]->site == site)
			return drills->list[i];
	return NULL;
}

/* --- readings ------------------------------------------------------------------------ */

/* reports and incidents go on, as what they are; all else of an exercise is nobody's */
static void drain(struct drills *drills, struct drill *drill)
{
	struct batch *from = &drill->batch, *to = drills->real->batch;

	for (size_t i = 0; i < from->n_reports; i++) {
		struct batch_report *report = batch_add(to, reports);

		if (!report)
			break;
		*report = from->reports[i];
		from->reports[i] = (struct batch_report){0};
	}
	for (size_t i = 0; i < from->n_incidents; i++) {
		struct batch_incident *incident = batch_add(to, incidents);

		if (!incident)
			break;
		*incident = from->incidents[i];
		from->incidents[i] = (struct batch_incident){0};
	}
	to->out_of_memory |= from->out_of_memory;
	batch_clear(from);
}

static bool is_of_stream(const struct core *core, size_t channel, size_t stream)
{
	return core->n_streams == 1 || core->plan->channel_slot[channel] == stream;
}

static void give(struct drill *drill, struct drill_feed *feed, struct stamp at)
{
	const struct decode *decode = &drill->core->config->channels[feed->channel].decode;
	struct stamp then = {feed->next_ms, at.wall_ms - (at.mono_ms - feed->next_ms)};
	enum quality quality;
	double value = drill_value(drill->scenario, &drill->scenario->courses[feed->course],
				   feed->next_ms - drill->started.mono_ms, &quality);

	value = value * feed->factor + feed->offset;
	if (quality == QUALITY_GOOD && !(value >= decode->min && value <= decode->max))
		quality = QUALITY_OUT_OF_RANGE;
	if (quality == QUALITY_COMMUNICATION_LOST)
		value = (double)NAN;
	feed->next_ms += MAX(drill->core->interval_ms[feed->channel], 1U);
	core_sample(drill->core, feed->channel, then, value, quality, 0);
}

/*
 * What the scenario's channels would have measured up to @at, in order of time. Where nothing came
 * for a while (the service was down and nobody kept readings) that time was not played either.
 */
static void play(struct drill *drill, size_t stream, struct stamp at)
{
	for (;;) {
		struct drill_feed *next = NULL;

		for (size_t i = 0; i < drill->n_feeds; i++) {
			struct drill_feed *feed = &drill->feeds[i];

			if (is_of_stream(drill->core, feed->channel, stream) &&
			    feed->next_ms <= at.mono_ms && (!next || feed->next_ms < next->next_ms))
				next = feed;
		}
		if (!next)
			return;
		if (at.mono_ms - next->next_ms > CORE_GAP_MS)
			next->next_ms = at.mono_ms;
		give(drill, next, at);
	}
}

static void on_sample(void *userdata, size_t channel, struct stamp at, double value,
		      enum quality quality, uint32_t reason)
{
	struct drills *drills = userdata;
	const struct core *real = drills->real;
	struct drill *drill = of_site(drills, config_site_of(real->config, channel));

	if (!drill)
		return;
	play(drill, real->n_streams == 1 ? 0 : real->plan->channel_slot[channel], at);
	if (drill->core->channels[channel].idle)
		core_sample(drill->core, channel, at, value, quality, reason);
	drain(drills, drill);
}

static void on_tick(void *userdata, size_t stream, struct stamp at)
{
	struct drills *drills = userdata;

	for (size_t i = drills->n; i-- > 0;) {
		struct drill *drill = drills->list[i];

		play(drill, stream, at);
		core_tick(drill->core, stream, at);
		drain(drills, drill);
		if (at.mono_ms - drill->started.mono_ms >= (int64_t)drill->scenario->duration_ms)
			drill_stop(drills, i, at, NULL, "its scenario is over");
	}
}

/* --- begin and end ------------------------------------------------------------------- */

static void say(struct drills *drills, enum event_type type, const struct drill *drill,
		struct stamp at, const char *user, const char *reason)
{
	struct event event = event_plain(type, at);

	event.site = drill->site;
	event.source = drill->source;
	event.name = drill->scenario->name;
	event.user = user;
	event.reason = reason;
	event.exercise = true;
	if (type == EVENT_DRILL_STARTED)
		event.until_ms = drill->started.wall_ms + (int64_t)drill->scenario->duration_ms;
	else
		event.since_ms = drill->started.wall_ms;
	core_event(drills->real, &event);
}

void drill_stop(struct drills *drills, size_t i, struct stamp at, const char *user,
		const char *reason)
{
	struct drill *drill = drills->list[i];
	char why[ACTION_ERROR_MAX];

	(void)snprintf(why, sizeof(why), "the drill has ended: %s", reason);
	incident_stop(drill->core, at, why);
	drain(drills, drill);
	say(drills, EVENT_DRILL_STOPPED, drill, at, user, reason);
	(void)drill_free(drill);
	drills->list[i] = drills->list[--drills->n];
	drills->anew = true;
	if (drills->n == 0)
		drills->real->tap = NULL;
}

static int find_target(const struct drills *drills, const struct action *action, size_t *ret_site,
		       size_t *ret_source, char *error)
{
	const struct config *config = drills->real->config;
	size_t n = strcspn(action->target, "/"), used;
	const char *source = action->target[n] ? action->target + n + 1 : NULL;

	*ret_source = EVENT_NONE;
	*ret_site = drill_site_find(config, action->target, n);
	for (size_t i = 0; source && *ret_site != EVENT_NONE && i < config->n_sources; i++)
		if (config->sources[i].site == *ret_site &&
		    strcmp(config->sources[i].name, source) == 0)
			*ret_source = i;
	if (*ret_site != EVENT_NONE && (!source || *ret_source != EVENT_NONE))
		return 0;
	(void)snprintf(error, ACTION_ERROR_MAX, "there is no %s \"%.70s\"; there are:",
		       *ret_site == EVENT_NONE ? "site" : "source", action->target);
	for (size_t i = 0; *ret_site == EVENT_NONE && i < config->n_sites; i++) {
		used = strlen(error);
		(void)snprintf(error + used, ACTION_ERROR_MAX - used, " %s", config->sites[i].name);
	}
	for (size_t i = 0; *ret_site != EVENT_NONE && i < config->n_sources; i++) {
		used = strlen(error);
		if (config->sources[i].site == *ret_site)
			(void)snprintf(error + used, ACTION_ERROR_MAX - used, " %s/%s",
				       config->sites[*ret_site].name, config->sources[i].name);
	}
	return -ENOENT;
}

static bool has_limits(const struct core *core)
{
	for (size_t i = 0; i < core->config->n_limits; i++)
		if (!core->channels[core->config->limits[i].channel].idle)
			return true;
	return false;
}

static int prepare(struct drill *drill, const struct drills *drills, char *error)
{
	const struct core *real = drills->real;
	int r = drill_fit(drill, real->config, error, ACTION_ERROR_MAX);

	if (r == 0)
		r = drill_make_core(drill, real);
	if (r < 0 || has_limits(drill->core))
		return r;
	(void)snprintf(error, ACTION_ERROR_MAX,
		       "nothing that \"%s\" plays has a limit at %s, so nothing would be judged",
		       drill->scenario->name, real->config->sites[drill->site].name);
	return -EINVAL;
}

static int start(struct drills *drills, struct drill_scenario **scenario,
		 const struct action *action, size_t site, size_t source, struct stamp at,
		 char *error)
{
	struct drill *drill = calloc(1, sizeof(*drill));
	int r;

	if (!drill)
		return -ENOMEM;
	drill->site = site;
	drill->source = source;
	drill->scenario = *scenario;
	drill->started = at;
	(void)snprintf(drill->user, sizeof(drill->user), "%s", action->user);
	r = prepare(drill, drills, error);
	if (r < 0) {
		drill->scenario = NULL; /* still the caller's */
		(void)drill_free(drill);
		return r;
	}
	*scenario = NULL;
	for (size_t i = 0; i < drill->n_feeds; i++)
		drill->feeds[i].next_ms = at.mono_ms;
	drills_add(drills, drill);
	drills->sites[site] = (struct drill_site){.counted_ms = at.wall_ms};
	drills->sites_changed = true;
	say(drills, EVENT_DRILL_STARTED, drill, at, *action->user ? action->user : NULL,
	    drill->scenario->title);
	return 0;
}

static int stop(struct drills *drills, const struct action *action, size_t site, struct stamp at)
{
	for (size_t i = 0; i < drills->n; i++)
		if (drills->list[i]->site == site) {
			drill_stop(drills, i, at, *action->user ? action->user : NULL,
				   *action->reason ? action->reason : "by command");
			return 0;
		}
	return -EALREADY;
}

int drill_act(struct drills *drills, struct drill_scenario **scenario, const struct action *action,
	      struct stamp at, char *error)
{
	const struct drill *running;
	size_t site, source;
	int r = action_check(action, error);

	if (r == 0)
		r = find_target(drills, action, &site, &source, error);
	if (r != 0)
		return r;
	running = of_site(drills, site);
	if (action->kind == ACTION_DRILL_STOP) {
		if (!running)
			(void)snprintf(error, ACTION_ERROR_MAX, "no drill is running at %s",
				       drills->real->config->sites[site].name);
		return stop(drills, action, site, at);
	}
	if (running) {
		(void)snprintf(error, ACTION_ERROR_MAX,
			       "the drill \"%s\" is running at %s already; end it first: "
			       "wastewatch drill stop %s",
			       running->scenario->name, drills->real->config->sites[site].name,
			       drills->real->config->sites[site].name);
		return -EALREADY;
	}
	if (drills->n == DRILLS_MAX) {
		(void)snprintf(error, ACTION_ERROR_MAX,
			       "%d drills are running; allowed at a time: as many", DRILLS_MAX);
		return -EBUSY;
	}
	return start(drills, scenario, action, site, source, at, error);
}

/* a limit's path, or an incident's id */
static struct drill *drill_of_target(const struct drills *drills, const char *target)
{
	size_t n = strcspn(target, "/");

	for (size_t i = 0; target[n] && i < drills->n; i++)
		if (drill_site_find(drills->real->config, target, n) == drills->list[i]->site)
			return drills->list[i];
	for (size_t i = 0; !target[n] && i < drills->n; i++)
		for (size_t k = 0; k < drills->real->config->n_sites * N_WASTE_KINDS; k++)
			if (*target && strcmp(drills->list[i]->core->incidents[k].id, target) == 0)
				return drills->list[i];
	return NULL;
}

int drill_act_inside(struct drills *drills, const struct action *action, struct stamp at,
		     char *error)
{
	struct drill *drill = drill_of_target(drills, action->target);
	int r;

	if (action->kind == ACTION_INCIDENT_CLOSE) {
		(void)snprintf(error, ACTION_ERROR_MAX,
			       "an incident of a drill has nothing to be closed: it ends with its "
			       "drill");
		return -EBUSY;
	}
	if (!drill) {
		(void)snprintf(error, ACTION_ERROR_MAX,
			       "no drill is running that \"%.100s\" could belong to; see: "
			       "wastewatch drill list",
			       action->target);
		return -ENOENT;
	}
	r = core_act(drill->core, action, at, error);
	drain(drills, drill);
	return r;
}

/* --- when one is due ------------------------------------------------------------------ */

bool drill_is_due(const struct drills *drills, size_t site, int64_t wall_ms)
{
	int64_t interval_ms = drills->real->config->sites[site].drill_interval_min * MS_PER_MIN;

	return interval_ms > 0 && drills->sites[site].counted_ms > 0 &&
	       wall_ms - drills->sites[site].counted_ms >= interval_ms;
}

static void say_due(struct drills *drills, size_t site, struct stamp at)
{
	const struct config_site *config = &drills->real->config->sites[site];
	struct drill_site *state = &drills->sites[site];
	struct event event = event_plain(EVENT_DRILL_DUE, at);
	char reason[DUE_TEXT_MAX];

	event.site = site;
	event.since_ms = state->counted_ms;
	event.number = (at.wall_ms - state->counted_ms) / MS_PER_DAY;
	(void)snprintf(reason, sizeof(reason),
		       "none has been held for %lld days, one is wanted every %lld",
		       (long long)event.number,
		       (long long)(config->drill_interval_min * MS_PER_MIN / MS_PER_DAY));
	event.reason = reason;
	core_event(drills->real, &event);
	state->said_ms = at.wall_ms;
	drills->sites_changed = true;
}

void drills_due(struct drills *drills, struct stamp at)
{
	const struct config *config = drills->real->config;

	for (size_t i = 0; i < config->n_sites; i++) {
		struct drill_site *state = &drills->sites[i];
		int64_t interval_ms = config->sites[i].drill_interval_min * MS_PER_MIN;

		if (interval_ms > 0 && state->counted_ms == 0) {
			state->counted_ms = at.wall_ms;
			drills->sites_changed = true;
		}
		if (drill_is_due(drills, i, at.wall_ms) && !of_site(drills, i) &&
		    (state->said_ms == 0 || at.wall_ms - state->said_ms >= interval_ms))
			say_due(drills, i, at);
	}
}

/* --- incidents of drills --------------------------------------------------------------- */

bool drill_incident_is_open(const struct drills *drills, const char *id)
{
	for (size_t i = 0; i < drills->n; i++)
		for (size_t k = 0; k < drills->real->config->n_sites * N_WASTE_KINDS; k++)
			if (drills->list[i]->core->incidents[k].open &&
			    strcmp(drills->list[i]->core->incidents[k].id, id) == 0)
				return true;
	return false;
}

int drill_incident_lost(struct drills *drills, const char *id, const char *summary,
			const char *told, struct stamp at, const char *reason)
{
	CLEANUP(drill_free) struct drill *drill = calloc(1, sizeof(*drill));
	struct batch_removed *removed = batch_add(drills->real->batch, removed);
	int r;

	if (!drill || !removed)
		return -ENOMEM;
	removed->is_incident = removed->exercise = true;
	removed->at_ms = at.wall_ms;
	removed->name = strdup(id);
	if (!removed->name)
		return -ENOMEM;
	r = drill_make_core(drill, drills->real);
	if (r < 0)
		return r;
	incident_removed(drill->core, id, summary, told, at, reason);
	drain(drills, drill);
	return 0;
}
