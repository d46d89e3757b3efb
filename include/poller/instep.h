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
 * Holes of the configuration are never read, not for this either (@barred of struct wire_request).
 * Where they leave no form of which nothing is owed, answers are counted.
 *
 * Counting. There are answers of which no form is known: those to whoever asked before the
 * connection was opened (this program, killed with a request outstanding; another master on a
 * serial server), and those that are owed when a unit has left three requests of a form without
 * an answer: it may not know that form, and must be heard again by another. There the number is
 * the proof. If N answers at most are under way, and then one form only is asked, again and
 * again, then each answer that comes is either one of the N, and they become fewer, or that to
 * one of these requests, and with it all of the N have gone. So after N + 1 of them nothing can
 * be under way but answers of this one form, which is then owed. (Requests of that form without
 * an answer change nothing in this; with another form it begins again.) N is INSTEP_OTHERS_MAX for
 * a connection that was opened, and one for each request that had no answer since the unit was last
 * in step, but INSTEP_LOST_MAX at most. No time ends a debt.
 *
 * Repeats. A unit (or a radio between) may give an answer a second time, and late: in answer to
 * the next request. The repeat is the same to the last bit as the answer before. So an answer
 * that is the same as the one before to another address of that form is not believed: the unit
 * gets in step, and is asked again. Where blocks really are the same this costs two requests.
 * The repeat of an answer from the same address is the right register, one round old; all that
 * follow in that form may be one behind, and the next other address of it is asked in step.
 *
 * What RTU leaves impossible, having no transaction number: to see that a unit does not answer in
 * order; that it gives an answer twice, but changed, or after that to a later request; that more
 * answers are under way than N; that whoever else asks the same unit in the same form at the same
 * time gets the answer. And a value may be one round old, as said above. No I/O, no clock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/macro.h"
#include "common/wire.h"

#define INSTEP_OTHERS_MAX 2 /* answers under way that this connection did not ask for */
#define INSTEP_LOST_MAX	  8 /* each costs a short request when a unit is back */

struct instep;

/** instep_new() - all units of a line are in step. Return: 0; -ENOMEM. */
int instep_new(struct instep **ret);

/** instep_free() - takes NULL. Return: NULL. */
struct instep *instep_free(struct instep *instep);
DEFINE_CLEANUP(struct instep *, instep_free)

/**
 * instep_copy() - debts of the same line under another plan
 * @outstanding: an answer is waited for, which is told to @to when it comes or does not
 */
void instep_copy(struct instep *to, const struct instep *from, bool outstanding);

/** instep_doubt() - the connection was opened: answers of any form may be under way */
void instep_doubt(struct instep *instep);

/**
 * instep_form() - what to ask in place of @request
 * @unit_id: of the unit that is to be asked
 * @ret: @request itself if an answer to it cannot be mistaken, else what to get in step by
 *
 * Return: is it another one? Its answer is worth nothing, and @request is still to be asked.
 */
bool instep_form(struct instep *instep, uint8_t unit_id, const struct wire_request *request,
		 struct wire_request *ret);

/** instep_silent() - @unit_id did not answer what instep_form() gave and was @sent */
void instep_silent(struct instep *instep, uint8_t unit_id, const struct wire_request *sent);

/**
 * instep_answered() - @unit_id has answered what was @sent last, in its form
 * @mark: the same for the same content; 0: not looked at
 * Return: it may be a repeat and is worth nothing; @sent is still to be asked.
 */
bool instep_answered(struct instep *instep, uint8_t unit_id, const struct wire_request *sent,
		     uint64_t mark);

/**
 * instep_refused() - @unit_id has answered @sent with an exception
 * Return: it may be that to an earlier request and is worth nothing; @sent is still to be asked.
 */
bool instep_refused(struct instep *instep, uint8_t unit_id, const struct wire_request *sent,
		    uint8_t exception);
