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

/** struct receiver_head - where the reporter's record stands; @seq 0: it does not say */
struct receiver_head {
	char origin[RECEIVER_ORIGIN_MAX + 1];
	int64_t seq;
	char hash[65];
};

/** struct receiver_body - what was read; @is_cap: XML */
struct receiver_body {
	char type[RECEIVER_TYPE_MAX + 1];
	struct receiver_head head;
	bool is_cap;
};

/** receiver_body_read() - Return: 0; -EINVAL it is neither of the two. */
int receiver_body_read(const void *bytes, size_t n, struct receiver_body *ret);
