/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard.h - whatever a command prints goes through here
 *
 * A second line behind scrub.h and history_for_people(), which see the ends of lines in a text,
 * too: nobody can forget this one. Of what is not plain (common/plain.h) only ends of lines, tabs,
 * and the command's own colours and progress get through.
 */
#pragma once

/**
 * enum guard - how stdout is written
 * GUARD_TEXT: what is not plain becomes "?"
 * GUARD_JSON: it becomes an escape of JSON, so that the data stays the same
 * GUARD_RAW: it stays; for bytes that must be the ones of the record, and only where stdout is no
 *	terminal, else GUARD_TEXT
 */
enum guard { GUARD_TEXT, GUARD_JSON, GUARD_RAW };

/** guard_streams() - from now on stdout is written in this way, and stderr as GUARD_TEXT; may be
 * called again */
void guard_streams(enum guard guard);

/** guard_finish() - the last of it: a character that was begun and has no end. Return: 0; -errno.
 */
int guard_finish(void);
