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

/** check_channel() - a concentration must be one that mixes into a river, or a mass in air. That
 * it makes a mass flow with its source's flow has been checked there. */
static void check_channel(const struct config_reader *reader,
			  const struct config_threshold *threshold,
			  const struct config_channel *channel)
{
	struct unit unit;
	bool fits = unit_parse(channel->measure, &unit) == 0 &&
		    (unit.dimension == UNIT_CONCENTRATION ||
		     (threshold->in_air && unit.dimension == UNIT_GAS_CONCENTRATION));

	if (!fits)
		config_report_error(reader->report, reader->files[0], threshold->line,
				    threshold->column,
				    "%s in \"%s\" cannot be held against this threshold; allowed: "
				    "%s",
				    channel->path, channel->measure,
				    threshold->in_air ? "a concentration such as mg/m3 or mg/Nm3"
						      : "a concentration such as mg/l");
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
				check_channel(reader, &crossing->thresholds[i], channel);
		}
}
