/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quality.h - what a value is worth
 *
 * A value that is not good never enters a mean, never raises an alarm about a limit and
 * never clears one. The numbers are written to the record: add at the end, never renumber.
 */
#pragma once

#include <stdbool.h>

enum quality {
	QUALITY_GOOD = 0,
	QUALITY_CALIBRATING = 1,
	QUALITY_MAINTENANCE = 2,
	QUALITY_DEVICE_FAULT = 3,
	QUALITY_OUT_OF_RANGE = 4,
	QUALITY_FROZEN = 5,
	QUALITY_RATE = 6, /* implausible rate of change */
	QUALITY_NOT_A_NUMBER = 7,
	QUALITY_COMMUNICATION_LOST = 8,
	QUALITY_STALE = 9, /* nothing came in time */
	QUALITY_NOT_IN_OPERATION =
		10, /* its enabling condition does not hold: nothing to measure */
	QUALITY_MAX = QUALITY_NOT_IN_OPERATION,
};

/** quality_text() - "good", "out of range", … */
const char *quality_text(enum quality quality);

/** quality_circular() - "00", "01" or "02" of Circular 10/2021/TT-BTNMT */
const char *quality_circular(enum quality quality);

/**
 * quality_is_silent() - does it say nothing about the device and its value: no answer came, or
 * there was nothing to measure
 */
bool quality_is_silent(enum quality quality);

/** quality_worse() - the worse of two, as Circular files aggregate: 02 > 01 > 00 */
enum quality quality_worse(enum quality a, enum quality b);
