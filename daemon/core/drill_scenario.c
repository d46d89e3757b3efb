/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "core/config_names.h"
#include "core/config_text.h"
#include "core/drill_scenario.h"
#include "core/units.h"

#define RIPPLE_MS  97000 /* one swing; no round number, so that it meets no window's end twice */
#define RIPPLE_MAX 50.0

struct course_draft {
	struct drill_course course;
};

struct point_draft {
	struct drill_point point;
	double value;
};

struct scenario_draft {
	struct drill_scenario scenario;
};

static int finish_scenario(struct config_mapping *mapping, void *draft);
static int finish_course(struct config_mapping *mapping, void *draft);
static int finish_point(struct config_mapping *mapping, void *draft);

#define FIELD(object, member) \
	.offset = offsetof(struct object, member), .size = sizeof(((struct object *)0)->member)
#define TEXT(key_, object, member, standard_, max_, check_, help_)                              \
	{                                                                                       \
		.key = key_, .type = OPTION_TEXT, FIELD(object, member), .standard = standard_, \
		.max = max_, .check = check_, .help = help_                                     \
	}
#define CHOICE(key_, object, member, standard_, choices_, help_)                                  \
	{                                                                                         \
		.key = key_, .type = OPTION_CHOICE, FIELD(object, member), .standard = standard_, \
		.choices = choices_, .help = help_                                                \
	}
#define NUMBER(key_, object, member, standard_, help_)                                            \
	{                                                                                         \
		.key = key_, .type = OPTION_NUMBER, FIELD(object, member), .standard = standard_, \
		.min = -HUGE_VAL, .max = HUGE_VAL, .help = help_                                  \
	}
#define DURATION(key_, object, member, min_, max_, help_)                                 \
	{                                                                                 \
		.key = key_, .type = OPTION_DURATION, FIELD(object, member), .min = min_, \
		.max = max_, .unit_us = US_PER_MS, .help = help_                          \
	}
#define LIST(key_, group_, help_)                                                            \
	{                                                                                    \
		.key = key_, .type = OPTION_LIST, .standard = "", .min = 1, .group = group_, \
		.help = help_                                                                \
	}
#define GROUP(what_, options_, draft_, finish_)                                        \
	{                                                                              \
		.what = what_, .options = options_, .n_options = ARRAY_SIZE(options_), \
		.size = sizeof(struct draft_), .finish = finish_                       \
	}

static const char *check_channel(const char *text);

static const struct config_choice kinds[] = {
	{"liquid", WASTE_LIQUID}, {"gas", WASTE_GAS}, {"solid", WASTE_SOLID}, {0}};
static const struct config_choice ways[] = {{"linear", 0}, {"hold", 1}, {0}};
static const struct config_choice needs[] = {{"yes", 0}, {"no", 1}, {0}}; /* @may_lack */
static const struct config_choice qualities[] = {{"good", QUALITY_GOOD},
						 {"calibrating", QUALITY_CALIBRATING},
						 {"maintenance", QUALITY_MAINTENANCE},
						 {"fault", QUALITY_DEVICE_FAULT},
						 {"communication-lost", QUALITY_COMMUNICATION_LOST},
						 {0}};

/* clang-format off */
static const struct config_option point_options[] = {
	DURATION("at", point_draft, point.at_ms, 0, (double)DRILL_LONGEST_MS, "when, since the drill began"),
	NUMBER("value", point_draft, value, "", "what the instrument shows then"),
	CHOICE("quality", point_draft, point.quality, "good", qualities, "what the value is worth from then on"),
};
static const struct config_group point_group = GROUP("point", point_options, point_draft, finish_point);

static const struct config_option course_options[] = {
	TEXT("channel", course_draft, course.channel, NULL, 98, check_channel, "name of a channel of the source, or SITE/SOURCE/CHANNEL"),
	TEXT("unit", course_draft, course.measure, "", 40, config_text_check, "unit of measure of the values; none where there is none"),
	CHOICE("interpolation", course_draft, course.hold, "linear", ways, "between two points: linear or hold"),
	CHOICE("required", course_draft, course.may_lack, "yes", needs, "whether a source without the channel cannot play it"),
	NUMBER("ripple", course_draft, course.ripple_percent, "0", "per cent by which the value goes up and down"),
	LIST("course", &point_group, "points, {at: TIME, value: NUMBER}"),
};
static const struct config_group course_group = GROUP("channel", course_options, course_draft, finish_course);

