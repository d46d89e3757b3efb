/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "common/clock.h"
#include "sender/attempt_post.h"
#include "sender/explain.h"
#include "sender/policy.h"
#include "sender/transfer.h"

struct transfers {
	sd_event *event;
	sd_event_source *timer;
	CURLM *multi;
	const char *credentials;
	transfer_done *done;
	void *userdata;
	struct attempt *first;
	size_t n;
};

/* out of the multi handle, out of the list, gone */
static void end(struct attempt *attempt)
{
	(void)curl_multi_remove_handle(attempt->owner->multi, attempt->easy);
	*attempt->link = attempt->next;
	if (attempt->next)
		attempt->next->link = attempt->link;
	attempt->owner->n--;
	(void)attempt_free(attempt);
}

static int begin(struct transfers *transfers, struct attempt *attempt)
{
	if (curl_multi_add_handle(transfers->multi, attempt->easy) != CURLM_OK)
		return -ENOMEM;
	attempt->next = transfers->first;
	if (attempt->next)
		attempt->next->link = &attempt->next;
	attempt->link = &transfers->first;
	transfers->first = attempt;
	transfers->n++;
	return 0;
}

/* ---- from attempt to result ---- */

static void fill_failure(struct attempt *attempt, CURLcode code)
{
	struct transfer_result *result = &attempt->result;
	long verify = 0;

	(void)curl_easy_getinfo(attempt->easy, CURLINFO_SSL_VERIFYRESULT, &verify);
	result->wire.curl_code = (int32_t)code;
	result->wire.http_status = 0;
	if (attempt->refused && code == CURLE_COULDNT_CONNECT)
		(void)snprintf(result->error, sizeof(result->error), "%s: %s", attempt->host,
			       attempt->refused);
	else if (code == CURLE_WRITE_ERROR)
		explain_failure(attempt->host, 100, 0, "", result->error, sizeof(result->error));
	else
		explain_failure(attempt->host, (int)code, verify, attempt->message, result->error,
				sizeof(result->error));
}

static void fill_answer(struct attempt *attempt)
{
	struct transfer_result *result = &attempt->result;
	int64_t boot_us, wall_us;

	clock_now(&boot_us, &wall_us);
	result->wire.date_s = policy_parse_date(attempt->date);
	result->wire.retry_after_s = policy_parse_retry_after(
		attempt->retry_after,
		result->wire.date_s >= 0 ? result->wire.date_s : wall_us / US_PER_S);
	explain_status(attempt->host, result->wire.http_status, result->error,
		       sizeof(result->error));
}

static void complete(struct attempt *attempt, CURLcode code)
{
	struct transfers *transfers = attempt->owner;
	struct transfer_result *result = &attempt->result;
	curl_off_t took_us = 0;

	(void)curl_easy_getinfo(attempt->easy, CURLINFO_TOTAL_TIME_T, &took_us);
	result->wire.took_ms = (uint32_t)(took_us / US_PER_MS);
	if (attempt->head_done)
		fill_answer(attempt);
	else
		fill_failure(attempt, code == CURLE_OK ? CURLE_GOT_NOTHING : code);
	result->wire.n_error = (uint32_t)strlen(result->error);
	transfers->done(transfers->userdata, result);
	end(attempt);
}

/* a job that is not allowed; nothing was sent anywhere */
static void refuse(struct attempt *attempt, const char *why)
{
	struct transfer_result *result = &attempt->result;

	result->wire.curl_code = CURLE_BAD_FUNCTION_ARGUMENT;
	(void)snprintf(result->error, sizeof(result->error), "%s%s%s", attempt->host,
		       attempt->host[0] ? ": " : "", why);
	result->wire.n_error = (uint32_t)strlen(result->error);
	attempt->owner->done(attempt->owner->userdata, result);
}

/* ---- the event loop's side ---- */

/* all that has come to its end; never called from inside a callback of libcurl */
static void drain(struct transfers *transfers)
{
	CURLMsg *message;
	int n_left;

	while ((message = curl_multi_info_read(transfers->multi, &n_left))) {
		CURLcode code = message->data.result; /* gone once the handle is removed */
		struct attempt *attempt = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&attempt);
		complete(attempt, code);
	}
}

static int on_socket(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct transfers *transfers = userdata;
	int what = 0, n_running;

	(void)source;
	if (revents & EPOLLIN)
		what |= CURL_CSELECT_IN;
	if (revents & EPOLLOUT)
		what |= CURL_CSELECT_OUT;
	if (revents & (EPOLLERR | EPOLLHUP))
		what |= CURL_CSELECT_ERR;
	(void)curl_multi_socket_action(transfers->multi, fd, what, &n_running);
	drain(transfers);
	return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct transfers *transfers = userdata;
	int n_running;

	(void)source;
	(void)usec;
	(void)curl_multi_socket_action(transfers->multi, CURL_SOCKET_TIMEOUT, 0, &n_running);
	drain(transfers);
	return 0;
}

