/* SPDX-License-Identifier: Apache-2.0 */
/*
 * anchor.h - what the receivers hold of this record, and whether that agrees with it
 *
 * A receiver may say in its answer which entry is the highest that it holds
 * (conf/schema/answer.schema.json). So each side notices what the other has lost:
 *
 *   answer says                                         finding
 *     an entry that this record has, with its hash      agreed
 *     the same, but lower than it has said before       behind: it lost reports; they go again
 *     a number that this record has not reached         ahead: this record was set back
 *     a number that it has, with another hash           conflict: so too, or rewritten
 *
 * The bytes come from the network by way of the sender and are trusted in nothing: what is not
 * exactly of the form is no information, nothing is allocated for it, and the worst that a lie
 * can do is bounded: reports are sent again once an hour, a new chain begins once a day, or once
 * an hour where the receiver has held the present one's entries. A claim with the signature of our
 * own key on it is no lie (anchoring.c), and not bounded.
 * Pure: no clock, no I/O.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ANCHOR_ID_MAX	17			  /* of a chain, with its NUL */
#define ANCHOR_SEQ_MAX	INT64_C(9007199254740991) /* 2^53 - 1: exact in every JSON reader */
#define ANCHOR_ROUND_MS (60 * 60 * 1000) /* least time between two rounds of sending again */
#define ANCHOR_RENEWAL_MS                                                                    \
	(24 * 60 * 60 * 1000)		    /* and between two new chains, on its word alone \
					     */
#define ANCHOR_AGREED_MS   (60 * 60 * 1000) /* the same where it has confirmed the present one */
#define ANCHOR_TIME_MAX	   32
#define ANCHOR_SIGN_MAX	   89
#define ANCHOR_CLOCK_GRAIN 1000 /* Date has whole seconds */

/**
 * struct anchor_answer - what an answer says
 * @id: of the chain, "" it does not say
 * @seq, @hash: of the highest entry held; 0 and zeros: none is
 * @held_seq: the highest before the report that was answered, -1 it does not say
 * @time, @signature: of the note of that entry (head.h), as the report had them; "" it does not say
 */
struct anchor_answer {
	char id[ANCHOR_ID_MAX];
	int64_t seq;
	int64_t held_seq;
	uint8_t hash[32];
	char time[ANCHOR_TIME_MAX];
	char signature[ANCHOR_SIGN_MAX];
};

/**
 * anchor_parse() - read an answer's body
 *
 * One flat JSON object of texts, integers and booleans. Keys other than those of the schema are
 * passed over; a known one twice, or of another form, makes the whole no information.
 * Return: 0; -EINVAL no information.
 */
int anchor_parse(const void *bytes, size_t n, struct anchor_answer *ret);

enum anchor_finding {
	ANCHOR_NOTHING, /* the answer is about another chain, or an entry that is not known here */
	ANCHOR_AGREED,
	ANCHOR_BEHIND,
	ANCHOR_AHEAD,
	ANCHOR_CONFLICT,
	ANCHOR_FINDING_MAX = ANCHOR_CONFLICT,
};

/** anchor_text() - "unknown", "agreed", "behind", "ahead", "conflict" */
const char *anchor_text(enum anchor_finding finding);

/**
 * struct anchor - what is known of one destination; saved
 * @id: of the chain that @seq and @hash are of, "" none yet
 * @seq, @hash: the highest entry that its receiver has confirmed; 0 none
 * @at_ms: when, UTC
 * @said: enum anchor_finding, what the last entry said
 * @unseen: it was ahead or in conflict, and nobody has taken notice of that
 * @wanted_seq: behind: what it had confirmed before
 * @again_from, @again_to: reports of entries above the one, up to the other, are still to be made
 *   due again; equal: none
 * @round_ms: record's monotonic clock: when the last round of these began; 0 never
 * @renewed_ms: the same clock: when a new chain was begun for its sake; 0 never
 * @clock_ms: how far its clock is ahead of ours; counts once @clock_known
 * @clock_said: that its clock differs was said, and not taken back
 */
struct anchor {
	char id[ANCHOR_ID_MAX];
	int64_t seq;
	uint8_t hash[32];
	int64_t at_ms;
	enum anchor_finding said;
	bool unseen;
	int64_t wanted_seq;
	int64_t again_from;
	int64_t again_to;
	int64_t round_ms;
	int64_t renewed_ms;
	int64_t clock_ms;
	bool clock_known;
	bool clock_said;
};

/**
 * struct anchor_case - an answer, and what it is held against
 * @id, @seq: of this record's chain
 * @hash: of its entry @answer->seq; NULL it has none
 * @report: webhook-id of the report that was answered
 * @accepted: with 2xx
 */
struct anchor_case {
	const struct anchor_answer *answer;
	const char *id;
	int64_t seq;
	const uint8_t *hash;
	const char *report;
	bool accepted;
};

/** anchor_report_seq() - number of the entry that a report is of; 0: it is of no entry of @id */
int64_t anchor_report_seq(const char *webhook_id, const char *id);

/** anchor_judge() - see above */
enum anchor_finding anchor_judge(const struct anchor *known, const struct anchor_case *what);

/**
 * anchor_take() - what follows for what is known
 * @finding: of anchor_judge()
 * Return: it is to be said: an entry's worth.
 */
bool anchor_take(struct anchor *anchor, enum anchor_finding finding, const struct anchor_case *what,
		 int64_t now_ms);

/**
 * anchor_may_renew() - a new chain may begin on a receiver's word alone
 * @id: of the present one
 * @renewed_ms, @mono_ms: the record's clock: when one last began for anybody's sake, 0 never; now
 */
bool anchor_may_renew(const struct anchor *anchor, const char *id, int64_t renewed_ms,
		      int64_t mono_ms);

/** anchor_may_round() - reports may be made due again now; @mono_ms: the record's clock */
bool anchor_may_round(const struct anchor *anchor, int64_t mono_ms);

/**
 * anchor_offset_ms() - how far a receiver's clock is ahead of ours, behind: negative
 * @date_s: of its Date header
 * @begin_ms, @end_ms: UTC, of the attempt: it was said in between
 */
int64_t anchor_offset_ms(int64_t date_s, int64_t begin_ms, int64_t end_ms);

/** anchor_is_off() - by so much a receiver that bears @tolerance_ms soon takes nothing, or does
 * not already */
bool anchor_is_off(int64_t offset_ms, int64_t tolerance_ms);

/**
 * anchor_take_clock() - keep that, and judge it
 * @tolerance_ms: how much the receiver bears; said from two fifths of it on, taken back at one
 *   fifth
 * Return: it is to be said; @anchor->clock_said says what.
 */
bool anchor_take_clock(struct anchor *anchor, int64_t offset_ms, int64_t tolerance_ms);
