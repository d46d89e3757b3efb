/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/wire.h"

/* what a good packet of each type looks like: fixed bytes, bytes per item */
static const struct {
	enum wire_type type;
	size_t fixed;
	size_t item;
} shapes[] = {
	{WIRE_HELLO, sizeof(struct wire_hello), 0},
	{WIRE_PLAN_BEGIN, sizeof(struct wire_plan_begin), 0},
	{WIRE_PLAN_LINKS, sizeof(struct wire_header), sizeof(struct wire_link)},
	{WIRE_PLAN_UNITS, sizeof(struct wire_header), sizeof(struct wire_unit)},
	{WIRE_PLAN_REQUESTS, sizeof(struct wire_header), sizeof(struct wire_request)},
	{WIRE_PLAN_END, sizeof(struct wire_plan_end), 0},
	{WIRE_ACK, sizeof(struct wire_ack), 0},
	{WIRE_READINGS, sizeof(struct wire_header), 0},
	{WIRE_LINKS, sizeof(struct wire_header), sizeof(struct wire_link_report)},
	{WIRE_JOB, sizeof(struct wire_job), 0},
	{WIRE_RESULT, sizeof(struct wire_result), 0},
};

/* exactly @n bytes on the heap, so that the sanitizer sees a read behind them */
static int check(const void *bytes, size_t n)
{
	uint8_t *copy = malloc(n + (n == 0));
	int r;

	assert_non_null(copy);
	memcpy(copy, bytes, n);
	r = wire_check(copy, n);
	free(copy);
	return r;
}

static int check_shape(unsigned int type, size_t count, size_t n, size_t said)
{
	_Alignas(8) static uint8_t bytes[8192];
	struct wire_header header = {
		.type = (uint16_t)type, .count = (uint16_t)count, .length = (uint32_t)said};

	assert_true(n <= sizeof(bytes));
	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, &header, sizeof(header));
	return check(bytes, n);
}

/* the numbers on the wire are written down: a struct that grows changes the version */
static void test_sizes(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct wire_header), 8);
	assert_int_equal(sizeof(struct wire_hello), 56);
	assert_int_equal(sizeof(struct wire_plan_begin), 32);
	assert_int_equal(sizeof(struct wire_link), 208);
	assert_int_equal(sizeof(struct wire_unit), 32);
	assert_int_equal(sizeof(struct wire_request), 56);
	assert_int_equal(sizeof(struct wire_ack), 16);
	assert_int_equal(sizeof(struct wire_reading), 48);
	assert_int_equal(sizeof(struct wire_link_report), 96);
	assert_int_equal(sizeof(struct wire_job), 64);
	assert_int_equal(sizeof(struct wire_result), 56);
	assert_int_equal(wire_reading_size(0), 48);
	assert_int_equal(wire_reading_size(1), 56);
	assert_int_equal(wire_reading_size(4), 56);
	assert_int_equal(wire_reading_size(5), 64);
	assert_int_equal(wire_reading_size(125), 48 + 256);
}

static void test_shapes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++)
		for (size_t count = 0; count < (shapes[i].item ? 4U : 1U); count++) {
			unsigned int type = shapes[i].type;
			size_t n = shapes[i].fixed + count * shapes[i].item;

			if (check_shape(type, count, n, n) != 0)
				fail_msg("type %u, count %zu", type, count);
			/* every other length, and one that is not the packet's */
			for (size_t m = 0; m < n + 200; m++)
				if (m != n && check_shape(type, count, m, m) != -EBADMSG)
					fail_msg("type %u, count %zu, %zu bytes", type, count, m);
			assert_int_equal(check_shape(type, count, n, n - 1), -EBADMSG);
			assert_int_equal(check_shape(type, count, n, n + 1), -EBADMSG);
			assert_int_equal(check_shape(type, count, n, 0), -EBADMSG);
			assert_int_equal(check_shape(type, count, n, UINT32_MAX), -EBADMSG);
			if (shapes[i].item == 0)
				continue;
			assert_int_equal(check_shape(type, count + 1, n, n), -EBADMSG);
			assert_int_equal(check_shape(type, UINT16_MAX, n, n), -EBADMSG);
		}
}

static void test_unknown_types(void **state)
{
	(void)state;
	for (unsigned int type = 0; type <= UINT16_MAX; type++)
		if (type == 0 || type > WIRE_TRIALS)
			for (size_t n = 0; n <= 64; n += 8)
				assert_int_equal(check_shape(type, 0, n, n), -EBADMSG);
}

