/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wastewatch backup FILE - a copy of the record, whole and verified, while the daemon runs or not
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"
#include "core/event.h"
#include "core/record_backup.h"
#include "tools/command.h"

#define QUIET_MS 2000 /* so long nothing is said of how far it is */
#define SAY_MS	 1000

/** struct progress - @begun_ms, @said_ms: monotonic */
struct progress {
	int64_t begun_ms;
	int64_t said_ms;
	bool said;
};

static void on_progress(void *userdata, int n_done, int n_all)
{
	struct progress *progress = userdata;
	int64_t now_ms = clock_stamp().mono_ms;

	if (now_ms - progress->begun_ms < QUIET_MS || now_ms - progress->said_ms < SAY_MS)
		return;
	progress->said_ms = now_ms;
	progress->said = true;
	(void)fprintf(stderr, "%s%3d %% of %d pages%s", isatty(STDERR_FILENO) ? "\r" : "",
		      n_all > 0 ? (int)((int64_t)n_done * 100 / n_all) : 0, n_all,
		      isatty(STDERR_FILENO) ? "" : "\n");
}

int command_backup(const struct command_options *options)
{
	struct progress progress = {.begun_ms = clock_stamp().mono_ms};
	char error[RECORD_BACKUP_ERROR_MAX], hex[CHAIN_HEX_MAX];
	struct record_backup_result result;
	int r = record_backup(options->state, options->arguments[0], on_progress, &progress,
			      &result, error);

	if (progress.said && isatty(STDERR_FILENO))
		(void)fputc('\n', stderr);
	if (r < 0)
		return command_fail("%s", error);
	chain_hex(result.hash, hex);
	(void)printf(options->json ? "{\"bytes\":%" PRId64 ",\"entries\":%" PRIu64
				     ",\"hash\":\"%s\"}\n"
				   : "%" PRId64 " bytes, %" PRIu64 " entries, verified; the last "
				     "one's hash: %s\n",
		     result.bytes, result.seq, hex);
	return EXIT_SUCCESS;
}
