/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "poller/parts.h"

#define S    INT64_C(1000000)
#define NONE UINT32_MAX

/*
 * One request and a unit that refuses it where registers do not exist, or where it is longer
 * than the unit's longest. A round is written down: "0+8! 0+4 4+4!", what was asked, "!" where
 * it was refused and not reported, "r" where that was reported, "R" where it was said, too, "A"
 * where an answer was said, "S" where all begins anew with it.
 */
struct rig {
	struct wire_request request;
	struct parts *parts;
	bool illegal[WIRE_BITS_MAX];
	uint32_t longest;
	char text[65536];
	uint32_t n_asks;
	uint32_t n_parted;
	uint32_t n_reported[WIRE_BITS_MAX]; /* readings with an exception, by register */
	uint32_t n_answered[WIRE_BITS_MAX];
};

static bool has_bit(const uint8_t *map, uint32_t i)
{
	return map[i / 8] >> i % 8 & 1;
}

static void set_bit(uint8_t *map, uint32_t i)
{
	map[i / 8] = (uint8_t)(map[i / 8] | 1U << i % 8);
}

/* @map: a letter per register: "v" a value starts, "-" it goes on, " " nobody uses it */
static void rig_open(struct rig *rig, const char *map, uint8_t function)
{
	*rig = (struct rig){
		.request = {.key = 1, .function = function, .count = (uint16_t)strlen(map)},
		.longest = WIRE_BITS_MAX};
	for (uint32_t i = 0; function > 2 && i < rig->request.count; i++) {
		if (map[i] != ' ')
			set_bit(rig->request.used, i);
		if (map[i] == 'v')
			set_bit(rig->request.starts, i);
	}
	assert_int_equal(parts_new(&rig->parts, &rig->request, 1), 0);
}

static void rig_close(struct rig *rig)
{
	rig->parts = parts_free(rig->parts);
}

static bool refuses(const struct rig *rig, uint32_t first, uint32_t count)
{
	for (uint32_t i = first; i < first + count; i++)
		if (rig->illegal[i])
			return true;
	return count > rig->longest;
}

static const char *ask(struct rig *rig, int64_t now_us, uint16_t first, uint16_t count)
{
	bool bad = refuses(rig, first, count);
	enum split_outcome outcome = bad ? parts_refused(rig->parts, 0, now_us, first, count)
					 : parts_answered(rig->parts, 0, now_us, first, count);

	assert_true(count > 0 && first + count <= rig->request.count);
	rig->n_asks++;
	for (uint32_t i = first; i < (uint32_t)first + count; i++) {
		rig->n_answered[i] += !bad;
		rig->n_reported[i] += bad && outcome != SPLIT_PARTED;
	}
	switch (outcome) {
	case SPLIT_SAME:
		return bad ? "r" : "";
	case SPLIT_PARTED:
		assert_true(bad);
		rig->n_parted++;
		return "!";
	case SPLIT_REFUSED:
		assert_true(bad);
		return "R";
	case SPLIT_ACCEPTED:
		assert_false(bad);
		return "A";
	case SPLIT_RESTARTED:
		assert_false(bad);
		return "S";
	case SPLIT_FORGOTTEN: /* parts_answered() frees it */
		break;
	}
	fail();
	return NULL;
}

static void note(struct rig *rig, int64_t now_us, uint16_t first, uint16_t count)
{
	size_t n = strlen(rig->text);
	const char *came = ask(rig, now_us, first, count);

	(void)snprintf(rig->text + n, sizeof(rig->text) - n, "%s%u+%u%s", n > 0 ? " " : "", first,
		       count, came);
}

static const char *run_round(struct rig *rig, int64_t now_us, bool probe)
{
	uint16_t first, count;
	bool whole = !parts_of(rig->parts, 0);

	rig->text[0] = '\0';
	rig->n_asks = rig->n_parted = 0;
	memset(rig->n_answered, 0, sizeof(rig->n_answered));
	memset(rig->n_reported, 0, sizeof(rig->n_reported));
	if (whole)
		note(rig, now_us, 0, rig->request.count);
	else
		split_start(parts_of(rig->parts, 0), now_us, probe);
	while (parts_of(rig->parts, 0)) {
		assert_true(split_n_parts(parts_of(rig->parts, 0)) <= SPLIT_PARTS_MAX);
		if (!split_next(parts_of(rig->parts, 0), &first, &count))
			break;
		note(rig, now_us, first, count);
	}
	return rig->text;
}

