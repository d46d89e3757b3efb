/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/log.h"
#include "core/losses.h"
#include "core/sandboxes.h"
#include "core/service.h"

#define STANDBY	 SIZE_MAX
#define HELLO_MS 5000 /* a connection that says nothing for so long is closed */

/**
 * struct poller - a connected poller
 * @slot: part of the plan that it serves, STANDBY none is free
 * @seen: last sequence number taken from it
 * @acked: last one told to it
 * @since_ms: monotonic; when it connected
 */
struct poller {
	struct peer *peer;
	uint64_t instance;
	uint64_t running_plan;
	uint64_t seen;
	uint64_t acked;
	size_t slot;
	int64_t since_ms;
	bool greeted;
};

struct slot {
	struct poller *poller;
	int64_t heard_ms; /* monotonic; last item of its poller */
	bool silent;
};

struct pollers {
	struct service *service;
	struct losses losses;
	sd_event_source *listener;
	bool starved; /* said: no descriptor was free for a connection */
	struct poller *list[POLLERS_MAX];
	struct slot *slots;
	size_t n_slots;
	struct wire_link_report *links;
	size_t n_links;
};

static int send_packet(void *userdata, void *packet, size_t n)
{
	return peer_send(userdata, packet, n);
}

static int send_ack(struct poller *poller)
{
	struct wire_ack ack = {.header = {.type = WIRE_ACK}, .seq = poller->seen};

	poller->acked = poller->seen;
	return peer_send(poller->peer, &ack, sizeof(ack));
}

/* the slot whose plan it runs already, else the first free one */
static size_t choose_slot(const struct pollers *pollers, const struct poller *poller)
{
	size_t free_slot = STANDBY;

	for (size_t i = pollers->n_slots; i-- > 0;) {
		if (pollers->slots[i].poller)
			continue;
		free_slot = i;
		if (plan_id(pollers->service->plan, i) == poller->running_plan)
			return i;
	}
	return free_slot;
}

/* is a slot free whose plan it runs already? */
static bool has_slot(const struct pollers *pollers, const struct poller *poller)
{
	size_t slot = choose_slot(pollers, poller);

	return slot != STANDBY && plan_id(pollers->service->plan, slot) == poller->running_plan;
}

static int assign(struct pollers *pollers, struct poller *poller)
{
	const struct plan *plan = pollers->service->plan;

	poller->slot = choose_slot(pollers, poller);
	if (poller->slot == STANDBY) {
		if (peer_may_say())
			log_notice("one more poller has connected than there is work for; it "
				   "stands by");
		return 0;
	}
	pollers->slots[poller->slot].poller = poller;
	if (plan_id(plan, poller->slot) == poller->running_plan)
		return 0;
	poller->running_plan = plan_id(plan, poller->slot);
	return plan_packets(plan, poller->slot, send_packet, poller->peer);
}

void pollers_last_words(struct pollers *pollers)
{
	losses_say(&pollers->losses, pollers->service, true);
}

/* what its predecessor held and no commit covers is gone with it: nobody can count that */
static void note_started(struct pollers *pollers, const struct poller *poller)
{
	const struct core *core = pollers->service->core;
	bool known = poller->slot != STANDBY && core->streams[poller->slot].running;

	losses_started(&pollers->losses, known ? core->streams[poller->slot].now.wall_ms : 0);
	losses_say(&pollers->losses, pollers->service, false);
}

