/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recorded readings through the same core as in production, in simulated time.
 *
 * The file is read twice: first every row is checked and each channel's cadence is found
 * (median of its first gaps; recorded data is often thinner than the instrument's poll
 * interval, and data capture must be counted against what the file can hold), then the rows
 * are judged. Channels that are not in the file take no part; derived ones do when all they are
 * made of is there. A row stands for one interval
 * of its channel, so time goes on for that long after the last row.
 */
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/core.h"
#include "tools/command.h"

#define GAPS_MAX   255
#define GAP_MAX_MS (366 * MS_PER_DAY) /* time passes second by second */

/** struct cadence - what the first reading found out about a channel */
struct cadence {
	int64_t last_ms;
	uint64_t n_rows;
	size_t n_gaps;
	int64_t gaps_ms[GAPS_MAX];
};

struct row {
	int64_t wall_ms;
	size_t channel;
	double value;
	enum quality quality;
};

struct replay {
	const struct command_options *options;
	FILE *file;
	struct config *config;
	struct plan *plan;
	struct core *core;
	struct batch batch;
	struct cadence **cadences;
	int64_t first_ms;
	int64_t last_ms;
	int64_t interval_ms; /* the longest of those in the file */
	unsigned long line;
};

static int refuse(const struct replay *replay, const char *what, const char *text)
{
	(void)command_fail("%s:%lu: %s%s%s", replay->options->argument, replay->line, what,
			   *text ? ": " : "", text);
	return -EINVAL;
}

/* cut the next comma-separated field off; NULL: there is none */
static char *field(char **rest)
{
	return *rest ? strsep(rest, ",") : NULL;
}

static int parse_value(const struct replay *replay, const char *text, const char *status,
		       struct row *row)
{
	const struct decode *decode = &replay->config->channels[row->channel].decode;
	char *end;

	if (strcmp(status, "01") == 0)
		row->quality = QUALITY_CALIBRATING;
	else if (strcmp(status, "02") == 0)
		row->quality = QUALITY_DEVICE_FAULT;
	else if (*status && strcmp(status, "00") != 0)
		return refuse(replay, "the status is none of 00, 01, 02 and empty", status);
	else
		row->quality = *text ? QUALITY_GOOD : QUALITY_STALE;
	if (!*text)
		return 0;
	errno = 0;
	row->value = strtod(text, &end);
	if (end == text || *end || errno == ERANGE || !isfinite(row->value) ||
	    strpbrk(text, "xXpPnN \t"))
		return refuse(replay, "the value is no decimal number", text);
	if (row->quality == QUALITY_GOOD && (row->value < decode->min || row->value > decode->max))
		row->quality = QUALITY_OUT_OF_RANGE;
	return 0;
}

static int parse_row(const struct replay *replay, char *line, struct row *row)
{
	char *rest = line;
	const char *time = field(&rest), *channel = field(&rest), *value = field(&rest);
	const char *status = field(&rest);

	*row = (struct row){0};
	if (!status || rest)
		return refuse(replay, "a row has four fields: time,channel,value,status", "");
	if (clock_parse(time, &row->wall_ms) < 0)
		return refuse(replay, "the time is not RFC 3339, such as 2026-03-25T00:00:00+07:00",
			      time);
	if (config_channel_find(replay->config, channel, &row->channel) < 0)
		return refuse(replay, "no such channel SITE/SOURCE/CHANNEL in the configuration",
			      channel);
	return parse_value(replay, value, status, row);
}

/* the end of a line, as written on either kind of system */
static void cut_end(char *line)
{
	size_t n = strlen(line);

	if (n > 0 && line[n - 1] == '\n')
		line[--n] = '\0';
	if (n > 0 && line[n - 1] == '\r')
		line[--n] = '\0';
}

/* Return: 1 a row; 0 the end; -errno, said */
static int next_row(struct replay *replay, char **line, size_t *room, struct row *row)
{
	ssize_t n = getline(line, room, replay->file);

	if (n < 0)
		return ferror(replay->file) ? -EIO : 0;
	replay->line++;
	if ((size_t)n != strlen(*line))
		return refuse(replay, "the line holds a NUL byte", "");
	cut_end(*line);
	return parse_row(replay, *line, row) < 0 ? -EINVAL : 1;
}