struct row {
	int64_t at_s;
	uint32_t illegal; /* bits: registers that do not exist from now on */
	const char *asked;
	uint32_t n_refused;
};

static void run_rows(struct rig *rig, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (uint32_t r = 0; r < 32; r++)
			rig->illegal[r] = rows[i].illegal >> r & 1;
		if (strcmp(run_round(rig, rows[i].at_s * S, false), rows[i].asked) != 0 ||
		    parts_n_refused(rig->parts) != rows[i].n_refused)
			fail_msg("row %zu: \"%s\", %u refused", i, rig->text,
				 parts_n_refused(rig->parts));
	}
}

#define RUN(map, function, longest_, rows)              \
	do {                                            \
		struct rig rig;                         \
		rig_open(&rig, map, function);          \
		rig.longest = longest_;                 \
		run_rows(&rig, rows, ARRAY_SIZE(rows)); \
		rig_close(&rig);                        \
	} while (0)

static void one_bad_register(void **state)
{
	static const struct row rows[] = {
		{0, 0, "0+8", 0},
		/* values that can be read are read in the same round */
		{1, 1 << 5, "0+8! 0+4 4+4! 4+2! 4+1 5+1r 6+2", 0},
		{2, 1 << 5, "0+5 5+1r 6+2", 0}, /* joined */
		{3, 1 << 5, "0+5 5+1R 6+2", 1},
		{4, 1 << 5, "0+5 6+2", 1}, /* two requests are left */
		{600, 1 << 5, "0+5 6+2", 1},
		{601, 1 << 5, "0+8! 0+5 6+2", 1}, /* the whole is tried */
		{602, 1 << 5, "0+5 6+2", 1},
		{603, 1 << 5, "0+5 5+1r 6+2", 1}, /* and the part: not said again */
		{604, 1 << 5, "0+5 6+2", 1},
		{1800, 1 << 5, "0+5 6+2", 1},
		{1801, 1 << 5, "0+8! 0+5 6+2", 1}, /* twice the pause */
		{1803, 1 << 5, "0+5 5+1r 6+2", 1},
		{4202, 1 << 5, "0+8! 0+5 6+2", 1},
		{4203, 0, "0+5 5+1A 6+2", 0}, /* it answers: then the whole may, too */
		{4204, 0, "0+8", 0},
		{4205, 0, "0+8", 0},
	};

	(void)state;
	RUN("vvvvvvvv", 3, 125, rows);
}

static void the_whole_answers_again(void **state)
{
	static const struct row rows[] = {
		{0, 1 << 1, "0+2! 0+1 1+1r", 0},
		{1, 1 << 1, "0+1 1+1r", 0},
		{2, 1 << 1, "0+1 1+1R", 1},
		{599, 0, "0+1", 1},
		{600, 0, "0+2A", 0},
		{601, 0, "0+2", 0},
	};

	(void)state;
	RUN("vv", 4, 125, rows);
}

/* one refusal, or two, are no reason to leave a register alone */
static void chance(void **state)
{
	static const struct row rows[] = {
		{0, 1, "0+2r", 0},  {1, 1, "0+2r", 0}, {2, 0, "0+2", 0},   {3, 1, "0+2r", 0},
		{4, 1, "0+2r", 0},  {5, 1, "0+2R", 1}, {6, 1, "", 1},	   {14, 1, "", 1},
		{15, 1, "0+2r", 1}, {34, 1, "", 1},    {35, 1, "0+2r", 1}, {74, 1, "", 1},
		{75, 0, "0+2A", 0}, {76, 0, "0+2", 0},
	};

	/* a part, of which the whole knows nothing: it is in a row that counts */
	static const struct row part[] = {
		{0, 4, "0+3! 0+1 2+1r", 0}, {1, 4, "0+1 2+1r", 0}, {2, 0, "0+1 2+1", 0},
		{3, 4, "0+1 2+1r", 0},	    {4, 4, "0+1 2+1r", 0}, {5, 4, "0+1 2+1R", 1},
	};
	/* it was read: refused now, it is not joined with its neighbours before it is read again */
	static const struct row again[] = {
		{0, 18, "0+6! 0+3! 0+1 1+2! 1+1r 2+1 3+3! 3+1 4+2! 4+1r 5+1", 0},
		{1, 18, "0+1 1+1r 2+2 4+1r 5+1", 0},
		{2, 18, "0+1 1+1R 2+2 4+1R 5+1", 2},
		{600, 18, "0+6! 0+1 2+2 5+1", 2},
		{602, 16, "0+1 1+1A 2+2 5+1", 1},
		{603, 18, "0+6! 0+1 1+3! 1+1r 2+2 5+1", 1},
		{604, 18, "0+1 1+1r 2+2 4+1r 5+1", 1},
		{605, 18, "0+1 1+1R 2+2 5+1", 2},
	};

	(void)state;
	RUN("v v", 3, 125, part);
	RUN("vvvvvv", 3, 125, again);
	RUN("v-", 3, 125, rows);
	RUN("  ", 3, 125, rows); /* without maps: not to be parted, all used */
}

