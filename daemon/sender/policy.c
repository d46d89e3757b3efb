/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "common/macro.h"
#include "sender/policy.h"

#define DIGITS	"0123456789"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

const char *policy_check_text(const char *url, size_t n)
{
	if (n == 0)
		return "the job has no URL";
	if (n > POLICY_URL_MAX)
		return "the URL is too long; 2048 bytes are allowed";
	for (size_t i = 0; i < n; i++)
		if (url[i] <= ' ' || url[i] > '~')
			return "the URL holds a blank, a control character or a byte outside "
			       "ASCII; write it percent-encoded";
	return NULL;
}

static bool is_loopback_v4(uint32_t address)
{
	return address >> 24 == 127; /* RFC 1122 §3.2.1.3 */
}

static bool is_loopback_host(const char *host)
{
	struct in_addr v4;

	if (strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0)
		return true;
	return inet_pton(AF_INET, host, &v4) == 1 && is_loopback_v4(ntohl(v4.s_addr));
}

const char *policy_check_target(const char *scheme, const char *host, const char *user)
{
	if (user)
		return "the URL carries a user name; secrets belong into a credential";
	if (strcmp(scheme, "https") == 0)
		return NULL;
	if (strcmp(scheme, "http") != 0)
		return "the URL is neither https nor http; https is wanted";
	return is_loopback_host(host) ? NULL
				      : "http is allowed to a loopback address only; use https";
}

const char *policy_check_upload_target(const char *scheme, const char *host, const char *user)
{
	if (user)
		return "the URL carries a user name; it belongs into \"user\", and secrets into a "
		       "credential";
	if (strcmp(scheme, "ftps") == 0)
		return "ftps (TLS from the first byte, port 990) is not supported; use ftpes, "
		       "which turns to TLS on the usual port";
	if (strcmp(scheme, "ftp") != 0 && strcmp(scheme, "ftpes") != 0 &&
	    strcmp(scheme, "sftp") != 0)
		return "the URL is none of ftp, ftpes and sftp";
	return host[0] ? NULL : "the URL has no host";
}

static bool has_control(const char *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return true;
	return false;
}

const char *policy_check_path(const char *path)
{
	const char *segment = path, *end;

	if (path[0] != '/')
		return "the URL has no path";
	if (has_control(path, strlen(path)) || strpbrk(path, "\"\\"))
		return "the file's path holds a control character, a quotation mark or a backslash";
	do {
		size_t n;

		segment++;
		end = strchrnul(segment, '/');
		n = (size_t)(end - segment);
		if ((n == 1 || n == 2) && strspn(segment, ".") >= n)
			return "the file's path holds \".\" or \"..\"";
		if (*end == '\0' && n == 0)
			return "the URL ends without the name of the file";
		if (n > POLICY_NAME_MAX)
			return "a name in the file's path is too long; 200 bytes are allowed";
		segment = end;
	} while (*end);
	return NULL;
}

const char *policy_check_login(const char *text, size_t n)
{
	if (n == 0)
		return "it is empty";
	if (n > POLICY_LOGIN_MAX)
		return "it is too long; 256 bytes are allowed";
	return has_control(text, n) ? "it holds a control character" : NULL;
}

/* RFC 6890 and the IANA special-purpose registries: where no department can be */
static const struct {
	uint32_t prefix;
	unsigned int bits;
	const char *why;
} refused_v4[] = {
	{0x00000000, 8, "the name leads to an unspecified address"},	      /* 0.0.0.0/8 */
	{0xa9fe0000, 16, "the name leads to a link-local address"},	      /* 169.254.0.0/16 */
	{0xe0000000, 4, "the name leads to a multicast address"},	      /* 224.0.0.0/4 */
	{0xf0000000, 4, "the name leads to a reserved or broadcast address"}, /* 240.0.0.0/4 */
};

static const char *check_v4(uint32_t address, bool plain)
{
	for (size_t i = 0; i < ARRAY_SIZE(refused_v4); i++)
		if (address >> (32 - refused_v4[i].bits) ==
		    refused_v4[i].prefix >> (32 - refused_v4[i].bits))
			return refused_v4[i].why;
	if (plain && !is_loopback_v4(address))
		return "the name does not lead to a loopback address, and http goes nowhere else; "
		       "use https";
	return NULL;
}

/* does an IPv4 address hide in it? ::ffff:0:0/96 (mapped), 64:ff9b::/96 (NAT64, RFC 6052) */
static bool unwrap_v4(const struct in6_addr *address, uint32_t *ret)
{
	static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
	uint32_t raw;

	if (!IN6_IS_ADDR_V4MAPPED(address) && memcmp(address->s6_addr, nat64, 12) != 0)
		return false;
	memcpy(&raw, address->s6_addr + 12, sizeof(raw));
	*ret = ntohl(raw);
	return true;
}

