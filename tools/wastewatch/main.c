/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wastewatch - the command line for operators, inspectors and ops
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tools/command.h"

enum argument { ARGUMENT_NONE, ARGUMENT_NEEDED, ARGUMENT_SEVERAL };

static const struct command {
	const char *name;
	int (*run)(const struct command_options *options);
	enum argument argument;
	const char *argument_name;
	const char *help;
} commands[] = {
	{"status", command_status, ARGUMENT_NONE, "", "what needs attention now"},
	{"incidents", command_incidents, ARGUMENT_NONE, "", "incidents, newest first [--open]"},
	{"show", command_show, ARGUMENT_NEEDED, "ID", "the story of one incident"},
	{"check", command_check, ARGUMENT_NONE, "", "check the configuration"},
	{"replay", command_replay, ARGUMENT_NEEDED, "FILE.csv",
	 "judge recorded readings [--reports | --minutes]"},
	{"probe", command_probe, ARGUMENT_SEVERAL, "LINK ADDRESS",
	 "read registers of a device, in every decoding"},
	{"keygen", command_keygen, ARGUMENT_NONE, "",
	 "make the keys that are missing in --credentials DIR"},
};

static void print_usage(FILE *file)
{
	(void)fputs("Usage: wastewatch COMMAND [OPTION]... [ARGUMENT]\n\n", file);
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		(void)fprintf(file, "  %-10s %-12s %s\n", commands[i].name,
			      commands[i].argument_name, commands[i].help);
	(void)fputs(
		"\n"
		"  --config DIR       default /etc/wastewatch\n"
		"  --state DIR        default /var/lib/wastewatch\n"
		"  --runtime DIR      default /run/wastewatch\n"
		"  --credentials DIR  default /etc/wastewatch/credentials\n"
		"  --json             data for programs, one document or one line per item\n"
		"  --help, --version\n"
		"\n"
		"probe LINK[:UNIT] ADDRESS [COUNT] reads only, 0-based; LINK is LINK or\n"
		"SITE/LINK of the configuration, or tcp:HOST:PORT[:ID], rtu-tcp:HOST:PORT[:ID],\n"
		"rtu:DEVICE:BAUD[:8E1][:ID]\n"
		"  --table TABLE      holding (default), input, coil or discrete\n"
		"  --watch[=TIME]     again and again, every 2s\n"
		"  --timeout TIME     of an answer; default as configured, or 1s\n"
		"  --force            beside the daemon even where \"single: yes\" is set\n"
		"\n"
		"Exit status: 0 done; 1 it could not be done; 2 wrong command line; 3 no such\n"
		"incident; 4 (status) something needs attention.\n",
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

/* Return: -1 go on; else the exit status */
static int parse(int argc, char **argv, struct command_options *ret)
{
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"state", required_argument, NULL, 's'},
		{"runtime", required_argument, NULL, 'r'},
		{"credentials", required_argument, NULL, 'k'},
		{"json", no_argument, NULL, 'j'},
		{"open", no_argument, NULL, 'o'},
		{"reports", no_argument, NULL, 'R'},
		{"minutes", no_argument, NULL, 'M'},
		{"table", required_argument, NULL, 'T'},
		{"watch", optional_argument, NULL, 'W'},
		{"timeout", required_argument, NULL, 'O'},
		{"force", no_argument, NULL, 'F'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0) {
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
		case 'T':
			ret->table = optarg;
			break;
		case 'W':
			ret->watch = true;
			ret->interval = optarg;
			break;
		case 'O':
			ret->timeout = optarg;
			break;
		case 'F':
			ret->force = true;
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
	options.arguments = argv + optind + 1;
	options.n_arguments = argc - optind - 1;
	if (command->argument != ARGUMENT_SEVERAL &&
	    options.n_arguments != (command->argument == ARGUMENT_NEEDED ? 1 : 0))
		return wrong(command->name, command->argument == ARGUMENT_NEEDED
						    ? " takes one argument"
						    : " takes no argument");
	options.argument = argv[optind + 1];
	r = command->run(&options);
	if (fflush(stdout) != 0 || ferror(stdout))
		return command_fail("the output cannot be written: %s", strerror(errno));
	return r;
}
