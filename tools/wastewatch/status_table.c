/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/status_table.h"
#include "core/fields.h"

#include <stdio.h>
#include <string.h>

#include "common/macro.h"
#include "tools/command.h"

#define STATUS_AGE_MS 5000 /* a good value older than this shows its age */

static int64_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* how much of its time each link is busy, and whether that is too much */
static void print_links(const json_t *live)
{
	const json_t *link;
	size_t i;

	if (json_array_size(json_object_get(live, "links")) == 0)
		return;
	(void)printf("\n%-36s %-12s %6s %12s %9s %8s\n", "LINK", "STATE", "BUSY", "WORST ROUND",
		     "OVERRUNS", "REFUSED");
	json_array_foreach (json_object_get(live, "links"), i, link) {
		char name[160];

		(void)snprintf(name, sizeof(name), "%s/%s", field_text(link, "site"),
			       field_text(link, "link"));
		(void)printf("%-36s %-12s %4lld %% %9lld ms %9lld %8lld\n", name,
			     field_text(link, "state"),
			     (long long)number(link, "busy_permille") / 10,
			     (long long)number(link, "worst_round_us") / 1000,
			     (long long)number(link, "overruns"),
			     (long long)number(link, "refused_parts"));
	}
}

/* a window's mean; in brackets where too few values stand behind it */
static const char *mean(const json_t *channel, const char *key, char ret[static 32])
{
	const json_t *window = json_object_get(channel, key);
	bool valid = json_is_true(json_object_get(window, "valid"));

	if (!*field_text(window, "mean"))
		return "-";
	(void)snprintf(ret, 32, valid ? "%s" : "(%s)", field_text(window, "mean"));
	return ret;
}

static void print_quality(const json_t *channel)
{
	const char *quality = field_text(channel, "quality"),
		   *reason = field_text(channel, "reason");
	char age[48];

	(void)printf("%s", quality);
	if (strcmp(quality, "good") == 0) {
		if (number(channel, "age_ms") > STATUS_AGE_MS)
			(void)printf(", %s ago", command_span(number(channel, "age_ms"), age));
		return;
	}
	/* "calibrating, as mill/gas/check says" need not say it twice */
	if (strncmp(reason, quality, strlen(quality)) == 0)
		(void)printf("%s", reason + strlen(quality));
	else if (*reason)
		(void)printf(": %s", reason);
	if (*field_text(channel, "raw"))
		(void)printf(", reads %s", field_text(channel, "raw"));
	if (json_object_get(channel, "age_ms"))
		(void)printf(", last good %s ago", command_span(number(channel, "age_ms"), age));
}

static void print_channels(const json_t *live)
{
	const json_t *channel;
	bool brackets = false;
	size_t i;

	if (json_array_size(json_object_get(live, "channels")) == 0)
		return;
	(void)printf("\n%-36s %12s %-8s %12s %12s %12s %12s  %s\n", "CHANNEL", "VALUE", "UNIT",
		     "1-MIN MEAN", "5-MIN", "1-H", "24-H", "QUALITY");
	json_array_foreach (json_object_get(live, "channels"), i, channel) {
		bool good = strcmp(field_text(channel, "quality"), "good") == 0;
		char five[32], hour[32], day[32];
		const char *means[] = {mean(channel, "mean_5min", five),
				       mean(channel, "mean_1h", hour),
				       mean(channel, "mean_24h", day)};

		for (size_t j = 0; j < ARRAY_SIZE(means); j++)
			brackets |= means[j][0] == '(';
		(void)printf(
			"%-36s %12s %-8s %12s %12s %12s %12s  ", field_text(channel, "channel"),
			good ? field_text(channel, "value") : "-", field_text(channel, "unit"),
			*field_text(channel, "mean_1min") ? field_text(channel, "mean_1min") : "-",
			means[0], means[1], means[2]);
		print_quality(channel);
		(void)putchar('\n');
	}
	if (brackets)
		(void)puts("(…): fewer values than a valid mean needs");
}

void status_table_print(const json_t *live)
{
	print_links(live);
	print_channels(live);
}

/* what calls nobody is not what needs attention, but nobody may forget it either */
void status_hidden_print(const json_t *live)
{
	const json_t *figures = json_object_get(live, "alarm_figures");

	if (field_number(figures, "shelved") + field_number(figures, "suppressed") +
		    field_number(figures, "out_of_service") >
	    0)
		(void)printf("Alarms that call nobody: %lld shelved, %lld suppressed, %lld out of "
			     "service; see: wastewatch alarms\n",
			     (long long)field_number(figures, "shelved"),
			     (long long)field_number(figures, "suppressed"),
			     (long long)field_number(figures, "out_of_service"));
	if (field_number(figures, "unacknowledged") > 0)
		(void)printf("Alarms that nobody has acknowledged: %lld; see: wastewatch alarms\n",
			     (long long)field_number(figures, "unacknowledged"));
}
