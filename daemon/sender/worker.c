/* SPDX-License-Identifier: Apache-2.0 */
#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "sender/attempt_upload.h"
#include "sender/worker.h"

static void refuse(struct attempt *attempt, const char *why)
{
	char text[WIRE_ERROR_MAX];

	(void)snprintf(text, sizeof(text), "%s%s%s", attempt->host, attempt->host[0] ? ": " : "",
		       why);
	attempt->result.wire.curl_code = CURLE_BAD_FUNCTION_ARGUMENT;
	result_set_error(&attempt->result, text);
}

static int run(const struct wire_job *job, const char *credentials, int fd)
{
	CLEANUP(attempt_free) struct attempt *attempt = NULL;
	uint8_t packet[RESULT_PACKET_MAX] __attribute__((aligned(8)));
	const char *why;
	int r = attempt_new(&attempt, credentials, job);

	if (r < 0)
		return r;
	why = attempt_upload_check(attempt);
	if (why)
		refuse(attempt, why);
	else
		r = attempt_upload_run(attempt);
	if (r < 0)
		return r;
	return wire_send(fd, packet, result_pack(&attempt->result, packet));
}

int worker_run(int fd, const char *credentials)
{
	static uint8_t packet[WIRE_PACKET_MAX] __attribute__((aligned(8)));
	const struct wire_job *job = (const struct wire_job *)(const void *)packet;
	int r;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody would take the result */
	r = wire_receive(fd, packet);
	if (r < 0)
		return r;
	if (r == 0 || job->header.type != WIRE_JOB || job->kind != WIRE_JOB_UPLOAD)
		return -EBADMSG;
	(void)unsetenv("SSLKEYLOGFILE"); /* libcurl would write the session keys there */
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -EIO;
	r = run(job, credentials, fd);
	curl_global_cleanup();
	return r;
}
