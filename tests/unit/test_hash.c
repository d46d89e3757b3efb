/* SPDX-License-Identifier: Apache-2.0 */
/* The expected hashes were made with sha256sum, as tools/verify-export.sh does. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/crypto.h>

#include "common/macro.h"
#include "core/hash.h"

/* --- OpenSSL's memory: all after the n-th is refused, 0 none --- */

static long fail_after, n_asked;

static bool refused(void)
{
	return fail_after > 0 && ++n_asked > fail_after - 1;
}

static void *ask(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return refused() ? NULL : malloc(n);
}

static void *ask_again(void *old, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return refused() ? NULL : realloc(old, n);
}

static void give_back(void *memory, const char *file, int line)
{
	(void)file;
	(void)line;
	free(memory);
}

static void test_rows(void **state)
{
	static const struct {
		const char *line;
		const char *hex;
	} rows[] = {
		{"", "2a49c85270d61b76438d8b271dbc5f3122b2ce16662efdce1311aded7f2ea608"},
		{"{\"seq\":1}", "cc802cfc47e41f6e12a22f8e2258566a377d8f822f673c6adb134cf0996ba378"},
		{"{\"seq\":2,\"x\":\"ề\"}",
		 "c78ff497dd39b16c0886375694651e09e08ab858ce42c1bc32ea95c179f40047"},
	};
	uint8_t hash[32] = {0};
	char hex[CHAIN_HEX_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(chain_next(hash, rows[i].line, hash), 0); /* behind the last */
		chain_hex(hash, hex);
		assert_string_equal(hex, rows[i].hex);
	}
}

static void test_hex(void **state)
{
	uint8_t hash[32];
	char hex[CHAIN_HEX_MAX];

	(void)state;
	for (size_t i = 0; i < 32; i++)
		hash[i] = (uint8_t)(i * 8 + i % 8);
	chain_hex(hash, hex);
	assert_string_equal(hex, "0009121b242d363f4049525b646d767f"
				 "8089929ba4adb6bfc0c9d2dbe4edf6ff");
}

/* it says so, and a hash of less is none */
static void test_without_memory(void **state)
{
	static const uint8_t zeros[32];
	uint8_t hash[32] = {0};
	int r = -ENOMEM, n_refused = 0;

	(void)state;
	for (fail_after = 1; r != 0; fail_after++) {
		n_asked = 0;
		r = chain_next(zeros, "{}", hash);
		assert_true(r == 0 || r == -ENOMEM);
		if (r != 0)
			assert_memory_equal(hash, zeros, 32);
		n_refused += r != 0;
	}
	fail_after = 0;
	assert_true(n_refused >= 2); /* the context, and what it holds */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_without_memory),
	};

	if (!CRYPTO_set_mem_functions(ask, ask_again, give_back))
		return 1; /* it has memory already: nothing could be refused */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
