/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <string.h>

#include "core/catalogue.h"
#include "core/config_value.h"
#include "core/standard_check.h"

#define NAMES_MAX 600

const char *standard_state_text(enum standard_state state)
{
	static const char *const texts[] = {
		[STANDARD_NOT_YET] = "not-yet",
		[STANDARD_IN_FORCE] = "in-force",
		[STANDARD_ENDS] = "ends",
		[STANDARD_ENDED] = "ended",
	};

	return texts[state];
}

unsigned int standard_end(const struct config_standard *standard, enum certainty *ret_mark)
{
	bool kept = standard->transition && standard->operating_since &&
		    standard->operating_since < standard->before;

	*ret_mark = kept ? standard->transition_mark : standard->until_mark;
	return kept ? standard->transition : standard->until;
}

enum standard_state standard_state_at(const struct config_standard *standard, unsigned int day)
{
	enum certainty mark;
	unsigned int end = standard_end(standard, &mark);

	if (standard->since > day)
		return STANDARD_NOT_YET;
	if (!end)
		return STANDARD_IN_FORCE;
	if (end < day)
		return STANDARD_ENDED;
	return standard_ends_soon(end, day) ? STANDARD_ENDS : STANDARD_IN_FORCE;
}

/** struct warnings - where they go, and in which language */
struct warnings {
	FILE *out;
	enum catalogue_language language;
};

__attribute__((format_arg(2))) static const char *word(const struct warnings *to,
						       const char *english)
{
	return catalogue_text(to->language, english);
}

__attribute__((format(printf, 4, 5))) static void warn(const struct config *config, size_t i,
						       const struct warnings *to,
						       const char *format, ...)
{
	const struct config_standard *standard = &config->standards[i];
	const struct config_source *source = &config->sources[standard->source];
	const struct config_site *site = &config->sites[source->site];
	va_list arguments;

	(void)fprintf(to->out, "%s:%u:%u: %s %s%s%s/%s: ", site->file, standard->line,
		      standard->column, word(to, N_("warning:")), standard->title,
		      word(to, N_(" at ")), site->name, source->name);
	va_start(arguments, format);
	(void)vfprintf(to->out, word(to, format), arguments);
	va_end(arguments);
	(void)fputc('\n', to->out);
}

/* is it in force? */

static void check_force(const struct config *config, size_t i, unsigned int today,
			const struct warnings *to)
{
	const struct config_standard *standard = &config->standards[i];
	enum standard_state state = standard_state_at(standard, today);
	char date[STANDARD_DATE_MAX], before[STANDARD_DATE_MAX], transition[STANDARD_DATE_MAX];
	bool next = *standard->replaced_by;
	enum certainty mark;
	unsigned int end = standard_end(standard, &mark);

	if (state == STANDARD_NOT_YET)
		warn(config, i, to, "it is in force from %s [%c] only",
		     standard_date_text(standard->since, date),
		     certainty_letter(standard->since_mark));
	if (state != STANDARD_ENDS && state != STANDARD_ENDED)
		return;
	(void)standard_date_text(end, date);
	if (standard->transition && !standard->operating_since)
		warn(config, i, to,
		     "it %s %s [%c]; plants from before %s may keep it until %s [%c]: if this is "
		     "one, say so with operating-since%s%s",
		     word(to, state == STANDARD_ENDS ? N_("ends on") : N_("has ended on")), date,
		     certainty_letter(mark), standard_date_text(standard->before, before),
		     standard_date_text(standard->transition, transition),
		     certainty_letter(standard->transition_mark),
		     next ? word(to, N_("; else: ")) : "", standard->replaced_by);
	else
		warn(config, i, to, "it %s %s [%c]%s%s",
		     word(to, state == STANDARD_ENDS ? N_("ends on") : N_("has ended on")), date,
		     certainty_letter(mark), next ? word(to, N_("; then: ")) : "",
		     standard->replaced_by);
}

/* which figures were not read in the law? */

