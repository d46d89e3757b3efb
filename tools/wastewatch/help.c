/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "common/macro.h"
#include "tools/options.h"
#include "tools/say.h"
#include "tools/wrap.h"

#define COMMAND_COLUMN 29
#define OPTION_COLUMN  23

static void print_option(const struct option_help *option)
{
	char name[64];

	if (option->argument)
		(void)snprintf(name, sizeof(name), "  --%s %s", option->name, tr(option->argument));
	else
		(void)snprintf(name, sizeof(name), "  --%s", option->name);
	say_padded(name, OPTION_COLUMN - 1);
	(void)putchar(' ');
	wrap_print(OPTION_COLUMN, (size_t)MAX(say_width(name) + 1, OPTION_COLUMN),
		   tr(option->help));
}

static void print_command(const struct command *command)
{
	char name[64];

	if (command->group)
		(void)printf("\n%s\n", tr(command->group));
	(void)snprintf(name, sizeof(name), "  %s%s%s", command->name, *command->argument ? " " : "",
		       command->argument);
	say_padded(name, COMMAND_COLUMN - 1);
	(void)putchar(' ');
	wrap_print(COMMAND_COLUMN, (size_t)MAX(say_width(name) + 1, COMMAND_COLUMN),
		   tr(command->help));
}

void help_all(void)
{
	const struct option_help *option;

	say("Usage: wastewatch COMMAND [OPTION]... [ARGUMENT]...\n");
	for (const struct command *command = command_table(); command->name; command++)
		print_command(command);
	say("\nEvery command takes\n");
	for (size_t i = 0; (option = options_help(i)); i++)
		if (option->everywhere)
			print_option(option);
	say("\n"
	    "What people do goes to wastewatchd over D-Bus and into the record with their name.\n"
	    "An ALARM is SITE/SOURCE/CHANNEL/LIMIT, an INCIDENT its id, or the beginning of one\n"
	    "that no other shares.\n"
	    "\n"
	    "Exit status: 0 done, and in order; 1 it could not be done, or what was looked at is\n"
	    "wrong; 2 wrong command line; 3 no such incident, alarm, site, channel, report or\n"
	    "record; 4 (status) something needs attention; 5 wastewatchd is not running or cannot\n"
	    "be reached; 6 you may not.\n");
}

void help_one(const struct command *command)
{
	const struct option_help *option;
	bool any = false;

	say("Usage: wastewatch %s [OPTION]... %s\n\n", command->name, command->argument);
	wrap_print(0, 0, tr(command->help));
	for (size_t i = 0; (option = options_help(i)); i++) {
		if (option->everywhere || !options_has(command, option->name))
			continue;
		if (!any)
			(void)putchar('\n');
		any = true;
		print_option(option);
	}
	if (command->more)
		(void)printf("\n%s", tr(command->more));
	say("\nOptions of every command: wastewatch --help. More: man wastewatch.\n");
}
