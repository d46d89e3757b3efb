/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

#include "common/macro.h"
#include "tools/receiver_verify.h"

#define TEXT_MAX 128 /* characters of base64: a signature has 88, a secret at most 88 */

static void bio_close(BIO *bio)
{
	(void)BIO_free(bio);
}
DEFINE_CLEANUP(BIO *, bio_close)
DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free)
DEFINE_CLEANUP(EVP_MD_CTX *, EVP_MD_CTX_free)
DEFINE_CLEANUP(EVP_MAC *, EVP_MAC_free)
DEFINE_CLEANUP(EVP_MAC_CTX *, EVP_MAC_CTX_free)

/*
 * Strict by going back: what libcrypto decodes must encode to the same text. Return: bytes,
 * at most @max; 0 malformed.
 */
static size_t decode(const char *text, size_t n, uint8_t *ret, size_t max)
{
	uint8_t bytes[TEXT_MAX / 4 * 3];
	char again[TEXT_MAX + 1];
	size_t n_bytes = 0;

	if (n > 0 && n <= TEXT_MAX && n % 4 == 0 && strcspn(text, " \t\r\n") >= n &&
	    EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)n) > 0) {
		n_bytes = n / 4 * 3;
		n_bytes -= text[n - 1] == '=' ? 1 : 0;
		n_bytes -= text[n - 2] == '=' ? 1 : 0;
		(void)EVP_EncodeBlock((unsigned char *)again, bytes, (int)n_bytes);
		if (n_bytes > max || memcmp(again, text, n) != 0)
			n_bytes = 0;
		memcpy(ret, bytes, n_bytes);
	}
	OPENSSL_cleanse(bytes, sizeof(bytes));
	OPENSSL_cleanse(again, sizeof(again));
	return n_bytes;
}

static int add_secret(struct receiver_keys *keys, const char *text, size_t n)
{
	size_t n_bytes;

	if (keys->n_secrets == RECEIVER_KEYS_MAX)
		return -ENOSPC;
	n_bytes = decode(text, n, keys->secrets[keys->n_secrets].bytes, RECEIVER_SECRET_MAX);
	if (n_bytes < 24)
		return -EINVAL;
	keys->secrets[keys->n_secrets++].n = n_bytes;
	return 0;
}

static int add_public(struct receiver_keys *keys, const uint8_t *bytes, size_t n)
{
	if (n != RECEIVER_PUBLIC)
		return -EINVAL;
	if (keys->n_publics == RECEIVER_KEYS_MAX)
		return -ENOSPC;
	memcpy(keys->publics[keys->n_publics++], bytes, n);
	return 0;
}

static int add_public_pem(struct receiver_keys *keys, const char *text)
{
	CLEANUP(bio_close) BIO *bio = BIO_new_mem_buf(text, -1);
	CLEANUP(EVP_PKEY_free) EVP_PKEY *pkey = NULL;
	uint8_t bytes[RECEIVER_PUBLIC];
	size_t n = sizeof(bytes);

	if (bio)
		pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	if (!pkey || EVP_PKEY_get_id(pkey) != EVP_PKEY_ED25519 ||
	    EVP_PKEY_get_raw_public_key(pkey, bytes, &n) != 1)
		return -EINVAL;
	return add_public(keys, bytes, n);
}

int receiver_keys_add(struct receiver_keys *keys, const char *text)
{
	uint8_t bytes[RECEIVER_PUBLIC];
	size_t n;

	text += strspn(text, " \t\r\n");
	n = strcspn(text, " \t\r\n");
	if (strncmp(text, "-----BEGIN PUBLIC KEY-----", 26) == 0)
		return add_public_pem(keys, text);
	if (text[n + strspn(text + n, " \t\r\n")] != '\0')
		return -EINVAL;
	if (strncmp(text, "whsec_", 6) == 0)
		return add_secret(keys, text + 6, n - 6);
	if (strncmp(text, "whpk_", 5) == 0)
		return add_public(keys, bytes, decode(text + 5, n - 5, bytes, sizeof(bytes)));
	return -EINVAL;
}

void receiver_keys_done(struct receiver_keys *keys)
{
	OPENSSL_cleanse(keys, sizeof(*keys));
}

bool receiver_check_id(const char *id)
{
	size_t n = 0;

	for (; id[n]; n++)
		if (n == 128 ||
		    !((id[n] >= '0' && id[n] <= '9') || (id[n] >= 'A' && id[n] <= 'Z') ||
		      (id[n] >= 'a' && id[n] <= 'z') || id[n] == '_' || id[n] == '-'))
			return false;
	return n > 0;
}

/* the three parts are fed one after the other: nothing is copied */
static bool mac_is_good(const uint8_t *secret, size_t n_secret,
			const struct receiver_message *message, const uint8_t *expected)
{
	CLEANUP(EVP_MAC_free) EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	CLEANUP(EVP_MAC_CTX_free) EVP_MAC_CTX *context = mac ? EVP_MAC_CTX_new(mac) : NULL;
	char digest[] = "SHA256";
	OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	uint8_t computed[32];
	size_t n = 0;

	return context && EVP_MAC_init(context, secret, n_secret, parameters) == 1 &&
	       EVP_MAC_update(context, (const uint8_t *)message->id, strlen(message->id)) == 1 &&
	       EVP_MAC_update(context, (const uint8_t *)".", 1) == 1 &&
	       EVP_MAC_update(context, (const uint8_t *)message->timestamp,
			      strlen(message->timestamp)) == 1 &&
	       EVP_MAC_update(context, (const uint8_t *)".", 1) == 1 &&
	       EVP_MAC_update(context, message->body, message->n_body) == 1 &&
	       EVP_MAC_final(context, computed, &n, sizeof(computed)) == 1 && n == 32 &&
	       CRYPTO_memcmp(computed, expected, 32) == 0;
}

