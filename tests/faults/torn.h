/* SPDX-License-Identifier: Apache-2.0 */
/*
 * torn.h - an SQLite VFS whose disk loses its power: what was not synced is written in part
 *
 * Writes stay in memory until xSync. At the crash a random part of what waits is written, in
 * another order and in sectors of 512 bytes, some of which are missing; a file that was made
 * and never synced may not be there at all. Then the process ends. What a disk with a write
 * cache may do between two flushes is this and no more.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/**
 * struct torn_plan - when to crash, and how
 * @crash_at: at this call of xWrite, xTruncate or xSync, counted from 1; 0 never
 * @ignore_sync: a disk that lies: the control, which must lose something
 * @seed: of what is written at the crash
 * @n_calls: so many have come
 * @n_waiting: sectors that were not synced at the crash
 * @n_written: of these, those that were written all the same
 */
struct torn_plan {
	long crash_at;
	bool ignore_sync;
	unsigned int seed;
	long n_calls;
	long n_waiting;
	long n_written;
};

#define TORN_EXIT 9 /* exit status of a crash */

/** torn_register() - be SQLite's VFS from now on. @plan outlives the process. Return: 0; -EIO. */
int torn_register(struct torn_plan *plan);
