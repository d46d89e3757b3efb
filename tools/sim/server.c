/* SPDX-License-Identifier: Apache-2.0 */
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
#include "tools/sim_frame.h"
#include "tools/sim_listen.h"
#include "tools/sim_server.h"
#include "tools/sim_signal.h"
#include "tools/sim_stream.h"

#define NOISE_MAX	   4   /* bytes before an answer: less than a frame has */
#define GAP_CHARACTERS	   7U  /* 3.5 of silence before the answer, and 3.5 after it */
#define CHARACTER_BITS_MIN 10U /* start, 8 data, stop */

struct counters {
	uint64_t n_connections;
	uint64_t n_requests;
	uint64_t n_reads;
	uint64_t n_exceptions;
	uint64_t n_unanswered;
	uint64_t n_malformed;
};

struct connection {
	struct connection *next;
	struct connection *prev;
	struct link *link;
	struct sim_stream *stream;
};

/*
 * @listener: of TCP links, NULL while they refuse
 * @terminal: of serial lines, behind the device's name
 * @starved: stopped accepting because descriptors ran out
 */
struct link {
	struct sim_server *server;
	struct connection *connections;
	sd_event_source *listener;
	size_t index;
	enum sim_link_mode mode;
	uint32_t delay_ms;
	bool starved;
	char terminal[SIM_TERMINAL_MAX];
	struct counters counters;
};

