/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress.h - how far something long is: one line on stderr, on a terminal only
 *
 * Nothing is shown for two seconds, then every quarter of a second, and nothing is left of it at
 * the end. Who needs no line calls it all the same: it costs a look at the clock. A command that
 * prints as it goes has none while stdout is the same terminal.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/** struct progress - @what: a text for people, translated; @file: NULL nobody looks */
struct progress {
	const char *what;
	int64_t begun_ms;
	int64_t said_ms;
	FILE *file;
	bool said;
};

/** progress_begin() - from now on counts; @prints: results go to stdout meanwhile */
void progress_begin(struct progress *progress, const char *what, bool prints);

/** progress_say() - @n of @all are done; @all 0: how many there are is not known */
void progress_say(struct progress *progress, uint64_t n, uint64_t all);

/** progress_say_at() - the same at a moment, monotonic */
void progress_say_at(struct progress *progress, int64_t now_ms, uint64_t n, uint64_t all);

/** progress_end() - the line goes; call it before anything else is printed */
void progress_end(struct progress *progress);
