/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/macro.h"
#include "tools/sim_stream.h"

#define ACCURACY_US 500
#define SILENCE_US  20000 /* RTU: ends a frame that is not whole; 3.5 characters at 1,200 baud */

/*
 * @in: what has come and is not answered yet
 * @answer: [n_sent, answer.n) of it still to send
 * @timer: running while an answer waits, or, reading RTU, until silence ends a frame
 */
struct sim_stream {
	sd_event *event;
	sd_event_source *io;
	sd_event_source *timer;
	const struct sim_stream_user *user;
	void *userdata;
	enum sim_framing framing;
	bool is_line;
	int fd;
	size_t n_in;
	size_t n_sent;
	struct sim_answer answer;
	uint8_t in[SIM_FRAME_MAX];
};

static int stream_write(struct sim_stream *s);
static int stream_process(struct sim_stream *s, bool silent, bool readable);

static int stream_end(struct sim_stream *s, bool hung_up)
{
	s->user->on_end(s->userdata, hung_up);
	return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct sim_stream *s = userdata;

	(void)source;
	(void)usec;
	return s->answer.n > 0 ? stream_write(s) : stream_process(s, true, s->is_line);
}

static int stream_wait(struct sim_stream *s, uint64_t us)
{
	int r;

	if (!s->timer)
		return sd_event_add_time_relative(s->event, &s->timer, CLOCK_MONOTONIC, us,
						  ACCURACY_US, on_timer, s);
	r = sd_event_source_set_time_relative(s->timer, us);
	return r < 0 ? r : sd_event_source_set_enabled(s->timer, SD_EVENT_ONESHOT);
}

static void stream_quiet(struct sim_stream *s)
{
	if (s->timer)
		(void)sd_event_source_set_enabled(s->timer, SD_EVENT_OFF); /* valid source */
}

/* A line's events come once per arrival, so that nobody on it does not keep us busy. */
static int stream_listen(struct sim_stream *s, uint32_t events)
{
	return s->is_line ? 0 : sd_event_source_set_io_events(s->io, events);
}

static int stream_answer(struct sim_stream *s)
{
	s->n_sent = 0;
	if (s->answer.wait_us == 0)
		return stream_write(s);
	if (stream_listen(s, 0) < 0 || stream_wait(s, s->answer.wait_us) < 0) {
		log_err("no memory for a delayed answer; connection closed");
		return stream_end(s, false);
	}
	return 0;
}

static ssize_t stream_send(const struct sim_stream *s, const uint8_t *bytes, size_t n)
{
	ssize_t written;

	if (!s->is_line)
		return send(s->fd, bytes, n, MSG_NOSIGNAL);
	written = write(s->fd, bytes, n);
	(void)written; /* gone or lost, as on any line */
	return (ssize_t)n;
}

/* read what there is; Return: 0 nothing new; 1 some; -errno the end. */
static int stream_read(struct sim_stream *s)
{
	ssize_t n = read(s->fd, s->in + s->n_in, sizeof(s->in) - s->n_in);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0 && s->is_line && errno == EIO) { /* nobody has the line open */
		s->n_in = 0;
		return 0;
	}
	if (n <= 0)
		return n < 0 ? -errno : -EPIPE;
	s->n_in += (size_t)n;
	return 1;
}

/* the request that was taken leaves, and what it asks for is done */
static int stream_serve(struct sim_stream *s, const struct sim_frame *frame)
{
	size_t size = frame->size;

	s->answer = (struct sim_answer){0};
	s->user->on_request(s->userdata, frame, &s->answer);
	if (s->answer.hang_up)
		return stream_end(s, true), 1;
	s->n_in -= size;
	memmove(s->in, s->in + size, s->n_in);
	return s->answer.n > 0 ? (stream_answer(s), 1) : 0;
}

/* answer the whole requests in @s->in until one answer has to wait */
static int stream_process(struct sim_stream *s, bool silent, bool readable)
{
	struct sim_frame frame;
	int r;

	stream_quiet(s);
	for (;;) {
		r = sim_frame_take(s->framing, s->in, s->n_in, silent, &frame);
		if (r > 0) {
			if (stream_serve(s, &frame) > 0)
				return 0; /* it may be gone */
			continue;
		}
		if (r < 0 && s->framing == SIM_FRAMING_TCP) {
			s->user->on_malformed(s->userdata);
			return stream_end(s, false);
		}
		if (r < 0 && (silent || s->n_in == sizeof(s->in))) {
			s->user->on_malformed(s->userdata);
			s->n_in = 0;
		}
		r = readable ? stream_read(s) : 0;
		if (r < 0)
			return stream_end(s, false);
		if (r == 0)
			break;
		silent = false;
		readable = s->is_line; /* to the end: it does not tell twice */
	}
	if (s->framing == SIM_FRAMING_RTU && s->n_in > 0 && stream_wait(s, SILENCE_US) < 0)
		return stream_end(s, false);
	return 0;
}

/* send the rest of the answer, a byte of it if it drips, and go on reading after it */
static int stream_write(struct sim_stream *s)
{
	size_t rest = s->answer.n - s->n_sent;
	bool drips = s->answer.drip_ms > 0;
	ssize_t n = stream_send(s, s->answer.bytes + s->n_sent, drips ? 1 : rest);
	int r;

	if (n < 0 && errno != EAGAIN)
		return stream_end(s, false);
	s->n_sent += (size_t)MAX(n, 0);
	if (s->n_sent < s->answer.n) {
		r = stream_listen(s, drips ? 0 : EPOLLOUT);
		if (r >= 0 && drips)
			r = stream_wait(s, s->answer.drip_ms * (uint64_t)US_PER_MS);
		return r < 0 ? stream_end(s, false) : 0;
	}
	s->answer.n = s->n_sent = 0;
	(void)stream_listen(s, EPOLLIN); /* no change costs no call */
	return stream_process(s, false, s->is_line);
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct sim_stream *s = userdata;

	(void)source;
	(void)fd;
	if (s->answer.n == 0)
		return stream_process(s, false, true);
	if (s->is_line)
		return 0; /* read when the answer is over */
	if ((revents & EPOLLOUT) != 0)
		return stream_write(s);
	return stream_end(s, false); /* hung up or failed while its answer waited */
}

int sim_stream_new(struct sim_stream **ret, sd_event *event, int fd, bool is_line,
		   enum sim_framing framing, const struct sim_stream_user *user, void *userdata)
{
	struct sim_stream *s = calloc(1, sizeof(*s));
	uint32_t events = is_line ? (uint32_t)EPOLLIN | EPOLLET : (uint32_t)EPOLLIN;
	int r = s ? sd_event_add_io(event, &s->io, fd, events, on_io, s) : -ENOMEM;

	if (r < 0) {
		free(s);
		(void)close(fd);
		return r;
	}
	(void)sd_event_source_set_io_fd_own(s->io, 1); /* fails on bad arguments only */
	s->event = event;
	s->user = user;
	s->userdata = userdata;
	s->framing = framing;
	s->is_line = is_line;
	s->fd = fd;
	*ret = s;
	return 0;
}

struct sim_stream *sim_stream_free(struct sim_stream *stream, bool reset)
{
	static const struct linger abort_now = {.l_onoff = 1, .l_linger = 0};

	if (!stream)
		return NULL;
	if (reset && !stream->is_line)
		(void)setsockopt(stream->fd, SOL_SOCKET, SO_LINGER, &abort_now, sizeof(abort_now));
	sd_event_source_disable_unref(stream->io); /* closes the descriptor, which it owns */
	sd_event_source_disable_unref(stream->timer);
	free(stream);
	return NULL;
}
