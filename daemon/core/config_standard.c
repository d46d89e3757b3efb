/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/config_names.h"
#include "core/config_standard.h"

void config_standards_free(struct config_reader *reader)
{
	for (size_t i = 0; i < reader->n_applied; i++)
		free(reader->applied[i].advice);
	free(reader->applied);
	reader->applied = NULL;
	reader->n_applied = 0;
}

/** find_column() - Return: is there one? Else reported. */
static bool find_column(const struct config_mapping *mapping, const struct standard_draft *draft,
			const struct catalogue *catalogue, size_t *ret)
{
	bool zone = config_state(mapping, "zone") != OPTION_ABSENT;
	const char *key = zone ? "zone" : "column", *wanted = zone ? draft->zone : draft->column;
	struct config_listing listing = {.wanted = wanted, .least = CONFIG_SUGGESTION};

	if (zone && config_state(mapping, "column") != OPTION_ABSENT)
		config_error(mapping, "zone",
			     "column and zone are two words for one thing; allowed: one of them");
	if (config_state(mapping, key) == OPTION_BAD)
		return false;
	*ret = 0;
	if (!*wanted && catalogue->n_columns == 1)
		return true;
	for (size_t i = 0; i < catalogue->n_columns; i++) {
		*ret = i;
		if (strcmp(catalogue->columns[i].name, wanted) == 0)
			return true;
		config_names_list(&listing, catalogue->columns[i].name);
	}
	if (*wanted)
		config_names_dangling(mapping, key, 0, "column or zone", &listing);
	else
		config_error(mapping, key,
			     "it must say which column or zone of %s; allowed: column: %s",
			     catalogue->title, listing.text);
	return false;
}

/** find_case() - Return: is it known whether there is one? Else reported. */
static bool find_case(const struct config_mapping *mapping, const struct standard_draft *draft,
		      const struct catalogue *catalogue, size_t *ret)
{
	struct config_listing listing = {.wanted = draft->which, .least = CONFIG_SUGGESTION};
	bool common = catalogue->n_parameters == 0;

	*ret = CATALOGUE_NONE;
	if (config_state(mapping, "for") == OPTION_BAD)
		return false;
	for (size_t i = 0; i < catalogue->n_parameters; i++)
		common |= catalogue->parameters[i].which == CATALOGUE_NONE;
	for (size_t i = 0; i < catalogue->n_cases; i++) {
		if (strcmp(catalogue->cases[i].name, draft->which) == 0)
			*ret = i;
		config_names_list(&listing, catalogue->cases[i].name);
	}
	if (*ret != CATALOGUE_NONE || (!*draft->which && common))
		return true;
	if (*draft->which && catalogue->n_cases == 0)
		config_error(mapping, "for",
			     "%s has no figures for certain plants; allowed: leave it out",
			     catalogue->title);
	else if (*draft->which)
		config_names_dangling(mapping, "for", 0, "such case", &listing);
	else
		config_error(mapping, "for",
			     "all figures of %s are for certain plants; allowed: for: %s",
			     catalogue->title, listing.text);
	return false;
}

/** copy_texts() - Return: 0; -ENOMEM. */
static int copy_texts(struct config_standard *standard, const struct catalogue *catalogue,
		      const struct config_applied *applied)
{
	const char *which = applied->which == CATALOGUE_NONE
				    ? ""
				    : catalogue->cases[applied->which].title;
	const char *column = catalogue->columns[applied->column].title;

	if (asprintf(&standard->title, "%s %s%s%s", catalogue->title, column, *which ? ", " : "",
		     which) < 0) {
		standard->title = NULL;
		return -ENOMEM;
	}
	standard->full_name = strdup(catalogue->full_name);
	standard->document = strdup(catalogue->document);
	standard->replaced_by = strdup(catalogue->replaced_by);
	standard->incomplete = strdup(catalogue->incomplete);
	return standard->full_name && standard->document && standard->replaced_by &&
			       standard->incomplete
		       ? 0
		       : -ENOMEM;
}

