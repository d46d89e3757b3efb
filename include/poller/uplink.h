/* SPDX-License-Identifier: Apache-2.0 */
/*
 * uplink.h - the poller's end of the socket to the core
 *
 * Connects, greets, takes plans and acknowledgements, sends readings out of the ring. While
 * the core is away it tries again with growing pauses, for ever; the ring fills meanwhile.
 *
 *   AWAY ──connected, HELLO sent──▶ GREETING ──HELLO──▶ PLANNING ──ACK──▶ LIVE
 *     ▲                                 │                   │               │
 *     └────── closed, or a packet that is malformed or not expected ────────┘
 *
 * Readings go out in LIVE only: the ACK that ends PLANNING says where to begin.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "common/macro.h"
#include "common/wire.h"
#include "poller/ring.h"
#include "poller/work.h"

struct uplink;

/**
 * struct uplink_user - who is told
 * @on_plan: a whole and checked plan; takes it over if it returns 0, else it is refused with
 *   that -errno and the connection ends
 * @on_change: the connection came or went
 */
struct uplink_user {
	int (*on_plan)(void *userdata, struct work *work);
	void (*on_change)(void *userdata);
	void *userdata;
};

/**
 * uplink_new() - start to connect to @path
 * @ring: what is to be sent; outlives the uplink
 * @instance: names the stream of sequence numbers of @ring
 * Return: 0; -ENAMETOOLONG @path is no socket's; -errno.
 */
int uplink_new(struct uplink **ret, sd_event *event, const char *path, struct ring *ring,
	       uint64_t instance, const struct uplink_user *user);

/** uplink_free() - takes NULL. Return: NULL. */
struct uplink *uplink_free(struct uplink *uplink);
DEFINE_CLEANUP(struct uplink *, uplink_free)

/** uplink_flush() - send what the ring holds unsent, as far as the core reads it */
void uplink_flush(struct uplink *uplink);

/**
 * uplink_send_links() - state of the links; dropped when the core does not read at present
 * Return: 0; -EAGAIN; -ENOTCONN.
 */
int uplink_send_links(struct uplink *uplink, const struct wire_link_report *reports, uint16_t n);

/** uplink_is_live() - the core is there and takes readings */
bool uplink_is_live(const struct uplink *uplink);

/** uplink_set_plan() - the plan that runs, for the next HELLO */
void uplink_set_plan(struct uplink *uplink, uint64_t plan);
