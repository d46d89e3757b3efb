/* SPDX-License-Identifier: Apache-2.0 */
/* The connection to the sender: who may be it, what it says, and when it is gone. */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/log.h"
#include "core/delivery_inside.h"
#include "core/sandboxes.h"

#define HELLO_MS 5000 /* a connection that says nothing for so long is closed */

static struct newcomer *newcomer_of(struct delivery *delivery, const struct peer *peer)
{
	for (size_t i = 0; i < DELIVERY_NEWCOMERS_MAX; i++)
		if (delivery->newcomers[i].peer == peer)
			return &delivery->newcomers[i];
	return NULL;
}

/* The first one counts, or two of them would push each other out for ever; one that is dead
 * closes its connection, and one that hangs is found by is_hanging(). */
static void say_one_too_many(struct delivery *delivery)
{
	if (!delivery->one_too_many)
		log_warning("one more sender has connected and was refused; one is enough");
	delivery->one_too_many = true;
}

static int greet(struct delivery *delivery, struct newcomer *newcomer,
		 const struct wire_hello *hello)
{
	struct peer *peer = newcomer->peer;
	struct wire_hello answer;
	const char *why;
	int r;

	if (wire_hello_check(hello, WIRE_ROLE_SENDER, &why) < 0) {
		if (peer_may_say())
			log_err("a sender was refused: %s", why);
		return -EPROTO;
	}
	if (delivery->sender) {
		say_one_too_many(delivery);
		return -EBUSY;
	}
	newcomer->peer = NULL;
	delivery->sender = peer;
	delivery->one_too_many = false;
	wire_hello_init(&answer, WIRE_ROLE_CORE, 0);
	r = peer_send(peer, &answer, sizeof(answer));
	return r < 0 ? r : sandboxes_ask(delivery->service, SANDBOX_SENDER, peer);
}

void delivery_try(struct delivery *delivery)
{
	if (delivery->sender)
		(void)sandboxes_ask(delivery->service, SANDBOX_SENDER, delivery->sender);
}

static int on_packet(void *userdata, struct peer *peer, void *packet, size_t n)
{
	struct delivery *delivery = userdata;
	struct newcomer *newcomer = newcomer_of(delivery, peer);
	const struct wire_header *header = packet;
	const struct wire_result *result = packet;

	(void)n;
	if (newcomer)
		return greet(delivery, newcomer, packet);
	if (header->type == WIRE_RESULT)
		delivery_result(delivery, result);
	else if (header->type == WIRE_TRIALS)
		sandboxes_told(delivery->service, SANDBOX_SENDER, packet);
	else
		return -EPROTO;
	return 0;
}

static void on_drained(void *userdata, struct peer *peer)
{
	struct delivery *delivery = userdata;

	(void)peer;
	service_flush(delivery->service);
	delivery_pump(delivery);
}

static void on_gone(void *userdata, struct peer *peer, const char *why)
{
	struct delivery *delivery = userdata;
	struct newcomer *newcomer = newcomer_of(delivery, peer);

	if (newcomer) {
		newcomer->peer = NULL;
		if (peer_may_say())
			log_warning("a connection to the sender's socket is closed: %s", why);
		return;
	}
	if (peer_may_say())
		log_warning("the sender is gone: %s; reports wait until it is back", why);
	delivery->sender = NULL;
	delivery_end_attempts(delivery);
}

static const struct peer_handler handler = {
	.packet = on_packet,
	.drained = on_drained,
	.gone = on_gone,
};

static int on_connection(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct delivery *delivery = userdata;
	struct newcomer *newcomer = newcomer_of(delivery, NULL);
	int peer = peer_accept(source, fd, "wastewatch-sender", "sender", &delivery->starved);
	int r;

	(void)events;
	if (peer < 0)
		return 0;
	if (delivery->sender || !newcomer) {
		say_one_too_many(delivery);
		(void)close(peer);
		return 0;
	}
	newcomer->since_ms = service_now(delivery->service).mono_ms;
	r = peer_new(&newcomer->peer, delivery->service->event, peer, &handler, delivery,
		     delivery->service->packet);
	if (r < 0)
		log_err("the sender cannot be served: %s", strerror(-r));
	return 0;
}

void delivery_drop_silent(struct delivery *delivery, struct stamp now)
{
	for (size_t i = 0; i < DELIVERY_NEWCOMERS_MAX; i++) {
		struct newcomer *newcomer = &delivery->newcomers[i];

		if (!newcomer->peer || now.mono_ms - newcomer->since_ms < HELLO_MS)
			continue;
		log_warning("a connection to the sender's socket said no hello and was closed");
		newcomer->peer = peer_free(newcomer->peer);
	}
}

int delivery_listen(struct delivery *delivery, int listener)
{
	return sd_event_add_io(delivery->service->event, &delivery->listener, listener, EPOLLIN,
			       on_connection, delivery);
}

void delivery_hang_up(struct delivery *delivery)
{
	delivery->sender = peer_free(delivery->sender);
	for (size_t i = 0; i < DELIVERY_NEWCOMERS_MAX; i++)
		delivery->newcomers[i].peer = peer_free(delivery->newcomers[i].peer);
	delivery->listener = sd_event_source_disable_unref(delivery->listener);
}
