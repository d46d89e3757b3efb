/* SPDX-License-Identifier: Apache-2.0 */
/* what people say about the record itself */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/bus.h"
#include "tools/command.h"
#include "tools/lines.h"
#include "tools/say.h"

int command_record(const struct command_options *options)
{
	CLEANUP(bus_close) struct bus *bus = NULL;
	const struct bus_argument reason = {.type = 's',
					    .text = options->reason ? options->reason : ""};
	char error[BUS_ERROR_MAX];
	int r;

	if (strcmp(options->argument, "seen") != 0)
		return say_wrong("record knows one word: wastewatch record seen");
	r = bus_open(&bus, options->bus, error);
	if (r == 0)
		r = bus_act(bus, false, "RecordSeen", &reason, 1, error);
	if (options->json)
		lines_action("record-seen", "record", r < 0 ? error : NULL);
	else if (r < 0)
		(void)command_fail("%s", error);
	else
		say("That the record was damaged is marked as seen.\n");
	return command_exit(r);
}
