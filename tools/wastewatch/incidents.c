/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "core/history.h"
#include "tools/command.h"
#include "tools/incidents.h"

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

static void print_line(const json_t *object)
{
	(void)json_dumpf(object, stdout, JSON_COMPACT | JSON_SORT_KEYS);
	(void)putchar('\n');
}

static void each_json(void *userdata, const struct history_incident *incident)
{
	const struct listing *listing = userdata;
	json_t *object = incidents_object(incident, listing->zone_min);

	print_line(object);
	json_decref(object);
}

/* who has done something about it, or what is left to do */
static void print_handling(const struct history_incident *incident)
{
	if (incident->closed_ms)
		(void)printf(", closed by %s", incident->closed_by);
	else if (incident->ended_ms)
		(void)printf(", not closed: wastewatch close");
	else if (incident->acknowledged_ms)
		(void)printf(", acknowledged by %s", incident->acknowledged_by);
	else
		(void)printf(", not acknowledged: wastewatch ack");
}

static void each_line(void *userdata, const struct history_incident *incident)
{
	const struct listing *listing = userdata;
	int64_t until = incident->ended_ms ? incident->ended_ms : listing->now_ms;
	char opened[48], span[48];

	(void)printf("%-7s %-9s %-6s  %s  %-13s first %s\n        %s\n        level %s",
		     incident->state, incident->class, incident->kind,
		     command_time(incident->opened_ms, listing->zone_min, opened),
		     command_span(until - incident->opened_ms, span), incident->first_out,
		     incident->id, incident->level);
	if (strcmp(incident->verdict, "none") != 0)
		(void)printf(", that it reaches others %s", incident->verdict);
	print_handling(incident);
	(void)putchar('\n');
}

int command_incidents(const struct command_options *options)
{
	CLEANUP(history_close) struct history *history = NULL;
	struct listing listing = {.now_ms = clock_stamp().wall_ms};
	char error[256];
	int64_t head;
	int r = history_open(&history, options->state, error);

	if (r < 0)
		return command_fail("%s", error);
	r = history_head(history, &head, &listing.zone_min);
	if (r >= 0)
		r = history_incidents(history, NULL, options->only_open, INCIDENTS_MAX,
				      options->json ? each_json : each_line, &listing);
	if (r < 0)
		return command_fail("the record cannot be read: %s", history_error(history));
	if (r == 0 && !options->json)
		(void)puts(options->only_open ? "No incident is running." : "No incidents.");
	if (r == INCIDENTS_MAX)
		(void)fprintf(stderr,
			      "wastewatch: only %d are shown: those not closed, and the newest\n",
			      INCIDENTS_MAX);
	return EXIT_SUCCESS;
}
