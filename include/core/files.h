/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files.h - the department's data files: which station gets one, when, and what is in it
 *
 * A file per station and five-minute window. It becomes a row of the outbox like a report,
 * in the lowest lane: composed once, committed with the values that it was made of, kept
 * until the server has confirmed it, oldest first within its station.
 *
 *   webhook_id  "file:DESTINATION/DIRECTORY/FILE_yyyyMMddHHmmss.txt": what the outbox knows
 *               it by, and where it goes below the destination's URL
 *   incident    "file:SITE/STATION": a row of its own in which the oldest goes first; no
 *               incident's id has a colon
 *
 * The same name never goes out with two contents: the outbox keeps the first and drops what
 * comes later under its name, which happens where the clock was set back. The minute rows of
 * the record then hold what was measured in both.
 *
 * A delivered file makes no entry of the record: one every five minutes per station would bury
 * what matters. The outbox keeps each with the moment of its delivery, byte for byte, for as
 * long as the minute values are kept. Entries say when a server refuses a file, and when it
 * takes that one.
 *
 * Pure: no clock, no I/O.
 */
#pragma once

#include <stdint.h>

#include "common/clock.h"
#include "core/core.h"

#define FILES_TYPE   "file" /* type of such a row in the outbox */
#define FILES_PREFIX "file:"
#define FILES_LANE   2 /* behind emergencies, 0, and all other reports, 1 */

/**
 * files_window() - a stream has closed a five-minute window: put the files into the batch that
 *   have waited for it only
 * @start_ms: the window's first moment, UTC
 * @at: the moment of the stream whose time closed it
 *
 * To be called for every window in turn, those included that went by while nothing ran, up to a
 * day back: their
 * files say 02 and no value. A station whose channels are read by several pollers gets its file
 * when the last of their streams has closed the window. A stream that is ahead then may have
 * closed the next one already, not more: what came before that is not known any more, and counts
 * as not sampled.
 *
 * Stations all of whose channels take no part (replay) get none.
 */
void files_window(struct core *core, size_t stream, int64_t start_ms, struct stamp at);

/** files_path() - of a @webhook_id: "DIRECTORY/FILE_yyyyMMddHHmmss.txt"; NULL: it is no file's */
const char *files_path(const char *webhook_id);
