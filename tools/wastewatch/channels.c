/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every channel with its last value, how good that is, what it is held to and what stands: from the
 * daemon where it runs, else the last minute on record. What it is held to comes from the
 * configuration's files.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/macro.h"
#include "core/config.h"
#include "core/event.h"
#include "core/fields.h"
#include "core/history.h"
#include "core/limit.h"
#include "tools/command.h"
#include "tools/lines.h"
#include "tools/live.h"
#include "tools/say.h"
#include "tools/scrub.h"
#include "tools/term.h"

#define NAME_WIDTH 30
#define AGE_MS	   5000 /* a good value older than this shows its age */

/** struct listing - @channels: what is to be shown; @alarms: path to condition, those not at rest
 */
struct listing {
	const struct command_options *options;
	struct history *history;
	json_t *channels;
	json_t *alarms;
	int64_t n_watched;
	int64_t now_ms;
	int zone_min;
};

static int64_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static bool is_good(const json_t *channel)
{
	return strcmp(field_text(channel, "quality"), "good") == 0;
}

/* --- what there is ---------------------------------------------------------------------- */

static bool is_wanted(const struct listing *listing, const char *path)
{
	const char *word = listing->options->argument;

	return !word || strncmp(path, word, strlen(word)) == 0;
}

static void take_live(struct listing *listing, const json_t *live)
{
	json_t *channel;
	size_t i;

	listing->n_watched = number(live, "channels_watched");
	json_array_foreach (json_object_get(live, "channels"), i, channel) {
		if (is_wanted(listing, field_text(channel, "channel")))
			(void)json_array_append(listing->channels, channel);
	}
}

static void take_minute(void *userdata, const struct history_window *window)
{
	json_t *channel = userdata;

	(void)json_object_set_new(channel, "quality", json_string(quality_text(window->worst)));
	if (window->n > 0)
		field_set_value(channel, "value", window->mean);
}

/* the callback of a statement that is open: what is read of each comes later */
static void take_known(void *userdata, const struct history_channel *known)
{
	struct listing *listing = userdata;
	json_t *channel;

	if (!is_wanted(listing, known->path))
		return;
	channel = json_pack("{s:s, s:s, s:b}", "channel", known->path, "unit", known->unit, "lost",
			    0);
	if (known->last_ms != INT64_MIN)
		(void)json_object_set_new(channel, "minute_ms", json_integer(known->last_ms));
	(void)json_array_append_new(listing->channels, channel);
}

static int take_record(struct listing *listing)
{
	int r = history_channels(listing->history, take_known, listing);
	json_t *channel;
	size_t i;

	json_array_foreach (listing->channels, i, channel) {
		int64_t last_ms = number(channel, "minute_ms");

		if (r >= 0 && last_ms)
			r = history_windows(listing->history, field_text(channel, "channel"),
					    WINDOW_1MIN, last_ms, last_ms + MS_PER_MIN, take_minute,
					    channel);
		if (last_ms)
			(void)json_object_set_new(
				channel, "age_ms",
				json_integer(MAX(listing->now_ms - last_ms - MS_PER_MIN, 0)));
	}
	listing->n_watched = (int64_t)json_array_size(listing->channels);
	return MIN(r, 0);
}

static void take_alarm(void *userdata, const struct history_alarm *alarm)
{
	(void)json_object_set_new(userdata, alarm->path, json_string(alarm->condition));
}

/* --- what it is held to ----------------------------------------------------------------- */

static json_t *limit_object(const struct listing *listing, const struct config_limit *limit)
{
	const char *state = field_text(listing->alarms, limit->path);
	json_t *object = json_object();

	field_set_text(object, "limit", limit->path);
	field_set_text(object, "name", limit->name);
	field_set_text(object, "class", limit_class_text(limit->class));
	field_set_text(object, "side", limit->high ? "high" : "low");
	field_set_value(object, "bound", limit->bound);
	field_set_text(object, "on", limit_on_text(limit->on));
	field_set_text(object, "words", limit_on_words(limit->on));
	field_set_text(object, "state", *state ? state : "normal");
	return object;
}

static void add_limits(const struct listing *listing, const struct config *config, json_t *channel)
{
	json_t *limits = json_array();
	size_t c, first, n;

	(void)json_object_set_new(channel, "limits", limits);
	if (config_channel_find(config, field_text(channel, "channel"), &c) < 0)
		return; /* it was configured once */
	n = config_limits_of(config, c, &first);
	for (size_t i = first; i < first + n; i++)
		(void)json_array_append_new(limits, limit_object(listing, &config->limits[i]));
}

/* a configuration that cannot be used leaves the limits out, and that is said */
static void hold(const struct listing *listing)
{
	CLEANUP(config_free) struct config *config = NULL;
	json_t *channel;
	size_t i;

	if (config_load(&config, listing->options->config, NULL, NULL) < 0) {
		(void)command_fail("without limits: the configuration in %s cannot be used; see: "
				   "wastewatch check",
				   listing->options->config);
		return;
	}
	json_array_foreach (listing->channels, i, channel) {
		add_limits(listing, config, channel);
	}
}

/* --- for people ------------------------------------------------------------------------- */

static void print_bound(const json_t *limit)
{
	bool on_value = strcmp(field_text(limit, "on"), "value") == 0;

	if (strcmp(field_text(limit, "side"), "low") == 0)
		say("at least %s", field_text(limit, "bound"));
	else
		say("at most %s", field_text(limit, "bound"));
	if (!on_value)
		(void)printf(" (%s)", say_word(field_text(limit, "words")));
}

