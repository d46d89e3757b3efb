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
	/* RFC 9110 §15.5.11; Standard Webhooks: "disable the endpoint". We pause it: a report that
	 * the law demands must not vanish because of an answer. */
	if (status == 410)
		return OUTBOX_GONE;
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

static int64_t wait_ms(uint32_t attempts, uint32_t random)
{
	size_t step = MIN((size_t)MAX(attempts, 1U), ARRAY_SIZE(waits_s)) - 1;

	return spread(waits_s[step] * MS_PER_S, random);
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

static int64_t asked_ms(int64_t retry_after_s)
{
	return MIN(MAX(retry_after_s, (int64_t)OUTBOX_RETRY_AFTER_MIN_S),
		   (int64_t)OUTBOX_RETRY_AFTER_MAX_S) *
	       MS_PER_S;
}

struct outbox_decision outbox_decide(uint32_t attempts, int http_status, int64_t retry_after_s,
				     uint32_t random)
{
	struct outbox_decision decision = {.verdict = verdict_of(http_status)};

	if (decision.verdict == OUTBOX_DELIVERED || decision.verdict == OUTBOX_GONE)
		return decision; /* what is gone is due as soon as the pause ends */
	if (decision.verdict == OUTBOX_REFUSED)
		attempts = ARRAY_SIZE(waits_s);
	decision.wait_ms = wait_ms(attempts, random);
	if (retry_after_s < 0)
		return decision;
	/* the receiver's word; a refusal stays at long intervals all the same */
	decision.wait_ms = decision.verdict == OUTBOX_REFUSED
				   ? MAX(asked_ms(retry_after_s), decision.wait_ms)
				   : asked_ms(retry_after_s);
	return decision;
}

struct outbox_decision outbox_hasten(struct outbox_decision decision, enum outbox_urgency urgency)
{
	decision.urgency = urgency;
	/* a first report that was refused: somebody must mend something */
	if (urgency == OUTBOX_EMERGENCY ||
	    (urgency == OUTBOX_FIRST && decision.verdict == OUTBOX_RETRY))
		decision.wait_ms = MIN(decision.wait_ms, (int64_t)OUTBOX_URGENT_MAX_MS);
	return decision;
}

/*
 * The generic cell rate algorithm (ITU-T I.371): what is sent moves @paid_until_ms on by its
 * share of the rate, and that may be ahead of now by a burst. A pass is looked for once a second
 * at least, so a burst is never less than two seconds of the rate.
 */
static int64_t share_ms(uint32_t per_min)
{
	return MS_PER_MIN / MAX(per_min, 1U);
}

static int64_t burst_ms(uint32_t per_min)
{
	return MAX((OUTBOX_BURST - 1) * share_ms(per_min), 2 * MS_PER_S);
}

static bool is_paid(const struct outbox_gate *gate, uint32_t per_min, int64_t mono_ms)
{
	return gate->paid_until_ms - mono_ms <= burst_ms(per_min);
}

bool outbox_gate_is_open(const struct outbox_gate *gate, uint32_t per_min, int64_t mono_ms)
{
	return mono_ms >= gate->rest_until_ms && is_paid(gate, per_min, mono_ms);
}

bool outbox_gate_lets_first(const struct outbox_gate *gate, uint32_t per_min, int64_t mono_ms)
{
	return mono_ms >= gate->first_until_ms && is_paid(gate, per_min, mono_ms);
}

void outbox_gate_take(struct outbox_gate *gate, uint32_t per_min, int64_t mono_ms)
{
	gate->paid_until_ms = MAX(gate->paid_until_ms, mono_ms) + share_ms(per_min);
}

void outbox_gate_settle(struct outbox_gate *gate, struct outbox_decision decision,
			int64_t retry_after_s, int64_t mono_ms, uint32_t random)
{
	int64_t rest_ms;
	bool passes = mono_ms >= gate->first_until_ms && mono_ms < gate->rest_until_ms;

	if (decision.verdict != OUTBOX_RETRY) {
		gate->n_failures = 0; /* somebody is there, whatever he says */
		gate->rest_until_ms = gate->first_until_ms = 0;
		return;
	}
	if (mono_ms < gate->rest_until_ms && retry_after_s < 0 &&
	    (!passes || decision.urgency == OUTBOX_EMERGENCY))
		return; /* an emergency's, in the rest: it makes that of the others no longer */
	gate->n_failures++;
	rest_ms = retry_after_s < 0
			  ? MIN(wait_ms(gate->n_failures, random), (int64_t)OUTBOX_REST_MAX_MS)
			  : asked_ms(retry_after_s);
	gate->rest_until_ms = retry_after_s < 0 ? MAX(gate->rest_until_ms, mono_ms + rest_ms)
						: mono_ms + rest_ms;
	if (!passes || decision.urgency != OUTBOX_EMERGENCY)
		gate->first_until_ms = mono_ms + MIN(rest_ms, (int64_t)OUTBOX_URGENT_MAX_MS);
}
