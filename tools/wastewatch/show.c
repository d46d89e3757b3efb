/* SPDX-License-Identifier: Apache-2.0 */
/* one incident: what was broken, what was released, who did what, who was told */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "core/fields.h"
#include "core/history.h"
#include "tools/command.h"
#include "tools/incidents.h"
#include "tools/scrub.h"

static void print_line(const json_t *object)
{
	(void)json_dumpf(object, stdout, JSON_COMPACT | JSON_SORT_KEYS);
	(void)putchar('\n');
}

struct story {
	json_t *object;
	json_t *entries;
	json_t *reports;
	int zone_min; /* of the record, minutes ahead of UTC */
};

static void take_incident(void *userdata, const struct history_incident *incident)
{
	struct story *story = userdata;
	json_t *data = json_loads(incident->summary, 0, NULL);

	story->object = incidents_object(incident, story->zone_min);
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

static void print_entries(const struct story *story)
{
	const json_t *entry;
	size_t i;

	(void)puts("\nCourse");
	json_array_foreach (story->entries, i, entry) {
		const char *channel = field_text(entry, "channel"),
			   *limit = field_text(entry, "limit");

		(void)printf("  %.8s  %-20s", field_text(entry, "time") + 11,
			     field_text(entry, "type"));
		if (*channel)
			(void)printf(" %s/%s %s %s", field_text(entry, "source"), channel,
				     field_text(entry, "value"), field_text(entry, "unit"));
		if (*limit)
			(void)printf(" (%s %s: %s)", limit, field_text(entry, "class"),
				     field_text(entry, "bound"));
		if (*field_text(entry, "reason") && !*limit)
			(void)printf(" %s", field_text(entry, "reason"));
		(void)putchar('\n');
	}
}

static void print_duration(const json_t *alarm)
{
	const json_t *seconds = json_object_get(alarm, "duration_s");
	char span[48];

	if (seconds)
		(void)printf("          broken for %s in all\n",
			     command_span(MS_PER_S * json_integer_value(seconds), span));
}

static void print_alarms(const struct story *story)
{
	const json_t *alarm,
		*alarms = json_object_get(json_object_get(story->object, "last_report"), "alarms");
	size_t i;

	(void)puts("\nLimits broken");
	json_array_foreach (alarms, i, alarm) {
		(void)printf("  %-7s %-9s %s: %s %s, worst %s at %.8s\n",
			     field_text(alarm, "state"), field_text(alarm, "class"),
			     field_text(alarm, "limit"), field_text(alarm, "bound"),
			     field_text(alarm, "unit"), field_text(alarm, "peak"),
			     *field_text(alarm, "peak_time") ? field_text(alarm, "peak_time") + 11
							     : "");
		print_duration(alarm);
		if (*field_text(alarm, "origin"))
			(void)printf("          %s\n", field_text(alarm, "origin"));
		if (*field_text(alarm, "advice") &&
		    strcmp(field_text(alarm, "state"), "raised") == 0)
			(void)printf("          To do: %s\n", field_text(alarm, "advice"));
	}
}

static void print_reports(const struct story *story)
{
	const json_t *report;
	size_t i;

	(void)puts("\nReports");
	json_array_foreach (story->reports, i, report) {
		(void)printf("  %.8s  %-17s to %s: %s, %lld attempts%s%s\n",
			     field_text(report, "created") + 11, field_text(report, "type"),
			     field_text(report, "destination"), field_text(report, "state"),
			     (long long)json_integer_value(json_object_get(report, "attempts")),
			     *field_text(report, "error") ? "; last: " : "",
			     field_text(report, "error"));
	}
	if (json_array_size(story->reports) == 0)
		(void)puts("  none");
}

/* what to do, by verdict: who must know before it arrives */
static const struct {
	const char *verdict;
	const char *advice;
} crossing_advice[] = {
	{"observed",
	 "Stop the release. Tell the department and, across the border, its counterpart "
	 "NOW: it is there."},
	{"likely", "Stop the release. Warn those at the target before it arrives; sample there at "
		   "the time given."},
	{"possible", "Stop the release. Have somebody sample at the target at the time given."},
	{"unlikely", "Watch the course: it is assessed anew while the incident runs."},
};

static void print_strength(const json_t *path)
{
	const char *measure = field_text(path, "unit");

	(void)printf("           how strong: %s %s %s", field_text(path, "parameter"),
		     field_text(path, "concentration"), measure);
	if (*field_text(path, "low"))
		(void)printf(" (%s to %s)", field_text(path, "low"), field_text(path, "high"));
	if (*field_text(path, "background"))
		(void)printf(", %s of it from this release, %s there without it",
			     field_text(path, "excess"), field_text(path, "background"));
	(void)printf("\n           threshold: %s %s, %s\n", field_text(path, "threshold"), measure,
		     field_text(path, "threshold_origin"));
}

static void print_path(const json_t *path)
{
	const json_t *flag, *flags = json_object_get(path, "flags");
	size_t i;

	(void)printf("  %-8s %s (%s) from %s, by %s\n", field_text(path, "verdict"),
		     field_text(path, "target"), field_text(path, "target_kind"),
		     field_text(path, "source"), field_text(path, "method"));
	if (*field_text(path, "arrival"))
		(void)printf("           when: %.19s%s%.19s%s%.19s\n", field_text(path, "arrival"),
			     *field_text(path, "leading_edge") ? ", from " : "",
			     field_text(path, "leading_edge"),
			     *field_text(path, "tail") ? " to " : "", field_text(path, "tail"));
	if (*field_text(path, "threshold"))
		print_strength(path);
	if (*field_text(path, "distance_m"))
		(void)printf("           how far: %s m\n", field_text(path, "distance_m"));
	json_array_foreach (flags, i, flag)
		(void)printf("           how sure: %s\n", json_string_value(flag));
}

static void print_crossing(const struct story *story)
{
	const json_t *crossing = json_object_get(json_object_get(story->object, "last_report"),
						 "crossing");
	const json_t *path;
	size_t i;

	if (!crossing)
		return;
	(void)printf("\nWill it cross: %s\n", field_text(crossing, "verdict"));
	json_array_foreach (json_object_get(crossing, "paths"), i, path)
		print_path(path);
	for (i = 0; i < ARRAY_SIZE(crossing_advice); i++)
		if (strcmp(crossing_advice[i].verdict, field_text(crossing, "verdict")) == 0)
			(void)printf("  To do: %s\n", crossing_advice[i].advice);
}

static void print_masses(const struct story *story)
{
	const json_t *mass, *masses = json_object_get(json_object_get(story->object, "last_report"),
						      "released");
	size_t i;

	if (json_array_size(masses) > 0)
		(void)puts("\nReleased");
	json_array_foreach (masses, i, mass) {
		(void)printf("  %s/%s: ", field_text(mass, "source"), field_text(mass, "channel"));
		if (*field_text(mass, "total"))
			(void)printf("%s kg, %s kg of it above %s", field_text(mass, "total"),
				     field_text(mass, "above"), field_text(mass, "limit"));
		else
			(void)printf("not known");
		(void)printf(
			"\n          from %.19s to %.19s, %lld %% of that time was measured\n",
			field_text(mass, "from"), field_text(mass, "until"),
			(long long)json_integer_value(json_object_get(mass, "covered_percent")));
	}
}

static void print_response(const struct story *story)
{
	static const struct {
		const char *key;
		const char *title;
	} lines[] = {
		{"plan", "plan"},   {"command", "command"},   {"forces", "forces"},
		{"means", "means"}, {"supplies", "supplies"},
	};
	const json_t *response = json_object_get(json_object_get(story->object, "last_report"),
						 "response");
	const json_t *contact = json_object_get(response, "contact");

	if (!response)
		return;
	(void)puts("\nOn the spot");
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		if (*field_text(response, lines[i].key))
			(void)printf("  %-9s %s\n", lines[i].title,
				     field_text(response, lines[i].key));
	if (contact)
		(void)printf("  %-9s %s %s %s\n", "contact", field_text(contact, "name"),
			     field_text(contact, "phone"), field_text(contact, "email"));
}

static void print_handling(const json_t *object)
{
	if (*field_text(object, "acknowledged"))
		(void)printf("  acknowledged %s by %s\n", field_text(object, "acknowledged"),
			     field_text(object, "acknowledged_by"));
	else if (strcmp(field_text(object, "state"), "open") == 0)
		(void)printf("  nobody has acknowledged it: wastewatch ack %s\n",
			     field_text(object, "id"));
	if (*field_text(object, "closed"))
		(void)printf("  closed %s by %s\n  cause: %s\n  measures: %s\n",
			     field_text(object, "closed"), field_text(object, "closed_by"),
			     field_text(object, "cause"), field_text(object, "measures"));
	else if (*field_text(object, "ended"))
		(void)printf("  not closed: wastewatch close %s --cause TEXT --measures TEXT\n",
			     field_text(object, "id"));
}

static void print_head(const struct story *story)
{
	const json_t *object = story->object;
	const json_t *site = json_object_get(json_object_get(object, "last_report"), "site");

	(void)printf("%s\n", field_text(object, "id"));
	(void)printf("  %s waste incident of class %s at %s, %s\n", field_text(object, "kind"),
		     field_text(object, "class"),
		     *field_text(site, "title") ? field_text(site, "title")
						: field_text(object, "site"),
		     field_text(object, "state"));
	(void)printf("  opened %s, first alarm %s\n", field_text(object, "opened"),
		     field_text(object, "first_out"));
	if (*field_text(object, "ended"))
		(void)printf("  ended  %s\n", field_text(object, "ended"));
	(void)printf("  level %s (Art. 123)", field_text(object, "level"));
	if (strcmp(field_text(object, "verdict"), "none") == 0)
		(void)puts("; whether it crosses a boundary was not assessed");
	else
		(void)printf("; that it crosses a boundary is %s\n", field_text(object, "verdict"));
	print_handling(object);
}

static void print_story(const struct story *story)
{
	print_head(story);
	print_alarms(story);
	print_crossing(story);
	print_masses(story);
	print_response(story);
	print_entries(story);
	print_reports(story);
}

static int read_story(struct history *history, const char *id, struct story *story)
{
	int64_t head;
	int r = history_head(history, &head, &story->zone_min);

	if (r >= 0)
		r = history_incidents(history, id, false, 1, take_incident, story);
	if (r <= 0)
		return r;
	r = history_entries(history, id, take_entry, story);
	if (r >= 0)
		r = history_reports(history, id, take_report, story);
	return r < 0 ? r : 1;
}

int command_show(const struct command_options *options)
{
	CLEANUP(history_close) struct history *history = NULL;
	struct story story = {.entries = json_array(), .reports = json_array()};
	char error[256];
	int r = history_open(&history, options->state, error);

	if (r < 0) {
		(void)command_fail("%s", error);
	} else {
		r = read_story(history, options->argument, &story);
		if (r < 0)
			(void)command_fail("the record cannot be read: %s", history_error(history));
	}
	if (r == 0)
		(void)command_fail("there is no incident %s; see: wastewatch incidents",
				   options->argument);
	if (r > 0 && !options->json) {
		scrub_json(story.object);
		scrub_json(story.entries);
		scrub_json(story.reports);
		print_story(&story);
	}
	if (r > 0 && options->json) {
		(void)json_object_set(story.object, "entries", story.entries);
		(void)json_object_set(story.object, "reports", story.reports);
		print_line(story.object);
	}
	json_decref(story.object);
	json_decref(story.entries);
	json_decref(story.reports);
	return r > 0 ? EXIT_SUCCESS : r == 0 ? EXIT_MISSING : EXIT_FAILURE;
}
