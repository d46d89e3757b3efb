/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/sandbox.h"
#include "common/wire.h"
#include "sender/jobs.h"
#include "sender/result.h"
#include "sender/transfer.h"
#include "sender/uploads.h"

/* a result that the core has not taken yet */
struct pending {
	struct pending *next;
	size_t n;
	uint8_t packet[] __attribute__((aligned(8)));
};

/**
 * struct jobs
 * @connection: counts connections; the tag of every attempt, so that a result never goes to
 *   another core than asked for it
 * @greeted: the core's hello was good
 * @n_open: jobs of this connection whose result is not handed over
 * @backoff_ms: wait before the next connect()
 * @said_waiting: people know already that the core cannot be reached
 */
struct jobs {
	sd_event *event;
	sd_event_source *io, *timer;
	struct transfers *transfers;
	struct uploads *uploads;
	const char *path;
	int fd;
	uint64_t instance, connection;
	bool greeted, said_waiting;
	size_t n_open;
	uint64_t n_delivered, n_failed;
	uint64_t backoff_ms;
	struct pending *first, **last;
	uint8_t packet[WIRE_PACKET_MAX] __attribute__((aligned(8)));
};

static void tell_status(const struct jobs *jobs)
{
	if (!jobs->greeted)
		(void)sd_notify(0, "STATUS=Waiting for wastewatchd");
	else
		(void)sd_notifyf(0,
				 "STATUS=Connected to wastewatchd; %zu attempts in flight, "
				 "%" PRIu64 " delivered, %" PRIu64 " failed",
				 jobs_in_flight(jobs), jobs->n_delivered, jobs->n_failed);
}

static void drop_pending(struct jobs *jobs)
{
	while (jobs->first) {
		struct pending *next = jobs->first->next;

		free(jobs->first);
		jobs->first = next;
	}
	jobs->last = &jobs->first;
}

static void hang_up(struct jobs *jobs)
{
	jobs->io = sd_event_source_disable_unref(jobs->io);
	if (jobs->fd >= 0)
		(void)close(jobs->fd);
	jobs->fd = -1;
	jobs->greeted = false;
	jobs->n_open = 0;
	jobs->connection++;
	drop_pending(jobs);
}

static void wait_to_connect(struct jobs *jobs)
{
	(void)sd_event_source_set_time_relative(jobs->timer,
						jobs->backoff_ms * (uint64_t)US_PER_MS);
	(void)sd_event_source_set_enabled(jobs->timer, SD_EVENT_ONESHOT);
	jobs->backoff_ms = MIN(jobs->backoff_ms * 2, (uint64_t)JOBS_BACKOFF_MAX_MS);
	tell_status(jobs);
}

/* the core is gone, as it may be at any time */
static void lose_core(struct jobs *jobs, int error)
{
	if (jobs->greeted)
		log_notice("wastewatchd has closed %s (%s); %zu attempts in flight go on without "
			   "it, connecting again",
			   jobs->path, error ? strerror(-error) : "end of stream",
			   jobs_in_flight(jobs));
	jobs->said_waiting = jobs->said_waiting || jobs->greeted;
	hang_up(jobs);
	wait_to_connect(jobs);
}

/* what came is not what the wire allows; the pause is long because it will come again */
static void reject_core(struct jobs *jobs, const char *why)
{
	log_err("disconnected from %s: %s; trying again in %d s", jobs->path, why,
		JOBS_BACKOFF_MAX_MS / 1000);
	hang_up(jobs);
	jobs->backoff_ms = JOBS_BACKOFF_MAX_MS;
	wait_to_connect(jobs);
}

/* read while there is room for jobs, write while there are results */
static void watch(struct jobs *jobs)
{
	uint32_t events = 0;

	if (!jobs->io)
		return;
	if (jobs->n_open < JOBS_IN_FLIGHT_MAX)
		events |= EPOLLIN;
	if (jobs->first)
		events |= EPOLLOUT;
	(void)sd_event_source_set_io_events(jobs->io, events);
}