static void add_name(char names[static NAMES_MAX], const char *name)
{
	const char *found = strstr(names, name);
	size_t n = strlen(name);

	/* a word of the list, not a part of one */
	for (; found; found = strstr(found + 1, name))
		if ((found == names || found[-1] == ' ') && (found[n] == ',' || !found[n]))
			return;
	config_append_text(names, NAMES_MAX, "%s%s", *names ? ", " : "", name);
}

/** name_figures() - those of a standard that limits follow from, with one mark */
static void name_figures(const struct config *config, size_t i, enum certainty certainty,
			 const struct warnings *to, char names[static NAMES_MAX])
{
	const struct config_standard *standard = &config->standards[i];
	bool multiplied = false, window = false;

	names[0] = '\0';
	for (size_t l = 0; l < config->n_limits; l++) {
		const struct config_limit *limit = &config->limits[l];

		if (limit->standard != i || !*limit->parameter)
			continue;
		multiplied |= limit->multiplied;
		window |= limit->from_window && limit->window_mark == certainty;
		if (limit->value_mark == certainty)
			add_name(names, limit->parameter);
	}
	for (unsigned int f = 0; multiplied && f < N_FACTORS; f++)
		if (standard->factors[f].used && standard->factors[f].mark == certainty)
			add_name(names, factor_text(f));
	if (multiplied && standard->formula_mark == certainty)
		add_name(names, word(to, N_("the formula")));
	if (window)
		add_name(names, word(to, N_("the window")));
}

static void check_figures(const struct config *config, size_t i, const struct warnings *to)
{
	char names[N_CERTAINTIES][NAMES_MAX];
	bool seen, hearsay;

	if (*config->standards[i].confirmed)
		return;
	name_figures(config, i, CERTAINTY_SEEN, to, names[CERTAINTY_SEEN]);
	name_figures(config, i, CERTAINTY_HEARSAY, to, names[CERTAINTY_HEARSAY]);
	seen = *names[CERTAINTY_SEEN];
	hearsay = *names[CERTAINTY_HEARSAY];
	if (seen || hearsay)
		warn(config, i, to,
		     "figures that were not verified:%s%s%s%s%s; look at the permit and the law, "
		     "then say by what they are confirmed with \"confirmed\"",
		     hearsay ? word(to, N_(" not checked against any text [M]: ")) : "",
		     names[CERTAINTY_HEARSAY], seen && hearsay ? ";" : "",
		     seen ? word(to, N_(" seen in public sources only [C]: ")) : "",
		     names[CERTAINTY_SEEN]);
}

static void check_empty(const struct config *config, size_t i, const struct warnings *to)
{
	const struct config_standard *standard = &config->standards[i];

	if (!standard->empty)
		return;
	for (size_t l = 0; l < config->n_limits; l++)
		if (config->channels[config->limits[l].channel].source == standard->source &&
		    config->limits[l].class != CLASS_WARNING && !*config->limits[l].parameter)
			return;
	warn(config, i, to,
	     "the catalogue has no figures, so nothing is limited; write the permit's own with "
	     "high and low");
}

/** check_own() - a permit may be stricter than the law */
static void check_own(const struct config *config, const struct warnings *to)
{
	for (size_t i = 0; i < config->n_limits; i++) {
		const struct config_limit *limit = &config->limits[i];
		const struct config_source
			*source = &config->sources[config->channels[limit->channel].source];

		if (*limit->doubt)
			(void)fprintf(to->out, "%s:%u:%u: %s %s: %s\n",
				      config->sites[source->site].file, limit->line, limit->column,
				      word(to, N_("warning:")), limit->path, limit->doubt);
	}
}

void standard_check(const struct config *config, unsigned int today,
		    enum catalogue_language language, FILE *out)
{
	const struct warnings to = {out, language};

	for (size_t i = 0; i < config->n_standards; i++) {
		check_force(config, i, today, &to);
		check_figures(config, i, &to);
		check_empty(config, i, &to);
	}
	check_own(config, &to);
}
