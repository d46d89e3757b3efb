/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control.h - how people's actions reach the core: D-Bus
 *
 *   name       vn.wastewatch1
 *   object     /vn/wastewatch1            what is real
 *              /vn/wastewatch1/exercise   the alarms and incidents of the drill that is running
 *   interface  vn.wastewatch1.Manager
 *
 *   Acknowledge(s target, s reason)        Reset(s target, s reason)
 *   Shelve(s target, t until_usec, b one_shot, s reason)
 *   Unshelve(s target, s reason)
 *   OutOfService(s target, t until_usec, s reason)
 *   Return(s target, s reason)
 *   AcknowledgeIncident(s id, s reason)    CloseIncident(s id, s cause, s measures)
 *   DrillStart(s site, s scenario)         DrillStop(s site)
 *   RecordSeen(s reason)                   chain.h
 *   RetryReport(s target, s reason)        HoldReport(s target, s reason)
 *   ReleaseReport(s target, s reason)      AbandonReport(s target, s reason)
 *   ResumeDestination(s name, s reason)
 *   Reload()                               Find(s prefix) → a(ss) names
 *   ListAlarms(u from) → a(sos) alarms, u next
 *   ListChannels(u from) → a(sos) channels, u next
 *   ListIncidents(u from) → a(sossstt) incidents, u next
 *
 * @target is a limit's path, of a report its webhook id, or a destination's name for all that wait
 * for it; @until_usec is UTC since 1970, 0 none; @reason is "" where none is
 * given, which not every action takes. A method returns when the
 * commit that holds the entry is on the disk. Who asked is the user id that the bus gives for
 * the connection; no name in a message is believed. Who may ask is the bus's policy.
 *
 *                 opened, Hello and the name asked for          the name is ours
 *   WAITING ──────────────────────────────────────▶ CONNECTING ────────────────▶ READY
 *      ▲  ▲                                              │                         │
 *      │  └──────── refused, in the way, gone ───────────┘                         │
 *      └──────────────────────── gone ─────────────────────────────────────────────┘
 *
 * Nothing here waits: what the bus owes comes through the event loop, one message at a time.
 * Without a bus all else goes on; it is tried again after 1, 2, 4 … CONTROL_RETRY_MAX_S.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/macro.h"

#define CONTROL_NAME	      "vn.wastewatch1"
#define CONTROL_PATH	      "/vn/wastewatch1"
#define CONTROL_PATH_EXERCISE "/vn/wastewatch1/exercise"
#define CONTROL_INTERFACE     "vn.wastewatch1.Manager"
#define CONTROL_ERROR	      "vn.wastewatch1.Error."
#define CONTROL_OFF	      "none" /* as address: no bus at all, by intention */

/* names behind CONTROL_ERROR; LimitsExceeded is the bus's own */
#define CONTROL_ERROR_NOT_FOUND	 CONTROL_ERROR "NotFound"
#define CONTROL_ERROR_NOT_VALID	 CONTROL_ERROR "NotValid"
#define CONTROL_ERROR_SO_ALREADY CONTROL_ERROR "SoAlready"
#define CONTROL_ERROR_NOT_NOW	 CONTROL_ERROR "NotNow"
#define CONTROL_ERROR_FAILED	 CONTROL_ERROR "Failed"
#define CONTROL_ERROR_TOO_MANY	 "org.freedesktop.DBus.Error.LimitsExceeded"

#define CONTROL_RETRY_MAX_S   30
#define CONTROL_GROUP	      "wastewatch" /* its members may act where polkit does not say */
#define CONTROL_STRANGERS_MAX 8		   /* waiting for polkit, of accounts outside the group */
#define CONTROL_TEXTS_MAX     4096	   /* bytes of all texts of a call */
#define CONTROL_FOUND_MAX     20	   /* names, by Find */
#define CONTROL_LISTED_MAX    1000	   /* objects of a kind, by the object manager */
#define CONTROL_PAGE_MAX      1000	   /* alarms or channels, by one List… */

/* Calls that wait for the bus to say whose they are, and then for polkit; see control_places.c. An
 * account has 256 connections at most, where dbus-daemon(1) has its own figures: of those, half the
 * places are filled by 64 with four calls each, and the other half by 256 more with one. */
#define CONTROL_UNKNOWN_MAX	512 /* nobody knows yet whose */
#define CONTROL_UNKNOWN_EACH	4   /* of one connection; 1 where half of all are taken */
#define CONTROL_STRANGER_CALLS	16  /* of one account outside the group */
#define CONTROL_STRANGERS_CALLS 64  /* of all of those */
#define CONTROL_MEMBER_CALLS	64  /* of root, and of each member of the group */
#define CONTROL_CALLS_MAX	1024
#define CONTROL_CALLERS_MAX	512 /* connections of which the account is remembered */

#define CONTROL_POLKIT_MS      10000 /* for an answer; it may have to be started first */
#define CONTROL_POLKIT_ASK_MS  60000 /* where somebody may be typing a password */
#define CONTROL_POLKIT_REST_MS 30000 /* not asked for so long after it was silent */

struct batch;
struct service;
struct control;

/**
 * control_open() - begin to look for the bus
 * @address: of the bus, the caller's; NULL the system's; CONTROL_OFF none
 *
 * That there is no bus is no failure. Return: 0; -ENOMEM.
 */
int control_open(struct control **ret, struct service *service, const char *address);

/** control_close() - takes NULL; calls that are under way get no answer. Return: NULL. */
struct control *control_close(struct control *control);
DEFINE_CLEANUP(struct control *, control_close)

/** control_tick() - once a second: look for the bus again */
void control_tick(struct control *control);

/** control_committed() - a commit has been done; @batch: what it held */
void control_committed(struct control *control, const struct batch *batch);

/** control_authorization() - who may act, in words: "polkit", or why not that; "" not asked yet */
const char *control_authorization(const struct control *control);

/** control_is_ready() - the name is ours, calls arrive */
bool control_is_ready(const struct control *control);

/** control_state() - in words: "ready", "none", or why not */
const char *control_state(const struct control *control);
