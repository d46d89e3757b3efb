/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/options.h"

#include <getopt.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/macro.h"
#include "core/catalogue.h"
#include "tools/say.h"

#define NONE	     SIZE_MAX
#define PLACE(field) offsetof(struct command_options, field)

/* @text: where its argument goes; @flag: what it makes true */
static const struct option_row {
	struct option_help help;
	int has_argument;
	size_t text;
	size_t flag;
} rows[] = {
	{{"open", NULL, N_("those that run, and no others"), false}, 0, NONE, PLACE(only_open)},
	{{"all", NULL, N_("channels: with means; outbox list: what is done with, too"), false},
	 0,
	 NONE,
	 PLACE(all)},
	{{"for", N_("TIME"), N_("for so long: 30min, 2h, 1d"), false}, 1, PLACE(span), NONE},
	{{"until", N_("TIME"), N_("until then: YYYY-MM-DD[ HH:MM] local, or RFC 3339"), false},
	 1,
	 PLACE(until),
	 NONE},
	{{"once", NULL, N_("until it is in order again"), false}, 0, NONE, PLACE(once)},
	{{"reason", N_("TEXT"), N_("why; it is read months later"), false}, 1, PLACE(reason), NONE},
	{{"cause", N_("TEXT"), N_("what it came from"), false}, 1, PLACE(cause), NONE},
	{{"measures", N_("TEXT"), N_("what was done about it"), false}, 1, PLACE(measures), NONE},
	{{"exercise", NULL, N_("the alarm or incident of the drill, not the real one"), false},
	 0,
	 NONE,
	 PLACE(exercise)},
	{{"body", NULL, N_("the exact bytes and nothing else, to hand them over"), false},
	 0,
	 NONE,
	 PLACE(body)},
	{{"window", N_("LENGTH"), N_("1min, 5min, 1h (default) or 24h"), false},
	 1,
	 PLACE(window),
	 NONE},
	{{"from", N_("TIME"), N_("from then: YYYY-MM-DD[ HH:MM] local, or RFC 3339"), false},
	 1,
	 PLACE(from),
	 NONE},
	{{"to", N_("TIME"), N_("up to then"), false}, 1, PLACE(to), NONE},
	{{"since", N_("TIME"), N_("from then: YYYY-MM-DD[ HH:MM] local, or RFC 3339"), false},
	 1,
	 PLACE(since),
	 NONE},
	{{"csv", NULL, N_("a table for a spreadsheet"), false}, 0, NONE, PLACE(csv)},
	{{"format", "jsonl|csv", N_("csv is a table, and cannot be verified"), false},
	 1,
	 PLACE(format),
	 NONE},
	{{"output", N_("DIR"), N_("-o: lines, hashes, head, signature and key; else lines alone"),
	  false},
	 1,
	 PLACE(output),
	 NONE},
	{{"key", N_("KEY"), N_("the key that the department has: whpk_..., or a file of keys"),
	  false},
	 1,
	 PLACE(key),
	 NONE},
	{{"date", "YYYY-MM-DD", N_("the law of that day; default today"), false},
	 1,
	 PLACE(date),
	 NONE},
	{{"table", N_("TABLE"), N_("holding (default), input, coil or discrete"), false},
	 1,
	 PLACE(table),
	 NONE},
	{{"watch", N_("TIME"), N_("again and again; --watch alone: every 2s"), false},
	 2,
	 PLACE(interval),
	 PLACE(watch)},
	{{"timeout", N_("TIME"), N_("of an answer; default as configured, or 1s"), false},
	 1,
	 PLACE(timeout),
	 NONE},
	{{"force", NULL, N_("beside the daemon even where \"single: yes\" is set"), false},
	 0,
	 NONE,
	 PLACE(force)},
	{{"rotate", NULL, N_("a new key; the one before stays as NAME.old"), false},
	 0,
	 NONE,
	 PLACE(rotate)},
	{{"reports", NULL, N_("the reports instead of the entries"), false},
	 0,
	 NONE,
	 PLACE(reports)},
	{{"minutes", NULL, N_("the minute values instead of the entries"), false},
	 0,
	 NONE,
	 PLACE(minutes)},
	{{"files", N_("DIR"), N_("write there the data files that would be sent"), false},
	 1,
	 PLACE(files),
	 NONE},
	{{"actions", N_("FILE"), N_("what people did: time,action,target,user,until,reason"),
	  false},
	 1,
	 PLACE(actions),
	 NONE},
	{{"drill", "SITE:SCENARIO@TIME", N_("a drill begins then; [,TIME]: and is ended"), false},
	 1,
	 PLACE(drill),
	 NONE},
	{{"json", NULL, N_("data for programs: see wastewatch-json(7)"), true},
	 0,
	 NONE,
	 PLACE(json)},
	{{"lang", "en|vi", N_("language; default that of LC_ALL, LC_MESSAGES or LANG"), true},
	 1,
	 PLACE(lang),
	 NONE},
	{{"config", N_("DIR"), N_("default /etc/wastewatch"), true}, 1, PLACE(config), NONE},
	{{"state", N_("DIR"), N_("default /var/lib/wastewatch"), true}, 1, PLACE(state), NONE},
	{{"runtime", N_("DIR"), N_("default /run/wastewatch"), true}, 1, PLACE(runtime), NONE},
	{{"credentials", N_("DIR"), N_("default /etc/wastewatch/credentials"), true},
	 1,
	 PLACE(credentials),
	 NONE},
	{{"bus", N_("ADDRESS"), N_("another bus than the system's"), true}, 1, PLACE(bus), NONE},
	{{"help", NULL, N_("of all commands, or of one: wastewatch COMMAND --help"), true},
	 0,
	 NONE,
	 NONE},
	{{"version", NULL, N_("print it and exit"), true}, 0, NONE, NONE},
};

