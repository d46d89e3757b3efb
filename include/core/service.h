/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service.h - wastewatchd as a running program: the one place that moves data from stage
 * to stage
 *
 *   pollers ──▶ core ──▶ batch ──▶ commit ──▶ journal
 *                                    │  └───▶ acknowledgements to the pollers
 *                                    └──────▶ delivery ──▶ sender
 *
 * Nothing leaves before the commit that holds it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "common/clock.h"
#include "core/action.h"
#include "core/config.h"
#include "core/core.h"
#include "core/drill.h"
#include "core/journal.h"
#include "core/peer.h"
#include "core/plan.h"
#include "core/record.h"
#include "core/sign.h"

#define SERVICE_COMMIT_MS  5000	 /* longest time between commits while readings come */
#define SERVICE_SILENCE_MS 5000	 /* a poller that says nothing for so long is silent */
#define SERVICE_GRACE_MS   5000	 /* longer after a start: pollers try again every 5 s, uplink.c */
#define SERVICE_STUCK_MS   15000 /* no commit or entry takes so long; then no watchdog is fed */
#define SERVICE_FUTURE_US  INT64_C(1000000) /* a reading from later than that is forged */

/** struct service_options - from the command line; all the caller's */
struct service_options {
	const char *config;
	const char *state;
	const char *runtime;
	const char *credentials;
	const char *bus;     /* as control_open() */
	const char *journal; /* as journal_open() */
	bool verbose;
};

#define KEYS_WORDS_MAX 192

/**
 * struct keys - what reports and heads are signed with
 * @own: Ed25519, current and, during rotation, old
 * @destinations: per destination, HMAC secret current and old; NULL none
 * @lacking: per destination, why it has not the secret that it should have; "" it has
 */
struct keys {
	struct sign_key *own[2];
	struct sign_key *(*destinations)[2];
	char (*lacking)[KEYS_WORDS_MAX];
	size_t n_destinations;
};

struct pollers;
struct delivery;
struct control;
struct storage;
struct chain_watch;
struct anchoring;
struct sandboxes;
struct legacy;

/** struct service_reloads - @n: how often it was asked for; of the last: @refused, and why */
struct service_reloads {
	uint64_t n;
	bool refused;
	char words[ACTION_ERROR_MAX];
};

struct service {
	struct service_options options;
	struct config *config;
	struct plan *plan;
	struct core *core;
	struct drills *drills;
	struct batch batch;
	struct record *record;
	struct journal *journal;
	struct keys keys;
	sd_event *event;
	sd_event_source *timer;
	struct pollers *pollers;
	struct delivery *delivery;
	struct control *control;
	struct storage *storage;
	struct chain_watch *chain;
	struct anchoring *anchoring;
	struct sandboxes *sandboxes;
	struct legacy *legacy;
	struct record_delivery *deliveries; /* results not committed yet; texts owned */
	size_t n_deliveries;
	int64_t mono_base_ms;
	int64_t last_commit_ms; /* monotonic */
	int64_t facts_ms;	/* monotonic, when the core was told last what only we know */
	uint64_t n_commits;
	uint64_t journal_seq; /* at the start: the journal has all entries up to this one */
	uint64_t n_stranded;  /* reports for destinations that are no longer configured */
	struct service_reloads reloads;
	int64_t counted_ms;	 /* monotonic, when @n_waiting was counted */
	uint64_t counted_commit; /* and @n_commits then */
	int64_t n_waiting;	 /* reports and files that are not delivered */
	uint8_t boot_id[16];
	void *packet; /* WIRE_PACKET_MAX bytes, for receiving */
	bool failed;
	bool state_lost;    /* the state of the last run was of another version, or damaged */
	bool state_damaged; /* that */
};

/**
 * service_open() - configuration, keys, record, sockets
 *
 * Says what is wrong. Return: 0; -errno.
 */
int service_open(struct service *service, const struct service_options *options);

/** service_close() - last commit with "core.stopped"; frees what service_open() made */
void service_close(struct service *service);

/** service_now() - the moment, on the clocks of the record */
struct stamp service_now(const struct service *service);

