/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "tools/sim_server.h"
#include "tools/sim_signal.h"

#define BACKLOG	      4096
#define ACCURACY_US   1000
#define GARBAGE_BYTES 32

struct counters {
	uint64_t n_connections;
	uint64_t n_requests;
	uint64_t n_reads;
	uint64_t n_exceptions;
	uint64_t n_unanswered;
	uint64_t n_malformed;
};

/*
 * @in: what has come and is not answered yet
 * @out: the answer, [n_sent, n_out) still to send
 * @timer: running while an answer waits for its delay
 */
struct connection {
	struct connection *next;
	struct connection *prev;
	struct link *link;
	sd_event_source *io;
	sd_event_source *timer;
	int fd;
	uint16_t n_in;
	uint16_t n_out;
	uint16_t n_sent;
	bool drips;
	uint8_t in[SIM_FRAME_MAX];
	uint8_t out[SIM_FRAME_MAX];
};

/* @starved: stopped accepting because descriptors ran out */
struct link {
	struct sim_server *server;
	struct connection *connections;
	sd_event_source *listener;
	size_t index;
	enum sim_link_mode mode;
	uint32_t delay_ms;
	bool starved;
	struct counters counters;
};

struct sim_server {
	sd_event *event;
	const struct config *config;
	const struct sim_plant *plant;
	int64_t (*now_ms)(void *userdata);
	void *userdata;
	uint64_t seed;
	uint64_t n_garbage;
	size_t n_links;
	bool starved;
	struct link links[];
};

static const struct config_link *link_config(const struct link *link)
{
	return &link->server->config->links[link->index];
}

static const char *link_site(const struct link *link)
{
	return link->server->config->sites[link_config(link)->site].name;
}

static void connection_close(struct connection *c, bool reset)
{
	static const struct linger abort_now = {.l_onoff = 1, .l_linger = 0};
	struct sim_server *server = c->link->server;

	if (reset)
		(void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &abort_now, sizeof(abort_now));
	sd_event_source_disable_unref(c->io); /* closes the descriptor, which it owns */
	sd_event_source_disable_unref(c->timer);
	if (c->next)
		c->next->prev = c->prev;
	if (c->prev)
		c->prev->next = c->next;
	else
		c->link->connections = c->next;
	free(c);
	if (!server->starved)
		return;
	server->starved = false;
	for (size_t i = 0; i < server->n_links; i++)
		if (server->links[i].starved) {
			server->links[i].starved = false;
			(void)sd_event_source_set_enabled(server->links[i].listener, SD_EVENT_ON);
		}
}

static void link_close_all(struct link *link, bool reset)
{
	while (link->connections)
		connection_close(link->connections, reset);
}

static int connection_write(struct connection *c);

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct connection *c = userdata;

	(void)source;
	(void)usec;
	return connection_write(c);
}

static int connection_wait(struct connection *c, uint32_t delay_ms)
{
	uint64_t delay_us = (uint64_t)delay_ms * (uint64_t)US_PER_MS;
	int r;

	if (!c->timer)
		return sd_event_add_time_relative(c->link->server->event, &c->timer,
						  CLOCK_MONOTONIC, delay_us, ACCURACY_US, on_timer,
						  c);
	r = sd_event_source_set_time_relative(c->timer, delay_us);
	return r < 0 ? r : sd_event_source_set_enabled(c->timer, SD_EVENT_ONESHOT);
}

/* begin to send @c->out, at once or when the link's delay is over */
static int connection_answer(struct connection *c, size_t n)
{
	const struct link *link = c->link;

	c->n_out = (uint16_t)n;
	c->n_sent = 0;
	c->drips = link->mode == SIM_LINK_DRIP;
	if (link->mode != SIM_LINK_LATE)
		return connection_write(c);
	if (sd_event_source_set_io_events(c->io, 0) < 0 || connection_wait(c, link->delay_ms) < 0) {
		log_err("no memory for a delayed answer; connection closed");
		connection_close(c, false);
	}
	return 0;
}

static size_t make_garbage(struct link *link, uint8_t *out)
{
	struct sim_server *server = link->server;
	size_t n = 1 + sim_random(server->seed, server->n_garbage++) % GARBAGE_BYTES;

	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)sim_random(server->seed, server->n_garbage++);
	return n;
}

