/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/log.h"
#include "core/anchoring.h"
#include "core/delivery_job.h"
#include "core/files.h"
#include "core/outbox.h"
#include "core/service.h"

#define ANSWER_GRACE_MS 15000 /* after the attempt's own deadline: the sender hangs */
#define HELLO_MS	5000  /* a connection that says nothing for so long is closed */
#define NEWCOMERS_MAX	4
#define REFUSED		400 /* what a report that cannot be sent as it is counts as */

/**
 * struct endpoint - a destination and the attempt that is under way
 * @job: the report being sent; @job.id 0 none
 * @attempt: number of the attempt; a result of an earlier one is not taken for this one's
 * @started_ms: monotonic
 * @next_ms: UTC; nothing is due before. 0: look again
 */
struct endpoint {
	struct record_job job;
	uint64_t attempt;
	int64_t started_ms;
	int64_t next_ms;
};

/** struct newcomer - a connection that has not said yet who it is; @since_ms: monotonic */
struct newcomer {
	struct peer *peer;
	int64_t since_ms;
};

struct delivery {
	struct service *service;
	sd_event_source *listener;
	struct peer *sender; /* has said hello; NULL none */
	struct newcomer newcomers[NEWCOMERS_MAX];
	bool one_too_many; /* said; once per sender that is served */
	bool starved;	   /* said: no descriptor was free for a connection */
	struct endpoint *endpoints;
	size_t n_endpoints;
	uint64_t n_attempts;
	uint8_t *packet; /* WIRE_PACKET_MAX bytes */
};

static void end_attempts(struct delivery *delivery)
{
	for (size_t i = 0; i < delivery->n_endpoints; i++) {
		record_job_done(&delivery->endpoints[i].job);
		delivery->endpoints[i].next_ms = 0;
	}
}

static void text_of(char *to, size_t room, const uint8_t *from, size_t n)
{
	size_t length = 0;

	for (size_t i = 0; i < n && length + 1 < room; i++)
		if (from[i] >= 0x20 && from[i] < 0x7f)
			to[length++] = (char)from[i];
	to[length] = '\0';
}

/* "HTTP 503: try later", or the sender's own sentence */
static void describe(const struct wire_result *result, char *text, size_t n)
{
	const uint8_t *texts = (const uint8_t *)(result + 1);
	char words[256];

	if (result->n_error > 0)
		text_of(words, sizeof(words), texts, result->n_error);
	else
		text_of(words, sizeof(words), texts + result->n_error, result->n_answer);
	if (result->http_status && result->n_error == 0)
		(void)snprintf(text, n, "HTTP %d%s%s", result->http_status, *words ? ": " : "",
			       words);
	else
		(void)snprintf(text, n, "%s", words);
}

static bool is_files(const struct delivery *delivery, const struct endpoint *endpoint)
{
	size_t i = (size_t)(endpoint - delivery->endpoints);

	return delivery->service->config->destinations[i].kind == DESTINATION_FILES;
}

static void say_result(struct delivery *delivery, const struct endpoint *endpoint,
		       enum outbox_verdict verdict, const char *words)
{
	struct service *service = delivery->service;
	size_t i = (size_t)(endpoint - delivery->endpoints);
	struct event event = event_plain(verdict == OUTBOX_DELIVERED ? EVENT_REPORT_DELIVERED
								     : EVENT_REPORT_HELD,
					 service_now(service));

	if (verdict == OUTBOX_RETRY || (verdict == OUTBOX_REFUSED && endpoint->job.held))
		return; /* one entry per change, not per attempt */
	if (verdict == OUTBOX_DELIVERED && endpoint->job.lane == FILES_LANE && !endpoint->job.held)
		return; /* see files.h */
	event.name = service->config->destinations[i].name;
	event.report = endpoint->job.webhook_id;
	event.number = endpoint->job.attempts + 1;
	event.reason = verdict == OUTBOX_DELIVERED ? NULL : words;
	core_event(service->core, &event);
}

static uint32_t spread(void)
{
	uint32_t random = 1000; /* only the spread of the waits hangs on it */

	(void)!getrandom(&random, sizeof(random), GRND_NONBLOCK);
	return random;
}

/* A file that was refused counts as held until it is delivered, whatever its attempts end with
 * in between: one entry, not one for each change of the answer. A report may become pending
 * again, which is what lets it go at once when the receiver is back. */
