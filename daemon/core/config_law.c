/* SPDX-License-Identifier: Apache-2.0 */
/* what a standard says of a channel, in numbers */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "core/config_law.h"
#include "core/config_limit.h"
#include "core/config_names.h"

const struct catalogue *law_catalogue(const struct config_reader *reader, size_t standard)
{
	return &reader->catalogues[reader->applied[standard].catalogue];
}

bool law_figure_in(const struct config_reader *reader, size_t standard,
		   const struct catalogue_parameter *parameter, struct law *ret)
{
	const struct config_applied *applied = &reader->applied[standard];
	const struct catalogue *catalogue = law_catalogue(reader, standard);
	const struct catalogue_value *value;

	if (parameter->which != CATALOGUE_NONE && parameter->which != applied->which)
		return false;
	/* plants that have a row of their own do not have the common one */
	for (size_t i = 0; parameter->which == CATALOGUE_NONE && i < catalogue->n_parameters; i++)
		if (applied->which != CATALOGUE_NONE &&
		    catalogue->parameters[i].which == applied->which &&
		    strcmp(catalogue->parameters[i].name, parameter->name) == 0)
			return false;
	value = catalogue_value_in(parameter, applied->column);
	if (!value)
		return false;
	*ret = (struct law){
		.standard = &reader->config->standards[standard],
		.applied = applied,
		.parameter = parameter,
		.value = value,
		.index = standard,
	};
	return true;
}

bool law_is_corrected(const struct config_channel *channel, double reference)
{
	if (isnan(reference))
		return channel->formula != FORMULA_OXYGEN;
	return channel->formula == FORMULA_OXYGEN &&
	       fabs(channel->reference - reference) < LAW_SAME;
}

bool law_is_about(const struct config_reader *reader, const struct law *law,
		  const struct config_channel *channel)
{
	const struct config_channel *channels = reader->config->channels;

	if (!channel->name)
		return false;
	if (catalogue_is_called(law->parameter, channel->name))
		return true;
	return channel->formula == FORMULA_OXYGEN && channel->n_inputs > 0 &&
	       channels[channel->inputs[0]].name &&
	       catalogue_is_called(law->parameter, channels[channel->inputs[0]].name);
}

/* numbers */

double law_cmax(const struct law *law, double figure)
{
	for (unsigned int f = 0; law->parameter->multiplied && f < N_FACTORS; f++)
		if (law->standard->factors[f].used)
			figure *= law->standard->factors[f].value;
	return standard_exact(figure);
}

double law_figure(const struct law *law)
{
	return law->high ? law->value->high : law->value->low;
}

bool law_has_side(const struct law *law)
{
	return !isnan(law_figure(law));
}

static const char *unit_or_none(const char *unit)
{
	return *unit ? unit : "no unit";
}

bool law_bound(const struct config_mapping *mapping, const char *key, const struct law *law,
	       const struct config_channel *channel, double *ret)
{
	const char *from = law->parameter->measure, *to = channel->measure ? channel->measure : "";
	int r = standard_bound(from, to, law->parameter->molar_mass, law_cmax(law, law_figure(law)),
			       ret);

	if (r == 0)
		return true;
	if (key)
		config_error(mapping, key,
			     "\"%s\" is measured in %s, %s has %s in %s, and the one cannot be "
			     "converted into the other%s; allowed: a channel in %s or in another "
			     "unit of its kind",
			     channel->name ? channel->name : "?", unit_or_none(to),
			     law->standard->title, law->parameter->title, unit_or_none(from),
			     r == -ENODATA
				     ? " without the molar mass, which the catalogue does not "
				       "have"
				     : "",
			     unit_or_none(from));
	return false;
}

/* a limit that names a parameter */

/** is_named() - is it the standard that the limit names, or does it name none? */
static bool is_named(const struct config_reader *reader, size_t standard, const char *wanted)
{
	return !*wanted || strcmp(law_catalogue(reader, standard)->name, wanted) == 0;
}

/** list_parameters() - that a standard has figures of. Return: is it the one that is named? */
static bool list_parameters(const struct config_reader *reader, size_t standard, const char *wanted,
			    struct config_listing *listing)
{
	const struct catalogue *catalogue = law_catalogue(reader, standard);
	struct law law;

	if (!is_named(reader, standard, wanted))
		return false;
	for (size_t i = 0; i < catalogue->n_parameters; i++)
		if (law_figure_in(reader, standard, &catalogue->parameters[i], &law))
			config_names_list(listing, catalogue->parameters[i].name);
	return true;
}

