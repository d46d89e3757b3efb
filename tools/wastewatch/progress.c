/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "common/clock.h"
#include "tools/command.h"
#include "tools/say.h"

#define PATIENCE_MS 2000
#define AGAIN_MS    250

void progress_begin(struct progress *progress, const char *what, bool prints)
{
	bool is_seen = isatty(STDERR_FILENO) && !(prints && isatty(STDOUT_FILENO));

	*progress = (struct progress){
		.what = what,
		.begun_ms = clock_stamp().mono_ms,
		.file = is_seen ? stderr : NULL,
	};
}

/* what is left if it goes on as it went */
static void say_rest(const struct progress *progress, int64_t now_ms, uint64_t n, uint64_t all)
{
	int64_t gone_ms = now_ms - progress->begun_ms;
	char span[48];

	say_to(progress->file, "%llu of %llu, %d %%, %s to go", (unsigned long long)n,
	       (unsigned long long)all, (int)((double)n * 100 / (double)all),
	       command_span((int64_t)((double)gone_ms * (double)(all - n) / (double)n), span));
}

void progress_say_at(struct progress *progress, int64_t now_ms, uint64_t n, uint64_t all)
{
	if (now_ms - progress->begun_ms < PATIENCE_MS || now_ms - progress->said_ms < AGAIN_MS)
		return;
	progress->said_ms = now_ms;
	progress->said = true;
	(void)fprintf(progress->file, "\r\033[K%s: ", progress->what);
	if (n > 0 && n <= all)
		say_rest(progress, now_ms, n, all);
	else
		(void)fprintf(progress->file, "%llu", (unsigned long long)n);
	(void)fflush(progress->file);
}

void progress_say(struct progress *progress, uint64_t n, uint64_t all)
{
	if (progress->file)
		progress_say_at(progress, clock_stamp().mono_ms, n, all);
}

void progress_end(struct progress *progress)
{
	if (progress->said)
		(void)fputs("\r\033[K", progress->file);
	progress->said = false;
}
