/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/clock.h"
#include "core/circular.h"
#include "tools/command.h"
#include "tools/replay_list.h"

#define DIRECTORIES_MAX 32 /* descriptors for a walk through directories */

static bool is_named_so(const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t n_prefix;
	int64_t time_ms;

	return circular_name_parse(slash ? slash + 1 : path, 0, &n_prefix, &time_ms) == 0;
}

static bool is_directory(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

bool replay_circular_fits(char *const *paths, size_t n_paths)
{
	for (size_t i = 0; i < n_paths; i++)
		if (!is_named_so(paths[i]) && !is_directory(paths[i]))
			return false;
	return n_paths > 0;
}

/* room for one more item; NULL: no memory */
void *replay_grow(void **array, size_t n, size_t *room, size_t size)
{
	if (n == *room) {
		size_t more = *room ? *room * 2 : 64;
		void *grown = reallocarray(*array, more, size);

		if (!grown)
			return NULL;
		*array = grown;
		*room = more;
	}
	return (char *)*array + n * size;
}

/* Return: 0; -ENOMEM */
int replay_say_once(struct replay_list *list, const char *what, const char *name, const char *then)
{
	char **said;
	char *text;

	if (asprintf(&text, "%s %s: %s", what, name, then) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < list->n_said; i++)
		if (strcmp(list->said[i], text) == 0) {
			free(text);
			return 0;
		}
	said = replay_grow((void **)&list->said, list->n_said, &list->room_said, sizeof(*said));
	if (!said) {
		free(text);
		return -ENOMEM;
	}
	*said = text;
	list->n_said++;
	(void)command_fail("%s", text);
	return 0;
}

static const struct config_station *station_of(const struct replay_list *list, const char *name,
					       size_t n_prefix, size_t *ret)
{
	const struct config *config = list->config;

	for (size_t i = 0; i < config->n_stations; i++)
		if (strlen(config->stations[i].file) == n_prefix &&
		    strncmp(config->stations[i].file, name, n_prefix) == 0) {
			*ret = i;
			return &config->stations[i];
		}
	return NULL;
}

static int add_source(struct replay_list *list, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	int zone_min = list->config->zone_min;
	const struct config_station *station;
	struct replay_source *source;
	size_t n_prefix, index;
	int64_t time_ms;
	char *prefix;
	int r;

	if (circular_name_parse(name, zone_min, &n_prefix, &time_ms) < 0)
		return 0; /* in a directory other things may lie */
	station = station_of(list, name, n_prefix, &index);
	if (!station) {
		prefix = strndup(name, n_prefix);
		r = prefix ? replay_say_once(
				     list, "files of", prefix,
				     "no station of the configuration is called so; left out")
			   : -ENOMEM;
		free(prefix);
		return r;
	}
	source = replay_grow((void **)&list->sources, list->n_sources, &list->room_sources,
			     sizeof(*source));
	if (!source)
		return -ENOMEM;
	*source = (struct replay_source){
		.path = strdup(path),
		.start_ms = station->time_is_start ? time_ms : time_ms - window_ms(WINDOW_5MIN),
		.station = index,
	};
	if (!source->path)
		return -ENOMEM;
	list->n_sources++;
	return 0;
}

/* nftw() hands nothing through to its callback */
static __thread struct replay_list *walked;

static int on_walk(const char *path, const struct stat *status, int type, struct FTW *ftw)
{
	(void)status;
	(void)ftw;
	if (type == FTW_DNR) {
		(void)command_fail("cannot read %s", path);
		return -EINVAL;
	}
	return type == FTW_F ? add_source(walked, path) : 0;
}

static int add_path(struct replay_list *list, const char *path)
{
	int r;

	if (!is_directory(path))
		return add_source(list, path);
	walked = list;
	r = nftw(path, on_walk, DIRECTORIES_MAX, 0);
	if (r == -1) {
		(void)command_fail("cannot read %s: %s", path, strerror(errno));
		return -EINVAL;
	}
	return r;
}

static int by_time(const void *a, const void *b)
{
	const struct replay_source *x = a, *y = b;

	if (x->start_ms != y->start_ms)
		return x->start_ms < y->start_ms ? -1 : 1;
	return x->station != y->station ? (x->station < y->station ? -1 : 1)
					: strcmp(x->path, y->path);
}

/* two files of one window would be two values for one */
static int check_overlap(struct replay_list *list)
{
	size_t n_stations = list->config->n_stations;
	const struct replay_source **last = calloc(n_stations + 1, sizeof(struct replay_source *));
	int r = last ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < list->n_sources; i++) {
		const struct replay_source *source = &list->sources[i];
		const struct replay_source *before = last[source->station];

		if (before && source->start_ms - before->start_ms < window_ms(WINDOW_5MIN))
			r = replay_refuse(&(struct replay_rows){.path = source->path},
					  "it stands for the same five minutes as", before->path);
		last[source->station] = source;
	}
	free(last);
	return r;
}

int replay_list_make(struct replay_list *list, const struct config *config, char *const *paths,
		     size_t n_paths)
{
	int r = 0;

	*list = (struct replay_list){.config = config};
	for (size_t i = 0; r == 0 && i < n_paths; i++)
		r = add_path(list, paths[i]);
	if (r == 0 && list->n_sources == 0)
		r = replay_refuse(
			&(struct replay_rows){.path = paths[0]},
			"no data file of a station of the configuration; give such files, or a "
			"directory with them",
			"");
	if (r < 0)
		return r;
	qsort(list->sources, list->n_sources, sizeof(*list->sources), by_time);
	return check_overlap(list);
}

void replay_list_done(struct replay_list *list)
{
	for (size_t i = 0; i < list->n_sources; i++)
		free(list->sources[i].path);
	for (size_t i = 0; i < list->n_said; i++)
		free(list->said[i]);
	free(list->sources);
	free(list->said);
	*list = (struct replay_list){0};
}
