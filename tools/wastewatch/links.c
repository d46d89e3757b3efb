/* SPDX-License-Identifier: Apache-2.0 */
/* The lines to the devices, as a running daemon tells them; it alone knows. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "core/fields.h"
#include "tools/command.h"
#include "tools/lines.h"
#include "tools/live.h"
#include "tools/say.h"
#include "tools/scrub.h"

#define NAME_WIDTH 34

static long long number(const json_t *object, const char *key)
{
	return (long long)json_integer_value(json_object_get(object, key));
}

/* how much of its time it is busy, and whether that is too much */
static void print_link(const json_t *link)
{
	long long n_silent = number(link, "silent_units"),
		  n_refused = number(link, "refused_parts");
	char name[160];

	(void)snprintf(name, sizeof(name), "%s/%s", field_text(link, "site"),
		       field_text(link, "link"));
	say_padded(name, NAME_WIDTH);
	(void)putchar(' ');
	say_padded(say_word(field_text(link, "state")), 12);
	(void)printf(" %4lld %% %8lld ms %10lld\n", number(link, "busy_permille") / 10,
		     number(link, "worst_round_us") / 1000, number(link, "overruns"));
	if (*field_text(link, "error"))
		(void)printf("    %s: %s\n", field_text(link, "host"), field_text(link, "error"));
	if (n_silent > 0)
		say("    units that do not answer: %lld\n", n_silent);
	if (n_refused > 0)
		say("    parts of what is asked that units refuse: %lld\n", n_refused);
}

static void print_links(json_t *links)
{
	const json_t *link;
	size_t i;

	scrub_json(links);
	if (json_array_size(links) == 0) {
		say("No links.\n");
		return;
	}
	say_padded(tr("LINK"), NAME_WIDTH);
	say(" STATE          BUSY WORST ROUND   OVERRUNS\n");
	json_array_foreach (links, i, link) {
		print_link(link);
	}
}

static void print_lines(const json_t *links)
{
	const json_t *link;
	size_t i;

	json_array_foreach (links, i, link) {
		lines_print(link);
	}
}

int command_links(const struct command_options *options)
{
	json_t *live, *links;
	int64_t age_ms;

	if (live_load(options, clock_stamp().wall_ms, &live, &age_ms) != LIVE_OK) {
		(void)command_fail("wastewatchd is not running, and it alone knows the lines: "
				   "systemctl status wastewatchd");
		return EXIT_DOWN;
	}
	links = json_object_get(live, "links");
	if (options->json)
		print_lines(links);
	else
		print_links(links);
	json_decref(live);
	return EXIT_SUCCESS;
}
