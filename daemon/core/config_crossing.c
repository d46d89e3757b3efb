/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/config_names.h"
#include "core/config_reference.h"

#define NAMES_MAX 160 /* of parameters in one warning; more are cut off */

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
	if (!unit_is_concentration(channel->measure, threshold->in_air))
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

	if (release->only_measures || release->inbound_from != CONFIG_NONE)
		return false; /* it measures what comes from elsewhere */
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
	else if (config->sources[source].release.only_measures)
		config_report_error(
			reader->report, reference->file, reference->line, reference->column,
			"%s lets nothing go (discharges: no), so nothing comes from it; "
			"allowed: a source that discharges",
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

/** releases() - a source whose breach of a limit of the law is an incident that is assessed */
static bool releases(const struct config *config, size_t source)
{
	for (size_t i = 0; i < config->n_limits; i++)
		if (config->limits[i].class >= CLASS_LIMIT &&
		    config->channels[config->limits[i].channel].source == source)
			return !config->sources[source].release.only_measures &&
			       config->sources[source].release.inbound_from == CONFIG_NONE;
	return false;
}

/** warn_no_river() - where what flows out goes to, nobody has said */
static void warn_no_river(const struct config_reader *reader, size_t source)
{
	const struct config_source *s = &reader->config->sources[source];
	const struct config_name *name = config_names_find(reader, KIND_SOURCE, s->site, s->name);

	if (!name || !config_lacks_river(s))
		return;
	config_report_warning(
		reader->report, name->file, name->line, name->column,
		"nobody knows where \"%s\" flows to: whether its water reaches a "
		"boundary or receptor is not assessed; allowed: \"river\" and \"at-km\" "
		"of it, or \"discharges: no\" where it lets nothing go",
		s->name);
}

/** warn_nowhere() - what has no place is how far from anything? A slide's place counts, too */
static void warn_nowhere(const struct config_reader *reader, size_t source)
{
	const struct config_source *s = &reader->config->sources[source];
	const struct config_name *name = config_names_find(reader, KIND_SOURCE, s->site, s->name);

	if (!name || !isnan(s->release.place.lat_deg) ||
	    (s->kind != WASTE_GAS && !(s->kind == WASTE_SOLID && !isnan(s->release.drop_m))))
		return;
	config_report_warning(
		reader->report, name->file, name->line, name->column,
		"nobody knows where \"%s\" is: whether its %s reaches a boundary or "
		"receptor is not assessed; allowed: \"position\" of it or of the site",
		s->name, s->kind == WASTE_GAS ? "gas" : "slide");
}

/** can_reach() - is there a way from a source to a target that takes a concentration there? */
static bool can_reach(const struct config *config, const struct config_source *source,
		      const struct config_target *target)
{
	size_t index = (size_t)(target - config->crossing.targets);
	struct boundary_hit hit;

	if (source->kind != WASTE_GAS)
		return source->release.river != CONFIG_NONE &&
		       flows_to(config, &source->release, index);
	if (isnan(source->release.place.lat_deg))
		return false;
	if (!target->line)
		return !isnan(target->place.lat_deg);
	return boundary_nearest(target->line, source->release.place, &hit) == 0 &&
	       hit.distance_m <= config->crossing.reach_m;
}

/** is_fit() - is any threshold of a target about a channel of a source? */
static bool is_fit(const struct config *config, size_t source, const struct config_target *target)
{
	for (size_t i = 0; i < target->n_thresholds; i++)
		for (size_t j = 0; j < config->n_channels; j++)
			if (config->channels[j].source == source &&
			    is_judged_by(&config->sources[source], &config->channels[j],
					 &config->crossing.thresholds[target->first_threshold + i]))
				return true;
	return false;
}

static bool has_threshold(const struct config *config, const struct config_target *target,
			  const struct config_channel *channel)
{
	for (size_t i = 0; i < target->n_thresholds; i++)
		if (is_judged_by(&config->sources[channel->source], channel,
				 &config->crossing.thresholds[target->first_threshold + i]))
			return true;
	return false;
}

/** has_legal_limit() - on it, or on what is derived of it and has no threshold of its own */
static bool has_legal_limit(const struct config *config, const struct config_target *target,
			    size_t channel)
{
	for (size_t i = 0; i < config->n_limits; i++) {
		size_t limited = config->limits[i].channel;

		if (config_measured_as(config, limited) == channel &&
		    config->limits[i].class >= CLASS_LIMIT &&
		    (limited == channel ||
		     !has_threshold(config, target, &config->channels[limited])))
			return true;
	}
	return false;
}

/** unjudged() - "CO, NOx": what a source has limits of and a target no threshold. Of what is no
 * concentration there can be none. Return: how many */
static size_t unjudged(const struct config *config, size_t source,
		       const struct config_target *target, char *names, size_t room)
{
	bool gas = config->sources[source].kind == WASTE_GAS;
	size_t n = 0, length = 0;

	names[0] = '\0';
	for (size_t i = 0; i < config->n_channels; i++) {
		const struct config_channel *channel = &config->channels[i];

		if (channel->source != source || !has_legal_limit(config, target, i) ||
		    !unit_is_concentration(channel->measure, gas) ||
		    has_threshold(config, target, channel))
			continue;
		n++;
		if (length < room)
			length += (size_t)snprintf(names + length, room - length, "%s%s",
						   length > 0 ? ", " : "", channel->name);
	}
	return n;
}

/** warn_unjudged() - what is broken there may matter here, and nobody has said from what on.
 * Return: is it so? */
static bool warn_unjudged(const struct config_reader *reader, size_t source, size_t index)
{
	const struct config *config = reader->config;
	const struct config_target *target = &config->crossing.targets[index];
	const struct config_source *s = &config->sources[source];
	const struct config_name *name = config_names_find(reader, KIND_TARGET, 0, target->name);
	const char *medium = s->kind == WASTE_GAS ? "air" : "water";
	char names[NAMES_MAX];

	if (!name || !can_reach(config, s, target) ||
	    unjudged(config, source, target, names, sizeof(names)) == 0)
		return false;
	config_report_warning(
		reader->report, name->file, name->line, name->column,
		"%s/%s has limits of %s, which can come here by %s, and no threshold "
		"here is about that: a breach is told as possible here, not assessed; "
		"allowed: a threshold \"in: %s\" for each",
		config->sites[s->site].name, s->name, names, medium, medium);
	return true;
}

/** warn_unfit() - of what comes from there nobody can say whether it matters here */
static void warn_unfit(const struct config_reader *reader, size_t source, size_t index)
{
	const struct config *config = reader->config;
	const struct config_target *target = &config->crossing.targets[index];
	const struct config_source *s = &config->sources[source];
	const struct config_name *name = config_names_find(reader, KIND_TARGET, 0, target->name);

	if (!name || target->n_thresholds == 0 || !can_reach(config, s, target) ||
	    is_fit(config, source, target))
		return;
	config_report_warning(reader->report, name->file, name->line, name->column,
			      "what %s/%s lets go can come here by %s, and no threshold here is "
			      "about anything that is measured there: only the way is told; "
			      "allowed: one \"in: %s\" with a channel of it as \"parameter\"",
			      config->sites[s->site].name, s->name,
			      s->kind == WASTE_GAS ? "air" : "water",
			      s->kind == WASTE_GAS ? "air" : "water");
}

/** warn_flowless() - what nobody measures is possible at most, however much of it there is: the
 * level stays. At the line itself the place is enough; leachate is reckoned from the rain. */
static void warn_flowless(const struct config_reader *reader, size_t source)
{
	const struct config *config = reader->config;
	const struct config_source *s = &config->sources[source];
	const struct config_name *name = config_names_find(reader, KIND_SOURCE, s->site, s->name);

	if (!name || s->flow != CONFIG_NONE || !isnan(s->release.leachate_area_m2) ||
	    config->crossing.counts <= VERDICT_POSSIBLE)
		return;
	for (size_t i = 0; i < config->crossing.n_targets; i++) {
		const struct config_target *target = &config->crossing.targets[i];

		if (target->kind == TARGET_RECEPTOR || !can_reach(config, s, target))
			continue;
		config_report_warning(
			reader->report, name->file, name->line, name->column,
			"how much comes from \"%s\" is not measured: that it crosses \"%s\" is "
			"never more than possible, which raises no level; allowed: \"flow\", the "
			"name of a channel that measures it",
			s->name, target->name);
		return; /* one is enough */
	}
}

static void check_ways(const struct config_reader *reader)
{
	const struct config *config = reader->config;

	for (size_t i = 0; config->crossing.n_targets > 0 && i < config->n_sources; i++) {
		if (!releases(config, i))
			continue;
		warn_nowhere(reader, i);
		warn_no_river(reader, i);
		warn_flowless(reader, i);
		for (size_t j = 0; j < config->crossing.n_targets; j++)
			if (!warn_unjudged(reader, i, j))
				warn_unfit(reader, i, j);
	}
}

void config_check_crossing(struct config_reader *reader)
{
	const struct config *config = reader->config;
	const struct config_crossing *crossing = &config->crossing;

	check_references(reader);
	check_ways(reader);
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
