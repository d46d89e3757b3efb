/* SPDX-License-Identifier: Apache-2.0 */
/*
 * head.h - what is signed of the record: who speaks, how many entries, the last one's hash
 *
 * A note of five lines in the manner of C2SP signed-note: origin, number of the last entry, its
 * hash, a time (UTC), the key's id. Whoever keeps one can show later what the record was then.
 * Every commit signs the note of its last entry, every report carries that of its own entry.
 * No clock, no I/O.
 */
#pragma once

#include "core/event.h"
#include "core/sign.h"

#define HEAD_NOTE_MAX 512

/**
 * head_note() - the note of @chain's last entry
 * @wall_ms: its time line
 * @ret_key_id: id of @chain's key, "none" where it has none
 * Return: 0; -EOPNOTSUPP the key signs no heads.
 */
int head_note(const char *origin, const struct chain *chain, int64_t wall_ms,
	      char ret[static HEAD_NOTE_MAX], char ret_key_id[static SIGN_KEY_ID_TEXT]);
