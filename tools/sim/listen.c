/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "tools/sim_listen.h"

#define BACKLOG	  4096
#define TERMINALS "/dev/pts/"
#define PATH_SIZE 4096

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* Return: bytes of the address; -EADDRNOTAVAIL not a loopback address. */
static int parse_address(const char *host, uint16_t port, union address *ret)
{
	*ret = (union address){0};
	if (inet_pton(AF_INET, host, &ret->v4.sin_addr) == 1) {
		ret->v4.sin_family = AF_INET;
		ret->v4.sin_port = htons(port);
		return ntohl(ret->v4.sin_addr.s_addr) >> 24 == 127 ? (int)sizeof(ret->v4)
								   : -EADDRNOTAVAIL;
	}
	if (inet_pton(AF_INET6, host, &ret->v6.sin6_addr) == 1) {
		ret->v6.sin6_family = AF_INET6;
		ret->v6.sin6_port = htons(port);
		return IN6_IS_ADDR_LOOPBACK(&ret->v6.sin6_addr) ? (int)sizeof(ret->v6)
								: -EADDRNOTAVAIL;
	}
	return -EADDRNOTAVAIL;
}

int sim_listen_tcp(const char *host, uint16_t port)
{
	union address address;
	int size = parse_address(host, port, &address), fd, on = 1, r;

	if (size < 0)
		return size;
	fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, &address.any, (socklen_t)size) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	r = -errno;
	(void)close(fd);
	return r;
}

/* where a symbolic link leads. Return: 0; -EINVAL it is none; -ENAMETOOLONG; -errno. */
static int read_link(const char *path, char target[static SIM_TERMINAL_MAX])
{
	ssize_t n = readlink(path, target, SIM_TERMINAL_MAX);

	if (n < 0)
		return -errno;
	if (n >= SIM_TERMINAL_MAX)
		return -ENAMETOOLONG;
	target[n] = '\0';
	return 0;
}

/* may the name be ours? It is free, or leads to one of our terminals, or to none. */
static int check_name(const char *path, const char *own, const char *terminal)
{
	char target[SIM_TERMINAL_MAX];
	struct stat st;
	int r = read_link(path, target);

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r == -EINVAL || r == -ENAMETOOLONG ? -EEXIST : r;
	if (strcmp(target, own) == 0 || strcmp(target, terminal) == 0)
		return 0;
	return strncmp(target, TERMINALS, strlen(TERMINALS)) == 0 && stat(target, &st) < 0 &&
			       errno == ENOENT
		       ? 0
		       : -EEXIST;
}

static int put_link(const char *path, const char *own, const char *terminal)
{
	char temporary[PATH_SIZE];
	int r = check_name(path, own, terminal);

	if (r < 0)
		return r;
	if (snprintf(temporary, sizeof(temporary), "%s.new", path) >= (int)sizeof(temporary))
		return -ENAMETOOLONG;
	if (symlink(terminal, temporary) < 0)
		return -errno;
	if (rename(temporary, path) == 0)
		return 0;
	r = -errno;
	(void)unlink(temporary);
	return r;
}

/* Bytes pass as they are; a terminal would echo them otherwise and wait for lines. */
static int make_raw(int fd)
{
	struct termios mode;

	if (tcgetattr(fd, &mode) < 0)
		return -errno;
	cfmakeraw(&mode);
	return tcsetattr(fd, TCSANOW, &mode) < 0 ? -errno : 0;
}

int sim_listen_line(const char *path, const char *own, char *ret_terminal)
{
	char terminal[SIM_TERMINAL_MAX];
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC), r = 0;

	if (fd < 0)
		return -errno;
	if (grantpt(fd) < 0 || unlockpt(fd) < 0)
		r = -errno;
	if (r == 0)
		r = -ptsname_r(fd, terminal, sizeof(terminal));
	if (r == 0)
		r = make_raw(fd);
	if (r == 0)
		r = put_link(path, own, terminal);
	if (r < 0) {
		(void)close(fd);
		return r;
	}
	memcpy(ret_terminal, terminal, sizeof(terminal));
	return fd;
}

void sim_listen_remove(const char *path, const char *terminal)
{
	char target[SIM_TERMINAL_MAX];

	if (read_link(path, target) == 0 && strcmp(target, terminal) == 0)
		(void)unlink(
			path); /* nothing is to be done about one that stays: it leads nowhere */
}
