/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.h - time as an argument
 *
 * The only place that reads a clock is clock_now(); it is called by the event loops
 * and by nothing below them.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define MS_PER_S   INT64_C(1000)
#define US_PER_MS  INT64_C(1000)
#define US_PER_S   INT64_C(1000000)
#define MS_PER_MIN INT64_C(60000)
#define MS_PER_DAY INT64_C(86400000)

/**
 * struct stamp - one moment on two clocks
 * @mono_ms: never goes back, goes on through a suspend; for durations and order
 * @wall_ms: UTC since 1970; for dates only, may step either way
 */
struct stamp {
	int64_t mono_ms;
	int64_t wall_ms;
};

/** clock_now() - read CLOCK_BOOTTIME and CLOCK_REALTIME, both in microseconds */
void clock_now(int64_t *ret_boot_us, int64_t *ret_wall_us);

/** clock_stamp() - clock_now() in the unit that the core uses */
struct stamp clock_stamp(void);

#define CLOCK_TEXT_MAX 48

/**
 * clock_format() - RFC 3339 with milliseconds: "2026-11-24T21:05:00.000+07:00"
 * @wall_ms: UTC since 1970
 * @zone_min: offset of the local time from UTC, minutes, east positive
 * @text: CLOCK_TEXT_MAX bytes
 *
 * UTC is written "+00:00". Years outside 1970-9999 are clamped to them.
 */
void clock_format(int64_t wall_ms, int zone_min, char text[static CLOCK_TEXT_MAX]);

/**
 * clock_parse() - the reverse of clock_format()
 * @text: RFC 3339, "T" or " " between date and time, fraction optional, "Z" or an offset
 *
 * Return: 0; -EINVAL not such a text, or a date that does not exist.
 */
int clock_parse(const char *text, int64_t *ret_wall_ms);
