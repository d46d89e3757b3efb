/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench-plant: the devices of the benchmark. Serves two units on each of N addresses
 * 127.0.x.y and notes when each request arrived, by the kernel's receive time stamp, so that
 * cadence and jitter are judged at the device and not by the client.
 *
 *   bench-plant N_LINKS     prints "port P", then obeys lines on standard input, each
 *                           answered by one line that begins with "ok":
 *     reset                 forget all arrivals                     ok WALL_US BOOT_US
 *     dump FILE             write them: int64 wall_us, uint32 unit, uint32 registers   ok N
 *     dead PERCENT          these units do not answer from now on   ok N
 *     set UNIT REGISTER W W two registers get these words           ok WALL_US
 *
 * Unit u is unit id 1 + u % 2 of link u / 2. Ends when standard input does.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define N_REGISTERS    10
#define UNITS_PER_LINK 2
#define REQUEST_BYTES  12
#define N_EVENTS       256
#define ARRIVALS_MAX   (16U << 20)
#define PORT_ATTEMPTS  20

struct arrival {
	int64_t wall_us;
	uint32_t unit;
	uint32_t n_registers;
};

/* @unit: first unit of the link; of a listener too */
struct endpoint {
	int fd;
	bool listens;
	uint32_t unit;
	size_t n_in;
	uint8_t in[16 * REQUEST_BYTES];
};

struct unit {
	uint16_t words[N_REGISTERS];
	bool dead;
};

static struct {
	int epoll;
	uint32_t n_links;
	struct unit *units;
	struct arrival *arrivals;
	size_t n_arrivals;
	size_t room;
} plant;

static int64_t clock_us(clockid_t clock)
{
	struct timespec ts;

	(void)clock_gettime(clock, &ts);
	return ts.tv_sec * INT64_C(1000000) + ts.tv_nsec / 1000;
}

static int die(const char *what)
{
	(void)fprintf(stderr, "bench-plant: %s: %s\n", what, strerror(errno));
	return EXIT_FAILURE;
}

static void note(uint32_t unit, uint32_t n_registers, int64_t wall_us)
{
	if (plant.n_arrivals == plant.room) {
		size_t room = plant.room ? 2 * plant.room : 1 << 16;
		struct arrival *more = room > ARRIVALS_MAX
					       ? NULL
					       : reallocarray(plant.arrivals, room, sizeof(*more));

		if (!more) {
			(void)fputs("bench-plant: no room for arrivals\n", stderr);
			exit(EXIT_FAILURE);
		}
		plant.arrivals = more;
		plant.room = room;
	}
	plant.arrivals[plant.n_arrivals++] = (struct arrival){wall_us, unit, n_registers};
}

/* Return: bytes of the answer; 0 none. */
static size_t answer(const struct endpoint *e, const uint8_t *rq, int64_t wall_us, uint8_t *out)
{
	uint32_t id = rq[6], u = e->unit + id - 1;
	uint32_t address = (uint32_t)(rq[8] << 8 | rq[9]), n = (uint32_t)(rq[10] << 8 | rq[11]);

	if (id < 1 || id > UNITS_PER_LINK || rq[7] < 3 || rq[7] > 4 || n < 1 ||
	    address + n > N_REGISTERS) {
		memcpy(out, (const uint8_t[]){rq[0], rq[1], 0, 0, 0, 3, rq[6], rq[7] | 0x80, 2}, 9);
		return 9;
	}
	note(u, n, wall_us);
	if (plant.units[u].dead)
		return 0;
	plant.units[u].words[1] ^= 1; /* a live value: the last bit of a float's mantissa */
	memcpy(out, rq, 8);
	out[4] = 0;
	out[5] = (uint8_t)(3 + 2 * n);
	out[8] = (uint8_t)(2 * n);
	for (uint32_t i = 0; i < n; i++) {
		out[9 + 2 * i] = (uint8_t)(plant.units[u].words[address + i] >> 8);
		out[10 + 2 * i] = (uint8_t)plant.units[u].words[address + i];
	}
	return 9 + 2 * (size_t)n;
}

static void hang_up(struct endpoint *e)
{
	(void)close(e->fd);
	free(e);
}

/* recv() with the kernel's time of arrival; our own where it gives none */
static ssize_t receive(struct endpoint *e, int64_t *ret_wall_us)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(struct timespec))];
	} control;
	struct iovec iov = {e->in + e->n_in, sizeof(e->in) - e->n_in};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(e->fd, &msg, 0);
	struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL;
	struct timespec ts;

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
		memcpy(&ts, CMSG_DATA(c), sizeof(ts));
		*ret_wall_us = ts.tv_sec * INT64_C(1000000) + ts.tv_nsec / 1000;
	} else {
		*ret_wall_us = clock_us(CLOCK_REALTIME);
	}
	return n;
}

static void serve(struct endpoint *e)
{
	uint8_t out[(9 + 2 * N_REGISTERS) * sizeof(e->in) / REQUEST_BYTES];
	size_t n_out = 0, used = 0;
	int64_t wall_us;
	ssize_t n = receive(e, &wall_us);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		hang_up(e);
		return;
	}
	e->n_in += (size_t)n;
	for (; e->n_in - used >= REQUEST_BYTES; used += REQUEST_BYTES)
		n_out += answer(e, e->in + used, wall_us, out + n_out);
	e->n_in -= used;
	memmove(e->in, e->in + used, e->n_in);
	if (n_out > 0 && send(e->fd, out, n_out, MSG_NOSIGNAL) < 0)
		hang_up(e);
}

