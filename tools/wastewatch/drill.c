/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drills: begun and ended over the bus, listed from the record, so that the list is there
 * while the daemon is down, too.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "core/drill_scenario.h"
#include "core/fields.h"
#include "core/history.h"
#include "tools/bus.h"
#include "tools/command.h"
#include "tools/lines.h"
#include "tools/say.h"
#include "tools/scrub.h"
#include "tools/target.h"
#include "tools/wrap.h"

static void copy(json_t *object, const char *as, const json_t *entry, const char *key)
{
	json_t *value = json_object_get(entry, key);

	if (value)
		(void)json_object_set(object, as, value);
}

/* --- scenarios ---------------------------------------------------------------------- */

static void each_scenario(void *userdata, const char *name, const struct drill_scenario *scenario,
			  const char *error)
{
	char span[48];

	(void)userdata;
	if (!scenario) {
		(void)command_fail("%s", error);
		return;
	}
	(void)printf("%s  %s, %s: %s\n", name, waste_kind_text(scenario->kind),
		     command_span(scenario->duration_ms, span), scenario->title);
	(void)fputs("    ", stdout);
	wrap_print(4, 4, scenario->practise);
}

static void each_scenario_line(void *userdata, const char *name,
			       const struct drill_scenario *scenario, const char *error)
{
	json_t *object = json_object();

	(void)userdata;
	(void)json_object_set_new(object, "scenario", json_string(name));
	if (!scenario) {
		(void)json_object_set_new(object, "error", json_string(error));
	} else {
		(void)json_object_set_new(object, "kind",
					  json_string(waste_kind_text(scenario->kind)));
		(void)json_object_set_new(object, "title", json_string(scenario->title));
		(void)json_object_set_new(object, "practise", json_string(scenario->practise));
		(void)json_object_set_new(object, "duration_s",
					  json_integer(scenario->duration_ms / MS_PER_S));
	}
	(void)json_dumpf(object, stdout, JSON_COMPACT | JSON_SORT_KEYS);
	(void)putchar('\n');
	json_decref(object);
}

static int scenarios(const struct command_options *options)
{
	int n = drill_library_each(options->config,
				   options->json ? each_scenario_line : each_scenario, NULL);

	if (n < 0)
		return command_fail("out of memory");
	if (n == 0 && !options->json)
		say("No scenarios.\n");
	return EXIT_SUCCESS;
}

/* --- list -------------------------------------------------------------------------- */

/* the drill of a site that has begun and not ended; NULL none */
static json_t *running_at(json_t *drills, const char *site)
{
	for (size_t i = json_array_size(drills); i > 0; i--) {
		json_t *drill = json_array_get(drills, i - 1);

		if (strcmp(field_text(drill, "site"), site) == 0)
			return json_object_get(drill, "ended") ? NULL : drill;
	}
	return NULL;
}

static void take_entry(void *userdata, const char *line)
{
	json_t *drills = userdata, *entry = json_loads(line, 0, NULL), *drill;

	if (strcmp(field_text(entry, "type"), "drill.started") == 0) {
		drill = json_pack("{s:[]}", "incidents");
		copy(drill, "site", entry, "site");
		copy(drill, "scenario", entry, "name");
		copy(drill, "started", entry, "time");
		copy(drill, "started_by", entry, "user");
		copy(drill, "until", entry, "until");
		(void)json_array_append_new(drills, drill);
	} else if ((drill = running_at(drills, field_text(entry, "site")))) {
		copy(drill, "ended", entry, "time");
		copy(drill, "ended_by", entry, "user");
		copy(drill, "reason", entry, "reason");
	}
	json_decref(entry);
}

static int64_t moment_of(const json_t *object, const char *key, int64_t otherwise_ms)
{
	int64_t wall_ms;

	return clock_parse(field_text(object, key), &wall_ms) == 0 ? wall_ms : otherwise_ms;
}

/* what the drill that ran then made; its incidents are on no other list */
static void take_incident(void *userdata, const char *line)
{
	json_t *drills = userdata, *entry = json_loads(line, 0, NULL), *drill;
	int64_t at_ms = moment_of(entry, "time", 0);
	size_t i;

	json_array_foreach (drills, i, drill) {
		if (json_is_true(json_object_get(entry, "exercise")) &&
		    strcmp(field_text(drill, "site"), field_text(entry, "site")) == 0 &&
		    moment_of(drill, "started", INT64_MAX) <= at_ms &&
		    moment_of(drill, "ended", INT64_MAX) >= at_ms)
			(void)json_array_append(json_object_get(drill, "incidents"),
						json_object_get(entry, "incident"));
	}
	json_decref(entry);
}

static void print_moment(const json_t *drill, const char *key, int zone_min)
{
	char moment[48];
	int64_t wall_ms;

	(void)printf("  %-19s", clock_parse(field_text(drill, key), &wall_ms) == 0
					? command_time(wall_ms, zone_min, moment)
					: "runs");
}

