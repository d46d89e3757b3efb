/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drill_scenario.h - what a drill plays: values of some channels over time
 *
 * drills/NAME.yaml beside the configuration, or as installed. One file fits several sites,
 * because it names channels as a source has them: COD, not SITE/outfall/COD.
 *
 * drill_scenario.c parses and computes, no I/O; drill_library.c looks for the files.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/macro.h"
#include "core/config.h"
#include "core/config_yaml.h"
#include "core/quality.h"

#define DRILL_LONGEST_MS  MS_PER_DAY /* nobody practises longer; one that was forgotten ends */
#define DRILL_COURSES_MAX 16
#define DRILL_POINTS_MAX  1000 /* of all courses */

/** struct drill_point - from @at_ms on, since the drill began */
struct drill_point {
	uint32_t at_ms;
	double value;
	enum quality quality;
};

/**
 * struct drill_course - the values of one channel
 * @channel: NAME at a source, capitals and small letters alike, or "SITE/SOURCE/CHANNEL"
 * @measure: unit of the values; what the channel has is converted to, or the drill refused
 * @hold: a value stays until the next point; else straight lines between the points
 * @may_lack: a source without the channel can play the scenario, too
 * @ripple_percent: the value goes up and down by so much, as that of an instrument does
 * @first_point, @n_points: in the scenario's, ascending; before the first its value counts
 */
struct drill_course {
	char *channel;
	char *measure;
	bool hold;
	bool may_lack;
	double ripple_percent;
	size_t first_point;
	size_t n_points;
};

/**
 * struct drill_scenario - a file of drills/
 * @practise: what the forces on the spot do meanwhile, for people
 * @text: the file's bytes, kept with a running drill so that it goes on as it began
 */
struct drill_scenario {
	char *name;
	char *title;
	char *practise;
	enum waste_kind kind;
	uint32_t duration_ms;
	struct drill_course *courses;
	size_t n_courses;
	struct drill_point *points;
	size_t n_points;
	char *text;
	size_t n_text;
};

/**
 * drill_scenario_parse() - a file's bytes
 * @name: what it must be called inside, that of the file without .yaml; NULL as it says
 * @file: for messages
 *
 * Return: 0; -EINVAL errors in it, reported with their places; -ENOMEM.
 */
int drill_scenario_parse(struct drill_scenario **ret, struct config_report *report,
			 const char *file, const char *name, const void *bytes, size_t n);

/** drill_scenario_free() - takes NULL. Return: NULL. */
struct drill_scenario *drill_scenario_free(struct drill_scenario *scenario);
DEFINE_CLEANUP(struct drill_scenario *, drill_scenario_free)

/**
 * drill_value() - what a course says
 * @at_ms: since the drill began, not negative
 * @ret_quality: of the point before, or the first
 * Return: in the unit of the course.
 */
double drill_value(const struct drill_scenario *scenario, const struct drill_course *course,
		   int64_t at_ms, enum quality *ret_quality);

/* --- drill_library.c: the files ----------------------------------------------------- */

/**
 * drill_library_read() - find and parse NAME.yaml
 * @directory: of the configuration
 * @error: @n_error bytes; what is wrong; there is none: which there are
 * Return: 0; -ENOENT there is none; -EINVAL errors in it; -ENOMEM; -errno.
 */
int drill_library_read(struct drill_scenario **ret, const char *directory, const char *name,
		       char *error, size_t n_error);

/**
 * drill_library_each() - all scenarios that there are, by name; where two places have one of a
 * name, that beside the configuration
 * @each: @scenario NULL: there are errors in it, @error says which
 * Return: how many; -ENOMEM.
 */
int drill_library_each(const char *directory,
		       void (*each)(void *userdata, const char *name,
				    const struct drill_scenario *scenario, const char *error),
		       void *userdata);
