/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "sender/attempt.h"
#include "sender/policy.h"

#define LOW_SPEED_BYTES_S 10L /* slower than this … */
#define LOW_SPEED_TIME_S  15L /* … for so long is given up */
#define PATH_BYTES	  4096

enum { URL, HEADERS, BODY, CA, CERTIFICATE, KEY };

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

/* the value of header @name, without blanks around it, where the line has that name */
static void keep_field(const char *line, size_t n, const char *name,
		       char ret[static ATTEMPT_FIELD_MAX])
{
	size_t n_name = strlen(name);

	if (n <= n_name || strncasecmp(line, name, n_name) != 0 || line[n_name] != ':')
		return;
	line += n_name + 1;
	n -= n_name + 1;
	for (; n > 0 && (*line == ' ' || *line == '\t'); n--)
		line++;
	while (n > 0 && strchr(" \t\r\n", line[n - 1]))
		n--;
	ret[0] = '\0';
	if (n >= ATTEMPT_FIELD_MAX || memchr(line, '\0', n))
		return;
	memcpy(ret, line, n);
	ret[n] = '\0';
}

static void finish_head(struct attempt *attempt)
{
	long status = 0;

	(void)curl_easy_getinfo(attempt->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status < 200) /* 100 Continue and the like: the answer is still to come */
		return;
	attempt->head_done = true;
	attempt->result.wire.http_status = (int32_t)status;
}

/* called once per line of every head of an answer; less than @n taken ends the attempt */
static size_t take_header(char *line, size_t size, size_t n, void *userdata)
{
	struct attempt *attempt = userdata;

	n *= size;
	if (attempt->head_done) /* trailers say nothing that we ask for */
		return n;
	attempt->head_bytes += n;
	if (++attempt->head_lines > TRANSFER_HEADERS_MAX || attempt->head_bytes > TRANSFER_HEAD_MAX)
		return 0;
	if (n > 5 && memcmp(line, "HTTP/", 5) == 0)
		attempt->date[0] = attempt->retry_after[0] = '\0';
	keep_field(line, n, "Date", attempt->date);
	keep_field(line, n, "Retry-After", attempt->retry_after);
	if (n <= 2 && (line[0] == '\r' || line[0] == '\n'))
		finish_head(attempt);
	return n;
}

static size_t take_body(char *data, size_t size, size_t n, void *userdata)
{
	struct attempt *attempt = userdata;
	struct wire_result *wire = &attempt->result.wire;
	size_t kept;

	n *= size;
	kept = MIN(n, WIRE_ANSWER_MAX - wire->n_answer);
	memcpy(attempt->result.answer + wire->n_answer, data, kept);
	wire->n_answer += (uint32_t)kept;
	attempt->n_body += n;
	return attempt->n_body > TRANSFER_BODY_MAX ? 0 : n;
}

/* the first reason why @job is not allowed by its bytes, NULL none */
static const char *check_job(const struct attempt *attempt)
{
	const struct wire_job *job = attempt->job;
	const char *why = policy_check_text(attempt->texts[URL], job->n_url);

	if (!why)
		why = policy_check_headers(attempt->texts[HEADERS], job->n_headers);
	if (!why)
		why = policy_check_file(attempt->texts[CA], job->n_ca);
	if (!why)
		why = policy_check_file(attempt->texts[CERTIFICATE], job->n_cert);
	if (!why)
		why = policy_check_file(attempt->texts[KEY], job->n_key);
	if (!why && (job->n_cert == 0) != (job->n_key == 0))
		why = "client certificate and key come in pairs, and one is missing";
	if (!why && (job->connect_timeout_ms == 0 || job->total_timeout_ms == 0))
		why = "the job has no time limit";
	if (!why && attempt->credentials[0] == '\0' && job->n_ca + job->n_cert > 0)
		why = "the job names a credential, and the sender was given no directory of them "
		      "(--credentials, $CREDENTIALS_DIRECTORY)";
	return why;
}

