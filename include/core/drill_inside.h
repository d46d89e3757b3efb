/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drill_inside.h - how the files of drills work together; for them only
 *
 *   drill.c        readings, ticks, begin and end
 *   drill_fit.c    which channels of a site play a scenario
 *   drill_save.c   the state as bytes, and a change of configuration
 */
#pragma once

#include "core/drill.h"

/**
 * drill_fit() - find the channels of a scenario: sets @feeds, @n_feeds and @source
 * @drill: @site and @scenario are set; @source: EVENT_NONE look for one, else it must be this
 * @error: @n_error bytes, "" when it fits
 * Return: 0; -EINVAL.
 */
int drill_fit(struct drill *drill, const struct config *config, char *error, size_t n_error);

/** drill_site_find() - index of a site; EVENT_NONE no such */
size_t drill_site_find(const struct config *config, const char *name, size_t n_name);

/** drill_make_core() - the exercise's core, at rest, beside @real. Return: 0; -ENOMEM. */
int drill_make_core(struct drill *drill, const struct core *real);

/** drill_mark() - which channels the drill judges; again after core_restore() */
void drill_mark(struct drill *drill, const struct core *real);

/** drill_free() - takes NULL. Return: NULL. */
struct drill *drill_free(struct drill *drill);
DEFINE_CLEANUP(struct drill *, drill_free)

/** drills_add() - it runs from now on; there is room for it */
void drills_add(struct drills *drills, struct drill *drill);

/** drill_stop() - end the @i-th, with an entry; @user: NULL nobody asked */
void drill_stop(struct drills *drills, size_t i, struct stamp at, const char *user,
		const char *reason);
