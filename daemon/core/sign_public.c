/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "core/sign_public.h"

DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free)
DEFINE_CLEANUP(EVP_MD_CTX *, EVP_MD_CTX_free)

#define BASE64_MAX 88 /* characters of the longest text here: a signature */
#define DER_BYTES  44

/* RFC 8410 §4: SubjectPublicKeyInfo of an Ed25519 key before its 32 bytes */
static const uint8_t der_head[DER_BYTES - SIGN_SHA256_BYTES] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
								0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
static const char pem_begin[] = "-----BEGIN PUBLIC KEY-----\n";
static const char pem_end[] = "\n-----END PUBLIC KEY-----";

/* Exactly @wanted bytes. Strict by going back: what libcrypto decodes must encode to the same. */
static int base64(const char *text, size_t n, uint8_t *ret, size_t wanted)
{
	uint8_t bytes[BASE64_MAX / 4 * 3];
	char again[BASE64_MAX + 1];

	if (n != (wanted + 2) / 3 * 4 || memchr(text, '\0', n) ||
	    EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)n) < 0)
		return -EINVAL;
	(void)EVP_EncodeBlock((unsigned char *)again, bytes, (int)wanted);
	if (memcmp(again, text, n) != 0)
		return -EINVAL;
	memcpy(ret, bytes, wanted);
	return 0;
}

static bool begins(const char *text, size_t n, const char *with)
{
	return n >= strlen(with) && memcmp(text, with, strlen(with)) == 0;
}

static int load_pem(uint8_t *ret, const char *text, size_t n)
{
	uint8_t der[DER_BYTES];
	size_t n_body = n - MIN(n, strlen(pem_begin) + strlen(pem_end));

	if (!begins(text, n, pem_begin) || n_body == 0 ||
	    memcmp(text + n - strlen(pem_end), pem_end, strlen(pem_end)) != 0 ||
	    base64(text + strlen(pem_begin), n_body, der, sizeof(der)) < 0 ||
	    memcmp(der, der_head, sizeof(der_head)) != 0)
		return -EINVAL;
	memcpy(ret, der + sizeof(der_head), SIGN_SHA256_BYTES);
	return 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int sign_public_load(struct sign_public *ret, const char *text, size_t n)
{
	struct sign_public key;
	char hash[SIGN_SHA256_TEXT];
	int r;

	for (; n > 0 && is_blank(*text); n--)
		text++;
	while (n > 0 && is_blank(text[n - 1]))
		n--;
	r = begins(text, n, "whpk_") ? base64(text + 5, n - 5, key.bytes, sizeof(key.bytes))
				     : load_pem(key.bytes, text, n);
	if (r == 0 && sign_sha256_text(key.bytes, sizeof(key.bytes), hash) < 0)
		r = -ENOMEM;
	if (r < 0)
		return r;
	memcpy(key.id, hash, sizeof(key.id) - 1);
	key.id[sizeof(key.id) - 1] = '\0';
	*ret = key;
	return 0;
}

void sign_public_text(const struct sign_public *key, char ret[static SIGN_PUBLIC_TEXT])
{
	memcpy(ret, "whpk_", 5);
	(void)EVP_EncodeBlock((unsigned char *)ret + 5, key->bytes, sizeof(key->bytes));
}

void sign_public_pem(const struct sign_public *key, char ret[static SIGN_PEM_TEXT])
{
	uint8_t der[DER_BYTES];
	char body[BASE64_MAX + 1];

	memcpy(der, der_head, sizeof(der_head));
	memcpy(der + sizeof(der_head), key->bytes, sizeof(key->bytes));
	(void)EVP_EncodeBlock((unsigned char *)body, der, sizeof(der));
	(void)snprintf(ret, SIGN_PEM_TEXT, "%s%s%s\n", pem_begin, body, pem_end);
}

bool sign_public_verify(const struct sign_public *key, const void *data, size_t n,
			const uint8_t signature[static SIGN_ED25519_BYTES])
{
	CLEANUP(EVP_PKEY_free)
	EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key->bytes,
						     sizeof(key->bytes));
	CLEANUP(EVP_MD_CTX_free) EVP_MD_CTX *context = EVP_MD_CTX_new();

	return pkey && context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, pkey) == 1 &&
	       EVP_DigestVerify(context, signature, SIGN_ED25519_BYTES, data, n) == 1;
}

void sign_signature_text(const uint8_t signature[static SIGN_ED25519_BYTES],
			 char ret[static SIGN_SIGNATURE_TEXT])
{
	(void)EVP_EncodeBlock((unsigned char *)ret, signature, SIGN_ED25519_BYTES);
}

int sign_signature_load(uint8_t ret[static SIGN_ED25519_BYTES], const char *text, size_t n)
{
	return base64(text, n, ret, SIGN_ED25519_BYTES);
}
