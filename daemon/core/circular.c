/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "core/circular.h"

#define N_COLUMNS 5

/* status, and the quality that it is read as */
static const struct {
	const char *code;
	enum quality quality;
} statuses[] = {
	{"00", QUALITY_GOOD},
	{"01", QUALITY_CALIBRATING},
	{"02", QUALITY_DEVICE_FAULT},
	{"03", QUALITY_MAINTENANCE},
};

struct circular_row circular_row_of(const struct config_parameter *parameter,
				    const struct window_row *row, int64_t time_ms)
{
	struct circular_row ret = {
		.symbol = parameter->symbol,
		.unit = parameter->measure,
		.time_ms = time_ms,
		.quality = row ? row->worst : QUALITY_STALE,
	};

	if (!row || row->n == 0 || !isfinite(row->mean)) {
		if (ret.quality == QUALITY_GOOD)
			ret.quality = QUALITY_STALE;
		return ret;
	}
	ret.value = row->mean;
	ret.has_value = true;
	if (row->valid && quality_is_silent(row->worst))
		ret.quality = (enum quality)row->shown;
	else if (!row->valid && row->worst == QUALITY_GOOD)
		ret.quality = QUALITY_STALE; /* the rest did not come */
	return ret;
}

void circular_time(int64_t wall_ms, int zone_min, char text[static CIRCULAR_TIME_MAX])
{
	static const unsigned char places[] = {0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18};
	char full[CLOCK_TEXT_MAX]; /* "2026-03-25T00:00:00.000+07:00" */

	clock_format(wall_ms, zone_min, full);
	for (size_t i = 0; i < sizeof(places); i++)
		text[i] = full[places[i]];
	text[sizeof(places)] = '\0';
}

void circular_value(double value, unsigned int decimals, char text[static CIRCULAR_VALUE_MAX])
{
	char *end;

	(void)snprintf(text, CIRCULAR_VALUE_MAX, "%.*f",
		       (int)MIN(decimals, (unsigned int)CIRCULAR_DECIMALS_MAX), value);
	end = text + strlen(text);
	if (strchr(text, '.')) {
		while (end[-1] == '0')
			*--end = '\0';
		if (end[-1] == '.')
			*--end = '\0';
	}
	if (strcmp(text, "-0") == 0)
		memcpy(text, "0", sizeof("0"));
}

/* --- writing ------------------------------------------------------------------------- */

/* a control character would move the columns */
static bool is_clean(const char *text)
{
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return false;
	return true;
}

static void write_row(FILE *file, const struct config_station *station, int zone_min,
		      const struct circular_row *row)
{
	char time[CIRCULAR_TIME_MAX], value[CIRCULAR_VALUE_MAX];
	bool has_value = row->has_value && isfinite(row->value);

	circular_time(row->time_ms, zone_min, time);
	if (has_value)
		circular_value(row->value, station->decimals, value);
	(void)fprintf(file, "%s\t%s\t%s\t%s\t%s", row->symbol, has_value ? value : station->missing,
		      row->unit, time,
		      has_value || row->quality != QUALITY_GOOD ? quality_circular(row->quality)
								: quality_circular(QUALITY_STALE));
}

int circular_compose(const struct config_station *station, int zone_min,
		     const struct circular_row *rows, size_t n_rows, char **ret)
{
	const char *end = station->crlf ? "\r\n" : "\n";
	char *text = NULL;
	size_t n = 0;
	FILE *file;
	bool failed;

	if (!is_clean(station->missing))
		return -EINVAL;
	for (size_t i = 0; i < n_rows; i++)
		if (!*rows[i].symbol || !is_clean(rows[i].symbol) || !is_clean(rows[i].unit))
			return -EINVAL;
	file = open_memstream(&text, &n);
	if (!file)
		return -ENOMEM;
	for (size_t i = 0; i < n_rows; i++) {
		write_row(file, station, zone_min, &rows[i]);
		(void)fputs(i + 1 == n_rows || !station->in_one_line ? end : "\t", file);
	}
	failed = ferror(file);
	failed |= fclose(file) != 0;
	if (failed || !text) {
		free(text);
		return -ENOMEM;
	}
	*ret = text;
	return 0;
}

