/* SPDX-License-Identifier: Apache-2.0 */
/* What a running daemon tells that is not in order; part of wastewatch status. */
#include <stdio.h>
#include <string.h>

#include "common/macro.h"
#include "core/control.h"
#include "core/fields.h"
#include "tools/live.h"
#include "tools/say.h"
#include "tools/status.h"

static int64_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void look_at_daemon(struct picture *picture)
{
	int64_t age_ms = 0;
	char span[48];

	switch (live_load(picture->options, picture->now_ms, &picture->live, &age_ms)) {
	case LIVE_OK:
		break;
	case LIVE_NONE:
		attend(picture, RANK_BLIND, NULL,
		       "wastewatchd is not running (no %s/status.json): systemctl status "
		       "wastewatchd",
		       picture->options->runtime);
		break;
	case LIVE_OLD:
		attend(picture, RANK_BLIND, NULL,
		       "wastewatchd is gone, or has said nothing for %s; what follows is from the "
		       "record only: systemctl status wastewatchd",
		       command_span(age_ms, span));
		break;
	}
}

static void look_at_programs(struct picture *picture)
{
	if (number(picture->live, "pollers_reading") < number(picture->live, "pollers_wanted"))
		attend(picture, RANK_BLIND, NULL,
		       "the poller reads nothing: systemctl status wastewatch-poller");
	if (!json_is_true(json_object_get(picture->live, "sender")))
		attend(picture, RANK_BLIND, NULL,
		       "no sender is there, reports wait: systemctl status wastewatch-sender");
}

/* without one by intention there is nothing to mend */
static void look_at_bus(struct picture *picture)
{
	const json_t *bus = json_object_get(picture->live, "bus");

	if (bus && !json_is_true(json_object_get(bus, "ready")) &&
	    strcmp(field_text(bus, "state"), CONTROL_OFF) != 0)
		attend(picture, RANK_FAULT, NULL,
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

static void look_at_link(struct picture *picture, const json_t *link)
{
	const char *site = field_text(link, "site"), *name = field_text(link, "link");
	long long n_silent = number(link, "silent_units"),
		  n_refused = number(link, "refused_parts");
	char place[300];

	if (strcmp(field_text(link, "state"), "up") != 0)
		attend(picture, RANK_FAULT, "links", "link %s/%s (%s) is %s%s%s", site, name,
		       place_of(link, place, sizeof(place)), say_word(field_text(link, "state")),
		       *field_text(link, "error") ? ": " : "", field_text(link, "error"));
	else if (n_silent > 0)
		attend(picture, RANK_FAULT, "links", "link %s/%s: units that do not answer: %lld",
		       site, name, n_silent);
	if (n_refused > 0)
		attend(picture, RANK_FAULT, "links",
		       "link %s/%s: parts of what is asked that units refuse: %lld; journalctl -u "
		       "wastewatch-poller",
		       site, name, n_refused);
}

static void look_at_measuring(struct picture *picture)
{
	const json_t *item;
	size_t i;

	json_array_foreach (json_object_get(picture->live, "links"), i, item) {
		look_at_link(picture, item);
	}
	json_array_foreach (json_object_get(picture->live, "channels"), i, item) {
		if (json_is_true(json_object_get(item, "lost")))
			attend(picture, RANK_FAULT, "channels", "%s is not being measured: %s",
			       field_text(item, "channel"), field_text(item, "reason"));
	}
}

/* what is coming */
static void look_at_forecasts(struct picture *picture)
{
	const json_t *forecast;
	char span[48];
	size_t i;

	json_array_foreach (json_object_get(picture->live, "forecasts"), i, forecast) {
		const char *limit = field_text(forecast, "limit");
		const char *on = say_word(field_text(forecast, "on"));

		if (json_is_true(json_object_get(forecast, "unavoidable")))
			attend(picture, RANK_WASTE, NULL,
			       "%s will be broken by the %s that is running, whatever comes", limit,
			       on);
		else
			attend(picture, RANK_WASTE, NULL,
			       "%s will be broken by the %s that is running; it can be prevented "
			       "for %s",
			       limit, on,
			       command_span(MAX(number(forecast, "due_ms") - picture->now_ms, 0),
					    span));
	}
}

static void look_at_alarms(struct picture *picture)
{
	const json_t *figures = json_object_get(picture->live, "alarm_figures");

	if (json_is_true(json_object_get(figures, "flood")))
		attend(picture, RANK_WASTE, NULL,
		       "a flood of alarms, %lld in ten minutes: begin with the incidents",
		       (long long)number(figures, "alarms_10min"));
	if (number(figures, "stale") > 0)
		attend(picture, RANK_LATER, NULL,
		       "alarms that have stood for more than a day: %lld",
		       (long long)number(figures, "stale"));
	if (number(figures, "chattering") > 0)
		attend(picture, RANK_LATER, NULL,
		       "alarms that come and go three times a minute: %lld; a deadband or a delay "
		       "is missing",
		       (long long)number(figures, "chattering"));
}

static void look_at_drills(struct picture *picture)
{
	const json_t *site;
	char span[48], interval[48];
	size_t i;

	json_array_foreach (json_object_get(picture->live, "drills_due"), i, site) {
		const char *name = field_text(site, "site");

		attend(picture, RANK_LATER, "drill list",
		       "%s: no drill for %s, one is wanted every %s: wastewatch drill start %s "
		       "SCENARIO",
		       name, command_span(picture->now_ms - number(site, "since_ms"), span),
		       command_span(number(site, "interval_ms"), interval), name);
	}
}

static void look_at_stranded(struct picture *picture)
{
	int64_t n = number(picture->live, "reports_stranded");

	if (n > 0)
		attend(picture, RANK_FAULT, NULL,
		       "reports or data files that wait for a destination that is no longer "
		       "configured: %lld; journalctl WASTEWATCH_TYPE=reports.stranded",
		       (long long)n);
}

static void look_at_credentials(struct picture *picture)
{
	const json_t *item;
	size_t i;

	json_array_foreach (json_object_get(picture->live, "credentials_missing"), i, item)
		attend(picture, RANK_FAULT, NULL,
		       "reports to %s lack a signature and may be refused (%s): wastewatch check, "
		       "then systemctl restart wastewatchd",
		       field_text(item, "destination"), field_text(item, "words"));
}

/* what the next start would find */
static void look_at_reload(struct picture *picture)
{
	const json_t *reload = json_object_get(picture->live, "reload");

	if (json_is_true(json_object_get(reload, "refused")))
		attend(picture, RANK_FAULT, NULL,
		       "the configuration on disk was refused, the one before it is in force until "
		       "a restart (%s): wastewatch check, then systemctl reload wastewatchd",
		       field_text(reload, "words"));
}

void status_look(struct picture *picture)
{
	look_at_daemon(picture);
	if (!picture->live)
		return;
	look_at_programs(picture);
	look_at_credentials(picture);
	look_at_reload(picture);
	status_look_storage(picture);
	status_look_record(picture);
	look_at_bus(picture);
	look_at_measuring(picture);
	look_at_forecasts(picture);
	look_at_alarms(picture);
	look_at_stranded(picture);
	look_at_drills(picture);
}
