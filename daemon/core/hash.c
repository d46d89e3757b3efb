/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <string.h>

#include "common/macro.h"
#include "core/hash.h"

void chain_hex(const uint8_t hash[static 32], char text[static CHAIN_HEX_MAX])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < 32; i++) {
		text[2 * i] = digits[hash[i] >> 4];
		text[2 * i + 1] = digits[hash[i] & 15];
	}
	text[64] = '\0';
}

int chain_next(const uint8_t previous[static 32], const char *line, uint8_t ret[static 32])
{
	char hex[CHAIN_HEX_MAX];
	const char *const parts[] = {"wastewatch-log/1\n", hex, "\n", line};
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int n_done = 0;
	bool ok;

	chain_hex(previous, hex);
	if (ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1)
		for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
			n_done += EVP_DigestUpdate(ctx, parts[i], strlen(parts[i])); /* 1 or 0 */
	/* once begun, OpenSSL's SHA-256 does not fail, so no test can: GCOVR_EXCL_BR_START */
	ok = n_done == ARRAY_SIZE(parts) && EVP_DigestFinal_ex(ctx, ret, NULL) == 1;
	/* GCOVR_EXCL_BR_STOP */
	EVP_MD_CTX_free(ctx);
	return ok ? 0 : -ENOMEM;
}
