/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a few registers for people who set up a device: politely, and never a write. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "core/config.h"
#include "tools/command.h"
#include "tools/probe_daemon.h"
#include "tools/probe_table.h"
#include "tools/probe_wire.h"

#define WATCH_MS    2000
#define SINGLES_MAX 125 /* registers that are tried one by one; each costs a pause */
#define SILENT_MAX  2	/* unanswered requests in a row: nobody is there to be asked more */

/*
 * @words, @have: by register of the range
 * @there: found out one by one, where @split
 * @errors: to be printed, with --json
 */
struct probe {
	const struct command_options *options;
	struct config *config;
	struct probe_target target;
	struct probe_range range;
	enum probe_daemon daemon;
	struct probe_wire *wire;
	uint16_t *words;
	bool *have;
	bool *there;
	bool split;
	json_t *errors;
	uint32_t watch_ms;
};

static struct probe *probe_done(struct probe *probe)
{
	probe->wire = probe_wire_free(probe->wire);
	probe->config = config_free(probe->config);
	free(probe->words);
	free(probe->have);
	free(probe->there);
	json_decref(probe->errors);
	return NULL;
}
DEFINE_CLEANUP(struct probe *, probe_done)

static int usage(const char *why)
{
	(void)command_fail("probe: %s", why);
	return EXIT_USAGE;
}

/* Return: 0; an exit status. */
static int load_config(struct probe *probe, const char *target)
{
	char *text = NULL;
	size_t n = 0;
	FILE *errors;
	int r;

	errors = open_memstream(&text, &n);
	if (!errors)
		return command_fail("out of memory");
	r = config_load(&probe->config, probe->options->config, errors, NULL);
	(void)fclose(errors);
	if (r < 0 && !probe_is_address(target)) {
		(void)fputs(text, stderr);
		r = command_fail("probe: the configuration in %s has errors; without one write "
				 "tcp:HOST:PORT, rtu-tcp:HOST:PORT or rtu:DEVICE:BAUD",
				 probe->options->config);
	} else {
		r = 0;
	}
	free(text);
	return r;
}

/* Return: 0; an exit status. */
static int parse(struct probe *probe)
{
	const struct command_options *o = probe->options;
	char why[PROBE_WHY_MAX];
	int r;

	if (o->n_arguments < 2 || o->n_arguments > 3)
		return usage("takes LINK[:UNIT] ADDRESS [COUNT]");
	r = load_config(probe, o->arguments[0]);
	if (r != 0)
		return r;
	if (probe_target_parse(&probe->target, o->arguments[0], probe->config, why) < 0 ||
	    probe_range_parse(&probe->range, o->table, o->arguments[1],
			      o->n_arguments == 3 ? o->arguments[2] : NULL, why) < 0)
		return usage(why);
	if (o->timeout && probe_time_parse(o->timeout, 10, 60000, &probe->target.timeout_ms) < 0)
		return usage("--timeout: allowed: 10ms to 60s");
	probe->watch_ms = WATCH_MS;
	if (o->interval && probe_time_parse(o->interval, 100, 3600000, &probe->watch_ms) < 0)
		return usage("--watch: allowed: 100ms to 60min");
	return 0;
}

/* what the configuration says must never be read is not. Return: 0; an exit status. */
static int look_for_holes(const struct probe *probe)
{
	const struct probe_range *range = &probe->range;
	const struct probe_target *t = &probe->target;

	for (size_t i = 0; t->unit != PROBE_NONE && i < probe->config->n_holes; i++) {
		const struct config_hole *hole = &probe->config->holes[i];

		if (hole->unit != t->unit || hole->function != range->table ||
		    hole->first >= range->address + range->count || hole->last < range->address)
			continue;
		return command_fail("probe: %u to %u of table %s are a hole of %s, which the "
				    "configuration says must never be read; ask for what is "
				    "before it, or behind it",
				    hole->first, hole->last, probe_table_text(range->table),
				    probe->config->units[t->unit].name);
	}
	return 0;
}

