/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of recorded values from anywhere: a row is refused with a sentence that names it, or its
 * value is a number of a channel that there is; and what is read twice is the same.
 */
#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/macro.h"
#include "tools/command.h"
#include "tools/replay.h"

#define ROWS_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static char path_cod[] = "mill/outfall/COD", path_ph[] = "mill/outfall/pH";
static struct config_channel channels[] = {{.path = path_cod, .decode = {.min = 0, .max = 1000}},
					   {.path = path_ph, .decode = {.min = 0, .max = 14}}};
static size_t by_path[] = {0, 1};
static const struct config config = {
	.channels = channels, .n_channels = ARRAY_SIZE(channels), .channels_by_path = by_path};
static unsigned int n_refused;

/* what the command does with errors: here they are counted */
int command_fail(const char *format, ...)
{
	assert(format && *format);
	n_refused++;
	return EXIT_FAILURE;
}

int replay_refuse(const struct replay_rows *rows, const char *what, const char *text)
{
	assert(rows->line > 0 && *what && text);
	n_refused++;
	return -EINVAL;
}

enum quality replay_judge(const struct config *judged, size_t channel, bool has_value, double value)
{
	assert(judged == &config && channel < config.n_channels);
	if (!has_value)
		return QUALITY_NOT_A_NUMBER;
	return value < channels[channel].decode.min || value > channels[channel].decode.max
		       ? QUALITY_OUT_OF_RANGE
		       : QUALITY_GOOD;
}

/* Return: how many rows there are before the end, or before the first that is refused */
static size_t read_all(struct replay_rows *rows, struct replay_row *ret)
{
	size_t n = 0;
	int r = rows->begin(rows);

	while (r >= 0 && n < ROWS_MAX && (r = rows->next(rows, &ret[n])) == 1) {
		assert(ret[n].channel < config.n_channels && isfinite(ret[n].value));
		assert(ret[n].quality != QUALITY_GOOD || ret[n].value >= 0);
		n++;
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct replay_row first[ROWS_MAX], second[ROWS_MAX];
	int fd = memfd_create("table", MFD_CLOEXEC);
	struct replay_rows *rows;
	char path[32];
	size_t n_rows, n_before;

	if (fd < 0 || write(fd, data, n) != (ssize_t)n) {
		(void)close(fd);
		return 0;
	}
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n_refused = 0;
	if (replay_csv_open(&rows, &config, path) == 0) {
		memset(first, 0, sizeof(first));
		memset(second, 0, sizeof(second));
		n_rows = read_all(rows, first);
		n_before = n_refused;
		assert(read_all(rows, second) == n_rows && n_refused == 2 * n_before);
		assert(memcmp(first, second, sizeof(first)) == 0);
		rows->close(rows);
	}
	(void)close(fd);
	return 0;
}