/* Return: bytes of the answer; 0 none; -ECONNRESET the connection is to be reset. */
static int connection_serve(struct connection *c, size_t n_frame)
{
	struct link *link = c->link;
	struct sim_server *server = link->server;
	size_t n;

	link->counters.n_requests++;
	if (link->mode == SIM_LINK_DEAD || link->mode == SIM_LINK_RESET) {
		link->counters.n_unanswered++;
		return link->mode == SIM_LINK_RESET ? -ECONNRESET : 0;
	}
	if (link->mode == SIM_LINK_GARBAGE) {
		link->counters.n_unanswered++;
		return (int)make_garbage(link, c->out);
	}
	n = sim_plant_answer(server->plant, link->index, c->in, n_frame,
			     server->now_ms(server->userdata), c->out);
	if (n == 0)
		link->counters.n_unanswered++;
	else if ((c->out[SIM_MBAP_BYTES] & 0x80) != 0)
		link->counters.n_exceptions++;
	else
		link->counters.n_reads++;
	return (int)n;
}

/* answer the whole requests in @c->in until one answer has to wait */
static int connection_process(struct connection *c)
{
	int n_frame, n;

	while (c->n_out == 0) {
		n_frame = sim_plant_frame_size(c->in, c->n_in);
		if (n_frame < 0) {
			log_debug("link %s/%s: not Modbus TCP; connection closed",
				  link_site(c->link), link_config(c->link)->name);
			c->link->counters.n_malformed++;
			connection_close(c, false);
			return 0;
		}
		if (n_frame == 0 || n_frame > c->n_in)
			return 0;
		n = connection_serve(c, (size_t)n_frame);
		if (n < 0) {
			connection_close(c, true);
			return 0;
		}
		c->n_in = (uint16_t)(c->n_in - n_frame);
		memmove(c->in, c->in + n_frame, c->n_in);
		if (n > 0)
			return connection_answer(c, (size_t)n);
	}
	return 0;
}

/* send the rest of the answer, a byte of it if the link drips, and go on reading after it */
static int connection_write(struct connection *c)
{
	size_t rest = (size_t)(c->n_out - c->n_sent);
	ssize_t n = send(c->fd, c->out + c->n_sent, c->drips ? 1 : rest, MSG_NOSIGNAL);
	int r;

	if (n < 0 && errno != EAGAIN) {
		connection_close(c, false);
		return 0;
	}
	c->n_sent = (uint16_t)(c->n_sent + (n > 0 ? n : 0));
	if (c->n_sent < c->n_out) {
		r = sd_event_source_set_io_events(c->io, c->drips ? 0 : EPOLLOUT);
		if (r >= 0 && c->drips)
			r = connection_wait(c, c->link->delay_ms);
		if (r < 0)
			connection_close(c, false);
		return 0;
	}
	c->n_out = c->n_sent = 0;
	(void)sd_event_source_set_io_events(c->io, EPOLLIN); /* no change costs no call */
	return connection_process(c);
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct connection *c = userdata;
	ssize_t n;

	(void)source;
	if (c->n_out > 0) {
		if ((revents & EPOLLOUT) != 0)
			return connection_write(c);
		connection_close(c, false); /* hung up or failed while its answer waited */
		return 0;
	}
	n = recv(fd, c->in + c->n_in, sizeof(c->in) - c->n_in, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		connection_close(c, false);
		return 0;
	}
	c->n_in = (uint16_t)(c->n_in + n);
	return connection_process(c);
}

static void connection_new(struct link *link, int fd)
{
	struct connection *c = calloc(1, sizeof(*c));
	int on = 1;

	if (!c || sd_event_add_io(link->server->event, &c->io, fd, EPOLLIN, on_io, c) < 0) {
		log_err("no memory for a connection; closed");
		free(c);
		(void)close(fd);
		return;
	}
	(void)sd_event_source_set_io_fd_own(c->io, 1); /* fails on bad arguments only */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c->fd = fd;
	c->link = link;
	c->next = link->connections;
	if (c->next)
		c->next->prev = c;
	link->connections = c;
	link->counters.n_connections++;
	log_debug("link %s/%s: connection %llu", link_site(link), link_config(link)->name,
		  (unsigned long long)link->counters.n_connections);
}

