/* SPDX-License-Identifier: Apache-2.0 */
/* the picture that status.c has made, for people and for programs */
#include <stdio.h>
#include <string.h>

#include "core/fields.h"
#include "tools/command.h"
#include "tools/status.h"

#define STATUS_AGE_MS 5000 /* a good value older than this shows its age */

/* how much of its time each link is busy, and whether that is too much */
static void print_links(const struct picture *picture)
{
	const json_t *link;
	size_t i;

	if (json_array_size(json_object_get(picture->live, "links")) == 0)
		return;
	(void)printf("\n%-36s %-12s %6s %12s %9s %8s\n", "LINK", "STATE", "BUSY", "WORST ROUND",
		     "OVERRUNS", "REFUSED");
	json_array_foreach (json_object_get(picture->live, "links"), i, link) {
		char name[160];

		(void)snprintf(name, sizeof(name), "%s/%s", field_text(link, "site"),
			       field_text(link, "link"));
		(void)printf("%-36s %-12s %4lld %% %9lld ms %9lld %8lld\n", name,
			     field_text(link, "state"),
			     (long long)field_number(link, "busy_permille") / 10,
			     (long long)field_number(link, "worst_round_us") / 1000,
			     (long long)field_number(link, "overruns"),
			     (long long)field_number(link, "refused_parts"));
	}
}

/* a window's mean; in brackets where too few values stand behind it */
static const char *mean(const json_t *channel, const char *key, char ret[static 32])
{
	const json_t *window = json_object_get(channel, key);
	bool valid = json_is_true(json_object_get(window, "valid"));

	if (!*field_text(window, "mean"))
		return "-";
	(void)snprintf(ret, 32, valid ? "%s" : "(%s)", field_text(window, "mean"));
	return ret;
}

static void print_quality(const json_t *channel)
{
	const char *quality = field_text(channel, "quality"),
		   *reason = field_text(channel, "reason");
	char age[48];

	(void)printf("%s", quality);
	if (strcmp(quality, "good") == 0) {
		if (field_number(channel, "age_ms") > STATUS_AGE_MS)
			(void)printf(", %s ago",
				     command_span(field_number(channel, "age_ms"), age));
		return;
	}
	/* "calibrating, as mill/gas/check says" need not say it twice */
	if (strncmp(reason, quality, strlen(quality)) == 0)
		(void)printf("%s", reason + strlen(quality));
	else if (*reason)
		(void)printf(": %s", reason);
	if (*field_text(channel, "raw"))
		(void)printf(", reads %s", field_text(channel, "raw"));
	if (json_object_get(channel, "age_ms"))
		(void)printf(", last good %s ago",
			     command_span(field_number(channel, "age_ms"), age));
}

static void print_channels(const struct picture *picture)
{
	const json_t *channel;
	bool brackets = false;
	size_t i;

	if (json_array_size(json_object_get(picture->live, "channels")) == 0)
		return;
	(void)printf("\n%-36s %12s %-8s %12s %12s %12s %12s  %s\n", "CHANNEL", "VALUE", "UNIT",
		     "1-MIN MEAN", "5-MIN", "1-H", "24-H", "QUALITY");
	json_array_foreach (json_object_get(picture->live, "channels"), i, channel) {
		bool good = strcmp(field_text(channel, "quality"), "good") == 0;
		char five[32], hour[32], day[32];
		const char *means[] = {mean(channel, "mean_5min", five),
				       mean(channel, "mean_1h", hour),
				       mean(channel, "mean_24h", day)};

		for (size_t j = 0; j < ARRAY_SIZE(means); j++)
			brackets |= means[j][0] == '(';
		(void)printf(
			"%-36s %12s %-8s %12s %12s %12s %12s  ", field_text(channel, "channel"),
			good ? field_text(channel, "value") : "-", field_text(channel, "unit"),
			*field_text(channel, "mean_1min") ? field_text(channel, "mean_1min") : "-",
			means[0], means[1], means[2]);
		print_quality(channel);
		(void)putchar('\n');
	}
	if (brackets)
		(void)puts("(…): fewer values than a valid mean needs");
}

static void print_drills(const struct picture *picture)
{
	const json_t *drill;
	char time[48];
	size_t i;

	json_array_foreach (json_object_get(picture->live, "drills"), i, drill) {
		(void)printf(
			"EXERCISE at %s until %.8s: %s (%s); to end it: wastewatch drill stop "
			"%s\n",
			field_text(drill, "site"),
			command_time(field_number(drill, "until_ms"), picture->zone_min, time) + 11,
			field_text(drill, "scenario"), field_text(drill, "title"),
			field_text(drill, "site"));
	}
}

/* what calls nobody is not what needs attention, but nobody may forget it either */
static void print_hidden(const struct picture *picture)
{
	const json_t *figures = json_object_get(picture->live, "alarm_figures");

	if (field_number(figures, "shelved") + field_number(figures, "suppressed") +
		    field_number(figures, "out_of_service") >
	    0)
		(void)printf("Alarms that call nobody: %lld shelved, %lld suppressed, %lld out of "
			     "service.\n",
			     (long long)field_number(figures, "shelved"),
			     (long long)field_number(figures, "suppressed"),
			     (long long)field_number(figures, "out_of_service"));
	if (field_number(figures, "unacknowledged") > 0)
		(void)printf("Alarms that nobody has acknowledged: %lld.\n",
			     (long long)field_number(figures, "unacknowledged"));
}

void status_print(const struct picture *picture)
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
	print_drills(picture);
	if (picture->n_unclosed > 0)
		(void)printf("Ended and not closed: %lld, each wants its cause and measures; see: "
			     "wastewatch incidents\n",
			     (long long)picture->n_unclosed);
	print_hidden(picture);
	(void)puts(n == 0 ? "All in order." : "\nNeeds attention:");
	json_array_foreach (picture->attention, i, line) {
		(void)printf("  ! %s\n", json_string_value(line));
	}
	print_links(picture);
	print_channels(picture);
}

void status_print_json(const struct picture *picture)
{
	json_t *object = json_object(), *outbox = json_object(), *files = json_object();

	(void)json_object_set_new(outbox, "waiting", json_integer(picture->outbox.n_waiting));
	(void)json_object_set_new(outbox, "held", json_integer(picture->outbox.n_held));
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
