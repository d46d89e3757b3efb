/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The alarms of a core: what values, people, time and conditions make of them, in the record.
 *
 * Shelving and taking out of service change who is called and nothing else: the same entries come,
 * at the priority of information, and incidents take their course. Suppression is of the
 * configuration: an alarm that is raised meanwhile is recorded but held, in no incident; what
 * stands when the suppression ends is raised then.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/action.h"
#include "core/measure.h"

const char *alarm_condition_text(const struct core *core, size_t limit)
{
	return alarm_text((enum alarm_condition)core->limits[limit].alarm.condition);
}

/* the row that people look at; @value NULL: what was judged last stays in it */
static void add_row(struct core *core, size_t limit, struct stamp at, const double *value)
{
	const struct core_limit *state = &core->limits[limit];
	const struct core_incident *incident = core_incident_of(
		core, core->config->limits[limit].channel);
	struct batch_alarm *row = batch_add(core->batch, alarms);

	if (!row)
		return;
	row->limit = limit;
	row->raised = limit_is_raised(&state->state);
	row->is_judged = value != NULL;
	row->since_ms = state->state.since_wall_ms;
	row->changed_ms = at.wall_ms;
	row->value = value ? *value : 0;
	row->state = state->alarm;
	row->notes = core->notes[limit];
	if (incident->open && !state->alarm.held)
		memcpy(row->incident, incident->id, sizeof(row->incident));
}

static struct event event_of(const struct core *core, enum event_type type, size_t limit,
			     struct stamp at)
{
	const struct core_incident *incident = core_incident_of(
		core, core->config->limits[limit].channel);
	struct event event = event_of_channel(core->config, type, at,
					      core->config->limits[limit].channel);

	event.limit = limit;
	if (incident->open && !core->limits[limit].alarm.held)
		event.incident = incident->id;
	return event;
}

static void say_judged(struct core *core, enum event_type type, size_t limit, struct stamp at,
		       double value, const char *reason)
{
	struct event event = event_of(core, type, limit, at);

	event.has_value = true;
	event.value = value;
	event.since_ms = core->limits[limit].state.since_wall_ms;
	event.reason = reason;
	event.quiet = alarm_is_quiet(&core->limits[limit].alarm);
	core_event(core, &event);
	add_row(core, limit, at, &value);
}

#define SURE_MAX 128

/* "31 of 60 values, and …" where it was broken by too few for a mean, before @more; else @more */
static const char *why_raised(const struct core *core, size_t limit, const char *more,
			      char text[static SURE_MAX])
{
	const struct core_limit *state = &core->limits[limit];
	bool high = core->config->limits[limit].high;

	if (state->certain_of == 0)
		return more;
	(void)snprintf(text, SURE_MAX,
		       "%u of %u values, and even the %s that can be read in the others leaves the "
		       "mean %s%s%s",
		       state->certain_n, state->certain_of, high ? "least" : "most",
		       high ? "above" : "below", more ? "; " : "", more ? more : "");
	return text;
}

void alarm_say(struct core *core, enum event_type type, size_t limit, struct stamp at, double value)
{
	char text[SURE_MAX];

	say_judged(core, type, limit, at, value,
		   type == EVENT_ALARM_RAISED ? why_raised(core, limit, NULL, text) : NULL);
}

/* an entry of what happened beside that; @user NULL: nobody did it */
static void say(struct core *core, enum event_type type, size_t limit, struct stamp at,
		const char *user, const char *reason, int64_t until_ms)
{
	struct event event = event_of(core, type, limit, at);

	event.user = user;
	event.reason = reason && *reason ? reason : NULL;
	event.until_ms = until_ms;
	event.quiet = type == EVENT_ALARM_REPEATED && alarm_is_quiet(&core->limits[limit].alarm);
	core_event(core, &event);
	add_row(core, limit, at, NULL);
}

/* --- suppression by the configuration -------------------------------------------------- */

#define WHY_MAX 400

/*
 * Does this alarm hide others? One of which nothing is known any more does not, although it stands
 * on: a dead instrument must not silence others. Nor does one that calls nobody itself: then
 * nobody would be called at all.
 */
static bool hides_others(const struct core *core, size_t limit)
{
	const struct core_limit *state = &core->limits[limit];

	return limit_is_raised(&state->state) && !alarm_is_quiet(&state->alarm) &&
	       !state->alarm.held && !core->channels[core->config->limits[limit].channel].lost;
}

