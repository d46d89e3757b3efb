/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <modbus/modbus.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

#undef MIN /* modbus.h brings those of sys/param.h */
#undef MAX
#include "poller/rtu.h"
#include "poller/tcp.h"

_Static_assert(TCP_DESCRIPTOR_MAX < FD_SETSIZE, "select() in libmodbus");
_Static_assert(ANSWER_FRAME_MAX == MODBUS_TCP_MAX_ADU_LENGTH, "room for what the library takes");

/* keep-alive: a peer that lost its power is noticed within 10 + 3 × 5 s of silence */
#define KEEP_IDLE_S	10
#define KEEP_INTERVAL_S 5
#define KEEP_COUNT	3

#define DRAIN_READS 16 /* of TCP_READ_MAX bytes before a request: an answer has 256 at most */

/* One context serves all connections: it is lent the descriptor for the length of a call. */
struct tcp {
	modbus_t *context;
};

int tcp_new(struct tcp **ret)
{
	CLEANUP(tcp_free) struct tcp *tcp = calloc(1, sizeof(*tcp));

	if (!tcp)
		return -ENOMEM;
	tcp->context = modbus_new_tcp("127.0.0.1", MODBUS_TCP_DEFAULT_PORT); /* never used */
	if (!tcp->context)
		return -ENOMEM;
	/* the library is not to close, sleep or connect by itself (modbus.c, send_msg()) */
	if (modbus_set_error_recovery(tcp->context, MODBUS_ERROR_RECOVERY_NONE) < 0 ||
	    modbus_set_byte_timeout(tcp->context, 0, 0) < 0)
		return -errno;
	*ret = steal(&tcp);
	return 0;
}

struct tcp *tcp_free(struct tcp *tcp)
{
	if (!tcp)
		return NULL;
	if (tcp->context)
		modbus_free(tcp->context); /* closes nothing; modbus_close() would */
	free(tcp);
	return NULL;
}

/* address in the socket's form. Return: its length; -EINVAL. */
static int parse_address(const char *host, uint16_t port, struct sockaddr_storage *ret)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;

	*ret = (struct sockaddr_storage){0};
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		return sizeof(*v4);
	}
	if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1)
		return -EINVAL;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	return sizeof(*v6);
}

static int set_options(int fd, uint32_t give_up_ms)
{
	const struct {
		int level;
		int name;
		int value;
	} options[] = {
		{IPPROTO_TCP, TCP_NODELAY, 1},
		{SOL_SOCKET, SO_KEEPALIVE, 1},
		{IPPROTO_TCP, TCP_KEEPIDLE, KEEP_IDLE_S},
		{IPPROTO_TCP, TCP_KEEPINTVL, KEEP_INTERVAL_S},
		{IPPROTO_TCP, TCP_KEEPCNT, KEEP_COUNT},
		{IPPROTO_TCP, TCP_USER_TIMEOUT, (int)MIN(give_up_ms, (uint32_t)INT32_MAX)},
	};

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (setsockopt(fd, options[i].level, options[i].name, &options[i].value,
			       sizeof(options[i].value)) < 0)
			return -errno;
	return 0;
}

int tcp_connect(const char *host, uint16_t port, uint32_t give_up_ms)
{
	struct sockaddr_storage address;
	int n = parse_address(host, port, &address), fd, r = 0;

	if (n < 0)
		return n;
	fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (fd > TCP_DESCRIPTOR_MAX)
		r = -EMFILE;
	if (r == 0)
		r = set_options(fd, give_up_ms);
	if (r == 0 && connect(fd, (struct sockaddr *)&address, (socklen_t)n) < 0 &&
	    errno != EINPROGRESS)
		r = -errno;
	if (r == 0)
		return fd;
	(void)close(fd); /* nothing was sent */
	return r;
}

int tcp_connected(int fd)
{
	int error = 0;
	socklen_t n = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0)
		return -errno;
	return -error;
}

static int send_frame(int fd, const uint8_t *frame, size_t size)
{
	ssize_t n = send(fd, frame, size, MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0)
		return -errno;
	/* with one request outstanding the send buffer is empty: less means it is broken */
	return n == (ssize_t)size ? 0 : -ENOBUFS;
}

int tcp_ask(int fd, const struct answer_question *question)
{
	uint8_t frame[ANSWER_REQUEST_BYTES];

	answer_ask(question, frame);
	return send_frame(fd, frame, sizeof(frame));
}

int tcp_look(int fd, uint8_t *ret, size_t n)
{
	ssize_t got = recv(fd, ret, n, MSG_PEEK | MSG_DONTWAIT);

	if (got < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	return (int)got;
}

int tcp_take_first(struct tcp *tcp, int fd, size_t size, uint8_t *ret)
{
	int n;

	errno = 0; /* 3.1.6 leaves it alone in some failures */
	if (modbus_set_socket(tcp->context, fd) < 0)
		return -errno;
	n = modbus_receive_confirmation(tcp->context, ret);
	if (n < 0)
		return errno > 0 && errno < MODBUS_ENOBASE ? -errno : -EBADMSG;
	return n == (int)size ? 0 : -EBADMSG;
}

int tcp_read(int fd, uint8_t *ret, size_t n)
{
	ssize_t got = recv(fd, ret, n, MSG_DONTWAIT);

	if (got < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	return (int)got;
}

int tcp_take(int fd, size_t size, uint8_t *ret)
{
	int n = tcp_read(fd, ret, size);

	if (n < 0)
		return n;
	return n == (int)size ? 0 : -EBADMSG; /* it was all there a moment ago */
}

int tcp_ask_rtu(int fd, const struct answer_question *question)
{
	uint8_t frame[RTU_REQUEST_BYTES], waste[TCP_READ_MAX];
	int n = 1;

	for (int i = 0; i < DRAIN_READS && n > 0; i++)
		n = tcp_read(fd, waste, sizeof(waste));
	if (n == 0)
		return -ECONNRESET;
	if (n < 0 && n != -EAGAIN)
		return n;
	rtu_ask(question, frame);
	return send_frame(fd, frame, sizeof(frame));
}
