/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/macro.h"
#include "core/config.h"
#include "core/config_text.h"

#define LETTERS	   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS	   "0123456789"
#define WORD_MAX   64 /* longest word that is compared for a suggestion */
#define CREDENTIAL 64

/* largest first: config_duration_format() takes the first that keeps the number whole */
static const struct {
	const char *name;
	int64_t us;
} units[] = {
	{"d", MS_PER_DAY *US_PER_MS},
	{"h", 60 * MS_PER_MIN *US_PER_MS},
	{"min", MS_PER_MIN *US_PER_MS},
	{"s", US_PER_S},
	{"ms", US_PER_MS},
	{"us", 1},
};

const char *config_name_check(const char *text)
{
	size_t n = strlen(text);

	if (n > 0 && n <= CONFIG_NAME_MAX && strchr(LETTERS, text[0]) &&
	    strspn(text, LETTERS DIGITS "_-") == n)
		return NULL;
	return "it is not a name; allowed: 1 to 32 letters A-Z and a-z, digits, \"_\" and \"-\", "
	       "the "
	       "first a letter";
}

const char *config_text_check(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return "it holds a control character; allowed: printable text on one line";
	return NULL;
}

const char *config_origin_check(const char *text)
{
	if (text[strspn(text, " ")] == '\0')
		return "it is blank; allowed: where the number comes from, such as \"permit "
		       "123/GPMT, "
		       "annex 2\"";
	return config_text_check(text);
}

const char *config_credential_check(const char *text)
{
	size_t n = strlen(text);

	if (n > 0 && n <= CREDENTIAL && text[0] != '.' && strspn(text, LETTERS DIGITS "._-") == n)
		return NULL;
	return "it is not the name of a credential; allowed: 1 to 64 letters, digits, \".\", \"_\" "
	       "and \"-\", the first not a dot (the secret itself is in the file of that name)";
}

/** has_dots() - is one of a path's names "." or ".."? */
static bool has_dots(const char *path)
{
	while (path) {
		size_t n;

		path += *path == '/';
		n = strcspn(path, "/");
		if ((n == 1 && path[0] == '.') || (n == 2 && strncmp(path, "..", 2) == 0))
			return true;
		path = path[n] ? path + n : NULL;
	}
	return false;
}

const char *config_device_check(const char *text)
{
	size_t n = strlen(text);

	if (n > 1 && n < CONFIG_DEVICE_MAX && text[0] == '/' && text[n - 1] != '/' &&
	    !has_dots(text))
		return NULL;
	return "it is not a serial device; allowed: an absolute path of up to 159 bytes without "
	       "\".\" and \"..\", best /dev/serial/by-id/…, which names the adapter itself";
}

const char *config_directory_form_check(const char *text)
{
	bool good = *text && text[0] != '/' && !has_dots(text) &&
		    strspn(text, LETTERS DIGITS "._-/%") == strlen(text);

	for (const char *c = text; good && (c = strchr(c, '%')); c++)
		good = c[1] && strchr("Ymd", c[1]);
	if (good)
		return NULL;
	return "it is not a directory below the destination's; allowed: letters, digits, \".\", "
	       "\"_\", \"-\" and \"/\" between names, not in front, no \"..\"; %Y, %m and %d "
	       "become the date";
}

const char *config_file_check(const char *text)
{
	size_t n = strlen(text);

	if (n > 0 && strspn(text, LETTERS DIGITS "_") == n)
		return NULL;
	return "a file's name cannot begin so; allowed: letters A-Z and a-z, digits and \"_\", as "
	       "in TenTinh_TenCoSo_TenTram";
}

const char *config_symbol_check(const char *text)
{
	return *text ? NULL : "it is empty; allowed: the parameter's symbol, such as COD";
}

const char *config_missing_check(const char *text)
{
	double number;

	return config_number_parse(text, &number) == -EINVAL
		       ? NULL
		       : "it would be read as a value that was never measured; allowed: what no "
			 "number is, such as ---";
}

const char *config_user_check(const char *text)
{
	if (*text && !strchr(text, ':'))
		return NULL;
	return "it is no name to log in with; allowed: printable text without \":\"";
}

const char *config_phone_check(const char *text)
{
	size_t n = strlen(text);

	if (n >= 2 && n <= 32 && strchr("+0123456789", text[0]) &&
	    strspn(text + 1, "0123456789 ().-") == n - 1)
		return NULL;
	return "it is no phone number; allowed: such as \"+84 205 381 2345\"";
}

const char *config_email_check(const char *text)
{
	const char *at = strchr(text, '@');

	if (at && at > text && at[1] && !strchr(at + 1, '@') && !strpbrk(text, " \t\n\r\v\f"))
		return NULL;
	return "it is no e-mail address; allowed: NAME@HOST";
}

