/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay_list.h - which of the department's data files there are, in the order of their windows
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/config.h"
#include "tools/replay.h"

/** struct replay_source - a file; @start_ms: of its window; @station: index */
struct replay_source {
	char *path;
	int64_t start_ms;
	size_t station;
};

/** struct replay_list - @said: what was said once, so that it is not said again */
struct replay_list {
	const struct config *config;
	struct replay_source *sources;
	size_t n_sources, room_sources;
	char **said;
	size_t n_said, room_said;
};

/**
 * replay_list_make() - find the files, see replay_circular_open()
 * Two files for the same five minutes of a station are refused: they would be two values for one.
 * Return: 0; -EINVAL said; -ENOMEM. To be given back with replay_list_done() in any case.
 */
int replay_list_make(struct replay_list *list, const struct config *config, char *const *paths,
		     size_t n_paths);

void replay_list_done(struct replay_list *list);

/** replay_say_once() - "WHAT NAME: THEN" on stderr. Return: 0; -ENOMEM. */
int replay_say_once(struct replay_list *list, const char *what, const char *name, const char *then);

/** replay_grow() - room for one more item of @size bytes behind @n. NULL: no memory. */
void *replay_grow(void **array, size_t n, size_t *room, size_t size);
