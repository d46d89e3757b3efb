/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbox.h - when is a report tried again, and what does an answer mean?
 *
 * Pure: no clock, no I/O, no random number of its own. A report is never dropped: an answer
 * either ends it (2xx) or makes it due again. What a report goes through in the record, and
 * whose turn it is, is in record_outbox.c:
 *
 *                   2xx
 *     PENDING ────────────────▶ SENT
 *      │ ▲ │ 4xx           2xx    ▲
 *      │ │ └──────▶ HELD ─────────┤        HELD: by the receiver; tried again every 2 h, and
 *      │ │           │            │        1 to 15 min after a refusal if it takes others
 *      │ │ release   │ hold       │
 *      │ └────── STOPPED ─────────┤        STOPPED: by a person; stands aside
 *      │             │ abandon    │ 2xx of an attempt that was under way
 *      │ abandon     ▼            │
 *      ├────────▶ ABANDONED ──────┘        for ever, with a reason
 *      │ a newer update of its incident, before the first attempt
 *      └────────▶ SUPERSEDED
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define OUTBOX_CONNECT_MS	 10000
#define OUTBOX_TOTAL_MS		 30000
#define OUTBOX_RETRY_AFTER_MIN_S 1
#define OUTBOX_RETRY_AFTER_MAX_S 21600 /* 6 h */

enum outbox_verdict {
	OUTBOX_DELIVERED, /* 2xx; a file: the server has it */
	OUTBOX_RETRY,	  /* nobody there, overloaded, redirected: it may pass by itself */
	OUTBOX_REFUSED,	  /* 4xx and the like: somebody must mend something; tried again at long
			     intervals */
	OUTBOX_GONE,	  /* 410: the receiver wants nothing more there: nothing goes to the
			     destination until a person or another URL says so */
};

#define OUTBOX_REST_MAX_MS 300000 /* 5 min: a receiver that is back is found so soon */
#define OUTBOX_BURST	   10	  /* so many go at once after a pause */

/* 15 min: no answer keeps an emergency longer, no Retry-After the first report of an incident; the
 * law wants these at once, and a Retry-After of hours is meant for what can wait */
#define OUTBOX_URGENT_MAX_MS 900000

enum outbox_urgency {
	OUTBOX_ORDINARY,
	OUTBOX_FIRST, /* first report of an incident */
	OUTBOX_EMERGENCY,
};

/**
 * struct outbox_decision
 * @wait_ms: until the next attempt; 0 if delivered
 * @urgency: of the report
 */
struct outbox_decision {
	enum outbox_verdict verdict;
	int64_t wait_ms;
	enum outbox_urgency urgency;
};

/**
 * outbox_decide() - what follows from an attempt
 * @attempts: attempts so far, this one counted, from 1
 * @http_status: 0 none
 * @retry_after_s: of the answer, -1 none; honoured between 1 s and 6 h
 * @random: any 32 random bits: the wait is spread by ±10 %
 */
struct outbox_decision outbox_decide(uint32_t attempts, int http_status, int64_t retry_after_s,
				     uint32_t random);

/** outbox_hasten() - the same for what is urgent: see OUTBOX_URGENT_MAX_MS */
struct outbox_decision outbox_hasten(struct outbox_decision decision, enum outbox_urgency urgency);

/**
 * outbox_decide_upload() - the same for a data file
 * @uploaded: the server has it
 * @curl_code: what the attempt ended with (libcurl-errors(3)); those that somebody must mend,
 *   such as a login that is refused or a key of another server, count as refused; those that
 *   mend themselves as often as not, such as a rename that failed, from the third time on
 */
struct outbox_decision outbox_decide_upload(uint32_t attempts, bool uploaded, int32_t curl_code,
					    uint32_t random);

/**
 * struct outbox_gate - when a destination may be asked at all, beside the reports' own times
 *
 * A receiver that takes nothing is asked for one report after longer and longer rests, not for
 * each report that waits; and what has piled up goes at a set rate. Emergencies pass it: they
 * go at their own times. First reports pass a rest that the receiver has asked for after a quarter
 * of an hour. All zeros: open.
 *
 * @rest_until_ms: monotonic
 * @first_until_ms: the same for first reports; never later
 * @paid_until_ms: monotonic; how far what was sent has used the rate up
 * @n_failures: attempts in a row that nobody took
 */
struct outbox_gate {
	int64_t rest_until_ms;
	int64_t first_until_ms;
	int64_t paid_until_ms;
	uint32_t n_failures;
};

/** outbox_gate_is_open() - may what is no emergency go now? @per_min: at the rate, from 1 */
bool outbox_gate_is_open(const struct outbox_gate *gate, uint32_t per_min, int64_t mono_ms);

/** outbox_gate_lets_first() - may the first report of an incident? */
bool outbox_gate_lets_first(const struct outbox_gate *gate, uint32_t per_min, int64_t mono_ms);

/** outbox_gate_take() - something that is no emergency goes now */
void outbox_gate_take(struct outbox_gate *gate, uint32_t per_min, int64_t mono_ms);

/**
 * outbox_gate_settle() - what came of an attempt, an emergency's too
 *
 * One that failed within the rest does not make the rest longer, or a few emergencies would keep
 * all else back for minutes after the receiver has come back. Nor does an emergency keep first
 * reports back in a rest that they may pass.
 * @retry_after_s: of the answer, -1 none: the receiver's word counts for all that waits
 * @random: as above
 */
void outbox_gate_settle(struct outbox_gate *gate, struct outbox_decision decision,
			int64_t retry_after_s, int64_t mono_ms, uint32_t random);
