/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of several stations overlap in time, so those whose window is open are read side by
 * side: at each minute every open file gives its values once. Few are open at a time, however
 * many there are.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "core/circular.h"
#include "tools/command.h"
#include "tools/replay_list.h"

#define WINDOW_MINUTES	5
#define DIRECTORIES_MAX 32 /* descriptors for a walk through directories */
#define NO_CHANNEL	SIZE_MAX

/** struct opened - a file whose window is open; @minute: the next one that it gives */
struct opened {
	size_t source;
	int minute;
	struct circular_file file;
	size_t *channels; /* per row */
};

/**
 * struct directory - the data files, as rows
 * @given_ms: per channel, the minute that it was given for last
 * @queue: the rows of one minute
 */
struct directory {
	struct replay_rows rows; /* first */
	struct replay_list list;
	size_t next_source;
	struct opened *opened;
	size_t n_opened, room_opened;
	struct replay_row *queue;
	size_t n_queue, at_queue, room_queue;
	int64_t *given_ms;
};

/* --- a file ------------------------------------------------------------------------------ */

static int read_bytes(const struct replay_rows *rows, char **ret, size_t *ret_n)
{
	FILE *file = fopen(rows->path, "re");
	char *bytes = file ? malloc(CIRCULAR_FILE_MAX + 1) : NULL;
	int r = 0;

	if (!file)
		return replay_refuse(rows, "it cannot be read", strerror(errno));
	*ret_n = bytes ? fread(bytes, 1, CIRCULAR_FILE_MAX + 1, file) : 0;
	if (!bytes)
		r = -ENOMEM;
	else if (ferror(file))
		r = replay_refuse(rows, "it cannot be read", strerror(errno));
	else if (*ret_n > CIRCULAR_FILE_MAX)
		r = replay_refuse(rows, "it is too long for such a file", "");
	(void)fclose(file);
	if (r < 0)
		free(bytes);
	else
		*ret = bytes;
	return r;
}

/* the channel of a row; NO_CHANNEL: none, said. Return: 0; -ENOMEM */
static int find_channel(struct directory *directory, const struct config_station *station,
			const struct circular_row *row, size_t *ret)
{
	const struct config_parameter *parameters = &directory->rows.config
							     ->parameters[station->first_parameter];
	char name[192], then[256];

	*ret = NO_CHANNEL;
	(void)snprintf(name, sizeof(name), "%s in files of %s", row->symbol, station->file);
	for (size_t i = 0; i < station->n_parameters; i++) {
		if (strcmp(parameters[i].symbol, row->symbol) != 0)
			continue;
		*ret = parameters[i].channel;
		if (strcmp(parameters[i].measure, row->unit) == 0)
			return 0;
		(void)snprintf(then, sizeof(then),
			       "the unit there is \"%.60s\", in the configuration \"%.60s\"; the "
			       "values are taken as they are",
			       row->unit, parameters[i].measure);
		return replay_say_once(&directory->list, "symbol", name, then);
	}
	return replay_say_once(
		&directory->list, "symbol", name,
		"it is none of the station's parameters in the configuration; left out");
}

static int match(struct directory *directory, struct opened *opened)
{
	const struct replay_source *source = &directory->list.sources[opened->source];
	const struct config_station *station = &directory->rows.config->stations[source->station];
	int64_t time_ms = source->start_ms + (station->time_is_start ? 0 : window_ms(WINDOW_5MIN));
	int r = 0;

	for (size_t i = 0; r == 0 && i < opened->file.n_rows; i++) {
		const struct circular_row *row = &opened->file.rows[i];

		if (llabs(row->time_ms - time_ms) >= window_ms(WINDOW_5MIN))
			return replay_refuse(
				&directory->rows,
				"the time of a row is far from that of the file's name",
				row->symbol);
		for (size_t j = 0; j < i; j++)
			if (strcmp(opened->file.rows[j].symbol, row->symbol) == 0)
				return replay_refuse(&directory->rows, "a symbol comes twice",
						     row->symbol);
		r = find_channel(directory, station, row, &opened->channels[i]);
	}
	return r;
}

static void opened_done(struct opened *opened)
{
	circular_file_done(&opened->file);
	free(opened->channels);
	*opened = (struct opened){0};
}

static int parse(struct directory *directory, struct opened *opened)
{
	const struct replay_source *source = &directory->list.sources[opened->source];
	const struct config *config = directory->rows.config;
	char *bytes = NULL, error[CIRCULAR_ERROR_MAX] = "";
	size_t n = 0;
	int r;

	directory->rows.path = source->path;
	r = read_bytes(&directory->rows, &bytes, &n);
	if (r < 0)
		return r;
	r = circular_parse(&opened->file, bytes, n, config->zone_min,
			   config->stations[source->station].missing, error);
	free(bytes);
	if (r == -EBADMSG)
		return replay_refuse(&directory->rows, error, "");
	if (r < 0)
		return r;
	opened->channels = calloc(opened->file.n_rows + 1, sizeof(*opened->channels));
	return opened->channels ? match(directory, opened) : -ENOMEM;
}