static void send_pending(struct jobs *jobs)
{
	while (jobs->first) {
		struct pending *pending = jobs->first;
		int r = wire_send(jobs->fd, pending->packet, pending->n);

		if (r == -EAGAIN)
			break;
		if (r < 0) {
			lose_core(jobs, r);
			return;
		}
		jobs->first = pending->next;
		if (!jobs->first)
			jobs->last = &jobs->first;
		jobs->n_open--;
		free(pending);
	}
	watch(jobs);
}

static struct pending *pack(const struct transfer_result *result)
{
	struct pending *pending = malloc(sizeof(*pending) + RESULT_PACKET_MAX);

	if (!pending)
		return NULL;
	pending->next = NULL;
	pending->n = result_pack(result, pending->packet);
	return pending;
}

/* takes @pending */
static void queue(struct jobs *jobs, struct pending *pending)
{
	*jobs->last = pending;
	jobs->last = &pending->next;
	send_pending(jobs);
}

static void on_done(void *userdata, const struct transfer_result *result)
{
	struct jobs *jobs = userdata;
	const bool good = result->wire.uploaded ||
			  (result->wire.http_status >= 200 && result->wire.http_status <= 299);
	struct pending *pending;

	if (good)
		jobs->n_delivered++;
	else
		jobs->n_failed++;
	log_debug("attempt %" PRIu64 ": status %" PRId32 ", code %" PRId32 ", %" PRIu32 " ms%s%s",
		  result->wire.id, result->wire.http_status, result->wire.curl_code,
		  result->wire.took_ms, result->error[0] ? "; " : "", result->error);
	if (result->tag != jobs->connection || !jobs->greeted)
		return;
	pending = pack(result);
	if (!pending) { /* the core sees the connection end and asks again */
		lose_core(jobs, -ENOMEM);
		return;
	}
	queue(jobs, pending);
	tell_status(jobs);
}

static void take_hello(struct jobs *jobs)
{
	const char *why = NULL;

	if (wire_hello_check((const struct wire_hello *)(const void *)jobs->packet, WIRE_ROLE_CORE,
			     &why) < 0) {
		reject_core(jobs, why);
		return;
	}
	jobs->greeted = true;
	jobs->said_waiting = false;
	jobs->backoff_ms = JOBS_BACKOFF_MIN_MS;
	log_info("connected to wastewatchd at %s", jobs->path);
	tell_status(jobs);
}

static void take_job(struct jobs *jobs)
{
	const struct wire_job *job = (const struct wire_job *)(const void *)jobs->packet;
	int r;

	jobs->n_open++;
	if (job->kind == WIRE_JOB_POST)
		r = transfers_start(jobs->transfers, job, jobs->connection);
	else if (job->kind == WIRE_JOB_UPLOAD)
		r = uploads_start(jobs->uploads, job, jobs->connection);
	else {
		reject_core(jobs, "it sent a job of a kind that is not known");
		return;
	}
	if (r < 0)
		lose_core(jobs, r);
	else
		tell_status(jobs);
}

/* counts as a job, as whatever waits in the queue */
static void take_trials(struct jobs *jobs)
{
	const struct wire_header *header = (const struct wire_header *)(const void *)jobs->packet;
	struct pending *pending = malloc(sizeof(*pending) + header->length);

	if (!pending) {
		lose_core(jobs, -ENOMEM);
		return;
	}
	sandbox_try_all(jobs->packet);
	pending->next = NULL;
	pending->n = header->length;
	memcpy(pending->packet, jobs->packet, header->length);
	jobs->n_open++;
	queue(jobs, pending);
}

