/* SPDX-License-Identifier: Apache-2.0 */
/* limits that are not in the file: of all channels that a standard knows, and of two sides */
#include <errno.h>
#include <string.h>

#include "core/config_law.h"
#include "core/config_limit.h"
#include "core/config_names.h"
#include "core/config_value.h"

/* mappings that are not in the file */

#define PAIRS_MAX 5

/** struct invention - a mapping made of words; where something is wrong in it, its place is told */
struct invention {
	struct config_node mapping;
	struct config_node nodes[2 * PAIRS_MAX];
	char texts[2 * PAIRS_MAX][CONFIG_NAME_MAX + 16];
	size_t n;
};

static void invent(struct invention *invention, unsigned int line, unsigned int column)
{
	*invention = (struct invention){
		.mapping = {.kind = CONFIG_MAPPING, .line = line, .column = column}};
}

static void invent_pair(struct invention *invention, const char *key, const char *value)
{
	const char *const words[] = {key, value};

	for (size_t i = 0; i < 2; i++) {
		size_t n = invention->n++;
		struct config_node *node = &invention->nodes[n];

		(void)snprintf(invention->texts[n], sizeof(invention->texts[n]), "%s", words[i]);
		*node = invention->mapping; /* kind and place */
		node->kind = CONFIG_SCALAR;
		node->first = NULL;
		node->plain = true;
		node->text = invention->texts[n];
		if (n > 0)
			invention->nodes[n - 1].next = node;
	}
	invention->mapping.first = invention->nodes;
}

/** invent_text() - the last value becomes a text that may be long; it stays its owner's */
static void invent_text(struct invention *invention, const char *key, char *text)
{
	invent_pair(invention, key, "");
	invention->nodes[invention->n - 1].text = text;
}

int config_law_other_side(const struct config_mapping *mapping)
{
	struct invention invention;

	invent(&invention, mapping->node->line, mapping->node->column);
	invent_pair(&invention, "side", "low");
	invention.nodes[invention.n - 1].next = mapping->node->first;
	return config_walk(mapping->reader, &config_limit_group, &invention.mapping);
}

/* limits of all channels that a standard knows */

/** is_covered() - is there a limit for it in the file? */
static bool is_covered(const struct config_reader *reader, const struct law *law, size_t channel)
{
	const struct config *config = reader->config;
	enum limit_on on = law_on(law);

	for (size_t i = reader->first_limit; i < config->n_limits; i++) {
		const struct config_limit *limit = &config->limits[i];

		if (limit->channel != channel)
			continue;
		if (law_relation(reader, limit, law) == LAW_REPLACED)
			return true;
		if (limit->standard == law->index && limit->class == CLASS_LIMIT &&
		    limit->high == law->high && limit->on == on && limit->parameter &&
		    strcmp(limit->parameter, law->parameter->name) == 0)
			return true;
	}
	return false;
}

/** invent_name() - "limit-24h", "limit-24h-low", or with the standard's name where it is taken */
static void invent_name(const struct config_reader *reader, const struct law *law, size_t channel,
			char name[static CONFIG_NAME_MAX + 1])
{
	static const char *const windows[] = {
		[LIMIT_ON_VALUE] = "value",    [LIMIT_ON_MEAN_1MIN] = "1min",
		[LIMIT_ON_MEAN_5MIN] = "5min", [LIMIT_ON_MEAN_1H] = "1h",
		[LIMIT_ON_MEAN_24H] = "24h",
	};
	enum limit_on on = law_on(law);
	const char *side = law->high ? "" : "-low";

	(void)snprintf(name, CONFIG_NAME_MAX + 1, "limit-%s%s", windows[on], side);
	if (config_names_find(reader, KIND_LIMIT, channel, name))
		(void)snprintf(name, CONFIG_NAME_MAX + 1, "%.22s-%s%s",
			       law_catalogue(reader, law->index)->name, windows[on], side);
}

static int add_limit(struct config_reader *reader, const struct law *law, size_t channel)
{
	const struct config *config = reader->config;
	struct invention invention;
	char name[CONFIG_NAME_MAX + 1];
	int r;

	invent_name(reader, law, channel, name);
	invent(&invention, law->standard->line, law->standard->column);
	invent_pair(&invention, "channel", config->channels[channel].name);
	invent_pair(&invention, "name", name);
	invent_pair(&invention, "parameter", law->parameter->name);
	invent_pair(&invention, "side", law->high ? "high" : "low");
	if (*law->applied->advice)
		invent_text(&invention, "advice", law->applied->advice);
	reader->making = law->index + 1;
	r = config_walk(reader, &config_limit_group, &invention.mapping);
	reader->making = 0;
	return r;
}

/** report_uncorrected() - it is measured, but not at the standard's oxygen: no limit would count */
static void report_uncorrected(const struct config_reader *reader, const struct law *law,
			       size_t channel)
{
	const struct config_channel *measured = &reader->config->channels[channel];

	config_report_error(
		reader->report, reader->file, law->standard->line, law->standard->column,
		"%s holds %s at %g %% oxygen, and no channel is \"%s\" corrected to it; allowed: a "
		"derived channel {formula: oxygen, inputs: [%s, …], reference: %g, …}, a limit of "
		"your own on \"%s\" with the standard's window, or limits: named",
		law->standard->title, law->parameter->title, law->standard->reference,
		measured->name, measured->name, law->standard->reference, measured->name);
}

/** add_parameter() - of all channels that are it. Return: 0; -ENOMEM. */
static int add_parameter(struct config_reader *reader, struct law *law)
{
	const struct config *config = reader->config;
	size_t measured = config->n_channels;
	bool found = false;
	int r = 0;

	for (size_t c = reader->first_channel; c < config->n_channels && r == 0; c++) {
		const struct config_channel *channel = &config->channels[c];
		bool corrected = law_is_corrected(channel, law->standard->reference);

		if (!law_is_about(reader, law, channel))
			continue;
		if (!corrected && channel->formula != FORMULA_OXYGEN)
			measured = c;
		for (unsigned int side = 0; side < 2 && r == 0; side++) {
			law->high = side == 0;
			if (!law_has_side(law))
				continue;
			if (is_covered(reader, law, c))
				found = true;
			else if (corrected)
				r = add_limit(reader, law, c);
		}
		found |= corrected;
	}
	if (r == 0 && !found && measured < config->n_channels)
		report_uncorrected(reader, law, measured);
	return r;
}

int config_take_standards(struct config_mapping *mapping)
{
	struct config_reader *reader = mapping->reader;
	int r = 0;

	for (size_t s = reader->first_standard; s < reader->config->n_standards; s++) {
		const struct config_applied *applied = &reader->applied[s];
		const struct catalogue *catalogue;
		struct law law;

		if (applied->bad || !applied->all)
			continue;
		catalogue = law_catalogue(reader, s);
		for (size_t i = 0; i < catalogue->n_parameters && r == 0; i++)
			if (law_figure_in(reader, s, &catalogue->parameters[i], &law))
				r = add_parameter(reader, &law);
	}
	return r;
}
