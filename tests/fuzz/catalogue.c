/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A catalogue of limits and the row that uses it: whatever its bytes, it is refused with a message
 * or gives limits whose bounds are numbers and whose origins fit. Up to a byte of zero it is the
 * row of a source's standards, behind it the file.
 */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/standard_check.h"

#define ROW_MAX 400

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static char directory[] = "/tmp/fuzz-catalogue-XXXXXX";
static char main_path[64], sites_path[64], site_path[64], limits_path[64], limit_path[64];

static void clean_up(void)
{
	(void)unlink(main_path);
	(void)unlink(site_path);
	(void)unlink(limit_path);
	(void)rmdir(sites_path);
	(void)rmdir(limits_path);
	(void)rmdir(directory);
}

static void write_file(const char *path, const void *bytes, size_t n)
{
	FILE *file;

	(void)unlink(path);
	file = fopen(path, "we");
	if (!file || fwrite(bytes, 1, n, file) != n || fclose(file) != 0)
		abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char main_yaml[] = "origin: here\n";

	(void)argc;
	(void)argv;
	if (!mkdtemp(directory))
		abort();
	(void)snprintf(main_path, sizeof(main_path), "%s/wastewatch.yaml", directory);
	(void)snprintf(sites_path, sizeof(sites_path), "%s/sites.d", directory);
	(void)snprintf(site_path, sizeof(site_path), "%s/sites.d/s.yaml", directory);
	(void)snprintf(limits_path, sizeof(limits_path), "%s/limits", directory);
	(void)snprintf(limit_path, sizeof(limit_path), "%s/limits/p.yaml", directory);
	if (mkdir(sites_path, 0700) < 0 || mkdir(limits_path, 0700) < 0)
		abort();
	write_file(main_path, main_yaml, sizeof(main_yaml) - 1);
	return atexit(clean_up);
}

static void write_site(const uint8_t *row, size_t n)
{
	static const char site[] =
		"site: a\nlinks: [{name: l, tcp: \"127.0.0.1:502\"}]\nunits: [{name: u, link: l, "
		"id: "
		"1}]\nsources:\n  - name: s\n    kind: gas\n    channels:\n"
		"      - {name: SO2, from: u, address: 0, type: int16, unit: ppm, range: [0, "
		"1e9]}\n"
		"      - {name: pH, from: u, address: 1, type: int16, range: [-1e9, 1e9]}\n"
		"      - {name: O2, from: u, address: 2, type: int16, unit: \"%%\", range: [0, "
		"25]}\n"
		"    derived:\n      - {name: SO2-7, formula: oxygen, inputs: [SO2, O2], "
		"reference: 7, "
		"unit: mg/Nm3, range: [0, 1e9]}\n"
		"    standards:\n      - {standard: p, %.*s}\n"
		"    limits:\n      - {channel: pH, class: limit, low: 3, origin: permit}\n";
	char text[sizeof(site) + ROW_MAX];
	int length = snprintf(text, sizeof(text), site, (int)(n < ROW_MAX ? n : ROW_MAX),
			      (const char *)row);

	write_file(site_path, text, (size_t)length);
}

static void check(const struct config *config, FILE *out)
{
	for (size_t i = 0; i < config->n_limits; i++) {
		const struct config_limit *limit = &config->limits[i];

		assert(isfinite(limit->bound) && limit->origin && strlen(limit->origin) <= 1000);
		assert(limit->standard == CONFIG_NO_STANDARD ||
		       limit->standard < config->n_standards);
		assert(!*limit->parameter || (*limit->arithmetic && !*limit->overrides));
	}
	standard_check(config, 20261127, CATALOGUE_VI, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const uint8_t *end = n ? memchr(data, 0, n) : NULL;
	size_t n_row = end ? (size_t)(end - data) : 0, n_errors = 0, n_said = 0;
	struct config *config = NULL;
	char *said = NULL;
	FILE *errors = open_memstream(&said, &n_said);

	if (!errors)
		abort();
	write_site(data, n_row);
	write_file(limit_path, end ? end + 1 : data, end ? n - n_row - 1 : n);
	if (config_load(&config, directory, errors, &n_errors) < 0)
		assert(!config && n_errors > 0);
	else
		check(config, errors);
	(void)fclose(errors);
	config = config_free(config);
	free(said);
	return 0;
}
