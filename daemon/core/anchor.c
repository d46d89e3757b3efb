/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/macro.h"
#include "core/anchor.h"

/** struct scan - what is left of the text */
struct scan {
	const char *at;
	const char *end;
};

/** struct word - a text of the answer as it stands there; @plain: without escapes */
struct word {
	const char *bytes;
	size_t n;
	bool plain;
};

static bool take(struct scan *scan, char c)
{
	if (scan->at == scan->end || *scan->at != c)
		return false;
	scan->at++;
	return true;
}

/* RFC 8259 §2 */
static void skip_blanks(struct scan *scan)
{
	while (take(scan, ' ') || take(scan, '\t') || take(scan, '\n') || take(scan, '\r'))
		;
}

static bool take_mark(struct scan *scan, char c)
{
	bool taken;

	skip_blanks(scan);
	taken = take(scan, c);
	skip_blanks(scan);
	return taken;
}

static bool take_text(struct scan *scan, struct word *ret)
{
	if (!take(scan, '"'))
		return false;
	*ret = (struct word){.bytes = scan->at, .plain = true};
	for (; scan->at < scan->end && *scan->at != '"'; scan->at++) {
		if ((unsigned char)*scan->at < 0x20)
			return false;
		if (*scan->at != '\\')
			continue;
		ret->plain = false;
		if (++scan->at == scan->end)
			return false;
	}
	ret->n = (size_t)(scan->at - ret->bytes);
	return take(scan, '"');
}

static bool is_digit(const struct scan *scan)
{
	return scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9';
}

/* a whole number that is not negative; what has more to it ends the reading at its next mark */
static bool take_number(struct scan *scan, int64_t *ret)
{
	const char *first = scan->at;

	for (*ret = 0; is_digit(scan); scan->at++) {
		*ret = *ret * 10 + (*scan->at - '0');
		if (*ret > ANCHOR_SEQ_MAX)
			return false;
	}
	return scan->at > first && (*first != '0' || scan->at == first + 1);
}

static bool take_word(struct scan *scan, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(scan->end - scan->at) < n || memcmp(scan->at, word, n) != 0)
		return false;
	scan->at += n;
	return true;
}

static int digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = memchr(digits, c, sizeof(digits) - 1);

	return found ? (int)(found - digits) : -1;
}

