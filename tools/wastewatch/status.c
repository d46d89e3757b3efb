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
#include "tools/status.h"

#define STATUS_STUCK_MS 600000 /* a report older than this says that delivery does not work */

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

static void take_raised(void *userdata, const char *path, int64_t since_ms, const char *value)
{
	struct picture *picture = userdata;
	json_t *object = json_object();
	char span[48];

	(void)json_object_set_new(object, "limit", json_string(path));
	(void)json_object_set_new(object, "since_ms", json_integer(since_ms));
	(void)json_object_set_new(object, "value", json_string(value));
	(void)json_array_append_new(picture->raised, object);
	attend(picture, "limit broken: %s, for %s", path,
	       command_span(picture->now_ms - since_ms, span));
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
	if (field_number(link, "port") == 0)
		return field_text(link, "host");
	(void)snprintf(place, n, "%s:%lld", field_text(link, "host"),
		       (long long)field_number(link, "port"));
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
		else if (field_number(link, "silent_units") > 0)
			attend(picture, "link %s/%s: %lld units do not answer",
			       field_text(link, "site"), field_text(link, "link"),
			       (long long)field_number(link, "silent_units"));
		if (field_number(link, "refused_parts") > 0)
			attend(picture,
			       "link %s/%s: units refuse %lld parts of what they are asked: "
			       "journalctl -u wastewatch-poller",
			       field_text(link, "site"), field_text(link, "link"),
			       (long long)field_number(link, "refused_parts"));
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
		       command_span(picture->now_ms - field_number(site, "since_ms"), span),
		       command_span(field_number(site, "interval_ms"), interval),
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
			       command_span(
				       MAX(field_number(forecast, "due_ms") - picture->now_ms, 0),
				       span));
	}
	if (json_is_true(json_object_get(figures, "flood")))
		attend(picture, "a flood of alarms, %lld in ten minutes: begin with the incidents",
		       (long long)field_number(figures, "alarms_10min"));
	if (field_number(figures, "stale") > 0)
		attend(picture, "%lld alarms have stood for more than a day",
		       (long long)field_number(figures, "stale"));
	if (field_number(figures, "chattering") > 0)
		attend(picture,
		       "%lld alarms come and go three times a minute: a deadband or a "
		       "delay is missing",
		       (long long)field_number(figures, "chattering"));
}

static void look_at_live(struct picture *picture)
{
	const json_t *channel;
	size_t i;

	if (field_number(picture->live, "pollers_reading") <
	    field_number(picture->live, "pollers_wanted"))
		attend(picture, "the poller reads nothing: systemctl status wastewatch-poller");
	if (!json_is_true(json_object_get(picture->live, "sender")))
		attend(picture, "no sender is there, reports wait: systemctl status "
				"wastewatch-sender");
	look_at_bus(picture);
	look_at_links(picture);
	json_array_foreach (json_object_get(picture->live, "channels"), i, channel) {
		if (json_is_true(json_object_get(channel, "lost")))
			attend(picture, "%s is not being measured: %s",
			       field_text(channel, "channel"), field_text(channel, "reason"));
	}
	look_at_alarms(picture);
	if (field_number(picture->live, "reports_stranded") > 0)
		attend(picture,
		       "%lld reports or data files wait for a destination that is no longer "
		       "configured: "
		       "journalctl WASTEWATCH_TYPE=reports.stranded",
		       (long long)field_number(picture->live, "reports_stranded"));
	if (field_number(picture->live, "journal_dropped") > 0)
		attend(picture, "%lld entries did not reach the journal (the record has them)",
		       (long long)field_number(picture->live, "journal_dropped"));
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
		status_print_json(&picture);
	else
		status_print(&picture);
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
