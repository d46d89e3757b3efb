/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/log.h"

/* stderr is one end of a pipe or of a socket, the test has the other */
struct ends {
	int saved;
	int fd;
};

static struct ends redirect(const int fds[2])
{
	struct ends ends = {.saved = dup(STDERR_FILENO), .fd = fds[0]};

	assert_true(dup2(fds[1], STDERR_FILENO) >= 0);
	(void)close(fds[1]);
	assert_int_equal(fcntl(ends.fd, F_SETFL, O_NONBLOCK), 0);
	log_init("test", false);
	return ends;
}

static void restore(struct ends ends)
{
	assert_true(dup2(ends.saved, STDERR_FILENO) >= 0);
	(void)close(ends.saved);
	(void)close(ends.fd);
}

/* all that is there now, the last of it in @text; Return: bytes */
static size_t drain(int fd, char *text, size_t room)
{
	size_t n = 0;
	ssize_t r;

	while ((r = read(fd, text, room - 1)) > 0) {
		n += (size_t)r;
		text[r] = '\0';
	}
	return n;
}

static void test_lines(void **state)
{
	char text[8192];
	struct ends ends;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	ends = redirect(fds);
	log_debug("%s", "not wanted");
	log_warning("%s %d", "links", 3);
	assert_int_equal(drain(ends.fd, text, sizeof(text)), strlen("<4>links 3\n"));
	restore(ends);
	assert_string_equal(text, "<4>links 3\n");
}

/* nobody reads: nothing blocks, and what was dropped is said once somebody does */
static void check_nobody_reads(const int fds[2])
{
	struct ends ends = redirect(fds);
	static char text[1 << 20];
	char expected[128], last[64];
	size_t n_lines = 20000, n;

	for (size_t i = 0; i < n_lines; i++)
		log_warning("%0100zu", i);
	n = drain(ends.fd, text, sizeof(text));
	assert_int_equal(n % 104, 0); /* whole lines only */
	assert_true(n > 0 && n / 104 < n_lines);
	log_err("read again");
	(void)drain(ends.fd, text, sizeof(text));
	log_err("and again");
	(void)drain(ends.fd, last, sizeof(last));
	restore(ends);
	(void)snprintf(expected, sizeof(expected),
		       "<4>%zu lines before this one found no reader\n<3>read again\n",
		       n_lines - n / 104);
	assert_string_equal(text, expected);
	assert_string_equal(last, "<3>and again\n");
}

static void test_pipe_that_nobody_reads(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	check_nobody_reads(fds);
}

static void test_socket_that_nobody_reads(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	check_nobody_reads(fds);
}

static void test_reader_that_is_gone(void **state)
{
	struct ends ends;
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	ends = redirect(fds);
	(void)close(ends.fd);
	ends.fd = -1;
	log_err("to nobody"); /* no SIGPIPE either */
	restore(ends);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_pipe_that_nobody_reads),
		cmocka_unit_test(test_socket_that_nobody_reads),
		cmocka_unit_test(test_reader_that_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
