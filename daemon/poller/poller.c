/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "poller/answer.h"
#include "poller/crew.h"
#include "poller/poller.h"
#include "poller/ring.h"
#include "poller/tcp.h"
#include "poller/tell.h"
#include "poller/transport.h"
#include "poller/uplink.h"

#define EVENTS_MAX     128	       /* sockets served in one turn of the loop */
#define LINKS_EVERY_US (10 * US_PER_S) /* state of the links, when nothing changes */

struct poller {
	sd_event *event;
	sd_event_source *io;
	sd_event_source *timer;
	int epoll_fd;
	struct tcp *tcp;
	struct ring *ring;
	struct uplink *uplink;
	struct crew *crew;
	int64_t armed_us;	    /* what the timer is set to */
	int64_t tick_us;	    /* when the next tick is due */
	int64_t links_us;	    /* when the state of the links is due, changed or not */
	struct transport_news news; /* that is being handled */
};

static uint64_t draw_number(void)
{
	uint64_t number = 0;

	/* 8 bytes come whole; before the pool is ready the clock does for what it is used for */
	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != (ssize_t)sizeof(number))
		number = (uint64_t)clock_stamp().mono_ms * UINT64_C(0x9e3779b97f4a7c15) +
			 (uint64_t)getpid();
	return number > 0 ? number : 1;
}

static struct poller *poller_of(const struct peer *peer)
{
	return peer->owner;
}

static void put_reading(struct poller *poller, const struct wire_reading *what,
			const uint16_t *words)
{
	struct wire_reading reading = *what;

	clock_now(&reading.boot_us, &reading.wall_us);
	ring_put(poller->ring, &reading, words);
}

static void report(struct peer *peer, const struct link_action *action)
{
	struct poller *poller = poller_of(peer);

	put_reading(poller,
		    &(struct wire_reading){
			    .key = crew_request(poller->crew, peer, action->request)->key,
			    .first = action->first,
			    .count = action->count,
			    .took_us = action->took_us,
			    .status = (uint8_t)action->status,
			    .exception = action->exception,
			    .n_words = action->status == WIRE_OK ? poller->news.n_words : 0,
		    },
		    poller->news.words);
}

static int open_peer(struct peer *peer)
{
	int r = transport_open(&peer->transport, (uint16_t)draw_number());

	return r < 0 ? r : crew_register(peer, poller_of(peer)->epoll_fd, EPOLL_CTL_ADD);
}

/* what is asked at present; the transaction is the transport's */
static struct answer_question question_of(const struct peer *peer)
{
	struct answer_question question = {0};
	const struct wire_request *request = link_outstanding(peer->link, &question.unit);

	question.function = request->function;
	question.address = request->address;
	question.count = request->count;
	return question;
}

static int send_request(struct peer *peer)
{
	struct answer_question question = question_of(peer);

	return transport_ask(&peer->transport, &question);
}

static const char *hint(int error)
{
	switch (error) {
	case EMFILE:
		return " (one poller serves descriptors up to 1023)";
	case EBADMSG:
		return " (what came was no answer to the request)";
	case EBUSY:
		return " (another program uses the line)";
	case ENOTTY:
		return " (not a serial line)";
	case EOPNOTSUPP:
		return " (its driver cannot switch RS-485 as configured; leave rs485 out where the "
		       "adapter switches by itself)";
	default:
		return "";
	}
}

static void tell_people(const struct peer *peer, const struct link_action *action)
{
	const struct crew *crew = poller_of(peer)->crew;
	unsigned int id = crew_unit(crew, peer, action->unit)->id;

	if (action->kind == LINK_PART_REFUSED || action->kind == LINK_PART_ACCEPTED)
		tell_part(peer->name, id, crew_request(crew, peer, action->request), action);
	else if (action->kind == LINK_UP)
		log_notice("link %s is up", peer->name);
	else if (action->kind == LINK_DOWN)
		log_warning("link %s is down: %s%s; it is tried again with growing pauses",
			    peer->name, strerrordesc_np(action->error), hint(action->error));
	else if (action->kind == LINK_DEGRADED)
		log_warning("link %s: unit %u is silent; it is only probed now, ever less often",
			    peer->name, id);
	else
		log_notice("link %s: unit %u answers again", peer->name, id);
}

/* Return: 0; -errno the connection is of no use */
static int perform(struct peer *peer, const struct link_action *action)
{
	switch (action->kind) {
	case LINK_CONNECT:
		return open_peer(peer);
	case LINK_CLOSE:
		transport_close(&peer->transport);
		return 0;
	case LINK_SEND:
		return send_request(peer);
	case LINK_REPORT:
		report(peer, action);
		return 0;
	case LINK_UP:
	case LINK_DOWN:
	case LINK_DEGRADED:
	case LINK_RESTORED:
	case LINK_PART_REFUSED:
	case LINK_PART_ACCEPTED:
		tell_people(peer, action);
		return 0;
	}
	return 0;
}

