/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "common/resident.h"

static const char constant[3 * 4096] = {[4096] = 'c'};
static const char *const pointer = &constant[4096]; /* filled in by the linker when it starts */
static char changed[3 * 4096] = {[0] = 'a'};

/* pages of files that are mapped and resident */
static long resident_of_files(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	long shared = 0;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%*d %*d %ld", &shared), 1);
	(void)fclose(file);
	return shared;
}

/* what is let go comes back where it is used, and nothing that has changed is let go */
static void test_forget_start(void **state)
{
	volatile const char *at = pointer;
	long before;

	(void)state;
	for (size_t i = 0; i < sizeof(changed); i += 512)
		changed[i] = (char)(i / 512);
	assert_int_equal(*at, 'c');
	before = resident_of_files();
	resident_forget_start();
	assert_true(resident_of_files() < before);
	assert_int_equal(*at, 'c');
	for (size_t i = 0; i < sizeof(changed); i += 512)
		assert_int_equal(changed[i], (char)(i / 512));
	resident_forget_start();
	assert_int_equal(*at, 'c');
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_forget_start)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
