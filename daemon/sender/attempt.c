/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "sender/attempt.h"
#include "sender/policy.h"

#define LOW_SPEED_BYTES_S 10L /* slower than this … */
#define LOW_SPEED_TIME_S  15L /* … for so long is given up */

static curl_socket_t open_socket(void *userdata, curlsocktype purpose,
				 struct curl_sockaddr *address)
{
	struct attempt *attempt = userdata;
	int fd;

	(void)purpose;
	attempt->refused = policy_check_address(&address->addr, address->addrlen, attempt->plain);
	if (attempt->refused)
		return CURL_SOCKET_BAD;
	fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	return fd < 0 ? CURL_SOCKET_BAD : fd;
}

static uint32_t text_length(const struct wire_job *job, enum attempt_text which)
{
	const uint32_t lengths[ATTEMPT_N_TEXTS] = {
		job->n_url, job->n_headers, job->n_body,     job->n_ca,	      job->n_cert,
		job->n_key, job->n_user,    job->n_password, job->n_host_key,
	};

	return lengths[which];
}

const char *attempt_check_common(const struct attempt *attempt)
{
	static const enum attempt_text files[] = {ATTEMPT_CA, ATTEMPT_CERTIFICATE, ATTEMPT_KEY,
						  ATTEMPT_PASSWORD, ATTEMPT_HOST_KEY};
	const struct wire_job *job = attempt->job;
	const char *why = policy_check_text(attempt->texts[ATTEMPT_URL], job->n_url);
	uint32_t n_files = 0;

	for (size_t i = 0; i < ARRAY_SIZE(files) && !why; i++) {
		uint32_t n = text_length(job, files[i]);

		why = policy_check_file(attempt->texts[files[i]], n);
		n_files += n;
	}
	if (!why && (job->connect_timeout_ms == 0 || job->total_timeout_ms == 0))
		why = "the job has no time limit";
	if (!why && attempt->credentials[0] == '\0' && n_files > 0)
		why = "the job names a credential, and the sender was given no directory of them "
		      "(--credentials, $CREDENTIALS_DIRECTORY)";
	return why;
}

/* "ftpes" is our name; libcurl knows ftp and what it shall ask for */
static void keep_scheme(struct attempt *attempt, const char *scheme)
{
	(void)snprintf(attempt->scheme, sizeof(attempt->scheme), "%s", scheme);
	if (strcmp(scheme, "ftpes") == 0)
		(void)curl_url_set(attempt->url, CURLUPART_SCHEME, "ftp", 0);
}

