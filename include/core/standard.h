/* SPDX-License-Identifier: Apache-2.0 */
/*
 * standard.h - the arithmetic of a legal limit: coefficients, Cmax, units, dates, certainty
 *
 * Cmax = C × Kq × Kf (QCVN 40:2011/BTNMT, QCVN 62-MT:2016/BTNMT) or C × Kp × Kv (QCVN
 * 19:2009/BTNMT); which factors there are, and their tables, stand in the catalogues of
 * conf/limits. Pure: no clock, no I/O, no allocation.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/** enum certainty - how sure a figure is, from best to worst */
enum certainty {
	CERTAINTY_LAW,	   /* V: read in the law or in a reproduction of its text */
	CERTAINTY_SEEN,	   /* C: seen in public sources, not in the law itself */
	CERTAINTY_HEARSAY, /* M: general knowledge of the field, not checked against any text */
	CERTAINTY_MAX = CERTAINTY_HEARSAY
};
#define N_CERTAINTIES (CERTAINTY_MAX + 1)

/** certainty_letter() - 'V', 'C' or 'M' */
char certainty_letter(enum certainty certainty);

/** certainty_words() - "read in the law", … */
const char *certainty_words(enum certainty certainty);

/** enum factor - what a value is multiplied by */
enum factor { FACTOR_KQ, FACTOR_KF, FACTOR_KP, FACTOR_KV, FACTOR_MAX = FACTOR_KV };
#define N_FACTORS      (FACTOR_MAX + 1)
#define FACTOR_LARGEST 5.0 /* beyond it is a slip of the pen */

/** factor_text() - "Kq"; factor_key() - "kq", as in the configuration */
const char *factor_text(enum factor factor);
const char *factor_key(enum factor factor);

/** enum factor_by - what a factor follows from */
enum factor_by {
	BY_RIVER_FLOW,
	BY_LAKE_VOLUME,
	BY_DISCHARGE,
	BY_GAS_FLOW,
	BY_ZONE_TYPE,
	BY_MAX = BY_ZONE_TYPE
};
#define N_BYS (BY_MAX + 1)

/** factor_by_key() - "river-flow"; factor_by_words() - "river flow" */
const char *factor_by_key(enum factor_by by);
const char *factor_by_words(enum factor_by by);

/** struct standard_step - a row of a factor's table: @value up to and including @up_to */
struct standard_step {
	double up_to; /* HUGE_VAL: the last row, whatever is above the one before */
	double value;
	enum certainty mark;
};

/** standard_step_find() - which row @x is in; @n: in none, it is above the last */
size_t standard_step_find(const struct standard_step *steps, size_t n, double x);

/**
 * standard_exact() - @value to 12 significant digits: the double that is nearest to the decimal
 * product of decimal figures, so that 150 × 0.9 × 1.1 is 148.5 and nothing beside it
 */
double standard_exact(double value);

/**
 * standard_bound() - @value in the unit @from as a number in the unit @to
 * @molar_mass: g/mol, for volume fractions of a gas; 0 not known
 *
 * ppm and the like become mg/Nm3 at 25 °C and 101.325 kPa (unit_gas_concentration()), and back.
 * Texts that are the same are one unit, whether it is known to units.h or not; "" and "pH" too.
 * Return: 0; -ENOENT a unit is not known; -EDOM they cannot be converted; -ENODATA they could with
 *   the molar mass.
 */
int standard_bound(const char *from, const char *to, double molar_mass, double value, double *ret);

/** standard_unit_text() - a unit as it stands behind a number: "" for pH */
const char *standard_unit_text(const char *unit);

/** standard_needs_molar_mass() - does the conversion go by the molar mass? */
bool standard_needs_molar_mass(const char *from, const char *to);

/* A date is a number, 20250901 for 2025-09-01; 0: none. */

#define STANDARD_DATE_MAX 12

/** standard_date_parse() - "2025-09-01". Return: 0; -EINVAL no such date. */
int standard_date_parse(const char *text, unsigned int *ret);

/** standard_date_check() - NULL for a good one, else what is wrong and what is allowed */
const char *standard_date_check(const char *text);

/** standard_date_text() - "2025-09-01", "" for none. Return: @text. */
const char *standard_date_text(unsigned int date, char text[static STANDARD_DATE_MAX]);

/** standard_ends_soon() - is @end, not yet over at @today, within a year of it? */
bool standard_ends_soon(unsigned int end, unsigned int today);

/**
 * standard_quantity_parse() - "35 m3/s" → 35 and "m3/s"
 * @ret_unit: points into @text
 * Return: 0; -EINVAL no number with a unit behind it.
 */
int standard_quantity_parse(const char *text, double *ret_value, const char **ret_unit);

/** standard_quantity_check() - NULL for a good one, else what is wrong and what is allowed */
const char *standard_quantity_check(const char *text);
