/* SPDX-License-Identifier: Apache-2.0 */
/* scrub.h - a record that came from elsewhere must not drive the reader's terminal */
#pragma once

#include <jansson.h>

/** scrub_json() - control characters of all texts inside become "?" */
void scrub_json(json_t *value);
