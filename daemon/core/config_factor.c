/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "core/config_standard.h"
#include "core/config_value.h"
#include "core/units.h"

#define HOW_MAX 200

/** find_table() - how a factor follows from something that is given */
static const struct catalogue_table *find_table(const struct config_mapping *mapping,
						const struct catalogue *catalogue,
						enum factor factor)
{
	for (size_t i = 0; i < catalogue->n_tables; i++)
		if (catalogue->tables[i].factor == factor &&
		    config_state(mapping, factor_by_key(catalogue->tables[i].by)) != OPTION_ABSENT)
			return &catalogue->tables[i];
	return NULL;
}

/** quantity_of() - what a table goes by, in its unit. Return: is it known? Else reported. */
static bool quantity_of(const struct config_mapping *mapping, const struct standard_draft *draft,
			const struct catalogue_table *table, double *ret)
{
	const char *key = factor_by_key(table->by), *text = draft->by[table->by], *unit = "";
	double value = 0;

	if (!config_given(mapping, key))
		return false; /* bad, which was reported */
	if (table->by == BY_ZONE_TYPE) {
		*ret = draft->zone_type;
		return true;
	}
	if (standard_quantity_parse(text, &value, &unit) < 0) /* checked */
		return false;
	if (unit_convert(unit, table->measure, value, ret) == 0) {
		*ret = standard_exact(*ret);
		return true;
	}
	config_error(mapping, key,
		     "\"%s\" cannot be converted into %s, in which the standard's table of %s is; "
		     "allowed: a number in %s, or in another unit of the same kind",
		     text, table->measure, factor_text(table->factor), table->measure);
	return false;
}

/** describe() - "river flow 35 m3/s, up to 50 m3/s" */
static void describe(const struct standard_draft *draft, const struct catalogue_table *table,
		     size_t step, double x, char text[static HOW_MAX])
{
	const struct standard_step *steps = table->steps;
	const char *unit = table->measure, *blank = *unit ? " " : "";
	char converted[HOW_MAX];

	text[0] = '\0';
	if (table->by == BY_ZONE_TYPE) {
		config_append_text(text, HOW_MAX, "%s %u", factor_by_words(table->by),
				   draft->zone_type);
		return;
	}
	(void)snprintf(converted, sizeof(converted), "%.12g%s%s", x, blank, unit);
	config_append_text(text, HOW_MAX, "%s %s", factor_by_words(table->by),
			   draft->by[table->by]);
	if (strcmp(converted, draft->by[table->by]) != 0)
		config_append_text(text, HOW_MAX, " = %s", converted);
	if (isfinite(steps[step].up_to))
		config_append_text(text, HOW_MAX, ", up to %.12g%s%s", steps[step].up_to, blank,
				   unit);
	else if (step > 0)
		config_append_text(text, HOW_MAX, ", above %.12g%s%s", steps[step - 1].up_to, blank,
				   unit);
}

static int derive(const struct config_mapping *mapping, struct standard_draft *draft,
		  const struct catalogue_table *table)
{
	struct config_factor *factor = &draft->standard.factors[table->factor];
	char how[HOW_MAX];
	size_t step;
	double x;

	if (!quantity_of(mapping, draft, table, &x))
		return 0;
	step = standard_step_find(table->steps, table->n_steps, x);
	if (step == table->n_steps) {
		config_error(mapping, factor_by_key(table->by),
			     "%.12g is beyond the standard's table of %s; allowed: up to %.12g", x,
			     factor_text(table->factor), table->steps[step - 1].up_to);
		return 0;
	}
	factor->value = table->steps[step].value;
	factor->mark = table->steps[step].mark;
	describe(draft, table, step, x, how);
	factor->how = strdup(how);
	return factor->how ? 0 : -ENOMEM;
}

/** check_given() - a coefficient that is in none of the standard's tables is most likely wrong */
static void check_given(const struct config_mapping *mapping, const struct catalogue *catalogue,
			enum factor f, double value)
{
	const char *key = factor_key(f);
	bool tabled = false, found = false;