static int read_header(struct replay *replay, char **line, size_t *room)
{
	const char *text;

	rewind(replay->file);
	replay->line = 1;
	if (getline(line, room, replay->file) < 0)
		return ferror(replay->file) ? -EIO : refuse(replay, "the file is empty", "");
	cut_end(*line);
	text = strncmp(*line, "\xef\xbb\xbf", 3) == 0 ? *line + 3 : *line;
	if (strcmp(text, "time,channel,value,status") != 0)
		return refuse(replay, "the first line must be: time,channel,value,status", "");
	return 0;
}

static int note(struct replay *replay, const struct row *row)
{
	struct cadence *cadence = replay->cadences[row->channel];

	if (!cadence) {
		cadence = replay->cadences[row->channel] = calloc(1, sizeof(*cadence));
		if (!cadence)
			return -ENOMEM;
	} else if (cadence->n_gaps < GAPS_MAX && row->wall_ms > cadence->last_ms) {
		cadence->gaps_ms[cadence->n_gaps++] = row->wall_ms - cadence->last_ms;
	}
	if (replay->first_ms == 0)
		replay->first_ms = replay->last_ms = row->wall_ms;
	if (row->wall_ms < replay->last_ms)
		return refuse(replay, "the row is older than the one before it", "");
	if (row->wall_ms - replay->last_ms > GAP_MAX_MS)
		return refuse(replay, "over a year lies between this row and the one before it",
			      "");
	replay->last_ms = row->wall_ms;
	cadence->last_ms = row->wall_ms;
	cadence->n_rows++;
	return 0;
}

static int by_length(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* is it made of channels that the file holds? */
static bool is_made(const struct replay *replay, const struct config_channel *channel)
{
	for (size_t i = 0; i < channel->n_inputs; i++)
		if (replay->core->channels[channel->inputs[i]].idle)
			return false;
	return channel->n_inputs > 0;
}

static void settle(struct replay *replay, size_t channel)
{
	struct cadence *cadence = replay->cadences[channel];
	const struct config *config = replay->config;
	const struct config_channel *made = &config->channels[channel];
	int64_t interval_ms = config->units[made->unit].interval_ms;

	if (!cadence && is_made(replay, made)) {
		core_set_interval(replay->core, channel,
				  replay->core->interval_ms[made->inputs[0]]);
		return;
	}
	if (!cadence) {
		replay->core->channels[channel].idle = true;
		return;
	}
	if (made->n_inputs > 0)
		core_take_as_given(replay->core, channel);
	if (cadence->n_gaps > 0) {
		qsort(cadence->gaps_ms, cadence->n_gaps, sizeof(int64_t), by_length);
		interval_ms = MAX(interval_ms, cadence->gaps_ms[cadence->n_gaps / 2]);
	}
	interval_ms = MIN(interval_ms, MS_PER_DAY);
	core_set_interval(replay->core, channel, (uint32_t)interval_ms);
	replay->interval_ms = MAX(replay->interval_ms, interval_ms);
}

static int survey(struct replay *replay, char **line, size_t *room)
{
	struct row row;
	int r = read_header(replay, line, room);

	while (r == 0 && (r = next_row(replay, line, room, &row)) > 0)
		r = note(replay, &row);
	if (r == 0 && replay->first_ms == 0)
		return refuse(replay, "the file has no rows", "");
	for (size_t i = 0; r == 0 && i < replay->config->n_channels; i++)
		settle(replay, i);
	return r;
}

static void print_minute(const struct replay *replay, const struct batch_minute *minute)
{
	const struct window_row *row = &minute->row;
	char time[CLOCK_TEXT_MAX], mean[EVENT_VALUE_MAX], min[EVENT_VALUE_MAX];
	char max[EVENT_VALUE_MAX];

	clock_format(row->start_ms, replay->config->zone_min, time);
	event_value_text(row->mean, mean);
	event_value_text(row->min, min);
	event_value_text(row->max, max);
	(void)printf("{\"capture_percent\":%u,\"channel\":\"%s\",\"max\":\"%s\",\"mean\":\"%s\","
		     "\"min\":\"%s\",\"n\":%u,\"quality\":\"%s\",\"time\":\"%s\",\"valid\":%s}\n",
		     row->capture, replay->config->channels[minute->channel].path, max, mean, min,
		     row->n, quality_text(row->worst), time, row->valid ? "true" : "false");
}

static int drain(struct replay *replay)
{
	struct batch *batch = &replay->batch;
	bool entries = !replay->options->reports && !replay->options->minutes;

	if (batch->out_of_memory)
		return -ENOMEM;
	for (size_t i = 0; entries && i < batch->n_entries; i++)
		(void)puts(batch->entries[i].line);
	for (size_t i = 0; replay->options->reports && i < batch->n_reports; i++)
		(void)puts(batch->reports[i].body);
	for (size_t i = 0; replay->options->minutes && i < batch->n_minutes; i++)
		print_minute(replay, &batch->minutes[i]);
	batch_clear(batch);
	return 0;
}

/* one tick at every whole second after @from_ms, up to @to_ms */
static int pass_time(struct replay *replay, int64_t from_ms, int64_t to_ms)
{
	int r = 0;

	for (int64_t t = from_ms - from_ms % MS_PER_S + MS_PER_S; r == 0 && t <= to_ms;
	     t += MS_PER_S) {
		core_tick(replay->core, 0, (struct stamp){t, t});
		if (replay->batch.n_entries + replay->batch.n_minutes > 0)
			r = drain(replay);
	}
	return r;
}

static int judge_all(struct replay *replay, char **line, size_t *room)
{
	int64_t now_ms = replay->first_ms;
	struct row row;
	int r = read_header(replay, line, room);

	while (r == 0 && (r = next_row(replay, line, room, &row)) > 0) {
		struct stamp at = {row.wall_ms, row.wall_ms};

		r = pass_time(replay, now_ms, row.wall_ms);
		core_sample(replay->core, row.channel, at, row.value, row.quality, 0);
		now_ms = row.wall_ms;
		if (r == 0)
			r = drain(replay);
	}
	core_settle(replay->core);
	if (r == 0)
		r = pass_time(replay, now_ms, now_ms + replay->interval_ms);
	return r < 0 ? r : drain(replay);
}

/* a pipe cannot be read twice: keep a copy */
static FILE *open_twice(const char *path)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re"), *copy;
	char buffer[65536];
	size_t n;

	if (!file || fseek(file, 0, SEEK_SET) == 0)
		return file;
	copy = tmpfile();
	while (copy && (n = fread(buffer, 1, sizeof(buffer), file)) > 0)
		if (fwrite(buffer, 1, n, copy) != n) {
			(void)fclose(copy);
			copy = NULL;
		}
	if (copy && ferror(file)) {
		(void)fclose(copy);
		copy = NULL;
		errno = EIO;
	}
	if (file != stdin)
		(void)fclose(file);
	return copy;
}

