/* SPDX-License-Identifier: Apache-2.0 */
/*
 * action.h - what people do: acknowledge, shelve, close, …
 *
 * An action is an input of the core like a reading: it comes with its time, it is judged, it
 * becomes entries of the record with the user's name, and nobody is told that it was done
 * before the commit that holds it. Pure: no clock, no I/O. Who may do what is decided before.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"

/** enum action_kind - @target is a limit's path, an incident's id, or a site */
enum action_kind {
	ACTION_ACKNOWLEDGE,	     /* alarm */
	ACTION_RESET,		     /* alarm that is latched */
	ACTION_SHELVE,		     /* alarm; @until_ms or @one_shot; @reason */
	ACTION_UNSHELVE,	     /* alarm */
	ACTION_OUT_OF_SERVICE,	     /* alarm; @until_ms may be 0; @reason */
	ACTION_RETURN,		     /* alarm, to service */
	ACTION_INCIDENT_ACKNOWLEDGE, /* incident */
	ACTION_INCIDENT_CLOSE,	     /* incident that has ended; @reason is its cause; @measures */
	ACTION_DRILL_START,	     /* site; @scenario; drill.h */
	ACTION_DRILL_STOP,	     /* site */
	ACTION_REPORT_RETRY,	     /* report by its webhook id, or all of a destination */
	ACTION_REPORT_HOLD,	     /* the same; @reason */
	ACTION_REPORT_RELEASE,	     /* the same, that are held so */
	ACTION_REPORT_ABANDON,	     /* the same; @reason */
	ACTION_DESTINATION_RESUME,   /* destination that is paused */
	ACTION_KIND_MAX = ACTION_DESTINATION_RESUME,
};

#define ACTION_TEXT_MAX	  1000 /* bytes of a reason, a cause, measures */
#define ACTION_TARGET_MAX 255  /* of a path, an id, a site, a scenario */
#define ACTION_USER_MAX	  64
#define ACTION_ERROR_MAX  512

/**
 * struct action_past - an incident that has ended, as the record holds it; see record_past()
 * @state: "ended", "removed" (its configuration is gone) or "closed"
 * @summary: data of its last report
 * @told: names of the destinations that know of it, a space behind each
 * @n_updates: as the last report counts them
 * @ended_ms, @closed_ms: UTC; 0 not yet
 * @closed_by: "" nobody
 */
struct action_past {
	char *state;
	char *summary;
	char *told;
	char *closed_by;
	int64_t n_updates;
	int64_t ended_ms;
	int64_t closed_ms;
};

/**
 * struct action - one action; texts are UTF-8, "" where there is none, never NULL
 * @user: who; the name of the account that asked
 * @until_ms: UTC, 0 none
 * @past: ACTION_INCIDENT_*: what the record holds of an incident that no longer runs; NULL nothing
 * @exercise: acts on the alarm or incident of the drill that is running, not on the real one
 */
struct action {
	enum action_kind kind;
	const char *target;
	const char *user;
	const char *reason;
	const char *measures;
	const char *scenario;
	const struct action_past *past;
	int64_t until_ms;
	bool one_shot;
	bool exercise;
};

/** action_needs_past() - is it about an incident, which may be in the record only? */
bool action_needs_past(enum action_kind kind);

/** action_is_of_outbox() - is it about reports on their way, which the core knows nothing of? */
bool action_is_of_outbox(enum action_kind kind);

/** action_text() - "acknowledge", "out-of-service", …; the name of the command, too */
const char *action_text(enum action_kind kind);

/**
 * action_check() - are its texts such as may stand in the record for ever?
 * Return: 0; -EINVAL, @error as core_act().
 */
int action_check(const struct action *action, char *error);

struct core;

/**
 * core_act() - do it, if it can be done; entries and reports go into the batch
 * @error: ACTION_ERROR_MAX bytes; what is wrong and what is allowed, when it cannot be done
 *
 * Drills are not for the core itself: drill.h.
 *
 * Return: 0; -ENOENT no such alarm or incident; -EINVAL a text or time that is not allowed;
 *   -EALREADY it is so already; -EBUSY its state does not allow it now.
 */
int core_act(struct core *core, const struct action *action, struct stamp at, char *error);

/* --- for the files behind it: each does the actions of its things ------------------- */

/** alarm_act() - actions whose target is a limit's path; as core_act() */
int alarm_act(struct core *core, const struct action *action, struct stamp at, char *error);

/** incident_act() - actions whose target is an incident's id; as core_act() */
int incident_act(struct core *core, const struct action *action, struct stamp at, char *error);
