/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chart.h - values against a bound as text: bars of block elements, or of plain characters
 *
 * A bar stands for a span of time and shows the worst of it, so that no peak is lost by drawing.
 * Pure: no clock, writes to the file that it is given.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CHART_BARS 60
#define CHART_ROWS 8

/**
 * struct chart - @from_ms: begin of the first bar; @step_ms: of each
 * @values: NAN where nothing good was measured
 * @low: broken below @bound, so the least of a span is the worst
 */
struct chart {
	int64_t from_ms;
	int64_t step_ms;
	size_t n;
	double values[CHART_BARS];
	double bound;
	bool low;
};

/** chart_begin() - bars of whole multiples of @grid_ms, as few as hold all of [@from_ms, @to_ms) */
void chart_begin(struct chart *chart, int64_t from_ms, int64_t to_ms, int64_t grid_ms);

/** chart_take() - a value of a moment; one that is outside is left out */
void chart_take(struct chart *chart, int64_t at_ms, double value);

/** chart_is_empty() - nothing good was measured at all */
bool chart_is_empty(const struct chart *chart);

/**
 * chart_draw() - CHART_ROWS lines and one with the times
 * @indent: blanks before each
 * @zone_min: minutes ahead of UTC
 */
void chart_draw(FILE *file, const struct chart *chart, size_t indent, int zone_min, bool utf8);
