/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <libxml/xmlmemory.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "core/memory.h"

static void *or_end(void *memory, size_t n)
{
	if (memory || n == 0)
		return memory;
	log_crit("out of memory; the program ends, to go on from what is on disk");
	_exit(EXIT_FAILURE);
}

static void *plain_malloc(size_t n)
{
	return or_end(malloc(n), n);
}

static void *plain_realloc(void *memory, size_t n)
{
	return or_end(realloc(memory, n), n);
}

static char *plain_strdup(const char *text)
{
	return or_end(strdup(text), 1);
}

static void *crypto_malloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return or_end(malloc(n), n);
}

static void *crypto_realloc(void *memory, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return or_end(realloc(memory, n), n);
}

static void crypto_free(void *memory, const char *file, int line)
{
	(void)file;
	(void)line;
	free(memory);
}

void memory_init(void)
{
	json_set_alloc_funcs(plain_malloc, free);
	(void)xmlMemSetup(free, plain_malloc, plain_realloc, plain_strdup);
	/* fails only where libcrypto has allocated already; then it does as it would have */
	(void)CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free);
}
