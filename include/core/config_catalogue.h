/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_catalogue.h - legal standards, one file each: limits/NAME.yaml
 *
 * Looked for as config_library.h says, in "limits" beside wastewatch.yaml, and in
 * WASTEWATCH_LIMITS. Every figure in it carries its mark of certainty. A catalogue lives for the
 * walk only: what counts goes into the configuration's standards and limits.
 */
#pragma once

#include "core/config_schema.h"
#include "core/standard.h"

#define CATALOGUE_STEPS_MAX 8
#define CATALOGUE_NONE	    SIZE_MAX

/**
 * struct catalogue_column - a column or zone of the standard's tables
 * @title: how the law calls it, "column B"
 * @since, @until: where its figures count for a time only, else 0
 */
struct catalogue_column {
	char *name;
	char *title;
	unsigned int since;
	unsigned int until;
	enum certainty mark;
};

/**
 * struct catalogue_case - plants that have figures of their own
 * @reference: oxygen that concentrations are held at, per cent by volume; NAN none
 */
struct catalogue_case {
	char *name;
	char *title;
	double reference;
	enum certainty mark;
};

/** struct catalogue_table - how a factor follows from a flow or the like */
struct catalogue_table {
	enum factor factor;
	enum factor_by by;
	char *measure;
	char *title;
	struct standard_step steps[CATALOGUE_STEPS_MAX];
	size_t n_steps;
};

/** struct catalogue_value - the bounds in one column; one that is none is NAN */
struct catalogue_value {
	size_t column;
	double high;
	double low;
	enum certainty mark;
};

/**
 * struct catalogue_parameter
 * @symbols: other names that a channel may have for it
 * @which: the case that it is for, CATALOGUE_NONE all that have no row of their own
 * @windowed: a window is named: @on, as sure as @window_mark
 * @multiplied: by the formula's factors
 * @molar_mass: g/mol, 0 not a gas
 */
struct catalogue_parameter {
	char *name;
	char *title;
	struct config_words symbols;
	char *measure;
	size_t which;
	bool windowed;
	enum limit_on on;
	enum certainty window_mark;
	bool multiplied;
	double molar_mass;
	struct catalogue_value *values;
	size_t n_values;
};

/**
 * struct catalogue - a standard
 * @file: where it was read; owned by the reader
 * @bad: there are errors in it, they were reported
 * @title: "QCVN 40:2011/BTNMT"; @full_name: what it is about
 * @since, @until: first and last day in force, 0 not known
 * @before, @transition: plants from before that day may keep it until then, 0 none
 * @formula: set of factors, 1 << enum factor
 * @marked, @sourced: sets of certainties that figures have, and whose sources are named
 */
struct catalogue {
	char *name;
	const char *file;
	struct config_node *root;
	bool bad;
	char *title;
	char *full_name;
	char *document;
	char *incomplete;
	char *replaced_by;
	enum waste_kind kind;
	unsigned int since;
	unsigned int until;
	unsigned int before;
	unsigned int transition;
	enum certainty since_mark;
	enum certainty until_mark;
	enum certainty transition_mark;
	unsigned int formula;
	enum certainty formula_mark;
	unsigned int marked;
	unsigned int sourced;
	struct catalogue_column *columns;
	size_t n_columns;
	struct catalogue_case *cases;
	size_t n_cases;
	struct catalogue_table *tables;
	size_t n_tables;
	struct catalogue_parameter *parameters;
	size_t n_parameters;
};

extern const struct config_group config_catalogue_group; /* limits/NAME.yaml */

/**
 * config_catalogue_open() - the catalogue that a key names, read at its first use
 * @ret: index in the reader's catalogues; CATALOGUE_NONE: there is none, or it is bad; reported
 * Return: 0; -ENOMEM.
 */
int config_catalogue_open(const struct config_mapping *mapping, const char *key, const char *name,
			  size_t *ret);

/** config_catalogues_free() - forget the catalogues of a walk */
void config_catalogues_free(struct config_reader *reader);

/** catalogue_is_called() - is @name the parameter's, or one of its symbols? */
bool catalogue_is_called(const struct catalogue_parameter *parameter, const char *name);

/** catalogue_value_in() - the parameter's figures of a column, NULL none */
const struct catalogue_value *catalogue_value_in(const struct catalogue_parameter *parameter,
						 size_t column);

/* What finish() of each mapping gets. */

struct catalogue_draft {
	struct catalogue catalogue;
	char *standard;
	char *dates[4]; /* since, until, before, transition */
	struct config_words formula;
};

struct source_mark_draft {
	enum certainty mark;
	char *source;
};

struct column_draft {
	struct catalogue_column column;
	char *dates[2];
};

struct case_draft {
	struct catalogue_case which;
};

struct table_draft {
	struct catalogue_table table;
};

struct step_draft {
	struct standard_step step;
};

struct catalogue_parameter_draft {
	struct catalogue_parameter parameter;
	char *which;
};

struct value_draft {
	struct catalogue_value value;
	char *column;
	char *source;
};

int config_finish_catalogue(struct config_mapping *mapping, void *draft);
int config_done_catalogue(struct config_mapping *mapping);
int config_finish_source_mark(struct config_mapping *mapping, void *draft);
int config_finish_column(struct config_mapping *mapping, void *draft);
int config_finish_case(struct config_mapping *mapping, void *draft);
int config_finish_table(struct config_mapping *mapping, void *draft);
int config_finish_step(struct config_mapping *mapping, void *draft);
int config_finish_catalogue_parameter(struct config_mapping *mapping, void *draft);
int config_finish_value(struct config_mapping *mapping, void *draft);
