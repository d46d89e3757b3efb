/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports that the record could not take: delivery with a sender at the other end of its socket,
 * and a record that holds nothing, or one more.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/wire.h"
#include "core/anchoring.h"
#include "core/chain.h"
#include "core/delivery_inside.h"

static char t_origin[] = "test", t_one[] = "one", t_two[] = "two", t_files[] = "files",
	    t_url[] = "http://127.0.0.1:9/", t_empty[] = "", t_ftp[] = "ftp://127.0.0.1/";

#define DESTINATION(n, u, k)                                                                  \
	{                                                                                     \
		.name = (n), .kind = (k), .url = (u), .hmac_secret = t_empty, .ca = t_empty,  \
		.certificate = t_empty, .key = t_empty, .user = t_empty, .password = t_empty, \
		.host_key = t_empty, .per_min = 600                                           \
	}
static struct config_destination destinations[] = {
	DESTINATION(t_one, t_url, DESTINATION_REPORTS),
	DESTINATION(t_two, t_url, DESTINATION_REPORTS),
	DESTINATION(t_files, t_ftp, DESTINATION_FILES),
};
static struct config config = {.origin = t_origin,
			       .minute_retention_days = 60,
			       .destinations = destinations,
			       .n_destinations = 3};

struct rig {
	char directory[64];
	struct service service;
	int listener;
	int sender; /* the sender's end */
	struct chain end;
	uint8_t packet[WIRE_PACKET_MAX] __attribute__((aligned(8)));
	uint8_t buffer[WIRE_PACKET_MAX] __attribute__((aligned(8)));
	char told[512]; /* what on_done() has heard */
};

static void turn(struct rig *rig)
{
	for (int i = 0; i < 20; i++)
		assert_true(sd_event_run(rig->service.event, 0) >= 0);
}

static void put_report(struct rig *rig, const char *id, const char *body)
{
	struct record_fixed fixed = {0};
	struct record_commit commit = {.config = &config,
				       .batch = &rig->service.batch,
				       .head_key = rig->service.keys.own[0],
				       .chain = rig->end,
				       .fixed = &fixed,
				       .state = "x",
				       .n_state = 1,
				       .now = {1, 1}};
	struct batch_report *report = batch_add(&rig->service.batch, reports);

	assert_non_null(report);
	*report = (struct batch_report){.webhook_id = strdup(id),
					.type = strdup("incident.opened"),
					.incident = strdup(id),
					.body = strdup(body),
					.created_ms = 1};
	assert_int_equal(record_commit(rig->service.record, &commit), 0);
	rig->end = fixed.chain;
	record_fixed_done(&fixed);
	batch_clear(&rig->service.batch);
}

static void connect_sender(struct rig *rig)
{
	struct wire_hello hello;
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/sender.sock", rig->directory);
	rig->sender = wire_connect(path);
	assert_true(rig->sender >= 0);
	wire_hello_init(&hello, WIRE_ROLE_SENDER, 1);
	assert_int_equal(wire_send(rig->sender, &hello, sizeof(hello)), 0);
	turn(rig);
	assert_true(wire_receive(rig->sender, rig->buffer) > 0);
	assert_int_equal(((struct wire_header *)(void *)rig->buffer)->type, WIRE_HELLO);
}

static int set_up(void **state)
{
	static const char seed[] = "whsk_VEVTVFNJR05JTkdLRVlET05PVFVTRVRISVNGT1JBTlk=";
	struct rig *rig = calloc(1, sizeof(*rig));
	struct record_start start;
	char path[128], error[RECORD_ERROR_MAX] = "";

	assert_non_null(rig);
	(void)strcpy(rig->directory, "/tmp/test-delivery-XXXXXX");
	assert_non_null(mkdtemp(rig->directory));
	rig->service.config = &config;
	rig->service.packet = rig->packet;
	rig->service.failed = true; /* no commits: there is no core */
	rig->service.anchoring = calloc(1, sizeof(*rig->service.anchoring));
	assert_non_null(rig->service.anchoring);
	rig->service.chain = calloc(1, sizeof(*rig->service.chain));
	assert_non_null(rig->service.chain);
	rig->service.keys.n_destinations = 3;
	rig->service.keys.destinations = calloc(3, sizeof(*rig->service.keys.destinations));
	assert_int_equal(sign_key_load(&rig->service.keys.own[0], seed, strlen(seed)), 0);
	assert_int_equal(record_open(&rig->service.record, rig->directory, error), 0);
	assert_int_equal(record_load(rig->service.record, &start), 0);
	rig->end = start.chain;
	assert_int_equal(record_bind(rig->service.record, &config), 0);
	assert_true(sd_event_new(&rig->service.event) >= 0);
	(void)snprintf(path, sizeof(path), "%s/sender.sock", rig->directory);
	rig->listener = wire_listen(path);
	assert_true(rig->listener >= 0);
	assert_int_equal(delivery_open(&rig->service.delivery, &rig->service, rig->listener), 0);
	connect_sender(rig);
	*state = rig;
	return 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = {"record.db", "record.db-wal", "record.db-shm",
					    "record.lock", "sender.sock"};
	struct rig *rig = *state;
	char path[128];

	(void)delivery_close(rig->service.delivery);
	(void)close(rig->sender);
	(void)close(rig->listener);
	(void)sd_event_unref(rig->service.event);
	(void)record_close(rig->service.record);
	keys_done(&rig->service.keys);
	batch_done(&rig->service.batch);
	for (size_t i = 0; i < rig->service.n_deliveries; i++)
		free((char *)(uintptr_t)rig->service.deliveries[i].error);
	free(rig->service.deliveries);
	free(rig->service.chain);
	free(rig->service.anchoring);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", rig->directory, names[i]);
		(void)unlink(path);
	}
	(void)rmdir(rig->directory);
	free(rig);
	return 0;
}

