/* SPDX-License-Identifier: Apache-2.0 */
#include "core/outbox.h"
#include "common/clock.h"
#include "common/macro.h"

/* wait after the n-th attempt, seconds; the last one goes on for ever */
static const int64_t waits_s[] = {5, 30, 120, 600, 1800, 3600, 7200};

static enum outbox_verdict verdict_of(int status)
{
	if (status >= 200 && status < 300)
		return OUTBOX_DELIVERED;
	/* 408, 425 and 429 pass by themselves (RFC 9110 §15.5.9, RFC 8470 §5.2, RFC 6585 §4) */
	if (status >= 400 && status < 500 && status != 408 && status != 425 && status != 429)
		return OUTBOX_REFUSED;
	return OUTBOX_RETRY;
}

/* @ms ± 10 % */
static int64_t spread(int64_t ms, uint32_t random)
{
	return ms - ms / 10 + (int64_t)(random % 2001) * (ms / 10) / 1000;
}

struct outbox_decision outbox_decide(uint32_t attempts, int http_status, int64_t retry_after_s,
				     uint32_t random)
{
	struct outbox_decision decision = {.verdict = verdict_of(http_status)};
	size_t step = MIN((size_t)MAX(attempts, 1U), ARRAY_SIZE(waits_s)) - 1;
	int64_t asked_ms;

	switch (decision.verdict) {
	case OUTBOX_DELIVERED:
		return decision;
	case OUTBOX_REFUSED:
		step = ARRAY_SIZE(waits_s) - 1;
		break;
	case OUTBOX_RETRY:
		break;
	}
	decision.wait_ms = spread(waits_s[step] * MS_PER_S, random);
	if (retry_after_s < 0)
		return decision;
	/* the receiver's word; a refusal stays at long intervals all the same */
	asked_ms = MIN(MAX(retry_after_s, (int64_t)OUTBOX_RETRY_AFTER_MIN_S),
		       (int64_t)OUTBOX_RETRY_AFTER_MAX_S) *
		   MS_PER_S;
	decision.wait_ms = decision.verdict == OUTBOX_REFUSED ? MAX(asked_ms, decision.wait_ms)
							      : asked_ms;
	return decision;
}
