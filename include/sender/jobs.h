/* SPDX-License-Identifier: Apache-2.0 */
/*
 * jobs.h - the sender's side of the dialogue with the core
 *
 * Connects for ever, takes jobs, hands results back. Keeps nothing: when the core goes, the
 * attempts in flight are finished and their results dropped, and the core asks again.
 *
 *   WAITING ──connect()──▶ GREETING ──HELLO of the core──▶ READY ──JOB──▶ READY
 *      ▲                      │                              │
 *      └──── back-off ◀───────┴── closed, or malformed ◀─────┘
 */
#pragma once

#include <systemd/sd-event.h>

#include "common/macro.h"

#define JOBS_IN_FLIGHT_MAX  64	/* jobs whose result is not handed over; more stay in the socket */
#define JOBS_BACKOFF_MIN_MS 100 /* before the first reconnect; doubles */
#define JOBS_BACKOFF_MAX_MS 5000

struct jobs;

/**
 * jobs_new() - start the dialogue
 * @path: the core's socket; must outlive the result
 * @credentials: see transfers_new()
 *
 * Return: 0; -ENOMEM; -EIO libcurl cannot be initialised; -errno.
 */
int jobs_new(struct jobs **ret, sd_event *event, const char *path, const char *credentials);

/** jobs_free() - gives up what is in flight. Takes NULL. Return: NULL. */
struct jobs *jobs_free(struct jobs *jobs);
DEFINE_CLEANUP(struct jobs *, jobs_free)

/** jobs_in_flight() - attempts that have no result yet */
size_t jobs_in_flight(const struct jobs *jobs);
