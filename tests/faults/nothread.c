/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loaded into a program: no thread can be started while the file NOTHREAD is there, which gets a
 * byte for each that was refused.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *),
		   void *argument)
{
	int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
	const char *file = getenv("NOTHREAD");

	int fd = file ? open(file, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;

	if (fd >= 0) {
		(void)!write(fd, "1", 1);
		(void)close(fd);
		return EAGAIN;
	}
	*(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
	return real(thread, attributes, start, argument);
}
