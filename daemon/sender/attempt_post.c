/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "sender/attempt_post.h"
#include "sender/policy.h"
#include "sender/transfer.h"

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

static int build_headers(struct attempt *attempt)
{
	static const char *const ours[] = {"Expect:", "Accept: application/json"};
	const char *line = attempt->texts[ATTEMPT_HEADERS], *end = line + attempt->job->n_headers;
	char text[POLICY_HEADER_MAX + 1];
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(ours) && r == 0; i++)
		r = attempt_add_line(attempt, ours[i]);
	while (line < end && r == 0) { /* every line ends, and is short enough: checked */
		size_t n = (size_t)((const char *)memchr(line, '\n', (size_t)(end - line)) - line);

		memcpy(text, line, n);
		text[n] = '\0';
		r = attempt_add_line(attempt, text);
		line += n + 1;
	}
	return r;
}

static CURLcode set_request(struct attempt *attempt)
{
	CURL *easy = attempt->easy;
	CURLcode code = CURLE_OK;

	code |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	code |= curl_easy_setopt(easy, CURLOPT_POST, 1L);
	code |= curl_easy_setopt(easy, CURLOPT_POSTFIELDS, attempt->texts[ATTEMPT_BODY]);
	code |= curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
				 (curl_off_t)attempt->job->n_body);
	code |= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, attempt->headers);
	code |= curl_easy_setopt(easy, CURLOPT_USERAGENT, "wastewatch/" WASTEWATCH_VERSION);
	code |= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
	code |= curl_easy_setopt(easy, CURLOPT_HEADERDATA, attempt);
	code |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	code |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, attempt);
	/* a TLS session of before would go on without another look at either certificate; an upload
	 * is a process of its own, and FTP servers want the session on their data connection */
	code |= curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
	return code;
}

const char *attempt_post_check(struct attempt *attempt)
{
	const struct wire_job *job = attempt->job;
	const char *why = NULL;

	if ((job->n_cert == 0) != (job->n_key == 0))
		why = "client certificate and key come in pairs, and one is missing";
	if (!why)
		why = attempt_check_common(attempt);
	if (!why)
		why = policy_check_headers(attempt->texts[ATTEMPT_HEADERS], job->n_headers);
	if (!why)
		why = attempt_parse_url(attempt, policy_check_target);
	attempt->plain = strcmp(attempt->scheme, "https") != 0;
	return why;
}

int attempt_post_prepare(struct attempt *attempt)
{
	const char *protocol = attempt->plain ? "http" : "https";

	if (build_headers(attempt) < 0)
		return -ENOMEM;
	/* every option exists in every libcurl that we build with: only memory can be missing */
	return (set_request(attempt) | attempt_set_bounds(attempt, protocol) |
		attempt_set_tls(attempt)) == CURLE_OK
		       ? 0
		       : -ENOMEM;
}
