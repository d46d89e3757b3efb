/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "poller/answer.h"
#include "poller/instep.h"

#define S INT64_C(1000000)

enum what { SILENT, ANSWERED, REFUSED };

/* want: "function/count"; asked: what instep_form() must give; then what came of it */
struct row {
	int64_t at_s;
	uint8_t unit;
	uint8_t function;
	uint16_t count;
	uint8_t asked_function;
	uint16_t asked_count;
	enum what what;
};

static void run(const struct row *rows, size_t n)
{
	CLEANUP(instep_free) struct instep *instep = NULL;

	assert_int_equal(instep_new(&instep), 0);
	for (size_t i = 0; i < n; i++) {
		const struct row *row = &rows[i];
		struct wire_request asked;
		bool other = instep_form(instep, row->unit,
					 &(struct wire_request){.function = row->function,
								.address = 7,
								.count = row->count},
					 row->at_s * S, &asked);

		if (asked.function != row->asked_function || asked.count != row->asked_count ||
		    asked.address != 7 ||
		    other != (row->function != row->asked_function ||
			      row->count != row->asked_count))
			fail_msg("row %zu: asks %d, function %u, count %u", i, other,
				 asked.function, asked.count);
		if (row->what == SILENT)
			instep_silent(instep, row->unit, &asked, row->at_s * S);
		else if (row->what == ANSWERED)
			instep_answered(instep, row->unit);
		else
			(void)instep_refused(instep, row->unit, &asked);
	}
}

#define RUN(rows) run(rows, ARRAY_SIZE(rows))

static void asks_as_it_is_while_in_step(void **state)
{
	static const struct row rows[] = {
		{0, 1, 3, 2, 3, 2, ANSWERED}, {0, 1, 3, 2, 3, 2, REFUSED},
		{0, 1, 3, 2, 3, 2, ANSWERED}, {0, 1, 4, 125, 4, 125, ANSWERED},
		{0, 2, 3, 2, 3, 2, SILENT},   {0, 1, 3, 2, 3, 2, ANSWERED}, /* unit 2's matter */
	};

	(void)state;
	RUN(rows);
}

static void gets_in_step_by_another_form(void **state)
{
	static const struct row rows[] = {
		{0, 1, 3, 2, 3, 2, SILENT},
		{1, 1, 3, 2, 3, 1, ANSWERED}, /* shorter, thrown away */
		{1, 1, 3, 2, 3, 2, ANSWERED},
		/* another form by itself does the same */
		{2, 1, 3, 2, 3, 2, SILENT},
		{3, 1, 3, 9, 3, 9, ANSWERED},
		{3, 1, 3, 2, 3, 2, ANSWERED},
		/* one register: the other table of registers */
		{4, 1, 3, 1, 3, 1, SILENT},
		{5, 1, 3, 1, 4, 1, ANSWERED},
		{5, 1, 3, 1, 3, 1, SILENT},
		{6, 1, 4, 1, 4, 1, ANSWERED},
		/* bits: as many bytes are the same form */
		{7, 1, 1, 16, 1, 16, SILENT},
		{8, 1, 1, 13, 1, 8, ANSWERED},
		{8, 1, 1, 8, 1, 8, SILENT},
		{9, 1, 1, 3, 2, 1, ANSWERED},
	};

	(void)state;
	RUN(rows);
}

/* always one behind: an answer of the form may be that to the one before */
static void what_was_repeated_stays_owed(void **state)
{
	static const struct row rows[] = {
		{0, 1, 3, 2, 3, 2, SILENT},   {1, 1, 3, 2, 3, 1, SILENT},
		{2, 1, 3, 2, 3, 1, ANSWERED}, /* the answer to row 1 or to row 2 */
		{2, 1, 3, 1, 4, 1, ANSWERED}, /* so one register is owed, */
		{2, 1, 3, 1, 3, 1, SILENT},   /* was */
		{3, 1, 3, 2, 3, 2, SILENT},   /* two forms are owed now */
		{4, 1, 4, 9, 4, 8, SILENT},   /* nothing is asked as it is */
		{5, 1, 3, 9, 4, 8, ANSWERED}, /* one thing is repeated until it is answered */
		{5, 1, 3, 9, 3, 9, ANSWERED}, {6, 1, 4, 8, 4, 8, ANSWERED},
	};

	(void)state;
	RUN(rows);
}

