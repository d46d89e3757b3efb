/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_doubt.h - has the journal lost what it had taken?
 *
 * What it takes into its socket and has not read when it is stopped is lost to it, and no sending
 * fails: afterwards the socket is another one, or nobody's. Then it is asked, until it answers
 * the same twice, so that nobody is at it still.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "core/journal_ask.h"

#define JOURNAL_AGAIN_MS 200 /* until it is asked again */

enum journal_unasked {
	JOURNAL_ASKED,
	JOURNAL_UNASKED,      /* it could not be asked, which is to be said */
	JOURNAL_UNASKED_SAID, /* once */
};

/**
 * struct journal_doubt - zero but for @ask and @is_sure to begin with
 * @ask: whom to ask; NULL nobody
 * @socket: that is there, when last looked at; all 0 none yet
 * @is_sure: nothing was taken since it was asked
 * @is: it is to be asked before more is sent
 * @had: its last answer
 * @had_ms: monotonic, when it answered; 0 not since the doubt came up
 */
struct journal_doubt {
	journal_ask_fn *ask;
	struct stat socket;
	bool is_sure;
	bool is;
	struct journal_had had;
	int64_t had_ms;
	enum journal_unasked unasked;
};

/** journal_doubt_look() - is it another socket than the last time? Then there is doubt. */
void journal_doubt_look(struct journal_doubt *doubt, const char *path);

/** journal_doubt_sent() - after an attempt: @r as of journal_send() */
void journal_doubt_sent(struct journal_doubt *doubt, int r);

/** journal_doubt_wait_ms() - until it is to be asked; 0 now */
int64_t journal_doubt_wait_ms(const struct journal_doubt *doubt, int64_t now_ms);

/**
 * journal_doubt_ask() - ask it
 * @sent: the last one it had taken
 * Return: the first one of the last JOURNAL_DOUBTED that it has lost; 0 none, or it cannot be
 *   asked: no doubt any more; -EAGAIN ask again.
 */
int64_t journal_doubt_ask(struct journal_doubt *doubt, const char *log_id, uint64_t sent,
			  int64_t now_ms);