/* does the configuration suppress it now? */
static bool is_suppressed(const struct core *core, size_t limit, struct stamp at,
			  char why[static WHY_MAX])
{
	const struct config_limit *config = &core->config->limits[limit];
	const struct config_limit *parent = &core->config->limits[config->alarm.suppressed_by];
	char bound[EVENT_VALUE_MAX];

	if (config->alarm.suppressible && hides_others(core, config->alarm.suppressed_by)) {
		(void)snprintf(why, WHY_MAX, "%s stands", parent->path);
		return true;
	}
	if (!config->alarm.conditional ||
	    measure_holds(core, config->alarm.enabled_by, config->alarm.enabled_above,
			  config->alarm.enabled_bound, at))
		return false;
	event_value_text(config->alarm.enabled_bound, bound);
	(void)snprintf(why, WHY_MAX, "%s is not %s %s",
		       core->config->channels[config->alarm.enabled_by].path,
		       config->alarm.enabled_above ? "above" : "below", bound);
	return true;
}

/* what has waited is raised as if it had been broken now, with its worst value so far */
static void release(struct core *core, size_t limit, struct stamp at)
{
	struct core_limit *state = &core->limits[limit];

	state->alarm.held = false;
	state->raised = at;
	state->pending_ms = state->beyond_ms; /* it was broken for so long until now */
	state->beyond_ms = 0;
	if (!alarm_is_quiet(&state->alarm))
		flood_add(&core->flood, at.mono_ms);
	incident_alarm_raised(core, limit, at, state->peak);
}

/* entries only where there is something to hide: conditions come and go with every pump */
static void tell_suppressed(struct core *core, size_t limit, struct stamp at, const char *why)
{
	if (core->limits[limit].alarm.told)
		return;
	core->limits[limit].alarm.told = true;
	say(core, EVENT_ALARM_SUPPRESSED, limit, at, NULL, why, 0);
}

static void look_at_conditions(struct core *core, size_t limit, struct stamp at)
{
	struct core_limit *state = &core->limits[limit];
	char why[WHY_MAX] = "";

	if (is_suppressed(core, limit, at, why)) {
		state->alarm.suppressed = true;
		if (limit_is_raised(&state->state))
			tell_suppressed(core, limit, at, why);
		return;
	}
	state->alarm.suppressed = false;
	if (state->alarm.told) {
		state->alarm.told = false;
		say(core, EVENT_ALARM_UNSUPPRESSED, limit, at, NULL, NULL, 0);
	}
	if (state->alarm.held)
		release(core, limit, at);
}

static bool has_conditions(const struct core *core, size_t limit)
{
	return core->config->limits[limit].alarm.conditional ||
	       core->config->limits[limit].alarm.suppressible ||
	       core->limits[limit].alarm.suppressed;
}

/* --- broken and back ------------------------------------------------------------------- */

void alarm_broken(struct core *core, size_t limit, struct stamp at, double value)
{
	struct core_limit *state = &core->limits[limit];
	char text[SURE_MAX];

	state->raised = at;
	state->peak = state->state.worst;
	state->peak_ms = at.wall_ms;
	alarm_note_raise(&state->alarm, at.mono_ms);
	(void)alarm_step(&state->alarm,
			 ALARM_BROKEN); /* leads on from wherever it does not stand */
	if (has_conditions(core, limit))
		look_at_conditions(core, limit, at);
	if (!alarm_is_quiet(&state->alarm))
		flood_add(&core->flood, at.mono_ms);
	if (!state->alarm.suppressed) {
		incident_alarm_raised(core, limit, at, value);
		return;
	}
	state->alarm.held = true;
	state->cleared = (struct stamp){0};
	state->beyond_ms = state->pending_ms;
	state->pending_ms = 0;
	say_judged(core, EVENT_ALARM_RAISED, limit, at, value,
		   why_raised(core, limit, "suppressed", text));
}

static void end_shelving(struct core *core, size_t limit, struct stamp at, const char *user,
			 const char *reason)
{
	core->limits[limit].alarm.shelved = false;
	core->limits[limit].alarm.one_shot = false;
	core->limits[limit].alarm.shelved_until = (struct stamp){0};
	core->notes[limit].shelved = (struct alarm_note){0};
	say(core, EVENT_ALARM_UNSHELVED, limit, at, user, reason, 0);
}

static void end_rest(struct core *core, size_t limit, struct stamp at, const char *user,
		     const char *reason)
{
	core->limits[limit].alarm.out_of_service = false;
	core->limits[limit].alarm.out_until = (struct stamp){0};
	core->notes[limit].out = (struct alarm_note){0};
	say(core, EVENT_ALARM_RETURNED, limit, at, user, reason, 0);
}

