/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/peer.h"

/* a peer of the core on one end of a pair, the test on the other */
struct rig {
	sd_event *event;
	struct peer *peer;
	int fd;
	int n_packets;
	int n_drained;
	int answer; /* what the handler of packets says */
	uint64_t last_seq;
	char gone[64];
	void *buffer;
};

static int on_packet(void *userdata, struct peer *peer, void *packet, size_t n)
{
	struct rig *rig = userdata;
	struct wire_ack ack;

	assert_ptr_equal(peer, rig->peer);
	assert_int_equal(n, sizeof(ack));
	memcpy(&ack, packet, sizeof(ack));
	assert_int_equal(ack.seq, rig->last_seq + 1); /* in order, none missing */
	rig->last_seq = ack.seq;
	rig->n_packets++;
	return rig->answer;
}

static void on_drained(void *userdata, struct peer *peer)
{
	(void)peer;
	((struct rig *)userdata)->n_drained++;
}

static void on_gone(void *userdata, struct peer *peer, const char *why)
{
	struct rig *rig = userdata;

	assert_ptr_equal(peer_data(peer), rig);
	(void)strncat(rig->gone, why, sizeof(rig->gone) - 1);
	rig->peer = NULL;
}

static const struct peer_handler handler = {on_packet, on_drained, on_gone};

static int set_up(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	int fds[2];

	assert_non_null(rig);
	rig->buffer = aligned_alloc(8, WIRE_PACKET_MAX);
	assert_non_null(rig->buffer);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), 0);
	assert_int_equal(sd_event_new(&rig->event), 0);
	rig->fd = fds[1];
	assert_int_equal(peer_new(&rig->peer, rig->event, fds[0], &handler, rig, rig->buffer), 0);
	assert_null(peer_data(rig->peer));
	peer_set_data(rig->peer, rig);
	*state = rig;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *rig = *state;

	(void)peer_free(rig->peer);
	(void)sd_event_unref(rig->event);
	if (rig->fd >= 0)
		(void)close(rig->fd);
	free(rig->buffer);
	free(rig);
	return 0;
}

/* all that is ready now */
static void turn(struct rig *rig)
{
	while (sd_event_run(rig->event, 0) > 0)
		;
}

static void send_seq(struct rig *rig, uint64_t seq)
{
	struct wire_ack ack = {.header = {.type = WIRE_ACK}, .seq = seq};

	assert_int_equal(wire_send(rig->fd, &ack, sizeof(ack)), 0);
}

static void test_receive(void **state)
{
	struct rig *rig = *state;

	for (uint64_t i = 1; i <= 5; i++)
		send_seq(rig, i);
	turn(rig);
	assert_int_equal(rig->n_packets, 5);
	assert_int_equal(rig->n_drained, 1); /* once for what came together */
	assert_string_equal(rig->gone, "");
}

/* what was sent before the end still counts */
static void test_closed(void **state)
{
	struct rig *rig = *state;

	send_seq(rig, 1);
	(void)close(rig->fd);
	rig->fd = -1;
	turn(rig);
	assert_int_equal(rig->n_packets, 1);
	assert_string_equal(rig->gone, "it has closed the connection");
}

static void test_malformed(void **state)
{
	struct rig *rig = *state;

	send_seq(rig, 1);
	assert_int_equal(send(rig->fd, "garbage", 7, 0), 7);
	send_seq(rig, 2);
	turn(rig);
	assert_int_equal(rig->n_packets, 1); /* nothing behind it is looked at */
	assert_string_equal(rig->gone, "it sent a malformed packet");
	assert_int_equal(recv(rig->fd, rig->buffer, 1, 0) <= 0, 1); /* and the door is shut */
}

static void test_rules(void **state)
{
	struct rig *rig = *state;

	rig->answer = -EPROTO;
	send_seq(rig, 1);
	send_seq(rig, 2);
	turn(rig);
	assert_int_equal(rig->n_packets, 1);
	assert_string_equal(rig->gone, "it broke the rules of the wire");
}

static int send_filled(struct rig *rig, uint64_t seq, size_t n)
{
	struct wire_ack *ack = rig->buffer;

	memset(rig->buffer, 0, n);
	ack->header.type = WIRE_ACK; /* the receiver looks at seq and length only */
	ack->seq = seq;
	return peer_send(rig->peer, rig->buffer, n);
}

