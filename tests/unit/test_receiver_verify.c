/* SPDX-License-Identifier: Apache-2.0 */
/* The verifying side against the same published vectors as the signing side (test_sign.c). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/macro.h"
#include "tools/receiver_verify.h"

#define ID	     "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define TIME	     "1614265330"
#define TIME_S	     1614265330
#define BODY	     "{\"test\": 2432232314}"
#define SECRET	     "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define OTHER	     "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
#define PUBLIC	     "whpk_ZlN4eg7dSSqi0moX9hQUk3orrOouK3QVQSlJa248c/g="
#define PUBLIC_OTHER "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define V1	     "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
#define V1A                                                                            \
	"v1a,tQ9V2XOqn7jL/DQenEFpqIugdBVtiMmER5mhSkXBNwM0mkATuDe6KYYUuxqtaiHeYGb7KaaB" \
	"RdM5WqyeFiL8Ag=="

static struct receiver_keys keys_of(const char *const *texts)
{
	struct receiver_keys keys = {0};

	for (; *texts; texts++)
		assert_int_equal(receiver_keys_add(&keys, *texts), 0);
	return keys;
}

static void test_vectors(void **state)
{
	static const struct {
		const char *keys[4];
		const char *signature;
		enum receiver_verdict expected;
	} rows[] = {
		{{SECRET}, V1, RECEIVER_GENUINE},
		{{PUBLIC}, V1A, RECEIVER_GENUINE},
		{{SECRET, PUBLIC}, V1 " " V1A, RECEIVER_GENUINE},
		{{SECRET, PUBLIC}, V1A "  " V1, RECEIVER_GENUINE},
		{{SECRET, PUBLIC}, V1, RECEIVER_BAD_V1A},
		{{SECRET, PUBLIC}, V1A, RECEIVER_BAD_V1},
		{{SECRET}, V1A, RECEIVER_BAD_V1},
		{{PUBLIC}, V1, RECEIVER_BAD_V1A},
		{{OTHER}, V1, RECEIVER_BAD_V1},
		{{PUBLIC_OTHER}, V1A, RECEIVER_BAD_V1A},
		{{OTHER, SECRET}, V1, RECEIVER_GENUINE},
		{{PUBLIC_OTHER, PUBLIC}, V1A, RECEIVER_GENUINE},
		{{SECRET}, "v1,AAAA v9 v1 v1, " V1, RECEIVER_GENUINE},
		{{SECRET}, "", RECEIVER_BAD_V1},
		{{SECRET}, "V1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", RECEIVER_BAD_V1},
		{{SECRET}, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OF=", RECEIVER_BAD_V1},
		{{SECRET}, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE", RECEIVER_BAD_V1},
		{{SECRET}, "v1,h0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", RECEIVER_BAD_V1},
	};
	const struct receiver_message base = {
		.id = ID, .timestamp = TIME, .body = BODY, .n_body = strlen(BODY)};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct receiver_keys keys = keys_of(rows[i].keys);
		struct receiver_message message = base;

		message.signature = rows[i].signature;
		assert_int_equal(receiver_verify(&keys, &message, TIME_S, 300), rows[i].expected);
		assert_true(strlen(receiver_verdict_text(rows[i].expected)) > 10);
		receiver_keys_done(&keys);
	}
}

static void test_message(void **state)
{
	static const struct {
		const char *id, *timestamp, *body;
		int64_t now_s;
		enum receiver_verdict expected;
	} rows[] = {
		{ID, TIME, BODY, TIME_S, RECEIVER_GENUINE},
		{ID, TIME, BODY, TIME_S + 300, RECEIVER_GENUINE},
		{ID, TIME, BODY, TIME_S + 301, RECEIVER_TOO_OLD},
		{ID, TIME, BODY, TIME_S - 300, RECEIVER_GENUINE},
		{ID, TIME, BODY, TIME_S - 301, RECEIVER_TOO_NEW},
		{ID, "1614265331", BODY, TIME_S, RECEIVER_BAD_V1},
		{ID, TIME, "{\"test\": 2432232315}", TIME_S, RECEIVER_BAD_V1},
		{ID "x", TIME, BODY, TIME_S, RECEIVER_BAD_V1},
		/* the dot may not move */
		{"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330", TIME, BODY, TIME_S, RECEIVER_BAD_ID},
		{"", TIME, BODY, TIME_S, RECEIVER_BAD_ID},
		{NULL, TIME, BODY, TIME_S, RECEIVER_NO_HEADER},
		{ID, NULL, BODY, TIME_S, RECEIVER_NO_HEADER},
		{ID, "", BODY, TIME_S, RECEIVER_BAD_TIMESTAMP},
		{ID, "1614265330.0", BODY, TIME_S, RECEIVER_BAD_TIMESTAMP},
		{ID, "-1614265330", BODY, TIME_S, RECEIVER_BAD_TIMESTAMP},
		{ID, "01614265330", BODY, TIME_S, RECEIVER_BAD_TIMESTAMP},
		{ID, " 1614265330", BODY, TIME_S, RECEIVER_BAD_TIMESTAMP},
		{ID, "9999999999999", BODY, TIME_S, RECEIVER_BAD_TIMESTAMP},
		{ID, "999999999999", BODY, TIME_S, RECEIVER_TOO_NEW},
	};
	struct receiver_keys keys = keys_of((const char *const[]){SECRET, NULL});

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct receiver_message message = {.id = rows[i].id,
							 .timestamp = rows[i].timestamp,
							 .signature = V1,
							 .body = rows[i].body,
							 .n_body = strlen(rows[i].body)};

		assert_int_equal(receiver_verify(&keys, &message, rows[i].now_s, 300),
				 rows[i].expected);
	}
}

