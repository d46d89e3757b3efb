/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Means of minute rows, for the control room and for who takes them home. Reads the record
 * only, so it answers while the daemon is down too.
 *
 * --csv is RFC 4180 with a header: one line per window, times RFC 3339 with the record's
 * offset, the window is [start, end). Numbers have a point and as many digits as tell them
 * apart; mean, min and max are empty where there was no good value. "expected" is how many
 * values the window could have had, "status" the Circular's 00, 01 or 02 of the worst quality.
 * Σ mean × n / Σ n over lines is the mean of the whole.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/macro.h"
#include "common/plain.h"
#include "core/config_text.h"
#include "core/event.h"
#include "core/history.h"
#include "tools/command.h"
#include "tools/say.h"

#define NUMBER_MAX 32
#define CLEAN_MAX  160
#define FRESH_MS   (3 * MS_PER_MIN) /* a newer last minute is of a record that is being written */

/** struct known - a channel of the record; @path and @unit owned */
struct known {
	char *path;
	char *unit;
	int64_t first_ms;
	int64_t last_ms;
};

/** struct means - one call of the command; @to_ms: behind the last window to be shown */
struct means {
	const struct command_options *options;
	struct known *channels;
	size_t n_channels;
	bool out_of_memory;
	const struct known *channel;
	enum window_length length;
	int zone_min;
	int64_t from_ms;
	int64_t to_ms;
	size_t n_windows;
	size_t n_invalid;
};

/* --- texts ------------------------------------------------------------------------- */

/* A record that came from elsewhere must not drive the reader's terminal */
static const char *clean(const char *text, char cleaned[static CLEAN_MAX])
{
	(void)snprintf(cleaned, CLEAN_MAX, "%s", text);
	plain_text(cleaned);
	return cleaned;
}

/* the shortest decimal that reads back as the same number */
static const char *exact(double value, char text[static NUMBER_MAX])
{
	for (int digits = 15; digits <= 17; digits++) {
		(void)snprintf(text, NUMBER_MAX, "%.*g", digits, value);
		if (!(strtod(text, NULL) < value) && !(strtod(text, NULL) > value))
			break;
	}
	return text;
}

static void print_quoted(const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		(void)fputs(text, stdout);
		return;
	}
	(void)putchar('"');
	for (; *text; text++) {
		if (*text == '"')
			(void)putchar('"');
		(void)putchar(*text);
	}
	(void)putchar('"');
}

/* --- the channels ------------------------------------------------------------------ */

static void take_channel(void *userdata, const struct history_channel *channel)
{
	struct means *means = userdata;
	struct known *grown = reallocarray(means->channels, means->n_channels + 1, sizeof(*grown));
	struct known known = {.path = strdup(channel->path),
			      .unit = strdup(channel->unit),
			      .first_ms = channel->first_ms,
			      .last_ms = channel->last_ms};

	if (grown)
		means->channels = grown;
	if (!grown || !known.path || !known.unit) {
		means->out_of_memory = true;
		free(known.path);
		free(known.unit);
		return;
	}
	means->channels[means->n_channels++] = known;
}

static void print_channel_json(const struct means *means, const struct known *channel)
{
	char first[CLOCK_TEXT_MAX], last[CLOCK_TEXT_MAX];
	json_t *object = json_object();

	(void)json_object_set_new(object, "channel", json_string(channel->path));
	(void)json_object_set_new(object, "unit", json_string(channel->unit));
	if (channel->first_ms != INT64_MIN) {
		clock_format(channel->first_ms, means->zone_min, first);
		clock_format(channel->last_ms, means->zone_min, last);
		(void)json_object_set_new(object, "first", json_string(first));
		(void)json_object_set_new(object, "last", json_string(last));
	}
	(void)json_dumpf(object, stdout, JSON_COMPACT | JSON_SORT_KEYS);
	(void)putchar('\n');
	json_decref(object);
}