/** service_stamp() - the same of a reading */
struct stamp service_stamp(const struct service *service, int64_t boot_us, int64_t wall_us);

/**
 * service_flush() - commit if something waits that must not wait, or it is time
 *
 * After a failure to commit the loop ends with an error: what the disk holds is not known.
 */
void service_flush(struct service *service);

/** service_commit() - commit now, whatever there is */
void service_commit(struct service *service);

/** service_add_delivery() - to be part of the next commit; copies the text */
void service_add_delivery(struct service *service, const struct record_delivery *delivery);

/**
 * service_reload() - read the configuration and keys anew; keeps the old ones on an error
 * @user: who asked for it, NULL not known
 * @error: ACTION_ERROR_MAX bytes; the first of what is wrong, when it was refused
 *
 * Says to the service manager that it reloads. Return: 0; -EINVAL refused; -errno.
 */
int service_reload(struct service *service, const char *user, char *error);

/**
 * service_act() - do what somebody asks, and commit it: done when it returns, or not at all
 * Return and @error: as core_act(); -EIO it could not be committed, the service ends.
 */
int service_act(struct service *service, const struct action *action, char *error);

/**
 * service_restore() - let the core go on where the record says that it was, and say that it started
 *
 * Return: 0; -errno, said in the journal.
 */
int service_restore(struct service *service);

/**
 * service_adopt() - close what the record holds as standing but the configuration has no more
 * Return: 0 or -errno.
 */
int service_adopt(struct service *service);

/* --- keys.c ------------------------------------------------------------------------ */

/**
 * keys_load() - from the credentials directory. Says what is wrong.
 *
 * Without the key of its own nothing is recorded, so that is a failure. A destination's secret
 * that is not there is none: see @lacking of struct keys. Return: 0; -errno.
 */
int keys_load(struct keys *ret, const struct config *config, const char *directory);
void keys_done(struct keys *keys);

/** keys_newly_lacking() - of what is lacking, the first that was not lacking before; NULL none */
const char *keys_newly_lacking(const struct keys *keys, const struct config *config,
			       const struct keys *old, const struct config *old_config);

/** keys_is_lacking() - has a destination not the secret that it should have? */
bool keys_is_lacking(const struct keys *keys, size_t destination);

/** keys_n_lacking() - how many destinations lack their secret */
size_t keys_n_lacking(const struct keys *keys);

/** keys_tell() - an entry for each destination that lacks its secret */
void keys_tell(const struct service *service);

/* --- service_notify.c -------------------------------------------------------------- */

/** service_notify() - feed the watchdog, if all moves, and say how things stand: one line about
 * all three programs, for systemctl status */
void service_notify(struct service *service);

/* --- pollers.c --------------------------------------------------------------------- */

int pollers_open(struct pollers **ret, struct service *service, int listener);
struct pollers *pollers_close(struct pollers *pollers);

/** pollers_acks() - what the coming commit covers; @ret holds POLLERS_MAX. Return: how many. */
size_t pollers_acks(const struct pollers *pollers, struct record_ack *ret);
#define POLLERS_MAX 16

/** pollers_committed() - tell the pollers what the commit covers */
void pollers_committed(struct pollers *pollers);

/** pollers_tick() - once a second: silence, standing in for silent pollers */
void pollers_tick(struct pollers *pollers, struct stamp now);

/** pollers_last_words() - before the last commit: tell of losses that were only counted yet */
void pollers_last_words(struct pollers *pollers);

/** pollers_try() - have those that are connected try their sandbox, as sandboxes_ask() */
void pollers_try(struct pollers *pollers);

/** pollers_replan() - the plan has changed */
int pollers_replan(struct pollers *pollers);

/** pollers_links() - the last word on each link of the plan; NULL for one never reported */
const struct wire_link_report *pollers_link(const struct pollers *pollers, size_t link);

/** pollers_state() - is slot served, and is it silent */
bool pollers_is_served(const struct pollers *pollers, size_t slot);
bool pollers_is_silent(const struct pollers *pollers, size_t slot);