static void a_refusal_may_be_late_too(void **state)
{
	static const struct row rows[] = {
		{0, 1, 3, 2, 3, 2, SILENT},
		{1, 1, 3, 2, 3, 1, REFUSED}, /* of row 0, or it refuses to read parts */
		{1, 1, 3, 2, 4, 1, REFUSED}, /* the function is new: of this */
		{1, 1, 3, 2, 3, 2, ANSWERED},
		{2, 1, 3, 2, 3, 2, SILENT},
		{3, 1, 3, 9, 3, 9, REFUSED}, /* of row 4 or of this: both may still come */
		{3, 1, 4, 9, 4, 1, ANSWERED},
		{3, 1, 3, 9, 3, 9, ANSWERED},
		{4, 1, 3, 2, 3, 2, SILENT},
		{5, 1, 4, 2, 4, 2, REFUSED}, /* of this */
		{5, 1, 3, 2, 3, 2, ANSWERED},
		/* every function but one is in it */
		{6, 1, 3, 2, 3, 2, SILENT},
		{7, 1, 1, 9, 1, 9, SILENT},
		{8, 1, 1, 9, 1, 8, REFUSED},
		{8, 1, 1, 9, 2, 1, SILENT},
		{9, 1, 3, 2, 2, 1, REFUSED}, /* of row 14 or this: bits of one byte are owed */
		{9, 1, 2, 8, 1, 1, SILENT},
	};

	(void)state;
	RUN(rows);
}

static void debts_are_forgotten(void **state)
{
	static const struct row rows[] = {
		{0, 1, 3, 2, 3, 2, SILENT},
		{29, 1, 3, 2, 3, 1, SILENT}, /* counted from the last one */
		{58, 1, 3, 2, 3, 1, SILENT},
		{88, 1, 3, 2, 3, 2, SILENT},
		{118, 1, 3, 2, 3, 2, ANSWERED},
	};

	(void)state;
	RUN(rows);
}

/* a linear congruence (Numerical Recipes), its better bits */
static unsigned int draw(unsigned int *seed)
{
	*seed = *seed * 1664525U + 1013904223U;
	return *seed >> 16;
}

/* whatever happens, nothing is ever asked in a form of which an answer may be under way */
static void never_asks_for_what_is_owed(void **state)
{
	CLEANUP(instep_free) struct instep *instep = NULL;
	/* a unit that answers in order, each time as many of what it was asked as chance will */
	struct wire_request queue[64];
	unsigned int n_queue = 0, n_right = 0, seed = 1;

	(void)state;
	assert_int_equal(instep_new(&instep), 0);
	for (uint16_t id = 0; id < 20000; id++) {
		struct wire_request wanted = {.key = id}, asked;
		unsigned int n_answers = id % 20 < 10 ? 64 : draw(&seed) % 3;
		bool answered = false, other;

		wanted.function = (uint8_t)(3 + draw(&seed) % 2);
		wanted.count = (uint16_t)(1 + draw(&seed) % 3);
		other = instep_form(instep, 9, &wanted, 0, &asked);
		asked.pad[0] = draw(&seed) % 5 == 0; /* refuses it */
		queue[n_queue++] = asked;
		while (!answered && n_queue > 0 && (n_answers-- > 0 || n_queue == 64)) {
			struct wire_request from = queue[0];

			memmove(queue, queue + 1, --n_queue * sizeof(*queue));
			bool refused = from.pad[0];

			/* others are foreign and skipped; a refusal tells only the function */
			if (from.function != asked.function ||
			    (!refused && from.count != asked.count))
				continue;
			answered = true;
			if (refused) {
				if (!instep_refused(instep, 9, &asked) && !other)
					assert_int_equal(from.key, id);
				continue;
			}
			if (!other) {
				assert_int_equal(from.key, id); /* else: another register */
				n_right++;
			}
			instep_answered(instep, 9);
		}
		if (!answered)
			instep_silent(instep, 9, &asked, 0);
	}
	assert_true(n_right > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_as_it_is_while_in_step),
		cmocka_unit_test(gets_in_step_by_another_form),
		cmocka_unit_test(what_was_repeated_stays_owed),
		cmocka_unit_test(a_refusal_may_be_late_too),
		cmocka_unit_test(debts_are_forgotten),
		cmocka_unit_test(never_asks_for_what_is_owed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
