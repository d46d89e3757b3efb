/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys and signatures against published vectors: those of Standard Webhooks' own libraries
 * and of RFC 8032 §7.1.
 *
 * "test_sign sign ID TIMESTAMP KEY…" prints the signature header of the body on stdin, for
 * other libraries to verify (tests/system/test_standardwebhooks.py).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/macro.h"
#include "core/sign.h"

#define ID	"msg_p5jXN8AQM9LWM0D4loKWxJek"
#define TIME_S	1614265330
#define BODY	"{\"test\": 2432232314}"
#define SECRET	"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define V1	"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define PRIVATE "whsk_VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk="
#define PUBLIC	"whpk_ZlN4eg7dSSqi0moX9hQUk3orrOouK3QVQSlJa248c/g="
#define V1A                                                                            \
	"v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaB" \
	"RdM5WqyeFiL8Ag=="
/* seed and public half in one, as some libraries write it */
#define PRIVATE_64                                                                      \
	"whsk_VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTllmU3h6Dt1JKqLSahf2FBSTeius6i4r" \
	"dBVBKUlrbjxz+A=="

/* RFC 8032 §7.1 test 1: seed 9d61…7f60 in PKCS #8, public key d75a…511a */
#define PEM                                                                  \
	"-----BEGIN PRIVATE KEY-----\n"                                      \
	"MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n" \
	"-----END PRIVATE KEY-----\n"
#define PEM_PUBLIC "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

/* another kind of key, prime256v1, made for this test */
#define PEM_OTHER                                                            \
	"-----BEGIN PRIVATE KEY-----\n"                                      \
	"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgiQiP4ZHugebiGsDU\n" \
	"A0fNLYGeXWVKjhHkBEgIMKpZhJmhRANCAASDroFle/9JeGEWedXVuLIYGXo90uGM\n" \
	"Tt8BfS+PCKYnwSao5LkiznQmSSKxXUwhJwkxs5Ie8lBcQnKfJnleu9cP\n"         \
	"-----END PRIVATE KEY-----\n"

#define A24 "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz" /* 24 bytes */
#define A64                                            \
	"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEy" \
	"MzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMw=="

