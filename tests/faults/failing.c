/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loaded into a program: its FAIL_AT-th allocation fails, with FAIL_EVER=1 all after it, too.
 * FAIL_REPORT is a file whose first byte becomes '1' then, and which gets the number of all
 * allocations at the program's end. Counting begins when FAIL_BEGIN, a file, is gone: so that the
 * loader's and a start's may be left out. Part of the program faults-alloc as well, which sets
 * the point by failing_set().
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "failing.h"

/* glibc's own, under the names that it keeps for those who take the others' place */
extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t n);
extern void *__libc_memalign(size_t alignment, size_t n);
extern void __libc_free(void *memory);

static struct {
	_Atomic long n;
	_Atomic long n_failed;
	_Atomic long n_live;
	long at;
	bool ever;
	int report;
	const char *begin; /* nothing counts while this file is there */
} failing = {.report = -1};

void failing_set(long at, bool ever)
{
	failing.n = 0;
	failing.n_failed = 0;
	failing.ever = ever;
	failing.at = at;
}

long failing_count(void)
{
	return failing.n;
}

long failing_failed(void)
{
	return failing.n_failed;
}

long failing_live(void)
{
	return failing.n_live;
}

static bool has_begun(void)
{
	int kept = errno;

	if (failing.begin && access(failing.begin, F_OK) != 0)
		failing.begin = NULL;
	errno = kept;
	return !failing.begin;
}

static bool fails(void)
{
	long n;

	if (failing.at <= 0 || !has_begun())
		return false;
	n = ++failing.n;
	if (n != failing.at && !(failing.ever && n > failing.at))
		return false;
	if (failing.n_failed++ == 0 && failing.report >= 0)
		(void)!pwrite(failing.report, "1", 1, 0);
	errno = ENOMEM;
	return true;
}

static void *counted(void *memory)
{
	if (memory)
		failing.n_live++;
	return memory;
}

void *malloc(size_t n)
{
	return fails() ? NULL : counted(__libc_malloc(n));
}

void *calloc(size_t n, size_t size)
{
	return fails() ? NULL : counted(__libc_calloc(n, size));
}

void *realloc(void *old, size_t n)
{
	void *memory;

	if (fails())
		return NULL;
	memory = __libc_realloc(old, n);
	if (!old && memory)
		failing.n_live++;
	else if (old && !memory && n == 0)
		failing.n_live--;
	return memory;
}

void *reallocarray(void *old, size_t n, size_t size)
{
	size_t all;

	if (__builtin_mul_overflow(n, size, &all)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(old, all);
}

void *memalign(size_t alignment, size_t n)
{
	return fails() ? NULL : counted(__libc_memalign(alignment, n));
}

void *aligned_alloc(size_t alignment, size_t n)
{
	return memalign(alignment, n);
}

int posix_memalign(void **ret, size_t alignment, size_t n)
{
	void *memory = memalign(alignment, n);

	if (!memory)
		return ENOMEM;
	*ret = memory;
	return 0;
}

void free(void *memory)
{
	if (memory)
		failing.n_live--;
	__libc_free(memory);
}

static const char *given(const char *name)
{
	const char *text = getenv(name);

	return text && *text ? text : NULL;
}

__attribute__((constructor)) static void begin(void)
{
	const char *at = given("FAIL_AT"), *report = given("FAIL_REPORT");

	failing.ever = given("FAIL_EVER") != NULL;
	failing.begin = given("FAIL_BEGIN");
	if (report)
		failing.report = open(report, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (failing.report >= 0)
		(void)!pwrite(failing.report, "0", 1, 0);
	if (at)
		failing.at = strtol(at, NULL, 10);
}

__attribute__((destructor)) static void end(void)
{
	char text[32];
	int n = snprintf(text, sizeof(text), "%d %ld\n", failing.n_failed > 0, failing.n);

	if (failing.report >= 0)
		(void)!pwrite(failing.report, text, (size_t)n, 0);
}