int config_zone_parse(const char *text, int *ret_min)
{
	static const char form[] = "sdd:dd";
	int hours, minutes, total;

	if (strlen(text) != strlen(form) || !strchr("+-", text[0]) || text[3] != ':')
		return -EINVAL;
	for (size_t i = 0; i < strlen(form); i++)
		if (form[i] == 'd' && !isdigit((unsigned char)text[i]))
			return -EINVAL;
	hours = (text[1] - '0') * 10 + text[2] - '0';
	minutes = (text[4] - '0') * 10 + text[5] - '0';
	total = (hours * 60 + minutes) * (text[0] == '-' ? -1 : 1);
	if (minutes > 59 || total < -12 * 60 || total > 14 * 60)
		return -EINVAL;
	*ret_min = total;
	return 0;
}

const char *config_zone_check(const char *text)
{
	int minutes;

	if (config_zone_parse(text, &minutes) == 0)
		return NULL;
	return "it is not an offset from UTC; allowed: \"-12:00\" to \"+14:00\", such as "
	       "\"+07:00\" "
	       "(fixed, so that no change of summer time makes a window of another length)";
}

int config_number_parse(const char *text, double *ret)
{
	size_t n = strlen(text);
	char *end;
	double value;

	/* strtod() would also take spaces, hexadecimal, "inf" and "nan" */
	if (n == 0 || strspn(text, DIGITS "+-.eE") != n)
		return -EINVAL;
	value = strtod(text, &end);
	if (*end || !strpbrk(text, DIGITS))
		return -EINVAL;
	if (!isfinite(value))
		return -ERANGE;
	*ret = value;
	return 0;
}

int config_integer_parse(const char *text, uint64_t *ret)
{
	bool hex = strncmp(text, "0x", 2) == 0;
	const char *digits = hex ? text + 2 : text;
	size_t n = strlen(digits);
	unsigned long long value;

	if (n == 0 || strspn(digits, hex ? DIGITS "abcdefABCDEF" : DIGITS) != n)
		return -EINVAL;
	if (!hex && n > 1 && digits[0] == '0')
		return -EDOM;
	errno = 0;
	value = strtoull(digits, NULL, hex ? 16 : 10);
	if (errno == ERANGE)
		return -ERANGE;
	*ret = value;
	return 0;
}

int config_duration_parse(const char *text, int64_t *ret_us)
{
	size_t n = strspn(text, DIGITS ".");
	char number[24];
	double value;

	if (n == 0 || n >= sizeof(number) || text[0] == '.')
		return -EINVAL;
	memcpy(number, text, n);
	number[n] = '\0';
	if (config_number_parse(number, &value) < 0)
		return -EINVAL;
	if (text[n] == '\0')
		return -EDOM;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		double us = value * (double)units[i].us;

		if (strcmp(text + n, units[i].name) != 0)
			continue;
		if (us > 200.0 * 366 * (double)units[0].us)
			return -ERANGE;
		if (fabs(us - round(us)) > 1e-6)
			return -EINVAL;
		*ret_us = (int64_t)llround(us);
		return 0;
	}
	return -EINVAL;
}

void config_duration_format(int64_t us, char text[static CONFIG_DURATION_MAX])
{
	size_t i = 0;

	while (i + 1 < ARRAY_SIZE(units) && us % units[i].us != 0)
		i++;
	if (us == 0)
		i = 3; /* "0s" */
	(void)snprintf(text, CONFIG_DURATION_MAX, "%lld%s", (long long)(us / units[i].us),
		       units[i].name);
}

/* optimal string alignment: Damerau 1964 as in Boytsov, "Indexing methods for approximate
 * dictionary searching", 2011, §2.1 */
size_t config_distance(const char *a, const char *b)
{
	size_t n = strnlen(a, WORD_MAX), m = strnlen(b, WORD_MAX);
	size_t row[3][WORD_MAX + 1];

	for (size_t j = 0; j <= m; j++)
		row[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];

		now[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t replace = last[j - 1] + (a[i - 1] != b[j - 1]);

			now[j] = MIN(replace, MIN(last[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				now[j] = MIN(now[j], before[j - 2] + 1);
		}
	}
	return row[n % 3][m];
}

const char *config_quote(const char *text, char quoted[static CONFIG_QUOTE_MAX])
{
	size_t n = 0;

	for (; text[n] && n < CONFIG_QUOTE_MAX - 20; n++)
		quoted[n] = (unsigned char)text[n] < 0x20 || text[n] == 0x7f ? '?' : text[n];
	quoted[n] = '\0';
	if (!text[n])
		return quoted;
	while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80) /* inside a character */
		n--;
	memcpy(quoted + n, "…", sizeof("…"));
	return quoted;
}
