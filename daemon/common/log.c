/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "common/log.h"

static struct {
	const char *program;
	bool verbose;
	bool terminal;
} config = {.program = "wastewatch"};

void log_init(const char *program, bool verbose)
{
	config.program = program;
	config.verbose = verbose;
	config.terminal = isatty(STDERR_FILENO) == 1;
}

void log_line(enum log_priority priority, const char *format, ...)
{
	char text[4096];
	va_list ap;

	if (priority == LOG_PRIORITY_DEBUG && !config.verbose)
		return;
	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (config.terminal)
		(void)fprintf(stderr, "%s: %s\n", config.program, text);
	else
		(void)fprintf(stderr, "<%d>%s\n", (int)priority, text);
}
