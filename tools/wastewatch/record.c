/* SPDX-License-Identifier: Apache-2.0 */
/* what people say about the record itself */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/bus.h"
#include "tools/command.h"

int command_record(const struct command_options *options)
{
	CLEANUP(bus_close) struct bus *bus = NULL;
	const struct bus_argument reason = {.type = 's',
					    .text = options->reason ? options->reason : ""};
	char error[BUS_ERROR_MAX];

	if (strcmp(options->argument, "seen") != 0) {
		(void)fputs("wastewatch: record knows one word: wastewatch record seen\n", stderr);
		return EXIT_USAGE;
	}
	if (bus_open(&bus, options->bus, error) < 0 ||
	    bus_act(bus, false, "RecordSeen", &reason, 1, error) < 0)
		return command_fail("%s", error);
	(void)puts("That the record was damaged is marked as seen.");
	return EXIT_SUCCESS;
}
