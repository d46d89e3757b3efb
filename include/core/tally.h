/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tally.h - what happens again and again is counted, and told once in a while
 *
 * A program that was taken over must not fill the record with entries. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define TALLY_MS 10000 /* between two entries about the same */

/**
 * struct tally - zeros at first
 * @n: not told yet, never above INT64_MAX
 * @said_ms: monotonic; 0 never
 */
struct tally {
	uint64_t n;
	int64_t said_ms;
};

/** tally_add() - @n more */
void tally_add(struct tally *tally, uint64_t n);

/**
 * tally_take() - how many are to be told of now
 * @all: whatever waits, since nothing comes after this
 * Return: 0: nothing, or the last entry is too fresh.
 */
int64_t tally_take(struct tally *tally, int64_t mono_ms, bool all);
