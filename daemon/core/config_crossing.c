/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
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

/** flows_to() - does what the source releases come by a target? */
static bool flows_to(const struct config *config, const struct config_release *release,
		     size_t target)
{
	for (size_t i = 0; i < config->crossing.n_passages; i++) {
		const struct config_passage *passage = &config->crossing.passages[i];

		if (passage->target == target && passage->river == release->river &&
		    passage->at_m > release->at_m)
			return true;
	}
	return false;
}

/** releases_to() - is a source, as configured, one whose waste reaches the target? */
static bool releases_to(const struct config *config, const struct config_source *source,
			const struct config_threshold *threshold)
{
	const struct config_release *release = &source->release;

	if (release->inbound_from != CONFIG_NONE)
		return false; /* it measures what comes from beyond */
	if (threshold->in_air)
		return source->kind == WASTE_GAS &&
		       (source->flow != CONFIG_NONE || !isnan(release->stack_height_m));
	return source->kind != WASTE_GAS && release->river != CONFIG_NONE &&
	       flows_to(config, release, threshold->target);
}

/** check_measured_by() - what is let go is measured there whether or not it arrives */
static void check_measured_by(const struct config_reader *reader,
			      const struct config_reference *reference)
{
	const struct config *config = reader->config;
	const struct config_threshold *threshold = &config->crossing.thresholds[reference->index];
	const struct config_channel *channel = &config->channels[threshold->measured_by];

	if (!releases_to(config, &config->sources[channel->source], threshold))
		return;
	config_report_error(
		reader->report, reference->file, reference->line, reference->column,
		"%s is at the source whose release it is to confirm; allowed: a channel "
		"that measures %s at \"%s\" itself",
		channel->path, threshold->parameter,
		config->crossing.targets[threshold->target].name);
}

/** station_of() - the source that has an entry of "upstream" */
static size_t station_of(const struct config *config, size_t upstream)
{
	for (size_t i = 0; i < config->n_sources; i++) {
		const struct config_release *release = &config->sources[i].release;

		if (upstream >= release->first_upstream &&
		    upstream - release->first_upstream < release->n_upstream)
			return i;
	}
	return CONFIG_NONE;
}

/** check_upstream() - water comes from what is liquid or solid, air from gas */
static void check_upstream(const struct config_reader *reader,
			   const struct config_reference *reference)
{
	const struct config *config = reader->config;
	size_t station = station_of(config, reference->index);
	size_t source = config->crossing.upstream[reference->index].source;
	enum waste_kind here, there;

	if (station == CONFIG_NONE)
		return;
	here = config->sources[station].kind;
	there = config->sources[source].kind;
	if (station == source)
		config_report_error(reader->report, reference->file, reference->line,
				    reference->column,
				    "%s is this station itself; allowed: another source, whose "
				    "water or air it gets",
				    reference->path);
	else if ((here == WASTE_GAS) != (there == WASTE_GAS))
		config_report_error(reader->report, reference->file, reference->line,
				    reference->column,
				    "%s is of kind %s, and this station of kind %s; allowed: %s",
				    reference->path, waste_kind_text(there), waste_kind_text(here),
				    here == WASTE_GAS ? "a source of kind gas"
						      : "a source of kind liquid or solid");
}

static void check_references(const struct config_reader *reader)
{
	for (size_t i = 0; i < reader->n_references; i++) {
		const struct config_reference *reference = &reader->references[i];

		if (reference->by == BY_THRESHOLD)
			check_measured_by(reader, reference);
		else if (reference->by == BY_UPSTREAM)
			check_upstream(reader, reference);
	}
}

/** warn_unmeasured() - a threshold that nothing is ever held against */
static void warn_unmeasured(const struct config_reader *reader,
			    const struct config_threshold *threshold)
{
	config_report_warning(reader->report, reader->files[0], threshold->parameter_line,
			      threshold->parameter_column,
			      "no source of kind %s has a channel \"%s\": nothing is ever held "
			      "against this threshold; allowed: the name of such a channel",
			      threshold->in_air ? "gas" : "liquid or solid", threshold->parameter);
}

void config_check_crossing(struct config_reader *reader)
{
	const struct config *config = reader->config;
	const struct config_crossing *crossing = &config->crossing;

	check_references(reader);
	for (size_t i = 0; i < crossing->n_thresholds; i++) {
		bool is_measured = false;

		for (size_t j = 0; j < config->n_channels; j++) {
			const struct config_channel *channel = &config->channels[j];
			const struct config_source *source = &config->sources[channel->source];

			if (!is_judged_by(source, channel, &crossing->thresholds[i]))
				continue;
			is_measured = true;
			check_channel(reader, &crossing->thresholds[i], channel);
		}
		if (!is_measured)
			warn_unmeasured(reader, &crossing->thresholds[i]);
	}
}
