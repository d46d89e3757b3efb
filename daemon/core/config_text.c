/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
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

const char *config_credential_check(const char *text)
{
	size_t n = strlen(text);

	if (n > 0 && n <= CREDENTIAL && text[0] != '.' && strspn(text, LETTERS DIGITS "._-") == n)
		return NULL;
	return "it is not the name of a credential; allowed: 1 to 64 letters, digits, \".\", \"_\" "
	       "and \"-\", the first not a dot (the secret itself is in the file of that name)";
}

/** split_address() - "HOST:PORT" or "[HOST]:PORT"; an absent port leaves @ret_port "" */
static bool split_address(const char *text, char *host, size_t n_host, const char **ret_port)
{
	bool bracket = text[0] == '[';
	const char *end = bracket ? strchr(text, ']') : text + strcspn(text, ":");
	size_t n;

	text += bracket ? 1 : 0;
	if (!end || end == text || (size_t)(end - text) >= n_host)
		return false;
	n = (size_t)(end - text);
	memcpy(host, text, n);
	host[n] = '\0';
	end += bracket ? 1 : 0;
	if (*end != ':' && *end != '\0')
		return false;
	*ret_port = *end ? end + 1 : "";
	return *end == '\0' || end[1] != '\0';
}

static bool parse_port(const char *text, uint16_t *ret)
{
	size_t n = strlen(text);
	unsigned long port = strtoul(text, NULL, 10);

	if (n == 0 || n > 5 || strspn(text, DIGITS) != n || port == 0 || port > UINT16_MAX)
		return false;
	*ret = (uint16_t)port;
	return true;
}

/** numeric_host() - an address one can open a connection to: no name, no group, no "any" */
static bool numeric_host(const char *text, bool bracket, char canonical[static CONFIG_HOST_MAX])
{
	struct in6_addr six;
	struct in_addr four;

	if (bracket)
		return inet_pton(AF_INET6, text, &six) == 1 && !IN6_IS_ADDR_UNSPECIFIED(&six) &&
		       !IN6_IS_ADDR_MULTICAST(&six) &&
		       inet_ntop(AF_INET6, &six, canonical, CONFIG_HOST_MAX);
	return inet_pton(AF_INET, text, &four) == 1 && ntohl(four.s_addr) >> 24 != 0 &&
	       ntohl(four.s_addr) >> 28 < 0xe &&
	       inet_ntop(AF_INET, &four, canonical, CONFIG_HOST_MAX);
}

int config_address_parse(const char *text, char host[static CONFIG_HOST_MAX], uint16_t *ret_port)
{
	char spelled[CONFIG_HOST_MAX], canonical[CONFIG_HOST_MAX];
	const char *port;
	uint16_t number;

	if (!split_address(text, spelled, sizeof(spelled), &port) || !parse_port(port, &number) ||
	    !numeric_host(spelled, text[0] == '[', canonical))
		return -EINVAL;
	memcpy(host, canonical, sizeof(canonical));
	*ret_port = number;
	return 0;
}

const char *config_address_check(const char *text)
{
	char host[CONFIG_HOST_MAX];
	uint16_t port;

	if (config_address_parse(text, host, &port) == 0)
		return NULL;
	return "it is not an address; allowed: \"192.0.2.7:502\" or \"[2001:db8::7]:502\", numbers "
	       "only, because a name server must not be able to stall or redirect a bus; 502 is "
	       "Modbus' own port";
}

/** host_check() - what curl will connect to */
static const char *host_check(const char *host, bool bracket, bool plain)
{
	char canonical[CONFIG_HOST_MAX];
	bool numeric = numeric_host(host, bracket, canonical);
	bool local = numeric &&
		     (bracket ? strcmp(canonical, "::1") == 0 : strncmp(canonical, "127.", 4) == 0);

	if (plain && !local && (bracket || strcmp(host, "localhost") != 0))
		return "it is neither https nor on this machine; allowed: https://…, or http:// to "
		       "127.0.0.0/8, [::1] or localhost";
	if (!numeric && (bracket || strspn(host, LETTERS DIGITS ".-") != strlen(host)))
		return "its host is neither a name nor an address; allowed: "
		       "https://HOST[:PORT]/PATH";
	return NULL;
}

const char *config_url_check(const char *text)
{
	bool plain = strncmp(text, "http://", 7) == 0;
	char authority[300], host[256];
	const char *port;
	uint16_t number;
	size_t n;

	for (const char *c = text; *c; c++)
		if (*c <= ' ' || *c >= 0x7f || *c == '\\')
			return "it holds a space, a control or another character that no URL has; "
			       "allowed: printable ASCII, others as %XX";
	if (!plain && strncmp(text, "https://", 8) != 0)
		return "it is neither https nor http; allowed: https://…, or http:// to "
		       "127.0.0.0/8, [::1] or localhost";
	text += plain ? 7 : 8;
	n = strcspn(text, "/?#");
	if (strchr(text + n, '#'))
		return "it has a fragment (#…), which is never sent; allowed: "
		       "https://HOST[:PORT]/PATH";
	if (memchr(text, '@', n))
		return "it holds a user or password, which would end in logs; allowed: a client "
		       "certificate (certificate, key) and the signature";
	if (n >= sizeof(authority))
		return "its host is too long; allowed: https://HOST[:PORT]/PATH";
	memcpy(authority, text, n);
	authority[n] = '\0';
	if (!split_address(authority, host, sizeof(host), &port) ||
	    (*port && !parse_port(port, &number)))
		return "its host or port is wrong; allowed: https://HOST[:PORT]/PATH, port 1 to "
		       "65535";
	return host_check(host, authority[0] == '[', plain);
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
