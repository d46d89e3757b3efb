/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal.h - entries in the system's journal, without ever waiting for it
 *
 * A thread of its own takes entries from a bounded queue; a journal that hangs stops that
 * thread and nobody else. Where no journal is listening the sentence goes to stderr. What
 * the queue had no room for is counted; the record has it in any case.
 */
#pragma once

#include <stdint.h>

#include "common/macro.h"
#include "core/batch.h"

struct journal;

/** journal_open() - start the thread. Return: 0; -errno. */
int journal_open(struct journal **ret);

/** journal_close() - give the thread a second to empty the queue, then end it. Return: NULL. */
struct journal *journal_close(struct journal *journal);
DEFINE_CLEANUP(struct journal *, journal_close)

/** journal_entry() - queue one entry; copies what it needs; never blocks */
void journal_entry(struct journal *journal, const struct batch_entry *entry);

/** journal_dropped() - entries that found the queue full */
uint64_t journal_dropped(const struct journal *journal);
