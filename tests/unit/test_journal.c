/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/macro.h"
#include "core/journal.h"
#include "core/journal_doubt.h"

#define LOG_ID	    "0123456789abcdef"
#define PACKET_MAX  (1 << 20)
#define QUEUE	    1024
#define PATIENCE_US 10000
#define PATIENCE    1000 /* times PATIENCE_US: nothing waited for takes longer */

/* a journal of the test's own */
struct rig {
	char directory[64];
	char path[96];
	int fd;
	struct journal *journal;
	char *packet;
};

static void listen_again(struct rig *rig)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)unlink(rig->path);
	rig->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(rig->fd >= 0);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", rig->path);
	assert_int_equal(bind(rig->fd, (struct sockaddr *)&address, sizeof(address)), 0);
}

static int set_up(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	(void)strcpy(rig->directory, "/tmp/test-journal-XXXXXX");
	assert_non_null(mkdtemp(rig->directory));
	(void)snprintf(rig->path, sizeof(rig->path), "%s/socket", rig->directory);
	rig->packet = calloc(1, PACKET_MAX);
	assert_non_null(rig->packet);
	listen_again(rig);
	*state = rig;
	return 0;
}

static int tear_down(void **state)
{
	struct rig *rig = *state;

	rig->journal = journal_close(rig->journal);
	if (rig->fd >= 0)
		(void)close(rig->fd);
	(void)unlink(rig->path);
	assert_int_equal(rmdir(rig->directory), 0);
	free(rig->packet);
	free(rig);
	return 0;
}

static void open_journal(struct rig *rig, uint64_t sent, uint64_t end)
{
	assert_int_equal(journal_open(&rig->journal, rig->path, NULL, LOG_ID, sent, end), 0);
}

/* what the journal's files have: those that were taken out of the socket */
#define STORED_MAX (3 * JOURNAL_DOUBTED)

static struct {
	pthread_mutex_t mutex;
	bool has[STORED_MAX];
	bool slow; /* it stores what it had read only after the first question */
	unsigned asked;
} files = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static void store(uint64_t seq)
{
	(void)pthread_mutex_lock(&files.mutex);
	files.has[seq] = true;
	(void)pthread_mutex_unlock(&files.mutex);
}

static int ask_files(const char *log_id, struct journal_had *had)
{
	assert_string_equal(log_id, LOG_ID);
	assert_true(had->n <= JOURNAL_DOUBTED);
	(void)pthread_mutex_lock(&files.mutex);
	for (uint64_t seq = 1; seq < STORED_MAX; seq++) {
		if (!files.has[seq])
			continue;
		had->last = seq;
		if (seq > had->after && seq - had->after <= had->n)
			had->has[seq - had->after - 1] = true;
	}
	if (files.asked++ == 0 && files.slow)
		files.has[3] = true;
	(void)pthread_mutex_unlock(&files.mutex);
	return 0;
}

static void open_with_files(struct rig *rig, uint64_t sent, bool slow)
{
	memset(files.has, 0, sizeof(files.has));
	files.slow = slow;
	files.asked = 0;
	assert_int_equal(journal_open(&rig->journal, rig->path, ask_files, LOG_ID, sent, sent), 0);
}

static void add(struct rig *rig, uint64_t seq, const char *message)
{
	char line[128], text[128];
	struct batch_entry entry = {
		.seq = seq,
		.type = EVENT_CORE_STARTED,
		.priority = 5,
		.line = line,
		.message = text,
	};

	(void)snprintf(line, sizeof(line),
		       "{\"seq\":%llu,\"time\":\"2026-11-28T08:00:00.000+07:00\","
		       "\"type\":\"core.started\"}",
		       (unsigned long long)seq);
	(void)snprintf(text, sizeof(text), "%s", message);
	journal_entry(rig->journal, &entry);
	memset(line, 'x', sizeof(line)); /* it has copied what it needs */
	memset(text, 'x', sizeof(text));
}

static void add_late(struct rig *rig, uint64_t seq, const char *rest)
{
	uint8_t hash[32] = {0xab};
	char line[256];

	(void)snprintf(line, sizeof(line),
		       "{\"seq\":%llu,\"time\":\"2026-11-28T08:00:00.000+07:00\"%s}",
		       (unsigned long long)seq, rest);
	journal_late(rig->journal, seq, line, hash);
}

