/* SPDX-License-Identifier: Apache-2.0 */
/* moments and spans, for people and from them */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/macro.h"
#include "core/standard.h"
#include "tools/command.h"

const char *command_time(int64_t wall_ms, int zone_min, char *text)
{
	char full[CLOCK_TEXT_MAX];

	clock_format(wall_ms, zone_min, full);
	(void)snprintf(text, 48, "%.10s %.8s", full, full + 11);
	return text;
}

unsigned int command_today(int zone_min)
{
	char text[CLOCK_TEXT_MAX];
	unsigned int date = 0;

	clock_format(clock_stamp().wall_ms, zone_min, text);
	text[10] = '\0';
	(void)standard_date_parse(text, &date);
	return date;
}

const char *command_span(int64_t ms, char *text)
{
	static const struct {
		long long s;
		const char *name;
		long long part_s;
		const char *part;
	} units[] = {{86400, "d", 3600, "h"}, {3600, "h", 60, "min"}, {60, "min", 1, "s"}};
	long long s = ms < 0 ? 0 : ms / MS_PER_S;

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		long long n = s / units[i].s, rest = s % units[i].s / units[i].part_s;

		if (n == 0)
			continue;
		if (rest > 0)
			(void)snprintf(text, 48, "%lld %s %lld %s", n, units[i].name, rest,
				       units[i].part);
		else
			(void)snprintf(text, 48, "%lld %s", n, units[i].name);
		return text;
	}
	(void)snprintf(text, 48, "%lld s", s);
	return text;
}

int command_parse_time(const char *text, int zone_min, int64_t *ret_ms)
{
	static const char rest[] = "0000-00-00T00:00:00";
	char full[64];
	size_t n = strlen(text);

	if (clock_parse(text, ret_ms) == 0)
		return 0;
	if (n != 10 && n != 16 && n != 19)
		return -1;
	(void)snprintf(full, sizeof(full), "%s%s%c%02d:%02d", text, rest + n,
		       zone_min < 0 ? '-' : '+', abs(zone_min) / 60, abs(zone_min) % 60);
	return clock_parse(full, ret_ms);
}
