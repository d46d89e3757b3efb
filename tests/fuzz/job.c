/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A delivery job as a core that has gone mad might hand it to the sender: it is refused with a
 * sentence, or it goes where the policy lets it and nowhere else. Nothing is connected.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire.h"
#include "sender/attempt_post.h"
#include "sender/attempt_upload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(const struct wire_job *job)
{
	CLEANUP(attempt_free) struct attempt *attempt = NULL;
	const char *why;

	if (attempt_new(&attempt, "/nonexistent", job) < 0)
		return;
	why = job->kind == WIRE_JOB_POST ? attempt_post_check(attempt)
					 : attempt_upload_check(attempt);
	if (why) {
		assert(*why);
		return;
	}
	if (job->kind == WIRE_JOB_POST) {
		assert(strcmp(attempt->scheme, "https") == 0 || attempt->plain);
		(void)attempt_post_prepare(attempt);
	} else {
		assert(strcmp(attempt->scheme, "ftp") == 0 ||
		       strcmp(attempt->scheme, "ftpes") == 0 ||
		       strcmp(attempt->scheme, "sftp") == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct wire_job *job;

	if (n < sizeof(*job) || n > WIRE_PACKET_MAX)
		return 0;
	job = malloc(n); /* exactly so long: the sanitizer sees an overrun */
	if (!job)
		return 0;
	memcpy(job, data, n);
	job->header.type = WIRE_JOB;
	job->header.length = (uint32_t)n;
	job->header.count = 0;
	/* the last text gets what is left, or hardly any input would pass the lengths */
	if (job->n_url < n && sizeof(*job) + job->n_url <= n && job->n_headers == 0)
		job->n_body = (uint32_t)(n - sizeof(*job) - job->n_url) - job->n_ca - job->n_cert -
			      job->n_key - job->n_user - job->n_password - job->n_host_key;
	if (wire_check(job, n) == 0)
		check(job);
	free(job);
	return 0;
}