/* a large entry comes as a file */
static size_t take(struct rig *rig, int flags)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec whole = {rig->packet, PACKET_MAX - 1};
	struct msghdr message = {.msg_iov = &whole,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(rig->fd, &message, flags | MSG_CMSG_CLOEXEC);
	struct cmsghdr *header = n >= 0 ? CMSG_FIRSTHDR(&message) : NULL;

	if (header) {
		int file;

		memcpy(&file, CMSG_DATA(header), sizeof(file));
		n = pread(file, rig->packet, PACKET_MAX - 1, 0);
		(void)close(file);
	}
	rig->packet[n < 0 ? 0 : n] = '\0';
	return n < 0 ? 0 : (size_t)n;
}

static bool has(const struct rig *rig, const char *line)
{
	return strstr(rig->packet, line) != NULL;
}

static void expect(struct rig *rig, const char *line)
{
	assert_true(take(rig, 0) > 0);
	if (!has(rig, line))
		fail_msg("no %s in:\n%s", line, rig->packet);
}

static void rest(long us)
{
	const struct timespec time = {.tv_nsec = us * 1000};

	(void)nanosleep(&time, NULL);
}

static void until_sent(struct rig *rig, uint64_t seq)
{
	for (int i = 0; i < PATIENCE && journal_sent(rig->journal) < seq; i++)
		rest(PATIENCE_US);
	assert_int_equal(journal_sent(rig->journal), seq);
}

static void until_words(struct rig *rig, const char *words)
{
	for (int i = 0; i < PATIENCE && strcmp(journal_words(rig->journal), words) != 0; i++)
		rest(PATIENCE_US);
	assert_string_equal(journal_words(rig->journal), words);
}

static void test_fields(void **state)
{
	struct rig *rig = *state;

	open_journal(rig, 6, 6);
	add(rig, 7, "It has started");
	expect(rig, "MESSAGE=It has started\n");
	assert_true(has(rig, "MESSAGE_ID=a57ae3a2b0a94b6e8f5d5a0f3d0f8a02\n"));
	assert_true(has(rig, "PRIORITY=5\n"));
	assert_true(has(rig, "SYSLOG_IDENTIFIER=wastewatchd\n"));
	assert_true(has(rig, "WASTEWATCH_TYPE=core.started\n"));
	assert_true(has(rig, "WASTEWATCH_LOG=" LOG_ID "\n"));
	assert_true(has(rig, "WASTEWATCH_SEQ=7\n"));
	assert_true(has(rig, "WASTEWATCH_TIME=2026-11-28T08:00:00.000+07:00\n"));
	assert_false(has(rig, "RESENT"));
	until_sent(rig, 7);
}

/* faults: H1 */
static void test_what_is_late_says_so(void **state)
{
	struct journal_missed missed;
	struct rig *rig = *state;
	uint64_t after;

	open_journal(rig, 6, 8);
	assert_true(journal_wants(rig->journal, 8, &after) >= 2);
	assert_int_equal(after, 6);
	add_late(rig, 7,
		 ",\"type\":\"alarm.raised\",\"class\":\"emergency\",\"site\":\"mill\","
		 "\"source\":\"out\",\"channel\":\"COD\",\"limit\":\"high\",\"value\":\"200\","
		 "\"unit\":\"mg/l\"");
	expect(rig, "MESSAGE=Told late, of 2026-11-28T08:00:00.000+07:00: alarm.raised "
		    "mill/out/COD/high; value 200; unit mg/l\n");
	assert_true(has(rig, "WASTEWATCH_RESENT=1\n"));
	assert_true(has(rig, "WASTEWATCH_SEQ=7\n"));
	assert_true(has(rig, "PRIORITY=2\n"));
	assert_true(has(rig, "MESSAGE_ID=a57ae3a2b0a94b6e8f5d5a0f3d0f8a06\n"));
	assert_false(journal_caught_up(rig->journal, 8, &missed));
	add_late(rig, 8, ",\"type\":\"of.the.future\"");
	expect(rig, "WASTEWATCH_TYPE=of.the.future\n");
	assert_true(has(rig, "PRIORITY=5\n"));
	until_sent(rig, 8);
	assert_int_equal(journal_wants(rig->journal, 8, &after), 0);
	assert_true(journal_caught_up(rig->journal, 8, &missed));
	assert_int_equal(missed.n, 2);
	assert_int_equal(missed.since_ms, INT64_C(1795827600000));
	assert_string_equal(missed.why, "the run before ended first");
	assert_false(journal_caught_up(rig->journal, 8, &missed)); /* said once */
}