static void print_channel_csv(const struct means *means, const struct known *channel)
{
	char first[CLOCK_TEXT_MAX] = "", last[CLOCK_TEXT_MAX] = "";

	if (channel->first_ms != INT64_MIN) {
		clock_format(channel->first_ms, means->zone_min, first);
		clock_format(channel->last_ms, means->zone_min, last);
	}
	print_quoted(channel->path);
	(void)putchar(',');
	print_quoted(channel->unit);
	(void)printf(",%s,%s\r\n", first, last);
}

static void print_channel(FILE *file, const struct means *means, const struct known *channel)
{
	char first[48] = "no minute yet", last[48] = "";
	char path[CLEAN_MAX], unit[CLEAN_MAX];

	if (channel->first_ms != INT64_MIN) {
		(void)command_time(channel->first_ms, means->zone_min, first);
		(void)command_time(channel->last_ms, means->zone_min, last);
		first[16] = last[16] = '\0'; /* minutes begin at no second */
	}
	(void)fprintf(file, "  %-40s %-10s %s%s%s\n", clean(channel->path, path),
		      clean(channel->unit, unit), first, *last ? " - " : "", last);
}

static int list_channels(const struct means *means)
{
	const struct command_options *options = means->options;

	if (options->csv)
		(void)printf("channel,unit,first,last\r\n");
	else if (!options->json)
		say("  %-40s %-10s first and last minute on record\n", tr("channel"), tr("unit"));
	for (size_t i = 0; i < means->n_channels; i++) {
		if (options->json)
			print_channel_json(means, &means->channels[i]);
		else if (options->csv)
			print_channel_csv(means, &means->channels[i]);
		else
			print_channel(stdout, means, &means->channels[i]);
	}
	return EXIT_SUCCESS;
}

static int say_unknown(const struct means *means)
{
	const char *wanted = means->options->argument;
	const struct known *nearest = NULL;
	size_t least = SIZE_MAX;
	char path[CLEAN_MAX];

	for (size_t i = 0; i < means->n_channels; i++) {
		const char *name = means->channels[i].path;
		size_t distance = strcasestr(name, wanted) ? 0 : config_distance(wanted, name);

		if (distance < least) {
			least = distance;
			nearest = &means->channels[i];
		}
	}
	if (!nearest) {
		(void)command_fail("the record knows no channel yet");
		return EXIT_MISSING;
	}
	(void)command_fail("the record has no channel %s; the nearest is %s. It has:", wanted,
			   clean(nearest->path, path));
	for (size_t i = 0; i < means->n_channels; i++)
		print_channel(stderr, means, &means->channels[i]);
	return EXIT_MISSING;
}

/* as the department's files have it, circular.h: what did not come counts by the capture only */
static const char *status_of(const struct history_window *window)
{
	bool came = window->worst != QUALITY_STALE && window->worst != QUALITY_COMMUNICATION_LOST &&
		    window->worst != QUALITY_NOT_IN_OPERATION;
	const char *worst = quality_circular(window->worst);

	if (window->valid)
		return came ? worst : quality_circular(QUALITY_GOOD);
	return window->worst == QUALITY_GOOD ? quality_circular(QUALITY_STALE) : worst;
}

/* --- the windows ------------------------------------------------------------------- */

