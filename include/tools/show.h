/* SPDX-License-Identifier: Apache-2.0 */
/* show.h - the story of one incident, as read from the record and as told to people */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/history.h"

/**
 * struct story - what the record has of one incident
 * @object: as incidents_object(), with last_report where one was made
 * @entries: those of the record, in order
 * @reports: what became of each
 * @opened_ms: when it began, UTC; @ended_ms: 0 it runs
 * @zone_min: of the record, minutes ahead of UTC
 * @exercise: it is of a drill
 */
struct story {
	json_t *object;
	json_t *entries;
	json_t *reports;
	int64_t opened_ms;
	int64_t ended_ms;
	int zone_min;
	bool exercise;
};

/** show_print() - for people; all its texts must be scrubbed */
void show_print(const struct story *story, struct history *history);

/** show_charts() - its part about values: read from the minutes on record */
void show_charts(const struct story *story, struct history *history);

/** show_crossing() - its part about crossings */
void show_crossing(const struct story *story);

/** show_crossing_verdict() - will it cross a boundary; "not assessed" */
const char *show_crossing_verdict(const struct story *story);

/** show_to_do() - advice, marked as such and wrapped, @indent columns in */
void show_to_do(size_t indent, const char *advice);
