/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_state.h - what a status register must hold to say something
 *
 * The reverse of the rules in struct config_state, found by trying. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/config.h"

/** sim_state_verdict() - what @raw means by the rules of @state */
enum quality sim_state_verdict(const struct config_state *state, uint64_t raw);

/** sim_state_shares() - are two states read from the same bits of the same unit? */
bool sim_state_shares(const struct config_state *a, const struct config_state *b);

/**
 * sim_state_find() - a bit pattern with which the worst that @state, and all that share its
 * bits, say is @quality
 *
 * Bits and bytes and 16-bit registers are searched whole; of 32 bits what the rules name, and
 * each half.
 * Return: 0; -ENOENT there is none, or none was found.
 */
int sim_state_find(const struct config *config, size_t state, enum quality quality, uint64_t *ret);
