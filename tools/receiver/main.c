/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/receiver_options.h"

static int listen_on(const struct addrinfo *address)
{
	int on = 1, fd, r;

	fd = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC, address->ai_protocol);
	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, address->ai_addr, address->ai_addrlen) < 0 || listen(fd, 128) < 0) {
		r = -errno;
		(void)close(fd);
		return r;
	}
	return fd;
}

static int open_listener(const struct receiver_options *options)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				       .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE};
	struct addrinfo *address = NULL;
	int fd;

	if (getaddrinfo(options->address, options->port, &hints, &address) != 0)
		return -EINVAL;
	fd = listen_on(address);
	freeaddrinfo(address);
	return fd;
}

/* the first line of stdout: what a script waits for */
static void print_address(const struct receiver_options *options, int fd)
{
	struct sockaddr_storage address = {0};
	socklen_t n = sizeof(address);
	char port[NI_MAXSERV] = "?";

	if (getsockname(fd, (struct sockaddr *)&address, &n) == 0)
		(void)getnameinfo((struct sockaddr *)&address, n, NULL, 0, port, sizeof(port),
				  NI_NUMERICSERV);
	(void)printf(strchr(options->address, ':') ? "listening on [%s]:%s\n"
						   : "listening on %s:%s\n",
		     options->address, port);
	(void)fflush(stdout);
}

static int fail(const char *what, const char *which, int error)
{
	(void)fprintf(stderr, "wastewatch-receiver: %s %s: %s\n", what, which, strerror(-error));
	return error;
}

static void print_summary(const struct receiver_options *options,
			  const struct receiver_counts *counts, size_t n_held)
{
	if (options->settings.json)
		(void)printf("{\"held\":%zu,\"stored\":%u,\"duplicates\":%u,\"conflicts\":%u,"
			     "\"refused\":%u,\"faults\":%u}\n",
			     n_held, counts->n_stored, counts->n_duplicates, counts->n_conflicts,
			     counts->n_refused, counts->n_faults);
	else
		(void)printf(
			"stopped: %zu reports held; %u stored, %u received again, %u conflicts, "
			"%u refused, %u faults as told\n",
			n_held, counts->n_stored, counts->n_duplicates, counts->n_conflicts,
			counts->n_refused, counts->n_faults);
}

static int serve(const struct receiver_options *options, const sigset_t *stop)
{
	CLEANUP(receiver_store_close) struct receiver_store *store = NULL;
	CLEANUP(receiver_server_close) struct receiver_server *server = NULL;
	struct receiver_counts counts;
	int fd, r;

	r = receiver_store_open(&store, options->store, options->overdue_s);
	if (r < 0)
		return fail("cannot use the store", options->store, r);
	fd = open_listener(options);
	if (fd < 0)
		return fail("cannot listen on", options->address, fd);
	r = receiver_server_open(&server, &options->settings, store, fd);
	if (r < 0)
		return fail("cannot serve",
			    options->certificate ? "https; check certificate and key" : "http", r);
	print_address(options, fd); /* the server owns it, and it is open */
	while (sigtimedwait(stop, NULL, &(struct timespec){.tv_sec = 1}) < 0)
		receiver_server_overdue(server);
	counts = receiver_server_counts(server);
	(void)receiver_server_close(steal(&server));
	print_summary(options, &counts, receiver_store_count(store));
	return 0;
}

int main(int argc, char **argv)
{
	struct receiver_options options;
	sigset_t stop;
	int r = receiver_options_parse(&options, argc, argv);

	if (r > 0) {
		(void)sigemptyset(&stop);
		(void)sigaddset(&stop, SIGTERM);
		(void)sigaddset(&stop, SIGINT);
		(void)pthread_sigmask(SIG_BLOCK, &stop, NULL); /* threads inherit it */
		(void)signal(SIGPIPE, SIG_IGN);
		r = serve(&options, &stop) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	} else {
		r = r < 0 ? 2 : EXIT_SUCCESS;
	}
	receiver_options_done(&options);
	return r;
}
