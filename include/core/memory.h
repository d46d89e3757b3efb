/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory.h - what happens when there is no memory for what a library builds
 *
 * Entries, reports and alerts are built of many small pieces. jansson and libxml2 forget a piece
 * for which there was no room where nobody asks after each one, and a report without its alarms
 * would go out as if there were none; libcrypto 3.0 follows a NULL while it initialises itself. All
 * of this was found by tests/faults/alloc.c. So such a program ends instead, with a word, as after
 * a failed commit: nothing unwritten was told, and the next start goes on from the disk. What the
 * core allocates itself is checked where it is done, and fails the batch.
 */
#pragma once

/** memory_init() - once, before anything else is done with one of these libraries */
void memory_init(void);
