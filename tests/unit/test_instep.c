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

enum what { SILENT, ANSWERED, REFUSED };

/*
 * want: function and count; asked: what instep_form() must give; then what came of it, and with
 * which content (0: never looked at) or exception
 */
struct row {
	uint16_t address;
	uint8_t unit;
	uint8_t function;
	uint16_t count;
	uint8_t asked_function;
	uint16_t asked_count;
	enum what what;
	uint8_t mark;
};

static void run_on(struct instep *instep, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct row *row = &rows[i];
		struct wire_request asked;
		bool other = instep_form(instep, row->unit,
					 &(struct wire_request){.function = row->function,
								.address = row->address,
								.count = row->count},
					 &asked);

		if (asked.function != row->asked_function || asked.count != row->asked_count ||
		    asked.address != row->address ||
		    other != (row->function != row->asked_function ||
			      row->count != row->asked_count))
			fail_msg("row %zu: asks %d, function %u, count %u", i, other,
				 asked.function, asked.count);
		if (row->what == SILENT)
			instep_silent(instep, row->unit, &asked);
		else if (row->what == ANSWERED)
			(void)instep_answered(instep, row->unit, &asked, row->mark);
		else
			(void)instep_refused(instep, row->unit, &asked, row->mark);
	}
}

static void run(const struct row *rows, size_t n)
{
	CLEANUP(instep_free) struct instep *instep = NULL;

	assert_int_equal(instep_new(&instep), 0);
	run_on(instep, rows, n);
}

#define RUN(rows) run(rows, ARRAY_SIZE(rows))

static void asks_as_it_is_while_in_step(void **state)
{
	static const struct row rows[] = {
		{7, 1, 3, 2, 3, 2, ANSWERED, 0},
		{7, 1, 3, 2, 3, 2, REFUSED, 0},
		{7, 1, 3, 2, 3, 2, ANSWERED, 0},
		{7, 1, 4, 125, 4, 125, ANSWERED, 0},
		{7, 2, 3, 2, 3, 2, SILENT, 0},
		{7, 1, 3, 2, 3, 2, ANSWERED, 0}, /* unit 2's matter */
	};

	(void)state;
	RUN(rows);
}

/* faults: U1 */
static void gets_in_step_by_another_form(void **state)
{
	static const struct row rows[] = {
		{7, 1, 3, 2, 3, 2, SILENT, 0},
		{7, 1, 3, 2, 3, 1, ANSWERED, 0}, /* shorter, thrown away */
		{7, 1, 3, 2, 3, 2, ANSWERED, 0},
		/* another form by itself does the same */
		{7, 1, 3, 2, 3, 2, SILENT, 0},
		{7, 1, 3, 9, 3, 9, ANSWERED, 0},
		{7, 1, 3, 2, 3, 2, ANSWERED, 0},
		/* one register: the other table of registers */
		{7, 1, 3, 1, 3, 1, SILENT, 0},
		{7, 1, 3, 1, 4, 1, ANSWERED, 0},
		{7, 1, 3, 1, 3, 1, SILENT, 0},
		{7, 1, 4, 1, 4, 1, ANSWERED, 0},
		/* bits: as many bytes are the same form */
		{7, 1, 1, 16, 1, 16, SILENT, 0},
		{7, 1, 1, 13, 1, 8, ANSWERED, 0},
		{7, 1, 1, 8, 1, 8, SILENT, 0},
		{7, 1, 1, 3, 2, 1, ANSWERED, 0},
	};

	(void)state;
	RUN(rows);
}

/* always one behind: an answer of the form may be that to the one before */
static void what_was_repeated_stays_owed(void **state)
{
	static const struct row rows[] = {
		{7, 1, 3, 2, 3, 2, SILENT, 0},	 {7, 1, 3, 2, 3, 1, SILENT, 0},
		{7, 1, 3, 2, 3, 1, ANSWERED, 0}, /* the answer to row 1 or to row 2 */
		{7, 1, 3, 1, 4, 1, ANSWERED, 0}, /* so one register is owed, */
		{7, 1, 3, 1, 3, 1, SILENT, 0},	 /* was */
		{7, 1, 3, 2, 3, 2, SILENT, 0},	 /* two forms are owed now */
		{7, 1, 4, 9, 4, 8, SILENT, 0},	 /* nothing is asked as it is */
		{7, 1, 3, 9, 4, 8, ANSWERED, 0}, /* one thing is repeated until it is answered */
		{7, 1, 3, 9, 3, 9, ANSWERED, 0}, {7, 1, 4, 8, 4, 8, ANSWERED, 0},
	};

	(void)state;
	RUN(rows);
}

