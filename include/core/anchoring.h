/* SPDX-License-Identifier: Apache-2.0 */
/*
 * anchoring.h - the receivers' answers in the service: judged, said, kept, and acted upon
 *
 * What anchor.h finds is an entry, a row of the table "anchor" and a line of the status. Reports
 * that a department has lost are made due again, a few with every tick. Where the record turns
 * out to have been set back, its chain goes on under a new id, so that no number stands for two
 * entries, and a report that was refused for the old one is said again under the new.
 */
#pragma once

#include "common/wire.h"
#include "core/anchor.h"
#include "core/record.h"
#include "core/service.h"

/** struct anchoring - rows of the configured destinations, in their order */
struct anchoring {
	struct anchor anchors[CONFIG_DESTINATIONS_MAX];
	char names[CONFIG_DESTINATIONS_MAX][CONFIG_NAME_MAX + 1];
	bool dirty[CONFIG_DESTINATIONS_MAX];
	size_t n;
	struct record_anchor rows[CONFIG_DESTINATIONS_MAX]; /* of the commit that is being made */
	struct record_renamed renamed[CONFIG_DESTINATIONS_MAX];
	size_t n_renamed;
	bool renewed; /* the core's chain has another id than the record's yet */
};

/** anchoring_open() - what is known from before. Return: 0; -ENOMEM; -errno, said. */
int anchoring_open(struct service *service);

/** anchoring_close() - takes NULL. Return: NULL. */
struct anchoring *anchoring_close(struct anchoring *anchoring);

/** anchoring_fit() - destinations have changed. Return: 0; -errno, said. */
int anchoring_fit(struct service *service);

/**
 * anchoring_answer() - an attempt has ended
 * @destination: index into the configuration
 * @job: the report
 * @result: with the answer's bytes behind it; wire_check() has passed it
 * @set_ms: how far our clock was set, forward or back, since the attempt got its time stamp
 *
 * Return: the status to decide by: the answer's own, or 425 (RFC 8470 §5.2: again, later) where
 *   it was refused for a reason that passes: a clock, or a chain that goes on under a new id.
 */
int anchoring_answer(struct service *service, size_t destination, const struct record_job *job,
		     const struct wire_result *result, int64_t set_ms);

/** anchoring_gather() - tell the core what its heartbeats want to know, once a minute */
void anchoring_gather(struct service *service, struct stamp now);

/** anchoring_tick() - once a second: make a few of the lost reports due again */
void anchoring_tick(struct service *service, struct stamp now);

/** anchoring_save() - add what has changed to a commit, and note that it is saved */
void anchoring_save(struct service *service, struct record_commit *commit);
void anchoring_saved(struct service *service);

/**
 * anchoring_seen() - a person has taken notice; entries for each that was open
 * Return: how many.
 */
size_t anchoring_seen(struct service *service, const char *user, const char *reason);

/** anchoring_is_healthy() - nothing of it is unseen, and no receiver's clock is beyond what it
 * bears */
bool anchoring_is_healthy(const struct service *service);
