/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/files.h"
#include "tools/command.h"
#include "tools/replay.h"

/* the directories that @path is in, from @start on. Return: 0; -errno */
static int make_directories(char *path, size_t start)
{
	for (char *p = path + start; (p = strchr(p, '/')); p++) {
		*p = '\0';
		if (*path && mkdir(path, 0777) < 0 && errno != EEXIST)
			return -errno; /* @path names the one that failed */
		*p = '/';
	}
	return 0;
}

static int write_new(const char *path, const char *body)
{
	FILE *file = fopen(path, "wxe");
	int r = 0;

	if (!file)
		return -errno;
	if (fputs(body, file) < 0)
		r = -EIO;
	if (fclose(file) != 0)
		r = -errno;
	return r;
}

int replay_write_file(const char *directory, const char *webhook_id, const char *body)
{
	const char *below = webhook_id + strlen(FILES_PREFIX);
	char *path;
	int r;

	if (!files_path(webhook_id) || strstr(below, "..")) {
		(void)command_fail("%s is no place for a data file below %s", webhook_id,
				   directory);
		return -EINVAL;
	}
	if (asprintf(&path, "%s/%s", directory, below) < 0)
		return -ENOMEM;
	r = make_directories(path, strlen(directory));
	if (r == 0)
		r = write_new(path, body);
	if (r < 0) {
		(void)command_fail("cannot write %s: %s", path, strerror(-r));
		r = -EINVAL;
	}
	free(path);
	return r;
}
