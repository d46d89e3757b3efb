/* SPDX-License-Identifier: Apache-2.0 */
#include "core/window.h"
#include "common/clock.h"
#include "common/macro.h"

static const struct {
	const char *text;
	int64_t ms;
} lengths[] = {
	[WINDOW_1MIN] = {"1min", MS_PER_MIN},
	[WINDOW_5MIN] = {"5min", 5 * MS_PER_MIN},
	[WINDOW_1H] = {"1h", 60 * MS_PER_MIN},
	[WINDOW_24H] = {"24h", MS_PER_DAY},
};

int64_t window_ms(enum window_length length)
{
	return lengths[length].ms;
}

const char *window_text(enum window_length length)
{
	return lengths[length].text;
}

int64_t window_floor(enum window_length length, int64_t wall_ms, int zone_min)
{
	int64_t ms = lengths[length].ms, into_ms = (wall_ms + zone_min * MS_PER_MIN) % ms;

	return wall_ms - (into_ms + ms) % ms;
}

void window_start(struct window *window, int64_t start_ms)
{
	*window = (struct window){.start_ms = start_ms, .worst = QUALITY_GOOD};
}

static void show(struct window *window, enum quality quality)
{
	if (!quality_is_silent(quality))
		window->shown = quality_worse((enum quality)window->shown, quality);
}

void window_add_bad(struct window *window, enum quality quality)
{
	window->n_bad++;
	window->n_off += quality == QUALITY_NOT_IN_OPERATION;
	window->worst = quality_worse((enum quality)window->worst, quality);
	show(window, quality);
}

void window_join(struct window *window, const struct window_row *minute)
{
	window->n_minutes++;
	window->worst = quality_worse((enum quality)window->worst, minute->worst);
	show(window, minute->worst);
	show(window, (enum quality)minute->shown);
	if (minute->n == 0)
		return;
	window->min = window->n == 0 ? minute->min : MIN(window->min, minute->min);
	window->max = window->n == 0 ? minute->max : MAX(window->max, minute->max);
	window->sum += minute->mean * minute->n;
	window->n += minute->n;
}

/* if minutes of it were missing, its quality says so already */
void window_resume(struct window *window, enum window_length length, const struct window_row *row)
{
	window_start(window, row->start_ms);
	window_join(window, row);
	window->n_minutes = (uint32_t)(lengths[length].ms / MS_PER_MIN);
}

struct window_row window_close(const struct window *window, uint32_t expected,
			       uint32_t required_percent)
{
	struct window_row row = {
		.start_ms = window->start_ms,
		.n = window->n,
		.worst = (enum quality)window->worst,
		.shown = (uint8_t)window->shown,
	};

	if (window->n == 0 && window->worst == QUALITY_GOOD)
		row.worst = QUALITY_STALE;
	if (window->n == 0)
		return row;
	row.mean = window->sum / window->n;
	row.min = window->min;
	row.max = window->max;
	row.capture = (uint8_t)MIN(UINT64_C(100) * window->n / expected, UINT64_C(100));
	row.valid = UINT64_C(100) * window->n >= (uint64_t)required_percent * expected;
	return row;
}

double window_certain(const struct window_row *row, uint32_t expected, double others)
{
	uint32_t n_missing = expected > row->n ? expected - row->n : 0;

	return (row->mean * row->n + others * n_missing) / ((double)row->n + n_missing);
}
