/* SPDX-License-Identifier: Apache-2.0 */
/*
 * receiver_server.h - the department's HTTP end, well-behaved or told to misbehave
 *
 * The only module that knows libmicrohttpd. One thread per connection, so that a delayed or
 * hung request holds up nobody else.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/macro.h"
#include "tools/receiver_store.h"
#include "tools/receiver_verify.h"

#define RECEIVER_BODY_MAX (1024 * 1024) /* bytes */

/**
 * struct receiver_faults - how to misbehave; each hits so many requests, one after the other
 * @n_fail: first these are answered with @fail_status, and nothing is stored
 * @n_hang: then these get no answer at all, and nothing is stored
 * @n_reset: then these are stored, but the connection is reset instead of the answer
 * @redirect: every request is sent there with 307, NULL none
 * @retry_after_s: goes with every @fail_status answer, -1 none
 * @delay_ms: every answer is so late
 * @n_lose: then these are answered as if stored, and are not
 * @clock_s: the receiver's clock is ahead by so much, for Date and for time stamps
 */
struct receiver_faults {
	int fail_status;
	uint32_t n_fail;
	uint32_t n_hang;
	uint32_t n_reset;
	const char *redirect;
	int64_t retry_after_s;
	uint32_t delay_ms;
	uint32_t n_lose;
	int64_t clock_s;
};

/**
 * struct receiver_settings - must outlive the server
 * @certificate, @key: PEM texts; NULL: no TLS
 * @quiet: only conflicts are printed; @json: lines are JSON
 */
struct receiver_settings {
	struct receiver_keys keys;
	struct receiver_faults faults;
	int64_t tolerance_s;
	const char *certificate;
	const char *key;
	bool quiet;
	bool json;
};

/** struct receiver_counts - requests since the start, by what came of them */
struct receiver_counts {
	uint32_t n_stored;
	uint32_t n_duplicates;
	uint32_t n_conflicts;
	uint32_t n_refused;
	uint32_t n_faults;
};

struct receiver_server;

/**
 * receiver_server_open() - serve
 * @listener: bound and listening socket; the server owns it from here on
 * @store: used by the server's threads only, until receiver_server_close()
 *
 * Return: 0; -ENOMEM; -EINVAL libmicrohttpd does not take it (certificate, key, no TLS built in).
 */
int receiver_server_open(struct receiver_server **ret, const struct receiver_settings *settings,
			 struct receiver_store *store, int listener);

/** receiver_server_close() - ends all connections, waits for the threads. Takes NULL. */
struct receiver_server *receiver_server_close(struct receiver_server *server);
DEFINE_CLEANUP(struct receiver_server *, receiver_server_close)

/** receiver_server_overdue() - say of everybody who has become overdue that he is, once */
void receiver_server_overdue(struct receiver_server *server);

/** receiver_server_counts() - so far */
struct receiver_counts receiver_server_counts(struct receiver_server *server);