struct sim_server {
	sd_event *event;
	const struct config *config;
	const struct sim_plant *plant;
	struct sim_server_options options;
	uint64_t n_random;
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

static bool is_line(const struct link *link)
{
	return link_config(link)->kind == WIRE_LINK_RTU;
}

static enum sim_framing framing_of(const struct link *link)
{
	return link_config(link)->kind == WIRE_LINK_TCP ? SIM_FRAMING_TCP : SIM_FRAMING_RTU;
}

static void connection_close(struct connection *c, bool reset)
{
	struct sim_server *server = c->link->server;

	sim_stream_free(c->stream, reset);
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

static size_t put_random(struct sim_server *server, size_t max, uint8_t *out)
{
	uint64_t seed = server->options.seed;
	size_t n = 1 + sim_random(seed, server->n_random++) % max;

	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)sim_random(seed, server->n_random++);
	return n;
}

static size_t put_echo(enum sim_framing framing, const struct sim_frame *request, uint8_t *out)
{
	return sim_frame_put(framing, request, request->pdu, request->n_pdu, out);
}

/* how long the bytes of request and answer are under way on the line */
static uint64_t line_time_us(const struct link *link, size_t n_bytes)
{
	const struct config_link *l = link_config(link);
	unsigned int bits = CHARACTER_BITS_MIN - 1 + MAX(l->stop_bits, 1U) +
			    (l->parity == WIRE_PARITY_EVEN || l->parity == WIRE_PARITY_ODD);

	if (!link->server->options.line_speed || l->baud == 0)
		return 0;
	return (uint64_t)(n_bytes + GAP_CHARACTERS) * bits * (uint64_t)US_PER_S / l->baud;
}

/* the plant's answer as the link's mode has it; Return: bytes, 0 none. */
static size_t put_answer(struct link *link, const struct sim_frame *request, uint8_t *out)
{
	struct sim_server *server = link->server;
	enum sim_framing framing = framing_of(link);
	struct sim_frame head = *request;
	uint8_t pdu[SIM_PDU_MAX];
	size_t n, n_pdu;

	n_pdu = sim_plant_answer(server->plant, link->index, request->unit, request->pdu,
				 request->n_pdu, server->options.now_ms(server->options.userdata),
				 pdu);
	if (n_pdu == 0) {
		link->counters.n_unanswered++;
		return 0;
	}
	if ((pdu[0] & 0x80) != 0)
		link->counters.n_exceptions++;
	else
		link->counters.n_reads++;
	if (link->mode == SIM_LINK_FOREIGN)
		head.unit++;
	n = link->mode == SIM_LINK_NOISE ? put_random(server, NOISE_MAX, out) : 0;
	if (link->mode == SIM_LINK_ECHO)
		n = put_echo(framing, request, out);
	n += sim_frame_put(framing, &head, pdu, n_pdu, out + n);
	if (link->mode == SIM_LINK_BADCRC)
		out[n - 1] ^= 0xff;
	return n;
}

static void on_request(void *userdata, const struct sim_frame *request, struct sim_answer *ret)
{
	struct connection *c = userdata;
	struct link *link = c->link;

	link->counters.n_requests++;
	switch (link->mode) {
	case SIM_LINK_DEAD:
	case SIM_LINK_REFUSE: /* not with an open connection */
	case SIM_LINK_RESET:
		link->counters.n_unanswered++;
		ret->hang_up = link->mode == SIM_LINK_RESET;
		return;
	case SIM_LINK_GARBAGE:
		link->counters.n_unanswered++;
		ret->n = put_random(link->server, SIM_NOISE_MAX, ret->bytes);
		break;
	case SIM_LINK_NORMAL:
	case SIM_LINK_LATE:
	case SIM_LINK_DRIP:
	case SIM_LINK_BADCRC:
	case SIM_LINK_ECHO:
	case SIM_LINK_FOREIGN:
	case SIM_LINK_NOISE:
		ret->n = put_answer(link, request, ret->bytes);
		break;
	}
	ret->wait_us = line_time_us(link, request->size + ret->n);
	if (link->mode == SIM_LINK_LATE)
		ret->wait_us += link->delay_ms * (uint64_t)US_PER_MS;
	if (link->mode == SIM_LINK_DRIP)
		ret->drip_ms = link->delay_ms;
}

static void on_malformed(void *userdata)
{
	const struct connection *c = userdata;

	log_debug("link %s/%s: not a Modbus request", link_site(c->link),
		  link_config(c->link)->name);
	c->link->counters.n_malformed++;
}

static int link_listen(struct link *link);

static void on_end(void *userdata, bool hung_up)
{
	struct connection *c = userdata;
	struct link *link = c->link;

	if (is_line(link))
		(void)link_listen(link); /* before the old one goes: another name; said if not */
	connection_close(c, hung_up);
}

static const struct sim_stream_user stream_user = {on_request, on_malformed, on_end};

/* takes @fd over */
static int connection_new(struct link *link, int fd)
{
	struct connection *c = calloc(1, sizeof(*c));
	int r;

	if (!c) {
		(void)close(fd);
		return -ENOMEM;
	}
	r = sim_stream_new(&c->stream, link->server->event, fd, is_line(link), framing_of(link),
			   &stream_user, c);
	if (r < 0) {
		free(c);
		return r;
	}
	c->link = link;
	c->next = link->connections;
	if (c->next)
		c->next->prev = c;
	link->connections = c;
	link->counters.n_connections++;
	log_debug("link %s/%s: connection %llu", link_site(link), link_config(link)->name,
		  (unsigned long long)link->counters.n_connections);
	return 0;
}

static void take_peer(struct link *link, int fd)
{
	int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connection_new(link, fd) < 0)
		log_err("no memory for a connection; closed");
}

