/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/target.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/plain.h"
#include "core/catalogue.h"
#include "core/control.h"
#include "core/history.h"
#include "tools/say.h"

#define LISTED_MAX    10
#define INCIDENTS_MAX 1000

/* everything whose name begins with the word; @exact: one is the word */
struct search {
	const char *word;
	unsigned kinds;
	bool exact;
	size_t n;
	struct target found[LISTED_MAX];
};

static void take(struct search *search, unsigned kind, const char *name)
{
	bool exact = strcmp(name, search->word) == 0;

	if (!(kind & search->kinds) || strlen(name) >= TARGET_MAX || search->exact ||
	    strncmp(name, search->word, strlen(search->word)) != 0)
		return;
	if (exact) {
		search->exact = true;
		search->n = 0;
	}
	if (search->n < LISTED_MAX) {
		search->found[search->n].kind = kind;
		(void)snprintf(search->found[search->n].name, TARGET_MAX, "%s", name);
	}
	search->n++;
}

static void take_named(void *userdata, const char *kind, const char *name)
{
	take(userdata, strcmp(kind, "site") == 0 ? TARGET_SITE : TARGET_ALARM, name);
}

/* nothing is left to be done with one that is closed, so only its whole name means it */
static void take_incident(void *userdata, const struct history_incident *incident)
{
	struct search *search = userdata;

	if (strcmp(incident->state, "closed") != 0 || strcmp(incident->id, search->word) == 0)
		take(search, TARGET_INCIDENT, incident->id);
}

/* @error: empty, or why the record cannot be read; an alarm may be meant all the same */
static void search_record(struct search *search, const struct command_options *options,
			  char error[static 256])
{
	CLEANUP(history_close) struct history *history = NULL;

	if (history_open(&history, options->state, error) < 0)
		return;
	if (history_incidents(history, NULL, false, INCIDENTS_MAX, take_incident, search) < 0)
		(void)snprintf(error, 256, "the record cannot be read: %.200s",
			       history_error(history));
}

/* --- what can be done to what ------------------------------------------------------- */

static bool waits(const struct history_alarm *alarm)
{
	return strcmp(alarm->condition, "unacknowledged") == 0 ||
	       strcmp(alarm->condition, "returned-unacknowledged") == 0 ||
	       (strcmp(alarm->condition, "latched") == 0 && alarm->acknowledged_ms == 0);
}

static bool is_latched(const struct history_alarm *alarm)
{
	return strcmp(alarm->condition, "latched") == 0;
}

static bool is_shelved(const struct history_alarm *alarm)
{
	return *alarm->shelved_by != '\0';
}

static bool is_out(const struct history_alarm *alarm)
{
	return alarm->out_of_service;
}

/* of several alarms that a word can mean, these are meant by these commands */
static const struct choice {
	const char *command;
	bool (*is_meant)(const struct history_alarm *alarm);
	const char *what;
} choices[] = {
	{"ack", waits, N_("waits for being acknowledged")},
	{"reset", is_latched, N_("is latched")},
	{"unshelve", is_shelved, N_("is shelved")},
	{"return", is_out, N_("is out of service")},
};

static const struct choice *choice_of(const struct command_options *options)
{
	for (size_t i = 0; i < ARRAY_SIZE(choices); i++)
		if (strcmp(choices[i].command, options->command) == 0 && !options->exercise)
			return &choices[i];
	return NULL;
}

/* struct choosing - @some: of what the word can be, what is meant */
struct choosing {
	const struct choice *choice;
	struct search *some;
};

static void take_meant(void *userdata, const struct history_alarm *alarm)
{
	struct choosing *choosing = userdata;

	if (choosing->choice->is_meant(alarm))
		take(choosing->some, TARGET_ALARM, alarm->path);
}

