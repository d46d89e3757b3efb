/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "common/macro.h"
#include "core/units.h"

#define HOUR_S	 3600.0
#define DAY_S	 86400.0
#define KELVIN_0 273.15

/* as they are written on instruments and in the regulations */
static const struct {
	const char *text;
	struct unit unit;
} units[] = {
	{"kg/m3", {UNIT_CONCENTRATION, 1, 0}},
	{"g/l", {UNIT_CONCENTRATION, 1, 0}},
	{"g/m3", {UNIT_CONCENTRATION, 1e-3, 0}},
	{"mg/l", {UNIT_CONCENTRATION, 1e-3, 0}},
	{"mg/m3", {UNIT_CONCENTRATION, 1e-6, 0}},
	{"ug/l", {UNIT_CONCENTRATION, 1e-6, 0}},
	{"ug/m3", {UNIT_CONCENTRATION, 1e-9, 0}},
	{"ng/l", {UNIT_CONCENTRATION, 1e-9, 0}},
	{"g/Nm3", {UNIT_GAS_CONCENTRATION, 1e-3, 0}},
	{"mg/Nm3", {UNIT_GAS_CONCENTRATION, 1e-6, 0}},
	{"ug/Nm3", {UNIT_GAS_CONCENTRATION, 1e-9, 0}},
	{"ng/Nm3", {UNIT_GAS_CONCENTRATION, 1e-12, 0}},
	{"%", {UNIT_VOLUME_FRACTION, 1e-2, 0}},
	{"%V", {UNIT_VOLUME_FRACTION, 1e-2, 0}},
	{"ppm", {UNIT_VOLUME_FRACTION, 1e-6, 0}},
	{"ppb", {UNIT_VOLUME_FRACTION, 1e-9, 0}},
	{"m3/s", {UNIT_FLOW, 1, 0}},
	{"m3/min", {UNIT_FLOW, 1 / 60.0, 0}},
	{"m3/h", {UNIT_FLOW, 1 / HOUR_S, 0}},
	{"m3/d", {UNIT_FLOW, 1 / DAY_S, 0}},
	{"m3/day", {UNIT_FLOW, 1 / DAY_S, 0}},
	{"l/s", {UNIT_FLOW, 1e-3, 0}},
	{"l/min", {UNIT_FLOW, 1e-3 / 60.0, 0}},
	{"l/h", {UNIT_FLOW, 1e-3 / HOUR_S, 0}},
	{"Nm3/s", {UNIT_GAS_FLOW, 1, 0}},
	{"Nm3/min", {UNIT_GAS_FLOW, 1 / 60.0, 0}},
	{"Nm3/h", {UNIT_GAS_FLOW, 1 / HOUR_S, 0}},
	{"Nm3/d", {UNIT_GAS_FLOW, 1 / DAY_S, 0}},
	{"kg/s", {UNIT_MASS_FLOW, 1, 0}},
	{"kg/h", {UNIT_MASS_FLOW, 1 / HOUR_S, 0}},
	{"kg/d", {UNIT_MASS_FLOW, 1 / DAY_S, 0}},
	{"g/s", {UNIT_MASS_FLOW, 1e-3, 0}},
	{"g/h", {UNIT_MASS_FLOW, 1e-3 / HOUR_S, 0}},
	{"t/h", {UNIT_MASS_FLOW, 1e3 / HOUR_S, 0}},
	{"t/d", {UNIT_MASS_FLOW, 1e3 / DAY_S, 0}},
	{"kg", {UNIT_MASS, 1, 0}},
	{"g", {UNIT_MASS, 1e-3, 0}},
	{"t", {UNIT_MASS, 1e3, 0}},
	{"K", {UNIT_TEMPERATURE, 1, 0}},
	{"°C", {UNIT_TEMPERATURE, 1, KELVIN_0}},
	{"oC", {UNIT_TEMPERATURE, 1, KELVIN_0}},
	{"C", {UNIT_TEMPERATURE, 1, KELVIN_0}},
	{"m/s", {UNIT_SPEED, 1, 0}},
	{"mm/h", {UNIT_SPEED, 1e-3 / HOUR_S, 0}}, /* of rain */
	{"km/h", {UNIT_SPEED, 1 / 3.6, 0}},
	{"mm", {UNIT_LENGTH, 1e-3, 0}},
	{"cm", {UNIT_LENGTH, 1e-2, 0}},
	{"m", {UNIT_LENGTH, 1, 0}},
	{"km", {UNIT_LENGTH, 1e3, 0}},
	{"deg", {UNIT_ANGLE, 1, 0}},
	{"°", {UNIT_ANGLE, 1, 0}},
	{"Pa", {UNIT_PRESSURE, 1, 0}},
	{"hPa", {UNIT_PRESSURE, 1e2, 0}},
	{"mbar", {UNIT_PRESSURE, 1e2, 0}},
	{"kPa", {UNIT_PRESSURE, 1e3, 0}},
	{"bar", {UNIT_PRESSURE, 1e5, 0}},
	{"m3", {UNIT_VOLUME, 1, 0}},
	{"hm3", {UNIT_VOLUME, 1e6, 0}},
};

