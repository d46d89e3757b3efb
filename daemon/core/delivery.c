/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/log.h"
#include "core/anchoring.h"
#include "core/chain.h"
#include "core/delivery_inside.h"
#include "core/delivery_job.h"
#include "core/files.h"
#include "core/legacy.h"

#define ANSWER_GRACE_MS 15000 /* after the attempt's own deadline: the sender hangs */
#define LACKING_WAIT_MS (5 * MS_PER_MIN)
#define WALK_PAUSE_US	10000 /* between pieces of 2 ms */
#define REFUSED		400   /* what a report that cannot be sent as it is counts as */

static void end_attempt(struct endpoint *endpoint)
{
	record_job_done(&endpoint->job);
	endpoint->unstored = NULL;
	endpoint->attempt = 0;
	endpoint->next_ms = 0;
}

void delivery_end_attempts(struct delivery *delivery)
{
	for (size_t i = 0; i < delivery->n_endpoints; i++)
		end_attempt(&delivery->endpoints[i]);
}

static void text_of(char *to, size_t room, const uint8_t *from, size_t n)
{
	size_t length = 0;

	for (size_t i = 0; i < n && length + 1 < room; i++)
		if (from[i] >= 0x20 && from[i] < 0x7f)
			to[length++] = (char)from[i];
	to[length] = '\0';
}

void delivery_words(const struct wire_result *result, char *text, size_t n)
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

	if (verdict == OUTBOX_RETRY || verdict == OUTBOX_GONE ||
	    (verdict == OUTBOX_REFUSED && endpoint->job.held))
		return; /* one entry per change, not per attempt */
	if (verdict == OUTBOX_DELIVERED && endpoint->job.lane == FILES_LANE && !endpoint->job.held)
		return; /* see files.h */
	event.name = service->config->destinations[i].name;
	event.report = endpoint->job.webhook_id;
	event.number = endpoint->job.attempts + 1;
	event.reason = verdict == OUTBOX_DELIVERED ? NULL : words;
	core_event(service->core, &event);
}

uint32_t delivery_random(void)
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
	case OUTBOX_GONE:
		break;
	}
	return job->held && job->lane == FILES_LANE ? REPORT_HELD : REPORT_PENDING;
}

static enum outbox_urgency urgency_of(const struct record_job *job)
{
	if (job->lane == 0) /* what is not stored, too */
		return OUTBOX_EMERGENCY;
	return job->type && strcmp(job->type, REPORT_FIRST) == 0 ? OUTBOX_FIRST : OUTBOX_ORDINARY;
}

static void settle_stored(struct delivery *delivery, struct endpoint *endpoint,
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
				     .lane = endpoint->job.lane,
				     .error = decision.verdict == OUTBOX_DELIVERED ? NULL : words,
			     });
	say_result(delivery, endpoint, decision.verdict, words);
	if (decision.verdict == OUTBOX_RETRY && attempts == 1)
		log_warning("%s could not be delivered (%s); it will be tried again until it is",
			    endpoint->job.webhook_id, words);
}

/* @http_status: the one that came, 0 none */
static void settle(struct delivery *delivery, struct endpoint *endpoint,
		   struct outbox_decision decision, int http_status, const char *words)
{
	struct unstored *unstored = endpoint->unstored;

	if (endpoint->job.id)
		settle_stored(delivery, endpoint, decision, http_status, words);
	end_attempt(endpoint);
	if (unstored)
		unstored_settle(delivery, unstored, decision, words);
}

/* what the answer says of the destination, not of the report alone */
static void judge_destination(struct delivery *delivery, struct endpoint *endpoint,
			      struct outbox_decision decision, const struct wire_result *result,
			      const char *words)
{
	/* one station's directory says nothing of the others' */
	if (!is_files(delivery, endpoint))
		outbox_gate_settle(&endpoint->gate, decision, result->retry_after_s,
				   service_now(delivery->service).mono_ms, delivery_random());
	if (decision.verdict == OUTBOX_GONE)
		delivery_pause(delivery, endpoint, endpoint->job.webhook_id, words);
}

