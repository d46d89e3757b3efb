/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal.h - entries in the system's journal, in their order, without ever waiting for it
 *
 * A thread of its own takes entries from a bounded queue and hands them to the journal's socket,
 * which it never blocks on: it knows of each whether the journal took it, and while the journal
 * hangs or nobody listens it tries that one again. What the queue has no room for, and what the
 * last run had not handed over, comes from the record when there is room (journal_wants()),
 * marked as late: WASTEWATCH_RESENT=1, with its own time in WASTEWATCH_TIME and in the sentence.
 *
 * None twice: the record keeps how far the journal has them. A run that is killed leaves this
 * some entries behind; so before anything late is sent the journal itself is asked which was the
 * last of this record, which group systemd-journal may. What was on its way to a journal that
 * hung while the run was killed comes twice; WASTEWATCH_LOG and WASTEWATCH_SEQ tell that.
 *
 * None lost: what the journal takes into its socket and has not read when it is stopped is lost to
 * it, and no sending fails. So once it has been stopped, and before more is sent, it is asked which
 * of the last JOURNAL_DOUBTED entries it has; the others come from the record, late, as does all
 * behind them. Where it cannot be asked this is said, once.
 *
 * Where there is no journal's socket at all the sentence goes to stderr.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/macro.h"
#include "core/batch.h"
#include "core/journal_ask.h"

struct journal;

#define JOURNAL_SYSTEM "/run/systemd/journal" /* begins the sockets of all namespaces */
#define JOURNAL_SOCKET JOURNAL_SYSTEM "/socket"

/**
 * journal_open() - start the thread
 * @path: the journal's socket; NULL: JOURNAL_SOCKET
 * @ask: whom to ask what it has; NULL: its files if the socket is one of the system's, else nobody
 * @log_id: of the record
 * @sent: the journal has the entries up to this one
 * @end: the last one of the record
 * Return: 0; -ENAMETOOLONG; -errno.
 */
int journal_open(struct journal **ret, const char *path, journal_ask_fn *ask, const char *log_id,
		 uint64_t sent, uint64_t end);

/** journal_drain() - before the end: give the thread a second to empty the queue */
void journal_drain(struct journal *journal);

/** journal_close() - end the thread; takes NULL. Return: NULL. */
struct journal *journal_close(struct journal *journal);
DEFINE_CLEANUP(struct journal *, journal_close)

/** journal_entry() - queue one entry; copies what it needs; never blocks */
void journal_entry(struct journal *journal, const struct batch_entry *entry);

/**
 * journal_wants() - are entries of the record missing in the queue, and is there room?
 * @end: the last one of the record
 * Return: how many it takes; those behind @ret_after.
 */
size_t journal_wants(struct journal *journal, uint64_t end, uint64_t *ret_after);

/** journal_late() - queue the next one that is missing, as it stands in the record */
void journal_late(struct journal *journal, uint64_t seq, const char *line,
		  const uint8_t hash[static 32]);

/** journal_sent() - the journal has all entries up to this one; 0 for NULL; less than before where
 * it has lost some */
uint64_t journal_sent(struct journal *journal);

/**
 * struct journal_missed - entries that came late
 * @n: how many
 * @since_ms: UTC, the first one's time
 * @why: constant
 */
struct journal_missed {
	uint64_t n;
	int64_t since_ms;
	const char *why;
};

/** journal_caught_up() - once the journal has all up to @end: what came late. Return: any? */
bool journal_caught_up(struct journal *journal, uint64_t end, struct journal_missed *ret);

/** journal_waiting() - entries up to @end that the journal does not have yet */
uint64_t journal_waiting(struct journal *journal, uint64_t end);

/**
 * journal_is_stuck() - has the thread been handing one entry over for longer than @ms?
 *
 * It never waits for a journal; so then it hangs itself, and will not come back.
 */
bool journal_is_stuck(struct journal *journal, int64_t ms);

/** journal_words() - why it takes none now, for people; "" it does */
const char *journal_words(struct journal *journal);