static void values_and_holes(void **state)
{
	/* never through a value; what nobody uses is left out, at either end */
	static const struct row values[] = {
		{0, 1 << 3, "0+9! 0+4! 0+2 2+2r 4+5", 0},
		{1, 1 << 3, "0+2 2+2r 4+5", 0},
	};
	static const struct row hole[] = {
		{0, 1 << 3, "0+8! 0+2 6+2", 0}, /* nobody is refused anything: only the gap was */
		{1, 1 << 3, "0+2 6+2", 0},	{600, 1 << 3, "0+8! 0+2 6+2", 0},
		{601, 1 << 3, "0+2 6+2", 0},	{1800, 0, "0+8", 0},
	};
	static const struct row good_hole[] = {
		{0, 1 << 10, "0+11! 0+2 5+6! 5+3 8+3! 8+1 9+2! 9+1 10+1r", 0},
		/* 2-4 have not been answered: not joined over them */
		{1, 1 << 10, "0+2 5+3 8+2 10+1r", 0},
		{2, 1 << 10, "0+2 5+5 10+1R", 1},
		{3, 1 << 10, "0+2 5+5", 1},
	};

	(void)state;
	RUN("v-v-v-v-v", 3, 125, values);
	RUN("vv    vv", 3, 125, hole);
	RUN("vv   vvvvvv", 3, 125, good_hole);
}

/* a unit whose longest answer is shorter than said refuses with the same exceptions */
static void refused_by_length(void **state)
{
	static const struct row rows[] = {
		{0, 0, "0+8! 0+4! 0+2 2+2 4+4! 4+2 6+2", 0},
		{1, 0, "0+2 2+2 4+4! 4+2 6+2", 0}, /* joining is tried once at every place */
		{2, 0, "0+2 2+4! 2+2 4+2 6+2", 0},
		{3, 0, "0+4! 0+2 2+2 4+2 6+2", 0},
		{4, 0, "0+2 2+2 4+2 6+2", 0},
		{599, 0, "0+2 2+2 4+2 6+2", 0},
		{600, 0, "0+8! 0+2 2+2 4+2 6+2", 0},
		{601, 0, "0+2 2+2 4+4! 4+2 6+2", 0},
		{602, 0, "0+2 2+4! 2+2 4+2 6+2", 0},
		{603, 0, "0+4! 0+2 2+2 4+2 6+2", 0},
		{604, 0, "0+2 2+2 4+2 6+2", 0},
	};

	(void)state;
	RUN("vvvvvvvv", 3, 3, rows);
}

static void all_bad(void **state)
{
	static const struct row rows[] = {
		{0, 15, "0+4! 0+2! 0+1r 1+1r 2+2! 2+1r 3+1r", 0},
		{1, 15, "0+1r 1+1r 2+1r 3+1r", 0},
		{2, 15, "0+1R 1+1R 2+1R 3+1R", 4},
		{3, 15, "", 4},
		{11, 15, "", 4},
		/* soon: the unit may not be ready, and the whole and one part are little */
		{12, 15, "0+4! 0+1r", 4},
		{13, 15, "", 4},
		{32, 15, "0+4! 1+1r", 4},
		/* it is, but for the register that never was: all of it at once */
		{72, 8, "0+4! 2+1S 0+2 2+2! 2+1 3+1r", 0},
		{73, 8, "0+3 3+1r", 0},
		{74, 8, "0+3 3+1R", 1},
		{75, 15, "0+3! 0+1r 1+2! 1+1r 2+1r", 1},
		{76, 15, "0+1r 1+1r 2+1r", 1},
		{77, 15, "0+1R 1+1R 2+1R", 4},
		{87, 0, "0+4A", 0},
	};

	(void)state;
	RUN("vvvv", 3, 125, rows);
}

