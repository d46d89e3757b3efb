/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "poller/answer.h"
#include "poller/instep.h"

#define OWED_MANY 2 /* so many, and nothing is asked as it is */
#define OWED_MAX  4
#define TRIES	  3 /* without an answer: the unit may not know that form */

/*
 * What the unit answered last: a repeat of it is the same to the last bit.
 * @mark: of the content, 0 unknown; of a refusal its code
 */
struct last {
	uint16_t form;
	uint16_t address;
	uint64_t mark;
	bool refusal;
};

/*
 * @owed: forms, of requests before those to get in step by
 * @refused: the answer may have been a refusal, which tells no form but a function
 * @by: what to get in step by, while @getting
 * @repeated: one of those had no answer in time: the answer to the next may be its
 * @n_silent: so many of those in a row; with @n_tries another form is tried
 * @n_lost: at most so many answers may be under way, whatever their form
 * @n_count: so many answers to @by are to come; 0: forms are the proof
 * @n_turns: forms tried while counting
 * @behind: all since may have been repeats: the answer to @last may come yet
 */
struct debt {
	uint16_t owed[OWED_MAX];
	uint8_t n_owed;
	bool refused;
	bool getting;
	bool repeated;
	bool behind;
	uint8_t n_silent;
	uint8_t n_tries;
	uint8_t n_lost;
	uint8_t n_count;
	uint8_t n_turns;
	struct wire_request by;
	struct last last;
};

struct instep {
	struct debt units[256]; /* by id */
};

int instep_new(struct instep **ret)
{
	struct instep *instep = calloc(1, sizeof(*instep));

	if (!instep)
		return -ENOMEM;
	*ret = instep;
	return 0;
}

struct instep *instep_free(struct instep *instep)
{
	free(instep);
	return NULL;
}

/* more answers than can be under way: one of them at least is to what is asked from now on */
static void begin_count(struct debt *debt)
{
	debt->n_owed = 0;
	debt->refused = debt->getting = debt->behind = false;
	debt->n_count = (uint8_t)(debt->n_lost + 1);
	debt->last = (struct last){0};
}

static void lose(struct debt *debt, unsigned int n)
{
	debt->n_lost = (uint8_t)MIN(debt->n_lost + n, (unsigned int)INSTEP_LOST_MAX);
}

/* what was to get in step by may lie in a hole of the new plan */
void instep_copy(struct instep *to, const struct instep *from, bool outstanding)
{
	*to = *from;
	for (size_t i = 0; i < ARRAY_SIZE(to->units); i++) {
		if (!to->units[i].getting)
			continue;
		lose(&to->units[i], outstanding);
		begin_count(&to->units[i]);
	}
}

void instep_doubt(struct instep *instep)
{
	for (size_t i = 0; i < ARRAY_SIZE(instep->units); i++) {
		lose(&instep->units[i], INSTEP_OTHERS_MAX);
		begin_count(&instep->units[i]);
	}
}

/* function and byte count: what an answer tells of its request beside the unit */
static uint16_t form_of(const struct wire_request *request)
{
	const struct answer_question question = {.function = request->function,
						 .count = request->count};

	return (uint16_t)(request->function * 256U + answer_data_bytes(&question));
}

static bool is_owed(const struct debt *debt, const struct wire_request *request)
{
	for (size_t i = 0; i < debt->n_owed; i++)
		if (debt->owed[i] == form_of(request))
			return true;
	return false;
}

static bool function_owed(const struct debt *debt, uint8_t function)
{
	for (size_t i = 0; i < debt->n_owed; i++)
		if (debt->owed[i] >> 8 == function)
			return true;
	return false;
}

static void owe_form(struct debt *debt, uint16_t form)
{
	for (size_t i = 0; i < debt->n_owed; i++)
		if (debt->owed[i] == form)
			return;
	assert(debt->n_owed < OWED_MAX);
	debt->owed[debt->n_owed++] = form;
}

static void owe(struct debt *debt, const struct wire_request *sent)
{
	owe_form(debt, form_of(sent));
}

/* may @function be asked at the place of @request? The request's own may, within it. */
static bool may_ask(const struct wire_request *request, uint8_t function)
{
	return function == request->function || !(request->barred >> function & 1);
}

/*
 * Shorter reads first: they touch nothing that the plan does not read. Then one item by another
 * function, of which even a refusal tells that it is new: three functions are owed at most, one
 * for each of two requests and for what may be repeated, and there are four, but not where there
 * are holes. Return: is there one?
 */
static bool find_form(const struct debt *debt, const struct wire_request *request,
		      struct wire_request *ret)
{
	static const uint8_t others[][4] = {
		[1] = {1, 2, 3, 4}, [2] = {2, 1, 3, 4}, [3] = {3, 4, 1, 2}, [4] = {4, 3, 1, 2}};
	struct wire_request by = *request;

	while (!debt->refused && --by.count > 0)
		if (!is_owed(debt, &by)) {
			*ret = by;
			return true;
		}
	by.count = 1;
	for (size_t i = 0; i < ARRAY_SIZE(others[0]); i++) {
		by.function = others[request->function][i];
		if (!may_ask(request, by.function) || function_owed(debt, by.function))
			continue;
		*ret = by;
		return true;
	}
	return false;
}

