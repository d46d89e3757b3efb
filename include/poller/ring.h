/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ring.h - readings that the core has not acknowledged yet
 *
 * A bounded queue of wire readings with one place marked in it: what lies behind the mark
 * was handed out, what lies after it was not. When the room is full the oldest readings go;
 * the jump of the sequence number tells the core. It does no I/O and reads no clock.
 *
 *        oldest                 mark                newest
 *          │  handed out, kept   │  to be handed out   │
 *          └─────────────────────┴─────────────────────┘
 *
 * Memory is touched only as far as it was ever needed: the room is used from its beginning
 * again whenever what is there has been acknowledged.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macro.h"
#include "common/wire.h"

#define RING_BYTES_DEFAULT ((size_t)8 << 20)
#define RING_BYTES_MIN	   ((size_t)4096) /* several of the longest readings */
#define RING_BYTES_MAX	   ((size_t)1 << 30)

struct ring;

/** ring_new() - @bytes: RING_BYTES_MIN-RING_BYTES_MAX. Return: 0; -EINVAL; -ENOMEM. */
int ring_new(struct ring **ret, size_t bytes);

/** ring_free() - takes NULL. Return: NULL. */
struct ring *ring_free(struct ring *ring);
DEFINE_CLEANUP(struct ring *, ring_free)

/**
 * ring_put() - add a reading; gives it the next sequence number, from 1
 * @reading: all but its seq; at most WIRE_REGISTERS_MAX words, asserted
 * @words: n_words of them; NULL if none
 *
 * Never fails: where there is no room, the oldest readings are dropped and counted.
 */
void ring_put(struct ring *ring, const struct wire_reading *reading, const uint16_t *words);

/**
 * ring_fill() - copy readings after the mark, as many as fit
 * @max: bytes that @ret has
 * @ret_n: readings copied, at most 65535
 *
 * The mark stays where it is until ring_advance(). Return: bytes copied, 0 none.
 */
size_t ring_fill(const struct ring *ring, void *ret, size_t max, uint16_t *ret_n);

/** ring_advance() - move the mark over @n readings that ring_fill() has copied */
void ring_advance(struct ring *ring, uint16_t n);

/** ring_rewind() - put the mark before the oldest reading: all are handed out again */
void ring_rewind(struct ring *ring);

/**
 * ring_acknowledge() - readings up to @seq are safe and go
 *
 * Return: 0, also for what went before; -EINVAL @seq was never given out.
 */
int ring_acknowledge(struct ring *ring, uint64_t seq);

/** ring_pending() - is there anything after the mark? */
bool ring_pending(const struct ring *ring);

/** ring_first_seq() - of the oldest reading held; 0 none is held */
uint64_t ring_first_seq(const struct ring *ring);

/** ring_last_seq() - of the newest reading ever put; 0 none was */
uint64_t ring_last_seq(const struct ring *ring);

/** ring_n_dropped() - readings that went unacknowledged for want of room */
uint64_t ring_n_dropped(const struct ring *ring);

/** ring_bytes_touched() - how far into its memory the ring has ever written */
size_t ring_bytes_touched(const struct ring *ring);
