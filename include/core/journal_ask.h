/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_ask.h - what of a record the system's journal has, asked of its files
 *
 * They can be read while nobody writes them, too: a journal that hangs or is stopped holds nobody
 * up, and whoever has stopped has stored all that it had read.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JOURNAL_DOUBTED 1024 /* entries that are asked for at most */

/**
 * struct journal_had - which entries of the record it has
 * @after, @n: asked for are those from @after + 1 on, so many; 0 the last one only
 * @last: the last one it has, whichever were asked for
 * @has: [0] is @after + 1; those that are older than all it has count as had: it forgets
 */
struct journal_had {
	uint64_t after;
	size_t n;
	uint64_t last;
	bool has[JOURNAL_DOUBTED];
};

/**
 * typedef journal_ask_fn - ask it
 * @had: @after and @n are given
 * Return: 0; -ENODATA it has none of this record or may not be read; -errno.
 */
typedef int journal_ask_fn(const char *log_id, struct journal_had *had);

/** journal_ask() - the system's, of all namespaces */
journal_ask_fn journal_ask;

/** journal_first_missing() - of those asked for; 0 it has all of them */
uint64_t journal_first_missing(const struct journal_had *had);

/** journal_has() - is this one of those it was asked for and has? */
bool journal_has(const struct journal_had *had, uint64_t seq);