static void test_load(void **state)
{
	static const struct {
		const char *text;
		int result;
		enum sign_kind kind;
	} rows[] = {
		{SECRET, 0, SIGN_HMAC},
		{"\n " SECRET " \r\n", 0, SIGN_HMAC},
		{"whsec_" A24, 0, SIGN_HMAC},
		{"whsec_" A64, 0, SIGN_HMAC},
		{PRIVATE, 0, SIGN_ED25519},
		{PRIVATE_64, 0, SIGN_ED25519},
		{PEM, 0, SIGN_ED25519},
		{"", -EINVAL, 0},
		{" \n", -EINVAL, 0},
		{"secret", -EINVAL, 0},
		{A24, -EINVAL, 0},
		{"whsec", -EINVAL, 0},
		{"whsec_", -EINVAL, 0},
		{PUBLIC, -EINVAL, 0}, /* a public key cannot sign */
		{"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=", -ERANGE, 0}, /* 23 bytes */
		{"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEy"
		 "MzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ=",
		 -ERANGE, 0},						    /* 65 bytes */
		{"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzN", -EINVAL, 0},    /* half a group */
		{"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNA", -EINVAL, 0},   /* not padded */
		{"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNB==", -EINVAL, 0}, /* unused bits */
		{"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDV=", -EINVAL, 0}, /* unused bits */
		{"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU=", 0, SIGN_HMAC},
		{"whsec_MDEyMzQ1Njc4OTAxMjM0=NTY3ODkwMTIzNDU", -EINVAL, 0}, /* padding inside */
		{"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz====", -EINVAL, 0},
		{"whsec_MDEyMzQ1Njc4 OTAxMjM0NTY3ODkwMTI", -EINVAL, 0},	 /* blank inside */
		{"whsec_MDEyMzQ1Njc4\nOTAxMjM0NTY3ODkwMTI", -EINVAL, 0}, /* line inside */
		{"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMT-_", -EINVAL, 0},	 /* the URL alphabet */
		{"whsk_" A24, -ERANGE, 0},
		{"whsk_VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTllBAAAA", -ERANGE, 0},
		{"whsk_VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTllmU3h6Dt1JKqLSahf2FBSTeius6i4r"
		 "dBVBKUlrbjxz+Q==",
		 -EKEYREJECTED, 0}, /* public half of another key */
		{"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", -EKEYREJECTED,
		 0},
		{"-----BEGIN PRIVATE KEY-----", -EKEYREJECTED, 0},
		{PEM_OTHER, -EKEYREJECTED, 0},
		{"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE "
		 "KEY-----\n",
		 -EKEYREJECTED, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sign_key *key = NULL;
		int r = sign_key_load(&key, rows[i].text, strlen(rows[i].text));

		if (r != rows[i].result)
			print_error("row %zu: %s\n", i, rows[i].text);
		assert_int_equal(r, rows[i].result);
		assert_int_equal(key != NULL, r == 0);
		if (key)
			assert_int_equal(sign_key_kind(key), rows[i].kind);
		if (r < 0)
			assert_true(strlen(sign_key_error(r)) > 20);
		assert_null(sign_key_free(key));
	}
}

static void test_too_long(void **state)
{
	static char text[SIGN_TEXT_MAX + 1];
	struct sign_key *key = NULL;

	(void)state;
	memset(text, 'A', sizeof(text));
	memcpy(text, "whsec_", 6);
	assert_int_equal(sign_key_load(&key, text, sizeof(text)), -EINVAL);
	assert_int_equal(sign_key_load(&key, text, 6 + 4088), -ERANGE);
	/* a NUL inside is no key, wherever it is */
	assert_int_equal(sign_key_load(&key, "whsec_\0" A24, 7 + 32), -EINVAL);
	assert_int_equal(sign_key_load(&key, "\0", 1), -EINVAL);
	assert_null(key);
}

static struct sign_key *load(const char *text)
{
	struct sign_key *key = NULL;

	assert_int_equal(sign_key_load(&key, text, strlen(text)), 0);
	return key;
}

static void test_public(void **state)
{
	static const struct {
		const char *text;
		const char *public;
		const char *id; /* sha256 of the raw public key */
	} rows[] = {
		{PRIVATE, PUBLIC, "808d1060"},
		{PRIVATE_64, PUBLIC, "808d1060"},
		{PEM, PEM_PUBLIC, "21fe31df"},
	};
	char public[SIGN_PUBLIC_TEXT] = "untouched", id[SIGN_KEY_ID_TEXT] = "same";
	struct sign_key *key = load(SECRET);

	(void)state;
	assert_int_equal(sign_key_public(key, public), -EOPNOTSUPP);
	assert_int_equal(sign_key_id(key, id), -EOPNOTSUPP);
	assert_string_equal(public, "untouched");
	assert_string_equal(id, "same");
	(void)sign_key_free(key);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		key = load(rows[i].text);
		assert_int_equal(sign_key_public(key, public), 0);
		assert_int_equal(sign_key_id(key, id), 0);
		assert_string_equal(public, rows[i].public);
		assert_string_equal(id, rows[i].id);
		(void)sign_key_free(key);
	}
}

static void test_webhook(void **state)
{
	/* which of: 0 secret, 1 private key, 2 the RFC's key */
	static const struct {
		size_t n;
		size_t which[3];
		const char *expected;
	} rows[] = {
		{1, {0}, V1},
		{1, {1}, V1A},
		{2, {1, 0}, V1A " " V1},
		{2, {0, 1}, V1 " " V1A},
		{3, {0, 0, 1}, V1 " " V1 " " V1A},
	};
	struct sign_key *all[] = {load(SECRET), load(PRIVATE), load(PEM)};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct sign_key *keys[3];
		char *list = NULL;

		for (size_t k = 0; k < rows[i].n; k++)
			keys[k] = all[rows[i].which[k]];
		assert_int_equal(
			sign_webhook(keys, rows[i].n, ID, TIME_S, BODY, strlen(BODY), &list), 0);
		assert_string_equal(list, rows[i].expected);
		free(list);
	}
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		(void)sign_key_free(all[i]);
}

static void test_webhook_refuses(void **state)
{
	static const struct {
		const char *id;
		int64_t timestamp_s;
		size_t n_keys;
	} rows[] = {
		{"", TIME_S, 1},    {"a.b", TIME_S, 1},	     {"a b", TIME_S, 1},
		{"a\n", TIME_S, 1}, {"\xc3\xa9", TIME_S, 1}, {ID, 0, 1},
		{ID, -1, 1},	    {ID, TIME_S, 0},	     {ID, TIME_S, SIGN_KEYS_MAX + 1},
	};
	struct sign_key *key = load(SECRET);
	const struct sign_key *keys[SIGN_KEYS_MAX + 1];
	char long_id[SIGN_ID_MAX + 2], *list = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		keys[i] = key;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(sign_webhook(keys, rows[i].n_keys, rows[i].id, rows[i].timestamp_s,
					      BODY, strlen(BODY), &list),
				 -EINVAL);
	memset(long_id, 'x', sizeof(long_id));
	long_id[SIGN_ID_MAX + 1] = '\0';
	assert_int_equal(sign_webhook(keys, 1, long_id, TIME_S, BODY, 1, &list), -EINVAL);
	assert_null(list);
	long_id[SIGN_ID_MAX] = '\0';
	assert_int_equal(sign_webhook(keys, SIGN_KEYS_MAX, long_id, INT64_MAX, BODY, 1, &list), 0);
	assert_int_equal(strlen(list), SIGN_KEYS_MAX * strlen(V1) + SIGN_KEYS_MAX - 1);
	free(list);
	(void)sign_key_free(key);
}

