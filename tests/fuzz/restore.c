/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A core's state, or its windows, out of a record: refused, or taken over and saved again. The
 * first byte chooses which, and whether the header is mended, as nearly no input would get
 * beyond it otherwise.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/core.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* the header of snapshot.c: magic, layout, seven counts, a stamp, the hash of all the rest */
#define HASH_AT 88
static const char main_yaml[] = "origin: here\n";
static const char site_yaml[] =
	"site: a\n"
	"links: [{name: l, tcp: \"127.0.0.1:502\"}]\n"
	"units: [{name: u, link: l, id: 1}]\n"
	"sources:\n"
	"  - name: s\n"
	"    kind: liquid\n"
	"    channels:\n"
	"      - {name: c, from: u, address: 0, type: uint16, range: [0, 10]}\n"
	"      - {name: d, from: u, address: 1, type: uint16, range: [0, 10]}\n"
	"    limits: [{channel: c, class: warning, high: 5}]\n";

/* that of the windows: magic, layout, a count, the hash */
#define WINDOWS_HASH_AT 24

static struct config *config;
static struct plan *plan;
static uint8_t identity[16], windows_identity[16]; /* magic and layout */

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	if (!file || fputs(text, file) < 0 || fclose(file) != 0)
		abort();
}

static void free_all(void)
{
	plan = plan_free(plan);
	config = config_free(config);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	char directory[] = "/tmp/fuzz-restore-XXXXXX", main_path[64], sites[64], site[64];
	struct batch batch = {0};
	struct core *core = NULL;
	void *bytes = NULL;
	size_t n;

	(void)argc;
	(void)argv;
	if (!mkdtemp(directory))
		abort();
	(void)snprintf(main_path, sizeof(main_path), "%s/wastewatch.yaml", directory);
	(void)snprintf(sites, sizeof(sites), "%s/sites.d", directory);
	(void)snprintf(site, sizeof(site), "%s/sites.d/s.yaml", directory);
	if (mkdir(sites, 0700) < 0)
		abort();
	write_file(main_path, main_yaml);
	write_file(site, site_yaml);
	if (config_load(&config, directory, stderr, NULL) < 0 || plan_new(&plan, config) < 0 ||
	    core_new(&core, config, plan, &batch) < 0 || core_save(core, &bytes, &n) < 0)
		abort();
	memcpy(identity, bytes, sizeof(identity));
	free(bytes);
	if (core_save_windows(core, &bytes, &n) < 0)
		abort();
	memcpy(windows_identity, bytes, sizeof(windows_identity));
	free(bytes);
	core = core_free(core);
	(void)unlink(main_path);
	(void)unlink(site);
	(void)rmdir(sites);
	(void)rmdir(directory);
	return atexit(free_all);
}

static void mend(uint8_t *bytes, size_t n, const uint8_t magic[static 16], size_t hash_at)
{
	size_t size = hash_at + sizeof(uint64_t);
	uint64_t hash;

	if (n < size)
		return;
	memcpy(bytes, magic, sizeof(identity));
	hash = hash64(hash64(HASH64_SEED, bytes, hash_at), bytes + size, n - size);
	memcpy(bytes + hash_at, &hash, sizeof(hash));
}

static int restore(struct core *core, uint8_t kind, uint8_t *bytes, size_t n)
{
	bool windows = kind & 2;

	if (kind & 1)
		mend(bytes, n, windows ? windows_identity : identity,
		     windows ? WINDOWS_HASH_AT : HASH_AT);
	return windows ? core_restore_windows(core, bytes, n) : core_restore(core, bytes, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct batch batch = {0};
	struct core *core = NULL;
	uint8_t *bytes;
	void *saved = NULL;
	size_t n_saved;
	int r;

	if (n < 1 || core_new(&core, config, plan, &batch) < 0)
		return 0;
	bytes = malloc(n);
	if (!bytes)
		abort();
	memcpy(bytes, data + 1, n - 1);
	r = restore(core, data[0], bytes, n - 1);
	assert(r == 0 || r == 1 || r == -EBADMSG);
	if (core_save(core, &saved, &n_saved) < 0)
		abort();
	free(saved);
	if (core_save_windows(core, &saved, &n_saved) < 0)
		abort();
	free(saved);
	free(bytes);
	core = core_free(core);
	batch_done(&batch);
	return 0;
}
