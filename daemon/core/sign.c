/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/sign.h"

#define SEED_BYTES   32 /* RFC 8032 §5.1.5 */
#define PUBLIC_BYTES 32

/* @hmac: the secret's bytes; @pkey and @public: with SIGN_ED25519 only */
struct sign_key {
	enum sign_kind kind;
	size_t n_hmac;
	uint8_t hmac[SIGN_SECRET_MAX];
	EVP_PKEY *pkey;
	uint8_t public[PUBLIC_BYTES];
};

static void bio_close(BIO *bio)
{
	(void)BIO_free(bio);
}
DEFINE_CLEANUP(BIO *, bio_close)
DEFINE_CLEANUP(EVP_MD_CTX *, EVP_MD_CTX_free)

static void string_free(char *text)
{
	free(text);
}
DEFINE_CLEANUP(char *, string_free)

/* value of one base64 character, -1 none; independent of the locale */
static int base64_value(char c)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c == '\0' ? NULL : strchr(alphabet, c);

	return at ? (int)(at - alphabet) : -1;
}

/* one group of four characters into up to three bytes; 0 where it is malformed */
static size_t base64_group(const char *text, size_t n_padding, uint8_t *ret)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < 4; i++) {
		int value = i < 4 - n_padding ? base64_value(text[i]) : 0;

		if (value < 0)
			return 0;
		bits = bits << 6 | (uint32_t)value;
	}
	if (bits & ((UINT32_C(1) << 8 * n_padding) - 1)) /* unused bits must be zero */
		return 0;
	for (size_t i = 0; i < 3 - n_padding; i++)
		ret[i] = (uint8_t)(bits >> (16 - 8 * i));
	return 3 - n_padding;
}

/* strict RFC 4648 §4; at most @max bytes */
static int base64_decode(const char *text, size_t n, uint8_t *ret, size_t max, size_t *ret_n)
{
	size_t out = 0;

	if (n == 0 || n % 4 != 0)
		return -EINVAL;
	for (size_t i = 0; i < n; i += 4) {
		size_t n_padding = 0, n_bytes;
		uint8_t group[3];

		if (i + 4 == n && text[n - 1] == '=')
			n_padding = text[n - 2] == '=' ? 2 : 1;
		n_bytes = base64_group(text + i, n_padding, group);
		if (n_bytes == 0)
			return -EINVAL;
		if (out + n_bytes > max)
			return -ERANGE;
		memcpy(ret + out, group, n_bytes);
		OPENSSL_cleanse(group, sizeof(group));
		out += n_bytes;
	}
	*ret_n = out;
	return 0;
}

struct sign_key *sign_key_free(struct sign_key *key)
{
	if (!key)
		return NULL;
	EVP_PKEY_free(key->pkey); /* libcrypto wipes its private half */
	OPENSSL_cleanse(key, sizeof(*key));
	free(key);
	return NULL;
}

static int load_hmac(struct sign_key *key, const char *text, size_t n)
{
	int r = base64_decode(text, n, key->hmac, sizeof(key->hmac), &key->n_hmac);

	if (r < 0)
		return r;
	key->kind = SIGN_HMAC;
	return key->n_hmac < SIGN_SECRET_MIN ? -ERANGE : 0;
}

/* take over @pkey and remember its public half */
static int set_pkey(struct sign_key *key, EVP_PKEY *pkey)
{
	size_t n = sizeof(key->public);

	if (!pkey)
		return -EKEYREJECTED;
	key->pkey = pkey;
	key->kind = SIGN_ED25519;
	if (EVP_PKEY_get_id(pkey) != EVP_PKEY_ED25519 ||
	    EVP_PKEY_get_raw_public_key(pkey, key->public, &n) != 1 || n != PUBLIC_BYTES)
		return -EKEYREJECTED;
	return 0;
}

static int load_seed(struct sign_key *key, const char *text, size_t n)
{
	uint8_t raw[SEED_BYTES + PUBLIC_BYTES];
	size_t n_raw = 0;
	int r = base64_decode(text, n, raw, sizeof(raw), &n_raw);

	if (r == 0 && n_raw != SEED_BYTES && n_raw != sizeof(raw))
		r = -ERANGE;
	if (r == 0)
		r = set_pkey(key,
			     EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, raw, SEED_BYTES));
	if (r == 0 && n_raw == sizeof(raw) &&
	    CRYPTO_memcmp(raw + SEED_BYTES, key->public, PUBLIC_BYTES) != 0)
		r = -EKEYREJECTED;
	OPENSSL_cleanse(raw, sizeof(raw));
	return r;
}

