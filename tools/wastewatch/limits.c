/* SPDX-License-Identifier: Apache-2.0 */
/* `wastewatch limits`: what every source is held to, how it comes about, and how sure it is */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/catalogue.h"
#include "core/event.h"
#include "core/limit.h"
#include "core/standard_check.h"
#include "tools/command.h"
#include "tools/say.h"
#include "tools/wrap.h"

/** struct view - what is asked for */
struct view {
	const struct config *config;
	unsigned int today;
};

static void print_marked(const char *what, unsigned int date, enum certainty mark)
{
	char text[STANDARD_DATE_MAX];

	if (date)
		(void)printf("%s %s [%c]", what, standard_date_text(date, text),
			     certainty_letter(mark));
}

static void print_force(const struct view *view, const struct config_standard *standard)
{
	static const char *const words[] = {
		[STANDARD_NOT_YET] = N_("NOT YET IN FORCE:"),
		[STANDARD_IN_FORCE] = N_("in force"),
		[STANDARD_ENDS] = N_("in force, ENDS WITHIN A YEAR:"),
		[STANDARD_ENDED] = N_("ENDED:"),
	};
	enum certainty mark;
	unsigned int end = standard_end(standard, &mark);
	char date[STANDARD_DATE_MAX];

	(void)printf("    %s", tr(words[standard_state_at(standard, view->today)]));
	print_marked(tr(" since"), standard->since, standard->since_mark);
	print_marked(tr(" until"), end, mark);
	if (standard->transition && end == standard->transition)
		say(", as this plant has run since %s",
		    standard_date_text(standard->operating_since, date));
	else
		print_marked(tr("; for plants from before"),
			     standard->transition ? standard->before : 0,
			     standard->transition_mark);
	if (end != standard->transition)
		print_marked(tr(" until"), standard->transition, standard->transition_mark);
	if (*standard->replaced_by)
		say("; then %s", standard->replaced_by);
	(void)putchar('\n');
}

static void print_standard(const struct view *view, const struct config_standard *standard)
{
	wrap_begin();
	(void)printf("  %s: %s\n", standard->title, standard->full_name);
	print_force(view, standard);
	for (unsigned int f = 0; f < N_FACTORS; f++) {
		const struct config_factor *factor = &standard->factors[f];

		if (factor->used && factor->given)
			say("    %s %.12g: given\n", factor_text(f), factor->value);
		else if (factor->used)
			(void)printf("    %s %.12g: %s [%c]\n", factor_text(f), factor->value,
				     factor->how, certainty_letter(factor->mark));
	}
	if (!isnan(standard->reference))
		say("    at %.12g %% oxygen\n", standard->reference);
	wrap_end();
	if (*standard->incomplete) {
		say("    incomplete: ");
		wrap_print(4, 16, standard->incomplete);
	}
	wrap_begin();
	if (*standard->confirmed)
		say("    figures confirmed: %s\n", standard->confirmed);
	wrap_end();
}

static const char *certainty_of(const struct config *config, const struct config_limit *limit)
{
	static const char *const texts[] = {"V", "C", "M"};

	if (!*limit->parameter)
		return N_("own");
	return *config->standards[limit->standard].confirmed ? N_("confirmed")
							     : texts[limit->certainty];
}

static void print_limit(const struct config *config, const struct config_limit *limit)
{
	const struct config_channel *channel = &config->channels[limit->channel];
	char bound[EVENT_VALUE_MAX];

	event_value_text(limit->bound, bound);
	(void)printf("  %-12s %-9s %s %s%s%s, %s [%s]\n", channel->name,
		     say_word(limit_class_text(limit->class)),
		     limit->high ? tr("at most") : tr("at least"), bound,
		     *channel->measure ? " " : "", channel->measure, tr(limit_on_words(limit->on)),
		     tr(certainty_of(config, limit)));
	(void)printf("               ");
	wrap_print(15, 15, *limit->origin ? limit->origin : tr("no origin is given"));
	if (*limit->beside) {
		(void)printf("               %s: ", tr("beside it counts"));
		wrap_print(15, 33, limit->beside);
	}
}

/** print_unlimited() - channels that nothing is held against: so that none is forgotten */
static void print_unlimited(const struct config *config, size_t source)
{
	bool any = false;

	for (size_t c = 0; c < config->n_channels; c++) {
		size_t first;

		if (config->channels[c].source != source || config_limits_of(config, c, &first) > 0)
			continue;
		(void)printf("%s%s", any ? ", " : tr("  no limit: "), config->channels[c].name);
		any = true;
	}
	if (any)
		(void)putchar('\n');
}

static void print_source(const struct view *view, size_t source)
{
	const struct config *config = view->config;

	(void)printf("%s/%s: %s\n", config->sites[config->sources[source].site].name,
		     config->sources[source].name, config->sources[source].title);
	for (size_t i = 0; i < config->n_standards; i++)
		if (config->standards[i].source == source)
			print_standard(view, &config->standards[i]);
	for (size_t i = 0; i < config->n_limits; i++)
		if (config->channels[config->limits[i].channel].source == source)
			print_limit(config, &config->limits[i]);
	print_unlimited(config, source);
}

/* for programs: a line per limit */

static void set(json_t *object, const char *key, const char *text)
{
	(void)json_object_set_new(object, key, json_string(text));
}

