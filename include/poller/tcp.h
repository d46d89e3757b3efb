/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcp.h - the sockets of Modbus TCP, and of RTU frames through a TCP connection
 *
 * Nothing here blocks, waits or retries. What is sent is a read, functions 1-4.
 *
 * libmodbus 3.1.6 selects on the descriptor, hence TCP_DESCRIPTOR_MAX; its
 * modbus_send_raw_request() leaves the transaction id 0, with which a late answer could not
 * be told from the right one, so the twelve bytes of a request are ours (answer_ask()). No
 * answer is taken before a look at the bytes that wait in the socket has found it whole and
 * right. The first of a connection is then taken by modbus_receive_confirmation(), which so
 * never waits, and whose reading of the frame must be the same as ours; all others by one
 * recv(), because the library needs six system calls for each. It knows nothing of RTU frames
 * through TCP: those are sent and read here, and judged by rtu.h.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/macro.h"
#include "poller/answer.h"

#define TCP_DESCRIPTOR_MAX 1023 /* FD_SETSIZE - 1: select() in libmodbus */

#define TCP_READ_MAX 4096

struct tcp;

/** tcp_new() - one for all links. Return: 0; -ENOMEM. */
int tcp_new(struct tcp **ret);

/** tcp_free() - takes NULL; closes none of the connections. Return: NULL. */
struct tcp *tcp_free(struct tcp *tcp);
DEFINE_CLEANUP(struct tcp *, tcp_free)

/**
 * tcp_connect() - start to connect
 * @host: numeric IPv4 or IPv6 address
 * @give_up_ms: sent data that stays unacknowledged for so long ends the connection
 *
 * Return: descriptor, writable as soon as the connection stands or has failed; -EMFILE it is
 *   above TCP_DESCRIPTOR_MAX; -EINVAL no such address; -errno.
 */
int tcp_connect(const char *host, uint16_t port, uint32_t give_up_ms);

/** tcp_connected() - what came of it. Return: 0; -errno. */
int tcp_connected(int fd);

/** tcp_ask() - send a request. Return: 0; -errno, the connection is of no use then. */
int tcp_ask(int fd, const struct answer_question *question);

/**
 * tcp_look() - copy what waits in the socket and leave it there
 * Return: bytes, at most @n; 0 the other end has closed; -EAGAIN nothing; -errno.
 */
int tcp_look(int fd, uint8_t *ret, size_t n);

/**
 * tcp_take_first() - take the answer that tcp_look() has shown, by the library
 * @size: of its frame, as answer_check() found it
 * @ret: ANSWER_FRAME_MAX bytes
 * Return: 0; -EBADMSG the library took something else; -errno.
 */
int tcp_take_first(struct tcp *tcp, int fd, size_t size, uint8_t *ret);

/**
 * tcp_take() - the same without the library: one system call instead of six
 * Return: 0; -EBADMSG it is no longer there; -errno.
 */
int tcp_take(int fd, size_t size, uint8_t *ret);

/**
 * tcp_ask_rtu() - throw away what waits, and send a request as an RTU frame
 *
 * At most a few times TCP_READ_MAX bytes are thrown away: the flood of a device that sends
 * faster is noise before the answer.
 * Return: 0; -ECONNRESET the other end has closed; -errno, the connection is of no use then.
 */
int tcp_ask_rtu(int fd, const struct answer_question *question);

/** tcp_read() - take what has come. Return: as tcp_look(). */
int tcp_read(int fd, uint8_t *ret, size_t n);
