/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/wire.h"

/* what a packet of each type is made of: fixed bytes, and bytes of each of its items */
static const struct {
	size_t fixed;
	size_t item;
} shapes[] = {
	[WIRE_HELLO] = {sizeof(struct wire_hello), 0},
	[WIRE_PLAN_BEGIN] = {sizeof(struct wire_plan_begin), 0},
	[WIRE_PLAN_LINKS] = {sizeof(struct wire_header), sizeof(struct wire_link)},
	[WIRE_PLAN_UNITS] = {sizeof(struct wire_header), sizeof(struct wire_unit)},
	[WIRE_PLAN_REQUESTS] = {sizeof(struct wire_header), sizeof(struct wire_request)},
	[WIRE_PLAN_END] = {sizeof(struct wire_plan_end), 0},
	[WIRE_ACK] = {sizeof(struct wire_ack), 0},
	[WIRE_READINGS] = {sizeof(struct wire_header), 0}, /* items differ: check_readings() */
	[WIRE_LINKS] = {sizeof(struct wire_header), sizeof(struct wire_link_report)},
	[WIRE_JOB] = {sizeof(struct wire_job), 0},	 /* texts follow: check_texts() */
	[WIRE_RESULT] = {sizeof(struct wire_result), 0}, /* the same */
	[WIRE_TRIALS] = {sizeof(struct wire_header),
			 sizeof(struct wire_trial)}, /* check_trials() */
};

static int address_of(const char *path, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(ret->sun_path))
		return -ENAMETOOLONG;
	memcpy(ret->sun_path, path, strlen(path));
	return 0;
}

static int open_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 ? -errno : fd;
}

int wire_listen(const char *path)
{
	struct sockaddr_un address;
	int r = address_of(path, &address), fd;

	if (r < 0)
		return r;
	fd = open_socket();
	if (fd < 0)
		return fd;
	/* EAGAIN: somebody listens, and more wait there than it can take */
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 || errno == EAGAIN) {
		(void)close(fd);
		return -EADDRINUSE;
	}
	(void)unlink(path); /* nobody answers there: left by an instance that died */
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || chmod(path, 0660) < 0 ||
	    listen(fd, 16) < 0) {
		r = -errno;
		(void)close(fd);
		return r;
	}
	return fd;
}

int wire_connect(const char *path)
{
	struct sockaddr_un address;
	int r = address_of(path, &address), fd;

	if (r < 0)
		return r;
	fd = open_socket();
	if (fd < 0)
		return fd;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		r = -errno;
		(void)close(fd);
		return r;
	}
	return fd;
}

int wire_accept(int listener, uint32_t uid)
{
	struct ucred peer;
	socklen_t n = sizeof(peer);
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) < 0 ||
	    (peer.uid != 0 && peer.uid != geteuid() && (uid == UINT32_MAX || peer.uid != uid))) {
		(void)close(fd);
		return -EPERM;
	}
	return fd;
}

