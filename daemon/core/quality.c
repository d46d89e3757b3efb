/* SPDX-License-Identifier: Apache-2.0 */
#include "core/quality.h"

/*
 * Circular 10/2021/TT-BTNMT knows three device states: 00 measuring, 01 calibrating, 02
 * fault. What a person does to the device on purpose is 01; all that leaves the value
 * worthless is 02. The rank orders the qualities of one code among themselves.
 */
static const struct {
	const char *text;
	const char *circular;
	int rank;
} rules[] = {
	/* quality                        text                 code  rank */
	[QUALITY_GOOD] = {"good", "00", 0},
	[QUALITY_CALIBRATING] = {"calibrating", "01", 1},
	[QUALITY_MAINTENANCE] = {"maintenance", "01", 2},
	[QUALITY_NOT_IN_OPERATION] = {"not in operation", "02", 3},
	[QUALITY_RATE] = {"implausible rate", "02", 4},
	[QUALITY_FROZEN] = {"frozen", "02", 5},
	[QUALITY_OUT_OF_RANGE] = {"out of range", "02", 6},
	[QUALITY_NOT_A_NUMBER] = {"not a number", "02", 7},
	[QUALITY_DEVICE_FAULT] = {"device fault", "02", 8},
	[QUALITY_STALE] = {"stale", "02", 9},
	[QUALITY_COMMUNICATION_LOST] = {"communication lost", "02", 10},
};

const char *quality_text(enum quality quality)
{
	return rules[quality].text;
}

const char *quality_circular(enum quality quality)
{
	return rules[quality].circular;
}

bool quality_is_silent(enum quality quality)
{
	return quality == QUALITY_COMMUNICATION_LOST || quality == QUALITY_STALE ||
	       quality == QUALITY_NOT_IN_OPERATION;
}

enum quality quality_worse(enum quality a, enum quality b)
{
	return rules[b].rank > rules[a].rank ? b : a;
}
