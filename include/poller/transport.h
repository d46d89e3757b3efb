/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transport.h - one connection of any kind: opened, asked, listened to
 *
 * Knows what differs between the kinds of links and says what came of it in the words of
 * link.h. Decides nothing; blocks, waits and retries nowhere.
 *
 * Modbus TCP: the bytes stay in the socket until they are a whole answer (tcp.h). RTU frames,
 * on a line or through a TCP connection: bytes cannot be looked at without being taken, so they
 * are collected here until rtu.h finds the answer among them, and thrown away before each
 * request, with those that still wait.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/macro.h"
#include "common/wire.h"
#include "poller/answer.h"
#include "poller/link.h"
#include "poller/tcp.h"

#define TRANSPORT_NEWS_MAX 3 /* an answer, more bytes, the end */

struct transport_kind;

/**
 * struct transport - held by the user
 * @config: in the plan
 * @fd: -1 none
 * @transaction: of the request that was sent last
 * @agreed: Modbus TCP: libmodbus has taken the first answer of this connection as what it is here
 * @bytes, @n_bytes: collected since then; RTU frames only
 */
struct transport {
	const struct transport_kind *kind;
	const struct wire_link *config;
	int fd;
	uint16_t transaction;
	bool agreed;
	uint8_t *bytes;
	size_t n_bytes;
};

/**
 * struct transport_news - what was heard
 * @events: to be told to the link, one after the other
 * @words: of an answer, as answer_words() gives them
 */
struct transport_news {
	struct link_input events[TRANSPORT_NEWS_MAX];
	size_t n_events;
	uint16_t n_words;
	uint16_t words[WIRE_REGISTERS_MAX];
};

/** transport_init() - not open yet. Return: 0; -ENOMEM. */
int transport_init(struct transport *transport, const struct wire_link *config);

/** transport_done() - close and free; takes one that is all 0, too */
void transport_done(struct transport *transport);

/** transport_take_over() - the connection of @old, which has the same configuration */
void transport_take_over(struct transport *transport, struct transport *old);

/**
 * transport_open() - close, then start to open
 * @transaction: drawn at random: unlike those of the connection before
 * Return: 0, writable as soon as it stands or has failed; -errno, as tcp_connect() and
 *   serial_open().
 */
int transport_open(struct transport *transport, uint16_t transaction);

/** transport_close() - if it is open */
void transport_close(struct transport *transport);

/** transport_opened() - what came of it. Return: 0; -errno. */
int transport_opened(const struct transport *transport);

/**
 * transport_ask() - send a request
 * @question: its transaction is filled in
 * Return: 0; -errno, the connection is of no use then.
 */
int transport_ask(struct transport *transport, struct answer_question *question);

/**
 * transport_hear() - take what has come
 * @tcp: of all connections
 * @question: outstanding, its transaction is filled in; NULL none is
 * @ended: no more will come
 */
void transport_hear(struct transport *transport, struct tcp *tcp, struct answer_question *question,
		    bool ended, struct transport_news *ret);
