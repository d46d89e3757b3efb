/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "poller/answer.h"
#include "poller/instep.h"

#define OWED_MANY 2 /* so many, and nothing is asked as it is */
#define OWED_MAX  3

/*
 * @owed: forms, of requests before those to get in step by
 * @refused: the answer may have been a refusal, which tells no form but a function
 * @by: what to get in step by, while @getting
 * @repeated: one of those had no answer in time: the answer to the next may be its
 */
struct debt {
	uint16_t owed[OWED_MAX];
	uint8_t n_owed;
	bool refused;
	bool getting;
	bool repeated;
	int64_t sent_us; /* the last one without an answer */
	struct wire_request by;
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

void instep_copy(struct instep *to, const struct instep *from)
{
	*to = *from;
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

static void owe(struct debt *debt, const struct wire_request *sent)
{
	if (is_owed(debt, sent))
		return;
	assert(debt->n_owed < OWED_MAX);
	debt->owed[debt->n_owed++] = form_of(sent);
}

/*
 * Shorter reads first: they touch nothing that the plan does not read. Then one item by another
 * function, of which even a refusal tells that it is new: with OWED_MAX forms owed and four
 * functions there is always one.
 */
static struct wire_request find_form(const struct debt *debt, const struct wire_request *request)
{
	static const uint8_t others[][4] = {
		[1] = {1, 2, 3, 4}, [2] = {2, 1, 3, 4}, [3] = {3, 4, 1, 2}, [4] = {4, 3, 1, 2}};
	struct wire_request by = *request;

	while (!debt->refused && --by.count > 0)
		if (!is_owed(debt, &by))
			return by;
	by.count = 1;
	for (size_t i = 0; i < ARRAY_SIZE(others[0]); i++) {
		by.function = others[request->function][i];
		if (!function_owed(debt, by.function))
			break;
	}
	assert(!is_owed(debt, &by));
	return by;
}

bool instep_form(struct instep *instep, uint8_t unit_id, const struct wire_request *request,
		 int64_t now_us, struct wire_request *ret)
{
	struct debt *debt = &instep->units[unit_id];

	if (debt->n_owed > 0 && now_us - debt->sent_us >= INSTEP_FORGET_US)
		*debt = (struct debt){0};
	if (!debt->getting && debt->n_owed < OWED_MANY && !is_owed(debt, request)) {
		*ret = *request;
		return false;
	}
	if (!debt->getting) {
		debt->by = find_form(debt, request);
		debt->getting = true;
		debt->repeated = false;
	}
	*ret = debt->by;
	return true;
}

void instep_silent(struct instep *instep, uint8_t unit_id, const struct wire_request *sent,
		   int64_t sent_us)
{
	struct debt *debt = &instep->units[unit_id];

	debt->sent_us = sent_us;
	if (debt->getting)
		debt->repeated = true;
	else
		owe(debt, sent);
}

void instep_answered(struct instep *instep, uint8_t unit_id)
{
	struct debt *debt = &instep->units[unit_id], was = *debt;

	*debt = (struct debt){.sent_us = was.sent_us};
	if (was.getting && was.repeated)
		owe(debt, &was.by);
}

bool instep_refused(struct instep *instep, uint8_t unit_id, const struct wire_request *sent)
{
	struct debt *debt = &instep->units[unit_id];

	if (!function_owed(debt, sent->function)) {
		instep_answered(instep, unit_id);
		return false;
	}
	owe(debt, sent);
	debt->getting = false;
	debt->refused = true;
	return true;
}
