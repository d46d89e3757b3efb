/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <math.h>

#include "core/formula.h"

static bool has_divisor(const struct config_channel *channel, const double *inputs)
{
	if (channel->formula == FORMULA_OXYGEN)
		return inputs[1] < FORMULA_AIR_OXYGEN;
	if (channel->formula == FORMULA_RATIO)
		return inputs[1] != 0 && fabs(inputs[1]) >= channel->least;
	return true;
}

static double calculate(const struct config_channel *channel, const double *x)
{
	double sum = 0;

	switch (channel->formula) {
	case FORMULA_NONE:
		return (double)NAN;
	case FORMULA_OXYGEN:
		return x[0] * (FORMULA_AIR_OXYGEN - channel->reference) /
		       (FORMULA_AIR_OXYGEN - x[1]);
	case FORMULA_LOAD:
		return x[0] * x[1] * channel->factor;
	case FORMULA_SUM:
		for (size_t i = 0; i < channel->n_inputs; i++)
			sum += x[i];
		return sum * channel->factor;
	case FORMULA_DIFFERENCE:
		return (x[0] - x[1]) * channel->factor;
	case FORMULA_RATIO:
		return x[0] / x[1] * channel->factor;
	}
	return (double)NAN;
}

int formula_value(const struct config_channel *channel, const double *inputs, double *ret)
{
	double value;

	if (!has_divisor(channel, inputs))
		return -EDOM;
	value = calculate(channel, inputs) + 0.0; /* no "-0" */
	if (!isfinite(value))
		return -EOVERFLOW;
	*ret = value;
	return value < channel->decode.min || value > channel->decode.max ? -ERANGE : 0;
}
