/* SPDX-License-Identifier: Apache-2.0 */
/*
 * timeline.h - which of many things is due first
 *
 * A heap over numbered things, each with at most one moment. One timer, set to the first of
 * them, serves all links: wake-ups at one moment become one wake-up. Reads no clock.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/macro.h"

#define TIMELINE_NEVER INT64_MAX

struct timeline;

/** timeline_new() - for things 0 … @n - 1, none of them due. Return: 0; -ENOMEM. */
int timeline_new(struct timeline **ret, size_t n);

/** timeline_free() - takes NULL. Return: NULL. */
struct timeline *timeline_free(struct timeline *timeline);
DEFINE_CLEANUP(struct timeline *, timeline_free)

/** timeline_set() - @thing is due at @at_us, in the caller's clock; or TIMELINE_NEVER */
void timeline_set(struct timeline *timeline, size_t thing, int64_t at_us);

/** timeline_first() - the thing that is due first. Return: when; TIMELINE_NEVER if none is. */
int64_t timeline_first(const struct timeline *timeline, size_t *ret_thing);