/* without this, libcrypto would ask for the passphrase on the terminal */
static int no_passphrase(char *buffer, int size, int writing, void *userdata)
{
	(void)buffer;
	(void)size;
	(void)writing;
	(void)userdata;
	return -1;
}

static int load_pem(struct sign_key *key, const char *text, size_t n)
{
	CLEANUP(bio_close) BIO *bio = BIO_new_mem_buf(text, (int)n);

	if (!bio)
		return -ENOMEM;
	return set_pkey(key, PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL));
}

static const struct {
	const char *prefix;
	size_t skip; /* bytes of the prefix that the loader does not want */
	int (*load)(struct sign_key *key, const char *text, size_t n);
} forms[] = {
	{"whsec_", 6, load_hmac},
	{"whsk_", 5, load_seed},
	{"-----BEGIN PRIVATE KEY-----", 0, load_pem},
	{"-----BEGIN ENCRYPTED PRIVATE KEY-----", 0, load_pem}, /* refused, with its own words */
};

static void trim(const char **text, size_t *n)
{
	static const char blanks[] = " \t\r\n";

	for (; *n > 0 && **text && strchr(blanks, **text); (*n)--)
		(*text)++;
	while (*n > 0 && (*text)[*n - 1] && strchr(blanks, (*text)[*n - 1]))
		(*n)--;
}

int sign_key_load(struct sign_key **ret, const char *text, size_t n)
{
	CLEANUP(sign_key_free) struct sign_key *key = NULL;
	int r = -EINVAL;

	trim(&text, &n);
	if (n > SIGN_TEXT_MAX)
		return -EINVAL;
	key = calloc(1, sizeof(*key));
	if (!key)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		if (n < strlen(forms[i].prefix) ||
		    memcmp(text, forms[i].prefix, strlen(forms[i].prefix)) != 0)
			continue;
		r = forms[i].load(key, text + forms[i].skip, n - forms[i].skip);
		break;
	}
	if (r < 0)
		return r;
	*ret = steal(&key);
	return 0;
}

const char *sign_key_error(int error)
{
	switch (error) {
	case -EINVAL:
		return "is no key; allowed are \"whsec_\" or \"whsk_\" followed by padded base64, "
		       "or an Ed25519 private key in PEM";
	case -ERANGE:
		return "has the wrong length; a whsec_ secret has 24 to 64 bytes, a whsk_ key 32 "
		       "or 64";
	case -EKEYREJECTED:
		return "cannot be used; an Ed25519 private key without passphrase is wanted, as "
		       "made by \"openssl genpkey -algorithm ed25519\"";
	case -ENOMEM:
		return "cannot be loaded: out of memory";
	default:
		return "cannot be loaded";
	}
}

enum sign_kind sign_key_kind(const struct sign_key *key)
{
	return key->kind;
}

int sign_key_public(const struct sign_key *key, char ret[static SIGN_PUBLIC_TEXT])
{
	if (key->kind != SIGN_ED25519)
		return -EOPNOTSUPP;
	memcpy(ret, "whpk_", 5);
	(void)EVP_EncodeBlock((unsigned char *)ret + 5, key->public, PUBLIC_BYTES);
	return 0;
}

int sign_key_id(const struct sign_key *key, char ret[static SIGN_KEY_ID_TEXT])
{
	char text[SIGN_SHA256_TEXT];
	int r;

	if (key->kind != SIGN_ED25519)
		return -EOPNOTSUPP;
	r = sign_sha256_text(key->public, PUBLIC_BYTES, text);
	if (r < 0)
		return r;
	memcpy(ret, text, SIGN_KEY_ID_TEXT - 1);
	ret[SIGN_KEY_ID_TEXT - 1] = '\0';
	return 0;
}

static bool is_id(const char *id)
{
	size_t n = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");

	return n > 0 && n <= SIGN_ID_MAX && id[n] == '\0';
}

