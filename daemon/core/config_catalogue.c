/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/config_catalogue.h"
#include "core/config_library.h"
#include "core/config_names.h"

#ifndef WASTEWATCH_LIMITS
#define WASTEWATCH_LIMITS "/usr/share/wastewatch/limits"
#endif

static void free_parameter(struct catalogue_parameter *parameter)
{
	free(parameter->name);
	free(parameter->title);
	free(parameter->measure);
	for (size_t i = 0; i < parameter->symbols.n; i++)
		free(parameter->symbols.text[i]);
	free(parameter->values);
}

static void free_catalogue(struct catalogue *catalogue)
{
	for (size_t i = 0; i < catalogue->n_columns; i++) {
		free(catalogue->columns[i].name);
		free(catalogue->columns[i].title);
	}
	for (size_t i = 0; i < catalogue->n_cases; i++) {
		free(catalogue->cases[i].name);
		free(catalogue->cases[i].title);
	}
	for (size_t i = 0; i < catalogue->n_tables; i++) {
		free(catalogue->tables[i].measure);
		free(catalogue->tables[i].title);
	}
	for (size_t i = 0; i < catalogue->n_parameters; i++)
		free_parameter(&catalogue->parameters[i]);
	free(catalogue->columns);
	free(catalogue->cases);
	free(catalogue->tables);
	free(catalogue->parameters);
	free(catalogue->name);
	free(catalogue->title);
	free(catalogue->full_name);
	free(catalogue->document);
	free(catalogue->incomplete);
	free(catalogue->replaced_by);
	(void)config_node_free(catalogue->root);
}

void config_catalogues_free(struct config_reader *reader)
{
	for (size_t i = 0; i < reader->n_catalogues; i++)
		free_catalogue(&reader->catalogues[i]);
	free(reader->catalogues);
	reader->catalogues = NULL;
	reader->n_catalogues = 0;
}

/* reading one */

/** walk_catalogue() - check the last one. Return: 0; -ENOMEM. */
static int walk_catalogue(struct config_reader *reader)
{
	struct catalogue *catalogue = &reader->catalogues[reader->n_catalogues - 1];
	size_t n_errors = reader->report->n_errors;
	const char *file = reader->file;
	int r;

	reader->file = catalogue->file;
	r = config_walk(reader, &config_catalogue_group, catalogue->root);
	reader->file = file;
	catalogue->bad |= reader->report->n_errors > n_errors;
	return r;
}

/** read_catalogue() - one that was not asked for before. Return: 0, what is wrong is reported;
 *   -ENOMEM. */
static int read_catalogue(const struct config_mapping *mapping, const char *key, const char *name)
{
	static const struct config_library library = {"standard", "limits", "WASTEWATCH_LIMITS",
						      WASTEWATCH_LIMITS};
	struct config_reader *reader = mapping->reader;
	struct catalogue catalogue = {0};
	int r = config_library_read(mapping, &library, key, name, reader->n_catalogues == 0,
				    &catalogue.file, &catalogue.root);

	if (r < 0 || !catalogue.file)
		return r;
	catalogue.bad = !catalogue.root;
	catalogue.name = strdup(name);
	r = catalogue.name ? config_append(&reader->catalogues, &reader->n_catalogues, &catalogue,
					   sizeof(catalogue))
			   : -ENOMEM;
	free_catalogue(&catalogue); /* empty once it has moved */
	if (r == 0 && !reader->catalogues[reader->n_catalogues - 1].bad)
		r = walk_catalogue(reader);
	return r;
}

static size_t find_catalogue(const struct config_reader *reader, const char *name)
{
	size_t i = 0;

	while (i < reader->n_catalogues && strcmp(reader->catalogues[i].name, name) != 0)
		i++;
	return i;
}

int config_catalogue_open(const struct config_mapping *mapping, const char *key, const char *name,
			  size_t *ret)
{
	const struct config_reader *reader = mapping->reader;
	size_t i = find_catalogue(reader, name);

	if (i == reader->n_catalogues) {
		int r = read_catalogue(mapping, key, name);

		if (r < 0)
			return r;
		i = find_catalogue(reader, name);
	}
	*ret = i < reader->n_catalogues && !reader->catalogues[i].bad ? i : CATALOGUE_NONE;
	return 0;
}