static void bits(void **state)
{
	static const struct row rows[] = {
		{0, 1 << 2, "0+5! 0+2 2+3! 2+1r 3+2", 0},
		{1, 1 << 2, "0+2 2+1r 3+2", 0},
		{2, 1 << 2, "0+2 2+1R 3+2", 1},
		{3, 1 << 2, "0+2 3+2", 1},
	};

	(void)state;
	RUN("     ", 1, 2000, rows);
	RUN("     ", 2, 2000, rows);
}

/* a probe is one request, and there is always one */
static void probes(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, "vvv", 3);
	rig.illegal[0] = true;
	(void)run_round(&rig, 0, false);
	assert_string_equal(run_round(&rig, 1 * S, true), "0+1r");
	(void)run_round(&rig, 2 * S, false);
	assert_int_equal(parts_n_refused(rig.parts), 1);
	assert_string_equal(run_round(&rig, 3 * S, true), "1+2");
	rig.illegal[1] = rig.illegal[2] = true;
	for (int i = 4; i < 8; i++)
		(void)run_round(&rig, i * S, false);
	assert_int_equal(parts_n_refused(rig.parts), 3);
	assert_string_equal(run_round(&rig, 8 * S, true), "0+3!");
	rig_close(&rig);
}

static void dropped(void **state)
{
	struct rig rig;
	struct split *split;
	uint16_t first, count;

	(void)state;
	rig_open(&rig, "vvvvvvvv", 3);
	rig.illegal[3] = true;
	for (int i = 0; i < 5; i++)
		(void)run_round(&rig, i * S, false);
	split = parts_of(rig.parts, 0);
	split_start(split, 10 * S, false);
	assert_true(split_drop(split, &first, &count));
	assert_int_equal(first, 0);
	assert_int_equal(count, 8);
	assert_false(split_drop(split, &first, &count));
	split_start(split, 10 * S, false);
	assert_true(split_next(split, &first, &count));
	assert_true(split_drop(split, &first, &count));
	assert_int_equal(first, 4);
	assert_int_equal(count, 4);
	assert_false(split_pending(split));
	/* a part that does not exist is nobody's */
	assert_int_equal(split_refused(split, 10 * S, 1, 2), SPLIT_SAME);
	assert_int_equal(split_answered(split, 10 * S, 1, 2), SPLIT_SAME);
	rig_close(&rig);
}

/* what is asked in vain (no answer at all) is not tried in the next round again */
static void silent_trials(void **state)
{
	struct rig rig;
	struct split *split;
	uint16_t first, count;
	uint32_t n[2] = {0};

	(void)state;
	rig_open(&rig, "vvv", 3);
	rig.illegal[1] = true;
	for (int i = 0; i < 5; i++)
		(void)run_round(&rig, i * S, false);
	split = parts_of(rig.parts, 0);
	for (int i = 700; i < 1200; i++) {
		split_start(split, i * S, false);
		while (split_next(split, &first, &count)) {
			n[0] += count == 3;
			n[1] += first == 1 && count == 1;
		}
	}
	assert_int_equal(n[0], 1);
	assert_int_equal(n[1], 1);
	rig_close(&rig);
}

static void inherits_the_same_only(void **state)
{
	struct wire_request others[6];
	struct rig rig;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		struct parts *parts = NULL;

		rig_open(&rig, "vvvv", 3);
		rig.illegal[2] = true;
		for (int k = 0; k < 3; k++)
			(void)run_round(&rig, k * S, false);
		for (size_t k = 0; k < ARRAY_SIZE(others); k++)
			others[k] = rig.request;
		others[1].key = 2;
		others[2].address = 1;
		others[3].count = 3;
		set_bit(others[4].used, 5);
		others[5].starts[0] &= 0xf7;
		others[i].unit = 77; /* an index: it does not matter */
		assert_int_equal(parts_new(&parts, &others[i], 1), 0);
		parts_inherit(parts, 0, 1, rig.parts, 0, 1);
		assert_int_equal(parts_n_refused(parts), i == 0);
		assert_true((parts_of(parts, 0) != NULL) == (i == 0));
		rig_close(&rig);
		(void)parts_free(parts);
	}
}

/* --- random requests and units against a model ----------------------------------------- */

static uint64_t dice;

static uint32_t draw(uint32_t n)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return (uint32_t)(dice >> 16) % n;
}