/* --- trials ------------------------------------------------------------------------ */

static void test_trials(void **state)
{
	static const struct {
		unsigned int kind, outcome, count;
		bool is_ended;
		int expected;
	} rows[] = {
		{WIRE_TRIAL_FAMILY, WIRE_NOT_TRIED, 1, true, 0},
		{WIRE_TRIAL_ADDRESS, WIRE_UNKNOWN, 1, true, 0},
		{WIRE_TRIAL_FILE, WIRE_OPEN, WIRE_TRIALS_MAX, true, 0},
		{WIRE_TRIAL_FILE, WIRE_OPEN, WIRE_TRIALS_MAX + 1, true, -EBADMSG},
		{0, WIRE_OPEN, 1, true, -EBADMSG},
		{WIRE_TRIAL_ADDRESS + 1, WIRE_OPEN, 1, true, -EBADMSG},
		{WIRE_TRIAL_FILE, WIRE_UNKNOWN + 1, 1, true, -EBADMSG},
		{WIRE_TRIAL_FILE, WIRE_OPEN, 1, false, -EBADMSG},
		{WIRE_TRIAL_FILE, WIRE_OPEN, WIRE_TRIALS_MAX, false, -EBADMSG},
	};
	static struct {
		struct wire_header header;
		struct wire_trial list[WIRE_TRIALS_MAX + 1];
	} packet;
	size_t n;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct wire_trial *last = &packet.list[rows[i].count - 1];

		memset(&packet, 0, sizeof(packet));
		for (unsigned int j = 0; j < rows[i].count; j++)
			packet.list[j] = (struct wire_trial){
				.kind = WIRE_TRIAL_FILE,
				.outcome = WIRE_OPEN,
				.target = "/",
			};
		last->kind = (uint16_t)rows[i].kind;
		last->outcome = (uint16_t)rows[i].outcome;
		if (!rows[i].is_ended)
			memset(last->target, 'x', sizeof(last->target));
		n = sizeof(packet.header) + rows[i].count * sizeof(*last);
		packet.header = (struct wire_header){WIRE_TRIALS, (uint16_t)rows[i].count, 0};
		packet.header.length = (uint32_t)n;
		assert_int_equal(wire_check(&packet, n), rows[i].expected);
		packet.header.length--;
		assert_int_equal(wire_check(&packet, n - 1), -EBADMSG);
	}
	packet.header = (struct wire_header){WIRE_TRIALS, 0, sizeof(packet.header)};
	assert_int_equal(wire_check(&packet, sizeof(packet.header)), 0);
}

/* --- readings ---------------------------------------------------------------------- */

struct builder {
	_Alignas(8) uint8_t bytes[4096];
	size_t n;
	unsigned int count;
};

static void add(struct builder *b, struct wire_reading reading, size_t words_there)
{
	size_t room = wire_reading_size(words_there) - sizeof(reading);

	if (b->n == 0)
		b->n = sizeof(struct wire_header);
	memcpy(b->bytes + b->n, &reading, sizeof(reading));
	memset(b->bytes + b->n + sizeof(reading), 0x5a, room);
	b->n += sizeof(reading) + room;
	b->count++;
}

static int check_built(struct builder *b)
{
	struct wire_header header = {
		.type = WIRE_READINGS, .count = (uint16_t)b->count, .length = (uint32_t)b->n};

	memcpy(b->bytes, &header, sizeof(header));
	return check(b->bytes, b->n);
}