#define N_OPTIONS ARRAY_SIZE(rows)

const struct option_help *options_help(size_t i)
{
	return i < N_OPTIONS ? &rows[i].help : NULL;
}

bool options_has(const struct command *command, const char *name)
{
	size_t n = strlen(name);

	for (const char *word = command->options; *word;) {
		size_t length = strcspn(word, " ");

		if (length == n && strncmp(word, name, n) == 0)
			return true;
		word += length;
		word += strspn(word, " ");
	}
	return false;
}

bool options_takes_argument(const char *word)
{
	if (strcmp(word, "-o") == 0)
		return true;
	for (size_t i = 0; i < N_OPTIONS; i++)
		if (strncmp(word, "--", 2) == 0 && strcmp(word + 2, rows[i].help.name) == 0)
			return rows[i].has_argument == 1;
	return false;
}

static void keep(struct command_options *options, const struct option_row *row, const char *text)
{
	char *base = (char *)options;

	if (row->text != NONE)
		memcpy(base + row->text, &text, sizeof(text));
	if (row->flag != NONE)
		memcpy(base + row->flag, &(bool){true}, sizeof(bool));
}

/* Return: as options_parse() */
static int refuse(const struct command *command, const struct option_row *row)
{
	const char *argument = row->has_argument == 1 ? row->help.argument : NULL;

	return say_wrong("%s takes no --%s%s%s; see: wastewatch %s --help", command->name,
			 row->help.name, argument ? " " : "", argument ? tr(argument) : "",
			 command->name);
}

/* Return: as options_parse() */
static int take(const struct option_row *row, const struct command *command,
		struct command_options *ret)
{
	if (strcmp(row->help.name, "help") == 0) {
		if (command)
			help_one(command);
		else
			help_all();
		return EXIT_SUCCESS;
	}
	if (strcmp(row->help.name, "version") == 0) {
		(void)puts("wastewatch " WASTEWATCH_VERSION);
		return EXIT_SUCCESS;
	}
	if (command && !row->help.everywhere && !options_has(command, row->help.name))
		return refuse(command, row);
	keep(ret, row, optarg);
	return -1;
}

int options_parse(int argc, char **argv, const struct command *command, struct command_options *ret)
{
	struct option options[N_OPTIONS + 1] = {0};
	int r = -1, c, i = 0;

	opterr = 0; /* getopt speaks English only, and no JSON */
	for (size_t k = 0; k < N_OPTIONS; k++)
		options[k] = (struct option){rows[k].help.name, rows[k].has_argument, NULL,
					     'z' + 1};
	while (r < 0 && (c = getopt_long(argc, argv, "o:", options, &i)) >= 0) {
		for (size_t k = 0; c == 'o' && k < N_OPTIONS; k++)
			if (strcmp(rows[k].help.name, "output") == 0)
				i = (int)k;
		if (c == '?')
			r = say_wrong("%s is no option, or lacks its value; see: wastewatch%s%s "
				      "--help",
				      argv[optind - 1], command ? " " : "",
				      command ? command->name : "");
		else
			r = take(&rows[i], command, ret);
	}
	return r;
}
