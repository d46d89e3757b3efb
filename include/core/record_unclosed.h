/* SPDX-License-Identifier: Apache-2.0 */
/* record_unclosed.h - incidents that wait for somebody to close them, read from the record */
#pragma once

#include "core/record.h"

/** struct record_unclosed - texts are SQLite's until the callback returns */
struct record_unclosed {
	const char *id;
	const char *state; /* "open", "ended", "removed" */
	const char *class;
	const char *level;
	int64_t opened_ms;
	int64_t ended_ms;
};

/** record_unclosed() - incidents that nobody has closed, the oldest first, from the @skip-th on
 * Return: how many, @most at most; -errno, also what @each ends it with. */
int record_unclosed(struct record *record, uint32_t skip, uint32_t most,
		    int (*each)(void *userdata, const struct record_unclosed *incident),
		    void *userdata);
