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

/*
 * Codes of libcurl (their numbers are part of its binary interface and do not change) with which
 * an upload ends that will not pass by itself, and the attempt from which on that is believed.
 */
static const struct {
	int32_t curl_code;
	uint32_t from_attempt;
} upload_refusals[] = {
	{1, 1},	 /* UNSUPPORTED_PROTOCOL: this libcurl does not speak it */
	{3, 1},	 /* URL_MALFORMAT */
	{9, 1},	 /* REMOTE_ACCESS_DENIED: no such directory, or not ours */
	{21, 3}, /* QUOTE_ERROR: the rename to its final name */
	{25, 3}, /* UPLOAD_FAILED: the server would not store it; 450 passes, 553 does not */
	{58, 1}, /* SSL_CERTPROBLEM: our own certificate */
	{60, 1}, /* PEER_FAILED_VERIFICATION: its certificate or host key is another */
	{64, 3}, /* USE_SSL_FAILED: it would not turn to TLS */
	{67, 1}, /* LOGIN_DENIED */
	{73, 3}, /* REMOTE_FILE_EXISTS */
	{77, 1}, /* SSL_CACERT_BADFILE */
	{78, 1}, /* REMOTE_FILE_NOT_FOUND */
	{79, 3}, /* SSH: anything of its own, refused directories among it */
};

static bool is_refusal(int32_t curl_code, uint32_t attempts)
{
	for (size_t i = 0; i < ARRAY_SIZE(upload_refusals); i++)
		if (upload_refusals[i].curl_code == curl_code)
			return attempts >= upload_refusals[i].from_attempt;
	return false;
}

struct outbox_decision outbox_decide_upload(uint32_t attempts, bool uploaded, int32_t curl_code,
					    uint32_t random)
{
	/* as the answers of a web server that mean the same */
	int status = uploaded ? 200 : is_refusal(curl_code, attempts) ? 400 : 0;

	return outbox_decide(attempts, status, -1, random);
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
