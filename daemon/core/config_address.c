/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/macro.h"
#include "core/config_text.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS	"0123456789"

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

static const struct {
	const char *prefix;
	enum config_scheme scheme;
} schemes[] = {
	{"https://", CONFIG_HTTPS}, {"http://", CONFIG_HTTP}, {"ftp://", CONFIG_FTP},
	{"ftpes://", CONFIG_FTPES}, {"sftp://", CONFIG_SFTP},
};

/** host_check() - what curl will connect to */
static const char *host_check(const char *host, bool bracket, bool *ret_local)
{
	char canonical[CONFIG_HOST_MAX];
	bool numeric = numeric_host(host, bracket, canonical);

	if (!numeric && (bracket || strspn(host, LETTERS DIGITS ".-") != strlen(host)))
		return "its host is neither a name nor an address; allowed: "
		       "https://HOST[:PORT]/PATH, or ftp, ftpes or sftp";
	if (bracket)
		*ret_local = strcmp(canonical, "::1") == 0;
	else if (numeric)
		*ret_local = strncmp(canonical, "127.", 4) == 0;
	else
		*ret_local = strcmp(host, "localhost") == 0;
	return NULL;
}

/** path_check() - what follows the host */
static const char *path_check(const char *path, enum config_scheme scheme)
{
	if (strchr(path, '#'))
		return "it has a fragment (#…), which is never sent; allowed: "
		       "https://HOST[:PORT]/PATH";
	/* curl takes ";type=a" behind a path of FTP for a mode that changes line ends */
	if (scheme != CONFIG_HTTPS && scheme != CONFIG_HTTP && strpbrk(path, "?;"))
		return "a directory for files has no \"?\" and no \";\"; allowed: "
		       "ftp://HOST[:PORT]/DIRECTORY, or ftpes or sftp";
	return NULL;
}

static bool is_url_text(const char *text)
{
	for (; *text; text++)
		if (*text <= ' ' || *text >= 0x7f || *text == '\\')
			return false;
	return true;
}

/** check_authority() - what stands between "//" and the path */
static const char *check_authority(const char *text, size_t n, enum config_scheme scheme,
				   bool *ret_local)
{
	char authority[300], host[256];
	const char *port, *why;
	uint16_t number;

	if (memchr(text, '@', n))
		return "it holds a user or password, which would end in logs; allowed: a client "
		       "certificate (certificate, key) and the signature, or for files user and "
		       "password of their own";
	if (n >= sizeof(authority))
		return "its host is too long; allowed: https://HOST[:PORT]/PATH";
	memcpy(authority, text, n);
	authority[n] = '\0';
	if (!split_address(authority, host, sizeof(host), &port) ||
	    (*port && !parse_port(port, &number)))
		return "its host or port is wrong; allowed: https://HOST[:PORT]/PATH, port 1 to "
		       "65535";
	why = host_check(host, authority[0] == '[', ret_local);
	if (!why && scheme == CONFIG_HTTP && !*ret_local)
		return "it is neither https nor on this machine; allowed: https://…, or http:// to "
		       "127.0.0.0/8, [::1] or localhost";
	return why;
}

const char *config_url_parse(const char *text, enum config_scheme *ret_scheme, bool *ret_local)
{
	const char *why, *rest;
	size_t i = 0, n;

	if (!is_url_text(text))
		return "it holds a space, a control or another character that no URL has; "
		       "allowed: printable ASCII, others as %XX";
	while (i < ARRAY_SIZE(schemes) &&
	       strncmp(text, schemes[i].prefix, strlen(schemes[i].prefix)) != 0)
		i++;
	if (i == ARRAY_SIZE(schemes))
		return "it is neither https nor http, nor a directory for files; allowed: "
		       "https://…, or http:// to 127.0.0.0/8, [::1] or localhost; for files "
		       "sftp://, ftpes:// or ftp://";
	rest = text + strlen(schemes[i].prefix);
	n = strcspn(rest, "/?#");
	*ret_scheme = schemes[i].scheme;
	why = path_check(rest + n, *ret_scheme);
	return why ? why : check_authority(rest, n, *ret_scheme, ret_local);
}

const char *config_url_check(const char *text)
{
	enum config_scheme scheme;
	bool local;

	return config_url_parse(text, &scheme, &local);
}
