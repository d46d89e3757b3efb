/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status_storage.h - what of status.json concerns disk and journal, in words
 */
#pragma once

#include <jansson.h>

/** status_storage() - append a line for each thing that is not in order */
void status_storage(const json_t *live, json_t *attention);