static void take_packet(struct jobs *jobs)
{
	const struct wire_header *header = (const struct wire_header *)(const void *)jobs->packet;

	if (!jobs->greeted && header->type == WIRE_HELLO)
		take_hello(jobs);
	else if (!jobs->greeted)
		reject_core(jobs, "its first packet is no hello");
	else if (header->type == WIRE_JOB)
		take_job(jobs);
	else if (header->type == WIRE_TRIALS)
		take_trials(jobs);
	else
		reject_core(jobs, "it sent a message that is not meant for a sender");
}

static int on_packet(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct jobs *jobs = userdata;
	int r;

	(void)source;
	(void)fd;
	if (revents & EPOLLOUT)
		send_pending(jobs);
	while (jobs->fd >= 0 && jobs->n_open < JOBS_IN_FLIGHT_MAX) {
		r = wire_receive(jobs->fd, jobs->packet);
		if (r == -EAGAIN || r == -EINTR)
			break;
		if (r == -EBADMSG)
			reject_core(jobs, "it sent a malformed packet");
		else if (r <= 0)
			lose_core(jobs, r);
		else
			take_packet(jobs);
	}
	/* with no room for jobs nothing is read, and the end of the core shows only here */
	if (jobs->fd >= 0 && (revents & (EPOLLHUP | EPOLLERR)) &&
	    jobs->n_open >= JOBS_IN_FLIGHT_MAX)
		lose_core(jobs, 0);
	watch(jobs);
	return 0;
}

static int greet(struct jobs *jobs)
{
	struct wire_hello hello;
	int r;

	r = sd_event_add_io(jobs->event, &jobs->io, jobs->fd, EPOLLIN, on_packet, jobs);
	if (r < 0)
		return r;
	wire_hello_init(&hello, WIRE_ROLE_SENDER, jobs->instance);
	return wire_send(jobs->fd, &hello, sizeof(hello));
}

static int on_connect_time(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct jobs *jobs = userdata;
	int r = wire_connect(jobs->path);

	(void)source;
	(void)usec;
	if (r >= 0) {
		jobs->fd = r;
		r = greet(jobs);
		if (r < 0)
			hang_up(jobs);
	}
	if (r >= 0)
		return 0;
	if (!jobs->said_waiting)
		log_notice("cannot reach wastewatchd at %s (%s); is it running? Trying on",
			   jobs->path, strerror(-r));
	jobs->said_waiting = true;
	wait_to_connect(jobs);
	return 0;
}

int jobs_new(struct jobs **ret, sd_event *event, const char *path, const char *credentials)
{
	CLEANUP(jobs_free) struct jobs *jobs = calloc(1, sizeof(*jobs));
	int r;

	if (!jobs)
		return -ENOMEM;
	jobs->event = sd_event_ref(event);
	jobs->path = path;
	jobs->fd = -1;
	jobs->last = &jobs->first;
	jobs->backoff_ms = JOBS_BACKOFF_MIN_MS;
	if (getrandom(&jobs->instance, sizeof(jobs->instance), 0) != sizeof(jobs->instance))
		return -errno;
	r = transfers_new(&jobs->transfers, event, credentials, on_done, jobs);
	if (r < 0)
		return r;
	r = uploads_new(&jobs->uploads, event, credentials, on_done, jobs);
	if (r < 0)
		return r;
	r = sd_event_add_time_relative(event, &jobs->timer, CLOCK_MONOTONIC, 0, 1000,
				       on_connect_time, jobs);
	if (r < 0)
		return r;
	*ret = steal(&jobs);
	return 0;
}

struct jobs *jobs_free(struct jobs *jobs)
{
	if (!jobs)
		return NULL;
	hang_up(jobs);
	(void)transfers_free(jobs->transfers);
	(void)uploads_free(jobs->uploads);
	(void)sd_event_source_disable_unref(jobs->timer);
	(void)sd_event_unref(jobs->event);
	free(jobs);
	return NULL;
}

size_t jobs_in_flight(const struct jobs *jobs)
{
	return transfers_count(jobs->transfers) + uploads_count(jobs->uploads);
}
