/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sender/attempt_upload.h"
#include "sender/policy.h"

/* what the credentials must be; the first reason that applies */
static const char *check_credentials(const struct attempt *attempt)
{
	const struct wire_job *job = attempt->job;
	const char *scheme = attempt->scheme;
	const bool sftp = strcmp(scheme, "sftp") == 0, plain = strcmp(scheme, "ftp") == 0;

	if (sftp && job->n_host_key == 0)
		return "the job names no \"host-key\", without which nobody knows who answers";
	if (!sftp && job->n_host_key > 0)
		return "a host key belongs to sftp";
	if (sftp && job->n_ca + job->n_cert > 0)
		return "sftp has no certificates; it wants \"host-key\"";
	if (plain && job->n_ca + job->n_cert + job->n_key > 0)
		return "ftp has no certificates; use ftpes";
	if (!sftp && (job->n_cert == 0) != (job->n_key == 0))
		return "client certificate and key come in pairs, and one is missing";
	if (job->n_password == 0 && (!sftp || job->n_key == 0))
		return "the job names nothing to log in with";
	return NULL;
}

static const char *check_user(struct attempt *attempt)
{
	const char *why = policy_check_login(attempt->texts[ATTEMPT_USER], attempt->job->n_user);

	if (!why)
		return NULL;
	(void)snprintf(attempt->sentence, sizeof(attempt->sentence), "\"user\": %s", why);
	return attempt->sentence;
}

/* libcurl would only say later that it found no key in a file that it could not read */
static const char *check_readable(struct attempt *attempt, enum attempt_text which, uint32_t n)
{
	char path[ATTEMPT_PATH_MAX];

	if (n == 0 || (attempt_file(attempt, which, n, path) && access(path, R_OK) == 0))
		return NULL;
	(void)snprintf(attempt->sentence, sizeof(attempt->sentence),
		       "the credential %.*s cannot be read (%s); see LoadCredential= of "
		       "wastewatch-sender.service",
		       (int)n, attempt->texts[which], strerror(errno));
	return attempt->sentence;
}

static bool has_part(const struct attempt *attempt, CURLUPart part)
{
	char *text = NULL;
	const bool has = curl_url_get(attempt->url, part, &text, 0) == CURLUE_OK;

	curl_free(text);
	return has;
}

static const char *check_path(const struct attempt *attempt)
{
	char *path = NULL;
	const char *why = "the file's path cannot be decoded";

	if (has_part(attempt, CURLUPART_QUERY) || has_part(attempt, CURLUPART_FRAGMENT))
		return "the URL has a \"?\" or \"#\"; in a file's name write it percent-encoded";
	if (curl_url_get(attempt->url, CURLUPART_PATH, &path, CURLU_URLDECODE) == CURLUE_OK)
		why = policy_check_path(path);
	curl_free(path);
	return why;
}

const char *attempt_upload_check(struct attempt *attempt)
{
	const struct wire_job *job = attempt->job;
	const char *why = attempt_check_common(attempt);

	if (!why)
		why = attempt_parse_url(attempt, policy_check_upload_target);
	if (!why)
		why = check_path(attempt);
	if (!why)
		why = check_user(attempt);
	if (!why)
		why = check_credentials(attempt);
	if (!why)
		why = check_readable(attempt, ATTEMPT_HOST_KEY, job->n_host_key);
	if (!why)
		why = check_readable(attempt, ATTEMPT_KEY, job->n_key);
	if (!why)
		why = check_readable(attempt, ATTEMPT_PASSWORD, job->n_password);
	return why;
}