static int open_next(struct directory *directory)
{
	struct opened *opened = replay_grow((void **)&directory->opened, directory->n_opened,
					    &directory->room_opened, sizeof(*opened));

	if (!opened)
		return -ENOMEM;
	*opened = (struct opened){.source = directory->next_source++};
	directory->n_opened++;
	return parse(directory, opened);
}

/* --- rows -------------------------------------------------------------------------------- */

static int64_t due_ms(const struct directory *directory, const struct opened *opened)
{
	return directory->list.sources[opened->source].start_ms + opened->minute * MS_PER_MIN;
}

/* the next minute in which a file has something to say; INT64_MAX: none */
static int64_t next_ms(const struct directory *directory)
{
	int64_t ms = INT64_MAX;

	for (size_t i = 0; i < directory->n_opened; i++)
		ms = MIN(ms, due_ms(directory, &directory->opened[i]));
	if (directory->next_source < directory->list.n_sources)
		ms = MIN(ms, directory->list.sources[directory->next_source].start_ms);
	return ms;
}

static int give(struct directory *directory, const struct opened *opened, int64_t ms)
{
	for (size_t i = 0; i < opened->file.n_rows; i++) {
		const struct circular_row *row = &opened->file.rows[i];
		size_t channel = opened->channels[i];
		struct replay_row *item;

		/* two stations may carry the same channel: it is one measurement all the same */
		if (channel == NO_CHANNEL || directory->given_ms[channel] == ms)
			continue;
		item = replay_grow((void **)&directory->queue, directory->n_queue,
				   &directory->room_queue, sizeof(*item));
		if (!item)
			return -ENOMEM;
		directory->given_ms[channel] = ms;
		*item = (struct replay_row){
			.wall_ms = ms,
			.channel = channel,
			.value = row->value,
			.quality = row->quality == QUALITY_GOOD
					   ? replay_judge(directory->rows.config, channel,
							  row->has_value, row->value)
					   : row->quality,
		};
		directory->n_queue++;
	}
	return 0;
}

/* fill the queue with one minute. Return: 1; 0 there is none any more; -errno */
static int give_minute(struct directory *directory)
{
	int64_t ms = next_ms(directory);
	size_t kept = 0;
	int r = 0;

	if (ms == INT64_MAX)
		return 0;
	while (r == 0 && directory->next_source < directory->list.n_sources &&
	       directory->list.sources[directory->next_source].start_ms <= ms)
		r = open_next(directory);
	directory->n_queue = directory->at_queue = 0;
	for (size_t i = 0; r == 0 && i < directory->n_opened; i++)
		if (due_ms(directory, &directory->opened[i]) == ms) {
			r = give(directory, &directory->opened[i], ms);
			directory->opened[i].minute++;
		}
	if (r < 0)
		return r;
	for (size_t i = 0; i < directory->n_opened; i++) {
		if (directory->opened[i].minute < WINDOW_MINUTES)
			directory->opened[kept++] = directory->opened[i];
		else
			opened_done(&directory->opened[i]);
	}
	directory->n_opened = kept;
	return 1;
}

static int next_row(struct replay_rows *rows, struct replay_row *ret)
{
	struct directory *directory = (struct directory *)rows;
	int r = 1;

	while (directory->at_queue == directory->n_queue && r > 0)
		r = give_minute(directory);
	if (r > 0)
		*ret = directory->queue[directory->at_queue++];
	return r;
}

static int begin(struct replay_rows *rows)
{
	struct directory *directory = (struct directory *)rows;

	for (size_t i = 0; i < directory->n_opened; i++)
		opened_done(&directory->opened[i]);
	directory->n_opened = directory->next_source = 0;
	directory->n_queue = directory->at_queue = 0;
	for (size_t i = 0; i < rows->config->n_channels; i++)
		directory->given_ms[i] = INT64_MIN;
	return 0;
}

static void close_rows(struct replay_rows *rows)
{
	struct directory *directory = (struct directory *)rows;

	for (size_t i = 0; i < directory->n_opened; i++)
		opened_done(&directory->opened[i]);
	replay_list_done(&directory->list);
	free(directory->opened);
	free(directory->queue);
	free(directory->given_ms);
	free(directory);
}

int replay_circular_open(struct replay_rows **ret, const struct config *config, char *const *paths,
			 size_t n_paths)
{
	struct directory *directory = calloc(1, sizeof(*directory));
	int r = 0;

	if (!directory)
		return -ENOMEM;
	directory->rows = (struct replay_rows){
		.begin = begin,
		.next = next_row,
		.close = close_rows,
		.config = config,
		.path = paths[0],
	};
	directory->given_ms = calloc(config->n_channels + 1, sizeof(*directory->given_ms));
	if (!directory->given_ms)
		r = -ENOMEM;
	if (r == 0)
		r = replay_list_make(&directory->list, config, paths, n_paths);
	if (r < 0) {
		close_rows(&directory->rows);
		return r;
	}
	*ret = &directory->rows;
	return 0;
}
