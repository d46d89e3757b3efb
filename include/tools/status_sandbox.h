/* SPDX-License-Identifier: Apache-2.0 */
/*
 * status_sandbox.h - what of status.json concerns the sandboxes, in words
 */
#pragma once

#include <jansson.h>

/**
 * status_sandbox_print() - a line: all hold, or which of them are not in force
 *
 * It is no line of what needs attention: measuring and reporting go on without a sandbox.
 */
void status_sandbox_print(const json_t *live);
