/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recorded readings through the same core as in production, in simulated time.
 *
 * What is recorded is read twice: first every row is checked and each channel's cadence is found
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
#include "core/drill.h"
#include "core/files.h"
#include "tools/command.h"
#include "tools/progress.h"
#include "tools/replay.h"

#define GAPS_MAX   255
#define GAP_MAX_MS (366 * MS_PER_DAY) /* time passes second by second */

/** struct cadence - what the first reading found out about a channel */
struct cadence {
	int64_t last_ms;
	uint64_t n_rows;
	size_t n_gaps;
	int64_t gaps_ms[GAPS_MAX];
};

struct replay {
	const struct command_options *options;
	struct replay_rows *rows;
	struct config *config;
	struct plan *plan;
	struct core *core;
	struct drills *drills;
	struct replay_drill drill;
	struct batch batch;
	struct replay_acts acts;
	struct cadence **cadences;
	int64_t first_ms;
	int64_t last_ms;
	int64_t interval_ms; /* the longest of those in the file */
	uint64_t n_rows;     /* of the file */
	struct progress progress;
};

int replay_refuse(const struct replay_rows *rows, const char *what, const char *text)
{
	char line[32] = "";

	if (rows->line > 0)
		(void)snprintf(line, sizeof(line), "%lu:", rows->line);
	(void)command_fail("%s:%s %s%s%s", rows->path, line, what, *text ? ": " : "", text);
	return -EINVAL;
}

enum quality replay_judge(const struct config *config, size_t channel, bool has_value, double value)
{
	const struct decode *decode = &config->channels[channel].decode;

	if (!has_value)
		return QUALITY_STALE;
	return value < decode->min || value > decode->max ? QUALITY_OUT_OF_RANGE : QUALITY_GOOD;
}

static int note(struct replay *replay, const struct replay_row *row)
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
		return replay_refuse(replay->rows, "the row is older than the one before it", "");
	if (row->wall_ms - replay->last_ms > GAP_MAX_MS)
		return replay_refuse(replay->rows,
				     "over a year lies between this row and the one before it", "");
	replay->last_ms = row->wall_ms;
	cadence->last_ms = row->wall_ms;
	cadence->n_rows++;
	replay->n_rows++;
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

static int survey(struct replay *replay)
{
	struct replay_row row;
	int r = replay->rows->begin(replay->rows);

	while (r == 0 && (r = replay->rows->next(replay->rows, &row)) > 0)
		r = note(replay, &row);
	if (r == 0 && replay->first_ms == 0)
		return replay_refuse(replay->rows, "the file has no rows", "");
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
	(void)printf("{\"capture_percent\":%u,\"channel\":\"%s\"", row->capture,
		     replay->config->channels[minute->channel].path);
	if (row->n > 0) /* a minute without values has none */
		(void)printf(",\"max\":\"%s\",\"mean\":\"%s\",\"min\":\"%s\"", max, mean, min);
	(void)printf(",\"n\":%u,\"quality\":\"%s\",\"time\":\"%s\",\"valid\":%s}\n", row->n,
		     quality_text(row->worst), time, row->valid ? "true" : "false");
}

/* reports and data files; only what was asked for */
static int put_out(const struct replay *replay, const struct batch_report *report)
{
	const char *directory = replay->options->files;

	if (report->lane == FILES_LANE)
		return directory ? replay_write_file(directory, report->webhook_id, report->body)
				 : 0;
	if (replay->options->reports)
		(void)puts(report->body);
	return 0;
}

static int drain(struct replay *replay)
{
	struct batch *batch = &replay->batch;
	bool entries = !replay->options->reports && !replay->options->minutes &&
		       !replay->options->files;
	int r = 0;

	if (batch->out_of_memory)
		return -ENOMEM;
	for (size_t i = 0; entries && i < batch->n_entries; i++)
		(void)puts(batch->entries[i].line);
	for (size_t i = 0; r == 0 && i < batch->n_reports; i++)
		r = put_out(replay, &batch->reports[i]);
	for (size_t i = 0; replay->options->minutes && i < batch->n_minutes; i++)
		print_minute(replay, &batch->minutes[i]);
	batch_clear(batch);
	return r;
}

/* one tick at every whole second after @from_ms, up to @to_ms */
static int pass_time(struct replay *replay, int64_t from_ms, int64_t to_ms)
{
	int r = 0;

	for (int64_t t = from_ms - from_ms % MS_PER_S + MS_PER_S; r == 0 && t <= to_ms;
	     t += MS_PER_S) {
		core_tick(replay->core, 0, (struct stamp){t, t});
		r = replay_drill_act(&replay->drill, replay->drills, (struct stamp){t, t});
		if (r == 0 &&
		    replay->batch.n_entries + replay->batch.n_minutes + replay->batch.n_reports > 0)
			r = drain(replay);
	}
	return r;
}

