/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What needs attention now: the live part comes from the daemon's status.json, the rest
 * from the record, so that it answers while the daemon is down too. The gravest comes first, the
 * whole of a plant in order fits on 80 columns and 24 lines.
 */
#include "tools/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/macro.h"
#include "core/catalogue.h"
#include "core/fields.h"
#include "tools/incidents.h"
#include "tools/say.h"
#include "tools/scrub.h"
#include "tools/term.h"
#include "tools/wrap.h"

#define STATUS_STUCK_MS 600000 /* a report older than this says that delivery does not work */
#define KIND_MOST	4      /* lines of one kind; the rest is a number */

void attend(struct picture *picture, enum rank rank, const char *kind, const char *format, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&text, tr(format), ap) >= 0)
		(void)json_array_append_new(
			picture->attention[rank],
			json_pack("{s:s, s:s}", "text", text, "kind", kind ? kind : ""));
	va_end(ap);
	free(text);
}

/* --- from the record -------------------------------------------------------------------- */

/* what the daemon says of an alarm beside the record; NULL it is down, or there are too many */
static const json_t *live_alarm(const struct picture *picture, const char *path)
{
	const json_t *alarm;
	size_t i;

	json_array_foreach (json_object_get(picture->live, "alarms"), i, alarm) {
		if (strcmp(field_text(alarm, "limit"), path) == 0)
			return alarm;
	}
	return NULL;
}

/* how bad it is, and what to do about it */
static void attend_raised(struct picture *picture, const char *path, const char *span,
			  const json_t *alarm)
{
	const char *unit = field_text(alarm, "unit"), *advice = field_text(alarm, "advice");
	const char *blank = *unit ? " " : "";

	if (!alarm)
		attend(picture, RANK_WASTE, "alarms", "limit broken: %s, for %s", path, span);
	else if (strcmp(field_text(alarm, "side"), "low") == 0)
		attend(picture, RANK_WASTE, "alarms",
		       "limit broken: %s, for %s: worst %s%s%s, at least %s%s%s (%s), %s%s%s", path,
		       span, field_text(alarm, "worst"), blank, unit, field_text(alarm, "bound"),
		       blank, unit, say_word(field_text(alarm, "on")),
		       say_word(field_text(alarm, "state")), *advice ? ". " : "", advice);
	else
		attend(picture, RANK_WASTE, "alarms",
		       "limit broken: %s, for %s: worst %s%s%s, at most %s%s%s (%s), %s%s%s", path,
		       span, field_text(alarm, "worst"), blank, unit, field_text(alarm, "bound"),
		       blank, unit, say_word(field_text(alarm, "on")),
		       say_word(field_text(alarm, "state")), *advice ? ". " : "", advice);
}

static bool is_hidden(const json_t *alarm)
{
	return json_object_get(alarm, "shelved_until_ms") ||
	       json_object_get(alarm, "out_of_service") || json_object_get(alarm, "suppressed");
}

/* what calls nobody needs no attention; the summary counts it */
static void take_raised(void *userdata, const char *path, int64_t since_ms, const char *value)
{
	struct picture *picture = userdata;
	const json_t *alarm = live_alarm(picture, path);
	char span[48];

	(void)json_array_append_new(picture->raised,
				    json_pack("{s:s, s:I, s:s}", "limit", path, "since_ms",
					      (json_int_t)since_ms, "value", value));
	if (!is_hidden(alarm))
		attend_raised(picture, path, command_span(picture->now_ms - since_ms, span), alarm);
}

static void take_incident(void *userdata, const struct history_incident *incident)
{
	struct picture *picture = userdata;
	char span[48];

	(void)json_array_append_new(picture->incidents,
				    json_pack("{s:s, s:s, s:s, s:b, s:I}", "id", incident->id,
					      "class", incident->class, "level", incident->level,
					      "acknowledged", incident->acknowledged_ms > 0,
					      "opened_ms", (json_int_t)incident->opened_ms));
	attend(picture, RANK_WASTE, "incidents",
	       incidents_is_low(incident)
		       ? N_("%s incident, class %s, for %s, flow not measured, the level may be "
			    "too low: wastewatch show %s")
		       : N_("%s incident, class %s, for %s: wastewatch show %s"),
	       say_word(incident->kind), say_word(incident->class),
	       command_span(picture->now_ms - incident->opened_ms, span), incident->id);
}

static void take_alarm(void *userdata, const struct history_alarm *alarm)
{
	struct picture *picture = userdata;

	picture->n_unseen += strstr(alarm->condition, "unacknowledged") != NULL;
	picture->n_shelved += *alarm->shelved_by != '\0';
	picture->n_suppressed += alarm->suppressed;
	picture->n_out += alarm->out_of_service;
}