static void test_a_value_of_several_lines(void **state)
{
	struct rig *rig = *state;

	open_journal(rig, 0, 0);
	add(rig, 1, "two\nlines");
	assert_true(take(rig, 0) > 0);
	/* "MESSAGE\n", the length in eight bytes, little-endian, then the value */
	assert_memory_equal(rig->packet, "MESSAGE\n\x09\0\0\0\0\0\0\0two\nlines\n", 26);
}

static void test_a_large_entry_comes_as_a_sealed_file(void **state)
{
	struct rig *rig = *state;
	size_t n = 600000;
	char *message = malloc(n + 1);
	struct batch_entry entry = {.seq = 1, .type = EVENT_CORE_STARTED, .priority = 5};
	char line[] = "{\"seq\":1}";

	assert_non_null(message);
	memset(message, 'm', n);
	message[n] = '\0';
	entry.line = line;
	entry.message = message;
	open_journal(rig, 0, 0);
	journal_entry(rig->journal, &entry);
	assert_true(take(rig, 0) > n);
	assert_true(has(rig, "WASTEWATCH_SEQ=1\n"));
	until_sent(rig, 1);
	free(message);
}

/* faults: H1. It is not read: 11 datagrams or so, then the thread waits, and nobody else does */
static void test_hung(void **state)
{
	struct rig *rig = *state;
	struct journal_missed missed;
	uint64_t after, end = 3000, next = 1;
	char text[32];

	open_journal(rig, 0, 0);
	for (uint64_t seq = 1; seq <= end; seq++) {
		(void)snprintf(text, sizeof(text), "entry %llu.", (unsigned long long)seq);
		add(rig, seq, text);
	}
	until_words(rig, "the journal hung");
	assert_int_equal(journal_wants(rig->journal, end, &after), 0); /* not while it hangs */
	assert_true(after >= QUEUE && after < end);
	assert_true(journal_waiting(rig->journal, end) > 0);
	assert_false(journal_is_stuck(rig->journal, 60000)); /* it is tried again and again */
	/* it goes on: what was queued, then what comes from the record, in order and none twice */
	while (next <= end) {
		size_t n = journal_wants(rig->journal, end, &after);
		char field[64];

		for (size_t i = 1; i <= n && after + i <= end; i++)
			add_late(rig, after + i, ",\"type\":\"core.started\"");
		if (take(rig, MSG_DONTWAIT) == 0) {
			rest(1000);
			continue;
		}
		(void)snprintf(field, sizeof(field), "WASTEWATCH_SEQ=%llu\n",
			       (unsigned long long)next++);
		if (!has(rig, field))
			fail_msg("no %s in:\n%s", field, rig->packet);
	}
	until_sent(rig, end);
	assert_true(journal_caught_up(rig->journal, end, &missed));
	assert_true(missed.n > 0 && missed.n <= end - QUEUE);
	assert_string_equal(journal_words(rig->journal), "");
}

/* faults: H1 */
static void test_stopped_and_restarted(void **state)
{
	struct journal_missed missed;
	struct rig *rig = *state;

	open_journal(rig, 0, 0);
	add(rig, 1, "the first");
	expect(rig, "MESSAGE=the first\n");
	(void)close(rig->fd);
	rig->fd = -1;
	add(rig, 2, "the second");
	until_words(rig, "the journal was stopped");
	assert_int_equal(journal_sent(rig->journal), 1);
	listen_again(rig);
	expect(rig, "MESSAGE=the second\n");
	until_sent(rig, 2);
	/* it waited in the queue, so it came as it was, and nothing was late */
	assert_false(journal_caught_up(rig->journal, 2, &missed));
	assert_string_equal(journal_words(rig->journal), "");
}

/* taken into its socket, and nobody reads it any more */
static void stop(struct rig *rig)
{
	(void)close(rig->fd);
	rig->fd = -1;
}

