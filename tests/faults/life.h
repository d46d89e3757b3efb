/* SPDX-License-Identifier: Apache-2.0 */
/*
 * life.h - the core's life on disk, without clocks and without a network
 *
 * The same core and the same record as in wastewatchd, driven by a script of spills instead of
 * pollers, in simulated time: so two lives from the same beginning are equal byte for byte, and
 * after a crash the record must be exactly what it was after one of the commits. That is a
 * stronger demand than "nothing is missing": rows, outbox, state, acknowledgements and head must
 * be of the same commit.
 */
#pragma once

#include <stdint.h>

#include "core/core.h"
#include "core/plan.h"
#include "core/record.h"
#include "core/sign.h"

#define LIFE_MARK 160

/**
 * struct life - one life
 * @spare: room that is given back when memory runs out while the result is told
 * @jobs: what is under way per destination, its result is part of the next commit
 * @step: commits done since life_begin()
 * @upgrades: the record may be of an older version; its measuring state begins anew then
 */
struct life {
	struct config *config;
	struct plan *plan;
	struct core *core;
	struct batch batch;
	struct record *record;
	struct sign_key *key;
	struct record_job *jobs;
	struct stamp now;
	unsigned int step;
	uint64_t poller_seq;
	bool upgrades;
};

/** life_configure() - the configuration of @directory, the key in @key. Return: 0; -errno. */
int life_configure(struct life *life, const char *directory, const char *key);

/**
 * life_begin() - open the record of @state and go on where it ends, as a start of the service
 * @created: a log id for a record that is new, so that two are the same; NULL: a random one
 * Return: 0; -errno, said on stderr.
 */
int life_begin(struct life *life, const char *state);

/** life_step() - some seconds of a spill, and the commit. Return: 0; -errno, said. */
int life_step(struct life *life);

/** life_send() - hand out what is due: "SENT WEBHOOK-ID SHA256" on stdout, before the result is
 * committed. Return: 0; -errno, said. */
int life_send(struct life *life);

/** life_end() - close the record, keep the configuration */
void life_end(struct life *life);

/** life_done() - free the configuration, too */
void life_done(struct life *life);

/**
 * life_mark() - look into the record in @state without any of the product's code
 *
 * Checks SQLite's integrity, the chain from its first entry, that head and chain agree and that
 * every report has the entry it names.
 * @mark: "ENTRIES REPORTS SHA256-OF-ALL-TABLES"
 * @why: LIFE_MARK bytes; what is wrong
 * Return: 0; -EBADMSG something is wrong; -ENOENT there is no record.
 */
int life_mark(const char *state, char mark[static LIFE_MARK], char why[static LIFE_MARK]);
