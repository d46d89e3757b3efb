/* SPDX-License-Identifier: Apache-2.0 */
/*
 * receiver_store.h - what the department holds
 *
 * DIR/<webhook-id>.json is a body, byte for byte, .xml where it is an alert of CAP;
 * DIR/index.jsonl has one line per request that was genuine. A body is on the disk before
 * receiver_store_add() returns. Everything that is remembered is rebuilt from the bodies at the
 * start. Not for several threads at once: the caller locks.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/macro.h"
#include "tools/receiver_body.h"

struct receiver_store;

enum receiver_outcome {
	RECEIVER_STORED = 0,
	RECEIVER_DUPLICATE,	/* the same id with the same body: known already */
	RECEIVER_CONFLICT_BODY, /* the same id with another body */
	RECEIVER_CONFLICT_HEAD, /* the record's head is not the one we hold: rewritten or forked */
	RECEIVER_NO_REPORT,	/* no JSON object with type and data, no alert of CAP */
};

/**
 * struct receiver_receipt - what to answer
 * @type: of the report, "" unknown
 * @attempt: how often this id has come, with this time
 * @last_seq, @last_hash: the highest head held of the report's origin, 0 and "" none
 */
struct receiver_receipt {
	enum receiver_outcome outcome;
	char type[RECEIVER_TYPE_MAX + 1];
	uint32_t attempt;
	int64_t last_seq;
	char last_hash[65];
};

/**
 * receiver_store_open() - open or make DIR and take stock
 * Return: 0; -ENOMEM; -errno.
 */
int receiver_store_open(struct receiver_store **ret, const char *directory);

/** receiver_store_close() - takes NULL. Return: NULL. */
struct receiver_store *receiver_store_close(struct receiver_store *store);
DEFINE_CLEANUP(struct receiver_store *, receiver_store_close)

/**
 * receiver_store_add() - keep a genuine body
 * @id: checked by receiver_check_id()
 * @received_ms: now, for the index
 * @timestamp_s: of the attempt, for the index
 *
 * Return: 0, see @ret->outcome; -ENOMEM; -errno, nothing is promised to the sender.
 */
int receiver_store_add(struct receiver_store *store, const char *id, const void *body, size_t n,
		       int64_t received_ms, int64_t timestamp_s, struct receiver_receipt *ret);

/** receiver_store_count() - bodies held */
size_t receiver_store_count(const struct receiver_store *store);
