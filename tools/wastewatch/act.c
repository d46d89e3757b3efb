/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people do: acknowledge, shelve, close, … One row per action and kind of target; the
 * daemon says whether it can be done, and answers when it is in the record.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "core/catalogue.h"
#include "core/config_text.h"
#include "core/history.h"
#include "tools/bus.h"
#include "tools/command.h"
#include "tools/say.h"
#include "tools/target.h"

/*
 * @arguments: behind the target: u until, o once, r reason, c cause, m measures
 * @needed: those that must be given; of u and o in "uo" at least one
 */
static const struct act {
	const char *command;
	const char *method;
	unsigned kind;
	const char *arguments;
	const char *needed;
	const char *done;
} acts[] = {
	{"ack", "Acknowledge", TARGET_ALARM, "r", "", N_("acknowledged")},
	{"ack", "AcknowledgeIncident", TARGET_INCIDENT, "r", "", N_("acknowledged")},
	{"reset", "Reset", TARGET_ALARM, "r", "", N_("reset")},
	{"shelve", "Shelve", TARGET_ALARM, "uor", "uor", N_("shelved")},
	{"unshelve", "Unshelve", TARGET_ALARM, "r", "", N_("no longer shelved")},
	{"out-of-service", "OutOfService", TARGET_ALARM, "ur", "r", N_("out of service")},
	{"return", "Return", TARGET_ALARM, "r", "", N_("in service again")},
	{"close", "CloseIncident", TARGET_INCIDENT, "cm", "cm", N_("closed")},
};

/* struct acting - one call of the command */
struct acting {
	const struct command_options *options;
	struct bus *bus;
	int64_t until_ms;
	int zone_min;
};

static unsigned kinds_of(const char *command)
{
	unsigned kinds = 0;

	for (size_t i = 0; i < ARRAY_SIZE(acts); i++)
		if (strcmp(acts[i].command, command) == 0)
			kinds |= acts[i].kind;
	return kinds;
}

static const struct act *act_of(const char *command, unsigned kinds)
{
	for (size_t i = 0; i < ARRAY_SIZE(acts); i++)
		if (strcmp(acts[i].command, command) == 0 && (acts[i].kind & kinds))
			return &acts[i];
	return NULL;
}

/* --- the flags --------------------------------------------------------------------- */

static int usage(const char *command, const char *what)
{
	return say_wrong("%s %s; see: wastewatch %s --help", command, what, command);
}

/* the times of people are those of the record's zone; without a record, of UTC */
static int read_zone(const struct command_options *options)
{
	CLEANUP(history_close) struct history *history = NULL;
	char error[256];
	int64_t head;
	int zone_min = 0;

	if (history_open(&history, options->state, error) == 0)
		(void)history_head(history, &head, &zone_min);
	return zone_min;
}

/* Return: 0, or the exit status */
static int read_until(struct acting *acting)
{
	const struct command_options *options = acting->options;
	int64_t now_ms = clock_stamp().wall_ms, us;

	if (options->span) {
		if (config_duration_parse(options->span, &us) < 0 || us <= 0)
			return usage(options->command,
				     tr("--for wants a time such as 30min or 2h"));
		acting->until_ms = now_ms + us / US_PER_MS;
	}
	if (!options->until)
		return 0;
	if (command_parse_time(options->until, acting->zone_min, &acting->until_ms) < 0)
		return usage(options->command,
			     tr("--until wants YYYY-MM-DD HH:MM local, or RFC 3339"));
	if (acting->until_ms <= now_ms)
		return usage(options->command, tr("--until wants a time to come"));
	return 0;
}

static const struct flag {
	char letter;
	const char *name;
	size_t place;
} flags[] = {
	{'r', "--reason TEXT", offsetof(struct command_options, reason)},
	{'c', "--cause TEXT", offsetof(struct command_options, cause)},
	{'m', "--measures TEXT", offsetof(struct command_options, measures)},
};

static const char *text_of(const struct command_options *options, const struct flag *flag)
{
	const char *text;

	memcpy(&text, (const char *)options + flag->place, sizeof(text));
	return text;
}

/* what it does not take has been refused before. Return: 0, or the exit status */
static int check_flags(const struct command_options *options, const struct act *act)
{
	bool has_time = options->span || options->until;
	char what[80];

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		const char *text = text_of(options, &flags[i]);

		if ((text && *text) || !strchr(act->needed, flags[i].letter))
			continue;
		(void)snprintf(what, sizeof(what), tr("needs %s"), flags[i].name);
		return usage(act->command, what);
	}
	if (options->span && options->until)
		return usage(act->command, tr("takes one of --for and --until"));
	if (!has_time && !options->once && strchr(act->needed, 'u'))
		return usage(act->command, tr("needs --for TIME, --until TIME or --once"));
	return 0;
}