static void print_drills(const json_t *drills, int zone_min)
{
	const json_t *drill, *incident;
	size_t i, k;

	if (json_array_size(drills) == 0)
		say("No drills.\n");
	else
		(void)printf("%-20s  %-19s  %-19s  %-12s  %s\n", "SITE", "BEGUN", "ENDED", "BY",
			     "SCENARIO");
	json_array_foreach (drills, i, drill) {
		(void)printf("%-20s", field_text(drill, "site"));
		print_moment(drill, "started", zone_min);
		print_moment(drill, "ended", zone_min);
		(void)printf("  %-12s  %s%s%s%s\n", field_text(drill, "started_by"),
			     field_text(drill, "scenario"),
			     *field_text(drill, "reason") ? " (" : "", field_text(drill, "reason"),
			     *field_text(drill, "reason") ? ")" : "");
		json_array_foreach (json_object_get(drill, "incidents"), k, incident) {
			(void)printf("    wastewatch show %s\n", json_string_value(incident));
		}
	}
}

static void print_scrubbed(json_t *drills, int zone_min)
{
	scrub_json(drills);
	print_drills(drills, zone_min);
}

static void print_lines(const json_t *drills)
{
	const json_t *drill;
	size_t i;

	json_array_foreach (drills, i, drill) {
		(void)json_dumpf(drill, stdout, JSON_COMPACT | JSON_SORT_KEYS);
		(void)putchar('\n');
	}
}

static int list(const struct command_options *options)
{
	CLEANUP(history_close) struct history *history = NULL;
	json_t *drills = json_array();
	int zone_min = 0, r = command_open_record(options, &history, &zone_min);

	if (r != EXIT_SUCCESS) {
		json_decref(drills);
		return r;
	}
	r = history_typed(history, "drill.st*", take_entry, drills);
	if (r >= 0)
		r = history_typed(history, "incident.opened", take_incident, drills);
	if (r < 0)
		(void)command_unreadable(history);
	else if (options->json)
		print_lines(drills);
	else
		print_scrubbed(drills, zone_min);
	if (r >= 0 && !options->json) {
		say("\nScenarios:\n");
		(void)scenarios(options);
	}
	json_decref(drills);
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* --- start, stop ------------------------------------------------------------------- */

/* SITE, or SITE/SOURCE where several could play the scenario; the daemon knows the sources */
static int resolve(struct target *ret, const struct command_options *options, struct bus *bus,
		   char error[static BUS_ERROR_MAX])
{
	const char *word = options->arguments[1];
	size_t n = strcspn(word, "/"), n_name;
	char site[TARGET_MAX];
	int r;

	(void)snprintf(site, sizeof(site), "%.*s", (int)MIN(n, sizeof(site)), word);
	r = target_resolve(ret, options, bus, site, TARGET_SITE, error);
	if (r < 0)
		return r;
	n_name = strlen(ret->name);
	(void)snprintf(ret->name + n_name, sizeof(ret->name) - n_name, "%s", word + n);
	return 0;
}

static int tell(const struct command_options *options, const char *method)
{
	CLEANUP(bus_close) struct bus *bus = NULL;
	struct target site = {0};
	struct bus_argument arguments[2] = {{.type = 's', .text = site.name}, {.type = 's'}};
	char error[BUS_ERROR_MAX], action[32];
	int r = bus_open(&bus, options->bus, error);

	arguments[1].text = options->n_arguments > 2 ? options->arguments[2] : "";
	if (r >= 0)
		r = resolve(&site, options, bus, error);
	if (r >= 0)
		r = bus_act(bus, false, method, arguments, options->n_arguments - 1, error);
	(void)snprintf(action, sizeof(action), "drill-%s", options->arguments[0]);
	if (options->json)
		lines_action(action, *site.name ? site.name : options->arguments[1],
			     r < 0 ? error : NULL);
	else if (r < 0)
		(void)command_fail("%s", error);
	else if (options->n_arguments > 2)
		say("%s: drill \"%s\" has begun; to end it: wastewatch drill stop %s\n", site.name,
		    arguments[1].text, options->arguments[1]);
	else
		say("%s: the drill has ended\n", site.name);
	return command_exit(r);
}

static int start(const struct command_options *options)
{
	return tell(options, "DrillStart");
}

static int stop(const struct command_options *options)
{
	return tell(options, "DrillStop");
}

static const struct {
	const char *verb;
	size_t n; /* arguments, the verb with them */
	int (*run)(const struct command_options *options);
} verbs[] = {
	{"list", 1, list}, {"scenarios", 1, scenarios}, {"start", 3, start}, {"stop", 2, stop}};

int command_drill(const struct command_options *options)
{
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (strcmp(verbs[i].verb, options->arguments[0]) == 0 &&
		    verbs[i].n == options->n_arguments)
			return verbs[i].run(options);
	return say_wrong(
		"drill list, drill scenarios, drill start SITE SCENARIO, or drill stop SITE");
}
