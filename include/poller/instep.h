/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instep.h - on a line without transaction numbers: whose answer may still be under way?
 *
 * A unit whose answer did not come in time may give it later, however long the line was silent.
 * An answer holds the unit, the function and the byte count of its request, not the address: a
 * late one would pass for the answer to another request of that form, and be the value of
 * another register. So the form is remembered as owed, and before a unit is asked for an answer
 * that it owes it is asked for one of another form: fewer registers of what is wanted, or what
 * another function has at that address. Units answer in order, so whatever comes in answer to
 * that shows that what was asked before it will not come any more. It is thrown away.
 *
 *   IN STEP ──no answer in time──▶ OWES one form ──no answer in time─▶ OWES two
 *     ▲ ▲                            │       │                           │
 *     │ └──── answer of another form ┘       │ the owed form is wanted   │ anything is wanted
 *     │                                      ▼                           ▼
 *     │ answer                               ┌─────────────────────────────┐ no answer:
 *     └───────────────────────────────────── │ GETTING IN STEP by one form │ the same again
 *       OWES that form ◀── answer to one ─── └─────────────────────────────┘
 *                          of several
 *
 * A refusal tells the function and no more: it may be the late one to what was asked before with
 * the same function. Then nothing is settled, what was asked is owed, too, and the next thing to
 * get in step by has a function of which nothing is owed.
 *
 * Debts are forgotten INSTEP_FORGET_US after the last request to the unit: one that leaves reads
 * of an unusual form without any answer would never be heard again. No I/O, no clock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/macro.h"
#include "common/wire.h"

#define INSTEP_FORGET_US INT64_C(30000000) /* longer than any answer time that is known of */

struct instep;

/** instep_new() - all units of a line are in step. Return: 0; -ENOMEM. */
int instep_new(struct instep **ret);

/** instep_free() - takes NULL. Return: NULL. */
struct instep *instep_free(struct instep *instep);
DEFINE_CLEANUP(struct instep *, instep_free)

/** instep_copy() - debts of the same line under another plan */
void instep_copy(struct instep *to, const struct instep *from);

/**
 * instep_form() - what to ask in place of @request
 * @unit_id: of the unit that is to be asked
 * @ret: @request itself if an answer to it cannot be mistaken, else what to get in step by
 *
 * Return: is it another one? Its answer is worth nothing, and @request is still to be asked.
 */
bool instep_form(struct instep *instep, uint8_t unit_id, const struct wire_request *request,
		 int64_t now_us, struct wire_request *ret);

/** instep_silent() - @unit_id did not answer what instep_form() gave and @sent_us was sent */
void instep_silent(struct instep *instep, uint8_t unit_id, const struct wire_request *sent,
		   int64_t sent_us);

/** instep_answered() - @unit_id has answered what was sent last, in its form */
void instep_answered(struct instep *instep, uint8_t unit_id);

/**
 * instep_refused() - @unit_id has answered @sent with an exception
 * Return: it may be that to an earlier request and is worth nothing; @sent is still to be asked.
 */
bool instep_refused(struct instep *instep, uint8_t unit_id, const struct wire_request *sent);