/* "%Y/%m/%d" of yyyyMMddHHmmss; anything else stays as it is */
static void write_directory(FILE *file, const char *directory, const char *time)
{
	for (const char *p = directory; *p; p++) {
		if (p[0] != '%' || !p[1] || !strchr("Ymd", p[1])) {
			(void)fputc(*p, file);
			continue;
		}
		p++;
		if (*p == 'Y')
			(void)fprintf(file, "%.4s", time);
		else
			(void)fprintf(file, "%.2s", time + (*p == 'm' ? 4 : 6));
	}
}

char *circular_path(const struct config_station *station, int64_t time_ms, int zone_min)
{
	const char *directory = station->directory + strspn(station->directory, "/");
	size_t length = strlen(directory), n = 0;
	char time[CIRCULAR_TIME_MAX], *text = NULL;
	FILE *file = open_memstream(&text, &n);
	bool failed;

	if (!file)
		return NULL;
	circular_time(time_ms, zone_min, time);
	write_directory(file, directory, time);
	if (length > 0 && directory[length - 1] != '/')
		(void)fputc('/', file);
	(void)fprintf(file, "%s_%s.txt", station->file, time);
	failed = ferror(file);
	failed |= fclose(file) != 0;
	if (failed) {
		free(text);
		return NULL;
	}
	return text;
}

/* --- reading ------------------------------------------------------------------------- */

struct reader {
	struct circular_file *file;
	size_t room;
	size_t line;
	int zone_min;
	const char *missing;
	char *error;
};

