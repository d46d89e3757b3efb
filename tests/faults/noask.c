/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loaded into a program: while the file NOASK is there, no call to polkit gets away, as if the
 * bus took no more of them. The file gets a byte for each.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

int sd_bus_call_async(sd_bus *bus, sd_bus_slot **slot, sd_bus_message *message,
		      sd_bus_message_handler_t handler, void *userdata, uint64_t us)
{
	int (*real)(sd_bus *, sd_bus_slot **, sd_bus_message *, sd_bus_message_handler_t, void *,
		    uint64_t);
	const char *to = sd_bus_message_get_destination(message), *file = getenv("NOASK");
	int fd = -1;

	if (file && to && strcmp(to, "org.freedesktop.PolicyKit1") == 0)
		fd = open(file, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd >= 0) {
		(void)!write(fd, "1", 1);
		(void)close(fd);
		return -ENOBUFS;
	}
	*(void **)&real = dlsym(RTLD_NEXT, "sd_bus_call_async");
	return real(bus, slot, message, handler, userdata, us);
}
