/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heartbeat.h - a sign of life for whoever was told nothing for a while
 *
 * Every report carries a head of the record. A destination that has had none for its "heartbeat"
 * (a day) gets a report of this type, which carries one and how things stand. So its receiver
 * notices a plant that is cut off, switched off or set back within a day, and not when the next
 * incident stays out. One entry of the record for all that are due at a moment. The time is that
 * of the core, on the monotonic clock, so setting the wall clock neither makes nor stops any.
 * Pure: no clock, no I/O.
 */
#pragma once

#include "core/core.h"

#define HEARTBEAT_TYPE	   "heartbeat" /* of the report */
#define HEARTBEAT_INCIDENT "heartbeat" /* in the outbox, in place of an incident's id */

/** heartbeat_tick() - what is due goes into the batch */
void heartbeat_tick(struct core *core, struct stamp at);

/** heartbeat_told() - a destination is told something, a head with it */
void heartbeat_told(struct core *core, size_t destination, struct stamp at);