static void set_date(json_t *object, const char *key, unsigned int date)
{
	char text[STANDARD_DATE_MAX];

	(void)json_object_set_new(object, key,
				  date ? json_string(standard_date_text(date, text)) : json_null());
}

static json_t *factors_of(const struct config_standard *standard)
{
	json_t *object = json_object();

	for (unsigned int f = 0; f < N_FACTORS; f++) {
		const struct config_factor *factor = &standard->factors[f];
		char value[EVENT_VALUE_MAX];
		json_t *item;

		if (!factor->used)
			continue;
		item = json_object();
		event_value_text(factor->value, value);
		set(item, "value", value);
		set(item, "how", factor->given ? "given" : factor->how);
		(void)json_object_set_new(
			item, "certainty",
			factor->given ? json_null()
				      : json_stringn((char[]){certainty_letter(factor->mark)}, 1));
		(void)json_object_set_new(object, factor_text(f), item);
	}
	return object;
}

static json_t *standard_object(const struct view *view, const struct config_standard *standard)
{
	json_t *object = json_object();
	enum certainty mark;

	set(object, "name", standard->name);
	set(object, "title", standard->title);
	set(object, "full_name", standard->full_name);
	set(object, "document", standard->document);
	set(object, "state", standard_state_text(standard_state_at(standard, view->today)));
	set_date(object, "since", standard->since);
	set_date(object, "until", standard_end(standard, &mark));
	set_date(object, "transition_before", standard->before);
	set_date(object, "transition_until", standard->transition);
	set(object, "replaced_by", standard->replaced_by);
	set(object, "incomplete", standard->incomplete);
	set(object, "confirmed", standard->confirmed);
	(void)json_object_set_new(object, "factors", factors_of(standard));
	return object;
}

static int print_json(const struct view *view, const struct config_limit *limit)
{
	const struct config *config = view->config;
	const struct config_channel *channel = &config->channels[limit->channel];
	json_t *object = json_object();
	char bound[EVENT_VALUE_MAX];
	int r;

	event_value_text(limit->bound, bound);
	set(object, "limit", limit->path);
	set(object, "channel", channel->path);
	set(object, "class", limit_class_text(limit->class));
	set(object, "side", limit->high ? "high" : "low");
	set(object, "bound", bound);
	set(object, "unit", channel->measure);
	set(object, "on", limit_on_text(limit->on));
	set(object, "parameter", limit->parameter);
	set(object, "arithmetic", limit->arithmetic);
	set(object, "origin", limit->origin);
	set(object, "basis", limit_basis_text(limit->basis));
	set(object, "overrides", limit->overrides);
	set(object, "beside", limit->beside);
	set(object, "certainty", certainty_of(config, limit));
	(void)json_object_set_new(
		object, "standard",
		limit->standard == CONFIG_NO_STANDARD
			? json_null()
			: standard_object(view, &config->standards[limit->standard]));
	r = json_dumpf(object, stdout, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(object);
	(void)putchar('\n');
	return r;
}

/** is_wanted() - "SITE" or "SITE/SOURCE"; NULL all */
static bool is_wanted(const struct config *config, size_t source, const char *wanted)
{
	const char *site = config->sites[config->sources[source].site].name;
	size_t n = strlen(site);

	if (!wanted || strcmp(wanted, site) == 0)
		return true;
	return strncmp(wanted, site, n) == 0 && wanted[n] == '/' &&
	       strcmp(wanted + n + 1, config->sources[source].name) == 0;
}

static int print_all(const struct view *view, const char *wanted, bool json)
{
	const struct config *config = view->config;
	size_t n = 0;

	for (size_t s = 0; s < config->n_sources; s++) {
		if (!is_wanted(config, s, wanted))
			continue;
		if (!json && n++ > 0)
			(void)putchar('\n');
		if (!json)
			print_source(view, s);
		n += json;
		for (size_t i = 0; json && i < config->n_limits; i++)
			if (config->channels[config->limits[i].channel].source == s &&
			    print_json(view, &config->limits[i]) < 0)
				return command_fail("out of memory");
	}
	if (n > 0 && !json)
		say("\nCertainty: V %s; C %s; M %s; own: written in the configuration.\n",
		    certainty_words(CERTAINTY_LAW), certainty_words(CERTAINTY_SEEN),
		    certainty_words(CERTAINTY_HEARSAY));
	if (n == 0) {
		(void)command_fail("there is no source \"%s\"; allowed: SITE or SITE/SOURCE",
				   wanted);
		return EXIT_MISSING;
	}
	return EXIT_SUCCESS;
}

int command_limits(const struct command_options *options)
{
	CLEANUP(config_free) struct config *config = NULL;
	struct view view = {0};
	size_t n_errors = 0;

	if (options->date && standard_date_parse(options->date, &view.today) < 0) {
		(void)command_fail("--date: %s", standard_date_check(options->date));
		return EXIT_USAGE;
	}
	if (config_load(&config, options->config, stderr, &n_errors) < 0)
		return command_fail("the configuration in %s has errors: %zu", options->config,
				    n_errors);
	view.config = config;
	if (!options->date)
		view.today = command_today(config->zone_min);
	return print_all(&view, options->argument, options->json);
}
