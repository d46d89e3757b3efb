/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chain.h - the record watches itself: at the start, and once a day while it runs
 *
 * At the start, before anything is taken from it, the last CHAIN_START_ENTRIES entries and the
 * last head. If they do not hold, or SQLite cannot read what is needed, the record is set aside
 * (record_aside.h) and a new one begins with "record.created" and "record.replaced". All of it is
 * gone through right after, in slices on the loop of a few milliseconds each, signatures and all,
 * and so it is once a day; the day's result is an entry. What is found then is said at high
 * priority, in "record.damaged", and the service goes on recording: the chain goes on from the
 * hash that is on disk, so nothing new is lost; the next start sets the record aside.
 *
 * Health is false from then on until somebody has said "wastewatch record seen". What is not
 * seen, and what is to be set aside, is read from the entries themselves: there is no other state
 * that could be forgotten, and a new record has no such entry, so nothing is set aside twice.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/record_aside.h"
#include "core/service.h"
#include "core/sign_public.h"
#include "core/verify.h"

#define CHAIN_START_ENTRIES   50000
#define CHAIN_SLICE_INCIDENTS 20
#define CHAIN_SLICE_ENTRIES   32 /* with a signed head each, some 5 ms */
#define CHAIN_REPORT_MAX      160
#define CHAIN_PAUSE_US	      50000 /* between slices: a tenth of the processor at most */

/**
 * struct chain_watch - the chain as it stands
 * @verify: the round that runs; @is_running
 * @reports, @at_outbox, @row: of that round, what must wait, and how far in the outbox it is
 * @at_incidents, @incident: and in the incidents
 * @n_entries, @n_heads, @n_unknown, @verified_ms (UTC; 0 none yet): the last round that was good
 * @due_ms, @next_ms: monotonic, when the day's entry is due, when the next round begins
 * @is_damaged: found in this run; @bad, @words: what
 * @altered: id of a report that was not sent in this run because it is not what was fixed
 * @is_unvouched: it is signed by a key that the one before has not signed
 * @is_unseen: and nobody has said that he knows
 * @key: the last one that the record names; @has_key
 * @is_replaced: the record takes the place of @aside, for @reason, and has to say so
 */
struct chain_watch {
	struct service *service;
	sd_event_source *timer;
	struct verify verify;
	struct verify_reports reports;
	int64_t row;
	bool at_outbox;
	bool at_incidents;
	char incident[INCIDENT_ID_MAX];
	bool is_running;
	uint64_t n_entries;
	uint64_t n_heads;
	uint64_t n_unknown;
	int64_t verified_ms;
	int64_t due_ms;
	int64_t next_ms;
	bool is_damaged;
	uint64_t bad;
	char words[VERIFY_TEXT_MAX];
	char altered[CHAIN_REPORT_MAX];
	bool is_unvouched;
	bool is_unseen;
	struct sign_public key;
	bool has_key;
	bool is_replaced;
	struct record_aside aside;
	char reason[RECORD_ASIDE_REASON + 224];
};

/**
 * chain_open() - open the record, and set one aside that is damaged
 * @open: opens @service->record and says what is wrong. As record_open().
 * Return: 0; -errno, said.
 */
int chain_open(struct service *service, int (*open)(struct service *service));

/**
 * chain_give_up() - the record that is open cannot be read where it must be: set it aside
 * Closes it. Return: 0, chain_open() opens the new one; -errno, said.
 */
int chain_give_up(struct service *service, const char *reason);

/** chain_say_start() - entries at the start: what was replaced, which key signs */
int chain_say_start(struct service *service, const struct record_start *start);

/** chain_started() - the record is there and the first commit is done: begin to go through it */
int chain_started(struct service *service);

/** chain_close() - takes NULL. Return: NULL. */
struct chain_watch *chain_close(struct chain_watch *chain);

/**
 * chain_seen() - somebody has seen that the record was damaged, or that a receiver holds another
 * As core_act().
 */
int chain_seen(struct service *service, const char *user, const char *reason, char *error);

/**
 * chain_mend() - after the entries of a start: what in outbox and incidents does not follow from
 *   the chain is put right, and said; what a new chain finds held gets an entry
 * Return: 0; -errno, said.
 */
int chain_mend(struct service *service, const struct record_start *start);

/** chain_state_lost() - the state of the last run was damaged: somebody should know */
void chain_state_lost(struct service *service);

/** chain_trust() - the keys whose signatures this service takes for its own record's */
void chain_trust(const struct service *service, struct verify *verify);

/**
 * chain_altered() - a report in the outbox is not what was fixed: an entry, and health is false
 * @words: what is wrong with it
 */
void chain_altered(struct service *service, const char *destination, const struct record_job *job,
		   const char *words);

/** chain_is_healthy() - false: damaged, or was, and nobody has seen it */
bool chain_is_healthy(const struct service *service);

/* --- chain_keys.c ------------------------------------------------------------------ */

/** struct chain_names - texts behind a struct event_keys */
struct chain_names {
	struct event_keys keys;
	char id[SIGN_KEY_ID_TEXT];
	char public[SIGN_PUBLIC_TEXT];
	char old_public[SIGN_PUBLIC_TEXT];
	char signature[SIGN_SIGNATURE_TEXT];
};

/** chain_name_key() - the key that signs now, for an entry. Return: 0; -EOPNOTSUPP none does. */
int chain_name_key(const struct service *service, struct chain_names *ret);

/** chain_find_key() - the key that the record has named last. Return: 0; -errno. */
int chain_find_key(struct service *service);

/**
 * chain_rotate() - another key than the record has named: say so, signed by the old one
 * After a start or a reload, before anything is signed by it.
 */
void chain_rotate(struct service *service);
