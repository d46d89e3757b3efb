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
#include "tools/live.h"
#include "tools/scrub.h"

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

/* Return: 0; -errno, which has been said */
static int read_record(const struct command_options *options, json_t *alarms, int *ret_zone_min)
{
	CLEANUP(history_close) struct history *history = NULL;
	char error[256];
	int64_t head;
	int r = history_open(&history, options->state, error);

	if (r < 0) {
		(void)command_fail("%s", error);
		return r;
	}
	r = history_head(history, &head, ret_zone_min);
	if (r >= 0)
		r = history_alarms(history, take_alarm, alarms);
	if (r < 0)
		(void)command_fail("the record cannot be read: %s", history_error(history));
	return MIN(r, 0);
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

static void print_hidden(const json_t *alarm, int zone_min)
{
	char until[48];

	if (*field_text(alarm, "shelved_by"))
		(void)printf("    shelved by %s until %s%s: %s\n", field_text(alarm, "shelved_by"),
			     moment(field_number(alarm, "shelved_until_ms"), zone_min, until),
			     is_set(alarm, "one_shot") ? ", or until it is in order" : "",
			     field_text(alarm, "shelved_reason"));
	if (is_set(alarm, "out_of_service"))
		(void)printf(
			"    out of service by %s%s%s: %s\n", field_text(alarm, "out_by"),
			field_number(alarm, "out_until_ms") ? " until " : "",
			field_number(alarm, "out_until_ms")
				? command_time(field_number(alarm, "out_until_ms"), zone_min, until)
				: "",
			field_text(alarm, "out_reason"));
	if (is_set(alarm, "suppressed"))
		(void)puts("    suppressed by a condition of the configuration");
}

static void print_alarm(const json_t *alarm, int64_t now_ms, int zone_min)
{
	int64_t since_ms = field_number(alarm, "since_ms");
	char since[48], span[48];

	(void)printf("%-23s %-9s  %-19s  %-13s %12s %-8s %s\n", field_text(alarm, "state"),
		     field_text(alarm, "class"), moment(since_ms, zone_min, since),
		     since_ms ? command_span(now_ms - since_ms, span) : "-",
		     *field_text(alarm, "worst") ? field_text(alarm, "worst")
						 : field_text(alarm, "value"),
		     field_text(alarm, "unit"), field_text(alarm, "limit"));
	if (*field_text(alarm, "acknowledged_by"))
		(void)printf("    acknowledged by %s, %s\n", field_text(alarm, "acknowledged_by"),
			     moment(field_number(alarm, "acknowledged_ms"), zone_min, since));
	print_hidden(alarm, zone_min);
}

static void print_alarms(const json_t *alarms, int64_t now_ms, int zone_min)
{
	const json_t *alarm;
	size_t i;

	if (json_array_size(alarms) == 0)
		(void)puts("No alarms.");
	else
		(void)printf("%-23s %-9s  %-19s  %-13s %12s %-8s %s\n", "STATE", "CLASS", "SINCE",
			     "FOR", "WORST", "UNIT", "ALARM");
	json_array_foreach (alarms, i, alarm) {
		print_alarm(alarm, now_ms, zone_min);
	}
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
		(void)json_dumpf(alarm, stdout, JSON_COMPACT | JSON_SORT_KEYS);
		(void)putchar('\n');
	}
}

int command_alarms(const struct command_options *options)
{
	int64_t now_ms = clock_stamp().wall_ms, age_ms;
	json_t *live, *alarms = json_array();
	int zone_min = 0, r = read_record(options, alarms, &zone_min);

	if (live_load(options, now_ms, &live, &age_ms) == LIVE_OK)
		add_live(alarms, json_object_get(live, "alarms"));
	else if (r >= 0)
		(void)fputs("wastewatch: wastewatchd is not running; this is how the record ends\n",
			    stderr);
	if (r >= 0 && options->json)
		print_lines(alarms);
	else if (r >= 0)
		print_scrubbed(alarms, now_ms, zone_min);
	json_decref(live);
	json_decref(alarms);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
