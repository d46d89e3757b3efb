/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wastewatch backup FILE - a copy of the record, whole and verified, while the daemon runs or not
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/macro.h"
#include "core/event.h"
#include "core/record_backup.h"
#include "tools/command.h"
#include "tools/progress.h"
#include "tools/say.h"

static void on_progress(void *userdata, int n_done, int n_all)
{
	progress_say(userdata, (uint64_t)MAX(n_done, 0), (uint64_t)MAX(n_all, 0));
}

int command_backup(const struct command_options *options)
{
	struct progress progress;
	char error[RECORD_BACKUP_ERROR_MAX], hex[CHAIN_HEX_MAX];
	struct record_backup_result result;
	int r = command_find_record(options);

	if (r != EXIT_SUCCESS)
		return r;
	progress_begin(&progress, tr("pages copied"), false);
	r = record_backup(options->state, options->arguments[0], on_progress, &progress, &result,
			  error);
	progress_end(&progress);
	if (r < 0)
		return command_fail("%s", error);
	chain_hex(result.hash, hex);
	if (options->json)
		(void)printf("{\"bytes\":%" PRId64 ",\"entries\":%" PRIu64 ",\"hash\":\"%s\"}\n",
			     result.bytes, result.seq, hex);
	else
		say("%lld bytes, %llu entries, verified; the last one's hash: %s\n",
		    (long long)result.bytes, (unsigned long long)result.seq, hex);
	return EXIT_SUCCESS;
}