static void test_keys(void **state)
{
	static const struct {
		const char *text;
		int result;
	} rows[] = {
		{SECRET, 0},
		{"\n" SECRET "\n", 0},
		{PUBLIC, 0},
		{"", -EINVAL},
		{"whsec_", -EINVAL},
		{"whsec_AAAA", -EINVAL},
		{SECRET " " SECRET, -EINVAL},
		{"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzN", -EINVAL},
		{"whpk_AAAA", -EINVAL},
		{"whpk_ZlN4eg7dSSqi0moX9hQUk3orrOouK3QVQSlJa248c/h=", -EINVAL},
		{"whsk_VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk=", -EINVAL},
		{"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", -EINVAL},
		{"-----BEGIN PUBLIC KEY-----\n"
		 "MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n"
		 "-----END PUBLIC KEY-----\n",
		 0},
	};
	struct receiver_keys keys;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		keys = (struct receiver_keys){0};
		assert_int_equal(receiver_keys_add(&keys, rows[i].text), rows[i].result);
		assert_int_equal(keys.n_secrets + keys.n_publics, rows[i].result == 0);
	}
	keys = (struct receiver_keys){0};
	for (size_t i = 0; i < RECEIVER_KEYS_MAX; i++) {
		assert_int_equal(receiver_keys_add(&keys, SECRET), 0);
		assert_int_equal(receiver_keys_add(&keys, PUBLIC), 0);
	}
	assert_int_equal(receiver_keys_add(&keys, SECRET), -ENOSPC);
	assert_int_equal(receiver_keys_add(&keys, PUBLIC), -ENOSPC);
	receiver_keys_done(&keys);
	assert_int_equal(keys.n_secrets + keys.secrets[0].bytes[0], 0);
}

static void test_id(void **state)
{
	char long_id[130];

	(void)state;
	memset(long_id, 'a', sizeof(long_id));
	long_id[129] = '\0';
	assert_false(receiver_check_id(long_id));
	long_id[128] = '\0';
	assert_true(receiver_check_id(long_id));
	assert_true(receiver_check_id("azAZ09_-"));
	for (const char *const *bad =
		     (const char *const[]){"", ".", "..", "a.b", "a/b", "a b", "a\n", "\xc3\xa9",
					   "@", "[", "`", "{", NULL};
	     *bad; bad++)
		assert_false(receiver_check_id(*bad));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_message),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
