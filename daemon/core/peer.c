/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "core/peer.h"

#define SAY_MS		   (10 * MS_PER_S)
#define PACKETS_PER_WAKEUP 64 /* a flooding peer must not keep the loop from its timers */

struct waiting {
	struct waiting *next;
	size_t n;
	uint8_t packet[];
};

struct peer {
	int fd;
	sd_event_source *source;
	const struct peer_handler *handler;
	void *userdata;
	void *buffer;
	void *data;
	struct waiting *first;
	struct waiting **last;
	size_t n_waiting_bytes;
};

struct peer *peer_free(struct peer *peer)
{
	if (!peer)
		return NULL;
	while (peer->first) {
		struct waiting *next = peer->first->next;

		free(peer->first);
		peer->first = next;
	}
	(void)sd_event_source_disable_unref(peer->source);
	if (peer->fd >= 0)
		(void)close(peer->fd);
	free(peer);
	return NULL;
}

static void let_go(struct peer *peer, const char *why)
{
	peer->handler->gone(peer->userdata, peer, why);
	(void)peer_free(peer);
}

static int want(struct peer *peer, bool also_write)
{
	return sd_event_source_set_io_events(peer->source,
					     EPOLLIN | (also_write ? (uint32_t)EPOLLOUT : 0U));
}

static int flush(struct peer *peer)
{
	while (peer->first) {
		struct waiting *next = peer->first->next;
		int r = wire_send(peer->fd, peer->first->packet, peer->first->n);

		if (r == -EAGAIN)
			return 0;
		if (r < 0)
			return r;
		peer->n_waiting_bytes -= peer->first->n;
		free(peer->first);
		peer->first = next;
	}
	peer->last = &peer->first;
	return want(peer, false);
}

/* Return: 1 go on later; 0 the peer was let go */
static int receive(struct peer *peer)
{
	for (int i = 0; i < PACKETS_PER_WAKEUP; i++) {
		int n = wire_receive(peer->fd, peer->buffer);

		if (n == -EAGAIN)
			break;
		if (n <= 0) {
			let_go(peer, n == 0	     ? "it has closed the connection"
				     : n == -EBADMSG ? "it sent a malformed packet"
						     : strerror(-n));
			return 0;
		}
		if (peer->handler->packet(peer->userdata, peer, peer->buffer, (size_t)n) < 0) {
			let_go(peer, "it broke the rules of the wire");
			return 0;
		}
	}
	peer->handler->drained(peer->userdata, peer);
	return 1;
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct peer *peer = userdata;

	(void)source;
	(void)fd;
	if (events & EPOLLOUT) {
		int r = flush(peer);

		if (r < 0) {
			let_go(peer, strerror(-r));
			return 0;
		}
	}
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		(void)receive(peer);
	return 0;
}

int peer_new(struct peer **ret, sd_event *event, int fd, const struct peer_handler *handler,
	     void *userdata, void *buffer)
{
	struct peer *peer = calloc(1, sizeof(*peer));
	int r;

	if (!peer) {
		(void)close(fd);
		return -ENOMEM;
	}
	*peer = (struct peer){.fd = fd, .handler = handler, .userdata = userdata, .buffer = buffer};
	peer->last = &peer->first;
	r = sd_event_add_io(event, &peer->source, fd, EPOLLIN, on_io, peer);
	if (r < 0) {
		(void)peer_free(peer);
		return r;
	}
	*ret = peer;
	return 0;
}

bool peer_may_say(void)
{
	static struct {
		int64_t begin_ms;
		unsigned int n;
	} lines = {.begin_ms = INT64_MIN / 2};
	int64_t now_ms = clock_stamp().mono_ms;

	if (now_ms - lines.begin_ms >= SAY_MS) {
		if (lines.n > PEER_LINES_MAX)
			log_warning(
				"lines about connections of poller and sender that were left out: "
				"%u; systemctl status wastewatch-poller wastewatch-sender",
				lines.n - PEER_LINES_MAX);
		lines.begin_ms = now_ms;
		lines.n = 0;
	}
	return ++lines.n <= PEER_LINES_MAX;
}

int peer_accept(sd_event_source *listener, int fd, const char *user, const char *what,
		bool *starved)
{
	int peer = wire_accept(fd, wire_uid_of(user));

	if (peer == -EPERM && peer_may_say())
		log_err("a connection to the %s's socket came from another user than %s and was "
			"refused",
			what, user);
	if (peer >= 0)
		*starved = false;
	if (peer == -EMFILE || peer == -ENFILE) {
		if (!*starved)
			log_err("no descriptor is free for one more %s; it is tried again every "
				"second; see LimitNOFILE=",
				what);
		*starved = true;
		(void)sd_event_source_set_enabled(listener, SD_EVENT_OFF);
	}
	return peer;
}

void peer_listen_again(sd_event_source *listener)
{
	(void)sd_event_source_set_enabled(listener, SD_EVENT_ON);
}

static int queue(struct peer *peer, const void *packet, size_t n)
{
	struct waiting *waiting;

	if (peer->n_waiting_bytes + n > PEER_QUEUE_MAX)
		return -ENOBUFS;
	waiting = malloc(sizeof(*waiting) + n);
	if (!waiting)
		return -ENOMEM;
	waiting->next = NULL;
	waiting->n = n;
	memcpy(waiting->packet, packet, n);
	*peer->last = waiting;
	peer->last = &waiting->next;
	peer->n_waiting_bytes += n;
	return want(peer, true);
}

int peer_send(struct peer *peer, void *packet, size_t n)
{
	int r = peer->first ? -EAGAIN : wire_send(peer->fd, packet, n);

	return r == -EAGAIN ? queue(peer, packet, n) : r;
}

void *peer_data(const struct peer *peer)
{
	return peer->data;
}

void peer_set_data(struct peer *peer, void *data)
{
	peer->data = data;
}
