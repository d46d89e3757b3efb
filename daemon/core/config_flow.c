/* SPDX-License-Identifier: Apache-2.0 */
/* a source's flow: with each of its concentrations it must make a mass flow */
#include <errno.h>

#include "core/config_channel.h"
#include "core/units.h"

static const char *or_none(const char *text)
{
	return text && *text ? text : "none";
}

/* does a limit that opens incidents stand above it? */
static bool is_limited(const struct config *config, size_t channel)
{
	for (size_t i = config->n_limits; i > 0; i--) {
		const struct config_limit *limit = &config->limits[i - 1];

		if (limit->channel == channel && limit->high && limit->class >= CLASS_LIMIT)
			return true;
	}
	return false;
}

static void check_concentration(const struct config_mapping *mapping,
				struct config_channel *channel, const struct config_channel *flow)
{
	struct config *config = mapping->reader->config;
	struct unit unit;

	if (unit_parse(channel->measure, &unit) < 0)
		return;
	if (unit.dimension == UNIT_VOLUME_FRACTION && unit.factor < 1e-2 &&
	    is_limited(config, (size_t)(channel - config->channels)))
		config_warning(mapping, "flow",
			       "the mass of \"%s\" is not reckoned: \"%s\" is a volume fraction, "
			       "which makes no mass without the gas; give it in mg/Nm3",
			       channel->name, channel->measure);
	if (unit.dimension != UNIT_CONCENTRATION && unit.dimension != UNIT_GAS_CONCENTRATION)
		return;
	if (unit_mass_flow(channel->measure, flow->measure, &channel->mass_factor) < 0)
		config_error(mapping, "flow",
			     "\"%s\" in %s and \"%s\" in %s make no mass flow; allowed: mg/l with "
			     "m3/h and the like, mg/Nm3 with Nm3/h, mg/m3 with m3/h",
			     channel->name, channel->measure, flow->name, flow->measure);
}

int config_find_flow(struct config_mapping *mapping)
{
	const struct config_reader *reader = mapping->reader;
	struct config *config = reader->config;
	const struct config_channel *flow;
	struct unit unit;
	size_t i;

	if (!config_given(mapping, "flow") ||
	    !config_resolve_own(mapping, "flow", 0, "channel", config_scalar(mapping, "flow"), &i))
		return 0;
	flow = &config->channels[i];
	if (unit_parse(flow->measure ? flow->measure : "", &unit) < 0 ||
	    (unit.dimension != UNIT_FLOW && unit.dimension != UNIT_GAS_FLOW)) {
		config_error(mapping, "flow",
			     "the unit of \"%s\" is no flow (%s); allowed: a channel in m3/h, l/s, "
			     "Nm3/h or the like",
			     flow->name, or_none(flow->measure));
		return 0;
	}
	config->sources[reader->source].flow = i;
	for (i = reader->first_channel; i < config->n_channels; i++)
		if (config->channels[i].name && config->channels[i].measure)
			check_concentration(mapping, &config->channels[i], flow);
	return 0;
}