/* what people did up to a moment, each at its own; *@now_ms goes on with it */
static int act_until(struct replay *replay, int64_t *now_ms, int64_t to_ms)
{
	int r = 0;

	while (r == 0 && replay_acts_next(&replay->acts) <= to_ms) {
		int64_t at_ms = MAX(replay_acts_next(&replay->acts), *now_ms);

		r = pass_time(replay, *now_ms, at_ms);
		replay_acts_do(&replay->acts, replay->core);
		*now_ms = at_ms;
		if (r == 0)
			r = drain(replay);
	}
	return r;
}

static int judge_all(struct replay *replay)
{
	int64_t now_ms = replay->first_ms;
	struct replay_row row;
	uint64_t n = 0;
	int r = replay->rows->begin(replay->rows);

	while (r == 0 && (r = replay->rows->next(replay->rows, &row)) > 0) {
		struct stamp at = {row.wall_ms, row.wall_ms};

		progress_say(&replay->progress, n++, replay->n_rows);
		r = act_until(replay, &now_ms, row.wall_ms - 1);
		if (r == 0)
			r = pass_time(replay, now_ms, row.wall_ms);
		core_sample(replay->core, row.channel, at, row.value, row.quality, 0);
		now_ms = row.wall_ms;
		if (r == 0)
			r = drain(replay);
	}
	core_settle(replay->core);
	if (r == 0)
		r = act_until(replay, &now_ms, replay->last_ms + replay->interval_ms);
	if (r == 0)
		r = pass_time(replay, now_ms, replay->last_ms + replay->interval_ms);
	return r < 0 ? r : drain(replay);
}

static int open_rows(struct replay *replay)
{
	const struct command_options *options = replay->options;

	if (replay_circular_fits(options->arguments, options->n_arguments))
		return replay_circular_open(&replay->rows, replay->config, options->arguments,
					    options->n_arguments);
	if (options->n_arguments == 1)
		return replay_csv_open(&replay->rows, replay->config, options->arguments[0]);
	(void)command_fail("several files at once must be the department's data files, named "
			   "TenTinh_TenCoSo_TenTram_yyyyMMddHHmmss.txt, or directories with them");
	return -EINVAL;
}

static int set_up(struct replay *replay)
{
	const struct command_options *options = replay->options;
	int r = config_load(&replay->config, options->config, stderr, NULL);

	if (r < 0) {
		(void)command_fail("the configuration in %s cannot be used", options->config);
		return r;
	}
	r = open_rows(replay);
	if (r == 0 && replay->options->actions)
		r = replay_acts_open(&replay->acts, replay->options->actions);
	if (r < 0)
		return r;
	r = plan_new(&replay->plan, replay->config);
	if (r == 0)
		r = core_new(&replay->core, replay->config, replay->plan, &replay->batch);
	if (r == 0)
		core_join_streams(replay->core);
	replay->cadences = calloc(replay->config->n_channels + 1, sizeof(struct cadence *));
	if (r < 0 || !replay->cadences)
		return -ENOMEM;
	memcpy(replay->core->log_id, "replay", sizeof("replay"));
	r = drills_new(&replay->drills, replay->core);
	return r == 0 ? replay_drill_open(&replay->drill, replay->config, options) : r;
}

static void tear_down(struct replay *replay)
{
	for (size_t i = 0; replay->cadences && i < replay->config->n_channels; i++)
		free(replay->cadences[i]);
	free(replay->cadences);
	replay_acts_close(&replay->acts);
	if (replay->rows)
		replay->rows->close(replay->rows);
	replay_drill_done(&replay->drill);
	(void)drills_free(replay->drills);
	(void)core_free(replay->core);
	(void)plan_free(replay->plan);
	(void)config_free(replay->config);
	batch_done(&replay->batch);
}

int command_replay(const struct command_options *options)
{
	struct replay replay = {.options = options};
	int r = set_up(&replay);

	progress_begin(&replay.progress, "readings judged", true);
	if (r == 0)
		r = survey(&replay);
	if (r == 0)
		r = judge_all(&replay);
	progress_end(&replay.progress);
	if (r == -ENOMEM)
		(void)command_fail("out of memory");
	if (r == -EIO)
		(void)command_fail("%s cannot be read: %s", options->argument, strerror(errno));
	tear_down(&replay);
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
