/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cap.h"
#include "core/delivery_job.h"
#include "core/files.h"
#include "core/outbox.h"

/*
 * By the body itself, which went into the record in the form that the destination had then: JSON
 * begins with "{", XML with "<". A change of "format" since must not mislabel what waits.
 */
static const char *content_type(const char *body)
{
	return *body == '<' ? CAP_CONTENT_TYPE : "application/json";
}

static int make_headers(const struct delivery_attempt *attempt, char **ret)
{
	struct sign_key *const *secrets = attempt->keys->destinations[attempt->destination];
	struct sign_key *const candidates[] = {secrets[0], secrets[1], attempt->keys->own[0],
					       attempt->keys->own[1]};
	const struct sign_key *keys[ARRAY_SIZE(candidates)];
	const struct record_job *job = attempt->job;
	char *signature = NULL;
	size_t n = 0;
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(candidates); i++)
		if (candidates[i])
			keys[n++] = candidates[i];
	r = sign_webhook(keys, n, job->webhook_id, attempt->now_s, job->body, strlen(job->body),
			 &signature);
	if (r < 0)
		return r;
	r = asprintf(ret,
		     "Content-Type: %s\nUser-Agent: wastewatch/%s\n"
		     "webhook-id: %s\nwebhook-timestamp: %lld\nwebhook-signature: %s\n",
		     content_type(job->body), WASTEWATCH_VERSION, job->webhook_id,
		     (long long)attempt->now_s, signature);
	free(signature);
	return r < 0 ? -ENOMEM : 0;
}

/* RFC 3986 §2.3, and the "/" between its parts */
static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("-._~/", c));
}

char *delivery_job_url(const char *url, const char *path)
{
	size_t n = strlen(url), i = n;
	char *text = malloc(n + 1 + 3 * strlen(path) + 1);

	if (!text)
		return NULL;
	memcpy(text, url, n);
	if (n > 0 && url[n - 1] != '/')
		text[i++] = '/';
	for (const char *p = path; *p; p++) {
		if (is_plain(*p))
			text[i++] = *p;
		else
			i += (size_t)sprintf(text + i, "%%%02X", (unsigned char)*p);
	}
	text[i] = '\0';
	return text;
}

/* the texts behind struct wire_job, in its order */
enum text { URL, HEADERS, BODY, CA, CERT, KEY, USER, PASSWORD, HOST_KEY, N_TEXTS };

static int pack(struct wire_job *job, const char *const texts[N_TEXTS], uint8_t *packet,
		size_t *ret_n)
{
	uint32_t *const lengths[N_TEXTS] = {
		&job->n_url, &job->n_headers, &job->n_body,	&job->n_ca,	  &job->n_cert,
		&job->n_key, &job->n_user,    &job->n_password, &job->n_host_key,
	};
	size_t n = sizeof(*job);

	for (int i = 0; i < N_TEXTS; i++) {
		size_t length = texts[i] ? strlen(texts[i]) : 0;

		if (length > WIRE_PACKET_MAX - n)
			return -EMSGSIZE;
		if (length > 0)
			memcpy(packet + n, texts[i], length);
		*lengths[i] = (uint32_t)length;
		n += length;
	}
	memcpy(packet, job, sizeof(*job));
	*ret_n = n;
	return 0;
}

int delivery_job_make(const struct delivery_attempt *attempt, uint8_t *packet, size_t *ret_n)
{
	const struct config_destination
		*destination = &attempt->config->destinations[attempt->destination];
	bool is_file = destination->kind == DESTINATION_FILES;
	const char *path = is_file ? files_path(attempt->job->webhook_id) : NULL;
	char *url = NULL, *headers = NULL;
	struct wire_job job = {
		.header = {.type = WIRE_JOB},
		.id = attempt->id,
		.kind = is_file ? WIRE_JOB_UPLOAD : WIRE_JOB_POST,
		.connect_timeout_ms = OUTBOX_CONNECT_MS,
		.total_timeout_ms = OUTBOX_TOTAL_MS,
	};
	int r = 0;

	if (is_file && !path)
		return -EINVAL;
	if (is_file)
		url = delivery_job_url(destination->url, path);
	else
		r = make_headers(attempt, &headers);
	if (is_file && !url)
		return -ENOMEM;
	if (r == 0)
		r = pack(&job,
			 (const char *const[N_TEXTS]){
				 [URL] = is_file ? url : destination->url,
				 [HEADERS] = headers,
				 [BODY] = attempt->job->body,
				 [CA] = destination->ca,
				 [CERT] = destination->certificate,
				 [KEY] = destination->key,
				 [USER] = is_file ? destination->user : NULL,
				 [PASSWORD] = is_file ? destination->password : NULL,
				 [HOST_KEY] = is_file ? destination->host_key : NULL,
			 },
			 packet, ret_n);
	free(url);
	free(headers);
	return r;
}
