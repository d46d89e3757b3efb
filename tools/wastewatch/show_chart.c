/* SPDX-License-Identifier: Apache-2.0 */
/* `wastewatch show`: what was measured around an incident, against the gravest limit of each
 * channel */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/macro.h"
#include "core/fields.h"
#include "core/window.h"
#include "tools/chart.h"
#include "tools/command.h"
#include "tools/say.h"
#include "tools/show.h"
#include "tools/term.h"

#define CHARTS_MAX  3
#define AROUND	    10 /* windows before the beginning and behind the end */
#define MINUTES_MAX (2 * MS_PER_DAY)
#define PATH_LEAST  512

/** struct drawing - @means: the limit is on means of @length: means are drawn, else extremes */
struct drawing {
	struct chart chart;
	enum window_length length;
	bool means;
};

/* "mean-1h" */
static bool length_of(const json_t *alarm, enum window_length *ret)
{
	const char *on = field_text(alarm, "on");

	if (strncmp(on, "mean-", 5) != 0)
		return false;
	for (int length = 0; length < N_WINDOWS; length++) {
		if (strcmp(on + 5, window_text((enum window_length)length)) == 0) {
			*ret = (enum window_length)length;
			return true;
		}
	}
	return false;
}

static void take_window(void *userdata, const struct history_window *window)
{
	struct drawing *drawing = userdata;

	if (window->n == 0)
		return;
	chart_take(&drawing->chart, window->start_ms,
		   drawing->means	? window->mean
		   : drawing->chart.low ? window->min
					: window->max);
}

/* Return: 0; -errno, the record has nothing of it */
static int load(const struct story *story, struct history *history, const json_t *alarm,
		const char *channel, struct drawing *drawing)
{
	int64_t until_ms = story->ended_ms ? story->ended_ms : clock_stamp().wall_ms;
	int64_t step_ms, from_ms, to_ms;

	drawing->means = length_of(alarm, &drawing->length);
	if (!drawing->means)
		drawing->length = until_ms - story->opened_ms > MINUTES_MAX ? WINDOW_1H
									    : WINDOW_1MIN;
	step_ms = window_ms(drawing->length);
	from_ms = window_floor(drawing->length, story->opened_ms - AROUND * step_ms,
			       story->zone_min);
	to_ms = MIN(until_ms + AROUND * step_ms, clock_stamp().wall_ms);
	drawing->chart.bound = strtod(field_text(alarm, "bound"), NULL);
	drawing->chart.low = strcmp(field_text(alarm, "side"), "low") == 0;
	chart_begin(&drawing->chart, from_ms, to_ms, step_ms);
	return history_windows(history, channel, drawing->length, from_ms, to_ms, take_window,
			       drawing);
}

static const char *what_of(const struct drawing *drawing)
{
	if (drawing->means)
		return tr("mean values");
	return drawing->chart.low ? tr("lowest values") : tr("highest values");
}

static void print_chart(const struct story *story, const struct drawing *drawing,
			const char *channel, const json_t *alarm)
{
	const char *unit = field_text(alarm, "unit");
	char span[48];

	(void)printf("\n  %s%s%s\n", channel, *unit ? ", " : "", unit);
	say("  %s, a bar for each %s, against %s of %s\n", what_of(drawing),
	    command_span(drawing->chart.step_ms, span), say_word(field_text(alarm, "class")),
	    field_text(alarm, "bound"));
	if (chart_is_empty(&drawing->chart))
		say("    no value of that time is on record\n");
	else
		chart_draw(stdout, &drawing->chart, 2, story->zone_min, term_is_utf8());
}

static int rank(const json_t *alarm)
{
	const char *class = field_text(alarm, "class");

	return strcmp(class, "emergency") == 0 ? 2 : strcmp(class, "limit") == 0 ? 1 : 0;
}

/* "SITE/SOURCE/CHANNEL" of a limit's path */
static void channel_of(const json_t *alarm, char ret[static PATH_LEAST])
{
	const char *path = field_text(alarm, "limit"), *slash = strrchr(path, '/');

	(void)snprintf(ret, PATH_LEAST, "%.*s", slash ? (int)(slash - path) : 0, path);
}

/* is there a graver one of this channel, or an equal one before it? */
static bool is_outdone(const json_t *alarms, size_t which, const char *channel)
{
	const json_t *alarm, *mine = json_array_get(alarms, which);
	char other[PATH_LEAST];
	size_t i;

	json_array_foreach (alarms, i, alarm) {
		channel_of(alarm, other);
		if (i != which && strcmp(other, channel) == 0 &&
		    (rank(alarm) > rank(mine) || (rank(alarm) == rank(mine) && i < which)))
			return true;
	}
	return false;
}

void show_charts(const struct story *story, struct history *history)
{
	const json_t *alarm,
		*alarms = json_object_get(json_object_get(story->object, "last_report"), "alarms");
	char channel[PATH_LEAST];
	size_t i, n = 0;

	if (story->exercise) /* minutes are of what is real */
		return;
	json_array_foreach (alarms, i, alarm) {
		struct drawing drawing = {0};

		channel_of(alarm, channel);
		if (is_outdone(alarms, i, channel))
			continue;
		if (n++ == 0)
			say("\nWhat was measured\n");
		if (n > CHARTS_MAX) {
			say("\n  more of them: wastewatch means CHANNEL --window 1min\n");
			return;
		}
		if (load(story, history, alarm, channel, &drawing) >= 0)
			print_chart(story, &drawing, channel, alarm);
	}
}
