/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "poller/rtu.h"
#include "poller/serial.h"
#include "poller/transport.h"

#define GIVE_UP_MS_MIN UINT32_C(10000)
/* noise, an echo and a frame; with more than that before an answer, bytes of it may be lost */
#define COLLECTED_MAX (4 * (size_t)RTU_FRAME_MAX)

/*
 * @collects: RTU frames: bytes are taken and kept
 * @gone: errno value for people when the other end has closed
 */
struct transport_kind {
	bool collects;
	int gone;
	int (*open)(const struct wire_link *config);
	int (*opened)(int fd);
	int (*ask)(int fd, const struct answer_question *question);
	int (*read)(int fd, uint8_t *ret, size_t n);
	void (*close)(int fd);
};

static int open_tcp(const struct wire_link *config)
{
	return tcp_connect(config->host, config->port,
			   MAX(config->connect_timeout_ms, GIVE_UP_MS_MIN));
}

static void close_tcp(int fd)
{
	(void)close(fd); /* reads only: nothing can be lost */
}

static int opened_serial(int fd)
{
	(void)fd; /* a line that could not be opened has none */
	return 0;
}

static const struct transport_kind kinds[] = {
	[WIRE_LINK_TCP] = {false, ECONNRESET, open_tcp, tcp_connected, tcp_ask, tcp_look,
			   close_tcp},
	[WIRE_LINK_RTU] = {true, ENODEV, serial_open, opened_serial, serial_ask, serial_read,
			   serial_close},
	[WIRE_LINK_RTU_TCP] = {true, ECONNRESET, open_tcp, tcp_connected, tcp_ask_rtu, tcp_read,
			       close_tcp},
};

int transport_init(struct transport *transport, const struct wire_link *config)
{
	*transport = (struct transport){.kind = &kinds[config->kind], .config = config, .fd = -1};
	if (!transport->kind->collects)
		return 0;
	transport->bytes = calloc(COLLECTED_MAX, 1);
	return transport->bytes ? 0 : -ENOMEM;
}

void transport_done(struct transport *transport)
{
	if (!transport->kind)
		return;
	transport_close(transport);
	free(transport->bytes);
	transport->bytes = NULL;
}

void transport_take_over(struct transport *transport, struct transport *old)
{
	transport->fd = old->fd;
	transport->transaction = old->transaction;
	transport->agreed = old->agreed;
	transport->n_bytes = old->n_bytes;
	if (transport->bytes)
		memcpy(transport->bytes, old->bytes, old->n_bytes);
	old->fd = -1;
}

void transport_close(struct transport *transport)
{
	if (transport->fd >= 0)
		transport->kind->close(transport->fd);
	transport->fd = -1;
	transport->n_bytes = 0;
}

int transport_open(struct transport *transport, uint16_t transaction)
{
	transport_close(transport);
	transport->transaction = transaction;
	transport->agreed = false;
	transport->fd = transport->kind->open(transport->config);
	return transport->fd < 0 ? transport->fd : 0;
}

int transport_opened(const struct transport *transport)
{
	return transport->kind->opened(transport->fd);
}

int transport_ask(struct transport *transport, struct answer_question *question)
{
	transport->n_bytes = 0;
	question->transaction = ++transport->transaction;
	return transport->kind->ask(transport->fd, question);
}

static void add(struct transport_news *news, struct link_input event)
{
	if (news->n_events > 0)
		news->events[news->n_events - 1].hold = true;
	news->events[news->n_events++] = event;
}

static void add_closed(struct transport_news *news, int error)
{
	add(news, (struct link_input){.event = LINK_CLOSED, .error = error});
}

static void add_wrong(struct transport_news *news, enum answer_verdict verdict)
{
	add(news, (struct link_input){
			  .event = LINK_MISANSWERED,
			  .status = verdict == ANSWER_FOREIGN ? WIRE_FOREIGN : WIRE_MALFORMED,
		  });
}

/* FNV-1a, never 0: equal words give equal marks, and others hardly ever do */
static uint64_t mark_of(const uint16_t *words, size_t n)
{
	uint64_t mark = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < n; i++)
		mark = (mark ^ words[i]) * UINT64_C(0x100000001b3);
	return mark | 1;
}

