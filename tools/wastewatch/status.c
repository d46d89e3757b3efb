/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What needs attention now: the live part comes from the daemon's status.json, the rest
 * from the record, so that it answers while the daemon is down too.
 */
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "core/control.h"
#include "core/fields.h"
#include "core/history.h"
#include "tools/command.h"
#include "tools/live.h"
#include "tools/status_anchor.h"
#include "tools/status_record.h"
#include "tools/status_sandbox.h"
#include "tools/status_storage.h"
#include "tools/status_table.h"
#include "tools/wrap.h"

#define STATUS_STUCK_MS 600000 /* a report older than this says that delivery does not work */

/** struct picture - all there is to say; @attention: lines for what is not in order */
struct picture {
	json_t *live; /* NULL: the daemon is down */
	json_t *raised;
	json_t *incidents;
	int64_t n_unclosed;
	json_t *attention;
	struct history_outbox outbox;
	int64_t head;
	int zone_min;
	int64_t now_ms;
};

__attribute__((format(printf, 2, 3))) static void attend(struct picture *picture,
							 const char *format, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&text, format, ap) >= 0)
		(void)json_array_append_new(picture->attention, json_string(text));
	va_end(ap);
	free(text);
}

static int64_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

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

	if (!alarm)
		attend(picture, "limit broken: %s, for %s", path, span);
	else
		attend(picture, "limit broken: %s, for %s: worst %s%s%s, %s %s%s%s (%s), %s%s%s",
		       path, span, field_text(alarm, "worst"), *unit ? " " : "", unit,
		       strcmp(field_text(alarm, "side"), "low") == 0 ? "at least" : "at most",
		       field_text(alarm, "bound"), *unit ? " " : "", unit, field_text(alarm, "on"),
		       field_text(alarm, "state"), *advice ? ". " : "", advice);
}

static bool is_hidden(const json_t *alarm)
{
	return json_object_get(alarm, "shelved_until_ms") ||
	       json_object_get(alarm, "out_of_service") || json_object_get(alarm, "suppressed");
}

/* what calls nobody needs no attention; print_hidden() counts it */
static void take_raised(void *userdata, const char *path, int64_t since_ms, const char *value)
{
	struct picture *picture = userdata;
	const json_t *alarm = live_alarm(picture, path);
	json_t *object = json_object();
	char span[48];

	(void)json_object_set_new(object, "limit", json_string(path));
	(void)json_object_set_new(object, "since_ms", json_integer(since_ms));
	(void)json_object_set_new(object, "value", json_string(value));
	(void)json_array_append_new(picture->raised, object);
	if (!is_hidden(alarm))
		attend_raised(picture, path, command_span(picture->now_ms - since_ms, span), alarm);
}

static void take_incident(void *userdata, const struct history_incident *incident)
{
	struct picture *picture = userdata;
	json_t *object = json_object();
	char span[48];

	(void)json_object_set_new(object, "id", json_string(incident->id));
	(void)json_object_set_new(object, "class", json_string(incident->class));
	(void)json_object_set_new(object, "level", json_string(incident->level));
	(void)json_object_set_new(object, "acknowledged",
				  json_boolean(incident->acknowledged_ms > 0));
	(void)json_object_set_new(object, "opened_ms", json_integer(incident->opened_ms));
	(void)json_array_append_new(picture->incidents, object);
	attend(picture, "%s incident, class %s, for %s: wastewatch show %s", incident->kind,
	       incident->class, command_span(picture->now_ms - incident->opened_ms, span),
	       incident->id);
}

static void look_at_daemon(struct picture *picture, const struct command_options *options)
{
	int64_t age_ms = 0;
	char span[48];

	switch (live_load(options, picture->now_ms, &picture->live, &age_ms)) {
	case LIVE_OK:
		break;
	case LIVE_NONE:
		attend(picture,
		       "wastewatchd is not running (no %s/status.json): systemctl status "
		       "wastewatchd",
		       options->runtime);
		break;
	case LIVE_OLD:
		attend(picture,
		       "wastewatchd is gone, or has said nothing for %s; what follows is from "
		       "the record only: systemctl status wastewatchd",
		       command_span(age_ms, span));
		break;
	}
}

