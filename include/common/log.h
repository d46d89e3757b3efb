/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - lines for the people who run the programs
 *
 * Goes to stderr with the priority in sd-daemon(3) form ("<4>text"), which journald
 * understands; on a terminal the prefix is left out. Never blocks: a line that
 * nobody takes is dropped, and the next one that is taken says how many were.
 * Entries of the record take another way, see core/journal.h.
 */
#pragma once

#include <stdbool.h>

enum log_priority {
	LOG_PRIORITY_CRIT = 2,
	LOG_PRIORITY_ERR = 3,
	LOG_PRIORITY_WARNING = 4,
	LOG_PRIORITY_NOTICE = 5,
	LOG_PRIORITY_INFO = 6,
	LOG_PRIORITY_DEBUG = 7,
};

/** log_init() - @verbose: debug lines too */
void log_init(const char *program, bool verbose);

/** log_line() - one message: what happened, to what, and what to do; no newline at its end */
void log_line(enum log_priority priority, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define log_crit(...)	 log_line(LOG_PRIORITY_CRIT, __VA_ARGS__)
#define log_err(...)	 log_line(LOG_PRIORITY_ERR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_PRIORITY_WARNING, __VA_ARGS__)
#define log_notice(...)	 log_line(LOG_PRIORITY_NOTICE, __VA_ARGS__)
#define log_info(...)	 log_line(LOG_PRIORITY_INFO, __VA_ARGS__)
#define log_debug(...)	 log_line(LOG_PRIORITY_DEBUG, __VA_ARGS__)