/* --- delivery.c -------------------------------------------------------------------- */

int delivery_open(struct delivery **ret, struct service *service, int listener);
struct delivery *delivery_close(struct delivery *delivery);

/** delivery_pump() - hand out what is due, one attempt per destination */
void delivery_pump(struct delivery *delivery);

/** delivery_tick() - once a second: hand out what is due, close connections that say nothing */
void delivery_tick(struct delivery *delivery);

/** delivery_look() - new reports are there: look at once, not when the next retry is due */
void delivery_look(struct delivery *delivery);

/** delivery_look_later() - the same, when the loop has its next turn */
void delivery_look_later(struct delivery *delivery);

/** delivery_try() - have the sender try its sandbox, as sandboxes_ask() */
void delivery_try(struct delivery *delivery);

/** delivery_reset() - destinations have changed */
int delivery_reset(struct delivery *delivery);

/** delivery_act() - ACTION_REPORT_*, ACTION_DESTINATION_RESUME; as core_act(), for the commit that
 * must follow at once */
int delivery_act(struct delivery *delivery, const struct action *action, char *error);

/** delivery_save() - what a commit is to know of destinations; delivery_saved() ends it */
void delivery_save(struct delivery *delivery, struct record_commit *commit);
void delivery_saved(struct delivery *delivery, bool is_stored);

/** delivery_paused() - since when a destination of the configuration is paused, UTC; 0 it is not
 * @ret_reason: why, until the next change; may be NULL */
int64_t delivery_paused(const struct delivery *delivery, size_t destination,
			const char **ret_reason);

#define DELIVERY_UNSTORED_MAX 64

/**
 * delivery_done - what came of one attempt to deliver an unstored report
 * @delivered: the receiver has it; this was the last call for it
 * @words: else, why not, for people
 */
typedef void delivery_done(void *userdata, const char *webhook_id, bool delivered,
			   const char *words);

/**
 * delivery_unstored() - send a report that the record could not take
 *
 * In the lane of emergencies, before all that the record holds; at once, or when the attempt that
 * is under way for this destination has ended. Tried again like any other until it is delivered
 * or delivery_forget() is called, because the record has taken it; a change of configuration
 * leaves it where it is. Held in memory only.
 *
 * @destination: index in the configuration; one for reports
 * @webhook_id, @body: copied; they must be those that the record gets later
 * @done: called for each attempt that has ended, the first time perhaps before this returns; it
 *   may call delivery_unstored() and delivery_forget(). NULL: nobody wants to know
 *
 * Return: 0; -EALREADY it is here already; -EINVAL no such destination, or one for files;
 *   -ENOBUFS DELIVERY_UNSTORED_MAX are here; -ENOMEM.
 */
int delivery_unstored(struct delivery *delivery, size_t destination, const char *webhook_id,
		      const char *body, delivery_done *done, void *userdata);

/**
 * delivery_forget() - an unstored report goes on from the record now, or from nowhere
 *
 * The result of an attempt that is under way is taken for no other report; @done is not called.
 * Return: whether it was here.
 */
bool delivery_forget(struct delivery *delivery, const char *webhook_id);

bool delivery_has_sender(const struct delivery *delivery);

/* --- late.c ------------------------------------------------------------------------ */

/** late_queue() - queue what the journal has missed; Return: there may be more, and room for it */
bool late_queue(struct service *service);

/** late_tell() - the same, and say when all of it is told */
void late_tell(struct service *service);

/* --- status.c ---------------------------------------------------------------------- */

/** status_write() - RUNTIME/status.json, replaced in one step, for `wastewatch status` */
void status_write(const struct service *service);

/** status_n_reading() - pollers that serve a slot of the plan, and are not silent */
size_t status_n_reading(const struct service *service);

/** status_n_links_up() - whose connection stands, as the poller says */
size_t status_n_links_up(const struct service *service);

/** status_is_healthy() - is everything done that has to be: reading, storing, telling? */
bool status_is_healthy(const struct service *service);

/** status_remove() - on an orderly stop: nobody shall take the last state for the present one */
void status_remove(const struct service *service);
