/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "poller/timeline.h"

/* All things are in the heap all the time, those without a moment at TIMELINE_NEVER. */
struct timeline {
	size_t n;
	int64_t *at_us; /* per thing */
	size_t *place;	/* per thing: where in the heap */
	size_t *heap;	/* things, first due at 0; children of i at 2i + 1 and 2i + 2 */
};

int timeline_new(struct timeline **ret, size_t n)
{
	CLEANUP(timeline_free) struct timeline *timeline = calloc(1, sizeof(*timeline));

	if (!timeline)
		return -ENOMEM;
	timeline->n = n;
	timeline->at_us = calloc(n + 1, sizeof(*timeline->at_us));
	timeline->place = calloc(n + 1, sizeof(*timeline->place));
	timeline->heap = calloc(n + 1, sizeof(*timeline->heap));
	if (!timeline->at_us || !timeline->place || !timeline->heap)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		timeline->at_us[i] = TIMELINE_NEVER;
		timeline->place[i] = timeline->heap[i] = i;
	}
	*ret = steal(&timeline);
	return 0;
}

struct timeline *timeline_free(struct timeline *timeline)
{
	if (!timeline)
		return NULL;
	free(timeline->at_us);
	free(timeline->place);
	free(timeline->heap);
	free(timeline);
	return NULL;
}

static int64_t at_place(const struct timeline *timeline, size_t place)
{
	return timeline->at_us[timeline->heap[place]];
}

static void swap(struct timeline *timeline, size_t a, size_t b)
{
	size_t thing = timeline->heap[a];

	timeline->heap[a] = timeline->heap[b];
	timeline->heap[b] = thing;
	timeline->place[timeline->heap[a]] = a;
	timeline->place[timeline->heap[b]] = b;
}

static size_t rise(struct timeline *timeline, size_t place)
{
	while (place > 0 && at_place(timeline, place) < at_place(timeline, (place - 1) / 2)) {
		swap(timeline, place, (place - 1) / 2);
		place = (place - 1) / 2;
	}
	return place;
}

static void sink(struct timeline *timeline, size_t place)
{
	for (;;) {
		size_t least = place, left = 2 * place + 1;

		for (size_t child = left; child < timeline->n && child <= left + 1; child++)
			if (at_place(timeline, child) < at_place(timeline, least))
				least = child;
		if (least == place)
			return;
		swap(timeline, place, least);
		place = least;
	}
}

void timeline_set(struct timeline *timeline, size_t thing, int64_t at_us)
{
	assert(thing < timeline->n);
	if (timeline->at_us[thing] == at_us)
		return;
	timeline->at_us[thing] = at_us;
	sink(timeline, rise(timeline, timeline->place[thing]));
}

int64_t timeline_first(const struct timeline *timeline, size_t *ret_thing)
{
	if (timeline->n == 0 || at_place(timeline, 0) == TIMELINE_NEVER)
		return TIMELINE_NEVER;
	*ret_thing = timeline->heap[0];
	return at_place(timeline, 0);
}
