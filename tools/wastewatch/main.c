/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wastewatch - the command line for operators, inspectors and ops
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "core/memory.h"
#include "core/standard.h"
#include "tools/command.h"

#define ANY_NUMBER INT_MAX

static const struct command {
	const char *name;
	int (*run)(const struct command_options *options);
	int least; /* arguments */
	int most;
	const char *argument_name;
	const char *help; /* of one whose argument is a VERB, the verbs */
} commands[] = {
	{"status", command_status, 0, 0, "", "what needs attention now"},
	{"incidents", command_incidents, 0, 0, "", "incidents, those not closed first [--open]"},
	{"show", command_show, 1, 1, "ID", "the story of one incident"},
	{"alarms", command_alarms, 0, 0, "", "alarms that stand or are hidden, and why"},
	{"ack", command_act, 1, ANY_NUMBER, "TARGET...", "acknowledge alarms or incidents"},
	{"reset", command_act, 1, ANY_NUMBER, "ALARM...", "reset alarms that are latched"},
	{"shelve", command_act, 1, ANY_NUMBER, "ALARM...",
	 "hide alarms for a time: --for, --until or --once, and --reason"},
	{"unshelve", command_act, 1, ANY_NUMBER, "ALARM...", "show them again"},
	{"out-of-service", command_act, 1, ANY_NUMBER, "ALARM...",
	 "take alarms out of service: --reason [--for | --until]"},
	{"return", command_act, 1, ANY_NUMBER, "ALARM...", "and back into it"},
	{"close", command_act, 1, ANY_NUMBER, "INCIDENT...",
	 "close incidents that have ended: --cause and --measures"},
	{"outbox", command_outbox, 1, ANY_NUMBER, "VERB",
	 "reports on their way: list, show, retry, hold, release, abandon, resume"},
	{"drill", command_drill, 1, 3, "VERB", "start SITE SCENARIO, stop SITE, list or scenarios"},
	{"means", command_means, 0, 1, "[CHANNEL]",
	 "means of a channel, as a table or --csv; without: the channels"},
	{"metrics", command_metrics, 0, 0, "", "figures for monitoring, as OpenMetrics text"},
	{"check", command_check, 0, 0, "", "check the configuration"},
	{"limits", command_limits, 0, 1, "[SOURCE]",
	 "what each source is held to, by which law, and how sure that is"},
	{"plan", command_plan, 0, 0, "", "what is read from each unit, and how busy the lines are"},
	{"replay", command_replay, 1, ANY_NUMBER, "FILE...",
	 "judge recorded readings [--reports | --minutes | --files DIR]"},
	{"probe", command_probe, 0, ANY_NUMBER, "LINK ADDRESS",
	 "read registers of a device, in every decoding"},
	{"backup", command_backup, 1, 1, "FILE",
	 "copy the record, while it is written or not, and verify the copy"},
	{"verify", command_verify, 0, 1, "[PATH]",
	 "is the record, or an export, what was written? [--key KEY]"},
	{"export", command_export, 0, 0, "",
	 "a part of the record for others: [--since] [--until] [-o DIR]"},
	{"record", command_record, 1, 1, "seen",
	 "say that you know that the record was damaged [--reason]"},
	{"keygen", command_keygen, 0, 1, "[NAME]",
	 "make the keys that are missing; --rotate: a new one, NAME or sign-key"},
};

/* commands that parse their own flags: they come first on the line, their flags behind them */
static const struct raw_command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *argument_name;
	const char *help;
} raw_commands[] = {
	{"assess", command_assess, "METHOD", "a plume, river or boundary by hand; assess --help"},
};