static void a_refusal_may_be_late_too(void **state)
{
	static const struct row rows[] = {
		{7, 1, 3, 2, 3, 2, SILENT, 0},
		{7, 1, 3, 2, 3, 1, REFUSED, 0}, /* of row 0, or it refuses to read parts */
		{7, 1, 3, 2, 4, 1, REFUSED, 0}, /* the function is new: of this */
		{7, 1, 3, 2, 3, 2, ANSWERED, 0},
		{7, 1, 3, 2, 3, 2, SILENT, 0},
		{7, 1, 3, 9, 3, 9, REFUSED, 0}, /* of row 4 or of this: both may still come */
		{7, 1, 4, 9, 4, 1, ANSWERED, 0},
		{7, 1, 3, 9, 3, 9, ANSWERED, 0},
		{7, 1, 3, 2, 3, 2, SILENT, 0},
		{7, 1, 4, 2, 4, 2, REFUSED, 0}, /* of this */
		{7, 1, 3, 2, 3, 2, ANSWERED, 0},
		/* every function but one is in it */
		{7, 1, 3, 2, 3, 2, SILENT, 0},
		{7, 1, 1, 9, 1, 9, SILENT, 0},
		{7, 1, 1, 9, 1, 8, REFUSED, 0},
		{7, 1, 1, 9, 2, 1, SILENT, 0},
		{7, 1, 3, 2, 2, 1, REFUSED, 0}, /* of row 14 or this: bits of one byte are owed */
		{7, 1, 2, 8, 1, 1, SILENT, 0},
	};

	(void)state;
	RUN(rows);
}

/* three times nothing to one form: it may not know that, and other forms are tried and counted */
static void forms_nobody_knows(void **state)
{
	static const struct row rows[] = {
		{0, 1, 3, 1, 3, 1, SILENT, 0}, /* 1 is lost */
		{0, 1, 3, 1, 4, 1, SILENT, 0},
		{0, 1, 3, 1, 4, 1, SILENT, 0},
		{0, 1, 3, 1, 4, 1, SILENT, 0}, /* 4 are */
		/* one register more: its function is known. One of five, and two without an answer
		 */
		{0, 1, 3, 1, 3, 2, ANSWERED, 0},
		{0, 1, 3, 1, 3, 2, SILENT, 0},
		{0, 1, 3, 1, 3, 2, SILENT, 0},
		{0, 1, 3, 1, 3, 2, ANSWERED, 0},
		/* three in a row: another function, once; 9 are lost, and 8 count */
		{0, 1, 3, 1, 3, 2, SILENT, 0},
		{0, 1, 3, 1, 3, 2, SILENT, 0},
		{0, 1, 3, 1, 3, 2, SILENT, 0},
		{0, 1, 3, 1, 4, 1, SILENT, 0},
		{0, 1, 3, 1, 4, 1, ANSWERED, 0},
		{0, 1, 3, 1, 4, 1, REFUSED, 0},
		{0, 1, 3, 1, 4, 1, ANSWERED, 0},
		{0, 1, 3, 1, 4, 1, ANSWERED, 0},
		{0, 1, 3, 1, 4, 1, ANSWERED, 0},
		{0, 1, 3, 1, 4, 1, ANSWERED, 0},
		{0, 1, 3, 1, 4, 1, ANSWERED, 0},
		{0, 1, 3, 1, 4, 1, ANSWERED, 0},
		{0, 1, 3, 1, 4, 1, ANSWERED, 0}, /* nine */
		{0, 1, 4, 1, 3, 1, ANSWERED, 0}, /* that form is owed */
		{0, 1, 4, 1, 4, 1, ANSWERED, 0},
	};
	static const struct row short_ones[] = {
		{0, 1, 3, 9, 3, 9, SILENT, 0}, {0, 1, 3, 9, 3, 8, SILENT, 0},
		{0, 1, 3, 9, 3, 8, SILENT, 0}, {0, 1, 3, 9, 3, 8, SILENT, 0},
		{0, 1, 3, 9, 3, 8, SILENT, 0}, {0, 1, 3, 9, 3, 8, SILENT, 0},
		{0, 1, 3, 9, 3, 8, SILENT, 0}, {0, 1, 3, 9, 3, 8, SILENT, 0},
		{0, 1, 3, 9, 3, 8, SILENT, 0}, {0, 1, 3, 9, 3, 8, SILENT, 0},
		{0, 1, 3, 9, 4, 1, SILENT, 0}, /* every fourth time another function */
		{0, 1, 3, 9, 3, 8, SILENT, 0},
	};

	(void)state;
	RUN(rows);
	RUN(short_ones);
}