/* the next job's webhook id and its attempt; "" none */
static const char *take(struct rig *rig, uint64_t *ret_attempt)
{
	static char id[64];
	struct wire_job job;
	const char *headers, *found;

	turn(rig);
	*id = '\0';
	if (wire_receive(rig->sender, rig->buffer) <= 0)
		return id;
	memcpy(&job, rig->buffer, sizeof(job));
	assert_int_equal(job.header.type, WIRE_JOB);
	*ret_attempt = job.id;
	headers = (const char *)rig->buffer + sizeof(job) + job.n_url;
	found = memmem(headers, job.n_headers, "webhook-id: ", 12);
	assert_non_null(found);
	(void)snprintf(id, sizeof(id), "%.*s", (int)strcspn(found + 12, "\n"), found + 12);
	return id;
}

static void answer(struct rig *rig, uint64_t attempt, int status)
{
	struct wire_result result = {.header = {.type = WIRE_RESULT},
				     .id = attempt,
				     .http_status = status,
				     .date_s = -1,
				     .retry_after_s = -1};

	assert_int_equal(wire_send(rig->sender, &result, sizeof(result)), 0);
	turn(rig);
}

static void on_done(void *userdata, const char *webhook_id, bool delivered, const char *words)
{
	struct rig *rig = userdata;

	(void)snprintf(rig->told + strlen(rig->told), sizeof(rig->told) - strlen(rig->told),
		       "%s %s;", webhook_id, delivered ? "delivered" : words);
}

static int send_unstored(struct rig *rig, size_t destination, const char *id)
{
	return delivery_unstored(rig->service.delivery, destination, id, "{}", on_done, rig);
}

/* a record that cannot be written keeps results waiting, which holds up only what it holds */
static void pretend_full(struct rig *rig)
{
	service_add_delivery(&rig->service, &(struct record_delivery){.id = 999});
}

static void test_goes_at_once_and_once(void **state)
{
	struct rig *rig = *state;
	uint64_t attempt = 0;

	pretend_full(rig);
	assert_int_equal(send_unstored(rig, 0, "a-1"), 0);
	assert_int_equal(send_unstored(rig, 0, "a-1"), -EALREADY);
	assert_string_equal(take(rig, &attempt), "a-1");
	answer(rig, attempt, 204);
	assert_string_equal(rig->told, "a-1 delivered;");
	assert_string_equal(take(rig, &attempt), "");
	assert_false(delivery_forget(rig->service.delivery, "a-1"));
}

static void test_one_attempt_per_destination(void **state)
{
	struct rig *rig = *state;
	uint64_t first = 0, other = 0, next = 0;

	pretend_full(rig);
	assert_int_equal(send_unstored(rig, 0, "a-1"), 0);
	assert_int_equal(send_unstored(rig, 0, "a-2"), 0);
	assert_int_equal(send_unstored(rig, 1, "b-1"), 0);
	assert_string_equal(take(rig, &first), "a-1");
	assert_string_equal(take(rig, &other), "b-1");
	assert_string_equal(take(rig, &next), "");
	answer(rig, first, 200);
	delivery_pump(rig->service.delivery);
	assert_string_equal(take(rig, &next), "a-2");
	answer(rig, other, 200);
	answer(rig, next, 200);
	assert_string_equal(rig->told, "a-1 delivered;b-1 delivered;a-2 delivered;");
}