/* Return: 1 @search is about those that are meant now; 0 that is not known; -ENOENT none is */
static int choose(struct search *search, const struct command_options *options,
		  char error[static BUS_ERROR_MAX])
{
	CLEANUP(history_close) struct history *history = NULL;
	struct search some = {.word = search->word, .kinds = search->kinds};
	struct choosing choosing = {choice_of(options), &some};
	char unread[256];

	if (!choosing.choice || history_open(&history, options->state, unread) < 0)
		return 0;
	if (history_alarms(history, take_meant, &choosing) < 0)
		return 0;
	for (size_t i = 0; i < MIN(search->n, (size_t)LISTED_MAX); i++)
		if (search->found[i].kind != TARGET_ALARM)
			take(&some, search->found[i].kind, search->found[i].name);
	if (some.n == 0) {
		(void)snprintf(error, BUS_ERROR_MAX,
			       tr("none of the %zu alarms that begin with \"%.100s\" %s; see: %s"),
			       search->n, search->word, tr(choosing.choice->what),
			       "wastewatch alarms");
		return -ENOENT;
	}
	*search = some;
	return 1;
}

/* ----------------------------------------------------------------------------------- */

static const char *kinds_text(unsigned kinds)
{
	static const char *const texts[8] = {N_("thing"),
					     N_("alarm"),
					     N_("incident"),
					     N_("alarm or incident"),
					     N_("site"),
					     N_("alarm or site"),
					     N_("incident or site"),
					     N_("alarm, incident or site")};

	return tr(texts[kinds & 7]);
}

static const char *hint(unsigned kinds)
{
	if (kinds == TARGET_INCIDENT)
		return "wastewatch incidents";
	return kinds == TARGET_SITE ? "wastewatch plan" : "wastewatch alarms";
}

static int say_many(const struct search *search, char error[static BUS_ERROR_MAX])
{
	size_t n = (size_t)snprintf(error, BUS_ERROR_MAX, tr("\"%.100s\" can be more than one %s:"),
				    search->word, kinds_text(search->kinds));
	size_t i;

	for (i = 0; i < MIN(search->n, (size_t)LISTED_MAX); i++) {
		size_t length = strlen(search->found[i].name);

		if (n + length + 16 > BUS_ERROR_MAX)
			break;
		(void)snprintf(error + n, BUS_ERROR_MAX - n, "\n  %s", search->found[i].name);
		plain_text(error + n + 1);
		n += strlen(error + n);
	}
	if (i < search->n)
		(void)snprintf(error + n, BUS_ERROR_MAX - n, "\n  ...");
	return -EINVAL;
}

static bool is_of_drill(const char *word)
{
	return strncmp(word, TARGET_EXERCISE, strlen(TARGET_EXERCISE)) == 0;
}

int target_resolve(struct target *ret, const struct command_options *options, struct bus *bus,
		   const char *word, unsigned kinds, char error[static BUS_ERROR_MAX])
{
	struct search search = {.word = word, .kinds = kinds};
	char unread[256] = "";
	int r = 0;

	if ((kinds & TARGET_INCIDENT) && is_of_drill(word))
		take(&search, TARGET_INCIDENT, word);
	else if (kinds & TARGET_INCIDENT)
		search_record(&search, options, unread);
	if (kinds & (TARGET_ALARM | TARGET_SITE))
		r = bus_find(bus, word, take_named, &search, error);
	if (r < 0)
		return r;
	if (search.n > 1 && (kinds & TARGET_ALARM))
		r = choose(&search, options, error);
	if (r < 0)
		return r;
	if (search.n > 1)
		return say_many(&search, error);
	if (search.n == 1) {
		*ret = search.found[0];
		return 0;
	}
	if (*unread) {
		(void)snprintf(error, BUS_ERROR_MAX,
			       tr("which incident %.200s is cannot be told: %s"), word, unread);
		return -EIO;
	}
	(void)snprintf(error, BUS_ERROR_MAX, tr("there is no %s %.200s; see: %s"),
		       kinds_text(kinds), word, hint(kinds));
	return -ENOENT;
}
