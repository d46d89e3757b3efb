/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"

#define WALL_MS_MAX INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */

void clock_now(int64_t *ret_boot_us, int64_t *ret_wall_us)
{
	struct timespec boot, wall;

	(void)clock_gettime(CLOCK_BOOTTIME, &boot); /* cannot fail with these clocks */
	(void)clock_gettime(CLOCK_REALTIME, &wall);
	*ret_boot_us = boot.tv_sec * US_PER_S + boot.tv_nsec / 1000;
	*ret_wall_us = wall.tv_sec * US_PER_S + wall.tv_nsec / 1000;
}

struct stamp clock_stamp(void)
{
	int64_t boot_us, wall_us;

	clock_now(&boot_us, &wall_us);
	return (struct stamp){.mono_ms = boot_us / US_PER_MS, .wall_ms = wall_us / US_PER_MS};
}

void clock_format(int64_t wall_ms, int zone_min, char text[static CLOCK_TEXT_MAX])
{
	int64_t local_ms;
	time_t seconds;
	struct tm tm;

	wall_ms = wall_ms < 0			       ? 0
		  : wall_ms > WALL_MS_MAX - MS_PER_DAY ? WALL_MS_MAX - MS_PER_DAY
						       : wall_ms;
	local_ms = wall_ms + zone_min * MS_PER_MIN;
	if (local_ms < 0)
		local_ms = 0;
	seconds = local_ms / MS_PER_S;
	(void)gmtime_r(&seconds, &tm);
	(void)snprintf(text, CLOCK_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d.%03d%c%02d:%02d",
		       (tm.tm_year + 1900) % 10000, (tm.tm_mon + 1) % 100, tm.tm_mday % 100,
		       tm.tm_hour % 100, tm.tm_min % 100, tm.tm_sec % 100,
		       (int)(local_ms % MS_PER_S), zone_min < 0 ? '-' : '+',
		       (zone_min < 0 ? -zone_min : zone_min) / 60 % 100,
		       (zone_min < 0 ? -zone_min : zone_min) % 60);
}

/* exactly @n digits at *@p, moved on */
static int take_digits(const char **p, int n, int *ret)
{
	int value = 0;

	for (int i = 0; i < n; i++, (*p)++) {
		if (**p < '0' || **p > '9')
			return -EINVAL;
		value = value * 10 + (**p - '0');
	}
	*ret = value;
	return 0;
}

static int take_char(const char **p, const char *allowed)
{
	if (**p == '\0' || !strchr(allowed, **p))
		return -EINVAL;
	return *(*p)++;
}

/* ".25" → 250; digits beyond the millisecond are dropped */
static int take_fraction(const char **p, int *ret_ms)
{
	int ms = 0, weight = 100;

	*ret_ms = 0;
	if (**p != '.')
		return 0;
	(*p)++;
	if (**p < '0' || **p > '9')
		return -EINVAL;
	for (; **p >= '0' && **p <= '9'; (*p)++, weight /= 10)
		ms += (**p - '0') * weight;
	*ret_ms = ms;
	return 0;
}

static int take_zone(const char **p, int *ret_min)
{
	int sign = take_char(p, "Zz+-"), hours, minutes;

	if (sign < 0)
		return -EINVAL;
	if (sign == 'Z' || sign == 'z') {
		*ret_min = 0;
		return 0;
	}
	if (take_digits(p, 2, &hours) < 0 || take_char(p, ":") < 0 ||
	    take_digits(p, 2, &minutes) < 0 || hours > 23 || minutes > 59)
		return -EINVAL;
	*ret_min = (sign == '-' ? -1 : 1) * (hours * 60 + minutes);
	return 0;
}

int clock_parse(const char *text, int64_t *ret_wall_ms)
{
	struct tm tm = {0}, check;
	const char *p = text;
	int ms, zone_min;
	time_t seconds;

	if (take_digits(&p, 4, &tm.tm_year) < 0 || take_char(&p, "-") < 0 ||
	    take_digits(&p, 2, &tm.tm_mon) < 0 || take_char(&p, "-") < 0 ||
	    take_digits(&p, 2, &tm.tm_mday) < 0 || take_char(&p, "Tt ") < 0 ||
	    take_digits(&p, 2, &tm.tm_hour) < 0 || take_char(&p, ":") < 0 ||
	    take_digits(&p, 2, &tm.tm_min) < 0 || take_char(&p, ":") < 0 ||
	    take_digits(&p, 2, &tm.tm_sec) < 0 || take_fraction(&p, &ms) < 0 ||
	    take_zone(&p, &zone_min) < 0 || *p != '\0')
		return -EINVAL;
	if (tm.tm_year < 1970 || tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 59)
		return -EINVAL;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	check = tm;
	seconds = timegm(&check); /* normalises what does not exist, such as 30 February */
	if (check.tm_mday != tm.tm_mday || check.tm_mon != tm.tm_mon || check.tm_year != tm.tm_year)
		return -EINVAL;
	*ret_wall_ms = seconds * MS_PER_S + ms - zone_min * MS_PER_MIN;
	return 0;
}
