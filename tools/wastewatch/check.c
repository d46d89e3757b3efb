/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/budget.h"
#include "core/catalogue.h"
#include "core/config.h"
#include "core/standard_check.h"
#include "tools/check_credentials.h"
#include "tools/command.h"
#include "tools/say.h"

/* the checker's lines as a JSON document */
static void print_json(const char *text, bool good, size_t n_errors, enum credentials_seen seen)
{
	static const char *const words[] = {[CREDENTIALS_SEEN] = "seen",
					    [CREDENTIALS_PARTLY] = "partly",
					    [CREDENTIALS_UNSEEN] = "unseen"};

	json_t *object = json_object(), *lines = json_array();

	while (*text) {
		size_t n = strcspn(text, "\n");

		(void)json_array_append_new(lines, json_stringn(text, n));
		text += n + (text[n] == '\n');
	}
	(void)json_object_set_new(object, "ok", json_boolean(good));
	(void)json_object_set_new(object, "errors", json_integer((json_int_t)n_errors));
	(void)json_object_set_new(object, "messages", lines);
	(void)json_object_set_new(object, "credentials", json_string(words[seen]));
	(void)json_dumpf(object, stdout, JSON_COMPACT | JSON_SORT_KEYS);
	(void)putchar('\n');
	json_decref(object);
}

static void print_summary(const struct config *config)
{
	const struct {
		size_t n;
		const char *one;
		const char *many;
	} counts[] = {
		{config->n_sites, N_("site"), "sites"},
		{config->n_links, N_("link"), "links"},
		{config->n_units, N_("unit"), "units"},
		{config->n_sources, N_("source"), "sources"},
		{config->n_channels, N_("channel"), "channels"},
		{config->n_limits, N_("limit"), "limits"},
		{config->n_stations, N_("station"), "stations"},
		{config->n_destinations, N_("destination"), "destinations"},
	};

	say("The configuration is good: ");
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		(void)printf("%s%zu %s", i > 0 ? ", " : "", counts[i].n,
			     trn(counts[i].one, counts[i].many, (long long)counts[i].n));
	(void)puts(".");
}

/* nobody shall take silence for a yes */
static void print_credentials(const struct command_options *options, enum credentials_seen seen)
{
	if (seen == CREDENTIALS_UNSEEN)
		say("Its credentials were not looked for: this is no configuration of a service "
		    "that is "
		    "installed here, and no --credentials DIR is given.\n");
	else if (seen == CREDENTIALS_PARTLY)
		say("Not all of its credentials could be looked for: only root may; see: sudo "
		    "wastewatch check --config %s\n",
		    options->config);
}

int command_check(const struct command_options *options)
{
	CLEANUP(config_free) struct config *config = NULL;
	CLEANUP(plan_free) struct plan *plan = NULL;
	char *text = NULL;
	size_t n = 0, n_errors = 0;
	unsigned int today = 0;
	enum credentials_seen seen = CREDENTIALS_UNSEEN;
	FILE *errors;
	int r;

	if (options->date && standard_date_parse(options->date, &today) < 0) {
		(void)command_fail("--date: %s", standard_date_check(options->date));
		return EXIT_USAGE;
	}
	errors = open_memstream(&text, &n);
	if (!errors)
		return command_fail("out of memory");
	r = config_load(&config, options->config, errors, &n_errors);
	if (r == 0)
		r = plan_new(&plan, config);
	if (r == 0)
		r = budget_check(config, plan, errors, &n_errors);
	if (r == 0)
		seen = check_credentials(config, options, errors);
	if (r == 0)
		standard_check(config, today ? today : command_today(config->zone_min),
			       options->json ? CATALOGUE_EN : say_language(), errors);
	(void)fclose(errors);
	if (options->json)
		print_json(text ? text : "", r == 0, n_errors, seen);
	else
		(void)fputs(text ? text : "", stderr);
	free(text);
	if (r == 0 && !options->json) {
		print_summary(config);
		print_credentials(options, seen);
	}
	if (r < 0 && !options->json)
		(void)command_fail("the configuration in %s has errors: %zu; it is not used",
				   options->config, n_errors);
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
