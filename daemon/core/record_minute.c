/* SPDX-License-Identifier: Apache-2.0 */
#include "core/record_minute.h"
#include "common/clock.h"

static uint8_t capture_of(uint64_t n, uint64_t expected)
{
	return (uint8_t)MIN(100 * n / expected, (uint64_t)100);
}

uint32_t minute_expected(const struct minute *minute, uint32_t configured)
{
	uint64_t n = minute->row.n;

	if (minute->expected > 0)
		return minute->expected;
	if (configured > 0 && (n == 0 || capture_of(n, configured) == minute->row.capture))
		return configured;
	if (n == 0)
		return 1;
	if (minute->row.capture == 0) /* less than one in a hundred: 101 n is the least */
		return (uint32_t)MIN(101 * n, (uint64_t)UINT32_MAX);
	return (uint32_t)MAX(MIN(100 * n / minute->row.capture, (uint64_t)UINT32_MAX), (uint64_t)1);
}

static bool is_nothing(const struct window_row *row)
{
	return row->n == 0 && row->worst == QUALITY_STALE;
}

static enum quality joined_quality(const struct window_row *a, const struct window_row *b)
{
	if (is_nothing(a))
		return b->worst;
	return is_nothing(b) ? a->worst : quality_worse(a->worst, b->worst);
}

static void join_values(struct window_row *row, const struct window_row *other, double n)
{
	if (other->n == 0)
		return;
	if (row->n == 0) {
		row->mean = other->mean;
		row->min = other->min;
		row->max = other->max;
		return;
	}
	row->mean = (row->mean * row->n + other->mean * other->n) / n;
	row->min = MIN(row->min, other->min);
	row->max = MAX(row->max, other->max);
}

void minute_join(struct minute *minute, const struct minute *other, uint32_t configured,
		 uint32_t required_percent)
{
	struct window_row *row = &minute->row;
	uint64_t n = (uint64_t)row->n + other->row.n, expected;

	expected = MAX(minute_expected(minute, configured), minute_expected(other, configured));
	join_values(row, &other->row, (double)n);
	row->worst = joined_quality(row, &other->row);
	row->n = (uint32_t)MIN(n, (uint64_t)UINT32_MAX);
	row->capture = capture_of(n, expected);
	row->valid = n > 0 && 100 * n >= required_percent * expected;
	minute->expected = (uint32_t)expected;
}

void minute_bind(sqlite3_stmt *statement, const struct minute *minute)
{
	const struct window_row *row = &minute->row;

	(void)sqlite3_bind_int64(statement, 1, minute->t);
	(void)sqlite3_bind_int64(statement, 2, minute->channel);
	if (row->n > 0) {
		(void)sqlite3_bind_double(statement, 3, row->mean);
		(void)sqlite3_bind_double(statement, 4, row->min);
		(void)sqlite3_bind_double(statement, 5, row->max);
	} else {
		for (int i = 3; i <= 5; i++)
			(void)sqlite3_bind_null(statement, i);
	}
	(void)sqlite3_bind_int64(statement, 6, row->n);
	(void)sqlite3_bind_int(statement, 7, row->capture);
	(void)sqlite3_bind_int(statement, 8, row->valid);
	(void)sqlite3_bind_int(statement, 9, (int)row->worst);
	(void)sqlite3_bind_int64(statement, 10, minute->expected);
}

static uint32_t take_number(sqlite3_stmt *row, int column, uint32_t most)
{
	sqlite3_int64 value = sqlite3_column_int64(row, column);

	return value < 0 ? 0 : (uint32_t)MIN(value, (sqlite3_int64)most);
}

#define T_MAX (INT64_MAX / MS_PER_MIN)

struct minute minute_take(sqlite3_stmt *row)
{
	sqlite3_int64 t = sqlite3_column_int64(row, 0);
	struct minute minute = {
		.t = MAX(MIN(t, T_MAX), -T_MAX),
		.channel = sqlite3_column_int64(row, 1),
		.row.mean = sqlite3_column_double(row, 2), /* NULL is 0 */
		.row.min = sqlite3_column_double(row, 3),
		.row.max = sqlite3_column_double(row, 4),
		.row.n = take_number(row, 5, UINT32_MAX),
		.row.capture = (uint8_t)take_number(row, 6, 100),
		.row.valid = sqlite3_column_int(row, 7) != 0,
		.row.worst = (enum quality)take_number(row, 8, QUALITY_MAX),
		.expected = take_number(row, 9, UINT32_MAX),
	};

	minute.row.start_ms = minute.t * MS_PER_MIN;
	return minute;
}
