/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>

#include "common/clock.h"
#include "core/budget.h"

#define FULL	    1.0
#define NEARLY_FULL 0.8 /* devices need time to think, which is not in the figures */

static const struct wire_link *link_of(const struct plan *plan, size_t request)
{
	return &plan->links[plan->units[plan->requests[request].unit].link];
}

static bool is_serial(const struct wire_link *link)
{
	return link->kind != WIRE_LINK_TCP;
}

static int64_t characters_us(const struct wire_link *link, uint32_t n)
{
	return (int64_t)((UINT64_C(1000000) * n * plan_character_bits(link) + link->baud - 1) /
			 link->baud);
}

static uint32_t data_bytes(const struct wire_request *request)
{
	return request->function <= 2 ? (request->count + 7U) / 8 : request->count * 2U;
}

struct budget_request budget_request(const struct plan *plan, size_t request)
{
	const struct wire_request *r = &plan->requests[request];
	const struct wire_link *link = link_of(plan, request);
	uint32_t frame = is_serial(link) ? 3 : 7; /* address and CRC; MBAP header */
	struct budget_request cost = {
		.n_out = frame + 5, /* function, address 2, count 2 */
		.n_in = frame + 2 + data_bytes(r),
	};

	if (link->baud == 0)
		return cost;
	cost.character_us = characters_us(link, cost.n_out + cost.n_in);
	/* the device keeps a gap before its answer, we one after it or the unit's turnaround */
	cost.silence_us = (int64_t)link->frame_gap_us +
			  MAX((int64_t)link->frame_gap_us,
			      plan->units[r->unit].turnaround_ms * US_PER_MS) +
			  (link->rts_before_ms + link->rts_after_ms) * US_PER_MS;
	return cost;
}

struct budget_unit budget_unit(const struct plan *plan, size_t unit)
{
	const struct wire_unit *u = &plan->units[unit];
	const struct wire_link *link = &plan->links[u->link];
	struct budget_unit cost = {0};

	for (size_t i = 0; i < plan->n_requests; i++) {
		struct budget_request request;

		if (plan->requests[i].unit != unit)
			continue;
		request = budget_request(plan, i);
		cost.n_requests++;
		cost.n_out += request.n_out;
		cost.n_in += request.n_in;
		cost.character_us += request.character_us;
		cost.silence_us += request.silence_us;
	}
	if (link->baud > 0)
		cost.silent_us = MAX(u->timeout_ms, u->quiet_ms) * US_PER_MS + link->frame_gap_us;
	return cost;
}

static double share(int64_t us, const struct wire_unit *unit)
{
	return (double)us / (unit->interval_ms * (double)US_PER_MS);
}

struct budget_link budget_link(const struct plan *plan, size_t link)
{
	struct budget_link cost = {.is_timed = plan->links[link].baud > 0};
	double most = -1;

	for (size_t i = 0; cost.is_timed && i < plan->n_units; i++) {
		struct budget_unit unit = budget_unit(plan, i);
		double answering, silent;

		if (plan->units[i].link != link || unit.n_requests == 0)
			continue;
		answering = share(unit.character_us + unit.silence_us, &plan->units[i]);
		silent = share(unit.silent_us, &plan->units[i]);
		cost.load += answering;
		if (silent - answering <= most)
			continue;
		most = silent - answering;
		cost.worst = i;
	}
	cost.load_silent = cost.load + MAX(most, 0.0);
	return cost;
}

static const char *name_of(const struct config *config, const struct plan *plan, size_t unit)
{
	return config->units[plan->config_unit[unit]].name;
}

static void print_place(FILE *out, const struct config *config, size_t link, const char *mark)
{
	const struct config_link *l = &config->links[link];

	(void)fprintf(out, "%s:%u:%u: %sthe line \"%s\" ", config->sites[l->site].file, l->line,
		      l->column, mark, l->name);
}

