/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/catalogue.h"
#include "core/config_text.h"
#include "core/standard.h"
#include "core/units.h"

char certainty_letter(enum certainty certainty)
{
	static const char letters[] = {
		[CERTAINTY_LAW] = 'V', [CERTAINTY_SEEN] = 'C', [CERTAINTY_HEARSAY] = 'M'};

	return letters[certainty];
}

const char *certainty_words(enum certainty certainty)
{
	static const char *const words[] = {
		[CERTAINTY_LAW] = N_("read in the law"),
		[CERTAINTY_SEEN] = N_("seen in public sources only"),
		[CERTAINTY_HEARSAY] = N_("not checked against any text"),
	};

	return words[certainty];
}

const char *factor_text(enum factor factor)
{
	static const char *const texts[] = {
		[FACTOR_KQ] = "Kq", [FACTOR_KF] = "Kf", [FACTOR_KP] = "Kp", [FACTOR_KV] = "Kv"};

	return texts[factor];
}

const char *factor_key(enum factor factor)
{
	static const char *const keys[] = {
		[FACTOR_KQ] = "kq", [FACTOR_KF] = "kf", [FACTOR_KP] = "kp", [FACTOR_KV] = "kv"};

	return keys[factor];
}

static const struct {
	const char *key;
	const char *words;
} bys[] = {
	[BY_RIVER_FLOW] = {"river-flow", "river flow"},
	[BY_LAKE_VOLUME] = {"lake-volume", "lake volume"},
	[BY_DISCHARGE] = {"discharge", "discharge"},
	[BY_GAS_FLOW] = {"gas-flow", "gas flow"},
	[BY_ZONE_TYPE] = {"zone-type", "zone type"},
};

const char *factor_by_key(enum factor_by by)
{
	return bys[by].key;
}

const char *factor_by_words(enum factor_by by)
{
	return bys[by].words;
}

size_t standard_step_find(const struct standard_step *steps, size_t n, double x)
{
	size_t i = 0;

	while (i < n && x > steps[i].up_to)
		i++;
	return i;
}

double standard_exact(double value)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%.12g", value);
	return strtod(text, NULL);
}

/* units */

/** is_dimensionless() - pH is written with its name where a unit would stand, or without */
static bool is_dimensionless(const char *text)
{
	return !*text || strcmp(text, "pH") == 0;
}

const char *standard_unit_text(const char *unit)
{
	return is_dimensionless(unit) ? "" : unit;
}

/** gas_factor() - kg/Nm3 that one of @unit is, 0: it is none of a gas */
static double gas_factor(const struct unit *unit, double molar_mass)
{
	if (unit->dimension == UNIT_GAS_CONCENTRATION)
		return unit->factor;
	if (unit->dimension == UNIT_VOLUME_FRACTION)
		return unit_gas_concentration(unit->factor, molar_mass);
	return 0;
}

bool standard_needs_molar_mass(const char *from, const char *to)
{
	struct unit a, b;

	return unit_parse(from, &a) == 0 && unit_parse(to, &b) == 0 && a.dimension != b.dimension &&
	       gas_factor(&a, 1) > 0 && gas_factor(&b, 1) > 0;
}

int standard_bound(const char *from, const char *to, double molar_mass, double value, double *ret)
{
	struct unit a, b;
	double converted;
	int r;

	if (strcmp(from, to) == 0 || (is_dimensionless(from) && is_dimensionless(to))) {
		*ret = value;
		return 0;
	}
	r = unit_convert(from, to, value, &converted);
	if (r == -EDOM && standard_needs_molar_mass(from, to)) {
		if (!(molar_mass > 0))
			return -ENODATA;
		(void)unit_parse(from, &a); /* they were known above */
		(void)unit_parse(to, &b);
		converted = value * gas_factor(&a, molar_mass) / gas_factor(&b, molar_mass);
		r = 0;
	}
	if (r == 0)
		*ret = standard_exact(converted);
	return r;
}

/* dates */

static unsigned int days_of(unsigned int year, unsigned int month)
{
	static const unsigned int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

int standard_date_parse(const char *text, unsigned int *ret)
{
	unsigned int year, month, day;

	if (strlen(text) != 10 || text[4] != '-' || text[7] != '-')
		return -EINVAL;
	for (int i = 0; i < 10; i++)
		if (i != 4 && i != 7 && !isdigit((unsigned char)text[i]))
			return -EINVAL;
	year = (unsigned int)strtoul(text, NULL, 10);
	month = (unsigned int)strtoul(text + 5, NULL, 10);
	day = (unsigned int)strtoul(text + 8, NULL, 10);
	if (year < 1900 || month < 1 || month > 12 || day < 1 || day > days_of(year, month))
		return -EINVAL;
	*ret = year * 10000 + month * 100 + day;
	return 0;
}

const char *standard_date_check(const char *text)
{
	unsigned int date;

	return standard_date_parse(text, &date) == 0
		       ? NULL
		       : N_("there is no such date; allowed: YYYY-MM-DD, such as "
			    "2025-09-01");
}

const char *standard_date_text(unsigned int date, char text[static STANDARD_DATE_MAX])
{
	text[0] = '\0';
	if (date)
		(void)snprintf(text, STANDARD_DATE_MAX, "%04u-%02u-%02u", date / 10000 % 10000,
			       date / 100 % 100, date % 100);
	return text;
}

bool standard_ends_soon(unsigned int end, unsigned int today)
{
	return end >= today && end < today + 10000; /* the same day of the next year */
}

/* quantities */

int standard_quantity_parse(const char *text, double *ret_value, const char **ret_unit)
{
	char number[32];
	double value;
	size_t n = strcspn(text, " "), blanks = strspn(text + n, " ");

	if (n == 0 || n >= sizeof(number) || blanks == 0 || !text[n + blanks])
		return -EINVAL;
	memcpy(number, text, n);
	number[n] = '\0';
	if (config_number_parse(number, &value) < 0 || !(value > 0))
		return -EINVAL;
	*ret_value = value;
	*ret_unit = text + n + blanks;
	return 0;
}

const char *standard_quantity_check(const char *text)
{
	const char *unit;
	double value;

	return standard_quantity_parse(text, &value, &unit) == 0
		       ? NULL
		       : "it is no number above 0 with a unit behind it; allowed: such as 35 m3/s";
}
