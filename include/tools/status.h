/* SPDX-License-Identifier: Apache-2.0 */
/* status.h - what "wastewatch status" has to say, and how it says it */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "core/history.h"

/** struct picture - all there is to say; @attention: lines for what is not in order */
struct picture {
	json_t *live; /* NULL: the daemon is down */
	json_t *raised;
	json_t *incidents;
	int64_t n_unclosed;
	json_t *attention;
	struct history_outbox outbox;
	int64_t head;
	int zone_min;
	int64_t now_ms;
};

/** status_print() - as lines and tables on stdout */
void status_print(const struct picture *picture);

/** status_print_json() - as one line of JSON on stdout */
void status_print_json(const struct picture *picture);