static void test_webhook_body(void **state)
{
	/* every byte counts, NUL too; an empty body is signed as well */
	struct sign_key *key = load(SECRET);
	const struct sign_key *keys[] = {key};
	char *a = NULL, *b = NULL, *c = NULL;

	(void)state;
	assert_int_equal(sign_webhook(keys, 1, ID, TIME_S, "x\0y", 3, &a), 0);
	assert_int_equal(sign_webhook(keys, 1, ID, TIME_S, "x\0z", 3, &b), 0);
	assert_int_equal(sign_webhook(keys, 1, ID, TIME_S, NULL, 0, &c), 0);
	assert_string_not_equal(a, b);
	assert_string_not_equal(a, c);
	assert_string_equal(c, "v1,v48jdbgvh29KJz2Qc+ghw8G6vG3nAKnujWBg8oM/62A=");
	free(a);
	free(b);
	free(c);
	(void)sign_key_free(key);
}

static void test_bytes(void **state)
{
	/* RFC 8032 §7.1 test 1: the empty message */
	static const uint8_t expected[SIGN_ED25519_BYTES] = {
		0xe5, 0x56, 0x43, 0x00, 0xc3, 0x60, 0xac, 0x72, 0x90, 0x86, 0xe2, 0xcc, 0x80,
		0x6e, 0x82, 0x8a, 0x84, 0x87, 0x7f, 0x1e, 0xb8, 0xe5, 0xd9, 0x74, 0xd8, 0x73,
		0xe0, 0x65, 0x22, 0x49, 0x01, 0x55, 0x5f, 0xb8, 0x82, 0x15, 0x90, 0xa3, 0x3b,
		0xac, 0xc6, 0x1e, 0x39, 0x70, 0x1c, 0xf9, 0xb4, 0x6b, 0xd2, 0x5b, 0xf5, 0xf0,
		0x59, 0x5b, 0xbe, 0x24, 0x65, 0x51, 0x41, 0x43, 0x8e, 0x7a, 0x10, 0x0b};
	struct sign_key *pem = load(PEM), *secret = load(SECRET);
	uint8_t signature[SIGN_ED25519_BYTES];

	(void)state;
	assert_int_equal(sign_bytes(pem, "", 0, signature), 0);
	assert_memory_equal(signature, expected, sizeof(expected));
	assert_int_equal(sign_bytes(secret, "", 0, signature), -EOPNOTSUPP);
	(void)sign_key_free(pem);
	(void)sign_key_free(secret);
}

static void test_sha256(void **state)
{
	char text[SIGN_SHA256_TEXT];

	(void)state;
	/* FIPS 180-2 appendix B.1, and the empty message */
	assert_int_equal(sign_sha256_text("abc", 3, text), 0);
	assert_string_equal(text,
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(sign_sha256_text("", 0, text), 0);
	assert_string_equal(text,
			    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* for other libraries to verify what is made here */
static int print_signature(int argc, char **argv)
{
	static char body[65536];
	size_t n = fread(body, 1, sizeof(body), stdin), n_keys = (size_t)(argc - 4);
	struct sign_key *keys[SIGN_KEYS_MAX] = {NULL};
	char *list = NULL;
	int r = n_keys <= SIGN_KEYS_MAX ? 0 : -EINVAL;

	for (size_t i = 0; r == 0 && i < n_keys; i++)
		r = sign_key_load(&keys[i], argv[4 + i], strlen(argv[4 + i]));
	if (r == 0)
		r = sign_webhook((const struct sign_key *const *)keys, n_keys, argv[2],
				 atoll(argv[3]), body, n, &list);
	if (r == 0)
		(void)puts(list);
	free(list);
	for (size_t i = 0; i < SIGN_KEYS_MAX; i++)
		(void)sign_key_free(keys[i]);
	return r == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_public),
		cmocka_unit_test(test_webhook),
		cmocka_unit_test(test_webhook_refuses),
		cmocka_unit_test(test_webhook_body),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_sha256),
	};

	if (argc > 4 && strcmp(argv[1], "sign") == 0)
		return print_signature(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
