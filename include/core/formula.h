/* SPDX-License-Identifier: Apache-2.0 */
/*
 * formula.h - the value of a derived channel from those of its inputs; see enum formula
 *
 * Pure: no clock, no I/O, no allocation.
 */
#pragma once

#include "core/config.h"

#define FORMULA_AIR_OXYGEN 20.9 /* per cent by volume in air, QCVN 19:2024/BTNMT */

/**
 * formula_value() - calculate
 * @inputs: good values of @channel's inputs, in their order
 * @ret: untouched on failure, except that a finite value outside the range is handed out too
 *
 * Return: 0; -EDOM nothing can be divided by the second input; -EOVERFLOW the result is no
 *   number; -ERANGE it is outside the channel's range.
 */
int formula_value(const struct config_channel *channel, const double *inputs, double *ret);