/* a peer that does not read: packets wait, then come whole, in order */
static void test_queue(void **state)
{
	enum { N = 60, SIZE = 100000 };
	struct rig *rig = *state;
	uint8_t *packet = malloc(WIRE_PACKET_MAX);
	uint64_t seen = 0;

	assert_non_null(packet);
	for (uint64_t i = 1; i <= N; i++)
		assert_int_equal(send_filled(rig, i, SIZE), 0);
	while (seen < N) {
		struct wire_ack ack;
		ssize_t n = recv(rig->fd, packet, WIRE_PACKET_MAX, 0);

		if (n < 0) {
			assert_int_equal(errno, EAGAIN);
			assert_true(sd_event_run(rig->event, 0) > 0); /* it goes on by itself */
			continue;
		}
		assert_int_equal(n, SIZE);
		memcpy(&ack, packet, sizeof(ack));
		assert_int_equal(ack.seq, ++seen);
	}
	turn(rig);
	assert_int_equal(sd_event_run(rig->event, 0), 0); /* and does not spin afterwards */
	free(packet);
}

static void test_queue_is_bounded(void **state)
{
	enum { SIZE = 100000 };
	struct rig *rig = *state;
	int r = 0, n = 0;

	for (; n < 1000 && r == 0; n++)
		r = send_filled(rig, 1, SIZE);
	assert_int_equal(r, -ENOBUFS);
	assert_in_range(n, PEER_QUEUE_MAX / SIZE, PEER_QUEUE_MAX / SIZE + 10);
}

static void test_send_to_nobody(void **state)
{
	struct rig *rig = *state;

	(void)close(rig->fd);
	rig->fd = -1;
	assert_int_equal(send_filled(rig, 1, sizeof(struct wire_ack)), -EPIPE);
	turn(rig); /* the end is told once, by the loop */
	assert_string_equal(rig->gone, "it has closed the connection");
}

static void test_free_while_waiting(void **state)
{
	struct rig *rig = *state;

	for (int i = 0; i < 20; i++)
		assert_int_equal(send_filled(rig, 1, 100000), 0);
	rig->peer = peer_free(rig->peer); /* with packets waiting */
	assert_null(rig->peer);
	assert_string_equal(rig->gone, ""); /* calls nobody */
	assert_null(peer_free(NULL));
}

struct door {
	int n_wakeups;
	int last;
	bool starved;
};

static int on_connection(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct door *door = userdata;

	(void)events;
	door->n_wakeups++;
	door->last = peer_accept(source, fd, "nobody", "poller", &door->starved);
	return 0;
}

/* one wake-up and one line, however long it lasts; then it is served */
static void test_no_descriptor(void **state)
{
	struct rig *rig = *state;
	char directory[] = "/tmp/test-peer-XXXXXX", path[64];
	struct door door = {0};
	struct rlimit limit, none;
	sd_event_source *source = NULL;
	int listener, client;

	assert_non_null(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/x.sock", directory);
	listener = wire_listen(path);
	assert_true(listener >= 0);
	client = wire_connect(path);
	assert_true(client >= 0);
	assert_int_equal(
		sd_event_add_io(rig->event, &source, listener, EPOLLIN, on_connection, &door), 0);
	turn(rig);
	assert_true(door.last >= 0);
	(void)close(door.last);
	(void)close(client);
	client = wire_connect(path);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	for (int second = 1; second <= 3; second++) {
		turn(rig); /* would not come back if it spun */
		assert_int_equal(door.n_wakeups, 1 + second);
		assert_int_equal(door.last, -EMFILE);
		assert_true(door.starved);
		peer_listen_again(source);
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	turn(rig);
	assert_true(door.last >= 0);
	assert_false(door.starved);
	(void)close(door.last);
	(void)close(client);
	(void)sd_event_source_disable_unref(source);
	(void)close(listener);
	(void)unlink(path);
	(void)rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(test_receive),
		TEST(test_closed),
		TEST(test_malformed),
		TEST(test_rules),
		TEST(test_queue),
		TEST(test_queue_is_bounded),
		TEST(test_free_while_waiting),
		TEST(test_send_to_nobody),
		TEST(test_no_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