static void print_json(const struct means *means, const struct history_window *window,
		       const char *start, const char *end)
{
	json_t *object = json_object();
	char number[NUMBER_MAX];

	(void)json_object_set_new(object, "channel", json_string(means->channel->path));
	(void)json_object_set_new(object, "unit", json_string(means->channel->unit));
	(void)json_object_set_new(object, "window", json_string(window_text(means->length)));
	(void)json_object_set_new(object, "start", json_string(start));
	(void)json_object_set_new(object, "end", json_string(end));
	if (window->n > 0) {
		(void)json_object_set_new(object, "mean", json_string(exact(window->mean, number)));
		(void)json_object_set_new(object, "min", json_string(exact(window->min, number)));
		(void)json_object_set_new(object, "max", json_string(exact(window->max, number)));
	}
	(void)json_object_set_new(object, "n", json_integer((json_int_t)window->n));
	(void)json_object_set_new(object, "expected", json_integer((json_int_t)window->expected));
	(void)json_object_set_new(object, "capture_percent", json_integer(window->capture));
	(void)json_object_set_new(object, "quality", json_string(quality_text(window->worst)));
	(void)json_object_set_new(object, "status", json_string(status_of(window)));
	(void)json_object_set_new(object, "valid", json_boolean(window->valid));
	(void)json_dumpf(object, stdout, JSON_COMPACT | JSON_SORT_KEYS);
	(void)putchar('\n');
	json_decref(object);
}

static void print_csv(const struct means *means, const struct history_window *window,
		      const char *start, const char *end)
{
	const double values[] = {window->mean, window->min, window->max};
	char number[NUMBER_MAX];

	print_quoted(means->channel->path);
	(void)putchar(',');
	print_quoted(means->channel->unit);
	(void)printf(",%s,%s,%s", window_text(means->length), start, end);
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		(void)printf(",%s", window->n > 0 ? exact(values[i], number) : "");
	(void)printf(",%llu,%llu,%u,%s,%s,%s\r\n", (unsigned long long)window->n,
		     (unsigned long long)window->expected, window->capture,
		     quality_text(window->worst), status_of(window), window->valid ? "yes" : "no");
}

static void print_line(const struct means *means, const struct history_window *window)
{
	char mean[EVENT_VALUE_MAX] = "-", min[EVENT_VALUE_MAX] = "-", max[EVENT_VALUE_MAX] = "-";
	char start[48];

	if (window->n > 0) {
		event_value_text(window->mean, mean);
		event_value_text(window->min, min);
		event_value_text(window->max, max);
	}
	(void)command_time(window->start_ms, means->zone_min, start);
	(void)printf("%.16s %12s %12s %12s %8llu %6u %%  %-18s %s\n", start, mean, min, max,
		     (unsigned long long)window->n, window->capture, quality_text(window->worst),
		     window->valid ? "" : tr("invalid"));
}

static void on_window(void *userdata, const struct history_window *window)
{
	struct means *means = userdata;
	char start[CLOCK_TEXT_MAX], end[CLOCK_TEXT_MAX];

	means->n_windows++;
	means->n_invalid += !window->valid;
	clock_format(window->start_ms, means->zone_min, start);
	clock_format(window->start_ms + window_ms(means->length), means->zone_min, end);
	if (means->options->json)
		print_json(means, window, start, end);
	else if (means->options->csv)
		print_csv(means, window, start, end);
	else
		print_line(means, window);
}

static void print_head(const struct means *means)
{
	char path[CLEAN_MAX], unit[CLEAN_MAX];
	int zone = abs(means->zone_min);

	if (means->options->csv)
		(void)printf("channel,unit,window,start,end,mean,min,max,n,expected,"
			     "capture_percent,quality,status,valid\r\n");
	if (means->options->csv || means->options->json)
		return;
	clean(means->channel->unit, unit);
	say("%s%s%s, windows of %s, times %c%02d:%02d\n", clean(means->channel->path, path),
	    *unit ? ", " : "", unit, window_text(means->length), means->zone_min < 0 ? '-' : '+',
	    zone / 60, zone % 60);
	say("begin                    mean          min          max        n  capture  quality\n");
}

static void print_foot(const struct means *means)
{
	if (means->n_windows == 0)
		(void)command_fail("no window of %s between these times is over and on record",
				   window_text(means->length));
	else if (!means->options->csv && !means->options->json)
		say("windows: %zu; invalid, since fewer values are good than are required: %zu\n",
		    means->n_windows, means->n_invalid);
}

/* --- what is asked for -------------------------------------------------------------- */