static void finish(struct delivery *delivery, struct endpoint *endpoint,
		   const struct wire_result *result)
{
	uint32_t attempts = endpoint->job.attempts + 1;
	struct stamp now = service_now(delivery->service);
	int64_t set_ms = now.wall_ms - endpoint->stamped_ms - (now.mono_ms - endpoint->started_ms);
	struct outbox_decision decision;
	char words[DELIVERY_WORDS_MAX];

	delivery_words(result, words, sizeof(words));
	if (is_files(delivery, endpoint))
		decision = outbox_decide_upload(attempts, result->uploaded == 1, result->curl_code,
						delivery_random());
	else
		decision = outbox_decide(attempts,
					 anchoring_answer(delivery->service,
							  (size_t)(endpoint - delivery->endpoints),
							  &endpoint->job, result, set_ms),
					 result->retry_after_s, delivery_random());
	decision = outbox_hasten(decision, urgency_of(&endpoint->job));
	/* refused for a signature that is missing here: soon after it is there again, it goes */
	if (keys_is_lacking(&delivery->service->keys, (size_t)(endpoint - delivery->endpoints)))
		decision.wait_ms = MIN(decision.wait_ms, LACKING_WAIT_MS);
	judge_destination(delivery, endpoint, decision, result, words);
	settle(delivery, endpoint, decision, result->http_status, words);
}

void delivery_result(struct delivery *delivery, const struct wire_result *result)
{
	for (size_t i = 0; i < delivery->n_endpoints; i++)
		if (delivery->endpoints[i].attempt &&
		    delivery->endpoints[i].attempt == result->id) {
			finish(delivery, &delivery->endpoints[i], result);
			return;
		}
	/* else of an attempt that this core has given up or never knew */
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
			.now_s = endpoint->stamped_ms / MS_PER_S,
		},
		delivery->packet, &n);

	*ret_is_whole = r == 0;
	return r == 0 ? peer_send(delivery->sender, delivery->packet, n) : r;
}

static void begin(struct delivery *delivery, struct endpoint *endpoint)
{
	struct stamp now = service_now(delivery->service);
	char words[128];
	bool is_whole;
	int r;

	endpoint->attempt = ++delivery->n_attempts;
	endpoint->started_ms = now.mono_ms;
	endpoint->stamped_ms = now.wall_ms;
	r = hand_over(delivery, endpoint, &is_whole);
	if (r == 0)
		return;
	log_err("report %s cannot be handed to the sender: %s", endpoint->job.webhook_id,
		strerror(-r));
	if (r == -ENOMEM || is_whole) {
		/* not the report's fault: the sender has just gone, or takes nothing now */
		if (endpoint->unstored)
			endpoint->unstored->next_ms = endpoint->started_ms + 5 * MS_PER_S;
		end_attempt(endpoint);
		endpoint->next_ms = now.wall_ms + 5 * MS_PER_S;
		return;
	}
	/* it cannot be sent as it is, and must not keep the others back: as if refused */
	(void)snprintf(words, sizeof(words), "it cannot be handed to the sender: %s", strerror(-r));
	settle(delivery, endpoint,
	       outbox_decide(endpoint->job.attempts + 1, REFUSED, -1, delivery_random()), 0, words);
}

static const struct config_destination *config_of(const struct delivery *delivery,
						  const struct endpoint *endpoint)
{
	return &delivery->service->config->destinations[endpoint - delivery->endpoints];
}

static void pump_unstored(struct delivery *delivery, struct endpoint *endpoint, struct stamp now)
{
	struct unstored *unstored = NULL;

	if (!endpoint->attempt && !endpoint->paused)
		unstored = unstored_next(delivery, config_of(delivery, endpoint)->name,
					 now.mono_ms);
	if (!unstored)
		return;
	if (unstored_job(unstored, &endpoint->job) < 0) {
		unstored->next_ms = now.mono_ms + MS_PER_S;
		return;
	}
	endpoint->unstored = unstored;
	begin(delivery, endpoint);
}