static int set_up(struct replay *replay)
{
	int r = config_load(&replay->config, replay->options->config, stderr, NULL);

	if (r < 0) {
		(void)command_fail("the configuration in %s cannot be used",
				   replay->options->config);
		return r;
	}
	replay->file = open_twice(replay->options->argument);
	if (!replay->file) {
		(void)command_fail("cannot read %s: %s", replay->options->argument,
				   strerror(errno));
		return -EINVAL; /* said */
	}
	r = plan_new(&replay->plan, replay->config);
	if (r == 0)
		r = core_new(&replay->core, replay->config, replay->plan, &replay->batch);
	if (r == 0)
		core_join_streams(replay->core);
	replay->cadences = calloc(replay->config->n_channels + 1, sizeof(struct cadence *));
	if (r < 0 || !replay->cadences)
		return -ENOMEM;
	memcpy(replay->core->log_id, "replay", sizeof("replay"));
	return 0;
}

static void tear_down(struct replay *replay)
{
	for (size_t i = 0; replay->cadences && i < replay->config->n_channels; i++)
		free(replay->cadences[i]);
	free(replay->cadences);
	(void)core_free(replay->core);
	(void)plan_free(replay->plan);
	(void)config_free(replay->config);
	batch_done(&replay->batch);
	if (replay->file && replay->file != stdin)
		(void)fclose(replay->file);
}

int command_replay(const struct command_options *options)
{
	struct replay replay = {.options = options};
	char *line = NULL;
	size_t room = 0;
	int r = set_up(&replay);

	if (r == 0)
		r = survey(&replay, &line, &room);
	if (r == 0)
		r = judge_all(&replay, &line, &room);
	if (r == -ENOMEM)
		(void)command_fail("out of memory");
	if (r == -EIO)
		(void)command_fail("%s cannot be read: %s", options->argument, strerror(errno));
	free(line);
	tear_down(&replay);
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