static void print_limits(const json_t *channel)
{
	const char *comma = "";
	const json_t *limit;
	size_t i;

	json_array_foreach (json_object_get(channel, "limits"), i, limit) {
		if (strcmp(field_text(limit, "class"), "limit") != 0)
			continue;
		(void)fputs(comma, stdout);
		print_bound(limit);
		comma = ", ";
	}
	(void)putchar('\n');
	json_array_foreach (json_object_get(channel, "limits"), i, limit) {
		if (strcmp(field_text(limit, "state"), "normal") == 0)
			continue;
		(void)printf("    %s!%s %s (", term_colour(TERM_RED), term_colour(TERM_PLAIN),
			     field_text(limit, "name"));
		print_bound(limit);
		(void)printf("): %s\n", say_word(field_text(limit, "state")));
	}
}

/* why it is not good, and what was last known */
static void print_quality(const json_t *channel)
{
	const char *quality = field_text(channel, "quality"),
		   *reason = field_text(channel, "reason");
	char age[48];

	(void)command_span(number(channel, "age_ms"), age);
	if (is_good(channel)) {
		if (number(channel, "age_ms") > AGE_MS)
			say("    %s ago\n", age);
		return;
	}
	(void)printf("    %s%s%s", term_colour(TERM_YELLOW), *quality ? say_word(quality) : "-",
		     term_colour(TERM_PLAIN));
	/* "calibrating, as mill/gas/check says" need not say it twice */
	if (strncmp(reason, quality, strlen(quality)) == 0)
		(void)fputs(reason + strlen(quality), stdout);
	else if (*reason)
		(void)printf(": %s", reason);
	if (*field_text(channel, "raw"))
		say(", reads %s", field_text(channel, "raw"));
	if (json_object_get(channel, "age_ms") && *field_text(channel, "value"))
		say(", last good %s %s ago", field_text(channel, "value"), age);
	(void)putchar('\n');
}

static void print_channel(const json_t *channel)
{
	say_padded(field_text(channel, "channel"), NAME_WIDTH);
	(void)printf(" %11s ", is_good(channel) ? field_text(channel, "value") : "-");
	say_padded(field_text(channel, "unit"), 8);
	(void)putchar(' ');
	print_limits(channel);
	print_quality(channel);
}

/* a window's mean; in brackets where too few values stand behind it */
static const char *mean(const json_t *channel, const char *key, char ret[static 32])
{
	const json_t *window = json_object_get(channel, key);
	bool valid = json_is_true(json_object_get(window, "valid"));

	if (!*field_text(window, "mean"))
		return "-";
	(void)snprintf(ret, 32, valid ? "%s" : "(%s)", field_text(window, "mean"));
	return ret;
}

static void print_means(const json_t *channel)
{
	const char *minute = field_text(channel, "mean_1min");
	char five[32], hour[32], day[32];

	(void)printf("    ");
	say("means: 1 min %s, 5 min %s, 1 h %s, 24 h %s\n", *minute ? minute : "-",
	    mean(channel, "mean_5min", five), mean(channel, "mean_1h", hour),
	    mean(channel, "mean_24h", day));
}

static void print_channels(const struct listing *listing)
{
	const json_t *channel;
	size_t i, n = json_array_size(listing->channels);

	scrub_json(listing->channels);
	if (n > 0) {
		say_padded(tr("CHANNEL"), NAME_WIDTH);
		(void)printf(" %*s%s ", MAX(11 - say_width(tr("VALUE")), 0), "", tr("VALUE"));
		say_padded(tr("UNIT"), 8);
		say(" LIMIT\n");
	}
	json_array_foreach (listing->channels, i, channel) {
		print_channel(channel);
		if (listing->options->all)
			print_means(channel);
	}
	if (listing->options->all && n > 0)
		say("(…): fewer values than a valid mean needs\n");
	if (!listing->options->argument && (int64_t)n < listing->n_watched)
		say("%lld channels are good and not shown: there are too many\n",
		    (long long)listing->n_watched - (long long)n);
}

static void print_lines(const struct listing *listing)
{
	json_t *channel, *limit;
	size_t i, k;

	json_array_foreach (listing->channels, i, channel) {
		json_array_foreach (json_object_get(channel, "limits"), k, limit) {
			(void)json_object_del(limit, "words");
		}
		lines_print(channel);
	}
}

/* Return: the exit status */
static int list(struct listing *listing)
{
	json_t *live;
	int64_t age_ms;
	int r = 0;

	if (live_load(listing->options, listing->now_ms, &live, &age_ms) == LIVE_OK) {
		take_live(listing, live);
	} else {
		(void)command_fail("wastewatchd is not running; this is how the record ends");
		r = take_record(listing);
	}
	if (r >= 0)
		r = history_alarms(listing->history, take_alarm, listing->alarms);
	json_decref(live);
	if (r < 0)
		return command_unreadable(listing->history);
	hold(listing);
	if (listing->options->json)
		print_lines(listing);
	else
		print_channels(listing);
	if (json_array_size(listing->channels) > 0 || !listing->options->argument)
		return EXIT_SUCCESS;
	(void)command_fail("there is no channel %s; see: wastewatch channels",
			   listing->options->argument);
	return EXIT_MISSING;
}

int command_channels(const struct command_options *options)
{
	CLEANUP(history_close) struct history *history = NULL;
	struct listing listing = {.options = options,
				  .channels = json_array(),
				  .alarms = json_object(),
				  .now_ms = clock_stamp().wall_ms};
	int status = command_open_record(options, &history, &listing.zone_min);

	listing.history = history;
	if (status == EXIT_SUCCESS)
		status = list(&listing);
	json_decref(listing.channels);
	json_decref(listing.alarms);
	return status;
}
