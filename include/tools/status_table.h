/* SPDX-License-Identifier: Apache-2.0 */
/* status_table.h - the lines and channels of a running daemon, for people */
#pragma once

#include <jansson.h>

/** status_table_print() - @live: as live_load() found it; NULL prints nothing */
void status_table_print(const json_t *live);

/** status_hidden_print() - alarms that call nobody, and those that nobody has acknowledged */
void status_hidden_print(const json_t *live);
