/* SPDX-License-Identifier: Apache-2.0 */
/*
 * target.h - what a word of the command line means: an alarm, an incident or a site
 *
 * A name, or the beginning of one that no other shares. Limits and sites are asked of the
 * daemon, which knows the configuration in force; incidents are looked up in the record.
 */
#pragma once

#include <stdbool.h>

#include "tools/bus.h"
#include "tools/command.h"

#define TARGET_ALARM	1U
#define TARGET_INCIDENT 2U
#define TARGET_SITE	4U

#define TARGET_MAX 256

/* an incident of a drill: its id begins so, and it is in no table of the record */
#define TARGET_EXERCISE "exercise."

struct target {
	unsigned kind; /* one of them */
	char name[TARGET_MAX];
};

/**
 * target_resolve() - find what is meant
 * @kinds: which there may be; an incident of a drill is taken by its whole id
 * Return: 0; -ENOENT nothing is; -EINVAL more than one is; -errno; @error says what, with the
 *   names that there are.
 */
int target_resolve(struct target *ret, const struct command_options *options, struct bus *bus,
		   const char *word, unsigned kinds, char error[static BUS_ERROR_MAX]);
