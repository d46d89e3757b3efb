/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delivery_inside.h - what the files of delivery share, and nobody else uses
 *
 * One attempt is under way per destination at most; destinations know nothing of each other.
 *
 *              due, and the gate is open                    result
 *   AT REST ─────────────────────────────▶ UNDER WAY ─────────────────▶ AT REST
 *      ▲                                       │ the sender goes or hangs
 *      └───────────────────────────────────────┘ (nothing is counted; the same id goes again)
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/outbox.h"
#include "core/peer.h"
#include "core/record.h"
#include "core/record_whole.h"
#include "core/service.h"

#define DELIVERY_NEWCOMERS_MAX 4
#define DELIVERY_WORDS_MAX     512
#define DELIVERY_UNSAVED_MAX   256 /* results that are kept while nothing can be stored */

/**
 * struct unstored - a report that the record could not take, see delivery_unstored()
 * @next_ms: monotonic; not before
 */
struct unstored {
	char *webhook_id;
	char *body;
	char *destination;
	uint32_t attempts;
	int64_t next_ms;
	delivery_done *done;
	void *userdata;
};

/**
 * struct endpoint - a destination and the attempt that is under way
 * @job: what is being sent
 * @unstored: it is not of the record, but this one; NULL
 * @attempt: number of the attempt, 0 none is under way; a result of an earlier one is not taken
 *   for this one's
 * @started_ms: monotonic; @stamped_ms: UTC then, which the receiver was told
 * @next_ms: UTC; nothing in the record is due before. 0: look again
 * @gate: when it may be asked at all
 * @paused: its receiver has said 410; @pause_changed: since the last commit
 */
struct endpoint {
	struct record_job job;
	struct unstored *unstored;
	uint64_t attempt;
	int64_t started_ms;
	int64_t stamped_ms;
	int64_t next_ms;
	struct outbox_gate gate;
	bool paused;
	bool pause_changed;
	int64_t paused_ms; /* UTC */
	char pause_reason[DELIVERY_WORDS_MAX];
};

/** struct newcomer - a connection that has not said yet who it is; @since_ms: monotonic */
struct newcomer {
	struct peer *peer;
	int64_t since_ms;
};

struct delivery {
	struct service *service;
	sd_event_source *listener;
	struct peer *sender; /* has said hello; NULL none */
	struct newcomer newcomers[DELIVERY_NEWCOMERS_MAX];
	bool one_too_many; /* said; once per sender that is served */
	bool starved;	   /* said: no descriptor was free for a connection */
	struct endpoint *endpoints;
	size_t n_endpoints;
	struct unstored *unstored[DELIVERY_UNSTORED_MAX];
	size_t n_unstored;
	int64_t *in_flight;	     /* for the commit, per endpoint */
	struct record_pause *pauses; /* the same */
	struct record_change change; /* what somebody has just asked for; until the commit */
	bool has_change;
	uint64_t n_attempts;
	struct record_walk *walk; /* from reports to a head that is known */
	sd_event_source *walker;  /* goes on with it */
	uint8_t *packet;	  /* WIRE_PACKET_MAX bytes */
};

/** delivery_words() - "HTTP 503: try later", or the sender's own sentence */
void delivery_words(const struct wire_result *result, char *text, size_t n);

/** delivery_random() - 32 bits for the spread of waits */
uint32_t delivery_random(void);

/** delivery_end_attempts() - those under way are not waited for any more */
void delivery_end_attempts(struct delivery *delivery);

/** delivery_result() - the sender says what came of an attempt */
void delivery_result(struct delivery *delivery, const struct wire_result *result);

/* --- delivery_unsaved.c ------------------------------------------------------------ */

/** delivery_may_pump() - may what the record holds be sent, with what is not stored of it yet? */
bool delivery_may_pump(const struct delivery *delivery);

/**
 * delivery_but() - what must not be sent again before what came of it is stored: delivered by
 *   now, refused, or not due again. @ret: freed by the caller; NULL none.
 * Return: 0; -ENOMEM.
 */
int delivery_but(const struct delivery *delivery, int64_t now_ms, char **ret);

/** delivery_recall() - a job of the record: how often it was tried, with what is not stored yet */
void delivery_recall(const struct delivery *delivery, struct record_job *job);

/* --- delivery_act.c ---------------------------------------------------------------- */

/** delivery_load_pauses() - which destinations the record holds as paused; 0 or -errno */
int delivery_load_pauses(struct delivery *delivery);

/** delivery_pause() - the receiver wants nothing more; @report: what it said so to */
void delivery_pause(struct delivery *delivery, struct endpoint *endpoint, const char *report,
		    const char *words);

/* --- delivery_peer.c --------------------------------------------------------------- */

/** delivery_listen() - serve senders that connect to @listener; 0 or -errno */
int delivery_listen(struct delivery *delivery, int listener);

/** delivery_hang_up() - let all connections go */
void delivery_hang_up(struct delivery *delivery);

/** delivery_drop_silent() - whoever connects and does not say who it is keeps no place for ever */
void delivery_drop_silent(struct delivery *delivery, struct stamp now);

/* --- delivery_unstored.c ----------------------------------------------------------- */

/** unstored_next() - the one that a destination is to get now; NULL none */
struct unstored *unstored_next(const struct delivery *delivery, const char *destination,
			       int64_t mono_ms);

/** unstored_job() - @ret as the record would give it. Return: 0; -ENOMEM. */
int unstored_job(const struct unstored *unstored, struct record_job *ret);

/** unstored_settle() - what came of an attempt; may free it */
void unstored_settle(struct delivery *delivery, struct unstored *unstored,
		     struct outbox_decision decision, const char *words);

/** unstored_done() - free all */
void unstored_done(struct delivery *delivery);