/* "id.timestamp.body", the bytes that are signed */
static int build_base(const char *id, int64_t timestamp_s, const void *body, size_t n_body,
		      char **ret, size_t *ret_n)
{
	char head[SIGN_ID_MAX + 32];
	size_t n_head;
	char *base;

	if (!is_id(id) || timestamp_s <= 0)
		return -EINVAL;
	n_head = (size_t)snprintf(head, sizeof(head), "%s.%" PRId64 ".", id, timestamp_s);
	base = malloc(n_head + n_body);
	if (!base)
		return -ENOMEM;
	memcpy(base, head, n_head);
	if (n_body > 0)
		memcpy(base + n_head, body, n_body);
	*ret = base;
	*ret_n = n_head + n_body;
	return 0;
}

int sign_bytes(const struct sign_key *key, const void *data, size_t n,
	       uint8_t ret[static SIGN_ED25519_BYTES])
{
	CLEANUP(EVP_MD_CTX_free) EVP_MD_CTX *context = NULL;
	size_t n_ret = SIGN_ED25519_BYTES;

	if (key->kind != SIGN_ED25519)
		return -EOPNOTSUPP;
	context = EVP_MD_CTX_new();
	if (!context || EVP_DigestSignInit(context, NULL, NULL, NULL, key->pkey) != 1 ||
	    EVP_DigestSign(context, ret, &n_ret, data, n) != 1 || n_ret != SIGN_ED25519_BYTES)
		return -EIO;
	return 0;
}

static int sign_hmac(const struct sign_key *key, const void *data, size_t n,
		     uint8_t ret[static SIGN_SHA256_BYTES])
{
	size_t n_ret = 0;

	if (!EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key->hmac, key->n_hmac, data, n, ret,
		       SIGN_SHA256_BYTES, &n_ret) ||
	    n_ret != SIGN_SHA256_BYTES)
		return -EIO;
	return 0;
}

/* one element of the list, "v1a,…"; room for the longest: 4 + 88 characters and NUL */
#define ELEMENT_TEXT 96

static int sign_element(const struct sign_key *key, const void *data, size_t n,
			char ret[static ELEMENT_TEXT])
{
	uint8_t raw[SIGN_ED25519_BYTES];
	const bool hmac = key->kind == SIGN_HMAC;
	int r = hmac ? sign_hmac(key, data, n, raw) : sign_bytes(key, data, n, raw);
	size_t at = hmac ? 3 : 4;

	if (r < 0)
		return r;
	memcpy(ret, hmac ? "v1," : "v1a,", at);
	(void)EVP_EncodeBlock((unsigned char *)ret + at, raw,
			      hmac ? SIGN_SHA256_BYTES : SIGN_ED25519_BYTES);
	return 0;
}

int sign_webhook(const struct sign_key *const *keys, size_t n_keys, const char *id,
		 int64_t timestamp_s, const void *body, size_t n_body, char **ret)
{
	CLEANUP(string_free) char *base = NULL, *list = NULL;
	size_t n_base, at = 0;
	int r;

	if (n_keys == 0 || n_keys > SIGN_KEYS_MAX)
		return -EINVAL;
	r = build_base(id, timestamp_s, body, n_body, &base, &n_base);
	if (r < 0)
		return r;
	list = malloc(n_keys * (ELEMENT_TEXT + 1));
	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < n_keys; i++) {
		if (i > 0)
			list[at++] = ' ';
		r = sign_element(keys[i], base, n_base, list + at);
		if (r < 0)
			return r;
		at += strlen(list + at);
	}
	*ret = steal(&list);
	return 0;
}

int sign_bytes_text(const struct sign_key *key, const void *data, size_t n,
		    char ret[static SIGN_ED25519_TEXT])
{
	uint8_t raw[SIGN_ED25519_BYTES];
	int r = sign_bytes(key, data, n, raw);

	if (r == 0)
		(void)EVP_EncodeBlock((unsigned char *)ret, raw, sizeof(raw));
	return r;
}

int sign_sha256_text(const void *data, size_t n, char ret[static SIGN_SHA256_TEXT])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t raw[SIGN_SHA256_BYTES];

	if (EVP_Digest(data, n, raw, NULL, EVP_sha256(), NULL) != 1)
		return -EIO;
	for (size_t i = 0; i < sizeof(raw); i++) {
		ret[2 * i] = digits[raw[i] >> 4];
		ret[2 * i + 1] = digits[raw[i] & 15];
	}
	ret[SIGN_SHA256_TEXT - 1] = '\0';
	return 0;
}