static int on_walker(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct delivery *delivery = userdata;

	(void)usec;
	(void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
	if (!delivery->service->failed)
		delivery_pump(delivery);
	return 0;
}

/* the next piece of the way comes when others have had their turn */
static void pump_later(struct delivery *delivery, uint64_t pause_us)
{
	(void)sd_event_source_set_time_relative(delivery->walker, pause_us);
	(void)sd_event_source_set_enabled(delivery->walker, SD_EVENT_ONESHOT);
}

void delivery_look_later(struct delivery *delivery)
{
	for (size_t i = 0; i < delivery->n_endpoints; i++)
		delivery->endpoints[i].next_ms = 0;
	pump_later(delivery, 0);
}

/* what somebody has altered in the record stands aside, and the others go on */
static bool is_whole(struct delivery *delivery, struct endpoint *endpoint)
{
	struct service *service = delivery->service;
	const struct record_job *job = &endpoint->job;
	const char *destination = config_of(delivery, endpoint)->name;
	struct stamp now = service_now(service);
	char words[RECORD_WORDS_MAX];
	struct verify trusted;
	int r;

	if (job->fixed == 0 && legacy_wants(service->legacy, job->id)) {
		end_attempt(endpoint);
		endpoint->next_ms = now.wall_ms + 5 * MS_PER_S; /* it is looked for when it is */
		return false;
	}
	verify_begin(&trusted, NULL, VERIFY_LENIENT);
	chain_trust(service, &trusted);
	r = record_is_whole(service->record, delivery->walk, destination, job, &trusted, words);
	if (r > 0)
		return true;
	if (r == -EINPROGRESS) {
		pump_later(delivery, WALK_PAUSE_US);
	} else if (r == 0) {
		chain_altered(service, destination, job, words);
		service_add_delivery(service, &(struct record_delivery){
						      .id = job->id,
						      .state = REPORT_STOPPED,
						      .attempts = job->attempts,
						      .at_ms = now.wall_ms,
						      .error = words,
					      });
	} else {
		log_err("report %s cannot be checked: %s", job->webhook_id, strerror(-r));
	}
	end_attempt(endpoint);
	endpoint->next_ms = r < 0 && r != -EINPROGRESS ? now.wall_ms + 5 * MS_PER_S : 0;
	return false;
}

static void pump_endpoint(struct delivery *delivery, struct endpoint *endpoint, struct stamp now)
{
	const struct config_destination *destination = config_of(delivery, endpoint);
	struct record_ask ask = {
		.destination = destination->name,
		.files = is_files(delivery, endpoint),
		.now_ms = now.wall_ms,
	};
	bool open = outbox_gate_is_open(&endpoint->gate, destination->per_min, now.mono_ms);
	char *but = NULL;
	int r;

	if (endpoint->attempt || endpoint->paused || (!open && ask.files) ||
	    (endpoint->next_ms > now.wall_ms && endpoint->next_ms - now.wall_ms < MS_PER_MIN))
		return;
	ask.firsts = !open && !ask.files &&
		     outbox_gate_lets_first(&endpoint->gate, destination->per_min, now.mono_ms);
	ask.emergencies = !open && !ask.firsts;
	if (delivery_but(delivery, now.wall_ms, &but) < 0)
		return;
	ask.but = but;
	r = record_next_job(delivery->service->record, &ask, &endpoint->job, &endpoint->next_ms);
	free(but);
	delivery_recall(delivery, &endpoint->job);
	if (but &&
	    r == 0) /* what is not stored yet is due at a time that the record does not know */
		endpoint->next_ms = MIN(endpoint->next_ms, now.wall_ms + MS_PER_S);
	if (r < 0) {
		log_err("the outbox cannot be read: %s", record_error(delivery->service->record));
	} else if (r == 1 && is_whole(delivery, endpoint)) {
		if (endpoint->job.lane > 0)
			outbox_gate_take(&endpoint->gate, destination->per_min, now.mono_ms);
		begin(delivery, endpoint);
	} else if (r == 0 && !open) {
		endpoint->next_ms = 0; /* of what waits at the gate */
	}
}

static bool is_hanging(const struct delivery *delivery, struct stamp now)
{
	for (size_t i = 0; i < delivery->n_endpoints; i++)
		if (delivery->endpoints[i].attempt &&
		    now.mono_ms - delivery->endpoints[i].started_ms >
			    OUTBOX_TOTAL_MS + ANSWER_GRACE_MS)
			return true;
	return false;
}

void delivery_pump(struct delivery *delivery)
{
	struct stamp now = service_now(delivery->service);

	if (!delivery->sender)
		return;
	if (is_hanging(delivery, now)) {
		log_err("the sender does not answer; its connection is closed so that it begins "
			"anew; see: systemctl status wastewatch-sender");
		delivery->sender = peer_free(delivery->sender);
		delivery_end_attempts(delivery);
		return;
	}
	delivery->walk->budget = RECORD_WALK_ENTRIES;
	for (size_t i = 0; i < delivery->n_endpoints; i++)
		pump_unstored(delivery, &delivery->endpoints[i], now);
	/* what came of an attempt and is not in the record yet would be tried once more */
	for (size_t i = 0; delivery_may_pump(delivery) && i < delivery->n_endpoints; i++)
		pump_endpoint(delivery, &delivery->endpoints[i], now);
}

void delivery_tick(struct delivery *delivery)
{
	peer_listen_again(delivery->listener);
	delivery_drop_silent(delivery, service_now(delivery->service));
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
	struct record_pause *pauses = calloc(n + 1, sizeof(*pauses));
	int64_t *in_flight = calloc(n + 1, sizeof(*in_flight));

	if (!endpoints || !pauses || !in_flight) {
		free(endpoints);
		free(pauses);
		free(in_flight);
		return -ENOMEM;
	}
	delivery_end_attempts(delivery);
	record_walk_forget(delivery->walk);
	free(delivery->endpoints);
	free(delivery->pauses);
	free(delivery->in_flight);
	delivery->endpoints = endpoints;
	delivery->pauses = pauses;
	delivery->in_flight = in_flight;
	delivery->n_endpoints = n;
	return delivery_load_pauses(delivery);
}

int delivery_open(struct delivery **ret, struct service *service, int listener)
{
	struct delivery *delivery = calloc(1, sizeof(*delivery));
	int r;

	if (!delivery)
		return -ENOMEM;
	delivery->service = service;
	delivery->packet = malloc(WIRE_PACKET_MAX);
	delivery->walk = calloc(1, sizeof(*delivery->walk));
	r = delivery->packet && delivery->walk ? delivery_reset(delivery) : -ENOMEM;
	if (r == 0)
		r = sd_event_add_time_relative(service->event, &delivery->walker, CLOCK_BOOTTIME,
					       UINT64_MAX / 2, 0, on_walker, delivery);
	if (r >= 0)
		r = sd_event_source_set_enabled(delivery->walker, SD_EVENT_OFF);
	if (r >= 0)
		r = delivery_listen(delivery, listener);
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
	delivery_hang_up(delivery);
	delivery_end_attempts(delivery);
	unstored_done(delivery);
	free(delivery->endpoints);
	free(delivery->pauses);
	free(delivery->in_flight);
	(void)sd_event_source_disable_unref(delivery->walker);
	free(delivery->walk);
	free(delivery->packet);
	free(delivery);
	return NULL;
}

bool delivery_has_sender(const struct delivery *delivery)
{
	return delivery->sender;
}