static void take_paused(void *userdata, const char *destination, int64_t since_ms,
			const char *reason)
{
	struct picture *picture = userdata;
	char span[48];

	attend(picture, RANK_FAULT, NULL,
	       "%s wants no more reports, for %s (%s): wastewatch outbox resume %s", destination,
	       command_span(picture->now_ms - since_ms, span), reason, destination);
}

static void look_at_outbox(struct picture *picture)
{
	char span[48];
	int64_t age_ms = picture->now_ms - picture->outbox.oldest_ms;

	if (picture->outbox.n_held > 0)
		attend(picture, RANK_FAULT, NULL,
		       "%lld reports were refused by the receiver and are held: wastewatch outbox "
		       "list",
		       (long long)picture->outbox.n_held);
	else if (picture->outbox.n_waiting > 0 && age_ms > STATUS_STUCK_MS)
		attend(picture, RANK_FAULT, NULL,
		       "%lld reports wait to be delivered, the oldest for %s: wastewatch outbox "
		       "list",
		       (long long)picture->outbox.n_waiting, command_span(age_ms, span));
	if (picture->outbox.n_stopped > 0)
		attend(picture, RANK_LATER, NULL,
		       "%lld reports are held back by somebody: wastewatch outbox list",
		       (long long)picture->outbox.n_stopped);
}

/* a file lies there for the moment of its delivery every five minutes */
static void look_at_files(struct picture *picture)
{
	const struct history_outbox *outbox = &picture->outbox;
	char since[48], span[48];
	int64_t age_ms = picture->now_ms - outbox->oldest_file_ms;

	if (outbox->n_files_held == 0 && (outbox->n_files == 0 || age_ms <= STATUS_STUCK_MS))
		return;
	(void)command_time(outbox->oldest_file_ms, picture->zone_min, since);
	(void)command_span(age_ms, span);
	if (outbox->n_files_held > 0)
		attend(picture, RANK_FAULT, NULL,
		       "%lld data files wait to be delivered, since %s (%s); the server refused "
		       "some: journalctl WASTEWATCH_TYPE=report.held",
		       (long long)outbox->n_files, since, span);
	else
		attend(picture, RANK_FAULT, NULL,
		       "%lld data files wait to be delivered, since %s (%s)",
		       (long long)outbox->n_files, since, span);
}

/* Return: 0; an exit status, said */
static int read_record(struct picture *picture)
{
	CLEANUP(history_close) struct history *history = NULL;
	int r = command_open_record(picture->options, &history, NULL);

	if (r != 0) {
		attend(picture, RANK_BLIND, NULL, "the record in %s cannot be read",
		       picture->options->state);
		return r;
	}
	r = history_head(history, &picture->head, &picture->zone_min);
	if (r >= 0)
		r = history_incidents(history, NULL, true, 100, take_incident, picture);
	if (r >= 0) {
		picture->n_unclosed = history_unclosed(history);
		r = (int)MIN(picture->n_unclosed, 0);
	}
	if (r >= 0)
		r = history_raised(history, take_raised, picture);
	if (r >= 0)
		r = history_alarms(history, take_alarm, picture);
	if (r >= 0)
		r = history_outbox(history, &picture->outbox);
	if (r >= 0)
		r = history_paused(history, take_paused, picture);
	if (r < 0) {
		attend(picture, RANK_BLIND, NULL, "the record cannot be read: %s",
		       history_error(history));
		return EXIT_FAILURE;
	}
	picture->has_record = true;
	look_at_outbox(picture);
	look_at_files(picture);
	return 0;
}

/* --- for people ------------------------------------------------------------------------- */

static size_t n_attention(const struct picture *picture)
{
	size_t n = 0;

	for (int rank = 0; rank < N_RANKS; rank++)
		n += json_array_size(picture->attention[rank]);
	return n;
}

/* in one word, as in --json and as it is shown */
static const struct verdict {
	const char *name;
	const char *words;
	enum term_colour colour;
} verdicts[] = {
	{"down", N_("NOT RUNNING"), TERM_RED},
	{"failed", N_("NOT WORKING"), TERM_RED}, /* not all is read, stored and told */
	{"attention", N_("ATTENTION"), TERM_YELLOW},
	{"good", N_("IN ORDER"), TERM_GREEN},
};

static const struct verdict *verdict_of(const struct picture *picture)
{
	if (!picture->live)
		return &verdicts[0];
	if (!json_is_true(json_object_get(picture->live, "health")) ||
	    json_array_size(picture->attention[RANK_BLIND]) > 0)
		return &verdicts[1];
	return &verdicts[n_attention(picture) > 0 ? 2 : 3];
}

static void print_head(const struct picture *picture)
{
	const struct verdict *verdict = verdict_of(picture);
	char time[48];

	(void)printf("%s%s%s  %s  %s\n", term_colour(verdict->colour), tr(verdict->words),
		     term_colour(TERM_PLAIN),
		     picture->live ? field_text(picture->live, "origin") : tr("(from the record)"),
		     command_time(picture->now_ms, picture->zone_min, time));
}

