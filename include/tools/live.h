/* SPDX-License-Identifier: Apache-2.0 */
/* live.h - what a running daemon says of itself: status.json in its runtime directory */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "tools/command.h"

enum live_state {
	LIVE_OK,
	LIVE_NONE, /* there is no such file */
	LIVE_OLD,  /* whoever wrote it is gone, or has been silent for too long */
};

/**
 * live_load() - read it, if it is of now
 * @ret: the caller's, NULL unless LIVE_OK
 * @ret_age_ms: how old it is
 */
enum live_state live_load(const struct command_options *options, int64_t now_ms, json_t **ret,
			  int64_t *ret_age_ms);