static void test_one_reading(void **state)
{
	static const struct {
		struct wire_reading reading;
		size_t words_there;
		int want;
	} rows[] = {
		{{.seq = 1}, 0, 0}, /* a tick */
		{{.seq = UINT64_MAX, .key = UINT64_MAX, .n_words = 1}, 1, 0},
		{{.seq = 1, .n_words = 125}, 125, 0},
		{{.seq = 1, .n_words = 126}, 126, -EBADMSG}, /* more than Modbus has */
		{{.seq = 1, .n_words = UINT16_MAX}, 125, -EBADMSG},
		{{.seq = 0}, 0, -EBADMSG}, /* numbers begin at 1 */
		{{.seq = 1, .n_words = 4}, 4, 0},
		{{.seq = 1, .n_words = 5}, 4, -EBADMSG}, /* overruns the packet */
		{{.seq = 1, .n_words = 4}, 5, -EBADMSG}, /* bytes left over */
		{{.seq = 1, .n_words = 1}, 0, -EBADMSG},
		{{.seq = 1, .status = WIRE_TIMEOUT}, 0, 0},
		{{.seq = 1, .status = WIRE_TIMEOUT, .n_words = 1}, 1, -EBADMSG},
		{{.seq = 1, .status = WIRE_EXCEPTION, .exception = 2}, 0, 0},
		{{.seq = 1, .status = WIRE_EXCEPTION, .n_words = 1}, 1, -EBADMSG},
		{{.seq = 1, .status = WIRE_STATUS_MAX}, 0, 0},
		{{.seq = 1, .status = WIRE_STATUS_MAX + 1}, 0, -EBADMSG},
		{{.seq = 1, .status = 255}, 0, -EBADMSG},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct builder b = {.n = 0};

		add(&b, rows[i].reading, rows[i].words_there);
		if (check_built(&b) != rows[i].want)
			fail_msg("row %zu", i);
	}
}

static void test_several_readings(void **state)
{
	static const uint16_t words[] = {0, 125, 3, 4, 5, 0, 1};
	struct builder b = {.n = 0};
	const struct wire_reading *reading;
	size_t offset = 0, n = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		add(&b, (struct wire_reading){.seq = i + 1, .n_words = words[i]}, words[i]);
	assert_int_equal(check_built(&b), 0);
	while ((reading = wire_next_reading(b.bytes, &offset))) {
		assert_int_equal(reading->seq, n + 1);
		assert_int_equal(reading->n_words, words[n]);
		for (size_t i = 0; i < words[n]; i++)
			assert_int_equal(wire_reading_words(reading)[i], 0x5a5a);
		n++;
	}
	assert_int_equal(n, ARRAY_SIZE(words));
	assert_int_equal(offset, b.n);
	assert_null(wire_next_reading(b.bytes, &offset)); /* and it stays at the end */
	b.count++;					  /* one more is promised than is there */
	assert_int_equal(check_built(&b), -EBADMSG);
	b.count -= 2; /* one fewer */
	assert_int_equal(check_built(&b), -EBADMSG);
	b.count++;
	for (size_t whole = b.n; b.n > 0; b.n--) /* cut off anywhere */
		if (b.n < whole && b.n >= sizeof(struct wire_header))
			assert_int_equal(check_built(&b), -EBADMSG);
}

static void test_no_readings(void **state)
{
	struct builder b = {.n = sizeof(struct wire_header)};
	size_t offset = 0;

	(void)state;
	assert_int_equal(check_built(&b), 0);
	assert_null(wire_next_reading(b.bytes, &offset));
}

/* --- texts ------------------------------------------------------------------------- */

static int check_job(struct wire_job job, size_t n_texts)
{
	uint8_t bytes[sizeof(job) + 64] = {0};

	job.header = (struct wire_header){.type = WIRE_JOB,
					  .length = (uint32_t)(sizeof(job) + n_texts)};
	memcpy(bytes, &job, sizeof(job));
	return check(bytes, sizeof(job) + n_texts);
}

static void test_job_texts(void **state)
{
	(void)state;
	assert_int_equal(check_job((struct wire_job){.n_url = 0}, 0), 0);
	assert_int_equal(check_job((struct wire_job){.n_url = 1,
						     .n_headers = 2,
						     .n_body = 3,
						     .n_ca = 4,
						     .n_cert = 5,
						     .n_key = 6},
				   21),
			 0);
	assert_int_equal(check_job((struct wire_job){.n_url = 1}, 0), -EBADMSG);
	assert_int_equal(check_job((struct wire_job){.n_url = 1}, 2), -EBADMSG);
	assert_int_equal(check_job((struct wire_job){.n_key = 6}, 5), -EBADMSG);
	/* sums that would come out right in 32 bits */
	assert_int_equal(check_job((struct wire_job){.n_url = UINT32_MAX, .n_body = 9}, 8),
			 -EBADMSG);
	assert_int_equal(check_job((struct wire_job){.n_url = 0x80000000, .n_body = 0x80000000}, 0),
			 -EBADMSG);
}

