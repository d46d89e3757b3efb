/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "common/macro.h"
#include "core/journal_doubt.h"

/* not by the time of change: a new mode or owner is no new socket */
static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

void journal_doubt_look(struct journal_doubt *doubt, const char *path)
{
	struct stat now;

	if (stat(path, &now) < 0)
		return; /* sending fails, too */
	if (doubt->socket.st_ino && !doubt->is_sure && !is_same(&now, &doubt->socket))
		doubt->is = true;
	doubt->socket = now;
}

void journal_doubt_sent(struct journal_doubt *doubt, int r)
{
	if (r == 0 || r == -ENOENT) /* said on stderr: that may have been the journal's, too */
		doubt->is_sure = false;
	else if (r == -ECONNREFUSED && !doubt->is_sure)
		doubt->is = true;
}

int64_t journal_doubt_wait_ms(const struct journal_doubt *doubt, int64_t now_ms)
{
	return doubt->had_ms ? MAX(doubt->had_ms + JOURNAL_AGAIN_MS - now_ms, INT64_C(0)) : 0;
}

int64_t journal_doubt_ask(struct journal_doubt *doubt, const char *log_id, uint64_t sent,
			  int64_t now_ms)
{
	struct journal_had had = {.n = (size_t)MIN(sent, (uint64_t)JOURNAL_DOUBTED)};
	uint64_t missing;
	int r;

	had.after = sent - had.n;
	r = doubt->ask ? doubt->ask(log_id, &had) : -ENODATA;
	if (r < 0 && doubt->unasked == JOURNAL_ASKED)
		doubt->unasked = JOURNAL_UNASKED;
	missing = r < 0 ? 0 : journal_first_missing(&had);
	if (missing && !(doubt->had_ms && !memcmp(had.has, doubt->had.has, sizeof(had.has)))) {
		doubt->had = had;
		doubt->had_ms = now_ms;
		return -EAGAIN;
	}
	doubt->had = had;
	doubt->had_ms = 0;
	doubt->is = false;
	doubt->is_sure = true;
	return (int64_t)missing;
}
