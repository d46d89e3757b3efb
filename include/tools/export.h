/* SPDX-License-Identifier: Apache-2.0 */
/*
 * export.h - a part of the record on its way to an inspector: a directory of
 *
 *   entries.jsonl  the entries, one line each, byte for byte as they are chained
 *   hashes.txt     the hash before the first entry, then that of each entry; 64 hex digits a line
 *   head.txt       the head of the last entry, five lines: origin, number, hash, time, key id
 *   head.sig       its Ed25519 signature, 64 bytes
 *   key.pem        the public key that signed it, for those who have none from elsewhere
 *   README.txt     what range it is, and how to verify it with openssl alone
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "core/verify.h"

#define EXPORT_ENTRIES	 "entries.jsonl"
#define EXPORT_HASHES	 "hashes.txt"
#define EXPORT_HEAD	 "head.txt"
#define EXPORT_SIGNATURE "head.sig"
#define EXPORT_KEY	 "key.pem"
#define EXPORT_README	 "README.txt"

/**
 * struct export_files - open to be read
 * @hashes: NULL there are none: the line that is wrong cannot be named then
 * @note: text of the head; "" none
 * @signature: its bytes; NULL no 64
 */
struct export_files {
	FILE *entries;
	FILE *hashes;
	const char *note;
	const uint8_t *signature;
};

/**
 * export_check() - feed an export to a verifier that knows its keys already
 * @each: called now and then with the number of entries so far; NULL nobody asks
 * Return: 0, @verify has the verdict; -EIO a file cannot be read.
 */
int export_check(const struct export_files *files, struct verify *verify, void (*each)(uint64_t n));

/** export_keys() - the first public keys of a text, whpk_… or PEM, one behind the other.
 * Return: how many, at most @max; -EINVAL there is something else, or none. */
int export_keys(const char *text, size_t n, struct sign_public *ret, size_t max);