bool catalogue_is_called(const struct catalogue_parameter *parameter, const char *name)
{
	/* letters as they are: Co is not CO */
	if (strcmp(parameter->name, name) == 0)
		return true;
	for (size_t i = 0; i < parameter->symbols.n; i++)
		if (strcmp(parameter->symbols.text[i], name) == 0)
			return true;
	return false;
}

const struct catalogue_value *catalogue_value_in(const struct catalogue_parameter *parameter,
						 size_t column)
{
	for (size_t i = 0; i < parameter->n_values; i++)
		if (parameter->values[i].column == column)
			return &parameter->values[i];
	return NULL;
}

/* its mappings */

static struct catalogue *current(const struct config_mapping *mapping)
{
	struct config_reader *reader = mapping->reader;

	return &reader->catalogues[reader->n_catalogues - 1];
}

/** note_mark() - of a figure, so that its source is asked for */
static void note_mark(const struct config_mapping *mapping, const char *key, enum certainty mark)
{
	if (config_given(mapping, key))
		current(mapping)->marked |= 1U << mark;
}

/** check_marked() - what has a value has a mark too, and the reverse */
static void check_marked(const struct config_mapping *mapping, const char *key, const char *mark,
			 enum certainty certainty)
{
	if (config_given(mapping, key) && config_state(mapping, mark) == OPTION_ABSENT)
		config_lacking(mapping, mark);
	if (config_given(mapping, mark) && config_state(mapping, key) == OPTION_ABSENT)
		config_error(mapping, mark, "there is no \"%s\" that it is about; allowed: both",
			     key);
	note_mark(mapping, mark, certainty);
}

/** take_dates() - texts that their keys' check has found good */
static void take_dates(const struct config_mapping *mapping, const char *const *keys,
		       char *const *texts, unsigned int *const *dates, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (config_given(mapping, keys[i]))
			(void)standard_date_parse(texts[i], dates[i]);
}

/** check_order() - @earlier must not be behind @later */
static void check_order(const struct config_mapping *mapping, const char *key, unsigned int earlier,
			unsigned int later)
{
	char text[STANDARD_DATE_MAX];

	if (earlier && later && later < earlier)
		config_error(mapping, key, "it is over before it begins; allowed: %s or later",
			     standard_date_text(earlier, text));
}

/** take_formula() - names of coefficients as a set */
static void take_formula(const struct config_mapping *mapping, const struct config_words *words,
			 unsigned int *ret)
{
	for (size_t i = 0; i < words->n; i++) {
		unsigned int f = 0;

		if (!words->text[i])
			continue;
		while (f < N_FACTORS && strcmp(factor_text(f), words->text[i]) != 0)
			f++;
		if (f == N_FACTORS || *ret & 1U << f)
			config_error_item(mapping, "formula", i,
					  "there is no such coefficient, or it stands there "
					  "twice; allowed: Kq, Kf, Kp, Kv, each once");
		else
			*ret |= 1U << f;
	}
}

int config_finish_catalogue(struct config_mapping *mapping, void *data)
{
	static const char *const keys[] = {"since", "until", "transition-before",
					   "transition-until"};
	struct catalogue_draft *draft = data;
	struct catalogue *from = &draft->catalogue, *to = current(mapping);
	unsigned int *const dates[] = {&to->since, &to->until, &to->before, &to->transition};

	if (config_usable(mapping, "standard") && strcmp(draft->standard, to->name) != 0)
		config_error(mapping, "standard",
			     "the standard's name is not the file's; allowed: %s", to->name);
	take_dates(mapping, keys, draft->dates, dates, ARRAY_SIZE(keys));
	take_formula(mapping, &draft->formula, &to->formula);
	to->since_mark = from->since_mark;
	to->until_mark = from->until_mark;
	to->transition_mark = from->transition_mark;
	to->formula_mark = from->formula_mark;
	check_marked(mapping, "since", "since-mark", to->since_mark);
	check_marked(mapping, "until", "until-mark", to->until_mark);
	check_marked(mapping, "transition-until", "transition-mark", to->transition_mark);
	check_marked(mapping, "formula", "formula-mark", to->formula_mark);
	check_order(mapping, "until", to->since, to->until);
	check_order(mapping, "transition-until", to->until, to->transition);
	if (config_given(mapping, "transition-until") != config_given(mapping, "transition-before"))
		config_error(mapping, "transition-until",
			     "a transition has a day before which a plant must have been there, "
			     "and a last day; allowed: both or none");
	to->kind = from->kind;
	to->title = steal(&from->title);
	to->full_name = steal(&from->full_name);
	to->document = steal(&from->document);
	to->incomplete = steal(&from->incomplete);
	to->replaced_by = steal(&from->replaced_by);
	return 0;
}

