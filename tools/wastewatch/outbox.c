/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `wastewatch outbox`: what is on its way to the department. "list" and "show" read the record,
 * so that they answer while the daemon is down, too; all else is done by the daemon, which puts
 * it into the record with the user's name.
 */
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "core/catalogue.h"
#include "core/history.h"
#include "tools/bus.h"
#include "tools/command.h"
#include "tools/incidents.h"
#include "tools/lines.h"
#include "tools/say.h"
#include "tools/scrub.h"

#define LISTED_MAX 200 /* for people; programs get all */

/** struct listing - @any: something was listed */
struct listing {
	int zone_min;
	int64_t now_ms;
	bool any;
};

/* --- one report ---------------------------------------------------------------------- */

static void set_text(json_t *object, const char *key, const char *text)
{
	if (*text)
		(void)json_object_set_new(object, key, json_string(text));
}

static void set_time(json_t *object, const char *key, int64_t ms, int zone_min)
{
	if (ms)
		(void)json_object_set_new(object, key, incidents_time(ms, zone_min));
}

static json_t *object_of(const struct history_queued *report, int zone_min)
{
	static const char *const lanes[] = {"emergency", "report", "file"};
	json_t *object = json_object();

	set_text(object, "report", report->webhook_id);
	set_text(object, "destination", report->destination);
	set_text(object, "incident", report->incident);
	set_text(object, "type", report->type);
	set_text(object, "lane", lanes[MIN(MAX(report->lane, 0), 2)]);
	set_text(object, "state", report->state);
	set_time(object, "created", report->created_ms, zone_min);
	(void)json_object_set_new(object, "attempts", json_integer(report->attempts));
	set_time(object, "last", report->last_ms, zone_min);
	set_time(object, "next", report->next_ms, zone_min);
	if (report->http_status)
		(void)json_object_set_new(object, "http_status", json_integer(report->http_status));
	set_text(object, "error", report->error);
	set_time(object, "changed", report->changed_ms, zone_min);
	set_text(object, "changed_by", report->changed_by);
	set_text(object, "reason", report->reason);
	set_text(object, "replaced_by", report->replaced_by);
	if (report->n_skipped)
		(void)json_object_set_new(object, "skipped", json_integer(report->n_skipped));
	if (report->body)
		(void)json_object_set_new(object, "body", json_string(report->body));
	return object;
}

/* "refused 3 times (HTTP 404), again at 21:05:00" */
static void print_state(const struct history_queued *report, const struct listing *listing)
{
	char time[48], answer[32] = "";

	if (report->http_status)
		(void)snprintf(answer, sizeof(answer), "HTTP %d", (int)report->http_status);
	if (strcmp(report->state, "stopped") == 0 || strcmp(report->state, "abandoned") == 0)
		say("%s by %s (", *report->state == 's' ? tr("held back") : tr("abandoned"),
		    report->changed_by);
	else if (strcmp(report->state, "superseded") == 0)
		say("never sent, replaced by (");
	else
		say("%s, attempts: %lld (",
		    strcmp(report->state, "held") == 0 ? tr("refused by the receiver")
						       : say_word(report->state),
		    (long long)report->attempts);
	(void)fputs(*report->replaced_by		    ? report->replaced_by
		    : report->changed_ms && *report->reason ? report->reason
		    : *report->error			    ? report->error
		    : *answer				    ? answer
							    : tr("no answer so far"),
		    stdout);
	(void)putchar(')');
	if (report->next_ms > listing->now_ms &&
	    (strcmp(report->state, "pending") == 0 || strcmp(report->state, "held") == 0))
		say(", again at %.8s", command_time(report->next_ms, listing->zone_min, time) + 11);
}

static void each_line(void *userdata, const struct history_queued *report)
{
	struct listing *listing = userdata;
	char created[48];

	listing->any = true;
	(void)fputs(report->webhook_id, stdout);
	say("\n    to %s, %s%s, made %s\n    ", report->destination, report->type,
	    report->lane == 0 ? tr(" (emergency)") : "",
	    command_time(report->created_ms, listing->zone_min, created));
	print_state(report, listing);
	(void)putchar('\n');
}

static void each_json(void *userdata, const struct history_queued *report)
{
	const struct listing *listing = userdata;
	json_t *object = object_of(report, listing->zone_min);

	lines_print(object);
	json_decref(object);
}

/* --- list ---------------------------------------------------------------------------- */

static void each_count(void *userdata, const char *destination, const char *state, int64_t n)
{
	static const struct {
		const char *state;
		const char *words;
	} rows[] = {
		{"stopped", N_("held back by somebody; they go after: wastewatch outbox release")},
		{"abandoned",
		 N_("abandoned, kept with the reason; see: wastewatch outbox list --all")},
		{"superseded",
		 N_("never sent, since a newer update of the incident has replaced them")},
	};

	(void)userdata;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(rows[i].state, state) == 0)
			(void)printf("%s: %lld %s\n", destination, (long long)n, tr(rows[i].words));
}

static void each_paused(void *userdata, const char *destination, int64_t since_ms,
			const char *reason)
{
	const struct listing *listing = userdata;
	char since[48];

	say("%s: PAUSED since %s, its receiver wants nothing more (", destination,
	    command_time(since_ms, listing->zone_min, since));
	(void)fputs(reason, stdout);
	say("); to go on: wastewatch outbox resume %s\n", destination);
}

static int print_list(struct history *history, const struct command_options *options,
		      struct listing *listing, const char *destination)
{
	int most = options->json ? INT_MAX : LISTED_MAX, n = 0, r = 0;