/* Bits fill bytes: eight more are one more of them. */
static struct wire_request find_longer(const struct wire_request *request)
{
	struct wire_request by = *request;
	unsigned int more = request->function <= 2 ? 8 : 1;

	if (!(request->barred >> request->function & 1) && by.address + by.count + more <= 65536 &&
	    by.count + more <= answer_count_max(by.function))
		by.count = (uint16_t)(by.count + more);
	return by;
}

/*
 * While counting any form will do that is not the wanted one; mostly one of its function, since
 * there are units that leave others without any answer. There is one: no plan is taken that has a
 * request in whose place nothing may be read (work.c).
 */
static struct wire_request find_any(const struct debt *debt, const struct wire_request *request)
{
	struct debt wanted = {.owed = {form_of(request)}, .n_owed = 1};
	struct wire_request by, longer = find_longer(request);
	bool has_longer = form_of(&longer) != form_of(request);
	bool others = debt->n_turns % 4 == 3, found;

	wanted.refused = others;
	found = find_form(&wanted, request, &by);
	if (!found) {
		wanted.refused = false;
		found = find_form(&wanted, request, &by);
	}
	if (has_longer &&
	    (!found || (!others && by.function != request->function && debt->n_turns % 2 == 1)))
		return longer;
	assert(found);
	return by;
}

/* may its answer be taken for one that is owed, or one that was given late and twice? */
static bool is_doubtful(const struct debt *debt, const struct wire_request *request)
{
	if (debt->n_count > 0 || debt->n_owed >= OWED_MANY || is_owed(debt, request))
		return true;
	return debt->behind && debt->last.form == form_of(request) &&
	       debt->last.address != request->address;
}

bool instep_form(struct instep *instep, uint8_t unit_id, const struct wire_request *request,
		 struct wire_request *ret)
{
	struct debt *debt = &instep->units[unit_id];

	if (!debt->getting && !is_doubtful(debt, request)) {
		*ret = *request;
		return false;
	}
	if (!debt->getting) {
		if (debt->n_count == 0 && debt->n_owed == 0)
			owe(debt, request);
		if (debt->n_count == 0 && !find_form(debt, request, &debt->by)) {
			lose(debt, debt->behind);
			begin_count(debt);
		}
		if (debt->n_count > 0)
			debt->by = find_any(debt, request);
		debt->getting = true;
		debt->repeated = false;
		debt->n_silent = 0;
		debt->n_tries = debt->n_count == 0 || debt->by.function == request->function ? TRIES
											     : 1;
	}
	*ret = debt->by;
	return true;
}

void instep_silent(struct instep *instep, uint8_t unit_id, const struct wire_request *sent)
{
	struct debt *debt = &instep->units[unit_id];

	lose(debt, 1);
	if (!debt->getting) {
		if (debt->behind)
			owe_form(debt, debt->last.form);
		owe(debt, sent);
		return;
	}
	debt->repeated = true;
	if (++debt->n_silent < debt->n_tries)
		return;
	debt->n_turns++;
	begin_count(debt);
}

/* what came is the answer to what is @sent or one sent before in the same form, and no other */
static void settle(struct debt *debt, const struct wire_request *sent, const struct last *last)
{
	bool owes = debt->getting && debt->repeated;

	if (debt->n_count > 1) {
		debt->n_count--;
		debt->n_silent = 0;
		debt->repeated = true;
		return;
	}
	debt->n_owed = 0;
	debt->refused = debt->getting = debt->behind = false;
	debt->n_count = debt->n_turns = 0;
	debt->last = *last;
	if (owes)
		owe(debt, sent);
	else
		debt->n_lost = 0;
}

/* is it all the same as the answer before, which it must not be? */
static bool is_repeat(const struct debt *debt, const struct last *last)
{
	return !debt->getting && last->mark != 0 && debt->last.mark == last->mark &&
	       debt->last.refusal == last->refusal && debt->last.form == last->form;
}

bool instep_answered(struct instep *instep, uint8_t unit_id, const struct wire_request *sent,
		     uint64_t mark)
{
	struct debt *debt = &instep->units[unit_id];
	const struct last last = {form_of(sent), sent->address, mark, false};
	bool behind = debt->behind && debt->last.form == last.form;

	if (is_repeat(debt, &last)) {
		if (debt->last.address != last.address) {
			lose(debt, 1);
			owe(debt, sent);
			return true;
		}
		behind = true;
	}
	settle(debt, sent, &last);
	debt->behind = behind && !debt->getting && debt->n_owed == 0;
	return false;
}

bool instep_refused(struct instep *instep, uint8_t unit_id, const struct wire_request *sent,
		    uint8_t exception)
{
	struct debt *debt = &instep->units[unit_id];
	const struct last last = {form_of(sent), sent->address, exception, true};
	bool repeat = is_repeat(debt, &last);

	if (debt->n_count > 0 || (!repeat && !function_owed(debt, sent->function))) {
		settle(debt, sent, &last);
		return false;
	}
	lose(debt, 1);
	owe(debt, sent);
	debt->getting = false;
	debt->refused = true;
	return true;
}
