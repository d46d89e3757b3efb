/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bus.h - the command's way to a running wastewatchd, see core/control.h
 *
 * Every failure comes with what it means and what to do.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macro.h"

#define BUS_ERROR_MAX	  1024
#define BUS_ARGUMENTS_MAX 4

struct bus;

/** struct bus_argument - @type: 's' @text, 't' @usec, 'b' @flag, as on the bus */
struct bus_argument {
	char type;
	const char *text;
	uint64_t usec;
	bool flag;
};

/**
 * bus_open() - connect
 * @address: NULL the system's bus
 * @error: BUS_ERROR_MAX bytes, filled on failure
 * Return: 0; -errno.
 */
int bus_open(struct bus **ret, const char *address, char error[static BUS_ERROR_MAX]);

/** bus_close() - takes NULL. Return: NULL. */
struct bus *bus_close(struct bus *bus);
DEFINE_CLEANUP(struct bus *, bus_close)

/**
 * bus_find() - limits and sites of the configuration in force whose names begin so
 * @each: @kind "alarm" or "site"; CONTROL_FOUND_MAX at most, the name itself always
 * Return: 0; -errno, @error says what.
 */
int bus_find(struct bus *bus, const char *prefix,
	     void (*each)(void *userdata, const char *kind, const char *name), void *userdata,
	     char error[static BUS_ERROR_MAX]);

/**
 * bus_act() - one action; returns when it is on disk
 * @exercise: on what the drill shows
 * Waits a little where this account has asked for too much.
 * Return: 0; -ENOENT there is no such thing; -errno; @error says what.
 */
int bus_act(struct bus *bus, bool exercise, const char *method,
	    const struct bus_argument *arguments, size_t n, char error[static BUS_ERROR_MAX]);
