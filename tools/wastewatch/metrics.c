/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The figures of "wastewatch status" as OpenMetrics 1.0 text, for the textfile collector of
 * node_exporter or any scraper that reads a pipe. Names are below "wastewatch_", units are base
 * units, a counter ends in "_total". While the daemon is down the record's figures are there,
 * and wastewatch_up is 0; where the record cannot be read, wastewatch_record_readable is 0.
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

/**
 * struct sink - where the figures go: text at once, or a line of JSON for each family
 * @family: of JSON, not printed yet; NULL none
 */
struct sink {
	bool json;
	char name[80];
	json_t *family;
};

struct label {
	const char *name;
	const char *value;
};

#define LABEL(name, value) ((const struct label[]){{name, value}, {NULL, NULL}})

static void end_family(struct sink *sink)
{
	if (!sink->family)
		return;
	(void)json_dumpf(sink->family, stdout, JSON_COMPACT | JSON_SORT_KEYS);
	(void)putchar('\n');
	json_decref(sink->family);
	sink->family = NULL;
}

static void put_family(struct sink *sink, const char *name, const char *type, const char *unit,
		       const char *help)
{
	end_family(sink);
	(void)snprintf(sink->name, sizeof(sink->name), "wastewatch_%s%s", name,
		       strcmp(type, "counter") == 0 ? "_total" : "");
	if (sink->json) {
		sink->family = json_pack("{so, ss, ss, ss, s[]}", "family",
					 json_sprintf("wastewatch_%s", name), "type", type, "unit",
					 unit, "help", help, "samples");
		return;
	}
	(void)printf("# TYPE wastewatch_%s %s\n", name, type);
	if (*unit)
		(void)printf("# UNIT wastewatch_%s %s\n", name, unit);
	(void)printf("# HELP wastewatch_%s %s.\n", name, help);
}

/* a label's value: backslash, quotation mark and the end of a line are escaped */
static void put_label(char before, const struct label *label)
{
	(void)printf("%c%s=\"", before, label->name);
	for (const char *text = label->value; *text; text++) {
		if (*text == '\\' || *text == '"')
			(void)putchar('\\');
		if (*text == '\n')
			(void)fputs("\\n", stdout);
		else
			(void)putchar(*text);
	}
	(void)putchar('"');
}

static void put_json(const struct sink *sink, const struct label *labels, const char *value)
{
	json_t *set = json_object();

	for (; labels && labels->name; labels++)
		(void)json_object_set_new(set, labels->name, json_string(labels->value));
	(void)json_array_append_new(
		json_object_get(sink->family, "samples"),
		json_pack("{ss, so, ss}", "name", sink->name, "labels", set, "value", value));
}

/* of the family that was put last; @labels: the last has no name; NULL none */
static void put_text(const struct sink *sink, const struct label *labels, const char *value)
{
	if (sink->json) {
		put_json(sink, labels, value);
		return;
	}
	(void)fputs(sink->name, stdout);
	for (const struct label *label = labels; label && label->name; label++)
		put_label(label == labels ? '{' : ',', label);
	(void)printf("%s %s\n", labels ? "}" : "", value);
}

static void put_number(const struct sink *sink, const struct label *labels, int64_t number,
		       int64_t divisor)
{
	char text[32];

	if (divisor == 1)
		(void)snprintf(text, sizeof(text), "%" PRId64, number);
	else
		(void)snprintf(text, sizeof(text), "%.9g", (double)number / (double)divisor);
	put_text(sink, labels, text);
}

static void put_single(struct sink *sink, const char *name, const char *help, int64_t number)
{
	put_family(sink, name, "gauge", "", help);
	put_number(sink, NULL, number, 1);
}

static void put_metric(struct sink *sink, const struct metric *metric)
{
	put_family(sink, metric->name, metric->type, metric->unit, metric->help);
}

static void put_live(struct sink *sink, const json_t *live)
{
	const json_t *figures = json_object_get(live, "alarm_figures");

	for (size_t i = 0; i < ARRAY_SIZE(live_metrics); i++) {
		const struct metric *metric = &live_metrics[i];

		put_metric(sink, metric);
		put_number(sink, NULL, field_number(live, metric->key), metric->divisor);
	}
	put_single(sink, "sender_up", "Whether a sender is connected",
		   json_is_true(json_object_get(live, "sender")));
	put_single(sink, "bus_up", "Whether actions of people can come over D-Bus",
		   json_is_true(json_object_get(json_object_get(live, "bus"), "ready")));
	put_single(sink, "alarms_10min", "Alarms raised in the last ten minutes",
		   field_number(figures, "alarms_10min"));
	put_family(sink, "alarms", "gauge", "", "Alarms by their state");
	for (size_t i = 0; i < ARRAY_SIZE(alarm_states); i++)
		put_number(sink, LABEL("state", alarm_states[i]),
			   field_number(figures, alarm_states[i]), 1);
}

/* a link that was not read yet has its state only; @metric NULL: that */
static void put_link(const struct sink *sink, const json_t *link, const struct metric *metric)
{
	const struct label labels[] = {{"site", field_text(link, "site")},
				       {"link", field_text(link, "link")},
				       {NULL, NULL}};
	const json_t *number = metric ? json_object_get(link, metric->key) : NULL;

	if (!metric)
		put_number(sink, labels, strcmp(field_text(link, "state"), "up") == 0, 1);
	else if (number)
		put_number(sink, labels, json_integer_value(number), metric->divisor);
}