/* the same unit is written in several ways: "mg/L", "µg/l" (two code points look like µ),
 * "m³/h", "mg/Nm³" */
static const struct {
	const char *written;
	const char *meant;
} spellings[] = {
	{"\xc2\xb5", "u"},	  /* U+00B5 micro sign */
	{"\xce\xbc", "u"},	  /* U+03BC Greek mu */
	{"\xc2\xb3", "3"},	  /* superscript 3 */
	{"\xc2\xba", "\xc2\xb0"}, /* masculine ordinal for the degree sign */
};

#define TEXT_MAX 24

static void normalise(const char *text, char ret[static TEXT_MAX])
{
	size_t n = 0;

	while (*text && n + 4 < TEXT_MAX) {
		size_t i;

		for (i = 0; i < ARRAY_SIZE(spellings); i++)
			if (strncmp(text, spellings[i].written, 2) == 0)
				break;
		if (i < ARRAY_SIZE(spellings)) {
			memcpy(ret + n, spellings[i].meant, strlen(spellings[i].meant));
			n += strlen(spellings[i].meant);
			text += 2;
		} else {
			ret[n++] = *text++;
		}
	}
	ret[*text ? 0 : n] = '\0';
	/* litres are written with a capital letter, too: nothing else ends or begins so */
	if (n >= 2 && strcmp(ret + n - 2, "/L") == 0)
		ret[n - 1] = 'l';
	if (strncmp(ret, "L/", 2) == 0)
		ret[0] = 'l';
}

int unit_parse(const char *text, struct unit *ret)
{
	char plain[TEXT_MAX];

	normalise(text, plain);
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(units[i].text, plain) == 0) {
			*ret = units[i].unit;
			return 0;
		}
	}
	return -ENOENT;
}

const char *unit_dimension_text(enum unit_dimension dimension)
{
	static const char *const texts[] = {
		[UNIT_NONE] = "no unit",
		[UNIT_CONCENTRATION] = "mass concentration",
		[UNIT_GAS_CONCENTRATION] = "mass concentration in normal cubic metres",
		[UNIT_VOLUME_FRACTION] = "volume fraction",
		[UNIT_FLOW] = "flow",
		[UNIT_GAS_FLOW] = "flow in normal cubic metres",
		[UNIT_MASS_FLOW] = "mass flow",
		[UNIT_MASS] = "mass",
		[UNIT_TEMPERATURE] = "temperature",
		[UNIT_SPEED] = "speed",
		[UNIT_LENGTH] = "length",
		[UNIT_ANGLE] = "angle",
		[UNIT_PRESSURE] = "pressure",
		[UNIT_VOLUME] = "volume",
	};

	return texts[dimension];
}

int unit_convert(const char *from, const char *to, double value, double *ret)
{
	struct unit a, b;

	if (unit_parse(from, &a) < 0 || unit_parse(to, &b) < 0)
		return -ENOENT;
	if (a.dimension != b.dimension)
		return -EDOM;
	*ret = (value * a.factor + a.offset - b.offset) / b.factor;
	return 0;
}

bool unit_is_concentration(const char *measure, bool gas)
{
	struct unit unit;

	return unit_parse(measure, &unit) == 0 &&
	       (unit.dimension == UNIT_CONCENTRATION ||
		(gas && unit.dimension == UNIT_GAS_CONCENTRATION));
}

double unit_gas_concentration(double fraction, double molar_mass)
{
	return fraction * molar_mass / UNIT_MOLAR_VOLUME_L; /* g/l is kg/m3 */
}

int unit_mass_flow(const char *concentration, const char *flow, double *ret)
{
	struct unit c, f;

	if (unit_parse(concentration, &c) < 0 || unit_parse(flow, &f) < 0)
		return -ENOENT;
	if (!(c.dimension == UNIT_CONCENTRATION && f.dimension == UNIT_FLOW) &&
	    !(c.dimension == UNIT_GAS_CONCENTRATION && f.dimension == UNIT_GAS_FLOW))
		return -EDOM;
	*ret = c.factor * f.factor;
	return 0;
}
