/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "poller/tcp.h"
#include "poller/transport.h"
#include "tools/probe_wire.h"

#define PAUSE_MS 50 /* more than 3.5 characters at 1,200 baud, and time for others */

struct probe_wire {
	const struct probe_target *target;
	struct transport transport;
	struct tcp *tcp;
	bool is_open;
	bool is_used; /* something was sent: the next request waits for its pause */
};

int probe_wire_new(struct probe_wire **ret, const struct probe_target *target)
{
	CLEANUP(probe_wire_free) struct probe_wire *wire = calloc(1, sizeof(*wire));
	int r;

	if (!wire)
		return -ENOMEM;
	wire->target = target;
	r = transport_init(&wire->transport, &target->wire);
	if (r == 0)
		r = tcp_new(&wire->tcp);
	if (r == 0)
		*ret = steal(&wire);
	return r;
}

struct probe_wire *probe_wire_free(struct probe_wire *wire)
{
	if (!wire)
		return NULL;
	transport_done(&wire->transport);
	tcp_free(wire->tcp);
	free(wire);
	return NULL;
}

static int64_t now_ms(void)
{
	return clock_stamp().mono_ms;
}

static void wait_ms(uint32_t ms)
{
	struct timespec rest = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};

	while (nanosleep(&rest, &rest) < 0 && errno == EINTR)
		continue;
}

/* Return: poll()'s events of the connection; 0 the time is over; -errno. */
static int wait_for(const struct probe_wire *wire, short events, int64_t until_ms)
{
	struct pollfd fd = {.fd = wire->transport.fd, .events = events};
	int64_t rest = until_ms - now_ms();
	int r = poll(&fd, 1, (int)MAX(rest, 0));

	if (r < 0)
		return errno == EINTR ? 0 : -errno;
	return r == 0 ? 0 : fd.revents;
}

static void wire_close(struct probe_wire *wire)
{
	transport_close(&wire->transport);
	wire->is_open = false;
}

/* Return: 0; -ETIMEDOUT; -errno. */
static int wire_open(struct probe_wire *wire)
{
	int64_t until_ms = now_ms() + wire->target->wire.connect_timeout_ms;
	int r;

	/* a connection of its own: any transaction to begin with does */
	r = transport_open(&wire->transport, (uint16_t)until_ms);
	if (r < 0)
		return r;
	if (wire->target->wire.kind != WIRE_LINK_RTU) {
		r = wait_for(wire, POLLOUT, until_ms);
		r = r == 0 ? -ETIMEDOUT : r < 0 ? r : transport_opened(&wire->transport);
	}
	if (r < 0) {
		wire_close(wire);
		return r;
	}
	wire->is_open = true;
	wait_ms(wire->target->wire.first_delay_ms);
	return 0;
}

/* one event of the answer; Return: is it the last? */
static bool take_event(const struct link_input *event, struct probe_outcome *outcome)
{
	switch (event->event) {
	case LINK_ANSWERED:
		*outcome = (struct probe_outcome){PROBE_GOOD, 0};
		return true;
	case LINK_REFUSED:
		*outcome = (struct probe_outcome){PROBE_EXCEPTION, event->exception};
		return true;
	case LINK_CLOSED:
		*outcome = (struct probe_outcome){PROBE_CLOSED, event->error};
		return true;
	case LINK_MISANSWERED:
		outcome->result = event->status == WIRE_FOREIGN ? PROBE_FOREIGN : PROBE_WRONG;
		return false;
	case LINK_TIME:
	case LINK_CONNECTED:
	case LINK_UNASKED:
		break;
	}
	return false;
}

/* wait for what comes. On a line the wait goes on after a wrong answer, in TCP it is over. */
static struct probe_outcome hear(struct probe_wire *wire, struct answer_question *question,
				 struct transport_news *news)
{
	int64_t until_ms = now_ms() + wire->target->timeout_ms;
	struct probe_outcome outcome = {PROBE_SILENT, 0};
	int events;

	while (now_ms() < until_ms) {
		events = wait_for(wire, POLLIN, until_ms);
		if (events < 0)
			return (struct probe_outcome){PROBE_CLOSED, -events};
		if (events == 0)
			continue;
		transport_hear(&wire->transport, wire->tcp, question,
			       (events & (POLLHUP | POLLERR)) != 0, news);
		for (size_t i = 0; i < news->n_events; i++)
			if (take_event(&news->events[i], &outcome))
				return outcome;
		if (outcome.result != PROBE_SILENT && wire->target->wire.kind == WIRE_LINK_TCP)
			return outcome;
		if (news->n_events == 0) /* part of an answer, still in the socket */
			wait_ms(1);
	}
	return outcome;
}

static void unpack(const struct probe_range *range, const struct transport_news *news,
		   uint16_t *words)
{
	for (size_t i = 0; i < range->count; i++)
		if (range->table >= PROBE_HOLDING)
			words[i] = news->words[i];
		else
			words[i] = (uint16_t)((unsigned int)news->words[i / 16] >> i % 16 & 1U);
}

