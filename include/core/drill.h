/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drill.h - exercises: a scenario's readings through the same core, beside the real one
 *
 *                       ┌──▶ core ─────────────▶ batch: entries, rows, reports
 *   readings, ticks ────┤                          ▲ entries in the order of the chain,
 *                       └──▶ the exercise's core ──┘ reports marked as exercises
 *   scenario ───────────────────▲
 *
 * Each drill has a core of its own: channels, windows, limits, incidents, all at rest when it
 * begins. It gets the real samples of its site's channels behind the real core; those of the
 * scenario's channels are replaced by the scenario's values, in the channel's own interval. What
 * the scenario plays, and what is derived of it, is judged there; all else is only looked at, so
 * a real breach is the real core's alone. Entries go to the real core's chain, marked; incidents
 * have ids that no real one can have; minute rows, data files, alarm and incident tables of the
 * plant never see a drill.
 *
 * A drill ends by command, or when its scenario is over, after DRILL_LONGEST_MS at most. Its
 * open incidents end with it, and whoever was told of one is told so.
 *
 * Pure: no clock, no I/O. The state goes with the record's commits: drill_save().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/macro.h"
#include "core/action.h"
#include "core/batch.h"
#include "core/core.h"
#include "core/drill_scenario.h"

#define DRILLS_MAX 8 /* at a time, one per site */

/**
 * struct drill_feed - a channel that the scenario plays
 * @factor, @offset: channel's unit = course's × @factor + @offset
 * @next_ms: monotonic; when its next sample is due
 */
struct drill_feed {
	size_t channel;
	size_t course;
	double factor;
	double offset;
	int64_t next_ms;
};

/**
 * struct drill - one that is running
 * @source: that plays the channels given by name, EVENT_NONE where all are given by path
 * @core: the exercise's; @batch: what it makes, taken from there at once
 */
struct drill {
	size_t site;
	size_t source;
	struct drill_scenario *scenario;
	struct core *core;
	struct batch batch;
	struct drill_feed feeds[DRILL_COURSES_MAX];
	size_t n_feeds;
	struct stamp started;
	char user[ACTION_USER_MAX + 1];
};

/**
 * struct drill_site - when was a drill held last at a site?
 * @counted_ms: UTC; begin of the last one, or when one was first wanted
 * @said_ms: UTC; when it was said last that one is due, 0 not since @counted_ms
 */
struct drill_site {
	int64_t counted_ms;
	int64_t said_ms;
};

/**
 * struct drills - all that are running, beside one real core
 * @anew: which are running has changed since the last commit
 * @sites_changed: @sites has
 */
struct drills {
	struct core *real;
	struct core_tap tap;
	struct drill *list[DRILLS_MAX];
	size_t n;
	struct drill_site *sites; /* per site of the configuration */
	bool anew;
	bool sites_changed;
};

/** drills_new() - none running; @real: must outlive them, and have its log_id already */
int drills_new(struct drills **ret, struct core *real);

/** drills_free() - takes NULL; nothing is said. Return: NULL. */
struct drills *drills_free(struct drills *drills);
DEFINE_CLEANUP(struct drills *, drills_free)

/**
 * drill_act() - begin or end a drill (ACTION_DRILL_START, ACTION_DRILL_STOP)
 * @scenario: to begin with; taken when it has begun, NULL then
 * @action: its target is SITE, or SITE/SOURCE where several could play the scenario
 * @error: ACTION_ERROR_MAX bytes; what is wrong and what is allowed
 *
 * Return: 0; -ENOENT no such site; -EALREADY a drill is running there, or none is; -EBUSY too many
 *   are running; -EINVAL the scenario does not fit the site; -ENOMEM.
 */
int drill_act(struct drills *drills, struct drill_scenario **scenario, const struct action *action,
	      struct stamp at, char *error);

/**
 * drill_act_inside() - an action on an alarm or incident of a running drill (@action->exercise)
 * As core_act(); -ENOENT also when no drill is running there.
 */
int drill_act_inside(struct drills *drills, const struct action *action, struct stamp at,
		     char *error);

/** drills_due() - say at which sites a drill is due; often enough is once a second */
void drills_due(struct drills *drills, struct stamp at);

/** drill_is_due() - has a site gone without a drill for its set interval? */
bool drill_is_due(const struct drills *drills, size_t site, int64_t wall_ms);

/** drill_incident_is_open() - is it an open incident of a drill that is running? */
bool drill_incident_is_open(const struct drills *drills, const char *id);

/**
 * drill_incident_lost() - an incident whose drill could not go on: end it
 * @summary: data of its last report
 * @told: names of the destinations that know of it, a space behind each
 */
int drill_incident_lost(struct drills *drills, const char *id, const char *summary,
			const char *told, struct stamp at, const char *reason);

/* --- drill_save.c ------------------------------------------------------------------- */

/** drill_save() - a drill as bytes, all but its scenario's text and its windows; as core_save() */
int drill_save(const struct drill *drill, void **ret, size_t *ret_n);

/**
 * drill_restore() - go on with a drill of the record
 * @site: its name; @text: its scenario's; @windows: of core_save_windows()
 *
 * Return: 0; 1 it cannot go on: this has been said in an entry; -ENOMEM.
 */
int drill_restore(struct drills *drills, const char *site, const void *text, size_t n_text,
		  const void *state, size_t n_state, const void *windows, size_t n_windows,
		  struct stamp at);

/**
 * drills_fit() - before a change of configuration: end those that cannot go on in @config
 */
void drills_fit(struct drills *drills, const struct config *config, struct stamp at);

/**
 * drills_move() - take over what runs beside another core, of another configuration
 * @from: stays as it is; drills_fit() was called for it
 * Return: 0; -ENOMEM.
 */
int drills_move(struct drills *drills, const struct drills *from);