static const struct config_option scenario_options[] = {
	TEXT("scenario", scenario_draft, scenario.name, NULL, 32, config_name_check, "the scenario's name, that of the file without .yaml"),
	TEXT("title", scenario_draft, scenario.title, NULL, 200, config_text_check, "what happens, in a few words"),
	TEXT("practise", scenario_draft, scenario.practise, NULL, 2000, config_text_check, "what the forces on the spot should practise"),
	CHOICE("kind", scenario_draft, scenario.kind, NULL, kinds, "the waste: liquid, gas or solid"),
	DURATION("duration", scenario_draft, scenario.duration_ms, 60000, (double)DRILL_LONGEST_MS, "when the drill ends by itself"),
	LIST("channels", &course_group, "channels with their courses"),
};
const struct config_group config_scenario_group = GROUP("scenario", scenario_options, scenario_draft, finish_scenario);
/* clang-format on */

/* a name, or three with "/" between them */
static const char *check_channel(const char *text)
{
	char copy[128], *rest = copy, *part;
	size_t n = 0;

	(void)snprintf(copy, sizeof(copy), "%s", text);
	while ((part = strsep(&rest, "/"))) {
		if (config_name_check(part))
			return config_name_check(part);
		n++;
	}
	return n == 1 || n == 3 ? NULL
				: "it is neither a name nor a path; allowed: CHANNEL or "
				  "SITE/SOURCE/CHANNEL";
}

static int finish_scenario(struct config_mapping *mapping, void *data)
{
	struct drill_scenario *draft = &((struct scenario_draft *)data)->scenario;
	struct drill_scenario *scenario = mapping->reader->scenario;
	const char *wanted = scenario->name;

	if (wanted && config_usable(mapping, "scenario") && strcmp(draft->name, wanted) != 0)
		config_error(mapping, "scenario",
			     "the scenario's name is not the file's; allowed: %s", wanted);
	free(scenario->name);
	scenario->name = steal(&draft->name);
	scenario->title = steal(&draft->title);
	scenario->practise = steal(&draft->practise);
	scenario->kind = draft->kind;
	scenario->duration_ms = draft->duration_ms;
	return 0;
}

static int finish_course(struct config_mapping *mapping, void *data)
{
	struct drill_scenario *scenario = mapping->reader->scenario;
	struct drill_course *course = &((struct course_draft *)data)->course;
	struct unit unit;

	if (config_usable(mapping, "channel"))
		for (size_t i = 0; i < scenario->n_courses; i++)
			if (scenario->courses[i].channel &&
			    strcasecmp(scenario->courses[i].channel, course->channel) == 0)
				config_error(mapping, "channel",
					     "this channel has a course already; allowed: one");
	if (scenario->n_courses >= DRILL_COURSES_MAX)
		config_error(mapping, "channel", "one channel too many; allowed: %d",
			     DRILL_COURSES_MAX);
	if (!(course->ripple_percent >= 0 && course->ripple_percent <= RIPPLE_MAX))
		config_error(mapping, "ripple", "no instrument swings so; allowed: 0 to %.0f",
			     RIPPLE_MAX);
	if (*course->measure && config_usable(mapping, "unit") &&
	    unit_parse(course->measure, &unit) < 0)
		config_warning(mapping, "unit",
			       "this unit is not known here, so the channel's must be written "
			       "alike");
	course->first_point = scenario->n_points;
	return config_append(&scenario->courses, &scenario->n_courses, course, sizeof(*course));
}

