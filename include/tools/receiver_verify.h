/* SPDX-License-Identifier: Apache-2.0 */
/*
 * receiver_verify.h - is this webhook genuine?
 *
 * The receiving side of Standard Webhooks 1.0.0, written apart from the signing side, so
 * that both cannot share a mistake. Pure: no I/O, no clock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECEIVER_KEYS_MAX   4 /* of each kind, for rotation */
#define RECEIVER_SECRET_MAX 64
#define RECEIVER_PUBLIC	    32

/**
 * struct receiver_keys - what the department knows of a plant
 * @secrets: HMAC secrets; any of them may have signed
 * @publics: Ed25519 public keys, the same
 */
struct receiver_keys {
	struct {
		size_t n;
		uint8_t bytes[RECEIVER_SECRET_MAX];
	} secrets[RECEIVER_KEYS_MAX];
	uint8_t publics[RECEIVER_KEYS_MAX][RECEIVER_PUBLIC];
	size_t n_secrets;
	size_t n_publics;
};

/** struct receiver_message - one request; texts are NULL where the header is missing */
struct receiver_message {
	const char *id;
	const char *timestamp;
	const char *signature;
	const void *body;
	size_t n_body;
};

enum receiver_verdict {
	RECEIVER_GENUINE = 0,
	RECEIVER_NO_HEADER,
	RECEIVER_BAD_ID,
	RECEIVER_BAD_TIMESTAMP,
	RECEIVER_TOO_OLD,
	RECEIVER_TOO_NEW,
	RECEIVER_BAD_V1,
	RECEIVER_BAD_V1A,
	RECEIVER_FAILED, /* libcrypto or memory */
};

/**
 * receiver_keys_add() - take "whsec_…", "whpk_…" or a PEM public key
 * Return: 0; -EINVAL none of these; -ENOSPC too many of the kind.
 */
int receiver_keys_add(struct receiver_keys *keys, const char *text);

/** receiver_keys_done() - wipe */
void receiver_keys_done(struct receiver_keys *keys);

/** receiver_check_id() - 1 to 128 letters, digits, "_" and "-": it becomes a file name */
bool receiver_check_id(const char *id);

/**
 * receiver_verify() - judge one message
 * @now_s, @tolerance_s: the time stamp may be so much older or newer than now
 *
 * Every kind of which a key is known must have a good signature; others are not looked at.
 */
enum receiver_verdict receiver_verify(const struct receiver_keys *keys,
				      const struct receiver_message *message, int64_t now_s,
				      int64_t tolerance_s);

/** receiver_verdict_text() - a sentence without a full stop */
const char *receiver_verdict_text(enum receiver_verdict verdict);
