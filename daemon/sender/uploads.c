/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "sender/uploads.h"
#include "sender/worker.h"

/* CURLcode, part of libcurl's stable interface: the result says what the attempt would */
#define CODE_FAILED_INIT 2
#define CODE_TIMED_OUT	 28

/**
 * struct upload
 * @next: of the queue, or of those that run
 * @fd: our end of the socket, -1 queued
 * @has_result: its owner has it; the process has only to end
 * @killed: it was, by its deadline
 */
struct upload {
	struct uploads *owner;
	struct upload *next;
	struct wire_job *job;
	pid_t pid;
	int fd;
	sd_event_source *io, *timer;
	bool has_result, killed;
	struct transfer_result result;
};

struct uploads {
	sd_event *event;
	sd_event_source *starter;
	const char *credentials;
	transfer_done *done;
	void *userdata;
	struct upload *running, *queue;
	size_t n_running, n_queued, n_ending;
};

/* ---- one process ---- */

static struct upload *upload_free(struct upload *upload)
{
	if (!upload)
		return NULL;
	(void)sd_event_source_disable_unref(upload->io);
	(void)sd_event_source_disable_unref(upload->timer);
	if (upload->fd >= 0)
		(void)close(upload->fd);
	if (upload->pid > 0) {
		(void)kill(upload->pid, SIGKILL);
		(void)waitpid(upload->pid, NULL, 0);
	}
	free(upload->job);
	free(upload);
	return NULL;
}
DEFINE_CLEANUP(struct upload *, upload_free)

/* a process that ended without a result; its wait status says how */
static void explain_end(struct upload *upload, int status)
{
	struct wire_result *wire = &upload->result.wire;
	char text[WIRE_ERROR_MAX];

	*wire = (struct wire_result){.id = upload->job->id,
				     .date_s = -1,
				     .retry_after_s = -1,
				     .curl_code = upload->killed ? CODE_TIMED_OUT
								 : CODE_FAILED_INIT};
	if (upload->killed)
		(void)snprintf(text, sizeof(text),
			       "the upload did not end by itself and was killed after %" PRIu32
			       " ms; check network and server",
			       upload->job->total_timeout_ms + UPLOADS_GRACE_MS);
	else if (WIFSIGNALED(status))
		(void)snprintf(text, sizeof(text),
			       "the process of the upload died of signal %d (%s); see the journal",
			       WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		(void)snprintf(text, sizeof(text),
			       "the process of the upload ended with exit code %d and no result; "
			       "see the journal",
			       WEXITSTATUS(status));
	result_set_error(&upload->result, text);
}

static void complete(struct upload *upload)
{
	struct uploads *uploads = upload->owner;
	struct upload **link = &uploads->running;
	int status = 0;

	while (*link != upload)
		link = &(*link)->next;
	*link = upload->next;
	uploads->n_running--;
	(void)waitpid(upload->pid, &status, 0); /* its end of the socket is closed: it is ending */
	upload->pid = 0;
	(void)sd_event_source_set_enabled(uploads->starter, SD_EVENT_ONESHOT);
	if (upload->has_result)
		uploads->n_ending--;
	else {
		explain_end(upload, status);
		uploads->done(uploads->userdata, &upload->result);
	}
	(void)upload_free(upload);
}

/* what remains, a farewell to the server perhaps, gets some time of its own */
static void deliver(struct upload *upload)
{
	struct uploads *uploads = upload->owner;

	upload->has_result = true;
	uploads->n_ending++;
	(void)sd_event_source_set_time_relative(upload->timer,
						(uint64_t)UPLOADS_GRACE_MS * (uint64_t)US_PER_MS);
	uploads->done(uploads->userdata, &upload->result);
}

/* one result, then the end of the socket; anything else is no process of ours */
static int on_packet(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct upload *upload = userdata;
	uint8_t packet[WIRE_PACKET_MAX] __attribute__((aligned(8)));
	int r = wire_receive(fd, packet);

	(void)source;
	(void)revents;
	if (r == -EAGAIN || r == -EINTR)
		return 0;
	if (r > 0 && !upload->has_result && result_unpack(&upload->result, packet) == 0 &&
	    upload->result.wire.id == upload->job->id) {
		deliver(upload);
		return 0;
	}
	if (r != 0)
		(void)kill(upload->pid, SIGKILL);
	complete(upload);
	return 0;
}

/* the end of the socket comes of it */
static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct upload *upload = userdata;

	(void)source;
	(void)usec;
	upload->killed = true;
	(void)kill(upload->pid, SIGKILL);
	return 0;
}

