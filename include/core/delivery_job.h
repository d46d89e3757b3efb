/* SPDX-License-Identifier: Apache-2.0 */
/*
 * delivery_job.h - a report or data file as the sender gets it: one attempt, one packet
 *
 * A report is posted with the headers of Standard Webhooks, signed anew for each attempt. A
 * data file is uploaded to its place below the destination's URL; it bears no signature.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/config.h"
#include "core/record.h"
#include "core/service.h"

/**
 * struct delivery_attempt - what the packet is made of; all the caller's
 * @destination: index into the configuration
 * @id: comes back with the result
 * @now_s: UTC, for the signature
 */
struct delivery_attempt {
	const struct config *config;
	const struct keys *keys;
	size_t destination;
	const struct record_job *job;
	uint64_t id;
	int64_t now_s;
};

/**
 * delivery_job_make() - write the packet
 * @packet: room for WIRE_PACKET_MAX bytes
 *
 * Return: 0; -EMSGSIZE it does not fit, -EINVAL it cannot be signed or is no such file: it
 *   will never go as it is; -ENOMEM; -EIO libcrypto failed.
 */
int delivery_job_make(const struct delivery_attempt *attempt, uint8_t *packet, size_t *ret_n);

/**
 * delivery_job_url() - where a file is to be: URL/PATH
 * @path: "DIRECTORY/FILE_yyyyMMddHHmmss.txt"; what a URL has no room for is written %XX
 * Return: freed by the caller; NULL: no memory.
 */
char *delivery_job_url(const char *url, const char *path);
