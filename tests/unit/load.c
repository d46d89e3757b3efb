/* SPDX-License-Identifier: Apache-2.0 */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "load.h"

#define NAME_SPACE 160

void directory_folder(const struct directory *d, const char *name)
{
	char path[NAME_SPACE];

	(void)snprintf(path, sizeof(path), "%s/%s", d->path, name);
	assert_int_equal(mkdir(path, 0755), 0);
}

void directory_open(struct directory *d)
{
	*d = (struct directory){.path = "/tmp/wastewatch-test-XXXXXX"};
	assert_non_null(mkdtemp(d->path));
	directory_folder(d, "sites.d");
}

void directory_write_bytes(const struct directory *d, const char *name, const void *bytes, size_t n)
{
	char path[NAME_SPACE];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/%s", d->path, name);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, n, file), n);
	assert_int_equal(fchmod(fileno(file), 0644), 0);
	assert_int_equal(fclose(file), 0);
}

void directory_write(const struct directory *d, const char *name, const char *text)
{
	directory_write_bytes(d, name, text, strlen(text));
}

void directory_forget(struct directory *d)
{
	d->config = config_free(d->config);
	free(d->said);
	d->said = NULL;
}

void directory_load(struct directory *d)
{
	FILE *errors;

	directory_forget(d);
	errors = open_memstream(&d->said, &d->n_said);
	assert_non_null(errors);
	d->result = config_load(&d->config, d->path, errors, &d->n_errors);
	assert_int_equal(fclose(errors), 0);
	assert_true((d->result == 0) == (d->n_errors == 0));
	assert_true((d->result == 0) == (d->config != NULL));
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *ftw)
{
	(void)status;
	(void)kind;
	(void)ftw;
	return remove(path);
}

void directory_close(struct directory *d)
{
	directory_forget(d);
	assert_int_equal(nftw(d->path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

int load_files(struct config **ret, const struct load_file *files, FILE *errors)
{
	struct directory d;
	int r;

	directory_open(&d);
	for (; files->name; files++)
		directory_write(&d, files->name, files->text);
	r = config_load(ret, d.path, errors, NULL);
	directory_close(&d);
	return r;
}

int load_config(struct config **ret, const char *main_yaml, const char *site_yaml, FILE *errors)
{
	const struct load_file files[] = {
		{"wastewatch.yaml", main_yaml}, {"sites.d/s.yaml", site_yaml}, {NULL, NULL}};

	return load_files(ret, files, errors);
}
