/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/drill_inside.h"
#include "core/units.h"

/** struct complaint - the words for what does not fit */
struct complaint {
	char *text;
	size_t n;
};

#define SAY(complaint, ...) \
	((void)snprintf((complaint)->text, (complaint)->n, __VA_ARGS__), -EINVAL)

static size_t find_in_source(const struct config *config, size_t source, const char *name)
{
	for (size_t i = 0; i < config->n_channels; i++)
		if (config->channels[i].source == source &&
		    strcasecmp(config->channels[i].name, name) == 0)
			return i;
	return EVENT_NONE;
}

static bool is_path(const struct drill_course *course)
{
	return strchr(course->channel, '/') != NULL;
}

/* the first channel given by name that a source lacks and must have; NULL it has all */
static const char *lacking(const struct config *config, size_t source,
			   const struct drill_scenario *scenario)
{
	size_t n_found = 0;
	const char *first = NULL;

	for (size_t i = 0; i < scenario->n_courses; i++) {
		const struct drill_course *course = &scenario->courses[i];

		if (is_path(course))
			continue;
		if (find_in_source(config, source, course->channel) != EVENT_NONE)
			n_found++;
		else if (!course->may_lack)
			return course->channel;
		else if (!first)
			first = course->channel;
	}
	return n_found > 0 ? NULL : first; /* all may lack, but not all of them */
}

static bool needs_source(const struct drill_scenario *scenario)
{
	for (size_t i = 0; i < scenario->n_courses; i++)
		if (!is_path(&scenario->courses[i]))
			return true;
	return false;
}

/* the first source of the kind, in the order of the configuration, that has what it takes */
static int choose_source(struct drill *drill, const struct config *config,
			 const struct complaint *complaint)
{
	const struct drill_scenario *scenario = drill->scenario;
	const char *site = config->sites[drill->site].name, *lacks = NULL;
	size_t lacks_source = 0;

	if (!needs_source(scenario))
		return 0;
	for (size_t i = 0; i < config->n_sources; i++) {
		const struct config_source *source = &config->sources[i];
		const char *name;

		if (source->site != drill->site || source->kind != scenario->kind ||
		    (drill->source != EVENT_NONE && drill->source != i))
			continue;
		name = lacking(config, i, scenario);
		if (!name) {
			drill->source = i;
			return 0;
		}
		if (!lacks) {
			lacks = name;
			lacks_source = i;
		}
	}
	if (!lacks)
		return SAY(complaint, "%s has no source of %s waste that could play \"%s\"", site,
			   waste_kind_text(scenario->kind), scenario->name);
	return SAY(complaint,
		   "no source of %s waste of %s has the channels of \"%s\": %s has no \"%s\"; "
		   "allowed: a scenario beside the configuration, in drills/, that names its "
		   "channels",
		   waste_kind_text(scenario->kind), site, scenario->name,
		   config->sources[lacks_source].name, lacks);
}

static int convert(struct drill_feed *feed, const struct drill_course *course,
		   const struct config_channel *channel, const struct complaint *complaint)
{
	double one;

	feed->factor = 1;
	feed->offset = 0;
	if (strcmp(course->measure, channel->measure) == 0)
		return 0;
	if (unit_convert(course->measure, channel->measure, 0, &feed->offset) < 0 ||
	    unit_convert(course->measure, channel->measure, 1, &one) < 0)
		return SAY(
			complaint,
			"\"%s\" is in \"%s\" in the scenario and in \"%s\" at this site, and one "
			"does not become the other",
			channel->path, course->measure, channel->measure);
	feed->factor = one - feed->offset;
	return 0;
}

static int add_feed(struct drill *drill, const struct config *config, size_t i,
		    const struct complaint *complaint)
{
	const struct drill_course *course = &drill->scenario->courses[i];
	struct drill_feed *feed = &drill->feeds[drill->n_feeds];

	*feed = (struct drill_feed){.channel = EVENT_NONE, .course = i};
	if (!is_path(course))
		feed->channel = find_in_source(config, drill->source, course->channel);
	else if (config_channel_find(config, course->channel, &feed->channel) < 0 ||
		 config_site_of(config, feed->channel) != drill->site)
		feed->channel = EVENT_NONE;
	if (feed->channel == EVENT_NONE && course->may_lack)
		return 0;
	if (feed->channel == EVENT_NONE)
		return SAY(complaint, "%s has no channel %s, which \"%s\" plays",
			   config->sites[drill->site].name, course->channel, drill->scenario->name);
	for (size_t k = 0; k < drill->n_feeds; k++)
		if (drill->feeds[k].channel == feed->channel)
			return SAY(complaint, "\"%s\" has two courses for %s",
				   drill->scenario->name, config->channels[feed->channel].path);
	drill->n_feeds++;
	return convert(feed, course, &config->channels[feed->channel], complaint);
}

int drill_fit(struct drill *drill, const struct config *config, char *error, size_t n_error)
{
	const struct complaint complaint = {error, n_error};
	int r = choose_source(drill, config, &complaint);

	drill->n_feeds = 0;
	for (size_t i = 0; r == 0 && i < drill->scenario->n_courses; i++)
		r = add_feed(drill, config, i, &complaint);
	if (r == 0 && drill->n_feeds == 0)
		r = SAY(&complaint, "%s has none of the channels that \"%s\" plays",
			config->sites[drill->site].name, drill->scenario->name);
	return r;
}

size_t drill_site_find(const struct config *config, const char *name, size_t n_name)
{
	for (size_t i = 0; i < config->n_sites; i++)
		if (strlen(config->sites[i].name) == n_name &&
		    strncmp(config->sites[i].name, name, n_name) == 0)
			return i;
	return EVENT_NONE;
}

/* what is derived of a channel that the drill plays is the drill's, too */
static void mark_derived(struct core *core)
{
	for (size_t i = 0; i < core->n_derived; i++) {
		const struct config_channel *made = &core->config->channels[core->derived[i]];
		struct core_channel *state = &core->channels[core->derived[i]];

		for (size_t k = 0; k < made->n_inputs && state->idle; k++)
			if (!core->channels[made->inputs[k]].idle) {
				state->idle = false;
				state->given = false;
			}
	}
}

void drill_mark(struct drill *drill, const struct core *real)
{
	struct core *core = drill->core;

	for (size_t i = 0; i < core->config->n_channels; i++) {
		core->channels[i].idle = true;
		core->channels[i].given = real->channels[i].given;
	}
	for (size_t i = 0; i < drill->n_feeds; i++) {
		core->channels[drill->feeds[i].channel].idle = false;
		core->channels[drill->feeds[i].channel].given = true;
	}
	mark_derived(core);
}

int drill_make_core(struct drill *drill, const struct core *real)
{
	size_t n = real->config->n_channels;
	struct core *core;
	int r = core_new(&drill->core, real->config, real->plan, &drill->batch);

	if (r < 0)
		return r;
	core = drill->core;
	core->n_streams = real->n_streams;
	core->log = real->log;
	core->entries = real->entries;
	core->exercise = true;
	memcpy(core->log_id, real->log_id, sizeof(core->log_id));
	memcpy(core->interval_ms, real->interval_ms, n * sizeof(*core->interval_ms));
	memcpy(core->expected, real->expected, n * sizeof(*core->expected));
	memcpy(core->lost_after_ms, real->lost_after_ms, n * sizeof(*core->lost_after_ms));
	drill_mark(drill, real);
	return 0;
}
