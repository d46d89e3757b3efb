/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe_daemon.h - does the daemon poll this link at present?
 *
 * Reads status.json only; touches neither daemon nor device.
 */
#pragma once

#include <stdbool.h>

#include "tools/probe_target.h"

/** enum probe_daemon - what the daemon does with a link */
enum probe_daemon {
	PROBE_DAEMON_AWAY, /* it does not run, does not poll, or not this link */
	PROBE_DAEMON_POLLS,
	PROBE_DAEMON_UP, /* it polls, and the link is up */
};

/**
 * probe_daemon_look()
 * @runtime: directory with status.json
 * @configured: the link is in the configuration: a status that lists not all links says
 *   nothing against it
 */
enum probe_daemon probe_daemon_look(const char *runtime, const struct probe_target *target,
				    bool configured);
