/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

#include "common/macro.h"
#include "sender/policy.h"

/* @why: a word of the refusal, NULL allowed */
static void check(const char *what, const char *got, const char *why)
{
	if ((got == NULL) != (why == NULL) || (why && !strstr(got, why)))
		print_error("%s: got \"%s\", wanted \"%s\"\n", what, got ? got : "allowed",
			    why ? why : "allowed");
	assert_int_equal(got == NULL, why == NULL);
	if (why)
		assert_non_null(strstr(got, why));
}

static void test_text(void **state)
{
	static const struct {
		const char *url;
		const char *why;
	} rows[] = {
		{"https://a", NULL},	      {"", "no URL"},
		{"https://a b", "blank"},     {"https://a\t", "control"},
		{"https://a\x7f", "control"}, {"https://\xc3\xa9", "ASCII"},
		{"https://a~!", NULL},
	};
	static char long_url[POLICY_URL_MAX + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check(rows[i].url, policy_check_text(rows[i].url, strlen(rows[i].url)),
		      rows[i].why);
	memset(long_url, 'x', sizeof(long_url));
	check("longest", policy_check_text(long_url, POLICY_URL_MAX), NULL);
	check("longer", policy_check_text(long_url, POLICY_URL_MAX + 1), "too long");
	check("NUL", policy_check_text("a\0b", 3), "control");
}

static void test_target(void **state)
{
	static const struct {
		const char *scheme, *host, *user, *why;
	} rows[] = {
		{"https", "example.com", NULL, NULL},
		{"https", "10.0.0.1", NULL, NULL},
		{"http", "127.0.0.1", NULL, NULL},
		{"http", "127.255.255.255", NULL, NULL},
		{"http", "[::1]", NULL, NULL},
		{"http", "localhost", NULL, NULL},
		{"http", "126.255.255.255", NULL, "loopback"},
		{"http", "128.0.0.0", NULL, "loopback"},
		{"http", "127.0.0.1.example.com", NULL, "loopback"},
		{"http", "localhost.", NULL, "loopback"},
		{"http", "", NULL, "loopback"},
		{"http", "[::2]", NULL, "loopback"},
		{"http", "127.1", NULL, "loopback"}, /* libcurl writes it in full */
		{"ftp", "127.0.0.1", NULL, "https"},
		{"file", "", NULL, "https"},
		{"https", "example.com", "", "user name"},
		{"https", "example.com", "me", "user name"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check(rows[i].host, policy_check_target(rows[i].scheme, rows[i].host, rows[i].user),
		      rows[i].why);
}

static void test_upload_target(void **state)
{
	static const struct {
		const char *scheme, *host, *user, *why;
	} rows[] = {
		{"ftp", "example.com", NULL, NULL},
		{"ftpes", "10.0.0.1", NULL, NULL},
		{"sftp", "[::1]", NULL, NULL},
		{"ftps", "example.com", NULL, "use ftpes"},
		{"https", "example.com", NULL, "none of"},
		{"scp", "example.com", NULL, "none of"},
		{"file", "", NULL, "none of"},
		{"", "", NULL, "none of"},
		{"ftp", "", NULL, "no host"},
		{"sftp", "example.com", "", "user name"},
		{"sftp", "example.com", "me", "user name"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check(rows[i].scheme,
		      policy_check_upload_target(rows[i].scheme, rows[i].host, rows[i].user),
		      rows[i].why);
}

static void test_path(void **state)
{
	static const struct {
		const char *path, *why;
	} rows[] = {
		{"/a", NULL},
		{"/a.txt", NULL},
		{"/2026/11/24/a b%c;d.txt", NULL},
		{"//absolute/a", NULL}, /* FTP: from the root, not from where the login leads */
		{"/~/a", NULL},
		{"/\xc3\x81p", NULL},
		{"/...", NULL},
		{"/.a", NULL},
		{"/..a/b", NULL},
		{"", "no path"},
		{"a", "no path"},
		{"/", "without the name"},
		{"/d/", "without the name"},
		{"/.", "\".\""},
		{"/..", "\"..\""},
		{"/d/../a", "\"..\""},
		{"/./a", "\".\""},
		{"/a\r\nDELE b", "control"},
		{"/a\x7f", "control"},
		{"/\x1f/a", "control"},
		{"/a\"b", "quotation"},
		{"/a\\b", "backslash"},
	};
	char path[POLICY_NAME_MAX + 3] = "/";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check(rows[i].path, policy_check_path(rows[i].path), rows[i].why);
	memset(path + 1, 'x', POLICY_NAME_MAX);
	check("longest", policy_check_path(path), NULL);
	path[POLICY_NAME_MAX + 1] = 'x';
	check("longer", policy_check_path(path), "too long");
}

static void test_login(void **state)
{
	static const struct {
		const char *text;
		size_t n;
		const char *why;
	} rows[] = {
		{"me", 2, NULL},	{" p%ss \"w\\\xc3\xb6rd~", 14, NULL},
		{"", 0, "empty"},	{"a\nb", 3, "control"},
		{"a\r", 2, "control"},	{"a\0b", 3, "control"},
		{"\x7f", 1, "control"},
	};
	static char longest[POLICY_LOGIN_MAX + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check(rows[i].text, policy_check_login(rows[i].text, rows[i].n), rows[i].why);
	memset(longest, 'x', sizeof(longest));
	check("longest", policy_check_login(longest, POLICY_LOGIN_MAX), NULL);
	check("longer", policy_check_login(longest, POLICY_LOGIN_MAX + 1), "too long");
}

static void test_address(void **state)
{
	/* over TLS, and over plain http; NULL allowed */
	static const struct {
		const char *text;
		const char *tls, *plain;
	} rows[] = {
		{"127.0.0.1", NULL, NULL},
		{"127.255.255.255", NULL, NULL},
		{"126.255.255.255", NULL, "loopback"},
		{"128.0.0.0", NULL, "loopback"},
		{"192.0.2.1", NULL, "loopback"},
		{"10.1.2.3", NULL, "loopback"},
		{"0.0.0.0", "unspecified", "unspecified"},
		{"0.255.255.255", "unspecified", "unspecified"},
		{"1.0.0.0", NULL, "loopback"},
		{"169.253.255.255", NULL, "loopback"},
		{"169.254.0.0", "link-local", "link-local"},
		{"169.254.169.254", "link-local", "link-local"},
		{"169.254.255.255", "link-local", "link-local"},
		{"169.255.0.0", NULL, "loopback"},
		{"223.255.255.255", NULL, "loopback"},
		{"224.0.0.0", "multicast", "multicast"},
		{"239.255.255.255", "multicast", "multicast"},
		{"240.0.0.0", "reserved", "reserved"},
		{"255.255.255.255", "broadcast", "broadcast"},
		{"::1", NULL, NULL},
		{"::", "unspecified", "unspecified"},
		{"::2", NULL, "loopback"},
		{"2001:db8::1", NULL, "loopback"},
		{"fd00::1", NULL, "loopback"},
		{"fe80::1", "link-local", "link-local"},
		{"febf:ffff::1", "link-local", "link-local"},
		{"fec0::1", NULL, "loopback"},
		{"ff02::1", "multicast", "multicast"},
		{"::ffff:127.0.0.1", NULL, NULL},
		{"::ffff:192.0.2.1", NULL, "loopback"},
		{"::ffff:169.254.169.254", "link-local", "link-local"},
		{"::ffff:0.0.0.0", "unspecified", "unspecified"},
		{"64:ff9b::a9fe:a9fe", "link-local", "link-local"},
		{"64:ff9b::c000:201", NULL, "loopback"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
		struct sockaddr_in v4 = {.sin_family = AF_INET};
		const bool is_v4 = inet_pton(AF_INET, rows[i].text, &v4.sin_addr) == 1;
		const struct sockaddr *address = is_v4 ? (const struct sockaddr *)&v4
						       : (const struct sockaddr *)&v6;
		const size_t n = is_v4 ? sizeof(v4) : sizeof(v6);

		if (!is_v4)
			assert_int_equal(inet_pton(AF_INET6, rows[i].text, &v6.sin6_addr), 1);
		check(rows[i].text, policy_check_address(address, n, false), rows[i].tls);
		check(rows[i].text, policy_check_address(address, n, true), rows[i].plain);
		check(rows[i].text, policy_check_address(address, n - 1, false), "no IP address");
	}
}

static void test_address_of_another_family(void **state)
{
	const struct sockaddr_un local = {.sun_family = AF_UNIX, .sun_path = "/x"};

	(void)state;
	check("AF_UNIX",
	      policy_check_address((const struct sockaddr *)&local, sizeof(local), false),
	      "no IP address");
}

static void test_headers(void **state)
{
	static const struct {
		const char *lines;
		const char *why;
	} rows[] = {
		{"", NULL},
		{"A: b\n", NULL},
		{"Content-Type: application/json\nwebhook-id: x\n", NULL},
		{"!#$%&'*+-.^_`|~09azAZ: x\n", NULL},
		{"A: b c  d\n", NULL},
		{"A: b", "does not end"},
		{"A: b\nC: d", "does not end"},
		{"A:\n", "Name: value"},
		{"A: \n", "Name: value"},
		{"A:   \n", "Name: value"},
		{"A:b\n", "Name: value"},
		{"A;\n", "Name: value"},
		{"A : b\n", "Name: value"},
		{": b\n", "Name: value"},
		{"\n", "Name: value"},
		{"A: b\n\nC: d\n", "Name: value"},
		{" A: b\n", "Name: value"},
		{"A(: b\n", "Name: value"},
		{"A: b\r\n", "control"},
		{"A: b\tc\n", "control"},
		{"A: b\x7f\n", "control"},
		{"A: \xc3\xa9\n", "ASCII"},
		{"Host: x\n", "not the job's"},
		{"hOST: x\n", "not the job's"},
		{"Hos: x\n", NULL},
		{"Hosts: x\n", NULL},
		{"Content-Length: 1\n", "not the job's"},
		{"Transfer-Encoding: chunked\n", "not the job's"},
		{"Connection: close\n", "not the job's"},
		{"Expect: 100-continue\n", "not the job's"},
		{"Upgrade: h2c\n", "not the job's"},
		{"Proxy-Authorization: x\n", "not the job's"},
	};
	static char lines[POLICY_HEADERS_MAX * 5 + 6], line[POLICY_HEADER_MAX + 2];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check(rows[i].lines, policy_check_headers(rows[i].lines, strlen(rows[i].lines)),
		      rows[i].why);
	for (size_t i = 0; i <= POLICY_HEADERS_MAX; i++)
		memcpy(lines + 5 * i, "A: b\n", 6);
	check("most lines", policy_check_headers(lines, 5 * POLICY_HEADERS_MAX), NULL);
	check("more lines", policy_check_headers(lines, 5 * POLICY_HEADERS_MAX + 5), "too many");
	memset(line, 'x', sizeof(line));
	memcpy(line, "A: ", 3);
	line[POLICY_HEADER_MAX] = '\n';
	check("longest line", policy_check_headers(line, POLICY_HEADER_MAX + 1), NULL);
	line[POLICY_HEADER_MAX] = 'x';
	line[POLICY_HEADER_MAX + 1] = '\n';
	check("longer line", policy_check_headers(line, POLICY_HEADER_MAX + 2), "too long");
	check("NUL", policy_check_headers("A: b\0c\n", 7), "control");
	/* what lies behind the end is not looked at */
	check("end", policy_check_headers("A: b\nno header", 5), NULL);
	check("end in a name", policy_check_headers("A: b\nB: c\n", 7), "does not end");
}

static void test_file(void **state)
{
	static const struct {
		const char *name;
		size_t n;
		const char *why;
	} rows[] = {
		{"", 0, NULL}, /* none is named */
		{"ca.pem", 6, NULL},  {"c..a", 4, NULL},    {".", 1, "alone"},
		{"..", 2, "alone"},   {".ca", 3, "alone"},  {"a/b", 3, "alone"},
		{"/etc", 4, "alone"}, {"a\0b", 3, "alone"},
	};
	char long_name[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check(rows[i].name, policy_check_file(rows[i].name, rows[i].n), rows[i].why);
	memset(long_name, 'x', sizeof(long_name));
	check("longest", policy_check_file(long_name, 255), NULL);
	check("longer", policy_check_file(long_name, 256), "alone");
}

#define NOON 784111777 /* RFC 9110 §5.6.7: Sun, 06 Nov 1994 08:49:37 GMT */

static void test_date(void **state)
{
	static const struct {
		const char *text;
		int64_t expected;
	} rows[] = {
		{"Sun, 06 Nov 1994 08:49:37 GMT", NOON},
		{"Sunday, 06-Nov-94 08:49:37 GMT", NOON},
		{"Sun Nov  6 08:49:37 1994", NOON},
		{"Thu, 01 Jan 1970 00:00:00 GMT", 0},
		{"Wed, 31 Dec 1969 23:59:59 GMT", -1},
		{"Fri, 31 Dec 9999 23:59:59 GMT", INT64_C(253402300799)},
		{"", -1},
		{"now", -1},
		{"Sun, 06 Nov 1994 08:49:37", -1},
		{"Sun, 06 Nov 1994 08:49:37 GMT+1", -1},
		{"Sun, 06 Nov 1994 08:49:37 +0100", -1},
		{"Sun, 06 Now 1994 08:49:37 GMT", -1},
		{"Sun, 40 Nov 1994 08:49:37 GMT", -1},
		{"1994-11-06T08:49:37Z", -1},
		{"784111777", -1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (policy_parse_date(rows[i].text) != rows[i].expected)
			print_error("row %zu: %s\n", i, rows[i].text);
		assert_int_equal(policy_parse_date(rows[i].text), rows[i].expected);
	}
}

static void test_retry_after(void **state)
{
	static const struct {
		const char *text;
		int64_t expected;
	} rows[] = {
		{"0", 0},
		{"1", 1},
		{"007", 7},
		{"120", 120},
		{"3153600000", POLICY_RETRY_AFTER_MAX},
		{"3153600001", POLICY_RETRY_AFTER_MAX},
		{"99999999999999999999999999", POLICY_RETRY_AFTER_MAX},
		{"", -1},
		{"-1", -1},
		{"+1", -1},
		{"1.5", -1},
		{"1 ", -1},
		{" 1", -1},
		{"0x10", -1},
		{"1e3", -1},
		{"soon", -1},
		{"Sun, 06 Nov 1994 08:49:37 GMT", 0},
		{"Sun, 06 Nov 1994 08:49:38 GMT", 1},
		{"Sun, 06 Nov 1994 08:49:36 GMT", 0}, /* it has passed */
		{"Sun, 06 Nov 1994 09:49:37 GMT", 3600},
		{"Fri, 31 Dec 9999 23:59:59 GMT", POLICY_RETRY_AFTER_MAX},
		{"Sun, 06 Nov 1994 08:49:37 XYZ", -1},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (policy_parse_retry_after(rows[i].text, NOON) != rows[i].expected)
			print_error("row %zu: %s\n", i, rows[i].text);
		assert_int_equal(policy_parse_retry_after(rows[i].text, NOON), rows[i].expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_target),
		cmocka_unit_test(test_upload_target),
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_login),
		cmocka_unit_test(test_address),
		cmocka_unit_test(test_address_of_another_family),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_date),
		cmocka_unit_test(test_retry_after),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
