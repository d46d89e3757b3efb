/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/config_alarm.h"
#include "core/config_limit.h"
#include "core/config_names.h"
#include "core/window.h"

#define MARGIN 3.0 /* range to limit, Circular 10/2021/TT-BTNMT Art. 35 */

static const char *or_unknown(const char *name)
{
	return name ? name : "?";
}

/** resolve_channel() - by its name in this source. Return: its index, or n_channels */
static size_t resolve_channel(const struct config_mapping *mapping, const char *wanted)
{
	const struct config_reader *reader = mapping->reader;
	const struct config *config = reader->config;
	struct config_listing listing = {.wanted = wanted, .least = CONFIG_SUGGESTION};
	const struct config_name *found;

	if (!config_usable(mapping, "channel"))
		return config->n_channels;
	found = config_names_find(reader, KIND_CHANNEL, reader->source, wanted);
	if (found)
		return found->index;
	for (size_t i = reader->first_channel; i < config->n_channels; i++)
		config_names_list(&listing, config->channels[i].name);
	config_names_dangling(mapping, "channel", 0, "channel", &listing);
	return config->n_channels;
}

/** check_side() - exactly one of high and low. Return: is the bound known? */
static bool check_side(const struct config_mapping *mapping, struct limit_draft *draft)
{
	enum option_state high = config_state(mapping, "high");
	enum option_state low = config_state(mapping, "low");

	draft->limit.high = high != OPTION_ABSENT;
	draft->limit.bound = draft->limit.high ? draft->high : draft->low;
	if ((high == OPTION_ABSENT) == (low == OPTION_ABSENT)) {
		config_error(mapping, high == OPTION_ABSENT ? "high" : "low",
			     "a limit has exactly one bound; allowed: high or low, and a second "
			     "limit for the other");
		return false;
	}
	return high == OPTION_GIVEN || low == OPTION_GIVEN;
}

static const char *side_text(const struct config_limit *limit)
{
	return limit->high ? "high" : "low";
}

/** check_bound() - a bound that the instrument cannot reach never raises, or never clears */
static void check_bound(const struct config_mapping *mapping, const struct config_limit *limit,
			const struct config_channel *channel)
{
	const struct decode *decode = &channel->decode;
	double clears = limit->high ? limit->bound - limit->deadband
				    : limit->bound + limit->deadband;

	if (limit->bound < decode->min || limit->bound > decode->max)
		config_error(mapping, side_text(limit),
			     "the bound %g of \"%s\" is outside the channel's range; allowed: "
			     "%g to %g",
			     limit->bound, or_unknown(channel->name), decode->min, decode->max);
	else if (limit->deadband >= 0 && (clears < decode->min || clears > decode->max))
		config_error(mapping, "deadband",
			     "the alarm could never clear, at %g it is outside the channel's "
			     "range; allowed: a deadband up to %g",
			     clears,
			     limit->high ? limit->bound - decode->min : decode->max - limit->bound);
}

/**
 * check_margin() - Circular 10/2021 Art. 35 wants a range of three times the limit
 *
 * Said of concentrations; pH, temperature and flow are not held against it.
 */
static void check_margin(const struct config_mapping *mapping, const struct config_limit *limit,
			 const struct config_channel *channel)
{
	static const char *const masses[] = {"mg/", "g/", "ug/", "µg/", "ng/"};
	bool concentration = false;

	for (size_t i = 0; channel->measure && i < ARRAY_SIZE(masses); i++)
		concentration |= strncmp(channel->measure, masses[i], strlen(masses[i])) == 0;
	if (concentration && limit->high && limit->class == CLASS_LIMIT &&
	    channel->decode.max < MARGIN * limit->bound)
		config_warning(mapping, "high",
			       "the range of \"%s\" ends at %g, below three times the limit of %g; "
			       "Circular 10/2021/TT-BTNMT Art. 35 asks for %g or more",
			       or_unknown(channel->name), channel->decode.max, limit->bound,
			       MARGIN * limit->bound);
}