static int check_result(uint32_t n_error, uint32_t n_answer, size_t n_texts)
{
	uint8_t bytes[sizeof(struct wire_result) + 4096] = {0};
	struct wire_result result = {
		.header = {.type = WIRE_RESULT, .length = (uint32_t)(sizeof(result) + n_texts)},
		.n_error = n_error,
		.n_answer = n_answer,
	};

	memcpy(bytes, &result, sizeof(result));
	return check(bytes, sizeof(result) + n_texts);
}

static void test_result_texts(void **state)
{
	(void)state;
	assert_int_equal(check_result(0, 0, 0), 0);
	assert_int_equal(
		check_result(WIRE_ERROR_MAX, WIRE_ANSWER_MAX, WIRE_ERROR_MAX + WIRE_ANSWER_MAX), 0);
	assert_int_equal(check_result(WIRE_ERROR_MAX + 1, 0, WIRE_ERROR_MAX + 1), -EBADMSG);
	assert_int_equal(check_result(0, WIRE_ANSWER_MAX + 1, WIRE_ANSWER_MAX + 1), -EBADMSG);
	assert_int_equal(check_result(1, 1, 1), -EBADMSG);
	assert_int_equal(check_result(1, 1, 3), -EBADMSG);
	assert_int_equal(check_result(UINT32_MAX, 2, 1), -EBADMSG);
}

/* --- hello ------------------------------------------------------------------------- */

static void test_hello(void **state)
{
	static const uint8_t zeros[16] = {0};
	struct wire_hello good, bad;
	const char *why = NULL;

	(void)state;
	wire_hello_init(&good, WIRE_ROLE_POLLER, 42);
	assert_int_equal(wire_check(&good, sizeof(good)), 0);
	assert_int_equal(wire_hello_check(&good, WIRE_ROLE_POLLER, &why), 0);
	assert_null(why);
	assert_int_equal(good.instance, 42);
	assert_memory_not_equal(good.boot_id, zeros, sizeof(zeros));
	bad = good;
	bad.magic ^= 1;
	assert_int_equal(wire_hello_check(&bad, WIRE_ROLE_POLLER, &why), -EPROTO);
	assert_non_null(strstr(why, "no hello"));
	bad = good;
	bad.header.type = WIRE_ACK;
	assert_int_equal(wire_hello_check(&bad, WIRE_ROLE_POLLER, &why), -EPROTO);
	assert_non_null(strstr(why, "no hello"));
	bad = good;
	bad.version++;
	assert_int_equal(wire_hello_check(&bad, WIRE_ROLE_POLLER, &why), -EPROTO);
	assert_non_null(strstr(why, "version"));
	assert_int_equal(wire_hello_check(&good, WIRE_ROLE_SENDER, &why), -EPROTO);
	assert_non_null(strstr(why, "another program"));
	assert_int_equal(wire_hello_check(&good, WIRE_ROLE_CORE, &why), -EPROTO);
}

/* the boot id is the kernel's, digit for digit */
static void test_boot_id(void **state)
{
	char text[64], ours[33];
	struct wire_hello hello;
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
	size_t n = 0;

	(void)state;
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	(void)fclose(file);
	for (const char *p = text; *p && *p != '\n'; p++)
		if (*p != '-')
			text[n++] = *p;
	text[n] = '\0';
	wire_hello_init(&hello, WIRE_ROLE_CORE, 1);
	for (size_t i = 0; i < 16; i++)
		(void)snprintf(ours + 2 * i, 3, "%02x", hello.boot_id[i]);
	assert_string_equal(ours, text);
}

static void test_status_texts(void **state)
{
	(void)state;
	for (int i = 0; i <= WIRE_STATUS_MAX; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(wire_status_text((enum wire_status)i),
						wire_status_text((enum wire_status)j));
}

/* --- sockets ----------------------------------------------------------------------- */

static void pair(int fds[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), 0);
}