void alarm_back(struct core *core, size_t limit, struct stamp at, double value)
{
	struct core_limit *state = &core->limits[limit];

	(void)alarm_step(&state->alarm, core->config->limits[limit].alarm.latch
						? ALARM_BACK_LATCHING
						: ALARM_BACK);
	if (state->alarm.held) {
		state->cleared = at;
		say_judged(core, EVENT_ALARM_CLEARED, limit, at, value, NULL);
		state->alarm.held = false;
	} else {
		incident_alarm_cleared(core, limit, at, value);
	}
	if (state->alarm.one_shot)
		end_shelving(core, limit, at, NULL, "the alarm was cleared");
}

/* --- time ------------------------------------------------------------------------------ */

static __attribute__((noinline)) void repeat(struct core *core, size_t limit, struct stamp at)
{
	char why[ALARM_USER_MAX + 32];

	(void)snprintf(why, sizeof(why), "it was acknowledged by %s",
		       core->notes[limit].acknowledged.user);
	(void)alarm_step(&core->limits[limit].alarm, ALARM_REPEAT); /* leads on from there */
	say(core, EVENT_ALARM_REPEATED, limit, at, NULL, why, 0);
}

static __attribute__((noinline)) void pass(struct core *core, size_t limit, struct stamp at)
{
	struct core_limit *state = &core->limits[limit];
	int64_t re_alarm_ms = core->config->limits[limit].alarm.re_alarm_ms;

	if (has_conditions(core, limit))
		look_at_conditions(core, limit, at);
	if (state->alarm.shelved && alarm_is_over(state->alarm.shelved_until, at))
		end_shelving(core, limit, at, NULL, "its time is over");
	if (state->alarm.out_of_service && alarm_is_over(state->alarm.out_until, at))
		end_rest(core, limit, at, NULL, "its time is over");
	if (re_alarm_ms > 0 && state->alarm.condition == ALARM_ACKNOWLEDGED &&
	    at.mono_ms - state->alarm.acknowledged.mono_ms >= re_alarm_ms)
		repeat(core, limit, at);
}

/* apart from alarm_tick(), which nearly always has nothing to say: an event is a large struct */
static __attribute__((noinline)) void say_flood(struct core *core, struct stamp at)
{
	struct event event = event_plain(EVENT_ALARM_FLOOD, at);

	event.number = flood_count(&core->flood, at.mono_ms);
	core_event(core, &event);
}

bool alarm_tick(struct core *core, struct stamp at)
{
	bool calm = flood_is_far(&core->flood, at.mono_ms);

	for (size_t i = 0; i < core->config->n_limits; i++)
		if (!alarm_is_at_rest(&core->limits[i].alarm) || has_conditions(core, i)) {
			pass(core, i, at);
			calm = false;
		}
	if (flood_begins(&core->flood, at.mono_ms))
		say_flood(core, at);
	return calm;
}

struct flood_figures alarm_figures(const struct core *core, struct stamp at)
{
	struct flood_figures figures = {.n_10min = flood_count(&core->flood, at.mono_ms),
					.flood = core->flood.lasts};

	for (size_t i = 0; i < core->config->n_limits; i++) {
		const struct core_limit *state = &core->limits[i];
		bool stands = limit_is_raised(&state->state) && !state->alarm.held;

		figures.n_standing += stands;
		figures.n_stale += stands && at.mono_ms - state->raised.mono_ms > FLOOD_STALE_MS;
		figures.n_chattering += flood_chatters(state->alarm.raised_ms, at.mono_ms);
		figures.n_unseen += alarm_is_unseen(&state->alarm);
		figures.n_shelved += state->alarm.shelved;
		figures.n_suppressed += state->alarm.suppressed;
		figures.n_out_of_service += state->alarm.out_of_service;
	}
	return figures;
}

/* --- what people do --------------------------------------------------------------------- */

