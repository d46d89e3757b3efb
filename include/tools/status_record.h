/* SPDX-License-Identifier: Apache-2.0 */
/* status_record.h - what a running daemon says of its record, see core/chain.h */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#define STATUS_RECORD_MAX 512

/** status_record_attention() - is it damaged, and nobody has said that he knows? Then in words. */
bool status_record_attention(const json_t *live, char text[static STATUS_RECORD_MAX]);

/** status_record_print() - when it was last found good; nothing where it was not yet */
void status_record_print(const json_t *live, int zone_min);
