/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_encode.h - from an engineering value to the registers of a device
 *
 * The reverse of core/decode.h, written from the description in that header alone, so that
 * the two judge each other. Pure: no clock, no I/O, no allocation.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "core/decode.h"

#define SIM_ENCODE_WORDS_MAX 4

/** sim_encode_n_words() - registers of a value of @type: 1, 2 or 4 */
size_t sim_encode_n_words(enum decode_type type);

/** sim_encode_raw_max() - largest bit pattern of @type, as an unsigned number */
uint64_t sim_encode_raw_max(enum decode_type type);

/**
 * sim_encode_raw() - the bit pattern that a device would hold for @value
 * @value: engineering value; integers are rounded to the nearest step, halves away from 0
 *
 * Return: 0; -ERANGE it does not fit into the type, @ret is then the nearest that does;
 *   -EDOM not a number and the type is none that has one (@ret untouched).
 */
int sim_encode_raw(const struct decode *d, double value, uint64_t *ret);

/**
 * sim_encode_nan() - the bit pattern by which this channel says "no value"
 *
 * NaN for floats, else the first invalid code.
 * Return: 0; -EDOM the channel has neither.
 */
int sim_encode_nan(const struct decode *d, uint64_t *ret);

/**
 * sim_encode_words() - lay a bit pattern out in registers
 * @words: sim_encode_n_words() registers in host byte order; a bit or byte sets its own
 *   part of @words[0] only, so that several may share a register
 */
void sim_encode_words(const struct decode *d, uint64_t raw,
		      uint16_t words[static SIM_ENCODE_WORDS_MAX]);
