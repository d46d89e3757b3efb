/* SPDX-License-Identifier: Apache-2.0 */
/* lines.h - JSON for programs, one line for each object */
#pragma once

#include <jansson.h>

/** lines_print() - compact, keys sorted */
void lines_print(const json_t *object);

/** lines_action() - what came of an action: action, target, done, and error where it is not NULL */
void lines_action(const char *action, const char *target, const char *error);