int config_done_catalogue(struct config_mapping *mapping)
{
	const struct catalogue *catalogue = current(mapping);

	for (unsigned int i = 0; i < N_CERTAINTIES; i++)
		if (catalogue->marked & ~catalogue->sourced & 1U << i)
			config_error(mapping, "marks",
				     "figures have the mark %c, but it does not say where those "
				     "are from; allowed: {mark: %c, source: …} here, or a "
				     "\"source\" at each of them",
				     certainty_letter(i), certainty_letter(i));
	return 0;
}

int config_finish_source_mark(struct config_mapping *mapping, void *data)
{
	const struct source_mark_draft *draft = data;

	/* one that is bad was reported, and may be any */
	current(mapping)->sourced |= config_usable(mapping, "mark") ? 1U << draft->mark : ~0U;
	return 0;
}

int config_finish_column(struct config_mapping *mapping, void *data)
{
	static const char *const keys[] = {"since", "until"};
	struct catalogue *catalogue = current(mapping);
	struct column_draft *draft = data;
	struct catalogue_column *column = &draft->column;
	unsigned int *const dates[] = {&column->since, &column->until};

	take_dates(mapping, keys, draft->dates, dates, ARRAY_SIZE(keys));
	check_order(mapping, "until", column->since, column->until);
	note_mark(mapping, "mark", column->mark);
	for (size_t i = 0; column->name && i < catalogue->n_columns; i++)
		if (catalogue->columns[i].name &&
		    strcmp(catalogue->columns[i].name, column->name) == 0)
			config_error(mapping, "column",
				     "a second column has this name; allowed: one of its own");
	return config_append(&catalogue->columns, &catalogue->n_columns, column, sizeof(*column));
}

int config_finish_case(struct config_mapping *mapping, void *data)
{
	struct catalogue *catalogue = current(mapping);
	struct catalogue_case *which = &((struct case_draft *)data)->which;

	if (config_state(mapping, "reference-oxygen") == OPTION_ABSENT)
		which->reference = (double)NAN;
	else if (config_given(mapping, "reference-oxygen") &&
		 !(which->reference >= 0 && which->reference < 20.9))
		config_error(mapping, "reference-oxygen",
			     "there is no such oxygen in a waste gas; allowed: 0 to below 20.9, "
			     "per cent by volume");
	note_mark(mapping, "mark", which->mark);
	return config_append(&catalogue->cases, &catalogue->n_cases, which, sizeof(*which));
}

int config_finish_table(struct config_mapping *mapping, void *data)
{
	struct catalogue *catalogue = current(mapping);
	struct catalogue_table *table = &((struct table_draft *)data)->table;

	if (config_usable(mapping, "coefficient") && !(catalogue->formula & 1U << table->factor))
		config_error(mapping, "coefficient",
			     "the formula does not have it; allowed: those of \"formula\"");
	return config_append(&catalogue->tables, &catalogue->n_tables, table, sizeof(*table));
}

