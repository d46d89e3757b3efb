/* SPDX-License-Identifier: Apache-2.0 */
/*
 * receiver_body.h - what a department looks at in a report: its type, and the record's head
 *
 * A body is a JSON report or an alert of CAP 1.2; which of them it is says its first character,
 * for that is signed and the Content-Type is not. Nothing is fetched: no DTD, no entity, no file.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECEIVER_TYPE_MAX   64	/* characters of a report's type */
#define RECEIVER_ORIGIN_MAX 128 /* bytes of a record's origin */

/**
 * struct receiver_head - an entry of the reporter's record
 * @id: of its chain, "" it does not say
 * @seq: 0: it does not say
 * @before: hash of the entry before, "" it does not say
 * @time, @signature: of the note that was signed of it, "" it does not say
 */
struct receiver_head {
	char origin[RECEIVER_ORIGIN_MAX + 1];
	char id[17];
	int64_t seq;
	char hash[65];
	char before[65];
	char time[32];
	char signature[89];
};

/**
 * struct receiver_body - what was read
 * @is_cap: XML
 * @interval_s: the reporter promises to say something so often, 0 it does not
 */
struct receiver_body {
	char type[RECEIVER_TYPE_MAX + 1];
	struct receiver_head head;
	bool is_cap;
	int64_t interval_s;
};

/** receiver_body_read() - Return: 0; -EINVAL it is neither of the two. */
int receiver_body_read(const void *bytes, size_t n, struct receiver_body *ret);