/* --- doing it ---------------------------------------------------------------------- */

static size_t fill(const struct acting *acting, const struct act *act, const char *target,
		   struct bus_argument *arguments)
{
	const struct command_options *options = acting->options;
	size_t n = 0;

	arguments[n++] = (struct bus_argument){.type = 's', .text = target};
	for (const char *letter = act->arguments; *letter; letter++) {
		struct bus_argument *argument = &arguments[n++];

		*argument = (struct bus_argument){.type = 's', .text = ""};
		if (*letter == 'u')
			*argument = (struct bus_argument){.type = 't',
							  .usec = (uint64_t)acting->until_ms *
								  (uint64_t)US_PER_MS};
		else if (*letter == 'o')
			*argument = (struct bus_argument){.type = 'b', .flag = options->once};
		for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
			if (flags[i].letter == *letter && text_of(options, &flags[i]))
				argument->text = text_of(options, &flags[i]);
	}
	return n;
}

static int act_on(const struct acting *acting, const char *word, struct target *target,
		  char error[static BUS_ERROR_MAX])
{
	const struct command_options *options = acting->options;
	struct bus_argument arguments[BUS_ARGUMENTS_MAX];
	int r = target_resolve(target, options, acting->bus, word, kinds_of(options->command),
			       error);
	const struct act *act;
	bool exercise;

	if (r < 0)
		return r;
	act = act_of(options->command, target->kind);
	exercise = options->exercise ||
		   strncmp(target->name, TARGET_EXERCISE, strlen(TARGET_EXERCISE)) == 0;
	return bus_act(acting->bus, exercise, act->method, arguments,
		       fill(acting, act, target->name, arguments), error);
}

static void print_done(const struct acting *acting, const struct target *target)
{
	const struct act *act = act_of(acting->options->command, target->kind);
	char until[48];

	(void)printf("%s: %s", target->name, tr(act->done));
	if (acting->until_ms)
		say(" until %s", command_time(acting->until_ms, acting->zone_min, until));
	if (acting->options->once)
		(void)fputs(acting->until_ms ? tr(", or until it is in order")
					     : tr(" until it is in order"),
			    stdout);
	(void)putchar('\n');
}

static void print_json(const struct acting *acting, const char *word, const struct target *target,
		       const char *error)
{
	json_t *object = json_object();
	char until[CLOCK_TEXT_MAX];

	(void)json_object_set_new(object, "action", json_string(acting->options->command));
	(void)json_object_set_new(object, "target",
				  json_string(*target->name ? target->name : word));
	(void)json_object_set_new(object, "done", json_boolean(!error));
	if (error)
		(void)json_object_set_new(object, "error", json_string(error));
	if (acting->until_ms && !error) {
		clock_format(acting->until_ms, acting->zone_min, until);
		(void)json_object_set_new(object, "until", json_string(until));
	}
	(void)json_dumpf(object, stdout, JSON_COMPACT | JSON_SORT_KEYS);
	(void)putchar('\n');
	json_decref(object);
}

static int act_one(const struct acting *acting, const char *word)
{
	struct target target = {0};
	char error[BUS_ERROR_MAX] = "";
	int r = act_on(acting, word, &target, error);

	if (acting->options->json)
		print_json(acting, word, &target, r < 0 ? error : NULL);
	else if (r < 0)
		(void)command_fail("%s", error);
	else
		print_done(acting, &target);
	return command_exit(r);
}

int command_act(const struct command_options *options)
{
	CLEANUP(bus_close) struct bus *bus = NULL;
	struct acting acting = {.options = options, .zone_min = read_zone(options)};
	char error[BUS_ERROR_MAX];
	int status = check_flags(options, act_of(options->command, kinds_of(options->command)));

	if (status == EXIT_SUCCESS)
		status = read_until(&acting);
	if (status != EXIT_SUCCESS)
		return status;
	if (bus_open(&bus, options->bus, error) < 0) {
		(void)command_fail("%s", error);
		return EXIT_DOWN;
	}
	acting.bus = bus;
	for (size_t i = 0; i < options->n_arguments; i++) {
		int one = act_one(&acting, options->arguments[i]);

		status = MAX(status, one);
	}
	return status;
}