static int64_t ceiling(const struct means *means, int64_t ms)
{
	int64_t start_ms = window_floor(means->length, ms, means->zone_min);

	return start_ms < ms ? start_ms + window_ms(means->length) : ms;
}

/*
 * Only windows that are over, and of a record that is being written only what has been: the
 * minute that has just ended is not missing. Before its first minute a channel had none.
 */
static void set_bounds(struct means *means)
{
	int64_t until_ms = clock_stamp().wall_ms, newest_ms = INT64_MIN;

	for (size_t i = 0; i < means->n_channels; i++)
		newest_ms = MAX(newest_ms, means->channels[i].last_ms);
	if (newest_ms != INT64_MIN && newest_ms + MS_PER_MIN > until_ms - FRESH_MS)
		until_ms = newest_ms + MS_PER_MIN;
	until_ms = window_floor(means->length, until_ms, means->zone_min);
	means->to_ms = means->options->to ? MIN(ceiling(means, means->to_ms), until_ms) : until_ms;
	if (!means->options->from)
		means->from_ms = means->to_ms - MS_PER_DAY;
	means->from_ms = MAX(means->from_ms, means->channel->first_ms);
}

static int wrong(const char *option, const char *text, const char *allowed)
{
	char quoted[CONFIG_QUOTE_MAX];

	(void)command_fail("%s \"%s\": %s", option, config_quote(text, quoted), allowed);
	return EXIT_USAGE;
}

static const char times_allowed[] = "no such time; allowed: YYYY-MM-DD, \"YYYY-MM-DD HH:MM\" "
				    "(local) or RFC 3339";

/* Return: 0; an exit status. */
static int read_options(struct means *means)
{
	const struct command_options *options = means->options;
	int length = WINDOW_1H;

	if (options->window)
		for (length = 0; length < N_WINDOWS; length++)
			if (strcmp(options->window, window_text((enum window_length)length)) == 0)
				break;
	if (length == N_WINDOWS)
		return wrong("--window", options->window,
			     "no such window; allowed: 1min, 5min, 1h, 24h");
	means->length = (enum window_length)length;
	if (options->csv && options->json)
		return wrong("--csv", "--json", "only one of the two");
	if (options->from &&
	    command_parse_time(options->from, means->zone_min, &means->from_ms) < 0)
		return wrong("--from", options->from, times_allowed);
	if (options->to && command_parse_time(options->to, means->zone_min, &means->to_ms) < 0)
		return wrong("--to", options->to, times_allowed);
	if (options->from && options->to && means->to_ms <= means->from_ms)
		return wrong("--to", options->to, "not after --from");
	return 0;
}

static int show(struct means *means, struct history *history)
{
	int r = 0;

	for (size_t i = 0; i < means->n_channels; i++)
		if (strcmp(means->channels[i].path, means->options->argument) == 0)
			means->channel = &means->channels[i];
	if (!means->channel)
		return say_unknown(means);
	print_head(means);
	set_bounds(means);
	if (means->channel->first_ms != INT64_MIN)
		r = history_windows(history, means->channel->path, means->length, means->from_ms,
				    means->to_ms, on_window, means);
	if (r < 0)
		return command_unreadable(history);
	print_foot(means);
	return EXIT_SUCCESS;
}

int command_means(const struct command_options *options)
{
	CLEANUP(history_close) struct history *history = NULL;
	struct means means = {.options = options};
	int r = command_open_record(options, &history, &means.zone_min);

	if (r != EXIT_SUCCESS)
		return r;
	if (history_channels(history, take_channel, &means) < 0)
		r = command_unreadable(history);
	else if (means.out_of_memory)
		r = command_fail("out of memory");
	else
		r = read_options(&means);
	if (r == 0)
		r = options->argument ? show(&means, history) : list_channels(&means);
	for (size_t i = 0; i < means.n_channels; i++) {
		free(means.channels[i].path);
		free(means.channels[i].unit);
	}
	free(means.channels);
	return r;
}
