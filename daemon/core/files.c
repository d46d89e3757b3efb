/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/circular.h"
#include "core/files.h"
#include "core/measure.h"

/* has @stream something to do with the station, and have all that have closed the window? */
static bool is_due(const struct core *core, const struct config_station *station, size_t stream,
		   int64_t start_ms)
{
	bool concerned = false;

	for (size_t i = 0; i < station->n_parameters; i++) {
		size_t channel = core->config->parameters[station->first_parameter + i].channel;

		if (core->channels[channel].idle)
			continue;
		concerned |= core_is_of_stream(core, channel, stream);
		if (core->windows[channel].last[WINDOW_5MIN].start_ms < start_ms)
			return false;
	}
	return concerned;
}

/* the window of a channel; NULL: nothing is known of it */
static const struct window_row *row_of(const struct core *core, size_t channel, int64_t start_ms)
{
	const struct core_windows *windows = &core->windows[channel];

	if (windows->last[WINDOW_5MIN].start_ms == start_ms)
		return &windows->last[WINDOW_5MIN];
	if (windows->before[WINDOW_5MIN].start_ms == start_ms)
		return &windows->before[WINDOW_5MIN];
	return NULL;
}

/* Return: 0; -EINVAL; -ENOMEM: circular_compose() */
static int compose(const struct core *core, const struct config_station *station, int64_t start_ms,
		   int64_t time_ms, char **ret)
{
	const struct config *config = core->config;
	struct circular_row *rows = calloc(station->n_parameters + 1, sizeof(*rows));
	int r;

	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < station->n_parameters; i++) {
		const struct config_parameter
			*parameter = &config->parameters[station->first_parameter + i];

		rows[i] = circular_row_of(parameter, row_of(core, parameter->channel, start_ms),
					  time_ms);
	}
	r = circular_compose(station, config->zone_min, rows, station->n_parameters, ret);
	free(rows);
	return r;
}

/* takes @body over */
static void add_file(struct core *core, const struct config_station *station, int64_t time_ms,
		     struct stamp at, char *body)
{
	const struct config *config = core->config;
	struct batch_report *report = batch_takes_report(core->batch, true, false)
					      ? batch_add(core->batch, reports)
					      : NULL;
	char *path;

	if (!report) {
		free(body);
		return;
	}
	report->destination = (uint32_t)station->destination;
	report->lane = FILES_LANE;
	report->created_ms = at.wall_ms;
	report->type = strdup(FILES_TYPE);
	report->body = body;
	path = circular_path(station, time_ms, config->zone_min);
	if (!path || asprintf(&report->webhook_id, FILES_PREFIX "%s/%s",
			      config->destinations[station->destination].name, path) < 0)
		report->webhook_id = NULL;
	free(path);
	if (asprintf(&report->incident, FILES_PREFIX "%s/%s", config->sites[station->site].name,
		     station->name) < 0)
		report->incident = NULL;
	if (!report->type || !report->incident || !report->webhook_id)
		core->batch->out_of_memory = true;
}

static void make_file(struct core *core, const struct config_station *station, int64_t start_ms,
		      struct stamp at)
{
	int64_t time_ms = station->time_is_start ? start_ms : start_ms + window_ms(WINDOW_5MIN);
	char *body = NULL;
	int r = compose(core, station, start_ms, time_ms, &body);

	/* config.h lets no text pass that would move the columns (-EINVAL): rather no file than
	 * one that says something else */
	if (r == -ENOMEM)
		core->batch->out_of_memory = true;
	if (r == 0)
		add_file(core, station, time_ms, at, body);
}

void files_window(struct core *core, size_t stream, int64_t start_ms, struct stamp at)
{
	for (size_t i = 0; i < core->config->n_stations; i++)
		if (is_due(core, &core->config->stations[i], stream, start_ms))
			make_file(core, &core->config->stations[i], start_ms, at);
}

const char *files_path(const char *webhook_id)
{
	const char *slash;

	if (strncmp(webhook_id, FILES_PREFIX, strlen(FILES_PREFIX)) != 0)
		return NULL;
	slash = strchr(webhook_id, '/');
	return slash ? slash + 1 : NULL;
}
