/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uploads.h - attempts to put files on servers, each in a process of its own
 *
 * An upload blocks (attempt_upload.h says why), and a report must never wait for it. So the
 * program starts itself once per upload, hands the job over a socket and gets the result
 * back. What breaks there breaks one attempt: a server that is silent, or a fault in a
 * library that is fed by it; and password and key are gone from memory with the process.
 *
 *   QUEUED ──fewer than UPLOADS_AT_ONCE run──▶ RUNNING ──result, end, or killed──▶ done
 *
 * Knows no libcurl. Does not log.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "common/macro.h"
#include "common/wire.h"
#include "sender/result.h"

#define UPLOADS_AT_ONCE	 8    /* processes; more wait. A destination has one attempt at a time */
#define UPLOADS_GRACE_MS 5000 /* beyond the job's own limit, before the process is killed */

struct uploads;

/**
 * uploads_new() - nothing in flight
 * @event: where the processes are watched; referenced
 * @credentials: see transfers_new()
 * Return: 0; -ENOMEM.
 */
int uploads_new(struct uploads **ret, sd_event *event, const char *credentials, transfer_done *done,
		void *userdata);

/** uploads_free() - kills what is in flight, without results. Takes NULL. Return: NULL. */
struct uploads *uploads_free(struct uploads *uploads);
DEFINE_CLEANUP(struct uploads *, uploads_free)

/**
 * uploads_start() - make one attempt
 * @job: a packet that wire_check() has passed, of kind WIRE_JOB_UPLOAD; copied
 * @tag: comes back with the result
 * Return: 0, there will be exactly one result, not before this returns; -ENOMEM.
 */
int uploads_start(struct uploads *uploads, const struct wire_job *job, uint64_t tag);

/** uploads_count() - attempts that have no result yet */
size_t uploads_count(const struct uploads *uploads);
