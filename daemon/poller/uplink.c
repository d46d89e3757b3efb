/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/sandbox.h"
#include "poller/uplink.h"

#define PAUSE_MIN_US (UINT64_C(100) * 1000)
#define PAUSE_MAX_US (UINT64_C(5) * 1000 * 1000)
#define PACKETS_MAX  32 /* taken in one go: a chatty core must not stop the polling */

enum uplink_state { UPLINK_AWAY, UPLINK_GREETING, UPLINK_PLANNING, UPLINK_LIVE };

struct uplink {
	sd_event *event;
	sd_event_source *io;
	sd_event_source *timer;
	char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	int fd;
	enum uplink_state state;
	uint64_t pause_us;
	uint64_t instance;
	uint64_t plan;
	struct ring *ring;
	struct work *work; /* while it is being received */
	struct uplink_user user;
	bool wants_out;	 /* EPOLLOUT is on */
	bool complained; /* since the last time it was live: one line per change */
	uint8_t *packet;
};

static int try_connect(struct uplink *uplink);

static void complain(struct uplink *uplink, const char *what)
{
	if (!uplink->complained)
		log_warning("core at %s: %s; readings are kept and it is tried again", uplink->path,
			    what);
	uplink->complained = true;
}

static void retry_later(struct uplink *uplink)
{
	/* cannot fail on a source of our own that exists */
	(void)sd_event_source_set_time_relative(uplink->timer, uplink->pause_us);
	(void)sd_event_source_set_enabled(uplink->timer, SD_EVENT_ONESHOT);
	uplink->pause_us = MIN(uplink->pause_us * 2, PAUSE_MAX_US);
}

static void drop(struct uplink *uplink)
{
	uplink->io = sd_event_source_disable_unref(uplink->io);
	if (uplink->fd >= 0)
		(void)close(uplink->fd); /* what was not acknowledged is in the ring */
	uplink->fd = -1;
	uplink->state = UPLINK_AWAY;
	uplink->wants_out = false;
	uplink->work = work_free(uplink->work);
}

/* the connection ends, @what says why */
static void lose(struct uplink *uplink, const char *what)
{
	complain(uplink, what);
	drop(uplink);
	retry_later(uplink);
	uplink->user.on_change(uplink->user.userdata);
}

static void go_live(struct uplink *uplink)
{
	uplink->state = UPLINK_LIVE;
	uplink->pause_us = PAUSE_MIN_US;
	uplink->complained = false;
	ring_rewind(uplink->ring);
	log_info("core at %s is there", uplink->path);
	uplink->user.on_change(uplink->user.userdata);
}

/*
 * The handlers take one packet and return 0, or -EPROTO and *@ret_why: then the connection
 * ends.
 */
static int on_hello(struct uplink *uplink, const void *packet, const char **ret_why)
{
	*ret_why = "a second hello";
	if (uplink->state != UPLINK_GREETING)
		return -EPROTO;
	if (wire_hello_check(packet, WIRE_ROLE_CORE, ret_why) < 0)
		return -EPROTO;
	uplink->state = UPLINK_PLANNING;
	return 0;
}

static int on_plan_begin(struct uplink *uplink, const void *packet, const char **ret_why)
{
	uplink->work = work_free(uplink->work);
	return work_begin(&uplink->work, packet, ret_why);
}

static int on_plan_part(struct uplink *uplink, const void *packet, const char **ret_why)
{
	*ret_why = "no beginning";
	return uplink->work ? work_add(uplink->work, packet, ret_why) : -EBADMSG;
}

static int on_plan_end(struct uplink *uplink, const void *packet, const char **ret_why)
{
	int r;

	*ret_why = "no beginning";
	if (!uplink->work)
		return -EBADMSG;
	r = work_end(uplink->work, packet, ret_why);
	if (r < 0)
		return r;
	r = uplink->user.on_plan(uplink->user.userdata, uplink->work);
	if (r < 0)
		return r;
	uplink->work = NULL; /* it has a new owner */
	return 0;
}