/* beside the daemon only where that disturbs nobody. Return: 0; an exit status. */
static int ask_daemon(struct probe *probe)
{
	const struct probe_target *t = &probe->target;

	probe->daemon = probe_daemon_look(probe->options->runtime, t, t->link != PROBE_NONE);
	if (probe->daemon == PROBE_DAEMON_AWAY)
		return 0;
	if (t->wire.kind == WIRE_LINK_RTU)
		return command_fail(
			"probe: the daemon polls %s, and a serial line bears one master "
			"only. Stop the poller, probe, and start it again: systemctl "
			"stop wastewatch-poller (measurements are missing meanwhile)",
			t->name);
	if (t->single && !probe->options->force)
		return command_fail("probe: the daemon polls %s, and the device bears one "
				    "connection only (single: yes). Stop the poller, probe, and "
				    "start it again: systemctl stop wastewatch-poller. Or try it "
				    "all the same with --force, which may cost the daemon its "
				    "connection",
				    t->name);
	/* a serial server may give our answer to the poller: RTU frames have no number */
	if (t->wire.kind == WIRE_LINK_RTU_TCP && !probe->options->force)
		return command_fail(
			"probe: the daemon polls %s, and the line behind a serial server bears one "
			"master only. Stop the poller, probe, and start it again: systemctl "
			"stop wastewatch-poller. --force only where the server is known to queue "
			"the requests of several connections",
			t->name);
	return 0;
}

static void report(struct probe *probe, const struct probe_range *range,
		   const struct probe_outcome *outcome)
{
	char text[PROBE_WHY_MAX];
	bool alone = range->count == 1;

	(void)probe_outcome_text(outcome, &probe->target, text);
	if (probe->options->json) {
		(void)json_array_append_new(
			probe->errors, json_pack("{s:i s:i s:s}", "address", (int)range->address,
						 "count", (int)range->count, "error", text));
		return;
	}
	(void)fflush(stdout);
	if (alone)
		(void)fprintf(stderr, "address %u: %s\n", range->address, text);
	else
		(void)fprintf(stderr, "addresses %u to %u: %s\n", range->address,
			      range->address + range->count - 1U, text);
}

/* a device that answers the daemon, and nobody else */
static void report_closed(const struct probe *probe, const struct probe_outcome *outcome)
{
	if (probe->daemon == PROBE_DAEMON_UP &&
	    (outcome->result == PROBE_CLOSED || outcome->result == PROBE_NO_CONNECT))
		(void)fputs(
			"The daemon's connection is up: the device seems to bear one connection "
			"only. The daemon's was not touched; to probe, stop the poller "
			"(systemctl stop wastewatch-poller), and say \"single: yes\" in the "
			"link's configuration.\n",
			stderr);
}

static struct probe_outcome read_part(struct probe *probe, size_t first, size_t n)
{
	struct probe_range part = {probe->range.table, (uint16_t)(probe->range.address + first),
				   (uint16_t)n};
	struct probe_outcome outcome = probe_wire_read(probe->wire, &part, probe->words + first);

	for (size_t i = first; i < first + n; i++)
		probe->have[i] = outcome.result == PROBE_GOOD;
	return outcome;
}

static bool is_refusal(const struct probe_outcome *outcome)
{
	return outcome->result == PROBE_EXCEPTION && (outcome->code == 2 || outcome->code == 3);
}

/*
 * Which of the registers are there? Each is asked for alone, and where it is refused alone,
 * together with the next: some devices give no half of a value.
 * Return: what ended it, or the last refusal.
 */
static struct probe_outcome read_singly(struct probe *probe)
{
	struct probe_outcome outcome, last = {PROBE_GOOD, 0};
	unsigned int n_silent = 0;
	size_t i = 0;

	while (i < probe->range.count && n_silent < SILENT_MAX) {
		size_t n = 1;

		outcome = read_part(probe, i, n);
		if (is_refusal(&outcome) && i + 1 < probe->range.count &&
		    probe->range.table >= PROBE_HOLDING) {
			struct probe_outcome pair = read_part(probe, i, 2);

			if (pair.result == PROBE_GOOD)
				n = 2;
			outcome = pair.result == PROBE_GOOD ? pair : outcome;
		}
		n_silent = outcome.result == PROBE_GOOD || outcome.result == PROBE_EXCEPTION
				   ? 0
				   : n_silent + 1;
		if (outcome.result != PROBE_GOOD)
			last = outcome;
		i += n;
	}
	return last;
}

/*
 * What is there, as far as it goes in one request each: the halves of a value belong to the
 * same moment. What is refused together is shown as it was read alone.
 * Return: the last that went wrong.
 */
static struct probe_outcome read_runs(struct probe *probe)
{
	struct probe_outcome outcome, last = {PROBE_GOOD, 0};
	size_t n;

