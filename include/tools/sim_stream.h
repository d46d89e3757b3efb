/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_stream.h - requests out of one connection or line, answers into it, at the pace asked for
 *
 *   READING ──request──▶ ANSWERING (waits, drips, or for room) ──▶ READING
 *      └── nothing to answer: still READING
 *
 * While it is answering it does not read: a client that sends more is served in order, and
 * one that does not read costs nothing. On a serial line nobody can be made to wait: what does
 * not fit is gone. Knows no value and no mode.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <systemd/sd-event.h>

#include "tools/sim_frame.h"

#define SIM_NOISE_MAX  32
#define SIM_ANSWER_MAX (2 * SIM_FRAME_MAX + SIM_NOISE_MAX) /* echo, noise, answer */

/**
 * struct sim_answer - what is to be sent
 * @n: of @bytes; 0 nothing
 * @wait_us: before the first of them
 * @drip_ms: before each further of them
 * @hang_up: instead
 */
struct sim_answer {
	size_t n;
	uint64_t wait_us;
	uint32_t drip_ms;
	bool hang_up;
	uint8_t bytes[SIM_ANSWER_MAX];
};

struct sim_stream;

/**
 * struct sim_stream_user - who answers
 * @on_request: @ret is empty at first
 * @on_malformed: bytes that were no request
 * @on_end: the other end has gone, or @hung_up: an answer said so; frees the stream
 */
struct sim_stream_user {
	void (*on_request)(void *userdata, const struct sim_frame *request, struct sim_answer *ret);
	void (*on_malformed)(void *userdata);
	void (*on_end)(void *userdata, bool hung_up);
};

/**
 * sim_stream_new() - serve a descriptor
 * @fd: does not block; closed with the stream, also on failure
 * @is_line: of a terminal: survives that nobody has the other side open
 * Return: 0; -ENOMEM; -errno.
 */
int sim_stream_new(struct sim_stream **ret, sd_event *event, int fd, bool is_line,
		   enum sim_framing framing, const struct sim_stream_user *user, void *userdata);

/** sim_stream_free() - @reset: TCP: by RST. Takes NULL. Return: NULL. */
struct sim_stream *sim_stream_free(struct sim_stream *stream, bool reset);