static enum record_report_state state_of(const struct record_job *job, enum outbox_verdict verdict)
{
	switch (verdict) {
	case OUTBOX_DELIVERED:
		return REPORT_SENT;
	case OUTBOX_REFUSED:
		return REPORT_HELD;
	case OUTBOX_RETRY:
		break;
	}
	return job->held && job->lane == FILES_LANE ? REPORT_HELD : REPORT_PENDING;
}

/* @http_status: the one that came, 0 none */
static void settle(struct delivery *delivery, struct endpoint *endpoint,
		   struct outbox_decision decision, int http_status, const char *words)
{
	struct service *service = delivery->service;
	uint32_t attempts = endpoint->job.attempts + 1;
	struct stamp now = service_now(service);

	service_add_delivery(service,
			     &(struct record_delivery){
				     .id = endpoint->job.id,
				     .state = state_of(&endpoint->job, decision.verdict),
				     .attempts = attempts,
				     .next_ms = now.wall_ms + decision.wait_ms,
				     .at_ms = now.wall_ms,
				     .http_status = http_status,
				     .error = decision.verdict == OUTBOX_DELIVERED ? NULL : words,
			     });
	say_result(delivery, endpoint, decision.verdict, words);
	if (decision.verdict == OUTBOX_RETRY && attempts == 1)
		log_warning("%s could not be delivered (%s); it will be tried again until it is",
			    endpoint->job.webhook_id, words);
	record_job_done(&endpoint->job);
	endpoint->next_ms = 0;
}

static void finish(struct delivery *delivery, struct endpoint *endpoint,
		   const struct wire_result *result)
{
	uint32_t attempts = endpoint->job.attempts + 1;
	struct outbox_decision decision;
	char words[512];

	describe(result, words, sizeof(words));
	if (is_files(delivery, endpoint))
		decision = outbox_decide_upload(attempts, result->uploaded == 1, result->curl_code,
						spread());
	else
		decision = outbox_decide(attempts,
					 anchoring_answer(delivery->service,
							  (size_t)(endpoint - delivery->endpoints),
							  &endpoint->job, result),
					 result->retry_after_s, spread());
	settle(delivery, endpoint, decision, result->http_status, words);
}

static struct newcomer *newcomer_of(struct delivery *delivery, const struct peer *peer)
{
	for (size_t i = 0; i < NEWCOMERS_MAX; i++)
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

