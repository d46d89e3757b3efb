/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A site's file: whatever its bytes, it is refused with a message or gives a configuration
 * whose plan can be made. Up to a byte of zero it is the main file, if there is one; behind a
 * second one it is the profile "p".
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static char directory[] = "/tmp/fuzz-config-XXXXXX";
static char main_path[64], sites_path[64], site_path[64], profiles_path[64], profile_path[64];

static void clean_up(void)
{
	(void)unlink(main_path);
	(void)unlink(site_path);
	(void)unlink(profile_path);
	(void)rmdir(sites_path);
	(void)rmdir(profiles_path);
	(void)rmdir(directory);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	if (!mkdtemp(directory))
		abort();
	(void)snprintf(main_path, sizeof(main_path), "%s/wastewatch.yaml", directory);
	(void)snprintf(sites_path, sizeof(sites_path), "%s/sites.d", directory);
	(void)snprintf(site_path, sizeof(site_path), "%s/sites.d/s.yaml", directory);
	(void)snprintf(profiles_path, sizeof(profiles_path), "%s/profiles", directory);
	(void)snprintf(profile_path, sizeof(profile_path), "%s/profiles/p.yaml", directory);
	if (mkdir(sites_path, 0700) < 0 || mkdir(profiles_path, 0700) < 0)
		abort();
	return atexit(clean_up);
}

static void write_file(const char *path, const void *bytes, size_t n)
{
	FILE *file;

	(void)unlink(path); /* some filesystems flush a file that is cut and written again */
	file = fopen(path, "we");
	if (!file || fwrite(bytes, 1, n, file) != n || fclose(file) != 0)
		abort();
}

static int count(void *userdata, void *packet, size_t n)
{
	assert(wire_check(packet, n) == 0);
	*(size_t *)userdata += n;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char main_yaml[] = "origin: here\n";
	const uint8_t *end = n ? memchr(data, 0, n) : NULL;
	size_t n_main = end ? (size_t)(end - data) : 0, n_errors = 0, bytes = 0, n_said = 0;
	const uint8_t *site = end ? end + 1 : data, *profile;
	size_t n_site = end ? n - n_main - 1 : n;
	struct config *config = NULL;
	struct plan *plan = NULL;
	char *said = NULL;
	FILE *errors = open_memstream(&said, &n_said);
	int r;

	if (!errors)
		abort();
	if (end)
		write_file(main_path, data, n_main);
	else
		write_file(main_path, main_yaml, sizeof(main_yaml) - 1);
	profile = end && n_site ? memchr(site, 0, n_site) : NULL;
	if (profile) {
		write_file(profile_path, profile + 1, n_site - (size_t)(profile - site) - 1);
		n_site = (size_t)(profile - site);
	} else {
		(void)unlink(profile_path);
	}
	write_file(site_path, site, n_site);
	r = config_load(&config, directory, errors, &n_errors);
	(void)fclose(errors);
	if (r < 0) {
		assert(!config && n_errors > 0 && n_said > 0);
	} else {
		assert(config && n_errors == 0);
		assert(plan_new(&plan, config) == 0);
		for (size_t i = 0; i < plan->n_slots; i++)
			assert(plan_packets(plan, i, count, &bytes) == 0);
	}
	plan = plan_free(plan);
	config = config_free(config);
	free(said);
	return 0;
}