static void draw_map(char *map)
{
	static const uint32_t lengths[] = {1, 1, 2, 2, 4};
	uint32_t n = 1 + draw(125), at = 0, gaps = draw(3);

	while (at < n) {
		uint32_t length = MIN(lengths[draw(5)], n - at);

		for (uint32_t i = 0; i < length; i++)
			map[at++] = i == 0 ? 'v' : '-';
		for (uint32_t gap = gaps && draw(4) == 0 ? draw(6) : 0; gap > 0 && at < n - 1;
		     gap--)
			map[at++] = ' ';
	}
	map[n] = '\0';
	for (uint32_t i = n; map[i - 1] == ' '; i--) /* a request ends with a value */
		map[i - 1] = 'v';
}

/* atoms: what cannot be parted. Returns the end of that at @first, without what nobody uses */
static uint32_t atom_end(const struct rig *rig, uint32_t first)
{
	uint32_t end = first + 1;

	if (rig->request.function <= 2)
		return end;
	while (end < rig->request.count && !has_bit(rig->request.starts, end))
		end++;
	while (!has_bit(rig->request.used, end - 1))
		end--;
	return end;
}

static bool starts(const struct rig *rig, uint32_t i)
{
	return rig->request.function <= 2 || has_bit(rig->request.starts, i);
}

/* every value that could be read alone is read, no other is; what is wrong with @rig or NULL */
static const char *judge_round(const struct rig *rig, bool complete, bool settled)
{
	for (uint32_t i = 0; i < rig->request.count; i++) {
		uint32_t end = atom_end(rig, i);
		bool readable = !refuses(rig, i, end - i);

		if (!starts(rig, i))
			continue;
		for (uint32_t k = i; k < end; k++) {
			if (!readable && rig->n_answered[i] > 0 && rig->n_answered[k] > 0 &&
			    rig->illegal[k])
				return "a value that does not exist is read";
			if (complete && readable && rig->n_answered[k] != 1)
				return "a value is not read, or not once";
			if (complete && readable && rig->n_reported[k] > 0)
				return "a good value is reported as refused";
			if (!readable && rig->n_reported[k] > 1)
				return "a refusal is reported twice in a round";
			if (settled && rig->n_reported[k] > 0)
				return "a refused value is still asked";
		}
	}
	return NULL;
}

static void count_atoms(const struct rig *rig, uint32_t *ret_n, uint32_t *ret_bad,
			uint32_t *ret_gaps)
{
	uint32_t end = 0;

	*ret_n = *ret_bad = *ret_gaps = 0;
	for (uint32_t i = 0; i < rig->request.count; i++) {
		if (!starts(rig, i))
			continue;
		*ret_gaps += i > end;
		end = atom_end(rig, i);
		*ret_bad += refuses(rig, i, end - i);
		(*ret_n)++;
	}
}

static void check(const struct rig *rig, const char *wrong, uint64_t seed, int64_t s)
{
	if (wrong)
		fail_msg("seed %llu, second %lld: %s: %s", (unsigned long long)seed, (long long)s,
			 wrong, rig->text);
}

/* no trial before 600 s, but of a request that is refused altogether */
static void settle(struct rig *rig, uint64_t seed)
{
	uint32_t n, n_bad, n_gaps;

	count_atoms(rig, &n, &n_bad, &n_gaps);
	for (int64_t s = 0; s < 300; s++) {
		bool settled = s > 2 + (int64_t)n;
		uint32_t trial = n_bad == n;

		(void)run_round(rig, s * S, false);
		check(rig, judge_round(rig, true, settled && !trial), seed, s);
		if (rig->n_asks > 2 * n + trial)
			check(rig, "too many requests in one round", seed, s);
		if (!settled || trial)
			continue;
		if (rig->n_parted > 0)
			check(rig, "it does not come to rest", seed, s);
		if (rig->longest >= n && rig->n_asks > n_bad + n_gaps + 2)
			check(rig, "more requests than the gaps make", seed, s);
		if (parts_n_refused(rig->parts) != n_bad)
			check(rig, "not all that is refused stands alone", seed, s);
	}
}

/* whatever the unit does now and later, good values are never lost, and all come back */
static void change_and_heal(struct rig *rig, uint64_t seed)
{
	int64_t s = 300;

	for (int change = 0; change < 4; change++) {
		for (uint32_t i = 0; i < rig->request.count; i++)
			if (draw(20) == 0)
				rig->illegal[i] = !rig->illegal[i];
		for (int i = 0; i < 100; i++, s += 1 + draw(60)) {
			(void)run_round(rig, s * S, draw(50) == 0);
			check(rig, judge_round(rig, false, false), seed, s);
		}
	}
	memset(rig->illegal, 0, sizeof(rig->illegal));
	rig->longest = WIRE_BITS_MAX;
	for (int64_t end = s + 3 * 3600; s < end; s += 30)
		(void)run_round(rig, s * S, false);
	check(rig, judge_round(rig, true, true), seed, s);
	if (rig->n_asks != 1 || parts_of(rig->parts, 0) || parts_n_refused(rig->parts) > 0)
		check(rig, "it is still in parts", seed, s);
}