/*
 * Returning -1 would abort every transfer, so a socket that cannot be watched is left to the
 * time limit of its own. A descriptor may be closed already when libcurl gives it up (#6237):
 * what epoll says then does not matter.
 */
static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *userdata, void *assigned)
{
	static const uint32_t events[] = {
		[CURL_POLL_NONE] = 0,
		[CURL_POLL_IN] = EPOLLIN,
		[CURL_POLL_OUT] = EPOLLOUT,
		[CURL_POLL_INOUT] = EPOLLIN | EPOLLOUT,
	};
	struct transfers *transfers = userdata;
	sd_event_source *source = assigned;

	(void)easy;
	if (what >= CURL_POLL_NONE && what <= CURL_POLL_INOUT && source &&
	    sd_event_source_set_io_events(source, events[what]) >= 0)
		return 0;
	(void)sd_event_source_disable_unref(source);
	source = NULL;
	if (what >= CURL_POLL_NONE && what <= CURL_POLL_INOUT)
		(void)sd_event_add_io(transfers->event, &source, fd, events[what], on_socket,
				      transfers);
	(void)curl_multi_assign(transfers->multi, fd, source);
	return 0;
}

static int set_timer(CURLM *multi, long timeout_ms, void *userdata)
{
	struct transfers *transfers = userdata;

	(void)multi;
	if (timeout_ms < 0) {
		(void)sd_event_source_set_enabled(transfers->timer, SD_EVENT_OFF);
		return 0;
	}
	(void)sd_event_source_set_time_relative(transfers->timer,
						(uint64_t)timeout_ms * (uint64_t)US_PER_MS);
	(void)sd_event_source_set_enabled(transfers->timer, SD_EVENT_ONESHOT);
	return 0;
}

static CURLMcode set_multi(struct transfers *transfers)
{
	CURLM *multi = transfers->multi;
	CURLMcode code = CURLM_OK;

	code |= curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	code |= curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, transfers);
	code |= curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer);
	code |= curl_multi_setopt(multi, CURLMOPT_TIMERDATA, transfers);
	code |= curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	return code;
}

int transfers_new(struct transfers **ret, sd_event *event, const char *credentials,
		  transfer_done *done, void *userdata)
{
	CLEANUP(transfers_free) struct transfers *transfers = calloc(1, sizeof(*transfers));
	int r;

	if (!transfers)
		return -ENOMEM;
	*transfers = (struct transfers){.credentials = credentials,
					.done = done,
					.userdata = userdata,
					.event = sd_event_ref(event)};
	(void)unsetenv("SSLKEYLOGFILE"); /* libcurl would write the session keys there */
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -EIO;
	r = sd_event_add_time_relative(event, &transfers->timer, CLOCK_MONOTONIC, 0, 1000, on_timer,
				       transfers);
	if (r < 0)
		return r;
	(void)sd_event_source_set_enabled(transfers->timer, SD_EVENT_OFF);
	transfers->multi = curl_multi_init();
	if (!transfers->multi || set_multi(transfers) != CURLM_OK)
		return -EIO;
	*ret = steal(&transfers);
	return 0;
}

struct transfers *transfers_free(struct transfers *transfers)
{
	if (!transfers)
		return NULL;
	while (transfers->first)
		end(transfers->first);
	if (transfers->multi)
		(void)curl_multi_cleanup(transfers->multi);
	(void)sd_event_source_disable_unref(transfers->timer);
	(void)sd_event_unref(transfers->event);
	free(transfers);
	return NULL;
}

int transfers_start(struct transfers *transfers, const struct wire_job *job, uint64_t tag)
{
	CLEANUP(attempt_free) struct attempt *attempt = NULL;
	const char *why;
	int r = attempt_new(&attempt, transfers->credentials, job);

	if (r < 0)
		return r;
	attempt->owner = transfers;
	attempt->result.tag = tag;
	why = attempt_post_check(attempt);
	if (why) {
		refuse(attempt, why);
		return 0;
	}
	r = attempt_post_prepare(attempt);
	if (r == 0)
		r = begin(transfers, attempt);
	if (r == 0)
		attempt = NULL; /* the list has it */
	return r;
}

size_t transfers_count(const struct transfers *transfers)
{
	return transfers->n;
}
