/* SPDX-License-Identifier: Apache-2.0 */
/* `wastewatch show`: finds an incident in the record, one of a drill too, and all about it */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "core/fields.h"
#include "core/history.h"
#include "tools/command.h"
#include "tools/incidents.h"
#include "tools/lines.h"
#include "tools/scrub.h"
#include "tools/show.h"
#include "tools/target.h"

static void take_incident(void *userdata, const struct history_incident *incident)
{
	struct story *story = userdata;
	json_t *data = json_loads(incident->summary, 0, NULL);

	story->object = incidents_object(incident, story->zone_min);
	story->opened_ms = incident->opened_ms;
	story->ended_ms = incident->ended_ms;
	if (data)
		(void)json_object_set_new(story->object, "last_report", data);
}

static void take_entry(void *userdata, const char *line)
{
	struct story *story = userdata;

	(void)json_array_append_new(story->entries, json_loads(line, 0, NULL));
}

static void take_report(void *userdata, const struct history_report *report)
{
	struct story *story = userdata;
	json_t *object = json_object();

	(void)json_object_set_new(object, "report", json_string(report->webhook_id));
	(void)json_object_set_new(object, "destination", json_string(report->destination));
	(void)json_object_set_new(object, "type", json_string(report->type));
	(void)json_object_set_new(object, "state", json_string(report->state));
	(void)json_object_set_new(object, "created",
				  incidents_time(report->created_ms, story->zone_min));
	(void)json_object_set_new(object, "attempts", json_integer(report->attempts));
	if (report->last_ms)
		(void)json_object_set_new(object, "last_attempt",
					  incidents_time(report->last_ms, story->zone_min));
	if (report->http_status)
		(void)json_object_set_new(object, "http_status", json_integer(report->http_status));
	if (report->error)
		(void)json_object_set_new(object, "error", json_string(report->error));
	(void)json_array_append_new(story->reports, object);
}

/* --- which one ------------------------------------------------------------------------ */

/* an id, or the beginning of one that no other shares */
struct search {
	const char *word;
	char id[TARGET_MAX];
	size_t n;
	bool exact;
};

static void consider(struct search *search, const char *id)
{
	bool exact = strcmp(id, search->word) == 0;

	if (search->exact || strlen(id) >= sizeof(search->id) || !*search->word ||
	    strncmp(id, search->word, strlen(search->word)) != 0)
		return;
	search->exact = exact;
	search->n = exact ? 1 : search->n + 1;
	(void)snprintf(search->id, sizeof(search->id), "%s", id);
}

static void consider_incident(void *userdata, const struct history_incident *incident)
{
	consider(userdata, incident->id);
}

static void consider_entry(void *userdata, const char *line)
{
	json_t *entry = json_loads(line, 0, NULL);

	if (json_is_true(json_object_get(entry, "exercise")))
		consider(userdata, field_text(entry, "incident"));
	json_decref(entry);
}

/* the table of incidents knows no drill; entries do */
static int find(struct history *history, struct search *search)
{
	if (strncmp(search->word, TARGET_EXERCISE, strlen(TARGET_EXERCISE)) == 0)
		return history_typed(history, "incident.opened", consider_entry, search);
	return history_incidents(history, NULL, false, INT_MAX, consider_incident, search);
}

/* --- all about it ---------------------------------------------------------------------- */

static void copy(json_t *object, const char *as, const json_t *entry, const char *key)
{
	json_t *value = json_object_get(entry, key);

	if (value)
		(void)json_object_set(object, as, value);
}

/* a drill's incident of before there was a table of them is what its entries say */
static void tell_from_entries(struct story *story, const char *id)
{
	static const struct {
		const char *type;
		const char *key; /* of the entry */
		const char *as;
		const char *state; /* that follows, NULL the same */
	} rows[] = {
		{"incident.opened", "time", "opened", "open"},
		{"incident.opened", "reason", "first_out", NULL},
		{"incident.opened", "site", "site", NULL},
		{"incident.opened", "kind", "kind", NULL},
		{"incident.opened", "class", "class", NULL},
		{"incident.opened", "level", "level", NULL},
		{"incident.updated", "class", "class", NULL},
		{"incident.level", "level", "level", NULL},
		{"incident.acknowledged", "time", "acknowledged", NULL},
		{"incident.acknowledged", "user", "acknowledged_by", NULL},
		{"incident.ended", "time", "ended", "ended"},
		{"incident.closed", "time", "closed", "closed"},
		{"incident.closed", "user", "closed_by", NULL},
		{"incident.closed", "reason", "cause", NULL},
		{"incident.closed", "measures", "measures", NULL},
	};
	const json_t *entry;
	size_t i;

	story->object = json_pack("{s:s}", "id", id);
	json_array_foreach (story->entries, i, entry) {
		for (size_t k = 0; k < ARRAY_SIZE(rows); k++) {
			if (strcmp(rows[k].type, field_text(entry, "type")) != 0)
				continue;
			copy(story->object, rows[k].as, entry, rows[k].key);
			if (rows[k].state)
				(void)json_object_set_new(story->object, "state",
							  json_string(rows[k].state));
		}
	}
	(void)clock_parse(field_text(story->object, "opened"), &story->opened_ms);
}

static int read_all(struct history *history, const char *id, struct story *story)
{
	int r = history_incidents(history, id, false, 1, take_incident, story);

	if (r >= 0)
		r = history_entries(history, id, take_entry, story);
	if (r >= 0 && !story->object)
		tell_from_entries(story, id);
	story->exercise = strncmp(id, TARGET_EXERCISE, strlen(TARGET_EXERCISE)) == 0;
	if (story->exercise)
		(void)json_object_set_new(story->object, "exercise", json_true());
	if (r >= 0)
		r = history_reports(history, id, take_report, story);
	return r;
}

/* Return: the exit status; what went wrong has been said */
static int read_story(struct history *history, const char *word, struct story *story)
{
	struct search search = {.word = word};
	int r = find(history, &search);

	if (r >= 0 && search.n == 1)
		r = read_all(history, search.id, story);
	if (r < 0)
		return command_unreadable(history);
	if (search.n == 1)
		return EXIT_SUCCESS;
	if (search.n == 0)
		(void)command_fail("there is no incident %s; see: wastewatch incidents", word);
	else
		(void)command_fail("%zu incidents begin with \"%s\"; see: wastewatch incidents",
				   search.n, word);
	return EXIT_MISSING;
}

int command_show(const struct command_options *options)
{
	CLEANUP(history_close) struct history *history = NULL;
	struct story story = {.entries = json_array(), .reports = json_array()};
	int status = command_open_record(options, &history, &story.zone_min);

	if (status == EXIT_SUCCESS)
		status = read_story(history, options->argument, &story);
	if (status == EXIT_SUCCESS && !options->json) {
		scrub_json(story.object);
		scrub_json(story.entries);
		scrub_json(story.reports);
		show_print(&story, history);
	}
	if (status == EXIT_SUCCESS && options->json) {
		(void)json_object_set(story.object, "entries", story.entries);
		(void)json_object_set(story.object, "reports", story.reports);
		lines_print(story.object);
	}
	json_decref(story.object);
	json_decref(story.entries);
	json_decref(story.reports);
	return status;
}
