/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer.h - one connection of a poller or sender to the core
 *
 * Packets that the peer does not read at once wait in a bounded queue. Knows nothing of
 * what the packets mean.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "common/macro.h"
#include "common/wire.h"

#define PEER_QUEUE_MAX (8U << 20) /* bytes waiting for a peer; more and it is let go */

struct peer;

/**
 * struct peer_handler - what the owner does
 * @packet: one packet that wire_check() has passed; negative: let the peer go
 * @drained: nothing more to receive for now
 * @gone: the peer is about to be freed, for the reason given
 */
struct peer_handler {
	int (*packet)(void *userdata, struct peer *peer, void *packet, size_t n);
	void (*drained)(void *userdata, struct peer *peer);
	void (*gone)(void *userdata, struct peer *peer, const char *why);
};

/**
 * peer_new() - serve a connection
 * @fd: taken over, on failure too
 * @buffer: room for WIRE_PACKET_MAX bytes, shared by all peers
 */
int peer_new(struct peer **ret, sd_event *event, int fd, const struct peer_handler *handler,
	     void *userdata, void *buffer);

/** peer_free() - takes NULL; calls nobody. Return: NULL. */
struct peer *peer_free(struct peer *peer);

/**
 * peer_accept() - take one connection of a listening socket's user
 * @user: name of the system user that may connect, besides root and our own
 * @what: "poller", for messages
 *
 * @starved: the caller's note that this was said: no descriptor is free
 *
 * Says who was refused. Without a free descriptor the listener is left alone until
 * peer_listen_again(), so that the loop does not spin.
 * Return: descriptor; -errno.
 */
int peer_accept(sd_event_source *listener, int fd, const char *user, const char *what,
		bool *starved);

/** peer_listen_again() - once a second */
void peer_listen_again(sd_event_source *listener);

/**
 * peer_may_say() - may a line about a peer go to the log?
 *
 * Whoever has taken a poller or sender over could connect as fast as he can; journald drops what
 * is more than 10,000 lines of a service in half a minute, messages about breaches with it. So of
 * lines about connections there are PEER_LINES_MAX in ten seconds, and how many were left out is
 * said.
 */
bool peer_may_say(void);
#define PEER_LINES_MAX 100

/** peer_send() - send or queue a packet; 0; -ENOBUFS the queue is full; -errno */
int peer_send(struct peer *peer, void *packet, size_t n);

/** peer_data(), peer_set_data() - the owner's own of this peer */
void *peer_data(const struct peer *peer);
void peer_set_data(struct peer *peer, void *data);