/* "analyser every 1000 ms: 2 requests, 16 + 70 bytes of 11 bits at 9600 baud 98.5 ms, …" */
static void print_units(FILE *out, const struct config *config, const struct plan *plan,
			size_t link)
{
	const struct wire_link *l = &plan->links[link];

	for (size_t i = 0; i < plan->n_units; i++) {
		const struct wire_unit *u = &plan->units[i];
		struct budget_unit unit;

		if (u->link != link)
			continue;
		unit = budget_unit(plan, i);
		if (unit.n_requests == 0)
			continue;
		(void)fprintf(out,
			      " %s: every %" PRIu32 " ms %zu requests, %" PRIu32 " + %" PRIu32
			      " bytes of %u bits at %" PRIu32 " baud take %.1f ms, silence %.1f "
			      "ms, together %.1f %%, and %.1f ms where it does not answer;",
			      name_of(config, plan, i), u->interval_ms, unit.n_requests, unit.n_out,
			      unit.n_in, plan_character_bits(l), l->baud,
			      (double)unit.character_us / 1000, (double)unit.silence_us / 1000,
			      100 * share(unit.character_us + unit.silence_us, u),
			      (double)unit.silent_us / 1000);
	}
}

static void print_error(FILE *out, const struct config *config, const struct plan *plan,
			size_t link, const struct budget_link *cost)
{
	print_place(out, config, link, "");
	(void)fprintf(out,
		      "cannot be read as often as is asked: it would be busy for %.1f %% of the "
		      "time, devices' own time not counted.",
		      100 * cost->load);
	print_units(out, config, plan, link);
	(void)fputs(" allowed: 100 %; make intervals longer, read fewer registers, raise the baud "
		    "rate, or put units on another line\n",
		    out);
}

static void print_warning(FILE *out, const struct config *config, const struct plan *plan,
			  size_t link, const struct budget_link *cost)
{
	const struct wire_unit *worst = &plan->units[cost->worst];

	print_place(out, config, link, "warning: ");
	if (cost->load > NEARLY_FULL)
		(void)fprintf(out,
			      "is busy for %.0f %% of the time, devices' own time not counted: a "
			      "slow answer will make reads late\n",
			      100 * cost->load);
	else
		(void)fprintf(out,
			      "is busy for %.0f %% of the time, but while \"%s\" is silent each of "
			      "its time-outs (%" PRIu32 " ms, quiet %" PRIu32
			      " ms) delays the others: until it is only probed some reads will be "
			      "late; a shorter timeout or quiet helps\n",
			      100 * cost->load, name_of(config, plan, cost->worst),
			      worst->timeout_ms, worst->quiet_ms);
}

static void print_walled(FILE *out, const struct config *config, const struct plan *plan,
			 const struct wire_request *request)
{
	static const char *const tables[] = {
		[1] = "coil", [2] = "discrete", [3] = "holding", [4] = "input"};

	print_place(out, config, plan->units[request->unit].link, "");
	(void)fprintf(
		out,
		"cannot be read safely: \"%s\" has holes in every other table at %s %u to %u, "
		"and nothing may be read behind; on a line a missing answer is known to have "
		"gone only when the unit is asked for something else. allowed: holes that leave "
		"one of the four\n",
		name_of(config, plan, request->unit), tables[request->function], request->address,
		request->address + request->count - 1U);
}

/** check_walls() - requests in whose place nothing may be read. Return: how many */
static size_t check_walls(const struct config *config, const struct plan *plan, FILE *errors)
{
	size_t n = 0;

	for (size_t i = 0; i < plan->n_requests; i++) {
		if (plan->requests[i].barred != WIRE_BARRED_ALL)
			continue;
		n++;
		if (errors)
			print_walled(errors, config, plan, &plan->requests[i]);
	}
	return n;
}

int budget_check(const struct config *config, const struct plan *plan, FILE *errors,
		 size_t *n_errors)
{
	size_t n_walled = check_walls(config, plan, errors);
	int r = n_walled > 0 ? -EINVAL : 0;

	*n_errors += n_walled;
	for (size_t i = 0; i < plan->n_links; i++) {
		struct budget_link cost = budget_link(plan, i);

		if (cost.load > FULL) {
			r = -EINVAL;
			(*n_errors)++;
			if (errors)
				print_error(errors, config, plan, i, &cost);
		} else if (errors && (cost.load > NEARLY_FULL || cost.load_silent > FULL)) {
			print_warning(errors, config, plan, i, &cost);
		}
	}
	return r;
}
