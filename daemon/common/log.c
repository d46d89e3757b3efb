/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"

#define LINE_MAX_BYTES 4096

static struct {
	const char *program;
	bool verbose;
	bool terminal;
	_Atomic unsigned long
		n_dropped; /* lines that nobody took; said with the next that is taken */
} config = {.program = "wastewatch"};

void log_init(const char *program, bool verbose)
{
	config.program = program;
	config.verbose = verbose;
	config.terminal = isatty(STDERR_FILENO) == 1;
}

/* A journal that hangs or a pipe that nobody reads must not hold the caller. */
static bool put(const char *line, size_t n)
{
	struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
	ssize_t r = send(STDERR_FILENO, line, n, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (r < 0 && errno == ENOTSOCK && poll(&out, 1, 0) == 1 && (out.revents & POLLOUT))
		r = write(STDERR_FILENO, line, n);
	return r >= 0;
}

/* one write: lines of two threads or programs never mix */
static bool put_line(enum log_priority priority, const char *text)
{
	char line[LINE_MAX_BYTES];

	if (config.terminal)
		(void)snprintf(line, sizeof(line), "%.64s: %s\n", config.program, text);
	else
		(void)snprintf(line, sizeof(line), "<%d>%s\n", (int)priority, text);
	return put(line, strlen(line));
}

static void say_dropped(void)
{
	unsigned long n = config.n_dropped;
	char text[64];

	if (n == 0)
		return;
	(void)snprintf(text, sizeof(text), "%lu lines before this one found no reader", n);
	if (put_line(LOG_PRIORITY_WARNING, text))
		config.n_dropped -= n; /* another thread may have added to it meanwhile */
}

void log_line(enum log_priority priority, const char *format, ...)
{
	char text[LINE_MAX_BYTES - 128];
	va_list ap;

	if (priority == LOG_PRIORITY_DEBUG && !config.verbose)
		return;
	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	say_dropped();
	if (!put_line(priority, text))
		config.n_dropped++;
}