	for (size_t i = 0; i < probe->range.count; i += n + (n == 0)) {
		for (n = 0; i + n < probe->range.count && probe->there[i + n];)
			n++;
		if (n == 0) {
			probe->have[i] = false;
			continue;
		}
		outcome = read_part(probe, i, n);
		if (is_refusal(&outcome))
			memset(probe->have + i, true, n * sizeof(*probe->have));
		else if (outcome.result != PROBE_GOOD)
			last = outcome;
	}
	return last;
}

/* after a refusal of the whole: what is there, found out once. Return: as read_runs(). */
static struct probe_outcome find_out(struct probe *probe, const struct probe_outcome *refusal)
{
	struct probe_outcome outcome;

	report(probe, &probe->range, refusal);
	if (probe->range.count > SINGLES_MAX) {
		(void)fprintf(stderr,
			      "%u at a time are too many to try one by one; ask for %d at most\n",
			      probe->range.count, SINGLES_MAX);
		return *refusal;
	}
	outcome = read_singly(probe);
	if (outcome.result != PROBE_GOOD && !is_refusal(&outcome))
		return outcome;
	memcpy(probe->there, probe->have, probe->range.count * sizeof(*probe->have));
	probe->split = true;
	return read_runs(probe);
}

/* Return: how many registers were read */
static size_t read_all(struct probe *probe)
{
	struct probe_outcome outcome;
	size_t n = 0;

	outcome = probe->split ? read_runs(probe) : read_part(probe, 0, probe->range.count);
	if (is_refusal(&outcome) && probe->range.count > 1)
		outcome = find_out(probe, &outcome);
	for (size_t i = 0; i < probe->range.count; i++)
		n += probe->have[i];
	if (outcome.result != PROBE_GOOD && !(is_refusal(&outcome) && probe->range.count > 1)) {
		report(probe, &probe->range, &outcome);
		report_closed(probe, &outcome);
	}
	return n;
}

static void print(struct probe *probe, size_t n_read)
{
	struct probe_picture picture = {.range = probe->range,
					.target = &probe->target,
					.config = probe->config,
					.words = probe->words,
					.have = probe->have};
	char time[48];
	json_t *object;

	if (probe->options->json) {
		object = probe_json(&picture);
		(void)json_object_set_new(object, "time_ms", json_integer(clock_stamp().wall_ms));
		(void)json_object_set(object, "errors", probe->errors);
		(void)json_dumpf(object, stdout, COMMAND_JSON);
		(void)putchar('\n');
		json_decref(object);
		(void)json_array_clear(probe->errors);
		return;
	}
	if (probe->options->watch)
		(void)printf("\n--- %s\n",
			     command_time(clock_stamp().wall_ms,
					  probe->config ? probe->config->zone_min : 0, time));
	if (n_read > 0)
		probe_print(&picture, stdout);
}

static void print_heading(const struct probe *probe)
{
	struct probe_picture picture = {
		.range = probe->range, .target = &probe->target, .config = probe->config};
	char hint[PROBE_WHY_MAX];

	if (probe->options->json)
		return;
	probe_print_heading(&picture, stdout);
	if (probe_number_hint(&probe->range, probe->options->arguments[1], hint))
		(void)printf("Note: %s\n", hint);
	if (probe->daemon != PROBE_DAEMON_AWAY)
		(void)puts("The daemon polls this link too; this is a connection of its own.");
}

static int run(struct probe *probe)
{
	const struct timespec interval = {.tv_sec = probe->watch_ms / 1000,
					  .tv_nsec = probe->watch_ms % 1000 * 1000000L};
	size_t n_read;

	print_heading(probe);
	for (;;) {
		n_read = read_all(probe);
		print(probe, n_read);
		if (!probe->options->watch)
			return n_read > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
		if (fflush(stdout) != 0)
			return EXIT_FAILURE;	  /* nobody reads it any more; said by the caller */
		(void)nanosleep(&interval, NULL); /* a signal that does not end us is rare */
	}
}

int command_probe(const struct command_options *options)
{
	struct probe space = {.options = options, .errors = json_array()};
	CLEANUP(probe_done) struct probe *probe = &space;
	int r = parse(probe);

	if (r == 0)
		r = look_for_holes(probe);
	if (r == 0)
		r = ask_daemon(probe);
	if (r != 0)
		return r;
	probe->words = calloc(probe->range.count, sizeof(*probe->words));
	probe->have = calloc(probe->range.count, sizeof(*probe->have));
	probe->there = calloc(probe->range.count, sizeof(*probe->there));
	if (!probe->words || !probe->have || !probe->there ||
	    probe_wire_new(&probe->wire, &probe->target) < 0)
		return command_fail("out of memory");
	return run(probe);
}
