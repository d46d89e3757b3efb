/* SPDX-License-Identifier: Apache-2.0 */
/*
 * facts.h - what the core keeps for heartbeats, see heartbeat.h
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/config.h"

/** struct core_heartbeat - when a destination was told something last; @key: of its name, 0 free;
 * @told_ms: monotonic */
struct core_heartbeat {
	uint64_t key;
	int64_t told_ms;
};

/**
 * struct core_facts - what only the service knows, for heartbeats; not saved
 * @known: it has said so
 * @reports_waiting: by destination
 * @disk_free_bytes: where the record is, -1 not known
 * @verified_ms: UTC; when the whole record was verified last, 0 not known
 */
struct core_facts {
	bool known;
	bool verified_good;
	int64_t reports_waiting[CONFIG_DESTINATIONS_MAX];
	int64_t disk_free_bytes;
	int64_t verified_ms;
};