/* what may still come must not be taken for the next answer */
static void clear_up(struct probe_wire *wire, const struct probe_outcome *outcome)
{
	if (outcome->result == PROBE_GOOD || outcome->result == PROBE_EXCEPTION)
		return;
	wire_close(wire);
	if (wire->target->wire.kind != WIRE_LINK_TCP &&
	    wire->target->quiet_ms > wire->target->timeout_ms)
		wait_ms(wire->target->quiet_ms - wire->target->timeout_ms);
}

struct probe_outcome probe_wire_read(struct probe_wire *wire, const struct probe_range *range,
				     uint16_t *words)
{
	struct answer_question question = {
		.address = range->address,
		.count = range->count,
		.unit = wire->target->id,
		.function = (uint8_t)range->table,
	};
	struct transport_news news = {0};
	struct probe_outcome outcome;
	int r;

	if (wire->is_used)
		wait_ms(MAX(PAUSE_MS, wire->target->turnaround_ms));
	r = wire->is_open ? 0 : wire_open(wire);
	if (r < 0)
		return (struct probe_outcome){PROBE_NO_CONNECT, -r};
	wire->is_used = true;
	r = transport_ask(&wire->transport, &question);
	outcome = r < 0 ? (struct probe_outcome){PROBE_CLOSED, -r} : hear(wire, &question, &news);
	if (outcome.result == PROBE_GOOD)
		unpack(range, &news, words);
	clear_up(wire, &outcome);
	return outcome;
}

/* Application Protocol V1.1b3 §7 */
static const char *exception_text(unsigned int code)
{
	static const char *const texts[] = {
		[1] = "illegal function: the device has no such table",
		[2] = "illegal data address: the device has no such register",
		[3] = "illegal data value: the device does not take this count or address",
		[4] = "device failure: the device could not do it",
		[5] = "acknowledge: the device needs time; try again later",
		[6] = "device busy; try again later",
		[8] = "memory parity error in the device",
		[10] = "gateway path unavailable: the gateway is set up wrongly or overloaded",
		[11] = "gateway target failed to respond: no such unit behind the gateway answers",
	};

	const char *text = (size_t)code < ARRAY_SIZE(texts) ? texts[code] : NULL;

	return text ? text : "which the standard does not know; see the device's manual";
}

static const char *open_text(int code)
{
	static const struct {
		int code;
		const char *text;
	} rows[] = {
		{ECONNREFUSED,
		 "the connection was refused: nothing listens, or one is all it bears"},
		{ETIMEDOUT,
		 "the device took no connection in time: wrong address, firewall, or off"},
		{EHOSTUNREACH, "no way to the device: it is off, or the network is wrong"},
		{ENETUNREACH, "no way to the device's network"},
		{ENOENT, "there is no such device; plugged in? See ls -l /dev/serial/by-id"},
		{EACCES, "no permission for the device; it belongs to the group dialout"},
		{EBUSY, "another program uses the line"},
		{ENOTTY, "that is no serial line"},
		{EINVAL, "the line cannot be set to this rate and frame"},
		{EOPNOTSUPP, "the line's driver cannot switch RS-485 as configured"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].code == code)
			return rows[i].text;
	return strerror(code);
}

const char *probe_outcome_text(const struct probe_outcome *outcome,
			       const struct probe_target *target, char *text)
{
	bool rtu = target->wire.kind != WIRE_LINK_TCP;

	switch (outcome->result) {
	case PROBE_GOOD:
		(void)snprintf(text, PROBE_WHY_MAX, "good");
		break;
	case PROBE_EXCEPTION:
		(void)snprintf(text, PROBE_WHY_MAX, "exception %d, %s", outcome->code,
			       exception_text((unsigned int)outcome->code));
		break;
	case PROBE_NO_CONNECT:
		(void)snprintf(text, PROBE_WHY_MAX, "%s", open_text(outcome->code));
		break;
	case PROBE_CLOSED:
		(void)snprintf(text, PROBE_WHY_MAX,
			       rtu ? "the line went away before the answer: %s"
				   : "the device closed the connection instead of answering: %s",
			       strerror(outcome->code));
		break;
	case PROBE_SILENT:
		(void)snprintf(text, PROBE_WHY_MAX, "no answer within %u ms%s", target->timeout_ms,
			       rtu ? ": is the unit id right, and baud rate, parity, A and B?"
				   : ": is the unit id right? (--timeout for a slow device)");
		break;
	case PROBE_WRONG:
		(void)snprintf(text, PROBE_WHY_MAX, "%s",
			       rtu ? "what came was no frame with a right check sum (CRC): noise, "
				     "or baud rate and parity are wrong"
				   : "what came was no right answer: its length or protocol is "
				     "wrong; is it Modbus TCP?");
		break;
	case PROBE_FOREIGN:
		(void)snprintf(text, PROBE_WHY_MAX,
			       "what came was another unit's answer, or one to another request");
		break;
	}
	return text;
}