static int greet(struct pollers *pollers, struct poller *poller, const struct wire_hello *hello)
{
	struct wire_hello answer;
	const char *why;
	int r;

	if (wire_hello_check(hello, WIRE_ROLE_POLLER, &why) < 0) {
		if (peer_may_say())
			log_err("a poller was refused: %s", why);
		return -EPROTO;
	}
	if (memcmp(hello->boot_id, pollers->service->boot_id, sizeof(hello->boot_id)) != 0) {
		if (peer_may_say())
			log_err("a poller was refused: its clock is that of another boot or "
				"machine");
		return -EPROTO;
	}
	poller->greeted = true;
	poller->instance = hello->instance;
	poller->running_plan = hello->plan;
	r = record_acked(pollers->service->record, hello->instance, &poller->seen);
	if (r < 0)
		return r;
	wire_hello_init(&answer, WIRE_ROLE_CORE, 0);
	r = peer_send(poller->peer, &answer, sizeof(answer));
	if (r == 0)
		r = assign(pollers, poller);
	if (r == 0 && poller->seen == 0)
		note_started(pollers, poller);
	if (r >= 0)
		r = send_ack(poller);
	return r < 0 ? r : sandboxes_ask(pollers->service, SANDBOX_POLLER, poller->peer);
}

static void hear(struct pollers *pollers, size_t i)
{
	struct slot *slot = &pollers->slots[i];
	struct stamp now = service_now(pollers->service);
	struct event event = event_plain(EVENT_POLLER_RETURNED, now);

	slot->heard_ms = now.mono_ms;
	if (!slot->silent)
		return;
	slot->silent = false;
	core_event(pollers->service->core, &event);
}

/* Poller and core share the clock. A time still to come would be believed for ever: all that
 * is measured until then would be too late. */
static bool is_of_the_future(const void *packet)
{
	const struct wire_reading *reading;
	int64_t boot_us, wall_us;
	size_t offset = 0;

	clock_now(&boot_us, &wall_us);
	while ((reading = wire_next_reading(packet, &offset)))
		if (reading->boot_us > boot_us + SERVICE_FUTURE_US)
			return true;
	return false;
}

static int take_readings(struct pollers *pollers, struct poller *poller, const void *packet)
{
	struct service *service = pollers->service;
	const struct wire_reading *reading;
	size_t offset = 0;

	if (is_of_the_future(packet)) {
		log_err("a poller sends readings of a time that has not come");
		return -EPROTO;
	}
	if (poller->slot != STANDBY)
		hear(pollers, poller->slot);
	while ((reading = wire_next_reading(packet, &offset))) {
		if (reading->seq <= poller->seen)
			continue; /* sent again although a commit covers it */
		if (reading->seq != poller->seen + 1) {
			tally_add(poller->seen > 0 ? &pollers->losses.dropped
						   : &pollers->losses.unseen,
				  reading->seq - poller->seen - 1);
			losses_say(&pollers->losses, service, false);
		}
		poller->seen = reading->seq;
		if (poller->slot == STANDBY)
			continue;
		/* -ENOENT: of a plan that is no longer in force; nothing to be said of it */
		(void)core_reading(service->core, poller->slot,
				   service_stamp(service, reading->boot_us, reading->wall_us),
				   reading);
	}
	return 0;
}

static void take_links(struct pollers *pollers, const struct wire_header *header)
{
	const struct wire_link_report *reports = (const void *)(header + 1);
	const struct plan *plan = pollers->service->plan;

	for (size_t i = 0; i < header->count; i++)
		for (size_t j = 0; j < plan->n_links && j < pollers->n_links; j++)
			if (plan->links[j].key == reports[i].key)
				pollers->links[j] = reports[i];
}

static int on_packet(void *userdata, struct peer *peer, void *packet, size_t n)
{
	struct pollers *pollers = userdata;
	struct poller *poller = peer_data(peer);
	const struct wire_header *header = packet;

	(void)n;
	if (!poller->greeted)
		return greet(pollers, poller, packet);
	if (header->type == WIRE_READINGS)
		return take_readings(pollers, poller, packet);
	if (header->type == WIRE_LINKS)
		take_links(pollers, header);
	else if (header->type == WIRE_TRIALS)
		sandboxes_told(pollers->service, SANDBOX_POLLER, packet);
	else
		return -EPROTO;
	return 0;
}

static void on_drained(void *userdata, struct peer *peer)
{
	struct pollers *pollers = userdata;

	(void)peer;
	service_flush(pollers->service);
}