static void test_send_and_receive(void **state)
{
	struct wire_ack ack = {.header = {.type = WIRE_ACK, .length = 7}, .seq = 5};
	static _Alignas(8) uint8_t packet[WIRE_PACKET_MAX], big[WIRE_PACKET_MAX + 8];
	int fds[2];

	(void)state;
	pair(fds);
	assert_int_equal(wire_receive(fds[1], packet), -EAGAIN);
	assert_int_equal(wire_send(fds[0], &ack, sizeof(ack)), 0); /* sets the length */
	assert_int_equal(wire_receive(fds[1], packet), (int)sizeof(ack));
	assert_memory_equal(packet, &ack, sizeof(ack));
	assert_int_equal(ack.header.length, sizeof(ack));
	assert_int_equal(wire_send(fds[0], &ack, sizeof(struct wire_header) - 1), -EMSGSIZE);
	assert_int_equal(wire_send(fds[0], big, WIRE_PACKET_MAX + 1), -EMSGSIZE);
	/* malformed; then longer than any packet, its length field right */
	assert_int_equal(send(fds[0], "hello there", 11, 0), 11);
	assert_int_equal(wire_receive(fds[1], packet), -EBADMSG);
	((struct wire_header *)(void *)big)->type = WIRE_PLAN_LINKS;
	((struct wire_header *)(void *)big)->length = sizeof(big);
	assert_int_equal(send(fds[0], big, sizeof(big), 0), sizeof(big));
	assert_int_equal(wire_receive(fds[1], packet), -EBADMSG);
	(void)close(fds[0]);
	assert_int_equal(wire_receive(fds[1], packet), 0);
	assert_int_equal(wire_send(fds[1], &ack, sizeof(ack)), -EPIPE); /* and no SIGPIPE */
	(void)close(fds[1]);
}

/* a peer that does not read: the largest packet fits, and then it is -EAGAIN, not a wait */
static void test_full(void **state)
{
	static _Alignas(8) uint8_t packet[WIRE_PACKET_MAX];
	int fds[2], r = 0, n = 0;

	(void)state;
	pair(fds);
	((struct wire_header *)(void *)packet)->type = WIRE_READINGS;
	for (; n < 10000 && r == 0; n++)
		r = wire_send(fds[0], packet, sizeof(packet));
	assert_int_equal(r, -EAGAIN);
	assert_true(n > 1);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static void test_listen_and_accept(void **state)
{
	char directory[] = "/tmp/test-wire-XXXXXX", path[64], longer[200];
	int listener, client, served;
	struct stat status;

	(void)state;
	assert_non_null(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/x.sock", directory);
	assert_int_equal(wire_connect(path), -ENOENT);
	listener = wire_listen(path);
	assert_true(listener >= 0);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0660);
	assert_int_equal(wire_accept(listener, UINT32_MAX), -EAGAIN);
	assert_int_equal(wire_listen(path), -EADDRINUSE);
	(void)close(wire_accept(listener, UINT32_MAX)); /* that was the look */
	client = wire_connect(path);
	assert_true(client >= 0);
	served = wire_accept(listener, UINT32_MAX); /* our own user */
	assert_true(served >= 0);
	(void)close(served);
	(void)close(client);
	(void)close(listener);
	assert_int_equal(wire_connect(path), -ECONNREFUSED); /* the file is left */
	listener = wire_listen(path);			     /* and replaced */
	assert_true(listener >= 0);
	(void)close(listener);
	memset(longer, 'a', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(wire_listen(longer), -ENAMETOOLONG);
	assert_int_equal(wire_connect(longer), -ENAMETOOLONG);
	(void)unlink(path);
	(void)rmdir(directory);
}

/* one that is flooded is there all the same */
static void test_listen_where_many_wait(void **state)
{
	char directory[] = "/tmp/test-wire-XXXXXX", path[64];
	int listener, clients[64] = {0}, n = 0, r = 0;

	(void)state;
	assert_non_null(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/x.sock", directory);
	listener = wire_listen(path);
	assert_true(listener >= 0);
	while (n < 64 && (r = wire_connect(path)) >= 0)
		clients[n++] = r;
	assert_in_range(n, 1, 63);
	assert_int_equal(r, -EAGAIN);
	assert_int_equal(wire_listen(path), -EADDRINUSE);
	while (n-- > 0)
		(void)close(clients[n]);
	(void)close(listener);
	(void)unlink(path);
	(void)rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_unknown_types),
		cmocka_unit_test(test_trials),
		cmocka_unit_test(test_one_reading),
		cmocka_unit_test(test_several_readings),
		cmocka_unit_test(test_no_readings),
		cmocka_unit_test(test_job_texts),
		cmocka_unit_test(test_result_texts),
		cmocka_unit_test(test_hello),
		cmocka_unit_test(test_boot_id),
		cmocka_unit_test(test_status_texts),
		cmocka_unit_test(test_send_and_receive),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_listen_and_accept),
		cmocka_unit_test(test_listen_where_many_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
