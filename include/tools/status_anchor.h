/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status_anchor.h - what is wrong between this record and a department's, in words
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#define STATUS_ANCHOR_MAX 512

enum status_anchor {
	STATUS_ANCHOR_UNSEEN, /* it holds another record, and nobody has taken notice */
	STATUS_ANCHOR_BEHIND, /* it has lost reports */
	STATUS_ANCHOR_CLOCK,  /* the clocks differ */
	N_STATUS_ANCHOR,
};

/**
 * status_anchor() - one of these, where it is so
 * @anchor: an object of "anchors" in status.json
 * Return: it is so, and @ret says it.
 */
bool status_anchor(const json_t *anchor, enum status_anchor which,
		   char ret[static STATUS_ANCHOR_MAX]);