/* without one by intention there is nothing to mend */
static void look_at_bus(struct picture *picture)
{
	const json_t *bus = json_object_get(picture->live, "bus");

	if (bus && !json_is_true(json_object_get(bus, "ready")) &&
	    strcmp(field_text(bus, "state"), CONTROL_OFF) != 0)
		attend(picture,
		       "nothing can be acknowledged, shelved or closed (%s): systemctl reload "
		       "dbus, systemctl status dbus",
		       field_text(bus, "state"));
}

/* a serial device has no port */
static const char *place_of(const json_t *link, char *place, size_t n)
{
	if (number(link, "port") == 0)
		return field_text(link, "host");
	(void)snprintf(place, n, "%s:%lld", field_text(link, "host"),
		       (long long)number(link, "port"));
	return place;
}

static void look_at_links(struct picture *picture)
{
	const json_t *link;
	char place[300];
	size_t i;

	json_array_foreach (json_object_get(picture->live, "links"), i, link) {
		if (strcmp(field_text(link, "state"), "up") != 0)
			attend(picture, "link %s/%s (%s) is %s%s%s", field_text(link, "site"),
			       field_text(link, "link"), place_of(link, place, sizeof(place)),
			       field_text(link, "state"), *field_text(link, "error") ? ": " : "",
			       field_text(link, "error"));
		else if (number(link, "silent_units") > 0)
			attend(picture, "link %s/%s: %lld units do not answer",
			       field_text(link, "site"), field_text(link, "link"),
			       (long long)number(link, "silent_units"));
		if (number(link, "refused_parts") > 0)
			attend(picture,
			       "link %s/%s: units refuse %lld parts of what they are asked: "
			       "journalctl -u wastewatch-poller",
			       field_text(link, "site"), field_text(link, "link"),
			       (long long)number(link, "refused_parts"));
	}
}

static void look_at_drills(struct picture *picture)
{
	const json_t *site;
	char span[48], interval[48];
	size_t i;

	json_array_foreach (json_object_get(picture->live, "drills_due"), i, site) {
		attend(picture,
		       "%s: no drill for %s, one is wanted every %s: wastewatch drill start %s "
		       "SCENARIO",
		       field_text(site, "site"),
		       command_span(picture->now_ms - number(site, "since_ms"), span),
		       command_span(number(site, "interval_ms"), interval),
		       field_text(site, "site"));
	}
}

/* what is coming, and what is hidden: shown, so that nothing is forgotten */
static void look_at_alarms(struct picture *picture)
{
	const json_t *figures = json_object_get(picture->live, "alarm_figures"), *forecast;
	char span[48];
	size_t i;

	json_array_foreach (json_object_get(picture->live, "forecasts"), i, forecast) {
		if (json_is_true(json_object_get(forecast, "unavoidable")))
			attend(picture,
			       "%s will be broken by the %s that is running, whatever comes",
			       field_text(forecast, "limit"), field_text(forecast, "on"));
		else
			attend(picture,
			       "%s will be broken by the %s that is running; it can be "
			       "prevented for %s",
			       field_text(forecast, "limit"), field_text(forecast, "on"),
			       command_span(MAX(number(forecast, "due_ms") - picture->now_ms, 0),
					    span));
	}
	if (json_is_true(json_object_get(figures, "flood")))
		attend(picture, "a flood of alarms, %lld in ten minutes: begin with the incidents",
		       (long long)number(figures, "alarms_10min"));
	if (number(figures, "stale") > 0)
		attend(picture, "%lld alarms have stood for more than a day",
		       (long long)number(figures, "stale"));
	if (number(figures, "chattering") > 0)
		attend(picture,
		       "%lld alarms come and go three times a minute: a deadband or a "
		       "delay is missing",
		       (long long)number(figures, "chattering"));
}

static void look_at_anchors(struct picture *picture)
{
	const json_t *anchor;
	char words[STATUS_ANCHOR_MAX];
	size_t i;

	json_array_foreach (json_object_get(picture->live, "anchors"), i, anchor)
		for (int which = 0; which < N_STATUS_ANCHOR; which++)
			if (status_anchor(anchor, (enum status_anchor)which, words))
				attend(picture, "%s", words);
}

