/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "core/history.h"
#include "tools/command.h"
#include "tools/incidents.h"
#include "tools/lines.h"
#include "tools/say.h"
#include "tools/term.h"

#define INCIDENTS_MAX 1000

/* struct listing - what a line needs beside its row */
struct listing {
	int zone_min; /* of the record, minutes ahead of UTC */
	int64_t now_ms;
};

json_t *incidents_time(int64_t wall_ms, int zone_min)
{
	char text[CLOCK_TEXT_MAX];

	clock_format(wall_ms, zone_min, text);
	return json_string(text);
}

/* "acknowledged" and "acknowledged_by" */
static void set_act(json_t *object, const char *key, int64_t ms, const char *user, int zone_min)
{
	char by[32];

	if (ms == 0)
		return;
	(void)snprintf(by, sizeof(by), "%s_by", key);
	(void)json_object_set_new(object, key, incidents_time(ms, zone_min));
	(void)json_object_set_new(object, by, json_string(user));
}

bool incidents_is_low(const struct history_incident *incident)
{
	json_t *data = json_loads(incident->summary, 0, NULL);
	bool low = json_is_true(
		json_object_get(json_object_get(data, "crossing"), "flow_not_measured"));

	json_decref(data);
	return low;
}

json_t *incidents_object(const struct history_incident *incident, int zone_min)
{
	json_t *object = json_object();

	(void)json_object_set_new(object, "id", json_string(incident->id));
	(void)json_object_set_new(object, "site", json_string(incident->site));
	(void)json_object_set_new(object, "kind", json_string(incident->kind));
	(void)json_object_set_new(object, "class", json_string(incident->class));
	(void)json_object_set_new(object, "level", json_string(incident->level));
	(void)json_object_set_new(object, "verdict", json_string(incident->verdict));
	(void)json_object_set_new(object, "state", json_string(incident->state));
	(void)json_object_set_new(object, "first_out", json_string(incident->first_out));
	(void)json_object_set_new(object, "opened", incidents_time(incident->opened_ms, zone_min));
	if (incidents_is_low(incident))
		(void)json_object_set_new(object, "flow_not_measured", json_true());
	if (incident->ended_ms)
		(void)json_object_set_new(object, "ended",
					  incidents_time(incident->ended_ms, zone_min));
	set_act(object, "acknowledged", incident->acknowledged_ms, incident->acknowledged_by,
		zone_min);
	set_act(object, "closed", incident->closed_ms, incident->closed_by, zone_min);
	if (incident->closed_ms) {
		(void)json_object_set_new(object, "cause", json_string(incident->cause));
		(void)json_object_set_new(object, "measures", json_string(incident->measures));
	}
	(void)json_object_set_new(object, "updates", json_integer(incident->n_updates));
	(void)json_object_set_new(object, "alarms", json_integer(incident->n_alarms));
	return object;
}

static void each_json(void *userdata, const struct history_incident *incident)
{
	const struct listing *listing = userdata;
	json_t *object = incidents_object(incident, listing->zone_min);

	lines_print(object);
	json_decref(object);
}

/* who has done something about it, or what is left to do */
static void print_handling(const struct history_incident *incident)
{
	if (incident->closed_ms)
		say(", closed by %s", incident->closed_by);
	else if (incident->ended_ms)
		say(", not closed: wastewatch close %s", incident->id);
	else if (incident->acknowledged_ms)
		say(", acknowledged by %s", incident->acknowledged_by);
	else
		say(", not acknowledged: wastewatch ack %s", incident->id);
}

static void each_line(void *userdata, const struct history_incident *incident)
{
	const struct listing *listing = userdata;
	int64_t until = incident->ended_ms ? incident->ended_ms : listing->now_ms;
	char opened[48], span[48];

	(void)printf("%s%s%s\n    %s, %s, %s, ", term_colour(TERM_BOLD), incident->id,
		     term_colour(TERM_PLAIN), say_word(incident->state), say_word(incident->kind),
		     say_word(incident->class));
	say("for %s since %s\n    first alarm %s\n    level %s",
	    command_span(until - incident->opened_ms, span),
	    command_time(incident->opened_ms, listing->zone_min, opened), incident->first_out,
	    say_word(incident->level));
	if (strcmp(incident->verdict, "none") != 0)
		say(", that it reaches others %s", say_word(incident->verdict));
	if (incidents_is_low(incident))
		say(", flow not measured: the level may be too low");
	print_handling(incident);
	(void)putchar('\n');
}

int command_incidents(const struct command_options *options)
{
	CLEANUP(history_close) struct history *history = NULL;
	struct listing listing = {.now_ms = clock_stamp().wall_ms};
	int r = command_open_record(options, &history, &listing.zone_min);

	if (r != EXIT_SUCCESS)
		return r;
	r = history_incidents(history, NULL, options->only_open, INCIDENTS_MAX,
			      options->json ? each_json : each_line, &listing);
	if (r < 0)
		return command_unreadable(history);
	if (r == 0 && !options->json)
		(void)puts(options->only_open ? tr("No incident is running.")
					      : tr("No incidents."));
	if (r == INCIDENTS_MAX)
		(void)command_fail("only %d are shown: those not closed, and the newest",
				   INCIDENTS_MAX);
	return EXIT_SUCCESS;
}