static int on_plan(struct uplink *uplink, const void *packet, const char **ret_why)
{
	static char text[256];
	const struct wire_header *header = packet;
	int r = header->type == WIRE_PLAN_BEGIN ? on_plan_begin(uplink, packet, ret_why)
		: header->type == WIRE_PLAN_END ? on_plan_end(uplink, packet, ret_why)
						: on_plan_part(uplink, packet, ret_why);

	if (r == 0)
		return 0;
	(void)snprintf(text, sizeof(text), "it sent a plan that is refused: %s",
		       r == -EBADMSG ? *ret_why : strerrordesc_np(-r));
	*ret_why = text;
	return -EPROTO;
}

static int on_ack(struct uplink *uplink, const void *packet, const char **ret_why)
{
	const struct wire_ack *ack = packet;

	*ret_why = "it acknowledged readings that it was never sent";
	if (ring_acknowledge(uplink->ring, ack->seq) < 0)
		return -EPROTO;
	if (uplink->state == UPLINK_PLANNING)
		go_live(uplink);
	return 0;
}

static int on_trials(struct uplink *uplink, const char **ret_why)
{
	struct wire_header *header = (struct wire_header *)(void *)uplink->packet;
	int r;

	sandbox_try_all(header);
	r = wire_send(uplink->fd, header, header->length);
	if (r == 0)
		return 0;
	*ret_why = strerrordesc_np(-r);
	return -EPROTO;
}

static int dispatch(struct uplink *uplink, const void *packet, const char **ret_why)
{
	const struct wire_header *header = packet;

	*ret_why = "its first packet is no hello";
	if (uplink->state == UPLINK_GREETING && header->type != WIRE_HELLO)
		return -EPROTO;
	switch ((enum wire_type)header->type) {
	case WIRE_HELLO:
		return on_hello(uplink, packet, ret_why);
	case WIRE_PLAN_BEGIN:
	case WIRE_PLAN_LINKS:
	case WIRE_PLAN_UNITS:
	case WIRE_PLAN_REQUESTS:
	case WIRE_PLAN_END:
		return on_plan(uplink, packet, ret_why);
	case WIRE_ACK:
		return on_ack(uplink, packet, ret_why);
	case WIRE_TRIALS:
		return on_trials(uplink, ret_why);
	case WIRE_READINGS:
	case WIRE_LINKS:
	case WIRE_JOB:
	case WIRE_RESULT:
		break;
	}
	*ret_why = "it sent a packet that is not for a poller";
	return -EPROTO;
}

/* Return: 0 more may be waiting; -EAGAIN nothing is, or the connection has ended */
static int take_packet(struct uplink *uplink)
{
	int n = wire_receive(uplink->fd, uplink->packet);
	const char *why = "";

	if (n == -EAGAIN)
		return n;
	if (n > 0 && dispatch(uplink, uplink->packet, &why) == 0)
		return 0;
	if (n == 0)
		why = "it has closed the connection";
	else if (n == -EBADMSG)
		why = "it sent a malformed packet";
	else if (n < 0)
		why = strerrordesc_np(-n);
	lose(uplink, why);
	return -EAGAIN;
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	struct uplink *uplink = userdata;

	(void)source; /* all that is needed is in the uplink */
	(void)fd;
	if (revents & (EPOLLIN | EPOLLHUP | EPOLLERR))
		for (int i = 0; i < PACKETS_MAX && take_packet(uplink) == 0; i++)
			continue;
	return 0; /* what can be sent goes with the end of the loop's turn */
}

static int on_timer(sd_event_source *source, uint64_t us, void *userdata)
{
	(void)source; /* it fires once and is set again by retry_later() */
	(void)us;
	return try_connect(userdata);
}

static int greet(struct uplink *uplink)
{
	struct wire_hello hello;

	wire_hello_init(&hello, WIRE_ROLE_POLLER, uplink->instance);
	hello.plan = uplink->plan;
	hello.first_seq = ring_first_seq(uplink->ring);
	return wire_send(uplink->fd, &hello, sizeof(hello));
}