static int on_listener(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct link *link = userdata;
	int peer;

	(void)revents;
	while ((peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
		take_peer(link, peer);
	if (errno != EMFILE && errno != ENFILE && errno != ENOMEM && errno != ENOBUFS)
		return 0; /* EAGAIN, or a client that has gone again */
	if (!link->server->starved)
		log_warning("cannot take more connections: %s; waiting until one closes "
			    "(raise the limit of open files)",
			    strerror(errno));
	link->server->starved = link->starved = true;
	return sd_event_source_set_enabled(source, SD_EVENT_OFF);
}

static int listen_tcp(struct link *link)
{
	const struct config_link *l = link_config(link);
	int fd = sim_listen_tcp(l->host, l->port), r;

	if (fd == -EADDRNOTAVAIL)
		log_err("link %s/%s: %s is not a loopback address; the simulator serves "
			"127.0.0.0/8 and ::1 only, so that nobody takes it for a plant",
			link_site(link), l->name, l->host);
	else if (fd < 0)
		log_err("link %s/%s: cannot listen on %s port %u: %s", link_site(link), l->name,
			l->host, l->port, strerror(-fd));
	if (fd < 0)
		return fd;
	r = sd_event_add_io(link->server->event, &link->listener, fd, EPOLLIN, on_listener, link);
	if (r < 0) {
		(void)close(fd);
		return r;
	}
	return sd_event_source_set_io_fd_own(link->listener, 1);
}

static int listen_line(struct link *link)
{
	const struct config_link *l = link_config(link);
	int fd = sim_listen_line(l->host, link->terminal, link->terminal);

	if (fd == -EEXIST)
		log_err("link %s/%s: %s exists and is no name of this plant's; the simulator "
			"replaces only a symbolic link to a terminal that is gone. Remove it, or "
			"name another device",
			link_site(link), l->name, l->host);
	else if (fd < 0)
		log_err("link %s/%s: cannot make the serial line %s: %s", link_site(link), l->name,
			l->host, strerror(-fd));
	return fd < 0 ? fd : connection_new(link, fd);
}

static int link_listen(struct link *link)
{
	return is_line(link) ? listen_line(link) : listen_tcp(link);
}

/* nobody can connect any more */
static void link_deafen(struct link *link)
{
	link->listener = sd_event_source_disable_unref(link->listener);
	if (is_line(link) && *link->terminal)
		sim_listen_remove(link_config(link)->host, link->terminal);
	link->terminal[0] = '\0';
}

static bool link_listens(const struct link *link)
{
	return is_line(link) ? *link->terminal != '\0' : link->listener != NULL;
}

int sim_server_new(struct sim_server **ret, sd_event *event, const struct config *config,
		   const struct sim_plant *plant, const struct sim_server_options *options)
{
	CLEANUP(sim_server_free)
	struct sim_server *server = calloc(1, sizeof(*server) +
						      config->n_links * sizeof(server->links[0]));
	int r;

	if (!server)
		return -ENOMEM;
	server->event = sd_event_ref(event);
	server->config = config;
	server->plant = plant;
	server->options = *options;
	server->n_links = config->n_links;
	for (size_t i = 0; i < config->n_links; i++) {
		struct link *link = &server->links[i];

		link->server = server;
		link->index = i;
		/* the others are served by the first link with their address */
		r = sim_plant_endpoint(plant, i) == i ? link_listen(link) : 0;
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
	for (size_t i = 0; i < server->n_links && server->links[i].server; i++) {
		link_deafen(&server->links[i]);
		link_close_all(&server->links[i], false);
	}
	sd_event_unref(server->event);
	free(server);
	return NULL;
}

/* A line comes back before the old terminal goes, so that it has another name. */
static int link_drop(struct link *link, bool reset)
{
	struct connection *old = link->connections;
	int r = 0;

	if (!is_line(link)) {
		link_close_all(link, reset);
		return 0;
	}
	if (old) {
		r = link_listen(link);
		connection_close(old, false);
	}
	return r;
}

int sim_server_act(struct sim_server *server, const struct sim_action *action)
{
	struct link *link;

	if (action->verb != SIM_LINK && action->verb != SIM_LINK_DROP)
		return 0;
	link = &server->links[sim_plant_endpoint(server->plant, action->target)];
	if (action->verb == SIM_LINK_DROP)
		return link_drop(link, false);
	link->mode = action->mode;
	link->delay_ms = action->delay_ms;
	if (action->mode == SIM_LINK_REFUSE) {
		link_deafen(link);
		link_close_all(link, false);
		return 0;
	}
	if (action->mode == SIM_LINK_RESET && link_listens(link))
		return link_drop(link, true);
	return link_listens(link) ? 0 : link_listen(link);
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
