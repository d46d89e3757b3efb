/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The alarms that stand or are hidden: live from the daemon, where it is down from the record.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "core/history.h"
#include "tools/command.h"
#include "tools/live.h"

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "";
}

static int64_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void take_raised(void *userdata, const char *path, int64_t since_ms, const char *value)
{
	json_t *object = json_object();

	(void)json_object_set_new(object, "limit", json_string(path));
	(void)json_object_set_new(object, "state", json_string("raised"));
	(void)json_object_set_new(object, "since_ms", json_integer(since_ms));
	(void)json_object_set_new(object, "value", json_string(value));
	(void)json_array_append_new(userdata, object);
}

/* Return: 0; -errno, which has been said */
static int read_record(const struct command_options *options, json_t *raised, int *ret_zone_min)
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
		r = history_raised(history, take_raised, raised);
	if (r < 0)
		(void)command_fail("the record cannot be read: %s", history_error(history));
	return MIN(r, 0);
}

static void print_alarms(const json_t *alarms, int64_t now_ms, int zone_min)
{
	const json_t *alarm;
	size_t i;

	if (json_array_size(alarms) == 0)
		(void)puts("No alarms.");
	else
		(void)printf("%-9s  %-19s  %-13s  %12s  %s\n", "CLASS", "SINCE", "FOR", "WORST",
			     "ALARM");
	json_array_foreach (alarms, i, alarm) {
		char moment[48], span[48];

		(void)printf("%-9s  %-19s  %-13s  %12s  %s\n", text(alarm, "class"),
			     command_time(number(alarm, "since_ms"), zone_min, moment),
			     command_span(now_ms - number(alarm, "since_ms"), span),
			     text(alarm, "value"), text(alarm, "limit"));
		(void)printf("%11s%s", "", text(alarm, "state"));
		if (number(alarm, "until_ms"))
			(void)printf(" until %s",
				     command_time(number(alarm, "until_ms"), zone_min, moment));
		(void)putchar('\n');
	}
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
	json_t *live, *raised = json_array();
	const json_t *alarms = raised;
	int zone_min = 0, r = 0;

	if (live_load(options, now_ms, &live, &age_ms) == LIVE_OK) {
		alarms = json_object_get(live, "alarms");
		zone_min = (int)number(live, "zone_min");
	} else {
		r = read_record(options, raised, &zone_min);
		if (r >= 0)
			(void)fputs("wastewatch: wastewatchd is not running; this is how the "
				    "record ends\n",
				    stderr);
	}
	if (r >= 0 && options->json)
		print_lines(alarms);
	else if (r >= 0)
		print_alarms(alarms, now_ms, zone_min);
	json_decref(live);
	json_decref(raised);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
