/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wastewatch - the command line for operators, inspectors and ops
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/macro.h"
#include "core/catalogue.h"
#include "core/history.h"
#include "core/memory.h"
#include "core/record.h"
#include "tools/command.h"
#include "tools/guard.h"
#include "tools/options.h"
#include "tools/say.h"

int command_fail(const char *format, ...)
{
	va_list ap;

	(void)fflush(stdout);
	va_start(ap, format);
	say_error(format, ap);
	va_end(ap);
	return EXIT_FAILURE;
}

int command_exit(int r)
{
	static const struct {
		int r;
		int status;
	} exits[] = {
		{-ENOENT, EXIT_MISSING},   {-ESRCH, EXIT_DOWN},	     {-ECONNREFUSED, EXIT_DOWN},
		{-EACCES, EXIT_FORBIDDEN}, {-EPERM, EXIT_FORBIDDEN},
	};

	for (size_t i = 0; i < ARRAY_SIZE(exits); i++)
		if (exits[i].r == r)
			return exits[i].status;
	return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int command_find_record(const struct command_options *options)
{
	char path[4096];
	int r;

	(void)snprintf(path, sizeof(path), "%s/" RECORD_FILE, options->state);
	r = access(path, R_OK) < 0 ? -errno : 0;
	if (r == -EACCES)
		(void)command_fail("you may not read the record %s; root may, and members of the "
				   "group wastewatch: let root run \"adduser USER wastewatch\", "
				   "then log in anew",
				   path);
	else if (r == -ENOENT || r == -ENOTDIR)
		(void)command_fail("there is no record %s; wastewatchd makes it when it first "
				   "starts. Is it elsewhere? --state DIR",
				   path);
	else if (r < 0)
		(void)command_fail("%s: %s", path, strerror(-r));
	return command_exit(r == -ENOTDIR ? -ENOENT : r);
}

int command_open_record(const struct command_options *options, struct history **ret,
			int *ret_zone_min)
{
	char error[HISTORY_ERROR_MAX];
	int64_t head;
	int status = command_find_record(options);

	if (status != EXIT_SUCCESS)
		return status;
	if (history_open(ret, options->state, error) < 0)
		return command_fail("%s", error);
	if (!options->json)
		history_for_people(*ret);
	if (ret_zone_min && history_head(*ret, &head, ret_zone_min) < 0)
		return command_unreadable(*ret);
	return EXIT_SUCCESS;
}

int command_unreadable(const struct history *history)
{
	return command_fail("the record cannot be read: %s", history_error(history));
}

/* what was not written was not said */
static int finish(int status)
{
	if (guard_finish() < 0 || fflush(stdout) != 0 || ferror(stdout))
		return command_fail("the output cannot be written: %s", strerror(errno));
	return status;
}

/* the first word that is neither an option nor an option's argument; NULL none */
static const char *word_of(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (*argv[i] != '-' || !argv[i][1])
			return argv[i];
		if (strcmp(argv[i], "--") == 0)
			return i + 1 < argc ? argv[i + 1] : NULL;
		i += options_takes_argument(argv[i]);
	}
	return NULL;
}

/* Return: -1 go on; else the exit status */
static int check_arguments(const struct command *command, int n)
{
	const char *how_many = command->most == 0    ? N_("takes no argument")
			       : command->least == 0 ? N_("takes one argument at most")
			       : command->most > 1   ? N_("takes one argument or more")
						     : N_("takes one argument");

	if (n >= command->least && n <= command->most)
		return -1;
	if (strcmp(command->argument, "VERB") == 0)
		return say_wrong("%s takes a verb: %s", command->name, tr(command->help));
	return say_wrong("%s %s: wastewatch %s%s%s", command->name, tr(how_many), command->name,
			 *command->argument ? " " : "", command->argument);
}

/* assess parses its own flags, and the language has been taken already. Return: how many are left.
 */
static int without_language(int argc, char **argv)
{
	int n = 0;

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--lang") == 0)
			i++;
		else if (strncmp(argv[i], "--lang=", 7) != 0)
			argv[n++] = argv[i];
	}
	argv[n] = NULL;
	return n;
}

/* an export is hashed by who gets it, and a body is what was signed */
static enum guard guard_of(const struct command *command, const struct command_options *options)
{
	if (options->body || strcmp(command->name, "export") == 0)
		return GUARD_RAW;
	return options->json || strcmp(command->name, "replay") == 0 ? GUARD_JSON : GUARD_TEXT;
}

static int run(int argc, char **argv, struct command_options *options)
{
	const char *word = word_of(argc, argv);
	const struct command *command = word ? command_named(word) : NULL;
	int r = say_choose(argc, argv);

	if (r < 0)
		return say_wrong("--lang is en or vi");
	if (argc > 1 && command && !command->run && strcmp(argv[1], command->name) == 0)
		return command_assess(without_language(argc - 2, argv + 2), argv + 2);
	r = options_parse(argc, argv, command, options);
	if (r >= 0)
		return r;
	if (!word)
		return say_wrong(
			"say what to do, such as: wastewatch status; see: wastewatch --help");
	if (!command)
		return say_wrong("%s is no command; see: wastewatch --help", word);
	if (!command->run)
		return say_wrong("%s must come first, its flags behind it", word);
	r = check_arguments(command, argc - optind - 1);
	if (r >= 0)
		return r;
	guard_streams(guard_of(command, options));
	options->command = command->name;
	options->argument = argv[optind + 1];
	options->arguments = argv + optind + 1;
	options->n_arguments = (size_t)(argc - optind - 1);
	return command->run(options);
}

int main(int argc, char **argv)
{
	struct command_options options = {
		.config = "/etc/wastewatch",
		.state = "/var/lib/wastewatch",
		.runtime = "/run/wastewatch",
		.credentials = "/etc/wastewatch/credentials",
	};

	memory_init();
	guard_streams(GUARD_TEXT);
	return finish(run(argc, argv, &options));
}