static void forget(struct pollers *pollers, struct poller *poller)
{
	for (size_t i = 0; i < POLLERS_MAX; i++)
		if (pollers->list[i] == poller)
			pollers->list[i] = NULL;
	if (poller->slot != STANDBY && pollers->slots[poller->slot].poller == poller)
		pollers->slots[poller->slot].poller = NULL;
	free(poller);
}

/* a poller that stands by takes over what has become free */
static void fill_slots(struct pollers *pollers)
{
	for (size_t i = 0; i < POLLERS_MAX; i++) {
		struct poller *poller = pollers->list[i];

		if (poller && poller->greeted && poller->slot == STANDBY &&
		    choose_slot(pollers, poller) != STANDBY && assign(pollers, poller) < 0)
			log_err("a poller that stood by cannot be given its plan");
	}
}

static void on_gone(void *userdata, struct peer *peer, const char *why)
{
	struct pollers *pollers = userdata;
	const struct poller *gone = peer_data(peer);

	if (peer_may_say())
		log_warning("the poller is gone: %s", why);
	/* what it had sent is part of the state: cover it, or it would count twice when the same
	 * poller comes back and sends again what was not acknowledged */
	if (gone->greeted && !pollers->service->failed)
		service_commit(pollers->service);
	forget(pollers, peer_data(peer));
	fill_slots(pollers);
}

static const struct peer_handler handler = {
	.packet = on_packet,
	.drained = on_drained,
	.gone = on_gone,
};

static void take_in(struct pollers *pollers, int fd)
{
	struct poller *poller = calloc(1, sizeof(*poller));
	size_t i = 0;
	int r;

	while (i < POLLERS_MAX && pollers->list[i])
		i++;
	if (!poller || i == POLLERS_MAX) {
		if (peer_may_say())
			log_err("no room for one more poller");
		free(poller);
		(void)close(fd);
		return;
	}
	poller->slot = STANDBY;
	poller->since_ms = service_now(pollers->service).mono_ms;
	r = peer_new(&poller->peer, pollers->service->event, fd, &handler, pollers,
		     pollers->service->packet);
	if (r < 0) {
		log_err("a poller cannot be served: %s", strerror(-r));
		free(poller);
		return;
	}
	peer_set_data(poller->peer, poller);
	pollers->list[i] = poller;
}

static int on_connection(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct pollers *pollers = userdata;
	int peer = peer_accept(source, fd, "wastewatch-poller", "poller", &pollers->starved);

	(void)events;
	if (peer >= 0)
		take_in(pollers, peer);
	return 0;
}

static int make_slots(struct pollers *pollers)
{
	const struct plan *plan = pollers->service->plan;
	size_t n = MAX(plan->n_slots, (size_t)1);
	struct slot *slots = calloc(n, sizeof(*slots));
	struct wire_link_report *links = calloc(plan->n_links + 1, sizeof(*links));
	int64_t now_ms = service_now(pollers->service).mono_ms;

	if (!slots || !links) {
		free(slots);
		free(links);
		return -ENOMEM;
	}
	/* a poller may be between two attempts to connect, with readings that must be judged
	 * before time goes on without it */
	for (size_t i = 0; i < n; i++)
		slots[i].heard_ms = now_ms + SERVICE_GRACE_MS;
	free(pollers->slots);
	free(pollers->links);
	pollers->slots = slots;
	pollers->n_slots = n;
	pollers->links = links;
	pollers->n_links = plan->n_links;
	return 0;
}

int pollers_open(struct pollers **ret, struct service *service, int listener)
{
	struct pollers *pollers = calloc(1, sizeof(*pollers));
	int r;

	if (!pollers)
		return -ENOMEM;
	pollers->service = service;
	r = make_slots(pollers);
	if (r == 0)
		r = sd_event_add_io(service->event, &pollers->listener, listener, EPOLLIN,
				    on_connection, pollers);
	if (r < 0) {
		(void)pollers_close(pollers);
		return r;
	}
	*ret = pollers;
	return 0;
}