static int refuse(char *error, int r, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int refuse(char *error, int r, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(error, ACTION_ERROR_MAX, format, arguments);
	va_end(arguments);
	return r;
}

static int acknowledge(struct core *core, size_t limit, const struct action *action,
		       struct stamp at, char *error)
{
	struct alarm_state *state = &core->limits[limit].alarm;
	int r = alarm_step(state, ALARM_ACKNOWLEDGE);

	if (r == -EALREADY)
		return refuse(error, r, "%s was acknowledged already, by %s",
			      core->config->limits[limit].path,
			      core->notes[limit].acknowledged.user);
	if (r < 0)
		return refuse(error, r, "%s is in order; there is nothing to acknowledge",
			      core->config->limits[limit].path);
	state->acknowledged = at;
	alarm_note_set(&core->notes[limit].acknowledged, action->user, action->reason);
	say(core, EVENT_ALARM_ACKNOWLEDGED, limit, at, action->user, action->reason, 0);
	return 0;
}

static int reset(struct core *core, size_t limit, const struct action *action, struct stamp at,
		 char *error)
{
	struct alarm_state *state = &core->limits[limit].alarm;
	const char *path = core->config->limits[limit].path;
	int r = alarm_step(state, ALARM_RESET);

	if (r < 0 && alarm_stands(state))
		return refuse(error, r,
			      "%s still stands; it can be reset when its limit is kept again",
			      path);
	if (r < 0)
		return refuse(error, r,
			      "%s is not latched (it is %s); only what is latched is reset", path,
			      alarm_condition_text(core, limit));
	say(core, EVENT_ALARM_RESET, limit, at, action->user, action->reason, 0);
	return 0;
}

/* the same distance on both clocks */
static struct stamp stamp_of(int64_t wall_ms, struct stamp at)
{
	return (struct stamp){.mono_ms = at.mono_ms + (wall_ms - at.wall_ms), .wall_ms = wall_ms};
}

static int shelve(struct core *core, size_t limit, const struct action *action, struct stamp at,
		  char *error)
{
	const struct config_limit *config = &core->config->limits[limit];
	struct alarm_state *state = &core->limits[limit].alarm;
	int64_t last_ms = at.wall_ms + config->alarm.shelve_max_ms;
	int64_t until_ms = action->until_ms ? action->until_ms : last_ms;
	char last[CLOCK_TEXT_MAX];

	clock_format(last_ms, core->config->zone_min, last);
	if (state->shelved)
		return refuse(error, -EALREADY,
			      "%s is shelved already, by %s; to change that, unshelve it first",
			      config->path, core->notes[limit].shelved.user);
	if (until_ms <= at.wall_ms)
		return refuse(error, -EINVAL, "the shelving would be over; allowed: up to %s",
			      last);
	if (until_ms > last_ms)
		return refuse(error, -EINVAL,
			      "%s may be shelved for %u min at most (shelve-max); allowed: up to "
			      "%s",
			      config->path, config->alarm.shelve_max_ms / (uint32_t)MS_PER_MIN,
			      last);
	state->shelved = true;
	state->one_shot = action->one_shot;
	state->shelved_until = stamp_of(until_ms, at);
	alarm_note_set(&core->notes[limit].shelved, action->user, action->reason);
	say(core, EVENT_ALARM_SHELVED, limit, at, action->user, action->reason, until_ms);
	return 0;
}

static int unshelve(struct core *core, size_t limit, const struct action *action, struct stamp at,
		    char *error)
{
	if (!core->limits[limit].alarm.shelved)
		return refuse(error, -EALREADY, "%s is not shelved",
			      core->config->limits[limit].path);
	end_shelving(core, limit, at, action->user, action->reason);
	return 0;
}

static int take_out(struct core *core, size_t limit, const struct action *action, struct stamp at,
		    char *error)
{
	struct alarm_state *state = &core->limits[limit].alarm;

	if (state->out_of_service)
		return refuse(
			error, -EALREADY,
			"%s is out of service already, by %s; to change that, return it first",
			core->config->limits[limit].path, core->notes[limit].out.user);
	if (action->until_ms && action->until_ms <= at.wall_ms)
		return refuse(error, -EINVAL,
			      "the time of return is over; allowed: one to come, or none");
	state->out_of_service = true;
	if (action->until_ms)
		state->out_until = stamp_of(action->until_ms, at);
	alarm_note_set(&core->notes[limit].out, action->user, action->reason);
	say(core, EVENT_ALARM_OUT_OF_SERVICE, limit, at, action->user, action->reason,
	    action->until_ms);
	return 0;
}

static int put_back(struct core *core, size_t limit, const struct action *action, struct stamp at,
		    char *error)
{
	if (!core->limits[limit].alarm.out_of_service)
		return refuse(error, -EALREADY, "%s is in service",
			      core->config->limits[limit].path);
	end_rest(core, limit, at, action->user, action->reason);
	return 0;
}

int alarm_act(struct core *core, const struct action *action, struct stamp at, char *error)
{
	static int (*const acts[])(struct core *, size_t, const struct action *, struct stamp,
				   char *) = {
		[ACTION_ACKNOWLEDGE] = acknowledge, [ACTION_RESET] = reset,
		[ACTION_SHELVE] = shelve,	    [ACTION_UNSHELVE] = unshelve,
		[ACTION_OUT_OF_SERVICE] = take_out, [ACTION_RETURN] = put_back,
	};

	for (size_t i = 0; i < core->config->n_limits; i++)
		if (strcmp(core->config->limits[i].path, action->target) == 0)
			return acts[action->kind](core, i, action, at, error);
	return refuse(error, -ENOENT,
		      "there is no limit \"%s\"; allowed: SITE/SOURCE/CHANNEL/LIMIT, see: "
		      "wastewatch alarms",
		      action->target);
}
