/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sign_public.h - the public halves of keys, for those who verify
 *
 * Does no I/O, reads no clock, logs nothing.
 */
#pragma once

#include <stdbool.h>

#include "core/sign.h"

#define SIGN_PEM_TEXT	    144 /* "-----BEGIN PUBLIC KEY-----" … of an Ed25519 key, NUL */
#define SIGN_SIGNATURE_TEXT 89	/* base64 of a signature, NUL */

/** struct sign_public - @bytes: RFC 8032 §5.1.5; @id: as sign_key_id() */
struct sign_public {
	uint8_t bytes[SIGN_SHA256_BYTES];
	char id[SIGN_KEY_ID_TEXT];
};

/**
 * sign_public_load() - from "whpk_…" (padded base64) or PEM; white space around it is ignored
 * Return: 0; -EINVAL neither of them; -ENOMEM. @ret is untouched on failure.
 */
int sign_public_load(struct sign_public *ret, const char *text, size_t n);

/** sign_public_text() - as "whpk_…" */
void sign_public_text(const struct sign_public *key, char ret[static SIGN_PUBLIC_TEXT]);

/** sign_public_pem() - as openssl takes it, RFC 8410 §4 */
void sign_public_pem(const struct sign_public *key, char ret[static SIGN_PEM_TEXT]);

/** sign_public_verify() - is it the key's signature of these bytes? */
bool sign_public_verify(const struct sign_public *key, const void *data, size_t n,
			const uint8_t signature[static SIGN_ED25519_BYTES]);

/** sign_signature_text() - a signature as base64 */
void sign_signature_text(const uint8_t signature[static SIGN_ED25519_BYTES],
			 char ret[static SIGN_SIGNATURE_TEXT]);

/** sign_signature_load() - and back. Return: 0; -EINVAL. */
int sign_signature_load(uint8_t ret[static SIGN_ED25519_BYTES], const char *text, size_t n);