struct pollers *pollers_close(struct pollers *pollers)
{
	if (!pollers)
		return NULL;
	for (size_t i = 0; i < POLLERS_MAX; i++)
		if (pollers->list[i]) {
			(void)peer_free(pollers->list[i]->peer);
			free(pollers->list[i]);
		}
	(void)sd_event_source_disable_unref(pollers->listener);
	free(pollers->slots);
	free(pollers->links);
	free(pollers);
	return NULL;
}

size_t pollers_acks(const struct pollers *pollers, struct record_ack *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < POLLERS_MAX; i++) {
		const struct poller *poller = pollers->list[i];

		if (poller && poller->greeted && poller->seen > poller->acked)
			ret[n++] = (struct record_ack){poller->instance, poller->seen};
	}
	return n;
}

void pollers_committed(struct pollers *pollers)
{
	for (size_t i = 0; i < POLLERS_MAX; i++) {
		struct poller *poller = pollers->list[i];

		/* a poller that cannot be told reads again what it holds: no harm */
		if (poller && poller->greeted && poller->seen > poller->acked)
			(void)send_ack(poller);
	}
}

/* whoever connects and does not say who it is must not keep a place for ever */
static void drop_silent(struct pollers *pollers, struct stamp now)
{
	for (size_t i = 0; i < POLLERS_MAX; i++) {
		struct poller *poller = pollers->list[i];

		if (!poller || poller->greeted || now.mono_ms - poller->since_ms < HELLO_MS)
			continue;
		log_warning("a connection to the poller's socket said no hello and was closed");
		(void)peer_free(poller->peer);
		forget(pollers, poller);
	}
}

void pollers_tick(struct pollers *pollers, struct stamp now)
{
	peer_listen_again(pollers->listener);
	drop_silent(pollers, now);
	losses_say(&pollers->losses, pollers->service, false);
	for (size_t i = 0; i < pollers->n_slots; i++) {
		struct slot *slot = &pollers->slots[i];
		struct event event = event_plain(EVENT_POLLER_SILENT, now);

		if (now.mono_ms - slot->heard_ms < SERVICE_SILENCE_MS)
			continue;
		if (!slot->silent) {
			slot->silent = true;
			event.reason = slot->poller ? "it is connected but sends nothing"
						    : "none is connected";
			core_event(pollers->service->core, &event);
		}
		core_tick(pollers->service->core, i, now); /* somebody must say that time passes */
	}
}

void pollers_try(struct pollers *pollers)
{
	for (size_t i = 0; i < POLLERS_MAX; i++)
		if (pollers->list[i] && pollers->list[i]->greeted)
			(void)sandboxes_ask(pollers->service, SANDBOX_POLLER,
					    pollers->list[i]->peer);
}

int pollers_replan(struct pollers *pollers)
{
	int r = make_slots(pollers);

	for (size_t i = 0; i < POLLERS_MAX; i++)
		if (pollers->list[i])
			pollers->list[i]->slot = STANDBY;
	/* first those whose work has not changed, or another could take it from them */
	for (int rest = 0; rest <= 1; rest++)
		for (size_t i = 0; r == 0 && i < POLLERS_MAX; i++) {
			struct poller *poller = pollers->list[i];

			if (poller && poller->greeted && poller->slot == STANDBY &&
			    (rest || has_slot(pollers, poller)))
				r = assign(pollers, poller);
		}
	return r;
}

const struct wire_link_report *pollers_link(const struct pollers *pollers, size_t link)
{
	return link < pollers->n_links && pollers->links[link].key ? &pollers->links[link] : NULL;
}

bool pollers_is_served(const struct pollers *pollers, size_t slot)
{
	return slot < pollers->n_slots && pollers->slots[slot].poller;
}

bool pollers_is_silent(const struct pollers *pollers, size_t slot)
{
	return slot < pollers->n_slots && pollers->slots[slot].silent;
}