const char *attempt_parse_url(struct attempt *attempt, policy_target_check *check)
{
	char text[POLICY_URL_MAX + 1], *scheme = NULL, *host = NULL, *port = NULL, *user = NULL;
	const char *why = "the URL cannot be understood; check its spelling";

	memcpy(text, attempt->texts[ATTEMPT_URL], attempt->job->n_url);
	text[attempt->job->n_url] = '\0';
	if (curl_url_set(attempt->url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
		return why;
	(void)curl_url_get(attempt->url, CURLUPART_SCHEME, &scheme, 0);
	if (scheme)
		keep_scheme(attempt, scheme);
	(void)curl_url_get(attempt->url, CURLUPART_HOST, &host, 0); /* file: has none */
	(void)curl_url_get(attempt->url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
	if (curl_url_get(attempt->url, CURLUPART_USER, &user, 0) != CURLUE_OK)
		(void)curl_url_get(attempt->url, CURLUPART_PASSWORD, &user, 0);
	if (scheme) {
		if (host)
			(void)snprintf(attempt->host, sizeof(attempt->host), "%s:%s", host,
				       port ? port : "?");
		why = check(scheme, host ? host : "", user);
	}
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_free(user);
	return why;
}

int attempt_add_line(struct attempt *attempt, const char *line)
{
	struct curl_slist *list = curl_slist_append(attempt->headers, line);

	if (!list)
		return -ENOMEM;
	attempt->headers = list;
	return 0;
}

bool attempt_file(const struct attempt *attempt, enum attempt_text which, size_t n,
		  char ret[static ATTEMPT_PATH_MAX])
{
	return (size_t)snprintf(ret, ATTEMPT_PATH_MAX, "%s/%.*s", attempt->credentials, (int)n,
				attempt->texts[which]) < ATTEMPT_PATH_MAX;
}

CURLcode attempt_set_file(struct attempt *attempt, CURLoption option, enum attempt_text which,
			  uint32_t n)
{
	char path[ATTEMPT_PATH_MAX];

	if (n == 0)
		return CURLE_OK;
	if (!attempt_file(attempt, which, n, path))
		return CURLE_SSL_CERTPROBLEM;
	return curl_easy_setopt(attempt->easy, option, path);
}

CURLcode attempt_set_tls(struct attempt *attempt)
{
	const struct wire_job *job = attempt->job;
	CURL *easy = attempt->easy;
	CURLcode code = CURLE_OK;

	code |= curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	code |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	code |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	code |= curl_easy_setopt(easy, CURLOPT_SSL_ENABLE_ALPN, 0L);
	/* the file is that of this attempt: since 7.87 libcurl keeps what it read for a day */
	code |= curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 0L);
	if (job->n_ca > 0) /* the named CA alone, not the system's besides */
		code |= curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	code |= attempt_set_file(attempt, CURLOPT_CAINFO, ATTEMPT_CA, job->n_ca);
	code |= attempt_set_file(attempt, CURLOPT_SSLCERT, ATTEMPT_CERTIFICATE, job->n_cert);
	code |= attempt_set_file(attempt, CURLOPT_SSLKEY, ATTEMPT_KEY, job->n_key);
	return code;
}

CURLcode attempt_set_bounds(struct attempt *attempt, const char *protocol)
{
	const struct wire_job *job = attempt->job;
	CURL *easy = attempt->easy;
	CURLcode code = CURLE_OK;

	code |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, protocol);
	code |= curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, protocol);
	code |= curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	code |= curl_easy_setopt(easy, CURLOPT_MAXREDIRS, 0L);
	code |= curl_easy_setopt(easy, CURLOPT_PROXY, "");
	code |= curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
	code |= curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	code |= curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	code |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	/* a name server that is silent must not hold up the loop when the attempt is given up */
	code |= curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	code |= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)job->connect_timeout_ms);
	code |= curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)job->total_timeout_ms);
	code |= curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, LOW_SPEED_BYTES_S);
	code |= curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, LOW_SPEED_TIME_S);
	/*
	 * On a connection that is used again libcurl repeats a request by itself when the
	 * connection turns out to be dead; an attempt is one request, so each has its own. It
	 * also sees a renewed certificate or address at once.
	 */
	code |= curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	code |= curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	code |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	code |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, attempt);
	code |= curl_easy_setopt(easy, CURLOPT_CURLU, attempt->url);
	code |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, attempt->message);
	code |= curl_easy_setopt(easy, CURLOPT_PRIVATE, attempt);
	return code;
}

int attempt_new(struct attempt **ret, const char *credentials, const struct wire_job *job)
{
	CLEANUP(attempt_free) struct attempt *attempt = calloc(1, sizeof(*attempt));
	const char *at;

	if (!attempt)
		return -ENOMEM;
	attempt->credentials = credentials;
	attempt->job = malloc(job->header.length);
	attempt->easy = curl_easy_init();
	attempt->url = curl_url();
	if (!attempt->job || !attempt->easy || !attempt->url)
		return -ENOMEM;
	memcpy(attempt->job, job, job->header.length);
	at = (const char *)(attempt->job + 1);
	for (enum attempt_text i = 0; i < ATTEMPT_N_TEXTS; i++) {
		attempt->texts[i] = at;
		at += text_length(attempt->job, i);
	}
	attempt->result.wire.id = job->id;
	attempt->result.wire.date_s = attempt->result.wire.retry_after_s = -1;
	*ret = steal(&attempt);
	return 0;
}

struct attempt *attempt_free(struct attempt *attempt)
{
	if (!attempt)
		return NULL;
	curl_easy_cleanup(attempt->easy);
	curl_url_cleanup(attempt->url);
	curl_slist_free_all(attempt->headers);
	free(attempt->job);
	free(attempt);
	return NULL;
}
