/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy.h - what the sender may do and what it believes
 *
 * Which addresses and header lines are allowed, and what the receiver's dates mean. Pure:
 * no I/O, no clock, no libcurl.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define POLICY_URL_MAX	   2048 /* bytes */
#define POLICY_HEADERS_MAX 32	/* lines of a job */
#define POLICY_HEADER_MAX  4096 /* bytes of one line */
#define POLICY_NAME_MAX	   200	/* bytes of a file's name; most file systems end at 255 */
#define POLICY_LOGIN_MAX   256	/* bytes of a user name or password */
#define POLICY_RETRY_AFTER_MAX \
	INT64_C(3153600000) /* 100 years, in seconds; the core has its own bounds */

/*
 * The checks return NULL where all is well, else a sentence without a full stop that says
 * what is wrong and what is allowed.
 */

/** policy_target_check - policy_check_target() or policy_check_upload_target() */
typedef const char *policy_target_check(const char *scheme, const char *host, const char *user);

/** policy_check_text() - is it a URL by its bytes? Printable ASCII, no blanks, not too long */
const char *policy_check_text(const char *url, size_t n);

/**
 * policy_check_target() - may this be asked at all?
 * @scheme, @host: as libcurl's URL parser gives them, lower case; IPv6 in brackets
 * @user: user name in the URL, NULL none
 *
 * https to any host; http only to a loopback literal (127.0.0.0/8, [::1]) or "localhost".
 */
const char *policy_check_target(const char *scheme, const char *host, const char *user);

/**
 * policy_check_upload_target() - may a file be put there at all?
 *
 * ftp, ftpes and sftp to any host. ftp carries name, password and file in the clear; that is
 * the departments' practice, and the core warns of it.
 */
const char *policy_check_upload_target(const char *scheme, const char *host, const char *user);

/**
 * policy_check_path() - where a file is to be in the end, percent-decoded, from the first "/"
 *
 * A name in the end; no control characters, which would end a command of FTP; no quotation
 * mark or backslash, which would end a name in SFTP's; no segment "." or "..".
 */
const char *policy_check_path(const char *path);

/** policy_check_login() - a user name or a password: not empty, bounded, no control characters */
const char *policy_check_login(const char *text, size_t n);

/**
 * policy_check_address() - may a socket be opened to this resolved address?
 * @plain: the connection is http without TLS: loopback only
 *
 * Refused in any case: unspecified, link-local (cloud metadata lives there), multicast,
 * broadcast and reserved addresses, also where IPv6 only wraps them (v4-mapped, NAT64).
 */
const char *policy_check_address(const struct sockaddr *address, size_t n, bool plain);

/**
 * policy_check_headers() - lines "Name: value", each ended by "\n"
 *
 * No control characters, a token as name (RFC 9110 §5.6.2), a value, none of the names that
 * would change how the request is framed or where it goes.
 */
const char *policy_check_headers(const char *lines, size_t n);

/** policy_check_file() - a name in the credentials directory: no "/", not beginning with "." */
const char *policy_check_file(const char *name, size_t n);

/** policy_parse_date() - HTTP-date, RFC 9110 §5.6.7, all three forms; -1 if it is none */
int64_t policy_parse_date(const char *text);

/**
 * policy_parse_retry_after() - RFC 9110 §10.2.3: seconds, or an HTTP-date
 * @now_s: the receiver's own Date where it sent one, so that only its clock counts; else ours
 * Return: seconds from now, a date that has passed is 0, at most POLICY_RETRY_AFTER_MAX;
 *   -1 negative or garbage.
 */
int64_t policy_parse_retry_after(const char *text, int64_t now_s);
