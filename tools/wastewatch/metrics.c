/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The figures of "wastewatch status" as OpenMetrics 1.0 text, for the textfile collector of
 * node_exporter or any scraper that reads a pipe. Names are below "wastewatch_", units are base
 * units, a counter ends in "_total". While the daemon is down the record's figures are there,
 * and wastewatch_up is 0.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/macro.h"
#include "core/fields.h"
#include "core/history.h"
#include "tools/command.h"
#include "tools/live.h"

/**
 * struct metric - one family of which the value is a key of an object
 * @key: of status.json
 * @type: "gauge" or "counter"
 * @unit: the family's name ends with it, "" none
 * @divisor: what the key counts in one unit of the metric
 */
struct metric {
	const char *key;
	const char *name;
	const char *type;
	const char *unit;
	const char *help;
	int64_t divisor;
};

static const struct metric live_metrics[] = {
	{"pollers_wanted", "pollers_wanted", "gauge", "", "Streams of readings that the plan needs",
	 1},
	{"pollers_reading", "pollers_reading", "gauge", "", "Streams that a poller serves", 1},
	{"channels_watched", "channels", "gauge", "", "Channels of the configuration", 1},
	{"channels_lost", "channels_lost", "gauge", "", "Channels that are not being measured", 1},
	{"reports_stranded", "reports_stranded", "gauge", "",
	 "Reports for destinations that are no longer configured", 1},
	{"commits", "commits", "counter", "", "Transactions of the record since the start", 1},
	{"journal_waiting", "journal_waiting", "gauge", "",
	 "Entries that the journal does not have yet", 1},
};

static const struct metric link_metrics[] = {
	{"silent_units", "link_silent_units", "gauge", "", "Units that do not answer", 1},
	{"refused_parts", "link_refused_parts", "gauge", "", "Parts of requests that units refuse",
	 1},
	{"busy_permille", "link_busy_ratio", "gauge", "ratio", "Share of the time it is in use",
	 1000},
	{"worst_us", "link_worst_answer_seconds", "gauge", "seconds", "Longest time to an answer",
	 1000000},
	{"requests", "link_requests", "counter", "", "Requests", 1},
	{"answers", "link_answers", "counter", "", "Good answers", 1},
	{"timeouts", "link_timeouts", "counter", "", "Requests without an answer in time", 1},
	{"exceptions", "link_exceptions", "counter", "", "Answers that are Modbus exceptions", 1},
	{"malformed", "link_malformed", "counter", "", "Answers that are not what was asked for",
	 1},
	{"late", "link_late", "counter", "", "Answers after their time", 1},
	{"overruns", "link_overruns", "counter", "", "Turns that were missed", 1},
};

/* of "alarm_figures": how many alarms are in which state */
static const char *const alarm_states[] = {"standing",	    "unacknowledged", "shelved",
					   "suppressed",    "stale",	      "chattering",
					   "out_of_service"};

static void put_family(const char *name, const char *type, const char *unit, const char *help)
{
	(void)printf("# TYPE wastewatch_%s %s\n", name, type);
	if (*unit)
		(void)printf("# UNIT wastewatch_%s %s\n", name, unit);
	(void)printf("# HELP wastewatch_%s %s.\n", name, help);
}

/* a label's value: backslash, quotation mark and the end of a line are escaped */
static void put_label(char before, const char *name, const char *text)
{
	(void)printf("%c%s=\"", before, name);
	for (; *text; text++) {
		if (*text == '\\' || *text == '"')
			(void)putchar('\\');
		if (*text == '\n')
			(void)fputs("\\n", stdout);
		else
			(void)putchar(*text);
	}
	(void)putchar('"');
}

static void put_number(int64_t number, int64_t divisor)
{
	if (divisor == 1)
		(void)printf(" %" PRId64 "\n", number);
	else
		(void)printf(" %.9g\n", (double)number / (double)divisor);
}

static const char *suffix(const struct metric *metric)
{
	return strcmp(metric->type, "counter") == 0 ? "_total" : "";
}

static void put_single(const char *name, const char *help, int64_t number)
{
	put_family(name, "gauge", "", help);
	(void)printf("wastewatch_%s %" PRId64 "\n", name, number);
}

static void put_live(const json_t *live)
{
	const json_t *figures = json_object_get(live, "alarm_figures");

	for (size_t i = 0; i < ARRAY_SIZE(live_metrics); i++) {
		const struct metric *metric = &live_metrics[i];

		put_family(metric->name, metric->type, metric->unit, metric->help);
		(void)printf("wastewatch_%s%s", metric->name, suffix(metric));
		put_number(field_number(live, metric->key), metric->divisor);
	}
	put_single("sender_up", "Whether a sender is connected",
		   json_is_true(json_object_get(live, "sender")));
	put_single("bus_up", "Whether actions of people can come over D-Bus",
		   json_is_true(json_object_get(json_object_get(live, "bus"), "ready")));
	put_single("alarms_10min", "Alarms raised in the last ten minutes",
		   field_number(figures, "alarms_10min"));
	put_family("alarms", "gauge", "", "Alarms by their state");
	for (size_t i = 0; i < ARRAY_SIZE(alarm_states); i++) {
		(void)fputs("wastewatch_alarms", stdout);
		put_label('{', "state", alarm_states[i]);
		(void)printf("} %" PRId64 "\n", field_number(figures, alarm_states[i]));
	}
}

static void put_link_labels(const json_t *link)
{
	put_label('{', "site", field_text(link, "site"));
	put_label(',', "link", field_text(link, "link"));
	(void)putchar('}');
}