int wire_send(int fd, void *packet, size_t n)
{
	struct wire_header *header = packet;

	if (n < sizeof(*header) || n > WIRE_PACKET_MAX)
		return -EMSGSIZE;
	header->length = (uint32_t)n;
	if (send(fd, packet, n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	return 0;
}

int wire_receive(int fd, void *packet)
{
	ssize_t n = recv(fd, packet, WIRE_PACKET_MAX, MSG_DONTWAIT | MSG_TRUNC);

	if (n < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	if (n == 0)
		return 0;
	if (n > WIRE_PACKET_MAX || wire_check(packet, (size_t)n) < 0)
		return -EBADMSG;
	return (int)n;
}

static int check_readings(const uint8_t *packet, size_t n, unsigned int count)
{
	size_t at = sizeof(struct wire_header);

	for (unsigned int i = 0; i < count; i++) {
		struct wire_reading reading;

		if (n - at < sizeof(reading))
			return -EBADMSG;
		memcpy(&reading, packet + at, sizeof(reading));
		if (reading.n_words > WIRE_REGISTERS_MAX || reading.status > WIRE_STATUS_MAX ||
		    reading.seq == 0 || (reading.status != WIRE_OK && reading.n_words > 0) ||
		    n - at < wire_reading_size(reading.n_words))
			return -EBADMSG;
		at += wire_reading_size(reading.n_words);
	}
	return at == n ? 0 : -EBADMSG;
}

/* do the texts fill the packet exactly? Sums of 32-bit lengths cannot overflow 64 bits. */
static int check_texts(size_t n, size_t fixed, const uint32_t *lengths, size_t n_lengths)
{
	uint64_t sum = fixed;

	for (size_t i = 0; i < n_lengths; i++)
		sum += lengths[i];
	return sum == n ? 0 : -EBADMSG;
}

static int check_job(const void *packet, size_t n)
{
	struct wire_job job;

	memcpy(&job, packet, sizeof(job));
	return check_texts(n, sizeof(job),
			   (const uint32_t[]){job.n_url, job.n_headers, job.n_body, job.n_ca,
					      job.n_cert, job.n_key, job.n_user, job.n_password,
					      job.n_host_key},
			   9);
}

static int check_result(const void *packet, size_t n)
{
	struct wire_result result;

	memcpy(&result, packet, sizeof(result));
	if (result.n_error > WIRE_ERROR_MAX || result.n_answer > WIRE_ANSWER_MAX)
		return -EBADMSG;
	return check_texts(n, sizeof(result), (const uint32_t[]){result.n_error, result.n_answer},
			   2);
}

static int check_trials(const uint8_t *packet, size_t n, unsigned int count)
{
	struct wire_trial trial;

	if (count > WIRE_TRIALS_MAX || n != sizeof(struct wire_header) + count * sizeof(trial))
		return -EBADMSG;
	for (unsigned int i = 0; i < count; i++) {
		memcpy(&trial, packet + sizeof(struct wire_header) + i * sizeof(trial),
		       sizeof(trial));
		if (trial.kind == 0 || trial.kind > WIRE_TRIAL_KIND_MAX ||
		    trial.outcome > WIRE_OUTCOME_MAX ||
		    !memchr(trial.target, '\0', sizeof(trial.target)))
			return -EBADMSG;
	}
	return 0;
}

int wire_check(const void *packet, size_t n)
{
	struct wire_header header;

	if (n < sizeof(header))
		return -EBADMSG;
	memcpy(&header, packet, sizeof(header));
	if (header.length != n || header.type == 0 || header.type >= ARRAY_SIZE(shapes))
		return -EBADMSG;
	if (n < shapes[header.type].fixed)
		return -EBADMSG;
	switch ((enum wire_type)header.type) {
	case WIRE_READINGS:
		return check_readings(packet, n, header.count);
	case WIRE_JOB:
		return check_job(packet, n);
	case WIRE_RESULT:
		return check_result(packet, n);
	case WIRE_TRIALS:
		return check_trials(packet, n, header.count);
	case WIRE_HELLO:
	case WIRE_PLAN_BEGIN:
	case WIRE_PLAN_LINKS:
	case WIRE_PLAN_UNITS:
	case WIRE_PLAN_REQUESTS:
	case WIRE_PLAN_END:
	case WIRE_ACK:
	case WIRE_LINKS:
		break;
	}
	return n == shapes[header.type].fixed + header.count * shapes[header.type].item ? 0
											: -EBADMSG;
}

/* Nothing is allocated: without memory this must not become another boot, or no poller is heard. */
static void read_boot_id(uint8_t ret[static 16])
{
	char text[40] = "";
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	const char *at = text;
	unsigned int byte;

	if (fd < 0)
		return;
	if (read(fd, text, sizeof(text) - 1) < 0)
		*text = '\0';
	(void)close(fd);
	for (size_t i = 0; i < 16; i++) {
		at += *at == '-';
		if (sscanf(at, "%2x", &byte) != 1)
			break;
		ret[i] = (uint8_t)byte;
		at += 2;
	}
}

void wire_hello_init(struct wire_hello *hello, enum wire_role role, uint64_t instance)
{
	*hello = (struct wire_hello){
		.header = {.type = WIRE_HELLO, .length = sizeof(*hello)},
		.magic = WIRE_MAGIC,
		.version = WIRE_VERSION,
		.role = (uint16_t)role,
		.instance = instance,
	};
	read_boot_id(hello->boot_id);
}

int wire_hello_check(const struct wire_hello *hello, enum wire_role role, const char **ret_why)
{
	if (hello->header.type != WIRE_HELLO || hello->magic != WIRE_MAGIC)
		*ret_why = "its first packet is no hello of ours";
	else if (hello->version != WIRE_VERSION)
		*ret_why = "it speaks another version of the wire; install the same version of all "
			   "three programs";
	else if (hello->role != role)
		*ret_why = "it is another program than this socket serves";
	else
		return 0;
	return -EPROTO;
}

const struct wire_reading *wire_next_reading(const void *packet, size_t *offset)
{
	const struct wire_header *header = packet;
	const struct wire_reading *reading;

	if (*offset == 0)
		*offset = sizeof(*header);
	if (*offset + sizeof(*reading) > header->length)
		return NULL;
	reading = (const struct wire_reading *)(const void *)((const uint8_t *)packet + *offset);
	*offset += wire_reading_size(reading->n_words);
	return reading;
}

const char *wire_status_text(enum wire_status status)
{
	switch (status) {
	case WIRE_OK:
		return "answered";
	case WIRE_TIMEOUT:
		return "no answer in time";
	case WIRE_DISCONNECTED:
		return "link is down";
	case WIRE_MALFORMED:
		return "malformed answer";
	case WIRE_FOREIGN:
		return "answer to another request";
	case WIRE_EXCEPTION:
		return "device answered with an exception";
	}
	return "unknown status";
}

uint32_t wire_uid_of(const char *user)
{
	const struct passwd *entry = getpwnam(user);

	return entry ? entry->pw_uid : UINT32_MAX;
}