int config_finish_step(struct config_mapping *mapping, void *data)
{
	struct catalogue *catalogue = current(mapping);
	struct catalogue_table *table = &catalogue->tables[catalogue->n_tables - 1];
	struct standard_step *step = &((struct step_draft *)data)->step;

	if (config_state(mapping, "up-to") == OPTION_ABSENT)
		step->up_to = HUGE_VAL;
	note_mark(mapping, "mark", step->mark);
	if (config_usable(mapping, "value") && !(step->value > 0 && step->value <= FACTOR_LARGEST))
		config_error(mapping, "value",
			     "that is no coefficient; allowed: more than 0, up to %g",
			     FACTOR_LARGEST);
	if (table->n_steps > 0 && !(table->steps[table->n_steps - 1].up_to < step->up_to))
		config_error(mapping, "up-to",
			     "the row before reaches as far; allowed: rows from small to large");
	if (table->n_steps == CATALOGUE_STEPS_MAX)
		config_error(mapping, "value", "one row too many; allowed: %d",
			     CATALOGUE_STEPS_MAX);
	else
		table->steps[table->n_steps++] = *step;
	return 0;
}

/** find_case() - CATALOGUE_NONE: there is none, which is reported */
static size_t find_case(const struct config_mapping *mapping, const char *name)
{
	const struct catalogue *catalogue = current(mapping);

	for (size_t i = 0; i < catalogue->n_cases; i++)
		if (catalogue->cases[i].name && strcmp(catalogue->cases[i].name, name) == 0)
			return i;
	config_error(mapping, "for", "there is no such case; allowed: names of \"cases\"");
	return CATALOGUE_NONE;
}

int config_finish_catalogue_parameter(struct config_mapping *mapping, void *data)
{
	struct catalogue *catalogue = current(mapping);
	struct catalogue_parameter_draft *draft = data;
	struct catalogue_parameter *parameter = &draft->parameter;

	parameter->which = config_given(mapping, "for") ? find_case(mapping, draft->which)
							: CATALOGUE_NONE;
	parameter->windowed = config_given(mapping, "window");
	check_marked(mapping, "window", "window-mark", parameter->window_mark);
	parameter->multiplied = parameter->multiplied && catalogue->formula;
	if (config_given(mapping, "molar-mass") && !(parameter->molar_mass > 0))
		config_error(mapping, "molar-mass", "no gas is that light; allowed: more than 0");
	for (size_t i = 0; parameter->name && i < catalogue->n_parameters; i++)
		if (catalogue->parameters[i].name &&
		    catalogue->parameters[i].which == parameter->which &&
		    strcmp(catalogue->parameters[i].name, parameter->name) == 0)
			config_error(mapping, "parameter",
				     "a second parameter has this name; allowed: one of its own");
	if (config_default_text(&parameter->title, parameter->name) < 0)
		return -ENOMEM;
	return config_append(&catalogue->parameters, &catalogue->n_parameters, parameter,
			     sizeof(*parameter));
}

/** find_column() - Return: n_columns: there is none, which is reported */
static size_t find_column(const struct config_mapping *mapping, const char *name)
{
	const struct catalogue *catalogue = current(mapping);

	if (!*name && catalogue->n_columns == 1)
		return 0;
	for (size_t i = 0; i < catalogue->n_columns; i++)
		if (catalogue->columns[i].name && strcmp(catalogue->columns[i].name, name) == 0)
			return i;
	config_error(mapping, "column", "there is no such column; allowed: names of \"columns\"");
	return catalogue->n_columns;
}

int config_finish_value(struct config_mapping *mapping, void *data)
{
	struct catalogue *catalogue = current(mapping);
	struct catalogue_parameter *parameter = &catalogue->parameters[catalogue->n_parameters - 1];
	struct value_draft *draft = data;
	struct catalogue_value *value = &draft->value;

	if (config_state(mapping, "high") == OPTION_ABSENT)
		value->high = (double)NAN;
	if (config_state(mapping, "low") == OPTION_ABSENT)
		value->low = (double)NAN;
	if (isnan(value->high) && isnan(value->low))
		config_lacking(mapping, "high");
	if (value->low >= value->high)
		config_error(mapping, "low",
			     "nothing lies between low and high; allowed: a low below high");
	if (config_state(mapping, "source") == OPTION_ABSENT)
		note_mark(mapping, "mark", value->mark);
	if (config_state(mapping, "column") == OPTION_BAD)
		return 0;
	value->column = find_column(mapping, draft->column);
	if (catalogue_value_in(parameter, value->column))
		config_error(mapping, "column",
			     "this parameter has a value of that column; allowed: one per column");
	return config_append(&parameter->values, &parameter->n_values, value, sizeof(*value));
}