static int watch(int fd, bool listens, uint32_t unit)
{
	struct endpoint *e = calloc(1, sizeof(*e));
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = e};

	if (!e)
		return -ENOMEM;
	*e = (struct endpoint){.fd = fd, .listens = listens, .unit = unit};
	if (epoll_ctl(plant.epoll, EPOLL_CTL_ADD, fd, &ev) == 0)
		return 0;
	free(e);
	return -errno;
}

static void take_connections(const struct endpoint *listener)
{
	int fd, on = 1;

	while ((fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		(void)setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
		if (watch(fd, false, listener->unit) < 0)
			(void)close(fd);
	}
}

/* Return: listening descriptor on 127.0.x.y; -1 with errno. */
static int open_link(uint32_t link, uint16_t *port)
{
	uint32_t ip = 127U << 24 | (1 + link / 250) << 8 | (1 + link % 250);
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(ip)};
	socklen_t size = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;

	a.sin_port = htons(*port);
	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&a, size) < 0 || listen(fd, 64) < 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &size) < 0) {
		(void)close(fd);
		return -1;
	}
	*port = ntohs(a.sin_port);
	return fd;
}

/* all links on one port that is free on all addresses */
static int open_links(int *fds, uint16_t *ret_port)
{
	for (int attempt = 0; attempt < PORT_ATTEMPTS; attempt++) {
		uint32_t n = 0;

		*ret_port = 0;
		while (n < plant.n_links && (fds[n] = open_link(n, ret_port)) >= 0)
			n++;
		if (n == plant.n_links)
			return 0;
		while (n > 0)
			(void)close(fds[--n]);
	}
	return -1;
}

static size_t set_dead(unsigned int percent)
{
	size_t n = 0;

	/* 7919 is prime: of 100 units in a row exactly that many, well mixed */
	for (uint32_t u = 0; u < plant.n_links * UNITS_PER_LINK; u++)
		n += plant.units[u].dead = u * 7919 % 100 < percent;
	return n;
}

static bool dump(const char *path)
{
	FILE *out = fopen(path, "we");

	if (!out)
		return false;
	if (plant.n_arrivals > 0)
		(void)fwrite(plant.arrivals, sizeof(*plant.arrivals), plant.n_arrivals, out);
	return fclose(out) == 0;
}

static void obey(const char *line)
{
	unsigned int a, b, hi, lo;
	char path[512];

	if (strcmp(line, "reset\n") == 0) {
		plant.n_arrivals = 0;
		(void)printf("ok %lld %lld\n", (long long)clock_us(CLOCK_REALTIME),
			     (long long)clock_us(CLOCK_BOOTTIME));
	} else if (sscanf(line, "dump %511s", path) == 1 && dump(path)) {
		(void)printf("ok %zu\n", plant.n_arrivals);
	} else if (sscanf(line, "dead %u", &a) == 1) {
		(void)printf("ok %zu\n", set_dead(a));
	} else if (sscanf(line, "set %u %u %u %u", &a, &b, &hi, &lo) == 4 &&
		   a < plant.n_links * UNITS_PER_LINK && b + 1 < N_REGISTERS) {
		plant.units[a].words[b] = (uint16_t)hi;
		plant.units[a].words[b + 1] = (uint16_t)lo;
		(void)printf("ok %lld\n", (long long)clock_us(CLOCK_REALTIME));
	} else {
		(void)printf("error %s", line);
	}
	(void)fflush(stdout);
}

static int loop(void)
{
	struct epoll_event events[N_EVENTS];
	char line[600];
	int n;

	for (;;) {
		n = epoll_wait(plant.epoll, events, N_EVENTS, -1);
		if (n < 0 && errno != EINTR)
			return die("epoll_wait");
		for (int i = 0; i < n; i++) {
			struct endpoint *e = events[i].data.ptr;

			if (e && e->listens)
				take_connections(e);
			else if (e)
				serve(e);
			else if (fgets(line, sizeof(line), stdin))
				obey(line); /* the driver sends one line and waits */
			else
				return EXIT_SUCCESS;
		}
	}
}

static int prepare(uint32_t n_links)
{
	struct epoll_event ev = {.events = EPOLLIN};
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	plant.n_links = n_links;
	plant.units = calloc(n_links * UNITS_PER_LINK, sizeof(*plant.units));
	plant.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!plant.units || plant.epoll < 0 ||
	    epoll_ctl(plant.epoll, EPOLL_CTL_ADD, STDIN_FILENO, &ev) < 0)
		return -1;
	for (uint32_t u = 0; u < n_links * UNITS_PER_LINK; u++)
		for (uint32_t i = 0; i < N_REGISTERS; i += 2)
			plant.units[u].words[i] = 0x4248; /* 50.0 as float32 ABCD */
	return 0;
}

int main(int argc, char **argv)
{
	long n = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
	uint16_t port;
	int *fds;

	if (n < 1 || n > 5000) {
		(void)fputs("Usage: bench-plant N_LINKS (1 to 5000)\n", stderr);
		return 2;
	}
	fds = calloc((size_t)n, sizeof(*fds));
	if (!fds || prepare((uint32_t)n) < 0)
		return die("cannot start");
	if (open_links(fds, &port) < 0)
		return die("cannot listen");
	for (uint32_t i = 0; i < plant.n_links; i++)
		if (watch(fds[i], true, i * UNITS_PER_LINK) < 0)
			return die("cannot listen");
	(void)printf("port %u\n", port);
	(void)fflush(stdout);
	return loop();
}
