/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "core/config_alarm.h"
#include "core/config_channel.h"
#include "core/config_names.h"
#include "core/window.h"

static void check_count(const struct config_mapping *mapping, const struct config_limit *limit)
{
	bool within = config_state(mapping, "within") != OPTION_ABSENT;
	int64_t least_ms = limit->on == LIMIT_ON_VALUE ? 0
						       : window_ms((enum window_length)(
								 limit->on - LIMIT_ON_MEAN_1MIN)) *
								 limit->alarm.count;

	if (!config_usable(mapping, "count"))
		return;
	if (limit->alarm.count > 1 && !within)
		config_error(mapping, "count",
			     "it does not say within what time %u times; allowed: with within, "
			     "such as \"within: "
			     "10min\"",
			     limit->alarm.count);
	else if (limit->alarm.count <= 1 && within)
		config_error(mapping, "within",
			     "it does not say how many times; allowed: with a count of 2 to %d",
			     ALARM_COUNT_MAX);
	else if (within && config_usable(mapping, "within") && config_usable(mapping, "on") &&
		 (int64_t)limit->alarm.within_ms < least_ms)
		config_error(mapping, "within",
			     "so many windows do not fit into it; allowed: %lld min or more",
			     (long long)(least_ms / MS_PER_MIN));
}

static void check_condition(const struct config_mapping *mapping, struct limit_draft *draft)
{
	struct config_condition condition = {.wanted = draft->enabled_by,
					     .above = draft->enabled_above,
					     .below = draft->enabled_below,
					     .what = "channel"};

	config_check_condition(mapping, &condition);
	draft->limit.alarm.conditional = condition.holds;
	draft->limit.alarm.enabled_above = condition.is_above;
	draft->limit.alarm.enabled_by = condition.by;
	draft->limit.alarm.enabled_bound = condition.bound;
}

/* the next part of a path, up to "/" or the end. Return: false: too long for a name. */
static bool next_part(const char **path, char part[static CONFIG_NAME_MAX + 1])
{
	size_t n = strcspn(*path, "/");

	if (n > CONFIG_NAME_MAX)
		return false;
	memcpy(part, *path, n);
	part[n] = '\0';
	*path += n + ((*path)[n] == '/');
	return true;
}

/* LIMIT, CHANNEL/LIMIT or SITE/SOURCE/CHANNEL/LIMIT */
static const struct config_name *find_limit(const struct config_reader *reader, size_t channel,
					    const char *path)
{
	static const enum config_kind kinds[] = {KIND_SITE, KIND_SOURCE, KIND_CHANNEL, KIND_LIMIT};
	const struct config_name *found = NULL;
	char part[CONFIG_NAME_MAX + 1];
	size_t n_parts = 1, scope = 0;

	for (const char *c = path; (c = strchr(c, '/')); c++)
		n_parts++;
	if (n_parts == 1)
		scope = channel;
	else if (n_parts == 2)
		scope = reader->source;
	else if (n_parts != 4)
		return NULL;
	for (size_t i = 4 - n_parts; i < 4; i++) {
		found = next_part(&path, part) ? config_names_find(reader, kinds[i], scope, part)
					       : NULL;
		if (!found)
			return NULL;
		scope = found->index;
	}
	return found;
}

static void report_no_limit(const struct config_mapping *mapping, const char *wanted)
{
	const struct config_reader *reader = mapping->reader;
	const struct config *config = reader->config;
	struct config_listing listing = {.wanted = wanted, .least = CONFIG_SUGGESTION};

	for (size_t i = 0; i < config->n_limits; i++) {
		const struct config_limit *limit = &config->limits[i];

		if (limit->channel < config->n_channels &&
		    config->channels[limit->channel].source == reader->source)
			config_names_list(&listing, limit->path);
	}
	if (listing.n == 0)
		config_error(mapping, "suppressed-by",
			     "no limit of this source stands before this one; allowed: a limit "
			     "that does, or the whole path SITE/SOURCE/CHANNEL/LIMIT of one");
	config_names_dangling(mapping, "suppressed-by", 0, "limit before this one", &listing);
}

/* what stands before cannot refer to what comes behind it: there are no circles */
static void check_parent(const struct config_mapping *mapping, struct limit_draft *draft)
{
	struct config_limit *limit = &draft->limit;
	const struct config_name *found;
	const struct config_limit *parent;

	if (!config_given(mapping, "suppressed-by"))
		return;
	found = find_limit(mapping->reader, limit->channel, draft->suppressed_by);
	if (!found) {
		report_no_limit(mapping, draft->suppressed_by);
		return;
	}
	limit->alarm.suppressible = true;
	limit->alarm.suppressed_by = found->index;
	parent = &mapping->reader->config->limits[found->index];
	if (config_usable(mapping, "class") && limit->class > parent->class)
		config_error(mapping, "suppressed-by",
			     "\"%s\" is of class %s, and would hide one of class %s; allowed: a "
			     "limit of class %s%s",
			     draft->suppressed_by, limit_class_text(parent->class),
			     limit_class_text(limit->class), limit_class_text(limit->class),
			     limit->class < CLASS_EMERGENCY ? " or worse" : "");
	else if (config_usable(mapping, "class") && limit->class != CLASS_WARNING)
		config_warning(mapping, "suppressed-by",
			       "a limit of class %s that is broken while \"%s\" stands opens no "
			       "incident of its own until that is over",
			       limit_class_text(limit->class), draft->suppressed_by);
}

/*
 * A mean of an hour or a day comes once a window. With a delay the next window has to break the
 * limit, too, and has to be in order before it clears: a day each. So it is said, and not the
 * default.
 */
static void check_delays(const struct config_mapping *mapping, struct config_limit *limit)
{
	if (limit->on < LIMIT_ON_MEAN_1H || !config_usable(mapping, "on"))
		return;
	if (!config_given(mapping, "clear-delay"))
		limit->clear_delay_ms = 0;
	if (config_given(mapping, "raise-delay") && limit->raise_delay_ms > 0)
		config_warning(
			mapping, "raise-delay",
			"with a delay the first mean beyond the limit raises nothing, the next "
			"one has to be beyond it, too; leave it out");
}

void config_check_alarm(const struct config_mapping *mapping, struct limit_draft *draft)
{
	check_count(mapping, &draft->limit);
	check_delays(mapping, &draft->limit);
	check_condition(mapping, draft);
	check_parent(mapping, draft);
}
