/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/config_channel.h"
#include "core/config_names.h"

#define OXYGEN_OF_AIR 20.9 /* per cent by volume, as in QCVN 19:2024/BTNMT */

/* the formulas' names and numbers of inputs */
static const struct {
	const char *name;
	size_t least;
	size_t most;
	const char *inputs;
} formulas[] = {
	[FORMULA_NONE] = {"", 0, CONFIG_INPUTS_MAX, ""},
	[FORMULA_OXYGEN] = {"oxygen", 2, 2, "[the concentration, the oxygen]"},
	[FORMULA_LOAD] = {"load", 2, 2, "[the concentration, the flow]"},
	[FORMULA_SUM] = {"sum", 2, CONFIG_INPUTS_MAX, "2 to 8 channels"},
	[FORMULA_DIFFERENCE] = {"difference", 2, 2, "[A, B] for A - B"},
	[FORMULA_RATIO] = {"ratio", 2, 2, "[A, B] for A / B"},
};

/* the keys of single formulas */
static const struct {
	const char *key;
	unsigned int formulas;
	bool needed;
	const char *allowed;
} keys[] = {
	{"reference", 1U << FORMULA_OXYGEN, true, "with formula: oxygen"},
	{"least", 1U << FORMULA_RATIO, true, "with formula: ratio"},
	{"factor",
	 1U << FORMULA_LOAD | 1U << FORMULA_SUM | 1U << FORMULA_DIFFERENCE | 1U << FORMULA_RATIO,
	 false, "with every other formula"},
};

/** resolve_inputs() - Return: are all of them there? */
static bool resolve_inputs(const struct config_mapping *mapping, struct channel_draft *draft)
{
	const struct config *config = mapping->reader->config;
	struct config_channel *channel = &draft->channel;
	bool all = config_usable(mapping, "inputs");

	for (size_t i = 0; i < draft->inputs.n; i++) {
		size_t input;

		if (!draft->inputs.text[i] ||
		    !config_resolve_earlier(mapping, "inputs", i, "channel before this one",
					    draft->inputs.text[i], &input)) {
			all = false;
			continue;
		}
		if (channel->n_inputs == 0)
			channel->unit = config->channels[input].unit;
		channel->interval_ms = MAX(channel->interval_ms,
					   config->channels[input].interval_ms);
		channel->inputs[channel->n_inputs++] = input;
	}
	return all;
}

/** warn_order() - a concentration corrected by another is plausible, and wrong */
static void warn_order(const struct config_mapping *mapping, const struct config_channel *channel)
{
	const struct config_channel *oxygen = &mapping->reader->config
						       ->channels[channel->inputs[1]];

	if (oxygen->measure && !strchr(oxygen->measure, '%'))
		config_warning(mapping, "inputs",
			       "the second input, \"%s\", is not in per cent; formula: oxygen "
			       "needs [the concentration, the oxygen in per cent by volume]",
			       oxygen->name ? oxygen->name : "?");
}

static void check_keys(const struct config_mapping *mapping, enum formula formula)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		bool fits = keys[i].formulas & 1U << formula;

		if (config_given(mapping, keys[i].key) && !fits)
			config_error(mapping, keys[i].key, "formula: %s has no \"%s\"; allowed: %s",
				     formulas[formula].name, keys[i].key, keys[i].allowed);
		if (config_state(mapping, keys[i].key) == OPTION_ABSENT && fits && keys[i].needed)
			config_lacking(mapping, keys[i].key);
	}
}

static void check_numbers(const struct config_mapping *mapping,
			  const struct config_channel *channel)
{
	if (config_given(mapping, "factor") && !(channel->factor < 0 || channel->factor > 0))
		config_error(mapping, "factor",
			     "a factor of 0 makes every value 0; allowed: any other number");
	if (config_given(mapping, "reference") &&
	    !(channel->reference >= 0 && channel->reference < OXYGEN_OF_AIR))
		config_error(
			mapping, "reference",
			"there is no such reference oxygen; allowed: 0 to below %.1f, per cent "
			"by volume",
			OXYGEN_OF_AIR);
	if (config_given(mapping, "least") && !(channel->least > 0))
		config_error(mapping, "least",
			     "a division by 0 must be kept out; allowed: more than 0");
}

int config_finish_derived(struct config_mapping *mapping, void *data)
{
	struct channel_draft *draft = data;
	struct config_channel *channel = &draft->channel;
	bool all = resolve_inputs(mapping, draft);

	channel->source = mapping->reader->source;
	config_check_range(mapping, draft);
	check_numbers(mapping, channel);
	if (config_usable(mapping, "formula")) {
		size_t n = draft->inputs.n;

		check_keys(mapping, channel->formula);
		if (config_usable(mapping, "inputs") &&
		    (n < formulas[channel->formula].least || n > formulas[channel->formula].most))
			config_error(mapping, "inputs",
				     "formula: %s cannot be made of %zu inputs; allowed: %s",
				     formulas[channel->formula].name, n,
				     formulas[channel->formula].inputs);
		else if (all && channel->formula == FORMULA_OXYGEN)
			warn_order(mapping, channel);
	}
	config_channel_condition(mapping, draft);
	config_check_lost(mapping, channel, "its slowest input");
	return config_add_channel(mapping, channel);
}
