/* SPDX-License-Identifier: Apache-2.0 */
#include "core/tally.h"
#include "common/macro.h"

void tally_add(struct tally *tally, uint64_t n)
{
	tally->n += MIN(n, (uint64_t)INT64_MAX - tally->n);
}

int64_t tally_take(struct tally *tally, int64_t mono_ms, bool all)
{
	int64_t n = (int64_t)tally->n;

	if (!all && tally->said_ms != 0 && mono_ms - tally->said_ms < TALLY_MS)
		return 0;
	if (n > 0)
		tally->said_ms = mono_ms;
	tally->n = 0;
	return n;
}
