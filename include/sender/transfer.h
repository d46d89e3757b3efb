/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transfer.h - delivery attempts over HTTP, many at once, in one event loop
 *
 * One job is one attempt with one result; it never repeats, follows no redirect, keeps
 * nothing on disk and takes nothing from the environment. It does not log. With attempt and
 * its kin it is all that knows libcurl.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "common/macro.h"
#include "common/wire.h"
#include "sender/result.h"

#define TRANSFER_BODY_MAX    16384 /* bytes of an answer that are read */
#define TRANSFER_HEAD_MAX    16384 /* bytes of an answer's head */
#define TRANSFER_HEADERS_MAX 128   /* lines of an answer's head */

struct transfers;

/**
 * transfers_new() - nothing in flight
 * @event: where sockets and timers are watched; referenced
 * @credentials: directory of CA files, client certificates and keys; "" none
 *
 * Call once per process: initialises libcurl.
 * Return: 0; -ENOMEM; -EIO libcurl cannot be initialised; -errno.
 */
int transfers_new(struct transfers **ret, sd_event *event, const char *credentials,
		  transfer_done *done, void *userdata);

/** transfers_free() - gives up what is in flight, without results. Takes NULL. Return: NULL. */
struct transfers *transfers_free(struct transfers *transfers);
DEFINE_CLEANUP(struct transfers *, transfers_free)

/**
 * transfers_start() - make one attempt
 * @job: a packet that wire_check() has passed, of kind WIRE_JOB_POST; copied
 * @tag: comes back with the result
 *
 * A job that is not allowed gets its result, with the reason, before this returns.
 *
 *   status line and head of an answer complete ──▶ curl_code 0, http_status; whatever
 *       happens to the body afterwards (too long, reset, too slow) changes nothing
 *   anything else                              ──▶ curl_code > 0, http_status 0
 *
 * Return: 0, there was or will be exactly one result; -ENOMEM, there will be none.
 */
int transfers_start(struct transfers *transfers, const struct wire_job *job, uint64_t tag);

/** transfers_count() - attempts in flight */
size_t transfers_count(const struct transfers *transfers);
