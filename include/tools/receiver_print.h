/* SPDX-License-Identifier: Apache-2.0 */
/*
 * receiver_print.h - one line of stdout per request, in plain words or as JSON
 *
 * Keeps no state. Not for several threads at once: the caller locks.
 */
#pragma once

#include "tools/receiver_server.h"

/**
 * receiver_print_line() - one request
 * @status: of the answer, 0 none was given
 * @id, @type: checked texts, NULL none
 *
 * With --quiet only conflicts are printed.
 */
void receiver_print_line(const struct receiver_settings *settings, int status, const char *id,
			 const char *type, const char *text);

/** receiver_print_stored() - a report that was kept, with what was verified */
void receiver_print_stored(const struct receiver_settings *settings, const char *id,
			   const char *type);