static void random_registers(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 400; seed++) {
		static struct rig rig;
		char map[160];
		uint32_t density = 0;

		dice = seed * UINT64_C(0x9e3779b97f4a7c15);
		draw_map(map);
		rig_open(&rig, map, 3);
		density = 1 + draw(40);
		for (uint32_t i = 0; i < rig.request.count; i++)
			rig.illegal[i] = draw(density) == 0;
		if (draw(4) == 0)
			rig.longest = 4 + draw(60);
		settle(&rig, seed);
		change_and_heal(&rig, seed);
		rig_close(&rig);
	}
}

/* every set of illegal registers of a small request */
static void every_set(void **state)
{
	static const char *const maps[] = {"vvvvvvvv", "v-vv-v-v", "vv  v-vv", "v v v v "};

	(void)state;
	for (size_t m = 0; m < ARRAY_SIZE(maps); m++)
		for (uint32_t set = 0; set < 256; set++)
			for (uint32_t longest = 4; longest <= 8; longest += 4) {
				static struct rig rig;

				rig_open(&rig, maps[m], 4);
				rig.longest = longest;
				for (uint32_t i = 0; i < 8; i++)
					rig.illegal[i] = set >> i & 1;
				settle(&rig, set);
				rig_close(&rig);
			}
}

static void run_hours(struct rig *rig, int64_t from_s, bool complete, uint64_t seed)
{
	for (int64_t s = from_s; s < from_s + 8 * 3600; s += 10) {
		(void)run_round(rig, s * S, false);
		/* not the first rounds: so many halvings are made in one, and no more */
		check(rig, judge_round(rig, complete && s > 20, false), seed, s);
		assert_true(rig->n_asks <= 3 * SPLIT_PARTS_MAX + 2);
	}
}

/* 2,000 bits, more of them bad than parts can be: bounded, and nothing invented */
static void many_bits(void **state)
{
	(void)state;
	for (uint32_t n_bad = 20; n_bad <= 1280; n_bad *= 4) {
		static struct rig rig;
		static char map[WIRE_BITS_MAX + 1];
		uint32_t n_read = 0, n_illegal = 0;

		dice = n_bad;
		memset(map, ' ', WIRE_BITS_MAX);
		rig_open(&rig, map, 1);
		for (uint32_t i = 0; i < n_bad; i++)
			rig.illegal[draw(WIRE_BITS_MAX)] = true;
		run_hours(&rig, 0, n_bad == 20, n_bad);
		for (uint32_t i = 0; i < WIRE_BITS_MAX; i++)
			n_read += rig.n_answered[i];
		for (uint32_t i = 0; i < WIRE_BITS_MAX; i++)
			n_illegal += rig.illegal[i];
		assert_in_range(parts_n_refused(rig.parts), 1, MIN(n_illegal, SPLIT_PARTS_MAX));
		assert_true(n_bad > 20 || parts_n_refused(rig.parts) == n_illegal);
		assert_true(n_bad > 20 || n_read >= WIRE_BITS_MAX - 20);
		assert_true(n_bad > 80 || n_read >= WIRE_BITS_MAX / 2);
		/* what was refused in large pieces is taken apart when there is room again */
		for (uint32_t i = 0; i < WIRE_BITS_MAX - 100; i++) {
			n_illegal -= rig.illegal[i];
			rig.illegal[i] = false;
		}
		run_hours(&rig, 8 * 3600, false, n_bad);
		run_hours(&rig, 16 * 3600, true, n_bad);
		assert_int_equal(parts_n_refused(rig.parts), n_illegal);
		rig_close(&rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_bad_register),
		cmocka_unit_test(the_whole_answers_again),
		cmocka_unit_test(chance),
		cmocka_unit_test(values_and_holes),
		cmocka_unit_test(refused_by_length),
		cmocka_unit_test(all_bad),
		cmocka_unit_test(bits),
		cmocka_unit_test(probes),
		cmocka_unit_test(dropped),
		cmocka_unit_test(silent_trials),
		cmocka_unit_test(inherits_the_same_only),
		cmocka_unit_test(every_set),
		cmocka_unit_test(random_registers),
		cmocka_unit_test(many_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
