/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.h - recorded values, wherever they come from, as rows in the order of time
 *
 * Errors are said where they are found, with file and line.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/action.h"
#include "core/config.h"

/** struct replay_row - one value of one channel */
struct replay_row {
	int64_t wall_ms;
	size_t channel;
	double value;
	enum quality quality;
};

/**
 * struct replay_rows - a source of rows; read twice, so it can be begun anew
 * @begin: from the first row on. Return: 0; -errno, -EINVAL said.
 * @next: Return: 1 a row, not older than the one before; 0 the end; -errno, -EINVAL said.
 * @close: gives everything back, itself too
 * @path, @line: where the last row came from; line 0: no certain one
 */
struct replay_rows {
	int (*begin)(struct replay_rows *rows);
	int (*next)(struct replay_rows *rows, struct replay_row *ret);
	void (*close)(struct replay_rows *rows);
	const struct config *config;
	const char *path;
	unsigned long line;
};

/** replay_refuse() - say "PATH:LINE: WHAT: TEXT". Return: -EINVAL. */
int replay_refuse(const struct replay_rows *rows, const char *what, const char *text);

/** replay_judge() - the quality of a value of status 00: nothing, in range, out of it */
enum quality replay_judge(const struct config *config, size_t channel, bool has_value,
			  double value);

/**
 * replay_csv_open() - "time,channel,value,status", a row per value
 * @path: "-" standard input
 * Return: 0; -EINVAL said; -ENOMEM.
 */
int replay_csv_open(struct replay_rows **ret, const struct config *config, const char *path);

/** replay_circular_fits() - are these the department's data files, by their names? */
bool replay_circular_fits(char *const *paths, size_t n_paths);

/**
 * replay_circular_open() - the department's data files (core/circular.h)
 * @paths: files, or directories with files and directories in them
 *
 * A file belongs to the station of the configuration with its name; a symbol is the channel that
 * has it there. What belongs to none is said once and left out.
 * A value stands for its window of five minutes, so that it is given for each of its minutes:
 * minute and five-minute means are what the file says.
 * Return: 0; -EINVAL said; -ENOMEM.
 */
int replay_circular_open(struct replay_rows **ret, const struct config *config, char *const *paths,
			 size_t n_paths);

/**
 * replay_write_file() - what would be sent as FILE to DESTINATION, as DIRECTORY/DESTINATION/FILE
 * @webhook_id: see core/files.h
 * Never writes over a file. Return: 0; -EINVAL said.
 */
int replay_write_file(const char *directory, const char *webhook_id, const char *body);

/** struct replay_act - what a person did; the texts of @action lie in @text */
struct replay_act {
	int64_t wall_ms;
	struct action action;
	char *text;
	unsigned long line;
};

/** struct replay_acts - all of them, in the order of time; @done: so many are */
struct replay_acts {
	const char *path;
	struct replay_act *acts;
	size_t n, room, done;
};

/** replay_acts_open() - read "time,action,target,user,until,reason". Return: 0; -EINVAL said;
 * -ENOMEM. To be closed in any case. */
int replay_acts_open(struct replay_acts *acts, const char *path);

/** replay_acts_close() - give all back; zeros are closed */
void replay_acts_close(struct replay_acts *acts);

/** replay_acts_next() - when the next one is, UTC; INT64_MAX: there is none */
int64_t replay_acts_next(const struct replay_acts *acts);

/** replay_acts_do() - do the next one; what is refused is said */
void replay_acts_do(struct replay_acts *acts, struct core *core);
