/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "poller/split.h"

/*
 * @joint: joined in front of this register and not answered since; 0: not
 * @n_refusals: in a row, up to SPLIT_CONFIRM
 * @answered: since it has been what it is
 * @apart: not to be joined with the part before it
 * @pending: still to ask in this round
 * @pause_us, @retry_us: while refused: pause that runs, and when it is over
 */
struct part {
	uint16_t first;
	uint16_t count;
	uint16_t joint;
	uint8_t n_refusals;
	bool refused;
	bool answered;
	bool apart;
	bool pending;
	int64_t pause_us;
	int64_t retry_us;
};

/* The parts are sorted; between them lie only registers that nobody uses. */
struct split {
	struct wire_request request;
	size_t n;
	size_t n_max;
	size_t n_refused;
	size_t n_halvings; /* in this round */
	bool whole_pending;
	int64_t whole_pause_us;
	int64_t whole_retry_us; /* not used while there is one part */
	struct part parts[];
};

static bool asks_bits(const struct wire_request *request)
{
	return request->function <= 2;
}

static bool has_bit(const uint8_t *map, uint32_t i)
{
	return map[i / 8] >> i % 8 & 1;
}

/* may the request be parted in front of @at? */
static bool is_cut(const struct wire_request *request, uint32_t at)
{
	return asks_bits(request) || has_bit(request->starts, at);
}

/* the end of what is used of [@first, @end); @first is */
static uint32_t used_end(const struct wire_request *request, uint32_t first, uint32_t end)
{
	if (!asks_bits(request))
		while (end > first + 1 && !has_bit(request->used, end - 1))
			end--;
	return end;
}

/* where to halve: the place nearest to the middle; 0: nowhere, no part begins with it */
static uint32_t middle(const struct wire_request *request, const struct part *part)
{
	uint32_t half = part->count / 2U, first = part->first;

	for (uint32_t d = 0; d <= half; d++) {
		if (half > d && is_cut(request, first + half - d))
			return first + half - d;
		if (half + d > 0 && half + d < part->count && is_cut(request, first + half + d))
			return first + half + d;
	}
	return 0;
}

static size_t n_parts_max(const struct wire_request *request)
{
	size_t n = 1;

	for (uint32_t i = 1; i < request->count && n < SPLIT_PARTS_MAX; i++)
		n += is_cut(request, i);
	return n;
}

int split_new(struct split **ret, const struct wire_request *request)
{
	size_t n_max = n_parts_max(request);
	struct split *split = calloc(1, sizeof(*split) + n_max * sizeof(split->parts[0]));

	if (!split)
		return -ENOMEM;
	split->request = *request;
	split->n_max = n_max;
	split->n = 1;
	split->parts[0] = (struct part){.count = request->count};
	*ret = split;
	return 0;
}

struct split *split_free(struct split *split)
{
	free(split);
	return NULL;
}

bool split_same(const struct wire_request *a, const struct wire_request *b)
{
	return a->key == b->key && a->function == b->function && a->address == b->address &&
	       a->count == b->count && memcmp(a->used, b->used, sizeof(a->used)) == 0 &&
	       memcmp(a->starts, b->starts, sizeof(a->starts)) == 0;
}

bool split_is_of(const struct split *split, const struct wire_request *request)
{
	return split_same(&split->request, request);
}

static bool is_whole(const struct split *split, uint16_t first, uint16_t count)
{
	return first == 0 && count == split->request.count;
}

static struct part *find(struct split *split, uint16_t first, uint16_t count)
{
	for (size_t i = 0; i < split->n; i++)
		if (split->parts[i].first == first && split->parts[i].count == count)
			return &split->parts[i];
	return NULL;
}

/* twice the pause, but not less than @least_us */
static int64_t longer(int64_t pause_us, int64_t least_us)
{
	return MIN(MAX(2 * pause_us, least_us), SPLIT_PAUSE_US_MAX);
}

static bool none_is_read(const struct split *split)
{
	return split->n_refused == split->n;
}

/*
 * Join the last pair that may be, but never all there is: that is known to be refused.
 * Return: was there one?
 */
static bool join_one(struct split *split)
{
	for (size_t i = split->n; split->n > 2 && i-- > 1;) {
		struct part *left = &split->parts[i - 1], *right = left + 1;

		if (right->apart || !left->answered || !right->answered || left->pending ||
		    right->pending || left->first + left->count != right->first)
			continue;
		left->joint = right->first;
		left->count = (uint16_t)(left->count + right->count);
		left->answered = false;
		memmove(right, right + 1, (split->n - i - 1) * sizeof(*right));
		split->n--;
		return true;
	}
	return false;
}

/* what is refused and due longest, up to @limit_us */
static struct part *due_trial(struct split *split, int64_t limit_us)
{
	struct part *due = NULL;

	for (size_t i = 0; i < split->n; i++) {
		struct part *part = &split->parts[i];

		if (part->refused && part->retry_us <= limit_us &&
		    (!due || part->retry_us < due->retry_us))
			due = part;
	}
	return due;
}

static void add_trial(struct split *split, int64_t now_us)
{
	int64_t limit_us = now_us;
	struct part *part;

	if (split->n > 1 && split->whole_retry_us <= now_us) {
		split->whole_pending = true;
		split->whole_retry_us = now_us + split->whole_pause_us; /* if it stays silent */
		limit_us = none_is_read(split) ? INT64_MAX : -1;
	}
	part = due_trial(split, limit_us);
	if (!part)
		return;
	part->pending = true;
	part->retry_us = now_us + part->pause_us;
}

