/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-epc: the least that a Modbus client can do, as a yardstick. One thread, one epoll
 * loop, one connection per link, prebuilt requests, no checks beyond the answer's length. It
 * sends at the same instants as wastewatch-poller: phases and grid come from the same plan.
 *
 *   bench-epc < PLAN     with PLAN as bench-plan prints it; runs until SIGTERM
 *
 * All units have one interval. Links connect at the start only.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define N_EVENTS 256
#define N_MAX	 20000

struct link {
	int fd;
	bool busy;
	size_t n_expected;
	size_t n_in;
};

struct unit {
	uint32_t link;
	int64_t due_us;
	uint8_t request[12];
	size_t n_answer;
};

static struct link links[N_MAX];
static struct unit units[N_MAX];
static size_t n_units;
static int64_t interval_us, grid_us;
static int epoll;

static int64_t now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_BOOTTIME, &ts);
	return ts.tv_sec * INT64_C(1000000) + ts.tv_nsec / 1000;
}

static int die(const char *what)
{
	(void)fprintf(stderr, "bench-epc: %s: %s\n", what, strerror(errno));
	return EXIT_FAILURE;
}

static int connect_link(uint32_t link, const char *host, unsigned int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	struct epoll_event ev = {.events = EPOLLIN, .data.u32 = link};
	int on = 1;

	if (links[link].fd > 0)
		return 0;
	links[link].fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (links[link].fd < 0 || inet_pton(AF_INET, host, &a.sin_addr) != 1 ||
	    connect(links[link].fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return -1;
	(void)setsockopt(links[link].fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return epoll_ctl(epoll, EPOLL_CTL_ADD, links[link].fd, &ev);
}

/* "grid US", then per request "LINK HOST PORT ID INTERVAL_US PHASE_US FUNCTION ADDRESS COUNT" */
static int read_plan(void)
{
	unsigned int link, port, id, function, address, count;
	long long interval, phase, grid;
	char host[64];

	if (scanf("grid %lld", &grid) != 1)
		return -1;
	grid_us = grid;
	while (n_units < N_MAX && scanf("%u %63s %u %u %lld %lld %u %u %u", &link, host, &port, &id,
					&interval, &phase, &function, &address, &count) == 9) {
		struct unit *u = &units[n_units++];

		if (link >= N_MAX || connect_link(link, host, port) < 0)
			return -1;
		interval_us = interval;
		*u = (struct unit){
			.link = link, .due_us = phase, .n_answer = 9 + 2 * (size_t)count};
		memcpy(u->request,
		       (const uint8_t[]){0, 1, 0, 0, 0, 6, (uint8_t)id, (uint8_t)function,
					 (uint8_t)(address >> 8), (uint8_t)address,
					 (uint8_t)(count >> 8), (uint8_t)count},
		       12);
	}
	return n_units > 0 ? 0 : -1;
}

static int by_due(const void *a, const void *b)
{
	const struct unit *x = a, *y = b;

	return (x->due_us > y->due_us) - (x->due_us < y->due_us);
}

/* first due times after now, on the grid */
static void schedule(void)
{
	int64_t start = now_us();

	for (size_t i = 0; i < n_units; i++) {
		int64_t due = start / interval_us * interval_us + units[i].due_us;

		due = (due + grid_us - 1) / grid_us * grid_us;
		units[i].due_us = due > start ? due : due + interval_us;
	}
	qsort(units, n_units, sizeof(*units), by_due);
}

static void send_due(struct unit *u)
{
	struct link *l = &links[u->link];

	u->due_us += interval_us;
	if (l->busy)
		return; /* one request at a time; this turn is lost, as in the poller */
	l->busy = true;
	l->n_expected = u->n_answer;
	l->n_in = 0;
	(void)!send(l->fd, u->request, sizeof(u->request), MSG_NOSIGNAL);
}

static void receive(struct link *l)
{
	uint8_t in[300];
	ssize_t n = recv(l->fd, in, sizeof(in), MSG_DONTWAIT);

	if (n > 0)
		l->n_in += (size_t)n;
	if (l->n_in >= l->n_expected)
		l->busy = false;
}

static int run(void)
{
	struct epoll_event events[N_EVENTS];
	size_t next = 0;

	for (;;) {
		int64_t wait_us = units[next].due_us - now_us();
		struct timespec ts = {wait_us / 1000000, wait_us % 1000000 * 1000};
		int n = 0;

		if (wait_us > 0)
			n = epoll_pwait2(epoll, events, N_EVENTS, &ts, NULL);
		if (n < 0 && errno != EINTR)
			return die("epoll_pwait2");
		for (int i = 0; i < n; i++)
			receive(&links[events[i].data.u32]);
		for (int64_t now = now_us(); units[next].due_us <= now; next = (next + 1) % n_units)
			send_due(&units[next]);
	}
}

int main(void)
{
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0 || read_plan() < 0)
		return die("cannot read the plan or connect");
	schedule();
	(void)puts("running");
	(void)fflush(stdout);
	return run();
}
