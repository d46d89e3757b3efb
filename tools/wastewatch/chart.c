/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/chart.h"

#include <math.h>
#include <string.h>

#include "common/clock.h"
#include "common/macro.h"
#include "core/event.h"

#define PARTS	    8 /* of a cell, as there are block elements */
#define LABEL_WIDTH 10

/** struct scale - @base: at the foot of the lowest row; @part: of a value per part of a cell */
struct scale {
	double base;
	double part;
};

void chart_begin(struct chart *chart, int64_t from_ms, int64_t to_ms, int64_t grid_ms)
{
	int64_t span_ms = MAX(to_ms - from_ms, grid_ms);
	int64_t n_grid = (span_ms + grid_ms - 1) / grid_ms;
	int64_t n_each = (n_grid + CHART_BARS - 1) / CHART_BARS;

	chart->from_ms = from_ms;
	chart->step_ms = n_each * grid_ms;
	chart->n = (size_t)((n_grid + n_each - 1) / n_each);
	for (size_t i = 0; i < CHART_BARS; i++)
		chart->values[i] = (double)NAN;
}

void chart_take(struct chart *chart, int64_t at_ms, double value)
{
	double *bar;

	if (at_ms < chart->from_ms || !isfinite(value) ||
	    (uint64_t)(at_ms - chart->from_ms) / (uint64_t)chart->step_ms >= chart->n)
		return;
	bar = &chart->values[(at_ms - chart->from_ms) / chart->step_ms];
	if (isnan(*bar) || (chart->low ? value < *bar : value > *bar))
		*bar = value;
}

bool chart_is_empty(const struct chart *chart)
{
	for (size_t i = 0; i < chart->n; i++)
		if (!isnan(chart->values[i]))
			return false;
	return true;
}

/* from 0, or what is below it, to the highest of values and bound */
static struct scale scale_of(const struct chart *chart)
{
	double least = MIN(0.0, chart->bound), most = MAX(0.0, chart->bound);

	for (size_t i = 0; i < chart->n; i++) {
		if (isnan(chart->values[i]))
			continue;
		least = MIN(least, chart->values[i]);
		most = MAX(most, chart->values[i]);
	}
	if (!(most > least))
		most = least + 1;
	return (struct scale){least, (most - least) / (CHART_ROWS * PARTS)};
}

/* parts of a cell that a value fills, over all rows; a good value always shows */
static int parts_of(const struct scale *scale, double value)
{
	int parts = (int)lround((value - scale->base) / scale->part);

	return MIN(MAX(parts, 1), CHART_ROWS * PARTS);
}

/* the row, 0 the lowest, in which a value lies */
static int row_of(const struct scale *scale, double value)
{
	return MIN((parts_of(scale, value) - 1) / PARTS, CHART_ROWS - 1);
}

static const char *cell(int parts, bool is_bound, bool utf8)
{
	static const char *const blocks[PARTS + 1] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};

	parts = MIN(MAX(parts, 0), PARTS);
	if (parts == 0 && is_bound)
		return utf8 ? "┄" : "-";
	if (utf8)
		return blocks[parts];
	return parts == 0 ? " " : parts <= PARTS / 2 ? "." : "#";
}

static void draw_label(FILE *file, const struct chart *chart, const struct scale *scale, int row)
{
	char text[EVENT_VALUE_MAX] = "";

	if (row == row_of(scale, chart->bound))
		event_value_text(chart->bound, text);
	else if (row == CHART_ROWS - 1)
		event_value_text(scale->base + scale->part * CHART_ROWS * PARTS, text);
	else if (row == 0)
		event_value_text(scale->base, text);
	(void)fprintf(file, "%*.*s ", LABEL_WIDTH, LABEL_WIDTH, text);
}

static void draw_row(FILE *file, const struct chart *chart, const struct scale *scale, int row,
		     bool utf8)
{
	bool is_bound = row == row_of(scale, chart->bound);

	draw_label(file, chart, scale, row);
	(void)fputs(utf8 ? (is_bound ? "┤" : "│") : (is_bound ? "+" : "|"), file);
	for (size_t i = 0; i < chart->n; i++) {
		bool none = isnan(chart->values[i]);
		int parts = none ? 0 : parts_of(scale, chart->values[i]) - row * PARTS;

		if (none && row == 0)
			(void)fputs(utf8 ? "·" : "?", file);
		else
			(void)fputs(cell(parts, is_bound, utf8), file);
	}
	(void)fputc('\n', file);
}

/* begin and end, with their dates where they are of two days */
static void draw_times(FILE *file, const struct chart *chart, size_t indent, int zone_min)
{
	int64_t to_ms = chart->from_ms + (int64_t)chart->n * chart->step_ms;
	char from[CLOCK_TEXT_MAX], to[CLOCK_TEXT_MAX];
	int width;
	bool dates;

	clock_format(chart->from_ms, zone_min, from);
	clock_format(to_ms, zone_min, to);
	from[16] = to[16] = '\0'; /* YYYY-MM-DDTHH:MM */
	from[10] = to[10] = ' ';
	dates = strncmp(from, to, 10) != 0;
	width = (int)strlen(from + (dates ? 0 : 11));
	(void)fprintf(file, "%*s%s%*s\n", (int)indent + LABEL_WIDTH + 2, "",
		      from + (dates ? 0 : 11), MAX((int)chart->n - width, width + 1),
		      to + (dates ? 0 : 11));
}

void chart_draw(FILE *file, const struct chart *chart, size_t indent, int zone_min, bool utf8)
{
	struct scale scale = scale_of(chart);

	for (int row = CHART_ROWS - 1; row >= 0; row--) {
		(void)fprintf(file, "%*s", (int)indent, "");
		draw_row(file, chart, &scale, row, utf8);
	}
	draw_times(file, chart, indent, zone_min);
}
