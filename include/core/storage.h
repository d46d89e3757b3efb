/* SPDX-License-Identifier: Apache-2.0 */
/*
 * storage.h - room for the record: how much there is, and what is done where there is none
 *
 *            less than storage-low          less than storage-critical, or a commit failed
 *   GOOD ─────────────────────────▶ LOW ───────────────────────────────────▶ CRITICAL
 *     ▲                              │ ▲                                         │
 *     └──────── a tenth more ────────┘ └───────────────── a tenth more ──────────┘
 *
 * What goes first when room ends: minute values, then data files, then the ballast, a file that
 * was made for being deleted, so that entries and reports still fit. When they do not fit either
 * the batch is kept in memory (batch.h bounds it) and tried again; nothing is acknowledged to the
 * pollers, whose rings hold their readings; and each report of an incident is sent at once,
 * marked "stored": false, by an id of its own and without a place in the record, for an entry that
 * is not stored may never be. When the batch is stored at last the report goes once more,
 * as it stands in the record.
 *
 * The record says from when to when minute values were not stored: storage.recovered, since and
 * until; after an end without it, from storage.critical to the end of that run.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/service.h"

enum storage_level { STORAGE_GOOD, STORAGE_LOW, STORAGE_CRITICAL };

struct storage;

/** storage_text() - "good", "low", "critical" */
const char *storage_text(enum storage_level level);

/**
 * storage_open_record() - open the service's record; degraded where there is no room, or no right
 * to write. Says what is wrong. Return: as record_open().
 */
int storage_open_record(struct service *service);

/** storage_open() - make the ballast, look how much room there is. Return: 0; -ENOMEM. */
int storage_open(struct storage **ret, struct service *service);

/** storage_close() - takes NULL. Return: NULL. */
struct storage *storage_close(struct storage *storage);

/** storage_ballast_release() - delete the ballast of a state directory. Return: it was there. */
bool storage_ballast_release(const char *directory);

/** storage_tick() - once a second; looks once a minute */
void storage_tick(struct storage *storage);

/** storage_trim() - before a commit: take out of the batch what must not be stored now */
void storage_trim(struct storage *storage);

/** storage_is_tight() - nothing but what must be written is to be written */
bool storage_is_tight(const struct storage *storage);

/**
 * storage_makes_room() - after a commit that failed with @r: may the same be tried again at once?
 * Takes more out of the batch, or gives up the ballast.
 */
bool storage_makes_room(struct storage *storage, int r);

/**
 * storage_unstored() - after a commit that failed with @r, when there is no more room to be made
 * Return: whether the service goes on without; else it must end.
 */
bool storage_unstored(struct storage *storage, int r);

/** storage_stored() - after a commit that was done, before the batch is cleared */
void storage_stored(struct storage *storage);

/** storage_is_failing() - the last commit could not be done */
bool storage_is_failing(const struct storage *storage);

/** storage_may_commit() - while it fails: is it time to try again? */
bool storage_may_commit(const struct storage *storage, int64_t mono_ms);

/** storage_is_healthy() - is all stored that should be? */
bool storage_is_healthy(const struct storage *storage);

/** storage_words() - why nothing can be stored, for people; "" it can */
const char *storage_words(const struct storage *storage);

/** storage_last_words() - before the last commit of a run: what was not stored so far */
void storage_last_words(struct storage *storage);

/** storage_object() - for status.json */
json_t *storage_object(const struct storage *storage);
