/* SPDX-License-Identifier: Apache-2.0 */
/*
 * losses.h - readings that will never come, and pollers that began anew: counted, and told
 */
#pragma once

#include "core/service.h"
#include "core/tally.h"

/**
 * struct losses - zeros at first
 * @dropped: readings that a poller's full buffer let go
 * @unseen: readings that were made before this record knew the poller
 * @started: pollers that began anew; @since_ms: what the first of them followed, UTC, 0 nothing
 */
struct losses {
	struct tally dropped;
	struct tally unseen;
	struct tally started;
	int64_t since_ms;
};

/** losses_started() - a poller began anew; @since_ms: last moment of the one before, 0 none */
void losses_started(struct losses *losses, int64_t since_ms);

/** losses_say() - entries about what is due to be told; @all: about all, since nothing follows */
void losses_say(struct losses *losses, struct service *service, bool all);