	if (!options->json)
		n = history_paused(history, each_paused, listing);
	if (n >= 0)
		r = history_queue(history, destination, options->all, most,
				  options->json ? each_json : each_line, listing);
	if (r < 0 || n < 0 || options->json)
		return MIN(r, n);
	if (!listing->any)
		say("Nothing waits to be delivered.\n");
	if (r == most)
		(void)command_fail("only the first %d are shown; all: --json", most);
	return MIN(history_set_aside(history, each_count, NULL), 0);
}

static int open_record(struct history **ret, const struct command_options *options,
		       struct listing *listing)
{
	return command_open_record(options, ret, &listing->zone_min);
}

static int list(const struct command_options *options)
{
	CLEANUP(history_close) struct history *history = NULL;
	struct listing listing = {.now_ms = clock_stamp().wall_ms};
	const char *destination = options->n_arguments > 1 ? options->arguments[1] : NULL;
	int status = open_record(&history, options, &listing);

	if (status == EXIT_SUCCESS && print_list(history, options, &listing, destination) < 0)
		return command_unreadable(history);
	return status;
}

/* --- show ---------------------------------------------------------------------------- */

/** struct showing - @status: of the command */
struct showing {
	struct listing listing;
	const struct command_options *options;
	int status;
};

static void show_text(const struct showing *showing, const struct history_queued *report)
{
	json_t *object = object_of(report, showing->listing.zone_min), *value;
	const char *key;

	(void)json_object_del(object, "body");
	scrub_json(object);
	json_object_foreach (object, key, value) {
		if (json_is_integer(value))
			(void)printf("%-12s %lld\n", key, (long long)json_integer_value(value));
		else
			(void)printf("%-12s %s\n", key, json_string_value(value));
	}
	json_decref(object);
	(void)putchar('\n');
	(void)fputs(report->body, stdout);
	(void)putchar('\n');
}

static void each_shown(void *userdata, const struct history_queued *report)
{
	struct showing *showing = userdata;

	if (showing->options->body && !*report->body)
		showing->status = command_fail(
			"report %s has no body any more: it was never sent, and %s says what it "
			"said",
			report->webhook_id, report->replaced_by);
	else if (showing->options->body)
		(void)fputs(report->body, stdout);
	else if (showing->options->json)
		each_json(&showing->listing, report);
	else
		show_text(showing, report);
}

static int show(const struct command_options *options)
{
	CLEANUP(history_close) struct history *history = NULL;
	struct showing showing = {.options = options};
	int r;

	showing.status = open_record(&history, options, &showing.listing);
	if (showing.status != EXIT_SUCCESS)
		return showing.status;
	r = history_report(history, options->arguments[1], each_shown, &showing);
	if (r < 0)
		return command_unreadable(history);
	if (r == 0) {
		(void)command_fail("there is no report %s; see: wastewatch outbox list",
				   options->arguments[1]);
		return EXIT_MISSING;
	}
	return showing.status;
}

/* --- what people do ------------------------------------------------------------------ */

static int tell(const struct command_options *options, const char *method, const char *done)
{
	CLEANUP(bus_close) struct bus *bus = NULL;
	char error[BUS_ERROR_MAX];
	int status = EXIT_SUCCESS;

	if (bus_open(&bus, options->bus, error) < 0) {
		(void)command_fail("%s", error);
		return EXIT_DOWN;
	}
	for (size_t i = 1; i < options->n_arguments; i++) {
		const char *target = options->arguments[i];
		const struct bus_argument arguments[] = {
			{.type = 's', .text = target},
			{.type = 's', .text = options->reason ? options->reason : ""},
		};
		int r = bus_act(bus, false, method, arguments, ARRAY_SIZE(arguments), error);
		json_t *object = json_pack("{s:s, s:s, s:b}", "action", options->arguments[0],
					   "target", target, "done", r >= 0);

		if (r < 0)
			(void)json_object_set_new(object, "error", json_string(error));
		if (options->json)
			lines_print(object);
		else if (r < 0)
			(void)command_fail("%s", error);
		else
			(void)printf("%s: %s\n", target, tr(done));
		json_decref(object);
		status = MAX(status, command_exit(r));
	}
	return status;
}

/* @least, @most: arguments with the verb; @run: NULL: @method of the daemon */
static const struct verb {
	const char *name;
	int (*run)(const struct command_options *options);
	size_t least;
	size_t most;
	const char *method;
	const char *done;
	bool needs_reason;
} verbs[] = {
	{"list", list, 1, 2, NULL, NULL, false},
	{"show", show, 2, 2, NULL, NULL, false},
	{"retry", NULL, 2, SIZE_MAX, "RetryReport", N_("tried now"), false},
	{"hold", NULL, 2, SIZE_MAX, "HoldReport", N_("held back"), true},
	{"release", NULL, 2, SIZE_MAX, "ReleaseReport", N_("goes again"), false},
	{"abandon", NULL, 2, SIZE_MAX, "AbandonReport", N_("abandoned, kept in the record"), true},
	{"resume", NULL, 2, SIZE_MAX, "ResumeDestination", N_("reports go there again"), false},
};

static int usage(const char *what)
{
	return say_wrong("%s; see: wastewatch outbox --help", tr(what));
}

int command_outbox(const struct command_options *options)
{
	const struct verb *verb = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (strcmp(verbs[i].name, options->arguments[0]) == 0)
			verb = &verbs[i];
	if (!verb || options->n_arguments < verb->least || options->n_arguments > verb->most)
		return usage(N_(
			"outbox takes a verb: list, show, retry, hold, release, abandon, resume"));
	if (verb->run)
		return options->reason ? usage(N_("nothing is done here that wants a reason"))
				       : verb->run(options);
	if (verb->needs_reason && !(options->reason && *options->reason))
		return usage(N_("that needs --reason TEXT: it is read months later"));
	return tell(options, verb->method, verb->done);
}