/** check_window() - a window with less than one value in it has no mean */
static void check_window(const struct config_mapping *mapping, const struct config_limit *limit,
			 const struct config_channel *channel)
{
	static const struct {
		enum window_length window;
		const char *rarely;
	} windows[] = {
		[LIMIT_ON_MEAN_1MIN] = {WINDOW_1MIN, "less than once a minute"},
		[LIMIT_ON_MEAN_5MIN] = {WINDOW_5MIN, "less than once in five minutes"},
		[LIMIT_ON_MEAN_1H] = {WINDOW_1H, "less than once an hour"},
		[LIMIT_ON_MEAN_24H] = {WINDOW_24H, "less than once a day"},
	};
	enum window_length window = windows[limit->on].window;

	if (limit->on == LIMIT_ON_VALUE || channel->interval_ms <= window_ms(window))
		return;
	config_error(mapping, "on",
		     "the channel is read %s, so a window of %s has no mean; allowed: \"value\", a "
		     "longer window, or a unit with an interval of at most %s",
		     windows[limit->on].rarely, window_text(window), window_text(window));
}

/** check_own() - what only a limit without a standard's parameter must say */
static bool check_own(const struct config_mapping *mapping, struct limit_draft *draft)
{
	static const char *const keys[] = {"standard", "side", "percent"};
	enum option_state origin = config_state(mapping, "origin");
	bool no_origin = origin == OPTION_ABSENT ||
			 (origin == OPTION_GIVEN && !*draft->limit.origin);

	if (config_state(mapping, "class") == OPTION_ABSENT)
		config_lacking(mapping, "class");
	if (config_usable(mapping, "class") && draft->limit.class != CLASS_WARNING && no_origin)
		config_error(mapping, "origin",
			     "this limit has no \"origin\"; a limit of class limit or emergency "
			     "must say where its number comes from, such as \"permit 123/GPMT, "
			     "annex 2\"");
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (config_state(mapping, keys[i]) != OPTION_ABSENT)
			config_error(mapping, keys[i],
				     "it says something about a parameter, and none is named; "
				     "allowed: with \"parameter\"");
	return check_side(mapping, draft);
}

/* where its number is said; a standard's stands nowhere in the file */
static const char *bound_key(const struct config_mapping *mapping, const struct config_limit *limit)
{
	return config_state(mapping, side_text(limit)) != OPTION_ABSENT ? side_text(limit)
									: "parameter";
}

static bool is_inside(const struct config_limit *limit, const struct config_limit *other)
{
	return limit->high ? limit->bound < other->bound : limit->bound > other->bound;
}

/* two limits of one channel on the same value or mean, of which neither waits for a condition */
static void check_pair(const struct config_mapping *mapping, const struct config_limit *limit,
		       const struct config_limit *other)
{
	const struct config_limit *high = limit->high ? limit : other;
	const struct config_limit *low = limit->high ? other : limit;
	const struct config_limit *worse = limit->class > other->class ? limit : other;
	const struct config_limit *milder = limit->class > other->class ? other : limit;

	if (limit->high != other->high && low->bound >= high->bound)
		config_error(mapping, bound_key(mapping, limit),
			     "with \"%s\" the channel may not be below %g nor above %g, so one of "
			     "the two would always stand; allowed: a low bound below the high one",
			     other->path, low->bound, high->bound);
	else if (limit->high == other->high && worse->class != milder->class &&
		 is_inside(worse, milder))
		config_warning(mapping, bound_key(mapping, limit),
			       "the bound %g of class %s is reached before that of class %s, which "
			       "is %g; \"%s\" has the other",
			       worse->bound, limit_class_text(worse->class),
			       limit_class_text(milder->class), milder->bound, other->path);
}

static void check_others(const struct config_mapping *mapping, const struct config_limit *limit)
{
	const struct config *config = mapping->reader->config;

	for (size_t i = 0; i < config->n_limits && !limit->alarm.conditional; i++) {
		const struct config_limit *other = &config->limits[i];

		if (other->channel == limit->channel && other->on == limit->on &&
		    !other->alarm.conditional)
			check_pair(mapping, limit, other);
	}
}

static void check_limit(const struct config_mapping *mapping, struct config_limit *limit,
			const struct config_channel *channel, bool bounded)
{
	bool classed = config_usable(mapping, "class") || *limit->parameter;

	if (channel && (config_usable(mapping, "on") || *limit->parameter))
		check_window(mapping, limit, channel);
	if (config_usable(mapping, "deadband") && limit->deadband < 0)
		config_error(mapping, "deadband", "a deadband is a distance; allowed: 0 or more");
	if (!bounded || !config_usable(mapping, "deadband") || !channel ||
	    !(channel->decode.min < channel->decode.max))
		return;
	check_bound(mapping, limit, channel);
	if (classed)
		check_margin(mapping, limit, channel);
}