static int on_listener(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct link *link = userdata;
	int peer;

	(void)revents;
	while ((peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
		connection_new(link, peer);
	if (errno != EMFILE && errno != ENFILE && errno != ENOMEM && errno != ENOBUFS)
		return 0; /* EAGAIN, or a client that has gone again */
	if (!link->server->starved)
		log_warning("cannot take more connections: %s; waiting until one closes "
			    "(raise the limit of open files)",
			    strerror(errno));
	link->server->starved = link->starved = true;
	return sd_event_source_set_enabled(source, SD_EVENT_OFF);
}

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* Return: bytes of the address; -EADDRNOTAVAIL not a loopback address. */
static int parse_address(const struct config_link *l, union address *ret)
{
	*ret = (union address){0};
	if (inet_pton(AF_INET, l->host, &ret->v4.sin_addr) == 1) {
		ret->v4.sin_family = AF_INET;
		ret->v4.sin_port = htons(l->port);
		return ntohl(ret->v4.sin_addr.s_addr) >> 24 == 127 ? (int)sizeof(ret->v4)
								   : -EADDRNOTAVAIL;
	}
	if (inet_pton(AF_INET6, l->host, &ret->v6.sin6_addr) == 1) {
		ret->v6.sin6_family = AF_INET6;
		ret->v6.sin6_port = htons(l->port);
		return IN6_IS_ADDR_LOOPBACK(&ret->v6.sin6_addr) ? (int)sizeof(ret->v6)
								: -EADDRNOTAVAIL;
	}
	return -EADDRNOTAVAIL;
}

/* Return: listening descriptor; -errno. */
static int open_listener(const union address *address, socklen_t size)
{
	int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1, r;

	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, &address->any, size) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	r = -errno;
	(void)close(fd);
	return r;
}

static int link_listen(struct link *link)
{
	const struct config_link *l = link_config(link);
	union address address;
	int size, fd, r;

	size = parse_address(l, &address);
	if (size < 0) {
		log_err("link %s/%s: %s is not a loopback address; the simulator serves "
			"127.0.0.0/8 "
			"and ::1 only, so that nobody takes it for a plant",
			link_site(link), l->name, l->host);
		return size;
	}
	fd = open_listener(&address, (socklen_t)size);
	if (fd < 0) {
		log_err("link %s/%s: cannot listen on %s port %u: %s", link_site(link), l->name,
			l->host, l->port, strerror(-fd));
		return fd;
	}
	r = sd_event_add_io(link->server->event, &link->listener, fd, EPOLLIN, on_listener, link);
	if (r < 0) {
		(void)close(fd);
		return r;
	}
	return sd_event_source_set_io_fd_own(link->listener, 1);
}

int sim_server_new(struct sim_server **ret, sd_event *event, const struct config *config,
		   const struct sim_plant *plant, int64_t (*now_ms)(void *userdata), void *userdata,
		   uint64_t seed)
{
	CLEANUP(sim_server_free)
	struct sim_server *server = calloc(1, sizeof(*server) +
						      config->n_links * sizeof(server->links[0]));
	int r;

	if (!server)
		return -ENOMEM;
	*server = (struct sim_server){.event = sd_event_ref(event),
				      .config = config,
				      .plant = plant,
				      .now_ms = now_ms,
				      .userdata = userdata,
				      .seed = seed,
				      .n_links = config->n_links};
	for (size_t i = 0; i < config->n_links; i++) {
		server->links[i].server = server;
		server->links[i].index = i;
		if (sim_plant_endpoint(plant, i) != i)
			continue; /* served by the first link with this address */
		r = link_listen(&server->links[i]);
		if (r < 0)
			return r;
	}
	*ret = steal(&server);
	return 0;
}

struct sim_server *sim_server_free(struct sim_server *server)
{
	if (!server)
		return NULL;
	for (size_t i = 0; i < server->n_links; i++) {
		link_close_all(&server->links[i], false);
		server->links[i].listener = sd_event_source_disable_unref(
			server->links[i].listener);
	}
	sd_event_unref(server->event);
	free(server);
	return NULL;
}

int sim_server_act(struct sim_server *server, const struct sim_action *action)
{
	struct link *link;

	if (action->verb != SIM_LINK && action->verb != SIM_LINK_DROP)
		return 0;
	link = &server->links[sim_plant_endpoint(server->plant, action->target)];
	if (action->verb == SIM_LINK_DROP) {
		link_close_all(link, false);
		return 0;
	}
	link->mode = action->mode;
	link->delay_ms = action->delay_ms;
	if (action->mode == SIM_LINK_REFUSE) {
		link->listener = sd_event_source_disable_unref(link->listener);
		link_close_all(link, false);
		return 0;
	}
	if (action->mode == SIM_LINK_RESET)
		link_close_all(link, true);
	return link->listener ? 0 : link_listen(link);
}

void sim_server_print(const struct sim_server *server, FILE *out)
{
	(void)fputs("{\"links\":[", out);
	for (size_t i = 0; i < server->n_links; i++) {
		const struct link *link = &server->links[i];
		const struct counters *n = &link->counters;

		(void)fprintf(
			out,
			"%s{\"link\":\"%s/%s\",\"host\":\"%s\",\"port\":%u,\"connections\":%llu,"
			"\"requests\":%llu,\"reads\":%llu,\"exceptions\":%llu,\"unanswered\":%llu,"
			"\"malformed\":%llu}",
			i == 0 ? "" : ",", link_site(link), link_config(link)->name,
			link_config(link)->host, link_config(link)->port,
			(unsigned long long)n->n_connections, (unsigned long long)n->n_requests,
			(unsigned long long)n->n_reads, (unsigned long long)n->n_exceptions,
			(unsigned long long)n->n_unanswered, (unsigned long long)n->n_malformed);
	}
	(void)fputs("]}\n", out);
}
