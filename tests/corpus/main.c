/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What fuzzing once found worth keeping is tried again by every "make check", without a fuzzer:
 * each file of tests/fuzz/corpus/TARGET whole, each of its beginnings, and each with one byte
 * turned over, for the target of this program's name. Says what it did as cmocka would.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX  (1 << 20)
#define STEPS_MAX 2000 /* of a longer file so many places are tried, at equal distances */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak)); /* some have none */

static int try_file(const char *path, uint8_t *data)
{
	FILE *file = fopen(path, "re");
	size_t n, step;

	if (!file) {
		(void)fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return -1;
	}
	n = fread(data, 1, FILE_MAX, file);
	(void)fclose(file);
	(void)printf("[ RUN      ] %s\n", path);
	(void)fflush(stdout); /* if it ends here, this says where */
	(void)LLVMFuzzerTestOneInput(data, n);
	step = n / STEPS_MAX + 1;
	for (size_t i = 0; i < n; i += step) {
		(void)LLVMFuzzerTestOneInput(data, i);
		data[i] ^= 0xff;
		(void)LLVMFuzzerTestOneInput(data, n);
		data[i] ^= 0xff;
	}
	(void)printf("[       OK ] %s\n", path);
	return 0;
}

int main(int argc, char **argv)
{
	const char *name = argc > 0 ? strrchr(argv[0], '/') : NULL;
	uint8_t *data = malloc(FILE_MAX);
	char directory[256], path[1024];
	const struct dirent *entry;
	size_t n = 0;
	DIR *dir;
	int r = 0;

	(void)snprintf(directory, sizeof(directory), "tests/fuzz/corpus/%s",
		       name ? name + 1 : argv[0]);
	if (LLVMFuzzerInitialize)
		(void)LLVMFuzzerInitialize(&argc, &argv);
	dir = opendir(directory);
	if (!data || !dir) {
		(void)fprintf(stderr, "%s: %s\n", directory, strerror(errno));
		return EXIT_FAILURE;
	}
	while (r == 0 && (entry = readdir(dir))) {
		if (*entry->d_name == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		r = try_file(path, data);
		n++;
	}
	(void)closedir(dir);
	free(data);
	(void)printf("[  PASSED  ] %zu test(s).\n", r == 0 ? n : 0);
	return r == 0 && n > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
