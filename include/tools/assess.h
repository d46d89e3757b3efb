/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assess.h - how the files of `wastewatch assess` work together; for them only
 *
 * Numbers given by hand go through the very functions that judge an incident, so that an expert
 * can check them: nothing is computed here. Every flag and every result carries its unit.
 */
#pragma once

#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>

/**
 * struct assess_flag - a flag of a method; exactly one of @number, @text and @set is not NULL
 * @name:   without the dashes
 * @number: NAN until it is given
 * @least, @most: allowed, both included; @above: more than @least
 * @text:   where the argument goes, NULL until then; @n_text: how often it may be given, 0 once
 * @help:   what it is, marked with N_()
 */
struct assess_flag {
	const char *name;
	double *number;
	double least;
	double most;
	bool above;
	const char **text;
	size_t n_text;
	bool *set;
	const char *help;
};

/**
 * struct assess_method - "plume", "river", …
 * @intro: the lines above the flags in --help; @sources: where the formulas come from
 */
struct assess_method {
	const char *name;
	const char *intro;
	const char *sources;
};

/**
 * assess_parse() - flags into what they point to; @argv[0]: the method's name
 * Return: -1 go on; else the exit status.
 */
int assess_parse(const struct assess_method *method, const struct assess_flag *flags, size_t n,
		 int argc, char **argv);

/** assess_given() - was the number given? */
static inline bool assess_given(double number)
{
	return !isnan(number);
}

/** assess_wrong() - say an error about the command line, in the language that was chosen. Return:
 * EXIT_USAGE. */
int assess_wrong(const struct assess_method *method, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * struct assess_result - one number of the answer
 * @name:  as in --json, with its unit at the end
 * @value: NAN does not apply
 */
struct assess_result {
	const char *name;
	double value;
	const char *what;
};

/**
 * assess_print() - the answer, as a table or as one JSON object
 * @notes: a NULL-terminated list of what one must know beside the numbers
 * @more:  more members for the JSON, taken over; NULL none
 * Return: exit status.
 */
int assess_print(const struct assess_method *method, bool json, const struct assess_result *results,
		 size_t n, const char *const *notes, json_t *more);

int assess_plume(int argc, char **argv);
int assess_river(int argc, char **argv);
int assess_boundary(int argc, char **argv);
