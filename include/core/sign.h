/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sign.h - keys, and the signatures made with them
 *
 * Standard Webhooks 1.0.0 (spec/standard-webhooks.md): "v1" is HMAC-SHA256, "v1a" is
 * Ed25519, both over "id.timestamp.body". The Ed25519 key signs the record's head too.
 * Does no I/O, reads no clock, logs nothing; the bytes of a secret leave it only as
 * signatures and are wiped when the key is freed.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/macro.h"

#define SIGN_ID_MAX	128 /* characters of a webhook-id */
#define SIGN_KEYS_MAX	8   /* keys of one message; rotation needs two of each kind */
#define SIGN_SECRET_MIN 24  /* bytes, the standard's bounds for "whsec_" */
#define SIGN_SECRET_MAX 64
#define SIGN_TEXT_MAX	4096 /* bytes of a key file */

#define SIGN_ED25519_BYTES 64 /* one signature, RFC 8032 §5.1.6 */
#define SIGN_ED25519_TEXT  89 /* one in base64, NUL */
#define SIGN_SHA256_BYTES  32
#define SIGN_SHA256_TEXT   (2 * SIGN_SHA256_BYTES + 1)
#define SIGN_PUBLIC_TEXT   50 /* "whpk_", 44 characters of base64, NUL */
#define SIGN_KEY_ID_TEXT   9  /* 8 hexadecimal digits, NUL */

enum sign_kind {
	SIGN_HMAC = 1, /* makes "v1" */
	SIGN_ED25519,  /* makes "v1a", signs heads */
};

struct sign_key;

/**
 * sign_key_load() - make a key from the text of a key file
 * @text: "whsec_…" (HMAC secret, 24 to 64 bytes in base64), "whsk_…" (Ed25519 seed of 32
 *   bytes, or seed and public key of 64), or a PEM private key (PKCS #8, Ed25519, without
 *   passphrase). White space around it is ignored. The caller wipes its copy.
 * @n: bytes of @text, without a terminating NUL
 *
 * Base64 is strict (RFC 4648 §4): whole groups, padded, unused bits zero.
 * Return: 0; -EINVAL none of these forms, or malformed base64; -ERANGE a secret of another
 *   length than allowed; -EKEYREJECTED a PEM key of another kind, with a passphrase, or a
 *   public half that does not belong to the seed; -ENOMEM. @ret is untouched on failure.
 */
int sign_key_load(struct sign_key **ret, const char *text, size_t n);

/** sign_key_error() - what sign_key_load()'s result means and what is allowed, for people */
const char *sign_key_error(int error);

/** sign_key_free() - wipe and free. Takes NULL. Return: NULL. */
struct sign_key *sign_key_free(struct sign_key *key);
DEFINE_CLEANUP(struct sign_key *, sign_key_free)

enum sign_kind sign_key_kind(const struct sign_key *key);

/**
 * sign_key_public() - the public half as receivers take it, "whpk_" and base64
 * Return: 0; -EOPNOTSUPP an HMAC secret has none.
 */
int sign_key_public(const struct sign_key *key, char ret[static SIGN_PUBLIC_TEXT]);

/**
 * sign_key_id() - short name of an Ed25519 key: the first 8 hexadecimal digits of the
 *   SHA-256 of its 32 public bytes
 * Return: 0; -EOPNOTSUPP an HMAC secret has none.
 */
int sign_key_id(const struct sign_key *key, char ret[static SIGN_KEY_ID_TEXT]);

/**
 * sign_webhook() - the value of the webhook-signature header of one attempt
 * @keys: 1 to SIGN_KEYS_MAX; during rotation the new and the old of a kind
 * @id: webhook-id, letters, digits, "_" and "-", at most SIGN_ID_MAX
 * @timestamp_s: webhook-timestamp, seconds since 1970, of this attempt
 * @body: exactly the bytes that are sent
 * @ret: "v1,… v1a,…" in the order of @keys; freed by the caller
 *
 * Return: 0; -EINVAL @id, @timestamp_s or the number of keys is not allowed; -ENOMEM; -EIO
 *   libcrypto failed. @ret is untouched on failure.
 */
int sign_webhook(const struct sign_key *const *keys, size_t n_keys, const char *id,
		 int64_t timestamp_s, const void *body, size_t n_body, char **ret);

/**
 * sign_bytes() - plain Ed25519 signature (RFC 8032 §5.1), for the record's head
 * Return: 0; -EOPNOTSUPP @key is an HMAC secret; -EIO libcrypto failed.
 */
int sign_bytes(const struct sign_key *key, const void *data, size_t n,
	       uint8_t ret[static SIGN_ED25519_BYTES]);

/** sign_bytes_text() - the same in base64 */
int sign_bytes_text(const struct sign_key *key, const void *data, size_t n,
		    char ret[static SIGN_ED25519_TEXT]);

/** sign_sha256_text() - 64 lower-case hexadecimal digits and NUL. Return: 0; -EIO libcrypto failed.
 */
int sign_sha256_text(const void *data, size_t n, char ret[static SIGN_SHA256_TEXT]);
