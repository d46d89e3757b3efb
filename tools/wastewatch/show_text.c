/* SPDX-License-Identifier: Apache-2.0 */
/* one incident for people: what to do, what was broken and released, who did what, who was told */
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/macro.h"
#include "core/catalogue.h"
#include "core/fields.h"
#include "tools/command.h"
#include "tools/say.h"
#include "tools/show.h"
#include "tools/wrap.h"

/* "2026-11-28 06:35:37" of an entry's time */
static const char *moment(const char *time, char ret[static 20])
{
	(void)snprintf(ret, 20, "%.10s %.8s", time, strlen(time) > 11 ? time + 11 : "");
	return ret;
}

/* "at most 300 mg/l" */
static void print_bound(const json_t *object)
{
	if (strcmp(field_text(object, "side"), "low") == 0)
		say("at least %s", field_text(object, "bound"));
	else
		say("at most %s", field_text(object, "bound"));
	(void)printf("%s%s", *field_text(object, "unit") ? " " : "", field_text(object, "unit"));
}

static void print_entry(const json_t *entry)
{
	const char *type = field_text(entry, "type"), *limit = field_text(entry, "limit");

	(void)printf("  %.8s  %-21s", field_text(entry, "time") + 11, type);
	if (*field_text(entry, "channel"))
		(void)printf(" %s/%s", field_text(entry, "source"), field_text(entry, "channel"));
	if (*field_text(entry, "value"))
		(void)printf(" %s %s", field_text(entry, "value"), field_text(entry, "unit"));
	if (*limit) {
		(void)printf(" (%s: ", limit);
		print_bound(entry);
		(void)putchar(')');
	}
	if (*field_text(entry, "boundary"))
		(void)printf(" %s: %s,", field_text(entry, "boundary"),
			     say_word(field_text(entry, "verdict")));
	if (*field_text(entry, "reason") && strcmp(type, "incident.opened") != 0)
		(void)printf(" %s", field_text(entry, "reason"));
	if (strcmp(type, "incident.level") == 0)
		(void)printf(" -> %s", say_word(field_text(entry, "level")));
	if (*field_text(entry, "user"))
		say(" by %s", field_text(entry, "user"));
	(void)putchar('\n');
}

static void print_entries(const struct story *story)
{
	const char *day = "";
	const json_t *entry;
	size_t i;

	say("\nCourse\n");
	json_array_foreach (story->entries, i, entry) {
		if (strncmp(field_text(entry, "time"), day, 10) != 0 || !*day)
			(void)printf("  %.10s\n", field_text(entry, "time"));
		day = field_text(entry, "time");
		print_entry(entry);
	}
}

static void print_duration(const json_t *alarm)
{
	const json_t *seconds = json_object_get(alarm, "duration_s");
	char span[48];

	if (seconds)
		say("          broken for %s in all\n",
		    command_span(MS_PER_S * json_integer_value(seconds), span));
}

void show_to_do(size_t indent, const char *advice)
{
	(void)printf("%*s%s", (int)indent, "", tr("To do: "));
	wrap_print(indent, indent + (size_t)say_width(tr("To do: ")), advice);
}

static bool is_raised(const json_t *alarm)
{
	return strcmp(field_text(alarm, "state"), "raised") == 0;
}

static void print_alarms(const struct story *story)
{
	const json_t *alarm,
		*alarms = json_object_get(json_object_get(story->object, "last_report"), "alarms");
	char time[20];
	size_t i;

	if (json_array_size(alarms) > 0)
		say("\nLimits broken\n");
	json_array_foreach (alarms, i, alarm) {
		(void)printf("  %s, %s, %s: ", say_word(field_text(alarm, "state")),
			     say_word(field_text(alarm, "class")), field_text(alarm, "limit"));
		print_bound(alarm);
		say("\n          worst %s%s%s, %s\n", field_text(alarm, "peak"),
		    *field_text(alarm, "unit") ? " " : "", field_text(alarm, "unit"),
		    moment(field_text(alarm, "peak_time"), time));
		print_duration(alarm);
		if (*field_text(alarm, "origin")) {
			(void)printf("          ");
			wrap_print(10, 10, field_text(alarm, "origin"));
		}
		if (*field_text(alarm, "advice") && is_raised(alarm))
			show_to_do(10, field_text(alarm, "advice"));
	}
}

static void print_reports(const struct story *story)
{
	const json_t *report;
	char time[20];
	size_t i;

	say("\nReports\n");
	json_array_foreach (story->reports, i, report) {
		long long attempts = json_integer_value(json_object_get(report, "attempts"));

		(void)printf("  %s  %-17s ", moment(field_text(report, "created"), time),
			     field_text(report, "type"));
		say("to %s: %s, attempts: %lld", field_text(report, "destination"),
		    say_word(field_text(report, "state")), attempts);
		if (*field_text(report, "error"))
			say("; last: %s", field_text(report, "error"));
		(void)putchar('\n');
	}
	if (json_array_size(story->reports) == 0)
		say("  none\n");
}

static void print_masses(const struct story *story)
{
	const json_t *mass, *masses = json_object_get(json_object_get(story->object, "last_report"),
						      "released");
	size_t i;

	if (json_array_size(masses) > 0)
		say("\nReleased\n");
	json_array_foreach (masses, i, mass) {
		(void)printf("  %s/%s: ", field_text(mass, "source"), field_text(mass, "channel"));
		if (*field_text(mass, "total"))
			say("%s kg, %s kg of it above %s", field_text(mass, "total"),
			    field_text(mass, "above"), field_text(mass, "limit"));
		else
			say("not known");
		say("\n          from %.19s to %.19s, %lld %% of that time was measured\n",
		    field_text(mass, "from"), field_text(mass, "until"),
		    (long long)json_integer_value(json_object_get(mass, "covered_percent")));
	}
}

