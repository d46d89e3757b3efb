/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbox.h - when is a report tried again, and what does an answer mean?
 *
 * Pure: no clock, no I/O, no random number of its own. A report is never dropped: an answer
 * either ends it (2xx) or makes it due again.
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
};

/**
 * struct outbox_decision
 * @wait_ms: until the next attempt; 0 if delivered
 */
struct outbox_decision {
	enum outbox_verdict verdict;
	int64_t wait_ms;
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

/**
 * outbox_decide_upload() - the same for a data file
 * @uploaded: the server has it
 * @curl_code: what the attempt ended with (libcurl-errors(3)); those that somebody must mend,
 *   such as a login that is refused or a key of another server, count as refused; those that
 *   mend themselves as often as not, such as a rename that failed, from the third time on
 */
struct outbox_decision outbox_decide_upload(uint32_t attempts, bool uploaded, int32_t curl_code,
					    uint32_t random);