/* what stands in a file may be anything; shown to people it is cut short and printable */
static int refuse(const struct reader *reader, const char *what, const char *text)
{
	char shown[48];

	(void)snprintf(shown, sizeof(shown), "%s", text);
	for (char *p = shown; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	(void)snprintf(reader->error, CIRCULAR_ERROR_MAX, "line %zu: %s%s%s", reader->line, what,
		       *shown ? ": " : "", shown);
	return -EBADMSG;
}

static const char *digits(const char *p)
{
	return p + strspn(p, "0123456789");
}

/* a plain decimal number, an exponent allowed; strtod() alone takes "nan", "0x1p3" and more */
static bool is_number(const char *text)
{
	const char *start = text + (*text == '-' || *text == '+'), *p = digits(start);
	size_t n = (size_t)(p - start);

	if (*p == '.') {
		start = p + 1;
		p = digits(start);
		n += (size_t)(p - start);
	}
	if (n == 0)
		return false;
	if (*p == 'e' || *p == 'E') {
		start = p + 1 + (p[1] == '-' || p[1] == '+');
		p = digits(start);
		if (p == start)
			return false;
	}
	return *p == '\0';
}

static bool is_missing(const struct reader *reader, const char *text)
{
	return text[strspn(text, "-")] == '\0' ||
	       (reader->missing && strcmp(text, reader->missing) == 0);
}

static int read_value(const struct reader *reader, const char *text, struct circular_row *row)
{
	if (is_missing(reader, text))
		return 0;
	errno = 0;
	row->value = is_number(text) ? strtod(text, NULL) : (double)NAN;
	if (!isfinite(row->value) || errno == ERANGE)
		return refuse(reader, "the value is no decimal number", text);
	row->has_value = true;
	return 0;
}

/* exactly 14 digits that are a moment of local time */
static int parse_time(const char *text, size_t n, int zone_min, int64_t *ret_ms)
{
	char full[CLOCK_TEXT_MAX];
	int64_t local_ms;

	if (n != CIRCULAR_TIME_MAX - 1 || strspn(text, "0123456789") < n)
		return -EINVAL;
	(void)snprintf(full, sizeof(full), "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", text, text + 4,
		       text + 6, text + 8, text + 10, text + 12);
	if (clock_parse(full, &local_ms) < 0)
		return -EINVAL;
	*ret_ms = local_ms - zone_min * MS_PER_MIN;
	return 0;
}

static int read_status(const struct reader *reader, const char *text, struct circular_row *row)
{
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
		if (strcmp(text, statuses[i].code) == 0) {
			row->quality = statuses[i].quality;
			return 0;
		}
	return refuse(reader, "the status is none of 00, 01, 02, 03", text);
}

/* cut the next field off, without the spaces around it */
static char *field(char **rest)
{
	char *text = strsep(rest, "\t"), *end = text + strlen(text);

	while (end > text && end[-1] == ' ')
		*--end = '\0';
	return text + strspn(text, " ");
}

/* byte order marks: in front of a file, and of each of those that were joined to one */
static char *skip_marks(char *text)
{
	for (;; text += *text == ' ' ? 1 : 3)
		if (*text != ' ' && strncmp(text, "\xef\xbb\xbf", 3) != 0)
			return text;
}

static struct circular_row *add_row(struct reader *reader)
{
	struct circular_file *file = reader->file;

	if (file->n_rows == reader->room) {
		size_t more = reader->room ? reader->room * 2 : 32;
		struct circular_row *grown = reallocarray(file->rows, more, sizeof(*grown));

		if (!grown)
			return NULL;
		file->rows = grown;
		reader->room = more;
	}
	file->rows[file->n_rows] = (struct circular_row){0};
	return &file->rows[file->n_rows++];
}

static int read_row(struct reader *reader, char **rest)
{
	struct circular_row *row = add_row(reader);
	const char *value, *time;
	int r;

	if (!row)
		return -ENOMEM;
	row->symbol = skip_marks(field(rest));
	value = field(rest);
	row->unit = field(rest);
	time = field(rest);
	if (!*row->symbol)
		return refuse(reader, "a row has no symbol", "");
	r = read_value(reader, value, row);
	if (r < 0)
		return r;
	if (parse_time(time, strlen(time), reader->zone_min, &row->time_ms) < 0)
		return refuse(reader, "the time is not yyyyMMddHHmmss", time);
	return read_status(reader, field(rest), row);
}

static int read_line(struct reader *reader, char *line)
{
	char *rest = line = skip_marks(line);
	size_t n = strlen(line), n_fields = 1;
	int r = 0;

	while (n > 0 && strchr(" \t\r", line[n - 1]))
		line[--n] = '\0';
	if (n == 0)
		return 0;
	for (const char *p = line; (p = strchr(p, '\t')); p++)
		n_fields++;
	if (n_fields % N_COLUMNS != 0)
		return refuse(reader,
			      "a row has five columns parted by TAB: symbol, value, unit, time, "
			      "status",
			      "");
	for (size_t i = 0; r == 0 && i < n_fields / N_COLUMNS; i++)
		r = read_row(reader, &rest);
	return r;
}

static int read_lines(struct reader *reader, char *text)
{
	char *rest = text, *line;
	int r = 0;

	while (r == 0 && (line = strsep(&rest, "\n"))) {
		reader->line++;
		r = read_line(reader, line);
	}
	return r;
}

/* the line that byte @n lies in */
static size_t line_of(const char *text, size_t n)
{
	size_t line = 1;

	for (size_t i = 0; i < n; i++)
		line += text[i] == '\n';
	return line;
}

int circular_parse(struct circular_file *ret, const char *text, size_t n, int zone_min,
		   const char *missing, char error[static CIRCULAR_ERROR_MAX])
{
	struct circular_file file = {0};
	struct reader reader = {
		.file = &file,
		.zone_min = zone_min,
		.missing = missing,
		.error = error,
	};
	const char *nul = n > 0 ? memchr(text, '\0', n) : NULL;
	int r;

	if (nul) {
		reader.line = line_of(text, (size_t)(nul - text));
		return refuse(&reader, "there is a NUL byte in it", "");
	}
	file.text = strndup(n > 0 ? text : "", n);
	r = file.text ? read_lines(&reader, file.text) : -ENOMEM;
	if (r < 0) {
		circular_file_done(&file);
		return r;
	}
	*ret = file;
	return 0;
}

void circular_file_done(struct circular_file *file)
{
	free(file->rows);
	free(file->text);
	*file = (struct circular_file){0};
}

int circular_name_parse(const char *name, int zone_min, size_t *ret_n_prefix, int64_t *ret_time_ms)
{
	size_t n_time = CIRCULAR_TIME_MAX - 1, n = strlen(name);
	const char *time;

	if (n < n_time + 6 || strcasecmp(name + n - 4, ".txt") != 0)
		return -EINVAL;
	time = name + n - 4 - n_time;
	if (time[-1] != '_' || parse_time(time, n_time, zone_min, ret_time_ms) < 0)
		return -EINVAL;
	*ret_n_prefix = (size_t)(time - 1 - name);
	return 0;
}
