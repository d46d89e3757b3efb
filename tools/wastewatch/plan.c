/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the pollers are told to read: every request with its registers, what they hold, bytes,
 * and on serial lines the time; and how busy each line is.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "core/budget.h"
#include "tools/command.h"

/** struct view - a configuration and its plan */
struct view {
	const struct config *config;
	const struct plan *plan;
};

static const char *table_text(unsigned int function)
{
	static const char *const tables[] = {
		[1] = "coil", [2] = "discrete", [3] = "holding", [4] = "input"};

	return tables[function];
}

static const char *kind_text(unsigned int kind)
{
	return kind == WIRE_LINK_TCP ? "tcp" : kind == WIRE_LINK_RTU ? "rtu" : "rtu-tcp";
}

/* "127.0.0.1:502" or "/dev/serial/by-id/… 9600 8E1" */
static void link_place(const struct wire_link *link, char *text, size_t n)
{
	if (link->kind == WIRE_LINK_RTU)
		(void)snprintf(text, n, "%s %" PRIu32 " 8%c%u", link->host, link->baud,
			       link->parity, link->stop_bits);
	else
		(void)snprintf(text, n, strchr(link->host, ':') ? "[%s]:%u" : "%s:%u", link->host,
			       link->port);
}

static const char *part_name(const struct view *view, const struct plan_part *part)
{
	return part->state ? view->config->states[part->channel].name
			   : view->config->channels[part->channel].name;
}

/* registers of a request that belong to nothing */
static unsigned int read_through(const struct view *view, size_t request)
{
	const struct plan *plan = view->plan;
	unsigned int n = 0, end = 0;

	for (size_t i = plan->first_part[request]; i < plan->first_part[request + 1]; i++) {
		const struct plan_part *part = &plan->parts[i];

		if (part->offset > end)
			n += part->offset - end;
		end = MAX(end, (unsigned int)part->offset + part->length);
	}
	return n;
}

static void print_request(const struct view *view, size_t i)
{
	const struct wire_request *request = &view->plan->requests[i];
	struct budget_request cost = budget_request(view->plan, i);
	unsigned int unused = read_through(view, i);
	const char *comma = "";

	(void)printf("    %-8s %5u-%-5u %4u %-9s %3" PRIu32 " + %-3" PRIu32 " bytes",
		     table_text(request->function), request->address,
		     request->address + request->count - 1U, request->count,
		     request->function <= 2 ? "bits" : "registers", cost.n_out, cost.n_in);
	if (cost.character_us > 0)
		(void)printf("  %7.1f ms", (double)(cost.character_us + cost.silence_us) / 1000);
	(void)printf("  ");
	for (size_t p = view->plan->first_part[i]; p < view->plan->first_part[i + 1]; p++) {
		const struct plan_part *part = &view->plan->parts[p];

		(void)printf("%s%s%s", comma, part_name(view, part), part->state ? " (state)" : "");
		comma = ", ";
	}
	if (unused > 0)
		(void)printf("; %u unused read through", unused);
	(void)putchar('\n');
}

static const struct config_unit *unit_of(const struct view *view, size_t unit)
{
	return &view->config->units[view->plan->config_unit[unit]];
}

static void print_unit(const struct view *view, size_t i)
{
	const struct wire_unit *unit = &view->plan->units[i];
	const struct config_unit *config = unit_of(view, i);
	struct budget_unit cost = budget_unit(view->plan, i);
	const char *profile = config->profile ? config->profile : "";

	(void)printf("  %s  unit %u, every %" PRIu32 " ms, timeout %" PRIu32 " ms%s%s\n",
		     config->name, unit->id, unit->interval_ms, unit->timeout_ms,
		     *profile ? ", " : "", profile);
	for (size_t r = 0; r < view->plan->n_requests; r++)
		if (view->plan->requests[r].unit == i)
			print_request(view, r);
	if (cost.n_requests == 0)
		(void)puts("    nothing is read from it");
	else if (cost.character_us > 0)
		(void)printf("    together %.1f ms, %.1f %% of the line\n",
			     (double)(cost.character_us + cost.silence_us) / 1000,
			     (double)(cost.character_us + cost.silence_us) / 10 /
				     unit->interval_ms);
}

