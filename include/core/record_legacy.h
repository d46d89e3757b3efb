/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record_legacy.h - what waits in the outbox from a time when no entry fixed it
 *
 * An older version has left it, or a record that was set aside. Nobody can say of it that it was
 * made here, so it is believed once, and the chain says so: an entry "reports.fixed" at the first
 * start says how many they are ("left"), those after it fix some of them each and say how many
 * are still to come. Nothing is believed behind the one that says 0, nor of a record in which a
 * version that fixes what it makes has run before (verify_reports.c).
 *
 *                first commit: they are counted       record_legacy_decide()
 *   not known ─────────────────────────────▶ ASKED ─────────────────────────▶ TAKEN ──▶ done
 *                                              │ the chain itself says that they cannot be
 *                                              └───────────────────────────▶ done
 *
 * A hundred thousand of them are two hundred megabytes of pages that change: a transaction for
 * each piece, so that a start does not wait and the log stays short. What is known is in the
 * chain, so a crash between two pieces loses nothing.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct record;

#define RECORD_LEGACY_ROWS 100 /* fixed by one commit, some 10 ms */

enum record_legacy_state {
	LEGACY_UNKNOWN,
	LEGACY_ASKED, /* some wait, and whether the chain lets them be is not known yet */
	LEGACY_TAKEN, /* it does */
	LEGACY_DONE_WITH,
};

/**
 * struct record_legacy
 * @left: how many the chain still allows for
 * @ids: of all that wait, @n; @at: the next to look at
 */
struct record_legacy {
	enum record_legacy_state state;
	int64_t left;
	int64_t *ids;
	size_t n;
	size_t at;
};

/** record_legacy_state() - as of the last commit */
enum record_legacy_state record_legacy_state(const struct record *record);

/**
 * record_legacy_decide() - what LEGACY_ASKED comes to
 * @left: how many are to come, as all verified entries say; 0: none can be believed
 * Return: 0; -errno.
 */
int record_legacy_decide(struct record *record, uint64_t left);