/* Ed25519 reads its message twice, so it wants it in one piece */
static bool ed25519_is_good(const uint8_t *public, const uint8_t *base, size_t n_base,
			    const uint8_t *signature)
{
	CLEANUP(EVP_PKEY_free)
	EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public,
						     RECEIVER_PUBLIC);
	CLEANUP(EVP_MD_CTX_free) EVP_MD_CTX *context = EVP_MD_CTX_new();

	return pkey && context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, pkey) == 1 &&
	       EVP_DigestVerify(context, signature, 64, base, n_base) == 1;
}

static uint8_t *join(const struct receiver_message *message, size_t *ret_n)
{
	size_t n_id = strlen(message->id), n_time = strlen(message->timestamp);
	uint8_t *base = OPENSSL_malloc(n_id + n_time + 2 + message->n_body), *at = base;

	if (!base)
		return NULL;
	memcpy(at, message->id, n_id);
	at += n_id;
	*at++ = '.';
	memcpy(at, message->timestamp, n_time);
	at += n_time;
	*at++ = '.';
	if (message->n_body > 0)
		memcpy(at, message->body, message->n_body);
	*ret_n = n_id + n_time + 2 + message->n_body;
	return base;
}

/* does one element of the list, such as "v1,BASE64", verify with any key of its kind? */
static bool v1_is_good(const struct receiver_keys *keys, const struct receiver_message *message,
		       const char *text, size_t n)
{
	uint8_t raw[32];

	if (decode(text, n, raw, sizeof(raw)) != 32)
		return false;
	for (size_t i = 0; i < keys->n_secrets; i++)
		if (mac_is_good(keys->secrets[i].bytes, keys->secrets[i].n, message, raw))
			return true;
	return false;
}

static bool v1a_is_good(const struct receiver_keys *keys, const uint8_t *base, size_t n_base,
			const char *text, size_t n)
{
	uint8_t raw[64];

	if (decode(text, n, raw, sizeof(raw)) != 64)
		return false;
	for (size_t i = 0; i < keys->n_publics; i++)
		if (ed25519_is_good(keys->publics[i], base, n_base, raw))
			return true;
	return false;
}

static enum receiver_verdict check_signatures(const struct receiver_keys *keys,
					      const struct receiver_message *message,
					      const uint8_t *base, size_t n_base)
{
	bool v1 = keys->n_secrets == 0, v1a = keys->n_publics == 0;
	const char *at = message->signature;
	int n_elements = 0;

	while (*at && n_elements++ < 4 * RECEIVER_KEYS_MAX) {
		size_t n = strcspn(at, " ");

		if (!v1 && n > 3 && memcmp(at, "v1,", 3) == 0)
			v1 = v1_is_good(keys, message, at + 3, n - 3);
		else if (!v1a && n > 4 && memcmp(at, "v1a,", 4) == 0)
			v1a = v1a_is_good(keys, base, n_base, at + 4, n - 4);
		at += n;
		at += strspn(at, " ");
	}
	return !v1 ? RECEIVER_BAD_V1 : !v1a ? RECEIVER_BAD_V1A : RECEIVER_GENUINE;
}

static enum receiver_verdict check_time(const char *text, int64_t now_s, int64_t tolerance_s)
{
	size_t n = strspn(text, "0123456789");
	int64_t seconds = 0;

	if (n == 0 || n > 12 || text[n] != '\0' || text[0] == '0')
		return RECEIVER_BAD_TIMESTAMP;
	for (size_t i = 0; i < n; i++)
		seconds = seconds * 10 + (text[i] - '0');
	return seconds < now_s - tolerance_s   ? RECEIVER_TOO_OLD
	       : seconds > now_s + tolerance_s ? RECEIVER_TOO_NEW
					       : RECEIVER_GENUINE;
}

enum receiver_verdict receiver_verify(const struct receiver_keys *keys,
				      const struct receiver_message *message, int64_t now_s,
				      int64_t tolerance_s)
{
	enum receiver_verdict verdict;
	uint8_t *base;
	size_t n_base;

	if (!message->id || !message->timestamp || !message->signature)
		return RECEIVER_NO_HEADER;
	if (!receiver_check_id(message->id))
		return RECEIVER_BAD_ID;
	verdict = check_time(message->timestamp, now_s, tolerance_s);
	if (verdict != RECEIVER_GENUINE)
		return verdict;
	base = join(message, &n_base);
	if (!base)
		return RECEIVER_FAILED;
	verdict = check_signatures(keys, message, base, n_base);
	OPENSSL_free(base);
	return verdict;
}

const char *receiver_verdict_text(enum receiver_verdict verdict)
{
	switch (verdict) {
	case RECEIVER_GENUINE:
		return "signatures are good";
	case RECEIVER_NO_HEADER:
		return "webhook-id, webhook-timestamp or webhook-signature is missing";
	case RECEIVER_BAD_ID:
		return "the webhook-id is not 1 to 128 letters, digits, \"_\" or \"-\"";
	case RECEIVER_BAD_TIMESTAMP:
		return "the webhook-timestamp is not a number of seconds";
	case RECEIVER_TOO_OLD:
		return "the webhook-timestamp is too old; check the clock there and whether this "
		       "is a replay";
	case RECEIVER_TOO_NEW:
		return "the webhook-timestamp lies in the future; check both clocks";
	case RECEIVER_BAD_V1:
		return "no v1 signature verifies with the secret";
	case RECEIVER_BAD_V1A:
		return "no v1a signature verifies with the public key";
	case RECEIVER_FAILED:
		return "the receiver could not verify";
	}
	return "unknown verdict";
}