/* as the service does; until the thread has asked, nothing is wanted */
static void refill(struct rig *rig, uint64_t from, uint64_t end)
{
	uint64_t after;
	size_t n = 0;

	for (int i = 0; i < PATIENCE && n == 0; i++) {
		rest(PATIENCE_US);
		n = journal_wants(rig->journal, end, &after);
	}
	assert_true(n >= end - after);
	assert_int_equal(after + 1, from);
	for (uint64_t seq = from; seq <= end; seq++)
		add_late(rig, seq, ",\"type\":\"core.started\"");
}

static void expect_late(struct rig *rig, uint64_t seq)
{
	char field[64];

	(void)snprintf(field, sizeof(field), "WASTEWATCH_SEQ=%llu\n", (unsigned long long)seq);
	expect(rig, field);
	assert_true(has(rig, "WASTEWATCH_RESENT=1\n"));
	assert_true(has(rig, "WASTEWATCH_TIME=2026-11-28T08:00:00.000+07:00\n"));
}

/* it reads the first @n_read of @n_sent, then is stopped */
static void lose(struct rig *rig, uint64_t n_read, uint64_t n_sent)
{
	for (uint64_t seq = 1; seq <= n_sent; seq++) {
		add(rig, seq, "entry");
		until_sent(rig, seq);
		if (seq <= n_read) {
			assert_true(take(rig, 0) > 0);
			store(seq);
		}
	}
	stop(rig);
}

/* faults: H1. Sending it had not failed; the next one is refused. */
static void test_taken_and_not_read(void **state)
{
	struct journal_missed missed;
	struct rig *rig = *state;

	open_with_files(rig, 0, false);
	lose(rig, 2, 4);
	add(rig, 5, "while it is away");
	refill(rig, 3, 5);
	until_words(rig, "the journal was stopped");
	assert_int_equal(journal_sent(rig->journal), 2);
	assert_false(journal_caught_up(rig->journal, 5, &missed));
	listen_again(rig);
	for (uint64_t seq = 3; seq <= 5; seq++)
		expect_late(rig, seq);
	until_sent(rig, 5);
	assert_int_equal(take(rig, MSG_DONTWAIT), 0);
	assert_true(journal_caught_up(rig->journal, 5, &missed));
	assert_int_equal(missed.n, 3);
}

/* faults: H1. It is back before anything was refused; and what it has behind a hole is not sent
 * again, nor what it stores while it is asked. */
static void test_another_socket(void **state)
{
	struct journal_missed missed;
	struct rig *rig = *state;

	open_with_files(rig, 0, true);
	lose(rig, 2, 6);
	store(5);
	listen_again(rig);
	add(rig, 7, "the next");
	refill(rig, 4, 7);
	expect_late(rig, 4);
	expect_late(rig, 6);
	expect_late(rig, 7);
	until_sent(rig, 7);
	assert_int_equal(take(rig, MSG_DONTWAIT), 0);
	assert_true(files.asked >= 3);
	assert_true(journal_caught_up(rig->journal, 7, &missed));
	assert_int_equal(missed.n, 3);
	assert_string_equal(missed.why, "the journal ended before it had read them");
}

/* faults: H1. It has all: nothing comes late, and it is not asked again while it is away. */
static void test_stopped_and_nothing_lost(void **state)
{
	struct journal_missed missed;
	struct rig *rig = *state;

	open_with_files(rig, 0, false);
	lose(rig, 2, 2);
	add(rig, 3, "the third");
	until_words(rig, "the journal was stopped");
	rest(3 * JOURNAL_AGAIN_MS * 1000L);
	listen_again(rig);
	expect(rig, "MESSAGE=the third\n");
	until_sent(rig, 3);
	assert_int_equal(files.asked, 1);
	assert_false(journal_caught_up(rig->journal, 3, &missed));
}

/* faults: H1. Those before the last JOURNAL_DOUBTED are not asked for. */
static void test_so_many_at_most(void **state)
{
	const uint64_t sent = 2 * JOURNAL_DOUBTED;
	struct rig *rig = *state;

	open_with_files(rig, sent, false);
	store(sent);
	stop(rig);
	add(rig, sent + 1, "the next");
	refill(rig, sent - JOURNAL_DOUBTED + 1, sent - JOURNAL_DOUBTED + 256);
	until_words(rig, "the journal was stopped");
	listen_again(rig);
	expect_late(rig, sent - JOURNAL_DOUBTED + 1);
}

