/* SPDX-License-Identifier: Apache-2.0 */
/*
 * budget.h - what a plan costs on its lines, and whether it can be met
 *
 * Bytes and bits of every request, and for serial lines the time that they take at least:
 * characters, silence between frames, turnaround. What a device needs to think comes on top;
 * it is known only when it answers. A network's speed is not known either: Modbus TCP has
 * bytes and no time.
 *
 * Sources: MODBUS over Serial Line V1.02 §2.5.1 (an RTU frame is address 1, PDU, CRC 2; 3.5
 * characters of silence between frames); MODBUS Application Protocol V1.1b3 §4.1, §6.1-6.4.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/plan.h"

/**
 * struct budget_request - what one request costs
 * @n_out, @n_in: bytes of the request and of its whole answer
 * @character_us: their time on the line
 * @silence_us: gaps behind both, turnaround, RS-485 switching
 */
struct budget_request {
	uint32_t n_out;
	uint32_t n_in;
	int64_t character_us;
	int64_t silence_us;
};

/**
 * struct budget_unit - what all requests of a unit cost in one round
 * @silent_us: what a round costs at most in which it does not answer: one request and the time
 *   until the line may be used again
 */
struct budget_unit {
	size_t n_requests;
	uint32_t n_out;
	uint32_t n_in;
	int64_t character_us;
	int64_t silence_us;
	int64_t silent_us;
};

/**
 * struct budget_link - what a line has to bear
 * @is_timed: its speed is known; else the rest is 0
 * @load: share of the time that it is taken, all units answering at once; above 1 the plan
 *   cannot be met
 * @load_silent: the same while @worst is silent and is still asked at every interval
 * @worst: the unit whose silence costs most, an index into the plan's units
 */
struct budget_link {
	bool is_timed;
	double load;
	double load_silent;
	size_t worst;
};

struct budget_request budget_request(const struct plan *plan, size_t request);
struct budget_unit budget_unit(const struct plan *plan, size_t unit);
struct budget_link budget_link(const struct plan *plan, size_t link);

/**
 * budget_check() - can every line be read as often as is asked, and its answers be told apart?
 * @config: that @plan was made of
 * @errors: where to write one line per line that cannot, "file:line:column: …" with the
 *   arithmetic, and warnings for those that hardly can; NULL nowhere
 * @n_errors: raised by how many there are
 *
 * Return: 0; -EINVAL there are errors.
 */
int budget_check(const struct config *config, const struct plan *plan, FILE *errors,
		 size_t *n_errors);