/* @data: of a good answer; @exception: 0 it is one */
static void add_answer(struct transport_news *news, const struct answer_question *question,
		       const uint8_t *data, uint8_t exception, bool refused)
{
	if (refused) {
		add(news, (struct link_input){.event = LINK_REFUSED, .exception = exception});
		return;
	}
	news->n_words = answer_n_words(question);
	answer_unpack(question, data, news->words);
	add(news, (struct link_input){.event = LINK_ANSWERED,
				      .mark = mark_of(news->words, news->n_words)});
}

/* the answer is whole and right: take it out of the socket. Return: 0; -errno. */
static int take_answer(struct transport *transport, struct tcp *tcp,
		       const struct answer_question *question, const struct answer *answer,
		       struct transport_news *news)
{
	uint8_t frame[ANSWER_FRAME_MAX];
	int r = transport->agreed ? tcp_take(transport->fd, answer->size, frame)
				  : tcp_take_first(tcp, transport->fd, answer->size, frame);

	transport->agreed = r == 0;
	if (r < 0)
		add_closed(news, -r);
	else
		add_answer(news, question, frame + ANSWER_HEADER_BYTES + 2, answer->exception,
			   answer->verdict == ANSWER_EXCEPTION);
	return r;
}

/* Modbus TCP: @n bytes wait; beyond an answer there must be none */
static void judge(struct transport *transport, struct tcp *tcp,
		  const struct answer_question *question, const uint8_t *bytes, size_t n,
		  bool ended, struct transport_news *news)
{
	struct answer answer = answer_check(question, bytes, n);

	switch (answer.verdict) {
	case ANSWER_MALFORMED:
	case ANSWER_FOREIGN:
		add_wrong(news, answer.verdict);
		return;
	case ANSWER_GOOD:
	case ANSWER_EXCEPTION:
		if (take_answer(transport, tcp, question, &answer, news) < 0)
			return;
		if (n > answer.size) {
			add(news, (struct link_input){.event = LINK_UNASKED});
			return;
		}
		break;
	case ANSWER_INCOMPLETE:
		break;
	}
	if (ended)
		add_closed(news, transport->kind->gone);
}

/* the newest are kept: an answer comes behind whatever filled the room */
static void collect(struct transport *transport, const uint8_t *bytes, size_t n)
{
	size_t n_new = MIN(n, COLLECTED_MAX);
	size_t n_kept = MIN(transport->n_bytes, COLLECTED_MAX - n_new);

	memmove(transport->bytes, transport->bytes + transport->n_bytes - n_kept, n_kept);
	memcpy(transport->bytes + n_kept, bytes + n - n_new, n_new);
	transport->n_bytes = n_kept + n_new;
}

/* RTU frames: @n bytes were taken */
static void search(struct transport *transport, const struct answer_question *question,
		   const uint8_t *bytes, size_t n, struct transport_news *news)
{
	struct rtu_answer answer;

	collect(transport, bytes, n);
	answer = rtu_check(question, transport->bytes, transport->n_bytes);
	switch (answer.verdict) {
	case ANSWER_INCOMPLETE:
		return;
	case ANSWER_MALFORMED:
	case ANSWER_FOREIGN:
		add_wrong(news, answer.verdict);
		return;
	case ANSWER_GOOD:
	case ANSWER_EXCEPTION:
		add_answer(news, question, transport->bytes + answer.at + RTU_HEADER_BYTES,
			   answer.exception, answer.verdict == ANSWER_EXCEPTION);
		if (answer.at + answer.size < transport->n_bytes)
			add(news, (struct link_input){.event = LINK_UNASKED});
		transport->n_bytes = 0;
		return;
	}
}

void transport_hear(struct transport *transport, struct tcp *tcp, struct answer_question *question,
		    bool ended, struct transport_news *ret)
{
	uint8_t bytes[TCP_READ_MAX];
	size_t room = transport->kind->collects ? sizeof(bytes) : ANSWER_FRAME_MAX + 1;
	int n = transport->kind->read(transport->fd, bytes, room);

	ret->n_events = 0;
	if (question)
		question->transaction = transport->transaction;
	if (n == -EAGAIN && !ended)
		return;
	if (n <= 0)
		add_closed(ret, n < 0 && n != -EAGAIN ? -n : transport->kind->gone);
	else if (!question)
		add(ret, (struct link_input){.event = LINK_UNASKED});
	else if (!transport->kind->collects)
		judge(transport, tcp, question, bytes, (size_t)n, ended, ret);
	else
		search(transport, question, bytes, (size_t)n, ret);
	if (n > 0 && ended && transport->kind->collects)
		add_closed(ret, transport->kind->gone);
}