static void print_titled(const char *title, const char *text)
{
	(void)fputs("  ", stdout);
	say_padded(title, 10);
	wrap_print(12, (size_t)MAX(say_width(title) + 2, 12), text);
}

static void print_response(const struct story *story)
{
	static const struct {
		const char *key;
		const char *title;
	} lines[] = {
		{"plan", N_("plan")},	{"command", N_("command")},   {"forces", N_("forces")},
		{"means", N_("means")}, {"supplies", N_("supplies")},
	};
	const json_t *response = json_object_get(json_object_get(story->object, "last_report"),
						 "response");
	const json_t *contact = json_object_get(response, "contact");
	char who[384];

	if (!response)
		return;
	say("\nOn the spot\n");
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		if (*field_text(response, lines[i].key))
			print_titled(tr(lines[i].title), field_text(response, lines[i].key));
	if (!contact)
		return;
	(void)snprintf(who, sizeof(who), "%.150s  %.50s  %.150s", field_text(contact, "name"),
		       field_text(contact, "phone"), field_text(contact, "email"));
	print_titled(tr("contact"), who);
}

static void print_handling(const json_t *object)
{
	char time[20];

	if (*field_text(object, "acknowledged"))
		say("  acknowledged %s by %s\n", moment(field_text(object, "acknowledged"), time),
		    field_text(object, "acknowledged_by"));
	else if (strcmp(field_text(object, "state"), "open") == 0)
		say("  nobody has acknowledged it: wastewatch ack %s\n", field_text(object, "id"));
	if (*field_text(object, "closed"))
		say("  closed %s by %s\n  cause: %s\n  measures: %s\n",
		    moment(field_text(object, "closed"), time), field_text(object, "closed_by"),
		    field_text(object, "cause"), field_text(object, "measures"));
	else if (*field_text(object, "ended"))
		say("  not closed: wastewatch close %s --cause TEXT --measures TEXT\n",
		    field_text(object, "id"));
}

static int rank(const json_t *alarm)
{
	int class = strcmp(field_text(alarm, "class"), "emergency") == 0 ? 2
		    : strcmp(field_text(alarm, "class"), "limit") == 0	 ? 1
									 : 0;

	return class + (*field_text(alarm, "advice") ? 3 : 0);
}

/* the gravest of what stands now and, before all, of what says what to do; NULL nothing does */
static const json_t *gravest(const json_t *object)
{
	const json_t *alarm, *found = NULL;
	size_t i;

	json_array_foreach (json_object_get(json_object_get(object, "last_report"), "alarms"), i,
			    alarm) {
		if (is_raised(alarm) && (!found || rank(alarm) > rank(found)))
			found = alarm;
	}
	return found;
}

/* two lines for whoever has no time to read the rest: what, how bad, how long; what to do */
static void print_summary(const struct story *story)
{
	const json_t *object = story->object, *alarm = gravest(object);
	const json_t *site = json_object_get(json_object_get(object, "last_report"), "site");
	int64_t opened_ms = story->opened_ms;
	bool runs = strcmp(field_text(object, "state"), "open") == 0;
	char span[48];

	if (story->exercise)
		say("EXERCISE: ");
	say("%s waste, %s, at %s: ", say_word(field_text(object, "kind")),
	    say_word(field_text(object, "class")),
	    *field_text(site, "title") ? field_text(site, "title") : field_text(object, "site"));
	if (runs)
		say("runs for %s\n", command_span(clock_stamp().wall_ms - opened_ms, span));
	else
		(void)puts(say_word(field_text(object, "state")));
	if (alarm && *field_text(alarm, "advice"))
		show_to_do(0, field_text(alarm, "advice"));
	else if (runs)
		(void)puts(alarm ? tr("To do: as the response plan says, see \"On the spot\" below")
				 : tr("No limit is broken now; it ends when that has lasted."));
	else if (!*field_text(object, "closed"))
		say("To do: find the cause, write it down: wastewatch close, see below\n");
	else
		say("Nothing is left to be done.\n");
}

/* since when the first limit was broken, before its raise delay or with its window; "" not known */
static const char *onset_of(const struct story *story)
{
	const json_t *entry;
	size_t i;

	json_array_foreach (story->entries, i, entry)
		if (strcmp(field_text(entry, "type"), "incident.opened") == 0)
			return field_text(entry, "since");
	return "";
}

static void print_head(const struct story *story)
{
	const json_t *object = story->object;
	const char *onset = onset_of(story);
	char time[20];

	print_summary(story);
	(void)printf("\n%s\n", field_text(object, "id"));
	if (*onset)
		say("  began  %s\n", moment(onset, time));
	say("  opened %s, first alarm %s\n", moment(field_text(object, "opened"), time),
	    field_text(object, "first_out"));
	if (*field_text(object, "ended"))
		say("  ended  %s\n", moment(field_text(object, "ended"), time));
	if (*field_text(object, "level"))
		say("  level  %s (Art. 123)", say_word(field_text(object, "level")));
	if (story->exercise)
		say("\n  all of it is an exercise: nothing was released\n");
	else if (strcmp(show_crossing_verdict(story), "not assessed") == 0)
		say("; whether it crosses a boundary was not assessed\n");
	else
		say("; that it crosses a boundary is %s\n", say_word(show_crossing_verdict(story)));
	print_handling(object);
}

void show_print(const struct story *story, struct history *history)
{
	print_head(story);
	print_alarms(story);
	show_charts(story, history);
	show_crossing(story);
	print_masses(story);
	print_response(story);
	print_entries(story);
	print_reports(story);
}
