/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poller.h - the links of a plan, polled in one thread
 *
 * Wires the modules together: link (what to do), transport (sockets and serial lines), ring
 * (readings), uplink (the core). The only file of the program that moves data from one to the next,
 * and the only one that reads the clock.
 *
 * All sockets and lines of the links are in an epoll instance of their own, which the event loop
 * sees as one source, and one timer serves all due times: the loop's cost is per wake-up, not per
 * read.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "common/macro.h"

struct poller;

/**
 * poller_new() - connect to the core and run whatever plan it sends
 * @path: the core's socket
 * @ring_bytes: room for readings that the core has not acknowledged
 * Return: 0; -ENAMETOOLONG; -EINVAL @ring_bytes out of range; -errno.
 */
int poller_new(struct poller **ret, sd_event *event, const char *path, size_t ring_bytes);

/** poller_free() - takes NULL; closes all connections. Return: NULL. */
struct poller *poller_free(struct poller *poller);
DEFINE_CLEANUP(struct poller *, poller_free)

/** poller_flush() - to be called at the end of every turn of the loop: readings go out */
void poller_flush(struct poller *poller);

/** poller_is_late() - has the timer not been served for @us after its time? */
bool poller_is_late(const struct poller *poller, int64_t us);

/** poller_status() - for STATUS=: "polling 12 links, 2 down" */
void poller_status(const struct poller *poller, char *ret, size_t n);