static void print_usage(FILE *file)
{
	(void)fputs("Usage: wastewatch COMMAND [OPTION]... [ARGUMENT]\n\n", file);
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		(void)fprintf(file, "  %-14s %-12s %s\n", commands[i].name,
			      commands[i].argument_name, commands[i].help);
	for (size_t i = 0; i < sizeof(raw_commands) / sizeof(*raw_commands); i++)
		(void)fprintf(file, "  %-14s %-12s %s\n", raw_commands[i].name,
			      raw_commands[i].argument_name, raw_commands[i].help);
	(void)fputs(
		"\n"
		"  --config DIR       default /etc/wastewatch\n"
		"  --state DIR        default /var/lib/wastewatch\n"
		"  --runtime DIR      default /run/wastewatch\n"
		"  --credentials DIR  default /etc/wastewatch/credentials\n"
		"  --json             data for programs, one document or one line per item\n"
		"  --csv              means: a table for a spreadsheet\n"
		"  --window LENGTH    means: 1min, 5min, 1h (default) or 24h\n"
		"  --from, --to TIME  means: YYYY-MM-DD[ HH:MM] local, or RFC 3339\n"
		"  --date YYYY-MM-DD  limits, check: the law of that day; default today\n"
		"  replay reads a table (time,channel,value,status) or the department's data\n"
		"  files, or directories of them; --files DIR writes those that would be sent;\n"
		"  --actions FILE: what people did (time,action,target,user,until,reason);\n"
		"  --drill SITE:SCENARIO@TIME[,TIME]: a drill begins then, and is ended\n"
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
		"verify [PATH] without PATH: the record in --state; else a record's file, or the\n"
		"directory of an export\n"
		"  --key KEY          the key that the department has: whpk_..., or a file of "
		"keys\n"
		"export: entries of a time, up to the signed head behind them\n"
		"  --since, --until TIME  as --from\n"
		"  --format jsonl|csv csv is a table, and cannot be verified\n"
		"  -o, --output DIR   lines, hashes, head, signature and key; else lines alone\n"
		"\n"
		"What people do goes to wastewatchd over D-Bus and into the record with their "
		"name.\n"
		"An ALARM is SITE/SOURCE/CHANNEL/LIMIT, an INCIDENT its id, or the beginning of "
		"one\n"
		"that no other shares.\n"
		"  --for TIME         30min, 2h, ...; --until TIME as --to; --once: until it "
		"clears\n"
		"  --reason, --cause, --measures TEXT\n"
		"  --exercise         the alarm or incident of the drill, not the real one\n"
		"  --bus ADDRESS      another bus than the system's\n"
		"outbox takes a report's id, or a destination for all that wait for it\n"
		"  --all              list: what is done with, too\n"
		"  --body             show: the exact bytes and nothing else, to hand them over\n"
		"\n"
		"Exit status: 0 done; 1 it could not be done; 2 wrong command line; 3 no such\n"
		"incident, alarm, site, channel or report; 4 (status) something needs attention.\n",
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

static int wrong(const char *text, const char *what)
{
	(void)fprintf(stderr, "wastewatch: %s%s; see wastewatch --help\n", text, what);
	return EXIT_USAGE;
}

#define NONE	     SIZE_MAX
#define PLACE(field) offsetof(struct command_options, field)

/* @text: where its argument goes; @flag: what it makes true */
static const struct option_row {
	const char *name;
	int has_argument;
	size_t text;
	size_t flag;
} option_rows[] = {
	{"config", required_argument, PLACE(config), NONE},
	{"state", required_argument, PLACE(state), NONE},
	{"runtime", required_argument, PLACE(runtime), NONE},
	{"credentials", required_argument, PLACE(credentials), NONE},
	{"json", no_argument, NONE, PLACE(json)},
	{"open", no_argument, NONE, PLACE(only_open)},
	{"reports", no_argument, NONE, PLACE(reports)},
	{"minutes", no_argument, NONE, PLACE(minutes)},
	{"files", required_argument, PLACE(files), NONE},
	{"actions", required_argument, PLACE(actions), NONE},
	{"csv", no_argument, NONE, PLACE(csv)},
	{"window", required_argument, PLACE(window), NONE},
	{"from", required_argument, PLACE(from), NONE},
	{"to", required_argument, PLACE(to), NONE},
	{"drill", required_argument, PLACE(drill), NONE},
	{"date", required_argument, PLACE(date), NONE},
	{"table", required_argument, PLACE(table), NONE},
	{"timeout", required_argument, PLACE(timeout), NONE},
	{"watch", optional_argument, PLACE(interval), PLACE(watch)},
	{"force", no_argument, NONE, PLACE(force)},
	{"bus", required_argument, PLACE(bus), NONE},
	{"for", required_argument, PLACE(span), NONE},
	{"until", required_argument, PLACE(until), NONE},
	{"once", no_argument, NONE, PLACE(once)},
	{"reason", required_argument, PLACE(reason), NONE},
	{"cause", required_argument, PLACE(cause), NONE},
	{"measures", required_argument, PLACE(measures), NONE},
	{"rotate", no_argument, NONE, PLACE(rotate)},
	{"key", required_argument, PLACE(key), NONE},
	{"since", required_argument, PLACE(since), NONE},
	{"format", required_argument, PLACE(format), NONE},
	{"output", required_argument, PLACE(output), NONE},
	{"exercise", no_argument, NONE, PLACE(exercise)},
	{"all", no_argument, NONE, PLACE(all)},
	{"body", no_argument, NONE, PLACE(body)},
};

#define N_OPTIONS (sizeof(option_rows) / sizeof(*option_rows))

enum { OPTION_HELP = N_OPTIONS, OPTION_VERSION }; /* places in the table for getopt */

static void keep(struct command_options *options, const struct option_row *row, const char *text)
{
	char *base = (char *)options;

	if (row->text != NONE)
		memcpy(base + row->text, &text, sizeof(text));
	if (row->flag != NONE)
		memcpy(base + row->flag, &(bool){true}, sizeof(bool));
}

/* Return: -1 go on; else the exit status */
static int parse(int argc, char **argv, struct command_options *ret)
{
	struct option options[N_OPTIONS + 3] = {
		[OPTION_HELP] = {"help", no_argument, NULL, 0},
		[OPTION_VERSION] = {"version", no_argument, NULL, 0},
	};
	int c, i = 0;

	for (size_t k = 0; k < N_OPTIONS; k++)
		options[k] = (struct option){option_rows[k].name, option_rows[k].has_argument, NULL,
					     0};
	while ((c = getopt_long(argc, argv, "o:", options, &i)) >= 0) {
		if (c == 'o') {
			ret->output = optarg;
			continue;
		}
		if (c != 0)
			return wrong("", "wrong option");
		if (i == OPTION_HELP) {
			print_usage(stdout);
			return EXIT_SUCCESS;
		}
		if (i == OPTION_VERSION) {
			(void)puts("wastewatch " WASTEWATCH_VERSION);
			return EXIT_SUCCESS;
		}
		keep(ret, &option_rows[i], optarg);
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

static const struct raw_command *find_raw(const char *name)
{
	for (size_t i = 0; i < sizeof(raw_commands) / sizeof(*raw_commands); i++)
		if (strcmp(raw_commands[i].name, name) == 0)
			return &raw_commands[i];
	return NULL;
}

/* Return: -1 go on; else the exit status */
static int check_arguments(const struct command *command, int n)
{
	const char *how_many = command->most == 0    ? "no argument"
			       : command->least == 0 ? "one argument at most"
			       : command->most > 1   ? "one argument or more"
						     : "one argument";
	bool verb = strcmp(command->argument_name, "VERB") == 0;
	char what[160];

	if (n >= command->least && n <= command->most)
		return -1;
	if (verb)
		(void)snprintf(what, sizeof(what), " takes a verb: %s", command->help);
	else
		(void)snprintf(what, sizeof(what), " takes %s: wastewatch %s%s%s", how_many,
			       command->name, *command->argument_name ? " " : "",
			       command->argument_name);
	return wrong(command->name, what);
}

/* what was not written was not said */
static int finish(int status)
{
	if (fflush(stdout) != 0 || ferror(stdout))
		return command_fail("the output cannot be written: %s", strerror(errno));
	return status;
}

int main(int argc, char **argv)
{
	struct command_options options = {
		.config = "/etc/wastewatch",
		.state = "/var/lib/wastewatch",
		.runtime = "/run/wastewatch",
		.credentials = "/etc/wastewatch/credentials",
	};
	const struct raw_command *raw = argc > 1 ? find_raw(argv[1]) : NULL;
	const struct command *command;
	int r;

	memory_init();
	if (raw)
		return finish(raw->run(argc - 2, argv + 2));
	r = parse(argc, argv, &options);
	if (r >= 0)
		return r;
	if (optind >= argc)
		return wrong("", "say what to do, such as: wastewatch status");
	command = find(argv[optind]);
	if (!command && find_raw(argv[optind]))
		return wrong(argv[optind], " must come first, its flags behind it");
	if (!command)
		return wrong(argv[optind], " is no command");
	r = check_arguments(command, argc - optind - 1);
	if (r >= 0)
		return r;
	options.command = command->name;
	options.argument = argv[optind + 1];
	options.arguments = argv + optind + 1;
	options.n_arguments = (size_t)(argc - optind - 1);
	return finish(command->run(&options));
}