/* a link that was not read yet has its state only */
static void put_links(const json_t *links)
{
	const json_t *link;
	size_t k;

	put_family("link_up", "gauge", "", "Whether the connection stands");
	json_array_foreach (links, k, link) {
		(void)fputs("wastewatch_link_up", stdout);
		put_link_labels(link);
		put_number(strcmp(field_text(link, "state"), "up") == 0, 1);
	}
	for (size_t i = 0; i < ARRAY_SIZE(link_metrics); i++) {
		const struct metric *metric = &link_metrics[i];

		put_family(metric->name, metric->type, metric->unit, metric->help);
		json_array_foreach (links, k, link) {
			const json_t *number = json_object_get(link, metric->key);

			if (!number)
				continue;
			(void)printf("wastewatch_%s%s", metric->name, suffix(metric));
			put_link_labels(link);
			put_number(json_integer_value(number), metric->divisor);
		}
	}
}

static bool is_good(const json_t *channel)
{
	return strcmp(field_text(channel, "quality"), "good") == 0;
}

/* a value that is not good is no value: it is absent, never old */
static void put_channels(const json_t *channels)
{
	const json_t *channel;
	size_t i;

	put_family("channel_good", "gauge", "", "Whether the last value is good");
	json_array_foreach (channels, i, channel) {
		(void)fputs("wastewatch_channel_good", stdout);
		put_label('{', "channel", field_text(channel, "channel"));
		(void)printf("} %d\n", is_good(channel));
	}
	put_family("channel_value", "gauge", "", "The last good value, in the unit of the label");
	json_array_foreach (channels, i, channel) {
		if (!is_good(channel) || !*field_text(channel, "value"))
			continue;
		(void)fputs("wastewatch_channel_value", stdout);
		put_label('{', "channel", field_text(channel, "channel"));
		put_label(',', "unit", field_text(channel, "unit"));
		(void)printf("} %s\n", field_text(channel, "value"));
	}
}

static void put_waiting(const char *name, const char *unit, const char *help, int64_t reports,
			int64_t files)
{
	put_family(name, "gauge", unit, help);
	(void)printf("wastewatch_%s{what=\"reports\"} %" PRId64 "\n", name, reports);
	(void)printf("wastewatch_%s{what=\"files\"} %" PRId64 "\n", name, files);
}

static int64_t age_s(int64_t now_ms, int64_t oldest_ms)
{
	return oldest_ms > 0 ? MAX(now_ms - oldest_ms, 0) / MS_PER_S : 0;
}

static void count_one(void *userdata, const struct history_incident *incident)
{
	(void)incident;
	++*(int64_t *)userdata;
}

static void count_raised(void *userdata, const char *path, int64_t since_ms, const char *value)
{
	(void)path;
	(void)since_ms;
	(void)value;
	++*(int64_t *)userdata;
}

/* nothing is printed before all of it was read */
static int put_record(struct history *history, int64_t now_ms)
{
	struct history_outbox outbox;
	int64_t n_open = 0, n_raised = 0, n_unclosed = history_unclosed(history), head;
	int r = (int)MIN(n_unclosed, 0), zone_min;

	if (r >= 0)
		r = history_incidents(history, NULL, true, -1, count_one, &n_open);
	if (r >= 0)
		r = history_raised(history, count_raised, &n_raised);
	if (r >= 0)
		r = history_outbox(history, &outbox);
	if (r >= 0)
		r = history_head(history, &head, &zone_min);
	if (r < 0)
		return r;
	put_single("record_entries", "Entries of the record", head);
	put_single("incidents_running", "Incidents that run", n_open);
	put_single("incidents_unclosed", "Incidents that have ended and were not closed",
		   n_unclosed);
	put_single("limits_broken", "Limits that are broken now", n_raised);
	put_waiting("outbox_waiting", "", "What is not delivered yet", outbox.n_waiting,
		    outbox.n_files);
	put_waiting("outbox_held", "", "Refused by the receiver and held", outbox.n_held,
		    outbox.n_files_held);
	put_waiting("outbox_oldest_seconds", "seconds", "Age of the oldest that waits",
		    age_s(now_ms, outbox.oldest_ms), age_s(now_ms, outbox.oldest_file_ms));
	return 0;
}

static void put_daemon(const json_t *live)
{
	put_single("up", "Whether the daemon runs and says so", live != NULL);
	put_single("healthy", "Whether all is read, stored and told",
		   json_is_true(json_object_get(live, "health")));
	if (!live)
		return;
	put_family("build_info", "gauge", "", "Version and origin");
	(void)fputs("wastewatch_build_info", stdout);
	put_label('{', "version", field_text(live, "version"));
	put_label(',', "origin", field_text(live, "origin"));
	(void)fputs("} 1\n", stdout);
	put_live(live);
	put_links(json_object_get(live, "links"));
	put_channels(json_object_get(live, "channels"));
}

int command_metrics(const struct command_options *options)
{
	CLEANUP(history_close) struct history *history = NULL;
	int64_t now_ms = clock_stamp().wall_ms, age_ms = 0;
	char error[HISTORY_ERROR_MAX];
	json_t *live = NULL;
	int r = history_open(&history, options->state, error);

	if (r < 0)
		return command_fail("%s", error);
	(void)live_load(options, now_ms, &live, &age_ms);
	r = put_record(history, now_ms);
	if (r < 0) {
		json_decref(live);
		return command_fail("the record cannot be read: %s", history_error(history));
	}
	put_daemon(live);
	(void)puts("# EOF");
	json_decref(live);
	return EXIT_SUCCESS;
}