static bool is_hex(const struct word *word, size_t n)
{
	if (!word->plain || word->n != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (digit(word->bytes[i]) < 0)
			return false;
	return true;
}

enum key { LOG_ID, LAST_SEQ, LAST_HASH, HELD_SEQ, LAST_TIME, LAST_SIGNATURE, N_KEYS };

static bool take_id(struct scan *scan, struct anchor_answer *answer)
{
	struct word word;

	if (!take_text(scan, &word) || !is_hex(&word, sizeof(answer->id) - 1))
		return false;
	memcpy(answer->id, word.bytes, word.n);
	return true;
}

static bool take_seq(struct scan *scan, struct anchor_answer *answer)
{
	return take_number(scan, &answer->seq);
}

static bool take_hash(struct scan *scan, struct anchor_answer *answer)
{
	struct word word;

	if (!take_text(scan, &word) || !is_hex(&word, 2 * sizeof(answer->hash)))
		return false;
	for (size_t i = 0; i < sizeof(answer->hash); i++)
		answer->hash[i] = (uint8_t)((unsigned)digit(word.bytes[2 * i]) << 4 |
					    (unsigned)digit(word.bytes[2 * i + 1]));
	return true;
}

static bool take_held(struct scan *scan, struct anchor_answer *answer)
{
	return take_number(scan, &answer->held_seq);
}

/* what is no text of that length is none that was signed */
static bool take_plain(struct scan *scan, char *ret, size_t max)
{
	struct word word;

	if (!take_text(scan, &word))
		return false;
	if (word.plain && word.n < max && !memchr(word.bytes, '\0', word.n)) {
		memcpy(ret, word.bytes, word.n);
		ret[word.n] = '\0';
	}
	return true;
}

static bool take_time(struct scan *scan, struct anchor_answer *answer)
{
	return take_plain(scan, answer->time, sizeof(answer->time));
}

static bool take_signature(struct scan *scan, struct anchor_answer *answer)
{
	return take_plain(scan, answer->signature, sizeof(answer->signature));
}

static bool take_other(struct scan *scan, struct anchor_answer *answer)
{
	struct word word;
	int64_t number;

	(void)answer;
	return take_text(scan, &word) || take_number(scan, &number) || take_word(scan, "true") ||
	       take_word(scan, "false");
}

static const struct {
	const char *name;
	bool (*take)(struct scan *scan, struct anchor_answer *answer);
} members[] = {
	[LOG_ID] = {"log_id", take_id},
	[LAST_SEQ] = {"last_seq", take_seq},
	[LAST_HASH] = {"last_hash", take_hash},
	[HELD_SEQ] = {"held_seq", take_held},
	[LAST_TIME] = {"last_time", take_time},
	[LAST_SIGNATURE] = {"last_signature", take_signature},
	[N_KEYS] = {"", take_other},
};

static enum key key_of(const struct word *word)
{
	for (int i = 0; i < N_KEYS; i++)
		if (word->n == strlen(members[i].name) &&
		    memcmp(word->bytes, members[i].name, word->n) == 0)
			return (enum key)i;
	return N_KEYS;
}

/* one member; @known: bits of the keys that were there */
static bool take_member(struct scan *scan, struct anchor_answer *answer, unsigned int *known)
{
	struct word name;
	enum key key;

	if (!take_text(scan, &name) || !take_mark(scan, ':'))
		return false;
	key = key_of(&name);
	if (key != N_KEYS && *known & 1U << key)
		return false;
	*known |= 1U << key;
	return members[key].take(scan, answer);
}

int anchor_parse(const void *bytes, size_t n, struct anchor_answer *ret)
{
	struct scan scan = {bytes, (const char *)bytes + n};
	struct anchor_answer answer = {.held_seq = -1};
	unsigned int known = 0;

	if (!take_mark(&scan, '{'))
		return -EINVAL;
	do {
		if (!take_member(&scan, &answer, &known))
			return -EINVAL;
	} while (take_mark(&scan, ','));
	if (!take_mark(&scan, '}') || scan.at != scan.end || !(known & 1U << LAST_SEQ) ||
	    (answer.seq > 0) != !!(known & 1U << LAST_HASH) || answer.held_seq > answer.seq)
		return -EINVAL;
	*ret = answer;
	return 0;
}

const char *anchor_text(enum anchor_finding finding)
{
	static const char *const texts[] = {
		[ANCHOR_NOTHING] = "unknown",	[ANCHOR_AGREED] = "agreed",
		[ANCHOR_BEHIND] = "behind",	[ANCHOR_AHEAD] = "ahead",
		[ANCHOR_CONFLICT] = "conflict",
	};

	return texts[finding];
}

int64_t anchor_report_seq(const char *webhook_id, const char *id)
{
	size_t n = strlen(id);
	struct scan scan;
	int64_t seq;

	if (strncmp(webhook_id, id, n) != 0)
		return 0;
	scan = (struct scan){webhook_id + n, webhook_id + strlen(webhook_id)};
	return take(&scan, '-') && take_number(&scan, &seq) && take(&scan, '-') ? seq : 0;
}

/* what it had said that it holds, where that is of the same chain */
static int64_t confirmed(const struct anchor *known, const char *id)
{
	return strcmp(known->id, id) == 0 ? known->seq : 0;
}

enum anchor_finding anchor_judge(const struct anchor *known, const struct anchor_case *what)
{
	const struct anchor_answer *answer = what->answer;
	int64_t report_seq = anchor_report_seq(what->report, what->id);

	if (*answer->id ? strcmp(answer->id, what->id) != 0 : report_seq == 0)
		return ANCHOR_NOTHING;
	if (answer->seq > what->seq)
		return ANCHOR_AHEAD;
	if (answer->seq > 0 && !what->hash)
		return ANCHOR_NOTHING;
	if (answer->seq > 0 && memcmp(answer->hash, what->hash, sizeof(answer->hash)) != 0)
		return ANCHOR_CONFLICT;
	if (answer->seq < confirmed(known, what->id) ||
	    (answer->held_seq >= 0 && answer->held_seq < confirmed(known, what->id)) ||
	    (what->accepted && answer->seq < report_seq))
		return ANCHOR_BEHIND;
	return ANCHOR_AGREED;
}

/* from what it holds up to what it should; two losses are one wider one */
static void take_behind(struct anchor *anchor, const struct anchor_case *what)
{
	const struct anchor_answer *answer = what->answer;
	int64_t from = answer->held_seq >= 0 ? answer->held_seq : answer->seq;
	int64_t to = confirmed(anchor, what->id),
		report_seq = anchor_report_seq(what->report, what->id);
	bool waits = anchor->again_from < anchor->again_to;

	if (what->accepted && answer->seq < report_seq)
		to = MAX(to, report_seq); /* not even what it has just accepted */
	anchor->again_from = waits ? MIN(anchor->again_from, from) : from;
	anchor->again_to = waits ? MAX(anchor->again_to, to) : to;
	anchor->wanted_seq = anchor->again_to;
}

bool anchor_take(struct anchor *anchor, enum anchor_finding finding, const struct anchor_case *what,
		 int64_t now_ms)
{
	const struct anchor_answer *answer = what->answer;
	enum anchor_finding before = anchor->said;

	if (finding == ANCHOR_NOTHING)
		return false;
	if (finding == ANCHOR_BEHIND)
		take_behind(anchor, what);
	if (finding == ANCHOR_AGREED && before == ANCHOR_BEHIND &&
	    (answer->seq < anchor->wanted_seq || anchor->again_from < anchor->again_to))
		finding = ANCHOR_BEHIND; /* not all of it is there again */
	anchor->said = finding;
	anchor->unseen |= finding == ANCHOR_AHEAD || finding == ANCHOR_CONFLICT;
	if (finding == ANCHOR_AGREED || finding == ANCHOR_BEHIND) {
		memcpy(anchor->id, what->id, strlen(what->id) + 1);
		memcpy(anchor->hash, answer->hash, sizeof(anchor->hash));
		anchor->seq = answer->seq;
		anchor->at_ms = now_ms;
	}
	return finding != before && !(finding == ANCHOR_AGREED && before == ANCHOR_NOTHING);
}

bool anchor_may_renew(const struct anchor *anchor, const char *id, int64_t renewed_ms,
		      int64_t mono_ms)
{
	int64_t least_ms = confirmed(anchor, id) > 0 ? ANCHOR_AGREED_MS : ANCHOR_RENEWAL_MS;

	return renewed_ms == 0 || mono_ms - renewed_ms >= least_ms;
}

bool anchor_may_round(const struct anchor *anchor, int64_t mono_ms)
{
	return anchor->round_ms == 0 || mono_ms - anchor->round_ms >= ANCHOR_ROUND_MS;
}

int64_t anchor_offset_ms(int64_t date_s, int64_t begin_ms, int64_t end_ms)
{
	int64_t earliest_ms = date_s * 1000, latest_ms = earliest_ms + ANCHOR_CLOCK_GRAIN;

	if (latest_ms < begin_ms)
		return latest_ms - begin_ms;
	return earliest_ms > end_ms ? earliest_ms - end_ms : 0;
}

bool anchor_is_off(int64_t offset_ms, int64_t tolerance_ms)
{
	return llabs(offset_ms) >= tolerance_ms * 2 / 5;
}

bool anchor_take_clock(struct anchor *anchor, int64_t offset_ms, int64_t tolerance_ms)
{
	bool differs = anchor->clock_said ? llabs(offset_ms) >= tolerance_ms / 5
					  : anchor_is_off(offset_ms, tolerance_ms);
	bool changed = differs != anchor->clock_said;

	anchor->clock_ms = offset_ms;
	anchor->clock_known = true;
	anchor->clock_said = differs;
	return changed;
}