/* parse the URL once; libcurl gets the parsed one, so that both understand the same */
static const char *parse_url(struct attempt *attempt)
{
	char text[POLICY_URL_MAX + 1], *scheme = NULL, *host = NULL, *port = NULL, *user = NULL;
	const char *why = "the URL cannot be understood; check its spelling";

	memcpy(text, attempt->texts[URL], attempt->job->n_url);
	text[attempt->job->n_url] = '\0';
	if (curl_url_set(attempt->url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
		return why;
	(void)curl_url_get(attempt->url, CURLUPART_SCHEME, &scheme, 0);
	(void)curl_url_get(attempt->url, CURLUPART_HOST, &host, 0); /* file: has none */
	(void)curl_url_get(attempt->url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
	if (curl_url_get(attempt->url, CURLUPART_USER, &user, 0) != CURLUE_OK)
		(void)curl_url_get(attempt->url, CURLUPART_PASSWORD, &user, 0);
	if (scheme) {
		if (host)
			(void)snprintf(attempt->host, sizeof(attempt->host), "%s:%s", host,
				       port ? port : "?");
		attempt->plain = strcmp(scheme, "https") != 0;
		why = policy_check_target(scheme, host ? host : "", user);
	}
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_free(user);
	return why;
}

static int build_headers(struct attempt *attempt)
{
	static const char *const ours[] = {"Expect:", "Accept: application/json"};
	const char *line = attempt->texts[HEADERS], *end = line + attempt->job->n_headers;
	char text[POLICY_HEADER_MAX + 1];
	struct curl_slist *list;

	for (size_t i = 0; i < ARRAY_SIZE(ours); i++) {
		list = curl_slist_append(attempt->headers, ours[i]);
		if (!list)
			return -ENOMEM;
		attempt->headers = list;
	}
	while (line < end) { /* every line ends, and is short enough: check_job() */
		size_t n = (size_t)((const char *)memchr(line, '\n', (size_t)(end - line)) - line);

		memcpy(text, line, n);
		text[n] = '\0';
		list = curl_slist_append(attempt->headers, text);
		if (!list)
			return -ENOMEM;
		attempt->headers = list;
		line += n + 1;
	}
	return 0;
}

/* name @which of the credentials as a path for @option; libcurl copies it */
static CURLcode set_file(struct attempt *attempt, CURLoption option, int which, uint32_t n)
{
	char path[PATH_BYTES];

	if (n == 0)
		return CURLE_OK;
	if ((size_t)snprintf(path, sizeof(path), "%s/%.*s", attempt->credentials, (int)n,
			     attempt->texts[which]) >= sizeof(path))
		return CURLE_SSL_CERTPROBLEM;
	return curl_easy_setopt(attempt->easy, option, path);
}

static CURLcode set_tls(struct attempt *attempt)
{
	const struct wire_job *job = attempt->job;
	CURL *easy = attempt->easy;
	CURLcode code = CURLE_OK;

	code |= curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	code |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	code |= curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	code |= curl_easy_setopt(easy, CURLOPT_SSL_ENABLE_ALPN, 0L);
	if (job->n_ca > 0) /* the named CA alone, not the system's besides */
		code |= curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	code |= set_file(attempt, CURLOPT_CAINFO, CA, job->n_ca);
	code |= set_file(attempt, CURLOPT_SSLCERT, CERTIFICATE, job->n_cert);
	code |= set_file(attempt, CURLOPT_SSLKEY, KEY, job->n_key);
	return code;
}

/* nothing from the environment, nowhere else than asked, and not for ever */
static CURLcode set_bounds(struct attempt *attempt)
{
	const struct wire_job *job = attempt->job;
	const char *scheme = attempt->plain ? "http" : "https";
	CURL *easy = attempt->easy;
	CURLcode code = CURLE_OK;

	code |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, scheme);
	code |= curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, scheme);
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
	return code;
}

static CURLcode set_request(struct attempt *attempt)
{
	CURL *easy = attempt->easy;
	CURLcode code = CURLE_OK;

	code |= curl_easy_setopt(easy, CURLOPT_CURLU, attempt->url);
	code |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	code |= curl_easy_setopt(easy, CURLOPT_POST, 1L);
	code |= curl_easy_setopt(easy, CURLOPT_POSTFIELDS, attempt->texts[BODY]);
	code |= curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
				 (curl_off_t)attempt->job->n_body);
	code |= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, attempt->headers);
	code |= curl_easy_setopt(easy, CURLOPT_USERAGENT, "wastewatch/" WASTEWATCH_VERSION);
	code |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, attempt->message);
	code |= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
	code |= curl_easy_setopt(easy, CURLOPT_HEADERDATA, attempt);
	code |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	code |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, attempt);
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
	attempt->texts[URL] = at;
	attempt->texts[HEADERS] = at += job->n_url;
	attempt->texts[BODY] = at += job->n_headers;
	attempt->texts[CA] = at += job->n_body;
	attempt->texts[CERTIFICATE] = at += job->n_ca;
	attempt->texts[KEY] = at + job->n_cert;
	attempt->result.wire.id = job->id;
	attempt->result.wire.date_s = attempt->result.wire.retry_after_s = -1;
	*ret = steal(&attempt);
	return 0;
}

const char *attempt_check(struct attempt *attempt)
{
	const char *why = check_job(attempt);

	return why ? why : parse_url(attempt);
}

int attempt_prepare(struct attempt *attempt)
{
	if (build_headers(attempt) < 0)
		return -ENOMEM;
	/* every option exists in every libcurl that we build with: only memory can be missing */
	return (set_request(attempt) | set_bounds(attempt) | set_tls(attempt)) == CURLE_OK
		       ? 0
		       : -ENOMEM;
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
