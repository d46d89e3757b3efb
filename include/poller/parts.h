/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parts.h - which requests of a link are read in parts, and how many of those are refused
 *
 * Nearly all requests are read whole and cost a pointer here. No I/O, no clock.
 */
#pragma once

#include <stdint.h>

#include "common/macro.h"
#include "common/wire.h"
#include "poller/split.h"

struct parts;

/** parts_new() - @requests must live as long. Return: 0; -ENOMEM. */
int parts_new(struct parts **ret, const struct wire_request *requests, uint32_t n);

/** parts_free() - takes NULL. Return: NULL. */
struct parts *parts_free(struct parts *parts);
DEFINE_CLEANUP(struct parts *, parts_free)

/** parts_inherit() - what @old knows of its requests [@old_first, @old_last) goes over to those
 * of [@first, @last) that are the same */
void parts_inherit(struct parts *parts, uint32_t first, uint32_t last, struct parts *old,
		   uint32_t old_first, uint32_t old_last);

/** parts_of() - the parts of a request; NULL: it is read whole */
struct split *parts_of(const struct parts *parts, uint32_t request);

/** parts_request() - the request itself */
const struct wire_request *parts_request(const struct parts *parts, uint32_t request);

/** parts_refused() - as split_refused(); without memory the whole stays refused: SAME */
enum split_outcome parts_refused(struct parts *parts, uint32_t request, int64_t now_us,
				 uint16_t first, uint16_t count);

/** parts_answered() - as split_answered(), but what is forgotten is freed, and is ACCEPTED if
 * something of it was refused, else SAME */
enum split_outcome parts_answered(struct parts *parts, uint32_t request, int64_t now_us,
				  uint16_t first, uint16_t count);

/** parts_n_refused() - parts that are refused at present */
uint32_t parts_n_refused(const struct parts *parts);