static void look_at_live(struct picture *picture)
{
	char text[STATUS_RECORD_MAX];
	const json_t *channel;
	size_t i;

	if (number(picture->live, "pollers_reading") < number(picture->live, "pollers_wanted"))
		attend(picture, "the poller reads nothing: systemctl status wastewatch-poller");
	if (!json_is_true(json_object_get(picture->live, "sender")))
		attend(picture, "no sender is there, reports wait: systemctl status "
				"wastewatch-sender");
	if (status_record_attention(picture->live, text))
		attend(picture, "%s", text);
	look_at_bus(picture);
	look_at_links(picture);
	json_array_foreach (json_object_get(picture->live, "channels"), i, channel) {
		if (json_is_true(json_object_get(channel, "lost")))
			attend(picture, "%s is not being measured: %s",
			       field_text(channel, "channel"), field_text(channel, "reason"));
	}
	look_at_alarms(picture);
	look_at_anchors(picture);
	if (number(picture->live, "reports_stranded") > 0)
		attend(picture,
		       "%lld reports or data files wait for a destination that is no longer "
		       "configured: "
		       "journalctl WASTEWATCH_TYPE=reports.stranded",
		       (long long)number(picture->live, "reports_stranded"));
	status_storage(picture->live, picture->attention);
}

static void take_paused(void *userdata, const char *destination, int64_t since_ms,
			const char *reason)
{
	struct picture *picture = userdata;
	char span[48];

	attend(picture, "%s wants no more reports, for %s (%s): wastewatch outbox resume %s",
	       destination, command_span(picture->now_ms - since_ms, span), reason, destination);
}