/* Return: 0 connected or to be tried again; -errno the loop is of no use */
static int try_connect(struct uplink *uplink)
{
	int r;

	uplink->fd = wire_connect(uplink->path);
	r = uplink->fd < 0 ? uplink->fd : greet(uplink);
	if (r < 0) {
		complain(uplink, strerrordesc_np(-r));
		drop(uplink);
		retry_later(uplink);
		return 0;
	}
	uplink->state = UPLINK_GREETING;
	return sd_event_add_io(uplink->event, &uplink->io, uplink->fd, EPOLLIN, on_io, uplink);
}

int uplink_new(struct uplink **ret, sd_event *event, const char *path, struct ring *ring,
	       uint64_t instance, const struct uplink_user *user)
{
	CLEANUP(uplink_free) struct uplink *uplink = calloc(1, sizeof(*uplink));
	int r;

	if (!uplink)
		return -ENOMEM;
	uplink->fd = -1;
	if (strlen(path) >= sizeof(uplink->path))
		return -ENAMETOOLONG;
	memcpy(uplink->path, path, strlen(path));
	uplink->packet = malloc(WIRE_PACKET_MAX);
	if (!uplink->packet)
		return -ENOMEM;
	uplink->event = sd_event_ref(event);
	uplink->pause_us = PAUSE_MIN_US;
	uplink->instance = instance;
	uplink->ring = ring;
	uplink->user = *user;
	r = sd_event_add_time_relative(event, &uplink->timer, CLOCK_BOOTTIME, 0, 1000, on_timer,
				       uplink);
	if (r < 0)
		return r;
	*ret = steal(&uplink);
	return 0;
}

struct uplink *uplink_free(struct uplink *uplink)
{
	if (!uplink)
		return NULL;
	drop(uplink);
	(void)sd_event_source_disable_unref(uplink->timer);
	(void)sd_event_unref(uplink->event);
	free(uplink->packet);
	free(uplink);
	return NULL;
}

/* be told when the core reads again, or no more */
static void want_out(struct uplink *uplink, bool want)
{
	if (uplink->wants_out == want)
		return;
	uplink->wants_out = want;
	(void)sd_event_source_set_io_events(uplink->io, want ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

void uplink_flush(struct uplink *uplink)
{
	struct wire_header *header = (struct wire_header *)(void *)uplink->packet;

	if (uplink->state != UPLINK_LIVE)
		return;
	for (int i = 0; i < PACKETS_MAX && ring_pending(uplink->ring); i++) {
		uint16_t n;
		size_t bytes = ring_fill(uplink->ring, header + 1,
					 WIRE_PACKET_MAX - sizeof(*header), &n);
		int r;

		*header = (struct wire_header){.type = WIRE_READINGS, .count = n};
		r = wire_send(uplink->fd, header, sizeof(*header) + bytes);
		if (r == -EAGAIN)
			break;
		if (r < 0) {
			lose(uplink, strerrordesc_np(-r));
			return;
		}
		ring_advance(uplink->ring, n);
	}
	want_out(uplink, ring_pending(uplink->ring));
}

int uplink_send_links(struct uplink *uplink, const struct wire_link_report *reports, uint16_t n)
{
	struct wire_header *header = (struct wire_header *)(void *)uplink->packet;
	size_t bytes = n * sizeof(*reports);
	int r;

	_Static_assert(sizeof(*header) + WIRE_LINKS_PER_POLLER * sizeof(*reports) <=
			       WIRE_PACKET_MAX,
		       "the links of a poller fit into one packet");
	if (uplink->state != UPLINK_LIVE)
		return -ENOTCONN;
	*header = (struct wire_header){.type = WIRE_LINKS, .count = n};
	memcpy(header + 1, reports, bytes);
	r = wire_send(uplink->fd, header, sizeof(*header) + bytes);
	if (r < 0 && r != -EAGAIN)
		lose(uplink, strerrordesc_np(-r));
	return r == -EAGAIN || r == 0 ? r : -ENOTCONN;
}

bool uplink_is_live(const struct uplink *uplink)
{
	return uplink->state == UPLINK_LIVE;
}

void uplink_set_plan(struct uplink *uplink, uint64_t plan)
{
	uplink->plan = plan;
}