/* tell a link what happened and do what it says; what fails in that is told to it, too */
static void feed(struct peer *peer, struct link_input input)
{
	struct crew *crew = poller_of(peer)->crew;
	int64_t now_us, wall_us;
	bool failed;

	clock_now(&now_us, &wall_us);
	do {
		size_t n = link_step(peer->link, now_us, &input, crew->actions);

		failed = false;
		for (size_t i = 0; i < n; i++) {
			int r = perform(peer, &crew->actions[i]);

			if (r == 0)
				continue;
			input = (struct link_input){.event = LINK_CLOSED, .error = -r};
			failed = true;
		}
	} while (failed);
	timeline_set(crew->timeline, peer->index, link_wake_us(peer->link));
}

static void listen_to(struct peer *peer, bool ended)
{
	struct poller *poller = poller_of(peer);
	struct answer_question question = question_of(peer);
	bool waiting = link_state(peer->link) == WIRE_LINK_WAITING;

	transport_hear(&peer->transport, poller->tcp, waiting ? &question : NULL, ended,
		       &poller->news);
	for (size_t i = 0; i < poller->news.n_events; i++)
		feed(peer, poller->news.events[i]);
}

static void on_socket(struct peer *peer, uint32_t revents)
{
	bool ended = revents & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
	bool readable = ended || revents & EPOLLIN;
	int r;

	if (link_state(peer->link) == WIRE_LINK_CONNECTING) {
		if (!(revents & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
			return;
		r = transport_opened(&peer->transport);
		if (r < 0) {
			feed(peer, (struct link_input){.event = LINK_CLOSED, .error = -r});
			return;
		}
		feed(peer, (struct link_input){.event = LINK_CONNECTED, .hold = readable});
		if (!readable)
			return;
	} else if (!readable) {
		return; /* room to send: always there */
	}
	if (peer->transport.fd >= 0)
		listen_to(peer, ended);
	if (link_state(peer->link) == WIRE_LINK_IDLE)
		feed(peer, (struct link_input){.event = LINK_TIME}); /* whatever was held back */
}

static void arm(struct poller *poller)
{
	size_t index;
	int64_t next_us = poller->tick_us;

	if (poller->crew)
		next_us = MIN(next_us, timeline_first(poller->crew->timeline, &index));
	if (next_us == poller->armed_us)
		return;
	poller->armed_us = next_us;
	/* cannot fail: the source is ours, and enabled for good */
	(void)sd_event_source_set_time(poller->timer, (uint64_t)next_us);
}

static int on_sockets(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct epoll_event events[EVENTS_MAX];
	struct poller *poller = userdata;
	int n = epoll_wait(fd, events, EVENTS_MAX, 0);

	(void)source; /* there is one only, and only for input */
	(void)revents;
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	/* a link closes none but its own descriptor, so no event here can be of one that is gone */
	for (int i = 0; i < n; i++)
		on_socket(events[i].data.ptr, events[i].events);
	arm(poller);
	return 0;
}

static void send_links(struct poller *poller, int64_t now_us)
{
	struct crew *crew = poller->crew;
	size_t bytes = crew->n_peers * sizeof(*crew->reports);

	for (size_t i = 0; i < crew->n_peers; i++) {
		link_account(crew->peers[i].link, now_us);
		link_report(crew->peers[i].link, &crew->reports[i]);
	}
	if (now_us < poller->links_us && memcmp(crew->reports, crew->reported, bytes) == 0)
		return;
	if (uplink_send_links(poller->uplink, crew->reports, (uint16_t)crew->n_peers) < 0)
		return;
	memcpy(crew->reported, crew->reports, bytes);
	poller->links_us = now_us + LINKS_EVERY_US;
}

static void tick(struct poller *poller, int64_t now_us)
{
	if (now_us < poller->tick_us)
		return;
	poller->tick_us = (now_us / US_PER_S + 1) * US_PER_S;
	put_reading(poller, &(struct wire_reading){.key = 0}, NULL);
	if (poller->crew && poller->crew->n_peers > 0)
		send_links(poller, now_us);
}

static int on_timer(sd_event_source *source, uint64_t us, void *userdata)
{
	struct poller *poller = userdata;
	int64_t now_us, wall_us;
	size_t index;

	(void)source; /* all that is needed is in the poller; */
	(void)us;     /* its own clock is the event's */
	clock_now(&now_us, &wall_us);
	tick(poller, now_us);
	/* every step moves the wake-up of its link beyond now */
	while (poller->crew && timeline_first(poller->crew->timeline, &index) <= now_us)
		feed(&poller->crew->peers[index], (struct link_input){.event = LINK_TIME});
	arm(poller);
	return 0;
}

/* struct uplink_user: the plan is whole and checked */
static int on_plan(void *userdata, struct work *work)
{
	struct poller *poller = userdata;
	struct crew *crew;
	int64_t now_us, wall_us;
	size_t n_kept = 0;
	int r;

	clock_now(&now_us, &wall_us);
	r = crew_new(&crew, poller, work, now_us, draw_number);
	if (r < 0)
		return r;
	if (poller->crew) {
		r = crew_inherit(crew, poller->crew, poller->epoll_fd, &n_kept);
		if (r < 0) {
			crew->work = NULL; /* still the uplink's */
			(void)crew_free(crew);
			return r;
		}
	}
	(void)crew_free(poller->crew);
	poller->crew = crew;
	poller->links_us = 0;
	uplink_set_plan(poller->uplink, work->plan);
	log_info("new plan: %u links, %u units, %u requests; %zu links keep their connection",
		 work->n_links, work->n_units, work->n_requests, n_kept);
	for (size_t i = 0; i < crew->n_peers; i++)
		timeline_set(crew->timeline, i, link_wake_us(crew->peers[i].link));
	arm(poller);
	return 0;
}

static void on_change(void *userdata)
{
	struct poller *poller = userdata;

	poller->links_us = 0; /* whoever connects is told at the next tick */
}

static int start(struct poller *poller, const char *path)
{
	const struct uplink_user user = {
		.on_plan = on_plan, .on_change = on_change, .userdata = poller};
	int64_t now_us, wall_us;
	int r;

	clock_now(&now_us, &wall_us);
	poller->armed_us = poller->tick_us = (now_us / US_PER_S + 1) * US_PER_S;
	r = sd_event_add_io(poller->event, &poller->io, poller->epoll_fd, EPOLLIN, on_sockets,
			    poller);
	if (r == 0)
		r = sd_event_add_time(poller->event, &poller->timer, CLOCK_BOOTTIME,
				      (uint64_t)poller->armed_us, 1, on_timer, poller);
	if (r == 0)
		r = sd_event_source_set_enabled(poller->timer, SD_EVENT_ON);
	if (r < 0)
		return r;
	return uplink_new(&poller->uplink, poller->event, path, poller->ring, draw_number(), &user);
}

int poller_new(struct poller **ret, sd_event *event, const char *path, size_t ring_bytes)
{
	CLEANUP(poller_free) struct poller *poller = calloc(1, sizeof(*poller));
	int r;

	if (!poller)
		return -ENOMEM;
	poller->event = sd_event_ref(event);
	poller->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (poller->epoll_fd < 0)
		return -errno;
	r = ring_new(&poller->ring, ring_bytes);
	if (r == 0)
		r = tcp_new(&poller->tcp);
	if (r == 0)
		r = start(poller, path);
	if (r < 0)
		return r;
	*ret = steal(&poller);
	return 0;
}

struct poller *poller_free(struct poller *poller)
{
	if (!poller)
		return NULL;
	(void)uplink_free(poller->uplink);
	(void)crew_free(poller->crew);
	(void)sd_event_source_disable_unref(poller->io);
	(void)sd_event_source_disable_unref(poller->timer);
	(void)tcp_free(poller->tcp);
	(void)ring_free(poller->ring);
	if (poller->epoll_fd >= 0)
		(void)close(poller->epoll_fd); /* nothing is buffered in it */
	(void)sd_event_unref(poller->event);
	free(poller);
	return NULL;
}

void poller_flush(struct poller *poller)
{
	uplink_flush(poller->uplink);
}

bool poller_is_late(const struct poller *poller, int64_t us)
{
	int64_t now_us, wall_us;

	clock_now(&now_us, &wall_us);
	if (now_us - poller->armed_us > us)
		return true;
	for (size_t i = 0; poller->crew && i < poller->crew->n_peers; i++)
		if (now_us - us > link_wake_us(poller->crew->peers[i].link))
			return true;
	return false;
}

void poller_status(const struct poller *poller, char *ret, size_t n)
{
	size_t n_links = poller->crew ? poller->crew->n_peers : 0, n_down = 0;

	for (size_t i = 0; i < n_links; i++)
		n_down += link_is_down(poller->crew->peers[i].link);
	if (!poller->crew)
		(void)snprintf(ret, n, "waiting for the core's plan");
	else
		(void)snprintf(ret, n, "%spolling %zu links, %zu down",
			       uplink_is_live(poller->uplink)
				       ? ""
				       : "the core is away, readings are kept; ",
			       n_links, n_down);
}