/* the program itself, whatever became of its file; signals as a fresh process has them */
static int spawn(pid_t *ret_pid, int fd, const char *credentials)
{
	char *const arguments[] = {(char[]){"wastewatch-sender"}, (char[]){"--" WORKER_OPTION},
				   (char[]){"--credentials"}, strdup(credentials), NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	int r = -ENOMEM;

	if (!arguments[3] || posix_spawn_file_actions_init(&actions) != 0) {
		free(arguments[3]);
		return r;
	}
	if (posix_spawnattr_init(&attributes) == 0) {
		(void)sigemptyset(&none);
		r = -posix_spawnattr_setsigmask(&attributes, &none);
		if (r == 0)
			r = -posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
		if (r == 0)
			r = -posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
		if (r == 0) /* libcurl opens some descriptors that would be handed on */
			r = -posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
		if (r == 0)
			r = -posix_spawn(ret_pid, "/proc/self/exe", &actions, &attributes,
					 arguments, environ);
		(void)posix_spawnattr_destroy(&attributes);
	}
	(void)posix_spawn_file_actions_destroy(&actions);
	free(arguments[3]);
	return r;
}

static int watch(struct upload *upload)
{
	sd_event *event = upload->owner->event;
	const uint64_t limit_us = ((uint64_t)upload->job->total_timeout_ms + UPLOADS_GRACE_MS) *
				  (uint64_t)US_PER_MS;
	int r = sd_event_add_io(event, &upload->io, upload->fd, EPOLLIN, on_packet, upload);

	if (r < 0)
		return r;
	return sd_event_add_time_relative(event, &upload->timer, CLOCK_MONOTONIC, limit_us, 100000,
					  on_deadline, upload);
}

static int launch(struct upload *upload)
{
	int fds[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;
	upload->fd = fds[0];
	r = wire_send(upload->fd, upload->job, upload->job->header.length);
	if (r == 0)
		r = watch(upload);
	if (r >= 0)
		r = spawn(&upload->pid, fds[1], upload->owner->credentials);
	(void)close(fds[1]);
	return r;
}

/* ---- all of them ---- */

static void fail_launch(struct upload *upload, int error)
{
	struct uploads *uploads = upload->owner;
	char text[WIRE_ERROR_MAX];

	upload->result.wire = (struct wire_result){.id = upload->job->id,
						   .date_s = -1,
						   .retry_after_s = -1,
						   .curl_code = CODE_FAILED_INIT};
	(void)snprintf(text, sizeof(text), "no process can be started for the upload: %s",
		       strerror(-error));
	result_set_error(&upload->result, text);
	uploads->done(uploads->userdata, &upload->result);
	(void)upload_free(upload);
}

static void launch_first(struct uploads *uploads)
{
	struct upload *upload = uploads->queue;
	int r;

	uploads->queue = upload->next;
	uploads->n_queued--;
	r = launch(upload);
	if (r < 0) {
		fail_launch(upload, r);
		return;
	}
	upload->next = uploads->running;
	uploads->running = upload;
	uploads->n_running++;
}

/* from the loop, so that a result never comes while a job is being handed in */
static int on_room(sd_event_source *source, void *userdata)
{
	struct uploads *uploads = userdata;

	(void)source;
	while (uploads->queue && uploads->n_running < UPLOADS_AT_ONCE)
		launch_first(uploads);
	return 0;
}

int uploads_new(struct uploads **ret, sd_event *event, const char *credentials, transfer_done *done,
		void *userdata)
{
	CLEANUP(uploads_free) struct uploads *uploads = calloc(1, sizeof(*uploads));
	int r;

	if (!uploads)
		return -ENOMEM;
	*uploads = (struct uploads){.credentials = credentials,
				    .done = done,
				    .userdata = userdata,
				    .event = sd_event_ref(event)};
	r = sd_event_add_defer(event, &uploads->starter, on_room, uploads);
	if (r < 0)
		return r;
	*ret = steal(&uploads);
	return 0;
}

struct uploads *uploads_free(struct uploads *uploads)
{
	struct upload *next;

	if (!uploads)
		return NULL;
	for (struct upload *upload = uploads->running; upload; upload = next) {
		next = upload->next;
		(void)upload_free(upload);
	}
	for (struct upload *upload = uploads->queue; upload; upload = next) {
		next = upload->next;
		(void)upload_free(upload);
	}
	(void)sd_event_source_disable_unref(uploads->starter);
	(void)sd_event_unref(uploads->event);
	free(uploads);
	return NULL;
}

int uploads_start(struct uploads *uploads, const struct wire_job *job, uint64_t tag)
{
	CLEANUP(upload_free) struct upload *upload = calloc(1, sizeof(*upload));
	struct upload **last = &uploads->queue;

	if (!upload)
		return -ENOMEM;
	upload->fd = -1;
	upload->owner = uploads;
	upload->result.tag = tag;
	upload->job = malloc(job->header.length);
	if (!upload->job)
		return -ENOMEM;
	memcpy(upload->job, job, job->header.length);
	while (*last)
		last = &(*last)->next;
	*last = steal(&upload);
	uploads->n_queued++;
	(void)sd_event_source_set_enabled(uploads->starter, SD_EVENT_ONESHOT);
	return 0;
}

size_t uploads_count(const struct uploads *uploads)
{
	return uploads->n_running + uploads->n_queued - uploads->n_ending;
}
