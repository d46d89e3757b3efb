/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys - the keys of a file of the configuration as a part of its manual page, mdoc(7)
 *
 * Usage: keys FILE, where FILE is wastewatch.yaml, sites.d, profiles, limits or drills. What it
 * prints comes from the tables that the files are held against, so the two cannot differ.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/macro.h"
#include "core/config_catalogue.h"
#include "core/config_schema.h"
#include "core/config_text.h"

#define GROUPS_MAX 64

static const struct {
	const char *name;
	const struct config_group *group;
} files[] = {
	{"wastewatch.yaml", &config_main_group}, {"sites.d", &config_site_group},
	{"profiles", &config_profile_group},	 {"limits", &config_catalogue_group},
	{"drills", &config_scenario_group},
};

/* mappings that are still to be described, each once */
static struct {
	const struct config_group *group;
	const char *list; /* the key that holds them */
} groups[GROUPS_MAX];
static size_t n_groups;

/* a line of text: no macro begins in it, and nothing in it is an escape */
static void put(const char *text)
{
	if (*text == '.' || *text == '\'')
		(void)fputs("\\&", stdout);
	for (; *text; text++) {
		if (*text == '\\')
			(void)fputs("\\e", stdout);
		else if (*text == '-')
			(void)fputs("\\-", stdout);
		else
			(void)fputc(*text, stdout);
	}
}

static void later(const struct config_group *group, const char *list)
{
	for (size_t i = 0; i < n_groups; i++)
		if (groups[i].group == group)
			return;
	if (n_groups == GROUPS_MAX)
		abort();
	groups[n_groups].group = group;
	groups[n_groups++].list = list;
}

static void put_choices(const struct config_choice *choice)
{
	(void)fputs("one of", stdout);
	for (bool first = true; choice->text; choice++, first = false) {
		(void)fputs(first ? " " : ", ", stdout);
		put(choice->text);
	}
}

static void put_bounds(const struct config_option *option, const char *what)
{
	(void)fputs(what, stdout);
	if (isfinite(option->min))
		(void)printf(", from %.10g", option->min);
	if (isfinite(option->max))
		(void)printf("%s %.10g", isfinite(option->min) ? " to" : ", at most", option->max);
}

static void put_durations(const struct config_option *option, const char *what)
{
	char min[CONFIG_DURATION_MAX], max[CONFIG_DURATION_MAX];

	config_duration_format((int64_t)option->min * option->unit_us, min);
	config_duration_format((int64_t)option->max * option->unit_us, max);
	(void)printf("%s, from %s to %s", what, min, max);
}

static void put_type(const struct config_option *option)
{
	switch (option->type) {
	case OPTION_TEXT:
		(void)printf("text of at most %.0f bytes", option->max);
		break;
	case OPTION_INTEGER:
		put_bounds(option, "whole number");
		break;
	case OPTION_NUMBER:
		put_bounds(option, "number");
		break;
	case OPTION_NUMBERS:
		put_bounds(option, "two numbers");
		break;
	case OPTION_DURATION:
		put_durations(option, "duration");
		break;
	case OPTION_DURATIONS:
		put_durations(option, "two durations");
		break;
	case OPTION_CHOICE:
		put_choices(option->choices);
		break;
	case OPTION_CODES:
		(void)printf("codes of registers, at most %d", DECODE_INVALID_MAX);
		break;
	case OPTION_NAMES:
		(void)printf("at most %.0f names", option->max);
		break;
	case OPTION_LIST:
		(void)printf("list of mappings, %s",
			     option->min > 0 ? "one at least" : "may be left out");
		break;
	}
}

static void put_default(const struct config_option *option)
{
	if (option->type == OPTION_LIST)
		return;
	if (!option->standard)
		(void)fputs("; must be there", stdout);
	else if (*option->standard) {
		(void)fputs("; default ", stdout);
		put(option->standard);
	}
}

static void put_option(const struct config_option *option)
{
	(void)printf(".It Ic %s\n", option->key);
	put(option->help);
	(void)fputs(".\n.br\n.Pq ", stdout);
	put_type(option);
	put_default(option);
	(void)fputs("\n", stdout);
	if (option->type == OPTION_LIST)
		later(option->group, option->key);
}

static void put_group(const struct config_group *group)
{
	(void)puts(".Bl -tag -width Ds");
	for (size_t i = 0; i < group->n_options; i++)
		put_option(&group->options[i]);
	(void)puts(".El");
}

int main(int argc, char **argv)
{
	const struct config_group *group = NULL;

	for (size_t i = 0; argc == 2 && i < ARRAY_SIZE(files); i++)
		if (strcmp(files[i].name, argv[1]) == 0)
			group = files[i].group;
	if (!group) {
		(void)fputs("Usage: keys wastewatch.yaml|sites.d|profiles|limits|drills\n", stderr);
		return 2;
	}
	put_group(group);
	for (size_t i = 0; i < n_groups; i++) {
		(void)printf(".Ss %s: each of %s\n", argv[1], groups[i].list);
		put_group(groups[i].group);
	}
	return fflush(stdout) == 0 && !ferror(stdout) ? EXIT_SUCCESS : EXIT_FAILURE;
}
