/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/sandbox.h"

#define PORT_DISCARD 9	 /* RFC 863 */
#define LOOPBACK_NET 127 /* 127.0.0.0/8, RFC 1122 3.2.1.3 */

static int family_of(const char *name)
{
	return strcmp(name, "IPv6") == 0 ? AF_INET6 : AF_INET;
}

static int open_socket(int family)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

/* by way of lo: an interface's index, in network byte order */
static int choose_loopback(int fd, int family)
{
	const uint32_t index = htonl(if_nametoindex("lo"));
	int r = family == AF_INET
			? setsockopt(fd, IPPROTO_IP, IP_UNICAST_IF, &index, sizeof(index))
			: setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_IF, &index, sizeof(index));

	return index == 0 ? -ENODEV : r < 0 ? -errno : 0;
}

static int send_nothing(int fd, const struct sockaddr *to, socklen_t n)
{
	int r = choose_loopback(fd, to->sa_family);

	if (r == 0 && sendto(fd, "", 0, MSG_NOSIGNAL | MSG_DONTWAIT, to, n) < 0)
		r = -errno;
	return r;
}

static int try_address(const char *address)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT_DISCARD)};
	struct sockaddr_in6 to6 = {.sin6_family = AF_INET6, .sin6_port = htons(PORT_DISCARD)};
	bool is_ipv4 = inet_pton(AF_INET, address, &to.sin_addr) == 1;
	int fd, r;

	if (!is_ipv4 && inet_pton(AF_INET6, address, &to6.sin6_addr) != 1)
		return -EINVAL;
	fd = open_socket(is_ipv4 ? AF_INET : AF_INET6);
	if (fd < 0)
		return fd;
	r = is_ipv4 ? send_nothing(fd, (const struct sockaddr *)&to, sizeof(to))
		    : send_nothing(fd, (const struct sockaddr *)&to6, sizeof(to6));
	(void)close(fd);
	return r;
}

static int try_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	return fd < 0 ? -errno : close(fd);
}

static int try_family(const char *name)
{
	int fd = open_socket(family_of(name));

	return fd < 0 ? fd : close(fd);
}

/* the errors that a sandbox gives; any other shows nothing */
static bool is_refusal(int error)
{
	return error == EPERM || error == EACCES || error == ENOENT || error == EAFNOSUPPORT;
}

void sandbox_try(struct wire_trial *trial)
{
	int r = 0;

	switch ((enum wire_trial_kind)trial->kind) {
	case WIRE_TRIAL_FAMILY:
		r = try_family(trial->target);
		break;
	case WIRE_TRIAL_FILE:
		r = try_file(trial->target);
		break;
	case WIRE_TRIAL_ADDRESS:
		r = try_address(trial->target);
		break;
	}
	trial->error = -r;
	trial->outcome = r == 0 ? WIRE_OPEN : is_refusal(-r) ? WIRE_REFUSED : WIRE_UNKNOWN;
}

void sandbox_try_all(void *packet)
{
	const struct wire_header *header = packet;
	struct wire_trial *trials = (struct wire_trial *)((struct wire_header *)packet + 1);

	for (unsigned int i = 0; i < header->count; i++)
		sandbox_try(&trials[i]);
}

bool sandbox_is_loopback(const char *address)
{
	struct in_addr to;
	struct in6_addr to6;

	if (inet_pton(AF_INET, address, &to) == 1)
		return ntohl(to.s_addr) >> 24 == LOOPBACK_NET;
	return inet_pton(AF_INET6, address, &to6) != 1 || IN6_IS_ADDR_LOOPBACK(&to6);
}

bool sandbox_is_name(const char *address)
{
	struct in_addr to;
	struct in6_addr to6;

	return *address && strcmp(address, "localhost") != 0 &&
	       inet_pton(AF_INET, address, &to) != 1 && inet_pton(AF_INET6, address, &to6) != 1;
}
