/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loaded into a program: while the file NOTIMER is there, a timer that is as exact as the poller's
 * is set to a time that never comes, as if its work had been forgotten; the loop turns on. The file
 * gets an "n" for each of these and a "t" for every other timer that is set.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#define EXACT_US 1
#define NEVER_US (UINT64_MAX / 4)

int sd_event_source_set_time(sd_event_source *source, uint64_t us)
{
	static int (*real)(sd_event_source *, uint64_t);
	const char *file = getenv("NOTIMER");
	uint64_t accuracy_us = 0;
	bool exact = sd_event_source_get_time_accuracy(source, &accuracy_us) >= 0 &&
		     accuracy_us == EXACT_US;
	int fd = file ? open(file, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "sd_event_source_set_time");
	if (fd < 0)
		return real(source, us);
	(void)!write(fd, exact ? "n" : "t", 1);
	(void)close(fd);
	return real(source, exact ? NEVER_US : us);
}