static void look_at_outbox(struct picture *picture)
{
	char span[48];
	int64_t age_ms = picture->now_ms - picture->outbox.oldest_ms;

	if (picture->outbox.n_held > 0)
		attend(picture, "%lld reports were refused by the receiver and are held",
		       (long long)picture->outbox.n_held);
	else if (picture->outbox.n_waiting > 0 && age_ms > STATUS_STUCK_MS)
		attend(picture, "%lld reports wait to be delivered, the oldest for %s",
		       (long long)picture->outbox.n_waiting, command_span(age_ms, span));
	if (picture->outbox.n_stopped > 0)
		attend(picture, "%lld reports are held back by somebody: wastewatch outbox list",
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
	attend(picture, "%lld data files wait to be delivered, since %s (%s)%s",
	       (long long)outbox->n_files,
	       command_time(outbox->oldest_file_ms, picture->zone_min, since),
	       command_span(age_ms, span),
	       outbox->n_files_held > 0
		       ? "; the server refused some: journalctl WASTEWATCH_TYPE=report.held"
		       : "");
}

static void print_drills(const struct picture *picture)
{
	const json_t *drill;
	char time[48];
	size_t i;

	json_array_foreach (json_object_get(picture->live, "drills"), i, drill) {
		(void)printf("EXERCISE at %s until %.8s: %s (%s); to end it: wastewatch drill stop "
			     "%s\n",
			     field_text(drill, "site"),
			     command_time(number(drill, "until_ms"), picture->zone_min, time) + 11,
			     field_text(drill, "scenario"), field_text(drill, "title"),
			     field_text(drill, "site"));
	}
}

static void print_picture(const struct picture *picture)
{
	const json_t *line;
	size_t i, n = json_array_size(picture->attention);
	char time[48];

	(void)printf("wastewatch %s  %s\n",
		     picture->live ? field_text(picture->live, "origin") : "(from the record)",
		     command_time(picture->now_ms, picture->zone_min, time));
	(void)printf("Incidents running: %zu. Limits broken: %zu. Reports waiting: %lld. "
		     "Data files waiting: %lld. Record: %lld entries.\n",
		     json_array_size(picture->incidents), json_array_size(picture->raised),
		     (long long)picture->outbox.n_waiting, (long long)picture->outbox.n_files,
		     (long long)picture->head);
	status_record_print(picture->live, picture->zone_min);
	status_sandbox_print(picture->live);
	print_drills(picture);
	if (picture->n_unclosed > 0)
		(void)printf("Ended and not closed: %lld, each wants its cause and measures; see: "
			     "wastewatch incidents\n",
			     (long long)picture->n_unclosed);
	status_hidden_print(picture->live);
	(void)puts(n == 0 ? "All in order." : "\nNeeds attention:");
	json_array_foreach (picture->attention, i, line) {
		(void)fputs("  ! ", stdout);
		if (strstr(json_string_value(line), ": wastewatch ")) /* to be copied whole */
			(void)puts(json_string_value(line));
		else
			wrap_print(4, 4, json_string_value(line));
	}
	status_table_print(picture->live);
}

static void print_json(const struct picture *picture)
{
	json_t *object = json_object(), *outbox = json_object(), *files = json_object();

	(void)json_object_set_new(outbox, "waiting", json_integer(picture->outbox.n_waiting));
	(void)json_object_set_new(outbox, "held", json_integer(picture->outbox.n_held));
	(void)json_object_set_new(outbox, "stopped", json_integer(picture->outbox.n_stopped));
	(void)json_object_set_new(object, "outbox", outbox);
	(void)json_object_set_new(files, "waiting", json_integer(picture->outbox.n_files));
	(void)json_object_set_new(files, "held", json_integer(picture->outbox.n_files_held));
	if (picture->outbox.n_files > 0)
		(void)json_object_set_new(files, "oldest_ms",
					  json_integer(picture->outbox.oldest_file_ms));
	(void)json_object_set_new(object, "files", files);
	(void)json_object_set_new(object, "entries", json_integer(picture->head));
	(void)json_object_set_new(object, "running", json_boolean(picture->live));
	(void)json_object_set(object, "attention", picture->attention);
	(void)json_object_set(object, "alarms", picture->raised);
	(void)json_object_set(object, "incidents", picture->incidents);
	(void)json_object_set_new(object, "incidents_unclosed", json_integer(picture->n_unclosed));
	if (picture->live)
		(void)json_object_set(object, "live", picture->live);
	(void)json_dumpf(object, stdout, JSON_COMPACT | JSON_SORT_KEYS);
	(void)putchar('\n');
	json_decref(object);
}

static int read_record(struct picture *picture, const struct command_options *options)
{
	CLEANUP(history_close) struct history *history = NULL;
	char error[256];
	int r = history_open(&history, options->state, error);

	if (r < 0) {
		attend(picture, "%s", error);
		return r;
	}
	r = history_incidents(history, NULL, true, 100, take_incident, picture);
	if (r >= 0) {
		picture->n_unclosed = history_unclosed(history);
		r = (int)MIN(picture->n_unclosed, 0);
	}
	if (r >= 0)
		r = history_raised(history, take_raised, picture);
	if (r >= 0)
		r = history_outbox(history, &picture->outbox);
	if (r >= 0)
		r = history_paused(history, take_paused, picture);
	if (r >= 0)
		r = history_head(history, &picture->head, &picture->zone_min);
	if (r < 0)
		attend(picture, "the record cannot be read: %s", history_error(history));
	return r;
}

int command_status(const struct command_options *options)
{
	struct picture picture = {
		.raised = json_array(),
		.incidents = json_array(),
		.attention = json_array(),
		.now_ms = clock_stamp().wall_ms,
	};
	int r;

	look_at_daemon(&picture, options);
	r = read_record(&picture, options);
	if (r >= 0) {
		look_at_outbox(&picture);
		look_at_files(&picture);
	}
	if (picture.live)
		look_at_live(&picture);
	look_at_drills(&picture);
	if (options->json)
		print_json(&picture);
	else
		print_picture(&picture);
	if (r < 0)
		r = EXIT_FAILURE; /* half of the answer is missing */
	else
		r = json_array_size(picture.attention) > 0 ? EXIT_ATTENTION : EXIT_SUCCESS;
	json_decref(picture.live);
	json_decref(picture.raised);
	json_decref(picture.incidents);
	json_decref(picture.attention);
	return r;
}
