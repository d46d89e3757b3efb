/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assess_inside.h - one assessment while it is made: its paths, and what is said of them; for
 * assess.c and assess_round.c only
 *
 * Pure: no clock, no I/O, no allocation.
 */
#pragma once

#include "core/assess.h"

/** struct round - one assessment while it is made */
struct round {
	const struct core *core;
	const struct core_incident *incident;
	const struct core_crossing *before;
	struct core_crossing *now;
	size_t source;
	struct stamp since; /* its release began */
	struct stamp at;
	struct stamp end; /* @at, or when the release ended */
	bool ended;	  /* nothing is let go any more */
};

/** round_path() - a path of @round's source to a target, of which nothing is known yet */
struct crossing_path round_path(const struct round *round, enum crossing_method method,
				const struct config_target *target);

/** round_begin_with() - it did not begin later than was said before */
void round_begin_with(struct crossing_path *path, const struct crossing_path *before);

/** round_lasted_s() - the release until now, or until it was over */
double round_lasted_s(const struct round *round, const struct crossing_path *path);

/** round_same() - the same path in another assessment; NULL it has none */
const struct crossing_path *round_same(const struct core_crossing *crossing,
				       const struct crossing_path *path);

/** round_cover() - how much of the release was measured, and what is said of it */
void round_cover(const struct round *round, const struct assess_mass *mass,
		 struct crossing_path *path);

/** round_judge() - its verdict, with what readings at the target say */
void round_judge(const struct round *round, struct crossing_path *path);

/**
 * struct round_unjudged - what has broken a limit of the law at the source and has no threshold at
 * a target: that something else is in order says nothing of it
 * @key: as assess_parameter_key()
 */
struct round_unjudged {
	uint64_t key;
	uint64_t flags;
};

/** round_unjudged() - the next from the source's channel @*channel on, which is then the one behind
 * it. Return: false there is none */
bool round_unjudged(const struct round *round, const struct config_target *target, size_t *channel,
		    struct round_unjudged *ret);

/** round_add() - to the list, the worst first; the least bad makes room */
void round_add(const struct round *round, const struct crossing_path *path);
