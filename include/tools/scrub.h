/* SPDX-License-Identifier: Apache-2.0 */
/* scrub.h - a record that came from elsewhere must not drive the reader's terminal */
#pragma once

#include <jansson.h>

/** scrub_json() - what is not plain (common/plain.h) in all texts inside becomes "?" */
void scrub_json(json_t *value);