	if (!config_given(mapping, key))
		return;
	if (!(value > 0 && value <= FACTOR_LARGEST)) {
		config_error(mapping, key, "that is no coefficient; allowed: more than 0, up to %g",
			     FACTOR_LARGEST);
		return;
	}
	for (size_t i = 0; i < catalogue->n_tables; i++) {
		const struct catalogue_table *table = &catalogue->tables[i];

		if (table->factor != f)
			continue;
		tabled = true;
		for (size_t j = 0; j < table->n_steps; j++)
			found |= fabs(table->steps[j].value - value) < 1e-9;
	}
	if (tabled && !found)
		config_warning(mapping, key, "the standard's tables have no %s of %g; check it",
			       factor_text(f), value);
}

/** report_missing() - a coefficient that nothing is said about */
static void report_missing(const struct config_mapping *mapping, const struct catalogue *catalogue,
			   enum factor f)
{
	char allowed[200] = "";

	if (mapping->unknown) /* it may be meant by that key */
		return;
	for (size_t i = 0; i < catalogue->n_tables; i++)
		if (catalogue->tables[i].factor == f)
			config_append_text(allowed, sizeof(allowed), ", or %s%s%s%s",
					   factor_by_key(catalogue->tables[i].by),
					   *catalogue->tables[i].measure ? " (in " : "",
					   catalogue->tables[i].measure,
					   *catalogue->tables[i].measure ? ")" : "");
	config_error(mapping, "standard", "the limits of %s need %s; allowed: %s: NUMBER%s",
		     catalogue->title, factor_text(f), factor_key(f), allowed);
}

static int resolve(const struct config_mapping *mapping, struct standard_draft *draft,
		   const struct catalogue *catalogue, enum factor f)
{
	struct config_factor *factor = &draft->standard.factors[f];
	const struct catalogue_table *table = find_table(mapping, catalogue, f);
	bool given = config_state(mapping, factor_key(f)) != OPTION_ABSENT;

	factor->used = true;
	if (given && table)
		config_error(mapping, factor_key(f),
			     "%s is given, and would follow from \"%s\" too; allowed: one of them",
			     factor_text(f), factor_by_key(table->by));
	if (given) {
		factor->given = true;
		factor->value = draft->factors[f];
		check_given(mapping, catalogue, f, factor->value);
	} else if (table) {
		return derive(mapping, draft, table);
	} else {
		report_missing(mapping, catalogue, f);
	}
	return 0;
}

/** check_use() - what is said of flow and water must count for something, and once */
static void check_use(const struct config_mapping *mapping, const struct catalogue *catalogue)
{
	bool derived[N_FACTORS] = {false};

	for (unsigned int by = 0; by < N_BYS; by++) {
		const char *key = factor_by_key(by);
		bool useful = false;

		if (config_state(mapping, key) == OPTION_ABSENT)
			continue;
		for (size_t i = 0; i < catalogue->n_tables; i++) {
			if (catalogue->tables[i].by != by)
				continue;
			useful = true;
			if (derived[catalogue->tables[i].factor])
				config_error(mapping, key,
					     "%s follows from another key already; allowed: one "
					     "of them",
					     factor_text(catalogue->tables[i].factor));
			derived[catalogue->tables[i].factor] = true;
		}
		if (!useful)
			config_error(mapping, key,
				     "no coefficient of %s follows from it; allowed: leave it out",
				     catalogue->title);
	}
}

int config_factors_resolve(const struct config_mapping *mapping, struct standard_draft *draft,
			   const struct catalogue *catalogue)
{
	int r = 0;

	check_use(mapping, catalogue);
	for (unsigned int f = 0; f < N_FACTORS && r == 0; f++) {
		if (catalogue->formula & 1U << f)
			r = resolve(mapping, draft, catalogue, f);
		else if (config_state(mapping, factor_key(f)) != OPTION_ABSENT)
			config_error(mapping, factor_key(f),
				     "the limits of %s do not have %s; allowed: leave it out",
				     catalogue->title, factor_text(f));
	}
	return r;
}
