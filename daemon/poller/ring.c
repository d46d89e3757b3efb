/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "poller/ring.h"

/*
 * Readings never wrap around the end, so each can be copied in one piece. The old ones lie
 * in [first, end), the newer ones, once the room was used from its beginning again, in
 * [0, low_end) with low_end <= first.
 */
struct ring {
	uint8_t *bytes;
	size_t capacity;
	size_t touched;
	size_t first;
	size_t end;
	size_t low_end; /* 0: there is no lower part */
	size_t mark;	/* offset of the first reading to be handed out, see at_tail() */
	uint64_t next_seq;
	uint64_t mark_seq; /* sequence number at the mark; next_seq: nothing after it */
	uint64_t first_seq;
	uint64_t n_dropped;
};

int ring_new(struct ring **ret, size_t bytes)
{
	CLEANUP(ring_free) struct ring *ring = NULL;

	if (bytes < RING_BYTES_MIN || bytes > RING_BYTES_MAX)
		return -EINVAL;
	ring = calloc(1, sizeof(*ring));
	if (!ring)
		return -ENOMEM;
	ring->bytes = malloc(bytes); /* large, so mapped, and resident only where touched */
	if (!ring->bytes)
		return -ENOMEM;
	ring->capacity = bytes / 8 * 8;
	ring->next_seq = ring->mark_seq = ring->first_seq = 1;
	*ret = steal(&ring);
	return 0;
}

struct ring *ring_free(struct ring *ring)
{
	if (!ring)
		return NULL;
	free(ring->bytes);
	free(ring);
	return NULL;
}

static const struct wire_reading *at(const struct ring *ring, size_t offset)
{
	return (const struct wire_reading *)(const void *)(ring->bytes + offset);
}

/* offset of the reading after the one at @offset; from the upper part on to the lower one */
static size_t after(const struct ring *ring, size_t offset)
{
	size_t next = offset + wire_reading_size(at(ring, offset)->n_words);

	return next == ring->end && ring->low_end > 0 && offset >= ring->first ? 0 : next;
}

/* the oldest reading goes */
static void pop(struct ring *ring)
{
	size_t next = after(ring, ring->first);

	if (ring->mark_seq == ring->first_seq) {
		ring->mark_seq++;
		ring->mark = next;
	}
	ring->first_seq++;
	if (ring->first_seq == ring->next_seq) {
		ring->first = ring->end = ring->low_end = ring->mark = 0;
		return;
	}
	ring->first = next;
	if (next == 0) { /* the lower part is all there is now */
		ring->end = ring->low_end;
		ring->low_end = 0;
	}
}

/* move the upper part up, so that the lower one can grow: as far as doubles what was used */
static void widen(struct ring *ring)
{
	size_t limit = MIN(ring->capacity, ring->touched * 2), shift = limit - ring->end;

	if (shift == 0)
		return;
	memmove(ring->bytes + ring->first + shift, ring->bytes + ring->first,
		ring->end - ring->first);
	if (ring->mark >= ring->first)
		ring->mark += shift;
	ring->first += shift;
	ring->end += shift;
	ring->touched = limit;
}

/* room for @size bytes at *@ret without dropping anything? */
static bool find_room(struct ring *ring, size_t size, size_t *ret)
{
	if (ring->low_end > 0 && ring->low_end + size > ring->first)
		widen(ring);
	if (ring->low_end > 0 && ring->low_end + size > ring->first)
		return false;
	if (ring->low_end > 0 || (ring->end + size > ring->touched && size <= ring->first)) {
		*ret = ring->low_end;
		ring->low_end += size;
		return true;
	}
	if (ring->end + size > ring->capacity)
		return false;
	*ret = ring->end;
	ring->end += size;
	return true;
}

void ring_put(struct ring *ring, const struct wire_reading *reading, const uint16_t *words)
{
	size_t size = wire_reading_size(reading->n_words), offset;
	struct wire_reading *place;

	assert(reading->n_words <= WIRE_REGISTERS_MAX);
	while (!find_room(ring, size, &offset)) {
		pop(ring);
		ring->n_dropped++;
	}
	ring->touched = MAX(ring->touched, offset + size);
	memset(ring->bytes + offset, 0, size);
	place = (struct wire_reading *)(void *)(ring->bytes + offset);
	*place = *reading;
	if (reading->n_words > 0)
		memcpy(place + 1, words, reading->n_words * sizeof(*words));
	if (ring->mark_seq == ring->next_seq)
		ring->mark = offset;
	place->seq = ring->next_seq++;
}

size_t ring_fill(const struct ring *ring, void *ret, size_t max, uint16_t *ret_n)
{
	size_t offset = ring->mark, n_bytes = 0;
	uint64_t seq = ring->mark_seq;

	for (*ret_n = 0; seq < ring->next_seq && *ret_n < UINT16_MAX; seq++, (*ret_n)++) {
		size_t size = wire_reading_size(at(ring, offset)->n_words);

		if (n_bytes + size > max)
			break;
		memcpy((uint8_t *)ret + n_bytes, at(ring, offset), size);
		n_bytes += size;
		offset = after(ring, offset);
	}
	return n_bytes;
}

void ring_advance(struct ring *ring, uint16_t n)
{
	for (; n > 0 && ring->mark_seq < ring->next_seq; n--, ring->mark_seq++)
		ring->mark = after(ring, ring->mark);
}

void ring_rewind(struct ring *ring)
{
	ring->mark = ring->first;
	ring->mark_seq = ring->first_seq;
}

int ring_acknowledge(struct ring *ring, uint64_t seq)
{
	if (seq >= ring->next_seq)
		return -EINVAL;
	while (ring->first_seq <= seq && ring->first_seq < ring->next_seq)
		pop(ring);
	return 0;
}

bool ring_pending(const struct ring *ring)
{
	return ring->mark_seq < ring->next_seq;
}

uint64_t ring_first_seq(const struct ring *ring)
{
	return ring->first_seq < ring->next_seq ? ring->first_seq : 0;
}

uint64_t ring_last_seq(const struct ring *ring)
{
	return ring->next_seq - 1;
}

uint64_t ring_n_dropped(const struct ring *ring)
{
	return ring->n_dropped;
}

size_t ring_bytes_touched(const struct ring *ring)
{
	return ring->touched;
}
