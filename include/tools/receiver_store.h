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

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macro.h"
#include "tools/receiver_body.h"

struct receiver_store;

enum receiver_outcome {
	RECEIVER_STORED = 0,
	RECEIVER_DUPLICATE,	/* the same id with the same body: known already */
	RECEIVER_CONFLICT_BODY, /* the same id with another body */
	RECEIVER_CONFLICT_HEAD, /* not what we hold of that entry: rewritten, set back or forked */
	RECEIVER_NO_REPORT,	/* no JSON object with type and data, no alert of CAP */
};

/**
 * struct receiver_receipt - what to answer
 * @type: of the report, "" unknown
 * @attempt: how often this id has come, with this time
 * @last: the highest entry held of the report's origin and chain; its @seq 0: none is, -1: the
 *   report does not say where it belongs
 * @held_seq: the number of the highest before this report came
 */
struct receiver_receipt {
	enum receiver_outcome outcome;
	char type[RECEIVER_TYPE_MAX + 1];
	uint32_t attempt;
	struct receiver_head last;
	int64_t held_seq;
};

/**
 * struct receiver_origin - somebody who has reported
 * @last: the highest entry held of the chain that was heard of last
 * @heard_ms: when something genuine came last; after a start: when its last body was written
 * @due_ms: it is overdue from then on
 */
struct receiver_origin {
	struct receiver_head last;
	int64_t heard_ms;
	int64_t interval_s;
	int64_t due_ms;
	bool said;
};

/**
 * receiver_store_open() - open or make DIR and take stock
 * @overdue_s: who says nothing for so long is overdue; with a heartbeat goes the reporter's own
 * word Return: 0; -ENOMEM; -errno.
 */
int receiver_store_open(struct receiver_store **ret, const char *directory, int64_t overdue_s);

/** receiver_store_close() - takes NULL. Return: NULL. */
struct receiver_store *receiver_store_close(struct receiver_store *store);
DEFINE_CLEANUP(struct receiver_store *, receiver_store_close)

/**
 * receiver_store_add() - keep a genuine body
 *
 * Against a rewritten past every entry that was heard of is held against what comes: the same
 * number with another hash, or a neighbour that does not fit, is a conflict. A lower number that
 * was not heard of is none: reports may come late and in any order.
 * @id: checked by receiver_check_id()
 * @loses: say that it is kept, and do not: as a receiver whose disk is empty again would
 * @received_ms: now, for the index
 * @timestamp_s: of the attempt, for the index
 *
 * Return: 0, see @ret->outcome; -ENOMEM; -errno, nothing is promised to the sender.
 */
int receiver_store_add(struct receiver_store *store, const char *id, const void *body, size_t n,
		       int64_t received_ms, int64_t timestamp_s, bool loses,
		       struct receiver_receipt *ret);

/** receiver_store_count() - bodies held */
size_t receiver_store_count(const struct receiver_store *store);

/** receiver_store_origins() - all who have reported, by name */
void receiver_store_origins(struct receiver_store *store,
			    void (*each)(void *userdata, struct receiver_origin *origin),
			    void *userdata);
