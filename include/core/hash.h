/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hash.h - what makes the record a chain
 *
 *   H(n) = SHA256("wastewatch-log/1\n" + hex(H(n-1)) + "\n" + line of entry n), H(0) = zeros
 *
 * Text alone, so that a shell can do it: tools/verify-export.sh. Pure.
 */
#pragma once

#include <stdint.h>

#define CHAIN_HEX_MAX 65

/** chain_hex() - a hash as 64 lower-case hex digits */
void chain_hex(const uint8_t hash[static 32], char text[static CHAIN_HEX_MAX]);

/** chain_next() - the hash of @line behind @previous, which may be @ret. Return: 0; -ENOMEM. */
int chain_next(const uint8_t previous[static 32], const char *line, uint8_t ret[static 32]);
