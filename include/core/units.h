/* SPDX-License-Identifier: Apache-2.0 */
/*
 * units.h - units of measure: what they are, and what one is in another
 *
 * Two units can be converted if they are of one dimension; anything else is an error, never a
 * guess. Gas volumes are at 25 °C and 101.325 kPa, as Nm3 of QCVN 19:2009/BTNMT 1.3.3 is; "ppm"
 * becomes a mass concentration only with the molar mass of the gas.
 *
 * Pure: no clock, no I/O, no allocation.
 */
#pragma once

#include <stdbool.h>

enum unit_dimension {
	UNIT_NONE,		/* no unit, or one that is not known here */
	UNIT_CONCENTRATION,	/* kg/m3, in water or actual gas volume */
	UNIT_GAS_CONCENTRATION, /* kg/Nm3 */
	UNIT_VOLUME_FRACTION,	/* m3/m3: %, ppm */
	UNIT_FLOW,		/* m3/s */
	UNIT_GAS_FLOW,		/* Nm3/s */
	UNIT_MASS_FLOW,		/* kg/s */
	UNIT_MASS,		/* kg */
	UNIT_TEMPERATURE,	/* K */
	UNIT_SPEED,		/* m/s */
	UNIT_LENGTH,		/* m */
	UNIT_ANGLE,		/* degrees */
	UNIT_PRESSURE,		/* Pa */
	UNIT_VOLUME,		/* m3 */
};

/** struct unit - SI value = value × @factor + @offset */
struct unit {
	enum unit_dimension dimension;
	double factor;
	double offset;
};

/** litres of an ideal gas per mol at 25 °C and 101.325 kPa: R·T/p, R of CODATA 2018 */
#define UNIT_MOLAR_VOLUME_L 24.465

/** unit_parse() - "mg/l", "m3/h", "°C", … Return: 0; -ENOENT not known here. */
int unit_parse(const char *text, struct unit *ret);

/** unit_dimension_text() - "mass concentration", … for messages */
const char *unit_dimension_text(enum unit_dimension dimension);

/**
 * unit_convert() - @value in @from as a number in @to
 * Return: 0; -ENOENT one of them is not known; -EDOM they are of different dimensions.
 */
int unit_convert(const char *from, const char *to, double value, double *ret);

/** unit_is_concentration() - mass in water or air, or, where @gas, in a normal volume of gas, too?
 */
bool unit_is_concentration(const char *measure, bool gas);

/**
 * unit_gas_concentration() - a volume fraction of a gas as kg/Nm3: φ × M / 24.465
 * @molar_mass: g/mol, positive
 */
double unit_gas_concentration(double fraction, double molar_mass);

/**
 * unit_mass_flow() - how concentration and flow make a mass flow
 * @ret: factor: concentration × flow × *ret is kg/s
 * Return: 0; -ENOENT one is not known; -EDOM they do not make one: mg/l needs m3/h or the like,
 *   mg/Nm3 needs Nm3/h, and mg/m3 m3/h.
 */
int unit_mass_flow(const char *concentration, const char *flow, double *ret);
