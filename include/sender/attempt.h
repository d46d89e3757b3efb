/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attempt.h - what every attempt has in common: allowed, bounded, nothing taken from outside
 *
 * From a job to a libcurl handle; attempt_post.h and attempt_upload.h set what their kind of
 * job needs besides. With transfer they are all that knows libcurl. Starts nothing itself.
 */
#pragma once

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/macro.h"
#include "common/wire.h"
#include "sender/policy.h"
#include "sender/result.h"

#define ATTEMPT_FIELD_MAX 64   /* bytes of a Date or Retry-After header that are looked at */
#define ATTEMPT_PATH_MAX  4096 /* bytes of a credential's path with its NUL */

struct transfers;

/** enum attempt_text - the job's texts, in their order on the wire */
enum attempt_text {
	ATTEMPT_URL,
	ATTEMPT_HEADERS,
	ATTEMPT_BODY,
	ATTEMPT_CA,
	ATTEMPT_CERTIFICATE,
	ATTEMPT_KEY,
	ATTEMPT_USER,
	ATTEMPT_PASSWORD,
	ATTEMPT_HOST_KEY,
	ATTEMPT_N_TEXTS,
};

/**
 * struct attempt - one job
 * @owner, @next, @link: the list that it is in, kept by transfer.c
 * @texts: the job's texts, pointers into @job
 * @headers: lines of a request, or commands after an upload
 * @scheme: of the URL as the job has it
 * @host: "host:port" for people, "" until the URL was understood
 * @message: libcurl's own words about a failure
 * @plain: http without TLS
 * @refused: why a resolved address or a host key was not taken, NULL none
 * @sentence: room for what a check or @refused says, where it is not a constant
 * @head_lines, @head_bytes: of the answer, bounded; of an upload the server's replies
 * @head_done: POST: the final status line and its head are complete
 * @n_body: POST: bytes of the answer; upload: bytes handed to libcurl
 */
struct attempt {
	struct transfers *owner;
	struct attempt *next, **link;
	const char *credentials;
	struct wire_job *job;
	const char *texts[ATTEMPT_N_TEXTS];
	CURL *easy;
	CURLU *url;
	struct curl_slist *headers;
	char scheme[8];
	char host[300];
	char message[CURL_ERROR_SIZE];
	bool plain;
	const char *refused;
	char sentence[WIRE_ERROR_MAX];
	size_t head_lines, head_bytes, n_body;
	bool head_done;
	char date[ATTEMPT_FIELD_MAX], retry_after[ATTEMPT_FIELD_MAX];
	struct transfer_result result;
};

/**
 * attempt_new() - from a packet that wire_check() has passed; copied
 * @credentials: see transfers_new()
 * Return: 0; -ENOMEM.
 */
int attempt_new(struct attempt **ret, const char *credentials, const struct wire_job *job);

/** attempt_free() - not while a multi handle has it. Takes NULL. Return: NULL. */
struct attempt *attempt_free(struct attempt *attempt);
DEFINE_CLEANUP(struct attempt *, attempt_free)

/** attempt_check_common() - NULL, or why what all jobs have is not allowed, without a full stop */
const char *attempt_check_common(const struct attempt *attempt);

/**
 * attempt_parse_url() - understand the URL, once: libcurl gets the parsed one
 *
 * ftpes is turned to what libcurl calls it, ftp; @attempt->scheme keeps the job's word.
 * Return: NULL, or why it is not allowed.
 */
const char *attempt_parse_url(struct attempt *attempt, policy_target_check *check);

/** attempt_add_line() - to @attempt->headers. Return: 0; -ENOMEM. */
int attempt_add_line(struct attempt *attempt, const char *line);

/** attempt_file() - path of the credential that text @which names. Return: false: too long. */
bool attempt_file(const struct attempt *attempt, enum attempt_text which, size_t n,
		  char ret[static ATTEMPT_PATH_MAX]);

/** attempt_set_file() - the same path for an option of libcurl, which copies it; none if @n is 0 */
CURLcode attempt_set_file(struct attempt *attempt, CURLoption option, enum attempt_text which,
			  uint32_t n);

/** attempt_set_tls() - TLS 1.2 or newer, certificates verified, client certificate if there is one
 */
CURLcode attempt_set_tls(struct attempt *attempt);

/**
 * attempt_set_bounds() - nothing from the environment, nowhere else than asked, not for ever
 * @protocol: the only one that libcurl may speak
 */
CURLcode attempt_set_bounds(struct attempt *attempt, const char *protocol);