static void copy_dates(struct config_standard *standard, const struct catalogue *catalogue,
		       const struct catalogue_column *column)
{
	standard->since = column->since ? column->since : catalogue->since;
	standard->since_mark = column->since ? column->mark : catalogue->since_mark;
	standard->until = column->until ? column->until : catalogue->until;
	standard->until_mark = column->until ? column->mark : catalogue->until_mark;
	standard->before = column->until ? 0 : catalogue->before;
	standard->transition = column->until ? 0 : catalogue->transition;
	standard->transition_mark = catalogue->transition_mark;
}

/** has_figures() - of this column and case */
static bool has_figures(const struct catalogue *catalogue, const struct config_applied *applied)
{
	for (size_t i = 0; i < catalogue->n_parameters; i++)
		if ((catalogue->parameters[i].which == CATALOGUE_NONE ||
		     catalogue->parameters[i].which == applied->which) &&
		    catalogue_value_in(&catalogue->parameters[i], applied->column))
			return true;
	return false;
}

/** apply() - what the catalogue says here. Return: 0; 1 it cannot be told, reported; -ENOMEM. */
static int apply(const struct config_mapping *mapping, struct standard_draft *draft,
		 const struct catalogue *catalogue, struct config_applied *applied)
{
	const struct config_source *source = &mapping->reader->config
						      ->sources[mapping->reader->source];
	struct config_standard *standard = &draft->standard;
	bool known = find_column(mapping, draft, catalogue, &applied->column);
	int r;

	known &= find_case(mapping, draft, catalogue, &applied->which);
	if (catalogue->kind != source->kind)
		config_error(mapping, "standard",
			     "%s is about what is %s, this source is %s; allowed: a standard of "
			     "its kind",
			     catalogue->title, waste_kind_text(catalogue->kind),
			     waste_kind_text(source->kind));
	r = config_factors_resolve(mapping, draft, catalogue);
	if (r < 0)
		return r;
	if (!known)
		return 1;
	copy_dates(standard, catalogue, &catalogue->columns[applied->column]);
	standard->formula_mark = catalogue->formula_mark;
	standard->empty = !has_figures(catalogue, applied);
	if (applied->which != CATALOGUE_NONE)
		standard->reference = catalogue->cases[applied->which].reference;
	return copy_texts(standard, catalogue, applied);
}

/** free_rest() - what is not a text of the draft, and has not moved */
static void free_rest(struct config_standard *standard)
{
	free(standard->title);
	free(standard->full_name);
	free(standard->document);
	free(standard->replaced_by);
	free(standard->incomplete);
	for (unsigned int f = 0; f < N_FACTORS; f++)
		free(standard->factors[f].how);
}

int config_finish_standard(struct config_mapping *mapping, void *data)
{
	struct config_reader *reader = mapping->reader;
	struct config *config = reader->config;
	struct standard_draft *draft = data;
	struct config_standard *standard = &draft->standard;
	struct config_applied applied = {.catalogue = CATALOGUE_NONE, .which = CATALOGUE_NONE};
	int r = 0;

	standard->source = reader->source;
	standard->reference = (double)NAN;
	standard->line = mapping->node->line;
	standard->column = mapping->node->column;
	if (config_given(mapping, "operating-since"))
		(void)standard_date_parse(draft->operating_since, &standard->operating_since);
	if (config_usable(mapping, "standard"))
		r = config_catalogue_open(mapping, "standard", standard->name, &applied.catalogue);
	if (r == 0 && applied.catalogue != CATALOGUE_NONE)
		r = apply(mapping, draft, &reader->catalogues[applied.catalogue], &applied);
	applied.bad = applied.catalogue == CATALOGUE_NONE ||
		      reader->report->n_errors > mapping->n_errors;
	applied.all = draft->all;
	applied.on = draft->on;
	applied.on_given = config_given(mapping, "on");
	applied.bad |= !draft->advice; /* reported */
	applied.advice = steal(&draft->advice);
	if (r >= 0)
		r = config_append(&reader->applied, &reader->n_applied, &applied, sizeof(applied));
	if (r == 0)
		r = config_append(&config->standards, &config->n_standards, standard,
				  sizeof(*standard));
	free_rest(standard); /* NULL once they have moved */
	free(applied.advice);
	return r;
}
