/* SPDX-License-Identifier: Apache-2.0 */
/* text.h - texts from outside. No I/O. */
#pragma once

#include <stdbool.h>

/** text_is_utf8() - well-formed UTF-8 as in RFC 3629: shortest form, no surrogates */
bool text_is_utf8(const char *text);
