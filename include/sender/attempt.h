/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attempt.h - one HTTP request that is allowed, bounded and takes nothing from outside
 *
 * From a job to a libcurl handle, and the callbacks that take the answer in. Part of the
 * transfer module, the only one that knows libcurl: nobody else includes this. Starts
 * nothing itself.
 */
#pragma once

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/macro.h"
#include "common/wire.h"
#include "sender/transfer.h"

#define ATTEMPT_FIELD_MAX 64 /* bytes of a Date or Retry-After header that are looked at */

/**
 * struct attempt - one job
 * @owner, @next, @link: the list that it is in, kept by transfer.c
 * @texts: the job's texts, pointers into @job
 * @host: "host:port" for people, "" until the URL was understood
 * @message: libcurl's own words about a failure
 * @plain: http without TLS
 * @refused: why a resolved address was not asked, NULL none
 * @head_lines, @head_bytes: of the answer, bounded
 * @head_done: the final status line and its head are complete
 */
struct attempt {
	struct transfers *owner;
	struct attempt *next, **link;
	const char *credentials;
	struct wire_job *job;
	const char *texts[6];
	CURL *easy;
	CURLU *url;
	struct curl_slist *headers;
	char host[300];
	char message[CURL_ERROR_SIZE];
	bool plain;
	const char *refused;
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

/** attempt_check() - NULL: the job is allowed; else why not, without a full stop */
const char *attempt_check(struct attempt *attempt);

/** attempt_prepare() - set all options; after attempt_check(). Return: 0; -ENOMEM. */
int attempt_prepare(struct attempt *attempt);
