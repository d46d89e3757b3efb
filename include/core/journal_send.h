/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal_send.h - one entry to the journal's socket
 *
 * The protocol is https://systemd.io/JOURNAL_NATIVE_PROTOCOL/; sd_journal_sendv() is not used
 * because it blocks where the journal hangs, and succeeds where nobody listens.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/event.h"

/**
 * struct journal_item - an entry on its way; texts owned
 * @message: NULL: it is late, and the sentence is made of @line
 */
struct journal_item {
	uint64_t seq;
	char *line;
	char *message;
	int priority;
	enum event_type type;
	uint8_t hash[32];
};

/** journal_item_done() - free the texts */
void journal_item_done(struct journal_item *item);

/** journal_item_time() - the entry's own time, UTC; 0 not known */
int64_t journal_item_time(const struct journal_item *item);

/** journal_item_say() - its sentence on stderr */
void journal_item_say(const struct journal_item *item);

/**
 * journal_send() - hand it over, without waiting
 * @fd: a SOCK_DGRAM socket
 * Return: 0; -EAGAIN it takes no more now; -ECONNREFUSED nobody listens; -ENOENT there is no
 *   such socket; -errno.
 */
int journal_send(int fd, const char *path, const char *log_id, const struct journal_item *item);

/** journal_send_warning() - a sentence that is no entry; on stderr if it is not taken */
void journal_send_warning(int fd, const char *path, const char *text);
