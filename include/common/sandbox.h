/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox.h - does what the service manager should forbid fail? Tried, not read from settings
 *
 * Nothing leaves the machine, and none of it needs a network:
 *
 *   family    a socket of it is opened and closed. RestrictAddressFamilies= refuses that.
 *   file      is opened to read and closed. InaccessiblePaths= or its owner and mode refuse that.
 *   address   an empty UDP datagram is sent there by way of the loopback interface, which
 *             IP_UNICAST_IF (ip(7)) asks for. The filter of IPAddressDeny= looks at it by its
 *             address before the interface does, and refuses it with EPERM. Where there is no
 *             filter it ends on lo, at whoever listens on port 9 (discard) of all addresses, so
 *             at nobody. The filter knows addresses only: what holds for UDP holds for TCP. IPv6
 *             has no route to such an address by way of lo: there, nothing is shown unless a
 *             family is refused.
 *
 * A loopback address is somebody's on lo, so it is not tried. Keeps no state.
 */
#pragma once

#include <stdbool.h>

#include "common/wire.h"

/** sandbox_try() - try it, and set outcome and error; @trial as wire_check() has passed it */
void sandbox_try(struct wire_trial *trial);

/** sandbox_try_all() - the same for each of a TRIALS packet */
void sandbox_try_all(void *packet);

/** sandbox_is_loopback() - is it a loopback or no numeric address? Then it is not to be tried. */
bool sandbox_is_loopback(const char *address);

/** sandbox_is_name() - is it a host's name, which would have to be resolved first? */
bool sandbox_is_name(const char *address);