/** report_no_parameter() - none of the source's standards has it */
static void report_no_parameter(const struct config_mapping *mapping,
				const struct limit_draft *draft)
{
	const struct config_reader *reader = mapping->reader;
	struct config_listing listing = {.wanted = draft->limit.parameter,
					 .least = CONFIG_SUGGESTION};
	struct config_listing standards = {.wanted = draft->standard, .least = CONFIG_SUGGESTION};
	bool named = false;

	for (size_t s = reader->first_standard; s < reader->config->n_standards; s++) {
		if (reader->applied[s].bad)
			return; /* reported */
		named |= list_parameters(reader, s, draft->standard, &listing);
		config_names_list(&standards, law_catalogue(reader, s)->name);
	}
	if (standards.n == 0)
		config_error(mapping, "parameter",
			     "this source is held to no standard; allowed: high or low, or a "
			     "standard in \"standards\" of the source");
	else if (!named)
		config_names_dangling(mapping, "standard", 0, "standard of this source",
				      &standards);
	else if (!*draft->limit.parameter)
		config_error(mapping, "channel",
			     "no standard of this source knows it by this name; allowed: "
			     "\"parameter\", or high or low");
	else if (listing.n == 0)
		config_error(mapping, "parameter",
			     "the source's standard has no figures here; allowed: high or low");
	else
		config_names_dangling(mapping, "parameter", 0, "parameter", &listing);
}

/** is_meant() - by its name, or where none is given by the channel's */
static bool is_meant(const struct config_reader *reader, const struct law *law,
		     const struct config_channel *channel, const char *name)
{
	return *name ? strcmp(law->parameter->name, name) == 0 : law_is_about(reader, law, channel);
}

/** find_law() - Return: is it known which figure is meant? Else reported. */
static bool find_law(const struct config_mapping *mapping, const struct limit_draft *draft,
		     const struct config_channel *channel, struct law *ret)
{
	const struct config_reader *reader = mapping->reader;
	size_t found = 0, fit = 0;

	for (size_t s = reader->first_standard; s < reader->config->n_standards; s++) {
		const struct catalogue *catalogue;
		struct law law;

		if (reader->applied[s].bad || (reader->making && reader->making != s + 1))
			continue;
		catalogue = law_catalogue(reader, s);
		if (!is_named(reader, s, draft->standard))
			continue;
		for (size_t i = 0; i < catalogue->n_parameters; i++) {
			bool fits;

			if (!law_figure_in(reader, s, &catalogue->parameters[i], &law) ||
			    !is_meant(reader, &law, channel, draft->limit.parameter))
				continue;
			fits = law_is_corrected(channel, law.standard->reference);
			if (fit == 0)
				*ret = law;
			found++;
			fit += fits;
		}
	}
	if (found == 0)
		report_no_parameter(mapping, draft);
	else if (fit > 1 || (fit == 0 && found > 1))
		config_error(mapping, "parameter",
			     "it may be several figures of the source's standards; allowed: "
			     "\"parameter\" with the name of one, and \"standard\" where "
			     "several have it");
	return found > 0 && (fit == 1 || found == 1);
}

/** check_keys() - what must not stand beside a parameter. Return: is all good? */
static bool check_keys(const struct config_mapping *mapping, const struct limit_draft *draft,
		       const struct law *law)
{
	bool both = !isnan(law->value->high) && !isnan(law->value->low), good = true;
	enum option_state side = config_state(mapping, "side");

	for (size_t i = 0; i < 2; i++)
		if (config_state(mapping, i ? "low" : "high") != OPTION_ABSENT) {
			config_error(mapping, i ? "low" : "high",
				     "the bound of a parameter is the standard's; allowed: "
				     "parameter, or a number of your own");
			good = false;
		}
	if (config_state(mapping, "percent") != OPTION_ABSENT &&
	    (draft->limit.class == CLASS_LIMIT || !isnan(law->value->low))) {
		config_error(mapping, "percent",
			     draft->limit.class == CLASS_LIMIT
				     ? "a share of the limit is not the limit; allowed: with class "
				       "warning or emergency"
				     : "a share says nothing where there is a lower bound; "
				       "allowed: high and low of your own");
		good = false;
	}
	if (both && side == OPTION_ABSENT && config_state(mapping, "name") != OPTION_ABSENT) {
		config_error(mapping, "name",
			     "the parameter has two bounds, and so two limits; allowed: with "
			     "\"side\" high or low");
		good = false;
	}
	return good && side != OPTION_BAD;
}

