/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tools/command.h"
#include "tools/replay.h"

struct csv {
	struct replay_rows rows; /* first */
	FILE *file;
	char *text;
	size_t room;
};

/* cut the next comma-separated field off; NULL: there is none */
static char *field(char **rest)
{
	return *rest ? strsep(rest, ",") : NULL;
}

static int parse_value(const struct replay_rows *rows, const char *text, const char *status,
		       struct replay_row *row)
{
	char *end;

	if (strcmp(status, "01") == 0)
		row->quality = QUALITY_CALIBRATING;
	else if (strcmp(status, "02") == 0)
		row->quality = QUALITY_DEVICE_FAULT;
	else if (*status && strcmp(status, "00") != 0)
		return replay_refuse(rows, "the status is none of 00, 01, 02 and empty", status);
	else
		row->quality = QUALITY_GOOD;
	if (*text) {
		errno = 0;
		row->value = strtod(text, &end);
		if (end == text || *end || errno == ERANGE || !isfinite(row->value) ||
		    strpbrk(text, "xXpPnN \t"))
			return replay_refuse(rows, "the value is no decimal number", text);
	}
	if (row->quality == QUALITY_GOOD)
		row->quality = replay_judge(rows->config, row->channel, *text, row->value);
	return 0;
}

static int parse_row(const struct replay_rows *rows, char *line, struct replay_row *row)
{
	char *rest = line;
	const char *time = field(&rest), *channel = field(&rest), *value = field(&rest);
	const char *status = field(&rest);

	*row = (struct replay_row){0};
	if (!status || rest)
		return replay_refuse(rows, "a row has four fields: time,channel,value,status", "");
	if (clock_parse(time, &row->wall_ms) < 0)
		return replay_refuse(
			rows, "the time is not RFC 3339, such as 2026-03-25T00:00:00+07:00", time);
	if (config_channel_find(rows->config, channel, &row->channel) < 0)
		return replay_refuse(
			rows, "no such channel SITE/SOURCE/CHANNEL in the configuration", channel);
	return parse_value(rows, value, status, row);
}

/* the end of a line, as written on either kind of system */
static void cut_end(char *line)
{
	size_t n = strlen(line);

	if (n > 0 && line[n - 1] == '\n')
		line[--n] = '\0';
	if (n > 0 && line[n - 1] == '\r')
		line[--n] = '\0';
}

static int next_row(struct replay_rows *rows, struct replay_row *ret)
{
	struct csv *csv = (struct csv *)rows;
	ssize_t n = getline(&csv->text, &csv->room, csv->file);

	if (n < 0)
		return ferror(csv->file) ? -EIO : 0;
	rows->line++;
	if ((size_t)n != strlen(csv->text))
		return replay_refuse(rows, "the line holds a NUL byte", "");
	cut_end(csv->text);
	return parse_row(rows, csv->text, ret) < 0 ? -EINVAL : 1;
}

static int begin(struct replay_rows *rows)
{
	struct csv *csv = (struct csv *)rows;
	const char *text;

	rewind(csv->file);
	rows->line = 1;
	if (getline(&csv->text, &csv->room, csv->file) < 0)
		return ferror(csv->file) ? -EIO : replay_refuse(rows, "the file is empty", "");
	cut_end(csv->text);
	text = strncmp(csv->text, "\xef\xbb\xbf", 3) == 0 ? csv->text + 3 : csv->text;
	if (strcmp(text, "time,channel,value,status") != 0)
		return replay_refuse(rows, "the first line must be: time,channel,value,status", "");
	return 0;
}

/* a pipe cannot be read twice: keep a copy */
static FILE *open_twice(const char *path)
{
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re"), *copy;
	char buffer[65536];
	size_t n;

	if (!file || fseek(file, 0, SEEK_SET) == 0)
		return file;
	copy = tmpfile();
	while (copy && (n = fread(buffer, 1, sizeof(buffer), file)) > 0)
		if (fwrite(buffer, 1, n, copy) != n) {
			(void)fclose(copy);
			copy = NULL;
		}
	if (copy && ferror(file)) {
		(void)fclose(copy);
		copy = NULL;
		errno = EIO;
	}
	if (file != stdin)
		(void)fclose(file);
	return copy;
}

static void close_rows(struct replay_rows *rows)
{
	struct csv *csv = (struct csv *)rows;

	if (csv->file && csv->file != stdin)
		(void)fclose(csv->file);
	free(csv->text);
	free(csv);
}

int replay_csv_open(struct replay_rows **ret, const struct config *config, const char *path)
{
	struct csv *csv = calloc(1, sizeof(*csv));

	if (!csv)
		return -ENOMEM;
	csv->rows = (struct replay_rows){
		.begin = begin,
		.next = next_row,
		.close = close_rows,
		.config = config,
		.path = path,
	};
	csv->file = open_twice(path);
	if (!csv->file) {
		(void)command_fail("cannot read %s: %s", path, strerror(errno));
		close_rows(&csv->rows);
		return -EINVAL;
	}
	*ret = &csv->rows;
	return 0;
}