/* a connection that was opened: three answers of one form, then that form is owed */
static void counts_what_it_did_not_ask_for(void **state)
{
	static const struct row counted[] = {
		{0, 1, 3, 2, 3, 1, ANSWERED, 0}, {0, 1, 3, 2, 3, 1, REFUSED, 0},
		{0, 1, 3, 2, 3, 1, ANSWERED, 0}, {0, 1, 3, 1, 4, 1, ANSWERED, 0},
		{0, 1, 3, 1, 3, 1, ANSWERED, 0}, {0, 2, 3, 2, 3, 1, ANSWERED, 0},
		{0, 2, 3, 2, 3, 1, ANSWERED, 0}, {0, 2, 3, 2, 3, 1, ANSWERED, 0},
		{0, 2, 3, 2, 3, 2, ANSWERED, 0},
	};
	/* what was lost before is counted, too, up to eight */
	static const struct row lost[] = {{0, 3, 3, 2, 3, 2, SILENT, 0}};
	static const struct row four[] = {
		{0, 3, 3, 2, 3, 1, ANSWERED, 0}, {0, 3, 3, 2, 3, 1, ANSWERED, 0},
		{0, 3, 3, 2, 3, 1, ANSWERED, 0}, {0, 3, 3, 2, 3, 1, ANSWERED, 0},
		{0, 3, 3, 2, 3, 2, ANSWERED, 0},
	};
	CLEANUP(instep_free) struct instep *instep = NULL;
	CLEANUP(instep_free) struct instep *copy = NULL;
	struct wire_request wanted = {.function = 3, .count = 2}, asked;

	(void)state;
	assert_int_equal(instep_new(&instep), 0);
	assert_int_equal(instep_new(&copy), 0);
	run_on(instep, lost, ARRAY_SIZE(lost));
	instep_doubt(instep);
	instep_copy(copy, instep, false);
	for (size_t i = 0; i < 2; i++) {
		struct instep *one = i ? copy : instep;

		run_on(one, counted, ARRAY_SIZE(counted));
		run_on(one, four, ARRAY_SIZE(four));
	}
	for (size_t i = 0; i < 20; i++)
		instep_doubt(instep);
	for (size_t i = 0; i < 9; i++) {
		assert_true(instep_form(instep, 4, &wanted, &asked));
		assert_false(instep_answered(instep, 4, &asked, 0));
	}
	assert_false(instep_form(instep, 4, &wanted, &asked));
}

static void the_same_answer_twice(void **state)
{
	static const struct row other_address[] = {
		{10, 1, 3, 2, 3, 2, ANSWERED, 5}, {20, 1, 3, 2, 3, 2, ANSWERED, 5}, /* again? */
		{20, 1, 3, 2, 3, 1, ANSWERED, 9}, {20, 1, 3, 2, 3, 2, ANSWERED, 5}, /* it is so */
		{30, 1, 3, 2, 3, 2, ANSWERED, 6}, {40, 1, 3, 3, 3, 3, ANSWERED, 6},
		{10, 1, 3, 2, 3, 2, ANSWERED, 6},
	};
	static const struct row same_address[] = {
		{10, 1, 3, 2, 3, 2, ANSWERED, 5},
		{10, 1, 3, 2, 3, 2, ANSWERED, 5},
		{10, 1, 3, 2, 3, 2, ANSWERED, 6}, /* that to the one before? */
		{20, 1, 3, 2, 3, 1, ANSWERED, 9},
		{20, 1, 3, 2, 3, 2, ANSWERED, 6},
		{10, 1, 3, 2, 3, 2, ANSWERED, 5},
		{10, 1, 3, 2, 3, 2, ANSWERED, 5},
		{20, 1, 4, 2, 4, 2, ANSWERED, 5}, /* another form: all before it has come */
		{20, 1, 3, 2, 3, 2, ANSWERED, 4},
		/* not known, then a form owed: what may be behind is owed with it */
		{20, 1, 3, 2, 3, 2, ANSWERED, 4},
		{20, 1, 4, 3, 4, 3, SILENT, 0},
		{30, 1, 4, 3, 4, 2, ANSWERED, 1},
	};
	static const struct row refusals[] = {
		{10, 1, 3, 2, 3, 2, REFUSED, 4},  {20, 1, 3, 2, 3, 2, REFUSED, 4},
		{20, 1, 3, 2, 4, 1, ANSWERED, 0}, {20, 1, 3, 2, 3, 2, REFUSED, 4}, /* it is so */
		{30, 1, 3, 2, 3, 2, REFUSED, 2},  {40, 1, 3, 2, 3, 2, ANSWERED, 2},
	};

	(void)state;
	RUN(other_address);
	RUN(same_address);
	RUN(refusals);
}

/* a linear congruence (Numerical Recipes), its better bits */
static unsigned int draw(unsigned int *seed)
{
	*seed = *seed * 1664525U + 1013904223U;
	return *seed >> 16;
}

/* whatever happens, nothing is ever asked in a form of which an answer may be under way, and
 * nothing is read in place of what is wanted that is @barred */
