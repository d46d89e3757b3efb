/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command.h - the subcommands of wastewatch
 *
 * Data goes to stdout, errors to stderr. Exit statuses, the same for all of them and documented in
 * wastewatch(1): 0 done and in order; 1 it could not be done, or what was looked at is wrong; 2 the
 * command line is wrong; 3 what was asked for does not exist; 4 (status) something needs attention;
 * 5 wastewatchd is not there; 6 the caller may not.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXIT_USAGE     2
#define EXIT_MISSING   3
#define EXIT_ATTENTION 4
#define EXIT_DOWN      5
#define EXIT_FORBIDDEN 6

/* how JSON is written; jansson's own 17 digits make 0.23000000000000001 of what was 0.23 */
#define COMMAND_JSON (JSON_COMPACT | JSON_SORT_KEYS | JSON_REAL_PRECISION(15))

/** struct command_options - options that all subcommands share; others are NULL or false */
struct command_options {
	const char *config;
	const char *state;
	const char *runtime;
	const char *credentials;
	bool json;
	bool only_open;	      /* incidents --open */
	bool reports;	      /* replay --reports: the bodies instead of the entries */
	bool minutes;	      /* replay --minutes: the minute values instead of the entries */
	const char *window;   /* means: as window_text() says */
	const char *from;     /* means: a time */
	const char *to;	      /* means: a time */
	bool csv;	      /* means */
	const char *files;    /* replay --files DIR: write the data files there */
	const char *drill;    /* replay --drill SITE:SCENARIO@TIME[,TIME] */
	const char *date;     /* limits, check: as standard_date_parse() takes it */
	const char *actions;  /* replay --actions FILE: what people did */
	const char *table;    /* probe --table */
	const char *timeout;  /* probe --timeout */
	bool watch;	      /* probe --watch */
	const char *interval; /* probe --watch=INTERVAL */
	bool force;	      /* probe --force */
	const char *bus;      /* actions: its address, NULL the system's */
	const char *span;     /* actions --for */
	const char *until;    /* actions: a time */
	bool once;	      /* shelve: until it clears */
	const char *reason;   /* actions */
	const char *cause;    /* close */
	const char *measures; /* close */
	bool exercise;	      /* actions: on what the drill shows */
	bool rotate;	      /* keygen */
	const char *key;      /* verify: whpk_… or a file */
	const char *since;    /* export: a time */
	const char *format;   /* export: jsonl or csv */
	const char *output;   /* export -o: a directory; NULL stdout */
	bool all;	      /* outbox list, channels */
	bool body;	      /* outbox show */
	const char *lang;     /* say_choose() has looked at it */
	const char *command;  /* which of them */
	const char *argument; /* the first that is no option, NULL none */
	char **arguments;     /* all of them */
	size_t n_arguments;
};

int command_means(const struct command_options *options);
int command_check(const struct command_options *options);
int command_limits(const struct command_options *options);
int command_status(const struct command_options *options);
int command_incidents(const struct command_options *options);
int command_show(const struct command_options *options);
/** command_metrics() - OpenMetrics text, or the same as JSON; 0 also where nothing is there */
int command_metrics(const struct command_options *options);
int command_plan(const struct command_options *options);
int command_replay(const struct command_options *options);
int command_probe(const struct command_options *options);
int command_alarms(const struct command_options *options);
int command_channels(const struct command_options *options);
int command_links(const struct command_options *options);
int command_drill(const struct command_options *options);
int command_outbox(const struct command_options *options);

/** command_act() - ack, reset, shelve, …: what @command says, on all arguments */
int command_act(const struct command_options *options);
int command_backup(const struct command_options *options);
int command_record(const struct command_options *options);
int command_verify(const struct command_options *options);
int command_export(const struct command_options *options);
int command_reload(const struct command_options *options);
int command_keygen(const struct command_options *options);

/** command_assess() - parses its own flags; @argv: what stands behind "assess" */
int command_assess(int argc, char **argv);

/** command_fail() - say an error, translated as say() does; returns EXIT_FAILURE */
int command_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** command_exit() - the exit status for a result: 0 or more, or -errno of bus or system */
int command_exit(int r);

/** command_find_record() - is there one in --state, and may it be read? Return: as
 * command_open_record(). */
int command_find_record(const struct command_options *options);

struct history;

/**
 * command_open_record() - that of --state, to be read
 * @ret_zone_min: of the record, minutes ahead of UTC; NULL nobody asks
 * Return: 0; an exit status, and why has been said.
 */
int command_open_record(const struct command_options *options, struct history **ret,
			int *ret_zone_min);

/** command_unreadable() - say what reading it failed with. Return: EXIT_FAILURE. */
int command_unreadable(const struct history *history);

/** command_time() - "2026-11-24 21:05:00" in a zone; @text holds 48 bytes */
const char *command_time(int64_t wall_ms, int zone_min, char *text);

/** command_today() - the date in a zone, as in core/standard.h */
unsigned int command_today(int zone_min);
/**
 * command_parse_time() - RFC 3339, or a local "YYYY-MM-DD", "YYYY-MM-DD HH:MM" or with seconds
 * Return: 0; -EINVAL.
 */
int command_parse_time(const char *text, int zone_min, int64_t *ret_ms);

/** command_span() - "3 min 20 s"; @text holds 48 bytes */
const char *command_span(int64_t ms, char *text);
