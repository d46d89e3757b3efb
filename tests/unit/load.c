/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "load.h"

#define PATH_MAX_HERE 256

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

int load_files(struct config **ret, const struct load_file *files, FILE *errors)
{
	char directory[] = "/tmp/wastewatch-test-XXXXXX";
	char sites[PATH_MAX_HERE], path[PATH_MAX_HERE];
	int r;

	assert_non_null(mkdtemp(directory));
	(void)snprintf(sites, sizeof(sites), "%s/sites.d", directory);
	assert_int_equal(mkdir(sites, 0700), 0);
	for (const struct load_file *file = files; file->name; file++) {
		(void)snprintf(path, sizeof(path), "%s/%s", directory, file->name);
		write_file(path, file->text);
	}
	r = config_load(ret, directory, errors, NULL);
	for (const struct load_file *file = files; file->name; file++) {
		(void)snprintf(path, sizeof(path), "%s/%s", directory, file->name);
		assert_int_equal(remove(path), 0);
	}
	assert_int_equal(remove(sites), 0);
	assert_int_equal(remove(directory), 0);
	return r;
}

int load_texts(struct config **ret, const char *main_yaml, const char *site_yaml, FILE *errors)
{
	const struct load_file files[] = {
		{"wastewatch.yaml", main_yaml}, {"sites.d/s.yaml", site_yaml}, {NULL, NULL}};

	return load_files(ret, files, errors);
}