static void check_point(const struct config_mapping *mapping, const struct drill_scenario *scenario,
			const struct drill_course *course, const struct drill_point *point)
{
	const struct drill_point *before = course->n_points
						   ? &scenario->points[scenario->n_points - 1]
						   : NULL;

	if (config_usable(mapping, "at") && before && point->at_ms <= before->at_ms)
		config_error(mapping, "at",
			     "it is not after the point before it; allowed: times that go up");
	if (config_usable(mapping, "at") && scenario->duration_ms > 0 &&
	    point->at_ms > scenario->duration_ms)
		config_error(mapping, "at", "the drill is over then; allowed: up to its duration");
	if (point->quality == QUALITY_GOOD && config_state(mapping, "value") == OPTION_ABSENT)
		config_lacking(mapping, "value");
	if (scenario->n_points >= DRILL_POINTS_MAX)
		config_error(mapping, "at", "one point too many; allowed: %d in a scenario",
			     DRILL_POINTS_MAX);
}

/* without a value of its own a point goes on with that of the one before */
static int finish_point(struct config_mapping *mapping, void *data)
{
	struct drill_scenario *scenario = mapping->reader->scenario;
	struct drill_course *course = &scenario->courses[scenario->n_courses - 1];
	struct point_draft *draft = data;

	draft->point.value = draft->value;
	if (config_state(mapping, "value") == OPTION_ABSENT && course->n_points > 0)
		draft->point.value = scenario->points[scenario->n_points - 1].value;
	check_point(mapping, scenario, course, &draft->point);
	course->n_points++;
	return config_append(&scenario->points, &scenario->n_points, &draft->point,
			     sizeof(draft->point));
}

static int walk(struct drill_scenario *scenario, struct config_report *report, const char *file,
		const void *bytes, size_t n)
{
	CLEANUP(config_node_free) struct config_node *root = NULL;
	struct config_reader reader = {.report = report, .file = file, .scenario = scenario};
	size_t n_errors = report->n_errors;
	int r = config_yaml_parse(&root, report, file, bytes, n);

	if (r == 0)
		r = config_walk(&reader, &config_scenario_group, root);
	return r == 0 && report->n_errors > n_errors ? -EINVAL : r;
}

int drill_scenario_parse(struct drill_scenario **ret, struct config_report *report,
			 const char *file, const char *name, const void *bytes, size_t n)
{
	CLEANUP(drill_scenario_free) struct drill_scenario *scenario = calloc(1, sizeof(*scenario));
	int r;

	if (!scenario)
		return -ENOMEM;
	scenario->name = name ? strdup(name) : NULL;
	scenario->text = malloc(n + 1);
	if ((name && !scenario->name) || !scenario->text)
		return -ENOMEM;
	memcpy(scenario->text, bytes, n);
	scenario->n_text = n;
	r = walk(scenario, report, file, bytes, n);
	if (r == 0)
		*ret = steal(&scenario);
	return r;
}

struct drill_scenario *drill_scenario_free(struct drill_scenario *scenario)
{
	if (!scenario)
		return NULL;
	for (size_t i = 0; i < scenario->n_courses; i++) {
		free(scenario->courses[i].channel);
		free(scenario->courses[i].measure);
	}
	free(scenario->courses);
	free(scenario->points);
	free(scenario->name);
	free(scenario->title);
	free(scenario->practise);
	free(scenario->text);
	free(scenario);
	return NULL;
}

/* between -1 and 1, in straight lines: the same on every machine, to the last bit */
static double swing(int64_t at_ms)
{
	double phase = (double)(at_ms % RIPPLE_MS) / RIPPLE_MS;

	return phase < 0.25 ? 4 * phase : phase < 0.75 ? 2 - 4 * phase : 4 * phase - 4;
}

double drill_value(const struct drill_scenario *scenario, const struct drill_course *course,
		   int64_t at_ms, enum quality *ret_quality)
{
	const struct drill_point *points = &scenario->points[course->first_point];
	double value;
	size_t i = 0;

	while (i + 1 < course->n_points && (int64_t)points[i + 1].at_ms <= at_ms)
		i++;
	*ret_quality = points[i].quality;
	value = points[i].value;
	if (!course->hold && i + 1 < course->n_points && at_ms > (int64_t)points[i].at_ms)
		value += (points[i + 1].value - value) * (double)(at_ms - points[i].at_ms) /
			 (double)(points[i + 1].at_ms - points[i].at_ms);
	return value + value * course->ripple_percent / 100 * swing(at_ms);
}
