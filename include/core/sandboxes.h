/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandboxes.h - what the three programs' sandboxes refuse, as each has tried it
 *
 *   wastewatchd        cannot open a socket of IPv4 or IPv6
 *   wastewatch-poller  cannot open the record, cannot send to the destinations
 *   wastewatch-sender  cannot open the record, cannot send to the plant's addresses
 *
 * The core tries its own when it starts, and asks the others when they connect and after a
 * reload (WIRE_TRIALS; common/sandbox.h says how it is tried). What comes of it is in status.json,
 * and an entry when it is told first in a run or has changed. A sandbox that is not in force is a
 * warning: measuring and reporting go on as well without it, so `health` does not depend on it.
 *
 * A destination that is given by name is not tried: to resolve it a server would be asked, and
 * waited for. That, and what is more than fits into a packet, is counted and said.
 *
 * A program that was taken over can lie. This shows whether the machine is set up right.
 */
#pragma once

#include <jansson.h>

#include "core/peer.h"

struct service;
struct sandboxes;

enum sandbox_program { SANDBOX_CORE, SANDBOX_POLLER, SANDBOX_SENDER, N_SANDBOXES };

/** sandboxes_open() - try the core's own; an entry. Return: 0; -ENOMEM. */
int sandboxes_open(struct service *service);

/** sandboxes_free() - takes NULL. Return: NULL. */
struct sandboxes *sandboxes_free(struct sandboxes *sandboxes);

/** sandboxes_fit() - the configuration has changed: other addresses; whoever is connected must be
 * asked again */
void sandboxes_fit(struct service *service);

/** sandboxes_ask() - have a program try. Return: as peer_send(). */
int sandboxes_ask(const struct service *service, enum sandbox_program program, struct peer *peer);

/**
 * sandboxes_told() - what came of it
 * @packet: TRIALS, as wire_check() has passed it; an answer to an earlier question is ignored
 */
void sandboxes_told(struct service *service, enum sandbox_program program, const void *packet);

/** sandboxes_object() - for status.json: program → {"state", "words"}, with state "holds"
 * (all was refused), "partly" (some was, the rest was not tried or not shown), "open", "unknown"
 * (none was) or, before it was told, "waiting"; words say how many of how many */
json_t *sandboxes_object(const struct sandboxes *sandboxes);