/** take_side() - which bound is meant. Return: does the parameter have it? Else reported. */
static bool take_side(const struct config_mapping *mapping, const struct limit_draft *draft,
		      struct law *law, bool *ret_other)
{
	bool given = config_given(mapping, "side");

	law->high = given ? draft->side == SIDE_HIGH : !isnan(law->value->high);
	*ret_other = !given && law->high && !isnan(law->value->low);
	if (!law_has_side(law))
		config_error(mapping, "side", "the parameter has no such bound; allowed: %s",
			     law->high ? "low" : "high");
	return law_has_side(law);
}

/** take_window() - what is held against it. Return: is it known? Else reported. */
static bool take_window(const struct config_mapping *mapping, const struct law *law,
			struct config_limit *limit)
{
	if (config_state(mapping, "on") == OPTION_BAD)
		return false;
	limit->from_window = !config_given(mapping, "on") && !law->applied->on_given;
	if (!config_given(mapping, "on"))
		limit->on = law->applied->on_given ? law->applied->on : law->parameter->on;
	if (limit->from_window && !law->parameter->windowed)
		config_error(mapping, "on",
			     "%s names no window for it; allowed: \"on\" here or at the standard",
			     law->standard->title);
	else
		return true;
	return false;
}

/** check_oxygen() - is the channel at the oxygen that the standard wants? Else reported. */
static bool check_oxygen(const struct config_mapping *mapping, const struct law *law,
			 const struct config_channel *channel)
{
	double reference = law->standard->reference;
	const char *name = channel->name ? channel->name : "?";

	if (law_is_corrected(channel, reference))
		return true;
	if (isnan(reference))
		config_error(mapping, "channel",
			     "%s has no reference oxygen, \"%s\" is corrected to %g %%; allowed: "
			     "the channel as it is measured",
			     law->standard->title, name, channel->reference);
	else
		config_error(mapping, "channel",
			     "%s holds gases at %g %% oxygen, \"%s\" is not corrected to it; "
			     "allowed: a derived channel {formula: oxygen, reference: %g, …}",
			     law->standard->title, reference, name, reference);
	return false;
}

/** take_basis() - a share of the law's figure is the plant's own, as is that figure held against
 * another mean than the law's. Return: is it known? Else reported. */
static bool take_basis(const struct config_mapping *mapping, const struct law *law,
		       struct config_limit *limit)
{
	bool share = config_state(mapping, "percent") != OPTION_ABSENT;
	enum option_state basis = config_state(mapping, "basis");

	if (basis == OPTION_BAD)
		return false;
	if (basis == OPTION_GIVEN && share && limit->basis == BASIS_LAW) {
		config_error(mapping, "basis",
			     "a share of the law's figure is not the law's; allowed: own, or "
			     "permit");
		return false;
	}
	if (basis == OPTION_ABSENT)
		limit->basis = share || (law->parameter->windowed &&
					 limit->on != law->parameter->on)
				       ? BASIS_OWN
				       : BASIS_LAW;
	return true;
}

int config_law_limit(const struct config_mapping *mapping, struct limit_draft *draft,
		     size_t channel_index, bool *ret_other)
{
	const struct config *config = mapping->reader->config;
	struct config_limit *limit = &draft->limit;
	const struct config_channel *channel;
	struct law law;

	if (config_state(mapping, "class") == OPTION_ABSENT)
		limit->class = CLASS_LIMIT;
	if (config_state(mapping, "parameter") == OPTION_BAD ||
	    channel_index >= config->n_channels || config_state(mapping, "class") == OPTION_BAD ||
	    config_state(mapping, "standard") == OPTION_BAD ||
	    config_state(mapping, "percent") == OPTION_BAD)
		return 1;
	channel = &config->channels[channel_index];
	if (!find_law(mapping, draft, channel, &law) || !check_keys(mapping, draft, &law) ||
	    !take_side(mapping, draft, &law, ret_other) || !check_oxygen(mapping, &law, channel) ||
	    !take_window(mapping, &law, limit) || !take_basis(mapping, &law, limit) ||
	    !law_bound(mapping, "channel", &law, channel, &limit->bound))
		return 1;
	if (config_default_text(&limit->parameter, law.parameter->name) < 0)
		return -ENOMEM;
	limit->high = law.high;
	limit->standard = law.index;
	law_take_marks(&law, limit);
	return law_write_words(mapping, &law, limit, channel,
			       config_given(mapping, "percent") ? draft->percent : 100);
}
