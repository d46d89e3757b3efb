/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wastewatch - the command line for operators, inspectors and ops
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tools/command.h"

#define ANY_NUMBER INT_MAX

static const struct command {
	const char *name;
	int (*run)(const struct command_options *options);
	int least; /* arguments */
	int most;
	const char *argument_name;
	const char *help;
} commands[] = {
	{"status", command_status, 0, 0, "", "what needs attention now"},
	{"incidents", command_incidents, 0, 0, "", "incidents, newest first [--open]"},
	{"show", command_show, 1, 1, "ID", "the story of one incident"},
	{"means", command_means, 0, 1, "[CHANNEL]",
	 "means of a channel, as a table or --csv; without: the channels"},
	{"check", command_check, 0, 0, "", "check the configuration"},
	{"plan", command_plan, 0, 0, "", "what is read from each unit, and how busy the lines are"},
	{"replay", command_replay, 1, ANY_NUMBER, "FILE...",
	 "judge recorded readings [--reports | --minutes | --files DIR]"},
	{"keygen", command_keygen, 0, 0, "", "make the keys that are missing in --credentials DIR"},
};

static void print_usage(FILE *file)
{
	(void)fputs("Usage: wastewatch COMMAND [OPTION]... [ARGUMENT]\n\n", file);
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		(void)fprintf(file, "  %-10s %-9s %s\n", commands[i].name,
			      commands[i].argument_name, commands[i].help);
	(void)fputs("\n"
		    "  --config DIR       default /etc/wastewatch\n"
		    "  --state DIR        default /var/lib/wastewatch\n"
		    "  --runtime DIR      default /run/wastewatch\n"
		    "  --credentials DIR  default /etc/wastewatch/credentials\n"
		    "  --json             data for programs, one document or one line per item\n"
		    "  --csv              means: a table for a spreadsheet\n"
		    "  --window LENGTH    means: 1min, 5min, 1h (default) or 24h\n"
		    "  --from, --to TIME  means: YYYY-MM-DD[ HH:MM] local, or RFC 3339\n"
		    "  replay reads a table (time,channel,value,status) or the department's data\n"
		    "  files, or directories of them; --files DIR writes those that would be sent\n"
		    "  --help, --version\n"
		    "\n"
		    "Exit status: 0 done; 1 it could not be done; 2 wrong command line; 3 no such\n"
		    "incident or channel; 4 (status) something needs attention.\n",
		    file);
}

int command_fail(const char *format, ...)
{
	va_list ap;

	(void)fflush(stdout);
	(void)fputs("wastewatch: ", stderr);
	va_start(ap, format);
	(void)vfprintf(stderr, format, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	return EXIT_FAILURE;
}

const char *command_time(int64_t wall_ms, int zone_min, char *text)
{
	char full[CLOCK_TEXT_MAX];

	clock_format(wall_ms, zone_min, full);
	(void)snprintf(text, 48, "%.10s %.8s", full, full + 11);
	return text;
}

const char *command_span(int64_t ms, char *text)
{
	long long s = ms < 0 ? 0 : ms / MS_PER_S;

	if (s < 60)
		(void)snprintf(text, 48, "%lld s", s);
	else if (s < 3600)
		(void)snprintf(text, 48, "%lld min %lld s", s / 60, s % 60);
	else if (s < 86400)
		(void)snprintf(text, 48, "%lld h %lld min", s / 3600, s % 3600 / 60);
	else
		(void)snprintf(text, 48, "%lld d %lld h", s / 86400, s % 86400 / 3600);
	return text;
}

static int wrong(const char *text, const char *what)
{
	(void)fprintf(stderr, "wastewatch: %s%s; see wastewatch --help\n", text, what);
	return EXIT_USAGE;
}

static bool is_of_means(struct command_options *ret, int c)
{
	switch (c) {
	case 'C':
		ret->csv = true;
		return true;
	case 'w':
		ret->window = optarg;
		return true;
	case 'f':
		ret->from = optarg;
		return true;
	case 't':
		ret->to = optarg;
		return true;
	default:
		return false;
	}
}

/* Return: -1 go on; else the exit status */
static int parse(int argc, char **argv, struct command_options *ret)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"state", required_argument, NULL, 's'},
		{"runtime", required_argument, NULL, 'r'},
		{"credentials", required_argument, NULL, 'k'},
		{"json", no_argument, NULL, 'j'},
		{"csv", no_argument, NULL, 'C'},
		{"window", required_argument, NULL, 'w'},
		{"from", required_argument, NULL, 'f'},
		{"to", required_argument, NULL, 't'},
		{"open", no_argument, NULL, 'o'},
		{"reports", no_argument, NULL, 'R'},
		{"minutes", no_argument, NULL, 'M'},
		{"files", required_argument, NULL, 'F'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		if (is_of_means(ret, c))
			continue;
		switch (c) {
		case 'c':
			ret->config = optarg;
			break;
		case 's':
			ret->state = optarg;
			break;
		case 'r':
			ret->runtime = optarg;
			break;
		case 'k':
			ret->credentials = optarg;
			break;
		case 'j':
			ret->json = true;
			break;
		case 'o':
			ret->only_open = true;
			break;
		case 'R':
			ret->reports = true;
			break;
		case 'M':
			ret->minutes = true;
			break;
		case 'F':
			ret->files = optarg;
			break;
		case 'h':
			print_usage(stdout);
			return EXIT_SUCCESS;
		case 'V':
			(void)puts("wastewatch " WASTEWATCH_VERSION);
			return EXIT_SUCCESS;
		default:
			return wrong("", "wrong option");
		}
	}
	return -1;
}

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

/* Return: -1 go on; else the exit status */
static int check_arguments(const struct command *command, int n)
{
	if (n >= command->least && n <= command->most)
		return -1;
	if (command->most == 0)
		return wrong(command->name, " takes no argument");
	if (command->least == 0)
		return wrong(command->name, " takes one argument at most");
	return wrong(command->name,
		     command->most > 1 ? " takes one argument or more" : " takes one argument");
}

int main(int argc, char **argv)
{
	struct command_options options = {
		.config = "/etc/wastewatch",
		.state = "/var/lib/wastewatch",
		.runtime = "/run/wastewatch",
		.credentials = "/etc/wastewatch/credentials",
	};
	const struct command *command;
	int r = parse(argc, argv, &options);

	if (r >= 0)
		return r;
	if (optind >= argc)
		return wrong("", "say what to do, such as: wastewatch status");
	command = find(argv[optind]);
	if (!command)
		return wrong(argv[optind], " is no command");
	r = check_arguments(command, argc - optind - 1);
	if (r >= 0)
		return r;
	options.argument = argv[optind + 1];
	options.arguments = argv + optind + 1;
	options.n_arguments = (size_t)(argc - optind - 1);
	r = command->run(&options);
	if (fflush(stdout) != 0 || ferror(stdout))
		return command_fail("the output cannot be written: %s", strerror(errno));
	return r;
}
