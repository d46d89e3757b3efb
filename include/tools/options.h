/* SPDX-License-Identifier: Apache-2.0 */
/*
 * options.h - the commands, their options and their help, as tables
 *
 * An option that a command does not take is refused: what would be ignored misleads.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "tools/command.h"

/**
 * struct command - a row of the table
 * @group: heading in --help; NULL: of the row before
 * @argument: as in the usage line
 * @help: what it does, one line; of one whose argument is a VERB, what follows "takes a verb: "
 * @options: names of those that only some commands take, with blanks between
 * @more: lines below them in its own --help; NULL none
 */
struct command {
	const char *group;
	const char *name;
	int (*run)(const struct command_options *options);
	int least; /* arguments */
	int most;
	const char *argument;
	const char *help;
	const char *options;
	const char *more;
};

/** command_table() - all of them; the last has no name. In commands.c. */
const struct command *command_table(void);

/** command_named() - NULL there is none */
const struct command *command_named(const char *name);

/**
 * options_parse() - the line into what it says; optind is the first argument then
 * @command: of the line, NULL none was found: decides which help and which options there are
 * Return: -1 go on; else the exit status.
 */
int options_parse(int argc, char **argv, const struct command *command,
		  struct command_options *ret);

/** options_takes_argument() - the word behind this option on the line is its argument */
bool options_takes_argument(const char *word);

/** help_all() - every command with a line, and the options that all take */
void help_all(void);

/** help_one() - a command with its options */
void help_one(const struct command *command);

/** struct option_help - @argument: NULL it takes none; @help: NULL the last row */
struct option_help {
	const char *name;
	const char *argument;
	const char *help;
	bool everywhere;
};

/** options_help() - the i-th option; NULL no more */
const struct option_help *options_help(size_t i);

/** options_has() - is an option among a command's own? */
bool options_has(const struct command *command, const char *name);