void split_start(struct split *split, int64_t now_us, bool probe)
{
	bool any = false;

	split->whole_pending = false;
	split->n_halvings = 0;
	for (size_t i = 0; i < split->n; i++)
		split->parts[i].pending = false;
	if (!probe)
		(void)join_one(split); /* one at a time: it may be refused */
	for (size_t i = 0; i < split->n; i++) {
		struct part *part = &split->parts[i];

		part->pending = !part->refused && !(probe && any);
		any |= part->pending;
	}
	if (!probe)
		add_trial(split, now_us);
	else if (!any)
		split->whole_pending = true;
}

bool split_pending(const struct split *split)
{
	for (size_t i = 0; i < split->n; i++)
		if (split->parts[i].pending)
			return true;
	return split->whole_pending;
}

bool split_next(struct split *split, uint16_t *ret_first, uint16_t *ret_count)
{
	if (split->whole_pending) {
		split->whole_pending = false;
		*ret_first = 0;
		*ret_count = split->request.count;
		return true;
	}
	for (size_t i = 0; i < split->n; i++) {
		struct part *part = &split->parts[i];

		if (!part->pending)
			continue;
		part->pending = false;
		*ret_first = part->first;
		*ret_count = part->count;
		return true;
	}
	return false;
}

bool split_drop(struct split *split, uint16_t *ret_first, uint16_t *ret_count)
{
	uint16_t first, count;
	bool any = split_next(split, ret_first, ret_count);

	while (split_next(split, &first, &count))
		*ret_count = (uint16_t)MAX((int)*ret_count, first + count - *ret_first);
	return any;
}

static enum split_outcome refuse_whole(struct split *split, int64_t now_us)
{
	split->whole_pause_us = longer(split->whole_pause_us,
				       none_is_read(split) ? SPLIT_PAUSE_NONE_US : SPLIT_PAUSE_US);
	split->whole_retry_us = now_us + split->whole_pause_us;
	for (size_t i = 0; i < split->n; i++)
		split->parts[i].apart = false; /* is it still so? */
	return SPLIT_PARTED;
}

/* both halves are asked in this round, the left one next */
static void part_at(struct split *split, struct part *part, uint32_t at, int64_t now_us)
{
	size_t i = (size_t)(part - split->parts);
	uint32_t end = (uint32_t)part->first + part->count;
	struct part left = {.first = part->first, .apart = part->apart, .pending = true};
	struct part right = {.first = (uint16_t)at, .pending = true};

	left.count = (uint16_t)(used_end(&split->request, left.first, at) - left.first);
	right.count = (uint16_t)(used_end(&split->request, at, end) - at);
	right.apart = left.answered = right.answered = part->joint > 0;
	if (split->n == 1) {
		split->whole_pause_us = SPLIT_PAUSE_US;
		split->whole_retry_us = now_us + SPLIT_PAUSE_US;
	}
	split->n_refused -= part->refused;
	split->n_halvings++;
	memmove(part + 1, part, (split->n - i) * sizeof(*part));
	part[0] = left;
	part[1] = right;
	split->n++;
}

/* from the two halves on */
static void start_over(struct split *split, int64_t now_us)
{
	split->n = 1;
	split->n_refused = 0;
	split->n_halvings = 0;
	split->whole_pending = false;
	split->parts[0] = (struct part){.count = split->request.count};
	part_at(split, &split->parts[0], middle(&split->request, &split->parts[0]), now_us);
}

static enum split_outcome refuse_part(struct split *split, struct part *part, int64_t now_us)
{
	bool was_refused = part->refused;

	if (!was_refused && ++part->n_refusals < SPLIT_CONFIRM)
		return SPLIT_SAME;
	part->refused = true;
	split->n_refused += !was_refused;
	part->pause_us = longer(was_refused ? part->pause_us : 0,
				split->n == 1 ? SPLIT_PAUSE_NONE_US : SPLIT_PAUSE_US);
	part->retry_us = now_us + part->pause_us;
	if (!was_refused && none_is_read(split)) {
		split->whole_pause_us = SPLIT_PAUSE_NONE_US;
		split->whole_retry_us = now_us + SPLIT_PAUSE_NONE_US;
	}
	return was_refused ? SPLIT_SAME : SPLIT_REFUSED;
}

enum split_outcome split_refused(struct split *split, int64_t now_us, uint16_t first,
				 uint16_t count)
{
	struct part *part = find(split, first, count);
	uint32_t at;

	if (is_whole(split, first, count) && split->n > 1)
		return refuse_whole(split, now_us);
	if (!part)
		return SPLIT_SAME;
	part->answered = false;
	at = part->joint > 0 ? part->joint : middle(&split->request, part);
	if (at > 0 && split->n_halvings == SPLIT_PARTS_MAX)
		return SPLIT_SAME; /* the next round goes on with it */
	if (at > 0 && split->n == split->n_max && join_one(split))
		part = find(split, first, count); /* it has moved */
	if (at == 0 || split->n == split->n_max)
		return refuse_part(split, part, now_us);
	part_at(split, part, at, now_us);
	return SPLIT_PARTED;
}

enum split_outcome split_answered(struct split *split, int64_t now_us, uint16_t first,
				  uint16_t count)
{
	struct part *part = find(split, first, count);

	if (is_whole(split, first, count))
		return SPLIT_FORGOTTEN;
	if (!part)
		return SPLIT_SAME;
	part->answered = true;
	part->joint = 0;
	part->n_refusals = 0;
	if (!part->refused)
		return SPLIT_SAME;
	if (none_is_read(split)) {
		start_over(split, now_us);
		return SPLIT_RESTARTED;
	}
	part->refused = false;
	split->n_refused--;
	split->whole_retry_us = now_us; /* somebody has worked on the device */
	return SPLIT_ACCEPTED;
}

size_t split_n_refused(const struct split *split)
{
	return split->n_refused;
}

size_t split_n_parts(const struct split *split)
{
	return split->n;
}
