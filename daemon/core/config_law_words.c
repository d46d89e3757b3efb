/* SPDX-License-Identifier: Apache-2.0 */
/* where a limit comes from, in words that a lawyer can look up */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/config_law.h"
#include "core/config_value.h"

const char *law_on_words(enum limit_on on)
{
	static const char *const words[] = {
		[LIMIT_ON_VALUE] = "each value",	[LIMIT_ON_MEAN_1MIN] = "mean of 1 min",
		[LIMIT_ON_MEAN_5MIN] = "mean of 5 min", [LIMIT_ON_MEAN_1H] = "mean of 1 h",
		[LIMIT_ON_MEAN_24H] = "mean of 24 h",
	};

	return words[on];
}

/** say_arithmetic() - "C 150 mg/l × Kq 0.9 × Kf 1.1 = 148.5 mg/l" */
static void say_arithmetic(const struct law *law, const struct config_channel *channel,
			   double bound, char text[static LAW_TEXT_MAX])
{
	const char *to = channel->measure, *from = standard_unit_text(law->parameter->measure);
	const struct config_standard *standard = law->standard;
	double figure = law_figure(law), cmax = law_cmax(law, figure);
	bool formula = false;

	for (unsigned int f = 0; f < N_FACTORS; f++)
		formula |= standard->factors[f].used;
	config_append_text(text, LAW_TEXT_MAX, "%s%s%.12g%s%s", law->high ? "" : "at least ",
			   formula && law->parameter->multiplied ? "C " : "", figure,
			   *from ? " " : "", from);
	for (unsigned int f = 0; law->parameter->multiplied && f < N_FACTORS; f++)
		if (standard->factors[f].used)
			config_append_text(text, LAW_TEXT_MAX, " × %s %.12g", factor_text(f),
					   standard->factors[f].value);
	if (formula && law->parameter->multiplied)
		config_append_text(text, LAW_TEXT_MAX, " = %.12g%s%s", cmax, *from ? " " : "",
				   from);
	else if (formula)
		config_append_text(text, LAW_TEXT_MAX, ", not multiplied");
	if (!isnan(standard->reference))
		config_append_text(text, LAW_TEXT_MAX, " at %.12g %% O2", standard->reference);
	if (standard_needs_molar_mass(from, to))
		config_append_text(text, LAW_TEXT_MAX,
				   " = %.7g %s (25 °C, 101.325 kPa, %.12g g/mol)", bound, to,
				   law->parameter->molar_mass);
	else if (fabs(bound - cmax) > LAW_SAME * fabs(cmax))
		config_append_text(text, LAW_TEXT_MAX, " = %.7g %s", bound, to);
}

/** say_group() - "; seen in public sources only (C): value, Kq" */
static void say_group(const struct law *law, const struct config_limit *limit,
		      enum certainty certainty, char text[static LAW_TEXT_MAX])
{
	const struct config_factor *factors = law->standard->factors;
	const char *between = "";
	char names[100] = "";

	if (limit->value_mark == certainty) {
		config_append_text(names, sizeof(names), "value");
		between = ", ";
	}
	for (unsigned int f = 0; limit->multiplied && f < N_FACTORS; f++) {
		if (!factors[f].used || factors[f].mark != certainty)
			continue;
		config_append_text(names, sizeof(names), "%s%s", between, factor_text(f));
		between = ", ";
	}
	if (limit->multiplied && law->standard->formula_mark == certainty) {
		config_append_text(names, sizeof(names), "%sformula", between);
		between = ", ";
	}
	if (limit->from_window && limit->window_mark == certainty)
		config_append_text(names, sizeof(names), "%swindow", between);
	if (*names)
		config_append_text(text, LAW_TEXT_MAX, "%c, %s: %s; ", certainty_letter(certainty),
				   certainty_words(certainty), names);
}

/** say_certainty() - " [M, not checked against any text: Kq; confirm with the permit]" */
static void say_certainty(const struct law *law, const struct config_limit *limit,
			  char text[static LAW_TEXT_MAX])
{
	if (*law->standard->confirmed) {
		config_append_text(text, LAW_TEXT_MAX, "; figures confirmed: %s",
				   law->standard->confirmed);
		return;
	}
	if (limit->certainty == CERTAINTY_LAW)
		return;
	config_append_text(text, LAW_TEXT_MAX, " [");
	for (unsigned int c = CERTAINTY_SEEN; c < N_CERTAINTIES; c++)
		say_group(law, limit, c, text);
	config_append_text(text, LAW_TEXT_MAX, "confirm with the permit]");
}

static void worsen(enum certainty *certainty, enum certainty other)
{
	if (other > *certainty)
		*certainty = other;
}

void law_take_marks(const struct law *law, struct config_limit *limit)
{
	limit->value_mark = law->value->mark;
	limit->multiplied = law->parameter->multiplied;
	limit->window_mark = law->parameter->window_mark;
	limit->certainty = limit->value_mark;
	if (limit->from_window)
		worsen(&limit->certainty, limit->window_mark);
	if (!limit->multiplied)
		return;
	worsen(&limit->certainty, law->standard->formula_mark);
	for (unsigned int f = 0; f < N_FACTORS; f++)
		if (law->standard->factors[f].used)
			worsen(&limit->certainty, law->standard->factors[f].mark);
}

int law_set_origin(const struct config_mapping *mapping, struct config_limit *limit,
		   const char *law, const char *own)
{
	char *origin;

	if (asprintf(&origin, "%s%s%s", law, *law && *own ? "; " : "", own) < 0)
		return -ENOMEM;
	if (strlen(origin) >= LAW_TEXT_MAX) {
		config_error(mapping, "origin",
			     "with what the standard adds it has %zu bytes; allowed: %d",
			     strlen(origin), LAW_TEXT_MAX - 1);
		free(origin);
		return 1;
	}
	free(limit->origin);
	limit->origin = origin;
	return 0;
}

int law_write_words(const struct config_mapping *mapping, const struct law *law,
		    struct config_limit *limit, const struct config_channel *channel,
		    unsigned int percent)
{
	char arithmetic[LAW_TEXT_MAX] = "", text[LAW_TEXT_MAX] = "";

	say_arithmetic(law, channel, limit->bound, arithmetic);
	if (percent != 100) {
		limit->bound = standard_exact(limit->bound * percent / 100);
		config_append_text(arithmetic, LAW_TEXT_MAX, ", of it %u %% = %.7g%s%s", percent,
				   limit->bound, *channel->measure ? " " : "", channel->measure);
		config_append_text(text, LAW_TEXT_MAX, "operator's own, a share of ");
	}
	config_append_text(text, LAW_TEXT_MAX, "%s, %s: %s; %s%s", law->standard->title,
			   law->parameter->title, arithmetic, law_on_words(limit->on),
			   limit->from_window ? "" : " (own choice)");
	say_certainty(law, limit, text);
	limit->arithmetic = strdup(arithmetic);
	return limit->arithmetic
		       ? law_set_origin(mapping, limit, text, limit->origin ? limit->origin : "")
		       : -ENOMEM;
}
