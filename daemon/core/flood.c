/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "common/macro.h"
#include "core/flood.h"

static uint32_t *slot_at(struct flood *flood, int64_t slot)
{
	return &flood->n[(uint64_t)slot % FLOOD_SLOTS];
}

/* the slots between are empty */
static void move_on(struct flood *flood, int64_t slot)
{
	if (slot - flood->slot >= FLOOD_SLOTS)
		memset(flood->n, 0, sizeof(flood->n));
	else
		for (int64_t i = flood->slot + 1; i <= slot; i++)
			*slot_at(flood, i) = 0;
	flood->slot = MAX(flood->slot, slot);
}

void flood_add(struct flood *flood, int64_t mono_ms)
{
	int64_t slot = mono_ms / FLOOD_SLOT_MS;

	move_on(flood, slot);
	/* another stream may be a little behind */
	if (flood->slot - slot < FLOOD_SLOTS)
		(*slot_at(flood, slot))++;
}

uint32_t flood_count(const struct flood *flood, int64_t mono_ms)
{
	int64_t first = mono_ms / FLOOD_SLOT_MS - FLOOD_SLOTS + 1;
	uint32_t n = 0;

	for (int64_t i = MAX(first, flood->slot - FLOOD_SLOTS + 1); i <= flood->slot; i++)
		n += flood->n[(uint64_t)i % FLOOD_SLOTS];
	return n;
}

bool flood_begins(struct flood *flood, int64_t mono_ms)
{
	uint32_t n = flood_count(flood, mono_ms);

	if (flood->lasts) {
		flood->lasts = n >= FLOOD_ENDS;
		return false;
	}
	flood->lasts = n > FLOOD_BEGINS;
	return flood->lasts;
}

bool flood_chatters(const int64_t *raised_ms, int64_t mono_ms)
{
	return raised_ms[2] != 0 && raised_ms[0] - raised_ms[2] <= FLOOD_CHATTER_MS &&
	       mono_ms - raised_ms[0] <= FLOOD_LOOKBACK_MS;
}
