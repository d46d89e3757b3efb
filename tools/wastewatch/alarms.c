/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The alarms that stand, wait for somebody or are hidden. The record has them with who did what
 * and why, whether the daemon is there or not; a daemon that is adds what only it knows.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "core/fields.h"
#include "core/history.h"
#include "tools/command.h"
#include "tools/lines.h"
#include "tools/live.h"
#include "tools/say.h"
#include "tools/scrub.h"
#include "tools/term.h"

static bool is_set(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

/* --- what there is ----------------------------------------------------------------- */

static void set_number(json_t *object, const char *key, int64_t value)
{
	if (value)
		(void)json_object_set_new(object, key, json_integer(value));
}

static void set_true(json_t *object, const char *key, bool value)
{
	if (value)
		(void)json_object_set_new(object, key, json_true());
}

static void take_alarm(void *userdata, const struct history_alarm *alarm)
{
	json_t *object = json_object();

	field_set_text(object, "limit", alarm->path);
	field_set_text(object, "state", alarm->condition);
	field_set_text(object, "value", alarm->value);
	field_set_text(object, "incident", alarm->incident);
	set_number(object, "since_ms", alarm->since_ms);
	set_number(object, "acknowledged_ms", alarm->acknowledged_ms);
	field_set_text(object, "acknowledged_by", alarm->acknowledged_by);
	set_number(object, "shelved_until_ms", alarm->shelved_until_ms);
	field_set_text(object, "shelved_by", alarm->shelved_by);
	field_set_text(object, "shelved_reason", alarm->shelved_reason);
	set_true(object, "one_shot", alarm->one_shot);
	set_true(object, "out_of_service", alarm->out_of_service);
	set_number(object, "out_until_ms", alarm->out_until_ms);
	field_set_text(object, "out_by", alarm->out_by);
	field_set_text(object, "out_reason", alarm->out_reason);
	set_true(object, "suppressed", alarm->suppressed);
	(void)json_array_append_new(userdata, object);
}

/* Return: the exit status */
static int read_record(const struct command_options *options, json_t *alarms, int *ret_zone_min)
{
	CLEANUP(history_close) struct history *history = NULL;
	int status = command_open_record(options, &history, ret_zone_min);

	if (status == EXIT_SUCCESS && history_alarms(history, take_alarm, alarms) < 0)
		status = command_unreadable(history);
	return status;
}

/* class and worst value, which the table in the record does not have */
static void add_live(json_t *alarms, const json_t *live)
{
	const json_t *from;
	json_t *alarm;
	size_t i, k;

	json_array_foreach (alarms, i, alarm) {
		json_array_foreach (live, k, from) {
			if (strcmp(field_text(alarm, "limit"), field_text(from, "limit")) != 0)
				continue;
			field_set_text(alarm, "class", field_text(from, "class"));
			field_set_text(alarm, "worst", field_text(from, "worst"));
			field_set_text(alarm, "unit", field_text(from, "unit"));
			break;
		}
	}
}

/* --- for people -------------------------------------------------------------------- */

static const char *moment(int64_t wall_ms, int zone_min, char *ret)
{
	return wall_ms ? command_time(wall_ms, zone_min, ret) : "-";
}

static void print_shelved(const json_t *alarm, int zone_min)
{
	const char *by = field_text(alarm, "shelved_by"),
		   *why = field_text(alarm, "shelved_reason");
	char until[48];

	(void)moment(field_number(alarm, "shelved_until_ms"), zone_min, until);
	if (is_set(alarm, "one_shot"))
		say("    shelved by %s until it is in order%s%s: %s\n", by,
		    field_number(alarm, "shelved_until_ms") ? tr(", at most until ") : "",
		    field_number(alarm, "shelved_until_ms") ? until : "", why);
	else
		say("    shelved by %s until %s: %s\n", by, until, why);
}

static void print_hidden(const json_t *alarm, int zone_min)
{
	const char *by = field_text(alarm, "out_by"), *why = field_text(alarm, "out_reason");
	int64_t until_ms = field_number(alarm, "out_until_ms");
	char until[48];

	if (*field_text(alarm, "shelved_by"))
		print_shelved(alarm, zone_min);
	if (is_set(alarm, "out_of_service") && until_ms)
		say("    out of service by %s until %s: %s\n", by,
		    command_time(until_ms, zone_min, until), why);
	else if (is_set(alarm, "out_of_service"))
		say("    out of service by %s: %s\n", by, why);
	if (is_set(alarm, "suppressed"))
		say("    suppressed by a condition of the configuration\n");
}

static enum term_colour colour_of(const json_t *alarm)
{
	const char *state = field_text(alarm, "state");

	return strcmp(state, "unacknowledged") == 0 ? TERM_RED
	       : strcmp(state, "normal") == 0	    ? TERM_PLAIN
						    : TERM_YELLOW;
}

static void print_alarm(const json_t *alarm, int64_t now_ms, int zone_min)
{
	int64_t since_ms = field_number(alarm, "since_ms");
	const char *worst = field_text(alarm, "worst"), *class = field_text(alarm, "class");
	char since[48], span[48];

	(void)printf("%s%s%s\n    %s%s%s", term_colour(TERM_BOLD), field_text(alarm, "limit"),
		     term_colour(TERM_PLAIN), term_colour(colour_of(alarm)),
		     say_word(field_text(alarm, "state")), term_colour(TERM_PLAIN));
	if (*class)
		(void)printf(", %s", say_word(class));
	if (since_ms)
		say(", for %s since %s", command_span(now_ms - since_ms, span),
		    command_time(since_ms, zone_min, since));
	if (*worst || *field_text(alarm, "value"))
		say(", worst %s%s%s", *worst ? worst : field_text(alarm, "value"),
		    *field_text(alarm, "unit") ? " " : "", field_text(alarm, "unit"));
	(void)putchar('\n');
	if (*field_text(alarm, "acknowledged_by"))
		say("    acknowledged by %s, %s\n", field_text(alarm, "acknowledged_by"),
		    moment(field_number(alarm, "acknowledged_ms"), zone_min, since));
	print_hidden(alarm, zone_min);
}

static bool waits(const json_t *alarm)
{
	return strstr(field_text(alarm, "state"), "unacknowledged") != NULL;
}

static void print_alarms(const json_t *alarms, int64_t now_ms, int zone_min)
{
	const json_t *alarm;
	size_t i, n_waiting = 0;

	if (json_array_size(alarms) == 0)
		say("No alarms.\n");
	json_array_foreach (alarms, i, alarm) {
		print_alarm(alarm, now_ms, zone_min);
		n_waiting += waits(alarm);
	}
	if (n_waiting > 0)
		say("To say that you have seen it: wastewatch ack ALARM\n");
}

static void print_scrubbed(json_t *alarms, int64_t now_ms, int zone_min)
{
	scrub_json(alarms);
	print_alarms(alarms, now_ms, zone_min);
}

static void print_lines(const json_t *alarms)
{
	const json_t *alarm;
	size_t i;

	json_array_foreach (alarms, i, alarm) {
		lines_print(alarm);
	}
}

int command_alarms(const struct command_options *options)
{
	int64_t now_ms = clock_stamp().wall_ms, age_ms;
	json_t *live, *alarms = json_array();
	int zone_min = 0, status = read_record(options, alarms, &zone_min);

	if (live_load(options, now_ms, &live, &age_ms) == LIVE_OK)
		add_live(alarms, json_object_get(live, "alarms"));
	else if (status == EXIT_SUCCESS)
		(void)command_fail("wastewatchd is not running; this is how the record ends");
	if (status == EXIT_SUCCESS && options->json)
		print_lines(alarms);
	else if (status == EXIT_SUCCESS)
		print_scrubbed(alarms, now_ms, zone_min);
	json_decref(live);
	json_decref(alarms);
	return status;
}