/* each attempt is told; it is tried again at its time, not before */
static void test_not_taken(void **state)
{
	struct rig *rig = *state;
	uint64_t attempt = 0;

	pretend_full(rig);
	assert_int_equal(send_unstored(rig, 0, "a-1"), 0);
	assert_string_equal(take(rig, &attempt), "a-1");
	answer(rig, attempt, 503);
	assert_string_equal(rig->told, "a-1 HTTP 503;");
	delivery_pump(rig->service.delivery);
	assert_string_equal(take(rig, &attempt), "");
	rig->service.delivery->unstored[0]->next_ms = 0; /* the time has come */
	delivery_pump(rig->service.delivery);
	assert_string_equal(take(rig, &attempt), "a-1");
	answer(rig, attempt, 200);
	assert_string_equal(rig->told, "a-1 HTTP 503;a-1 delivered;");
}

/* before an emergency that the record holds; and that one behind it */
static void test_before_the_record(void **state)
{
	struct rig *rig = *state;
	uint64_t attempt = 0;

	assert_int_equal(send_unstored(rig, 0, "a-1"), 0);
	put_report(rig, "r-1", "{}");
	assert_int_equal(send_unstored(rig, 0, "a-2"), 0);
	delivery_look(rig->service.delivery);
	assert_string_equal(take(rig, &attempt), "a-1");
	answer(rig, attempt, 200);
	delivery_look(rig->service.delivery);
	assert_string_equal(take(rig, &attempt), "a-2");
	answer(rig, attempt, 200);
	delivery_look(rig->service.delivery);
	assert_string_equal(take(rig, &attempt), "r-1");
}

/* the record has it now: under way or not, what comes of it is nobody's, and the row goes */
static void test_forget(void **state)
{
	struct rig *rig = *state;
	uint64_t attempt = 0, again = 0;

	assert_int_equal(send_unstored(rig, 0, "a-1"), 0);
	assert_int_equal(send_unstored(rig, 0, "a-2"), 0);
	assert_string_equal(take(rig, &attempt), "a-1");
	put_report(rig, "a-1", "{}");
	assert_true(delivery_forget(rig->service.delivery, "a-1"));
	assert_true(delivery_forget(rig->service.delivery, "a-2"));
	assert_false(delivery_forget(rig->service.delivery, "a-2"));
	delivery_look(rig->service.delivery);
	assert_string_equal(take(rig, &again), ""); /* its attempt is still under way */
	answer(rig, attempt, 200);
	assert_int_equal(rig->service.n_deliveries, 0);
	assert_string_equal(rig->told, "");
	delivery_look(rig->service.delivery);
	assert_string_equal(take(rig, &again), "a-1");
	assert_true(again != attempt);
}

/* a sender that goes, a reload: it is still there, and goes again */
static void test_survives(void **state)
{
	struct rig *rig = *state;
	uint64_t attempt = 0;

	pretend_full(rig);
	assert_int_equal(send_unstored(rig, 1, "b-1"), 0);
	assert_string_equal(take(rig, &attempt), "b-1");
	(void)close(rig->sender);
	turn(rig);
	assert_false(delivery_has_sender(rig->service.delivery));
	connect_sender(rig);
	delivery_pump(rig->service.delivery);
	assert_string_equal(take(rig, &attempt), "b-1");
	config.n_destinations = 2; /* the files' is gone */
	assert_int_equal(delivery_reset(rig->service.delivery), 0);
	delivery_pump(rig->service.delivery);
	assert_string_equal(take(rig, &attempt), "b-1");
	config.n_destinations = 1; /* its own too: it waits until somebody forgets it */
	assert_int_equal(delivery_reset(rig->service.delivery), 0);
	delivery_pump(rig->service.delivery);
	assert_string_equal(take(rig, &attempt), "");
	config.n_destinations = 3;
	assert_int_equal(delivery_reset(rig->service.delivery), 0);
	delivery_pump(rig->service.delivery);
	assert_string_equal(take(rig, &attempt), "b-1");
	answer(rig, attempt, 200);
	assert_string_equal(rig->told, "b-1 delivered;");
}

static void test_bounds(void **state)
{
	struct rig *rig = *state;
	char id[16];

	pretend_full(rig);
	assert_int_equal(send_unstored(rig, 2, "f-1"), -EINVAL); /* for files */
	assert_int_equal(send_unstored(rig, 3, "x-1"), -EINVAL);
	for (int i = 0; i < DELIVERY_UNSTORED_MAX; i++) {
		(void)snprintf(id, sizeof(id), "a-%d", i);
		assert_int_equal(send_unstored(rig, 0, id), 0);
	}
	assert_int_equal(send_unstored(rig, 0, "one-too-many"), -ENOBUFS);
	assert_true(delivery_forget(rig->service.delivery, "a-5"));
	assert_int_equal(send_unstored(rig, 0, "one-more"), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_goes_at_once_and_once),
		TEST(test_one_attempt_per_destination),
		TEST(test_not_taken),
		TEST(test_before_the_record),
		TEST(test_forget),
		TEST(test_survives),
		TEST(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
