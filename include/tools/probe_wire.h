/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe_wire.h - one read after the other from a device, with the poller's own modules
 *
 * Waits, as a person does: one request at a time, a pause before each. After anything that could
 * leave a late answer behind, the connection is opened anew, or the line is left silent.
 * Functions 1-4 only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/macro.h"
#include "tools/probe_target.h"

/** enum probe_result - what came of a read */
enum probe_result {
	PROBE_GOOD,
	PROBE_EXCEPTION,  /* the device says no; @code is its exception */
	PROBE_NO_CONNECT, /* the connection or the line cannot be opened; @code is errno */
	PROBE_CLOSED,	  /* it ended before the answer; @code is errno */
	PROBE_SILENT,	  /* no answer in time */
	PROBE_WRONG,	  /* in time came only what was no answer: wrong length or check sum */
	PROBE_FOREIGN,	  /* … or answers of another unit or to another request */
};

/** struct probe_outcome - @code: see there */
struct probe_outcome {
	enum probe_result result;
	int code;
};

struct probe_wire;

/** probe_wire_new() - @target must live longer. Opens nothing yet. Return: 0; -ENOMEM. */
int probe_wire_new(struct probe_wire **ret, const struct probe_target *target);

/** probe_wire_free() - takes NULL; closes. Return: NULL. */
struct probe_wire *probe_wire_free(struct probe_wire *wire);
DEFINE_CLEANUP(struct probe_wire *, probe_wire_free)

/**
 * probe_wire_read() - open where it is not open, ask, and wait
 * @words: room for @range->count: registers, or a word for each bit
 */
struct probe_outcome probe_wire_read(struct probe_wire *wire, const struct probe_range *range,
				     uint16_t *words);

/**
 * probe_outcome_text() - "no answer within 500 ms", "exception 2, illegal data address: …"
 * @text: PROBE_WHY_MAX bytes
 */
const char *probe_outcome_text(const struct probe_outcome *outcome,
			       const struct probe_target *target, char *text);
