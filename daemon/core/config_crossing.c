/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "core/config_reference.h"

/** is_judged_by() - can what this source releases be held against the threshold? */
static bool is_judged_by(const struct config_source *source, const struct config_channel *channel,
			 const struct config_threshold *threshold)
{
	return strcmp(channel->name, threshold->parameter) == 0 &&
	       threshold->in_air == (source->kind == WASTE_GAS);
}

static void report(const struct config_reader *reader, const struct config_threshold *threshold,
		   const char *what, const struct config_channel *channel, const char *flow)
{
	config_report_error(
		reader->report, reader->files[0], threshold->line, threshold->column,
		"%s in \"%s\"%s%s%s %s; allowed: %s", channel->path, channel->measure,
		flow ? " and its flow in \"" : "", flow ? flow : "", flow ? "\"" : "", what,
		threshold->in_air ? "mg/m3 with m3/h, or mg/Nm3 with Nm3/h"
				  : "a concentration in water, such as mg/l, with m3/h");
}

/** check_channel() - a concentration and its flow must make a mass flow, or mix into a river */
static void check_channel(const struct config_reader *reader,
			  const struct config_threshold *threshold,
			  const struct config_source *source, const struct config_channel *channel)
{
	const struct config *config = reader->config;
	const char *flow = source->flow == CONFIG_NONE ? NULL
						       : config->channels[source->flow].measure;
	double value;

	if (!threshold->in_air && unit_convert(channel->measure, "mg/l", 0, &value) < 0)
		report(reader, threshold, "cannot be held against this threshold", channel, NULL);
	else if (flow && unit_mass_flow(channel->measure, flow, &value) < 0)
		report(reader, threshold, "make no mass flow", channel, flow);
}

void config_check_crossing(struct config_reader *reader)
{
	const struct config *config = reader->config;
	const struct config_crossing *crossing = &config->crossing;

	for (size_t i = 0; i < crossing->n_thresholds; i++)
		for (size_t j = 0; j < config->n_channels; j++) {
			const struct config_channel *channel = &config->channels[j];
			const struct config_source *source = &config->sources[channel->source];

			if (is_judged_by(source, channel, &crossing->thresholds[i]))
				check_channel(reader, &crossing->thresholds[i], source, channel);
		}
}