	if (wire_hello_check(hello, WIRE_ROLE_SENDER, &why) < 0) {
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
	return peer_send(peer, &answer, sizeof(answer));
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
	if (header->type != WIRE_RESULT)
		return -EPROTO;
	for (size_t i = 0; i < delivery->n_endpoints; i++)
		if (delivery->endpoints[i].job.id && delivery->endpoints[i].attempt == result->id) {
			finish(delivery, &delivery->endpoints[i], result);
			return 0;
		}
	return 0; /* of an attempt that this core has given up or never knew */
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
		log_warning("a connection to the sender's socket is closed: %s", why);
		return;
	}
	log_warning("the sender is gone: %s; reports wait until it is back", why);
	delivery->sender = NULL;
	end_attempts(delivery);
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

/* whoever connects and does not say who it is must not keep a place for ever */
static void drop_silent(struct delivery *delivery, struct stamp now)
{
	for (size_t i = 0; i < NEWCOMERS_MAX; i++) {
		struct newcomer *newcomer = &delivery->newcomers[i];

		if (!newcomer->peer || now.mono_ms - newcomer->since_ms < HELLO_MS)
			continue;
		log_warning("a connection to the sender's socket said no hello and was closed");
		newcomer->peer = peer_free(newcomer->peer);
	}
}

static int hand_over(struct delivery *delivery, const struct endpoint *endpoint, bool *ret_is_whole)
{
	struct service *service = delivery->service;
	size_t n;
	int r = delivery_job_make(
		&(struct delivery_attempt){
			.config = service->config,
			.keys = &service->keys,
			.destination = (size_t)(endpoint - delivery->endpoints),
			.job = &endpoint->job,
			.id = endpoint->attempt,
			.now_s = service_now(service).wall_ms / MS_PER_S,
		},
		delivery->packet, &n);

	*ret_is_whole = r == 0;
	return r == 0 ? peer_send(delivery->sender, delivery->packet, n) : r;
}

static void begin(struct delivery *delivery, struct endpoint *endpoint)
{
	char words[128];
	bool is_whole;
	int r;

	endpoint->attempt = ++delivery->n_attempts;
	r = hand_over(delivery, endpoint, &is_whole);
	endpoint->started_ms = service_now(delivery->service).mono_ms;
	if (r == 0)
		return;
	log_err("report %s cannot be handed to the sender: %s", endpoint->job.webhook_id,
		strerror(-r));
	if (r == -ENOMEM || is_whole) {
		/* not the report's fault: the sender has just gone, or takes nothing now */
		record_job_done(&endpoint->job);
		endpoint->next_ms = service_now(delivery->service).wall_ms + 5 * MS_PER_S;
		return;
	}
	/* it cannot be sent as it is, and must not keep the others back: as if refused */
	(void)snprintf(words, sizeof(words), "it cannot be handed to the sender: %s", strerror(-r));
	settle(delivery, endpoint, outbox_decide(endpoint->job.attempts + 1, REFUSED, -1, spread()),
	       0, words);
}

static void pump_endpoint(struct delivery *delivery, struct endpoint *endpoint, struct stamp now)
{
	const char *name = delivery->service->config->destinations[endpoint - delivery->endpoints]
				   .name;
	int r;

	if (endpoint->job.id ||
	    (endpoint->next_ms > now.wall_ms && endpoint->next_ms - now.wall_ms < MS_PER_MIN))
		return;
	r = record_next_job(delivery->service->record, name, is_files(delivery, endpoint),
			    now.wall_ms, &endpoint->job, &endpoint->next_ms);
	if (r < 0)
		log_err("the outbox cannot be read: %s", record_error(delivery->service->record));
	else if (r == 1)
		begin(delivery, endpoint);
}

static bool is_hanging(const struct delivery *delivery, struct stamp now)
{
	for (size_t i = 0; i < delivery->n_endpoints; i++)
		if (delivery->endpoints[i].job.id &&
		    now.mono_ms - delivery->endpoints[i].started_ms >
			    OUTBOX_TOTAL_MS + ANSWER_GRACE_MS)
			return true;
	return false;
}

void delivery_pump(struct delivery *delivery)
{
	struct stamp now = service_now(delivery->service);

	/* what came of an attempt and is not in the record yet would be tried once more */
	if (!delivery->sender || delivery->service->n_deliveries > 0)
		return;
	if (is_hanging(delivery, now)) {
		log_err("the sender does not answer; its connection is closed so that it begins "
			"anew; see: systemctl status wastewatch-sender");
		delivery->sender = peer_free(delivery->sender);
		end_attempts(delivery);
		return;
	}
	for (size_t i = 0; i < delivery->n_endpoints; i++)
		pump_endpoint(delivery, &delivery->endpoints[i], now);
}

void delivery_tick(struct delivery *delivery)
{
	peer_listen_again(delivery->listener);
	drop_silent(delivery, service_now(delivery->service));
	delivery_pump(delivery);
}

void delivery_look(struct delivery *delivery)
{
	for (size_t i = 0; i < delivery->n_endpoints; i++)
		delivery->endpoints[i].next_ms = 0;
	delivery_pump(delivery);
}

int delivery_reset(struct delivery *delivery)
{
	size_t n = delivery->service->config->n_destinations;
	struct endpoint *endpoints = calloc(n + 1, sizeof(*endpoints));

	if (!endpoints)
		return -ENOMEM;
	end_attempts(delivery);
	free(delivery->endpoints);
	delivery->endpoints = endpoints;
	delivery->n_endpoints = n;
	return 0;
}

int delivery_open(struct delivery **ret, struct service *service, int listener)
{
	struct delivery *delivery = calloc(1, sizeof(*delivery));
	int r;

	if (!delivery)
		return -ENOMEM;
	delivery->service = service;
	delivery->packet = malloc(WIRE_PACKET_MAX);
	r = delivery->packet ? delivery_reset(delivery) : -ENOMEM;
	if (r == 0)
		r = sd_event_add_io(service->event, &delivery->listener, listener, EPOLLIN,
				    on_connection, delivery);
	if (r < 0) {
		(void)delivery_close(delivery);
		return r;
	}
	*ret = delivery;
	return 0;
}

struct delivery *delivery_close(struct delivery *delivery)
{
	if (!delivery)
		return NULL;
	(void)peer_free(delivery->sender);
	for (size_t i = 0; i < NEWCOMERS_MAX; i++)
		(void)peer_free(delivery->newcomers[i].peer);
	(void)sd_event_source_disable_unref(delivery->listener);
	end_attempts(delivery);
	free(delivery->endpoints);
	free(delivery->packet);
	free(delivery);
	return NULL;
}

bool delivery_has_sender(const struct delivery *delivery)
{
	return delivery->sender;
}
