/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crew.h - what a plan brings and takes away again: its links with their sockets
 *
 * Owns memory and descriptors; says nothing to a device and reads no clock.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/macro.h"
#include "poller/link.h"
#include "poller/timeline.h"
#include "poller/transport.h"
#include "poller/work.h"

/**
 * struct peer - a link and its connection
 * @owner: whoever serves the sockets finds itself from here
 * @config: in the plan
 * @name: address and port, or path of the device, for people
 */
struct peer {
	void *owner;
	struct link *link;
	const struct wire_link *config;
	size_t index;
	struct transport transport;
	char name[WIRE_HOST_MAX + 8];
};

/**
 * struct crew - all of them
 * @work: the plan, owned
 * @timeline: when to tell each peer's link LINK_TIME
 * @actions: room for the longest script of a link
 * @reports, @reported: state of the links, now and as told last; one each
 */
struct crew {
	struct work *work;
	struct peer *peers;
	size_t n_peers;
	struct timeline *timeline;
	struct link_action *actions;
	struct wire_link_report *reports;
	struct wire_link_report *reported;
};

/**
 * crew_new() - links for a plan, not connected yet
 * @work: taken over on success
 * @seed: draws numbers for the links' jitter
 * Return: 0; -ENOMEM.
 */
int crew_new(struct crew **ret, void *owner, struct work *work, int64_t now_us,
	     uint64_t (*seed)(void));

/** crew_free() - takes NULL; closes the connections. Return: NULL. */
struct crew *crew_free(struct crew *crew);
DEFINE_CLEANUP(struct crew *, crew_free)

/**
 * crew_inherit() - links with the same key and bytes in both plans go on with their connection
 * @epoll_fd: where the sockets are registered, as crew_register() does
 * @ret_n: how many do
 * Return: 0; -ENOMEM: nothing has changed.
 */
int crew_inherit(struct crew *crew, struct crew *old, int epoll_fd, size_t *ret_n);

/**
 * crew_register() - have the peer's socket watched for every change
 * @operation: EPOLL_CTL_ADD or EPOLL_CTL_MOD
 * Return: 0; -errno.
 */
int crew_register(struct peer *peer, int epoll_fd, int operation);