static const char *check_v6(const struct in6_addr *address, bool plain)
{
	uint32_t v4;

	if (unwrap_v4(address, &v4))
		return check_v4(v4, plain);
	if (IN6_IS_ADDR_UNSPECIFIED(address))
		return "the name leads to an unspecified address";
	if (IN6_IS_ADDR_LINKLOCAL(address))
		return "the name leads to a link-local address";
	if (IN6_IS_ADDR_MULTICAST(address))
		return "the name leads to a multicast address";
	if (plain && !IN6_IS_ADDR_LOOPBACK(address))
		return "the name does not lead to a loopback address, and http goes nowhere else; "
		       "use https";
	return NULL;
}

const char *policy_check_address(const struct sockaddr *address, size_t n, bool plain)
{
	struct sockaddr_in6 v6;
	struct sockaddr_in v4;

	if (address->sa_family == AF_INET && n >= sizeof(v4)) {
		memcpy(&v4, address, sizeof(v4));
		return check_v4(ntohl(v4.sin_addr.s_addr), plain);
	}
	if (address->sa_family == AF_INET6 && n >= sizeof(v6)) {
		memcpy(&v6, address, sizeof(v6));
		return check_v6(&v6.sin6_addr, plain);
	}
	return "the name leads to something that is no IP address";
}

/* names that belong to libcurl: they frame the request, or send it somewhere else */
static const char *const reserved[] = {
	"Connection",	     "Content-Length",	    "Expect",  "Host",
	"Keep-Alive",	     "Proxy-Connection",    "TE",      "Trailer",
	"Transfer-Encoding", "Proxy-Authorization", "Upgrade",
};

static const char *check_header(const char *line, size_t n)
{
	size_t n_name = strspn(line, LETTERS DIGITS "!#$%&'*+-.^_`|~");

	if (n > POLICY_HEADER_MAX)
		return "a header line is too long; 4096 bytes are allowed";
	for (size_t i = 0; i < n; i++)
		if (line[i] < ' ' || line[i] > '~')
			return "a header line holds a control character or a byte outside ASCII";
	if (n_name == 0 || n_name + 3 > n || line[n_name] != ':' || line[n_name + 1] != ' ' ||
	    strspn(line + n_name + 2, " ") == n - n_name - 2)
		return "a header line is not of the form \"Name: value\"";
	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++)
		if (n_name == strlen(reserved[i]) && strncasecmp(line, reserved[i], n_name) == 0)
			return "a header line has a name that is not the job's to set";
	return NULL;
}

const char *policy_check_headers(const char *lines, size_t n)
{
	const char *end = lines + n;

	for (size_t n_lines = 0; lines < end; n_lines++) {
		const char *newline = memchr(lines, '\n', (size_t)(end - lines));
		const char *why;

		if (!newline)
			return "the last header line does not end";
		if (n_lines == POLICY_HEADERS_MAX)
			return "too many header lines; 32 are allowed";
		why = check_header(lines, (size_t)(newline - lines));
		if (why)
			return why;
		lines = newline + 1;
	}
	return NULL;
}

const char *policy_check_file(const char *name, size_t n)
{
	if (n > 255 || memchr(name, '/', n) || memchr(name, '\0', n) || (n > 0 && name[0] == '.'))
		return "a credential is named by its file name alone, without \"/\" and without a "
		       "leading \".\"";
	return NULL;
}

int64_t policy_parse_date(const char *text)
{
	/* IMF-fixdate, RFC 850, asctime(); the programs never leave the C locale */
	static const char *const forms[] = {
		"%a, %d %b %Y %H:%M:%S GMT",
		"%A, %d-%b-%y %H:%M:%S GMT",
		"%a %b %e %H:%M:%S %Y",
	};

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		struct tm tm = {0};
		const char *end = strptime(text, forms[i], &tm);
		int64_t seconds;

		if (!end || *end != '\0')
			continue;
		seconds = timegm(&tm);
		return seconds < 0 ? -1 : seconds;
	}
	return -1;
}

int64_t policy_parse_retry_after(const char *text, int64_t now_s)
{
	int64_t seconds = 0;

	if (text[0] != '\0' && text[strspn(text, DIGITS)] == '\0') {
		for (; *text; text++)
			seconds = MIN(seconds * 10 + (*text - '0'), POLICY_RETRY_AFTER_MAX);
		return seconds;
	}
	seconds = policy_parse_date(text);
	if (seconds < 0)
		return -1;
	return MIN(MAX(seconds - now_s, 0), POLICY_RETRY_AFTER_MAX);
}