static void ask_by_chance(uint8_t barred)
{
	CLEANUP(instep_free) struct instep *instep = NULL;
	/* a unit that answers in order, each time as many of what it was asked as chance will */
	static struct wire_request
		wishes[20000]; /* by id; what is asked may be for an earlier one */
	struct wire_request queue[64];
	unsigned int n_queue = 0, n_right = 0, seed = 1;

	assert_int_equal(instep_new(&instep), 0);
	for (size_t id = 0; id < ARRAY_SIZE(wishes); id++) {
		struct wire_request wanted = {.key = id, .barred = barred}, asked;
		unsigned int n_answers = id % 20 < 10 ? 64 : draw(&seed) % 3;
		bool answered = false, other;

		wanted.function = (uint8_t)(3 + draw(&seed) % 2);
		wanted.count = (uint16_t)(1 + draw(&seed) % 3);
		other = instep_form(instep, 9, &wanted, &asked);
		wishes[id] = wanted;
		if (asked.function != wishes[asked.key].function ||
		    asked.count > wishes[asked.key].count)
			assert_false(barred >> asked.function & 1);
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
				if (!instep_refused(instep, 9, &asked, 0) && !other)
					assert_int_equal(from.key, id);
				continue;
			}
			if (!other) {
				assert_int_equal(from.key, id); /* else: another register */
				n_right++;
			}
			assert_false(instep_answered(instep, 9, &asked, 0));
		}
		if (!answered)
			instep_silent(instep, 9, &asked);
	}
	assert_true(n_right > 1000);
}

static void never_asks_for_what_is_owed(void **state)
{
	(void)state;
	for (uint8_t barred = 0; barred < WIRE_BARRED_ALL; barred = (uint8_t)(barred + 2))
		ask_by_chance(barred);
}

/* a reload names a hole while a unit is asked in it: not any more */
static void a_hole_that_is_new(void **state)
{
	CLEANUP(instep_free) struct instep *instep = NULL;
	CLEANUP(instep_free) struct instep *copy = NULL;
	struct wire_request asked, wanted = {.function = 3, .address = 7, .count = 1};

	(void)state;
	assert_int_equal(instep_new(&instep), 0);
	assert_int_equal(instep_new(&copy), 0);
	assert_false(instep_form(instep, 1, &wanted, &asked));
	instep_silent(instep, 1, &asked);
	assert_true(instep_form(instep, 1, &wanted, &asked));
	assert_int_equal(asked.function, 4);
	instep_copy(copy, instep, true);
	wanted.barred = 1 << 4;
	for (int i = 0; i < 3; i++) { /* two may be under way */
		assert_true(instep_form(copy, 1, &wanted, &asked));
		assert_int_equal(asked.function, 1);
		assert_false(instep_answered(copy, 1, &asked, 0));
	}
	assert_false(instep_form(copy, 1, &wanted, &asked));
}

/* where holes are, nothing is read; what is left may be one form only, then it is counted */
static void stays_out_of_holes(void **state)
{
	static const struct {
		uint8_t barred;
		uint8_t function; /* what is asked in place of holding register 7 */
		uint16_t count;
		unsigned int n_answers; /* so many, and it is in step */
	} rows[] = {
		{0, 4, 1, 1},
		{1 << 4, 1, 1, 1},
		{1 << 4 | 1 << 1, 2, 1, 1},
		{1 << 4 | 1 << 1 | 1 << 2, 3, 2, 2}, /* one is lost: counted */
		{1 << 4 | 1 << 3 | 1 << 2, 1, 1, 1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(instep_free) struct instep *instep = NULL;
		struct wire_request asked,
			wanted = {
				.function = 3, .address = 7, .count = 1, .barred = rows[i].barred};

		assert_int_equal(instep_new(&instep), 0);
		assert_false(instep_form(instep, 1, &wanted, &asked));
		instep_silent(instep, 1, &asked);
		for (unsigned int k = 0; k < rows[i].n_answers; k++) {
			assert_true(instep_form(instep, 1, &wanted, &asked));
			assert_int_equal(asked.function, rows[i].function);
			assert_int_equal(asked.count, rows[i].count);
			assert_false(instep_answered(instep, 1, &asked, 0));
		}
		assert_false(instep_form(instep, 1, &wanted, &asked));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_as_it_is_while_in_step),
		cmocka_unit_test(gets_in_step_by_another_form),
		cmocka_unit_test(what_was_repeated_stays_owed),
		cmocka_unit_test(a_refusal_may_be_late_too),
		cmocka_unit_test(forms_nobody_knows),
		cmocka_unit_test(counts_what_it_did_not_ask_for),
		cmocka_unit_test(the_same_answer_twice),
		cmocka_unit_test(never_asks_for_what_is_owed),
		cmocka_unit_test(stays_out_of_holes),
		cmocka_unit_test(a_hole_that_is_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
