/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ration.h - how much each caller may ask of the core
 *
 * Every action is a synced commit and an entry for ever, so no account gets more than
 * RATION_PER_S a second on average, and RATION_BURST at once. An account that floods uses up
 * its own ration and nobody else's. Pure: no clock, no allocation.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define RATION_BURST	100 /* a flood of alarms acknowledged one by one in one go */
#define RATION_PER_S	10
#define RATION_ACCOUNTS 32

/** struct ration_account - @left: thousandths of an action; @mono_ms: as of when */
struct ration_account {
	uint32_t uid;
	bool used;
	int64_t left;
	int64_t mono_ms;
};

/** struct ration - all zeros at first */
struct ration {
	struct ration_account accounts[RATION_ACCOUNTS];
};

/**
 * ration_take() - one action of an account
 * @mono_ms: now; where it goes back, nothing is added
 *
 * Only the accounts that asked last are remembered: where there are more than RATION_ACCOUNTS,
 * the one that asked longest ago is forgotten.
 * Return: it may; false it has used up its ration.
 */
bool ration_take(struct ration *ration, uint32_t uid, int64_t mono_ms);

#define RATION_WHOLE 1000 /* one action */

/**
 * ration_spend() - the same for what costs more or less than an action
 * @key: a user id, or whatever else tells those who ask apart
 * @cost: thousandths of an action; at most RATION_BURST actions
 */
bool ration_spend(struct ration *ration, uint32_t key, int64_t mono_ms, int64_t cost);
