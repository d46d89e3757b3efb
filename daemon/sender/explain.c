/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "common/macro.h"
#include "sender/explain.h"

#define ANY (-1L)

/*
 * CURLcode (libcurl-errors(3)) and X509_V_ERR_… (X509_STORE_CTX_get_error(3)); the first
 * row that fits is taken.
 */
static const struct {
	int code;
	long verify;
	const char *text;
} failures[] = {
	{60, 10,
	 "its certificate has expired; it must be renewed there, or the clock here is wrong"},
	{60, 9, "its certificate is not valid yet; check the clock here"},
	{60, 18, "its certificate is signed by itself; give its CA file with \"ca\""},
	{60, 19, "its certificate comes from an unknown CA; give the CA file with \"ca\""},
	{60, 20, "its certificate comes from an unknown CA; give the CA file with \"ca\""},
	{60, 21, "its certificate comes from an unknown CA; give the CA file with \"ca\""},
	{60, 23, "its certificate was revoked"},
	/* libcurl found the chain good (0) or looked at the name first (1) */
	{60, 0, "its certificate is for another host name; check the URL"},
	{60, 1, "its certificate is for another host name; check the URL"},
	{60, ANY, "its certificate cannot be trusted"},
	/* the URL was looked at before: what is left is an answer of HTTP 0.9, or none of HTTP */
	{1, ANY, "what answers there does not speak HTTP"},
	{3, ANY, "the URL cannot be understood; check its spelling"},
	{6, ANY, "its name cannot be resolved; check the spelling and the name server"},
	{7, ANY,
	 "it refuses the connection or cannot be reached; check network, firewall and port"},
	{8, ANY, "what answers there does not speak HTTP"},
	{18, ANY, "it closed the connection in the middle of its answer"},
	{23, ANY, "its answer was cut off because it is too long"},
	{27, ANY, "out of memory, or a header line of its answer is too long"},
	{28, ANY, "no answer in time; check network and firewall, and whether the receiver works"},
	{35, ANY,
	 "no TLS connection; it must speak TLS 1.2 or newer, and may want a client "
	 "certificate"},
	{43, ANY, "the job is not allowed"},
	{52, ANY, "it closed the connection without an answer"},
	/* with TLS 1.3 a refused client certificate shows as these two, not as a TLS error */
	{55, ANY, "the connection broke while sending; it may want another client certificate"},
	{56, ANY,
	 "the connection was reset before an answer came; it may want a client certificate"},
	{58, ANY, "the client certificate or its key cannot be used; check the credentials"},
	{77, ANY, "the CA file cannot be read; check the credential"},
	{90, ANY, "its public key is not the expected one"},
	{100, ANY, "its answer has a header that is too long"},
};

/* without bytes that a terminal would obey */
void explain_append_detail(const char *detail, char *ret, size_t n)
{
	size_t at = strlen(ret);

	if (detail[0] == '\0' || at + 4 >= n)
		return;
	at += (size_t)snprintf(ret + at, n - at, " (");
	for (; *detail && *detail != '\n' && at + 2 < n; detail++)
		ret[at++] = *detail < ' ' || *detail > '~' ? '?' : *detail;
	if (at + 1 < n)
		ret[at++] = ')';
	ret[at] = '\0';
}

void explain_failure(const char *host, int code, long verify, const char *detail, char *ret,
		     size_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
		if (failures[i].code != code ||
		    (failures[i].verify != ANY && failures[i].verify != verify))
			continue;
		(void)snprintf(ret, n, "%s: %s", host, failures[i].text);
		explain_append_detail(detail, ret, n);
		return;
	}
	(void)snprintf(ret, n, "%s: the attempt failed with libcurl's code %d", host, code);
	explain_append_detail(detail, ret, n);
}

/* RFC 9110 §15, RFC 6585; @last: rows are ranges */
static const struct {
	int first;
	int last;
	const char *text;
} statuses[] = {
	{300, 399,
	 "it redirects to another address, which is not followed; set the destination's "
	 "URL to the new address"},
	{400, 400, "it does not understand the report; compare the versions of both sides"},
	{401, 401,
	 "it refuses the signature or the time stamp; check the key it knows and both "
	 "clocks"},
	{403, 403, "it refuses us; check the key, and the client certificate if it wants one"},
	{404, 405, "there is no receiver at this address; check the URL"},
	{409, 409,
	 "it holds something else than our record says; this must be looked into by both "
	 "sides"},
	{410, 410, "the receiver is gone; ask for its new address"},
	{413, 413, "the report is too big for it"},
	{429, 429, "it wants fewer reports for now"},
	{400, 499, "it refuses the report; ask what it wants"},
	{500, 599, "it has a fault of its own"},
};

void explain_status(const char *host, int status, char *ret, size_t n)
{
	ret[0] = '\0';
	if (status >= 200 && status <= 299)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		if (status < statuses[i].first || status > statuses[i].last)
			continue;
		(void)snprintf(ret, n, "%s answered %d: %s", host, status, statuses[i].text);
		return;
	}
	(void)snprintf(ret, n, "%s answered %d, which means nothing here", host, status);
}