static int name_limit(const struct config_mapping *mapping, struct config_limit *limit,
		      const struct config_channel *channel)
{
	char standard[CONFIG_NAME_MAX + 1];

	(void)snprintf(standard, sizeof(standard), "%s-%s", limit_class_text(limit->class),
		       side_text(limit));
	if (config_state(mapping, "name") == OPTION_ABSENT &&
	    (config_usable(mapping, "class") || *limit->parameter) &&
	    config_default_text(&limit->name, standard) < 0)
		return -ENOMEM;
	if (asprintf(&limit->path, "%s/%s", channel ? channel->path : "?",
		     or_unknown(limit->name)) < 0) {
		limit->path = NULL;
		return -ENOMEM;
	}
	return 0;
}

/** is_own() - is the number the file's, or a standard's of this source? */
static bool is_own(const struct config_mapping *mapping)
{
	const struct config_reader *reader = mapping->reader;

	if (config_state(mapping, "parameter") != OPTION_ABSENT)
		return false;
	return config_state(mapping, "high") != OPTION_ABSENT ||
	       config_state(mapping, "low") != OPTION_ABSENT ||
	       reader->config->n_standards == reader->first_standard;
}

/** resolve_bound() - the number, its own or the standard's. Return: as config_law_limit().
 * @ret_bounded: number, class and window are known */
static int resolve_bound(const struct config_mapping *mapping, struct limit_draft *draft, size_t i,
			 bool *ret_other, bool *ret_bounded)
{
	const struct config *config = mapping->reader->config;
	struct config_limit *limit = &draft->limit;
	const struct config_channel *channel = i < config->n_channels ? &config->channels[i] : NULL;
	bool own = is_own(mapping), bounded;
	int r = 0;

	if (!own && config_given(mapping, "replaces-law"))
		config_error(mapping, "replaces-law",
			     "the number is the standard's own; allowed: with high or low");
	if (own)
		bounded = check_own(mapping, draft);
	else
		bounded = (r = config_law_limit(mapping, draft, i, ret_other)) == 0;
	if (r == 0)
		check_limit(mapping, limit, channel, bounded);
	*ret_bounded = r == 0 && channel && bounded &&
		       (!own || (config_usable(mapping, "class") && config_usable(mapping, "on")));
	if (r == 0 && own && channel && bounded && config_usable(mapping, "class"))
		r = config_law_override(mapping, limit, i);
	return r;
}

int config_finish_limit(struct config_mapping *mapping, void *data)
{
	struct config *config = mapping->reader->config;
	struct limit_draft *draft = data;
	struct config_limit *limit = &draft->limit;
	size_t i = resolve_channel(mapping, draft->channel);
	bool other = false, bounded = false;
	int r;

	limit->standard = CONFIG_NO_STANDARD;
	limit->channel = i;
	limit->line = mapping->node->line;
	limit->column = mapping->node->column;
	r = resolve_bound(mapping, draft, i, &other, &bounded);
	config_check_alarm(mapping, draft); /* the window may be that of the standard */
	if (bounded)
		check_others(mapping, limit);
	if (r == 0)
		r = config_default_text(&limit->arithmetic, "");
	if (r == 0)
		r = config_default_text(&limit->overrides, "");
	if (r == 0)
		r = config_default_text(&limit->beside, "");
	if (r == 0)
		r = config_default_text(&limit->doubt, "");
	if (r == 0)
		r = name_limit(mapping, limit,
			       i < config->n_channels ? &config->channels[i] : NULL);
	if (r == 0 && i < config->n_channels)
		r = config_names_claim(mapping, "name", KIND_LIMIT, i, limit->name,
				       config->n_limits);
	if (r == 0)
		r = config_append(&config->limits, &config->n_limits, limit, sizeof(*limit));
	free(limit->path); /* NULL once they have moved */
	free(limit->arithmetic);
	free(limit->overrides);
	free(limit->beside);
	free(limit->doubt);
	if (r == 0 && other)
		r = config_law_other_side(mapping);
	return r < 0 ? r : 0;
}