static void put_links(struct sink *sink, const json_t *links)
{
	const json_t *link;
	size_t k;

	put_family(sink, "link_up", "gauge", "", "Whether the connection stands");
	json_array_foreach (links, k, link)
		put_link(sink, link, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(link_metrics); i++) {
		put_metric(sink, &link_metrics[i]);
		json_array_foreach (links, k, link)
			put_link(sink, link, &link_metrics[i]);
	}
}

static bool is_good(const json_t *channel)
{
	return strcmp(field_text(channel, "quality"), "good") == 0;
}

/* a value that is not good is no value: it is absent, never old */
static void put_channels(struct sink *sink, const json_t *channels)
{
	const json_t *channel;
	size_t i;

	put_family(sink, "channel_good", "gauge", "", "Whether the last value is good");
	json_array_foreach (channels, i, channel)
		put_number(sink, LABEL("channel", field_text(channel, "channel")), is_good(channel),
			   1);
	put_family(sink, "channel_value", "gauge", "",
		   "The last good value, in the unit of the label");
	json_array_foreach (channels, i, channel) {
		const struct label labels[] = {{"channel", field_text(channel, "channel")},
					       {"unit", field_text(channel, "unit")},
					       {NULL, NULL}};

		if (is_good(channel) && *field_text(channel, "value"))
			put_text(sink, labels, field_text(channel, "value"));
	}
}

static void put_waiting(struct sink *sink, const char *name, const char *unit, const char *help,
			int64_t reports, int64_t files)
{
	put_family(sink, name, "gauge", unit, help);
	put_number(sink, LABEL("what", "reports"), reports, 1);
	put_number(sink, LABEL("what", "files"), files, 1);
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

/* struct known - what the record says; nothing of it is printed before all of it was read */
struct known {
	struct history_outbox outbox;
	int64_t head;
	int64_t n_open;
	int64_t n_raised;
	int64_t n_unclosed;
};

static int read_known(struct history *history, struct known *known)
{
	int r, zone_min;

	known->n_unclosed = history_unclosed(history);
	r = (int)MIN(known->n_unclosed, 0);
	if (r >= 0)
		r = history_incidents(history, NULL, true, -1, count_one, &known->n_open);
	if (r >= 0)
		r = history_raised(history, count_raised, &known->n_raised);
	if (r >= 0)
		r = history_outbox(history, &known->outbox);
	return r < 0 ? r : history_head(history, &known->head, &zone_min);
}

/* why it cannot be read is for people; whoever watches the figures sees that it cannot */
static bool read_record(const struct command_options *options, struct known *known)
{
	CLEANUP(history_close) struct history *history = NULL;
	char error[HISTORY_ERROR_MAX];
	int r = history_open(&history, options->state, error);

	if (r < 0)
		(void)command_fail("%s", error);
	else if ((r = read_known(history, known)) < 0)
		(void)command_fail("the record cannot be read: %s", history_error(history));
	return r >= 0;
}

static void put_record(struct sink *sink, const struct known *known, int64_t now_ms)
{
	const struct history_outbox *outbox = &known->outbox;

	put_single(sink, "record_entries", "Entries of the record", known->head);
	put_single(sink, "incidents_running", "Incidents that run", known->n_open);
	put_single(sink, "incidents_unclosed", "Incidents that have ended and were not closed",
		   known->n_unclosed);
	put_single(sink, "limits_broken", "Limits that are broken now", known->n_raised);
	put_waiting(sink, "outbox_waiting", "", "What is not delivered yet", outbox->n_waiting,
		    outbox->n_files);
	put_waiting(sink, "outbox_held", "", "Refused by the receiver and held", outbox->n_held,
		    outbox->n_files_held);
	put_waiting(sink, "outbox_oldest_seconds", "seconds", "Age of the oldest that waits",
		    age_s(now_ms, outbox->oldest_ms), age_s(now_ms, outbox->oldest_file_ms));
}

static void put_daemon(struct sink *sink, const json_t *live)
{
	const struct label build[] = {{"version", field_text(live, "version")},
				      {"origin", field_text(live, "origin")},
				      {NULL, NULL}};

	put_single(sink, "up", "Whether the daemon runs and says so", live != NULL);
	put_single(sink, "healthy", "Whether all is read, stored and told",
		   json_is_true(json_object_get(live, "health")));
	if (!live)
		return;
	put_family(sink, "build_info", "gauge", "", "Version and origin");
	put_number(sink, build, 1, 1);
	put_live(sink, live);
	put_links(sink, json_object_get(live, "links"));
	put_channels(sink, json_object_get(live, "channels"));
}

/* Whoever collects the figures keeps the last ones where a command fails, and would go on to see a
 * daemon that is up: so what is not there is a figure, and no failure. */
int command_metrics(const struct command_options *options)
{
	struct sink sink = {.json = options->json};
	int64_t now_ms = clock_stamp().wall_ms, age_ms = 0;
	struct known known = {0};
	json_t *live = NULL;
	bool is_readable = read_record(options, &known);

	(void)live_load(options, now_ms, &live, &age_ms);
	put_single(&sink, "record_readable", "Whether the record could be read for these figures",
		   is_readable);
	if (is_readable)
		put_record(&sink, &known, now_ms);
	put_daemon(&sink, live);
	end_family(&sink);
	if (!options->json)
		(void)puts("# EOF");
	json_decref(live);
	return EXIT_SUCCESS;
}