/* what is to be copied stays whole, in a line of its own where it would not fit */
static void print_attention(enum rank rank, const char *text)
{
	static const enum term_colour colours[] = {[RANK_BLIND] = TERM_RED,
						   [RANK_WASTE] = TERM_RED,
						   [RANK_FAULT] = TERM_YELLOW,
						   [RANK_LATER] = TERM_PLAIN};
	const char *command = strstr(text, ": wastewatch ");
	char before[1024];

	(void)printf("  %s!%s ", term_colour(colours[rank]), term_colour(TERM_PLAIN));
	if (!command) {
		wrap_print(4, 4, text);
	} else if ((size_t)say_width(text) + 4 <= term_width()) {
		(void)puts(text);
	} else {
		(void)snprintf(before, sizeof(before), "%.*s", (int)(command + 1 - text), text);
		wrap_print(4, 4, before);
		(void)printf("      %s\n", command + 2);
	}
}

/* a kind with many lines shows the first, and how many more there are */
static void print_rank(const struct picture *picture, enum rank rank)
{
	const char *kind = "";
	size_t i, n_kind = 0;
	json_t *line;

	json_array_foreach (picture->attention[rank], i, line) {
		const json_t *next = json_array_get(picture->attention[rank], i + 1);

		n_kind = strcmp(field_text(line, "kind"), kind) == 0 ? n_kind + 1 : 1;
		kind = field_text(line, "kind");
		if (!*kind || n_kind <= KIND_MOST)
			print_attention(rank, field_text(line, "text"));
		else if (strcmp(field_text(next, "kind"), kind) != 0)
			say("    and %zu more: wastewatch %s\n", n_kind - KIND_MOST, kind);
	}
}

static void print_picture(const struct picture *picture)
{
	scrub_json(picture->live);
	print_head(picture);
	(void)putchar('\n');
	if (n_attention(picture) == 0)
		say("All in order.\n");
	for (int rank = 0; rank < N_RANKS; rank++) {
		scrub_json(picture->attention[rank]);
		print_rank(picture, (enum rank)rank);
	}
	(void)putchar('\n');
	status_summary(picture);
}

/* --- for programs ----------------------------------------------------------------------- */

static void print_json(const struct picture *picture)
{
	json_t *object = json_object(), *lines = json_array();

	for (int rank = 0; rank < N_RANKS; rank++) {
		json_t *line;
		size_t i;

		json_array_foreach (picture->attention[rank], i, line) {
			(void)json_array_append(lines, json_object_get(line, "text"));
		}
	}
	(void)json_object_set_new(object, "health", json_string(verdict_of(picture)->name));
	(void)json_object_set_new(object, "outbox",
				  json_pack("{s:I, s:I, s:I}", "waiting",
					    (json_int_t)picture->outbox.n_waiting, "held",
					    (json_int_t)picture->outbox.n_held, "stopped",
					    (json_int_t)picture->outbox.n_stopped));
	(void)json_object_set_new(object, "files",
				  json_pack("{s:I, s:I}", "waiting",
					    (json_int_t)picture->outbox.n_files, "held",
					    (json_int_t)picture->outbox.n_files_held));
	if (picture->outbox.n_files > 0)
		(void)json_object_set_new(json_object_get(object, "files"), "oldest_ms",
					  json_integer(picture->outbox.oldest_file_ms));
	(void)json_object_set_new(object, "entries", json_integer(picture->head));
	(void)json_object_set_new(object, "running", json_boolean(picture->live));
	(void)json_object_set_new(object, "clock_synchronised", json_boolean(status_clock()));
	(void)json_object_set_new(object, "attention", lines);
	(void)json_object_set(object, "alarms", picture->raised);
	(void)json_object_set(object, "incidents", picture->incidents);
	(void)json_object_set_new(object, "incidents_unclosed", json_integer(picture->n_unclosed));
	if (picture->live)
		(void)json_object_set(object, "live", picture->live);
	(void)json_dumpf(object, stdout, JSON_COMPACT | JSON_SORT_KEYS);
	(void)putchar('\n');
	json_decref(object);
}

int command_status(const struct command_options *options)
{
	struct picture picture = {
		.options = options,
		.raised = json_array(),
		.incidents = json_array(),
		.now_ms = clock_stamp().wall_ms,
	};
	int r;

	for (int rank = 0; rank < N_RANKS; rank++)
		picture.attention[rank] = json_array();
	status_look(&picture);
	r = read_record(&picture);
	if (options->json)
		print_json(&picture);
	else
		print_picture(&picture);
	if (r == 0 && n_attention(&picture) > 0)
		r = EXIT_ATTENTION; /* else half of the answer is missing, and that is graver */
	json_decref(picture.live);
	json_decref(picture.raised);
	json_decref(picture.incidents);
	for (int rank = 0; rank < N_RANKS; rank++)
		json_decref(picture.attention[rank]);
	return r;
}