/* faults: H1. What the core had read of the record before it was known that some are lost. */
static void test_what_was_read_before_does_not_come_first(void **state)
{
	struct rig *rig = *state;
	uint64_t after;

	open_with_files(rig, 0, false);
	lose(rig, 2, 4);
	assert_true(journal_wants(rig->journal, 6, &after) > 0);
	assert_int_equal(after, 4);
	add_late(rig, 5, ",\"type\":\"core.started\"");
	for (int i = 0; i < PATIENCE && journal_sent(rig->journal) != 2; i++)
		rest(PATIENCE_US);
	add_late(rig, 6, ",\"type\":\"core.started\"");
	refill(rig, 3, 6);
	listen_again(rig);
	for (uint64_t seq = 3; seq <= 6; seq++)
		expect_late(rig, seq);
	until_sent(rig, 6);
}

/* faults: H1. As it was, but it says so; of two times once. */
static void test_it_cannot_be_asked(void **state)
{
	struct rig *rig = *state;

	open_journal(rig, 0, 0);
	for (uint64_t seq = 1; seq <= 3; seq++) {
		add(rig, seq, "entry");
		expect(rig, "MESSAGE=entry\n");
		if (seq == 2) {
			expect(rig, "MESSAGE=The journal was stopped, and what it has cannot");
			assert_true(has(rig, "PRIORITY=4\n"));
		}
		until_sent(rig, seq);
		assert_int_equal(take(rig, MSG_DONTWAIT), 0);
		stop(rig);
		listen_again(rig);
	}
}

/* faults: H1 */
static void test_closing_does_not_wait_for_one_that_hangs(void **state)
{
	struct rig *rig = *state;

	open_journal(rig, 0, 0);
	for (uint64_t seq = 1; seq <= QUEUE; seq++)
		add(rig, seq, "entry");
	journal_drain(rig->journal);
	assert_true(journal_sent(rig->journal) < QUEUE);
	rig->journal = journal_close(rig->journal);
	assert_null(rig->journal);
}

/* stderr into a file, back again afterwards; the caller frees the text */
static char *catch_stderr(struct rig *rig, void (*fn)(struct rig *rig))
{
	FILE *file = tmpfile();
	int kept = dup(STDERR_FILENO);
	char *text = calloc(1, 1 << 16);
	size_t n;

	assert_non_null(file);
	assert_non_null(text);
	(void)fflush(stderr);
	assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
	fn(rig);
	(void)fflush(stderr);
	assert_true(dup2(kept, STDERR_FILENO) >= 0);
	(void)close(kept);
	(void)fseek(file, 0, SEEK_SET);
	n = fread(text, 1, (1 << 16) - 1, file);
	text[n] = '\0';
	(void)fclose(file);
	return text;
}

static void three_entries(struct rig *rig)
{
	open_journal(rig, 0, 1);
	add_late(rig, 1, ",\"type\":\"core.started\""); /* the run before has said it */
	add(rig, 2, "the second");
	add(rig, 3, "the third");
	journal_drain(rig->journal);
	assert_int_equal(journal_sent(rig->journal), 3);
}

static void test_stderr_where_there_is_no_journal(void **state)
{
	struct journal_missed missed;
	struct rig *rig = *state;
	char *text;

	(void)unlink(rig->path);
	text = catch_stderr(rig, three_entries);
	assert_string_equal(text, "<5>the second\n<5>the third\n");
	assert_false(journal_caught_up(rig->journal, 3, &missed));
	free(text);
}

static void test_too_long_a_name(void **state)
{
	struct rig *rig = *state;
	char path[200];

	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(journal_open(&rig->journal, path, NULL, LOG_ID, 0, 0), -ENAMETOOLONG);
	assert_null(journal_close(NULL));
	journal_drain(NULL);
	assert_int_equal(journal_sent(NULL), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_fields),
		TEST(test_what_is_late_says_so),
		TEST(test_a_value_of_several_lines),
		TEST(test_a_large_entry_comes_as_a_sealed_file),
		TEST(test_hung),
		TEST(test_stopped_and_restarted),
		TEST(test_taken_and_not_read),
		TEST(test_another_socket),
		TEST(test_stopped_and_nothing_lost),
		TEST(test_so_many_at_most),
		TEST(test_what_was_read_before_does_not_come_first),
		TEST(test_it_cannot_be_asked),
		TEST(test_closing_does_not_wait_for_one_that_hangs),
		TEST(test_stderr_where_there_is_no_journal),
		TEST(test_too_long_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