static void print_link(const struct view *view, size_t i)
{
	const struct wire_link *link = &view->plan->links[i];
	const struct config_link *config = &view->config->links[i];
	struct budget_link cost = budget_link(view->plan, i);
	char place[WIRE_HOST_MAX + 40];

	link_place(link, place, sizeof(place));
	(void)printf("%s/%s  %s %s\n", view->config->sites[config->site].name, config->name,
		     kind_text(link->kind), place);
	for (size_t u = 0; u < view->plan->n_units; u++)
		if (view->plan->units[u].link == i)
			print_unit(view, u);
	if (cost.is_timed)
		(void)printf("  line busy %.1f %% of the time, %.1f %% while its slowest unit is "
			     "silent; devices' own time not counted\n",
			     100 * cost.load, 100 * cost.load_silent);
}

static void set(json_t *object, const char *key, json_t *value)
{
	(void)json_object_set_new(object, key, value);
}

static json_t *request_object(const struct view *view, size_t i)
{
	const struct wire_request *request = &view->plan->requests[i];
	struct budget_request cost = budget_request(view->plan, i);
	json_t *object = json_object(), *names = json_array();

	for (size_t p = view->plan->first_part[i]; p < view->plan->first_part[i + 1]; p++)
		(void)json_array_append_new(names,
					    json_string(part_name(view, &view->plan->parts[p])));
	set(object, "table", json_string(table_text(request->function)));
	set(object, "address", json_integer(request->address));
	set(object, "count", json_integer(request->count));
	set(object, "bytes_out", json_integer(cost.n_out));
	set(object, "bytes_in", json_integer(cost.n_in));
	set(object, "time_us", json_integer(cost.character_us + cost.silence_us));
	set(object, "read_through", json_integer(read_through(view, i)));
	set(object, "names", names);
	return object;
}

static json_t *unit_object(const struct view *view, size_t i)
{
	const struct wire_unit *unit = &view->plan->units[i];
	const struct config_unit *config = unit_of(view, i);
	json_t *object = json_object(), *requests = json_array();

	for (size_t r = 0; r < view->plan->n_requests; r++)
		if (view->plan->requests[r].unit == i)
			(void)json_array_append_new(requests, request_object(view, r));
	set(object, "unit", json_string(config->name));
	set(object, "id", json_integer(unit->id));
	set(object, "interval_ms", json_integer(unit->interval_ms));
	set(object, "requests", requests);
	return object;
}

static void print_json(const struct view *view)
{
	json_t *links = json_array();

	for (size_t i = 0; i < view->plan->n_links; i++) {
		const struct config_link *config = &view->config->links[i];
		struct budget_link cost = budget_link(view->plan, i);
		json_t *object = json_object(), *units = json_array();

		for (size_t u = 0; u < view->plan->n_units; u++)
			if (view->plan->units[u].link == i)
				(void)json_array_append_new(units, unit_object(view, u));
		set(object, "site", json_string(view->config->sites[config->site].name));
		set(object, "link", json_string(config->name));
		set(object, "kind", json_string(kind_text(view->plan->links[i].kind)));
		set(object, "host", json_string(config->host));
		if (cost.is_timed) {
			set(object, "busy_permille", json_integer((json_int_t)(cost.load * 1000)));
			set(object, "busy_silent_permille",
			    json_integer((json_int_t)(cost.load_silent * 1000)));
		}
		set(object, "units", units);
		(void)json_array_append_new(links, object);
	}
	(void)json_dumpf(links, stdout, JSON_COMPACT | JSON_SORT_KEYS);
	(void)putchar('\n');
	json_decref(links);
}

int command_plan(const struct command_options *options)
{
	CLEANUP(config_free) struct config *config = NULL;
	CLEANUP(plan_free) struct plan *plan = NULL;
	size_t n_errors = 0;
	struct view view;

	if (config_load(&config, options->config, stderr, &n_errors) < 0)
		return command_fail("the configuration in %s has errors: %zu", options->config,
				    n_errors);
	if (plan_new(&plan, config) < 0)
		return command_fail("out of memory");
	view = (struct view){config, plan};
	if (options->json)
		print_json(&view);
	else
		for (size_t i = 0; i < plan->n_links; i++)
			print_link(&view, i);
	/* shown all the same: the arithmetic is what helps to mend it */
	if (budget_check(config, plan, stderr, &n_errors) < 0)
		return command_fail("the plan cannot be met; see above");
	return EXIT_SUCCESS;
}
